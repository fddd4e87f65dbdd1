//! Gradients of convolutions where each output channel sees one input channel, its own: vectors of channels.

use super::runs::{Pixels, Run, blocks, under_tap};
use crate::grad::pool::add_products;
use crate::shape::Conv2dShape;
use crate::simd::{F32x4, Steps};
use core::array::from_fn;

/// Most pixels of a block, whose sum is made in registers.
const BLOCK: usize = 256;
/// Fewest channels.
const MIN_C: usize = 4;

/// True for as many outputs as inputs, a channel each, that fill a vector.
pub(super) fn can_do(shape: &Conv2dShape) -> bool {
    shape.groups == shape.input.c && shape.output.c == shape.input.c && shape.input.c >= MIN_C
}

/// The gradient of the filter, `[k_h, k_w, 1, c]`.
pub(super) fn filter(shape: &Conv2dShape, input: &[f32], grad_output: &[f32], grad_filter: &mut [f32]) {
    grad_filter.fill(0.0);
    let c = shape.input.c;
    let mut runs = Vec::new();
    for block in blocks(shape, BLOCK) {
        for (tap, to) in grad_filter.chunks_exact_mut(c).enumerate() {
            under_tap(shape, &block, [tap / shape.w.kernel, tap % shape.w.kernel], &mut runs);
            let products = Products { shape, block: &block, runs: &runs, input, grad_output };
            let mut first = 0;
            while first + 16 <= c {
                products.sum::<4>(first, &mut to[first..][..16]);
                first += 16;
            }
            while first + 4 <= c {
                products.sum::<1>(first, &mut to[first..][..4]);
                first += 4;
            }
            if first < c {
                products.sum::<1>(c - 4, &mut to[first..]);
            }
        }
    }
}

/// What meets under one tap.
struct Products<'a> {
    shape: &'a Conv2dShape,
    block: &'a Pixels,
    runs: &'a [Run],
    input: &'a [f32],
    grad_output: &'a [f32],
}

impl Products<'_> {
    /// Adds products of `4 V` channels from `first` on to `to`: to the last of them, if it takes fewer.
    fn sum<const V: usize>(&self, first: usize, to: &mut [f32]) {
        let Self { shape, block, runs, input, grad_output } = *self;
        let c = shape.input.c;
        let mut sums = [F32x4::zero(); V];
        for run in runs {
            let pixel = first_pixel(shape, block, run);
            let inputs =
                Steps::<[[f32; 4]; V]>::new(&input[run.input + first..], shape.w.stride.wrapping_mul(c), run.count);
            let gradients = Steps::<[[f32; 4]; V]>::new(&grad_output[pixel * c + first..], c, run.count);
            for (x, g) in inputs.zip(gradients) {
                for ((x, g), sum) in x.iter().zip(g).zip(&mut sums) {
                    *sum = F32x4::load(x).mul_add(F32x4::load(g), *sum);
                }
            }
        }
        let sums: [[f32; 4]; V] = from_fn(|v| sums[v].to_array());
        let sums = sums.as_flattened();
        for (to, sum) in to.iter_mut().rev().zip(sums.iter().rev()) {
            *to += sum;
        }
    }
}

/// The gradient of the input, every product added where it belongs. For strides that leave no convolution of the output's gradient.
pub(super) fn input(shape: &Conv2dShape, grad_output: &[f32], filter: &[f32], grad_input: &mut [f32]) {
    grad_input.fill(0.0);
    let c = shape.input.c;
    let mut runs = Vec::new();
    for block in blocks(shape, BLOCK) {
        for (tap, weights) in filter.chunks_exact(c).enumerate() {
            under_tap(shape, &block, [tap / shape.w.kernel, tap % shape.w.kernel], &mut runs);
            for run in &runs {
                let gradients = grad_output[first_pixel(shape, &block, run) * c..].chunks_exact(c);
                let inputs = grad_input[run.input..].chunks_mut(shape.w.stride.saturating_mul(c));
                for (to, gradient) in inputs.zip(gradients).take(run.count) {
                    add_products(gradient, weights, &mut to[..c]);
                }
            }
        }
    }
}

/// Where a run's first output pixel lies in the batch.
fn first_pixel(shape: &Conv2dShape, block: &Pixels, run: &Run) -> usize {
    let (row, column) = (run.pixel / block.columns.len(), run.pixel % block.columns.len());
    (block.rows.start + row) * shape.output.w + block.columns.start + column
}
