//! The transforms of [`super`] along one axis.

use super::TILE;
use crate::simd::{F32x4, hoisted};
use core::ops::Range;

/// Inputs of a tile along an axis, and values that they are transformed to.
pub(super) const SPAN: usize = 9;
/// Points, infinity last.
pub(super) const POINTS: usize = 5;
/// Weights that a filter's taps are transformed to.
pub(super) const WEIGHTS: usize = 6;
/// The weight that each value is multiplied by: the outer taps at its point, or the middle tap.
pub(super) const WEIGHT_OF: [usize; SPAN] = [0, 1, 5, 2, 5, 3, 5, 4, 5];
/// Values at finite points; those at infinity follow them.
pub(super) const FINITE: usize = 7;

/// The values at a point: the even inputs', and but for the first point, the odd ones'.
pub(super) fn values_at(point: usize) -> Range<usize> {
    (2 * point).saturating_sub(1)..2 * point + 1
}

const INNER: f32 = 0.375;
const OUTER: f32 = 1.25;
const INNER_2: f32 = INNER * INNER;
const OUTER_2: f32 = OUTER * OUTER;
const APART: f32 = OUTER_2 - INNER_2;

/// What inputs are multiplied by.
pub(super) const INPUT_FACTORS: [f32; 12] = [
    INNER,
    -INNER,
    OUTER,
    -OUTER,
    -INNER_2,
    -OUTER_2,
    INNER_2 * OUTER_2,
    -INNER_2 - OUTER_2,
    -1.0 / APART,
    0.5 / APART,
    0.5 / OUTER,
    -0.5 / OUTER,
];

/// Nine inputs at the five points: `(3/8; -3/8 twice; 5/4 twice; -5/4 twice; ∞ twice)`, of two the even inputs' value first. Nineteen
/// operations, by [`INPUT_FACTORS`].
#[inline(always)]
pub(super) fn of_input(factors: &[F32x4; INPUT_FACTORS.len()], d: [F32x4; SPAN]) -> [F32x4; SPAN] {
    let [inner, minus_inner, outer, minus_outer, minus_inner_2, minus_outer_2, both, minus_sum, rest @ ..] = *factors;
    let [minus_apart, half_apart, half_outer, minus_half_outer] = rest;
    let [e0, o0, e1, o1, e2, o2, e3, o3, e4] = d;
    // Twice each, a point and its negative.
    let (e_inner, e_inner_odd) = (e1.mul_add(minus_outer_2, e3), e0.mul_add(minus_outer_2, e2));
    let (e_outer, e_outer_odd) = (e1.mul_add(minus_inner_2, e3), e0.mul_add(minus_inner_2, e2));
    // What -3/8 adds to odd inputs is taken from them at the other points.
    let o_inner = o0.mul_add(minus_outer_2, o2);
    let o_minus_inner = o_inner * minus_apart;
    let o_outer = o0.mul_add(minus_inner_2, o2) * half_apart;
    let o_outer_odd = o_minus_inner.mul_add(inner, o1);
    [
        e_inner_odd.mul_add(inner, e_inner),
        e_inner_odd.mul_add(minus_inner, e_inner),
        o_minus_inner,
        e_outer_odd.mul_add(outer, e_outer),
        o_outer_odd.mul_add(half_outer, o_outer),
        e_outer_odd.mul_add(minus_outer, e_outer),
        o_outer_odd.mul_add(minus_half_outer, o_outer),
        e0.mul_add(both, e2.mul_add(minus_sum, e4)),
        o_inner.mul_add(inner, o1.mul_add(minus_outer_2, o3)),
    ]
}

/// Three runs of taps: the outer ones at the five points, and the middle one.
#[inline(never)]
pub(in super::super) fn transform_taps(from: [&[[f32; 4]]; 3], to: [&mut [[f32; 4]]; WEIGHTS]) {
    let count = from[0].len();
    let (from, mut to) = (from.map(|run| &run[..count]), to.map(|run| &mut run[..count]));
    let factors = hoisted([INNER, OUTER, 0.5 / (INNER * APART), 0.5 / (OUTER * APART)]);
    for i in 0..count {
        let [inner, outer, inner_apart, outer_apart] = factors;
        let [first, middle, last] = from.map(|run| F32x4::load(&run[i]));
        let (inner_odd, outer_odd) = (last * inner * inner_apart, last * outer * outer_apart);
        let (inner, outer) = (first * inner_apart, first * outer_apart);
        let weights =
            [F32x4::zero() - inner - inner_odd, inner - inner_odd, outer + outer_odd, outer_odd - outer, last, middle];
        for (weight, to) in weights.into_iter().zip(&mut to) {
            weight.store(&mut to[i]);
        }
    }
}

/// Four outputs from products at the five points.
#[inline(always)]
pub(super) fn of_products(m: [F32x4; POINTS]) -> [F32x4; TILE] {
    let [inner_2, outer_2] = [INNER_2, OUTER_2].map(F32x4::splat);
    let (inner, outer) = (m[0] + m[1], m[2] + m[3]);
    let inner_odd = (m[0] - m[1]) * F32x4::splat(INNER);
    let outer_odd = (m[2] - m[3]) * F32x4::splat(OUTER);
    [
        inner + outer,
        inner_odd + outer_odd,
        outer.mul_add(outer_2, inner * inner_2),
        outer_odd.mul_add(outer_2, inner_odd.mul_add(inner_2, m[4])),
    ]
}
