//! Versions of a project: every state of its file that was trained, with what came of it. Going back to one is writing its text again; what
//! was built with it is still in the cache.

use crate::{
    EngineError,
    error::AtPath,
    pareto::{self, ESTIMATE},
    project::{FILE_NAME, Project},
    run::{Results, RunReport},
    session::Session,
    workspace::{digest, now, read_project_file, write_project_file},
};
use edgewright_store::VersionRow;
use serde::Serialize;
use serde_json::Value;
use std::{
    collections::{BTreeMap, BTreeSet},
    path::{Path, PathBuf},
};

/// Digits of an id.
const DIGITS: usize = 16;
/// Longer texts are told as replaced whole: finding what they share takes time by the square.
const LINES_MAX: usize = 3000;

/// Key of the programs beside the outcome.
const PROGRAMS: &str = "programs";

/// Programs that custom blocks took out of files, by the names of the files.
fn programs(project: &Project) -> BTreeMap<String, String> {
    let of = |s: &crate::project::DspSection| {
        let program = s.params.get("program").and_then(toml::Value::as_str);
        Some((s.file.clone()?, program?.to_owned()))
    };
    project.file.impulse.dsp.iter().filter_map(of).collect()
}

/// A version.
#[derive(Clone, Debug, Serialize)]
pub struct Version {
    /// Names it: of text, data and code.
    pub id: String,
    /// When it was first trained, in milliseconds since 1970.
    pub created: i64,
    /// When it was last run.
    pub last_run: i64,
    /// Whether the project file reads so now.
    pub current: bool,
    /// What the run came to: `seed`, `data`, `training`, `test` and `verify` of what `run --json` prints, and `estimate`: what the trained impulse
    /// costs on the targets of the project.
    pub outcome: Value,
    /// The text of the project file.
    #[serde(skip)]
    pub text: String,
    /// Programs of custom blocks that it names, by the names of their files.
    #[serde(skip)]
    pub programs: BTreeMap<String, String>,
}

/// What a line of a difference is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum DiffKind {
    /// In both.
    Same,
    /// In the first alone.
    Removed,
    /// In the second alone.
    Added,
}

/// A line of a difference.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct DiffLine {
    /// What it is.
    pub kind: DiffKind,
    /// The line.
    pub text: String,
}

/// Notes what a run has trained; nothing when it did not come so far.
///
/// # Errors
/// Those of the store.
pub(crate) fn record(
    session: &Session<'_>,
    results: &Results,
    report: &RunReport,
) -> Result<(), EngineError> {
    let Some(trained) = &results.trained else { return Ok(()) };
    let text = &session.project.text;
    let id = digest(&format!("{}\n{}", trained.record.key, digest(text)))[..DIGITS].to_owned();
    // What was trained is in the id, so that what it costs is worked out once.
    let known = session.store.list_versions()?.into_iter().find(|row| row.id == id);
    let known = known.and_then(|row| serde_json::from_str::<Value>(&row.outcome_json).ok());
    let estimate = match known.and_then(|mut o| o.get_mut(ESTIMATE).map(Value::take)) {
        Some(there) => there,
        None => serde_json::json!(pareto::estimated(session, &trained.value.impulse_int8(session)?)?),
    };
    let outcome = serde_json::json!({
        "seed": report.seed, "data": report.data, "training": report.training, "test": report.test, "verify": report.verify,
        PROGRAMS: programs(&session.project), ESTIMATE: estimate,
    });
    let now = now();
    Ok(session.store.put_version(&VersionRow {
        id,
        created: now,
        last_run: now,
        stages: report.stages.len() as i64,
        file: text.clone(),
        outcome_json: outcome.to_string(),
    })?)
}

/// All versions, the last run first.
///
/// # Errors
/// Those of the store.
pub fn list(session: &Session<'_>) -> Result<Vec<Version>, EngineError> {
    let now = (session.project.text.clone(), programs(&session.project));
    session.store.list_versions()?.into_iter().map(|row| version(row, &now)).collect()
}

fn version(row: VersionRow, now: &(String, BTreeMap<String, String>)) -> Result<Version, EngineError> {
    let mut outcome: Value =
        serde_json::from_str(&row.outcome_json).map_err(|e| EngineError::Internal(e.to_string()))?;
    // Those that an earlier program noted have none.
    let kept = outcome.as_object_mut().and_then(|o| o.remove(PROGRAMS));
    let programs = kept.and_then(|p| serde_json::from_value(p).ok()).unwrap_or_default();
    Ok(Version {
        current: row.file == now.0 && programs == now.1,
        id: row.id,
        created: row.created,
        last_run: row.last_run,
        outcome,
        text: row.file,
        programs,
    })
}

/// The version of that id, or of its first characters.
///
/// # Errors
/// [`EngineError::NotFound`] for none or several; those of the store.
pub fn find(session: &Session<'_>, id: &str) -> Result<Version, EngineError> {
    let mut found = list(session)?.into_iter().filter(|v| !id.is_empty() && v.id.starts_with(id));
    match (found.next(), found.next()) {
        (Some(one), None) => Ok(one),
        (Some(_), Some(_)) => {
            Err(EngineError::NotFound(format!("several versions begin with `{id}`; give more of it")))
        }
        (None, _) => Err(EngineError::NotFound(format!(
            "there is no version `{id}`\nhint: `edgewright version list` lists them"
        ))),
    }
}

/// What changed in the project file and in the programs of custom blocks from one version to another, or to the files as they are now.
///
/// # Errors
/// Those of [`find`].
pub fn diff(session: &Session<'_>, from: &str, to: Option<&str>) -> Result<Vec<DiffLine>, EngineError> {
    let of = |v: Version| (v.text, v.programs);
    let before = of(find(session, from)?);
    let after = match to {
        Some(id) => of(find(session, id)?),
        None => (session.project.text.clone(), programs(&session.project)),
    };
    let mut out = lines(&before.0, &after.0);
    let files: BTreeSet<&String> = before.1.keys().chain(after.1.keys()).collect();
    for name in files {
        let text = |of: &BTreeMap<String, String>| of.get(name).cloned().unwrap_or_default();
        let (was, is) = (text(&before.1), text(&after.1));
        if was != is {
            out.push(DiffLine { kind: DiffKind::Same, text: format!("# {name}") });
            out.extend(lines(&was, &is));
        }
    }
    Ok(out)
}

/// Writes the files of a version again: the project file as [`restore`] does, and the programs of custom blocks that it names. `session` is of
/// the project as it is; what was never trained of it is lost, which must be said with `discard`.
///
/// # Errors
/// [`EngineError::Changed`] for files that no version holds, unless `discard`; those of [`restore`]; then nothing was changed.
pub fn restore_version(
    session: &Session<'_>,
    version: &Version,
    discard: bool,
    expected: Option<&str>,
    roots: Option<&[PathBuf]>,
) -> Result<String, EngineError> {
    let dir = session.project.dir.as_path();
    let all = list(session)?;
    // Also one that the project file as it is does not name.
    let lost = |(name, text): (&String, &String)| {
        let known =
            |bytes: &[u8]| all.iter().filter_map(|v| v.programs.get(name)).any(|p| p.as_bytes() == bytes);
        std::fs::read(dir.join(name)).is_ok_and(|there| there != text.as_bytes() && !known(&there))
    };
    if !discard && (!all.iter().any(|v| v.current) || version.programs.iter().any(lost)) {
        return Err(EngineError::Changed(format!(
            "{FILE_NAME} and the programs that it names are as no version has them and would be lost; train them first, or discard them"
        )));
    }
    // Somebody may have written since the session read.
    let there = digest(&session.project.text);
    if expected.is_some_and(|e| e != there) {
        return Err(changed());
    }
    let mut before = Vec::new();
    let mut write = || {
        for (name, text) in &version.programs {
            let path = dir.join(name);
            let there = std::fs::read(&path).ok();
            if there.as_deref() == Some(text.as_bytes()) {
                continue;
            }
            if !crate::confine::inside(dir, name, &[]) {
                return Err(EngineError::Data(format!(
                    "`file = {name:?}` of the version is no file of the project's folder"
                )));
            }
            crate::stages::build::write_whole(&path, text.as_bytes())?;
            before.push((path, there));
        }
        restore(dir, &version.text, &there, roots)
    };
    let written = write();
    if written.is_err() {
        for (path, there) in before {
            match there {
                Some(bytes) => crate::stages::build::write_whole(&path, &bytes)?,
                None => std::fs::remove_file(&path).at(&path)?,
            }
        }
    }
    written
}

fn changed() -> EngineError {
    EngineError::Changed(format!("{FILE_NAME} was changed meanwhile; read it again, then go back"))
}

/// Writes the file of a version again over the one whose hash is `expected`. `roots`: as in [`write_project_file`] for who comes over the network;
/// whoever is at the machine may name any file. Returns the hash by which a writer says what it has read.
///
/// # Errors
/// [`EngineError::Changed`] when somebody else has written meanwhile; those of [`write_project_file`].
pub fn restore(
    dir: &Path,
    text: &str,
    expected: &str,
    roots: Option<&[PathBuf]>,
) -> Result<String, EngineError> {
    match roots {
        Some(roots) => write_project_file(dir, text, Some(expected), roots),
        None => {
            if read_project_file(dir)?.1 != expected {
                return Err(changed());
            }
            Project::parse(dir, text)?;
            crate::stages::build::write_whole(&dir.join(FILE_NAME), text.as_bytes())?;
            Ok(digest(text))
        }
    }
}

/// What to take out of one text and put in to come to another, line by line, as little as can be.
pub fn lines(before: &str, after: &str) -> Vec<DiffLine> {
    let (a, b): (Vec<&str>, Vec<&str>) = (before.lines().collect(), after.lines().collect());
    let line = |kind, text: &str| DiffLine { kind, text: text.to_owned() };
    if a.len().max(b.len()) > LINES_MAX {
        let gone = a.iter().map(|t| line(DiffKind::Removed, t));
        return gone.chain(b.iter().map(|t| line(DiffKind::Added, t))).collect();
    }
    // Length of the longest common part of what follows line i and line j.
    let width = b.len() + 1;
    let mut longest = vec![0u16; (a.len() + 1) * width];
    for i in (0..a.len()).rev() {
        for j in (0..b.len()).rev() {
            longest[i * width + j] = if a[i] == b[j] {
                longest[(i + 1) * width + j + 1] + 1
            } else {
                longest[(i + 1) * width + j].max(longest[i * width + j + 1])
            };
        }
    }
    let (mut i, mut j) = (0, 0);
    let mut out = Vec::with_capacity(a.len().max(b.len()));
    while i < a.len() || j < b.len() {
        if i < a.len() && j < b.len() && a[i] == b[j] {
            out.push(line(DiffKind::Same, a[i]));
            (i, j) = (i + 1, j + 1);
        } else if i < a.len() && (j == b.len() || longest[(i + 1) * width + j] >= longest[i * width + j + 1])
        {
            out.push(line(DiffKind::Removed, a[i]));
            i += 1;
        } else {
            out.push(line(DiffKind::Added, b[j]));
            j += 1;
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(before: &str, after: &str) -> String {
        let sign = |l: DiffLine| match l.kind {
            DiffKind::Same => format!(" {}", l.text),
            DiffKind::Removed => format!("-{}", l.text),
            DiffKind::Added => format!("+{}", l.text),
        };
        lines(before, after).into_iter().map(sign).collect::<Vec<_>>().join("|")
    }

    #[test]
    fn a_difference_keeps_what_is_shared() {
        assert_eq!(told("a\nb\nc", "a\nx\nc"), " a|-b|+x| c");
        assert_eq!(told("", "a"), "+a");
        assert_eq!(told("a\nb", ""), "-a|-b");
        assert_eq!(told("a\nb\nc\nd", "b\nd\ne"), "-a| b|-c| d|+e");
        assert_eq!(told("same\ntext\n", "same\ntext\n"), " same| text");
    }

    #[test]
    fn long_texts_are_replaced_whole() {
        let long: String = (0..=LINES_MAX).map(|i| format!("{i}\n")).collect();
        let all = lines(&long, "0");
        assert_eq!(all.len(), LINES_MAX + 2);
        assert!(all.iter().all(|l| l.kind != DiffKind::Same));
    }
}
