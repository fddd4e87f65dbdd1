//! The input's gradient where a turned convolution or sub-pixel phases would mostly multiply padding or leave lanes empty: every output's
//! gradient by all taps at once, one matrix product, and the windows' sums added up where they lie.
//!
//! Its multiplications are those of the forward pass, whose windows lie in the image; a tap's few channels share vectors with the next tap's.

use crate::activation::Activation;
use crate::conv::{FilterWindows, Strategy};
use crate::epilogue::Epilogue;
use crate::gemm::{NR, Pixels, Places, RightHand, multiply};
use crate::memory::{Buffer, Workspace};
use crate::shape::{Conv2dShape, SpecError};
use crate::simd::F32x4;
use core::array::from_fn;

/// Most floats of the products that are kept: 512 KiB.
const MAX_PRODUCTS: usize = 128 << 10;
/// What adding a vector of products to where it belongs costs, in multiply-adds.
const ADD_COST: usize = 6;

/// Floats of a row of taps.
fn run_len(shape: &Conv2dShape) -> usize {
    shape.w.kernel * shape.input.c
}

/// Floats of a pixel's products: rows of taps without gaps, a whole number of vectors of them all.
fn products_len(shape: &Conv2dShape) -> usize {
    (shape.h.kernel * run_len(shape)).next_multiple_of(4)
}

/// Rows of outputs that are multiplied at a time, and rows whose products are kept, all of those that a row of inputs is under: as many
/// as fit, if any do.
fn band_and_kept(shape: &Conv2dShape) -> Option<[usize; 2]> {
    let Conv2dShape { h, w, .. } = shape;
    let fit = MAX_PRODUCTS / w.output.checked_mul(products_len(shape))?;
    if fit >= h.output {
        return Some([h.output; 2]);
    }
    let before = h.kernel.div_ceil(h.stride) - 1;
    (1..=fit).rev().map(|band| [band, (band + before).next_multiple_of(band)]).find(|&[_, kept]| kept <= fit)
}

/// True where it takes fewer multiply-adds than the strategy that would be taken else. A turned convolution's windows reach into the
/// padding, and its columns and those of sub-pixel phases are counted in whole panels of eight input channels: a panel of four takes
/// hardly less time. Speed beside the turned convolution (Node 24, relaxed, Zen 3 and 4): 5x5 6 -> 16 on 14x14 without padding 1.35; with
/// padding, on 28x28, 5x5 1 -> 6 2.0, 3 -> 32 1.7, 4 -> 16 1.1; 3x3 3 -> 16 1.4; 7x7 3 -> 32 on 32x32 1.5; 5x5 12 -> 32 on 28x28 without
/// padding 1.2; where that is Winograd's, 3x3 1 -> 32 on 28x28 2.1. Beside sub-pixel phases, 224x224, strides of 2: 7x7 3 -> 64 1.75, 3x3
/// 3 -> 32 1.8.
pub(super) fn pays_beside(other: Strategy, shape: &Conv2dShape) -> bool {
    let Conv2dShape { input, output, h, w, .. } = shape;
    let is_slow = match other {
        Strategy::Direct | Strategy::SubPixel => true,
        Strategy::Winograd => input.c == 1,
        _ => false,
    };
    if !is_slow || h.dilation > 1 || w.dilation > 1 || shape.groups > 1 || band_and_kept(shape).is_none() {
        return false;
    }
    let product = |factors: [usize; 4]| factors.iter().fold(1usize, |all, &n| all.saturating_mul(n));
    let [products, added] = [products_len(shape), h.kernel * run_len(shape).next_multiple_of(4)];
    let here = product([w.output, products, output.c, 1]).saturating_add(product([w.output, added, ADD_COST, 1]));
    let elsewhere = product([w.input.div_ceil(w.stride), h.kernel * w.kernel, output.c, input.c.next_multiple_of(8)]);
    here.saturating_mul(5) < elsewhere.saturating_mul(4)
}

/// `windows` are the filter's, from output channels to input channels.
pub(super) fn run(
    shape: &Conv2dShape,
    windows: &FilterWindows<'_>,
    grad_output: &[f32],
    workspace: &mut Workspace,
    grad_input: &mut [f32],
) -> Result<(), SpecError> {
    let Conv2dShape { input, output, h, w, .. } = shape;
    let n = products_len(shape);
    let Some([band, kept]) = band_and_kept(shape) else { return Ok(()) };
    let packed = pack(shape, windows)?;
    let right = RightHand {
        k: output.c,
        n,
        panels: packed.as_slice(),
        epilogue: Epilogue { bias: None, residual: None, activation: Activation::Identity },
    };
    // Up to the end of the last window, and up to that of the image.
    let [before, row] = [w.pad_before, input.w].map(|pixels| pixels * input.c);
    let sums_len = ((w.output - 1) * w.stride * input.c + run_len(shape).next_multiple_of(4)).max(before + row);
    // The last vector of a row of taps may end behind all products.
    let (sums, products) = workspace.get(sums_len + kept * w.output * n + 4)?.split_at_mut(sums_len);
    let images = grad_output.chunks_exact(h.output * w.output * output.c);
    for (gradients, to) in images.zip(grad_input.chunks_exact_mut(input.h * row)) {
        let pixels = Pixels { rows: &[gradients], first: 0, runs: 1, run: output.c, run_step: 0, step: output.c };
        // Rows of outputs that were multiplied.
        let mut done = 0;
        for (y, to) in to.chunks_exact_mut(row).enumerate() {
            let y = y + h.pad_before;
            // The windows over this row.
            let first = (y + 1).saturating_sub(h.kernel).div_ceil(h.stride);
            let rows = first..(y / h.stride + 1).min(h.output);
            while done < rows.end {
                let count = band.min(h.output - done) * w.output;
                let pixels = Pixels { first: done * w.output * output.c, ..pixels };
                multiply(&pixels, &right, 0, products, &Places { count, first: done % kept * w.output * n, step: n });
                done += band;
            }
            sums.fill(0.0);
            for first in rows.clone().step_by(MOST_TAPS) {
                let row = Row { shape, products, kept, y, first };
                match rows.end - first {
                    1 => row.add::<1>(sums),
                    2 => row.add::<2>(sums),
                    3 => row.add::<3>(sums),
                    4 => row.add::<4>(sums),
                    _ => row.add::<MOST_TAPS>(sums),
                }
            }
            to.copy_from_slice(&sums[before..][..row]);
        }
    }
    Ok(())
}

/// Most rows of taps that are summed in registers.
const MOST_TAPS: usize = 5;

/// A row of an image's inputs, those in the padding counted, and the first row of windows over it.
struct Row<'a> {
    shape: &'a Conv2dShape,
    products: &'a [f32],
    /// Rows of outputs that `products` are of, each in the place of the one so many rows before.
    kept: usize,
    y: usize,
    first: usize,
}

impl Row<'_> {
    /// Adds a row of taps of each of `K` rows of windows. What one window stores the next would wait for: windows that do not meet come
    /// one after the other.
    fn add<const K: usize>(&self, sums: &mut [f32]) {
        let &Self { shape, products, kept, y, first } = self;
        let (run, n, count) = (run_len(shape), products_len(shape), shape.w.output);
        let step = shape.w.stride * shape.input.c;
        let (quads, vectors) = (run / 4, run.div_ceil(4));
        let rows: [&[f32]; K] = from_fn(|i| {
            let tap = y - (first + i) * shape.h.stride;
            &products[(first + i) % kept * count * n + tap * run..][..(count - 1) * n + 4 * vectors]
        });
        // Behind a row of taps come products of the next one.
        let belongs = F32x4::load(&[0.0, 1.0, 2.0, 3.0]).lt(F32x4::splat((run % 4) as f32));
        let apart = (4 * vectors).div_ceil(step);
        for start in 0..apart.min(count) {
            for window in (start..count).step_by(apart) {
                let taps = rows.map(|row| &row[window * n..].as_chunks::<4>().0[..vectors]);
                let sums = &mut sums[window * step..].as_chunks_mut::<4>().0[..vectors];
                let total = |i: usize| taps.iter().fold(F32x4::zero(), |total, taps| total + F32x4::load(&taps[i]));
                for (i, sum) in sums[..quads].iter_mut().enumerate() {
                    (F32x4::load(sum) + total(i)).store(sum);
                }
                for sum in &mut sums[quads..] {
                    (F32x4::load(sum) + belongs.select(total(quads), F32x4::zero())).store(sum);
                }
            }
        }
    }
}

/// The filter as panels `[output channel][taps]`, zeros behind them.
fn pack(shape: &Conv2dShape, windows: &FilterWindows<'_>) -> Result<Buffer, SpecError> {
    let Conv2dShape { input, output, h, w, .. } = shape;
    let n = products_len(shape);
    let mut packed = Buffer::zeroed(output.c * n)?;
    for (panel, first) in packed.as_mut_slice().chunks_mut(output.c * NR).zip((0..n).step_by(NR)) {
        let lanes = NR.min(n - first);
        for lane in 0..lanes {
            let (tap, c) = ((first + lane) / input.c, (first + lane) % input.c);
            if tap >= h.kernel * w.kernel {
                continue;
            }
            let from = &windows.filter[tap * windows.tap_step + c * windows.n_step..];
            for (to, &from) in panel[lane..].iter_mut().step_by(lanes).zip(from.iter().step_by(windows.k_step)) {
                *to = from;
            }
        }
    }
    Ok(packed)
}
