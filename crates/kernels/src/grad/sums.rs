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
use core::ops::Range;

/// Rows that are added one after the other.
const RUN: usize = 64;

/// Sums over rows, halves first: `run` gives those of a few rows.
fn halves<const N: usize>(rows: Range<usize>, run: &impl Fn(Range<usize>) -> [F32x4; N]) -> [F32x4; N] {
    if rows.len() <= RUN {
        return run(rows);
    }
    let middle = rows.start + (rows.len() / 2).next_multiple_of(RUN);
    let [upper, lower] = [halves(rows.start..middle, run), halves(middle..rows.end, run)];
    from_fn(|i| upper[i] + lower[i])
}

/// `4 V` adjacent sums over `rows` rows, `step` apart.
fn pairwise<const V: usize>(values: &[f32], step: usize, rows: usize) -> [F32x4; V] {
    halves(0..rows, &|rows| {
        let mut sums = [F32x4::zero(); V];
        for row in Steps::<[[f32; 4]; V]>::new(values.get(rows.start * step..).unwrap_or_default(), step, rows.len()) {
            for (sum, row) in sums.iter_mut().zip(row) {
                *sum = *sum + F32x4::load(row);
            }
        }
        sums
    })
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
        return Err(SpecError::mismatch("values", "has {} elements, which are no rows of {}")
            .number(values.len())
            .number(c));
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
                let of_strip: [F32x4; 4] = pairwise(values.get(first..).unwrap_or_default(), c, rows);
                for (to, sum) in sums[first..first + 16].chunks_mut(4).zip(of_strip) {
                    store_part(sum, to);
                }
                first += 16;
            }
            while first < c {
                // The last few once more with some before them: the same sums.
                first = first.min(c - 4);
                let [of_quad] = pairwise(values.get(first..).unwrap_or_default(), c, rows);
                store_part(of_quad, &mut sums[first..]);
                first += 4;
            }
        }
    }
}

/// Two sums a column over rows of values: `Σ (x - centre)` and `Σ (x - centre)²`.
pub(super) fn centred_squares(centre: &[f32], x: &[f32], sums: [&mut [f32]; 2]) {
    centred_columns::<true>(centre, x, x, sums);
}

/// Two sums a column over rows of values: `Σ g` and `Σ g (x - centre)`.
pub(super) fn centred_products(centre: &[f32], x: &[f32], g: &[f32], sums: [&mut [f32]; 2]) {
    centred_columns::<false>(centre, x, g, sums);
}

/// `Σ g` and `Σ g (x - centre)`; with `SQUARES`, `g` is `x - centre`.
fn centred_columns<const SQUARES: bool>(centre: &[f32], x: &[f32], g: &[f32], sums: [&mut [f32]; 2]) {
    let c = centre.len();
    let [of_g, of_products] = sums;
    if c < 4 {
        // Four rows are a whole number of vectors; the rest is filled up with the centre and with zeros, which add nothing.
        let (whole, wide) = (x.len() / (4 * c) * 4 * c, 4 * c);
        let mut centres = [0.0; 12];
        centres.chunks_exact_mut(c).for_each(|to| to.copy_from_slice(centre));
        let mut last = [centres, [0.0; 12]];
        last[0][..x.len() - whole].copy_from_slice(&x[whole..]);
        last[1][..x.len() - whole].copy_from_slice(&g[whole..]);
        let mut parts = [[0.0; 12]; 4];
        let [a, b, d, e] = parts.each_mut().map(|part| &mut part[..wide]);
        centred_columns::<SQUARES>(&centres[..wide], &x[..whole], &g[..whole], [a, b]);
        centred_columns::<SQUARES>(&centres[..wide], &last[0][..wide], &last[1][..wide], [d, e]);
        for (to, [of_whole, of_last]) in [(of_g, [0, 2]), (of_products, [1, 3])] {
            for (j, to) in to.iter_mut().enumerate() {
                let column = |part: usize| parts[part][..wide].iter().skip(j).step_by(c).sum::<f32>();
                *to = column(of_whole) + column(of_last);
            }
        }
        return;
    }
    let rows = x.len() / c;
    for first in (0..c).step_by(4) {
        // The last few once more with some before them: the same sums.
        let first = first.min(c - 4);
        let centre = load_part(&centre[first..]);
        let [sum, products] = halves(0..rows, &|rows| {
            let from = |values: &'_ [f32]| rows.start * c + first..values.len();
            let x = Steps::<[f32; 4]>::new(x.get(from(x)).unwrap_or_default(), c, rows.len());
            let g = Steps::<[f32; 4]>::new(g.get(from(g)).unwrap_or_default(), c, rows.len());
            let mut sums = [F32x4::zero(); 2];
            for (x, g) in x.zip(g) {
                let x = F32x4::load(x) - centre;
                let g = if SQUARES { x } else { F32x4::load(g) };
                sums[0] = sums[0] + g;
                sums[1] = x.mul_add(g, sums[1]);
            }
            sums
        });
        store_part(sum, &mut of_g[first..]);
        store_part(products, &mut of_products[first..]);
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
        return Err(SpecError::mismatch("shape", "{} does not broadcast to {}").list(shape).list(out_shape));
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
