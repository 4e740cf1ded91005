//! TFLite operators against the official runtimes: models and figures of `golden/tflite`, equal to the last bit.

use edgewright_ir::{
    DType, Graph, TensorId, export,
    extra::Reference,
    import::{onnx, tflite},
    interpret::{Interpreter, Values},
};
use serde_json::Value;
use std::path::Path;

fn numbers(value: &Value) -> Vec<f64> {
    value.as_array().expect("numbers").iter().map(|v| v.as_f64().expect("a number")).collect()
}

/// Outputs of consecutive cases.
fn outputs(graph: &Graph, cases: &Value) -> Vec<Vec<Vec<f64>>> {
    let mut run = Interpreter::new(graph).expect("valid");
    let exact = |run: &Interpreter<'_>, id: TensorId| -> Vec<f64> {
        match graph.tensor(id).dtype {
            DType::F32 => run.floats(id).iter().map(|&v| v.into()).collect(),
            DType::I16 => run.shorts(id).iter().map(|&v| v.into()).collect(),
            DType::I32 => {
                let word = |b: &[u8]| f64::from(i32::from_le_bytes(b.try_into().expect("four bytes")));
                run.contents(id).chunks_exact(4).map(word).collect()
            }
            _ => run.bytes(id).iter().map(|&v| v.into()).collect(),
        }
    };
    let mut all = Vec::new();
    for case in cases.as_array().expect("cases") {
        for (i, (id, values)) in graph.inputs.iter().zip(case.as_array().expect("inputs")).enumerate() {
            let values = numbers(values);
            match graph.tensor(*id).dtype {
                DType::F32 => run.set(i, Values::F32(&values.iter().map(|&v| v as f32).collect::<Vec<_>>())),
                DType::I32 => run.set(i, Values::I32(&values.iter().map(|&v| v as i32).collect::<Vec<_>>())),
                DType::I16 => run.set(i, Values::I16(&values.iter().map(|&v| v as i16).collect::<Vec<_>>())),
                _ => run.set(i, Values::I8(&values.iter().map(|&v| v as i8).collect::<Vec<_>>())),
            }
            .expect("fits");
        }
        run.invoke().expect("run");
        all.push(graph.outputs.iter().map(|id| exact(&run, *id)).collect());
    }
    all
}

/// Whole numbers are equal; floats, whose curves every library computes in its own way, come as near as single precision tells.
fn agree(got: &[Vec<Vec<f64>>], wanted: &[Vec<Vec<f64>>], unit: f64) -> bool {
    let near = |a: &f64, b: &f64| {
        a == b || (a.fract() != 0.0 && b.fract() != 0.0 && (a - b).abs() <= unit * (1.0 + b.abs()))
    };
    let of = |all: &[Vec<Vec<f64>>]| {
        all.iter().map(|case| case.iter().map(Vec::len).collect()).collect::<Vec<Vec<_>>>()
    };
    let flat = |all: &[Vec<Vec<f64>>]| all.iter().flatten().flatten().copied().collect::<Vec<f64>>();
    of(got) == of(wanted) && flat(got).iter().zip(&flat(wanted)).all(|(a, b)| near(a, b))
}

#[test]
fn models_compute_what_the_runtimes_compute() {
    let golden = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../golden/tflite");
    let text = std::fs::read_to_string(golden.join("expected.json")).expect("expected.json");
    let expected: Value = serde_json::from_str(&text).expect("JSON");
    let mut compared = 0;
    for (name, case) in expected.as_object().expect("models") {
        let bytes = std::fs::read(golden.join(format!("{name}.tflite"))).expect("a model");
        for (word, reference) in [("litert", Reference::Litert), ("tflm", Reference::Tflm)] {
            let Some(wanted) = case.get(word) else { continue };
            let model = tflite::read(&bytes, name, reference).unwrap_or_else(|e| panic!("{name}: {e}"));
            let got = outputs(&model.graph, &case["inputs"]);
            let wanted: Vec<Vec<Vec<f64>>> = wanted
                .as_array()
                .expect("cases")
                .iter()
                .map(|c| c.as_array().expect("outputs").iter().map(numbers).collect())
                .collect();
            assert!(
                agree(&got, &wanted, if name == "hybrid" { 4e-6 } else { 4e-7 }),
                "{name}, {word}: {got:?}, not {wanted:?}: {}",
                model.graph.to_text()
            );
            compared += 1;
            // Integers are summed there, scaled floats here; and it is not written again.
            if name == "hybrid" {
                assert!(export::tflite::write(&model.graph).is_err());
                continue;
            }
            let written = export::tflite::write(&model.graph).unwrap_or_else(|e| panic!("{name}: {e}"));
            let again = tflite::read(&written, name, reference).unwrap_or_else(|e| panic!("{name}: {e}"));
            assert_eq!(outputs(&again.graph, &case["inputs"]), got, "{name}, written and read back");
            if name == "two_inputs" {
                let written = export::onnx::write(&model.graph).unwrap_or_else(|e| panic!("{name}: {e}"));
                let again = onnx::read(&written, name, reference).unwrap_or_else(|e| panic!("{name}: {e}"));
                assert_eq!(outputs(&again.graph, &case["inputs"]), got, "{name}, by way of ONNX");
            }
        }
    }
    assert!(compared >= 20, "{compared} comparisons");
}

#[test]
fn no_changed_byte_panics() {
    let golden = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../golden/tflite");
    let (mut read, mut refused) = (0, 0);
    for name in
        ["svdf", "prelu", "curves_int16", "products_int16", "two_inputs", "network_int16", "svdf_int8"]
    {
        let bytes = std::fs::read(golden.join(format!("{name}.tflite"))).expect("a model");
        for at in 0..bytes.len() {
            for value in [0, 0x7f, 0x80] {
                let mut changed = bytes.clone();
                changed[at] = value;
                match tflite::read(&changed, name, Reference::Tflm) {
                    Ok(model) => {
                        let mut run = Interpreter::new(&model.graph).expect("a graph that holds together");
                        if model.graph.macs() < 1 << 20 {
                            run.invoke().expect("run");
                        }
                        read += 1;
                    }
                    Err(_) => refused += 1,
                }
            }
        }
    }
    assert!(read > 1000 && refused > 1000, "{read} models, {refused} refused");
}
