//! Gradients of operators with weights. Inputs: x | 0, weights | 0, gradient of the output. Outputs: those wanted of the gradients of
//! x, weights and bias. Weights, and their gradient, are in the form that the words name.

use super::nhwc;
use crate::call::{Call, Inputs, output};
use lenslet_kernels::conv::Accuracy;
use lenslet_kernels::grad::conv::{Conv2dGradient, ConvTranspose2dGradient};
use lenslet_kernels::grad::dense::DenseGradient;
use lenslet_kernels::memory::Workspace;
use lenslet_kernels::shape::{ConvTranspose2dSpec, SpecError};

/// One of the gradients, and what it is computed from.
enum Gradient<'a> {
    /// The gradient of the output, and the weights.
    Input(&'a [f32], &'a [f32]),
    /// The input, and the gradient of the output.
    Weights(&'a [f32], &'a [f32]),
    /// The gradient of the output.
    Bias(&'a [f32]),
}

/// Computes one gradient.
type Compute<'a> = dyn FnMut(Gradient<'_>, &mut Workspace, &mut [f32]) -> Result<(), SpecError> + 'a;

/// What is left of a call once the sizes of its operator are read.
struct Rest<'a> {
    inputs: Inputs<'a>,
    outputs: &'a mut [&'a mut [f32]],
    workspace: &'a mut Workspace,
    accuracy: Accuracy,
    /// Of input, weights and bias.
    wanted: [bool; 3],
}

impl<'a> Rest<'a> {
    /// Reads the last words: which gradients are wanted.
    fn of(mut call: Call<'a>) -> Result<Self, SpecError> {
        let wanted = ["wantsInput", "wantsWeights", "wantsBias"].map(|name| call.words.flag(name));
        call.words.end()?;
        let Call { inputs, outputs, scratch, accuracy, .. } = call;
        Ok(Self { inputs, outputs, workspace: &mut scratch.workspace, accuracy, wanted })
    }

    /// Runs `compute` for each that is wanted.
    fn each(self, compute: &mut Compute<'_>) -> Result<(), SpecError> {
        let g = self.inputs.get(2)?;
        for (index, with) in (0..3).filter(|&with| self.wanted[with]).enumerate() {
            let gradient = match with {
                0 => Gradient::Input(g, self.inputs.get(1)?),
                1 => Gradient::Weights(self.inputs.get(0)?, g),
                _ => Gradient::Bias(g),
            };
            compute(gradient, self.workspace, output(self.outputs, index)?)?;
        }
        Ok(())
    }
}

/// Words: those of `conv2d` without activation: layout (NHWC), filterLayout, n, inH, inW, inC, outC, kH, kW, strideH, strideW, dilationH,
/// dilationW, padTop, padLeft, padBottom, padRight, groups; then wantsInput, wantsWeights, wantsBias. The filter is
/// `[kH, kW, inC / groups, outC]`, or `[outC, inC / groups, kH, kW]` if filterLayout is NCHW.
pub(crate) fn conv2d(mut call: Call) -> Result<(), SpecError> {
    nhwc(&mut call.words)?;
    let filter_layout = call.words.layout("filterLayout");
    let image = call.words.image_sizes();
    let spec = call.words.conv2d(image);
    let rest = Rest::of(call)?;
    let conv = Conv2dGradient::new(&spec, filter_layout, rest.accuracy)?;
    rest.each(&mut |gradient, workspace, to| match gradient {
        Gradient::Input(g, filter) => conv.input(g, filter, workspace, to),
        Gradient::Weights(x, g) => conv.filter(x, g, workspace, to),
        Gradient::Bias(g) => conv.bias(g, to),
    })
}

/// Words: those of `conv2dGrad`, with outputPaddingH and outputPaddingW before the flags. The filter is `[kH, kW, outC / groups, inC]`, or
/// `[inC, outC / groups, kH, kW]` if filterLayout is NCHW.
pub(crate) fn conv_transpose2d(mut call: Call) -> Result<(), SpecError> {
    nhwc(&mut call.words)?;
    let filter_layout = call.words.layout("filterLayout");
    let image = call.words.image_sizes();
    let conv = call.words.conv2d(image);
    let [output_padding_h, output_padding_w] = call.words.sizes(["outputPaddingH", "outputPaddingW"]);
    let rest = Rest::of(call)?;
    let spec = ConvTranspose2dSpec { conv, output_padding_h, output_padding_w };
    let conv = ConvTranspose2dGradient::new(&spec, filter_layout, rest.accuracy)?;
    rest.each(&mut |gradient, workspace, to| match gradient {
        Gradient::Input(g, filter) => conv.input(g, filter, workspace, to),
        Gradient::Weights(x, g) => conv.filter(x, g, workspace, to),
        Gradient::Bias(g) => conv.bias(g, to),
    })
}

/// Words: those of `dense` without activation: m, k, n, transposed; then wantsInput, wantsWeights, wantsBias. x is `[m, k]`, the weights
/// are `[k, n]`, or `[n, k]` if transposed.
pub(crate) fn dense(mut call: Call) -> Result<(), SpecError> {
    let [m, k, n] = call.words.sizes(["m", "k", "n"]);
    let transposed = call.words.flag("transposed");
    let rest = Rest::of(call)?;
    let dense = DenseGradient::new(m, k, n, transposed)?;
    rest.each(&mut |gradient, workspace, to| match gradient {
        Gradient::Input(g, weights) => dense.input(g, weights, to),
        Gradient::Weights(x, g) => dense.weights(x, g, workspace, to),
        Gradient::Bias(g) => dense.bias(g, to),
    })
}
