//! Winograd's errors against f64, beside those of a plain sum, at ResNet's channels; and where it is chosen.

mod oracle;
use lenslet_kernels::activation::Activation;
use lenslet_kernels::conv::{Accuracy, Conv2d, Packs, Strategy};
use lenslet_kernels::memory::Workspace;
use lenslet_kernels::shape::{Conv2dSpec, Layout};
use oracle::conv::{conv2d, plain_spec};
use oracle::{Guarded, Rng, UNIT_ROUNDOFF, compare};

/// A 3x3 window with a padding of `pad` on all sides.
fn padded_spec(input: [usize; 4], out_c: usize, pad: usize) -> Conv2dSpec {
    Conv2dSpec { pad_top: pad, pad_left: pad, pad_bottom: pad, pad_right: pad, ..plain_spec(input, out_c, [3, 3]) }
}

fn plan(spec: &Conv2dSpec) -> Conv2d {
    Conv2d::new(spec, Layout::Nhwc, Activation::Identity).unwrap()
}

/// Largest and root mean square error, in roundings (2^-24) of the root mean square of the exact outputs.
fn errors(conv: &Conv2d, input: &[f32], filter: &[f32], exact: &[f64]) -> [f64; 2] {
    let packed = conv.pack(filter).unwrap();
    let mut output = vec![0.0; conv.shape.output.len()];
    conv.run(input, &packed, None, None, &mut Workspace::default(), &mut output).unwrap();
    let rms = |values: &mut dyn Iterator<Item = f64>| (values.map(|x| x * x).sum::<f64>() / exact.len() as f64).sqrt();
    let unit = rms(&mut exact.iter().copied()) * UNIT_ROUNDOFF;
    let mut error = output.iter().zip(exact).map(|(&y, exact)| f64::from(y) - exact);
    let largest = error.clone().fold(0.0, |max: f64, error| max.max(error.abs()));
    [largest / unit, rms(&mut error) / unit]
}

/// 12x12 pixels of ResNet's layers, inputs and weights uniform in -1..1; run with `--nocapture` for the table. Channels, largest and
/// root mean square error of Winograd, of a plain sum: 64: 92, 14, 57, 7.0; 128: 130, 19, 70, 9.9; 256: 239, 27, 139, 14;
/// 512: 197, 36, 139, 20.
#[test]
fn errors_are_a_few_times_those_of_a_plain_sum() {
    for (in_c, out_c) in [(64, 64), (128, 128), (256, 64), (512, 32)] {
        let mut rng = Rng::new(in_c as u64);
        let conv = plan(&padded_spec([1, 12, 12, in_c], out_c, 1));
        let (input, filter) = (rng.values(conv.shape.input.len()), rng.values(conv.shape.filter_len()));
        let exact = conv2d(&conv.shape, Layout::Nhwc, Activation::Identity, &input, &filter, None, None).values;
        let by = |strategy| errors(&conv.with_strategy(strategy).unwrap(), &input, &filter, &exact);
        let ([max, rms], [plain_max, plain_rms]) = (by(Strategy::Winograd), by(Strategy::Direct));
        let [rows_max, rows_rms] = by(Strategy::WinogradRows);
        println!("{in_c}: winograd max {max:.1} rms {rms:.2}, direct max {plain_max:.1} rms {plain_rms:.2}");
        println!("    along rows max {rows_max:.1} rms {rows_rms:.2}");
        // Both grow with the square root of the sum's length.
        let expected = (9.0 * in_c as f64).sqrt();
        assert!(rms < 0.75 * expected && max < 7.0 * expected, "{in_c}: max {max}, rms {rms}");
        assert!(rms < 2.5 * plain_rms, "{in_c}: {rms} beside {plain_rms}");
        assert!(rows_rms < rms && rows_max < max, "{in_c}: along rows max {rows_max}, rms {rows_rms}");
    }
}

/// Where a tile holds large numbers and small ones, the small outputs' errors are those of the large: far beyond what a plain sum of
/// what they see would explain, within what the transforms do.
#[test]
fn errors_are_those_of_a_tiles_largest_numbers() {
    let conv = plan(&padded_spec([1, 13, 17, 20], 12, 1)).with_strategy(Strategy::Winograd).unwrap();
    let mut rng = Rng::new(11);
    let (even, filter) = (rng.values(conv.shape.input.len()), rng.values(conv.shape.filter_len()));
    // Every eighth column is a million times as large as the others: of a tile of four, two outputs do not see it.
    let uneven: Vec<f32> =
        even.iter().enumerate().map(|(i, x)| if i / 20 % 17 % 8 == 0 { x * 1e6 } else { *x }).collect();
    let packed = conv.pack(&filter).unwrap();
    let of = |input: &[f32]| {
        let exact = conv2d(&conv.shape, Layout::Nhwc, Activation::Identity, input, &filter, None, None).values;
        let [sizes, weights] = [input, &filter].map(|values| values.iter().map(|x| x.abs()).collect::<Vec<_>>());
        let magnitudes = conv2d(&conv.shape, Layout::Nhwc, Activation::Identity, &sizes, &weights, None, None).values;
        let mut output = vec![0.0; conv.shape.output.len()];
        conv.run(input, &packed, None, None, &mut Workspace::default(), &mut output).unwrap();
        let plain = |i: usize| (9.0 * 20.0 + 1.0) * UNIT_ROUNDOFF * magnitudes[i];
        let tolerances = oracle::winograd::tolerances(&conv.shape, Layout::Nhwc, input, &filter);
        let stretch = tolerances.iter().enumerate().map(|(i, tolerance)| tolerance / plain(i)).fold(0.0, f64::max);
        (compare(&output, &exact, |i| tolerances[i]), compare(&output, &exact, plain), stretch)
    };
    let (result, _, stretch) = of(&even);
    assert_eq!(result, Ok(()));
    assert!(stretch < 100.0, "where numbers are alike the bound is {stretch} times that of a plain sum");
    let (result, plain_result, _) = of(&uneven);
    assert_eq!(result, Ok(()));
    assert!(plain_result.is_err(), "a plain sum's bound would do");
}

#[test]
fn widths_channels_and_paddings() {
    let pads = [[0, 0, 0, 0], [1, 1, 1, 1], [2, 0, 1, 3], [0, 5, 0, 0], [9, 8, 7, 11]];
    let mut cases = 0;
    for w in 1..=9 {
        for in_c in [1, 3, 5, 24, 37] {
            for (out_c, [pad_top, pad_left, pad_bottom, pad_right]) in [3, 8, 13, 20, 4].into_iter().zip(pads) {
                let spec = plain_spec([2, 10 - w, w, in_c], out_c, [3, 3]);
                let spec = Conv2dSpec { pad_top, pad_left, pad_bottom, pad_right, ..spec };
                let Ok(conv) = Conv2d::new(&spec, Layout::Nchw, Activation::Relu) else { continue };
                let conv = conv.with_strategy(Strategy::Winograd).unwrap();
                let mut rng = Rng::new(cases);
                let input = Guarded::of(&rng.values(conv.shape.input.len()));
                let (filter, bias) = (rng.values(conv.shape.filter_len()), rng.values(out_c));
                let input = input.finish().unwrap();
                let residual = Guarded::of(&rng.values(conv.shape.output.len()));
                let residual = (cases % 2 == 0).then(|| residual.finish().unwrap());
                let expected =
                    conv2d(&conv.shape, Layout::Nchw, Activation::Relu, input, &filter, Some(&bias), residual);
                let mut output = Guarded::new(conv.shape.output.len());
                let mut workspace = Workspace::default();
                workspace.get(1 << 16).unwrap().fill(f32::NAN);
                let packed = conv.pack(&filter).unwrap();
                conv.run(input, &packed, Some(&bias), residual, &mut workspace, output.body()).unwrap();
                let result =
                    compare(output.finish().unwrap(), &expected.values, |_| expected.tolerance_of(conv.strategy()));
                assert_eq!(result, Ok(()), "{spec:?}");
                cases += 1;
            }
        }
    }
    assert!(cases > 150, "{cases}");
}

/// Rows that end with a tile of each size, single tiles, blocks of rows, channels beyond whole panels, and one to three rows of taps.
#[test]
fn along_rows() {
    let pads = [[0, 0, 0, 0], [1, 1, 1, 1], [2, 0, 1, 3], [0, 5, 0, 0]];
    let mut cases = 0;
    for (w, h) in [(1, 3), (2, 5), (3, 1), (4, 4), (5, 9), (6, 2), (7, 7), (8, 3), (9, 6), (21, 5)] {
        for (in_c, out_c) in [(4, 3), (8, 8), (20, 13), (36, 20)] {
            for (i, [pad_top, pad_left, pad_bottom, pad_right]) in pads.into_iter().enumerate() {
                let spec = plain_spec([2, h, w, in_c], out_c, [1 + (i + w) % 3, 3]);
                let spec = Conv2dSpec { pad_top, pad_left, pad_bottom, pad_right, ..spec };
                let layout = if i % 2 == 0 { Layout::Nhwc } else { Layout::Nchw };
                let Ok(conv) = Conv2d::new(&spec, layout, Activation::Relu) else { continue };
                let conv = conv.with_strategy(Strategy::WinogradRows).unwrap();
                let mut rng = Rng::new(cases);
                let input = Guarded::of(&rng.values(conv.shape.input.len()));
                let (filter, bias) = (rng.values(conv.shape.filter_len()), rng.values(out_c));
                let input = input.finish().unwrap();
                let residual = Guarded::of(&rng.values(conv.shape.output.len()));
                let residual = (cases % 2 == 0).then(|| residual.finish().unwrap());
                let expected = conv2d(&conv.shape, layout, Activation::Relu, input, &filter, Some(&bias), residual);
                let tolerances = oracle::winograd::tolerances_of_rows(&conv.shape, layout, input, &filter);
                let mut output = Guarded::new(conv.shape.output.len());
                let mut workspace = Workspace::default();
                workspace.get(1 << 16).unwrap().fill(f32::NAN);
                let packed = conv.pack(&filter).unwrap();
                conv.run(input, &packed, Some(&bias), residual, &mut workspace, output.body()).unwrap();
                let result = compare(output.finish().unwrap(), &expected.values, |i| tolerances[i] + 1e-6);
                assert_eq!(result, Ok(()), "{spec:?}");
                cases += 1;
            }
        }
    }
    assert!(cases > 120, "{cases}");
    for other in [
        plain_spec([1, 7, 7, 18], 8, [3, 3]),
        plain_spec([1, 7, 7, 8], 8, [4, 3]),
        plain_spec([1, 7, 7, 8], 8, [3, 1]),
        Conv2dSpec { stride_h: 2, ..plain_spec([1, 7, 7, 8], 8, [3, 3]) },
        Conv2dSpec { dilation_w: 2, ..plain_spec([1, 7, 7, 8], 8, [3, 3]) },
        Conv2dSpec { groups: 2, ..plain_spec([1, 7, 7, 8], 8, [3, 3]) },
    ] {
        assert_eq!(plan(&other).with_strategy(Strategy::WinogradRows), None, "{other:?}");
    }
}

/// An image whose transformed rows do not all fit the workspace.
#[test]
fn blocks_of_rows() {
    let conv = plan(&padded_spec([1, 43, 90, 64], 5, 1)).with_strategy(Strategy::WinogradRows).unwrap();
    let mut rng = Rng::new(5);
    let (input, filter) = (rng.values(conv.shape.input.len()), rng.values(conv.shape.filter_len()));
    let expected = conv2d(&conv.shape, Layout::Nhwc, Activation::Identity, &input, &filter, None, None);
    let mut output = Guarded::new(conv.shape.output.len());
    let (packed, mut workspace) = (conv.pack(&filter).unwrap(), Workspace::default());
    conv.run(&input, &packed, None, None, &mut workspace, output.body()).unwrap();
    let tolerance = expected.tolerance_of(conv.strategy());
    assert_eq!(compare(output.finish().unwrap(), &expected.values, |_| tolerance), Ok(()));
    assert!(workspace.bytes() <= 2 << 20, "{} bytes of workspace", workspace.bytes());
}

/// Phases of as many tiles as one another, of more in the first than in the last, of a single row, and dilations beyond the image.
#[test]
fn dilations() {
    for (dilation_h, dilation_w) in [(1, 2), (2, 1), (2, 3), (3, 3), (5, 5), (7, 2), (12, 11), (20, 30)] {
        for (h, w) in [(9, 8), (8, 17), (13, 21), (24, 10)] {
            for (pad, with_residual) in [(0, false), (1, true), (dilation_h, true), (2 * dilation_h + 1, false)] {
                let spec = Conv2dSpec { dilation_h, dilation_w, ..padded_spec([2, h, w, 5], 6, pad) };
                let Ok(conv) = Conv2d::new(&spec, Layout::Nhwc, Activation::Identity) else { continue };
                let conv = conv.with_strategy(Strategy::Winograd).unwrap();
                let mut rng = Rng::new((h * w + pad) as u64);
                let input = Guarded::of(&rng.values(conv.shape.input.len()));
                let (filter, bias) = (rng.values(conv.shape.filter_len()), rng.values(6));
                let input = input.finish().unwrap();
                let residual = rng.values(conv.shape.output.len());
                let residual = with_residual.then_some(&residual[..]);
                let expected =
                    conv2d(&conv.shape, Layout::Nhwc, Activation::Identity, input, &filter, Some(&bias), residual);
                let tolerances = oracle::winograd::tolerances(&conv.shape, Layout::Nhwc, input, &filter);
                let mut output = Guarded::new(conv.shape.output.len());
                let packed = conv.pack(&filter).unwrap();
                conv.run(input, &packed, Some(&bias), residual, &mut Workspace::default(), output.body()).unwrap();
                let result = compare(output.finish().unwrap(), &expected.values, |i| tolerances[i] + 1e-6);
                assert_eq!(result, Ok(()), "{spec:?}");
            }
        }
    }
    let spec = Conv2dSpec { dilation_h: 5, dilation_w: 5, ..padded_spec([1, 80, 80, 64], 64, 5) };
    assert_eq!(plan(&spec).strategy(), Strategy::Winograd);
    // Four rows of an image are four phases of a row each: three quarters of their tiles would be empty.
    let spec = Conv2dSpec { dilation_h: 5, dilation_w: 1, ..padded_spec([1, 4, 80, 64], 64, 5) };
    assert_eq!(plan(&spec).strategy(), Strategy::Direct);
}

#[test]
fn memory_is_bounded() {
    for (image, in_c, out_c) in [([56, 56], 64, 64), ([7, 7], 512, 512), ([30, 30], 1100, 8), ([90, 2000], 3, 3)] {
        let conv = plan(&padded_spec([1, image[0], image[1], in_c], out_c, 1));
        let conv = conv.with_strategy(Strategy::Winograd).unwrap();
        let packed = conv.pack(&vec![1.0; conv.shape.filter_len()]).unwrap();
        let whole = in_c.next_multiple_of(4) * out_c.next_multiple_of(4) * 9;
        assert!(packed.bytes() <= 4 * (4 * whole), "{in_c} -> {out_c}: {} bytes packed", packed.bytes());
        let mut workspace = Workspace::default();
        let mut output = vec![0.0; conv.shape.output.len()];
        conv.run(&vec![1.0; conv.shape.input.len()], &packed, None, None, &mut workspace, &mut output).unwrap();
        assert!(workspace.bytes() <= 2 << 20, "{in_c} -> {out_c}: {} bytes of workspace", workspace.bytes());
        let Some(rows) = conv.with_strategy(Strategy::WinogradRows) else { continue };
        let packed = rows.pack(&vec![1.0; conv.shape.filter_len()]).unwrap();
        assert!(packed.bytes() <= 2 * (4 * whole), "{in_c} -> {out_c}: {} bytes packed along rows", packed.bytes());
    }
    assert_eq!(plan(&plain_spec([1, 9, 9, 4096], 4, [3, 3])).with_strategy(Strategy::Winograd), None);
}

#[test]
fn a_nan_stays_in_the_tiles_that_see_it() {
    let conv = plan(&padded_spec([1, 12, 12, 16], 16, 1)).with_strategy(Strategy::Winograd).unwrap();
    let mut input = vec![1.0; conv.shape.input.len()];
    input[(6 * 12 + 6) * 16] = f32::NAN;
    let packed = conv.pack(&vec![1.0; conv.shape.filter_len()]).unwrap();
    let mut output = vec![0.0; conv.shape.output.len()];
    conv.run(&input, &packed, None, None, &mut Workspace::default(), &mut output).unwrap();
    for (i, pixel) in output.chunks_exact(16).enumerate() {
        let [y, x] = [i / 12, i % 12];
        let is_seen = (5..=7).contains(&y) && (5..=7).contains(&x);
        let is_in_tile = (4..8).contains(&y) && (4..8).contains(&x);
        assert!(pixel[0].is_nan() || !is_seen, "{y} {x}");
        assert!(!pixel[0].is_nan() || is_in_tile, "{y} {x}");
    }
}

#[test]
fn along_rows_a_nan_stays_in_the_row_of_a_tile() {
    let conv = plan(&padded_spec([1, 12, 12, 16], 16, 1)).with_strategy(Strategy::WinogradRows).unwrap();
    let mut input = vec![1.0; conv.shape.input.len()];
    input[(6 * 12 + 6) * 16] = f32::NAN;
    let packed = conv.pack(&vec![1.0; conv.shape.filter_len()]).unwrap();
    let mut output = vec![0.0; conv.shape.output.len()];
    conv.run(&input, &packed, None, None, &mut Workspace::default(), &mut output).unwrap();
    for (i, pixel) in output.chunks_exact(16).enumerate() {
        let [y, x] = [i / 12, i % 12];
        let is_seen = (5..=7).contains(&y) && (5..=7).contains(&x);
        let may_be_hit = (5..=7).contains(&y) && (4..8).contains(&x);
        assert!(pixel[0].is_nan() || !is_seen, "{y} {x}");
        assert!(!pixel[0].is_nan() || may_be_hit, "{y} {x}");
    }
}

#[test]
fn the_same_input_gives_the_same_bits() {
    the_same_bits_by(Strategy::Winograd);
    the_same_bits_by(Strategy::WinogradRows);
}

fn the_same_bits_by(strategy: Strategy) {
    let conv = plan(&padded_spec([2, 17, 19, 24], 20, 1)).with_strategy(strategy).unwrap();
    let mut rng = Rng::new(3);
    let (input, filter) = (rng.values(conv.shape.input.len()), rng.values(conv.shape.filter_len()));
    let packed = conv.pack(&filter).unwrap();
    let run = |workspace: &mut Workspace| {
        let mut output = vec![0.0; conv.shape.output.len()];
        conv.run(&input, &packed, None, None, workspace, &mut output).unwrap();
        output.into_iter().map(f32::to_bits).collect::<Vec<_>>()
    };
    let mut used = Workspace::default();
    used.get(1 << 18).unwrap().fill(f32::INFINITY);
    assert_eq!(run(&mut Workspace::default()), run(&mut used));
}

#[test]
fn strict_never_uses_it() {
    let conv = plan(&padded_spec([1, 7, 7, 512], 512, 1));
    assert_eq!(conv.strategy(), Strategy::WinogradRows);
    assert_eq!(conv.with_accuracy(Accuracy::Strict).strategy(), Strategy::Direct);
    let spec = padded_spec([1, 14, 14, 256], 256, 1);
    let conv = plan(&spec);
    assert_eq!(conv.strategy(), Strategy::Winograd);
    assert_eq!(conv.with_accuracy(Accuracy::Strict).strategy(), Strategy::Direct);
    assert_eq!(conv.with_accuracy(Accuracy::Strict).with_accuracy(Accuracy::Fast), conv);
    for other in [Conv2dSpec { stride_h: 2, ..spec }, Conv2dSpec { groups: 2, ..spec }, Conv2dSpec { k_w: 5, ..spec }] {
        assert_eq!(plan(&other).with_strategy(Strategy::Winograd), None, "{other:?}");
    }
}
