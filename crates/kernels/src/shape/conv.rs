//! Convolutions and transposed convolutions.

use super::axis::{Axis, H_NAMES, MAX_SIZE, W_NAMES};
use super::{ErrorCode, Image, SpecError, checked_len};

/// A 2-D convolution as the caller gives it. Filters are `[k_h, k_w, in_c / groups, out_c]`, bias `[out_c]`.
/// 1-D convolution is the case `in_h = k_h = 1`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Conv2dSpec {
    /// Input batch.
    pub input: Image,
    /// Output channels.
    pub out_c: usize,
    /// Kernel rows.
    pub k_h: usize,
    /// Kernel columns.
    pub k_w: usize,
    /// Vertical step.
    pub stride_h: usize,
    /// Horizontal step.
    pub stride_w: usize,
    /// Vertical step between taps.
    pub dilation_h: usize,
    /// Horizontal step between taps.
    pub dilation_w: usize,
    /// Zeros above.
    pub pad_top: usize,
    /// Zeros at the left.
    pub pad_left: usize,
    /// Zeros below.
    pub pad_bottom: usize,
    /// Zeros at the right.
    pub pad_right: usize,
    /// Groups of channels that do not see one another; `in_c` for a depthwise convolution.
    pub groups: usize,
}

/// A checked convolution.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Conv2dShape {
    /// Input batch.
    pub input: Image,
    /// Output batch.
    pub output: Image,
    /// Rows.
    pub h: Axis,
    /// Columns.
    pub w: Axis,
    /// Groups.
    pub groups: usize,
}

fn check_groups(groups: usize, in_c: usize, out_c: usize) -> Result<(), SpecError> {
    if groups == 0 || !in_c.is_multiple_of(groups) || !out_c.is_multiple_of(groups) {
        let text = "is {}; it must divide the {} input channels and the {} output channels";
        return Err(SpecError::invalid("groups", text).number(groups).number(in_c).number(out_c));
    }
    Ok(())
}

impl Conv2dShape {
    /// Checks a spec.
    pub fn new(spec: &Conv2dSpec) -> Result<Self, SpecError> {
        spec.input.checked_len("input")?;
        check_groups(spec.groups, spec.input.c, spec.out_c)?;
        let pads = [[spec.pad_top, spec.pad_bottom], [spec.pad_left, spec.pad_right]];
        let h = Axis::new(H_NAMES, spec.input.h, spec.k_h, spec.stride_h, spec.dilation_h, pads[0], false)?;
        let w = Axis::new(W_NAMES, spec.input.w, spec.k_w, spec.stride_w, spec.dilation_w, pads[1], false)?;
        checked_len("filter", &[spec.k_h, spec.k_w, spec.input.c / spec.groups, spec.out_c])?;
        let output = Image { n: spec.input.n, h: h.output, w: w.output, c: spec.out_c };
        output.checked_len("output")?;
        Ok(Self { input: spec.input, output, h, w, groups: spec.groups })
    }
    /// Input channels that one output channel sees.
    pub fn group_in_c(&self) -> usize {
        self.input.c / self.groups
    }
    /// Output channels of a group.
    pub fn group_out_c(&self) -> usize {
        self.output.c / self.groups
    }
    /// Elements of the filter.
    pub fn filter_len(&self) -> usize {
        self.h.kernel * self.w.kernel * self.group_in_c() * self.output.c
    }
}

/// A transposed convolution: the gradient of [`Conv2dSpec`] with respect to its input.
/// Filters are `[k_h, k_w, out_c / groups, in_c]` (TensorFlow's: the filter of the convolution that it reverses), bias `[out_c]`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ConvTranspose2dSpec {
    /// As for a convolution; `stride` spreads the input, `dilation` the kernel, and the pads are cut off the output.
    pub conv: Conv2dSpec,
    /// Rows added at the bottom of the output, `0..max(stride_h, dilation_h)`.
    pub output_padding_h: usize,
    /// Columns added at the right of the output, `0..max(stride_w, dilation_w)`.
    pub output_padding_w: usize,
}

/// A checked transposed convolution.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ConvTranspose2dShape {
    /// Input batch.
    pub input: Image,
    /// Output batch.
    pub output: Image,
    /// Rows of the convolution that this one reverses: its input is our output.
    pub h: Axis,
    /// Columns, likewise.
    pub w: Axis,
    /// Groups.
    pub groups: usize,
}

impl ConvTranspose2dShape {
    /// Checks a spec. `out = (in - 1) * stride + dilation * (k - 1) + 1 + output_padding - pad_before - pad_after`.
    pub fn new(spec: &ConvTranspose2dSpec) -> Result<Self, SpecError> {
        let c = &spec.conv;
        c.input.checked_len("input")?;
        check_groups(c.groups, c.input.c, c.out_c)?;
        checked_len("filter", &[c.k_h, c.k_w, c.out_c / c.groups, c.input.c])?;
        let axis = |names: [&'static str; 4],
                    input: usize,
                    k: usize,
                    stride: usize,
                    dilation: usize,
                    pads: [usize; 2],
                    extra: usize| {
            // Checks kernel, stride, dilation and pads; the largest input keeps the window inside it.
            Axis::new(names, MAX_SIZE, k, stride, dilation, pads, false)?;
            if extra >= stride.max(dilation) {
                let text = "is {}; it must be below {}, the larger of stride and dilation";
                return Err(SpecError::invalid("outputPadding", text).number(extra).number(stride.max(dilation)));
            }
            let full = (input as u64 - 1) * stride as u64 + dilation as u64 * (k as u64 - 1) + 1 + extra as u64;
            let cut = pads[0] as u64 + pads[1] as u64;
            if full <= cut {
                let text = "cuts {} of {} elements: the output would be empty";
                let error = SpecError::new(ErrorCode::EmptyOutput, "padding", text);
                return Err(error.integer(cut as i64).integer(full as i64));
            }
            let output = full - cut;
            if output > MAX_SIZE as u64 {
                let error = SpecError::new(ErrorCode::TooLarge, "output", "would have a size of {}");
                return Err(error.integer(output as i64));
            }
            Ok(Axis {
                input: output as usize,
                kernel: k,
                stride,
                dilation,
                pad_before: pads[0],
                pad_after: pads[1],
                output: input,
            })
        };
        let h = axis(
            H_NAMES,
            c.input.h,
            c.k_h,
            c.stride_h,
            c.dilation_h,
            [c.pad_top, c.pad_bottom],
            spec.output_padding_h,
        )?;
        let w = axis(
            W_NAMES,
            c.input.w,
            c.k_w,
            c.stride_w,
            c.dilation_w,
            [c.pad_left, c.pad_right],
            spec.output_padding_w,
        )?;
        let output = Image { n: c.input.n, h: h.input, w: w.input, c: c.out_c };
        output.checked_len("output")?;
        Ok(Self { input: c.input, output, h, w, groups: c.groups })
    }
    /// Elements of the filter.
    pub fn filter_len(&self) -> usize {
        self.h.kernel * self.w.kernel * (self.output.c / self.groups) * self.input.c
    }
}
