//! Losses: a number that tells how wrong predictions are, and its gradient with respect to them, in one pass.

use crate::activation::{load_part, map, store_part};
use crate::math;
use crate::shape::{SpecError, checked_len, expect_len};
use crate::simd::F32x4;

/// What becomes of the losses of the samples (of [`cross_entropy`]) or elements (of [`elementwise`]).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum LossReduction {
    /// Their mean.
    #[default]
    Mean,
    /// Their sum.
    Sum,
}

impl LossReduction {
    /// The reduction of a number: 0 mean, 1 sum.
    pub fn from_code(code: u32) -> Result<Self, SpecError> {
        match code {
            0 => Ok(Self::Mean),
            1 => Ok(Self::Sum),
            _ => Err(SpecError::unknown_code("reduction", code, 1)),
        }
    }

    /// What each of `count` losses counts.
    fn weight(self, count: usize) -> f64 {
        match self {
            Self::Mean => 1.0 / count as f64,
            Self::Sum => 1.0,
        }
    }
}

/// The cross-entropy of softmax of `logits [n, classes]` and class indices, and its gradient with respect to the logits: that of softmax
/// and logarithm together, `(softmax - target) / n`, which neither overflows nor cancels.
///
/// `labels [n]` are whole numbers from 0 to `classes - 1`. Label smoothing `s`, 0 to 1, mixes the targets: `1 - s` of the label and
/// `s / classes` of every class, as in PyTorch.
pub fn cross_entropy(
    classes: usize,
    label_smoothing: f32,
    reduction: LossReduction,
    logits: &[f32],
    labels: &[f32],
    grad_logits: &mut [f32],
) -> Result<f32, SpecError> {
    expect_len("logits", logits.len(), checked_len("logits", &[labels.len(), classes])?)?;
    expect_len("gradLogits", grad_logits.len(), logits.len())?;
    if !(0.0..=1.0).contains(&label_smoothing) {
        return Err(SpecError::invalid("labelSmoothing", "is not from 0 to 1"));
    }
    if let Some(row) =
        labels.iter().position(|&label| !(label.fract() == 0.0 && (0.0..classes as f32).contains(&label)))
    {
        let error = SpecError::invalid("labels", "has no class at index {}; expected whole numbers from 0 to {}");
        return Err(error.number(row).number(classes - 1));
    }
    let weight = reduction.weight(labels.len());
    let smoothing = f64::from(label_smoothing);
    let of_all = smoothing / classes as f64;
    let mut loss = 0.0;
    let rows = logits.chunks_exact(classes).zip(grad_logits.chunks_exact_mut(classes));
    for ((row, to), &label) in rows.zip(labels) {
        let label = label as usize;
        let max = row.iter().fold(f32::NEG_INFINITY, |max, &x| if max < x { x } else { max });
        map(row, to, |x| math::exp(x - F32x4::splat(max)));
        let others = {
            let (before, rest) = to.split_at(label);
            before.iter().chain(&rest[1..]).map(|&e| f64::from(e)).sum::<f64>()
        };
        let sum = others + f64::from(to[label]);
        // -Σ target (x - max - ln sum); without smoothing only the label's term, as another may be infinite.
        loss += f64::from(math::log(F32x4::splat(sum as f32)).to_array()[0])
            - (1.0 - smoothing) * f64::from(row[label] - max);
        if smoothing > 0.0 {
            loss -= of_all * row.iter().map(|&x| f64::from(x - max)).sum::<f64>();
        }
        let (factor, offset) = (F32x4::splat((weight / sum) as f32), F32x4::splat((-weight * of_all) as f32));
        for to in to.chunks_mut(4) {
            store_part(load_part(to).mul_add(factor, offset), to);
        }
        // The label's own: p - (1 - smoothing) - of_all. What p lacks of 1 is the others' share; where it is small, 1 - p would cancel.
        to[label] = (weight * (smoothing - of_all - others / sum)) as f32;
    }
    Ok((loss * weight) as f32)
}

/// A loss of each prediction `x` and its target `t`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum ElementwiseLoss {
    /// Binary cross-entropy of `σ(x)`: `max(x, 0) - x t + ln(1 + e^-|x|)`, for logits `x` and targets from 0 to 1.
    BinaryCrossEntropy,
    /// `(x - t)²`
    SquaredError,
    /// `e² / 2` where `e = |x - t| <= delta`, else `delta (e - delta / 2)`: PyTorch's HuberLoss.
    Huber {
        /// Where it stops to be a square: above 0.
        delta: f32,
    },
}

impl ElementwiseLoss {
    /// The loss of a number: 0.. in the order of the enum, `delta` its parameter.
    pub fn from_code(code: u32, delta: f32) -> Result<Self, SpecError> {
        match code {
            0 => Ok(Self::BinaryCrossEntropy),
            1 => Ok(Self::SquaredError),
            2 if delta > 0.0 => Ok(Self::Huber { delta }),
            2 => Err(SpecError::invalid("delta", "is not above 0")),
            _ => Err(SpecError::unknown_code("loss", code, 2)),
        }
    }
}

/// A loss over all elements, and its gradient with respect to the predictions.
pub fn elementwise(
    loss: ElementwiseLoss,
    reduction: LossReduction,
    predictions: &[f32],
    targets: &[f32],
    grad_predictions: &mut [f32],
) -> Result<f32, SpecError> {
    checked_len("predictions", &[predictions.len()])?;
    expect_len("targets", targets.len(), predictions.len())?;
    expect_len("gradPredictions", grad_predictions.len(), predictions.len())?;
    let weight = reduction.weight(predictions.len());
    let (x, t, to) = (predictions, targets, grad_predictions);
    let [zero, half] = [0.0, 0.5].map(F32x4::splat);
    let sum = match loss {
        ElementwiseLoss::BinaryCrossEntropy => each(x, t, to, weight as f32, |x, t| {
            let loss = x.pmax(zero) - x * t + math::softplus(-x.abs());
            (loss, math::sigmoid(x) - t)
        }),
        ElementwiseLoss::SquaredError => each(x, t, to, weight as f32, |x, t| {
            let e = x - t;
            (e * e, e + e)
        }),
        ElementwiseLoss::Huber { delta } => each(x, t, to, weight as f32, |x, t| {
            let (e, delta) = (x - t, F32x4::splat(delta));
            let clamped = e.pmax(-delta).pmin(delta);
            // e²/2 within, and delta |e| - delta²/2 beyond.
            (clamped * (e - half * clamped), clamped)
        }),
    };
    Ok((sum * weight) as f32)
}

/// Elements whose losses are summed in float32 before they join the others in float64.
const BLOCK: usize = 64;

/// Loss and gradient of every element; gives the sum of the losses. What fills up the last vector is left out of the sum.
#[inline(always)]
fn each(x: &[f32], t: &[f32], to: &mut [f32], weight: f32, f: impl Fn(F32x4, F32x4) -> (F32x4, F32x4)) -> f64 {
    let weight = F32x4::splat(weight);
    let mut total = 0.0;
    for ((x, t), to) in x.chunks(BLOCK).zip(t.chunks(BLOCK)).zip(to.chunks_mut(BLOCK)) {
        let mut sum = F32x4::zero();
        for ((x, t), to) in x.chunks(4).zip(t.chunks(4)).zip(to.chunks_mut(4)) {
            let (loss, gradient) = f(load_part(x), load_part(t));
            store_part(gradient * weight, to);
            let mut kept = [0.0; 4];
            kept[..x.len()].copy_from_slice(&loss.to_array()[..x.len()]);
            sum = sum + F32x4::load(&kept);
        }
        total += f64::from(sum.sum());
    }
    total
}
