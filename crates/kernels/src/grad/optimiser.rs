//! Steps of optimisers, in place: the formulas are PyTorch's.

use crate::activation::{load_part, store_part};
use crate::shape::{SpecError, expect_len};
use crate::simd::F32x4;

/// How parameters `v` follow from gradients `g`; `lr` is the learning rate. State (momenta, averages) begins with zeros.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Optimiser {
    /// Stochastic gradient descent: `g += weight_decay v`; `b = momentum b + g`; `v -= lr b`, or with Nesterov's momentum
    /// `v -= lr (g + momentum b)`. One state, `b`.
    Sgd {
        /// 0 for none.
        momentum: f64,
        /// Whether the step looks ahead.
        nesterov: bool,
        /// L2 penalty.
        weight_decay: f64,
    },
    /// Kingma and Ba, "Adam: a method for stochastic optimization", 2015: `m` and `s` are moving averages of `g` and `g²`, and
    /// `v -= lr m' / (√s' + epsilon)` with `m' = m / (1 - beta1^step)`, `s'` likewise. Two states, `m` and `s`.
    Adam {
        /// Of `m`; usually 0.9.
        beta1: f64,
        /// Of `s`; usually 0.999.
        beta2: f64,
        /// Usually 1e-8.
        epsilon: f64,
        /// Added to the gradient as `weight_decay v`, or with `decoupled` taken from the parameters themselves, `v *= 1 - lr weight_decay`.
        weight_decay: f64,
        /// Loshchilov and Hutter, "Decoupled weight decay regularization", 2019: AdamW.
        decoupled: bool,
    },
    /// Hinton's RMSprop: `s = alpha s + (1 - alpha) g²`; `b = momentum b + g / (√s + epsilon)`; `v -= lr b`. Two states, `s` and `b`.
    RmsProp {
        /// Of `s`; usually 0.99.
        alpha: f64,
        /// Usually 1e-8.
        epsilon: f64,
        /// 0 for none.
        momentum: f64,
        /// L2 penalty.
        weight_decay: f64,
    },
}

impl Optimiser {
    /// The optimiser of a number (0 SGD, 1 Adam, 2 AdamW, 3 RMSprop) and its parameters in the order of the variant's fields, without
    /// `decoupled`; those that it does not have are not looked at.
    pub fn from_code(code: u32, [a, b, c, d]: [f64; 4]) -> Result<Self, SpecError> {
        let at_least_0 = |name: &'static str, value: f64| {
            if value >= 0.0 { Ok(value) } else { Err(SpecError::invalid(name, "is not 0 or more")) }
        };
        let below_1 = |name: &'static str, value: f64| {
            if (0.0..1.0).contains(&value) {
                Ok(value)
            } else {
                Err(SpecError::invalid(name, "is not from 0 to below 1"))
            }
        };
        match code {
            0 => Ok(Self::Sgd {
                momentum: at_least_0("momentum", a)?,
                nesterov: b != 0.0,
                weight_decay: at_least_0("weightDecay", c)?,
            }),
            1 | 2 => Ok(Self::Adam {
                beta1: below_1("beta1", a)?,
                beta2: below_1("beta2", b)?,
                epsilon: at_least_0("epsilon", c)?,
                weight_decay: at_least_0("weightDecay", d)?,
                decoupled: code == 2,
            }),
            3 => Ok(Self::RmsProp {
                alpha: below_1("alpha", a)?,
                epsilon: at_least_0("epsilon", b)?,
                momentum: at_least_0("momentum", c)?,
                weight_decay: at_least_0("weightDecay", d)?,
            }),
            _ => Err(SpecError::unknown_code("optimiser", code, 3)),
        }
    }

    /// Tensors of state, each as long as the parameters.
    pub fn states(&self) -> usize {
        match *self {
            Self::Sgd { momentum, .. } => usize::from(momentum != 0.0),
            Self::Adam { .. } => 2,
            Self::RmsProp { momentum, .. } => 1 + usize::from(momentum != 0.0),
        }
    }

    /// Step number `step` (1, 2, ...) on all of a tensor's parameters, in place. `gradient_scale` multiplies the gradient first: 1, or
    /// less where gradients are clipped, or one over the number of batches whose gradients were added.
    pub fn step(
        &self,
        learning_rate: f64,
        step: usize,
        gradient_scale: f64,
        gradient: &[f32],
        parameters: &mut [f32],
        states: &mut [&mut [f32]],
    ) -> Result<(), SpecError> {
        expect_len("gradient", gradient.len(), parameters.len())?;
        expect_len("states", states.len(), self.states())?;
        for state in states.iter() {
            expect_len("state", state.len(), parameters.len())?;
        }
        if step == 0 {
            return Err(SpecError::invalid("step", "is 0; the first step is 1"));
        }
        let [first, second] = match states {
            [first, second] => [&mut **first, &mut **second],
            [first] => [&mut **first, &mut []],
            _ => [&mut [][..], &mut []],
        };
        let splat = |x: f64| F32x4::splat(x as f32);
        let scale = splat(gradient_scale);
        match *self {
            Self::Sgd { momentum, nesterov, weight_decay } => {
                let [momentum, decay, rate] = [momentum, weight_decay, learning_rate].map(splat);
                each(gradient, parameters, first, second, |g, v, b, none| {
                    let g = v.mul_add(decay, g * scale);
                    let b = b.mul_add(momentum, g);
                    let direction = if nesterov { b.mul_add(momentum, g) } else { b };
                    [v - rate * direction, b, none]
                });
            }
            Self::Adam { beta1, beta2, epsilon, weight_decay, decoupled } => {
                // In float64: 1 - 0.999 has three digits fewer than its terms.
                let corrections = [beta1, beta2].map(|beta| 1.0 - power(beta, step));
                let [rate, root] = [learning_rate / corrections[0], 1.0 / corrections[1].sqrt()].map(splat);
                let (kept, decay) =
                    if decoupled { (1.0 - learning_rate * weight_decay, 0.0) } else { (1.0, weight_decay) };
                let [kept, decay, epsilon] = [kept, decay, epsilon].map(splat);
                let [new1, new2] = [beta1, beta2].map(|beta| splat(1.0 - beta));
                let [beta1, beta2] = [beta1, beta2].map(splat);
                each(gradient, parameters, first, second, |g, v, m, s| {
                    let g = v.mul_add(decay, g * scale);
                    let m = g.mul_add(new1, m * beta1);
                    let s = (g * g).mul_add(new2, s * beta2);
                    let step = m / s.sqrt().mul_add(root, epsilon);
                    [v * kept - rate * step, m, s]
                });
            }
            Self::RmsProp { alpha, epsilon, momentum, weight_decay } => {
                let new = splat(1.0 - alpha);
                let [alpha, epsilon, momentum, decay, rate] =
                    [alpha, epsilon, momentum, weight_decay, learning_rate].map(splat);
                each(gradient, parameters, first, second, |g, v, s, b| {
                    let g = v.mul_add(decay, g * scale);
                    let s = (g * g).mul_add(new, s * alpha);
                    let b = b.mul_add(momentum, g / (s.sqrt() + epsilon));
                    [v - rate * b, s, b]
                });
            }
        }
        Ok(())
    }
}

/// `base^exponent` by squaring: the same on every machine.
fn power(base: f64, exponent: usize) -> f64 {
    let (mut result, mut base, mut left) = (1.0, base, exponent);
    while left > 0 {
        if left & 1 == 1 {
            result *= base;
        }
        base *= base;
        left >>= 1;
    }
    result
}

/// Floats that are worked on at a time.
const PIECE: usize = 64;

/// `[v, a, b] = f(g, v, a, b)`, element by element; a state that is not there is 0, and forgotten.
#[inline(always)]
fn each(
    gradient: &[f32],
    parameters: &mut [f32],
    first: &mut [f32],
    second: &mut [f32],
    f: impl Fn(F32x4, F32x4, F32x4, F32x4) -> [F32x4; 3],
) {
    for (i, (g, v)) in gradient.chunks(PIECE).zip(parameters.chunks_mut(PIECE)).enumerate() {
        let mut none = [[0.0; PIECE]; 2];
        let [no_a, no_b] = none.each_mut().map(|none| &mut none[..g.len()]);
        let here = i * PIECE..i * PIECE + g.len();
        let (a, a_rest) = first.get_mut(here.clone()).unwrap_or(no_a).as_chunks_mut::<4>();
        let (b, b_rest) = second.get_mut(here).unwrap_or(no_b).as_chunks_mut::<4>();
        let (g, g_rest) = g.as_chunks::<4>();
        let (v, v_rest) = v.as_chunks_mut::<4>();
        for (((g, v), a), b) in g.iter().zip(v).zip(a).zip(b) {
            let new = f(F32x4::load(g), F32x4::load(v), F32x4::load(a), F32x4::load(b));
            new[0].store(v);
            new[1].store(a);
            new[2].store(b);
        }
        if !g_rest.is_empty() {
            let new = f(load_part(g_rest), load_part(v_rest), load_part(a_rest), load_part(b_rest));
            store_part(new[0], v_rest);
            store_part(new[1], a_rest);
            store_part(new[2], b_rest);
        }
    }
}

/// `Σ x²` of all values, for the norm of a gradient: its root, over all tensors, is what clipping compares. Squares of 64 neighbours are
/// summed in float32, the rest in float64. Infinite for values above 1.8e19.
pub fn sum_of_squares(values: &[f32]) -> f64 {
    let of_piece =
        |values: &[f32]| values.chunks(4).fold(F32x4::zero(), |sum, x| load_part(x).mul_add(load_part(x), sum)).sum();
    values.chunks(PIECE).map(|values| f64::from(of_piece(values))).sum()
}
