//! Elementwise functions and broadcasting.

mod oracle;
use lenslet_kernels::elementwise::{Binary, Broadcast, Unary, binary, binary_in_place};
use lenslet_kernels::shape::ErrorCode;
use oracle::math::{erf, error_in_ulps};
use oracle::random::random;
use oracle::{Guarded, Rng};
use proptest::prelude::*;

const BINARY: [Binary; 20] = {
    use Binary::*;
    [
        Add,
        Sub,
        Mul,
        Div,
        Min,
        Max,
        Hypot,
        Pow,
        FloorMod,
        Fmod,
        Prelu,
        Equal,
        Less,
        LessOrEqual,
        Greater,
        GreaterOrEqual,
        And,
        Or,
        Xor,
        TruncDiv,
    ]
};
const UNARY: [Unary; 17] = {
    use Unary::*;
    [Abs, Neg, Sqrt, Exp, Log, Square, Reciprocal, Erf, Floor, Ceil, Round, Sign, Not, Truncate, ToBool, Sin, Cos]
};

fn exact(op: Binary, a: f64, b: f64) -> f64 {
    let bit = |truth: bool| f64::from(u8::from(truth));
    match op {
        Binary::Add => a + b,
        Binary::Sub => a - b,
        Binary::Mul => a * b,
        Binary::Div => a / b,
        Binary::Min | Binary::Max if a.is_nan() || b.is_nan() => f64::NAN,
        Binary::Min => a.min(b),
        Binary::Max => a.max(b),
        Binary::Hypot => (a * a + b * b).sqrt(),
        Binary::Pow => a.powf(b),
        Binary::FloorMod => {
            let rest = a % b;
            if rest != 0.0 && rest.is_sign_negative() != b.is_sign_negative() { rest + b } else { rest }
        }
        Binary::Fmod => a % b,
        Binary::Prelu => {
            if a < 0.0 {
                a * b
            } else {
                a
            }
        }
        Binary::Equal => bit(a == b),
        Binary::Less => bit(a < b),
        Binary::LessOrEqual => bit(a <= b),
        Binary::Greater => bit(a > b),
        Binary::GreaterOrEqual => bit(a >= b),
        Binary::And => bit(a != 0.0 && b != 0.0),
        Binary::Or => bit(a != 0.0 || b != 0.0),
        Binary::Xor => bit((a != 0.0) != (b != 0.0)),
        // Of the quotient as float32s have it: it decides on which side of a whole number it falls.
        Binary::TruncDiv => (a as f32 / b as f32).trunc().into(),
    }
}

/// Numpy's rules by indices: what the result should be, element by element.
fn check(a_shape: &[usize], b_shape: &[usize], rng: &mut Rng) -> Result<(), String> {
    let shapes = Broadcast::new(a_shape, b_shape).map_err(|e| e.to_string())?;
    let rank = a_shape.len().max(b_shape.len());
    let full = |shape: &[usize]| [vec![1; rank - shape.len()], shape.to_vec()].concat();
    let (a_full, b_full) = (full(a_shape), full(b_shape));
    let out_shape: Vec<usize> = a_full.iter().zip(&b_full).map(|(&a, &b)| a.max(b)).collect();
    if shapes.out_shape() != out_shape {
        return Err(format!("out_shape is {:?}", shapes.out_shape()));
    }
    let len = |shape: &[usize]| shape.iter().product::<usize>();
    let (a, b) = (rng.values(len(a_shape)), rng.values(len(b_shape)));
    let index = |full: &[usize], flat: usize| {
        let (mut rest, mut at, mut step) = (flat, 0, 1);
        for axis in (0..rank).rev() {
            let i = rest % out_shape[axis];
            rest /= out_shape[axis];
            at += if full[axis] == 1 { 0 } else { i * step };
            step *= full[axis];
        }
        at
    };
    for op in BINARY {
        let mut output = Guarded::new(len(&out_shape));
        binary(op, &shapes, Guarded::of(&a).body(), Guarded::of(&b).body(), output.body())
            .map_err(|e| e.to_string())?;
        for (i, &y) in output.finish()?.iter().enumerate() {
            let (a, b) = (a[index(&a_full, i)], b[index(&b_full, i)]);
            let expected = exact(op, a.into(), b.into());
            let bound = if matches!(op, Binary::Hypot | Binary::Pow) { 1.5 } else { 0.5 };
            if error_in_ulps(y, expected) > bound {
                return Err(format!("{op:?} of {a} and {b} at {i} is {y}, expected {expected}"));
            }
        }
    }
    Ok(())
}

/// A number for each run of outputs, as NCHW gates and masks of pixels have: runs that are laid out in tiles, and those that are not.
#[test]
fn runs_with_one_number_each() {
    let mut rng = Rng::new(7);
    for len in [2, 3, 4, 5, 7, 15, 16, 17, 49, 63, 64, 255, 256, 257, 300] {
        for count in [2, 3, 5, 12, 13, 401 / len + 1] {
            for (a, b) in [([count, len], [count, 1]), ([count, 1], [count, len])] {
                check(&a, &b, &mut rng).unwrap_or_else(|error| panic!("{a:?}, {b:?}: {error}"));
            }
            let (a, b) = ([2, count, len], [1, count, 1]);
            check(&a, &b, &mut rng).unwrap_or_else(|error| panic!("{a:?}, {b:?}: {error}"));
        }
    }
}

#[test]
fn broadcasting_tables() {
    let mut rng = Rng::new(1);
    let shapes: [(&[usize], &[usize]); 16] = [
        (&[], &[]),
        (&[1], &[]),
        (&[7], &[]),
        (&[], &[2, 3]),
        (&[4, 5, 3], &[4, 5, 3]),
        (&[2, 5, 3], &[3]),
        (&[3], &[2, 5, 3]),
        (&[2, 500, 31], &[31]),
        (&[9, 200], &[200]),
        (&[2, 5, 3], &[2, 5, 1]),
        (&[2, 1, 3], &[1, 5, 1]),
        (&[5, 1], &[1, 7]),
        (&[2, 1, 3, 1, 2, 1, 3, 2], &[1, 2, 1, 3, 1, 2, 1, 2]),
        (&[2, 3, 4, 5], &[3, 1, 1]),
        (&[1, 1, 1], &[1]),
        (&[2, 6, 5, 4], &[2, 1, 1, 4]),
    ];
    for (a, b) in shapes {
        check(a, b, &mut rng).unwrap_or_else(|error| panic!("{a:?}, {b:?}: {error}"));
    }
    for c in 1..140 {
        check(&[5, c], &[c], &mut rng).unwrap();
        check(&[c], &[300 / c + 2, c], &mut rng).unwrap();
        check(&[c], &[c], &mut rng).unwrap();
        check(&[c], &[], &mut rng).unwrap();
    }
}

#[test]
fn random_broadcasts() {
    let axes = proptest::collection::vec((prop_oneof![Just(1), 1..=5usize], 0..4u8), 0..=8);
    let cases = (axes, 0..=8usize, any::<bool>(), any::<u64>());
    random(2000, &cases, |(axes, cut, swap, seed)| {
        let a: Vec<usize> = axes.iter().map(|&(size, kind)| if kind == 1 { 1 } else { size }).collect();
        let b: Vec<usize> = axes.iter().map(|&(size, kind)| if kind == 2 { 1 } else { size }).collect();
        let b = &b[cut.min(b.len())..];
        if a.iter().zip(&axes).map(|(_, (size, _))| size).product::<usize>() > 20_000 {
            return Ok(());
        }
        let mut rng = Rng::new(seed);
        if swap { check(b, &a, &mut rng) } else { check(&a, b, &mut rng) }
    });
}

#[test]
fn in_place_is_the_same() {
    let mut rng = Rng::new(7);
    for len in [0, 1, 3, 4, 5, 255, 256, 257, 259, 600] {
        let (a, b) = (rng.values(len), rng.values(len));
        let mut expected = vec![0.0; len];
        let check = |name: &str, expected: &[f32], f: &dyn Fn(&mut [f32])| {
            let mut found = Guarded::of(&a);
            f(found.body());
            let same = |(x, y): (&f32, &f32)| x == y || (x.is_nan() && y.is_nan());
            assert!(found.finish().unwrap().iter().zip(expected).all(same), "{name} of {len}");
        };
        for op in UNARY {
            op.run(&a, &mut expected).unwrap();
            check("unary", &expected, &|xs| op.run_in_place(xs));
        }
        for op in BINARY.into_iter().filter(|_| len > 0) {
            binary(op, &Broadcast::new(&[len], &[len]).unwrap(), &a, &b, &mut expected).unwrap();
            check("binary", &expected, &|xs| binary_in_place(op, xs, &b).unwrap());
            binary(op, &Broadcast::new(&[len], &[]).unwrap(), &a, &b[..1], &mut expected).unwrap();
            check("binary with one number", &expected, &|xs| binary_in_place(op, xs, &b[..1]).unwrap());
        }
    }
    assert_eq!(binary_in_place(Binary::Add, &mut [0.0; 3], &[0.0; 2]).unwrap_err().argument, "b");
}

#[test]
fn nan_and_infinity() {
    let shapes = Broadcast::new(&[8], &[8]).unwrap();
    let (nan, inf) = (f32::NAN, f32::INFINITY);
    let a = [nan, 1.0, inf, -inf, 0.0, inf, -0.0, 0.0];
    let b = [1.0, nan, 1.0, 1.0, 0.0, inf, 0.0, -0.0];
    for op in BINARY {
        let mut output = [9.0; 8];
        binary(op, &shapes, &a, &b, &mut output).unwrap();
        for i in 0..8 {
            let expected = exact(op, a[i].into(), b[i].into()) as f32;
            assert!(output[i] == expected || (output[i].is_nan() && expected.is_nan()), "{op:?} {} {}", a[i], b[i]);
        }
    }
}

#[test]
fn integers_and_truths() {
    let numbers: Vec<f32> = (-9i8..=9).map(f32::from).chain([16_777_215.0, -16_777_213.0, 0.5]).collect();
    let pairs: Vec<(f32, f32)> = numbers.iter().flat_map(|&a| numbers.iter().map(move |&b| (a, b))).collect();
    let (a, b): (Vec<f32>, Vec<f32>) = pairs.iter().copied().unzip();
    let mut output = vec![0.0; a.len()];
    let shapes = Broadcast::new(&[a.len()], &[a.len()]).unwrap();
    for op in BINARY {
        binary(op, &shapes, &a, &b, &mut output).unwrap();
        for (&(a, b), &y) in pairs.iter().zip(&output) {
            let expected = exact(op, a.into(), b.into());
            let bound = if matches!(op, Binary::Hypot | Binary::Pow) { 1.5 } else { 0.5 };
            assert!(error_in_ulps(y, expected) <= bound, "{op:?} of {a} and {b} is {y}, expected {expected}");
            if op == Binary::TruncDiv && b != 0.0 && a.fract() == 0.0 && b.fract() == 0.0 {
                assert_eq!(y as i64, a as i64 / b as i64, "{a} / {b}");
            }
            if op == Binary::FloorMod && b != 0.0 && a.fract() == 0.0 && b.fract() == 0.0 {
                let (a, b) = (a as i64, b as i64);
                assert_eq!(y as i64, ((a % b) + b) % b, "{a} mod {b}");
            }
        }
    }
}

#[test]
fn unary_functions() {
    let values: Vec<f32> = Rng::new(3)
        .values_in(-5.0, 5.0, 1003)
        .into_iter()
        .chain([0.0, -0.0, f32::NAN, f32::INFINITY, 0.5, 1.5, 2.5, -0.5, -1.5, 8_388_609.0, -1e20, 1e-40, 1e4])
        .collect();
    for op in UNARY {
        for len in [0, 1, 3, 4, 5, 7, 8, 31, values.len()] {
            let mut output = Guarded::new(len);
            op.run(Guarded::of(&values[..len]).body(), output.body()).unwrap();
            for (&x, &y) in values.iter().zip(output.finish().unwrap()) {
                if matches!(op, Unary::Sin | Unary::Cos) && x.abs() > 1e7 {
                    continue; // see math::sin
                }
                let wide = f64::from(x);
                let expected = match op {
                    Unary::Abs => wide.abs(),
                    Unary::Neg => -wide,
                    Unary::Sqrt => wide.sqrt(),
                    Unary::Exp => wide.exp(),
                    Unary::Log => wide.ln(),
                    Unary::Square => wide * wide,
                    Unary::Reciprocal => 1.0 / wide,
                    Unary::Erf => erf(wide),
                    Unary::Floor => wide.floor(),
                    Unary::Ceil => wide.ceil(),
                    Unary::Round => wide.round_ties_even(),
                    Unary::Sign if x == 0.0 => 0.0,
                    Unary::Sign => wide.signum(),
                    Unary::Not => f64::from(u8::from(x == 0.0)),
                    Unary::Truncate => wide.trunc(),
                    Unary::ToBool => f64::from(u8::from(x != 0.0)),
                    Unary::Sin => wide.sin(),
                    Unary::Cos => wide.cos(),
                };
                let bound = if op == Unary::Erf { 2.0 } else { 1.1 };
                assert!(error_in_ulps(y, expected) <= bound, "{op:?} of {x} is {y}");
            }
        }
    }
}

#[test]
fn what_is_wrong_is_refused() {
    let refused = |a: &[usize], b: &[usize]| {
        let error = Broadcast::new(a, b).unwrap_err();
        (error.code, error.argument)
    };
    assert_eq!(refused(&[2, 3], &[2]), (ErrorCode::ShapeMismatch, "b"));
    assert_eq!(refused(&[0], &[1]), (ErrorCode::InvalidArgument, "a"));
    assert_eq!(refused(&[1], &[1; 9]), (ErrorCode::InvalidArgument, "b"));
    assert_eq!(refused(&[1 << 20, 1], &[1, 1 << 20]), (ErrorCode::TooLarge, "output"));
    assert_eq!(refused(&[usize::MAX, 2], &[1]), (ErrorCode::TooLarge, "a"));
    let shapes = Broadcast::new(&[2, 3], &[3]).unwrap();
    for (a, b, out, argument) in [(5, 3, 6, "a"), (6, 6, 6, "b"), (6, 3, 5, "output")] {
        let error = binary(Binary::Add, &shapes, &vec![0.0; a], &vec![0.0; b], &mut vec![0.0; out]).unwrap_err();
        assert_eq!((error.code, error.argument), (ErrorCode::ShapeMismatch, argument));
    }
    assert!(Unary::Abs.run(&[0.0], &mut []).is_err());
    assert!(Binary::from_code(20).is_err() && Unary::from_code(17).is_err());
    assert_eq!((0..20).map(|code| Binary::from_code(code).unwrap()).collect::<Vec<_>>(), BINARY);
    assert_eq!((0..17).map(|code| Unary::from_code(code).unwrap()).collect::<Vec<_>>(), UNARY);
}
