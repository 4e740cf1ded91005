//! The one door for output: data to stdout, everything else to stderr.

use edgewright_engine::{Event, Observer};
use indicatif::{ProgressBar, ProgressStyle};
use serde::Serialize;
use std::{
    io::{IsTerminal, Write},
    sync::Mutex,
    time::Duration,
};

/// Prints for people and scripts.
pub struct Printer {
    quiet: bool,
    /// Whether stages that had nothing to do are told.
    cached: bool,
    bar: Option<Mutex<Option<ProgressBar>>>,
}

impl Printer {
    /// A printer; bars only on a terminal. `cached`: stages that had nothing to do are told as well.
    pub fn new(quiet: bool, no_progress: bool, cached: bool) -> Self {
        let bars = !quiet && !no_progress && std::io::stderr().is_terminal();
        Self { quiet, cached, bar: bars.then(Mutex::default) }
    }

    /// A line of data.
    pub fn data(&self, text: &str) -> anyhow::Result<()> {
        let mut out = std::io::stdout().lock();
        out.write_all(text.as_bytes())?;
        if !text.ends_with('\n') {
            out.write_all(b"\n")?;
        }
        Ok(out.flush()?)
    }

    /// One JSON object on one line.
    pub fn json(&self, value: &impl Serialize) -> anyhow::Result<()> {
        self.data(&serde_json::to_string(value)?)
    }

    /// A line for the user.
    pub fn note(&self, text: &str) {
        if !self.quiet {
            self.line(text);
        }
    }

    /// What went wrong without ending the command; also told to who wants quiet.
    pub fn problem(&self, text: &str) {
        self.line(&format!("error: {text}"));
    }

    /// An error with its causes.
    pub fn error(&self, error: &anyhow::Error) {
        let mut text = format!("error: {error}");
        for cause in error.chain().skip(1) {
            let cause = cause.to_string();
            if !text.contains(&cause) {
                text.push_str(&format!("\n  because: {cause}"));
            }
        }
        self.line(&text);
    }

    fn line(&self, text: &str) {
        let bar = self.bar.as_ref().and_then(|b| b.lock().ok());
        match bar.as_deref() {
            Some(Some(bar)) => bar.suspend(|| eprint_line(text)),
            _ => eprint_line(text),
        }
    }
}

fn eprint_line(text: &str) {
    // Nothing is left to tell when stderr itself is gone.
    let _ = writeln!(std::io::stderr().lock(), "{text}");
}

/// Whether an error is only a reader that went away.
pub fn is_closed_pipe(error: &anyhow::Error) -> bool {
    error.downcast_ref::<std::io::Error>().is_some_and(|e| e.kind() == std::io::ErrorKind::BrokenPipe)
}

impl Observer for Printer {
    fn event(&self, event: Event) {
        match event {
            Event::StageStarted { stage } => {
                if let Some(Ok(mut slot)) = self.bar.as_ref().map(|b| b.lock()) {
                    let bar = ProgressBar::new_spinner();
                    bar.set_style(
                        ProgressStyle::with_template("  {spinner} {prefix:<9} {wide_bar} {pos}/{len} {msg}")
                            .unwrap_or_else(|_| ProgressStyle::default_bar()),
                    );
                    bar.set_prefix(stage);
                    bar.enable_steady_tick(Duration::from_millis(120));
                    *slot = Some(bar);
                }
            }
            Event::Progress { done, total, note, .. } => {
                if let Some(Ok(slot)) = self.bar.as_ref().map(|b| b.lock())
                    && let Some(bar) = slot.as_ref()
                {
                    bar.set_length(total);
                    bar.set_position(done);
                    bar.set_message(note);
                }
            }
            Event::StageFinished { stage, cached, seconds, notes } => {
                if let Some(Ok(mut slot)) = self.bar.as_ref().map(|b| b.lock())
                    && let Some(bar) = slot.take()
                {
                    bar.finish_and_clear();
                }
                if cached && !self.cached {
                    return;
                }
                let took = if cached { "cached".to_owned() } else { format!("{seconds:.1} s") };
                let mut lines = notes.iter();
                self.note(&format!(
                    "{stage:<9} {took:>8}  {}",
                    lines.next().map(String::as_str).unwrap_or_default()
                ));
                for line in lines {
                    self.note(&format!("{:<9} {:>8}  {line}", "", ""));
                }
            }
            _ => {}
        }
    }
}
