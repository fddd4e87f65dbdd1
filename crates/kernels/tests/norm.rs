//! Normalisations against float64.

mod oracle;
use lenslet_kernels::norm::{
    BatchNorm, GroupNorm, LocalResponse, batch_norm, group_norm, layer_norm, local_response_norm,
};
use lenslet_kernels::shape::Image;
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

/// Mean and variance.
fn statistics(xs: &[f64]) -> [f64; 2] {
    let n = xs.len() as f64;
    let mean = xs.iter().sum::<f64>() / n;
    [mean, xs.iter().map(|x| (x - mean) * (x - mean)).sum::<f64>() / n]
}

#[test]
fn random_group_norms() {
    let sizes =
        (1..=2usize, prop_oneof![1..=40usize, 300..=330usize], 1..=9usize, prop_oneof![Just(1usize), 1..=5usize]);
    random(1500, &(sizes, 0..4u8, any::<u64>()), |((n, pixels, groups, in_group), given, seed)| {
        let mut rng = Rng::new(seed);
        let c = groups * in_group;
        let image = Image { n, h: 1, w: pixels, c };
        let centre = rng.values_in(-30.0, 30.0, groups);
        let input: Vec<f32> = (0..image.len()).map(|i| centre[i % c / in_group] + 2.0 * rng.value()).collect();
        let (scale, offset) = (rng.values(c), rng.values(c));
        let norm = GroupNorm {
            groups,
            scale: (given & 1 != 0).then_some(&scale),
            offset: (given & 2 != 0).then_some(&offset),
            epsilon: 1e-3,
        };
        let mut output = Guarded::new(input.len());
        group_norm(&norm, &image, Guarded::of(&input).body(), output.body()).map_err(|e| e.to_string())?;
        let mut expected = vec![0.0; input.len()];
        for (image, to) in input.chunks_exact(pixels * c).zip(expected.chunks_exact_mut(pixels * c)) {
            for group in 0..groups {
                let at: Vec<usize> = (0..pixels * c).filter(|i| i % c / in_group == group).collect();
                let xs: Vec<f64> = at.iter().map(|&i| image[i].into()).collect();
                let [mean, variance] = statistics(&xs);
                for (&i, x) in at.iter().zip(xs) {
                    let factor = norm.scale.map_or(1.0, |scale| f64::from(scale[i % c]));
                    let offset = norm.offset.map_or(0.0, |offset| f64::from(offset[i % c]));
                    to[i] = (x - mean) / (variance + f64::from(1e-3f32)).sqrt() * factor + offset;
                }
            }
        }
        // The mean is known to a rounding of itself, up to 30 deviations of 1e-3^-½ = 32 at most.
        compare(output.finish()?, &expected, |i| UNIT_ROUNDOFF * (12.0 * expected[i].abs() + 4.0 * 32.0 * 32.0))?;
        Ok(())
    });
}

#[test]
fn random_layer_norms() {
    random(
        1500,
        &(1..=5usize, prop_oneof![1..=40usize, 500..=520usize], 0..4u8, any::<u64>()),
        |(outer, inner, given, seed)| {
            let mut rng = Rng::new(seed);
            let input: Vec<f32> = rng.values(outer * inner).iter().map(|x| 5.0 + x).collect();
            let (scale, offset) = (rng.values(inner), rng.values(inner));
            let given = [(given & 1 != 0).then_some(&scale[..]), (given & 2 != 0).then_some(&offset[..])];
            let mut output = Guarded::new(input.len());
            layer_norm([outer, inner], given, 1e-3, Guarded::of(&input).body(), output.body())
                .map_err(|e| e.to_string())?;
            let expected: Vec<f64> = input
                .chunks_exact(inner)
                .flat_map(|row| {
                    let row: Vec<f64> = row.iter().map(|&x| x.into()).collect();
                    let [mean, variance] = statistics(&row);
                    let deviation = (variance + f64::from(1e-3f32)).sqrt();
                    let value = |(i, x): (usize, &f64)| {
                        (x - mean) / deviation * given[0].map_or(1.0, |scale| f64::from(scale[i]))
                            + given[1].map_or(0.0, |offset| f64::from(offset[i]))
                    };
                    row.iter().enumerate().map(value).collect::<Vec<_>>()
                })
                .collect();
            compare(output.finish()?, &expected, |i| UNIT_ROUNDOFF * (12.0 * expected[i].abs() + 4.0 * 6.0 * 32.0))?;
            Ok(())
        },
    );
}

#[test]
fn random_local_responses() {
    random(1500, &(1..=4usize, 1..=30usize, 1..=60usize, any::<u64>()), |(pixels, c, size, seed)| {
        let size = (size - 1) % (2 * c) + 1;
        let mut rng = Rng::new(seed);
        let input = rng.values_in(-3.0, 3.0, pixels * c);
        let norm = LocalResponse { size, alpha: 0.5, beta: [0.75, 0.5, 1.0][rng.int(0, 2)], bias: 1.0 };
        let image = Image { n: 1, h: 1, w: pixels, c };
        let mut output = Guarded::new(input.len());
        local_response_norm(&norm, &image, Guarded::of(&input).body(), output.body()).map_err(|e| e.to_string())?;
        let expected: Vec<f64> = (0..input.len())
            .map(|i| {
                let (pixel, channel) = (i / c * c, (i % c) as i64);
                let before = (size as i64 - 1) / 2;
                let window = (channel - before).max(0)..(channel - before + size as i64).min(c as i64);
                let sum: f64 = window.map(|j| f64::from(input[pixel + j as usize]).powi(2)).sum();
                f64::from(input[i]) / (1.0 + 0.5 / size as f64 * sum).powf(norm.beta.into())
            })
            .collect();
        compare(output.finish()?, &expected, |i| {
            UNIT_ROUNDOFF * (size as f64 / 2.0 + 20.0) * expected[i].abs() + 1e-37
        })?;
        Ok(())
    });
}

#[test]
fn wrong_norms_are_refused() {
    let image = Image { n: 1, h: 1, w: 2, c: 3 };
    let (x, two) = ([0.0; 6], [0.0; 2]);
    let mut output = [0.0; 6];
    let norm = GroupNorm { groups: 1, scale: None, offset: None, epsilon: 0.0 };
    let mut group = |norm: &GroupNorm| group_norm(norm, &image, &x, &mut output).map_err(|error| error.argument).err();
    assert_eq!(group(&norm), None);
    for groups in [0, 2, 4] {
        assert_eq!(group(&GroupNorm { groups, ..norm }), Some("groups"));
    }
    assert_eq!(group(&GroupNorm { scale: Some(&two), ..norm }), Some("scale"));
    assert_eq!(group(&GroupNorm { epsilon: f32::NAN, ..norm }), Some("epsilon"));
    assert!(group_norm(&norm, &image, &x[1..], &mut output).is_err());
    let mut layer = |offset: &[f32], epsilon: f32| {
        layer_norm([2, 3], [None, Some(offset)], epsilon, &x, &mut output).map_err(|error| error.argument).err()
    };
    assert_eq!([layer(&x[..3], 0.0), layer(&two, 0.0), layer(&x[..3], -1.0)], [None, Some("offset"), Some("epsilon")]);
    assert!(layer_norm([2, 4], [None, None], 0.0, &x, &mut output).is_err());
    for size in [0, 7] {
        let norm = LocalResponse { size, alpha: 1.0, beta: 1.0, bias: 1.0 };
        assert_eq!(local_response_norm(&norm, &image, &x, &mut output).unwrap_err().argument, "size");
    }
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
