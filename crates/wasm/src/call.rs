//! What an operator works with: slices of tensors and of the arena, cut so that none that is written can be read.

use crate::heap::{Handle, Heap};
use crate::packed::PackedFilters;
use crate::words::Words;
use lenslet_kernels::conv::Accuracy;
use lenslet_kernels::memory::{Buffer, Workspace};
use lenslet_kernels::shape::SpecError;

/// Most outputs of one call.
pub(crate) const MAX_OUTPUTS: usize = 4;

/// An operator at the boundary.
#[derive(Clone, Copy)]
pub(crate) struct Operator {
    pub(crate) run: fn(Call) -> Result<(), SpecError>,
    /// May write its output where its first input lies, see [`Call::in_place`].
    pub(crate) in_place: bool,
    /// Packs its second input, and can do nothing else but that or explain itself, see [`Purpose`].
    pub(crate) packs: bool,
}

impl Operator {
    pub(crate) const fn plain(run: fn(Call) -> Result<(), SpecError>) -> Self {
        Self { run, in_place: false, packs: false }
    }
    pub(crate) const fn in_place(run: fn(Call) -> Result<(), SpecError>) -> Self {
        Self { in_place: true, ..Self::plain(run) }
    }
    pub(crate) const fn packing(run: fn(Call) -> Result<(), SpecError>) -> Self {
        Self { packs: true, ..Self::plain(run) }
    }
}

/// What an operator is called for.
pub(crate) enum Purpose<'a> {
    /// To compute its outputs.
    Run,
    /// To pack its filter, for the calls to come.
    Pack,
    /// To tell how it would compute them.
    Explain(&'a mut &'static str),
}

/// Where a call finds or leaves a tensor.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    /// There is none.
    None,
    /// Floats of the arena.
    Arena { offset: usize, len: usize },
    /// A tensor of the heap.
    Tensor(Handle),
    /// One of the tensors that a run is given.
    Input(usize),
    /// One of the tensors that a run makes.
    Output(usize),
}

impl Place {
    /// True if writing the one changes the other.
    pub(crate) fn overlaps(self, other: Self) -> bool {
        match (self, other) {
            (Self::None, _) => false,
            (Self::Arena { offset: a, len: a_len }, Self::Arena { offset: b, len: b_len }) => {
                a < b + b_len && b < a + a_len
            }
            _ => self == other,
        }
    }
}

/// Scratch memory of operators.
#[derive(Default)]
pub(crate) struct Scratch {
    pub(crate) workspace: Workspace,
    pub(crate) nhwc_input: Workspace,
    pub(crate) nhwc_output: Workspace,
    pub(crate) nhwc_residual: Workspace,
}

impl Scratch {
    pub(crate) fn bytes(&self) -> usize {
        [&self.workspace, &self.nhwc_input, &self.nhwc_output, &self.nhwc_residual]
            .into_iter()
            .map(Workspace::bytes)
            .sum()
    }

    pub(crate) fn clear(&mut self) {
        *self = Self::default();
    }
}

/// What an operator works with.
pub(crate) struct Call<'a> {
    pub(crate) purpose: Purpose<'a>,
    pub(crate) inputs: Inputs<'a>,
    pub(crate) outputs: &'a mut [&'a mut [f32]],
    /// Output 0 holds what input 0 would be, which is not there.
    pub(crate) in_place: bool,
    pub(crate) words: Words<'a>,
    pub(crate) scratch: &'a mut Scratch,
    pub(crate) packed: &'a mut PackedFilters,
    pub(crate) accuracy: Accuracy,
    /// Of a program, which has others.
    pub(crate) is_step: bool,
}

/// The input tensors of a call.
#[derive(Clone, Copy)]
pub(crate) struct Inputs<'a> {
    places: &'a [Place],
    heap: &'a Heap,
    given: Given<'a>,
    /// What the outputs leave of the arena, each part with its offset.
    arena: [(usize, &'a [f32]); MAX_OUTPUTS + 1],
}

impl<'a> Inputs<'a> {
    /// Number of inputs, absent ones counted.
    pub(crate) fn len(&self) -> usize {
        self.places.len()
    }

    fn place(&self, index: usize) -> Place {
        self.places.get(index).copied().unwrap_or(Place::None)
    }

    /// The tensor that input `index` is; none if it is absent, or lies in the arena.
    pub(crate) fn handle(&self, index: usize) -> Option<Handle> {
        self.given.handle(self.place(index))
    }

    /// The elements of input `index`, or nothing if it is absent.
    pub(crate) fn optional(&self, index: usize) -> Result<Option<&'a [f32]>, SpecError> {
        let elements = match self.place(index) {
            Place::None => return Ok(None),
            Place::Arena { offset, len } => self.arena.iter().find_map(|&(start, part)| {
                let from = offset.checked_sub(start)?;
                part.get(from..from + len)
            }),
            place => self.given.handle(place).and_then(|handle| self.heap.get(handle)),
        };
        if elements.is_none() { Err(missing(index)) } else { Ok(elements) }
    }

    /// The elements of input `index`.
    pub(crate) fn get(&self, index: usize) -> Result<&'a [f32], SpecError> {
        self.optional(index)?.ok_or_else(|| missing(index))
    }
}

#[cold]
fn missing(input: usize) -> SpecError {
    SpecError::invalid("inputs", "input {} is not there to be read").number(input)
}

/// The elements of output `index`.
pub(crate) fn output<'a>(outputs: &'a mut [&mut [f32]], index: usize) -> Result<&'a mut [f32], SpecError> {
    match outputs.get_mut(index) {
        Some(output) => Ok(output),
        None => Err(SpecError::invalid("outputs", "has too few tensors")),
    }
}

/// Handles of the tensors that a run was given, to read and to make, as JavaScript writes them.
#[derive(Clone, Copy, Default)]
pub(crate) struct Given<'a> {
    pub(crate) inputs: &'a [f64],
    pub(crate) outputs: &'a [f64],
}

impl Given<'_> {
    fn handle(&self, place: Place) -> Option<Handle> {
        match place {
            Place::None | Place::Arena { .. } => None,
            Place::Tensor(handle) => Some(handle),
            Place::Input(index) => self.inputs.get(index).map(|&handle| handle as usize),
            Place::Output(index) => self.outputs.get(index).map(|&handle| handle as usize),
        }
    }
}

/// One call of an operator, as a step keeps it.
#[derive(Clone, Copy)]
pub(crate) struct StepRef<'a> {
    pub(crate) operator: Operator,
    pub(crate) inputs: &'a [Place],
    pub(crate) outputs: &'a [Place],
    pub(crate) words: &'a [f64],
    pub(crate) in_place: bool,
}

/// What calls work on.
pub(crate) struct Memory<'a> {
    pub(crate) heap: &'a mut Heap,
    pub(crate) packed: &'a mut PackedFilters,
    pub(crate) scratch: &'a mut Scratch,
    pub(crate) arena: &'a mut [f32],
    pub(crate) accuracy: Accuracy,
    /// For steps of programs.
    pub(crate) is_for_steps: bool,
}

impl Memory<'_> {
    /// Runs a step. Out of the heap go the tensors that it writes, and back afterwards: what it writes it cannot read.
    pub(crate) fn run(&mut self, step: StepRef, given: Given, purpose: Purpose) -> Result<(), SpecError> {
        let mut buffers: [Option<Buffer>; MAX_OUTPUTS] = Default::default();
        if step.outputs.len() > MAX_OUTPUTS {
            return Err(SpecError::invalid("outputs", "has more than {} tensors").number(MAX_OUTPUTS));
        }
        for (buffer, &place) in buffers.iter_mut().zip(step.outputs) {
            *buffer = given.handle(place).and_then(|handle| self.heap.take(handle));
        }
        let result = self.run_on(step, given, purpose, &mut buffers);
        for (buffer, &place) in buffers.into_iter().zip(step.outputs) {
            if let (Some(buffer), Some(handle)) = (buffer, given.handle(place)) {
                self.heap.put_back(handle, buffer);
                // What was packed of it is of what it was: a step of an optimiser changes weights where they lie.
                self.packed.forget(handle);
            }
        }
        self.packed.forget_passing();
        result
    }

    fn run_on(
        &mut self,
        step: StepRef,
        given: Given,
        purpose: Purpose,
        buffers: &mut [Option<Buffer>; MAX_OUTPUTS],
    ) -> Result<(), SpecError> {
        let (mut outputs, arena) = cut(self.arena, step.outputs);
        for ((output, buffer), place) in outputs.iter_mut().zip(buffers).zip(step.outputs) {
            match (buffer, place) {
                (Some(buffer), _) => *output = buffer.as_mut_slice(),
                (None, Place::Arena { .. }) => {}
                (None, _) => return Err(SpecError::invalid("outputs", "has a tensor that is not there to be written")),
            }
        }
        (step.operator.run)(Call {
            purpose,
            inputs: Inputs { places: step.inputs, heap: self.heap, given, arena },
            outputs: &mut outputs[..step.outputs.len()],
            in_place: step.in_place,
            words: Words::new(step.words),
            scratch: self.scratch,
            packed: self.packed,
            accuracy: self.accuracy,
            is_step: self.is_for_steps,
        })
    }
}

type Cut<'a> = ([&'a mut [f32]; MAX_OUTPUTS], [(usize, &'a [f32]); MAX_OUTPUTS + 1]);

/// Cuts the outputs that lie in the arena out of it; those that overlap another, or its end, come out empty.
/// Gives them in their order, and the parts that are left with their offsets.
fn cut<'a>(arena: &'a mut [f32], outputs: &[Place]) -> Cut<'a> {
    let mut slices: [&mut [f32]; MAX_OUTPUTS] = Default::default();
    let mut parts: [(usize, &[f32]); MAX_OUTPUTS + 1] = Default::default();
    let (mut at, mut rest) = (0, arena);
    for part in &mut parts[..MAX_OUTPUTS] {
        let in_arena = outputs.iter().take(MAX_OUTPUTS).enumerate().filter_map(|(i, place)| match *place {
            Place::Arena { offset, len } if offset >= at => Some((offset, len, i)),
            _ => None,
        });
        let Some((offset, len, index)) = in_arena.min() else { break };
        let Some((before, behind)) = rest.split_at_mut_checked(offset - at) else {
            rest = &mut [];
            break;
        };
        let len = len.min(behind.len());
        let (output, behind) = behind.split_at_mut(len);
        *part = (at, before);
        slices[index] = output;
        (at, rest) = (offset + len, behind);
    }
    parts[MAX_OUTPUTS] = (at, rest);
    (slices, parts)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn arena(offset: usize, len: usize) -> Place {
        Place::Arena { offset, len }
    }

    #[test]
    fn outputs_are_cut_in_any_order_and_the_rest_can_be_read() {
        let mut floats: Vec<f32> = (0..20u8).map(f32::from).collect();
        for outputs in [[arena(4, 3), Place::Output(0), arena(12, 2)], [arena(12, 2), Place::None, arena(4, 3)]] {
            let (slices, parts) = cut(&mut floats, &outputs);
            let (first, second) = if outputs[0] == arena(4, 3) { (0, 2) } else { (2, 0) };
            assert_eq!(slices[first], [4.0, 5.0, 6.0]);
            assert_eq!(slices[second], [12.0, 13.0]);
            assert!(slices[1].is_empty());
            let found: Vec<_> =
                parts.iter().filter(|(_, part)| !part.is_empty()).map(|(at, part)| (*at, part.len())).collect();
            assert_eq!(found, [(0, 4), (7, 5), (14, 6)]);
        }
    }

    #[test]
    fn what_lies_outside_comes_out_short() {
        let mut floats = [0.0; 8];
        let (slices, _) = cut(&mut floats, &[arena(6, 4), arena(9, 1), arena(7, 1)]);
        assert_eq!(slices.map(|slice| slice.len()), [2, 0, 0, 0]);
    }

    #[test]
    fn places_that_overlap() {
        assert!(arena(0, 4).overlaps(arena(3, 4)) && arena(3, 4).overlaps(arena(0, 4)));
        assert!(!arena(0, 4).overlaps(arena(4, 4)) && !arena(4, 4).overlaps(arena(0, 4)));
        assert!(Place::Output(1).overlaps(Place::Output(1)) && !Place::Output(1).overlaps(Place::Input(1)));
        assert!(!Place::None.overlaps(Place::None));
    }
}
