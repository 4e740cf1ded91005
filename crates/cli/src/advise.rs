//! `data advise`: what to collect next.

use crate::{args::DataProject, commands::Verdict, output::Printer};
use anyhow::Result;
use clap::Args;
use edgewright_engine::{advise as advising, session::Session};

/// `data advise`
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  edgewright data advise --project kws --goal 0.95\n  edgewright data advise --project kws --no-curve --json\n\nLabels, slices by metadata and regions of feature space are judged on all windows that did not train. For the learning curve the project\nis trained on parts of its training samples (groups stay together, every label keeps its share), and judged on validation windows: test\nwindows take no part. A power law is fitted to it; where it does not hold, or leads too far, that is said in place of a number.\nWhat was trained is kept: asking again with another goal trains nothing."
)]
pub struct AdviseArgs {
    /// Metric of the curve, as in `[charter]`; left out: that of the charter, else accuracy, R2 or the F1 of objects.
    #[arg(long)]
    metric: Option<String>,
    /// What the metric is to reach; left out: the floor of `[evaluation]`.
    #[arg(long)]
    goal: Option<f64>,
    /// Parts of the training samples, 3 to 10; all of them are always among them.
    #[arg(long, value_delimiter = ',', default_values_t = [0.25, 0.5, 0.75, 1.0])]
    parts: Vec<f64>,
    /// Trainings of each part, with other samples and other first weights: 1 to 20.
    #[arg(long, default_value_t = 3)]
    repeats: usize,
    /// Train nothing for a curve.
    #[arg(long)]
    no_curve: bool,
    /// Threads; results do not depend on it.
    #[arg(long)]
    jobs: Option<usize>,
    /// Project and output format.
    #[command(flatten)]
    at: DataProject,
}

/// Says what to collect next.
pub fn advise(args: &AdviseArgs, printer: &Printer) -> Result<Verdict> {
    let options = advising::Options {
        metric: args.metric.clone(),
        goal: args.goal,
        parts: args.parts.clone(),
        repeats: args.repeats,
        curve: !args.no_curve,
    };
    let session = Session::open(&args.at.project, printer, crate::commands::threads(args.jobs), None)?;
    let told = advising::advise(&session, &options)?;
    if args.at.json.json {
        printer.json(&told)?;
    } else {
        printer.data(told.to_text().trim_end())?;
    }
    Ok(Verdict::Done)
}
