//! Gradients of operators whose outputs are numbers of their inputs, one by one or along an axis.

use crate::call::{Call, output};
use lenslet_kernels::grad::{self, sums};
use lenslet_kernels::pad::PadMode;
use lenslet_kernels::shape::SpecError;

/// Inputs: the activation's output, or of hardSwish, silu, swish, gelu, geluTanh, mish and thresholdedRelu its input; gradient.
/// Words: those of `activation`: activation (3).
pub(crate) fn activation(mut call: Call) -> Result<(), SpecError> {
    let activation = call.words.activation();
    call.words.end()?;
    activation.gradient(call.inputs.get(0)?, call.inputs.get(1)?, output(call.outputs, 0)?)
}

/// Inputs: softmax's output, gradient. Words: those of `softmax`: outer, length of the axis, inner, 1 for logarithms.
pub(crate) fn softmax(mut call: Call) -> Result<(), SpecError> {
    let sizes = call.words.sizes(["outer", "axis", "inner"]);
    let log = call.words.flag("log");
    call.words.end()?;
    let (y, g) = (call.inputs.get(0)?, call.inputs.get(1)?);
    grad::softmax(sizes, log, y, g, &mut call.scratch.workspace, output(call.outputs, 0)?)
}

/// The gradient of what was broadcast. Input: gradient of the larger shape. Output: the sums that the smaller shape has. Words: rank and shape
/// of the input, rank and shape of the output, which broadcasts to it.
pub(crate) fn sum_to(mut call: Call) -> Result<(), SpecError> {
    let rank = call.words.size("rank");
    let shape = call.words.list("shape", rank);
    let rank = call.words.size("rank");
    let out_shape = call.words.list("shape", rank);
    call.words.end()?;
    sums::sum_to(&shape, &out_shape, call.inputs.get(0)?, output(call.outputs, 0)?)
}

/// Input: gradient. Words: those of `pad`: mode (0 constant, 1 reflect, 2 edge, 3 wrap), value, rank, shape, before, after.
pub(crate) fn pad(mut call: Call) -> Result<(), SpecError> {
    let mode = call.words.code("mode");
    call.words.number("value"); // a constant: it has no part in the gradient
    let rank = call.words.size("rank");
    let [shape, before, after] = ["shape", "padding", "padding"].map(|name| call.words.list(name, rank));
    call.words.end()?;
    grad::pad(&shape, &before, &after, PadMode::from_code(mode)?, call.inputs.get(0)?, output(call.outputs, 0)?)
}
