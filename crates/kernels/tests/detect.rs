//! The choice among overlapping boxes: ONNX's cases, and a naive version of it.

mod oracle;
use lenslet_kernels::detect::{NonMaxSuppression, non_max_suppression};
use oracle::Rng;
use oracle::random::random;
use proptest::prelude::*;

const SPEC: NonMaxSuppression =
    NonMaxSuppression { n: 1, boxes: 6, classes: 1, max_per_class: 3, iou: 0.5, score: Some(0.0), center: false };
const BOXES: [[f32; 4]; 6] = [
    [0.0, 0.0, 1.0, 1.0],
    [0.0, 0.1, 1.0, 1.1],
    [0.0, -0.1, 1.0, 0.9],
    [0.0, 10.0, 1.0, 11.0],
    [0.0, 10.1, 1.0, 11.1],
    [0.0, 100.0, 1.0, 101.0],
];
const SCORES: [f32; 6] = [0.9, 0.75, 0.6, 0.95, 0.5, 0.3];

fn run(spec: &NonMaxSuppression, boxes: &[f32], scores: &[f32], rows: usize) -> Vec<[usize; 3]> {
    let mut selected = vec![9.0; 3 * rows];
    let count = non_max_suppression(spec, boxes, scores, &mut selected).unwrap();
    let rows = selected.as_chunks::<3>().0;
    assert!(rows[count..].iter().all(|row| *row == [0.0; 3]));
    rows[..count].iter().map(|row| row.map(|x| x as usize)).collect()
}

#[test]
fn cases_of_onnx() {
    let boxes = BOXES.as_flattened();
    let places = |spec: &NonMaxSuppression, boxes: &[f32]| -> Vec<usize> {
        run(spec, boxes, &SCORES, 6).iter().map(|row| row[2]).collect()
    };
    assert_eq!(places(&SPEC, boxes), [3, 0, 5]);
    assert_eq!(places(&NonMaxSuppression { score: Some(0.4), ..SPEC }, boxes), [3, 0]);
    assert_eq!(places(&NonMaxSuppression { max_per_class: 2, ..SPEC }, boxes), [3, 0]);
    assert_eq!(places(&NonMaxSuppression { max_per_class: 0, ..SPEC }, boxes), [0usize; 0]);
    let flipped: Vec<f32> = BOXES.iter().flat_map(|&[a, b, c, d]| [c, b, a, d]).collect();
    assert_eq!(places(&SPEC, &flipped), [3, 0, 5]);
    let centers: Vec<f32> =
        BOXES.iter().flat_map(|&[y, x, y2, x2]| [(x + x2) / 2.0, (y + y2) / 2.0, x2 - x, y2 - y]).collect();
    assert_eq!(places(&NonMaxSuppression { center: true, ..SPEC }, &centers), [3, 0, 5]);
    let two = NonMaxSuppression { classes: 2, max_per_class: 2, ..SPEC };
    assert_eq!(run(&two, boxes, &[SCORES, SCORES].concat(), 6), [[0, 0, 3], [0, 0, 0], [0, 1, 3], [0, 1, 0]]);
    let images = NonMaxSuppression { n: 2, max_per_class: 2, ..SPEC };
    let rows = run(&images, &[boxes, boxes].concat(), &[SCORES, SCORES].concat(), 6);
    assert_eq!(rows, [[0, 0, 3], [0, 0, 0], [1, 0, 3], [1, 0, 0]]);
    // The same box again and again: one is left.
    let same = NonMaxSuppression { boxes: 10, ..SPEC };
    assert_eq!(run(&same, &[0.0, 0.0, 1.0, 1.0].repeat(10), &[0.9; 10], 10), [[0, 0, 0]]);
}

#[test]
fn what_does_not_fit_is_left_out() {
    assert_eq!(run(&SPEC, BOXES.as_flattened(), &SCORES, 2), [[0, 0, 3], [0, 0, 0]]);
}

#[test]
fn random_boxes() {
    random(1000, &(1..=3usize, 1..=40usize, 1..=3usize, any::<u64>()), |(n, count, classes, seed)| {
        let mut rng = Rng::new(seed);
        let boxes = rng.values_in(0.0, 4.0, n * count * 4);
        let scores: Vec<f32> = (0..n * classes * count).map(|_| rng.int(0, 20) as f32 / 20.0).collect();
        let score = if rng.one_in(2) { Some(0.3) } else { None };
        let spec = NonMaxSuppression {
            n,
            boxes: count,
            classes,
            max_per_class: rng.int(1, count),
            iou: 0.3,
            score,
            center: rng.one_in(2),
        };
        let corners = |image: usize, i: usize| -> [f64; 4] {
            let [a, b, c, d] = [0, 1, 2, 3].map(|k| f64::from(boxes[(image * count + i) * 4 + k]));
            let [a, b, c, d] =
                if spec.center { [a - c / 2.0, b - d / 2.0, a + c / 2.0, b + d / 2.0] } else { [a, b, c, d] };
            [a.min(c), b.min(d), a.max(c), b.max(d)]
        };
        let mut close = false;
        let mut expected = Vec::new();
        for image in 0..n {
            for class in 0..classes {
                let at = |i: usize| scores[(image * classes + class) * count + i];
                let mut order: Vec<usize> = (0..count).filter(|&i| score.is_none_or(|score| at(i) > score)).collect();
                order.sort_by(|&a, &b| at(b).total_cmp(&at(a)));
                let mut kept: Vec<usize> = Vec::new();
                for i in order {
                    let overlaps = kept.iter().any(|&other| {
                        let (x, y) = (corners(image, i), corners(image, other));
                        let side = |k: usize| (x[k + 2].min(y[k + 2]) - x[k].max(y[k])).max(0.0);
                        let both = side(0) * side(1);
                        let area = |z: [f64; 4]| (z[2] - z[0]) * (z[3] - z[1]);
                        let part = both / (area(x) + area(y) - both);
                        close |= (part - 0.3).abs() < 1e-5;
                        part > 0.3
                    });
                    if !overlaps && kept.len() < spec.max_per_class {
                        kept.push(i);
                    }
                }
                expected.extend(kept.iter().map(|&i| [image, class, i]));
            }
        }
        let found = run(&spec, &boxes, &scores, n * classes * count);
        if !close && found != expected {
            return Err(format!("{found:?}, expected {expected:?}"));
        }
        Ok(())
    });
}

#[test]
fn boxes_without_area_nan_and_wrong_lengths() {
    let spec = NonMaxSuppression { boxes: 3, max_per_class: 3, score: None, ..SPEC };
    assert_eq!(run(&spec, &[1.0; 12], &[0.1, 0.2, 0.3], 3).len(), 3, "empty boxes overlap nothing");
    assert_eq!(run(&spec, &[f32::NAN; 12], &[0.1, f32::NAN, 0.3], 3).len(), 3);
    let mut selected = [0.0; 9];
    assert!(non_max_suppression(&spec, &[0.0; 11], &[0.0; 3], &mut selected).is_err());
    assert!(non_max_suppression(&spec, &[0.0; 12], &[0.0; 4], &mut selected).is_err());
    assert!(non_max_suppression(&spec, &[0.0; 12], &[0.0; 3], &mut selected[1..]).is_err());
}
