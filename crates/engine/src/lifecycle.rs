//! The lifecycle of a project in ten stages, each worked out from what is there, and what to do next.
//!
//! Nothing is ticked by hand: the charter is read from the project file, data from the store, what was built from the stages of the
//! pipeline, and what reports from the field from the devices that showed themselves.

use crate::{
    EngineError,
    board::{self, Board, Standing},
    dataset,
    devices::Device,
    session::Session,
};
use edgewright_store::LabelCount;
use serde::Serialize;

/// State of a stage of the lifecycle.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Progress {
    /// What it asks for is there, and of the data and settings of now.
    Done,
    /// It is there, but something about it wants a look: a gate that was missed, a leak, files that were refused.
    Attention,
    /// It is to be done.
    Open,
    /// It cannot be done with these data and settings.
    Blocked,
}

/// A page of the Studio that helps with a stage.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Page {
    #[expect(missing_docs, reason = "named by the variant")]
    Board,
    #[expect(missing_docs, reason = "named by the variant")]
    Data,
    #[expect(missing_docs, reason = "named by the variant")]
    Devices,
    #[expect(missing_docs, reason = "named by the variant")]
    Impulse,
    #[expect(missing_docs, reason = "named by the variant")]
    Training,
    #[expect(missing_docs, reason = "named by the variant")]
    Test,
    #[expect(missing_docs, reason = "named by the variant")]
    Deploy,
}

/// What to do for a stage.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Action {
    /// In words.
    pub text: String,
    /// The command that does it, or opens what does.
    pub command: String,
    /// Page of the Studio that does it.
    pub page: Page,
    /// Stage of the pipeline to run to, when a run is what is missing.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub run_until: Option<&'static str>,
}

/// One stage of the lifecycle.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct LifecycleStage {
    /// Name, for programs.
    pub name: &'static str,
    /// Name, for people.
    pub title: &'static str,
    /// Its state.
    pub progress: Progress,
    /// What it came to, in words.
    pub says: Vec<String>,
    /// What to do; nothing when it is done.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub action: Option<Action>,
}

/// All ten.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Lifecycle {
    /// In order.
    pub stages: Vec<LifecycleStage>,
    /// Name of the stage to go on with: the first that is to be done, else the first that wants a look; nothing when all are done.
    pub next: Option<&'static str>,
}

/// Where a project stands. `devices`: those that showed themselves to the server for this project; `None` when nobody knows, as on the
/// command line without a server.
///
/// # Errors
/// Those of the store.
pub fn lifecycle(session: &Session<'_>, devices: Option<&[Device]>) -> Result<Lifecycle, EngineError> {
    let board = board::board(session)?;
    let counts = dataset::labels(session)?;
    let stages = vec![
        need(session),
        collect(session, &counts),
        pipeline(&board, "clean", "Clean", "clean", Page::Data, |board, says| {
            let data = &board.report.data;
            if data.duplicates > 0 {
                says.push(format!("{} duplicates dropped", data.duplicates));
            }
            if data.quarantined == 0 {
                return None;
            }
            says.push(format!("{} files or samples refused", data.quarantined));
            Some(look("See why files were refused, mend or remove them.", "edgewright data scan", Page::Data))
        }),
        pipeline(&board, "analyse", "Analyse", "split", Page::Data, |board, says| {
            let data = &board.report.data;
            says.push(format!("{} samples train, {} test", data.training, data.testing));
            (board.leaks > 0)
                .then(|| look("Training and test know of each other.", "edgewright data scan", Page::Data))
        }),
        pipeline(&board, "features", "Extract features", "features", Page::Impulse, |_, _| None),
        pipeline(&board, "train", "Train", "train", Page::Training, |_, _| None),
        pipeline(&board, "test", "Test", "test", Page::Test, |board, says| {
            says.extend(judged(session, board));
            let floors: Vec<_> = missed(board, "evaluation.").collect();
            if floors.is_empty() {
                return None;
            }
            says.extend(floors.into_iter().cloned());
            Some(look(
                "A floor of the project is missed: see where it errs, add data or change the impulse.",
                "edgewright test",
                Page::Test,
            ))
        }),
        pipeline(&board, "optimise", "Quantise and compile", "build", Page::Deploy, |board, says| {
            says.extend(board.report.artifacts.iter().map(|a| a.path.clone()));
            None
        }),
        pipeline(&board, "deploy", "Prove and deploy", "verify", Page::Deploy, |board, says| {
            says.extend(board.report.verify.iter().map(|r| r.to_text()));
            let broken: Vec<_> = missed(board, "contract.").cloned().collect();
            if !broken.is_empty() {
                says.extend(broken);
                return Some(look(
                    "It needs more than the contract allows: a smaller impulse or another board.",
                    "edgewright run",
                    Page::Impulse,
                ));
            }
            missed(board, "verify:").next().map(|_| {
                look("The emitted code differs from what was tested.", "edgewright verify", Page::Deploy)
            })
        }),
        monitor(devices),
    ];
    let first = |wanted: fn(Progress) -> bool| stages.iter().find(|s| wanted(s.progress)).map(|s| s.name);
    // What only wants a look does not stand in the way of what is to be done.
    let next = first(|p| matches!(p, Progress::Open | Progress::Blocked))
        .or_else(|| first(|p| p == Progress::Attention));
    Ok(Lifecycle { stages, next })
}

fn look(text: &str, command: &str, page: Page) -> Action {
    Action { text: text.into(), command: command.into(), page, run_until: None }
}

fn need(session: &Session<'_>) -> LifecycleStage {
    let charter = &session.project.file.charter;
    let open = charter.open();
    let mut says = Vec::new();
    for (what, text) in [("", &charter.problem), ("for ", &charter.user)] {
        if !text.trim().is_empty() {
            says.push(format!("{what}{}", text.trim()));
        }
    }
    if let Some(metric) = charter.metric {
        says.push(format!("judged by {}", metric.name()));
    }
    let action = (!open.is_empty()).then(|| Action {
        text: format!("Write the charter: {}.", open.join(", ")),
        command: "edit [charter] in edgewright.toml".into(),
        page: Page::Board,
        run_until: None,
    });
    let progress = if action.is_some() { Progress::Open } else { Progress::Done };
    LifecycleStage { name: "need", title: "Need", progress, says, action }
}

fn collect(session: &Session<'_>, counts: &[LabelCount]) -> LifecycleStage {
    let samples: u64 = counts.iter().map(|c| c.samples).sum();
    let unlabelled: u64 = counts.iter().filter(|c| c.label.is_none()).map(|c| c.samples).sum();
    let mut labels: Vec<&str> =
        counts.iter().filter(|c| c.samples > 0).filter_map(|c| c.label.as_deref()).collect();
    labels.sort_unstable();
    labels.dedup();
    let mut says = Vec::new();
    if samples > 0 {
        says.push(format!("{samples} samples, {} labels", labels.len()));
    }
    if unlabelled > 0 {
        says.push(format!("{unlabelled} without a label"));
    }
    // What the file names is imported by the next run.
    let named = !session.project.file.data.is_empty();
    let (progress, action) = match (samples, unlabelled) {
        (0, _) if named => (
            Progress::Open,
            Some(Action {
                text: "Run: import what `[[data]]` names.".into(),
                command: "edgewright run --until import".into(),
                page: Page::Board,
                run_until: Some("import"),
            }),
        ),
        (0, _) => (
            Progress::Open,
            Some(look("Add recordings.", "edgewright data import FOLDER --label-from folder", Page::Data)),
        ),
        (_, 0) => (Progress::Done, None),
        _ => {
            (Progress::Attention, Some(look("Label what has no label.", "edgewright data scan", Page::Data)))
        }
    };
    LifecycleStage { name: "collect", title: "Collect", progress, says, action }
}

/// A stage that is a stage of the pipeline; `judge` adds words and says what is wrong about its result.
fn pipeline(
    board: &Board,
    name: &'static str,
    title: &'static str,
    stage: &'static str,
    page: Page,
    judge: impl FnOnce(&Board, &mut Vec<String>) -> Option<Action>,
) -> LifecycleStage {
    let run = |text: String| Action {
        text,
        command: format!("edgewright run --until {stage}"),
        page,
        run_until: Some(stage),
    };
    let Some(state) = board.stages.iter().find(|s| s.name == stage) else {
        return LifecycleStage { name, title, progress: Progress::Open, says: Vec::new(), action: None };
    };
    let mut says = Vec::new();
    let (progress, action) = match state.standing {
        Standing::Current => match judge(board, &mut says) {
            Some(action) => (Progress::Attention, Some(action)),
            None => (Progress::Done, None),
        },
        Standing::Stale => {
            says.push("of other data or settings".into());
            (Progress::Open, Some(run(format!("Run: {stage} is out of date."))))
        }
        Standing::Missing => (Progress::Open, Some(run(format!("Run: {stage} is not built.")))),
        Standing::Blocked => {
            says.extend(state.notes.iter().cloned());
            let action = look("It cannot be built with these data and settings.", "edgewright run", page);
            (Progress::Blocked, Some(action))
        }
    };
    LifecycleStage { name, title, progress, says, action }
}

fn missed<'b>(board: &'b Board, gate: &'static str) -> impl Iterator<Item = &'b String> {
    board.report.missed.iter().filter(move |m| m.starts_with(gate))
}

/// The figure of the charter, in each arithmetic.
fn judged(session: &Session<'_>, board: &Board) -> Option<String> {
    let metric = session.project.file.charter.metric?;
    let told: Vec<String> = board
        .figures
        .iter()
        .filter_map(|(arithmetic, f)| metric.of(f).map(|v| format!("{arithmetic} {v:.4}")))
        .collect();
    Some(if told.is_empty() {
        format!("the charter's metric, {}, is no figure of this impulse", metric.name())
    } else {
        format!("{}: {}", metric.name(), told.join(", "))
    })
}

fn monitor(devices: Option<&[Device]>) -> LifecycleStage {
    let (progress, says) = match devices {
        Some([]) => (Progress::Open, Vec::new()),
        Some(known) => {
            let last = known.iter().map(|d| d.last_seen).max().unwrap_or_default();
            let told = format!(
                "{} devices; last heard of {}",
                known.len(),
                crate::calendar::utc(u64::try_from(last).unwrap_or_default())
            );
            (Progress::Done, vec![told])
        }
        None => (Progress::Open, vec!["a server knows the devices: `edgewright serve`".into()]),
    };
    let action = (progress == Progress::Open).then(|| {
        look(
            "Connect a device that runs the model and sends what it hears.",
            "edgewright serve",
            Page::Devices,
        )
    });
    LifecycleStage { name: "monitor", title: "Monitor", progress, says, action }
}

impl Lifecycle {
    /// For people.
    pub fn to_text(&self) -> String {
        let mut out = String::new();
        for stage in &self.stages {
            let mark = match stage.progress {
                Progress::Done => "done",
                Progress::Attention => "look",
                Progress::Open => "open",
                Progress::Blocked => "blocked",
            };
            out.push_str(&format!("{mark:<8} {}\n", stage.title));
            for line in stage.says.iter().flat_map(|s| s.lines()) {
                out.push_str(&format!("         {line}\n"));
            }
        }
        let next = self.next.and_then(|name| self.stages.iter().find(|s| s.name == name));
        match next.and_then(|s| s.action.as_ref()) {
            Some(action) => out.push_str(&format!("next: {}  ({})\n", action.text, action.command)),
            None => out.push_str("nothing is left to do\n"),
        }
        out
    }
}
