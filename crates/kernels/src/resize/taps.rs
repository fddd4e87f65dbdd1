//! Which input elements make an output element of an axis, and how much of each.

use super::{Coordinates, ResizeMode, Rounding, Sampling};
use crate::shape::SpecError;

/// An axis that is resized.
#[derive(Clone, Copy, Debug)]
pub(super) struct Span {
    pub(super) input: usize,
    pub(super) output: usize,
    /// The scale that was given apart from the sizes.
    pub(super) scale: Option<f32>,
}

impl Span {
    /// Where output element `i` lies in the input; below 0 or above `input - 1` beyond the borders.
    fn place(&self, coordinates: Coordinates, i: usize) -> f64 {
        let (input, output) = (self.input as f64, self.output as f64);
        let half = if coordinates.has_area() { 0.5 } else { 0.0 };
        let at = i as f64 + half;
        match (coordinates, self.scale) {
            (Coordinates::PytorchHalfPixel, _) if self.output == 1 => 0.0,
            (Coordinates::AlignCorners, None) => i as f64 * (input - 1.0) / (output - 1.0).max(1.0),
            (Coordinates::AlignCorners, Some(scale)) => {
                let scaled = f64::from(scale) * input;
                if scaled == 1.0 { 0.0 } else { i as f64 * (input - 1.0) / (scaled - 1.0) }
            }
            // One division of whole numbers: exact where the place is whole or half way.
            (_, None) => at * input / output - half,
            // In float32, as ONNX Runtime divides: 3 / 0.6 is 5 then, though the float32 next to 0.6 is larger than that.
            (_, Some(scale)) => {
                let shift = match coordinates {
                    Coordinates::HalfPixelSymmetric => input / 2.0 * (1.0 - output / (f64::from(scale) * input)),
                    _ => 0.0,
                };
                shift + (f64::from(at as f32 / scale) - half)
            }
        }
    }

    /// By how much a filter has to widen so that it leaves no element out.
    fn shrinking(&self) -> f64 {
        let scale = self.scale.map_or(self.output as f64 / self.input as f64, f64::from);
        scale.min(1.0)
    }

    /// The element nearest to output element `i`.
    pub(super) fn nearest(&self, coordinates: Coordinates, rounding: Rounding, i: usize) -> usize {
        let place = self.place(coordinates, i);
        let rounded = match rounding {
            Rounding::PreferFloor => (place - 0.5).ceil(),
            Rounding::PreferCeil => (place + 0.5).floor(),
            Rounding::Floor => place.floor(),
            Rounding::Ceil => place.ceil(),
        };
        (rounded as usize).min(self.input - 1)
    }
}

/// Adjacent elements and their weights, none of them zero at either end: what is not used may be infinite.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Taps<'a> {
    pub(crate) first: usize,
    pub(crate) weights: &'a [f32],
}

/// One output element: its first tap, and where its weights lie.
#[derive(Clone, Copy)]
struct Entry {
    first: usize,
    start: usize,
    count: usize,
}

/// The taps of every output element of an axis.
pub(crate) struct Table {
    entries: Vec<Entry>,
    weights: Vec<f32>,
    /// Most taps of an element.
    pub(super) most: usize,
}

impl Table {
    pub(super) fn new(span: &Span, sampling: &Sampling) -> Result<Self, SpecError> {
        let filter = Filter::new(span, sampling);
        let mut table = Self { entries: Vec::new(), weights: Vec::new(), most: 1 };
        reserve(&mut table.entries, span.output)?;
        if sampling.mode == ResizeMode::Linear && !sampling.antialias && !sampling.exclude_outside {
            table.neighbours(span, sampling.coordinates)?;
            return Ok(table);
        }
        let mut window: Vec<f64> = Vec::new();
        for i in 0..span.output {
            let place = span.place(sampling.coordinates, i);
            let range = filter.window(place);
            let first = range.0.clamp(0, span.input as i64 - 1);
            let last = range.1.clamp(first, span.input as i64 - 1);
            window.clear();
            reserve(&mut window, (last - first + 1) as usize)?;
            window.resize((last - first + 1) as usize, 0.0);
            for index in range.0..=range.1 {
                let inside = index.clamp(first, last);
                if index == inside || !sampling.exclude_outside {
                    window[(inside - first) as usize] += filter.weight(index as f64 - place);
                }
            }
            let sum: f64 = window.iter().sum();
            if (sampling.antialias || sampling.exclude_outside) && sum != 0.0 {
                window.iter_mut().for_each(|weight| *weight /= sum);
            }
            let used = |weight: &f64| *weight as f32 != 0.0;
            let skipped = window.iter().position(used).unwrap_or(0);
            let end = window.iter().rposition(used).map_or(1, |last| last + 1);
            reserve(&mut table.weights, end - skipped)?;
            let (start, count) = (table.weights.len(), end - skipped);
            table.entries.push(Entry { first: first as usize + skipped, start, count });
            table.weights.extend(window[skipped..end].iter().map(|&weight| weight as f32));
            table.most = table.most.max(end - skipped);
        }
        Ok(table)
    }

    /// The nearest element alone.
    pub(super) fn nearest(span: &Span, sampling: &Sampling) -> Result<Self, SpecError> {
        let mut table = Self { entries: Vec::new(), weights: vec![1.0], most: 1 };
        reserve(&mut table.entries, span.output)?;
        let nearest = |i| span.nearest(sampling.coordinates, sampling.rounding, i);
        table.entries.extend((0..span.output).map(|i| Entry { first: nearest(i), start: 0, count: 1 }));
        Ok(table)
    }

    /// Two neighbours in proportion: what the filter gives, in a tenth of the time.
    fn neighbours(&mut self, span: &Span, coordinates: Coordinates) -> Result<(), SpecError> {
        reserve(&mut self.weights, 2 * span.output)?;
        for i in 0..span.output {
            // `clamp` could panic with numbers in its message: 13 kB of code that writes float64s.
            let place = span.place(coordinates, i).max(0.0).min(span.input as f64 - 1.0);
            let low = place.floor();
            let high = (place - low) as f32;
            let count = if high == 0.0 { 1 } else { 2 };
            self.entries.push(Entry { first: low as usize, start: self.weights.len(), count });
            self.weights.extend([(1.0 - (place - low)) as f32, high].iter().take(count));
            self.most = self.most.max(count);
        }
        Ok(())
    }

    /// Output elements.
    pub(super) fn len(&self) -> usize {
        self.entries.len()
    }

    /// The taps of output element `i`.
    pub(crate) fn at(&self, i: usize) -> Taps<'_> {
        self.taps(&self.entries[i])
    }

    /// The taps of one output element after the other.
    pub(super) fn iter(&self) -> impl Iterator<Item = Taps<'_>> {
        self.entries.iter().map(|entry| self.taps(entry))
    }

    #[inline(always)]
    fn taps(&self, entry: &Entry) -> Taps<'_> {
        Taps { first: entry.first, weights: &self.weights[entry.start..entry.start + entry.count] }
    }

    /// The first element and the two weights, if every output element has the same two, of elements two further each time: a halving.
    pub(super) fn halving(&self) -> Option<(usize, [f32; 2])> {
        let Taps { first, weights: &[a, b] } = self.at(0) else { return None };
        let same = |i: usize| {
            let taps = self.at(i);
            taps.first == first + 2 * i && taps.weights == [a, b]
        };
        (1..self.len()).all(same).then_some((first, [a, b]))
    }
}

/// The taps of four output elements side by side, for rows of single floats: as many for each, weights of one tap beside one another.
pub(super) struct Quads {
    /// First elements of each four, and whether some of their weights are zero, only to fill up.
    firsts: Vec<([usize; 4], bool)>,
    weights: Vec<[f32; 4]>,
    taps: usize,
}

impl Quads {
    /// Those of rows of `input` floats. The last four repeat their last element.
    pub(super) fn new(table: &Table, input: usize) -> Result<Self, SpecError> {
        let taps = table.most;
        let count = table.len().div_ceil(4);
        let (mut firsts, mut weights) = (Vec::new(), Vec::new());
        reserve(&mut firsts, count)?;
        reserve(&mut weights, count * taps)?;
        for i in (0..table.len()).step_by(4) {
            let each: [Taps; 4] = core::array::from_fn(|lane| table.at((i + lane).min(table.len() - 1)));
            let first = each.map(|each| each.first.min(input - taps));
            for k in 0..taps {
                let weight = |lane: usize| {
                    (first[lane] + k).checked_sub(each[lane].first).and_then(|k| each[lane].weights.get(k))
                };
                weights.push(core::array::from_fn(|lane| weight(lane).copied().unwrap_or(0.0)));
            }
            let here = &weights[weights.len() - taps..];
            firsts.push((first, here.as_flattened().contains(&0.0)));
        }
        Ok(Self { firsts, weights, taps })
    }

    /// First elements of each four, and whether some of their weights are zero.
    pub(super) fn firsts(&self) -> core::slice::Iter<'_, ([usize; 4], bool)> {
        self.firsts.iter()
    }

    /// The weights of each four, tap by tap.
    pub(super) fn weights(&self) -> core::slice::ChunksExact<'_, [f32; 4]> {
        self.weights.chunks_exact(self.taps)
    }
}

/// An error if there is no memory for `more` entries.
pub(super) fn reserve<T>(table: &mut Vec<T>, more: usize) -> Result<(), SpecError> {
    table.try_reserve(more).map_err(|_| SpecError::out_of_memory(more as u64 * size_of::<T>() as u64))
}

/// A filter around a place between elements.
struct Filter {
    mode: ResizeMode,
    a: f64,
    /// 1, or less where the filter is widened.
    stretch: f64,
}

impl Filter {
    fn new(span: &Span, sampling: &Sampling) -> Self {
        let stretch = if sampling.antialias { span.shrinking() } else { 1.0 };
        Self { mode: sampling.mode, a: f64::from(sampling.cubic_coeff_a), stretch }
    }

    /// The first and the last element that it may weigh.
    fn window(&self, place: f64) -> (i64, i64) {
        let reach = if self.mode == ResizeMode::Cubic { 2.0 } else { 1.0 } / self.stretch;
        ((place - reach).ceil() as i64, (place + reach).floor() as i64)
    }

    /// The weight of an element so far from the place.
    fn weight(&self, distance: f64) -> f64 {
        let (x, a) = (distance.abs() * self.stretch, self.a);
        match self.mode {
            ResizeMode::Cubic if x <= 1.0 => ((a + 2.0) * x - (a + 3.0)) * x * x + 1.0,
            ResizeMode::Cubic if x < 2.0 => ((a * x - 5.0 * a) * x + 8.0 * a) * x - 4.0 * a,
            ResizeMode::Cubic => 0.0,
            _ => (1.0 - x).max(0.0),
        }
    }
}
