//! The gradient of a resize: each output element gives its gradient back to the elements that it was made of.

use crate::memory::Workspace;
use crate::norm::add_product;
use crate::resize::Resize2d;
use crate::shape::{SpecError, expect_len};

/// The gradient with respect to the input, `[n, in_h, in_w, c]`, of any mode.
pub fn resize2d(
    resize: &Resize2d,
    grad_output: &[f32],
    workspace: &mut Workspace,
    grad_input: &mut [f32],
) -> Result<(), SpecError> {
    let (from, to) = (resize.image(), resize.output());
    expect_len("gradOutput", grad_output.len(), to.len())?;
    expect_len("gradInput", grad_input.len(), from.len())?;
    let [rows, columns] = resize.tables()?;
    let (c, from_len, to_len) = (from.c, from.w * from.c, to.w * to.c);
    let row = workspace.get(from_len)?;
    grad_input.fill(0.0);
    let images = grad_output.chunks_exact(to.h * to_len);
    for (gradients, image) in images.zip(grad_input.chunks_exact_mut(from.h * from_len)) {
        for (y, gradients) in gradients.chunks_exact(to_len).enumerate() {
            // Along the row first: every row of the output once, however many rows of the input it came from.
            row.fill(0.0);
            for (x, gradient) in gradients.chunks_exact(c).enumerate() {
                let taps = columns.at(x);
                for (to, &weight) in row[taps.first * c..].chunks_exact_mut(c).zip(taps.weights) {
                    add_product(weight, gradient, to);
                }
            }
            let taps = rows.at(y);
            for (to, &weight) in image[taps.first * from_len..].chunks_exact_mut(from_len).zip(taps.weights) {
                add_product(weight, row, to);
            }
        }
    }
    Ok(())
}
