//! Sizes: the specs of windowed operators, checked once, and their output sizes. The vocabulary of the field.
//!
//! Activations are NHWC, row-major. Sizes count elements, never bytes.

use core::fmt;
use core::ops::Range;

/// Most elements that one tensor may have: a WebAssembly allocation ends at 2^31 - 1 bytes.
pub const MAX_LEN: usize = i32::MAX as usize / 4;

/// What is wrong with a spec, for programs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u32)]
pub enum ErrorCode {
    /// A value that no operator of this kind may have: a stride of 0, an unknown mode.
    InvalidArgument = 1,
    /// Two sizes that should agree do not.
    ShapeMismatch = 2,
    /// The output would have no elements.
    EmptyOutput = 3,
    /// More than [`MAX_LEN`] elements.
    TooLarge = 4,
    /// No memory for the output, the packed filter or the workspace.
    OutOfMemory = 5,
}

/// A spec or a buffer that an operator refuses.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SpecError {
    /// For programs.
    pub code: ErrorCode,
    /// The field at fault, in the words of the spec.
    pub argument: &'static str,
    /// For people: what came and what was expected.
    pub message: String,
}

impl SpecError {
    /// An [`ErrorCode::InvalidArgument`].
    pub fn invalid(argument: &'static str, message: impl Into<String>) -> Self {
        Self { code: ErrorCode::InvalidArgument, argument, message: message.into() }
    }
    /// An [`ErrorCode::ShapeMismatch`].
    pub fn mismatch(argument: &'static str, message: impl Into<String>) -> Self {
        Self { code: ErrorCode::ShapeMismatch, argument, message: message.into() }
    }
}

impl fmt::Display for SpecError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.argument, self.message)
    }
}

impl core::error::Error for SpecError {}

/// The product of `sizes`; an error where one is zero or the product is above [`MAX_LEN`].
pub fn checked_len(argument: &'static str, sizes: &[usize]) -> Result<usize, SpecError> {
    let mut len = 1usize;
    for &size in sizes {
        if size == 0 {
            return Err(SpecError::invalid(
                argument,
                format!("{sizes:?} has a size of 0; every size must be at least 1"),
            ));
        }
        len = len.checked_mul(size).filter(|&len| len <= MAX_LEN).ok_or_else(|| SpecError {
            code: ErrorCode::TooLarge,
            argument,
            message: format!("{sizes:?} has more than {MAX_LEN} elements"),
        })?;
    }
    Ok(len)
}

/// An error unless a buffer has the length that the spec gives it.
pub fn expect_len(argument: &'static str, found: usize, expected: usize) -> Result<(), SpecError> {
    if found == expected {
        return Ok(());
    }
    Err(SpecError::mismatch(argument, format!("has {found} elements, the spec gives it {expected}")))
}

/// The order of an image batch's axes in memory.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Layout {
    /// `[n, h, w, c]`: canvas pixels, TensorFlow; what the kernels use.
    #[default]
    Nhwc,
    /// `[n, c, h, w]`: PyTorch, ONNX.
    Nchw,
}

/// A batch of images, NHWC.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Image {
    /// Images in the batch.
    pub n: usize,
    /// Rows.
    pub h: usize,
    /// Columns.
    pub w: usize,
    /// Channels.
    pub c: usize,
}

impl Image {
    /// Elements, or why there cannot be so many.
    pub fn checked_len(&self, argument: &'static str) -> Result<usize, SpecError> {
        checked_len(argument, &[self.n, self.h, self.w, self.c])
    }
    /// Elements of a batch that was checked.
    pub fn len(&self) -> usize {
        self.n * self.h * self.w * self.c
    }
    /// False: a checked batch has elements.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// How a window slides along one axis, and how many positions it takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Axis {
    /// Size of the input.
    pub input: usize,
    /// Taps of the window.
    pub kernel: usize,
    /// Step from one window to the next.
    pub stride: usize,
    /// Step from one tap to the next.
    pub dilation: usize,
    /// Padding before the first element.
    pub pad_before: usize,
    /// Padding after the last element.
    pub pad_after: usize,
    /// Positions of the window.
    pub output: usize,
}

/// Sizes, strides and pads above this are refused: sums of a few of them fit 32 bits, products of two fit 64.
const MAX_SIZE: usize = 1 << 28;

impl Axis {
    /// Checks one axis. `names` are the spec's fields for kernel, stride, dilation and padding.
    ///
    /// `output = floor((input + pad_before + pad_after - dilation * (kernel - 1) - 1) / stride) + 1`; with `ceil`, rounded
    /// up, but a last window that would start in the end padding is dropped (PyTorch; ONNX since opset 19 says the same).
    pub fn new(
        names: [&'static str; 4],
        input: usize,
        kernel: usize,
        stride: usize,
        dilation: usize,
        pads: [usize; 2],
        ceil: bool,
    ) -> Result<Self, SpecError> {
        for (name, value) in names.into_iter().zip([kernel, stride, dilation]) {
            if value == 0 || value > MAX_SIZE {
                return Err(SpecError::invalid(name, format!("is {value}; expected 1 to {MAX_SIZE}")));
            }
        }
        let [pad_before, pad_after] = pads;
        if pad_before > MAX_SIZE || pad_after > MAX_SIZE {
            return Err(SpecError::invalid(names[3], format!("is {pads:?}; expected at most {MAX_SIZE}")));
        }
        if input == 0 || input > MAX_SIZE {
            return Err(SpecError::invalid("input", format!("has a size of {input}; expected 1 to {MAX_SIZE}")));
        }
        // u64: the product of two sizes below 2^30 fits, on wasm32 too.
        let extent = dilation as u64 * (kernel as u64 - 1) + 1;
        let padded = input as u64 + pad_before as u64 + pad_after as u64;
        let stride64 = stride as u64;
        // Rounding up, a single window may reach up to a stride beyond the padded input.
        let reach = if ceil { padded + stride64 - 1 } else { padded };
        if extent > reach {
            return Err(SpecError {
                code: ErrorCode::EmptyOutput,
                argument: names[0],
                message: format!(
                    "covers {extent} elements, the padded input has only {padded}: the output would be empty"
                ),
            });
        }
        let mut output = (reach - extent) / stride64 + 1;
        if ceil && (output - 1) * stride64 >= input as u64 + pad_before as u64 {
            output -= 1;
        }
        Ok(Self { input, kernel, stride, dilation, pad_before, pad_after, output: output as usize })
    }

    /// Elements from the first tap to the last, both counted.
    pub fn extent(&self) -> usize {
        self.dilation * (self.kernel - 1) + 1
    }

    /// Where the first tap of window `position` lies; negative in the padding.
    pub fn start(&self, position: usize) -> isize {
        (position * self.stride) as isize - self.pad_before as isize
    }

    /// The taps of window `position` that lie in the input, not in the padding. May be empty.
    pub fn taps(&self, position: usize) -> Range<usize> {
        let start = self.start(position);
        let first = if start < 0 { start.unsigned_abs().div_ceil(self.dilation) } else { 0 };
        let end = match self.input as isize - start {
            room if room <= 0 => 0,
            room => (room as usize).div_ceil(self.dilation),
        };
        let first = first.min(self.kernel);
        first..end.clamp(first, self.kernel)
    }

    /// Positions whose windows lie wholly in the input: their taps need no check. May be empty.
    pub fn interior(&self) -> Range<usize> {
        let first = self.pad_before.div_ceil(self.stride).min(self.output);
        let end = match (self.input + self.pad_before).checked_sub(self.extent()) {
            Some(last_start) => (last_start / self.stride + 1).min(self.output),
            None => first,
        };
        first..end.max(first)
    }
}

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

const H_NAMES: [&str; 4] = ["kH", "strideH", "dilationH", "padding"];
const W_NAMES: [&str; 4] = ["kW", "strideW", "dilationW", "padding"];

fn check_groups(groups: usize, in_c: usize, out_c: usize) -> Result<(), SpecError> {
    if groups == 0 || !in_c.is_multiple_of(groups) || !out_c.is_multiple_of(groups) {
        return Err(SpecError::invalid(
            "groups",
            format!("is {groups}; it must divide the {in_c} input channels and the {out_c} output channels"),
        ));
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
                let limit = stride.max(dilation);
                return Err(SpecError::invalid(
                    "outputPadding",
                    format!("is {extra}; it must be below {limit}, the larger of stride and dilation"),
                ));
            }
            let full = (input as u64 - 1) * stride as u64 + dilation as u64 * (k as u64 - 1) + 1 + extra as u64;
            let cut = pads[0] as u64 + pads[1] as u64;
            if full <= cut {
                return Err(SpecError {
                    code: ErrorCode::EmptyOutput,
                    argument: "padding",
                    message: format!("cuts {cut} of {full} elements: the output would be empty"),
                });
            }
            let output = full - cut;
            if output > MAX_SIZE as u64 {
                return Err(SpecError {
                    code: ErrorCode::TooLarge,
                    argument: "output",
                    message: format!("would have a size of {output}"),
                });
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

/// A 2-D pool as the caller gives it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pool2dSpec {
    /// Input batch.
    pub input: Image,
    /// Window rows.
    pub k_h: usize,
    /// Window columns.
    pub k_w: usize,
    /// Vertical step.
    pub stride_h: usize,
    /// Horizontal step.
    pub stride_w: usize,
    /// Vertical step between taps.
    pub dilation_h: usize,
    /// Horizontal step between taps.
    pub dilation_w: usize,
    /// Padding above.
    pub pad_top: usize,
    /// Padding at the left.
    pub pad_left: usize,
    /// Padding below.
    pub pad_bottom: usize,
    /// Padding at the right.
    pub pad_right: usize,
    /// Round output sizes up instead of down (see [`Axis::new`]).
    pub ceil_mode: bool,
}

/// A checked pool.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pool2dShape {
    /// Input batch.
    pub input: Image,
    /// Output batch.
    pub output: Image,
    /// Rows.
    pub h: Axis,
    /// Columns.
    pub w: Axis,
}

impl Pool2dShape {
    /// Checks a spec. Padding must be smaller than the window, as ONNX Runtime demands: no window lies in padding alone
    /// (unless dilation steps over a small input).
    pub fn new(spec: &Pool2dSpec) -> Result<Self, SpecError> {
        spec.input.checked_len("input")?;
        let pads = [[spec.pad_top, spec.pad_bottom], [spec.pad_left, spec.pad_right]];
        let h = Axis::new(H_NAMES, spec.input.h, spec.k_h, spec.stride_h, spec.dilation_h, pads[0], spec.ceil_mode)?;
        let w = Axis::new(W_NAMES, spec.input.w, spec.k_w, spec.stride_w, spec.dilation_w, pads[1], spec.ceil_mode)?;
        for (axis, pads) in [h, w].iter().zip(pads) {
            if pads[0] >= axis.extent() || pads[1] >= axis.extent() {
                return Err(SpecError::invalid(
                    "padding",
                    format!("is {pads:?}; it must be smaller than the window, which covers {}", axis.extent()),
                ));
            }
        }
        let output = Image { n: spec.input.n, h: h.output, w: w.output, c: spec.input.c };
        output.checked_len("output")?;
        Ok(Self { input: spec.input, output, h, w })
    }
}
