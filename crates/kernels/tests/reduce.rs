//! Reductions, extremes and the best of several against float64.

mod oracle;
use lenslet_kernels::extremes::{TopK, arg_reduce, top_k};
use lenslet_kernels::reduce::{Reduction, reduce};
use oracle::nd::{flat, indices};
use oracle::random::random;
use oracle::{Guarded, Rng, UNIT_ROUNDOFF, compare};
use proptest::prelude::*;

const KINDS: [Reduction; 10] = {
    use Reduction::*;
    [Sum, Mean, Max, Min, Prod, SumSquare, L1, L2, LogSum, LogSumExp]
};

fn exact(kind: Reduction, xs: &[f64]) -> f64 {
    let sum = |f: &dyn Fn(f64) -> f64| xs.iter().map(|&x| f(x)).sum::<f64>();
    match kind {
        Reduction::Sum => sum(&|x| x),
        Reduction::Mean => sum(&|x| x) / xs.len() as f64,
        Reduction::Max => xs.iter().copied().fold(f64::NEG_INFINITY, f64::max),
        Reduction::Min => xs.iter().copied().fold(f64::INFINITY, f64::min),
        Reduction::Prod => xs.iter().product(),
        Reduction::SumSquare => sum(&|x| x * x),
        Reduction::L1 => sum(&f64::abs),
        Reduction::L2 => sum(&|x| x * x).sqrt(),
        Reduction::LogSum => sum(&|x| x).ln(),
        Reduction::LogSumExp => sum(&f64::exp).ln(),
    }
}

/// What so many roundings may do: sums have many accumulators, so that each element sees few of them.
fn tolerance(kind: Reduction, xs: &[f64], expected: f64) -> f64 {
    let roundings = (xs.len() as f64).sqrt() + 12.0;
    let magnitude = xs.iter().map(|x| x.abs()).sum::<f64>();
    UNIT_ROUNDOFF
        * match kind {
            Reduction::Max | Reduction::Min => 0.0,
            Reduction::Sum => roundings * magnitude,
            Reduction::Mean => roundings * magnitude / xs.len() as f64,
            Reduction::Prod => 2.0 * xs.len() as f64 * expected.abs(),
            // Of a logarithm, a relative error is an absolute one.
            Reduction::LogSum => roundings * magnitude / expected.exp() + 2.0 * expected.abs(),
            Reduction::LogSumExp => 2.0 * roundings + 4.0 * expected.abs(),
            _ => roundings * expected.abs(),
        }
}

fn check(kind: Reduction, shape: &[usize], mask: &[bool], rng: &mut Rng) -> Result<(), String> {
    let low = if kind == Reduction::LogSum { 0.1 } else { -1.0 };
    let len = shape.iter().product::<usize>();
    let input = if kind == Reduction::Prod { rng.values_in(0.9, 1.1, len) } else { rng.values_in(low, 2.0, len) };
    let kept: Vec<usize> = shape.iter().zip(mask).map(|(&size, &gone)| if gone { 1 } else { size }).collect();
    let mut groups = vec![Vec::new(); kept.iter().product()];
    for (index, &x) in indices(shape).iter().zip(&input) {
        groups[flat(index, &kept)].push(f64::from(x));
    }
    let mut output = Guarded::new(groups.len());
    reduce(kind, shape, mask, Guarded::of(&input).body(), output.body()).map_err(|e| e.to_string())?;
    let expected: Vec<f64> = groups.iter().map(|xs| exact(kind, xs)).collect();
    compare(output.finish()?, &expected, |i| tolerance(kind, &groups[i], expected[i]))
        .map_err(|error| format!("{kind:?} of {shape:?} over {mask:?}: {error}"))
}

#[test]
fn random_reductions() {
    let axes = proptest::collection::vec((1..=7usize, any::<bool>()), 0..=6);
    random(2000, &(axes, 0..10usize, any::<u64>()), |(axes, kind, seed)| {
        let (shape, mask): (Vec<usize>, Vec<bool>) = axes.into_iter().unzip();
        check(KINDS[kind], &shape, &mask, &mut Rng::new(seed))
    });
}

#[test]
fn rows_and_columns_around_the_blocks() {
    let mut rng = Rng::new(1);
    for kind in KINDS {
        for n in [1, 2, 31, 32, 33, 63, 127, 128, 129, 4095, 4096, 4097, 5000] {
            check(kind, &[2, n], &[false, true], &mut rng).unwrap();
            check(kind, &[n, 3], &[true, false], &mut rng).unwrap();
        }
        for c in [1, 3, 4, 5, 255, 256, 257, 515] {
            check(kind, &[2, 131, c], &[false, true, false], &mut rng).unwrap();
        }
    }
}

#[test]
fn long_sums_are_accurate() {
    // 0.1 is not exact: a single accumulator would drift.
    let input = vec![0.1f32; 1 << 20];
    for shape in [[1, 1 << 20, 1], [1, 1 << 18, 4]] {
        let mut output = vec![0.0; shape[2]];
        reduce(Reduction::Sum, &shape, &[false, true, false], &input, &mut output).unwrap();
        let exact = f64::from(0.1f32) * shape[1] as f64;
        assert!(output.iter().all(|&y| (f64::from(y) - exact).abs() < 2e-5 * exact), "{output:?}, {exact}");
    }
}

#[test]
fn nan_and_infinity() {
    let one = |kind: Reduction, xs: &[f32]| {
        let mut output = [9.0];
        reduce(kind, &[xs.len()], &[true], xs, &mut output).unwrap();
        let mut columns = [9.0; 2];
        let pairs: Vec<f32> = xs.iter().flat_map(|&x| [x, x]).collect();
        reduce(kind, &[xs.len(), 2], &[true, false], &pairs, &mut columns).unwrap();
        assert!(columns.iter().all(|y| *y == output[0] || (y.is_nan() && output[0].is_nan())), "{kind:?} {xs:?}");
        output[0]
    };
    let (nan, inf) = (f32::NAN, f32::INFINITY);
    for kind in KINDS {
        let mut xs = [1.0; 40];
        for i in [0, 5, 31, 32, 39] {
            xs[i] = nan;
            assert!(one(kind, &xs).is_nan(), "{kind:?} {i}");
            xs[i] = 1.0;
        }
    }
    assert_eq!(one(Reduction::LogSumExp, &[-inf, -inf]), -inf);
    assert_eq!(one(Reduction::LogSumExp, &[inf, 0.0]), inf);
    assert_eq!(one(Reduction::LogSumExp, &[1000.0, -inf]), 1000.0);
    assert_eq!(one(Reduction::Max, &[-inf, -inf]), -inf);
    assert!(one(Reduction::Sum, &[inf, -inf]).is_nan());
}

fn best(xs: &[f32], better: impl Fn(f32, f32) -> bool) -> usize {
    (1..xs.len()).fold(0, |best, i| if better(xs[i], xs[best]) { i } else { best })
}

#[test]
fn random_extremes() {
    let sizes = (1..=4usize, prop_oneof![1..=9usize, 30..=70usize], prop_oneof![Just(1), 1..=9usize]);
    random(2000, &(sizes, any::<bool>(), any::<bool>(), any::<u64>()), |((outer, n, inner), smallest, last, seed)| {
        let mut rng = Rng::new(seed);
        // Few values, so that some are equal; now and then a NaN.
        let input: Vec<f32> = (0..outer * n * inner)
            .map(|_| if rng.one_in(40) { f32::NAN } else { rng.int(0, 5) as f32 - 2.0 })
            .collect();
        let mut output = Guarded::new(outer * inner);
        arg_reduce([outer, n, inner], smallest, last, &input, output.body()).map_err(|e| e.to_string())?;
        for (index, &y) in indices(&[outer, inner]).iter().zip(output.finish()?) {
            let xs: Vec<f32> = (0..n).map(|i| input[(index[0] * n + i) * inner + index[1]]).collect();
            let expected = best(&xs, |x, best| {
                let better = if smallest { x < best } else { x > best };
                better || (x.is_nan() && !best.is_nan()) || (last && (x == best || x.is_nan()))
            });
            if y != expected as f32 {
                return Err(format!("{xs:?}: {y}, expected {expected}"));
            }
        }
        let k = rng.int(1, n);
        let (mut values, mut places) = (Guarded::new(outer * k * inner), Guarded::new(outer * k * inner));
        let spec = TopK { sizes: [outer, n, inner], k, largest: !smallest };
        top_k(&spec, &input, values.body(), places.body()).map_err(|e| e.to_string())?;
        let (values, places) = (values.finish()?, places.finish()?);
        for index in indices(&[outer, inner]) {
            let xs: Vec<f32> = (0..n).map(|i| input[(index[0] * n + i) * inner + index[1]]).collect();
            // NaN as more than any number.
            let key = |x: f32| if x.is_nan() { 100.0 } else { x };
            let mut order: Vec<usize> = (0..n).collect();
            order.sort_by(|&a, &b| {
                let ascending = key(xs[a]).total_cmp(&key(xs[b]));
                if smallest { ascending } else { ascending.reverse() }
            });
            for (j, &place) in order[..k].iter().enumerate() {
                let at = (index[0] * k + j) * inner + index[1];
                if places[at] != place as f32 || values[at].to_bits() != xs[place].to_bits() {
                    return Err(format!("{xs:?}: {} at {j}, expected {place}", places[at]));
                }
            }
        }
        Ok(())
    });
}

#[test]
fn zeros_of_either_sign_are_equal() {
    let (mut values, mut places) = ([9.0; 2], [9.0; 2]);
    let spec = TopK { sizes: [1, 3, 1], k: 2, largest: true };
    top_k(&spec, &[-1.0, -0.0, 0.0], &mut values, &mut places).unwrap();
    assert_eq!(places, [1.0, 2.0]);
}

#[test]
fn what_is_wrong_is_refused() {
    let x = [0.0; 6];
    let refused = |shape: &[usize], mask: &[bool], out: usize| {
        reduce(Reduction::Sum, shape, mask, &x, &mut vec![0.0; out]).map_err(|error| error.argument).err()
    };
    assert_eq!(refused(&[2, 3], &[true, false], 3), None);
    assert_eq!(refused(&[2, 3], &[true, false], 2), Some("output"));
    assert_eq!(refused(&[2, 2], &[true, false], 2), Some("input"));
    assert_eq!(refused(&[2, 3], &[true], 3), Some("axes"));
    assert_eq!(refused(&[1; 9], &[true; 9], 1), Some("shape"));
    assert!(Reduction::from_code(10).is_err());
    assert_eq!((0..10).map(|code| Reduction::from_code(code).unwrap()).collect::<Vec<_>>(), KINDS);
    assert!(arg_reduce([2, 3, 1], false, false, &x, &mut [0.0; 3]).is_err());
    assert!(arg_reduce([2, 4, 1], false, false, &x, &mut [0.0; 2]).is_err());
    for (k, values, places, argument) in [(0, 0, 0, "k"), (4, 8, 8, "k"), (2, 3, 4, "values"), (2, 4, 3, "indices")] {
        let spec = TopK { sizes: [2, 3, 1], k, largest: true };
        let error = top_k(&spec, &x, &mut vec![0.0; values], &mut vec![0.0; places]).unwrap_err();
        assert_eq!(error.argument, argument);
    }
}
