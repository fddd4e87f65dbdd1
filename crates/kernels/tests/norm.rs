//! Batch normalisation against float64.

mod oracle;
use lenslet_kernels::norm::{BatchNorm, batch_norm};
use oracle::random::random;
use oracle::{Guarded, Rng, UNIT_ROUNDOFF, compare};
use proptest::prelude::*;

#[test]
fn random_batch_norms() {
    let inner = prop_oneof![Just(1), 1..=20usize];
    let channels = prop_oneof![1..=40usize, 120..=260usize];
    random(3000, &(1..=40usize, channels, inner, 0..4u8, any::<u64>()), |(outer, c, inner, given, seed)| {
        let mut rng = Rng::new(seed);
        // A mean far above the deviation: what folding it into the offset would not survive.
        let mean = rng.values_in(-100.0, 100.0, c);
        let variance = rng.values_in(0.01, 4.0, c);
        let (scale, offset) = (rng.values(c), rng.values(c));
        let input: Vec<f32> = (0..outer * c * inner).map(|i| mean[i / inner % c] + rng.value()).collect();
        let norm = BatchNorm {
            mean: &mean,
            variance: &variance,
            scale: (given & 1 != 0).then_some(&scale),
            offset: (given & 2 != 0).then_some(&offset),
            epsilon: 1e-5,
        };
        let mut output = Guarded::new(input.len());
        batch_norm(&norm, outer, c, inner, Guarded::of(&input).body(), output.body()).map_err(|e| e.to_string())?;
        let expected: Vec<f64> = (0..input.len())
            .map(|i| {
                let k = i / inner % c;
                let centred = f64::from(input[i]) - f64::from(mean[k]);
                let factor = if given & 1 != 0 { f64::from(scale[k]) } else { 1.0 };
                let offset = if given & 2 != 0 { f64::from(offset[k]) } else { 0.0 };
                centred / (f64::from(variance[k]) + f64::from(1e-5f32)).sqrt() * factor + offset
            })
            .collect();
        // Two roundings of the centred value's factor, one of the sum, one of the difference: all of results up to 12.
        compare(output.finish()?, &expected, |i| 6.0 * UNIT_ROUNDOFF * (expected[i].abs() + 2.0))?;
        Ok(())
    });
}

#[test]
fn what_is_wrong_is_refused() {
    let two = [1.0, 2.0];
    let norm = BatchNorm { mean: &two, variance: &two, scale: None, offset: None, epsilon: 0.0 };
    let mut output = [0.0; 4];
    let mut refused = |norm: &BatchNorm, outer: usize, c: usize, inner: usize, input: &[f32]| {
        batch_norm(norm, outer, c, inner, input, &mut output).unwrap_err().argument
    };
    assert_eq!(refused(&norm, 2, 2, 1, &[0.0; 3]), "input");
    assert_eq!(refused(&norm, 1, 2, 3, &[0.0; 6]), "output");
    assert_eq!(refused(&norm, 1, 4, 1, &[0.0; 4]), "mean");
    assert_eq!(refused(&norm, 0, 2, 1, &[]), "input");
    assert_eq!(refused(&norm, usize::MAX, 2, 1, &[]), "input");
    assert_eq!(refused(&BatchNorm { variance: &two[1..], ..norm }, 2, 2, 1, &[0.0; 4]), "variance");
    assert_eq!(refused(&BatchNorm { scale: Some(&[]), ..norm }, 2, 2, 1, &[0.0; 4]), "scale");
    assert_eq!(refused(&BatchNorm { offset: Some(&[]), ..norm }, 2, 2, 1, &[0.0; 4]), "offset");
    for epsilon in [-1.0, f32::NAN] {
        assert_eq!(refused(&BatchNorm { epsilon, ..norm }, 2, 2, 1, &[0.0; 4]), "epsilon");
    }
}
