//! Forests and boosting on problems with a known answer; their graphs, float and integer, say the same.

use edgewright_ir::{Graph, interpret::Interpreter, quantize, trees::Ensemble};
use edgewright_ml::{
    FitError,
    bins::Bins,
    boosting,
    forest::{self, Forest, Targets},
    graph::{Head, of_trees},
};

struct Noise(u64);

impl Noise {
    fn unit(&mut self) -> f32 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 40) as f32 / (1u64 << 24) as f32
    }
}

/// Three classes by two of four features, which no line separates; and a number.
fn rows(count: usize, seed: u64) -> (Vec<f32>, Vec<u32>, Vec<f32>) {
    let mut noise = Noise(seed);
    let (mut x, mut classes, mut values) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..count {
        let row: Vec<f32> = (0..4).map(|_| noise.unit()).collect();
        classes.push(if (row[0] > 0.5) == (row[1] > 0.3) {
            0
        } else if row[0] > 0.5 {
            1
        } else {
            2
        });
        values.push(10.0 * row[0] * row[1] + 3.0 * row[2]);
        x.extend(row);
    }
    (x, classes, values)
}

fn grow(bins: &Bins, targets: Targets<'_>) -> Ensemble {
    let forest = Forest::new(bins, targets, &forest::Spec::default()).expect("settings");
    // In any order.
    let mut trees: Vec<_> = (0..50).rev().map(|i| forest.tree(i)).collect();
    trees.reverse();
    forest.finish(trees)
}

/// Answers of the float graph and of its integer form.
fn answers(graph: &Graph, x: &[f32]) -> (Vec<Vec<f32>>, Vec<Vec<f32>>) {
    let integer = quantize::quantize(graph, &quantize::Ranges::new()).expect("quantised");
    let run = |graph: &Graph| -> Vec<Vec<f32>> {
        let mut i = Interpreter::new(graph).expect("valid");
        let mut out = vec![0.0; graph.tensor(graph.outputs[0]).len()];
        x.chunks_exact(4)
            .map(|row| {
                i.run(row, &mut out).expect("runs");
                out.clone()
            })
            .collect()
    };
    (run(graph), run(&integer))
}

fn accuracy(said: &[Vec<f32>], classes: &[u32]) -> f64 {
    let right = said.iter().zip(classes).filter(|(s, c)| s.iter().all(|v| *v <= s[**c as usize])).count();
    right as f64 / classes.len() as f64
}

fn r2(said: &[Vec<f32>], values: &[f32]) -> f64 {
    let mean = values.iter().sum::<f32>() / values.len() as f32;
    let error: f32 = said.iter().zip(values).map(|(s, v)| (s[0] - v).powi(2)).sum();
    let spread: f32 = values.iter().map(|v| (mean - v).powi(2)).sum();
    f64::from(1.0 - error / spread)
}

#[test]
fn forests_learn_classes_and_numbers() {
    let (x, classes, values) = rows(1500, 1);
    let (new, new_classes, new_values) = rows(500, 2);
    let bins = Bins::new(&x, 4).expect("bins");
    let ensemble = grow(&bins, Targets::Classes(&classes, 3));
    assert_eq!(ensemble, grow(&bins, Targets::Classes(&classes, 3)), "a seed, a forest");
    let (float, integer) = answers(&of_trees(&ensemble, Head::Plain, "forest"), &new);
    assert!(accuracy(&float, &new_classes) > 0.97, "{}", accuracy(&float, &new_classes));
    assert!(float.iter().all(|s| (s.iter().sum::<f32>() - 1.0).abs() < 1e-4));
    for (f, i) in float.iter().flatten().zip(integer.iter().flatten()) {
        assert!((f - i).abs() < 0.005, "{f} {i}");
    }
    let ensemble = grow(&bins, Targets::Values(&values));
    let (float, integer) = answers(&of_trees(&ensemble, Head::Plain, "forest"), &new);
    assert!(r2(&float, &new_values) > 0.93, "{}", r2(&float, &new_values));
    for (f, i) in float.iter().flatten().zip(integer.iter().flatten()) {
        assert!((f - i).abs() < 0.001, "{f} {i}");
    }
}

#[test]
fn boosting_learns_two_classes_three_and_numbers() {
    let (x, classes, values) = rows(1500, 1);
    let (new, new_classes, new_values) = rows(500, 2);
    let bins = Bins::new(&x, 4).expect("bins");
    let other = bins.same(&new).expect("bins");
    let spec = boosting::Spec { rounds: 60, ..boosting::Spec::default() };
    let fit = |targets: Targets<'_>, watched: Targets<'_>| {
        let made =
            boosting::fit(&bins, targets, Some((&other, watched)), &spec, &mut |_, _| true).expect("boosted");
        assert!(made.history[0].loss > made.history[made.rounds - 1].loss);
        made
    };
    let made = fit(Targets::Classes(&classes, 3), Targets::Classes(&new_classes, 3));
    let (float, integer) = answers(&of_trees(&made.ensemble, Head::Softmax, "boosted"), &new);
    assert!(accuracy(&float, &new_classes) > 0.97, "{}", accuracy(&float, &new_classes));
    // The curve was drawn from what the model computes.
    let (_, metric) = made.history[made.rounds - 1].validation.expect("validated");
    assert!((accuracy(&float, &new_classes) - metric).abs() < 1e-9);
    for (f, i) in float.iter().flatten().zip(integer.iter().flatten()) {
        assert!((f - i).abs() < 0.001, "{f} {i}");
    }
    let two = |c: &[u32]| -> Vec<u32> { c.iter().map(|c| u32::from(*c > 0)).collect() };
    let (a, b) = (two(&classes), two(&new_classes));
    let made = fit(Targets::Classes(&a, 2), Targets::Classes(&b, 2));
    let (float, _) = answers(&of_trees(&made.ensemble, Head::Softmax, "boosted"), &new);
    assert!(accuracy(&float, &b) > 0.97, "{}", accuracy(&float, &b));
    let made = fit(Targets::Values(&values), Targets::Values(&new_values));
    let (float, _) = answers(&of_trees(&made.ensemble, Head::Plain, "boosted"), &new);
    assert!(r2(&float, &new_values) > 0.97, "{}", r2(&float, &new_values));
}

#[test]
fn nothing_to_split_is_a_model_too() {
    let bins = Bins::new(&[1.0, 1.0, 1.0], 1).expect("bins");
    let targets = Targets::Classes(&[0, 1, 1], 2);
    let ensemble = grow(&bins, targets);
    assert_eq!(ensemble.splits(), 0);
    let graph = of_trees(&ensemble, Head::Plain, "flat");
    let integer = quantize::quantize(&graph, &quantize::Ranges::new()).expect("quantised");
    for graph in [&graph, &integer] {
        let mut out = [0.0; 2];
        Interpreter::new(graph).expect("valid").run(&[5.0], &mut out).expect("runs");
        assert!(out[1] > out[0], "{out:?}");
    }
    let made =
        boosting::fit(&bins, targets, None, &boosting::Spec::default(), &mut |_, _| true).expect("boosted");
    assert_eq!(made.history.len(), 1, "a round that splits nothing is the last");
}

#[test]
fn impossible_settings_and_rows_are_named() {
    let bins = Bins::new(&[1.0, 2.0], 1).expect("bins");
    let targets = Targets::Classes(&[0, 1], 2);
    let none = forest::Spec { trees: 0, ..forest::Spec::default() };
    let error = Forest::new(&bins, targets, &none).expect_err("refused").to_string();
    assert!(error.contains("`trees` is 0"), "{error}");
    let far = boosting::Spec { learning_rate: 2.0, ..boosting::Spec::default() };
    let error = boosting::fit(&bins, targets, None, &far, &mut |_, _| true).expect_err("refused").to_string();
    assert!(error.contains("`learning_rate` is 2"), "{error}");
    let error = Forest::new(&bins, Targets::Classes(&[0], 2), &forest::Spec::default()).err();
    assert_eq!(error, Some(FitError::Lengths { rows: 2, targets: 1 }));
}
