//! The order of a filter's numbers, where it is not the gradients' own.

use crate::conv::FilterWindows;
use crate::layout::transpose;
use crate::memory::Buffer;
use crate::shape::{Conv2dShape, Layout, SpecError};

/// How a filter, and its gradient, comes and goes: `[k_h, k_w, in_c / groups, out_c]`, or `[out_c, in_c / groups, k_h, k_w]`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct FilterForm {
    channels_first: bool,
    groups: usize,
    taps: usize,
    /// Of a group.
    in_c: usize,
    out_c: usize,
}

impl FilterForm {
    pub(super) fn new(shape: &Conv2dShape, layout: Layout) -> Self {
        let (taps, in_c, out_c) = (shape.h.kernel * shape.w.kernel, shape.group_in_c(), shape.output.c);
        // Axes of one element can lie anywhere.
        let is_free = [taps, in_c, out_c].into_iter().filter(|&size| size > 1).count() < 2;
        Self { channels_first: layout == Layout::Nchw && !is_free, groups: shape.groups, taps, in_c, out_c }
    }

    /// Hands a filter of the right length over with its channels last.
    pub(super) fn given(
        self,
        filter: &[f32],
        f: impl FnOnce(&[f32]) -> Result<(), SpecError>,
    ) -> Result<(), SpecError> {
        if !self.channels_first {
            return f(filter);
        }
        let mut moved = Buffer::zeroed(filter.len())?;
        transpose(&[self.out_c, self.in_c, self.taps], &[2, 1, 0], filter, moved.as_mut_slice())?;
        f(moved.as_slice())
    }

    /// Has a gradient of the right length written with its channels last, and moves it to where they are wanted.
    pub(super) fn computed(
        self,
        gradient: &mut [f32],
        f: impl FnOnce(&mut [f32]) -> Result<(), SpecError>,
    ) -> Result<(), SpecError> {
        if !self.channels_first {
            return f(gradient);
        }
        let mut moved = Buffer::zeroed(gradient.len())?;
        f(moved.as_mut_slice())?;
        transpose(&[self.taps, self.in_c, self.out_c], &[2, 1, 0], moved.as_slice(), gradient)
    }

    /// The windows that the turned filter has, of one group: from output channels to input channels.
    pub(super) fn windows(self, filter: &[f32]) -> FilterWindows<'_> {
        let Self { taps, in_c, out_c, .. } = self;
        let [tap_step, k_step, n_step] =
            if self.channels_first { [1, in_c * taps, taps] } else { [in_c * out_c, 1, out_c] };
        FilterWindows { filter, taps, tap_step, k_step, n_step, turned: true }
    }

    /// The filter turned around: `[k_h, k_w, out_c / groups, in_c]`, taps in reverse order.
    pub(super) fn turn(self, filter: &[f32], around: &mut [f32]) -> Result<(), SpecError> {
        let Self { channels_first, groups, taps, in_c, out_c } = self;
        let (group_out_c, tap_len) = (out_c / groups, in_c * out_c);
        if channels_first {
            transpose(&[groups, group_out_c, in_c, taps], &[3, 1, 0, 2], filter, around)?;
            let (first, last) = around.split_at_mut(taps / 2 * tap_len);
            let last = last.chunks_exact_mut(tap_len).rev();
            first.chunks_exact_mut(tap_len).zip(last).for_each(|(a, b)| a.swap_with_slice(b));
            return Ok(());
        }
        for (from, to) in filter.chunks_exact(tap_len).rev().zip(around.chunks_exact_mut(tap_len)) {
            transpose(&[in_c, groups, group_out_c], &[2, 1, 0], from, to)?;
        }
        Ok(())
    }
}
