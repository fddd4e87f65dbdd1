//! Gradients of activations and of softmax against float64.

mod grad_oracle;
mod oracle;
use grad_oracle::{agree, differences, to_f64, weighted};
use lenslet_kernels::activation::Activation;
use lenslet_kernels::grad::{Needs, softmax};
use lenslet_kernels::memory::Workspace;
use oracle::math::normal_cdf;
use oracle::random::random;
use oracle::{Guarded, Rng, UNIT_ROUNDOFF, compare};
use proptest::prelude::*;

const ALL: [Activation; 25] = [
    Activation::Identity,
    Activation::Relu,
    Activation::Relu6,
    Activation::Clamp { min: -0.5, max: 0.75 },
    Activation::LeakyRelu { alpha: 0.1 },
    Activation::LeakyRelu { alpha: 2.0 },
    Activation::Sigmoid,
    Activation::Tanh,
    Activation::HardSigmoid { alpha: 0.2, beta: 0.5 },
    Activation::HardSwish { scale: 1.0, shift: 0.0 },
    Activation::HardSwish { scale: -1.5, shift: 0.25 },
    Activation::Silu,
    Activation::Gelu,
    Activation::GeluTanh,
    Activation::Elu { alpha: 1.0 },
    Activation::Elu { alpha: 0.5 },
    Activation::Mish,
    Activation::Softplus,
    Activation::Softsign,
    Activation::Selu { alpha: 1.673_263_2, gamma: 1.050_701 },
    Activation::Celu { alpha: 0.5 },
    Activation::ThresholdedRelu { alpha: 1.0 },
    Activation::ThresholdedRelu { alpha: -0.5 },
    Activation::Swish { alpha: 1.5 },
    Activation::Swish { alpha: -0.5 },
];

/// The function in float64, by its definition.
fn forward(activation: Activation, x: f64) -> f64 {
    let sigmoid = |x: f64| 1.0 / (1.0 + (-x).exp());
    let elu = |alpha: f64, width: f64| if x >= 0.0 { x } else { alpha * (x / width).exp_m1() };
    match activation {
        Activation::Identity => x,
        Activation::Relu => x.max(0.0),
        Activation::Relu6 => x.clamp(0.0, 6.0),
        Activation::Clamp { min, max } => x.clamp(min.into(), max.into()),
        Activation::LeakyRelu { alpha } => {
            if x >= 0.0 {
                x
            } else {
                x * f64::from(alpha)
            }
        }
        Activation::Sigmoid => sigmoid(x),
        Activation::Tanh => x.tanh(),
        Activation::HardSigmoid { alpha, beta } => (f64::from(alpha) * x + f64::from(beta)).clamp(0.0, 1.0),
        Activation::HardSwish { scale, shift } => {
            f64::from(scale) * x * (x / 6.0 + 0.5).clamp(0.0, 1.0) + f64::from(shift)
        }
        Activation::Silu => x * sigmoid(x),
        Activation::Gelu => x * normal_cdf(x),
        Activation::GeluTanh => {
            let u = (2.0 / core::f64::consts::PI).sqrt() * (x + 0.044715 * x * x * x);
            0.5 * x * (1.0 + u.tanh())
        }
        Activation::Elu { alpha } => elu(alpha.into(), 1.0),
        Activation::Mish => x * x.exp().ln_1p().tanh(),
        Activation::Softplus => x.max(0.0) + (-x.abs()).exp().ln_1p(),
        Activation::Softsign => x / (1.0 + x.abs()),
        Activation::Selu { alpha, gamma } => f64::from(gamma) * elu(alpha.into(), 1.0),
        Activation::Celu { alpha } => elu(alpha.into(), alpha.into()),
        Activation::ThresholdedRelu { alpha } => {
            if x > alpha.into() {
                x
            } else {
                0.0
            }
        }
        Activation::Swish { alpha } => x * sigmoid(f64::from(alpha) * x),
    }
}

/// What the gradient is computed from.
fn values(activation: Activation, x: &[f32]) -> Vec<f32> {
    let mut values = x.to_vec();
    if activation.gradient_needs() == Needs::Output {
        activation.apply_in_place(&mut values);
    }
    values
}

/// False within reach of a central difference around a corner.
fn is_smooth(activation: Activation, x: f64) -> bool {
    let corners: &[f64] = match activation {
        Activation::Clamp { min, max } => &[min.into(), max.into()],
        Activation::ThresholdedRelu { alpha } => &[alpha.into()],
        Activation::HardSigmoid { .. } => &[-2.5, 2.5],
        _ => &[0.0, 6.0, -3.0, 3.0],
    };
    corners.iter().all(|corner| (x - corner).abs() > 1e-4)
}

#[test]
fn all_against_central_differences() {
    let mut rng = Rng::new(1);
    for activation in ALL {
        for len in [1, 2, 3, 4, 5, 7, 8, 400] {
            let x = rng.values_in(-8.0, 8.0, len);
            let x: Vec<f32> = x.into_iter().map(|x| if is_smooth(activation, x.into()) { x } else { 1.25 }).collect();
            let g = rng.values(len);
            let mut grad = Guarded::new(len);
            let given = Guarded::of(&values(activation, &x));
            activation.gradient(given.finish().unwrap(), &g, grad.body()).unwrap();
            let slopes: Vec<f64> =
                x.iter().map(|&x| differences(&[x.into()], |x| forward(activation, x[0]))[0]).collect();
            // Errors of outputs, of up to 3 ULP, and the differences' own.
            compare(
                grad.finish().unwrap(),
                &to_f64(&g).iter().zip(&slopes).map(|(g, slope)| g * slope).collect::<Vec<_>>(),
                |i| 2e-9 + 12.0 * UNIT_ROUNDOFF * (1.0 + slopes[i].abs()),
            )
            .unwrap_or_else(|error| panic!("{activation:?}: {error} at {x:?}"));
        }
    }
}

#[test]
fn limits_and_nan() {
    for activation in ALL {
        let x = [f32::NEG_INFINITY, f32::INFINITY, -1e30, 1e30, -200.0, 200.0, f32::NAN];
        let mut grad = [0.0; 7];
        activation.gradient(&values(activation, &x), &[1.0; 7], &mut grad).unwrap();
        for (x, grad) in x.iter().zip(grad).take(6) {
            let slope = forward(activation, f64::from(x.clamp(-300.0, 300.0)) + 0.5)
                - forward(activation, f64::from(x.clamp(-300.0, 300.0)) - 0.5);
            assert!((f64::from(grad) - slope).abs() < 1e-4, "{activation:?} at {x}: {grad}, expected {slope}");
        }
    }
}

#[test]
fn corners_have_the_slope_below_them() {
    let slope = |activation: Activation, x: f32| {
        let mut grad = [f32::NAN];
        activation.gradient(&values(activation, &[x]), &[2.0], &mut grad).unwrap();
        grad[0]
    };
    assert_eq!(slope(Activation::Relu, 0.0), 0.0);
    assert_eq!(slope(Activation::Relu6, 0.0), 0.0);
    assert_eq!(slope(Activation::Relu6, 6.0), 0.0);
    assert_eq!(slope(Activation::LeakyRelu { alpha: 0.25 }, 0.0), 0.5);
    assert_eq!(slope(Activation::ThresholdedRelu { alpha: 1.0 }, 1.0), 0.0);
}

#[test]
fn what_is_wrong_is_refused() {
    let refused = |activation: Activation, v: usize, g: usize, to: usize| {
        activation.gradient(&vec![0.0; v], &vec![0.0; g], &mut vec![0.0; to]).unwrap_err().argument
    };
    assert_eq!(refused(Activation::Relu, 3, 4, 4), "values");
    assert_eq!(refused(Activation::Relu, 4, 4, 3), "gradInput");
    for activation in [
        Activation::LeakyRelu { alpha: -0.1 },
        Activation::Elu { alpha: -1.0 },
        Activation::Selu { alpha: -1.0, gamma: 1.0 },
        Activation::Selu { alpha: 1.0, gamma: -1.0 },
    ] {
        assert_eq!(refused(activation, 4, 4, 4), "alpha");
    }
}

/// Softmax or its logarithm in float64.
fn naive_softmax([outer, axis_len, inner]: [usize; 3], log: bool, x: &[f64]) -> Vec<f64> {
    let mut y = vec![0.0; x.len()];
    for i in 0..outer {
        for j in 0..inner {
            let at = |k: usize| (i * axis_len + k) * inner + j;
            let sum: f64 = (0..axis_len).map(|k| x[at(k)].exp()).sum();
            for k in 0..axis_len {
                y[at(k)] = if log { x[at(k)] - sum.ln() } else { x[at(k)].exp() / sum };
            }
        }
    }
    y
}

/// Its gradient, from the output.
fn naive_gradient([_, axis_len, inner]: [usize; 3], log: bool, y: &[f64], g: &[f64]) -> Vec<f64> {
    let row = |i: usize| (0..axis_len).map(move |k| (i / (axis_len * inner) * axis_len + k) * inner + i % inner);
    (0..y.len())
        .map(|i| {
            if log {
                g[i] - y[i].exp() * row(i).map(|k| g[k]).sum::<f64>()
            } else {
                y[i] * (g[i] - row(i).map(|k| g[k] * y[k]).sum::<f64>())
            }
        })
        .collect()
}

#[test]
fn softmax_oracle_is_the_derivative() {
    let mut rng = Rng::new(2);
    for shape in [[2, 5, 1], [1, 3, 4]] {
        for log in [false, true] {
            let len = shape.iter().product();
            let (x, g) = (to_f64(&rng.values(len)), to_f64(&rng.values(len)));
            let found = differences(&x, |x| weighted(&naive_softmax(shape, log, x), &g));
            agree("input", &naive_gradient(shape, log, &naive_softmax(shape, log, &x), &g), &found);
        }
    }
}

#[test]
fn random_softmaxes() {
    random(
        800,
        &(1..=4usize, 1..=140usize, prop_oneof![Just(1), 1..=21usize], any::<bool>(), any::<u64>()),
        |(outer, axis, inner, log, seed)| {
            let shape = [outer, axis, inner];
            let mut rng = Rng::new(seed);
            let len = outer * axis * inner;
            let x = to_f64(&rng.values_in(-3.0, 3.0, len));
            let y: Vec<f32> = naive_softmax(shape, log, &x).iter().map(|&y| y as f32).collect();
            let g = rng.values(len);
            let mut workspace = Workspace::default();
            workspace.get(200).unwrap().fill(f32::NAN);
            let mut grad = Guarded::new(len);
            softmax(shape, log, Guarded::of(&y).finish()?, Guarded::of(&g).finish()?, &mut workspace, grad.body())
                .map_err(|error| error.to_string())?;
            let expected = naive_gradient(shape, log, &to_f64(&y), &to_f64(&g));
            // A sum of `axis` products, and a power.
            let tolerance = UNIT_ROUNDOFF * (8.0 + if log { axis as f64 } else { 2.0 });
            compare(grad.finish()?, &expected, |_| tolerance).map_err(|error| error.to_string())
        },
    );
}

#[test]
fn softmax_of_wrong_sizes_is_refused() {
    let refused = |y: usize, g: usize, to: usize| {
        let shape = [2, 3, 1];
        softmax(shape, false, &vec![0.0; y], &vec![0.0; g], &mut Workspace::default(), &mut vec![0.0; to])
            .unwrap_err()
            .argument
    };
    assert_eq!([refused(5, 6, 6), refused(6, 5, 6), refused(6, 6, 5)], ["output", "gradOutput", "gradInput"]);
}
