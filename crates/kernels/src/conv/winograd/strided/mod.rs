//! F(4x4, 3x3) at a stride of two. Along an axis it is F(4, 2) and F(4, 1): of the inputs that a tile of four outputs sees, the five even
//! ones meet the outer taps and the four odd ones the middle one, both at a stride of one. Nine products for four outputs instead of twelve.
//!
//! Both are transformed to the same points ±3/8, ±5/4 and infinity, so that products of the two are summed there and transformed to outputs
//! once. Four points are enough for the odd inputs: 3/8 is left to the even ones. The middle tap is the same at all of them.
//!
//! Of multiples of 1/8, these points have the least error: at 64 channels a root mean square of 14 times 2^-24 of that of the outputs,
//! as F(4, 3) has, where 0, ±1, 2 and infinity have 22 and ±1/2, ±3/2 and infinity 16.
//!
//! On a plane these are 81 products instead of 144. Tiles have four outputs along an axis or three ([`super::order`]); one of three has
//! seven products instead of nine.

mod transform;

use super::order::{Order, Tiles, panel_of, split};
use super::{FEW_TILES, MAX_FILTER_OF_FEW, MAX_PRODUCTS, MAX_TILES, MIN_OUTPUTS, MIN_TILES, QUADS, store_part_of_tile};
use crate::activation::load_part;
use crate::epilogue::Epilogue;
use crate::gemm::{Columns, MR, NR, PackedShape, tile_of};
use crate::memory::Workspace;
use crate::shape::{Axis, Conv2dShape, SpecError};
use crate::simd::{F32x4, Strided, hoisted, strided_mut};
use core::array::from_fn;
use core::ops::Range;
use transform::{FINITE, INPUT_FACTORS, POINTS, SPAN, WEIGHT_OF, WEIGHTS, of_input, of_products, values_at};

pub(super) use super::transform::TILE;
pub(super) use transform::transform_taps;

/// Most floats of transformed inputs: 1.375 MiB, for 16 tiles of 256 channels.
const MAX_INPUTS: usize = 352 << 10;
/// Fewest input channels, output channels and pairs of them, and fewest pairs where few tiles share a filter. Times as fast as the direct
/// kernel (Node 24, relaxed, Zen 4): 64 -> 128 on 56x56 1.4 to 1.5 (plain simd 1.5), 128 -> 256 on 28x28 1.3 (1.3), 96 -> 96 on 35x35 1.4,
/// 64 -> 96 on 17x17 1.2, 256 -> 256 on 28x28 and eight images of 256 -> 512 on 14x14 1.2; on 80x80, 32 -> 128 1.4, 32 -> 64 and
/// 48 -> 48 1.3, 24 -> 64 1.25, 32 -> 32 and 16 -> 96 1.15, 24 -> 24, 16 -> 32 and 64 -> 16 1.0. Of four tiles: 128 -> 128 on 14x14 1.3,
/// on 12x12 1.2, on 10x10 0.9; 64 -> 128 on 14x14 1.15; 256 -> 512 0.7 to 0.9.
const MIN_IN_C: usize = 24;
const MIN_OUT_C: usize = 32;
const MIN_PAIRS: usize = 24 * 64;
const MIN_PAIRS_OF_FEW: usize = 128 * 128;

/// Floats of a tile's inputs, transformed along columns: `[value][pixel][quad]`.
const STRIP_LEN: usize = SPAN * SPAN * QUADS * 4;

/// False for other windows, where channels are no whole vectors, and where a single panel of tiles takes too much memory.
pub(super) fn can_do(shape: &Conv2dShape) -> bool {
    let is_3x3 = |axis: &Axis| axis.kernel == 3 && axis.stride == 2 && axis.dilation == 1;
    let fits = shape.input.c.is_multiple_of(4) && shape.input.c <= MAX_INPUTS / (SPAN * SPAN * MR);
    is_3x3(&shape.h) && is_3x3(&shape.w) && shape.groups == 1 && fits
}

/// True where it is faster than a direct convolution.
pub(super) fn pays(shape: &Conv2dShape, matrix_len: usize) -> bool {
    let (in_c, out_c) = (shape.input.c, shape.output.c);
    let (tiles, pairs) = (tiles(shape), in_c.saturating_mul(out_c));
    let fits_few = pairs >= MIN_PAIRS_OF_FEW && matrix_len <= MAX_FILTER_OF_FEW / (WEIGHTS * WEIGHTS);
    in_c >= MIN_IN_C
        && out_c >= MIN_OUT_C
        && pairs >= MIN_PAIRS
        && tiles >= MIN_TILES
        && (tiles > FEW_TILES || fits_few)
        && shape.output.len() / out_c >= tiles.saturating_mul(MIN_OUTPUTS)
}

/// Tiles of the whole batch, down and across.
fn order(shape: &Conv2dShape) -> Order {
    Order::new(shape.output.n, [&shape.h, &shape.w].map(|axis| Tiles::new(axis.output)))
}

/// Tiles of the whole batch.
pub(super) fn tiles(shape: &Conv2dShape) -> usize {
    order(shape).count()
}

/// A convolution by tiles.
struct Tiling<'a> {
    shape: &'a Conv2dShape,
    /// Sizes of the transformed filter.
    matrices: PackedShape,
    order: Order,
    /// Input channels.
    depth: usize,
    /// Floats from the matrix of one value to the next's.
    value_len: usize,
}

/// `input` NHWC, `packed` as [`super::pack`] gives it.
pub(super) fn run(
    shape: &Conv2dShape,
    matrices: PackedShape,
    input: &[f32],
    packed: &[f32],
    epilogue: Epilogue<'_>,
    workspace: &mut Workspace,
    output: &mut [f32],
) -> Result<(), SpecError> {
    let (n, depth, tiles) = (matrices.n, matrices.k, tiles(shape));
    let blocks = tiles.div_ceil((MAX_INPUTS / (SPAN * SPAN * depth)).min(MAX_TILES));
    let largest = tiles.div_ceil(blocks);
    let order = order(shape);
    let tiling = Tiling { shape, matrices, order, depth, value_len: largest * depth };
    let panels = (MAX_PRODUCTS / (POINTS * POINTS * NR * largest)).min(n.div_ceil(NR));
    let inputs_len = SPAN * SPAN * tiling.value_len;
    let scratch = workspace.get(STRIP_LEN + inputs_len + POINTS * POINTS * NR * largest * panels)?;
    let (strip, rest) = scratch.split_at_mut(STRIP_LEN);
    let (inputs, products) = rest.split_at_mut(inputs_len);
    for block in split(0..tiles, blocks) {
        for number in block.clone() {
            for channel in (0..matrices.k).step_by(4 * QUADS) {
                tiling.transform_columns(input, number, channel, strip);
                tiling.transform_rows(&block, number, channel, strip, inputs);
            }
        }
        for column in (0..n).step_by(panels * NR) {
            let columns = column..n.min(column + panels * NR);
            tiling.multiply(&block, columns.clone(), inputs, packed, products);
            let tile_len = columns.len().div_ceil(NR) * POINTS * POINTS * NR;
            for (number, products) in block.clone().zip(products.chunks_exact(tile_len)) {
                tiling.transform_products(number, columns.clone(), products, &epilogue, output);
            }
        }
    }
    if let (_, Some(activation)) = epilogue.clamp() {
        activation.apply_in_place(output);
    }
    Ok(())
}

impl Tiling<'_> {
    /// Transforms the pixels under a tile along columns, channels `channel..`; zeros where there is no input.
    #[inline(never)]
    fn transform_columns(&self, input: &[f32], number: usize, channel: usize, to: &mut [f32]) {
        let Conv2dShape { input: image, h, w, .. } = self.shape;
        let tile = self.order.tile(number);
        let factors = hoisted(INPUT_FACTORS);
        let channels = (image.c - channel).min(4 * QUADS);
        let zeros = [0.0; 4 * QUADS];
        // Below zero wraps to a number above any size.
        let [y, x] = [h.start(tile.y), w.start(tile.x)].map(|first| first as usize);
        for (j, strip) in (0..SPAN).zip((0..).step_by(QUADS * 4)) {
            let mut pixels = [zeros[..channels].as_chunks::<4>().0; SPAN];
            for (i, pixel) in pixels.iter_mut().enumerate() {
                let (y, x) = (y.wrapping_add(i), x.wrapping_add(j));
                if y < image.h && x < image.w {
                    let first = ((tile.image * image.h + y) * image.w + x) * image.c + channel;
                    *pixel = input[first..][..channels].as_chunks().0;
                }
            }
            let pixels = pixels.map(|pixel| &pixel[..channels / 4]);
            for quad in 0..channels / 4 {
                let values = of_input(&factors, pixels.map(|pixel| F32x4::load(&pixel[quad])));
                let to = strided_mut::<SPAN, 1>(&mut to[strip + quad * 4..], STRIP_LEN / SPAN);
                for ([to], value) in to.into_iter().zip(values) {
                    value.store(to);
                }
            }
        }
    }

    /// Transforms a strip along rows and writes it: a matrix for each value, of the tiles that its point takes,
    /// `[rows / 6][depth / 4][6][4]`.
    #[inline(never)]
    fn transform_rows(&self, block: &Range<usize>, number: usize, channel: usize, strip: &[f32], inputs: &mut [f32]) {
        let factors = hoisted(INPUT_FACTORS);
        let quads = QUADS.min((self.depth - channel) / 4);
        for (i, strip) in strip.chunks_exact(STRIP_LEN / SPAN).enumerate() {
            let places = [false, true].map(|across| {
                let taken = self.order.taken(block, [i >= FINITE, across]);
                taken.contains(&number).then(|| {
                    let [panel, count, row] = panel_of(taken.len(), number - taken.start);
                    let value = i * SPAN + if across { FINITE } else { 0 };
                    (value * self.value_len + panel * self.depth + channel * count + row * 4, count * 4)
                })
            });
            let [Some((finite, step)), infinite] = places else { break };
            for quad in 0..quads {
                let pixels = Strided::<SPAN>::new(&strip[quad * 4..], QUADS * 4, 4).rows();
                let points = of_input(&factors, pixels.map(load_part));
                let to = strided_mut::<FINITE, 1>(&mut inputs[finite + quad * step..], self.value_len);
                for ([to], value) in to.into_iter().zip(points) {
                    value.store(to);
                }
                if let Some((first, step)) = infinite {
                    let to = strided_mut::<{ SPAN - FINITE }, 1>(&mut inputs[first + quad * step..], self.value_len);
                    for ([to], value) in to.into_iter().zip(&points[FINITE..]) {
                        value.store(to);
                    }
                }
            }
        }
    }

    /// The products of a block of tiles and of some columns: `[tile][panel][point][8]`.
    #[inline(never)]
    fn multiply(
        &self,
        block: &Range<usize>,
        columns: Range<usize>,
        inputs: &[f32],
        packed: &[f32],
        products: &mut [f32],
    ) {
        let (depth, panels, matrix_len) = (self.depth, columns.len().div_ceil(NR), self.matrices.matrix_len());
        for point in 0..POINTS * POINTS {
            let at = [point / POINTS, point % POINTS];
            let taken = self.order.taken(block, at.map(|at| at == POINTS - 1));
            if taken.is_empty() {
                continue;
            }
            let [values_h, values_w] = at.map(values_at);
            for (panel, column) in columns.clone().step_by(NR).enumerate() {
                let lanes = if columns.end - column > 4 { NR } else { 4 };
                let to = Columns::plain(0, lanes);
                for rows in split(0..taken.len(), taken.len().div_ceil(MR)) {
                    let mut terms = [[&[][..]; 2]; 4];
                    let count = values_h.len() * values_w.len();
                    for (i, term) in terms[..count].iter_mut().enumerate() {
                        let (h, w) = (values_h.start + i / values_w.len(), values_w.start + i % values_w.len());
                        let a = &inputs[(h * SPAN + w) * self.value_len + rows.start * depth..];
                        let b = &packed[(WEIGHT_OF[h] * WEIGHTS + WEIGHT_OF[w]) * matrix_len + column * depth..];
                        *term = [&a[..rows.len() * depth], &b[..lanes * depth]];
                    }
                    let first = taken.start - block.start + rows.start;
                    let places = from_fn(|r| (((first + r) * panels + panel) * POINTS * POINTS + point) * NR);
                    tile_of(rows.len(), depth, &terms[..count], &to, products, &places);
                }
            }
        }
    }

    /// Writes the outputs of a tile, `columns` of their channels.
    #[inline(never)]
    fn transform_products(
        &self,
        number: usize,
        columns: Range<usize>,
        products: &[f32],
        epilogue: &Epilogue<'_>,
        output: &mut [f32],
    ) {
        let image = self.shape.output;
        let steps @ [row_step, pixel_step] = [image.w * image.c, image.c];
        let tile = self.order.tile(number);
        let (height, width) = (tile.sizes[0].min(image.h - tile.y), tile.sizes[1].min(image.w - tile.x));
        let first = ((tile.image * image.h + tile.y) * image.w + tile.x) * image.c;
        let (clamp, _) = epilogue.clamp();
        let [min, max] = clamp.map(F32x4::splat);
        let mut rows = [[[0.0; 4]; POINTS]; TILE];
        for channel in columns.clone().step_by(4) {
            let at = (channel - columns.start) / NR * POINTS * POINTS * NR + (channel - columns.start) % NR;
            // Along columns, then along rows.
            for w in 0..POINTS {
                let points = Strided::<POINTS>::new(&products[at + w * NR..], POINTS * NR, 4).rows();
                for (row, sum) in rows.iter_mut().zip(of_products(points.map(load_part))) {
                    sum.store(&mut row[w]);
                }
            }
            let bias = epilogue.bias.map_or(F32x4::zero(), |bias| load_part(&bias[channel..columns.end]));
            let channels = 4.min(columns.end - channel);
            for (h, row) in rows.iter().take(height).enumerate() {
                let sums = of_products(row.each_ref().map(F32x4::load)).map(|sum| sum + bias);
                let at = first + h * row_step + channel;
                if width < TILE || channels < 4 || epilogue.residual.is_some() {
                    let sums = sums.map(F32x4::to_array);
                    store_part_of_tile(&[sums], [1, width, channels], at, steps, epilogue, output);
                    continue;
                }
                for ([to], sum) in strided_mut::<TILE, 1>(&mut output[at..], pixel_step).into_iter().zip(sums) {
                    sum.pmax(min).pmin(max).store(to);
                }
            }
        }
    }
}
