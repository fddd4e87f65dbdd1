//! Which inputs a convolution's outputs read along one axis, and which outputs they are.

use crate::shape::{Axis, taps_inside};
use core::ops::Range;

/// Which inputs an axis of outputs reads: tap `t` of position `q` reads `q * step + first + t * tap_step`.
#[derive(Clone, Copy, Debug)]
pub(super) struct Reach {
    /// Outputs of this axis.
    pub(super) positions: usize,
    /// From one position's inputs to the next's.
    pub(super) step: usize,
    /// Input of tap 0 at position 0; negative in the padding.
    pub(super) first: isize,
    /// Taps.
    pub(super) taps: usize,
    /// From one tap's input to the next's.
    pub(super) tap_step: usize,
    /// Size of the input.
    pub(super) input: usize,
    /// Where position 0 lies in the output.
    pub(super) output_first: usize,
    /// From one position's output to the next's.
    pub(super) output_step: usize,
}

impl Reach {
    /// Of a convolution.
    pub(super) fn new(axis: &Axis) -> Self {
        Self {
            positions: axis.output,
            step: axis.stride,
            first: axis.start(0),
            taps: axis.kernel,
            tap_step: axis.dilation,
            input: axis.input,
            output_first: 0,
            output_step: 1,
        }
    }
    /// Where a window starts; negative in the padding.
    pub(super) fn start(&self, position: usize) -> isize {
        (position * self.step) as isize + self.first
    }
    /// Inputs from the first tap to the last, both counted.
    pub(super) fn extent(&self) -> usize {
        self.tap_step * (self.taps - 1) + 1
    }
    /// The input under tap `tap` of a window that starts at `start`, unless it lies in the padding.
    pub(super) fn input_of(&self, start: isize, tap: usize) -> Option<usize> {
        let i = start + (tap * self.tap_step) as isize;
        usize::try_from(i).ok().filter(|&i| i < self.input)
    }
    /// The taps that lie in the input, of a window that starts at `start`.
    pub(super) fn taps_of(&self, start: isize) -> Range<usize> {
        taps_inside(start, self.taps, self.tap_step, self.input)
    }
    /// Zeros that the input needs before and after it, so that every window lies in it.
    pub(super) fn padding(&self) -> [usize; 2] {
        let before = usize::try_from(-self.first).unwrap_or(0);
        let end = self.start(self.positions.saturating_sub(1)) + self.extent() as isize;
        [before, usize::try_from(end - self.input as isize).unwrap_or(0)]
    }
    /// Where a position's result lies.
    pub(super) fn output(&self, position: usize) -> usize {
        self.output_first + position * self.output_step
    }
}
