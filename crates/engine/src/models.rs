//! Models and arrays that a server keeps for a project, and what its jobs make of them. The folder takes the place of the one in which the
//! command `model` is typed: requests name files in it, and what they write lies in it afterwards.

use crate::{
    EngineError, Observer,
    error::AtPath,
    jobs::JobRequest,
    model_import::{self, ImportOutcome},
    model_profile,
    model_quantize::{self, QuantizeOptions},
    model_tool,
    stages::build,
    workspace::Workspace,
};
use edgewright_deploy::Archive;
use edgewright_ir::extra::Reference;
use serde_json::Value;
use std::{
    path::{Path, PathBuf},
    time::UNIX_EPOCH,
};

/// Longest name of a file, in bytes.
const NAME_MAX: usize = 100;
/// Target of C when none is named.
const HOST: &str = "host";
/// Formats of a model that is written as one file.
const ONE_FILE: [&str; 2] = ["tflite", "onnx"];

/// A file that is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeptFile {
    /// Name.
    pub name: String,
    /// Size.
    pub bytes: u64,
    /// When it was written, in milliseconds since 1970.
    pub written: i64,
}

/// Refuses a name that is none of a file in one folder.
fn check_name(name: &str) -> Result<(), EngineError> {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
    if name.is_empty() || name.len() > NAME_MAX || name.starts_with('.') || !name.chars().all(plain) {
        return Err(EngineError::Usage(format!(
            "`{}` cannot be the name of a model file; use 1 to {NAME_MAX} letters, digits, `-`, `_` and `.`, no `.` in front",
            name.chars().filter(|c| !c.is_control()).take(NAME_MAX).collect::<String>()
        )));
    }
    Ok(())
}

/// The file of `NAME` or `INPUT=NAME`, and what stands before it.
fn split(word: &str) -> (&str, &str) {
    match word.rfind('=') {
        Some(at) => word.split_at(at + 1),
        None => ("", word),
    }
}

/// Refuses a request that cannot work whatever the files hold.
///
/// # Errors
/// [`EngineError::Usage`] naming the word.
pub(crate) fn check(request: &JobRequest) -> Result<(), EngineError> {
    match request {
        JobRequest::ModelRun { model, inputs, out, reference } => {
            check_name(model)?;
            check_out(out, &["npy"])?;
            rules(reference)?;
            check_inputs(inputs)
        }
        JobRequest::ModelProfile { model, targets, reference, .. } => {
            check_name(model)?;
            rules(reference)?;
            targets.iter().try_for_each(|t| build::target(t).map(|_| ()))
        }
        JobRequest::ModelQuantize { model, calibration, out, .. } => {
            check_name(model)?;
            check_out(out, &["tflite", "lite", "onnx", "ewg"])?;
            check_inputs(calibration)?;
            options(request).map(|_| ())
        }
        JobRequest::ModelExport { model, format, out, target, reference } => {
            check_name(model)?;
            rules(reference)?;
            match format.as_str() {
                format if ONE_FILE.contains(&format) => check_out(out, &[format]),
                "c" | "rust" => {
                    build::target(target.as_deref().unwrap_or(HOST))?;
                    check_out(out, &["zip"])
                }
                other => {
                    Err(EngineError::Usage(format!("`format` is c, rust, tflite or onnx, not `{other}`")))
                }
            }
        }
        _ => Ok(()),
    }
}

fn check_inputs(words: &[String]) -> Result<(), EngineError> {
    if words.is_empty() {
        return Err(EngineError::Usage("name at least one file of inputs".into()));
    }
    words.iter().try_for_each(|word| check_name(split(word).1))
}

fn check_out(name: &str, ends: &[&str]) -> Result<(), EngineError> {
    check_name(name)?;
    let end = name.rsplit_once('.').map_or("", |(_, end)| end);
    if ends.contains(&end) {
        return Ok(());
    }
    Err(EngineError::Usage(format!("`out` is `{name}`; its name ends in .{}", ends.join(" or ."))))
}

/// Whose integer rules to follow; those of LiteRT when nothing is said.
fn rules(word: &Option<String>) -> Result<Reference, EngineError> {
    model_tool::reference(word.as_deref().unwrap_or("litert"))
}

fn options(request: &JobRequest) -> Result<QuantizeOptions, EngineError> {
    let JobRequest::ModelQuantize { method, scheme, io, budget, force, reference, .. } = request else {
        return Err(EngineError::Internal("another request".into()));
    };
    let scheme = model_quantize::scheme(scheme.as_deref().unwrap_or("int8"))?;
    let budget = budget.unwrap_or(model_quantize::BUDGET);
    if !(0.0..=f64::MAX).contains(&budget) {
        return Err(EngineError::Usage(format!("`budget` is {budget}; it is a share of the outputs' size")));
    }
    Ok(QuantizeOptions {
        scheme,
        method: model_quantize::method(method.as_deref().unwrap_or("min-max"))?,
        ends: model_quantize::ends(io.as_deref().unwrap_or("float"), scheme)?,
        budget,
        force: *force,
        reference: rules(reference)?,
    })
}

impl Workspace {
    /// The id is one of ours, so it can be a folder.
    fn models_dir(&self, project: &str) -> Result<PathBuf, EngineError> {
        self.project_dir(project)?;
        Ok(self.server_dir().join("models").join(project))
    }

    /// The files that are kept for a project, in order of name.
    ///
    /// # Errors
    /// [`EngineError::NotFound`] for an unknown project; [`EngineError::Io`].
    pub fn model_files(&self, project: &str) -> Result<Vec<KeptFile>, EngineError> {
        let dir = self.models_dir(project)?;
        let mut found = Vec::new();
        let entries = match std::fs::read_dir(&dir) {
            Ok(entries) => entries,
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Ok(found),
            Err(source) => return Err(EngineError::Io { path: dir, source }),
        };
        for entry in entries {
            let entry = entry.at(&dir)?;
            if let Some(name) = entry.file_name().to_str().filter(|n| check_name(n).is_ok()) {
                found.push(kept(name, &entry.path())?);
            }
        }
        found.sort_by(|a, b| a.name.cmp(&b.name));
        Ok(found)
    }

    /// Where a file that is kept lies.
    ///
    /// # Errors
    /// [`EngineError::Usage`] for a name that no file can have, [`EngineError::NotFound`].
    pub fn model_file(&self, project: &str, name: &str) -> Result<PathBuf, EngineError> {
        check_name(name)?;
        let path = self.models_dir(project)?.join(name);
        if path.is_file() {
            return Ok(path);
        }
        Err(EngineError::NotFound(format!("there is no file `{name}` among the models of `{project}`")))
    }

    /// Keeps a file under a name, in place of the one before. `from` is moved, and lies below the folder of the server.
    ///
    /// # Errors
    /// [`EngineError::Usage`] for a name that no file can have; [`EngineError::Io`].
    pub fn keep_model_file(&self, project: &str, name: &str, from: &Path) -> Result<KeptFile, EngineError> {
        check_name(name)?;
        let dir = self.models_dir(project)?;
        std::fs::create_dir_all(&dir).at(&dir)?;
        let path = dir.join(name);
        std::fs::File::open(from).at(from)?.sync_all().at(from)?;
        std::fs::rename(from, &path).at(&path)?;
        kept(name, &path)
    }

    /// Removes a file.
    ///
    /// # Errors
    /// Those of [`Workspace::model_file`]; [`EngineError::Io`].
    pub fn remove_model_file(&self, project: &str, name: &str) -> Result<(), EngineError> {
        let path = self.model_file(project, name)?;
        std::fs::remove_file(&path).at(&path)
    }

    /// Makes a model that is kept the learning block of its project.
    ///
    /// # Errors
    /// Those of [`Workspace::model_file`] and [`model_import::import`].
    pub fn import_model(
        &self,
        project: &str,
        name: &str,
        labels: &[String],
    ) -> Result<ImportOutcome, EngineError> {
        let path = self.model_file(project, name)?;
        let told = model_import::import(&path, &self.project_dir(project)?, labels);
        let dir = self.models_dir(project)?;
        told.map_err(|e| plain(e, &dir))
    }

    /// Does what a job on models asks for. What it writes is kept beside the model once it is whole.
    ///
    /// # Errors
    /// Those of the commands `model run`, `profile`, `quantize` and `export`.
    pub(crate) fn work_on_model(
        &self,
        project: &str,
        request: &JobRequest,
        observer: &dyn Observer,
    ) -> Result<Value, EngineError> {
        check(request)?;
        let dir = self.models_dir(project)?;
        std::fs::create_dir_all(&dir).at(&dir)?;
        let fresh = tempfile::Builder::new().prefix(".new-").tempdir_in(&dir).at(&dir)?;
        let mut value = self
            .made(project, request, &dir, fresh.path(), observer)
            .map_err(|e| plain(plain(e, fresh.path()), &dir))?;
        let mut files = Vec::new();
        for entry in std::fs::read_dir(fresh.path()).at(&dir)? {
            let entry = entry.at(&dir)?;
            if let Some(name) = entry.file_name().to_str() {
                self.keep_model_file(project, name, &entry.path())?;
                files.push(name.to_owned());
            }
        }
        files.sort();
        // Paths are the server's own business.
        value["files"] = files.into();
        if let Some(object) = value.as_object_mut() {
            object.remove("file");
        }
        Ok(value)
    }

    /// Writes below `fresh`, and tells what the command prints.
    fn made(
        &self,
        project: &str,
        request: &JobRequest,
        dir: &Path,
        fresh: &Path,
        observer: &dyn Observer,
    ) -> Result<Value, EngineError> {
        let there = |words: &[String]| -> Result<Vec<String>, EngineError> {
            words
                .iter()
                .map(|word| {
                    let (input, file) = split(word);
                    self.model_file(project, file)?;
                    Ok(format!("{input}{}", dir.join(file).display()))
                })
                .collect()
        };
        match request {
            JobRequest::ModelRun { model, inputs, out, reference } => {
                let model = self.model_file(project, model)?;
                let (inputs, reference) = (there(inputs)?, rules(reference)?);
                json(&model_tool::run(&model, &inputs, &fresh.join(out), reference, observer)?)
            }
            JobRequest::ModelProfile { model, targets, execute, reference } => {
                let path = self.model_file(project, model)?;
                let reference = rules(reference)?;
                let profile = model_profile::profile(&path, targets, *execute, reference, observer)?;
                let stem = model.rsplit_once('.').map_or(model.as_str(), |(stem, _)| stem);
                model_tool::write(&fresh.join(format!("{stem}.cost.svg")), profile.svg().as_bytes())?;
                json(&profile)
            }
            JobRequest::ModelQuantize { model, calibration, out, .. } => {
                let model = self.model_file(project, model)?;
                let inputs = there(calibration)?;
                let options = options(request)?;
                json(&model_quantize::quantize(&model, &inputs, &fresh.join(out), &options, observer)?)
            }
            JobRequest::ModelExport { model, format, out, target, reference } => {
                let model = self.model_file(project, model)?;
                let (reference, target) = (rules(reference)?, target.as_deref().unwrap_or(HOST));
                if ONE_FILE.contains(&format.as_str()) {
                    return json(&model_tool::export(
                        &model,
                        format,
                        &fresh.join(out),
                        target,
                        None,
                        reference,
                    )?);
                }
                let folder = tempfile::tempdir_in(fresh).at(fresh)?;
                let told = model_tool::export(&model, format, folder.path(), target, None, reference)?;
                pack(folder.path(), &told.files, &fresh.join(out))?;
                json(&told)
            }
            _ => Err(EngineError::Internal("this is no job on a model".into())),
        }
    }
}

fn kept(name: &str, path: &Path) -> Result<KeptFile, EngineError> {
    let facts = std::fs::metadata(path).at(path)?;
    let written = facts.modified().ok().and_then(|t| t.duration_since(UNIX_EPOCH).ok());
    Ok(KeptFile {
        name: name.into(),
        bytes: facts.len(),
        written: written.map_or(0, |d| i64::try_from(d.as_millis()).unwrap_or(i64::MAX)),
    })
}

/// Files of a folder as one.
fn pack(folder: &Path, files: &[PathBuf], to: &Path) -> Result<(), EngineError> {
    let failed = |e: edgewright_deploy::DeployError| EngineError::Internal(e.to_string());
    let mut archive = Archive::new(std::io::Cursor::new(Vec::new()));
    for file in files {
        let name = file.strip_prefix(folder).unwrap_or(file).to_string_lossy().replace('\\', "/");
        archive.add(&name, &std::fs::read(file).at(file)?).map_err(failed)?;
    }
    model_tool::write(to, &archive.finish().map_err(failed)?.into_inner())
}

fn json(value: &impl serde::Serialize) -> Result<Value, EngineError> {
    serde_json::to_value(value).map_err(|e| EngineError::Internal(e.to_string()))
}

/// The same error, with the names of files alone: where a server keeps them is its own business.
fn plain(error: EngineError, dir: &Path) -> EngineError {
    let cut = |text: String| text.replace(&format!("{}{}", dir.display(), std::path::MAIN_SEPARATOR), "");
    match error {
        EngineError::Usage(text) => EngineError::Usage(cut(text)),
        EngineError::Data(text) => EngineError::Data(cut(text)),
        EngineError::Gate(text) => EngineError::Gate(cut(text)),
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_stay_in_the_folder() {
        for name in ["kws.tflite", "a-b_c.1.npy", "X"] {
            assert!(check_name(name).is_ok(), "{name}");
        }
        for name in ["", ".", "..", ".new-1", "a/b", "a\\b", "a=b", "a b", "a\u{0}", &"x".repeat(101)] {
            assert!(check_name(name).is_err(), "{name:?}");
        }
        assert_eq!(split("serving=x=y.npy"), ("serving=x=", "y.npy"));
        assert_eq!(split("y.npy"), ("", "y.npy"));
    }

    #[test]
    fn an_output_says_its_format() {
        assert!(check_out("y.npy", &["npy"]).is_ok());
        for name in ["y", "npy", "y.npy.txt", "../y.npy"] {
            assert!(check_out(name, &["npy"]).is_err(), "{name}");
        }
    }
}
