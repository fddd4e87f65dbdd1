//! The inner loops over a band: strips of adjacent outputs of one plane, of one row or of two.

use crate::simd::{F32x4, strided_mut};
use core::ops::Range;

/// Outputs of a wide strip: two rows of them are 12 sums, with two weights and an input the 15 vector registers of V8.
const WIDE: usize = 6;
/// Outputs of a narrow strip.
const NARROW: usize = 4;

/// Outputs for which a row of `outputs` has to have inputs: those of its only strip, if that is longer.
pub(super) fn covered(outputs: usize) -> usize {
    match outputs {
        ..=NARROW => NARROW,
        5 => WIDE,
        _ => outputs,
    }
}

/// Where strips find their inputs.
pub(super) struct Window<'a> {
    /// The plane's rows at hand.
    pub(super) plane: &'a [f32],
    /// Where the rows under the window begin, those of both rows of outputs.
    pub(super) rows: &'a [usize],
    /// Where in a row each tap's inputs begin.
    pub(super) columns: &'a [usize],
    /// `[tap][4]`.
    pub(super) weights: &'a [f32],
}

/// Rows under the windows: what just the first row of outputs sees, what both see, what just the second sees.
pub(super) struct Shared {
    pub(super) first: Range<usize>,
    pub(super) both: Range<usize>,
    pub(super) second: Range<usize>,
    /// A row under the window of the first is that many rows further up under that of the second.
    pub(super) shift: usize,
}

/// Where sums go, and what is done before.
pub(super) struct Target<'a, const R: usize> {
    /// From the plane's first channel of the first pixel on.
    pub(super) rows: [&'a mut [f32]; R],
    /// From one pixel to the next.
    pub(super) step: usize,
    /// Channels to write, at most four.
    pub(super) channels: usize,
    pub(super) bias: F32x4,
    pub(super) clamp: [f32; 2],
}

/// `R` rows of outputs.
#[inline(never)]
pub(super) fn rows<const R: usize>(window: &Window<'_>, shared: &Shared, outputs: usize, target: &mut Target<'_, R>) {
    let (wide, narrow) = match (outputs / WIDE, outputs % WIDE) {
        (wide, 0) => (wide, 0),
        // Two narrow strips rather than a wide one of which most is done already.
        (wide @ 1.., 1 | 2) => (wide - 1, 2),
        (wide, 1..=NARROW) => (wide, 1),
        (wide, _) => (wide + 1, 0),
    };
    // The last strip ends with the row, where that is long enough: some outputs are computed twice.
    for strip in 0..wide {
        let first = (strip * WIDE).min(outputs.saturating_sub(WIDE));
        let sums = sums::<R, WIDE>(window, shared, first, target.bias);
        store(sums, first, outputs, target);
    }
    for strip in 0..narrow {
        let first = (wide * WIDE + strip * NARROW).min(outputs.saturating_sub(NARROW));
        let sums = sums::<R, NARROW>(window, shared, first, target.bias);
        store(sums, first, outputs, target);
    }
}

/// One row of outputs by windows of five adjacent columns, `S` apart: a strip loads its `SPAN` columns once.
#[inline(never)]
pub(super) fn five_adjacent<const S: usize, const SPAN: usize>(
    window: &Window<'_>,
    rows: &Range<usize>,
    outputs: usize,
    target: &mut Target<'_, 1>,
) {
    let weights = &window.weights.as_chunks::<4>().0.as_chunks::<5>().0[rows.clone()];
    let rows = &window.rows[rows.clone()];
    for strip in 0..outputs.div_ceil(NARROW) {
        let first = (strip * NARROW).min(outputs.saturating_sub(NARROW));
        let mut sums = [target.bias; NARROW];
        for (&row, w) in rows.iter().zip(weights) {
            let Some(x) = window.plane[row + 4 * S * first..].as_chunks::<4>().0.first_chunk::<SPAN>() else {
                continue;
            };
            let w = w.each_ref().map(F32x4::load);
            for (p, sum) in sums.iter_mut().enumerate() {
                // A row's products by themselves first: four chains of 25 multiply-adds wait for one another, those of 5 do not.
                let mut products = F32x4::load(&x[S * p]) * w[0];
                for tap in 1..5 {
                    products = F32x4::load(&x[S * p + tap]).mul_add(w[tap], products);
                }
                *sum = *sum + products;
            }
        }
        store([sums], first, outputs, target);
    }
}

/// The sums of a strip whose first output is `first`.
#[inline(always)]
fn sums<const R: usize, const P: usize>(
    window: &Window<'_>,
    shared: &Shared,
    first: usize,
    bias: F32x4,
) -> [[F32x4; P]; R] {
    let mut sums = [[bias; P]; R];
    let (weights, _) = window.weights.as_chunks::<4>();
    let taps = window.columns.len();
    let row = |row: usize| &window.plane[window.rows[row] + 4 * first..];
    let weights = |row: usize| &weights[row * taps..][..taps];
    if let Some(sums) = sums.first_chunk_mut() {
        for j in shared.first.clone() {
            add::<1, P>(sums, row(j), window.columns, [weights(j)]);
        }
    }
    if R == 2
        && let Some(sums) = sums.first_chunk_mut()
    {
        for j in shared.both.clone() {
            add::<2, P>(sums, row(j), window.columns, [weights(j), weights(j - shared.shift)]);
        }
    }
    if R == 2
        && let Some(sums) = sums.last_chunk_mut()
    {
        for j in shared.second.clone() {
            add::<1, P>(sums, row(j), window.columns, [weights(j - shared.shift)]);
        }
    }
    sums
}

/// Adds a row of taps to `N` rows of outputs.
#[inline(always)]
fn add<const N: usize, const P: usize>(
    sums: &mut [[F32x4; P]; N],
    row: &[f32],
    columns: &[usize],
    weights: [&[[f32; 4]]; N],
) {
    let weights = weights.map(|weights| &weights[..columns.len()]);
    for (k, &at) in columns.iter().enumerate() {
        let (x, _) = row[at..][..4 * P].as_chunks::<4>();
        let weights = weights.map(|weights| F32x4::load(&weights[k]));
        for (p, x) in x.iter().enumerate() {
            let x = F32x4::load(x);
            for (sums, weight) in sums.iter_mut().zip(weights) {
                sums[p] = x.mul_add(weight, sums[p]);
            }
        }
    }
}

/// Writes those of a strip's sums that are outputs.
#[inline(always)]
fn store<const R: usize, const P: usize>(
    sums: [[F32x4; P]; R],
    first: usize,
    outputs: usize,
    target: &mut Target<'_, R>,
) {
    let [min, max] = target.clamp.map(F32x4::splat);
    let sums = sums.map(|sums| sums.map(|sum| sum.pmax(min).pmin(max)));
    let at = first * target.step;
    // A whole strip of whole planes, in few instructions.
    if first + P <= outputs && target.channels == 4 {
        for (sums, row) in sums.into_iter().zip(&mut target.rows) {
            for ([to], sum) in strided_mut::<P, 1>(&mut row[at..], target.step).into_iter().zip(sums) {
                sum.store(to);
            }
        }
        return;
    }
    for (sums, row) in sums.into_iter().zip(&mut target.rows) {
        store_some(&sums.map(F32x4::to_array)[..P.min(outputs - first)], &mut row[at..], target.step, target.channels);
    }
}

/// The first `channels` lanes of each sum, `step` apart.
#[inline(never)]
fn store_some(sums: &[[f32; 4]], to: &mut [f32], step: usize, channels: usize) {
    for (to, sum) in to.chunks_mut(step).zip(sums) {
        to[..channels].copy_from_slice(&sum[..channels]);
    }
}
