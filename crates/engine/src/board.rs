//! How far a project is: its stages, looked up and never built, and what they came to.

use crate::{
    EngineError,
    project::Metric,
    run::{self, Results, RunReport},
    session::Session,
    stages::{STAGES, test::Figures, train::LearnSummary},
};
use std::path::PathBuf;

/// State of one stage.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// Its result belongs to the data and settings of now.
    Current,
    /// It has results, but of other data or settings.
    Stale,
    /// It was never built.
    Missing,
    /// It cannot be built with these data and settings.
    Blocked,
}

/// One stage.
#[derive(Clone, Debug, PartialEq)]
pub struct StageState {
    /// Name.
    pub name: &'static str,
    /// Its state.
    pub standing: Standing,
    /// What it said when it was built, or why it is blocked.
    pub notes: Vec<String>,
}

/// Where the project stands.
pub struct Board {
    /// All stages in order.
    pub stages: Vec<StageState>,
    /// As `run --json` would print it, as far as the stages are current.
    pub report: RunReport,
    /// Labels in the order of rows and columns of a confusion matrix.
    pub labels: Vec<String>,
    /// Figure of the charter.
    pub metric: Option<Metric>,
    /// Signs that training and test know of each other.
    pub leaks: usize,
    /// Learning curves and layers.
    pub learn: Vec<LearnSummary>,
    /// Figures in float, int8 and C.
    pub figures: Vec<(&'static str, Figures)>,
}

fn look(session: &Session<'_>) -> (Results, Option<EngineError>) {
    let mut results = Results::default();
    let error = run::fill(session, STAGES.len() - 1, &mut results).err();
    (results, error)
}

/// Where the project stands.
///
/// # Errors
/// Those of the store.
pub fn board(session: &Session<'_>) -> Result<Board, EngineError> {
    let (results, error) = look(session);
    let outcome = run::summarise(session, &results);
    let mut stages = Vec::with_capacity(STAGES.len());
    for (n, name) in STAGES.iter().enumerate() {
        let (standing, notes) = match outcome.stages.get(n) {
            Some(record) => (Standing::Current, record.notes.clone()),
            None => {
                let before = if session.store.has_stage(name)? { Standing::Stale } else { Standing::Missing };
                match &error {
                    Some(e) if n == outcome.stages.len() && e.code() != "stage_not_built" => {
                        (Standing::Blocked, vec![e.to_string()])
                    }
                    _ => (before, Vec::new()),
                }
            }
        };
        stages.push(StageState { name, standing, notes });
    }
    let mut figures = Vec::new();
    if let Some(tested) = results.tested {
        figures.push(("float", tested.value.float));
        figures.push(("int8", tested.value.int8));
        if let Some(c) = results.proof.and_then(|p| p.value.c) {
            figures.push(("c", c));
        }
    }
    let leaks = results.split.as_ref().map_or(0, |s| s.value.leaks.len());
    let (labels, learn) = results.trained.map(|t| (t.value.labels, t.value.learn)).unwrap_or_default();
    Ok(Board {
        stages,
        report: outcome,
        labels,
        metric: session.project.file.charter.metric,
        leaks,
        learn,
        figures,
    })
}

/// The report as HTML.
///
/// # Errors
/// [`EngineError::NotBuilt`] naming the first stage that is not up to date.
pub fn report_html(session: &Session<'_>) -> Result<String, EngineError> {
    match look(session) {
        (results, None) => Ok(crate::reporting::pages(session, &results)?.value.0),
        (_, Some(error)) => Err(error),
    }
}

/// Name and place of a package of the current results, by its hash.
///
/// # Errors
/// [`EngineError::NotFound`].
pub fn package(session: &Session<'_>, sha256: &str) -> Result<(String, PathBuf), EngineError> {
    let built = look(session).0.built;
    let artifact = built.iter().flat_map(|b| &b.value.artifacts).find(|a| a.sha256 == sha256);
    let found = artifact.and_then(|a| {
        let name = std::path::Path::new(&a.path).file_name()?.to_str()?.to_owned();
        Some((name, session.store.blob_path(&a.sha256.parse().ok()?)))
    });
    found.ok_or_else(|| EngineError::NotFound("the current results have no package with this hash".into()))
}

impl Standing {
    /// The word for programs.
    pub fn word(self) -> &'static str {
        match self {
            Self::Current => "current",
            Self::Stale => "stale",
            Self::Missing => "missing",
            Self::Blocked => "blocked",
        }
    }
}
