//! Operators along axes: reductions, extremes, softmax, products of matrices.

use crate::call::{Call, output};
use lenslet_kernels::extremes::{self, TopK};
use lenslet_kernels::matmul::MatMul;
use lenslet_kernels::reduce::{Reduction, reduce as reduce_kernel};
use lenslet_kernels::shape::{SpecError, expect_len};
use lenslet_kernels::softmax::softmax as softmax_kernel;

/// Words: outer, length of the axis, inner, 1 for logarithms.
pub(crate) fn softmax(mut call: Call) -> Result<(), SpecError> {
    let [outer, axis, inner] = call.words.sizes(["outer", "axis", "inner"]);
    let log = call.words.flag("log");
    call.words.end()?;
    softmax_kernel(outer, axis, inner, log, call.inputs.get(0)?, output(call.outputs, 0)?)
}

/// Words: kind, rank, shape, for each axis 1 if it is reduced.
pub(crate) fn reduce(mut call: Call) -> Result<(), SpecError> {
    let kind = call.words.code("kind");
    let rank = call.words.size("rank");
    let shape = call.words.list("shape", rank);
    let reduced = call.words.flags("axes", rank);
    call.words.end()?;
    let kind = Reduction::from_code(kind)?;
    reduce_kernel(kind, &shape, &reduced, call.inputs.get(0)?, output(call.outputs, 0)?)
}

/// Words: 0 largest, 1 smallest; of equal ones 0 the first, 1 the last; outer, length of the axis, inner.
pub(crate) fn arg_reduce(mut call: Call) -> Result<(), SpecError> {
    let [smallest, last] = [call.words.flag("smallest"), call.words.flag("lastIndex")];
    let sizes = call.words.sizes(["outer", "axis", "inner"]);
    call.words.end()?;
    extremes::arg_reduce(sizes, smallest, last, call.inputs.get(0)?, output(call.outputs, 0)?)
}

/// Outputs: values, indices. Words: outer, length of the axis, inner, k, 1 for the largest, 1 if they are to be sorted (they
/// always are).
pub(crate) fn top_k(mut call: Call) -> Result<(), SpecError> {
    let sizes = call.words.sizes(["outer", "axis", "inner"]);
    let k = call.words.size("k");
    let [largest, _] = [call.words.flag("largest"), call.words.flag("sorted")];
    call.words.end()?;
    expect_len("outputs", call.outputs.len(), 2)?;
    let (values, indices) = call.outputs.split_at_mut(1);
    extremes::top_k(&TopK { sizes, k, largest }, call.inputs.get(0)?, values[0], indices[0])
}

/// Words: m, k, n, rank of the batches, batch of a, batch of b.
pub(crate) fn matmul(mut call: Call) -> Result<(), SpecError> {
    let sizes = call.words.sizes(["m", "k", "n"]);
    let rank = call.words.size("rank");
    let [a, b] = [call.words.list("batch", rank), call.words.list("batch", rank)];
    call.words.end()?;
    let product = MatMul::new(sizes, &a, &b)?;
    let inputs = call.inputs;
    product.run(inputs.get(0)?, inputs.get(1)?, &mut call.scratch.workspace, output(call.outputs, 0)?)
}
