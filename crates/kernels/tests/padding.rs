//! Windows that lie mostly in the padding, or far apart: right, and the work follows what is read, not what is stepped over.

mod oracle;
use lenslet_kernels::activation::Activation;
use lenslet_kernels::conv::{Conv2d, ConvTranspose2d, Packs, Strategy};
use lenslet_kernels::memory::Workspace;
use lenslet_kernels::pool::{avg_pool2d, max_pool2d, max_pool2d_with_indices};
use lenslet_kernels::shape::{Conv2dSpec, ConvTranspose2dSpec, Layout, Pool2dShape, Pool2dSpec};
use oracle::conv::{conv_transpose2d, conv2d, plain_spec};
use oracle::pool::spec;
use oracle::{Guarded, Rng, compare};
use std::time::{Duration, Instant};

/// Each of these takes milliseconds; with all taps visited they took from half a minute to hours.
fn soon<T>(f: impl FnOnce() -> T) -> T {
    let start = Instant::now();
    let result = f();
    assert!(start.elapsed() < Duration::from_secs(8), "took {:?}", start.elapsed());
    result
}

/// A window `[k_h, k_w]` at every place where it touches the image.
fn all_around(input: [usize; 4], out_c: usize, [k_h, k_w]: [usize; 2]) -> Conv2dSpec {
    Conv2dSpec {
        pad_top: k_h - 1,
        pad_bottom: k_h - 1,
        pad_left: k_w - 1,
        pad_right: k_w - 1,
        ..plain_spec(input, out_c, [k_h, k_w])
    }
}

fn unpadded(conv: Conv2dSpec) -> ConvTranspose2dSpec {
    ConvTranspose2dSpec { conv, output_padding_h: 0, output_padding_w: 0 }
}

#[test]
fn a_large_kernel_over_one_pixel_takes_no_time() {
    for kernel in [[512, 512], [1, 1 << 18], [1 << 18, 1]] {
        let conv = Conv2d::new(&all_around([1, 1, 1, 1], 2, kernel), Layout::Nhwc, Activation::Identity).unwrap();
        assert_eq!(conv.strategy(), Strategy::Clipped);
        let filter = Rng::new(1).values(conv.shape.filter_len());
        let mut output = vec![f32::NAN; filter.len()];
        let packed = conv.pack(&filter).unwrap();
        soon(|| conv.run(&[1.0], &packed, None, None, &mut Workspace::default(), &mut output)).unwrap();
        let turned = filter.as_chunks::<2>().0.iter().rev();
        assert!(turned.eq(output.as_chunks::<2>().0), "{kernel:?}");

        let spec = unpadded(plain_spec([1, 1, 1, 2], 1, kernel));
        let conv = ConvTranspose2d::new(&spec, Layout::Nhwc, Activation::Identity).unwrap();
        let mut output = vec![f32::NAN; filter.len() / 2];
        let packed = conv.pack(&filter).unwrap();
        soon(|| conv.run(&[1.0, 0.0], &packed, None, &mut Workspace::default(), &mut output)).unwrap();
        assert!(filter.iter().step_by(2).eq(&output), "transposed {kernel:?}");
    }
}

#[test]
fn convolutions_mostly_in_the_padding() {
    let mut rng = Rng::new(2);
    for (in_c, out_c, groups) in [(1, 2, 1), (3, 7, 1), (4, 13, 1), (6, 4, 2), (8, 24, 2), (33, 9, 1)] {
        for kernel in [[31, 29], [1, 300], [300, 1]] {
            for (dilation, stride) in [([1, 1], [1, 1]), ([2, 1], [1, 3]), ([1, 3], [2, 1])] {
                let [dilation_h, dilation_w] = dilation;
                let [stride_h, stride_w] = stride;
                let extents = [dilation_h * (kernel[0] - 1) + 1, dilation_w * (kernel[1] - 1) + 1];
                let input = [2, 1 + kernel[1] % 2, 2, in_c];
                let conv = Conv2dSpec {
                    dilation_h,
                    dilation_w,
                    stride_h,
                    stride_w,
                    groups,
                    k_h: kernel[0],
                    k_w: kernel[1],
                    ..all_around(input, out_c, extents)
                };
                for activation in [Activation::Relu6, Activation::Tanh] {
                    check_conv(&conv, activation, &mut rng);
                    let transposed = unpadded(Conv2dSpec { pad_left: 1, ..conv_without_pads(conv) });
                    check_transposed(&transposed, activation, &mut rng);
                }
            }
        }
    }
}

fn conv_without_pads(conv: Conv2dSpec) -> Conv2dSpec {
    Conv2dSpec { pad_top: 0, pad_left: 0, pad_bottom: 0, pad_right: 0, ..conv }
}

fn check_conv(spec: &Conv2dSpec, activation: Activation, rng: &mut Rng) {
    let conv = Conv2d::new(spec, Layout::Nchw, activation).unwrap().with_strategy(Strategy::Clipped).unwrap();
    let (input, filter) = (rng.values(conv.shape.input.len()), rng.values(conv.shape.filter_len()));
    let bias = rng.values(spec.out_c);
    let mut output = Guarded::new(conv.shape.output.len());
    let packed = conv.pack(&filter).unwrap();
    conv.run(&input, &packed, Some(&bias), None, &mut Workspace::default(), output.body()).unwrap();
    let expected = conv2d(&conv.shape, Layout::Nchw, activation, &input, &filter, Some(&bias), None);
    compare(output.finish().unwrap(), &expected.values, |_| expected.tolerance)
        .unwrap_or_else(|mismatch| panic!("{mismatch}\n{spec:?}"));
}

fn check_transposed(spec: &ConvTranspose2dSpec, activation: Activation, rng: &mut Rng) {
    let conv = ConvTranspose2d::new(spec, Layout::Nhwc, activation).unwrap();
    let (input, filter) = (rng.values(conv.shape.input.len()), rng.values(conv.shape.filter_len()));
    let mut output = Guarded::new(conv.shape.output.len());
    let packed = conv.pack(&filter).unwrap();
    conv.run(&input, &packed, None, &mut Workspace::default(), output.body()).unwrap();
    let expected = conv_transpose2d(&conv.shape, Layout::Nhwc, activation, &input, &filter, None);
    compare(output.finish().unwrap(), &expected.values, |_| expected.tolerance)
        .unwrap_or_else(|mismatch| panic!("{mismatch}\n{spec:?}"));
}

#[test]
fn columns_between_pool_windows_are_not_read() {
    let size = 1 << 18;
    let spec =
        Pool2dSpec { stride_w: size, pad_top: size - 1, pad_bottom: size - 1, ..spec([1, 1, size, 1], [size, 1]) };
    let shape = Pool2dShape::new(&spec).unwrap();
    let mut output = vec![f32::NAN; size];
    soon(|| max_pool2d(&shape, &vec![2.0; size], &mut output)).unwrap();
    assert!(output.iter().all(|&y| y == 2.0));
}

#[test]
fn pool_windows_between_rows_or_columns_are_empty_at_once() {
    let size = 1 << 17;
    let rows = Pool2dSpec { dilation_h: size, pad_top: size, pad_bottom: size, ..spec([1, 1, size, 1], [2, size]) };
    let columns = Pool2dSpec { dilation_w: size, pad_left: size, pad_right: size, ..spec([1, size, 1, 1], [size, 2]) };
    for spec in [rows, columns] {
        let shape = Pool2dShape::new(&spec).unwrap();
        let input = vec![2.0; size];
        let mut output = vec![f32::NAN; size + 1];
        let check = |output: &[f32], empty: f32| {
            assert_eq!((output[0], output[size]), (2.0, 2.0));
            assert!(output[1..size].iter().all(|&y| y == empty));
        };
        soon(|| max_pool2d(&shape, &input, &mut output)).unwrap();
        check(&output, f32::NEG_INFINITY);
        soon(|| avg_pool2d(&shape, false, &input, &mut output)).unwrap();
        check(&output, 0.0);
        let mut indices = vec![0; size + 1];
        soon(|| max_pool2d_with_indices(&shape, Layout::Nhwc, &input, &mut output, &mut indices)).unwrap();
        check(&output, f32::NEG_INFINITY);
        assert_eq!((indices[0], indices[1], indices[size]), (0, u32::MAX, 0));
    }
}
