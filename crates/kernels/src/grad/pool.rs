//! Gradients of pools: every window gives its output's gradient to the elements that made it.
//!
//! Where windows overlap, what they give is added in the order of the windows.

use crate::activation::{load_part, store_part};
use crate::memory::Workspace;
use crate::pool::{PoolKind, Positions, Taps, find_max};
use crate::shape::{Axis, Image, Pool2dShape, SpecError, expect_len};
use crate::simd::F32x4;

/// The gradient of a windowed pool with respect to its input, `[n, in_h, in_w, c]`.
///
/// A maximum's gradient goes to the first of equal maxima, in the window's row-major order, as in PyTorch. That of an L2 pool is
/// `x / y`, and 0 where `y` is; that of an L1 pool the sign of `x`. `input` is needed for all of them but the mean.
pub fn pool2d(
    kind: PoolKind,
    shape: &Pool2dShape,
    count_include_pad: bool,
    input: Option<&[f32]>,
    grad_output: &[f32],
    workspace: &mut Workspace,
    grad_input: &mut [f32],
) -> Result<(), SpecError> {
    let of_axis = |axis: &Axis| {
        let positions = Positions::new(axis, count_include_pad);
        move |position: usize| positions.taps(position)
    };
    let images = [&shape.input, &shape.output];
    run(kind, images, [&of_axis(&shape.h), &of_axis(&shape.w)], input, grad_output, workspace, grad_input)
}

/// The gradient of a global pool: `grad_output` is `[n, 1, 1, c]`.
pub fn global_pool2d(
    kind: PoolKind,
    image: &Image,
    input: Option<&[f32]>,
    grad_output: &[f32],
    workspace: &mut Workspace,
    grad_input: &mut [f32],
) -> Result<(), SpecError> {
    adaptive_pool2d(kind, image, 1, 1, input, grad_output, workspace, grad_input)
}

/// The gradient of an adaptive pool: `grad_output` is `[n, out_h, out_w, c]`.
#[allow(clippy::too_many_arguments)]
pub fn adaptive_pool2d(
    kind: PoolKind,
    image: &Image,
    out_h: usize,
    out_w: usize,
    input: Option<&[f32]>,
    grad_output: &[f32],
    workspace: &mut Workspace,
    grad_input: &mut [f32],
) -> Result<(), SpecError> {
    image.checked_len("input")?;
    let output = Image { h: out_h, w: out_w, ..*image };
    output.checked_len("output")?;
    // u64: the product of an index and a size needs up to 58 bits.
    let of_axis = |size: usize, windows: usize| {
        move |i: usize| {
            let [i, size, windows] = [i, size, windows].map(|n| n as u64);
            let first = i * size / windows;
            let len = (((i + 1) * size).div_ceil(windows) - first) as usize;
            Taps { first: first as usize, len, step: 1, count: len }
        }
    };
    let axes: [&dyn Fn(usize) -> Taps; 2] = [&of_axis(image.h, out_h), &of_axis(image.w, out_w)];
    run(kind, [image, &output], axes, input, grad_output, workspace, grad_input)
}

/// Window by window; `taps` tell what a window reads along each axis.
fn run(
    kind: PoolKind,
    [from, to]: [&Image; 2],
    taps: [&dyn Fn(usize) -> Taps; 2],
    input: Option<&[f32]>,
    grad_output: &[f32],
    workspace: &mut Workspace,
    grad_input: &mut [f32],
) -> Result<(), SpecError> {
    let input = match (kind, input) {
        (PoolKind::Avg, _) => None,
        (_, None) => return Err(SpecError::invalid("input", "is missing; only means have a gradient without it")),
        (_, input) => input,
    };
    expect_len("input", input.map_or(from.len(), <[f32]>::len), from.len())?;
    expect_len("gradOutput", grad_output.len(), to.len())?;
    expect_len("gradInput", grad_input.len(), from.len())?;
    let c = from.c;
    let (values, places) = workspace.get(2 * c)?.split_at_mut(c);
    grad_input.fill(0.0);
    let mut gradients = grad_output.chunks_exact(c);
    for (n, to_image) in grad_input.chunks_exact_mut(from.h * from.w * c).enumerate() {
        let image = input.map_or(&[][..], |input| &input[n * to_image.len()..][..to_image.len()]);
        for y in 0..to.h {
            let rows = taps[0](y);
            for (x, gradient) in (0..to.w).zip(gradients.by_ref()) {
                let window = Window { image: from, rows, columns: taps[1](x) };
                match kind {
                    PoolKind::Max => window.to_largest(image, gradient, values, places, to_image),
                    PoolKind::Avg => {
                        let share = 1.0 / (rows.count * window.columns.count).max(1) as f32;
                        let part = gradient.iter().map(|gradient| gradient * share);
                        values.iter_mut().zip(part).for_each(|(to, part)| *to = part);
                        window.for_each(|pixel| add(values, &mut to_image[pixel * c..][..c]));
                    }
                    PoolKind::L2 => window.in_proportion(image, gradient, values, to_image),
                    PoolKind::L1 => window.by_sign(image, gradient, to_image),
                }
            }
        }
    }
    Ok(())
}

/// What a window of an image reads.
struct Window<'a> {
    image: &'a Image,
    rows: Taps,
    columns: Taps,
}

impl Window<'_> {
    /// Calls `f` with every pixel under the window.
    fn for_each(&self, mut f: impl FnMut(usize)) {
        for i in 0..self.rows.len {
            for j in 0..self.columns.len {
                let row = self.rows.first + i * self.rows.step;
                f(row * self.image.w + self.columns.first + j * self.columns.step);
            }
        }
    }

    /// All of it to the first maximum.
    fn to_largest(&self, image: &[f32], gradient: &[f32], best: &mut [f32], places: &mut [f32], to: &mut [f32]) {
        let places: &mut [u32] = bytemuck::cast_slice_mut(places);
        find_max(self.image, image, self.rows, self.columns, best, places);
        for (c, (&pixel, gradient)) in places.iter().zip(gradient).enumerate() {
            // A window over nothing has no maximum.
            if let Some(to) = to.get_mut((pixel as usize).saturating_mul(self.image.c).saturating_add(c)) {
                *to += gradient;
            }
        }
    }

    /// All of it to each element, with its sign.
    fn by_sign(&self, image: &[f32], gradient: &[f32], to: &mut [f32]) {
        self.for_each(|pixel| {
            let here = pixel * self.image.c..(pixel + 1) * self.image.c;
            for ((x, gradient), to) in image[here.clone()].iter().zip(gradient).zip(&mut to[here]) {
                *to += if *x == 0.0 { 0.0 } else { gradient * x.signum() };
            }
        });
    }

    /// To each element as much as it is of the root of the sum of squares.
    fn in_proportion(&self, image: &[f32], gradient: &[f32], share: &mut [f32], to: &mut [f32]) {
        let c = self.image.c;
        share.fill(0.0);
        self.for_each(|pixel| add_products(&image[pixel * c..][..c], &image[pixel * c..][..c], share));
        for (share, gradient) in share.iter_mut().zip(gradient) {
            *share = if *share > 0.0 { gradient / share.sqrt() } else { 0.0 };
        }
        self.for_each(|pixel| add_products(&image[pixel * c..][..c], share, &mut to[pixel * c..][..c]));
    }
}

/// `to += a`
fn add(a: &[f32], to: &mut [f32]) {
    for (a, to) in a.chunks(4).zip(to.chunks_mut(4)) {
        store_part(load_part(a) + load_part(to), to);
    }
}

/// `to += a b`
pub(super) fn add_products(a: &[f32], b: &[f32], to: &mut [f32]) {
    let ((a, a_rest), (b, b_rest)) = (a.as_chunks::<4>(), b.as_chunks::<4>());
    let (to, rest) = to.as_chunks_mut::<4>();
    for ((a, b), to) in a.iter().zip(b).zip(to) {
        F32x4::load(a).mul_add(F32x4::load(b), F32x4::load(to)).store(to);
    }
    for ((a, b), to) in a_rest.iter().zip(b_rest).zip(rest) {
        *to += a * b;
    }
}
