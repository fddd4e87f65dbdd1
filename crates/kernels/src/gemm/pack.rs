//! Packing: filters and weights into panels of B, rows of a matrix into panels of A.

use super::{LeftHand, NR, Patch};
use crate::shape::{SpecError, checked_len};
use core::ops::Range;

/// Where a filter's elements lie: the steps from one tap, channel or output to the next.
#[derive(Clone, Copy, Debug)]
pub(crate) struct FilterStrides {
    /// From one group to the next.
    pub(crate) group: usize,
    /// From one row of taps to the next.
    pub(crate) tap_h: usize,
    /// From one tap of a row to the next.
    pub(crate) tap_w: usize,
    /// From one channel that is summed over to the next.
    pub(crate) k_c: usize,
    /// From one column of B (an output channel) to the next.
    pub(crate) n: usize,
}

/// Sizes of packed panels: `groups` matrices `[k, n]`.
#[derive(Clone, Copy, Debug)]
pub(crate) struct PackedShape {
    /// Matrices.
    pub(crate) groups: usize,
    /// Depth of one.
    pub(crate) k: usize,
    /// Columns of one.
    pub(crate) n: usize,
}

impl PackedShape {
    /// Floats of one matrix: depth rounded up to 4, columns to whole vectors, and to two of them but for the last panel.
    pub(crate) fn matrix_len(&self) -> usize {
        self.n.next_multiple_of(4) * self.k.next_multiple_of(4)
    }
    /// Floats of all, if memory has room for so many.
    pub(crate) fn checked_len(&self) -> Result<usize, SpecError> {
        checked_len("filter", &[self.groups, self.n.next_multiple_of(4), self.k.next_multiple_of(4)])
    }
}

/// Packs one matrix whose rows are the taps `(h, w)` of `taps`, each with `k_c` channels. `first` is its first element's index.
pub(crate) fn pack_panels(
    filter: &[f32],
    first: usize,
    strides: &FilterStrides,
    taps: impl Iterator<Item = (usize, usize)> + Clone,
    k_c: usize,
    n: usize,
    packed: &mut [f32],
) {
    let padded_k = packed.len() / n.next_multiple_of(4);
    for (panel, column) in packed.chunks_mut(padded_k * NR).zip((0..n).step_by(NR)) {
        let width = NR.min(n - column);
        let lanes = panel.len() / padded_k;
        panel.fill(0.0);
        let mut rows = panel.chunks_exact_mut(lanes);
        for (h, w) in taps.clone() {
            let tap = first + h * strides.tap_h + w * strides.tap_w + column * strides.n;
            for (c, row) in rows.by_ref().take(k_c).enumerate() {
                let from = filter[tap + c * strides.k_c..].iter().step_by(strides.n);
                for (to, &value) in row[..width].iter_mut().zip(from) {
                    *to = value;
                }
            }
        }
    }
}

/// A as a row-major matrix: pixels of a pointwise convolution, samples of a dense layer.
pub(crate) struct RowMajor<'a> {
    /// The elements, from the first row's first on.
    pub(crate) data: &'a [f32],
    /// From one row to the next.
    pub(crate) stride: usize,
    /// From one row of the output to the next, and its first.
    pub(crate) output_stride: usize,
}

impl LeftHand for RowMajor<'_> {
    fn pack<const R: usize>(&self, first: usize, k: Range<usize>, _: &mut Patch, panel: &mut [[[f32; 4]; R]]) {
        for r in 0..R {
            let row = &self.data[(first + r) * self.stride..][k.clone()];
            copy_quads(row, r, panel);
        }
    }
    fn output_offset(&self, row: usize) -> usize {
        row * self.output_stride
    }
}

/// Row `r` of a panel. A last, partial quad is filled up with zeros.
#[inline(always)]
pub(crate) fn copy_quads<const R: usize>(row: &[f32], r: usize, panel: &mut [[[f32; 4]; R]]) {
    let (quads, rest) = row.as_chunks::<4>();
    for (to, from) in panel.iter_mut().zip(quads) {
        to[r] = *from;
    }
    if !rest.is_empty() {
        let mut last = [0.0; 4];
        last[..rest.len()].copy_from_slice(rest);
        panel[quads.len()][r] = last;
    }
}
