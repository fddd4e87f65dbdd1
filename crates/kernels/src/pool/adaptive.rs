//! Pools whose windows follow from the sizes: one window over everything, or a given number of them.

use super::loops::{Loop, Loops, MAX_OR_NAN, Steps, Windows, divisor, roots};
use super::{PoolKind, magnitudes, sliding};
use crate::memory::Buffer;
use crate::shape::{Image, Pool2dShape, Pool2dSpec, SpecError, expect_len};

/// Pixels that are joined before they join others, at least: memory is read once and in order for any number of channels.
const BLOCK: usize = 64;
/// Pixels of less than four floats that are taken for one.
const GROUP: usize = 16;

/// One result per image and channel: `output` is `[n, 1, 1, c]`.
pub fn global_pool2d(kind: PoolKind, image: &Image, input: &[f32], output: &mut [f32]) -> Result<(), SpecError> {
    expect_len("input", input.len(), image.checked_len("input")?)?;
    expect_len("output", output.len(), image.n * image.c)?;
    let magnitudes = if kind == PoolKind::L1 { Some(magnitudes(input)?) } else { None };
    let input = magnitudes.as_ref().map_or(input, Buffer::as_slice);
    let (c, pixels) = (image.c, image.h * image.w);
    let mut parts = Buffer::zeroed(match c {
        // The groups' results, and one of the pixels behind the last group.
        0..4 => (GROUP + 1) * c + parts_of(pixels / GROUP) * GROUP * c,
        _ => parts_of(pixels) * c,
    })?;
    for (from, to) in input.chunks_exact(pixels * c).zip(output.chunks_exact_mut(c)) {
        let whole = Whole { loops: Loops::of(kind), c, divisor: divisor(kind, pixels as f32) };
        if whole.reduce(from, parts.as_mut_slice(), to) {
            Whole { loops: &MAX_OR_NAN, ..whole }.reduce(from, parts.as_mut_slice(), to);
        }
    }
    if kind == PoolKind::L2 {
        roots(output);
    }
    Ok(())
}

/// Blocks of so many pixels: about as many as each has pixels, as then rounding errors grow with the root of the number of pixels.
fn parts_of(pixels: usize) -> usize {
    pixels.div_ceil(BLOCK.max(pixels.isqrt()))
}

/// A window over all pixels.
#[derive(Clone, Copy)]
struct Whole {
    loops: &'static Loops,
    c: usize,
    divisor: Option<f32>,
}

impl Whole {
    /// All pixels of `from`. True if a NaN may have been lost.
    fn reduce(self, from: &[f32], parts: &mut [f32], to: &mut [f32]) -> bool {
        let c = self.c;
        if let ([to], 1) = (&mut *to, c) {
            let (total, lost_nan) = (self.loops.total)(from);
            *to = self.divisor.map_or(total, |divisor| total / divisor);
            return lost_nan;
        }
        if c >= 4 || from.len() < GROUP * c {
            return self.in_blocks(from, parts, to);
        }
        let (groups, rest) = from.split_at(from.len() - from.len() % (GROUP * c));
        let (results, parts) = parts.split_at_mut((GROUP + 1) * c);
        let (of_groups, of_rest) = results.split_at_mut(GROUP * c);
        let unfinished = Self { divisor: None, ..self };
        let lost = Self { c: GROUP * c, ..unfinished }.in_blocks(groups, parts, of_groups)
            | unfinished.along(self.loops.elements, rest, of_rest);
        lost | self.along(self.loops.parts, results, to)
    }

    /// Block by block, then the blocks' results.
    fn in_blocks(self, from: &[f32], parts: &mut [f32], to: &mut [f32]) -> bool {
        let pixels = from.len() / self.c;
        let parts = &mut parts[..parts_of(pixels) * self.c];
        if parts.len() <= self.c {
            return self.along(self.loops.elements, from, to);
        }
        let block = BLOCK.max(pixels.isqrt()) * self.c;
        let unfinished = Self { divisor: None, ..self };
        let mut lost_nan = false;
        for (from, part) in from.chunks(block).zip(parts.chunks_exact_mut(self.c)) {
            lost_nan |= unfinished.along(self.loops.elements, from, part);
        }
        lost_nan | self.along(self.loops.parts, parts, to)
    }

    /// The pixels of `from`, one after the other.
    fn along(self, by: Loop, from: &[f32], to: &mut [f32]) -> bool {
        let columns = Steps { count: from.len() / self.c, step: self.c };
        let windows =
            Windows { windows: Steps::ONE, rows: Steps::ONE, columns, len: self.c, pitch: 0, divisor: self.divisor };
        by(&windows, from, to)
    }
}

/// `out_h * out_w` windows that cover the input, PyTorch's way: output `i` of an axis takes the elements from `floor(i in / out)` up to
/// `ceil((i + 1) in / out)`, so that windows differ by one element at most in what they share. ONNX has no such operator.
pub fn adaptive_pool2d(
    kind: PoolKind,
    image: &Image,
    out_h: usize,
    out_w: usize,
    input: &[f32],
    output: &mut [f32],
) -> Result<(), SpecError> {
    expect_len("input", input.len(), image.checked_len("input")?)?;
    let out = Image { n: image.n, h: out_h, w: out_w, c: image.c };
    expect_len("output", output.len(), out.checked_len("output")?)?;
    if out_h == 1 && out_w == 1 {
        return global_pool2d(kind, image, input, output);
    }
    let magnitudes = if kind == PoolKind::L1 { Some(magnitudes(input)?) } else { None };
    let input = magnitudes.as_ref().map_or(input, Buffer::as_slice);
    if image.h.is_multiple_of(out_h) && image.w.is_multiple_of(out_w) {
        let (k_h, k_w) = (image.h / out_h, image.w / out_w);
        return sliding::run(kind, &touching(*image, k_h, k_w)?, false, input, output);
    }
    for loops in [Loops::of(kind), &MAX_OR_NAN] {
        if !adaptive(kind, loops, image, &out, input, output) {
            break;
        }
    }
    if kind == PoolKind::L2 {
        roots(output);
    }
    Ok(())
}

/// Windows that touch.
fn touching(input: Image, k_h: usize, k_w: usize) -> Result<Pool2dShape, SpecError> {
    Pool2dShape::new(&Pool2dSpec {
        input,
        k_h,
        k_w,
        stride_h: k_h,
        stride_w: k_w,
        dilation_h: 1,
        dilation_w: 1,
        pad_top: 0,
        pad_left: 0,
        pad_bottom: 0,
        pad_right: 0,
        ceil_mode: false,
    })
}

/// Window by window. True if a NaN may have been lost.
fn adaptive(kind: PoolKind, loops: &Loops, image: &Image, out: &Image, input: &[f32], output: &mut [f32]) -> bool {
    let c = image.c;
    let row_len = image.w * c;
    // The first element of a window, and how many it has. u64: the product of an index and a size needs up to 58 bits.
    let taps = |i: usize, size: usize, windows: usize| {
        let (i, size, windows) = (i as u64, size as u64, windows as u64);
        let first = i * size / windows;
        (first as usize, (((i + 1) * size).div_ceil(windows) - first) as usize)
    };
    let mut lost_nan = false;
    let images = input.chunks_exact(image.h * row_len);
    for (from, to) in images.zip(output.chunks_exact_mut(out.h * out.w * c)) {
        for (y, to) in to.chunks_exact_mut(out.w * c).enumerate() {
            let (row, rows) = taps(y, image.h, out.h);
            for (x, to) in to.chunks_exact_mut(c).enumerate() {
                let (column, columns) = taps(x, image.w, out.w);
                let windows = Windows {
                    windows: Steps::ONE,
                    rows: Steps { count: rows, step: row_len },
                    columns: Steps { count: columns, step: c },
                    len: c,
                    pitch: 0,
                    divisor: divisor(kind, rows as f32 * columns as f32),
                };
                lost_nan |= (loops.elements)(&windows, &from[row * row_len + column * c..], to);
            }
        }
    }
    lost_nan
}
