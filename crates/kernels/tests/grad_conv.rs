//! Gradients of convolutions and transposed convolutions against float64.

mod grad_oracle;
mod oracle;
use grad_oracle::conv::{bias_gradient, filter_gradient, forward, input_gradient};
use grad_oracle::{agree, differences, to_f64, weighted};
use lenslet_kernels::activation::Activation;
use lenslet_kernels::conv::{Accuracy, Strategy};
use lenslet_kernels::grad::conv::{Conv2dGradient, ConvTranspose2dGradient};
use lenslet_kernels::memory::Workspace;
use lenslet_kernels::shape::{Conv2dShape, Conv2dSpec, ConvTranspose2dSpec, Layout};
use oracle::conv::{plain_spec, random_spec};
use oracle::{Guarded, Rng, UNIT_ROUNDOFF, compare, first_seed, spec_count, sum_tolerance};

/// Runs one gradient into a guarded output, with a workspace full of NaN.
fn gradient(
    len: usize,
    expected: &[f64],
    tolerance: f64,
    run: impl FnOnce(&mut Workspace, &mut [f32]) -> Result<(), lenslet_kernels::shape::SpecError>,
) -> Result<(), String> {
    let mut workspace = Workspace::default();
    workspace.get(1 << 14).unwrap().fill(f32::NAN);
    let mut output = Guarded::new(len);
    run(&mut workspace, output.body()).map_err(|error| error.to_string())?;
    compare(output.finish()?, expected, |_| tolerance).map_err(|mismatch| mismatch.to_string())
}

/// A filter `[k_h, k_w, in_c / groups, out_c]` in the order of a layout.
fn ordered<T: Copy>(layout: Layout, shape: &Conv2dShape, filter: &[T]) -> Vec<T> {
    if layout == Layout::Nhwc {
        return filter.to_vec();
    }
    let (taps, in_c, out_c) = (shape.h.kernel * shape.w.kernel, shape.group_in_c(), shape.output.c);
    (0..filter.len()).map(|i| filter[(i % taps * in_c + i / taps % in_c) * out_c + i / (taps * in_c)]).collect()
}

/// All gradients of a convolution of random numbers.
fn check(spec: &Conv2dSpec, accuracy: Accuracy, rng: &mut Rng) -> Result<(), String> {
    let layout = if rng.one_in(2) { Layout::Nchw } else { Layout::Nhwc };
    let conv = Conv2dGradient::new(spec, layout, accuracy).map_err(|error| error.to_string())?;
    let shape = conv.shape;
    let x = rng.values(shape.input.len());
    let w = rng.values(shape.filter_len());
    let g = rng.values(shape.output.len());
    let (x64, w64, g64) = (to_f64(&x), to_f64(&w), to_f64(&g));
    let w = ordered(layout, &shape, &w);
    let [x, w, g] = [x, w, g].map(|values| Guarded::of(&values));
    let (x, w, g) = (x.finish()?, w.finish()?, g.finish()?);

    let taps = spec.k_h * spec.k_w;
    let of_strategy = if conv.strategy().starts_with("winograd") { 4.0 } else { 1.0 };
    let tolerance = of_strategy * sum_tolerance(taps * shape.group_out_c(), 1.0, 1.0);
    let expected = input_gradient(&shape, &g64, &w64);
    gradient(x.len(), &expected, tolerance, |workspace, to| conv.input(g, w, workspace, to))
        .map_err(|error| format!("input, {}, {layout:?}: {error}", conv.strategy()))?;

    let pixels = shape.output.len() / shape.output.c;
    let expected = ordered(layout, &shape, &filter_gradient(&shape, &x64, &g64));
    let of_strategy = if conv.filter_strategy() == Strategy::Winograd { 4.0 } else { 1.0 };
    let tolerance = of_strategy * sum_tolerance(pixels, 1.0, 1.0);
    gradient(w.len(), &expected, tolerance, |workspace, to| conv.filter(x, g, workspace, to))
        .map_err(|error| format!("filter, {:?}, {layout:?}: {error}", conv.filter_strategy()))?;

    let expected = bias_gradient(spec.out_c, &g64);
    gradient(spec.out_c, &expected, sum_tolerance(pixels, 1.0, 1.0), |_, to| conv.bias(g, to))
        .map_err(|error| format!("bias: {error}"))
}

#[test]
fn oracle_is_the_forward_pass_and_its_derivative() {
    for seed in 0..40 {
        let mut rng = Rng::new(seed);
        let spec = random_spec(&mut rng, 600);
        let shape = Conv2dShape::new(&spec).unwrap();
        let x = rng.values(shape.input.len());
        let w = rng.values(shape.filter_len());
        let g = to_f64(&rng.values(shape.output.len()));
        let naive = oracle::conv::conv2d(&shape, Layout::Nhwc, Activation::Identity, &x, &w, None, None);
        let (x, w) = (to_f64(&x), to_f64(&w));
        agree("output", &forward(&shape, &x, &w), &naive.values);
        let of_input = differences(&x, |x| weighted(&forward(&shape, x, &w), &g));
        agree("input", &input_gradient(&shape, &g, &w), &of_input);
        let of_filter = differences(&w, |w| weighted(&forward(&shape, &x, w), &g));
        agree("filter", &filter_gradient(&shape, &x, &g), &of_filter);
    }
}

#[test]
fn random_specs() {
    for seed in (first_seed(0)..).take(spec_count(2500)) {
        let mut rng = Rng::new(seed);
        let spec = random_spec(&mut rng, 60_000);
        if let Err(error) = check(&spec, Accuracy::Fast, &mut rng) {
            panic!("seed {seed}: {error}\n{spec:?}");
        }
    }
}

#[test]
fn shapes_of_networks() {
    let mut rng = Rng::new(1);
    let square = |n, size, in_c, out_c, k, stride, pad| Conv2dSpec {
        stride_h: stride,
        stride_w: stride,
        pad_top: pad,
        pad_left: pad,
        pad_bottom: pad,
        pad_right: pad,
        ..plain_spec([n, size, size, in_c], out_c, [k, k])
    };
    let depthwise = |size, c, k, stride, pad| Conv2dSpec { groups: c, ..square(2, size, c, c, k, stride, pad) };
    for spec in [
        square(3, 28, 1, 6, 5, 1, 2),   // LeNet
        square(3, 14, 6, 16, 5, 1, 0),  //
        square(2, 20, 3, 16, 3, 1, 1),  // first layers: the taps of a row share tiles
        square(1, 33, 3, 9, 7, 2, 3),   //
        square(1, 17, 2, 5, 2, 3, 1),   //
        square(1, 20, 16, 16, 3, 1, 1), // Winograd
        square(2, 9, 24, 13, 3, 1, 0),  //
        square(2, 16, 16, 32, 3, 2, 1), // strides
        square(3, 9, 12, 20, 1, 2, 0),  //
        square(40, 1, 30, 21, 1, 1, 0), // dense layers
        square(2, 4, 130, 9, 3, 1, 1),  // more blocks of rows than images
        depthwise(12, 16, 3, 1, 1),
        depthwise(13, 21, 3, 2, 1),
        depthwise(11, 7, 5, 2, 2),
        depthwise(9, 3, 3, 2, 1), // too few channels for a vector
        Conv2dSpec { pad_left: 7, pad_top: 3, ..square(1, 6, 5, 4, 3, 1, 0) }, // wider than the kernel: nothing turned around
    ] {
        for accuracy in [Accuracy::Fast, Accuracy::Strict] {
            check(&spec, accuracy, &mut rng).unwrap_or_else(|error| panic!("{error}\n{spec:?} {accuracy:?}"));
        }
    }
}

#[test]
fn rows_longer_than_a_block() {
    let mut rng = Rng::new(2);
    for width in [255, 256, 257, 511, 513, 700] {
        for (in_c, out_c, groups) in [(1, 3, 1), (2, 9, 1), (5, 6, 1), (8, 8, 8), (6, 4, 2)] {
            for stride_w in [1, 3] {
                let spec = Conv2dSpec {
                    stride_w,
                    groups,
                    pad_top: 1,
                    pad_left: 2,
                    pad_right: 2,
                    ..plain_spec([2, 2, width, in_c], out_c, [2, 4])
                };
                check(&spec, Accuracy::Fast, &mut rng).unwrap_or_else(|error| panic!("{error}\n{spec:?}"));
            }
        }
    }
}

#[test]
fn many_output_channels_make_small_blocks() {
    let mut rng = Rng::new(3);
    for (groups, out_c) in [(1, 9000), (3, 2100), (16, 4096)] {
        let spec = Conv2dSpec { groups, ..plain_spec([1, 7, 8, 2 * groups], out_c, [1, 2]) };
        check(&spec, Accuracy::Fast, &mut rng).unwrap_or_else(|error| panic!("{error}\n{spec:?}"));
    }
}

#[test]
fn windows_mostly_in_the_padding() {
    let mut rng = Rng::new(4);
    for k in [60, 1023] {
        let spec = Conv2dSpec {
            pad_top: k - 1,
            pad_bottom: 2,
            pad_left: k - 1,
            pad_right: 3,
            dilation_w: 2,
            ..plain_spec([1, 1, 4 * k, 2], 3, [k.min(80), 2])
        };
        check(&spec, Accuracy::Fast, &mut rng).unwrap_or_else(|error| panic!("{error}\n{spec:?}"));
    }
}

/// Filters of 3x3: channels around whole vectors and panels, tiles cut off at the borders, blocks of tiles that do not come out even.
#[test]
fn filters_by_tiles() {
    let mut rng = Rng::new(7);
    for (in_c, out_c) in [(12, 12), (13, 17), (16, 24), (22, 15), (64, 33)] {
        for (n, h, w, pad) in [(2, 20, 16, 1), (4, 11, 14, 0), (9, 9, 7, 1), (1, 33, 35, 2), (17, 4, 4, 1)] {
            let spec = Conv2dSpec {
                pad_top: pad,
                pad_left: pad,
                pad_bottom: pad.min(1),
                pad_right: pad,
                ..plain_spec([n, h, w, in_c], out_c, [3, 3])
            };
            let conv = Conv2dGradient::new(&spec, Layout::Nhwc, Accuracy::Fast).unwrap();
            assert_eq!(conv.filter_strategy(), Strategy::Winograd, "{spec:?}");
            assert_eq!(
                Conv2dGradient::new(&spec, Layout::Nhwc, Accuracy::Strict).unwrap().filter_strategy(),
                Strategy::Direct
            );
            check(&spec, Accuracy::Fast, &mut rng).unwrap_or_else(|error| panic!("{error}\n{spec:?}"));
        }
    }
}

/// More channels than sums or transformed filters are made of at once: parts of inputs and outputs, the last ones narrower.
#[test]
fn many_channels_by_tiles() {
    let mut rng = Rng::new(8);
    for (n, size, in_c, out_c) in [(5, 6, 130, 245), (16, 4, 122, 13), (6, 7, 17, 300), (1, 16, 250, 131)] {
        let pads = Conv2dSpec { pad_top: 1, pad_left: 1, ..plain_spec([n, size, size, in_c], out_c, [3, 3]) };
        let spec = Conv2dSpec { pad_bottom: 1, pad_right: 1, ..pads };
        let conv = Conv2dGradient::new(&spec, Layout::Nchw, Accuracy::Fast).unwrap();
        assert_eq!((conv.strategy(), conv.filter_strategy()), ("winograd", Strategy::Winograd), "{spec:?}");
        check(&spec, Accuracy::Fast, &mut rng).unwrap_or_else(|error| panic!("{error}\n{spec:?}"));
    }
}

/// Few pixels, many channels: tiles along rows, of one part of the filter and of two, the last one narrower.
#[test]
fn tiles_along_rows() {
    let mut rng = Rng::new(10);
    for (size, in_c, out_c) in [(7, 133, 240), (8, 149, 204), (7, 201, 320)] {
        let pads = Conv2dSpec { pad_top: 1, pad_left: 1, ..plain_spec([1, size, size, in_c], out_c, [3, 3]) };
        let spec = Conv2dSpec { pad_bottom: 1, pad_right: 1, ..pads };
        let conv = Conv2dGradient::new(&spec, Layout::Nhwc, Accuracy::Fast).unwrap();
        let strict = Conv2dGradient::new(&spec, Layout::Nhwc, Accuracy::Strict).unwrap();
        assert_eq!((conv.strategy(), strict.strategy()), ("winograd-rows", "direct"), "{spec:?}");
        // In either layout, which `check` draws.
        for _ in 0..4 {
            check(&spec, Accuracy::Fast, &mut rng).unwrap_or_else(|error| panic!("{error}\n{spec:?}"));
        }
    }
}

/// Short rows without padding: rows of windows that end within a block of pixels, images of several blocks, dilated windows.
#[test]
fn filters_over_short_rows() {
    let mut rng = Rng::new(11);
    for ([n, h, w], [in_c, out_c], k, dilation) in [
        ([3, 14, 14], [6, 16], [5, 5], 1),
        ([9, 9, 20], [5, 9], [2, 7], 1),
        ([2, 60, 11], [4, 3], [3, 5], 2),
        ([40, 5, 4], [7, 8], [5, 4], 1),
        ([5, 13, 18], [13, 300], [3, 2], 3),
    ] {
        let spec = plain_spec([n, h, w, in_c], out_c, k);
        let spec = Conv2dSpec { dilation_h: dilation, dilation_w: dilation, ..spec };
        for _ in 0..2 {
            check(&spec, Accuracy::Strict, &mut rng).unwrap_or_else(|error| panic!("{error}\n{spec:?}"));
        }
    }
}

/// Many channels, pixels far apart: gathered tiles, of which the last ones end with the input.
#[test]
fn filters_of_many_channels() {
    let mut rng = Rng::new(12);
    for ([n, h, w], [in_c, out_c], k, pad) in
        [([2, 9, 17], [523, 261], [1, 1], 0), ([1, 3, 4], [512, 256], [2, 2], 1), ([1, 5, 5], [514, 300], [1, 1], 2)]
    {
        let spec = Conv2dSpec { pad_left: pad, pad_bottom: pad, ..plain_spec([n, h, w, in_c], out_c, k) };
        check(&spec, Accuracy::Strict, &mut rng).unwrap_or_else(|error| panic!("{error}\n{spec:?}"));
    }
}

/// Few channels and windows apart: one product of all taps, for an image at once and in bands.
#[test]
fn strided_windows_of_few_channels() {
    let mut rng = Rng::new(10);
    for ([h, w, in_c], out_c, k, stride, pad) in [
        ([23, 24, 3], 9, [7, 7], [2, 2], 3),
        ([160, 150, 3], 16, [7, 7], [2, 2], 3),
        ([161, 301, 1], 12, [4, 11], [3, 2], 0),
        ([18, 33, 2], 16, [3, 5], [1, 4], 2),
        ([100, 90, 3], 8, [5, 5], [1, 1], 2),
        ([19, 40, 4], 24, [2, 3], [3, 2], 1),
        ([14, 15, 1], 32, [3, 3], [1, 1], 1),
        ([9, 9, 1], 4, [2, 2], [1, 1], 3),
    ] {
        let pads = Conv2dSpec { pad_top: pad, pad_left: pad, pad_bottom: pad, ..plain_spec([2, h, w, in_c], out_c, k) };
        let spec = Conv2dSpec { stride_h: stride[0], stride_w: stride[1], ..pads };
        let conv = Conv2dGradient::new(&spec, Layout::Nchw, Accuracy::Fast).unwrap();
        assert_eq!(conv.strategy(), "scattered", "{spec:?}");
        check(&spec, Accuracy::Fast, &mut rng).unwrap_or_else(|error| panic!("{error}\n{spec:?}"));
    }
}

/// Few channels, windows that stay inside: one product of all taps. Rows of taps that fill vectors and do not, in one pass and in several.
#[test]
fn windows_of_few_channels() {
    let mut rng = Rng::new(9);
    for (size, in_c, out_c, k, pad) in [
        (14, 6, 16, [5, 5], 0),
        (9, 1, 13, [3, 5], 0),
        (11, 5, 9, [7, 4], 0),
        (12, 3, 20, [9, 9], 2),
        (10, 6, 31, [2, 5], 0),
    ] {
        let pads = Conv2dSpec { pad_top: pad, pad_left: pad, ..plain_spec([3, size, size, in_c], out_c, k) };
        let conv = Conv2dGradient::new(&pads, Layout::Nchw, Accuracy::Fast).unwrap();
        assert_eq!(conv.strategy(), "scattered", "{pads:?}");
        for _ in 0..2 {
            check(&pads, Accuracy::Fast, &mut rng).unwrap_or_else(|error| panic!("{error}\n{pads:?}"));
        }
    }
}

/// Grey pictures: all sizes of tiles, rows of taps of several, channels that fill no tile, paddings beyond the window, several bands.
#[test]
fn grey_pictures() {
    let mut rng = Rng::new(7);
    let mut by_planes = 0;
    for k_w in 1..=11 {
        for out_c in 1..=9 {
            for (h, w) in [(5, 33), (23, 20), (2, 7), (61, 130)] {
                let [top, left, bottom, right] = [3, k_w, 2, 4].map(|most| rng.int(0, most));
                let k_h = 1 + (k_w + out_c) % 4;
                let spec = plain_spec([2, h, w, 1], out_c, [k_h, k_w]);
                let spec = Conv2dSpec { pad_top: top, pad_left: left, pad_bottom: bottom, pad_right: right, ..spec };
                let Ok(conv) = Conv2dGradient::new(&spec, Layout::Nhwc, Accuracy::Fast) else { continue };
                by_planes += usize::from(conv.filter_strategy() == Strategy::Picture);
                check(&spec, Accuracy::Fast, &mut rng).unwrap_or_else(|error| panic!("{error}\n{spec:?}"));
            }
        }
    }
    assert!(by_planes > 150, "{by_planes}");
}

/// 100,000 terms of one sign: a plain float32 sum would lose 1e-3 of them.
#[test]
fn long_sums_keep_their_digits() {
    let mut rng = Rng::new(5);
    for (c, groups) in [(6, 1), (4, 4), (1, 1)] {
        let spec = Conv2dSpec { groups, ..plain_spec([10, 100, 100, c], c, [1, 2]) };
        let conv = Conv2dGradient::new(&spec, Layout::Nhwc, Accuracy::Fast).unwrap();
        let x = rng.values_in(0.5, 1.0, conv.shape.input.len());
        let g = rng.values_in(0.5, 1.0, conv.shape.output.len());
        // A block's sum, and the sum of 400 blocks' sums.
        let tolerance = 4.0 * UNIT_ROUNDOFF * (256.0 + 400.0) / 2.0;
        let expected = filter_gradient(&conv.shape, &to_f64(&x), &to_f64(&g));
        let mut found = vec![f32::NAN; expected.len()];
        conv.filter(&x, &g, &mut Workspace::default(), &mut found).unwrap();
        compare(&found, &expected, |i| expected[i] * tolerance).unwrap();
        let expected = bias_gradient(c, &to_f64(&g));
        let mut found = vec![f32::NAN; c];
        conv.bias(&g, &mut found).unwrap();
        compare(&found, &expected, |i| expected[i] * UNIT_ROUNDOFF * (64.0 + 11.0 + 4.0)).unwrap();
    }
}

/// All gradients of a transposed convolution of random numbers.
fn check_transposed(spec: &ConvTranspose2dSpec, rng: &mut Rng) -> Result<(), String> {
    let layout = if rng.one_in(2) { Layout::Nchw } else { Layout::Nhwc };
    let conv = ConvTranspose2dGradient::new(spec, layout, Accuracy::Fast).map_err(|error| error.to_string())?;
    let shape = conv.shape;
    // The convolution that it reverses.
    let reversed =
        Conv2dShape { input: shape.output, output: shape.input, h: shape.h, w: shape.w, groups: shape.groups };
    let x = rng.values(shape.input.len());
    let w = rng.values(shape.filter_len());
    let g = rng.values(shape.output.len());
    let (x64, w64, g64) = (to_f64(&x), to_f64(&w), to_f64(&g));
    let w = ordered(layout, &reversed, &w);
    let of_strategy = if conv.strategy().starts_with("winograd") { 4.0 } else { 1.0 };
    let terms = spec.conv.k_h * spec.conv.k_w * (spec.conv.out_c / spec.conv.groups);
    let tolerance = of_strategy * sum_tolerance(terms, 1.0, 1.0);
    gradient(x.len(), &forward(&reversed, &g64, &w64), tolerance, |workspace, to| conv.input(&g, &w, workspace, to))
        .map_err(|error| format!("input, {}: {error}", conv.strategy()))?;
    let tolerance = sum_tolerance(x.len() / shape.input.c, 1.0, 1.0);
    let expected = ordered(layout, &reversed, &filter_gradient(&reversed, &g64, &x64));
    gradient(w.len(), &expected, tolerance, |workspace, to| conv.filter(&x, &g, workspace, to))
        .map_err(|error| format!("filter: {error}"))?;
    let tolerance = sum_tolerance(g.len() / shape.output.c, 1.0, 1.0);
    gradient(shape.output.c, &bias_gradient(shape.output.c, &g64), tolerance, |_, to| conv.bias(&g, to))
        .map_err(|error| format!("bias: {error}"))
}

#[test]
fn transposed_oracle_is_the_derivative() {
    for seed in 0..20 {
        let mut rng = Rng::new(seed);
        let shape = Conv2dShape::new(&random_spec(&mut rng, 400)).unwrap();
        let [x, w, g] = [shape.output.len(), shape.filter_len(), shape.input.len()].map(|len| to_f64(&rng.values(len)));
        let of_input = differences(&x, |x| weighted(&input_gradient(&shape, x, &w), &g));
        agree("input", &forward(&shape, &g, &w), &of_input);
        let of_filter = differences(&w, |w| weighted(&input_gradient(&shape, &x, w), &g));
        agree("filter", &filter_gradient(&shape, &g, &x), &of_filter);
    }
}

#[test]
fn random_transposed_specs() {
    let mut checked = 0;
    for seed in (first_seed(0)..).take(spec_count(2500)) {
        let mut rng = Rng::new(seed);
        let conv = random_spec(&mut rng, 20_000);
        let output_padding = |rng: &mut Rng, stride: usize, dilation: usize| rng.int(0, stride.max(dilation) - 1);
        let spec = ConvTranspose2dSpec {
            conv,
            output_padding_h: output_padding(&mut rng, conv.stride_h, conv.dilation_h),
            output_padding_w: output_padding(&mut rng, conv.stride_w, conv.dilation_w),
        };
        match ConvTranspose2dGradient::new(&spec, Layout::Nhwc, Accuracy::Fast) {
            Ok(conv) if conv.shape.output.len() * conv.shape.filter_len() < 40_000_000 => {}
            _ => continue,
        }
        checked += 1;
        if let Err(error) = check_transposed(&spec, &mut rng) {
            panic!("seed {seed}: {error}\n{spec:?}");
        }
    }
    assert!(checked * 3 > spec_count(2500), "only {checked} were possible");
}

#[test]
fn the_same_bits_at_every_call() {
    let mut rng = Rng::new(6);
    let spec = Conv2dSpec { pad_top: 1, pad_left: 1, ..plain_spec([4, 21, 19, 13], 11, [3, 3]) };
    let conv = Conv2dGradient::new(&spec, Layout::Nhwc, Accuracy::Fast).unwrap();
    let (x, g) = (rng.values(conv.shape.input.len()), rng.values(conv.shape.output.len()));
    let mut workspace = Workspace::default();
    let mut run = || {
        let mut to = vec![0.0; conv.shape.filter_len()];
        conv.filter(&x, &g, &mut workspace, &mut to).unwrap();
        to.iter().map(|value| value.to_bits()).collect::<Vec<_>>()
    };
    assert!(run() == run());
}

#[test]
fn wrong_sizes_are_errors() {
    let spec = plain_spec([1, 4, 4, 2], 3, [3, 3]);
    let conv = Conv2dGradient::new(&spec, Layout::Nchw, Accuracy::Fast).unwrap();
    let mut workspace = Workspace::default();
    let mut input = |g: usize, w: usize, to: usize| {
        conv.input(&vec![0.0; g], &vec![0.0; w], &mut workspace, &mut vec![0.0; to]).map_err(|error| error.argument)
    };
    assert_eq!(input(12, 54, 32), Ok(()));
    assert_eq!(input(11, 54, 32), Err("gradOutput"));
    assert_eq!(input(12, 53, 32), Err("filter"));
    assert_eq!(input(12, 54, 31), Err("gradInput"));
    let mut filter = |x: usize, g: usize, to: usize| {
        conv.filter(&vec![0.0; x], &vec![0.0; g], &mut workspace, &mut vec![0.0; to]).map_err(|error| error.argument)
    };
    assert_eq!(filter(32, 12, 54), Ok(()));
    assert_eq!(filter(33, 12, 54), Err("input"));
    assert_eq!(filter(32, 13, 54), Err("gradOutput"));
    assert_eq!(filter(32, 12, 55), Err("gradFilter"));
    assert_eq!(conv.bias(&[0.0; 12], &mut [0.0; 2]).unwrap_err().argument, "sums");
    assert_eq!(conv.bias(&[0.0; 10], &mut [0.0; 3]).unwrap_err().argument, "gradOutput");
}
