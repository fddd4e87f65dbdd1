//! 3x3 windows that slide along a row, nine weights and the sums of the next outputs in registers.
//!
//! Every pixel is loaded once a row of windows and added to each output that sees it: three loads, nine multiply-adds and a
//! store for each output vector at a stride of 1, six loads at 2. A plane at a time, so that each pixel's cache line is
//! visited once a plane: for few channels and long rows.

use super::{first_channel, is_3x3, rows3};
use crate::epilogue::Epilogue;
use crate::shape::{Axis, Conv2dShape};
use crate::simd::F32x4;
use core::array::from_fn;
use core::ops::Range;

/// Outputs in a pass over one plane.
const PASS: usize = 64;

/// Floats of an image that does not fit the second-level cache: at a stride of 1 the few rows that slide are fetched ahead, the many
/// pixels of a tile are not. 144 channels on 56x56 1.09 times as fast as tiles.
const LARGE: usize = 256 << 10;

/// The first-level cache: lines of 16 floats, as many sets, so many lines in each.
const LINE: usize = 16;
const SETS: usize = 64;
const WAYS: usize = 8;

/// Where it is faster than [`super::tiles`]: its cost is in starting rows, once a plane, theirs in starting tiles. Times as fast as
/// tiles (Node 24, relaxed, Zen 4): 24 channels on 14x14 0.88, 28x28 1.12, 56x56 1.28; 40: 0.89, 1.02, 1.14; 72 on 28x28 0.95, 96 on
/// 56x56 1.06; at a stride of 2: 24 channels on 28x28 1.32, 40 1.13, 58 1.06, 72 0.93; 72 on 56x56 1.04, 144 on 112x112 0.97.
pub(super) fn pays(shape: &Conv2dShape) -> bool {
    let (c, w) = (shape.input.c, &shape.w);
    let is_long = match w.stride {
        1 => w.output >= 24 && (5 * w.output > 2 * c || shape.input.h * w.input * c > LARGE),
        2 => 7 * w.output > 2 * c,
        _ => false,
    };
    is_3x3(shape) && w.dilation == 1 && is_long && fits_cache(c, w)
}

/// True where the pixels that a pass sees fit the first-level cache until its next plane, which is in the same lines: pixels that
/// are an even number of lines apart have few sets to go to. Times as fast as tiles: 64 channels on 56x56 0.86, 256 on 28x28 0.73; at
/// a stride of 2, 32 channels on 80x80 (7.5 lines a set) 1.13, on 112x112 (12) 0.8, 96 0.73.
fn fits_cache(c: usize, w: &Axis) -> bool {
    let sets = if c.is_multiple_of(LINE) { SETS >> (c / LINE).trailing_zeros().min(SETS.ilog2()) } else { SETS };
    3 * w.input.min(PASS * w.stride) <= WAYS * sets
}

/// One image. `zeros` is as long as a row of it.
#[inline(never)]
pub(super) fn run(
    shape: &Conv2dShape,
    image: &[f32],
    packed: &[f32],
    epilogue: &Epilogue<'_>,
    zeros: &[f32],
    output: &mut [f32],
) {
    let row_len = shape.output.w * shape.output.c;
    for (y, output) in output.chunks_exact_mut(row_len).enumerate() {
        let rows = rows3(shape, image, y).map(|row| row.unwrap_or(zeros));
        row(&rows, &shape.w, packed, epilogue.bias, shape.input.c, output);
        // Not as sums are stored: two more registers would spill the weights.
        epilogue.skip(y * row_len).finish(output);
    }
}

/// A row of outputs.
fn row(rows: &[&[f32]; 3], axis: &Axis, packed: &[f32], bias: Option<&[f32]>, c: usize, output: &mut [f32]) {
    let interior = axis.interior();
    for x in (0..axis.output).step_by(PASS) {
        let range = x..axis.output.min(x + PASS);
        let inside = interior.start.clamp(range.start, range.end)..interior.end.clamp(range.start, range.end);
        let range = [range.start..inside.start, inside.clone(), inside.end..range.end];
        for (plane, weights) in packed.as_chunks::<36>().0.iter().enumerate() {
            let lane = first_channel(plane, c);
            let bias = bias.map_or(F32x4::zero(), |bias| vector(bias, lane));
            if axis.stride == 1 {
                slide::<1>(rows, axis, weights, bias, [c, lane], &range, output);
            } else {
                slide::<2>(rows, axis, weights, bias, [c, lane], &range, output);
            }
        }
    }
}

/// Four floats.
#[inline(always)]
fn vector(values: &[f32], i: usize) -> F32x4 {
    F32x4::load(&values[i..][..4].as_chunks().0[0])
}

/// Channels `lane..lane + 4` of `c`, windows `S` pixels apart, of outputs at the left border, inside and at the right border.
#[inline(never)]
fn slide<const S: usize>(
    rows: &[&[f32]; 3],
    axis: &Axis,
    weights: &[f32; 36],
    bias: F32x4,
    [c, lane]: [usize; 2],
    [left, inside, right]: &[Range<usize>; 3],
    output: &mut [f32],
) {
    let w: [F32x4; 9] = from_fn(|tap| vector(weights, 4 * tap));
    // Equal lengths, known to the compiler: one check serves all three rows.
    let len = rows[0].len();
    let rows = rows.map(|row| &row[..len]);
    // The three pixels of a column, and their sum by the weights of column `j` of the window.
    let pixels = |at: usize| [vector(rows[0], at), vector(rows[1], at), vector(rows[2], at)];
    let add = |pixels: [F32x4; 3], j: usize, sum: F32x4| {
        pixels[2].mul_add(w[6 + j], pixels[1].mul_add(w[3 + j], pixels[0].mul_add(w[j], sum)))
    };
    for x in left.clone().chain(right.clone()) {
        let mut sum = bias;
        for j in 0..3 {
            // Below zero wraps to a number above any size.
            let column = (x * S + j).wrapping_sub(axis.pad_before);
            if column < axis.input {
                sum = add(pixels(column * c + lane), j, sum);
            }
        }
        sum.store(&mut output[x * c + lane..][..4].as_chunks_mut().0[0]);
    }
    if inside.is_empty() {
        return;
    }
    let mut at = (inside.start * S - axis.pad_before) * c + lane;
    let mut next = add(pixels(at), 0, bias);
    let mut after = bias;
    if S == 1 {
        let pixels = pixels(at + c);
        next = add(pixels, 1, next);
        after = add(pixels, 0, after);
    }
    // Once, not for every output.
    assert!(lane <= c && c - lane >= 4);
    for output in output[inside.start * c..].chunks_exact_mut(c).take(inside.len()) {
        if S == 2 {
            next = add(pixels(at + c), 1, next);
        }
        let pixels = pixels(at + 2 * c);
        let sum = add(pixels, 2, next);
        if S == 1 {
            next = add(pixels, 1, after);
            after = add(pixels, 0, bias);
        } else {
            next = add(pixels, 0, bias);
        }
        sum.store(&mut output[lane..][..4].as_chunks_mut().0[0]);
        at += S * c;
    }
}
