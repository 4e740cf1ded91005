//! Projects and their files.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// A project.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct Project {
    /// Name of its folder.
    pub id: String,
    /// Name in its file.
    pub name: String,
    /// Free text.
    pub description: String,
    /// Why its file cannot be used, when it cannot.
    pub problem: Option<String>,
}

/// All projects.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct ProjectList {
    /// In order of id.
    pub projects: Vec<Project>,
    /// Templates of a new project; none when the server serves one project alone.
    pub templates: Vec<String>,
}

/// A project to make.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewProject {
    /// 1 to 64 letters, digits, `-` and `_`; the name of its folder.
    pub id: String,
    /// One of the list's templates.
    pub template: String,
}

/// The text of `edgewright.toml`.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct ProjectFile {
    /// TOML.
    pub text: String,
    /// Hash of the text, to be sent back with a change.
    pub version: String,
    /// The settings in it that forms edit, when the text can be used.
    pub settings: Option<Settings>,
    /// Why the text cannot be used, when it cannot.
    pub problem: Option<String>,
}

/// Settings of a project file that forms show; what is `null` is left to the program.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct Settings {
    /// Length of a window in ms.
    pub window_ms: Option<f64>,
    /// From one window to the next in ms.
    pub stride_ms: Option<f64>,
    /// Rate in Hz to which recordings are brought.
    pub rate_hz: Option<f64>,
    /// Names of the DSP blocks.
    pub blocks: Vec<String>,
    /// Kinds of the learning blocks.
    pub learn: Vec<String>,
    /// Passes over the training windows, at most.
    pub epochs: u64,
    /// Step size of the optimiser.
    pub learning_rate: f64,
    /// Share of the samples that test.
    pub test: f64,
    /// Targets that are built and proven.
    pub targets: Vec<String>,
    /// Kind of package.
    pub package: String,
}

/// A new text for `edgewright.toml`.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ProjectFileWritten {
    /// TOML.
    pub text: String,
    /// Version of the text that was read before; left out: overwrites whatever is there.
    #[serde(default)]
    pub version: Option<String>,
}
