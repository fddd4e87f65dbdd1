//! Normalisation: with known statistics, and with those of an image, a row or a pixel's channels.

use crate::activation::{load_part, map_long, store_part};
use crate::elementwise::{Binary, Unary, binary_in_place};
use crate::memory::Buffer;
use crate::reduce::{Fold, fold_columns, fold_row};
use crate::shape::{Image, SpecError, checked_len, expect_len};
use crate::simd::F32x4;

/// What a batch normalisation knows of each channel; all of the same length.
#[derive(Clone, Copy, Debug)]
pub struct BatchNorm<'a> {
    /// Means.
    pub mean: &'a [f32],
    /// Variances.
    pub variance: &'a [f32],
    /// Factors afterwards (`gamma`); 1 without.
    pub scale: Option<&'a [f32]>,
    /// What is added last (`beta`); 0 without.
    pub offset: Option<&'a [f32]>,
    /// Added to the variances: 0 or more.
    pub epsilon: f32,
}

/// Floats that the loop over a repeated vector of channels should at least have.
const TILE: usize = 128;

/// `(x - mean) / √(variance + epsilon) * scale + offset` for a tensor `[outer, c, inner]`: NHWC has `inner = 1`, NCHW `inner = h w`.
/// The mean is subtracted first: folded into the offset, a mean far above the deviation would cost digits.
pub fn batch_norm(
    norm: &BatchNorm,
    outer: usize,
    c: usize,
    inner: usize,
    input: &[f32],
    output: &mut [f32],
) -> Result<(), SpecError> {
    let len = checked_len("input", &[outer, c, inner])?;
    expect_len("input", input.len(), len)?;
    expect_len("output", output.len(), len)?;
    expect_len("mean", norm.mean.len(), c)?;
    expect_len("variance", norm.variance.len(), c)?;
    for (name, values) in [("scale", norm.scale), ("offset", norm.offset)] {
        expect_len(name, values.map_or(c, <[f32]>::len), c)?;
    }
    check_epsilon(norm.epsilon)?;
    let channel = |i: usize| {
        let scale = norm.scale.map_or(1.0, |scale| scale[i]);
        let factor = scale / (norm.variance[i] + norm.epsilon).sqrt();
        [norm.mean[i], factor, norm.offset.map_or(0.0, |offset| offset[i])]
    };
    if inner > 1 {
        for (i, (from, to)) in input.chunks_exact(inner).zip(output.chunks_exact_mut(inner)).enumerate() {
            let [mean, factor, offset] = channel(i % c).map(F32x4::splat);
            map_long(from, to, |x| (x - mean).mul_add(factor, offset));
        }
        return Ok(());
    }
    // Channels that do not fill a few vectors are repeated until they do, a multiple of four times: no rests between.
    let repeated = if c < TILE { c * TILE.div_ceil(c).next_multiple_of(4).min(outer) } else { c };
    let mut buffer = Buffer::zeroed(3 * repeated)?;
    let (means, rest) = buffer.as_mut_slice().split_at_mut(repeated);
    let (factors, offsets) = rest.split_at_mut(repeated);
    for (i, ((mean, factor), offset)) in means.iter_mut().zip(&mut *factors).zip(&mut *offsets).enumerate() {
        [*mean, *factor, *offset] = channel(i % c);
    }
    for (from, to) in input.chunks(repeated).zip(output.chunks_mut(repeated)) {
        row([means, factors, offsets], from, to);
    }
    Ok(())
}

/// Element by element; the three may be longer than the row.
fn row([means, factors, offsets]: [&[f32]; 3], from: &[f32], to: &mut [f32]) {
    let (x, x_rest) = from.as_chunks::<4>();
    let (y, y_rest) = to.as_chunks_mut::<4>();
    let whole = from.len() & !3;
    let chunks = means.as_chunks::<4>().0.iter().zip(factors.as_chunks::<4>().0).zip(offsets.as_chunks::<4>().0);
    for ((x, y), ((mean, factor), offset)) in x.iter().zip(y).zip(chunks) {
        let centred = F32x4::load(x) - F32x4::load(mean);
        centred.mul_add(F32x4::load(factor), F32x4::load(offset)).store(y);
    }
    if x_rest.is_empty() {
        return;
    }
    let centred = load_part(x_rest) - load_part(&means[whole..]);
    store_part(centred.mul_add(load_part(&factors[whole..]), load_part(&offsets[whole..])), y_rest);
}

/// `to += factor * from`
pub(crate) fn add_product(factor: f32, from: &[f32], to: &mut [f32]) {
    let wide = F32x4::splat(factor);
    let (x, x_rest) = from.as_chunks::<4>();
    let (y, y_rest) = to.as_chunks_mut::<4>();
    let add = |x: &[f32; 4], y: &mut [f32; 4]| F32x4::load(x).mul_add(wide, F32x4::load(y)).store(y);
    // Two vectors a turn: one spends as much on the loop.
    let ((x, x_last), (y, y_last)) = (x.as_chunks::<2>(), y.as_chunks_mut::<2>());
    for ([a, b], [to_a, to_b]) in x.iter().zip(y) {
        add(a, to_a);
        add(b, to_b);
    }
    if let ([x], [y]) = (x_last, y_last) {
        add(x, y);
    }
    if !y_rest.is_empty() {
        store_part(load_part(x_rest).mul_add(wide, load_part(y_rest)), y_rest);
    }
}

fn check_epsilon(epsilon: f32) -> Result<(), SpecError> {
    if epsilon.is_nan() || epsilon < 0.0 { Err(SpecError::invalid("epsilon", "is not 0 or more")) } else { Ok(()) }
}

/// What the statistics of an image are followed by: one number a channel each.
#[derive(Clone, Copy, Debug)]
pub struct GroupNorm<'a> {
    /// Channels are normalised in so many groups: one each is instance normalisation.
    pub groups: usize,
    /// Factors.
    pub scale: Option<&'a [f32]>,
    /// What is added last.
    pub offset: Option<&'a [f32]>,
    /// Added to the variances: 0 or more.
    pub epsilon: f32,
}

/// Each group of channels of each NHWC image, less its mean and over its deviation, times `scale` plus `offset`.
pub fn group_norm(norm: &GroupNorm, image: &Image, input: &[f32], output: &mut [f32]) -> Result<(), SpecError> {
    let len = image.checked_len("input")?;
    expect_len("input", input.len(), len)?;
    expect_len("output", output.len(), len)?;
    let (c, pixels) = (image.c, image.h * image.w);
    if norm.groups == 0 || !c.is_multiple_of(norm.groups) {
        return Err(SpecError::invalid("groups", "is {}; it must divide the {} channels")
            .number(norm.groups)
            .number(c));
    }
    let mut buffer = Buffer::zeroed(2 * c)?;
    let (mean, variance) = buffer.as_mut_slice().split_at_mut(c);
    // Mean over the pixels, then over the channels of a group.
    let average = |sums: &mut [f32]| {
        for group in sums.chunks_exact_mut(c / norm.groups) {
            let mean = group.iter().map(|&sum| f64::from(sum)).sum::<f64>() / (pixels * group.len()) as f64;
            group.fill(mean as f32);
        }
    };
    for (from, to) in input.chunks_exact(pixels * c).zip(output.chunks_exact_mut(pixels * c)) {
        variance.fill(0.0);
        fold_columns(Fold::Sum, from, variance, mean);
        average(mean);
        fold_columns(Fold::Square, from, mean, variance);
        average(variance);
        let GroupNorm { scale, offset, epsilon, .. } = *norm;
        batch_norm(&BatchNorm { mean, variance, scale, offset, epsilon }, pixels, c, 1, from, to)?;
    }
    Ok(())
}

/// Each row of `[outer, inner]`, less its mean and over its deviation, times `scale` plus `offset`, which have `inner` numbers.
pub fn layer_norm(
    [outer, inner]: [usize; 2],
    [scale, offset]: [Option<&[f32]>; 2],
    epsilon: f32,
    input: &[f32],
    output: &mut [f32],
) -> Result<(), SpecError> {
    let len = checked_len("input", &[outer, inner])?;
    expect_len("input", input.len(), len)?;
    expect_len("output", output.len(), len)?;
    for (name, values) in [("scale", scale), ("offset", offset)] {
        expect_len(name, values.map_or(inner, <[f32]>::len), inner)?;
    }
    check_epsilon(epsilon)?;
    for (from, to) in input.chunks_exact(inner).zip(output.chunks_exact_mut(inner)) {
        let mean = fold_row(Fold::Sum, from, 0.0) / inner as f32;
        let variance = fold_row(Fold::Square, from, mean) / inner as f32;
        let factor = F32x4::splat(1.0 / (variance + epsilon).sqrt());
        map_long(from, to, |x| (x - F32x4::splat(mean)) * factor);
        for (op, values) in [(Binary::Mul, scale), (Binary::Add, offset)] {
            if let Some(values) = values {
                binary_in_place(op, to, values)?;
            }
        }
    }
    Ok(())
}

/// Local response normalisation: what each element is divided by follows from its neighbours in other channels.
#[derive(Clone, Copy, Debug)]
pub struct LocalResponse {
    /// Channels that count, the element's own in the middle; of an even number, one more behind.
    pub size: usize,
    /// Weight of their mean square.
    pub alpha: f32,
    /// The exponent.
    pub beta: f32,
    /// Added to the weighted mean square.
    pub bias: f32,
}

/// `x / (bias + alpha / size * Σ x²)^beta` of NHWC images, as ONNX's LRN; `alpha` is divided by the size, as in PyTorch.
pub fn local_response_norm(
    norm: &LocalResponse,
    image: &Image,
    input: &[f32],
    output: &mut [f32],
) -> Result<(), SpecError> {
    let len = image.checked_len("input")?;
    expect_len("input", input.len(), len)?;
    expect_len("output", output.len(), len)?;
    let &LocalResponse { size, alpha, beta, bias } = norm;
    if size == 0 || size > 2 * image.c {
        let error = SpecError::invalid("size", "is {}; expected 1 to twice the {} channels");
        return Err(error.number(size).number(image.c));
    }
    let before = (size - 1) / 2;
    // Squares of a pixel with zeros on both sides, then the sums of the windows.
    let mut buffer = Buffer::zeroed(2 * image.c + size - 1)?;
    let (squares, sums) = buffer.as_mut_slice().split_at_mut(image.c + size - 1);
    for (from, to) in input.chunks_exact(image.c).zip(output.chunks_exact_mut(image.c)) {
        Unary::Square.run(from, &mut squares[before..before + image.c])?;
        sums.fill(bias);
        for i in 0..size {
            add_product(alpha / size as f32, &squares[i..i + image.c], sums);
        }
        // The power, by loops that are in the code anyway.
        Unary::Log.run(sums, to)?;
        sums.fill(0.0);
        add_product(-beta, to, sums);
        Unary::Exp.run(sums, to)?;
        binary_in_place(Binary::Mul, to, from)?;
    }
    Ok(())
}
