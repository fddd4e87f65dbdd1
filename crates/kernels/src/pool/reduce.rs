//! How the elements under a window become one, four channels at a time.

use crate::simd::F32x4;

/// How elements are joined.
pub(super) trait Reduce {
    /// Whether the result may have lost a NaN, for which somebody should watch.
    const LOSES_NAN: bool = false;
    /// Whether there are means of it.
    const DIVIDES: bool = false;
    /// Of no elements.
    fn none() -> F32x4 {
        F32x4::zero()
    }
    /// Of one element.
    fn one(x: F32x4) -> F32x4 {
        x
    }
    /// With one more element.
    fn add(part: F32x4, x: F32x4) -> F32x4;
    /// Of two parts.
    fn join(a: F32x4, b: F32x4) -> F32x4;
}

/// The largest, NaN left aside: one instruction an element. WebAssembly's own `max`, which keeps NaN, becomes eight on x86.
pub(super) struct Largest;
/// The largest, NaN above all.
pub(super) struct LargestOrNan;
/// The sum, or with `MEAN` the mean. Where that was known at run time only, sums were divided, too, and the quotients dropped.
pub(super) struct Sum<const MEAN: bool>;
/// The sum of squares.
pub(super) struct SumOfSquares;

impl Reduce for Largest {
    const LOSES_NAN: bool = true;
    #[inline(always)]
    fn none() -> F32x4 {
        F32x4::splat(f32::NEG_INFINITY)
    }
    #[inline(always)]
    fn add(part: F32x4, x: F32x4) -> F32x4 {
        part.max_of_numbers(x)
    }
    #[inline(always)]
    fn join(a: F32x4, b: F32x4) -> F32x4 {
        a.max_of_numbers(b)
    }
}

impl Reduce for LargestOrNan {
    #[inline(always)]
    fn none() -> F32x4 {
        F32x4::splat(f32::NEG_INFINITY)
    }
    #[inline(always)]
    fn add(part: F32x4, x: F32x4) -> F32x4 {
        // A NaN in `part` stays, one in `x` is taken.
        x.eq(x).select(part.pmax(x), x)
    }
    #[inline(always)]
    fn join(a: F32x4, b: F32x4) -> F32x4 {
        Self::add(a, b)
    }
}

impl<const MEAN: bool> Reduce for Sum<MEAN> {
    const DIVIDES: bool = MEAN;
    #[inline(always)]
    fn add(part: F32x4, x: F32x4) -> F32x4 {
        part + x
    }
    #[inline(always)]
    fn join(a: F32x4, b: F32x4) -> F32x4 {
        a + b
    }
}

impl Reduce for SumOfSquares {
    #[inline(always)]
    fn one(x: F32x4) -> F32x4 {
        x * x
    }
    #[inline(always)]
    fn add(part: F32x4, x: F32x4) -> F32x4 {
        x.mul_add(x, part)
    }
    #[inline(always)]
    fn join(a: F32x4, b: F32x4) -> F32x4 {
        a + b
    }
}
