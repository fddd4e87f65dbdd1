//! Convolution against the naive oracle: awkward sizes by table, then random specs from printed seeds.

mod oracle;
use core::iter::repeat;
use lenslet_kernels::activation::Activation;
use lenslet_kernels::conv::{Conv2d, Packs, Strategy};
use lenslet_kernels::memory::Workspace;
use lenslet_kernels::shape::{Conv2dSpec, ErrorCode, Layout};
use oracle::conv::{conv2d, plain_spec, random_spec};
use oracle::{Guarded, Rng, compare, first_seed, spec_count};

const STRATEGIES: [Strategy; 7] = [
    Strategy::Direct,
    Strategy::Clipped,
    Strategy::Winograd,
    Strategy::WinogradRows,
    Strategy::Depthwise,
    Strategy::Picture,
    Strategy::Separable,
];

/// What is added to the sums.
#[derive(Clone, Copy, Debug)]
struct Addends {
    bias: bool,
    /// A residual of how many channels; none if 0.
    residual: usize,
}

/// Runs one spec with random values, by every strategy that can do it; the error names what went wrong.
fn check(
    spec: &Conv2dSpec,
    layout: Layout,
    activation: Activation,
    addends: Addends,
    rng: &mut Rng,
) -> Result<(), String> {
    let chosen = Conv2d::new(spec, layout, activation).map_err(|error| error.to_string())?;
    let input = Guarded::of(&rng.values(chosen.shape.input.len()));
    let filter = rng.values(chosen.shape.filter_len());
    let bias = addends.bias.then(|| rng.values(spec.out_c));
    let (c, pixels) = (spec.out_c, chosen.shape.output.len() / spec.out_c);
    let residual = (addends.residual > 0).then(|| Guarded::of(&rng.values(pixels * addends.residual)));
    let residual = residual.as_ref().map(|residual| residual.finish()).transpose()?;
    let widened = residual.map(|residual| {
        let pixel = |pixel: &[f32]| pixel.iter().copied().chain(repeat(0.0)).take(c).collect::<Vec<_>>();
        residual.chunks_exact(addends.residual).flat_map(pixel).collect::<Vec<_>>()
    });
    let input = input.finish()?;
    let expected = conv2d(&chosen.shape, layout, activation, input, &filter, bias.as_deref(), widened.as_deref());
    for conv in STRATEGIES.iter().filter_map(|&strategy| chosen.with_strategy(strategy)) {
        let mut output = Guarded::new(conv.shape.output.len());
        let mut workspace = Workspace::default();
        // What an earlier call left in the workspace must not matter.
        workspace.get(1 << 12).unwrap().fill(f32::NAN);
        let packed = conv.pack(&filter).map_err(|error| error.to_string())?;
        conv.run(input, &packed, bias.as_deref(), residual, &mut workspace, output.body())
            .map_err(|error| error.to_string())?;
        compare(output.finish()?, &expected.values, |_| expected.tolerance_of(conv.strategy()))
            .map_err(|mismatch| format!("{}: {mismatch}", conv.strategy().name()))?;
    }
    Ok(())
}

/// The same, panicking with the spec.
fn check_plain(spec: &Conv2dSpec) {
    for layout in [Layout::Nhwc, Layout::Nchw] {
        if let Err(error) =
            check(spec, layout, Activation::Identity, Addends { bias: true, residual: 0 }, &mut Rng::new(1))
        {
            panic!("{error}\n{layout:?} {spec:?}");
        }
    }
}

fn strategy(spec: &Conv2dSpec) -> Strategy {
    Conv2d::new(spec, Layout::Nhwc, Activation::Identity).unwrap().strategy()
}

#[test]
fn channels_around_lanes_and_tiles() {
    let sizes = [1, 2, 3, 4, 5, 7, 8, 9, 12, 13, 16, 17, 24];
    for in_c in sizes {
        for out_c in sizes {
            check_plain(&plain_spec([1, 4, 5, in_c], out_c, [1, 1]));
            check_plain(&Conv2dSpec { pad_top: 1, pad_left: 1, ..plain_spec([1, 3, 4, in_c], out_c, [2, 3]) });
        }
    }
}

#[test]
fn pixels_around_tiles() {
    for w in 1..=14 {
        for in_c in [3, 4] {
            check_plain(&plain_spec([1, 1, w, in_c], 9, [1, 1]));
            check_plain(&plain_spec([3, 2, w, in_c], 9, [1, 1]));
            let same = Conv2dSpec {
                pad_left: 1,
                pad_right: 1,
                pad_top: 1,
                pad_bottom: 1,
                ..plain_spec([2, 3, w, in_c], 5, [3, 3])
            };
            check_plain(&same);
        }
    }
}

#[test]
fn long_sums() {
    for (in_c, kernel) in [(57, 3), (56, 3), (64, 3), (171, 3), (228, 3), (31, 7)] {
        check_plain(&Conv2dSpec {
            pad_top: 2,
            pad_left: 1,
            ..plain_spec([1, kernel + 1, kernel + 4, in_c], 11, [kernel, kernel])
        });
    }
    for in_c in [511, 512, 513, 516, 1023, 1025, 2052] {
        check_plain(&plain_spec([1, 3, 3, in_c], 9, [1, 1]));
        check_plain(&Conv2dSpec { stride_w: 2, ..plain_spec([1, 3, 3, in_c], 9, [1, 1]) });
    }
}

#[test]
fn many_pixels_are_cut_into_segments() {
    check_plain(&plain_spec([1, 40, 41, 4], 3, [1, 1]));
    check_plain(&plain_spec([2, 20, 23, 3], 10, [3, 3]));
    check_plain(&plain_spec([2, 13, 17, 160], 9, [3, 3]));
}

#[test]
fn kernel_larger_than_input() {
    for in_c in [1, 3, 4, 8] {
        for pads in [[3, 3, 3, 3], [6, 0, 0, 6], [5, 6, 1, 0]] {
            let [pad_top, pad_left, pad_bottom, pad_right] = pads;
            let spec =
                Conv2dSpec { pad_top, pad_left, pad_bottom, pad_right, ..plain_spec([1, 2, 1, in_c], 5, [7, 7]) };
            check_plain(&spec);
            check_plain(&Conv2dSpec { groups: in_c, out_c: in_c, ..spec });
        }
    }
}

#[test]
fn windows_wholly_in_the_padding_are_bias() {
    for in_c in [1, 3, 4] {
        let spec = Conv2dSpec {
            pad_top: 9,
            pad_left: 8,
            pad_bottom: 7,
            pad_right: 11,
            ..plain_spec([1, 2, 2, in_c], 4, [2, 3])
        };
        check_plain(&spec);
        check_plain(&Conv2dSpec { groups: in_c, out_c: 2 * in_c, ..spec });
        check_plain(&Conv2dSpec { stride_h: 5, stride_w: 7, ..spec });
    }
}

#[test]
fn strides_and_dilations() {
    for (stride_h, stride_w) in [(1, 2), (2, 1), (2, 2), (3, 4)] {
        for (dilation_h, dilation_w) in [(1, 1), (2, 1), (1, 3), (3, 2)] {
            for (in_c, out_c, groups) in [(3, 7, 1), (4, 8, 1), (6, 4, 2), (8, 8, 8), (3, 3, 3), (5, 10, 5), (1, 1, 1)]
            {
                let spec = Conv2dSpec {
                    stride_h,
                    stride_w,
                    dilation_h,
                    dilation_w,
                    pad_top: 2,
                    pad_left: 1,
                    pad_bottom: 0,
                    pad_right: 3,
                    groups,
                    ..plain_spec([2, 9, 11, in_c], out_c, [3, 3])
                };
                check_plain(&spec);
            }
        }
    }
}

#[test]
fn depthwise_channels_and_kernels() {
    for c in [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 12, 13, 16, 18, 20, 29] {
        for kernel in [[1, 1], [3, 3], [5, 5], [1, 7], [7, 1], [2, 4]] {
            for stride in [1, 2] {
                let spec = Conv2dSpec {
                    groups: c,
                    stride_w: stride,
                    pad_top: kernel[0] / 2,
                    pad_left: kernel[1] / 2,
                    pad_right: kernel[1] / 2,
                    ..plain_spec([1, 8, 23, c], c, kernel)
                };
                let is_picture = c <= 4 && stride == 1 && (c, kernel) != (4, [3, 3]);
                let chosen = strategy(&spec);
                assert_eq!(chosen == Strategy::Depthwise, !is_picture);
                assert_eq!(matches!(chosen, Strategy::Picture | Strategy::Separable), is_picture);
                check_plain(&spec);
            }
        }
    }
}

#[test]
fn depth_multipliers_and_groups() {
    for (groups, group_in_c, group_out_c) in
        [(2, 1, 2), (3, 1, 3), (4, 1, 4), (3, 1, 9), (5, 1, 8), (2, 2, 1), (3, 4, 5), (2, 8, 8), (4, 3, 2), (32, 4, 4)]
    {
        check_plain(&Conv2dSpec {
            groups,
            pad_left: 1,
            pad_top: 1,
            ..plain_spec([2, 5, 6, groups * group_in_c], groups * group_out_c, [3, 3])
        });
    }
}

#[test]
fn one_dimension() {
    for (in_c, w) in [(1, 100), (2, 50), (64, 9)] {
        check_plain(&Conv2dSpec { pad_left: 4, dilation_w: 2, ..plain_spec([1, 1, w, in_c], 3, [1, 5]) });
    }
}

#[test]
fn epilogues_are_fused() {
    let activations = [
        Activation::Relu,
        Activation::Relu6,
        Activation::Clamp { min: -0.5, max: 0.25 },
        Activation::LeakyRelu { alpha: 0.1 },
        Activation::Tanh,
    ];
    for activation in activations {
        for (in_c, out_c, groups) in [(3, 5, 1), (8, 8, 1), (600, 9, 1), (8, 8, 2), (8, 8, 8), (3, 3, 3)] {
            let spec = Conv2dSpec { groups, pad_left: 1, ..plain_spec([2, 4, 4, in_c], out_c, [2, 2]) };
            for residual in [0, 1, out_c - 1, out_c] {
                let addends = Addends { bias: true, residual };
                check(&spec, Layout::Nhwc, activation, addends, &mut Rng::new(5)).unwrap();
            }
        }
    }
}

#[test]
fn every_strategy_is_chosen_somewhere() {
    let cases = [
        (plain_spec([1, 56, 56, 64], 256, [1, 1]), Strategy::Direct),
        (plain_spec([1, 224, 224, 3], 64, [7, 7]), Strategy::Direct),
        (plain_spec([1, 14, 14, 256], 256, [3, 3]), Strategy::Winograd),
        // As many channels on fewer pixels.
        (plain_spec([1, 9, 9, 512], 512, [3, 3]), Strategy::WinogradRows),
        (plain_spec([1, 8, 10, 384], 384, [1, 3]), Strategy::WinogradRows),
        (plain_spec([1, 7, 7, 512], 512, [3, 3]), Strategy::Direct),
        (plain_spec([1, 8, 10, 16], 384, [1, 3]), Strategy::Direct),
        (Conv2dSpec { stride_h: 2, ..plain_spec([1, 14, 14, 256], 256, [3, 3]) }, Strategy::Direct),
        (Conv2dSpec { groups: 2, ..plain_spec([1, 14, 14, 512], 512, [3, 3]) }, Strategy::Direct),
        (Conv2dSpec { groups: 32, ..plain_spec([1, 14, 14, 32], 64, [3, 3]) }, Strategy::Depthwise),
        (plain_spec([1, 1080, 1920, 1], 1, [3, 3]), Strategy::Picture),
        (plain_spec([1, 1080, 1920, 1], 1, [9, 9]), Strategy::Separable),
        // Too much padding to copy rows, and too many rows of taps.
        (Conv2dSpec { pad_left: 1 << 20, stride_w: 1 << 19, ..plain_spec([1, 9, 9, 3], 4, [3, 3]) }, Strategy::Clipped),
        (plain_spec([1, 50, 9, 3], 4, [33, 1]), Strategy::Clipped),
    ];
    for (spec, expected) in cases {
        assert_eq!(strategy(&spec), expected, "{spec:?}");
    }
    let alone = |spec: &Conv2dSpec| {
        Conv2d::new(spec, Layout::Nhwc, Activation::Identity).unwrap().with_filter_alone().strategy()
    };
    // Twice as fast, a filter of 38 MB; 302 MB, and what has no tiles of a plane, stay.
    assert_eq!(alone(&cases[3].0), Strategy::Winograd);
    assert_eq!(alone(&plain_spec([1, 9, 9, 2048], 1024, [3, 3])), Strategy::WinogradRows);
    for (spec, expected) in [cases[0], cases[4], cases[5]] {
        assert_eq!(alone(&spec), expected, "{spec:?}");
    }
    let conv = Conv2d::new(&cases[1].0, Layout::Nhwc, Activation::Identity).unwrap();
    assert_eq!(conv.with_strategy(Strategy::Depthwise), None);
    assert_eq!(conv.with_strategy(Strategy::Winograd), None);
    assert_eq!(conv.with_strategy(Strategy::WinogradRows), None);
}

#[test]
fn enormous_strides_dilations_and_pads() {
    const HUGE: usize = 1 << 28;
    for groups in [1, 3] {
        let spec = Conv2dSpec { groups, ..plain_spec([1, 2, 3, 3], 3, [1, 1]) };
        check_plain(&Conv2dSpec { stride_h: HUGE, stride_w: HUGE, dilation_w: HUGE, dilation_h: HUGE, ..spec });
        check_plain(&Conv2dSpec {
            stride_h: HUGE,
            stride_w: HUGE,
            pad_top: HUGE,
            pad_left: HUGE,
            pad_right: HUGE,
            ..spec
        });
        let wide = Conv2dSpec { k_w: 2, dilation_w: HUGE, pad_right: HUGE - 1, ..spec };
        check_plain(&Conv2dSpec { stride_w: 2, ..wide });
    }
}

fn random_activation(rng: &mut Rng) -> Activation {
    rng.pick(&[
        Activation::Identity,
        Activation::Identity,
        Activation::Relu,
        Activation::Relu6,
        Activation::Clamp { min: -1.0, max: 0.5 },
        Activation::LeakyRelu { alpha: 0.25 },
        Activation::Tanh,
    ])
}

#[test]
fn random_specs() {
    let seeds = first_seed(0)..;
    for seed in seeds.take(spec_count(4000)) {
        let mut rng = Rng::new(seed);
        let spec = random_spec(&mut rng, 200_000);
        let layout = rng.pick(&[Layout::Nhwc, Layout::Nchw]);
        let activation = random_activation(&mut rng);
        let addends =
            Addends { bias: rng.one_in(2), residual: rng.pick(&[0, 0, 1, spec.out_c.div_ceil(2), spec.out_c]) };
        if let Err(error) = check(&spec, layout, activation, addends, &mut rng) {
            panic!("seed {seed}: {error}\n{layout:?} {activation:?} {addends:?} {spec:?}");
        }
    }
}

#[test]
fn nan_and_infinity_stay_where_the_window_sees_them() {
    for (c, groups) in [(3, 1), (4, 1), (4, 4), (3, 3), (1, 1)] {
        let spec = Conv2dSpec { groups, pad_left: 1, pad_right: 1, ..plain_spec([1, 1, 40, c], c, [1, 3]) };
        let conv = Conv2d::new(&spec, Layout::Nhwc, Activation::Relu).unwrap();
        let mut input = vec![1.0; 40 * c];
        input[20 * c] = f32::NAN;
        input[30 * c] = f32::INFINITY;
        let packed = conv.pack(&vec![1.0; conv.shape.filter_len()]).unwrap();
        let mut output = vec![0.0; 40 * c];
        conv.run(&input, &packed, None, None, &mut Workspace::default(), &mut output).unwrap();
        for (x, pixel) in output.chunks_exact(c).enumerate() {
            assert_eq!(pixel[0].is_nan(), (19..=21).contains(&x), "{spec:?} at {x}");
            assert_eq!(pixel[0].is_infinite(), (29..=31).contains(&x), "{spec:?} at {x}");
        }
    }
}

#[test]
fn wrong_lengths_and_wrong_packings_are_errors() {
    let conv = |c: usize, groups: usize| {
        Conv2d::new(&Conv2dSpec { groups, ..plain_spec([1, 3, 3, c], c, [2, 2]) }, Layout::Nhwc, Activation::Relu)
            .unwrap()
    };
    let (ordinary, depthwise) = (conv(4, 1), conv(4, 4));
    let mut output = vec![0.0; 16];
    let mut workspace = Workspace::default();
    let packed = ordinary.pack(&[1.0; 64]).unwrap();
    let mut run = |input: &[f32], [bias, residual]: [Option<&[f32]>; 2], len: usize| {
        ordinary.run(input, &packed, bias, residual, &mut workspace, &mut output[..len]).map_err(|error| error.argument)
    };
    assert_eq!(run(&[0.0; 36], [None, None], 16), Ok(()));
    assert_eq!(run(&[0.0; 36], [None, Some(&[0.0; 16])], 16), Ok(()));
    assert_eq!(run(&[0.0; 35], [None, None], 16), Err("input"));
    assert_eq!(run(&[0.0; 36], [Some(&[0.0; 5]), None], 16), Err("bias"));
    assert_eq!(run(&[0.0; 36], [None, Some(&[0.0; 12])], 16), Ok(()));
    for wrong in [0, 2, 15, 20] {
        assert_eq!(run(&[0.0; 36], [None, Some(&[0.0; 20][..wrong])], 16), Err("residual"));
    }
    assert_eq!(run(&[0.0; 36], [None, None], 15), Err("output"));
    assert_eq!(ordinary.pack(&[1.0; 63]).err().unwrap().argument, "filter");
    let error = depthwise.run(&[0.0; 36], &packed, None, None, &mut workspace, &mut output).unwrap_err();
    assert_eq!((error.code, error.argument), (ErrorCode::ShapeMismatch, "filter"));
}

#[test]
fn packed_filters_are_shared_across_sizes_paddings_and_activations() {
    let key = |spec: &Conv2dSpec, layout, activation| Conv2d::new(spec, layout, activation).unwrap().packing();
    let spec = plain_spec([1, 5, 5, 8], 6, [3, 3]);
    let same = key(&spec, Layout::Nhwc, Activation::Identity);
    let other = Conv2dSpec { pad_top: 2, stride_w: 2, dilation_h: 2, ..plain_spec([3, 9, 7, 8], 6, [3, 3]) };
    assert_eq!(same, key(&other, Layout::Nhwc, Activation::Relu));
    assert_ne!(same, key(&spec, Layout::Nchw, Activation::Identity));
    assert_ne!(same, key(&Conv2dSpec { out_c: 7, ..spec }, Layout::Nhwc, Activation::Identity));
    assert_ne!(same, key(&Conv2dSpec { groups: 2, ..spec }, Layout::Nhwc, Activation::Identity));
}

#[test]
fn the_same_input_gives_the_same_bits() {
    let spec = Conv2dSpec { pad_top: 1, pad_left: 1, ..plain_spec([1, 17, 19, 24], 20, [3, 3]) };
    let conv = Conv2d::new(&spec, Layout::Nhwc, Activation::Identity).unwrap();
    let mut rng = Rng::new(9);
    let (input, filter) = (rng.values(conv.shape.input.len()), rng.values(conv.shape.filter_len()));
    let packed = conv.pack(&filter).unwrap();
    let mut workspace = Workspace::default();
    let mut run = || {
        let mut output = vec![0.0; conv.shape.output.len()];
        conv.run(&input, &packed, None, None, &mut workspace, &mut output).unwrap();
        output.into_iter().map(f32::to_bits).collect::<Vec<_>>()
    };
    assert_eq!(run(), run());
}
