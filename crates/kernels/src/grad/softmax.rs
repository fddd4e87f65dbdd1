//! The gradient of softmax and of its logarithm.

use super::sums::sum_rows;
use crate::activation::{load_part, map, store_part};
use crate::math;
use crate::memory::Workspace;
use crate::shape::{SpecError, checked_len, expect_len};
use crate::simd::F32x4;

/// Floats of one number repeated.
const TILE: usize = 64;

/// The gradient of [`crate::softmax::softmax`] over the middle axis of `[outer, axis_len, inner]` from its output `y`:
/// `y (g - Σ g y)`, or with `log`, where `y` are logarithms, `g - e^y Σ g`.
pub fn softmax(
    [outer, axis_len, inner]: [usize; 3],
    log: bool,
    y: &[f32],
    grad_output: &[f32],
    workspace: &mut Workspace,
    grad_input: &mut [f32],
) -> Result<(), SpecError> {
    let len = checked_len("output", &[outer, axis_len, inner])?;
    expect_len("output", y.len(), len)?;
    expect_len("gradOutput", grad_output.len(), len)?;
    expect_len("gradInput", grad_input.len(), len)?;
    let sums = workspace.get(inner.max(TILE))?;
    let width = if inner == 1 { TILE } else { inner };
    let block = axis_len * inner;
    let blocks = y.chunks_exact(block).zip(grad_output.chunks_exact(block));
    for ((y, g), to) in blocks.zip(grad_input.chunks_exact_mut(block)) {
        if log {
            map(y, to, math::exp);
            sum_rows(inner, g, &mut sums[..inner])?;
        } else {
            to.copy_from_slice(g);
            each(y, to, None, |y, g, _| y * g);
            sum_rows(inner, to, &mut sums[..inner])?;
        }
        if inner == 1 {
            let sum = sums[0];
            sums[..TILE].fill(sum);
        }
        for ((y, g), to) in y.chunks(width).zip(g.chunks(width)).zip(to.chunks_mut(width)) {
            if log {
                each(g, to, Some(sums), |g, e, sum| g - e * sum);
            } else {
                each(y, to, Some(sums), |y, product, sum| product - y * sum);
            }
        }
    }
    Ok(())
}

/// `to = f(a, to, sums)`, element by element; sums that are not there are 0.
#[inline(always)]
fn each(a: &[f32], to: &mut [f32], sums: Option<&[f32]>, f: impl Fn(F32x4, F32x4, F32x4) -> F32x4) {
    let sums = sums.map_or(&[][..], |sums| &sums[..to.len()]);
    for (i, (a, to)) in a.chunks(4).zip(to.chunks_mut(4)).enumerate() {
        let sum = load_part(sums.get(4 * i..).unwrap_or_default());
        store_part(f(load_part(a), load_part(to), sum), to);
    }
}
