//! What a block learns from labels: which windows, what is true of each, and how it answers.

use super::{
    gold::WindowAt,
    split::Side,
    train::{Trainer, number},
};
use crate::{
    EngineError,
    project::{LearnKind, LearnSection},
};
use edgewright_impulse::{Impulse, Task};
use edgewright_train::{Head, Mark, Targets};

/// What a block learns.
pub(super) struct Lesson {
    /// With the layers of a detection block.
    pub section: LearnSection,
    pub head: Head,
    pub task: Task,
    /// Rows of the training matrix that train, and what is true of each.
    pub training: Vec<usize>,
    pub of: Truths,
    /// Rows that validate, and what is true of each.
    pub validation: Vec<usize>,
    pub watched: Truths,
}

/// What is true of some windows.
pub(super) enum Truths {
    Classes { of: Vec<u32>, count: usize },
    Values(Vec<f32>),
    Objects { of: Vec<Vec<Mark>>, labels: usize, weight: f32 },
}

impl Truths {
    pub fn targets(&self) -> Targets<'_> {
        match self {
            Self::Classes { of, count } => Targets::Classes { of, count: *count },
            Self::Values(of) => Targets::Values(of),
            Self::Objects { of, labels, weight } => Targets::Objects { of, labels: *labels, weight: *weight },
        }
    }
}

impl Trainer<'_> {
    /// What a block that is no anomaly block learns.
    pub(super) fn lesson(
        &self,
        impulse: &Impulse,
        section: &LearnSection,
        inputs: &[usize],
        notes: &mut Vec<String>,
    ) -> Result<Lesson, EngineError> {
        match section.kind {
            LearnKind::Classifier => self.classes(section),
            LearnKind::Regression => self.numbers(section, notes),
            LearnKind::Detection => self.objects(impulse, section, inputs, notes),
            LearnKind::Anomaly => Err(EngineError::Internal("an anomaly block learns without labels".into())),
        }
    }

    fn classes(&self, section: &LearnSection) -> Result<Lesson, EngineError> {
        let windows = self.gold.training.windows();
        let training = self.rows(Side::Training, |w| self.label(w).is_some());
        let mut labels: Vec<String> =
            training.iter().filter_map(|&r| self.label(&windows[r]).map(str::to_owned)).collect();
        labels.sort();
        labels.dedup();
        if let Some(order) = section.labels.as_ref().filter(|_| section.file.is_some()) {
            if let Some(unknown) = labels.iter().find(|l| !order.contains(l)) {
                return Err(self.project_error(format!(
                    "the model has no output for the label `{unknown}`; `labels` names {}",
                    order.join(", ")
                )));
            }
            labels.clone_from(order);
        }
        if labels.len() < 2 {
            let only =
                labels.first().map_or("none has a label".to_owned(), |l| format!("all are labelled `{l}`"));
            return Err(EngineError::Data(format!(
                "a classifier needs training samples of at least two labels, but {only}\nhint: import more, or use an anomaly block"
            )));
        }
        let known = |w: &WindowAt| self.label(w).is_some_and(|l| labels.iter().any(|k| k == l));
        let validation = self.rows(Side::Validation, known);
        let count = labels.len();
        let class = |rows: &[usize]| {
            let of = rows.iter().filter_map(|&r| {
                let label = self.label(&windows[r])?;
                labels.iter().position(|k| k == label).map(|i| i as u32)
            });
            Truths::Classes { of: of.collect(), count }
        };
        Ok(Lesson {
            section: section.clone(),
            head: Head::Softmax { classes: count },
            of: class(&training),
            watched: class(&validation),
            training,
            validation,
            task: Task::Classification { labels, min_confidence: None },
        })
    }

    fn numbers(&self, section: &LearnSection, notes: &mut Vec<String>) -> Result<Lesson, EngineError> {
        let windows = self.gold.training.windows();
        let number = |w: &WindowAt| self.label(w).and_then(number);
        let training = self.rows(Side::Training, |w| number(w).is_some());
        let validation = self.rows(Side::Validation, |w| number(w).is_some());
        if training.is_empty() {
            return Err(EngineError::Data(
                "a regression needs labels that are numbers, and no training sample has one".into(),
            ));
        }
        let words: Vec<&str> =
            windows.iter().filter(|w| number(w).is_none()).filter_map(|w| self.label(w)).collect();
        if let Some(first) = words.first() {
            let shown: String = first.chars().take(40).collect();
            notes.push(format!(
                "{} windows have a label that is no number, such as `{shown}`, and do not train this regression",
                words.len()
            ));
        }
        let values =
            |rows: &[usize]| Truths::Values(rows.iter().filter_map(|&r| number(&windows[r])).collect());
        Ok(Lesson {
            section: section.clone(),
            head: Head::Linear { outputs: 1 },
            task: Task::Regression,
            of: values(&training),
            watched: values(&validation),
            training,
            validation,
        })
    }
}
