//! The micro-kernel: tiles of `R x 4V` sums, the left-hand rows read where they lie, the right-hand columns packed.

use super::{Panel, Pixels, Places};
use crate::simd::{F32x4, RowMut, Strided, Tiles, TilesMut, Windows};
use core::array::from_fn;

/// Shortest run that the smallest tiles sum in several chains.
const CHAINS_FROM: usize = 16;

/// Tiles of `R` adjacent rows of `a` by `V` vectors of columns, each summed in registers and stored once. `b` is `[k][4 V]`,
/// `to.count` a multiple of `R`.
///
/// All that does not differ between tiles is done once, outside of their loop, bounds checks too: a short sum (27 products in a
/// first layer of a photograph) would take as long again as it needs itself.
///
/// The loop over `k` must not be unrolled, and each broadcast must be used at once: V8 keeps the order of the instructions and
/// has 15 vector registers, which 12 sums, 2 vectors of B and a broadcast fill. Where LLVM hoisted the loads of four
/// steps, sums were spilled: 46 instead of 56 GFLOP/s (Zen 4, Node 24; the peak measured there was 57).
#[inline(never)]
pub(super) fn sweep<const R: usize, const V: usize>(
    a: &Pixels<'_>,
    b: &[f32],
    panel: &Panel,
    output: &mut [f32],
    to: &Places,
) {
    let (b, _) = b.as_chunks::<4>().0.as_chunks::<V>();
    let count = to.count / R;
    let start: [F32x4; V] = from_fn(|v| F32x4::load(&panel.start[v]));
    let output = TilesMut::<R, V>::new(&mut output[to.first..], count, to.step, panel.width);
    match a.rows {
        // One run, without the loops over several: 0.95 of the time of 16 products.
        [taps] if R >= 4 && V == 2 && a.runs == 1 => {
            for (rows, output) in Tiles::<R>::new(&taps[a.first..], count, a.step, a.run).zip(output) {
                let mut sums = [start; R];
                add_run(rows, b, &mut sums);
                panel.store(sums, output);
            }
        }
        _ => {
            let mut windows = Windows::<_, R>::new(a, count, b);
            for output in output {
                let mut sums = [start; R];
                windows.next_tile(|rows, b| add_run(rows, b, &mut sums));
                panel.store(sums, output);
            }
        }
    }
}

impl Panel {
    /// Stores a tile, clamped. One bound at a time: most activations have one.
    #[inline(always)]
    fn store<const R: usize, const V: usize>(&self, mut sums: [[F32x4; V]; R], to: [RowMut<'_, V>; R]) {
        if let Some(min) = self.min.map(F32x4::splat) {
            sums = sums.map(|sums| sums.map(|sum| sum.pmax(min)));
        }
        if let Some(max) = self.max.map(F32x4::splat) {
            sums = sums.map(|sums| sums.map(|sum| sum.pmin(max)));
        }
        to.into_iter().zip(sums).for_each(|(to, sums)| to.store(sums));
    }
}

/// Adds the products of a run. The few sums of a small tile would wait for one another, a multiply-add takes four cycles: they
/// are summed in several chains.
#[inline(always)]
fn add_run<const R: usize, const V: usize>(a: Strided<'_, R>, b: &[[[f32; 4]; V]], sums: &mut [[F32x4; V]; R]) {
    match R {
        1 if b.len() >= CHAINS_FROM => *sums = in_chains::<R, V, 4>(a, b, *sums),
        2 | 3 if b.len() >= CHAINS_FROM => *sums = in_chains::<R, V, 2>(a, b, *sums),
        _ => a.zip(b, |a, b| add_products(a, b, sums)),
    }
}

/// One step of `k`: an element of each of `R` rows, by `V` vectors of B.
#[inline(always)]
fn add_products<const R: usize, const V: usize>(a: [&f32; R], b: &[[f32; 4]; V], sums: &mut [[F32x4; V]; R]) {
    let b: [F32x4; V] = from_fn(|v| F32x4::load(&b[v]));
    for (a, sums) in a.into_iter().zip(sums) {
        let a = F32x4::load_splat(a);
        for (b, sum) in b.iter().zip(sums) {
            *sum = a.mul_add(*b, *sum);
        }
    }
}

/// The products of a run, summed in `U` chains.
#[inline(always)]
fn in_chains<const R: usize, const V: usize, const U: usize>(
    a: Strided<'_, R>,
    b: &[[[f32; 4]; V]],
    sums: [[F32x4; V]; R],
) -> [[F32x4; V]; R] {
    let mut chains = [[[F32x4::zero(); V]; R]; U];
    chains[0] = sums;
    let (steps, rest) = b.as_chunks::<U>();
    let a = a.rows().map(|a| a.as_chunks::<U>());
    let a_steps = a.map(|(a, _)| &a[..steps.len()]);
    let a_rest = a.map(|(_, a)| &a[..rest.len()]);
    for (k, b) in steps.iter().enumerate() {
        for (u, sums) in chains.iter_mut().enumerate() {
            add_products(from_fn(|r| &a_steps[r][k][u]), &b[u], sums);
        }
    }
    for (k, b) in rest.iter().enumerate() {
        add_products(from_fn(|r| &a_rest[r][k]), b, &mut chains[0]);
    }
    from_fn(|r| from_fn(|v| chains[1..].iter().fold(chains[0][r][v], |sum, chain| sum + chain[r][v])))
}
