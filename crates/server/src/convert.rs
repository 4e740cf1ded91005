//! From the engine's values to wire types and back. Written out, so that neither side changes the other unseen.

use crate::{
    convert_request,
    devices::{Recording, Step},
    error::{ApiError, ApiResult},
};
use edgewright_api as api;
use edgewright_engine::{
    access::{self, KeyEntry},
    accounts,
    board::{Board, StageState, Standing},
    classify::{Classified, FoundBox},
    dataset::{self, ImportReport, PageLine, Shown, Traced},
    documents::TargetEntry,
    estimate::{DspOnTarget, Estimate},
    explain,
    impulses::KeptImpulse,
    jobs::{self, JobState, LogLine, NumberedLine},
    preview::PreviewRequest,
    project::{LearnKind, Project, ProjectFile},
    stages::{
        slices::Slice,
        test,
        train::{StepFigures, StepLine},
        uncertainty::Uncertainty,
    },
    versions,
};

fn step(line: StepLine) -> api::TrainingStep {
    let figures = |f: StepFigures| api::StepFigures {
        metric: f.metric,
        parameters: f.parameters as u64,
        macs: f.macs,
        flash_bytes: f.flash_bytes,
        ram_bytes: f.ram_bytes as u64,
        instructions: f.instructions,
        packed_bytes: f.packed_bytes,
    };
    api::TrainingStep {
        step: line.step,
        detail: line.detail,
        metric: line.metric,
        target: line.target,
        before: figures(line.before),
        after: figures(line.after),
    }
}

pub fn scope(scope: access::Scope) -> api::Scope {
    match scope {
        access::Scope::Read => api::Scope::Read,
        access::Scope::Ingest => api::Scope::Ingest,
        access::Scope::Full => api::Scope::Full,
    }
}

pub fn scope_asked(scope: api::Scope) -> access::Scope {
    match scope {
        api::Scope::Read => access::Scope::Read,
        api::Scope::Ingest => access::Scope::Ingest,
        api::Scope::Full => access::Scope::Full,
    }
}

pub fn role(role: accounts::Role) -> api::Role {
    match role {
        accounts::Role::Owner => api::Role::Owner,
        accounts::Role::Editor => api::Role::Editor,
        accounts::Role::Viewer => api::Role::Viewer,
    }
}

pub fn role_asked(role: api::Role) -> accounts::Role {
    match role {
        api::Role::Owner => accounts::Role::Owner,
        api::Role::Editor => accounts::Role::Editor,
        api::Role::Viewer => accounts::Role::Viewer,
    }
}

pub fn account(account: accounts::Account) -> api::Account {
    api::Account {
        id: account.id,
        name: account.name,
        role: role(account.role),
        has_password: account.has_password,
        created: account.created,
        last_seen: account.last_seen,
    }
}

pub fn session(entry: accounts::SessionEntry) -> api::SessionEntry {
    api::SessionEntry {
        id: entry.id,
        agent: entry.agent,
        created: entry.created,
        last_used: entry.last_used,
        current: entry.current,
    }
}

/// `dir`: of the project.
pub fn version(dir: &std::path::Path, version: versions::Version) -> api::Version {
    api::Version {
        id: version.id,
        created: version.created,
        last_run: version.last_run,
        current: version.current,
        settings: Project::parse(dir, &version.text).ok().map(|p| settings(&p.file)),
        outcome: version.outcome,
    }
}

/// `dir`: of the project.
pub fn kept_impulse(dir: &std::path::Path, impulse: KeptImpulse) -> api::KeptImpulse {
    api::KeptImpulse {
        settings: Project::parse(dir, &impulse.text).ok().map(|p| settings(&p.file)),
        name: impulse.name,
        current: impulse.current,
        problem: impulse.problem,
    }
}

pub fn diff_line(line: versions::DiffLine) -> api::DiffLine {
    let kind = match line.kind {
        versions::DiffKind::Same => api::DiffKind::Same,
        versions::DiffKind::Removed => api::DiffKind::Removed,
        versions::DiffKind::Added => api::DiffKind::Added,
    };
    api::DiffLine { kind, text: line.text }
}

pub fn key(entry: KeyEntry) -> ApiResult<api::Key> {
    Ok(api::Key {
        scope: scope(access::Scope::parse(&entry.scope)?),
        id: entry.id,
        name: entry.name,
        created: entry.created,
        expires: entry.expires,
        last_used: entry.last_used,
    })
}

pub fn settings(file: &ProjectFile) -> api::Settings {
    let kind = |k: LearnKind| match k {
        LearnKind::Classifier => "classifier",
        LearnKind::Regression => "regression",
        LearnKind::Detection => "detection",
        LearnKind::Anomaly => "anomaly",
    };
    api::Settings {
        window_ms: file.impulse.window_ms,
        stride_ms: file.impulse.stride_ms,
        rate_hz: file.impulse.rate_hz,
        blocks: file.impulse.dsp.iter().map(|b| b.block.clone()).collect(),
        learn: file.impulse.learn.iter().map(|l| kind(l.kind).to_owned()).collect(),
        dsp: file
            .impulse
            .dsp
            .iter()
            .map(|b| api::DspSetting {
                id: b.id.clone().unwrap_or_else(|| b.block.clone()),
                block: b.block.clone(),
                version: b.version,
                axes: b.axes.clone(),
                // A value that JSON does not have (a number that is none) is shown as nothing.
                params: b
                    .params
                    .iter()
                    .map(|(k, v)| (k.clone(), serde_json::to_value(v).unwrap_or_default()))
                    .collect(),
            })
            .collect(),
        learning: file
            .impulse
            .learn
            .iter()
            .map(|l| api::LearnSetting {
                id: l.id.clone().unwrap_or_else(|| kind(l.kind).to_owned()),
                kind: kind(l.kind).to_owned(),
                inputs: l.inputs.clone(),
                file: l.file.clone(),
                backbone: l.backbone.as_ref().map(|b| b.model.clone()),
                own_layers: l.layers.is_some(),
            })
            .collect(),
        epochs: file.training.epochs as u64,
        learning_rate: file.training.learning_rate,
        test: file.split.test,
        targets: file.deploy.targets.clone(),
        package: file.deploy.package.clone(),
        charter: crate::convert_lifecycle::charter(&file.charter),
    }
}

pub fn dsp_on(told: DspOnTarget) -> api::DspOnTarget {
    api::DspOnTarget {
        target: told.target,
        instructions: told.instructions,
        flash_bytes: told.flash_bytes,
        milliseconds: told.milliseconds,
        own_class: told.own_class,
    }
}

pub fn estimate(told: Estimate) -> api::Estimate {
    api::Estimate {
        frames: told.frames as u64,
        axes: told.axes,
        dsp: told
            .dsp
            .into_iter()
            .map(|d| api::DspEstimate {
                id: d.id,
                shape: d.shape.into_iter().map(|n| n as u64).collect(),
                scratch_bytes: d.scratch_bytes as u64,
                feature_bytes: d.feature_bytes as u64,
                state_bytes: d.state_bytes as u64,
                targets: d.targets.into_iter().map(dsp_on).collect(),
            })
            .collect(),
        learn: told
            .learn
            .into_iter()
            .map(|l| api::LearnEstimate {
                id: l.id,
                inputs: l.inputs as u64,
                layers: l
                    .layers
                    .into_iter()
                    .map(|l| api::LayerEstimate {
                        layer: serde_json::from_value(l.layer).unwrap_or_default(),
                        shape: l.shape.map(|s| s.iter().map(|&n| n as u64).collect()),
                        parameters: l.parameters as u64,
                        macs: l.macs,
                    })
                    .collect(),
                parameters: l.parameters as u64,
                macs: l.macs,
                problem: l.problem,
                unknown: l.unknown,
                wrong_layer: l.wrong_layer.map(|n| n as u64),
            })
            .collect(),
        targets: told
            .targets
            .into_iter()
            .map(|t| api::TargetEstimate {
                target: t.target,
                arena_bytes: t.arena_bytes as u64,
                flash_bytes: t.flash_bytes,
                instructions: t.instructions,
                dsp_flash_bytes: t.dsp_flash_bytes,
                dsp_instructions: t.dsp_instructions,
                milliseconds: t.milliseconds,
                own_class: t.own_class,
            })
            .collect(),
    }
}

pub fn category_word(category: api::Category) -> &'static str {
    match category {
        api::Category::Training => "training",
        api::Category::Testing => "testing",
        api::Category::Split => "split",
    }
}

pub fn device(
    device: edgewright_engine::devices::Device,
    connection: api::Connection,
    recording: Option<api::Recording>,
) -> api::Device {
    let sensor = |s: edgewright_engine::devices::Sensor| api::Sensor {
        name: s.name,
        max_length_s: s.max_length_s,
        rates_hz: s.rates_hz,
    };
    api::Device {
        id: device.id,
        name: device.name,
        kind: device.kind,
        sensors: device.sensors.into_iter().map(sensor).collect(),
        created: device.created,
        last_seen: device.last_seen,
        connection,
        recording,
    }
}

pub fn recording(recording: Recording) -> api::Recording {
    api::Recording {
        id: recording.number.to_string(),
        device: recording.device,
        label: recording.order.label,
        length_ms: recording.order.length_ms,
        category: category(&recording.order.category),
        sensor: recording.order.sensor,
        interval_ms: recording.order.interval_ms,
        state: match recording.step {
            Step::Asked => api::RecordingState::Asked,
            Step::Accepted => api::RecordingState::Accepted,
            Step::Started => api::RecordingState::Started,
            Step::Processing => api::RecordingState::Processing,
            Step::Reading => api::RecordingState::Reading,
            Step::Uploading => api::RecordingState::Uploading,
            Step::Done => api::RecordingState::Done,
            Step::Failed => api::RecordingState::Failed,
        },
        percent: recording.percent,
        error: recording.error,
        sample: recording.sample,
        asked: recording.asked,
    }
}

fn category(word: &str) -> api::Category {
    match word {
        "training" => api::Category::Training,
        "testing" => api::Category::Testing,
        _ => api::Category::Split,
    }
}

pub fn sample(line: PageLine) -> api::Sample {
    let listed = line.listed;
    api::Sample {
        id: listed.id,
        name: listed.name,
        label: listed.label,
        ranges: listed.ranges.into_iter().map(range).collect(),
        boxes: listed.boxes.map(|all| all.into_iter().map(label_box).collect()),
        category: category(&listed.category),
        group: listed.group,
        duration_ms: listed.duration_ms,
        rate_hz: listed.rate_hz,
        axes: line.axes,
        disabled: line.disabled,
        edited: line.edited,
        findings: line.findings as u64,
    }
}

fn label_box(b: dataset::LabelBox) -> api::LabelBox {
    api::LabelBox { label: b.label, x: b.x, y: b.y, width: b.width, height: b.height }
}

pub fn box_asked(b: api::LabelBox) -> dataset::LabelBox {
    dataset::LabelBox { label: b.label, x: b.x, y: b.y, width: b.width, height: b.height }
}

fn range(r: dataset::LabelRange) -> api::LabelRange {
    api::LabelRange { label: r.label, start: r.start as u64, end: r.end as u64, label_map: r.label_map }
}

pub fn range_asked(r: api::LabelRange) -> dataset::LabelRange {
    let frame = |n: u64| usize::try_from(n).unwrap_or(usize::MAX);
    dataset::LabelRange { label: r.label, start: frame(r.start), end: frame(r.end), label_map: r.label_map }
}

pub fn detail(line: PageLine, shown: Shown) -> api::SampleDetail {
    api::SampleDetail {
        sample: sample(line),
        sha256: shown.sha256,
        source: shown.source,
        frames: shown.info.frames as u64,
        image: shown.info.image.map(|sides| sides.iter().map(|n| *n as u64).collect()),
        findings: shown
            .info
            .findings
            .into_iter()
            .map(|(kind, message)| format!("{kind}: {message}"))
            .collect(),
        metadata: shown.info.metadata,
    }
}

pub fn trace(line: PageLine, traced: Traced) -> api::Trace {
    api::Trace {
        received: detail(line, traced.received),
        lineage: traced.lineage.into_iter().map(|(name, detail)| api::Step { name, detail }).collect(),
        flags: traced.flags.into_iter().map(|(kind, message)| format!("{kind}: {message}")).collect(),
        rejected: traced.rejected,
        side: traced.side.map(|s| s.word().to_owned()),
        windows: traced.windows.into_iter().map(|n| n as u64).collect(),
    }
}

pub fn import(report: ImportReport, dry_run: bool) -> api::ImportResult {
    api::ImportResult {
        imported: report.imported as u64,
        already_there: report.already_there as u64,
        ids: report.ids,
        quarantined: report
            .quarantined
            .into_iter()
            .map(|q| api::Quarantined { file: q.file, reason: q.reason })
            .collect(),
        remarks: report
            .remarks
            .into_iter()
            .map(|r| api::Remark { kind: r.kind, message: r.message, file: r.file, files: r.files as u64 })
            .collect(),
        labels: report.labels.into_iter().map(|(label, n)| (label, n as u64)).collect(),
        dry_run,
    }
}

pub fn waveform(drawn: dataset::Waveform) -> api::Waveform {
    let columns = drawn.low.into_iter().zip(drawn.high);
    api::Waveform {
        rate_hz: drawn.rate_hz,
        frames: drawn.frames as u64,
        from: drawn.from as u64,
        to: drawn.to as u64,
        axes: drawn
            .axes
            .into_iter()
            .zip(columns)
            .map(|((name, unit), (low, high))| api::WaveformAxis { name, unit, low, high })
            .collect(),
    }
}

pub fn stage(state: StageState) -> api::Stage {
    api::Stage {
        name: state.name.into(),
        state: match state.standing {
            Standing::Current => api::StageState::Current,
            Standing::Stale => api::StageState::Stale,
            Standing::Missing => api::StageState::Missing,
            Standing::Blocked => api::StageState::Blocked,
        },
        notes: state.notes,
    }
}

fn figures((arithmetic, f): (&'static str, test::Figures)) -> api::Figures {
    api::Figures {
        arithmetic: arithmetic.into(),
        windows: f.windows as u64,
        accuracy: f.accuracy,
        low: f.low,
        high: f.high,
        recordings_accuracy: f.recordings_accuracy,
        macro_f1: f.macro_f1,
        log_loss: f.log_loss,
        ece: f.calibration.as_ref().map(|c| c.ece),
        ece_before: f.uncalibrated.as_ref().map(|c| c.ece),
        brier: f.calibration.as_ref().map(|c| c.brier),
        brier_before: f.uncalibrated.as_ref().map(|c| c.brier),
        accepted: f.accepted.map(|a| a.coverage),
        accepted_accuracy: f.accepted.and_then(|a| a.accuracy),
        reliability: f
            .calibration
            .into_iter()
            .flat_map(|c| c.bins)
            .map(|b| api::ReliabilityBin {
                count: b.count as u64,
                confidence: b.confidence,
                accuracy: b.accuracy,
            })
            .collect(),
        f1: f.f1,
        precision: f.precision,
        recall: f.recall,
        map50: f.map50,
        r2: f.r2,
        mae: f.mae,
        rmse: f.rmse,
        mae_within: f.mae_within.map(Into::into),
        rmse_within: f.rmse_within.map(Into::into),
        auroc: f.auroc,
        labels: f
            .labels
            .into_iter()
            .map(|l| api::LabelFigures {
                label: l.label,
                precision: l.precision,
                recall: l.recall,
                f1: l.f1,
                support: l.support as u64,
            })
            .collect(),
        confusion: f.confusion.into_iter().map(|row| row.into_iter().map(|n| n as u64).collect()).collect(),
    }
}

fn uncertainty(u: Uncertainty) -> api::Uncertainty {
    api::Uncertainty {
        temperature: u.temperature,
        validation_windows: u.validation_windows as u64,
        target_accuracy: u.target_accuracy,
        suggested_min_confidence: u.suggested.map(|s| f64::from(s.min_confidence)),
        sets: u
            .sets
            .into_iter()
            .map(|s| api::LabelSets {
                kind: s.kind,
                limit: f64::from(s.limit),
                target: s.target,
                coverage: s.coverage,
                low: s.low,
                high: s.high,
                mean_size: s.mean_size,
            })
            .collect(),
    }
}

fn slice(s: Slice) -> api::Slice {
    api::Slice {
        by: s.by,
        value: s.value,
        samples: s.samples as u64,
        windows: s.windows as u64,
        accuracy: s.accuracy,
        low: s.low,
        high: s.high,
        macro_f1: s.macro_f1,
        f1: s.f1,
        r2: s.r2,
        mae: s.mae,
        auroc: s.auroc,
    }
}

pub fn results(board: Board) -> ApiResult<api::Results> {
    let report = board.report;
    let mut verify = Vec::with_capacity(report.verify.len());
    for record in report.verify {
        verify.push(api::Verification {
            detail: serde_json::to_value(&record).map_err(ApiError::internal)?,
            target: record.target,
            bit_exact: record.bit_exact,
            cases: Some(record.cases as u64),
            flash_bytes: record.flash_bytes,
            ram_bytes: record.ram_bytes,
        });
    }
    let file = |path: &str| path.rsplit(['/', '\\']).next().unwrap_or_default().to_owned();
    Ok(api::Results {
        seed: report.seed,
        labels: board.labels,
        figures: board.figures.into_iter().map(figures).collect(),
        uncertainty: report.test.as_ref().and_then(|t| t.uncertainty.clone()).map(uncertainty),
        slices: report.test.iter().flat_map(|t| t.slices.iter().cloned()).map(slice).collect(),
        verdicts: report.test.map(|t| t.verdicts).unwrap_or_default(),
        missed: report.missed,
        metric: board.metric.map(|m| m.name().to_owned()),
        learn: board
            .learn
            .into_iter()
            .map(|l| api::Curve {
                block: l.id,
                labels: l.labels,
                points: l
                    .history
                    .into_iter()
                    .map(|e| api::CurvePoint {
                        epoch: e.epoch as u64,
                        loss: e.loss,
                        metric: e.metric,
                        validation_loss: e.validation_loss,
                        validation_metric: e.validation_metric,
                        learning_rate: e.learning_rate,
                        gradient_norm: e.gradient_norm,
                        confusion: e.confusion,
                    })
                    .collect(),
                best_epoch: l.best_epoch as u64,
                layers: l
                    .layers
                    .into_iter()
                    .map(|l| api::Layer {
                        name: l.name,
                        shape: l.shape.into_iter().map(|n| n as u64).collect(),
                        parameters: l.parameters as u64,
                        macs: l.macs,
                    })
                    .collect(),
                steps: l.steps.into_iter().map(step).collect(),
            })
            .collect(),
        verify,
        artifacts: report
            .artifacts
            .into_iter()
            .map(|a| api::Artifact {
                file: file(&a.path),
                package: a.package,
                target: a.target,
                sha256: a.sha256,
                bytes: a.bytes,
            })
            .collect(),
        report: report.report.is_some(),
    })
}

pub fn target(entry: TargetEntry) -> api::Target {
    api::Target {
        id: entry.id,
        title: entry.title,
        packages: entry.packages,
        proof: entry.proof,
        ram_bytes: entry.ram_bytes,
        flash_bytes: entry.flash_bytes,
        fit: entry.fit.map(|f| api::Fit {
            fits: f.fits,
            ram_needed: f.ram_needed,
            flash_needed: f.flash_needed,
            binding: f.binding,
            share: f.share,
        }),
    }
}

fn found(b: FoundBox) -> api::FoundBox {
    api::FoundBox { label: b.label, x: b.x, y: b.y, width: b.width, height: b.height, score: b.score }
}

pub fn classified(window: Classified) -> api::Classified {
    api::Classified {
        start_ms: window.start_ms,
        row: window.row.map(|r| r as u64),
        recording: window.recording.map(|r| r as u64),
        filled_ms: window.filled_ms,
        label: window.label,
        uncertain: window.uncertain,
        set: window.set,
        scores: window.scores,
        value: window.value,
        boxes: window.boxes.map(|all| all.into_iter().map(found).collect()),
        anomaly: window.anomaly,
        is_anomaly: window.is_anomaly,
    }
}

pub fn preview(asked: api::BlockPreview) -> PreviewRequest {
    PreviewRequest {
        block: asked.block,
        version: asked.version,
        params: asked.params.into_iter().collect(),
        sample: asked.sample,
        start_ms: asked.start_ms,
        window_ms: asked.window_ms,
    }
}

pub fn job_state(state: JobState) -> api::JobState {
    match state {
        JobState::Queued => api::JobState::Queued,
        JobState::Running => api::JobState::Running,
        JobState::Done => api::JobState::Done,
        JobState::Failed => api::JobState::Failed,
        JobState::Cancelled => api::JobState::Cancelled,
    }
}

pub fn job(job: jobs::Job) -> api::Job {
    api::Job {
        id: job.id,
        project: job.project,
        request: convert_request::told(job.request),
        state: job_state(job.state),
        attempt: job.attempt,
        created: job.created,
        started: job.started,
        finished: job.finished,
        cancel_requested: job.cancel_requested,
        progress: job.progress.map(|p| api::JobProgress {
            stage: p.stage,
            done: p.done,
            total: p.total,
            note: p.note,
        }),
        result: job.result,
        error: job.error.map(|e| api::JobError { code: e.code, message: e.message }),
    }
}

pub fn explanation(told: explain::Explanation) -> api::Explanation {
    let picture = told.to_svg();
    let map = |m: explain::HeatMap| api::HeatMap {
        kind: m.kind.to_owned(),
        name: m.name,
        row: m.row.to_owned(),
        column: m.column.to_owned(),
        rows: m.rows as u64,
        columns: m.columns as u64,
        of: m.of.map(|n| n as u64),
        names: m.names,
        values: m.values,
    };
    api::Explanation {
        sample: told.sample,
        name: told.name,
        window: told.window as u64,
        windows: told.windows as u64,
        start_ms: told.start_ms,
        block: told.block,
        method: told.method.to_owned(),
        label: told.label,
        score: told.score,
        maps: told.maps.into_iter().map(map).collect(),
        picture,
    }
}

pub fn log_entry(line: NumberedLine) -> api::LogEntry {
    api::LogEntry {
        seq: line.seq,
        at: line.at,
        line: match line.line {
            LogLine::Begun { attempt } => api::LogLine::Begun { attempt },
            LogLine::StageStarted { stage } => api::LogLine::StageStarted { stage },
            LogLine::StageFinished { stage, cached, seconds, notes } => {
                api::LogLine::StageFinished { stage, cached, seconds, notes }
            }
            LogLine::Epoch {
                block,
                epoch,
                epochs,
                loss,
                metric,
                validation_loss,
                validation_metric,
                learning_rate,
                gradient_norm,
            } => api::LogLine::Epoch(api::EpochLine {
                block,
                epoch: epoch as u64,
                epochs: epochs as u64,
                loss,
                metric,
                validation_loss,
                validation_metric,
                learning_rate,
                gradient_norm,
            }),
            LogLine::Note { text } => api::LogLine::Note { text },
        },
    }
}
