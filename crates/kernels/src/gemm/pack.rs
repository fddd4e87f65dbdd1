//! Packing: filters and weights into panels of B.

use super::NR;
use crate::shape::{SpecError, checked_len};

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

impl FilterStrides {
    /// Where taps `(h, w)` lie.
    pub(crate) fn offsets(&self, taps: impl Iterator<Item = (usize, usize)>) -> Vec<usize> {
        taps.map(|(h, w)| h * self.tap_h + w * self.tap_w).collect()
    }
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

/// Sizes of the panels of `groups` matrices `[k, n]` whose left-hand side is read where it lies: depth is not rounded up.
#[derive(Clone, Copy, Debug)]
pub(crate) struct PanelShape {
    /// Matrices.
    pub(crate) groups: usize,
    /// Depth of one.
    pub(crate) k: usize,
    /// Columns of one.
    pub(crate) n: usize,
}

impl PanelShape {
    /// Floats of one matrix: columns rounded up to whole vectors.
    pub(crate) fn matrix_len(&self) -> usize {
        self.n.next_multiple_of(4) * self.k
    }
    /// Floats of all, if memory has room for so many.
    pub(crate) fn checked_len(&self) -> Result<usize, SpecError> {
        checked_len("filter", &[self.groups, self.n.next_multiple_of(4), self.k])
    }
}

/// Packs one matrix whose rows are the taps at `taps`, each with `k_c` channels. `first` is its first element's index.
pub(crate) fn pack_panels(
    filter: &[f32],
    first: usize,
    strides: &FilterStrides,
    taps: &[usize],
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
        for tap in taps {
            let tap = first + tap + column * strides.n;
            for (c, row) in rows.by_ref().take(k_c).enumerate() {
                let from = filter[tap + c * strides.k_c..].iter().step_by(strides.n);
                for (to, &value) in row[..width].iter_mut().zip(from) {
                    *to = value;
                }
            }
        }
    }
}
