//! What detectors need.

use crate::call::{Call, output};
use lenslet_kernels::detect::{NonMaxSuppression, non_max_suppression as suppress};
use lenslet_kernels::shape::{SpecError, expect_len};

/// Inputs: boxes, scores. Outputs: rows of image, class and box; their number. Words: n, boxes, classes, most boxes a class,
/// IoU above which a box is dropped, score below which one is, 1 if that counts, 1 for boxes by their centres.
pub(crate) fn non_max_suppression(mut call: Call) -> Result<(), SpecError> {
    let [n, boxes, classes, max_per_class] = call.words.sizes(["n", "boxes", "classes", "maxPerClass"]);
    let [iou, score] = [call.words.float("iou"), call.words.float("score")];
    let [has_score, center] = [call.words.flag("hasScore"), call.words.flag("centerPointBox")];
    call.words.end()?;
    let score = has_score.then_some(score);
    let spec = NonMaxSuppression { n, boxes, classes, max_per_class, iou, score, center };
    let count = output(call.outputs, 1)?;
    expect_len("count", count.len(), 1)?;
    let found = suppress(&spec, call.inputs.get(0)?, call.inputs.get(1)?, output(call.outputs, 0)?)?;
    output(call.outputs, 1)?[0] = found as f32;
    Ok(())
}
