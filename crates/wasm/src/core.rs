//! The one instance's state, and how a call from JavaScript becomes an operator on slices.

use crate::heap::Heap;
use crate::packed::PackedFilters;
use crate::words::Words;
use lenslet_kernels::conv::Accuracy;
use lenslet_kernels::memory::{Buffer, Workspace};
use lenslet_kernels::shape::{ErrorCode, SpecError};
use std::cell::RefCell;

/// Numbers that fit the call block: offsets of inputs and outputs, and words. A `concat` of 1,000 tensors fits.
pub(crate) const CALL_BLOCK_LENGTH: usize = 4096;

/// Everything that outlives a call.
pub(crate) struct Core {
    pub(crate) heap: Heap,
    pub(crate) packed: PackedFilters,
    pub(crate) scratch: Scratch,
    /// Of every convolution.
    pub(crate) accuracy: Accuracy,
    /// JavaScript writes `[inputs.., outputs.., words..]` here before it calls an operator.
    pub(crate) block: Box<[f64]>,
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

    fn clear(&mut self) {
        *self = Self::default();
    }
}

/// What an operator works with.
pub(crate) struct Call<'a> {
    pub(crate) inputs: Inputs<'a>,
    pub(crate) outputs: &'a mut [Buffer],
    pub(crate) words: Words<'a>,
    pub(crate) scratch: &'a mut Scratch,
    pub(crate) packed: &'a mut PackedFilters,
    pub(crate) accuracy: Accuracy,
}

/// The input tensors of a call.
#[derive(Clone, Copy)]
pub(crate) struct Inputs<'a> {
    heap: &'a Heap,
    offsets: &'a [f64],
}

impl<'a> Inputs<'a> {
    /// Number of inputs, absent ones counted.
    pub(crate) fn len(&self) -> usize {
        self.offsets.len()
    }

    /// Where input `index` lies; 0 if it is absent.
    pub(crate) fn offset(&self, index: usize) -> usize {
        self.offsets.get(index).map_or(0, |&offset| offset as usize)
    }

    /// The elements of input `index`, or nothing if it is absent.
    pub(crate) fn optional(&self, index: usize) -> Result<Option<&'a [f32]>, SpecError> {
        match self.offset(index) {
            0 => Ok(None),
            offset => {
                self.heap.get(offset).map(Some).ok_or_else(|| {
                    SpecError::invalid("inputs", format!("input {index} at {offset} is not a live buffer"))
                })
            }
        }
    }

    /// The elements of input `index`.
    pub(crate) fn get(&self, index: usize) -> Result<&'a [f32], SpecError> {
        self.optional(index)?.ok_or_else(|| SpecError::invalid("inputs", format!("input {index} is missing")))
    }
}

/// The elements of output `index`.
pub(crate) fn output(outputs: &mut [Buffer], index: usize) -> Result<&mut [f32], SpecError> {
    outputs
        .get_mut(index)
        .map(Buffer::as_mut_slice)
        .ok_or_else(|| SpecError::invalid("outputs", format!("output {index} is missing")))
}

/// An operator at the boundary.
pub(crate) type Operator = fn(Call) -> Result<(), SpecError>;

impl Core {
    fn new() -> Self {
        Self {
            heap: Heap::default(),
            packed: PackedFilters::default(),
            scratch: Scratch::default(),
            accuracy: Accuracy::default(),
            block: vec![0.0; CALL_BLOCK_LENGTH].into(),
        }
    }

    /// Runs an operator on the call block. Out of memory, it lets spare memory go and tries once more.
    pub(crate) fn call(&mut self, counts: [usize; 3], operator: Operator) -> Result<(), SpecError> {
        let result = self.try_call(counts, operator);
        match result {
            Err(error) if error.code == ErrorCode::OutOfMemory => {
                self.release_spare();
                self.try_call(counts, operator)
            }
            result => result,
        }
    }

    /// A buffer of `len` floats. Out of memory, it lets spare memory go and tries once more.
    pub(crate) fn alloc(&mut self, len: usize) -> Result<usize, SpecError> {
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

    fn try_call(&mut self, [inputs, outputs, words]: [usize; 3], operator: Operator) -> Result<(), SpecError> {
        let Self { heap, packed, scratch, accuracy, block } = self;
        let overflow = || SpecError::invalid("words", format!("a call has at most {CALL_BLOCK_LENGTH} numbers"));
        let (inputs, rest) = block.split_at_checked(inputs).ok_or_else(overflow)?;
        let (outputs, rest) = rest.split_at_checked(outputs).ok_or_else(overflow)?;
        let words = rest.get(..words).ok_or_else(overflow)?;

        // Out of the heap while they are written: an operator cannot read what it writes, and a buffer named twice is missing.
        let mut buffers = Vec::with_capacity(outputs.len());
        let mut missing = None;
        for &offset in outputs {
            match heap.take(offset as usize) {
                Some(buffer) => buffers.push(buffer),
                None => missing = Some(offset),
            }
        }
        let result = match missing {
            Some(offset) => Err(SpecError::invalid("outputs", format!("{offset} is not a live buffer"))),
            None => {
                let inputs = Inputs { heap, offsets: inputs };
                operator(Call {
                    inputs,
                    outputs: &mut buffers,
                    words: Words(words),
                    scratch,
                    packed,
                    accuracy: *accuracy,
                })
            }
        };
        for buffer in buffers {
            heap.insert(buffer);
        }
        result
    }

    /// Frees a tensor and what was made from it.
    pub(crate) fn free(&mut self, offset: usize) -> bool {
        self.packed.forget(offset);
        self.heap.free(offset)
    }
}

thread_local! {
    static CORE: RefCell<Core> = RefCell::new(Core::new());
    /// What the last failed call has to say. Apart from [`Core`]: a panic hook runs while that is borrowed.
    static ERROR: RefCell<String> = const { RefCell::new(String::new()) };
}

/// Keeps an error's text for JavaScript (the argument, a line feed, the message) and gives its code; 0 for none.
pub(crate) fn report<T>(result: Result<T, SpecError>) -> u32 {
    match result {
        Ok(_) => 0,
        Err(error) => {
            ERROR.set(format!("{}\n{}", error.argument, error.message));
            error.code as u32
        }
    }
}

/// Keeps the text of panics for JavaScript, which sees no more of them than a trap.
pub(crate) fn keep_panics() {
    std::panic::set_hook(Box::new(|info| ERROR.set(format!("core\n{info}"))));
}

/// Where the text of the last error lies, and its length in bytes.
pub(crate) fn last_error() -> (usize, usize) {
    ERROR.with_borrow(|text| (text.as_ptr().addr(), text.len()))
}

/// Runs `f` on the instance's state.
pub(crate) fn with_core<T>(f: impl FnOnce(&mut Core) -> T) -> T {
    CORE.with_borrow_mut(f)
}
