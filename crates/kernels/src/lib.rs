//! Convolution, pooling and the other loops of lenslet: pure arithmetic on float32 slices.
//!
//! No JavaScript, no wasm-bindgen: the same code runs in WebAssembly (see [`simd`]) and in host tests.

pub mod activation;
pub mod conv;
pub mod dense;
pub mod detect;
pub mod edges;
pub mod elementwise;
mod epilogue;
pub mod extremes;
pub mod gather;
pub mod gemm;
pub mod grad;
pub mod image;
pub mod layout;
pub mod math;
pub mod matmul;
pub mod memory;
pub mod norm;
pub mod pad;
pub mod pool;
pub mod reduce;
pub mod resize;
pub mod select;
pub mod shape;
pub mod simd;
pub mod slice;
pub mod softmax;
mod strided;
