//! `ci`: every step that must hold before a change lands, cheapest first.

use crate::{
    acceptance, arrows, bench, disk, flags, fuzz, generate,
    process::{run as start, shown},
    readme, studio, test,
    workspace::Workspace,
};
use anyhow::{Result, bail};
use std::{
    process::Command,
    time::{Duration, Instant},
};

/// How a step that did not fail ended.
enum Done {
    /// Well; with a word on what was seen.
    Ok(String),
    /// The tests, counted.
    Tests(test::Count),
    /// There was nothing to run it on.
    NotRun(String),
}

type Work = Box<dyn Fn(&Workspace) -> Result<Done>>;

struct Step {
    name: &'static str,
    /// What a developer types to see the same.
    again: String,
    work: Work,
}

fn step(name: &'static str, again: &str, work: impl Fn(&Workspace) -> Result<Done> + 'static) -> Step {
    Step { name, again: again.to_owned(), work: Box::new(work) }
}

/// A step that is one cargo command.
fn cargo(
    name: &'static str,
    args: &'static [&'static str],
    env: &'static [(&'static str, &'static str)],
) -> Step {
    let command = move |workspace: &Workspace| -> Command {
        let mut command = workspace.cargo(args.iter().copied());
        command.envs(env.iter().copied());
        command
    };
    let typed = {
        let mut c = Command::new("cargo");
        c.args(args).envs(env.iter().copied());
        shown(&c)
    };
    step(name, &typed, move |w| start(&mut command(w)).map(|()| Done::Ok(String::new())))
}

fn steps() -> Vec<Step> {
    vec![
        cargo("fmt", &["fmt", "--all", "--check"], &[]),
        step("check-arrows", "cargo xtask check-arrows", |w| {
            arrows::run(w, &[]).map(|()| Done::Ok(String::new()))
        }),
        cargo(
            "clippy",
            &["clippy", "--workspace", "--all-targets", "--locked", "--quiet", "--", "-D", "warnings"],
            &[],
        ),
        cargo(
            "docs",
            &["doc", "--workspace", "--no-deps", "--locked", "--quiet"],
            &[("RUSTDOCFLAGS", "-D warnings")],
        ),
        step("generated pages", "cargo xtask generate --check", |w| {
            generate::run(w, &["--check".into()]).map(|()| Done::Ok(String::new()))
        }),
        step("test", "cargo xtask test", |w| test::run(w, &[]).map(Done::Tests)),
        step("studio", "cargo xtask studio", |w| studio::run(w, &[]).map(Done::Ok)),
        step("README: start it", "cargo run --release -- run examples/keywords", |w| {
            readme::quick_start(w).map(Done::Ok)
        }),
        step("README: ten commands", "see README.md", |w| readme::ten_commands(w).map(Done::Ok)),
        step("example: motion", "cargo run --release -- run examples/motion", |w| {
            readme::motion(w).map(Done::Ok)
        }),
        step("full disk", "cargo xtask full-disk", |w| {
            Ok(match disk::run(w)? {
                Some(seen) => Done::Ok(seen),
                None => Done::NotRun("this machine lets nobody mount a file system (`unshare -rm`)".into()),
            })
        }),
        step("acceptance", "cargo xtask acceptance", |w| {
            let verdicts = acceptance::all(w)?;
            Ok(if verdicts.ran() {
                Done::Ok(verdicts.to_string())
            } else {
                Done::NotRun(verdicts.to_string())
            })
        }),
    ]
}

/// Steps that take too long for every change.
fn long_steps() -> Vec<Step> {
    vec![
        step("fuzz", "cargo xtask fuzz --seconds 60", |w| {
            fuzz::run(w, &["--seconds".into(), "60".into()]).map(|()| Done::Ok(String::new()))
        }),
        step("bench", "cargo xtask bench", |w| bench::run(w, &[]).map(|()| Done::Ok(String::new()))),
    ]
}

/// How a step ended, for the summary.
enum End {
    Done(Done),
    Failed(String),
    /// An earlier step failed.
    Stopped,
    /// Only with `--long`.
    Long,
}

/// Runs the steps. Stops at the first failure, unless `--keep-going`.
pub fn run(workspace: &Workspace, args: &[String]) -> Result<()> {
    let (found, rest) = flags(args, &["--long", "--keep-going"])?;
    if let Some(word) = rest.first() {
        return Err(crate::Usage(format!("`ci` takes no `{word}`")).into());
    }
    let (long, keep_going) = (found.contains(&"--long"), found.contains(&"--keep-going"));
    let started = Instant::now();
    let mut ends: Vec<(Step, End, Duration)> = Vec::new();
    let mut failed = false;
    let all = steps().into_iter().map(|s| (s, false)).chain(long_steps().into_iter().map(|s| (s, true)));
    for (step, only_long) in all {
        let begun = Instant::now();
        let end = if only_long && !long {
            End::Long
        } else if failed && !keep_going {
            End::Stopped
        } else {
            println!("== {} ...", step.name);
            match (step.work)(workspace) {
                Ok(done) => End::Done(done),
                Err(e) => End::Failed(format!("{e:#}")),
            }
        };
        let took = begun.elapsed();
        if !matches!(end, End::Stopped | End::Long) {
            println!("{}", line(&step, &end, took));
        }
        failed |= matches!(end, End::Failed(_));
        ends.push((step, end, took));
    }
    println!("\nSummary, {:.0} s in all:", started.elapsed().as_secs_f64());
    for (step, end, took) in &ends {
        println!("{}", line(step, end, *took));
    }
    let tests = ends.iter().find_map(|(_, end, _)| match end {
        End::Done(Done::Tests(count)) => Some(*count),
        _ => None,
    });
    if let Some(count) = tests {
        println!("\n{count}");
    }
    if failed {
        bail!("a step failed");
    }
    Ok(())
}

/// One line on how a step ended; for a failure also the command that shows it again.
fn line(step: &Step, end: &End, took: Duration) -> String {
    let seconds = took.as_secs_f64();
    let name = step.name;
    match end {
        End::Done(Done::Ok(seen)) if seen.is_empty() => format!("== {name} ... ok ({seconds:.1} s)"),
        End::Done(Done::Ok(seen)) => format!("== {name} ... ok ({seconds:.1} s): {seen}"),
        End::Done(Done::Tests(count)) => format!("== {name} ... ok ({seconds:.1} s): {count}"),
        End::Done(Done::NotRun(why)) => format!("== {name} ... not run: {why}"),
        End::Stopped => format!("== {name} ... not run: an earlier step failed"),
        End::Long => format!("== {name} ... not run: only with `cargo xtask ci --long`"),
        End::Failed(why) => {
            format!("== {name} ... FAILED ({seconds:.1} s): {why}\n   to see it again: {}", step.again)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failing_step_says_how_to_see_it_again() {
        let step = cargo("fmt", &["fmt", "--check"], &[("A", "b c")]);
        let text = line(&step, &End::Failed("why".into()), Duration::from_millis(1500));
        assert_eq!(text, "== fmt ... FAILED (1.5 s): why\n   to see it again: A='b c' cargo fmt --check");
    }

    #[test]
    fn a_step_that_was_not_run_is_never_called_ok() {
        let step = step("x", "y", |_| Ok(Done::NotRun("no data".into())));
        for end in [End::Stopped, End::Long, End::Done(Done::NotRun("no data".into()))] {
            let text = line(&step, &end, Duration::ZERO);
            assert!(text.contains("not run") && !text.contains("ok"), "{text}");
        }
    }
}
