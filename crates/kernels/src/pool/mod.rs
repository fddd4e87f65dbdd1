//! Pools: the largest, the mean or the Euclidean norm of the elements under a window. NHWC in and out.
//!
//! Padding holds no elements: it never wins a maximum and adds nothing to a sum. Every operator checks its buffers'
//! lengths, writes every output once, and has no limit on kernel, stride or dilation but the checked shape's.

mod adaptive;
mod by_rows;
mod direct;
mod indices;
mod reduce;

pub use adaptive::{adaptive_pool2d, global_pool2d};
pub use indices::max_pool2d_with_indices;

use crate::shape::{Axis, Pool2dShape, SpecError, expect_len};
use direct::Taps;
use reduce::{Max, Mean, Norm, Reduce};

/// What becomes of the elements under a window.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PoolKind {
    /// The largest.
    Max,
    /// The mean.
    Avg,
    /// The square root of the sum of squares.
    L2,
}

impl PoolKind {
    /// The kind of a number: 0 max, 1 avg, 2 l2.
    pub fn from_code(code: u32) -> Result<Self, SpecError> {
        match code {
            0 => Ok(Self::Max),
            1 => Ok(Self::Avg),
            2 => Ok(Self::L2),
            _ => Err(SpecError::invalid("kind", format!("has the unknown code {code}; expected 0 to 2"))),
        }
    }
}

/// Largest element under the window. NaN if one of them is (as in PyTorch and TensorFlow; ONNX does not say,
/// and ONNX Runtime skips NaN). A window without any element, which dilation can step over a small input, gives -infinity.
pub fn max_pool2d(shape: &Pool2dShape, input: &[f32], output: &mut [f32]) -> Result<(), SpecError> {
    run::<Max>(shape, false, input, output)
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
    run::<Mean>(shape, count_include_pad, input, output)
}

/// Square root of the sum of squares under the window: ONNX's LpPool with `p = 2`. PyTorch's `LPPool2d` is the same, but
/// takes no padding. Squares overflow to infinity for elements above 1.8e19.
pub fn l2_pool2d(shape: &Pool2dShape, input: &[f32], output: &mut [f32]) -> Result<(), SpecError> {
    run::<Norm>(shape, false, input, output)
}

fn run<R: Reduce>(
    shape: &Pool2dShape,
    count_include_pad: bool,
    input: &[f32],
    output: &mut [f32],
) -> Result<(), SpecError> {
    expect_len("input", input.len(), shape.input.len())?;
    expect_len("output", output.len(), shape.output.len())?;
    if by_rows::pays(shape) {
        return by_rows::run::<R>(shape, count_include_pad, input, output);
    }
    let rows = taps_of(&shape.h, count_include_pad);
    let columns = taps_of(&shape.w, count_include_pad);
    direct::run::<R>(&shape.input, &shape.output, rows, columns, input, output);
    Ok(())
}

/// What the window reads at each position of an axis. Divisions only at the borders.
fn taps_of(axis: &Axis, count_include_pad: bool) -> impl Fn(usize) -> Taps {
    let axis = *axis;
    let interior = axis.interior();
    move |position| {
        let start = axis.start(position);
        if interior.contains(&position) {
            return Taps { first: start as usize, len: axis.kernel, step: axis.dilation, count: axis.kernel };
        }
        let taps = axis.taps(position);
        let count = if count_include_pad {
            let end = (axis.input + axis.pad_after) as isize;
            ((end - start).max(0) as usize).div_ceil(axis.dilation).min(axis.kernel)
        } else {
            taps.len()
        };
        let first = if taps.is_empty() { 0 } else { (start + (taps.start * axis.dilation) as isize) as usize };
        Taps { first, len: taps.len(), step: axis.dilation, count }
    }
}
