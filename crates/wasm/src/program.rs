//! Programs: the steps of a network, kept in the core so that one call runs many of them.

use crate::call::{Given, MAX_OUTPUTS, Memory, Operator, Place, Purpose, StepRef};
use crate::heap::Handle;
use lenslet_kernels::shape::{MAX_LEN, SpecError};
use std::ops::Range;

/// Floats that places in the arena begin at multiples of: a cache line.
const ALIGNMENT: usize = 16;

/// One call of an operator.
struct Step {
    operator: Operator,
    inputs: Box<[Place]>,
    outputs: Box<[Place]>,
    words: Box<[f64]>,
    in_place: bool,
}

impl Step {
    fn by_ref(&self) -> StepRef<'_> {
        StepRef {
            operator: self.operator,
            inputs: &self.inputs,
            outputs: &self.outputs,
            words: &self.words,
            in_place: self.in_place,
        }
    }

    /// Whether it needs the elements of a tensor, or changes them: not just what was packed from them.
    fn needs(&self, handle: Handle) -> bool {
        let tensor = Place::Tensor(handle);
        let read =
            self.inputs.iter().enumerate().any(|(i, &place)| place == tensor && !(self.operator.packs && i == 1));
        read || self.outputs.contains(&tensor)
    }
}

/// Steps in their order, and the arena that they work in.
pub(crate) struct Program {
    /// Floats.
    pub(crate) arena: usize,
    steps: Vec<Step>,
}

impl Program {
    /// A program without steps.
    pub(crate) fn new(arena: usize) -> Self {
        Self { arena, steps: Vec::new() }
    }

    /// Reads a step that JavaScript wrote, each place as kind, offset or index, length, and checks that nothing it
    /// writes lies outside the arena or is anything else that it reads or writes.
    pub(crate) fn push(
        &mut self,
        operator: Operator,
        inputs: &[[f64; 3]],
        outputs: &[[f64; 3]],
        words: &[f64],
    ) -> Result<(), SpecError> {
        if outputs.len() > MAX_OUTPUTS {
            return Err(SpecError::invalid("outputs", "has more than {} tensors").number(MAX_OUTPUTS));
        }
        let inputs = self.places(inputs)?;
        let outputs = self.places(outputs)?;
        let mut in_place = false;
        for (i, &output) in outputs.iter().enumerate() {
            if matches!(output, Place::None | Place::Input(_)) {
                return Err(SpecError::invalid("outputs", "output {} is no place that can be written").number(i));
            }
            if outputs[..i].iter().any(|other| other.overlaps(output)) {
                return Err(SpecError::invalid("outputs", "output {} overlaps another").number(i));
            }
            for (k, &input) in inputs.iter().enumerate() {
                if !input.overlaps(output) {
                    continue;
                }
                if !(operator.in_place && i == 0 && k == 0 && input == output) {
                    return Err(SpecError::invalid("outputs", "output {} overlaps input {}").number(i).number(k));
                }
                in_place = true;
            }
        }
        self.steps.push(Step { operator, inputs, outputs, words: words.into(), in_place });
        Ok(())
    }

    fn places(&self, words: &[[f64; 3]]) -> Result<Box<[Place]>, SpecError> {
        words.iter().map(|&words| self.place(words)).collect()
    }

    fn place(&self, [kind, a, b]: [f64; 3]) -> Result<Place, SpecError> {
        let (a, b) = (a as usize, b as usize);
        match kind as u32 {
            0 => Ok(Place::None),
            1 if a.is_multiple_of(ALIGNMENT) && b > 0 && b <= MAX_LEN && a <= self.arena && b <= self.arena - a => {
                Ok(Place::Arena { offset: a, len: b })
            }
            2 => Ok(Place::Tensor(a)),
            3 => Ok(Place::Input(a)),
            4 => Ok(Place::Output(a)),
            _ => Err(SpecError::invalid("places", "has no place of kind {}: {}, {}")
                .number(kind as usize)
                .number(a)
                .number(b)),
        }
    }

    /// Runs some of the steps. An error comes with the index of the step that it kept from running.
    pub(crate) fn run(
        &self,
        steps: Range<usize>,
        given: Given,
        mut attempt: impl FnMut(StepRef, Given) -> Result<(), SpecError>,
    ) -> Result<(), (usize, SpecError)> {
        let first = steps.start;
        let none = || (first, SpecError::invalid("steps", "has not so many steps"));
        let steps = self.steps.get(steps).ok_or_else(none)?;
        for (i, step) in steps.iter().enumerate() {
            attempt(step.by_ref(), given).map_err(|error| (first + i, error))?;
        }
        Ok(())
    }

    /// Packs what steps pack, now rather than at their first run. Of the tensors `passing`, the elements are given back as
    /// soon as they are packed, unless a step reads them as they are, or changes them.
    pub(crate) fn pack(&self, memory: &mut Memory, passing: &[f64]) -> Result<(), (usize, SpecError)> {
        for (i, step) in self.steps.iter().enumerate() {
            if !step.operator.packs {
                continue;
            }
            let Some(&filter @ Place::Tensor(handle)) = step.inputs.get(1) else { continue };
            // Packed without memory for its results: outputs are not looked at.
            let bare = StepRef { outputs: &[], ..step.by_ref() };
            memory.run(bare, Given::default(), Purpose::Pack).map_err(|error| (i, error))?;
            let last =
                !self.steps[i + 1..].iter().any(|later| later.operator.packs && later.inputs.get(1) == Some(&filter));
            let passes = passing.iter().any(|&other| other as usize == handle);
            if last && passes && !self.steps.iter().any(|step| step.needs(handle)) {
                memory.heap.release(handle);
            }
        }
        Ok(())
    }

    /// How a step is computed: the name of a strategy, or nothing if its operator has but one.
    pub(crate) fn explain(&self, step: usize, memory: &mut Memory) -> Result<&'static str, SpecError> {
        let step = self.steps.get(step).ok_or_else(|| SpecError::invalid("steps", "has not so many steps"))?;
        let mut strategy = "";
        if step.operator.packs {
            // Explained without memory: neither inputs nor outputs are looked at.
            let bare = StepRef { inputs: &[], outputs: &[], ..step.by_ref() };
            memory.run(bare, Given::default(), Purpose::Explain(&mut strategy))?;
        }
        Ok(strategy)
    }
}

/// Programs by number: 1, 2, 3, ...; those of freed ones come again.
#[derive(Default)]
pub(crate) struct Programs(Vec<Option<Program>>);

impl Programs {
    /// Keeps a program and gives its number.
    pub(crate) fn insert(&mut self, program: Program) -> usize {
        let index = self.0.iter().position(Option::is_none).unwrap_or_else(|| {
            self.0.push(None);
            self.0.len() - 1
        });
        self.0[index] = Some(program);
        index + 1
    }

    /// The program of a number.
    pub(crate) fn get_mut(&mut self, number: usize) -> Result<&mut Program, SpecError> {
        let program = self.0.get_mut(number.wrapping_sub(1)).and_then(Option::as_mut);
        program.ok_or_else(|| SpecError::invalid("program", "{} is not there").number(number))
    }

    /// Forgets a program; gives the floats of the largest arena that the others need.
    pub(crate) fn remove(&mut self, number: usize) -> usize {
        if let Some(program) = self.0.get_mut(number.wrapping_sub(1)) {
            *program = None;
        }
        self.0.iter().flatten().map(|program| program.arena).max().unwrap_or(0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::call::{Call, Scratch, output};
    use crate::heap::Heap;
    use crate::packed::PackedFilters;
    use lenslet_kernels::conv::Accuracy;

    const NONE: [f64; 3] = [0.0; 3];
    const INPUT: [f64; 3] = [3.0, 0.0, 0.0];
    const OUTPUT: [f64; 3] = [4.0, 0.0, 0.0];

    fn arena(offset: f64, len: f64) -> [f64; 3] {
        [1.0, offset, len]
    }

    /// Adds the word to every element.
    fn add(mut call: Call) -> Result<(), SpecError> {
        let word = call.words.float("word");
        let to = output(call.outputs, 0)?;
        if !call.in_place {
            to.copy_from_slice(call.inputs.get(0)?);
        }
        to.iter_mut().for_each(|x| *x += word);
        Ok(())
    }

    const ADD: Operator = Operator::in_place(add);

    /// Runs a program on one input and one output.
    fn run(
        program: &Program,
        steps: Range<usize>,
        arena: &mut [f32],
        input: &[f32],
    ) -> Result<Vec<f32>, (usize, SpecError)> {
        let mut heap = Heap::default();
        let given = [(); 2].map(|()| heap.alloc(input.len()).unwrap());
        let mut buffer = heap.take(given[0]).unwrap();
        buffer.as_mut_slice().copy_from_slice(input);
        heap.put_back(given[0], buffer);
        let (mut packed, mut scratch) = (PackedFilters::default(), Scratch::default());
        let mut memory = Memory {
            heap: &mut heap,
            packed: &mut packed,
            scratch: &mut scratch,
            arena,
            accuracy: Accuracy::Fast,
            is_for_steps: true,
        };
        let [inputs, outputs] = given.map(|handle| [handle as f64]);
        let given_words = Given { inputs: &inputs, outputs: &outputs };
        program.run(steps, given_words, |step, given| memory.run(step, given, Purpose::Run))?;
        Ok(heap.get(given[1]).unwrap().to_vec())
    }

    #[test]
    fn steps_hand_on_through_the_arena() {
        let mut program = Program::new(64);
        let (a, b) = (arena(16.0, 3.0), arena(32.0, 3.0));
        for (from, to, word) in [(INPUT, a, 1.0), (a, b, 10.0), (b, b, 100.0), (a, OUTPUT, 1000.0)] {
            program.push(ADD, &[from], &[to], &[word]).unwrap();
        }
        let mut floats = [0.0; 64];
        let output = run(&program, 0..4, &mut floats, &[1.0, 2.0, 3.0]).unwrap();
        assert_eq!(output, [1002.0, 1003.0, 1004.0]);
        assert_eq!(floats[32..36], [112.0, 113.0, 114.0, 0.0]);
    }

    #[test]
    fn an_output_may_be_read_and_changed_in_place() {
        let mut program = Program::new(0);
        program.push(ADD, &[INPUT], &[OUTPUT], &[1.0]).unwrap();
        program.push(ADD, &[OUTPUT], &[OUTPUT], &[2.0]).unwrap();
        assert_eq!(run(&program, 0..2, &mut [], &[0.0, 1.0]).unwrap(), [3.0, 4.0]);
    }

    #[test]
    fn a_failing_step_is_named() {
        let mut program = Program::new(16);
        program.push(ADD, &[INPUT], &[arena(0.0, 2.0)], &[1.0]).unwrap();
        program.push(ADD, &[NONE], &[OUTPUT], &[1.0]).unwrap();
        let (step, error) = run(&program, 0..2, &mut [0.0; 16], &[1.0, 2.0]).unwrap_err();
        assert_eq!((step, error.argument), (1, "inputs"));
        let (step, error) = run(&program, 1..3, &mut [0.0; 16], &[1.0]).unwrap_err();
        assert_eq!((step, error.argument), (1, "steps"));
    }

    #[test]
    fn places_that_cannot_be_are_refused() {
        let refused = |inputs: &[[f64; 3]], outputs: &[[f64; 3]]| {
            let mut program = Program::new(64);
            program.push(ADD, inputs, outputs, &[0.0]).err().map(|error| error.argument)
        };
        assert_eq!(refused(&[INPUT], &[arena(48.0, 16.0)]), None);
        for place in [arena(48.0, 17.0), arena(64.0, 1.0), arena(8.0, 1.0), arena(0.0, 0.0), [5.0, 0.0, 0.0]] {
            assert_eq!(refused(&[INPUT], &[place]), Some("places"));
            assert_eq!(refused(&[place], &[OUTPUT]), Some("places"));
        }
        assert_eq!(refused(&[arena(f64::INFINITY, f64::MAX)], &[OUTPUT]), Some("places"));
        for place in [NONE, INPUT] {
            assert_eq!(refused(&[INPUT], &[place]), Some("outputs"));
        }
        // A tensor may be written, once and if it is not read; but in place.
        let tensor = [2.0, 1.0, 0.0];
        assert_eq!(refused(&[INPUT], &[tensor]), None);
        assert_eq!(refused(&[tensor], &[tensor]), None);
        assert_eq!(refused(&[INPUT], &[tensor, tensor]), Some("outputs"));
        assert_eq!(refused(&[INPUT, tensor], &[tensor]), Some("outputs"));
        assert_eq!(refused(&[INPUT], &[OUTPUT; 5]), Some("outputs"));
        assert_eq!(refused(&[INPUT], &[OUTPUT, OUTPUT]), Some("outputs"));
        assert_eq!(refused(&[INPUT], &[arena(0.0, 17.0), arena(16.0, 1.0)]), Some("outputs"));
        // In place: exactly, and the first input and output only.
        assert_eq!(refused(&[arena(0.0, 9.0)], &[arena(0.0, 8.0)]), Some("outputs"));
        assert_eq!(refused(&[INPUT, arena(0.0, 8.0)], &[arena(0.0, 8.0)]), Some("outputs"));
        assert_eq!(refused(&[arena(0.0, 8.0)], &[OUTPUT, arena(0.0, 8.0)]), Some("outputs"));
        assert_eq!(
            Program::new(64).push(Operator::plain(add), &[OUTPUT], &[OUTPUT], &[]).unwrap_err().argument,
            "outputs"
        );
    }

    #[test]
    fn numbers_come_again() {
        let mut programs = Programs::default();
        assert_eq!([1, 2, 3].map(|arena| programs.insert(Program::new(arena * 16))), [1, 2, 3]);
        assert_eq!(programs.remove(3), 32);
        assert_eq!(programs.remove(1), 32);
        assert_eq!(programs.remove(9), 32);
        assert!(programs.get_mut(1).is_err() && programs.get_mut(0).is_err());
        assert_eq!(programs.insert(Program::new(16)), 1);
        assert_eq!([2, 1].map(|number| programs.remove(number)), [16, 0]);
    }
}
