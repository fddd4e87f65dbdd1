//! The three transforms of F(4, 3) along one axis; a plane takes one along either axis.
//!
//! The points are 0, ±√½, ±√2 and infinity. Lavin and Gray took 0, ±1, ±2: as many operations, but numbers spread further
//! apart, and with them twice the error. Squares of the points and their products are exact.

use crate::simd::{F32x4, hoisted};
use core::f32::consts::{FRAC_1_SQRT_2, SQRT_2};

/// Outputs of a tile along an axis.
pub(crate) const TILE: usize = 4;
/// Inputs of a tile along an axis, and points.
pub(crate) const SPAN: usize = 6;
/// Matrices: points of the plane.
pub(crate) const POINTS: usize = SPAN * SPAN;

/// Six inputs at the six points: `(0, √½, -√½, √2, -√2, ∞)`. Twelve multiply-adds.
#[inline(always)]
pub(crate) fn of_input(d: [F32x4; SPAN]) -> [F32x4; SPAN] {
    let [minus_half, minus_two, minus_both] = [-0.5, -2.0, -2.5].map(F32x4::splat);
    let even = d[2].mul_add(minus_two, d[4]);
    let odd = d[1].mul_add(minus_two, d[3]);
    let even_outer = d[2].mul_add(minus_half, d[4]);
    let odd_outer = d[1].mul_add(minus_half, d[3]);
    let [inner, outer] = [FRAC_1_SQRT_2, SQRT_2];
    [
        d[2].mul_add(minus_both, d[0]) + d[4],
        odd.mul_add(F32x4::splat(inner), even),
        odd.mul_add(F32x4::splat(-inner), even),
        odd_outer.mul_add(F32x4::splat(outer), even_outer),
        odd_outer.mul_add(F32x4::splat(-outer), even_outer),
        d[3].mul_add(minus_both, d[1]) + d[5],
    ]
}

/// The factors of [`of_filter`], to be made before a loop.
#[inline(always)]
pub(super) fn filter_factors() -> [F32x4; 6] {
    hoisted([0.5, 2.0, -2.0 / 3.0, 1.0 / 6.0, -2.0 / 3.0 * FRAC_1_SQRT_2, SQRT_2 / 6.0])
}

/// Three taps at the six points.
#[inline(always)]
pub(super) fn of_filter(g: [F32x4; 3], factors: &[F32x4; 6]) -> [F32x4; SPAN] {
    let [half, two, two_thirds, sixth, inner_odd, outer_odd] = *factors;
    let inner = g[2].mul_add(half, g[0]) * two_thirds;
    let outer = g[2].mul_add(two, g[0]) * sixth;
    let (inner_odd, outer_odd) = (g[1] * inner_odd, g[1] * outer_odd);
    [g[0], inner + inner_odd, inner - inner_odd, outer + outer_odd, outer - outer_odd, g[2]]
}

/// Four outputs from products at the six points.
#[inline(always)]
pub(super) fn of_products(m: [F32x4; SPAN]) -> [F32x4; TILE] {
    let (inner, inner_odd) = (m[1] + m[2], m[1] - m[2]);
    let (outer, outer_odd) = (m[3] + m[4], m[3] - m[4]);
    let [half, two] = [0.5, 2.0].map(F32x4::splat);
    // The cubes of the points are the halves and the doubles of the points.
    let inner_odd = inner_odd * F32x4::splat(FRAC_1_SQRT_2);
    let outer_odd = outer_odd * F32x4::splat(SQRT_2);
    [
        m[0] + inner + outer,
        inner_odd + outer_odd,
        outer.mul_add(two, inner * half),
        outer_odd.mul_add(two, inner_odd.mul_add(half, m[5])),
    ]
}
