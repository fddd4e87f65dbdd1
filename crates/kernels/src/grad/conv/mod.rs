//! Gradients of convolutions, by the machinery of the forward pass.
//!
//! - The input's gradient is a convolution of the output's gradient: with stride 1 by the filter turned around, its channels
//!   exchanged, by whichever strategy the forward pass would choose (Winograd among them); with larger strides a transposed
//!   convolution.
//! - The filter's gradient is a matrix product summed over pixels, see [`filter`], or of a 3x3 filter over tiles, see
//!   [`winograd`]; of a grey picture's few filters, a sum over vectors of pixels, see [`planes`].
//! - The bias's gradient is a sum over pixels.

mod depthwise;
mod filter;
mod form;
mod planes;
mod runs;
mod scattered;
mod tiled_filter;
mod tiles;
mod winograd;

pub(in crate::grad) use filter::run as filter_gradient;

use self::form::FilterForm;
use super::sums::sum_rows;
use crate::activation::Activation;
use crate::conv::{Accuracy, Conv2d, ConvTranspose2d, Packs, Strategy};
use crate::memory::{Buffer, Workspace};
use crate::shape::{Conv2dShape, Conv2dSpec, ConvTranspose2dShape, ConvTranspose2dSpec, Layout, SpecError, expect_len};

/// The gradients of a [`Conv2d`] without residual and activation.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Conv2dGradient {
    /// Sizes of the convolution.
    pub shape: Conv2dShape,
    form: FilterForm,
    backward: Backward,
    accuracy: Accuracy,
}

/// How the input's gradient is computed.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Backward {
    /// By the filter turned around.
    Turned(Conv2d),
    /// By one product of all taps, and sums where windows overlap.
    Scattered,
    /// By vectors of channels, product by product.
    Depthwise,
    /// By sub-pixel phases.
    Transposed(ConvTranspose2d),
}

impl Conv2dGradient {
    /// Checks a spec. `filter_layout` is the order of the filter and of its gradient, as of [`Conv2d`].
    pub fn new(spec: &Conv2dSpec, filter_layout: Layout, accuracy: Accuracy) -> Result<Self, SpecError> {
        let shape = Conv2dShape::new(spec)?;
        let backward = match turned(&shape) {
            Some(spec) => match Conv2d::new(&spec, Layout::Nhwc, Activation::Identity)?.with_accuracy(accuracy) {
                conv if scattered::pays_beside(conv.strategy(), &shape) => Backward::Scattered,
                conv => Backward::Turned(conv),
            },
            None if depthwise::can_do(&shape) => Backward::Depthwise,
            None if scattered::pays_beside(Strategy::SubPixel, &shape) => Backward::Scattered,
            None => {
                let (input, output) = (shape.output, shape.input);
                let shape = ConvTranspose2dShape { input, output, h: shape.h, w: shape.w, groups: shape.groups };
                Backward::Transposed(ConvTranspose2d { shape, filter_layout, activation: Activation::Identity })
            }
        };
        Ok(Self { shape, form: FilterForm::new(&shape, filter_layout), backward, accuracy })
    }

    /// How the input's gradient is computed, for people.
    pub fn strategy(&self) -> &'static str {
        match self.backward {
            Backward::Turned(conv) => conv.strategy().name(),
            Backward::Scattered => "scattered",
            Backward::Depthwise => "depthwise",
            Backward::Transposed(_) => "sub-pixel",
        }
    }

    /// The gradient with respect to the input, `[n, in_h, in_w, in_c]`, from that with respect to the output, `[n, out_h, out_w, out_c]`,
    /// and the filter. The filter is packed anew at every call: between two of them it has been trained.
    pub fn input(
        &self,
        grad_output: &[f32],
        filter: &[f32],
        workspace: &mut Workspace,
        grad_input: &mut [f32],
    ) -> Result<(), SpecError> {
        let shape = &self.shape;
        expect_len("gradOutput", grad_output.len(), shape.output.len())?;
        expect_len("filter", filter.len(), shape.filter_len())?;
        expect_len("gradInput", grad_input.len(), shape.input.len())?;
        match self.backward {
            Backward::Turned(conv) if matches!(conv.strategy(), Strategy::Winograd | Strategy::WinogradRows) => {
                tiled_filter::run(&conv, &self.form.windows(filter), grad_output, workspace, grad_input)
            }
            Backward::Turned(conv) => {
                let mut around = Buffer::zeroed(filter.len())?;
                self.form.turn(filter, around.as_mut_slice())?;
                let packed = conv.pack(around.as_slice())?;
                drop(around);
                conv.run(grad_output, &packed, None, None, workspace, grad_input)
            }
            Backward::Scattered => {
                scattered::run(shape, &self.form.windows(filter), grad_output, workspace, grad_input)
            }
            Backward::Depthwise => self.form.given(filter, |filter| {
                depthwise::input(shape, grad_output, filter, grad_input);
                Ok(())
            }),
            Backward::Transposed(conv) => conv.run(grad_output, &conv.pack(filter)?, None, workspace, grad_input),
        }
    }

    /// The gradient with respect to the filter, in the filter's own order.
    pub fn filter(
        &self,
        input: &[f32],
        grad_output: &[f32],
        workspace: &mut Workspace,
        grad_filter: &mut [f32],
    ) -> Result<(), SpecError> {
        let shape = &self.shape;
        expect_len("input", input.len(), shape.input.len())?;
        expect_len("gradOutput", grad_output.len(), shape.output.len())?;
        expect_len("gradFilter", grad_filter.len(), shape.filter_len())?;
        self.form.computed(grad_filter, |to| match self.filter_strategy() {
            Strategy::Depthwise => {
                depthwise::filter(shape, input, grad_output, to);
                Ok(())
            }
            Strategy::Winograd => winograd::run(shape, input, grad_output, workspace, to),
            Strategy::Picture => planes::run(shape, input, grad_output, workspace, to),
            _ => filter::run(shape, input, grad_output, workspace, to),
        })
    }

    /// How the filter's gradient is computed.
    pub fn filter_strategy(&self) -> Strategy {
        match self.accuracy {
            _ if depthwise::can_do(&self.shape) => Strategy::Depthwise,
            _ if planes::pays(&self.shape) => Strategy::Picture,
            Accuracy::Fast if winograd::pays(&self.shape) => Strategy::Winograd,
            _ => Strategy::Direct,
        }
    }

    /// The gradient with respect to the bias, `[out_c]`.
    pub fn bias(&self, grad_output: &[f32], grad_bias: &mut [f32]) -> Result<(), SpecError> {
        expect_len("gradOutput", grad_output.len(), self.shape.output.len())?;
        sum_rows(self.shape.output.c, grad_output, grad_bias)
    }
}

/// The convolution of the output's gradient that gives the input's, if there is one: its stride would be the other's inverse, and
/// its padding what the kernel leaves of the other's.
fn turned(shape: &Conv2dShape) -> Option<Conv2dSpec> {
    let Conv2dShape { h, w, .. } = shape;
    if h.stride != 1 || w.stride != 1 {
        return None;
    }
    let [top, left] = [h, w].map(|axis| (axis.extent() - 1).checked_sub(axis.pad_before));
    let [bottom, right] = [h, w].map(|axis| (axis.extent() - 1).checked_sub(axis.pad_after));
    Some(Conv2dSpec {
        input: shape.output,
        out_c: shape.input.c,
        k_h: h.kernel,
        k_w: w.kernel,
        stride_h: 1,
        stride_w: 1,
        dilation_h: h.dilation,
        dilation_w: w.dilation,
        pad_top: top?,
        pad_left: left?,
        pad_bottom: bottom?,
        pad_right: right?,
        groups: shape.groups,
    })
}

/// The gradients of a [`ConvTranspose2d`] without activation.
///
/// It is itself the gradient of a convolution, so its gradients are that convolution and that convolution's filter gradient.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ConvTranspose2dGradient {
    /// Sizes of the transposed convolution.
    pub shape: ConvTranspose2dShape,
    reversed: Conv2d,
    form: FilterForm,
}

impl ConvTranspose2dGradient {
    /// Checks a spec. `filter_layout` is the order of the filter and of its gradient, as of [`ConvTranspose2d`].
    pub fn new(spec: &ConvTranspose2dSpec, filter_layout: Layout, accuracy: Accuracy) -> Result<Self, SpecError> {
        let shape = ConvTranspose2dShape::new(spec)?;
        let reversed = Conv2dSpec { input: shape.output, out_c: shape.input.c, ..spec.conv };
        let mut reversed = Conv2d::new(&reversed, filter_layout, Activation::Identity)?.with_accuracy(accuracy);
        // An output padding of a stride or more has room for windows that no input made.
        reversed.shape =
            Conv2dShape { input: shape.output, output: shape.input, h: shape.h, w: shape.w, groups: shape.groups };
        Ok(Self { shape, reversed, form: FilterForm::new(&reversed.shape, filter_layout) })
    }

    /// How the input's gradient is computed, for people.
    pub fn strategy(&self) -> &'static str {
        self.reversed.strategy().name()
    }

    /// The gradient with respect to the input, `[n, in_h, in_w, in_c]`.
    pub fn input(
        &self,
        grad_output: &[f32],
        filter: &[f32],
        workspace: &mut Workspace,
        grad_input: &mut [f32],
    ) -> Result<(), SpecError> {
        expect_len("gradOutput", grad_output.len(), self.shape.output.len())?;
        expect_len("gradInput", grad_input.len(), self.shape.input.len())?;
        self.reversed.run(grad_output, &self.reversed.pack(filter)?, None, None, workspace, grad_input)
    }

    /// The gradient with respect to the filter, in the filter's own order.
    pub fn filter(
        &self,
        input: &[f32],
        grad_output: &[f32],
        workspace: &mut Workspace,
        grad_filter: &mut [f32],
    ) -> Result<(), SpecError> {
        expect_len("input", input.len(), self.shape.input.len())?;
        expect_len("gradOutput", grad_output.len(), self.shape.output.len())?;
        expect_len("gradFilter", grad_filter.len(), self.shape.filter_len())?;
        let reversed = &self.reversed.shape;
        self.form.computed(grad_filter, |to| {
            if depthwise::can_do(reversed) {
                depthwise::filter(reversed, grad_output, input, to);
                return Ok(());
            }
            filter::run(reversed, grad_output, input, workspace, to)
        })
    }

    /// The gradient with respect to the bias, `[out_c]`.
    pub fn bias(&self, grad_output: &[f32], grad_bias: &mut [f32]) -> Result<(), SpecError> {
        expect_len("gradOutput", grad_output.len(), self.shape.output.len())?;
        sum_rows(self.shape.output.c, grad_output, grad_bias)
    }
}
