//! The boundary between JavaScript and the kernels: exports that take numbers, a heap of tensors, a cache of packed
//! filters. No arithmetic.
//!
//! A call: JavaScript writes the handles of the inputs (0: absent), the handles of the outputs and the operator's words
//! into the call block, then calls the export with 0 and the three counts. The answer is 0, or an
//! [`ErrorCode`](lenslet_kernels::shape::ErrorCode), whose text [`text_offset`] and [`text_length`] give.
//!
//! A program: [`create_program`], then for each step the operator's export with the program's number, where the block holds
//! three numbers for each input and output instead of a handle (kind; offset or index; length), then [`pack_program`]; it runs with
//! [`run_program`] as often as wanted.

mod call;
mod core;
mod heap;
mod ops;
mod packed;
mod program;
mod words;

use crate::call::Operator;
use crate::core::{CALL_BLOCK_LENGTH, last_text, report, say, with_core};
use lenslet_kernels::conv::Accuracy;
use wasm_bindgen::prelude::wasm_bindgen;

/// Says which build this is: 0 simd, 1 relaxed.
#[wasm_bindgen]
pub fn build() -> u32 {
    u32::from(lenslet_kernels::simd::RELAXED)
}

/// Offset of the call block, float64s.
#[wasm_bindgen(js_name = callBlockOffset)]
pub fn call_block_offset() -> usize {
    with_core(|core| core.block.as_ptr().addr())
}

/// Length of the call block, float64s.
#[wasm_bindgen(js_name = callBlockLength)]
pub fn call_block_length() -> usize {
    CALL_BLOCK_LENGTH
}

/// Sets how exact convolutions are from now on: 0 fast, else strict. See [`Accuracy`].
#[wasm_bindgen(js_name = setAccuracy)]
pub fn set_accuracy(strict: u32) {
    let accuracy = if strict == 0 { Accuracy::Fast } else { Accuracy::Strict };
    with_core(|core| core.accuracy = accuracy);
}

/// The handle of a new buffer of `length` float32s, with arbitrary contents; 0 if there is no memory for it (see
/// [`text_offset`]).
#[wasm_bindgen(js_name = allocBuffer)]
pub fn alloc_buffer(length: usize) -> usize {
    let result = with_core(|core| core.alloc(length));
    let handle = *result.as_ref().unwrap_or(&0);
    report(result);
    handle
}

/// Where the elements of a buffer lie; 0 if they were released.
#[wasm_bindgen(js_name = bufferOffset)]
pub fn buffer_offset(handle: usize) -> usize {
    with_core(|core| core.heap.get(handle).map_or(0, |elements| elements.as_ptr().addr()))
}

/// Frees a buffer and what was packed from it; 0 if there is none.
#[wasm_bindgen(js_name = freeBuffer)]
pub fn free_buffer(handle: usize) -> u32 {
    with_core(|core| u32::from(core.free(handle)))
}

/// Offset of the last text, UTF-8: of an error the argument at fault, a line feed, the message; or an explanation.
#[wasm_bindgen(js_name = textOffset)]
pub fn text_offset() -> usize {
    last_text().0
}

/// Length of the last text, bytes.
#[wasm_bindgen(js_name = textLength)]
pub fn text_length() -> usize {
    last_text().1
}

/// The number of a new program without steps, in an arena of `arena` float32s; 0 if there is no memory for it.
#[wasm_bindgen(js_name = createProgram)]
pub fn create_program(arena: usize) -> usize {
    let result = with_core(|core| core.create_program(arena));
    let number = *result.as_ref().unwrap_or(&0);
    report(result);
    number
}

/// Packs the filters of all steps. The call block begins with `passing` handles of tensors that are needed packed only:
/// their elements are given back. Of a step that fails, the block's first place then holds the index.
#[wasm_bindgen(js_name = packProgram)]
pub fn pack_program(program: usize, passing: usize) -> u32 {
    report(with_core(|core| core.pack_program(program, passing)))
}

/// Runs steps `first` to before `end`. The call block holds the handles of the run's inputs, then those of its outputs. Of
/// a step that fails, the block's first place then holds the index.
#[wasm_bindgen(js_name = runProgram)]
pub fn run_program(program: usize, first: usize, end: usize, inputs: usize, outputs: usize) -> u32 {
    report(with_core(|core| core.run_program(program, [first, end], [inputs, outputs])))
}

/// Makes the name of the strategy that computes a step the last text, or, if `alone` is not 0, a call like it that is none: empty
/// where its operator has but one.
#[wasm_bindgen(js_name = explainStep)]
pub fn explain_step(program: usize, step: usize, alone: u32) -> u32 {
    let strategy = with_core(|core| core.explain_step(program, step, alone != 0));
    if let Ok(strategy) = strategy {
        say(strategy);
    }
    report(strategy)
}

/// Forgets a program; the arena goes with the last one.
#[wasm_bindgen(js_name = freeProgram)]
pub fn free_program(program: usize) {
    with_core(|core| core.free_program(program));
}

/// Writes bytes of tensors, of packed filters, of scratch memory, of spare buffers and of the arena, and the number of
/// packings so far, to the first six places of the call block.
#[wasm_bindgen(js_name = memoryUsage)]
pub fn memory_usage() {
    with_core(|core| {
        let (tensors, spare) = core.heap.bytes();
        let (packed, packs) = core.packed.usage();
        let usage = [tensors, packed, core.scratch.bytes(), spare, core.arena.bytes(), packs];
        for (place, value) in core.block.iter_mut().zip(usage) {
            *place = value as f64;
        }
    });
}

macro_rules! operators {
    ($($(#[$doc:meta])* $js_name:ident = $name:ident => $kind:ident $operator:path;)*) => {$(
        $(#[$doc])*
        #[wasm_bindgen(js_name = $js_name)]
        pub fn $name(program: usize, inputs: usize, outputs: usize, words: usize) -> u32 {
            report(with_core(|core| core.call(program, [inputs, outputs, words], Operator::$kind($operator))))
        }
    )*};
}

operators! {
    /// See [`ops::conv::conv2d`].
    conv2d = conv2d => packing ops::conv::conv2d;
    /// See [`ops::conv::conv_transpose2d`].
    convTranspose2d = conv_transpose2d => packing ops::conv::conv_transpose2d;
    /// See [`ops::conv::dense`].
    dense = dense => packing ops::conv::dense;
    /// See [`ops::pool::pool2d`].
    pool2d = pool2d => plain ops::pool::pool2d;
    /// See [`ops::pool::global_pool2d`].
    globalPool2d = global_pool2d => plain ops::pool::global_pool2d;
    /// See [`ops::pool::adaptive_pool2d`].
    adaptivePool2d = adaptive_pool2d => plain ops::pool::adaptive_pool2d;
    /// See [`ops::elementwise::activation`].
    activation = activation => in_place ops::elementwise::activation;
    /// See [`ops::along::softmax`].
    softmax = softmax => plain ops::along::softmax;
    /// See [`ops::elementwise::binary`].
    binary = binary => in_place ops::elementwise::binary;
    /// See [`ops::elementwise::unary`].
    unary = unary => in_place ops::elementwise::unary;
    /// See [`ops::norm::batch_norm`].
    batchNorm = batch_norm => plain ops::norm::batch_norm;
    /// See [`ops::layout::pad`].
    pad = pad => plain ops::layout::pad;
    /// See [`ops::layout::concat`].
    concat = concat => plain ops::layout::concat;
    /// See [`ops::layout::transpose`].
    transpose = transpose => plain ops::layout::transpose;
    /// See [`ops::image::resize2d`].
    resize2d = resize2d => plain ops::image::resize2d;
    /// See [`ops::image::pixels_to_tensor`].
    pixelsToTensor = pixels_to_tensor => plain ops::image::pixels_to_tensor;
    /// See [`ops::image::tensor_to_pixels`].
    tensorToPixels = tensor_to_pixels => plain ops::image::tensor_to_pixels;
    /// See [`ops::image::grey`].
    grey = grey => plain ops::image::grey;
    /// See [`ops::image::edges`].
    edges = edges => plain ops::image::edges;
    /// See [`ops::along::matmul`].
    matmul = matmul => plain ops::along::matmul;
    /// See [`ops::along::reduce`].
    reduce = reduce => plain ops::along::reduce;
    /// See [`ops::along::arg_reduce`].
    argReduce = arg_reduce => plain ops::along::arg_reduce;
    /// See [`ops::along::top_k`].
    topK = top_k => plain ops::along::top_k;
    /// See [`ops::elementwise::select`].
    where = select => plain ops::elementwise::select;
    /// See [`ops::elementwise::to_int32`].
    toInt32 = to_int32 => plain ops::elementwise::to_int32;
    /// See [`ops::elementwise::from_int32`].
    fromInt32 = from_int32 => plain ops::elementwise::from_int32;
    /// See [`ops::norm::instance_norm`].
    instanceNorm = instance_norm => plain ops::norm::instance_norm;
    /// See [`ops::norm::group_norm`].
    groupNorm = group_norm => plain ops::norm::group_norm;
    /// See [`ops::norm::layer_norm`].
    layerNorm = layer_norm => plain ops::norm::layer_norm;
    /// See [`ops::norm::local_response_norm`].
    lrn = local_response_norm => plain ops::norm::local_response_norm;
    /// See [`ops::layout::slice`].
    slice = slice => plain ops::layout::slice;
    /// See [`ops::layout::broadcast_to`].
    broadcastTo = broadcast_to => plain ops::layout::broadcast_to;
    /// See [`ops::layout::gather`].
    gather = gather => plain ops::layout::gather;
    /// See [`ops::detect::non_max_suppression`].
    nonMaxSuppression = non_max_suppression => plain ops::detect::non_max_suppression;
}

#[cfg(feature = "training")]
operators! {
    /// See [`ops::grad::conv::conv2d`].
    conv2dGrad = conv2d_grad => plain ops::grad::conv::conv2d;
    /// See [`ops::grad::conv::conv_transpose2d`].
    convTranspose2dGrad = conv_transpose2d_grad => plain ops::grad::conv::conv_transpose2d;
    /// See [`ops::grad::conv::dense`].
    denseGrad = dense_grad => plain ops::grad::conv::dense;
    /// See [`ops::grad::image::pool2d`].
    pool2dGrad = pool2d_grad => plain ops::grad::image::pool2d;
    /// See [`ops::grad::image::adaptive_pool2d`].
    adaptivePool2dGrad = adaptive_pool2d_grad => plain ops::grad::image::adaptive_pool2d;
    /// See [`ops::grad::image::resize2d`].
    resize2dGrad = resize2d_grad => plain ops::grad::image::resize2d;
    /// See [`ops::grad::elementwise::activation`].
    activationGrad = activation_grad => plain ops::grad::elementwise::activation;
    /// See [`ops::grad::elementwise::softmax`].
    softmaxGrad = softmax_grad => plain ops::grad::elementwise::softmax;
    /// See [`ops::grad::elementwise::sum_to`].
    sumTo = sum_to => plain ops::grad::elementwise::sum_to;
    /// See [`ops::grad::elementwise::pad`].
    padGrad = pad_grad => plain ops::grad::elementwise::pad;
    /// See [`ops::grad::norm::batch_norm_training`].
    batchNormTraining = batch_norm_training => plain ops::grad::norm::batch_norm_training;
    /// See [`ops::grad::norm::moving_statistics`].
    movingStatistics = moving_statistics => plain ops::grad::norm::moving_statistics;
    /// See [`ops::grad::norm::batch_norm`].
    batchNormGrad = batch_norm_grad => plain ops::grad::norm::batch_norm;
    /// See [`ops::grad::norm::group_norm`].
    groupNormGrad = group_norm_grad => plain ops::grad::norm::group_norm;
    /// See [`ops::grad::norm::layer_norm`].
    layerNormGrad = layer_norm_grad => plain ops::grad::norm::layer_norm;
    /// See [`ops::grad::step::dropout`].
    dropout = dropout => plain ops::grad::step::dropout;
    /// See [`ops::grad::step::cross_entropy`].
    crossEntropy = cross_entropy => plain ops::grad::step::cross_entropy;
    /// See [`ops::grad::step::elementwise_loss`].
    elementwiseLoss = elementwise_loss => plain ops::grad::step::elementwise_loss;
    /// See [`ops::grad::step::gradient_norm`].
    gradientNorm = gradient_norm => plain ops::grad::step::gradient_norm;
    /// See [`ops::grad::step::optimiser_step`].
    optimiserStep = optimiser_step => plain ops::grad::step::optimiser_step;
}
