//! Tensors whose elements are read by steps: how slices, broadcasts and selections find theirs.

use crate::activation::fill_all;
use crate::layout::copy_short;

/// Axes of an output, outermost first, and the step along each in every one of `N` operands. Neighbours along which all
/// operands move as along one axis are one axis.
pub(crate) struct Walk<const N: usize> {
    axes: Vec<(usize, [isize; N])>,
}

impl<const N: usize> Walk<N> {
    /// The sizes of the output, and the steps of each axis.
    pub(crate) fn new(axes: impl Iterator<Item = (usize, [isize; N])>) -> Self {
        let mut merged: Vec<(usize, [isize; N])> = Vec::new();
        for (size, steps) in axes {
            match merged.last_mut() {
                _ if size == 1 => {}
                Some((last, last_steps)) if *last_steps == steps.map(|step| step * size as isize) => {
                    (*last, *last_steps) = (*last * size, steps);
                }
                _ => merged.push((size, steps)),
            }
        }
        Self { axes: merged }
    }

    /// Calls `f` for each run along the last axis: where the operands' elements begin and how far apart they are, and the
    /// run of the output.
    pub(crate) fn runs(
        &self,
        first: [usize; N],
        output: &mut [f32],
        mut f: impl FnMut([usize; N], [isize; N], &mut [f32]),
    ) {
        walk(&self.axes, first, output, &mut f);
    }
}

fn walk<const N: usize>(
    axes: &[(usize, [isize; N])],
    first: [usize; N],
    output: &mut [f32],
    f: &mut impl FnMut([usize; N], [isize; N], &mut [f32]),
) {
    match *axes {
        [] => f(first, [0; N], output),
        [(_, steps)] => f(first, steps, output),
        [(size, steps), ref rest @ ..] => {
            let mut at = first;
            for output in output.chunks_exact_mut(output.len() / size) {
                walk(rest, at, output, f);
                at = core::array::from_fn(|i| at[i].wrapping_add_signed(steps[i]));
            }
        }
    }
}

/// Row-major steps of a shape.
pub(crate) fn steps_of(shape: &[usize]) -> Vec<isize> {
    let mut steps = vec![1; shape.len()];
    for i in (1..shape.len()).rev() {
        steps[i - 1] = steps[i] * shape[i] as isize;
    }
    steps
}

/// Steps with which a tensor of `shape` repeats along axes where it has one element: `shape` has as many axes as the result.
pub(crate) fn broadcast_steps(shape: &[usize]) -> Vec<isize> {
    let steps = steps_of(shape);
    steps.into_iter().zip(shape).map(|(step, &size)| if size == 1 { 0 } else { step }).collect()
}

/// Copies the elements from `first` on that lie `step` apart.
pub(crate) fn copy_run(values: &[f32], first: usize, step: isize, to: &mut [f32]) {
    match step {
        1 => copy_short(&values[first..first + to.len()], to),
        0 => fill_all(to, values[first]),
        _ => {
            let mut at = first;
            for to in to {
                *to = values[at];
                at = at.wrapping_add_signed(step);
            }
        }
    }
}

/// A piece of such elements: where they lie if they lie together, else copied to `tile`.
pub(crate) fn piece<'a>(values: &'a [f32], first: usize, step: isize, tile: &'a mut [f32]) -> &'a [f32] {
    if step == 1 {
        return &values[first..first + tile.len()];
    }
    copy_run(values, first, step, tile);
    tile
}
