//! One tile: its transforms, and the stores of one that lies partly beyond the image.

use super::transform::{SPAN, TILE, of_input, of_products};
use super::{Products, QUADS};
use crate::activation::{load_part, store_part};
use crate::epilogue::Epilogue;
use crate::simd::{F32x4, strided_mut};
use core::array::from_fn;

/// Writes `height` rows of `width` pixels, `channels` channels each, of a tile's outputs, from `at` on.
#[inline(never)]
pub(super) fn store_part_of_tile(
    tile: &[[[f32; 4]; TILE]],
    [height, width, channels]: [usize; 3],
    at: usize,
    [row_step, pixel_step]: [usize; 2],
    epilogue: &Epilogue<'_>,
    output: &mut [f32],
) {
    let (clamp, _) = epilogue.clamp();
    let [min, max] = clamp.map(F32x4::splat);
    let places = (at..).step_by(row_step.max(1)).zip(&tile[..height]);
    for (at, sum) in places.flat_map(|(at, row)| (at..).step_by(pixel_step.max(1)).zip(&row[..width])) {
        let mut sum = F32x4::load(sum);
        if let Some(residual) = epilogue.residual {
            sum = sum + load_part(&residual[at..][..channels]);
        }
        store_part(sum.pmax(min).pmin(max), &mut output[at..][..channels]);
    }
}

/// Transforms a tile's row of points along the horizontal axis, and writes it to a row of matrices. `finite` says where its first quad
/// of channels lies in the first matrix, and how far apart quads are; `infinite` where in the last one, if the tile has that point.
#[inline(never)]
pub(super) fn transform_row(
    window: &[[[f32; 4]; QUADS]; SPAN],
    quads: usize,
    matrices: &mut [f32],
    (finite, step): (usize, usize),
    infinite: Option<(usize, usize)>,
) {
    assert!(quads <= QUADS);
    let matrix_len = matrices.len() / SPAN;
    for quad in 0..quads {
        let points = of_input(window.each_ref().map(|pixel| F32x4::load(&pixel[quad])));
        let to = strided_mut::<{ SPAN - 1 }, 1>(&mut matrices[finite + quad * step..], matrix_len);
        for ([to], point) in to.into_iter().zip(points) {
            point.store(to);
        }
        if let Some((infinite, step)) = infinite {
            let [[to]] = strided_mut::<1, 1>(&mut matrices[(SPAN - 1) * matrix_len + infinite + quad * step..], 4);
            points[SPAN - 1].store(to);
        }
    }
}

/// The 4x4 outputs of half a panel of columns.
#[inline(always)]
pub(super) fn transform_tile(products: &Products, half: usize, bias: F32x4) -> [[F32x4; TILE]; TILE] {
    let load = |point: usize| F32x4::load(&products[point].as_chunks().0[half]);
    // Along columns, then along rows.
    let columns: [[F32x4; TILE]; SPAN] = from_fn(|w| of_products(from_fn(|h| load(h * SPAN + w))));
    from_fn(|h| of_products(columns.map(|column| column[h])).map(|sum| sum + bias))
}
