//! Stage `features`: windows are cut and every DSP block runs on them (gold).

use super::{
    clean::{Silver, SilverReader},
    gold::{HoldoutMatrix, Labels, Matrix, TrainingMatrix, WindowAt},
    plan, select,
    split::{Side, Split},
};
use crate::{
    EngineError,
    batches::batches,
    error::AtPath,
    program,
    project::{ImpulseSection, Project, nearest},
    session::{Key, Session, Staged},
};
use edgewright_dsp::{Params, Value};
use edgewright_impulse::{DspBlock, Impulse, Runner, Window};
use edgewright_store::Hash;
use rayon::prelude::*;
use serde::{Deserialize, Serialize};
use std::{collections::BTreeMap, io::Write, ops::Range};

/// Values that are read and features that are computed at once: bounds memory.
const BATCH_VALUES: usize = 8_000_000;
/// Windows that one core computes in one go.
const PIECE: usize = 64;

/// The gold level.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Gold {
    /// Window, blocks and no learning block, as a bundle.
    pub impulse: String,
    /// Names of the features.
    pub names: Vec<String>,
    /// What windows are called.
    pub labels: Labels,
    /// Windows that train and validate.
    pub training: TrainingMatrix,
    /// Windows that test.
    pub holdout: HoldoutMatrix,
    /// Which features of the configured blocks these are, when they were selected.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub selected: Option<Vec<usize>>,
}

/// Brings the gold level up to date.
///
/// # Errors
/// [`EngineError::Impulse`] when a block refuses its configuration; [`EngineError::Data`] when there is no window to
/// train on; those of the store.
pub fn run(
    session: &Session<'_>,
    silver: &Staged<Silver>,
    split: &Staged<Split>,
) -> Result<Staged<Gold>, EngineError> {
    let whole_key = key(session, silver, split)?;
    let Some(section) = &session.project.file.impulse.select else {
        return session.stage("features", &whole_key, || build(session, &silver.value, &split.value));
    };
    let mut key = Key::new("features");
    key.text("whole", &whole_key.to_string())
        .value("select", section)
        .value("learn", &session.project.file.impulse.learn.iter().map(|l| l.kind).collect::<Vec<_>>());
    session.stage("features", &key.finish(), || {
        let (whole, mut notes) = kept(session, silver, split)?;
        let (gold, told) = select::apply(session, section, &whole, &split.value)?;
        notes.extend(told);
        Ok((gold, notes))
    })
}

/// All features of the configured blocks, whichever are selected.
///
/// # Errors
/// Those of [`run`]; [`EngineError::NotBuilt`] where nothing may be built.
pub(crate) fn whole(
    session: &Session<'_>,
    silver: &Staged<Silver>,
    split: &Staged<Split>,
) -> Result<Gold, EngineError> {
    Ok(kept(session, silver, split)?.0)
}

/// The gold level of all features, computed once for all selections of them.
fn kept(
    session: &Session<'_>,
    silver: &Staged<Silver>,
    split: &Staged<Split>,
) -> Result<(Gold, Vec<String>), EngineError> {
    let key = key(session, silver, split)?;
    if let Some(hash) = session.store.get_derived(&key)?
        && session.store.has_blob(&hash)
    {
        return Ok((session.read(&hash)?, Vec::new()));
    }
    if session.looking {
        return Err(EngineError::NotBuilt { stage: "features" });
    }
    let (gold, notes) = build(session, &silver.value, &split.value)?;
    let text = serde_json::to_vec(&gold).map_err(|e| EngineError::Internal(e.to_string()))?;
    session.store.put_derived(&key, &session.store.put_blob(&text)?)?;
    Ok((gold, notes))
}

/// What all features depend on.
fn key(session: &Session<'_>, silver: &Staged<Silver>, split: &Staged<Split>) -> Result<Hash, EngineError> {
    let impulse = &session.project.file.impulse;
    let mut key = Key::new("features");
    key.text("silver", &silver.hash.to_string())
        .text("split", &split.hash.to_string())
        .value("window", &(impulse.window_ms, impulse.stride_ms, impulse.zero_pad))
        .value("dsp", &impulse.dsp)
        .value("ranges", &impulse.ranges)
        .value("name", &session.project.file.project.name);
    for program in program::identities(session)? {
        key.text("program", &program);
    }
    Ok(key.finish())
}

/// Window and DSP blocks of a project on these recordings.
///
/// # Errors
/// [`EngineError::NotBuilt`] for a block of a program of its own that was not asked yet; what a block refuses.
pub(crate) fn design(
    session: &Session<'_>,
    project: &Project,
    silver: &Silver,
    notes: &mut Vec<String>,
) -> Result<Impulse, EngineError> {
    let section = &project.file.impulse;
    let lengths: Vec<usize> = silver.samples.iter().map(|s| s.frames).collect();
    let window = plan::window(&silver.format, &lengths, section, notes)?;
    let dsp = blocks(session, project, section, &window)?;
    Ok(Impulse { name: project.file.project.name.clone(), window, dsp, learn: Vec::new() })
}

fn blocks(
    session: &Session<'_>,
    project: &Project,
    section: &ImpulseSection,
    window: &Window,
) -> Result<Vec<DspBlock>, EngineError> {
    let usage = |message: String| EngineError::ProjectFile {
        path: project.dir.join(crate::project::FILE_NAME),
        message,
    };
    if section.dsp.is_empty() {
        return Err(usage(
            "the impulse has no DSP block; add `[[impulse.dsp]]` with `block = \"raw\"`".into(),
        ));
    }
    let mut blocks: Vec<DspBlock> = Vec::new();
    let programs = program::of(project);
    for (block, id) in section.dsp.iter().zip(program::ids(&section.dsp)) {
        if let Some(program) = programs.iter().find(|p| p.id == id) {
            let params = program.params(session, window)?;
            let axes = program.axes(window)?;
            blocks.push(DspBlock::new(id, &block.block, 1, params, axes, window)?);
            continue;
        }
        let known = edgewright_dsp::blocks();
        let info = known.iter().find(|b| b.name == block.block).ok_or_else(|| {
            let hint = nearest(&block.block, known.iter().map(|b| b.name))
                .map(|n| format!("\nhint: did you mean `{n}`?"))
                .unwrap_or_default();
            usage(format!("there is no DSP block `{}`{hint}", block.block))
        })?;
        let version = block.version.unwrap_or_else(|| info.versions.iter().copied().max().unwrap_or(1));
        let axes = match &block.axes {
            None => (0..window.axes.len()).collect(),
            Some(names) => names
                .iter()
                .map(|name| {
                    window.axes.iter().position(|a| &a.name == name).ok_or_else(|| {
                        usage(format!("DSP block `{}`: there is no axis `{name}`", block.block))
                    })
                })
                .collect::<Result<Vec<_>, _>>()?,
        };
        let params = params(&block.params).map_err(usage)?;
        let made = DspBlock::new(id, &block.block, version, params, axes, window);
        blocks.push(made.map_err(|e| match other_kind(window, &block.block) {
            Some(hint) => EngineError::Data(format!("DSP block `{}`: {e}\nhint: {hint}", block.block)),
            None => e.into(),
        })?);
    }
    Ok(blocks)
}

/// What to write instead of a block for another kind of recording.
fn other_kind(window: &Window, block: &str) -> Option<&'static str> {
    match (window.image, window.rate_hz == 0.0) {
        (Some(_), _) if block != "image" => Some(
            "these recordings are pictures: write `block = \"image\"` (for anomalies in them, `method = \"pca\"` in the learning block and `image = [48, 48]` in the impulse)",
        ),
        (None, true) if block != "raw" => {
            Some("these recordings are rows of a table: write `block = \"raw\"`")
        }
        _ => None,
    }
}

/// Parameters out of the project file.
fn params(table: &BTreeMap<String, toml::Value>) -> Result<Params, String> {
    table
        .iter()
        .map(|(name, value)| {
            let value = match value {
                toml::Value::Integer(n) => Value::Number(*n as f64),
                toml::Value::Float(n) => Value::Number(*n),
                toml::Value::Boolean(b) => Value::Bool(*b),
                toml::Value::String(s) => Value::Text(s.clone()),
                other => return Err(format!("parameter `{name}` cannot be a {}", other.type_str())),
            };
            Ok((name.clone(), value))
        })
        .collect()
}

fn build(session: &Session<'_>, silver: &Silver, split: &Split) -> Result<(Gold, Vec<String>), EngineError> {
    let mut notes = Vec::new();
    ask_programs(session, silver)?;
    let impulse = design(session, &session.project, silver, &mut notes)?;
    impulse.validate()?;
    let labels = Labels::of(silver);
    let (training, refused_a) = matrix(session, silver, split, &impulse, &labels, false)?;
    let (holdout, refused_b) = matrix(session, silver, split, &impulse, &labels, true)?;
    if training.windows.is_empty() {
        return Err(EngineError::Data(
            "no training sample gives a window\nhint: lower `impulse.window_ms`, or set `impulse.zero_pad = true`".into(),
        ));
    }
    notes.push(format!(
        "{} features from each of {} training and {} test windows",
        training.width,
        training.windows.len(),
        holdout.windows.len()
    ));
    let refused = refused_a + refused_b;
    if refused > 0 {
        notes.push(format!("{refused} windows were refused by a DSP block and are left out"));
    }
    let gold = Gold {
        names: impulse.feature_names(),
        labels,
        impulse: impulse.to_bundle(),
        training: TrainingMatrix::new(training),
        holdout: HoldoutMatrix::new(holdout),
        selected: None,
    };
    Ok((gold, notes))
}

/// Asks the blocks of programs of their own for the features of a window, so that their shapes are known.
///
/// # Errors
/// Those of the programs; [`EngineError::Data`] when no recording gives a window.
pub(crate) fn ask_programs(session: &Session<'_>, silver: &Silver) -> Result<(), EngineError> {
    let programs = program::of(&session.project);
    if programs.is_empty() {
        return Ok(());
    }
    let lengths: Vec<usize> = silver.samples.iter().map(|s| s.frames).collect();
    let window = plan::window(&silver.format, &lengths, &session.project.file.impulse, &mut Vec::new())?;
    let whole = silver.samples.iter().find(|s| window.starts(s.frames).next().is_some());
    let sample = whole.ok_or_else(|| EngineError::Data("no recording gives a window".into()))?;
    let values = SilverReader::open(session, silver)?.part(sample, 0..sample.frames.min(window.frames))?;
    let mut cut = Vec::new();
    window.cut(&values, 0, &mut cut);
    programs.iter().try_for_each(|p| p.discover(session, &window, &p.axes(&window)?, &cut))
}

/// Computes and stores the features of one side. Also returns how many windows a block refused.
fn matrix(
    session: &Session<'_>,
    silver: &Silver,
    split: &Split,
    impulse: &Impulse,
    labels: &Labels,
    testing: bool,
) -> Result<(Matrix, usize), EngineError> {
    let rule = &session.project.file.impulse.ranges;
    let wanted: Vec<usize> =
        (0..silver.samples.len()).filter(|&i| (split.sides[i] == Side::Testing) == testing).collect();
    let programs = program::of(&session.project);
    let mut reader = SilverReader::open(session, silver)?;
    let mut out = session.store.blob_writer()?;
    let mut windows = Vec::new();
    let mut refused = 0;
    let side = if testing { "test" } else { "training" };
    let total = wanted.len() as u64;
    let pieces: Vec<Piece> = wanted
        .iter()
        .enumerate()
        .flat_map(|(place, &i)| {
            let sample = &silver.samples[i];
            pieces(
                impulse,
                place as u64,
                i,
                sample.frames,
                rule.starts(&impulse.window, &sample.ranges, sample.frames),
            )
        })
        .collect();
    let axes = impulse.window.axes.len();
    let size = |p: &Piece| p.frames.len() * axes + p.starts.len() * impulse.features();
    for batch in batches(&pieces, usize::MAX, BATCH_VALUES, size) {
        session.progress("features", batch[0].place, total, side)?;
        let read = batch
            .iter()
            .map(|p| Ok((p, reader.part(&silver.samples[p.sample], p.frames.clone())?)))
            .collect::<Result<Vec<_>, EngineError>>()?;
        let computed = read
            .par_iter()
            .map_init(
                || Runner::new(impulse),
                |runner, (piece, values)| {
                    let runner = runner.as_mut().map_err(|e| EngineError::Internal(e.to_string()))?;
                    let cut = |start: &usize| {
                        let mut cut = Vec::new();
                        impulse.window.cut(values, start - piece.frames.start, &mut cut);
                        cut
                    };
                    let given = impulse
                        .externals()
                        .filter_map(|block| Some((block, programs.iter().find(|p| p.id == block.id)?)))
                        .map(|(block, program)| {
                            let windows: Vec<Vec<f32>> = piece.starts.iter().map(cut).collect();
                            program.rows(session, block, &impulse.window, &windows)
                        })
                        .collect::<Result<Vec<_>, EngineError>>()?;
                    Ok(features(runner, &impulse.window, piece, values, &given))
                },
            )
            .collect::<Result<Vec<_>, EngineError>>()?;
        for (at, features, bad) in computed {
            let bytes: Vec<u8> = features.iter().flat_map(|v| v.to_le_bytes()).collect();
            out.write_all(&bytes).at(&session.project.state_dir())?;
            windows.extend(at.into_iter().map(|w| {
                let sample = &silver.samples[w.sample];
                let label = match sample.ranges.as_slice() {
                    [] => sample.label.as_deref(),
                    parts => rule.label(parts, w.start, impulse.window.frames),
                };
                WindowAt { label: label.and_then(|l| labels.place(l)), ..w }
            }));
            refused += bad;
        }
    }
    let object = out.finish()?;
    Ok((Matrix::new(object, impulse.features(), windows), refused))
}

/// Windows of a recording that follow each other.
struct Piece {
    /// Place of the recording among those of its side.
    place: u64,
    /// The recording.
    sample: usize,
    /// Frames of it that the windows cover.
    frames: Range<usize>,
    /// First frames of the windows.
    starts: Vec<usize>,
}

/// Windows of a recording in pieces; in one where a block keeps something from window to window.
fn pieces(impulse: &Impulse, place: u64, sample: usize, frames: usize, starts: Vec<usize>) -> Vec<Piece> {
    let window = &impulse.window;
    let most = if impulse.state_len() > 0 { starts.len().max(1) } else { PIECE };
    let piece = |starts: &[usize]| {
        let covered = starts[0]..frames.min(starts[starts.len() - 1] + window.frames);
        Piece { place, sample, frames: covered, starts: starts.to_vec() }
    };
    starts.chunks(most).map(piece).collect()
}

/// Features of the windows of a piece (`given`: those of programs, for each block and window), and how many windows were refused.
fn features(
    runner: &mut Runner<'_>,
    window: &Window,
    piece: &Piece,
    values: &[f32],
    given: &[Vec<Vec<f32>>],
) -> (Vec<WindowAt>, Vec<f32>, usize) {
    let (mut at, mut features, mut refused) = (Vec::new(), Vec::new(), 0);
    let mut cut = Vec::new();
    runner.reset();
    for (n, &start) in piece.starts.iter().enumerate() {
        window.cut(values, start - piece.frames.start, &mut cut);
        let given: Vec<&[f32]> = given.iter().map(|rows| rows[n].as_slice()).collect();
        match runner.features_given(&cut, &given) {
            Ok(row) => {
                features.extend_from_slice(row);
                at.push(WindowAt { sample: piece.sample, start, label: None });
            }
            Err(_) => refused += 1,
        }
    }
    (at, features, refused)
}

#[cfg(test)]
mod tests {
    use super::*;
    use edgewright_sample::Axis;

    #[test]
    fn pieces_cover_every_window_once() {
        let window = Window {
            frames: 10,
            stride: 4,
            rate_hz: 100.0,
            axes: vec![Axis { name: "x".into(), units: String::new() }],
            zero_pad: true,
            image: None,
            fit: Default::default(),
        };
        let block = |name: &str, params| {
            let block = DspBlock::new("b", name, 1, params, vec![0], &window).expect("a block");
            Impulse { name: "t".into(), window: window.clone(), dsp: vec![block], learn: vec![] }
        };
        let plain = block("raw", Params::new());
        let moving = block("flatten", [("moving_avg_num_windows".into(), Value::Number(3.0))].into());
        for frames in [3, 10, 13, 14, 1000] {
            let starts: Vec<usize> = window.starts(frames).collect();
            let cut = pieces(&plain, 0, 0, frames, starts.clone());
            assert_eq!(cut.iter().flat_map(|p| p.starts.clone()).collect::<Vec<_>>(), starts);
            assert_eq!(cut.len(), starts.len().div_ceil(PIECE));
            for p in &cut {
                assert_eq!(p.frames, p.starts[0]..frames.min(p.starts[p.starts.len() - 1] + 10));
            }
            // What it keeps must not be forgotten in the middle of a recording.
            assert_eq!(pieces(&moving, 0, 0, frames, starts.clone()).len(), 1);
        }
        assert_eq!(pieces(&plain, 0, 0, 0, Vec::new()).len(), 0);
    }
}
