//! `explain`: which part of a window a learning block went by.

mod cam;
mod occlusion;
mod score;

use crate::{
    EngineError, dataset,
    run::{self, Results},
    session::Session,
    stages::{clean, features::Gold},
};
use edgewright_impulse::{Impulse, LearnBlock, Task};
use edgewright_report::Heat;
use score::Judge;
use serde::Serialize;

/// How to find out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Method {
    /// Cover one part after the other and see what the score loses.
    Occlusion,
    /// Weigh the channels of the last convolution by what the score gains with each (Selvaraju and others, 2017).
    GradCam,
}

impl Method {
    /// The method of a name.
    ///
    /// # Errors
    /// [`EngineError::Usage`] for another one.
    pub fn parse(name: &str) -> Result<Self, EngineError> {
        match name {
            "occlusion" => Ok(Self::Occlusion),
            "grad-cam" => Ok(Self::GradCam),
            _ => Err(EngineError::Usage(format!("there is no method `{name}`; it is occlusion or grad-cam"))),
        }
    }

    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Occlusion => "occlusion",
            Self::GradCam => "grad-cam",
        }
    }
}

/// What to explain.
#[derive(Clone, Debug)]
pub struct Request {
    /// Id of the sample, the first characters of it, or its name.
    pub sample: String,
    /// Which of its windows, from 0.
    pub window: usize,
    /// How.
    pub method: Method,
    /// Why this label, and not the one with the highest score.
    pub label: Option<String>,
}

/// Why a window got its score.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Explanation {
    /// Id of the sample.
    pub sample: String,
    /// Its name.
    pub name: String,
    /// Number of the window, from 0.
    pub window: usize,
    /// Windows of the sample.
    pub windows: usize,
    /// Where it begins, in ms.
    pub start_ms: f64,
    /// Id of the learning block.
    pub block: String,
    /// `occlusion` or `grad-cam`.
    pub method: &'static str,
    /// The label that is explained, of a classifier.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub label: Option<String>,
    /// What is explained: how far the label is ahead of the next in the sums before the softmax (or in scores, without one), the
    /// estimate, or the anomaly score; in float.
    pub score: f64,
    /// Where it comes from.
    pub maps: Vec<HeatMap>,
}

/// Heat of the parts of one thing, row by row.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct HeatMap {
    /// `features` of a DSP block, `window`, or `layer`.
    pub kind: &'static str,
    /// Id of the DSP block, `window`, or name of the layer.
    pub name: String,
    /// What rows are.
    pub row: &'static str,
    /// What columns are.
    pub column: &'static str,
    /// Number of rows.
    pub rows: usize,
    /// Number of columns.
    pub columns: usize,
    /// Rows and columns of what it is of; a part covers as many of them as come on it.
    pub of: [usize; 2],
    /// Names of the rows or, of a single row, of the columns; may be empty.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub names: Vec<String>,
    /// Occlusion: what the score loses when the part is covered, negative where it gains. Grad-CAM: what the place adds to the score, to
    /// first order; 0 where it takes away.
    pub values: Vec<f32>,
}

/// The window that is explained.
struct Place {
    /// First frames of all windows of the sample, in order.
    starts: Vec<usize>,
    features: Vec<f32>,
}

/// Explains one window of a sample as the impulse in float sees it. Brings the project up to the trained impulse.
///
/// # Errors
/// [`EngineError::NotFound`] for a sample that is not among the cleaned ones; [`EngineError::Data`] when it has no such window, the impulse has no such label,
/// or the method does not suit the learning block; whatever a stage returns.
pub fn explain(session: &Session<'_>, request: &Request) -> Result<Explanation, EngineError> {
    let mut results = Results::default();
    run::fill(session, 4, &mut results)?;
    // Samples of `[[data]]` are there once they were imported.
    let id = dataset::show(session, &request.sample)?.listed.id;
    let (Some(silver), Some(gold), Some(trained)) = (&results.silver, &results.gold, &results.trained) else {
        return Err(EngineError::NotBuilt { stage: "train" });
    };
    let (silver, gold) = (&silver.value, &gold.value);
    let impulse = trained.value.impulse_float(session)?;
    let learn = explained(&impulse)?;
    let sample = silver.samples.iter().position(|s| s.id == id);
    let sample = sample.ok_or_else(|| {
        EngineError::NotFound(
            "this sample is not among the cleaned recordings; it was refused, left out or disabled".into(),
        )
    })?;
    let place = place(session, gold, &impulse, sample, request.window)?;
    let mut judge = Judge::new(&impulse, learn)?;
    let label = judge.choose(&place.features, request.label.as_deref())?;
    let score = judge.score(&place.features)?;
    let maps = match request.method {
        Method::GradCam => vec![cam::map(learn, &judge)?],
        Method::Occlusion => {
            let mean = mean(session, gold, impulse.features())?;
            let mut maps =
                occlusion::features(&impulse, learn, &mut judge, &place.features, &mean, &gold.names)?;
            let values = clean::SilverReader::open(session, silver)?.values(&silver.samples[sample])?;
            maps.extend(occlusion::window(&impulse, &mut judge, &values, &place.starts[..=request.window])?);
            maps
        }
    };
    Ok(Explanation {
        sample: id,
        name: silver.samples[sample].name.clone(),
        window: request.window,
        windows: place.starts.len(),
        start_ms: impulse.window.start_ms(place.starts[request.window]),
        block: learn.id.clone(),
        method: request.method.name(),
        label,
        score,
        maps,
    })
}

/// The block that is explained: the first that has one answer.
fn explained(impulse: &Impulse) -> Result<&LearnBlock, EngineError> {
    let of = |anomaly: bool| {
        impulse.learn.iter().find(|l| match l.task {
            Task::Classification { .. } | Task::Regression => !anomaly,
            Task::Anomaly { .. } => anomaly,
            Task::Detection(_) => false,
        })
    };
    of(false).or_else(|| of(true)).ok_or_else(|| {
        EngineError::Data(
            "an impulse that finds objects is not explained: it has an answer for each cell".into(),
        )
    })
}

/// A window as it was trained on or tested with.
fn place(
    session: &Session<'_>,
    gold: &Gold,
    impulse: &Impulse,
    sample: usize,
    window: usize,
) -> Result<Place, EngineError> {
    let width = impulse.features();
    let mut features = vec![0.0; width];
    let own = |windows: &[crate::stages::gold::WindowAt]| -> Vec<usize> {
        (0..windows.len()).filter(|&r| windows[r].sample == sample).collect()
    };
    let none = |count: usize| {
        EngineError::Data(match count {
            0 => "the sample has no window that trains or tests: it is too short, or has no label".into(),
            n => format!("the sample has windows 0 to {}, none is {window}", n - 1),
        })
    };
    let windows = gold.training.windows();
    let rows = own(windows);
    if rows.is_empty() {
        let windows = gold.holdout.windows();
        let rows = own(windows);
        let row = *rows.get(window).ok_or_else(|| none(rows.len()))?;
        gold.holdout.rows(session)?.row(row, &mut features).map_err(unread)?;
        return Ok(Place { starts: rows.iter().map(|&r| windows[r].start).collect(), features });
    }
    let row = *rows.get(window).ok_or_else(|| none(rows.len()))?;
    #[expect(clippy::single_range_in_vec_init, reason = "one range of columns is what is meant")]
    gold.training.rows(session, vec![row], &[0..width])?.row(0, &mut features).map_err(unread)?;
    Ok(Place { starts: rows.iter().map(|&r| windows[r].start).collect(), features })
}

fn unread(e: std::io::Error) -> EngineError {
    EngineError::Internal(format!("features: {e}"))
}

/// Training windows whose mean covers what is covered, at most.
const MEAN_OF: usize = 256;

/// Mean of each feature over evenly spaced training windows.
fn mean(session: &Session<'_>, gold: &Gold, width: usize) -> Result<Vec<f32>, EngineError> {
    let all = gold.training.windows().len();
    let count = all.min(MEAN_OF);
    let rows: Vec<usize> = (0..count).map(|i| i * all / count).collect();
    #[expect(clippy::single_range_in_vec_init, reason = "one range of columns is what is meant")]
    let matrix = gold.training.rows(session, rows, &[0..width])?;
    let (mut sums, mut row) = (vec![0.0f64; width], vec![0.0; width]);
    for i in 0..count {
        matrix.row(i, &mut row).map_err(unread)?;
        sums.iter_mut().zip(&row).for_each(|(s, v)| *s += f64::from(*v));
    }
    Ok(sums.into_iter().map(|s| (s / count.max(1) as f64) as f32).collect())
}

/// Parts that are named in text.
const NAMED: usize = 8;

impl HeatMap {
    /// What it is of.
    fn title(&self) -> String {
        if self.kind == self.name { self.name.clone() } else { format!("{} {}", self.kind, self.name) }
    }

    /// Name of a part.
    fn part(&self, at: usize) -> String {
        let (row, column) = (at / self.columns, at % self.columns);
        let named = |n: usize| self.names.get(n);
        match (self.rows, named(row), named(column)) {
            (1, _, Some(name)) => name.clone(),
            (_, Some(name), _) if self.rows > 1 => {
                format!("{name}, {} {column} of {}", self.column, self.columns)
            }
            (1, ..) => format!("{} {column} of {}", self.column, self.columns),
            _ => format!("{} {row} of {}, {} {column} of {}", self.row, self.rows, self.column, self.columns),
        }
    }
}

impl Explanation {
    /// For people.
    pub fn to_text(&self) -> String {
        let what = match &self.label {
            Some(label) => format!("{label}, ahead of the next by {:.4}", self.score),
            None => format!("{:.4}", self.score),
        };
        let mut out = format!(
            "{} window {} of {} ({:.0} ms), {}: {what}\n",
            self.name, self.window, self.windows, self.start_ms, self.block
        );
        for map in &self.maps {
            out.push_str(&format!("{}, by {}:\n", map.title(), self.method));
            let mut order: Vec<usize> = (0..map.values.len()).collect();
            order.sort_by(|a, b| map.values[*b].abs().total_cmp(&map.values[*a].abs()).then(a.cmp(b)));
            for at in order.into_iter().take(NAMED) {
                out.push_str(&format!("  {:>10.4}  {}\n", map.values[at], map.part(at)));
            }
        }
        out
    }

    /// A picture of all maps, as one SVG file.
    pub fn to_svg(&self) -> String {
        let what = self.label.as_deref().map_or_else(|| self.block.clone(), |l| format!("`{l}`"));
        let title =
            format!("{} window {}: what speaks for {what}, by {}", self.name, self.window, self.method);
        let heats: Vec<Heat> = self
            .maps
            .iter()
            .map(|m| Heat {
                title: m.title(),
                row: m.row.to_owned(),
                column: m.column.to_owned(),
                rows: m.rows,
                columns: m.columns,
                values: m.values.clone(),
                parts: (0..m.values.len()).map(|at| m.part(at)).collect(),
            })
            .collect();
        edgewright_report::heat_svg(&title, &heats)
    }
}
