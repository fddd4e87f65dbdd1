//! Operators with weights: inputs are `[x, filter, bias | 0]`.

use super::in_nhwc;
use crate::core::{Call, output};
use lenslet_kernels::conv::{Conv2d, ConvTranspose2d};
use lenslet_kernels::dense::Dense;
use lenslet_kernels::shape::{ConvTranspose2dSpec, SpecError};

/// Words: layout, n, inH, inW, inC, outC, kH, kW, strideH, strideW, dilationH, dilationW, padTop, padLeft, padBottom,
/// padRight, groups, activation (3).
pub(crate) fn conv2d(mut call: Call) -> Result<(), SpecError> {
    let (layout, image) = call.words.image()?;
    let spec = call.words.conv2d(image)?;
    let conv = Conv2d::new(&spec, layout, call.words.activation()?)?.with_accuracy(call.accuracy);
    call.words.end()?;
    let packed = call.packed.get(&conv, call.inputs.offset(1), call.inputs.get(1)?)?;
    let bias = call.inputs.optional(2)?;
    let images = [&conv.shape.input, &conv.shape.output];
    in_nhwc(layout, images, call.inputs.get(0)?, output(call.outputs, 0)?, call.scratch, |x, y, workspace| {
        conv.run(x, packed, bias, workspace, y)
    })
}

/// Words: those of `conv2d`, then outputPaddingH, outputPaddingW.
pub(crate) fn conv_transpose2d(mut call: Call) -> Result<(), SpecError> {
    let (layout, image) = call.words.image()?;
    let spec = call.words.conv2d(image)?;
    let activation = call.words.activation()?;
    let [output_padding_h, output_padding_w] = call.words.sizes(["outputPaddingH", "outputPaddingW"])?;
    call.words.end()?;
    let spec = ConvTranspose2dSpec { conv: spec, output_padding_h, output_padding_w };
    let conv = ConvTranspose2d::new(&spec, layout, activation)?;
    let packed = call.packed.get(&conv, call.inputs.offset(1), call.inputs.get(1)?)?;
    let bias = call.inputs.optional(2)?;
    let images = [&conv.shape.input, &conv.shape.output];
    in_nhwc(layout, images, call.inputs.get(0)?, output(call.outputs, 0)?, call.scratch, |x, y, workspace| {
        conv.run(x, packed, bias, workspace, y)
    })
}

/// Words: m, k, n, transposed, activation (3). Input `[m, k]`, weights `[k, n]`, or `[n, k]` if transposed.
pub(crate) fn dense(mut call: Call) -> Result<(), SpecError> {
    let [m, k, n] = call.words.sizes(["m", "k", "n"])?;
    let transposed = call.words.flag("transposed")?;
    let dense = Dense::new(m, k, n, transposed, call.words.activation()?)?;
    call.words.end()?;
    let packed = call.packed.get(&dense, call.inputs.offset(1), call.inputs.get(1)?)?;
    let bias = call.inputs.optional(2)?;
    dense.run(call.inputs.get(0)?, packed, bias, &mut call.scratch.workspace, output(call.outputs, 0)?)
}
