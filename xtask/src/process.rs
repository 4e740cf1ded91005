//! Starting other programs.

use anyhow::{Context, Result, bail};
use std::{
    ffi::OsStr,
    path::Path,
    process::{Command, Stdio},
};

/// A command with its arguments, to be started in `dir`.
pub fn command<S: AsRef<OsStr>>(
    dir: &Path,
    program: impl AsRef<OsStr>,
    args: impl IntoIterator<Item = S>,
) -> Command {
    let mut command = Command::new(program);
    command.args(args).current_dir(dir).stdin(Stdio::null());
    command
}

/// The command as one would type it.
pub fn shown(command: &Command) -> String {
    let mut words: Vec<String> = command
        .get_envs()
        .filter_map(|(k, v)| Some(format!("{}={}", k.to_string_lossy(), quoted(&v?.to_string_lossy()))))
        .collect();
    words.push(quoted(&command.get_program().to_string_lossy()));
    words.extend(command.get_args().map(|a| quoted(&a.to_string_lossy())));
    words.join(" ")
}

fn quoted(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./:=@+,%".contains(c);
    if !word.is_empty() && word.chars().all(plain) {
        word.to_owned()
    } else {
        format!("'{}'", word.replace('\'', r"'\''"))
    }
}

/// Runs it with our own stdout and stderr. An exit status other than 0 is an error.
pub fn run(command: &mut Command) -> Result<()> {
    let status = command.status().with_context(|| format!("cannot start `{}`", shown(command)))?;
    if !status.success() {
        bail!("`{}` failed: {status}", shown(command));
    }
    Ok(())
}

/// Runs it silently: whether it ended well, and its stdout.
pub fn quiet(command: &mut Command) -> Option<String> {
    let out = command.stderr(Stdio::null()).output().ok()?;
    out.status.success().then(|| String::from_utf8_lossy(&out.stdout).into_owned())
}

/// Runs it, catching both streams; the error holds the last lines of stderr.
pub fn captured(command: &mut Command) -> Result<String> {
    let out = command.output().with_context(|| format!("cannot start `{}`", shown(command)))?;
    if !out.status.success() {
        let text = String::from_utf8_lossy(&out.stderr).into_owned();
        let lines: Vec<&str> = text.lines().collect();
        let tail = lines[lines.len().saturating_sub(15)..].join("\n  ");
        bail!("`{}` failed: {}\n  {tail}", shown(command), out.status);
    }
    Ok(String::from_utf8_lossy(&out.stdout).into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_is_shown_as_it_could_be_typed() {
        let mut c = command(Path::new("."), "echo", ["a b", "it's", "plain-1"]);
        c.env("K", "v w");
        assert_eq!(shown(&c), r#"K='v w' echo 'a b' 'it'\''s' plain-1"#);
    }

    #[test]
    fn a_failing_command_is_an_error_with_its_last_words() {
        let error =
            captured(&mut command(Path::new("."), "sh", ["-c", "echo why >&2; exit 3"])).expect_err("fails");
        assert!(error.to_string().contains("why"), "{error}");
        assert_eq!(quiet(&mut command(Path::new("."), "sh", ["-c", "exit 1"])), None);
        assert_eq!(
            captured(&mut command(Path::new("."), "sh", ["-c", "echo data"])).expect("runs"),
            "data\n"
        );
    }
}
