//! Packed filters: what is prepared once for a filter tensor and used by every call.

use crate::memory::Buffer;
use crate::shape::{Layout, SpecError};

/// How a filter is packed. Operators with equal keys share packed filters: image sizes, paddings and activations are not part of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct PackingKey {
    pub(crate) form: PackedForm,
    /// Of the given filter: true for the layout that PyTorch and ONNX use.
    pub(crate) channels_first: bool,
    pub(crate) taps: [usize; 2],
    /// Input channels and output channels of a group.
    pub(crate) channels: [usize; 2],
    pub(crate) groups: usize,
}

/// What the numbers of a packed filter are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum PackedForm {
    /// Panels for the matrix product, a matrix a group.
    Panels,
    /// `[planes of four channels][taps][4]`.
    Depthwise,
    /// Vectors of weights for rows of pictures, see [`super::picture`].
    Picture,
    /// The same, or those of a column and of a row.
    Separable,
    /// Panels, a matrix for each of Winograd's points.
    Winograd,
    /// The same for windows at a stride of two.
    WinogradStrided,
    /// Panels, of each a matrix for each of Winograd's points along a row.
    WinogradRows,
    /// Panels, a matrix a group and phase; the periods of taps that share a phase.
    Phases([usize; 2]),
    /// Panels of a matrix with a column for each output of a block, see [`super::blocks`].
    Blocks,
}

/// A filter in the form that a strategy wants.
pub struct PackedFilter {
    key: PackingKey,
    buffer: Buffer,
}

impl PackedFilter {
    /// Packs into a new buffer of `len` zeros.
    pub(crate) fn new(key: PackingKey, len: usize, fill: impl FnOnce(&mut [f32])) -> Result<Self, SpecError> {
        let mut buffer = Buffer::zeroed(len)?;
        fill(buffer.as_mut_slice());
        Ok(Self { key, buffer })
    }
    /// How it was packed.
    pub fn key(&self) -> PackingKey {
        self.key
    }
    /// Bytes that it takes.
    pub fn bytes(&self) -> usize {
        self.buffer.bytes()
    }
    /// The numbers, if they are packed as `key` says.
    pub(crate) fn values(&self, argument: &'static str, key: PackingKey) -> Result<&[f32], SpecError> {
        if self.key == key {
            return Ok(self.buffer.as_slice());
        }
        Err(SpecError::mismatch(argument, "is packed in another form than the operator needs"))
    }
}

/// An operator whose filter is packed once.
pub trait Packs {
    /// How it wants its filter packed.
    fn packing(&self) -> PackingKey;
    /// Packs a filter, given in the operator's filter layout.
    fn pack(&self, filter: &[f32]) -> Result<PackedFilter, SpecError>;
}

/// True for [`Layout::Nchw`].
pub(crate) fn channels_first(layout: Layout) -> bool {
    layout == Layout::Nchw
}
