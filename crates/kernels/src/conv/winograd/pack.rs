//! Filters, transformed and packed: some rows of a panel of columns at a time, in whole vectors.
//!
//! Taps are gathered first, so that the transforms see vectors of columns whatever the filter's layout. A transform along one axis
//! is a loop of its own, from three runs of vectors to six: the matrices of Winograd's points often lie a power of two apart, and
//! writing to all 36 at once throws their lines out of both caches before they are full. Window by window, in float64, it took 5 to 6
//! times as long, 64 -> 64 and 256 -> 256 9 times, along rows 2 to 3 (Node 24, relaxed, Zen 4). Of float32, the root mean square of
//! the convolution's errors grows by at most 2 percent: they are those of the sums (`tests/winograd.rs`).

use super::super::packed::{PackedFilter, PackingKey};
use super::transform::{SPAN, filter_factors, of_filter};
use super::{matrices, strided};
use crate::activation::load_part;
use crate::gemm::{FilterStrides, NR};
use crate::shape::{Conv2dShape, SpecError};
use crate::simd::F32x4;
use core::array::from_fn;
use core::ops::Range;

/// Rows that are transformed at a time: 27 KiB of taps, and of what is transformed along one axis.
const ROWS: usize = 32;
/// Vectors of such a block.
const BLOCK: usize = ROWS * NR / 4;
/// Taps along an axis, and of a window at most.
pub(super) const SIDE: usize = 3;
const MAX_TAPS: usize = SIDE * SIDE;

/// The taps of some rows of a panel: `[tap][row][quad of columns]`, rows of one quad or of two.
pub(super) type Taps = [[[f32; 4]; BLOCK]; MAX_TAPS];
pub(super) const NO_TAPS: Taps = [[[0.0; 4]; BLOCK]; MAX_TAPS];

/// A filter as windows of up to nine taps, as wide as they are, from `k` channels to columns. One of the steps is 1.
pub(crate) struct FilterWindows<'a> {
    pub(crate) filter: &'a [f32],
    pub(crate) taps: usize,
    /// From one tap to the next, from one channel that is summed over to the next, and from one column to the next.
    pub(crate) tap_step: usize,
    pub(crate) k_step: usize,
    pub(crate) n_step: usize,
    /// Taps are to be taken in reverse order.
    pub(crate) turned: bool,
}

/// Transforms windows of 3x3 taps along both axes: a matrix for each point.
pub(in super::super) fn pack(
    key: PackingKey,
    shape: &Conv2dShape,
    windows: &FilterWindows<'_>,
) -> Result<PackedFilter, SpecError> {
    let matrices = matrices(shape);
    let transform: Transform = if shape.h.stride > 1 { strided::transform_taps } else { transform };
    let depth = matrices.k.next_multiple_of(4);
    PackedFilter::new(key, matrices.checked_len()?, |packed| {
        let mut taps = NO_TAPS;
        let mut upright = [[[[0.0; 4]; BLOCK]; SIDE]; SPAN];
        for rows in blocks(matrices.k) {
            for column in (0..matrices.n).step_by(NR) {
                let columns = column..matrices.n.min(column + NR);
                let lanes = lanes_of(&columns);
                let count = rows.len() * lanes / 4;
                windows.gather(rows.clone(), columns, &mut taps);
                for w in 0..SIDE {
                    let from = from_fn(|h| &taps[h * SIDE + w][..count]);
                    transform(from, upright.each_mut().map(|row| &mut row[w][..count]));
                }
                let at = column * depth + rows.start * lanes;
                for (row, points) in upright.iter().zip(packed.chunks_exact_mut(SPAN * matrices.matrix_len())) {
                    let mut points = points.chunks_exact_mut(matrices.matrix_len());
                    let to = from_fn(|_| {
                        let matrix = points.next().unwrap_or_default();
                        matrix[at..][..4 * count].as_chunks_mut().0
                    });
                    transform(row.each_ref().map(|quads| &quads[..count]), to);
                }
            }
        }
    })
}

impl<'a> FilterWindows<'a> {
    /// The windows of a filter.
    pub(crate) fn new(taps: usize, strides: &FilterStrides, filter: &'a [f32]) -> Self {
        let &FilterStrides { tap_w: tap_step, k_c: k_step, n: n_step, .. } = strides;
        Self { filter, taps, tap_step, k_step, n_step, turned: false }
    }

    /// Gathers the taps of some rows, up to [`ROWS`], and of the columns of a panel; zeros where a vector has no column.
    pub(super) fn gather(&self, rows: Range<usize>, columns: Range<usize>, to: &mut Taps) {
        let first = rows.start * self.k_step + columns.start * self.n_step;
        if self.n_step == 1 {
            self.copy_columns(first, rows.len(), columns.len(), to);
        } else {
            self.transpose_columns(first, rows.len(), columns.len(), to);
        }
    }

    /// Where a tap belongs.
    fn place(&self, tap: usize) -> usize {
        if self.turned { self.taps - 1 - tap } else { tap }
    }

    /// [`Self::gather`] of columns side by side, from `first` on.
    #[inline(never)]
    fn copy_columns(&self, first: usize, rows: usize, width: usize, to: &mut Taps) {
        let quads = width.div_ceil(4);
        for tap in 0..self.taps {
            let places = to[self.place(tap)].chunks_exact_mut(quads).take(rows);
            for (row, to) in places.enumerate() {
                let from = &self.filter[first + tap * self.tap_step + row * self.k_step..][..width];
                for (from, to) in from.chunks(4).zip(to) {
                    load_part(from).store(to);
                }
            }
        }
    }

    /// [`Self::gather`] of columns apart, in which either the taps or the rows lie side by side.
    #[inline(never)]
    fn transpose_columns(&self, first: usize, rows: usize, width: usize, to: &mut Taps) {
        let quads = width.div_ceil(4);
        let are_taps = self.tap_step == 1;
        let [runs, run_step, len] =
            if are_taps { [rows, self.k_step, self.taps] } else { [self.taps, self.tap_step, rows] };
        for run in 0..runs {
            for quad in 0..quads {
                let columns: [&[f32]; 4] = from_fn(|lane| {
                    let column = 4 * quad + lane;
                    if column < width {
                        &self.filter[first + run * run_step + column * self.n_step..][..len]
                    } else {
                        &[0.0; ROWS][..len]
                    }
                });
                let mut put = |i: usize, values: [f32; 4]| {
                    let (tap, row) = if are_taps { (i, run) } else { (run, i) };
                    to[self.place(tap)][row * quads + quad] = values;
                };
                let (whole, rest) = (len / 4 * 4, len % 4);
                let vectors = columns.map(|column| column.as_chunks::<4>().0);
                for i in 0..whole / 4 {
                    let rows = F32x4::transpose(vectors.map(|vectors| F32x4::load(&vectors[i])));
                    rows.into_iter().enumerate().for_each(|(j, row)| put(4 * i + j, row.to_array()));
                }
                for i in whole..whole + rest {
                    put(i, columns.map(|column| column[i]));
                }
            }
        }
    }
}

/// Ranges of up to [`ROWS`] rows.
pub(super) fn blocks(k: usize) -> impl Iterator<Item = Range<usize>> {
    (0..k).step_by(ROWS).map(move |first| first..k.min(first + ROWS))
}

/// Columns of a panel, whole vectors of them.
pub(super) fn lanes_of(columns: &Range<usize>) -> usize {
    if columns.len() > 4 { NR } else { 4 }
}

/// Transforms three runs of taps to six of weights.
type Transform = fn([&[[f32; 4]]; SIDE], [&mut [[f32; 4]]; SPAN]);

/// Three runs of taps at the six points.
#[inline(never)]
pub(super) fn transform(from: [&[[f32; 4]]; SIDE], to: [&mut [[f32; 4]]; SPAN]) {
    let count = from[0].len();
    let (from, mut to) = (from.map(|run| &run[..count]), to.map(|run| &mut run[..count]));
    let factors = filter_factors();
    for i in 0..count {
        let points = of_filter(from.map(|run| F32x4::load(&run[i])), &factors);
        for (point, to) in points.into_iter().zip(&mut to) {
            point.store(&mut to[i]);
        }
    }
}
