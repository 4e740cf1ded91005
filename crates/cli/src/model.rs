//! `model ...`: models from elsewhere.

use crate::{args::JsonArg, commands::Verdict, output::Printer};
use anyhow::Result;
use clap::{Args, Subcommand};
use edgewright_engine::model_tool;
use std::path::PathBuf;

/// `model ...`
#[derive(Debug, Subcommand)]
pub enum ModelCommand {
    /// Run a model on the cases of a .npy file.
    Run(ModelRunArgs),
    /// Write a model as a C library.
    Export(ModelExportArgs),
}

/// A model file and how it is read.
#[derive(Debug, Args)]
pub struct ModelFile {
    /// Model: .tflite, .lite or .onnx.
    pub file: PathBuf,
    /// Whose integer rules to follow where the runtimes differ (dense layers, logistic, tangent): litert or tflm.
    #[arg(long, default_value = "litert")]
    pub reference: String,
}

/// `model run`
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  edgewright model run kws.tflite --input x.npy --out y.npy")]
pub struct ModelRunArgs {
    /// The model.
    #[command(flatten)]
    pub model: ModelFile,
    /// Inputs as .npy in the model's own type; the first axis is cases, fed in order to one instance.
    #[arg(long)]
    pub input: PathBuf,
    /// Outputs as .npy; a second output goes to NAME.1.npy, and so on.
    #[arg(long)]
    pub out: PathBuf,
    /// Output format.
    #[command(flatten)]
    pub json: JsonArg,
}

/// `model export`
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  edgewright model export kws.tflite --format c --out kws_c")]
pub struct ModelExportArgs {
    /// The model.
    #[command(flatten)]
    pub model: ModelFile,
    /// c: a folder with one .h and one .c.
    #[arg(long, default_value = "c")]
    pub format: String,
    /// Folder to write to.
    #[arg(long)]
    pub out: PathBuf,
    /// Target whose kernels the code uses: see `edgewright targets`.
    #[arg(long, default_value = "host")]
    pub target: String,
    /// Output format.
    #[command(flatten)]
    pub json: JsonArg,
}

/// Runs a command.
pub fn run(command: &ModelCommand, printer: &Printer) -> Result<Verdict> {
    match command {
        ModelCommand::Run(args) => {
            let reference = model_tool::reference(&args.model.reference)?;
            let outcome = model_tool::run(&args.model.file, &args.input, &args.out, reference)?;
            for note in &outcome.notes {
                printer.note(note);
            }
            if args.json.json {
                printer.json(&outcome)?;
            } else {
                for (file, info) in outcome.files.iter().zip(&outcome.outputs) {
                    printer.data(&format!(
                        "{}: {} x {:?} {} ({}, reference {})",
                        file.display(),
                        outcome.cases,
                        info.shape,
                        info.dtype,
                        info.name,
                        outcome.reference
                    ))?;
                }
            }
        }
        ModelCommand::Export(args) => {
            let reference = model_tool::reference(&args.model.reference)?;
            let outcome =
                model_tool::export(&args.model.file, &args.format, &args.out, &args.target, reference)?;
            for note in &outcome.notes {
                printer.note(note);
            }
            if args.json.json {
                printer.json(&outcome)?;
            } else {
                for file in &outcome.files {
                    printer.data(&file.display().to_string())?;
                }
            }
        }
    }
    Ok(Verdict::Done)
}
