//! Transposed convolution by sub-pixel phases.
//!
//! Output `o` gathers input `i` by tap `k` where `o + pad = i * stride + k * dilation`: outputs a stride apart use the same
//! taps. Each such phase is an ordinary convolution of stride 1 with a part of the kernel, and every output is written once.
//!
//! Where windows neither overlap nor leave gaps, each phase is a single tap, and an input pixel's outputs are a block of their
//! own: one product of pixels and of all taps' weights ([`super::blocks`]).

use super::blocks::{self, Blocks};
use super::direct::{self, Windows};
use super::packed::{PackedFilter, PackedForm, PackingKey, Packs, channels_first};
use super::reach::Reach;
use super::{Strategy, clipped};
use crate::activation::Activation;
use crate::epilogue::Epilogue;
use crate::gemm::{FilterStrides, pack_panels};
use crate::memory::Workspace;
use crate::shape::{Axis, ConvTranspose2dShape, ConvTranspose2dSpec, Layout, SpecError, checked_len, expect_len};

/// A transposed convolution. Semantics are those of ONNX's ConvTranspose and PyTorch's.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ConvTranspose2d {
    /// Sizes.
    pub shape: ConvTranspose2dShape,
    /// Order of the given filter: [`Layout::Nhwc`] for `[kH, kW, outC/groups, inC]` (TensorFlow's), [`Layout::Nchw`] for
    /// `[inC, outC/groups, kH, kW]` (PyTorch's and ONNX's).
    pub filter_layout: Layout,
    /// Applied to every output.
    pub activation: Activation,
}

fn greatest_common_divisor(a: usize, b: usize) -> usize {
    if b == 0 { a } else { greatest_common_divisor(b, a % b) }
}

/// Taps this far apart share a phase.
fn period(axis: &Axis) -> usize {
    axis.stride / greatest_common_divisor(axis.stride, axis.dilation)
}

/// Taps of the phase whose first tap is `tap`.
fn phase_taps(kernel: usize, period: usize, tap: usize) -> usize {
    (kernel - tap).div_ceil(period)
}

/// What the phase whose first tap is `tap` reads and writes. Its taps are taken from the last to the first, so that their inputs ascend.
fn phase_reach(axis: &Axis, tap: usize) -> Reach {
    let (period, stride) = (period(axis), axis.stride);
    let taps = phase_taps(axis.kernel, period, tap);
    let last_tap = tap + (taps - 1) * period;
    // The first output of the phase: (output_first + pad) mod stride = (tap * dilation) mod stride. All of these products
    // are below the largest size, which `ConvTranspose2dShape::new` bounds.
    let output_first = (tap * axis.dilation % stride + stride - axis.pad_before % stride) % stride;
    let distance = (output_first + axis.pad_before) as isize - (last_tap * axis.dilation) as isize;
    Reach {
        positions: axis.input.saturating_sub(output_first).div_ceil(stride),
        step: 1,
        first: distance / stride as isize,
        taps,
        tap_step: axis.dilation / greatest_common_divisor(stride, axis.dilation),
        input: axis.output,
        output_first,
        output_step: stride,
    }
}

impl ConvTranspose2d {
    /// Checks a spec.
    pub fn new(spec: &ConvTranspose2dSpec, filter_layout: Layout, activation: Activation) -> Result<Self, SpecError> {
        Ok(Self { shape: ConvTranspose2dShape::new(spec)?, filter_layout, activation })
    }

    /// How it is computed.
    pub fn strategy(&self) -> Strategy {
        Strategy::SubPixel
    }

    /// First taps of the phases that have taps: `(h, w)`.
    fn phases(&self) -> impl Iterator<Item = (usize, usize)> + use<> {
        let first_taps = |axis: &Axis| 0..axis.kernel.min(period(axis));
        let (h, w) = (first_taps(&self.shape.h), first_taps(&self.shape.w));
        h.flat_map(move |h| w.clone().map(move |w| (h, w)))
    }

    /// What one phase reads and writes.
    fn windows(&self, (tap_h, tap_w): (usize, usize)) -> Windows {
        let ConvTranspose2dShape { input, output, h, w, groups, .. } = &self.shape;
        Windows { h: phase_reach(h, tap_h), w: phase_reach(w, tap_w), input: *input, output: *output, groups: *groups }
    }

    /// Steps through the given filter.
    fn filter_strides(&self) -> FilterStrides {
        let ConvTranspose2dShape { h, w, groups, .. } = self.shape;
        let (in_c, group_out_c) = (self.shape.input.c, self.shape.output.c / groups);
        match self.filter_layout {
            Layout::Nhwc => FilterStrides {
                group: in_c / groups,
                tap_h: w.kernel * group_out_c * in_c,
                tap_w: group_out_c * in_c,
                k_c: 1,
                n: in_c,
            },
            Layout::Nchw => {
                let taps = h.kernel * w.kernel;
                FilterStrides {
                    group: in_c / groups * group_out_c * taps,
                    tap_h: w.kernel,
                    tap_w: 1,
                    k_c: group_out_c * taps,
                    n: taps,
                }
            }
        }
    }

    /// `input` is NHWC `[n, in_h, in_w, in_c]`, `bias` `[out_c]`, `output` `[n, out_h, out_w, out_c]`.
    pub fn run(
        &self,
        input: &[f32],
        filter: &PackedFilter,
        bias: Option<&[f32]>,
        workspace: &mut Workspace,
        output: &mut [f32],
    ) -> Result<(), SpecError> {
        let shape = &self.shape;
        expect_len("input", input.len(), shape.input.len())?;
        expect_len("output", output.len(), shape.output.len())?;
        if let Some(bias) = bias {
            expect_len("bias", bias.len(), shape.output.c)?;
        }
        let mut packed = filter.values("filter", self.packing())?;
        let epilogue = Epilogue { bias, residual: None, activation: self.activation };
        if let Some(blocks) = Blocks::of(shape) {
            return blocks::run(&blocks, input, packed, epilogue, workspace, output);
        }
        let sparse = |axis: &Axis| axis.kernel.min(period(axis)) < axis.stride;
        if sparse(&shape.h) || sparse(&shape.w) {
            self.fill_untouched(bias, output);
        }
        for phase in self.phases() {
            let windows = self.windows(phase);
            let panels = windows.panels();
            let matrices;
            (matrices, packed) = packed.split_at(panels.matrix_len() * panels.groups);
            if windows.h.positions == 0 || windows.w.positions == 0 {
                continue;
            }
            if clipped::pays(&windows) || !windows.fit() {
                clipped::run(&windows, input, matrices, epilogue, output);
            } else {
                direct::run(&windows, input, matrices, epilogue, workspace, output)?;
            }
        }
        Ok(())
    }

    /// Some phases have no tap (the stride is larger than the kernel, or dilation steps over them): they are bias alone.
    fn fill_untouched(&self, bias: Option<&[f32]>, output: &mut [f32]) {
        let out_c = self.shape.output.c;
        let (pixel, rest) = output.split_at_mut(out_c);
        match bias {
            Some(bias) => pixel.copy_from_slice(bias),
            None => pixel.fill(0.0),
        }
        self.activation.apply_in_place(pixel);
        for other in rest.chunks_exact_mut(out_c) {
            other.copy_from_slice(pixel);
        }
    }
}

impl Packs for ConvTranspose2d {
    fn packing(&self) -> PackingKey {
        let ConvTranspose2dShape { h, w, groups, .. } = self.shape;
        let is_blocks = Blocks::of(&self.shape).is_some();
        PackingKey {
            form: if is_blocks { PackedForm::Blocks } else { PackedForm::Phases([period(&h), period(&w)]) },
            channels_first: channels_first(self.filter_layout),
            taps: [h.kernel, w.kernel],
            channels: [self.shape.input.c / groups, self.shape.output.c / groups],
            groups,
        }
    }

    fn pack(&self, filter: &[f32]) -> Result<PackedFilter, SpecError> {
        expect_len("filter", filter.len(), self.shape.filter_len())?;
        let (key, strides) = (self.packing(), self.filter_strides());
        if let Some(blocks) = Blocks::of(&self.shape) {
            return blocks::pack(&blocks, key, &strides, filter);
        }
        let (period_h, period_w) = (period(&self.shape.h), period(&self.shape.w));
        let mut len = 0usize;
        for phase in self.phases() {
            len = checked_len("filter", &[len + self.windows(phase).panels().checked_len()?])?;
        }
        PackedFilter::new(key, len, |mut packed| {
            for phase in self.phases() {
                let windows = self.windows(phase);
                let panels = windows.panels();
                // From the last to the first, as `phase_reach` takes them.
                let last = [&windows.h, &windows.w].map(|reach| reach.taps - 1);
                let taps = windows
                    .taps()
                    .map(|(h, w)| (phase.0 + (last[0] - h) * period_h, phase.1 + (last[1] - w) * period_w));
                let taps = strides.offsets(taps);
                let matrices;
                (matrices, packed) = packed.split_at_mut(panels.matrix_len() * panels.groups);
                for (group, matrix) in matrices.chunks_exact_mut(panels.matrix_len()).enumerate() {
                    let first = group * strides.group;
                    pack_panels(filter, first, &strides, &taps, key.channels[0], panels.n, matrix);
                }
            }
        })
    }
}
