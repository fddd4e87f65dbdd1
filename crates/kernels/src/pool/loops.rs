//! The inner loops of all pools: runs of floats under windows become runs of the output. What to pool, and in which way, they are told.

use super::PoolKind;
use super::kept::{roll, slide};
use super::reduce::{Largest, LargestOrNan, Reduce, Sum, SumOfSquares};
use crate::activation::{load_part, map_in_place, store_part};
use crate::simd::{F32x4, Places};

/// Evenly spaced places.
#[derive(Clone, Copy, Debug)]
pub(super) struct Steps {
    pub(super) count: usize,
    pub(super) step: usize,
}

impl Steps {
    /// One place.
    pub(super) const ONE: Self = Self { count: 1, step: 0 };
}

/// Windows side by side, `windows.step` apart: runs of `len` floats at `rows` x `columns` places become one run of the output.
#[derive(Clone, Copy, Debug)]
pub(super) struct Windows {
    pub(super) windows: Steps,
    pub(super) rows: Steps,
    pub(super) columns: Steps,
    pub(super) len: usize,
    /// From one run of the output to the next.
    pub(super) pitch: usize,
    /// What sums are divided by.
    pub(super) divisor: Option<f32>,
}

impl Windows {
    #[inline(always)]
    pub(super) fn finish<R: Reduce>(&self, total: F32x4) -> F32x4 {
        if R::DIVIDES { total / F32x4::splat(self.divisor.unwrap_or(1.0)) } else { total }
    }
}

/// Reduces `windows`, the first of which begins at `from[0]`, into `to`. True if a NaN may have been lost.
pub(super) type Loop = fn(windows: &Windows, from: &[f32], to: &mut [f32]) -> bool;

/// A [`Loop`] with rows that are kept.
pub(super) type Slide = fn(windows: &Windows, from: &[f32], kept: &mut [f32], to: &mut [f32]) -> bool;

/// The loops of one kind of pool.
pub(super) struct Loops {
    /// Of elements.
    pub(super) elements: Loop,
    /// Of elements under 3x3 windows, stride 1, with two rows that are kept: see [`roll`].
    pub(super) roll: Option<Slide>,
    /// Of elements under 3x3 windows, stride 2, with a row that is kept: see [`slide`].
    pub(super) slide: Option<Slide>,
    /// Of parts of windows.
    pub(super) parts: Loop,
    /// Of parts of windows that are single floats, stride 2.
    pub(super) halve: Loop,
    /// Of all elements of a run to one number; the second value is true if a NaN may have been lost.
    pub(super) total: fn(elements: &[f32]) -> (f32, bool),
    /// What changes nothing.
    pub(super) none: f32,
}

impl Loops {
    /// Those of a kind.
    pub(super) fn of(kind: PoolKind) -> &'static Self {
        match kind {
            PoolKind::Max => &MAX,
            // An L1 norm is a sum of magnitudes, which its operator has made.
            PoolKind::Avg | PoolKind::L1 => &AVG,
            PoolKind::L2 => &L2,
        }
    }
}

const MAX: Loops = Loops {
    elements: few::<Largest>,
    roll: Some(roll::<Largest>),
    slide: Some(slide::<Largest>),
    parts: few::<Largest>,
    halve: halve::<Largest>,
    total: total::<Largest>,
    none: f32::NEG_INFINITY,
};
const AVG: Loops = Loops {
    elements: |windows, from, to| match windows.divisor {
        Some(_) => few::<Sum<true>>(windows, from, to),
        None => few::<Sum<false>>(windows, from, to),
    },
    // No faster than by rows.
    roll: None,
    slide: Some(|windows, from, kept, to| match windows.divisor {
        Some(_) => slide::<Sum<true>>(windows, from, kept, to),
        None => slide::<Sum<false>>(windows, from, kept, to),
    }),
    parts: |windows, from, to| match windows.divisor {
        Some(_) => few::<Sum<true>>(windows, from, to),
        None => few::<Sum<false>>(windows, from, to),
    },
    halve: |windows, from, to| match windows.divisor {
        Some(_) => halve::<Sum<true>>(windows, from, to),
        None => halve::<Sum<false>>(windows, from, to),
    },
    total: total::<Sum<false>>,
    none: 0.0,
};
/// Squares, rarely pooled, make do with the loop for everything.
const L2: Loops = Loops {
    elements: reduce::<SumOfSquares>,
    roll: None,
    slide: None,
    parts: few::<Sum<false>>,
    halve: halve::<Sum<false>>,
    total: total::<SumOfSquares>,
    none: 0.0,
};
/// For what [`MAX`] may have got wrong.
pub(super) const MAX_OR_NAN: Loops = Loops {
    elements: reduce::<LargestOrNan>,
    roll: None,
    slide: None,
    parts: reduce::<LargestOrNan>,
    halve: reduce::<LargestOrNan>,
    total: total::<LargestOrNan>,
    none: f32::NEG_INFINITY,
};

/// Window after window, 16 floats in registers.
fn reduce<R: Reduce>(windows: &Windows, from: &[f32], to: &mut [f32]) -> bool {
    let len = windows.len;
    let mut watch = F32x4::zero();
    for i in 0..windows.windows.count {
        let from = &from[i * windows.windows.step..];
        let to = &mut to[i * windows.pitch..];
        let mut at = 0;
        while len - at >= 16 {
            watch = watch + block::<R, 4>(windows, &from[at..], &mut to[at..at + 16]);
            at += 16;
        }
        while at < len {
            let (here, end) = last_vector(at, len, to.len());
            watch = watch + block::<R, 1>(windows, &from[here..], &mut to[here..end]);
            at += 4;
        }
    }
    R::LOSES_NAN && watch.sum().is_nan()
}

/// `4 V` floats of one window, or as many as `to` takes. Gives a sum that is NaN if one of the elements was.
#[inline(always)]
fn block<R: Reduce, const V: usize>(windows: &Windows, from: &[f32], to: &mut [f32]) -> F32x4 {
    let mut acc = [R::none(); V];
    let mut sums = [F32x4::zero(); V];
    for i in 0..windows.rows.count {
        let mut at = i * windows.rows.step;
        for _ in 0..windows.columns.count {
            let taps: [F32x4; V] = load(&from[at..]);
            for v in 0..V {
                acc[v] = R::add(acc[v], taps[v]);
                if R::LOSES_NAN {
                    sums[v] = sums[v] + taps[v];
                }
            }
            // Where this wraps it was the last.
            at = at.wrapping_add(windows.columns.step);
        }
    }
    let acc = acc.map(|acc| windows.finish::<R>(acc));
    if V == 1 {
        store_part(acc[0], to);
    } else {
        for (acc, to) in acc.into_iter().zip(to.as_chunks_mut::<4>().0) {
            acc.store(to);
        }
    }
    sums.into_iter().fold(F32x4::zero(), |total, sum| total + sum)
}

/// The first `4 V` floats; where there are less than four, zeros after them.
#[inline(always)]
fn load<const V: usize>(from: &[f32]) -> [F32x4; V] {
    if V == 1 {
        return [load_part(from); V];
    }
    let chunks = from[..4 * V].as_chunks::<4>().0;
    core::array::from_fn(|v| F32x4::load(&chunks[v]))
}

/// [`reduce`], unrolled over the taps where they are few, as most windows' rows and columns are.
fn few<R: Reduce>(windows: &Windows, from: &[f32], to: &mut [f32]) -> bool {
    match windows.rows.count.saturating_mul(windows.columns.count) {
        2 => taps::<R, 2>(windows, from, to),
        3 => taps::<R, 3>(windows, from, to),
        4 => taps::<R, 4>(windows, from, to),
        _ => reduce::<R>(windows, from, to),
    }
}

/// [`reduce`] of `N` taps: window by window as many blocks of 16 floats as a run has, then the vectors that are left, which are all
/// of a short run, each down all windows.
fn taps<R: Reduce, const N: usize>(windows: &Windows, from: &[f32], to: &mut [f32]) -> bool {
    let Windows { windows: Steps { count, step }, rows, columns, len, pitch, .. } = *windows;
    let places: [usize; N] = core::array::from_fn(|n| n / columns.count * rows.step + n % columns.count * columns.step);
    let whole = len & !15;
    let mut watch = [F32x4::zero(); 4];
    if whole > 0 {
        for i in 0..count {
            let blocks = to[i * pitch..][..whole].as_chunks_mut::<16>().0;
            let taps = Places::<[[f32; 4]; 4], N>::new(&from[i * step..], places, 16, blocks.len());
            for (taps, to) in taps.zip(blocks) {
                // Vector by vector, stores between them: LLVM would load all first, more than there are registers.
                for (v, to) in to.as_chunks_mut::<4>().0.iter_mut().enumerate() {
                    let (part, sum) = part::<R, N>(taps.map(|tap| F32x4::load(&tap[v])));
                    windows.finish::<R>(part).store(to);
                    watch[v] = watch[v] + sum;
                }
            }
        }
    }
    // Of runs of less than four floats, the last ones have no whole vector.
    let last = places.iter().fold(0, |last: usize, &place| last.max(place));
    let vectors = |room: usize, first: usize, step: usize| {
        room.checked_sub(first + 4).map_or(0, |rest| rest.checked_div(step).map_or(1, |steps| steps + 1))
    };
    let down =
        if len < 4 { count.min(vectors(from.len(), last, step)).min(vectors(to.len(), 0, pitch)) } else { count };
    for at in (whole..len).step_by(4) {
        let here = at.min(len.saturating_sub(4));
        let taps = Places::<[f32; 4], N>::new(from, places.map(|place| place + here), step, down);
        for (i, taps) in taps.enumerate() {
            let (part, sum) = part::<R, N>(taps.map(F32x4::load));
            if let Some(to) = to[here + i * pitch..].first_chunk_mut() {
                windows.finish::<R>(part).store(to);
            }
            watch[0] = watch[0] + sum;
        }
    }
    let lost_nan = R::LOSES_NAN && watch.into_iter().any(|watch| watch.sum().is_nan());
    if down == count {
        return lost_nan;
    }
    let rest = Windows { windows: Steps { count: count - down, step }, ..*windows };
    lost_nan | reduce::<R>(&rest, &from[down * step..], &mut to[down * pitch..])
}

/// `N` elements, and a sum that is NaN if one of them is.
#[inline(always)]
fn part<R: Reduce, const N: usize>(taps: [F32x4; N]) -> (F32x4, F32x4) {
    let mut part = R::one(taps[0]);
    let mut sum = if R::LOSES_NAN { taps[0] } else { F32x4::zero() };
    for &tap in &taps[1..] {
        part = R::add(part, tap);
        if R::LOSES_NAN {
            sum = sum + tap;
        }
    }
    (part, sum)
}

/// Where a vector that should begin at `at` of a run of `len` lies, if not all of it is there: the last one does floats again that
/// the one before did; one of a run of less than four does some of the next run, which are done again.
#[inline(always)]
fn last_vector(at: usize, len: usize, room: usize) -> (usize, usize) {
    let here = at.min(len.saturating_sub(4));
    (here, room.min(here + 4))
}

/// [`reduce`] of windows of one row and single floats, stride 2, columns side by side: even and odd floats of eight are two taps
/// of four windows.
fn halve<R: Reduce>(windows: &Windows, from: &[f32], to: &mut [f32]) -> bool {
    let count = windows.windows.count;
    let (fours, _) = to[..count].as_chunks_mut::<4>();
    let done = 4 * fours.len();
    for (i, to) in fours.iter_mut().enumerate() {
        let from = &from[8 * i..];
        let acc = match windows.columns.count {
            // Known counts, for which there are no loops.
            2 => even_and_odd::<R>(from, 2),
            3 => even_and_odd::<R>(from, 3),
            count => even_and_odd::<R>(from, count),
        };
        windows.finish::<R>(acc).store(to);
    }
    let rest = Steps { count: count - done, ..windows.windows };
    rest.count > 0 && reduce::<R>(&Windows { windows: rest, ..*windows }, &from[2 * done..], &mut to[done..])
}

/// Four windows of `count` columns.
#[inline(always)]
fn even_and_odd<R: Reduce>(from: &[f32], count: usize) -> F32x4 {
    let mut acc = R::none();
    for j in (0..count).step_by(2) {
        // Of the last window's odd columns there may be none.
        let [a, b] = [load_part(&from[j..]), load_part(from.get(j + 4..).unwrap_or(&[]))];
        let (even, odd) = F32x4::unzip(a, b);
        acc = R::add(acc, even);
        if j + 1 < count {
            acc = R::add(acc, odd);
        }
    }
    acc
}

/// Elements that are joined in 16 chains before they join the others: rounding errors grow with the number of blocks, not of elements.
const BLOCK: usize = 1024;

/// All elements of a run.
fn total<R: Reduce>(elements: &[f32]) -> (f32, bool) {
    let mut total = R::none();
    let mut watch = F32x4::zero();
    for block in elements.chunks(BLOCK) {
        let (sixteens, rest) = block.as_chunks::<16>();
        let mut parts = [R::none(); 4];
        for sixteen in sixteens {
            for (part, x) in parts.iter_mut().zip(sixteen.as_chunks().0) {
                let x = F32x4::load(x);
                *part = R::add(*part, x);
                if R::LOSES_NAN {
                    watch = watch + x;
                }
            }
        }
        let [mut a, b, c, d] = parts;
        let (fours, rest) = rest.as_chunks::<4>();
        for x in fours.iter().map(F32x4::load) {
            a = R::add(a, x);
            watch = if R::LOSES_NAN { watch + x } else { watch };
        }
        if !rest.is_empty() {
            let here = F32x4::load(&[0.0, 1.0, 2.0, 3.0]).lt(F32x4::splat(rest.len() as f32));
            a = R::add(a, here.select(load_part(rest), R::none()));
            watch = if R::LOSES_NAN { watch + load_part(rest) } else { watch };
        }
        total = R::join(total, R::join(R::join(a, b), R::join(c, d)));
    }
    // A vector of each lane.
    let [a, b, c, d] = F32x4::transpose([total; 4]);
    let total = R::join(R::join(a, c), R::join(b, d)).to_array()[0];
    (total, R::LOSES_NAN && watch.sum().is_nan())
}

/// What sums over `count` elements are divided by, where means are wanted; that of no elements is 0.
pub(super) fn divisor(kind: PoolKind, count: f32) -> Option<f32> {
    (kind == PoolKind::Avg).then_some(count.max(1.0))
}

/// The last step of an L2 norm: roots of the sums of squares. It has no part in the loops, as it is rare.
pub(super) fn roots(sums: &mut [f32]) {
    map_in_place(sums, F32x4::sqrt);
}
