//! Products of matrices that are both computed: no weights, nothing to pack beforehand.

use crate::activation::Activation;
use crate::elementwise::MAX_RANK;
use crate::epilogue::Epilogue;
use crate::gemm::{FilterStrides, PanelShape, Pixels, Places, RightHand, multiply, pack_panels};
use crate::memory::Workspace;
use crate::shape::{SpecError, checked_len, expect_len};
use crate::strided::broadcast_steps;

/// `[.., m, k]` times `[.., k, n]`: one product for each batch.
#[derive(Clone, Debug)]
pub struct MatMul {
    m: usize,
    k: usize,
    n: usize,
    batch: Vec<usize>,
    a_steps: Vec<isize>,
    b_steps: Vec<isize>,
    a_len: usize,
    b_len: usize,
    out_len: usize,
}

impl MatMul {
    /// Checks sizes. The batches have as many axes each; one of 1 is repeated.
    pub fn new([m, k, n]: [usize; 3], a_batch: &[usize], b_batch: &[usize]) -> Result<Self, SpecError> {
        if a_batch.len() != b_batch.len() || a_batch.len() > MAX_RANK {
            let error = SpecError::invalid("batch", "is {} and {}; expected as many axes, at most {}");
            return Err(error.list(a_batch).list(b_batch).number(MAX_RANK));
        }
        let a_len = checked_len("a", &[a_batch, &[m, k]].concat())?;
        let b_len = checked_len("b", &[b_batch, &[k, n]].concat())?;
        if a_batch.iter().zip(b_batch).any(|(a, b)| a != b && *a != 1 && *b != 1) {
            let error = SpecError::mismatch("b", "has the batch {}, which does not broadcast with {}");
            return Err(error.list(b_batch).list(a_batch));
        }
        let mut batch: Vec<usize> = a_batch.iter().zip(b_batch).map(|(a, b)| *a.max(b)).collect();
        let (mut m, mut a_steps, mut b_steps) = (m, broadcast_steps(a_batch), broadcast_steps(b_batch));
        let out_len = checked_len("output", &[&batch[..], &[m, n]].concat())?;
        // Inner batches that all take the same b are rows of one product.
        while let (Some(&size), Some(0)) = (batch.last(), b_steps.last()) {
            if size > 1 && a_steps.last() == Some(&0) {
                break;
            }
            m *= size;
            a_steps.iter_mut().for_each(|step| *step /= size as isize);
            batch.pop();
            a_steps.pop();
            b_steps.pop();
        }
        Ok(Self { m, k, n, batch, a_steps, b_steps, a_len, b_len, out_len })
    }

    /// `b` is packed at every call, each of its matrices once.
    pub fn run(&self, a: &[f32], b: &[f32], workspace: &mut Workspace, output: &mut [f32]) -> Result<(), SpecError> {
        let &Self { m, k, n, .. } = self;
        expect_len("a", a.len(), self.a_len)?;
        expect_len("b", b.len(), self.b_len)?;
        expect_len("output", output.len(), self.out_len)?;
        let panels = workspace.get(PanelShape { groups: 1, k, n }.checked_len()?)?;
        let mut packed = usize::MAX;
        let mut index = [0; MAX_RANK];
        for output in output.chunks_exact_mut(m * n) {
            let at = |steps: &[isize]| index.iter().zip(steps).map(|(i, step)| i * *step as usize).sum::<usize>();
            let (a, b_at) = (&a[at(&self.a_steps) * m * k..][..m * k], at(&self.b_steps));
            let b = &b[b_at * k * n..][..k * n];
            if m <= UNPACKED_ROWS {
                rows(a, b, [k, n], output);
            } else {
                if packed != b_at {
                    let strides = FilterStrides { group: 0, tap_h: 0, tap_w: 0, k_c: n, n: 1 };
                    pack_panels(b, 0, &strides, &[0], k, n, panels);
                    packed = b_at;
                }
                let epilogue = Epilogue { bias: None, residual: None, activation: Activation::Identity };
                let right = RightHand { k, n, panels, epilogue };
                let samples = Pixels { rows: &[a], first: 0, runs: 1, run: k, run_step: 0, step: k };
                multiply(&samples, &right, 0, output, &Places { count: m, first: 0, step: n });
            }
            for (i, &size) in self.batch.iter().enumerate().rev() {
                index[i] += 1;
                if index[i] < size {
                    break;
                }
                index[i] = 0;
            }
        }
        Ok(())
    }
}

/// Rows for which packing `b` would be most of the work.
const UNPACKED_ROWS: usize = 2;

/// A few rows of `a` times `b`: sums of rows of `b`.
fn rows(a: &[f32], b: &[f32], [k, n]: [usize; 2], output: &mut [f32]) {
    for (a, to) in a.chunks_exact(k).zip(output.chunks_exact_mut(n)) {
        to.fill(0.0);
        for (&factor, b) in a.iter().zip(b.chunks_exact(n)) {
            crate::norm::add_product(factor, b, to);
        }
    }
}
