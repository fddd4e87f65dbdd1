//! Backward passes: from the gradient of a scalar (the loss) with respect to an operator's output, those with respect to its
//! inputs and parameters. NHWC, as everything else; filters are `[k_h, k_w, in_c / groups, out_c]`.
//!
//! Every function writes every element of what it computes, and gives the same bits at every call: sums are split by the sizes
//! alone. Sums over many elements (the pixels of a batch) are made of the sums of blocks.
//!
//! What needs no kernel of its own:
//! - transpose: the transpose by the inverse permutation; flatten and reshape: nothing but the other shape;
//! - concat: slices; slice: [`crate::pad::pad`] with zeros;
//! - add, sub, mul, div: products by [`crate::elementwise`], then [`sums::sum_to`] over the axes that were broadcast;
//! - a mean over axes: a product and a broadcast.

mod activation;
pub mod conv;
pub mod dense;
pub mod dropout;
pub mod loss;
pub mod norm;
pub mod optimiser;
mod pad;
pub mod pool;
mod resize;
mod softmax;
pub mod sums;

pub use activation::Needs;
pub use pad::pad;
pub use resize::resize2d;
pub use softmax::softmax;
