//! The operators at the boundary: each reads its words, looks up its tensors and calls one kernel.

pub(crate) mod conv;
pub(crate) mod elementwise;
pub(crate) mod image;
pub(crate) mod layout;
pub(crate) mod pool;

use crate::core::Scratch;
use lenslet_kernels::layout::{nchw_to_nhwc, nhwc_to_nchw};
use lenslet_kernels::memory::Workspace;
use lenslet_kernels::shape::{Image, Layout, SpecError};

/// Runs an NHWC kernel on images of either layout: NCHW goes through scratch memory, before and after.
/// `kernel` gets input, output and workspace.
fn in_nhwc(
    layout: Layout,
    [input_image, output_image]: [&Image; 2],
    input: &[f32],
    output: &mut [f32],
    scratch: &mut Scratch,
    kernel: impl FnOnce(&[f32], &mut [f32], &mut Workspace) -> Result<(), SpecError>,
) -> Result<(), SpecError> {
    // One channel, or one pixel: both layouts are the same bytes.
    let same = |image: &Image| layout == Layout::Nhwc || image.c == 1 || (image.h, image.w) == (1, 1);
    let Scratch { workspace, nhwc_input, nhwc_output } = scratch;
    let input = if same(input_image) {
        input
    } else {
        let nhwc = nhwc_input.get(input_image.checked_len("input")?)?;
        nchw_to_nhwc(input_image, input, nhwc)?;
        nhwc
    };
    if same(output_image) {
        return kernel(input, output, workspace);
    }
    let nhwc = nhwc_output.get(output_image.checked_len("output")?)?;
    kernel(input, nhwc, workspace)?;
    nhwc_to_nchw(output_image, nhwc, output)
}
