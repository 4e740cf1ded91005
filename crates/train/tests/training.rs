//! It learns, the same way every time, and what it exports computes what it learned.

mod common;

use common::{ATTENTION, BLOCKS, CONV1D, Memory, TIME, layers, noise, ridges};
use edgewright_ir::{interpret::Interpreter, quantize};
use edgewright_train::{
    Augment, Fitted, Flow, Head, Loss, Network, Optimizer, Schedule, Settings, Targets, TrainError, fit,
    sketch,
};

const CONV2D: &str = r#"[{"type":"conv2d","filters":6,"kernel":[3,3],"stride":[2,1]},{"type":"batch_norm"},{"type":"activation","activation":"relu"},
    {"type":"depthwise_conv","kernel":[3,3]},{"type":"batch_norm"},{"type":"activation","activation":"relu"},
    {"type":"conv2d","filters":8,"kernel":[1,1],"activation":"relu"},{"type":"average_pool","size":[2,2]},{"type":"flatten"}]"#;

fn train(
    text: &str,
    settings: &Settings,
    resume: Option<&[u8]>,
    stop_after: usize,
    saved: &mut Vec<u8>,
) -> Result<Fitted, TrainError> {
    let (rows, classes) = ridges(120, 1);
    let (watch, watch_classes) = ridges(40, 2);
    let network = Network { input: vec![16, 6], layers: layers(text), head: Head::Softmax { classes: 2 } };
    fit(
        &network,
        &rows,
        &Targets::Classes { of: &classes, count: 2 },
        &watch,
        &Targets::Classes { of: &watch_classes, count: 2 },
        settings,
        resume,
        &mut |event| {
            if event.epoch == stop_after {
                *saved = (event.checkpoint)();
                return Flow::Stop;
            }
            Flow::Continue
        },
    )
}

fn settings() -> Settings {
    Settings { epochs: 12, batch_size: 20, learning_rate: 0.01, ..Settings::default() }
}

fn accuracy(fitted: &Fitted) -> f64 {
    let (rows, classes) = ridges(100, 3);
    let mut interpreter = Interpreter::new(&fitted.graph).expect("a valid graph");
    let mut right = 0;
    for (x, class) in rows.values.chunks_exact(96).zip(&classes) {
        let mut scores = [0.0; 2];
        interpreter.run(x, &mut scores).expect("runs");
        assert!((scores[0] + scores[1] - 1.0).abs() < 1e-5);
        right += usize::from(u32::from(scores[1] > scores[0]) == *class);
    }
    right as f64 / 100.0
}

#[test]
fn networks_learn_and_the_graph_knows_it() {
    for text in [CONV1D, CONV2D, BLOCKS, TIME[0], TIME[1], ATTENTION] {
        let fitted = train(text, &settings(), None, 0, &mut Vec::new()).expect("trained");
        let metric = fitted.history[fitted.best_epoch - 1].validation_metric.expect("validated");
        assert!(metric > 0.9, "validation {metric}");
        let accuracy = accuracy(&fitted);
        assert!(accuracy > 0.9, "graph {accuracy}");
        // As many as the sketch says before it is trained, however often a weight is read.
        let network =
            Network { input: vec![16, 6], layers: layers(text), head: Head::Softmax { classes: 2 } };
        let told: usize = sketch(&network).expect("a sketch").layers.iter().map(|l| l.parameters).sum();
        assert_eq!(fitted.parameters, told, "{text}");
    }
}

/// One value per row, and a target that is a line of it: a mixture lies on the line as well, so that the line is still found; with
/// targets that were not mixed it would come out flatter.
#[test]
fn mixed_rows_have_mixed_targets() {
    let x: Vec<f32> = (0..64).map(|i| i as f32 / 8.0).collect();
    let targets: Vec<f32> = x.iter().map(|x| 3.0 * x - 5.0).collect();
    let rows = Memory { width: 1, values: x };
    let network = Network { input: vec![1], layers: Vec::new(), head: Head::Linear { outputs: 1 } };
    let of = Targets::Values(&targets);
    let settings = |mixup| Settings {
        epochs: 200,
        learning_rate: 0.05,
        weight_decay: 0.0,
        augment: Augment { mixup, ..Augment::default() },
        ..Settings::default()
    };
    let run = |mixup| fit(&network, &rows, &of, &rows, &of, &settings(mixup), None, &mut |_| Flow::Continue);
    let last = run(0.5).expect("trained").history.pop().expect("epochs");
    assert!(last.validation_metric > Some(0.9995), "{last:?}");
    assert!(run(0.6).unwrap_err().to_string().contains("`training.augment.mixup` is 0.6"));
}

#[test]
fn threads_do_not_change_a_bit() {
    let augment = Augment {
        noise: 0.1,
        time_shift: 2,
        time_mask: 3,
        frequency_mask: 1,
        gain: 0.1,
        mixup: 0.4,
        ..Augment::default()
    };
    // Wide enough that a batch is worth threads.
    let wide = BLOCKS.replace("\"filters\":6", "\"filters\":24");
    let time = TIME[1].replace("\"units\":8", "\"units\":32");
    for text in [&wide, &time] {
        let run = |threads| {
            let settings = Settings { epochs: 3, threads, augment: augment.clone(), ..settings() };
            train(text, &settings, None, 0, &mut Vec::new()).expect("trained")
        };
        let one = run(1);
        for threads in [2, 3] {
            assert!(one.graph == run(threads).graph, "{threads} threads give other weights");
        }
    }
}

#[test]
fn a_resumed_training_ends_in_the_same_weights() {
    let mut saved = Vec::new();
    let settings =
        || Settings { ema: 0.9, schedule: Schedule::Plateau { patience: 1, factor: 0.5 }, ..settings() };
    for text in [TIME[1], CONV1D] {
        let whole = train(text, &settings(), None, 0, &mut Vec::new()).expect("trained");
        let stopped = train(text, &settings(), None, 5, &mut saved);
        assert!(matches!(stopped, Err(TrainError::Stopped)));
        // Another number of threads is the same training.
        let threaded = Settings { threads: 2, ..settings() };
        let resumed = train(text, &threaded, Some(&saved), 0, &mut Vec::new()).expect("resumed");
        assert!(whole == resumed, "the weights differ");
    }
    for end in [0, 7, 12, saved.len() / 2, saved.len() - 1] {
        let cut = train(CONV1D, &settings(), Some(&saved[..end]), 0, &mut Vec::new());
        assert!(matches!(cut, Err(TrainError::Checkpoint(_))), "cut at {end}");
    }
}

#[test]
fn a_regression_finds_the_plane() {
    let mut seed = 9;
    let (mut values, mut targets) = (Vec::new(), Vec::new());
    for _ in 0..300 {
        let (a, b) = (noise(&mut seed), noise(&mut seed));
        values.extend([100.0 + 50.0 * a, 0.01 * b]);
        targets.push(1000.0 + 30.0 * a - 70.0 * b);
    }
    let rows = Memory { width: 2, values };
    let empty = Memory { width: 2, values: vec![] };
    let network = Network {
        input: vec![2],
        layers: layers(r#"[{"type":"dense","units":8,"activation":"relu"}]"#),
        head: Head::Linear { outputs: 1 },
    };
    let settings = Settings { epochs: 60, learning_rate: 0.02, ..Settings::default() };
    let fitted = fit(
        &network,
        &rows,
        &Targets::Values(&targets),
        &empty,
        &Targets::Values(&[]),
        &settings,
        None,
        &mut |_| Flow::Continue,
    )
    .expect("trained");
    assert!(fitted.history.last().expect("epochs").metric > 0.99);
    let mut interpreter = Interpreter::new(&fitted.graph).expect("valid");
    let mut out = [0.0];
    interpreter.run(&[100.0, 0.0], &mut out).expect("runs");
    assert!((out[0] - 1000.0).abs() < 10.0, "{out:?}");
}

#[test]
fn what_cannot_be_trained_is_said() {
    let bad = |text: &str, expected: &str| {
        let error = train(text, &settings(), None, 0, &mut Vec::new()).expect_err("refused").to_string();
        assert!(error.contains(expected), "{error}");
    };
    bad(r#"[{"type":"conv1d","filters":4,"kernel":40,"padding":"valid"}]"#, "layer 1 (conv1d)");
    bad(r#"[{"type":"reshape","shape":[7,7]}]"#, "96 values");
    bad(r#"[{"type":"dropout","rate":1.5}]"#, "`rate`");
    bad(r#"[{"type":"residual","layers":[{"type":"conv1d","filters":4,"kernel":3}]}]"#, "give `shortcut`");
    bad(
        r#"[{"type":"concat","branches":[[],[{"type":"max_pool","size":[2]}]]}]"#,
        "rows and columns must be equal",
    );
    bad(r#"[{"type":"residual","layers":[{"type":"dropout","rate":2.0}]}]"#, "layer 1 in it (dropout)");
}

#[test]
fn every_optimiser_and_loss_learns() {
    let also = [
        Settings { optimizer: Optimizer::Adam, ..settings() },
        Settings { optimizer: Optimizer::RmsProp, ..settings() },
        Settings { optimizer: Optimizer::Lion, learning_rate: 0.003, ..settings() },
        Settings { optimizer: Optimizer::Sgd, learning_rate: 0.05, ..settings() },
        Settings {
            loss: Loss::Focal { gamma: 2.0 },
            schedule: Schedule::Step { every: 4, factor: 0.5 },
            ..settings()
        },
        Settings { ema: 0.9, schedule: Schedule::Constant, ..settings() },
    ];
    for settings in also {
        let fitted = train(CONV1D, &settings, None, 0, &mut Vec::new()).expect("trained");
        let accuracy = accuracy(&fitted);
        assert!(accuracy > 0.85, "{accuracy} with {settings:?}");
    }
}

#[test]
fn int8_of_every_block_agrees_with_float() {
    for text in [BLOCKS, TIME[0], TIME[1], ATTENTION] {
        let same = agreement(text);
        assert!(same >= 95, "{same} of 100 agree: {text}");
    }
}

/// Rows of 100 for which the integer form of a trained network says the same as the float form.
fn agreement(text: &str) -> usize {
    let fitted = train(text, &settings(), None, 0, &mut Vec::new()).expect("trained");
    let (rows, _) = ridges(100, 4);
    let mut observer = quantize::Observer::new(&fitted.graph).expect("valid");
    rows.values.chunks_exact(96).for_each(|x| observer.observe(x).expect("fits"));
    let int8 = quantize::quantize(&fitted.graph, &observer.ranges()).expect("an integer form");
    let (mut a, mut b) =
        (Interpreter::new(&fitted.graph).expect("valid"), Interpreter::new(&int8).expect("valid"));
    let mut same = 0;
    for x in rows.values.chunks_exact(96) {
        let (mut p, mut q) = ([0.0; 2], [0.0; 2]);
        a.run(x, &mut p).expect("runs");
        b.run(x, &mut q).expect("runs");
        same += usize::from((p[0] > p[1]) == (q[0] > q[1]));
    }
    same
}

#[test]
fn a_loss_that_explodes_stops_with_a_reason() {
    let settings = Settings { learning_rate: 1e30, clip_norm: 0.0, ..settings() };
    let error = train(CONV2D, &settings, None, 0, &mut Vec::new()).expect_err("refused");
    assert!(matches!(error, TrainError::Diverged { epoch: 1, .. }), "{error}");
    let text = error.to_string();
    for part in ["at step ", "`training.clip_norm`", "hint: "] {
        assert!(text.contains(part), "{text}");
    }
}

#[test]
fn a_quantile_lies_above_its_share_of_targets() {
    let mut seed = 5;
    let (mut values, mut targets) = (Vec::new(), Vec::new());
    for _ in 0..400 {
        values.push(noise(&mut seed));
        targets.push(10.0 + noise(&mut seed));
    }
    let rows = Memory { width: 1, values };
    let empty = Memory { width: 1, values: vec![] };
    let network = Network { input: vec![1], layers: Vec::new(), head: Head::Linear { outputs: 1 } };
    let settings = Settings {
        epochs: 80,
        learning_rate: 0.05,
        loss: Loss::Quantile { quantile: 0.9 },
        ..Settings::default()
    };
    let of = Targets::Values(&targets);
    let none = Targets::Values(&[]);
    let fitted =
        fit(&network, &rows, &of, &empty, &none, &settings, None, &mut |_| Flow::Continue).expect("trained");
    let mut interpreter = Interpreter::new(&fitted.graph).expect("valid");
    let mut below = 0;
    for (x, target) in rows.values.iter().zip(&targets) {
        let mut out = [0.0];
        interpreter.run(&[*x], &mut out).expect("runs");
        below += usize::from(*target < out[0]);
    }
    assert!((340..=380).contains(&below), "{below} of 400 lie below");
    let wrong = Settings { loss: Loss::Focal { gamma: 2.0 }, ..settings };
    let refused = fit(&network, &rows, &of, &empty, &none, &wrong, None, &mut |_| Flow::Continue);
    assert!(refused.expect_err("refused").to_string().contains("focal"));
}
