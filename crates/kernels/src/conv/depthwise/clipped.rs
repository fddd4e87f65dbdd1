//! Windows so large, or taps so far apart, that their rows are not held: each output takes the taps that lie in the input.

use super::first_channel;
use crate::activation::load_part;
use crate::epilogue::Epilogue;
use crate::shape::Conv2dShape;
use crate::simd::F32x4;
use core::array::from_fn;

/// One image.
pub(super) fn run(shape: &Conv2dShape, image: &[f32], packed: &[f32], epilogue: &Epilogue<'_>, output: &mut [f32]) {
    let Conv2dShape { input, output: to, h, w, .. } = *shape;
    let multiplier = shape.group_out_c();
    for (plane, weights) in packed.chunks_exact(4 * h.kernel * w.kernel).enumerate() {
        let (weights, _) = weights.as_chunks::<4>();
        let channels = first_channel(plane, to.c)..to.c.min(4 * plane + 4);
        let places: [usize; 4] = from_fn(|lane| (channels.start + lane).min(channels.end - 1) / multiplier);
        let bias = epilogue.bias.map_or(F32x4::zero(), |bias| load_part(&bias[channels.clone()]));
        for (i, pixel) in output.chunks_exact_mut(to.c).enumerate() {
            let (y, x) = (i / to.w % to.h, i % to.w);
            let mut sum = bias;
            for tap_h in h.taps(y) {
                for tap_w in w.taps(x) {
                    let row = (h.start(y) + (tap_h * h.dilation) as isize) as usize;
                    let column = (w.start(x) + (tap_w * w.dilation) as isize) as usize;
                    let from = &image[(row * input.w + column) * input.c..][..input.c];
                    let values = F32x4::load(&places.map(|place| from[place]));
                    sum = values.mul_add(F32x4::load(&weights[tap_h * w.kernel + tap_w]), sum);
                }
            }
            pixel[channels.clone()].copy_from_slice(&sum.to_array()[..channels.len()]);
        }
    }
    epilogue.finish(output);
}
