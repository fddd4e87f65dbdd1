//! How far Winograd's F(4x4, 3x3), and F(4, 3) along rows, may stray, from its definition: a tile's inputs mix, so that the error of an output depends on
//! inputs that it does not see.

use super::UNIT_ROUNDOFF;
use super::conv::filter_index;
use core::f64::consts::{FRAC_1_SQRT_2, SQRT_2};
use lenslet_kernels::shape::{Conv2dShape, Layout};

/// The points 0, ±√½, ±√2 and infinity: six inputs to points, three taps to points, points to four outputs.
const INPUT: [[f64; 6]; 6] = {
    const H: f64 = FRAC_1_SQRT_2;
    const D: f64 = SQRT_2;
    [
        [1.0, 0.0, -2.5, 0.0, 1.0, 0.0],
        [0.0, -2.0 * H, -2.0, H, 1.0, 0.0],
        [0.0, 2.0 * H, -2.0, -H, 1.0, 0.0],
        [0.0, -0.5 * D, -0.5, D, 1.0, 0.0],
        [0.0, 0.5 * D, -0.5, -D, 1.0, 0.0],
        [0.0, 1.0, 0.0, -2.5, 0.0, 1.0],
    ]
};
const FILTER: [[f64; 3]; 6] = [
    [1.0, 0.0, 0.0],
    [-2.0 / 3.0, -2.0 / 3.0 * FRAC_1_SQRT_2, -1.0 / 3.0],
    [-2.0 / 3.0, 2.0 / 3.0 * FRAC_1_SQRT_2, -1.0 / 3.0],
    [1.0 / 6.0, SQRT_2 / 6.0, 1.0 / 3.0],
    [1.0 / 6.0, -SQRT_2 / 6.0, 1.0 / 3.0],
    [0.0, 0.0, 1.0],
];
const OUTPUT: [[f64; 6]; 4] = [
    [1.0, 1.0, 1.0, 1.0, 1.0, 0.0],
    [0.0, FRAC_1_SQRT_2, -FRAC_1_SQRT_2, SQRT_2, -SQRT_2, 0.0],
    [0.0, 0.5, 0.5, 2.0, 2.0, 0.0],
    [0.0, 0.5 * FRAC_1_SQRT_2, -0.5 * FRAC_1_SQRT_2, 2.0 * SQRT_2, -2.0 * SQRT_2, 1.0],
];

/// Roundings on the way from an input to an output, besides one for each channel that is summed over, none of them fused: a product and an
/// addition less than seven along either axis of the inputs' transform and six along either of the outputs', factors rounded
/// once; the filter's point; bias, residual.
const ROUNDINGS: f64 = 30.0;

/// `|m| |x|`.
fn along<const N: usize, const M: usize>(matrix: &[[f64; N]; M], x: [f64; N]) -> [f64; M] {
    matrix.each_ref().map(|row| row.iter().zip(x).map(|(m, x)| (m * x).abs()).sum())
}

/// `|m| |x| |m|^T`, row by row.
fn on_both_axes<const N: usize, const M: usize>(matrix: &[[f64; N]; M], x: [[f64; N]; N]) -> [[f64; M]; M] {
    let rows: [[f64; M]; N] = x.map(|values| along(matrix, values));
    let columns: [[f64; M]; M] = core::array::from_fn(|j| along(matrix, rows.map(|row| row[j])));
    core::array::from_fn(|i| core::array::from_fn(|j| columns[j][i]))
}

/// The tolerance of each output of a 3x3 convolution, NHWC: `n u |A|^T ((|G| |g| |G|^T) (|B|^T |d| |B|)) |A|`, summed over channels,
/// `n` the number of roundings (Higham, Accuracy and Stability, 3.1).
pub fn tolerances(shape: &Conv2dShape, layout: Layout, input: &[f32], filter: &[f32]) -> Vec<f64> {
    let (from, to) = (shape.input, shape.output);
    let unit = (from.c as f64 + ROUNDINGS) * UNIT_ROUNDOFF;
    let weights: Vec<[[f64; 6]; 6]> = (0..from.c * to.c)
        .map(|i| {
            let tap = |h: usize, w: usize| filter[filter_index(shape, layout, [h, w], i / to.c, i % to.c)];
            on_both_axes(&FILTER, core::array::from_fn(|h| core::array::from_fn(|w| f64::from(tap(h, w)))))
        })
        .collect();
    let mut tolerances = vec![0.0; to.len()];
    let (step_h, step_w) = (shape.h.dilation, shape.w.dilation);
    // Tiles of outputs a dilation apart.
    let tiles = |size: usize, step: usize| {
        // Four outputs each, then three, of which the last may lie beyond the end of a phase.
        let outputs = size.div_ceil(step.min(size));
        let count = outputs.div_ceil(4);
        let whole = outputs.saturating_sub(3 * count);
        let first = move |tile: usize| 3 * tile + tile.min(whole);
        (0..step)
            .flat_map(move |phase| (0..count).map(move |tile| phase + first(tile) * step))
            .filter(move |&y| y < size)
    };
    let tiles = |n: usize| tiles(to.h, step_h).flat_map(move |y| tiles(to.w, step_w).map(move |x| (n, y, x)));
    for (n, y, x) in (0..to.n).flat_map(tiles) {
        let points: Vec<[[f64; 6]; 6]> = (0..from.c)
            .map(|c| {
                let pixel = |i: usize, j: usize| {
                    let row = (y + i * step_h).checked_sub(shape.h.pad_before).filter(|&row| row < from.h)?;
                    let column = (x + j * step_w).checked_sub(shape.w.pad_before).filter(|&column| column < from.w)?;
                    Some(f64::from(input[((n * from.h + row) * from.w + column) * from.c + c]))
                };
                on_both_axes(&INPUT, core::array::from_fn(|i| core::array::from_fn(|j| pixel(i, j).unwrap_or(0.0))))
            })
            .collect();
        for o in 0..to.c {
            let products = core::array::from_fn(|i| {
                core::array::from_fn(|j| (0..from.c).map(|c| points[c][i][j] * weights[c * to.c + o][i][j]).sum())
            });
            for (y, row) in (y..to.h).step_by(step_h).zip(on_both_axes(&OUTPUT, products)) {
                for (x, magnitude) in (x..to.w).step_by(step_w).zip(row) {
                    tolerances[((n * to.h + y) * to.w + x) * to.c + o] = unit * magnitude;
                }
            }
        }
    }
    tolerances
}

/// The same of tiles along rows: `n u |A|^T ((|G| |g|) (|B|^T |d|))`, summed over rows of taps and channels, with half of the roundings of
/// transforms.
pub fn tolerances_of_rows(shape: &Conv2dShape, layout: Layout, input: &[f32], filter: &[f32]) -> Vec<f64> {
    let (from, to, taps) = (shape.input, shape.output, shape.h.kernel);
    let unit = ((taps * from.c) as f64 + ROUNDINGS / 2.0 + 2.0) * UNIT_ROUNDOFF;
    let mut tolerances = vec![0.0; to.len()];
    for (i, tolerances) in tolerances.chunks_exact_mut(to.w * to.c).enumerate() {
        let (n, y) = (i / to.h, i % to.h);
        for x in (0..to.w).step_by(4) {
            for o in 0..to.c {
                let mut products = [0.0; 6];
                for (tap, c) in (0..taps).flat_map(|tap| (0..from.c).map(move |c| (tap, c))) {
                    let Some(row) = (y + tap).checked_sub(shape.h.pad_before).filter(|&row| row < from.h) else {
                        continue;
                    };
                    let pixel = |i: usize| {
                        let column = (x + i).checked_sub(shape.w.pad_before).filter(|&column| column < from.w)?;
                        Some(f64::from(input[((n * from.h + row) * from.w + column) * from.c + c]))
                    };
                    let weight = |w: usize| f64::from(filter[filter_index(shape, layout, [tap, w], c, o)]);
                    let points = along(&INPUT, core::array::from_fn(|i| pixel(i).unwrap_or(0.0)));
                    let weights = along(&FILTER, core::array::from_fn(weight));
                    for (product, (point, weight)) in products.iter_mut().zip(points.into_iter().zip(weights)) {
                        *product += point * weight;
                    }
                }
                for (i, magnitude) in along(&OUTPUT, products).into_iter().enumerate().take(to.w - x) {
                    tolerances[(x + i) * to.c + o] = unit * magnitude;
                }
            }
        }
    }
    tolerances
}
