//! Normalisation with known statistics.

use crate::activation::{load_part, map, store_part};
use crate::memory::Buffer;
use crate::shape::{SpecError, checked_len, expect_len};
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
    if norm.epsilon.is_nan() || norm.epsilon < 0.0 {
        return Err(SpecError::invalid("epsilon", "is not 0 or more"));
    }
    let channel = |i: usize| {
        let scale = norm.scale.map_or(1.0, |scale| scale[i]);
        let factor = scale / (norm.variance[i] + norm.epsilon).sqrt();
        [norm.mean[i], factor, norm.offset.map_or(0.0, |offset| offset[i])]
    };
    if inner > 1 {
        for (i, (from, to)) in input.chunks_exact(inner).zip(output.chunks_exact_mut(inner)).enumerate() {
            let [mean, factor, offset] = channel(i % c).map(F32x4::splat);
            map(from, to, |x| (x - mean).mul_add(factor, offset));
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
