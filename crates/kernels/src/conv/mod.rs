//! Convolution: one file a strategy; this one chooses among them and checks the buffers.

mod clipped;
mod depthwise;
mod direct;
mod gather;
mod packed;
mod picture;
mod transposed;
mod window3x3;
mod winograd;

pub use packed::{PackedFilter, PackingKey, Packs};
pub(crate) use packed::{PackedForm, channels_first};
pub use transposed::ConvTranspose2d;

use crate::activation::Activation;
use crate::epilogue::Epilogue;
use crate::gemm::{self, FilterStrides, PackedShape, RightHand, RowMajor, pack_panels};
use crate::memory::Workspace;
use crate::shape::{Axis, Conv2dShape, Conv2dSpec, Image, Layout, SpecError, expect_len};
use gather::{Gather, Reach};

/// How a convolution is computed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Strategy {
    /// A 1x1 window over every pixel: a matrix product of the image's pixels, packed block by block.
    Pointwise,
    /// A matrix product of patches, gathered and packed block by block: long sums.
    ImplicitGemm,
    /// The same for each group of channels.
    Grouped,
    /// Tiles of pixels read the input where it lies, nothing is packed: short sums, few channels, small groups.
    Direct,
    /// Windows mostly in the padding: each output multiplies just the taps that lie in the input.
    Clipped,
    /// A 3x3 window by tiles of 4x4 outputs, with a quarter of the multiplications and a larger error.
    Winograd,
    /// Every output channel sees one input channel: vectors of channels, no matrix product.
    Depthwise,
    /// A picture of up to four channels that are kept apart: vectors of neighbouring floats.
    Picture,
    /// The same in two passes, a column's and a row's, if the filter turns out to be a product of the two.
    Separable,
    /// A transposed convolution as one implicit product for each sub-pixel phase.
    SubPixel,
}

impl Strategy {
    /// For people.
    pub fn name(self) -> &'static str {
        match self {
            Self::Pointwise => "pointwise",
            Self::ImplicitGemm => "implicit-gemm",
            Self::Grouped => "grouped-gemm",
            Self::Direct => "direct",
            Self::Clipped => "clipped",
            Self::Winograd => "winograd",
            Self::Depthwise => "depthwise",
            Self::Picture => "picture",
            Self::Separable => "separable",
            Self::SubPixel => "sub-pixel",
        }
    }

    /// True if it gives the right answer for `shape`, fast or not.
    fn can_do(self, shape: &Conv2dShape) -> bool {
        match self {
            Self::Pointwise => shape.groups == 1 && is_pointwise(shape),
            Self::ImplicitGemm | Self::Grouped | Self::Clipped => true,
            Self::Direct => direct::can_do(shape),
            Self::Winograd => winograd::can_do(shape),
            Self::Depthwise => shape.group_in_c() == 1,
            Self::Picture | Self::Separable => picture::can_do(shape),
            Self::SubPixel => false,
        }
    }
}

/// How exact a convolution has to be.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Accuracy {
    /// [`Strategy::Winograd`] where it is faster: its errors are about twice those of a plain sum; `tests/winograd.rs` bounds them.
    /// [`Strategy::Separable`] where it is: the error bound is that of the plain sum, the roundings are others.
    #[default]
    Fast,
    /// Plain sums of products only.
    Strict,
}

/// A convolution, checked and with its strategy chosen. Semantics are those of ONNX's Conv: a correlation, the kernel is not flipped.
///
/// Taps in the padding add nothing to a sum; where a filter holds an infinity or a NaN, the result may be NaN there: most strategies multiply zeros.
/// With [`Strategy::Winograd`], a NaN or an infinity of the input may give NaN in the whole tile of 4x4 outputs, and one of the
/// filter in its whole output channel.
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

/// Longest sum for which the direct kernel is chosen. Measured against the packed one (Node 24, Zen 4, 3x3): it is 1.5 to 2.1
/// times as fast at 16 channels and fewer, up to 4 times with odd or dilated channels and in small groups, 1.1 times at 64
/// channels (576 products); at 128 (1152) it loses a tenth on 28x28, since a panel of weights fills the first-level cache.
const DIRECT_UP_TO: usize = 768;

/// Fewest input channels for which rows of pixels are packed at all.
const PACK_FROM: usize = 8;

/// Most output channels for which pixels are not packed: each is read once an eight of them. 32 -> 16 channels: 1.09 times as
/// fast as packed, 384 -> 64: 1.04; 64 -> 256: 0.94.
const UNPACKED_UP_TO: usize = 64;

fn choose(shape: &Conv2dShape, accuracy: Accuracy) -> Strategy {
    let products = shape.h.kernel * shape.w.kernel * shape.group_in_c();
    let is_short = products <= DIRECT_UP_TO && Strategy::Direct.can_do(shape);
    if Strategy::Picture.can_do(shape) {
        let in_two_passes = accuracy == Accuracy::Fast && picture::pays_in_two_passes(shape);
        if in_two_passes { Strategy::Separable } else { Strategy::Picture }
    } else if Strategy::Depthwise.can_do(shape) && (shape.groups > 1 || shape.output.c == 1) {
        Strategy::Depthwise
    } else if Strategy::Pointwise.can_do(shape) {
        let pays = shape.input.c >= PACK_FROM && shape.output.c > UNPACKED_UP_TO;
        if pays || !is_short { Strategy::Pointwise } else { Strategy::Direct }
    } else if accuracy == Accuracy::Fast && winograd::pays(shape) {
        Strategy::Winograd
    } else if is_short {
        Strategy::Direct
    } else if clipped::pays(&Reach::new(&shape.h), &Reach::new(&shape.w), shape.group_in_c()) {
        Strategy::Clipped
    } else if shape.groups > 1 {
        Strategy::Grouped
    } else {
        Strategy::ImplicitGemm
    }
}

/// Every output pixel sees just the input pixel at its place.
fn is_pointwise(shape: &Conv2dShape) -> bool {
    let axes = [&shape.h, &shape.w];
    axes.iter().all(|a| a.kernel == 1 && a.stride == 1 && a.pad_before == 0 && a.pad_after == 0)
}

/// The same pointwise convolution of a single row of pixels.
fn flatten(shape: &Conv2dShape) -> Conv2dShape {
    let pixels = shape.input.n * shape.input.h * shape.input.w;
    let row = |c| Image { n: 1, h: 1, w: pixels, c };
    let axis = |size| Axis { input: size, output: size, ..shape.w };
    Conv2dShape { input: row(shape.input.c), output: row(shape.output.c), h: axis(1), w: axis(pixels), ..*shape }
}

impl Conv2d {
    /// Checks a spec and chooses how to compute it, [`Accuracy::Fast`].
    pub fn new(spec: &Conv2dSpec, filter_layout: Layout, activation: Activation) -> Result<Self, SpecError> {
        let shape = Conv2dShape::new(spec)?;
        Ok(Self { shape, filter_layout, activation, strategy: choose(&shape, Accuracy::Fast) })
    }

    /// The same convolution by the strategy that is chosen for an accuracy.
    pub fn with_accuracy(self, accuracy: Accuracy) -> Self {
        Self { strategy: choose(&self.shape, accuracy), ..self }
    }

    /// The same convolution by a strategy of the caller's choice, for tests and benchmarks; none if that one cannot do it.
    pub fn with_strategy(self, strategy: Strategy) -> Option<Self> {
        strategy.can_do(&self.shape).then_some(Self { strategy, ..self })
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

    /// `output = activation(sums + bias + residual)`. `input` is NHWC `[n, in_h, in_w, in_c]`, `bias` `[out_c]`, `output` and
    /// `residual` (the shortcut of a residual block) `[n, out_h, out_w, out_c]`.
    pub fn run(
        &self,
        input: &[f32],
        filter: &PackedFilter,
        bias: Option<&[f32]>,
        residual: Option<&[f32]>,
        workspace: &mut Workspace,
        output: &mut [f32],
    ) -> Result<(), SpecError> {
        let shape = &self.shape;
        expect_len("input", input.len(), shape.input.len())?;
        expect_len("output", output.len(), shape.output.len())?;
        if let Some(bias) = bias {
            expect_len("bias", bias.len(), shape.output.c)?;
        }
        if let Some(residual) = residual {
            expect_len("residual", residual.len(), shape.output.len())?;
        }
        let epilogue = Epilogue { bias, residual, activation: self.activation };
        let packed = filter.values("filter", self.packing())?;
        match self.strategy {
            Strategy::Depthwise => {
                return depthwise::run(shape, input, packed, epilogue, workspace, output);
            }
            Strategy::Picture | Strategy::Separable => {
                return picture::run(shape, input, packed, epilogue, workspace, output);
            }
            Strategy::Winograd => {
                return winograd::run(shape, input, packed, epilogue, workspace, output);
            }
            Strategy::Direct => {
                let flat = if is_pointwise(shape) { flatten(shape) } else { *shape };
                return direct::run(&flat, input, packed, epilogue, workspace, output);
            }
            Strategy::Pointwise => {
                let rows = shape.output.len() / shape.output.c;
                let (k, n) = (shape.input.c, shape.output.c);
                let pixels = RowMajor { data: input, stride: k, output_stride: n };
                let right = RightHand { k, n, panels: packed, epilogue };
                let scratch = workspace.get(gemm::scratch_len(rows, k))?;
                gemm::multiply(&pixels, 0..rows, &right, scratch, output);
            }
            Strategy::ImplicitGemm | Strategy::Grouped | Strategy::Clipped | Strategy::SubPixel => {
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
                    let epilogue = epilogue.of_columns(group * n..(group + 1) * n);
                    let right = RightHand { k: matrices.k, n, panels, epilogue };
                    let output = &mut output[group * n..];
                    if self.strategy == Strategy::Clipped {
                        clipped::multiply(&patches, 0..rows, &right, output);
                    } else {
                        gemm::multiply(&patches, 0..rows, &right, scratch, output);
                    }
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
                Strategy::Picture => PackedForm::Picture,
                Strategy::Separable => PackedForm::Separable,
                Strategy::Winograd => PackedForm::Winograd,
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
        if matches!(key.form, PackedForm::Depthwise | PackedForm::Picture | PackedForm::Separable) {
            let out_c = self.shape.output.c;
            let depthwise = PackedFilter::new(key, filter.len(), |packed| {
                if self.filter_layout == Layout::Nhwc {
                    packed.copy_from_slice(filter);
                    return;
                }
                for (tap, row) in packed.chunks_exact_mut(out_c).enumerate() {
                    for (to, from) in row.iter_mut().zip(filter[tap..].iter().step_by(taps_h * taps_w)) {
                        *to = *from;
                    }
                }
            })?;
            return match key.form {
                PackedForm::Depthwise => Ok(depthwise),
                form => {
                    picture::pack(key, &self.shape, form == PackedForm::Separable, depthwise.values("filter", key)?)
                }
            };
        }
        if key.form == PackedForm::Winograd {
            return winograd::pack(key, &self.shape, &strides, filter);
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
