//! Any window: the rows of the input under it are copied plane by plane, with the zeros of the padding, so that adjacent outputs
//! read adjacent vectors, whatever the channels and the stride are.

use super::strips::{self, Shared, Target, Window};
use super::{first_channel, planes};
use crate::activation::load_part;
use crate::epilogue::Epilogue;
use crate::shape::{Axis, Conv2dShape, taps_inside};
use crate::simd::{F32x4, Steps};
use core::array::from_fn;
use core::ops::Range;

/// Most taps of an axis.
const MAX_TAPS: usize = 128;
/// Most floats of rows held: 256 KiB, half the smallest second-level cache of the machines seen.
const MAX_LEN: u64 = 64 << 10;
/// Planes that are read together, if there are as many: a cache line of channels.
const MIN_PLANES: usize = 4;
/// Fewest outputs of a segment of a row, if there are as many.
const MIN_SEGMENT: usize = 64;
/// The same where a second pass follows, which is to find whole pixels: with a hard swish over 156 channels at a time, 5x5 of 240
/// channels on 12x80 took 1.13 times as long, on 12x80 to 6x80 1.17 (Node 24, Zen 4).
const MIN_SEGMENT_OF_PIXELS: usize = 16;

/// Columns of a plane's row as they are held. Those a stride apart lie side by side, so that the inputs that adjacent outputs
/// see at one tap are adjacent; columns that no tap sees are left out.
struct Columns {
    /// Where in a row the first output's inputs lie, tap by tap.
    places: [usize; MAX_TAPS],
    /// Columns that begin a run, relative to the first output's first; as many as there are different remainders by the stride.
    phases: [usize; MAX_TAPS],
    count: usize,
    /// Columns of a run.
    run: usize,
    /// From one column of a run to the next.
    step: usize,
}

impl Columns {
    /// Of `outputs` adjacent outputs.
    fn new(axis: &Axis, outputs: usize) -> Self {
        let run = outputs.saturating_add((axis.extent() - 1) / axis.stride);
        let mut columns = Self { places: [0; MAX_TAPS], phases: [0; MAX_TAPS], count: 0, run, step: axis.stride };
        for (tap, place) in columns.places[..axis.kernel].iter_mut().enumerate() {
            let (whole, phase) = (tap * axis.dilation / axis.stride, tap * axis.dilation % axis.stride);
            let known = columns.phases[..columns.count].iter().position(|&known| known == phase);
            let index = known.unwrap_or(columns.count);
            if known.is_none() {
                columns.phases[index] = phase;
                columns.count += 1;
            }
            *place = (index * run).saturating_add(whole).saturating_mul(4);
        }
        columns
    }

    /// The same with all columns side by side, for [`strips::five_adjacent`].
    fn adjacent(axis: &Axis, outputs: usize) -> Self {
        let run = (outputs - 1).saturating_mul(axis.stride).saturating_add(axis.kernel);
        Self { places: [0; MAX_TAPS], phases: [0; MAX_TAPS], count: 1, run, step: 1 }
    }

    /// Floats of a row.
    fn row_len(&self) -> usize {
        self.count * self.run * 4
    }

    /// Copies a row of the input, from column `start` on, to the row at `at` of each plane of `to`. The padding is left as it is.
    #[inline(never)]
    fn fill(&self, shape: &Conv2dShape, input: &[f32], start: isize, planes: Range<usize>, at: usize, to: &mut [f32]) {
        let (in_c, out_c, multiplier) = (shape.input.c, shape.output.c, shape.group_out_c());
        let plane_len = to.len() / planes.len();
        for (index, &phase) in self.phases[..self.count].iter().enumerate() {
            let start = start + phase as isize;
            let inside = taps_inside(start, self.run, self.step, shape.input.w);
            if inside.is_empty() {
                continue;
            }
            let from = &input[(start + (inside.start * self.step) as isize) as usize * in_c..];
            let at = at + 4 * (index * self.run + inside.start);
            // Where the product wraps it is not used: one column is inside.
            let step = self.step.wrapping_mul(in_c);
            for (plane, to) in planes.clone().zip(to.chunks_exact_mut(plane_len)) {
                let (to, _) = to[at..][..4 * inside.len()].as_chunks_mut::<4>();
                let first = first_channel(plane, out_c);
                let mut from = &from[first / multiplier..];
                if multiplier == 1 && in_c >= 4 {
                    for (to, pixel) in to.iter_mut().zip(Steps::<[f32; 4]>::new(from, step, inside.len())) {
                        *to = *pixel;
                    }
                } else if multiplier == 1 {
                    for to in to {
                        load_part(&from[..in_c]).store(to);
                        from = from.get(step..).unwrap_or_default();
                    }
                } else {
                    let places: [usize; 4] =
                        from_fn(|lane| (first + lane).min(out_c - 1) / multiplier - first / multiplier);
                    for to in to {
                        *to = places.map(|place| from[place]);
                        from = from.get(step..).unwrap_or_default();
                    }
                }
            }
        }
    }
}

/// Which rows of outputs are computed together, and how many rows of the input are held for them.
struct Rows {
    /// From the first to the second row of outputs of a pair; none if they share no row of the input.
    apart: Option<usize>,
    /// From a row under the window of the first to the same under that of the second.
    shift: usize,
    /// Rows of outputs that are computed while the same rows are held.
    step: usize,
    /// Rows held; row `y` of the input lies in slot `y % slots`.
    slots: usize,
}

impl Rows {
    fn new(axis: &Axis, in_pairs: bool) -> Self {
        let divisor = greatest_common_divisor(axis.stride, axis.dilation);
        let (apart, shift) = (axis.dilation / divisor, axis.stride / divisor);
        let shares = in_pairs && shift < axis.kernel && apart < axis.output;
        let step = if shares { 2 * apart } else { 1 };
        let span = axis.extent().saturating_add((step - 1).saturating_mul(axis.stride));
        Self { apart: shares.then_some(apart), shift, step, slots: span.min(axis.input) }
    }
}

fn greatest_common_divisor(a: usize, b: usize) -> usize {
    if b == 0 { a } else { greatest_common_divisor(b, a % b) }
}

/// How an image is cut, and where its rows lie.
pub(super) struct Band<'a> {
    shape: &'a Conv2dShape,
    rows: Rows,
    columns: Columns,
    /// Planes of a block.
    planes: usize,
    /// Outputs of a segment of a row.
    segment: usize,
    /// Windows of five adjacent columns, one or two apart.
    five_adjacent: bool,
    /// Where the rows under the windows at hand begin.
    starts: [usize; 2 * MAX_TAPS],
}

/// Part of an image: segments of all rows.
struct Block {
    columns: Range<usize>,
    planes: Range<usize>,
}

impl<'a> Band<'a> {
    /// None where there are too many taps, or rows too far apart to be held.
    pub(super) fn new(shape: &'a Conv2dShape, epilogue: &Epilogue<'_>) -> Option<Self> {
        let Conv2dShape { h, w, .. } = shape;
        if h.kernel.max(w.kernel) > MAX_TAPS {
            return None;
        }
        let five_adjacent = w.kernel == 5 && w.stride <= 2 && w.dilation == 1;
        let columns_of = if five_adjacent { Columns::adjacent } else { Columns::new };
        let rows = Rows::new(h, !five_adjacent);
        let all = planes(shape.output.c);
        let planes_that_fit = |columns: &Columns| {
            // Saturating: runs, rows and columns to hold may multiply to 2^67.
            let lens = [columns.count, rows.slots, columns.run, 4];
            let plane = lens.iter().fold(1u64, |len, &n| len.saturating_mul(n as u64));
            (MAX_LEN / plane).min(all as u64) as usize
        };
        let mut segment = w.output;
        let mut columns = columns_of(w, strips::covered(segment));
        let (_, has_second_pass) = epilogue.as_stored();
        let [fewest, least] =
            if has_second_pass { [all, MIN_SEGMENT_OF_PIXELS] } else { [MIN_PLANES.min(all), MIN_SEGMENT] };
        while segment > least && planes_that_fit(&columns) < fewest {
            segment = segment.div_ceil(2);
            columns = columns_of(w, strips::covered(segment));
        }
        let planes = planes_that_fit(&columns);
        let starts = [0; 2 * MAX_TAPS];
        (planes > 0).then_some(Self { shape, rows, columns, planes, segment, five_adjacent, starts })
    }

    /// Floats of scratch memory.
    pub(super) fn len(&self) -> usize {
        self.planes * self.plane_len()
    }

    fn plane_len(&self) -> usize {
        self.columns.row_len() * self.rows.slots
    }

    /// One image.
    pub(super) fn run(
        &mut self,
        image: &[f32],
        packed: &[f32],
        epilogue: &Epilogue<'_>,
        scratch: &mut [f32],
        output: &mut [f32],
    ) {
        let all = planes(self.shape.output.c);
        let width = self.shape.w.output;
        for x in (0..width).step_by(self.segment) {
            for plane in (0..all).step_by(self.planes) {
                let columns = x..width.min(x + self.segment);
                let block = Block { columns, planes: plane..all.min(plane + self.planes) };
                self.run_block(&block, image, packed, epilogue, scratch, output);
            }
        }
    }

    fn run_block(
        &mut self,
        block: &Block,
        image: &[f32],
        packed: &[f32],
        epilogue: &Epilogue<'_>,
        scratch: &mut [f32],
        output: &mut [f32],
    ) {
        let h = &self.shape.h;
        let apart = self.rows.apart.unwrap_or(1);
        // Zeros of the padding stay where they are from row to row.
        let scratch = &mut scratch[..block.planes.len() * self.plane_len()];
        scratch.fill(0.0);
        let mut filled = 0;
        for first in (0..h.output).step_by(self.rows.step) {
            let outputs = first..h.output.min(first + self.rows.step);
            let clamp = |row: isize| row.clamp(0, h.input as isize) as usize;
            let end = clamp(h.start(outputs.end - 1) + h.extent() as isize);
            for y in filled.max(clamp(h.start(first)))..end {
                self.fill(block, image, y, scratch);
            }
            filled = filled.max(end);
            for y in first..outputs.end.min(first + apart) {
                let second = self.rows.apart.map(|apart| y + apart).filter(|second| outputs.contains(second));
                self.run_rows(block, [Some(y), second], packed, epilogue, scratch, output);
            }
        }
    }

    /// Copies row `y` of the input.
    fn fill(&self, block: &Block, image: &[f32], y: usize, scratch: &mut [f32]) {
        let Conv2dShape { input, w, .. } = self.shape;
        let from = &image[y * input.w * input.c..][..input.w * input.c];
        let at = y % self.rows.slots * self.columns.row_len();
        self.columns.fill(self.shape, from, w.start(block.columns.start), block.planes.clone(), at, scratch);
    }

    /// One row of outputs, or two that share rows of the input.
    #[inline(never)]
    fn run_rows(
        &mut self,
        block: &Block,
        [first, second]: [Option<usize>; 2],
        packed: &[f32],
        epilogue: &Epilogue<'_>,
        scratch: &[f32],
        output: &mut [f32],
    ) {
        let Some(y) = first else { return };
        let Conv2dShape { output: to, h, w, .. } = self.shape;
        let shared = self.share(y, second);
        let (clamp, is_unfinished) = epilogue.as_stored();
        let count = block.columns.len();
        let weights_len = 4 * h.kernel * w.kernel;
        let place = |y: usize| (y * to.w + block.columns.start) * to.c;
        for (plane, scratch) in block.planes.clone().zip(scratch.chunks_exact(self.plane_len())) {
            let channel = first_channel(plane, to.c);
            let window = Window {
                plane: scratch,
                rows: &self.starts,
                columns: &self.columns.places[..w.kernel],
                weights: &packed[plane * weights_len..][..weights_len],
            };
            let bias = epilogue.bias.map_or(F32x4::zero(), |bias| load_part(&bias[channel..]));
            let (step, channels) = (to.c, to.c.min(4));
            if let Some(second) = second {
                let (before, after) = output.split_at_mut(place(second) + channel);
                let rows = [&mut before[place(y) + channel..], after];
                strips::rows(&window, &shared, count, &mut Target { rows, step, channels, bias, clamp });
            } else {
                let rows = [&mut output[place(y) + channel..]];
                let mut target = Target { rows, step, channels, bias, clamp };
                match (self.five_adjacent, w.stride) {
                    (true, 1) => strips::five_adjacent::<1, 8>(&window, &shared.first, count, &mut target),
                    (true, _) => strips::five_adjacent::<2, 11>(&window, &shared.first, count, &mut target),
                    _ => strips::rows(&window, &shared, count, &mut target),
                }
            }
        }
        if is_unfinished {
            for y in [first, second].into_iter().flatten() {
                self.finish(block, place(y), epilogue, output);
            }
        }
    }

    /// The rows that windows of row `y`, or of `y` and `second`, see.
    #[inline(never)]
    fn share(&mut self, y: usize, second: Option<usize>) -> Shared {
        let h = &self.shape.h;
        let shift = self.rows.shift;
        let first = h.taps(y);
        let second = second.map(|y| h.taps(y)).map(|taps| taps.start + shift..taps.end + shift);
        let end = second.as_ref().map_or(first.end, |second| first.end.max(second.end));
        for (j, start) in self.starts[..end].iter_mut().enumerate() {
            // Rows above the input wrap and are not used.
            let row = (h.start(y) + (j * h.dilation) as isize) as usize;
            *start = row % self.rows.slots * self.columns.row_len();
        }
        match second {
            None => Shared { first, both: 0..0, second: 0..0, shift },
            Some(second) => Shared {
                first: first.start..first.end.min(second.start),
                both: first.start.max(second.start)..first.end.min(second.end),
                second: second.start.max(first.end)..second.end,
                shift,
            },
        }
    }

    /// The second pass over a row of the block, whose first pixel lies at `place`.
    #[inline(never)]
    fn finish(&self, block: &Block, place: usize, epilogue: &Epilogue<'_>, output: &mut [f32]) {
        let c = self.shape.output.c;
        let row = &mut output[place..][..block.columns.len() * c];
        let channels = first_channel(block.planes.start, c)..c.min(4 * block.planes.end);
        if channels.len() == c {
            return epilogue.skip(place).finish(row);
        }
        for (i, pixel) in row.chunks_exact_mut(c).enumerate() {
            epilogue.skip(place + i * c + channels.start).finish(&mut pixel[channels.clone()]);
        }
    }
}
