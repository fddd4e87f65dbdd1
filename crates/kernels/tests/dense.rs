//! Dense layers, and with them the blocked matrix product, against the naive oracle.

mod oracle;
use lenslet_kernels::activation::Activation;
use lenslet_kernels::conv::Packs;
use lenslet_kernels::dense::Dense;
use lenslet_kernels::gemm::{MR, NR};
use oracle::{Guarded, Rng, compare, first_seed, spec_count};

fn check(
    sizes: [usize; 3],
    transposed: bool,
    activation: Activation,
    with_bias: bool,
    rng: &mut Rng,
) -> Result<(), String> {
    let [m, k, n] = sizes;
    let dense = Dense::new(m, k, n, transposed, activation).map_err(|error| error.to_string())?;
    let input = Guarded::of(&rng.values(m * k));
    let weights = rng.values(k * n);
    let bias = with_bias.then(|| rng.values(n));
    let mut output = Guarded::new(m * n);
    let packed = dense.pack(&weights).map_err(|error| error.to_string())?;
    let input = input.finish()?;
    dense.run(input, &packed, bias.as_deref(), output.body()).map_err(|error| error.to_string())?;
    let expected = oracle::conv::dense(sizes, transposed, activation, input, &weights, bias.as_deref());
    compare(output.finish()?, &expected.values, |_| expected.tolerance).map_err(|mismatch| mismatch.to_string())
}

#[test]
fn sizes_around_tiles() {
    let mut rng = Rng::new(1);
    for m in (1..=2 * MR + 1).chain([24, 25]) {
        for n in 1..=2 * NR + 1 {
            for k in [1, 2, 3, 4, 5, 7, 8, 9, 31] {
                if let Err(error) = check([m, k, n], n % 2 == 0, Activation::Identity, true, &mut rng) {
                    panic!("{m} x {k} x {n}: {error}");
                }
            }
        }
    }
}

#[test]
fn long_sums() {
    let mut rng = Rng::new(2);
    for k in [15, 16, 17, 18, 19, 511, 512, 513, 516, 1027, 2562] {
        for (m, n) in [(1, 1), (1, 12), (2, 9), (3, 4), (7, 9), (13, 20)] {
            for activation in [Activation::Relu, Activation::Tanh] {
                if let Err(error) = check([m, k, n], true, activation, true, &mut rng) {
                    panic!("{m} x {k} x {n} {activation:?}: {error}");
                }
            }
        }
    }
}

#[test]
fn many_rows() {
    let mut rng = Rng::new(3);
    for (m, k, n) in [(191, 9, 5), (192, 9, 5), (193, 9, 5), (1000, 3, 2), (400, 513, 3)] {
        check([m, k, n], false, Activation::Identity, false, &mut rng).unwrap();
    }
}

#[test]
fn random_specs() {
    for seed in (first_seed(0)..).take(spec_count(4000)) {
        let mut rng = Rng::new(seed);
        let size = |rng: &mut Rng| match rng.int(0, 9) {
            0 => 1,
            1 => rng.int(1, 100),
            _ => rng.int(1, 25),
        };
        let k = if rng.one_in(20) { rng.int(1, 2000) } else { size(&mut rng) };
        let sizes = [size(&mut rng), k, size(&mut rng)];
        let transposed = rng.one_in(2);
        let activation = rng.pick(&[
            Activation::Identity,
            Activation::Relu6,
            Activation::LeakyRelu { alpha: 0.1 },
            Activation::Tanh,
        ]);
        let with_bias = rng.one_in(2);
        if let Err(error) = check(sizes, transposed, activation, with_bias, &mut rng) {
            panic!("seed {seed}: {error}\n{sizes:?} transposed {transposed} {activation:?} bias {with_bias}");
        }
    }
}

#[test]
fn wrong_sizes_are_errors() {
    assert_eq!(Dense::new(0, 1, 1, false, Activation::Identity).unwrap_err().argument, "input");
    assert_eq!(Dense::new(1, 1 << 20, 1 << 20, false, Activation::Identity).unwrap_err().argument, "weights");
    let dense = Dense::new(2, 3, 4, false, Activation::Identity).unwrap();
    assert_eq!(dense.pack(&[0.0; 11]).err().unwrap().argument, "weights");
    let packed = dense.pack(&[0.0; 12]).unwrap();
    let run = |input: usize, bias: usize, output: usize| {
        let (input, bias, mut output) = (vec![0.0; input], vec![0.0; bias], vec![0.0; output]);
        dense.run(&input, &packed, Some(&bias), &mut output).map_err(|error| error.argument)
    };
    assert_eq!(run(6, 4, 8), Ok(()));
    assert_eq!(run(7, 4, 8), Err("input"));
    assert_eq!(run(6, 5, 8), Err("bias"));
    assert_eq!(run(6, 4, 9), Err("output"));
    let other = Dense::new(2, 3, 4, true, Activation::Identity).unwrap();
    let error = other.run(&[0.0; 6], &packed, None, &mut [0.0; 8]).unwrap_err();
    assert_eq!(error.argument, "weights");
}
