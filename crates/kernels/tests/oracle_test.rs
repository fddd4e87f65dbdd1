//! The comparators themselves: a test that cannot fail proves nothing.

mod oracle;
use oracle::{Guarded, Rng, compare, is_close, sum_tolerance, ulps};

#[test]
fn nan_is_close_to_nan_only() {
    assert!(is_close(f32::NAN, f64::NAN, 0.0));
    assert!(!is_close(f32::NAN, 1.0, f64::MAX));
    assert!(!is_close(1.0, f64::NAN, f64::MAX));
    assert!(!is_close(f32::NAN, f64::INFINITY, f64::MAX));
}

#[test]
fn infinities_match_by_sign() {
    assert!(is_close(f32::INFINITY, f64::INFINITY, 0.0));
    assert!(!is_close(f32::NEG_INFINITY, f64::INFINITY, f64::MAX));
    assert!(!is_close(f32::MAX, f64::INFINITY, f64::MAX));
    assert!(is_close(f32::INFINITY, 1e39, 0.0), "1e39 rounds to infinity");
    assert!(!is_close(f32::INFINITY, 1.0, f64::MAX));
}

#[test]
fn tolerance_is_absolute_and_inclusive() {
    assert!(is_close(1.5, 1.0, 0.5));
    assert!(!is_close(1.5, 1.0, 0.49));
    assert!(is_close(-0.0, 0.0, 0.0));
}

#[test]
fn compare_names_the_first_mismatch_and_counts() {
    let mismatch = compare(&[1.0, 2.0, f32::NAN, 9.0], &[1.0, 2.5, 3.0, 9.0], |_| 0.1).unwrap_err();
    assert_eq!((mismatch.index, mismatch.expected, mismatch.count), (1, 2.5, 2));
    assert_eq!(compare(&[], &[], |_| 0.0), Ok(()));
}

#[test]
fn sum_tolerance_sees_a_lost_term() {
    for terms in [1, 9, 576, 4608, 100_000] {
        assert!(sum_tolerance(terms, 1.0, 1.0) < 0.25);
    }
}

#[test]
fn guards_notice_writes_outside_and_gaps() {
    let mut output = Guarded::new(3);
    output.body().fill(1.0);
    assert_eq!(output.finish(), Ok(&[1.0; 3][..]));
    output.body()[1] = f32::NAN;
    assert!(output.finish().is_ok(), "a NaN that was computed is a result");
    let mut output = Guarded::new(3);
    output.body()[0] = 1.0;
    assert!(output.finish().unwrap_err().contains("output[1] of 3 was not written"));
}

#[test]
fn ulps_counts_across_zero() {
    assert_eq!(ulps(0.0, -0.0), 0);
    assert_eq!(ulps(1.0, 1.0 + f32::EPSILON), 1);
    assert_eq!(ulps(f32::from_bits(1), -f32::from_bits(1)), 2);
    assert_eq!(ulps(f32::NAN, 1.0), u32::MAX);
    assert_eq!(ulps(f32::NAN, f32::NAN), 0);
}

#[test]
fn values_are_seeded_and_bounded() {
    let values = Rng::new(7).values(10_000);
    assert_eq!(values, Rng::new(7).values(10_000));
    assert!(values.iter().all(|value| (-1.0..1.0).contains(value)));
    let mean: f32 = values.iter().sum::<f32>() / 10_000.0;
    assert!(mean.abs() < 0.03, "{mean}");
}
