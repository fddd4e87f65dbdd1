//! The three reductions of a window, four channels at a time.

use crate::simd::F32x4;

/// How the elements under a window become one.
pub(super) trait Reduce {
    /// A part of the window, in registers.
    type Partial: Copy;
    /// Nothing yet.
    fn start() -> Self::Partial;
    /// One more element.
    fn add(partial: Self::Partial, x: F32x4) -> Self::Partial;
    /// What is kept of a part in memory.
    fn value(partial: Self::Partial) -> F32x4;
    /// One more part, as it was kept.
    fn merge(partial: Self::Partial, value: F32x4) -> Self::Partial;
    /// The result of all parts, where `count` elements were or count as added.
    fn finish(value: F32x4, count: F32x4) -> F32x4;
}

/// The largest; NaN wins.
pub(super) struct Max;

/// A maximum that may lose NaN, and a mask of the lanes that met none: three instructions an element. WebAssembly's own `max`,
/// which keeps NaN, becomes eight on x86, and the pools took two to four times as long with it.
#[derive(Clone, Copy)]
pub(super) struct Largest {
    max: F32x4,
    ordered: F32x4,
}

impl Reduce for Max {
    type Partial = Largest;
    #[inline(always)]
    fn start() -> Largest {
        let max = F32x4::splat(f32::NEG_INFINITY);
        Largest { max, ordered: max.eq(max) }
    }
    #[inline(always)]
    fn add(partial: Largest, x: F32x4) -> Largest {
        Largest { max: partial.max.max_of_numbers(x), ordered: partial.ordered.and(x.eq(x)) }
    }
    #[inline(always)]
    fn value(partial: Largest) -> F32x4 {
        partial.ordered.select(partial.max, F32x4::splat(f32::NAN))
    }
    #[inline(always)]
    fn merge(partial: Largest, value: F32x4) -> Largest {
        Self::add(partial, value)
    }
    #[inline(always)]
    fn finish(value: F32x4, _: F32x4) -> F32x4 {
        value
    }
}

/// The mean; 0 of no elements.
pub(super) struct Mean;

impl Reduce for Mean {
    type Partial = F32x4;
    #[inline(always)]
    fn start() -> F32x4 {
        F32x4::zero()
    }
    #[inline(always)]
    fn add(partial: F32x4, x: F32x4) -> F32x4 {
        partial + x
    }
    #[inline(always)]
    fn value(partial: F32x4) -> F32x4 {
        partial
    }
    #[inline(always)]
    fn merge(partial: F32x4, value: F32x4) -> F32x4 {
        partial + value
    }
    #[inline(always)]
    fn finish(value: F32x4, count: F32x4) -> F32x4 {
        value / count.pmax(F32x4::splat(1.0))
    }
}

/// The square root of the sum of squares.
pub(super) struct Norm;

impl Reduce for Norm {
    type Partial = F32x4;
    #[inline(always)]
    fn start() -> F32x4 {
        F32x4::zero()
    }
    #[inline(always)]
    fn add(partial: F32x4, x: F32x4) -> F32x4 {
        x.mul_add(x, partial)
    }
    #[inline(always)]
    fn value(partial: F32x4) -> F32x4 {
        partial
    }
    #[inline(always)]
    fn merge(partial: F32x4, value: F32x4) -> F32x4 {
        partial + value
    }
    #[inline(always)]
    fn finish(value: F32x4, _: F32x4) -> F32x4 {
        value.sqrt()
    }
}
