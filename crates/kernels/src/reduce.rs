//! Reductions: sums, means, norms, extremes along axes.

use crate::activation::{fill_all, load_part};
use crate::elementwise::check_rank;
use crate::layout::transpose;
use crate::math;
use crate::memory::Buffer;
use crate::shape::{SpecError, checked_len, expect_len};
use crate::simd::F32x4;
use core::array;

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

    /// Takes rows of `width` in, of each what lies from `first` on; `about` may be longer than `found`.
    fn take(self, found: &mut [f32], rows: &[f32], first: usize, width: usize, about: &[f32]) {
        let whole = found.len() & !3;
        let (vectors, rest) = found.split_at_mut(whole);
        if whole > 0 {
            self.take_vectors(vectors, rows, first, width, &about[..whole]);
        }
        if !rest.is_empty() {
            let part = |values: &[f32]| load_part(&values[whole..][..rest.len()]).to_array();
            let (mut last, about) = (load_part(rest).to_array(), part(about));
            for row in rows.chunks_exact(width) {
                self.take_vectors(&mut last, &part(&row[first..]), 0, 4, &about);
            }
            rest.copy_from_slice(&last[..rest.len()]);
        }
    }

    /// A call for many rows: one for each took half as long again.
    #[inline(never)]
    fn take_vectors(self, found: &mut [f32], rows: &[f32], first: usize, width: usize, about: &[f32]) {
        let rows = Rows { rows, first, width, about };
        match self {
            Self::Sum => rows.zip_pairs(found, |found, x, _| found + x),
            Self::Square => rows.zip_pairs(found, |found, x, about| (x - about).mul_add(x - about, found)),
            Self::Abs => rows.zip_pairs(found, |found, x, _| found + x.abs()),
            Self::Exp => rows.zip(found, |found, x, about| found + math::exp(x - about)),
            Self::Max => rows.zip_pairs(found, |found, x, _| found.max(x)),
            Self::Min => rows.zip_pairs(found, |found, x, _| found.min(x)),
            Self::Prod => rows.zip_pairs(found, |found, x, _| found * x),
        }
    }
}

/// Rows of `width`, which is not 0, whose columns from `first` on are folded, and numbers of those columns.
#[derive(Clone, Copy)]
struct Rows<'a> {
    rows: &'a [f32],
    first: usize,
    width: usize,
    about: &'a [f32],
}

impl<'a> Rows<'a> {
    /// The vectors of a row that are folded, as many as `len` floats make.
    #[inline(always)]
    fn vectors(&self, row: &'a [f32], len: usize) -> &'a [[f32; 4]] {
        row[self.first..][..len].as_chunks().0
    }

    #[inline(always)]
    fn zip(self, found: &mut [f32], f: impl Fn(F32x4, F32x4, F32x4) -> F32x4) {
        let about = self.about.as_chunks::<4>().0;
        let mut rows = self.rows;
        while let Some((row, rest)) = rows.split_at_checked(self.width) {
            rows = rest;
            let row = self.vectors(row, found.len());
            for ((found, x), about) in found.as_chunks_mut::<4>().0.iter_mut().zip(row).zip(about) {
                f(F32x4::load(found), F32x4::load(x), F32x4::load(about)).store(found);
            }
        }
    }

    /// [`Self::zip`], two rows at a time: what was found is loaded and stored half as often.
    #[inline(always)]
    fn zip_pairs(self, found: &mut [f32], f: impl Fn(F32x4, F32x4, F32x4) -> F32x4) {
        let about = self.about.as_chunks::<4>().0;
        // Not `chunks_exact`, whose divisions take longer than a short row.
        let mut rows = self.rows;
        while let Some((pair, rest)) = rows.split_at_checked(2 * self.width) {
            rows = rest;
            let (a, b) = pair.split_at(self.width);
            let (a, b) = (self.vectors(a, found.len()), self.vectors(b, found.len()));
            for (((found, a), b), about) in found.as_chunks_mut::<4>().0.iter_mut().zip(a).zip(b).zip(about) {
                let about = F32x4::load(about);
                f(f(F32x4::load(found), F32x4::load(a), about), F32x4::load(b), about).store(found);
            }
        }
        Self { rows, ..self }.zip(found, f);
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
    fill_all(to, fold.start());
    for rows in rows.chunks(BLOCK * width) {
        fill_all(block, fold.start());
        fold.take(block, rows, first, width, about);
        fold.merge().take(to, block, 0, block.len(), about);
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
    let (whole, rest) = row.split_at(row.len() / WIDTH * WIDTH);
    if row.len() > BLOCK * WIDTH {
        fold_tile(fold, whole, 0, WIDTH, &about, lanes);
    } else {
        fold.take(lanes, whole, 0, WIDTH, &about);
    }
    fold.take(&mut lanes[..rest.len()], rest, 0, rest.len(), &about);
    let start = f64::from(fold.start());
    let result = match fold {
        Fold::Max | Fold::Min => {
            let better = |a: F32x4, b: F32x4| if fold == Fold::Max { a.max(b) } else { a.min(b) };
            let (fours, rest) = lanes.as_chunks::<4>();
            let best = fours.iter().map(F32x4::load).fold(F32x4::splat(fold.start()), better).to_array();
            let best =
                best.iter().chain(rest).fold(F32x4::splat(fold.start()), |best, &x| better(best, F32x4::splat(x)));
            best.to_array()[0].into()
        }
        Fold::Prod => lanes.iter().fold(start, |product, &x| product * f64::from(x)),
        _ => {
            // Four chains of additions, each of which waits for the one before.
            let (fours, rest) = lanes.as_chunks::<4>();
            let mut sums = [start; 4];
            for four in fours {
                sums = array::from_fn(|i| sums[i] + f64::from(four[i]));
            }
            rest.iter().map(|&x| f64::from(x)).chain(sums).sum()
        }
    };
    result as f32
}
