//! Naive convolution, transposed convolution and matrix product: loops straight from the definitions, sums in f64.

use super::{Rng, max_abs, sum_tolerance};
use lenslet_kernels::activation::Activation;
use lenslet_kernels::conv::{Conv2d, Strategy};
use lenslet_kernels::shape::{Conv2dShape, Conv2dSpec, ConvTranspose2dShape, Image, Layout};

/// Exact values and the tolerance of each.
pub struct Expected {
    pub values: Vec<f64>,
    pub tolerance: f64,
}

impl Expected {
    /// The tolerance of a strategy: Winograd's sums are of 36 products a channel, those of all others of 9.
    pub fn tolerance_of(&self, strategy: Strategy) -> f64 {
        match strategy {
            Strategy::Winograd => 4.0 * self.tolerance,
            Strategy::WinogradRows => 2.0 * self.tolerance,
            _ => self.tolerance,
        }
    }
}

/// A spec with stride and dilation 1, one group and no padding.
pub fn plain_spec(input: [usize; 4], out_c: usize, kernel: [usize; 2]) -> Conv2dSpec {
    let [n, h, w, c] = input;
    let [k_h, k_w] = kernel;
    Conv2dSpec {
        input: Image { n, h, w, c },
        out_c,
        k_h,
        k_w,
        stride_h: 1,
        stride_w: 1,
        dilation_h: 1,
        dilation_w: 1,
        pad_top: 0,
        pad_left: 0,
        pad_bottom: 0,
        pad_right: 0,
        groups: 1,
    }
}

/// A random convolution of at most `work` multiplications; small sizes and odd combinations are the likeliest.
pub fn random_spec(rng: &mut Rng, work: usize) -> Conv2dSpec {
    loop {
        let groups = rng.pick(&[1, 1, 1, 1, 2, 3, 4, 5, 8, 16]);
        let small = |rng: &mut Rng| rng.pick(&[1, 1, 1, 2, 3, 4, 5, 6, 7, 8, 9, 12, 16, 17]);
        let depthwise = rng.one_in(3);
        let group_in_c = if depthwise { 1 } else { small(rng) };
        let group_out_c = if depthwise && rng.one_in(2) { 1 } else { small(rng) };
        let kernel = |rng: &mut Rng| rng.pick(&[1, 1, 2, 3, 3, 3, 4, 5, 7]);
        let step = |rng: &mut Rng| rng.pick(&[1, 1, 1, 2, 2, 3, 5]);
        let pad = |rng: &mut Rng| rng.pick(&[0, 0, 1, 1, 2, 3, 6]);
        let size = |rng: &mut Rng| if rng.one_in(4) { rng.int(1, 40) } else { rng.int(1, 12) };
        let spec = Conv2dSpec {
            stride_h: step(rng),
            stride_w: step(rng),
            dilation_h: step(rng),
            dilation_w: step(rng),
            pad_top: pad(rng),
            pad_left: pad(rng),
            pad_bottom: pad(rng),
            pad_right: pad(rng),
            groups,
            ..plain_spec(
                [rng.pick(&[1, 1, 1, 2, 3]), size(rng), size(rng), groups * group_in_c],
                groups * group_out_c,
                [kernel(rng), kernel(rng)],
            )
        };
        if let Ok(conv) = Conv2d::new(&spec, Layout::Nhwc, Activation::Identity)
            && conv.shape.output.len() * spec.k_h * spec.k_w * group_in_c <= work
        {
            return spec;
        }
    }
}

/// The activation in f64. Only those that stretch no error: slopes of at most 1.
pub fn activate(activation: Activation, x: f64) -> f64 {
    match activation {
        Activation::Identity => x,
        Activation::Relu => x.max(0.0),
        Activation::Relu6 => x.clamp(0.0, 6.0),
        Activation::Clamp { min, max } => x.clamp(min.into(), max.into()),
        Activation::LeakyRelu { alpha } if alpha.abs() <= 1.0 => {
            if x < 0.0 {
                x * f64::from(alpha)
            } else {
                x
            }
        }
        Activation::Tanh => x.tanh(),
        other => panic!("no reference for {other:?}"),
    }
}

fn expected(
    mut values: Vec<f64>,
    terms: usize,
    factors: [&[f32]; 2],
    addends: [Option<&[f32]>; 2],
    activation: Activation,
) -> Expected {
    for value in &mut values {
        *value = activate(activation, *value);
    }
    let product = max_abs(factors[0]) * max_abs(factors[1]);
    let largest = addends.into_iter().flatten().map(max_abs).fold(product, f64::max);
    // tanh itself: a few roundings of a value of at most 1.
    let of_activation = if activation == Activation::Tanh { 4.0 * f64::from(f32::EPSILON) } else { 0.0 };
    Expected { values, tolerance: sum_tolerance(terms + addends.len(), largest, 1.0) + of_activation }
}

/// Index of a filter's element for output channel `o` and its `c`th input channel.
pub fn filter_index(shape: &Conv2dShape, layout: Layout, [ky, kx]: [usize; 2], c: usize, o: usize) -> usize {
    let (k_h, k_w, group_in_c) = (shape.h.kernel, shape.w.kernel, shape.group_in_c());
    match layout {
        Layout::Nhwc => ((ky * k_w + kx) * group_in_c + c) * shape.output.c + o,
        Layout::Nchw => ((o * group_in_c + c) * k_h + ky) * k_w + kx,
    }
}

/// NHWC in and out.
pub fn conv2d(
    shape: &Conv2dShape,
    layout: Layout,
    activation: Activation,
    input: &[f32],
    filter: &[f32],
    bias: Option<&[f32]>,
    residual: Option<&[f32]>,
) -> Expected {
    let (from, to) = (shape.input, shape.output);
    let (group_in_c, group_out_c) = (shape.group_in_c(), shape.group_out_c());
    let mut values = Vec::with_capacity(to.len());
    for n in 0..to.n {
        for y in 0..to.h {
            for x in 0..to.w {
                for o in 0..to.c {
                    let mut sum = bias.map_or(0.0, |bias| f64::from(bias[o]));
                    sum += residual.map_or(0.0, |residual| f64::from(residual[values.len()]));
                    for ky in 0..shape.h.kernel {
                        let iy = (y * shape.h.stride + ky * shape.h.dilation) as i64 - shape.h.pad_before as i64;
                        for kx in 0..shape.w.kernel {
                            let ix = (x * shape.w.stride + kx * shape.w.dilation) as i64 - shape.w.pad_before as i64;
                            if iy < 0 || ix < 0 || iy >= from.h as i64 || ix >= from.w as i64 {
                                continue;
                            }
                            let pixel = ((n * from.h + iy as usize) * from.w + ix as usize) * from.c;
                            for c in 0..group_in_c {
                                let value = input[pixel + o / group_out_c * group_in_c + c];
                                let weight = filter[filter_index(shape, layout, [ky, kx], c, o)];
                                sum += f64::from(value) * f64::from(weight);
                            }
                        }
                    }
                    values.push(sum);
                }
            }
        }
    }
    let terms = shape.h.kernel * shape.w.kernel * group_in_c;
    expected(values, terms, [input, filter], [bias, residual], activation)
}

/// NHWC in and out; scatters every input, as the definition does. `shape.h` and `shape.w` are the reversed convolution's.
pub fn conv_transpose2d(
    shape: &ConvTranspose2dShape,
    layout: Layout,
    activation: Activation,
    input: &[f32],
    filter: &[f32],
    bias: Option<&[f32]>,
) -> Expected {
    let (from, to) = (shape.input, shape.output);
    let (k_h, k_w) = (shape.h.kernel, shape.w.kernel);
    let (group_in_c, group_out_c) = (from.c / shape.groups, to.c / shape.groups);
    let mut values: Vec<f64> = (0..to.len()).map(|i| bias.map_or(0.0, |bias| f64::from(bias[i % to.c]))).collect();
    for n in 0..from.n {
        for iy in 0..from.h {
            for ix in 0..from.w {
                for ky in 0..k_h {
                    let y = (iy * shape.h.stride + ky * shape.h.dilation) as i64 - shape.h.pad_before as i64;
                    for kx in 0..k_w {
                        let x = (ix * shape.w.stride + kx * shape.w.dilation) as i64 - shape.w.pad_before as i64;
                        if y < 0 || x < 0 || y >= to.h as i64 || x >= to.w as i64 {
                            continue;
                        }
                        for c in 0..from.c {
                            let value = f64::from(input[((n * from.h + iy) * from.w + ix) * from.c + c]);
                            for o in 0..group_out_c {
                                let weight = filter[match layout {
                                    Layout::Nhwc => ((ky * k_w + kx) * group_out_c + o) * from.c + c,
                                    Layout::Nchw => ((c * group_out_c + o) * k_h + ky) * k_w + kx,
                                }];
                                let pixel = (n * to.h + y as usize) * to.w + x as usize;
                                values[pixel * to.c + c / group_in_c * group_out_c + o] += value * f64::from(weight);
                            }
                        }
                    }
                }
            }
        }
    }
    expected(values, k_h * k_w * group_in_c, [input, filter], [bias, None], activation)
}

/// `[m, k]` times `[k, n]`, or `[n, k]` if `transposed`.
pub fn dense(
    [m, k, n]: [usize; 3],
    transposed: bool,
    activation: Activation,
    input: &[f32],
    weights: &[f32],
    bias: Option<&[f32]>,
) -> Expected {
    let mut values = Vec::with_capacity(m * n);
    for row in 0..m {
        for column in 0..n {
            let products = (0..k).map(|i| {
                let weight = weights[if transposed { column * k + i } else { i * n + column }];
                f64::from(input[row * k + i]) * f64::from(weight)
            });
            values.push(products.sum::<f64>() + bias.map_or(0.0, |bias| f64::from(bias[column])));
        }
    }
    expected(values, k, [input, weights], [bias, None], activation)
}
