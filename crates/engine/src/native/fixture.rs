//! What the tests of packages are made of.

use edgewright_compile::{Options, compile, target};
use edgewright_deploy::Library;
use edgewright_impulse::{Impulse, Task, post::cells::Detector};
use edgewright_toolchain as toolchain;

/// Raw values through a dense layer.
pub fn impulse() -> Impulse {
    let labels = vec!["a {".into(), "b % \"".into(), "c".into()];
    of(3, Task::Classification { labels, min_confidence: None })
}

/// Four cells and their background, of a picture of 8 x 8 pixels.
pub fn cells() -> Impulse {
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

pub fn of(outputs: usize, task: Task) -> Impulse {
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
    let w =
        tensor("w", &[outputs, 16], Some((0..16 * outputs).map(|i| (i % 11) as f32 * 0.01 - 0.05).collect()));
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

pub fn library<R>(id: &str, work: impl FnOnce(&Library<'_>) -> R) -> R {
    library_of(&impulse(), id, work)
}

pub fn library_of<R>(impulse: &Impulse, id: &str, work: impl FnOnce(&Library<'_>) -> R) -> R {
    let target = target::all().iter().find(|t| t.id == id).expect("a target");
    let files = compile(impulse, target, &Options::default()).expect("compiled");
    let about = edgewright_deploy::About::default();
    let proof = Some("{\"records\": []}\n");
    work(&Library { files: &files, prefix: "sounds", impulse, target, about: &about, proof })
}

pub fn windows() -> Vec<Vec<f32>> {
    (0..20).map(|w| (0..16).map(|i| ((w * 37 + i * 91) % 257) as f32 - 128.0).collect()).collect()
}

/// How a program of a target is started here: nothing before its name, or the emulator. `None`, and a line that says what to
/// install, where it cannot be built or run.
pub fn starter(id: &str) -> Option<Vec<String>> {
    let target = target::all().iter().find(|t| t.id == id).expect("a target");
    let Some(linux) = target.linux.as_ref().filter(|l| l.arch != std::env::consts::ARCH) else {
        return Some(Vec::new());
    };
    if let Some(words) = [&linux.compiler, &linux.emulator].into_iter().find_map(|t| toolchain::missing(t)) {
        eprintln!("not run for {id}: {words}");
        return None;
    }
    Some(vec![linux.emulator.clone()])
}

/// Linux on this machine and elsewhere.
pub const SYSTEMS: [&str; 4] = ["host", "x86-64-linux", "aarch64-linux", "armv7-linux"];
