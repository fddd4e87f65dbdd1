//! Functions in float64 that std does not have, and errors in units in the last place.

/// `erf(x)` for small `|x|`: 2/√π e^(-x²) Σ 2^n x^(2n+1) / (2n+1)!!, all terms of one sign.
fn erf_series(x: f64) -> f64 {
    let mut term = x;
    let mut sum = x;
    for n in 1..200 {
        term *= 2.0 * x * x / f64::from(2 * n + 1);
        sum += term;
        if term.abs() < 1e-18 * sum.abs() {
            break;
        }
    }
    core::f64::consts::FRAC_2_SQRT_PI * (-x * x).exp() * sum
}

/// `erfc(x)` for `x >= 0`, relative error about 1e-14.
fn erfc_of_positive(x: f64) -> f64 {
    if x < 2.0 {
        return 1.0 - erf_series(x);
    }
    // Laplace's continued fraction x + (1/2)/(x + (2/2)/(x + (3/2)/(x + ...))); fewer steps where it converges faster.
    let steps = if x < 4.0 { 150 } else { 40 };
    let fraction = (1..steps).rev().fold(x, |rest, k| x + f64::from(k) / 2.0 / rest);
    core::f64::consts::FRAC_2_SQRT_PI / 2.0 * (-x * x).exp() / fraction
}

/// The error function.
pub fn erf(x: f64) -> f64 {
    match x {
        _ if x.is_nan() => x,
        // Not 1 - erfc: it cancels near zero.
        _ if x.abs() < 2.0 => erf_series(x),
        _ => (1.0 - erfc_of_positive(x.abs())).copysign(x),
    }
}

/// The normal distribution function.
pub fn normal_cdf(x: f64) -> f64 {
    let tail = 0.5 * erfc_of_positive(x.abs() * core::f64::consts::FRAC_1_SQRT_2);
    match x {
        _ if x.is_nan() => x,
        f64::NEG_INFINITY => 0.0,
        f64::INFINITY => 1.0,
        _ if x < 0.0 => tail,
        _ => 1.0 - tail,
    }
}

/// `|actual - exact|` in float32 units in the last place of `exact`. NaN fits NaN alone, an infinity what rounds to it.
pub fn error_in_ulps(actual: f32, exact: f64) -> f64 {
    if actual.is_nan() || exact.is_nan() {
        return if actual.is_nan() && exact.is_nan() { 0.0 } else { f64::INFINITY };
    }
    if exact.is_infinite() || actual.is_infinite() {
        return if actual == exact as f32 { 0.0 } else { f64::INFINITY };
    }
    let exponent = ((exact.abs().to_bits() >> 52) as i32 - 1023).max(-126);
    (f64::from(actual) - exact).abs() / 2f64.powi(exponent - 23)
}
