//! Tiles of 4x4 outputs, and the transforms of what lies under them, see [`super::winograd`].
//!
//! A strip of adjacent tiles at a time: down the columns of its pixels, then along the rows of each tile.

use crate::activation::load_part;
use crate::conv::winograd_transform::{SPAN, TILE, of_input};
use crate::shape::Conv2dShape;
use crate::simd::F32x4;
use core::array::from_fn;
use core::f32::consts::{FRAC_1_SQRT_2, SQRT_2};
use core::ops::Range;

/// Most floats of a strip that has more than one tile: 32 KiB.
const MAX_STRIP: usize = 8 << 10;

/// Tiles of a batch.
pub(super) struct Tiles<'a> {
    shape: &'a Conv2dShape,
    across: usize,
    down: usize,
}

impl<'a> Tiles<'a> {
    pub(super) fn new(shape: &'a Conv2dShape) -> Self {
        Self { shape, across: shape.output.w.div_ceil(TILE), down: shape.output.h.div_ceil(TILE) }
    }

    pub(super) fn count(&self) -> usize {
        self.shape.output.n * self.across * self.down
    }

    /// Tiles of a strip of so many channels.
    fn adjacent(&self, channels: usize) -> usize {
        let columns = MAX_STRIP / (SPAN * channels.next_multiple_of(4));
        (columns.saturating_sub(SPAN - TILE) / TILE).clamp(1, self.across)
    }

    /// Floats of a strip of up to so many channels, and of a row of zeros as long as its own.
    pub(super) fn strip_len(&self, channels: usize) -> [usize; 2] {
        // Fewer channels make longer strips, but not larger ones.
        let one = SPAN * channels.next_multiple_of(4);
        let row = one.max(MAX_STRIP / SPAN);
        [SPAN * row, row]
    }

    /// Strips of adjacent tiles: which, their image and their first output.
    fn strips(&self, tiles: Range<usize>, channels: usize) -> impl Iterator<Item = (Range<usize>, [usize; 3])> + use<> {
        let (across, down, adjacent) = (self.across, self.down, self.adjacent(channels));
        let mut next = tiles.start;
        core::iter::from_fn(move || {
            let (row, x) = (next / across, next % across);
            let strip = next..tiles.end.min(next + adjacent.min(across - x));
            next = strip.end;
            (!strip.is_empty()).then_some((strip, [row / down, row % down * TILE, x * TILE]))
        })
    }

    /// Transforms some channels of the inputs under some tiles, to `[point][tile][depth]`.
    pub(super) fn transform_inputs(
        &self,
        tiles: Range<usize>,
        channels: Range<usize>,
        input: &[f32],
        scratch: &mut Scratch<'_>,
        to: &mut [f32],
    ) {
        let Conv2dShape { input: image, h, w, .. } = self.shape;
        let (count, quads) = (tiles.len(), channels.len().div_ceil(4));
        let points = to.as_chunks_mut::<4>().0;
        let source = Source { values: input, w: image.w, c: image.c, channels: channels.clone() };
        for (strip, [n, y, x]) in self.strips(tiles.clone(), channels.len()) {
            let rows: [Option<usize>; SPAN] = from_fn(|row| {
                let y = usize::try_from(h.start(y) + row as isize).ok().filter(|&y| y < image.h)?;
                Some((n * image.h + y) * image.w)
            });
            let columns = strip.len() * TILE + SPAN - TILE;
            scratch.fill(&source, rows, w.start(x), columns, of_input);
            for (first, tile) in strip.enumerate() {
                let i = tile - tiles.start;
                for (row, points) in points.chunks_exact_mut(SPAN * count * quads).enumerate().take(SPAN) {
                    let mut points = points.chunks_exact_mut(count * quads);
                    let to = from_fn(|_| &mut points.next().unwrap_or_default()[i * quads..][..quads]);
                    let row = scratch.row(row, first * TILE * quads, columns * quads);
                    across(from_fn(|column| &row[column * quads..][..quads]), to, of_input);
                }
            }
        }
    }

    /// Transforms some channels of the gradients of some tiles, to panels of eight columns: `[point][channels / 8][tile][8]`, the last
    /// `[tile][4]` if four columns or fewer are left.
    pub(super) fn transform_gradients(
        &self,
        tiles: Range<usize>,
        channels: Range<usize>,
        grad_output: &[f32],
        scratch: &mut Scratch<'_>,
        to: &mut [f32],
    ) {
        let image = self.shape.output;
        let (count, quads) = (tiles.len(), channels.len().div_ceil(4));
        let points = to.as_chunks_mut::<4>().0;
        let source = Source { values: grad_output, w: image.w, c: image.c, channels: channels.clone() };
        for (strip, [n, y, x]) in self.strips(tiles.clone(), channels.len()) {
            let rows: [Option<usize>; TILE] =
                from_fn(|row| (y + row < image.h).then_some((n * image.h + y + row) * image.w));
            let columns = strip.len() * TILE;
            scratch.fill(&source, rows, x as isize, columns, of_gradient);
            for (first, tile) in strip.enumerate() {
                let i = tile - tiles.start;
                for (row, points) in points.chunks_exact_mut(SPAN * count * quads).enumerate().take(SPAN) {
                    let row = scratch.row(row, first * TILE * quads, columns * quads);
                    // Two quads are a panel; the last one may be half as wide.
                    for panel in (0..quads).step_by(2) {
                        let width = 2.min(quads - panel);
                        let mut points = points.chunks_exact_mut(count * quads);
                        let at = panel * count + i * width;
                        let to = from_fn(|_| &mut points.next().unwrap_or_default()[at..][..width]);
                        let columns: [_; TILE] = from_fn(|column| &row[column * quads + panel..][..width]);
                        across(columns, to, of_gradient);
                    }
                }
            }
        }
    }
}

/// Images whose rows are transformed.
struct Source<'a> {
    values: &'a [f32],
    w: usize,
    c: usize,
    channels: Range<usize>,
}

/// A strip's values, transformed down its columns: `[point][column][quad]`; and zeros.
pub(super) struct Scratch<'a> {
    values: &'a mut [[f32; 4]],
    zeros: &'a [f32],
}

impl<'a> Scratch<'a> {
    /// Memory of [`Tiles::strip_len`].
    pub(super) fn new(values: &'a mut [f32], zeros: &'a mut [f32]) -> Self {
        zeros.fill(0.0);
        Self { values: values.as_chunks_mut().0, zeros }
    }

    /// Transforms pixels of `rows`, first pixels of an image's rows, none where there are zeros; `columns` of them from `x` on.
    #[inline(always)]
    fn fill<const I: usize>(
        &mut self,
        source: &Source<'_>,
        rows: [Option<usize>; I],
        x: isize,
        columns: usize,
        f: impl Fn([F32x4; I]) -> [F32x4; SPAN] + Copy,
    ) {
        let Source { values, w, c, ref channels } = *source;
        let quads = channels.len().div_ceil(4);
        let first = usize::try_from(-x).unwrap_or(0).min(columns);
        let end = usize::try_from(w as isize - x).unwrap_or(0).clamp(first, columns);
        let mut points = self.values.chunks_exact_mut(columns * quads);
        let mut points: [&mut [[f32; 4]]; SPAN] = from_fn(|_| points.next().unwrap_or_default());
        for point in &mut points {
            point[..first * quads].fill([0.0; 4]);
            point[end * quads..].fill([0.0; 4]);
        }
        // Pixels that are whole vectors, one behind the other, are one run.
        let run = if c == channels.len() && c.is_multiple_of(4) { (end - first).max(1) } else { 1 };
        for column in (first..end).step_by(run) {
            let len = if run > 1 { run * c } else { channels.len() };
            let pixels = rows.map(|row| match row {
                Some(row) => &values[(row + (x + column as isize) as usize) * c + channels.start..][..len],
                None => &self.zeros[..len],
            });
            down(pixels, points.each_mut().map(|point| &mut point[column * quads..][..len.div_ceil(4)]), f);
        }
    }

    /// One point of a strip whose points have `len` vectors, from one of them on.
    fn row(&self, point: usize, first: usize, len: usize) -> &[[f32; 4]] {
        &self.values[point * len..][first..len]
    }
}

/// Transforms a column of pixels, or of runs of them.
#[inline(always)]
fn down<const I: usize>(pixels: [&[f32]; I], mut to: [&mut [[f32; 4]]; SPAN], f: impl Fn([F32x4; I]) -> [F32x4; SPAN]) {
    let whole = pixels[0].len() / 4;
    if 4 * whole < pixels[0].len() {
        let points = f(pixels.map(|pixel| load_part(&pixel[4 * whole..])));
        for (to, point) in to.iter_mut().zip(points) {
            point.store(&mut to[whole]);
        }
    }
    across(pixels.map(|pixel| &pixel.as_chunks::<4>().0[..whole]), to, f);
}

/// Transforms vectors, each with those in the same place of the others.
#[inline(always)]
fn across<const I: usize>(
    from: [&[[f32; 4]]; I],
    to: [&mut [[f32; 4]]; SPAN],
    f: impl Fn([F32x4; I]) -> [F32x4; SPAN],
) {
    let count = from[0].len();
    let from = from.map(|from| &from[..count]);
    let mut to = to.map(|to| &mut to[..count]);
    for i in 0..count {
        let points = f(from.map(|from| F32x4::load(&from[i])));
        for (to, point) in to.iter_mut().zip(points) {
            point.store(&mut to[i]);
        }
    }
}

/// Four gradients of outputs at the six points `(0, √½, -√½, √2, -√2, ∞)`.
#[inline(always)]
fn of_gradient(g: [F32x4; TILE]) -> [F32x4; SPAN] {
    let [half, two] = [0.5, 2.0].map(F32x4::splat);
    let even_inner = g[2].mul_add(half, g[0]);
    let even_outer = g[2].mul_add(two, g[0]);
    let odd_inner = g[3].mul_add(half, g[1]) * F32x4::splat(FRAC_1_SQRT_2);
    let odd_outer = g[3].mul_add(two, g[1]) * F32x4::splat(SQRT_2);
    [g[0], even_inner + odd_inner, even_inner - odd_inner, even_outer + odd_outer, even_outer - odd_outer, g[3]]
}
