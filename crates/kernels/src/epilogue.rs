//! What becomes of the sums of a convolution or a matrix product before they are stored.

use crate::activation::{Activation, load_part, map_in_place, store_part};
use crate::simd::F32x4;
use core::ops::Range;

/// Floats of sums that are in the first-level cache from one step of a second pass to the next.
const AT_A_TIME: usize = 4 << 10;

/// `activation(sum + bias + residual)`.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Epilogue<'a> {
    /// One for each column: an output channel or feature.
    pub(crate) bias: Option<&'a [f32]>,
    /// One for each output, where that lies: the shortcut of a residual block.
    pub(crate) residual: Option<&'a [f32]>,
    /// Applied last.
    pub(crate) activation: Activation,
}

impl<'a> Epilogue<'a> {
    /// No result is outside of these.
    pub(crate) const UNCLAMPED: [f32; 2] = [f32::NEG_INFINITY, f32::INFINITY];

    /// The epilogue of some columns, for an output whose first element is that of the first of them.
    pub(crate) fn of_columns(&self, columns: Range<usize>) -> Self {
        Self {
            bias: self.bias.map(|bias| &bias[columns.clone()]),
            residual: self.residual.map(|residual| &residual[columns.start..]),
            ..*self
        }
    }

    /// The epilogue of what follows the output's first `elements`, whole pixels.
    pub(crate) fn skip(&self, elements: usize) -> Self {
        Self { residual: self.residual.map(|residual| &residual[elements..]), ..*self }
    }

    /// Smallest and largest result, to be applied as sums are stored, and the activation that is left for a second pass
    /// while they are in the cache.
    pub(crate) fn clamp(&self) -> ([f32; 2], Option<Activation>) {
        match self.activation {
            Activation::Identity => (Self::UNCLAMPED, None),
            Activation::Relu => ([0.0, f32::INFINITY], None),
            Activation::Relu6 => ([0.0, 6.0], None),
            Activation::Clamp { min, max } => ([min, max], None),
            other => (Self::UNCLAMPED, Some(other)),
        }
    }

    /// The clamp of a strategy that adds no residual as it stores, and whether [`Self::finish`] is to follow.
    ///
    /// A residual is as large as the output and seldom in the cache: read in the order of memory, a segment at a time, it
    /// adds 15% to the time of a 1x1 64-256 over 56x56 pixels; read by tiles, 32 bytes here and there, 24% (Node 24, Zen 4).
    pub(crate) fn as_stored(&self) -> ([f32; 2], bool) {
        match (self.residual, self.clamp()) {
            (None, (clamp, rest)) => (clamp, rest.is_some()),
            (Some(_), _) => (Self::UNCLAMPED, true),
        }
    }

    /// The second pass of a strategy that stores its sums with nothing but the bias added: `sums` becomes
    /// `activation(sums + residual)`. They lie where the epilogue's output begins.
    #[inline(never)]
    pub(crate) fn finish(&self, sums: &mut [f32]) {
        let Some(residual) = self.residual else { return self.activation.apply_in_place(sums) };
        let (clamp, rest) = self.clamp();
        add_clamped(sums, residual, clamp.map(F32x4::splat));
        if let Some(activation) = rest {
            activation.apply_in_place(sums);
        }
    }

    /// The second pass over whole pixels of `c` channels whose residual has fewer: nothing is added to the others.
    pub(crate) fn finish_pixels(&self, c: usize, sums: &mut [f32]) {
        let residual = self.residual.unwrap_or_default();
        let residual_c = residual.len() / (sums.len() / c).max(1);
        let (clamp, rest) = self.clamp();
        let clamp @ [min, max] = clamp.map(F32x4::splat);
        let pixels = (AT_A_TIME / c).max(1);
        for (sums, residual) in sums.chunks_mut(pixels * c).zip(residual.chunks(pixels * residual_c)) {
            // In one pass, the others too: 24 channels to 28 of 64x64 pixels take 1.1 times as long as without a residual, and
            // 1.3 in a pass for each (Node 24, Zen 4).
            for (sums, residual) in sums.chunks_exact_mut(c).zip(residual.chunks_exact(residual_c)) {
                let (added, others) = sums.split_at_mut(residual_c);
                add_clamped(added, residual, clamp);
                map_in_place(others, |x| x.pmax(min).pmin(max));
            }
            if let Some(activation) = rest {
                activation.apply_in_place(sums);
            }
        }
    }
}

/// `sums` becomes `min(max(sums + addends, min), max)`, as many as there are sums.
#[inline(always)]
fn add_clamped(sums: &mut [f32], addends: &[f32], [min, max]: [F32x4; 2]) {
    let add = |sum: F32x4, addend: F32x4| (sum + addend).pmax(min).pmin(max);
    let (sums, last) = sums.as_chunks_mut::<4>();
    let (addends, last_addends) = addends[..4 * sums.len() + last.len()].as_chunks::<4>();
    for (sum, addend) in sums.iter_mut().zip(addends) {
        add(F32x4::load(sum), F32x4::load(addend)).store(sum);
    }
    if !last.is_empty() {
        store_part(add(load_part(last), load_part(last_addends)), last);
    }
}
