//! Softmax and its logarithm.

use crate::activation::{map, map_in_place};
use crate::elementwise::{Binary, Unary, binary_in_place};
use crate::math::{self, Exp};
use crate::memory::Buffer;
use crate::reduce::{Fold, fold_columns};
use crate::shape::{SpecError, checked_len, expect_len};
use crate::simd::F32x4;

/// `e^x / Σ e^x` over the middle axis of `[outer, axis_len, inner]`, computed as `e^(x - max)`: no overflow.
/// With `log` their logarithms, `x - max - ln Σ e^(x - max)`, exact where the quotient would underflow.
/// A NaN or a +infinity makes the results of its whole row NaN, as does a row of -infinity alone (PyTorch does the same).
pub fn softmax(
    outer: usize,
    axis_len: usize,
    inner: usize,
    log: bool,
    input: &[f32],
    output: &mut [f32],
) -> Result<(), SpecError> {
    let len = checked_len("input", &[outer, axis_len, inner])?;
    expect_len("input", input.len(), len)?;
    expect_len("output", output.len(), len)?;
    let mut columns = Buffer::zeroed(if inner == 1 { 0 } else { 2 * inner })?;
    for (from, to) in input.chunks_exact(axis_len * inner).zip(output.chunks_exact_mut(axis_len * inner)) {
        if inner == 1 {
            softmax_row(from, to, log);
        } else {
            softmax_columns(columns.as_mut_slice(), from, to, log)?;
        }
    }
    Ok(())
}

/// Softmax of adjacent values. The maximum may lose a NaN; the sum does not.
fn softmax_row(from: &[f32], to: &mut [f32], log: bool) {
    let (chunks, rest) = from.as_chunks::<4>();
    let lowest = F32x4::splat(f32::NEG_INFINITY);
    let max = chunks.iter().fold(lowest, |max, x| max.max_of_numbers(F32x4::load(x)));
    let max = max.to_array().iter().chain(rest).fold(f32::NEG_INFINITY, |max, &x| if max < x { x } else { max });
    let exp = Exp::hoisted();
    map(from, to, |x| exp.of(x - F32x4::splat(max)));
    let (chunks, rest) = to.as_chunks::<4>();
    let sum = chunks.iter().fold(F32x4::zero(), |sum, y| sum + F32x4::load(y)).sum();
    let sum = F32x4::splat(rest.iter().fold(sum, |sum, y| sum + y));
    if log {
        let log_sum = math::log(sum);
        map(from, to, |x| x - F32x4::splat(max) - log_sum);
    } else {
        map_in_place(to, |y| y / sum);
    }
}

/// Softmax down each of `inner` columns. `columns` is room for two numbers of each.
fn softmax_columns(columns: &mut [f32], from: &[f32], to: &mut [f32], log: bool) -> Result<(), SpecError> {
    let inner = columns.len() / 2;
    let (max, sum) = columns.split_at_mut(inner);
    sum.fill(0.0);
    fold_columns(Fold::Max, from, sum, max);
    for (from, to) in from.chunks_exact(inner).zip(to.chunks_exact_mut(inner)) {
        to.copy_from_slice(from);
        binary_in_place(Binary::Sub, to, max)?;
    }
    max.fill(0.0);
    let last = if log {
        fold_columns(Fold::Exp, to, max, sum);
        Unary::Log.run_in_place(sum);
        Binary::Sub
    } else {
        Unary::Exp.run_in_place(to);
        fold_columns(Fold::Sum, to, max, sum);
        Binary::Div
    };
    for to in to.chunks_exact_mut(inner) {
        binary_in_place(last, to, sum)?;
    }
    Ok(())
}
