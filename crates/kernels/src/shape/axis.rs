//! A window that slides along one axis.

use super::{ErrorCode, SpecError};
use core::ops::Range;

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
pub(super) const MAX_SIZE: usize = 1 << 28;

/// The fields of a spec that an axis of rows is made of: kernel, stride, dilation, padding.
pub(super) const H_NAMES: [&str; 4] = ["kH", "strideH", "dilationH", "padding"];
/// Those of an axis of columns.
pub(super) const W_NAMES: [&str; 4] = ["kW", "strideW", "dilationW", "padding"];

/// Those of `taps` taps, `step` apart, the first at `start`, that lie in an input of size `input`. May be empty.
pub(crate) fn taps_inside(start: isize, taps: usize, step: usize, input: usize) -> Range<usize> {
    let first = if start < 0 { start.unsigned_abs().div_ceil(step) } else { 0 };
    let end = match input as isize - start {
        room if room <= 0 => 0,
        room => (room as usize).div_ceil(step),
    };
    let first = first.min(taps);
    first..end.clamp(first, taps)
}

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
                return Err(SpecError::invalid(name, "is {}; expected 1 to {}").number(value).number(MAX_SIZE));
            }
        }
        let [pad_before, pad_after] = pads;
        if pad_before > MAX_SIZE || pad_after > MAX_SIZE {
            return Err(SpecError::invalid(names[3], "is {}; expected at most {}").list(&pads).number(MAX_SIZE));
        }
        if input == 0 || input > MAX_SIZE {
            return Err(SpecError::invalid("input", "has a size of {}; expected 1 to {}")
                .number(input)
                .number(MAX_SIZE));
        }
        // u64: the product of two sizes below 2^30 fits, on wasm32 too.
        let extent = dilation as u64 * (kernel as u64 - 1) + 1;
        let padded = input as u64 + pad_before as u64 + pad_after as u64;
        let stride64 = stride as u64;
        // Rounding up, a single window may reach up to a stride beyond the padded input.
        let reach = if ceil { padded + stride64 - 1 } else { padded };
        if extent > reach {
            let text = "covers {} elements, the padded input has only {}: the output would be empty";
            let error = SpecError::new(ErrorCode::EmptyOutput, names[0], text);
            return Err(error.integer(extent as i64).integer(padded as i64));
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
        taps_inside(self.start(position), self.kernel, self.dilation, self.input)
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
