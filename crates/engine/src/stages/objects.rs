//! Detection blocks: what trains them, and how their scores become boxes.

use super::{
    gold::WindowAt,
    lesson::{Lesson, Truths},
    split::Side,
    train::Trainer,
};
use crate::{
    EngineError, architecture,
    dataset::LabelBox,
    project::{BoxSize, LearnSection},
};
use edgewright_impulse::{Impulse, Task, post::cells::Detector};
use edgewright_train::{Head, Layer, Mark, Network};
use std::collections::BTreeSet;

impl Trainer<'_> {
    /// Objects by the cells that hold their centres.
    pub(super) fn objects(
        &self,
        impulse: &Impulse,
        section: &LearnSection,
        inputs: &[usize],
        notes: &mut Vec<String>,
    ) -> Result<Lesson, EngineError> {
        let Some((width, height)) = impulse.window.image else {
            return Err(EngineError::Data("a detection block needs pictures".into()));
        };
        if section.file.is_some() {
            return Err(self.project_error("a detection block cannot take a `file` yet".into()));
        }
        let windows = self.gold.training.windows();
        let boxes = |row: usize| self.silver.samples[windows[row].sample].boxes.as_deref();
        let boxed = |w: &WindowAt| self.silver.samples[w.sample].boxes.is_some();
        let training = self.rows(Side::Training, boxed);
        let validation = self.rows(Side::Validation, boxed);
        let mut labels: Vec<String> =
            training.iter().flat_map(|&r| boxes(r).unwrap_or_default()).map(|b| b.label.clone()).collect();
        labels.sort();
        labels.dedup();
        if labels.is_empty() {
            return Err(EngineError::Data(
                "no training picture holds a box\nhint: import boxes beside the pictures with `data import --label-from sidecar`"
                    .into(),
            ));
        }
        let of = |rows: &[usize]| -> Vec<Vec<Mark>> {
            let mark = |b: &LabelBox| {
                let label = labels.binary_search(&b.label).ok()? as u32;
                let share =
                    |from: f64, length: f64, side: u32| ((from + length / 2.0) / f64::from(side)) as f32;
                Some(Mark {
                    label,
                    x: share(b.x, b.width, width as u32),
                    y: share(b.y, b.height, height as u32),
                })
            };
            rows.iter().map(|&r| boxes(r).unwrap_or_default().iter().filter_map(mark).collect()).collect()
        };
        let layers = layers(section);
        let head = Head::Cells { classes: labels.len() + 1 };
        let network =
            Network { input: architecture::input_shape(impulse, inputs), layers: layers.clone(), head };
        let cells = edgewright_train::sketch(&network)?.layers.last().map_or([1; 3], |l| l.shape);
        let sizes = labels
            .iter()
            .map(|label| {
                let all = training.iter().flat_map(|&r| boxes(r).unwrap_or_default());
                let of: Vec<&LabelBox> = all.filter(|b| &b.label == label).collect();
                match section.boxes.unwrap_or_default() {
                    BoxSize::Cells => [0, 0],
                    BoxSize::Usual => [
                        median(of.iter().map(|b| b.width).collect()),
                        median(of.iter().map(|b| b.height).collect()),
                    ],
                }
            })
            .collect();
        let detector = Detector {
            labels: labels.clone(),
            rows: cells[0],
            columns: cells[1],
            width: width as u32,
            height: height as u32,
            threshold: section.threshold.unwrap_or(0.5) as f32,
            sizes,
        };
        if let Some(problem) = detector.problem() {
            return Err(self.project_error(format!("the detection block: {problem}")));
        }
        let (marks, watched) = (of(&training), of(&validation));
        let shared = |marks: &Vec<Mark>| {
            let place = |m: &Mark| ((m.y * cells[0] as f32) as usize, (m.x * cells[1] as f32) as usize);
            let all: BTreeSet<_> = marks.iter().map(place).collect();
            marks.len() - all.len()
        };
        let objects: usize = marks.iter().map(Vec::len).sum();
        notes.push(format!(
            "{objects} objects of {} labels in {} training pictures, on {} x {} cells; {} share a cell with another, where one of them is learned",
            labels.len(),
            training.len(),
            cells[1],
            cells[0],
            marks.iter().map(shared).sum::<usize>()
        ));
        let weight = section.object_weight.unwrap_or(5.0) as f32;
        let count = labels.len();
        Ok(Lesson {
            section: LearnSection { layers: Some(layers), ..section.clone() },
            head,
            task: Task::Detection(detector),
            of: Truths::Objects { of: marks, labels: count, weight },
            watched: Truths::Objects { of: watched, labels: count, weight },
            training,
            validation,
        })
    }
}

/// The middle of some lengths, as whole pixels.
fn median(mut lengths: Vec<f64>) -> u32 {
    lengths.sort_by(f64::total_cmp);
    lengths.get(lengths.len() / 2).map_or(0, |l| l.round().max(1.0) as u32)
}

/// Layers of a detection block: its own, or those that end in cells of `cut` pixels.
pub(crate) fn layers(section: &LearnSection) -> Vec<Layer> {
    section.layers.clone().unwrap_or_else(|| architecture::trunk(section.cut.unwrap_or(8)))
}
