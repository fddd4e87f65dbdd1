//! Filters of pictures: a depthwise convolution of at most four channels, windows a pixel apart.
//!
//! A row is one run of floats, whatever the channels are, and the tap next to another lies a pixel's floats further on: vectors
//! are loaded where they lie, nothing is shuffled. Two rows of outputs share what they load. Where the window reaches over
//! the border, what it covers is copied with its zeros first. A filter that is the product of a column and a row
//! (Gaussian, box) takes two passes, a column's and a row's, two rows of outputs at a time in the first-level cache.

mod filter;
mod tile;

use super::packed::{PackedFilter, PackingKey};
use crate::epilogue::Epilogue;
use crate::memory::Workspace;
use crate::shape::{Axis, Conv2dShape, Image, SpecError};
use crate::simd::F32x4;
use core::ops::Range;
use filter::{Filter, Weights};
use tile::{
    PAIR_TILE, ROW_TILE, ROW_TILE_OF_3, Source, TILE_OF_3, Taps, Target, column_pair, pair_of_3, row, row_pair,
};

/// Most channels of a picture.
const MAX_CHANNELS: usize = 4;
/// Most floats of scratch memory: 4 MiB.
const MAX_SCRATCH: u64 = 1 << 20;

/// Channels kept apart, windows a pixel apart, and no more scratch memory than [`MAX_SCRATCH`].
pub(super) fn can_do(shape: &Conv2dShape) -> bool {
    let is_depthwise = shape.group_in_c() == 1 && shape.output.c == shape.input.c && shape.input.c <= MAX_CHANNELS;
    is_depthwise && shape.w.stride == 1 && scratch_len(shape) <= MAX_SCRATCH
}

/// True where it is faster than a vector of channels at a time.
///
/// Measured (Node 24, Zen 3, times as fast): 3x3 1.6 on 1080x1920, 1.4 on 28x28, 1.7 on 5x5; but a column of single floats
/// 0.5, and 3x3 of four channels, which have a kernel of their own, 1.1 on 1080x1920 and 0.4 on 14x14.
pub(super) fn pays(shape: &Conv2dShape) -> bool {
    let (c, window) = (shape.input.c, [shape.h.kernel, shape.w.kernel]);
    shape.output.w * c >= 4 && !(c == MAX_CHANNELS && window == [3, 3] && shape.w.dilation == 1)
}

/// True if a product of a column and a row would be faster than the whole window.
///
/// Measured (Node 24, Zen 3, 1080x1920, times as fast): 3x3 and 3x5 1.0, 4x4 1.4, 5x3 1.4, 5x5 1.8, 9x9 3.3; 0.6 where rows are
/// shorter than a tile.
pub(super) fn pays_in_two_passes(shape: &Conv2dShape) -> bool {
    const MORE_TAPS_THAN: usize = 12;
    shape.h.kernel * shape.w.kernel > MORE_TAPS_THAN && shape.input.w * shape.input.c >= ROW_TILE
}

/// Floats of scratch memory: what the windows of a tile of two rows cover, or two padded rows, and small outputs.
fn scratch_len(shape: &Conv2dShape) -> u64 {
    let c = shape.input.c as u64;
    let span = (shape.w.extent() as u64 - 1) * c + ROW_TILE as u64;
    let patch = span * (shape.h.kernel as u64 + 1);
    patch.max(2 * padded_len(&shape.w, shape.input.c)) + 2 * ROW_TILE as u64
}

/// Floats of a row with its padding, and at least a tile's.
fn padded_len(axis: &Axis, c: usize) -> u64 {
    let padded = (axis.pad_before as u64 + axis.input as u64 + axis.pad_after as u64) * c as u64;
    padded.max((axis.extent() as u64 - 1) * c as u64 + ROW_TILE as u64)
}

/// Packs weights `[h * w, c]`; as a column and a row if they are their product and it may be `separable`.
pub(super) fn pack(
    key: PackingKey,
    shape: &Conv2dShape,
    separable: bool,
    values: &[f32],
) -> Result<PackedFilter, SpecError> {
    let weights = Weights { values, c: shape.input.c, taps: [shape.h.kernel, shape.w.kernel] };
    let form = weights.form(separable);
    PackedFilter::new(key, weights.packed_len(&form), |packed| weights.pack(&form, packed))
}

/// A row of outputs, or two, and the rows of taps that lie in the input.
struct Rows {
    y: usize,
    count: usize,
    taps: Range<usize>,
}

/// All rows of outputs; in `pairs`, where the windows of two rows lie in the input and a row apart.
fn rows(h: &Axis, pairs: bool) -> impl Iterator<Item = Rows> {
    let all = 0..h.kernel;
    let pairs = pairs && h.stride == 1 && h.dilation == 1;
    let mut next = 0;
    core::iter::from_fn(move || {
        let y = next;
        let taps = (y < h.output).then(|| h.taps(y))?;
        let is_pair = pairs && taps == all && y + 1 < h.output && h.taps(y + 1) == all;
        let count = if is_pair { 2 } else { 1 };
        next += count;
        Some(Rows { y, count, taps })
    })
}

/// `input` NHWC.
pub(super) fn run(
    shape: &Conv2dShape,
    input: &[f32],
    packed: &[f32],
    epilogue: Epilogue<'_>,
    workspace: &mut Workspace,
    output: &mut [f32],
) -> Result<(), SpecError> {
    let Conv2dShape { h, w, .. } = shape;
    let c = shape.input.c;
    let filter = Filter::of(packed, [h.kernel, w.kernel]);
    // One bias is where the sums begin; those of several channels are added to them.
    let (start, biases) = match epilogue.bias {
        Some(&[bias]) => (bias, None),
        Some(biases) => (0.0, Some(core::array::from_fn(|i| biases[i % c]))),
        None => (0.0, None),
    };
    let line = Line { axis: w, c, start };
    let (from_len, to_len) = (w.input * c, w.output * c);
    let mut scratch = Scratch::new(workspace.get(scratch_len(shape) as usize)?);
    let pairs = !matches!(filter, Filter::Window { vectors: 3, .. });
    let images = input.chunks_exact(from_len * h.input).zip(output.chunks_exact_mut(to_len * h.output));
    for (n, (image, output)) in images.enumerate() {
        for Rows { y, count, taps } in rows(h, pairs) {
            let top = if taps.is_empty() { 0 } else { (h.start(y) + (taps.start * h.dilation) as isize) as usize };
            // A pitch that wraps is not used: a dilation as large as that leaves one row of taps.
            let source = Source { from: &image[top * from_len..], pitch: h.dilation.saturating_mul(from_len) };
            let output = &mut output[y * to_len..][..count * to_len];
            match filter {
                Filter::Window { weights, vectors } => {
                    let row = 4 * vectors * w.kernel;
                    line.window(
                        source,
                        &weights[taps.start * row..taps.end * row],
                        vectors,
                        count,
                        &mut scratch,
                        output,
                    );
                }
                Filter::Product { column, row } => {
                    line.product(source, &column[4 * taps.start..4 * taps.end], row, count, &mut scratch, output);
                }
            }
            if let Some(biases) = &biases {
                add(biases, output);
            }
            epilogue.skip((n * h.output + y) * to_len).finish(output);
        }
    }
    Ok(())
}

/// True if all channels have the same packed weights.
pub(super) fn is_one_for_all(packed: &[f32]) -> bool {
    packed.as_chunks::<4>().0.iter().all(|vector| vector.iter().all(|weight| weight.to_bits() == vector[0].to_bits()))
}

/// `input` NCHW, of a filter that [`is_one_for_all`].
pub(super) fn run_planes(
    shape: &Conv2dShape,
    input: &[f32],
    packed: &[f32],
    epilogue: Epilogue<'_>,
    workspace: &mut Workspace,
    output: &mut [f32],
) -> Result<(), SpecError> {
    let c = shape.input.c;
    let plane = |image: Image| Image { n: 1, c: 1, ..image };
    let shape = Conv2dShape { input: plane(shape.input), output: plane(shape.output), groups: 1, ..*shape };
    let len = shape.output.len();
    let planes = input.chunks_exact(shape.input.len()).zip(output.chunks_exact_mut(len));
    for (i, (from, to)) in planes.enumerate() {
        let bias = epilogue.bias.map(|bias| &bias[i % c..][..1]);
        run(&shape, from, packed, Epilogue { bias, ..epilogue.skip(i * len) }, workspace, to)?;
    }
    Ok(())
}

/// Floats after which 1, 2, 3 and 4 channels are the first again.
const PERIOD: usize = 12;

/// Adds a bias to each channel.
fn add(biases: &[f32; PERIOD], output: &mut [f32]) {
    let vectors: [F32x4; PERIOD / 4] = core::array::from_fn(|i| F32x4::load(&biases.as_chunks().0[i]));
    let (periods, rest) = output.as_chunks_mut::<PERIOD>();
    for to in periods {
        for (to, bias) in to.as_chunks_mut().0.iter_mut().zip(vectors) {
            (F32x4::load(to) + bias).store(to);
        }
    }
    rest.iter_mut().zip(biases).for_each(|(to, bias)| *to += bias);
}

/// Scratch memory.
struct Scratch<'a> {
    /// What windows cover, zeros where that is padding; or the rows between the two passes.
    input: &'a mut [f32],
    /// Two rows of outputs that are shorter than a tile.
    output: &'a mut [f32],
}

impl<'a> Scratch<'a> {
    /// All zeros.
    fn new(floats: &'a mut [f32]) -> Self {
        floats.fill(0.0);
        let (output, input) = floats.split_at_mut(2 * ROW_TILE);
        Self { input, output }
    }
}

/// What the rows of a picture have in common.
struct Line<'a> {
    /// Columns.
    axis: &'a Axis,
    /// Channels.
    c: usize,
    /// Where sums begin.
    start: f32,
}

impl Line<'_> {
    fn input_len(&self) -> usize {
        self.axis.input * self.c
    }

    /// Floats from one tap's input to the next's.
    fn step(&self) -> usize {
        self.axis.dilation * self.c
    }

    /// Floats of a row's padding at the left.
    fn left(&self) -> usize {
        self.axis.pad_before * self.c
    }

    /// `count` rows of outputs by whole windows, of as many rows of taps as there are weights for.
    fn window(
        &self,
        source: Source<'_>,
        weights: &[f32],
        vectors: usize,
        count: usize,
        scratch: &mut Scratch<'_>,
        output: &mut [f32],
    ) {
        let start = self.start;
        let taps = Taps { weights, w: self.axis.kernel, step: self.step() };
        let seen = weights.len() / (4 * vectors * taps.w) + count - 1;
        let mut sweep = |tile: usize, kernel: &dyn Fn(Source<'_>, usize, Target<'_>)| {
            self.sweep(tile, seen, kernel, source, scratch, count, output);
        };
        match (count, vectors, self.c) {
            (1, 3, _) => sweep(ROW_TILE_OF_3, &|from, len, target| row::<9, 3>(from, &taps, start, len, target.to)),
            (1, _, _) => sweep(ROW_TILE, &|from, len, target| row::<12, 1>(from, &taps, start, len, target.to)),
            _ if seen == 4 => sweep(TILE_OF_3, &|from, len, target| pair_of_3(from, &taps, start, len, target)),
            _ => sweep(PAIR_TILE, &|from, len, target| row_pair(from, &taps, start, len, target)),
        }
    }

    /// Goes along `count` rows of outputs with a kernel that sees the first `seen` rows of `source`, and copies what lies
    /// under the windows at the border.
    #[expect(clippy::too_many_arguments, reason = "the one loop of all windows")]
    fn sweep(
        &self,
        tile: usize,
        seen: usize,
        kernel: &dyn Fn(Source<'_>, usize, Target<'_>),
        source: Source<'_>,
        scratch: &mut Scratch<'_>,
        count: usize,
        output: &mut [f32],
    ) {
        let len = output.len() / count;
        let (from_len, left) = (self.input_len(), self.left());
        let reach = (self.axis.kernel - 1) * self.step();
        let mut at_border = |at: usize, target: Target<'_>| {
            let pitch = reach + tile;
            for (row, to) in scratch.input.chunks_exact_mut(pitch).take(seen).enumerate() {
                let row = &source.from[row * source.pitch..][..from_len];
                for (i, to) in to.iter_mut().enumerate() {
                    // Below zero wraps to a number above any length.
                    *to = row.get((at + i).wrapping_sub(left)).copied().unwrap_or(0.0);
                }
            }
            kernel(Source { from: scratch.input, pitch }, tile, target);
        };
        if len < tile {
            at_border(0, Target { to: scratch.output, pitch: tile });
            for (to, from) in output.chunks_exact_mut(len).zip(scratch.output.chunks_exact(tile)) {
                to.copy_from_slice(&from[..len]);
            }
            return;
        }
        let end = (from_len + left).saturating_sub(reach).min(len);
        let inside = if left + tile <= end { left..end } else { 0..0 };
        for at in (0..inside.start).step_by(tile).chain((inside.end..len).step_by(tile)) {
            let at = at.min(len - tile);
            at_border(at, Target { to: &mut output[at..], pitch: len });
        }
        if !inside.is_empty() {
            kernel(source, inside.len(), Target { to: &mut output[left..], pitch: len });
        }
    }

    /// `count` rows of outputs in two passes.
    fn product(
        &self,
        source: Source<'_>,
        column: &[f32],
        weights: &[f32],
        count: usize,
        scratch: &mut Scratch<'_>,
        output: &mut [f32],
    ) {
        let len = output.len() / count;
        let (from_len, left) = (self.input_len(), self.left());
        let pitch = padded_len(self.axis, self.c) as usize;
        let between = &mut scratch.input[left..];
        if from_len < ROW_TILE {
            for (r, to) in between.chunks_mut(pitch).take(count).enumerate() {
                for (x, to) in to[..from_len].iter_mut().enumerate() {
                    let inputs = source.from[x..].iter().step_by(source.pitch).skip(r);
                    *to = inputs.zip(column.iter().skip(x % 4).step_by(4)).map(|(x, w)| x * w).sum();
                }
            }
        } else if count == 2 {
            column_pair(source, column, from_len, Target { to: between, pitch });
        } else {
            row::<12, 1>(source, &Taps { weights: column, w: 1, step: 1 }, 0.0, from_len, between);
        }
        let taps = Taps { weights, w: self.axis.kernel, step: self.step() };
        for (from, to) in scratch.input.chunks_exact(pitch).zip(output.chunks_exact_mut(len)) {
            let source = Source { from, pitch };
            if len < ROW_TILE {
                row::<12, 1>(source, &taps, self.start, ROW_TILE, scratch.output);
                to.copy_from_slice(&scratch.output[..len]);
            } else {
                row::<12, 1>(source, &taps, self.start, len, to);
            }
        }
    }
}
