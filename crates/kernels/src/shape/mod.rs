//! Sizes: the specs of windowed operators, checked once, and their output sizes. The vocabulary of the field.
//!
//! Activations are NHWC, row-major. Sizes count elements, never bytes.

mod axis;
mod conv;
mod error;
mod pool;

pub use axis::Axis;
pub(crate) use axis::taps_inside;
pub use conv::{Conv2dShape, Conv2dSpec, ConvTranspose2dShape, ConvTranspose2dSpec};
pub use error::{ErrorCode, Refusal, SpecError};
pub use pool::{Pool2dShape, Pool2dSpec};

/// Most elements that one tensor may have: a WebAssembly allocation ends at 2^31 - 1 bytes.
pub const MAX_LEN: usize = i32::MAX as usize / 4;

/// The product of `sizes`; an error where one is zero or the product is above [`MAX_LEN`].
pub fn checked_len(argument: &'static str, sizes: &[usize]) -> Result<usize, SpecError> {
    let mut len = 1usize;
    for &size in sizes {
        if size == 0 {
            let error = SpecError::invalid(argument, "{} has a size of 0; every size must be at least 1");
            return Err(error.list(sizes));
        }
        len = len.checked_mul(size).filter(|&len| len <= MAX_LEN).ok_or_else(|| {
            SpecError::new(ErrorCode::TooLarge, argument, "{} has more than {} elements").list(sizes).number(MAX_LEN)
        })?;
    }
    Ok(len)
}

/// An error unless a buffer has the length that the spec gives it.
pub fn expect_len(argument: &'static str, found: usize, expected: usize) -> Result<(), SpecError> {
    if found == expected {
        return Ok(());
    }
    Err(SpecError::mismatch(argument, "has {} elements, the spec gives it {}").number(found).number(expected))
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
