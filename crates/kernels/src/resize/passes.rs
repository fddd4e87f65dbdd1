//! The two directions of a resize: rows from rows, and along a row.

use super::taps::{Quads, Table, Taps};
use crate::activation::{load_part, store_part};
use crate::shape::SpecError;
use crate::simd::F32x4;

/// The sum of rows, weighted: two at a time, as `to` stays in the cache.
#[inline(always)]
pub(super) fn across<'a>(taps: Taps, row: impl Fn(usize) -> &'a [f32], to: &mut [f32]) {
    let (mut first, mut weights) = (taps.first, taps.weights);
    if let [1.0] = weights {
        return to.copy_from_slice(row(first));
    }
    let mut is_first = true;
    while let [a, ref rest @ ..] = *weights {
        // An odd last row is weighed twice, the second time by nothing.
        let (b, second) = rest.first().map_or((0.0, first), |&b| (b, first + 1));
        match (rest.is_empty(), is_first) {
            (true, _) => weigh_one(row(first), a, is_first, to),
            (false, true) => weigh::<true>([row(first), row(second)], [a, b], to),
            (false, false) => weigh::<false>([row(first), row(second)], [a, b], to),
        }
        (first, weights, is_first) = (second + 1, rest.get(1..).unwrap_or(&[]), false);
    }
}

/// Two rows, weighted, and what is in `to` unless they are the first. Not inlined: it would be there for each of its callers.
#[inline(never)]
fn weigh<const FIRST: bool>([a, b]: [&[f32]; 2], weights: [f32; 2], to: &mut [f32]) {
    let [weight_a, weight_b] = weights.map(F32x4::splat);
    let mix = |a: F32x4, b: F32x4, to: F32x4| {
        let sum = b.mul_add(weight_b, a * weight_a);
        if FIRST { sum } else { to + sum }
    };
    let step = |a: &[f32; 4], b: &[f32; 4], to: &mut [f32; 4]| {
        mix(F32x4::load(a), F32x4::load(b), F32x4::load(to)).store(to);
    };
    let ((a, a_rest), (b, b_rest)) = (a.as_chunks::<4>(), b.as_chunks::<4>());
    let (to, rest) = to.as_chunks_mut::<4>();
    let ((a, a_last), (b, b_last), (to, to_last)) = (a.as_chunks::<2>(), b.as_chunks::<2>(), to.as_chunks_mut::<2>());
    for (([a0, a1], [b0, b1]), [to0, to1]) in a.iter().zip(b).zip(to) {
        step(a0, b0, to0);
        step(a1, b1, to1);
    }
    if let ([a], [b], [to]) = (a_last, b_last, to_last) {
        step(a, b, to);
    }
    if !rest.is_empty() {
        store_part(mix(load_part(a_rest), load_part(b_rest), load_part(rest)), rest);
    }
}

/// Of one row alone, which is the last of many or the only one.
#[inline(never)]
fn weigh_one(row: &[f32], weight: f32, is_first: bool, to: &mut [f32]) {
    for (x, to) in row.iter().zip(to) {
        *to = x * weight + if is_first { 0.0 } else { *to };
    }
}

/// A way along one row of pixels.
pub(super) enum Along {
    /// Single floats, two neighbours for each, which begin at the index.
    Halve(usize, [f32; 2]),
    /// Single floats.
    Floats(Quads),
    /// Pixels of so many floats.
    Pixels(usize),
}

impl Along {
    pub(super) fn new(table: &Table, c: usize, input: usize) -> Result<Self, SpecError> {
        Ok(match (c, table.halving()) {
            (1, Some((first, weights))) => Self::Halve(first, weights),
            (1, None) => Self::Floats(Quads::new(table, input)?),
            _ => Self::Pixels(c),
        })
    }

    pub(super) fn run(&self, table: &Table, from: &[f32], to: &mut [f32]) {
        match *self {
            Self::Halve(first, weights) => halve(&from[first..], weights, to),
            Self::Floats(ref quads) => floats(quads, from, to),
            Self::Pixels(c @ 2..=4) => few_channels(table, c, from, to),
            Self::Pixels(c) => {
                for (taps, to) in table.iter().zip(to.chunks_exact_mut(c)) {
                    across(taps, |pixel| &from[pixel * c..][..c], to);
                }
            }
        }
    }
}

/// Two neighbours each, side by side.
fn halve(from: &[f32], weights: [f32; 2], to: &mut [f32]) {
    let [a, b] = weights.map(F32x4::splat);
    let mix = |low: F32x4, high: F32x4| high.mul_add(b, low * a);
    let (eights, from_rest) = from.as_chunks::<8>();
    let (fours, rest) = to.as_chunks_mut::<4>();
    for (from, to) in eights.iter().zip(&mut *fours) {
        let (chunks, _) = from.as_chunks::<4>();
        let (low, high) = F32x4::unzip(F32x4::load(&chunks[0]), F32x4::load(&chunks[1]));
        mix(low, high).store(to);
    }
    let from_rest = if eights.len() > fours.len() { eights[fours.len()].as_slice() } else { from_rest };
    for (pair, to) in from_rest.as_chunks::<2>().0.iter().zip(rest) {
        *to = mix(F32x4::splat(pair[0]), F32x4::splat(pair[1])).to_array()[0];
    }
}

/// Four outputs at a time.
fn floats(quads: &Quads, from: &[f32], to: &mut [f32]) {
    let (fours, rest) = to.as_chunks_mut::<4>();
    for (&(firsts, masked), (weights, to)) in quads.firsts().zip(quads.weights().zip(fours)) {
        let sum = match *weights {
            [low, high] if !masked => pairs(firsts, [&low, &high], from),
            _ => None,
        };
        sum.unwrap_or_else(|| quad(firsts, masked, weights, from)).store(to);
    }
    if let (Some(&(firsts, masked)), Some(weights), false) =
        (quads.firsts().last(), quads.weights().last(), rest.is_empty())
    {
        store_part(quad(firsts, masked, weights, from), rest);
    }
}

/// Two neighbours each, if two more lie behind them: whole vectors, of which shuffles keep a half.
#[inline(always)]
fn pairs(firsts: [usize; 4], [low, high]: [&[f32; 4]; 2], from: &[f32]) -> Option<F32x4> {
    let four = |lane: usize| from.windows(4).nth(firsts[lane])?.first_chunk().map(F32x4::load);
    let [even, odd, ..] = F32x4::transpose([four(0)?, four(1)?, four(2)?, four(3)?]);
    Some(odd.mul_add(F32x4::load(high), even * F32x4::load(low)))
}

/// Any number of taps, four by four and one by one.
#[inline(never)]
fn quad(firsts: [usize; 4], masked: bool, mut weights: &[[f32; 4]], from: &[f32]) -> F32x4 {
    let mut sum = F32x4::zero();
    let mut add = |x: F32x4, weight: &[f32; 4]| {
        let weight = F32x4::load(weight);
        sum = if masked {
            // What a weight of zero stands beside is not used, and may be infinite.
            sum + weight.eq(F32x4::zero()).select(weight, x * weight)
        } else {
            x.mul_add(weight, sum)
        };
    };
    let mut runs = firsts.map(|first| &from[first..]);
    while let Some((four, rest)) = weights.split_first_chunk::<4>() {
        let taps = F32x4::transpose(runs.map(|run| run.first_chunk().map_or(F32x4::zero(), F32x4::load)));
        taps.into_iter().zip(four).for_each(|(x, weight)| add(x, weight));
        (runs, weights) = (runs.map(|run| &run[4..]), rest);
    }
    for (k, weight) in weights.iter().enumerate() {
        add(F32x4::load(&runs.map(|run| run[k])), weight);
    }
    sum
}

/// Two to four channels: a pixel in one vector, whose other lanes the next pixels write again.
fn few_channels(table: &Table, c: usize, from: &[f32], to: &mut [f32]) {
    for (x, taps) in table.iter().enumerate() {
        let from = &from[taps.first * c..];
        let sum =
            match *taps.weights {
                [weight] => load_part(from) * F32x4::splat(weight),
                [a, b] => load_part(&from[c..]).mul_add(F32x4::splat(b), load_part(from) * F32x4::splat(a)),
                _ => taps.weights.iter().enumerate().fold(F32x4::zero(), |sum, (k, &weight)| {
                    load_part(&from[k * c..]).mul_add(F32x4::splat(weight), sum)
                }),
            };
        let end = to.len().min(x * c + 4);
        store_part(sum, &mut to[x * c..end]);
    }
}

/// Picks pixels of `c` channels.
pub(super) fn gather(columns: &[usize], c: usize, from: &[f32], to: &mut [f32]) {
    /// The count of channels known: a pixel moves without a call of `memcpy`.
    fn of<const C: usize>(columns: &[usize], from: &[f32], to: &mut [f32]) {
        let pixels = from.as_chunks::<C>().0;
        for (to, &column) in to.as_chunks_mut::<C>().0.iter_mut().zip(columns) {
            *to = pixels[column];
        }
    }
    match c {
        1 => of::<1>(columns, from, to),
        2 => of::<2>(columns, from, to),
        3 => of::<3>(columns, from, to),
        4 => of::<4>(columns, from, to),
        _ => {
            for (to, &column) in to.chunks_exact_mut(c).zip(columns) {
                to.copy_from_slice(&from[column * c..][..c]);
            }
        }
    }
}
