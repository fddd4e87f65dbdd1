//! Operators that move elements and compute nothing.

use crate::call::{Call, output};
use lenslet_kernels::layout;
use lenslet_kernels::pad::{self, PadMode};
use lenslet_kernels::shape::SpecError;

/// Words: mode (0 constant, 1 reflect, 2 edge), value, rank, shape, before, after.
pub(crate) fn pad(mut call: Call) -> Result<(), SpecError> {
    let mode = PadMode::from_code(call.words.code("mode")?)?;
    let value = call.words.float("value")?;
    let rank = call.words.size("rank")?;
    let shape = call.words.list("shape", rank)?;
    let before = call.words.list("padding", rank)?;
    let after = call.words.list("padding", rank)?;
    call.words.end()?;
    pad::pad(&shape, &before, &after, mode, value, call.inputs.get(0)?, output(call.outputs, 0)?)
}

/// Words: outer, then for each input its axis size times what follows the axis.
pub(crate) fn concat(mut call: Call) -> Result<(), SpecError> {
    let outer = call.words.size("outer")?;
    let inner = call.words.list("inputs", call.inputs.len())?;
    call.words.end()?;
    let inputs = (0..inner.len()).map(|index| call.inputs.get(index)).collect::<Result<Vec<_>, _>>()?;
    layout::concat(outer, &inner, &inputs, output(call.outputs, 0)?)
}

/// Words: rank, shape, permutation.
pub(crate) fn transpose(mut call: Call) -> Result<(), SpecError> {
    let rank = call.words.size("rank")?;
    let shape = call.words.list("shape", rank)?;
    let permutation = call.words.list("permutation", rank)?;
    call.words.end()?;
    layout::transpose(&shape, &permutation, call.inputs.get(0)?, output(call.outputs, 0)?)
}
