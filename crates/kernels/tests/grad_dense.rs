//! Gradients of dense layers against float64.

mod grad_oracle;
mod oracle;
use grad_oracle::{differences, to_f64, weighted};
use lenslet_kernels::grad::dense::DenseGradient;
use lenslet_kernels::memory::Workspace;
use oracle::{Guarded, Rng, compare, first_seed, spec_count, sum_tolerance};

/// `a [m, k] b [k, n]`
fn product([m, k, n]: [usize; 3], a: impl Fn(usize, usize) -> f64, b: impl Fn(usize, usize) -> f64) -> Vec<f64> {
    let of = |i: usize, j: usize| (0..k).map(|l| a(i, l) * b(l, j)).sum();
    (0..m * n).map(|at| of(at / n, at % n)).collect()
}

fn check([m, k, n]: [usize; 3], rng: &mut Rng) -> Result<(), String> {
    let transposed = rng.one_in(2);
    let dense = DenseGradient::new(m, k, n, transposed).map_err(|error| error.to_string())?;
    let [x, w, g] = [m * k, k * n, m * n].map(|len| Guarded::of(&rng.values(len)));
    let (x, w, g) = (x.finish()?, w.finish()?, g.finish()?);
    let at = |values: &[f32], index: usize| f64::from(values[index]);
    let text = |error: lenslet_kernels::shape::SpecError| error.to_string();
    let mut workspace = Workspace::default();
    workspace.get(1 << 12).map_err(text)?.fill(f32::NAN);

    let mut grad = Guarded::new(m * k);
    dense.input(g, w, grad.body()).map_err(text)?;
    let expected =
        product([m, n, k], |i, l| at(g, i * n + l), |l, j| at(w, if transposed { l * k + j } else { j * n + l }));
    compare(grad.finish()?, &expected, |_| sum_tolerance(n, 1.0, 1.0)).map_err(|error| format!("input: {error}"))?;

    let mut grad = Guarded::new(k * n);
    dense.weights(x, g, &mut workspace, grad.body()).map_err(text)?;
    let expected = if transposed {
        product([n, m, k], |i, l| at(g, l * n + i), |l, j| at(x, l * k + j))
    } else {
        product([k, m, n], |i, l| at(x, l * k + i), |l, j| at(g, l * n + j))
    };
    compare(grad.finish()?, &expected, |_| sum_tolerance(m, 1.0, 1.0)).map_err(|error| format!("weights: {error}"))?;

    let mut grad = Guarded::new(n);
    dense.bias(g, grad.body()).map_err(text)?;
    let expected = product([1, m, n], |_, _| 1.0, |l, j| at(g, l * n + j));
    compare(grad.finish()?, &expected, |_| sum_tolerance(m, 1.0, 1.0)).map_err(|error| format!("bias: {error}"))
}

#[test]
fn random_sizes() {
    for seed in (first_seed(0)..).take(spec_count(1500)) {
        let mut rng = Rng::new(seed);
        let size = |rng: &mut Rng| if rng.one_in(5) { rng.int(1, 300) } else { rng.int(1, 20) };
        let sizes = [size(&mut rng), size(&mut rng), size(&mut rng)];
        if let Err(error) = check(sizes, &mut rng) {
            panic!("seed {seed}, {sizes:?}: {error}");
        }
    }
}

#[test]
fn formulas_are_the_derivatives() {
    let mut rng = Rng::new(1);
    let (m, k, n) = (2, 3, 4);
    let [x, w, g] = [m * k, k * n, m * n].map(|len| rng.values(len));
    let dense = DenseGradient::new(m, k, n, false).unwrap();
    let forward = |x: &[f64], w: &[f64]| product([m, k, n], |i, l| x[i * k + l], |l, j| w[l * n + j]);
    let (x64, w64, g64) = (to_f64(&x), to_f64(&w), to_f64(&g));
    let (mut of_input, mut of_weights) = (vec![0.0; m * k], vec![0.0; k * n]);
    dense.input(&g, &w, &mut of_input).unwrap();
    dense.weights(&x, &g, &mut Workspace::default(), &mut of_weights).unwrap();
    let found = differences(&x64, |x| weighted(&forward(x, &w64), &g64));
    compare(&of_input, &found, |_| 1e-6).unwrap();
    let found = differences(&w64, |w| weighted(&forward(&x64, w), &g64));
    compare(&of_weights, &found, |_| 1e-6).unwrap();
}

#[test]
fn wrong_sizes_are_errors() {
    assert_eq!(DenseGradient::new(0, 1, 1, false).unwrap_err().argument, "input");
    let dense = DenseGradient::new(2, 3, 4, false).unwrap();
    let input = |g: usize, w: usize, to: usize| {
        dense.input(&vec![0.0; g], &vec![0.0; w], &mut vec![0.0; to]).unwrap_err().argument
    };
    assert_eq!([input(7, 12, 6), input(8, 11, 6), input(8, 12, 7)], ["gradOutput", "weights", "gradInput"]);
    let weights = |x: usize, g: usize, to: usize| {
        let mut workspace = Workspace::default();
        dense.weights(&vec![0.0; x], &vec![0.0; g], &mut workspace, &mut vec![0.0; to]).unwrap_err().argument
    };
    assert_eq!([weights(5, 8, 12), weights(6, 9, 12), weights(6, 8, 13)], ["input", "gradOutput", "gradWeights"]);
    assert_eq!(dense.bias(&[0.0; 8], &mut [0.0; 3]).unwrap_err().argument, "sums");
}
