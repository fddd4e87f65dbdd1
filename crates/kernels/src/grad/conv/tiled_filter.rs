//! The input's gradient by Winograd's tiles, of a filter that serves once: transformed in float32, for some channels at a time.
//!
//! The 36 matrices of a point each lie a power of two apart where channels are one, and would fall on each other in the first-level cache:
//! rows are transformed into a strip first, of which each matrix then gets a run. Of many channels, the filter of some inputs' is
//! transformed at a time, and used while the cache still has it. 512 -> 512 on four images of 7x7: 16 ms, by the forward pass's packing 36
//! (Node 24, relaxed, Zen 4).

use crate::conv::winograd_transform::{POINTS, SPAN};
use crate::conv::{Conv2d, PackedFilter, Packs};
use crate::gemm::{NR, PackedShape};
use crate::memory::{Buffer, Workspace};
use crate::shape::SpecError;
use crate::simd::F32x4;
use core::array::from_fn;
use core::f32::consts::{FRAC_1_SQRT_2, SQRT_2};
use core::ops::Range;

/// Rows of a strip.
const ROWS: usize = 16;
/// Most floats of a transformed filter that is used at once: 4 MiB.
const MAX_PACKED: usize = 1 << 20;

/// Windows of 3x3 taps to be turned around, from `k` channels to `n`.
pub(super) struct Windows<'a> {
    pub(super) filter: &'a [f32],
    pub(super) tap_step: usize,
    pub(super) k_step: usize,
    pub(super) n_step: usize,
}

/// The gradient of the input: `conv` is the convolution of the output's gradient by the windows, turned around, by
/// [`crate::conv::Strategy::Winograd`].
pub(super) fn run(
    conv: &Conv2d,
    windows: &Windows<'_>,
    grad_output: &[f32],
    workspace: &mut Workspace,
    grad_input: &mut [f32],
) -> Result<(), SpecError> {
    let n = conv.shape.output.c;
    let most = (MAX_PACKED / POINTS / conv.shape.input.c).max(NR);
    if n <= most {
        return conv.run(grad_output, &pack(conv, windows, 0..n)?, None, None, workspace, grad_input);
    }
    let size = n.div_ceil(n.div_ceil(most)).next_multiple_of(NR);
    let mut result = Buffer::zeroed(conv.shape.output.len() / n * size)?;
    for first in (0..n).step_by(size) {
        let columns = first..n.min(first + size);
        let mut part = *conv;
        part.shape.output.c = columns.len();
        let result = &mut result.as_mut_slice()[..part.shape.output.len()];
        part.run(grad_output, &pack(&part, windows, columns.clone())?, None, None, workspace, result)?;
        for (from, to) in result.chunks_exact(columns.len()).zip(grad_input.chunks_exact_mut(n)) {
            to[columns.clone()].copy_from_slice(from);
        }
    }
    Ok(())
}

/// Some columns of the transformed filter, as the forward pass packs them.
fn pack(conv: &Conv2d, windows: &Windows<'_>, columns: Range<usize>) -> Result<PackedFilter, SpecError> {
    let (k, n) = (conv.shape.input.c, columns.len());
    let matrices = PackedShape { groups: POINTS, k, n };
    let depth = k.next_multiple_of(4);
    PackedFilter::new(conv.packing(), matrices.checked_len()?, |packed| {
        let mut strip = [[0.0; ROWS * NR]; POINTS];
        for column in (0..n).step_by(NR) {
            let width = NR.min(n - column);
            let lanes = if width > 4 { NR } else { 4 };
            for first in (0..k).step_by(ROWS) {
                let rows = first..k.min(first + ROWS);
                windows.transform(rows.clone(), columns.start + column, width, &mut strip);
                let at = column * depth + first * lanes;
                for (points, to) in strip.iter().zip(packed.chunks_exact_mut(matrices.matrix_len())) {
                    to[at..][..rows.len() * lanes].copy_from_slice(&points[..rows.len() * lanes]);
                }
            }
        }
    })
}

impl Windows<'_> {
    /// Transforms the windows of some rows and of `width` columns, four at a time, to `[point][row][columns]`.
    #[inline(never)]
    fn transform(&self, rows: Range<usize>, column: usize, width: usize, strip: &mut [[f32; ROWS * NR]; POINTS]) {
        let lanes = width.next_multiple_of(4);
        for (i, row) in rows.enumerate() {
            for lane in (0..width).step_by(4) {
                let first = &self.filter[row * self.k_step + (column + lane) * self.n_step..];
                // As networks have them, four windows are one run of numbers.
                let run = if self.tap_step == 1 && self.n_step == 9 { first.first_chunk() } else { None };
                match run {
                    Some(windows) if lane + 4 <= width => transform(windows, strip, i * lanes + lane),
                    _ => transform(&self.gather(first, width - lane), strip, i * lanes + lane),
                }
            }
        }
    }

    /// Four windows of nine taps, of which `count` exist.
    fn gather(&self, first: &[f32], count: usize) -> [f32; 36] {
        let mut windows = [0.0; 36];
        for (window, to) in windows.chunks_exact_mut(9).enumerate().take(count) {
            let from = first[window * self.n_step..].iter().step_by(self.tap_step);
            to.iter_mut().zip(from).for_each(|(to, &from)| *to = from);
        }
        windows
    }
}

/// Transforms four windows, turned around, and writes each point to the strip's place `at`.
#[inline(always)]
fn transform(windows: &[f32; 36], strip: &mut [[f32; ROWS * NR]; POINTS], at: usize) {
    let tap = |tap: usize| F32x4::load(&[windows[tap], windows[9 + tap], windows[18 + tap], windows[27 + tap]]);
    let taps: [[F32x4; 3]; 3] = from_fn(|h| from_fn(|w| tap(8 - 3 * h - w)));
    // Down the columns, then along the rows.
    let columns: [[F32x4; SPAN]; 3] = from_fn(|w| of_taps(taps.map(|row| row[w])));
    for (h, points) in strip.chunks_exact_mut(SPAN).enumerate() {
        for (point, value) in points.iter_mut().zip(of_taps(columns.map(|column| column[h]))) {
            if let Some(to) = point[at..].first_chunk_mut() {
                value.store(to);
            }
        }
    }
}

/// Three taps at the six points `(0, √½, -√½, √2, -√2, ∞)`.
#[inline(always)]
fn of_taps(g: [F32x4; 3]) -> [F32x4; SPAN] {
    let splat = F32x4::splat;
    let inner = g[2].mul_add(splat(0.5), g[0]) * splat(-2.0 / 3.0);
    let inner_odd = g[1] * splat(-2.0 / 3.0 * FRAC_1_SQRT_2);
    let outer = g[2].mul_add(splat(2.0), g[0]) * splat(1.0 / 6.0);
    let outer_odd = g[1] * splat(SQRT_2 / 6.0);
    [g[0], inner + inner_odd, inner - inner_odd, outer + outer_odd, outer - outer_odd, g[2]]
}
