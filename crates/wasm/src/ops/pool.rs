//! Pools. Kinds are those of [`PoolKind::from_code`].

use super::in_nhwc;
use crate::call::{Call, Scratch, output};
use lenslet_kernels::layout::{nchw_to_nhwc, nhwc_to_nchw};
use lenslet_kernels::pool::{
    PoolKind, adaptive_pool2d as adaptive, avg_pool2d, global_pool2d as global, is_wide, l1_pool2d, l2_pool2d,
    max_pool2d, max_pool2d_with_indices, planes, planes_of,
};
use lenslet_kernels::shape::{Image, Layout, Pool2dShape, SpecError};

/// Words: kind, layout, n, h, w, c, kH, kW, strideH, strideW, dilationH, dilationW, padTop, padLeft, padBottom, padRight,
/// ceilMode, countIncludePad. A second output takes the indices of a max pool, int32.
pub(crate) fn pool2d(mut call: Call) -> Result<(), SpecError> {
    let kind = call.words.code("kind");
    let (layout, image) = call.words.image();
    let spec = call.words.pool2d(image);
    let count_include_pad = call.words.flag("countIncludePad");
    call.words.end()?;
    let (kind, shape) = (PoolKind::from_code(kind)?, Pool2dShape::new(&spec)?);
    let input = call.inputs.get(0)?;
    if let [values, indices] = call.outputs {
        if kind != PoolKind::Max {
            return Err(SpecError::invalid("indices", "are known for max pools only"));
        }
        if layout == Layout::Nhwc {
            return max_pool2d_with_indices(&shape, layout, input, values, bytemuck::cast_slice_mut(indices));
        }
        let Scratch { nhwc_input, nhwc_output, .. } = call.scratch;
        let nhwc = nhwc_input.get(shape.input.checked_len("input")?)?;
        nchw_to_nhwc(&shape.input, input, nhwc)?;
        let len = shape.output.checked_len("output")?;
        let (best, places) = nhwc_output.get(2 * len)?.split_at_mut(len);
        max_pool2d_with_indices(&shape, layout, nhwc, best, bytemuck::cast_slice_mut(places))?;
        nhwc_to_nchw(&shape.output, best, values)?;
        // Indices are moved as floats, which keeps their bits.
        return nhwc_to_nchw(&shape.output, places, indices);
    }
    let pool = |shape: &Pool2dShape, x: &[f32], y: &mut [f32]| match kind {
        PoolKind::Max => max_pool2d(shape, x, y),
        PoolKind::Avg => avg_pool2d(shape, count_include_pad, x, y),
        PoolKind::L2 => l2_pool2d(shape, x, y),
        PoolKind::L1 => l1_pool2d(shape, x, y),
    };
    let output = output(call.outputs, 0)?;
    if layout == Layout::Nchw && is_wide(&shape) {
        return pool(&planes(&shape), input, output);
    }
    in_nhwc(layout, [&shape.input, &shape.output], input, output, call.scratch, &mut |x, y, _| pool(&shape, x, y))
}

/// Words: kind, layout, n, h, w, c.
pub(crate) fn global_pool2d(mut call: Call) -> Result<(), SpecError> {
    let kind = call.words.code("kind");
    let (layout, image) = call.words.image();
    call.words.end()?;
    let kind = PoolKind::from_code(kind)?;
    let image = if layout == Layout::Nchw { planes_of(&image) } else { image };
    global(kind, &image, call.inputs.get(0)?, output(call.outputs, 0)?)
}

/// Words: kind, layout, n, h, w, c, outH, outW.
pub(crate) fn adaptive_pool2d(mut call: Call) -> Result<(), SpecError> {
    let kind = call.words.code("kind");
    let (layout, image) = call.words.image();
    let [out_h, out_w] = call.words.sizes(["outH", "outW"]);
    call.words.end()?;
    let kind = PoolKind::from_code(kind)?;
    let images = [&image, &Image { h: out_h, w: out_w, ..image }];
    in_nhwc(layout, images, call.inputs.get(0)?, output(call.outputs, 0)?, call.scratch, &mut |x, y, _| {
        adaptive(kind, &image, out_h, out_w, x, y)
    })
}
