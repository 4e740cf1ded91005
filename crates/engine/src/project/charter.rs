//! `[charter]`: what the project is for, and the figure it is judged by.

use crate::{EngineError, stages::test::Figures};
use serde::{Deserialize, Serialize};

/// `[charter]`
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct CharterSection {
    /// What problem is solved.
    pub problem: String,
    /// Who has it.
    pub user: String,
    /// What a miss costs: something is there and the model does not say so.
    pub miss: String,
    /// What a false alarm costs: the model says something that is not there.
    pub false_alarm: String,
    /// Figure the project is judged by: tables of figures name it first.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub metric: Option<Metric>,
}

/// A figure of the test.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Metric {
    /// Share of the windows that is right.
    Accuracy,
    /// Share of the recordings that is right.
    RecordingsAccuracy,
    /// Mean F1 of the labels.
    MacroF1,
    /// Mean negative log score of the right label; less is better.
    LogLoss,
    /// Mean distance of score and share that is right; less is better.
    Ece,
    /// Mean squared distance of the scores from the truth; less is better.
    Brier,
    /// Area under the ROC curve of the anomaly score.
    Auroc,
    /// F1 of the objects that are found.
    F1,
    /// Share of what is found that is there.
    Precision,
    /// Share of what is there that is found.
    Recall,
    /// Mean average precision at an overlap of half the union.
    Map50,
    /// Coefficient of determination.
    R2,
    /// Mean absolute error, in units of the target; less is better.
    Mae,
    /// Root mean squared error, in units of the target; less is better.
    Rmse,
}

impl Metric {
    /// All, as they are written in the project file.
    pub const ALL: [Self; 14] = [
        Self::Accuracy,
        Self::RecordingsAccuracy,
        Self::MacroF1,
        Self::LogLoss,
        Self::Ece,
        Self::Brier,
        Self::Auroc,
        Self::F1,
        Self::Precision,
        Self::Recall,
        Self::Map50,
        Self::R2,
        Self::Mae,
        Self::Rmse,
    ];

    /// As in the project file.
    pub fn name(self) -> &'static str {
        match self {
            Self::Accuracy => "accuracy",
            Self::RecordingsAccuracy => "recordings_accuracy",
            Self::MacroF1 => "macro_f1",
            Self::LogLoss => "log_loss",
            Self::Ece => "ece",
            Self::Brier => "brier",
            Self::Auroc => "auroc",
            Self::F1 => "f1",
            Self::Precision => "precision",
            Self::Recall => "recall",
            Self::Map50 => "map50",
            Self::R2 => "r2",
            Self::Mae => "mae",
            Self::Rmse => "rmse",
        }
    }

    /// The metric of that name.
    ///
    /// # Errors
    /// [`EngineError::Usage`], naming all.
    pub fn parse(name: &str) -> Result<Self, EngineError> {
        Self::ALL.into_iter().find(|m| m.name() == name).ok_or_else(|| {
            let all: Vec<&str> = Self::ALL.into_iter().map(Self::name).collect();
            EngineError::Usage(format!("there is no metric `{name}`; use one of {}", all.join(", ")))
        })
    }

    /// Whether more of it is better.
    pub fn more_is_better(self) -> bool {
        !matches!(self, Self::LogLoss | Self::Ece | Self::Brier | Self::Mae | Self::Rmse)
    }

    /// Its value among the figures of a test; `None` when this impulse has no such figure.
    pub fn of(self, f: &Figures) -> Option<f64> {
        match self {
            Self::Accuracy => f.accuracy,
            Self::RecordingsAccuracy => f.recordings_accuracy,
            Self::MacroF1 => f.macro_f1,
            Self::LogLoss => f.log_loss,
            Self::Ece => f.calibration.as_ref().map(|c| c.ece),
            Self::Brier => f.calibration.as_ref().map(|c| c.brier),
            Self::Auroc => f.auroc,
            Self::F1 => f.f1,
            Self::Precision => f.precision,
            Self::Recall => f.recall,
            Self::Map50 => f.map50,
            Self::R2 => f.r2,
            Self::Mae => f.mae,
            Self::Rmse => f.rmse,
        }
    }
}

impl CharterSection {
    /// Fields that say nothing yet, as they are written in the project file.
    pub fn open(&self) -> Vec<&'static str> {
        let empty = |text: &str| text.trim().is_empty();
        [
            ("problem", empty(&self.problem)),
            ("user", empty(&self.user)),
            ("miss", empty(&self.miss)),
            ("false_alarm", empty(&self.false_alarm)),
            ("metric", self.metric.is_none()),
        ]
        .into_iter()
        .filter_map(|(field, open)| open.then_some(field))
        .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_those_of_the_project_file() {
        for metric in Metric::ALL {
            let text = serde_json::to_string(&metric).expect("a word");
            assert_eq!(text, format!("\"{}\"", metric.name()));
        }
    }
}
