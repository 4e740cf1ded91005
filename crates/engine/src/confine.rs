//! What a project file that comes over the network may name: files of the project, and of folders that whoever starts the server allows.

use crate::{
    EngineError,
    project::{DspSection, FILE_NAME, LearnSection, Parameter, ProjectFile, STATE_DIR},
};
use std::{
    collections::{BTreeMap, BTreeSet},
    path::{Component, Path, PathBuf},
};

/// Refuses a text whose paths lead out of the project and out of `allowed`, or into what the server keeps in the project. A path that `before`
/// has already, in the same place of the file, was put there by somebody who may, and stays.
///
/// # Errors
/// [`EngineError::ProjectFile`] naming the path.
pub(crate) fn check(
    dir: &Path,
    before: Option<&ProjectFile>,
    after: &ProjectFile,
    allowed: &[PathBuf],
) -> Result<(), EngineError> {
    let known: BTreeSet<_> = before.map(|file| named(file).collect()).unwrap_or_default();
    for (key, path) in named(after) {
        if !known.contains(&(key, path)) && !inside(dir, path, allowed) {
            let shown: String = path.chars().filter(|c| !c.is_control()).take(200).collect();
            return Err(EngineError::ProjectFile {
                path: dir.join(FILE_NAME),
                message: format!(
                    "`{key} = \"{shown}\"` is not a file of this project; over the network a project file may name only those\n\
                     hint: upload the files, or start the server with --data-root FOLDER"
                ),
            });
        }
    }
    let commands =
        |file: &'_ ProjectFile| -> Vec<_> { file.impulse.learn.iter().filter_map(program).collect() };
    let blocks = |file: &'_ ProjectFile| -> Vec<_> { file.impulse.dsp.iter().filter_map(block).collect() };
    let known = before.map(blocks).unwrap_or_default();
    if let Some((url, command, _)) = blocks(after).iter().find(|b| !known.contains(b)) {
        let what = command.as_ref().map(|c| c.join(" ")).or(url.clone()).unwrap_or_default();
        let shown: String = what.chars().filter(|c| !c.is_control()).take(200).collect();
        return Err(EngineError::ProjectFile {
            path: dir.join(FILE_NAME),
            message: format!(
                "an external DSP block would ask `{shown}`; over the network a project file may ask only what was there before\n\
                 hint: write it into the file on the machine itself; its `parameters` may be changed from here"
            ),
        });
    }
    let known = before.map(commands).unwrap_or_default();
    if let Some((command, _)) = commands(after).iter().find(|c| !known.contains(c)) {
        let shown: String = command.join(" ").chars().filter(|c| !c.is_control()).take(200).collect();
        return Err(EngineError::ProjectFile {
            path: dir.join(FILE_NAME),
            message: format!(
                "`command` would start `{shown}`; over the network a project file may start only what was there before\n\
                 hint: write it into the file on the machine itself"
            ),
        });
    }
    Ok(())
}

/// What a section starts, and with which arguments.
fn program(section: &LearnSection) -> Option<(Vec<String>, BTreeMap<String, Parameter>)> {
    Some((section.command.clone()?, section.parameters.clone()))
}

/// Whom an external DSP block asks, and what it starts.
fn block(section: &DspSection) -> Option<(Option<String>, Option<Vec<String>>, bool)> {
    let asks = section.url.is_some() || section.command.is_some();
    asks.then(|| (section.url.clone(), section.command.clone(), section.remote))
}

/// The paths of a project file with their keys.
fn named(file: &ProjectFile) -> impl Iterator<Item = (&'static str, &str)> {
    let data = file.data.iter().map(|source| ("path", source.path.as_str()));
    let models = file.impulse.learn.iter().filter_map(|learn| Some(("file", learn.file.as_deref()?)));
    let backbones = file
        .impulse
        .learn
        .iter()
        .filter_map(|learn| Some(("backbone.model", learn.backbone.as_ref()?.model.as_str())));
    let teacher = file.training.teacher.iter().filter_map(|t| Some(("teacher.model", t.model.as_deref()?)));
    let licence = file.deploy.licence_file.iter().map(|file| ("licence_file", file.as_str()));
    data.chain(models).chain(backbones).chain(teacher).chain(licence)
}

/// Whether a path leads to a file of the project, or of these folders.
pub(crate) fn inside(dir: &Path, path: &str, allowed: &[PathBuf]) -> bool {
    let Some(real) = resolve(&dir.join(path)) else { return false };
    let below = |root: &Path| std::fs::canonicalize(root).is_ok_and(|root| real.starts_with(root));
    below(dir) && !real.components().any(|c| c.as_os_str() == STATE_DIR)
        || allowed.iter().any(|root| below(root))
}

/// The path without links and `..`. What is not there yet must be named without `..`.
fn resolve(path: &Path) -> Option<PathBuf> {
    let mut missing = Vec::new();
    let mut there = path;
    loop {
        // A link that leads nowhere yet is no missing file.
        if std::fs::symlink_metadata(there).is_ok() {
            let mut real = std::fs::canonicalize(there).ok()?;
            real.extend(missing.iter().rev());
            return Some(real);
        }
        match there.components().next_back()? {
            Component::Normal(name) => missing.push(name),
            _ => return None,
        }
        there = there.parent()?;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(text: &str) -> ProjectFile {
        ProjectFile::parse(text, Path::new(FILE_NAME)).expect("parses")
    }

    #[test]
    fn a_path_leads_nowhere_but_into_the_project() {
        let root = tempfile::tempdir().expect("a folder");
        let dir = root.path().join("project");
        for folder in ["project/recordings", "project/.edgewright/server", "other", "shared"] {
            std::fs::create_dir_all(root.path().join(folder)).expect("made");
        }
        #[cfg(unix)]
        for (link, to) in [("out", "../other"), ("nowhere", "../not-yet"), ("in", "recordings")] {
            std::os::unix::fs::symlink(to, dir.join(link)).expect("linked");
        }
        let data = |path: &str| file(&format!("[[data]]\npath = {path:?}\n"));
        let passes = |path: &str| check(&dir, None, &data(path), &[root.path().join("shared")]).is_ok();
        let inside = dir.join("recordings").display().to_string();
        let shared = root.path().join("shared/new").display().to_string();
        for path in
            ["recordings", "./recordings/new", "recordings/../recordings", "not/yet", &inside, &shared]
        {
            assert!(passes(path), "{path}");
        }
        let other = root.path().join("other").display().to_string();
        for path in [
            "..",
            "../other",
            "recordings/../../other",
            "not/../../other",
            "/etc/passwd",
            "/",
            &other,
            "../shared-not",
            ".edgewright",
            ".edgewright/server",
            "../project/.edgewright/server/server.sqlite",
        ] {
            assert!(!passes(path), "{path}");
        }
        #[cfg(unix)]
        {
            assert!(passes("in"));
            for path in ["out", "out/new", "nowhere", "nowhere/x"] {
                assert!(!passes(path), "{path}");
            }
        }
        // Models too, and what is there already may stay where it is, in its place.
        let model = file("[[impulse.learn]]\nkind = 'classifier'\nfile = '../other/m.tflite'\n");
        assert!(check(&dir, None, &model, &[]).is_err());
        assert!(check(&dir, Some(&model), &model, &[]).is_ok());
        assert!(check(&dir, Some(&model), &data("../other/m.tflite"), &[]).is_err());
        let backbone = file("[[impulse.learn]]\nkind = 'classifier'\nbackbone = { model = '../other' }\n");
        let teacher = file("[training.teacher]\nmodel = '../other/m.onnx'\n");
        for from in [backbone, teacher] {
            let refused = check(&dir, None, &from, &[]).expect_err("leads out").to_string();
            assert!(refused.contains(".model = \"../other"), "{refused}");
            assert!(check(&dir, Some(&from), &from, &[]).is_ok());
            assert!(check(&dir, None, &from, &[root.path().join("other")]).is_ok());
        }
        // A program starts only as it was written on the machine.
        let starts = |with: &str| {
            file(&format!("[[impulse.learn]]\nkind = 'classifier'\ncommand = ['sh', 'a']\n{with}"))
        };
        assert!(check(&dir, None, &starts(""), &[]).is_err());
        assert!(check(&dir, Some(&starts("")), &starts(""), &[]).is_ok());
        assert!(check(&dir, Some(&starts("")), &starts("parameters = { c = 'x' }"), &[]).is_err());
        // So is it with who is asked for features.
        let asks = |with: &str| file(&format!("[[impulse.dsp]]\nblock = 'external'\n{with}"));
        for with in ["url = 'http://127.0.0.1:80'", "command = ['sh']"] {
            assert!(check(&dir, None, &asks(with), &[]).is_err(), "{with}");
            assert!(
                check(&dir, Some(&asks(with)), &asks(&format!("{with}\nparameters = {{ n = 3 }}")), &[])
                    .is_ok()
            );
            assert!(check(&dir, Some(&asks(with)), &asks(&format!("{with}\nremote = true")), &[]).is_err());
        }
    }
}
