//! Pools whose windows follow from the sizes: one window over everything, or a given number of them.

use super::PoolKind;
use super::direct::{self, Taps};
use super::reduce::{Max, Mean, Norm, Reduce};
use crate::memory::Buffer;
use crate::shape::{Image, SpecError, expect_len};
use crate::simd::F32x4;

/// Pixels that are summed in registers before they join the total: memory is read once and in order for any number of channels,
/// and rounding errors grow with the number of blocks instead of that of pixels.
const BLOCK: usize = 32;

/// One result per image and channel: `output` is `[n, 1, 1, c]`.
pub fn global_pool2d(kind: PoolKind, image: &Image, input: &[f32], output: &mut [f32]) -> Result<(), SpecError> {
    expect_len("input", input.len(), image.checked_len("input")?)?;
    expect_len("output", output.len(), image.n * image.c)?;
    match kind {
        PoolKind::Max => global::<Max>(image, input, output),
        PoolKind::Avg => global::<Mean>(image, input, output),
        PoolKind::L2 => global::<Norm>(image, input, output),
    }
}

fn global<R: Reduce>(image: &Image, input: &[f32], output: &mut [f32]) -> Result<(), SpecError> {
    let (c, pixels) = (image.c, image.h * image.w);
    let count = F32x4::splat(pixels as f32);
    let images = input.chunks_exact(pixels * c).zip(output.chunks_exact_mut(c));
    if c < 4 {
        for (from, to) in images {
            few_channels::<R>(c, from, count, to);
        }
        return Ok(());
    }
    // Kept as values between blocks; channels in groups of 16, the last ones in groups of four.
    let mut totals = Buffer::zeroed(c.next_multiple_of(4))?;
    for (from, to) in images {
        let totals = totals.as_mut_slice();
        for (i, block) in from.chunks(BLOCK * c).enumerate() {
            let mut channel = 0;
            while c - channel >= 16 {
                join::<R, 4>(block, c, channel, i == 0, &mut totals[channel..]);
                channel += 16;
            }
            while channel < c {
                // The last vector may hold channels of the one before, too.
                join::<R, 1>(block, c, channel.min(c - 4), i == 0, &mut totals[channel..]);
                channel += 4;
            }
        }
        for (i, total) in totals.as_chunks::<4>().0.iter().enumerate() {
            if let Some(to) = to[(4 * i).min(c - 4)..].first_chunk_mut() {
                R::finish(F32x4::load(total), count).store(to);
            }
        }
    }
    Ok(())
}

/// Adds `4 V` channels of a block of pixels to their totals.
#[inline(always)]
fn join<R: Reduce, const V: usize>(block: &[f32], c: usize, channel: usize, first: bool, totals: &mut [f32]) {
    let mut acc = [R::start(); V];
    for pixel in block.chunks_exact(c) {
        for (acc, x) in acc.iter_mut().zip(pixel[channel..channel + 4 * V].as_chunks::<4>().0) {
            *acc = R::add(*acc, F32x4::load(x));
        }
    }
    for (acc, total) in acc.into_iter().zip(totals[..4 * V].as_chunks_mut::<4>().0) {
        let acc = if first { acc } else { R::merge(acc, F32x4::load(total)) };
        R::value(acc).store(total);
    }
}

/// One image of 1 to 3 channels: `c` vectors hold four pixels, and lane `i` of them all belongs to channel `i % c`.
fn few_channels<R: Reduce>(c: usize, from: &[f32], count: F32x4, to: &mut [f32]) {
    let mut totals = [R::start(); 3];
    let (mut rest, mut rests) = (&[][..], [R::start(); 3]);
    for block in from.chunks(4 * BLOCK * c) {
        let mut acc = [R::start(); 3];
        let fours = block.chunks_exact(4 * c);
        rest = fours.remainder();
        for four in fours {
            for (acc, x) in acc.iter_mut().zip(four.as_chunks::<4>().0) {
                *acc = R::add(*acc, F32x4::load(x));
            }
        }
        for (total, acc) in totals.iter_mut().zip(acc) {
            *total = R::merge(*total, R::value(acc));
        }
    }
    // All but the last block are whole.
    for (i, &x) in rest.iter().enumerate() {
        rests[i % c] = R::add(rests[i % c], F32x4::splat(x));
    }
    let lanes = totals.map(R::value).map(F32x4::to_array);
    for (i, &x) in lanes.as_flattened()[..4 * c].iter().enumerate() {
        rests[i % c] = R::merge(rests[i % c], F32x4::splat(x));
    }
    for (to, total) in to.iter_mut().zip(rests) {
        *to = R::finish(R::value(total), count).to_array()[0];
    }
}

/// `out_h * out_w` windows that cover the input, PyTorch's way: output `i` of an axis takes the elements from `floor(i in / out)` up to
/// `ceil((i + 1) in / out)`, so that windows differ by one element at most in what they share. ONNX has no such operator.
pub fn adaptive_pool2d(
    kind: PoolKind,
    image: &Image,
    out_h: usize,
    out_w: usize,
    input: &[f32],
    output: &mut [f32],
) -> Result<(), SpecError> {
    expect_len("input", input.len(), image.checked_len("input")?)?;
    let out = Image { n: image.n, h: out_h, w: out_w, c: image.c };
    expect_len("output", output.len(), out.checked_len("output")?)?;
    if out_h == 1 && out_w == 1 {
        return global_pool2d(kind, image, input, output);
    }
    match kind {
        PoolKind::Max => adaptive::<Max>(image, &out, input, output),
        PoolKind::Avg => adaptive::<Mean>(image, &out, input, output),
        PoolKind::L2 => adaptive::<Norm>(image, &out, input, output),
    }
    Ok(())
}

fn adaptive<R: Reduce>(image: &Image, out: &Image, input: &[f32], output: &mut [f32]) {
    let taps = |size: usize, windows: usize| {
        move |i: usize| {
            // u64: the product of an index and a size needs up to 58 bits.
            let (i, size, windows) = (i as u64, size as u64, windows as u64);
            let first = i * size / windows;
            let len = (((i + 1) * size).div_ceil(windows) - first) as usize;
            Taps { first: first as usize, len, step: 1, count: len }
        }
    };
    direct::run::<R>(image, out, taps(image.h, out.h), taps(image.w, out.w), input, output);
}
