//! Which pixels meet under a tap: for one tap of a window, every output pixel belongs to at most one input pixel, and
//! those that do lie in runs. What is in the padding is left out, not multiplied by zero.

use crate::shape::{Axis, Conv2dShape};
use core::ops::Range;

/// Output pixels side by side, and the input pixels that one tap gives them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Run {
    /// Where the first input pixel's floats start.
    pub(super) input: usize,
    /// The first output pixel, counted from the start of the block.
    pub(super) pixel: usize,
    /// Pixels.
    pub(super) count: usize,
}

/// A block of output pixels: some rows of the whole batch, and some columns of each.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Pixels {
    /// Rows, counted through the batch.
    pub(super) rows: Range<usize>,
    /// Columns.
    pub(super) columns: Range<usize>,
}

impl Pixels {
    /// Output pixels.
    pub(super) fn len(&self) -> usize {
        self.rows.len() * self.columns.len()
    }

    /// The output pixels of each row, counted through the batch.
    pub(super) fn pixels(&self, out_w: usize) -> impl Iterator<Item = Range<usize>> + use<> {
        let Range { start, end } = self.columns.clone();
        self.rows.clone().map(move |row| row * out_w + start..row * out_w + end)
    }
}

/// Blocks of at most `limit` pixels that cover the output, in the order of memory.
pub(super) fn blocks(shape: &Conv2dShape, limit: usize) -> impl Iterator<Item = Pixels> + use<> {
    let (rows, width) = (shape.output.n * shape.output.h, shape.output.w);
    let across = width.min(limit);
    let down = (limit / across).max(1);
    (0..rows).step_by(down).flat_map(move |row| {
        (0..width)
            .step_by(across)
            .map(move |column| Pixels { rows: row..rows.min(row + down), columns: column..width.min(column + across) })
    })
}

/// The positions whose tap `tap` lies in the input.
pub(super) fn positions(axis: &Axis, tap: usize) -> Range<usize> {
    let offset = (tap * axis.dilation) as isize - axis.pad_before as isize;
    let first = if offset < 0 { offset.unsigned_abs().div_ceil(axis.stride) } else { 0 };
    let end = usize::try_from(axis.input as isize - offset).unwrap_or(0).div_ceil(axis.stride);
    let first = first.min(axis.output);
    first..end.clamp(first, axis.output)
}

/// Where the input under tap `tap` of a position lies that [`positions`] names.
pub(super) fn input_of(axis: &Axis, tap: usize, position: usize) -> usize {
    position * axis.stride + tap * axis.dilation - axis.pad_before
}

/// The runs of a block under one tap, in order. `c` floats make a pixel of the input.
pub(super) fn under_tap(shape: &Conv2dShape, block: &Pixels, [tap_h, tap_w]: [usize; 2], runs: &mut Vec<Run>) {
    runs.clear();
    let (h, w, c) = (&shape.h, &shape.w, shape.input.c);
    let (inside_h, inside_w) = (positions(h, tap_h), positions(w, tap_w));
    let columns = inside_w.start.max(block.columns.start)..inside_w.end.min(block.columns.end);
    if columns.is_empty() {
        return;
    }
    let x = input_of(w, tap_w, columns.start);
    // Rows without a gap between them are one run.
    let whole = columns.len() == w.output && h.output == inside_h.len();
    for (i, row) in block.rows.clone().enumerate() {
        let (n, y) = (row / h.output, row % h.output);
        if !inside_h.contains(&y) {
            continue;
        }
        let input = ((n * h.input + input_of(h, tap_h, y)) * w.input + x) * c;
        let pixel = i * block.columns.len() + columns.start - block.columns.start;
        match runs.last_mut() {
            Some(last) if whole && last.input + last.count * w.stride * c == input => last.count += columns.len(),
            _ => runs.push(Run { input, pixel, count: columns.len() }),
        }
    }
}
