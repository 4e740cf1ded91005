//! The sweep that suggests a step size, what an epoch records, weights that are held, and rows that count more than others.

mod common;

use common::{ATTENTION, BLOCKS, CONV1D, Memory, TIME, layers, ridges};
use edgewright_ir::interpret::Interpreter;
use edgewright_train::{
    Course, Fitted, Flow, Found, Head, Hold, Model, Network, Settings, Start, Targets, TrainError, fit,
};

fn settings() -> Settings {
    Settings { epochs: 12, batch_size: 20, learning_rate: 0.01, ..Settings::default() }
}

fn network(text: &str) -> Network {
    Network { input: vec![16, 6], layers: layers(text), head: Head::Softmax { classes: 2 } }
}

fn course<R>(start: Start<'_>, settings: &Settings, work: impl FnOnce(Course<'_>) -> R) -> R {
    let (rows, classes) = ridges(120, 1);
    let (watch, watched) = ridges(60, 2);
    work(Course {
        start,
        teacher: None,
        train: &rows,
        targets: &Targets::Classes { of: &classes, count: 2 },
        weights: &[],
        validation: &watch,
        validation_targets: &Targets::Classes { of: &watched, count: 2 },
        settings,
        resume: None,
    })
}

fn found(text: &str, settings: &Settings) -> Found {
    let network = network(text);
    course(Start::Network(&network), settings, |c| c.find_rate(&mut |_| Flow::Continue)).expect("a sweep")
}

fn trained(start: Start<'_>, settings: &Settings) -> Fitted {
    course(start, settings, |c| c.fit(&mut |_| Flow::Continue)).expect("trained")
}

#[test]
fn a_suggested_rate_trains_and_is_the_same_on_two_threads() {
    for text in [CONV1D, ATTENTION] {
        let one = found(text, &Settings { threads: 1, ..settings() });
        assert_eq!(one, found(text, &Settings { threads: 2, ..settings() }));
        let rate = one.valley.expect("a suggestion");
        assert!(one.tried.len() > 60 && one.tried.len() <= Found::STEPS, "{}", one.tried.len());
        assert!((1e-4..0.1).contains(&rate) && one.steepest > Some(1e-4), "{rate} {:?}", one.steepest);
        // It trains well, and a thousandth of it does not get there.
        let network = network(text);
        let accuracy = |rate: f64| {
            let fitted =
                trained(Start::Network(&network), &Settings { learning_rate: rate as f32, ..settings() });
            fitted.history[fitted.best_epoch - 1].validation_metric.expect("validated")
        };
        assert!(accuracy(rate) > 0.9, "{rate}: {}", accuracy(rate));
        assert!(accuracy(rate / 1000.0) < 0.9, "{}", accuracy(rate / 1000.0));
    }
}

#[test]
fn a_sweep_ends_when_the_loss_leaves_or_somebody_says_so() {
    // Numbers of any size: plain gradient steps blow up long before a size of 10.
    let rows = Memory { width: 1, values: (0..64).map(|i| i as f32).collect() };
    let targets: Vec<f32> = rows.values.iter().map(|x| 3.0 * x - 5.0).collect();
    let of = Targets::Values(&targets);
    let network = Network { input: vec![1], layers: Vec::new(), head: Head::Linear { outputs: 1 } };
    let settings =
        Settings { optimizer: edgewright_train::Optimizer::Sgd, clip_norm: 0.0, ..Settings::default() };
    let (start, train, validation) = (Start::Network(&network), &rows, &rows);
    let course = Course {
        start,
        teacher: None,
        train,
        targets: &of,
        weights: &[],
        validation,
        validation_targets: &of,
        settings: &settings,
        resume: None,
    };
    let swept = course.find_rate(&mut |_| Flow::Continue).expect("a sweep");
    assert!(swept.tried.len() < Found::STEPS, "{}", swept.tried.len());
    assert!(swept.tried.iter().all(|t| t.loss.is_finite()));
    let stopped = course.find_rate(&mut |n| if n == 5 { Flow::Stop } else { Flow::Continue });
    assert!(matches!(stopped, Err(TrainError::Stopped)));
}

#[test]
fn each_epoch_tells_the_norm_and_who_was_taken_for_whom() {
    let network = network(CONV1D);
    let fitted = trained(Start::Network(&network), &settings());
    for e in &fitted.history {
        assert!(e.gradient_norm > 0.0 && e.learning_rate > 0.0, "{e:?}");
        // Of 60 windows, 30 are of each class; the diagonal is what is right.
        let rows: Vec<u32> = e.confusion.iter().map(|r| r.iter().sum()).collect();
        assert_eq!(rows, [30, 30], "{e:?}");
        let right = f64::from(e.confusion[0][0] + e.confusion[1][1]) / 60.0;
        assert_eq!(Some(right), e.validation_metric, "{e:?}");
    }
    // Too many classes, or none to validate on: nothing is counted.
    let (rows, mut classes) = ridges(66, 1);
    classes.iter_mut().enumerate().for_each(|(i, c)| *c = (i % 33) as u32);
    let of = Targets::Classes { of: &classes, count: 33 };
    let network = Network { head: Head::Softmax { classes: 33 }, ..network };
    let few = Settings { epochs: 1, ..settings() };
    let many = fit(&network, &rows, &of, &rows, &of, &few, None, &mut |_| Flow::Continue).expect("trained");
    assert!(many.history[0].confusion.is_empty());
}

/// Weights of the graph's layers, before batch normalisation is folded in.
fn held(model: &Model, hold: Hold, threads: usize) -> Fitted {
    let settings = Settings { hold, threads, ..settings().fine_tuning(4, 1.0) };
    trained(Start::Model(model), &settings)
}

#[test]
fn zeros_stay_zeros_and_equals_stay_equal() {
    for text in [CONV1D, BLOCKS, TIME[0]] {
        let network = network(text);
        let whole = trained(Start::Network(&network), &settings());
        let sparse = whole.model.sparsified(0.7).expect("sparse");
        let fine = held(&sparse, Hold::Zeros, 1);
        assert!(fine == held(&sparse, Hold::Zeros, 2), "two threads give other weights");
        let zeros =
            |model: &Model| model.weights().map(|w| w.iter().filter(|v| **v == 0.0).count()).collect();
        let (before, after): (Vec<usize>, Vec<usize>) = (zeros(&sparse), zeros(&fine.model));
        assert_eq!(before, after, "{text}");
        assert!(zeros_of(&held(&sparse, Hold::Nothing, 1).model) < zeros_of(&fine.model) / 4, "{text}");
        assert_ne!(fine.model, sparse);
        let groups = fine.model.clustered(8).expect("clustered");
        let fine = held(&groups, Hold::Shared, 1);
        assert!(fine == held(&groups, Hold::Shared, 2), "two threads give other weights");
        assert_ne!(fine.model, groups);
        let after: Vec<usize> = zeros(&fine.model);
        assert_eq!(before, after, "{text}");
        for (a, b) in groups.weights().zip(fine.model.weights()).filter(|(a, _)| different(a) <= 8) {
            assert!(different(b) <= 8, "{text}: {} of {}", different(b), different(a));
        }
        let metric = fine.history[fine.best_epoch - 1].validation_metric.expect("validated");
        assert!(metric > 0.85, "{text}: {metric}");
    }
}

fn zeros_of(model: &Model) -> usize {
    model.weights().flatten().filter(|v| **v == 0.0).count()
}

fn different(values: &[f32]) -> usize {
    let mut bits: Vec<u32> = values.iter().map(|v| v.to_bits()).collect();
    bits.sort_unstable();
    bits.dedup();
    bits.len()
}

fn weighed(rows: &Memory, targets: &Targets<'_>, head: Head, weights: &[f32]) -> Result<Fitted, TrainError> {
    let network = Network { input: vec![16, 6], layers: layers(CONV1D), head };
    let settings = Settings { epochs: 30, batch_size: 20, learning_rate: 0.01, ..Settings::default() };
    let nothing = Memory { width: rows.width, values: Vec::new() };
    let none = match targets {
        Targets::Values(_) => Targets::Values(&[]),
        _ => Targets::Classes { of: &[], count: 2 },
    };
    Course {
        start: Start::Network(&network),
        teacher: None,
        train: rows,
        targets,
        weights,
        validation: &nothing,
        validation_targets: &none,
        settings: &settings,
        resume: None,
    }
    .fit(&mut |_| Flow::Continue)
}

/// Mean of the last output over the rows.
fn mean(fitted: &Fitted, rows: &Memory) -> f32 {
    let mut interpreter = Interpreter::new(&fitted.graph).expect("valid");
    let mut out = vec![0.0; fitted.graph.tensor(fitted.graph.outputs[0]).len()];
    let mut sum = 0.0;
    for row in rows.values.chunks_exact(rows.width) {
        interpreter.run(row, &mut out).expect("runs");
        sum += out[out.len() - 1];
    }
    sum / (rows.values.len() / rows.width) as f32
}

/// The same rows twice; the second time with `second` as what is true of them.
fn contradiction() -> Memory {
    let (mut rows, _) = ridges(40, 5);
    rows.values.extend(rows.values.clone());
    rows
}

/// The first copy counts `first`, the second what is left of 2.
fn weights(first: f32) -> Vec<f32> {
    [vec![first; 40], vec![2.0 - first; 40]].concat()
}

#[test]
fn of_rows_that_contradict_each_other_the_heavier_are_learned() {
    let rows = contradiction();
    let classes: Vec<u32> = (0..80).map(|i| u32::from(i >= 40)).collect();
    let targets = Targets::Classes { of: &classes, count: 2 };
    let share = |first| {
        mean(
            &weighed(&rows, &targets, Head::Softmax { classes: 2 }, &weights(first)).expect("trained"),
            &rows,
        )
    };
    // What is said settles at the share of the weight.
    let (light, heavy) = (share(1.8), share(0.2));
    assert!((light - 0.1).abs() < 0.05 && (heavy - 0.9).abs() < 0.05, "{light} {heavy}");

    let values: Vec<f32> = (0..80).map(|i| if i < 40 { -3.0 } else { 5.0 }).collect();
    let targets = Targets::Values(&values);
    let value = |first| {
        mean(&weighed(&rows, &targets, Head::Linear { outputs: 1 }, &weights(first)).expect("trained"), &rows)
    };
    let (light, heavy) = (value(1.8), value(0.2));
    assert!((light + 2.2).abs() < 0.8 && (heavy - 4.2).abs() < 0.8, "{light} {heavy}");
}

#[test]
fn equal_weights_change_no_bit_and_weights_that_cannot_be_are_refused() {
    let (rows, classes) = ridges(60, 1);
    let targets = Targets::Classes { of: &classes, count: 2 };
    let trained = |weights: &[f32]| weighed(&rows, &targets, Head::Softmax { classes: 2 }, weights);
    let (none, ones) = (trained(&[]).expect("trained"), trained(&[1.0; 60]).expect("trained"));
    assert!(none.graph == ones.graph, "the same graph, bit for bit");
    for wrong in [vec![1.0; 59], vec![f32::NAN; 60], vec![0.0; 60]] {
        assert!(matches!(trained(&wrong), Err(TrainError::Data(_))));
    }
}
