//! Pictures: bytes to floats and back, and other sizes.

use super::in_nhwc;
use crate::call::{Call, output};
use crate::words::Words;
use lenslet_kernels::edges::sobel_magnitude;
use lenslet_kernels::image::{self, Color, PixelRange};
use lenslet_kernels::pool::planes_of;
use lenslet_kernels::resize::{Coordinates, Resize2d, ResizeMode, Rounding, Sampling};
use lenslet_kernels::shape::{Image, Layout, SpecError};

/// Words: layout, n, h, w, c, outH, outW, mode (0 nearest, 1 linear, 2 cubic), coordinates (0 half-pixel, 1 align-corners,
/// 2 asymmetric, 3 pytorch-half-pixel, 4 half-pixel-symmetric). Then, unless all are the usual of [`Sampling::new`], rounding
/// (0 round-prefer-floor, 1 round-prefer-ceil, 2 floor, 3 ceil), cubicCoeffA, excludeOutside, antialias, scaleH, scaleW (0 and 0: those
/// of the sizes).
pub(crate) fn resize2d(mut call: Call) -> Result<(), SpecError> {
    let (layout, image) = call.words.image();
    let (out_h, out_w, sampling) = resize_words(&mut call.words)?;
    call.words.end()?;
    // No transposes: a channel of an NCHW image is an image of one channel.
    let image = if layout == Layout::Nchw { planes_of(&image) } else { image };
    Resize2d::with_sampling(image, out_h, out_w, sampling)?.run(call.inputs.get(0)?, output(call.outputs, 0)?)
}

/// What follows the image in the words of a resize.
pub(super) fn resize_words(words: &mut Words) -> Result<(usize, usize, Sampling), SpecError> {
    let [out_h, out_w] = words.sizes(["outH", "outW"]);
    let mode = ResizeMode::from_code(words.code("mode"))?;
    let mut sampling = Sampling::new(mode, Coordinates::from_code(words.code("coordinates"))?);
    if !words.is_empty() {
        sampling.rounding = Rounding::from_code(words.code("rounding"))?;
        sampling.cubic_coeff_a = words.float("cubicCoeffA");
        sampling.exclude_outside = words.flag("excludeOutside");
        sampling.antialias = words.flag("antialias");
        let scales = [words.float("scale"), words.float("scale")];
        sampling.scales = (scales != [0.0; 2]).then_some(scales);
    }
    Ok((out_h, out_w, sampling))
}

/// Input: h * w RGBA pixels, a byte a channel. Words: layout, h, w, color (0 grey, 1 rgb, 2 rgba), scale, mean (c), std (c).
pub(crate) fn pixels_to_tensor(mut call: Call) -> Result<(), SpecError> {
    let layout = call.words.layout("layout");
    let [h, w] = call.words.sizes(["h", "w"]);
    let color = Color::from_code(call.words.code("color"))?;
    let mut range = PixelRange::up_to(255.0);
    range.range_scale = call.words.float("range");
    for mean in &mut range.mean[..color.channels()] {
        *mean = call.words.float("mean");
    }
    for deviation in &mut range.deviation[..color.channels()] {
        *deviation = call.words.float("std");
    }
    call.words.end()?;
    let image = Image { n: 1, h, w, c: color.channels() };
    let pixels = bytemuck::cast_slice(call.inputs.get(0)?);
    let same = Image { c: 1, ..image };
    in_nhwc(layout, [&same, &image], &[], output(call.outputs, 0)?, call.scratch, &mut |_, y, _| {
        image::pixels_to_tensor(pixels, color, &range, y)
    })
}

/// Output: h * w RGBA pixels, a byte a channel. Words: layout, h, w, color (0 grey, 1 rgb, 2 rgba), scale, offset.
pub(crate) fn tensor_to_pixels(mut call: Call) -> Result<(), SpecError> {
    let layout = call.words.layout("layout");
    let [h, w] = call.words.sizes(["h", "w"]);
    let color = Color::from_code(call.words.code("color"))?;
    let (scale, offset) = (call.words.float("scale"), call.words.float("offset"));
    // The way back from `(p - offset) / scale` is `value * scale + offset`.
    let range = PixelRange { range_scale: 1.0, mean: [offset; 4], deviation: [scale; 4] };
    call.words.end()?;
    let image = Image { n: 1, h, w, c: color.channels() };
    let same = Image { c: 1, ..image };
    in_nhwc(layout, [&image, &same], call.inputs.get(0)?, output(call.outputs, 0)?, call.scratch, &mut |x, y, _| {
        image::tensor_to_pixels(x, color, &range, bytemuck::cast_slice_mut(y))
    })
}

/// Luma of three or four channels. Words: layout, n, h, w, c.
pub(crate) fn grey(mut call: Call) -> Result<(), SpecError> {
    let (layout, image) = call.words.image();
    call.words.end()?;
    image::grey(&image, layout, call.inputs.get(0)?, output(call.outputs, 0)?)
}

/// Sobel's magnitude, channel by channel. Words: layout, n, h, w, c.
pub(crate) fn edges(mut call: Call) -> Result<(), SpecError> {
    let (layout, image) = call.words.image();
    call.words.end()?;
    image.checked_len("input")?;
    let planes = match layout {
        Layout::Nhwc => image,
        Layout::Nchw => Image { n: image.n * image.c, c: 1, ..image },
    };
    sobel_magnitude(&planes, call.inputs.get(0)?, output(call.outputs, 0)?)
}
