//! The one instance's state, and how calls from JavaScript become operators on slices.

use crate::call::{Given, Memory, Operator, Place, Purpose, Scratch, StepRef};
use crate::heap::{Handle, Heap};
use crate::packed::PackedFilters;
use crate::program::{Program, Programs};
use lenslet_kernels::conv::Accuracy;
use lenslet_kernels::memory::Workspace;
use lenslet_kernels::shape::{ErrorCode, SpecError};
use std::cell::RefCell;

/// Numbers that fit the call block: places of inputs and outputs, and words. A `concat` of 1,000 tensors fits.
pub(crate) const CALL_BLOCK_LENGTH: usize = 8192;

/// Everything that outlives a call.
pub(crate) struct Core {
    pub(crate) heap: Heap,
    pub(crate) packed: PackedFilters,
    pub(crate) scratch: Scratch,
    /// Of every convolution.
    pub(crate) accuracy: Accuracy,
    /// JavaScript writes `[inputs.., outputs.., words..]` here before it calls an operator.
    pub(crate) block: Box<[f64]>,
    /// Of all programs: as large as the largest needs it.
    pub(crate) arena: Workspace,
    programs: Programs,
    places: Vec<Place>,
}

impl Core {
    fn new() -> Self {
        Self {
            heap: Heap::default(),
            packed: PackedFilters::default(),
            scratch: Scratch::default(),
            accuracy: Accuracy::default(),
            block: vec![0.0; CALL_BLOCK_LENGTH].into(),
            arena: Workspace::default(),
            programs: Programs::default(),
            places: Vec::new(),
        }
    }

    /// Runs an operator on the tensors whose handles the call block holds, or makes a step of `program` of it.
    pub(crate) fn call(&mut self, program: usize, counts: [usize; 3], operator: Operator) -> Result<(), SpecError> {
        if program != 0 {
            let [inputs, outputs, words] = parts(&self.block, [3 * counts[0], 3 * counts[1], counts[2]])?;
            let [inputs, outputs] = [inputs, outputs].map(|places| places.as_chunks().0);
            return self.programs.get_mut(program)?.push(operator, inputs, outputs, words);
        }
        let Self { heap, packed, scratch, accuracy, block, places, .. } = self;
        let [inputs, outputs, words] = parts(block, counts)?;
        places.clear();
        places.extend(inputs.iter().map(|&handle| match handle as usize {
            0 => Place::None,
            handle => Place::Tensor(handle),
        }));
        places.extend((0..outputs.len()).map(Place::Output));
        let (input_places, output_places) = places.split_at(inputs.len());
        let step = StepRef { operator, inputs: input_places, outputs: output_places, words, in_place: false };
        let mut memory = Memory { heap, packed, scratch, arena: &mut [], accuracy: *accuracy, is_for_steps: false };
        run_twice(&mut memory, step, Given { inputs: &[], outputs })
    }

    /// A buffer of `len` floats. Out of memory, it lets spare memory go and tries once more.
    pub(crate) fn alloc(&mut self, len: usize) -> Result<Handle, SpecError> {
        match self.heap.alloc(len) {
            Err(error) if error.code == ErrorCode::OutOfMemory => {
                self.release_spare();
                self.heap.alloc(len)
            }
            result => result,
        }
    }

    /// Gives back what only makes later calls faster: freed buffers and scratch memory.
    fn release_spare(&mut self) {
        self.heap.release_spare();
        self.scratch.clear();
    }

    /// Frees a tensor and what was made from it.
    pub(crate) fn free(&mut self, handle: Handle) -> bool {
        self.packed.forget(handle);
        self.heap.free(handle)
    }

    /// A program without steps, and room for `arena` floats.
    pub(crate) fn create_program(&mut self, arena: usize) -> Result<usize, SpecError> {
        self.reserve_arena(arena)?;
        Ok(self.programs.insert(Program::new(arena)))
    }

    /// Makes the arena large enough. Out of memory, it lets spare memory go and tries once more.
    fn reserve_arena(&mut self, len: usize) -> Result<(), SpecError> {
        if self.arena.get(len).is_err() {
            self.release_spare();
            self.arena.get(len)?;
        }
        Ok(())
    }

    /// Packs what a program's steps pack, see [`Program::pack`]; the call block holds `passing` handles.
    pub(crate) fn pack_program(&mut self, program: usize, passing: usize) -> Result<(), SpecError> {
        let Self { heap, packed, scratch, accuracy, block, programs, .. } = self;
        let [passing, ..] = parts(block, [passing, 0, 0])?;
        let mut memory = Memory { heap, packed, scratch, arena: &mut [], accuracy: *accuracy, is_for_steps: true };
        let result = programs.get_mut(program)?.pack(&mut memory, passing);
        self.tell_step(result)
    }

    /// Runs some steps of a program on the tensors whose handles the call block holds. Of a step that fails, the block's
    /// first place then holds the index.
    pub(crate) fn run_program(
        &mut self,
        program: usize,
        steps: [usize; 2],
        [inputs, outputs]: [usize; 2],
    ) -> Result<(), SpecError> {
        let len = self.programs.get_mut(program)?.arena;
        self.reserve_arena(len)?;
        let Self { heap, packed, scratch, accuracy, block, arena, programs, .. } = self;
        let [inputs, outputs, _] = parts(block, [inputs, outputs, 0])?;
        let program = programs.get_mut(program)?;
        let arena = arena.get(len)?;
        let mut memory = Memory { heap, packed, scratch, arena, accuracy: *accuracy, is_for_steps: true };
        let [first, end] = steps;
        let given = Given { inputs, outputs };
        let result = program.run(first..end, given, |step, given| run_twice(&mut memory, step, given));
        self.tell_step(result)
    }

    fn tell_step(&mut self, result: Result<(), (usize, SpecError)>) -> Result<(), SpecError> {
        result.map_err(|(step, error)| {
            self.block[0] = step as f64;
            error
        })
    }

    /// How a step of a program is computed, see [`Program::explain`].
    pub(crate) fn explain_step(&mut self, program: usize, step: usize, alone: bool) -> Result<&'static str, SpecError> {
        let Self { heap, packed, scratch, accuracy, programs, .. } = self;
        let mut memory = Memory { heap, packed, scratch, arena: &mut [], accuracy: *accuracy, is_for_steps: !alone };
        programs.get_mut(program)?.explain(step, &mut memory)
    }

    /// Forgets a program. The arena goes with the last one, and shrinks to what the others need at their next run.
    pub(crate) fn free_program(&mut self, program: usize) {
        let needed = self.programs.remove(program);
        if self.arena.bytes() / 4 > needed.next_multiple_of(16) {
            self.arena.clear();
        }
    }
}

/// The three parts of what JavaScript wrote to the call block.
fn parts(block: &[f64], [a, b, c]: [usize; 3]) -> Result<[&[f64]; 3], SpecError> {
    let overflow = || SpecError::invalid("words", "a call has at most {} numbers").number(CALL_BLOCK_LENGTH);
    let (first, rest) = block.split_at_checked(a).ok_or_else(overflow)?;
    let (second, rest) = rest.split_at_checked(b).ok_or_else(overflow)?;
    Ok([first, second, rest.get(..c).ok_or_else(overflow)?])
}

/// Runs a step. Out of memory, it lets spare memory go and tries once more.
fn run_twice(memory: &mut Memory, step: StepRef, given: Given) -> Result<(), SpecError> {
    match memory.run(step, given, Purpose::Run) {
        Err(error) if error.code == ErrorCode::OutOfMemory => {
            memory.heap.release_spare();
            memory.scratch.clear();
            memory.run(step, given, Purpose::Run)
        }
        result => result,
    }
}

thread_local! {
    static CORE: RefCell<Core> = RefCell::new(Core::new());
    /// What the last call that had something to say says.
    static TEXT: RefCell<String> = const { RefCell::new(String::new()) };
}

/// Keeps an error's text for JavaScript (the argument, a line feed, the message) and gives its code; 0 for none.
pub(crate) fn report<T>(result: Result<T, SpecError>) -> u32 {
    match result {
        Ok(_) => 0,
        Err(error) => {
            TEXT.set([error.argument, "\n", &error.message].concat());
            error.code as u32
        }
    }
}

/// Keeps a text for JavaScript.
pub(crate) fn say(text: &str) {
    TEXT.set(text.into());
}

/// Where the last text lies, and its length in bytes.
pub(crate) fn last_text() -> (usize, usize) {
    TEXT.with_borrow(|text| (text.as_ptr().addr(), text.len()))
}

/// Runs `f` on the instance's state.
pub(crate) fn with_core<T>(f: impl FnOnce(&mut Core) -> T) -> T {
    CORE.with_borrow_mut(f)
}
