//! Resizing against ONNX's definitions, and rows that other runtimes give.

mod oracle;
use lenslet_kernels::resize::{Coordinates, Resize2d, ResizeMode, Rounding, Sampling};
use lenslet_kernels::shape::{ErrorCode, Image};
use oracle::random::random;
use oracle::{Guarded, Rng, UNIT_ROUNDOFF, compare, max_abs};
use proptest::prelude::*;

const COORDINATES: [Coordinates; 5] = [
    Coordinates::HalfPixel,
    Coordinates::AlignCorners,
    Coordinates::Asymmetric,
    Coordinates::PytorchHalfPixel,
    Coordinates::HalfPixelSymmetric,
];
const ROUNDINGS: [Rounding; 4] = [Rounding::PreferFloor, Rounding::PreferCeil, Rounding::Floor, Rounding::Ceil];

/// ONNX's formulas in float64 (onnx/reference/ops/op_resize.py).
fn place(sampling: &Sampling, axis: usize, i: usize, input: usize, output: usize) -> f64 {
    let (i, input, output) = (i as f64, input as f64, output as f64);
    let scale = sampling.scales.map_or(output / input, |scales| f64::from(scales[axis]));
    let half = match sampling.scales {
        // A fraction that is whole or half way is so here, too.
        None => (i + 0.5) * input / output - 0.5,
        Some(_) => f64::from((i as f32 + 0.5) / scale as f32) - 0.5,
    };
    match sampling.coordinates {
        Coordinates::PytorchHalfPixel if output == 1.0 => 0.0,
        Coordinates::HalfPixel | Coordinates::PytorchHalfPixel => half,
        Coordinates::HalfPixelSymmetric if sampling.scales.is_none() => half,
        Coordinates::HalfPixelSymmetric => input / 2.0 * (1.0 - output / (scale * input)) + half,
        Coordinates::AlignCorners if sampling.scales.is_none() && output == 1.0 => 0.0,
        Coordinates::AlignCorners if sampling.scales.is_none() => i * (input - 1.0) / (output - 1.0),
        Coordinates::AlignCorners if scale * input == 1.0 => 0.0,
        Coordinates::AlignCorners => i * (input - 1.0) / (scale * input - 1.0),
        Coordinates::Asymmetric if sampling.scales.is_none() => i * input / output,
        Coordinates::Asymmetric => f64::from(i as f32 / scale as f32),
    }
}

/// Elements and weights of one output element: as many neighbours on either side, the border repeated.
fn taps(sampling: &Sampling, axis: usize, i: usize, input: usize, output: usize) -> Vec<(usize, f64)> {
    let x = place(sampling, axis, i, input, output);
    let last = input as i64 - 1;
    if sampling.mode == ResizeMode::Nearest {
        let index = match sampling.rounding {
            Rounding::PreferFloor if x - x.floor() == 0.5 => x.floor(),
            Rounding::PreferCeil if x - x.floor() == 0.5 => x.ceil(),
            Rounding::PreferFloor | Rounding::PreferCeil => x.round(),
            Rounding::Floor => x.floor(),
            Rounding::Ceil => x.ceil(),
        };
        return vec![((index as i64).clamp(0, last) as usize, 1.0)];
    }
    let a = f64::from(sampling.cubic_coeff_a);
    let scale = sampling.scales.map_or(output as f64 / input as f64, |scales| f64::from(scales[axis]));
    let stretch = if sampling.antialias { scale.min(1.0) } else { 1.0 };
    let reach = if sampling.mode == ResizeMode::Linear { 1.0 } else { 2.0 };
    let side = (reach / stretch).ceil() as i64;
    let left = x.ceil() as i64 - 1;
    let mut taps: Vec<(i64, f64)> = (left - side + 1..=left + side)
        .map(|index| {
            let d = (index as f64 - x).abs() * stretch;
            let weight = match sampling.mode {
                ResizeMode::Linear => (1.0 - d).max(0.0),
                _ if d <= 1.0 => (a + 2.0) * d.powi(3) - (a + 3.0) * d.powi(2) + 1.0,
                _ if d < 2.0 => a * d.powi(3) - 5.0 * a * d.powi(2) + 8.0 * a * d - 4.0 * a,
                _ => 0.0,
            };
            (index, weight)
        })
        .collect();
    if sampling.exclude_outside {
        taps.retain(|(index, _)| (0..=last).contains(index));
    }
    let sum: f64 = taps.iter().map(|tap| tap.1).sum();
    taps.into_iter().map(|(index, weight)| (index.clamp(0, last) as usize, weight / sum)).collect()
}

fn expected(image: &Image, h: usize, w: usize, sampling: &Sampling, values: &[f32]) -> Vec<f64> {
    let mut result = Vec::new();
    for n in 0..image.n {
        for y in 0..h {
            for x in 0..w {
                for c in 0..image.c {
                    let mut sum = 0.0;
                    for (row, weight) in taps(sampling, 0, y, image.h, h) {
                        for (column, more) in taps(sampling, 1, x, image.w, w) {
                            let at = ((n * image.h + row) * image.w + column) * image.c + c;
                            sum += weight * more * f64::from(values[at]);
                        }
                    }
                    result.push(sum);
                }
            }
        }
    }
    result
}

fn check(image: Image, h: usize, w: usize, sampling: Sampling, values: &[f32]) -> Result<(), String> {
    let resize = Resize2d::with_sampling(image, h, w, sampling).map_err(|e| e.to_string())?;
    let mut output = Guarded::new(image.n * h * w * image.c);
    resize.run(Guarded::of(values).body(), output.body()).map_err(|e| e.to_string())?;
    // Taps of an axis, whose weights may have either sign and are rounded; their sums of magnitudes stay below 2.
    let most = |input: usize, output: usize| 4.0 * (input as f64 / output as f64).max(1.0) + 2.0;
    let terms = most(image.h, h) + most(image.w, w);
    let tolerance =
        if sampling.mode == ResizeMode::Nearest { 0.0 } else { 4.0 * UNIT_ROUNDOFF * terms * max_abs(values) };
    compare(output.finish()?, &expected(&image, h, w, &sampling, values), |_| tolerance)
        .map_err(|e| format!("{sampling:?} {image:?} to {h}x{w}: {e}"))
}

fn samplings() -> impl Iterator<Item = Sampling> {
    COORDINATES.into_iter().flat_map(|coordinates| {
        let nearest =
            ROUNDINGS.map(|rounding| Sampling { rounding, ..Sampling::new(ResizeMode::Nearest, coordinates) });
        let filtered = [ResizeMode::Linear, ResizeMode::Cubic].into_iter().flat_map(move |mode| {
            [(false, false), (false, true), (true, false), (true, true)].map(move |(antialias, exclude_outside)| {
                let cubic_coeff_a = if antialias { -0.5 } else { -0.75 };
                Sampling { antialias, exclude_outside, cubic_coeff_a, ..Sampling::new(mode, coordinates) }
            })
        });
        nearest.into_iter().chain(filtered)
    })
}

#[test]
fn random_resizes() {
    let cases = (1..=2usize, 1..=12usize, 1..=12usize, 1..=9usize, 1..=25usize, 1..=25usize, any::<u64>());
    random(300, &cases, |(n, h, w, c, out_h, out_w, seed)| {
        let image = Image { n, h, w, c };
        let values = Rng::new(seed).values(image.len());
        samplings().try_for_each(|sampling| check(image, out_h, out_w, sampling, &values))
    });
}

#[test]
fn random_scales() {
    let scale = || prop_oneof![0.3f32..4.0, Just(0.6), Just(2.0), Just(0.5), Just(1.5), Just(0.8)];
    let cases = (1..=20usize, 1..=20usize, 1..=5usize, scale(), scale(), any::<u64>());
    random(300, &cases, |(h, w, c, scale_h, scale_w, seed)| {
        let image = Image { n: 1, h, w, c };
        let values = Rng::new(seed).values(image.len());
        let (out_h, out_w) = ((h as f32 * scale_h) as usize, (w as f32 * scale_w) as usize);
        if out_h == 0 || out_w == 0 {
            return Ok(());
        }
        samplings().try_for_each(|sampling| {
            check(image, out_h, out_w, Sampling { scales: Some([scale_h, scale_w]), ..sampling }, &values)
        })
    });
}

#[test]
fn wide_rows() {
    // Whole vectors, every remainder, and the halving of one channel.
    let mut rng = Rng::new(5);
    for w in 30..38 {
        for out_w in [w / 2, w / 3, w - 1, w + 1, 2 * w, 3 * w - 1] {
            for c in [1, 3, 4, 6] {
                let image = Image { n: 1, h: 6, w, c };
                let values = rng.values(image.len());
                for sampling in samplings() {
                    check(image, 3, out_w, sampling, &values).unwrap();
                }
            }
        }
    }
}

fn row(input: &[f32], out_w: usize, sampling: Sampling) -> Vec<f32> {
    let image = Image { n: 1, h: 1, w: input.len(), c: 1 };
    let mut output = vec![f32::NAN; out_w];
    Resize2d::with_sampling(image, 1, out_w, sampling).unwrap().run(input, &mut output).unwrap();
    output
}

#[test]
fn known_rows() {
    use {Coordinates::*, ResizeMode::*};
    let resize = |input: &[f32], out_w, mode, coordinates| row(input, out_w, Sampling::new(mode, coordinates));
    let four = [1.0, 2.0, 3.0, 4.0];
    // PyTorch: F.interpolate(x, scale_factor=2, mode="linear", align_corners=False)
    assert_eq!(resize(&four, 8, Linear, HalfPixel), [1.0, 1.25, 1.75, 2.25, 2.75, 3.25, 3.75, 4.0]);
    assert_eq!(resize(&four, 7, Linear, AlignCorners), [1.0, 1.5, 2.0, 2.5, 3.0, 3.5, 4.0]);
    assert_eq!(resize(&four, 8, Linear, Asymmetric), [1.0, 1.5, 2.0, 2.5, 3.0, 3.5, 4.0, 4.0]);
    assert_eq!(resize(&four, 2, Nearest, Asymmetric), [1.0, 3.0]);
    // Half way between 1 and 2, and 3 and 4: the lower.
    assert_eq!(resize(&four, 2, Nearest, HalfPixel), [1.0, 3.0]);
    assert_eq!(resize(&four, 3, Nearest, AlignCorners), [1.0, 2.0, 4.0]);
    assert_eq!(resize(&four, 1, Linear, AlignCorners), [1.0]);
    assert_eq!(resize(&four, 1, Linear, HalfPixel), [2.5]);
    assert_eq!(resize(&four, 1, Linear, PytorchHalfPixel), [1.0]);
    assert_eq!(resize(&[5.0], 3, Linear, HalfPixel), [5.0; 3]);
    let rounded = |rounding| row(&four, 2, Sampling { rounding, ..Sampling::new(Nearest, HalfPixel) });
    assert_eq!(rounded(Rounding::PreferCeil), [2.0, 4.0]);
    assert_eq!((rounded(Rounding::Floor), rounded(Rounding::Ceil)), (vec![1.0, 3.0], vec![2.0, 4.0]));
    // The first row of ONNX's example resize_upsample_scales_cubic: 1 to 16, 4x4 to 8x8.
    let image = Image { n: 1, h: 4, w: 4, c: 1 };
    let mut cubic = [f32::NAN; 64];
    let sixteen: Vec<f32> = (1..=16u8).map(f32::from).collect();
    Resize2d::new(image, 8, 8, Cubic, HalfPixel).unwrap().run(&sixteen, &mut cubic).unwrap();
    assert_eq!(cubic[..8], [121.0, 197.0, 319.0, 480.0, 584.0, 745.0, 867.0, 943.0].map(|y: f32| y / 256.0));
    // As Pillow: the triangle of width 4 around 2.5 weighs the elements 1 to 3 by 1, 3 and 3, of 7 for want of a fifth.
    let pillow = Sampling { antialias: true, exclude_outside: true, ..Sampling::new(Linear, HalfPixel) };
    let shrunk = row(&[0.0, 0.0, 0.0, 7.0], 2, pillow);
    assert_eq!(shrunk[0], 0.0);
    assert!((shrunk[1] - 3.0).abs() < 1e-6, "{shrunk:?}");
}

#[test]
fn what_is_not_used_may_be_infinite() {
    let odd = [f32::INFINITY, f32::MAX, f32::NEG_INFINITY, 1.0, f32::NAN, 3.0];
    for sampling in samplings() {
        // The same size is a copy, whatever the values.
        let same = row(&odd, 6, sampling).into_iter().map(f32::to_bits);
        assert!(same.eq(odd.map(f32::to_bits)), "{sampling:?}");
    }
    let linear = Sampling::new(ResizeMode::Linear, Coordinates::AlignCorners);
    assert_eq!(row(&[1.0, f32::INFINITY, 3.0], 2, linear), [1.0, 3.0]);
}

#[test]
fn a_filter_against_aliases_counts_every_element() {
    for mode in [ResizeMode::Linear, ResizeMode::Cubic] {
        let sampling = Sampling { antialias: true, ..Sampling::new(mode, Coordinates::HalfPixel) };
        for i in 0..50 {
            let mut input = [0.0; 50];
            input[i] = 1.0;
            assert!(row(&input, 7, sampling).iter().any(|&y| y != 0.0), "{mode:?} element {i}");
            let plain = row(&input, 7, Sampling { antialias: false, ..sampling });
            assert!(plain.iter().filter(|&&y| y != 0.0).count() <= 1);
        }
    }
}

#[test]
fn resizes_refuse_what_cannot_be() {
    let image = Image { n: 1, h: 2, w: 2, c: 1 };
    let new = |image, h, w| Resize2d::new(image, h, w, ResizeMode::Linear, Coordinates::HalfPixel);
    assert_eq!(new(image, 0, 1).unwrap_err().argument, "output");
    assert_eq!(new(image, usize::MAX, 2).unwrap_err().code, ErrorCode::TooLarge);
    assert_eq!(new(image, 1 << 29, 1).unwrap_err().code, ErrorCode::TooLarge);
    assert_eq!(new(Image { c: 0, ..image }, 1, 1).unwrap_err().argument, "input");
    let resize = new(image, 1, 1).unwrap();
    assert_eq!(resize.output().len(), 1);
    assert!(resize.run(&[0.0; 3], &mut [0.0]).is_err());
    assert!(resize.run(&[0.0; 4], &mut []).is_err());
    assert!(ResizeMode::from_code(3).is_err() && Coordinates::from_code(5).is_err() && Rounding::from_code(4).is_err());
    let usual = Sampling::new(ResizeMode::Cubic, Coordinates::HalfPixel);
    let with = |sampling| Resize2d::with_sampling(image, 4, 4, sampling).map_err(|error| error.argument);
    assert_eq!(with(Sampling { cubic_coeff_a: f32::NAN, ..usual }), Err("cubicCoeffA"));
    for scale in [0.0, 1.0, -2.0, 1e30, f32::NAN] {
        assert_eq!(with(Sampling { scales: Some([2.0, scale]), ..usual }), Err("scale"), "{scale}");
    }
    assert!(with(Sampling { scales: Some([2.0, 2.4]), ..usual }).is_ok());
}
