//! Filters of pictures as they are packed: weights in vectors, and a product of a column and a row where the filter is one.

/// A packed filter. Its length says which it is: a product has fewer numbers than its window, and three vectors more.
#[derive(Clone, Copy)]
pub(super) enum Filter<'a> {
    /// `[h][w][vectors][4]`, one vector or, of three channels whose weights differ, three.
    Window { weights: &'a [f32], vectors: usize },
    /// `[h][4]` and `[w][4]`.
    Product { column: &'a [f32], row: &'a [f32] },
}

impl<'a> Filter<'a> {
    pub(super) fn of(packed: &'a [f32], [h, w]: [usize; 2]) -> Self {
        if packed.len() >= 4 * h * w {
            return Self::Window { weights: packed, vectors: packed.len() / (4 * h * w) };
        }
        let (column, row) = packed.split_at(4 * h);
        Self::Product { column, row }
    }
}

/// Weights `[h * w, c]`, about to be packed.
pub(super) struct Weights<'a> {
    pub(super) values: &'a [f32],
    pub(super) c: usize,
    pub(super) taps: [usize; 2],
}

/// How a filter will be packed.
pub(super) enum Form {
    Window {
        vectors: usize,
    },
    /// For each channel, `[h]` and `[w]`.
    Product(Vec<[Vec<f32>; 2]>),
}

impl Weights<'_> {
    /// Channels whose weights have to be kept apart: 1 if all have the same.
    fn different(&self) -> usize {
        let same =
            self.values.chunks_exact(self.c).all(|tap| tap.iter().all(|weight| weight.to_bits() == tap[0].to_bits()));
        if same { 1 } else { self.c }
    }

    /// A product only if `separable`.
    pub(super) fn form(&self, separable: bool) -> Form {
        let different = self.different();
        let vectors = if different == 3 { 3 } else { 1 };
        if separable && vectors == 1 {
            let channels: Option<Vec<_>> = (0..different).map(|c| self.factors(c)).collect();
            if let Some(factors) = channels {
                return Form::Product(factors);
            }
        }
        Form::Window { vectors }
    }

    pub(super) fn packed_len(&self, form: &Form) -> usize {
        let [h, w] = self.taps;
        match form {
            Form::Window { vectors } => 4 * h * w * vectors,
            Form::Product(_) => 4 * (h + w),
        }
    }

    pub(super) fn pack(&self, form: &Form, packed: &mut [f32]) {
        match form {
            Form::Window { vectors } => {
                for (to, tap) in packed.chunks_exact_mut(4 * vectors).zip(self.values.chunks_exact(self.c)) {
                    to.iter_mut().zip(tap.iter().cycle()).for_each(|(to, weight)| *to = *weight);
                }
            }
            Form::Product(channels) => {
                let (column, row) = packed.split_at_mut(4 * self.taps[0]);
                for (to, factor) in [column, row].into_iter().zip(0..) {
                    for (i, to) in to.chunks_exact_mut(4).enumerate() {
                        to.iter_mut().zip(channels.iter().cycle()).for_each(|(to, factors)| *to = factors[factor][i]);
                    }
                }
            }
        }
    }

    /// A column and a row whose product is the filter of one channel, or nothing.
    ///
    /// A plain sum of `n` products is wrong by at most `(n + 1) u Σ|w x|`, `u` the unit roundoff. Two passes add up `h` and `w`
    /// products, so that products of factors may be wrong by `h w - h - w` units before the result is worse than that; at most
    /// 8 are granted, which is what a filter of rounded weights needs. The column's magnitudes sum to between ½ and 1: no
    /// intermediate sum is beyond the largest input.
    fn factors(&self, c: usize) -> Option<[Vec<f32>; 2]> {
        const MOST_UNITS: usize = 8;
        let [h, w] = self.taps;
        let units = (h * w).checked_sub(h + w).filter(|&units| units > 0)?.min(MOST_UNITS);
        let at = |y: usize, x: usize| f64::from(self.values[(y * w + x) * self.c + c]);
        let largest = (0..h * w).max_by(|&a, &b| at(a / w, a % w).abs().total_cmp(&at(b / w, b % w).abs()))?;
        if at(largest / w, largest % w) == 0.0 {
            return None;
        }
        // Nearest in the sense of least squares, one side after the other: roundings of single weights average out.
        let column: Vec<f64> = (0..h).map(|y| at(y, largest % w)).collect();
        let norm: f64 = column.iter().map(|v| v * v).sum();
        let row: Vec<f64> = (0..w).map(|x| (0..h).map(|y| column[y] * at(y, x)).sum::<f64>() / norm).collect();
        let norm: f64 = row.iter().map(|v| v * v).sum();
        let column: Vec<f64> = (0..h).map(|y| (0..w).map(|x| row[x] * at(y, x)).sum::<f64>() / norm).collect();
        let sum: f64 = column.iter().map(|v| v.abs()).sum();
        let scale = 2f64.powi(-sum.log2().ceil() as i32);
        let column: Vec<f32> = column.iter().map(|v| (v * scale) as f32).collect();
        let row: Vec<f32> = row.iter().map(|v| (v / scale) as f32).collect();
        let unit = f64::from(f32::EPSILON) / 2.0;
        let is_near = |y: usize, x: usize| {
            let error = (f64::from(column[y]) * f64::from(row[x]) - at(y, x)).abs();
            error <= units as f64 * unit * at(y, x).abs() + f64::from(f32::MIN_POSITIVE)
        };
        (0..h).all(|y| (0..w).all(|x| is_near(y, x))).then_some([column, row])
    }
}
