//! Operators with weights: inputs are `[x, filter, bias | 0]`, of `conv2d` `[x, filter, bias | 0, residual | 0]`.

use super::{in_nhwc, to_nhwc};
use crate::core::{Call, output};
use lenslet_kernels::conv::{Conv2d, ConvTranspose2d};
use lenslet_kernels::dense::Dense;
use lenslet_kernels::shape::{ConvTranspose2dSpec, SpecError};
use std::mem;

/// Words: layout, filterLayout, n, inH, inW, inC, outC, kH, kW, strideH, strideW, dilationH, dilationW, padTop, padLeft, padBottom,
/// padRight, groups, activation (3). The residual has the output's shape and layout.
pub(crate) fn conv2d(mut call: Call) -> Result<(), SpecError> {
    let [layout, filter_layout] = [call.words.layout("layout")?, call.words.layout("filterLayout")?];
    let image = call.words.image_sizes()?;
    let spec = call.words.conv2d(image)?;
    let conv = Conv2d::new(&spec, filter_layout, call.words.activation()?)?.with_accuracy(call.accuracy);
    call.words.end()?;
    let packed = call.packed.get(&conv, call.inputs.offset(1), call.inputs.get(1)?)?;
    let bias = call.inputs.optional(2)?;
    let images = [&conv.shape.input, &conv.shape.output];
    // Taken out while the rest of the scratch memory is lent to the kernel.
    let mut scratch = mem::take(&mut call.scratch.nhwc_residual);
    let residual = match call.inputs.optional(3)? {
        Some(residual) => Some(to_nhwc(layout, &conv.shape.output, "residual", residual, &mut scratch)?),
        None => None,
    };
    let result =
        in_nhwc(layout, images, call.inputs.get(0)?, output(call.outputs, 0)?, call.scratch, |x, y, workspace| {
            conv.run(x, packed, bias, residual, workspace, y)
        });
    call.scratch.nhwc_residual = scratch;
    result
}

/// Words: those of `conv2d`, then outputPaddingH, outputPaddingW.
pub(crate) fn conv_transpose2d(mut call: Call) -> Result<(), SpecError> {
    let [layout, filter_layout] = [call.words.layout("layout")?, call.words.layout("filterLayout")?];
    let image = call.words.image_sizes()?;
    let spec = call.words.conv2d(image)?;
    let activation = call.words.activation()?;
    let [output_padding_h, output_padding_w] = call.words.sizes(["outputPaddingH", "outputPaddingW"])?;
    call.words.end()?;
    let spec = ConvTranspose2dSpec { conv: spec, output_padding_h, output_padding_w };
    let conv = ConvTranspose2d::new(&spec, filter_layout, activation)?;
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
