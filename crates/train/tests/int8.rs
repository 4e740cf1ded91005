//! Training in int8 arithmetic: what it ends with is what the interpreter computes, the same on any number of threads.

mod common;

use common::{ATTENTION, BLOCKS, CONV1D, Memory, TIME, layers, ridges};
use edgewright_ir::{Graph, Op, interpret::Interpreter, quantize};
use edgewright_train::{
    Augment, Course, Flow, Head, Model, Network, Rows, Settings, Start, Targets, TrainError, Tuned, fit,
};

fn settings() -> Settings {
    Settings { epochs: 8, batch_size: 20, learning_rate: 0.01, ..Settings::default() }
}

/// Few and hard rows, so that there is something to lose.
fn trained(text: &str) -> Model {
    let (rows, classes) = ridges(120, 1);
    let (watch, watched) = ridges(60, 2);
    let network = Network { input: vec![16, 6], layers: layers(text), head: Head::Softmax { classes: 2 } };
    let (of, watched) =
        (Targets::Classes { of: &classes, count: 2 }, Targets::Classes { of: &watched, count: 2 });
    fit(&network, &rows, &of, &watch, &watched, &settings(), None, &mut |_| Flow::Continue)
        .expect("trained")
        .model
}

fn tune(
    model: &Model,
    settings: &Settings,
    resume: Option<&[u8]>,
    stop_after: usize,
    saved: &mut Vec<u8>,
) -> Result<Tuned, TrainError> {
    let (rows, classes) = ridges(120, 1);
    let (watch, watched) = ridges(60, 2);
    let course = Course {
        start: Start::Model(model),
        teacher: None,
        train: &rows,
        targets: &Targets::Classes { of: &classes, count: 2 },
        weights: &[],
        validation: &watch,
        validation_targets: &Targets::Classes { of: &watched, count: 2 },
        settings,
        resume,
    };
    course.fit_int8(&mut |event| {
        if event.epoch == stop_after {
            *saved = (event.checkpoint)();
            return Flow::Stop;
        }
        Flow::Continue
    })
}

/// Mean cross-entropy of the logits that an integer graph makes of raw rows, in the trainer's order of sums.
fn loss(graph: &Graph, rows: &Memory, classes: &[u32]) -> f64 {
    let softmax = graph.nodes.iter().rfind(|n| matches!(n.op, Op::Softmax)).expect("a softmax");
    let mut interpreter = Interpreter::new(graph).expect("valid");
    let mut sum = 0.0;
    for (i, class) in classes.iter().enumerate() {
        let mut row = vec![0.0; rows.width()];
        rows.read(&[i], &mut row).expect("read");
        interpreter.with_input(&row).expect("runs");
        let logits = interpreter.activation(softmax.inputs[0]);
        let mut p = vec![0.0; logits.len()];
        edgewright_kernels::softmax_f32(&logits, &mut p);
        sum -= f64::from(p[*class as usize]).max(1e-12).ln();
    }
    sum / classes.len() as f64
}

#[test]
fn what_was_validated_is_what_the_interpreter_computes() {
    let (watch, watched) = ridges(60, 2);
    for text in [CONV1D, BLOCKS, ATTENTION] {
        let model = trained(text);
        let fine = settings().fine_tuning(4, 0.1);
        let tuned = tune(&model, &fine, None, 0, &mut Vec::new()).expect("tuned");
        assert_eq!(tuned.history.len(), 4);
        assert!(tuned.best_epoch > 0, "{text}: no epoch was better than none");
        let recorded = tuned.history[tuned.best_epoch - 1].validation_loss.expect("validated");
        let computed = loss(&tuned.int8, &watch, &watched);
        assert!((recorded - computed).abs() < 1e-12, "{recorded} was recorded, {computed} is computed");
        let before = {
            let inputs: Vec<Vec<f32>> = watch.values.chunks_exact(96).map(<[f32]>::to_vec).collect();
            loss(&quantize::closest(&model.graph(), &inputs).expect("quantised").int8, &watch, &watched)
        };
        assert!(computed <= before, "{computed} after, {before} before");
        tuned.graph.validate().expect("a valid float graph");
    }
}

#[test]
fn threads_and_a_stop_do_not_change_a_bit() {
    let model = trained(CONV1D);
    let fine = Settings {
        augment: Augment { noise: 0.1, time_shift: 2, ..Augment::default() },
        ..settings().fine_tuning(4, 0.1)
    };
    let run = |threads, resume: Option<&[u8]>| {
        tune(&model, &Settings { threads, ..fine.clone() }, resume, 0, &mut Vec::new()).expect("tuned")
    };
    let one = run(1, None);
    let two = run(2, None);
    assert!(one == two, "two threads give other weights");
    let mut saved = Vec::new();
    assert!(matches!(tune(&model, &fine, None, 2, &mut saved), Err(TrainError::Stopped)));
    assert!(run(1, Some(&saved)) == one, "a stop in the middle changes the weights");
    // A checkpoint is of these weights alone.
    let other = trained(BLOCKS);
    assert!(matches!(tune(&other, &fine, Some(&saved), 0, &mut Vec::new()), Err(TrainError::Checkpoint(_))));
}

#[test]
fn numbers_are_tuned_in_their_own_unit() {
    let mut values = Vec::new();
    let mut targets = Vec::new();
    let mut seed = 5;
    for _ in 0..200 {
        let x: Vec<f32> = (0..4).map(|_| common::noise(&mut seed)).collect();
        targets.push(300.0 + 40.0 * x[0] * x[1] - 25.0 * x[2]);
        values.extend(x);
    }
    let rows = Memory { width: 4, values };
    let text =
        r#"[{"type":"dense","units":16,"activation":"relu"},{"type":"dense","units":8,"activation":"relu"}]"#;
    let network = Network { input: vec![4], layers: layers(text), head: Head::Linear { outputs: 1 } };
    let of = Targets::Values(&targets);
    let settings = Settings { epochs: 60, ..settings() };
    let model = fit(&network, &rows, &of, &rows, &of, &settings, None, &mut |_| Flow::Continue)
        .expect("trained")
        .model;
    let fine = settings.fine_tuning(5, 0.1);
    let course = Course {
        start: Start::Model(&model),
        teacher: None,
        train: &rows,
        targets: &of,
        weights: &[],
        validation: &rows,
        validation_targets: &of,
        settings: &fine,
        resume: None,
    };
    let tuned = course.fit_int8(&mut |_| Flow::Continue).expect("tuned");
    let mut interpreter = Interpreter::new(&tuned.int8).expect("valid");
    let mut error = 0.0;
    for (x, target) in rows.values.chunks_exact(4).zip(&targets) {
        let mut y = [0.0];
        interpreter.run(x, &mut y).expect("runs");
        error += f64::from(y[0] - target).powi(2);
    }
    let mean = f64::from(targets.iter().sum::<f32>()) / 200.0;
    let spread: f64 = targets.iter().map(|t| (f64::from(*t) - mean).powi(2)).sum();
    assert!(1.0 - error / spread > 0.9, "R2 {}", 1.0 - error / spread);
}

#[test]
fn layers_of_many_steps_are_not_trained_in_int8_and_that_is_said() {
    for text in TIME {
        let model = trained(text);
        let refused = tune(&model, &settings(), None, 0, &mut Vec::new());
        let text = refused.expect_err("refused").to_string();
        assert!(text.contains("quantisation_aware"), "{text}");
    }
}
