//! Normalisations in training: batch norm with the batch's own statistics, and the gradients of batch, group, instance and layer norm.
//!
//! For a set of `N` elements normalised together, `x' = (x - mean) r` with `r = 1 / √(variance + epsilon)` and `y = scale x' + offset`,
//! the input's gradient is `r (s - mean(s) - x' mean(s x'))` with `s = scale g`: a multiple of `g`, one of `x - mean`, and a constant.

use super::sums::{centred_products, centred_squares, sum_rows};
use crate::activation::{load_part, store_part};
use crate::memory::Workspace;
use crate::norm::{self, BatchNorm, GroupNorm};
use crate::shape::{Image, SpecError, checked_len, expect_len};
use crate::simd::F32x4;

/// A batch normalisation in training.
#[derive(Clone, Copy, Debug)]
pub struct BatchNormTraining<'a> {
    /// Factors (`gamma`), one a channel; 1 without.
    pub scale: Option<&'a [f32]>,
    /// What is added last (`beta`); 0 without.
    pub offset: Option<&'a [f32]>,
    /// Added to the variances: 0 or more.
    pub epsilon: f32,
}

/// What a batch knows of its channels, each `[c]`.
#[derive(Debug)]
pub struct BatchStatistics<'a> {
    /// Means.
    pub mean: &'a mut [f32],
    /// Variances, of the batch itself (divided by `n`).
    pub variance: &'a mut [f32],
}

impl BatchNormTraining<'_> {
    /// Normalises rows of `c` channels by their own means and variances, which it keeps for the gradient and for
    /// [`MovingStatistics`]. Two rows at least.
    pub fn run(
        &self,
        input: &[f32],
        statistics: BatchStatistics<'_>,
        workspace: &mut Workspace,
        output: &mut [f32],
    ) -> Result<(), SpecError> {
        let BatchStatistics { mean, variance } = statistics;
        let c = mean.len();
        expect_len("variance", variance.len(), c)?;
        expect_len("output", output.len(), input.len())?;
        let rows = rows_of(c, input)?;
        if rows < 2 {
            return Err(SpecError::invalid("input", "has one value a channel; batch statistics need two or more"));
        }
        sum_rows(c, input, mean)?;
        let share = 1.0 / rows as f64;
        mean.iter_mut().for_each(|mean| *mean = (f64::from(*mean) * share) as f32);
        // In two passes: the difference of squares would cancel. The second finds what the first mean's rounding left, too.
        let rest = workspace.get(2 * c)?;
        let (rest, squares) = rest.split_at_mut(c);
        centred_squares(mean, input, [rest, squares]);
        for ((mean, variance), (square, rest)) in mean.iter_mut().zip(&mut *variance).zip(squares.iter().zip(&*rest)) {
            let off = f64::from(*rest) * share;
            *mean = (f64::from(*mean) + off) as f32;
            *variance = (f64::from(*square) * share - off * off).max(0.0) as f32;
        }
        let Self { scale, offset, epsilon } = *self;
        norm::batch_norm(&BatchNorm { mean, variance, scale, offset, epsilon }, rows, c, 1, input, output)
    }
}

/// How the statistics that inference normalises by follow those of the batches.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct MovingStatistics {
    /// How much of them is replaced by the batch's, 0 to 1: PyTorch's momentum; ONNX's and Keras's is 1 less it.
    pub momentum: f32,
    /// Values of a channel in a batch, 2 or more.
    pub count: usize,
}

impl MovingStatistics {
    /// Moves `running` towards the batch's: `(1 - momentum) running + momentum batch`. The variance is that which the batch is a sample of,
    /// divided by `count - 1` (as in PyTorch, and unlike ONNX's, which divides by `count`).
    pub fn follow(&self, mean: &[f32], variance: &[f32], running: BatchStatistics<'_>) -> Result<(), SpecError> {
        let &Self { momentum, count } = self;
        if !(0.0..=1.0).contains(&momentum) {
            return Err(SpecError::invalid("momentum", "is not from 0 to 1"));
        }
        if count < 2 {
            return Err(
                SpecError::invalid("count", "is {}; batch statistics need two values a channel or more").number(count)
            );
        }
        expect_len("variance", variance.len(), mean.len())?;
        expect_len("runningMean", running.mean.len(), mean.len())?;
        expect_len("runningVariance", running.variance.len(), mean.len())?;
        let (keep, sample) = (1.0 - momentum, momentum * (count as f64 / (count - 1) as f64) as f32);
        for (to, mean) in running.mean.iter_mut().zip(mean) {
            *to = keep * *to + momentum * mean;
        }
        for (to, variance) in running.variance.iter_mut().zip(variance) {
            *to = keep * *to + sample * variance;
        }
        Ok(())
    }
}

/// Rows of `c` values; an error if there are none, or a part of one.
fn rows_of(c: usize, values: &[f32]) -> Result<usize, SpecError> {
    if c == 0 || values.is_empty() || !values.len().is_multiple_of(c) {
        return Err(SpecError::mismatch("input", "has {} elements, which are no rows of {}")
            .number(values.len())
            .number(c));
    }
    Ok(values.len() / c)
}

/// The gradients that a normalisation leaves, and of what.
#[derive(Debug)]
pub struct NormGradients<'a> {
    /// With respect to the input.
    pub input: &'a mut [f32],
    /// With respect to the factors.
    pub scale: &'a mut [f32],
    /// With respect to what is added last.
    pub offset: &'a mut [f32],
}

/// The gradients of a batch normalisation by the batch's own statistics, `norm.mean` and `norm.variance` as [`BatchNormTraining::run`] left them.
/// The offset is not looked at.
pub fn batch_norm(
    norm: &BatchNorm<'_>,
    input: &[f32],
    grad_output: &[f32],
    workspace: &mut Workspace,
    gradients: NormGradients<'_>,
) -> Result<(), SpecError> {
    let BatchNorm { mean, variance, scale, epsilon, .. } = *norm;
    let c = mean.len();
    expect_len("variance", variance.len(), c)?;
    let rows = rows_of(c, input)?;
    check(c, scale, input, grad_output, &gradients)?;
    let NormGradients { input: grad_input, scale: grad_scale, offset: grad_offset } = gradients;
    let [factors, slopes, constants, products] = parts(workspace, c)?;
    centred_products(mean, input, grad_output, [grad_offset, products]);
    for i in 0..c {
        let r = 1.0 / (f64::from(variance[i]) + f64::from(epsilon)).sqrt();
        let scale = scale.map_or(1.0, |scale| f64::from(scale[i]));
        grad_scale[i] = (f64::from(products[i]) * r) as f32;
        factors[i] = (scale * r) as f32;
        slopes[i] = (-scale * r * r * r * f64::from(products[i]) / rows as f64) as f32;
        constants[i] = (-scale * r * f64::from(grad_offset[i]) / rows as f64) as f32;
    }
    apply(mean, [factors, slopes, constants], input, grad_output, grad_input);
    Ok(())
}

/// The gradients of [`norm::group_norm`]; of instance normalisation with as many groups as channels. Means and variances are found anew;
/// the offset is not looked at.
pub fn group_norm(
    norm: &GroupNorm<'_>,
    image: &Image,
    input: &[f32],
    grad_output: &[f32],
    workspace: &mut Workspace,
    gradients: NormGradients<'_>,
) -> Result<(), SpecError> {
    let GroupNorm { groups, scale, epsilon, .. } = *norm;
    let c = image.c;
    expect_len("input", input.len(), image.checked_len("input")?)?;
    check(c, scale, input, grad_output, &gradients)?;
    if groups == 0 || !c.is_multiple_of(groups) {
        return Err(SpecError::invalid("groups", "is {}; it must divide the {} channels").number(groups).number(c));
    }
    let NormGradients { input: grad_input, scale: grad_scale, offset: grad_offset } = gradients;
    grad_scale.fill(0.0);
    grad_offset.fill(0.0);
    let (size, image_len) = (c / groups, image.h * image.w * c);
    let count = (image.h * image.w * size) as f64;
    let scale_of = |i: usize| scale.map_or(1.0, |scale| f64::from(scale[i]));
    let [mean, sums, products, factors, slopes, constants] = parts(workspace, c)?;
    let images = input.chunks_exact(image_len).zip(grad_output.chunks_exact(image_len));
    for ((x, g), to) in images.zip(grad_input.chunks_exact_mut(image_len)) {
        sum_rows(c, x, mean)?;
        for group in mean.chunks_exact_mut(size) {
            let sum: f64 = group.iter().map(|&sum| f64::from(sum)).sum();
            group.fill((sum / count) as f32);
        }
        centred_squares(mean, x, [sums, products]);
        for (group, r) in products.chunks_exact(size).zip(factors.chunks_exact_mut(size)) {
            let variance = group.iter().map(|&square| f64::from(square)).sum::<f64>() / count;
            r.fill((1.0 / (variance + f64::from(epsilon)).sqrt()) as f32);
        }
        centred_products(mean, x, g, [sums, products]);
        for group in (0..c).step_by(size).map(|first| first..first + size) {
            let r = f64::from(factors[group.start]);
            let of = |sums: &[f32]| group.clone().map(|i| scale_of(i) * f64::from(sums[i])).sum::<f64>() / count;
            let (mean_gradient, mean_product) = (of(sums), of(products));
            for i in group {
                grad_offset[i] += sums[i];
                grad_scale[i] += (f64::from(products[i]) * r) as f32;
                factors[i] = (scale_of(i) * r) as f32;
                slopes[i] = (-r * r * r * mean_product) as f32;
                constants[i] = (-r * mean_gradient) as f32;
            }
        }
        apply(mean, [factors, slopes, constants], x, g, to);
    }
    Ok(())
}

/// The gradients of [`norm::layer_norm`] over rows of `scale`'s length: each row has statistics of its own, each place in it a scale.
pub fn layer_norm(
    inner: usize,
    scale: Option<&[f32]>,
    epsilon: f32,
    input: &[f32],
    grad_output: &[f32],
    workspace: &mut Workspace,
    gradients: NormGradients<'_>,
) -> Result<(), SpecError> {
    rows_of(inner, input)?;
    checked_len("input", &[input.len()])?;
    check(inner, scale, input, grad_output, &gradients)?;
    let NormGradients { input: grad_input, scale: grad_scale, offset: grad_offset } = gradients;
    sum_rows(inner, grad_output, grad_offset)?;
    grad_scale.fill(0.0);
    let [centred, scaled, block] = parts(workspace, inner)?;
    block.fill(0.0);
    let rows = input.chunks_exact(inner).zip(grad_output.chunks_exact(inner));
    for (i, ((x, g), to)) in rows.zip(grad_input.chunks_exact_mut(inner)).enumerate() {
        let mean = (sum_of(x, x, |x, _| x) / inner as f64) as f32;
        let splat = F32x4::splat(mean);
        zip(x, x, centred, |x, _| x - splat);
        let variance = sum_of(centred, centred, |x, y| x * y) / inner as f64;
        let r = 1.0 / (variance + f64::from(epsilon)).sqrt();
        match scale {
            Some(scale) => zip(g, scale, scaled, |g, scale| g * scale),
            None => scaled.copy_from_slice(g),
        }
        let mean_gradient = sum_of(scaled, scaled, |s, _| s) / inner as f64;
        let mean_product = sum_of(scaled, centred, |s, x| s * x) / inner as f64;
        let [factor, slope, constant] =
            [r, -r * r * r * mean_product, -r * mean_gradient].map(|value| F32x4::splat(value as f32));
        zip(scaled, centred, to, |s, x| s.mul_add(factor, x.mul_add(slope, constant)));
        // Products of 64 rows first, then their sums.
        zip(g, centred, scaled, |g, x| g * x * factor);
        add_rows(scaled, block);
        if i % 64 == 63 {
            add_rows(block, grad_scale);
            block.fill(0.0);
        }
    }
    add_rows(block, grad_scale);
    Ok(())
}

fn check(
    c: usize,
    scale: Option<&[f32]>,
    input: &[f32],
    grad_output: &[f32],
    gradients: &NormGradients<'_>,
) -> Result<(), SpecError> {
    expect_len("scale", scale.map_or(c, <[f32]>::len), c)?;
    expect_len("gradOutput", grad_output.len(), input.len())?;
    expect_len("gradInput", gradients.input.len(), input.len())?;
    expect_len("gradScale", gradients.scale.len(), c)?;
    expect_len("gradOffset", gradients.offset.len(), c)
}

/// `N` rows of `c` floats.
fn parts<const N: usize>(workspace: &mut Workspace, c: usize) -> Result<[&mut [f32]; N], SpecError> {
    let mut rest = workspace.get(N * c)?;
    Ok(core::array::from_fn(|_| {
        let (part, others) = core::mem::take(&mut rest).split_at_mut(c);
        rest = others;
        part
    }))
}

/// `to = factor g + slope (x - mean) + constant`, a number a channel each.
fn apply(mean: &[f32], numbers: [&[f32]; 3], x: &[f32], g: &[f32], to: &mut [f32]) {
    let c = mean.len();
    let [factors, slopes, constants] = numbers;
    let [mean4, factors4, slopes4, constants4] =
        [mean, factors, slopes, constants].map(|values| values.as_chunks::<4>().0);
    let whole = 4 * mean4.len();
    for ((x, g), to) in x.chunks_exact(c).zip(g.chunks_exact(c)).zip(to.chunks_exact_mut(c)) {
        let (x4, g4, to4) = (x.as_chunks::<4>().0, g.as_chunks::<4>().0, to.as_chunks_mut::<4>().0);
        let numbers = mean4.iter().zip(factors4).zip(slopes4).zip(constants4);
        for (((x, g), to), (((mean, factor), slope), constant)) in x4.iter().zip(g4).zip(to4).zip(numbers) {
            let [x, g, mean, factor, slope, constant] = [x, g, mean, factor, slope, constant].map(F32x4::load);
            g.mul_add(factor, (x - mean).mul_add(slope, constant)).store(to);
        }
        if whole < c {
            let [x, g, mean, factor, slope, constant] =
                [x, g, mean, factors, slopes, constants].map(|values| load_part(&values[whole..]));
            store_part(g.mul_add(factor, (x - mean).mul_add(slope, constant)), &mut to[whole..]);
        }
    }
}

/// `to = f(a, b)`, element by element.
#[inline(always)]
fn zip(a: &[f32], b: &[f32], to: &mut [f32], f: impl Fn(F32x4, F32x4) -> F32x4) {
    for ((a, b), to) in a.chunks(4).zip(b.chunks(4)).zip(to.chunks_mut(4)) {
        store_part(f(load_part(a), load_part(b)), to);
    }
}

/// `to += a`
fn add_rows(a: &[f32], to: &mut [f32]) {
    for (a, to) in a.chunks(4).zip(to.chunks_mut(4)) {
        store_part(load_part(a) + load_part(to), to);
    }
}

/// `Σ f(a, b)`: 64 elements in float32, the rest in float64. What fills up the last vector is zeros, of which `f` makes zero.
#[inline(always)]
fn sum_of(a: &[f32], b: &[f32], f: impl Fn(F32x4, F32x4) -> F32x4) -> f64 {
    let pieces = a.chunks(64).zip(b.chunks(64));
    let of_piece = |(a, b): (&[f32], &[f32])| {
        let vectors = a.chunks(4).zip(b.chunks(4)).map(|(a, b)| f(load_part(a), load_part(b)));
        f64::from(vectors.fold(F32x4::zero(), |sum, part| sum + part).sum())
    };
    pieces.map(of_piece).sum()
}
