//! Gradients of what makes smaller or larger images.

use super::nhwc_image;
use crate::call::{Call, output};
use crate::ops::image::resize_words;
use lenslet_kernels::grad::{self, pool};
use lenslet_kernels::pool::PoolKind;
use lenslet_kernels::resize::Resize2d;
use lenslet_kernels::shape::{Pool2dShape, SpecError};

/// Inputs: x | 0 (of means), gradient. Words: those of `pool2d`: kind, layout (NHWC), n, h, w, c, kH, kW, strideH, strideW, dilationH,
/// dilationW, padTop, padLeft, padBottom, padRight, ceilMode, countIncludePad.
pub(crate) fn pool2d(mut call: Call) -> Result<(), SpecError> {
    let kind = call.words.code("kind");
    let image = nhwc_image(&mut call.words)?;
    let spec = call.words.pool2d(image);
    let count_include_pad = call.words.flag("countIncludePad");
    call.words.end()?;
    let (kind, shape) = (PoolKind::from_code(kind)?, Pool2dShape::new(&spec)?);
    let (x, g) = (call.inputs.optional(0)?, call.inputs.get(1)?);
    pool::pool2d(kind, &shape, count_include_pad, x, g, &mut call.scratch.workspace, output(call.outputs, 0)?)
}

/// Inputs: x | 0 (of means), gradient. Words: those of `adaptivePool2d`: kind, layout (NHWC), n, h, w, c, outH, outW. `globalPool2d` is the
/// one whose outH and outW are 1.
pub(crate) fn adaptive_pool2d(mut call: Call) -> Result<(), SpecError> {
    let kind = call.words.code("kind");
    let image = nhwc_image(&mut call.words)?;
    let [out_h, out_w] = call.words.sizes(["outH", "outW"]);
    call.words.end()?;
    let (x, g) = (call.inputs.optional(0)?, call.inputs.get(1)?);
    let (workspace, to) = (&mut call.scratch.workspace, output(call.outputs, 0)?);
    pool::adaptive_pool2d(PoolKind::from_code(kind)?, &image, out_h, out_w, x, g, workspace, to)
}

/// Input: gradient. Words: those of `resize2d`, the layout NHWC.
pub(crate) fn resize2d(mut call: Call) -> Result<(), SpecError> {
    let image = nhwc_image(&mut call.words)?;
    let (out_h, out_w, sampling) = resize_words(&mut call.words)?;
    call.words.end()?;
    let resize = Resize2d::with_sampling(image, out_h, out_w, sampling)?;
    grad::resize2d(&resize, call.inputs.get(0)?, &mut call.scratch.workspace, output(call.outputs, 0)?)
}
