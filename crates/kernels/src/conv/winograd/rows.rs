//! F(4, 3) along rows alone, for a window three taps wide: four outputs from six products of each row of taps instead of twelve;
//! the rows of taps are summed as they are. Half of the multiplications, where F(4x4, 3x3) saves three quarters, but a filter twice
//! as large instead of four times: on few pixels, reading the filter is what takes the time.
//!
//! At each of the six points lies an image as high as the input and a pixel a tile wide, of which every output row sees as many rows as
//! the window has: a matrix product whose left-hand rows are read where they lie. Only outputs that are the last of a whole tile need the
//! point at infinity.

use super::super::packed::{PackedFilter, PackingKey};
use super::pack::{FilterWindows, NO_TAPS, SIDE, blocks, transform};
use super::transform::{SPAN, TILE, of_input, of_products};
use super::{MAX_INPUTS, MAX_PRODUCTS, store_part_of_tile};
use crate::activation::{Activation, load_part};
use crate::epilogue::Epilogue;
use crate::gemm::{NR, PackedShape, Pixels, Places, RightHand, multiply};
use crate::memory::Workspace;
use crate::shape::{Conv2dShape, SpecError};
use crate::simd::F32x4;
use core::array::from_fn;

/// Fewest channels on either side, fewest pixels of a point's image, and how many times as many products a direct convolution needs, at
/// least. Times as fast as that (Node 24, relaxed, Zen 4, a loaded machine): 512 -> 512 on 8x8 2.0, on 7x7 1.7 to 1.9, on 6x6 0.9 to 1.7, on
/// 5x5 1.0, on 4x4 0.9; 320 -> 320 on 7x7 1.2; 1x3 taps, 384 -> 384 on 8x8 1.3 to 1.6, 64 -> 64 on 28x28 1.4, 24 -> 24 on 56x56 0.9.
const MIN_C: usize = 32;
const MIN_PIXELS: usize = 12;
const SAVED: [usize; 2] = [7, 4];
/// Most rows of taps.
const MAX_TAPS: usize = 3;

/// False for other windows, where channels are no whole vectors, and where a row of outputs takes too much memory.
pub(in super::super) fn can_do(shape: &Conv2dShape) -> bool {
    let Conv2dShape { h, w, .. } = shape;
    let is_row_of_three = (w.kernel, w.stride, w.dilation) == (3, 1, 1);
    let is_column = h.kernel <= MAX_TAPS && (h.stride, h.dilation) == (1, 1);
    is_row_of_three
        && is_column
        && shape.groups == 1
        && shape.input.c.is_multiple_of(4)
        && Rows::new(shape).most_rows() > 0
        && matrices(shape).checked_len().is_ok()
}

/// True where it is faster than a direct convolution; [`super::pays`] goes first.
pub(in super::super) fn pays(shape: &Conv2dShape) -> bool {
    let Rows { tiles, whole, .. } = Rows::new(shape);
    let products = (SPAN - 1) * tiles + whole;
    can_do(shape)
        && shape.input.c.min(shape.output.c) >= MIN_C
        && shape.h.output * tiles >= MIN_PIXELS
        && 3 * shape.w.output * SAVED[1] >= products * SAVED[0]
}

/// Sizes of the transformed filter: a matrix a point.
fn matrices(shape: &Conv2dShape) -> PackedShape {
    PackedShape { groups: SPAN, k: shape.h.kernel * shape.input.c, n: shape.output.c }
}

/// Transforms a filter and packs it: a panel of columns after the other, of each a matrix a point, `[rows of taps][channels][8]`.
pub(in super::super) fn pack(
    key: PackingKey,
    shape: &Conv2dShape,
    windows: &FilterWindows<'_>,
) -> Result<PackedFilter, SpecError> {
    let matrices = matrices(shape);
    let depth = shape.input.c;
    PackedFilter::new(key, matrices.checked_len()?, |packed| {
        let mut taps = NO_TAPS;
        for rows in blocks(depth) {
            for (panel, column) in packed.chunks_mut(SPAN * matrices.k * NR).zip((0..matrices.n).step_by(NR)) {
                let lanes = panel.len() / (SPAN * matrices.k);
                let count = rows.len() * lanes / 4;
                windows.gather(rows.clone(), column..matrices.n.min(column + NR), &mut taps);
                for (tap, taps) in taps.chunks_exact(SIDE).enumerate().take(shape.h.kernel) {
                    let at = (tap * depth + rows.start) * lanes;
                    let mut points = panel.chunks_exact_mut(matrices.k * lanes);
                    let to = from_fn(|_| &mut points.next().unwrap_or_default()[at..][..4 * count]);
                    transform(from_fn(|w| &taps[w][..count]), to.map(|to| to.as_chunks_mut().0));
                }
            }
        }
    })
}

/// A convolution by tiles of four outputs of a row.
struct Rows<'a> {
    shape: &'a Conv2dShape,
    /// Tiles of a row, and those of four outputs.
    tiles: usize,
    whole: usize,
}

/// `input` NHWC, `packed` as [`pack`] gives it.
pub(in super::super) fn run(
    shape: &Conv2dShape,
    input: &[f32],
    packed: &[f32],
    epilogue: Epilogue<'_>,
    workspace: &mut Workspace,
    output: &mut [f32],
) -> Result<(), SpecError> {
    let rows = Rows::new(shape);
    let blocks = shape.h.output.div_ceil(rows.most_rows());
    let size = shape.h.output.div_ceil(blocks);
    let inputs_len = SPAN * rows.tiles * shape.input.c * (size + shape.h.kernel - 1);
    let scratch = workspace.get(inputs_len + SPAN * size * rows.tiles * NR)?;
    let (inputs, products) = scratch.split_at_mut(inputs_len);
    let k = shape.h.kernel * shape.input.c;
    for image in 0..shape.input.n {
        for first in (0..shape.h.output).step_by(size) {
            let block = Block { image, first, count: size.min(shape.h.output - first) };
            rows.transform_inputs(&block, input, inputs);
            for (panel, column) in packed.chunks(SPAN * k * NR).zip((0..shape.output.c).step_by(NR)) {
                rows.multiply(&block, inputs, panel, products);
                rows.transform_products(&block, column, products, &epilogue, output);
            }
        }
    }
    if let (_, Some(activation)) = epilogue.clamp() {
        activation.apply_in_place(output);
    }
    Ok(())
}

/// Some rows of an image's outputs.
struct Block {
    image: usize,
    first: usize,
    count: usize,
}

impl<'a> Rows<'a> {
    fn new(shape: &'a Conv2dShape) -> Self {
        let width = shape.w.output;
        Self { shape, tiles: width.div_ceil(TILE), whole: width / TILE }
    }

    /// As many rows of outputs as fit the workspace.
    fn most_rows(&self) -> usize {
        let inputs = MAX_INPUTS / SPAN / self.tiles / self.shape.input.c;
        (inputs + 1).saturating_sub(self.shape.h.kernel).min(MAX_PRODUCTS / SPAN / NR / self.tiles)
    }

    /// Tiles of a row at a point.
    fn tiles_at(&self, point: usize) -> usize {
        if point == SPAN - 1 { self.whole } else { self.tiles }
    }

    /// Writes a matrix for each point, `[row][tile][channel]`: the rows that a block sees, zeros where there is no input.
    fn transform_inputs(&self, block: &Block, input: &[f32], inputs: &mut [f32]) {
        let Conv2dShape { input: image, h, w, .. } = self.shape;
        let quads = image.c / 4;
        let (input, inputs) = (input.as_chunks::<4>().0, inputs.as_chunks_mut::<4>().0);
        let count = block.count + h.kernel - 1;
        for row in 0..count {
            let y = h.start(block.first) + row as isize;
            for tile in 0..self.tiles {
                let pixels = from_fn(|i| {
                    let x = w.start(tile * TILE) + i as isize;
                    if !(0..image.h as isize).contains(&y) || !(0..image.w as isize).contains(&x) {
                        return &[][..];
                    }
                    &input[((block.image * image.h + y as usize) * image.w + x as usize) * quads..][..quads]
                });
                let places = from_fn(|point| {
                    let tiles = self.tiles_at(point);
                    (tile < tiles).then_some((point * count * self.tiles + row * tiles + tile) * quads)
                });
                transform_pixels(pixels, quads, places, inputs);
            }
        }
    }

    /// The products of a block and a panel of columns: `[point][row][tile][lanes]`.
    fn multiply(&self, block: &Block, inputs: &[f32], panel: &[f32], products: &mut [f32]) {
        let (taps, depth) = (self.shape.h.kernel, self.shape.input.c);
        let k = taps * depth;
        let lanes = panel.len() / (SPAN * k);
        let epilogue = Epilogue { bias: None, residual: None, activation: Activation::Identity };
        for (point, panels) in panel.chunks_exact(k * lanes).enumerate() {
            let tiles = self.tiles_at(point);
            if tiles == 0 {
                continue;
            }
            let mut rows = [&inputs[point * (block.count + taps - 1) * self.tiles * depth..]; MAX_TAPS];
            for (tap, row) in rows.iter_mut().enumerate().take(taps) {
                *row = &row[tap * tiles * depth..];
            }
            let pixels = Pixels { rows: &rows[..taps], first: 0, runs: 1, run: depth, run_step: 0, step: depth };
            let right = RightHand { k, n: lanes, panels, epilogue };
            let first = point * block.count * self.tiles * lanes;
            multiply(&pixels, &right, 0, products, &Places { count: block.count * tiles, first, step: lanes });
        }
    }

    /// Writes a block's outputs, the columns from `column` on.
    fn transform_products(
        &self,
        block: &Block,
        column: usize,
        products: &[f32],
        epilogue: &Epilogue<'_>,
        output: &mut [f32],
    ) {
        let image = self.shape.output;
        let channels = image.c - column;
        let vectors = if channels > 4 { 2 } else { 1 };
        let products = products.as_chunks::<4>().0;
        for row in 0..block.count {
            for tile in 0..self.tiles {
                let load = |point: usize, v: usize| {
                    if tile >= self.tiles_at(point) {
                        return F32x4::zero();
                    }
                    let first = point * block.count * self.tiles + row * self.tiles_at(point) + tile;
                    F32x4::load(&products[first * vectors + v])
                };
                let pixel = ((block.image * image.h + block.first + row) * image.w + tile * TILE) * image.c;
                for v in 0..vectors {
                    let channel = column + 4 * v;
                    let bias = epilogue.bias.map_or(F32x4::zero(), |bias| load_part(&bias[channel..]));
                    let outputs = of_products(from_fn(|point| load(point, v))).map(|sum| (sum + bias).to_array());
                    let sizes = [1, TILE.min(image.w - tile * TILE), 4.min(image.c - channel)];
                    store_part_of_tile(&[outputs], sizes, pixel + channel, [0, image.c], epilogue, output);
                }
            }
        }
    }
}

/// Transforms all channels of six pixels, zeros where there is none, and writes the points that have a place.
#[inline(never)]
fn transform_pixels(pixels: [&[[f32; 4]]; SPAN], quads: usize, places: [Option<usize>; SPAN], inputs: &mut [[f32; 4]]) {
    for quad in 0..quads {
        let values = of_input(pixels.map(|pixel| pixel.get(quad).map_or(F32x4::zero(), F32x4::load)));
        for (value, place) in values.into_iter().zip(places) {
            if let Some(place) = place {
                value.store(&mut inputs[place + quad]);
            }
        }
    }
}
