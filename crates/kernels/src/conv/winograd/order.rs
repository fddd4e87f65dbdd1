//! How outputs are cut into tiles of four and of three, and in which order.
//!
//! A tile of three outputs along an axis is one of four without the point at infinity, which the last output alone takes. So few tiles
//! lie beyond the image, and products are saved: 14x14 outputs take 4 + 4 + 3 + 3 along either axis, 484 products of F(4x4, 3x3) where 16
//! tiles of 4x4 have 576.

use super::transform::TILE;
use crate::gemm::MR;
use core::ops::Range;

/// Tiles along an axis: four outputs each, then three.
#[derive(Clone, Copy)]
pub(super) struct Tiles {
    count: usize,
    /// Those of four.
    whole: usize,
}

impl Tiles {
    /// Of an axis of so many outputs.
    pub(super) fn new(outputs: usize) -> Self {
        let count = outputs.div_ceil(TILE);
        Self { count, whole: outputs.saturating_sub((TILE - 1) * count) }
    }

    /// The first output of a tile.
    fn first(&self, tile: usize) -> usize {
        tile * (TILE - 1) + tile.min(self.whole)
    }
}

/// Where a tile lies.
pub(super) struct Tile {
    /// Its image, counted through the batch.
    pub(super) image: usize,
    /// Its first output.
    pub(super) y: usize,
    pub(super) x: usize,
    /// Rows and columns of outputs, of which some may lie beyond the image.
    pub(super) sizes: [usize; 2],
    /// How many tiles, with this one, are as wide, side by side and next in order.
    pub(super) adjacent: usize,
}

/// The tiles of all images in their order: those that are whole downwards only, both ways, across only, and neither. So the tiles
/// that points at infinity take are adjacent, on either axis and on both.
pub(super) struct Order {
    down: Tiles,
    across: Tiles,
    /// Where each of the four begins, and where the last ends.
    first: [usize; 5],
}

impl Order {
    pub(super) fn new(images: usize, [down, across]: [Tiles; 2]) -> Self {
        let mut order = Self { down, across, first: [0; 5] };
        for part in 0..4 {
            let [down, across] = order.of_part(part).map(|range| range.len());
            order.first[part + 1] = order.first[part] + images * down * across;
        }
        order
    }

    /// Tiles.
    pub(super) fn count(&self) -> usize {
        self.first[4]
    }

    /// The rows and the columns of tiles of one of the four parts.
    fn of_part(&self, part: usize) -> [Range<usize>; 2] {
        let range = |tiles: &Tiles, whole: bool| if whole { 0..tiles.whole } else { tiles.whole..tiles.count };
        [range(&self.down, part < 2), range(&self.across, part == 1 || part == 2)]
    }

    pub(super) fn tile(&self, number: usize) -> Tile {
        let part = self.first[1..4].iter().filter(|&&first| first <= number).count();
        let [down, across] = self.of_part(part);
        let number = number - self.first[part];
        let (row, column) = (number / across.len(), across.start + number % across.len());
        let (image, row) = (row / down.len(), down.start + row % down.len());
        let size = |tiles: &Tiles, tile: usize| if tile < tiles.whole { TILE } else { TILE - 1 };
        let sizes = [size(&self.down, row), size(&self.across, column)];
        let adjacent = across.end - column;
        Tile { image, y: self.down.first(row), x: self.across.first(column), sizes, adjacent }
    }

    /// Those of `block` that a point takes, which is at infinity down or across.
    pub(super) fn taken(&self, block: &Range<usize>, at_infinity: [bool; 2]) -> Range<usize> {
        let [first, end] = match at_infinity {
            [false, false] => [0, 4],
            [true, false] => [0, 2],
            [false, true] => [1, 3],
            [true, true] => [1, 2],
        };
        let start = block.start.max(self.first[first]);
        start..block.end.min(self.first[end]).max(start)
    }
}

/// `parts` ranges of nearly equal length that cover `range`.
pub(super) fn split(range: Range<usize>, parts: usize) -> impl Iterator<Item = Range<usize>> {
    let (size, larger) = (range.len() / parts, range.len() % parts);
    (0..parts).map(move |part| {
        let first = range.start + part * size + part.min(larger);
        first..first + size + usize::from(part < larger)
    })
}

/// The rows of a matrix of so many, in panels of up to [`MR`] as [`split`] gives them. Of each: its panel's first row, the panel's rows,
/// and the row in it.
pub(super) struct RowsOfPanels {
    next: [usize; 3],
    size: usize,
    /// Panels that have a row more.
    larger: usize,
}

impl RowsOfPanels {
    pub(super) fn new(rows: usize) -> Self {
        let parts = rows.div_ceil(MR).max(1);
        let (size, larger) = (rows / parts, rows % parts);
        Self { next: [0, size + usize::from(larger > 0), 0], size, larger }
    }
}

impl Iterator for RowsOfPanels {
    type Item = [usize; 3];

    fn next(&mut self) -> Option<[usize; 3]> {
        let [first, count, row] = self.next;
        self.next[2] += 1;
        if row + 1 == count {
            self.larger = self.larger.saturating_sub(1);
            self.next = [first + count, self.size + usize::from(self.larger > 0), 0];
        }
        Some([first, count, row])
    }
}

/// Of a row of `count`, what [`RowsOfPanels`] has for it.
pub(super) fn panel_of(count: usize, row: usize) -> [usize; 3] {
    let parts = count.div_ceil(MR);
    let (size, larger) = (count / parts, count % parts);
    let before = larger * (size + 1);
    let (size, in_panel) = if row < before { (size + 1, row % (size + 1)) } else { (size, (row - before) % size) };
    [row - in_panel, size, in_panel]
}
