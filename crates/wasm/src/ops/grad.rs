//! Training: gradients, losses, steps of optimisers. Images are NHWC, filters `[kH, kW, inC / groups, outC]`.
//!
//! Where a gradient is wanted of some inputs only, flags at the end of the words tell of which; the outputs are those, in order.

use crate::call::{Call, output};
use lenslet_kernels::grad::conv::{Conv2dGradient, ConvTranspose2dGradient};
use lenslet_kernels::grad::dense::DenseGradient;
use lenslet_kernels::grad::dropout::Dropout;
use lenslet_kernels::grad::loss::{self, ElementwiseLoss, LossReduction};
use lenslet_kernels::grad::norm::{self, BatchNormTraining, BatchStatistics, NormGradients};
use lenslet_kernels::grad::optimiser::{Optimiser, sum_of_squares};
use lenslet_kernels::grad::{self, pool, sums};
use lenslet_kernels::norm::{BatchNorm, GroupNorm};
use lenslet_kernels::pad::PadMode;
use lenslet_kernels::pool::PoolKind;
use lenslet_kernels::resize::{Coordinates, Resize2d, ResizeMode, Rounding, Sampling};
use lenslet_kernels::shape::{ConvTranspose2dSpec, Pool2dShape, SpecError};

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

/// Inputs: x | 0, filter | 0, gradient. Outputs: those wanted of the gradients of x, filter, bias.
/// Words: n, inH, inW, inC, outC, kH, kW, strideH, strideW, dilationH, dilationW, padTop, padLeft, padBottom, padRight, groups, wantsInput,
/// wantsWeights, wantsBias.
pub(crate) fn conv2d(mut call: Call) -> Result<(), SpecError> {
    let image = call.words.image_sizes();
    let spec = call.words.conv2d(image);
    let wanted = wanted(&mut call);
    call.words.end()?;
    let conv = Conv2dGradient::new(&spec, call.accuracy)?;
    let (inputs, workspace) = (call.inputs, &mut call.scratch.workspace);
    let g = inputs.get(2)?;
    each_wanted(wanted, call.outputs, &mut |with, to| match with {
        With::Input => conv.input(g, inputs.get(1)?, workspace, to),
        With::Weights => conv.filter(inputs.get(0)?, g, workspace, to),
        With::Bias => conv.bias(g, to),
    })
}

/// Inputs and outputs as of `conv2dGrad`; words too, with outputPaddingH, outputPaddingW before the flags.
pub(crate) fn conv_transpose2d(mut call: Call) -> Result<(), SpecError> {
    let image = call.words.image_sizes();
    let conv = call.words.conv2d(image);
    let [output_padding_h, output_padding_w] = call.words.sizes(["outputPaddingH", "outputPaddingW"]);
    let wanted = wanted(&mut call);
    call.words.end()?;
    let spec = ConvTranspose2dSpec { conv, output_padding_h, output_padding_w };
    let conv = ConvTranspose2dGradient::new(&spec, call.accuracy)?;
    let (inputs, workspace) = (call.inputs, &mut call.scratch.workspace);
    let g = inputs.get(2)?;
    each_wanted(wanted, call.outputs, &mut |with, to| match with {
        With::Input => conv.input(g, inputs.get(1)?, workspace, to),
        With::Weights => conv.filter(inputs.get(0)?, g, workspace, to),
        With::Bias => conv.bias(g, to),
    })
}

/// Inputs: x | 0, weights `[k, n]` | 0, gradient. Outputs: those wanted of the gradients of x, weights, bias.
/// Words: m, k, n, wantsInput, wantsWeights, wantsBias.
pub(crate) fn dense(mut call: Call) -> Result<(), SpecError> {
    let [m, k, n] = call.words.sizes(["m", "k", "n"]);
    let wanted = wanted(&mut call);
    call.words.end()?;
    let dense = DenseGradient::new(m, k, n)?;
    let (inputs, workspace) = (call.inputs, &mut call.scratch.workspace);
    let g = inputs.get(2)?;
    each_wanted(wanted, call.outputs, &mut |with, to| match with {
        With::Input => dense.input(g, inputs.get(1)?, to),
        With::Weights => dense.weights(inputs.get(0)?, g, workspace, to),
        With::Bias => dense.bias(g, to),
    })
}

/// Inputs: x | 0 (of means), gradient. Words: kind, n, inH, inW, inC, kH, kW, strideH, strideW, dilationH, dilationW, padTop, padLeft,
/// padBottom, padRight, ceilMode, countIncludePad.
pub(crate) fn pool2d(mut call: Call) -> Result<(), SpecError> {
    let kind = call.words.code("kind");
    let image = call.words.image_sizes();
    let spec = call.words.pool2d(image);
    let count_include_pad = call.words.flag("countIncludePad");
    call.words.end()?;
    let (kind, shape) = (PoolKind::from_code(kind)?, Pool2dShape::new(&spec)?);
    let (x, g) = (call.inputs.optional(0)?, call.inputs.get(1)?);
    pool::pool2d(kind, &shape, count_include_pad, x, g, &mut call.scratch.workspace, output(call.outputs, 0)?)
}

/// Inputs: x | 0 (of means), gradient. Words: kind, n, inH, inW, inC, outH, outW; a global pool has 1 and 1.
pub(crate) fn adaptive_pool2d(mut call: Call) -> Result<(), SpecError> {
    let kind = call.words.code("kind");
    let image = call.words.image_sizes();
    let [out_h, out_w] = call.words.sizes(["outH", "outW"]);
    call.words.end()?;
    let (x, g) = (call.inputs.optional(0)?, call.inputs.get(1)?);
    let (workspace, to) = (&mut call.scratch.workspace, output(call.outputs, 0)?);
    pool::adaptive_pool2d(PoolKind::from_code(kind)?, &image, out_h, out_w, x, g, workspace, to)
}

/// Inputs: the activation's output, or of hardSwish, silu, swish, gelu, geluTanh, mish and thresholdedRelu its input; gradient.
/// Words: activation (3).
pub(crate) fn activation(mut call: Call) -> Result<(), SpecError> {
    let activation = call.words.activation();
    call.words.end()?;
    activation.gradient(call.inputs.get(0)?, call.inputs.get(1)?, output(call.outputs, 0)?)
}

/// Inputs: softmax's output, gradient. Words: outer, axisLen, inner, log.
pub(crate) fn softmax(mut call: Call) -> Result<(), SpecError> {
    let shape = call.words.sizes(["outer", "axisLen", "inner"]);
    let log = call.words.flag("log");
    call.words.end()?;
    let (y, g) = (call.inputs.get(0)?, call.inputs.get(1)?);
    grad::softmax(shape, log, y, g, &mut call.scratch.workspace, output(call.outputs, 0)?)
}

/// Inputs: x, scale | 0, offset | 0. Outputs: y; statistics `[2, channels]`, means and variances of the batch; and, moved where they
/// lie, running mean and running variance, if there are four. Words: channels, epsilon, momentum.
pub(crate) fn batch_norm_training(mut call: Call) -> Result<(), SpecError> {
    let channels = call.words.size("channels");
    let [epsilon, momentum] = ["epsilon", "momentum"].map(|name| call.words.float(name));
    call.words.end()?;
    let inputs = call.inputs;
    let norm = BatchNormTraining { scale: inputs.optional(1)?, offset: inputs.optional(2)?, epsilon, momentum };
    let (y, statistics, running) = match call.outputs {
        [y, statistics] => (y, statistics, None),
        [y, statistics, mean, variance] => (y, statistics, Some(BatchStatistics { mean, variance })),
        _ => return Err(SpecError::invalid("outputs", "has neither two tensors nor four")),
    };
    let (mean, variance) = statistics.split_at_mut(channels.min(statistics.len()));
    norm.run(inputs.get(0)?, BatchStatistics { mean, variance }, running, &mut call.scratch.workspace, y)
}

/// Inputs: x, scale | 0, statistics as `batchNormTraining` gives them, gradient. Outputs: gradients of x, scale, offset.
/// Words: channels, epsilon.
pub(crate) fn batch_norm(mut call: Call) -> Result<(), SpecError> {
    let channels = call.words.size("channels");
    let epsilon = call.words.float("epsilon");
    call.words.end()?;
    let inputs = call.inputs;
    let statistics = inputs.get(2)?;
    let (mean, variance) = statistics.split_at(channels.min(statistics.len()));
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

/// Inputs: x, scale | 0, gradient. Outputs: gradients of x, scale, offset. Words: n, h, w, c, groups, epsilon. Instance normalisation
/// has as many groups as channels.
pub(crate) fn group_norm(mut call: Call) -> Result<(), SpecError> {
    let image = call.words.image_sizes();
    let groups = call.words.size("groups");
    let epsilon = call.words.float("epsilon");
    call.words.end()?;
    let inputs = call.inputs;
    let norm = GroupNorm { groups, scale: inputs.optional(1)?, offset: None, epsilon };
    let gradients = gradients(call.outputs)?;
    norm::group_norm(&norm, &image, inputs.get(0)?, inputs.get(2)?, &mut call.scratch.workspace, gradients)
}

/// Inputs: x, scale | 0, gradient. Outputs: gradients of x, scale, offset. Words: inner, epsilon.
pub(crate) fn layer_norm(mut call: Call) -> Result<(), SpecError> {
    let inner = call.words.size("inner");
    let epsilon = call.words.float("epsilon");
    call.words.end()?;
    let inputs = call.inputs;
    let (x, scale, g) = (inputs.get(0)?, inputs.optional(1)?, inputs.get(2)?);
    norm::layer_norm(inner, scale, epsilon, x, g, &mut call.scratch.workspace, gradients(call.outputs)?)
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

/// Input: gradient of a shape that another was broadcast to. Output: the gradient of that other. Words: rank, shape of the gradient,
/// rank, shape of the other.
pub(crate) fn sum_to(mut call: Call) -> Result<(), SpecError> {
    let rank = call.words.size("rank");
    let out_shape = call.words.list("shape", rank);
    let rank = call.words.size("rank");
    let shape = call.words.list("shape", rank);
    call.words.end()?;
    sums::sum_to(&out_shape, &shape, call.inputs.get(0)?, output(call.outputs, 0)?)
}

/// Input: gradient. Words: mode (as of `pad`), rank, shape of the input, before, after.
pub(crate) fn pad(mut call: Call) -> Result<(), SpecError> {
    let mode = call.words.code("mode");
    let rank = call.words.size("rank");
    let [shape, before, after] = ["shape", "padding", "padding"].map(|name| call.words.list(name, rank));
    call.words.end()?;
    grad::pad(&shape, &before, &after, PadMode::from_code(mode)?, call.inputs.get(0)?, output(call.outputs, 0)?)
}

/// Input: gradient. Words: n, inH, inW, inC, outH, outW, mode, coordinates, rounding, cubicCoeffA, excludeOutside, antialias, scale of
/// rows and of columns (0: as sizes), codes as of `resize2d`.
pub(crate) fn resize2d(mut call: Call) -> Result<(), SpecError> {
    let image = call.words.image_sizes();
    let [out_h, out_w] = call.words.sizes(["outH", "outW"]);
    let [mode, coordinates, rounding] = ["mode", "coordinates", "rounding"].map(|name| call.words.code(name));
    let cubic_coeff_a = call.words.float("cubicCoeffA");
    let [exclude_outside, antialias] = ["excludeOutside", "antialias"].map(|name| call.words.flag(name));
    let scales = ["scale", "scale"].map(|name| call.words.float(name));
    call.words.end()?;
    let sampling = Sampling {
        mode: ResizeMode::from_code(mode)?,
        coordinates: Coordinates::from_code(coordinates)?,
        rounding: Rounding::from_code(rounding)?,
        cubic_coeff_a,
        exclude_outside,
        antialias,
        scales: (scales != [0.0; 2]).then_some(scales),
    };
    let resize = Resize2d::with_sampling(image, out_h, out_w, sampling)?;
    grad::resize2d(&resize, call.inputs.get(0)?, &mut call.scratch.workspace, output(call.outputs, 0)?)
}

/// Inputs: x, or the gradient of what it gave; clock, whose first number is the step. Words: rate, two halves of the seed and the stream, each below
/// 2^31.
pub(crate) fn dropout(mut call: Call) -> Result<(), SpecError> {
    let rate = call.words.float("rate");
    let [low, high, stream] = call.words.sizes(["seed", "seed", "stream"]).map(|number| number as u32);
    call.words.end()?;
    let [step, ..] = *call.inputs.get(1)? else { return Err(SpecError::invalid("clock", "is empty")) };
    let dropout = Dropout::new(rate, [low, high], stream, step as u32)?;
    dropout.run(call.inputs.get(0)?, output(call.outputs, 0)?)
}

/// Inputs: gradient; clock, `[step, learningRate]`, the first step being 1; gradient scale `[1]` | 0. Outputs, changed where they lie:
/// parameters, then as many states as the optimiser has, zeros before the first step.
/// Words: optimiser (0 SGD, 1 Adam, 2 AdamW, 3 RMSprop), its four parameters: momentum, nesterov, weightDecay, 0; beta1, beta2, epsilon,
/// weightDecay; the same; alpha, epsilon, momentum, weightDecay.
pub(crate) fn optimiser_step(mut call: Call) -> Result<(), SpecError> {
    let code = call.words.code("optimiser");
    let parameters = ["parameter"; 4].map(|name| call.words.number(name));
    call.words.end()?;
    let inputs = call.inputs;
    let [step, rate] = *inputs.get(1)? else { return Err(SpecError::invalid("clock", "is not two numbers")) };
    let scale = inputs.optional(2)?.and_then(|scale| scale.first()).map_or(1.0, |&scale| f64::from(scale));
    let Some((values, states)) = call.outputs.split_first_mut() else {
        return Err(SpecError::invalid("outputs", "has too few tensors"));
    };
    Optimiser::from_code(code, parameters)?.step(rate.into(), step as usize, scale, inputs.get(0)?, values, states)
}

/// Inputs: gradients of all parameters. Outputs: the norm of all of them together `[1]`, and what to multiply them with so that it is at
/// most maxNorm `[1]`: `maxNorm / (norm + 1e-6)`, 1 where that is more (PyTorch). Words: maxNorm.
pub(crate) fn gradient_norm(mut call: Call) -> Result<(), SpecError> {
    let max_norm = call.words.number("maxNorm");
    call.words.end()?;
    let mut squares = 0.0;
    for index in 0..call.inputs.len() {
        squares += sum_of_squares(call.inputs.get(index)?);
    }
    let norm = squares.sqrt();
    output(call.outputs, 0)?.fill(norm as f32);
    output(call.outputs, 1)?.fill((max_norm / (norm + 1e-6)).min(1.0) as f32);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::call::Operator;
    use crate::core::with_core;
    use crate::heap::Handle;
    use crate::ops::conv;

    fn tensor(values: &[f32]) -> Handle {
        with_core(|core| {
            let handle = core.alloc(values.len()).unwrap();
            let mut buffer = core.heap.take(handle).unwrap();
            buffer.as_mut_slice().copy_from_slice(values);
            core.heap.put_back(handle, buffer);
            handle
        })
    }

    fn values(handle: Handle) -> Vec<f32> {
        with_core(|core| core.heap.get(handle).unwrap().to_vec())
    }

    fn call(
        run: fn(Call) -> Result<(), SpecError>,
        inputs: &[Handle],
        outputs: &[Handle],
        words: &[f64],
    ) -> Result<(), SpecError> {
        with_core(|core| {
            let handles = inputs.iter().chain(outputs).map(|&handle| handle as f64);
            for (to, number) in core.block.iter_mut().zip(handles.chain(words.iter().copied())) {
                *to = number;
            }
            let packs = std::ptr::fn_addr_eq(run, conv::dense as fn(Call) -> Result<(), SpecError>);
            let operator = if packs { Operator::packing(run) } else { Operator::plain(run) };
            core.call(0, [inputs.len(), outputs.len(), words.len()], operator)
        })
    }

    /// Two outputs of a layer of two weights: forward, loss, backward, a step; and the next forward pass knows the new weights.
    #[test]
    fn a_layer_is_trained() {
        let (x, w, y) = (tensor(&[1.0, 2.0]), tensor(&[0.5, 0.25]), tensor(&[0.0]));
        let forward = [1.0, 2.0, 1.0, 0.0, 0.0, 0.0, 0.0];
        call(conv::dense, &[x, w, 0], &[y], &forward).unwrap();
        assert_eq!(values(y), [1.0]);
        let (target, loss, g) = (tensor(&[3.0]), tensor(&[0.0]), tensor(&[0.0]));
        call(elementwise_loss, &[y, target], &[loss, g], &[1.0, 0.0, 0.0]).unwrap();
        assert_eq!((values(loss), values(g)), (vec![4.0], vec![-4.0]));
        let (grad, bias) = (tensor(&[0.0; 2]), tensor(&[0.0]));
        call(dense, &[x, 0, g], &[grad, bias], &[1.0, 2.0, 1.0, 0.0, 1.0, 1.0]).unwrap();
        assert_eq!((values(grad), values(bias)), (vec![-4.0, -8.0], vec![-4.0]));
        let (norm, scale) = (tensor(&[0.0]), tensor(&[0.0]));
        call(gradient_norm, &[grad], &[norm, scale], &[100.0]).unwrap();
        assert_eq!((values(norm), values(scale)), (vec![80f32.sqrt()], vec![1.0]));
        let (clock, momentum) = (tensor(&[1.0, 0.125]), tensor(&[0.0; 2]));
        call(optimiser_step, &[grad, clock, scale], &[w, momentum], &[0.0, 0.5, 0.0, 0.0, 0.0]).unwrap();
        assert_eq!((values(w), values(momentum)), (vec![1.0, 1.25], vec![-4.0, -8.0]));
        call(conv::dense, &[x, w, 0], &[y], &forward).unwrap();
        assert_eq!(values(y), [3.5]);
    }

    #[test]
    fn gradients_that_are_not_wanted_need_no_inputs() {
        let (w, g, to) = (tensor(&[2.0, 3.0]), tensor(&[1.0]), tensor(&[0.0; 2]));
        let words = |flags: [f64; 3]| [[1.0, 2.0, 1.0].as_slice(), &flags].concat();
        call(dense, &[0, w, g], &[to], &words([1.0, 0.0, 0.0])).unwrap();
        assert_eq!(values(to), [2.0, 3.0]);
        assert_eq!(call(dense, &[0, w, g], &[to], &words([0.0, 1.0, 0.0])).unwrap_err().argument, "inputs");
        assert_eq!(call(dense, &[0, w, g], &[to], &words([1.0, 0.0, 1.0])).unwrap_err().argument, "outputs");
        assert_eq!(call(dense, &[0, w, g], &[to], &words([2.0, 0.0, 0.0])).unwrap_err().argument, "wantsInput");
    }

    #[test]
    fn running_statistics_move_where_they_lie() {
        let (x, y, statistics) = (tensor(&[1.0, 3.0]), tensor(&[0.0; 2]), tensor(&[0.0; 2]));
        let (mean, variance) = (tensor(&[0.0]), tensor(&[1.0]));
        call(batch_norm_training, &[x, 0, 0], &[y, statistics, mean, variance], &[1.0, 0.0, 0.5]).unwrap();
        assert_eq!((values(y), values(statistics)), (vec![-1.0, 1.0], vec![2.0, 1.0]));
        assert_eq!((values(mean), values(variance)), (vec![1.0], vec![1.5]));
        let [a, b, c] = [tensor(&[0.0; 2]), tensor(&[0.0]), tensor(&[0.0])];
        let g = tensor(&[1.0, 1.0]);
        call(batch_norm, &[x, 0, statistics, g], &[a, b, c], &[1.0, 0.0]).unwrap();
        assert_eq!([values(a), values(b), values(c)], [vec![0.0, 0.0], vec![0.0], vec![2.0]]);
        assert_eq!(call(batch_norm_training, &[x, 0, 0], &[y], &[1.0, 0.0, 0.5]).unwrap_err().argument, "outputs");
    }
}
