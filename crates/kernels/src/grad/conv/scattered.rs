//! The input's gradient where the turned convolution would mostly multiply padding or leave lanes empty: every output's gradient by all
//! taps at once, one matrix product, and the windows' sums added up where they lie.
//!
//! Its multiplications are those of the forward pass, whose windows lie in the image; a tap's few channels share vectors with the next tap's.

use crate::activation::Activation;
use crate::conv::FilterWindows;
use crate::epilogue::Epilogue;
use crate::gemm::{NR, Pixels, Places, RightHand, multiply};
use crate::memory::{Buffer, Workspace};
use crate::shape::{Axis, Conv2dShape, SpecError};
use crate::simd::F32x4;
use core::array::from_fn;

/// Most floats of an image's products: 1 MiB.
const MAX_PRODUCTS: usize = 256 << 10;
/// What adding a vector of products to where it belongs costs, in multiply-adds.
const ADD_COST: usize = 6;

/// Floats of a row of taps: whole vectors.
fn run_len(shape: &Conv2dShape) -> usize {
    (shape.w.kernel * shape.input.c).next_multiple_of(4)
}

/// True for a stride of 1, where it takes fewer multiply-adds than windows that reach into the padding to the left and right. Those are
/// counted in whole panels of eight input channels: a panel of four takes hardly less time. Speed beside the turned convolution (Node 24,
/// relaxed, Zen 4): 5x5 6 -> 16 on 14x14 without padding 1.35; with padding, on 28x28, 5x5 1 -> 6 2.0, 3 -> 32 1.7, 4 -> 16 1.1; 3x3 3 -> 16
/// 1.4; 7x7 3 -> 32 on 32x32 1.5; 5x5 12 -> 32 on 28x28 without padding 1.2.
pub(super) fn pays(shape: &Conv2dShape) -> bool {
    let is_plain = |axis: &Axis| axis.stride == 1 && axis.dilation == 1;
    if !is_plain(&shape.h) || !is_plain(&shape.w) || shape.groups > 1 {
        return false;
    }
    let product = |factors: [usize; 4]| factors.iter().fold(1usize, |all, &n| all.saturating_mul(n));
    let out_c = shape.output.c;
    if product([shape.h.output, shape.w.output, shape.h.kernel, run_len(shape)]) > MAX_PRODUCTS {
        return false;
    }
    let here = product([shape.w.output, run_len(shape), out_c + ADD_COST, 1]);
    here.saturating_mul(5)
        < product([shape.w.input, shape.w.kernel, out_c, shape.input.c.next_multiple_of(8)]).saturating_mul(4)
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
    let (count, n) = (h.output * w.output, h.kernel * run_len(shape));
    let packed = pack(shape, windows)?;
    let right = RightHand {
        k: output.c,
        n,
        panels: packed.as_slice(),
        epilogue: Epilogue { bias: None, residual: None, activation: Activation::Identity },
    };
    let row_len = w.output * input.c + run_len(shape);
    let (sums, products) = workspace.get(row_len + count * n)?.split_at_mut(row_len);
    let images = grad_output.chunks_exact(count * output.c);
    for (gradients, to) in images.zip(grad_input.chunks_exact_mut(input.h * input.w * input.c)) {
        let pixels = Pixels { rows: &[gradients], first: 0, runs: 1, run: output.c, run_step: 0, step: output.c };
        multiply(&pixels, &right, 0, products, &Places { count, first: 0, step: n });
        for (y, to) in to.chunks_exact_mut(input.w * input.c).enumerate() {
            sums.fill(0.0);
            let y = y + h.pad_before;
            let taps = (y + 1).saturating_sub(h.output)..h.kernel.min(y + 1);
            for first in taps.clone().step_by(MOST_TAPS) {
                let row = Row { shape, products, y, first };
                match taps.end - first {
                    1 => row.add::<1>(sums),
                    2 => row.add::<2>(sums),
                    3 => row.add::<3>(sums),
                    4 => row.add::<4>(sums),
                    _ => row.add::<MOST_TAPS>(sums),
                }
            }
            to.copy_from_slice(&sums[w.pad_before * input.c..][..to.len()]);
        }
    }
    Ok(())
}

/// Most rows of taps that are summed in registers.
const MOST_TAPS: usize = 5;

/// A row of an image's inputs, those in the padding counted, and the first row of taps over it.
struct Row<'a> {
    shape: &'a Conv2dShape,
    products: &'a [f32],
    y: usize,
    first: usize,
}

impl Row<'_> {
    /// Adds `K` rows of taps of all windows. What one window stores the next would wait for: windows side by side come first.
    fn add<const K: usize>(&self, sums: &mut [f32]) {
        let &Self { shape, products, y, first } = self;
        let (run, c) = (run_len(shape), shape.input.c);
        let (count, apart) = (shape.w.output, shape.w.kernel + 1);
        let n = shape.h.kernel * run;
        let rows: [&[f32]; K] =
            from_fn(|i| &products[(y - first - i) * count * n + (first + i) * run..][..(count - 1) * n + run]);
        for start in 0..apart.min(count) {
            for window in (start..count).step_by(apart) {
                let taps = rows.map(|row| row[window * n..][..run].as_chunks::<4>().0);
                let quads = run / 4;
                let taps = taps.map(|tap| &tap[..quads]);
                for (quad, sum) in sums[window * c..].as_chunks_mut::<4>().0[..quads].iter_mut().enumerate() {
                    let total = taps.iter().fold(F32x4::load(sum), |total, tap| total + F32x4::load(&tap[quad]));
                    total.store(sum);
                }
            }
        }
    }
}

/// The filter as panels `[output channel][taps' rows]`, zeros behind each row of taps.
fn pack(shape: &Conv2dShape, windows: &FilterWindows<'_>) -> Result<Buffer, SpecError> {
    let Conv2dShape { input, output, h, w, .. } = shape;
    let n = h.kernel * run_len(shape);
    let mut packed = Buffer::zeroed(output.c * n)?;
    for (panel, first) in packed.as_mut_slice().chunks_mut(output.c * NR).zip((0..n).step_by(NR)) {
        let lanes = NR.min(n - first);
        for lane in 0..lanes {
            let (tap_h, at) = ((first + lane) / run_len(shape), (first + lane) % run_len(shape));
            let (tap_w, c) = (at / input.c, at % input.c);
            if tap_w >= w.kernel {
                continue;
            }
            let from = &windows.filter[(tap_h * w.kernel + tap_w) * windows.tap_step + c * windows.n_step..];
            for (to, &from) in panel[lane..].iter_mut().step_by(lanes).zip(from.iter().step_by(windows.k_step)) {
                *to = from;
            }
        }
    }
    Ok(packed)
}
