//! Maxima find a NaN wherever it lies: the loops look for one by sums beside them, and do a row again that has one.

mod oracle;
use lenslet_kernels::pool::*;
use lenslet_kernels::shape::{Image, Pool2dShape};
use oracle::pool::{adaptive2d, pool2d, spec};
use oracle::{Guarded, Rng, compare};

/// Checks a pool with each of `rare` at each place of an input in turn.
fn check_everywhere(len: usize, check: impl Fn(&[f32]) -> Result<(), String>) {
    let values = Rng::new(len as u64).values(len);
    for at in 0..len {
        for rare in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY] {
            let mut values = values.clone();
            values[at] = rare;
            // Opposite infinities make a sum NaN: a false alarm.
            values[(at + 4) % len] = f32::NEG_INFINITY;
            check(&values).unwrap_or_else(|error| panic!("{rare} at {at}: {error}"));
        }
    }
}

#[test]
fn under_windows() {
    for c in [1, 2, 3, 4, 8, 12, 17, 20] {
        for (kernel, stride, padding) in [(2, 2, 0), (3, 2, 1), (3, 2, 0), (3, 1, 1), (3, 1, 0), (5, 1, 2), (4, 3, 1)] {
            let mut spec = spec([1, 6, 9, c], [kernel, kernel]);
            (spec.stride_h, spec.stride_w) = (stride, stride);
            (spec.pad_top, spec.pad_left, spec.pad_bottom, spec.pad_right) = (padding, padding, padding, padding);
            let shape = Pool2dShape::new(&spec).unwrap();
            check_everywhere(shape.input.len(), |values| {
                let mut output = Guarded::new(shape.output.len());
                max_pool2d(&shape, values, output.body()).map_err(|error| error.to_string())?;
                compare(output.finish()?, &pool2d(PoolKind::Max, false, &shape, values), |_| 0.0)
                    .map_err(|error| format!("{kernel}x{kernel}, stride {stride}, {c} channels: {error}"))
            });
        }
    }
}

#[test]
fn in_whole_images_and_parts_of_them() {
    for c in [1, 2, 3, 4, 18] {
        let image = Image { n: 1, h: 5, w: 7, c };
        for (out_h, out_w) in [(1, 1), (5, 1), (2, 3)] {
            check_everywhere(image.len(), |values| {
                let mut output = Guarded::new(out_h * out_w * c);
                adaptive_pool2d(PoolKind::Max, &image, out_h, out_w, values, output.body())
                    .map_err(|error| error.to_string())?;
                compare(output.finish()?, &adaptive2d(PoolKind::Max, &image, out_h, out_w, values), |_| 0.0)
                    .map_err(|error| format!("{out_h}x{out_w}, {c} channels: {error}"))
            });
        }
    }
}

#[test]
fn planes_are_images_of_one_channel() {
    let mut spec = spec([2, 5, 70, 3], [3, 3]);
    (spec.stride_h, spec.stride_w, spec.pad_left) = (2, 2, 1);
    let shape = Pool2dShape::new(&spec).unwrap();
    let planes = planes(&shape);
    assert_eq!(planes.input, Image { n: 6, h: 5, w: 70, c: 1 });
    assert_eq!((planes.output.n, planes.output.c, planes.output.len()), (6, 1, shape.output.len()));
    assert!(is_wide(&shape) && is_wide(&planes));
    // A pool of planes is that of each plane by itself.
    let values = Rng::new(1).values(shape.input.len());
    let mut output = Guarded::new(shape.output.len());
    max_pool2d(&planes, &values, output.body()).unwrap();
    compare(output.finish().unwrap(), &pool2d(PoolKind::Max, false, &planes, &values), |_| 0.0).unwrap();
}
