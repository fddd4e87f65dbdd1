//! The gradient of padding: what was copied to the borders gives its gradient back to what it was copied from.

use crate::elementwise::check_rank;
use crate::memory::Buffer;
use crate::norm::add_product;
use crate::pad::{PadMode, PaddedAxis};
use crate::shape::{MAX_LEN, SpecError, checked_len, expect_len};

/// The gradient of [`crate::pad::pad`] with respect to a tensor of the sizes `shape`. Constant borders have none to give back.
pub fn pad(
    shape: &[usize],
    before: &[usize],
    after: &[usize],
    mode: PadMode,
    grad_output: &[f32],
    grad_input: &mut [f32],
) -> Result<(), SpecError> {
    check_rank("shape", shape)?;
    expect_len("gradInput", grad_input.len(), checked_len("shape", shape)?)?;
    expect_len("before", before.len(), shape.len())?;
    expect_len("after", after.len(), shape.len())?;
    let mut axes = Vec::with_capacity(shape.len());
    for ((&size, &before), &after) in shape.iter().zip(before).zip(after) {
        if mode == PadMode::Reflect && before.max(after) >= size {
            return Err(SpecError::invalid("padding", "is as wide as the axis; a reflection must be narrower"));
        }
        // Above MAX_LEN, checked_len refuses it.
        axes.push(PaddedAxis {
            size,
            before,
            padded: size.saturating_add(before).saturating_add(after).min(MAX_LEN + 1),
        });
    }
    let padded: Vec<usize> = axes.iter().map(|axis| axis.padded).collect();
    expect_len("gradOutput", grad_output.len(), checked_len("output", &padded)?)?;
    let mut folded = Buffer::zeroed(grad_output.len())?;
    folded.as_mut_slice().copy_from_slice(grad_output);
    fold(&axes, mode, folded.as_mut_slice(), grad_input);
    Ok(())
}

/// Adds the ends of the first axis to its middle, then goes on with the middle: the reverse of how padding fills it.
fn fold(axes: &[PaddedAxis], mode: PadMode, values: &mut [f32], to: &mut [f32]) {
    let [axis, rest @ ..] = axes else {
        return to.copy_from_slice(values);
    };
    let PaddedAxis { size, before, padded } = *axis;
    let (step, end) = (values.len() / padded, before + size);
    if mode != PadMode::Constant {
        for i in (0..before).chain(end..padded) {
            let source = mode.source(axis, i);
            let (lower, upper) = values.split_at_mut(i.max(source) * step);
            let (from, to) =
                if i < source { (&lower[i * step..], upper) } else { (&*upper, &mut lower[source * step..]) };
            add_product(1.0, &from[..step], &mut to[..step]);
        }
    }
    let middle = values[before * step..end * step].chunks_exact_mut(step);
    for (values, to) in middle.zip(to.chunks_exact_mut(to.len() / size)) {
        fold(rest, mode, values, to);
    }
}
