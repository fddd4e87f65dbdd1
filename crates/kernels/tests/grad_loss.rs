//! Losses and their gradients against float64.

mod grad_oracle;
mod oracle;
use grad_oracle::{differences, to_f64};
use lenslet_kernels::grad::loss::{ElementwiseLoss, LossReduction, cross_entropy, elementwise};
use oracle::{Guarded, Rng, UNIT_ROUNDOFF, compare};

fn naive_cross_entropy(classes: usize, smoothing: f64, mean: bool, logits: &[f64], labels: &[f32]) -> f64 {
    let losses = logits.chunks(classes).zip(labels).map(|(row, &label)| {
        let max = row.iter().fold(f64::NEG_INFINITY, |max, &x| x.max(max));
        let log_sum = max + row.iter().map(|x| (x - max).exp()).sum::<f64>().ln();
        let target = |k: usize| smoothing / classes as f64 + if k == label as usize { 1.0 - smoothing } else { 0.0 };
        row.iter().enumerate().map(|(k, x)| if target(k) == 0.0 { 0.0 } else { target(k) * (log_sum - x) }).sum::<f64>()
    });
    losses.sum::<f64>() / if mean { labels.len() as f64 } else { 1.0 }
}

#[test]
fn cross_entropies() {
    let mut rng = Rng::new(1);
    for (rows, classes) in [(1, 1), (1, 2), (3, 4), (5, 7), (2, 10), (9, 33), (1, 100)] {
        for smoothing in [0.0f32, 0.1, 1.0] {
            for (reduction, mean) in [(LossReduction::Mean, true), (LossReduction::Sum, false)] {
                let logits = rng.values_in(-4.0, 4.0, rows * classes);
                let labels: Vec<f32> = (0..rows).map(|_| rng.int(0, classes - 1) as f32).collect();
                let mut grad = Guarded::new(logits.len());
                let given = Guarded::of(&logits);
                let loss = cross_entropy(classes, smoothing, reduction, given.finish().unwrap(), &labels, grad.body())
                    .unwrap();
                let naive = |x: &[f64]| naive_cross_entropy(classes, smoothing.into(), mean, x, &labels);
                let expected = naive(&to_f64(&logits));
                let weight = if mean { 1.0 } else { rows as f64 };
                assert!(
                    (f64::from(loss) - expected).abs() < 8.0 * UNIT_ROUNDOFF * (8.0 + expected) * weight,
                    "{loss} {expected}"
                );
                let expected = differences(&to_f64(&logits), naive);
                compare(grad.finish().unwrap(), &expected, |_| 1e-9 * rows as f64 + 4.0 * UNIT_ROUNDOFF).unwrap();
            }
        }
    }
}

#[test]
fn confident_predictions_keep_their_digits() {
    // 1 - p is 2e-9: p itself rounds to 1.
    let mut grad = [0.0; 3];
    let loss = cross_entropy(3, 0.0, LossReduction::Mean, &[20.0, 0.0, -1.0], &[0.0], &mut grad).unwrap();
    let others = (-20f64).exp() + (-21f64).exp();
    assert!((f64::from(grad[0]) + others / (1.0 + others)).abs() < 1e-6 * others, "{}", grad[0]);
    assert!(f64::from(loss) < 1e-7);
    // Large logits, and classes that are impossible.
    let logits = [1e4, -1e4, f32::NEG_INFINITY];
    let loss = cross_entropy(3, 0.0, LossReduction::Mean, &logits, &[1.0], &mut grad).unwrap();
    assert_eq!((loss, grad), (2e4, [1.0, -1.0, 0.0]));
    let loss = cross_entropy(3, 0.0, LossReduction::Sum, &[f32::NAN, 0.0, 0.0], &[1.0], &mut grad).unwrap();
    assert!(loss.is_nan() && grad.iter().all(|g| g.is_nan()));
}

fn naive_elementwise(loss: ElementwiseLoss, x: f64, t: f64) -> f64 {
    match loss {
        ElementwiseLoss::BinaryCrossEntropy => x.max(0.0) - x * t + (-x.abs()).exp().ln_1p(),
        ElementwiseLoss::SquaredError => (x - t) * (x - t),
        ElementwiseLoss::Huber { delta } => {
            let (e, delta) = ((x - t).abs(), f64::from(delta));
            if e <= delta { e * e / 2.0 } else { delta * (e - delta / 2.0) }
        }
    }
}

#[test]
fn elementwise_losses() {
    let mut rng = Rng::new(2);
    let all = [
        ElementwiseLoss::BinaryCrossEntropy,
        ElementwiseLoss::SquaredError,
        ElementwiseLoss::Huber { delta: 1.0 },
        ElementwiseLoss::Huber { delta: 0.25 },
    ];
    for loss in all {
        for len in [1, 2, 3, 4, 5, 63, 64, 65, 131] {
            for (reduction, weight) in [(LossReduction::Mean, 1.0 / len as f64), (LossReduction::Sum, 1.0)] {
                let x = rng.values_in(-4.0, 4.0, len);
                let t = rng.values_in(0.0, 1.0, len);
                let mut grad = Guarded::new(len);
                let (given, targets) = (Guarded::of(&x), Guarded::of(&t));
                let found =
                    elementwise(loss, reduction, given.finish().unwrap(), targets.finish().unwrap(), grad.body())
                        .unwrap();
                let naive = |x: &[f64]| {
                    x.iter().zip(&t).map(|(&x, &t)| naive_elementwise(loss, x, t.into())).sum::<f64>() * weight
                };
                let exact = naive(&to_f64(&x));
                assert!(
                    (f64::from(found) - exact).abs() <= 24.0 * UNIT_ROUNDOFF * (exact + weight),
                    "{loss:?} {found} {exact}"
                );
                let expected = differences(&to_f64(&x), naive);
                compare(grad.finish().unwrap(), &expected, |i| 1e-8 + 4.0 * UNIT_ROUNDOFF * (1.0 + expected[i].abs()))
                    .unwrap_or_else(|error| panic!("{loss:?}: {error}"));
            }
        }
    }
}

#[test]
fn extremes() {
    let mut grad = [0.0; 3];
    let loss = elementwise(
        ElementwiseLoss::BinaryCrossEntropy,
        LossReduction::Sum,
        &[200.0, -200.0, 10.0],
        &[1.0, 0.0, 1.0],
        &mut grad,
    )
    .unwrap();
    let expected = (-10f64).exp().ln_1p();
    assert!((f64::from(loss) - expected).abs() < 1e-6 * expected, "{loss}");
    assert_eq!(grad[..2], [0.0, 0.0]);
    let loss = elementwise(
        ElementwiseLoss::Huber { delta: 1.0 },
        LossReduction::Sum,
        &[1e30, f32::NAN, 0.0],
        &[0.0; 3],
        &mut grad,
    )
    .unwrap();
    assert!(loss.is_nan() && grad[0] == 1.0 && grad[1].is_nan() && grad[2] == 0.0);
}

#[test]
fn what_is_wrong_is_refused() {
    let refused = |classes, smoothing, logits: usize, labels: &[f32], to: usize| {
        cross_entropy(classes, smoothing, LossReduction::Mean, &vec![0.0; logits], labels, &mut vec![0.0; to])
            .unwrap_err()
            .argument
    };
    assert_eq!(refused(3, 0.0, 5, &[0.0, 1.0], 6), "logits");
    assert_eq!(refused(0, 0.0, 0, &[0.0, 1.0], 0), "logits");
    assert_eq!(refused(3, 0.0, 0, &[], 0), "logits");
    assert_eq!(refused(3, 0.0, 6, &[0.0, 1.0], 5), "gradLogits");
    assert_eq!(refused(3, 1.5, 6, &[0.0, 1.0], 6), "labelSmoothing");
    for bad in [3.0, -1.0, 0.5, f32::NAN, f32::INFINITY] {
        assert_eq!(refused(3, 0.0, 6, &[0.0, bad], 6), "labels");
    }
    let refused = |x: usize, t: usize, to: usize| {
        let (x, t) = (vec![0.0; x], vec![0.0; t]);
        elementwise(ElementwiseLoss::SquaredError, LossReduction::Mean, &x, &t, &mut vec![0.0; to])
            .unwrap_err()
            .argument
    };
    assert_eq!([refused(0, 0, 0), refused(3, 2, 3), refused(3, 3, 2)], ["predictions", "targets", "gradPredictions"]);
    assert_eq!(ElementwiseLoss::from_code(2, 0.0).unwrap_err().argument, "delta");
    assert_eq!(ElementwiseLoss::from_code(3, 0.0).unwrap_err().argument, "loss");
    assert_eq!(LossReduction::from_code(2).unwrap_err().argument, "reduction");
}
