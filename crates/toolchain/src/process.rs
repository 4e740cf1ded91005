//! Starting a program, with a time limit and with its words kept.

use std::{
    io::Read,
    path::Path,
    process::{Command, Stdio},
    time::{Duration, Instant},
};

/// Why a tool did not do its work.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ToolError {
    /// It could not be started.
    #[error("`{program}` could not be started: {source}")]
    Start {
        /// Name of the program.
        program: String,
        /// What the system said.
        source: std::io::Error,
    },
    /// It ended with an error.
    #[error("`{program}` failed ({status}): {words}")]
    Failed {
        /// Name of the program.
        program: String,
        /// How it ended.
        status: String,
        /// The end of what it said.
        words: String,
    },
    /// It took too long.
    #[error("`{program}` was stopped after {seconds} s")]
    TimedOut {
        /// Name of the program.
        program: String,
        /// The limit.
        seconds: u64,
    },
    /// A file could not be read or written.
    #[error("{path}: {source}")]
    Io {
        /// The file.
        path: String,
        /// What the system said.
        source: std::io::Error,
    },
    /// What it wrote is not what it should write.
    #[error("{0}")]
    Output(String),
}

impl ToolError {
    pub(crate) fn io(path: &Path, source: std::io::Error) -> Self {
        Self::Io { path: path.display().to_string(), source }
    }
}

/// First line that a program says of its version.
pub(crate) fn version(program: &str) -> Option<String> {
    let out = Command::new(program).arg("--version").stdin(Stdio::null()).output().ok()?;
    let text = String::from_utf8_lossy(&out.stdout).into_owned();
    out.status.success().then(|| text.lines().next().unwrap_or_default().trim().to_owned())
}

/// Runs a program in a folder and returns what it wrote to its standard output.
///
/// # Errors
/// [`ToolError`] with the end of what it said.
pub fn run(program: &str, args: &[String], dir: &Path, limit: Duration) -> Result<String, ToolError> {
    let mut child = Command::new(program)
        .args(args)
        .current_dir(dir)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .map_err(|source| ToolError::Start { program: program.into(), source })?;
    // Pipes are read beside the waiting: a full pipe would stop the program.
    let read = |stream: Option<Box<dyn Read + Send>>| {
        std::thread::spawn(move || {
            let mut bytes = Vec::new();
            if let Some(mut stream) = stream {
                // A broken pipe ends the words; the exit status tells the rest.
                let _ = stream.read_to_end(&mut bytes);
            }
            String::from_utf8_lossy(&bytes).into_owned()
        })
    };
    let out = read(child.stdout.take().map(|s| Box::new(s) as Box<dyn Read + Send>));
    let err = read(child.stderr.take().map(|s| Box::new(s) as Box<dyn Read + Send>));
    let start = Instant::now();
    let mut pause = Duration::from_micros(500);
    let status = loop {
        match child.try_wait().map_err(|source| ToolError::Start { program: program.into(), source })? {
            Some(status) => break status,
            None if start.elapsed() > limit => {
                // It may have ended in between; then there is nothing to stop.
                let _ = child.kill();
                let _ = child.wait();
                return Err(ToolError::TimedOut { program: program.into(), seconds: limit.as_secs() });
            }
            None => {
                std::thread::sleep(pause);
                pause = (pause * 2).min(Duration::from_millis(20));
            }
        }
    };
    let (out, err) = (out.join().unwrap_or_default(), err.join().unwrap_or_default());
    if status.success() {
        return Ok(out);
    }
    let words = if err.trim().is_empty() { out } else { err };
    let tail: Vec<&str> = words.trim().lines().rev().take(12).collect();
    let words: Vec<&str> = tail.into_iter().rev().collect();
    Err(ToolError::Failed { program: program.into(), status: status.to_string(), words: words.join("\n") })
}
