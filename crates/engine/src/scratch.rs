//! Folders for builds and proofs, gone when they are dropped; those that a killed process left are swept by the next one.

use crate::EngineError;
use std::{fs, path::Path};

const PREFIX: &str = "edgewright-";

/// A new empty folder among the system's temporary files.
///
/// # Errors
/// [`EngineError::Io`] when none can be made.
pub(crate) fn folder() -> Result<tempfile::TempDir, EngineError> {
    let parent = std::env::temp_dir();
    sweep(&parent);
    make(&parent, std::process::id()).map_err(|source| EngineError::Io { path: parent, source })
}

fn make(parent: &Path, process: u32) -> std::io::Result<tempfile::TempDir> {
    tempfile::Builder::new().prefix(&format!("{PREFIX}{process}-")).tempdir_in(parent)
}

/// Removes the folders of processes that no longer run. What cannot be told or removed stays.
fn sweep(parent: &Path) {
    let running = Path::new("/proc");
    if !running.join("self").exists() {
        return;
    }
    for entry in fs::read_dir(parent).into_iter().flatten().flatten() {
        let name = entry.file_name();
        let process =
            name.to_str().and_then(|n| n.strip_prefix(PREFIX)?.split_once('-')?.0.parse::<u32>().ok());
        let gone = process.is_some_and(|p| !running.join(p.to_string()).exists());
        if gone && entry.file_type().is_ok_and(|t| t.is_dir()) {
            // Another process may sweep at the same time.
            let _ = fs::remove_dir_all(entry.path());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_killed_process_left_is_swept_and_nothing_else() {
        let parent = tempfile::tempdir().expect("a folder");
        let mut child = std::process::Command::new("true").spawn().expect("a process");
        let gone = child.id();
        child.wait().expect("its end");
        let left = make(parent.path(), gone).expect("a folder").keep();
        fs::write(left.join("main.c"), "int main(void) { return 0; }").expect("a file");
        let own = make(parent.path(), std::process::id()).expect("a folder");
        let others: Vec<_> =
            ["edgewright-notes", "edgewright-x-1", "other"].map(|n| parent.path().join(n)).into();
        others.iter().for_each(|o| fs::create_dir(o).expect("a folder"));
        sweep(parent.path());
        assert!(own.path().exists() && others.iter().all(|o| o.exists()));
        assert_eq!(left.exists(), !Path::new("/proc/self").exists());
    }
}
