//! Pools in two steps: first down the columns into one row, whole vectors whatever the channels; then along that row.
//! Windows that overlap share the first step.

use super::direct::Taps;
use super::reduce::Reduce;
use super::taps_of;
use crate::activation::{load_part, store_part};
use crate::memory::Buffer;
use crate::shape::{Axis, Pool2dShape, SpecError};
use crate::simd::F32x4;

/// Most columns for each that a window reads: strides of a few windows' width.
const MAX_COLUMNS_PER_TAP: u64 = 8;

/// True where the two steps touch fewer vectors than reading every window whole, or where a pixel has too few channels to pay for
/// the work of finding it (2x2 pools of 224x224x4 in WebAssembly: 12 to 16 GB/s instead of 10; of 56x56x31: no gain).
pub(super) fn pays(shape: &Pool2dShape) -> bool {
    let (k_h, k_w, stride_w) = (shape.h.kernel as u64, shape.w.kernel as u64, shape.w.stride as u64);
    (shape.input.c < 8 || stride_w * (k_h + 1) + k_w < k_h * k_w) && !skips_columns(&shape.w)
}

/// True where the windows read so few columns that a pass over whole rows is wasted: far apart, or mostly in the padding.
fn skips_columns(axis: &Axis) -> bool {
    let interior = axis.interior();
    let borders = (0..interior.start).chain(interior.end..axis.output);
    let at_borders: u64 = borders.map(|position| axis.taps(position).len() as u64).sum();
    let read = interior.len() as u64 * axis.kernel as u64 + at_borders;
    read.saturating_mul(MAX_COLUMNS_PER_TAP) < axis.input as u64
}

pub(super) fn run<R: Reduce>(
    shape: &Pool2dShape,
    count_include_pad: bool,
    input: &[f32],
    output: &mut [f32],
) -> Result<(), SpecError> {
    let c = shape.input.c;
    let row_len = shape.input.w * c;
    // Three floats more, so that every pixel can be read as a whole vector.
    let mut buffer = Buffer::zeroed(row_len + 3)?;
    let partial = buffer.as_mut_slice();
    let rows_of = taps_of(&shape.h, count_include_pad);
    let columns_of = taps_of(&shape.w, count_include_pad);
    let interior = shape.w.interior();
    let images = input.chunks_exact(shape.input.h * row_len);
    for (image, output) in images.zip(output.chunks_exact_mut(shape.output.h * shape.output.w * c)) {
        for (y, to) in output.chunks_exact_mut(shape.output.w * c).enumerate() {
            let rows = rows_of(y);
            if rows.len == 0 {
                to.fill(R::finish(R::value(R::start()), F32x4::splat(1.0)).to_array()[0]);
                continue;
            }
            down::<R>(image, rows, &mut partial[..row_len]);
            let row = Row { partial, c, rows: rows.count };
            for x in 0..interior.start {
                row.pixel::<R>(columns_of(x), x, to);
            }
            if !interior.is_empty() {
                let first = columns_of(interior.start);
                let inside = &mut to[interior.start * c..];
                row.interior::<R>(first, shape.w.stride, interior.len(), inside);
            }
            for x in interior.end..shape.output.w {
                row.pixel::<R>(columns_of(x), x, to);
            }
        }
    }
    Ok(())
}

/// Combines rows, element by element.
fn down<R: Reduce>(image: &[f32], rows: Taps, to: &mut [f32]) {
    let row_len = to.len();
    let line = |i: usize, at: usize, len: usize| &image[(rows.first + i * rows.step) * row_len + at..][..len];
    let mut at = 0;
    let (blocks, rest) = to.as_chunks_mut::<16>();
    for block in blocks {
        let mut acc = [R::start(); 4];
        for i in 0..rows.len {
            for (acc, x) in acc.iter_mut().zip(line(i, at, 16).as_chunks::<4>().0) {
                *acc = R::add(*acc, F32x4::load(x));
            }
        }
        for (acc, to) in acc.into_iter().zip(block.as_chunks_mut::<4>().0) {
            R::value(acc).store(to);
        }
        at += 16;
    }
    for to in rest.chunks_mut(4) {
        let acc = (0..rows.len).fold(R::start(), |acc, i| R::add(acc, load_part(line(i, at, to.len()))));
        store_part(R::value(acc), to);
        at += 4;
    }
}

/// One row of partial results, `c` channels a pixel and three floats after the last, each of `rows` elements.
struct Row<'a> {
    partial: &'a [f32],
    c: usize,
    rows: usize,
}

impl Row<'_> {
    /// Four floats.
    #[inline(always)]
    fn load(&self, at: usize) -> F32x4 {
        self.partial[at..].first_chunk().map_or(F32x4::zero(), F32x4::load)
    }

    #[inline(always)]
    fn count(&self, columns: Taps) -> F32x4 {
        F32x4::splat(self.rows as f32 * columns.count as f32)
    }

    /// Four floats of the result, from `at` on, which lies in the first pixel under the window.
    #[inline(always)]
    fn along<R: Reduce>(&self, columns: Taps, at: usize, count: F32x4) -> F32x4 {
        // Where this wraps it is not used: a dilation as large as that leaves one tap.
        let step = columns.step.wrapping_mul(self.c);
        let acc = (0..columns.len).fold(R::start(), |acc, j| R::merge(acc, self.load(at + j * step)));
        R::finish(R::value(acc), count)
    }

    /// Output pixel `x`.
    #[inline(always)]
    fn pixel<R: Reduce>(&self, columns: Taps, x: usize, to: &mut [f32]) {
        let c = self.c;
        let to = &mut to[x * c..(x + 1) * c];
        let from = columns.first * c;
        let count = self.count(columns);
        if c < 4 {
            return store_part(self.along::<R>(columns, from, count), to);
        }
        for channel in (0..c).step_by(4) {
            let channel = channel.min(c - 4);
            store_part(self.along::<R>(columns, from + channel, count), &mut to[channel..channel + 4]);
        }
    }

    /// `pixels` outputs from one whose window is `columns` on, all windows inside the input, into the start of `to`.
    fn interior<R: Reduce>(&self, columns: Taps, stride: usize, pixels: usize, to: &mut [f32]) {
        let c = self.c;
        if stride == 1 {
            let len = pixels * c;
            self.run_of::<R>(columns, &mut to[..len]);
        } else if c == 1 && stride == 2 && columns.step == 1 {
            self.every_second::<R>(columns, &mut to[..pixels]);
        } else if c < 4 {
            let count = self.count(columns);
            for x in 0..pixels {
                let y = self.along::<R>(columns, (columns.first + x * stride) * c, count);
                match to[x * c..].first_chunk_mut() {
                    // The lanes that are not this pixel's are written again by the next pixels.
                    Some(to) => y.store(to),
                    None => store_part(y, &mut to[x * c..(x + 1) * c]),
                }
            }
        } else {
            for x in 0..pixels {
                self.pixel::<R>(Taps { first: columns.first + x * stride, ..columns }, x, to);
            }
        }
    }

    /// Stride 1: the windows of adjacent outputs start at adjacent floats, whatever the channels.
    fn run_of<R: Reduce>(&self, columns: Taps, to: &mut [f32]) {
        let count = self.count(columns);
        let step = columns.step.wrapping_mul(self.c); // as above
        let mut from = columns.first * self.c;
        let (blocks, rest) = to.as_chunks_mut::<16>();
        for block in blocks {
            let mut acc = [R::start(); 4];
            for j in 0..columns.len {
                let row = &self.partial[from + j * step..][..16];
                for (acc, x) in acc.iter_mut().zip(row.as_chunks::<4>().0) {
                    *acc = R::merge(*acc, F32x4::load(x));
                }
            }
            for (acc, to) in acc.into_iter().zip(block.as_chunks_mut::<4>().0) {
                R::finish(R::value(acc), count).store(to);
            }
            from += 16;
        }
        for to in rest.chunks_mut(4) {
            store_part(self.along::<R>(columns, from, count), to);
            from += 4;
        }
    }

    /// One channel, stride 2, dilation 1: even and odd floats of eight are two taps of four outputs.
    fn every_second<R: Reduce>(&self, columns: Taps, to: &mut [f32]) {
        let count = self.count(columns);
        let mut from = columns.first;
        let (fours, rest) = to.as_chunks_mut::<4>();
        for to in fours {
            let mut acc = R::start();
            for j in (0..columns.len).step_by(2) {
                let (even, odd) = F32x4::unzip(self.load(from + j), self.load(from + j + 4));
                acc = R::merge(acc, even);
                if j + 1 < columns.len {
                    acc = R::merge(acc, odd);
                }
            }
            R::finish(R::value(acc), count).store(to);
            from += 8;
        }
        for to in rest {
            let y = self.along::<R>(columns, from, count).to_array();
            *to = y[0];
            from += 2;
        }
    }
}
