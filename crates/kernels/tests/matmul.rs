//! Products of matrices that are both computed, in batches.

mod oracle;
use lenslet_kernels::matmul::MatMul;
use lenslet_kernels::memory::Workspace;
use oracle::nd::{flat, indices};
use oracle::random::random;
use oracle::{Guarded, Rng, compare, sum_tolerance};
use proptest::prelude::*;

fn check(sizes: [usize; 3], a_batch: &[usize], b_batch: &[usize], rng: &mut Rng) -> Result<(), String> {
    let [m, k, n] = sizes;
    let product = MatMul::new(sizes, a_batch, b_batch).map_err(|e| e.to_string())?;
    let len = |batch: &[usize], rows: usize, columns: usize| batch.iter().product::<usize>() * rows * columns;
    let (a, b) = (rng.values(len(a_batch, m, k)), rng.values(len(b_batch, k, n)));
    let batch: Vec<usize> = a_batch.iter().zip(b_batch).map(|(a, b)| *a.max(b)).collect();
    let mut output = Guarded::new(len(&batch, m, n));
    let mut workspace = Workspace::default();
    workspace.get(1 << 12).unwrap().fill(f32::NAN);
    product
        .run(Guarded::of(&a).body(), Guarded::of(&b).body(), &mut workspace, output.body())
        .map_err(|e| e.to_string())?;
    let mut expected = Vec::new();
    for index in indices(&batch) {
        let (a, b) = (&a[flat(&index, a_batch) * m * k..], &b[flat(&index, b_batch) * k * n..]);
        for i in 0..m {
            for j in 0..n {
                expected.push((0..k).map(|l| f64::from(a[i * k + l]) * f64::from(b[l * n + j])).sum());
            }
        }
    }
    let error = |e| format!("{sizes:?}, {a_batch:?} and {b_batch:?}: {e}");
    compare(output.finish()?, &expected, |_| sum_tolerance(k, 1.0, 1.0)).map_err(error)
}

#[test]
fn sizes_around_tiles() {
    let mut rng = Rng::new(1);
    for m in 1..=14 {
        for n in [1, 3, 4, 5, 7, 8, 9, 17] {
            for k in [1, 3, 4, 5, 33] {
                check([m, k, n], &[], &[], &mut rng).unwrap();
                check([m, k, n], &[3], &[3], &mut rng).unwrap();
            }
        }
    }
}

#[test]
fn random_batches() {
    let axes = proptest::collection::vec((1..=4usize, 0..4u8), 0..=4);
    let size = || 1..=9usize;
    random(2000, &(axes, [size(), size(), size()], any::<u64>()), |(axes, sizes, seed)| {
        let batch =
            |one: u8| -> Vec<usize> { axes.iter().map(|&(size, kind)| if kind == one { 1 } else { size }).collect() };
        check(sizes, &batch(1), &batch(2), &mut Rng::new(seed))
    });
}

#[test]
fn what_is_wrong_is_refused() {
    let refused = |a: &[usize], b: &[usize]| MatMul::new([2, 3, 4], a, b).map_err(|error| error.argument).err();
    assert_eq!(refused(&[2, 1], &[1, 3]), None);
    assert_eq!(refused(&[2], &[3]), Some("b"));
    assert_eq!(refused(&[2], &[]), Some("batch"));
    assert_eq!(refused(&[1; 9], &[1; 9]), Some("batch"));
    assert_eq!(refused(&[0], &[1]), Some("a"));
    assert_eq!(refused(&[1 << 20, 1], &[1, 1 << 20]), Some("output"));
    assert!(MatMul::new([0, 1, 1], &[], &[]).is_err());
    let product = MatMul::new([2, 3, 4], &[], &[]).unwrap();
    let mut workspace = Workspace::default();
    for (a, b, out, argument) in [(5, 12, 8, "a"), (6, 11, 8, "b"), (6, 12, 7, "output")] {
        let error = product.run(&vec![0.0; a], &vec![0.0; b], &mut workspace, &mut vec![0.0; out]).unwrap_err();
        assert_eq!(error.argument, argument);
    }
}
