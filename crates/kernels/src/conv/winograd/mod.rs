//! Winograd's F(4x4, 3x3): 16 outputs of a 3x3 window from 36 products instead of 144 (Lavin and Gray, "Fast algorithms for
//! convolutional neural networks", 2015).
//!
//! The image is cut into tiles of 4x4 outputs, or three along an axis ([`order`]), each of which sees 6x6 inputs. A block of tiles at a time, inputs are transformed to
//! 36 points, at each of which channels are summed by a matrix product, and the sums are transformed to outputs. Blocks are as
//! large as lets both sides of the products stay in the second-level cache.
//!
//! A dilated window sees pixels a dilation apart, those that outputs a dilation apart see, too: each such *phase* of an image is
//! cut into tiles of its own. 64 -> 64 on 80x80, five apart: 3.7 ms, direct 8.6 (Node 24, relaxed, Zen 4).
//!
//! Windows two pixels apart have tiles of their own, see [`strided`].
//!
//! Inputs of a tile mix: a NaN or an infinity in one may spread to all of the tile's 16 outputs.

mod order;
mod pack;
pub(super) mod rows;
mod strided;
mod tile;
pub(crate) mod transform;

pub(crate) use pack::FilterWindows;
pub(super) use pack::pack;

use crate::activation::load_part;
use crate::epilogue::Epilogue;
use crate::gemm::{Columns, MR, NR, PackedShape, tile_of};
use crate::memory::Workspace;
use crate::shape::{Axis, Conv2dShape, SpecError};
use crate::simd::{F32x4, Strided, strided_mut};
use core::array::from_fn;
use core::ops::Range;
use order::{Order, RowsOfPanels, Tile, Tiles, split};
use tile::{store_part_of_tile, transform_row, transform_tile};
use transform::{POINTS, SPAN, TILE, of_input};

/// Most floats of transformed inputs: 1.25 MiB.
const MAX_INPUTS: usize = 320 << 10;
/// Most floats of products: 512 KiB.
const MAX_PRODUCTS: usize = 128 << 10;
/// Most tiles of a block. 24 to 96 were equally fast (Node 24, Zen 4, 64 to 256 channels).
const MAX_TILES: usize = 48;
/// Fewest input channels, and fewest pairs of channels, output channels rounded up to whole vectors. Times as fast as the direct kernel
/// (Node 24, relaxed, Zen 4, 56x56): 64 -> 64 2.7; 16 -> 16 1.8; 16 -> 8 1.4; 12 -> 8 1.3; 8 -> 16 1.25; 8 -> 12 1.2; 8 -> 8 0.97; 64 -> 3 1.7;
/// 24 -> 4 1.5; on 14x14, 8 -> 12 1.02; 3 -> 16 on 112x112 0.65.
const MIN_IN_C: usize = 8;
const MIN_CHANNEL_PAIRS: usize = 96;
/// Fewest tiles, and fewest outputs a tile. Times as fast as the direct kernel: 256 -> 256 on 14x14 2.4; 6x6 (nine outputs a tile) 64 -> 64 1.8;
/// 5x5 (6.25) 64 -> 64 1.25, four images of it 128 -> 128 1.7; 4x4, a single tile, 1.0 to 1.4, four images of it 3.3; eight images of 3x3
/// 1.9, 16 of 2x2 0.6.
///
/// F(2x2, 3x3) would not fill the gaps: its 16 products for four outputs are more than these, 144 for 5x5 and 6x6 outputs where tiles of
/// three take 100, and 784 for 14x14 where there are 484. Only its filters are smaller, 16 points instead of 36; tiles of [`rows`] take
/// twice the filter, 231 products on 7x7 instead of its 256, and two thirds of the transforms.
const MIN_TILES: usize = 4;
const MIN_OUTPUTS: usize = 6;
/// Most floats of a transformed filter that few tiles share, of one among many and of one alone: 4 and 64 MiB. 512 -> 512 and 320 -> 320 on
/// 7x7 and 8x8, four tiles, take 0.44 to 0.6 of the time of tiles along rows ([`rows`]), which read half as much (Node 24, relaxed,
/// Zen 3); but three such filters of a ResNet-18 take 113 MB instead of 57, for 0.96 of its time.
const MAX_FILTER_OF_FEW: usize = 1 << 20;
const MAX_FILTER_ALONE: usize = 16 << 20;
const FEW_TILES: usize = 8;
/// Quads of channels that a strip holds.
const QUADS: usize = 8;
/// Pixels of a strip's row: those under a row of [`MR`] tiles.
const STRIP: usize = MR * TILE + SPAN - TILE;

/// Inputs under a few adjacent tiles, transformed along the vertical axis: `[point][pixel][quad]`.
type Strip = [[[[f32; 4]; QUADS]; STRIP]; SPAN];
const STRIP_LEN: usize = SPAN * STRIP * QUADS * 4;

/// Products of a tile and a panel of columns.
type Products = [[f32; NR]; POINTS];

/// False for other windows, and where a single panel of tiles or the filter takes too much memory.
pub(super) fn can_do(shape: &Conv2dShape) -> bool {
    let is_3x3 = |axis: &Axis| axis.kernel == 3 && axis.stride == 1;
    let depth = shape.input.c.next_multiple_of(4);
    let fits = depth <= MAX_INPUTS / (POINTS * MR) && shape.groups == 1;
    (is_3x3(&shape.h) && is_3x3(&shape.w) && fits || strided::can_do(shape)) && matrices(shape).checked_len().is_ok()
}

/// True where it is the fastest strategy: there are enough channels to repay the transforms, and enough tiles, well filled, to
/// repay reading a filter four times as large.
pub(super) fn pays(shape: &Conv2dShape) -> bool {
    pays_within(MAX_FILTER_OF_FEW, shape)
}

/// [`pays`], where few tiles may share a large filter.
pub(super) fn pays_alone(shape: &Conv2dShape) -> bool {
    pays_within(MAX_FILTER_ALONE, shape)
}

fn pays_within(max_filter: usize, shape: &Conv2dShape) -> bool {
    let (in_c, out_c) = (shape.input.c, shape.output.c.next_multiple_of(4));
    let (tiles, outputs) = (tiles(shape), shape.output.len() / shape.output.c);
    // Windows wholly in the padding take as long as others.
    let sees_input = [&shape.h, &shape.w].iter().all(|axis| axis.pad_before.max(axis.pad_after) < axis.extent());
    if !can_do(shape) || !sees_input {
        return false;
    }
    if shape.h.stride > 1 {
        return strided::pays(shape, matrices(shape).matrix_len());
    }
    in_c >= MIN_IN_C
        && in_c.saturating_mul(out_c) >= MIN_CHANNEL_PAIRS
        && tiles >= MIN_TILES
        && (tiles > FEW_TILES || matrices(shape).matrix_len() <= max_filter / POINTS)
        && outputs >= tiles.saturating_mul(MIN_OUTPUTS)
}

/// Sizes of the transformed filter: a matrix a point.
pub(super) fn matrices(shape: &Conv2dShape) -> PackedShape {
    PackedShape { groups: POINTS, k: shape.input.c, n: shape.output.c }
}

/// Phases along an axis.
fn phases(axis: &Axis) -> usize {
    axis.dilation.min(axis.output)
}

/// The tiles of all phases of all images, each phase an image as large as the first: the last tiles of another may be empty.
fn order(shape: &Conv2dShape) -> Order {
    let tiles = |axis: &Axis| Tiles::new(axis.output.div_ceil(phases(axis)));
    Order::new(shape.output.n * phases(&shape.h) * phases(&shape.w), [tiles(&shape.h), tiles(&shape.w)])
}

/// Tiles of the whole batch.
pub(super) fn tiles(shape: &Conv2dShape) -> usize {
    order(shape).count()
}

/// A convolution by tiles.
struct Tiling<'a> {
    shape: &'a Conv2dShape,
    /// Input channels, rounded up to whole quads.
    depth: usize,
    order: Order,
}

/// Where a tile lies.
struct Place {
    n: usize,
    /// Its first output.
    y: usize,
    x: usize,
    tile: Tile,
}

/// `input` NHWC, `packed` as [`pack`] gives it.
pub(super) fn run(
    shape: &Conv2dShape,
    input: &[f32],
    packed: &[f32],
    epilogue: Epilogue<'_>,
    workspace: &mut Workspace,
    output: &mut [f32],
) -> Result<(), SpecError> {
    let matrices = matrices(shape);
    if shape.h.stride > 1 {
        return strided::run(shape, matrices, input, packed, epilogue, workspace, output);
    }
    let tiling = Tiling { shape, depth: matrices.k.next_multiple_of(4), order: order(shape) };
    let tiles = tiling.order.count();
    let blocks = tiles.div_ceil((MAX_INPUTS / (POINTS * tiling.depth)).min(MAX_TILES));
    let largest = tiles.div_ceil(blocks);
    let panels = (MAX_PRODUCTS / (POINTS * NR * largest)).min(matrices.n.div_ceil(NR));
    let inputs_len = POINTS * largest * tiling.depth;
    let scratch = workspace.get(STRIP_LEN + inputs_len + POINTS * NR * largest * panels)?;
    let (strip, rest) = scratch.split_at_mut(STRIP_LEN);
    let (inputs, products) = rest.split_at_mut(inputs_len);
    let (quads, _) = strip.as_chunks_mut::<4>();
    let Some(strip) = quads.as_chunks_mut().0.as_chunks_mut().0.first_chunk_mut::<SPAN>() else { return Ok(()) };
    for block in split(0..tiles, blocks) {
        let inputs = &mut inputs[..POINTS * block.len() * tiling.depth];
        tiling.transform_inputs(input, &block, strip, inputs);
        for column in (0..matrices.n).step_by(panels * NR) {
            let columns = column..matrices.n.min(column + panels * NR);
            tiling.multiply(&block, columns.clone(), inputs, packed, products);
            tiling.transform_products(&block, columns, products, &epilogue, output);
        }
    }
    if let (_, Some(activation)) = epilogue.clamp() {
        activation.apply_in_place(output);
    }
    Ok(())
}

impl Tiling<'_> {
    fn place(&self, number: usize) -> Place {
        let Conv2dShape { h, w, .. } = self.shape;
        let tile = self.order.tile(number);
        let (rest, phase_w) = (tile.image / phases(w), tile.image % phases(w));
        let (n, phase_h) = (rest / phases(h), rest % phases(h));
        let [step_h, step_w] = self.steps();
        Place { n, y: phase_h + tile.y * step_h, x: phase_w + tile.x * step_w, tile }
    }

    /// From one row of a tile to the next, and from one column.
    fn steps(&self) -> [usize; 2] {
        [self.shape.h.dilation, self.shape.w.dilation]
    }

    /// Writes a matrix for each point, of the tiles of a block that it takes: `[rows / 6][depth / 4][6][4]`.
    fn transform_inputs(&self, input: &[f32], block: &Range<usize>, strip: &mut Strip, inputs: &mut [f32]) {
        let (depth, matrix_len) = (self.depth, block.len() * self.depth);
        let taken = [[false, false], [false, true], [true, false], [true, true]].map(|at| self.order.taken(block, at));
        let mut rows = taken.each_ref().map(|taken| RowsOfPanels::new(taken.len()));
        let mut number = block.start;
        while number < block.end {
            let place = self.place(number);
            let (adjacent, width) = (place.tile.adjacent.min(block.end - number).min(MR), place.tile.sizes[1]);
            let mut panels = [[None; 4]; MR];
            for (number, panels) in (number..).zip(&mut panels[..adjacent]) {
                for ((panel, taken), rows) in panels.iter_mut().zip(&taken).zip(&mut rows) {
                    *panel = if taken.contains(&number) { rows.next() } else { None };
                }
            }
            for channel in (0..self.shape.input.c).step_by(4 * QUADS) {
                let quads = QUADS.min((depth - channel) / 4);
                self.fill_strip(input, &place, (adjacent - 1) * width + SPAN, channel, strip);
                for (h, (strip, matrices)) in strip.iter().zip(inputs.chunks_exact_mut(SPAN * matrix_len)).enumerate() {
                    let down = if h == SPAN - 1 { 2 } else { 0 };
                    for (i, panels) in panels[..adjacent].iter().enumerate() {
                        let Some(window) = strip[i * width..].first_chunk() else { break };
                        let place = |panel: Option<[usize; 3]>| {
                            panel.map(|[first, count, row]| (first * depth + channel * count + row * 4, count * 4))
                        };
                        let [Some(finite), infinite] = [panels[down], panels[down + 1]].map(place) else { break };
                        transform_row(window, quads, matrices, finite, infinite);
                    }
                }
            }
            number += adjacent;
        }
    }

    /// Transforms `width` columns of six pixels from `place` on, channels `channel..`; zeros where there is no input.
    #[inline(never)]
    fn fill_strip(&self, input: &[f32], place: &Place, width: usize, channel: usize, strip: &mut Strip) {
        let Conv2dShape { input: image, h, w, .. } = self.shape;
        let channels = (image.c - channel).min(4 * QUADS);
        let (first_y, first_x) = (h.start(place.y), w.start(place.x));
        let [step_h, step_w] = self.steps().map(|step| step as isize);
        let zeros = [0.0; 4 * QUADS];
        let rows: [Option<usize>; SPAN] = from_fn(|i| {
            let y = first_y + i as isize * step_h;
            let inside = (0..image.h as isize).contains(&y);
            inside.then(|| (place.n * image.h + y as usize) * image.w)
        });
        for i in 0..width {
            let x = first_x + i as isize * step_w;
            let inside = (0..image.w as isize).contains(&x);
            let pixels: [&[f32]; SPAN] = from_fn(|row| match rows[row] {
                Some(row) if inside => &input[(row + x as usize) * image.c + channel..][..channels],
                _ => &zeros[..channels],
            });
            let whole = channels / 4;
            let quads = pixels.map(|pixel| &pixel.as_chunks::<4>().0[..whole]);
            for quad in 0..whole {
                let points = of_input(quads.map(|pixel| F32x4::load(&pixel[quad])));
                for (point, row) in points.into_iter().zip(&mut *strip) {
                    point.store(&mut row[i][quad]);
                }
            }
            if whole * 4 < channels {
                let points = of_input(pixels.map(|pixel| load_part(&pixel[whole * 4..])));
                for (point, row) in points.into_iter().zip(&mut *strip) {
                    point.store(&mut row[i][whole]);
                }
            }
        }
    }

    /// The products of a block of tiles and of some columns: `[tile][panel]` of [`Products`].
    fn multiply(
        &self,
        block: &Range<usize>,
        columns: Range<usize>,
        inputs: &[f32],
        packed: &[f32],
        products: &mut [f32],
    ) {
        let (depth, panels) = (self.depth, columns.len().div_ceil(NR));
        let matrices =
            inputs.chunks_exact(block.len() * depth).zip(packed.chunks_exact(matrices(self.shape).matrix_len()));
        for (point, (a, b)) in matrices.enumerate() {
            let taken = self.order.taken(block, [point / SPAN, point % SPAN].map(|at| at == SPAN - 1));
            let first = taken.start - block.start;
            if taken.is_empty() {
                continue;
            }
            for (panel, column) in columns.clone().step_by(NR).enumerate() {
                let lanes = if columns.end - column > 4 { NR } else { 4 };
                let b = &b[column * depth..][..lanes * depth];
                let to = Columns::plain(0, lanes);
                for rows in split(0..taken.len(), taken.len().div_ceil(MR)) {
                    let a = &a[rows.start * depth..rows.end * depth];
                    let places = from_fn(|r| (((first + rows.start + r) * panels + panel) * POINTS + point) * NR);
                    tile_of(rows.len(), depth, &[[a, b]], &to, products, &places);
                }
            }
        }
    }

    /// Writes the outputs of a block of tiles, `columns` of their channels.
    fn transform_products(
        &self,
        block: &Range<usize>,
        columns: Range<usize>,
        products: &[f32],
        epilogue: &Epilogue<'_>,
        output: &mut [f32],
    ) {
        let image = self.shape.output;
        let [step_h, step_w] = self.steps();
        let [row_step, pixel_step] = [step_h * image.w * image.c, step_w * image.c];
        let (clamp, _) = epilogue.clamp();
        let [min, max] = clamp.map(F32x4::splat);
        let products: &[Products] = products.as_chunks().0.as_chunks().0;
        let tiles = products.chunks_exact(columns.len().div_ceil(NR));
        for (tile, products) in block.clone().zip(tiles) {
            let place = self.place(tile);
            let left = |size: usize, first: usize, step: usize| size.saturating_sub(first).div_ceil(step);
            let [height, width] = place.tile.sizes;
            let height = height.min(left(image.h, place.y, step_h));
            let width = width.min(left(image.w, place.x, step_w));
            let first = ((place.n * image.h + place.y) * image.w + place.x) * image.c;
            for (column, products) in columns.clone().step_by(NR).zip(products) {
                for channel in (column..columns.end.min(column + NR)).step_by(4) {
                    let bias = epilogue.bias.map_or(F32x4::zero(), |bias| load_part(&bias[channel..columns.end]));
                    let rows = transform_tile(products, (channel - column) / 4, bias);
                    let at = first + channel;
                    let channels = 4.min(columns.end - channel);
                    if height < TILE || width < TILE || channels < 4 {
                        let rows = rows.map(|row| row.map(F32x4::to_array));
                        let sizes = [height, width, channels];
                        store_part_of_tile(&rows, sizes, at, [row_step, pixel_step], epilogue, output);
                        continue;
                    }
                    for (row, sums) in rows.into_iter().enumerate() {
                        let at = at + row * row_step;
                        let sums = match epilogue.residual {
                            Some(residual) => {
                                let residual = Strided::<TILE>::new(&residual[at..], pixel_step, 4).rows();
                                from_fn(|x| sums[x] + load_part(residual[x]))
                            }
                            None => sums,
                        };
                        for ([to], sum) in strided_mut::<TILE, 1>(&mut output[at..], pixel_step).into_iter().zip(sums) {
                            sum.pmax(min).pmin(max).store(to);
                        }
                    }
                }
            }
        }
    }
}
