//! Precision of the elementary functions over all of float32.

mod oracle;
use lenslet_kernels::math;
use lenslet_kernels::simd::F32x4;
use oracle::math::{erf, error_in_ulps, normal_cdf};
use oracle::{Rng, first_seed, spec_count};

/// The largest error in ULP, and where, over every exponent and sign and `LENSLET_SPECS` mantissas of each (all, from 2^23 on).
fn worst(f: impl Fn(F32x4) -> F32x4, exact: impl Fn(f64) -> f64, domain: impl Fn(f32) -> bool) -> (f64, f32) {
    let count = spec_count(1000).min(1 << 23) as u32;
    let seed = first_seed(1);
    let mut rng = Rng::new(seed);
    let mut worst = (0.0, 0.0);
    for high in 0..512u32 {
        for i in 0..count {
            let mantissa = if count == 1 << 23 { i } else { (rng.next() >> 41) as u32 };
            let x = f32::from_bits((high << 23) | mantissa);
            if !domain(x) {
                continue;
            }
            let error = error_in_ulps(f(F32x4::splat(x)).to_array()[0], exact(f64::from(x)));
            if error > worst.0 {
                worst = (error, x);
            }
        }
    }
    println!("seed {seed}: worst error {:.3} ULP at {:e}", worst.0, worst.1);
    worst
}

/// Draws more densely where the function is neither flat nor a line.
fn worst_between(f: impl Fn(F32x4) -> F32x4, exact: impl Fn(f64) -> f64, low: f32, high: f32) -> (f64, f32) {
    let mut rng = Rng::new(first_seed(2));
    let mut worst = (0.0, 0.0);
    for _ in 0..100 * spec_count(1000).min(100_000) {
        let x = low + (rng.value() * 0.5 + 0.5) * (high - low);
        let error = error_in_ulps(f(F32x4::splat(x)).to_array()[0], exact(f64::from(x)));
        if error > worst.0 {
            worst = (error, x);
        }
    }
    println!("{low} to {high}: worst error {:.3} ULP at {:e}", worst.0, worst.1);
    worst
}

#[track_caller]
fn check(
    f: impl Fn(F32x4) -> F32x4 + Copy,
    exact: impl Fn(f64) -> f64 + Copy,
    domain: impl Fn(f32) -> bool,
    [low, high]: [f32; 2],
    bound: f64,
) {
    let all = worst(f, exact, domain);
    let dense = worst_between(f, exact, low, high);
    for (error, x) in [all, dense] {
        assert!(error <= bound, "error of {error} ULP at {x:e} ({:#010x}), documented: {bound}", x.to_bits());
    }
}

#[test]
fn exp() {
    check(math::exp, f64::exp, |_| true, [-104.0, 89.0], 1.03);
}

#[test]
fn exp_m1_of_negative() {
    check(math::exp_m1_of_negative, f64::exp_m1, |x| x.is_nan() || x <= 0.0, [-20.0, 0.0], 0.94);
}

#[test]
fn log() {
    check(math::log, f64::ln, |_| true, [0.0, 4.0], 0.9);
}

#[test]
fn tanh() {
    check(math::tanh, f64::tanh, |_| true, [-10.0, 10.0], 2.6);
}

#[test]
fn sigmoid() {
    check(math::sigmoid, |x| 1.0 / (1.0 + (-x).exp()), |_| true, [-104.0, 20.0], 2.5);
}

#[test]
fn softplus() {
    let exact = |x: f64| if x > 40.0 { x } else { x.exp().ln_1p() };
    check(math::softplus, exact, |_| true, [-104.0, 20.0], 3.0);
}

#[test]
fn erf_() {
    check(math::erf, erf, |_| true, [-4.5, 4.5], 2.0);
}

#[test]
fn normal_cdf_() {
    check(math::normal_cdf, normal_cdf, |_| true, [-14.5, 6.0], 7.5);
}

#[test]
fn sine_and_cosine() {
    let mut rng = oracle::Rng::new(5);
    for power in -30..=28 {
        for _ in 0..2000 {
            let x = rng.value() * 2f32.powi(power);
            for (y, exact) in [(math::sin(x), f64::from(x).sin()), (math::cos(x), f64::from(x).cos())] {
                assert!((f64::from(y) - exact).abs() <= 0.51 * 2f64.powi(-23) * exact.abs(), "{x}: {y}, {exact}");
            }
        }
    }
    assert_eq!([math::sin(-0.0).to_bits(), math::sin(0.0).to_bits()], [(-0.0f32).to_bits(), 0]);
    assert!([1e9f32, 1e20, f32::MAX].iter().all(|&x| math::sin(x).abs() <= 1.0 && math::cos(-x).abs() <= 1.0));
    assert!([f32::NAN, f32::INFINITY].iter().all(|&x| math::sin(x).is_nan() && math::cos(x).is_nan()));
}

#[test]
fn special_values() {
    let at = |f: fn(F32x4) -> F32x4, x: f32| f(F32x4::splat(x)).to_array()[0];
    assert_eq!(at(math::exp, f32::INFINITY), f32::INFINITY);
    assert_eq!(at(math::exp, f32::NEG_INFINITY).to_bits(), 0);
    assert_eq!(at(math::exp, 0.0), 1.0);
    assert_eq!(at(math::log, 0.0), f32::NEG_INFINITY);
    assert_eq!(at(math::log, -0.0), f32::NEG_INFINITY);
    assert_eq!(at(math::log, 1.0).to_bits(), 0);
    assert!(at(math::log, f32::NEG_INFINITY).is_nan());
    assert_eq!(at(math::tanh, f32::NEG_INFINITY), -1.0);
    assert_eq!(at(math::tanh, -0.0).to_bits(), (-0.0f32).to_bits());
    assert_eq!(at(math::erf, f32::INFINITY), 1.0);
    assert_eq!(at(math::erf, -0.0).to_bits(), (-0.0f32).to_bits());
    assert_eq!(at(math::normal_cdf, f32::NEG_INFINITY).to_bits(), 0);
    assert_eq!(at(math::sigmoid, f32::NEG_INFINITY).to_bits(), 0);
    assert_eq!(at(math::softplus, f32::INFINITY), f32::INFINITY);
    assert_eq!(at(math::softplus, f32::NEG_INFINITY).to_bits(), 0);
    let all = [
        math::exp,
        math::exp_m1_of_negative,
        math::log,
        math::tanh,
        math::sigmoid,
        math::softplus,
        math::erf,
        math::normal_cdf,
    ];
    for f in all {
        assert!(at(f, f32::NAN).is_nan());
        assert!(at(f, -f32::NAN).is_nan());
    }
}
