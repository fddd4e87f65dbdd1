//! Reductions: sums, means, norms, extremes along axes.

use crate::activation::load_part;
use crate::elementwise::check_rank;
use crate::layout::transpose;
use crate::math;
use crate::memory::Buffer;
use crate::shape::{SpecError, checked_len, expect_len};
use crate::simd::F32x4;

/// What becomes of many elements.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reduction {
    /// `Σ x`
    Sum,
    /// `Σ x / n`
    Mean,
    /// The largest; NaN if there is one.
    Max,
    /// The smallest; NaN if there is one.
    Min,
    /// The product.
    Prod,
    /// `Σ x²`
    SumSquare,
    /// `Σ |x|`
    L1,
    /// `√Σ x²`
    L2,
    /// `ln Σ x`
    LogSum,
    /// `ln Σ e^x`, where no power overflows.
    LogSumExp,
}

impl Reduction {
    /// The reduction of a number: 0.. in the order of the enum.
    pub fn from_code(code: u32) -> Result<Self, SpecError> {
        use Reduction::*;
        let all = [Sum, Mean, Max, Min, Prod, SumSquare, L1, L2, LogSum, LogSumExp];
        all.get(code as usize).copied().ok_or_else(|| SpecError::unknown_code("kind", code, all.len() - 1))
    }

    fn fold(self) -> Fold {
        match self {
            Self::Sum | Self::Mean | Self::LogSum => Fold::Sum,
            Self::Max => Fold::Max,
            Self::Min => Fold::Min,
            Self::Prod => Fold::Prod,
            Self::SumSquare | Self::L2 => Fold::Square,
            Self::L1 => Fold::Abs,
            Self::LogSumExp => Fold::Exp,
        }
    }

    /// What is done with a sum in the end.
    fn finish(self, x: f32, n: usize, about: f32) -> f32 {
        match self {
            Self::Mean => x / n as f32,
            Self::L2 => x.sqrt(),
            Self::LogSum => ln(x),
            Self::LogSumExp => ln(x) + about,
            _ => x,
        }
    }
}

fn ln(x: f32) -> f32 {
    math::log(F32x4::splat(x)).to_array()[0]
}

/// Reduces the axes of a tensor `shape` that `reduced` marks. The output's elements are those of the other axes, in their order.
///
/// Sums have many accumulators: their errors grow with the root of the number of elements rather than with it.
pub fn reduce(
    kind: Reduction,
    shape: &[usize],
    reduced: &[bool],
    input: &[f32],
    output: &mut [f32],
) -> Result<(), SpecError> {
    check_rank("shape", shape)?;
    expect_len("input", input.len(), checked_len("shape", shape)?)?;
    expect_len("axes", reduced.len(), shape.len())?;
    // Neighbours that are both reduced, or both kept, are one axis.
    let mut axes: Vec<(usize, bool)> = Vec::with_capacity(shape.len());
    for (&size, &is_reduced) in shape.iter().zip(reduced) {
        match axes.last_mut() {
            _ if size == 1 => {}
            Some((last, same)) if *same == is_reduced => *last *= size,
            _ => axes.push((size, is_reduced)),
        }
    }
    let kept: usize = axes.iter().filter(|axis| !axis.1).map(|axis| axis.0).product();
    expect_len("output", output.len(), kept)?;
    match *axes.as_slice() {
        [] => planes(kind, 1, 1, input, output),
        [(inner, false)] => planes(kind, 1, inner, input, output),
        [(n, true)] | [(_, false), (n, true)] => planes(kind, n, 1, input, output),
        [(n, true), (inner, false)] | [(_, false), (n, true), (inner, false)] => planes(kind, n, inner, input, output),
        _ => {
            // What is reduced goes behind the rest.
            let sizes: Vec<usize> = axes.iter().map(|axis| axis.0).collect();
            let of = |which: bool| axes.iter().enumerate().filter(move |(_, axis)| axis.1 == which).map(|(i, _)| i);
            let perm: Vec<usize> = of(false).chain(of(true)).collect();
            let mut buffer = Buffer::zeroed(input.len())?;
            transpose(&sizes, &perm, input, buffer.as_mut_slice())?;
            planes(kind, input.len() / kept, 1, buffer.as_slice(), output);
        }
    }
    Ok(())
}

/// Reduces the middle axis of `[outer, n, inner]`.
fn planes(kind: Reduction, n: usize, inner: usize, input: &[f32], output: &mut [f32]) {
    if inner == 1 {
        for (row, to) in input.chunks_exact(n).zip(output) {
            let about = if kind == Reduction::LogSumExp { finite(fold_row(Fold::Max, row, 0.0)) } else { 0.0 };
            *to = kind.finish(fold_row(kind.fold(), row, about), n, about);
        }
        return;
    }
    let mut about = [0.0; TILE];
    for (plane, to) in input.chunks_exact(n * inner).zip(output.chunks_exact_mut(inner)) {
        for (i, to) in to.chunks_mut(TILE).enumerate() {
            let first = i * TILE;
            let about = &mut about[..to.len()];
            if kind == Reduction::LogSumExp {
                fold_tile(Fold::Max, plane, first, inner, &[0.0; TILE], about);
                about.iter_mut().for_each(|x| *x = finite(*x));
            }
            fold_tile(kind.fold(), plane, first, inner, about, to);
            for (x, about) in to.iter_mut().zip(about) {
                *x = kind.finish(*x, n, *about);
            }
        }
    }
}

/// Zero instead of what would make every difference a NaN.
fn finite(x: f32) -> f32 {
    if x.is_finite() { x } else { 0.0 }
}

/// How elements come to what was found so far. Some are taken about a number of their column.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fold {
    Sum,
    /// `(x - about)²`
    Square,
    Abs,
    /// `e^(x - about)`
    Exp,
    Max,
    Min,
    Prod,
}

impl Fold {
    /// What nothing folds to.
    fn start(self) -> f32 {
        match self {
            Self::Max => f32::NEG_INFINITY,
            Self::Min => f32::INFINITY,
            Self::Prod => 1.0,
            _ => 0.0,
        }
    }

    /// How two results become one.
    fn merge(self) -> Self {
        match self {
            Self::Square | Self::Abs | Self::Exp => Self::Sum,
            other => other,
        }
    }

    /// Takes a row in; `about` and `row` may be longer than `found`.
    fn take(self, found: &mut [f32], row: &[f32], about: &[f32]) {
        let whole = found.len() & !3;
        let (vectors, rest) = found.split_at_mut(whole);
        self.take_vectors(vectors, &row[..whole], &about[..whole]);
        if !rest.is_empty() {
            let [row, about] = [row, about].map(|values| load_part(&values[whole..][..rest.len()]).to_array());
            let mut last = load_part(rest).to_array();
            self.take_vectors(&mut last, &row, &about);
            rest.copy_from_slice(&last[..rest.len()]);
        }
    }

    fn take_vectors(self, found: &mut [f32], row: &[f32], about: &[f32]) {
        match self {
            Self::Sum => zip(found, row, about, |found, x, _| found + x),
            Self::Square => zip(found, row, about, |found, x, about| (x - about).mul_add(x - about, found)),
            Self::Abs => zip(found, row, about, |found, x, _| found + x.abs()),
            Self::Exp => zip(found, row, about, |found, x, about| found + math::exp(x - about)),
            Self::Max => zip(found, row, about, |found, x, _| found.max(x)),
            Self::Min => zip(found, row, about, |found, x, _| found.min(x)),
            Self::Prod => zip(found, row, about, |found, x, _| found * x),
        }
    }
}

#[inline(always)]
fn zip(found: &mut [f32], row: &[f32], about: &[f32], f: impl Fn(F32x4, F32x4, F32x4) -> F32x4) {
    let (row, about) = (row.as_chunks::<4>().0, about.as_chunks::<4>().0);
    for ((found, x), about) in found.as_chunks_mut::<4>().0.iter_mut().zip(row).zip(about) {
        f(F32x4::load(found), F32x4::load(x), F32x4::load(about)).store(found);
    }
}

/// Columns that are folded together.
const TILE: usize = 256;
/// Rows that are folded before the result goes to that of the rows before: sums of sums.
const BLOCK: usize = 128;
/// Accumulators of a row.
const WIDTH: usize = 32;

/// Folds each of the columns from `first` on, as many as `to` takes, of rows of `width`. `about` has a number a column of `to`.
fn fold_tile(fold: Fold, rows: &[f32], first: usize, width: usize, about: &[f32], to: &mut [f32]) {
    let mut block = [0.0; TILE];
    let block = &mut block[..to.len()];
    to.fill(fold.start());
    for rows in rows.chunks(BLOCK * width) {
        block.fill(fold.start());
        for row in rows.chunks_exact(width) {
            fold.take(block, &row[first..], about);
        }
        fold.merge().take(to, block, about);
    }
}

/// Folds each column of rows of `to.len()` elements. `about` has a number a column.
pub(crate) fn fold_columns(fold: Fold, rows: &[f32], about: &[f32], to: &mut [f32]) {
    let width = to.len();
    for (i, to) in to.chunks_mut(TILE).enumerate() {
        fold_tile(fold, rows, i * TILE, width, &about[i * TILE..], to);
    }
}

/// Folds elements that lie together.
pub(crate) fn fold_row(fold: Fold, row: &[f32], about: f32) -> f32 {
    let about = [about; WIDTH];
    let mut lanes = [fold.start(); WIDTH];
    let lanes = &mut lanes[..row.len().min(WIDTH)];
    if row.len() > BLOCK * WIDTH {
        fold_tile(fold, &row[..row.len() / WIDTH * WIDTH], 0, WIDTH, &about, lanes);
        let rest = row.chunks_exact(WIDTH).remainder();
        fold.take(&mut lanes[..rest.len()], rest, &about);
    } else {
        for row in row.chunks(WIDTH) {
            fold.take(&mut lanes[..row.len()], row, &about);
        }
    }
    let start = f64::from(fold.start());
    let result = match fold {
        Fold::Max => lanes.iter().fold(fold.start(), |max, &x| if x > max || x.is_nan() { x } else { max }).into(),
        Fold::Min => lanes.iter().fold(fold.start(), |min, &x| if x < min || x.is_nan() { x } else { min }).into(),
        Fold::Prod => lanes.iter().fold(start, |product, &x| product * f64::from(x)),
        _ => lanes.iter().fold(start, |sum, &x| sum + f64::from(x)),
    };
    result as f32
}
