//! The boundary between JavaScript and the kernels: exports that take numbers, a heap of tensors, a cache of packed
//! filters. No arithmetic.
//!
//! A call: JavaScript writes the offsets of the inputs (0: absent), the offsets of the outputs and the operator's words
//! into the call block, then calls the export with the three counts. The answer is 0, or an
//! [`ErrorCode`](lenslet_kernels::shape::ErrorCode), whose text [`error_offset`] and [`error_length`] give.

mod core;
mod heap;
mod ops;
mod packed;
mod words;

use crate::core::{CALL_BLOCK_LENGTH, keep_panics, last_error, report, with_core};
use lenslet_kernels::conv::Accuracy;
use wasm_bindgen::prelude::wasm_bindgen;

/// Says which build this is: 0 simd, 1 relaxed. To be called first: from then on the text of a panic is kept.
#[wasm_bindgen]
pub fn build() -> u32 {
    keep_panics();
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

/// A buffer of `length` float32s, with arbitrary contents; 0 if there is no memory for it (see [`error_offset`]).
#[wasm_bindgen(js_name = allocBuffer)]
pub fn alloc_buffer(length: usize) -> usize {
    let result = with_core(|core| core.alloc(length));
    let offset = *result.as_ref().unwrap_or(&0);
    report(result);
    offset
}

/// Frees the buffer at `offset` and what was packed from it; 0 if there is none.
#[wasm_bindgen(js_name = freeBuffer)]
pub fn free_buffer(offset: usize) -> u32 {
    with_core(|core| u32::from(core.free(offset)))
}

/// Offset of the last error's text: the argument at fault, a line feed, the message; UTF-8.
#[wasm_bindgen(js_name = errorOffset)]
pub fn error_offset() -> usize {
    last_error().0
}

/// Length of the last error's text, bytes.
#[wasm_bindgen(js_name = errorLength)]
pub fn error_length() -> usize {
    last_error().1
}

/// Writes bytes of tensors, of packed filters, of scratch memory and of spare buffers, and the number of packings so
/// far, to the first five places of the call block.
#[wasm_bindgen(js_name = memoryUsage)]
pub fn memory_usage() {
    with_core(|core| {
        let (tensors, spare) = core.heap.bytes();
        let (packed, packs) = core.packed.usage();
        let usage = [tensors, packed, core.scratch.bytes(), spare, packs];
        for (place, value) in core.block.iter_mut().zip(usage) {
            *place = value as f64;
        }
    });
}

macro_rules! operators {
    ($($(#[$doc:meta])* $js_name:ident = $name:ident => $operator:path;)*) => {$(
        $(#[$doc])*
        #[wasm_bindgen(js_name = $js_name)]
        pub fn $name(inputs: usize, outputs: usize, words: usize) -> u32 {
            report(with_core(|core| core.call([inputs, outputs, words], $operator)))
        }
    )*};
}

operators! {
    /// See [`ops::conv::conv2d`].
    conv2d = conv2d => ops::conv::conv2d;
    /// See [`ops::conv::conv_transpose2d`].
    convTranspose2d = conv_transpose2d => ops::conv::conv_transpose2d;
    /// See [`ops::conv::dense`].
    dense = dense => ops::conv::dense;
    /// See [`ops::pool::pool2d`].
    pool2d = pool2d => ops::pool::pool2d;
    /// See [`ops::pool::global_pool2d`].
    globalPool2d = global_pool2d => ops::pool::global_pool2d;
    /// See [`ops::pool::adaptive_pool2d`].
    adaptivePool2d = adaptive_pool2d => ops::pool::adaptive_pool2d;
    /// See [`ops::elementwise::activation`].
    activation = activation => ops::elementwise::activation;
    /// See [`ops::elementwise::softmax`].
    softmax = softmax => ops::elementwise::softmax;
    /// See [`ops::elementwise::binary`].
    binary = binary => ops::elementwise::binary;
    /// See [`ops::elementwise::unary`].
    unary = unary => ops::elementwise::unary;
    /// See [`ops::elementwise::batch_norm`].
    batchNorm = batch_norm => ops::elementwise::batch_norm;
    /// See [`ops::layout::pad`].
    pad = pad => ops::layout::pad;
    /// See [`ops::layout::concat`].
    concat = concat => ops::layout::concat;
    /// See [`ops::layout::transpose`].
    transpose = transpose => ops::layout::transpose;
    /// See [`ops::image::resize2d`].
    resize2d = resize2d => ops::image::resize2d;
    /// See [`ops::image::pixels_to_tensor`].
    pixelsToTensor = pixels_to_tensor => ops::image::pixels_to_tensor;
    /// See [`ops::image::tensor_to_pixels`].
    tensorToPixels = tensor_to_pixels => ops::image::tensor_to_pixels;
}
