//! One tile of `R x 4V` sums over panels of both matrices: for left-hand sides that are computed, and so written packed.

use super::MR;
use crate::simd::F32x4;
use core::array::from_fn;

/// Where a tile's results lie in its rows.
pub(crate) struct Columns {
    first: usize,
    width: usize,
}

impl Columns {
    /// The columns from `first` on, `width` of them: four or eight.
    pub(crate) fn plain(first: usize, width: usize) -> Self {
        Self { first, width }
    }
}

/// `output[rows[r] ..]` is the sum of `a b` over `terms`, for `R` rows and `V` vectors of columns.
///
/// Of depth `k` each; `a` is `[k / 4][R][4]`, `b` `[k / 4][4][4 V]`. The loop over a quad must stay a loop: its length is `left.min(4)`, which
/// the compiler does not know. Where it was unrolled, LLVM's scheduler reordered the sixty-odd instructions by its own idea of
/// register pressure, all of B's vectors were live at once and the accumulators spilled: 46 instead of 56 GFLOP/s
/// (Zen 4, Node 24; the peak measured there was 57).
#[inline(never)]
fn tile<const R: usize, const V: usize>(
    k: usize,
    terms: &[[&[f32]; 2]],
    columns: &Columns,
    output: &mut [f32],
    rows: &[usize; MR],
) {
    let mut sums = [[F32x4::zero(); V]; R];
    for [a, b] in terms {
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
    }
    for (&row, sums) in rows.iter().zip(sums) {
        let (to, _) = output[columns.first + row..][..4 * V].as_chunks_mut::<4>();
        for (to, sum) in to.iter_mut().zip(sums) {
            sum.store(to);
        }
    }
}

/// One [`tile`] of `count` rows, as wide as `columns`.
pub(crate) fn tile_of(
    count: usize,
    k: usize,
    terms: &[[&[f32]; 2]],
    columns: &Columns,
    output: &mut [f32],
    rows: &[usize; MR],
) {
    let lanes = if columns.width > 4 { 8 } else { 4 };
    match (count, lanes) {
        (6, 8) => tile::<6, 2>(k, terms, columns, output, rows),
        (5, 8) => tile::<5, 2>(k, terms, columns, output, rows),
        (4, 8) => tile::<4, 2>(k, terms, columns, output, rows),
        (3, 8) => tile::<3, 2>(k, terms, columns, output, rows),
        (2, 8) => tile::<2, 2>(k, terms, columns, output, rows),
        (1, 8) => tile::<1, 2>(k, terms, columns, output, rows),
        (6, _) => tile::<6, 1>(k, terms, columns, output, rows),
        (5, _) => tile::<5, 1>(k, terms, columns, output, rows),
        (4, _) => tile::<4, 1>(k, terms, columns, output, rows),
        (3, _) => tile::<3, 1>(k, terms, columns, output, rows),
        (2, _) => tile::<2, 1>(k, terms, columns, output, rows),
        _ => tile::<1, 1>(k, terms, columns, output, rows),
    }
}
