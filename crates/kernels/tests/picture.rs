//! Filters of pictures: every width, kernel and border, and filters that are the product of a column and a row.

mod oracle;
use lenslet_kernels::activation::Activation;
use lenslet_kernels::conv::{Accuracy, Conv2d, Packs, Strategy};
use lenslet_kernels::layout::nhwc_to_nchw;
use lenslet_kernels::memory::Workspace;
use lenslet_kernels::shape::{Conv2dSpec, Image, Layout};
use oracle::conv::{conv2d, plain_spec};
use oracle::{Guarded, Rng, UNIT_ROUNDOFF, compare};

/// A filter of `c` channels that are kept apart, `pads` top, left, bottom and right.
fn spec([n, h, w, c]: [usize; 4], kernel: [usize; 2], pads: [usize; 4]) -> Conv2dSpec {
    let [pad_top, pad_left, pad_bottom, pad_right] = pads;
    Conv2dSpec { groups: c, pad_top, pad_left, pad_bottom, pad_right, ..plain_spec([n, h, w, c], c, kernel) }
}

/// As much padding as keeps the size.
fn same([h, w]: [usize; 2]) -> [usize; 4] {
    [h / 2, w / 2, h - 1 - h / 2, w - 1 - w / 2]
}

/// `[h, w, c]`, rounded products of a column and a row of each channel.
fn product([h, w]: [usize; 2], c: usize, rng: &mut Rng) -> Vec<f32> {
    let (columns, rows) = (rng.values(h * c), rng.values(w * c));
    let at = |i: usize| f64::from(columns[i / (w * c) * c + i % c]) * f64::from(rows[i / c % w * c + i % c]);
    (0..h * w * c).map(|i| at(i) as f32).collect()
}

/// The filter's first channel for all of them.
fn alike(filter: &[f32], c: usize) -> Vec<f32> {
    filter.iter().step_by(c).flat_map(|&weight| core::iter::repeat_n(weight, c)).collect()
}

fn by(strategy: Strategy, spec: &Conv2dSpec) -> Conv2d {
    let conv = Conv2d::new(spec, Layout::Nhwc, Activation::Identity).unwrap();
    conv.with_strategy(strategy).unwrap()
}

fn run(conv: &Conv2d, filter: &[f32], input: &[f32], bias: Option<&[f32]>) -> Vec<f32> {
    let mut output = Guarded::new(conv.shape.output.len());
    let mut workspace = Workspace::default();
    workspace.get(1 << 14).unwrap().fill(f32::NAN);
    let input = Guarded::of(input);
    let packed = conv.pack(filter).unwrap();
    conv.run(input.finish().unwrap(), &packed, bias, None, &mut workspace, output.body()).unwrap();
    output.finish().unwrap().to_vec()
}

/// Both strategies against the definition; the error bound is that of sums of `h w` products, output by output.
fn check(spec: &Conv2dSpec, filter: &[f32], rng: &mut Rng) {
    let input = rng.values(spec.input.len());
    let bias = rng.values(spec.out_c);
    let shape = by(Strategy::Picture, spec).shape;
    let sums = |input: &[f32], filter: &[f32], bias: &[f32]| {
        conv2d(&shape, Layout::Nhwc, Activation::Identity, input, filter, Some(bias), None).values
    };
    let expected = sums(&input, filter, &bias);
    let magnitude = |values: &[f32]| values.iter().map(|x| x.abs()).collect::<Vec<_>>();
    let magnitudes = sums(&magnitude(&input), &magnitude(filter), &magnitude(&bias));
    let roundings = (spec.k_h * spec.k_w + 2) as f64;
    for strategy in [Strategy::Picture, Strategy::Separable] {
        let output = run(&by(strategy, spec), filter, &input, Some(&bias));
        if let Err(error) = compare(&output, &expected, |i| roundings * UNIT_ROUNDOFF * magnitudes[i]) {
            panic!("{}: {error}\n{spec:?}", strategy.name());
        }
    }
}

#[test]
fn every_width_and_kernel() {
    let mut rng = Rng::new(1);
    for kernel in [[1, 1], [3, 3], [2, 2], [1, 5], [5, 1], [4, 3], [3, 6], [5, 5], [7, 7], [9, 9]] {
        for w in (1..=9).chain([15, 16, 17, 23, 24, 25, 31, 47, 48, 49, 50, 97]) {
            let h = rng.pick(&[1, 2, 3, 4, 5, 9]);
            for c in 1..=4 {
                let spec = spec([1, h, w, c], kernel, same(kernel));
                let (window, product) = (rng.values(kernel[0] * kernel[1] * c), product(kernel, c, &mut rng));
                for filter in [&window, &product, &alike(&window, c), &alike(&product, c)] {
                    check(&spec, filter, &mut rng);
                }
            }
        }
    }
}

#[test]
fn every_padding_and_step() {
    let mut rng = Rng::new(2);
    for pads in [[0; 4], [4; 4], [0, 4, 0, 0], [0, 0, 0, 4], [4, 0, 0, 0], [7, 60, 9, 1], [1, 3, 11, 70]] {
        for (stride_h, dilation_h, dilation_w) in [(1, 1, 1), (2, 1, 1), (1, 2, 1), (1, 1, 3), (3, 2, 2)] {
            for ([h, w], c) in [([11, 9], 1), ([9, 29], 3), ([12, 70], 4), ([9, 50], 2)] {
                let spec = Conv2dSpec { stride_h, dilation_h, dilation_w, ..spec([2, h, w, c], [5, 4], pads) };
                if Conv2d::new(&spec, Layout::Nhwc, Activation::Identity).is_ok() {
                    let filter = product([5, 4], c, &mut rng);
                    check(&spec, &filter, &mut rng);
                    check(&spec, &alike(&filter, c), &mut rng);
                }
            }
        }
    }
}

#[test]
fn a_product_is_found_and_nothing_else_is_taken_for_one() {
    let two_passes = |[h, w]: [usize; 2], c: usize, filter: &[f32]| {
        let spec = spec([1, 20, 20, c], [h, w], same([h, w]));
        let packed = by(Strategy::Separable, &spec).pack(filter).unwrap();
        packed.bytes() < by(Strategy::Picture, &spec).pack(filter).unwrap().bytes()
    };
    let gaussian = |sigma: f64, n: usize| -> Vec<f32> {
        let bell = |i: usize| (-((i as f64 - (n / 2) as f64) / sigma).powi(2) / 2.0).exp();
        let sum: f64 = (0..n).map(bell).sum();
        (0..n * n).map(|i| (bell(i / n) * bell(i % n) / sum / sum) as f32).collect()
    };
    for (sigma, n) in [(0.5, 5), (1.0, 5), (1.4, 7), (2.0, 9), (2.0, 13), (5.0, 31), (0.3, 25)] {
        let filter = gaussian(sigma, n);
        assert!(two_passes([n, n], 1, &filter), "{sigma} {n}");
        let rgb: Vec<f32> = filter.iter().flat_map(|&weight| [weight; 3]).collect();
        assert!(two_passes([n, n], 3, &rgb));
        // One weight off by 20 units, or one that belongs to none.
        for change in [|w: f32| w * (1.0 + 20.0 * f32::EPSILON), |w: f32| w + 1e-3, |_| f32::NAN, |_| f32::INFINITY] {
            let mut filter = filter.clone();
            filter[n + 1] = change(filter[n + 1].max(1e-6));
            assert!(!two_passes([n, n], 1, &filter));
        }
    }
    assert!(two_passes([7, 7], 1, &[1.0 / 49.0; 49]));
    // Prewitt's and Sobel's of 5x5, a row of zeros in the middle.
    let sobel: Vec<f32> =
        [-1.0, -2.0, 0.0, 2.0, 1.0].iter().flat_map(|y| [1.0, 4.0, 6.0, 4.0, 1.0].map(|x| x * y)).collect();
    assert!(two_passes([5, 5], 1, &sobel));
    // A laplacian of 5x5 is none, zeros and windows of a row are none, and channels are each their own.
    assert!(!two_passes(
        [5, 5],
        1,
        &[[-1.0; 12], [24.0; 12]].concat()[..].iter().copied().chain([-1.0]).collect::<Vec<_>>()
    ));
    assert!(!two_passes([5, 5], 1, &[0.0; 25]));
    assert!(
        !two_passes([1, 9], 1, &[1.0; 9]) && !two_passes([9, 1], 1, &[1.0; 9]) && !two_passes([2, 2], 1, &[1.0; 4])
    );
    let mut rng = Rng::new(3);
    for c in [2, 4] {
        let filter = product([5, 5], c, &mut rng);
        assert!(two_passes([5, 5], c, &filter));
        let mut one_off = filter.clone();
        one_off[7 * c + 1] += 0.1;
        assert!(!two_passes([5, 5], c, &one_off));
    }
}

#[test]
fn planes_are_what_interleaved_channels_are() {
    let mut rng = Rng::new(5);
    for kernel in [[3, 3], [5, 5], [1, 4]] {
        for (c, w) in [(1, 9), (2, 30), (3, 60), (4, 100)] {
            for filter in [rng.values(kernel[0] * kernel[1]), product(kernel, 1, &mut rng)] {
                let filter: Vec<f32> = filter.iter().flat_map(|&weight| core::iter::repeat_n(weight, c)).collect();
                let spec = spec([2, 7, w, c], kernel, [2, 1, 0, 3]);
                let conv = Conv2d::new(&spec, Layout::Nhwc, Activation::Relu).unwrap();
                let conv = conv.with_strategy(Strategy::Separable).unwrap();
                let (from, to) = (conv.shape.input, conv.shape.output);
                let [input, bias, residual] = [from.len(), c, to.len()].map(|len| rng.values(len));
                let packed = conv.pack(&filter).unwrap();
                let mut workspace = Workspace::default();
                let mut expected = vec![f32::NAN; to.len()];
                conv.run(&input, &packed, Some(&bias), Some(&residual), &mut workspace, &mut expected).unwrap();

                let planes = |image: &Image, values: &[f32]| {
                    let mut planes = vec![f32::NAN; values.len()];
                    nhwc_to_nchw(image, values, &mut planes).unwrap();
                    planes
                };
                let mut output = Guarded::new(to.len());
                assert!(conv.can_run_planes(&packed));
                let (input, residual) = (planes(&from, &input), planes(&to, &residual));
                conv.run_planes(&input, &packed, Some(&bias), Some(&residual), &mut workspace, output.body()).unwrap();
                let expected: Vec<f64> = planes(&to, &expected).into_iter().map(f64::from).collect();
                let tolerance = 2.0 * (kernel[0] * kernel[1] + 3) as f64 * UNIT_ROUNDOFF * 27.0;
                compare(output.finish().unwrap(), &expected, |_| tolerance).unwrap();
            }
        }
    }
}

#[test]
fn planes_are_refused_where_channels_differ() {
    let mut rng = Rng::new(6);
    for c in [2, 3, 4] {
        let spec = spec([1, 9, 60, c], [5, 5], [2; 4]);
        let conv = by(Strategy::Separable, &spec);
        let input = rng.values(conv.shape.input.len());
        for filter in [rng.values(25 * c), product([5, 5], c, &mut rng)] {
            let packed = conv.pack(&filter).unwrap();
            assert!(!conv.can_run_planes(&packed));
            let mut output = vec![0.0; input.len()];
            let result = conv.run_planes(&input, &packed, None, None, &mut Workspace::default(), &mut output);
            assert_eq!(result.unwrap_err().argument, "filter");
        }
        let depthwise = conv.with_strategy(Strategy::Depthwise).unwrap();
        assert!(!depthwise.can_run_planes(&depthwise.pack(&vec![1.0; 25 * c]).unwrap()));
    }
}

#[test]
fn simple_integers_are_exact() {
    // A column's weights are scaled by a power of two only.
    let mut rng = Rng::new(4);
    let binomial = [1.0, 4.0, 6.0, 4.0, 1.0];
    let filter: Vec<f32> = binomial.iter().flat_map(|y| binomial.map(|x| x * y)).collect();
    let input: Vec<f32> = (0..60 * 20).map(|_| rng.int(0, 255) as f32).collect();
    let spec = spec([1, 20, 60, 1], [5, 5], [2; 4]);
    let plain = run(&by(Strategy::Picture, &spec), &filter, &input, None);
    assert_eq!(run(&by(Strategy::Separable, &spec), &filter, &input, None), plain);
}

#[test]
fn sums_between_the_passes_do_not_overflow() {
    let spec = spec([1, 12, 60, 1], [5, 5], [2; 4]);
    for weight in [1e-30f32, 1.0 / 32.0] {
        let output = run(&by(Strategy::Separable, &spec), &[weight; 25], &[1e38; 12 * 60], None);
        assert!((output[2 * 60 + 30] / (25.0 * weight * 1e38) - 1.0).abs() < 1e-5, "{}", output[2 * 60 + 30]);
    }
}

#[test]
fn nan_and_infinity_stay_where_the_window_sees_them() {
    for (c, value) in [(1, f32::NAN), (1, f32::INFINITY), (3, f32::NAN), (4, f32::INFINITY)] {
        for kernel in [[3, 3], [5, 5]] {
            let spec = spec([1, 20, 70, c], kernel, same(kernel));
            let mut input = vec![1.0; 20 * 70 * c];
            input[(9 * 70 + 30) * c] = value;
            for strategy in [Strategy::Picture, Strategy::Separable] {
                let output = run(&by(strategy, &spec), &vec![1.0; kernel[0] * kernel[1] * c], &input, None);
                for (i, sum) in output.iter().enumerate() {
                    let (y, x, channel) = (i / c / 70, i / c % 70, i % c);
                    let sees = y.abs_diff(9) <= kernel[0] / 2 && x.abs_diff(30) <= kernel[1] / 2 && channel == 0;
                    assert_eq!(!sum.is_finite(), sees, "{} {y} {x}", strategy.name());
                }
            }
        }
    }
}

#[test]
fn strict_accuracy_sums_plainly() {
    let large = spec([1, 64, 64, 3], [5, 5], [2; 4]);
    let conv = Conv2d::new(&large, Layout::Nhwc, Activation::Identity).unwrap();
    assert_eq!(conv.strategy(), Strategy::Separable);
    assert_eq!(conv.with_accuracy(Accuracy::Strict).strategy(), Strategy::Picture);
    // What cannot be vectors of neighbours, or would need much memory, is left to others.
    let not_a_picture = [
        Conv2dSpec { stride_w: 2, ..large },
        Conv2dSpec { out_c: 6, ..large },
        Conv2dSpec { pad_left: 1 << 19, ..large },
        Conv2dSpec { pad_right: 1 << 28, dilation_w: 1 << 26, ..large },
        spec([1, 64, 64, 5], [5, 5], [2; 4]),
    ];
    for spec in not_a_picture {
        let conv = Conv2d::new(&spec, Layout::Nhwc, Activation::Identity).unwrap();
        assert_eq!((conv.strategy(), conv.with_strategy(Strategy::Separable)), (Strategy::Depthwise, None));
    }
}
