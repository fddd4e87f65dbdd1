//! Where the largest and smallest elements are.

use crate::activation::{load_part, store_part};
use crate::reduce::{Fold, fold_row};
use crate::shape::{SpecError, checked_len, expect_len};
use crate::simd::F32x4;
use core::cmp::Ordering;

/// Along the middle axis of `[outer, axis_len, inner]` the index of the largest element, or the smallest: the first of
/// several, or the last. NaN counts as both the largest and the smallest.
pub fn arg_reduce(
    [outer, axis_len, inner]: [usize; 3],
    smallest: bool,
    last: bool,
    input: &[f32],
    output: &mut [f32],
) -> Result<(), SpecError> {
    expect_len("input", input.len(), checked_len("input", &[outer, axis_len, inner])?)?;
    expect_len("output", output.len(), outer * inner)?;
    if inner == 1 {
        let fold = if smallest { Fold::Min } else { Fold::Max };
        for (row, to) in input.chunks_exact(axis_len).zip(output) {
            let best = fold_row(fold, row, 0.0);
            let is_best = |x: &f32| *x == best || x.is_nan();
            let place = if last { row.iter().rposition(is_best) } else { row.iter().position(is_best) };
            *to = place.unwrap_or(0) as f32;
        }
        return Ok(());
    }
    let mut best = vec![0.0; inner];
    let sign = if smallest { -1.0 } else { 1.0 };
    for (plane, places) in input.chunks_exact(axis_len * inner).zip(output.chunks_exact_mut(inner)) {
        best.fill(f32::NEG_INFINITY);
        places.fill(0.0);
        for (i, row) in plane.chunks_exact(inner).enumerate() {
            if last {
                let always = F32x4::zero().eq(F32x4::zero());
                keep_better(row, sign, i as f32, &mut best, places, |x, best| x.eq(x).select(best.le(x), always));
            } else {
                // NaN is better than all that are equal to themselves.
                keep_better(row, sign, i as f32, &mut best, places, |x, best| {
                    x.eq(x).select(best.lt(x), best.eq(best))
                });
            }
        }
    }
    Ok(())
}

/// Elements, times `sign`, that are better than the best so far become that, and their row's index the place of the best.
#[inline(always)]
fn keep_better(
    row: &[f32],
    sign: f32,
    index: f32,
    best: &mut [f32],
    places: &mut [f32],
    is_better: impl Fn(F32x4, F32x4) -> F32x4,
) {
    let [sign, index] = [sign, index].map(F32x4::splat);
    let keep = |x: F32x4, best: F32x4, place: F32x4| {
        let x = x * sign;
        let better = is_better(x, best);
        (better.select(x, best), better.select(index, place))
    };
    let (row, row_rest) = row.as_chunks();
    let (best, best_rest) = best.as_chunks_mut();
    let (places, places_rest) = places.as_chunks_mut();
    for ((x, best), place) in row.iter().zip(best).zip(places) {
        let (new_best, new_place) = keep(F32x4::load(x), F32x4::load(best), F32x4::load(place));
        new_best.store(best);
        new_place.store(place);
    }
    if !row_rest.is_empty() {
        let (new_best, new_place) = keep(load_part(row_rest), load_part(best_rest), load_part(places_rest));
        store_part(new_best, best_rest);
        store_part(new_place, places_rest);
    }
}

/// Sizes and wishes of [`top_k`].
#[derive(Clone, Copy, Debug)]
pub struct TopK {
    /// Sizes before, along and behind the axis.
    pub sizes: [usize; 3],
    /// How many: up to the size of the axis.
    pub k: usize,
    /// The largest, not the smallest.
    pub largest: bool,
}

/// The `k` largest or smallest elements along the middle axis of `[outer, axis_len, inner]`, best first, and their indices: of
/// equal ones the first come first. NaN counts as larger than any number.
pub fn top_k(spec: &TopK, input: &[f32], values: &mut [f32], indices: &mut [f32]) -> Result<(), SpecError> {
    let TopK { sizes: [outer, axis_len, inner], k, largest } = *spec;
    expect_len("input", input.len(), checked_len("input", &[outer, axis_len, inner])?)?;
    if k == 0 || k > axis_len {
        return Err(SpecError::invalid("k", "is {}; expected 1 to {}, the size of the axis")
            .number(k)
            .number(axis_len));
    }
    expect_len("values", values.len(), outer * k * inner)?;
    expect_len("indices", indices.len(), outer * k * inner)?;
    let mut best = Vec::with_capacity(k);
    for (o, plane) in input.chunks_exact(axis_len * inner).enumerate() {
        for i in 0..inner {
            best.clear();
            for (place, &x) in plane[i..].iter().step_by(inner).enumerate() {
                offer(&mut best, k, Ranked { key: if largest { rank(x) } else { -rank(x) }, place });
            }
            sort(&mut best);
            for (j, ranked) in best.iter().enumerate() {
                let at = (o * k + j) * inner + i;
                values[at] = plane[ranked.place * inner + i];
                indices[at] = ranked.place as f32;
            }
        }
    }
    Ok(())
}

/// Integers in the order of floats, with NaN at the top; the two zeros are equal.
fn rank(x: f32) -> i64 {
    if x.is_nan() {
        return i64::from(i32::MAX);
    }
    let bits = i64::from(x.abs().to_bits());
    if x < 0.0 { -bits } else { bits }
}

/// An element among others.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Ranked {
    /// Large is good.
    key: i64,
    /// Of equal keys, the smaller one is better.
    place: usize,
}

impl Ranked {
    fn of(x: f32, place: usize) -> Self {
        Self { key: rank(x), place }
    }
    fn worse_than(&self, other: &Self) -> bool {
        (self.key.cmp(&other.key)).then(other.place.cmp(&self.place)) == Ordering::Less
    }
}

/// Keeps the `k` best of what is offered, as a heap with the worst of them at the top.
#[inline(always)]
fn offer(heap: &mut Vec<Ranked>, k: usize, new: Ranked) {
    if heap.len() < k {
        let mut at = heap.len();
        heap.push(new);
        while at > 0 && heap[at].worse_than(&heap[(at - 1) / 2]) {
            heap.swap(at, (at - 1) / 2);
            at = (at - 1) / 2;
        }
    } else if heap[0].worse_than(&new) {
        heap[0] = new;
        sink(heap);
    }
}

/// Puts the top of a heap where it belongs.
fn sink(heap: &mut [Ranked]) {
    let mut at = 0;
    loop {
        let worst = [2 * at + 1, 2 * at + 2]
            .into_iter()
            .filter(|&child| child < heap.len())
            .fold(at, |worst, child| if heap[child].worse_than(&heap[worst]) { child } else { worst });
        if worst == at {
            return;
        }
        heap.swap(at, worst);
        at = worst;
    }
}

/// Sorts a heap, the best first: heapsort, since the standard library's sorts are larger than all of this.
fn sort(heap: &mut [Ranked]) {
    for len in (1..heap.len()).rev() {
        heap.swap(0, len);
        sink(&mut heap[..len]);
    }
}

/// Indices of the elements that `keep` keeps, from the largest to the smallest.
pub(crate) fn descending(values: &[f32], keep: impl Fn(f32) -> bool) -> Vec<usize> {
    let kept = values.iter().enumerate().filter(|(_, x)| keep(**x));
    let mut heap = Vec::new();
    for (place, &x) in kept {
        offer(&mut heap, usize::MAX, Ranked::of(x, place));
    }
    sort(&mut heap);
    heap.iter().map(|ranked| ranked.place).collect()
}
