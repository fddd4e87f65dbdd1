//! Convolution and transposed convolution against PyTorch (float64, rounded once).

mod oracle;
use lenslet_kernels::activation::Activation;
use lenslet_kernels::conv::{Conv2d, ConvTranspose2d, Packs};
use lenslet_kernels::memory::Workspace;
use lenslet_kernels::shape::{Conv2dSpec, ConvTranspose2dSpec, Layout};
use oracle::conv::plain_spec;
use oracle::reference::{Case, cases, nchw_to_nhwc};
use oracle::{Guarded, compare, max_abs, sum_tolerance};

/// Sizes, strides, dilations and groups; `out_c` and the pads are left to the caller.
fn spec(case: &Case) -> Conv2dSpec {
    let (input, _) = case.tensor("input").unwrap();
    let (weight, _) = case.tensor("weight").unwrap();
    Conv2dSpec {
        stride_h: case.param("strideH"),
        stride_w: case.param("strideW"),
        dilation_h: case.param("dilationH"),
        dilation_w: case.param("dilationW"),
        groups: case.param("groups"),
        ..plain_spec([input[0], input[2], input[3], input[1]], 0, [weight[2], weight[3]])
    }
}

/// Compares an NHWC output with the case's; `terms` is the length of a sum.
fn check(case: &Case, output: &Guarded, terms: usize) {
    let (shape, expected) = case.tensor("output").unwrap();
    let expected: Vec<f64> = nchw_to_nhwc(&shape, expected).into_iter().map(f64::from).collect();
    let largest = |name| case.tensor(name).map_or(0.0, |(_, values)| max_abs(values));
    // The reference was rounded once itself.
    let tolerance = sum_tolerance(terms + 2, (largest("input") * largest("weight")).max(largest("bias")), 1.0);
    let output = output.finish().unwrap_or_else(|error| panic!("{}: {error}", case.name));
    compare(output, &expected, |_| tolerance).unwrap_or_else(|mismatch| panic!("{}: {mismatch}", case.name));
}

#[test]
fn conv2d() {
    let cases = cases("conv2d");
    assert!(cases.len() >= 25);
    for case in &cases {
        let (shape, input) = case.tensor("input").unwrap();
        let (weight_shape, weight) = case.tensor("weight").unwrap();
        let spec = Conv2dSpec {
            out_c: weight_shape[0],
            pad_top: case.param("padTop"),
            pad_left: case.param("padLeft"),
            pad_bottom: case.param("padBottom"),
            pad_right: case.param("padRight"),
            ..spec(case)
        };
        let conv = Conv2d::new(&spec, Layout::Nchw, Activation::Identity).unwrap();
        let packed = conv.pack(weight).unwrap();
        let bias = case.tensor("bias").map(|(_, bias)| bias);
        let mut output = Guarded::new(conv.shape.output.len());
        conv.run(&nchw_to_nhwc(&shape, input), &packed, bias, None, &mut Workspace::default(), output.body()).unwrap();
        check(case, &output, weight_shape[1] * weight_shape[2] * weight_shape[3]);
    }
}

#[test]
fn conv_transpose2d() {
    let cases = cases("conv-transpose2d");
    assert!(cases.len() >= 15);
    for case in &cases {
        let (shape, input) = case.tensor("input").unwrap();
        let (weight_shape, weight) = case.tensor("weight").unwrap();
        let groups = case.param("groups");
        let conv = Conv2dSpec {
            out_c: weight_shape[1] * groups,
            pad_top: case.param("padH"),
            pad_left: case.param("padW"),
            pad_bottom: case.param("padH"),
            pad_right: case.param("padW"),
            ..spec(case)
        };
        let spec = ConvTranspose2dSpec {
            conv,
            output_padding_h: case.param("outputPaddingH"),
            output_padding_w: case.param("outputPaddingW"),
        };
        let conv = ConvTranspose2d::new(&spec, Layout::Nchw, Activation::Identity).unwrap();
        let packed = conv.pack(weight).unwrap();
        let bias = case.tensor("bias").map(|(_, bias)| bias);
        let mut output = Guarded::new(conv.shape.output.len());
        conv.run(&nchw_to_nhwc(&shape, input), &packed, bias, &mut Workspace::default(), output.body()).unwrap();
        check(case, &output, weight_shape[0] / groups * weight_shape[2] * weight_shape[3]);
    }
}
