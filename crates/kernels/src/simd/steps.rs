//! Items a fixed step apart, with one bounds check for all of them, read through one pointer that advances: their parts are at
//! constant offsets from it.

use core::marker::PhantomData;

/// Nothing but floats.
///
/// # Safety
///
/// Any run of `size_of::<Self>() / 4` floats is a valid value, at any address that is one for a float.
pub unsafe trait Floats: Copy {}
// SAFETY: itself.
unsafe impl Floats for f32 {}
// SAFETY: an array is its elements one after the other, aligned as they are.
unsafe impl<T: Floats, const N: usize> Floats for [T; N] {}

/// Items of a slice, each a step after the one before. They may overlap.
pub struct Steps<'a, T> {
    /// The next item's first float.
    next: *const f32,
    step: usize,
    left: usize,
    values: PhantomData<&'a [T]>,
}

impl<'a, T: Floats> Steps<'a, T> {
    /// `count` items, the first at the start of `values`. Panics if they do not all lie in `values`, as an index beyond a slice does.
    #[inline(always)]
    pub fn new(values: &'a [f32], step: usize, count: usize) -> Self {
        let floats = size_of::<T>() / size_of::<f32>();
        let span = if count == 0 { 0 } else { (count - 1).saturating_mul(step).saturating_add(floats) };
        Self { next: values[..span].as_ptr(), step, left: count, values: PhantomData }
    }
}

impl<'a, T: Floats> Iterator for Steps<'a, T> {
    type Item = &'a T;

    #[inline(always)]
    fn next(&mut self) -> Option<&'a T> {
        self.left = self.left.checked_sub(1)?;
        let item = self.next.cast::<T>();
        // Behind the last item it may point anywhere: it is not read again.
        self.next = self.next.wrapping_add(self.step);
        // SAFETY: item i of `count` starts at i * step, and `new` found that the last one ends within the borrowed slice; nothing
        // but floats makes a T, and floats' alignment is enough for it.
        Some(unsafe { &*item })
    }

    #[inline(always)]
    fn size_hint(&self) -> (usize, Option<usize>) {
        (self.left, Some(self.left))
    }
}

/// [`Steps`] of `N` items each, at the same places after every step.
pub struct Places<'a, T, const N: usize> {
    /// What the places are counted from.
    next: *const f32,
    places: [usize; N],
    step: usize,
    left: usize,
    values: PhantomData<&'a [T]>,
}

impl<'a, T: Floats, const N: usize> Places<'a, T, N> {
    /// `count` times the items at `places`, counted from the start of `values`, then a step further, and so on. Panics if they do not
    /// all lie in `values`, as an index beyond a slice does.
    #[inline(always)]
    pub fn new(values: &'a [f32], places: [usize; N], step: usize, count: usize) -> Self {
        let floats = size_of::<T>() / size_of::<f32>();
        let last = places.iter().fold(0, |last: usize, &place| last.max(place)).saturating_add(floats);
        let span = if count == 0 { 0 } else { (count - 1).saturating_mul(step).saturating_add(last) };
        Self { next: values[..span].as_ptr(), places, step, left: count, values: PhantomData }
    }
}

impl<'a, T: Floats, const N: usize> Iterator for Places<'a, T, N> {
    type Item = [&'a T; N];

    #[inline(always)]
    fn next(&mut self) -> Option<[&'a T; N]> {
        self.left = self.left.checked_sub(1)?;
        let here = self.next;
        self.next = here.wrapping_add(self.step);
        // SAFETY: as in `Steps`: of the last step, the item at the last place ends within the borrowed slice.
        Some(self.places.map(|place| unsafe { &*here.wrapping_add(place).cast::<T>() }))
    }

    #[inline(always)]
    fn size_hint(&self) -> (usize, Option<usize>) {
        (self.left, Some(self.left))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn items_lie_a_step_apart_and_may_overlap() {
        let values: Vec<f32> = (0..20u8).map(f32::from).collect();
        for (step, count) in [(0, 4), (1, 19), (5, 4), (18, 2), (usize::MAX, 1), (usize::MAX, 0)] {
            let firsts: Vec<_> =
                Steps::<[f32; 2]>::new(&values, step, count).map(|&[a, b]| (a as usize, b as usize)).collect();
            let expected: Vec<_> = (0..count).map(|i| (i.wrapping_mul(step), i.wrapping_mul(step) + 1)).collect();
            assert_eq!(firsts, expected);
        }
        let nested: Vec<_> = Steps::<[[f32; 2]; 2]>::new(&values, 8, 3).map(|item| item[1][0]).collect();
        assert_eq!(nested, [2.0, 10.0, 18.0]);
    }

    #[test]
    fn items_that_do_not_lie_in_the_slice_panic() {
        let values = [0.0; 20];
        for (step, count) in [(19, 2), (1, 20), (10, 3), (usize::MAX, 2), (usize::MAX / 2, 3), (1, usize::MAX)] {
            let items = || Steps::<[f32; 2]>::new(&values, step, count).next().copied();
            assert!(std::panic::catch_unwind(items).is_err(), "{step} {count}");
        }
        assert!(std::panic::catch_unwind(|| Steps::<[f32; 4]>::new(&values[..3], 1, 1).count()).is_err());
    }
    #[test]
    fn places_are_the_same_after_every_step() {
        let values: Vec<f32> = (0..20u8).map(f32::from).collect();
        for (places, step, count) in [([0, 3, 16], 2, 2), ([5, 5, 0], 0, 7), ([18, 1, 2], 9, 1), ([0, 1, 2], 15, 2)] {
            let found: Vec<_> = Places::<[f32; 2], 3>::new(&values, places, step, count)
                .map(|items| items.map(|&[a, b]| [a as usize, b as usize]))
                .collect();
            let expected: Vec<_> =
                (0..count).map(|i| places.map(|place| [i * step + place, i * step + place + 1])).collect();
            assert_eq!(found, expected);
        }
        assert_eq!(Places::<[f32; 2], 2>::new(&values, [usize::MAX, 1], 1, 0).count(), 0);
        for (places, step, count) in [([0, 19], 0, 1), ([19, 0], 0, 1), ([2, 3], 16, 2), ([usize::MAX, 0], 0, 1)] {
            assert!(
                std::panic::catch_unwind(|| _ = Places::<[f32; 2], 2>::new(&values, places, step, count)).is_err(),
                "{places:?} {step} {count}"
            );
        }
    }
}
