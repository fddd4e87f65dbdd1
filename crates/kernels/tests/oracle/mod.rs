//! What every test of a kernel needs: seeded numbers, outputs that show what was not written, and a comparator
//! whose tolerance comes from the length of the sum. The naive references lie in the modules below.
#![allow(dead_code, unreachable_pub)]

pub mod conv;
pub mod math;
pub mod nd;
pub mod pool;
pub mod random;
pub mod reference;
pub mod winograd;
pub mod winograd_strided;

use core::fmt;

/// Unit roundoff of float32: the largest relative error of one rounding.
pub const UNIT_ROUNDOFF: f64 = 1.0 / (1u64 << 24) as f64;

/// Seeded random numbers: splitmix64, so that a printed seed gives the case again on any machine.
#[derive(Clone, Debug)]
pub struct Rng(u64);

impl Rng {
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }
    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }
    /// `low..=high`.
    pub fn int(&mut self, low: usize, high: usize) -> usize {
        low + (self.next() % (high - low + 1) as u64) as usize
    }
    /// True once in `n`.
    pub fn one_in(&mut self, n: usize) -> bool {
        self.int(1, n) == 1
    }
    pub fn pick<T: Copy>(&mut self, options: &[T]) -> T {
        options[self.int(0, options.len() - 1)]
    }
    /// Uniform in `-1..1`, 24 bits: every value exact in float32.
    pub fn value(&mut self) -> f32 {
        (self.next() >> 40) as f32 / (1u64 << 23) as f32 - 1.0
    }
    /// `len` of [`Self::value`].
    pub fn values(&mut self, len: usize) -> Vec<f32> {
        (0..len).map(|_| self.value()).collect()
    }
    /// `len` values uniform in `low..high`.
    pub fn values_in(&mut self, low: f32, high: f32, len: usize) -> Vec<f32> {
        (0..len).map(|_| low + (self.value() * 0.5 + 0.5) * (high - low)).collect()
    }
}

/// How many random specs a test should try: `default`, or the environment variable `LENSLET_SPECS`.
pub fn spec_count(default: usize) -> usize {
    std::env::var("LENSLET_SPECS").map_or(default, |text| text.parse().expect("LENSLET_SPECS is a number"))
}

/// The seed that random specs start from: `default`, or the environment variable `LENSLET_SEED`.
pub fn first_seed(default: u64) -> u64 {
    std::env::var("LENSLET_SEED").map_or(default, |text| text.parse().expect("LENSLET_SEED is a number"))
}

/// An output pre-filled with NaN between guard words: what a kernel leaves out stays NaN, what it writes outside shows.
#[derive(Clone)]
pub struct Guarded {
    words: Vec<f32>,
    len: usize,
}

/// Guard words at either end: more than any kernel's tile is wide.
const GUARD: usize = 64;
/// The NaN of a guard word; one that no arithmetic gives.
const GUARD_BITS: u32 = 0x7fca_fe01;
/// The NaN of an output that was not written yet.
const UNWRITTEN_BITS: u32 = 0x7fca_fe02;

impl Guarded {
    pub fn new(len: usize) -> Self {
        let mut words = vec![f32::from_bits(GUARD_BITS); GUARD + len + GUARD];
        words[GUARD..GUARD + len].fill(f32::from_bits(UNWRITTEN_BITS));
        Self { words, len }
    }
    /// A copy of `values` between guards, for inputs: a kernel that reads outside gets NaN.
    pub fn of(values: &[f32]) -> Self {
        let mut guarded = Self::new(values.len());
        guarded.body().copy_from_slice(values);
        guarded
    }
    /// What the kernel may write.
    pub fn body(&mut self) -> &mut [f32] {
        &mut self.words[GUARD..GUARD + self.len]
    }
    /// The values, after a check that all were written and no guard was touched.
    pub fn finish(&self) -> Result<&[f32], String> {
        let (before, rest) = self.words.split_at(GUARD);
        let (body, after) = rest.split_at(self.len);
        for (side, guards) in [("before", before), ("after", after)] {
            if let Some(i) = guards.iter().position(|word| word.to_bits() != GUARD_BITS) {
                return Err(format!("guard word {i} {side} the output was overwritten"));
            }
        }
        match body.iter().position(|word| word.to_bits() == UNWRITTEN_BITS) {
            Some(i) => Err(format!("output[{i}] of {} was not written", self.len)),
            None => Ok(body),
        }
    }
}

/// The first element that differs, and how many do.
#[derive(Debug, PartialEq)]
pub struct Mismatch {
    pub index: usize,
    pub actual: f32,
    pub expected: f64,
    pub tolerance: f64,
    pub count: usize,
}

impl fmt::Display for Mismatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { index, actual, expected, tolerance, count } = self;
        write!(f, "[{index}] is {actual:e}, expected {expected:e} within {tolerance:e} ({count} elements are wrong)")
    }
}

impl From<Mismatch> for String {
    fn from(mismatch: Mismatch) -> Self {
        mismatch.to_string()
    }
}

/// True if `actual` is `expected` within `tolerance`: NaN only for NaN, an infinity only for the same infinity
/// (or for a value that rounds to it).
pub fn is_close(actual: f32, expected: f64, tolerance: f64) -> bool {
    if expected.is_nan() || actual.is_nan() {
        return expected.is_nan() && actual.is_nan();
    }
    if expected.is_infinite() || actual.is_infinite() {
        return actual == expected as f32;
    }
    (f64::from(actual) - expected).abs() <= tolerance
}

/// Compares element by element; `tolerance` gives the absolute tolerance of an index.
pub fn compare(actual: &[f32], expected: &[f64], tolerance: impl Fn(usize) -> f64) -> Result<(), Mismatch> {
    assert_eq!(actual.len(), expected.len(), "lengths differ");
    let mut first = None;
    let mut count = 0;
    for (index, (&actual, &expected)) in actual.iter().zip(expected).enumerate() {
        if !is_close(actual, expected, tolerance(index)) {
            count += 1;
            first.get_or_insert((index, actual, expected));
        }
    }
    match first {
        None => Ok(()),
        Some((index, actual, expected)) => {
            Err(Mismatch { index, actual, expected, tolerance: tolerance(index), count })
        }
    }
}

/// Tolerance for a sum of `terms` products of values below `max_a` and `max_b` in magnitude, in any order, fused or not.
///
/// Each of the `terms` additions (and products) rounds by at most `u` times the partial sum. Partial sums of independent
/// zero-mean terms stay near `sqrt(i) * max / 3`, and so the whole error near `u * terms * max / 4`; for a handful of
/// terms the worst case `u * terms * (terms + 1) / 2 * max` is as small. Four times `u * terms * max` leaves a margin of
/// more than ten standard deviations, while one lost or doubled term (about `max / 4`) shows up to a million terms.
pub fn sum_tolerance(terms: usize, max_a: f64, max_b: f64) -> f64 {
    4.0 * UNIT_ROUNDOFF * (terms + 1) as f64 * max_a * max_b
}

/// Largest magnitude, at least 1e-30.
pub fn max_abs(values: &[f32]) -> f64 {
    values.iter().fold(1e-30, |max, &value| max.max(f64::from(value).abs()))
}

/// Distance in units in the last place of float32; `u32::MAX` if just one is NaN, 0 if both are.
pub fn ulps(actual: f32, expected: f32) -> u32 {
    if actual.is_nan() || expected.is_nan() {
        return if actual.is_nan() == expected.is_nan() { 0 } else { u32::MAX };
    }
    // Floats as integers in the same order: negative ones count downwards from -0.
    let ordered = |x: f32| {
        let bits = x.to_bits() as i32;
        i64::from(if bits < 0 { i32::MIN.wrapping_sub(bits) } else { bits })
    };
    (ordered(actual) - ordered(expected)).unsigned_abs().min(u64::from(u32::MAX)) as u32
}
