//! Activations and softmax against float64.

mod oracle;
use lenslet_kernels::activation::Activation;
use lenslet_kernels::simd::F32x4;
use lenslet_kernels::softmax::softmax;
use oracle::math::{error_in_ulps, normal_cdf};
use oracle::random::random;
use oracle::{Guarded, Rng, UNIT_ROUNDOFF, compare, spec_count};

fn all() -> Vec<Activation> {
    use Activation::*;
    vec![
        Identity,
        Relu,
        Relu6,
        Clamp { min: -0.5, max: 2.25 },
        Clamp { min: f32::NEG_INFINITY, max: 1.0 },
        LeakyRelu { alpha: 0.01 },
        Sigmoid,
        Tanh,
        HardSigmoid { alpha: 0.2, beta: 0.5 },
        HardSwish { scale: 1.0, shift: 0.0 },
        HardSwish { scale: 0.75, shift: 0.0 },
        HardSwish { scale: -1.5, shift: 0.0 },
        HardSwish { scale: 0.75, shift: -0.25 },
        Silu,
        Gelu,
        GeluTanh,
        Elu { alpha: 1.0 },
        Elu { alpha: 1.6732632 },
        Mish,
        Softplus,
        Softsign,
        Selu { alpha: 1.6732632, gamma: 1.050701 },
        Celu { alpha: 1.0 },
        Celu { alpha: 2.5 },
        ThresholdedRelu { alpha: 1.0 },
        ThresholdedRelu { alpha: -0.75 },
        Swish { alpha: 1.0 },
        Swish { alpha: 1.702 },
    ]
}

fn exact(activation: Activation, x: f64) -> f64 {
    use Activation::*;
    let clamp = |x: f64, min: f64, max: f64| if x.is_nan() { x } else { x.max(min).min(max) };
    let sigmoid = |x: f64| 1.0 / (1.0 + (-x).exp());
    // A product with minus infinity has the limit 0.
    let times = |x: f64, y: f64| if x == f64::NEG_INFINITY { 0.0 } else { x * y };
    match activation {
        Identity => x,
        Relu => clamp(x, 0.0, f64::INFINITY),
        Relu6 => clamp(x, 0.0, 6.0),
        Clamp { min, max } => clamp(x, min.into(), max.into()),
        LeakyRelu { alpha } => {
            if x < 0.0 {
                x * f64::from(alpha)
            } else {
                x
            }
        }
        Sigmoid => sigmoid(x),
        Tanh => x.tanh(),
        HardSigmoid { alpha, beta } => clamp(x * f64::from(alpha) + f64::from(beta), 0.0, 1.0),
        HardSwish { scale, shift } => times(x, f64::from(scale) * clamp(x / 6.0 + 0.5, 0.0, 1.0)) + f64::from(shift),
        Silu => times(x, sigmoid(x)),
        Gelu => times(x, normal_cdf(x)),
        GeluTanh => times(x, sigmoid(2.0 * (2.0 / core::f64::consts::PI).sqrt() * (x + 0.044715 * x * x * x))),
        Elu { alpha } => {
            if x < 0.0 {
                f64::from(alpha) * x.exp_m1()
            } else {
                x
            }
        }
        Mish if x > 30.0 => x,
        Mish => times(x, x.exp().ln_1p().tanh()),
        Softplus if x > 50.0 => x,
        Softplus => x.exp().ln_1p(),
        Softsign if x.is_infinite() => x.signum(),
        Softsign => x / (1.0 + x.abs()),
        Selu { alpha, gamma } => f64::from(gamma) * exact(Elu { alpha }, x),
        Celu { alpha } => {
            let alpha = f64::from(alpha);
            if x < 0.0 { alpha * (x / alpha).exp_m1() } else { x }
        }
        ThresholdedRelu { alpha } if x <= alpha.into() => 0.0,
        ThresholdedRelu { .. } => x,
        Swish { alpha } => times(x, sigmoid(f64::from(alpha) * x)),
    }
}

/// Bound in ULP at `x`.
fn bound(activation: Activation, x: f64) -> f64 {
    use Activation::*;
    match activation {
        Identity | Relu | Relu6 | Clamp { .. } | ThresholdedRelu { .. } => 0.0,
        LeakyRelu { .. } => 0.5,
        // Cancels where the sum meets zero.
        HardSwish { shift, .. } if shift != 0.0 && x.is_finite() => 1e6,
        // Cancels where the line meets zero.
        HardSigmoid { .. } | HardSwish { .. } if (-3.5..0.0).contains(&x) => 1e6,
        HardSigmoid { .. } | HardSwish { .. } => 2.5,
        Sigmoid | Tanh => 3.0,
        Elu { .. } | Silu | Softplus | Softsign => 3.5,
        Selu { .. } | Celu { .. } | Mish => 4.5,
        // As GELU's, of u = alpha x.
        Swish { alpha } => 3.5 + (f64::from(alpha) * x).abs().min(110.0),
        Gelu => 7.0,
        // e^-u magnifies the rounding of u = 1.6 x (1 + 0.045 x²) by |u|.
        GeluTanh => 6.0 + 4.0 * (1.6 * x * (1.0 + 0.045 * x * x)).abs().min(110.0),
    }
}

#[test]
fn values_over_the_whole_range() {
    let mut rng = Rng::new(1);
    for activation in all() {
        for high in 0..512u32 {
            for _ in 0..spec_count(200).min(100_000) {
                let x = f32::from_bits((high << 23) | (rng.next() >> 41) as u32);
                let y = activation.apply_scalar(x);
                let exact = exact(activation, x.into());
                let error = error_in_ulps(y, exact);
                let absolute = (f64::from(y) - exact).abs();
                let bound = bound(activation, x.into());
                // What cancels is right to the precision of its largest part; a factor that is subnormal has lost digits.
                let cancelled = bound >= 1e6 && absolute < 3.0 * UNIT_ROUNDOFF * f64::from(x.abs()).max(1.0);
                let subnormal = x.abs() < 200.0 && absolute <= f64::from(x.abs()) * 2f64.powi(-148);
                assert!(
                    (error <= bound && bound < 1e6) || cancelled || subnormal,
                    "{activation:?} of {x:e} is {y:e}, should be {exact:e}: {error} ULP"
                );
            }
        }
    }
}

#[test]
fn infinities_and_nan() {
    for activation in all() {
        assert!(activation.apply_scalar(f32::NAN).is_nan(), "{activation:?}");
        assert!(activation.apply_scalar(-f32::NAN).is_nan(), "{activation:?}");
        for x in [f32::INFINITY, f32::NEG_INFINITY, f32::MAX, f32::MIN, 0.0] {
            let expected = exact(activation, x.into()) as f32;
            assert_eq!(activation.apply_scalar(x), expected, "{activation:?} of {x}");
        }
    }
}

#[test]
fn every_length_gives_the_bits_of_one_value() {
    let mut rng = Rng::new(2);
    for activation in all() {
        for len in (0..20).chain([31, 32, 33, 100]) {
            let values: Vec<f32> = rng.values_in(-9.0, 9.0, len);
            let expected: Vec<u32> = values.iter().map(|&x| activation.apply_scalar(x).to_bits()).collect();
            let bits = |values: &[f32]| values.iter().map(|x| x.to_bits()).collect::<Vec<_>>();
            let mut output = Guarded::new(len);
            activation.run(Guarded::of(&values).body(), output.body()).unwrap();
            assert_eq!(bits(output.finish().unwrap()), expected, "{activation:?}, {len}");
            let mut in_place = Guarded::of(&values);
            activation.apply_in_place(in_place.body());
            assert_eq!(bits(in_place.finish().unwrap()), expected, "{activation:?}, {len} in place");
            for (x, y) in values.as_chunks::<4>().0.iter().zip(expected.chunks(4)) {
                assert_eq!(bits(&activation.apply(F32x4::load(x)).to_array()), y);
            }
        }
    }
}

#[test]
fn codes() {
    let known: Vec<_> = (0..=19).map(|code| Activation::from_code(code, 0.25, 0.5).unwrap()).collect();
    assert_eq!(known[3], Activation::Clamp { min: 0.25, max: 0.5 });
    assert_eq!(known[7], Activation::HardSigmoid { alpha: 0.25, beta: 0.5 });
    assert_eq!(known[8], Activation::HardSwish { scale: 0.25, shift: 0.5 });
    assert_eq!(known[12], Activation::Elu { alpha: 0.25 });
    assert_eq!(known[16], Activation::Selu { alpha: 0.25, gamma: 0.5 });
    assert_eq!(
        known[17..],
        [
            Activation::Celu { alpha: 0.25 },
            Activation::ThresholdedRelu { alpha: 0.25 },
            Activation::Swish { alpha: 0.25 },
        ]
    );
    for (code, a, b, argument) in [
        (17, 0.0, 0.0, "alpha"),
        (20, 0.0, 0.0, "activation"),
        (u32::MAX, 0.0, 0.0, "activation"),
        (3, 1.0, 0.5, "min"),
        (3, f32::NAN, 0.5, "min"),
        (3, 0.0, f32::NAN, "max"),
        (4, f32::NAN, 0.0, "alpha"),
        (7, 0.0, f32::NAN, "beta"),
        (8, f32::NAN, 0.0, "scale"),
        (8, 1.0, f32::NAN, "shift"),
        (12, f32::NAN, 0.0, "alpha"),
    ] {
        assert_eq!(Activation::from_code(code, a, b).unwrap_err().argument, argument);
    }
    assert!(Activation::from_code(1, f32::NAN, f32::NAN).is_ok(), "parameters that are not there are not looked at");
    assert!(Activation::Relu.run(&[0.0; 3], &mut [0.0; 4]).is_err());
}

fn exact_softmax([outer, axis, inner]: [usize; 3], log: bool, values: &[f32]) -> Vec<f64> {
    let mut result = vec![0.0; values.len()];
    for o in 0..outer {
        for i in 0..inner {
            let at = |k: usize| (o * axis + k) * inner + i;
            let max = (0..axis).fold(f64::NEG_INFINITY, |max, k| max.max(values[at(k)].into()));
            let sum: f64 = (0..axis).map(|k| (f64::from(values[at(k)]) - max).exp()).sum();
            for k in 0..axis {
                let centred = f64::from(values[at(k)]) - max;
                result[at(k)] = if log { centred - sum.ln() } else { centred.exp() / sum };
            }
        }
    }
    result
}

#[test]
fn random_softmax() {
    let shapes = (1..=5usize, 1..=70usize, 1..=20usize, -3..=3i32, proptest::num::u64::ANY);
    random(2000, &shapes, |(outer, axis, inner, exponent, seed)| {
        let scale = 10f32.powi(exponent);
        let inner = if seed % 2 == 0 { 1 } else { inner };
        let values: Vec<f32> = Rng::new(seed).values(outer * axis * inner).iter().map(|x| x * scale).collect();
        let run = |log: bool| {
            let mut output = Guarded::new(values.len());
            softmax(outer, axis, inner, log, Guarded::of(&values).body(), output.body()).map_err(|e| e.to_string())?;
            output.finish().map(<[f32]>::to_vec)
        };
        let expected = exact_softmax([outer, axis, inner], false, &values);
        // The difference x - max rounds by up to u |x - max|, which e^x turns into a relative error; then the sum's own.
        let relative = |i: usize| {
            let argument = -expected[i].max(1e-45).ln();
            UNIT_ROUNDOFF * (argument + 2.0 * f64::from(scale).min(110.0) + axis as f64 + 6.0)
        };
        compare(&run(false)?, &expected, |i| expected[i] * relative(i) + 2e-45)?;
        // Of the logarithm that error is absolute; its own two roundings are relative.
        let logs = exact_softmax([outer, axis, inner], true, &values);
        compare(&run(true)?, &logs, |i| {
            UNIT_ROUNDOFF * (3.0 * logs[i].abs() + 2.0 * f64::from(scale) + axis as f64 + 6.0)
        })?;
        Ok(())
    });
}

#[test]
fn softmax_of_extremes() {
    let mut output = [9.0; 3];
    softmax(1, 3, 1, false, &[1e38, -1e38, 1e38], &mut output).unwrap();
    assert_eq!(output, [0.5, 0.0, 0.5]);
    softmax(1, 3, 1, false, &[f32::NEG_INFINITY, 0.0, 0.0], &mut output).unwrap();
    assert_eq!(output, [0.0, 0.5, 0.5]);
    softmax(1, 3, 1, true, &[1e38, -1e38, 1e38], &mut output).unwrap();
    assert_eq!(output, [-core::f32::consts::LN_2, -2e38, -core::f32::consts::LN_2]);
    for bad in [f32::NAN, f32::INFINITY] {
        softmax(1, 3, 1, false, &[bad, 0.0, 0.0], &mut output).unwrap();
        assert!(output.iter().any(|y| y.is_nan()));
        let mut columns = [9.0; 6];
        softmax(1, 3, 2, false, &[bad, 0.0, 0.0, 0.0, 0.0, 0.0], &mut columns).unwrap();
        assert!(columns[0].is_nan() && columns[1] == 1.0 / 3.0, "{columns:?}");
    }
    for (outer, axis, inner) in [(0, 3, 1), (1, 0, 1), (1, 3, 0), (1, 4, 1), (usize::MAX, usize::MAX, 3)] {
        assert!(softmax(outer, axis, inner, false, &[0.0; 3], &mut output).is_err());
    }
}
