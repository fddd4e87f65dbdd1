//! Gradients of pools: every window gives its output's gradient to the elements that made it.
//!
//! Where windows overlap, what they give is added in the order of the windows.

use crate::activation::{load_part, store_part};
use crate::memory::Workspace;
use crate::pool::{PoolKind, Positions, Taps};
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
    if let (PoolKind::Max, Some(input), true) = (kind, input, [&shape.h, &shape.w].into_iter().all(is_halving)) {
        return halves(shape, input, grad_output, grad_input);
    }
    let of_axis = |axis: &Axis| {
        let positions = Positions::new(axis, count_include_pad);
        move |position: usize| positions.taps(position)
    };
    let images = [&shape.input, &shape.output];
    run(kind, images, [&of_axis(&shape.h), &of_axis(&shape.w)], input, grad_output, workspace, grad_input)
}

/// Whether windows are pairs side by side, all of them whole: those of most pools.
fn is_halving(axis: &Axis) -> bool {
    let Axis { input, output, kernel, stride, dilation, pad_before, .. } = *axis;
    [kernel, stride, dilation, pad_before] == [2, 2, 1, 0] && 2 * output <= input
}

/// The gradient of the maxima of 2x2 pixels: no window shares an element with another, so that nothing is added. Three times as fast as
/// window by window (32 channels of 26x26 and 64 of 11x11, 64 images: 2.3 ms, not 7.5).
fn halves(shape: &Pool2dShape, input: &[f32], grad_output: &[f32], grad_input: &mut [f32]) -> Result<(), SpecError> {
    let (from, to) = (&shape.input, &shape.output);
    expect_len("input", input.len(), from.len())?;
    expect_len("gradOutput", grad_output.len(), to.len())?;
    expect_len("gradInput", grad_input.len(), from.len())?;
    let c = from.c;
    let (image, row) = (from.h * from.w * c, from.w * c);
    if [&shape.h, &shape.w].iter().any(|axis| 2 * axis.output < axis.input) {
        grad_input.fill(0.0); // a last row or column that no window sees
    }
    let images = input.chunks_exact(image).zip(grad_input.chunks_exact_mut(image));
    for ((x, dx), g) in images.zip(grad_output.chunks_exact(to.h * to.w * c)) {
        let rows = x.chunks_exact(2 * row).zip(dx.chunks_exact_mut(2 * row));
        for ((x, dx), g) in rows.zip(g.chunks_exact(to.w * c)) {
            let ((x0, x1), (dx0, dx1)) = (x.split_at(row), dx.split_at_mut(row));
            let above = x0.chunks_exact(2 * c).zip(dx0.chunks_exact_mut(2 * c));
            let below = x1.chunks_exact(2 * c).zip(dx1.chunks_exact_mut(2 * c));
            for (((x0, dx0), (x1, dx1)), g) in above.zip(below).zip(g.chunks_exact(c)) {
                to_largest_of_four(g, [x0, x1], [dx0, dx1]);
            }
        }
    }
    Ok(())
}

/// To the first maximum of four neighbours: two rows of two pixels.
#[inline(always)]
fn to_largest_of_four(g: &[f32], x: [&[f32]; 2], dx: [&mut [f32]; 2]) {
    let c = g.len();
    let [[x0, x1], [x2, x3]] = x.map(|row| <[_; 2]>::from(row.split_at(c)));
    let [[dx0, dx1], [dx2, dx3]] = dx.map(|row| <[_; 2]>::from(row.split_at_mut(c)));
    let (x, mut dx) = ([x0, x1, x2, x3], [dx0, dx1, dx2, dx3]);
    let [q0, q1, q2, q3] = x.map(|x| x.as_chunks::<4>().0);
    let [d0, d1, d2, d3] = dx.each_mut().map(|dx| dx.as_chunks_mut::<4>().0);
    let quads = q0.iter().zip(q1).zip(q2.iter().zip(q3));
    let to = d0.iter_mut().zip(d1).zip(d2.iter_mut().zip(d3));
    for ((g, ((x0, x1), (x2, x3))), ((d0, d1), (d2, d3))) in g.as_chunks::<4>().0.iter().zip(quads).zip(to) {
        let parts = shared_out(F32x4::load(g), [x0, x1, x2, x3].map(F32x4::load));
        parts.into_iter().zip([d0, d1, d2, d3]).for_each(|(part, to)| part.store(to));
    }
    if !c.is_multiple_of(4) {
        // The last few with some before them, once more: what they get does not depend on what is there.
        let last = c.saturating_sub(4);
        let parts = shared_out(load_part(&g[last..]), x.map(|x| load_part(&x[last..])));
        parts.into_iter().zip(dx).for_each(|(part, dx)| store_part(part, &mut dx[last..]));
    }
}

/// What each of four values gets of `g`: the first of the largest all of it. Of a NaN and a number, the first.
#[inline(always)]
fn shared_out(g: F32x4, x: [F32x4; 4]) -> [F32x4; 4] {
    let [rises_above, rises_below] = [x[0].lt(x[1]), x[2].lt(x[3])];
    let rises = x[0].pmax(x[1]).lt(x[2].pmax(x[3]));
    let (above, below) = (g.and_not(rises), g.and(rises));
    [above.and_not(rises_above), above.and(rises_above), below.and_not(rises_below), below.and(rises_below)]
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
    let values = workspace.get(c)?;
    grad_input.fill(0.0);
    let mut gradients = grad_output.chunks_exact(c);
    for (n, to_image) in grad_input.chunks_exact_mut(from.h * from.w * c).enumerate() {
        let image = input.map_or(&[][..], |input| &input[n * to_image.len()..][..to_image.len()]);
        for y in 0..to.h {
            let rows = taps[0](y);
            for (x, gradient) in (0..to.w).zip(gradients.by_ref()) {
                let window = Window { image: from, rows, columns: taps[1](x) };
                match kind {
                    PoolKind::Max => window.to_largest(image, gradient, to_image),
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
    #[inline(always)]
    fn for_each(&self, mut f: impl FnMut(usize)) {
        for i in 0..self.rows.len {
            for j in 0..self.columns.len {
                let row = self.rows.first + i * self.rows.step;
                f(row * self.image.w + self.columns.first + j * self.columns.step);
            }
        }
    }

    /// All of it to the first maximum: to the first element of the window if one is NaN.
    fn to_largest(&self, image: &[f32], gradient: &[f32], to: &mut [f32]) {
        // A window over nothing has no maximum.
        if self.rows.len * self.columns.len == 0 {
            return;
        }
        let (quads, rest) = gradient.as_chunks::<4>();
        for (i, gradient) in quads.iter().enumerate() {
            self.part_to_largest(4 * i, gradient, image, to);
        }
        if !rest.is_empty() {
            self.part_to_largest(4 * quads.len(), rest, image, to);
        }
    }

    /// [`Self::to_largest`] of up to four channels from `first` on.
    #[inline(always)]
    fn part_to_largest(&self, first: usize, gradient: &[f32], image: &[f32], to: &mut [f32]) {
        let channels = |pixel: usize| pixel * self.image.c + first..pixel * self.image.c + first + gradient.len();
        let mut best = F32x4::splat(f32::NEG_INFINITY);
        self.for_each(|pixel| best = best.max(load_part(&image[channels(pixel)])));
        let mut left = load_part(gradient);
        self.for_each(|pixel| {
            let is_smaller = load_part(&image[channels(pixel)]).lt(best);
            let to = &mut to[channels(pixel)];
            store_part(load_part(to) + is_smaller.select(F32x4::zero(), left), to);
            left = is_smaller.select(left, F32x4::zero());
        });
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
    let (a, a_rest) = a.as_chunks::<4>();
    let (to, rest) = to.as_chunks_mut::<4>();
    for (a, to) in a.iter().zip(to) {
        (F32x4::load(a) + F32x4::load(to)).store(to);
    }
    for (a, to) in a_rest.iter().zip(rest) {
        *to += a;
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
