//! A network finds where the objects of a picture are, and the graph it exports knows it.

use edgewright_ir::{interpret::Interpreter, quantize};
use edgewright_train::{Augment, Flow, Head, Layer, Mark, Network, Rows, Settings, Targets, TrainError, fit};

const SIDE: usize = 24;

struct Memory(Vec<f32>);

impl Rows for Memory {
    fn len(&self) -> usize {
        self.0.len() / (SIDE * SIDE)
    }
    fn width(&self) -> usize {
        SIDE * SIDE
    }
    fn read(&self, rows: &[usize], out: &mut [f32]) -> std::io::Result<()> {
        for (row, out) in rows.iter().zip(out.chunks_exact_mut(SIDE * SIDE)) {
            out.copy_from_slice(&self.0[row * SIDE * SIDE..][..SIDE * SIDE]);
        }
        Ok(())
    }
}

/// Pictures with up to two things: bright squares (label 0) and bright crosses (label 1), five pixels wide, in noise.
fn pictures(count: usize, mut state: u64) -> (Memory, Vec<Vec<Mark>>) {
    let mut next = |below: usize| {
        state = state.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
        (state >> 33) as usize % below
    };
    let (mut values, mut marks) = (Vec::new(), Vec::new());
    for _ in 0..count {
        let mut picture: Vec<f32> = (0..SIDE * SIDE).map(|_| next(60) as f32).collect();
        let mut of = Vec::new();
        for half in 0..next(3) {
            let label = next(2);
            let (y, x) = (3 + next(SIDE - 6), 3 + half * SIDE / 2 + next(SIDE / 2 - 6));
            for dy in 0..5 {
                for dx in 0..5 {
                    if label == 0 || dy == 2 || dx == 2 {
                        picture[(y + dy - 2) * SIDE + x + dx - 2] = 200.0;
                    }
                }
            }
            let share = |v: usize| (v as f32 + 0.5) / SIDE as f32;
            of.push(Mark { label: label as u32, x: share(x), y: share(y) });
        }
        values.extend(picture);
        marks.push(of);
    }
    (Memory(values), marks)
}

fn network() -> Network {
    let layers: Vec<Layer> = serde_json::from_str(
        r#"[{"type":"conv2d","filters":8,"kernel":[3,3],"stride":[2,2]},{"type":"batch_norm"},
            {"type":"activation","activation":"relu6"},
            {"type":"conv2d","filters":16,"kernel":[3,3],"stride":[2,2]},{"type":"batch_norm"},
            {"type":"activation","activation":"relu6"},
            {"type":"conv2d","filters":16,"kernel":[3,3],"activation":"relu"}]"#,
    )
    .expect("layers");
    Network { input: vec![SIDE, SIDE, 1], layers, head: Head::Cells { classes: 3 } }
}

fn settings(augment: Augment) -> Settings {
    Settings { epochs: 25, batch_size: 16, learning_rate: 0.01, augment, ..Settings::default() }
}

#[test]
fn objects_are_found_where_they_are_in_float_and_int8() {
    let (rows, marks) = pictures(160, 1);
    let (watch, watch_marks) = pictures(40, 2);
    let objects = |of| Targets::Objects { of, labels: 2, weight: 10.0 };
    let augment = Augment { flip: true, shift: 0.1, ..Augment::default() };
    let fitted = fit(
        &network(),
        &rows,
        &objects(&marks),
        &watch,
        &objects(&watch_marks),
        &settings(augment),
        None,
        &mut |_| Flow::Continue,
    )
    .expect("trained");
    let metric = fitted.history[fitted.best_epoch - 1].validation_metric.expect("validated");
    assert!(metric > 0.8, "F1 of the cells is {metric}");

    let mut observer = quantize::Observer::new(&fitted.graph).expect("valid");
    for row in rows.0.chunks_exact(SIDE * SIDE).take(40) {
        observer.observe(row).expect("observed");
    }
    let int8 = quantize::quantize(&fitted.graph, &observer.ranges()).expect("quantised");
    for graph in [&fitted.graph, &int8] {
        assert_eq!(graph.tensor(graph.outputs[0]).shape, [6, 6, 3]);
        let mut interpreter = Interpreter::new(graph).expect("valid");
        let mut cells = [0.0; 108];
        let (mut found, mut all) = (0, 0);
        for (row, of) in watch.0.chunks_exact(SIDE * SIDE).zip(&watch_marks) {
            interpreter.run(row, &mut cells).expect("runs");
            for cell in cells.chunks_exact(3) {
                assert!((cell.iter().sum::<f32>() - 1.0).abs() < 0.02, "{cell:?} sum to 1");
            }
            for mark in of {
                let at = (mark.y * 6.0) as usize * 6 + (mark.x * 6.0) as usize;
                all += 1;
                found += usize::from(cells[at * 3 + 1 + mark.label as usize] > 0.5);
            }
        }
        assert!(found * 10 >= all * 8, "{found} of {all} objects are found in their cell");
    }
}

#[test]
fn objects_that_do_not_fit_are_said() {
    let (rows, mut marks) = pictures(8, 1);
    let try_with = |marks: &[Vec<Mark>], weight| {
        let targets = Targets::Objects { of: marks, labels: 2, weight };
        let settings = settings(Augment::default());
        fit(&network(), &rows, &targets, &Memory(Vec::new()), &targets, &settings, None, &mut |_| Flow::Stop)
            .expect_err("refused")
    };
    assert!(matches!(try_with(&marks, 0.0), TrainError::Data(m) if m.contains("weight above 0")));
    assert!(matches!(try_with(&vec![Vec::new(); 8], 1.0), TrainError::Data(m) if m.contains("a picture")));
    marks[0] = vec![Mark { label: 2, x: 0.5, y: 0.5 }];
    assert!(matches!(try_with(&marks, 1.0), TrainError::Data(m) if m.contains("do not fit the objects")));
}
