//! `train ...`: what helps to train.

use crate::{args::JsonArg, commands::Verdict, output::Printer};
use anyhow::Result;
use clap::{Args, Subcommand};
use edgewright_engine::{find_rate, session::Session};
use std::path::PathBuf;

/// `train ...`
#[derive(Debug, Subcommand)]
pub enum TrainCommand {
    /// Suggest a learning rate: a sweep with longer and longer steps over the training windows.
    FindRate(FindRateArgs),
}

/// `train find-rate`
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  edgewright train find-rate motion\n  edgewright train find-rate motion --block classifier --json\n\nUp to 141 steps, each 12 % longer than the one before, from 0.000001 to 10, with all other settings of the project; the sweep ends\nwhen the smoothed loss is four times the smallest. The suggestion is the middle of its longest fall. Nothing is kept or changed:\nwrite `learning_rate` into `[training]` yourself."
)]
pub struct FindRateArgs {
    /// Folder that holds edgewright.toml.
    #[arg(default_value = ".")]
    project: PathBuf,
    /// Id of the learning block; left out: the first network.
    #[arg(long, value_name = "ID")]
    block: Option<String>,
    /// Seed of weights and order; left out: the project's.
    #[arg(long)]
    seed: Option<u64>,
    /// Threads; results do not depend on it.
    #[arg(long)]
    jobs: Option<usize>,
    /// Output format.
    #[command(flatten)]
    json: JsonArg,
}

/// Sweeps and tells.
pub fn train(command: &TrainCommand, printer: &Printer) -> Result<Verdict> {
    let TrainCommand::FindRate(args) = command;
    let session = Session::open(&args.project, printer, crate::commands::threads(args.jobs), args.seed)?;
    let found = find_rate::find_rate(&session, args.block.as_deref())?;
    if args.json.json {
        printer.json(&found)?;
    } else {
        printer.data(found.to_text().trim_end())?;
    }
    Ok(Verdict::Done)
}
