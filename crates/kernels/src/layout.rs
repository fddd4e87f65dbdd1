//! Moving elements about: transposes and concatenation.

use crate::elementwise::check_rank;
use crate::shape::{ErrorCode, Image, MAX_LEN, SpecError, checked_len, expect_len};
use crate::simd::F32x4;

/// Axis `i` of the output is axis `perm[i]` of the input, whose sizes are `shape`. Up to 8 axes.
pub fn transpose(shape: &[usize], perm: &[usize], input: &[f32], output: &mut [f32]) -> Result<(), SpecError> {
    check_rank("shape", shape)?;
    let len = checked_len("shape", shape)?;
    let mut seen = [false; 8];
    let is_permutation = perm.len() == shape.len()
        && perm.iter().all(|&axis| axis < shape.len() && !core::mem::replace(&mut seen[axis], true));
    if !is_permutation {
        let error = SpecError::invalid("perm", "is {}; expected each of the axes of {}, counted from 0, once");
        return Err(error.list(perm).list(shape));
    }
    expect_len("input", input.len(), len)?;
    expect_len("output", output.len(), len)?;
    let mut axes = collapse(shape, perm);
    let Some(last) = axes.pop() else {
        output.copy_from_slice(input); // one element
        return Ok(());
    };
    if last.stride == 1 {
        copy_runs(&axes, last.size, input, output);
    } else {
        planes(&axes, last, input, output);
    }
    Ok(())
}

/// An axis of the output: its size, and the step in the input along it.
#[derive(Clone, Copy)]
struct Strided {
    size: usize,
    stride: usize,
}

/// The output's axes, without those of size 1, neighbours merged where they are neighbours in the input too.
fn collapse(shape: &[usize], perm: &[usize]) -> Vec<Strided> {
    let mut axes: Vec<Strided> = Vec::with_capacity(perm.len());
    for &axis in perm {
        let size = shape[axis];
        let stride = shape[axis + 1..].iter().product();
        match axes.last_mut() {
            _ if size == 1 => {}
            Some(last) if last.stride == stride * size => *last = Strided { size: last.size * size, stride },
            _ => axes.push(Strided { size, stride }),
        }
    }
    axes
}

/// The last axis stays the last: whole runs move.
fn copy_runs(axes: &[Strided], run: usize, input: &[f32], output: &mut [f32]) {
    match *axes {
        [] => output.copy_from_slice(&input[..run]),
        [axis] => {
            for (i, to) in output.chunks_exact_mut(run).enumerate() {
                copy_short(&input[i * axis.stride..][..run], to);
            }
        }
        [axis, ref rest @ ..] => {
            for (i, to) in output.chunks_exact_mut(output.len() / axis.size).enumerate() {
                copy_runs(rest, run, &input[i * axis.stride..], to);
            }
        }
    }
}

/// A copy that does not call `memcpy` for a few elements.
#[inline(always)]
pub(crate) fn copy_short(from: &[f32], to: &mut [f32]) {
    if to.len() <= 8 {
        for (to, from) in to.iter_mut().zip(from) {
            *to = *from;
        }
    } else {
        to.copy_from_slice(from);
    }
}

/// Another axis becomes the last: `axes` are those before it, one of them the input's last (stride 1).
fn planes(axes: &[Strided], last: Strided, input: &[f32], output: &mut [f32]) {
    let [axis, rest @ ..] = axes else { return };
    let step = output.len() / axis.size;
    if axis.stride != 1 {
        for (i, to) in output.chunks_exact_mut(step).enumerate() {
            planes(rest, last, &input[i * axis.stride..], to);
        }
        return;
    }
    // The axes between the two that make up the plane, if there are any, move the plane's corner.
    plane_at(rest, *axis, step, last, input, output);
}

/// The planes of all positions of the axes between: rows `step` apart in the output, columns `last.stride` apart in the input.
fn plane_at(between: &[Strided], axis: Strided, step: usize, last: Strided, input: &[f32], output: &mut [f32]) {
    match *between {
        [] => plane(axis.size, step, last, input, output),
        [outer, ref rest @ ..] => {
            let inner: usize = rest.iter().map(|axis| axis.size).product::<usize>() * last.size;
            for i in 0..outer.size {
                plane_at(rest, axis, step, last, &input[i * outer.stride..], &mut output[i * inner..]);
            }
        }
    }
}

/// Floats of a cache line.
const LINE: usize = 16;
/// Lines of a row of the output that are written one after the other.
const LINES: usize = 8;

/// One plane: output row `i`, column `j` is `input[j * last.stride + i]`, output rows lie `step` apart.
fn plane(rows: usize, step: usize, last: Strided, input: &[f32], output: &mut [f32]) {
    match (rows, last) {
        (2, Strided { size, stride: 2 }) => return part_few::<2>(step, &input[..2 * size], output),
        (3, Strided { size, stride: 3 }) => return part_few::<3>(step, &input[..3 * size], output),
        (_, Strided { size: 2, stride }) if step == 2 => return join_few::<2>(stride, input, &mut output[..2 * rows]),
        (_, Strided { size: 3, stride }) if step == 3 => return join_few::<3>(stride, input, &mut output[..3 * rows]),
        _ => {}
    }
    let whole_rows = rows & !3;
    let whole_columns = last.size & !3;
    // Lines that lie far apart are moved several at a time, along where they lie: 64 channels of 224x224 took 1.5 times as long from
    // NHWC to NCHW with one line. Where those that are read lie farther apart, blocks of one line go along them.
    let width = if step > last.stride { LINES * LINE } else { LINE };
    for block in (0..whole_columns).step_by(width) {
        let block_end = whole_columns.min(block + width);
        for i in (0..whole_rows).step_by(LINE) {
            for line in (block..block_end).step_by(LINE) {
                let (row_end, line_end) = (whole_rows.min(i + LINE), block_end.min(line + LINE));
                if (row_end - i, line_end - line) == (LINE, LINE) {
                    square(&input[line * last.stride + i..], last.stride, &mut output[i * step + line..], step);
                    continue;
                }
                for i in (i..row_end).step_by(4) {
                    for j in (line..line_end).step_by(4) {
                        let from = |k: usize| load(&input[(j + k) * last.stride + i..]);
                        let tile = F32x4::transpose([from(0), from(1), from(2), from(3)]);
                        for (k, row) in tile.into_iter().enumerate() {
                            if let Some(to) = output[(i + k) * step + j..].first_chunk_mut() {
                                row.store(to);
                            }
                        }
                    }
                }
            }
        }
    }
    let mut column = |i: usize, columns: core::ops::Range<usize>| {
        let to = &mut output[i * step..][columns.clone()];
        for (to, from) in to.iter_mut().zip(input[columns.start * last.stride + i..].iter().step_by(last.stride)) {
            *to = *from;
        }
    };
    if whole_columns < last.size {
        for i in 0..whole_rows {
            column(i, whole_columns..last.size);
        }
    }
    // One to three rows: column by column reads the input in order.
    for first in (0..last.size).step_by(LINE) {
        for i in whole_rows..rows {
            column(i, first..last.size.min(first + LINE));
        }
    }
}

/// 16 rows of 16, by way of a tile: lines are read whole and written whole, and looked for in their slices once each.
fn square(input: &[f32], stride: usize, output: &mut [f32], step: usize) {
    let mut tile = [[[0.0; 4]; 4]; LINE];
    for (j, fours) in input.chunks(4 * stride).take(4).enumerate() {
        let lines: [&[[f32; 4]]; 4] = core::array::from_fn(|k| fours[k * stride..][..LINE].as_chunks().0);
        for (i, rows) in tile.as_chunks_mut::<4>().0.iter_mut().enumerate() {
            let columns = F32x4::transpose(lines.map(|line| F32x4::load(&line[i])));
            for (row, column) in rows.iter_mut().zip(columns) {
                column.store(&mut row[j]);
            }
        }
    }
    for (i, row) in tile.iter().enumerate() {
        for (from, to) in row.iter().zip(output[i * step..][..LINE].as_chunks_mut().0) {
            F32x4::load(from).store(to);
        }
    }
}

/// Pixels of `C` floats, two or three, to planes `step` apart: four pixels are four vectors, whose last lanes are of no use.
fn part_few<const C: usize>(step: usize, input: &[f32], output: &mut [f32]) {
    let pixels = input.len() / C;
    // A vector from each of the first pixels, and four pixels at a time.
    let whole = pixels.saturating_sub(2) & !3;
    for first in (0..whole).step_by(4) {
        let four = &input[first * C..][..3 * C + 4];
        let planes = F32x4::transpose(core::array::from_fn(|k| load(&four[k * C..])));
        for (i, plane) in planes[..C].iter().enumerate() {
            if let Some(to) = output[i * step + first..].first_chunk_mut() {
                plane.store(to);
            }
        }
    }
    for pixel in whole..pixels {
        for i in 0..C {
            output[i * step + pixel] = input[pixel * C + i];
        }
    }
}

/// The way back, from planes `stride` apart; the last lane of a vector is written again with the next pixel.
fn join_few<const C: usize>(stride: usize, input: &[f32], output: &mut [f32]) {
    let pixels = output.len() / C;
    let whole = pixels.saturating_sub(2) & !3;
    for first in (0..whole).step_by(4) {
        let plane = |i: usize| if i < C { load(&input[i * stride + first..]) } else { F32x4::zero() };
        let four = &mut output[first * C..][..3 * C + 4];
        for (k, pixel) in F32x4::transpose(core::array::from_fn(plane)).into_iter().enumerate() {
            if let Some(to) = four[k * C..].first_chunk_mut() {
                pixel.store(to);
            }
        }
    }
    for pixel in whole..pixels {
        for i in 0..C {
            output[pixel * C + i] = input[i * stride + pixel];
        }
    }
}

#[inline(always)]
fn load(from: &[f32]) -> F32x4 {
    from.first_chunk().map_or(F32x4::zero(), F32x4::load)
}

/// `[n, h, w, c]` to `[n, c, h, w]`.
pub fn nhwc_to_nchw(image: &Image, input: &[f32], output: &mut [f32]) -> Result<(), SpecError> {
    image.checked_len("input")?;
    transpose(&[image.n, image.h * image.w, image.c], &[0, 2, 1], input, output)
}

/// `[n, c, h, w]` to `[n, h, w, c]`; `image` names the sizes.
pub fn nchw_to_nhwc(image: &Image, input: &[f32], output: &mut [f32]) -> Result<(), SpecError> {
    image.checked_len("input")?;
    transpose(&[image.n, image.c, image.h * image.w], &[0, 2, 1], input, output)
}

/// Joins tensors along an axis. `outer` is the product of the sizes before the axis; input `i` has `run_lens[i]` elements for each
/// of them, the product of its size along the axis and the sizes behind it.
pub fn concat(outer: usize, run_lens: &[usize], inputs: &[&[f32]], output: &mut [f32]) -> Result<(), SpecError> {
    expect_len("inputs", inputs.len(), run_lens.len())?;
    let mut run = 0usize;
    for (input, &run_len) in inputs.iter().zip(run_lens) {
        expect_len("input", input.len(), checked_len("input", &[outer, run_len])?)?;
        run = run.saturating_add(run_len);
    }
    if inputs.is_empty() {
        return Err(SpecError::new(ErrorCode::EmptyOutput, "inputs", "is empty"));
    }
    if run > MAX_LEN {
        let error = SpecError::new(ErrorCode::TooLarge, "output", "would have more than {} elements");
        return Err(error.number(MAX_LEN));
    }
    expect_len("output", output.len(), checked_len("output", &[outer, run])?)?;
    for (i, mut to) in output.chunks_exact_mut(run).enumerate() {
        for (input, &run_len) in inputs.iter().zip(run_lens) {
            let (here, rest) = to.split_at_mut(run_len);
            copy_short(&input[i * run_len..(i + 1) * run_len], here);
            to = rest;
        }
    }
    Ok(())
}
