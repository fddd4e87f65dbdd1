//! What detectors need: the choice among boxes that overlap.

use crate::extremes::descending;
use crate::shape::{SpecError, checked_len, expect_len};

/// Sizes and thresholds of [`non_max_suppression`].
#[derive(Clone, Copy, Debug)]
pub struct NonMaxSuppression {
    /// Images.
    pub n: usize,
    /// Boxes of an image.
    pub boxes: usize,
    /// Classes that each box has a score for.
    pub classes: usize,
    /// Most boxes that are selected of a class of an image.
    pub max_per_class: usize,
    /// A box is dropped if it shares more than this part of the union with a box of a higher score.
    pub iou: f32,
    /// A box is dropped unless its score is above.
    pub score: Option<f32>,
    /// Boxes are centre x, centre y, width, height, not the y and x of two opposite corners.
    pub center: bool,
}

/// The boxes of each image and class that overlap none of a higher score, best first (ONNX's NonMaxSuppression). `boxes` is
/// `[n, boxes, 4]`, `scores` `[n, classes, boxes]`. Rows of image, class and box go to `selected`, as many as it has room for,
/// then zeros; their number is the result.
pub fn non_max_suppression(
    spec: &NonMaxSuppression,
    boxes: &[f32],
    scores: &[f32],
    selected: &mut [f32],
) -> Result<usize, SpecError> {
    let &NonMaxSuppression { n, boxes: count, classes, max_per_class, iou, score, center } = spec;
    expect_len("boxes", boxes.len(), checked_len("boxes", &[n, count, 4])?)?;
    expect_len("scores", scores.len(), checked_len("scores", &[n, classes, count])?)?;
    let (rows, rest) = selected.as_chunks_mut::<3>();
    if !rest.is_empty() {
        return Err(SpecError::mismatch("selected", "has rows that are not whole; expected three numbers each"));
    }
    rows.as_flattened_mut().fill(0.0);
    let mut rows = rows.iter_mut();
    let capacity = rows.len();
    for (image, (boxes, scores)) in boxes.chunks_exact(4 * count).zip(scores.chunks_exact(classes * count)).enumerate()
    {
        let areas: Vec<Area> = boxes.as_chunks().0.iter().map(|place| Area::new(*place, center)).collect();
        for (class, scores) in scores.chunks_exact(count).enumerate() {
            let mut kept: Vec<&Area> = Vec::new();
            for place in descending(scores, |x| score.is_none_or(|score| x > score)) {
                if kept.len() == max_per_class {
                    break;
                }
                let area = &areas[place];
                if kept.iter().any(|other| area.overlap(other) > iou) {
                    continue;
                }
                kept.push(area);
                let Some(row) = rows.next() else { return Ok(capacity) };
                *row = [image as f32, class as f32, place as f32];
            }
        }
    }
    Ok(capacity - rows.len())
}

/// A rectangle.
struct Area {
    low: [f32; 2],
    high: [f32; 2],
}

impl Area {
    fn new([a, b, c, d]: [f32; 4], center: bool) -> Self {
        let (first, second) =
            if center { ([a - c / 2.0, b - d / 2.0], [a + c / 2.0, b + d / 2.0]) } else { ([a, b], [c, d]) };
        Self {
            low: [first[0].min(second[0]), first[1].min(second[1])],
            high: [first[0].max(second[0]), first[1].max(second[1])],
        }
    }

    fn size(&self) -> f32 {
        (self.high[0] - self.low[0]) * (self.high[1] - self.low[1])
    }

    /// Intersection over union; 0 of two that are empty.
    fn overlap(&self, other: &Self) -> f32 {
        let side = |i: usize| (self.high[i].min(other.high[i]) - self.low[i].max(other.low[i])).max(0.0);
        let both = side(0) * side(1);
        let union = self.size() + other.size() - both;
        if union > 0.0 { both / union } else { 0.0 }
    }
}
