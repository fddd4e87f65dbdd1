//! Windows that slide over images.

use super::PoolKind;
use super::loops::{Loop, Loops, MAX_OR_NAN, Slide, Steps, Windows, divisor, roots};
use crate::activation::fill_all;
use crate::memory::Buffer;
use crate::shape::{Axis, Image, Pool2dShape, SpecError};
use core::ops::Range;

/// What a window reads along one axis: `first`, `first + step`, ..., `len` elements.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Taps {
    pub(crate) first: usize,
    pub(crate) len: usize,
    pub(crate) step: usize,
    /// How many elements it counts for a mean.
    pub(crate) count: usize,
}

/// An axis, and the positions whose windows need no look at the borders.
pub(crate) struct Positions {
    axis: Axis,
    interior: Range<usize>,
    count_include_pad: bool,
}

impl Positions {
    pub(crate) fn new(axis: &Axis, count_include_pad: bool) -> Self {
        Self { axis: *axis, interior: axis.interior(), count_include_pad }
    }

    /// What the window reads at a position. Divisions only at the borders.
    pub(crate) fn taps(&self, position: usize) -> Taps {
        let axis = &self.axis;
        let start = axis.start(position);
        if self.interior.contains(&position) {
            return Taps { first: start as usize, len: axis.kernel, step: axis.dilation, count: axis.kernel };
        }
        let taps = axis.taps(position);
        let count = if self.count_include_pad {
            let end = (axis.input + axis.pad_after) as isize;
            ((end - start).max(0) as usize).div_ceil(axis.dilation).min(axis.kernel)
        } else {
            taps.len()
        };
        let first = if taps.is_empty() { 0 } else { (start + (taps.start * axis.dilation) as isize) as usize };
        Taps { first, len: taps.len(), step: axis.dilation, count }
    }
}

/// How windows are read.
#[derive(Clone, Copy, PartialEq)]
enum Way {
    /// Every window all its elements.
    Direct,
    /// The same, but for the rows that it shares with the one above.
    Slide,
    /// First every column down into a row of parts; then windows along that.
    ByRows,
}

/// Floats in a row of parts: they should stay in the cache of the first level.
const STRIP: usize = 4096;

/// The way with the fewest vectors to load for four floats of the output.
fn choose(loops: &Loops, shape: &Pool2dShape) -> Way {
    let Pool2dShape { h, w, input: Image { c, .. }, .. } = *shape;
    if slide_of(loops, shape).is_some() {
        return Way::Slide;
    }
    let (k_h, k_w, stride) = (h.kernel as u64, w.kernel as u64, w.stride as u64);
    // Pixels of less than four floats fill a vector only where windows are neighbours, and finding them is work, too.
    let vectors = if stride == 1 || c >= 4 { 1 } else { 2 * 4u64.div_ceil(c as u64) };
    // Loops over more than four taps are not unrolled, and take half as much again for each.
    let taps = |count: u64| if count <= 4 { 2 * count } else { 3 * count };
    let direct = taps(k_h * k_w) * vectors;
    let along = taps(k_w) * if halves(shape) { 1 } else { vectors };
    let by_rows = stride.saturating_mul(taps(k_h) + 2).saturating_add(along);
    // A row of parts is wasted on windows that are far apart, or mostly in the padding.
    let input = w.input as u64;
    let read = (w.output as u64).saturating_mul(k_w);
    let worthwhile = read.saturating_mul(8) >= input && padded(&w, w.output) as u64 <= 4 * input;
    if by_rows < direct && worthwhile { Way::ByRows } else { Way::Direct }
}

/// The loop with rows that are kept, if there is one for the shape.
fn slide_of(loops: &Loops, shape: &Pool2dShape) -> Option<Slide> {
    let by_three = |axis: &Axis, stride: usize| (axis.kernel, axis.stride, axis.dilation) == (3, stride, 1);
    let has_stride =
        |stride| by_three(&shape.h, stride) && by_three(&shape.w, stride) && shape.input.c.is_multiple_of(4);
    match shape.w.stride {
        1 if has_stride(1) => loops.roll,
        2 if has_stride(2) => loops.slide,
        _ => None,
    }
}

/// True for what [`Loops::halve`] does.
fn halves(shape: &Pool2dShape) -> bool {
    shape.input.c == 1 && shape.w.stride == 2 && shape.w.dilation == 1
}

/// Elements under so many windows side by side, padding and all.
fn padded(axis: &Axis, windows: usize) -> usize {
    (windows - 1) * axis.stride + axis.extent()
}

/// Pools with windows of `shape`.
pub(super) fn run(
    kind: PoolKind,
    shape: &Pool2dShape,
    count_include_pad: bool,
    input: &[f32],
    output: &mut [f32],
) -> Result<(), SpecError> {
    let loops = Loops::of(kind);
    let way = choose(loops, shape);
    let columns = Positions::new(&shape.w, count_include_pad);
    let rows = Positions::new(&shape.h, count_include_pad);
    let c = shape.input.c;
    let (row_len, out_len) = (shape.input.w * c, shape.output.w * c);
    let strip = {
        let (stride, extent) = (shape.w.stride, shape.w.extent());
        let fit = (STRIP / c).saturating_sub(extent) / stride;
        // Columns that two strips need are read twice: they should be few.
        fit.max(4 * extent / stride).clamp(1, shape.output.w)
    };
    let mut buffer = Buffer::zeroed(match way {
        Way::Direct => 0,
        Way::Slide => columns.interior.len() * c * if shape.w.stride == 1 { 2 } else { 1 },
        Way::ByRows => padded(&shape.w, strip) * c,
    })?;
    let images = input.chunks_exact(shape.input.h * row_len);
    for (image, output) in images.zip(output.chunks_exact_mut(shape.output.h * out_len)) {
        let mut is_kept = false;
        for (y, to) in output.chunks_exact_mut(out_len).enumerate() {
            let taps = rows.taps(y);
            if taps.len == 0 {
                // Windows between rows, of however many columns. Means and roots of nothing are what sums of nothing are.
                fill_all(to, loops.none);
                continue;
            }
            let step = taps.step.wrapping_mul(row_len); // where this wraps there is one row, or none
            let from = &image[taps.first * row_len..];
            let row =
                Row { kind, shape, columns: &columns, from, rows: Steps { count: taps.len, step }, count: taps.count };
            let lost_nan = match (way, slide_of(loops, shape)) {
                (Way::ByRows, _) => row.by_rows(loops, strip, buffer.as_mut_slice(), to),
                (Way::Slide, Some(slide)) if rows.interior.contains(&y) => {
                    let lost_nan = row.slide(loops, slide, is_kept, buffer.as_mut_slice(), to);
                    is_kept = !lost_nan;
                    lost_nan
                }
                _ => row.direct(loops.elements, 0..shape.output.w, to),
            };
            if lost_nan {
                row.direct(MAX_OR_NAN.elements, 0..shape.output.w, to);
            }
            if kind == PoolKind::L2 {
                roots(to);
            }
        }
    }
    Ok(())
}

/// What one row of the output reads.
struct Row<'a> {
    kind: PoolKind,
    shape: &'a Pool2dShape,
    columns: &'a Positions,
    /// The input from the first row on.
    from: &'a [f32],
    rows: Steps,
    /// How many rows count for a mean.
    count: usize,
}

impl Row<'_> {
    fn divisor(&self, columns: usize) -> Option<f32> {
        divisor(self.kind, self.count as f32 * columns as f32)
    }

    /// `pixels` windows with the same taps.
    fn windows(&self, pixels: usize, taps: Taps, rows: Steps) -> Windows {
        let c = self.shape.input.c;
        let stride = self.shape.w.stride;
        // Neighbours at a stride of 1 are one long run.
        let (count, len) = if stride == 1 { (1, pixels * c) } else { (pixels, c) };
        // Without columns there is nothing in any row, however many there are.
        let rows = if taps.len == 0 { Steps { count: 0, ..rows } } else { rows };
        Windows {
            windows: Steps { count, step: stride.wrapping_mul(c) },
            rows,
            columns: Steps { count: taps.len, step: taps.step.wrapping_mul(c) },
            len,
            pitch: c,
            divisor: self.divisor(taps.count),
        }
    }

    /// Output pixels `range`, straight from the input: windows inside it together, each of the others by itself.
    fn direct(&self, elements: Loop, range: Range<usize>, to: &mut [f32]) -> bool {
        let c = self.shape.input.c;
        let interior = &self.columns.interior;
        let mut lost_nan = false;
        let mut x = range.start;
        while x < range.end {
            let pixels = if interior.contains(&x) { interior.end.min(range.end) - x } else { 1 };
            let taps = self.columns.taps(x);
            let windows = self.windows(pixels, taps, self.rows);
            let to = &mut to[(x - range.start) * c..][..pixels * c];
            lost_nan |= elements(&windows, &self.from[taps.first * c..], to);
            x += pixels;
        }
        lost_nan
    }

    /// With the rows above, which `kept` holds, if it does, and those below are kept in.
    fn slide(&self, loops: &Loops, slide: Slide, is_kept: bool, kept: &mut [f32], to: &mut [f32]) -> bool {
        let c = self.shape.input.c;
        let Range { start, end } = self.columns.interior;
        let mut lost_nan = self.direct(loops.elements, 0..start, &mut to[..start * c]);
        lost_nan |= self.direct(loops.elements, end..self.shape.output.w, &mut to[end * c..]);
        if start == end {
            return lost_nan;
        }
        let taps = self.columns.taps(start);
        let windows = self.windows(end - start, taps, self.rows);
        let from = &self.from[taps.first * c..];
        let to = &mut to[start * c..end * c];
        let row = self.rows.step;
        let mut keep = |count, from, kept: &mut [f32]| {
            let rows = Steps { count, step: row };
            lost_nan |= (loops.elements)(&Windows { rows, divisor: None, ..windows }, from, kept);
        };
        // So many rows of a window are of the one above, too.
        let shared = 3 - self.shape.h.stride;
        if !is_kept {
            let (all, lowest) = kept.split_at_mut(to.len());
            keep(shared, from, all);
            if shared == 2 {
                keep(1, &from[row..], lowest);
            }
        }
        lost_nan | slide(&windows, &from[shared * row..], kept, to)
    }

    /// In strips of output pixels: the columns under a strip, with what is no element around them, then along.
    fn by_rows(&self, loops: &Loops, strip: usize, buffer: &mut [f32], to: &mut [f32]) -> bool {
        let c = self.shape.input.c;
        let axis = &self.shape.w;
        let mut lost_nan = false;
        for (i, to) in to.chunks_mut(strip * c).enumerate() {
            let first = i * strip;
            let pixels = to.len() / c;
            let parts = &mut buffer[..padded(axis, pixels) * c];
            let start = axis.start(first);
            let before = (-start).clamp(0, (parts.len() / c) as isize) as usize;
            let column = start.clamp(0, axis.input as isize) as usize;
            let columns = (axis.input - column).min(parts.len() / c - before);
            let (outside, rest) = parts.split_at_mut(before * c);
            let (inside, behind) = rest.split_at_mut(columns * c);
            fill_all(outside, loops.none);
            fill_all(behind, loops.none);
            let down = Windows {
                windows: Steps::ONE,
                rows: self.rows,
                columns: Steps::ONE,
                len: inside.len(),
                pitch: 0,
                divisor: None,
            };
            lost_nan |= (loops.elements)(&down, &self.from[column * c..], inside);
            self.along(loops, first, parts, to);
        }
        lost_nan
    }

    /// The windows from output pixel `first` on, over a row of parts; those together that count alike.
    fn along(&self, loops: &Loops, first: usize, parts: &[f32], to: &mut [f32]) {
        let c = self.shape.input.c;
        let axis = &self.shape.w;
        let by = if halves(self.shape) { loops.halve } else { loops.parts };
        let interior = &self.columns.interior;
        let end = first + to.len() / c;
        let mut x = first;
        while x < end {
            let (pixels, count) = match self.kind {
                PoolKind::Avg if !interior.contains(&x) => (1, self.columns.taps(x).count),
                PoolKind::Avg => (interior.end.min(end) - x, axis.kernel),
                _ => (end - x, 0),
            };
            let taps = Taps { first: 0, len: axis.kernel, step: axis.dilation, count };
            let from = &parts[(x - first) * axis.stride * c..];
            by(&self.windows(pixels, taps, Steps::ONE), from, &mut to[(x - first) * c..][..pixels * c]);
            x += pixels;
        }
    }
}
