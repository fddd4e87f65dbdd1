//! 3x3 windows that keep what rows come to for the windows below: every element is loaded once, or as often as neighbours in its
//! row share it.

use super::loops::{Steps, Windows};
use super::reduce::Reduce;
use crate::simd::{F32x4, Places};

/// Windows a stride of 1 apart, side by side in a run of `len` floats, a multiple of four. `from` begins in the lowest row of the
/// first; `kept` holds what the two rows above come to together, then the upper of the next windows' two, and afterwards the same
/// of the row below.
pub(super) fn roll<R: Reduce>(windows: &Windows, from: &[f32], kept: &mut [f32], to: &mut [f32]) -> bool {
    let (len, step) = (windows.len, windows.columns.step);
    let mut watch = [F32x4::zero(); 4];
    if R::LOSES_NAN {
        // The first and the last column, which are no window's middle.
        for column in [&from[..step], &from[len + step..][..step]] {
            watch[0] = column.as_chunks().0.iter().fold(watch[0], |watch, x| watch + F32x4::load(x));
        }
    }
    let (pairs, lowest) = kept.split_at_mut(len);
    let places = [0, step, 2 * step];
    let blocks = to.as_chunks_mut::<16>().0.iter_mut().zip(pairs.as_chunks_mut::<16>().0);
    let taps = Places::<[[f32; 4]; 4], 3>::new(from, places, 16, len / 16);
    for ((taps, (to, pairs)), lowest) in taps.zip(blocks).zip(lowest.as_chunks_mut::<16>().0) {
        let vectors = to.as_chunks_mut().0.iter_mut().zip(pairs.as_chunks_mut().0).zip(lowest.as_chunks_mut().0);
        for (v, ((to, pair), lowest)) in vectors.enumerate() {
            watch[v] = watch[v] + one_row::<R>(windows, taps.map(|tap| &tap[v]), pair, lowest, to);
        }
    }
    let whole = len & !15;
    let vectors = to[whole..].as_chunks_mut().0.iter_mut().zip(pairs[whole..].as_chunks_mut().0);
    let taps = Places::<[f32; 4], 3>::new(&from[whole..], places, 4, (len - whole) / 4);
    for ((taps, (to, pair)), lowest) in taps.zip(vectors).zip(lowest[whole..].as_chunks_mut().0) {
        watch[0] = watch[0] + one_row::<R>(windows, taps, pair, lowest, to);
    }
    R::LOSES_NAN && watch.into_iter().any(|watch| watch.sum().is_nan())
}

/// Joins two kept rows with three elements of the third. Gives the middle one.
#[inline(always)]
fn one_row<R: Reduce>(
    windows: &Windows,
    taps: [&[f32; 4]; 3],
    pair: &mut [f32; 4],
    lowest: &mut [f32; 4],
    to: &mut [f32; 4],
) -> F32x4 {
    let [a, b, c] = taps.map(F32x4::load);
    let row = R::add(R::add(R::one(a), b), c);
    windows.finish::<R>(R::join(F32x4::load(pair), row)).store(to);
    R::join(F32x4::load(lowest), row).store(pair);
    row.store(lowest);
    b
}

/// Windows a stride of 2 apart, in `len` channels, a multiple of four. `from` begins in the middle row of the first window; `kept`
/// holds what the windows' upper rows come to, and afterwards the lower rows, the upper ones of the next windows.
pub(super) fn slide<R: Reduce>(windows: &Windows, from: &[f32], kept: &mut [f32], to: &mut [f32]) -> bool {
    let Windows { windows: Steps { count, step }, rows, len, .. } = *windows;
    let mut watch = F32x4::zero();
    if R::LOSES_NAN {
        // The first column, which no window shares with one before it.
        for row in [from, &from[rows.step..]] {
            watch = row[..len].as_chunks().0.iter().fold(watch, |watch, x| watch + F32x4::load(x));
        }
    }
    let (upper, lower) = (from, &from[rows.step..]);
    for (i, (kept, to)) in kept.chunks_exact_mut(len).zip(to.chunks_exact_mut(len)).take(count).enumerate() {
        let ([a, b, c], [d, e, f]) = (thirds(&upper[i * step..], len), thirds(&lower[i * step..], len));
        let runs = [a, b, c, d, e, f];
        // Two vectors a turn: of more, LLVM would keep the elements until all sums for the watch are due at the end of the turn.
        let pairs = runs.map(|run| run.as_chunks::<8>().0);
        let wide = to.as_chunks_mut::<8>().0.iter_mut().zip(kept.as_chunks_mut::<8>().0);
        for (b, (to, kept)) in wide.enumerate() {
            let chunks = pairs.map(|pairs| pairs[b].as_chunks::<4>().0);
            for (v, (to, kept)) in to.as_chunks_mut().0.iter_mut().zip(kept.as_chunks_mut().0).enumerate() {
                watch = watch + two_rows::<R>(windows, chunks.map(|chunks| &chunks[v]), kept, to);
            }
        }
        if len % 8 != 0
            && let (Some(kept), Some(to)) = (kept.last_chunk_mut(), to.last_chunk_mut())
        {
            let last = runs.map(|run| run.last_chunk().unwrap_or(&[0.0; 4]));
            watch = watch + two_rows::<R>(windows, last, kept, to);
        }
    }
    R::LOSES_NAN && watch.sum().is_nan()
}

/// The first three runs of `len` floats.
#[inline(always)]
fn thirds(from: &[f32], len: usize) -> [&[f32]; 3] {
    let (first, rest) = from[..3 * len].split_at(len);
    let (second, third) = rest.split_at(len);
    [first, second, third]
}

/// Joins a kept row with two more, three elements each, and keeps the last. Gives a sum that is NaN if one of the last two
/// elements of either is.
#[inline(always)]
fn two_rows<R: Reduce>(windows: &Windows, taps: [&[f32; 4]; 6], kept: &mut [f32; 4], to: &mut [f32; 4]) -> F32x4 {
    let [a, b, c, d, e, f] = taps.map(F32x4::load);
    let upper = F32x4::load(kept);
    let middle = R::add(R::add(R::one(a), b), c);
    let lower = R::add(R::add(R::one(d), e), f);
    lower.store(kept);
    windows.finish::<R>(R::join(R::join(upper, middle), lower)).store(to);
    if R::LOSES_NAN { (b + c) + (e + f) } else { upper }
}
