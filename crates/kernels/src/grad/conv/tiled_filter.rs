//! The input's gradient by Winograd's tiles, of the plane or along rows, of a filter that serves once: of many channels, the filter of some inputs' is transformed
//! at a time, and used while the cache still has it.

use crate::conv::winograd_transform::{POINTS, SPAN};
use crate::conv::{Conv2d, FilterWindows, Strategy};
use crate::gemm::NR;
use crate::memory::{Buffer, Workspace};
use crate::shape::SpecError;

/// Most floats of a transformed filter that is used at once: 4 MiB.
const MAX_PACKED: usize = 1 << 20;

/// The gradient of the input: `conv` is the convolution of the output's gradient by the windows, turned around, by
/// [`Strategy::Winograd`] or [`Strategy::WinogradRows`].
pub(super) fn run(
    conv: &Conv2d,
    windows: &FilterWindows<'_>,
    grad_output: &[f32],
    workspace: &mut Workspace,
    grad_input: &mut [f32],
) -> Result<(), SpecError> {
    let n = conv.shape.output.c;
    let points = if conv.strategy() == Strategy::Winograd { POINTS } else { SPAN * conv.shape.h.kernel };
    let most = (MAX_PACKED / points / conv.shape.input.c).max(NR);
    if n <= most {
        return conv.run(grad_output, &conv.pack_windows(windows)?, None, None, workspace, grad_input);
    }
    let size = n.div_ceil(n.div_ceil(most)).next_multiple_of(NR);
    let mut result = Buffer::zeroed(conv.shape.output.len() / n * size)?;
    for first in (0..n).step_by(size) {
        let columns = first..n.min(first + size);
        let mut part = *conv;
        part.shape.output.c = columns.len();
        let windows = FilterWindows { filter: &windows.filter[first * windows.n_step..], ..*windows };
        let result = &mut result.as_mut_slice()[..part.shape.output.len()];
        part.run(grad_output, &part.pack_windows(&windows)?, None, None, workspace, result)?;
        for (from, to) in result.chunks_exact(columns.len()).zip(grad_input.chunks_exact_mut(n)) {
            to[columns.clone()].copy_from_slice(from);
        }
    }
    Ok(())
}
