//! Normalisations.

use super::in_nhwc;
use crate::call::{Call, output};
use lenslet_kernels::norm::{self, BatchNorm, GroupNorm, LocalResponse};
use lenslet_kernels::shape::{Image, Layout, SpecError};

/// Inputs: x, mean, variance, scale | 0, offset | 0. Words: outer, channels, inner, epsilon.
pub(crate) fn batch_norm(mut call: Call) -> Result<(), SpecError> {
    let [outer, channels, inner] = call.words.sizes(["outer", "channels", "inner"]);
    let epsilon = call.words.float("epsilon");
    call.words.end()?;
    let inputs = call.inputs;
    let norm = BatchNorm {
        mean: inputs.get(1)?,
        variance: inputs.get(2)?,
        scale: inputs.optional(3)?,
        offset: inputs.optional(4)?,
        epsilon,
    };
    norm::batch_norm(&norm, outer, channels, inner, inputs.get(0)?, output(call.outputs, 0)?)
}

/// Inputs: x, scale | 0, bias | 0. Words: layout, n, h, w, c, epsilon.
pub(crate) fn instance_norm(mut call: Call) -> Result<(), SpecError> {
    let (layout, image) = call.words.image();
    grouped(call, layout, &image, image.c)
}

/// Inputs: x, scale | 0, bias | 0. Words: layout, n, h, w, c, groups, epsilon.
pub(crate) fn group_norm(mut call: Call) -> Result<(), SpecError> {
    let (layout, image) = call.words.image();
    let groups = call.words.size("groups");
    grouped(call, layout, &image, groups)
}

fn grouped(mut call: Call, layout: Layout, image: &Image, groups: usize) -> Result<(), SpecError> {
    let epsilon = call.words.float("epsilon");
    call.words.end()?;
    let inputs = call.inputs;
    let norm = GroupNorm { groups, scale: inputs.optional(1)?, offset: inputs.optional(2)?, epsilon };
    in_nhwc(layout, [image, image], inputs.get(0)?, output(call.outputs, 0)?, call.scratch, &mut |x, y, _| {
        norm::group_norm(&norm, image, x, y)
    })
}

/// Inputs: x, scale | 0, bias | 0. Words: outer, inner, epsilon.
pub(crate) fn layer_norm(mut call: Call) -> Result<(), SpecError> {
    let sizes = call.words.sizes(["outer", "inner"]);
    let epsilon = call.words.float("epsilon");
    call.words.end()?;
    let inputs = call.inputs;
    let given = [inputs.optional(1)?, inputs.optional(2)?];
    norm::layer_norm(sizes, given, epsilon, inputs.get(0)?, output(call.outputs, 0)?)
}

/// Words: layout, n, h, w, c, size, alpha, beta, bias.
pub(crate) fn local_response_norm(mut call: Call) -> Result<(), SpecError> {
    let (layout, image) = call.words.image();
    let norm = LocalResponse {
        size: call.words.size("size"),
        alpha: call.words.float("alpha"),
        beta: call.words.float("beta"),
        bias: call.words.float("bias"),
    };
    call.words.end()?;
    let images = [&image, &image];
    in_nhwc(layout, images, call.inputs.get(0)?, output(call.outputs, 0)?, call.scratch, &mut |x, y, _| {
        norm::local_response_norm(&norm, &image, x, y)
    })
}
