//! Stage `report`: collects what the stages produced, and writes it as Markdown and HTML.

use crate::{
    EngineError, dataset,
    project::{CharterSection, Metric},
    run::Results,
    session::{Key, Session, StageRecord, Staged},
    stages::{
        build::write_whole,
        features::Gold,
        slices::Slice,
        split::Side,
        test::Figures,
        train::{LearnSummary, StepFigures},
        uncertainty::{Calibration, SetFigures},
    },
};
use edgewright_dsp::OutputShape;
use edgewright_impulse::Impulse;
use edgewright_ml::metrics;
use edgewright_report::{
    Arithmetic, Artifact, Block, Curve, Curves, LabelCount, LabelRow, Layer, MemoryLine, Point, ReportData,
    SetRow, SliceRow, Stage, Step, Target, Trust,
};
use std::collections::BTreeMap;

/// The report as HTML and as Markdown.
///
/// # Errors
/// Those of the store.
pub fn pages(session: &Session<'_>, results: &Results) -> Result<Staged<(String, String)>, EngineError> {
    let mut key = Key::new("report");
    key.text("version", env!("CARGO_PKG_VERSION"));
    for record in records(results) {
        key.text(&record.name, &record.key);
    }
    if let Some(proof) = &results.proof {
        key.value("proof", &proof.value);
    }
    key.value("project", &session.project.file.project).value("charter", &session.project.file.charter);
    session.stage("report", &key.finish(), || {
        let data = collect(session, results)?;
        let pages = (edgewright_report::to_html(&data), edgewright_report::to_markdown(&data));
        Ok((pages, vec![session.project.report_dir().join("report.html").display().to_string()]))
    })
}

/// Writes `report/report.html` and `report/report.md`.
///
/// # Errors
/// [`EngineError::Io`], and those of the store.
pub fn write(session: &Session<'_>, results: &Results) -> Result<StageRecord, EngineError> {
    let staged = pages(session, results)?;
    if session.looking {
        return Ok(staged.record);
    }
    let dir = session.project.report_dir();
    for (name, text) in [("report.html", &staged.value.0), ("report.md", &staged.value.1)] {
        let path = dir.join(name);
        if std::fs::read_to_string(&path).is_ok_and(|there| there == *text) {
            continue;
        }
        write_whole(&path, text.as_bytes())?;
    }
    Ok(staged.record)
}

fn records(r: &Results) -> Vec<&StageRecord> {
    [
        r.bronze.as_ref().map(|s| &s.record),
        r.silver.as_ref().map(|s| &s.record),
        r.split.as_ref().map(|s| &s.record),
        r.gold.as_ref().map(|s| &s.record),
        r.trained.as_ref().map(|s| &s.record),
        r.tested.as_ref().map(|s| &s.record),
        r.built.as_ref().map(|s| &s.record),
        r.proof.as_ref().map(|s| &s.record),
    ]
    .into_iter()
    .flatten()
    .collect()
}

/// What the charter says, line by line.
fn charter(of: &CharterSection) -> Vec<(String, String)> {
    let metric = of.metric.map(Metric::name).unwrap_or_default();
    [
        ("Problem", of.problem.as_str()),
        ("User", &of.user),
        ("Cost of a miss", &of.miss),
        ("Cost of a false alarm", &of.false_alarm),
        ("Judged by", metric),
    ]
    .into_iter()
    .filter(|(_, text)| !text.trim().is_empty())
    .map(|(what, text)| (what.to_owned(), text.trim().to_owned()))
    .collect()
}

fn collect(session: &Session<'_>, r: &Results) -> Result<ReportData, EngineError> {
    let project = &session.project.file.project;
    let mut data = ReportData {
        project: project.name.clone(),
        description: project.description.clone(),
        charter: charter(&session.project.file.charter),
        version: env!("CARGO_PKG_VERSION").into(),
        seed: session.seed,
        stages: records(r)
            .into_iter()
            .map(|s| Stage { name: s.name.clone(), key: s.key.clone(), notes: s.notes.clone() })
            .collect(),
        ..ReportData::default()
    };
    about_data(r, &mut data);
    if let Some(gold) = &r.gold {
        about_impulse(&gold.value, &mut data)?;
        data.map = feature_map(session, &gold.value)?;
    }
    if let Some(trained) = &r.trained {
        for learn in &trained.value.learn {
            about_learning(learn, &mut data);
        }
    }
    if let Some(tested) = &r.tested {
        data.verdicts.clone_from(&tested.value.verdicts);
        data.slices.extend(tested.value.slices.iter().filter_map(slice_row));
        data.arithmetics.push(arithmetic("float", &tested.value.float));
        data.arithmetics.push(arithmetic("int8", &tested.value.int8));
        data.trust.extend(trust("float", &tested.value.float));
        data.trust.extend(trust("int8", &tested.value.int8));
        if let Some(c) = r.proof.as_ref().and_then(|p| p.value.c.as_ref()) {
            data.arithmetics.push(arithmetic("C", c));
            // The same scores as in int8, before and after.
            let before = tested.value.int8.uncalibrated.clone();
            data.trust.extend(trust("C", &Figures { uncalibrated: before, ..c.clone() }));
        }
        if let Some(known) = &tested.value.uncertainty {
            data.temperature = known.temperature;
            data.sets = known.sets.iter().map(set_row).collect();
        }
    }
    if let Some(built) = &r.built {
        let b = &built.value;
        data.arena_bytes = b.arena_bytes;
        data.weight_bytes = b.weight_bytes;
        data.memory = b
            .memory
            .iter()
            .map(|m| MemoryLine {
                name: m.name.clone(),
                offset: m.offset,
                bytes: m.bytes,
                first: m.first,
                last: m.last,
            })
            .collect();
        data.artifacts = b
            .artifacts
            .iter()
            .map(|a| Artifact {
                target: a.target.clone(),
                // Below the project, so that the report does not depend on where that lies.
                path: format!("build/{}", a.path.rsplit(['/', '\\']).next().unwrap_or(&a.path)),
                sha256: a.sha256.clone(),
                bytes: a.bytes,
            })
            .collect();
    }
    if let Some(proof) = &r.proof {
        data.targets = proof
            .value
            .records
            .iter()
            .map(|t| Target {
                id: t.target.clone(),
                bit_exact: t.bit_exact,
                cases: t.cases,
                builds: t.builds.clone(),
                flash: t.flash_bytes,
                ram: t.arena_bytes.zip(t.static_bytes).zip(t.stack_bytes).map(|((a, s), k)| (a, s, k)),
                instructions: t.instructions.map(|i| (i.dsp, i.network)),
                remark: t.mismatch.clone().or_else(|| t.missing.clone()),
            })
            .collect();
    }
    Ok(data)
}

fn about_data(r: &Results, data: &mut ReportData) {
    if let Some(bronze) = &r.bronze {
        data.samples = bronze.value.count;
        data.quarantined.extend(bronze.value.quarantined.iter().map(|q| (q.file.clone(), q.reason.clone())));
    }
    let (Some(silver), Some(split)) = (&r.silver, &r.split) else { return };
    data.samples = silver.value.samples.len();
    data.quarantined.extend(silver.value.rejected.iter().map(|q| (q.file.clone(), q.reason.clone())));
    let mut flags: BTreeMap<&str, usize> = BTreeMap::new();
    let mut labels: BTreeMap<&str, LabelCount> = BTreeMap::new();
    for (sample, side) in silver.value.samples.iter().zip(&split.value.sides) {
        for (kind, _) in &sample.flags {
            *flags.entry(kind).or_default() += 1;
        }
        let mut names = dataset::ranges::names(&sample.ranges);
        names.extend(dataset::boxes::names(sample.boxes.as_deref()));
        if names.is_empty() && sample.boxes.is_some() {
            names.insert("(no object)");
        }
        if names.is_empty() {
            names.insert(sample.label.as_deref().unwrap_or("(no label)"));
        }
        for label in names {
            let count = labels
                .entry(label)
                .or_insert_with(|| LabelCount { label: label.into(), ..LabelCount::default() });
            match side {
                Side::Training => count.training += 1,
                Side::Validation => count.validation += 1,
                Side::Testing => count.testing += 1,
            }
        }
    }
    data.flags = flags.into_iter().map(|(k, n)| (k.to_owned(), n)).collect();
    data.labels = labels.into_values().collect();
}

fn about_impulse(gold: &Gold, data: &mut ReportData) -> Result<(), EngineError> {
    let impulse = Impulse::from_bundle(&gold.impulse)?;
    let w = &impulse.window;
    let axes: Vec<&str> = w.axes.iter().map(|a| a.name.as_str()).collect();
    data.window = if w.rate_hz > 0.0 {
        format!(
            "Window of {:.0} ms ({} frames at {} Hz), a new one every {:.0} ms; axes {}",
            w.frames as f64 * 1000.0 / w.rate_hz,
            w.frames,
            w.rate_hz,
            w.stride as f64 * 1000.0 / w.rate_hz,
            axes.join(", ")
        )
    } else {
        format!("{} frames of {}", w.frames, axes.join(", "))
    };
    data.features = impulse.features();
    data.blocks = impulse
        .dsp
        .iter()
        .map(|b| Block {
            id: b.id.clone(),
            kind: format!("{} {}", b.block, b.version),
            parameters: b
                .params
                .iter()
                .map(|(k, v)| {
                    let value = match v {
                        edgewright_dsp::Value::Number(n) => n.to_string(),
                        edgewright_dsp::Value::Bool(b) => b.to_string(),
                        // A program in one line.
                        edgewright_dsp::Value::Text(t) => {
                            let lines = t.lines().map(str::trim).filter(|l| !l.is_empty());
                            lines.collect::<Vec<_>>().join("; ")
                        }
                    };
                    (k.clone(), value)
                })
                .collect(),
            output: match b.output() {
                OutputShape::Flat(n) => format!("{n} values"),
                OutputShape::Spectrogram { rows, columns } => format!("{rows} frames of {columns}"),
                OutputShape::Image { height, width, channels } => format!("{width}x{height}x{channels}"),
            },
        })
        .collect();
    Ok(())
}

/// Evenly spaced training windows in two dimensions.
fn feature_map(session: &Session<'_>, gold: &Gold) -> Result<Vec<Point>, EngineError> {
    let windows = gold.training.windows();
    let label = |w: usize| gold.labels.get(&windows[w]).unwrap_or_default().to_owned();
    let places = crate::map::of_training(session, gold)?;
    Ok(places.into_iter().map(|(w, [x, y, _])| Point { x, y, label: label(w) }).collect())
}

fn about_learning(learn: &LearnSummary, data: &mut ReportData) {
    data.curves.push(Curves {
        id: learn.id.clone(),
        best_epoch: learn.best_epoch,
        epochs: learn
            .history
            .iter()
            .map(|e| Curve {
                epoch: e.epoch,
                loss: e.loss,
                metric: e.metric,
                validation_loss: e.validation_loss,
                validation_metric: e.validation_metric,
                gradient_norm: e.gradient_norm,
            })
            .collect(),
    });
    data.layers.extend(learn.layers.iter().map(|l| Layer {
        name: l.name.clone(),
        shape: l.shape.iter().map(usize::to_string).collect::<Vec<_>>().join("x"),
        parameters: l.parameters,
        macs: l.macs,
        snr_db: l.snr_db,
    }));
    let packed = |f: &StepFigures| f.packed_bytes.map_or_else(|| "-".to_owned(), |n| n.to_string());
    data.steps.extend(learn.steps.iter().map(|s| {
        let (b, a) = (&s.before, &s.after);
        let row = |name: &str, before: String, after: String| (name.to_owned(), before, after);
        Step {
            block: learn.id.clone(),
            name: s.step.clone(),
            detail: s.detail.clone(),
            target: s.target.clone(),
            figures: vec![
                row(&s.metric, format!("{:.4}", b.metric), format!("{:.4}", a.metric)),
                row("parameters", b.parameters.to_string(), a.parameters.to_string()),
                row("flash, bytes", b.flash_bytes.to_string(), a.flash_bytes.to_string()),
                row("RAM, bytes", b.ram_bytes.to_string(), a.ram_bytes.to_string()),
                row("instructions", b.instructions.to_string(), a.instructions.to_string()),
                row("weights packed, bytes", packed(b), packed(a)),
            ],
        }
    }));
}

/// How far the scores of a classifier can be trusted.
fn trust(name: &str, f: &Figures) -> Option<Trust> {
    let after = f.calibration.as_ref()?;
    let before = f.uncalibrated.as_ref();
    let bins =
        |c: &Calibration| c.bins.iter().map(|b| (b.count, b.confidence, b.accuracy)).collect::<Vec<_>>();
    Some(Trust {
        name: name.into(),
        ece: (before.map(|c| c.ece), after.ece),
        brier: (before.map(|c| c.brier), after.brier),
        accepted: f.accepted.map(|a| (a.min_confidence, a.coverage, a.accuracy)),
        bins: bins(after),
        before: before.map(bins).unwrap_or_default(),
    })
}

/// The figure of a slice that says most, with its interval.
fn slice_row(s: &Slice) -> Option<SliceRow> {
    let figures = [("accuracy", s.accuracy), ("F1 of objects", s.f1), ("MAE", s.mae), ("AUROC", s.auroc)];
    let (name, figure) = figures.into_iter().find_map(|(name, v)| Some((name, v?)))?;
    Some(SliceRow {
        by: s.by.clone(),
        value: s.value.clone(),
        windows: s.windows,
        name: name.into(),
        figure,
        interval: s.accuracy.and(s.low).zip(s.high),
    })
}

fn set_row(s: &SetFigures) -> SetRow {
    SetRow {
        kind: s.kind.clone(),
        target: s.target,
        coverage: (s.coverage, s.low, s.high),
        mean_size: s.mean_size,
        single: s.single,
        limit: s.limit,
    }
}

fn arithmetic(name: &str, f: &Figures) -> Arithmetic {
    let figures = [
        ("accuracy", f.accuracy),
        ("R2", f.r2),
        ("AUROC", f.auroc),
        ("F1 at the threshold", f.alarms.map(|a| a.f1)),
        ("accuracy of recordings", f.recordings_accuracy),
        ("macro F1", f.macro_f1),
        ("F1", f.f1),
        ("precision", f.precision),
        ("recall", f.recall),
        ("mAP50", f.map50),
        ("log loss", f.log_loss),
        ("MAE", f.mae),
        ("RMSE", f.rmse),
    ];
    Arithmetic {
        name: name.into(),
        windows: f.windows,
        figures: figures.into_iter().filter_map(|(n, v)| v.map(|v| (n.to_owned(), v))).collect(),
        interval: f.low.zip(f.high),
        labels: f
            .labels
            .iter()
            .map(|l| LabelRow {
                label: l.label.clone(),
                precision: l.precision,
                recall: l.recall,
                f1: l.f1,
                support: l.support,
            })
            .collect(),
        confusion: f.confusion.clone(),
        pairs: f.pairs.clone(),
        roc: if f.auroc.is_some() { metrics::roc(&f.normal_scores, &f.anomaly_scores) } else { Vec::new() },
        normal_scores: f.normal_scores.clone(),
        anomaly_scores: f.anomaly_scores.clone(),
    }
}
