//! Depthwise convolution: each output channel sees one input channel, so vectors of channels need no matrix product.
//!
//! With few or odd channels and a horizontal stride of 1, a row is taken as one run of floats: several pixels together are a
//! whole number of vectors, the weights repeated for each. So a grey image is filtered four pixels at a time.

use super::window3x3;
use crate::epilogue::Epilogue;
use crate::memory::Workspace;
use crate::shape::{Axis, Conv2dShape, SpecError};
use crate::simd::F32x4;
use core::array::from_fn;
use core::ops::Range;

/// Adjacent outputs that share the loads of a weight.
const STRIP: usize = 4;
/// Most floats of weights repeated for whole vectors of odd channels.
const MAX_REPEATED: usize = 1 << 16;

/// Weights `[taps, width]` and bias `[width]` for `width` adjacent floats of a row.
#[derive(Clone, Copy)]
struct Weights<'a> {
    values: &'a [f32],
    bias: Option<&'a [f32]>,
    width: usize,
}

/// One output row: the taps in use, and where everything lies.
struct Row<'a> {
    /// One image.
    input: &'a [f32],
    /// Index of the first row of taps' row in the input, may be followed by others `tap_h` floats apart.
    taps_h: Range<usize>,
    taps_w: Range<usize>,
    /// Taps of a row of the kernel.
    k_w: usize,
    /// Floats from one tap's input to the next's, down and across.
    tap_h: usize,
    tap_w: usize,
}

/// `input` NHWC, `packed` `[taps, out_c]`.
pub(super) fn run(
    shape: &Conv2dShape,
    input: &[f32],
    packed: &[f32],
    epilogue: Epilogue<'_>,
    workspace: &mut Workspace,
    output: &mut [f32],
) -> Result<(), SpecError> {
    let (in_c, out_c) = (shape.input.c, shape.output.c);
    let bias = epilogue.bias;
    let plain = Weights { values: packed, bias, width: out_c };
    let period = if in_c.is_multiple_of(2) { 2 * in_c } else { 4 * in_c };
    let taps = shape.h.kernel * shape.w.kernel;
    let is_window3x3 = shape.h.kernel == 3 && shape.w.kernel == 3 && shape.w.dilation == 1 && out_c == in_c;
    if is_window3x3 && in_c >= 4 && shape.w.stride <= 2 {
        return slide(shape, input, packed, epilogue, workspace, output);
    }
    let repeat = out_c == in_c && !in_c.is_multiple_of(4) && shape.w.stride == 1;
    // Taps are at most as many as floats of a filter, and a period at most four times the channels: neither product overflows.
    let repeated = if repeat && packed.len() <= MAX_REPEATED {
        let scratch = workspace.get((taps + 1) * period)?;
        let (values, bias_row) = scratch.split_at_mut(taps * period);
        for (to, from) in values.chunks_exact_mut(period).zip(packed.chunks_exact(in_c)) {
            to.chunks_exact_mut(in_c).for_each(|to| to.copy_from_slice(from));
        }
        bias_row.chunks_exact_mut(in_c).for_each(|to| match bias {
            Some(bias) => to.copy_from_slice(bias),
            None => to.fill(0.0),
        });
        Some(Weights { values, bias: Some(bias_row), width: period })
    } else {
        None
    };
    let image_len = shape.input.h * shape.input.w * in_c;
    let row_len = shape.output.w * out_c;
    let images = input.chunks_exact(image_len).zip(output.chunks_exact_mut(row_len * shape.output.h));
    for (n, (image, output)) in images.enumerate() {
        for (y, output) in output.chunks_exact_mut(row_len).enumerate() {
            row(shape, image, y, &plain, repeated.as_ref(), output);
            epilogue.skip((n * shape.output.h + y) * row_len).finish(output);
        }
    }
    Ok(())
}

/// 3x3 windows over four channels or more.
fn slide(
    shape: &Conv2dShape,
    input: &[f32],
    weights: &[f32],
    epilogue: Epilogue<'_>,
    workspace: &mut Workspace,
    output: &mut [f32],
) -> Result<(), SpecError> {
    let c = shape.input.c;
    let (from_len, to_len) = (shape.input.w * c, shape.output.w * c);
    let zeros = workspace.get(from_len)?;
    zeros.fill(0.0);
    let slide = if shape.w.stride == 1 { window3x3::slide::<1> } else { window3x3::slide::<2> };
    let images = input.chunks_exact(from_len * shape.input.h).zip(output.chunks_exact_mut(to_len * shape.output.h));
    for (n, (image, output)) in images.enumerate() {
        for (y, output) in output.chunks_exact_mut(to_len).enumerate() {
            let taps = shape.h.taps(y);
            let rows = [0, 1, 2].map(|tap| {
                if !taps.contains(&tap) {
                    return &*zeros;
                }
                let y = shape.h.start(y) + (tap * shape.h.dilation) as isize;
                &image[y as usize * from_len..][..from_len]
            });
            slide(&rows, &shape.w, weights, epilogue.bias, c, output);
            epilogue.skip((n * shape.output.h + y) * to_len).finish(output);
        }
    }
    Ok(())
}

/// One row of outputs.
fn row(
    shape: &Conv2dShape,
    input: &[f32],
    y: usize,
    plain: &Weights<'_>,
    repeated: Option<&Weights<'_>>,
    output: &mut [f32],
) {
    let (in_c, out_c) = (shape.input.c, shape.output.c);
    let w = &shape.w;
    let taps_h = shape.h.taps(y);
    // Where these products (and the stride's, below) wrap they are not used: one tap or one output is inside.
    let mut row = Row {
        input,
        taps_h: taps_h.clone(),
        taps_w: 0..w.kernel,
        k_w: w.kernel,
        tap_h: shape.h.dilation.wrapping_mul(shape.input.w * in_c),
        tap_w: w.dilation.wrapping_mul(in_c),
    };
    // Index of the window's first tap that lies in the input; taps above it are skipped.
    let top = row_start(&shape.h, y, &taps_h) * shape.input.w * in_c;
    let mut x = 0;
    while x < w.output {
        let interior = w.interior();
        let (inside, end) = if interior.contains(&x) { (true, interior.end) } else { (false, x + 1) };
        row.taps_w = w.taps(x);
        let first = top + row_start(w, x, &row.taps_w) * in_c;
        let mut count = end - x;
        let output = &mut output[x * out_c..];
        if let (true, Some(weights)) = (inside, repeated) {
            let pixels = weights.width / in_c;
            let blocks = count / pixels;
            if blocks > 0 {
                strips(&row, weights, first, weights.width, blocks, output);
                x += blocks * pixels;
                continue;
            }
            count = 1;
        }
        if out_c == in_c {
            strips(&row, plain, first, w.stride.wrapping_mul(in_c), count, output);
        } else {
            for (i, output) in output.chunks_exact_mut(out_c).take(count).enumerate() {
                multiplied(&row, plain, first + (i * w.stride).wrapping_mul(in_c), out_c / in_c, output);
            }
        }
        x += count;
    }
}

/// The input under the first of `taps`; 0 if there is none.
fn row_start(axis: &Axis, position: usize, taps: &Range<usize>) -> usize {
    if taps.is_empty() { 0 } else { (axis.start(position) + (taps.start * axis.dilation) as isize) as usize }
}

/// `count` adjacent outputs of `weights.width` floats each, their inputs `step` floats apart.
fn strips(row: &Row<'_>, weights: &Weights<'_>, first: usize, step: usize, count: usize, output: &mut [f32]) {
    let width = weights.width;
    let whole = count / STRIP * STRIP;
    for i in (0..whole).step_by(STRIP) {
        strip::<STRIP>(row, weights, first + i * step, step, &mut output[i * width..][..STRIP * width]);
    }
    for i in whole..count {
        strip::<1>(row, weights, first + i * step, step, &mut output[i * width..][..width]);
    }
}

/// `P` adjacent outputs.
fn strip<const P: usize>(row: &Row<'_>, weights: &Weights<'_>, first: usize, step: usize, output: &mut [f32]) {
    let width = weights.width;
    let mut c = 0;
    while c + 8 <= width {
        channels::<P, 2>(row, weights, first, step, c, output);
        c += 8;
    }
    if c + 4 <= width {
        channels::<P, 1>(row, weights, first, step, c, output);
        c += 4;
    }
    if c < width && width >= 4 {
        // The last few channels once more with some before them: the same sums, written again.
        channels::<P, 1>(row, weights, first, step, width - 4, output);
    } else {
        for c in c..width {
            for p in 0..P {
                output[p * width + c] = channel(row, weights, first + p * step + c, c);
            }
        }
    }
}

/// `4 V` channels from `c` on, of `P` outputs.
#[inline(always)]
fn channels<const P: usize, const V: usize>(
    row: &Row<'_>,
    weights: &Weights<'_>,
    first: usize,
    step: usize,
    c: usize,
    output: &mut [f32],
) {
    let width = weights.width;
    let start: [F32x4; V] = match weights.bias {
        Some(bias) => vectors(&bias[c..]),
        None => [F32x4::zero(); V],
    };
    let mut sums = [start; P];
    for (i, tap_h) in row.taps_h.clone().enumerate() {
        for (j, tap_w) in row.taps_w.clone().enumerate() {
            let weight: [F32x4; V] = vectors(&weights.values[(tap_h * row.k_w + tap_w) * width + c..]);
            let input = &row.input[first + i * row.tap_h + j * row.tap_w + c..];
            for (p, sums) in sums.iter_mut().enumerate() {
                let x: [F32x4; V] = vectors(&input[p * step..]);
                for v in 0..V {
                    sums[v] = x[v].mul_add(weight[v], sums[v]);
                }
            }
        }
    }
    for (p, sums) in sums.iter().enumerate() {
        let (to, _) = output[p * width + c..][..4 * V].as_chunks_mut::<4>();
        for (to, sum) in to.iter_mut().zip(sums) {
            sum.store(to);
        }
    }
}

/// The first `4 V` floats.
#[inline(always)]
fn vectors<const V: usize>(values: &[f32]) -> [F32x4; V] {
    let (quads, _) = values[..4 * V].as_chunks::<4>();
    from_fn(|v| F32x4::load(&quads[v]))
}

/// One channel of one output.
fn channel(row: &Row<'_>, weights: &Weights<'_>, first: usize, c: usize) -> f32 {
    let mut sum = weights.bias.map_or(0.0, |bias| bias[c]);
    for (i, tap_h) in row.taps_h.clone().enumerate() {
        for (j, tap_w) in row.taps_w.clone().enumerate() {
            let weight = weights.values[(tap_h * row.k_w + tap_w) * weights.width + c];
            sum += weight * row.input[first + i * row.tap_h + j * row.tap_w];
        }
    }
    sum
}

/// One output pixel with `multiplier` output channels for each input channel.
fn multiplied(row: &Row<'_>, weights: &Weights<'_>, first: usize, multiplier: usize, output: &mut [f32]) {
    let width = weights.width;
    match weights.bias {
        Some(bias) => output.copy_from_slice(bias),
        None => output.fill(0.0),
    }
    for (i, tap_h) in row.taps_h.clone().enumerate() {
        for (j, tap_w) in row.taps_w.clone().enumerate() {
            let weights = &weights.values[(tap_h * row.k_w + tap_w) * width..][..width];
            let input = &row.input[first + i * row.tap_h + j * row.tap_w..];
            let channels = output.chunks_exact_mut(multiplier).zip(weights.chunks_exact(multiplier));
            for ((sums, weights), &x) in channels.zip(input) {
                let x4 = F32x4::splat(x);
                let (quads, rest) = sums.as_chunks_mut::<4>();
                let (weight_quads, weight_rest) = weights.as_chunks::<4>();
                for (sum, weight) in quads.iter_mut().zip(weight_quads) {
                    x4.mul_add(F32x4::load(weight), F32x4::load(sum)).store(sum);
                }
                for (sum, weight) in rest.iter_mut().zip(weight_rest) {
                    *sum += x * weight;
                }
            }
        }
    }
}
