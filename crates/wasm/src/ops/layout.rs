//! Operators that move elements and compute nothing.

use crate::call::{Call, output};
use lenslet_kernels::pad::{self, PadMode};
use lenslet_kernels::shape::{SpecError, expect_len};
use lenslet_kernels::{gather, layout, slice};

/// Words: mode (0 constant, 1 reflect, 2 edge, 3 wrap), value, rank, shape, before, after.
pub(crate) fn pad(mut call: Call) -> Result<(), SpecError> {
    let mode = call.words.code("mode");
    let value = call.words.float("value");
    let rank = call.words.size("rank");
    let shape = call.words.list("shape", rank);
    let before = call.words.list("padding", rank);
    let after = call.words.list("padding", rank);
    call.words.end()?;
    let mode = PadMode::from_code(mode)?;
    pad::pad(&shape, &before, &after, mode, value, call.inputs.get(0)?, output(call.outputs, 0)?)
}

/// Words: outer, then for each input its axis size times what follows the axis.
pub(crate) fn concat(mut call: Call) -> Result<(), SpecError> {
    let outer = call.words.size("outer");
    let inner = call.words.list("inputs", call.inputs.len());
    call.words.end()?;
    let inputs = (0..inner.len()).map(|index| call.inputs.get(index)).collect::<Result<Vec<_>, _>>()?;
    layout::concat(outer, &inner, &inputs, output(call.outputs, 0)?)
}

/// Words: rank, shape, permutation.
pub(crate) fn transpose(mut call: Call) -> Result<(), SpecError> {
    let rank = call.words.size("rank");
    let shape = call.words.list("shape", rank);
    let permutation = call.words.list("permutation", rank);
    call.words.end()?;
    layout::transpose(&shape, &permutation, call.inputs.get(0)?, output(call.outputs, 0)?)
}

/// Words: rank, shape, starts, steps, which may be negative, shape of the output.
pub(crate) fn slice(mut call: Call) -> Result<(), SpecError> {
    let rank = call.words.size("rank");
    let [shape, start] = [call.words.list("shape", rank), call.words.list("start", rank)];
    let step = call.words.steps("step", rank);
    let out_shape = call.words.list("output", rank);
    call.words.end()?;
    slice::slice(&shape, &start, &step, &out_shape, call.inputs.get(0)?, output(call.outputs, 0)?)
}

/// Words: rank, shape, shape of the output.
pub(crate) fn broadcast_to(mut call: Call) -> Result<(), SpecError> {
    let rank = call.words.size("rank");
    let [shape, out_shape] = [call.words.list("shape", rank), call.words.list("output", rank)];
    call.words.end()?;
    slice::broadcast_to(&shape, &out_shape, call.inputs.get(0)?, output(call.outputs, 0)?)
}

/// Inputs: data, indices. Words: outer, length of the axis, inner, number of indices.
pub(crate) fn gather(mut call: Call) -> Result<(), SpecError> {
    let sizes = call.words.sizes(["outer", "axis", "inner"]);
    let count = call.words.size("count");
    call.words.end()?;
    let indices = call.inputs.get(1)?;
    expect_len("indices", indices.len(), count)?;
    gather::gather(sizes, call.inputs.get(0)?, indices, output(call.outputs, 0)?)
}
