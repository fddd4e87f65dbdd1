//! Pools by their definitions, in float64: no border is special, every tap is asked whether it lies inside.

use lenslet_kernels::pool::PoolKind;
use lenslet_kernels::shape::{Axis, Image, Layout, Pool2dShape, Pool2dSpec};

/// The input coordinates under window `position` that exist, and how many taps lie in the input or its padding.
fn taps(axis: &Axis, position: usize) -> (Vec<usize>, usize) {
    let mut inside = Vec::new();
    let mut padded = 0;
    for k in 0..axis.kernel {
        let at = (position * axis.stride + k * axis.dilation) as i64 - axis.pad_before as i64;
        if at >= 0 && at < axis.input as i64 {
            inside.push(at as usize);
        }
        if at < (axis.input + axis.pad_after) as i64 {
            padded += 1;
        }
    }
    (inside, padded)
}

/// A window's elements of one channel, with their places in the NHWC input.
fn window(input: &Image, values: &[f32], n: usize, c: usize, rows: &[usize], columns: &[usize]) -> Vec<(usize, f64)> {
    let mut elements = Vec::new();
    for &y in rows {
        for &x in columns {
            let at = ((n * input.h + y) * input.w + x) * input.c + c;
            elements.push((at, f64::from(values[at])));
        }
    }
    elements
}

fn reduce(kind: PoolKind, elements: &[(usize, f64)], count: usize) -> f64 {
    let sum = |f: fn(f64) -> f64| elements.iter().map(|(_, x)| f(*x)).sum::<f64>();
    match kind {
        PoolKind::Max => elements
            .iter()
            .fold(f64::NEG_INFINITY, |max, &(_, x)| if max.is_nan() || x.is_nan() { f64::NAN } else { max.max(x) }),
        PoolKind::Avg if count == 0 => 0.0,
        PoolKind::Avg => sum(|x| x) / count as f64,
        PoolKind::L2 => sum(|x| x * x).sqrt(),
        PoolKind::L1 => sum(f64::abs),
    }
}

/// Calls `f` with `n, y, x, c` of every output element in order.
fn for_each(output: &Image, mut f: impl FnMut(usize, usize, usize, usize)) {
    for n in 0..output.n {
        for y in 0..output.h {
            for x in 0..output.w {
                (0..output.c).for_each(|c| f(n, y, x, c));
            }
        }
    }
}

/// What a windowed pool should give.
pub fn pool2d(kind: PoolKind, count_include_pad: bool, shape: &Pool2dShape, values: &[f32]) -> Vec<f64> {
    let mut result = Vec::new();
    for_each(&shape.output, |n, y, x, c| {
        let (rows, padded_h) = taps(&shape.h, y);
        let (columns, padded_w) = taps(&shape.w, x);
        let elements = window(&shape.input, values, n, c, &rows, &columns);
        let count = if count_include_pad { padded_h * padded_w } else { elements.len() };
        result.push(reduce(kind, &elements, count));
    });
    result
}

/// Where the maxima lie: the first NaN, or else the first maximum.
pub fn max_indices(shape: &Pool2dShape, layout: Layout, values: &[f32]) -> Vec<u32> {
    let mut result = Vec::new();
    let i = &shape.input;
    for_each(&shape.output, |n, y, x, c| {
        let elements = window(i, values, n, c, &taps(&shape.h, y).0, &taps(&shape.w, x).0);
        let nan = elements.iter().find(|(_, x)| x.is_nan());
        let max = elements.iter().fold(f64::NEG_INFINITY, |max, &(_, x)| max.max(x));
        let found = nan.or_else(|| elements.iter().find(|(_, x)| *x == max));
        result.push(found.map_or(u32::MAX, |&(at, _)| match layout {
            Layout::Nhwc => at as u32,
            Layout::Nchw => {
                let (pixel, plane) = (at / i.c % (i.h * i.w), i.h * i.w);
                ((n * i.c + c) * plane + pixel) as u32
            }
        }));
    });
    result
}

/// What an adaptive pool should give.
pub fn adaptive2d(kind: PoolKind, input: &Image, out_h: usize, out_w: usize, values: &[f32]) -> Vec<f64> {
    let range = |i: usize, size: usize, out: usize| -> Vec<usize> {
        (0..size).filter(|&at| (at + 1) * out > i * size && at * out < (i + 1) * size).collect()
    };
    let mut result = Vec::new();
    for_each(&Image { h: out_h, w: out_w, ..*input }, |n, y, x, c| {
        let elements = window(input, values, n, c, &range(y, input.h, out_h), &range(x, input.w, out_w));
        result.push(reduce(kind, &elements, elements.len()));
    });
    result
}

/// A 2-D pool in the notation of the tables: sizes, then what differs from stride 1, no padding.
pub fn spec(input: [usize; 4], kernel: [usize; 2]) -> Pool2dSpec {
    let [n, h, w, c] = input;
    Pool2dSpec {
        input: Image { n, h, w, c },
        k_h: kernel[0],
        k_w: kernel[1],
        stride_h: 1,
        stride_w: 1,
        dilation_h: 1,
        dilation_w: 1,
        pad_top: 0,
        pad_left: 0,
        pad_bottom: 0,
        pad_right: 0,
        ceil_mode: false,
    }
}
