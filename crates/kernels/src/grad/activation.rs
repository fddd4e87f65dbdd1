//! Gradients of activation functions.

use crate::activation::{Activation, load_part, store_part};
use crate::math;
use crate::shape::{SpecError, expect_len};
use crate::simd::F32x4;

/// What an activation's gradient is computed from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Needs {
    /// The activation's input.
    Input,
    /// Its output: cheaper, and what follows keeps it anyway.
    Output,
}

/// Derivatives, by what they are computed from: `v` is the input or the output, see [`Needs`].
#[derive(Clone, Copy, Debug, PartialEq)]
enum Derivative {
    /// `above` where `v > at`, else `factor v + offset`.
    Bend { at: f32, above: f32, factor: f32, offset: f32 },
    /// `slope` where `min < v < max`, else 0.
    Band { min: f32, max: f32, slope: f32 },
    /// Of functions that have a formula of their own.
    Smooth(Activation),
}

impl Activation {
    /// What [`Self::gradient`] wants to know.
    pub fn gradient_needs(self) -> Needs {
        match self {
            Self::HardSwish { .. } | Self::Silu | Self::Swish { .. } | Self::Gelu | Self::GeluTanh | Self::Mish => {
                Needs::Input
            }
            Self::ThresholdedRelu { .. } => Needs::Input,
            _ => Needs::Output,
        }
    }

    fn derivative(self) -> Result<Derivative, SpecError> {
        let not_negative = |alpha: f32| {
            // Else the output would not tell on which side of zero the input was.
            if alpha >= 0.0 {
                Ok(alpha)
            } else {
                Err(SpecError::invalid("alpha", "is below 0; such a function cannot be trained"))
            }
        };
        let bend = |at, above, factor, offset| Ok(Derivative::Bend { at, above, factor, offset });
        match self {
            Self::Identity => bend(f32::NAN, 1.0, 0.0, 0.0), // nothing is up to NaN
            Self::Relu => bend(0.0, 1.0, 0.0, 0.0),
            Self::Relu6 => Ok(Derivative::Band { min: 0.0, max: 6.0, slope: 1.0 }),
            Self::Clamp { min, max } => Ok(Derivative::Band { min, max, slope: 1.0 }),
            Self::LeakyRelu { alpha } => bend(0.0, 1.0, 0.0, not_negative(alpha)?),
            Self::HardSigmoid { alpha, .. } => Ok(Derivative::Band { min: 0.0, max: 1.0, slope: alpha }),
            Self::Elu { alpha } => bend(0.0, 1.0, 1.0, not_negative(alpha)?),
            Self::Selu { alpha, gamma } => bend(0.0, not_negative(gamma)?, 1.0, gamma * not_negative(alpha)?),
            Self::Celu { alpha } => bend(0.0, 1.0, 1.0 / alpha, 1.0),
            Self::ThresholdedRelu { alpha } => bend(alpha, 1.0, 0.0, 0.0),
            other => Ok(Derivative::Smooth(other)),
        }
    }

    /// `grad_input = grad_output f'(x)`, from the values that [`Self::gradient_needs`] names.
    ///
    /// Where a function has a corner, its derivative is that below the corner (as in PyTorch): 0 at the zero of ReLU; 0 at both
    /// bounds of a clamp. `LeakyRelu`, `Elu` and `Selu` with negative parameters are refused: their outputs do not tell their inputs' signs.
    pub fn gradient(self, values: &[f32], grad_output: &[f32], grad_input: &mut [f32]) -> Result<(), SpecError> {
        expect_len("values", values.len(), grad_output.len())?;
        expect_len("gradInput", grad_input.len(), grad_output.len())?;
        let one = F32x4::splat(1.0);
        let (v, g, to) = (values, grad_output, grad_input);
        match self.derivative()? {
            Derivative::Bend { at, above, factor, offset } => {
                let [at, above, factor, offset] = [at, above, factor, offset].map(F32x4::splat);
                each(v, g, to, |v| v.le(at).select(finite(v).mul_add(factor, offset), above));
            }
            Derivative::Band { min, max, slope } => {
                let [min, max, slope] = [min, max, slope].map(F32x4::splat);
                each(v, g, to, |v| min.lt(v).and(v.lt(max)).and(slope));
            }
            Derivative::Smooth(smooth) => match smooth {
                Self::Sigmoid => each(v, g, to, |y| y * (one - y)),
                Self::Tanh => each(v, g, to, |y| (one - y) * (one + y)),
                Self::Softplus => each(v, g, to, |y| -math::exp_m1_of_negative(-y)),
                Self::Softsign => each(v, g, to, |y| (one - y.abs()) * (one - y.abs())),
                Self::HardSwish { scale, .. } => {
                    let scale = F32x4::splat(scale);
                    each(v, g, to, |x| hard_swish(x) * scale);
                }
                Self::Swish { alpha } => each(v, g, to, |x| swish(x, alpha)),
                Self::Gelu => each(v, g, to, gelu),
                Self::GeluTanh => each(v, g, to, gelu_tanh),
                Self::Mish => each(v, g, to, mish),
                _ => each(v, g, to, |x| swish(x, 1.0)),
            },
        }
        Ok(())
    }
}

/// `to = g f(v)`, element by element.
#[inline(always)]
fn each(v: &[f32], g: &[f32], to: &mut [f32], f: impl Fn(F32x4) -> F32x4) {
    let ((v, v_rest), (g, g_rest)) = (v.as_chunks::<4>(), g.as_chunks::<4>());
    let (to, rest) = to.as_chunks_mut::<4>();
    for ((v, g), to) in v.iter().zip(g).zip(to) {
        (F32x4::load(g) * f(F32x4::load(v))).store(to);
    }
    if !rest.is_empty() {
        store_part(load_part(g_rest) * f(load_part(v_rest)), rest);
    }
}

/// `x`, but not an infinity, whose product with 0 would be NaN.
#[inline(always)]
fn finite(x: F32x4) -> F32x4 {
    x.pmax(F32x4::splat(f32::MIN)).pmin(F32x4::splat(f32::MAX))
}

/// `1 / (1 + e^-x)` and what it lacks of 1, without cancellation.
#[inline(always)]
fn sigmoids(x: F32x4) -> (F32x4, F32x4) {
    let one = F32x4::splat(1.0);
    let e = math::exp(-x.abs());
    let (smaller, larger) = (e / (one + e), one / (one + e));
    let is_negative = x.lt(F32x4::zero());
    (is_negative.select(smaller, larger), is_negative.select(larger, smaller))
}

/// 0 up to -3, 1 from 3 on, `x / 3 + 1 / 2` between.
#[inline(always)]
fn hard_swish(x: F32x4) -> F32x4 {
    let three = F32x4::splat(3.0);
    let between = x.mul_add(F32x4::splat(1.0 / 3.0), F32x4::splat(0.5));
    x.le(-three).select(F32x4::zero(), x.lt(three).select(between, F32x4::splat(1.0)))
}

/// `σ (1 + αx (1 - σ))` with `σ = 1 / (1 + e^-αx)`
#[inline(always)]
fn swish(x: F32x4, alpha: f32) -> F32x4 {
    let u = finite(x * F32x4::splat(alpha));
    let (s, rest) = sigmoids(u);
    s * (u * rest + F32x4::splat(1.0))
}

/// `Φ(x) + x φ(x)`
#[inline(always)]
fn gelu(x: F32x4) -> F32x4 {
    // Beyond 14 the density is 0, and x² would overflow later on.
    let near = x.pmax(F32x4::splat(-14.0)).pmin(F32x4::splat(14.0));
    let density = math::exp(near * near * F32x4::splat(-0.5)) * F32x4::splat(0.398_942_3);
    near.mul_add(density, math::normal_cdf(x))
}

/// `σ + x σ (1 - σ) u'` with `σ = σ(u)`, `u = 2 √(2/π) (x + 0.044715 x³)`
#[inline(always)]
fn gelu_tanh(x: F32x4) -> F32x4 {
    // Beyond 14 it is 0 or 1.
    let near = x.pmax(F32x4::splat(-14.0)).pmin(F32x4::splat(14.0));
    let square = near * near;
    let scale = F32x4::splat(1.595_769);
    let u = scale * (square * near).mul_add(F32x4::splat(0.044_715), near);
    let slope = scale * square.mul_add(F32x4::splat(3.0 * 0.044_715), F32x4::splat(1.0));
    let (s, rest) = sigmoids(u);
    (near * rest * slope).mul_add(s, s)
}

/// `t + x (1 - t²) σ(x)` with `t = tanh(ln(1 + e^x))`
#[inline(always)]
fn mish(x: F32x4) -> F32x4 {
    // t = n / (n + 2) with n = e (e + 2), e = e^x, so that 1 - t² = 4 (n + 1) / (n + 2)²; from 20 on t is 1 and the rest 0.
    let near = x.pmax(F32x4::splat(-100.0)).pmin(F32x4::splat(20.0));
    let (one, two) = (F32x4::splat(1.0), F32x4::splat(2.0));
    let e = math::exp(near);
    let n = e * (e + two);
    let t = n / (n + two);
    let sigmoid = e / (e + one);
    let rest = F32x4::splat(4.0) * (n + one) / ((n + two) * (n + two));
    near.mul_add(rest * sigmoid, t)
}
