//! Arithmetic element by element: functions of one tensor, and of two with numpy's broadcasting.

use crate::activation::{BLOCK, block_of, by_blocks, in_place, map_blocks, map_pairs, map_vectors};
use crate::math::{self, Exp};
use crate::shape::{SpecError, checked_len, expect_len};
use crate::simd::{F32x4, Steps};

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
        by_blocks(input, output, &|x, y| self.of_vectors(x, y));
        Ok(())
    }

    fn of_vectors(self, x: &[f32], y: &mut [f32]) {
        match self {
            Self::Abs => map_blocks(x, y, F32x4::abs),
            Self::Neg => map_blocks(x, y, |x| -x),
            Self::Sqrt => map_vectors(x, y, F32x4::sqrt),
            Self::Exp => {
                let exp = Exp::hoisted();
                map_vectors(x, y, |x| exp.of(x));
            }
            Self::Log => map_vectors(x, y, math::log),
            Self::Square => map_blocks(x, y, |x| x * x),
            Self::Reciprocal => map_vectors(x, y, |x| F32x4::splat(1.0) / x),
            Self::Erf => map_vectors(x, y, math::erf),
            Self::Floor => map_blocks(x, y, F32x4::floor),
            Self::Ceil => map_pairs(x, y, |x| -(-x).floor()),
            Self::Round => map_pairs(x, y, F32x4::round),
            Self::Sign => map_pairs(x, y, sign),
            Self::Not => map_pairs(x, y, |x| x.eq(F32x4::zero()).and(F32x4::splat(1.0))),
            Self::Truncate => map_pairs(x, y, |x| x.abs().floor().copysign(x)),
            Self::ToBool => map_pairs(x, y, truth),
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
    broadcast(op, &shapes.axes, a, b, output);
    Ok(())
}

/// `op` of `a` and `b`, in the place of `a`: `b` has as many elements, or one.
pub fn binary_in_place(op: Binary, a: &mut [f32], b: &[f32]) -> Result<(), SpecError> {
    if let [b] = *b {
        in_place(a, |_, copy, a| combine(op, Operand::all(copy), Operand::repeated(&[b; BLOCK]), a));
        return Ok(());
    }
    expect_len("b", b.len(), a.len())?;
    in_place(a, |at, copy, a| combine(op, Operand::all(copy), Operand::all(&b[at..at + a.len()]), a));
    Ok(())
}

/// Floats of an operand that are laid out for many outputs at a time: an eighth of a first-level cache.
const TILE: usize = 800;

/// Longer runs with one number are combined one by one: for shorter ones that costs more than to lay the numbers out.
const STRETCH: usize = 256;

/// Outer axis by outer axis, down to a run.
fn broadcast(op: Binary, axes: &[(usize, Span)], a: &[f32], b: &[f32], output: &mut [f32]) {
    match *axes {
        [] | [_] => run(op, a, b, output),
        [(_, Span::OnlyA), (len, Span::Both)] if len <= TILE / 2 => vector_by_vector(op, a, b, false, output),
        [(_, Span::OnlyB), (len, Span::Both)] if len <= TILE / 2 => vector_by_vector(op, b, a, true, output),
        [(_, Span::Both), (len, Span::OnlyA)] => number_by_number(op, a, b, len, false, output),
        [(_, Span::Both), (len, Span::OnlyB)] => number_by_number(op, b, a, len, true, output),
        [(size, span), ref rest @ ..] => {
            let a_step = if span == Span::OnlyB { 0 } else { a.len() / size };
            let b_step = if span == Span::OnlyA { 0 } else { b.len() / size };
            let a_len = if a_step == 0 { a.len() } else { a_step };
            let b_len = if b_step == 0 { b.len() } else { b_step };
            for (i, to) in output.chunks_exact_mut(output.len() / size).enumerate() {
                broadcast(op, rest, &a[i * a_step..][..a_len], &b[i * b_step..][..b_len], to);
            }
        }
    }
}

/// `op` of `len` elements of `whole` with each of `numbers`, or of the number with them.
fn number_by_number(op: Binary, whole: &[f32], numbers: &[f32], len: usize, number_first: bool, output: &mut [f32]) {
    // The last block's rest needs room.
    let mut tile = [0.0; TILE + BLOCK];
    // A multiple of four, if it can be: then only the last piece has a rest.
    let count = if len <= STRETCH { of_fours(TILE / len) } else { 1 };
    let pieces = whole.chunks(count * len).zip(output.chunks_mut(count * len));
    for ((whole, to), numbers) in pieces.zip(numbers.chunks(count)) {
        let block = [numbers[0]; BLOCK];
        let other = if count > 1 { Operand::all(stretch(numbers, len, &mut tile)) } else { Operand::repeated(&block) };
        let whole = Operand::all(whole);
        let (a, b) = if number_first { (other, whole) } else { (whole, other) };
        combine(op, a, b, to);
    }
}

fn of_fours(count: usize) -> usize {
    if count >= 4 { count & !3 } else { count }
}

/// Each number `len` times.
fn stretch<'a>(numbers: &[f32], len: usize, tile: &'a mut [f32; TILE + BLOCK]) -> &'a [f32] {
    for (i, &number) in numbers.iter().enumerate() {
        // The last vector's, or block's, rest is the next number's place, which is written after it.
        let (number, to) = (F32x4::splat(number), &mut tile[i * len..]);
        if len < BLOCK {
            to[..len.next_multiple_of(4)].as_chunks_mut().0.iter_mut().for_each(|to| number.store(to));
        } else {
            for block in to[..len.next_multiple_of(BLOCK)].as_chunks_mut::<BLOCK>().0 {
                block.as_chunks_mut().0.iter_mut().for_each(|to| number.store(to));
            }
        }
    }
    &tile[..numbers.len() * len]
}

/// `op` of pieces of `whole` with one `vector`, or of the vector with them. Short vectors would have many rests: of the tile, which holds
/// as many of them as fit or are wanted, there is one.
fn vector_by_vector(op: Binary, whole: &[f32], vector: &[f32], vector_first: bool, output: &mut [f32]) {
    let mut tile = [0.0; TILE];
    let tile = &mut tile[..output.len().min(vector.len() * of_fours(TILE / vector.len()))];
    for part in tile.chunks_exact_mut(vector.len()) {
        part.copy_from_slice(vector);
    }
    for (whole, to) in whole.chunks(tile.len()).zip(output.chunks_mut(tile.len())) {
        let (whole, vectors) = (Operand::all(whole), Operand::all(&tile[..to.len()]));
        let (a, b) = if vector_first { (vectors, whole) } else { (whole, vectors) };
        combine(op, a, b, to);
    }
}

/// One run of outputs. An operand that is shorter is one number.
fn run(op: Binary, a: &[f32], b: &[f32], to: &mut [f32]) {
    let numbers = [a, b].map(|operand| [operand[0]; BLOCK]);
    let [a, b] = core::array::from_fn(|i| {
        let operand = [a, b][i];
        if operand.len() == to.len() { Operand::all(operand) } else { Operand::repeated(&numbers[i]) }
    });
    combine(op, a, b, to);
}

/// What is combined with another, block by block. Each function is in the code once, not once for each kind of operand.
#[derive(Clone, Copy)]
struct Operand<'a> {
    values: &'a [f32],
    /// From block to block: all, or none.
    step: usize,
}

impl<'a> Operand<'a> {
    /// As many values as there are outputs.
    fn all(values: &'a [f32]) -> Self {
        Self { values, step: BLOCK }
    }

    /// The same block over and over.
    fn repeated(block: &'a [f32; BLOCK]) -> Self {
        Self { values: block, step: 0 }
    }

    /// What is left behind `whole` blocks.
    fn rest(self, whole: usize) -> [f32; BLOCK] {
        block_of(&self.values[if self.step == 0 { 0 } else { whole }..])
    }
}

/// `op` of each element of `a` and that of `b` in its place.
fn combine(op: Binary, a: Operand, b: Operand, to: &mut [f32]) {
    let whole = to.len() - to.len() % BLOCK;
    let (to, rest) = to.split_at_mut(whole);
    combine_blocks(op, a, b, to);
    if !rest.is_empty() {
        // As by_blocks does.
        let [a, b] = [a.rest(whole), b.rest(whole)];
        let mut last = [0.0; BLOCK];
        combine_blocks(op, Operand::all(&a), Operand::all(&b), &mut last);
        rest.copy_from_slice(&last[..rest.len()]);
    }
}

fn combine_blocks(op: Binary, a: Operand, b: Operand, to: &mut [f32]) {
    let one = F32x4::splat(1.0);
    match op {
        Binary::Add => zip(a, b, to, |a, b| a + b),
        Binary::Sub => zip(a, b, to, |a, b| a - b),
        Binary::Mul => zip(a, b, to, |a, b| a * b),
        Binary::Div => zip(a, b, to, |a, b| a / b),
        Binary::Min => zip_pairs(a, b, to, F32x4::min),
        Binary::Max => zip_pairs(a, b, to, F32x4::max),
        Binary::Hypot => zip_pairs(a, b, to, |a, b| a.mul_add(a, b * b).sqrt()),
        Binary::Pow => each(a, b, to, f32::powf),
        Binary::FloorMod => each(a, b, to, floor_mod),
        Binary::Fmod => each(a, b, to, |a, b| a % b),
        Binary::Prelu => zip(a, b, to, |a, b| a.lt(F32x4::zero()).select(a * b, a)),
        Binary::Equal => zip_pairs(a, b, to, |a, b| a.eq(b).and(one)),
        Binary::Less => zip_pairs(a, b, to, |a, b| a.lt(b).and(one)),
        Binary::LessOrEqual => zip_pairs(a, b, to, |a, b| a.le(b).and(one)),
        Binary::Greater => zip_pairs(a, b, to, |a, b| b.lt(a).and(one)),
        Binary::GreaterOrEqual => zip_pairs(a, b, to, |a, b| b.le(a).and(one)),
        Binary::And => zip_pairs(a, b, to, |a, b| truth(a) * truth(b)),
        Binary::Or => zip_pairs(a, b, to, |a, b| truth(a).max(truth(b))),
        Binary::Xor => zip_pairs(a, b, to, |a, b| truth(truth(a) - truth(b))),
        Binary::TruncDiv => zip_pairs(a, b, to, |a, b| {
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

/// Element by element. A call each: inlined, `f` would be there for every element of a block.
#[inline(never)]
fn each(a: Operand, b: Operand, to: &mut [f32], f: fn(f32, f32) -> f32) {
    for (a, b, to) in blocks(a, b, to) {
        for (to, (a, b)) in to.iter_mut().zip(a.iter().zip(b)) {
            *to = f(*a, *b);
        }
    }
}

#[inline(always)]
fn zip(a: Operand, b: Operand, to: &mut [f32], f: impl Fn(F32x4, F32x4) -> F32x4) {
    for (a, b, to) in blocks(a, b, to) {
        for ((a, b), to) in a.as_chunks().0.iter().zip(b.as_chunks().0).zip(to.as_chunks_mut().0) {
            f(F32x4::load(a), F32x4::load(b)).store(to);
        }
    }
}

/// [`zip`] for functions that are rarely wanted of much: half the code.
#[inline(always)]
fn zip_pairs(a: Operand, b: Operand, to: &mut [f32], f: impl Fn(F32x4, F32x4) -> F32x4) {
    let to = to.as_chunks_mut::<4>().0.as_chunks_mut().0;
    let [a, b] = [a, b].map(|operand| Steps::<[[f32; 4]; 2]>::new(operand.values, operand.step / 2, to.len()));
    for (([a0, a1], [b0, b1]), [to0, to1]) in a.zip(b).zip(to) {
        f(F32x4::load(a0), F32x4::load(b0)).store(to0);
        f(F32x4::load(a1), F32x4::load(b1)).store(to1);
    }
}

/// The blocks of both, and those of the output.
#[inline(always)]
fn blocks<'a>(
    a: Operand<'a>,
    b: Operand<'a>,
    to: &'a mut [f32],
) -> impl Iterator<Item = (&'a [f32; BLOCK], &'a [f32; BLOCK], &'a mut [f32; BLOCK])> {
    let to = to.as_chunks_mut().0;
    let [a, b] = [a, b].map(|operand| Steps::<[f32; BLOCK]>::new(operand.values, operand.step, to.len()));
    a.zip(b).zip(to).map(|((a, b), to)| (a, b, to))
}
