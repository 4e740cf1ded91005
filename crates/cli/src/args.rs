//! What can be typed.

use clap::{Args, Parser, Subcommand, ValueEnum};
use edgewright_engine::dataset::Format;
use std::path::PathBuf;

/// From a folder of recordings to a proven C library.
#[derive(Debug, Parser)]
#[command(name = "edgewright", version, max_term_width = 110, after_help = EXAMPLES)]
pub struct Cli {
    /// Print nothing but data and errors.
    #[arg(long, short, global = true)]
    pub quiet: bool,
    /// Show no progress bars.
    #[arg(long, global = true)]
    pub no_progress: bool,
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

const EXAMPLES: &str = "Examples:
  edgewright new kws --template keywords
  edgewright data import ~/recordings --project kws --label-from folder
  edgewright run kws
  edgewright classify kws clip.wav
  edgewright build kws --target cortex-m4f --package c --out kws.zip";

/// Verbs on a project, nouns for the rest.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Make a project with a commented edgewright.toml.
    New(NewArgs),
    /// Import recordings, look at them, find problems.
    #[command(subcommand)]
    Data(DataCommand),
    /// Bring every stage up to date: import clean split features train test build verify report.
    Run(RunArgs),
    /// Evaluate the impulse on the test set.
    Test(TestArgs),
    /// Classify files with the trained impulse.
    Classify(ClassifyArgs),
    /// Say which part of a sample's window the trained impulse went by.
    Explain(crate::training::ExplainArgs),
    /// Write the report and print where it lies.
    Report(ReportArgs),
    /// Export one package.
    Build(BuildArgs),
    /// Build, execute and compare the emitted code on each target.
    Verify(VerifyArgs),
    /// The processing blocks.
    #[command(subcommand)]
    Dsp(DspCommand),
    /// What helps to train.
    #[command(subcommand)]
    Train(crate::training::TrainCommand),
    /// Models from elsewhere, without a project.
    #[command(subcommand)]
    Model(crate::model::ModelCommand),
    /// Say what the impulse will be like before it is trained: shapes, weights, memory, instructions.
    Estimate(EstimateArgs),
    /// Several impulses of a project: keep, compare, switch.
    #[command(subcommand)]
    Impulse(crate::impulse::ImpulseCommand),
    /// What was trained in a project, what changed since, and the way back.
    #[command(subcommand)]
    Version(crate::version::VersionCommand),
    /// Say how far a project is, in the ten stages of its lifecycle, and what to do next.
    Status(ProjectJson),
    /// What can be built for.
    Targets(TargetsArgs),
    /// What is installed, what is missing, and the command that installs it.
    Doctor(JsonArg),
    /// Serve a folder of projects, or one, with the Studio and its HTTP API.
    Serve(crate::server::ServeArgs),
    /// Take jobs of a server's folder in a process of its own.
    Worker(crate::server::WorkerArgs),
    /// Print a new link that signs in once.
    Login(crate::server::LoginArgs),
    /// Who may sign in to a server.
    #[command(subcommand)]
    Account(crate::account::AccountCommand),
    /// Who is told when a job of a server ends.
    #[command(subcommand)]
    Hook(crate::hook::HookCommand),
    /// API keys.
    #[command(subcommand)]
    Key(crate::server::KeyCommand),
    /// Print a completion script for a shell.
    Completions {
        /// The shell.
        shell: clap_complete::Shell,
    },
    /// Write the generated pages of the manual.
    #[command(hide = true)]
    GenerateDocs {
        /// Folder to write to.
        out: PathBuf,
    },
}

/// `--json`
#[derive(Clone, Copy, Debug, Args)]
pub struct JsonArg {
    /// Print one JSON object instead of text.
    #[arg(long)]
    pub json: bool,
}

/// A project and `--json`.
#[derive(Debug, Args)]
pub struct ProjectJson {
    /// Folder that holds edgewright.toml.
    #[arg(default_value = ".")]
    pub project: PathBuf,
    /// Output format.
    #[command(flatten)]
    pub json: JsonArg,
}

/// Which run of a project is meant.
#[derive(Debug, Args)]
pub struct SeedArg {
    /// Seed of the run that is meant; left out: the project's. A model of another seed is trained when there is none yet.
    #[arg(long)]
    pub seed: Option<u64>,
}

/// `test`
#[derive(Debug, Args)]
pub struct TestArgs {
    /// Project and output format.
    #[command(flatten)]
    pub at: ProjectJson,
    /// Which run.
    #[command(flatten)]
    pub of: SeedArg,
}

/// `new`
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  edgewright new kws --template keywords")]
pub struct NewArgs {
    /// Folder to make.
    pub dir: PathBuf,
    /// What the project is about: keywords, motion, anomaly, image, detection, tabular, regression, empty.
    #[arg(long, default_value = "keywords")]
    pub template: String,
    /// Output format.
    #[command(flatten)]
    pub json: JsonArg,
}

/// Categories of samples.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub enum Category {
    /// Trains (a share of them validates).
    Training,
    /// Only tests.
    Testing,
    /// The split stage decides.
    Split,
}

impl Category {
    /// The word in the database.
    pub fn word(self) -> &'static str {
        match self {
            Self::Training => "training",
            Self::Testing => "testing",
            Self::Split => "split",
        }
    }
}

/// `data ...`
#[derive(Debug, Subcommand)]
pub enum DataCommand {
    /// Import files and folders.
    Import(ImportArgs),
    /// List the samples.
    List(DataProject),
    /// Show one sample.
    Show(DataSample),
    /// Find problems in the data set.
    Scan(DataProject),
    /// How far the people who labelled the samples agree, and which samples they dispute.
    Agreement(DataProject),
    /// Follow a sample from its file to its windows.
    Trace(DataSample),
    /// Make samples of the parts of a recording: around what is loud, or from one time to another.
    Cut(CutArgs),
    /// Take everything out: files as received and info.labels.
    Export(ExportArgs),
    /// Say what the data are like: distributions, spectra, correlation, how far labels are apart, slices.
    Analyse(crate::analyse::AnalyseArgs),
    /// Say what to collect next: where the impulse is weakest, and how many more samples a goal takes.
    Advise(crate::advise::AdviseArgs),
}

/// `data cut`
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  edgewright data cut yes.long.wav --events 1000 --dry-run\n  edgewright data cut yes.long.wav --from 500 --to 1500"
)]
#[command(group = clap::ArgGroup::new("what").required(true).args(["events", "from"]))]
pub struct CutArgs {
    /// Id of the sample, the first characters of it, or its name.
    pub id: String,
    /// A part of this many ms around each event.
    #[arg(long, value_name = "MS")]
    pub events: Option<f64>,
    /// One part from this time in ms on.
    #[arg(long, value_name = "MS", requires = "to")]
    pub from: Option<f64>,
    /// Up to this time in ms.
    #[arg(long, value_name = "MS", requires = "from")]
    pub to: Option<f64>,
    /// Keep using the whole recording as well.
    #[arg(long)]
    pub keep: bool,
    /// Only say which parts there would be.
    #[arg(long)]
    pub dry_run: bool,
    /// Project and output format.
    #[command(flatten)]
    pub at: DataProject,
}

/// A project option and `--json`.
#[derive(Debug, Args)]
pub struct DataProject {
    /// Folder that holds edgewright.toml.
    #[arg(long, default_value = ".")]
    pub project: PathBuf,
    /// Output format.
    #[command(flatten)]
    pub json: JsonArg,
}

/// One sample of a project.
#[derive(Debug, Args)]
pub struct DataSample {
    /// Id of the sample, or the first characters of it.
    pub id: String,
    /// Project and output format.
    #[command(flatten)]
    pub at: DataProject,
}

/// `data export`
#[derive(Debug, Args)]
pub struct ExportArgs {
    /// Folder to write to.
    pub out: PathBuf,
    /// Project and output format.
    #[command(flatten)]
    pub at: DataProject,
}

/// `data import`
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  edgewright data import recordings --label-from folder
  edgewright data import clips --label-from 'name:^(.*?)_' --group-from 'regex:_(.*?)_'
  edgewright data import table.csv --label-from column:species
  edgewright data import noise.wav --label noise --category training --dry-run")]
pub struct ImportArgs {
    // What is read is declared once, by the formats.
    #[arg(required = true, help = format!("Files and folders: {}", Format::titles()))]
    pub paths: Vec<PathBuf>,
    /// Folder that holds edgewright.toml.
    #[arg(long, default_value = ".")]
    pub project: PathBuf,
    /// One label for all files.
    #[arg(long, conflicts_with = "label_from")]
    pub label: Option<String>,
    /// folder, name, name:REGEX, column:NAME or sidecar. A sidecar is info.labels, structured_labels.labels,
    /// bounding_boxes.labels, or beside pictures their boxes as Pascal VOC, COCO, Create ML, YOLO or a CSV table. Left out: the sidecar if
    /// there is one, else the folder, else the name.
    #[arg(long)]
    pub label_from: Option<String>,
    /// Which side of the split. Left out: what a sidecar says, else split.
    #[arg(long)]
    pub category: Option<Category>,
    /// folder, regex:RE or column:NAME: samples of one group stay on one side.
    #[arg(long)]
    pub group_from: Option<String>,
    #[arg(long, default_value = "auto", help = format!("auto, {}", Format::names()))]
    pub format: String,
    /// Rate in Hz of files that do not say it.
    #[arg(long)]
    pub rate: Option<f64>,
    /// Key that acquisition JSON and CBOR must be signed with; those with a wrong or no signature are quarantined.
    #[arg(long, value_name = "KEY")]
    pub hmac_key: Option<String>,
    /// Only say what would be imported.
    #[arg(long)]
    pub dry_run: bool,
    /// Output format.
    #[command(flatten)]
    pub json: JsonArg,
}

/// `run`
#[derive(Debug, Args)]
pub struct RunArgs {
    /// Folder that holds edgewright.toml.
    #[arg(default_value = ".")]
    pub project: PathBuf,
    /// Last stage: import, clean, split, features, train, test, build, verify or report.
    #[arg(long)]
    pub until: Option<String>,
    /// Seed instead of the project's.
    #[arg(long)]
    pub seed: Option<u64>,
    /// Threads; results do not depend on it.
    #[arg(long)]
    pub jobs: Option<usize>,
    /// Output format.
    #[command(flatten)]
    pub json: JsonArg,
}

/// `classify`
#[derive(Debug, Args)]
pub struct ClassifyArgs {
    /// The project (left out: the current folder), then the files and folders to classify.
    #[arg(required = true)]
    pub paths: Vec<PathBuf>,
    /// Rate in Hz of files that do not say it.
    #[arg(long)]
    pub rate: Option<f64>,
    /// Which run.
    #[command(flatten)]
    pub of: SeedArg,
    /// One JSON object per window.
    #[arg(long)]
    pub json: bool,
}

/// `report`
#[derive(Debug, Args)]
pub struct ReportArgs {
    /// Folder that holds edgewright.toml.
    #[arg(default_value = ".")]
    pub project: PathBuf,
    /// Open it in the browser.
    #[arg(long)]
    pub open: bool,
    /// Which run.
    #[command(flatten)]
    pub of: SeedArg,
    /// Output format.
    #[command(flatten)]
    pub json: JsonArg,
}

/// `build`
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  edgewright build kws --target cortex-m4f --package c --out kws.zip\n  edgewright build kws --target arduino-nano-33-ble-sense --package arduino --verify --out kws.zip\n\nThe package holds proof.json when the project was verified as it is now, or with --verify."
)]
pub struct BuildArgs {
    /// Folder that holds edgewright.toml.
    #[arg(default_value = ".")]
    pub project: PathBuf,
    /// Target: see `edgewright targets`. Left out: host for eim, server and oci, wasm32 for wasm, else cortex-m4f.
    #[arg(long)]
    pub target: Option<String>,
    /// Kind of package: c, cpp, cmake, rust, arduino, cmsis-pack, cube-mx, keil, iar, zephyr, esp-idf, pico-sdk, particle, android,
    /// openmv, custom, eim, server, oci or wasm; `edgewright targets` says which a target has.
    #[arg(long, default_value = "c")]
    pub package: String,
    /// File to write.
    #[arg(long)]
    pub out: PathBuf,
    /// Export the float impulse instead of the int8 one.
    #[arg(long)]
    pub float: bool,
    /// Prove the code on this machine and on the target's core first; the report goes into the package. Fails when it differs.
    #[arg(long, conflicts_with = "float")]
    pub verify: bool,
    /// Which run.
    #[command(flatten)]
    pub of: SeedArg,
    /// Output format.
    #[command(flatten)]
    pub json: JsonArg,
}

/// `verify`
#[derive(Debug, Args)]
pub struct VerifyArgs {
    /// Folder that holds edgewright.toml.
    #[arg(default_value = ".")]
    pub project: PathBuf,
    /// Target; may be given several times. Left out: those of the project.
    #[arg(long)]
    pub target: Vec<String>,
    /// Random windows beside the test set, on the host.
    #[arg(long)]
    pub cases: Option<usize>,
    /// Which run.
    #[command(flatten)]
    pub of: SeedArg,
    /// Output format.
    #[command(flatten)]
    pub json: JsonArg,
}

/// `dsp ...`
#[derive(Debug, Subcommand)]
pub enum DspCommand {
    /// List the blocks with their parameters.
    List(JsonArg),
    /// Run one block on one window.
    Run(DspRunArgs),
    /// Tell what each feature of a project tells of the labels, and what the trained impulse loses without it.
    Importance(ProjectJson),
    /// Search the parameters of a block: how well its features tell training windows apart, and what they cost.
    Tune(TuneArgs),
}

/// `dsp tune`
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  edgewright dsp tune motion --trials 60\n  edgewright dsp tune motion --block spectral_analysis --apply\n\nThe search looks at training windows alone. Its best settings are then trained and compared on validation windows; with an anomaly block, by what that block tells as well. A setting at which one of both figures loses half a point is not chosen. What the choice is worth is told on test windows."
)]
pub struct TuneArgs {
    /// Folder that holds edgewright.toml.
    #[arg(default_value = ".")]
    pub project: PathBuf,
    /// Name of the block in the project; left out: the first.
    #[arg(long, value_name = "ID")]
    pub block: Option<String>,
    /// Settings that are tried, with those of the project file.
    #[arg(long, default_value_t = 40, value_parser = clap::value_parser!(u64).range(2..=10_000))]
    pub trials: u64,
    /// Of the best settings, how many are trained beside those of the project file; 0: the search alone decides.
    #[arg(long, default_value_t = 4, value_parser = clap::value_parser!(u64).range(0..=100))]
    pub finalists: u64,
    /// Seed of the search; left out: the project's.
    #[arg(long)]
    pub seed: Option<u64>,
    /// Write the best settings into edgewright.toml; comments stay.
    #[arg(long)]
    pub apply: bool,
    /// Output format.
    #[command(flatten)]
    pub json: JsonArg,
}

/// `--arith`
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Arithmetic {
    /// Single precision.
    Float,
    /// Whole numbers, for cores without a floating-point unit.
    Fixed,
}

/// `dsp run`
#[derive(Debug, Args)]
#[command(after_help = "Example:
  edgewright dsp run mfcc --version 4 --params '{\"num_cepstral\": 13}' --rate 16000 --input x.npy --out y.npy
  edgewright dsp run anomaly_kmeans --params @clusters.json --input features.npy --out scores.npy

What follows a network (`dsp list` names it) takes an array or a .json file and writes an array, or JSON when the
result is no array or --out ends in .json.")]
pub struct DspRunArgs {
    /// Name of the block.
    pub block: String,
    /// Implementation version; left out: the newest.
    #[arg(long = "version")]
    pub implementation: Option<u32>,
    /// Parameters as a JSON object, or @FILE that holds one; the others have their defaults.
    #[arg(long, default_value = "{}")]
    pub params: String,
    /// Sampling rate in Hz.
    #[arg(long, default_value_t = 0.0, allow_negative_numbers = true)]
    pub rate: f64,
    /// Axes of a flat input; a picture says itself how many channels it has.
    #[arg(long)]
    pub axes: Option<usize>,
    /// Window as .npy: flat, samples x axes, or height x width x channels; uint8, int16, float32 or float64.
    #[arg(long)]
    pub input: PathBuf,
    /// Features as .npy: flat, float32.
    #[arg(long)]
    pub out: PathBuf,
    /// Run it so many times and print the time of one run.
    #[arg(long)]
    pub repeat: Option<usize>,
    /// Give the window to the block in slices of so many samples, as they come from a sensor.
    #[arg(long, value_name = "SLICE")]
    pub stream: Option<usize>,
    /// Arithmetic of the block.
    #[arg(long, value_enum, default_value = "float")]
    pub arith: Arithmetic,
    /// Take the input for consecutive windows of so many values, given to one handle; the features follow each other.
    #[arg(long, value_name = "WINDOW", conflicts_with = "stream")]
    pub stateful: Option<usize>,
    /// Output format.
    #[command(flatten)]
    pub json: JsonArg,
}

/// `estimate`
#[derive(Debug, Args)]
#[command(
    after_help = "Example:\n  edgewright estimate gestures\n  edgewright estimate gestures --target cortex-m0plus --json"
)]
pub struct EstimateArgs {
    /// Folder of the project.
    #[arg(default_value = ".")]
    pub dir: PathBuf,
    /// Say it for this target; may be repeated. Left out: those of the project.
    #[arg(long = "target", value_name = "ID")]
    pub targets: Vec<String>,
    /// Output format.
    #[command(flatten)]
    pub json: JsonArg,
}

/// `targets`
#[derive(Debug, Args)]
pub struct TargetsArgs {
    /// Show this target only.
    pub id: Option<String>,
    /// Say on which targets the impulse of this project fits, and what binds.
    #[arg(long, value_name = "DIR")]
    pub fit: Option<PathBuf>,
    /// Output format.
    #[command(flatten)]
    pub json: JsonArg,
}
