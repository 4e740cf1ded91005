//! Packages that a compiler of this machine finishes.

use crate::{EngineError, error::AtPath};
use edgewright_deploy::{
    Library,
    native::{Sources, eim, wasm, wasm_package},
};
use edgewright_toolchain as toolchain;
use std::{path::Path, time::Duration};

const LIMIT: Duration = Duration::from_secs(300);

fn write(sources: &Sources, dir: &Path) -> Result<(), EngineError> {
    for (name, bytes) in &sources.files {
        let path = dir.join(name);
        if let Some(folder) = path.parent() {
            std::fs::create_dir_all(folder).at(folder)?;
        }
        std::fs::write(&path, bytes).at(&path)?;
    }
    Ok(())
}

fn read(dir: &Path, name: &str) -> Result<Vec<u8>, EngineError> {
    let path = dir.join(name);
    std::fs::read(&path).at(&path)
}

fn tool(e: toolchain::ToolError) -> EngineError {
    EngineError::Tool(e.to_string())
}

/// A Linux executable that serves an impulse, built with the first C compiler of this machine; static where that works.
pub fn executable(library: &Library<'_>) -> Result<Vec<u8>, EngineError> {
    let compilers = toolchain::host_compilers();
    let Some(compiler) = compilers.first() else {
        return Err(EngineError::Tool(toolchain::missing("gcc").unwrap_or_else(|| "no C compiler".into())));
    };
    let sources = eim(library);
    let dir = crate::scratch::folder()?;
    write(&sources, dir.path())?;
    let files: Vec<&str> = sources.compile.iter().map(String::as_str).collect();
    // No identifier of the build, no names of files: the same impulse gives the same bytes.
    let flags = ["-std=gnu11", "-O2", "-s", "-Wl,--build-id=none"];
    let fixed: Vec<&str> = flags.iter().copied().chain(["-static"]).collect();
    toolchain::host_build(compiler, dir.path(), &fixed, &files, "program")
        .or_else(|_| toolchain::host_build(compiler, dir.path(), &flags, &files, "program"))
        .map_err(tool)?;
    read(dir.path(), "program")
}

/// The files of a WebAssembly package.
pub fn module(library: &Library<'_>) -> Result<edgewright_compile::FileTree, EngineError> {
    if let Some(words) = toolchain::missing("clang").or_else(|| toolchain::missing("wasm-ld")) {
        return Err(EngineError::Tool(words));
    }
    let sources = wasm(library);
    let dir = crate::scratch::folder()?;
    write(&sources, dir.path())?;
    let build = |output: &str, more: &[&str]| -> Result<Vec<u8>, EngineError> {
        let mut args: Vec<String> = [
            "--target=wasm32",
            "-std=c99",
            "-O2",
            "-nostdlib",
            "-fno-math-errno",
            "-isystem",
            "include",
            "-Wl,--no-entry",
            "-Wl,--strip-all",
            "-Wl,-z,stack-size=65536",
        ]
        .map(String::from)
        .to_vec();
        args.extend(more.iter().map(|a| (*a).to_owned()));
        args.extend(sources.compile.iter().cloned());
        args.extend(["-o".to_owned(), output.to_owned()]);
        toolchain::run("clang", &args, dir.path(), LIMIT).map_err(tool)?;
        read(dir.path(), output)
    };
    Ok(wasm_package(library, build("scalar.wasm", &[])?, build("simd.wasm", &["-msimd128"])?))
}

#[cfg(test)]
mod tests {
    use super::*;
    use edgewright_compile::{Options, compile, target};
    use edgewright_impulse::{Impulse, Runner, Task, post::cells::Detector};

    /// Raw values through a dense layer.
    fn impulse() -> Impulse {
        let labels = vec!["a {".into(), "b % \"".into(), "c".into()];
        of(3, Task::Classification { labels, min_confidence: None })
    }

    /// Four cells and their background, of a picture of 8 x 8 pixels.
    fn cells() -> Impulse {
        of(
            8,
            Task::Detection(Detector {
                labels: vec!["cup {".into()],
                rows: 2,
                columns: 2,
                width: 8,
                height: 8,
                threshold: 0.125,
                sizes: vec![[5, 3]],
            }),
        )
    }

    fn of(outputs: usize, task: Task) -> Impulse {
        use edgewright_impulse::{DspBlock, LearnBlock, Window};
        use edgewright_ir::{Activation, DType, Data, Graph, Node, Op, Tensor, TensorId};
        let axis = |name: &str| edgewright_sample::Axis { name: name.into(), units: "wav".into() };
        let window = Window {
            frames: 16,
            stride: 8,
            rate_hz: 16000.0,
            axes: vec![axis("audio")],
            zero_pad: true,
            image: None,
            fit: Default::default(),
        };
        let params = edgewright_dsp::Params::new();
        let block = DspBlock::new("raw", "raw", 1, params, vec![0], &window).expect("a block");
        let mut graph = Graph { name: "net".into(), ..Graph::default() };
        let mut tensor = |name: &str, shape: &[usize], data: Option<Vec<f32>>| -> TensorId {
            graph.push_tensor(Tensor {
                name: name.into(),
                shape: shape.to_vec(),
                dtype: DType::F32,
                quant: None,
                data: data.map(Data::F32),
            })
        };
        let x = tensor("x", &[16], None);
        let w = tensor(
            "w",
            &[outputs, 16],
            Some((0..16 * outputs).map(|i| (i % 11) as f32 * 0.01 - 0.05).collect()),
        );
        let b = tensor("b", &[outputs], Some((0..outputs).map(|i| [0.1, -0.1, 0.0][i % 3]).collect()));
        let y = tensor("y", &[outputs], None);
        let z = tensor("z", &[outputs], None);
        graph.inputs.push(x);
        graph.outputs.push(z);
        let dense = Op::FullyConnected { activation: Activation::None };
        graph.nodes.push(Node { name: "dense".into(), op: dense, inputs: vec![x, w, b], output: y });
        graph.nodes.push(Node { name: "softmax".into(), op: Op::Softmax, inputs: vec![y], output: z });
        let learn = LearnBlock { id: "net".into(), task, inputs: vec![0], graph };
        Impulse { name: "sounds".into(), window, dsp: vec![block], learn: vec![learn] }
    }

    fn library<R>(id: &str, work: impl FnOnce(&Library<'_>) -> R) -> R {
        library_of(&impulse(), id, work)
    }

    fn library_of<R>(impulse: &Impulse, id: &str, work: impl FnOnce(&Library<'_>) -> R) -> R {
        let target = target::all().iter().find(|t| t.id == id).expect("a target");
        let files = compile(impulse, target, &Options::default()).expect("compiled");
        let about = edgewright_deploy::About::default();
        let proof = Some("{\"records\": []}\n");
        work(&Library { files: &files, prefix: "sounds", impulse, target, about: &about, proof })
    }

    fn windows() -> Vec<Vec<f32>> {
        (0..20).map(|w| (0..16).map(|i| ((w * 37 + i * 91) % 257) as f32 - 128.0).collect()).collect()
    }

    #[test]
    fn the_executable_answers_as_the_reference_does_and_survives_what_is_wrong() {
        let program = library("host", |l| executable(l).expect("built"));
        assert_eq!(
            program,
            library("host", |l| executable(l).expect("built again")),
            "same impulse, same bytes"
        );
        let dir = crate::scratch::folder().expect("a folder");
        super::super::stages::build::write_whole(&dir.path().join("sounds.eim"), &program).expect("written");
        for (ask, word) in [
            ("--self-test", "agree with the reference"),
            ("--print-manifest", "\"selftest\": \"--self-test\""),
            ("--print-proof", "{\"records\": []}"),
            ("--print-licence", "Permission is hereby granted"),
        ] {
            let told = toolchain::run("./sounds.eim", &[ask.to_owned()], dir.path(), LIMIT).expect("told");
            assert!(told.contains(word), "{ask}: {told}");
        }
        let mut requests =
            String::from("{\"classify\":[1],\"id\":1}\n{\"hello\":1,\"id\":2}\n{\"id\":3,\"classify\":\"}\n");
        requests.push_str("{\"id\":4,\"classify\":[1,2]}{\"id\":5,\"x\":[[[]]]}{\"id\":1.5}\n");
        for (i, w) in windows().iter().enumerate() {
            requests.push_str(&format!("{{\"classify\":{w:?},\"id\":{}}}", 100 + i));
        }
        std::fs::write(dir.path().join("requests"), requests).expect("requests");
        let script = ["-c".to_owned(), "./sounds.eim stdin < requests".to_owned()];
        let told = toolchain::run("sh", &script, dir.path(), LIMIT).expect("served");
        let replies: Vec<serde_json::Value> =
            told.lines().map(|l| serde_json::from_str(l).unwrap_or_else(|e| panic!("{e}: {l}"))).collect();
        let good: Vec<bool> = replies.iter().map(|r| r["success"] == true).collect();
        assert_eq!(good[..6], [false, true, false, false, false, false], "{told}");
        assert_eq!(replies[1]["model_parameters"]["labels"], serde_json::json!(["a {", "b % \"", "c"]));
        let impulse = impulse();
        let mut runner = Runner::new(&impulse).expect("a runner");
        let Task::Classification { labels, .. } = &impulse.learn[0].task else { panic!("no labels") };
        for (w, reply) in windows().iter().zip(&replies[6..]) {
            let expected = runner.run(w).expect("run").scores;
            let got: Vec<f32> = labels
                .iter()
                .map(|l| reply["result"]["classification"][l].as_f64().unwrap_or(f64::NAN) as f32)
                .collect();
            assert_eq!(got, expected, "{reply}");
        }
    }

    #[test]
    fn the_executable_tells_boxes_and_takes_another_threshold() {
        let mut impulse = cells();
        let program = library_of(&impulse, "host", |l| executable(l).expect("built"));
        let dir = crate::scratch::folder().expect("a folder");
        super::super::stages::build::write_whole(&dir.path().join("cups.eim"), &program).expect("written");
        let mut requests = String::from("{\"hello\":1,\"id\":1}");
        let ask = |requests: &mut String, kind: &str| {
            for w in windows() {
                requests.push_str(&format!("{{\"{kind}\":{w:?},\"id\":5}}"));
            }
        };
        ask(&mut requests, "classify");
        requests.push_str("{\"set_threshold\":{\"id\":9,\"min_score\":0.2},\"id\":6}");
        requests.push_str("{\"set_threshold\":{\"id\":2,\"min_score\":2},\"id\":6}");
        requests.push_str(
            "{\"set_threshold\":{\"id\":2,\"type\":\"object_detection\",\"min_score\":0.25},\"id\":6}",
        );
        ask(&mut requests, "classify");
        std::fs::write(dir.path().join("requests"), requests).expect("requests");
        let script = ["-c".to_owned(), "./cups.eim stdin < requests".to_owned()];
        let told = toolchain::run("sh", &script, dir.path(), LIMIT).expect("served");
        let replies: Vec<serde_json::Value> =
            told.lines().map(|l| serde_json::from_str(l).unwrap_or_else(|e| panic!("{e}: {l}"))).collect();
        let parameters = &replies[0]["model_parameters"];
        assert_eq!(parameters["model_type"], "constrained_object_detection");
        assert_eq!(
            parameters["thresholds"],
            serde_json::json!([{"id": 2, "type": "object_detection", "min_score": 0.125}])
        );
        let count = windows().len();
        let set: Vec<bool> = replies[1 + count..4 + count].iter().map(|r| r["success"] == true).collect();
        assert_eq!(set, [false, false, true], "{told}");
        let mut seen = [0, 0];
        for (round, threshold) in [0.125, 0.25].into_iter().enumerate() {
            let Task::Detection(d) = &mut impulse.learn[0].task else { panic!("no cells") };
            d.threshold = threshold;
            let mut runner = Runner::new(&impulse).expect("a runner");
            let from = 1 + round * (count + 3);
            for (w, reply) in windows().iter().zip(&replies[from..from + count]) {
                let expected: Vec<serde_json::Value> = runner
                    .run(w)
                    .expect("run")
                    .boxes
                    .iter()
                    .map(|b| {
                        serde_json::json!({"label": "cup {", "value": b.value, "x": b.x, "y": b.y, "width": b.width, "height": b.height})
                    })
                    .collect();
                seen[round] += expected.len();
                let got = reply["result"]["bounding_boxes"].as_array().expect("boxes");
                assert_eq!(got.len(), expected.len(), "{reply}");
                for (got, expected) in got.iter().zip(&expected) {
                    for key in ["label", "x", "y", "width", "height"] {
                        assert_eq!(got[key], expected[key], "{reply}");
                    }
                    assert_eq!(
                        got["value"].as_f64().map(|v| v as f32),
                        expected["value"].as_f64().map(|v| v as f32)
                    );
                }
                assert!(reply["result"].get("classification").is_none(), "{reply}");
            }
        }
        assert!(seen[0] > seen[1] && seen[1] > 0, "{seen:?}");
    }

    #[test]
    fn the_module_computes_what_the_reference_computes_in_node() {
        if let Some(words) = ["clang", "wasm-ld", "node"].iter().find_map(|t| toolchain::missing(t)) {
            eprintln!("not run: {words}");
            return;
        }
        let tree = library("wasm32", |l| module(l).expect("built"));
        let dir = crate::scratch::folder().expect("a folder");
        write(&Sources { files: tree, compile: Vec::new() }, dir.path()).expect("written");
        let bytes: Vec<u8> = windows().iter().flatten().flat_map(|v| v.to_le_bytes()).collect();
        std::fs::write(dir.path().join("windows.f32"), bytes).expect("windows");
        let impulse = impulse();
        let mut runner = Runner::new(&impulse).expect("a runner");
        for simd in ["", "NO_SIMD=1 "] {
            let script = ["-c".to_owned(), format!("{simd}node example.js windows.f32")];
            let told = toolchain::run("sh", &script, dir.path(), LIMIT).expect("run");
            assert_eq!(told.lines().count(), windows().len());
            for (w, line) in windows().iter().zip(told.lines()) {
                let got: Vec<f32> = serde_json::from_str(line).expect("numbers");
                assert_eq!(got, runner.run(w).expect("run").scores);
            }
        }
    }
}
