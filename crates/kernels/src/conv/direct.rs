//! Direct convolution: tiles of output pixels read the input as it lies in memory, nothing is packed.
//!
//! With adjacent taps a row of the kernel covers one run of floats, and the runs of neighbouring pixels lie a stride apart.
//! Rows that need zeros at their sides are copied once into a ring of as many rows as the window covers.

use crate::epilogue::Epilogue;
use crate::gemm::{Columns, MR, NR, RightHand, Runs, unpacked_tile};
use crate::memory::Workspace;
use crate::shape::{Conv2dShape, SpecError};
use crate::simd::RELAXED;

/// Most pixels of a tile. Without a fused multiply-add each product needs a register of its own, and six pixels spill:
/// 30 GFLOP/s instead of 40 at 64 channels (Node 24, Zen 4).
const TILE: usize = if RELAXED { MR } else { MR - 1 };
/// Most rows of taps.
const MAX_TAPS: usize = 16;
/// Most floats of padded rows: 2 MiB.
const MAX_RING: u64 = 512 << 10;

/// False where there are too many rows of taps, or too much padding.
pub(super) fn can_do(shape: &Conv2dShape) -> bool {
    let padding = (shape.w.pad_before + shape.w.pad_after) as u64;
    let ring = (padding + shape.input.w as u64) * (shape.input.c * ring_rows(shape)) as u64;
    shape.h.kernel <= MAX_TAPS && (padding == 0 || ring <= MAX_RING)
}

/// Rows that a window covers.
fn ring_rows(shape: &Conv2dShape) -> usize {
    shape.h.extent().min(shape.input.h)
}

/// Input rows with zeros at either side.
struct Band<'a> {
    /// All images, or the ring.
    rows: &'a [f32],
    /// Floats of a row.
    row_len: usize,
    /// Rows of the ring; row `y` lies in slot `y % slots`.
    slots: usize,
}

impl Band<'_> {
    fn row(&self, y: usize) -> &[f32] {
        &self.rows[y % self.slots * self.row_len..][..self.row_len]
    }
}

/// Floats of one padded row.
fn padded_len(shape: &Conv2dShape) -> usize {
    (shape.w.pad_before + shape.input.w + shape.w.pad_after) * shape.input.c
}

/// `input` NHWC, `panels` as for a matrix product a group.
pub(super) fn run(
    shape: &Conv2dShape,
    input: &[f32],
    packed: &[f32],
    epilogue: Epilogue<'_>,
    workspace: &mut Workspace,
    output: &mut [f32],
) -> Result<(), SpecError> {
    let is_padded = shape.w.pad_before + shape.w.pad_after > 0;
    let row_len = padded_len(shape);
    let slots = if is_padded { ring_rows(shape) } else { shape.input.h };
    let ring = workspace.get(if is_padded { slots * row_len } else { 0 })?;
    let image_len = shape.input.h * shape.input.w * shape.input.c;
    let output_row = shape.output.w * shape.output.c;
    let images = input.chunks_exact(image_len).zip(output.chunks_exact_mut(output_row * shape.output.h));
    for (n, (image, output)) in images.enumerate() {
        let mut copied = 0;
        for (y, output) in output.chunks_exact_mut(output_row).enumerate() {
            let band = if is_padded {
                copied = fill_ring(shape, image, y, copied, slots, ring);
                Band { rows: ring, row_len, slots }
            } else {
                Band { rows: image, row_len, slots }
            };
            let epilogue = epilogue.skip((n * shape.output.h + y) * output_row);
            row(shape, &band, y, packed, epilogue, output);
            if let (_, Some(activation)) = epilogue.clamp() {
                activation.apply_in_place(output);
            }
        }
    }
    Ok(())
}

/// Copies the rows of window `y` that are not there yet; gives the first row that was not copied.
fn fill_ring(shape: &Conv2dShape, image: &[f32], y: usize, copied: usize, slots: usize, ring: &mut [f32]) -> usize {
    let c = shape.input.c;
    let (row_len, padded) = (shape.input.w * c, padded_len(shape));
    let start = shape.h.start(y);
    let first = copied.max(start.max(0) as usize);
    let end = (start + shape.h.extent() as isize).clamp(0, shape.input.h as isize) as usize;
    for y in first..end {
        let slot = &mut ring[y % slots * padded..][..padded];
        let (before, rest) = slot.split_at_mut(shape.w.pad_before * c);
        let (middle, after) = rest.split_at_mut(row_len);
        before.fill(0.0);
        middle.copy_from_slice(&image[y * row_len..][..row_len]);
        after.fill(0.0);
    }
    copied.max(end)
}

/// One row of outputs, all groups.
fn row(shape: &Conv2dShape, band: &Band<'_>, y: usize, packed: &[f32], epilogue: Epilogue<'_>, output: &mut [f32]) {
    let (group_in_c, n) = (shape.group_in_c(), shape.group_out_c());
    let k = shape.h.kernel * shape.w.kernel * group_in_c;
    let padded_k = k.next_multiple_of(4);
    // A run of floats under the window: a row of taps, or where taps are apart or groups interleave, one tap.
    let is_run = shape.groups == 1 && (shape.w.dilation == 1 || shape.w.kernel == 1);
    let (runs, run) = if is_run { (1, shape.w.kernel * group_in_c) } else { (shape.w.kernel, group_in_c) };
    // Where these wrap they are not used: a dilation or stride as large as that leaves one tap or one output.
    let run_step = shape.w.dilation.wrapping_mul(shape.input.c);
    let step = shape.w.stride.wrapping_mul(shape.input.c);
    let taps_h = shape.h.taps(y);
    let mut rows = [&[][..]; MAX_TAPS];
    for (row, tap) in rows.iter_mut().zip(taps_h.clone()) {
        *row = band.row((shape.h.start(y) + (tap * shape.h.dilation) as isize) as usize);
    }
    let rows = &rows[..taps_h.len()];
    let tiles = shape.output.w.div_ceil(TILE);
    for (group, panels) in packed.chunks_exact(n.next_multiple_of(4) * padded_k).enumerate() {
        let right = RightHand { k, n, panels, epilogue: epilogue.of_columns(group * n..(group + 1) * n) };
        for column in (0..n).step_by(NR) {
            let columns = Columns::new(column, &right);
            let lanes = if columns.width > 4 { 8 } else { 4 };
            let panel =
                &panels[column * padded_k..][taps_h.start * runs * run * lanes..][..taps_h.len() * runs * run * lanes];
            for tile in 0..tiles {
                // Tiles of equal size, as far as possible: a tile of one pixel takes as long as one of four.
                let (size, larger) = (shape.output.w / tiles, shape.output.w % tiles);
                let x = tile * size + tile.min(larger);
                let count = size + usize::from(tile < larger);
                let a = Runs { rows, first: x * step + group * group_in_c, runs, run, run_step, step };
                pixels(count, &a, panel, &columns, &mut output[group * n..], x * shape.output.c, shape.output.c);
            }
        }
    }
}

/// One [`unpacked_tile`] of `count` pixels, as wide as `columns`.
fn pixels(
    count: usize,
    a: &Runs<'_>,
    b: &[f32],
    columns: &Columns<'_>,
    output: &mut [f32],
    first: usize,
    output_step: usize,
) {
    let lanes = if columns.width > 4 { 8 } else { 4 };
    match (count, lanes) {
        (6, 8) => unpacked_tile::<6, 2>(a, b, columns, output, first, output_step),
        (5, 8) => unpacked_tile::<5, 2>(a, b, columns, output, first, output_step),
        (4, 8) => unpacked_tile::<4, 2>(a, b, columns, output, first, output_step),
        (3, 8) => unpacked_tile::<3, 2>(a, b, columns, output, first, output_step),
        (2, 8) => unpacked_tile::<2, 2>(a, b, columns, output, first, output_step),
        (1, 8) => unpacked_tile::<1, 2>(a, b, columns, output, first, output_step),
        (6, _) => unpacked_tile::<6, 1>(a, b, columns, output, first, output_step),
        (5, _) => unpacked_tile::<5, 1>(a, b, columns, output, first, output_step),
        (4, _) => unpacked_tile::<4, 1>(a, b, columns, output, first, output_step),
        (3, _) => unpacked_tile::<3, 1>(a, b, columns, output, first, output_step),
        (2, _) => unpacked_tile::<2, 1>(a, b, columns, output, first, output_step),
        _ => unpacked_tile::<1, 1>(a, b, columns, output, first, output_step),
    }
}
