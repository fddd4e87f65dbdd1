//! Operators of training at the boundary: what they read, what they change, what they refuse. Numbers are the kernels' tests' matter.

use super::conv::{conv_transpose2d, conv2d, dense};
use super::elementwise::{pad, sum_to};
use super::image::{adaptive_pool2d, pool2d, resize2d};
use super::norm::{batch_norm, batch_norm_training, group_norm, layer_norm, moving_statistics};
use super::step::{cross_entropy, dropout, elementwise_loss, gradient_norm, optimiser_step};
use crate::call::{Call, Operator};
use crate::core::with_core;
use crate::heap::Handle;
use crate::ops::conv;
use lenslet_kernels::shape::SpecError;

type Run = fn(Call) -> Result<(), SpecError>;

fn tensor(values: &[f32]) -> Handle {
    with_core(|core| {
        let handle = core.alloc(values.len()).unwrap();
        let mut buffer = core.heap.take(handle).unwrap();
        buffer.as_mut_slice().copy_from_slice(values);
        core.heap.put_back(handle, buffer);
        handle
    })
}

fn values(handle: Handle) -> Vec<f32> {
    with_core(|core| core.heap.get(handle).unwrap().to_vec())
}

fn operator(run: Run) -> Operator {
    let packs = std::ptr::fn_addr_eq(run, conv::dense as Run);
    if packs { Operator::packing(run) } else { Operator::plain(run) }
}

fn write_block(numbers: impl IntoIterator<Item = f64>) {
    with_core(|core| core.block.iter_mut().zip(numbers).for_each(|(to, number)| *to = number));
}

fn call(run: Run, inputs: &[Handle], outputs: &[Handle], words: &[f64]) -> Result<(), SpecError> {
    let handles = inputs.iter().chain(outputs).map(|&handle| handle as f64);
    write_block(handles.chain(words.iter().copied()));
    with_core(|core| core.call(0, [inputs.len(), outputs.len(), words.len()], operator(run)))
}

/// The argument that a call is refused for.
fn refused(run: Run, inputs: &[Handle], outputs: &[Handle], words: &[f64]) -> &'static str {
    call(run, inputs, outputs, words).unwrap_err().argument
}

const FORWARD: [f64; 7] = [1.0, 2.0, 1.0, 0.0, 0.0, 0.0, 0.0];
/// Squared error.
const LOSS: [f64; 3] = [1.0, 0.0, 0.0];
/// SGD with a momentum of a half.
const SGD: [f64; 5] = [0.0, 0.5, 0.0, 0.0, 0.0];

/// Two weights of a layer: forward, loss, backward, a step; and the next forward pass knows the new weights.
#[test]
fn a_layer_is_trained() {
    let (x, w, y) = (tensor(&[1.0, 2.0]), tensor(&[0.5, 0.25]), tensor(&[0.0]));
    call(conv::dense, &[x, w, 0], &[y], &FORWARD).unwrap();
    assert_eq!(values(y), [1.0]);
    let (target, loss, g) = (tensor(&[3.0]), tensor(&[0.0]), tensor(&[0.0]));
    call(elementwise_loss, &[y, target], &[loss, g], &LOSS).unwrap();
    assert_eq!((values(loss), values(g)), (vec![4.0], vec![-4.0]));
    let (grad, bias) = (tensor(&[0.0; 2]), tensor(&[0.0]));
    call(dense, &[x, 0, g], &[grad, bias], &[1.0, 2.0, 1.0, 0.0, 0.0, 1.0, 1.0]).unwrap();
    assert_eq!((values(grad), values(bias)), (vec![-4.0, -8.0], vec![-4.0]));
    let (norms, scale) = (tensor(&[0.0; 3]), tensor(&[0.0]));
    call(gradient_norm, &[loss, grad, bias], &[norms, scale], &[100.0]).unwrap();
    assert_eq!((values(norms), values(scale)), (vec![96f32.sqrt(), 80f32.sqrt(), 4.0], vec![1.0]));
    let (clock, momentum) = (tensor(&[1.0, 0.125]), tensor(&[0.0; 2]));
    call(optimiser_step, &[grad, clock, scale], &[w, momentum], &SGD).unwrap();
    assert_eq!((values(w), values(momentum)), (vec![1.0, 1.25], vec![-4.0, -8.0]));
    call(conv::dense, &[x, w, 0], &[y], &FORWARD).unwrap();
    assert_eq!(values(y), [3.5]);
}

/// The same as one program, whose steps change the weights where they lie, run after run.
#[test]
fn a_program_trains_its_tensors() {
    let (x, w, momentum, target) = (tensor(&[1.0, 2.0]), tensor(&[0.5, 0.25]), tensor(&[0.0; 2]), tensor(&[3.0]));
    let tensor_place = |handle: Handle| [2.0, handle as f64, 0.0];
    let arena = |slot: usize, len: usize| [1.0, 16.0 * slot as f64, len as f64];
    let (clock, loss, none) = ([3.0, 0.0, 0.0], [4.0, 0.0, 0.0], [0.0; 3]);
    let [y, g, grad, norms, scale] = [arena(0, 1), arena(1, 1), arena(2, 2), arena(3, 2), arena(4, 1)];
    let program = with_core(|core| core.create_program(80)).unwrap();
    let step = |run: Run, inputs: &[[f64; 3]], outputs: &[[f64; 3]], words: &[f64]| {
        let places = inputs.iter().chain(outputs).flatten().copied();
        write_block(places.chain(words.iter().copied()));
        with_core(|core| core.call(program, [inputs.len(), outputs.len(), words.len()], operator(run))).unwrap();
    };
    step(conv::dense, &[tensor_place(x), tensor_place(w), none], &[y], &FORWARD);
    step(elementwise_loss, &[y, tensor_place(target)], &[loss, g], &LOSS);
    step(dense, &[tensor_place(x), none, g], &[grad], &[1.0, 2.0, 1.0, 0.0, 0.0, 1.0, 0.0]);
    step(gradient_norm, &[loss, grad], &[norms, scale], &[0.0]);
    step(optimiser_step, &[grad, clock, scale], &[tensor_place(w), tensor_place(momentum)], &SGD);
    // Packed weights do not stand in for those that a step changes.
    write_block([w as f64]);
    with_core(|core| core.pack_program(program, 1)).unwrap();
    let mut losses = Vec::new();
    for number in 1..=3u8 {
        let (clock, loss) = (tensor(&[number.into(), 0.125]), tensor(&[0.0]));
        write_block([clock, loss].map(|handle| handle as f64));
        with_core(|core| core.run_program(program, [0, 5], [1, 1])).unwrap();
        losses.push(values(loss)[0]);
    }
    // y = 1, 3.5, 4.125: gradients of -4, 1, 2.25 times x; momenta 0.5 of the last.
    assert_eq!(losses, [4.0, 0.25, 1.265_625]);
    assert_eq!(values(momentum), [1.75, 3.5]);
    assert_eq!(values(w), [1.125 - 0.218_75, 1.5 - 0.437_5]);
}

#[test]
fn gradients_that_are_not_wanted_need_no_inputs() {
    let (w, g, to) = (tensor(&[2.0, 3.0]), tensor(&[1.0]), tensor(&[0.0; 2]));
    let words = |flags: [f64; 3]| [[1.0, 2.0, 1.0, 1.0].as_slice(), &flags].concat();
    call(dense, &[0, w, g], &[to], &words([1.0, 0.0, 0.0])).unwrap();
    assert_eq!(values(to), [2.0, 3.0]);
    assert_eq!(refused(dense, &[0, w, g], &[to], &words([0.0, 1.0, 0.0])), "inputs");
    assert_eq!(refused(dense, &[0, w, g], &[to], &words([1.0, 0.0, 1.0])), "outputs");
    assert_eq!(refused(dense, &[0, w, g], &[to], &words([2.0, 0.0, 0.0])), "wantsInput");
}

/// One pixel, 1x2 taps, two channels to two: filters in both orders, and gradients as the filters.
#[test]
fn filters_come_and_go_in_the_order_of_the_words() {
    let window = [2.0, 1.0, 2.0, 1.0, 1.0, 1.0, 1.0, 0.0, 0.0, 0.0, 0.0, 1.0];
    let (hwio, oihw) = ([1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0], [1.0, 5.0, 3.0, 7.0, 2.0, 6.0, 4.0, 8.0]);
    for (layout, filter) in [(0.0, hwio), (1.0, oihw)] {
        let (x, w, g) = (tensor(&[1.0, 2.0, 3.0, 4.0]), tensor(&filter), tensor(&[1.0, 10.0]));
        let (of_x, of_w, of_b) = (tensor(&[0.0; 4]), tensor(&[0.0; 8]), tensor(&[0.0; 2]));
        let words = [[0.0, layout, 1.0, 1.0, 2.0, 2.0].as_slice(), &window, &[1.0; 3]].concat();
        call(conv2d, &[x, w, g], &[of_x, of_w, of_b], &words).unwrap();
        assert_eq!(values(of_x), [21.0, 43.0, 65.0, 87.0]);
        let expected = [1.0, 10.0, 2.0, 20.0, 3.0, 30.0, 4.0, 40.0];
        let order = if layout == 0.0 { [0, 1, 2, 3, 4, 5, 6, 7] } else { [0, 4, 2, 6, 1, 5, 3, 7] };
        assert_eq!(values(of_w), order.map(|i| expected[i]));
        assert_eq!(values(of_b), [1.0, 10.0]);

        // A transposed convolution of one pixel: [kH, kW, outC, inC].
        let (x, g) = (tensor(&[1.0, 10.0]), tensor(&[1.0, 2.0, 3.0, 4.0]));
        let of_x = tensor(&[0.0; 2]);
        let words = [[0.0, layout, 1.0, 1.0, 1.0, 2.0].as_slice(), &window, &[0.0; 2], &[1.0; 3]].concat();
        call(conv_transpose2d, &[x, w, g], &[of_x, of_w, of_b], &words).unwrap();
        assert_eq!(values(of_x), [1.0 + 6.0 + 15.0 + 28.0, 2.0 + 8.0 + 18.0 + 32.0]);
        assert_eq!(values(of_w), order.map(|i| expected[i]));
        assert_eq!(values(of_b), [4.0, 6.0]);
    }
}

#[test]
fn images_are_channels_last() {
    let (x, g, to) = (tensor(&[1.0; 4]), tensor(&[1.0]), tensor(&[0.0; 4]));
    let image = [1.0, 2.0, 2.0, 1.0];
    let window = [2.0, 2.0, 1.0, 1.0, 1.0, 1.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0];
    let with = |first: &[f64], layout: f64, rest: &[f64]| [first, &[layout], &image, rest].concat();
    assert_eq!(refused(pool2d, &[x, g], &[to], &with(&[0.0], 1.0, &window)), "layout");
    assert_eq!(refused(adaptive_pool2d, &[x, g], &[to], &with(&[1.0], 1.0, &[1.0, 1.0])), "layout");
    assert_eq!(refused(resize2d, &[g], &[to], &with(&[], 1.0, &[1.0, 1.0, 0.0, 2.0])), "layout");
    assert_eq!(refused(conv2d, &[0, x, g], &[to], &with(&[], 1.0, &[])), "layout");
    call(pool2d, &[x, g], &[to], &with(&[0.0], 0.0, &window)).unwrap();
    assert_eq!(values(to), [1.0, 0.0, 0.0, 0.0]);
    call(adaptive_pool2d, &[0, g], &[to], &with(&[1.0], 0.0, &[1.0, 1.0])).unwrap();
    assert_eq!(values(to), [0.25; 4]);
    call(resize2d, &[g], &[to], &with(&[], 0.0, &[1.0, 1.0, 0.0, 2.0])).unwrap();
    assert_eq!(values(to), [1.0, 0.0, 0.0, 0.0]);
    let words = [1.0, 2.0, 2.0, 1.0, 1.0, 0.0];
    let (of_scale, of_offset) = (tensor(&[0.0]), tensor(&[0.0]));
    assert_eq!(
        refused(group_norm, &[x, 0, x], &[to, of_scale, of_offset], &[[1.0].as_slice(), &words].concat()),
        "layout"
    );
}

#[test]
fn statistics_of_a_batch_and_those_that_follow_them() {
    let (x, y, statistics) = (tensor(&[1.0, 3.0]), tensor(&[0.0; 2]), tensor(&[0.0; 2]));
    call(batch_norm_training, &[x, 0, 0], &[y, statistics], &[1.0, 0.0]).unwrap();
    assert_eq!((values(y), values(statistics)), (vec![-1.0, 1.0], vec![2.0, 1.0]));
    assert_eq!(refused(batch_norm_training, &[x, 0, 0], &[y], &[1.0, 0.0]), "outputs");
    assert_eq!(refused(batch_norm_training, &[x, 0, 0], &[y, statistics], &[2.0, 0.0]), "statistics");

    let (mean, variance, scale) = (tensor(&[0.0]), tensor(&[1.0]), tensor(&[f32::NAN]));
    let words = [1.0, 0.5, 2.0];
    call(moving_statistics, &[statistics, scale], &[mean, variance], &words).unwrap();
    assert_eq!((values(mean), values(variance)), (vec![0.0], vec![1.0]));
    call(moving_statistics, &[statistics, tensor(&[0.1])], &[mean, variance], &words).unwrap();
    assert_eq!((values(mean), values(variance)), (vec![1.0], vec![1.5]));
    assert_eq!(refused(moving_statistics, &[statistics, 0], &[mean, variance], &words), "inputs");
    assert_eq!(refused(moving_statistics, &[statistics, scale], &[mean], &words), "outputs");
    assert_eq!(refused(moving_statistics, &[x, scale], &[mean, variance], &[3.0, 0.5, 2.0]), "statistics");

    let [a, b, c] = [tensor(&[0.0; 2]), tensor(&[0.0]), tensor(&[0.0])];
    let g = tensor(&[1.0, 1.0]);
    call(batch_norm, &[x, 0, statistics, g], &[a, b, c], &[1.0, 0.0]).unwrap();
    assert_eq!([values(a), values(b), values(c)], [vec![0.0, 0.0], vec![0.0], vec![2.0]]);
    assert_eq!(refused(batch_norm, &[x, 0, x, g], &[a, b, c], &[2.0, 0.0]), "statistics");
}

#[test]
fn norms_of_layers_tell_their_sizes_twice() {
    let (x, g, a, b, c) =
        (tensor(&[1.0, 3.0]), tensor(&[1.0; 2]), tensor(&[0.0; 2]), tensor(&[0.0; 2]), tensor(&[0.0; 2]));
    call(layer_norm, &[x, 0, g], &[a, b, c], &[1.0, 2.0, 0.0]).unwrap();
    assert_eq!([values(a), values(b), values(c)], [vec![0.0, 0.0], vec![-1.0, 1.0], vec![1.0, 1.0]]);
    assert_eq!(refused(layer_norm, &[x, 0, g], &[a, b, c], &[2.0, 2.0, 0.0]), "input");
}

#[test]
fn the_norm_of_gradients_clips_them() {
    let (loss, a, b) = (tensor(&[1.0]), tensor(&[3.0]), tensor(&[0.0, 4.0]));
    let (norms, scale) = (tensor(&[0.0; 3]), tensor(&[0.0]));
    for (most, expected) in [(0.0, 1.0), (2.5, 2.5 / 5.000_001), (100.0, 1.0)] {
        call(gradient_norm, &[loss, a, b], &[norms, scale], &[most]).unwrap();
        assert_eq!((values(norms), values(scale)), (vec![5.0, 3.0, 4.0], vec![expected]));
    }
    for (loss, a) in [(tensor(&[f32::NAN]), a), (tensor(&[f32::INFINITY]), a), (loss, tensor(&[f32::NAN]))] {
        call(gradient_norm, &[loss, a, b], &[norms, scale], &[0.0]).unwrap();
        assert!(values(scale)[0].is_nan());
        assert_eq!(values(norms)[2], 4.0, "the norms of each tell which it was");
    }
    assert_eq!(refused(gradient_norm, &[loss, a], &[norms, scale], &[0.0]), "norms");
    assert_eq!(refused(gradient_norm, &[loss, a, b], &[norms], &[0.0]), "outputs");
    assert_eq!(refused(gradient_norm, &[loss, a, 0], &[norms, scale], &[0.0]), "inputs");
}

#[test]
fn a_scale_of_nan_changes_nothing() {
    let (grad, clock, scale) = (tensor(&[f32::NAN]), tensor(&[1.0, 0.1]), tensor(&[f32::NAN]));
    let [v, m, s] = [1.0, 2.0, 3.0].map(|value| tensor(&[value]));
    let adam = [1.0, 0.9, 0.999, 1e-8, 0.0];
    call(optimiser_step, &[grad, clock, scale], &[v, m, s], &adam).unwrap();
    assert_eq!([v, m, s].map(|handle| values(handle)[0]), [1.0, 2.0, 3.0]);
    assert_eq!(refused(optimiser_step, &[grad, clock, 0], &[v, m, s], &adam), "inputs");
    assert_eq!(refused(optimiser_step, &[grad, scale, scale], &[v, m, s], &adam), "clock");
    assert_eq!(refused(optimiser_step, &[grad, clock, scale], &[], &adam), "outputs");
    assert_eq!(refused(optimiser_step, &[v, clock, v], &[m], &adam), "states");
}

#[test]
fn the_same_elements_are_dropped_on_the_way_back() {
    let (x, y, back) = (tensor(&[1.0; 100]), tensor(&[0.0; 100]), tensor(&[0.0; 100]));
    let words = [0.5, 7.0, 8.0, 3.0];
    let [first, second] = [1.0, 2.0].map(|step| tensor(&[step, 0.1]));
    call(dropout, &[x, first], &[y], &words).unwrap();
    let kept = values(y).iter().filter(|&&value| value == 2.0).count();
    assert!((20..80).contains(&kept) && values(y).iter().all(|&value| value == 0.0 || value == 2.0));
    call(dropout, &[x, first], &[back], &words).unwrap();
    assert_eq!(values(y), values(back));
    call(dropout, &[x, second], &[back], &words).unwrap();
    assert_ne!(values(y), values(back), "other elements at the next step");
    assert_eq!(refused(dropout, &[x, x], &[y], &words), "clock");
}

#[test]
fn sums_and_losses() {
    let (g, to) = (tensor(&[1.0, 2.0, 3.0, 4.0]), tensor(&[0.0; 2]));
    call(sum_to, &[g], &[to], &[2.0, 2.0, 2.0, 1.0, 2.0]).unwrap();
    assert_eq!(values(to), [4.0, 6.0]);
    // One element in front of two: constant, value 9.
    let inner = tensor(&[0.0; 3]);
    call(pad, &[g], &[inner], &[0.0, 9.0, 1.0, 3.0, 1.0, 0.0]).unwrap();
    assert_eq!(values(inner), [2.0, 3.0, 4.0]);
    let (loss, of_logits) = (tensor(&[0.0]), tensor(&[0.0; 4]));
    let (logits, labels) = (tensor(&[0.0; 4]), tensor(&[0.0, 1.0]));
    call(cross_entropy, &[logits, labels], &[loss, of_logits], &[2.0, 0.0, 1.0]).unwrap();
    assert_eq!(values(of_logits), [-0.5, 0.5, 0.5, -0.5]);
    assert!((values(loss)[0] - 2.0 * 2f32.ln()).abs() < 1e-6);
    assert_eq!(refused(cross_entropy, &[logits, labels], &[loss], &[2.0, 0.0, 1.0]), "outputs");
}
