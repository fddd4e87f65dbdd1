//! Rows of floats a fixed step apart, with one bounds check for all of them instead of two for each.
//!
//! A tile of six short sums spends a seventh of its time in those checks (27 products, Node 24, Zen 4). The compiler cannot
//! see that the last row's check implies the others': it knows of no bound on `row * step`.

/// `R` rows of as many floats each, the first at the start of a slice, each a step after the one before. They may overlap.
#[derive(Clone, Copy)]
pub struct Strided<'a, const R: usize> {
    /// All of one length.
    pub(super) rows: [&'a [f32]; R],
}

/// Floats from the first row's start to the last row's end. Panics where no memory could hold as many: a branch that a loop
/// around it makes once, other than arithmetic that saturates.
#[inline(always)]
pub(super) fn span(rows: usize, step: usize, len: usize) -> usize {
    match (rows - 1).checked_mul(step).and_then(|last| last.checked_add(len)) {
        Some(span) => span,
        None => panic!("rows lie beyond all memory"),
    }
}

impl<'a, const R: usize> Strided<'a, R> {
    /// Rows of `len` floats, `step` apart. Panics if they do not all lie in `values`, as an index beyond a slice does.
    #[inline(always)]
    pub fn new(values: &'a [f32], step: usize, len: usize) -> Self {
        let values = &values[..span(R, step, len)];
        // SAFETY: r <= R - 1, so that a row ends within span(R, step, len), the length of `values`.
        let rows = core::array::from_fn(|r| unsafe { values.get_unchecked(r * step..r * step + len) });
        Self { rows }
    }

    /// Each row.
    #[inline(always)]
    pub fn rows(&self) -> [&'a [f32]; R] {
        self.rows
    }

    /// Element `k` of each row with element `k` of `others`, for all `k` that both have.
    #[inline(always)]
    pub fn zip<T>(&self, others: &[T], mut each: impl FnMut([&'a f32; R], &T)) {
        let len = others.len().min(self.rows.first().map_or(0, |row| row.len()));
        for (k, other) in others[..len].iter().enumerate() {
            // SAFETY: k is below the length of the first row, and all rows are of that length.
            each(self.rows.map(|row| unsafe { row.get_unchecked(k) }), other);
        }
    }
}

/// `R` rows of `V` vectors to write to, as in [`Strided`]. Panics if they overlap or do not all lie in `values`.
#[inline(always)]
pub fn strided_mut<const R: usize, const V: usize>(values: &mut [f32], step: usize) -> [&mut [[f32; 4]; V]; R] {
    assert!(R == 1 || step >= 4 * V, "rows overlap");
    let first = values[..span(R, step, 4 * V)].as_mut_ptr();
    // SAFETY: row r is the 4 V floats from r * step on, which end within span(R, step, 4 V), the length of the exclusively
    // borrowed slice that `first` is of; rows are disjoint, since they are no longer than a step. Arrays of floats are
    // aligned as floats are.
    core::array::from_fn(|r| unsafe { &mut *first.add(r * step).cast() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_lie_a_step_apart_and_may_overlap() {
        let values: Vec<f32> = (0..20u8).map(f32::from).collect();
        for (step, len) in [(0, 3), (1, 4), (5, 2), (9, 2), (2, 16)] {
            let rows = Strided::<3>::new(&values, step, len);
            let mut seen = Vec::new();
            rows.zip(&vec![(); len + 5], |row, ()| seen.push(row.map(|&value| value as usize)));
            assert_eq!(seen, (0..len).map(|k| [k, step + k, 2 * step + k]).collect::<Vec<_>>());
            assert_eq!(rows.rows(), [0, 1, 2].map(|r| &values[r * step..][..len]));
        }
    }

    #[test]
    fn rows_that_do_not_lie_in_the_slice_panic() {
        let panics = |f: &mut dyn FnMut()| std::panic::catch_unwind(std::panic::AssertUnwindSafe(f)).is_err();
        let mut values = [0.0; 20];
        for (step, len) in [(9, 3), (10, 1), (0, 21), (usize::MAX, 1), (usize::MAX / 2, 2), (1, usize::MAX)] {
            assert!(panics(&mut || _ = Strided::<3>::new(&values, step, len)), "{step} {len}");
        }
        for step in [9, usize::MAX, usize::MAX / 2, 3, 0] {
            assert!(panics(&mut || _ = strided_mut::<3, 1>(&mut values, step)), "{step}");
        }
        Strided::<1>::new(&values, usize::MAX, 20);
        strided_mut::<1, 5>(&mut values, 0);
    }

    #[test]
    fn rows_to_write_to_are_those_to_read() {
        let mut values = [0.0; 20];
        for (r, row) in strided_mut::<3, 1>(&mut values, 8).into_iter().enumerate() {
            *row = [[r as f32 + 1.0; 4]];
        }
        let written: Vec<usize> = (0..20).filter(|&i| values[i] == (i / 8) as f32 + 1.0).collect();
        assert_eq!(written, [0, 1, 2, 3, 8, 9, 10, 11, 16, 17, 18, 19]);
    }
}
