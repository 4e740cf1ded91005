//! Emitted C gives the bits of the interpreter on random graphs, float and integer, tame and hostile; and what lives at
//! the same time does not overlap in the arena.

use edgewright_compile::{Options, Target, compile_graph, graph_layout, harness, target};
use edgewright_ir::{DType, Graph, interpret::Interpreter};
use edgewright_test_support::{
    Board, Case, Rng, many_main,
    random::{distort, float_graph, floats, integer_graph, mixed_graph, mixture_graph, tree_graph},
    run_on_board, run_on_host,
};
use edgewright_toolchain::{BoardSpec, host_compilers, missing, sanitizer_works};
use std::{fs, path::Path};

const INPUTS: usize = 5;

fn named(id: &str) -> &'static Target {
    target::all().iter().find(|t| t.id == id).unwrap_or_else(|| panic!("target {id}"))
}

/// Float as it is, integer as calibrated, integer with hostile scales, trees in float and in integers, mixtures, by turns.
fn graph(seed: u64) -> Graph {
    if seed % 9 == 6 {
        return mixture_graph(seed);
    }
    if seed % 9 >= 7 {
        let trees = tree_graph(seed);
        return if seed % 9 == 7 { trees } else { integer_graph(&trees, seed) };
    }
    let float = float_graph(seed, None);
    if seed.is_multiple_of(3) {
        return float;
    }
    let mut integer = integer_graph(&float, seed);
    if seed % 3 == 2 {
        distort(&mut integer, seed);
    }
    integer
}

/// Emits graphs into one program; returns sources and the bytes that the interpreter gives.
fn write(dir: &Path, graphs: &[Graph], target: &Target, board: bool) -> (Vec<String>, Vec<u8>) {
    let (mut cases, mut sources) = (Vec::new(), Vec::new());
    let (mut inputs, mut expected) = (Vec::new(), Vec::new());
    for (i, graph) in graphs.iter().enumerate() {
        let prefix = format!("g{i}");
        let options = Options { prefix: Some(prefix.clone()) };
        for (name, bytes) in compile_graph(graph, target, &options).unwrap_or_else(|e| panic!("{e}")) {
            fs::write(dir.join(&name), bytes).expect("written");
            if name.ends_with(".c") {
                sources.push(name);
            }
        }
        let [from, to] = [graph.inputs[0], graph.outputs[0]].map(|id| graph.tensor(id));
        assert_eq!((from.dtype, to.dtype), (DType::F32, DType::F32));
        let mut rng = Rng(i as u64);
        let mut interpreter = Interpreter::new(graph).unwrap_or_else(|e| panic!("{e}\n{}", graph.to_text()));
        let mut out = vec![0.0; to.len()];
        for n in 0..INPUTS {
            let mut x = floats(&mut rng, from.len());
            if n == 0 {
                // Beyond every range.
                x.iter_mut().for_each(|v| *v *= 1e6);
            }
            interpreter.run(&x, &mut out).expect("run");
            inputs.extend(x.iter().flat_map(|v| v.to_le_bytes()));
            expected.extend(out.iter().flat_map(|v| v.to_le_bytes()));
        }
        cases.push(Case { prefix, inputs: INPUTS });
    }
    fs::write(dir.join("main.c"), many_main(&cases, board)).expect("main.c");
    fs::write(dir.join("inputs.bin"), inputs).expect("inputs");
    (sources, expected)
}

/// Compares bits; any two values that are no numbers are alike.
fn agree(dir: &Path, graphs: &[Graph], expected: &[u8], what: &str) {
    let got = fs::read(dir.join("outputs.bin")).expect("outputs");
    assert_eq!(got.len(), expected.len(), "{what}: number of outputs");
    let value = |b: &[u8]| f32::from_le_bytes([b[0], b[1], b[2], b[3]]);
    let mut at = 0;
    for graph in graphs {
        let bytes = 4 * INPUTS * graph.tensor(graph.outputs[0]).len();
        for i in (at..at + bytes).step_by(4) {
            let (a, b) = (value(&got[i..i + 4]), value(&expected[i..i + 4]));
            assert!(
                a.to_bits() == b.to_bits() || (a.is_nan() && b.is_nan()),
                "{what}: {a:e} instead of {b:e}\n{}",
                graph.to_text()
            );
        }
        at += bytes;
    }
}

#[test]
fn the_host_gives_the_bits_of_the_interpreter() {
    let compilers = host_compilers();
    assert!(!compilers.is_empty(), "no C compiler");
    let probe = tempfile::tempdir().expect("a folder");
    let mut first = 0;
    for compiler in &compilers {
        let strict = ["-std=c99", "-ffp-contract=off"];
        let sanitize = ["-O1", "-fsanitize=address,undefined", "-fno-sanitize-recover=all"];
        let mut levels: Vec<Vec<&str>> = vec![vec!["-O0"], vec!["-O2"], vec!["-Os"]];
        if sanitizer_works(compiler, probe.path()) {
            levels.push(sanitize.to_vec());
        }
        for level in levels {
            let flags = [&strict[..], &level].concat();
            // Other graphs for each build; kernels of both families run on the host.
            let graphs: Vec<Graph> = (first..first + 9).map(graph).collect();
            first += 9;
            let id = if first % 2 == 0 { "host" } else { "cortex-m4f" };
            let dir = tempfile::tempdir().expect("a folder");
            let (mut sources, expected) = write(dir.path(), &graphs, named(id), false);
            sources.push("main.c".into());
            let sources: Vec<&str> = sources.iter().map(String::as_str).collect();
            let what = format!("{} {flags:?}, code for {id}", compiler.program);
            run_on_host(dir.path(), compiler, &flags, &sources).unwrap_or_else(|e| panic!("{what}: {e}"));
            agree(dir.path(), &graphs, &expected, &what);
        }
    }
}

#[test]
fn layers_of_two_widths_give_the_bits_of_the_interpreter() {
    let graphs: Vec<Graph> =
        (0..400).filter_map(|s| mixed_graph(&float_graph(s, None), s)).filter(both_ways).take(12).collect();
    assert_eq!(graphs.len(), 12);
    for (compiler, level) in host_compilers().iter().zip(["-O2", "-Os"]) {
        let dir = tempfile::tempdir().expect("a folder");
        let (mut sources, expected) = write(dir.path(), &graphs, named("host"), false);
        sources.push("main.c".into());
        let sources: Vec<&str> = sources.iter().map(String::as_str).collect();
        let flags = ["-std=c99", "-ffp-contract=off", level];
        run_on_host(dir.path(), compiler, &flags, &sources).unwrap_or_else(|e| panic!("{e}"));
        agree(dir.path(), &graphs, &expected, &compiler.program);
    }
}

/// Whether values go from bytes to 16 bits, or back, inside of a graph.
fn both_ways(graph: &Graph) -> bool {
    let widths = |n: &edgewright_ir::Node| [graph.tensor(n.inputs[0]).dtype, graph.tensor(n.output).dtype];
    graph.nodes.iter().map(widths).any(|w| [[DType::I8, DType::I16], [DType::I16, DType::I8]].contains(&w))
}

#[test]
fn an_emulated_board_gives_the_bits_of_the_interpreter() {
    for tool in ["arm-none-eabi-gcc", "qemu-system-arm"] {
        if let Some(words) = missing(tool) {
            eprintln!("not run: {words}");
            return;
        }
    }
    let target = named("cortex-m4f");
    let b = target.board.as_ref().expect("a board");
    let graphs: Vec<Graph> = (300..312).map(graph).collect();
    let dir = tempfile::tempdir().expect("a folder");
    let (mut sources, expected) = write(dir.path(), &graphs, target, true);
    sources.push("main.c".into());
    let sources: Vec<&str> = sources.iter().map(String::as_str).collect();
    let board = Board {
        spec: BoardSpec {
            machine: b.machine.clone(),
            flags: b.flags.clone(),
            code: (b.code_base, b.code_bytes),
            ram: (b.ram_base, b.ram_bytes),
        },
        files: [harness::BOARD, harness::BOARD_HEADER, harness::LINKER_SCRIPT, harness::COUNTER],
        marks: harness::MARKS,
    };
    run_on_board(dir.path(), &board, &host_compilers()[0], "-O2", &sources).unwrap_or_else(|e| panic!("{e}"));
    agree(dir.path(), &graphs, &expected, "cortex-m4f");
}

#[test]
fn what_lives_at_the_same_time_does_not_overlap() {
    for seed in 0..600 {
        let graph = graph(seed);
        for id in ["host", "cortex-m4f"] {
            let layout =
                graph_layout(&graph, named(id)).unwrap_or_else(|e| panic!("{e}\n{}", graph.to_text()));
            for (i, a) in layout.memory.iter().enumerate() {
                assert!(a.offset + a.bytes <= layout.arena_bytes && a.offset.is_multiple_of(4), "{a:?}");
                for b in &layout.memory[i + 1..] {
                    // A node may write where it reads for the last time.
                    let both = a.first < b.last && b.first < a.last;
                    let apart = a.offset + a.bytes <= b.offset || b.offset + b.bytes <= a.offset;
                    assert!(apart || !both, "{a:?} and {b:?} overlap for {id}\n{}", graph.to_text());
                }
            }
        }
    }
}
