//! Random cases by proptest, from a seed that is printed.

use super::{first_seed, spec_count};
use proptest::prelude::*;
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};

/// Runs `f` on `cases` random values, or on `LENSLET_SPECS`. A failing one is shrunk and printed with the seed; `LENSLET_SEED` brings it back.
pub fn random<S: Strategy>(cases: usize, strategy: &S, f: impl Fn(S::Value) -> Result<(), String>) {
    let cases = spec_count(cases);
    let seed = first_seed(1);
    println!("seed {seed}, {cases} cases");
    let mut bytes = [0; 32];
    bytes[..8].copy_from_slice(&seed.to_le_bytes());
    let config = Config {
        cases: cases as u32,
        max_global_rejects: u32::MAX,
        max_local_rejects: u32::MAX,
        failure_persistence: None,
        ..Config::default()
    };
    let mut runner = TestRunner::new_with_rng(config, TestRng::from_seed(RngAlgorithm::ChaCha, &bytes));
    if let Err(error) = runner.run(strategy, |value| f(value).map_err(TestCaseError::fail)) {
        panic!("seed {seed}: {error}");
    }
}
