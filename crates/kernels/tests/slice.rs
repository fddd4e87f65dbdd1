//! Slices, broadcasts, selections and gathers against tensors computed index by index.

mod oracle;
use lenslet_kernels::gather::{from_int32, gather, to_int32};
use lenslet_kernels::select::select;
use lenslet_kernels::shape::ErrorCode;
use lenslet_kernels::slice::{broadcast_to, slice};
use oracle::nd::{flat, indices};
use oracle::random::random;
use oracle::{Guarded, Rng};
use proptest::prelude::*;

fn len(shape: &[usize]) -> usize {
    shape.iter().product()
}

#[test]
fn random_slices() {
    let axes = proptest::collection::vec((1..=7usize, any::<u64>()), 0..=5);
    random(3000, &(axes, any::<u64>()), |(axes, seed)| {
        let mut shape = Vec::new();
        let (mut start, mut step, mut out_shape) = (Vec::new(), Vec::new(), Vec::new());
        for (size, choice) in axes {
            let mut rng = Rng::new(choice);
            let (first, last) = (rng.int(0, size - 1), rng.int(0, size - 1));
            let whole = rng.one_in(3);
            let stride = if whole { 1 } else { rng.int(1, 3) };
            let (first, last) = if whole { (0, size - 1) } else { (first, last) };
            shape.push(size);
            start.push(first);
            step.push(if last < first { -(stride as isize) } else { stride as isize });
            out_shape.push(first.abs_diff(last) / stride + 1);
        }
        let input = Rng::new(seed).values(len(&shape));
        let mut output = Guarded::new(len(&out_shape));
        slice(&shape, &start, &step, &out_shape, &input, output.body()).map_err(|e| e.to_string())?;
        for (index, &y) in indices(&out_shape).iter().zip(output.finish()?) {
            let from: Vec<usize> =
                (0..index.len()).map(|i| start[i].wrapping_add_signed(step[i] * index[i] as isize)).collect();
            if y != input[flat(&from, &shape)] {
                return Err(format!("{shape:?} from {start:?} by {step:?}: {index:?} is {y}"));
            }
        }
        Ok(())
    });
}

#[test]
fn random_broadcasts_and_selections() {
    let axes = proptest::collection::vec((prop_oneof![1..=6usize, 120..=140usize], 0..8u8), 0..=4);
    random(2000, &(axes, any::<u64>()), |(axes, seed)| {
        let out_shape: Vec<usize> = axes.iter().map(|&(size, ones)| if ones == 7 { 1 } else { size }).collect();
        if len(&out_shape) > 40_000 {
            return Ok(());
        }
        let mut rng = Rng::new(seed);
        let shapes = [1, 2, 4].map(|bit| -> Vec<usize> {
            axes.iter().map(|&(size, ones)| if ones & bit != 0 { 1 } else { size }).collect()
        });
        let values = shapes.each_ref().map(|shape| rng.values(len(shape)));
        let mut output = Guarded::new(len(&out_shape));
        broadcast_to(&shapes[0], &out_shape, &values[0], output.body()).map_err(|e| e.to_string())?;
        let all = indices(&out_shape);
        for (index, &y) in all.iter().zip(output.finish()?) {
            if y != values[0][flat(index, &shapes[0])] {
                return Err(format!("{:?} to {out_shape:?}: {index:?} is {y}", shapes[0]));
            }
        }
        let condition: Vec<f32> = values[0].iter().map(|x| if *x < 0.0 { 0.0 } else { *x }).collect();
        let mut output = Guarded::new(len(&out_shape));
        select(shapes.each_ref().map(|shape| &shape[..]), [&condition, &values[1], &values[2]], output.body())
            .map_err(|e| e.to_string())?;
        for (index, &y) in all.iter().zip(output.finish()?) {
            let at = |i: usize| flat(index, &shapes[i]);
            let expected = if condition[at(0)] != 0.0 { values[1][at(1)] } else { values[2][at(2)] };
            if y != expected {
                return Err(format!("{shapes:?}: {index:?} is {y}, expected {expected}"));
            }
        }
        Ok(())
    });
}

#[test]
fn conditions_of_zero_and_nan() {
    let mut output = [9.0; 5];
    let shapes: [&[usize]; 3] = [&[5]; 3];
    select(shapes, [&[0.0, -0.0, f32::NAN, 1e-40, -2.0], &[1.0; 5], &[2.0; 5]], &mut output).unwrap();
    assert_eq!(output, [2.0, 2.0, 1.0, 1.0, 1.0]);
}

#[test]
fn gathers() {
    let mut rng = Rng::new(3);
    for [outer, axis, inner] in [[1, 5, 1], [3, 4, 1], [2, 7, 3], [2, 3, 17], [1, 1, 4]] {
        let input = rng.values(outer * axis * inner);
        let picks: Vec<i64> = (0..9).map(|_| rng.int(0, 2 * axis - 1) as i64 - axis as i64).collect();
        let as_floats: Vec<f32> = picks.iter().map(|&i| i as f32).collect();
        let mut output = Guarded::new(outer * picks.len() * inner);
        gather([outer, axis, inner], &input, &as_floats, output.body()).unwrap();
        for (index, &y) in indices(&[outer, picks.len(), inner]).iter().zip(output.finish().unwrap()) {
            let row = picks[index[1]].rem_euclid(axis as i64) as usize;
            assert_eq!(y, input[flat(&[index[0], row, index[2]], &[outer, axis, inner])]);
        }
    }
    for bad in [5.0, -6.0, 0.5, f32::NAN, f32::INFINITY, 1e20] {
        let error = gather([1, 5, 1], &[0.0; 5], &[0.0, bad], &mut [0.0; 2]).unwrap_err();
        assert_eq!(error.argument, "indices", "{bad}");
    }
    let error = gather([1, 5, 1], &[0.0; 5], &[7.0], &mut [0.0]).unwrap_err();
    assert_eq!(error.message, "has 7, which is out of range for an axis of 5");
    assert!(gather([1, 5, 1], &[0.0; 5], &[], &mut []).is_err(), "no rows");
}

#[test]
fn integers_as_bits() {
    let numbers = [0.0, -0.0, 1.9, -1.9, 16_777_216.0, -3e9, 3e9, f32::NAN, f32::INFINITY];
    let mut bits = [9.0; 9];
    to_int32(&numbers, &mut bits).unwrap();
    let integers = bits.map(|x| x.to_bits() as i32);
    assert_eq!(integers, [0, 0, 1, -1, 16_777_216, i32::MIN, i32::MAX, 0, i32::MAX]);
    let mut back = [9.0; 9];
    from_int32(&bits, &mut back).unwrap();
    assert_eq!(back, [0.0, 0.0, 1.0, -1.0, 16_777_216.0, -2_147_483_648.0, 2_147_483_648.0, 0.0, 2_147_483_648.0]);
    assert!(to_int32(&numbers, &mut bits[1..]).is_err() && from_int32(&numbers, &mut bits[1..]).is_err());
}

#[test]
fn what_is_wrong_is_refused() {
    let refused = |start: usize, step: isize, out: usize| {
        slice(&[4], &[start], &[step], &[out], &[0.0; 4], &mut vec![0.0; out]).map_err(|error| error.argument).err()
    };
    assert_eq!([refused(0, 1, 4), refused(3, -1, 4), refused(1, 0, 9), refused(3, -3, 2)], [None; 4]);
    for (start, step, out) in
        [(4, 1, 1), (0, 1, 5), (3, -1, 5), (0, -1, 2), (1, 2, 3), (0, isize::MAX, 2), (3, isize::MIN, 2)]
    {
        assert_eq!(refused(start, step, out), Some("start"), "{start} {step} {out}");
    }
    assert_eq!(refused(0, 1, 0), Some("output"));
    assert!(slice(&[4], &[0, 0], &[1], &[4], &[0.0; 4], &mut [0.0; 4]).is_err());
    assert!(slice(&[4], &[0], &[1], &[4], &[0.0; 3], &mut [0.0; 4]).is_err());
    assert!(slice(&[4], &[0], &[1], &[4], &[0.0; 4], &mut [0.0; 3]).is_err());
    let code = |from: &[usize], to: &[usize], a: usize, b: usize| {
        broadcast_to(from, to, &vec![0.0; a], &mut vec![0.0; b]).map_err(|error| (error.code, error.argument)).err()
    };
    assert_eq!(code(&[1], &[3], 1, 3), None);
    assert_eq!(code(&[2], &[3], 2, 3), Some((ErrorCode::ShapeMismatch, "shape")));
    assert_eq!(code(&[1], &[1, 3], 1, 3), Some((ErrorCode::ShapeMismatch, "shape")));
    assert_eq!(code(&[1], &[3], 1, 2), Some((ErrorCode::ShapeMismatch, "output")));
    assert_eq!(code(&[1; 9], &[1; 9], 1, 1), Some((ErrorCode::InvalidArgument, "shape")));
    let three = [0.0; 3];
    let mut output = [0.0; 3];
    assert_eq!(select([&[3], &[2], &[3]], [&three, &three[1..], &three], &mut output).unwrap_err().argument, "a");
    assert_eq!(select([&[3], &[3], &[3, 1]], [&three; 3], &mut output).unwrap_err().argument, "b");
    assert_eq!(select([&[3], &[3], &[3]], [&three; 3], &mut output[1..]).unwrap_err().argument, "output");
}
