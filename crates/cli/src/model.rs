//! `model ...`: models from elsewhere.

use crate::{args::JsonArg, commands::Verdict, output::Printer};
use anyhow::Result;
use clap::{Args, Subcommand};
use edgewright_engine::{model_import, model_profile, model_quantize, model_tool};
use std::path::PathBuf;

/// `model ...`
#[derive(Debug, Subcommand)]
pub enum ModelCommand {
    /// Run a model on the cases of a .npy file.
    Run(ModelRunArgs),
    /// Make a model the learning block of a project.
    Import(ModelImportArgs),
    /// Show what a model costs on each target.
    Profile(ModelProfileArgs),
    /// Turn a float model into one of integers.
    Quantize(ModelQuantizeArgs),
    /// Write a model as a C library, a Rust crate, a TFLite or an ONNX file.
    Export(ModelExportArgs),
}

/// A model file and how it is read.
#[derive(Debug, Args)]
pub struct ModelFile {
    /// Model: .tflite, .lite, .onnx or .ewg.
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
    /// Inputs as .npy in the model's own type; the first axis is cases, fed in order to one instance. A model of several inputs takes
    /// one file for each, in its order or as NAME=FILE; the first alone (X.npy) stands for X.1.npy and so on beside it.
    #[arg(long, required = true, value_name = "FILE")]
    pub input: Vec<String>,
    /// Outputs as .npy; a second output goes to NAME.1.npy, and so on.
    #[arg(long)]
    pub out: PathBuf,
    /// Output format.
    #[command(flatten)]
    pub json: JsonArg,
}

/// `model import`
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  edgewright model import kws.tflite --project kws --labels yes,no,noise")]
pub struct ModelImportArgs {
    /// Model: .tflite, .lite, .onnx or .ewg.
    pub file: PathBuf,
    /// The project.
    #[arg(long, default_value = ".")]
    pub project: PathBuf,
    /// Labels of the outputs in their order; left out: the project's labels in alphabetical order.
    #[arg(long, value_delimiter = ',')]
    pub labels: Vec<String>,
    /// Output format.
    #[command(flatten)]
    pub json: JsonArg,
}

/// `model profile`
#[derive(Debug, Args)]
#[command(
    after_help = "Example:\n  edgewright model profile kws.tflite --target cortex-m4f --execute --svg kws.svg"
)]
pub struct ModelProfileArgs {
    /// The model.
    #[command(flatten)]
    pub model: ModelFile,
    /// Target; may be given several times. All when left out.
    #[arg(long)]
    pub target: Vec<String>,
    /// Build the code and run it on every core that can be emulated here; the figures are then measured.
    #[arg(long)]
    pub execute: bool,
    /// Write the cost of each layer on the first target as a picture.
    #[arg(long, value_name = "FILE")]
    pub svg: Option<PathBuf>,
    /// Output format.
    #[command(flatten)]
    pub json: JsonArg,
}

/// `model quantize`
#[derive(Debug, Args)]
#[command(
    after_help = "Example:\n  edgewright model quantize float.tflite --calibration x.npy --out int8.tflite"
)]
pub struct ModelQuantizeArgs {
    /// The model, in float.
    #[command(flatten)]
    pub model: ModelFile,
    /// Inputs as .npy; the first axis is cases. Several inputs as for `model run`.
    #[arg(long, required = true, value_name = "FILE")]
    pub calibration: Vec<String>,
    /// File to write: .tflite, .onnx, or .ewg for our own text.
    #[arg(long)]
    pub out: PathBuf,
    /// How ranges of activations are chosen: min-max, mse, percentile, percentile:P.
    #[arg(long, default_value = "min-max")]
    pub method: String,
    /// What activations and weights become: int8, or int16x8 (activations of 16 bits, weights of bytes).
    #[arg(long, default_value = "int8")]
    pub scheme: String,
    /// Type of inputs and outputs of the new model: float, or the scheme's int8 or int16.
    #[arg(long, default_value = "float")]
    pub io: String,
    /// Largest loss that is written: root mean squared difference over the size of the float outputs.
    #[arg(long, default_value_t = model_quantize::BUDGET)]
    pub budget: f64,
    /// Write the model whatever it loses.
    #[arg(long)]
    pub force: bool,
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
    /// c: a folder with one .h and one .c; rust: a folder with a crate; tflite, onnx: one file.
    #[arg(long, default_value = "c")]
    pub format: String,
    /// Folder or file to write to.
    #[arg(long)]
    pub out: PathBuf,
    /// Target whose kernels the code uses: see `edgewright targets`.
    #[arg(long, default_value = "host")]
    pub target: String,
    /// What the names of the code begin with, and its files are called: of c and rust; made of the file's name when left out.
    #[arg(long, value_name = "NAME")]
    pub prefix: Option<String>,
    /// Output format.
    #[command(flatten)]
    pub json: JsonArg,
}

/// Runs a command.
pub fn run(command: &ModelCommand, printer: &Printer) -> Result<Verdict> {
    match command {
        ModelCommand::Run(args) => {
            let reference = model_tool::reference(&args.model.reference)?;
            let outcome = model_tool::run(&args.model.file, &args.input, &args.out, reference, printer)?;
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
        ModelCommand::Import(args) => {
            let outcome = model_import::import(&args.file, &args.project, &args.labels)?;
            for note in &outcome.notes {
                printer.note(note);
            }
            if args.json.json {
                printer.json(&outcome)?;
            } else {
                printer.data(&format!(
                    "{} is the {} of {}: {:?} in, {:?} out, {} MACs",
                    outcome.model,
                    outcome.kind,
                    outcome.project.display(),
                    outcome.input.shape,
                    outcome.output.shape,
                    outcome.macs
                ))?;
            }
        }
        ModelCommand::Profile(args) => {
            let reference = model_tool::reference(&args.model.reference)?;
            let profile =
                model_profile::profile(&args.model.file, &args.target, args.execute, reference, printer)?;
            if let Some(path) = &args.svg {
                model_tool::write(path, profile.svg().as_bytes())?;
                printer.note(&format!("wrote {}", path.display()));
            }
            if args.json.json {
                printer.json(&profile)?;
            } else {
                printer.data(&profile.table())?;
                for note in &profile.notes {
                    printer.note(note);
                }
            }
        }
        ModelCommand::Quantize(args) => {
            let scheme = model_quantize::scheme(&args.scheme)?;
            let options = model_quantize::QuantizeOptions {
                scheme,
                method: model_quantize::method(&args.method)?,
                ends: model_quantize::ends(&args.io, scheme)?,
                budget: args.budget,
                force: args.force,
                reference: model_tool::reference(&args.model.reference)?,
            };
            let outcome =
                model_quantize::quantize(&args.model.file, &args.calibration, &args.out, &options, printer)?;
            for note in &outcome.notes {
                printer.note(note);
            }
            if args.json.json {
                printer.json(&outcome)?;
            } else {
                let agreement = outcome
                    .agreement
                    .map_or(String::new(), |a| format!(", the same largest output for {:.1} %", 100.0 * a));
                printer.data(&format!(
                    "{}: {} bytes of weights before, {} now; off by {:.2} % on {} inputs{agreement}",
                    outcome.file.display(),
                    outcome.weight_bytes[0],
                    outcome.weight_bytes[1],
                    100.0 * outcome.loss,
                    outcome.cases
                ))?;
            }
        }
        ModelCommand::Export(args) => {
            let reference = model_tool::reference(&args.model.reference)?;
            let (format, target, prefix) = (&args.format, &args.target, args.prefix.as_deref());
            let outcome = model_tool::export(&args.model.file, format, &args.out, target, prefix, reference)?;
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
