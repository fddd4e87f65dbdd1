//! Normalisations in training against float64, central differences and PyTorch.

mod grad_oracle;
mod oracle;
use grad_oracle::{agree, differences, to_f64, weighted};
use lenslet_kernels::grad::norm::{
    BatchNormTraining, BatchStatistics, MovingStatistics, NormGradients, batch_norm, group_norm, layer_norm,
};
use lenslet_kernels::memory::Workspace;
use lenslet_kernels::norm::{BatchNorm, GroupNorm};
use lenslet_kernels::shape::{Image, SpecError};
use oracle::random::random;
use oracle::reference::{cases, nchw_to_nhwc};
use oracle::{Guarded, Rng, UNIT_ROUNDOFF, compare, max_abs};
use proptest::prelude::*;

/// Which elements are normalised together, and which parameter each has.
struct Sets {
    set: Vec<usize>,
    parameter: Vec<usize>,
    parameters: usize,
}

impl Sets {
    fn of(len: usize, parameters: usize, set: impl Fn(usize) -> usize, parameter: impl Fn(usize) -> usize) -> Self {
        Self { set: (0..len).map(set).collect(), parameter: (0..len).map(parameter).collect(), parameters }
    }
    fn batch(rows: usize, c: usize) -> Self {
        Self::of(rows * c, c, |i| i % c, |i| i % c)
    }
    fn group(image: &Image, groups: usize) -> Self {
        let (c, len) = (image.c, image.h * image.w * image.c);
        Self::of(image.len(), c, |i| i / len * groups + i % c / (c / groups), |i| i % c)
    }
    fn layer(rows: usize, inner: usize) -> Self {
        Self::of(rows * inner, inner, |i| i / inner, |i| i % inner)
    }

    /// Means of a value over each set.
    fn means(&self, values: impl Fn(usize) -> f64) -> Vec<f64> {
        let sets = self.set.iter().max().map_or(0, |max| max + 1);
        let (mut sums, mut counts) = (vec![0.0; sets], vec![0.0; sets]);
        for (i, &set) in self.set.iter().enumerate() {
            sums[set] += values(i);
            counts[set] += 1.0;
        }
        sums.iter().zip(counts).map(|(sum, count)| sum / count).collect()
    }

    /// Normalised elements, and by what they were divided.
    fn normalise(&self, x: &[f64], epsilon: f64) -> (Vec<f64>, Vec<f64>) {
        let means = self.means(|i| x[i]);
        let variances = self.means(|i| (x[i] - means[self.set[i]]).powi(2));
        let deviations: Vec<f64> = variances.iter().map(|variance| (variance + epsilon).sqrt()).collect();
        let normalised = x.iter().zip(&self.set).map(|(x, &set)| (x - means[set]) / deviations[set]);
        (normalised.collect(), deviations)
    }

    fn forward(&self, x: &[f64], scale: &[f64], offset: &[f64], epsilon: f64) -> Vec<f64> {
        let (normalised, _) = self.normalise(x, epsilon);
        normalised.iter().zip(&self.parameter).map(|(x, &p)| x * scale[p] + offset[p]).collect()
    }

    /// Gradients of input, scale and offset.
    fn backward(&self, x: &[f64], scale: &[f64], epsilon: f64, g: &[f64]) -> [Vec<f64>; 3] {
        let (normalised, deviations) = self.normalise(x, epsilon);
        let scaled: Vec<f64> = g.iter().zip(&self.parameter).map(|(g, &p)| g * scale[p]).collect();
        let means = self.means(|i| scaled[i]);
        let products = self.means(|i| scaled[i] * normalised[i]);
        let of_input = (0..x.len()).map(|i| {
            let set = self.set[i];
            (scaled[i] - means[set] - normalised[i] * products[set]) / deviations[set]
        });
        let (mut of_scale, mut of_offset) = (vec![0.0; self.parameters], vec![0.0; self.parameters]);
        for (i, &p) in self.parameter.iter().enumerate() {
            of_scale[p] += g[i] * normalised[i];
            of_offset[p] += g[i];
        }
        [of_input.collect(), of_scale, of_offset]
    }
}

#[test]
fn oracle_is_the_derivative() {
    let mut rng = Rng::new(1);
    let image = Image { n: 2, h: 2, w: 3, c: 4 };
    for sets in [Sets::batch(6, 3), Sets::group(&image, 2), Sets::group(&image, 4), Sets::layer(3, 5)] {
        let len = sets.set.len();
        let (x, g) = (to_f64(&rng.values_in(-2.0, 2.0, len)), to_f64(&rng.values(len)));
        let (scale, offset) = (to_f64(&rng.values(sets.parameters)), to_f64(&rng.values(sets.parameters)));
        let [of_input, of_scale, of_offset] = sets.backward(&x, &scale, 0.1, &g);
        agree("input", &of_input, &differences(&x, |x| weighted(&sets.forward(x, &scale, &offset, 0.1), &g)));
        agree("scale", &of_scale, &differences(&scale, |s| weighted(&sets.forward(&x, s, &offset, 0.1), &g)));
        agree("offset", &of_offset, &differences(&offset, |o| weighted(&sets.forward(&x, &scale, o, 0.1), &g)));
    }
}

/// Runs a backward pass into guarded outputs and compares all three gradients.
fn check(
    sets: &Sets,
    x: &[f32],
    scale: Option<&[f32]>,
    g: &[f32],
    epsilon: f32,
    run: impl FnOnce(&mut Workspace, NormGradients<'_>) -> Result<(), SpecError>,
) -> Result<(), String> {
    let ones = vec![1.0; sets.parameters];
    let scale = to_f64(scale.unwrap_or(&ones));
    let expected = sets.backward(&to_f64(x), &scale, epsilon.into(), &to_f64(g));
    let mut found = [Guarded::new(x.len()), Guarded::new(sets.parameters), Guarded::new(sets.parameters)];
    let mut workspace = Workspace::default();
    workspace.get(3000).unwrap().fill(f32::NAN);
    let [input, scales, offset] = found.each_mut().map(Guarded::body);
    run(&mut workspace, NormGradients { input, scale: scales, offset }).map_err(|error| error.to_string())?;
    // How far the mean's rounding moves a normalised value, and how far the roundings of sums go.
    let (_, deviations) = sets.normalise(&to_f64(x), epsilon.into());
    let narrowest = deviations.iter().fold(f64::INFINITY, |min, &d| d.min(min));
    let rounding = UNIT_ROUNDOFF * (max_abs(x) / narrowest + 12.0);
    let rows = (x.len() / sets.parameters) as f64;
    for ((name, found), (expected, terms)) in
        ["input", "scale", "offset"].iter().zip(&found).zip(expected.iter().zip([1.0, rows, rows]))
    {
        let largest = expected.iter().fold(1.0 / narrowest.min(1.0), |max, value| value.abs().max(max));
        compare(found.finish()?, expected, |_| rounding * 8.0 * largest * (1.0 + terms.sqrt()))
            .map_err(|mismatch| format!("{name}: {mismatch}"))?;
    }
    Ok(())
}

#[test]
fn random_batch_norms() {
    let rows = prop_oneof![2..=9usize, 60..=70usize, 120..=300usize];
    random(600, &(rows, 1..=37usize, any::<bool>(), any::<u64>()), |(rows, c, scaled, seed)| {
        let mut rng = Rng::new(seed);
        // Means far from zero: what a difference of squares would not survive.
        let means = rng.values_in(-20.0, 20.0, c);
        let x: Vec<f32> = (0..rows * c).map(|i| means[i % c] + rng.value()).collect();
        let (scale, offset, g) = (rng.values(c), rng.values(c), rng.values(rows * c));
        let epsilon = 1e-3;
        let sets = Sets::batch(rows, c);
        let norm = BatchNormTraining { scale: scaled.then_some(&scale), offset: scaled.then_some(&offset), epsilon };
        let mut found = [Guarded::new(x.len()), Guarded::new(c), Guarded::new(c)];
        let (start_mean, start_variance) = (rng.values(c), rng.values_in(0.0, 2.0, c));
        let mut running = [Guarded::of(&start_mean), Guarded::of(&start_variance)];
        let mut workspace = Workspace::default();
        workspace.get(100).unwrap().fill(f32::NAN);
        let x = Guarded::of(&x);
        let x = x.finish()?;
        {
            let [output, mean, variance] = found.each_mut().map(Guarded::body);
            let statistics = BatchStatistics { mean, variance };
            norm.run(x, statistics, &mut workspace, output).map_err(|e| e.to_string())?;
            let [running_mean, running_variance] = running.each_mut().map(Guarded::body);
            let running = BatchStatistics { mean: running_mean, variance: running_variance };
            let moving = MovingStatistics { momentum: 0.25, count: rows };
            moving.follow(mean, variance, running).map_err(|e| e.to_string())?;
        }
        let x64 = to_f64(x);
        let (ones, zeros) = (vec![1.0; c], vec![0.0; c]);
        let (scale64, offset64) = if scaled { (to_f64(&scale), to_f64(&offset)) } else { (ones, zeros) };
        let mean = sets.means(|i| x64[i]);
        let variance = sets.means(|i| (x64[i] - mean[i % c]).powi(2));
        let narrowest = variance.iter().fold(f64::INFINITY, |min, &v| min.min(v + 1e-3)).sqrt();
        let rounding = UNIT_ROUNDOFF * (max_abs(x) / narrowest + 16.0);
        compare(found[1].finish()?, &mean, |_| 4.0 * UNIT_ROUNDOFF * max_abs(x)).map_err(|e| format!("mean: {e}"))?;
        compare(found[2].finish()?, &variance, |_| 16.0 * UNIT_ROUNDOFF).map_err(|e| format!("variance: {e}"))?;
        let output = sets.forward(&x64, &scale64, &offset64, epsilon.into());
        compare(found[0].finish()?, &output, |_| 8.0 * rounding).map_err(|e| format!("output: {e}"))?;
        let towards = |start: &[f32], to: &[f64], factor: f64| -> Vec<f64> {
            start.iter().zip(to).map(|(&start, to)| 0.75 * f64::from(start) + 0.25 * factor * to).collect()
        };
        compare(running[0].finish()?, &towards(&start_mean, &mean, 1.0), |_| 8.0 * UNIT_ROUNDOFF * max_abs(x))
            .map_err(|e| format!("running mean: {e}"))?;
        let sample = rows as f64 / (rows - 1) as f64;
        compare(running[1].finish()?, &towards(&start_variance, &variance, sample), |_| 32.0 * UNIT_ROUNDOFF)
            .map_err(|e| format!("running variance: {e}"))?;

        let given = scaled.then_some(scale.as_slice());
        let [_, mean, variance] = &found;
        let norm =
            BatchNorm { mean: mean.finish()?, variance: variance.finish()?, scale: given, offset: None, epsilon };
        check(&sets, x, given, &g, epsilon, |workspace, gradients| batch_norm(&norm, x, &g, workspace, gradients))
    });
}

#[test]
fn random_group_norms() {
    let strategy = (1..=3usize, 1..=9usize, 1..=9usize, 1..=5usize, 1..=7usize, any::<bool>(), any::<u64>());
    random(600, &strategy, |(n, h, w, groups, size, scaled, seed)| {
        let image = Image { n, h, w, c: groups * size };
        let mut rng = Rng::new(seed);
        let (x, g) = (rng.values_in(-1.0, 3.0, image.len()), rng.values(image.len()));
        let scale = rng.values(image.c);
        let scale = scaled.then_some(scale.as_slice());
        let epsilon = 0.02;
        let norm = GroupNorm { groups, scale, offset: None, epsilon };
        check(&Sets::group(&image, groups), &x, scale, &g, epsilon, |workspace, gradients| {
            group_norm(&norm, &image, &x, &g, workspace, gradients)
        })
    });
}

#[test]
fn random_layer_norms() {
    let strategy = (prop_oneof![1..=9usize, 60..=140usize], 1..=150usize, any::<bool>(), any::<u64>());
    random(600, &strategy, |(rows, inner, scaled, seed)| {
        let mut rng = Rng::new(seed);
        let (x, g) = (rng.values_in(-1.0, 3.0, rows * inner), rng.values(rows * inner));
        let scale = rng.values(inner);
        let scale = scaled.then_some(scale.as_slice());
        let epsilon = 0.02;
        check(&Sets::layer(rows, inner), &x, scale, &g, epsilon, |workspace, gradients| {
            layer_norm(inner, scale, epsilon, &x, &g, workspace, gradients)
        })
    });
}

#[test]
fn batch_norm_as_pytorch_trains_it() {
    let cases = cases("batch-norm");
    assert_eq!(cases.len(), 4);
    for case in &cases {
        let nhwc = |name: &str| {
            let (shape, values) = case.tensor(name).unwrap();
            if shape.len() == 4 { nchw_to_nhwc(&shape, values) } else { values.to_vec() }
        };
        let (x, g, scale, offset) = (nhwc("input"), nhwc("gradOutput"), nhwc("weight"), nhwc("bias"));
        let c = scale.len();
        let epsilon = case.float("epsilon") as f32;
        let norm = BatchNormTraining { scale: Some(&scale), offset: Some(&offset), epsilon };
        let (mut output, mut mean, mut variance) = (vec![0.0; x.len()], vec![0.0; c], vec![0.0; c]);
        let (mut running_mean, mut running_variance) = (nhwc("runningMean"), nhwc("runningVar"));
        let mut workspace = Workspace::default();
        let running = BatchStatistics { mean: &mut running_mean, variance: &mut running_variance };
        let statistics = BatchStatistics { mean: &mut mean, variance: &mut variance };
        norm.run(&x, statistics, &mut workspace, &mut output).unwrap();
        let moving = MovingStatistics { momentum: case.float("momentum") as f32, count: x.len() / c };
        moving.follow(&mean, &variance, running).unwrap();
        let (mut of_input, mut of_scale, mut of_offset) = (vec![0.0; x.len()], vec![0.0; c], vec![0.0; c]);
        let gradients = NormGradients { input: &mut of_input, scale: &mut of_scale, offset: &mut of_offset };
        let norm = BatchNorm { mean: &mean, variance: &variance, scale: Some(&scale), offset: None, epsilon };
        batch_norm(&norm, &x, &g, &mut workspace, gradients).unwrap();
        for (name, found) in [
            ("output", &output),
            ("runningMeanAfter", &running_mean),
            ("runningVarAfter", &running_variance),
            ("gradInput", &of_input),
            ("gradWeight", &of_scale),
            ("gradBias", &of_offset),
        ] {
            let expected = to_f64(&nhwc(name));
            compare(found, &expected, |i| 2e-6 * (1.0 + expected[i].abs()))
                .unwrap_or_else(|error| panic!("{} {name}: {error}", case.name));
        }
    }
}

#[test]
fn what_is_wrong_is_refused() {
    let mut workspace = Workspace::default();
    let norm = BatchNormTraining { scale: None, offset: None, epsilon: 0.0 };
    let mut refused = |norm: &BatchNormTraining<'_>, x: usize, y: usize, mean: usize, variance: usize| {
        let (mut mean, mut variance) = (vec![0.0; mean], vec![0.0; variance]);
        let statistics = BatchStatistics { mean: &mut mean, variance: &mut variance };
        norm.run(&vec![0.0; x], statistics, &mut workspace, &mut vec![0.0; y]).unwrap_err().argument
    };
    assert_eq!(refused(&norm, 3, 3, 3, 3), "input"); // one row
    assert_eq!(refused(&norm, 7, 7, 3, 3), "input");
    assert_eq!(refused(&norm, 6, 5, 3, 3), "output");
    assert_eq!(refused(&norm, 6, 6, 3, 2), "variance");
    assert_eq!(refused(&norm, 6, 6, 0, 0), "input");
    assert_eq!(refused(&BatchNormTraining { epsilon: -1.0, ..norm }, 6, 6, 3, 3), "epsilon");
    let refused = |momentum: f32, count: usize, [mean, variance]: [usize; 2]| {
        let (mut running_mean, mut running_variance) = ([0.0; 3], [0.0; 3]);
        let running = BatchStatistics { mean: &mut running_mean, variance: &mut running_variance };
        let moving = MovingStatistics { momentum, count };
        moving.follow(&vec![0.0; mean], &vec![0.0; variance], running).unwrap_err().argument
    };
    assert_eq!(refused(1.5, 2, [3, 3]), "momentum");
    assert_eq!(refused(0.5, 1, [3, 3]), "count");
    assert_eq!(refused(0.5, 2, [3, 2]), "variance");
    assert_eq!(refused(0.5, 2, [2, 2]), "runningMean");
    let refused = |inner: usize, scale: usize, g: usize, to: [usize; 3]| {
        let [mut a, mut b, mut c] = to.map(|len| vec![0.0; len]);
        let gradients = NormGradients { input: &mut a, scale: &mut b, offset: &mut c };
        layer_norm(inner, Some(&vec![1.0; scale]), 0.0, &[0.0; 6], &vec![0.0; g], &mut Workspace::default(), gradients)
            .unwrap_err()
            .argument
    };
    assert_eq!(refused(4, 4, 6, [6, 4, 4]), "input");
    assert_eq!(refused(3, 2, 6, [6, 3, 3]), "scale");
    assert_eq!(refused(3, 3, 5, [6, 3, 3]), "gradOutput");
    assert_eq!(refused(3, 3, 6, [5, 3, 3]), "gradInput");
    assert_eq!(refused(3, 3, 6, [6, 2, 3]), "gradScale");
    assert_eq!(refused(3, 3, 6, [6, 3, 4]), "gradOffset");
}
