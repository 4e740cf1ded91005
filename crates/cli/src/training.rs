//! `train ...` and `explain`: what helps to train, and why a window is what it is said to be.

use crate::{args::JsonArg, commands::Verdict, output::Printer};
use anyhow::{Context, Result};
use clap::{Args, Subcommand};
use edgewright_engine::{cross, explain, find_rate, session::Session, trial};
use std::path::PathBuf;

/// `train ...`
#[derive(Debug, Subcommand)]
pub enum TrainCommand {
    /// Suggest a learning rate: a sweep with longer and longer steps over the training windows.
    FindRate(FindRateArgs),
    /// Train once for each fold of the training recordings: how far figures depend on which recordings train.
    CrossValidate(CrossValidateArgs),
    /// Train with other features, another network or other training beside the project: what each is worth and takes.
    Try(TryArgs),
}

/// `train try`
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  edgewright train try motion\n  edgewright train try motion --variant raw --variant smaller --json\n  edgewright train try motion --variant smaller --keep\n  edgewright impulse use try-smaller --project motion\n\nVariants: raw (windows as they are, without DSP blocks), smaller and larger (half and twice the filters and units), augmented,\nlonger (twice the epochs), forest (a random forest on the same features). Without --variant the training says which: a smaller\nnetwork and augmentation where it is overfit, a larger one and longer training where it is underfit. All are judged on validation\nwindows; test windows take no part. RAM is exact, flash and instructions are estimates."
)]
pub struct TryArgs {
    /// Folder that holds edgewright.toml.
    #[arg(default_value = ".")]
    project: PathBuf,
    /// What to try; may be given several times.
    #[arg(long, value_name = "NAME")]
    variant: Vec<String>,
    /// Keep what was tried as impulses `try-NAME` of the project.
    #[arg(long)]
    keep: bool,
    /// Seed; left out: the project's.
    #[arg(long)]
    seed: Option<u64>,
    /// Threads; results do not depend on it.
    #[arg(long)]
    jobs: Option<usize>,
    /// Output format.
    #[command(flatten)]
    json: JsonArg,
}

/// `train cross-validate`
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  edgewright train cross-validate motion\n  edgewright train cross-validate motion --folds 10 --json\n\nThe recordings that train or validate are shared out into folds, each label in equal parts, a group in one fold. For each fold the\nimpulse is trained from scratch on the others and asked about the windows of the fold. Test windows take no part. Finished folds are\nkept: after an interruption the same command goes on where it was."
)]
pub struct CrossValidateArgs {
    /// Folder that holds edgewright.toml.
    #[arg(default_value = ".")]
    project: PathBuf,
    /// How many folds, 2 to 50.
    #[arg(long, default_value_t = cross::USUAL_FOLDS)]
    folds: usize,
    /// Seed of folds, weights and order; left out: the project's.
    #[arg(long)]
    seed: Option<u64>,
    /// Threads; results do not depend on it.
    #[arg(long)]
    jobs: Option<usize>,
    /// Output format.
    #[command(flatten)]
    json: JsonArg,
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

/// Trains to find out.
pub fn train(command: &TrainCommand, printer: &Printer) -> Result<Verdict> {
    match command {
        TrainCommand::FindRate(args) => find(args, printer),
        TrainCommand::CrossValidate(args) => cross_validate(args, printer),
        TrainCommand::Try(args) => try_out(args, printer),
    }
}

fn try_out(args: &TryArgs, printer: &Printer) -> Result<Verdict> {
    let session = Session::open(&args.project, printer, crate::commands::threads(args.jobs), args.seed)?;
    let options = trial::Options { variants: args.variant.clone(), keep: args.keep };
    let told = trial::try_out(&session, &options)?;
    if args.json.json {
        printer.json(&told)?;
    } else {
        printer.data(told.to_text().trim_end())?;
    }
    Ok(Verdict::Done)
}

fn cross_validate(args: &CrossValidateArgs, printer: &Printer) -> Result<Verdict> {
    let session = Session::open(&args.project, printer, crate::commands::threads(args.jobs), args.seed)?;
    let told = cross::validate(&session, args.folds)?;
    if args.json.json {
        printer.json(&told)?;
    } else {
        printer.data(told.to_text().trim_end())?;
    }
    Ok(Verdict::Done)
}

fn find(args: &FindRateArgs, printer: &Printer) -> Result<Verdict> {
    let session = Session::open(&args.project, printer, crate::commands::threads(args.jobs), args.seed)?;
    let found = find_rate::find_rate(&session, args.block.as_deref())?;
    if args.json.json {
        printer.json(&found)?;
    } else {
        printer.data(found.to_text().trim_end())?;
    }
    Ok(Verdict::Done)
}

/// `explain`
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  edgewright explain motion wave.01 --svg why.svg\n  edgewright explain kws yes.03.wav --window 2 --method grad-cam --json\n\nOcclusion covers one part after the other: of the features of each DSP block with their mean over training windows, and, of recordings,\nof each axis over time with its mean over the window. It tells what the score loses. Grad-CAM tells how much each place of the last\nconvolution adds to it. The score is how far the label is ahead of the next in the sums before the softmax, the estimate or the anomaly score."
)]
pub struct ExplainArgs {
    /// Folder that holds edgewright.toml.
    project: PathBuf,
    /// Id of the sample, the first characters of it, or its name.
    sample: String,
    /// Which of its windows, from 0.
    #[arg(long, default_value_t = 0)]
    window: usize,
    /// occlusion or grad-cam.
    #[arg(long, default_value = "occlusion")]
    method: String,
    /// Why this label; left out: the one with the highest score.
    #[arg(long)]
    label: Option<String>,
    /// Write a picture.
    #[arg(long, value_name = "FILE")]
    svg: Option<PathBuf>,
    /// Output format.
    #[command(flatten)]
    json: JsonArg,
}

/// Says which part of a window the impulse went by.
pub fn explain(args: &ExplainArgs, printer: &Printer) -> Result<Verdict> {
    let request = explain::Request {
        sample: args.sample.clone(),
        window: args.window,
        method: explain::Method::parse(&args.method)?,
        label: args.label.clone(),
    };
    let session = Session::open(&args.project, printer, crate::commands::threads(None), None)?;
    let told = explain::explain(&session, &request)?;
    if let Some(path) = &args.svg {
        std::fs::write(path, told.to_svg()).with_context(|| format!("cannot write {}", path.display()))?;
    }
    if args.json.json {
        printer.json(&told)?;
    } else {
        printer.data(told.to_text().trim_end())?;
    }
    Ok(Verdict::Done)
}
