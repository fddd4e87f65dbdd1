//! The gradient of a convolution's filter: a matrix product whose long side is summed over.
//!
//! For each tap, `gradFilter [inC, outC] = inputs [pixels, inC]ᵀ gradOutputs [pixels, outC]`, over the pixels that meet under the
//! tap. Nothing like im2col's matrix is made: inputs are read where they lie, a few channels of a pixel at a time, and gradients of
//! outputs are packed a block of pixels at a time into panels of eight columns, which all taps and channels then share.
//!
//! A block's sum is made in registers and added to the filter's gradient as a whole. So rounding errors grow with the length of a
//! block and with the number of blocks, not with their product.

use super::runs::{Pixels, Run, blocks, under_tap};
use crate::activation::{load_part, store_part};
use crate::gemm::{MR, NR};
use crate::memory::Workspace;
use crate::shape::{Axis, Conv2dShape, SpecError};
use crate::simd::{F32x4, Steps, strided_mut};
use core::array::from_fn;
use core::ops::Range;

/// Most pixels of a block.
const BLOCK: usize = 256;
/// Most floats of a block's packed gradients: 1 MiB.
const MAX_PACKED: usize = 256 << 10;
/// Channels below which the taps of a row share tiles. A tile of fewer than four rows waits for its own sums: a multiply-add takes
/// four cycles, two are started in each.
const FEW_CHANNELS: usize = 4;
/// Most floats of the inputs that are gathered for a block: 512 KiB.
const MAX_GATHERED: usize = 128 << 10;
/// Floats from one pixel to the next, and columns, from which on the floats of a tile are gathered: a panel of columns that reads a few of each of
/// 256 pixels has pushed their lines out of the first-level cache when the next panel wants them. 1x1, time beside reading them where
/// they lie: 1024 -> 256 on 14x14 0.94, 512 -> 2048 on 7x7 0.95, 256 -> 1024 0.99, 128 -> 512 1.04, 256 -> 64 1.5 (Node 24, relaxed, Zen 3).
const FAR_APART: usize = 512;
const MANY_COLUMNS: usize = 256;
/// Most outputs of a row whose windows reach into no padding for which the inputs under a column of taps are gathered: runs of few pixels cost
/// more than the copies. Time beside tap by tap (Node 24, relaxed, Zen 3), 5x5: 4 outputs, 16 -> 32 channels, 0.84; 10, 6 -> 16, 0.88; 14,
/// 32 -> 64, 0.95, 8 -> 16, 0.99; 24, 16 -> 32, 0.96, 8 -> 16, 1.01; 60, 8 -> 16, 1.02; 3x3, 10, 64 -> 128, 1.0.
const SHORT_ROW: usize = 16;

/// `grad_filter` is `[k_h, k_w, in_c / groups, out_c]`.
pub(in crate::grad) fn run(
    shape: &Conv2dShape,
    input: &[f32],
    grad_output: &[f32],
    workspace: &mut Workspace,
    grad_filter: &mut [f32],
) -> Result<(), SpecError> {
    let n = shape.group_out_c();
    let lanes = n.next_multiple_of(4) * shape.groups;
    let limit = (MAX_PACKED / lanes).clamp(8, BLOCK);
    let (order, gathered_len) = order(shape, limit);
    let pixels = limit.min(shape.output.n * shape.output.h * shape.output.w);
    let (packed, gathered) = workspace.get(pixels * lanes + gathered_len)?.split_at_mut(pixels * lanes);
    let mut runs = Vec::new();
    for (i, pixels) in blocks(shape, limit).enumerate() {
        let gradients = &mut packed[..pixels.len() * lanes];
        pack(shape, &pixels, grad_output, gradients);
        let block = Block { shape, pixels, gradients, is_first: i == 0 };
        match order {
            Order::Taps => block.taps(input, &mut runs, grad_filter),
            Order::Rows => block.rows_of_taps(input, gathered, &mut runs, grad_filter),
            Order::Columns => block.columns_of_taps(input, gathered, &mut runs, grad_filter),
        }
    }
    Ok(())
}

/// The gradients of a block's outputs as panels: `[groups][out_c / groups / 8][pixels][8]`, the last of a group `[pixels][4]` if four
/// columns or fewer are left.
fn pack(shape: &Conv2dShape, block: &Pixels, grad_output: &[f32], packed: &mut [f32]) {
    let n = shape.group_out_c();
    let pixels = block.len();
    let mut rest = packed;
    for group in 0..shape.groups {
        for column in (0..n).step_by(NR) {
            let width = NR.min(n - column);
            let lanes = if width > 4 { NR } else { 4 };
            let panel;
            (panel, rest) = rest.split_at_mut(pixels * lanes);
            let mut panel = panel.chunks_exact_mut(lanes);
            for row in block.pixels(shape.output.w) {
                let from =
                    grad_output[row.start * shape.output.c..row.end * shape.output.c].chunks_exact(shape.output.c);
                for (from, to) in from.zip(panel.by_ref()) {
                    let from = &from[group * n + column..][..width];
                    let (to, to_rest) = to.split_at_mut(4);
                    store_part(load_part(from), to);
                    if !to_rest.is_empty() {
                        store_part(load_part(from.get(4..).unwrap_or_default()), to_rest);
                    }
                }
            }
        }
    }
}

/// A block of output pixels, and their gradients as [`pack`] leaves them.
struct Block<'a> {
    shape: &'a Conv2dShape,
    pixels: Pixels,
    gradients: &'a [f32],
    /// What it adds to was not written yet.
    is_first: bool,
}

/// What taps have in common.
#[derive(Clone, Copy)]
enum Order {
    /// Nothing: inputs are read where they lie.
    Taps,
    /// A row of taps shares tiles.
    Rows,
    /// A column of taps shares gathered inputs.
    Columns,
}

/// Whether every tap sees as many inputs, side by side, as there are outputs.
fn is_whole(axis: &Axis) -> bool {
    [axis.stride, axis.pad_before, axis.pad_after] == [1, 0, 0]
}

/// How the taps of a shape are taken, and the floats that are gathered for the largest block.
fn order(shape: &Conv2dShape, limit: usize) -> (Order, usize) {
    let Conv2dShape { input, h, w, .. } = shape;
    let columns = w.output.min(limit);
    let rows = limit / columns;
    let (order, floats) = if shape.groups > 1 || w.kernel == 1 {
        (Order::Taps, Some(0))
    } else if input.c < FEW_CHANNELS && w.dilation == 1 {
        (Order::Rows, row_len(shape, columns).checked_mul(rows))
    } else if w.output <= SHORT_ROW && h.kernel > 1 && [h, w].iter().all(|axis| is_whole(axis)) {
        // Every image that a block sees a part of has rows of windows that reach beyond it.
        let beyond = (rows / h.output + 2).checked_mul(h.extent() - 1);
        (Order::Columns, beyond.and_then(|beyond| (beyond + rows).checked_mul(columns * input.c)))
    } else {
        (Order::Taps, Some(0))
    };
    match floats {
        Some(floats) if floats <= MAX_GATHERED => (order, floats),
        _ => (Order::Taps, 0),
    }
}

/// Floats of the input under the windows of `columns` outputs side by side; where that overflows, more than memory has.
fn row_len(shape: &Conv2dShape, columns: usize) -> usize {
    (columns - 1).saturating_mul(shape.w.stride).saturating_add(shape.w.extent()).saturating_mul(shape.input.c)
}

impl Block<'_> {
    /// Tap by tap.
    fn taps(&self, input: &[f32], runs: &mut Vec<Run>, grad_filter: &mut [f32]) {
        let shape = self.shape;
        let (in_c, n) = (shape.group_in_c(), shape.group_out_c());
        let step = shape.w.stride.wrapping_mul(shape.input.c); // where this wraps, runs are single pixels
        let group_len = n.next_multiple_of(4) * self.pixels.len();
        for (tap, filter) in grad_filter.chunks_exact_mut(in_c * shape.output.c).enumerate() {
            under_tap(shape, &self.pixels, [tap / shape.w.kernel, tap % shape.w.kernel], runs);
            for (group, gradients) in self.gradients.chunks_exact(group_len).enumerate() {
                let inputs = Inputs { values: &input[group * in_c..], step, runs };
                self.add_products(&inputs, in_c, gradients, &mut filter[group * n..]);
            }
        }
    }

    /// The taps of a row together: their inputs are one run of floats for every pixel, zeros where that is in the padding.
    fn rows_of_taps(&self, input: &[f32], padded: &mut [f32], runs: &mut Vec<Run>, grad_filter: &mut [f32]) {
        let Conv2dShape { h, w, .. } = self.shape;
        let (c, columns) = (self.shape.input.c, self.pixels.columns.len());
        let row_len = row_len(self.shape, columns);
        let start = w.start(self.pixels.columns.start) * c as isize;
        for (tap_h, filter) in grad_filter.chunks_exact_mut(w.kernel * c * self.shape.output.c).enumerate() {
            runs.clear();
            let mut rows = padded.chunks_exact_mut(row_len);
            for (i, row) in self.pixels.rows.clone().enumerate() {
                let (n, y) = (row / h.output, row % h.output);
                let y = h.start(y) + (tap_h * h.dilation) as isize;
                let Some(y) = usize::try_from(y).ok().filter(|&y| y < h.input) else { continue };
                let Some(to) = rows.next() else { break };
                copy_padded(&input[(n * h.input + y) * w.input * c..][..w.input * c], start, to);
                runs.push(Run { input: runs.len() * row_len, pixel: i * columns, count: columns });
            }
            let inputs = Inputs { values: padded, step: w.stride.wrapping_mul(c), runs };
            self.add_products(&inputs, w.kernel * c, self.gradients, filter);
        }
    }

    /// The taps of a column together: the inputs under them, row below row, make one run for all rows of an image.
    fn columns_of_taps(&self, input: &[f32], gathered: &mut [f32], runs: &mut Vec<Run>, grad_filter: &mut [f32]) {
        let Conv2dShape { h, w, .. } = self.shape;
        let (c, columns, block) = (self.shape.input.c, self.pixels.columns.len(), &self.pixels.rows);
        let (row_len, tap_len) = (columns * c, c * self.shape.output.c);
        for tap_w in 0..w.kernel {
            let x = self.pixels.columns.start + tap_w * w.dilation;
            runs.clear();
            let (mut row, mut place) = (block.start, 0);
            while row < block.end {
                let (n, y) = (row / h.output, row % h.output);
                let rows = (h.output - y).min(block.end - row);
                runs.push(Run { input: place, pixel: (row - block.start) * columns, count: rows * columns });
                for y in y..y + rows + h.extent() - 1 {
                    let from = &input[((n * h.input + y) * w.input + x) * c..];
                    gathered[place..][..row_len].copy_from_slice(&from[..row_len]);
                    place += row_len;
                }
                row += rows;
            }
            for (tap_h, filter) in grad_filter.chunks_exact_mut(w.kernel * tap_len).enumerate() {
                let values = &gathered[tap_h * h.dilation * row_len..];
                self.add_products(&Inputs { values, step: c, runs }, c, self.gradients, &mut filter[tap_w * tap_len..]);
            }
        }
    }

    /// Adds the products of `m` floats of a pixel of the input and of the columns of a group.
    fn add_products(&self, inputs: &Inputs<'_>, m: usize, gradients: &[f32], to: &mut [f32]) {
        if inputs.runs.is_empty() && !self.is_first {
            return;
        }
        let columns = Columns {
            panels: gradients,
            pixels: self.pixels.len(),
            count: self.shape.group_out_c(),
            to_step: self.shape.output.c,
            stores: self.is_first,
        };
        multiply(inputs, m, &columns, to);
    }
}

/// `to` becomes `from[start..]`, zeros where there is nothing.
fn copy_padded(from: &[f32], start: isize, to: &mut [f32]) {
    let before = usize::try_from(-start).unwrap_or(0).min(to.len());
    let first = usize::try_from(start).unwrap_or(0).min(from.len());
    let (zeros, to) = to.split_at_mut(before);
    let (to, behind) = to.split_at_mut(to.len().min(from.len() - first));
    zeros.fill(0.0);
    to.copy_from_slice(&from[first..][..to.len()]);
    behind.fill(0.0);
}

/// The left-hand matrix, transposed: a column of it is a pixel's floats.
pub(super) struct Inputs<'a> {
    pub(super) values: &'a [f32],
    /// From one pixel's floats to the next's, within a run.
    pub(super) step: usize,
    pub(super) runs: &'a [Run],
}

/// The right-hand matrix, and what becomes of the sums.
pub(super) struct Columns<'a> {
    /// `[count / 8][pixels][8]`, the last `[pixels][4]` if four columns or fewer are left.
    pub(super) panels: &'a [f32],
    pub(super) pixels: usize,
    /// Columns.
    pub(super) count: usize,
    /// From one row of the result to the next.
    pub(super) to_step: usize,
    /// Sums are stored, not added.
    pub(super) stores: bool,
}

/// `to[i, j] += Σ inputs[pixel, i] columns[pixel, j]` for `m` floats of a pixel.
pub(super) fn multiply(inputs: &Inputs<'_>, m: usize, columns: &Columns<'_>, to: &mut [f32]) {
    let &Columns { panels, pixels, count, to_step, stores } = columns;
    let panels = panels.chunks(pixels * NR).zip((0..count).step_by(NR));
    let panels =
        panels.map(|(values, column)| (column, Panel { values, width: NR.min(count - column), to_step, stores }));
    // Tiles of equal size, as far as possible.
    let tiles = m.div_ceil(MR);
    let tiles = (0..tiles).map(|tile| [tile, tile + 1].map(|i| i * (m / tiles) + i.min(m % tiles)));
    if inputs.step >= FAR_APART && count >= MANY_COLUMNS && pixels <= BLOCK {
        let mut gathered = [[0.0; MR]; BLOCK];
        let mut place = 0;
        let runs: Vec<Run> = inputs
            .runs
            .iter()
            .map(|run| {
                place += run.count;
                Run { input: (place - run.count) * MR, ..*run }
            })
            .collect();
        for [first, end] in tiles {
            gather(inputs, first, &mut gathered);
            let inputs = Inputs { values: gathered.as_flattened(), step: MR, runs: &runs };
            for (column, panel) in panels.clone() {
                tile_of(&inputs, 0..end - first, &panel, &mut to[first * to_step + column..]);
            }
        }
        return;
    }
    for (column, panel) in panels {
        for [first, end] in tiles.clone() {
            tile_of(inputs, first..end, &panel, &mut to[first * to_step + column..]);
        }
    }
}

/// The floats of a tile of every pixel, from `first` on, side by side: where there are fewer than [`MR`] behind it, as many as there are.
#[inline(never)]
fn gather(inputs: &Inputs<'_>, first: usize, to: &mut [[f32; MR]; BLOCK]) {
    let pixels = inputs.runs.iter().flat_map(|run| (run.input + first..).step_by(inputs.step).take(run.count));
    for (to, at) in to.iter_mut().zip(pixels) {
        let from = &inputs.values[at..];
        match from.first_chunk() {
            Some(from) => *to = *from,
            None => to[..from.len()].copy_from_slice(from),
        }
    }
}

/// A panel of the right-hand matrix, see [`Columns`].
struct Panel<'a> {
    values: &'a [f32],
    /// Columns that exist.
    width: usize,
    to_step: usize,
    stores: bool,
}

/// [`tile`] of the floats `rows` of each pixel, by the panel's columns.
fn tile_of(inputs: &Inputs<'_>, rows: Range<usize>, panel: &Panel<'_>, to: &mut [f32]) {
    let tile = match (rows.len(), panel.width > 4) {
        (1, true) => tile::<1, 2>,
        (2, true) => tile::<2, 2>,
        (3, true) => tile::<3, 2>,
        (4, true) => tile::<4, 2>,
        (5, true) => tile::<5, 2>,
        (_, true) => tile::<MR, 2>,
        (1, false) => tile::<1, 1>,
        (2, false) => tile::<2, 1>,
        (3, false) => tile::<3, 1>,
        (4, false) => tile::<4, 1>,
        (5, false) => tile::<5, 1>,
        (_, false) => tile::<MR, 1>,
    };
    tile(inputs, rows.start, panel, to);
}

/// `R` floats of each pixel from `first` on, by `V` vectors of columns. As in the forward product, 12 sums, two vectors and a
/// broadcast fill V8's 15 registers.
#[inline(never)]
fn tile<const R: usize, const V: usize>(inputs: &Inputs<'_>, first: usize, panel: &Panel<'_>, to: &mut [f32]) {
    let mut sums = [[F32x4::zero(); V]; R];
    let values = panel.values.as_chunks::<4>().0.as_chunks::<V>().0;
    for run in inputs.runs {
        let a = Steps::<[f32; R]>::new(&inputs.values[run.input + first..], inputs.step, run.count);
        for (a, b) in a.zip(&values[run.pixel..][..run.count]) {
            let b: [F32x4; V] = from_fn(|v| F32x4::load(&b[v]));
            for (a, sums) in a.iter().zip(&mut sums) {
                let a = F32x4::load_splat(a);
                for (b, sum) in b.iter().zip(sums) {
                    *sum = a.mul_add(*b, *sum);
                }
            }
        }
    }
    if panel.width == 4 * V {
        for (row, sums) in strided_mut::<R, V>(to, panel.to_step).into_iter().zip(sums) {
            for (to, sum) in row.iter_mut().zip(sums) {
                let sum = if panel.stores { sum } else { F32x4::load(to) + sum };
                sum.store(to);
            }
        }
        return;
    }
    for (r, sums) in sums.iter().enumerate() {
        let row = &mut to[r * panel.to_step..][..panel.width];
        for (to, sum) in row.chunks_mut(4).zip(sums) {
            store_part(if panel.stores { *sum } else { load_part(to) + *sum }, to);
        }
    }
}
