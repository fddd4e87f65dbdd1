//! The micro-kernel: tiles of `R x 4V` sums, the left-hand rows read where they lie, the right-hand columns packed.

use super::{Panel, Pixels, Places};
use crate::simd::{F32x4, Strided, strided_mut};
use core::array::from_fn;
use core::hint::black_box;
use core::slice::ChunksMut;

/// Shortest run that the smallest tiles sum in several chains.
const CHAINS_FROM: usize = 16;

/// Tiles of `R` adjacent rows of `a` by `V` vectors of columns, each summed in registers and stored once. `b` is `[k][4 V]`,
/// `to.count` a multiple of `R`.
///
/// All that does not differ between tiles is done once, outside of their loop: a short sum (27 products in a first layer of
/// a photograph) would take as long again as it needs itself.
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
    for row in (0..to.count).step_by(R) {
        // Hidden from the compiler, which else keeps bias and clamps in registers that the sums need.
        let panel = black_box(panel);
        let start: [F32x4; V] = from_fn(|v| F32x4::load(&panel.start[v]));
        let mut sums = [start; R];
        // One run, without the loops over several: ten cycles less a tile, of the 190 of 24 products (Node 24, Zen 4).
        if let (true, [taps], 1) = (R >= 4 && V == 2, a.rows, a.runs) {
            let rows = Strided::<R>::new(&taps[a.first + row * a.step..], a.step, a.run);
            rows.zip(b, |a, b| add_products(a, b, &mut sums));
        } else {
            let mut left = b.chunks(a.run);
            for taps in a.rows {
                let mut first = a.first + row * a.step;
                for b in left.by_ref().take(a.runs) {
                    let rows = Strided::<R>::new(&taps[first..], a.step, a.run);
                    first += a.run_step;
                    if R <= 3 && b.len() >= CHAINS_FROM {
                        sums = if R == 1 {
                            in_chains::<R, V, 4>(rows, b, sums)
                        } else {
                            in_chains::<R, V, 2>(rows, b, sums)
                        };
                    } else {
                        rows.zip(b, |a, b| add_products(a, b, &mut sums));
                    }
                }
            }
        }
        let first = to.first + row * to.step;
        // One bound at a time: most activations have one.
        if let Some(min) = panel.min.map(F32x4::splat) {
            sums = sums.map(|sums| sums.map(|sum| sum.pmax(min)));
        }
        if let Some(max) = panel.max.map(F32x4::splat) {
            sums = sums.map(|sums| sums.map(|sum| sum.pmin(max)));
        }
        if panel.width == 4 * V {
            for (to, sums) in strided_mut::<R, V>(&mut output[first..], to.step).into_iter().zip(sums) {
                for (to, sum) in to.iter_mut().zip(sums) {
                    sum.store(to);
                }
            }
        } else {
            // A copy: sums that have an address would be written to it at every step.
            let mut tile = [[[0.0; 4]; V]; R];
            for (to, sum) in tile.as_flattened_mut().iter_mut().zip(sums.as_flattened()) {
                sum.store(to);
            }
            let to = output[first..].chunks_mut(to.step);
            write_part(tile.as_flattened().as_flattened(), 4 * V, panel.width, to);
        }
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

/// The products of a run, summed in `U` chains: the few sums of a small tile would wait for one another, a multiply-add
/// takes four cycles.
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

/// Stores a tile that ends within a vector: the first `width` of every `lanes` floats.
#[inline(never)]
fn write_part(tile: &[f32], lanes: usize, width: usize, to: ChunksMut<'_, f32>) {
    for (from, to) in tile.chunks_exact(lanes).zip(to) {
        let (from, to) = (&from[..width], &mut to[..width]);
        // Where there are four, a vector at either end: the two may overlap.
        if let (Some(last), Some(to_last)) = (from.last_chunk::<4>(), to.last_chunk_mut()) {
            *to_last = *last;
            to[..4].copy_from_slice(&from[..4]);
        } else {
            for (to, from) in to.iter_mut().zip(from) {
                *to = *from;
            }
        }
    }
}
