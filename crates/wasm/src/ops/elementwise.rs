//! Operators that keep the shape, or broadcast it.

use crate::call::{Call, output};
use lenslet_kernels::elementwise::{self, Binary, Broadcast, Unary};
use lenslet_kernels::gather;
use lenslet_kernels::select::select as select_kernel;
use lenslet_kernels::shape::SpecError;

/// Words: activation (3).
pub(crate) fn activation(mut call: Call) -> Result<(), SpecError> {
    let activation = call.words.activation();
    call.words.end()?;
    let output = output(call.outputs, 0)?;
    if call.in_place {
        activation.apply_in_place(output);
        return Ok(());
    }
    activation.run(call.inputs.get(0)?, output)
}

/// Words: code, rank of a, shape of a, rank of b, shape of b.
pub(crate) fn binary(mut call: Call) -> Result<(), SpecError> {
    let op = call.words.code("operator");
    let rank = call.words.size("rank");
    let a = call.words.list("a", rank);
    let rank = call.words.size("rank");
    let b = call.words.list("b", rank);
    call.words.end()?;
    let op = Binary::from_code(op)?;
    let output = output(call.outputs, 0)?;
    if call.in_place {
        return elementwise::binary_in_place(op, output, call.inputs.get(1)?);
    }
    let broadcast = Broadcast::new(&a, &b)?;
    elementwise::binary(op, &broadcast, call.inputs.get(0)?, call.inputs.get(1)?, output)
}

/// Words: code.
pub(crate) fn unary(mut call: Call) -> Result<(), SpecError> {
    let op = call.words.code("operator");
    call.words.end()?;
    let op = Unary::from_code(op)?;
    let output = output(call.outputs, 0)?;
    if call.in_place {
        op.run_in_place(output);
        return Ok(());
    }
    op.run(call.inputs.get(0)?, output)
}

/// Inputs: condition, a, b. Words: rank, shape of the condition, of a, of b: of as many axes.
pub(crate) fn select(mut call: Call) -> Result<(), SpecError> {
    let rank = call.words.size("rank");
    let shapes = [call.words.list("condition", rank), call.words.list("a", rank), call.words.list("b", rank)];
    call.words.end()?;
    let [condition, a, b] = [call.inputs.get(0)?, call.inputs.get(1)?, call.inputs.get(2)?];
    select_kernel(shapes.each_ref().map(|shape| &shape[..]), [condition, a, b], output(call.outputs, 0)?)
}

/// No words. Numbers become the bits of int32.
pub(crate) fn to_int32(call: Call) -> Result<(), SpecError> {
    call.words.end()?;
    gather::to_int32(call.inputs.get(0)?, output(call.outputs, 0)?)
}

/// No words. Bits of int32 become numbers.
pub(crate) fn from_int32(call: Call) -> Result<(), SpecError> {
    call.words.end()?;
    gather::from_int32(call.inputs.get(0)?, output(call.outputs, 0)?)
}
