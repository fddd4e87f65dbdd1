//! Pools: the largest, the mean or the Euclidean norm of the elements under a window. NHWC in and out.
//!
//! Padding holds no elements: it never wins a maximum and adds nothing to a sum. Every operator checks its buffers'
//! lengths, writes every output once, and has no limit on kernel, stride or dilation but the checked shape's.

mod adaptive;
mod indices;
mod kept;
mod loops;
mod reduce;
mod sliding;

pub use adaptive::{adaptive_pool2d, global_pool2d};
pub use indices::max_pool2d_with_indices;
pub(crate) use sliding::{Positions, Taps};

use crate::elementwise::Unary;
use crate::memory::Buffer;
use crate::shape::{Image, Pool2dShape, SpecError, expect_len};

/// What becomes of the elements under a window.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PoolKind {
    /// The largest.
    Max,
    /// The mean.
    Avg,
    /// The square root of the sum of squares.
    L2,
    /// The sum of magnitudes.
    L1,
}

impl PoolKind {
    /// The kind of a number: 0 max, 1 avg, 2 l2, 3 l1.
    pub fn from_code(code: u32) -> Result<Self, SpecError> {
        match code {
            0 => Ok(Self::Max),
            1 => Ok(Self::Avg),
            2 => Ok(Self::L2),
            3 => Ok(Self::L1),
            _ => Err(SpecError::unknown_code("kind", code, 3)),
        }
    }
}

/// True if [`planes`] pay. In WebAssembly, 64 channels NCHW, 2x2 and 3x3, strides 1 and 2: planes 112 wide take a half to a third
/// of the time that two transposes and a pool between take, 56 wide the same, 28 wide twice as much; 4x4, stride 4, always more.
pub fn is_wide(shape: &Pool2dShape) -> bool {
    shape.input.w >= 64 && (shape.w.stride == 1 || (shape.w.stride, shape.w.dilation) == (2, 1))
}

/// The same pool of NCHW images, where every channel is an image by itself.
pub fn planes(shape: &Pool2dShape) -> Pool2dShape {
    Pool2dShape { input: planes_of(&shape.input), output: planes_of(&shape.output), ..*shape }
}

/// The channels of NCHW images as images of one channel.
pub fn planes_of(image: &Image) -> Image {
    Image { n: image.n * image.c, c: 1, ..*image }
}

/// Largest element under the window. NaN if one of them is (as in PyTorch and TensorFlow; ONNX does not say,
/// and ONNX Runtime skips NaN). A window without any element, which dilation can step over a small input, gives -infinity.
pub fn max_pool2d(shape: &Pool2dShape, input: &[f32], output: &mut [f32]) -> Result<(), SpecError> {
    run(PoolKind::Max, shape, false, input, output)
}

/// Mean of the elements under the window.
///
/// `count_include_pad` counts padding as elements that are zero (PyTorch's default; ONNX's default is not to). In ceil mode a
/// window may reach beyond the padding: what lies there is never counted, as in PyTorch and in ONNX Runtime since 1.19 (older
/// versions of it, and ONNX's reference of opset 11-18, divided by the whole window). TensorFlow never counts padding.
/// A window without any element gives 0.
pub fn avg_pool2d(
    shape: &Pool2dShape,
    count_include_pad: bool,
    input: &[f32],
    output: &mut [f32],
) -> Result<(), SpecError> {
    run(PoolKind::Avg, shape, count_include_pad, input, output)
}

/// Square root of the sum of squares under the window: ONNX's LpPool with `p = 2`. PyTorch's `LPPool2d` is the same, but
/// takes no padding. Squares overflow to infinity for elements above 1.8e19.
pub fn l2_pool2d(shape: &Pool2dShape, input: &[f32], output: &mut [f32]) -> Result<(), SpecError> {
    run(PoolKind::L2, shape, false, input, output)
}

/// Sum of the magnitudes under the window: ONNX's LpPool with `p = 1`.
pub fn l1_pool2d(shape: &Pool2dShape, input: &[f32], output: &mut [f32]) -> Result<(), SpecError> {
    expect_len("input", input.len(), shape.input.len())?;
    run(PoolKind::L1, shape, false, magnitudes(input)?.as_slice(), output)
}

/// What an L1 norm is the sum of. Rarely wanted, so that a copy is better than more loops.
fn magnitudes(input: &[f32]) -> Result<Buffer, SpecError> {
    let mut magnitudes = Buffer::zeroed(input.len())?;
    Unary::Abs.run(input, magnitudes.as_mut_slice())?;
    Ok(magnitudes)
}

fn run(
    kind: PoolKind,
    shape: &Pool2dShape,
    count_include_pad: bool,
    input: &[f32],
    output: &mut [f32],
) -> Result<(), SpecError> {
    expect_len("input", input.len(), shape.input.len())?;
    expect_len("output", output.len(), shape.output.len())?;
    sliding::run(kind, shape, count_include_pad, input, output)
}
