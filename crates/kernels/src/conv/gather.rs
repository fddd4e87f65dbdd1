//! Implicit GEMM: a convolution as a matrix product whose left-hand rows, the patches under the window, are gathered block
//! by block from the input. Nothing as large as im2col's matrix is ever made.

use crate::gemm::{LeftHand, Patch, copy_quads};
use crate::shape::{Axis, taps_inside};
use core::array::from_fn;
use core::ops::Range;

/// Which inputs an axis of outputs reads: tap `t` of position `q` reads `q * step + first + t * tap_step`.
#[derive(Clone, Copy, Debug)]
pub(super) struct Reach {
    /// Outputs of this axis.
    pub(super) positions: usize,
    /// From one position's inputs to the next's.
    pub(super) step: usize,
    /// Input of tap 0 at position 0; negative in the padding.
    pub(super) first: isize,
    /// Taps.
    pub(super) taps: usize,
    /// From one tap's input to the next's.
    pub(super) tap_step: usize,
    /// Size of the input.
    pub(super) input: usize,
    /// Where position 0 lies in the output.
    pub(super) output_first: usize,
    /// From one position's output to the next's.
    pub(super) output_step: usize,
}

impl Reach {
    /// Of a convolution.
    pub(super) fn new(axis: &Axis) -> Self {
        Self {
            positions: axis.output,
            step: axis.stride,
            first: axis.start(0),
            taps: axis.kernel,
            tap_step: axis.dilation,
            input: axis.input,
            output_first: 0,
            output_step: 1,
        }
    }
    /// Where a window starts; negative in the padding.
    pub(super) fn start(&self, position: usize) -> isize {
        (position * self.step) as isize + self.first
    }
    /// The input under tap `tap` of a window that starts at `start`, unless it lies in the padding.
    pub(super) fn input_of(&self, start: isize, tap: usize) -> Option<usize> {
        let i = start + (tap * self.tap_step) as isize;
        usize::try_from(i).ok().filter(|&i| i < self.input)
    }
    /// The taps that lie in the input, of a window that starts at `start`.
    pub(super) fn taps_of(&self, start: isize) -> Range<usize> {
        taps_inside(start, self.taps, self.tap_step, self.input)
    }
    /// The same for adjacent taps, without a division.
    fn adjacent_taps(&self, start: isize) -> Range<usize> {
        let first = usize::try_from(-start).unwrap_or(0).min(self.taps);
        let end = usize::try_from(self.input as isize - start).unwrap_or(0).min(self.taps);
        first..end.max(first)
    }
}

/// The patches of one group of channels as rows of a matrix: `[n * positions_h * positions_w, taps_h * taps_w * c]`.
pub(super) struct Gather<'a> {
    /// All images, NHWC.
    pub(super) input: &'a [f32],
    /// Rows.
    pub(super) h: Reach,
    /// Columns.
    pub(super) w: Reach,
    /// Channels of a pixel of the input.
    pub(super) in_c: usize,
    /// The group's channels.
    pub(super) channels: Range<usize>,
    /// Rows, columns and channels of the output.
    pub(super) output: [usize; 3],
}

/// Where the window of one output pixel starts.
#[derive(Clone, Copy)]
pub(super) struct Start {
    /// First of the group's channels in the image.
    image: usize,
    pub(super) y: isize,
    pub(super) x: isize,
}

impl Gather<'_> {
    /// Where the window of a row starts.
    pub(super) fn start(&self, row: usize) -> Start {
        let pixels = self.h.positions * self.w.positions;
        let (n, pixel) = (row / pixels, row % pixels);
        Start {
            image: n * self.h.input * self.w.input * self.in_c + self.channels.start,
            y: self.h.start(pixel / self.w.positions),
            x: self.w.start(pixel % self.w.positions),
        }
    }
    /// Index of the first of the group's channels at `(y, x)`.
    pub(super) fn index(&self, start: &Start, y: usize, x: usize) -> usize {
        start.image + (y * self.w.input + x) * self.in_c
    }
    /// The same under a tap, unless it lies in the padding.
    fn tap_index(&self, start: &Start, tap: usize) -> Option<usize> {
        let y = self.h.input_of(start.y, tap / self.w.taps)?;
        let x = self.w.input_of(start.x, tap % self.w.taps)?;
        Some(self.index(start, y, x))
    }

    /// Channels in whole quads: straight from the input to the panel.
    fn pack_quads<const R: usize>(&self, starts: [Start; R], k: Range<usize>, mut panel: &mut [[[f32; 4]; R]]) {
        let c = self.channels.len();
        for tap in k.start / c..k.end.div_ceil(c) {
            let channels = k.start.max(tap * c) - tap * c..k.end.min((tap + 1) * c) - tap * c;
            let quads;
            (quads, panel) = panel.split_at_mut(channels.len() / 4);
            for (r, start) in starts.iter().enumerate() {
                match self.tap_index(start, tap) {
                    Some(index) => copy_quads(&self.input[index..][channels.clone()], r, quads),
                    None => quads.iter_mut().for_each(|quad| quad[r] = [0.0; 4]),
                }
            }
        }
    }

    /// Any number of channels: the patch is put together first, in runs as long as memory is contiguous.
    fn fill_patch(&self, start: &Start, k: Range<usize>, patch: &mut Patch) {
        let c = self.channels.len();
        let row = self.w.taps * c;
        let mut at = k.start;
        while at < k.end {
            let (tap_y, in_row) = (at / row, at % row);
            let y = self.h.input_of(start.y, tap_y);
            // The end of this run, where its values begin and end, all counted in elements of the row of taps.
            let (run_end, values, index) = match y {
                None => (row, 0..0, 0),
                Some(y) if self.w.tap_step == 1 && c == self.in_c => {
                    let taps = self.w.adjacent_taps(start.x);
                    let first = (start.x + taps.start as isize).max(0) as usize;
                    (row, taps.start * c..taps.end * c, self.index(start, y, first))
                }
                Some(y) => {
                    let tap = in_row / c;
                    match self.w.input_of(start.x, tap) {
                        Some(x) => ((tap + 1) * c, tap * c..(tap + 1) * c, self.index(start, y, x)),
                        None => ((tap + 1) * c, 0..0, 0),
                    }
                }
            };
            let run_end = run_end.min(in_row + (k.end - at));
            let first = values.start.clamp(in_row, run_end);
            let end = values.end.clamp(first, run_end);
            let to = at - k.start;
            copy_zeros(first - in_row, &mut patch[to..]);
            if end > first {
                copy_run(&self.input[index + (first - values.start)..], end - first, &mut patch[to + first - in_row..]);
            }
            copy_zeros(run_end - end, &mut patch[to + end - in_row..]);
            at += run_end - in_row;
        }
    }
}

/// Writes `len` zeros. A loop: most runs are shorter than a call of memset takes.
#[inline(always)]
fn copy_zeros(len: usize, to: &mut [f32]) {
    for to in &mut to[..len] {
        *to = 0.0;
    }
}

/// Copies `len` values, in whole vectors where `from` is long enough: up to three values more, which the next run overwrites.
#[inline(always)]
fn copy_run(from: &[f32], len: usize, to: &mut [f32]) {
    let vectors = len.div_ceil(4);
    if from.len() >= vectors * 4 && to.len() >= vectors * 4 {
        let (from, _) = from[..vectors * 4].as_chunks::<4>();
        let (to, _) = to[..vectors * 4].as_chunks_mut::<4>();
        for (to, from) in to.iter_mut().zip(from) {
            *to = *from;
        }
    } else {
        for (to, from) in to.iter_mut().zip(&from[..len]) {
            *to = *from;
        }
    }
}

impl LeftHand for Gather<'_> {
    fn pack<const R: usize>(&self, first: usize, k: Range<usize>, patch: &mut Patch, panel: &mut [[[f32; 4]; R]]) {
        let starts: [Start; R] = from_fn(|r| self.start(first + r));
        if self.channels.len().is_multiple_of(4) {
            self.pack_quads(starts, k, panel);
        } else {
            for (r, start) in starts.iter().enumerate() {
                self.fill_patch(start, k.clone(), patch);
                copy_quads(&patch[..k.len()], r, panel);
            }
        }
    }
    fn output_offset(&self, row: usize) -> usize {
        let [out_h, out_w, out_c] = self.output;
        let pixels = self.h.positions * self.w.positions;
        let (n, pixel) = (row / pixels, row % pixels);
        let y = pixel / self.w.positions * self.h.output_step + self.h.output_first;
        let x = pixel % self.w.positions * self.w.output_step + self.w.output_first;
        ((n * out_h + y) * out_w + x) * out_c
    }
}
