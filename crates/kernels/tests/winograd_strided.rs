//! Winograd's tiles at a stride of two: every output against f64, errors beside those of a plain sum, memory, and where they are chosen.

mod oracle;
use lenslet_kernels::activation::Activation;
use lenslet_kernels::conv::{Accuracy, Conv2d, Packs, Strategy};
use lenslet_kernels::memory::Workspace;
use lenslet_kernels::shape::{Conv2dSpec, Layout};
use oracle::conv::{conv2d, plain_spec};
use oracle::winograd_strided::{tiles, tolerances};
use oracle::{Guarded, Rng, UNIT_ROUNDOFF, compare};

/// A 3x3 window at a stride of two with a padding of `pad` on all sides.
fn spec(input: [usize; 4], out_c: usize, pad: usize) -> Conv2dSpec {
    let pads =
        Conv2dSpec { pad_top: pad, pad_left: pad, pad_bottom: pad, pad_right: pad, ..plain_spec(input, out_c, [3, 3]) };
    Conv2dSpec { stride_h: 2, stride_w: 2, ..pads }
}

fn plan(spec: &Conv2dSpec) -> Conv2d {
    Conv2d::new(spec, Layout::Nhwc, Activation::Identity).unwrap()
}

fn by_tiles(spec: &Conv2dSpec) -> Conv2d {
    plan(spec).with_strategy(Strategy::Winograd).unwrap()
}

/// Runs with a workspace of NaN, an output of NaN between guards, bias and an optional residual, and compares every output.
fn check(conv: &Conv2d, seed: u64, with_residual: bool) {
    let mut rng = Rng::new(seed);
    let input = Guarded::of(&rng.values(conv.shape.input.len()));
    let (filter, bias) = (rng.values(conv.shape.filter_len()), rng.values(conv.shape.output.c));
    let input = input.finish().unwrap();
    let residual = Guarded::of(&rng.values(conv.shape.output.len()));
    let residual = with_residual.then(|| residual.finish().unwrap());
    let layout = conv.filter_layout;
    let expected = conv2d(&conv.shape, layout, conv.activation, input, &filter, Some(&bias), residual);
    let tolerances = tolerances(&conv.shape, layout, input, &filter);
    let mut output = Guarded::new(conv.shape.output.len());
    let mut workspace = Workspace::default();
    workspace.get(1 << 17).unwrap().fill(f32::NAN);
    let packed = conv.pack(&filter).unwrap();
    conv.run(input, &packed, Some(&bias), residual, &mut workspace, output.body()).unwrap();
    let result = compare(output.finish().unwrap(), &expected.values, |i| tolerances[i] + 1e-6);
    assert_eq!(result, Ok(()), "{:?}", conv.shape);
}

/// Tiles of four outputs, of three and of fewer on either axis, windows in the padding, channels beyond whole panels.
#[test]
fn sizes_channels_and_paddings() {
    let pads = [[0, 0, 0, 0], [1, 1, 1, 1], [2, 0, 1, 3], [0, 5, 0, 0], [0, 1, 1, 0]];
    let mut cases = 0;
    for (h, w) in [(3, 3), (4, 9), (5, 13), (6, 7), (8, 17), (9, 35), (11, 4), (13, 13), (14, 28), (17, 10), (3, 33)] {
        for (in_c, out_c) in [(4, 3), (8, 8), (20, 13), (36, 20)] {
            for (i, [pad_top, pad_left, pad_bottom, pad_right]) in pads.into_iter().enumerate() {
                let spec = Conv2dSpec { pad_top, pad_left, pad_bottom, pad_right, ..spec([2, h, w, in_c], out_c, 0) };
                let layout = if i % 2 == 0 { Layout::Nhwc } else { Layout::Nchw };
                let Ok(conv) = Conv2d::new(&spec, layout, Activation::Relu) else { continue };
                check(&conv.with_strategy(Strategy::Winograd).unwrap(), cases, cases % 2 == 0);
                cases += 1;
            }
        }
    }
    assert!(cases > 200, "{cases}");
}

/// Several blocks, panels in several passes, and more channels than are transformed at a time.
#[test]
fn blocks_of_tiles_and_of_columns() {
    check(&by_tiles(&spec([3, 30, 44, 40], 12, 1)), 1, false);
    check(&by_tiles(&spec([1, 27, 27, 132], 20, 1)), 2, true);
    check(&by_tiles(&spec([1, 15, 31, 8], 1100, 1)), 3, false);
}

#[test]
fn tiles_cover_an_axis() {
    for output in 1..60 {
        let axis = plan(&spec([1, 2 * output + 1, 3, 4], 4, 0)).shape.h;
        let tiles = tiles(&axis);
        let covered: usize = tiles.iter().map(|[_, size]| size).sum();
        assert!(axis.output == output && covered >= output && covered < output + 3, "{output}: {tiles:?}");
    }
}

/// Root mean square and largest error in roundings (2^-24) of the root mean square of the exact outputs; inputs and weights uniform in
/// -1..1; run with `--nocapture` for the table. Channels, Winograd's, a plain sum's: 64: 14, 126, 7.1, 60; 128: 20, 154, 10, 70;
/// 256: 27, 214, 14, 111.
#[test]
fn errors_are_twice_those_of_a_plain_sum() {
    for (in_c, out_c) in [(64, 64), (128, 128), (256, 64)] {
        let conv = plan(&spec([1, 24, 24, in_c], out_c, 1));
        let mut rng = Rng::new(in_c as u64);
        let (input, filter) = (rng.values(conv.shape.input.len()), rng.values(conv.shape.filter_len()));
        let exact = conv2d(&conv.shape, Layout::Nhwc, Activation::Identity, &input, &filter, None, None).values;
        let rms = |values: &[f64]| (values.iter().map(|x| x * x).sum::<f64>() / values.len() as f64).sqrt();
        let unit = rms(&exact) * UNIT_ROUNDOFF;
        let [[error, max], [plain, plain_max]] = [Strategy::Winograd, Strategy::Direct].map(|strategy| {
            let conv = conv.with_strategy(strategy).unwrap();
            let packed = conv.pack(&filter).unwrap();
            let mut output = vec![0.0; conv.shape.output.len()];
            conv.run(&input, &packed, None, None, &mut Workspace::default(), &mut output).unwrap();
            let errors: Vec<f64> = output.iter().zip(&exact).map(|(&y, exact)| f64::from(y) - exact).collect();
            [rms(&errors) / unit, errors.iter().fold(0.0, |max: f64, error| max.max(error.abs())) / unit]
        });
        println!("{in_c}: rms {error:.1} max {max:.0}, plain rms {plain:.1} max {plain_max:.0}");
        // Both grow with the square root of the sum's length.
        let expected = (9.0 * in_c as f64).sqrt();
        assert!(error < 0.75 * expected && max < 9.0 * expected, "{in_c}: rms {error}, max {max}");
        assert!(error < 2.5 * plain, "{in_c}: {error} beside {plain}");
    }
}

#[test]
fn a_nan_stays_in_the_tiles_that_see_it() {
    // Outputs 0..4 and 4..8 see pixels -1..8 and 7..16.
    let conv = by_tiles(&spec([1, 16, 16, 16], 16, 1));
    let mut input = vec![1.0; conv.shape.input.len()];
    input[(9 * 16 + 10) * 16] = f32::NAN;
    let packed = conv.pack(&vec![1.0; conv.shape.filter_len()]).unwrap();
    let mut output = vec![0.0; conv.shape.output.len()];
    conv.run(&input, &packed, None, None, &mut Workspace::default(), &mut output).unwrap();
    for (i, pixel) in output.chunks_exact(16).enumerate() {
        let [y, x] = [i / 8, i % 8];
        let is_seen = (y == 4 || y == 5) && x == 5;
        assert!(pixel[0].is_nan() || !is_seen, "{y} {x}");
        assert!(!pixel[0].is_nan() || (y >= 4 && x >= 4), "{y} {x}");
    }
}

#[test]
fn the_same_input_gives_the_same_bits() {
    let conv = by_tiles(&spec([2, 33, 29, 24], 20, 1));
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
fn memory_is_bounded() {
    for (size, in_c, out_c) in [(56, 64, 128), (28, 128, 256), (14, 256, 512), (60, 500, 8), (20, 8, 2000)] {
        let conv = by_tiles(&spec([1, size, size, in_c], out_c, 1));
        let packed = conv.pack(&vec![1.0; conv.shape.filter_len()]).unwrap();
        assert!(packed.bytes() <= 4 * 4 * conv.shape.filter_len() + 64, "{in_c} -> {out_c}: {} bytes", packed.bytes());
        let mut workspace = Workspace::default();
        let mut output = vec![0.0; conv.shape.output.len()];
        conv.run(&vec![1.0; conv.shape.input.len()], &packed, None, None, &mut workspace, &mut output).unwrap();
        assert!(workspace.bytes() <= 2 << 20, "{in_c} -> {out_c}: {} bytes of workspace", workspace.bytes());
    }
}

/// A packed filter of the other stride is refused: both are as large.
#[test]
fn filters_are_packed_for_a_stride() {
    let strided = by_tiles(&spec([1, 28, 28, 64], 64, 1));
    let unit = by_tiles(&Conv2dSpec { stride_h: 1, stride_w: 1, ..spec([1, 14, 14, 64], 64, 1) });
    assert_ne!(strided.packing(), unit.packing());
}

#[test]
fn it_is_chosen_where_it_is_faster() {
    let chosen = [
        spec([1, 56, 56, 64], 128, 1),
        spec([1, 28, 28, 128], 256, 1),
        Conv2dSpec { pad_top: 0, pad_left: 0, ..spec([1, 35, 35, 96], 96, 1) },
        spec([8, 28, 28, 128], 256, 1),
        spec([1, 80, 80, 32], 64, 1),
    ];
    for spec in chosen {
        assert_eq!(plan(&spec).strategy(), Strategy::Winograd, "{spec:?}");
        assert_eq!(plan(&spec).with_accuracy(Accuracy::Strict).strategy(), Strategy::Direct, "{spec:?}");
    }
    // Few channels, few outputs, a filter that few tiles share.
    for spec in [spec([1, 224, 224, 16], 32, 1), spec([1, 9, 9, 256], 256, 1), spec([1, 14, 14, 256], 512, 1)] {
        assert_eq!(plan(&spec).strategy(), Strategy::Direct, "{spec:?}");
    }
    let spec = spec([1, 56, 56, 64], 128, 1);
    for other in [
        Conv2dSpec { stride_w: 1, ..spec },
        Conv2dSpec { stride_h: 3, stride_w: 3, ..spec },
        Conv2dSpec { dilation_h: 2, ..spec },
        Conv2dSpec { groups: 2, ..spec },
        Conv2dSpec { k_w: 5, ..spec },
        Conv2dSpec { input: lenslet_kernels::shape::Image { c: 62, ..spec.input }, ..spec },
    ] {
        assert_eq!(plan(&other).with_strategy(Strategy::Winograd), None, "{other:?}");
    }
}
