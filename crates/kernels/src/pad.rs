//! Padding of tensors of any rank.

use crate::activation::fill_all;
use crate::elementwise::check_rank;
use crate::shape::{MAX_LEN, SpecError, checked_len, expect_len};

/// What stands beyond the borders.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PadMode {
    /// One value.
    Constant,
    /// The mirror image, the border element itself not repeated: `c b | a b c | b a` (numpy's and ONNX's "reflect").
    Reflect,
    /// The border element (numpy's and ONNX's "edge", PyTorch's "replicate").
    Edge,
    /// The tensor again: `b c | a b c | a b` (numpy's and ONNX's "wrap").
    Wrap,
}

impl PadMode {
    /// The mode of a number: 0 constant, 1 reflect, 2 edge, 3 wrap.
    pub fn from_code(code: u32) -> Result<Self, SpecError> {
        match code {
            0 => Ok(Self::Constant),
            1 => Ok(Self::Reflect),
            2 => Ok(Self::Edge),
            3 => Ok(Self::Wrap),
            _ => Err(SpecError::unknown_code("mode", code, 3)),
        }
    }
}

/// Adds `before[i]` elements before and `after[i]` behind axis `i` of a tensor with the sizes `shape`. `value` counts for
/// [`PadMode::Constant`] alone. A reflection must be narrower than the axis, as in PyTorch (numpy and ONNX Runtime reflect again and again).
pub fn pad(
    shape: &[usize],
    before: &[usize],
    after: &[usize],
    mode: PadMode,
    value: f32,
    input: &[f32],
    output: &mut [f32],
) -> Result<(), SpecError> {
    check_rank("shape", shape)?;
    expect_len("input", input.len(), checked_len("shape", shape)?)?;
    expect_len("before", before.len(), shape.len())?;
    expect_len("after", after.len(), shape.len())?;
    let mut axes = Vec::with_capacity(shape.len());
    for ((&size, &before), &after) in shape.iter().zip(before).zip(after) {
        let wider = before.max(after);
        if mode == PadMode::Reflect && wider >= size {
            let text = "is {} on an axis of {}; a reflection must be narrower than the axis";
            return Err(SpecError::invalid("padding", text).number(wider).number(size));
        }
        // Above MAX_LEN, checked_len refuses it.
        let padded = size.saturating_add(before).saturating_add(after).min(MAX_LEN + 1);
        axes.push(PaddedAxis { size, before, padded });
    }
    let out_shape: Vec<usize> = axes.iter().map(|axis| axis.padded).collect();
    expect_len("output", output.len(), checked_len("output", &out_shape)?)?;
    while axes.last().is_some_and(|axis| axis.size == axis.padded) {
        axes.pop(); // what is not padded at the end moves as one run
    }
    fill(&axes, mode, value, input, output);
    Ok(())
}

/// One axis: its size, what is added before it, and the size of all.
#[derive(Clone, Copy)]
pub(crate) struct PaddedAxis {
    pub(crate) size: usize,
    pub(crate) before: usize,
    pub(crate) padded: usize,
}

impl PadMode {
    /// Where border element `i` of a padded axis is copied from, in the padded axis too. A constant is not copied.
    pub(crate) fn source(self, axis: &PaddedAxis, i: usize) -> usize {
        let PaddedAxis { size, before, .. } = *axis;
        let end = before + size;
        match self {
            Self::Reflect if i < before => 2 * before - i,
            Self::Reflect => 2 * (end - 1) - i,
            // As many whole tensors are added as are needed to stay above zero.
            Self::Wrap => before + (i + size * before.div_ceil(size) - before) % size,
            _ => i.clamp(before, end - 1),
        }
    }
}

/// Fills the middle of the first axis from the input, then its ends from the middle.
fn fill(axes: &[PaddedAxis], mode: PadMode, value: f32, input: &[f32], output: &mut [f32]) {
    let [axis, rest @ ..] = axes else {
        return output.copy_from_slice(input);
    };
    let PaddedAxis { size, before, padded } = *axis;
    let step = output.len() / padded;
    let middle = &mut output[before * step..(before + size) * step];
    if rest.is_empty() {
        middle.copy_from_slice(input);
    } else {
        for (from, to) in input.chunks_exact(input.len() / size).zip(middle.chunks_exact_mut(step)) {
            fill(rest, mode, value, from, to);
        }
    }
    let end = before + size;
    if mode == PadMode::Constant {
        fill_all(&mut output[..before * step], value);
        fill_all(&mut output[end * step..], value);
        return;
    }
    for i in (0..before).chain(end..padded) {
        let source = mode.source(axis, i);
        output.copy_within(source * step..(source + 1) * step, i * step);
    }
}
