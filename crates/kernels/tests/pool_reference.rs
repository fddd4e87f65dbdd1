//! Pools against PyTorch (float64, rounded once).

mod oracle;
use lenslet_kernels::layout::nhwc_to_nchw;
use lenslet_kernels::pool::*;
use lenslet_kernels::shape::{Image, Pool2dShape, Pool2dSpec};
use oracle::reference::{Case, cases, nchw_to_nhwc};
use oracle::{Guarded, UNIT_ROUNDOFF, compare, max_abs};

fn shape(case: &Case, input: Image) -> Pool2dShape {
    let spec = Pool2dSpec {
        input,
        k_h: case.param("kH"),
        k_w: case.param("kW"),
        stride_h: case.param("strideH"),
        stride_w: case.param("strideW"),
        // PyTorch's mean has no dilation.
        dilation_h: if case.text("op") == "max" { case.param("dilationH") } else { 1 },
        dilation_w: if case.text("op") == "max" { case.param("dilationW") } else { 1 },
        pad_top: case.param("padTop"),
        pad_left: case.param("padLeft"),
        pad_bottom: case.param("padBottom"),
        pad_right: case.param("padRight"),
        ceil_mode: case.flag("ceilMode"),
    };
    Pool2dShape::new(&spec).unwrap_or_else(|error| panic!("{}: {error}", case.name))
}

#[test]
fn pool2d() {
    let cases = cases("pool2d");
    assert!(cases.len() >= 25);
    for case in &cases {
        let (sizes, input) = case.tensor("input").unwrap();
        let image = Image { n: sizes[0], h: sizes[2], w: sizes[3], c: sizes[1] };
        let values = nchw_to_nhwc(&sizes, input);
        let (out_sizes, expected) = case.tensor("output").unwrap();
        let mut output = Guarded::new(expected.len());
        let mut terms = image.h * image.w;
        let result = match case.text("op") {
            "adaptiveAvg" => {
                let (out_h, out_w) = (case.param("outH"), case.param("outW"));
                adaptive_pool2d(PoolKind::Avg, &image, out_h, out_w, &values, output.body())
            }
            op => {
                let shape = shape(case, image);
                let out = shape.output;
                assert_eq!(out_sizes, [out.n, out.c, out.h, out.w], "{}", case.name);
                terms = shape.h.kernel * shape.w.kernel;
                match op {
                    "max" => max_pool2d(&shape, &values, output.body()),
                    "avg" => avg_pool2d(&shape, case.flag("countIncludePad"), &values, output.body()),
                    _ => panic!("{}: unknown op {op}", case.name),
                }
            }
        };
        result.unwrap_or_else(|error| panic!("{}: {error}", case.name));
        let out = Image { n: out_sizes[0], h: out_sizes[2], w: out_sizes[3], c: out_sizes[1] };
        let mut planes = vec![f32::NAN; expected.len()];
        nhwc_to_nchw(&out, output.finish().unwrap(), &mut planes).unwrap();
        let expected: Vec<f64> = expected.iter().map(|&y| y.into()).collect();
        let tolerance = match case.text("op") {
            "max" => 0.0,
            // The worst case of a sum divided by its length, and the reference's own rounding.
            _ => UNIT_ROUNDOFF * max_abs(input) * (terms as f64 / 2.0 + 3.0),
        };
        compare(&planes, &expected, |_| tolerance).unwrap_or_else(|error| panic!("{}: {error}", case.name));
    }
}
