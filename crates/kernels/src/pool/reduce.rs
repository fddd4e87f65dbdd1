//! The three reductions of a window, four channels at a time.

use crate::simd::F32x4;

/// How the elements under a window become one.
pub(super) trait Reduce {
    /// Of no elements.
    const START: f32;
    /// An element before it is combined.
    fn lift(x: F32x4) -> F32x4;
    /// Two partial results.
    fn combine(a: F32x4, b: F32x4) -> F32x4;
    /// The result, where `count` elements were or count as combined.
    fn finish(partial: F32x4, count: F32x4) -> F32x4;

    /// The two partial results of one channel.
    fn combine_one(a: f32, b: f32) -> f32 {
        Self::combine(F32x4::splat(a), F32x4::splat(b)).to_array()[0]
    }
}

/// The largest; NaN wins.
pub(super) struct Max;

impl Reduce for Max {
    const START: f32 = f32::NEG_INFINITY;
    #[inline(always)]
    fn lift(x: F32x4) -> F32x4 {
        x
    }
    #[inline(always)]
    fn combine(a: F32x4, b: F32x4) -> F32x4 {
        a.max(b)
    }
    #[inline(always)]
    fn finish(partial: F32x4, _: F32x4) -> F32x4 {
        partial
    }
}

/// The mean; 0 of no elements.
pub(super) struct Mean;

impl Reduce for Mean {
    const START: f32 = 0.0;
    #[inline(always)]
    fn lift(x: F32x4) -> F32x4 {
        x
    }
    #[inline(always)]
    fn combine(a: F32x4, b: F32x4) -> F32x4 {
        a + b
    }
    #[inline(always)]
    fn finish(partial: F32x4, count: F32x4) -> F32x4 {
        partial / count.pmax(F32x4::splat(1.0))
    }
}

/// The square root of the sum of squares.
pub(super) struct Norm;

impl Reduce for Norm {
    const START: f32 = 0.0;
    #[inline(always)]
    fn lift(x: F32x4) -> F32x4 {
        x * x
    }
    #[inline(always)]
    fn combine(a: F32x4, b: F32x4) -> F32x4 {
        a + b
    }
    #[inline(always)]
    fn finish(partial: F32x4, _: F32x4) -> F32x4 {
        partial.sqrt()
    }
}
