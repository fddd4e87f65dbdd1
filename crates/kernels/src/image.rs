//! Between pixels (RGBA bytes, as a canvas has them) and tensors.

use crate::activation::{load_part, store_part};
use crate::shape::{Image, Layout, SpecError, checked_len, expect_len};
use crate::simd::F32x4;

/// The channels of a tensor that holds an image.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Color {
    /// One: luma by Rec. 601, `0.299 R + 0.587 G + 0.114 B`.
    Grey,
    /// Three.
    Rgb,
    /// Four, alpha not premultiplied.
    Rgba,
}

impl Color {
    /// The colours of a number: 0 grey, 1 rgb, 2 rgba.
    pub fn from_code(code: u32) -> Result<Self, SpecError> {
        match code {
            0 => Ok(Self::Grey),
            1 => Ok(Self::Rgb),
            2 => Ok(Self::Rgba),
            _ => Err(SpecError::unknown_code("color", code, 2)),
        }
    }
    /// Channels.
    pub fn channels(self) -> usize {
        match self {
            Self::Grey => 1,
            Self::Rgb => 3,
            Self::Rgba => 4,
        }
    }
}

/// How a byte `p` becomes the number `(p * range_scale - mean) / deviation`, channel by channel, and a number `x` a byte again:
/// `(x * deviation + mean) * (1 / range_scale)`.
/// A channel that the tensor does not have is not looked at.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct PixelRange {
    /// `1 / 255` for numbers from 0 to 1; not 0.
    pub range_scale: f32,
    /// Means, in the scaled range.
    pub mean: [f32; 4],
    /// Standard deviations, in the scaled range; not 0.
    pub deviation: [f32; 4],
}

impl PixelRange {
    /// Numbers from 0 to `highest`.
    pub fn up_to(highest: f32) -> Self {
        Self { range_scale: highest / 255.0, mean: [0.0; 4], deviation: [1.0; 4] }
    }

    fn check(&self, color: Color) -> Result<(), SpecError> {
        if !self.range_scale.is_finite() || self.range_scale == 0.0 {
            let message = "is 0 or no number";
            return Err(SpecError::invalid("range", message));
        }
        for &mean in &self.mean[..color.channels()] {
            if !mean.is_finite() {
                return Err(SpecError::invalid("mean", "is no number"));
            }
        }
        for &deviation in &self.deviation[..color.channels()] {
            if !deviation.is_finite() || deviation == 0.0 {
                return Err(SpecError::invalid("std", "is 0 or no number"));
            }
        }
        Ok(())
    }

    /// As vectors of the four channels, or with `grey`, of the first one.
    fn vectors(&self, grey: bool) -> Vectors {
        let of = |values: &[f32; 4]| if grey { F32x4::splat(values[0]) } else { F32x4::load(values) };
        Vectors {
            scale: F32x4::splat(self.range_scale),
            unscale: F32x4::splat(1.0 / self.range_scale),
            mean: of(&self.mean),
            deviation: of(&self.deviation),
        }
    }
}

/// A [`PixelRange`] as vectors.
struct Vectors {
    scale: F32x4,
    unscale: F32x4,
    mean: F32x4,
    deviation: F32x4,
}

impl Vectors {
    /// Bytes as the tensor's numbers. Only `DIVIDE`s if some deviation is not 1: it would take as long as all the rest.
    #[inline(always)]
    fn numbers<const DIVIDE: bool>(&self, bytes: F32x4) -> F32x4 {
        let centred = bytes * self.scale - self.mean;
        if DIVIDE { centred / self.deviation } else { centred }
    }

    /// What the nearest bytes, half way up, are without their fractions, 0 for NaN.
    #[inline(always)]
    fn bytes(&self, numbers: F32x4) -> F32x4 {
        /// The largest number below a half: added to 0.49999997, which is to become 0, a half would round up to 1.
        const HALF: f32 = 0.5f32.next_down();
        let exact = (numbers * self.deviation + self.mean) * self.unscale;
        exact.pmin(F32x4::splat(255.0)) + F32x4::splat(HALF)
    }
}

/// `rgba` holds four bytes a pixel, `output` [`Color::channels`] floats: NHWC with as many rows as one likes.
pub fn pixels_to_tensor(rgba: &[u8], color: Color, range: &PixelRange, output: &mut [f32]) -> Result<(), SpecError> {
    let (pixels, rest) = rgba.as_chunks::<4>();
    if !rest.is_empty() {
        return Err(SpecError::mismatch("pixels", "has {} bytes, not a multiple of 4").number(rgba.len()));
    }
    expect_len("output", output.len(), checked_len("output", &[pixels.len(), color.channels()])?)?;
    range.check(color)?;
    let vectors = range.vectors(color == Color::Grey);
    let divides = range.deviation[..color.channels()].iter().any(|&deviation| deviation != 1.0);
    let fill = match (color, divides) {
        (Color::Grey, false) => to_grey::<false>,
        (Color::Grey, true) => to_grey::<true>,
        (Color::Rgb, false) => to_colors::<3, false>,
        (Color::Rgb, true) => to_colors::<3, true>,
        (Color::Rgba, false) => to_colors::<4, false>,
        (Color::Rgba, true) => to_colors::<4, true>,
    };
    fill(pixels, &vectors, output);
    Ok(())
}

/// The bytes of up to four pixels, zeros after them.
fn padded(pixels: &[[u8; 4]]) -> [u8; 16] {
    let mut bytes = [0; 16];
    bytes.as_chunks_mut().0.iter_mut().zip(pixels).for_each(|(to, pixel)| *to = *pixel);
    bytes
}

/// Rec. 601.
#[inline(always)]
fn luma([r, g, b]: [F32x4; 3]) -> F32x4 {
    F32x4::splat(0.299) * r + F32x4::splat(0.587) * g + F32x4::splat(0.114) * b
}

fn to_grey<const DIVIDE: bool>(pixels: &[[u8; 4]], vectors: &Vectors, output: &mut [f32]) {
    let grey = |bytes: &[u8; 16]| {
        let [r, g, b, _] = F32x4::from_planes(bytes);
        vectors.numbers::<DIVIDE>(luma([r, g, b]))
    };
    let (quads, rest) = pixels.as_chunks::<4>();
    let (to, to_rest) = output.as_chunks_mut::<4>();
    for (to, quad) in to.iter_mut().zip(quads) {
        grey(bytemuck::cast_ref(quad)).store(to);
    }
    if !rest.is_empty() {
        store_part(grey(&padded(rest)), to_rest);
    }
}

/// Four pixels at a time, as long as another one follows: of three channels, the fourth lane lands on that.
fn quads(pixels: usize) -> usize {
    pixels.saturating_sub(1) / 4
}

/// A vector a pixel, a lane a channel.
fn to_colors<const C: usize, const DIVIDE: bool>(pixels: &[[u8; 4]], vectors: &Vectors, output: &mut [f32]) {
    let (whole, rest) = pixels.split_at(4 * quads(pixels.len()));
    for (i, quad) in whole.as_chunks::<4>().0.iter().enumerate() {
        let to = &mut output[4 * C * i..][..3 * C + 4];
        for (pixel, bytes) in F32x4::from_bytes(bytemuck::cast_ref(quad)).into_iter().enumerate() {
            vectors.numbers::<DIVIDE>(bytes).store(&mut to[pixel * C..][..4].as_chunks_mut().0[0]);
        }
    }
    for (to, pixel) in output[whole.len() * C..].chunks_exact_mut(C).zip(rest) {
        let [bytes, ..] = F32x4::from_bytes(&padded(&[*pixel]));
        store_part(vectors.numbers::<DIVIDE>(bytes), to);
    }
}

/// The way back: clamped to 0..=255, rounded to the nearest byte (half way up), NaN to 0. Grey goes to all three colours;
/// without an alpha channel the image is opaque.
pub fn tensor_to_pixels(values: &[f32], color: Color, range: &PixelRange, rgba: &mut [u8]) -> Result<(), SpecError> {
    let (pixels, rest) = rgba.as_chunks_mut::<4>();
    if !rest.is_empty() {
        return Err(SpecError::mismatch("pixels", "has {} bytes, not a multiple of 4").number(rgba.len()));
    }
    expect_len("input", values.len(), checked_len("pixels", &[pixels.len(), color.channels()])?)?;
    range.check(color)?;
    let vectors = range.vectors(color == Color::Grey);
    match color {
        Color::Grey => from_grey(values, &vectors, pixels),
        Color::Rgb => from_colors::<3>(values, &vectors, pixels),
        Color::Rgba => from_colors::<4>(values, &vectors, pixels),
    }
    Ok(())
}

fn from_grey(values: &[f32], vectors: &Vectors, pixels: &mut [[u8; 4]]) {
    let bytes = |values| {
        let grey = vectors.bytes(values);
        F32x4::to_planes([grey, grey, grey, F32x4::splat(255.0)])
    };
    let (quads, rest) = values.as_chunks::<4>();
    let (to, to_rest) = pixels.as_chunks_mut::<4>();
    for (to, quad) in to.iter_mut().zip(quads) {
        *to = bytemuck::cast(bytes(F32x4::load(quad)));
    }
    if !rest.is_empty() {
        to_rest.copy_from_slice(&bytes(load_part(rest)).as_chunks().0[..rest.len()]);
    }
}

fn from_colors<const C: usize>(values: &[f32], vectors: &Vectors, pixels: &mut [[u8; 4]]) {
    // The fourth lane of three channels is the next pixel's first: opaque instead.
    let is_alpha = F32x4::load(&[0.0, 0.0, 0.0, 1.0]).eq(F32x4::splat(1.0));
    let bytes = |values: F32x4| {
        let bytes = vectors.bytes(values);
        if C == 3 { is_alpha.select(F32x4::splat(255.0), bytes) } else { bytes }
    };
    let (whole, rest) = pixels.split_at_mut(4 * quads(pixels.len()));
    for (i, to) in whole.as_chunks_mut::<4>().0.iter_mut().enumerate() {
        let from = &values[4 * C * i..][..3 * C + 4];
        let quad = [0, 1, 2, 3].map(|pixel| bytes(F32x4::load(&from[pixel * C..][..4].as_chunks().0[0])));
        *to = bytemuck::cast(F32x4::to_bytes(quad));
    }
    for (to, from) in rest.iter_mut().zip(values[whole.len() * C..].chunks_exact(C)) {
        let bytes = F32x4::to_bytes([bytes(load_part(from)); 4]);
        *to = bytes.as_chunks().0[0];
    }
}

/// Luma of images of three or four channels (RGB or RGBA): `output` has one channel, `0.299 R + 0.587 G + 0.114 B`.
pub fn grey(image: &Image, layout: Layout, input: &[f32], output: &mut [f32]) -> Result<(), SpecError> {
    expect_len("input", input.len(), image.checked_len("input")?)?;
    expect_len("output", output.len(), image.n * image.h * image.w)?;
    match (layout, image.c) {
        (Layout::Nhwc, 3) => grey_of_colors::<3>(input, output),
        (Layout::Nhwc, 4) => grey_of_colors::<4>(input, output),
        (Layout::Nchw, 3 | 4) => {
            let plane = image.h * image.w;
            for (colors, to) in input.chunks_exact(plane * image.c).zip(output.chunks_exact_mut(plane)) {
                let planes = [0, 1, 2].map(|c| &colors[c * plane..][..plane]);
                grey_of_planes(planes, to);
            }
        }
        (_, c) => return Err(SpecError::invalid("input", "has {} channels; expected 3 or 4").number(c)),
    }
    Ok(())
}

fn grey_of_colors<const C: usize>(input: &[f32], output: &mut [f32]) {
    let (whole, rest) = output.split_at_mut(4 * quads(output.len()));
    let pixels = |from: &[f32]| [0, 1, 2, 3].map(|pixel| F32x4::load(&from[pixel * C..][..4].as_chunks().0[0]));
    for (i, to) in whole.as_chunks_mut::<4>().0.iter_mut().enumerate() {
        let [r, g, b, _] = F32x4::transpose(pixels(&input[4 * C * i..][..3 * C + 4]));
        luma([r, g, b]).store(to);
    }
    for (to, from) in rest.iter_mut().zip(input[whole.len() * C..].chunks_exact(C)) {
        *to = luma([from[0], from[1], from[2]].map(F32x4::splat)).to_array()[0];
    }
}

fn grey_of_planes(planes: [&[f32]; 3], output: &mut [f32]) {
    let [r, g, b] = planes.map(<[f32]>::as_chunks::<4>);
    let (to, to_rest) = output.as_chunks_mut::<4>();
    for (((to, r), g), b) in to.iter_mut().zip(r.0).zip(g.0).zip(b.0) {
        luma([r, g, b].map(F32x4::load)).store(to);
    }
    if !to_rest.is_empty() {
        store_part(luma([r.1, g.1, b.1].map(load_part)), to_rest);
    }
}
