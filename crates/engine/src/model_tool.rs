//! `model run` and its kin: models from elsewhere, without a project.

use crate::{EngineError, Event, Observer, error::AtPath, npy};
use edgewright_ir::{
    DType, Graph, TensorId,
    extra::Reference,
    import::{self, Imported},
    interpret::{Interpreter, Values},
};
use edgewright_store::Hash;
use serde::Serialize;
use std::{
    io::{Read, Seek, SeekFrom},
    path::{Path, PathBuf},
};

/// Largest model file that is read, in bytes.
const MOST_BYTES: u64 = 256 << 20;
/// Cases between two reports.
const TOLD_EVERY: usize = 16;

/// Whose integer rules to follow, from the command line.
///
/// # Errors
/// [`EngineError::Usage`] for another word than `litert` and `tflm`.
pub fn reference(word: &str) -> Result<Reference, EngineError> {
    match word {
        "litert" => Ok(Reference::Litert),
        "tflm" => Ok(Reference::Tflm),
        other => Err(EngineError::Usage(format!("--reference takes litert or tflm, not `{other}`"))),
    }
}

/// Bytes of a model file; of ONNX with the weights that lie in files beside it.
///
/// # Errors
/// [`EngineError::Io`] or [`EngineError::Data`] naming the file.
pub fn contents(path: &Path) -> Result<Vec<u8>, EngineError> {
    let bytes = std::fs::read(path).at(path)?;
    if !path.extension().is_some_and(|e| e.eq_ignore_ascii_case("onnx")) {
        return Ok(bytes);
    }
    let folder = path.parent().unwrap_or(Path::new("."));
    let mut open: Option<(String, std::fs::File)> = None;
    let mut beside = |name: &str, offset: u64, length: Option<u64>| -> Option<Vec<u8>> {
        if open.as_ref().is_none_or(|o| o.0 != name) {
            open = Some((name.to_owned(), weights(folder, name)?));
        }
        let file = &mut open.as_mut()?.1;
        file.seek(SeekFrom::Start(offset)).ok()?;
        let mut part = Vec::new();
        file.take(length.unwrap_or(MOST_BYTES)).read_to_end(&mut part).ok()?;
        Some(part)
    };
    import::onnx::whole(&bytes, &mut beside)
        .map_err(|e| EngineError::Data(format!("{}: {e}", path.display())))
}

/// A file of weights beside a model, open. A name alone, and no link that leaves the folder: what a model says reaches no other one.
fn weights(folder: &Path, name: &str) -> Option<std::fs::File> {
    if Path::new(name).file_name().is_none_or(|n| n != name) {
        return None;
    }
    let folder = if folder.as_os_str().is_empty() { Path::new(".") } else { folder };
    let real = folder.join(name).canonicalize().ok()?;
    let size = std::fs::metadata(&real).ok().filter(std::fs::Metadata::is_file)?.len();
    let inside = real.parent()? == folder.canonicalize().ok()?;
    if inside && size <= MOST_BYTES { std::fs::File::open(real).ok() } else { None }
}

/// What stands for a model file in the key of a stage: the hash of its bytes and of the weights that lie beside it. A file that
/// cannot be read fails when the stage reads it.
pub fn fingerprint(path: &Path) -> String {
    contents(path).map_or_else(|_| "missing".into(), |bytes| Hash::of(&bytes).to_string())
}

/// Reads a model file.
///
/// # Errors
/// [`EngineError::Data`] naming the file, the operator and its place.
pub fn load(path: &Path, reference: Reference) -> Result<Imported, EngineError> {
    let data = |reason: String| EngineError::Data(format!("{}: {}", path.display(), import::plain(&reason)));
    let size = std::fs::metadata(path).at(path)?.len();
    if size > MOST_BYTES {
        return Err(data(format!("{size} bytes; models of up to {MOST_BYTES} bytes are read")));
    }
    let bytes = contents(path)?;
    let name = path.file_stem().map_or_else(|| "model".into(), |s| s.to_string_lossy().into_owned());
    if bytes.get(4..8) == Some(b"TFL3".as_slice()) {
        return import::tflite::read(&bytes, &name, reference).map_err(|e| data(e.to_string()));
    }
    if path.extension().is_some_and(|e| e.eq_ignore_ascii_case("onnx")) {
        return import::onnx::read(&bytes, &name, reference).map_err(|e| data(e.to_string()));
    }
    if bytes.starts_with(GRAPH_START.as_bytes()) {
        return graph_text::read(&bytes, reference).map_err(data);
    }
    let start = String::from_utf8_lossy(&bytes[..bytes.len().min(SNIFFED)]);
    let start = start.trim_start();
    let read = if bytes.starts_with(b"{L\0") {
        Some(import::trees::xgboost::read(&bytes, &name))
    } else if start.starts_with("booster[") || (start.starts_with('[') && start.contains("\"nodeid\"")) {
        Some(import::trees::xgboost_dump::read(&bytes, &name))
    } else if start.starts_with('{') && start.contains("\"num_tree_per_iteration\"") {
        Some(import::trees::lightgbm_json::read(&bytes, &name))
    } else if start.starts_with("tree\n") || start.starts_with("tree\r\n") {
        Some(import::trees::lightgbm::read(&bytes, &name))
    } else if start.starts_with('{') && start.contains("\"edgewright_sklearn\"") {
        Some(import::trees::scikit::read(&bytes, &name))
    } else if start.starts_with('{') && start.contains("\"learner\"") {
        Some(import::trees::xgboost::read(&bytes, &name))
    } else {
        None
    };
    if let Some(read) = read {
        return read.map_err(|e| data(e.to_string()));
    }
    Err(data(
        "this is no model that is read here; TFLite (.tflite, .lite), ONNX (.onnx), LightGBM (.txt, or dump_model as .json), XGBoost (.json, .ubj, \
         or a dump), \
         scikit-learn by docs/scikit_to_json.py (.json) and our own graph files (.ewg) are"
            .into(),
    ))
}

/// Bytes at the start of a file that tell text formats apart.
const SNIFFED: usize = 4096;

/// How our own graph files start.
const GRAPH_START: &str = "{\"edgewright_graph\":";

/// Our own text form of a graph: JSON with the version in front.
mod graph_text {
    use edgewright_ir::{
        Graph,
        extra::Reference,
        import::{Imported, plain},
    };
    use serde::{Deserialize, Serialize};

    const VERSION: u32 = 1;

    #[derive(Serialize, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct File {
        edgewright_graph: u32,
        graph: Graph,
    }

    pub fn read(bytes: &[u8], reference: Reference) -> Result<Imported, String> {
        let file: File = serde_json::from_slice(bytes).map_err(|e| e.to_string())?;
        if file.edgewright_graph != VERSION {
            return Err(format!("version {} is not known here", file.edgewright_graph));
        }
        let mut graph = file.graph;
        let names = graph.tensors.iter().map(|t| &t.name).chain(graph.nodes.iter().map(|n| &n.name));
        let names = names.chain(graph.states.iter().map(|s| &s.name)).chain([&graph.name]);
        if let Some(name) = names.into_iter().find(|name| plain(name) != **name) {
            return Err(format!("the name {name:?} holds control characters; rename what it names"));
        }
        graph.reference = reference;
        graph.validate().map_err(|e| e.to_string())?;
        for node in &graph.nodes {
            graph.lower(node).map_err(|e| e.to_string())?;
        }
        let ends = graph.inputs.iter().chain(&graph.outputs);
        let shapes = ends.map(|id| graph.tensor(*id).shape.clone()).collect();
        Ok(Imported { shapes, graph, notes: Vec::new() })
    }

    pub fn write(graph: &Graph) -> Result<Vec<u8>, String> {
        let file = File { edgewright_graph: VERSION, graph: graph.clone() };
        serde_json::to_vec(&file).map_err(|e| e.to_string())
    }
}

/// Writes a model in the format of the file's extension: `.tflite`, `.onnx`, or `.ewg` for our own text.
///
/// # Errors
/// [`EngineError::Usage`] for another extension, [`EngineError::Data`] naming a node that the format has not.
pub fn save(graph: &Graph, path: &Path) -> Result<(), EngineError> {
    let data = |reason: String| EngineError::Data(format!("{}: {reason}", path.display()));
    let extension = path.extension().map(|e| e.to_string_lossy().to_lowercase()).unwrap_or_default();
    let bytes = match extension.as_str() {
        "tflite" | "lite" => edgewright_ir::export::tflite::write(graph).map_err(|e| data(e.to_string()))?,
        "onnx" => edgewright_ir::export::onnx::write(graph).map_err(|e| data(e.to_string()))?,
        "ewg" => graph_text::write(graph).map_err(data)?,
        _ => {
            return Err(EngineError::Usage(format!(
                "{}: the extension says the format: .tflite, .onnx or .ewg",
                path.display()
            )));
        }
    };
    write(path, &bytes)
}

/// Writes a file.
///
/// # Errors
/// [`EngineError::Io`] naming it.
pub fn write(path: &Path, bytes: &[u8]) -> Result<(), EngineError> {
    std::fs::write(path, bytes).at(path)
}

/// Word for an element type, as NumPy has it.
pub fn type_name(dtype: DType) -> &'static str {
    match dtype {
        DType::F32 => "float32",
        DType::I8 => "int8",
        DType::U8 => "uint8",
        DType::I32 => "int32",
        DType::I16 => "int16",
        DType::I64 => "int64",
    }
}

/// An input or output of a model.
#[derive(Clone, Debug, Serialize)]
pub struct TensorInfo {
    /// Name in the file.
    pub name: String,
    /// Shape without the batch.
    pub shape: Vec<usize>,
    /// Element type.
    #[serde(rename = "type")]
    pub dtype: &'static str,
    /// Scale of an integer tensor.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub scale: Option<f32>,
    /// Zero point of an integer tensor.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub zero_point: Option<i32>,
}

/// Describes a tensor.
pub fn describe(graph: &Graph, id: TensorId) -> TensorInfo {
    let t = graph.tensor(id);
    TensorInfo {
        name: t.name.clone(),
        shape: t.shape.clone(),
        dtype: type_name(t.dtype),
        scale: t.quant.as_ref().map(|q| q.scale[0]),
        zero_point: t.quant.as_ref().map(|q| q.zero_point),
    }
}

/// What `model run` did.
#[derive(Clone, Debug, Serialize)]
pub struct RunOutcome {
    /// Number of cases.
    pub cases: usize,
    /// Whose integer rules were followed.
    pub reference: &'static str,
    /// The first input.
    pub input: TensorInfo,
    /// All inputs, in the order of the model.
    pub inputs: Vec<TensorInfo>,
    /// The outputs, in the order of the files.
    pub outputs: Vec<TensorInfo>,
    /// One file per output.
    pub files: Vec<PathBuf>,
    /// What the user should know.
    pub notes: Vec<String>,
}

/// Cases of the input files for a graph: the first axis is cases.
pub(crate) struct Cases {
    pub count: usize,
    /// One for each input of the graph.
    arrays: Vec<npy::Array>,
}

impl Cases {
    /// Values of one input in one case.
    fn of(&self, input: usize, case: usize) -> &[f64] {
        let values = &self.arrays[input].values;
        let n = values.len() / self.count;
        &values[case * n..(case + 1) * n]
    }

    /// Values of all inputs in each case, one behind the other.
    pub fn floats(&self) -> Vec<Vec<f32>> {
        let case = |c| (0..self.arrays.len()).flat_map(move |i| self.of(i, c).iter().map(|&v| v as f32));
        (0..self.count).map(|c| case(c).collect()).collect()
    }
}

/// Which file is for which input: each is a file, or `NAME=FILE`. One file alone stands for all inputs of a model that has several: the
/// others lie beside it, as outputs do (`X.npy`, `X.1.npy`, ...).
fn assigned(graph: &Graph, given: &[String]) -> Result<Vec<PathBuf>, EngineError> {
    let count = graph.inputs.len();
    if let [file] = given
        && count > 1
        && !graph.inputs.iter().any(|id| named(&graph.tensor(*id).name, file).is_some())
    {
        let first = PathBuf::from(file);
        return Ok((0..count)
            .map(|i| if i == 0 { first.clone() } else { first.with_extension(format!("{i}.npy")) })
            .collect());
    }
    let mut files: Vec<Option<PathBuf>> = vec![None; count];
    for word in given {
        let by_name = graph
            .inputs
            .iter()
            .enumerate()
            .find_map(|(i, id)| named(&graph.tensor(*id).name, word).map(|file| (i, file.to_owned())));
        let next = files.iter().position(Option::is_none);
        match by_name.or_else(|| next.map(|i| (i, word.clone()))) {
            Some((i, file)) if files[i].is_none() => files[i] = Some(file.into()),
            Some((i, _)) => {
                let name = &graph.tensor(graph.inputs[i]).name;
                return Err(EngineError::Usage(format!("the input `{name}` is given twice")));
            }
            None => {
                return Err(EngineError::Usage(format!(
                    "{} files are given, the model has {count} inputs",
                    given.len()
                )));
            }
        }
    }
    let missing = graph.inputs.iter().zip(&files).find(|(_, f)| f.is_none());
    if let Some((id, _)) = missing {
        let names: Vec<&str> = graph.inputs.iter().map(|id| graph.tensor(*id).name.as_str()).collect();
        return Err(EngineError::Usage(format!(
            "the input `{}` is missing; the model takes {}: give each as FILE in this order, or as NAME=FILE",
            graph.tensor(*id).name,
            names.join(", ")
        )));
    }
    Ok(files.into_iter().flatten().collect())
}

/// The file of a `NAME=FILE` with this name.
fn named<'w>(name: &str, word: &'w str) -> Option<&'w str> {
    word.strip_prefix(name)?.strip_prefix('=')
}

/// Reads the inputs of a graph; all have as many cases.
pub(crate) fn cases(graph: &Graph, given: &[String]) -> Result<Cases, EngineError> {
    let files = assigned(graph, given)?;
    let mut arrays: Vec<npy::Array> = Vec::with_capacity(files.len());
    for (id, path) in graph.inputs.iter().zip(&files) {
        let array = one_input(graph, *id, path)?;
        if let Some(first) = arrays.first()
            && first.shape.first() != array.shape.first()
        {
            return Err(EngineError::Data(format!(
                "{}: {:?} cases, but {} has {:?}",
                path.display(),
                array.shape.first(),
                files[0].display(),
                first.shape.first()
            )));
        }
        arrays.push(array);
    }
    let count = arrays.first().and_then(|a| a.shape.first()).copied().unwrap_or(0);
    Ok(Cases { count, arrays })
}

fn one_input(graph: &Graph, id: TensorId, path: &Path) -> Result<npy::Array, EngineError> {
    let data = |reason: String| EngineError::Data(format!("{}: {reason}", path.display()));
    let array = npy::read(path)?;
    let t = graph.tensor(id);
    let fits = match t.dtype {
        DType::F32 => matches!(array.element, npy::ElementType::F32 | npy::ElementType::F64),
        DType::I8 => array.element == npy::ElementType::I8,
        DType::U8 => array.element == npy::ElementType::U8,
        DType::I16 => array.element == npy::ElementType::I16,
        DType::I32 => array.element == npy::ElementType::I32,
        DType::I64 => false,
    };
    if !fits {
        return Err(data(format!(
            "elements are {:?}, but the model's input `{}` is {}",
            array.element,
            t.name,
            type_name(t.dtype)
        )));
    }
    let count = array.shape.first().copied().unwrap_or(0);
    if count == 0 || array.values.len() != count * t.len() {
        return Err(data(format!(
            "the shape {:?} is not [cases, {}]",
            array.shape,
            t.shape.iter().map(usize::to_string).collect::<Vec<_>>().join(", ")
        )));
    }
    Ok(array)
}

/// Runs a model on the cases of a file, in order, with what it keeps from one to the next; writes its outputs.
///
/// # Errors
/// [`EngineError::Data`] when the model or the input cannot be used, [`EngineError::Cancelled`].
pub fn run(
    model: &Path,
    inputs: &[String],
    out: &Path,
    reference: Reference,
    observer: &dyn Observer,
) -> Result<RunOutcome, EngineError> {
    let imported = load(model, reference)?;
    let graph = &imported.graph;
    let cases = cases(graph, inputs)?;
    let failed = |e: edgewright_ir::GraphError| EngineError::Data(format!("{}: {e}", model.display()));
    let mut interpreter = Interpreter::new(graph).map_err(failed)?;
    let mut results: Vec<Vec<u8>> = vec![Vec::new(); graph.outputs.len()];
    for case in 0..cases.count {
        if observer.cancelled() {
            return Err(EngineError::Cancelled);
        }
        if case.is_multiple_of(TOLD_EVERY) {
            let (done, total) = (case as u64, cases.count as u64);
            observer.event(Event::Progress { stage: "run", done, total, note: "cases".into() });
        }
        for (i, id) in graph.inputs.iter().enumerate() {
            let values = cases.of(i, case);
            match graph.tensor(*id).dtype {
                DType::F32 => {
                    let values: Vec<f32> = values.iter().map(|&v| v as f32).collect();
                    interpreter.set(i, Values::F32(&values))
                }
                DType::I16 => {
                    let values: Vec<i16> = values.iter().map(|&v| v as i16).collect();
                    interpreter.set(i, Values::I16(&values))
                }
                DType::I32 => {
                    let values: Vec<i32> = values.iter().map(|&v| v as i32).collect();
                    interpreter.set(i, Values::I32(&values))
                }
                _ => {
                    // Bytes keep their bits, signed or not.
                    let values: Vec<i8> = values.iter().map(|&v| v as i32 as u8 as i8).collect();
                    interpreter.set(i, Values::I8(&values))
                }
            }
            .map_err(failed)?;
        }
        interpreter.invoke().map_err(failed)?;
        for (id, result) in graph.outputs.iter().zip(&mut results) {
            result.extend(interpreter.contents(*id));
        }
    }
    let mut files = Vec::new();
    for (i, (id, result)) in graph.outputs.iter().zip(&results).enumerate() {
        let t = graph.tensor(*id);
        let descr = match t.dtype {
            DType::F32 => "<f4",
            DType::U8 => "|u1",
            DType::I8 => "|i1",
            DType::I32 => "<i4",
            DType::I16 => "<i2",
            DType::I64 => "<i8",
        };
        let shape: Vec<usize> = std::iter::once(cases.count).chain(t.shape.iter().copied()).collect();
        let path = if i == 0 { out.to_path_buf() } else { out.with_extension(format!("{i}.npy")) };
        std::fs::write(&path, npy::write(descr, &shape, result)).at(&path)?;
        files.push(path);
    }
    Ok(RunOutcome {
        cases: cases.count,
        reference: reference.name(),
        input: describe(graph, graph.inputs[0]),
        inputs: graph.inputs.iter().map(|id| describe(graph, *id)).collect(),
        outputs: graph.outputs.iter().map(|id| describe(graph, *id)).collect(),
        files,
        notes: imported.notes,
    })
}

/// What `model export` wrote.
#[derive(Clone, Debug, Serialize)]
pub struct ExportOutcome {
    /// Format.
    pub format: String,
    /// Whose integer rules the code follows.
    pub reference: &'static str,
    /// Files, below the folder that was asked for.
    pub files: Vec<PathBuf>,
    /// Prefix of every name in C.
    pub prefix: String,
    /// Bytes of constants.
    pub weight_bytes: usize,
    /// What the user should know.
    pub notes: Vec<String>,
}

/// Writes a model as a C library or a Rust crate into a folder, or as a TFLite or ONNX file. What the names of the code begin with is made
/// of the file's name when `prefix` is left out.
///
/// # Errors
/// [`EngineError::Usage`] for an unknown format or target, or a prefix that is none, [`EngineError::Data`] when the model cannot be used.
pub fn export(
    model: &Path,
    format: &str,
    out: &Path,
    target: &str,
    prefix: Option<&str>,
    reference: Reference,
) -> Result<ExportOutcome, EngineError> {
    let options = edgewright_compile::Options { prefix: prefix.map(str::to_owned) };
    if let Some(name) = prefix {
        let kept = edgewright_compile::prefix(name);
        if kept != name {
            return Err(EngineError::Usage(format!(
                "--prefix takes up to 32 of a-z, 0-9 and _, beginning with a letter, and no word of C or the runtime; not `{name}`, but `{kept}` is one"
            )));
        }
    }
    if format == "tflite" || format == "onnx" {
        if prefix.is_some() {
            return Err(EngineError::Usage(
                "--prefix is for --format c and rust; a model file has no such names".into(),
            ));
        }
        let imported = load(model, reference)?;
        let write_graph = if format == "onnx" {
            edgewright_ir::export::onnx::write
        } else {
            edgewright_ir::export::tflite::write
        };
        let bytes = write_graph(&imported.graph)
            .map_err(|e| EngineError::Data(format!("{}: {e}", model.display())))?;
        write(out, &bytes)?;
        return Ok(ExportOutcome {
            format: format.into(),
            reference: reference.name(),
            files: vec![out.to_path_buf()],
            prefix: edgewright_compile::prefix(&imported.graph.name),
            weight_bytes: imported.graph.constant_bytes(),
            notes: imported.notes,
        });
    }
    if format == "rust" {
        let imported = load(model, reference)?;
        let tree = edgewright_compile::rust_crate(&imported.graph, &options)?;
        return exported(format, out, &tree, imported, prefix, reference);
    }
    if format != "c" {
        return Err(EngineError::Usage(format!("--format takes c, rust, tflite or onnx, not `{format}`")));
    }
    let all = edgewright_compile::target::all();
    let target = all.iter().find(|t| t.id == target).ok_or_else(|| {
        let ids: Vec<&str> = all.iter().map(|t| t.id.as_str()).collect();
        EngineError::Usage(format!("there is no target `{target}`; there are {}", ids.join(", ")))
    })?;
    let imported = load(model, reference)?;
    let tree = edgewright_compile::compile_graph(&imported.graph, target, &options)?;
    exported(format, out, &tree, imported, prefix, reference)
}

/// Writes the files of an export.
fn exported(
    format: &str,
    out: &Path,
    tree: &edgewright_compile::FileTree,
    imported: Imported,
    prefix: Option<&str>,
    reference: Reference,
) -> Result<ExportOutcome, EngineError> {
    let mut files = Vec::new();
    for (name, bytes) in tree {
        let path = out.join(name);
        if let Some(folder) = path.parent() {
            std::fs::create_dir_all(folder).at(folder)?;
        }
        std::fs::write(&path, bytes).at(&path)?;
        files.push(path);
    }
    Ok(ExportOutcome {
        format: format.into(),
        reference: reference.name(),
        files,
        prefix: edgewright_compile::prefix(prefix.unwrap_or(&imported.graph.name)),
        weight_bytes: imported.graph.constant_bytes(),
        notes: imported.notes,
    })
}
