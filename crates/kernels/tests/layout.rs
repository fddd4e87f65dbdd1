//! Transposes, concatenation and padding against plain index arithmetic: nothing rounds, every bit must be right.

mod oracle;
use lenslet_kernels::layout::{concat, nchw_to_nhwc, nhwc_to_nchw, transpose};
use lenslet_kernels::pad::{PadMode, pad};
use lenslet_kernels::shape::{ErrorCode, Image};
use oracle::Guarded;
use oracle::random::random;
use proptest::prelude::*;

/// Coordinates of a flat index.
fn coordinates(shape: &[usize], mut flat: usize) -> Vec<usize> {
    let mut at = vec![0; shape.len()];
    for axis in (0..shape.len()).rev() {
        at[axis] = flat % shape[axis];
        flat /= shape[axis];
    }
    at
}

fn flat(shape: &[usize], at: &[usize]) -> usize {
    shape.iter().zip(at).fold(0, |flat, (size, i)| flat * size + i)
}

/// Distinct values, exact in float32.
fn numbered(len: usize) -> Vec<f32> {
    (0..len).map(|i| i as f32).collect()
}

fn check_transpose(shape: &[usize], perm: &[usize]) -> Result<(), String> {
    let len: usize = shape.iter().product();
    let input = numbered(len);
    let mut output = Guarded::new(len);
    transpose(shape, perm, Guarded::of(&input).body(), output.body()).map_err(|e| e.to_string())?;
    let out_shape: Vec<usize> = perm.iter().map(|&axis| shape[axis]).collect();
    for (i, &y) in output.finish()?.iter().enumerate() {
        let out_at = coordinates(&out_shape, i);
        let mut at = vec![0; shape.len()];
        perm.iter().zip(out_at).for_each(|(&axis, i)| at[axis] = i);
        if y != input[flat(shape, &at)] {
            return Err(format!("{shape:?} {perm:?}: output[{i}] is {y}, expected {}", input[flat(shape, &at)]));
        }
    }
    Ok(())
}

#[test]
fn transposes_of_matrices() {
    for rows in (1..=21).chain([31, 32, 33, 64, 100]) {
        for columns in (1..=21).chain([31, 32, 33, 64, 100]) {
            check_transpose(&[rows, columns], &[1, 0]).unwrap();
            check_transpose(&[3, rows, columns], &[0, 2, 1]).unwrap();
        }
    }
}

#[test]
fn transposes_of_many_axes() {
    let cases: [(&[usize], &[usize]); 12] = [
        (&[], &[]),
        (&[1], &[0]),
        (&[9], &[0]),
        (&[1, 1, 1], &[2, 0, 1]),
        (&[2, 3, 4], &[2, 1, 0]),
        (&[2, 3, 4], &[1, 0, 2]),
        (&[5, 6, 7], &[2, 0, 1]),
        (&[5, 6, 7], &[1, 2, 0]),
        (&[2, 3, 5, 7], &[3, 1, 2, 0]),
        (&[4, 1, 5, 6], &[2, 3, 0, 1]),
        (&[2, 2, 2, 2, 2, 2, 2, 2], &[7, 6, 5, 4, 3, 2, 1, 0]),
        (&[2, 3, 1, 2, 3, 1, 2, 5], &[4, 7, 0, 2, 6, 1, 5, 3]),
    ];
    for (shape, perm) in cases {
        check_transpose(shape, perm).unwrap();
    }
}

#[test]
fn random_transposes() {
    let shapes = proptest::collection::vec(prop_oneof![Just(1), 1..=6usize, Just(9)], 0..=6);
    let cases = shapes.prop_flat_map(|shape| {
        let axes: Vec<usize> = (0..shape.len()).collect();
        (Just(shape), Just(axes).prop_shuffle())
    });
    random(3000, &cases, |(shape, perm)| check_transpose(&shape, &perm));
}

#[test]
fn images_change_their_layout_and_back() {
    for c in [1, 2, 3, 4, 5, 16, 31] {
        let image = Image { n: 2, h: 5, w: 7, c };
        let input = numbered(image.len());
        let mut planes = vec![f32::NAN; input.len()];
        nhwc_to_nchw(&image, &input, &mut planes).unwrap();
        assert_eq!(planes[35 * (c - 1)], (c - 1) as f32, "the last channel's first pixel");
        let mut back = vec![f32::NAN; input.len()];
        nchw_to_nhwc(&image, &planes, &mut back).unwrap();
        assert_eq!(back, input);
    }
}

#[test]
fn transposes_refuse_what_is_no_permutation() {
    let mut output = [0.0; 6];
    for perm in [&[0, 0][..], &[0], &[0, 2], &[0, 1, 2], &[usize::MAX, 0]] {
        let error = transpose(&[2, 3], perm, &[0.0; 6], &mut output).unwrap_err();
        assert_eq!((error.code, error.argument), (ErrorCode::InvalidArgument, "perm"));
    }
    assert_eq!(transpose(&[2, 3], &[1, 0], &[0.0; 5], &mut output).unwrap_err().argument, "input");
    assert_eq!(transpose(&[2, 3], &[1, 0], &[0.0; 6], &mut output[1..]).unwrap_err().argument, "output");
    assert_eq!(transpose(&[1; 9], &[0; 9], &[0.0], &mut [0.0]).unwrap_err().argument, "shape");
    let huge = Image { n: 1 << 20, h: 1 << 20, w: 1 << 20, c: 1 << 20 };
    assert!(nhwc_to_nchw(&huge, &[], &mut []).is_err());
}

#[test]
fn random_concatenations() {
    let cases = (1..=5usize, proptest::collection::vec(1..=20usize, 1..=6));
    random(2000, &cases, |(outer, lens)| {
        let inputs: Vec<Vec<f32>> = lens.iter().enumerate().map(|(k, len)| vec![k as f32; outer * len]).collect();
        let slices: Vec<&[f32]> = inputs.iter().map(Vec::as_slice).collect();
        let run: usize = lens.iter().sum();
        let mut output = Guarded::new(outer * run);
        concat(outer, &lens, &slices, output.body()).map_err(|e| e.to_string())?;
        let row: Vec<f32> = lens.iter().enumerate().flat_map(|(k, &len)| vec![k as f32; len]).collect();
        if output.finish()? != row.repeat(outer) { Err("not joined in order".into()) } else { Ok(()) }
    });
    let mut output = [0.0; 6];
    concat(2, &[1, 2], &[&[1.0, 4.0], &[2.0, 3.0, 5.0, 6.0]], &mut output).unwrap();
    assert_eq!(output, [1.0, 2.0, 3.0, 4.0, 5.0, 6.0]);
    assert_eq!(concat(2, &[1], &[&[0.0; 2], &[0.0; 2]], &mut output).unwrap_err().argument, "inputs");
    assert_eq!(concat(2, &[1, 2], &[&[0.0; 2], &[0.0; 3]], &mut output).unwrap_err().argument, "input");
    assert_eq!(concat(2, &[1, 1], &[&[0.0; 2], &[0.0; 2]], &mut output).unwrap_err().argument, "output");
    assert_eq!(concat(2, &[], &[], &mut []).unwrap_err().code, ErrorCode::EmptyOutput);
    assert!(concat(usize::MAX, &[usize::MAX], &[&[]], &mut []).is_err());
}

fn check_pad(shape: &[usize], before: &[usize], after: &[usize], mode: PadMode) -> Result<(), String> {
    let input = numbered(shape.iter().product());
    let out_shape: Vec<usize> = shape.iter().zip(before).zip(after).map(|((s, b), a)| s + b + a).collect();
    let len = out_shape.iter().product();
    let mut output = Guarded::new(len);
    pad(shape, before, after, mode, -1.5, Guarded::of(&input).body(), output.body()).map_err(|e| e.to_string())?;
    for (i, &y) in output.finish()?.iter().enumerate() {
        let mut inside = true;
        let at: Vec<usize> = coordinates(&out_shape, i)
            .iter()
            .zip(shape.iter().zip(before))
            .map(|(&i, (&size, &before))| {
                let (i, last) = (i as i64 - before as i64, size as i64 - 1);
                inside &= (0..=last).contains(&i);
                let source = match mode {
                    PadMode::Reflect if i < 0 => -i,
                    PadMode::Reflect if i > last => 2 * last - i,
                    PadMode::Wrap => i.rem_euclid(size as i64),
                    _ => i.clamp(0, last),
                };
                source as usize
            })
            .collect();
        let expected = if mode == PadMode::Constant && !inside { -1.5 } else { input[flat(shape, &at)] };
        if y != expected {
            return Err(format!("{shape:?} {before:?} {after:?} {mode:?}: output[{i}] is {y}, expected {expected}"));
        }
    }
    Ok(())
}

#[test]
fn random_pads() {
    let axis = (1..=5usize, 0..=6usize, 0..=6usize, 0..3u8);
    let cases = (proptest::collection::vec(axis, 0..=4), 0..4u32);
    random(4000, &cases, |(axes, mode)| {
        let mode = PadMode::from_code(mode).map_err(|e| e.to_string())?;
        let shape: Vec<usize> = axes.iter().map(|axis| axis.0).collect();
        let amount = |size: usize, wanted: usize, kind: u8| match (kind, mode) {
            (0, _) => 0,
            (_, PadMode::Reflect) => wanted.min(size - 1),
            _ => wanted,
        };
        let before: Vec<usize> = axes.iter().map(|&(size, before, _, kind)| amount(size, before, kind)).collect();
        let after: Vec<usize> = axes.iter().map(|&(size, _, after, kind)| amount(size, after, kind)).collect();
        check_pad(&shape, &before, &after, mode)
    });
}

#[test]
fn pads_refuse_what_cannot_be() {
    let mut output = [0.0; 9];
    let error = pad(&[3], &[3], &[0], PadMode::Reflect, 0.0, &[0.0; 3], &mut output[..6]).unwrap_err();
    assert_eq!((error.code, error.argument), (ErrorCode::InvalidArgument, "padding"));
    assert!(pad(&[3], &[usize::MAX], &[usize::MAX], PadMode::Edge, 0.0, &[0.0; 3], &mut output).is_err());
    assert!(pad(&[3], &[0], &[], PadMode::Edge, 0.0, &[0.0; 3], &mut output).is_err());
    assert!(pad(&[3], &[1], &[1], PadMode::Edge, 0.0, &[0.0; 3], &mut output[..4]).is_err());
    assert!(pad(&[3], &[1], &[1], PadMode::Edge, 0.0, &[0.0; 2], &mut output[..5]).is_err());
    assert!(PadMode::from_code(4).is_err());
    pad(&[1], &[2], &[1], PadMode::Edge, 0.0, &[7.0], &mut output[..4]).unwrap();
    assert_eq!(output[..4], [7.0; 4]);
    // The classic example of numpy's manual.
    pad(&[5], &[2], &[2], PadMode::Reflect, 0.0, &[1.0, 2.0, 3.0, 4.0, 5.0], &mut output).unwrap();
    assert_eq!(output, [3.0, 2.0, 1.0, 2.0, 3.0, 4.0, 5.0, 4.0, 3.0]);
    pad(&[3], &[4], &[2], PadMode::Wrap, 0.0, &[1.0, 2.0, 3.0], &mut output).unwrap();
    assert_eq!(output, [3.0, 1.0, 2.0, 3.0, 1.0, 2.0, 3.0, 1.0, 2.0]);
}
