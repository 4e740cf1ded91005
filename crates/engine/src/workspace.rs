//! A workspace: a folder of projects, or one project's own folder, with what a server remembers of it.

pub(crate) use crate::session::now;
use crate::{
    EngineError,
    error::AtPath,
    project::{FILE_NAME, Project, STATE_DIR},
    template,
};
use edgewright_store::{Hash, Ledger};
use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
};

/// An open workspace.
pub struct Workspace {
    dir: PathBuf,
    pub(crate) ledger: Ledger,
    /// Ledgers of the projects in the workspace that have one: keys that were made inside a project lie there.
    pub(crate) inner: Mutex<BTreeMap<PathBuf, Arc<Ledger>>>,
}

/// A project of a workspace.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProjectEntry {
    /// Name of its folder; the id in the workspace.
    pub id: String,
    /// Its folder.
    pub dir: PathBuf,
}

/// So many random bytes of the system, as hexadecimal digits.
pub(crate) fn random_hex<const N: usize>() -> Result<String, EngineError> {
    let mut bytes = [0u8; N];
    getrandom::fill(&mut bytes)
        .map_err(|e| EngineError::Internal(format!("the system gives no randomness: {e}")))?;
    Ok(bytes.iter().map(|b| format!("{b:02x}")).collect())
}

/// What is kept of a secret.
pub(crate) fn digest(secret: &str) -> String {
    Hash::of(secret.as_bytes()).to_string()
}

fn ledger_dir(dir: &Path) -> PathBuf {
    dir.join(STATE_DIR).join("server")
}

impl Workspace {
    /// Opens the workspace in `dir`, which must be a folder.
    ///
    /// # Errors
    /// [`EngineError::Usage`] when it is no folder; those of the store.
    pub fn open(dir: &Path) -> Result<Self, EngineError> {
        if !dir.is_dir() {
            return Err(EngineError::Usage(format!(
                "{} is no folder\nhint: name a folder of projects, or a project",
                dir.display()
            )));
        }
        let dir = std::path::absolute(dir).at(dir)?;
        let ledger = Ledger::open(&ledger_dir(&dir))?;
        Ok(Self { dir, ledger, inner: Mutex::default() })
    }

    /// The folder.
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// Folder for files of the server itself.
    pub fn server_dir(&self) -> &Path {
        self.ledger.dir()
    }

    /// A name that nobody guesses: 32 hexadecimal digits.
    ///
    /// # Errors
    /// [`EngineError::Internal`] when the system gives no randomness.
    pub fn random_id(&self) -> Result<String, EngineError> {
        random_hex::<16>()
    }

    /// All projects in order of id: the folder itself when it is one, else the folders in it that are.
    ///
    /// # Errors
    /// [`EngineError::Io`].
    pub fn projects(&self) -> Result<Vec<ProjectEntry>, EngineError> {
        let entry = |dir: PathBuf| {
            let id = dir.file_name()?.to_str()?.to_owned();
            Some(ProjectEntry { id, dir })
        };
        if self.dir.join(FILE_NAME).is_file() {
            return Ok(entry(self.dir.clone()).into_iter().collect());
        }
        let mut found = Vec::new();
        for there in std::fs::read_dir(&self.dir).at(&self.dir)? {
            let path = there.at(&self.dir)?.path();
            if path.join(FILE_NAME).is_file() {
                found.extend(entry(path));
            }
        }
        found.sort_by(|a, b| a.id.cmp(&b.id));
        Ok(found)
    }

    /// Folder of a project. The id is only ever compared, never used as a path.
    ///
    /// # Errors
    /// [`EngineError::NotFound`].
    pub fn project_dir(&self, id: &str) -> Result<PathBuf, EngineError> {
        self.projects()?
            .into_iter()
            .find(|p| p.id == id)
            .map(|p| p.dir)
            .ok_or_else(|| EngineError::NotFound(format!("there is no project `{id}` in this workspace")))
    }

    /// Makes a project from a template.
    ///
    /// # Errors
    /// [`EngineError::Usage`] for an id that cannot be a folder, one that is taken, an unknown template, or a workspace that is one
    /// project.
    pub fn create_project(&self, id: &str, template: &str) -> Result<ProjectEntry, EngineError> {
        let plain = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
        if id.is_empty() || id.len() > 64 || !id.chars().all(plain) {
            return Err(EngineError::Usage(format!(
                "`{}` cannot be the id of a project; use 1 to 64 letters, digits, `-` and `_`",
                id.chars().filter(|c| !c.is_control()).take(64).collect::<String>()
            )));
        }
        if self.dir.join(FILE_NAME).is_file() {
            return Err(EngineError::Usage(
                "this server serves one project; start it on a folder of projects to make others".into(),
            ));
        }
        let dir = self.dir.join(id);
        if dir.exists() {
            return Err(EngineError::Usage(format!("there is a folder `{id}` already; choose another id")));
        }
        template::create(&dir, template)?;
        Ok(ProjectEntry { id: id.into(), dir })
    }

    /// The ledger of a project inside the workspace, when it has one of its own.
    pub(crate) fn ledger_of(&self, project: &ProjectEntry) -> Result<Option<Arc<Ledger>>, EngineError> {
        let dir = ledger_dir(&project.dir);
        if project.dir == self.dir || !dir.join("server.sqlite").is_file() {
            return Ok(None);
        }
        let mut open = self.inner.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(there) = open.get(&dir) {
            return Ok(Some(there.clone()));
        }
        let ledger = Arc::new(Ledger::open(&dir)?);
        open.insert(dir, ledger.clone());
        Ok(Some(ledger))
    }
}

/// The text of a project file, and the hash by which a writer says what it has read.
///
/// # Errors
/// [`EngineError::NoProject`], [`EngineError::Io`].
pub fn read_project_file(dir: &Path) -> Result<(String, String), EngineError> {
    let path = dir.join(FILE_NAME);
    match std::fs::read_to_string(&path) {
        Ok(text) => {
            let version = digest(&text);
            Ok((text, version))
        }
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => {
            Err(EngineError::NoProject { dir: dir.to_path_buf() })
        }
        Err(source) => Err(EngineError::Io { path, source }),
    }
}

/// What a text would say as the project file of a folder.
///
/// # Errors
/// Those of [`write_project_file`].
pub fn check_project_file(
    dir: &Path,
    text: &str,
    roots: &[PathBuf],
) -> Result<crate::project::ProjectFile, EngineError> {
    allowed(dir, &read_project_file(dir)?.0, text, roots)
}

fn allowed(
    dir: &Path,
    before: &str,
    text: &str,
    roots: &[PathBuf],
) -> Result<crate::project::ProjectFile, EngineError> {
    let after = Project::parse(dir, text)?.file;
    let before = Project::parse(dir, before).ok();
    crate::confine::check(dir, before.as_ref().map(|p| &p.file), &after, roots)?;
    Ok(after)
}

/// Replaces the text of a project file, whole or not at all, when it is one that a project can have. `expected` is the version that the
/// writer has read; `None` writes whatever is there. New paths in it must lie in the project or in one of `roots`. Returns the new version.
///
/// # Errors
/// [`EngineError::ProjectFile`] for a text that cannot be used or names what it must not, [`EngineError::Changed`] when somebody else wrote
/// it meanwhile.
pub fn write_project_file(
    dir: &Path,
    text: &str,
    expected: Option<&str>,
    roots: &[PathBuf],
) -> Result<String, EngineError> {
    let (before, there) = read_project_file(dir)?;
    if expected.is_some_and(|e| e != there) {
        return Err(EngineError::Changed(format!(
            "{FILE_NAME} was changed meanwhile; read it again, then make your change"
        )));
    }
    allowed(dir, &before, text, roots)?;
    crate::stages::build::write_whole(&dir.join(FILE_NAME), text.as_bytes())?;
    Ok(digest(text))
}
