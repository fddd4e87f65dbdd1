//! The micro-kernel: one tile of `R x 4V` sums over packed panels.

use super::{MR, NR, RightHand};
use crate::epilogue::Epilogue;
use crate::simd::F32x4;
use core::array::from_fn;

/// What a panel of B's columns needs beside its numbers.
pub(crate) struct Columns<'a> {
    /// First column.
    pub(crate) first: usize,
    /// Columns that exist; the panel is padded to whole vectors.
    pub(crate) width: usize,
    /// What sums start from: the bias in the first block of depth, else what `output` holds.
    pub(crate) start: Option<[f32; NR]>,
    /// Added to the sums; lies as the output does.
    pub(crate) residual: Option<&'a [f32]>,
    /// Smallest and largest result.
    pub(crate) clamp: [f32; 2],
}

impl<'a> Columns<'a> {
    /// Panel of the columns from `first` on of `b`, in a first and last block of depth.
    pub(crate) fn new(first: usize, b: &RightHand<'a>) -> Self {
        let width = NR.min(b.n - first);
        let mut start = [0.0; NR];
        if let Some(bias) = b.epilogue.bias {
            start[..width].copy_from_slice(&bias[first..first + width]);
        }
        let (clamp, _) = b.epilogue.clamp();
        Self { first, width, start: Some(start), residual: b.epilogue.residual, clamp }
    }

    /// Panel of `width` columns of a plain product: nothing is added, nothing clamped.
    pub(crate) fn plain(first: usize, width: usize) -> Self {
        Self { first, width, start: Some([0.0; NR]), residual: None, clamp: Epilogue::UNCLAMPED }
    }

    /// The panel in one block of depth of several: the first starts from the bias, the last has the rest of the epilogue.
    pub(crate) fn in_block(self, is_first: bool, is_last: bool) -> Self {
        let start = if is_first { self.start } else { None };
        let plain = Self::plain(self.first, self.width);
        if is_last { Self { start, ..self } } else { Self { start, ..plain } }
    }
}

/// `output[rows[r] + columns.first ..] = start + a b` for `R` rows and `V` vectors of columns.
///
/// `a` is `[k / 4][R][4]`, `b` `[k / 4][4][4 V]`. The loop over a quad must stay a loop: its length is `left.min(4)`, which
/// the compiler does not know. Where it was unrolled, LLVM's scheduler reordered the sixty-odd instructions by its own idea of
/// register pressure, all of B's vectors were live at once and the accumulators spilled: 46 instead of 56 GFLOP/s
/// (Zen 4, Node 24; the peak measured there was 57).
#[inline(never)]
pub(super) fn tile<const R: usize, const V: usize>(
    k: usize,
    a: &[f32],
    b: &[f32],
    columns: &Columns<'_>,
    output: &mut [f32],
    rows: &[usize; MR],
) {
    let rows: [usize; R] = from_fn(|r| rows[r] + columns.first);
    let mut sums = first_sums::<R, V>(columns, &rows, output);
    let (a, _) = a.as_chunks::<4>().0.as_chunks::<R>();
    let (b, _) = b.as_chunks::<4>().0.as_chunks::<V>().0.as_chunks::<4>();
    let mut left = k;
    for (a, b) in a.iter().zip(b) {
        let count = left.min(4);
        left -= count;
        for k in 0..count {
            let b: [F32x4; V] = from_fn(|v| F32x4::load(&b[k][v]));
            for (a, sums) in a.iter().zip(&mut sums) {
                let a = F32x4::load_splat(&a[k]);
                for (b, sum) in b.iter().zip(sums) {
                    *sum = a.mul_add(*b, *sum);
                }
            }
        }
    }
    write_sums(sums, columns, &rows, output);
}

/// Where the numbers of an unpacked tile lie: in each of `rows`, from `first` on, `runs` runs of floats.
pub(crate) struct Runs<'a> {
    /// One slice a row of taps.
    pub(crate) rows: &'a [&'a [f32]],
    /// Where the first run of a row starts.
    pub(crate) first: usize,
    /// Runs of a row.
    pub(crate) runs: usize,
    /// Floats of a run.
    pub(crate) run: usize,
    /// From one run to the next.
    pub(crate) run_step: usize,
    /// From a pixel's to the next pixel's.
    pub(crate) step: usize,
}

/// The same with `a` not packed but read where it lies. `b` is `[rows * runs * run][4 V]`; rows of `output` begin at
/// `first` and are `output_step` apart.
#[inline(never)]
pub(crate) fn unpacked_tile<const R: usize, const V: usize>(
    a: &Runs<'_>,
    b: &[f32],
    columns: &Columns<'_>,
    output: &mut [f32],
    first: usize,
    output_step: usize,
) {
    let rows: [usize; R] = from_fn(|r| first + r * output_step + columns.first);
    let mut sums = first_sums::<R, V>(columns, &rows, output);
    let (b, _) = b.as_chunks::<4>().0.as_chunks::<V>();
    let mut b = b.chunks_exact(a.run);
    for row in a.rows {
        let row = &row[a.first..];
        for i in 0..a.runs {
            let Some(b) = b.next() else { continue };
            // Cut to the length of the loop, so that no index in it needs a check.
            let a: [&[f32]; R] = from_fn(|r| &row[i * a.run_step + r * a.step..][..b.len()]);
            for (k, b) in b.iter().enumerate() {
                let b: [F32x4; V] = from_fn(|v| F32x4::load(&b[v]));
                for (a, sums) in a.iter().zip(&mut sums) {
                    let a = F32x4::load_splat(&a[k]);
                    for (b, sum) in b.iter().zip(sums) {
                        *sum = a.mul_add(*b, *sum);
                    }
                }
            }
        }
    }
    write_sums(sums, columns, &rows, output);
}

/// What the sums of a tile start from.
#[inline(always)]
fn first_sums<const R: usize, const V: usize>(
    columns: &Columns<'_>,
    rows: &[usize; R],
    output: &[f32],
) -> [[F32x4; V]; R] {
    match &columns.start {
        Some(start) => {
            let start: [F32x4; V] = from_fn(|v| F32x4::load(&start.as_chunks().0[v]));
            [start; R]
        }
        None => rows.map(|row| load(&output[row..][..columns.width])),
    }
}

/// Adds the residual to the sums of a tile, clamps and stores them.
#[inline(always)]
fn write_sums<const R: usize, const V: usize>(
    sums: [[F32x4; V]; R],
    columns: &Columns<'_>,
    rows: &[usize; R],
    output: &mut [f32],
) {
    let [min, max] = columns.clamp.map(F32x4::splat);
    for (&row, mut sums) in rows.iter().zip(sums) {
        if let Some(residual) = columns.residual {
            let residual = load::<V>(&residual[row..][..columns.width]);
            sums = from_fn(|v| sums[v] + residual[v]);
        }
        let sums = sums.map(|sum| sum.pmax(min).pmin(max));
        store(sums, &mut output[row..][..columns.width]);
    }
}

/// `to.len()` is at most `4 V`.
#[inline(always)]
fn store<const V: usize>(sums: [F32x4; V], to: &mut [f32]) {
    let (vectors, rest) = to.as_chunks_mut::<4>();
    let whole = vectors.len();
    for (to, sum) in vectors.iter_mut().zip(sums) {
        sum.store(to);
    }
    if let Some(last) = sums.get(whole) {
        for (to, sum) in rest.iter_mut().zip(last.to_array()) {
            *to = sum;
        }
    }
}

/// `from.len()` is at most `4 V`; lanes past it are zero.
#[inline(always)]
fn load<const V: usize>(from: &[f32]) -> [F32x4; V] {
    let (vectors, rest) = from.as_chunks::<4>();
    from_fn(|v| match vectors.get(v) {
        Some(vector) => F32x4::load(vector),
        None => {
            let mut last = [0.0; 4];
            last[..rest.len()].copy_from_slice(rest);
            F32x4::load(&last)
        }
    })
}
