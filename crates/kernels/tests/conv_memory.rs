//! What convolutions keep in memory: packed filters of at most four times the filter, a workspace of at most 2 MiB and the
//! padded input, and nothing more with later calls.

mod oracle;
use lenslet_kernels::activation::Activation;
use lenslet_kernels::conv::{Accuracy, Conv2d, ConvTranspose2d, Packs, Strategy};
use lenslet_kernels::memory::Workspace;
use lenslet_kernels::shape::{Conv2dSpec, ConvTranspose2dSpec, Layout};
use oracle::conv::{plain_spec, random_spec};
use oracle::{Rng, first_seed, spec_count};

/// Every spec is run this often.
const CALLS: usize = 3;

fn same(spec: Conv2dSpec, pad: usize) -> Conv2dSpec {
    Conv2dSpec { pad_top: pad, pad_left: pad, pad_bottom: pad, pad_right: pad, ..spec }
}

/// Large ones, where scratch memory could grow with the spec.
fn large_specs() -> Vec<Conv2dSpec> {
    vec![
        plain_spec([1, 3, 3, 4096], 512, [1, 1]),
        plain_spec([2, 40, 41, 128], 9, [1, 1]),
        same(plain_spec([1, 56, 56, 64], 64, [3, 3]), 1),
        same(plain_spec([1, 14, 14, 512], 24, [3, 3]), 1),
        same(plain_spec([1, 7, 7, 512], 512, [3, 3]), 1),
        same(Conv2dSpec { dilation_h: 8, dilation_w: 8, ..plain_spec([1, 32, 33, 256], 9, [3, 3]) }, 8),
        same(Conv2dSpec { stride_h: 4, stride_w: 4, ..plain_spec([1, 227, 225, 3], 40, [11, 11]) }, 2),
        same(plain_spec([1, 40, 40, 33], 5, [31, 31]), 15),
        same(plain_spec([1, 9, 9, 3], 5, [40, 40]), 39),
        same(Conv2dSpec { groups: 32, ..plain_spec([1, 28, 28, 128], 32, [3, 3]) }, 1),
        same(Conv2dSpec { groups: 32, ..plain_spec([1, 28, 28, 128], 96, [3, 3]) }, 1),
        same(Conv2dSpec { groups: 960, stride_h: 2, stride_w: 2, ..plain_spec([1, 28, 28, 960], 960, [5, 5]) }, 2),
        same(Conv2dSpec { groups: 7, ..plain_spec([1, 99, 99, 7], 21, [7, 7]) }, 3),
        same(plain_spec([1, 540, 960, 1], 1, [9, 9]), 4),
        same(Conv2dSpec { groups: 3, ..plain_spec([1, 540, 960, 3], 3, [15, 3]) }, 7),
        Conv2dSpec { pad_left: 2, dilation_w: 500, ..plain_spec([1, 2, 20_000, 5], 6, [1, 33]) },
        Conv2dSpec { pad_left: 1 << 20, stride_w: 1 << 19, ..plain_spec([1, 9, 9, 3], 4, [3, 3]) },
        Conv2dSpec { pad_top: 1 << 12, pad_bottom: 1, stride_h: 64, ..plain_spec([1, 70, 300, 17], 4, [64, 2]) },
    ]
}

/// Bytes of a filter, its channels in whole vectors where the strategy multiplies vectors of both.
fn filter_bytes(conv: &Conv2d) -> usize {
    let (group_in_c, group_out_c) = (conv.shape.group_in_c(), conv.shape.group_out_c());
    let filter = conv.shape.filter_len();
    let whole = group_in_c.next_multiple_of(4) * group_out_c.next_multiple_of(4);
    4 * if conv.strategy() == Strategy::Winograd { filter / (group_in_c * group_out_c) * whole } else { filter }
}

/// Runs a convolution some times, and holds what it keeps against the bounds.
fn check(spec: &Conv2dSpec, accuracy: Accuracy) {
    let conv = Conv2d::new(spec, Layout::Nchw, Activation::Silu).unwrap().with_accuracy(accuracy);
    let what = format!("{} {spec:?}", conv.strategy().name());
    let packed = conv.pack(&vec![1.0; conv.shape.filter_len()]).unwrap();
    // A buffer takes whole cache lines.
    let most = 4 * filter_bytes(&conv) + 64;
    assert!(packed.bytes() <= most, "{} bytes packed, at most {most} expected: {what}", packed.bytes());

    let padded_h = spec.input.h + spec.pad_top + spec.pad_bottom;
    let padded_w = spec.input.w + spec.pad_left + spec.pad_right;
    let most = (2 << 20) + 4 * spec.input.n * padded_h * padded_w * spec.input.c;
    let input = vec![1.0; conv.shape.input.len()];
    let mut output = vec![0.0; conv.shape.output.len()];
    let mut workspace = Workspace::default();
    let calls = [(); CALLS].map(|()| {
        conv.run(&input, &packed, None, Some(&vec![1.0; output.len()]), &mut workspace, &mut output).unwrap();
        workspace.bytes()
    });
    assert!(calls[0] <= most, "{} bytes of workspace, at most {most} expected: {what}", calls[0]);
    assert_eq!(calls, [calls[0]; CALLS], "{what}");
}

/// The same for a transposed convolution.
fn check_transposed(spec: &ConvTranspose2dSpec) {
    let conv = ConvTranspose2d::new(spec, Layout::Nhwc, Activation::Silu).unwrap();
    let filter = vec![1.0; conv.shape.filter_len()];
    let packed = conv.pack(&filter).unwrap();
    assert!(packed.bytes() <= 4 * 4 * filter.len() + 64, "{} bytes packed: {spec:?}", packed.bytes());
    let Conv2dSpec { input, k_h, k_w, dilation_h, dilation_w, .. } = spec.conv;
    let padded = (input.h + 2 * k_h * dilation_h) * (input.w + 2 * k_w * dilation_w);
    let values = vec![1.0; input.len()];
    let mut output = vec![0.0; conv.shape.output.len()];
    let mut workspace = Workspace::default();
    let calls = [(); CALLS].map(|()| {
        conv.run(&values, &packed, None, &mut workspace, &mut output).unwrap();
        workspace.bytes()
    });
    assert!(calls[0] <= (2 << 20) + 4 * input.n * padded * input.c, "{} bytes of workspace: {spec:?}", calls[0]);
    assert_eq!(calls, [calls[0]; CALLS], "{spec:?}");
}

#[test]
fn large_convolutions() {
    for spec in large_specs() {
        for accuracy in [Accuracy::Fast, Accuracy::Strict] {
            check(&spec, accuracy);
        }
    }
}

#[test]
fn random_convolutions() {
    for seed in (first_seed(0)..).take(spec_count(2000)) {
        let mut rng = Rng::new(seed);
        check(&random_spec(&mut rng, 50_000), rng.pick(&[Accuracy::Fast, Accuracy::Strict]));
    }
}

#[test]
fn transposed_convolutions() {
    let unpadded = |conv| ConvTranspose2dSpec { conv, output_padding_h: 0, output_padding_w: 0 };
    for stride in [1, 2, 3] {
        for (in_c, out_c, groups) in [(64, 33, 1), (3, 1, 1), (64, 16, 16), (48, 48, 48), (512, 4, 2)] {
            for kernel in [[1, 1], [2, 2], [4, 4], [5, 3]] {
                let spec = Conv2dSpec {
                    groups,
                    stride_h: stride,
                    stride_w: stride,
                    ..plain_spec([2, 12, 13, in_c], out_c, kernel)
                };
                check_transposed(&unpadded(spec));
                check_transposed(&unpadded(Conv2dSpec { dilation_h: 5, dilation_w: 2, ..spec }));
            }
        }
    }
    check_transposed(&unpadded(plain_spec([1, 1, 1, 2], 3, [40, 400])));
}
