//! Gradients of what moves elements about: broadcasts, padding, resizes; and dropout.

mod grad_oracle;
mod oracle;
use grad_oracle::{agree, differences, to_f64, weighted};
use lenslet_kernels::grad::dropout::{Dropout, philox};
use lenslet_kernels::grad::sums::{sum, sum_rows, sum_to};
use lenslet_kernels::grad::{pad, resize2d};
use lenslet_kernels::memory::Workspace;
use lenslet_kernels::pad::PadMode;
use lenslet_kernels::resize::{Coordinates, Resize2d, ResizeMode, Sampling};
use lenslet_kernels::shape::Image;
use oracle::random::random;
use oracle::{Guarded, Rng, UNIT_ROUNDOFF, compare, sum_tolerance};
use proptest::collection::vec;
use proptest::prelude::*;

/// The index in a tensor of `shape` that an element of `out_shape` is broadcast from.
fn source(out_shape: &[usize], shape: &[usize], mut index: usize) -> usize {
    let (mut at, mut step) = (0, 1);
    for (i, &size) in out_shape.iter().rev().enumerate() {
        let place = index % size;
        index /= size;
        if let Some(&own) = shape.len().checked_sub(i + 1).map(|axis| &shape[axis]) {
            at += if own == 1 { 0 } else { place * step };
            step *= own;
        }
    }
    at
}

#[test]
fn random_broadcasts() {
    let axes = vec((prop_oneof![1..=6usize, 60..=70usize], any::<bool>()), 0..=5);
    random(2500, &(axes, 0..=2usize, any::<u64>()), |(axes, dropped, seed)| {
        let out_shape: Vec<usize> = axes.iter().map(|axis| axis.0).collect();
        if out_shape.iter().product::<usize>() > 100_000 {
            return Ok(());
        }
        let shape: Vec<usize> = axes.iter().skip(dropped).map(|&(size, kept)| if kept { size } else { 1 }).collect();
        let g = Rng::new(seed).values(out_shape.iter().product());
        let mut expected = vec![0.0; shape.iter().product()];
        for (i, &g) in g.iter().enumerate() {
            expected[source(&out_shape, &shape, i)] += f64::from(g);
        }
        let mut grad = Guarded::new(expected.len());
        sum_to(&out_shape, &shape, Guarded::of(&g).finish()?, grad.body()).map_err(|error| error.to_string())?;
        let terms = g.len() / expected.len();
        // Pairwise: the last roundings are those of sums of about the root of the number of terms.
        let tolerance = sum_tolerance(terms.min(64) + terms.isqrt(), 1.0, 1.0);
        compare(grad.finish()?, &expected, |_| tolerance).map_err(|error| format!("{out_shape:?} {shape:?}: {error}"))
    });
}

#[test]
fn sums_of_many_terms_keep_their_digits() {
    let mut rng = Rng::new(1);
    for c in [1, 2, 3, 4, 5, 16, 17, 19] {
        for rows in [0, 1, 3, 63, 64, 65, 129, 100_001] {
            let values = rng.values_in(0.5, 1.0, rows * c);
            let exact: Vec<f64> =
                (0..c).map(|j| values.iter().skip(j).step_by(c).map(|&x| f64::from(x)).sum()).collect();
            let mut sums = Guarded::new(c);
            sum_rows(c, Guarded::of(&values).finish().unwrap(), sums.body()).unwrap();
            // Runs of 64, and as many halvings as there are.
            compare(sums.finish().unwrap(), &exact, |i| exact[i] * UNIT_ROUNDOFF * (64.0 + 12.0))
                .unwrap_or_else(|error| panic!("{c} x {rows}: {error}"));
            let exact = exact.iter().sum::<f64>();
            assert!((f64::from(sum(&values)) - exact).abs() <= exact * UNIT_ROUNDOFF * 80.0, "{c} x {rows}");
        }
    }
    assert_eq!(sum_rows(0, &[], &mut []).unwrap_err().argument, "values");
    assert_eq!(sum_rows(2, &[1.0; 3], &mut [0.0; 2]).unwrap_err().argument, "values");
    assert_eq!(sum_to(&[2, 3], &[2], &[0.0; 6], &mut [0.0; 2]).unwrap_err().argument, "shape");
    assert_eq!(sum_to(&[3], &[1, 3], &[0.0; 3], &mut [0.0; 3]).unwrap_err().argument, "shape");
    assert_eq!(sum_to(&[2, 3], &[3], &[0.0; 5], &mut [0.0; 3]).unwrap_err().argument, "gradOutput");
    assert_eq!(sum_to(&[2, 3], &[3], &[0.0; 6], &mut [0.0; 2]).unwrap_err().argument, "grad");
}

#[test]
fn padding_gives_back_what_it_copied() {
    let axis = (1..=6usize, 0..=4usize, 0..=4usize);
    random(2000, &(vec(axis, 1..=4), 0..4u32, any::<u64>()), |(axes, mode, seed)| {
        let mode = PadMode::from_code(mode).map_err(|error| error.to_string())?;
        let shape: Vec<usize> = axes.iter().map(|axis| axis.0).collect();
        let limit = |axis: &(usize, usize, usize), pads: usize| {
            if mode == PadMode::Reflect { pads.min(axis.0 - 1) } else { pads }
        };
        let before: Vec<usize> = axes.iter().map(|axis| limit(axis, axis.1)).collect();
        let after: Vec<usize> = axes.iter().map(|axis| limit(axis, axis.2)).collect();
        let out: usize = (0..axes.len()).map(|i| shape[i] + before[i] + after[i]).product();
        let len: usize = shape.iter().product();
        // Where each element went: by padding the elements' numbers.
        let numbers: Vec<f32> = (0..len).map(|i| i as f32).collect();
        let mut places = vec![0.0; out];
        lenslet_kernels::pad::pad(&shape, &before, &after, mode, -1.0, &numbers, &mut places)
            .map_err(|error| error.to_string())?;
        let g = Rng::new(seed).values(out);
        let mut expected = vec![0.0; len];
        for (place, g) in places.iter().zip(&g).filter(|(place, _)| **place >= 0.0) {
            expected[*place as usize] += f64::from(*g);
        }
        let mut grad = Guarded::new(len);
        pad(&shape, &before, &after, mode, Guarded::of(&g).finish()?, grad.body())
            .map_err(|error| error.to_string())?;
        compare(grad.finish()?, &expected, |_| sum_tolerance(40, 1.0, 1.0)).map_err(|error| error.to_string())
    });
    let refused = |mode, before: usize, g: usize, to: usize| {
        pad(&[2, 3], &[0, before], &[0, 0], mode, &vec![0.0; g], &mut vec![0.0; to]).unwrap_err().argument
    };
    assert_eq!(refused(PadMode::Reflect, 3, 12, 6), "padding");
    assert_eq!(refused(PadMode::Edge, 3, 11, 6), "gradOutput");
    assert_eq!(refused(PadMode::Edge, 3, 12, 5), "gradInput");
}

#[test]
fn resizes_give_back_what_they_took() {
    let modes = prop_oneof![Just(ResizeMode::Nearest), Just(ResizeMode::Linear), Just(ResizeMode::Cubic)];
    let sizes = (1..=9usize, 1..=9usize, 1..=12usize, 1..=12usize, 1..=5usize);
    random(
        1500,
        &(modes, 0..5u32, sizes, any::<bool>(), any::<u64>()),
        |(mode, coordinates, sizes, antialias, seed)| {
            let (h, w, out_h, out_w, c) = sizes;
            let coordinates = Coordinates::from_code(coordinates).map_err(|error| error.to_string())?;
            let sampling =
                Sampling { antialias: antialias && mode != ResizeMode::Nearest, ..Sampling::new(mode, coordinates) };
            let image = Image { n: 2, h, w, c };
            let resize = Resize2d::with_sampling(image, out_h, out_w, sampling).map_err(|error| error.to_string())?;
            let mut rng = Rng::new(seed);
            let (x, g) = (rng.values(image.len()), rng.values(resize.output().len()));
            let mut grad = Guarded::new(image.len());
            let mut workspace = Workspace::default();
            workspace.get(60).unwrap().fill(f32::NAN);
            resize2d(&resize, Guarded::of(&g).finish()?, &mut workspace, grad.body())
                .map_err(|error| error.to_string())?;
            // A resize is linear, so its gradient is its adjoint: <resize(x), g> = <x, gradient(g)>; and so for single elements.
            let grad = to_f64(grad.finish()?);
            let forward = |x: &[f32]| {
                let mut y = vec![0.0; g.len()];
                resize.run(x, &mut y).map(|()| weighted(&to_f64(&y), &to_f64(&g)))
            };
            let given = forward(&x).map_err(|error| error.to_string())?;
            let back = weighted(&to_f64(&x), &grad);
            let tolerance = 64.0 * UNIT_ROUNDOFF * (g.len() as f64).sqrt() * 4.0;
            if (given - back).abs() > tolerance {
                return Err(format!("{given} forward, {back} backward"));
            }
            let at = rng.int(0, x.len() - 1);
            let mut unit = vec![0.0; x.len()];
            unit[at] = 1.0;
            let given = forward(&unit).map_err(|error| error.to_string())?;
            if (given - grad[at]).abs() > tolerance { Err(format!("[{at}]: {} is {given}", grad[at])) } else { Ok(()) }
        },
    );
}

/// A bilinear resize by hand, against central differences.
#[test]
fn a_resize_is_differentiated() {
    let image = Image { n: 1, h: 1, w: 3, c: 1 };
    let resize = Resize2d::new(image, 1, 6, ResizeMode::Linear, Coordinates::HalfPixel).unwrap();
    let naive = |x: &[f64]| {
        let at = |i: usize| ((i as f64 + 0.5) / 2.0 - 0.5).clamp(0.0, 2.0);
        (0..6)
            .map(|i| {
                let low = at(i) as usize;
                x[low] + (x[(low + 1).min(2)] - x[low]) * (at(i) - low as f64)
            })
            .collect::<Vec<f64>>()
    };
    let g = [1.0, 2.0, -3.0, 0.5, 0.25, 1.5];
    let mut grad = [0.0; 3];
    resize2d(&resize, &g, &mut Workspace::default(), &mut grad).unwrap();
    agree("input", &to_f64(&grad), &differences(&[0.3, -0.7, 0.2], |x| weighted(&naive(x), &to_f64(&g))));
    assert_eq!(resize2d(&resize, &g[1..], &mut Workspace::default(), &mut grad).unwrap_err().argument, "gradOutput");
    assert_eq!(resize2d(&resize, &g, &mut Workspace::default(), &mut grad[1..]).unwrap_err().argument, "gradInput");
}

/// Known answers of Random123's own tests (kat_vectors, philox4x32 10).
#[test]
fn philox_gives_the_published_numbers() {
    assert_eq!(philox([0; 4], [0; 2]), [0x6627_e8d5, 0xe169_c58d, 0xbc57_ac4c, 0x9b00_dbd8]);
    assert_eq!(philox([u32::MAX; 4], [u32::MAX; 2]), [0x408f_276d, 0x41c8_3b0e, 0xa20b_c7c6, 0x6d54_51fd]);
    assert_eq!(
        philox([0x243f_6a88, 0x85a3_08d3, 0x1319_8a2e, 0x0370_7344], [0xa409_3822, 0x299f_31d0]),
        [0xd16c_fe09, 0x94fd_cceb, 0x5001_e420, 0x2412_6ea1]
    );
}

#[test]
fn dropout_drops_as_many_as_it_should_and_the_same_ones_again() {
    let n = 100_000;
    for rate in [0.0, 0.1, 0.5, 0.9] {
        let dropout = Dropout::new(rate, [1, 2], 3, 4).unwrap();
        let mut y = Guarded::new(n);
        dropout.run(&vec![1.0; n], y.body()).unwrap();
        let y = y.finish().unwrap();
        let dropped = y.iter().filter(|&&y| y == 0.0).count() as f64;
        // Five standard deviations of a binomial distribution.
        let deviation = (n as f64 * f64::from(rate) * (1.0 - f64::from(rate))).sqrt();
        assert!((dropped - n as f64 * f64::from(rate)).abs() <= 5.0 * deviation, "{rate}: {dropped}");
        assert!(y.iter().all(|&y| y == 0.0 || y == 1.0 / (1.0 - rate)));
        // The gradient meets the same mask; a part of a tensor that begins with it, too.
        let g: Vec<f32> = (0..777).map(|i| i as f32 - 300.0).collect();
        let mut grad = Guarded::new(777);
        dropout.run(&g, grad.body()).unwrap();
        assert!(grad.finish().unwrap().iter().zip(&g).zip(y).all(|((found, g), y)| *found == g * y));
    }
    let mask = |seed, stream, step| {
        let mut y = vec![0.0; 64];
        Dropout::new(0.5, seed, stream, step).unwrap().run(&[1.0; 64], &mut y).unwrap();
        y
    };
    let first = mask([1, 2], 3, 4);
    assert_eq!(first, mask([1, 2], 3, 4));
    for other in [mask([2, 2], 3, 4), mask([1, 3], 3, 4), mask([1, 2], 4, 4), mask([1, 2], 3, 5)] {
        assert_ne!(first, other);
    }
    for rate in [-0.1, 1.0, f32::NAN] {
        assert_eq!(Dropout::new(rate, [0; 2], 0, 0).unwrap_err().argument, "rate");
    }
    assert_eq!(Dropout::new(0.5, [0; 2], 0, 0).unwrap().run(&[0.0; 3], &mut [0.0; 2]).unwrap_err().argument, "output");
}
