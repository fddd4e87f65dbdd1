//! The buffers of tensors, named by handles.
//!
//! JavaScript writes and reads elements through views at a buffer's offset in linear memory; operators look buffers up by
//! handle, so a handle that was never handed out, or was freed, is an error and never a wild access.

use lenslet_kernels::memory::Buffer;
use lenslet_kernels::shape::{SpecError, checked_len};
use std::collections::VecDeque;

/// Freed buffers kept for tensors of the same size, so that a loop over frames allocates (and zeroes) nothing after its
/// first round. The oldest go first.
const MAX_SPARE_BYTES: usize = 64 << 20;
const MAX_SPARE_BUFFERS: usize = 64;

/// Names a tensor in the core: 1, 2, 3, ...; those of freed tensors come again. 0 stands for "no tensor".
pub(crate) type Handle = usize;

/// A tensor's place.
enum Slot {
    /// Nobody's.
    Vacant,
    /// A tensor's, with its elements, unless they were released or are lent to the operator that writes them.
    Taken(Option<Buffer>),
}

/// Live buffers by handle, and spare ones.
#[derive(Default)]
pub(crate) struct Heap {
    /// The slot of handle 1 is the first.
    slots: Vec<Slot>,
    vacant: Vec<Handle>,
    live_bytes: usize,
    spare: VecDeque<Buffer>,
    spare_bytes: usize,
}

impl Heap {
    /// A buffer of `len` floats with arbitrary contents.
    pub(crate) fn alloc(&mut self, len: usize) -> Result<Handle, SpecError> {
        checked_len("length", &[len])?;
        let buffer = match self.spare.iter_mut().rposition(|spare| spare.relabel(len)) {
            Some(index) => self.spare.remove(index).inspect(|spare| self.spare_bytes -= spare.bytes()),
            None => None,
        };
        let buffer = match buffer {
            Some(buffer) => buffer,
            None => Buffer::zeroed(len)?,
        };
        self.live_bytes += buffer.bytes();
        let slot = Slot::Taken(Some(buffer));
        Ok(match self.vacant.pop() {
            Some(handle) => {
                self.slots[handle - 1] = slot;
                handle
            }
            None => {
                self.slots.push(slot);
                self.slots.len()
            }
        })
    }

    /// Takes a buffer back; false if the handle names none.
    pub(crate) fn free(&mut self, handle: Handle) -> bool {
        let Some(slot @ Slot::Taken(_)) = self.slots.get_mut(handle.wrapping_sub(1)) else { return false };
        let slot = std::mem::replace(slot, Slot::Vacant);
        self.vacant.push(handle);
        let Slot::Taken(Some(buffer)) = slot else { return true };
        self.live_bytes -= buffer.bytes();
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

    /// Gives the elements of a tensor back to the allocator; its handle stays taken.
    pub(crate) fn release(&mut self, handle: Handle) {
        if let Some(buffer) = self.take(handle) {
            self.live_bytes -= buffer.bytes();
        }
    }

    /// The elements of a tensor.
    pub(crate) fn get(&self, handle: Handle) -> Option<&[f32]> {
        match self.slots.get(handle.wrapping_sub(1)) {
            Some(Slot::Taken(Some(buffer))) => Some(buffer.as_slice()),
            _ => None,
        }
    }

    /// Lends a buffer, so that an operator may write it while it reads others.
    pub(crate) fn take(&mut self, handle: Handle) -> Option<Buffer> {
        match self.slots.get_mut(handle.wrapping_sub(1)) {
            Some(Slot::Taken(buffer)) => buffer.take(),
            _ => None,
        }
    }

    /// Puts a lent buffer back.
    pub(crate) fn put_back(&mut self, handle: Handle, buffer: Buffer) {
        if let Some(Slot::Taken(place)) = self.slots.get_mut(handle.wrapping_sub(1)) {
            *place = Some(buffer);
        }
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
        let place = heap.get(first).unwrap().as_ptr();
        assert_eq!(heap.bytes(), (448, 0));
        assert!(heap.free(first));
        assert_eq!(heap.bytes(), (0, 448));
        assert!(!heap.free(first), "freed twice");
        assert!(heap.get(first).is_none());
        let second = heap.alloc(97).unwrap();
        assert_eq!(heap.get(second).map(|elements| (elements.as_ptr(), elements.len())), Some((place, 97)));
        assert_eq!(heap.bytes(), (448, 0));
    }

    #[test]
    fn spare_buffers_are_bounded() {
        let mut heap = Heap::default();
        let handles: Vec<Handle> = (1..=200).map(|i| heap.alloc(i * 16).unwrap()).collect();
        for handle in handles {
            assert!(heap.free(handle));
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

    #[test]
    fn handles_that_name_nothing_do_nothing() {
        let mut heap = Heap::default();
        for handle in [0, 1, 7, usize::MAX] {
            assert!(heap.get(handle).is_none() && heap.take(handle).is_none() && !heap.free(handle));
        }
    }

    #[test]
    fn a_released_tensor_keeps_its_handle() {
        let mut heap = Heap::default();
        let first = heap.alloc(16).unwrap();
        heap.release(first);
        heap.release(first);
        assert_eq!(heap.bytes(), (0, 0));
        assert!(heap.get(first).is_none());
        assert_ne!(heap.alloc(16), Ok(first));
        assert!(heap.free(first));
        assert_eq!(heap.bytes(), (64, 0));
    }

    #[test]
    fn a_lent_buffer_cannot_be_read_until_it_is_back() {
        let mut heap = Heap::default();
        let handle = heap.alloc(3).unwrap();
        let mut buffer = heap.take(handle).unwrap();
        buffer.as_mut_slice().fill(5.0);
        assert!(heap.get(handle).is_none());
        heap.put_back(handle, buffer);
        assert_eq!(heap.get(handle), Some([5.0; 3].as_slice()));
        assert_eq!(heap.bytes(), (64, 0));
    }
}
