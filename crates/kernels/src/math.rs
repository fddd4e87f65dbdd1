//! exp, log, tanh, erf and their kin on four lanes: polynomials, no tables, no branches.
//!
//! Errors are in units in the last place (ULP) of the exact result, the largest found by `tests/math.rs` without
//! fused multiply-add (fusing changes them by a few hundredths). NaN in gives NaN out everywhere.
//! Coefficients without a source are minimax fits of our own (weighted least squares, reweighted to equal ripples).

use crate::simd::{F32x4, hoisted};

/// `ln 2` in two parts: the first has 9 significant bits, so its product with an exponent is exact.
const LN_2_HI: f32 = 355.0 / 512.0;
const LN_2_LO: f32 = -2.121_944_4e-4;

/// `c[0] + c[1] x + c[2] x^2 + ...`, by Horner's rule.
#[inline(always)]
fn polynomial<const N: usize>(x: F32x4, c: [F32x4; N]) -> F32x4 {
    c[..N - 1].iter().rev().fold(c[N - 1], |sum, &c| sum.mul_add(x, c))
}

/// The constants of `e^x`.
#[derive(Clone, Copy)]
pub struct Exp {
    lowest: F32x4,
    highest: F32x4,
    log2_e: F32x4,
    minus_ln_2: [F32x4; 2],
    coefficients: [F32x4; 5],
    half: F32x4,
    one: F32x4,
}

impl Exp {
    #[inline(always)]
    fn new(vectors: impl FnOnce([f32; 12]) -> [F32x4; 12]) -> Self {
        let log2_e = core::f32::consts::LOG2_E;
        let [lowest, highest, log2_e, hi, lo, half, one, c @ ..] = vectors([
            -104.0,
            89.0,
            log2_e,
            -LN_2_HI,
            -LN_2_LO,
            0.5,
            1.0,
            0.499_999_9,
            0.166_664_97,
            0.041_668_67,
            0.008_371_497,
            0.001_380_883_4,
        ]);
        Self { lowest, highest, log2_e, minus_ln_2: [hi, lo], coefficients: c, half, one }
    }

    /// For single vectors.
    #[inline(always)]
    fn written() -> Self {
        Self::new(|numbers| numbers.map(F32x4::splat))
    }

    /// For loops, see [`hoisted`].
    #[inline(always)]
    pub fn hoisted() -> Self {
        Self::new(hoisted)
    }

    /// `x = n ln 2 + r`, `n` whole, `|r| <= (ln 2) / 2`, up to rounding.
    #[inline(always)]
    fn reduce(&self, x: F32x4) -> (F32x4, F32x4) {
        let n = (x * self.log2_e).round();
        let r = n.mul_add(self.minus_ln_2[0], x);
        (n, n.mul_add(self.minus_ln_2[1], r))
    }

    /// `e^r - 1` for `|r| <= 0.36`, as `r + r^2 p(r)`.
    #[inline(always)]
    fn m1_reduced(&self, r: F32x4) -> F32x4 {
        polynomial(r, self.coefficients).mul_add(r * r, r)
    }

    /// `y * 2^n` for `n` in `-252..=254`. Two factors: the first keeps the result normal, so that a subnormal one is rounded once.
    #[inline(always)]
    fn scale(&self, y: F32x4, n: F32x4) -> F32x4 {
        let half = (n * self.half).floor();
        y * half.exp2_whole() * (n - half).exp2_whole()
    }

    /// [`exp`].
    #[inline(always)]
    pub fn of(&self, x: F32x4) -> F32x4 {
        let (n, r) = self.reduce(x.pmax(self.lowest).pmin(self.highest));
        self.scale(self.m1_reduced(r) + self.one, n)
    }

    /// [`sigmoid`].
    #[inline(always)]
    pub fn sigmoid(&self, x: F32x4) -> F32x4 {
        let e = self.of(-x.abs());
        x.lt(F32x4::zero()).select(e, self.one) / (self.one + e)
    }
}

/// `e^x`. At most 1.03 ULP; subnormal results included, infinity above 88.73, zero below -103.98.
#[inline(always)]
pub fn exp(x: F32x4) -> F32x4 {
    Exp::written().of(x)
}

/// `e^(hi + lo)`, where `lo` is what `hi <= 0` lacks of the exact argument, at most 0.01 of either sign.
#[inline(always)]
fn exp_of_sum(hi: F32x4, lo: F32x4) -> F32x4 {
    let exp = Exp::written();
    let (n, r) = exp.reduce(hi.pmax(F32x4::splat(-105.0)));
    exp.scale(exp.m1_reduced(r + lo) + F32x4::splat(1.0), n)
}

/// `e^x - 1` for `x <= 0`, exact near zero where `exp(x) - 1` cancels. At most 0.94 ULP.
#[inline(always)]
pub fn exp_m1_of_negative(x: F32x4) -> F32x4 {
    // Below -17.4 the result rounds to -1.
    let exp = Exp::written();
    let (n, r) = exp.reduce(x.pmax(F32x4::splat(-25.0)));
    let s = n.exp2_whole();
    s * exp.m1_reduced(r) + (s - F32x4::splat(1.0))
}

/// Natural logarithm. At most 0.9 ULP; -infinity at zero, NaN below. The polynomial is that of FreeBSD's `logf` (e_logf.c).
#[inline(always)]
pub fn log(x: F32x4) -> F32x4 {
    const TWO_25: f32 = 33_554_432.0;
    let subnormal = x.lt(F32x4::splat(f32::MIN_POSITIVE));
    let (m, n) = subnormal.select(x * F32x4::splat(TWO_25), x).frexp();
    let n = n - subnormal.select(F32x4::splat(25.0), F32x4::zero());
    let f = m - F32x4::splat(1.0);
    let s = f / (f + F32x4::splat(2.0));
    let z = s * s;
    let rest = z * polynomial(z, [0.666_666_6, 0.400_009_72, 0.284_987_87, 0.242_790_79].map(F32x4::splat));
    let half_square = F32x4::splat(0.5) * f * f;
    let low = s * (half_square + rest) + n * F32x4::splat(9.058_001e-6);
    let y = n * F32x4::splat(0.693_138_1) + (f - (half_square - low));
    let y = x.lt(F32x4::splat(f32::INFINITY)).select(y, x);
    let y = x.lt(F32x4::zero()).select(F32x4::splat(f32::NAN), y);
    x.eq(F32x4::zero()).select(F32x4::splat(f32::NEG_INFINITY), y)
}

/// Hyperbolic tangent. At most 2.6 ULP.
#[inline(always)]
pub fn tanh(x: F32x4) -> F32x4 {
    let m = exp_m1_of_negative(x.abs() * F32x4::splat(-2.0));
    (m / (m + F32x4::splat(2.0))).copysign(x)
}

/// `1 / (1 + e^-x)`. At most 2.5 ULP, however small the result.
#[inline(always)]
pub fn sigmoid(x: F32x4) -> F32x4 {
    Exp::written().sigmoid(x)
}

/// `ln(1 + e^x)`. At most 3 ULP, however small the result.
#[inline(always)]
pub fn softplus(x: F32x4) -> F32x4 {
    let one = F32x4::splat(1.0);
    // ln(1 + t) = ln(u) t / (u - 1) with u = 1 + t as it was rounded; t itself where nothing of it is left in u.
    let t = exp(-x.abs());
    let u = one + t;
    let kept = u - one;
    let rest = kept.eq(F32x4::zero()).select(t, log(u) * (t / kept));
    let y = F32x4::zero().lt(x).select(x, F32x4::zero()) + rest;
    x.eq(x).select(y, x)
}

/// Sine of radians, by float64s. At most 0.51 ULP up to `|x|` of 2^28; above, where neighbouring float32s are several turns
/// apart, as exact as `2π` is in float64.
pub fn sin(x: f32) -> f32 {
    sin_of_quarters(x, 0.0)
}

/// Cosine of radians, as exact as [`sin`].
pub fn cos(x: f32) -> f32 {
    sin_of_quarters(x, 1.0)
}

/// The sine of `x` and some quarters of a turn. Not inlined: it would be there once for each element of a turn of a loop.
#[inline(never)]
fn sin_of_quarters(x: f32, quarters: f64) -> f32 {
    use core::f64::consts::FRAC_PI_2;
    // π/2 in two parts: the first has 25 bits, so that its product with up to 2^28 quarters is exact (Cody and Waite). One
    // float64 is wrong by 4e-11 after a million radians, which is more than half a unit of results below 1e-3.
    const HEAD: f64 = f64::from_bits(0x3ff9_21fb_5000_0000);
    const REST: f64 = 1.589_325_477_352_819_6e-8;
    let x = f64::from(x);
    let x = if x.abs() <= 268_435_456.0 { x } else { rest_of_turns(x) };
    // Not -0: a negative zero less that would be a positive one.
    let turned = (x / FRAC_PI_2).round_ties_even() + 0.0;
    let r = (x - turned * HEAD) - turned * REST;
    let z = r * r;
    let quarters = turned + quarters;
    // Taylor's terms up to r^13 and r^12: errors below 1e-12 for |r| <= π/4.
    let quarter = quarters - 4.0 * (quarters * 0.25).floor();
    let even = quarter == 0.0 || quarter == 2.0;
    let terms: [f64; 6] =
        if even { [6.0, 20.0, 42.0, 72.0, 110.0, 156.0] } else { [2.0, 12.0, 30.0, 56.0, 90.0, 132.0] };
    let series = terms.iter().rev().fold(1.0, |sum, term| 1.0 - sum * z / term);
    let y = if even { r * series } else { series };
    // The third and fourth quarter, and those before the first.
    let back = quarter >= 2.0;
    (if back { -y } else { y }) as f32
}

/// `x % TAU` of a float32. Bit by bit, as it is rarely wanted: the code of `%` for float64s is as large as all of the sine's.
#[cold]
fn rest_of_turns(x: f64) -> f64 {
    use core::f64::consts::TAU;
    let mut rest = x.abs();
    // 2^127 turns are more than any float32. Each subtraction is exact: one of the numbers is at most twice the other.
    let mut turns = TAU * f64::from_bits(0x47e0_0000_0000_0000);
    while turns >= TAU {
        if rest >= turns {
            rest -= turns;
        }
        turns *= 0.5;
    }
    rest.copysign(x)
}

/// `e^(z^2) erfc(z)` for `z` in `0..=10.3`: falls smoothly from 1 to 0.055, where `erfc` itself underflows.
#[inline(always)]
fn scaled_erfc(z: F32x4) -> F32x4 {
    // As s (1 + v q(v)) with s = 1 / (1 + 0.6 z), v = s - 1: it has the right limit shape 1/z, and no rounding of note near z = 0.
    let one = F32x4::splat(1.0);
    let scaled = z * F32x4::splat(0.6);
    let s = one / (scaled + one);
    let v = -scaled * s;
    let q = polynomial(
        v,
        [
            0.880_632_2,
            0.016_517_85,
            -0.208_825_4,
            0.070_297_63,
            0.020_341_462,
            -0.095_132_165,
            -0.111_005_92,
            -0.202_864_51,
            -0.188_780_04,
            -0.057_951_68,
        ]
        .map(F32x4::splat),
    );
    s * q.mul_add(v, one)
}

/// `x^2` as a rounded head and what it lacks: e^(x^2) would magnify the rounding by x^2. `|x|` at most 20.
#[inline(always)]
fn square_in_two(x: F32x4) -> (F32x4, F32x4) {
    // Dekker's split: the upper 12 bits of x, whose square is exact.
    let c = x * F32x4::splat(4097.0);
    let upper = c - (c - x);
    (upper * upper, (x - upper) * (x + upper))
}

/// The error function. At most 2 ULP.
#[inline(always)]
pub fn erf(x: F32x4) -> F32x4 {
    let z = x.abs().pmin(F32x4::splat(10.3));
    // erf(x) = x + x q(x^2): only 2/√π - 1 is rounded, not 2/√π.
    let q = polynomial(
        x * x,
        [0.128_379_17, -0.376_126_38, 0.112_837_73, -0.026_864_344, 0.005_215_238, -8.331_138e-4, 9.310_684e-5]
            .map(F32x4::splat),
    );
    let near = q.mul_add(x, x);
    let (hi, lo) = square_in_two(z);
    let far = F32x4::splat(1.0) - exp_of_sum(-hi, -lo) * scaled_erfc(z);
    z.lt(F32x4::splat(0.75)).select(near, far.copysign(x))
}

/// The normal distribution function: the part of a standard normal distribution below `x`.
/// At most 7.5 ULP, however small the result.
#[inline(always)]
pub fn normal_cdf(x: F32x4) -> F32x4 {
    let a = x.abs().pmin(F32x4::splat(14.5));
    let half = F32x4::splat(0.5);
    let (hi, lo) = square_in_two(a);
    let z = a * F32x4::splat(core::f32::consts::FRAC_1_SQRT_2);
    let tail = half * exp_of_sum(-half * hi, -half * lo) * scaled_erfc(z);
    x.lt(F32x4::zero()).select(tail, F32x4::splat(1.0) - tail)
}
