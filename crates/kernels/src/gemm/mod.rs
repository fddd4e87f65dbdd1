//! Matrix products: the inner loop of convolutions, transposed convolutions and dense layers.
//!
//! `C [m, n] = A [m, k] B [k, n]`, in the words of BLAS. B holds the weights, packed once into panels of columns. A is not
//! packed: its rows are pixels or windows of an image, read where they lie. (Only what Winograd computes is written in packed
//! tiles, and multiplied by `tile_of`.) Measured against packing A block by block
//! (Goto and van de Geijn, "Anatomy of high-performance matrix multiplication", 2008): as fast or faster for sums of 4 to
//! 2304 products, since a tile's rows are six streams that the processor fetches ahead (Zen 4, Node 24).

mod kernel;
mod pack;
mod packed_tile;

pub(crate) use pack::{FilterStrides, PackedShape, PanelShape, pack_columns, pack_panels};
pub(crate) use packed_tile::{Columns, tile_of};

pub(crate) use crate::simd::Pixels;

use crate::epilogue::Epilogue;
use crate::simd::RELAXED;
use core::array::from_fn;
use core::ops::Range;
use kernel::sweep;

/// Rows of a tile, at most. With [`NR`]: 12 accumulators, two vectors of B and a broadcast are the 15 vector registers of V8.
/// Without a fused multiply-add each product needs a register of its own, and six rows spill: 30 GFLOP/s instead of 40 at 64
/// channels (Node 24, Zen 4).
pub const MR: usize = if RELAXED { 6 } else { 5 };
/// Columns of a tile, two vectors. A last panel of four columns or fewer is one vector wide.
pub const NR: usize = 8;
/// Floats of A and C that belong to the rows of a segment: 256 KiB, half the smallest second-level cache of the machines seen,
/// so that rows are still there for the next panel of B. Each segment reads all of B, and begins every panel anew: with 16 KiB
/// a 1x1 16-96 over 112x112 pixels takes 1.2 times as long, a 3x3 3-64 over 224x224 and a 1x1 32-192 over 28x28 1.1 times;
/// without segments a 1x1 128-128 over eight times 14x14 takes 1.04 times as long (Node 24, Zen 4).
const SEGMENT: usize = 64 << 10;
/// Fewest tiles of a segment. Of 2, 4 and 8 and segments of 16 KiB, a 1x1 64-256 over 56x56 pixels took 1.26, 1.05 and 1.
const SEGMENT_TILES: usize = 8;

/// Tiles that are summed before they are copied, where they have fewer than four columns.
const TILES_AT_A_TIME: usize = 16;

/// The right-hand matrix and what becomes of the product.
#[derive(Clone, Copy)]
pub(crate) struct RightHand<'a> {
    /// Depth.
    pub(crate) k: usize,
    /// Columns.
    pub(crate) n: usize,
    /// Panels `[n / 8][k][8]`, the last `[k][4]` if four columns or fewer are left; which column a lane holds [`column_of`] says.
    pub(crate) panels: &'a [f32],
    /// What becomes of the sums.
    pub(crate) epilogue: Epilogue<'a>,
}

/// The columns of the panel that begins at `first` of `n`: up to [`NR`], the first four of them in its first vector and, where there are
/// more, the last four in a second one. So vectors of any four columns or more are stored whole, some columns twice: in place of sums
/// that are copied column by column, 5x5 1 -> 6 on 28x28 takes 0.69 of the time, 1x1 24 -> 9 on 56x56 0.66, 24 -> 21 0.88 (Node 24,
/// relaxed, Zen 3).
pub(crate) fn columns_of(n: usize, first: usize) -> Range<usize> {
    let end = n.min(first + NR);
    if end - first < 4 { n.saturating_sub(4)..end } else { first..end }
}

/// Floats of a row of a panel of so many columns.
pub(crate) fn lanes_of(columns: &Range<usize>) -> usize {
    if columns.len() > 4 { NR } else { 4 }
}

/// The column that a lane holds; of fewer than four columns, the last lanes hold none.
pub(crate) fn column_of(columns: &Range<usize>, lane: usize) -> Option<usize> {
    let column = if lane < 4 { columns.start + lane } else { (columns.end + lane).checked_sub(NR)? };
    columns.contains(&column).then_some(column)
}

/// What tiles of a panel of columns need beside its numbers.
struct Panel {
    /// Columns, which whole vectors hold unless there are fewer than four.
    width: usize,
    /// What sums start from: the bias.
    start: [[f32; 4]; NR / 4],
    /// Smallest result.
    min: Option<f32>,
    /// Largest result.
    max: Option<f32>,
}

impl Panel {
    /// The panel of some columns.
    fn new(columns: &Range<usize>, b: &RightHand<'_>) -> Self {
        let bias_of = |lane: usize| Some(b.epilogue.bias?[column_of(columns, lane)?]);
        let start = from_fn(|v| from_fn(|lane| bias_of(4 * v + lane).unwrap_or(0.0)));
        let ([min, max], _) = b.epilogue.as_stored();
        Self {
            width: columns.len(),
            start,
            min: (min > f32::NEG_INFINITY).then_some(min),
            max: (max < f32::INFINITY).then_some(max),
        }
    }
}

/// Where the results of a product's rows lie in the output.
#[derive(Clone, Copy)]
pub(crate) struct Places {
    /// Rows.
    pub(crate) count: usize,
    /// The first result of the first row.
    pub(crate) first: usize,
    /// From one row's to the next row's.
    pub(crate) step: usize,
}

/// The product of `a` and of the rows of `b` from `k_first` on, as many as `a` has taps; every result is written once.
/// Where results are not adjacent (`to.step` is not `b.n`), [`Epilogue::finish`] is left to the caller.
pub(crate) fn multiply(a: &Pixels<'_>, b: &RightHand<'_>, k_first: usize, output: &mut [f32], to: &Places) {
    // Tiles of equal size, as far as possible: a tile of one row takes as long as one of four.
    let tiles = to.count.div_ceil(MR);
    let (size, larger) = (to.count / tiles, to.count % tiles);
    let first_row = |tile: usize| tile * size + tile.min(larger);
    let depth = a.rows.len() * a.runs * a.run;
    let floats = a.rows.len() * a.step.min(a.runs * a.run) + b.n;
    let segments = tiles.div_ceil((SEGMENT / MR / floats).max(SEGMENT_TILES));
    for segment in 0..segments {
        let [start, end] = [segment, segment + 1].map(|i| i * (tiles / segments) + i.min(tiles % segments));
        let split = larger.clamp(start, end);
        for column in (0..b.n).step_by(NR) {
            let columns = columns_of(b.n, column);
            let (panel, lanes) = (Panel::new(&columns, b), lanes_of(&columns));
            let values = &b.panels[column * b.k + k_first * lanes..][..depth * lanes];
            for (tiles, size) in [(start..split, size + 1), (split..end, size)] {
                let row = first_row(tiles.start);
                let a = Pixels { first: a.first + row * a.step, ..*a };
                let to = Places {
                    count: tiles.len() * size,
                    first: to.first + row * to.step + columns.start,
                    step: to.step,
                };
                sweep_of(size, &a, values, &panel, output, &to);
            }
        }
        if to.step == b.n && b.epilogue.as_stored().1 {
            let rows = first_row(start)..first_row(end);
            let first = to.first + rows.start * b.n;
            b.epilogue.skip(first).finish(&mut output[first..][..rows.len() * b.n]);
        }
    }
}

/// [`sweep`] over tiles of `size` rows, as wide as `columns`.
fn sweep_of(size: usize, a: &Pixels<'_>, b: &[f32], columns: &Panel, output: &mut [f32], to: &Places) {
    if columns.width < 4 {
        return sweep_part(size, a, b, columns, output, to);
    }
    sweep_whole(size, a, b, columns, output, to);
}

/// Tiles of fewer than four columns: whole vectors, a few at a time, of which what exists is copied.
#[inline(never)]
fn sweep_part(size: usize, a: &Pixels<'_>, b: &[f32], columns: &Panel, output: &mut [f32], to: &Places) {
    let mut tiles = [[0.0; 4]; MR * TILES_AT_A_TIME];
    let whole = Panel { width: 4, ..*columns };
    for row in (0..to.count).step_by(size * TILES_AT_A_TIME) {
        let a = Pixels { first: a.first + row * a.step, ..*a };
        let count = (to.count - row).min(size * TILES_AT_A_TIME);
        sweep_whole(size, &a, b, &whole, tiles.as_flattened_mut(), &Places { count, first: 0, step: 4 });
        let copy = match columns.width {
            1 => copy_columns::<1>,
            2 => copy_columns::<2>,
            _ => copy_columns::<3>,
        };
        copy(&tiles[..count], &mut output[to.first + row * to.step..], to.step);
    }
}

/// The first `W` columns, to rows a step apart.
fn copy_columns<const W: usize>(from: &[[f32; 4]], to: &mut [f32], step: usize) {
    for (to, from) in to.chunks_mut(step).zip(from) {
        if let Some(to) = to.first_chunk_mut::<W>() {
            *to = from_fn(|column| from[column]);
        }
    }
}

/// [`sweep`] over tiles of `size` rows of whole vectors.
fn sweep_whole(size: usize, a: &Pixels<'_>, b: &[f32], columns: &Panel, output: &mut [f32], to: &Places) {
    let sweep = match (size, columns.width > 4) {
        (1, true) => sweep::<1, 2>,
        (2, true) => sweep::<2, 2>,
        (3, true) => sweep::<3, 2>,
        (4, true) => sweep::<4, 2>,
        (5, true) => sweep::<5, 2>,
        (_, true) => sweep::<MR, 2>,
        (1, false) => sweep::<1, 1>,
        (2, false) => sweep::<2, 1>,
        (3, false) => sweep::<3, 1>,
        (4, false) => sweep::<4, 1>,
        (5, false) => sweep::<5, 1>,
        (_, false) => sweep::<MR, 1>,
    };
    sweep(a, b, columns, output, to);
}
