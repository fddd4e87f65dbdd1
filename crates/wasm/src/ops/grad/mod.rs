//! Training: gradients, losses, steps of optimisers. Only cores with the feature `training` have them.
//!
//! A gradient's words are those of its forward operator, as that one reads them, without those of an activation. The layout is
//! NHWC: others are refused. Where a gradient is wanted of some inputs only, flags at the end of the words tell of which; the
//! outputs are those, in order.

pub(crate) mod conv;
pub(crate) mod elementwise;
pub(crate) mod image;
pub(crate) mod norm;
pub(crate) mod step;

use crate::words::Words;
use lenslet_kernels::shape::{Image, SpecError};

/// Layout, which must be NHWC, and sizes of a batch of images.
fn nhwc_image(words: &mut Words) -> Result<Image, SpecError> {
    nhwc(words)?;
    Ok(words.image_sizes())
}

fn nhwc(words: &mut Words) -> Result<(), SpecError> {
    if words.number("layout") == 0.0 {
        return Ok(());
    }
    Err(SpecError::invalid("layout", "is not NHWC, which images are in training"))
}

#[cfg(test)]
mod tests;
