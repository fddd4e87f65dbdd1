//! Elements picked by index, and integers as bits.

use crate::layout::copy_short;
use crate::shape::{SpecError, checked_len, expect_len};

/// Of a tensor `[outer, axis_len, inner]` the rows `indices` of the middle axis, to `[outer, indices, inner]`. Indices are whole
/// numbers; negative ones count from the end.
pub fn gather(
    [outer, axis_len, inner]: [usize; 3],
    input: &[f32],
    indices: &[f32],
    output: &mut [f32],
) -> Result<(), SpecError> {
    expect_len("input", input.len(), checked_len("input", &[outer, axis_len, inner])?)?;
    expect_len("output", output.len(), checked_len("output", &[outer, indices.len(), inner])?)?;
    let mut rows = Vec::with_capacity(indices.len());
    for &index in indices {
        let place = index as i64;
        let row = if place < 0 { place + axis_len as i64 } else { place };
        if place as f32 != index || !(0..axis_len as i64).contains(&row) {
            let error = SpecError::invalid("indices", "has {}, which is out of range for an axis of {}");
            return Err(error.integer(place).number(axis_len));
        }
        rows.push(row as usize);
    }
    for (from, to) in input.chunks_exact(axis_len * inner).zip(output.chunks_exact_mut(rows.len() * inner)) {
        for (&row, to) in rows.iter().zip(to.chunks_exact_mut(inner)) {
            copy_short(&from[row * inner..(row + 1) * inner], to);
        }
    }
    Ok(())
}

/// Numbers rounded to zero, as the bits of int32; 0 of NaN, the nearest int32 of what is beyond.
pub fn to_int32(input: &[f32], output: &mut [f32]) -> Result<(), SpecError> {
    expect_len("output", output.len(), input.len())?;
    for (to, from) in output.iter_mut().zip(input) {
        *to = f32::from_bits((*from as i32).cast_unsigned());
    }
    Ok(())
}

/// The numbers that bits of int32 are; above 2^24, the nearest float32s.
pub fn from_int32(input: &[f32], output: &mut [f32]) -> Result<(), SpecError> {
    expect_len("output", output.len(), input.len())?;
    for (to, from) in output.iter_mut().zip(input) {
        *to = from.to_bits().cast_signed() as f32;
    }
    Ok(())
}
