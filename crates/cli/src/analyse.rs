//! `data analyse`: what the data are like.

use crate::{args::DataProject, commands::Verdict, output::Printer};
use anyhow::Result;
use clap::Args;
use edgewright_engine::{analysis::Export, session::Session};
use std::path::PathBuf;

/// `data analyse`
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  edgewright data analyse --project kws\n  edgewright data analyse --project kws --export analysis\n\nLengths and values are told of recordings on all sides of the split, of at most 1000 evenly spaced ones; spectra are means of 256 values\nunder a Hann window; what features tell of labels, and how far labels are apart, is told of training windows alone. --export writes\nsamples, slices, levels, histogram, spectra, features, correlations and separability as CSV and Parquet, and pictures as SVG."
)]
pub struct AnalyseArgs {
    /// Write tables and pictures into this folder.
    #[arg(long, value_name = "DIR")]
    export: Option<PathBuf>,
    /// Project and output format.
    #[command(flatten)]
    at: DataProject,
}

/// Analyses, and writes what there is.
pub fn analyse(args: &AnalyseArgs, printer: &Printer) -> Result<Verdict> {
    let session = Session::open(&args.at.project, printer, crate::commands::threads(None), None)?;
    let export = Export::new(&session)?;
    if let Some(folder) = &args.export {
        let written = export.write(folder)?;
        printer.note(&format!("wrote {} files to {}", written.len(), folder.display()));
    }
    if args.at.json.json {
        printer.json(export.analysis())?;
    } else {
        printer.data(export.analysis().to_text().trim_end())?;
    }
    Ok(Verdict::Done)
}
