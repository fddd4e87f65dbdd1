//! Winograd's F(4x4, 3x3): 16 outputs of a 3x3 window from 36 products instead of 144 (Lavin and Gray, "Fast algorithms for
//! convolutional neural networks", 2015).
//!
//! The image is cut into tiles of 4x4 outputs, each of which sees 6x6 inputs. A block of tiles at a time, inputs are transformed to
//! 36 points, at each of which channels are summed by a matrix product, and the sums are transformed to outputs. Blocks are as
//! large as lets both sides of the products stay in the second-level cache.
//!
//! A dilated window sees pixels a dilation apart, those that outputs a dilation apart see, too: each such *phase* of an image is
//! cut into tiles of its own. 64 -> 64 on 80x80, five apart: 3.7 ms, direct 8.6 (Node 24, relaxed, Zen 4).
//!
//! Windows two pixels apart have tiles of their own, see [`strided`].
//!
//! Inputs of a tile mix: a NaN or an infinity in one may spread to all of the tile's 16 outputs.

mod pack;
pub(super) mod rows;
mod strided;
pub(crate) mod transform;

pub(crate) use pack::FilterWindows;
pub(super) use pack::pack;

use crate::activation::{load_part, store_part};
use crate::epilogue::Epilogue;
use crate::gemm::{Columns, MR, NR, PackedShape, tile_of};
use crate::memory::Workspace;
use crate::shape::{Axis, Conv2dShape, SpecError};
use crate::simd::{F32x4, Strided, strided_mut};
use core::array::from_fn;
use core::ops::Range;
use transform::{POINTS, SPAN, TILE, of_input, of_products};

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
/// Fewest tiles, and fewest outputs a tile. 256 -> 256: 14x14 2.1; 6x6 (nine outputs a tile) 1.7, with 64 -> 64 1.4, 24 -> 24 1.07; 5x5 (6.25)
/// 0.94, with 64 -> 64 1.04; 4x4, a single tile, 1.0 to 1.4, four images of it 3.3; eight images of 3x3 1.4, 16 of 2x2 0.6.
///
/// F(2x2, 3x3) would not fill the gaps: its 16 products for four outputs are as many as the 36 here for 5x5 and 6x6 outputs and more
/// for all larger, 1.4 to 1.8 times as many for 14x14 and 7x7. Only its filters are smaller, 16 points instead of 36; tiles of [`rows`]
/// take twice the filter, fewer products on 7x7, and two thirds of the transforms.
const MIN_TILES: usize = 4;
const MIN_OUTPUTS: usize = 8;
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

/// Phases along an axis, and tiles along each: as many as the first has, of which the last may be empty in another.
fn phases_and_tiles(axis: &Axis) -> [usize; 2] {
    let phases = axis.dilation.min(axis.output);
    [phases, axis.output.div_ceil(phases).div_ceil(TILE)]
}

/// Tiles of the whole batch.
pub(super) fn tiles(shape: &Conv2dShape) -> usize {
    let [h, w] = [&shape.h, &shape.w].map(|axis| phases_and_tiles(axis).iter().product::<usize>());
    shape.output.n * h * w
}

/// `parts` ranges of nearly equal length that cover `range`.
fn split(range: Range<usize>, parts: usize) -> impl Iterator<Item = Range<usize>> {
    let (size, larger) = (range.len() / parts, range.len() % parts);
    (0..parts).map(move |part| {
        let first = range.start + part * size + part.min(larger);
        first..first + size + usize::from(part < larger)
    })
}

/// A convolution by tiles.
struct Tiling<'a> {
    shape: &'a Conv2dShape,
    /// Input channels, rounded up to whole quads.
    depth: usize,
    /// Phases, and tiles of each: down an image and across it.
    down: [usize; 2],
    across: [usize; 2],
}

/// Where a tile lies.
struct Place {
    n: usize,
    /// Its first output.
    y: usize,
    x: usize,
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
    let tiling = Tiling {
        shape,
        depth: matrices.k.next_multiple_of(4),
        down: phases_and_tiles(&shape.h),
        across: phases_and_tiles(&shape.w),
    };
    let tiles = tiles(shape);
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
        for rows in split(block.clone(), block.len().div_ceil(MR)) {
            tiling.transform_inputs(input, &block, rows, strip, inputs);
        }
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
    fn place(&self, tile: usize) -> Place {
        let ([phases_h, down], [phases_w, across]) = (self.down, self.across);
        let (row, x) = (tile / across, tile % across);
        let (row, phase_w) = (row / phases_w, row % phases_w);
        let (row, y) = (row / down, row % down);
        let (n, phase_h) = (row / phases_h, row % phases_h);
        let [step_h, step_w] = self.steps();
        Place { n, y: phase_h + y * TILE * step_h, x: phase_w + x * TILE * step_w }
    }

    /// From one row of a tile to the next, and from one column.
    fn steps(&self) -> [usize; 2] {
        [self.shape.h.dilation, self.shape.w.dilation]
    }

    /// Writes one panel of A for each point, of the tiles `rows`. `inputs` is a matrix a point, `[rows / 6][depth / 4][6][4]`.
    fn transform_inputs(
        &self,
        input: &[f32],
        block: &Range<usize>,
        rows: Range<usize>,
        strip: &mut Strip,
        inputs: &mut [f32],
    ) {
        let (depth, count) = (self.depth, rows.len());
        for channel in (0..self.shape.input.c).step_by(4 * QUADS) {
            let quads = QUADS.min((depth - channel) / 4);
            let mut tile = rows.start;
            while tile < rows.end {
                let place = self.place(tile);
                let adjacent = (self.across[1] - tile % self.across[1]).min(rows.end - tile);
                self.fill_strip(input, &place, adjacent * TILE + SPAN - TILE, channel, strip);
                for (strip, matrices) in strip.iter().zip(inputs.chunks_exact_mut(SPAN * block.len() * depth)) {
                    let at = (rows.start - block.start) * depth + channel * count;
                    for i in 0..adjacent {
                        let Some(window) = strip[i * TILE..].first_chunk() else { continue };
                        let mut matrices = matrices.chunks_exact_mut(block.len() * depth);
                        let to = from_fn(|_| match matrices.next() {
                            Some(matrix) => matrix[at..][..quads * count * 4].as_chunks_mut().0,
                            None => &mut [],
                        });
                        transform_row(window, quads, count, tile + i - rows.start, to);
                    }
                }
                tile += adjacent;
            }
        }
    }

    /// Transforms `width` columns of six pixels from `place` on, channels `channel..`; zeros where there is no input.
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
            for (panel, column) in columns.clone().step_by(NR).enumerate() {
                let lanes = if columns.end - column > 4 { NR } else { 4 };
                let b = &b[column * depth..][..lanes * depth];
                let to = Columns::plain(0, lanes);
                for rows in split(0..block.len(), block.len().div_ceil(MR)) {
                    let a = &a[rows.start * depth..rows.end * depth];
                    let places = from_fn(|r| (((rows.start + r) * panels + panel) * POINTS + point) * NR);
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
            let left = |size: usize, first: usize, step: usize| size.saturating_sub(first).div_ceil(step).min(TILE);
            let (height, width) = (left(image.h, place.y, step_h), left(image.w, place.x, step_w));
            let first = ((place.n * image.h + place.y) * image.w + place.x) * image.c;
            for (column, products) in columns.clone().step_by(NR).zip(products) {
                for channel in (column..columns.end.min(column + NR)).step_by(4) {
                    let bias = epilogue.bias.map_or(F32x4::zero(), |bias| load_part(&bias[channel..columns.end]));
                    let rows = transform_tile(products, (channel - column) / 4, bias);
                    let at = first + channel;
                    if height < TILE || width < TILE || columns.end - channel < 4 {
                        let rows = rows.map(|row| row.map(F32x4::to_array));
                        let channels = 4.min(columns.end - channel);
                        store_part_of_tile(
                            &rows,
                            [height, width, channels],
                            at,
                            [row_step, pixel_step],
                            epilogue,
                            output,
                        );
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

/// Writes `height` rows of `width` pixels, `channels` channels each, of a tile's outputs, from `at` on.
#[inline(never)]
fn store_part_of_tile(
    tile: &[[[f32; 4]; TILE]],
    [height, width, channels]: [usize; 3],
    at: usize,
    [row_step, pixel_step]: [usize; 2],
    epilogue: &Epilogue<'_>,
    output: &mut [f32],
) {
    let (clamp, _) = epilogue.clamp();
    let [min, max] = clamp.map(F32x4::splat);
    for (row, pixels) in tile.iter().take(height).enumerate() {
        for (pixel, sum) in pixels.iter().take(width).enumerate() {
            let at = at + row * row_step + pixel * pixel_step;
            let residual = epilogue.residual.map_or(F32x4::zero(), |residual| load_part(&residual[at..][..channels]));
            store_part((F32x4::load(sum) + residual).pmax(min).pmin(max), &mut output[at..][..channels]);
        }
    }
}

/// Transforms a tile's row of points along the horizontal axis, and writes it to row `row` of `count` of six panels.
#[inline(never)]
fn transform_row(
    window: &[[[f32; 4]; QUADS]; SPAN],
    quads: usize,
    count: usize,
    row: usize,
    to: [&mut [[f32; 4]]; SPAN],
) {
    assert!(row < count && quads <= QUADS);
    let [a, b, c, d, e, f] = to.map(|matrix| matrix.chunks_exact_mut(count));
    let matrices = a.zip(b).zip(c).zip(d).zip(e).zip(f);
    for (quad, (((((a, b), c), d), e), f)) in (0..quads).zip(matrices) {
        let points = of_input(window.each_ref().map(|pixel| F32x4::load(&pixel[quad])));
        for (point, to) in points.into_iter().zip([a, b, c, d, e, f]) {
            point.store(&mut to[row]);
        }
    }
}

/// The 4x4 outputs of half a panel of columns.
#[inline(always)]
fn transform_tile(products: &Products, half: usize, bias: F32x4) -> [[F32x4; TILE]; TILE] {
    let load = |point: usize| F32x4::load(&products[point].as_chunks().0[half]);
    // Along columns, then along rows.
    let columns: [[F32x4; TILE]; SPAN] = from_fn(|w| of_products(from_fn(|h| load(h * SPAN + w))));
    from_fn(|h| of_products(columns.map(|column| column[h])).map(|sum| sum + bias))
}
