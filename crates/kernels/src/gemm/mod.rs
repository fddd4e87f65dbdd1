//! Matrix products over packed panels: the inner loop of convolutions, transposed convolutions and dense layers.
//!
//! `C [m, n] = A [m, k] B [k, n]`, in the words of BLAS and of Goto and van de Geijn ("Anatomy of high-performance matrix
//! multiplication", 2008). B holds the weights, packed once; A is packed block by block, as the caller gathers it.

mod kernel;
mod pack;

pub(crate) use pack::{FilterStrides, PackedShape, RowMajor, copy_quads, pack_panels};

use crate::epilogue::Epilogue;
use core::array::from_fn;
use core::ops::Range;
use kernel::tile;
pub(crate) use kernel::{Columns, Runs, unpacked_tile};

/// Rows of a tile. With [`NR`]: 12 accumulators, two vectors of B and a broadcast are the 15 vector registers of V8.
pub const MR: usize = 6;
/// Columns of a tile, two vectors. A last panel of four columns or fewer is one vector wide.
pub const NR: usize = 8;
/// Depth of a block: panels of A (12 KiB) and of B (16 KiB) lie in the first-level cache together. A multiple of 4.
pub const KC: usize = 512;
/// Floats of a packed block of A: 256 KiB, half the smallest second-level cache of the machines seen.
const BLOCK: usize = 64 << 10;
/// Most rows of a block. Few, so that rows of a narrow A are still in the first-level cache for the next panel of B.
const MC: usize = 192;

/// The left-hand matrix, never materialised: it knows how to pack a few of its rows.
pub(crate) trait LeftHand {
    /// Writes elements `k` of rows `first..first + R` as `[k / 4][R][4]`, `k` counted from the range's start.
    /// What lies past the end of a last, partial quad is never used. `k.start` is a multiple of 4, `k.len()` at most [`KC`].
    /// `patch` is scratch memory for one row.
    fn pack<const R: usize>(&self, first: usize, k: Range<usize>, patch: &mut Patch, panel: &mut [[[f32; 4]; R]]);
    /// Where the row's results begin in the output.
    fn output_offset(&self, row: usize) -> usize;
}

/// Room for one row of a block of A, and for a vector that is written past its end.
pub(crate) type Patch = [f32; KC + 4];

/// The right-hand matrix and what becomes of the product.
#[derive(Clone, Copy)]
pub(crate) struct RightHand<'a> {
    /// Depth.
    pub(crate) k: usize,
    /// Columns.
    pub(crate) n: usize,
    /// Panels `[n / 8][k rounded up to 4][8]`, the last `[..][4]` if four columns or fewer are left.
    pub(crate) panels: &'a [f32],
    /// What becomes of the sums.
    pub(crate) epilogue: Epilogue<'a>,
}

/// Rows that are packed together.
fn block_rows(rows: usize, k: usize) -> usize {
    let depth = k.min(KC).next_multiple_of(4);
    (BLOCK / depth / MR * MR).min(MC).min(rows.next_multiple_of(MR))
}

/// Floats of scratch memory that [`multiply`] needs: at most 256 KiB.
pub(crate) fn scratch_len(rows: usize, k: usize) -> usize {
    block_rows(rows, k) * k.min(KC).next_multiple_of(4)
}

/// Rows `rows` of the product into `output`, each element written once a block of depth. `scratch` has [`scratch_len`].
pub(crate) fn multiply<A: LeftHand>(
    a: &A,
    rows: Range<usize>,
    b: &RightHand<'_>,
    scratch: &mut [f32],
    output: &mut [f32],
) {
    let (_, rest) = b.epilogue.clamp();
    let padded_k = b.k.next_multiple_of(4);
    let mc = block_rows(rows.len(), b.k);
    let mut patch = [0.0; KC + 4];
    for first in rows.clone().step_by(mc) {
        let block = first..rows.end.min(first + mc);
        for k0 in (0..b.k).step_by(KC) {
            let k = k0..b.k.min(k0 + KC);
            let depth = k.len().next_multiple_of(4);
            pack_block(a, block.clone(), k.clone(), &mut patch, scratch);
            for column in (0..b.n).step_by(NR) {
                let columns = Columns::new(column, b).in_block(k0 == 0, k.end == b.k);
                let lanes = if columns.width > 4 { 8 } else { 4 };
                let panel = &b.panels[column * padded_k..][k0 * lanes..][..depth * lanes];
                for row in block.clone().step_by(MR) {
                    let count = MR.min(block.end - row);
                    let packed = &scratch[(row - first) * depth..][..count * depth];
                    let rows = from_fn(|r| if r < count { a.output_offset(row + r) } else { 0 });
                    tile_of(count, k.len(), packed, panel, &columns, output, &rows);
                }
            }
        }
        if let Some(activation) = rest {
            for row in block {
                activation.apply_in_place(&mut output[a.output_offset(row)..][..b.n]);
            }
        }
    }
}

/// One [`tile`] of `count` rows, as wide as `columns`.
pub(crate) fn tile_of(
    count: usize,
    k: usize,
    a: &[f32],
    b: &[f32],
    columns: &Columns<'_>,
    output: &mut [f32],
    rows: &[usize; MR],
) {
    let lanes = if columns.width > 4 { 8 } else { 4 };
    match (count, lanes) {
        (6, 8) => tile::<6, 2>(k, a, b, columns, output, rows),
        (5, 8) => tile::<5, 2>(k, a, b, columns, output, rows),
        (4, 8) => tile::<4, 2>(k, a, b, columns, output, rows),
        (3, 8) => tile::<3, 2>(k, a, b, columns, output, rows),
        (2, 8) => tile::<2, 2>(k, a, b, columns, output, rows),
        (1, 8) => tile::<1, 2>(k, a, b, columns, output, rows),
        (6, _) => tile::<6, 1>(k, a, b, columns, output, rows),
        (5, _) => tile::<5, 1>(k, a, b, columns, output, rows),
        (4, _) => tile::<4, 1>(k, a, b, columns, output, rows),
        (3, _) => tile::<3, 1>(k, a, b, columns, output, rows),
        (2, _) => tile::<2, 1>(k, a, b, columns, output, rows),
        _ => tile::<1, 1>(k, a, b, columns, output, rows),
    }
}

/// Packs a block of A, panels of [`MR`] rows one after another.
fn pack_block<A: LeftHand>(a: &A, rows: Range<usize>, k: Range<usize>, patch: &mut Patch, scratch: &mut [f32]) {
    let depth = k.len().next_multiple_of(4);
    for (panel, row) in scratch.chunks_mut(depth * MR).zip(rows.clone().step_by(MR)) {
        let count = MR.min(rows.end - row);
        let (quads, _) = panel[..count * depth].as_chunks_mut::<4>();
        match count {
            6 => a.pack::<6>(row, k.clone(), patch, quads.as_chunks_mut().0),
            5 => a.pack::<5>(row, k.clone(), patch, quads.as_chunks_mut().0),
            4 => a.pack::<4>(row, k.clone(), patch, quads.as_chunks_mut().0),
            3 => a.pack::<3>(row, k.clone(), patch, quads.as_chunks_mut().0),
            2 => a.pack::<2>(row, k.clone(), patch, quads.as_chunks_mut().0),
            _ => a.pack::<1>(row, k.clone(), patch, quads.as_chunks_mut().0),
        }
    }
}
