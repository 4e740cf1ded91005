//! Wall-clock time and peak memory of a process.

use crate::{process::shown, workspace::Workspace};
use anyhow::{Context, Result, bail};
use std::{
    fs::File,
    process::{Command, Stdio},
    time::{Duration, Instant},
};

/// What a process cost.
pub struct Cost {
    /// Wall clock.
    pub seconds: f64,
    /// Most memory it held at once (not what it started), as the kernel counts it.
    pub peak_bytes: f64,
    /// Its stdout.
    pub stdout: String,
}

/// Runs a process and looks at its high-water mark of memory while it lives. Output goes through files, so that reading it disturbs
/// nothing.
pub fn measure(workspace: &Workspace, command: &mut Command) -> Result<Cost> {
    let dir = workspace.target()?.join("xtask");
    std::fs::create_dir_all(&dir)?;
    let (out, err) = (dir.join("bench.stdout"), dir.join("bench.stderr"));
    command.stdin(Stdio::null()).stdout(File::create(&out)?).stderr(File::create(&err)?);
    let started = Instant::now();
    let mut child = command.spawn().with_context(|| format!("cannot start `{}`", shown(command)))?;
    let status_file = format!("/proc/{}/status", child.id());
    let mut peak_kib = 0.0_f64;
    let status = loop {
        if let Ok(text) = std::fs::read_to_string(&status_file) {
            peak_kib = peak_kib.max(high_water(&text).unwrap_or(0.0));
        }
        if let Some(status) = child.try_wait()? {
            break status;
        }
        std::thread::sleep(Duration::from_millis(2));
    };
    let seconds = started.elapsed().as_secs_f64();
    if !status.success() {
        let said = std::fs::read_to_string(&err).unwrap_or_default();
        let lines: Vec<&str> = said.lines().collect();
        bail!(
            "`{}` failed: {status}\n{}",
            shown(command),
            lines[lines.len().saturating_sub(12)..].join("\n")
        );
    }
    let stdout = std::fs::read_to_string(&out).with_context(|| format!("cannot read {}", out.display()))?;
    Ok(Cost { seconds, peak_bytes: peak_kib * 1024.0, stdout })
}

/// `VmHWM` of a `/proc/<pid>/status`, in KiB.
pub fn high_water(status: &str) -> Option<f64> {
    status.lines().find_map(|l| l.strip_prefix("VmHWM:")?.trim().strip_suffix("kB")?.trim().parse().ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_high_water_mark_is_read() {
        assert_eq!(high_water("Name:\tx\nVmPeak:\t  9000 kB\nVmHWM:\t    5120 kB\n"), Some(5120.0));
        assert_eq!(high_water("Name:\tx\n"), None);
    }
}
