//! Pixels to numbers and back.

mod oracle;
use lenslet_kernels::image::{Color, PixelRange, grey, pixels_to_tensor, tensor_to_pixels};
use lenslet_kernels::shape::{Image, Layout};
use oracle::{Guarded, Rng};

#[test]
fn pixels_become_numbers() {
    let rgba = [255, 0, 0, 7, 0, 255, 0, 8, 0, 0, 255, 9, 255, 255, 255, 10];
    let numbers = |color: Color, range: PixelRange| {
        let mut output = vec![f32::NAN; 4 * color.channels()];
        pixels_to_tensor(&rgba, color, &range, &mut output).unwrap();
        output
    };
    let grey = numbers(Color::Grey, PixelRange::up_to(255.0));
    for (y, expected) in grey.iter().zip([0.299 * 255.0, 0.587 * 255.0, 0.114 * 255.0, 255.0]) {
        assert!((y - expected).abs() < 1e-4, "{y} {expected}");
    }
    let rgb = numbers(Color::Rgb, PixelRange::up_to(1.0));
    assert_eq!(rgb, [1.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 1.0, 1.0, 1.0, 1.0]);
    let range = PixelRange { range_scale: 1.0, mean: [5.0, 0.0, 0.0, 1.0], deviation: [2.0, 1.0, 1.0, 3.0] };
    let rgba = numbers(Color::Rgba, range);
    assert_eq!(rgba[..8], [125.0, 0.0, 0.0, 2.0, -2.5, 255.0, 0.0, 7.0 / 3.0]);
}

#[test]
fn every_byte_survives_the_way_there_and_back() {
    let bytes: Vec<u8> = (0..=255u8).flat_map(|p| [p, 255 - p, p ^ 0x55, p.wrapping_mul(7)]).collect();
    let imagenet = PixelRange {
        range_scale: 1.0 / 255.0,
        mean: [0.485, 0.456, 0.406, 0.0],
        deviation: [0.229, 0.224, 0.225, 1.0],
    };
    for range in [PixelRange::up_to(1.0), PixelRange::up_to(255.0), PixelRange::up_to(-2.0), imagenet] {
        for color in [Color::Rgba, Color::Rgb] {
            let mut numbers = vec![f32::NAN; 256 * color.channels()];
            pixels_to_tensor(&bytes, color, &range, &mut numbers).unwrap();
            let mut back = vec![1; bytes.len()];
            tensor_to_pixels(&numbers, color, &range, &mut back).unwrap();
            for (from, to) in bytes.chunks(4).zip(back.chunks(4)) {
                assert_eq!(from[..3], to[..3]);
                assert_eq!(to[3], if color == Color::Rgb { 255 } else { from[3] });
            }
        }
    }
}

#[test]
fn numbers_become_bytes_by_clamping_and_rounding() {
    let values = [-1.0, 0.49999997, 0.5, 1.5, 254.49, 254.5, 300.0, 1e30, f32::NAN, f32::INFINITY, f32::NEG_INFINITY];
    let expected = [0, 0, 1, 2, 254, 255, 255, 255, 0, 255, 0];
    let mut rgba = vec![1; 4 * values.len()];
    tensor_to_pixels(&values, Color::Grey, &PixelRange::up_to(255.0), &mut rgba).unwrap();
    for (pixel, expected) in rgba.chunks(4).zip(expected) {
        assert_eq!(pixel, [expected, expected, expected, 255]);
    }
}

/// The definitions, a number at a time.
fn number(range: &PixelRange, channel: usize, p: f32) -> f32 {
    (p * range.range_scale - range.mean[channel]) / range.deviation[channel]
}

fn byte(range: &PixelRange, channel: usize, value: f32) -> u8 {
    let p = (value * range.deviation[channel] + range.mean[channel]) * (1.0 / range.range_scale);
    let floor = p as u8; // saturates
    floor.saturating_add(u8::from(p - f32::from(floor) >= 0.5))
}

#[test]
fn every_number_of_pixels_in_every_range_bit_by_bit() {
    let mut rng = Rng::new(11);
    let plain = PixelRange::up_to(255.0);
    let ranges = [
        plain,
        PixelRange::up_to(1.0),
        PixelRange { mean: [0.4, 0.5, 0.6, 0.7], deviation: [0.25, 0.3, 0.2, 2.0], ..PixelRange::up_to(1.0) },
        PixelRange { mean: [3.0, 2.0, 1.0, 0.5], deviation: [255.0; 4], ..plain },
    ];
    for pixels in (1..=13).chain([64, 99]) {
        for color in [Color::Grey, Color::Rgb, Color::Rgba] {
            for range in &ranges {
                let c = color.channels();
                let rgba: Vec<u8> = (0..4 * pixels).map(|_| rng.int(0, 255) as u8).collect();
                let mut output = Guarded::new(pixels * c);
                pixels_to_tensor(&rgba, color, range, output.body()).unwrap();
                let expected = rgba.chunks(4).flat_map(|pixel| {
                    let [r, g, b, a] = [0, 1, 2, 3].map(|i| f32::from(pixel[i]));
                    let numbers = if c == 1 { [0.299 * r + 0.587 * g + 0.114 * b; 4] } else { [r, g, b, a] };
                    (0..c).map(move |channel| number(range, channel, numbers[channel]))
                });
                assert_eq!(output.finish().unwrap(), expected.collect::<Vec<_>>(), "{color:?} {range:?} {pixels}");

                let mut values = rng.values_in(-0.1, 1.1, pixels * c);
                for value in &mut values {
                    let p = *value * 255.0;
                    // Half way between bytes now and then, and what is no number.
                    *value = rng.pick(&[p, p, p.floor() + 0.5, p * 1e9, f32::NAN, f32::INFINITY]) * range.range_scale;
                }
                let mut back = vec![7; 4 * pixels];
                tensor_to_pixels(&values, color, range, &mut back).unwrap();
                let expected = values.chunks(c).flat_map(|numbers| match *numbers {
                    [grey] => [byte(range, 0, grey), byte(range, 0, grey), byte(range, 0, grey), 255],
                    [r, g, b] => [byte(range, 0, r), byte(range, 1, g), byte(range, 2, b), 255],
                    [r, g, b, a] => [byte(range, 0, r), byte(range, 1, g), byte(range, 2, b), byte(range, 3, a)],
                    _ => unreachable!(),
                });
                assert_eq!(back, expected.collect::<Vec<_>>(), "{color:?} {range:?} {pixels}");
            }
        }
    }
}

#[test]
fn grey_of_any_size_in_both_layouts() {
    let mut rng = Rng::new(12);
    for pixels in (1..=13).chain([64, 99]) {
        for c in [3, 4] {
            for layout in [Layout::Nhwc, Layout::Nchw] {
                let image = Image { n: 2, h: 1, w: pixels, c };
                let input = rng.values(image.len());
                let mut output = Guarded::new(2 * pixels);
                grey(&image, layout, Guarded::of(&input).body(), output.body()).unwrap();
                let at = |i: usize, channel: usize| match layout {
                    Layout::Nhwc => input[i * c + channel],
                    Layout::Nchw => input[(i / pixels * c + channel) * pixels + i % pixels],
                };
                let expected = (0..2 * pixels).map(|i| 0.299 * at(i, 0) + 0.587 * at(i, 1) + 0.114 * at(i, 2));
                assert_eq!(output.finish().unwrap(), expected.collect::<Vec<f32>>(), "{image:?} {layout:?}");
            }
        }
    }
    let image = Image { n: 1, h: 1, w: 1, c: 2 };
    assert_eq!(grey(&image, Layout::Nhwc, &[0.0; 2], &mut [0.0]).unwrap_err().argument, "input");
    assert_eq!(grey(&Image { c: 3, ..image }, Layout::Nhwc, &[0.0; 2], &mut [0.0]).unwrap_err().argument, "input");
    assert_eq!(grey(&Image { c: 3, ..image }, Layout::Nhwc, &[0.0; 3], &mut []).unwrap_err().argument, "output");
}

#[test]
fn pixels_refuse_what_is_wrong() {
    let range = PixelRange::up_to(1.0);
    let mut floats = [0.0; 3];
    assert_eq!(pixels_to_tensor(&[0; 5], Color::Rgb, &range, &mut floats).unwrap_err().argument, "pixels");
    assert_eq!(pixels_to_tensor(&[0; 8], Color::Rgb, &range, &mut floats).unwrap_err().argument, "output");
    assert_eq!(tensor_to_pixels(&floats, Color::Rgb, &range, &mut [0; 8]).unwrap_err().argument, "input");
    assert_eq!(tensor_to_pixels(&floats, Color::Rgb, &range, &mut [0; 3]).unwrap_err().argument, "pixels");
    for (bad, argument) in [
        (PixelRange { range_scale: 0.0, ..range }, "range"),
        (PixelRange { range_scale: f32::NAN, ..range }, "range"),
        (PixelRange { mean: [f32::NAN; 4], ..range }, "mean"),
        (PixelRange { deviation: [0.0; 4], ..range }, "std"),
    ] {
        assert_eq!(pixels_to_tensor(&[0; 4], Color::Rgb, &bad, &mut floats).unwrap_err().argument, argument);
        assert_eq!(tensor_to_pixels(&floats, Color::Rgb, &bad, &mut [0; 4]).unwrap_err().argument, argument);
    }
    assert!(Color::from_code(3).is_err());
}
