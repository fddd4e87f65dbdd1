//! Pools.

use super::axis::{Axis, H_NAMES, W_NAMES};
use super::{Image, SpecError};

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
                let text = "is {}; it must be smaller than the window, which covers {}";
                return Err(SpecError::invalid("padding", text).list(&pads).number(axis.extent()));
            }
        }
        let output = Image { n: spec.input.n, h: h.output, w: w.output, c: spec.input.c };
        output.checked_len("output")?;
        Ok(Self { input: spec.input, output, h, w })
    }
}
