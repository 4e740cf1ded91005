//! `doctor`: what is installed, what is missing, and the command that installs it.

use serde::Serialize;
use std::{
    path::Path,
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

/// One tool.
#[derive(Clone, Debug, Serialize)]
pub struct Check {
    /// Name of the program.
    pub tool: String,
    /// What it is for.
    pub purpose: String,
    /// Version line; `None` when it is missing.
    pub version: Option<String>,
    /// Command that installs it.
    pub install: String,
}

impl Check {
    /// For people.
    pub fn to_text(&self) -> String {
        match &self.version {
            Some(version) => format!("ok       {:<22} {version}", self.tool),
            None => format!("missing  {:<22} {}; install: {}", self.tool, self.purpose, self.install),
        }
    }
}

/// Looks for every tool.
pub fn check() -> Vec<Check> {
    edgewright_toolchain::tools()
        .into_iter()
        .map(|t| Check { tool: t.name, purpose: t.purpose, version: t.version, install: t.install })
        .collect()
}

/// What was found is believed for so long.
const FRESH: Duration = Duration::from_secs(10);

/// The same, looked for at most every ten seconds: looking starts every tool.
pub fn known() -> Vec<Check> {
    static SEEN: Mutex<Option<(Instant, Vec<Check>)>> = Mutex::new(None);
    let mut seen = SEEN.lock().unwrap_or_else(PoisonError::into_inner);
    match &*seen {
        Some((when, checks)) if when.elapsed() < FRESH => checks.clone(),
        _ => seen.insert((Instant::now(), check())).1.clone(),
    }
}

/// Opens a file in the user's browser.
///
/// # Errors
/// The system's when no opener can be started.
pub fn open_in_browser(path: &Path) -> std::io::Result<()> {
    edgewright_toolchain::open_in_browser(path)
}
