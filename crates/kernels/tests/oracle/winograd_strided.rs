//! How far Winograd's tiles at a stride of two may stray, from their definition: of nine inputs along an axis the five even ones meet the outer
//! taps by F(4, 2), the four odd ones the middle tap by F(4, 1), at the points ±3/8, ±5/4 and infinity.

use super::UNIT_ROUNDOFF;
use super::conv::filter_index;
use core::array::from_fn;
use lenslet_kernels::shape::{Axis, Conv2dShape, Layout};

const A: f64 = 0.375;
const B: f64 = 1.25;
const A2: f64 = A * A;
const B2: f64 = B * B;
const D: f64 = B2 - A2;

/// Magnitudes along an axis: nine inputs to values, five of the even inputs and four of the odd ones. What is computed in steps is not added up.
const INPUT: [[f64; 9]; 9] = [
    [A * B2, 0.0, B2, 0.0, A, 0.0, 1.0, 0.0, 0.0],
    [A * B2, 0.0, B2, 0.0, A, 0.0, 1.0, 0.0, 0.0],
    [B * A2, 0.0, A2, 0.0, B, 0.0, 1.0, 0.0, 0.0],
    [B * A2, 0.0, A2, 0.0, B, 0.0, 1.0, 0.0, 0.0],
    [A2 * B2, 0.0, 0.0, 0.0, A2 + B2, 0.0, 0.0, 0.0, 1.0],
    [0.0, B2 / D, 0.0, 0.0, 0.0, 1.0 / D, 0.0, 0.0, 0.0],
    ODD,
    ODD,
    [0.0, A * B2, 0.0, B2, 0.0, A, 0.0, 1.0, 0.0],
];
const ODD: [f64; 9] = [0.0, (A2 + A * B) / (2.0 * D), 0.0, 0.5 / B, 0.0, (1.0 + A / B) / (2.0 * D), 0.0, 0.0, 0.0];
/// Three taps to what those values are multiplied by.
const FILTER: [[f64; 3]; 9] = {
    const INNER: [f64; 3] = [0.5 / (A * D), 0.0, 0.5 / D];
    const OUTER: [f64; 3] = [0.5 / (B * D), 0.0, 0.5 / D];
    const MIDDLE: [f64; 3] = [0.0, 1.0, 0.0];
    [INNER, INNER, OUTER, OUTER, [0.0, 0.0, 1.0], MIDDLE, MIDDLE, MIDDLE, MIDDLE]
};
/// Values to four outputs, those of the odd inputs by the same points.
const OUTPUT: [[f64; 9]; 4] = {
    const fn powers(n: i32, last: f64) -> [f64; 9] {
        let (mut a, mut b, mut i) = (1.0, 1.0, 0);
        while i < n {
            a *= A;
            b *= B;
            i += 1;
        }
        [a, a, b, b, last, a, b, b, last]
    }
    [powers(0, 0.0), powers(1, 0.0), powers(2, 0.0), powers(3, 1.0)]
};

/// Roundings on the way from an input to an output, besides one for each channel of four phases: a product, an addition and a factor at each of
/// four steps along either axis of the inputs' transform, of two of the filter's and of three of the outputs'; bias, residual.
const ROUNDINGS: f64 = 2.0 * (12.0 + 5.0 + 8.0) + 2.0;

/// `|m| |x|`.
fn along<const N: usize, const M: usize>(matrix: &[[f64; N]; M], x: [f64; N]) -> [f64; M] {
    matrix.each_ref().map(|row| row.iter().zip(x).map(|(m, x)| m * x.abs()).sum())
}

/// `|m| |x| |m|^T`.
fn on_both_axes<const N: usize, const M: usize>(matrix: &[[f64; N]; M], x: [[f64; N]; N]) -> [[f64; M]; M] {
    let rows: [[f64; M]; N] = x.map(|values| along(matrix, values));
    let columns: [[f64; M]; M] = from_fn(|j| along(matrix, rows.map(|row| row[j])));
    from_fn(|i| from_fn(|j| columns[j][i]))
}

/// The tiles along an axis, as first output and outputs: as few as there can be of four, then of three outputs.
pub fn tiles(axis: &Axis) -> Vec<[usize; 2]> {
    let count = axis.output.div_ceil(4);
    let mut first = 0;
    (0..count)
        .map(|tile| {
            let size = if tile + 3 * count < axis.output { 4 } else { 3 };
            first += size;
            [first - size, size]
        })
        .collect()
}

/// The tolerance of each output, NHWC: `n u |A|^T ((|G| |g| |G|^T) (|B|^T |d| |B|)) |A|`, summed over channels, `n` the number of roundings.
pub fn tolerances(shape: &Conv2dShape, layout: Layout, input: &[f32], filter: &[f32]) -> Vec<f64> {
    let (from, to) = (shape.input, shape.output);
    let unit = (4.0 * from.c as f64 + ROUNDINGS) * UNIT_ROUNDOFF;
    let weights: Vec<[[f64; 9]; 9]> = (0..from.c * to.c)
        .map(|i| {
            let tap = |h: usize, w: usize| filter[filter_index(shape, layout, [h, w], i / to.c, i % to.c)];
            on_both_axes(&FILTER, from_fn(|h| from_fn(|w| f64::from(tap(h, w)))))
        })
        .collect();
    let mut tolerances = vec![0.0; to.len()];
    let (down, across) = (tiles(&shape.h), tiles(&shape.w));
    let mut all = Vec::new();
    for n in 0..to.n {
        all.extend(down.iter().flat_map(|&h| across.iter().map(move |&w| (n, h, w))));
    }
    for (n, [y, height], [x, width]) in all {
        let values: Vec<[[f64; 9]; 9]> = (0..from.c)
            .map(|c| {
                let pixel = |i: usize, j: usize| {
                    // The last output of a tile of four alone sees its last inputs.
                    let seen = i < 2 * height + 1 && j < 2 * width + 1;
                    let row = (2 * y + i).checked_sub(shape.h.pad_before).filter(|&row| seen && row < from.h)?;
                    let column = (2 * x + j).checked_sub(shape.w.pad_before).filter(|&column| column < from.w)?;
                    Some(f64::from(input[((n * from.h + row) * from.w + column) * from.c + c]))
                };
                on_both_axes(&INPUT, from_fn(|i| from_fn(|j| pixel(i, j).unwrap_or(0.0))))
            })
            .collect();
        for o in 0..to.c {
            let products =
                from_fn(|i| from_fn(|j| (0..from.c).map(|c| values[c][i][j] * weights[c * to.c + o][i][j]).sum()));
            let outputs = on_both_axes(&OUTPUT, products);
            for (row, y) in outputs.iter().take(height).zip(y..to.h) {
                for (magnitude, x) in row.iter().take(width).zip(x..to.w) {
                    tolerances[((n * to.h + y) * to.w + x) * to.c + o] = unit * magnitude;
                }
            }
        }
    }
    tolerances
}
