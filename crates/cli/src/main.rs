//! The `edgewright` command.
//!
//! Data go to stdout, everything else to stderr. Exit codes: 0 done, 1 the work failed or a gate was missed,
//! 2 wrong usage.

mod account;
mod advise;
mod analyse;
mod args;
mod commands;
mod hook;
mod impulse;
mod model;
mod output;
mod server;
mod training;
mod version;

use clap::Parser;
use edgewright_engine::EngineError;
use std::process::ExitCode;

fn main() -> ExitCode {
    // A closed pipe (`edgewright data list | head`) is the reader's choice, not an error.
    let cli = args::Cli::parse();
    // Who classifies or exports wants to hear of stages only when they work.
    let cached = matches!(cli.command, args::Command::Run(_));
    let printer = output::Printer::new(cli.quiet, cli.no_progress, cached);
    // A server ends its programs itself.
    if !matches!(cli.command, args::Command::Serve(_)) {
        edgewright_server::when_told_to_end(edgewright_engine::stop_programs);
    }
    match commands::run(cli.command, &printer) {
        Ok(commands::Verdict::Done) => ExitCode::SUCCESS,
        Ok(commands::Verdict::Missed) => ExitCode::from(1),
        Err(error) => {
            if output::is_closed_pipe(&error) {
                return ExitCode::SUCCESS;
            }
            printer.error(&error);
            let served = error.downcast_ref::<edgewright_server::ServeError>().and_then(|e| match e {
                edgewright_server::ServeError::Engine(e) => Some(e),
                _ => None,
            });
            let usage = error.downcast_ref::<EngineError>().or(served).is_some_and(EngineError::is_usage);
            ExitCode::from(if usage { 2 } else { 1 })
        }
    }
}
