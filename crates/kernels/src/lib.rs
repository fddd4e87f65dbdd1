//! Convolution, pooling and the other loops of lenslet: pure arithmetic on float32 slices.
//!
//! No JavaScript, no wasm-bindgen: the same code runs in WebAssembly (see [`simd`]) and in host tests.

pub mod activation;
pub mod conv;
pub mod dense;
pub mod edges;
pub mod elementwise;
mod epilogue;
pub mod gemm;
pub mod image;
pub mod layout;
pub mod math;
pub mod memory;
pub mod norm;
pub mod pad;
pub mod pool;
pub mod resize;
pub mod shape;
pub mod simd;
