//! What becomes of the sums of a convolution or a matrix product before they are stored.

use crate::activation::Activation;
use crate::simd::F32x4;
use core::ops::Range;

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

    /// The second pass of a strategy that stores its sums with nothing but the bias added: `sums` becomes
    /// `activation(sums + residual)`. They lie where the epilogue's output begins.
    pub(crate) fn finish(&self, sums: &mut [f32]) {
        if let Some(residual) = self.residual {
            let residual = &residual[..sums.len()];
            let (vectors, rest) = sums.as_chunks_mut::<4>();
            let (residual_vectors, residual_rest) = residual.as_chunks::<4>();
            for (sum, residual) in vectors.iter_mut().zip(residual_vectors) {
                (F32x4::load(sum) + F32x4::load(residual)).store(sum);
            }
            for (sum, residual) in rest.iter_mut().zip(residual_rest) {
                *sum += residual;
            }
        }
        self.activation.apply_in_place(sums);
    }
}
