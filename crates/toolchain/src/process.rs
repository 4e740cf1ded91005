//! Starting a program, with a time limit and with its words kept.

use crate::started::Started;
use std::{
    collections::VecDeque,
    io::{BufRead, BufReader, Read},
    path::Path,
    process::{Command, Stdio},
    sync::mpsc,
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
    /// Whoever watched it wanted it to stop.
    #[error("`{program}` was stopped")]
    Stopped {
        /// Name of the program.
        program: String,
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

/// Lines of what a program said that an error repeats.
pub(crate) const TAIL: usize = 12;
/// Bytes of a line that are told.
const LINE_MAX: u64 = 1000;

fn start(program: &str, args: &[String], dir: &Path) -> Result<Started, ToolError> {
    let mut command = Command::new(program);
    command.args(args).current_dir(dir).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    Started::spawn(&mut command).map_err(|source| ToolError::Start { program: program.into(), source })
}

/// Sends the lines of a stream until it ends or nobody listens. Longer lines are told in parts.
pub(crate) fn lines(stream: impl Read + Send + 'static, to: mpsc::Sender<String>) {
    std::thread::spawn(move || {
        let mut stream = BufReader::new(stream);
        let mut line = Vec::new();
        while let Ok(1..) = stream.by_ref().take(LINE_MAX).read_until(b'\n', &mut line) {
            if to.send(String::from_utf8_lossy(&line).trim_end().to_owned()).is_err() {
                return;
            }
            line.clear();
        }
    });
}

/// Runs a program in a folder and hands on what it says, line by line. `tell` is called at least every 50 ms, with `None` when nothing
/// was said; once it returns false the program is stopped, with what it has started.
///
/// # Errors
/// [`ToolError`] with the end of what it said.
pub fn watch(
    program: &str,
    args: &[String],
    dir: &Path,
    limit: Duration,
    tell: &mut dyn FnMut(Option<&str>) -> bool,
) -> Result<(), ToolError> {
    let mut child = start(program, args, dir)?;
    let (to, from) = mpsc::channel();
    if let Some(out) = child.stdout.take() {
        lines(out, to.clone());
    }
    if let Some(err) = child.stderr.take() {
        lines(err, to);
    }
    let begun = Instant::now();
    let mut tail: VecDeque<String> = VecDeque::new();
    let mut hear = |line: Option<String>| {
        let go_on = tell(line.as_deref());
        if let Some(line) = line.filter(|l| !l.trim().is_empty()) {
            tail.truncate(TAIL - 1);
            tail.push_front(line);
        }
        go_on
    };
    let failed = |source| ToolError::Start { program: program.into(), source };
    let status = loop {
        let line = from.recv_timeout(Duration::from_millis(50)).ok();
        let said = line.is_some();
        let stop = if !hear(line) {
            Some(ToolError::Stopped { program: program.into() })
        } else if begun.elapsed() > limit {
            Some(ToolError::TimedOut { program: program.into(), seconds: limit.as_secs() })
        } else {
            None
        };
        if let Some(why) = stop {
            child.end();
            return Err(why);
        }
        if !said && let Some(status) = child.try_wait().map_err(failed)? {
            break status;
        }
    };
    // Its last words; what it started and left running is not waited for.
    while let Ok(line) = from.recv_timeout(Duration::from_millis(200)) {
        hear(Some(line));
    }
    if status.success() {
        return Ok(());
    }
    let words = tail.into_iter().rev().collect::<Vec<_>>().join("\n");
    Err(ToolError::Failed { program: program.into(), status: status.to_string(), words })
}

/// Runs a program in a folder and returns what it wrote to its standard output.
///
/// # Errors
/// [`ToolError`] with the end of what it said.
pub fn run(program: &str, args: &[String], dir: &Path, limit: Duration) -> Result<String, ToolError> {
    let mut child = start(program, args, dir)?;
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
                child.end();
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
    let tail: Vec<&str> = words.trim().lines().rev().take(TAIL).collect();
    let words: Vec<&str> = tail.into_iter().rev().collect();
    Err(ToolError::Failed { program: program.into(), status: status.to_string(), words: words.join("\n") })
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    fn shell(
        script: &str,
        limit: Duration,
        tell: &mut dyn FnMut(Option<&str>) -> bool,
    ) -> Result<(), ToolError> {
        watch("sh", &["-c".into(), script.into()], Path::new("."), limit, tell)
    }

    #[test]
    fn what_a_program_says_is_heard_line_by_line() {
        let mut heard = Vec::new();
        let mut tell = |line: Option<&str>| {
            heard.extend(line.map(str::to_owned));
            true
        };
        shell("echo one; echo two >&2; sleep 0.2; printf three", Duration::from_secs(20), &mut tell)
            .expect("ends");
        heard[..2].sort();
        assert_eq!(heard, ["one", "two", "three"]);
    }

    #[test]
    fn what_a_program_has_started_ends_with_it() {
        let dir = std::env::temp_dir().join(format!("edgewright-started-{}", std::process::id()));
        std::fs::create_dir_all(&dir).expect("a folder");
        let mark = dir.join("mark");
        // The inner one would write after its parent is gone.
        let script = format!("(sleep 1; touch '{}') & echo go; sleep 30", mark.display());
        let stopped = shell(&script, Duration::from_secs(20), &mut |line| line != Some("go"));
        assert!(matches!(stopped, Err(ToolError::Stopped { .. })), "{stopped:?}");
        let late = run("sh", &["-c".into(), script.clone()], Path::new("."), Duration::from_millis(200));
        assert!(matches!(late, Err(ToolError::TimedOut { .. })), "{late:?}");
        let args = ["-c".to_owned(), script];
        let service = crate::Service::start("sh", &args, &[], Path::new(".")).expect("starts");
        std::thread::sleep(Duration::from_millis(200));
        drop(service);
        std::thread::sleep(Duration::from_millis(1500));
        let there = mark.exists();
        std::fs::remove_dir_all(&dir).expect("removed");
        assert!(!there, "it went on");
    }

    #[test]
    fn a_program_that_fails_hangs_or_is_unwanted_is_told_apart() {
        let long = Duration::from_secs(20);
        let failed = shell("echo working; echo no room >&2; exit 3", long, &mut |_| true);
        let text = failed.expect_err("it fails").to_string();
        assert!(text.contains("exit status: 3") && text.contains("no room"), "{text}");
        let begun = Instant::now();
        let hangs = shell("sleep 30", Duration::from_millis(200), &mut |_| true);
        assert!(matches!(hangs, Err(ToolError::TimedOut { .. })), "{hangs:?}");
        let unwanted = shell("echo go; sleep 30", long, &mut |line| line != Some("go"));
        assert!(matches!(unwanted, Err(ToolError::Stopped { .. })), "{unwanted:?}");
        assert!(begun.elapsed() < long);
        let absent = watch("edgewright-is-not-there", &[], Path::new("."), long, &mut |_| true);
        assert!(matches!(absent, Err(ToolError::Start { .. })), "{absent:?}");
    }
}
