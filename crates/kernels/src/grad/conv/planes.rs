//! The filter's gradient of a grey picture, whose single channel would leave most of a tile's rows empty in a product over pixels:
//! vectors of pixels instead of output channels.
//!
//! The channels of the gradient are taken apart into planes whose rows are as long as the picture's padded ones, zeros behind them: what
//! meets under a tap are two runs of floats, through all rows of a band. A run's sum is made in registers and then added to those of other
//! runs lane by lane, so that rounding errors grow as in [`super::filter`]. An infinity in the picture meets the zeros, too: it may
//! give NaN to taps that do not see it.

use crate::memory::Workspace;
use crate::shape::{Axis, Conv2dShape, SpecError};
use crate::simd::{F32x4, Steps};
use core::array::from_fn;

/// Most floats of a band's gradients: 64 KiB.
const MAX_BAND: usize = 16 << 10;
/// Most taps of a tile.
const MOST_TAPS: usize = 5;
/// Floats of the picture that a tile reads at a time: those under its taps and three more.
const SPAN: usize = MOST_TAPS + 3;

/// Output channels that fill no panel of a product over pixels, and the fewest pixels of five in a padded row. Speed beside that product
/// (Node 24, relaxed, Zen 4): 5x5, 1 -> 6 on 28x28 1.4; 1 -> 8 1.05, 1 -> 16 0.95; 3x3, 1 -> 4 on 56x56 1.5, 1 -> 1 1.6; 5x5, 1 -> 6 on
/// 9x9 without padding, 5 pixels of 12, 0.6.
const MOST_OUT_C: usize = 7;
const PIXELS_OF_FIVE: usize = 4;
/// Longest side of a window: larger ones have more sums than fit the caches.
const MOST_SIDE: usize = 31;

/// True for a single input channel and a stride and a dilation of 1, where it is faster than a product over pixels.
pub(super) fn pays(shape: &Conv2dShape) -> bool {
    let is_plain = |axis: &Axis| axis.stride == 1 && axis.dilation == 1;
    let Conv2dShape { input, output, h, w, .. } = shape;
    if !is_plain(h) || !is_plain(w) || input.c != 1 || output.c > MOST_OUT_C || h.kernel.max(w.kernel) > MOST_SIDE {
        return false;
    }
    let planes = Planes::new(shape);
    planes.rows > 0 && 5 * output.w >= PIXELS_OF_FIVE * planes.width
}

/// `grad_filter` is `[k_h, k_w, 1, out_c]`.
pub(super) fn run(
    shape: &Conv2dShape,
    input: &[f32],
    grad_output: &[f32],
    workspace: &mut Workspace,
    grad_filter: &mut [f32],
) -> Result<(), SpecError> {
    let planes = Planes::new(shape);
    let Planes { width, rows, tile, outputs, .. } = planes;
    let taps = shape.w.kernel.next_multiple_of(tile);
    // Whole lines of the cache, so that vectors of what follows lie in one.
    let sums_len = (4 * shape.h.kernel * taps * outputs).next_multiple_of(16);
    let padded_len = ((rows + shape.h.kernel - 1) * width + taps + SPAN).next_multiple_of(16);
    let memory = workspace.get(sums_len + padded_len + outputs * rows * width)?;
    memory.fill(0.0);
    let (sums, memory) = memory.split_at_mut(sums_len);
    let sums = sums.as_chunks_mut::<4>().0;
    let (padded, gradients) = memory.split_at_mut(padded_len);
    let gradients = gradients.as_chunks_mut::<4>().0;
    for image in 0..shape.output.n {
        for first in (0..shape.output.h).step_by(rows) {
            let band = Band { image, first, rows: rows.min(shape.output.h - first) };
            planes.pad(&band, input, padded);
            planes.take_apart(&band, grad_output, gradients);
            planes.add_products(&band, padded, gradients, sums);
        }
    }
    let rows_of_taps = grad_filter.chunks_exact_mut(shape.w.kernel * shape.output.c);
    for (row, sums) in rows_of_taps.zip(sums.chunks_exact(taps * outputs)) {
        for (tap, sums) in row.chunks_exact_mut(shape.output.c).zip(sums.chunks_exact(outputs)) {
            tap.iter_mut().zip(sums).for_each(|(to, sums)| *to = F32x4::load(sums).sum());
        }
    }
    Ok(())
}

/// Rows of an image's outputs.
struct Band {
    image: usize,
    first: usize,
    rows: usize,
}

/// How planes lie.
struct Planes<'a> {
    shape: &'a Conv2dShape,
    /// Floats of a row.
    width: usize,
    /// Rows of the largest band.
    rows: usize,
    /// Taps of a tile; of a row, there may be more than the window has.
    tile: usize,
    /// Planes of gradients, with those that fill the last tile.
    outputs: usize,
}

impl<'a> Planes<'a> {
    fn new(shape: &'a Conv2dShape) -> Self {
        let Conv2dShape { output, w, .. } = shape;
        let tile = w.kernel.div_ceil(w.kernel.div_ceil(MOST_TAPS));
        let outputs = output.c.next_multiple_of(outputs_of(tile));
        let width = (output.w + w.kernel - 1).next_multiple_of(4);
        Self { shape, width, rows: (MAX_BAND / outputs / width).min(output.h), tile, outputs }
    }

    /// Copies the rows of the picture that a band sees, between zeros.
    fn pad(&self, band: &Band, input: &[f32], padded: &mut [f32]) {
        let Conv2dShape { input: from, output, h, w, .. } = self.shape;
        let columns = from.w.min((output.w + w.kernel - 1).saturating_sub(w.pad_before));
        for (i, row) in padded.chunks_exact_mut(self.width).enumerate().take(band.rows + h.kernel - 1) {
            match (band.first + i).checked_sub(h.pad_before).filter(|&y| y < from.h) {
                Some(y) => {
                    let pixels = &input[(band.image * from.h + y) * from.w..][..columns];
                    row[w.pad_before..][..columns].copy_from_slice(pixels);
                }
                None => row.fill(0.0),
            }
        }
    }

    /// Where a channel's gradients lie, in quads: those of a tile's channels side by side.
    fn place(&self, channel: usize) -> usize {
        let together = outputs_of(self.tile);
        channel / together * together * self.quads() + channel % together
    }

    /// Quads of a plane.
    fn quads(&self) -> usize {
        self.rows * self.width / 4
    }

    /// Writes a band's gradients, `[row][pixel][channel]`, to `[tile][row][quad of pixels][channel]`.
    #[inline(never)]
    fn take_apart(&self, band: &Band, grad_output: &[f32], planes: &mut [[f32; 4]]) {
        let Conv2dShape { output, .. } = self.shape;
        let (c, together) = (output.c, outputs_of(self.tile));
        for row in 0..band.rows {
            let pixel = (band.image * output.h + band.first + row) * output.w;
            let pixels = &grad_output[pixel * c..][..output.w * c];
            let at = row * self.width / 4 * together;
            let whole = if c < 4 { 0 } else { output.w / 4 };
            // The last few channels once more with some before them.
            for first in (0..c).step_by(4).map(|first| first.min(c.saturating_sub(4))) {
                let places: [usize; 4] = from_fn(|i| self.place(first + i) + at);
                for quad in 0..whole {
                    let vectors = Steps::<[f32; 4]>::new(&pixels[4 * quad * c + first..], c, 4);
                    let mut pixels = [F32x4::zero(); 4];
                    vectors.zip(&mut pixels).for_each(|(vector, to)| *to = F32x4::load(vector));
                    for (channel, place) in F32x4::transpose(pixels).into_iter().zip(places) {
                        channel.store(&mut planes[place + quad * together]);
                    }
                }
            }
            for (i, pixel) in pixels.chunks_exact(c).enumerate().skip(4 * whole) {
                for (channel, value) in pixel.iter().enumerate() {
                    planes[self.place(channel) + at + i / 4 * together][i % 4] = *value;
                }
            }
        }
    }

    /// Adds what a band gives to the sums: `[tap][channel][lane]`.
    fn add_products(&self, band: &Band, padded: &[f32], gradients: &[[f32; 4]], sums: &mut [[f32; 4]]) {
        let &Self { width, tile: size, outputs, .. } = self;
        let taps = self.shape.w.kernel.next_multiple_of(size);
        let count = band.rows * width / 4;
        for output in (0..outputs).step_by(outputs_of(size)) {
            let gradients = &gradients[output * self.quads()..][..count * outputs_of(size)];
            for tap_h in 0..self.shape.h.kernel {
                for tap_w in (0..taps).step_by(size) {
                    let sums = &mut sums[(tap_h * taps + tap_w) * outputs + output..];
                    let pixels = Steps::<[f32; SPAN]>::new(&padded[tap_h * width + tap_w..], 4, count);
                    let add = match size {
                        1 => add::<1, { outputs_of(1) }>,
                        2 => add::<2, { outputs_of(2) }>,
                        3 => add::<3, { outputs_of(3) }>,
                        4 => add::<4, { outputs_of(4) }>,
                        _ => add::<MOST_TAPS, { outputs_of(MOST_TAPS) }>,
                    };
                    add(pixels, gradients, sums, outputs);
                }
            }
        }
    }
}

/// Planes of gradients of a tile of so many taps. With their product's sums, they and a vector of the picture take up to 13 of V8's 15
/// vector registers.
const fn outputs_of(taps: usize) -> usize {
    match taps {
        1 => 8,
        2 => 4,
        3 => 3,
        _ => 2,
    }
}

/// Adds the products of `T` taps and `P` planes, quad by quad; sums of taps lie `apart`.
#[inline(never)]
fn add<const T: usize, const P: usize>(
    pixels: Steps<'_, [f32; SPAN]>,
    gradients: &[[f32; 4]],
    sums: &mut [[f32; 4]],
    apart: usize,
) {
    let mut products = [[F32x4::zero(); P]; T];
    for (pixels, gradients) in pixels.zip(gradients.as_chunks::<P>().0) {
        let gradients: [F32x4; P] = from_fn(|plane| F32x4::load(&gradients[plane]));
        for (pixels, products) in pixels.windows(4).zip(&mut products) {
            let pixels = pixels.first_chunk().map_or(F32x4::zero(), F32x4::load);
            for (gradient, product) in gradients.iter().zip(products) {
                *product = pixels.mul_add(*gradient, *product);
            }
        }
    }
    for (products, sums) in products.iter().zip(sums.chunks_mut(apart)) {
        for (product, sum) in products.iter().zip(sums) {
            (F32x4::load(sum) + *product).store(sum);
        }
    }
}
