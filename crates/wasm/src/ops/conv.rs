//! Operators with weights: inputs are `[x, filter, bias | 0]`, of `conv2d` `[x, filter, bias | 0, residual | 0]`.

use super::{in_nhwc, to_nhwc};
use crate::call::{Call, Inputs, Purpose, output};
use crate::packed::PackedFilters;
use lenslet_kernels::conv::{Conv2d, ConvTranspose2d, PackedFilter, Packs};
use lenslet_kernels::dense::Dense;
use lenslet_kernels::shape::{ConvTranspose2dSpec, Layout, SpecError};
use std::mem;

/// The packed filter for a call that is to run; nothing for one that only packs or explains, which is done then.
fn filter<'a>(
    purpose: Purpose,
    packed: &'a mut PackedFilters,
    inputs: Inputs,
    operator: &dyn Packs,
    strategy: &'static str,
) -> Result<Option<&'a PackedFilter>, SpecError> {
    if let Purpose::Explain(told) = purpose {
        *told = strategy;
        return Ok(None);
    }
    let filter = packed.get(operator, inputs, 1)?;
    Ok(if matches!(purpose, Purpose::Run) { Some(filter) } else { None })
}

/// Words: layout, filterLayout, n, inH, inW, inC, outC, kH, kW, strideH, strideW, dilationH, dilationW, padTop, padLeft, padBottom,
/// padRight, groups, activation (3). The residual has the output's shape and layout.
pub(crate) fn conv2d(mut call: Call) -> Result<(), SpecError> {
    let [layout, filter_layout] = [call.words.layout("layout"), call.words.layout("filterLayout")];
    let image = call.words.image_sizes();
    let spec = call.words.conv2d(image);
    let activation = call.words.activation();
    call.words.end()?;
    let conv = Conv2d::new(&spec, filter_layout, activation)?.with_accuracy(call.accuracy);
    let conv = if call.is_step { conv } else { conv.with_filter_alone() };
    let inputs = call.inputs;
    let Some(packed) = filter(call.purpose, call.packed, inputs, &conv, conv.strategy().name())? else {
        return Ok(());
    };
    let bias = inputs.optional(2)?;
    if layout == Layout::Nchw && conv.can_run_planes(packed) {
        let (input, residual) = (inputs.get(0)?, inputs.optional(3)?);
        let output = output(call.outputs, 0)?;
        return conv.run_planes(input, packed, bias, residual, &mut call.scratch.workspace, output);
    }
    let images = [&conv.shape.input, &conv.shape.output];
    // Taken out while the rest of the scratch memory is lent to the kernel.
    let mut scratch = mem::take(&mut call.scratch.nhwc_residual);
    let residual = match inputs.optional(3)? {
        Some(residual) => Some(to_nhwc(layout, &conv.shape.output, "residual", residual, &mut scratch)?),
        None => None,
    };
    let result =
        in_nhwc(layout, images, inputs.get(0)?, output(call.outputs, 0)?, call.scratch, &mut |x, y, workspace| {
            conv.run(x, packed, bias, residual, workspace, y)
        });
    call.scratch.nhwc_residual = scratch;
    result
}

/// Words: those of `conv2d`, then outputPaddingH, outputPaddingW.
pub(crate) fn conv_transpose2d(mut call: Call) -> Result<(), SpecError> {
    let [layout, filter_layout] = [call.words.layout("layout"), call.words.layout("filterLayout")];
    let image = call.words.image_sizes();
    let spec = call.words.conv2d(image);
    let activation = call.words.activation();
    let [output_padding_h, output_padding_w] = call.words.sizes(["outputPaddingH", "outputPaddingW"]);
    call.words.end()?;
    let spec = ConvTranspose2dSpec { conv: spec, output_padding_h, output_padding_w };
    let conv = ConvTranspose2d::new(&spec, filter_layout, activation)?;
    let inputs = call.inputs;
    let Some(packed) = filter(call.purpose, call.packed, inputs, &conv, conv.strategy().name())? else {
        return Ok(());
    };
    let bias = inputs.optional(2)?;
    let images = [&conv.shape.input, &conv.shape.output];
    in_nhwc(layout, images, inputs.get(0)?, output(call.outputs, 0)?, call.scratch, &mut |x, y, workspace| {
        conv.run(x, packed, bias, workspace, y)
    })
}

/// Words: m, k, n, transposed, activation (3). Input `[m, k]`, weights `[k, n]`, or `[n, k]` if transposed.
pub(crate) fn dense(mut call: Call) -> Result<(), SpecError> {
    let [m, k, n] = call.words.sizes(["m", "k", "n"]);
    let transposed = call.words.flag("transposed");
    let activation = call.words.activation();
    call.words.end()?;
    let dense = Dense::new(m, k, n, transposed, activation)?;
    let inputs = call.inputs;
    let Some(packed) = filter(call.purpose, call.packed, inputs, &dense, "gemm")? else {
        return Ok(());
    };
    let bias = inputs.optional(2)?;
    dense.run(inputs.get(0)?, packed, bias, output(call.outputs, 0)?)
}
