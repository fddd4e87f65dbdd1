//! Convolution: one file a strategy; this one chooses among them and checks the buffers.

mod blocks;
mod clipped;
mod depthwise;
mod direct;
mod packed;
mod picture;
mod reach;
mod transposed;
mod winograd;

pub use packed::{PackedFilter, PackingKey, Packs};
pub(crate) use packed::{PackedForm, channels_first};
pub use transposed::ConvTranspose2d;
pub(crate) use winograd::{FilterWindows, transform as winograd_transform};

use crate::activation::Activation;
use crate::epilogue::Epilogue;
use crate::gemm::{FilterStrides, pack_panels};
use crate::memory::Workspace;
use crate::shape::{Conv2dShape, Conv2dSpec, Image, Layout, SpecError, expect_len};
use direct::Windows;

/// How a convolution is computed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Strategy {
    /// Products of windows, read where they lie, and of packed weights.
    Direct,
    /// Windows mostly in the padding: each output multiplies just the taps that lie in the input.
    Clipped,
    /// A 3x3 window by tiles of 4x4 outputs, with a quarter of the multiplications and a larger error; at a stride of two with 9/16 of them.
    Winograd,
    /// A window three taps wide by tiles of four outputs of a row, with half of the multiplications.
    WinogradRows,
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
            Self::Direct => "direct",
            Self::Clipped => "clipped",
            Self::Winograd => "winograd",
            Self::WinogradRows => "winograd-rows",
            Self::Depthwise => "depthwise",
            Self::Picture => "picture",
            Self::Separable => "separable",
            Self::SubPixel => "sub-pixel",
        }
    }

    /// True if it gives the right answer for `shape`, fast or not.
    fn can_do(self, shape: &Conv2dShape) -> bool {
        match self {
            Self::Direct => Windows::new(shape).fit(),
            Self::Clipped => true,
            Self::Winograd => winograd::can_do(shape),
            Self::WinogradRows => winograd::rows::can_do(shape),
            Self::Depthwise => shape.group_in_c() == 1,
            Self::Picture | Self::Separable => picture::can_do(shape),
            Self::SubPixel => false,
        }
    }
}

/// How exact a convolution has to be.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Accuracy {
    /// [`Strategy::Winograd`] where it is faster. With numbers of a size, its errors are twice those of a plain sum: at 64, 128, 256
    /// and 512 channels their root mean square is 14, 19, 27 and 36 times 2^-24 of that of the outputs, a plain sum's 7, 10, 14
    /// and 20; the largest of some thousand 92 to 239 times, a plain sum's 57 to 139. Where a tile of 6x6 inputs has larger numbers
    /// than an output sees, the error is theirs. `tests/winograd.rs` bounds both. At a stride of two they are as
    /// large (`tests/winograd_strided.rs`). [`Strategy::WinogradRows`] where that is faster:
    /// 10, 14, 19 and 27 times 2^-24.
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
/// filter in its whole output channel; with [`Strategy::WinogradRows`], the tile is four outputs of a row.
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

fn choose(shape: &Conv2dShape, accuracy: Accuracy) -> Strategy {
    if Strategy::Picture.can_do(shape) && picture::pays(shape) {
        let in_two_passes = accuracy == Accuracy::Fast && picture::pays_in_two_passes(shape);
        return if in_two_passes { Strategy::Separable } else { Strategy::Picture };
    }
    if Strategy::Depthwise.can_do(shape) && (shape.groups > 1 || shape.output.c == 1) && depthwise::pays(shape) {
        return Strategy::Depthwise;
    }
    if accuracy == Accuracy::Fast && winograd::pays(shape) {
        return Strategy::Winograd;
    }
    if accuracy == Accuracy::Fast && winograd::rows::pays(shape) {
        return Strategy::WinogradRows;
    }
    let windows = Windows::new(shape);
    if clipped::pays(&windows) || !windows.fit() { Strategy::Clipped } else { Strategy::Direct }
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

    /// The same convolution, by [`Strategy::Winograd`] where [`Strategy::WinogradRows`] was chosen for its smaller filter alone: for a
    /// filter that is not one of many, as those of a network are.
    pub fn with_filter_alone(self) -> Self {
        match self.strategy {
            Strategy::WinogradRows if winograd::pays_alone(&self.shape) => {
                Self { strategy: Strategy::Winograd, ..self }
            }
            _ => self,
        }
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

    /// Packs windows that may lie otherwise than in a filter, for the strategies of Winograd's tiles.
    pub(crate) fn pack_windows(&self, windows: &FilterWindows<'_>) -> Result<PackedFilter, SpecError> {
        match self.strategy {
            Strategy::WinogradRows => winograd::rows::pack(self.packing(), &self.shape, windows),
            _ => winograd::pack(self.packing(), &self.shape, windows),
        }
    }

    /// What becomes of the sums, once all lengths are checked.
    fn checked<'a>(
        &self,
        input: &[f32],
        bias: Option<&'a [f32]>,
        residual: Option<&'a [f32]>,
        output: &[f32],
    ) -> Result<Epilogue<'a>, SpecError> {
        expect_len("input", input.len(), self.shape.input.len())?;
        expect_len("output", output.len(), self.shape.output.len())?;
        if let Some(bias) = bias {
            expect_len("bias", bias.len(), self.shape.output.c)?;
        }
        if let Some(residual) = residual {
            let Image { n, h, w, c } = self.shape.output;
            let pixels = n * h * w;
            let may_be_narrow = !residual.is_empty() && residual.len().is_multiple_of(pixels);
            if !may_be_narrow || residual.len() / pixels > c {
                expect_len("residual", residual.len(), self.shape.output.len())?;
            }
        }
        Ok(Epilogue { bias, residual, activation: self.activation })
    }

    /// True if [`Self::run_planes`] can do it: the filter of a picture, the same for all channels.
    pub fn can_run_planes(&self, filter: &PackedFilter) -> bool {
        matches!(self.strategy, Strategy::Picture | Strategy::Separable)
            && filter.values("filter", self.packing()).is_ok_and(picture::is_one_for_all)
    }

    /// [`Self::run`] with `input`, `residual` and `output` in NCHW, each channel a picture of its own: nothing is transposed.
    pub fn run_planes(
        &self,
        input: &[f32],
        filter: &PackedFilter,
        bias: Option<&[f32]>,
        residual: Option<&[f32]>,
        workspace: &mut Workspace,
        output: &mut [f32],
    ) -> Result<(), SpecError> {
        let epilogue = self.checked(input, bias, residual, output)?;
        if let Some(residual) = residual {
            expect_len("residual", residual.len(), output.len())?;
        }
        if !self.can_run_planes(filter) {
            return Err(SpecError::mismatch("filter", "is not one for all channels of a picture"));
        }
        let packed = filter.values("filter", self.packing())?;
        picture::run_planes(&self.shape, input, packed, epilogue, workspace, output)
    }

    /// `output = activation(sums + bias + residual)`. `input` is NHWC `[n, in_h, in_w, in_c]`, `bias` `[out_c]`, `output` and
    /// `residual` (the shortcut of a residual block) `[n, out_h, out_w, out_c]`. A residual may have fewer channels, those that
    /// it lacks are zero: the shortcut of a block that widens (BlazeFace).
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
        let epilogue = self.checked(input, bias, residual, output)?;
        let packed = filter.values("filter", self.packing())?;
        if residual.is_some_and(|residual| residual.len() < output.len()) {
            let sums = Epilogue { residual: None, activation: Activation::Identity, ..epilogue };
            self.run_strategy(input, packed, sums, workspace, output)?;
            epilogue.finish_pixels(shape.output.c, output);
            return Ok(());
        }
        self.run_strategy(input, packed, epilogue, workspace, output)
    }

    fn run_strategy(
        &self,
        input: &[f32],
        packed: &[f32],
        epilogue: Epilogue<'_>,
        workspace: &mut Workspace,
        output: &mut [f32],
    ) -> Result<(), SpecError> {
        let shape = &self.shape;
        match self.strategy {
            Strategy::Depthwise => depthwise::run(shape, input, packed, epilogue, workspace, output),
            Strategy::Picture | Strategy::Separable => picture::run(shape, input, packed, epilogue, workspace, output),
            Strategy::Winograd => winograd::run(shape, input, packed, epilogue, workspace, output),
            Strategy::WinogradRows => winograd::rows::run(shape, input, packed, epilogue, workspace, output),
            Strategy::Direct => direct::run(&Windows::new(shape), input, packed, epilogue, workspace, output),
            Strategy::Clipped | Strategy::SubPixel => {
                clipped::run(&Windows::new(shape), input, packed, epilogue, output);
                Ok(())
            }
        }
    }
}

impl Packs for Conv2d {
    fn packing(&self) -> PackingKey {
        PackingKey {
            form: match self.strategy {
                Strategy::Depthwise => PackedForm::Depthwise,
                Strategy::Picture => PackedForm::Picture,
                Strategy::Separable => PackedForm::Separable,
                Strategy::Winograd if self.shape.h.stride > 1 => PackedForm::WinogradStrided,
                Strategy::Winograd => PackedForm::Winograd,
                Strategy::WinogradRows => PackedForm::WinogradRows,
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
            return PackedFilter::new(key, depthwise::packed_len(&self.shape), |packed| {
                depthwise::pack(&self.shape, &strides, filter, packed);
            });
        }
        if matches!(key.form, PackedForm::Picture | PackedForm::Separable) {
            let out_c = self.shape.output.c;
            let plain = PackedFilter::new(key, filter.len(), |packed| {
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
            let separable = key.form == PackedForm::Separable;
            return picture::pack(key, &self.shape, separable, plain.values("filter", key)?);
        }
        if matches!(key.form, PackedForm::Winograd | PackedForm::WinogradStrided | PackedForm::WinogradRows) {
            return self.pack_windows(&FilterWindows::new(taps_h * taps_w, &strides, filter));
        }
        let windows = Windows::new(&self.shape);
        let (panels, taps) = (windows.panels(), strides.offsets(windows.taps()));
        PackedFilter::new(key, panels.checked_len()?, |packed| {
            for (group, packed) in packed.chunks_exact_mut(panels.matrix_len()).enumerate() {
                pack_panels(filter, group * strides.group, &strides, &taps, self.shape.group_in_c(), panels.n, packed);
            }
        })
    }
}
