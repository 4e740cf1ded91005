//! Models of LightGBM, XGBoost (its linear booster, binary form and dumps too) and scikit-learn say what their libraries said
//! (`golden/trees/golden.py`); what is nearly such a model is refused with a sentence and never panics.

use edgewright_ir::{
    Op,
    import::{
        ImportError, Imported,
        trees::{lightgbm, lightgbm_json, scikit, xgboost, xgboost_dump},
    },
    interpret::Interpreter,
    quantize::{Ranges, quantize},
};
use std::{fs, path::PathBuf};

fn golden(name: &str) -> Vec<u8> {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../golden/trees").join(name);
    fs::read(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()))
}

fn read(name: &str, bytes: &[u8]) -> Result<Imported, ImportError> {
    match name.split('_').next() {
        Some("lightgbm") => lightgbm::read(bytes, name),
        Some("lightgbmjson") => lightgbm_json::read(bytes, name),
        Some("xgboost") => xgboost::read(bytes, name),
        Some("xgboostdump") => xgboost_dump::read(bytes, name),
        _ => scikit::read(bytes, name),
    }
}

#[derive(serde::Deserialize)]
struct Expected {
    inputs: Vec<Vec<f32>>,
    outputs: std::collections::BTreeMap<String, Vec<Vec<f32>>>,
}

#[test]
fn they_say_what_their_libraries_say() {
    let expected: Expected = serde_json::from_slice(&golden("expected.json")).expect("answers");
    assert!(expected.outputs.len() > 15);
    for (name, outputs) in &expected.outputs {
        let model = read(name, &golden(name)).unwrap_or_else(|e| panic!("{name}: {e}"));
        let trees = model.graph.nodes.iter().any(|n| matches!(n.op, Op::TreeEnsemble { .. }));
        let mut graphs = vec![(model.graph.clone(), 2e-6)];
        if trees {
            graphs.push((quantize(&model.graph, &Ranges::new()).expect("integers"), 4e-3));
        }
        for (graph, tolerance) in graphs {
            let mut interpreter = Interpreter::new(&graph).expect("valid");
            let mut out = vec![0.0; graph.tensor(graph.outputs[0]).len()];
            for (x, y) in expected.inputs.iter().zip(outputs) {
                interpreter.run(x, &mut out).expect("runs");
                assert_eq!(out.len(), y.len(), "{name}");
                for (a, b) in out.iter().zip(y) {
                    assert!((a - b).abs() <= tolerance * (1.0 + b.abs()), "{name}: {a}, expected {b}");
                }
            }
        }
    }
}

#[test]
fn what_is_not_supported_is_named_with_its_place() {
    let text = |name: &str| String::from_utf8(golden(name)).expect("text");
    for (name, from, to, expected) in [
        ("lightgbm_two.txt", "decision_type=2", "decision_type=1", "categorical split at tree 0 (line"),
        ("lightgbm_two.txt", "is_linear=0", "is_linear=1", "linear tree at tree 0"),
        (
            "lightgbm_two.txt",
            "objective=binary sigmoid:1",
            "objective=cross_entropy_lambda",
            "objective at cross_entropy_lambda",
        ),
        ("lightgbm_two.txt", "split_feature=", "split_feature=99 ", "`split_feature` has"),
        ("lightgbm_two.txt", "left_child=", "left=", "has no `left_child`"),
        ("xgboost_two.json", "binary:logistic", "survival:cox", "objective at survival:cox"),
        ("xgboost_two.json", "\"split_type\":[0", "\"split_type\":[1", "categorical split at tree 0"),
        ("xgboost_two.json", "\"left_children\":[1", "\"left_children\":[0", "tree 0 comes to node 0 twice"),
        ("xgboost_two.json", "\"name\":\"gbtree\"", "\"name\":\"gbforest\"", "booster at gbforest"),
        ("xgboost_two.json", "\"name\":\"gbtree\"", "\"name\":\"gblinear\"", "0 weights for 5 features"),
        ("xgboostdump_two.txt", "yes=1", "yes=99", "tree 0 leads to node 99"),
        ("xgboostdump_two.txt", "[f", "[age", "is no feature f0, f1"),
        ("xgboostdump_two.txt", "[f", "[c:{1,2}] yes=1,no=2\n1:[f", "categorical split at tree 0, node 0"),
        ("xgboostdump_two.json", "\"nodeid\": 1,", "\"nodeid\": 2,", "tree 0 has a node twice"),
        (
            "lightgbmjson_two.json",
            "\"decision_type\": \"<=\"",
            "\"decision_type\": \"==\"",
            "categorical split at tree 0, split 0",
        ),
        (
            "lightgbmjson_two.json",
            "\"leaf_weight\"",
            "\"leaf_coeff\": [1.5], \"leaf_weight\"",
            "linear tree at tree 0",
        ),
        (
            "lightgbmjson_two.json",
            "\"missing_type\": \"NaN\"",
            "\"missing_type\": \"Zero\"",
            "zero as missing at tree 0, split",
        ),
        ("xgboost_two.json", "\"split_indices\":[0", "\"split_indices\":[9", "asks for feature 9 of 5"),
        ("scikit_tree.json", "\"link\": \"none\"", "\"link\": \"odds\"", "`link` is `odds`"),
        ("scikit_ridge.json", "\"features\": 5", "\"features\": 6", "6 features"),
    ] {
        let whole = text(name);
        assert!(whole.contains(from), "{name} has no {from}");
        let error =
            read(name, whole.replacen(from, to, 1).as_bytes()).map(|_| ()).expect_err(expected).to_string();
        assert!(error.contains(expected), "{error}");
    }
}

#[test]
fn no_prefix_and_no_changed_byte_panics() {
    for name in [
        "lightgbm_two.txt",
        "xgboost_two.json",
        "scikit_tree.json",
        "xgboost_two.ubj",
        "xgboostdump_two.txt",
        "xgboostdump_two.json",
        "lightgbmjson_two.json",
    ] {
        let bytes = golden(name);
        for end in (0..bytes.len()).step_by(7) {
            let _ = read(name, &bytes[..end]);
        }
        for at in (0..bytes.len()).step_by(3) {
            for value in [b'0', b'9', b'-', b' '] {
                let mut bytes = bytes.clone();
                bytes[at] = value;
                if let Ok(model) = read(name, &bytes) {
                    assert!(Interpreter::new(&model.graph).is_ok());
                }
            }
        }
    }
}

/// What a model of one feature says for a value, in float and in integers.
fn says(imported: &Imported, x: f32) -> [f32; 2] {
    [imported.graph.clone(), quantize(&imported.graph, &Ranges::new()).expect("integers")].map(|graph| {
        let mut out = [0.0];
        Interpreter::new(&graph).expect("valid").run(&[x], &mut out).expect("runs");
        out[0]
    })
}

#[test]
fn a_missing_value_goes_where_the_library_sends_it() {
    // x < 20 ? (x < -3 ? -2 : -1) : 4, with what is missing to the left, then to the right.
    let boosted = r#"{"learner": {"learner_model_param": {"base_score": "[0]", "num_class": "0", "num_feature": "1"},
        "objective": {"name": "reg:squarederror"}, "gradient_booster": {"name": "gbtree", "model": {"tree_info": [0], "trees": [{
        "left_children": [1, 3, -1, -1, -1], "right_children": [2, 4, -1, -1, -1], "split_indices": [0, 0, 0, 0, 0],
        "split_conditions": [20, -3, 4, -2, -1], "default_left": [1, 0, 0, 0, 0], "tree_param": {}}]}}}}"#;
    let model = read("xgboost_missing", boosted.as_bytes()).expect("a model");
    for (x, want) in [
        (-3.5, -2.0),
        (-3.0, -1.0),
        (19.9, -1.0),
        (20.0, 4.0),
        (f32::NAN, -1.0),
        (f32::INFINITY, 4.0),
        (-1e30, -2.0),
    ] {
        for said in says(&model, x) {
            assert!((said - want).abs() < 1e-3, "XGBoost, {x}: {said} instead of {want}");
        }
    }
    // The same with x at or below; kinds: NaN goes left, NaN goes right, NaN is taken for 0.
    for (kinds, nan) in
        [("10 8", -1.0), ("8 8", 4.0), ("10 10", -2.0), ("0 0", 4.0), ("0 8", -1.0), ("8 0", 4.0)]
    {
        let light = format!(
            "tree\nversion=v4\nnum_class=1\nnum_tree_per_iteration=1\nmax_feature_idx=0\nobjective=regression\n\nTree=0\nnum_leaves=3\nnum_cat=0\nsplit_feature=0 0\nthreshold=20 -3\ndecision_type={kinds}\nleft_child=1 -1\nright_child=-2 -3\nleaf_value=-2 4 -1\nis_linear=0\nshrinkage=1\n\nend of trees\n"
        );
        let model = read("lightgbm_missing", light.as_bytes()).expect("a model");
        for (x, want) in [(-3.0, -2.0), (-2.9, -1.0), (20.0, -1.0), (20.1, 4.0), (f32::NAN, nan)] {
            for said in says(&model, x) {
                assert!((said - want).abs() < 1e-3, "LightGBM {kinds}, {x}: {said} instead of {want}");
            }
        }
    }
}
