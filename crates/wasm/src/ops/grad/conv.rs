//! Gradients of operators with weights. Inputs: x | 0, weights | 0, gradient of the output. Outputs: those wanted of the gradients of
//! x, weights and bias. Weights, and their gradient, are in the form that the words name.

use super::nhwc;
use crate::call::{Call, output};
use lenslet_kernels::grad::conv::{Conv2dGradient, ConvTranspose2dGradient};
use lenslet_kernels::grad::dense::DenseGradient;
use lenslet_kernels::shape::{ConvTranspose2dSpec, SpecError};

/// What a gradient is with respect to.
#[derive(Clone, Copy)]
enum With {
    Input,
    Weights,
    Bias,
}

/// Those that are wanted.
fn wanted(call: &mut Call) -> [Option<With>; 3] {
    let flags = [("wantsInput", With::Input), ("wantsWeights", With::Weights), ("wantsBias", With::Bias)];
    flags.map(|(name, with)| call.words.flag(name).then_some(with))
}

/// Computes one gradient.
type Gradient<'a> = dyn FnMut(With, &mut [f32]) -> Result<(), SpecError> + 'a;

/// Runs `gradient` for each that is wanted.
fn each_wanted(
    wanted: [Option<With>; 3],
    outputs: &mut [&mut [f32]],
    gradient: &mut Gradient<'_>,
) -> Result<(), SpecError> {
    for (index, with) in wanted.into_iter().flatten().enumerate() {
        gradient(with, output(outputs, index)?)?;
    }
    Ok(())
}

/// Words: those of `conv2d` without activation: layout (NHWC), filterLayout, n, inH, inW, inC, outC, kH, kW, strideH, strideW, dilationH,
/// dilationW, padTop, padLeft, padBottom, padRight, groups; then wantsInput, wantsWeights, wantsBias. The filter is
/// `[kH, kW, inC / groups, outC]`, or `[outC, inC / groups, kH, kW]` if filterLayout is NCHW.
pub(crate) fn conv2d(mut call: Call) -> Result<(), SpecError> {
    nhwc(&mut call.words)?;
    let filter_layout = call.words.layout("filterLayout");
    let image = call.words.image_sizes();
    let spec = call.words.conv2d(image);
    let wanted = wanted(&mut call);
    call.words.end()?;
    let conv = Conv2dGradient::new(&spec, filter_layout, call.accuracy)?;
    let (inputs, workspace) = (call.inputs, &mut call.scratch.workspace);
    let g = inputs.get(2)?;
    each_wanted(wanted, call.outputs, &mut |with, to| match with {
        With::Input => conv.input(g, inputs.get(1)?, workspace, to),
        With::Weights => conv.filter(inputs.get(0)?, g, workspace, to),
        With::Bias => conv.bias(g, to),
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
    let wanted = wanted(&mut call);
    call.words.end()?;
    let spec = ConvTranspose2dSpec { conv, output_padding_h, output_padding_w };
    let conv = ConvTranspose2dGradient::new(&spec, filter_layout, call.accuracy)?;
    let (inputs, workspace) = (call.inputs, &mut call.scratch.workspace);
    let g = inputs.get(2)?;
    each_wanted(wanted, call.outputs, &mut |with, to| match with {
        With::Input => conv.input(g, inputs.get(1)?, workspace, to),
        With::Weights => conv.filter(inputs.get(0)?, g, workspace, to),
        With::Bias => conv.bias(g, to),
    })
}

/// Words: those of `dense` without activation: m, k, n, transposed; then wantsInput, wantsWeights, wantsBias. x is `[m, k]`, the weights
/// are `[k, n]`, or `[n, k]` if transposed.
pub(crate) fn dense(mut call: Call) -> Result<(), SpecError> {
    let [m, k, n] = call.words.sizes(["m", "k", "n"]);
    let transposed = call.words.flag("transposed");
    let wanted = wanted(&mut call);
    call.words.end()?;
    let dense = DenseGradient::new(m, k, n, transposed)?;
    let (inputs, workspace) = (call.inputs, &mut call.scratch.workspace);
    let g = inputs.get(2)?;
    each_wanted(wanted, call.outputs, &mut |with, to| match with {
        With::Input => dense.input(g, inputs.get(1)?, to),
        With::Weights => dense.weights(inputs.get(0)?, g, workspace, to),
        With::Bias => dense.bias(g, to),
    })
}
