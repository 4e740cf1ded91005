//! `test`: the whole suite.

use crate::{packages, process::shown, workspace::Workspace};
use anyhow::{Context, Result, bail};
use std::{
    io::{BufRead, BufReader, Write},
    process::Stdio,
};

/// How many tests ran.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Count {
    /// Ended well.
    pub passed: u64,
    /// Did not.
    pub failed: u64,
    /// Marked as ignored.
    pub skipped: u64,
}

impl std::fmt::Display for Count {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} passed, {} failed", self.passed, self.failed)?;
        if self.skipped > 0 {
            write!(f, ", {} skipped", self.skipped)?;
        }
        Ok(())
    }
}

/// Installs what tests need, runs them all and counts.
pub fn run(workspace: &Workspace, args: &[String]) -> Result<Count> {
    packages::ensure(workspace)?;
    let mut command = workspace.cargo(["test", "--workspace", "--locked", "--no-fail-fast"]);
    command.args(args).stdout(Stdio::piped());
    let mut child = command.spawn().with_context(|| format!("cannot start `{}`", shown(&command)))?;
    let mut count = Count::default();
    let stdout = child.stdout.take().context("no pipe to cargo")?;
    for line in BufReader::new(stdout).lines() {
        let line = line.context("cannot read what cargo prints")?;
        add(&mut count, &line);
        writeln!(std::io::stdout(), "{line}")?;
    }
    let status = child.wait()?;
    println!("{count}");
    if !status.success() {
        bail!("`{}` failed: {status}", shown(&command));
    }
    if count.passed == 0 {
        bail!("no test ran");
    }
    Ok(count)
}

/// Adds the figures of a closing line of a test program.
fn add(count: &mut Count, line: &str) {
    let Some(rest) = line.strip_prefix("test result: ") else { return };
    let figure = |word: &str| -> u64 {
        rest.split([';', '.'])
            .find_map(|part| part.trim().strip_suffix(word)?.trim().parse().ok())
            .unwrap_or(0)
    };
    count.passed += figure("passed");
    count.failed += figure("failed");
    count.skipped += figure("ignored");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn closing_lines_are_added_up() {
        let mut count = Count::default();
        for line in [
            "running 3 tests",
            "test result: ok. 3 passed; 0 failed; 0 ignored; 0 measured; 0 filtered out; finished in 0.00s",
            "test result: FAILED. 40 passed; 2 failed; 1 ignored; 0 measured; 0 filtered out; finished in 1.50s",
        ] {
            add(&mut count, line);
        }
        assert_eq!(count, Count { passed: 43, failed: 2, skipped: 1 });
        assert_eq!(count.to_string(), "43 passed, 2 failed, 1 skipped");
    }
}
