//! The choice between two tensors, element by element.

use crate::activation::{load_part, store_part};
use crate::elementwise::check_rank;
use crate::shape::{SpecError, checked_len, expect_len};
use crate::simd::F32x4;
use crate::strided::{Walk, broadcast_steps, piece};

/// Floats that are chosen at a time.
const TILE: usize = 128;

/// `a` where `condition` is not 0, else `b`: three tensors of as many axes, each of which repeats along those of 1 element.
pub fn select(
    [condition_shape, a_shape, b_shape]: [&[usize]; 3],
    [condition, a, b]: [&[f32]; 3],
    output: &mut [f32],
) -> Result<(), SpecError> {
    let mut out_shape = vec![1; condition_shape.len()];
    for (name, shape, values) in [("condition", condition_shape, condition), ("a", a_shape, a), ("b", b_shape, b)] {
        check_rank(name, shape)?;
        expect_len(name, values.len(), checked_len(name, shape)?)?;
        if shape.len() != out_shape.len() || shape.iter().zip(&out_shape).any(|(&x, &y)| x != y && x != 1 && y != 1) {
            return Err(SpecError::mismatch(name, "{} does not broadcast with {}").list(shape).list(&out_shape));
        }
        for (size, &other) in out_shape.iter_mut().zip(shape) {
            *size = (*size).max(other);
        }
    }
    expect_len("output", output.len(), checked_len("output", &out_shape)?)?;
    let [c_steps, a_steps, b_steps] = [condition_shape, a_shape, b_shape].map(broadcast_steps);
    let axes = out_shape.iter().enumerate().map(|(i, &size)| (size, [c_steps[i], a_steps[i], b_steps[i]]));
    let mut tiles = [[0.0; TILE]; 3];
    Walk::new(axes).runs([0; 3], output, |mut at, steps, to| {
        for to in to.chunks_mut(TILE) {
            let [c_tile, a_tile, b_tile] = tiles.each_mut().map(|tile| &mut tile[..to.len()]);
            let c = piece(condition, at[0], steps[0], c_tile);
            choose(c, piece(a, at[1], steps[1], a_tile), piece(b, at[2], steps[2], b_tile), to);
            for (at, step) in at.iter_mut().zip(steps) {
                *at = at.wrapping_add_signed(step * to.len() as isize);
            }
        }
    });
    Ok(())
}

fn choose(condition: &[f32], a: &[f32], b: &[f32], to: &mut [f32]) {
    let ((c, c_rest), (a, a_rest), (b, b_rest)) = (condition.as_chunks::<4>(), a.as_chunks::<4>(), b.as_chunks::<4>());
    let (to, rest) = to.as_chunks_mut::<4>();
    let one = |c: F32x4, a: F32x4, b: F32x4| c.eq(F32x4::zero()).select(b, a);
    for (((c, a), b), to) in c.iter().zip(a).zip(b).zip(to) {
        one(F32x4::load(c), F32x4::load(a), F32x4::load(b)).store(to);
    }
    if !rest.is_empty() {
        store_part(one(load_part(c_rest), load_part(a_rest), load_part(b_rest)), rest);
    }
}
