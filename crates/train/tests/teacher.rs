//! A teacher from elsewhere: a graph teaches what the network that it came from teaches.

#[allow(dead_code, reason = "each test binary uses a part")]
mod common;

use common::{CONV1D, Memory, layers, noise, ridges};
use edgewright_ir::{Graph, interpret::Interpreter};
use edgewright_train::{
    Augment, Course, Fitted, Flow, Head, Network, Settings, Start, Targets, Teacher, Teaches, TrainError, fit,
};

fn settings(augment: Augment) -> Settings {
    Settings { epochs: 6, batch_size: 20, learning_rate: 0.01, augment, ..Settings::default() }
}

fn taught(
    layers_of: &str,
    head: Head,
    (rows, of): (&Memory, &Targets<'_>),
    of_teacher: Option<Teaches<'_>>,
    augment: Augment,
) -> Result<Fitted, TrainError> {
    let input = if rows.width == 96 { vec![16, 6] } else { vec![rows.width] };
    let network = Network { input, layers: layers(layers_of), head };
    let none = Memory { width: rows.width, values: Vec::new() };
    let nothing = match of {
        Targets::Classes { count, .. } => Targets::Classes { of: &[], count: *count },
        _ => Targets::Values(&[]),
    };
    // Alone from the teacher: what it says is all that counts.
    let teacher = of_teacher.map(|of| Teacher { of, temperature: 2.0, share: 1.0 });
    Course {
        start: Start::Network(&network),
        teacher,
        train: rows,
        targets: of,
        weights: &[],
        validation: &none,
        validation_targets: &nothing,
        settings: &settings(augment),
        resume: None,
    }
    .fit(&mut |_| Flow::Continue)
}

fn scores(graph: &Graph, rows: &Memory) -> Vec<f32> {
    let mut interpreter = Interpreter::new(graph).expect("valid");
    let each = rows.values.chunks_exact(rows.width).flat_map(|x| {
        let mut y = vec![0.0; graph.tensor(graph.outputs[0]).len()];
        interpreter.run(x, &mut y).expect("runs");
        y
    });
    each.collect()
}

fn far(a: &[f32], b: &[f32]) -> f32 {
    a.iter().zip(b).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max)
}

#[test]
fn a_graph_teaches_as_the_model_it_is_of() {
    let (rows, classes) = ridges(80, 1);
    let of = Targets::Classes { of: &classes, count: 2 };
    let head = Head::Softmax { classes: 2 };
    let network = Network { input: vec![16, 6], layers: layers(CONV1D), head };
    let none = Memory { width: 96, values: Vec::new() };
    let nothing = Targets::Classes { of: &[], count: 2 };
    let large = fit(&network, &rows, &of, &none, &nothing, &settings(Augment::default()), None, &mut |_| {
        Flow::Continue
    })
    .expect("trained");
    let small = r#"[{"type":"dense","units":6,"activation":"relu"}]"#;
    // As rows are, its answers are taken once; where they change in each epoch, it is asked anew.
    for augment in
        [Augment::default(), Augment { noise: 0.3, time_shift: 2, mixup: 0.3, ..Augment::default() }]
    {
        let learn = |of_teacher| {
            let made = taught(small, head, (&rows, &of), of_teacher, augment.clone()).expect("trained");
            scores(&made.graph, &rows)
        };
        let wanted = learn(Some(Teaches::Model(&large.model)));
        let seen = learn(Some(Teaches::Graph { graph: &large.graph, order: None }));
        let alone = learn(None);
        assert!(far(&seen, &wanted) < 0.01, "{}", far(&seen, &wanted));
        assert!(far(&alone, &wanted) > 0.05, "{}", far(&alone, &wanted));
    }
    // Its outputs in another order are other classes.
    let order = [1, 0];
    let teaches = Teaches::Graph { graph: &large.graph, order: Some(&order) };
    let made = taught(small, head, (&rows, &of), Some(teaches), Augment::default()).expect("trained");
    let right = scores(&made.graph, &rows)
        .chunks_exact(2)
        .zip(&classes)
        .filter(|(y, c)| u32::from(y[1] > y[0]) == **c)
        .count();
    assert!(right < 20, "{right} of 80");
    let order = [0, 2];
    let teaches = Teaches::Graph { graph: &large.graph, order: Some(&order) };
    let told =
        taught(small, head, (&rows, &of), Some(teaches), Augment::default()).expect_err("no third output");
    assert!(told.to_string().contains("the teacher gives 2 values, but 2 are learned"), "{told}");
    let narrow = Memory { width: 48, values: rows.values.clone() };
    let halves: Vec<u32> = classes.iter().flat_map(|c| [*c, *c]).collect();
    let of = Targets::Classes { of: &halves, count: 2 };
    let teaches = Teaches::Graph { graph: &large.graph, order: None };
    let told =
        taught(small, head, (&narrow, &of), Some(teaches), Augment::default()).expect_err("too narrow");
    assert!(told.to_string().contains("the teacher takes 96 values, but a row has 48"), "{told}");
}

#[test]
fn a_graph_teaches_numbers_in_their_own_unit() {
    let mut seed = 7;
    let values: Vec<f32> = (0..400).map(|_| noise(&mut seed)).collect();
    let rows = Memory { width: 4, values };
    // Far from 0 and of a large spread.
    let plane: Vec<f32> = rows.values.chunks_exact(4).map(|x| 500.0 + 80.0 * (x[0] - x[2])).collect();
    let of = Targets::Values(&plane);
    let head = Head::Linear { outputs: 1 };
    let exact = taught("[]", head, (&rows, &of), None, Augment::default()).expect("trained");
    let model = taught("[]", head, (&rows, &of), Some(Teaches::Model(&exact.model)), Augment::default());
    let graph = Teaches::Graph { graph: &exact.graph, order: None };
    let graph = taught("[]", head, (&rows, &of), Some(graph), Augment::default());
    let wanted = scores(&model.expect("trained").graph, &rows);
    let seen = scores(&graph.expect("trained").graph, &rows);
    assert!(far(&seen, &wanted) < 0.5 && wanted.iter().any(|v| *v > 520.0), "{}", far(&seen, &wanted));
}
