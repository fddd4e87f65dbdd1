//! Gradients of pools against float64.

mod grad_oracle;
mod oracle;
use grad_oracle::{agree, differences, to_f64, weighted};
use lenslet_kernels::grad::pool::{adaptive_pool2d, global_pool2d, pool2d};
use lenslet_kernels::memory::Workspace;
use lenslet_kernels::pool::PoolKind;
use lenslet_kernels::shape::{Axis, Image, Pool2dShape, Pool2dSpec, SpecError};
use oracle::pool::spec;
use oracle::random::random;
use oracle::{Guarded, Rng, UNIT_ROUNDOFF, compare, sum_tolerance};
use proptest::prelude::*;

/// Windows along one axis: the places that each reads, and how many it counts for a mean.
type Windows = Vec<(Vec<usize>, usize)>;

fn sliding(axis: &Axis, count_include_pad: bool) -> Windows {
    let window = |position: usize| {
        let at = |k: usize| (position * axis.stride + k * axis.dilation) as i64 - axis.pad_before as i64;
        let inside = (0..axis.kernel).map(at).filter(|&at| (0..axis.input as i64).contains(&at));
        let padded = (0..axis.kernel).filter(|&k| at(k) < (axis.input + axis.pad_after) as i64).count();
        let inside: Vec<usize> = inside.map(|at| at as usize).collect();
        let count = if count_include_pad { padded } else { inside.len() };
        (inside, count)
    };
    (0..axis.output).map(window).collect()
}

fn adaptive(size: usize, windows: usize) -> Windows {
    let window = |i: usize| {
        let inside: Vec<usize> =
            (0..size).filter(|&at| (at + 1) * windows > i * size && at * windows < (i + 1) * size).collect();
        let count = inside.len();
        (inside, count)
    };
    (0..windows).map(window).collect()
}

/// A pool of an image batch in float64: forward, or backward if there is a gradient.
fn naive(kind: PoolKind, image: &Image, [rows, columns]: [&Windows; 2], x: &[f64], g: Option<&[f64]>) -> Vec<f64> {
    let mut y = Vec::new();
    let mut dx = vec![0.0; x.len()];
    for n in 0..image.n {
        for (rows, row_count) in rows {
            for (columns, column_count) in columns {
                for c in 0..image.c {
                    let places: Vec<usize> = rows
                        .iter()
                        .flat_map(|row| columns.iter().map(move |column| (row, column)))
                        .map(|(row, column)| ((n * image.h + row) * image.w + column) * image.c + c)
                        .collect();
                    let g = g.map_or(0.0, |g| g[y.len()]);
                    y.push(match kind {
                        PoolKind::Max => {
                            let max = places.iter().fold(f64::NEG_INFINITY, |max, &i| x[i].max(max));
                            if let Some(&first) = places.iter().find(|&&i| x[i] == max) {
                                dx[first] += g;
                            }
                            max
                        }
                        PoolKind::Avg => {
                            let count = (row_count * column_count).max(1) as f64;
                            places.iter().for_each(|&i| dx[i] += g / count);
                            places.iter().map(|&i| x[i]).sum::<f64>() / count
                        }
                        PoolKind::L2 => {
                            let norm = places.iter().map(|&i| x[i] * x[i]).sum::<f64>().sqrt();
                            places.iter().filter(|_| norm > 0.0).for_each(|&i| dx[i] += g * x[i] / norm);
                            norm
                        }
                        PoolKind::L1 => {
                            places.iter().filter(|&&i| x[i] != 0.0).for_each(|&i| dx[i] += g * x[i].signum());
                            places.iter().map(|&i| x[i].abs()).sum()
                        }
                    });
                }
            }
        }
    }
    if g.is_some() { dx } else { y }
}

const KINDS: [PoolKind; 4] = [PoolKind::Max, PoolKind::Avg, PoolKind::L2, PoolKind::L1];

/// Compares a gradient with the oracle's; `overlap` windows at most see an element.
fn check(
    kind: PoolKind,
    image: &Image,
    windows: [&Windows; 2],
    rng: &mut Rng,
    run: impl FnOnce(Option<&[f32]>, &[f32], &mut Workspace, &mut [f32]) -> Result<(), SpecError>,
) -> Result<(), String> {
    // Quarters: ties are common.
    let x: Vec<f32> =
        rng.values(image.len()).iter().map(|x| if kind == PoolKind::Max { (x * 4.0).round() } else { *x }).collect();
    let g = rng.values(image.n * windows[0].len() * windows[1].len() * image.c);
    let expected = naive(kind, image, windows, &to_f64(&x), Some(&to_f64(&g)));
    let mut workspace = Workspace::default();
    workspace.get(100).unwrap().fill(f32::NAN);
    let mut output = Guarded::new(x.len());
    let (x, g) = (Guarded::of(&x), Guarded::of(&g));
    let input = (kind != PoolKind::Avg).then_some(x.finish()?);
    run(input, g.finish()?, &mut workspace, output.body()).map_err(|error| error.to_string())?;
    // As many parts are added as windows see an element, and as many squares as a window sees elements.
    let windows_len = |count: fn(&Windows) -> usize| windows.iter().map(|axis| count(axis)).product::<usize>();
    let parts = windows_len(|axis| axis.len());
    let elements = windows_len(|axis| axis.iter().map(|(places, _)| places.len()).max().unwrap_or(0));
    let tolerance = sum_tolerance(parts.min(150), 1.0, 1.0) + UNIT_ROUNDOFF * (elements as f64 + 8.0);
    compare(output.finish()?, &expected, |_| tolerance).map_err(|mismatch| format!("{kind:?}: {mismatch}"))
}

fn check_sliding(shape: &Pool2dShape, rng: &mut Rng) -> Result<(), String> {
    for kind in KINDS {
        for include_pad in [false, true] {
            let windows = [&sliding(&shape.h, include_pad), &sliding(&shape.w, include_pad)];
            check(kind, &shape.input, windows, rng, |x, g, workspace, to| {
                pool2d(kind, shape, include_pad, x, g, workspace, to)
            })?;
        }
    }
    Ok(())
}

#[test]
fn oracle_is_the_derivative() {
    let mut rng = Rng::new(1);
    let image = Image { n: 1, h: 5, w: 4, c: 2 };
    let windows = [vec![(vec![0, 1], 2), (vec![1, 2, 3], 4)], vec![(vec![0], 2), (vec![1, 3], 2), (vec![], 1)]];
    for kind in KINDS {
        let windows =
            if kind == PoolKind::Avg { windows.clone() } else { windows.clone().map(|axis| axis[..2].to_vec()) };
        let windows = windows.each_ref();
        let x = to_f64(&rng.values(image.len()));
        let g = to_f64(&rng.values(windows[0].len() * windows[1].len() * image.c));
        let found = differences(&x, |x| weighted(&naive(kind, &image, windows, x, None), &g));
        agree("input", &naive(kind, &image, windows, &x, Some(&g)), &found);
    }
}

#[test]
fn random_pools() {
    let axis = (1..=4usize, 1..=3usize, 1..=3usize, 0..=3usize, 0..=3usize, 1..=14usize);
    let strategy = (axis.clone(), axis, 1..=9usize, 1..=2usize, any::<bool>(), any::<u64>());
    random(1500, &strategy, |(h, w, c, n, ceil_mode, seed)| {
        let given = Pool2dSpec {
            stride_h: h.1,
            stride_w: w.1,
            dilation_h: h.2,
            dilation_w: w.2,
            pad_top: h.3,
            pad_bottom: h.4,
            pad_left: w.3,
            pad_right: w.4,
            ceil_mode,
            ..spec([n, h.5, w.5, c], [h.0, w.0])
        };
        match Pool2dShape::new(&given) {
            Ok(shape) => check_sliding(&shape, &mut Rng::new(seed)),
            Err(_) => Ok(()),
        }
    });
}

#[test]
fn halving_pools() {
    let mut rng = Rng::new(3);
    for c in 1..=9 {
        for [h, w] in [[2, 2], [2, 3], [3, 2], [5, 4], [7, 9]] {
            for ceil_mode in [false, true] {
                let given = Pool2dSpec { stride_h: 2, stride_w: 2, ceil_mode, ..spec([2, h, w, c], [2, 2]) };
                check_sliding(&Pool2dShape::new(&given).unwrap(), &mut rng).unwrap();
            }
        }
    }
}

#[test]
fn random_adaptive_and_global_pools() {
    let strategy = (1..=2usize, 1..=11usize, 1..=11usize, 1..=9usize, 1..=5usize, 1..=5usize, any::<u64>());
    random(1000, &strategy, |(n, h, w, c, out_h, out_w, seed)| {
        let image = Image { n, h, w, c };
        let mut rng = Rng::new(seed);
        for kind in KINDS {
            let windows = [&adaptive(h, out_h), &adaptive(w, out_w)];
            check(kind, &image, windows, &mut rng, |x, g, workspace, to| {
                adaptive_pool2d(kind, &image, out_h, out_w, x, g, workspace, to)
            })?;
            let windows = [&adaptive(h, 1), &adaptive(w, 1)];
            check(kind, &image, windows, &mut rng, |x, g, workspace, to| {
                global_pool2d(kind, &image, x, g, workspace, to)
            })?;
        }
        Ok(())
    });
}

#[test]
fn windows_over_nothing_and_norms_of_nothing_give_nothing() {
    // Dilation steps over a single pixel: the first and last window see padding alone.
    let spec = Pool2dSpec { pad_left: 2, pad_right: 2, dilation_w: 4, ..spec([1, 1, 1, 4], [1, 2]) };
    let shape = Pool2dShape::new(&spec).unwrap();
    for kind in KINDS {
        let mut grad = [f32::NAN; 4];
        let g = vec![1.0; shape.output.len()];
        pool2d(kind, &shape, false, Some(&[1.0; 4]), &g, &mut Workspace::default(), &mut grad).unwrap();
        assert_eq!(grad, [0.0; 4], "{kind:?}");
        let image = Image { n: 1, h: 2, w: 1, c: 2 };
        if kind != PoolKind::Max && kind != PoolKind::Avg {
            global_pool2d(kind, &image, Some(&[0.0; 4]), &[1.0; 2], &mut Workspace::default(), &mut grad).unwrap();
            assert_eq!(grad, [0.0; 4], "{kind:?}");
        }
    }
}

#[test]
fn what_is_wrong_is_refused() {
    let shape = Pool2dShape::new(&spec([1, 4, 4, 2], [2, 2])).unwrap();
    let refused = |kind, x: Option<&[f32]>, g: usize, to: usize| {
        pool2d(kind, &shape, false, x, &vec![0.0; g], &mut Workspace::default(), &mut vec![0.0; to])
            .unwrap_err()
            .argument
    };
    assert_eq!(refused(PoolKind::Max, None, 18, 32), "input");
    assert_eq!(refused(PoolKind::L2, Some(&[0.0; 31]), 18, 32), "input");
    assert_eq!(refused(PoolKind::Avg, None, 17, 32), "gradOutput");
    assert_eq!(refused(PoolKind::Avg, None, 18, 31), "gradInput");
    let image = Image { n: 1, h: 2, w: 2, c: 1 };
    let zero = adaptive_pool2d(PoolKind::Avg, &image, 0, 1, None, &[], &mut Workspace::default(), &mut [0.0; 4]);
    assert_eq!(zero.unwrap_err().argument, "output");
}
