//! The buffers of tensors, named by their offset in linear memory.
//!
//! JavaScript writes and reads elements through views at these offsets; operators look them up here, so an offset that
//! was never handed out, or was freed, is an error and never a wild access.

use lenslet_kernels::memory::Buffer;
use lenslet_kernels::shape::{SpecError, checked_len};
use std::collections::{HashMap, VecDeque};

/// Freed buffers kept for tensors of the same size, so that a loop over frames allocates (and zeroes) nothing after its
/// first round. The oldest go first.
const MAX_SPARE_BYTES: usize = 64 << 20;
const MAX_SPARE_BUFFERS: usize = 64;

/// Live buffers by offset, and spare ones.
#[derive(Default)]
pub(crate) struct Heap {
    live: HashMap<usize, Buffer>,
    live_bytes: usize,
    spare: VecDeque<Buffer>,
    spare_bytes: usize,
}

impl Heap {
    /// A buffer of `len` floats with arbitrary contents.
    pub(crate) fn alloc(&mut self, len: usize) -> Result<usize, SpecError> {
        checked_len("length", &[len])?;
        let buffer = match self.spare.iter_mut().rposition(|spare| spare.relabel(len)) {
            Some(index) => self.spare.remove(index).inspect(|spare| self.spare_bytes -= spare.bytes()),
            None => None,
        };
        let buffer = match buffer {
            Some(buffer) => buffer,
            None => Buffer::zeroed(len)?,
        };
        Ok(self.insert(buffer))
    }

    /// Takes a buffer back; false if the offset names none.
    pub(crate) fn free(&mut self, offset: usize) -> bool {
        let Some(buffer) = self.take(offset) else { return false };
        if buffer.bytes() > MAX_SPARE_BYTES {
            return true; // not worth all the others
        }
        self.spare_bytes += buffer.bytes();
        self.spare.push_back(buffer);
        while self.spare_bytes > MAX_SPARE_BYTES || self.spare.len() > MAX_SPARE_BUFFERS {
            self.spare_bytes -= self.spare.pop_front().map_or(0, |oldest| oldest.bytes());
        }
        true
    }

    /// The elements at `offset`.
    pub(crate) fn get(&self, offset: usize) -> Option<&[f32]> {
        self.live.get(&offset).map(Buffer::as_slice)
    }

    /// Moves a buffer out, so that an operator may write it while it reads others; it keeps its offset.
    pub(crate) fn take(&mut self, offset: usize) -> Option<Buffer> {
        self.live.remove(&offset).inspect(|buffer| self.live_bytes -= buffer.bytes())
    }

    /// Moves a buffer (back) in and gives its offset.
    pub(crate) fn insert(&mut self, buffer: Buffer) -> usize {
        let offset = buffer.as_slice().as_ptr().addr();
        self.live_bytes += buffer.bytes();
        self.live.insert(offset, buffer);
        offset
    }

    /// Gives the spare buffers back to the allocator.
    pub(crate) fn release_spare(&mut self) {
        self.spare_bytes = 0;
        self.spare.clear();
    }

    /// Bytes of live and of spare buffers.
    pub(crate) fn bytes(&self) -> (usize, usize) {
        (self.live_bytes, self.spare_bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_freed_buffer_serves_the_next_tensor_of_its_size() {
        let mut heap = Heap::default();
        let first = heap.alloc(100).unwrap();
        assert_eq!(heap.bytes(), (448, 0));
        assert!(heap.free(first));
        assert_eq!(heap.bytes(), (0, 448));
        assert!(!heap.free(first), "freed twice");
        assert!(heap.get(first).is_none());
        let second = heap.alloc(97).unwrap();
        assert_eq!(second, first);
        assert_eq!(heap.get(second).map(<[f32]>::len), Some(97));
        assert_eq!(heap.bytes(), (448, 0));
    }

    #[test]
    fn spare_buffers_are_bounded() {
        let mut heap = Heap::default();
        let offsets: Vec<usize> = (1..=200).map(|i| heap.alloc(i * 16).unwrap()).collect();
        for offset in offsets {
            assert!(heap.free(offset));
        }
        assert!(heap.spare.len() <= MAX_SPARE_BUFFERS);
        assert_eq!(heap.spare_bytes, heap.spare.iter().map(Buffer::bytes).sum::<usize>());
        let (_, before) = heap.bytes();
        let large = heap.alloc(MAX_SPARE_BYTES).unwrap();
        assert!(heap.free(large));
        assert_eq!(heap.bytes(), (0, before), "a buffer too large to keep displaces no other");
    }

    #[test]
    fn sizes_that_cannot_be_are_refused() {
        let mut heap = Heap::default();
        assert!(heap.alloc(0).is_err());
        assert!(heap.alloc(usize::MAX).is_err());
    }
}
