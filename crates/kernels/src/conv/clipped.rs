//! Windows that lie mostly in the padding: each output multiplies just the taps that lie in the input.
//!
//! A matrix product multiplies the zeros of the padding, too: a 1024x1024 kernel over a single padded pixel has a million
//! products that matter among 2^40.

use super::gather::{Gather, Reach};
use crate::gemm::{Columns, LeftHand, NR, RightHand, Runs, unpacked_tile};
use core::ops::Range;

/// What starting a row of taps costs, in products of a matrix product.
const ROW_COST: u64 = 64;
/// How many times as long as in a matrix product a product takes here, at most: no weight serves two pixels.
const PRODUCT_COST: u64 = 4;
/// Fewest products of a column for which the windows are looked at.
const WORTH_COUNTING: u64 = 1 << 12;

/// True where a matrix product would spend its time in the padding. `c` channels are summed over.
pub(super) fn pays(h: &Reach, w: &Reach, c: usize) -> bool {
    // Saturating: positions and taps of both axes may multiply to 2^116.
    let all = [h.positions, h.taps, w.positions, w.taps, c].iter().fold(1u64, |all, &n| all.saturating_mul(n as u64));
    if all < WORTH_COUNTING {
        return false;
    }
    let row = (ROW_COST * w.positions as u64).saturating_add(taps_in_input(w).saturating_mul(c as u64));
    taps_in_input(h).saturating_mul(row).saturating_mul(PRODUCT_COST) < all
}

/// Taps of all windows that lie in the input.
fn taps_in_input(reach: &Reach) -> u64 {
    (0..reach.positions).map(|position| reach.taps_of(reach.start(position)).len() as u64).sum()
}

/// Rows `rows` of the product into `output`, each element written once a row of taps.
pub(super) fn multiply(a: &Gather<'_>, rows: Range<usize>, b: &RightHand<'_>, output: &mut [f32]) {
    let c = a.channels.len();
    let row_len = a.w.input * a.in_c;
    // A run of floats under the window: a row of taps, or where taps are apart or groups interleave, one tap.
    let is_run = a.w.tap_step == 1 && c == a.in_c;
    // Where this wraps it is not used: one tap is in the input.
    let run_step = a.w.tap_step.wrapping_mul(a.in_c);
    for row in rows {
        let start = a.start(row);
        let first = a.output_offset(row);
        let to = &mut output[first..][..b.n];
        match b.epilogue.bias {
            Some(bias) => to.copy_from_slice(bias),
            None => to.fill(0.0),
        }
        let (taps_h, taps_w) = (a.h.taps_of(start.y), a.w.taps_of(start.x));
        if let Some(x) = a.w.input_of(start.x, taps_w.start).filter(|_| !taps_w.is_empty()) {
            let (runs, run) = if is_run { (1, taps_w.len() * c) } else { (taps_w.len(), c) };
            for tap_h in taps_h {
                let Some(y) = a.h.input_of(start.y, tap_h) else { continue };
                let pixels = &a.input[a.index(&start, y, 0)..][..row_len - a.channels.start];
                let taps = Runs { rows: &[pixels], first: x * a.in_c, runs, run, run_step, step: 0 };
                row_of_taps(&taps, (tap_h * a.w.taps + taps_w.start) * c, b, to);
            }
        }
        b.epilogue.skip(first).finish(to);
    }
}

/// Adds one pixel's products of one row of taps, the first of them row `k` of the matrix, to `to`.
fn row_of_taps(taps: &Runs<'_>, k: usize, b: &RightHand<'_>, to: &mut [f32]) {
    let padded_k = b.k.next_multiple_of(4);
    for column in (0..b.n).step_by(NR) {
        let columns = Columns::plain(column, NR.min(b.n - column)).in_block(false, false);
        let lanes = if columns.width > 4 { 8 } else { 4 };
        let panel = &b.panels[column * padded_k..][k * lanes..][..taps.runs * taps.run * lanes];
        if lanes == 8 {
            unpacked_tile::<1, 2>(taps, panel, &columns, to, 0, 0);
        } else {
            unpacked_tile::<1, 1>(taps, panel, &columns, to, 0, 0);
        }
    }
}
