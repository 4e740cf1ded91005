//! Developer tasks. `cargo xtask` lists them. Knows no crate of the workspace: it starts them as processes, so it builds in seconds.
#![allow(clippy::print_stdout, reason = "a command-line tool: stdout is where its results go")]

mod acceptance;
mod arrows;
mod bench;
mod budgets;
mod ci;
mod clients;
mod code;
mod disk;
mod fuzz;
mod generate;
mod packages;
mod process;
mod readme;
mod schemathesis;
mod studio;
mod test;
mod workspace;

use std::process::ExitCode;

const HELP: &str = "Developer tasks.

  cargo xtask ci [--long] [--keep-going]     everything that must hold before a change lands
  cargo xtask test [ARGS]                    install what tests need, then cargo test --workspace ARGS
  cargo xtask check-arrows                   who may know whom (xtask/arrows.toml)
  cargo xtask generate [--check]             generated pages of docs/
  cargo xtask generate --device              docs/dsp-cost.md and dsp-estimate.md, with emulated cores
  cargo xtask acceptance [SET...] [--seeds N] [--json]   real recordings in ../shared/data; N seeds: mean and spread
  cargo xtask full-disk                      the motion example on file systems without room
  cargo xtask studio [--types]               the Studio: types, checker, size, browser; --types writes its types anew
  cargo xtask clients                        Edge Impulse's published clients against our server; from npm and PyPI
  cargo xtask schemathesis [--examples N] [--seed N]   the API fuzzed along its document; from PyPI
  cargo xtask bench [GROUP...] [--json] [--save] [--pairs N]
                                             side by side with others; groups: spine, build, compile, train, server, data,
                                             dsp, label-studio, studio
  cargo xtask fuzz [--seconds N] [TARGET...] every fuzz target for N seconds (default 60)

Exit status: 0 all is well, 1 something failed, 2 wrong usage.";

/// A wrong command line: exit status 2.
#[derive(Debug)]
pub struct Usage(pub String);

impl std::fmt::Display for Usage {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}\n\n{HELP}", self.0)
    }
}

impl std::error::Error for Usage {}

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    match dispatch(&args) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::from(if error.is::<Usage>() { 2 } else { 1 })
        }
    }
}

fn dispatch(args: &[String]) -> anyhow::Result<()> {
    let Some((name, rest)) = args.split_first() else {
        println!("{HELP}");
        return Ok(());
    };
    let workspace = workspace::Workspace::find()?;
    match name.as_str() {
        "ci" => ci::run(&workspace, rest),
        "test" => test::run(&workspace, rest).map(|_| ()),
        "check-arrows" => arrows::run(&workspace, rest),
        "generate" => generate::run(&workspace, rest),
        "studio" => studio::run(&workspace, rest).map(|seen| println!("{seen}")),
        "clients" => clients::run(&workspace, rest),
        "schemathesis" => schemathesis::run(&workspace, rest),
        "acceptance" => acceptance::run(&workspace, rest),
        "full-disk" => {
            println!(
                "{}",
                disk::run(&workspace)?.unwrap_or_else(|| "not run: nothing may be mounted here".into())
            );
            Ok(())
        }
        "bench" => bench::run(&workspace, rest),
        "fuzz" => fuzz::run(&workspace, rest),
        "help" | "--help" | "-h" => {
            println!("{HELP}");
            Ok(())
        }
        _ => Err(Usage(format!("there is no task `{name}`")).into()),
    }
}

/// Splits `args` into known flags that are present and the rest; a dash option that is not known is wrong usage.
pub fn flags<'a>(args: &'a [String], known: &[&str]) -> anyhow::Result<(Vec<&'a str>, Vec<&'a str>)> {
    let (mut found, mut rest) = (Vec::new(), Vec::new());
    for arg in args {
        if known.contains(&arg.as_str()) {
            found.push(arg.as_str());
        } else if arg.starts_with('-') {
            return Err(Usage(format!("unknown option `{arg}`")).into());
        } else {
            rest.push(arg.as_str());
        }
    }
    Ok((found, rest))
}

/// Takes `--name VALUE` out of the arguments; returns the value and the other arguments.
pub fn option(args: &[String], name: &str) -> anyhow::Result<(Option<u64>, Vec<String>)> {
    let Some(at) = args.iter().position(|a| a == name) else { return Ok((None, args.to_vec())) };
    let value = args
        .get(at + 1)
        .and_then(|v| v.parse().ok())
        .ok_or_else(|| Usage(format!("`{name}` needs a whole number")))?;
    let rest = args[..at].iter().chain(&args[at + 2..]).cloned().collect();
    Ok((Some(value), rest))
}
