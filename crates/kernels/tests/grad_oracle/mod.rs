//! Gradients in float64: by the definitions, and by central differences of naive forward passes.
#![allow(dead_code, unreachable_pub)]

pub mod conv;

/// Half the distance of the two points of a central difference. The error is that of the third derivative times its square,
/// 1e-10, and of float64's rounding divided by it, 1e-11.
const STEP: f64 = 1e-5;
/// How far a difference may be from the derivative, for values and derivatives of about 1.
pub const DIFFERENCE_TOLERANCE: f64 = 2e-8;

/// The derivatives of `loss` at `x` by central differences.
pub fn differences(x: &[f64], loss: impl Fn(&[f64]) -> f64) -> Vec<f64> {
    let mut x = x.to_vec();
    (0..x.len())
        .map(|i| {
            let here = x[i];
            x[i] = here + STEP;
            let above = loss(&x);
            x[i] = here - STEP;
            let below = loss(&x);
            x[i] = here;
            (above - below) / (2.0 * STEP)
        })
        .collect()
}

/// The scalar whose gradient with respect to `y` is `gradient`.
pub fn weighted(y: &[f64], gradient: &[f64]) -> f64 {
    assert_eq!(y.len(), gradient.len());
    y.iter().zip(gradient).map(|(y, g)| y * g).sum()
}

pub fn to_f64(values: &[f32]) -> Vec<f64> {
    values.iter().map(|&value| value.into()).collect()
}

/// Panics where derivatives differ from differences by more than the differences' error.
pub fn agree(what: &str, derivatives: &[f64], differences: &[f64]) {
    assert_eq!(derivatives.len(), differences.len(), "{what}");
    for (i, (a, b)) in derivatives.iter().zip(differences).enumerate() {
        let tolerance = DIFFERENCE_TOLERANCE * (1.0 + a.abs());
        assert!((a - b).abs() <= tolerance, "{what}[{i}]: derivative {a:e}, difference {b:e}");
    }
}
