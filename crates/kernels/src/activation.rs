//! Activation functions: one vector, one value, or whole slices.

use crate::math::{self, Exp};
use crate::shape::{SpecError, expect_len};
use crate::simd::{F32x4, hoisted};

/// A function applied to every element, alone or fused into the operator before it. NaN in gives NaN out.
/// At minus infinity `HardSwish`, `Silu`, `Gelu` and `GeluTanh` give their limit -0, where PyTorch gives NaN.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Activation {
    /// `x`
    Identity,
    /// `max(x, 0)`
    Relu,
    /// `min(max(x, 0), 6)`
    Relu6,
    /// `min(max(x, min), max)`
    Clamp {
        /// Smallest result.
        min: f32,
        /// Largest result.
        max: f32,
    },
    /// `x` if `x >= 0`, else `alpha x`
    LeakyRelu {
        /// Slope below zero.
        alpha: f32,
    },
    /// `1 / (1 + e^-x)`
    Sigmoid,
    /// `tanh x`
    Tanh,
    /// `min(max(alpha x + beta, 0), 1)`; ONNX's defaults are 0.2 and 0.5, PyTorch's are 1/6 and 0.5
    HardSigmoid {
        /// Slope.
        alpha: f32,
        /// Value at zero.
        beta: f32,
    },
    /// `scale x min(max(x / 6 + 0.5, 0), 1) + shift`; plain hard swish at 1 and 0
    HardSwish {
        /// What the function is multiplied by.
        scale: f32,
        /// What is added to it.
        shift: f32,
    },
    /// `x / (1 + e^-x)`, also called swish
    Silu,
    /// `x Φ(x) = x (1 + erf(x / √2)) / 2`. Keeps its relative precision far below zero, where `1 + erf` cancels.
    Gelu,
    /// GELU's approximation `x (1 + tanh(√(2/π) (x + 0.044715 x^3))) / 2`
    GeluTanh,
    /// `x` if `x >= 0`, else `alpha (e^x - 1)`
    Elu {
        /// Minus the value at minus infinity.
        alpha: f32,
    },
    /// `x tanh(ln(1 + e^x))`
    Mish,
    /// `ln(1 + e^x)`
    Softplus,
    /// `x / (1 + |x|)`
    Softsign,
    /// `gamma x` if `x >= 0`, else `gamma alpha (e^x - 1)`
    Selu {
        /// Minus the value at minus infinity, over gamma.
        alpha: f32,
        /// Slope above zero.
        gamma: f32,
    },
    /// `x` if `x >= 0`, else `alpha (e^(x / alpha) - 1)`
    Celu {
        /// Minus the value at minus infinity.
        alpha: f32,
    },
    /// `x` if `x > alpha`, else 0
    ThresholdedRelu {
        /// What is not passed on.
        alpha: f32,
    },
    /// `x / (1 + e^(-alpha x))`
    Swish {
        /// How steep the step is.
        alpha: f32,
    },
}

/// Binds `$f` to the closure of one activation and expands `$body` once for each, so that loops in it are specialised.
macro_rules! with_closure {
    ($activation:expr, |$f:ident| $body:expr) => {
        match $activation {
            Activation::Identity => with_closure!(@ $f, |x: F32x4| x, $body),
            Activation::Relu => with_closure!(@ $f, |x: F32x4| x.pmax(F32x4::zero()), $body),
            Activation::Relu6 => with_closure!(@ $f, |x: F32x4| x.pmax(F32x4::zero()).pmin(F32x4::splat(6.0)), $body),
            Activation::Clamp { min, max } => {
                with_closure!(@ $f, |x: F32x4| x.pmax(F32x4::splat(min)).pmin(F32x4::splat(max)), $body)
            }
            Activation::LeakyRelu { alpha } => {
                with_closure!(@ $f, leaky_relu(alpha), $body)
            }
            Activation::Sigmoid => with_closure!(@ $f, sigmoid(), $body),
            Activation::Tanh => with_closure!(@ $f, math::tanh, $body),
            Activation::HardSigmoid { alpha, beta } => with_closure!(@ $f, hard_sigmoid(alpha, beta), $body),
            Activation::HardSwish { scale, shift } => with_closure!(@ $f, hard_swish(scale, shift), $body),
            Activation::Silu => with_closure!(@ $f, silu(), $body),
            Activation::Gelu => with_closure!(@ $f, |x: F32x4| finite_below(x) * math::normal_cdf(x), $body),
            Activation::GeluTanh => with_closure!(@ $f, gelu_tanh, $body),
            Activation::Elu { alpha } => with_closure!(@ $f, |x: F32x4| elu(x, alpha, 1.0), $body),
            Activation::Mish => with_closure!(@ $f, mish, $body),
            Activation::Softplus => with_closure!(@ $f, math::softplus, $body),
            Activation::Softsign => with_closure!(@ $f, softsign, $body),
            Activation::Selu { alpha, gamma } => {
                with_closure!(@ $f, |x: F32x4| elu(x, alpha, 1.0) * F32x4::splat(gamma), $body)
            }
            Activation::Celu { alpha } => with_closure!(@ $f, |x: F32x4| elu(x, alpha, alpha), $body),
            Activation::ThresholdedRelu { alpha } => {
                with_closure!(@ $f, |x: F32x4| x.le(F32x4::splat(alpha)).select(F32x4::zero(), x), $body)
            }
            Activation::Swish { alpha } => {
                with_closure!(@ $f, |x: F32x4| finite_below(x) * math::sigmoid(x * F32x4::splat(alpha)), $body)
            }
        }
    };
    (@ $f:ident, $closure:expr, $body:expr) => {{
        let $f = $closure;
        $body
    }};
}

/// `x`, but not minus infinity, whose product with 0 would be NaN.
#[inline(always)]
fn finite_below(x: F32x4) -> F32x4 {
    x.pmax(F32x4::splat(f32::MIN))
}

#[inline(always)]
fn leaky_relu(alpha: f32) -> impl Fn(F32x4) -> F32x4 {
    let alpha = F32x4::splat(alpha);
    move |x| x.lt(F32x4::zero()).select(x * alpha, x)
}

#[inline(always)]
fn hard_sigmoid(alpha: f32, beta: f32) -> impl Fn(F32x4) -> F32x4 {
    let [alpha, beta, one] = hoisted([alpha, beta, 1.0]);
    move |x| x.mul_add(alpha, beta).pmax(F32x4::zero()).pmin(one)
}

#[inline(always)]
fn hard_swish(scale: f32, shift: f32) -> impl Fn(F32x4) -> F32x4 {
    // -0 + 0 would be 0, -0 + -0 is not.
    let shift = if shift == 0.0 { -0.0 } else { shift };
    // The gate, times the scale.
    let [alpha, beta, min, max] = hoisted([scale / 6.0, scale / 2.0, scale.min(0.0), scale.max(0.0)]);
    let [lowest, shift] = hoisted([f32::MIN, shift]);
    move |x| x.pmax(lowest).mul_add(x.mul_add(alpha, beta).pmax(min).pmin(max), shift)
}

#[inline(always)]
fn sigmoid() -> impl Fn(F32x4) -> F32x4 {
    let exp = Exp::hoisted();
    move |x| exp.sigmoid(x)
}

#[inline(always)]
fn silu() -> impl Fn(F32x4) -> F32x4 {
    let [lowest] = hoisted([f32::MIN]);
    let sigmoid = sigmoid();
    move |x| x.pmax(lowest) * sigmoid(x)
}

#[inline(always)]
fn gelu_tanh(x: F32x4) -> F32x4 {
    // (1 + tanh u) / 2 = sigmoid(2u), without the cancellation; 2 √(2/π) = 1.5957691.
    let cube = x * x * x;
    let u = F32x4::splat(1.595_769) * cube.mul_add(F32x4::splat(0.044_715), x);
    finite_below(x) * math::sigmoid(u)
}

/// `x` above zero, `alpha (e^(x / width) - 1)` below.
#[inline(always)]
fn elu(x: F32x4, alpha: f32, width: f32) -> F32x4 {
    x.lt(F32x4::zero()).select(F32x4::splat(alpha) * math::exp_m1_of_negative(x / F32x4::splat(width)), x)
}

#[inline(always)]
fn mish(x: F32x4) -> F32x4 {
    // tanh(ln(1 + e)) = n / (n + 2) with n = e (e + 2), e = e^x; 1 from 20 on.
    let e = math::exp(x.pmin(F32x4::splat(20.0)));
    let n = e * (e + F32x4::splat(2.0));
    finite_below(x) * (n / (n + F32x4::splat(2.0)))
}

#[inline(always)]
fn softsign(x: F32x4) -> F32x4 {
    // An infinity over itself would be NaN.
    let x = x.pmax(F32x4::splat(f32::MIN)).pmin(F32x4::splat(f32::MAX));
    x / (x.abs() + F32x4::splat(1.0))
}

/// `f` of every element, four at a time; the last few through a vector filled up with zeros.
#[inline(always)]
pub(crate) fn map(input: &[f32], output: &mut [f32], f: impl Fn(F32x4) -> F32x4) {
    let (from, from_rest) = input.as_chunks::<4>();
    let (to, to_rest) = output.as_chunks_mut::<4>();
    for (from, to) in from.iter().zip(to) {
        f(F32x4::load(from)).store(to);
    }
    if !to_rest.is_empty() {
        store_part(f(load_part(from_rest)), to_rest);
    }
}

/// [`map`] for cheap functions of long rows.
#[inline(always)]
pub(crate) fn map_long(input: &[f32], output: &mut [f32], f: impl Fn(F32x4) -> F32x4) {
    let (from, from_rest) = input.split_at(input.len() & !7);
    let (to, to_rest) = output.split_at_mut(from.len());
    map_pairs(from, to, &f);
    map(from_rest, to_rest, f);
}

/// Makes every element `value`, in vectors: loops over single floats stay what they are.
pub(crate) fn fill_all(to: &mut [f32], value: f32) {
    let (vectors, rest) = to.as_chunks_mut();
    for to in vectors {
        F32x4::splat(value).store(to);
    }
    rest.fill(value);
}

/// Floats that the loops over whole tensors take a turn: four vectors at constant offsets from one address. A vector a turn spends
/// more on addresses than on arithmetic.
pub(crate) const BLOCK: usize = 16;

/// `f` of as many elements as fill whole blocks.
#[inline(always)]
pub(crate) fn map_blocks(input: &[f32], output: &mut [f32], f: impl Fn(F32x4) -> F32x4) {
    for (from, to) in input.as_chunks::<BLOCK>().0.iter().zip(output.as_chunks_mut::<BLOCK>().0) {
        for (from, to) in from.as_chunks().0.iter().zip(to.as_chunks_mut().0) {
            f(F32x4::load(from)).store(to);
        }
    }
}

/// [`map_blocks`] for functions that are rarely wanted of much: half the code.
#[inline(always)]
pub(crate) fn map_pairs(input: &[f32], output: &mut [f32], f: impl Fn(F32x4) -> F32x4) {
    let from = input.as_chunks::<4>().0.as_chunks::<2>().0;
    for ([a, b], [to_a, to_b]) in from.iter().zip(output.as_chunks_mut::<4>().0.as_chunks_mut().0) {
        f(F32x4::load(a)).store(to_a);
        f(F32x4::load(b)).store(to_b);
    }
}

/// [`map_blocks`] for functions that take so long that addresses do not count, and so much code that four copies would.
#[inline(always)]
pub(crate) fn map_vectors(input: &[f32], output: &mut [f32], f: impl Fn(F32x4) -> F32x4) {
    for (from, to) in input.as_chunks::<4>().0.iter().zip(output.as_chunks_mut::<4>().0) {
        f(F32x4::load(from)).store(to);
    }
}

/// Calls `f` with what fills whole blocks, and again with a block of what is left. Where `f` is one of many functions, the
/// code for what is left is there once, not in every loop: that was more than half of all their code.
pub(crate) fn by_blocks(input: &[f32], output: &mut [f32], f: &dyn Fn(&[f32], &mut [f32])) {
    let (to, rest) = output.split_at_mut(output.len() - output.len() % BLOCK);
    let (from, from_rest) = input.split_at(to.len());
    f(from, to);
    if !rest.is_empty() {
        let mut last = [0.0; BLOCK];
        f(&block_of(from_rest), &mut last);
        rest.copy_from_slice(&last[..rest.len()]);
    }
}

/// A block of values, or less and zeros after them.
pub(crate) fn block_of(values: &[f32]) -> [f32; BLOCK] {
    let mut block = [0.0; BLOCK];
    block[..values.len()].copy_from_slice(values);
    block
}

/// Calls `f` with pieces of a slice: where each begins, a copy of it, and itself to be written. Every function is in the code
/// once, as a loop that reads elsewhere than it writes.
pub(crate) fn in_place(xs: &mut [f32], mut f: impl FnMut(usize, &[f32], &mut [f32])) {
    // Copying is a call out of the module: pieces of 64 took a hard swish behind a 1x1 16-32 over 160x160 1.1 times as long.
    const PIECE: usize = 512;
    let mut copy = [0.0; PIECE];
    for (i, xs) in xs.chunks_mut(PIECE).enumerate() {
        let copy = &mut copy[..xs.len()];
        copy.copy_from_slice(xs);
        f(i * PIECE, copy, xs);
    }
}

/// [`map_in_place`], whole blocks four vectors a turn.
#[inline(always)]
fn map_blocks_in_place(xs: &mut [f32], f: impl Fn(F32x4) -> F32x4) {
    let (blocks, rest) = xs.as_chunks_mut::<BLOCK>();
    for block in blocks {
        for x in block.as_chunks_mut().0 {
            f(F32x4::load(x)).store(x);
        }
    }
    map_in_place(rest, f);
}

/// [`map`] in place.
#[inline(always)]
pub(crate) fn map_in_place(xs: &mut [f32], f: impl Fn(F32x4) -> F32x4) {
    let (chunks, rest) = xs.as_chunks_mut::<4>();
    for x in chunks {
        f(F32x4::load(x)).store(x);
    }
    if !rest.is_empty() {
        store_part(f(load_part(rest)), rest);
    }
}

/// The first four values, or all and zeros after them.
#[inline(always)]
pub(crate) fn load_part(values: &[f32]) -> F32x4 {
    // By length, not by a loop: a loop's overhead would be most of the time of short rows.
    F32x4::load(&match *values {
        [a, b, c, d, ..] => [a, b, c, d],
        [a, b, c] => [a, b, c, 0.0],
        [a, b] => [a, b, 0.0, 0.0],
        [a] => [a, 0.0, 0.0, 0.0],
        [] => [0.0; 4],
    })
}

/// The first lanes, as many as `to` takes.
#[inline(always)]
pub(crate) fn store_part(x: F32x4, to: &mut [f32]) {
    if let Some(to) = to.first_chunk_mut() {
        return x.store(to);
    }
    let [x, y, z, _] = x.to_array();
    match to {
        [a, b, c] => [*a, *b, *c] = [x, y, z],
        [a, b] => [*a, *b] = [x, y],
        [a] => *a = x,
        _ => {}
    }
}

impl Activation {
    /// The activation of a number: 0.. in the order of the enum, `a` and `b` its parameters in order (0 where there are none).
    pub fn from_code(code: u32, a: f32, b: f32) -> Result<Self, SpecError> {
        let number = |name: &'static str, value: f32| {
            if value.is_nan() { Err(SpecError::invalid(name, "is NaN; expected a number")) } else { Ok(value) }
        };
        Ok(match code {
            0 => Self::Identity,
            1 => Self::Relu,
            2 => Self::Relu6,
            3 => {
                let (min, max) = (number("min", a)?, number("max", b)?);
                if min > max {
                    return Err(SpecError::invalid("min", "is above max"));
                }
                Self::Clamp { min, max }
            }
            4 => Self::LeakyRelu { alpha: number("alpha", a)? },
            5 => Self::Sigmoid,
            6 => Self::Tanh,
            7 => Self::HardSigmoid { alpha: number("alpha", a)?, beta: number("beta", b)? },
            8 => Self::HardSwish { scale: number("scale", a)?, shift: number("shift", b)? },
            9 => Self::Silu,
            10 => Self::Gelu,
            11 => Self::GeluTanh,
            12 => Self::Elu { alpha: number("alpha", a)? },
            13 => Self::Mish,
            14 => Self::Softplus,
            15 => Self::Softsign,
            16 => Self::Selu { alpha: number("alpha", a)?, gamma: number("gamma", b)? },
            17 => match number("alpha", a)? {
                alpha if alpha > 0.0 => Self::Celu { alpha },
                _ => return Err(SpecError::invalid("alpha", "is not above 0")),
            },
            18 => Self::ThresholdedRelu { alpha: number("alpha", a)? },
            19 => Self::Swish { alpha: number("alpha", a)? },
            _ => return Err(SpecError::unknown_code("activation", code, 19)),
        })
    }

    /// The simple ones as one: their loops differ in two numbers.
    fn as_clamp(self) -> Self {
        match self {
            Self::Identity => Self::Clamp { min: f32::NEG_INFINITY, max: f32::INFINITY },
            Self::Relu => Self::Clamp { min: 0.0, max: f32::INFINITY },
            Self::Relu6 => Self::Clamp { min: 0.0, max: 6.0 },
            other => other,
        }
    }

    /// Of four values.
    #[inline(always)]
    pub fn apply(self, x: F32x4) -> F32x4 {
        with_closure!(self, |f| f(x))
    }

    /// Of one value, bit for bit as in a vector.
    pub fn apply_scalar(self, x: f32) -> f32 {
        self.apply(F32x4::splat(x)).to_array()[0]
    }

    /// Of every element, in place.
    pub fn apply_in_place(self, xs: &mut [f32]) {
        match self.as_clamp() {
            _ if self == Self::Identity => {}
            // Too short for a copy of each piece: behind 3x3 of 64 channels on 24x160 it took the whole 1.1 and 1.18 times as long
            // (Node 24, Zen 4).
            Self::Clamp { min, max } => {
                let [min, max] = hoisted([min, max]);
                map_blocks_in_place(xs, |x| x.pmax(min).pmin(max));
            }
            Self::HardSwish { scale, shift } => map_blocks_in_place(xs, hard_swish(scale, shift)),
            other => in_place(xs, |_, copy, xs| other.run(copy, xs).unwrap_or(())),
        }
    }

    /// Of every element of `input`.
    pub fn run(self, input: &[f32], output: &mut [f32]) -> Result<(), SpecError> {
        expect_len("output", output.len(), input.len())?;
        by_blocks(input, output, &|x, y| match self.as_clamp() {
            Self::Clamp { min, max } => {
                let [min, max] = [min, max].map(F32x4::splat);
                map_blocks(x, y, |x| x.pmax(min).pmin(max));
            }
            Self::LeakyRelu { alpha } => map_pairs(x, y, leaky_relu(alpha)),
            Self::HardSigmoid { alpha, beta } => map_pairs(x, y, hard_sigmoid(alpha, beta)),
            Self::HardSwish { scale, shift } => map_pairs(x, y, hard_swish(scale, shift)),
            other => with_closure!(other, |f| map_vectors(x, y, f)),
        });
        Ok(())
    }
}
