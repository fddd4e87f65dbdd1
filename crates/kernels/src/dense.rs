//! Dense layers: `activation(input [m, k] · weights [k, n] + bias [n])`.

use crate::activation::Activation;
use crate::conv::{PackedFilter, PackedForm, PackingKey, Packs};
use crate::epilogue::Epilogue;
use crate::gemm::{FilterStrides, PanelShape, Pixels, Places, RightHand, multiply, pack_panels};
use crate::shape::{SpecError, checked_len, expect_len};

/// A dense layer; without bias and activation, a matrix product.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Dense {
    /// Rows of the input and of the output.
    pub m: usize,
    /// Columns of the input.
    pub k: usize,
    /// Columns of the output.
    pub n: usize,
    /// Applied to every output.
    pub activation: Activation,
    /// The weights are given as `[n, k]` (PyTorch's Linear, ONNX's Gemm with transB), not `[k, n]`.
    pub weights_transposed: bool,
}

impl Dense {
    /// Checks sizes.
    pub fn new(
        m: usize,
        k: usize,
        n: usize,
        weights_transposed: bool,
        activation: Activation,
    ) -> Result<Self, SpecError> {
        checked_len("input", &[m, k])?;
        checked_len("weights", &[k, n])?;
        checked_len("output", &[m, n])?;
        Ok(Self { m, k, n, activation, weights_transposed })
    }

    /// `input` is `[m, k]`, `bias` `[n]`, `output` `[m, n]`.
    pub fn run(
        &self,
        input: &[f32],
        weights: &PackedFilter,
        bias: Option<&[f32]>,
        output: &mut [f32],
    ) -> Result<(), SpecError> {
        let &Self { m, k, n, activation, .. } = self;
        expect_len("input", input.len(), m * k)?;
        expect_len("output", output.len(), m * n)?;
        if let Some(bias) = bias {
            expect_len("bias", bias.len(), n)?;
        }
        let epilogue = Epilogue { bias, residual: None, activation };
        let right = RightHand { k, n, panels: weights.values("weights", self.packing())?, epilogue };
        let samples = Pixels { rows: &[input], first: 0, runs: 1, run: k, run_step: 0, step: k };
        multiply(&samples, &right, 0, output, &Places { count: m, first: 0, step: n });
        Ok(())
    }
}

impl Packs for Dense {
    fn packing(&self) -> PackingKey {
        PackingKey {
            form: PackedForm::Panels,
            channels_first: self.weights_transposed,
            taps: [1, 1],
            channels: [self.k, self.n],
            groups: 1,
        }
    }

    fn pack(&self, weights: &[f32]) -> Result<PackedFilter, SpecError> {
        let &Self { k, n, .. } = self;
        expect_len("weights", weights.len(), k * n)?;
        let [k_c, n_step] = if self.weights_transposed { [1, k] } else { [n, 1] };
        let strides = FilterStrides { group: 0, tap_h: 0, tap_w: 0, k_c, n: n_step };
        let len = PanelShape { groups: 1, k, n }.checked_len()?;
        PackedFilter::new(self.packing(), len, |packed| {
            pack_panels(weights, 0, &strides, &[0], k, n, packed);
        })
    }
}
