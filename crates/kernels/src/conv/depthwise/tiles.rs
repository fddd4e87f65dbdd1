//! 3x3 windows by tiles of adjacent outputs, whose pixels are read where they lie, all channels in turn.
//!
//! A tile's pixels are a fixed step apart in a row, so that one check serves them all, and memory is read in order. Its first and
//! its last column may lie in the padding, and are zeros there. A tile of seven outputs takes 27 pixels and nine weights for its 63
//! multiply-adds.

use super::{first_channel, is_3x3, planes, rows3};
use crate::epilogue::Epilogue;
use crate::shape::{Conv2dShape, taps_inside};
use crate::simd::{F32x4, Strided, strided_mut};
use core::array::from_fn;
use core::ops::Range;

/// Outputs of a wide tile: the widths of most networks' rows are multiples of seven.
const WIDE: usize = 7;
/// Outputs of a narrow tile, and fewest of a row.
const NARROW: usize = 4;

/// False for other windows, for rows too short for a tile, and for wider padding.
pub(super) fn can_do(shape: &Conv2dShape) -> bool {
    let w = &shape.w;
    let stride = w.stride == 1 || w.stride == 2 && w.dilation == 1;
    let is_narrow = w.pad_before <= w.dilation && w.pad_after <= w.dilation;
    is_3x3(shape) && stride && is_narrow && w.output / w.dilation >= NARROW
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
        let count = (outputs - 1) * w.stride + 3;
        let start = w.start(x);
        let inside = taps_inside(start, count, w.dilation, w.input);
        let at = |column: usize| (start + (column * w.dilation) as isize) as usize * c;
        let tile = Tile {
            row: self,
            pixels: self.rows.map(|row| {
                row.map(|row| Pixels {
                    first: if inside.start == 0 { &row[at(0)..] } else { self.zeros },
                    inner: &row[at(1)..],
                    last: if inside.end == count { &row[at(count - 1)..] } else { self.zeros },
                })
            }),
        };
        let output = &mut output[x * c..];
        match (outputs, w.stride) {
            (WIDE, _) => tile.cover::<WIDE, 1, 7, 1>(output),
            (_, 1) => tile.cover::<NARROW, 1, 4, 1>(output),
            _ => tile.cover::<NARROW, 2, 7, 2>(output),
        }
    }
}

/// A row of pixels, each of these from one of them on.
#[derive(Clone, Copy)]
struct Pixels<'a> {
    first: &'a [f32],
    /// A dilation apart.
    inner: &'a [f32],
    last: &'a [f32],
}

struct Tile<'a> {
    row: &'a Row<'a>,
    /// None where the row lies in the padding.
    pixels: [Option<Pixels<'a>>; 3],
}

impl Tile<'_> {
    /// All planes of `P` outputs, whose windows are `S` columns apart, over `I` columns between two others; `L` planes at a time where
    /// there are as many: what finds a pixel serves both. At a stride of 1, two planes of narrow tiles took 1.01 to 1.2 times as long
    /// as one of wide ones.
    fn cover<const P: usize, const S: usize, const I: usize, const L: usize>(&self, output: &mut [f32]) {
        let whole = self.row.shape.input.c / 4;
        let together = whole - whole % L;
        self.run::<P, S, I, L>(0..together, output);
        if L > 1 && together < whole {
            self.run::<P, S, I, 1>(together..whole, output);
        }
        // What is left of a last plane.
        let planes = planes(self.row.shape.input.c);
        if whole < planes {
            self.run::<P, S, I, 1>(whole..planes, output);
        }
    }

    /// `L` planes at a time, which `planes` has to be a multiple of.
    ///
    /// Each row of pixels has to be a basic block of its own, which skipping those in the padding makes it: within a block, LLVM moves
    /// a sum's multiply-adds together, and all 27 pixels were live at once and spilled: half as fast.
    #[inline(never)]
    fn run<const P: usize, const S: usize, const I: usize, const L: usize>(
        &self,
        planes: Range<usize>,
        output: &mut [f32],
    ) {
        let row = self.row;
        let c = row.shape.input.c;
        let step = row.shape.w.dilation * c;
        let weights = row.packed[36 * planes.start..].as_chunks().0.as_chunks().0.as_chunks::<L>().0;
        let [min, max] = row.clamp.map(F32x4::splat);
        let mut channel = first_channel(planes.start, c);
        for weights in &weights[..planes.len() / L] {
            let bias: [F32x4; L] = match row.bias {
                Some(bias) => {
                    let bias = &bias[channel..][..4 * L].as_chunks::<4>().0;
                    from_fn(|l| F32x4::load(&bias[l]))
                }
                None => [F32x4::zero(); L],
            };
            let mut sums = bias.map(|bias| [bias; P]);
            if let Some(pixels) = self.pixels[0] {
                sums = add::<P, S, I, L>(sums, pixels, [channel, step], weights, 0);
            }
            if let Some(pixels) = self.pixels[1] {
                sums = add::<P, S, I, L>(sums, pixels, [channel, step], weights, 3);
            }
            if let Some(pixels) = self.pixels[2] {
                sums = add::<P, S, I, L>(sums, pixels, [channel, step], weights, 6);
            }
            for (p, to) in strided_mut::<P, L>(&mut output[channel..], step).into_iter().enumerate() {
                for (sums, to) in sums.iter().zip(to) {
                    sums[p].pmax(min).pmin(max).store(to);
                }
            }
            channel += 4 * L;
        }
    }
}

/// Adds the products of a row of pixels, from `channel` on, by the weights of taps `tap..tap + 3`.
#[inline(always)]
fn add<const P: usize, const S: usize, const I: usize, const L: usize>(
    mut sums: [[F32x4; P]; L],
    pixels: Pixels<'_>,
    [channel, step]: [usize; 2],
    weights: &[[[f32; 4]; 9]; L],
    tap: usize,
) -> [[F32x4; P]; L] {
    let first = &pixels.first[channel..][..4 * L];
    let inner = Strided::<I>::new(&pixels.inner[channel..], step, 4 * L).rows();
    let last = &pixels.last[channel..][..4 * L];
    for (l, (sums, weights)) in sums.iter_mut().zip(weights).enumerate() {
        let w: [F32x4; 3] = from_fn(|j| F32x4::load(&weights[tap + j]));
        for column in 0..I + 2 {
            let pixel = match column {
                0 => first,
                _ if column <= I => inner[column - 1],
                _ => last,
            };
            let x = F32x4::load(&pixel[4 * l..][..4].as_chunks().0[0]);
            for (j, w) in w.into_iter().enumerate() {
                if column >= j && (column - j).is_multiple_of(S) && (column - j) / S < P {
                    let sum = &mut sums[(column - j) / S];
                    *sum = x.mul_add(w, *sum);
                }
            }
        }
    }
    sums
}
