//! The gradient of a 3x3 filter by tiles: Winograd's F(4x4, 3x3) in reverse, a quarter of the multiplications.
//!
//! Forward, 4x4 outputs are `Aᵀ [(G w Gᵀ) ∘ (Bᵀ x B)] A`. So the filter's gradient is `Gᵀ [Σ (A g Aᵀ) ∘ (Bᵀ x B)] G`, summed over tiles: at
//! each of 36 points a matrix product of transformed inputs and transformed gradients, whose long side is tiles. A block of tiles at a
//! time both are transformed; the sums of all blocks are transformed back once. Of many channels, some inputs' and some outputs' sums are
//! made at a time, so that they stay in the second-level cache, and what they are made of is transformed anew for each such part.

use super::filter::{Columns, Inputs, multiply};
use super::runs::Run;
use crate::activation::{load_part, store_part};
use crate::conv::winograd_transform::{POINTS, SPAN, TILE, of_input};
use crate::gemm::NR;
use crate::memory::Workspace;
use crate::shape::{Axis, Conv2dShape, SpecError};
use crate::simd::F32x4;
use core::array::from_fn;
use core::f32::consts::{FRAC_1_SQRT_2, SQRT_2};
use core::ops::Range;

/// Fewest input and output channels, fewest outputs a tile, fewest tiles. Speed beside the product over pixels (Node 24, relaxed, Zen 4,
/// 32 images): 16 -> 16, 32x32: 1.45; 32 -> 32, 16x16: 1.65; 64 -> 64, 8x8: 2.2, 56x56: 2.6; 128 -> 128, 28x28: 2.4;
/// 512 -> 512, 7x7: one image, four tiles, 0.5; four images 1.3; 16 images 2.1.
const MIN_C: usize = 12;
const MIN_OUTPUTS: usize = 8;
const MIN_TILES: usize = 16;
/// Most floats of a block's transformed inputs and gradients: 2 MiB.
const MAX_BLOCK: usize = 512 << 10;
/// Tiles of a block.
const BLOCK: [usize; 2] = [32, 256];
/// Most floats of the sums, 36 for nine of the filter: 2 MiB.
const MAX_SUMS: usize = 512 << 10;

/// True where it is faster than a product over pixels.
pub(super) fn pays(shape: &Conv2dShape) -> bool {
    let is_3x3 = |axis: &Axis| axis.kernel == 3 && axis.stride == 1 && axis.dilation == 1;
    let (in_c, out_c) = (shape.input.c, shape.output.c);
    let tiles = Tiles::new(shape).count();
    is_3x3(&shape.h)
        && is_3x3(&shape.w)
        && shape.groups == 1
        && in_c.min(out_c) >= MIN_C
        && tiles >= MIN_TILES
        && shape.output.len() / out_c >= tiles.saturating_mul(MIN_OUTPUTS)
}

/// Tiles of 4x4 outputs.
struct Tiles<'a> {
    shape: &'a Conv2dShape,
    across: usize,
    down: usize,
}

impl<'a> Tiles<'a> {
    fn new(shape: &'a Conv2dShape) -> Self {
        Self { shape, across: shape.output.w.div_ceil(TILE), down: shape.output.h.div_ceil(TILE) }
    }

    fn count(&self) -> usize {
        self.shape.output.n * self.across * self.down
    }

    /// The image of a tile, and its first output.
    fn place(&self, tile: usize) -> [usize; 3] {
        let row = tile / self.across;
        [row / self.down, row % self.down * TILE, tile % self.across * TILE]
    }

    /// Transforms some channels of the inputs under some tiles, to `[point][tile][depth]`. `strip` holds a tile's, transformed along one axis.
    fn transform_inputs(
        &self,
        tiles: Range<usize>,
        channels: Range<usize>,
        input: &[f32],
        strip: &mut Strip<'_>,
        to: &mut [f32],
    ) {
        let Conv2dShape { input: image, h, w, .. } = self.shape;
        let (count, quads) = (tiles.len(), channels.len().div_ceil(4));
        let points = to.as_chunks_mut::<4>().0;
        for (i, tile) in tiles.enumerate() {
            let [n, y, x] = self.place(tile);
            let (y, x) = (h.start(y), w.start(x));
            for column in 0..SPAN {
                let pixels: [&[f32]; SPAN] = from_fn(|row| {
                    let (y, x) = (y + row as isize, x + column as isize);
                    if !(0..image.h as isize).contains(&y) || !(0..image.w as isize).contains(&x) {
                        return &strip.zeros[..channels.len()];
                    }
                    &input[((n * image.h + y as usize) * image.w + x as usize) * image.c..][channels.clone()]
                });
                down(pixels, strip.column(column, quads), of_input);
            }
            for row in 0..SPAN {
                let columns: [&[[f32; 4]]; SPAN] = from_fn(|column| strip.part(column, row, quads));
                across(columns, of_input, |quad, column, value| {
                    value.store(&mut points[((row * SPAN + column) * count + i) * quads + quad]);
                });
            }
        }
    }

    /// Transforms some channels of the gradients of some tiles, to panels of eight columns: `[point][channels / 8][tile][8]`, the last
    /// `[tile][4]` if four columns or fewer are left.
    fn transform_gradients(
        &self,
        tiles: Range<usize>,
        channels: Range<usize>,
        grad_output: &[f32],
        strip: &mut Strip<'_>,
        to: &mut [f32],
    ) {
        let image = self.shape.output;
        let (count, quads) = (tiles.len(), channels.len().div_ceil(4));
        let points = to.as_chunks_mut::<4>().0;
        for (i, tile) in tiles.enumerate() {
            let [n, y, x] = self.place(tile);
            for column in 0..TILE {
                let pixels: [&[f32]; TILE] = from_fn(|row| {
                    if y + row >= image.h || x + column >= image.w {
                        return &strip.zeros[..channels.len()];
                    }
                    &grad_output[((n * image.h + y + row) * image.w + x + column) * image.c..][channels.clone()]
                });
                down(pixels, strip.column(column, quads), of_gradient);
            }
            for row in 0..SPAN {
                let columns: [&[[f32; 4]]; TILE] = from_fn(|column| strip.part(column, row, quads));
                across(columns, of_gradient, |quad, column, value| {
                    // Two quads are a panel; the last one may be half as wide.
                    let (panel, width) = (quad & !1, 2.min(quads - (quad & !1)));
                    let first = panel * count + i * width + quad - panel;
                    value.store(&mut points[(row * SPAN + column) * count * quads + first]);
                });
            }
        }
    }
}

/// A tile's values, transformed down its columns: `[column][point][quad]`; and a pixel of zeros.
struct Strip<'a> {
    values: &'a mut [[f32; 4]],
    zeros: &'a [f32],
}

impl Strip<'_> {
    /// The six points of a column.
    fn column(&mut self, column: usize, quads: usize) -> [&mut [[f32; 4]]; SPAN] {
        let mut parts = self.values[column * SPAN * quads..][..SPAN * quads].chunks_exact_mut(quads);
        from_fn(|_| parts.next().unwrap_or_default())
    }

    /// One point of a column.
    fn part(&self, column: usize, point: usize, quads: usize) -> &[[f32; 4]] {
        &self.values[(column * SPAN + point) * quads..][..quads]
    }
}

/// Transforms a column of pixels, all channels.
#[inline(always)]
fn down<const I: usize>(pixels: [&[f32]; I], mut to: [&mut [[f32; 4]]; SPAN], f: impl Fn([F32x4; I]) -> [F32x4; SPAN]) {
    let whole = pixels[0].len() / 4;
    let quads = pixels.map(|pixel| &pixel.as_chunks::<4>().0[..whole]);
    for quad in 0..whole {
        let points = f(from_fn(|i| F32x4::load(&quads[i][quad])));
        for (to, point) in to.iter_mut().zip(points) {
            point.store(&mut to[quad]);
        }
    }
    if 4 * whole < pixels[0].len() {
        let points = f(from_fn(|i| load_part(&pixels[i][4 * whole..])));
        for (to, point) in to.iter_mut().zip(points) {
            point.store(&mut to[whole]);
        }
    }
}

/// Transforms a row of what [`down`] left, all channels: calls `store` with quad, point and value.
#[inline(always)]
fn across<const I: usize>(
    columns: [&[[f32; 4]]; I],
    f: impl Fn([F32x4; I]) -> [F32x4; SPAN],
    mut store: impl FnMut(usize, usize, F32x4),
) {
    let quads = columns[0].len();
    let columns = columns.map(|column| &column[..quads]);
    for quad in 0..quads {
        let points = f(columns.map(|column| F32x4::load(&column[quad])));
        for (point, value) in points.into_iter().enumerate() {
            store(quad, point, value);
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

/// Three taps' gradients from sums at the six points.
#[inline(always)]
fn of_sums(m: [F32x4; SPAN]) -> [F32x4; 3] {
    let [two_thirds, third, sixth] = [-2.0 / 3.0, 1.0 / 3.0, 1.0 / 6.0].map(F32x4::splat);
    let (inner, inner_odd) = (m[1] + m[2], m[1] - m[2]);
    let (outer, outer_odd) = (m[3] + m[4], m[3] - m[4]);
    [
        outer.mul_add(sixth, inner.mul_add(two_thirds, m[0])),
        outer_odd.mul_add(F32x4::splat(SQRT_2 / 6.0), inner_odd * F32x4::splat(-2.0 / 3.0 * FRAC_1_SQRT_2)),
        (outer - inner).mul_add(third, m[5]),
    ]
}

/// `grad_filter` is `[3, 3, in_c, out_c]`.
pub(super) fn run(
    shape: &Conv2dShape,
    input: &[f32],
    grad_output: &[f32],
    workspace: &mut Workspace,
    grad_filter: &mut [f32],
) -> Result<(), SpecError> {
    let tiles = Tiles::new(shape);
    let part = [shape.input.c, shape.output.c].map(|c| part_of(c).min(c));
    let (depth, lanes) = (part[0].next_multiple_of(4), part[1].next_multiple_of(4));
    let [fewest, most] = BLOCK;
    let blocks = tiles.count().div_ceil((MAX_BLOCK / POINTS / (depth + lanes)).clamp(fewest, most));
    let largest = tiles.count().div_ceil(blocks);
    let widest = depth.max(lanes);
    let sums_len = POINTS * part[0] * lanes;
    let scratch = workspace.get(sums_len + POINTS * largest * (depth + lanes) + (POINTS + 1) * widest)?;
    let (sums, rest) = scratch.split_at_mut(sums_len);
    let (inputs, rest) = rest.split_at_mut(POINTS * largest * depth);
    let (gradients, rest) = rest.split_at_mut(POINTS * largest * lanes);
    let (strip, zeros) = rest.split_at_mut(POINTS * widest);
    zeros.fill(0.0);
    let mut strip = Strip { values: strip.as_chunks_mut().0, zeros };
    for rows in parts(shape.input.c, part[0]) {
        for columns in parts(shape.output.c, part[1]) {
            let (in_c, out_c) = (rows.len(), columns.len());
            let (depth, lanes) = (in_c.next_multiple_of(4), out_c.next_multiple_of(4));
            for (i, first) in (0..tiles.count()).step_by(largest).enumerate() {
                let block = first..tiles.count().min(first + largest);
                let count = block.len();
                tiles.transform_inputs(block.clone(), rows.clone(), input, &mut strip, inputs);
                tiles.transform_gradients(block, columns.clone(), grad_output, &mut strip, gradients);
                let points = inputs.chunks_exact(count * depth).zip(gradients.chunks_exact(count * lanes));
                for ((values, panels), sums) in points.zip(sums.chunks_exact_mut(in_c * lanes)) {
                    let inputs = Inputs { values, step: depth, runs: &[Run { input: 0, pixel: 0, count }] };
                    let columns = Columns { panels, pixels: count, count: out_c, to_step: lanes, stores: i == 0 };
                    multiply(&inputs, in_c, &columns, sums);
                }
            }
            transform_sums(shape, rows.clone(), columns, sums, grad_filter);
        }
    }
    Ok(())
}

/// Channels of a part: as many as let the sums of parts of inputs and outputs fit [`MAX_SUMS`], in parts of nearly equal size and whole panels.
fn part_of(c: usize) -> usize {
    let most = (MAX_SUMS / POINTS).isqrt();
    c.div_ceil(c.div_ceil(most)).next_multiple_of(NR)
}

/// Ranges of at most `size` that cover `0..len`.
fn parts(len: usize, size: usize) -> impl Iterator<Item = Range<usize>> {
    (0..len).step_by(size).map(move |first| first..len.min(first + size))
}

/// Transforms sums at all points, `[point][row][column]`, whole vectors of columns, to the gradients of those channels' taps.
fn transform_sums(
    shape: &Conv2dShape,
    rows: Range<usize>,
    columns: Range<usize>,
    sums: &[f32],
    grad_filter: &mut [f32],
) {
    let quads = columns.len().div_ceil(4);
    let sums = sums.as_chunks::<4>().0;
    for (c, row) in rows.clone().enumerate() {
        let points: [&[[f32; 4]]; POINTS] = from_fn(|point| &sums[(point * rows.len() + c) * quads..][..quads]);
        let mut taps = grad_filter.chunks_exact_mut(shape.input.c * shape.output.c);
        let mut taps: [&mut [f32]; 9] =
            from_fn(|_| &mut taps.next().unwrap_or_default()[row * shape.output.c..][columns.clone()]);
        for quad in 0..quads {
            let down: [[F32x4; 3]; SPAN] = from_fn(|w| of_sums(from_fn(|h| F32x4::load(&points[h * SPAN + w][quad]))));
            let across = |h: usize| of_sums(down.map(|column| column[h]));
            for (tap, value) in taps.iter_mut().zip(from_fn::<_, 3, _>(across).as_flattened()) {
                store_part(*value, &mut tap[4 * quad..]);
            }
        }
    }
}
