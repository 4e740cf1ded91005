//! The project file, `edgewright.toml`, and the folder that holds it.

mod charter;
mod learn;
mod lines;
mod training;

use crate::{EngineError, dataset::RangesSection, error::AtPath, stages::elsewhere::Named};
pub use charter::{CharterSection, Metric};
use edgewright_deploy::About;
pub use learn::{BackboneSection, BoxSize, CovarianceKind, LearnKind, LearnSection, Method, Parameter};
use serde::{Deserialize, Serialize};
use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};
pub use training::{TeacherSection, TrainingSection};

/// Name of the project file.
pub const FILE_NAME: &str = "edgewright.toml";
/// Folder beside it with the database and the objects; may be ignored by version control.
pub const STATE_DIR: &str = ".edgewright";

/// Contents of `edgewright.toml`. Every key is optional; unknown keys are refused.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct ProjectFile {
    /// Name and seed.
    pub project: ProjectSection,
    /// What the project is for.
    pub charter: CharterSection,
    /// Files that `run` imports.
    pub data: Vec<DataSource>,
    /// How text tables are read.
    pub tables: TablesSection,
    /// `[labels]`: what labels are called in this project, `"as received" = "as used"`. Two that get one name are one class; what is
    /// renamed to `""` has no label. What was received stays as it is.
    pub labels: BTreeMap<String, String>,
    /// Cleaning of every recording.
    pub clean: CleanSection,
    /// Which samples test and which validate.
    pub split: SplitSection,
    /// Window, DSP blocks, learning blocks.
    pub impulse: ImpulseSection,
    /// How the networks are trained.
    pub training: TrainingSection,
    /// Floors that make `run` and `test` fail.
    pub evaluation: EvaluationSection,
    /// What is exported and proven.
    pub deploy: DeploySection,
    /// Limits of the device that make `run` fail.
    pub contract: ContractSection,
}

/// `[project]`
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct ProjectSection {
    /// Name; prefix of emitted code. Empty: name of the folder.
    pub name: String,
    /// Free text.
    pub description: String,
    /// Seed of every random choice.
    pub seed: u64,
}

impl Default for ProjectSection {
    fn default() -> Self {
        Self { name: String::new(), description: String::new(), seed: 1 }
    }
}

/// `[[data]]`: files that `run` imports and keeps in step with the folder.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct DataSource {
    /// File or folder, relative to the project.
    pub path: String,
    /// A fixed label, instead of `label_from`.
    #[serde(default)]
    pub label: Option<String>,
    /// `folder`, `name`, `name:REGEX`, `column:NAME` or `sidecar`.
    #[serde(default)]
    pub label_from: Option<String>,
    /// `folder`, `regex:RE` or `column:NAME`: samples of one group stay on one side of the split.
    #[serde(default)]
    pub group_from: Option<String>,
    /// `training`, `testing` or `split` (the split stage decides).
    #[serde(default = "split_word")]
    pub category: String,
    /// Rate in Hz of files that do not say it.
    #[serde(default)]
    pub rate_hz: Option<f64>,
    /// `auto`, or a format name.
    #[serde(default)]
    pub format: Option<String>,
    /// Key that acquisition JSON and CBOR must be signed with.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hmac_key: Option<String>,
}

fn split_word() -> String {
    "split".into()
}

/// `[tables]`: how CSV and other text tables are read at import.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct TablesSection {
    /// What the rows are.
    pub rows: Rows,
    /// What stands for a missing value beside empty cells, `?`, `NA`, `null`, `none` and `-`, such as `"-200"`. Rows that are samples
    /// are left out of training and test when the label or an axis that is used (`impulse.axes`) is missing; a time series with a gap is
    /// refused.
    pub missing: Vec<String>,
    /// Columns that are values although their name and numbers are those of a clock (`elapsed_ms`) or of a number of the row (`id`); such
    /// columns are left out else. What `impulse.axes` names is kept without this.
    pub keep: Vec<String>,
    /// Decimal mark, `"."` or `","`; the other one then divides thousands. Left out: found out from each table.
    pub decimal: Option<char>,
}

/// What the rows of a table are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Rows {
    /// Samples when the table has a label column and no time; else a time series.
    #[default]
    Auto,
    /// Samples when the table has a label column, whether it has a time or not.
    Samples,
    /// A time series, cut where label or group change.
    Series,
}

/// `[clean]`
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct CleanSection {
    /// Cut quiet ends that lie this many dB below the loudest part (audio and motion); off when left out.
    pub trim_db: Option<f64>,
    /// Kept on each side of what `trim_db` leaves, in ms.
    pub trim_margin_ms: Option<f64>,
    /// Flag recordings shorter than this, in ms.
    pub min_ms: Option<f64>,
    /// Keep exact duplicates of a recording (same bytes) instead of dropping all but the first.
    pub keep_duplicates: bool,
}

/// `[split]`
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct SplitSection {
    /// Share of the samples of category `split` that test, 0..1.
    pub test: f64,
    /// Share of the training samples that validate, 0..1.
    pub validation: f64,
}

impl Default for SplitSection {
    fn default() -> Self {
        Self { test: 0.2, validation: 0.2 }
    }
}

/// `[impulse]`
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct ImpulseSection {
    /// Length of a window in ms. Left out: 1000 for audio, 2000 for other series.
    pub window_ms: Option<f64>,
    /// From the start of one window to the next, in ms. Left out: half a window.
    pub stride_ms: Option<f64>,
    /// Rate in Hz to which recordings are resampled. Left out: the rate of most recordings.
    pub rate_hz: Option<f64>,
    /// Axes by name, in order. Left out: those of the first recording.
    pub axes: Option<Vec<String>>,
    /// Fill recordings shorter than a window with zeros.
    pub zero_pad: bool,
    /// Width and height to which images are resized.
    pub image: Option<[usize; 2]>,
    /// How images of another shape are brought to that: `squash`, `fit-shortest` (the middle) or `fit-longest` (black beside it).
    pub fit: edgewright_sample::Fit,
    /// What windows of recordings with labelled parts are called.
    pub ranges: RangesSection,
    /// Which features are kept; left out: all.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub select: Option<SelectSection>,
    /// Feature extraction.
    pub dsp: Vec<DspSection>,
    /// What is learned.
    pub learn: Vec<LearnSection>,
}

impl Default for ImpulseSection {
    fn default() -> Self {
        Self {
            window_ms: None,
            stride_ms: None,
            rate_hz: None,
            axes: None,
            zero_pad: true,
            image: None,
            fit: edgewright_sample::Fit::default(),
            ranges: RangesSection::default(),
            select: None,
            dsp: Vec::new(),
            learn: Vec::new(),
        }
    }
}

/// `[impulse.select]`: the features that are kept. Learning blocks take just these, and the device computes no block, axis or
/// generator of which none is kept.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct SelectSection {
    /// How they are chosen.
    pub method: SelectMethod,
    /// By mutual information: how many.
    pub keep: Option<usize>,
    /// By list: their names, as `edgewright dsp importance` prints them.
    pub features: Vec<String>,
}

/// How features are chosen.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum SelectMethod {
    /// Those that tell most of the labels on training windows, each alone.
    #[default]
    MutualInformation,
    /// Those that are named.
    List,
}

impl SelectSection {
    /// What does not go together in it.
    fn problem(&self, learn: &[LearnSection]) -> Option<String> {
        let list = self.method == SelectMethod::List;
        match (list, self.keep, self.features.is_empty()) {
            _ if learn.iter().any(|l| l.kind == LearnKind::Detection) => {
                Some("`impulse.select` does not go with `kind = \"detection\"`, which needs the whole picture; remove it".into())
            }
            (false, None, _) => Some("`impulse.select.keep` is missing: how many features to keep, at least 1".into()),
            (false, Some(0), _) => Some("`impulse.select.keep` is 0; it must be at least 1".into()),
            (false, _, false) => Some("`impulse.select.features` is for `method = \"list\"`".into()),
            (true, Some(_), _) => Some("`impulse.select.keep` is for `method = \"mutual_information\"`".into()),
            (true, None, true) => Some("`impulse.select.features` is empty; name at least one feature".into()),
            _ => None,
        }
    }
}

/// `[[impulse.dsp]]`: a block with its parameters beside the keys named here.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
pub struct DspSection {
    /// Name of the block: see `edgewright dsp list`.
    pub block: String,
    /// Name in the project; left out: the block's name.
    #[serde(default)]
    pub id: Option<String>,
    /// Implementation version; left out: the newest.
    #[serde(default)]
    pub version: Option<u32>,
    /// Axes by name; left out: all.
    #[serde(default)]
    pub axes: Option<Vec<String>>,
    /// File of the project with the program of a custom block, instead of `program`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub file: Option<String>,
    /// External block: where its program answers, such as `http://127.0.0.1:4446`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    /// External block: what starts its program, in the project's folder. Left out: it runs already at `url`. Without a `url` it must listen on
    /// the port of 127.0.0.1 that the variable `PORT` names, which stands for `{port}` in the arguments as well.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub command: Option<Vec<String>>,
    /// External block: `url` may name another machine, which then sees the recordings.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub remote: bool,
    /// External block: seconds that its start, or an answer, may take, a day at most; 60 when left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub time_limit_s: Option<u64>,
    /// External block: parameters of its own, as its `/parameters` declares them.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub parameters: BTreeMap<String, Parameter>,
    /// Parameters of the block.
    #[serde(flatten)]
    pub params: BTreeMap<String, toml::Value>,
}

impl DspSection {
    /// Takes the program out of the file that is named.
    fn read_program(&mut self, dir: &Path) -> Result<(), String> {
        let Some(name) = &self.file else { return Ok(()) };
        if self.block != "custom" {
            return Err(format!("`file = {name:?}` is for `block = \"custom\"`, which this is not"));
        }
        if self.params.contains_key("program") {
            return Err(format!(
                "the custom block has `program` and `file = {name:?}`; leave one of them out"
            ));
        }
        if !crate::confine::inside(dir, name, &[]) {
            return Err(format!("`file = {name:?}` must be a file of the project's folder"));
        }
        let too_long = || {
            format!("`file = {name:?}` has more than {LONGEST_PROGRAM} bytes; a program has at most so many")
        };
        let path = dir.join(name);
        if std::fs::metadata(&path).is_ok_and(|m| m.len() > LONGEST_PROGRAM) {
            return Err(too_long());
        }
        let text =
            std::fs::read_to_string(&path).map_err(|e| format!("`file = {name:?}` cannot be read: {e}"))?;
        self.params.insert("program".into(), toml::Value::String(text));
        Ok(())
    }
}

/// Bytes of a program that is read.
const LONGEST_PROGRAM: u64 = 65_536;

/// `[evaluation]`
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct EvaluationSection {
    /// `run` and `test` fail below this accuracy of the int8 model, 0..1.
    pub min_accuracy: Option<f64>,
    /// `run` and `test` fail below this F1 of the objects that the int8 model finds, 0..1.
    pub min_f1: Option<f64>,
    /// `run` and `test` fail below this AUROC of the anomaly block, 0..1.
    pub min_auroc: Option<f64>,
    /// `run` and `test` fail below this R2 of the int8 model's estimates, at most 1.
    pub min_r2: Option<f64>,
    /// `run` and `test` fail when the weakest slice of at least ten test windows has a smaller accuracy (or F1 of objects) in int8, 0..1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub min_slice_accuracy: Option<f64>,
    /// Facts of recordings by which test windows are sliced: `group`, or keys of the metadata; left out: all that have 2 to 24 values.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub slices: Option<Vec<String>>,
    /// `run` and `test` fail when int8 loses more points of accuracy (or F1 of objects) than this.
    pub max_int8_loss: Option<f64>,
    /// Accuracy that windows above a least confidence should have: `test` suggests one, found on validation windows. 0.95 when left out.
    pub target_accuracy: Option<f64>,
    /// Share of windows whose set of labels should hold the right one, 0..1; 0.9 when left out. When it is given, `classify` prints sets.
    pub coverage: Option<f64>,
    /// How sets are made.
    pub sets: SetKind,
}

/// How a set of labels is made.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum SetKind {
    /// All labels that score at least as much as a limit: the smallest sets on average.
    #[default]
    Lac,
    /// Labels from the highest score down while their sum stays within a limit: more of them where the model wavers. Of the last a part
    /// counts that is drawn from the features, so that sets hold as often as asked for and not more.
    Aps,
}

/// `[contract]`: what the exported code may need on every emulated board of the project, as measured there.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct ContractSection {
    /// `run` fails when code and constants need more bytes than this.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_flash_bytes: Option<u64>,
    /// `run` fails when arena, static data and stack together need more bytes than this.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_ram_bytes: Option<u64>,
    /// `run` fails when a window takes more instructions than this, DSP and network together.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_instructions: Option<u64>,
}

/// `[deploy]`
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct DeploySection {
    /// Targets on which the emitted code is built and executed: see `edgewright targets`.
    pub targets: Vec<String>,
    /// Kind of package that `run` exports.
    pub package: String,
    /// Random windows run on the host beside the test set.
    pub cases: usize,
    /// Test windows run on each emulated board.
    pub board_cases: usize,
    /// Who makes the packages: 1 to 64 letters, digits, spaces, `.`, `-`, `_`.
    pub vendor: String,
    /// Page of the packages; packages name it with their own name behind it.
    pub url: String,
    /// Licence of the packages: an SPDX expression.
    pub licence: String,
    /// File of the project with the text of that licence; needed for one that is not MIT, Apache-2.0 or both.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub licence_file: Option<String>,
}

impl Default for DeploySection {
    fn default() -> Self {
        Self {
            targets: vec!["host".into(), "cortex-m4f".into()],
            package: "c".into(),
            cases: 10_000,
            board_cases: 100,
            vendor: About::default().vendor,
            url: About::default().url,
            licence: About::default().licence,
            licence_file: None,
        }
    }
}

impl DeploySection {
    fn about(&self, text: Option<String>) -> About {
        About { vendor: self.vendor.clone(), url: self.url.clone(), licence: self.licence.clone(), text }
    }
}

impl ProjectFile {
    /// Least confidence of each learning block: what the trained impulse gets on its way out of the store.
    pub fn min_confidences(&self) -> Vec<Option<f64>> {
        self.impulse.learn.iter().map(|l| l.min_confidence).collect()
    }

    /// Reads the text of a project file.
    ///
    /// # Errors
    /// [`EngineError::ProjectFile`] naming line and key, with the nearest known key as a hint.
    pub fn parse(text: &str, path: &Path) -> Result<Self, EngineError> {
        toml::from_str(text).map_err(|e| EngineError::ProjectFile {
            path: path.to_path_buf(),
            message: with_suggestion(&e.to_string()),
        })
    }
}

/// Adds the nearest known key to serde's message about an unknown one.
fn with_suggestion(message: &str) -> String {
    let message = message.trim_end();
    let Some(rest) =
        message.split("unknown field `").nth(1).or_else(|| message.split("unknown variant `").nth(1))
    else {
        return message.to_owned();
    };
    let Some((unknown, rest)) = rest.split_once('`') else {
        return message.to_owned();
    };
    let known = rest.split('`').skip(1).step_by(2);
    match nearest(unknown, known) {
        Some(best) => format!("{message}\nhint: did you mean `{best}`?"),
        None => message.to_owned(),
    }
}

/// The candidate most like `word`, when one is near enough to be meant.
pub fn nearest<'a>(word: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    candidates
        .into_iter()
        .map(|c| (strsim::jaro_winkler(word, c), c))
        .filter(|(score, _)| *score > 0.6)
        .max_by(|a, b| a.0.total_cmp(&b.0).then(b.1.cmp(a.1)))
        .map(|(_, c)| c)
}

/// A project folder: the file, read, and where its state lies.
#[derive(Clone, Debug)]
pub struct Project {
    /// Folder that holds `edgewright.toml`.
    pub dir: PathBuf,
    /// Its contents.
    pub file: ProjectFile,
    /// Its text.
    pub text: String,
}

impl Project {
    /// Networks from elsewhere that training here takes.
    pub(crate) fn elsewhere(&self) -> impl Iterator<Item = Named<'_>> {
        let backbones = self.file.impulse.learn.iter().filter_map(|l| l.backbone.as_ref());
        let teacher = self.file.training.teacher.as_ref().and_then(TeacherSection::named);
        backbones.map(Named::from).chain(teacher)
    }

    /// Reads the project in `dir`.
    ///
    /// # Errors
    /// [`EngineError::NoProject`] when there is no project file, [`EngineError::ProjectFile`] when it is wrong.
    pub fn open(dir: &Path) -> Result<Self, EngineError> {
        let path = dir.join(FILE_NAME);
        let text = match std::fs::read_to_string(&path) {
            Ok(text) => text,
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => {
                return Err(EngineError::NoProject { dir: dir.to_path_buf() });
            }
            Err(source) => return Err(EngineError::Io { path, source }),
        };
        Self::parse(dir, &text)
    }

    /// The project that `dir` would hold with this text as its file.
    ///
    /// # Errors
    /// [`EngineError::ProjectFile`].
    pub fn parse(dir: &Path, text: &str) -> Result<Self, EngineError> {
        let path = dir.join(FILE_NAME);
        let mut file = ProjectFile::parse(text, &path)?;
        if file.project.name.is_empty() {
            let folder = std::path::absolute(dir)
                .ok()
                .and_then(|d| d.file_name().map(|n| n.to_string_lossy().into_owned()))
                .unwrap_or_default();
            file.project.name = folder;
        }
        file.check(&path)?;
        for section in &mut file.impulse.dsp {
            section
                .read_program(dir)
                .map_err(|message| EngineError::ProjectFile { path: path.clone(), message })?;
        }
        Ok(Self { dir: dir.to_path_buf(), file, text: text.to_owned() })
    }

    /// What packages say of their maker and their terms.
    ///
    /// # Errors
    /// [`EngineError::Io`] when the file of the licence cannot be read; [`EngineError::ProjectFile`] when it is empty or no text.
    pub fn about(&self) -> Result<About, EngineError> {
        let deploy = &self.file.deploy;
        let text = match &deploy.licence_file {
            None => None,
            Some(name) => {
                let path = self.dir.join(name);
                Some(std::fs::read_to_string(&path).at(&path)?)
            }
        };
        let about = deploy.about(text);
        about.check().map_err(|problem| EngineError::ProjectFile {
            path: self.dir.join(FILE_NAME),
            message: format!("`[deploy]`: {problem}"),
        })?;
        Ok(about)
    }

    /// Where the database and the objects lie.
    pub fn state_dir(&self) -> PathBuf {
        self.dir.join(STATE_DIR)
    }

    /// Where `run` puts exported packages.
    pub fn build_dir(&self) -> PathBuf {
        self.dir.join("build")
    }

    /// Where `run` and `report` put the report.
    pub fn report_dir(&self) -> PathBuf {
        self.dir.join("report")
    }
}

impl ProjectFile {
    /// Refuses values that no stage could work with.
    fn check(&self, path: &Path) -> Result<(), EngineError> {
        let fail = |message: String| Err(EngineError::ProjectFile { path: path.to_path_buf(), message });
        let share = |name: &str, v: f64| {
            if (0.0..1.0).contains(&v) {
                None
            } else {
                Some(format!("`{name}` is {v}; it must be at least 0 and below 1"))
            }
        };
        let positive = |name: &str, v: Option<f64>| match v {
            Some(v) if v <= 0.0 || !v.is_finite() => Some(format!("`{name}` is {v}; it must be above 0")),
            _ => None,
        };
        let problems = [
            share("split.test", self.split.test),
            share("split.validation", self.split.validation),
            positive("impulse.window_ms", self.impulse.window_ms),
            positive("impulse.stride_ms", self.impulse.stride_ms),
            positive("impulse.rate_hz", self.impulse.rate_hz),
            positive("training.learning_rate", Some(self.training.learning_rate)),
            self.evaluation.coverage.and_then(|v| share("evaluation.coverage", v)),
            self.evaluation.target_accuracy.and_then(|v| share("evaluation.target_accuracy", v)),
        ];
        let learn = self.impulse.learn.iter().find_map(LearnSection::problem);
        let select = self.impulse.select.as_ref().and_then(|s| s.problem(&self.impulse.learn));
        let dsp = self.impulse.dsp.iter().find_map(DspSection::problem);
        if let Some(problem) = problems.into_iter().flatten().next().or(learn).or(select).or(dsp) {
            return fail(problem);
        }
        let backbone = self.impulse.learn.iter().any(|l| l.backbone.is_some());
        if let Some(problem) = self.training.problem().or(self.training.beside(backbone)) {
            return fail(problem);
        }
        if let Some([w, h]) = self.impulse.image
            && (w == 0 || h == 0 || w > 4096 || h > 4096)
        {
            return fail(format!("`impulse.image` is [{w}, {h}]; each side must be 1 to 4096"));
        }
        for (from, to) in self.labels.iter().filter(|(_, to)| !to.is_empty()) {
            if let Err(e) = edgewright_sample::labels::validate_label(to) {
                return fail(format!("`labels.\"{from}\"`: {}", e.message));
            }
        }
        if let Some(problem) = self.impulse.ranges.problem() {
            return fail(problem);
        }
        let deploy = &self.deploy;
        // Its text is read when it is needed.
        let text = deploy.licence_file.as_ref().map(|_| "?".to_owned());
        if let Err(problem) = deploy.about(text).check() {
            return fail(format!("`[deploy]`: {problem}"));
        }
        for learn in &self.impulse.learn {
            if let Some(cut) = learn.cut.filter(|c| ![4, 8, 16].contains(c)) {
                return fail(format!("`impulse.learn.cut` is {cut}; it must be 4, 8 or 16"));
            }
            if let Some(problem) = positive("impulse.learn.object_weight", learn.object_weight) {
                return fail(problem);
            }
            if let Some(problem) = learn.min_confidence.and_then(|v| share("impulse.learn.min_confidence", v))
            {
                return fail(problem);
            }
            if let Some(t) = learn.threshold.filter(|t| !(*t > 0.0 && *t < 1.0)) {
                return fail(format!("`impulse.learn.threshold` is {t}; it must lie between 0 and 1"));
            }
        }
        for source in &self.data {
            if !["training", "testing", "split"].contains(&source.category.as_str()) {
                return fail(format!(
                    "`data.category` is `{}`; it must be `training`, `testing` or `split`",
                    source.category
                ));
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expected: &str) {
        let error = ProjectFile::parse(text, Path::new("edgewright.toml")).expect_err("refused").to_string();
        assert!(error.contains(expected), "{error}");
    }

    #[test]
    fn an_unknown_key_names_the_nearest() {
        check("[impulse]\nwindow_sm = 1000\n", "did you mean `window_ms`");
        check("[trainning]\nepochs = 3\n", "did you mean `training`");
        check("[[data]]\npath = 'x'\nlabel_form = 'name'\n", "did you mean `label_from`");
        check("[training]\nquantization_aware = true\n", "did you mean `quantisation_aware`");
        check("[training.teacher]\ntemprature = 2\n", "did you mean `temperature`");
        check("[[impulse.learn]]\nkind = 'clasifier'\n", "did you mean `classifier`");
    }

    #[test]
    fn an_empty_file_has_the_defaults() {
        let file = ProjectFile::parse("", Path::new("edgewright.toml")).expect("accepted");
        assert_eq!(file, ProjectFile::default());
        assert_eq!(file.project.seed, 1);
    }

    #[test]
    fn impossible_values_are_named() {
        let file = ProjectFile::parse("[split]\ntest = 1.5\n", Path::new("p")).expect("parses");
        let error = file.check(Path::new("p")).expect_err("refused").to_string();
        assert!(error.contains("split.test"), "{error}");
        for (training, expected) in [
            ("prune = 1.0", "`training.prune` is 1; it must be at least 0 and below 1"),
            ("quantisation_aware = true\nfine_tune_epochs = 0", "`training.fine_tune_epochs` is 0"),
            ("teacher = { temperature = 0.5 }", "`training.teacher.temperature` is 0.5"),
            ("teacher = { times = 1 }", "`training.teacher.times` is 1"),
            ("teacher = { share = 0.0 }", "`training.teacher.share` is 0"),
        ] {
            let file =
                ProjectFile::parse(&format!("[training]\n{training}\n"), Path::new("p")).expect("parses");
            let error = file.check(Path::new("p")).expect_err("refused").to_string();
            assert!(error.contains(expected), "{error}");
        }
        for (learn, expected) in [
            ("kind = 'classifier'\nmethod = 'ridge_regression'", "does not suit `kind = \"classifier\"`"),
            (
                "kind = 'regression'\nmethod = 'random_forest'\nmax_leaves = 3",
                "`impulse.learn.max_leaves` is for the method gradient_boosting",
            ),
            (
                "kind = 'classifier'\ntrees = 3",
                "random_forest, gradient_boosting, isolation_forest, not for `network`",
            ),
        ] {
            let text = format!("[[impulse.learn]]\n{learn}\n");
            let file = ProjectFile::parse(&text, Path::new("p")).expect("parses");
            let error = file.check(Path::new("p")).expect_err("refused").to_string();
            assert!(error.contains(expected), "{error}");
        }
    }
}
