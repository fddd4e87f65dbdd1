//! What a step of training has beside layers and their gradients: dropout, losses, the gradients' norm, optimisers.
//!
//! The clock of a step is `[step, learningRate]`, float32; the first step is 1. What changes parameters takes the scale that `gradientNorm`
//! gives: NaN, after a loss or a gradient that is not finite, changes nothing.

use crate::call::{Call, Inputs, output};
use lenslet_kernels::grad::dropout::Dropout;
use lenslet_kernels::grad::loss::{self, ElementwiseLoss, LossReduction};
use lenslet_kernels::grad::optimiser::{Optimiser, sum_of_squares};
use lenslet_kernels::shape::{SpecError, expect_len};

/// Inputs: x, or the gradient of what it gave; clock. Words: rate, two halves of the seed and the stream, each below 2^31. Which elements are
/// dropped follows from seed, stream, step and their places alone.
pub(crate) fn dropout(mut call: Call) -> Result<(), SpecError> {
    let rate = call.words.float("rate");
    let [low, high, stream] = call.words.sizes(["seed", "seed", "stream"]).map(|number| number as u32);
    call.words.end()?;
    let [step, _] = clock(call.inputs)?;
    Dropout::new(rate, [low, high], stream, step as u32)?.run(call.inputs.get(0)?, output(call.outputs, 0)?)
}

/// The second input: step and learning rate.
fn clock(inputs: Inputs) -> Result<[f32; 2], SpecError> {
    let clock = inputs.get(1)?;
    expect_len("clock", clock.len(), 2)?;
    Ok([clock[0], clock[1]])
}

/// Inputs: logits `[n, classes]`, labels `[n]`, whole numbers. Outputs: loss `[1]`, gradient of the logits.
/// Words: classes, labelSmoothing, reduction (0 mean, 1 sum).
pub(crate) fn cross_entropy(mut call: Call) -> Result<(), SpecError> {
    let classes = call.words.size("classes");
    let smoothing = call.words.float("labelSmoothing");
    let reduction = call.words.code("reduction");
    call.words.end()?;
    let (logits, labels) = (call.inputs.get(0)?, call.inputs.get(1)?);
    let to = output(call.outputs, 1)?;
    let loss = loss::cross_entropy(classes, smoothing, LossReduction::from_code(reduction)?, logits, labels, to)?;
    output(call.outputs, 0)?.fill(loss);
    Ok(())
}

/// Inputs: predictions (of binary cross-entropy logits), targets. Outputs: loss `[1]`, gradient of the predictions.
/// Words: loss (0 binary cross-entropy, 1 squared error, 2 Huber), delta (of Huber), reduction (0 mean, 1 sum).
pub(crate) fn elementwise_loss(mut call: Call) -> Result<(), SpecError> {
    let kind = call.words.code("loss");
    let delta = call.words.float("delta");
    let reduction = call.words.code("reduction");
    call.words.end()?;
    let (predictions, targets) = (call.inputs.get(0)?, call.inputs.get(1)?);
    let (kind, reduction) = (ElementwiseLoss::from_code(kind, delta)?, LossReduction::from_code(reduction)?);
    let loss = loss::elementwise(kind, reduction, predictions, targets, output(call.outputs, 1)?)?;
    output(call.outputs, 0)?.fill(loss);
    Ok(())
}

/// Inputs: loss `[1]`, then the gradients of all parameters, any number of them. Outputs: norms `[1 + gradients]`, that of all gradients together
/// and then that of each; scale `[1]`, what to multiply the gradients with so that their norm is at most maxNorm: `maxNorm / (norm + 1e-6)`
/// (PyTorch's), 1 where that is more or maxNorm is 0, NaN where the loss or the norm is not finite. Words: maxNorm.
pub(crate) fn gradient_norm(mut call: Call) -> Result<(), SpecError> {
    let max_norm = call.words.number("maxNorm");
    call.words.end()?;
    let inputs = call.inputs;
    let [norms, scale] = call.outputs else {
        return Err(SpecError::invalid("outputs", "has not two tensors"));
    };
    expect_len("norms", norms.len(), inputs.len())?;
    let mut squares = 0.0;
    for (index, norm) in norms.iter_mut().enumerate().skip(1) {
        let square = sum_of_squares(inputs.get(index)?);
        *norm = square.sqrt() as f32;
        squares += square;
    }
    let norm = squares.sqrt();
    let is_finite = norm.is_finite() && inputs.get(0)?.iter().all(|loss| loss.is_finite());
    scale.fill(match max_norm {
        _ if !is_finite => f32::NAN,
        0.0 => 1.0,
        _ => (max_norm / (norm + 1e-6)).min(1.0) as f32,
    });
    if let [all, ..] = &mut **norms {
        *all = norm as f32;
    }
    Ok(())
}

/// Inputs: gradient; clock; scale `[1]` of the gradient, NaN changes nothing. Outputs, changed where they lie: parameters, then as many states
/// as the optimiser has, zeros before the first step: SGD a momentum, if that is not 0; Adam and AdamW two averages; RMSprop an average, and a
/// momentum if that is not 0. Words: optimiser (0 SGD, 1 Adam, 2 AdamW, 3 RMSprop), its four parameters: momentum, nesterov, weightDecay, 0;
/// beta1, beta2, epsilon, weightDecay; the same; alpha, epsilon, momentum, weightDecay.
pub(crate) fn optimiser_step(mut call: Call) -> Result<(), SpecError> {
    let code = call.words.code("optimiser");
    let parameters = ["parameter"; 4].map(|name| call.words.number(name));
    call.words.end()?;
    let optimiser = Optimiser::from_code(code, parameters)?;
    let [step, rate] = clock(call.inputs)?;
    let (gradient, scale) = (call.inputs.get(0)?, call.inputs.get(2)?);
    expect_len("scale", scale.len(), 1)?;
    let Some((values, states)) = call.outputs.split_first_mut() else {
        return Err(SpecError::invalid("outputs", "has too few tensors"));
    };
    if scale[0].is_nan() {
        return Ok(());
    }
    optimiser.step(rate.into(), step as usize, scale[0].into(), gradient, values, states)
}
