//! Normalisations in training.

use super::nhwc_image;
use crate::call::Call;
use lenslet_kernels::grad::norm::{self, BatchNormTraining, BatchStatistics, MovingStatistics, NormGradients};
use lenslet_kernels::norm::{BatchNorm, GroupNorm};
use lenslet_kernels::shape::{SpecError, expect_len};

/// Normalises rows of channels by their own statistics. Inputs: x, scale | 0, offset | 0. Outputs: y; statistics `[2, channels]`: means and
/// variances (divided by the count) of the batch. Words: channels, epsilon.
pub(crate) fn batch_norm_training(mut call: Call) -> Result<(), SpecError> {
    let channels = call.words.size("channels");
    let epsilon = call.words.float("epsilon");
    call.words.end()?;
    let inputs = call.inputs;
    let norm = BatchNormTraining { scale: inputs.optional(1)?, offset: inputs.optional(2)?, epsilon };
    let [y, statistics] = call.outputs else {
        return Err(SpecError::invalid("outputs", "has not two tensors"));
    };
    expect_len("statistics", statistics.len(), 2 * channels)?;
    let (mean, variance) = statistics.split_at_mut(channels);
    norm.run(inputs.get(0)?, BatchStatistics { mean, variance }, &mut call.scratch.workspace, y)
}

/// Moves running statistics towards a batch's. Inputs: statistics as `batchNormTraining` gives them; scale `[1]` as `gradientNorm` gives it:
/// NaN changes nothing. Outputs, changed where they lie: running means, running variances (of samples: divided by count - 1).
/// Words: channels, momentum (the share of the batch), count (values of a channel in the batch).
pub(crate) fn moving_statistics(mut call: Call) -> Result<(), SpecError> {
    let channels = call.words.size("channels");
    let momentum = call.words.float("momentum");
    let count = call.words.size("count");
    call.words.end()?;
    let [mean, variance] = call.outputs else {
        return Err(SpecError::invalid("outputs", "has not two tensors"));
    };
    let statistics = call.inputs.get(0)?;
    expect_len("statistics", statistics.len(), 2 * channels)?;
    if call.inputs.get(1)?.iter().any(|scale| scale.is_nan()) {
        return Ok(());
    }
    let (batch_mean, batch_variance) = statistics.split_at(channels);
    let moving = MovingStatistics { momentum, count };
    moving.follow(batch_mean, batch_variance, BatchStatistics { mean, variance })
}

/// Inputs: x, scale | 0, statistics as `batchNormTraining` gives them, gradient. Outputs: gradients of x, scale, offset.
/// Words: channels, epsilon.
pub(crate) fn batch_norm(mut call: Call) -> Result<(), SpecError> {
    let channels = call.words.size("channels");
    let epsilon = call.words.float("epsilon");
    call.words.end()?;
    let inputs = call.inputs;
    let statistics = inputs.get(2)?;
    expect_len("statistics", statistics.len(), 2 * channels)?;
    let (mean, variance) = statistics.split_at(channels);
    let norm = BatchNorm { mean, variance, scale: inputs.optional(1)?, offset: None, epsilon };
    let gradients = gradients(call.outputs)?;
    norm::batch_norm(&norm, inputs.get(0)?, inputs.get(3)?, &mut call.scratch.workspace, gradients)
}

fn gradients<'a>(outputs: &'a mut [&mut [f32]]) -> Result<NormGradients<'a>, SpecError> {
    match outputs {
        [input, scale, offset] => Ok(NormGradients { input, scale, offset }),
        _ => Err(SpecError::invalid("outputs", "has not three tensors")),
    }
}

/// Inputs: x, scale | 0, gradient. Outputs: gradients of x, scale, offset. Words: those of `groupNorm`: layout (NHWC), n, h, w, c, groups,
/// epsilon. `instanceNorm` is the one with as many groups as channels.
pub(crate) fn group_norm(mut call: Call) -> Result<(), SpecError> {
    let image = nhwc_image(&mut call.words)?;
    let groups = call.words.size("groups");
    let epsilon = call.words.float("epsilon");
    call.words.end()?;
    let inputs = call.inputs;
    let norm = GroupNorm { groups, scale: inputs.optional(1)?, offset: None, epsilon };
    let gradients = gradients(call.outputs)?;
    norm::group_norm(&norm, &image, inputs.get(0)?, inputs.get(2)?, &mut call.scratch.workspace, gradients)
}

/// Inputs: x, scale | 0, gradient. Outputs: gradients of x, scale, offset. Words: those of `layerNorm`: outer, inner, epsilon.
pub(crate) fn layer_norm(mut call: Call) -> Result<(), SpecError> {
    let [outer, inner] = call.words.sizes(["outer", "inner"]);
    let epsilon = call.words.float("epsilon");
    call.words.end()?;
    let inputs = call.inputs;
    let (x, scale, g) = (inputs.get(0)?, inputs.optional(1)?, inputs.get(2)?);
    expect_len("input", x.len(), outer * inner)?;
    norm::layer_norm(inner, scale, epsilon, x, g, &mut call.scratch.workspace, gradients(call.outputs)?)
}
