//! Gradients, losses and batch statistics against PyTorch (float64, rounded once).

mod oracle;
use lenslet_kernels::conv::Accuracy;
use lenslet_kernels::grad::conv::Conv2dGradient;
use lenslet_kernels::grad::dense::DenseGradient;
use lenslet_kernels::grad::loss::{LossReduction, cross_entropy};
use lenslet_kernels::grad::pool;
use lenslet_kernels::memory::Workspace;
use lenslet_kernels::pool::PoolKind;
use lenslet_kernels::shape::{Conv2dSpec, Image, Layout, Pool2dShape, Pool2dSpec};
use oracle::conv::plain_spec;
use oracle::reference::{Case, cases, nchw_to_nhwc};
use oracle::{Guarded, UNIT_ROUNDOFF, compare, max_abs, sum_tolerance};

/// A tensor of four axes as NHWC, others as they are.
fn nhwc(case: &Case, name: &str) -> Vec<f32> {
    let (shape, values) = case.tensor(name).unwrap_or_else(|| panic!("{} has no {name}", case.name));
    if shape.len() == 4 { nchw_to_nhwc(&shape, values) } else { values.to_vec() }
}

/// Compares with what PyTorch gives, which was rounded once itself.
fn check(case: &Case, name: &str, output: &Guarded, expected: &[f32], tolerance: f64) {
    let expected: Vec<f64> = expected.iter().map(|&value| value.into()).collect();
    let tolerance = tolerance + UNIT_ROUNDOFF * expected.iter().fold(0.0, |max, value| value.abs().max(max));
    let output = output.finish().unwrap_or_else(|error| panic!("{} {name}: {error}", case.name));
    compare(output, &expected, |_| tolerance).unwrap_or_else(|mismatch| panic!("{} {name}: {mismatch}", case.name));
}

#[test]
fn conv2d() {
    let cases = cases("conv2d-grad");
    assert!(cases.len() >= 12);
    for case in &cases {
        let (input, _) = case.tensor("input").unwrap();
        let (weight, _) = case.tensor("weight").unwrap();
        let spec = Conv2dSpec {
            stride_h: case.param("strideH"),
            stride_w: case.param("strideW"),
            dilation_h: case.param("dilationH"),
            dilation_w: case.param("dilationW"),
            pad_top: case.param("padTop"),
            pad_left: case.param("padLeft"),
            pad_bottom: case.param("padBottom"),
            pad_right: case.param("padRight"),
            groups: case.param("groups"),
            ..plain_spec([input[0], input[2], input[3], input[1]], weight[0], [weight[2], weight[3]])
        };
        let conv = Conv2dGradient::new(&spec, Layout::Nchw, Accuracy::Fast)
            .unwrap_or_else(|error| panic!("{}: {error}", case.name));
        let (x, g) = (nhwc(case, "input"), nhwc(case, "gradOutput"));
        let (_, w) = case.tensor("weight").unwrap();
        let mut workspace = Workspace::default();
        let largest = |values: &[f32]| max_abs(values);
        let mut grad_input = Guarded::new(x.len());
        conv.input(&g, w, &mut workspace, grad_input.body()).unwrap();
        let terms = spec.k_h * spec.k_w * conv.shape.group_out_c();
        let tolerance = 4.0 * sum_tolerance(terms, largest(&g), largest(w));
        check(case, "gradInput", &grad_input, &nhwc(case, "gradInput"), tolerance);
        let pixels = g.len() / spec.out_c;
        let mut grad_filter = Guarded::new(w.len());
        conv.filter(&x, &g, &mut workspace, grad_filter.body()).unwrap();
        let (_, expected) = case.tensor("gradWeight").unwrap();
        check(case, "gradWeight", &grad_filter, expected, sum_tolerance(pixels, largest(&x), largest(&g)));
        let mut grad_bias = Guarded::new(spec.out_c);
        conv.bias(&g, grad_bias.body()).unwrap();
        check(case, "gradBias", &grad_bias, &nhwc(case, "gradBias"), sum_tolerance(pixels, largest(&g), 1.0));
    }
}

#[test]
fn pool2d() {
    let cases = cases("pool2d-grad");
    assert!(cases.len() >= 11);
    for case in &cases {
        let (sizes, _) = case.tensor("input").unwrap();
        let image = Image { n: sizes[0], h: sizes[2], w: sizes[3], c: sizes[1] };
        let (x, g) = (nhwc(case, "input"), nhwc(case, "gradOutput"));
        let mut workspace = Workspace::default();
        let mut grad = Guarded::new(x.len());
        let op = case.text("op");
        let to = grad.body();
        if op == "adaptiveAvg" {
            let (out_h, out_w) = (case.param("outH"), case.param("outW"));
            pool::adaptive_pool2d(PoolKind::Avg, &image, out_h, out_w, None, &g, &mut workspace, to).unwrap();
        } else {
            let is_max = op == "max";
            let spec = Pool2dSpec {
                input: image,
                k_h: case.param("kH"),
                k_w: case.param("kW"),
                stride_h: case.param("strideH"),
                stride_w: case.param("strideW"),
                dilation_h: if is_max { case.param("dilationH") } else { 1 },
                dilation_w: if is_max { case.param("dilationW") } else { 1 },
                pad_top: case.param("padTop"),
                pad_left: case.param("padLeft"),
                pad_bottom: case.param("padBottom"),
                pad_right: case.param("padRight"),
                ceil_mode: case.flag("ceilMode"),
            };
            let shape = Pool2dShape::new(&spec).unwrap();
            let kind = if is_max { PoolKind::Max } else { PoolKind::Avg };
            let include_pad = case.flag("countIncludePad");
            pool::pool2d(kind, &shape, include_pad, is_max.then_some(&x), &g, &mut workspace, to).unwrap();
        }
        // A handful of overlapping windows.
        check(case, "gradInput", &grad, &nhwc(case, "gradInput"), 8.0 * UNIT_ROUNDOFF * max_abs(&g));
    }
}

#[test]
fn linear_and_cross_entropy() {
    let cases = cases("linear-cross-entropy");
    assert_eq!(cases.len(), 4);
    for case in &cases {
        let (shape, x) = case.tensor("input").unwrap();
        let (weight_shape, weight) = case.tensor("weight").unwrap();
        let (m, k, n) = (shape[0], shape[1], weight_shape[0]);
        let (_, logits) = case.tensor("logits").unwrap();
        let labels: Vec<f32> = case.list("targets").iter().map(|&label| label as f32).collect();
        let reduction = if case.text("reduction") == "sum" { LossReduction::Sum } else { LossReduction::Mean };
        let mut grad_logits = Guarded::new(logits.len());
        let smoothing = case.float("labelSmoothing") as f32;
        let loss = cross_entropy(n, smoothing, reduction, logits, &labels, grad_logits.body()).unwrap();
        let (_, expected) = case.tensor("loss").unwrap();
        // The logits were rounded, and their differences with them.
        let rounding = 4.0 * UNIT_ROUNDOFF * (1.0 + max_abs(logits));
        assert!((f64::from(loss) - f64::from(expected[0])).abs() <= rounding * m as f64, "{}: {loss}", case.name);
        let (_, expected) = case.tensor("gradLogits").unwrap();
        check(case, "gradLogits", &grad_logits, expected, rounding);

        let dense = DenseGradient::new(m, k, n, true).unwrap();
        let g = grad_logits.finish().unwrap();
        let mut workspace = Workspace::default();
        let mut grad_input = Guarded::new(m * k);
        dense.input(g, weight, grad_input.body()).unwrap();
        let (_, expected) = case.tensor("gradInput").unwrap();
        check(case, "gradInput", &grad_input, expected, rounding * max_abs(weight) * n as f64);
        let mut grad_weights = Guarded::new(k * n);
        dense.weights(x, g, &mut workspace, grad_weights.body()).unwrap();
        let (_, expected) = case.tensor("gradWeight").unwrap();
        check(case, "gradWeight", &grad_weights, expected, rounding * max_abs(x) * m as f64);
        let mut grad_bias = Guarded::new(n);
        dense.bias(g, grad_bias.body()).unwrap();
        let (_, expected) = case.tensor("gradBias").unwrap();
        check(case, "gradBias", &grad_bias, expected, rounding * m as f64);
    }
}
