//! Gradients of dense layers: two matrix products and a sum.

use super::conv::filter_gradient;
use super::sums::sum_rows;
use crate::activation::Activation;
use crate::conv::Packs;
use crate::dense::Dense;
use crate::layout::transpose;
use crate::memory::{Buffer, Workspace};
use crate::shape::{Axis, Conv2dShape, Image, SpecError, expect_len};

/// The gradients of a [`Dense`] layer `output [m, n] = input [m, k] weights [k, n] + bias [n]` without activation.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct DenseGradient {
    /// Rows of the input and of the output.
    pub m: usize,
    /// Columns of the input.
    pub k: usize,
    /// Columns of the output.
    pub n: usize,
    /// The weights, and their gradient, are `[n, k]`, not `[k, n]`.
    pub weights_transposed: bool,
}

impl DenseGradient {
    /// Checks sizes.
    pub fn new(m: usize, k: usize, n: usize, weights_transposed: bool) -> Result<Self, SpecError> {
        Dense::new(m, k, n, weights_transposed, Activation::Identity)?;
        Ok(Self { m, k, n, weights_transposed })
    }

    /// The gradient with respect to the input, `[m, k]`: the output's by the transposed weights, which are packed at every call.
    pub fn input(&self, grad_output: &[f32], weights: &[f32], grad_input: &mut [f32]) -> Result<(), SpecError> {
        let &Self { m, k, n, weights_transposed } = self;
        expect_len("gradOutput", grad_output.len(), m * n)?;
        expect_len("gradInput", grad_input.len(), m * k)?;
        expect_len("weights", weights.len(), k * n)?;
        let dense = Dense::new(m, n, k, false, Activation::Identity)?;
        let packed = if weights_transposed {
            dense.pack(weights)?
        } else {
            // Transposed by vectors, then packed row by row: packing columns would gather single floats.
            let mut rows = Buffer::zeroed(k * n)?;
            transpose(&[k, n], &[1, 0], weights, rows.as_mut_slice())?;
            dense.pack(rows.as_slice())?
        };
        dense.run(grad_output, &packed, None, grad_input)
    }

    /// The gradient with respect to the weights, in the weights' own form: that of the filter of a 1x1 convolution of `m` images of one pixel.
    pub fn weights(
        &self,
        input: &[f32],
        grad_output: &[f32],
        workspace: &mut Workspace,
        grad_weights: &mut [f32],
    ) -> Result<(), SpecError> {
        let &Self { m, k, n, weights_transposed } = self;
        expect_len("input", input.len(), m * k)?;
        expect_len("gradOutput", grad_output.len(), m * n)?;
        expect_len("gradWeights", grad_weights.len(), k * n)?;
        let axis = Axis { input: 1, kernel: 1, stride: 1, dilation: 1, pad_before: 0, pad_after: 0, output: 1 };
        let image = |c| Image { n: m, h: 1, w: 1, c };
        let (from, to) = (image(k), image(n));
        if weights_transposed {
            // The two change places: `g^T x` is the transpose of `x^T g`.
            let shape = Conv2dShape { input: to, output: from, h: axis, w: axis, groups: 1 };
            return filter_gradient(&shape, grad_output, input, workspace, grad_weights);
        }
        let shape = Conv2dShape { input: from, output: to, h: axis, w: axis, groups: 1 };
        filter_gradient(&shape, input, grad_output, workspace, grad_weights)
    }

    /// The gradient with respect to the bias, `[n]`.
    pub fn bias(&self, grad_output: &[f32], grad_bias: &mut [f32]) -> Result<(), SpecError> {
        expect_len("gradOutput", grad_output.len(), self.m * self.n)?;
        sum_rows(self.n, grad_output, grad_bias)
    }
}
