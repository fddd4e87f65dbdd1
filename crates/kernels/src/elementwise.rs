//! Arithmetic element by element: functions of one tensor, and of two with numpy's broadcasting.

use crate::activation::{load_part, map, store_part};
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
}

impl Binary {
    /// The function of a number: 0.. in the order of the enum.
    pub fn from_code(code: u32) -> Result<Self, SpecError> {
        use Binary::*;
        let all = [Add, Sub, Mul, Div, Min, Max, Hypot];
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
}

impl Unary {
    /// The function of a number: 0.. in the order of the enum.
    pub fn from_code(code: u32) -> Result<Self, SpecError> {
        use Unary::*;
        let all = [Abs, Neg, Sqrt, Exp, Log, Square];
        all.get(code as usize).copied().ok_or_else(|| unknown_operator(code, all.len()))
    }

    /// Of every element of `input`.
    pub fn run(self, input: &[f32], output: &mut [f32]) -> Result<(), SpecError> {
        expect_len("output", output.len(), input.len())?;
        match self {
            Self::Abs => map(input, output, F32x4::abs),
            Self::Neg => map(input, output, |x| -x),
            Self::Sqrt => map(input, output, F32x4::sqrt),
            Self::Exp => map(input, output, math::exp),
            Self::Log => map(input, output, math::log),
            Self::Square => map(input, output, |x| x * x),
        }
        Ok(())
    }

    /// Of every element, in place.
    pub fn run_in_place(self, xs: &mut [f32]) {
        in_place(xs, |_, copy, to| self.run(copy, to).unwrap_or(()));
    }
}

fn unknown_operator(code: u32, count: usize) -> SpecError {
    SpecError::invalid("operator", format!("has the unknown code {code}; expected 0 to {}", count - 1))
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
                    return Err(SpecError::mismatch(
                        "b",
                        format!("{b_shape:?} does not broadcast with {a_shape:?}: sizes must be equal or 1"),
                    ));
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
        return Err(SpecError::invalid(name, format!("has {} axes; at most {MAX_RANK} are supported", shape.len())));
    }
    Ok(())
}

/// One operand of a run of outputs.
#[derive(Clone, Copy)]
enum Operand<'a> {
    Run(&'a [f32]),
    Same(f32),
}

/// `op` of `a` and `b`, broadcast.
pub fn binary(op: Binary, shapes: &Broadcast, a: &[f32], b: &[f32], output: &mut [f32]) -> Result<(), SpecError> {
    expect_len("a", a.len(), shapes.a_len)?;
    expect_len("b", b.len(), shapes.b_len)?;
    expect_len("output", output.len(), shapes.out_len)?;
    match *shapes.axes.as_slice() {
        [(_, Span::OnlyA), (c, Span::Both)] if c <= TILE / 2 => {
            tiled(b, output, |at, tile, to| run(op, Operand::Run(&a[at..at + to.len()]), Operand::Run(tile), to));
        }
        [(_, Span::OnlyB), (c, Span::Both)] if c <= TILE / 2 => {
            tiled(a, output, |at, tile, to| run(op, Operand::Run(tile), Operand::Run(&b[at..at + to.len()]), to));
        }
        _ => broadcast(op, &shapes.axes, a, b, output),
    }
    Ok(())
}

/// `op` of `a` and `b`, in the place of `a`: `b` has as many elements, or one.
pub fn binary_in_place(op: Binary, a: &mut [f32], b: &[f32]) -> Result<(), SpecError> {
    if let &[b] = b {
        in_place(a, |_, a, to| run(op, Operand::Run(a), Operand::Same(b), to));
        return Ok(());
    }
    expect_len("b", b.len(), a.len())?;
    in_place(a, |at, a, to| run(op, Operand::Run(a), Operand::Run(&b[at..at + to.len()]), to));
    Ok(())
}

/// Calls `f` with pieces of a slice: where each begins, a copy of it, and itself to be written. The copies stay in the
/// first-level cache; a second set of loops that write what they read would be twice the code.
fn in_place(xs: &mut [f32], f: impl Fn(usize, &[f32], &mut [f32])) {
    let mut copy = [0.0; TILE];
    for (i, to) in xs.chunks_mut(TILE).enumerate() {
        let copy = &mut copy[..to.len()];
        copy.copy_from_slice(to);
        f(i * TILE, copy, to);
    }
}

/// Floats in a tile of a repeated vector: long enough that the loop over it is worth starting.
const TILE: usize = 256;

/// Calls `f` with pieces of the output and a few repetitions of `vector` beside each.
fn tiled(vector: &[f32], output: &mut [f32], f: impl Fn(usize, &[f32], &mut [f32])) {
    let mut tile = [0.0; TILE];
    // A multiple of four, if it can be: then only the last piece has a rest.
    let repetitions = TILE / vector.len();
    let len = vector.len() * if repetitions >= 4 { repetitions & !3 } else { repetitions };
    for part in tile[..len].chunks_exact_mut(vector.len()) {
        part.copy_from_slice(vector);
    }
    for (i, to) in output.chunks_mut(len).enumerate() {
        f(i * len, &tile[..to.len()], to);
    }
}

/// Outer axis by outer axis, down to a run.
fn broadcast(op: Binary, axes: &[(usize, Span)], a: &[f32], b: &[f32], output: &mut [f32]) {
    match *axes {
        [] | [_] => {
            let operand = |values: &'_ [f32]| -> Option<f32> {
                if values.len() < output.len() { values.first().copied() } else { None }
            };
            let a = operand(a).map_or(Operand::Run(a), Operand::Same);
            let b = operand(b).map_or(Operand::Run(b), Operand::Same);
            run(op, a, b, output);
        }
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

/// One run of outputs.
fn run(op: Binary, a: Operand, b: Operand, to: &mut [f32]) {
    match op {
        Binary::Add => zip(a, b, to, |a, b| a + b),
        Binary::Sub => zip(a, b, to, |a, b| a - b),
        Binary::Mul => zip(a, b, to, |a, b| a * b),
        Binary::Div => zip(a, b, to, |a, b| a / b),
        Binary::Min => zip(a, b, to, F32x4::min),
        Binary::Max => zip(a, b, to, F32x4::max),
        Binary::Hypot => zip(a, b, to, |a, b| a.mul_add(a, b * b).sqrt()),
    }
}

#[inline(always)]
fn zip(a: Operand, b: Operand, to: &mut [f32], f: impl Fn(F32x4, F32x4) -> F32x4) {
    match (a, b) {
        (Operand::Run(a), Operand::Run(b)) => {
            let ((a, a_rest), (b, b_rest)) = (a.as_chunks::<4>(), b.as_chunks::<4>());
            let (to, rest) = to.as_chunks_mut::<4>();
            for ((a, b), to) in a.iter().zip(b).zip(to) {
                f(F32x4::load(a), F32x4::load(b)).store(to);
            }
            if !rest.is_empty() {
                store_part(f(load_part(a_rest), load_part(b_rest)), rest);
            }
        }
        (Operand::Run(a), Operand::Same(b)) => {
            let b = F32x4::splat(b);
            map(a, to, |a| f(a, b));
        }
        (Operand::Same(a), Operand::Run(b)) => {
            let a = F32x4::splat(a);
            map(b, to, |b| f(a, b));
        }
        (Operand::Same(a), Operand::Same(b)) => to.fill(f(F32x4::splat(a), F32x4::splat(b)).to_array()[0]),
    }
}
