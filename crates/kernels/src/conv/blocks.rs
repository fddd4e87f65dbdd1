//! Transposed convolutions whose windows lie side by side (U-Nets' and text detectors' 2x2 at a stride of 2): an input pixel's
//! outputs are a block that no other pixel adds to.
//!
//! A product of pixels and of the weights of all taps, a column for each output of a block. The columns of a row of taps are
//! adjacent in the output as well, so that a product for each row of taps writes its results where they belong. Where these
//! are no whole vectors, one product of all taps fills more lanes, and its results are moved: 24 channels to one, 2x2 at a
//! stride of 2, 160x160 pixels: 0.6 ms, of which 0.25 are a sigmoid's; by phases, of one column each, 7.8 (Node 24, Zen 4).

use super::packed::{PackedFilter, PackingKey};
use crate::epilogue::Epilogue;
use crate::gemm::{FilterStrides, PanelShape, Pixels, Places, RightHand, multiply, pack_columns};
use crate::memory::Workspace;
use crate::shape::{Axis, ConvTranspose2dShape, Image, SpecError, checked_len};

/// What becomes of each pixel.
pub(super) struct Blocks {
    input: Image,
    out_c: usize,
    /// Rows and columns of a block.
    h: usize,
    w: usize,
}

impl Blocks {
    /// None where blocks overlap, leave gaps or are cut.
    pub(super) fn of(shape: &ConvTranspose2dShape) -> Option<Self> {
        // `output` and `input` are those of the convolution that this one reverses.
        let side_by_side = |axis: &Axis| {
            let is_block = axis.kernel == axis.stride && (axis.dilation == 1 || axis.kernel == 1);
            is_block && axis.pad_before == 0 && axis.input == axis.output * axis.stride
        };
        let ConvTranspose2dShape { input, output, h, w, groups } = shape;
        (*groups == 1 && side_by_side(h) && side_by_side(w)).then_some(Self {
            input: *input,
            out_c: output.c,
            h: h.kernel,
            w: w.kernel,
        })
    }

    /// Rows of taps of a product.
    fn rows(&self) -> usize {
        if (self.w * self.out_c).is_multiple_of(4) { 1 } else { self.h }
    }

    /// Sizes of a product, one of `h / rows`.
    fn panels(&self) -> PanelShape {
        PanelShape { groups: self.h / self.rows(), k: self.input.c, n: self.rows() * self.w * self.out_c }
    }
}

/// Packs a matrix for each product, its columns `[rows of taps][taps][output channels]`.
pub(super) fn pack(
    blocks: &Blocks,
    key: PackingKey,
    strides: &FilterStrides,
    filter: &[f32],
) -> Result<PackedFilter, SpecError> {
    let panels = blocks.panels();
    PackedFilter::new(key, panels.checked_len()?, |packed| {
        for (product, matrix) in packed.chunks_exact_mut(panels.matrix_len()).enumerate() {
            let column = |i: usize| {
                let (tap, channel) = (i / blocks.out_c, i % blocks.out_c);
                let (h, w) = (product * blocks.rows() + tap / blocks.w, tap % blocks.w);
                h * strides.tap_h + w * strides.tap_w + channel * strides.n
            };
            pack_columns(filter, &[0], [panels.k, strides.k_c], panels.n, &column, matrix);
        }
    })
}

/// `input` NHWC, `packed` as [`pack`] gives it. The epilogue has no residual.
pub(super) fn run(
    blocks: &Blocks,
    input: &[f32],
    packed: &[f32],
    epilogue: Epilogue<'_>,
    workspace: &mut Workspace,
    output: &mut [f32],
) -> Result<(), SpecError> {
    let (panels, width) = (blocks.panels(), blocks.input.w);
    let PanelShape { k, n, .. } = panels;
    let in_place = blocks.rows() == 1;
    let sums_len = if in_place { 0 } else { checked_len("output", &[width, n])? };
    let (biases, sums) = workspace.get(n + sums_len)?.split_at_mut(n);
    if let Some(bias) = epilogue.bias {
        for tap in biases.chunks_exact_mut(bias.len()) {
            tap.copy_from_slice(bias);
        }
    }
    let epilogue = Epilogue { bias: epilogue.bias.map(|_| &*biases), ..epilogue };
    let row_len = blocks.w * blocks.out_c;
    let places = Places { count: width, first: 0, step: n };
    for (pixels, output) in input.chunks_exact(width * k).zip(output.chunks_exact_mut(blocks.h * width * row_len)) {
        let pixels = Pixels { rows: &[pixels], first: 0, runs: 1, run: k, run_step: 0, step: k };
        if in_place {
            let products = packed.chunks_exact(panels.matrix_len()).zip(output.chunks_exact_mut(width * row_len));
            for (panels, output) in products {
                multiply(&pixels, &RightHand { k, n, panels, epilogue }, 0, output, &places);
            }
        } else {
            multiply(&pixels, &RightHand { k, n, panels: packed, epilogue }, 0, sums, &places);
            for (row, output) in output.chunks_exact_mut(width * row_len).enumerate() {
                for (to, sums) in output.chunks_exact_mut(row_len).zip(sums.chunks_exact(n)) {
                    for (to, sum) in to.iter_mut().zip(&sums[row * row_len..]) {
                        *to = *sum;
                    }
                }
            }
        }
    }
    Ok(())
}
