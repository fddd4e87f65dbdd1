//! Resizing of images: nearest, bilinear and bicubic, with and without a filter against aliases.

mod passes;
mod taps;

use crate::memory::Buffer;
use crate::shape::{ErrorCode, Image, SpecError, expect_len};
use passes::{Along, across, gather};
use taps::{Span, Table, reserve};

/// How a value between elements is found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ResizeMode {
    /// The nearest element's.
    Nearest,
    /// In proportion between its two neighbours, or four in two dimensions.
    Linear,
    /// Keys' cubic convolution of its four neighbours, or 16 in two dimensions.
    Cubic,
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
    /// Half-pixel, but one output element takes the first input element.
    PytorchHalfPixel,
    /// Half-pixel about the centre: differs where a scale is given of which `out / in` is only the rounded form.
    HalfPixelSymmetric,
}

/// Which of two neighbours is the nearest, by the words of ONNX's `nearest_mode`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rounding {
    /// The nearest; half way, the lower. PIL's.
    PreferFloor,
    /// The nearest; half way, the upper. PyTorch's "nearest-exact", TensorFlow 2.
    PreferCeil,
    /// The lower. PyTorch's "nearest", TensorFlow 1.
    Floor,
    /// The upper.
    Ceil,
}

/// A way to find output elements.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Sampling {
    /// What stands between elements.
    pub mode: ResizeMode,
    /// Where output elements lie.
    pub coordinates: Coordinates,
    /// What is nearest; for [`ResizeMode::Nearest`].
    pub rounding: Rounding,
    /// The cubic's parameter: -0.75 (OpenCV, PyTorch, ONNX's default) or -0.5 (Catmull-Rom; Pillow, TensorFlow, PyTorch's antialias).
    pub cubic_coeff_a: f32,
    /// What lies outside counts nothing, and the other weights grow; else the border elements repeat.
    pub exclude_outside: bool,
    /// Where an image shrinks, linear and cubic filters are widened so that every element counts. With `exclude_outside` as in
    /// Pillow and in PyTorch's `antialias=True`, without as ONNX defines it.
    pub antialias: bool,
    /// Scales of rows and columns, where they were given and the sizes follow from them (ONNX: rounded down): coordinates are found by these.
    pub scales: Option<[f32; 2]>,
}

impl Sampling {
    /// The usual of a mode and coordinates: nearest rounds half down, and down with asymmetric coordinates, as ONNX's default and TensorFlow
    /// 1 do; -0.75; borders repeat; no antialias; scales as sizes.
    pub fn new(mode: ResizeMode, coordinates: Coordinates) -> Self {
        let rounding = if coordinates == Coordinates::Asymmetric { Rounding::Floor } else { Rounding::PreferFloor };
        Self {
            mode,
            coordinates,
            rounding,
            cubic_coeff_a: -0.75,
            exclude_outside: false,
            antialias: false,
            scales: None,
        }
    }
}

/// A resize of every image of a batch. Coordinates are float64: those of sizes up to 2^24 round as exact fractions would; a runtime
/// that computes them in float32 may round another way where it is half way.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Resize2d {
    image: Image,
    output: Image,
    sampling: Sampling,
}

/// Largest size of an axis.
const MAX_SIZE: usize = 1 << 28;

/// The entry of a number, as they stand here.
fn from_code<T: Copy>(name: &'static str, code: u32, all: &[T]) -> Result<T, SpecError> {
    all.get(code as usize).copied().ok_or_else(|| SpecError::unknown_code(name, code, all.len() - 1))
}

impl ResizeMode {
    /// The mode of a number: 0 nearest, 1 linear, 2 cubic.
    pub fn from_code(code: u32) -> Result<Self, SpecError> {
        from_code("mode", code, &[Self::Nearest, Self::Linear, Self::Cubic])
    }
}

impl Coordinates {
    /// The coordinates of a number: 0 half-pixel, 1 align-corners, 2 asymmetric, 3 pytorch-half-pixel, 4 half-pixel-symmetric.
    pub fn from_code(code: u32) -> Result<Self, SpecError> {
        use Coordinates::*;
        from_code("coordinates", code, &[HalfPixel, AlignCorners, Asymmetric, PytorchHalfPixel, HalfPixelSymmetric])
    }

    /// Whether elements are areas, not points.
    fn has_area(self) -> bool {
        !matches!(self, Self::AlignCorners | Self::Asymmetric)
    }
}

impl Rounding {
    /// The rounding of a number: 0 round-prefer-floor, 1 round-prefer-ceil, 2 floor, 3 ceil.
    pub fn from_code(code: u32) -> Result<Self, SpecError> {
        from_code("rounding", code, &[Self::PreferFloor, Self::PreferCeil, Self::Floor, Self::Ceil])
    }
}

impl Resize2d {
    /// Checks a resize to `out_h` x `out_w` with the usual [`Sampling`].
    pub fn new(
        image: Image,
        out_h: usize,
        out_w: usize,
        mode: ResizeMode,
        coordinates: Coordinates,
    ) -> Result<Self, SpecError> {
        Self::with_sampling(image, out_h, out_w, Sampling::new(mode, coordinates))
    }

    /// Checks a resize to `out_h` x `out_w`.
    pub fn with_sampling(image: Image, out_h: usize, out_w: usize, sampling: Sampling) -> Result<Self, SpecError> {
        image.checked_len("input")?;
        let output = Image { h: out_h, w: out_w, ..image };
        output.checked_len("output")?;
        for (argument, size) in [("input", image.h.max(image.w)), ("output", out_h.max(out_w))] {
            if size > MAX_SIZE {
                let error = SpecError::new(ErrorCode::TooLarge, argument, "has a size of {}; expected at most {}");
                return Err(error.number(size).number(MAX_SIZE));
            }
        }
        if !sampling.cubic_coeff_a.is_finite() {
            let text = "is no finite number";
            return Err(SpecError::invalid("cubicCoeffA", text));
        }
        for (scale, input, output) in sampling
            .scales
            .iter()
            .flat_map(|scales| scales.iter().zip([image.h, image.w]).zip([out_h, out_w]))
            .map(|((s, i), o)| (*s, i, o))
        {
            // The filter's width and the places follow from it: a scale that has nothing to do with the sizes could be any.
            let scaled = f64::from(scale) * input as f64;
            if !(scaled >= output as f64 - 1.0 && scaled <= output as f64 + 1.0) {
                let error = SpecError::mismatch("scale", "does not make {} of {} elements");
                return Err(error.number(output).number(input));
            }
        }
        Ok(Self { image, output, sampling })
    }

    /// The batch that comes out.
    pub fn output(&self) -> &Image {
        &self.output
    }

    /// The batch that goes in.
    pub(crate) fn image(&self) -> &Image {
        &self.image
    }

    /// What rows and columns of the output are made of, in any mode.
    pub(crate) fn tables(&self) -> Result<[Table; 2], SpecError> {
        let table = if self.sampling.mode == ResizeMode::Nearest { Table::nearest } else { Table::new };
        let [rows, columns] = self.spans();
        Ok([table(&rows, &self.sampling)?, table(&columns, &self.sampling)?])
    }

    /// Resizes. NHWC; NCHW as images of one channel.
    pub fn run(&self, input: &[f32], output: &mut [f32]) -> Result<(), SpecError> {
        expect_len("input", input.len(), self.image.len())?;
        expect_len("output", output.len(), self.output.len())?;
        match self.sampling.mode {
            ResizeMode::Nearest => self.nearest(input, output),
            ResizeMode::Linear | ResizeMode::Cubic => self.filtered(input, output),
        }
    }

    fn spans(&self) -> [Span; 2] {
        let (from, to) = (&self.image, &self.output);
        let [scale_h, scale_w] = self.sampling.scales.map_or([None; 2], |scales| scales.map(Some));
        [Span { input: from.h, output: to.h, scale: scale_h }, Span { input: from.w, output: to.w, scale: scale_w }]
    }

    fn nearest(&self, input: &[f32], output: &mut [f32]) -> Result<(), SpecError> {
        let (from, to) = (&self.image, &self.output);
        let [rows, columns] = self.spans();
        let nearest = |span: &Span, i: usize| span.nearest(self.sampling.coordinates, self.sampling.rounding, i);
        let mut sources = Vec::new();
        reserve(&mut sources, to.w)?;
        sources.extend((0..to.w).map(|x| nearest(&columns, x)));
        let (from_len, row_len) = (from.w * from.c, to.w * to.c);
        let images = input.chunks_exact(from.h * from_len);
        for (image, output) in images.zip(output.chunks_exact_mut(to.h * row_len)) {
            let mut last = None;
            for y in 0..to.h {
                let source = nearest(&rows, y);
                if last == Some(source) {
                    output.copy_within((y - 1) * row_len..y * row_len, y * row_len);
                    continue;
                }
                last = Some(source);
                let row = &image[source * from_len..][..from_len];
                gather(&sources, from.c, row, &mut output[y * row_len..][..row_len]);
            }
        }
        Ok(())
    }

    fn filtered(&self, input: &[f32], output: &mut [f32]) -> Result<(), SpecError> {
        let (from, to) = (&self.image, &self.output);
        let [rows, columns] = self.spans();
        let (rows, columns) = (Table::new(&rows, &self.sampling)?, Table::new(&columns, &self.sampling)?);
        let along = Along::new(&columns, from.c, from.w)?;
        let (from_len, row_len) = (from.w * from.c, to.w * to.c);
        // Columns first where rows become fewer: going along a row costs the more, and is done once for each row of the output.
        let columns_first = to.h <= from.h;
        let kept = if columns_first { 1 } else { rows.most.min(from.h) };
        let mut buffer = Buffer::zeroed(if columns_first { from_len } else { kept * row_len })?;
        let buffer = buffer.as_mut_slice();
        let images = input.chunks_exact(from.h * from_len);
        for (image, output) in images.zip(output.chunks_exact_mut(to.h * row_len)) {
            let row = |y: usize| &image[y * from_len..][..from_len];
            // Rows of the input that are in the buffer, row `y` at `y % kept`: all before this one that are still used.
            let mut done = 0;
            for (y, to) in output.chunks_exact_mut(row_len).enumerate() {
                let taps = rows.at(y);
                if columns_first {
                    across(taps, row, buffer);
                    along.run(&columns, buffer, to);
                    continue;
                }
                for y in done.max(taps.first)..taps.first + taps.weights.len() {
                    along.run(&columns, row(y), &mut buffer[y % kept * row_len..][..row_len]);
                    done = y + 1;
                }
                across(taps, |y| &buffer[y % kept * row_len..][..row_len], to);
            }
        }
        Ok(())
    }
}
