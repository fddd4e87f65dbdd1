//! The inner loops of filters of pictures: runs of floats whose taps are loaded where they lie in the input, and stay in
//! registers until all are added.
//!
//! Each goes along `len` outputs, the last few of which it computes twice where `len` is no multiple of its tile. V8 has 15
//! registers for vectors; loads, two a cycle, are as scarce as multiply-adds.

use crate::simd::F32x4;
use core::array::from_fn;

/// The inputs of the first output's first tap on.
#[derive(Clone, Copy)]
pub(super) struct Source<'a> {
    pub(super) from: &'a [f32],
    /// Floats from one row to the next.
    pub(super) pitch: usize,
}

/// Where two rows of outputs go: the second begins `pitch` floats after the first.
pub(super) struct Target<'a> {
    pub(super) to: &'a mut [f32],
    pub(super) pitch: usize,
}

/// Weights `[h][w][P][4]`: those of `P` vectors of neighbouring floats, which repeat.
#[derive(Clone, Copy)]
pub(super) struct Taps<'a> {
    pub(super) weights: &'a [f32],
    pub(super) w: usize,
    /// Floats from one tap's input to the next's.
    pub(super) step: usize,
}

/// Outputs of a tile of [`row`], of one with three vectors of weights, of [`row_pair`] and [`column_pair`], and of [`pair_of_3`].
pub(super) const ROW_TILE: usize = 48;
pub(super) const ROW_TILE_OF_3: usize = 36;
pub(super) const PAIR_TILE: usize = 24;
pub(super) const TILE_OF_3: usize = 16;

/// Four floats.
#[inline(always)]
fn vector(values: &[f32], i: usize) -> F32x4 {
    F32x4::load(&values[i..][..4].as_chunks().0[0])
}

/// Calls `tile` with the place of each tile of `len` outputs: the last one overlaps the one before it.
#[inline(always)]
fn for_tiles(len: usize, size: usize, mut tile: impl FnMut(usize)) {
    let last = len - size;
    let mut at = 0;
    loop {
        tile(at);
        if at == last {
            return;
        }
        at = (at + size).min(last);
    }
}

/// Adds the taps of one row, `step` apart: `sums[v] += weights[j] * row[j * step + 4 v..]`. Both rows of a pair see the row, with
/// weights of their own.
#[inline(always)]
fn add_row<const ROWS: usize, const V: usize, const P: usize>(
    row: &[f32],
    step: usize,
    weights: [&[f32]; ROWS],
    mut sums: [[F32x4; V]; ROWS],
) -> [[F32x4; V]; ROWS] {
    let len = weights[0].len();
    let taps = weights[0].chunks_exact(4 * P).zip(weights[ROWS - 1][..len].chunks_exact(4 * P));
    let mut rest = row;
    for (first, last) in taps {
        let weights: [[F32x4; P]; ROWS] = from_fn(|r| {
            let (quads, _) = if r == 0 { first } else { last }.as_chunks::<4>();
            from_fn(|p| F32x4::load(&quads[p]))
        });
        let (x, _) = rest[..4 * V].as_chunks::<4>();
        // Not `windows().step_by()`, of whose loop LLVM peels a whole turn.
        rest = rest.get(step..).unwrap_or_default();
        for v in 0..V {
            let x = F32x4::load(&x[v]);
            for r in 0..ROWS {
                sums[r][v] = x.mul_add(weights[r][v % P], sums[r][v]);
            }
        }
    }
    sums
}

#[inline(always)]
fn store<const V: usize>(sums: &[F32x4; V], to: &mut [f32]) {
    let (to, _) = to[..4 * V].as_chunks_mut::<4>();
    for (to, sum) in to.iter_mut().zip(sums) {
        sum.store(to);
    }
}

/// One row of outputs, `start` and the taps of as many rows as there are weights for. Thirteen loads for 12 multiply-adds.
#[inline(never)]
pub(super) fn row<const V: usize, const P: usize>(
    source: Source<'_>,
    taps: &Taps<'_>,
    start: f32,
    len: usize,
    to: &mut [f32],
) {
    let span = (taps.w - 1) * taps.step + 4 * V;
    for_tiles(len, 4 * V, |at| {
        let mut sums = [[F32x4::splat(start); V]];
        for (row, weights) in source.from[at..].chunks(source.pitch).zip(taps.weights.chunks_exact(4 * P * taps.w)) {
            sums = add_row::<1, V, P>(&row[..span], taps.step, [weights], sums);
        }
        store(&sums[0], &mut to[at..]);
    });
}

/// Two rows of outputs, of which the second sees the rows after the first's: 12 sums, 2 weights and an input vector that
/// serves both rows fill the registers. Eight loads for 12 multiply-adds.
#[inline(never)]
pub(super) fn row_pair(source: Source<'_>, taps: &Taps<'_>, start: f32, len: usize, target: Target<'_>) {
    let span = (taps.w - 1) * taps.step + PAIR_TILE;
    for_tiles(len, PAIR_TILE, |at| {
        let start = [F32x4::splat(start); PAIR_TILE / 4];
        let mut rows = source.from[at..].chunks(source.pitch);
        let mut weights = taps.weights.chunks_exact(4 * taps.w);
        let (Some(row), Some(mut above)) = (rows.next(), weights.next()) else { return };
        // The first and the last row are seen by one row of outputs each.
        let [first] = add_row::<1, 6, 1>(&row[..span], taps.step, [above], [start]);
        let mut sums = [first, start];
        for (weights, row) in weights.zip(rows.by_ref()) {
            sums = add_row::<2, 6, 1>(&row[..span], taps.step, [weights, above], sums);
            above = weights;
        }
        let Some(row) = rows.next() else { return };
        let [first, last] = sums;
        let [last] = add_row::<1, 6, 1>(&row[..span], taps.step, [above], [last]);
        store(&first, &mut target.to[at..]);
        store(&last, &mut target.to[target.pitch + at..]);
    });
}

/// The same for a window of one column, `weights` `[h][4]`: rows are the taps.
#[inline(never)]
pub(super) fn column_pair(source: Source<'_>, weights: &[f32], len: usize, target: Target<'_>) {
    let pitch = source.pitch;
    let height = weights.len() / 4 - 1;
    let (first, last) = (&weights[..4], &weights[4 * height..]);
    for_tiles(len, PAIR_TILE, |at| {
        let from = &source.from[at..];
        let start = [F32x4::zero(); PAIR_TILE / 4];
        let [top] = add_row::<1, 6, 1>(&from[..PAIR_TILE], pitch, [first], [start]);
        let [top, bottom] = add_row::<2, 6, 1>(
            &from[pitch..][..height * pitch + PAIR_TILE],
            pitch,
            [&weights[4..], &weights[..4 * height]],
            [top, start],
        );
        let [bottom] = add_row::<1, 6, 1>(&from[(height + 1) * pitch..][..PAIR_TILE], pitch, [last], [bottom]);
        store(&top, &mut target.to[at..]);
        store(&bottom, &mut target.to[target.pitch + at..]);
    });
}

/// The same for windows of three rows, one column of taps after the other: eight sums, three weights and four inputs, three
/// fourths of the loads.
///
/// The taps of a column are all that is unrolled: of a longer chain of multiply-adds, LLVM puts the last one's operand first.
#[inline(never)]
pub(super) fn pair_of_3(source: Source<'_>, taps: &Taps<'_>, start: f32, len: usize, target: Target<'_>) {
    const V: usize = TILE_OF_3 / 4;
    let span = (taps.w - 1) * taps.step;
    let weights: [&[f32]; 3] = from_fn(|i| &taps.weights[i * 4 * taps.w..][..4 * taps.w]);
    // Equal lengths, known to the compiler: one check serves all four rows.
    let rows: [&[f32]; 4] = from_fn(|i| &source.from[i * source.pitch..][..len + span]);
    for_tiles(len, 4 * V, |at| {
        let mut sums = [[F32x4::splat(start); V]; 2];
        let mut x_at = at;
        for j in 0..taps.w {
            let w = weights.map(|weights| vector(weights, 4 * j));
            let x = rows.map(|row| &row[x_at..][..4 * V]);
            let [first, second] = &mut sums;
            for (v, (first, second)) in first.iter_mut().zip(second).enumerate() {
                let x = x.map(|x| vector(x, 4 * v));
                *first = x[2].mul_add(w[2], x[1].mul_add(w[1], x[0].mul_add(w[0], *first)));
                *second = x[3].mul_add(w[2], x[2].mul_add(w[1], x[1].mul_add(w[0], *second)));
            }
            x_at += taps.step;
        }
        let [first, second] = sums;
        store(&first, &mut target.to[at..]);
        store(&second, &mut target.to[target.pitch + at..]);
    });
}
