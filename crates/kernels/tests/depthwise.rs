//! Depthwise convolution against the naive oracle, at the borders between its loops: planes, strips, pairs of rows, segments.

mod oracle;
use lenslet_kernels::activation::Activation;
use lenslet_kernels::conv::{Conv2d, Packs, Strategy};
use lenslet_kernels::memory::Workspace;
use lenslet_kernels::shape::{Conv2dSpec, Layout};
use oracle::conv::{conv2d, plain_spec};
use oracle::{Guarded, Rng, compare};

/// `multiplier` output channels for each of `input`'s, padded on all sides.
fn spec(input: [usize; 4], multiplier: usize, kernel: [usize; 2], [pad_h, pad_w]: [usize; 2]) -> Conv2dSpec {
    let c = input[3];
    let pads = Conv2dSpec {
        pad_top: pad_h,
        pad_bottom: pad_h,
        pad_left: pad_w,
        pad_right: pad_w,
        groups: c,
        ..plain_spec(input, 1, [1, 1])
    };
    Conv2dSpec { out_c: c * multiplier, k_h: kernel[0], k_w: kernel[1], ..pads }
}

/// The exact result with everything that may be added, and with nothing.
fn check(spec: &Conv2dSpec) {
    let activations = [(Activation::Identity, false), (Activation::Relu6, false), (Activation::Tanh, true)];
    for ((activation, adds), layout) in activations.into_iter().zip([Layout::Nhwc, Layout::Nchw, Layout::Nhwc]) {
        let conv = Conv2d::new(spec, layout, activation).unwrap().with_strategy(Strategy::Depthwise).unwrap();
        let mut rng = Rng::new(7);
        let input = Guarded::of(&rng.values(conv.shape.input.len()));
        let filter = rng.values(conv.shape.filter_len());
        let bias = rng.values(spec.out_c);
        let residual = Guarded::of(&rng.values(conv.shape.output.len()));
        let input = input.finish().unwrap();
        let bias = adds.then_some(&bias[..]);
        let residual = adds.then(|| residual.finish().unwrap());
        let expected = conv2d(&conv.shape, layout, activation, input, &filter, bias, residual);
        let mut output = Guarded::new(conv.shape.output.len());
        let mut workspace = Workspace::default();
        // What an earlier call left in the workspace must not matter.
        workspace.get(1 << 16).unwrap().fill(f32::NAN);
        let packed = conv.pack(&filter).unwrap();
        conv.run(input, &packed, bias, residual, &mut workspace, output.body()).unwrap();
        let result = compare(output.finish().unwrap(), &expected.values, |_| expected.tolerance);
        assert_eq!(result, Ok(()), "{activation:?} {layout:?} {spec:?}");
    }
}

#[test]
fn rows_around_strips_and_tiles() {
    for w in 1..=16 {
        for (kernel, pads) in [([3, 3], [1, 1]), ([5, 5], [2, 2]), ([7, 7], [3, 3]), ([2, 4], [0, 3]), ([3, 3], [0, 2])]
        {
            for (stride_h, stride_w) in [(1, 1), (2, 2), (2, 1), (1, 2), (3, 3)] {
                for c in [4, 6] {
                    let spec = Conv2dSpec { stride_h, stride_w, ..spec([1, 5, w, c], 1, kernel, pads) };
                    if w + 2 * pads[1] >= kernel[1] && 5 + 2 * pads[0] >= kernel[0] {
                        check(&spec);
                    }
                }
            }
        }
    }
}

#[test]
fn channels_around_planes() {
    for c in (1..=9).chain([16, 19, 58]) {
        for kernel in [3, 5, 6] {
            for stride_w in [1, 2, 3] {
                check(&Conv2dSpec { stride_w, ..spec([2, 6, 12, c], 1, [kernel, kernel], [kernel / 2, kernel / 2]) });
            }
        }
    }
}

#[test]
fn multipliers() {
    for multiplier in [2, 3, 4, 8, 9] {
        for c in [1, 2, 3, 5, 8] {
            for stride in [1, 2] {
                let spec = spec([1, 7, 9, c], multiplier, [3, 3], [1, 1]);
                check(&Conv2dSpec { stride_h: stride, stride_w: stride, ..spec });
            }
        }
    }
}

/// Pairs of rows of outputs share rows of the input if the stride and the dilation let them.
#[test]
fn rows_apart() {
    for dilation in 1..=6 {
        for stride in [1, 2, 3, 4, 6] {
            for h in [1, 2, 7, 13, 22] {
                for kernel in [[3, 3], [4, 2], [1, 5]] {
                    let reach = dilation * (kernel[0] - 1);
                    let spec = spec([1, h, 15, 5], 1, kernel, [reach.div_ceil(2) + usize::from(h == 2), dilation]);
                    check(&Conv2dSpec { stride_h: stride, dilation_h: dilation, dilation_w: dilation, ..spec });
                    check(&Conv2dSpec { stride_h: stride, stride_w: 2, dilation_h: dilation, ..spec });
                }
            }
        }
    }
}

/// More than what is held at once: channels in blocks, rows in segments; and images that do not fit the cache.
#[test]
fn blocks_and_segments() {
    check(&spec([1, 4, 120, 70], 1, [5, 5], [2, 2]));
    check(&spec([1, 3, 3000, 6], 1, [3, 4], [1, 1]));
    check(&spec([1, 3, 700, 41], 1, [2, 7], [0, 3]));
    check(&Conv2dSpec { stride_w: 3, ..spec([1, 1, 9000, 5], 1, [1, 9], [0, 40]) });
    check(&spec([1, 24, 40, 290], 1, [3, 3], [1, 1]));
    check(&Conv2dSpec { stride_h: 2, stride_w: 2, ..spec([1, 24, 40, 289], 1, [3, 3], [1, 1]) });
}

/// Too many taps, or too far apart, for their rows to be held.
#[test]
fn windows_beyond_all_bounds() {
    for c in [1, 3, 6] {
        check(&spec([1, 2, 40, c], 1, [1, 150], [0, 120]));
        check(&spec([1, 40, 3, c], 2, [150, 2], [119, 0]));
        let far = Conv2dSpec { dilation_w: 1 << 20, ..spec([1, 2, 3, c], 1, [2, 2], [0, 1 << 19]) };
        check(&Conv2dSpec { pad_right: (1 << 19) + 4, stride_w: 3, ..far });
    }
}

#[test]
fn an_infinity_stays_in_the_windows_that_see_it() {
    for kernel in [3, 4, 5] {
        let conv = Conv2d::new(&spec([1, 14, 14, 8], 1, [kernel, kernel], [1, 1]), Layout::Nhwc, Activation::Identity);
        let conv = conv.unwrap().with_strategy(Strategy::Depthwise).unwrap();
        let mut input = vec![1.0; conv.shape.input.len()];
        let (y, x) = (6, 5);
        input[(y * 14 + x) * 8 + 3] = f32::INFINITY;
        let packed = conv.pack(&vec![1.0; conv.shape.filter_len()]).unwrap();
        let mut output = vec![0.0; conv.shape.output.len()];
        conv.run(&input, &packed, None, None, &mut Workspace::default(), &mut output).unwrap();
        for (i, &value) in output.iter().enumerate() {
            let pixel = i / 8;
            let sees = |output: usize, input: usize| (output..output + kernel).contains(&(input + 1));
            let is_seen = i % 8 == 3 && sees(pixel / conv.shape.output.w, y) && sees(pixel % conv.shape.output.w, x);
            assert_eq!(value.is_infinite(), is_seen, "{kernel} {i}");
            assert!(!value.is_nan(), "{kernel} {i}");
        }
    }
}

#[test]
fn memory_is_bounded() {
    for (input, kernel) in [([1, 112, 112, 96], 5), ([1, 8, 4000, 64], 7), ([1, 60, 60, 2000], 9)] {
        let conv = Conv2d::new(
            &spec(input, 1, [kernel, kernel], [kernel / 2, kernel / 2]),
            Layout::Nhwc,
            Activation::Identity,
        );
        let conv = conv.unwrap();
        assert_eq!(conv.strategy(), Strategy::Depthwise);
        let packed = conv.pack(&vec![1.0; conv.shape.filter_len()]).unwrap();
        assert_eq!(packed.bytes(), 4 * conv.shape.filter_len());
        let mut workspace = Workspace::default();
        let mut output = vec![0.0; conv.shape.output.len()];
        conv.run(&vec![1.0; conv.shape.input.len()], &packed, None, None, &mut workspace, &mut output).unwrap();
        assert!(workspace.bytes() <= 256 << 10, "{input:?}: {}", workspace.bytes());
    }
}
