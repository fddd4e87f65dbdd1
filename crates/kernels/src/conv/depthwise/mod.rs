//! Depthwise convolution: each output channel sees one input channel, so vectors of channels need no matrix product.
//!
//! Channels are taken four at a time, a *plane*. Where they are no multiple of four, the last plane begins four before the end:
//! the same sums, written again.

mod band;
mod clipped;
mod slide;
mod strips;
mod tiles;

use crate::epilogue::Epilogue;
use crate::gemm::FilterStrides;
use crate::memory::Workspace;
use crate::shape::{Conv2dShape, SpecError};
use band::Band;

/// From this many output channels for each of the input's on, a group's few products share what the direct kernel loads: 3x3,
/// 8 for each of 3 channels on 112x112: 12.8 GFLOP/s instead of 8.5; 4 for each of 64 on 28x28, 5x5: 9 instead of 16
/// (Node 24, relaxed, Zen 4).
const DIRECT_FROM: usize = 8;

/// False where the direct kernel is faster.
pub(super) fn pays(shape: &Conv2dShape) -> bool {
    shape.group_out_c() < DIRECT_FROM
}

/// Planes of `c` output channels.
fn planes(c: usize) -> usize {
    c.div_ceil(4)
}

/// First channel of a plane.
fn first_channel(plane: usize, c: usize) -> usize {
    (4 * plane).min(c.saturating_sub(4))
}

/// Floats of a packed filter.
pub(super) fn packed_len(shape: &Conv2dShape) -> usize {
    planes(shape.output.c) * shape.h.kernel * shape.w.kernel * 4
}

/// Packs as `[plane][tap][4]`; lanes without a channel stay zeros.
pub(super) fn pack(shape: &Conv2dShape, strides: &FilterStrides, filter: &[f32], packed: &mut [f32]) {
    let (c, multiplier) = (shape.output.c, shape.group_out_c());
    let (k_h, k_w) = (shape.h.kernel, shape.w.kernel);
    for (plane, packed) in packed.chunks_exact_mut(4 * k_h * k_w).enumerate() {
        for (tap, to) in packed.chunks_exact_mut(4).enumerate() {
            let at = tap / k_w * strides.tap_h + tap % k_w * strides.tap_w;
            for (channel, to) in (first_channel(plane, c)..c).zip(to) {
                *to = filter[at + channel / multiplier * strides.group + channel % multiplier * strides.n];
            }
        }
    }
}

/// `input` NHWC, `packed` as [`pack`] gives it.
pub(super) fn run(
    shape: &Conv2dShape,
    input: &[f32],
    packed: &[f32],
    epilogue: Epilogue<'_>,
    workspace: &mut Workspace,
    output: &mut [f32],
) -> Result<(), SpecError> {
    let image_len = shape.input.h * shape.input.w * shape.input.c;
    let output_len = shape.output.h * shape.output.w * shape.output.c;
    let images = input.chunks_exact(image_len).zip(output.chunks_exact_mut(output_len)).enumerate();
    let epilogue_of = |n: usize| epilogue.skip(n * output_len);
    if slide::pays(shape) {
        let zeros = zeros(workspace, shape.input.w * shape.input.c)?;
        for (n, (image, output)) in images {
            slide::run(shape, image, packed, &epilogue_of(n), zeros, output);
        }
    } else if tiles::can_do(shape) {
        let zeros = zeros(workspace, shape.input.c)?;
        for (n, (image, output)) in images {
            tiles::run(shape, image, packed, &epilogue_of(n), zeros, output);
        }
    } else if let Some(mut band) = Band::new(shape, &epilogue) {
        let scratch = workspace.get(band.len())?;
        for (n, (image, output)) in images {
            band.run(image, packed, &epilogue_of(n), scratch, output);
        }
    } else {
        for (n, (image, output)) in images {
            clipped::run(shape, image, packed, &epilogue_of(n), output);
        }
    }
    Ok(())
}

fn zeros(workspace: &mut Workspace, len: usize) -> Result<&[f32], SpecError> {
    let zeros = workspace.get(len)?;
    zeros.fill(0.0);
    Ok(zeros)
}

/// True for 3x3 windows that see as many channels as they give, four or more.
fn is_3x3(shape: &Conv2dShape) -> bool {
    shape.h.kernel == 3 && shape.w.kernel == 3 && shape.input.c >= 4 && shape.input.c == shape.output.c
}

/// The rows of an image under a 3x3 window's row of outputs; none in the padding.
fn rows3<'a>(shape: &Conv2dShape, image: &'a [f32], y: usize) -> [Option<&'a [f32]>; 3] {
    let row_len = shape.input.w * shape.input.c;
    let taps = shape.h.taps(y);
    core::array::from_fn(|tap| {
        let row = || (shape.h.start(y) + (tap * shape.h.dilation) as isize) as usize;
        taps.contains(&tap).then(|| &image[row() * row_len..][..row_len])
    })
}
