//! Buffers of floats: aligned to cache lines, initialised, and allocated without aborting when memory is short.

use crate::shape::SpecError;

/// Floats of a cache line on today's machines: vectors in an aligned buffer never straddle two.
const LINE: usize = 16;

/// An owned run of floats that begins at a cache line.
///
/// Allocated at the alignment that the allocator gives anyway, with room to move up to the next line: asked for more, the
/// one of WebAssembly takes a larger chunk and cuts it to size, so that a freed buffer is too small for the next of its size.
pub struct Buffer {
    words: Box<[u64]>,
    /// Floats before the first line.
    start: usize,
    lines: usize,
    len: usize,
}

impl Buffer {
    /// `len` zeros, or an [`ErrorCode::OutOfMemory`].
    pub fn zeroed(len: usize) -> Result<Self, SpecError> {
        let lines = len.div_ceil(LINE);
        let spare = if lines == 0 { 0 } else { LINE / 2 - 1 };
        let words: Box<[u64]> = bytemuck::allocation::try_zeroed_slice_box(lines * (LINE / 2) + spare)
            .map_err(|()| SpecError::out_of_memory(len as u64 * 4))?;
        let start = if lines == 0 { 0 } else { words.as_ptr().addr().wrapping_neg() % (LINE * 4) / 4 };
        Ok(Self { words, start, lines, len })
    }
    /// Floats.
    pub fn len(&self) -> usize {
        self.len
    }
    /// True if it has no floats.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }
    /// Bytes taken, up to the end of the last line.
    pub fn bytes(&self) -> usize {
        self.lines * LINE * 4
    }
    /// The floats.
    pub fn as_slice(&self) -> &[f32] {
        &bytemuck::cast_slice(&self.words)[self.start..][..self.len]
    }
    /// The floats.
    pub fn as_mut_slice(&mut self) -> &mut [f32] {
        &mut bytemuck::cast_slice_mut(&mut self.words)[self.start..][..self.len]
    }
    /// Another length that fits the same lines, contents kept; false if it does not fit them exactly.
    pub fn relabel(&mut self, len: usize) -> bool {
        let fits = len.div_ceil(LINE) == self.lines;
        if fits {
            self.len = len;
        }
        fits
    }
}

/// Scratch memory that grows to the largest call and is used again. Contents are whatever the last call left.
#[derive(Default)]
pub struct Workspace(Option<Buffer>);

impl Workspace {
    /// `len` floats with arbitrary contents, aligned to 64 bytes.
    pub fn get(&mut self, len: usize) -> Result<&mut [f32], SpecError> {
        if self.bytes() / 4 < len {
            self.0 = None; // freed first: the old and the new one need not fit together
            self.0 = Some(Buffer::zeroed(len.next_multiple_of(16))?);
        }
        Ok(self.0.as_mut().map_or(&mut [], |buffer| &mut buffer.as_mut_slice()[..len]))
    }
    /// Bytes held.
    pub fn bytes(&self) -> usize {
        self.0.as_ref().map_or(0, Buffer::bytes)
    }
    /// Gives the memory back.
    pub fn clear(&mut self) {
        self.0 = None;
    }
}
