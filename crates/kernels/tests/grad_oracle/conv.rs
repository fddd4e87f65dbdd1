//! Convolutions as the list of their products: who meets whom is said once, and all passes follow.

use lenslet_kernels::shape::Conv2dShape;

/// Calls `f` with the indices of output, input and filter element of every product.
pub fn for_each_product(shape: &Conv2dShape, mut f: impl FnMut(usize, usize, usize)) {
    let (from, to) = (shape.input, shape.output);
    let (group_in_c, group_out_c) = (shape.group_in_c(), shape.group_out_c());
    let input = |axis: &lenslet_kernels::shape::Axis, position: usize, tap: usize| {
        let at = (position * axis.stride + tap * axis.dilation) as i64 - axis.pad_before as i64;
        usize::try_from(at).ok().filter(|&at| at < axis.input)
    };
    for n in 0..to.n {
        for (y, x) in (0..to.h).flat_map(|y| (0..to.w).map(move |x| (y, x))) {
            for (ky, kx) in (0..shape.h.kernel).flat_map(|ky| (0..shape.w.kernel).map(move |kx| (ky, kx))) {
                let (Some(iy), Some(ix)) = (input(&shape.h, y, ky), input(&shape.w, x, kx)) else { continue };
                for o in 0..to.c {
                    for c in 0..group_in_c {
                        f(
                            ((n * to.h + y) * to.w + x) * to.c + o,
                            ((n * from.h + iy) * from.w + ix) * from.c + o / group_out_c * group_in_c + c,
                            ((ky * shape.w.kernel + kx) * group_in_c + c) * to.c + o,
                        );
                    }
                }
            }
        }
    }
}

/// `y[o] = Σ x[i] w[k]`
pub fn forward(shape: &Conv2dShape, x: &[f64], w: &[f64]) -> Vec<f64> {
    let mut y = vec![0.0; shape.output.len()];
    for_each_product(shape, |o, i, k| y[o] += x[i] * w[k]);
    y
}

/// The input's gradient; and the output of the transposed convolution.
pub fn input_gradient(shape: &Conv2dShape, g: &[f64], w: &[f64]) -> Vec<f64> {
    let mut dx = vec![0.0; shape.input.len()];
    for_each_product(shape, |o, i, k| dx[i] += g[o] * w[k]);
    dx
}

/// The filter's gradient.
pub fn filter_gradient(shape: &Conv2dShape, x: &[f64], g: &[f64]) -> Vec<f64> {
    let mut dw = vec![0.0; shape.filter_len()];
    for_each_product(shape, |o, i, k| dw[k] += g[o] * x[i]);
    dw
}

/// The bias's gradient.
pub fn bias_gradient(c: usize, g: &[f64]) -> Vec<f64> {
    let mut db = vec![0.0; c];
    for (i, g) in g.iter().enumerate() {
        db[i % c] += g;
    }
    db
}
