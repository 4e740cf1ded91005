//! A program that stays and answers until it is not needed any more.

use crate::{
    process::{TAIL, ToolError, lines},
    started::Started,
};
use std::{
    collections::VecDeque,
    net::TcpListener,
    path::Path,
    process::{ChildStdin, Command, Stdio},
    sync::{Arc, Mutex, mpsc},
};

/// A running program; it is stopped when this is dropped, with what it has started. Its input stays open until then, so that it can notice when we were killed.
pub struct Service {
    program: String,
    child: Started,
    _input: Option<ChildStdin>,
    words: Arc<Mutex<VecDeque<String>>>,
}

impl Service {
    /// Starts a program in a folder, with these variables beside those of this process.
    ///
    /// # Errors
    /// [`ToolError::Start`].
    pub fn start(
        program: &str,
        args: &[String],
        variables: &[(&str, String)],
        dir: &Path,
    ) -> Result<Self, ToolError> {
        let mut command = Command::new(program);
        command
            .args(args)
            .envs(variables.iter().map(|(k, v)| (k, v)))
            .current_dir(dir)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        let mut child = Started::spawn(&mut command)
            .map_err(|source| ToolError::Start { program: program.into(), source })?;
        let (to, from) = mpsc::channel::<String>();
        if let Some(out) = child.stdout.take() {
            lines(out, to.clone());
        }
        if let Some(err) = child.stderr.take() {
            lines(err, to);
        }
        let words: Arc<Mutex<VecDeque<String>>> = Arc::default();
        let kept = Arc::clone(&words);
        std::thread::spawn(move || {
            for line in from {
                if let Ok(mut words) = kept.lock() {
                    words.push_back(line.chars().filter(|c| !c.is_control()).collect());
                    if words.len() > TAIL {
                        words.pop_front();
                    }
                }
            }
        });
        Ok(Self { program: program.into(), _input: child.stdin.take(), child, words })
    }

    /// How it ended, when it does so within a moment: it may have closed what it said before it was gone.
    pub fn ends(&mut self) -> Option<ToolError> {
        for _ in 0..10 {
            if let Some(ended) = self.ended() {
                return Some(ended);
            }
            std::thread::sleep(std::time::Duration::from_millis(20));
        }
        None
    }

    /// How it ended, when it has.
    pub fn ended(&mut self) -> Option<ToolError> {
        let status = self.child.try_wait().ok().flatten()?;
        // Its last words may still be on their way.
        std::thread::sleep(std::time::Duration::from_millis(50));
        Some(ToolError::Failed {
            program: self.program.clone(),
            status: status.to_string(),
            words: self.words(),
        })
    }

    /// The end of what it said.
    pub fn words(&self) -> String {
        self.words.lock().map(|w| Vec::from_iter(w.iter().cloned()).join("\n")).unwrap_or_default()
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        self.child.end();
    }
}

/// A port of this machine on which nobody listens.
///
/// # Errors
/// The system's when there is none.
pub fn free_port() -> std::io::Result<u16> {
    TcpListener::bind(("127.0.0.1", 0)).and_then(|l| l.local_addr()).map(|a| a.port())
}
