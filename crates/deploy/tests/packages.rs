//! Every package is whole, says its hashes, and its example compiles without warnings; where a program comes out, it runs.

use edgewright_compile::{FileTree, Options, compile, prefix, target};
use edgewright_deploy::{KINDS, Library, files, zip};
use edgewright_dsp::Params;
use edgewright_impulse::{DspBlock, Impulse, LearnBlock, Task, Window};
use edgewright_ir::{Activation, DType, Data, Graph, Node, Op, Tensor, TensorId};
use edgewright_sample::Axis;
use edgewright_toolchain::{Compiler, host_build, host_compilers, run};
use std::{fs, path::Path, time::Duration};

/// Raw values of three axes into two labels.
fn impulse() -> Impulse {
    let axis = |name: &str| Axis { name: name.into(), units: "m/s2".into() };
    let window = Window {
        frames: 12,
        stride: 6,
        rate_hz: 50.0,
        axes: vec![axis("accX"), axis("accY"), axis("accZ")],
        zero_pad: true,
        image: None,
        fit: Default::default(),
    };
    let block = DspBlock::new("raw", "raw", 1, Params::new(), vec![0, 1, 2], &window).expect("a block");
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
    let x = tensor("x", &[36], None);
    let w = tensor("w", &[2, 36], Some((0..72).map(|i| (i % 7) as f32 * 0.1 - 0.3).collect()));
    let b = tensor("b", &[2], Some(vec![0.1, -0.1]));
    let y = tensor("y", &[2], None);
    let z = tensor("z", &[2], None);
    graph.inputs.push(x);
    graph.outputs.push(z);
    let dense = Op::FullyConnected { activation: Activation::None };
    graph.nodes.push(Node { name: "dense".into(), op: dense, inputs: vec![x, w, b], output: y });
    graph.nodes.push(Node { name: "softmax".into(), op: Op::Softmax, inputs: vec![y], output: z });
    let task = Task::Classification {
        labels: vec!["still {}".into(), "100 % \"moved\"".into()],
        min_confidence: Some(0.6),
    };
    let learn = LearnBlock { id: "net".into(), task, inputs: vec![0], graph };
    Impulse { name: "My gestures".into(), window, dsp: vec![block], learn: vec![learn] }
}

fn write(dir: &Path, tree: &FileTree) {
    for (path, bytes) in tree {
        let path = dir.join(path);
        fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
        fs::write(&path, bytes).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
    }
}

/// Headers of a kit, as far as the example needs them.
const KITS: &[(&str, &str)] = &[
    (
        "Arduino.h",
        "#include <cstdio>\n#include <cstdint>\nstruct Port { void begin(long) {} void print(const char *t) { std::printf(\"%s\", t); } void print(char c) { std::printf(\"%c\", c); } void println(double v, int) { std::printf(\"%f\\n\", v); } void println(const char *t) { std::printf(\"%s\\n\", t); } void printlnf(const char *f, const char *n, double v) { std::printf(f, n, v); } };\nstatic Port Serial;\nstatic inline void delayMicroseconds(unsigned int) {}\n",
    ),
    ("Particle.h", "#include \"Arduino.h\"\n"),
    ("zephyr/kernel.h", "#include <stdint.h>\nstatic inline int32_t k_usleep(int32_t us) { return us; }\n"),
    ("zephyr/sys/printk.h", "#include <stdio.h>\n#define printk printf\n"),
    ("freertos/FreeRTOS.h", "#define pdMS_TO_TICKS(ms) (ms)\n"),
    (
        "freertos/task.h",
        "static inline void vTaskDelay(unsigned long t) { (void)t; }\nvoid app_main(void);\n",
    ),
    (
        "pico/stdlib.h",
        "static inline void stdio_init_all(void) {}\nstatic inline void sleep_us(unsigned long us) { (void)us; }\n",
    ),
];

fn build(dir: &Path, compiler: &Compiler, flags: &[&str], sources: &[&str]) {
    let mut all = vec!["-O1", "-Wall", "-Wextra", "-Werror", "-Ikits", "-Iinclude", "-Isrc", "-IInclude"];
    all.extend(flags);
    host_build(compiler, dir, &all, sources, "program").unwrap_or_else(|e| panic!("{sources:?}: {e}"));
}

#[test]
fn every_package_compiles_and_names_its_files() {
    let impulse = impulse();
    let p = prefix(&impulse.name);
    let compiler = host_compilers().into_iter().next().expect("a C compiler");
    for kind in KINDS.iter().filter(|k| !["eim", "wasm"].contains(k)) {
        let target = target::all().iter().find(|t| t.id == "cortex-m4f").expect("a target");
        let emitted = compile(&impulse, target, &Options::default()).expect("compiled");
        let library = Library { files: &emitted, prefix: &p, impulse: &impulse, target };
        let tree = files(&library, kind).unwrap_or_else(|e| panic!("{kind}: {e}"));
        assert_eq!(zip(&tree).expect("packed"), zip(&files(&library, kind).expect("again")).expect("packed"));
        assert!(tree.keys().all(|k| k.len() <= 100), "{kind}: a path is too long");
        let root = if *kind == "arduino" { format!("{p}/") } else { String::new() };
        let sums = String::from_utf8(tree[&format!("{root}SHA256SUMS")].clone()).expect("text");
        assert_eq!(sums.lines().count() + 1, tree.len(), "{kind}: {sums}");

        let folder = tempfile::tempdir().expect("a folder");
        let dir = folder.path().join(&root);
        write(folder.path(), &tree);
        for (name, text) in KITS {
            write(&dir, &FileTree::from([(format!("kits/{name}"), text.as_bytes().to_vec())]));
        }
        let file = |name: &str| name.replace('@', &p);
        // A C++ program as a kit would make it of a sketch.
        let sketch = |example: &str| {
            let body = fs::read_to_string(dir.join(example)).expect("the example");
            let main = "int main() { setup(); for (int i = 0; i < 60; i++) { loop(); } return 0; }\n";
            fs::write(dir.join("sketch.cpp"), format!("{body}\n{main}")).expect("a sketch");
            let library = file("src/@.c");
            build(&dir, &compiler, &["-c", "-std=c99"], &[&library]);
            fs::rename(dir.join("program"), dir.join("library.o")).expect("an object");
            build(&dir, &compiler, &["-std=c++11", "-lstdc++"], &["sketch.cpp", "library.o", "-lstdc++"]);
        };
        match *kind {
            "c" => build(&dir, &compiler, &["-std=c99"], &["example.c", &file("@.c")]),
            "cmake" => build(&dir, &compiler, &["-std=c99"], &["examples/classify.c", &file("src/@.c")]),
            "cmsis-pack" => {
                build(&dir, &compiler, &["-std=c99"], &["Template/classify.c", &file("Source/@.c")])
            }
            "arduino" | "particle" => sketch("examples/classify/classify.ino"),
            "zephyr" => build(&dir, &compiler, &["-c"], &["samples/classify/src/main.c"]),
            "esp-idf" => build(&dir, &compiler, &["-c"], &["examples/classify/main/main.c"]),
            "pico-sdk" => build(&dir, &compiler, &["-c"], &["examples/classify/main.c"]),
            "custom" => {
                let text = String::from_utf8(tree["deployment-metadata.json"].clone()).expect("text");
                assert!(
                    text.contains("\"labels\":[\"still \\u007b\\u007d\",\"100 % \\\"moved\\\"\"]"),
                    "{text}"
                );
                continue;
            }
            other => panic!("{other}: not tested"),
        }
        if !["zephyr", "esp-idf", "pico-sdk"].contains(kind) {
            let words = run("./program", &[], &dir, Duration::from_secs(20))
                .unwrap_or_else(|e| panic!("{kind}: {e}"));
            // The window of zeros lies on the border: applications say so, the library's example marks it.
            let told = words.contains("uncertain") || words.contains(" ?");
            assert!(
                told && (*kind != "c" || words.contains("moved") || words.contains("still")),
                "{kind}: {words}"
            );
        }
    }
}
