//! `model import`: a model from elsewhere becomes the learning block of a project.

use crate::{
    EngineError,
    error::AtPath,
    model_tool::{self, TensorInfo, describe},
    project::{FILE_NAME, Project, ProjectFile},
    stages::imported,
};
use edgewright_ir::extra::Reference;
use serde::Serialize;
use std::path::{Path, PathBuf};

/// Folder of a project in which models lie.
const FOLDER: &str = "models";

/// What `model import` did.
#[derive(Clone, Debug, Serialize)]
pub struct ImportOutcome {
    /// The project.
    pub project: PathBuf,
    /// The copy of the model, below the project.
    pub model: String,
    /// `classifier` or `regression`.
    pub kind: &'static str,
    /// Labels of the outputs in their order; empty: those of the project in alphabetical order.
    pub labels: Vec<String>,
    /// Multiply-accumulates of one window.
    pub macs: u64,
    /// The input: as many values as the DSP blocks must give.
    pub input: TensorInfo,
    /// The output.
    pub output: TensorInfo,
    /// What the user should know.
    pub notes: Vec<String>,
}

/// Copies a model into a project and makes it the one learning block.
///
/// `labels` name the outputs in their order; when left out, the project's labels in alphabetical order do.
///
/// # Errors
/// [`EngineError::NoProject`]; [`EngineError::Data`] when the model cannot be read or be a learning block;
/// [`EngineError::Usage`] when the labels do not fit.
pub fn import(file: &Path, dir: &Path, labels: &[String]) -> Result<ImportOutcome, EngineError> {
    Project::open(dir)?;
    let model = model_tool::load(file, Reference::Litert)?;
    imported::usable(file, &model.graph)?;
    let mut notes = model.notes;
    let (input, output) =
        (describe(&model.graph, model.graph.inputs[0]), describe(&model.graph, model.graph.outputs[0]));
    let outputs: usize = output.shape.iter().product();
    let kind = if outputs == 1 && labels.is_empty() { "regression" } else { "classifier" };
    if !labels.is_empty() && labels.len() != outputs {
        return Err(EngineError::Usage(format!(
            "--labels names {} labels, but the model has {outputs} outputs",
            labels.len()
        )));
    }
    if labels.is_empty() && kind == "classifier" {
        notes.push("the outputs are taken for the project's labels in alphabetical order; --labels gives another order".into());
    }
    let name = file
        .file_name()
        .map(|n| n.to_string_lossy().into_owned())
        .ok_or_else(|| EngineError::Usage(format!("{} names no file", file.display())))?;
    let below = format!("{FOLDER}/{name}");
    let path = dir.join(FILE_NAME);
    let text = std::fs::read_to_string(&path).at(&path)?;
    let new = with_model(&text, kind, &below, labels);
    let parsed = ProjectFile::parse(&new, &path)?;
    if parsed.impulse.learn.len() != 1 || parsed.impulse.learn[0].file.as_deref() != Some(&below) {
        return Err(EngineError::Internal(format!(
            "{}: the learning block could not be replaced",
            path.display()
        )));
    }
    let folder = dir.join(FOLDER);
    std::fs::create_dir_all(&folder).at(&folder)?;
    let to = dir.join(&below);
    let bytes = model_tool::contents(file)?;
    std::fs::write(&to, bytes).at(&to)?;
    std::fs::write(&path, new).at(&path)?;
    Ok(ImportOutcome {
        project: dir.to_path_buf(),
        model: below,
        kind,
        labels: labels.to_vec(),
        macs: model.graph.macs(),
        input,
        output,
        notes,
    })
}

/// Whether a line opens a section.
fn opens(line: &str) -> bool {
    let line = line.split('#').next().unwrap_or_default().trim();
    line.starts_with('[') && line.ends_with(']') && !line.contains([',', '"', '\'', '{'])
}

/// The text of a project file whose learning blocks are replaced by a model.
fn with_model(text: &str, kind: &str, model: &str, labels: &[String]) -> String {
    let mut out = String::new();
    let mut learning = false;
    for line in text.lines() {
        if opens(line) {
            learning = line.trim().starts_with("[[impulse.learn]]");
        }
        if !learning {
            out.push_str(line);
            out.push('\n');
        }
    }
    let quoted = |s: &str| toml::Value::String(s.into()).to_string();
    out.push_str(&format!("\n[[impulse.learn]]\nkind = \"{kind}\"\nfile = {}\n", quoted(model)));
    if !labels.is_empty() {
        let labels: Vec<String> = labels.iter().map(|l| quoted(l)).collect();
        out.push_str(&format!("labels = [{}]       # of the outputs, in their order\n", labels.join(", ")));
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_learning_blocks_are_replaced() {
        let text = "# mine\n[impulse]\nimage = [32, 32]\n\n[[impulse.learn]]\nkind = \"classifier\"\nlayers = [\n  { kind = \"dense\", units = 8 },\n]\n[[impulse.learn]]\nkind = \"anomaly\"\n\n[training]  # later\nepochs = 3\n";
        let new = with_model(text, "classifier", "models/a.tflite", &["no \"way\"".into(), "b".into()]);
        assert!(
            new.contains("# mine") && new.contains("image = [32, 32]") && new.contains("epochs = 3"),
            "{new}"
        );
        assert!(!new.contains("layers") && !new.contains("anomaly"), "{new}");
        let file = ProjectFile::parse(&new, Path::new("edgewright.toml")).expect("a project file");
        assert_eq!(
            file.impulse.learn[0].labels.as_deref(),
            Some(&["no \"way\"".to_owned(), "b".to_owned()][..])
        );
    }
}
