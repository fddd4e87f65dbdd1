//! Pools straight from the input: each output reads all elements under its window, 16 channels in registers.

use super::reduce::Reduce;
use crate::activation::{load_part, store_part};
use crate::shape::Image;
use crate::simd::F32x4;

/// What a window reads along one axis: `first`, `first + step`, ..., `len` elements.
#[derive(Clone, Copy, Debug)]
pub(super) struct Taps {
    pub(super) first: usize,
    pub(super) len: usize,
    pub(super) step: usize,
    /// How many elements it counts for a mean.
    pub(super) count: usize,
}

/// Pools `input` to `output`; `rows` and `columns` give what each output row and column reads.
pub(super) fn run<R: Reduce>(
    input: &Image,
    output: &Image,
    rows: impl Fn(usize) -> Taps,
    columns: impl Fn(usize) -> Taps,
    from: &[f32],
    to: &mut [f32],
) {
    let row_len = input.w * input.c;
    let images = from.chunks_exact(input.h * row_len);
    for (image, to) in images.zip(to.chunks_exact_mut(output.h * output.w * output.c)) {
        for (y, to) in to.chunks_exact_mut(output.w * output.c).enumerate() {
            let rows = rows(y);
            for (x, to) in to.chunks_exact_mut(output.c).enumerate() {
                pixel::<R>(image, row_len, rows, columns(x), to);
            }
        }
    }
}

/// One output pixel, all its channels.
#[inline(always)]
fn pixel<R: Reduce>(image: &[f32], row_len: usize, rows: Taps, columns: Taps, to: &mut [f32]) {
    let c = to.len();
    let count = F32x4::splat(rows.count as f32 * columns.count as f32);
    let window = Window { image, row_len, c, rows, columns };
    if c < 4 {
        let partial = window.fold(R::start(), c, 0, |acc, pixel| R::add(acc, load_part(pixel)));
        store_part(R::finish(R::value(partial), count), to);
        return;
    }
    let mut channel = 0;
    while c - channel >= 16 {
        window.channels::<R, 4>(channel, count, to);
        channel += 16;
    }
    while channel < c {
        // The last vector may do channels again that the one before did.
        window.channels::<R, 1>(channel.min(c - 4), count, to);
        channel += 4;
    }
}

/// A window at one place of one image.
struct Window<'a> {
    image: &'a [f32],
    row_len: usize,
    c: usize,
    rows: Taps,
    columns: Taps,
}

impl Window<'_> {
    /// Folds over `len` channels from `channel` of every pixel under the window.
    #[inline(always)]
    fn fold<A>(&self, start: A, len: usize, channel: usize, f: impl Fn(A, &[f32]) -> A) -> A {
        let mut acc = start;
        for i in 0..self.rows.len {
            let row = &self.image[(self.rows.first + i * self.rows.step) * self.row_len..][..self.row_len];
            for j in 0..self.columns.len {
                let at = (self.columns.first + j * self.columns.step) * self.c + channel;
                acc = f(acc, &row[at..at + len]);
            }
        }
        acc
    }

    /// `4 V` channels.
    #[inline(always)]
    fn channels<R: Reduce, const V: usize>(&self, channel: usize, count: F32x4, to: &mut [f32]) {
        let acc = self.fold([R::start(); V], 4 * V, channel, |mut acc, pixel| {
            for (acc, x) in acc.iter_mut().zip(pixel.as_chunks::<4>().0) {
                *acc = R::add(*acc, F32x4::load(x));
            }
            acc
        });
        for (acc, to) in acc.into_iter().zip(to[channel..channel + 4 * V].as_chunks_mut::<4>().0) {
            R::finish(R::value(acc), count).store(to);
        }
    }
}
