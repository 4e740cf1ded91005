//! Why a use case failed, sorted by whose move it is.

use std::path::PathBuf;

/// Why a use case failed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum EngineError {
    /// The folder holds no project file.
    #[error("no edgewright.toml in {}\nhint: `edgewright new DIR` makes a project", dir.display())]
    NoProject {
        /// The folder.
        dir: PathBuf,
    },
    /// The project file cannot be used as it is; the user edits it.
    #[error("{}: {message}", path.display())]
    ProjectFile {
        /// The file.
        path: PathBuf,
        /// Line, key and hint.
        message: String,
    },
    /// The command line asks for something that does not exist.
    #[error("{0}")]
    Usage(String),
    /// The data do not allow the stage to go on.
    #[error("{0}")]
    Data(String),
    /// What is asked for does not exist.
    #[error("{0}")]
    NotFound(String),
    /// Somebody else changed it meanwhile.
    #[error("{0}")]
    Changed(String),
    /// What is asked for needs a stage that is not up to date.
    #[error("stage `{stage}` is not up to date\nhint: `edgewright run` brings it up to date")]
    NotBuilt {
        /// The stage.
        stage: &'static str,
    },
    /// A figure missed a floor of the project.
    #[error("{0}")]
    Gate(String),
    /// A file could not be read or written.
    #[error("{}: {source}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// No room: the disk, a quota or a limit on file sizes.
    #[error("{}: {source}; free some space or raise the limit and run again, nothing is lost", path.display())]
    NoRoom {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// The user stopped the work; what was finished is kept.
    #[error("stopped; what was finished is kept and the next run goes on from there")]
    Cancelled,
    /// The database or the objects.
    #[error(transparent)]
    Store(#[from] edgewright_store::StoreError),
    /// The impulse.
    #[error(transparent)]
    Impulse(#[from] edgewright_impulse::ImpulseError),
    /// Training.
    #[error("training: {0}")]
    Train(#[from] edgewright_train::TrainError),
    /// Code generation.
    #[error(transparent)]
    Compile(#[from] edgewright_compile::CompileError),
    /// A compiler is missing or refused what it was given.
    #[error("{0}")]
    Tool(String),
    /// Anything of ours that should not happen; please report it.
    #[error("internal: {0}")]
    Internal(String),
}

impl EngineError {
    /// Stable word for programs.
    pub fn code(&self) -> &'static str {
        use edgewright_store::StoreError;
        match self {
            Self::NoProject { .. } | Self::NotFound(_) => "not_found",
            Self::ProjectFile { .. } => "project_file",
            Self::Usage(_) => "bad_request",
            Self::Data(_) | Self::Impulse(_) | Self::Train(_) | Self::Compile(_) => "data",
            Self::NotBuilt { .. } => "stage_not_built",
            Self::Changed(_) => "changed",
            Self::Gate(_) => "gate_missed",
            Self::Tool(_) => "tool",
            Self::Cancelled => "cancelled",
            Self::Store(StoreError::Busy { .. }) => "project_busy",
            Self::NoRoom { .. }
            | Self::Store(StoreError::DiskFull { .. } | StoreError::DatabaseUnwritable { .. }) => "no_room",
            Self::Store(StoreError::Newer { .. }) => "newer_store",
            Self::Io { .. } | Self::Store(_) | Self::Internal(_) => "internal",
        }
    }

    /// Whether the user called with something that cannot work (exit code 2) rather than the work failing (1).
    pub fn is_usage(&self) -> bool {
        matches!(self, Self::Usage(_) | Self::ProjectFile { .. } | Self::NoProject { .. })
    }
}

/// Attaches the path to an I/O result.
pub(crate) trait AtPath<T> {
    /// Names the file in the error.
    fn at(self, path: &std::path::Path) -> Result<T, EngineError>;
}

impl<T> AtPath<T> for std::io::Result<T> {
    fn at(self, path: &std::path::Path) -> Result<T, EngineError> {
        use std::io::ErrorKind::{FileTooLarge, QuotaExceeded, StorageFull};
        self.map_err(|source| match source.kind() {
            StorageFull | QuotaExceeded | FileTooLarge => {
                EngineError::NoRoom { path: path.to_path_buf(), source }
            }
            _ => EngineError::Io { path: path.to_path_buf(), source },
        })
    }
}
