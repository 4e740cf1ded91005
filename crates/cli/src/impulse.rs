//! `impulse ...`: several impulses of a project, kept as text in `impulses/`.

use crate::{
    args::{JsonArg, ProjectJson},
    commands::Verdict,
    output::Printer,
    version::print_diff,
};
use anyhow::Result;
use clap::{Args, Subcommand};
use edgewright_engine::impulses;
use std::path::PathBuf;

/// `impulse ...`
#[derive(Debug, Subcommand)]
#[command(after_help = "Examples:
  edgewright impulse save small
  edgewright impulse diff small large
  edgewright impulse use small")]
pub enum ImpulseCommand {
    /// List the impulses that were kept beside the one in use, which stands in edgewright.toml.
    List(ProjectJson),
    /// Keep the impulse in use under a name: its sections `impulse` and `training`.
    Save(NamedArgs),
    /// Put a kept impulse into edgewright.toml; all other sections stay.
    Use {
        /// The impulse.
        #[command(flatten)]
        which: NamedArgs,
        /// Also when the one in use is kept under no name, and is lost then.
        #[arg(long)]
        discard: bool,
    },
    /// Say what changes from a kept impulse to another, or to the one in use.
    Diff(ImpulseDiffArgs),
    /// Remove a kept impulse; edgewright.toml stays as it is.
    Remove(NamedArgs),
}

/// An impulse by name.
#[derive(Debug, Args)]
pub struct NamedArgs {
    /// 1 to 64 letters, digits, `-` and `_`.
    name: String,
    /// Folder that holds edgewright.toml.
    #[arg(long, default_value = ".")]
    project: PathBuf,
    /// Output format.
    #[command(flatten)]
    json: JsonArg,
}

/// `impulse diff`
#[derive(Debug, Args)]
pub struct ImpulseDiffArgs {
    /// Name of a kept impulse.
    from: String,
    /// Name of another; the one in use when left out.
    to: Option<String>,
    /// Folder that holds edgewright.toml.
    #[arg(long, default_value = ".")]
    project: PathBuf,
    /// Output format.
    #[command(flatten)]
    json: JsonArg,
}

/// Lists, keeps, switches, compares, removes.
pub fn impulse(command: &ImpulseCommand, printer: &Printer) -> Result<Verdict> {
    let told = |args: &NamedArgs, words: &str| -> Result<()> {
        if args.json.json {
            return printer.json(&serde_json::json!({"name": args.name}));
        }
        printer.note(words);
        Ok(())
    };
    match command {
        ImpulseCommand::List(args) => {
            let all = impulses::list(&args.project)?;
            if args.json.json {
                printer.json(&serde_json::json!({ "impulses": all }))?;
            } else {
                for i in all {
                    let word = match (&i.problem, i.current) {
                        (Some(problem), _) => format!("  cannot be used: {problem}"),
                        (None, true) => "  (in use)".into(),
                        (None, false) => String::new(),
                    };
                    printer.data(&format!("{}{word}", i.name))?;
                }
            }
        }
        ImpulseCommand::Save(args) => {
            impulses::save(&args.project, &args.name)?;
            told(args, &format!("kept as impulses/{}.toml", args.name))?;
        }
        ImpulseCommand::Use { which, discard } => {
            impulses::switch(&which.project, &which.name, *discard, None)?;
            told(which, &format!("`{}` is in use; `edgewright run` brings its results", which.name))?;
        }
        ImpulseCommand::Diff(args) => {
            let lines = impulses::diff(&args.project, &args.from, args.to.as_deref())?;
            print_diff(&lines, args.json, printer)?;
        }
        ImpulseCommand::Remove(args) => {
            impulses::remove(&args.project, &args.name)?;
            told(args, &format!("impulses/{}.toml is gone", args.name))?;
        }
    }
    Ok(Verdict::Done)
}
