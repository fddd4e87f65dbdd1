//! The micro-kernel: one tile of `R x 4V` sums over packed panels.

use super::NR;
use crate::simd::F32x4;
use core::array::from_fn;

/// What a panel of B's columns needs beside its numbers.
pub(super) struct Columns {
    /// First column.
    pub(super) first: usize,
    /// Columns that exist; the panel is padded to whole vectors.
    pub(super) width: usize,
    /// What sums start from: the bias in the first block of depth, else what `output` holds.
    pub(super) start: Option<[f32; NR]>,
    /// Smallest and largest result.
    pub(super) clamp: [f32; 2],
}

/// `output[offset(r) + columns.first ..] = start + a b` for `R` rows and `V` vectors of columns.
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
    columns: &Columns,
    output: &mut [f32],
    offset: impl Fn(usize) -> usize,
) {
    let rows: [usize; R] = from_fn(|r| offset(r) + columns.first);
    let mut sums = match &columns.start {
        Some(start) => {
            let start: [F32x4; V] = from_fn(|v| F32x4::load(&start.as_chunks().0[v]));
            [start; R]
        }
        None => rows.map(|row| load(&output[row..][..columns.width])),
    };
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
    let [min, max] = columns.clamp.map(F32x4::splat);
    for (row, sums) in rows.into_iter().zip(sums) {
        let sums = sums.map(|sum| sum.pmax(min).pmin(max));
        store(sums, &mut output[row..][..columns.width]);
    }
}

/// `to.len()` is at most `4 V`.
#[inline(always)]
fn store<const V: usize>(sums: [F32x4; V], to: &mut [f32]) {
    let (vectors, rest) = to.as_chunks_mut::<4>();
    if vectors.len() == V {
        for (to, sum) in vectors.iter_mut().zip(sums) {
            sum.store(to);
        }
    } else {
        for (to, sum) in vectors.iter_mut().zip(sums) {
            sum.store(to);
        }
        let last = sums[vectors.len().min(V - 1)].to_array();
        let len = rest.len();
        rest.copy_from_slice(&last[..len]);
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
