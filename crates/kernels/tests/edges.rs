//! Sobel's magnitude against its definition in float64.

mod oracle;
use lenslet_kernels::edges::sobel_magnitude;
use lenslet_kernels::shape::{ErrorCode, Image};
use oracle::{Guarded, Rng, UNIT_ROUNDOFF, compare};

/// Differences of neighbours, the nearest pixel repeated beyond the border.
fn expected(image: &Image, input: &[f32]) -> Vec<f64> {
    let mut values = Vec::new();
    for n in 0..image.n {
        for y in 0..image.h as i64 {
            for x in 0..image.w as i64 {
                for c in 0..image.c {
                    let at = |dy: i64, dx: i64| {
                        let row = (y + dy).clamp(0, image.h as i64 - 1) as usize;
                        let column = (x + dx).clamp(0, image.w as i64 - 1) as usize;
                        f64::from(input[((n * image.h + row) * image.w + column) * image.c + c])
                    };
                    let weights = [(-1, 1.0), (0, 2.0), (1, 1.0)];
                    let across: f64 = weights.iter().map(|&(dy, weight)| weight * (at(dy, 1) - at(dy, -1))).sum();
                    let down: f64 = weights.iter().map(|&(dx, weight)| weight * (at(1, dx) - at(-1, dx))).sum();
                    values.push(across.hypot(down));
                }
            }
        }
    }
    values
}

#[test]
fn every_width_and_number_of_channels() {
    let mut rng = Rng::new(1);
    for w in (1..=14).chain([63, 64, 65]) {
        for h in [1, 2, 3, 5] {
            for c in [1, 2, 3, 4, 5, 8] {
                let image = Image { n: 2, h, w, c };
                let input = rng.values(image.len());
                let mut output = Guarded::new(image.len());
                sobel_magnitude(&image, Guarded::of(&input).body(), output.body()).unwrap();
                // Sums of eight numbers below 1, and their hypotenuse.
                let tolerance = 40.0 * UNIT_ROUNDOFF;
                compare(output.finish().unwrap(), &expected(&image, &input), |_| tolerance)
                    .unwrap_or_else(|error| panic!("{image:?}: {error}"));
            }
        }
    }
}

#[test]
fn a_slope_of_one_makes_eight() {
    let image = Image { n: 1, h: 6, w: 20, c: 1 };
    let input: Vec<f32> = (0..120).map(|i| (i % 20) as f32).collect();
    let mut output = vec![f32::NAN; 120];
    sobel_magnitude(&image, &input, &mut output).unwrap();
    for (i, &edge) in output.iter().enumerate() {
        assert_eq!(edge, if [0, 19].contains(&(i % 20)) { 4.0 } else { 8.0 });
    }
}

#[test]
fn nan_spreads_to_its_neighbours_alone() {
    let image = Image { n: 1, h: 7, w: 30, c: 3 };
    let mut input = vec![1.0; image.len()];
    input[(3 * 30 + 10) * 3 + 1] = f32::NAN;
    let mut output = vec![0.0; image.len()];
    sobel_magnitude(&image, &input, &mut output).unwrap();
    for (i, edge) in output.iter().enumerate() {
        let (y, x, c) = (i / 90, i / 3 % 30, i % 3);
        let is_neighbour = y.abs_diff(3) <= 1 && x.abs_diff(10) <= 1 && (y, x) != (3, 10) && c == 1;
        assert_eq!(edge.is_nan(), is_neighbour, "{y} {x} {c}");
    }
}

#[test]
fn wrong_sizes_are_errors() {
    let image = Image { n: 1, h: 2, w: 2, c: 1 };
    assert_eq!(sobel_magnitude(&image, &[0.0; 3], &mut [0.0; 4]).unwrap_err().argument, "input");
    assert_eq!(sobel_magnitude(&image, &[0.0; 4], &mut [0.0; 3]).unwrap_err().argument, "output");
    let empty = sobel_magnitude(&Image { h: 0, ..image }, &[], &mut []).unwrap_err();
    assert_eq!((empty.code, empty.argument), (ErrorCode::InvalidArgument, "input"));
}
