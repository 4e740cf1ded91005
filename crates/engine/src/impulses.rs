//! Several impulses of a project: each is the text of the sections `[impulse]` and `[training]` in `impulses/NAME.toml`. The one in use stands in
//! `edgewright.toml`.

use crate::{
    EngineError,
    error::AtPath,
    project::{FILE_NAME, Project},
    versions::{self, DiffLine},
    workspace::read_project_file,
};
use serde::Serialize;
use std::path::{Path, PathBuf};

/// Folder of the impulses, in that of the project.
const FOLDER: &str = "impulses";
/// Impulses of a project.
const MOST: usize = 100;

/// An impulse that was kept.
#[derive(Clone, Debug, Serialize)]
pub struct KeptImpulse {
    /// Name of its file.
    pub name: String,
    /// Whether it is the one in use, word for word.
    pub current: bool,
    /// Why it cannot be used, when it cannot.
    pub problem: Option<String>,
    /// What the project file would be with it.
    #[serde(skip)]
    pub text: String,
}

fn path(dir: &Path, name: &str) -> Result<PathBuf, EngineError> {
    let plain = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
    if name.is_empty() || name.len() > 64 || !name.chars().all(plain) {
        return Err(EngineError::Usage(format!(
            "`{}` cannot be the name of an impulse; use 1 to 64 letters, digits, `-` and `_`",
            name.chars().filter(|c| !c.is_control()).take(64).collect::<String>()
        )));
    }
    Ok(dir.join(FOLDER).join(format!("{name}.toml")))
}

fn read(dir: &Path, name: &str) -> Result<String, EngineError> {
    let path = path(dir, name)?;
    match std::fs::read_to_string(&path) {
        Ok(text) => Ok(text),
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => Err(EngineError::NotFound(format!(
            "there is no impulse `{name}`\nhint: `edgewright impulse list` lists them"
        ))),
        Err(source) => Err(EngineError::Io { path, source }),
    }
}

/// A project file in two: what is an impulse, and what stands before and after it.
struct Parts {
    before: String,
    impulse: String,
    after: String,
}

/// Takes the impulse out of a text. Comments directly above a section belong to it.
fn parts(text: &str) -> Parts {
    let mut parts = Parts { before: String::new(), impulse: String::new(), after: String::new() };
    // Comments and blank lines of which it is not known yet to what they belong.
    let mut waiting = String::new();
    let mut inside = false;
    let mut nesting = Nesting::default();
    for line in text.split_inclusive('\n') {
        let bare = line.trim();
        let header = nesting.outside() && bare.starts_with('[');
        if nesting.outside() && bare.starts_with('#') {
            waiting.push_str(line);
            continue;
        }
        let comments = std::mem::take(&mut waiting);
        let mut put = |inside: bool, text: &str| {
            let place = match (inside, parts.impulse.is_empty()) {
                (true, _) => &mut parts.impulse,
                (false, true) => &mut parts.before,
                (false, false) => &mut parts.after,
            };
            place.push_str(text);
        };
        if header {
            let name = bare.trim_start_matches('[').trim_start();
            let first = name.split(['.', ']', ' ']).next().unwrap_or_default();
            inside = first == "impulse" || first == "training";
        }
        // Comments above a header go with it, all others stay where they are.
        put(inside, &comments);
        put(inside, line);
        nesting.line(line);
    }
    if inside {
        parts.impulse.push_str(&waiting)
    } else {
        parts.after.push_str(&waiting)
    }
    parts
}

/// Whether a line begins inside a list or a text of several lines.
#[derive(Default)]
struct Nesting {
    depth: usize,
    /// The three quotes that end a text of several lines.
    quotes: Option<&'static str>,
}

impl Nesting {
    fn outside(&self) -> bool {
        self.depth == 0 && self.quotes.is_none()
    }

    fn line(&mut self, line: &str) {
        // A header has brackets of its own.
        if self.outside() && line.trim_start().starts_with('[') {
            return;
        }
        let mut rest = line;
        while !rest.is_empty() {
            if let Some(quotes) = self.quotes {
                match rest.find(quotes) {
                    Some(at) => {
                        rest = &rest[at + 3..];
                        self.quotes = None;
                    }
                    None => return,
                }
                continue;
            }
            let c = rest.chars().next().unwrap_or_default();
            let triple = ["\"\"\"", "'''"].into_iter().find(|t| rest.starts_with(t));
            if triple.is_some() {
                self.quotes = triple;
                rest = &rest[3..];
                continue;
            }
            match c {
                '#' => return,
                '"' | '\'' => {
                    let mut end = rest.len();
                    let mut escaped = false;
                    for (at, d) in rest.char_indices().skip(1) {
                        if escaped {
                            escaped = false;
                        } else if c == '"' && d == '\\' {
                            escaped = true;
                        } else if d == c {
                            end = at + 1;
                            break;
                        }
                    }
                    rest = &rest[end..];
                    continue;
                }
                '[' | '{' => self.depth += 1,
                ']' | '}' => self.depth = self.depth.saturating_sub(1),
                _ => {}
            }
            rest = &rest[c.len_utf8()..];
        }
    }
}

/// The project file with another impulse in it.
fn with(text: &str, impulse: &str) -> String {
    let parts = parts(text);
    let mut out = parts.before;
    for piece in [impulse, &parts.after] {
        if !out.is_empty() && !out.ends_with('\n') {
            out.push('\n');
        }
        out.push_str(piece);
    }
    out
}

/// The impulse in use. It must be what the text says without its other sections.
fn current(dir: &Path, text: &str) -> Result<String, EngineError> {
    let whole = Project::parse(dir, text)?.file;
    let impulse = parts(text).impulse;
    let again = Project::parse(dir, &with(text, &impulse)).map(|p| p.file);
    let alone = Project::parse(dir, &impulse).map(|p| p.file);
    let same = again.is_ok_and(|a| a == whole)
        && alone.is_ok_and(|a| a.impulse == whole.impulse && a.training == whole.training);
    if !same || impulse.trim().is_empty() {
        return Err(EngineError::Usage(format!(
            "the impulse cannot be taken out of {FILE_NAME}; write it as sections `[impulse]`, `[[impulse.dsp]]`, `[[impulse.learn]]` and `[training]`"
        )));
    }
    Ok(impulse)
}

/// The impulses that were kept, in order of name.
///
/// # Errors
/// [`EngineError::NoProject`], [`EngineError::Io`].
pub fn list(dir: &Path) -> Result<Vec<KeptImpulse>, EngineError> {
    let (text, _) = read_project_file(dir)?;
    let now = parts(&text).impulse;
    let folder = dir.join(FOLDER);
    let mut names = Vec::new();
    match std::fs::read_dir(&folder) {
        Ok(entries) => {
            for entry in entries {
                let name = entry.at(&folder)?.file_name().to_string_lossy().into_owned();
                names.extend(name.strip_suffix(".toml").filter(|n| path(dir, n).is_ok()).map(str::to_owned));
            }
        }
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => {}
        Err(source) => return Err(EngineError::Io { path: folder, source }),
    }
    names.sort();
    let one = |name: String| {
        let impulse = read(dir, &name)?;
        let whole = with(&text, &impulse);
        let problem = Project::parse(dir, &whole).err().map(|e| e.to_string());
        Ok(KeptImpulse { name, current: impulse.trim() == now.trim(), problem, text: whole })
    };
    names.into_iter().map(one).collect()
}

/// Keeps the impulse in use under a name; what was kept under it is replaced.
///
/// # Errors
/// [`EngineError::Usage`] for a name that is none, too many impulses, or a file out of which it cannot be taken.
pub fn save(dir: &Path, name: &str) -> Result<(), EngineError> {
    let (text, _) = read_project_file(dir)?;
    keep(dir, name, &current(dir, &text)?)
}

/// Keeps the text of an impulse under a name; what was kept under it is replaced.
///
/// # Errors
/// [`EngineError::Usage`] for a name that is none, and too many impulses.
pub(crate) fn keep(dir: &Path, name: &str, impulse: &str) -> Result<(), EngineError> {
    let path = path(dir, name)?;
    if !path.exists() && list(dir)?.len() >= MOST {
        return Err(EngineError::Usage(format!("a project keeps at most {MOST} impulses")));
    }
    let folder = dir.join(FOLDER);
    std::fs::create_dir_all(&folder).at(&folder)?;
    crate::stages::build::write_whole(&path, impulse.as_bytes())
}

/// Puts an impulse that was kept into the project file. The one in use must be kept under some name, unless `discard`. `roots`: as in
/// [`versions::restore`]. Returns the text of the file and the hash by which a writer says what it has read.
///
/// # Errors
/// [`EngineError::NotFound`]; [`EngineError::Changed`] when the one in use would be lost; those of [`versions::restore`].
pub fn switch(
    dir: &Path,
    name: &str,
    discard: bool,
    roots: Option<&[PathBuf]>,
) -> Result<(String, String), EngineError> {
    let impulse = read(dir, name)?;
    let (text, there) = read_project_file(dir)?;
    if !discard && !list(dir)?.iter().any(|i| i.current) {
        return Err(EngineError::Changed(
            "the impulse in use is kept under no name and would be lost; keep it first, or discard it".into(),
        ));
    }
    let whole = with(&text, &impulse);
    let version = versions::restore(dir, &whole, &there, roots)?;
    Ok((whole, version))
}

/// What changes from one impulse to another, or to the one in use.
///
/// # Errors
/// [`EngineError::NotFound`]; those of reading.
pub fn diff(dir: &Path, from: &str, to: Option<&str>) -> Result<Vec<DiffLine>, EngineError> {
    let before = read(dir, from)?;
    let after = match to {
        Some(name) => read(dir, name)?,
        None => parts(&read_project_file(dir)?.0).impulse,
    };
    Ok(versions::lines(before.trim_end(), after.trim_end()))
}

/// Removes an impulse that was kept; the project file stays as it is.
///
/// # Errors
/// [`EngineError::NotFound`], [`EngineError::Io`].
pub fn remove(dir: &Path, name: &str) -> Result<(), EngineError> {
    read(dir, name)?;
    let path = path(dir, name)?;
    std::fs::remove_file(&path).at(&path)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{template, versions::DiffKind};

    const TEXT: &str = "# top\n[project]\nname = 'x' # [impulse]\n\n# of the impulse\n[impulse]\nwindow_ms = 1000\n\n[[impulse.dsp]]\nblock = \"raw\"\n\n[[impulse.learn]]\nkind = \"classifier\"\nlayers = [\n  { type = \"dense\", units = 4 },\n  # [deploy]\n]\n\n[training]\nepochs = 3\n\n# of the board\n[deploy]\ntargets = [\"host\"]\n";

    #[test]
    fn an_impulse_is_taken_out_with_its_comments() {
        let p = parts(TEXT);
        assert_eq!(p.before, "# top\n[project]\nname = 'x' # [impulse]\n\n");
        assert!(p.impulse.starts_with("# of the impulse\n[impulse]\n"), "{}", p.impulse);
        assert!(p.impulse.ends_with("[training]\nepochs = 3\n\n"), "{}", p.impulse);
        assert_eq!(p.after, "# of the board\n[deploy]\ntargets = [\"host\"]\n");
        assert_eq!(with(TEXT, &p.impulse), TEXT);
        // Brackets in texts of several lines are no sections.
        let odd = "[project]\ndescription = \"\"\"\n[impulse]\n\"\"\"\n[training]\nepochs = 1\n";
        assert_eq!(parts(odd).impulse, "[training]\nepochs = 1\n");
    }

    #[test]
    fn every_template_gives_its_impulse_and_takes_it_back() {
        let dir = tempfile::tempdir().expect("a folder");
        for template in template::TEMPLATES {
            let project = dir.path().join(template);
            template::create(&project, template).expect("made");
            let before = read_project_file(&project).expect("read").0;
            save(&project, "first").expect("kept");
            assert!(list(&project).expect("listed")[0].current, "{template}");
            let there = switch(&project, "first", false, None).expect("switched").0;
            let parse = |text: &str| Project::parse(&project, text).expect("sound").file;
            assert!(parse(&there) == parse(&before), "{template}");
        }
    }

    #[test]
    fn impulses_are_kept_switched_compared_and_removed() {
        let dir = tempfile::tempdir().expect("a folder");
        let dir = dir.path();
        std::fs::write(dir.join(FILE_NAME), TEXT).expect("written");
        save(dir, "small").expect("kept");
        std::fs::write(dir.join(FILE_NAME), TEXT.replace("epochs = 3", "epochs = 9")).expect("written");
        // What is kept nowhere is not lost by chance.
        assert!(matches!(switch(dir, "small", false, None), Err(EngineError::Changed(_))));
        save(dir, "large").expect("kept");
        let told = diff(dir, "small", Some("large")).expect("told");
        let changed: Vec<&str> =
            told.iter().filter(|l| l.kind != DiffKind::Same).map(|l| l.text.as_str()).collect();
        assert_eq!(changed, ["epochs = 3", "epochs = 9"]);
        assert!(diff(dir, "large", None).expect("told").iter().all(|l| l.kind == DiffKind::Same));
        assert_eq!(switch(dir, "small", false, Some(&[])).expect("switched").0, TEXT);
        assert_eq!(read_project_file(dir).expect("read").0, TEXT);
        let all = list(dir).expect("listed");
        let seen: Vec<_> = all.iter().map(|i| (i.name.as_str(), i.current, i.problem.is_none())).collect();
        assert_eq!(seen, [("large", false, true), ("small", true, true)]);
        remove(dir, "small").expect("removed");
        assert!(matches!(remove(dir, "small"), Err(EngineError::NotFound(_))));
        for name in ["", "../x", "a/b", "a.toml"] {
            assert!(save(dir, name).expect_err("refused").is_usage(), "{name:?}");
        }
        std::fs::write(dir.join(FILE_NAME), "impulse = { window_ms = 5.0 }\n").expect("written");
        assert!(save(dir, "inline").expect_err("refused").to_string().contains("as sections"));
    }
}
