//! Windows along an axis against counting; specs that must be refused.

use lenslet_kernels::shape::*;

const NAMES: [&str; 4] = ["k", "stride", "dilation", "padding"];

/// Every axis of small sizes.
fn each_axis(mut f: impl FnMut([usize; 6], bool)) {
    for input in 1..=7 {
        for kernel in 1..=5 {
            for stride in 1..=4 {
                for dilation in 1..=3 {
                    for before in 0..=5 {
                        for after in 0..=5 {
                            for ceil in [false, true] {
                                f([input, kernel, stride, dilation, before, after], ceil);
                            }
                        }
                    }
                }
            }
        }
    }
}

/// Positions by trying one after another: PyTorch's rule in words.
fn positions([input, kernel, stride, dilation, before, after]: [usize; 6], ceil: bool) -> usize {
    let extent = dilation * (kernel - 1) + 1;
    let padded = before + input + after;
    // Rounding down, a window must fit; rounding up, it may stand out by less than a stride ...
    let fits = |start: usize| start + extent <= padded || (ceil && start + extent < padded + stride);
    let mut count = (0..).take_while(|i| fits(i * stride)).count();
    // ... unless it would start behind the last element of the input.
    if ceil && count > 0 && (count - 1) * stride >= input + before {
        count -= 1;
    }
    count
}

#[test]
fn output_sizes() {
    each_axis(|sizes, ceil| {
        let [input, kernel, stride, dilation, before, after] = sizes;
        let axis = Axis::new(NAMES, input, kernel, stride, dilation, [before, after], ceil);
        match positions(sizes, ceil) {
            0 => assert_eq!(axis.unwrap_err().code, ErrorCode::EmptyOutput, "{sizes:?} {ceil}"),
            count => assert_eq!(axis.unwrap().output, count, "{sizes:?} {ceil}"),
        }
    });
}

#[test]
fn taps_and_interior() {
    each_axis(|sizes, ceil| {
        let [input, kernel, stride, dilation, before, after] = sizes;
        let Ok(axis) = Axis::new(NAMES, input, kernel, stride, dilation, [before, after], ceil) else { return };
        for position in 0..axis.output {
            let place = |k: usize| (position * stride + k * dilation) as i64 - before as i64;
            let inside: Vec<usize> = (0..kernel).filter(|&k| (0..input as i64).contains(&place(k))).collect();
            let taps = axis.taps(position);
            assert!(taps.start <= taps.end && taps.end <= kernel);
            assert_eq!(taps.collect::<Vec<_>>(), inside, "{sizes:?} {ceil} at {position}");
            assert_eq!(axis.start(position) as i64, place(0));
            // Interior: every tap lies inside.
            assert_eq!(
                axis.interior().contains(&position),
                inside.len() == kernel,
                "{sizes:?} {ceil} at {position}: {:?}",
                axis.interior()
            );
        }
        let interior = axis.interior();
        assert!(interior.start <= interior.end && interior.end <= axis.output);
    });
}

#[test]
fn pytorch_ceil_mode() {
    let out = |input, k, stride, pads| Axis::new(NAMES, input, k, stride, 1, pads, true).map(|axis| axis.output);
    assert_eq!(out(112, 3, 2, [0, 0]), Ok(56), "GoogLeNet's and SqueezeNet's pools");
    assert_eq!(out(2, 3, 2, [0, 0]), Ok(1), "a window that stands out, alone");
    assert_eq!(out(1, 3, 2, [0, 0]).unwrap_err().code, ErrorCode::EmptyOutput);
    assert_eq!(out(3, 2, 2, [1, 1]), Ok(2), "the third window would start in the end padding");
}

#[test]
fn huge_sizes_neither_overflow_nor_hang() {
    let odd = [0, 1, 2, 3, (1 << 28) - 1, 1 << 28, (1 << 28) + 1, u32::MAX as usize, usize::MAX];
    for input in odd {
        for kernel in odd {
            for stride in odd {
                for dilation in odd {
                    for pad in odd {
                        for ceil in [false, true] {
                            let Ok(axis) = Axis::new(NAMES, input, kernel, stride, dilation, [pad, pad], ceil) else {
                                continue;
                            };
                            // wasm32's usize has 32 bits.
                            assert!(axis.extent() < 1 << 31 && axis.output < 1 << 31);
                            assert!((axis.output - 1) * stride < 1 << 31);
                            for position in [0, axis.output / 2, axis.output - 1] {
                                let taps = axis.taps(position);
                                assert!(taps.start <= taps.end && taps.end <= kernel);
                            }
                            assert!(axis.interior().end <= axis.output);
                        }
                    }
                }
            }
        }
    }
}

#[test]
fn pads_of_a_pool_are_smaller_than_its_window() {
    let spec = |pad: usize| Pool2dSpec {
        input: Image { n: 1, h: 5, w: 5, c: 1 },
        k_h: 2,
        k_w: 2,
        stride_h: 1,
        stride_w: 1,
        dilation_h: 2,
        dilation_w: 2,
        pad_top: 0,
        pad_left: 0,
        pad_bottom: 0,
        pad_right: pad,
        ceil_mode: false,
    };
    assert!(Pool2dShape::new(&spec(2)).is_ok());
    let error = Pool2dShape::new(&spec(3)).unwrap_err();
    assert_eq!((error.code, error.argument), (ErrorCode::InvalidArgument, "padding"));
}

#[test]
fn lengths() {
    assert_eq!(checked_len("input", &[]), Ok(1));
    assert_eq!(checked_len("input", &[2, 3]), Ok(6));
    assert_eq!(checked_len("input", &[2, 0]).unwrap_err().code, ErrorCode::InvalidArgument);
    assert_eq!(checked_len("input", &[MAX_LEN]), Ok(MAX_LEN));
    assert_eq!(checked_len("input", &[MAX_LEN, 2]).unwrap_err().code, ErrorCode::TooLarge);
    assert_eq!(checked_len("input", &[usize::MAX, usize::MAX, 2]).unwrap_err().code, ErrorCode::TooLarge);
    assert_eq!(expect_len("input", 3, 4).unwrap_err().argument, "input");
}
