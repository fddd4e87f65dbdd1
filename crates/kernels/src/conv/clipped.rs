//! Windows that lie mostly in the padding: each output multiplies just the taps that lie in the input.
//!
//! A matrix product multiplies the zeros of the padding, too: a 1024x1024 kernel over a single padded pixel has a million
//! products that matter among 2^40.

use super::direct::Windows;
use super::reach::Reach;
use crate::activation::{load_part, store_part};
use crate::epilogue::Epilogue;
use crate::gemm::{NR, columns_of, lanes_of};
use crate::shape::taps_inside;
use crate::simd::F32x4;

/// What starting a row of taps costs, in products: 5 and 3 in a 3x3 window of 3 channels and a 5x5 of one, to 8 columns.
const ROW_COST: u64 = 6;
/// How many times as long as in a direct convolution a product takes here, where no weight serves two pixels: 3.7 in a 3x3 of 64
/// channels, 3.9 in one of 16, 3.7 in a 1x9 of 64 (Node 24, Zen 4).
const PRODUCT_COST: u64 = 4;
/// Fewest products of a column for which the windows are looked at.
const WORTH_COUNTING: u64 = 1 << 12;

/// True where a direct convolution would spend its time in the padding at the sides; rows of taps above and below the input it
/// skips, too. Speed beside it: 15x15 of 256 channels over one pixel 1.8, of 4 channels over 2x2 0.97; not chosen: 7x7 of 16
/// channels over 2x2 0.88, 31x31 of one over 4x4 0.55.
pub(super) fn pays(windows: &Windows) -> bool {
    let Windows { h, w, input, groups, .. } = windows;
    let c = (input.c / groups) as u64;
    // Saturating: positions and taps of both axes may multiply to 2^116.
    let product = |factors: &[u64]| factors.iter().fold(1u64, |all, &n| all.saturating_mul(n));
    let (positions, taps) = (w.positions as u64, w.taps as u64);
    let row = product(&[positions, taps, c]);
    if product(&[row, h.positions as u64, h.taps as u64]) < WORTH_COUNTING {
        return false;
    }
    let clipped = (ROW_COST * positions).saturating_add(taps_in_input(w).saturating_mul(c));
    clipped.saturating_mul(PRODUCT_COST) < row
}

/// Taps of all windows that lie in the input. Positions and taps are alike here, and the fewer of them are looked at one by
/// one: a 1x1 convolution has one tap and, all rows being one, as many positions as pixels.
fn taps_in_input(reach: &Reach) -> u64 {
    let Reach { positions, step, first, taps, tap_step, input, .. } = *reach;
    let [few, many] =
        if taps < positions { [(taps, tap_step), (positions, step)] } else { [(positions, step), (taps, tap_step)] };
    (0..few.0).map(|i| taps_inside((i * few.1) as isize + first, many.0, many.1, input).len() as u64).sum()
}

/// `input` NHWC, `packed` panels, a matrix a group.
pub(super) fn run(windows: &Windows, input: &[f32], packed: &[f32], epilogue: Epilogue<'_>, output: &mut [f32]) {
    let Windows { h, w, input: from, output: to, groups } = windows;
    let panels = windows.panels();
    for (n, image) in input.chunks_exact(from.h * from.w * from.c).enumerate() {
        for (y, x) in (0..h.positions).flat_map(|y| (0..w.positions).map(move |x| (y, x))) {
            let first = ((n * to.h + h.output(y)) * to.w + w.output(x)) * to.c;
            let pixel = &mut output[first..][..to.c];
            let start = [h.start(y), w.start(x)];
            for group in 0..*groups {
                let matrix = &packed[group * panels.matrix_len()..][..panels.matrix_len()];
                let epilogue = epilogue.of_columns(group * panels.n..(group + 1) * panels.n);
                let pixel = &mut pixel[group * panels.n..][..panels.n];
                for (panel, first) in matrix.chunks(panels.k * NR).zip((0..panels.n).step_by(NR)) {
                    let columns = columns_of(panels.n, first);
                    // The first four, and the last four.
                    let places = [columns.start, columns.end.saturating_sub(4)];
                    let biases = places.map(|at| epilogue.bias.map_or(&[][..], |bias| &bias[at..]));
                    let sums = sums(windows, image, group, start, panel, biases);
                    for (at, sum) in places.into_iter().zip(sums).take(lanes_of(&columns) / 4) {
                        store_part(sum, &mut pixel[at..]);
                    }
                }
            }
            epilogue.skip(first).finish(pixel);
        }
    }
}

/// Bias and products of one window that starts at `start`, by a panel of columns.
fn sums(
    windows: &Windows,
    image: &[f32],
    group: usize,
    start: [isize; 2],
    panel: &[f32],
    biases: [&[f32]; NR / 4],
) -> [F32x4; NR / 4] {
    let Windows { h, w, input: from, groups, .. } = windows;
    let c = from.c / groups;
    let lanes = panel.len() / windows.panels().k;
    let mut sums = biases.map(load_part);
    let taps_w = w.taps_of(start[1]);
    // Adjacent taps are one run of floats.
    let adjacent = if w.tap_step == 1 && *groups == 1 { taps_w.len().max(1) } else { 1 };
    for tap_h in h.taps_of(start[0]) {
        for tap_w in taps_w.clone().step_by(adjacent) {
            let (Some(y), Some(x)) = (h.input_of(start[0], tap_h), w.input_of(start[1], tap_w)) else { continue };
            let inputs = &image[(y * from.w + x) * from.c + group * c..][..adjacent * c];
            let weights = panel[(tap_h * w.taps + tap_w) * c * lanes..].chunks_exact(lanes);
            for (input, weights) in inputs.iter().zip(weights) {
                let input = F32x4::load_splat(input);
                for (sum, weights) in sums.iter_mut().zip(weights.as_chunks().0) {
                    *sum = input.mul_add(F32x4::load(weights), *sum);
                }
            }
        }
    }
    sums
}
