//! Parts of tensors, and tensors repeated.

use crate::elementwise::check_rank;
use crate::shape::{SpecError, checked_len, expect_len};
use crate::strided::{Walk, broadcast_steps, copy_run, steps_of};

/// Every `step`th element of each axis of a tensor `shape` from `start` on, as many as `out_shape` says. A negative step goes
/// backwards.
pub fn slice(
    shape: &[usize],
    start: &[usize],
    step: &[isize],
    out_shape: &[usize],
    input: &[f32],
    output: &mut [f32],
) -> Result<(), SpecError> {
    check_rank("shape", shape)?;
    expect_len("input", input.len(), checked_len("shape", shape)?)?;
    expect_len("output", output.len(), checked_len("output", out_shape)?)?;
    for (name, len) in [("start", start.len()), ("step", step.len()), ("output", out_shape.len())] {
        expect_len(name, len, shape.len())?;
    }
    let steps = steps_of(shape);
    let mut first = 0;
    for (i, &size) in shape.iter().enumerate() {
        // Neither product leaves 64 bits: sizes are below 2^29.
        let last = start[i] as i64 + step[i] as i64 * (out_shape[i] as i64 - 1);
        if start[i] >= size || !(0..size as i64).contains(&last) {
            let error = SpecError::invalid("start", "goes from {} to {} on axis {}, which has {} elements");
            return Err(error.number(start[i]).integer(last).number(i).number(size));
        }
        first += start[i] * steps[i] as usize;
    }
    let axes = (0..shape.len()).map(|i| (out_shape[i], [steps[i] * step[i]]));
    Walk::new(axes).runs([first], output, |[at], [step], to| copy_run(input, at, step, to));
    Ok(())
}

/// A tensor `shape` repeated along the axes where it has one element, to `out_shape` of as many axes.
pub fn broadcast_to(shape: &[usize], out_shape: &[usize], input: &[f32], output: &mut [f32]) -> Result<(), SpecError> {
    check_rank("shape", shape)?;
    expect_len("input", input.len(), checked_len("shape", shape)?)?;
    expect_len("output", output.len(), checked_len("output", out_shape)?)?;
    if shape.len() != out_shape.len() || shape.iter().zip(out_shape).any(|(&from, &to)| from != to && from != 1) {
        return Err(SpecError::mismatch("shape", "{} does not broadcast to {}").list(shape).list(out_shape));
    }
    let axes = out_shape.iter().zip(broadcast_steps(shape)).map(|(&size, step)| (size, [step]));
    Walk::new(axes).runs([0], output, |[at], [step], to| copy_run(input, at, step, to));
    Ok(())
}
