//! The operators at the boundary: each reads its words, looks up its tensors and calls one kernel.

pub(crate) mod along;
pub(crate) mod conv;
pub(crate) mod detect;
pub(crate) mod elementwise;
#[cfg(feature = "training")]
pub(crate) mod grad;
pub(crate) mod image;
pub(crate) mod layout;
pub(crate) mod norm;
pub(crate) mod pool;

use crate::call::Scratch;
use lenslet_kernels::layout::{nchw_to_nhwc, nhwc_to_nchw};
use lenslet_kernels::memory::Workspace;
use lenslet_kernels::shape::{Image, Layout, SpecError, expect_len};

/// True if both layouts of an image are the same bytes: it has one channel, or one pixel.
fn is_layout_free(image: &Image) -> bool {
    image.c == 1 || (image.h, image.w) == (1, 1)
}

/// An image as NHWC: itself, or transposed into scratch memory. `argument` names it in errors.
fn to_nhwc<'a>(
    layout: Layout,
    image: &Image,
    argument: &'static str,
    values: &'a [f32],
    scratch: &'a mut Workspace,
) -> Result<&'a [f32], SpecError> {
    if layout == Layout::Nhwc || is_layout_free(image) {
        return Ok(values);
    }
    expect_len(argument, values.len(), image.checked_len(argument)?)?;
    let nhwc = scratch.get(values.len())?;
    nchw_to_nhwc(image, values, nhwc)?;
    Ok(nhwc)
}

/// Input, output and workspace to a result.
type Kernel<'a> = &'a mut dyn FnMut(&[f32], &mut [f32], &mut Workspace) -> Result<(), SpecError>;

/// Runs an NHWC kernel on images of either layout: NCHW goes through scratch memory, before and after.
/// `kernel` gets input, output and workspace.
fn in_nhwc(
    layout: Layout,
    [input_image, output_image]: [&Image; 2],
    input: &[f32],
    output: &mut [f32],
    scratch: &mut Scratch,
    kernel: Kernel,
) -> Result<(), SpecError> {
    let Scratch { workspace, nhwc_input, nhwc_output, .. } = scratch;
    let input = to_nhwc(layout, input_image, "input", input, nhwc_input)?;
    if layout == Layout::Nhwc || is_layout_free(output_image) {
        return kernel(input, output, workspace);
    }
    // Before the work, not after it.
    expect_len("output", output.len(), output_image.checked_len("output")?)?;
    let nhwc = nhwc_output.get(output.len())?;
    kernel(input, nhwc, workspace)?;
    nhwc_to_nchw(output_image, nhwc, output)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wrong_output_is_refused_before_the_work() {
        let image = Image { n: 1, h: 2, w: 3, c: 2 };
        let mut scratch = Scratch::default();
        let mut worked = false;
        let result =
            in_nhwc(Layout::Nchw, [&image, &image], &[0.0; 12], &mut [0.0; 11], &mut scratch, &mut |_, _, _| {
                worked = true;
                Ok(())
            });
        assert_eq!(result.unwrap_err().argument, "output");
        assert!(!worked);
    }
}
