//! Packing: filters and weights into panels of B.

use super::{NR, column_of, columns_of, lanes_of};
use crate::shape::{SpecError, checked_len};
use core::array::from_fn;

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
    pack_columns(filter, taps, [k_c, strides.k_c], n, &|column| first + column * strides.n, packed);
}

/// Packs one matrix of `n` columns, whose rows are the taps at `taps`, each with `k_c` channels `k_step` apart; `column` says
/// where a column lies.
pub(crate) fn pack_columns(
    filter: &[f32],
    taps: &[usize],
    [k_c, k_step]: [usize; 2],
    n: usize,
    column: &dyn Fn(usize) -> usize,
    packed: &mut [f32],
) {
    let padded_k = packed.len() / n.next_multiple_of(4);
    for (panel, first) in packed.chunks_mut(padded_k * NR).zip((0..n).step_by(NR)) {
        let columns = columns_of(n, first);
        let places = from_fn(|lane| column_of(&columns, lane).map(column));
        pack_panel(filter, taps, [k_c, k_step], &places, lanes_of(&columns), panel);
    }
}

/// Packs the columns that begin at `places`, zeros where there is none. A function of its own: V8 replaces its quick code between two calls, not
/// within one.
#[inline(never)]
fn pack_panel(
    filter: &[f32],
    taps: &[usize],
    [k_c, k_step]: [usize; 2],
    places: &[Option<usize>; NR],
    lanes: usize,
    panel: &mut [f32],
) {
    let first = places[0].unwrap_or(0);
    let adjacent = places.iter().enumerate().all(|(lane, place)| *place == Some(first + lane));
    let mut rows = panel.chunks_exact_mut(lanes);
    for tap in taps {
        for (c, row) in (0..k_c).zip(rows.by_ref()) {
            let at = tap + c * k_step;
            if let (true, Some(row)) = (adjacent, row.first_chunk_mut::<NR>()) {
                row.copy_from_slice(&filter[first + at..][..NR]);
            } else {
                for (to, place) in row.iter_mut().zip(places) {
                    *to = place.map_or(0.0, |place| filter[place + at]);
                }
            }
        }
    }
}
