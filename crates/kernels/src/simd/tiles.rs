//! Tiles of adjacent pixels' windows, and of the results to store: one bounds check for all tiles of a sweep.
//!
//! With checks in the loop over tiles sums of 4 and 16 products took 1.3 and 1.06 times as long, those of three runs of 9 1.04
//! times (Node 24, Zen 4).

use super::F32x4;
use super::strided::{Strided, span};
use core::array::from_fn;
use core::marker::PhantomData;
use core::slice::from_raw_parts;

/// The left-hand matrix of a product, a row a pixel: the taps under the pixel's window, as they lie in memory.
///
/// A row of taps is `runs` runs of `run` floats, `run_step` apart; those of the next pixel lie `step` further.
#[derive(Clone, Copy)]
pub struct Pixels<'a> {
    /// Where each row of taps lies.
    pub rows: &'a [&'a [f32]],
    /// Where the first pixel's first run starts in each of `rows`.
    pub first: usize,
    /// Runs of a row of taps.
    pub runs: usize,
    /// Floats of a run.
    pub run: usize,
    /// From one run to the next.
    pub run_step: usize,
    /// From a pixel's to the next pixel's.
    pub step: usize,
}

impl Pixels<'_> {
    /// Panics if one of the first `count` pixels' windows does not lie in the rows, or has more floats than there are others.
    /// Not inlined: one copy for all sizes of tiles.
    #[inline(never)]
    fn check(&self, count: usize, others: usize) {
        let Pixels { rows, first, runs, run, run_step, step } = *self;
        let floats = rows.len().checked_mul(runs).and_then(|runs| runs.checked_mul(run));
        assert!(floats.is_some_and(|floats| floats <= others), "a window is longer than what it is multiplied by");
        if count > 0 && runs > 0 {
            let span = span(runs, run_step, span(count, step, run));
            for row in rows {
                assert!(first <= row.len() && span <= row.len() - first, "a window lies outside of its rows");
            }
        }
    }
}

/// Tiles of `R` adjacent pixels' windows, with what each of a window's floats is multiplied by.
pub struct Windows<'a, T, const R: usize> {
    pixels: Pixels<'a>,
    left: usize,
    others: &'a [T],
}

impl<'a, T, const R: usize> Windows<'a, T, R> {
    /// `count` tiles. `others` are those of a window's floats, in the order of rows, runs and floats. Panics if a window does not
    /// lie in `rows`, as an index beyond a slice does, or has more floats than there are others.
    #[inline(always)]
    pub fn new(pixels: &Pixels<'a>, count: usize, others: &'a [T]) -> Self {
        pixels.check(count.saturating_mul(R), others.len());
        Self { pixels: *pixels, left: count, others }
    }

    /// The next tile's runs, each with its others.
    #[inline(always)]
    pub fn next_tile(&mut self, mut each: impl FnMut(Strided<'a, R>, &'a [T])) {
        let Pixels { rows, first, runs, run, run_step, step } = self.pixels;
        let Some(left) = self.left.checked_sub(1) else { return };
        self.left = left;
        self.pixels.first = first.wrapping_add(R * step);
        let mut others = self.others.as_ptr();
        for row in rows {
            let mut next = row.as_ptr().wrapping_add(first);
            for _ in 0..runs {
                // SAFETY: `new` found that all of `count` tiles' windows lie in the rows, of which this is one of no more than
                // that, and that `others` has an element for each float of a window, of which these are the next.
                let (rows, these) =
                    unsafe { (from_fn(|r| from_raw_parts(next.add(r * step), run)), from_raw_parts(others, run)) };
                each(Strided { rows }, these);
                next = next.wrapping_add(run_step);
                others = others.wrapping_add(run);
            }
        }
    }
}

/// Tiles of `R` rows of as many floats each, all rows a step apart. Rows may overlap.
pub struct Tiles<'a, const R: usize> {
    next: *const f32,
    left: usize,
    step: usize,
    len: usize,
    values: PhantomData<&'a [f32]>,
}

impl<'a, const R: usize> Tiles<'a, R> {
    /// `count` tiles of rows of `len` floats, the first at the start of `values`. Panics if they do not all lie there.
    #[inline(always)]
    pub fn new(values: &'a [f32], count: usize, step: usize, len: usize) -> Self {
        let next = values[..span_of_rows(count.saturating_mul(R), step, len)].as_ptr();
        Self { next, left: count, step, len, values: PhantomData }
    }
}

impl<'a, const R: usize> Iterator for Tiles<'a, R> {
    type Item = Strided<'a, R>;

    #[inline(always)]
    fn next(&mut self) -> Option<Self::Item> {
        self.left = self.left.checked_sub(1)?;
        // SAFETY: `new` found that rows of `len` floats lie in a slice that is borrowed for 'a, of as many tiles as are taken.
        let rows = from_fn(|r| unsafe { from_raw_parts(self.next.add(r * self.step), self.len) });
        // Behind the last tile it may point anywhere: it is not used again.
        self.next = self.next.wrapping_add(R * self.step);
        Some(Strided { rows })
    }
}

/// Tiles of `R` rows of `V` vectors to write to, all rows a step apart.
pub struct TilesMut<'a, const R: usize, const V: usize> {
    next: *mut f32,
    left: usize,
    step: usize,
    /// From a row's first vector to its last.
    apart: usize,
    values: PhantomData<&'a mut [f32]>,
}

/// A row of a tile, to be written.
pub struct RowMut<'a, const V: usize> {
    first: *mut f32,
    apart: usize,
    values: PhantomData<&'a mut [f32]>,
}

impl<'a, const R: usize, const V: usize> TilesMut<'a, R, V> {
    /// `count` tiles of rows of `width` floats, the first at the start of `values`. Panics if rows overlap or do not all lie there, or are
    /// not made of one vector or of two, which may overlap.
    #[inline(always)]
    pub fn new(values: &'a mut [f32], count: usize, step: usize, width: usize) -> Self {
        assert!(step >= width, "rows overlap");
        assert!(if V == 2 { (4..=8).contains(&width) } else { V == 1 && width == 4 }, "vectors do not make a row");
        let next = values[..span_of_rows(count.saturating_mul(R), step, width)].as_mut_ptr();
        Self { next, left: count, step, apart: width - 4, values: PhantomData }
    }
}

impl<const V: usize> RowMut<'_, V> {
    /// Writes the row's vectors. The last ends where the row does.
    #[inline(always)]
    pub fn store(self, vectors: [F32x4; V]) {
        for (v, vector) in vectors.into_iter().enumerate() {
            // SAFETY: `TilesMut::new` found that this row lies in a slice that is borrowed exclusively for its lifetime, and that its
            // vectors, each `apart` from the one before, end with it; no other row reaches into it. Arrays of floats are aligned as
            // floats are.
            vector.store(unsafe { &mut *self.first.add(v * self.apart).cast() });
        }
    }
}

impl<'a, const R: usize, const V: usize> Iterator for TilesMut<'a, R, V> {
    type Item = [RowMut<'a, V>; R];

    #[inline(always)]
    fn next(&mut self) -> Option<Self::Item> {
        self.left = self.left.checked_sub(1)?;
        let row =
            |r: usize| RowMut { first: self.next.wrapping_add(r * self.step), apart: self.apart, values: PhantomData };
        let rows = from_fn(row);
        // Behind the last tile it may point anywhere: it is not used again.
        self.next = self.next.wrapping_add(R * self.step);
        Some(rows)
    }
}

/// Floats from the first tile's start to the last one's end; none if there are no tiles.
#[inline(never)]
fn span_of_rows(rows: usize, step: usize, len: usize) -> usize {
    if rows == 0 { 0 } else { span(rows, step, len) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn panics(f: &mut dyn FnMut()) -> bool {
        std::panic::catch_unwind(std::panic::AssertUnwindSafe(f)).is_err()
    }

    fn pixels<'a>(rows: &'a [&'a [f32]], first: usize, [runs, run, run_step]: [usize; 3], step: usize) -> Pixels<'a> {
        Pixels { rows, first, runs, run, run_step, step }
    }

    #[test]
    fn windows_are_runs_of_rows_with_their_others() {
        let values: Vec<f32> = (0..60u8).map(f32::from).collect();
        let rows = [&values[..30], &values[30..]];
        let others: Vec<usize> = (0..12).collect();
        // Two tiles of three pixels: the last window's last run ends at 3 + 5 * 4 + 4 + 3 = 30.
        let mut windows = Windows::<_, 3>::new(&pixels(&rows, 3, [2, 3, 4], 4), 2, &others);
        for tile in 0..2 {
            let mut seen = Vec::new();
            windows.next_tile(|rows, others| {
                rows.zip(others, |floats, &other| seen.push((other, floats.map(|&float| float as usize))));
            });
            let expected: Vec<_> = (0..12)
                .map(|i| {
                    let (row, run, k) = (i / 6, i / 3 % 2, i % 3);
                    (i, [0, 1, 2].map(|r| row * 30 + 3 + (tile * 3 + r) * 4 + run * 4 + k))
                })
                .collect();
            assert_eq!(seen, expected);
        }
        windows.next_tile(|_, _| panic!("there are two tiles"));
        Windows::<_, 3>::new(&pixels(&[], 9, [1, 3, 0], 4), 1, &others).next_tile(|_, _| panic!("no rows"));
    }

    #[test]
    fn windows_outside_of_their_rows_panic() {
        let values = [0.0; 30];
        let rows = [&values[..], &values[..29]];
        let others = [(); 12];
        for (rows, first, runs, step, count) in [
            (&rows[..], 3, [2, 3, 4], 4, 2),
            (&rows[..1], 4, [2, 3, 4], 4, 2),
            (&rows[..1], 31, [1, 0, 0], 0, 1),
            (&rows[..1], 0, [2, 7, 4], 0, 1),
            (&rows[..1], 0, [1, 1, 0], usize::MAX, 1),
            (&rows[..1], 0, [2, 1, usize::MAX], 1, 1),
            (&rows[..1], 0, [1, 1, 0], 1, usize::MAX),
            (&rows[..1], usize::MAX, [1, 1, 0], 1, 1),
            (&rows[..], 0, [usize::MAX, 1, 0], 0, 1),
        ] {
            let places = pixels(rows, first, runs, step);
            assert!(
                panics(&mut || _ = Windows::<_, 3>::new(&places, count, &others)),
                "{first} {runs:?} {step} {count}"
            );
        }
        Windows::<_, 3>::new(&pixels(&rows[..1], 3, [2, 3, 4], 4), 2, &others);
        Windows::<_, 3>::new(&pixels(&rows[..1], usize::MAX, [1, 3, 0], 4), 0, &others);
    }

    #[test]
    fn tiles_are_rows_a_step_apart() {
        let mut values: Vec<f32> = (0..60u8).map(f32::from).collect();
        let starts: Vec<_> =
            Tiles::<2>::new(&values, 3, 11, 5).map(|tile| tile.rows().map(|row| (row[0], row.len()))).collect();
        assert_eq!(starts, [[(0.0, 5), (11.0, 5)], [(22.0, 5), (33.0, 5)], [(44.0, 5), (55.0, 5)]]);
        let row = |values: &[f32], r: usize| values[11 * r..][..11.min(values.len() - 11 * r)].to_vec();
        let others: Vec<_> = (0..6).map(|r| row(&values, r)).collect();
        for (i, tile) in TilesMut::<2, 1>::new(&mut values, 3, 11, 4).enumerate() {
            for (r, row) in tile.into_iter().enumerate() {
                row.store([F32x4::splat(100.0 + (2 * i + r) as f32)]);
            }
        }
        for (r, before) in others.iter().enumerate() {
            let now = row(&values, r);
            assert_eq!((&now[..4], &now[4..]), (&[100.0 + r as f32; 4][..], &before[4..]));
        }
        for width in 4..=8 {
            let tiles = TilesMut::<2, 2>::new(&mut values, 2, 11, width);
            tiles.flatten().for_each(|row| row.store([F32x4::splat(200.0), F32x4::splat(300.0)]));
            for (r, before) in others.iter().enumerate().take(4) {
                let now = row(&values, r);
                assert_eq!(now[..width - 4], [200.0; 4][..width - 4]);
                assert_eq!((&now[width - 4..width], &now[8..]), (&[300.0; 4][..], &before[8..]));
            }
        }
        assert_eq!(Tiles::<2>::new(&[], 0, 11, 5).count() + TilesMut::<2, 1>::new(&mut [], 0, 11, 4).count(), 0);
    }

    #[test]
    fn tiles_outside_of_the_slice_panic() {
        let mut values = [0.0; 60];
        for (count, step, len) in [(3, 11, 6), (4, 11, 5), (1, usize::MAX, 1), (usize::MAX, 1, 1), (1, 1, 60)] {
            assert!(panics(&mut || _ = Tiles::<2>::new(&values, count, step, len)), "{count} {step} {len}");
        }
        for (count, step) in [(3, 12), (4, 11), (1, 3), (1, usize::MAX), (usize::MAX, 4)] {
            assert!(panics(&mut || _ = TilesMut::<2, 1>::new(&mut values, count, step, 4)), "{count} {step}");
        }
        for (step, width) in [(4, 5), (9, 9), (9, 3), (7, 8)] {
            assert!(panics(&mut || _ = TilesMut::<2, 2>::new(&mut values, 1, step, width)), "{step} {width}");
        }
        assert!(panics(&mut || _ = TilesMut::<2, 1>::new(&mut values, 1, 9, 5)));
    }
}
