//! Resizing of images: nearest and bilinear.

use crate::activation::{load_part, store_part};
use crate::memory::Buffer;
use crate::shape::{ErrorCode, Image, SpecError, expect_len};
use crate::simd::F32x4;

/// How a value between elements is found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ResizeMode {
    /// The nearest element's.
    Nearest,
    /// In proportion between its two neighbours, or four in two dimensions. No low-pass filter: shrinking by more than 2 skips elements.
    Linear,
}

/// Where an output element lies in the input, by the words of ONNX's `coordinate_transformation_mode`. `scale = out / in`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Coordinates {
    /// `(i + 0.5) / scale - 0.5`: pixels have area, borders align. ONNX's default, TensorFlow 2's, and PyTorch's with `align_corners=False`.
    HalfPixel,
    /// `i (in - 1) / (out - 1)`: the centres of corner pixels align. One output element takes the first input element.
    AlignCorners,
    /// `i / scale`: the first elements align. TensorFlow 1's default, and PyTorch's mode "nearest".
    Asymmetric,
}

/// A resize of every image of a batch.
///
/// Nearest rounds as ONNX's default, `round_prefer_floor` (half way: the lower), with half-pixel and align-corners coordinates, and
/// down with asymmetric ones, where PyTorch and TensorFlow 1 do so too. PyTorch's "nearest-exact" and TensorFlow 2 take the upper of two that are
/// equally near. Coordinates are exact fractions here; a runtime that computes them in float32 may round another way where it is half way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Resize2d {
    image: Image,
    output: Image,
    mode: ResizeMode,
    coordinates: Coordinates,
}

/// Largest size of an axis: products of two sizes and 4 fit 63 bits.
const MAX_SIZE: usize = 1 << 28;

impl ResizeMode {
    /// The mode of a number: 0 nearest, 1 linear.
    pub fn from_code(code: u32) -> Result<Self, SpecError> {
        match code {
            0 => Ok(Self::Nearest),
            1 => Ok(Self::Linear),
            _ => Err(SpecError::invalid("mode", format!("has the unknown code {code}; expected 0 or 1"))),
        }
    }
}

impl Coordinates {
    /// The coordinates of a number: 0 half-pixel, 1 align-corners, 2 asymmetric.
    pub fn from_code(code: u32) -> Result<Self, SpecError> {
        match code {
            0 => Ok(Self::HalfPixel),
            1 => Ok(Self::AlignCorners),
            2 => Ok(Self::Asymmetric),
            _ => Err(SpecError::invalid("coordinates", format!("has the unknown code {code}; expected 0 to 2"))),
        }
    }

    /// Where output element `i` lies: a fraction `(numerator, denominator > 0)`; negative or above `input - 1` beyond the borders.
    fn place(self, i: usize, input: usize, output: usize) -> (i64, i64) {
        let (i, input, output) = (i as i64, input as i64, output as i64);
        match self {
            Self::HalfPixel => ((2 * i + 1) * input - output, 2 * output),
            Self::AlignCorners => (i * (input - 1), (output - 1).max(1)),
            Self::Asymmetric => (i * input, output),
        }
    }
}

/// Two neighbours, and the weight of the second.
#[derive(Clone, Copy)]
struct Blend {
    low: usize,
    high: usize,
    weight: f32,
}

impl Resize2d {
    /// Checks a resize to `out_h` x `out_w`.
    pub fn new(
        image: Image,
        out_h: usize,
        out_w: usize,
        mode: ResizeMode,
        coordinates: Coordinates,
    ) -> Result<Self, SpecError> {
        image.checked_len("input")?;
        let output = Image { h: out_h, w: out_w, ..image };
        output.checked_len("output")?;
        for (argument, size) in [("input", image.h.max(image.w)), ("output", out_h.max(out_w))] {
            if size > MAX_SIZE {
                return Err(SpecError {
                    code: ErrorCode::TooLarge,
                    argument,
                    message: format!("has a size of {size}; expected at most {MAX_SIZE}"),
                });
            }
        }
        Ok(Self { image, output, mode, coordinates })
    }

    /// The batch that comes out.
    pub fn output(&self) -> &Image {
        &self.output
    }

    /// Resizes. NHWC.
    pub fn run(&self, input: &[f32], output: &mut [f32]) -> Result<(), SpecError> {
        expect_len("input", input.len(), self.image.len())?;
        expect_len("output", output.len(), self.output.len())?;
        match self.mode {
            ResizeMode::Nearest => self.nearest(input, output),
            ResizeMode::Linear => self.linear(input, output),
        }
    }

    /// The element nearest to output element `i` of an axis.
    fn nearest_to(&self, i: usize, input: usize, output: usize) -> usize {
        let (numerator, denominator) = self.coordinates.place(i, input, output);
        let index = match self.coordinates {
            Coordinates::Asymmetric => numerator / denominator,
            // ceil(x - 1/2), for x > -1/2
            _ => (2 * numerator + denominator - 1).div_euclid(2 * denominator),
        };
        index.clamp(0, input as i64 - 1) as usize
    }

    /// The neighbours of output element `i` of an axis.
    fn blend_at(&self, i: usize, input: usize, output: usize) -> Blend {
        let (numerator, denominator) = self.coordinates.place(i, input, output);
        let numerator = numerator.clamp(0, (input as i64 - 1) * denominator);
        let low = (numerator / denominator) as usize;
        let weight = ((numerator % denominator) as f64 / denominator as f64) as f32;
        Blend { low, high: (low + 1).min(input - 1), weight }
    }

    fn nearest(&self, input: &[f32], output: &mut [f32]) -> Result<(), SpecError> {
        let (from, to) = (&self.image, &self.output);
        let mut columns = table(to.w, 0)?;
        for (x, column) in columns.iter_mut().enumerate() {
            *column = self.nearest_to(x, from.w, to.w);
        }
        let row_len = to.w * to.c;
        let images = input.chunks_exact(from.h * from.w * from.c);
        for (image, output) in images.zip(output.chunks_exact_mut(to.h * row_len)) {
            let mut last = None;
            for y in 0..to.h {
                let source = self.nearest_to(y, from.h, to.h);
                if last == Some(source) {
                    output.copy_within((y - 1) * row_len..y * row_len, y * row_len);
                    continue;
                }
                last = Some(source);
                let row = &image[source * from.w * from.c..][..from.w * from.c];
                gather(&columns, from.c, row, &mut output[y * row_len..][..row_len]);
            }
        }
        Ok(())
    }

    fn linear(&self, input: &[f32], output: &mut [f32]) -> Result<(), SpecError> {
        let (from, to) = (&self.image, &self.output);
        let mut columns = table(to.w, Blend { low: 0, high: 0, weight: 0.0 })?;
        for (x, column) in columns.iter_mut().enumerate() {
            *column = self.blend_at(x, from.w, to.w);
        }
        let row_len = to.w * to.c;
        let mut buffer = Buffer::zeroed(2 * row_len)?;
        let (mut upper, mut lower) = buffer.as_mut_slice().split_at_mut(row_len);
        let images = input.chunks_exact(from.h * from.w * from.c);
        for (image, output) in images.zip(output.chunks_exact_mut(to.h * row_len)) {
            let stretch = |y: usize, row: &mut [f32]| {
                stretch(&columns, from.c, &image[y * from.w * from.c..][..from.w * from.c], row);
            };
            // Input rows that `upper` and `lower` hold, stretched to the output's width: each is stretched once.
            let (mut has_upper, mut has_lower) = (None, None);
            for (y, to) in output.chunks_exact_mut(row_len).enumerate() {
                let rows = self.blend_at(y, from.h, self.output.h);
                if has_lower == Some(rows.low) {
                    (upper, lower) = (lower, upper);
                    (has_upper, has_lower) = (has_lower, has_upper);
                }
                if has_upper != Some(rows.low) {
                    stretch(rows.low, upper);
                    has_upper = Some(rows.low);
                }
                if rows.weight == 0.0 {
                    to.copy_from_slice(upper);
                    continue;
                }
                if has_lower != Some(rows.high) {
                    stretch(rows.high, lower);
                    has_lower = Some(rows.high);
                }
                blend(upper, lower, rows.weight, to);
            }
        }
        Ok(())
    }
}

/// `len` entries, or an error if there is no memory for them.
fn table<T: Clone>(len: usize, entry: T) -> Result<Vec<T>, SpecError> {
    let mut table = Vec::new();
    table.try_reserve_exact(len).map_err(|_| SpecError {
        code: ErrorCode::OutOfMemory,
        argument: "memory",
        message: format!("no {} bytes left", len.saturating_mul(size_of::<T>())),
    })?;
    table.resize(len, entry);
    Ok(table)
}

/// Picks pixels of `c` channels.
fn gather(columns: &[usize], c: usize, from: &[f32], to: &mut [f32]) {
    /// The count of channels known: a pixel moves without a call of `memcpy`.
    fn of<const C: usize>(columns: &[usize], from: &[f32], to: &mut [f32]) {
        let pixels = from.as_chunks::<C>().0;
        for (to, &column) in to.as_chunks_mut::<C>().0.iter_mut().zip(columns) {
            *to = pixels[column];
        }
    }
    match c {
        1 => of::<1>(columns, from, to),
        2 => of::<2>(columns, from, to),
        3 => of::<3>(columns, from, to),
        4 => of::<4>(columns, from, to),
        _ => {
            for (to, &column) in to.chunks_exact_mut(c).zip(columns) {
                to.copy_from_slice(&from[column * c..][..c]);
            }
        }
    }
}

/// Resizes one row to the output's width.
fn stretch(columns: &[Blend], c: usize, from: &[f32], to: &mut [f32]) {
    match c {
        1 => stretch_one(columns, from, to),
        2 => stretch_few::<2>(columns, from, to),
        3 => stretch_few::<3>(columns, from, to),
        _ => {
            for (to, column) in to.chunks_exact_mut(c).zip(columns) {
                let low = &from[column.low * c..][..c];
                if column.weight == 0.0 {
                    // Not `a + 0 b`: what is not used may be infinite.
                    to.copy_from_slice(low);
                } else {
                    blend(low, &from[column.high * c..][..c], column.weight, to);
                }
            }
        }
    }
}

/// One channel: four columns at a time.
fn stretch_one(columns: &[Blend], from: &[f32], to: &mut [f32]) {
    for (columns, to) in columns.chunks(4).zip(to.chunks_mut(4)) {
        let (mut low, mut high, mut weight) = ([0.0; 4], [0.0; 4], [0.0; 4]);
        for (i, column) in columns.iter().enumerate() {
            low[i] = from[column.low];
            high[i] = from[column.high];
            weight[i] = column.weight;
        }
        let (low, weight) = (F32x4::load(&low), F32x4::load(&weight));
        let mixed = mix(low, F32x4::load(&high), weight);
        store_part(weight.eq(F32x4::zero()).select(low, mixed), to);
    }
}

/// The count of channels known: no loops over them.
fn stretch_few<const C: usize>(columns: &[Blend], from: &[f32], to: &mut [f32]) {
    let pixels = from.as_chunks::<C>().0;
    for (to, column) in to.as_chunks_mut::<C>().0.iter_mut().zip(columns) {
        let low = pixels[column.low];
        *to = if column.weight == 0.0 {
            low
        } else {
            let mixed = mix(load_part(&low), load_part(&pixels[column.high]), F32x4::splat(column.weight)).to_array();
            core::array::from_fn(|i| mixed[i])
        };
    }
}

/// `a (1 - weight) + b weight`.
#[inline(always)]
fn mix(a: F32x4, b: F32x4, weight: F32x4) -> F32x4 {
    b.mul_add(weight, a * (F32x4::splat(1.0) - weight))
}

/// [`mix`] of two runs.
#[inline(always)]
fn blend(a: &[f32], b: &[f32], weight: f32, to: &mut [f32]) {
    let weight = F32x4::splat(weight);
    let ((a, a_rest), (b, b_rest)) = (a.as_chunks::<4>(), b.as_chunks::<4>());
    let (to, rest) = to.as_chunks_mut::<4>();
    for ((a, b), to) in a.iter().zip(b).zip(to) {
        mix(F32x4::load(a), F32x4::load(b), weight).store(to);
    }
    if !rest.is_empty() {
        store_part(mix(load_part(a_rest), load_part(b_rest), weight), rest);
    }
}
