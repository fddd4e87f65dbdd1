//! Depthwise 3x3 windows, the most frequent: nine weights stay in registers while the window slides along a row.

use crate::shape::Axis;
use crate::simd::F32x4;
use core::array::from_fn;
use core::ops::Range;

/// Outputs in a pass over one vector of channels: three rows of 64 pixels, a cache line of channels each, fit the first-level cache.
const PASS: usize = 64;

/// Three rows of the input; a row of zeros stands for one in the padding.
pub(super) type Rows<'a> = [&'a [f32]; 3];

/// `[9][4]` weights from lane `c` on, of rows of `width`.
#[inline(always)]
fn weights_at(weights: &[f32], width: usize, c: usize) -> [F32x4; 9] {
    from_fn(|tap| vector(weights, tap * width + c))
}

/// Four floats.
#[inline(always)]
fn vector(values: &[f32], i: usize) -> F32x4 {
    F32x4::load(&values[i..][..4].as_chunks().0[0])
}

/// A row of outputs of `c >= 4` channels, windows `S` pixels apart, adjacent taps.
///
/// Every pixel is loaded once a row of windows and added to each output that sees it: three loads, nine multiply-adds and a
/// store for each output vector at `S = 1`, six loads at `S = 2`.
pub(super) fn slide<const S: usize>(
    rows: &Rows<'_>,
    axis: &Axis,
    weights: &[f32],
    bias: Option<&[f32]>,
    c: usize,
    output: &mut [f32],
) {
    let interior = axis.interior();
    for x in (0..axis.output).step_by(PASS) {
        let range = x..axis.output.min(x + PASS);
        let inside = interior.start.clamp(range.start, range.end)..interior.end.clamp(range.start, range.end);
        let range = [range.start..inside.start, inside.clone(), inside.end..range.end];
        for lane in (0..c / 4 * 4).step_by(4) {
            slide_lanes::<S>(rows, axis, weights, bias, c, lane, &range, output);
        }
        if !c.is_multiple_of(4) {
            // The last few channels once more with some before them: the same sums, written again.
            slide_lanes::<S>(rows, axis, weights, bias, c, c - 4, &range, output);
        }
    }
}

/// Four channels from `lane` on of outputs at the left border, inside and at the right border.
#[expect(clippy::too_many_arguments, reason = "the inner loop of `slide`, apart for the compiler's sake")]
#[inline(never)]
fn slide_lanes<const S: usize>(
    rows: &Rows<'_>,
    axis: &Axis,
    weights: &[f32],
    bias: Option<&[f32]>,
    c: usize,
    lane: usize,
    [left, inside, right]: &[Range<usize>; 3],
    output: &mut [f32],
) {
    let w = weights_at(weights, c, lane);
    let bias = bias.map_or(F32x4::zero(), |bias| vector(bias, lane));
    // Equal lengths, known to the compiler: one check serves all three rows.
    let len = rows[0].len();
    let rows = rows.map(|row| &row[..len]);
    // The three pixels of a column, and their sum by the weights of column `j` of the window.
    let pixels = |at: usize| rows.map(|row| vector(row, at));
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
