//! What operators refuse, and why.

use core::fmt;
use core::ops::Deref;

/// What is wrong with a spec, for programs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u32)]
pub enum ErrorCode {
    /// A value that no operator of this kind may have: a stride of 0, an unknown mode.
    InvalidArgument = 1,
    /// Two sizes that should agree do not.
    ShapeMismatch = 2,
    /// The output would have no elements.
    EmptyOutput = 3,
    /// More than [`MAX_LEN`](super::MAX_LEN) elements.
    TooLarge = 4,
    /// No memory for the output, the packed filter or the workspace.
    OutOfMemory = 5,
}

/// A spec or a buffer that an operator refuses.
///
/// One pointer, so that a result on its way up is a register; the texts are filled in without `core::fmt`. Both together
/// are 5% of the WebAssembly core.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SpecError(Box<Refusal>);

/// What a [`SpecError`] says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// For programs.
    pub code: ErrorCode,
    /// The field at fault, in the words of the spec.
    pub argument: &'static str,
    /// For people: what came and what was expected.
    pub message: String,
}

impl SpecError {
    /// An error whose message has a `{}` for each number or list that is to come, see [`SpecError::number`].
    #[cold]
    #[inline(never)]
    pub fn new(code: ErrorCode, argument: &'static str, message: &'static str) -> Self {
        Self(Box::new(Refusal { code, argument, message: message.into() }))
    }
    /// An [`ErrorCode::InvalidArgument`].
    #[cold]
    #[inline(never)]
    pub fn invalid(argument: &'static str, message: &'static str) -> Self {
        Self::new(ErrorCode::InvalidArgument, argument, message)
    }
    /// An [`ErrorCode::ShapeMismatch`].
    #[cold]
    #[inline(never)]
    pub fn mismatch(argument: &'static str, message: &'static str) -> Self {
        Self::new(ErrorCode::ShapeMismatch, argument, message)
    }
    /// The [`ErrorCode::InvalidArgument`] of a code above `last`, the last one that there is.
    #[cold]
    #[inline(never)]
    pub fn unknown_code(argument: &'static str, code: u32, last: usize) -> Self {
        Self::invalid(argument, "has the unknown code {}; expected 0 to {}").number(code as usize).number(last)
    }
    /// The [`ErrorCode::OutOfMemory`] of memory that cannot be had.
    #[cold]
    #[inline(never)]
    pub fn out_of_memory(bytes: u64) -> Self {
        Self::new(ErrorCode::OutOfMemory, "memory", "no {} bytes left").integer(bytes as i64)
    }
    /// Puts a number at the message's first `{}`.
    #[cold]
    #[inline(never)]
    pub fn number(mut self, number: usize) -> Self {
        self.fill(|text| push_number(text, number as u64));
        self
    }
    /// Puts a number that may be negative at the message's first `{}`.
    #[cold]
    #[inline(never)]
    pub fn integer(mut self, number: i64) -> Self {
        self.fill(|text| {
            if number < 0 {
                text.push('-');
            }
            push_number(text, number.unsigned_abs());
        });
        self
    }
    /// Puts sizes at the message's first `{}`: `[2, 3]`.
    #[cold]
    #[inline(never)]
    pub fn list(mut self, sizes: &[usize]) -> Self {
        self.fill(|text| {
            text.push('[');
            for (i, &size) in sizes.iter().enumerate() {
                if i > 0 {
                    text.push_str(", ");
                }
                push_number(text, size as u64);
            }
            text.push(']');
        });
        self
    }

    fn fill(&mut self, push: impl FnOnce(&mut String)) {
        let message = &mut self.0.message;
        let Some(place) = message.bytes().position(|byte| byte == b'{') else {
            debug_assert!(false, "{message:?} has no place for another value");
            return;
        };
        let behind = message.split_off(place);
        push(message);
        message.push_str(behind.get(2..).unwrap_or_default());
    }
}

/// Appends the digits of a number.
fn push_number(text: &mut String, number: u64) {
    if number >= 10 {
        push_number(text, number / 10);
    }
    text.push(char::from(b'0' + (number % 10) as u8));
}

impl Deref for SpecError {
    type Target = Refusal;
    fn deref(&self) -> &Refusal {
        &self.0
    }
}

impl fmt::Display for SpecError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.argument, self.message)
    }
}

impl core::error::Error for SpecError {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_take_their_places_in_order() {
        let error = SpecError::mismatch("shape", "{} does not broadcast to {} on axis {}");
        let error = error.list(&[2, 30]).list(&[]).number(1_234_567_890);
        assert_eq!(error.message, "[2, 30] does not broadcast to [] on axis 1234567890");
        assert_eq!(error.to_string(), format!("shape: {}", error.message));
    }

    #[test]
    fn numbers_are_written_in_full() {
        for number in [0, 9, 10, 100, 101, usize::MAX] {
            assert_eq!(SpecError::invalid("k", "is {}").number(number).message, format!("is {number}"));
        }
        for number in [i64::MIN, -10, 0, i64::MAX] {
            assert_eq!(SpecError::invalid("k", "is {}").integer(number).message, format!("is {number}"));
        }
    }

    #[test]
    fn an_error_is_one_pointer() {
        assert_eq!(size_of::<Result<(), SpecError>>(), size_of::<usize>());
    }
}
