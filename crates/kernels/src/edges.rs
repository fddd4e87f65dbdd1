//! Edges of pictures: the magnitude of Sobel's gradient in one pass.

use crate::shape::{Image, SpecError, expect_len};
use crate::simd::F32x4;

/// `√(x² + y²)` of Sobel's horizontal differences `[-1 0 1; -2 0 2; -1 0 1]` and vertical ones, channel by channel of NHWC
/// images. Beyond the border the nearest pixel repeats. The squares overflow above 1.8e19.
pub fn sobel_magnitude(image: &Image, input: &[f32], output: &mut [f32]) -> Result<(), SpecError> {
    let len = image.checked_len("input")?;
    expect_len("input", input.len(), len)?;
    expect_len("output", output.len(), len)?;
    let row_len = image.w * image.c;
    let pictures = input.chunks_exact(row_len * image.h).zip(output.chunks_exact_mut(row_len * image.h));
    for (picture, output) in pictures {
        let row = |y: usize| &picture[y.min(image.h - 1) * row_len..][..row_len];
        for (y, output) in output.chunks_exact_mut(row_len).enumerate() {
            edges_of_row([row(y.saturating_sub(1)), row(y), row(y + 1)], image.c, output);
        }
    }
    Ok(())
}

/// Outputs of one row, from the rows above, at and below it.
fn edges_of_row(rows: [&[f32]; 3], c: usize, output: &mut [f32]) {
    let len = output.len();
    if len < 2 * c + 4 {
        return (0..len).for_each(|i| output[i] = edge(rows, c, i));
    }
    for i in (0..c).chain(len - c..len) {
        output[i] = edge(rows, c, i);
    }
    // Equal lengths, known to the compiler: three checks serve all rows.
    let rows = rows.map(|row| &row[..len]);
    let last = len - c - 4;
    let mut at = c;
    loop {
        let [left, middle, right] =
            [at - c, at, at + c].map(|at| rows.map(|row| F32x4::load(&row[at..][..4].as_chunks().0[0])));
        magnitude(left, middle, right).store(&mut output[at..][..4].as_chunks_mut().0[0]);
        if at == last {
            return;
        }
        at = (at + 4).min(last);
    }
}

/// One output, at the border or anywhere.
fn edge(rows: [&[f32]; 3], c: usize, i: usize) -> f32 {
    let (first, last) = (i % c, rows[0].len() - c + i % c);
    let columns = [i.saturating_sub(c).max(first), i, (i + c).min(last)];
    let [left, middle, right] = columns.map(|at| rows.map(|row| F32x4::splat(row[at])));
    magnitude(left, middle, right).to_array()[0]
}

/// Of columns of three pixels.
#[inline(always)]
fn magnitude(left: [F32x4; 3], middle: [F32x4; 3], right: [F32x4; 3]) -> F32x4 {
    let two = F32x4::splat(2.0);
    let across = [0, 1, 2].map(|i| right[i] - left[i]);
    let down = [left, middle, right].map(|[above, _, below]| below - above);
    let x = across[1].mul_add(two, across[0] + across[2]);
    let y = down[1].mul_add(two, down[0] + down[2]);
    x.mul_add(x, y * y).sqrt()
}
