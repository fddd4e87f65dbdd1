//! Convolution: one file a strategy; this one chooses among them and checks the buffers.

mod depthwise;
mod direct;
mod gather;
mod packed;
mod transposed;
mod window3x3;

pub use packed::{PackedFilter, PackingKey, Packs};
pub(crate) use packed::{PackedForm, channels_first};
pub use transposed::ConvTranspose2d;

use crate::activation::Activation;
use crate::gemm::{self, FilterStrides, PackedShape, RightHand, RowMajor, pack_panels};
use crate::memory::Workspace;
use crate::shape::{Conv2dShape, Conv2dSpec, Layout, SpecError, expect_len};
use gather::{Gather, Reach};

/// How a convolution is computed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Strategy {
    /// A 1x1 window over every pixel: a matrix product of the image as it lies in memory.
    Pointwise,
    /// A matrix product of patches, gathered block by block.
    ImplicitGemm,
    /// The same for each group of channels.
    Grouped,
    /// Tiles of pixels read the input where it lies, nothing is packed: small sums, few channels.
    Direct,
    /// Every output channel sees one input channel: vectors of channels, no matrix product.
    Depthwise,
    /// A transposed convolution as one implicit product for each sub-pixel phase.
    SubPixel,
}

impl Strategy {
    /// For people: what `explain` shows.
    pub fn name(self) -> &'static str {
        match self {
            Self::Pointwise => "pointwise",
            Self::ImplicitGemm => "implicit-gemm",
            Self::Grouped => "grouped-gemm",
            Self::Direct => "direct",
            Self::Depthwise => "depthwise",
            Self::SubPixel => "sub-pixel",
        }
    }
}

/// A convolution, checked and with its strategy chosen. Semantics are those of ONNX's Conv: a correlation, the kernel is not flipped.
///
/// Taps in the padding add nothing to a sum; where a filter holds an infinity or a NaN, the matrix strategies may give NaN there.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Conv2d {
    /// Sizes.
    pub shape: Conv2dShape,
    /// Order of the given filter: [`Layout::Nhwc`] for `[kH, kW, inC/groups, outC]`, [`Layout::Nchw`] for `[outC, inC/groups, kH, kW]`.
    pub filter_layout: Layout,
    /// Applied to every output.
    pub activation: Activation,
    strategy: Strategy,
}

const DIRECT_BELOW: usize = 160;

fn choose(shape: &Conv2dShape) -> Strategy {
    let axes = [&shape.h, &shape.w];
    if shape.group_in_c() == 1 && (shape.groups > 1 || shape.output.c == 1) {
        Strategy::Depthwise
    } else if !shape.group_in_c().is_multiple_of(4)
        && shape.h.kernel <= direct::MAX_TAPS
        && shape.h.kernel * shape.w.kernel * shape.group_in_c() < DIRECT_BELOW
    {
        Strategy::Direct
    } else if shape.groups > 1 {
        Strategy::Grouped
    } else if axes.iter().all(|a| a.kernel == 1 && a.stride == 1 && a.pad_before == 0 && a.pad_after == 0) {
        Strategy::Pointwise
    } else {
        Strategy::ImplicitGemm
    }
}

impl Conv2d {
    /// Checks a spec and chooses how to compute it.
    pub fn new(spec: &Conv2dSpec, filter_layout: Layout, activation: Activation) -> Result<Self, SpecError> {
        let shape = Conv2dShape::new(spec)?;
        Ok(Self { shape, filter_layout, activation, strategy: choose(&shape) })
    }

    /// How it is computed.
    pub fn strategy(&self) -> Strategy {
        self.strategy
    }

    /// Steps through the given filter.
    fn filter_strides(&self) -> FilterStrides {
        let Conv2dShape { h, w, .. } = self.shape;
        let (in_c, out_c) = (self.shape.group_in_c(), self.shape.output.c);
        match self.filter_layout {
            Layout::Nhwc => FilterStrides {
                group: self.shape.group_out_c(),
                tap_h: w.kernel * in_c * out_c,
                tap_w: in_c * out_c,
                k_c: out_c,
                n: 1,
            },
            Layout::Nchw => {
                let taps = h.kernel * w.kernel;
                FilterStrides {
                    group: self.shape.group_out_c() * in_c * taps,
                    tap_h: w.kernel,
                    tap_w: 1,
                    k_c: taps,
                    n: in_c * taps,
                }
            }
        }
    }

    /// Sizes of the matrices, where the strategy uses some.
    fn matrices(&self) -> PackedShape {
        PackedShape {
            groups: self.shape.groups,
            k: self.shape.h.kernel * self.shape.w.kernel * self.shape.group_in_c(),
            n: self.shape.group_out_c(),
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
        let packed = filter.values("filter", self.packing())?;
        match self.strategy {
            Strategy::Depthwise => {
                return depthwise::run(shape, input, packed, bias, self.activation, workspace, output);
            }
            Strategy::Direct => {
                return direct::run(shape, input, packed, bias, self.activation, workspace, output);
            }
            Strategy::Pointwise => {
                let rows = shape.output.len() / shape.output.c;
                let (k, n) = (shape.input.c, shape.output.c);
                let pixels = RowMajor { data: input, stride: k, output_stride: n };
                let right = RightHand { k, n, panels: packed, bias, activation: self.activation };
                let scratch = workspace.get(gemm::scratch_len(rows, k))?;
                gemm::multiply(&pixels, 0..rows, &right, scratch, output);
            }
            Strategy::ImplicitGemm | Strategy::Grouped | Strategy::SubPixel => {
                let matrices = self.matrices();
                let rows = shape.output.len() / shape.output.c;
                let (in_c, n) = (shape.group_in_c(), matrices.n);
                let scratch = workspace.get(gemm::scratch_len(rows, matrices.k))?;
                for (group, panels) in packed.chunks_exact(matrices.matrix_len()).enumerate() {
                    let patches = Gather {
                        input,
                        h: Reach::new(&shape.h),
                        w: Reach::new(&shape.w),
                        in_c: shape.input.c,
                        channels: group * in_c..(group + 1) * in_c,
                        output: [shape.output.h, shape.output.w, shape.output.c],
                    };
                    let right = RightHand {
                        k: matrices.k,
                        n,
                        panels,
                        bias: bias.map(|bias| &bias[group * n..(group + 1) * n]),
                        activation: self.activation,
                    };
                    gemm::multiply(&patches, 0..rows, &right, scratch, &mut output[group * n..]);
                }
            }
        }
        Ok(())
    }
}

impl Packs for Conv2d {
    fn packing(&self) -> PackingKey {
        PackingKey {
            form: match self.strategy {
                Strategy::Depthwise => PackedForm::Depthwise,
                _ => PackedForm::Panels,
            },
            channels_first: channels_first(self.filter_layout),
            taps: [self.shape.h.kernel, self.shape.w.kernel],
            channels: [self.shape.group_in_c(), self.shape.group_out_c()],
            groups: self.shape.groups,
        }
    }

    fn pack(&self, filter: &[f32]) -> Result<PackedFilter, SpecError> {
        expect_len("filter", filter.len(), self.shape.filter_len())?;
        let (key, strides) = (self.packing(), self.filter_strides());
        let [taps_h, taps_w] = key.taps;
        if key.form == PackedForm::Depthwise {
            let out_c = self.shape.output.c;
            return PackedFilter::new(key, filter.len(), |packed| {
                if self.filter_layout == Layout::Nhwc {
                    packed.copy_from_slice(filter);
                    return;
                }
                for (tap, row) in packed.chunks_exact_mut(out_c).enumerate() {
                    for (to, from) in row.iter_mut().zip(filter[tap..].iter().step_by(taps_h * taps_w)) {
                        *to = *from;
                    }
                }
            });
        }
        let matrices = self.matrices();
        PackedFilter::new(key, matrices.checked_len()?, |packed| {
            for (group, panels) in packed.chunks_exact_mut(matrices.matrix_len()).enumerate() {
                let taps = (0..taps_h).flat_map(|h| (0..taps_w).map(move |w| (h, w)));
                pack_panels(filter, group * strides.group, &strides, taps, self.shape.group_in_c(), matrices.n, panels);
            }
        })
    }
}
