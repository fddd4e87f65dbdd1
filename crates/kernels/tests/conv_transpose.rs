//! Transposed convolution against the naive scattering oracle.

mod oracle;
use lenslet_kernels::activation::Activation;
use lenslet_kernels::conv::{ConvTranspose2d, Packs};
use lenslet_kernels::memory::Workspace;
use lenslet_kernels::shape::{Conv2dSpec, ConvTranspose2dSpec, Layout};
use oracle::conv::{conv_transpose2d, plain_spec};
use oracle::{Guarded, Rng, compare, first_seed, spec_count};

fn check(
    spec: &ConvTranspose2dSpec,
    layout: Layout,
    activation: Activation,
    with_bias: bool,
    rng: &mut Rng,
) -> Result<(), String> {
    let conv = ConvTranspose2d::new(spec, layout, activation).map_err(|error| error.to_string())?;
    let input = Guarded::of(&rng.values(conv.shape.input.len()));
    let filter = rng.values(conv.shape.filter_len());
    let bias = with_bias.then(|| rng.values(spec.conv.out_c));
    let mut output = Guarded::new(conv.shape.output.len());
    let mut workspace = Workspace::default();
    workspace.get(1 << 12).unwrap().fill(f32::NAN);
    let packed = conv.pack(&filter).map_err(|error| error.to_string())?;
    let input = input.finish()?;
    conv.run(input, &packed, bias.as_deref(), &mut workspace, output.body()).map_err(|error| error.to_string())?;
    let expected = conv_transpose2d(&conv.shape, layout, activation, input, &filter, bias.as_deref());
    compare(output.finish()?, &expected.values, |_| expected.tolerance).map_err(|mismatch| mismatch.to_string())
}

fn check_plain(spec: &ConvTranspose2dSpec) {
    for layout in [Layout::Nhwc, Layout::Nchw] {
        if let Err(error) = check(spec, layout, Activation::Identity, true, &mut Rng::new(1)) {
            panic!("{error}\n{layout:?} {spec:?}");
        }
    }
}

fn unpadded(conv: Conv2dSpec) -> ConvTranspose2dSpec {
    ConvTranspose2dSpec { conv, output_padding_h: 0, output_padding_w: 0 }
}

#[test]
fn channels_around_lanes_and_tiles() {
    for in_c in [1, 2, 3, 4, 5, 8, 9, 17] {
        for out_c in [1, 3, 4, 5, 7, 8, 9, 12, 17] {
            check_plain(&unpadded(plain_spec([2, 3, 4, in_c], out_c, [2, 3])));
            check_plain(&unpadded(Conv2dSpec {
                stride_h: 2,
                stride_w: 2,
                ..plain_spec([1, 3, 4, in_c], out_c, [3, 3])
            }));
        }
    }
}

/// Windows side by side: rows of blocks that are whole vectors, or not; many pixels, or one; and what just fails to be one.
#[test]
fn blocks() {
    for (k_h, k_w) in [(2, 2), (1, 1), (3, 1), (1, 4), (2, 3), (4, 2)] {
        for (in_c, out_c) in [(5, 1), (3, 2), (8, 3), (6, 4), (24, 8), (7, 13)] {
            for input in [[1, 1, 1, in_c], [2, 3, 5, in_c], [1, 2, 29, in_c]] {
                let conv = Conv2dSpec { stride_h: k_h, stride_w: k_w, ..plain_spec(input, out_c, [k_h, k_w]) };
                check_plain(&unpadded(conv));
                if let Err(error) = check(
                    &unpadded(conv),
                    Layout::Nchw,
                    Activation::LeakyRelu { alpha: 0.25 },
                    in_c % 2 == 0,
                    &mut Rng::new(5),
                ) {
                    panic!("{error} {conv:?}");
                }
                for other in [
                    ConvTranspose2dSpec { output_padding_h: k_h - 1, ..unpadded(conv) },
                    ConvTranspose2dSpec { output_padding_w: k_w - 1, ..unpadded(conv) },
                    unpadded(Conv2dSpec { dilation_w: 2, ..conv }),
                    unpadded(Conv2dSpec { pad_top: 1, ..conv }),
                    unpadded(Conv2dSpec { pad_right: 1, ..conv }),
                ] {
                    if ConvTranspose2d::new(&other, Layout::Nhwc, Activation::Identity).is_ok() {
                        check_plain(&other);
                    }
                }
            }
        }
    }
}

#[test]
fn every_phase_of_stride_and_dilation() {
    for stride in 1..=5 {
        for dilation in 1..=4 {
            for kernel in 1..=5 {
                for pad in [0, 1, 3] {
                    let spec = Conv2dSpec {
                        stride_h: stride,
                        stride_w: (stride + 1) % 4 + 1,
                        dilation_h: dilation,
                        dilation_w: dilation % 3 + 1,
                        pad_top: pad,
                        pad_right: pad,
                        ..plain_spec([1, 4, 3, 3], 5, [kernel, kernel])
                    };
                    for extra in 0..stride.max(dilation) {
                        let spec = ConvTranspose2dSpec { conv: spec, output_padding_h: extra, output_padding_w: 0 };
                        if ConvTranspose2d::new(&spec, Layout::Nhwc, Activation::Identity).is_ok() {
                            check_plain(&spec);
                        }
                    }
                }
            }
        }
    }
}

#[test]
fn outputs_that_no_tap_reaches_are_bias_and_activation() {
    for stride in [3, 7] {
        let spec = Conv2dSpec { stride_h: stride, stride_w: stride, ..plain_spec([1, 3, 3, 4], 4, [1, 2]) };
        check(&unpadded(spec), Layout::Nhwc, Activation::LeakyRelu { alpha: 0.5 }, true, &mut Rng::new(3)).unwrap();
        check(&unpadded(spec), Layout::Nhwc, Activation::Tanh, false, &mut Rng::new(3)).unwrap();
    }
}

#[test]
fn groups_and_depthwise() {
    for (groups, group_in_c, group_out_c) in [(2, 1, 1), (3, 2, 5), (4, 4, 4), (8, 1, 1), (5, 1, 3)] {
        for stride in [1, 2, 3] {
            check_plain(&unpadded(Conv2dSpec {
                groups,
                stride_h: stride,
                stride_w: stride,
                pad_top: 1,
                pad_left: 1,
                ..plain_spec([2, 3, 4, groups * group_in_c], groups * group_out_c, [3, 4])
            }));
        }
    }
}

#[test]
fn deep_sums_are_cut_into_blocks() {
    for in_c in [129, 172, 600] {
        check_plain(&unpadded(Conv2dSpec { stride_w: 2, ..plain_spec([1, 3, 4, in_c], 9, [3, 3]) }));
    }
}

#[test]
fn random_specs() {
    let seeds = first_seed(0)..;
    let mut tried = 0;
    for seed in seeds {
        let mut rng = Rng::new(seed);
        let groups = rng.pick(&[1, 1, 1, 1, 2, 3, 4, 6]);
        let small = |rng: &mut Rng| rng.pick(&[1, 1, 2, 3, 4, 5, 7, 8, 9, 12, 16]);
        let (group_in_c, group_out_c) = (small(&mut rng), small(&mut rng));
        let kernel = |rng: &mut Rng| rng.pick(&[1, 2, 2, 3, 3, 4, 5, 7]);
        let step = |rng: &mut Rng| rng.pick(&[1, 1, 2, 2, 3, 4, 6]);
        let pad = |rng: &mut Rng| rng.pick(&[0, 0, 1, 1, 2, 3]);
        let size = |rng: &mut Rng| rng.int(1, 10);
        let conv = Conv2dSpec {
            stride_h: step(&mut rng),
            stride_w: step(&mut rng),
            dilation_h: step(&mut rng),
            dilation_w: step(&mut rng),
            pad_top: pad(&mut rng),
            pad_left: pad(&mut rng),
            pad_bottom: pad(&mut rng),
            pad_right: pad(&mut rng),
            groups,
            ..plain_spec(
                [rng.pick(&[1, 1, 2]), size(&mut rng), size(&mut rng), groups * group_in_c],
                groups * group_out_c,
                [kernel(&mut rng), kernel(&mut rng)],
            )
        };
        let spec = ConvTranspose2dSpec {
            conv,
            output_padding_h: rng.int(0, conv.stride_h.max(conv.dilation_h) - 1),
            output_padding_w: rng.int(0, conv.stride_w.max(conv.dilation_w) - 1),
        };
        let work = conv.input.len() * group_out_c * conv.k_h * conv.k_w;
        let layout = rng.pick(&[Layout::Nhwc, Layout::Nchw]);
        let activation = rng.pick(&[Activation::Identity, Activation::Relu, Activation::LeakyRelu { alpha: 0.25 }]);
        let allowed =
            ConvTranspose2d::new(&spec, layout, activation).is_ok_and(|conv| conv.shape.output.len() < 100_000);
        if work > 100_000 || !allowed {
            continue;
        }
        let with_bias = rng.one_in(2);
        if let Err(error) = check(&spec, layout, activation, with_bias, &mut rng) {
            panic!("seed {seed}: {error}\n{layout:?} {activation:?} bias {with_bias} {spec:?}");
        }
        tried += 1;
        if tried == spec_count(4000) {
            break;
        }
    }
}

#[test]
fn wrong_lengths_are_errors() {
    let spec = unpadded(plain_spec([1, 2, 2, 3], 4, [2, 2]));
    let conv = ConvTranspose2d::new(&spec, Layout::Nhwc, Activation::Identity).unwrap();
    assert_eq!(conv.pack(&[0.0; 47]).err().unwrap().argument, "filter");
    let packed = conv.pack(&[0.0; 48]).unwrap();
    let mut workspace = Workspace::default();
    let mut run = |input: usize, bias: usize, output: usize| {
        let (input, bias, mut output) = (vec![0.0; input], vec![0.0; bias], vec![0.0; output]);
        conv.run(&input, &packed, Some(&bias), &mut workspace, &mut output).map_err(|error| error.argument)
    };
    assert_eq!(run(12, 4, 36), Ok(()));
    assert_eq!(run(11, 4, 36), Err("input"));
    assert_eq!(run(12, 3, 36), Err("bias"));
    assert_eq!(run(12, 4, 37), Err("output"));
    let strided = unpadded(Conv2dSpec { stride_h: 2, ..spec.conv });
    let strided = ConvTranspose2d::new(&strided, Layout::Nhwc, Activation::Identity).unwrap();
    let error = strided.run(&[0.0; 12], &packed, None, &mut workspace, &mut vec![0.0; strided.shape.output.len()]);
    assert_eq!(error.unwrap_err().argument, "filter");
}
