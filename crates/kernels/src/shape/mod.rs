//! Sizes: the specs of windowed operators, checked once, and their output sizes. The vocabulary of the field.
//!
//! Activations are NHWC, row-major. Sizes count elements, never bytes.

mod axis;
mod conv;
mod pool;

pub use axis::Axis;
pub(crate) use axis::taps_inside;
pub use conv::{Conv2dShape, Conv2dSpec, ConvTranspose2dShape, ConvTranspose2dSpec};
pub use pool::{Pool2dShape, Pool2dSpec};

use core::fmt;

/// Most elements that one tensor may have: a WebAssembly allocation ends at 2^31 - 1 bytes.
pub const MAX_LEN: usize = i32::MAX as usize / 4;

/// What is wrong with a spec, for programs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u32)]
pub enum ErrorCode {
    /// A value that no operator of this kind may have: a stride of 0, an unknown mode.
    InvalidArgument = 1,
    /// Two sizes that should agree do not.
    ShapeMismatch = 2,
    /// The output would have no elements.
    EmptyOutput = 3,
    /// More than [`MAX_LEN`] elements.
    TooLarge = 4,
    /// No memory for the output, the packed filter or the workspace.
    OutOfMemory = 5,
}

/// A spec or a buffer that an operator refuses.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SpecError {
    /// For programs.
    pub code: ErrorCode,
    /// The field at fault, in the words of the spec.
    pub argument: &'static str,
    /// For people: what came and what was expected.
    pub message: String,
}

impl SpecError {
    /// An [`ErrorCode::InvalidArgument`].
    pub fn invalid(argument: &'static str, message: impl Into<String>) -> Self {
        Self { code: ErrorCode::InvalidArgument, argument, message: message.into() }
    }
    /// An [`ErrorCode::ShapeMismatch`].
    pub fn mismatch(argument: &'static str, message: impl Into<String>) -> Self {
        Self { code: ErrorCode::ShapeMismatch, argument, message: message.into() }
    }
}

impl fmt::Display for SpecError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.argument, self.message)
    }
}

impl core::error::Error for SpecError {}

/// The product of `sizes`; an error where one is zero or the product is above [`MAX_LEN`].
pub fn checked_len(argument: &'static str, sizes: &[usize]) -> Result<usize, SpecError> {
    let mut len = 1usize;
    for &size in sizes {
        if size == 0 {
            return Err(SpecError::invalid(
                argument,
                format!("{sizes:?} has a size of 0; every size must be at least 1"),
            ));
        }
        len = len.checked_mul(size).filter(|&len| len <= MAX_LEN).ok_or_else(|| SpecError {
            code: ErrorCode::TooLarge,
            argument,
            message: format!("{sizes:?} has more than {MAX_LEN} elements"),
        })?;
    }
    Ok(len)
}

/// An error unless a buffer has the length that the spec gives it.
pub fn expect_len(argument: &'static str, found: usize, expected: usize) -> Result<(), SpecError> {
    if found == expected {
        return Ok(());
    }
    Err(SpecError::mismatch(argument, format!("has {found} elements, the spec gives it {expected}")))
}

/// The order of an image batch's axes in memory.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Layout {
    /// `[n, h, w, c]`: canvas pixels, TensorFlow; what the kernels use.
    #[default]
    Nhwc,
    /// `[n, c, h, w]`: PyTorch, ONNX.
    Nchw,
}

/// A batch of images, NHWC.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Image {
    /// Images in the batch.
    pub n: usize,
    /// Rows.
    pub h: usize,
    /// Columns.
    pub w: usize,
    /// Channels.
    pub c: usize,
}

impl Image {
    /// Elements, or why there cannot be so many.
    pub fn checked_len(&self, argument: &'static str) -> Result<usize, SpecError> {
        checked_len(argument, &[self.n, self.h, self.w, self.c])
    }
    /// Elements of a batch that was checked.
    pub fn len(&self) -> usize {
        self.n * self.h * self.w * self.c
    }
    /// False: a checked batch has elements.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}
