//! Filters in the form that the kernels want, kept as long as the tensor that they were made from.

use crate::call::Inputs;
use crate::heap::Handle;
use lenslet_kernels::conv::{PackedFilter, Packs};
use lenslet_kernels::shape::SpecError;

/// Packed filters by the handle of the filter tensor. An entry is right until its tensor is freed, or written by a step of training.
#[derive(Default)]
pub(crate) struct PackedFilters {
    by_filter: Vec<Vec<PackedFilter>>,
    /// The last filter that was no tensor but a step's result: nothing of it outlives the step.
    passing: Option<PackedFilter>,
    bytes: usize,
    packs: usize,
}

impl PackedFilters {
    /// The packed form that `operator` wants of input `index`, made now unless it was made before.
    pub(crate) fn get(
        &mut self,
        operator: &dyn Packs,
        inputs: Inputs,
        index: usize,
    ) -> Result<&PackedFilter, SpecError> {
        let Some(handle) = inputs.handle(index) else {
            self.packs += 1;
            return Ok(self.passing.insert(operator.pack(inputs.get(index)?)?));
        };
        if self.by_filter.len() <= handle {
            self.by_filter.resize_with(handle + 1, Vec::new);
        }
        let key = operator.packing();
        let forms = &mut self.by_filter[handle];
        let place = match forms.iter().position(|form| form.key() == key) {
            Some(place) => place,
            None => {
                let form = operator.pack(inputs.get(index)?)?;
                self.bytes += form.bytes();
                self.packs += 1;
                forms.push(form);
                forms.len() - 1
            }
        };
        Ok(&forms[place])
    }

    /// Forgets what was made from a filter.
    pub(crate) fn forget(&mut self, handle: Handle) {
        if let Some(forms) = self.by_filter.get_mut(handle) {
            for form in std::mem::take(forms) {
                self.bytes -= form.bytes();
            }
        }
    }

    /// Forgets the filter of a step that is over.
    pub(crate) fn forget_passing(&mut self) {
        self.passing = None;
    }

    /// Bytes held now, and how often a filter was packed so far.
    pub(crate) fn usage(&self) -> (usize, usize) {
        (self.bytes, self.packs)
    }
}
