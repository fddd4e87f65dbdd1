//! Direct convolution: a row of outputs is a matrix product whose left-hand rows are windows of the input, read where they
//! lie. Nothing as large as im2col's matrix is ever made.
//!
//! With adjacent taps a row of the kernel covers one run of floats, and the runs of neighbouring pixels lie a stride apart.
//! Rows that need zeros at their sides are copied once into a ring of as many rows as the window covers.

use super::reach::Reach;
use crate::epilogue::Epilogue;
use crate::gemm::{PanelShape, Pixels, Places, RightHand, multiply};
use crate::memory::Workspace;
use crate::shape::{Conv2dShape, Image, SpecError};

/// Most rows of taps.
const MAX_TAPS: usize = 32;
/// Most floats of padded rows beyond those of an image: 2 MiB.
const MAX_PADDING: u64 = 512 << 10;

/// A convolution, or one phase of a transposed one.
#[derive(Clone, Copy)]
pub(super) struct Windows {
    /// Rows.
    pub(super) h: Reach,
    /// Columns.
    pub(super) w: Reach,
    /// Images that are read.
    pub(super) input: Image,
    /// Images that are written, at the places that `h` and `w` name.
    pub(super) output: Image,
    /// Groups of channels.
    pub(super) groups: usize,
}

impl Windows {
    /// Those of a convolution. A window of one tap over every pixel sees no rows: the whole batch is one.
    pub(super) fn new(shape: &Conv2dShape) -> Self {
        let axes = [&shape.h, &shape.w];
        let whole = Self {
            h: Reach::new(&shape.h),
            w: Reach::new(&shape.w),
            input: shape.input,
            output: shape.output,
            groups: shape.groups,
        };
        if !axes.iter().all(|a| a.kernel == 1 && a.stride == 1 && a.pad_before == 0 && a.pad_after == 0) {
            return whole;
        }
        let pixels = shape.input.n * shape.input.h * shape.input.w;
        let row = |image: Image| Image { n: 1, h: 1, w: pixels, c: image.c };
        let reach = |size, reach: Reach| Reach { positions: size, input: size, ..reach };
        Self {
            h: reach(1, whole.h),
            w: reach(pixels, whole.w),
            input: row(shape.input),
            output: row(shape.output),
            ..whole
        }
    }

    /// Rows that a window covers.
    fn ring_rows(&self) -> usize {
        self.h.extent().min(self.input.h)
    }

    /// Sizes of the packed filter.
    pub(super) fn panels(&self) -> PanelShape {
        let k = self.h.taps * self.w.taps * (self.input.c / self.groups);
        PanelShape { groups: self.groups, k, n: self.output.c / self.groups }
    }

    /// The taps in the order of the packed filter's rows: `(h, w)`.
    pub(super) fn taps(&self) -> impl Iterator<Item = (usize, usize)> + use<> {
        let (h, w) = (self.h.taps, self.w.taps);
        (0..h).flat_map(move |h| (0..w).map(move |w| (h, w)))
    }

    /// False where there are too many rows of taps, or too much padding.
    pub(super) fn fit(&self) -> bool {
        let [before, after] = self.w.padding().map(|zeros| zeros as u64);
        let padded = before + after + self.input.w as u64;
        let ring = padded.saturating_mul((self.input.c * self.ring_rows()) as u64);
        let image = (self.input.h * self.input.w * self.input.c) as u64;
        self.h.taps <= MAX_TAPS && (before + after == 0 || ring <= image + MAX_PADDING)
    }
}

/// Input rows with zeros at either side.
struct Ring<'a> {
    rows: &'a mut [f32],
    /// Floats of a row, and of the zeros before its input.
    row_len: usize,
    before: usize,
    /// Rows of the ring; row `y` lies in slot `y % slots`.
    slots: usize,
    /// The first row that was not copied yet.
    copied: usize,
}

impl Ring<'_> {
    /// Copies the rows up to `end` that are not there yet.
    fn fill(&mut self, image: &[f32], from_len: usize, start: usize, end: usize) {
        for y in self.copied.max(start)..end {
            let slot = &mut self.rows[y % self.slots * self.row_len..][..self.row_len];
            let (before, rest) = slot.split_at_mut(self.before);
            let (middle, after) = rest.split_at_mut(from_len);
            before.fill(0.0);
            middle.copy_from_slice(&image[y * from_len..][..from_len]);
            after.fill(0.0);
        }
        self.copied = self.copied.max(end);
    }
}

/// `input` NHWC, `packed` panels, a matrix a group.
pub(super) fn run(
    windows: &Windows,
    input: &[f32],
    packed: &[f32],
    epilogue: Epilogue<'_>,
    workspace: &mut Workspace,
    output: &mut [f32],
) -> Result<(), SpecError> {
    let Windows { h, w, input: from, output: to, groups } = windows;
    let panels = windows.panels();
    let (k, n) = (panels.k, panels.n);
    let group_in_c = from.c / groups;
    // A run of floats under the window: a row of taps, or where taps are apart or groups interleave, one tap.
    let is_run = *groups == 1 && (w.tap_step == 1 || w.taps == 1);
    let (runs, run) = if is_run { (1, w.taps * group_in_c) } else { (w.taps, group_in_c) };
    // Where these wrap they are not used: a dilation or stride as large as that leaves one tap or one output.
    let run_step = w.tap_step.wrapping_mul(from.c);
    let step = w.step.wrapping_mul(from.c);

    let [before, after] = w.padding();
    let is_padded = before + after > 0;
    let from_len = from.w * from.c;
    let row_len = (before + from.w + after) * from.c;
    let slots = windows.ring_rows();
    let rows = workspace.get(if is_padded { slots * row_len } else { 0 })?;
    let mut ring = Ring { rows, row_len, before: before * from.c, slots, copied: 0 };
    let first_x = (before as isize + w.first) as usize * from.c;

    for (n_image, image) in input.chunks_exact(from.h * from_len).enumerate() {
        ring.copied = 0;
        for y in 0..h.positions {
            let start = h.start(y);
            let taps = h.taps_of(start);
            let input_row = |tap: usize| (start + (tap * h.tap_step) as isize) as usize;
            if is_padded {
                // Rows between the taps of a dilated window, too: they are under the taps of others.
                let end = (start + h.extent() as isize).clamp(0, from.h as isize) as usize;
                ring.fill(image, from_len, start.max(0) as usize, end);
            }
            let mut rows = [&[][..]; MAX_TAPS];
            for (row, tap) in rows.iter_mut().zip(taps.clone()) {
                let y = input_row(tap);
                *row = if is_padded {
                    &ring.rows[y % slots * row_len..][..row_len]
                } else {
                    &image[y * from_len..][..from_len]
                };
            }
            let first = ((n_image * to.h + h.output(y)) * to.w + w.output_first) * to.c;
            let places = Places { count: w.positions, first, step: w.output_step * to.c };
            for (group, panels) in packed.chunks_exact(panels.matrix_len()).enumerate() {
                let first = first_x + group * group_in_c;
                let pixels = Pixels { rows: &rows[..taps.len()], first, runs, run, run_step, step };
                let right = RightHand { k, n, panels, epilogue: epilogue.of_columns(group * n..(group + 1) * n) };
                multiply(&pixels, &right, taps.start * runs * run, &mut output[group * n..], &places);
            }
            if places.step != n && epilogue.as_stored().1 {
                let (parts, len) = if w.output_step == 1 { (1, w.positions * to.c) } else { (w.positions, to.c) };
                for part in 0..parts {
                    let first = first + part * places.step;
                    epilogue.skip(first).finish(&mut output[first..][..len]);
                }
            }
        }
    }
    Ok(())
}
