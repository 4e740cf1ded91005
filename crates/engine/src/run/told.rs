//! What a run says, for programs and for people.

use crate::{
    session::{StageRecord, StageStatus},
    stages::{
        build::Artifact,
        prove::VerifyRecord,
        slices::Slice,
        test::{Alarms, Figures, RuleFigures},
        train::{Epoch, LearnSummary, StepLine},
        uncertainty::{Accepted, Uncertainty},
    },
};
use serde::Serialize;
use std::collections::BTreeMap;

/// As `run --json` prints it.
#[derive(Clone, Debug, Default, Serialize)]
pub struct RunReport {
    /// Name of the project.
    pub project: String,
    /// Seed that was used.
    pub seed: u64,
    /// One per stage that ran.
    pub stages: Vec<StageRecord>,
    /// The data set.
    pub data: DataReport,
    /// One per learning block.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub training: Vec<LearnReport>,
    /// Figures.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub test: Option<TestReport>,
    /// Proofs.
    pub verify: Vec<VerifyRecord>,
    /// Exported packages.
    pub artifacts: Vec<Artifact>,
    /// Gates that were missed, as sentences.
    pub missed: Vec<String>,
    /// The report, once it is written.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub report: Option<String>,
}

/// The data set in numbers.
#[derive(Clone, Debug, Default, Serialize)]
pub struct DataReport {
    /// Samples that are used: those that train and those that test. Before cleaning, those that are there.
    pub samples: usize,
    /// Files refused at import, and samples rejected by cleaning.
    pub quarantined: usize,
    /// Samples that were dropped because another one is the same.
    pub duplicates: usize,
    /// Samples per label, of those that are used.
    pub labels: BTreeMap<String, usize>,
    /// Samples that train or validate.
    pub training: usize,
    /// Samples that test.
    pub testing: usize,
}

/// What one learning block learned, without a look at the test windows: what settings may be chosen by.
#[derive(Clone, Debug, Default, Serialize)]
pub struct LearnReport {
    /// Id of the block.
    pub id: String,
    /// Windows that trained.
    pub training_windows: usize,
    /// Windows that validated.
    pub validation_windows: usize,
    /// Epoch whose weights were kept, from 1; 0 for a block that has no epochs.
    pub best_epoch: usize,
    /// Loss on the validation windows at that epoch.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub validation_loss: Option<f64>,
    /// Accuracy or R2 on the validation windows at that epoch.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub validation_metric: Option<f64>,
    /// Labels of a classifier, in the order of its scores.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub labels: Vec<String>,
    /// Each epoch: losses, metrics, size of the last step, norm of the gradient, confusion of the validation windows.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub history: Vec<Epoch>,
    /// What teaching, pruning and training in int8 changed, in order.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub steps: Vec<StepLine>,
}

impl From<&LearnSummary> for LearnReport {
    fn from(l: &LearnSummary) -> Self {
        let best = l.history.iter().find(|e| e.epoch == l.best_epoch);
        Self {
            id: l.id.clone(),
            training_windows: l.training_windows,
            validation_windows: l.validation_windows,
            best_epoch: l.best_epoch,
            validation_loss: best.and_then(|e| e.validation_loss),
            validation_metric: best.and_then(|e| e.validation_metric),
            labels: l.labels.clone(),
            history: l.history.clone(),
            steps: l.steps.clone(),
        }
    }
}

/// Figures in the three arithmetics.
#[derive(Clone, Debug, Default, Serialize)]
pub struct TestReport {
    /// Single precision.
    pub float: FigureReport,
    /// Integer.
    pub int8: FigureReport,
    /// The emitted C on the host, once it was verified.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub c: Option<FigureReport>,
    /// How sure a classifier may be taken to be.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub uncertainty: Option<Uncertainty>,
    /// The best rule on one feature.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rule: Option<RuleFigures>,
    /// Of the windows whose recordings share a fact, in int8.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub slices: Vec<Slice>,
    /// In words.
    pub verdicts: Vec<String>,
}

/// Figures of one arithmetic.
#[derive(Clone, Debug, Default, Serialize)]
pub struct FigureReport {
    /// Windows behind the figures.
    pub windows: usize,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[expect(missing_docs, reason = "named by the field")]
    pub accuracy: Option<f64>,
    /// Lower end of the 95 % interval.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub low: Option<f64>,
    /// Upper end.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub high: Option<f64>,
    /// Accuracy of the mean score over each recording.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub recordings_accuracy: Option<f64>,
    /// Mean F1 of the labels.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub macro_f1: Option<f64>,
    /// Mean negative log score of the right label.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub log_loss: Option<f64>,
    /// Expected calibration error: mean distance of the highest score and the share that is right.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ece: Option<f64>,
    /// The same before a temperature was fitted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ece_before: Option<f64>,
    /// Brier score: mean squared distance of the scores from the truth.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub brier: Option<f64>,
    /// The same before a temperature was fitted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub brier_before: Option<f64>,
    /// What `min_confidence` leaves.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub accepted: Option<Accepted>,
    /// F1 of each label; of an impulse that finds objects the one of all objects.
    #[serde(skip_serializing_if = "F1::is_empty")]
    pub f1: F1,
    /// F1 of the objects of each label.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub f1_labels: BTreeMap<String, f64>,
    /// Of what was found, the share that is there.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub precision: Option<f64>,
    /// Of the objects that are there, the share that was found.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub recall: Option<f64>,
    /// Mean average precision at an overlap of half the union, of the boxes as they are returned.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub map50: Option<f64>,
    /// Coefficient of determination.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub r2: Option<f64>,
    /// Mean absolute error.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mae: Option<f64>,
    /// Root mean squared error.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rmse: Option<f64>,
    /// Ends of the 95 % interval of the mean absolute error.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mae_within: Option<(f64, f64)>,
    /// Ends of the 95 % interval of the root mean squared error.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rmse_within: Option<(f64, f64)>,
    /// Area under the ROC curve.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub auroc: Option<f64>,
    /// What the threshold of the anomaly score makes of the windows.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub alarms: Option<Alarms>,
}

/// F1 of labels or of all objects.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(untagged)]
pub enum F1 {
    /// Of each label.
    Labels(BTreeMap<String, f64>),
    /// Of all objects together.
    Objects(f64),
}

impl Default for F1 {
    fn default() -> Self {
        Self::Labels(BTreeMap::new())
    }
}

impl F1 {
    fn is_empty(&self) -> bool {
        matches!(self, Self::Labels(labels) if labels.is_empty())
    }
}

impl From<&Figures> for FigureReport {
    fn from(f: &Figures) -> Self {
        let labels: BTreeMap<String, f64> = f.labels.iter().map(|l| (l.label.clone(), l.f1)).collect();
        let (f1, f1_labels) = match f.f1 {
            Some(all) => (F1::Objects(all), labels),
            None => (F1::Labels(labels), BTreeMap::new()),
        };
        Self {
            windows: f.windows,
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
            accepted: f.accepted,
            f1,
            f1_labels,
            precision: f.precision,
            recall: f.recall,
            map50: f.map50,
            r2: f.r2,
            mae: f.mae,
            rmse: f.rmse,
            mae_within: f.mae_within,
            rmse_within: f.rmse_within,
            auroc: f.auroc,
            alarms: f.alarms,
        }
    }
}

impl RunReport {
    /// For people.
    pub fn to_text(&self) -> String {
        let mut out = String::new();
        let d = &self.data;
        out.push_str(&format!(
            "\n{}: {} samples{}, {} quarantined, seed {}\n",
            self.project,
            d.samples,
            // Before the split nothing is known of sides.
            if d.training + d.testing > 0 {
                format!(" ({} train, {} test)", d.training, d.testing)
            } else {
                String::new()
            },
            d.quarantined,
            self.seed
        ));
        if self.stages.iter().all(|s| s.status == StageStatus::Cached) {
            out.push_str("nothing changed: every stage was up to date\n");
        }
        out.push_str(&self.test_text());
        for record in &self.verify {
            out.push_str(&record.to_text());
            out.push('\n');
        }
        for a in &self.artifacts {
            out.push_str(&format!(
                "library   {}  (sha256 {})\n",
                a.path,
                &a.sha256[..16.min(a.sha256.len())]
            ));
        }
        if let Some(report) = &self.report {
            out.push_str(&format!("report    {report}\n"));
        }
        out
    }

    /// The figures for people.
    pub fn test_text(&self) -> String {
        let Some(test) = &self.test else { return String::new() };
        let columns = [("float", Some(&test.float)), ("int8", Some(&test.int8)), ("C", test.c.as_ref())];
        let mut out = format!("{:<12}", "");
        for (name, figures) in &columns {
            if figures.is_some() {
                out.push_str(&format!("{name:>10}"));
            }
        }
        out.push('\n');
        let mut line = |name: &str, pick: &dyn Fn(&FigureReport) -> Option<f64>| {
            if columns.iter().any(|(_, f)| f.is_some_and(|f| pick(f).is_some())) {
                out.push_str(&format!("{name:<12}"));
                for (_, figures) in &columns {
                    if let Some(value) = figures.and_then(pick) {
                        out.push_str(&format!("{value:>10.4}"));
                    }
                }
                out.push('\n');
            }
        };
        line("accuracy", &|f| f.accuracy);
        line("recordings", &|f| f.recordings_accuracy);
        line("macro F1", &|f| f.macro_f1);
        line("F1", &|f| match f.f1 {
            F1::Objects(all) => Some(all),
            F1::Labels(_) => None,
        });
        line("precision", &|f| f.precision);
        line("recall", &|f| f.recall);
        line("mAP50", &|f| f.map50);
        line("log loss", &|f| f.log_loss);
        line("ECE", &|f| f.ece);
        line("Brier", &|f| f.brier);
        line("accepted", &|f| f.accepted.map(|a| a.coverage));
        line("right then", &|f| f.accepted.and_then(|a| a.accuracy));
        line("R2", &|f| f.r2);
        line("MAE", &|f| f.mae);
        line("RMSE", &|f| f.rmse);
        line("AUROC", &|f| f.auroc);
        line("alarm F1", &|f| f.alarms.map(|a| a.f1));
        if let (Some(low), Some(high)) = (test.float.low, test.float.high) {
            out.push_str(&format!("95 % interval {low:.4} to {high:.4} on {} windows\n", test.float.windows));
        }
        for (name, within) in [("MAE", test.float.mae_within), ("RMSE", test.float.rmse_within)] {
            if let Some((low, high)) = within {
                out.push_str(&format!("{name}: 95 % interval {low:.4} to {high:.4}\n"));
            }
        }
        for verdict in &test.verdicts {
            out.push_str(&format!("  {verdict}\n"));
        }
        out
    }
}
