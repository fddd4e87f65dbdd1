//! Pools against their definitions: awkward sizes, random specs, special values, wrong buffers.

mod oracle;
use lenslet_kernels::pool::*;
use lenslet_kernels::shape::{ErrorCode, Image, Layout, Pool2dShape, Pool2dSpec};
use oracle::pool::{adaptive2d, max_indices, pool2d, spec};
use oracle::random::random;
use oracle::{Guarded, Rng, UNIT_ROUNDOFF, compare, max_abs};
use proptest::prelude::*;

/// Error of a sum (or of the root of a sum of squares) of `terms` values, and of the division or root behind it.
/// Unlike a convolution's, the terms of the tests' means may all have one sign: the bound is the worst case for `terms` roundings
/// of partial sums that grow to the total, divided by `terms`.
fn tolerance(kind: PoolKind, terms: usize, largest: f64) -> f64 {
    let terms = terms as f64;
    match kind {
        PoolKind::Max => 0.0,
        PoolKind::Avg => UNIT_ROUNDOFF * largest * (terms / 2.0 + 2.0),
        PoolKind::L2 => UNIT_ROUNDOFF * largest * terms.sqrt() * (terms / 2.0 + 3.0),
        PoolKind::L1 => UNIT_ROUNDOFF * largest * terms * (terms / 2.0 + 2.0),
    }
}

fn run(
    kind: PoolKind,
    count_include_pad: bool,
    shape: &Pool2dShape,
    input: &[f32],
    output: &mut [f32],
) -> Result<(), lenslet_kernels::shape::SpecError> {
    match kind {
        PoolKind::Max => max_pool2d(shape, input, output),
        PoolKind::Avg => avg_pool2d(shape, count_include_pad, input, output),
        PoolKind::L2 => l2_pool2d(shape, input, output),
        PoolKind::L1 => l1_pool2d(shape, input, output),
    }
}

fn check(kind: PoolKind, count_include_pad: bool, spec: &Pool2dSpec, values: &[f32]) -> Result<(), String> {
    let shape = Pool2dShape::new(spec).map_err(|error| error.to_string())?;
    let mut input = Guarded::of(values);
    let mut output = Guarded::new(shape.output.len());
    run(kind, count_include_pad, &shape, input.body(), output.body()).map_err(|error| error.to_string())?;
    let tolerance = tolerance(kind, shape.h.kernel * shape.w.kernel, max_abs(values));
    let expected = pool2d(kind, count_include_pad, &shape, values);
    compare(output.finish()?, &expected, |_| tolerance)?;
    if kind == PoolKind::Max {
        check_indices(&shape, values, output.finish()?)?;
    }
    Ok(())
}

fn check_indices(shape: &Pool2dShape, values: &[f32], maxima: &[f32]) -> Result<(), String> {
    for layout in [Layout::Nhwc, Layout::Nchw] {
        let mut output = Guarded::new(shape.output.len());
        let mut indices = vec![7; shape.output.len()];
        max_pool2d_with_indices(shape, layout, values, output.body(), &mut indices).map_err(|e| e.to_string())?;
        let same = |a: &f32, b: &f32| a == b || (a.is_nan() && b.is_nan());
        if !output.finish()?.iter().zip(maxima).all(|(a, b)| same(a, b)) {
            return Err("maxima differ with indices and without".into());
        }
        if indices != max_indices(shape, layout, values) {
            return Err(format!("wrong indices, {layout:?}"));
        }
    }
    Ok(())
}

const KINDS: [(PoolKind, bool); 5] = [
    (PoolKind::Max, false),
    (PoolKind::Avg, false),
    (PoolKind::Avg, true),
    (PoolKind::L2, false),
    (PoolKind::L1, false),
];

#[track_caller]
fn check_all(spec: &Pool2dSpec, rng: &mut Rng) {
    let values = rng.values(spec.input.len());
    for (kind, include) in KINDS {
        if let Err(error) = check(kind, include, spec, &values) {
            panic!("{kind:?}, count_include_pad {include}, {spec:?}: {error}");
        }
    }
}

#[test]
fn awkward_sizes() {
    let mut rng = Rng::new(1);
    for c in [1, 2, 3, 4, 5, 7, 8, 15, 16, 17, 20, 31, 33] {
        for size in [1, 2, 3, 4, 5, 7, 8, 9, 17] {
            for kernel in 1..=5usize.min(size) {
                for stride in 1..=3 {
                    let mut spec = spec([1, size, size, c], [kernel, kernel]);
                    (spec.stride_h, spec.stride_w) = (stride, stride);
                    check_all(&spec, &mut rng);
                }
            }
        }
    }
}

#[test]
fn wide_rows() {
    // Whole blocks of 16 in both steps of `by_rows`, with every remainder.
    let mut rng = Rng::new(2);
    for w in (30..50).chain([64, 100]) {
        for c in [1, 3, 5] {
            for (kernel, stride) in [(2, 2), (3, 2), (3, 1), (5, 1), (5, 2), (4, 3)] {
                let mut spec = spec([1, 6, w, c], [kernel, kernel]);
                (spec.stride_h, spec.stride_w) = (stride, stride);
                check_all(&spec, &mut rng);
            }
        }
    }
}

#[test]
fn kernels_larger_than_the_input_with_padding() {
    let mut rng = Rng::new(3);
    for c in [1, 3, 4, 9] {
        for kernel in [3, 4, 7] {
            for pad in 1..kernel {
                let mut spec = spec([2, 1, 2, c], [kernel, kernel]);
                (spec.pad_top, spec.pad_left, spec.pad_bottom, spec.pad_right) = (pad, pad, kernel - 1, kernel - 1);
                check_all(&spec, &mut rng);
                spec.ceil_mode = true;
                (spec.stride_h, spec.stride_w) = (2, 3);
                check_all(&spec, &mut rng);
            }
        }
    }
}

#[test]
fn dilation_steps_over_a_small_input() {
    let mut rng = Rng::new(4);
    for c in [1, 4, 6] {
        let mut spec = spec([1, 2, 2, c], [2, 2]);
        (spec.dilation_h, spec.dilation_w) = (4, 4);
        (spec.pad_top, spec.pad_left, spec.pad_bottom, spec.pad_right) = (1, 1, 2, 2);
        check_all(&spec, &mut rng);
        let shape = Pool2dShape::new(&spec).unwrap();
        let mut output = vec![0.0; shape.output.len()];
        max_pool2d(&shape, &rng.values(spec.input.len()), &mut output).unwrap();
        assert_eq!(output[0], f32::NEG_INFINITY, "no tap of the first window lies in the input");
    }
}

#[test]
fn means_in_ceil_mode_count_no_further_than_the_padding() {
    let mut spec = spec([1, 4, 4, 1], [3, 3]);
    (spec.stride_h, spec.stride_w, spec.ceil_mode) = (2, 2, true);
    let shape = Pool2dShape::new(&spec).unwrap();
    let mut output = [0.0; 4];
    avg_pool2d(&shape, true, &[1.0; 16], &mut output).unwrap();
    assert_eq!(output, [1.0; 4], "the last windows hold 2 of 3 rows, and nothing beyond them counts");
}

fn specs() -> impl Strategy<Value = (Pool2dSpec, u64)> {
    let axis = || (1..=12usize, 1..=6usize, 1..=4usize, 1..=3usize, any::<(u8, u8)>());
    let channels = prop_oneof![Just(1), Just(3), 1..=20usize, Just(31), Just(36)];
    let batch = prop_oneof![4 => Just(1), 1 => 2..=3usize];
    (batch, channels, axis(), axis(), any::<bool>(), any::<u64>()).prop_filter_map(
        "the output would be empty",
        |(n, c, h, w, ceil_mode, seed)| {
            let pads = |(_, k, _, d, (a, b)): &(usize, usize, usize, usize, (u8, u8))| {
                let extent = d * (k - 1) + 1;
                // Half of them without padding.
                [a, b].map(|p| if p % 2 == 0 { 0 } else { usize::from(p / 2) % extent })
            };
            let ([pad_top, pad_bottom], [pad_left, pad_right]) = (pads(&h), pads(&w));
            let spec = Pool2dSpec {
                input: Image { n, h: h.0, w: w.0, c },
                k_h: h.1,
                k_w: w.1,
                stride_h: h.2,
                stride_w: w.2,
                dilation_h: h.3,
                dilation_w: w.3,
                pad_top,
                pad_left,
                pad_bottom,
                pad_right,
                ceil_mode,
            };
            Pool2dShape::new(&spec).is_ok().then_some((spec, seed))
        },
    )
}

fn random_specs(kind: PoolKind, count_include_pad: bool) {
    random(4000, &specs(), |(spec, seed)| {
        let values = Rng::new(seed).values(spec.input.len());
        check(kind, count_include_pad, &spec, &values)
    });
}

#[test]
fn random_max() {
    random_specs(PoolKind::Max, false);
}

#[test]
fn random_avg_without_padding() {
    random_specs(PoolKind::Avg, false);
}

#[test]
fn random_avg_with_padding() {
    random_specs(PoolKind::Avg, true);
}

#[test]
fn random_l2() {
    random_specs(PoolKind::L2, false);
}

#[test]
fn random_l1() {
    random_specs(PoolKind::L1, false);
}

#[test]
fn random_max_with_ties_nan_and_infinities() {
    let rare = [f32::NAN, f32::INFINITY, f32::NEG_INFINITY, -0.0, 0.0, 1.0];
    random(4000, &specs(), |(spec, seed)| {
        let mut rng = Rng::new(seed);
        let values: Vec<f32> = (0..spec.input.len())
            .map(|_| if rng.one_in(8) { rng.pick(&rare) } else { (rng.value() * 3.0).round() })
            .collect();
        check(PoolKind::Max, false, &spec, &values)
    });
}

#[test]
fn random_global() {
    let images = (1..=3usize, 1..=20usize, 1..=20usize, 1..=40usize, any::<u64>());
    random(3000, &images, |(n, h, w, c, seed)| {
        let image = Image { n, h, w, c };
        let values = Rng::new(seed).values(image.len());
        for kind in [PoolKind::Max, PoolKind::Avg, PoolKind::L2, PoolKind::L1] {
            let mut output = Guarded::new(n * c);
            global_pool2d(kind, &image, Guarded::of(&values).body(), output.body()).map_err(|e| e.to_string())?;
            let tolerance = tolerance(kind, h * w, max_abs(&values));
            compare(output.finish()?, &adaptive2d(kind, &image, 1, 1, &values), |_| tolerance)?;
        }
        Ok(())
    });
}

#[test]
fn random_adaptive() {
    let specs = (1..=2usize, 1..=14usize, 1..=14usize, 1..=21usize, 1..=16usize, 1..=16usize, any::<u64>());
    random(3000, &specs, |(n, h, w, c, out_h, out_w, seed)| {
        let image = Image { n, h, w, c };
        let values = Rng::new(seed).values(image.len());
        for kind in [PoolKind::Max, PoolKind::Avg, PoolKind::L2, PoolKind::L1] {
            let mut output = Guarded::new(n * out_h * out_w * c);
            adaptive_pool2d(kind, &image, out_h, out_w, Guarded::of(&values).body(), output.body())
                .map_err(|e| e.to_string())?;
            let tolerance = tolerance(kind, h * w, max_abs(&values));
            compare(output.finish()?, &adaptive2d(kind, &image, out_h, out_w, &values), |_| tolerance)?;
        }
        Ok(())
    });
}

#[test]
fn a_global_mean_of_many_elements_keeps_its_digits() {
    // 1e6 equal elements: a plain running sum in float32 would be off by far more than this.
    for c in [1, 3, 4, 6] {
        let image = Image { n: 1, h: 1000, w: 1000, c };
        let mut output = vec![0.0; c];
        global_pool2d(PoolKind::Avg, &image, &vec![0.1; image.len()], &mut output).unwrap();
        for y in output {
            assert!((y - 0.1).abs() < 1e-4, "{y}");
        }
    }
}

#[test]
fn wrong_buffers_are_refused() {
    let shape = Pool2dShape::new(&spec([1, 4, 4, 2], [2, 2])).unwrap();
    let (input, mut output) = (vec![0.0; 32], vec![0.0; 18]);
    let refused = |result: Result<(), lenslet_kernels::shape::SpecError>, argument: &str| {
        let error = result.unwrap_err();
        assert_eq!((error.code, error.argument), (ErrorCode::ShapeMismatch, argument));
    };
    refused(max_pool2d(&shape, &input[1..], &mut output), "input");
    refused(avg_pool2d(&shape, true, &input, &mut output[1..]), "output");
    refused(l2_pool2d(&shape, &[], &mut output), "input");
    refused(l1_pool2d(&shape, &[], &mut output), "input");
    refused(max_pool2d_with_indices(&shape, Layout::Nhwc, &input, &mut output, &mut [0; 17]), "indices");
    let image = shape.input;
    refused(global_pool2d(PoolKind::Max, &image, &input, &mut output[..3]), "output");
    refused(adaptive_pool2d(PoolKind::Avg, &image, 2, 2, &input, &mut output[..7]), "output");
    let error = adaptive_pool2d(PoolKind::Avg, &image, 0, 2, &input, &mut output).unwrap_err();
    assert_eq!((error.code, error.argument), (ErrorCode::InvalidArgument, "output"));
    let huge = adaptive_pool2d(PoolKind::Avg, &image, usize::MAX, 2, &input, &mut output).unwrap_err();
    assert_eq!(huge.code, ErrorCode::TooLarge);
    assert!(global_pool2d(PoolKind::Avg, &Image { n: 0, ..image }, &[], &mut []).is_err());
    assert!(PoolKind::from_code(4).is_err());
}
