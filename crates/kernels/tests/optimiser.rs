//! Optimisers: traces against PyTorch, the formulas in float64, and the norm of gradients.

mod oracle;
use lenslet_kernels::grad::optimiser::{Optimiser, sum_of_squares};
use oracle::reference::{Case, cases};
use oracle::{Guarded, Rng, UNIT_ROUNDOFF, compare};

fn optimiser(case: &Case) -> Optimiser {
    let weight_decay = case.float("weightDecay");
    match case.text("optimiser") {
        "sgd" => Optimiser::Sgd { momentum: case.float("momentum"), nesterov: case.flag("nesterov"), weight_decay },
        name => Optimiser::Adam {
            beta1: case.float("beta1"),
            beta2: case.float("beta2"),
            epsilon: case.float("epsilon"),
            weight_decay,
            decoupled: name == "adamw",
        },
    }
}

#[test]
fn traces_equal_those_of_pytorch() {
    let cases = cases("optimisers");
    assert_eq!(cases.len(), 10);
    for case in &cases {
        let optimiser = optimiser(case);
        let (_, start) = case.tensor("start").unwrap();
        let n = start.len();
        let mut parameters = Guarded::of(start);
        let mut states = vec![vec![0.0; n]; optimiser.states()];
        let steps = case.tensor("grads").unwrap().1.chunks(n).zip(case.tensor("params").unwrap().1.chunks(n));
        for (i, (gradient, expected)) in steps.enumerate() {
            let mut states: Vec<&mut [f32]> = states.iter_mut().map(Vec::as_mut_slice).collect();
            let rate = case.float("learningRate");
            optimiser.step(rate, i + 1, 1.0, gradient, parameters.body(), &mut states).unwrap();
            let expected: Vec<f64> = expected.iter().map(|&value| value.into()).collect();
            compare(parameters.finish().unwrap(), &expected, |_| 1e-6)
                .unwrap_or_else(|error| panic!("{}, step {}: {error}", case.name, i + 1));
        }
    }
}

/// The definitions, in float64. Gives parameters and states after some steps.
fn in_f64(optimiser: Optimiser, rate: f64, scale: f64, gradients: &[Vec<f32>], start: &[f32]) -> Vec<f64> {
    let n = start.len();
    let mut v: Vec<f64> = start.iter().map(|&value| value.into()).collect();
    let (mut a, mut b) = (vec![0.0; n], vec![0.0; n]);
    for (i, gradient) in gradients.iter().enumerate() {
        for j in 0..n {
            let mut g = f64::from(gradient[j]) * scale;
            match optimiser {
                Optimiser::Sgd { momentum, nesterov, weight_decay } => {
                    g += weight_decay * v[j];
                    a[j] = momentum * a[j] + g;
                    v[j] -= rate * if nesterov { g + momentum * a[j] } else { a[j] };
                }
                Optimiser::Adam { beta1, beta2, epsilon, weight_decay, decoupled } => {
                    if decoupled {
                        v[j] *= 1.0 - rate * weight_decay;
                    } else {
                        g += weight_decay * v[j];
                    }
                    a[j] = beta1 * a[j] + (1.0 - beta1) * g;
                    b[j] = beta2 * b[j] + (1.0 - beta2) * g * g;
                    let [m, s] = [a[j] / (1.0 - beta1.powi(i as i32 + 1)), b[j] / (1.0 - beta2.powi(i as i32 + 1))];
                    v[j] -= rate * m / (s.sqrt() + epsilon);
                }
                Optimiser::RmsProp { alpha, epsilon, momentum, weight_decay } => {
                    g += weight_decay * v[j];
                    a[j] = alpha * a[j] + (1.0 - alpha) * g * g;
                    b[j] = momentum * b[j] + g / (a[j].sqrt() + epsilon);
                    v[j] -= rate * b[j];
                }
            }
        }
    }
    v
}

const ALL: [Optimiser; 8] = [
    Optimiser::Sgd { momentum: 0.0, nesterov: false, weight_decay: 0.0 },
    Optimiser::Sgd { momentum: 0.9, nesterov: false, weight_decay: 0.01 },
    Optimiser::Sgd { momentum: 0.9, nesterov: true, weight_decay: 0.01 },
    Optimiser::Adam { beta1: 0.9, beta2: 0.999, epsilon: 1e-8, weight_decay: 0.1, decoupled: false },
    Optimiser::Adam { beta1: 0.9, beta2: 0.999, epsilon: 1e-8, weight_decay: 0.1, decoupled: true },
    Optimiser::RmsProp { alpha: 0.99, epsilon: 1e-8, momentum: 0.0, weight_decay: 0.0 },
    Optimiser::RmsProp { alpha: 0.9, epsilon: 1e-6, momentum: 0.5, weight_decay: 0.02 },
    Optimiser::Adam { beta1: 0.0, beta2: 0.0, epsilon: 1e-3, weight_decay: 0.0, decoupled: false },
];

#[test]
fn formulas_at_all_lengths() {
    let mut rng = Rng::new(1);
    for optimiser in ALL {
        for n in [0, 1, 2, 3, 4, 5, 7, 8, 63, 64, 65, 130, 200] {
            let start = rng.values(n);
            let gradients: Vec<Vec<f32>> = (0..20).map(|_| rng.values(n)).collect();
            let scale = rng.pick(&[1.0, 0.25]);
            let mut parameters = Guarded::of(&start);
            let mut states = vec![Guarded::of(&vec![0.0; n]); optimiser.states()];
            for (i, gradient) in gradients.iter().enumerate() {
                let mut states: Vec<&mut [f32]> = states.iter_mut().map(Guarded::body).collect();
                optimiser.step(0.01, i + 1, scale, gradient, parameters.body(), &mut states).unwrap();
            }
            states.iter().for_each(|state| assert_eq!(state.finish().unwrap().len(), n));
            let expected = in_f64(optimiser, 0.01, scale, &gradients, &start);
            // 20 steps of 0.01 with a few roundings each, of parameters of about 1.
            compare(parameters.finish().unwrap(), &expected, |_| 1e-5)
                .unwrap_or_else(|error| panic!("{optimiser:?}, {n}: {error}"));
        }
    }
}

#[test]
fn many_steps_keep_adams_correction() {
    let optimiser = ALL[3];
    let gradients = vec![vec![0.5f32, -2.0, 1e-3]; 3000];
    let start = [1.0, -1.0, 0.5];
    let mut parameters = start.to_vec();
    let (mut m, mut s) = (vec![0.0; 3], vec![0.0; 3]);
    for (i, gradient) in gradients.iter().enumerate() {
        optimiser.step(1e-3, i + 1, 1.0, gradient, &mut parameters, &mut [&mut m, &mut s]).unwrap();
    }
    compare(&parameters, &in_f64(optimiser, 1e-3, 1.0, &gradients, &start), |_| 2e-4).unwrap();
}

#[test]
fn squares_are_summed_accurately() {
    let mut rng = Rng::new(2);
    for n in [0, 1, 3, 4, 63, 64, 65, 1000, 1_000_003] {
        let values = rng.values_in(0.5, 1.0, n);
        let exact: f64 = values.iter().map(|&x| f64::from(x) * f64::from(x)).sum();
        // Seventeen roundings of one block's lanes, none of the rest.
        assert!((sum_of_squares(&values) - exact).abs() <= exact * UNIT_ROUNDOFF * 19.0, "{n}");
    }
    assert!(sum_of_squares(&[1.0, f32::NAN]).is_nan());
    assert_eq!(sum_of_squares(&[1e20]), f64::INFINITY);
}

#[test]
fn what_is_wrong_is_refused() {
    let adam = ALL[3];
    let mut v = [0.0; 3];
    let mut refused = |step: usize, gradient: usize, states: &mut [&mut [f32]]| {
        adam.step(0.1, step, 1.0, &vec![0.0; gradient], &mut v, states).unwrap_err().argument
    };
    assert_eq!(refused(0, 3, &mut [&mut [0.0; 3], &mut [0.0; 3]]), "step");
    assert_eq!(refused(1, 2, &mut [&mut [0.0; 3], &mut [0.0; 3]]), "gradient");
    assert_eq!(refused(1, 3, &mut [&mut [0.0; 3]]), "states");
    assert_eq!(refused(1, 3, &mut [&mut [0.0; 3], &mut [0.0; 2]]), "state");
    let code = |code, parameters| Optimiser::from_code(code, parameters).map_err(|error| error.argument);
    assert_eq!(code(0, [0.9, 1.0, 0.01, f64::NAN]), Ok(ALL[2]));
    assert_eq!(code(1, [0.9, 0.999, 1e-8, 0.1]), Ok(ALL[3]));
    assert_eq!(code(2, [0.9, 0.999, 1e-8, 0.1]), Ok(ALL[4]));
    assert_eq!(code(3, [0.9, 1e-6, 0.5, 0.02]), Ok(ALL[6]));
    assert_eq!(code(4, [0.0; 4]), Err("optimiser"));
    assert_eq!(code(0, [-0.1, 0.0, 0.0, 0.0]), Err("momentum"));
    assert_eq!(code(1, [1.0, 0.9, 0.0, 0.0]), Err("beta1"));
    assert_eq!(code(2, [0.9, f64::NAN, 0.0, 0.0]), Err("beta2"));
    assert_eq!(code(3, [0.9, 0.0, 0.0, -1.0]), Err("weightDecay"));
}
