//! The sweep that suggests a step size, what an epoch records, and weights that are held.

mod common;

use common::{ATTENTION, BLOCKS, CONV1D, Memory, TIME, layers, ridges};
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
