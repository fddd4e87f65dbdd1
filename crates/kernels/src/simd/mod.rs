//! One four-lane vector type, three backends: WebAssembly with relaxed SIMD, WebAssembly with plain
//! simd128, and portable scalar code for the host (`cargo test`, sanitizers). This folder alone knows the ISA.
//!
//! The backends agree on every operation bit for bit, except `mul_add`: relaxed SIMD may fuse it
//! (one rounding instead of two), the other two never do.

#[cfg_attr(all(target_arch = "wasm32", target_feature = "simd128"), path = "wasm.rs")]
#[cfg_attr(not(all(target_arch = "wasm32", target_feature = "simd128")), path = "portable.rs")]
mod backend;
mod steps;
mod strided;

pub use backend::F32x4;
pub use steps::{Floats, Places, Steps};
pub use strided::{Strided, strided_mut};

/// The bits of the float32 just below √½.
const SQRT_HALF: i32 = 0x3f35_04f3;

/// True where `mul_add` compiles to relaxed SIMD.
pub const RELAXED: bool = cfg!(all(target_arch = "wasm32", target_feature = "relaxed-simd"));
