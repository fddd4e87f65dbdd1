//! The gradient of a 3x3 filter by tiles: Winograd's F(4x4, 3x3) in reverse, a quarter of the multiplications.
//!
//! Forward, 4x4 outputs are `Aᵀ [(G w Gᵀ) ∘ (Bᵀ x B)] A`. So the filter's gradient is `Gᵀ [Σ (A g Aᵀ) ∘ (Bᵀ x B)] G`, summed over tiles: at
//! each of 36 points a matrix product of transformed inputs and transformed gradients, whose long side is tiles. A block of tiles at a
//! time both are transformed; the sums of all blocks are transformed back once. Of many channels, some inputs' and some outputs' sums are
//! made at a time, so that they stay in the second-level cache, and what they are made of is transformed anew for each such part.

use super::filter::{Columns, Inputs, multiply};
use super::runs::Run;
use super::tiles::{Scratch, Tiles};
use crate::activation::store_part;
use crate::conv::winograd_transform::{POINTS, SPAN};
use crate::gemm::NR;
use crate::memory::Workspace;
use crate::shape::{Axis, Conv2dShape, SpecError};
use crate::simd::F32x4;
use core::array::from_fn;
use core::f32::consts::{FRAC_1_SQRT_2, SQRT_2};
use core::ops::Range;

/// Fewest input and output channels, fewest outputs a tile, fewest tiles. Speed beside the product over pixels (Node 24, relaxed, Zen 4,
/// 32 images): 16 -> 16, 32x32: 1.45; 32 -> 32, 16x16: 1.65; 64 -> 64, 8x8: 2.2, 56x56: 2.6; 128 -> 128, 28x28: 2.4;
/// 512 -> 512, 7x7: one image, four tiles, 0.5; four images 1.3; 16 images 2.1.
const MIN_C: usize = 12;
const MIN_OUTPUTS: usize = 8;
const MIN_TILES: usize = 16;
/// Most floats of a block's transformed inputs and gradients: 2 MiB.
const MAX_BLOCK: usize = 512 << 10;
/// Tiles of a block.
const BLOCK: [usize; 2] = [32, 256];
/// Most floats of the sums, 36 for nine of the filter: 2 MiB.
const MAX_SUMS: usize = 512 << 10;

/// True where it is faster than a product over pixels.
pub(super) fn pays(shape: &Conv2dShape) -> bool {
    let is_3x3 = |axis: &Axis| axis.kernel == 3 && axis.stride == 1 && axis.dilation == 1;
    let (in_c, out_c) = (shape.input.c, shape.output.c);
    let tiles = Tiles::new(shape).count();
    is_3x3(&shape.h)
        && is_3x3(&shape.w)
        && shape.groups == 1
        && in_c.min(out_c) >= MIN_C
        && tiles >= MIN_TILES
        && shape.output.len() / out_c >= tiles.saturating_mul(MIN_OUTPUTS)
}

/// Three taps' gradients from sums at the six points.
#[inline(always)]
fn of_sums(m: [F32x4; SPAN]) -> [F32x4; 3] {
    let [two_thirds, third, sixth] = [-2.0 / 3.0, 1.0 / 3.0, 1.0 / 6.0].map(F32x4::splat);
    let (inner, inner_odd) = (m[1] + m[2], m[1] - m[2]);
    let (outer, outer_odd) = (m[3] + m[4], m[3] - m[4]);
    [
        outer.mul_add(sixth, inner.mul_add(two_thirds, m[0])),
        outer_odd.mul_add(F32x4::splat(SQRT_2 / 6.0), inner_odd * F32x4::splat(-2.0 / 3.0 * FRAC_1_SQRT_2)),
        (outer - inner).mul_add(third, m[5]),
    ]
}

/// `grad_filter` is `[3, 3, in_c, out_c]`.
pub(super) fn run(
    shape: &Conv2dShape,
    input: &[f32],
    grad_output: &[f32],
    workspace: &mut Workspace,
    grad_filter: &mut [f32],
) -> Result<(), SpecError> {
    let tiles = Tiles::new(shape);
    let part = [shape.input.c, shape.output.c].map(|c| part_of(c).min(c));
    let (depth, lanes) = (part[0].next_multiple_of(4), part[1].next_multiple_of(4));
    let [fewest, most] = BLOCK;
    let blocks = tiles.count().div_ceil((MAX_BLOCK / POINTS / (depth + lanes)).clamp(fewest, most));
    let largest = tiles.count().div_ceil(blocks);
    let [strip, zeros] = tiles.strip_len(depth.max(lanes));
    let sums_len = POINTS * part[0] * lanes;
    let memory = workspace.get(sums_len + POINTS * largest * (depth + lanes) + strip + zeros)?;
    let (sums, rest) = memory.split_at_mut(sums_len);
    let (inputs, rest) = rest.split_at_mut(POINTS * largest * depth);
    let (gradients, rest) = rest.split_at_mut(POINTS * largest * lanes);
    let (strip, zeros) = rest.split_at_mut(strip);
    let mut scratch = Scratch::new(strip, zeros);
    for rows in parts(shape.input.c, part[0]) {
        for columns in parts(shape.output.c, part[1]) {
            let (in_c, out_c) = (rows.len(), columns.len());
            let (depth, lanes) = (in_c.next_multiple_of(4), out_c.next_multiple_of(4));
            for (i, first) in (0..tiles.count()).step_by(largest).enumerate() {
                let block = first..tiles.count().min(first + largest);
                let count = block.len();
                tiles.transform_inputs(block.clone(), rows.clone(), input, &mut scratch, inputs);
                tiles.transform_gradients(block, columns.clone(), grad_output, &mut scratch, gradients);
                let points = inputs.chunks_exact(count * depth).zip(gradients.chunks_exact(count * lanes));
                for ((values, panels), sums) in points.zip(sums.chunks_exact_mut(in_c * lanes)) {
                    let inputs = Inputs { values, step: depth, runs: &[Run { input: 0, pixel: 0, count }] };
                    let columns = Columns { panels, pixels: count, count: out_c, to_step: lanes, stores: i == 0 };
                    multiply(&inputs, in_c, &columns, sums);
                }
            }
            transform_sums(shape, rows.clone(), columns, sums, grad_filter);
        }
    }
    Ok(())
}

/// Channels of a part: as many as let the sums of parts of inputs and outputs fit [`MAX_SUMS`], in parts of nearly equal size and whole panels.
fn part_of(c: usize) -> usize {
    let most = (MAX_SUMS / POINTS).isqrt();
    c.div_ceil(c.div_ceil(most)).next_multiple_of(NR)
}

/// Ranges of at most `size` that cover `0..len`.
fn parts(len: usize, size: usize) -> impl Iterator<Item = Range<usize>> {
    (0..len).step_by(size).map(move |first| first..len.min(first + size))
}

/// Transforms sums at all points, `[point][row][column]`, whole vectors of columns, to the gradients of those channels' taps.
fn transform_sums(
    shape: &Conv2dShape,
    rows: Range<usize>,
    columns: Range<usize>,
    sums: &[f32],
    grad_filter: &mut [f32],
) {
    let quads = columns.len().div_ceil(4);
    let sums = sums.as_chunks::<4>().0;
    for (c, row) in rows.clone().enumerate() {
        let points: [&[[f32; 4]]; POINTS] = from_fn(|point| &sums[(point * rows.len() + c) * quads..][..quads]);
        let mut taps = grad_filter.chunks_exact_mut(shape.input.c * shape.output.c);
        let mut taps: [&mut [f32]; 9] =
            from_fn(|_| &mut taps.next().unwrap_or_default()[row * shape.output.c..][columns.clone()]);
        for quad in 0..quads {
            let down: [[F32x4; 3]; SPAN] = from_fn(|w| of_sums(from_fn(|h| F32x4::load(&points[h * SPAN + w][quad]))));
            let across = |h: usize| of_sums(down.map(|column| column[h]));
            for (tap, value) in taps.iter_mut().zip(from_fn::<_, 3, _>(across).as_flattened()) {
                store_part(*value, &mut tap[4 * quad..]);
            }
        }
    }
}
