//! Dropout by a counter-based generator: which elements are dropped follows from a seed, a stream, a step and the element's index, so
//! that the backward pass finds the same ones, on any thread and in any build.

use crate::shape::{SpecError, expect_len};

/// Ten rounds of Philox 4x32 (Salmon, Moraes, Dror and Shaw, "Parallel random numbers: as easy as 1, 2, 3", 2011).
pub fn philox(mut counter: [u32; 4], mut key: [u32; 2]) -> [u32; 4] {
    for _ in 0..10 {
        let [a, b, c, d] = counter;
        let products = [u64::from(a) * 0xd251_1f53, u64::from(c) * 0xcd9e_8d57];
        let [high_a, high_c] = products.map(|product| (product >> 32) as u32);
        counter = [high_c ^ b ^ key[0], products[1] as u32, high_a ^ d ^ key[1], products[0] as u32];
        key = [key[0].wrapping_add(0x9e37_79b9), key[1].wrapping_add(0xbb67_ae85)];
    }
    counter
}

/// Which elements are dropped.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Dropout {
    rate: f32,
    key: [u32; 2],
    stream: u32,
    step: u32,
}

impl Dropout {
    /// Each element is dropped with probability `rate`, 0 to below 1. `stream` tells the layers of a network apart, `step` its steps.
    pub fn new(rate: f32, seed: [u32; 2], stream: u32, step: u32) -> Result<Self, SpecError> {
        if !(0.0..1.0).contains(&rate) {
            return Err(SpecError::invalid("rate", "is not from 0 to below 1"));
        }
        Ok(Self { rate, key: seed, stream, step })
    }

    /// Zeros where an element is dropped, `x / (1 - rate)` where not: the mean stays. Forward for `x`, backward for its gradient.
    pub fn run(&self, input: &[f32], output: &mut [f32]) -> Result<(), SpecError> {
        expect_len("output", output.len(), input.len())?;
        // As many of the 2^32 numbers as the rate asks for.
        let dropped = (f64::from(self.rate) * 4_294_967_296.0) as u32;
        let factor = 1.0 / (1.0 - self.rate);
        for (i, (from, to)) in input.chunks(4).zip(output.chunks_mut(4)).enumerate() {
            // Fewer than 2^29 elements.
            let numbers = philox([i as u32, 0, self.stream, self.step], self.key);
            for ((from, to), number) in from.iter().zip(to).zip(numbers) {
                *to = if number < dropped { 0.0 } else { from * factor };
            }
        }
        Ok(())
    }
}
