//! 3x3 windows by tiles of adjacent outputs, whose pixels are read where they lie, all channels in turn.
//!
//! A pixel is a slice of its channels, cut before the loop, so that the loop over them has no checks and reads memory in order;
//! a pixel in the padding is a slice of zeros. A tile of seven outputs takes 27 pixels and nine weights for its 63 multiply-adds.

use super::{first_channel, is_3x3, rows3};
use crate::epilogue::Epilogue;
use crate::shape::{Conv2dShape, taps_inside};
use crate::simd::{F32x4, Strided};
use core::array::from_fn;

/// Outputs of a wide tile: the widths of most networks' rows are multiples of seven.
const WIDE: usize = 7;
/// Outputs of a narrow tile, and fewest of a row.
const NARROW: usize = 4;
/// Most columns of pixels under a tile.
const COLUMNS: usize = 9;

/// False for other windows, and for rows too short for a tile.
pub(super) fn can_do(shape: &Conv2dShape) -> bool {
    let w = &shape.w;
    let stride = w.stride == 1 || w.stride == 2 && w.dilation == 1;
    is_3x3(shape) && stride && w.output / w.dilation >= NARROW
}

/// One image. `zeros` is as long as a pixel of it.
#[inline(never)]
pub(super) fn run(
    shape: &Conv2dShape,
    image: &[f32],
    packed: &[f32],
    epilogue: &Epilogue<'_>,
    zeros: &[f32],
    output: &mut [f32],
) {
    let w = &shape.w;
    let row_len = w.output * shape.output.c;
    let (clamp, is_unfinished) = epilogue.as_stored();
    for (y, output) in output.chunks_exact_mut(row_len).enumerate() {
        let rows = rows3(shape, image, y);
        let row = Row { shape, rows, packed, bias: epilogue.bias, clamp, zeros };
        // Outputs a dilation apart share pixels.
        for phase in 0..w.dilation {
            let count = (w.output - phase).div_ceil(w.dilation);
            let (wide, narrow) = match (count / WIDE, count % WIDE) {
                _ if w.stride == 2 => (0, count.div_ceil(NARROW)),
                (wide, 0) => (wide, 0),
                (wide @ 1.., 1) => (wide - 1, 2),
                (0, 5..) => (0, 2),
                (wide, 1..=NARROW) => (wide, 1),
                (wide, _) => (wide + 1, 0),
            };
            // The last tile ends with the row: some outputs are computed twice.
            for tile in 0..wide + narrow {
                let (first, outputs) =
                    if tile < wide { (tile * WIDE, WIDE) } else { ((tile - wide) * NARROW + wide * WIDE, NARROW) };
                row.tile(phase + first.min(count - outputs) * w.dilation, outputs, output);
            }
        }
        if is_unfinished {
            epilogue.skip(y * row_len).finish(output);
        }
    }
}

/// A row of outputs.
struct Row<'a> {
    shape: &'a Conv2dShape,
    rows: [Option<&'a [f32]>; 3],
    packed: &'a [f32],
    bias: Option<&'a [f32]>,
    clamp: [f32; 2],
    zeros: &'a [f32],
}

impl Row<'_> {
    /// Some outputs, a dilation apart from `x` on.
    fn tile(&self, x: usize, outputs: usize, output: &mut [f32]) {
        let (w, c) = (&self.shape.w, self.shape.input.c);
        let mut planes = 0..c / 4;
        while !planes.is_empty() {
            let first = first_channel(planes.start, c);
            let mut pixels = [[&self.zeros[first..]; COLUMNS]; 3];
            for (pixels, row) in pixels.iter_mut().zip(self.rows) {
                if let Some(row) = row {
                    cut_pixels(row, [c, first], w.start(x), w.dilation, pixels);
                }
            }
            let mut places = output[x * c + first..].chunks_mut(w.dilation * c);
            let places: [&mut [f32]; WIDE] = from_fn(|_| places.next().unwrap_or_default());
            let tile = Tile {
                rows: self.rows.map(|row| row.is_some()),
                pixels,
                weights: self.packed[36 * planes.start..].as_chunks().0.as_chunks().0,
                bias: self.bias.map(|bias| bias[first..].as_chunks().0),
                clamp: self.clamp,
            };
            match (outputs, w.stride) {
                (WIDE, _) => tile.run::<WIDE, 1, 9>(planes.len(), places),
                (_, 1) => tile.run::<NARROW, 1, 6>(planes.len(), places),
                _ => tile.run::<NARROW, 2, 9>(planes.len(), places),
            }
            // What is left of a last plane.
            planes = planes.end..c.div_ceil(4);
        }
    }
}

/// Pixels of `row`, from column `x` on, `step` apart, their channels from `first` of `c` on; those that lie in the padding stay
/// as they are.
#[inline(never)]
fn cut_pixels<'a>(row: &'a [f32], [c, first]: [usize; 2], x: isize, step: usize, pixels: &mut [&'a [f32]]) {
    let inside = taps_inside(x, pixels.len(), step, row.len() / c);
    if inside.len() == COLUMNS {
        let places = Strided::<COLUMNS>::new(&row[x as usize * c + first..], step * c, c - first);
        pixels.copy_from_slice(&places.rows());
        return;
    }
    let start = (x + (inside.start * step) as isize) as usize;
    let places = row.get(start * c + first..).unwrap_or_default().chunks(step * c);
    for (pixel, place) in pixels[inside].iter_mut().zip(places) {
        *pixel = &place[..c - first];
    }
}

struct Tile<'a> {
    /// Which rows are not in the padding.
    rows: [bool; 3],
    pixels: [[&'a [f32]; COLUMNS]; 3],
    weights: &'a [[[f32; 4]; 9]],
    bias: Option<&'a [[f32; 4]]>,
    clamp: [f32; 2],
}

impl Tile<'_> {
    /// `planes` planes of `P` outputs, whose windows are `S` of `C` columns apart.
    ///
    /// Each row of pixels has to be a basic block of its own, which skipping those in the padding makes it: within a block, LLVM moves
    /// a sum's multiply-adds together, and all 27 pixels were live at once and spilled: half as fast.
    #[inline(never)]
    fn run<const P: usize, const S: usize, const C: usize>(&self, planes: usize, outputs: [&mut [f32]; WIDE]) {
        let pixels: [[_; C]; 3] = self.pixels.map(|row| from_fn(|column| &row[column].as_chunks::<4>().0[..planes]));
        let mut outputs = outputs.into_iter();
        let mut outputs: [&mut [[f32; 4]]; P] =
            from_fn(|_| &mut outputs.next().unwrap_or_default().as_chunks_mut().0[..planes]);
        let bias = self.bias.map(|bias| &bias[..planes]);
        let weights = &self.weights[..planes];
        let [min, max] = self.clamp.map(F32x4::splat);
        for plane in 0..planes {
            let mut sums = [bias.map_or(F32x4::zero(), |bias| F32x4::load(&bias[plane])); P];
            for (row, inside) in self.rows.into_iter().enumerate() {
                if !inside {
                    continue;
                }
                let w: [F32x4; 3] = from_fn(|tap| F32x4::load(&weights[plane][3 * row + tap]));
                for (column, pixel) in pixels[row].iter().enumerate() {
                    let x = F32x4::load(&pixel[plane]);
                    for (tap, w) in w.into_iter().enumerate() {
                        if column >= tap && (column - tap).is_multiple_of(S) && (column - tap) / S < P {
                            let sum = &mut sums[(column - tap) / S];
                            *sum = x.mul_add(w, *sum);
                        }
                    }
                }
            }
            for (sum, to) in sums.into_iter().zip(&mut outputs) {
                sum.pmax(min).pmin(max).store(&mut to[plane]);
            }
        }
    }
}
