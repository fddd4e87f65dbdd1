//! Between pixels (RGBA bytes, as a canvas has them) and tensors.

use crate::shape::{SpecError, checked_len, expect_len};

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
            _ => Err(SpecError::invalid("color", format!("has the unknown code {code}; expected 0 to 2"))),
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

/// How a byte `p` becomes the number `(p * range_scale - mean) / deviation`, channel by channel, and back.
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
            let message = format!("is {}; expected a number that is not 0", self.range_scale);
            return Err(SpecError::invalid("range", message));
        }
        for &mean in &self.mean[..color.channels()] {
            if !mean.is_finite() {
                return Err(SpecError::invalid("mean", format!("is {mean}; expected a number")));
            }
        }
        for &deviation in &self.deviation[..color.channels()] {
            if !deviation.is_finite() || deviation == 0.0 {
                return Err(SpecError::invalid("std", format!("is {deviation}; expected a number that is not 0")));
            }
        }
        Ok(())
    }

    fn number(&self, channel: usize, p: f32) -> f32 {
        (p * self.range_scale - self.mean[channel]) / self.deviation[channel]
    }

    /// The nearest byte, half way up; 0 for NaN.
    fn byte(&self, channel: usize, value: f32) -> u8 {
        let p = (value * self.deviation[channel] + self.mean[channel]) / self.range_scale;
        let floor = p as u8; // saturates
        // The difference is exact, p + 0.5 is not: 0.49999997 must not become 1.
        floor.saturating_add(u8::from(p - f32::from(floor) >= 0.5))
    }
}

/// `rgba` holds four bytes a pixel, `output` [`Color::channels`] floats: NHWC with as many rows as one likes.
pub fn pixels_to_tensor(rgba: &[u8], color: Color, range: &PixelRange, output: &mut [f32]) -> Result<(), SpecError> {
    let (pixels, rest) = rgba.as_chunks::<4>();
    if !rest.is_empty() {
        return Err(SpecError::mismatch("pixels", format!("has {} bytes, not a multiple of 4", rgba.len())));
    }
    expect_len("output", output.len(), checked_len("output", &[pixels.len(), color.channels()])?)?;
    range.check(color)?;
    match color {
        Color::Grey => {
            for (to, &[r, g, b, _]) in output.iter_mut().zip(pixels) {
                let luma = 0.299 * f32::from(r) + 0.587 * f32::from(g) + 0.114 * f32::from(b);
                *to = range.number(0, luma);
            }
        }
        Color::Rgb => look_up::<3>(pixels, range, output),
        Color::Rgba => look_up::<4>(pixels, range, output),
    }
    Ok(())
}

/// The numbers of all bytes are computed once: a division for each of 256, not for each pixel.
fn look_up<const C: usize>(pixels: &[[u8; 4]], range: &PixelRange, output: &mut [f32]) {
    let mut numbers = [[0.0; 256]; C];
    for (channel, numbers) in numbers.iter_mut().enumerate() {
        for (p, number) in numbers.iter_mut().enumerate() {
            *number = range.number(channel, p as f32);
        }
    }
    for (to, pixel) in output.as_chunks_mut::<C>().0.iter_mut().zip(pixels) {
        for channel in 0..C {
            to[channel] = numbers[channel][usize::from(pixel[channel])];
        }
    }
}

/// The way back: clamped to 0..=255, rounded to the nearest byte (half way up), NaN to 0. Grey goes to all three colours;
/// without an alpha channel the image is opaque.
pub fn tensor_to_pixels(values: &[f32], color: Color, range: &PixelRange, rgba: &mut [u8]) -> Result<(), SpecError> {
    let (pixels, rest) = rgba.as_chunks_mut::<4>();
    if !rest.is_empty() {
        return Err(SpecError::mismatch("pixels", format!("has {} bytes, not a multiple of 4", rgba.len())));
    }
    expect_len("input", values.len(), checked_len("pixels", &[pixels.len(), color.channels()])?)?;
    range.check(color)?;
    match color {
        Color::Grey => {
            for (to, &value) in pixels.iter_mut().zip(values) {
                let grey = range.byte(0, value);
                *to = [grey, grey, grey, 255];
            }
        }
        Color::Rgb => {
            for (to, &[r, g, b]) in pixels.iter_mut().zip(values.as_chunks::<3>().0) {
                *to = [range.byte(0, r), range.byte(1, g), range.byte(2, b), 255];
            }
        }
        Color::Rgba => {
            for (to, &[r, g, b, a]) in pixels.iter_mut().zip(values.as_chunks::<4>().0) {
                *to = [range.byte(0, r), range.byte(1, g), range.byte(2, b), range.byte(3, a)];
            }
        }
    }
    Ok(())
}
