//! `version ...`: what was trained in a project, what changed, and the way back.

use crate::{
    args::{JsonArg, ProjectJson},
    commands::{Verdict, shared},
    output::Printer,
};
use anyhow::Result;
use clap::{Args, Subcommand};
use edgewright_engine::{
    calendar::utc,
    pareto,
    versions::{self, DiffKind, DiffLine},
};
use std::path::PathBuf;

/// `version ...`
#[derive(Debug, Subcommand)]
#[command(after_help = "Examples:
  edgewright version list
  edgewright version pareto --target cortex-m4f
  edgewright version diff 4f3c 91ab
  edgewright version restore 4f3c")]
pub enum VersionCommand {
    /// List every state of the project file that was trained, with what came of it.
    List(ProjectJson),
    /// Compare all versions by a metric and by flash, RAM and instructions, and say which no other beats.
    Pareto(ParetoArgs),
    /// Say what changed in the project file from one version to another, or to the file as it is now.
    Diff(DiffArgs),
    /// Write the project file of a version again. What was built with it is still there: the next run is short.
    Restore(RestoreArgs),
}

/// `version pareto`
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  edgewright version pareto kws\n  edgewright version pareto kws --metric macro_f1 --target cortex-m4f --json\n\nA version is on the front when no other is at least as good in the metric and all three costs and better in one. Costs are those that\nverify measured when as many versions have them as have estimates; the two are never mixed: a measured RAM has the stack in it."
)]
pub struct ParetoArgs {
    /// Folder that holds edgewright.toml.
    #[arg(default_value = ".")]
    project: PathBuf,
    /// As `metric` in `[charter]`; left out: that of the charter, else the first that a version has.
    #[arg(long)]
    metric: Option<String>,
    /// Compare figures of validation windows in place of those of the test: accuracy of labels, else R2.
    #[arg(long)]
    validation: bool,
    /// Target of the costs; left out: the first of the project for which there are some.
    #[arg(long, value_name = "ID")]
    target: Option<String>,
    /// measured or estimated; left out: what more versions have.
    #[arg(long)]
    basis: Option<String>,
    /// Output format.
    #[command(flatten)]
    json: JsonArg,
}

/// `version diff`
#[derive(Debug, Args)]
pub struct DiffArgs {
    /// Id of a version, or its first characters.
    from: String,
    /// Id of another; the file as it is now when left out.
    to: Option<String>,
    /// Folder that holds edgewright.toml.
    #[arg(long, default_value = ".")]
    project: PathBuf,
    /// Output format.
    #[command(flatten)]
    json: JsonArg,
}

/// `version restore`
#[derive(Debug, Args)]
pub struct RestoreArgs {
    /// Id of a version, or its first characters.
    id: String,
    /// Also when the files as they are were never trained, and are lost then.
    #[arg(long)]
    discard: bool,
    /// Folder that holds edgewright.toml.
    #[arg(long, default_value = ".")]
    project: PathBuf,
    /// Output format.
    #[command(flatten)]
    json: JsonArg,
}

/// Lists, compares, goes back.
pub fn version(command: &VersionCommand, printer: &Printer) -> Result<Verdict> {
    match command {
        VersionCommand::List(args) => {
            let session = shared(&args.project, printer)?;
            let all = versions::list(&session)?;
            if args.json.json {
                printer.json(&serde_json::json!({ "versions": all }))?;
            } else {
                if all.is_empty() {
                    printer.note("nothing was trained yet; `edgewright run` trains");
                }
                for v in all {
                    let figure = |name: &str| v.outcome["test"]["int8"][name].as_f64();
                    let told = ["accuracy", "f1", "r2", "auroc"]
                        .iter()
                        .find_map(|name| figure(name).map(|f| format!("int8 {name} {f:.4}")))
                        .unwrap_or_else(|| "not tested".into());
                    let seed = v.outcome["seed"].as_u64().unwrap_or_default();
                    let moment = utc(v.last_run.max(0) as u64);
                    let word = if v.current { "  (as it is now)" } else { "" };
                    printer.data(&format!(
                        "{}  {}  seed {seed:<4} {told}{word}",
                        v.id,
                        &moment[..16].replace('T', " ")
                    ))?;
                }
            }
        }
        VersionCommand::Pareto(args) => {
            let options = pareto::Options {
                metric: args.metric.clone(),
                validation: args.validation,
                target: args.target.clone(),
                basis: args.basis.clone(),
            };
            let found = pareto::pareto(&shared(&args.project, printer)?, &options)?;
            if args.json.json {
                printer.json(&found)?;
            } else {
                printer.data(found.to_text().trim_end())?;
            }
        }
        VersionCommand::Diff(args) => {
            let session = shared(&args.project, printer)?;
            let lines = versions::diff(&session, &args.from, args.to.as_deref())?;
            print_diff(&lines, args.json, printer)?;
        }
        VersionCommand::Restore(args) => {
            let session = shared(&args.project, printer)?;
            let found = versions::find(&session, &args.id)?;
            versions::restore_version(&session, &found, args.discard, None, None)?;
            if args.json.json {
                printer.json(&serde_json::json!({"id": found.id}))?;
            } else {
                printer.note(&format!(
                    "edgewright.toml reads as in version {}; `edgewright run` brings its results back",
                    found.id
                ));
            }
        }
    }
    Ok(Verdict::Done)
}

/// Prints what was taken out and put in.
pub fn print_diff(lines: &[DiffLine], json: JsonArg, printer: &Printer) -> Result<()> {
    if json.json {
        return printer.json(&serde_json::json!({ "lines": lines }));
    }
    for l in lines.iter().filter(|l| l.kind != DiffKind::Same) {
        printer.data(&format!("{}{}", if l.kind == DiffKind::Added { '+' } else { '-' }, l.text))?;
    }
    Ok(())
}
