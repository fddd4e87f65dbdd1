//! Max pool that also says where each maximum was found.

use super::sliding::{Positions, Taps};
use crate::activation::{load_part, store_part};
use crate::shape::{Image, Layout, Pool2dShape, SpecError, expect_len};
use crate::simd::F32x4;

/// [`super::max_pool2d`], and for every output the flat index of its maximum in the whole input tensor: in NHWC order, or, for
/// [`Layout::Nchw`], the index that the same element has in an NCHW tensor, `((n C + c) H + h) W + w`, as ONNX's MaxPool counts
/// with `storage_order = 0`. (PyTorch's indices start anew in every plane.) `input`, `output` and `indices` lie in NHWC order either way.
///
/// The first of equal maxima wins, in the window's row-major order, and the first NaN over all else (in PyTorch the last NaN).
/// A window without any element has the index `u32::MAX`.
pub fn max_pool2d_with_indices(
    shape: &Pool2dShape,
    layout: Layout,
    input: &[f32],
    output: &mut [f32],
    indices: &mut [u32],
) -> Result<(), SpecError> {
    expect_len("input", input.len(), shape.input.len())?;
    expect_len("output", output.len(), shape.output.len())?;
    expect_len("indices", indices.len(), shape.output.len())?;
    let c = shape.input.c;
    let rows_of = Positions::new(&shape.h, false);
    let columns_of = Positions::new(&shape.w, false);
    let image_len = shape.input.h * shape.input.w * c;
    let mut outputs = output.chunks_exact_mut(c).zip(indices.chunks_exact_mut(c));
    for (n, image) in input.chunks_exact(image_len).enumerate() {
        for y in 0..shape.output.h {
            let rows = rows_of.taps(y);
            for (x, (best, index)) in outputs.by_ref().take(shape.output.w).enumerate() {
                find(&shape.input, image, rows, columns_of.taps(x), best, index);
                number(&shape.input, layout, n, index);
            }
        }
    }
    Ok(())
}

/// Maxima of one window, and the pixels of the image where they lie.
fn find(input: &Image, image: &[f32], rows: Taps, columns: Taps, best: &mut [f32], pixel: &mut [u32]) {
    best.fill(f32::NEG_INFINITY);
    pixel.fill(u32::MAX);
    let mut first = true;
    // Without columns there is nothing in any row, however many there are.
    let row_count = if columns.len == 0 { 0 } else { rows.len };
    for i in 0..row_count {
        for j in 0..columns.len {
            let here = (rows.first + i * rows.step) * input.w + columns.first + j * columns.step;
            let values = &image[here * input.c..][..input.c];
            if first {
                best.copy_from_slice(values);
                pixel.fill(here as u32);
                first = false;
                continue;
            }
            keep_better(values, f32::from_bits(here as u32), best, bytemuck::cast_slice_mut(pixel));
        }
    }
}

/// Values that are larger than the best so far, or the first NaN, become that, and `here` the place of it: of both, bits are moved.
fn keep_better(values: &[f32], here: f32, best: &mut [f32], places: &mut [f32]) {
    let here = F32x4::splat(here);
    let keep = |x: F32x4, best: F32x4, place: F32x4| {
        let better = x.eq(x).select(best.lt(x), best.eq(best));
        (better.select(x, best), better.select(here, place))
    };
    let (values, values_rest) = values.as_chunks();
    let (best, best_rest) = best.as_chunks_mut();
    let (places, places_rest) = places.as_chunks_mut();
    for ((x, best), place) in values.iter().zip(best).zip(places) {
        let (new_best, new_place) = keep(F32x4::load(x), F32x4::load(best), F32x4::load(place));
        new_best.store(best);
        new_place.store(place);
    }
    if !values_rest.is_empty() {
        let (new_best, new_place) = keep(load_part(values_rest), load_part(best_rest), load_part(places_rest));
        store_part(new_best, best_rest);
        store_part(new_place, places_rest);
    }
}

/// Turns pixels of image `n` into flat indices.
fn number(input: &Image, layout: Layout, n: usize, pixels: &mut [u32]) {
    let plane = input.h * input.w;
    for (c, pixel) in pixels.iter_mut().enumerate().filter(|(_, pixel)| **pixel != u32::MAX) {
        let here = *pixel as usize;
        // A checked shape has fewer than 2^29 elements.
        *pixel = match layout {
            Layout::Nhwc => ((n * plane + here) * input.c + c) as u32,
            Layout::Nchw => ((n * input.c + c) * plane + here) as u32,
        };
    }
}
