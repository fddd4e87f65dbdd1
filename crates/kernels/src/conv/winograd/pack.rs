//! Filters, transformed and packed.

use super::super::packed::{PackedFilter, PackingKey};
use super::matrices;
use super::transform::{POINTS, SPAN, of_filter};
use crate::gemm::{FilterStrides, NR};
use crate::shape::{Conv2dShape, SpecError};
use core::array::from_fn;
use core::ops::Range;

/// Transforms a filter and packs a matrix for each point.
pub(in super::super) fn pack(
    key: PackingKey,
    shape: &Conv2dShape,
    strides: &FilterStrides,
    filter: &[f32],
) -> Result<PackedFilter, SpecError> {
    let matrices = matrices(shape);
    let depth = matrices.k.next_multiple_of(4);
    PackedFilter::new(key, matrices.checked_len()?, |packed| {
        let mut points = packed.chunks_exact_mut(matrices.matrix_len());
        let mut points: [&mut [f32]; POINTS] = from_fn(|_| points.next().unwrap_or_default());
        for column in (0..matrices.n).step_by(NR) {
            let width = NR.min(matrices.n - column);
            let lanes = if width > 4 { NR } else { 4 };
            for c in 0..matrices.k {
                let at = column * depth + c * lanes;
                pack_row(strides, &filter[c * strides.k_c + column * strides.n..], width, &mut points, at..at + lanes);
            }
        }
    })
}

/// Transforms the windows of `width` columns and one channel, which begin where `filter` does, and writes a row of each point's
/// panel to `place`. A function of its own: V8 replaces its quick code between two calls, not within one.
#[inline(never)]
fn pack_row(
    strides: &FilterStrides,
    filter: &[f32],
    width: usize,
    points: &mut [&mut [f32]; POINTS],
    place: Range<usize>,
) {
    let taps: [[[f64; NR]; 3]; 3] = from_fn(|h| row_of_taps(strides, &filter[h * strides.tap_h..], width));
    // Along columns, then along rows.
    let columns: [[[f64; NR]; SPAN]; 3] = from_fn(|w| of_filter(&taps.map(|row| row[w])));
    let rows: [[[f64; NR]; SPAN]; SPAN] = from_fn(|h| of_filter(&columns.map(|column| column[h])));
    for (point, values) in points.iter_mut().zip(rows.as_flattened()) {
        for (to, value) in point[place.clone()].iter_mut().zip(values) {
            *to = *value as f32;
        }
    }
}

/// Three taps of `width` columns, which begin where `filter` does.
#[inline(never)]
pub(super) fn row_of_taps(strides: &FilterStrides, filter: &[f32], width: usize) -> [[f64; NR]; 3] {
    let mut taps = [[0.0; NR]; 3];
    for (w, tap) in taps.iter_mut().enumerate() {
        for (to, &from) in tap[..width].iter_mut().zip(filter[w * strides.tap_w..].iter().step_by(strides.n)) {
            *to = f64::from(from);
        }
    }
    taps
}
