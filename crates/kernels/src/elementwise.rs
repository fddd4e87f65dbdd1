//! Arithmetic element by element: functions of one tensor, and of two with numpy's broadcasting.

use crate::activation::{by_vectors, in_place, load_part, map_vectors};
use crate::math;
use crate::shape::{SpecError, checked_len, expect_len};
use crate::simd::F32x4;

/// Most axes that a tensor may have.
pub const MAX_RANK: usize = 8;

/// A function of two elements.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Binary {
    /// `a + b`
    Add,
    /// `a - b`
    Sub,
    /// `a b`
    Mul,
    /// `a / b`
    Div,
    /// The smaller; NaN if either is (as numpy and ONNX Runtime).
    Min,
    /// The larger; NaN if either is.
    Max,
    /// `√(a² + b²)`: the magnitude of a gradient. The squares overflow above 1.8e19.
    Hypot,
    /// `a^b`, as C's `pow` has it: 1 where b is 0, NaN for a negative `a` and a `b` that is not whole.
    Pow,
    /// What is left of `a / b` rounded down: of the sign of `b` (Python's and ONNX's integer remainder).
    FloorMod,
    /// What is left of `a / b` rounded to zero: of the sign of `a` (C's `fmod`, exact).
    Fmod,
    /// `a` if it is 0 or more, else `a b`
    Prelu,
    /// 1 if `a = b`, else 0; so are the four that follow.
    Equal,
    /// `a < b`
    Less,
    /// `a <= b`
    LessOrEqual,
    /// `a > b`
    Greater,
    /// `a >= b`
    GreaterOrEqual,
    /// 1 if neither is 0, else 0.
    And,
    /// 1 unless both are 0.
    Or,
    /// 1 if one of them is 0, else 0.
    Xor,
    /// `a / b` rounded to zero: a quotient of integers.
    TruncDiv,
}

impl Binary {
    /// The function of a number: 0.. in the order of the enum.
    pub fn from_code(code: u32) -> Result<Self, SpecError> {
        use Binary::*;
        let all = [
            Add,
            Sub,
            Mul,
            Div,
            Min,
            Max,
            Hypot,
            Pow,
            FloorMod,
            Fmod,
            Prelu,
            Equal,
            Less,
            LessOrEqual,
            Greater,
            GreaterOrEqual,
            And,
            Or,
            Xor,
            TruncDiv,
        ];
        all.get(code as usize).copied().ok_or_else(|| unknown_operator(code, all.len()))
    }
}

/// A function of one element. The precision of `Exp` and `Log` is that of [`math`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unary {
    /// `|x|`
    Abs,
    /// `-x`
    Neg,
    /// `√x`; NaN below zero
    Sqrt,
    /// `e^x`
    Exp,
    /// `ln x`; -infinity at zero, NaN below
    Log,
    /// `x²`
    Square,
    /// `1 / x`
    Reciprocal,
    /// The error function.
    Erf,
    /// The largest whole number not above.
    Floor,
    /// The smallest whole number not below.
    Ceil,
    /// The nearest whole number, ties to even.
    Round,
    /// 1, 0 or -1; NaN of NaN.
    Sign,
    /// 1 of 0, else 0.
    Not,
    /// Rounded to zero.
    Truncate,
    /// 0 of 0, else 1.
    ToBool,
    /// The sine of radians.
    Sin,
    /// The cosine of radians.
    Cos,
}

impl Unary {
    /// The function of a number: 0.. in the order of the enum.
    pub fn from_code(code: u32) -> Result<Self, SpecError> {
        use Unary::*;
        let all = [
            Abs, Neg, Sqrt, Exp, Log, Square, Reciprocal, Erf, Floor, Ceil, Round, Sign, Not, Truncate, ToBool, Sin,
            Cos,
        ];
        all.get(code as usize).copied().ok_or_else(|| unknown_operator(code, all.len()))
    }

    /// Of every element of `input`.
    pub fn run(self, input: &[f32], output: &mut [f32]) -> Result<(), SpecError> {
        expect_len("output", output.len(), input.len())?;
        by_vectors(input, output, &|x, y| self.of_vectors(x, y));
        Ok(())
    }

    fn of_vectors(self, x: &[f32], y: &mut [f32]) {
        match self {
            Self::Abs => map_vectors(x, y, F32x4::abs),
            Self::Neg => map_vectors(x, y, |x| -x),
            Self::Sqrt => map_vectors(x, y, F32x4::sqrt),
            Self::Exp => map_vectors(x, y, math::exp),
            Self::Log => map_vectors(x, y, math::log),
            Self::Square => map_vectors(x, y, |x| x * x),
            Self::Reciprocal => map_vectors(x, y, |x| F32x4::splat(1.0) / x),
            Self::Erf => map_vectors(x, y, math::erf),
            Self::Floor => map_vectors(x, y, F32x4::floor),
            Self::Ceil => map_vectors(x, y, |x| -(-x).floor()),
            Self::Round => map_vectors(x, y, F32x4::round),
            Self::Sign => map_vectors(x, y, sign),
            Self::Not => map_vectors(x, y, |x| x.eq(F32x4::zero()).and(F32x4::splat(1.0))),
            Self::Truncate => map_vectors(x, y, |x| x.abs().floor().copysign(x)),
            Self::ToBool => map_vectors(x, y, truth),
            Self::Sin => y.iter_mut().zip(x).for_each(|(y, x)| *y = math::sin(*x)),
            Self::Cos => y.iter_mut().zip(x).for_each(|(y, x)| *y = math::cos(*x)),
        }
    }

    /// Of every element, in place.
    pub fn run_in_place(self, xs: &mut [f32]) {
        in_place(xs, |_, copy, xs| self.run(copy, xs).unwrap_or(()));
    }
}

/// -1, 0 or 1; NaN stays.
#[inline(always)]
fn sign(x: F32x4) -> F32x4 {
    let (zero, one) = (F32x4::zero(), F32x4::splat(1.0));
    let sign = zero.lt(x).and(one) - x.lt(zero).and(one);
    x.eq(x).select(sign, x)
}

/// 0 of 0, else 1.
#[inline(always)]
fn truth(x: F32x4) -> F32x4 {
    x.eq(F32x4::zero()).select(F32x4::zero(), F32x4::splat(1.0))
}

fn unknown_operator(code: u32, count: usize) -> SpecError {
    SpecError::unknown_code("operator", code, count - 1)
}

/// How an operand moves along an axis of the output.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Span {
    /// Both move.
    Both,
    /// `a` moves, `b` stays.
    OnlyA,
    /// `b` moves, `a` stays.
    OnlyB,
}

/// Two shapes brought together by numpy's rules: aligned at their last axes, an axis of 1 stretches to the other's size.
/// Neighbouring axes along which the operands move alike are one axis here.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Broadcast {
    out_shape: Vec<usize>,
    a_len: usize,
    b_len: usize,
    out_len: usize,
    /// Outermost first.
    axes: Vec<(usize, Span)>,
}

impl Broadcast {
    /// Checks two shapes. Each may have up to [`MAX_RANK`] axes; `[]` is a scalar.
    pub fn new(a_shape: &[usize], b_shape: &[usize]) -> Result<Self, SpecError> {
        for (name, shape) in [("a", a_shape), ("b", b_shape)] {
            check_rank(name, shape)?;
        }
        let a_len = checked_len("a", a_shape)?;
        let b_len = checked_len("b", b_shape)?;
        let rank = a_shape.len().max(b_shape.len());
        let size_at = |shape: &[usize], i: usize| (i + shape.len()).checked_sub(rank).map_or(1, |i| shape[i]);
        let mut out_shape = Vec::with_capacity(rank);
        let mut axes: Vec<(usize, Span)> = Vec::with_capacity(rank);
        for i in 0..rank {
            let (size, span) = match (size_at(a_shape, i), size_at(b_shape, i)) {
                (a, b) if a == b => (a, Span::Both),
                (a, 1) => (a, Span::OnlyA),
                (1, b) => (b, Span::OnlyB),
                _ => {
                    let error = SpecError::mismatch("b", "{} does not broadcast with {}: sizes must be equal or 1");
                    return Err(error.list(b_shape).list(a_shape));
                }
            };
            out_shape.push(size);
            match axes.last_mut() {
                _ if size == 1 => {}
                Some((last, same)) if *same == span => *last *= size,
                _ => axes.push((size, span)),
            }
        }
        let out_len = checked_len("output", &out_shape)?;
        Ok(Self { out_shape, a_len, b_len, out_len, axes })
    }

    /// The shape of the result.
    pub fn out_shape(&self) -> &[usize] {
        &self.out_shape
    }
}

/// An error if a shape has too many axes.
pub(crate) fn check_rank(name: &'static str, shape: &[usize]) -> Result<(), SpecError> {
    if shape.len() > MAX_RANK {
        return Err(SpecError::invalid(name, "has {} axes; at most {} are supported")
            .number(shape.len())
            .number(MAX_RANK));
    }
    Ok(())
}

/// `op` of `a` and `b`, broadcast.
pub fn binary(op: Binary, shapes: &Broadcast, a: &[f32], b: &[f32], output: &mut [f32]) -> Result<(), SpecError> {
    expect_len("a", a.len(), shapes.a_len)?;
    expect_len("b", b.len(), shapes.b_len)?;
    expect_len("output", output.len(), shapes.out_len)?;
    let tile = &mut [0.0; TILE];
    match *shapes.axes.as_slice() {
        [(_, Span::OnlyA), (c, Span::Both)] if c <= TILE / 2 => {
            let repeated = repeat(b, tile);
            for (a, to) in a.chunks(repeated.len()).zip(output.chunks_mut(repeated.len())) {
                combine(op, a, &repeated[..to.len()], to);
            }
        }
        [(_, Span::OnlyB), (c, Span::Both)] if c <= TILE / 2 => {
            let repeated = repeat(a, tile);
            for (b, to) in b.chunks(repeated.len()).zip(output.chunks_mut(repeated.len())) {
                combine(op, &repeated[..to.len()], b, to);
            }
        }
        _ => broadcast(op, &shapes.axes, a, b, output, tile),
    }
    Ok(())
}

/// `op` of `a` and `b`, in the place of `a`: `b` has as many elements, or one.
pub fn binary_in_place(op: Binary, a: &mut [f32], b: &[f32]) -> Result<(), SpecError> {
    if b.len() != 1 {
        expect_len("b", b.len(), a.len())?;
    }
    let tile = [b.first().copied().unwrap_or(0.0); TILE];
    in_place(a, |at, copy, a| combine(op, copy, if b.len() > 1 { &b[at..at + a.len()] } else { &tile[..a.len()] }, a));
    Ok(())
}

/// Floats that are combined at a time: with what is combined with them, a quarter of the first-level cache.
const TILE: usize = 512;
type Tile = [f32; TILE];

/// As many repetitions of a vector as fit the tile.
fn repeat<'a>(vector: &[f32], tile: &'a mut Tile) -> &'a [f32] {
    // A multiple of four, if it can be: then only the last piece has a rest.
    let repetitions = TILE / vector.len();
    let len = vector.len() * if repetitions >= 4 { repetitions & !3 } else { repetitions };
    for part in tile[..len].chunks_exact_mut(vector.len()) {
        part.copy_from_slice(vector);
    }
    &tile[..len]
}

/// Outer axis by outer axis, down to a run.
fn broadcast(op: Binary, axes: &[(usize, Span)], a: &[f32], b: &[f32], output: &mut [f32], tile: &mut Tile) {
    match *axes {
        [] | [_] => run(op, a, b, output, tile),
        [(size, span), ref rest @ ..] => {
            let a_step = if span == Span::OnlyB { 0 } else { a.len() / size };
            let b_step = if span == Span::OnlyA { 0 } else { b.len() / size };
            let a_len = if a_step == 0 { a.len() } else { a_step };
            let b_len = if b_step == 0 { b.len() } else { b_step };
            for (i, to) in output.chunks_exact_mut(output.len() / size).enumerate() {
                broadcast(op, rest, &a[i * a_step..][..a_len], &b[i * b_step..][..b_len], to, tile);
            }
        }
    }
}

/// One run of outputs. An operand that is shorter is one number, and becomes a tile: each function is in the code once, not
/// once for each kind of operand.
fn run(op: Binary, a: &[f32], b: &[f32], to: &mut [f32], tile: &mut Tile) {
    let tile = &mut tile[..to.len().min(TILE)];
    let (whole_a, whole_b) = (a.len() == to.len(), b.len() == to.len());
    if whole_a && whole_b {
        return combine(op, a, b, to);
    }
    tile.fill(if whole_a { b[0] } else { a[0] });
    let whole = if whole_a { a } else { b };
    for (whole, to) in whole.chunks(TILE).zip(to.chunks_mut(TILE)) {
        let tile = &tile[..to.len()];
        let (a, b) = if whole_a { (whole, tile) } else { (tile, whole) };
        combine(op, a, b, to);
    }
}

/// `op` of each element of `a` and that of `b` in its place.
fn combine(op: Binary, a: &[f32], b: &[f32], to: &mut [f32]) {
    let whole = to.len() & !3;
    let (to, rest) = to.split_at_mut(whole);
    combine_vectors(op, &a[..whole], &b[..whole], to);
    if !rest.is_empty() {
        // As by_vectors does.
        let [a, b] = [&a[whole..], &b[whole..]].map(|rest| load_part(rest).to_array());
        let mut last = [0.0; 4];
        combine_vectors(op, &a, &b, &mut last);
        rest.copy_from_slice(&last[..rest.len()]);
    }
}

fn combine_vectors(op: Binary, a: &[f32], b: &[f32], to: &mut [f32]) {
    let one = F32x4::splat(1.0);
    match op {
        Binary::Add => zip(a, b, to, |a, b| a + b),
        Binary::Sub => zip(a, b, to, |a, b| a - b),
        Binary::Mul => zip(a, b, to, |a, b| a * b),
        Binary::Div => zip(a, b, to, |a, b| a / b),
        Binary::Min => zip(a, b, to, F32x4::min),
        Binary::Max => zip(a, b, to, F32x4::max),
        Binary::Hypot => zip(a, b, to, |a, b| a.mul_add(a, b * b).sqrt()),
        Binary::Pow => each(a, b, to, f32::powf),
        Binary::FloorMod => each(a, b, to, floor_mod),
        Binary::Fmod => each(a, b, to, |a, b| a % b),
        Binary::Prelu => zip(a, b, to, |a, b| a.lt(F32x4::zero()).select(a * b, a)),
        Binary::Equal => zip(a, b, to, |a, b| a.eq(b).and(one)),
        Binary::Less => zip(a, b, to, |a, b| a.lt(b).and(one)),
        Binary::LessOrEqual => zip(a, b, to, |a, b| a.le(b).and(one)),
        Binary::Greater => zip(a, b, to, |a, b| b.lt(a).and(one)),
        Binary::GreaterOrEqual => zip(a, b, to, |a, b| b.le(a).and(one)),
        Binary::And => zip(a, b, to, |a, b| truth(a) * truth(b)),
        Binary::Or => zip(a, b, to, |a, b| truth(a).max(truth(b))),
        Binary::Xor => zip(a, b, to, |a, b| truth(truth(a) - truth(b))),
        Binary::TruncDiv => zip(a, b, to, |a, b| {
            let quotient = a / b;
            quotient.abs().floor().copysign(quotient)
        }),
    }
}

/// Python's remainder: zero, or of the sign of `b`.
fn floor_mod(a: f32, b: f32) -> f32 {
    let rest = a % b;
    if rest != 0.0 && (rest < 0.0) != (b < 0.0) { rest + b } else { rest }
}

fn each(a: &[f32], b: &[f32], to: &mut [f32], f: fn(f32, f32) -> f32) {
    for (to, (a, b)) in to.iter_mut().zip(a.iter().zip(b)) {
        *to = f(*a, *b);
    }
}

#[inline(always)]
fn zip(a: &[f32], b: &[f32], to: &mut [f32], f: impl Fn(F32x4, F32x4) -> F32x4) {
    let (a, b) = (a.as_chunks::<4>().0, b.as_chunks::<4>().0);
    for ((a, b), to) in a.iter().zip(b).zip(to.as_chunks_mut::<4>().0) {
        f(F32x4::load(a), F32x4::load(b)).store(to);
    }
}
