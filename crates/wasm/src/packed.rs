//! Filters in the form that the kernels want, kept as long as the tensor that they were made from.

use lenslet_kernels::conv::{PackedFilter, Packs};
use lenslet_kernels::shape::SpecError;
use std::collections::HashMap;

/// Packed filters by the offset of the filter tensor. Tensors never change, so an entry is right until its buffer is freed.
#[derive(Default)]
pub(crate) struct PackedFilters {
    by_filter: HashMap<usize, Vec<PackedFilter>>,
    bytes: usize,
    packs: usize,
}

impl PackedFilters {
    /// The packed form of the filter at `offset` that `operator` wants, made now unless it was made before.
    pub(crate) fn get(
        &mut self,
        operator: &impl Packs,
        offset: usize,
        filter: &[f32],
    ) -> Result<&PackedFilter, SpecError> {
        let key = operator.packing();
        let forms = self.by_filter.entry(offset).or_default();
        let index = match forms.iter().position(|form| form.key() == key) {
            Some(index) => index,
            None => {
                let form = operator.pack(filter)?;
                self.bytes += form.bytes();
                self.packs += 1;
                forms.push(form);
                forms.len() - 1
            }
        };
        Ok(&forms[index])
    }

    /// Forgets what was made from a filter.
    pub(crate) fn forget(&mut self, offset: usize) {
        for form in self.by_filter.remove(&offset).unwrap_or_default() {
            self.bytes -= form.bytes();
        }
    }

    /// Bytes held now, and how often a filter was packed so far.
    pub(crate) fn usage(&self) -> (usize, usize) {
        (self.bytes, self.packs)
    }
}
