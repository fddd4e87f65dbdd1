//! Sums over rows, and over the axes that were broadcast.
//!
//! All of them pairwise (Higham, "The accuracy of floating point summation", 1993): halves are summed, then added, down to
//! runs of 64. So errors grow with the logarithm of the number of terms, and not with it.

use crate::activation::{load_part, store_part};
use crate::elementwise::check_rank;
use crate::memory::Buffer;
use crate::shape::{SpecError, checked_len, expect_len};
use crate::simd::{F32x4, Steps};
use core::array::from_fn;

/// Rows that are added one after the other.
const RUN: usize = 64;

/// `4 V` adjacent sums over `rows` rows, `step` apart.
fn pairwise<const V: usize>(values: &[f32], step: usize, rows: usize) -> [F32x4; V] {
    if rows > RUN {
        let half = (rows / 2).next_multiple_of(RUN);
        let upper = pairwise::<V>(values, step, half);
        let lower = pairwise::<V>(&values[half * step..], step, rows - half);
        return from_fn(|v| upper[v] + lower[v]);
    }
    let mut sums = [F32x4::zero(); V];
    for row in Steps::<[[f32; 4]; V]>::new(values, step, rows) {
        for (sum, row) in sums.iter_mut().zip(row) {
            *sum = *sum + F32x4::load(row);
        }
    }
    sums
}

/// The sum of all values.
pub fn sum(values: &[f32]) -> f32 {
    let (lanes, rest) = values.split_at(values.len() / 16 * 16);
    let [a, b, c, d] = pairwise(lanes, 16, lanes.len() / 16);
    let rest = rest.chunks(4).fold(F32x4::zero(), |sum, part| sum + load_part(part));
    ((a + b) + (c + d) + rest).sum()
}

/// `sums[j] = Σ values[i, j]` over rows of `c` values: a bias's gradient from that of the output.
pub fn sum_rows(c: usize, values: &[f32], sums: &mut [f32]) -> Result<(), SpecError> {
    expect_len("sums", sums.len(), c)?;
    if c == 0 || !values.len().is_multiple_of(c) {
        return Err(SpecError::mismatch("values", format!("has {} elements, which are no rows of {c}", values.len())));
    }
    columns(c, values, sums);
    Ok(())
}

/// [`sum_rows`] of whole rows.
fn columns(c: usize, values: &[f32], sums: &mut [f32]) {
    let rows = values.len() / c;
    match c {
        1 => sums[0] = sum(values),
        2 | 3 => {
            // Four rows are a whole number of vectors.
            let (groups, rest) = values.split_at(rows / 4 * 4 * c);
            let mut of_groups = [0.0; 12];
            columns(4 * c, groups, &mut of_groups[..4 * c]);
            for (j, sum) in sums.iter_mut().enumerate() {
                *sum = of_groups[..4 * c].chunks_exact(c).chain(rest.chunks_exact(c)).map(|row| row[j]).sum();
            }
        }
        _ => {
            let mut first = 0;
            while first + 16 <= c {
                let of_strip: [F32x4; 4] = pairwise(&values[first.min(values.len())..], c, rows);
                for (to, sum) in sums[first..first + 16].chunks_mut(4).zip(of_strip) {
                    store_part(sum, to);
                }
                first += 16;
            }
            while first < c {
                // The last few once more with some before them: the same sums.
                first = first.min(c - 4);
                let [of_quad] = pairwise(&values[first.min(values.len())..], c, rows);
                store_part(of_quad, &mut sums[first..]);
                first += 4;
            }
        }
    }
}

/// Sums a tensor over the axes along which an operand of `shape` was broadcast to it, by numpy's rules: the operand's gradient
/// from the gradient of the result.
pub fn sum_to(out_shape: &[usize], shape: &[usize], grad_output: &[f32], grad: &mut [f32]) -> Result<(), SpecError> {
    check_rank("shape", out_shape)?;
    check_rank("shape", shape)?;
    expect_len("gradOutput", grad_output.len(), checked_len("gradOutput", out_shape)?)?;
    expect_len("grad", grad.len(), checked_len("grad", shape)?)?;
    let rank = out_shape.len();
    let size = |axis: usize| (axis + shape.len()).checked_sub(rank).map_or(1, |axis| shape[axis]);
    if shape.len() > rank || (0..rank).any(|axis| ![1, out_shape[axis]].contains(&size(axis))) {
        return Err(SpecError::mismatch("shape", format!("{shape:?} does not broadcast to {out_shape:?}")));
    }
    // Axes that are summed over, neighbours merged: the steps before, along and behind each, innermost first.
    let mut axes: Vec<[usize; 2]> = Vec::new();
    let (mut inner, mut open) = (1, false);
    for axis in (0..rank).rev() {
        match (out_shape[axis], size(axis)) {
            (1, _) => {}
            (n, 1) => {
                match axes.last_mut() {
                    Some([last, _]) if open => *last *= n,
                    _ => axes.push([n, inner]),
                }
                open = true;
            }
            (n, _) => {
                inner *= n;
                open = false;
            }
        }
    }
    let Some((&last, before)) = axes.split_last() else {
        grad.copy_from_slice(grad_output);
        return Ok(());
    };
    let mut partial: Option<Buffer> = None;
    for &axis in before {
        let from = partial.as_ref().map_or(grad_output, Buffer::as_slice);
        let mut to = Buffer::zeroed(from.len() / axis[0])?;
        over_axis(axis, from, to.as_mut_slice());
        partial = Some(to);
    }
    over_axis(last, partial.as_ref().map_or(grad_output, Buffer::as_slice), grad);
    Ok(())
}

/// Sums over the middle axis of `[outer, n, inner]`.
fn over_axis([n, inner]: [usize; 2], from: &[f32], to: &mut [f32]) {
    for (from, to) in from.chunks_exact(n * inner).zip(to.chunks_exact_mut(inner)) {
        columns(inner, from, to);
    }
}
