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
mod tiles;

pub use backend::F32x4;
pub use steps::{Floats, Places, Steps};
pub use strided::{Strided, strided_mut};
pub use tiles::{Pixels, RowMut, Tiles, TilesMut, Windows};

/// The bits of the float32 just below √½.
const SQRT_HALF: i32 = 0x3f35_04f3;

/// Vectors of one number each, for a loop: to be made before it.
///
/// Vectors that the compiler knows it writes down wherever they are used, and V8 builds each anew, in four instructions, at
/// every turn of a loop. These it does not know: they stay in registers, or in memory that an instruction reads. A hard swish over
/// 819200 numbers took 0.64 ms with four constants in its loop and takes 0.26 so; Winograd's transforms were no faster (Node 24, Zen 4).
#[inline(always)]
pub fn hoisted<const N: usize>(numbers: [f32; N]) -> [F32x4; N] {
    core::hint::black_box(numbers.map(F32x4::splat))
}

/// True where `mul_add` compiles to relaxed SIMD.
pub const RELAXED: bool = cfg!(all(target_arch = "wasm32", target_feature = "relaxed-simd"));
