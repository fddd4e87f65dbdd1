//! Operators that keep the shape, or broadcast it.

use crate::call::{Call, output};
use lenslet_kernels::activation::softmax as softmax_kernel;
use lenslet_kernels::elementwise::{self, Binary, Broadcast, Unary};
use lenslet_kernels::norm::{self, BatchNorm};
use lenslet_kernels::shape::SpecError;

/// Words: activation (3).
pub(crate) fn activation(mut call: Call) -> Result<(), SpecError> {
    let activation = call.words.activation()?;
    call.words.end()?;
    let output = output(call.outputs, 0)?;
    if call.in_place {
        activation.apply_in_place(output);
        return Ok(());
    }
    activation.run(call.inputs.get(0)?, output)
}

/// Words: outer, length of the axis, inner, 1 for logarithms.
pub(crate) fn softmax(mut call: Call) -> Result<(), SpecError> {
    let [outer, axis, inner] = call.words.sizes(["outer", "axis", "inner"])?;
    let log = call.words.flag("log")?;
    call.words.end()?;
    softmax_kernel(outer, axis, inner, log, call.inputs.get(0)?, output(call.outputs, 0)?)
}

/// Words: code, rank of a, shape of a, rank of b, shape of b.
pub(crate) fn binary(mut call: Call) -> Result<(), SpecError> {
    let op = Binary::from_code(call.words.code("operator")?)?;
    let rank = call.words.size("rank")?;
    let a = call.words.list("a", rank)?;
    let rank = call.words.size("rank")?;
    let b = call.words.list("b", rank)?;
    call.words.end()?;
    let output = output(call.outputs, 0)?;
    if call.in_place {
        return elementwise::binary_in_place(op, output, call.inputs.get(1)?);
    }
    let broadcast = Broadcast::new(&a, &b)?;
    elementwise::binary(op, &broadcast, call.inputs.get(0)?, call.inputs.get(1)?, output)
}

/// Words: code.
pub(crate) fn unary(mut call: Call) -> Result<(), SpecError> {
    let op = Unary::from_code(call.words.code("operator")?)?;
    call.words.end()?;
    let output = output(call.outputs, 0)?;
    if call.in_place {
        op.run_in_place(output);
        return Ok(());
    }
    op.run(call.inputs.get(0)?, output)
}

/// Inputs: x, mean, variance, scale | 0, offset | 0. Words: outer, channels, inner, epsilon.
pub(crate) fn batch_norm(mut call: Call) -> Result<(), SpecError> {
    let [outer, channels, inner] = call.words.sizes(["outer", "channels", "inner"])?;
    let epsilon = call.words.float("epsilon")?;
    call.words.end()?;
    let inputs = call.inputs;
    let norm = BatchNorm {
        mean: inputs.get(1)?,
        variance: inputs.get(2)?,
        scale: inputs.optional(3)?,
        offset: inputs.optional(4)?,
        epsilon,
    };
    norm::batch_norm(&norm, outer, channels, inner, inputs.get(0)?, output(call.outputs, 0)?)
}
