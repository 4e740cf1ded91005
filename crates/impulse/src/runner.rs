//! Reference run of the whole chain, window by window.

use crate::{Impulse, ImpulseError, Task, post::detect::Detection};
use edgewright_ir::interpret::Interpreter;

/// What an impulse says of one window.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Outcome {
    /// One score per label of the classifier; empty without one.
    pub scores: Vec<f32>,
    /// Whether the highest of them lies below the least confidence of the classifier.
    pub uncertain: bool,
    /// Estimate of the regression block.
    pub value: Option<f32>,
    /// Scores of the cells of a picture, row by row: background, then each label. Empty without a block that finds objects.
    pub cells: Vec<f32>,
    /// Boxes around its objects.
    pub boxes: Vec<Detection>,
    /// Score of the anomaly block.
    pub anomaly: Option<f32>,
}

/// Numbers of a box: label, x, y, width, height, score.
const BOX: usize = 6;

impl Outcome {
    /// Everything it says as [`Impulse::result_len`] numbers, in the order of the learning blocks: scores (and behind them 1 for an
    /// uncertain window and 0 for another, when the classifier has a least confidence), estimate, anomaly score; of a picture the scores of the cells, the number of boxes, and six numbers of each box with zeros behind the last.
    pub fn numbers(&self, impulse: &Impulse) -> Vec<f32> {
        let mut out = Vec::with_capacity(impulse.result_len());
        for learn in &impulse.learn {
            match &learn.task {
                Task::Classification { min_confidence, .. } => {
                    out.extend(&self.scores);
                    out.extend(min_confidence.map(|_| f32::from(u8::from(self.uncertain))));
                }
                Task::Regression => out.extend(self.value),
                Task::Anomaly { .. } => out.extend(self.anomaly),
                Task::Detection(d) => {
                    out.extend(&self.cells);
                    out.push(self.boxes.len() as f32);
                    let end = out.len() + BOX * d.most();
                    for b in &self.boxes {
                        out.extend([b.label as f32, b.x as f32, b.y as f32, b.width as f32, b.height as f32]);
                        out.push(b.value);
                    }
                    out.resize(end, 0.0);
                }
            }
        }
        out
    }

    /// The outcome behind numbers as [`Outcome::numbers`] gives them; what is missing is left out.
    pub fn from_numbers(impulse: &Impulse, numbers: &[f32]) -> Self {
        let mut outcome = Self::default();
        let mut rest = numbers.iter().copied();
        for learn in &impulse.learn {
            match &learn.task {
                Task::Classification { labels, min_confidence } => {
                    outcome.scores = rest.by_ref().take(labels.len()).collect();
                    outcome.uncertain = min_confidence.is_some() && rest.next().unwrap_or(0.0) > 0.0;
                }
                Task::Regression => outcome.value = rest.next(),
                Task::Anomaly { .. } => outcome.anomaly = rest.next(),
                Task::Detection(d) => {
                    outcome.cells = rest.by_ref().take(d.scores()).collect();
                    let count = rest.next().unwrap_or(0.0) as usize;
                    let all: Vec<f32> = rest.by_ref().take(BOX * d.most()).collect();
                    let one = |b: &[f32]| Detection {
                        label: b[0] as usize,
                        x: b[1] as u32,
                        y: b[2] as u32,
                        width: b[3] as u32,
                        height: b[4] as u32,
                        value: b[5],
                    };
                    outcome.boxes = all.chunks_exact(BOX).take(count).map(one).collect();
                }
            }
        }
        outcome
    }
}

impl Impulse {
    /// How many numbers [`Outcome::numbers`] gives.
    pub fn result_len(&self) -> usize {
        let of = |task: &Task| match task {
            Task::Classification { labels, min_confidence } => {
                labels.len() + usize::from(min_confidence.is_some())
            }
            Task::Regression | Task::Anomaly { .. } => 1,
            Task::Detection(d) => d.scores() + 1 + BOX * d.most(),
        };
        self.learn.iter().map(|l| of(&l.task)).sum()
    }
}

/// The score that the device takes for the highest.
fn highest(scores: &[f32]) -> f32 {
    scores.iter().copied().reduce(|best, s| if s > best { s } else { best }).unwrap_or(0.0)
}

/// An impulse with the buffers it needs, so that windows run without allocation.
pub struct Runner<'a> {
    impulse: &'a Impulse,
    interpreters: Vec<Interpreter<'a>>,
    scratch: Vec<f32>,
    /// What blocks keep from window to window, one behind the other.
    state: Vec<f32>,
    selected: Vec<f32>,
    /// All values of a block of which some are features.
    whole: Vec<f32>,
    features: Vec<f32>,
    inputs: Vec<f32>,
    outputs: Vec<Vec<f32>>,
}

impl<'a> Runner<'a> {
    /// Buffers for `impulse`.
    ///
    /// # Errors
    /// [`ImpulseError`] when the impulse is not valid.
    pub fn new(impulse: &'a Impulse) -> Result<Self, ImpulseError> {
        impulse.validate()?;
        let mut interpreters = Vec::new();
        let mut outputs = Vec::new();
        for learn in &impulse.learn {
            let fail = |reason: String| ImpulseError::Graph { id: learn.id.clone(), reason };
            interpreters.push(Interpreter::new(&learn.graph).map_err(|e| fail(e.to_string()))?);
            let output = learn.graph.outputs.first().ok_or_else(|| fail("the graph has no output".into()))?;
            outputs.push(vec![0.0; learn.graph.tensor(*output).len()]);
        }
        let scratch = impulse.dsp.iter().map(|b| b.plan.wide_scratch_len()).max().unwrap_or(0);
        Ok(Self {
            impulse,
            interpreters,
            scratch: vec![0.0; scratch],
            state: vec![0.0; impulse.state_len()],
            selected: Vec::new(),
            whole: Vec::new(),
            features: vec![0.0; impulse.features()],
            inputs: Vec::new(),
            outputs,
        })
    }

    /// Forgets earlier windows: the next one follows none, as the first of a recording.
    pub fn reset(&mut self) {
        self.state.fill(0.0);
    }

    /// Features of the next window: row-major `frames * axes` values in, all blocks' features out, in block order.
    ///
    /// # Errors
    /// [`ImpulseError::Dsp`] when a block refuses the values (not finite, wrong length).
    pub fn features(&mut self, window: &[f32]) -> Result<&[f32], ImpulseError> {
        self.features_given(window, &[])
    }

    /// The same where programs of the user compute some blocks: `given` has all features of each [`crate::DspBlock::is_external`], in block order.
    ///
    /// # Errors
    /// As [`Runner::features`]; [`ImpulseError::Structure`] when features of such a block are missing or of another number.
    pub fn features_given(&mut self, window: &[f32], given: &[&[f32]]) -> Result<&[f32], ImpulseError> {
        let mut given = given.iter();
        let axes = self.impulse.window.axes.len();
        let (mut at, mut state_at) = (0, 0);
        for block in &self.impulse.dsp {
            let out = &mut self.features[at..at + block.features()];
            at += out.len();
            if block.is_external() {
                let whole = given.next().copied().unwrap_or_default();
                if whole.len() != block.plan.output().len() {
                    return Err(ImpulseError::Structure {
                        impulse: self.impulse.name.clone(),
                        reason: format!(
                            "DSP block `{}` is computed by a program of its own, and {} of its {} features are given",
                            block.id,
                            whole.len(),
                            block.plan.output().len()
                        ),
                    });
                }
                match &block.keep {
                    None => out.copy_from_slice(whole),
                    Some(keep) => out.iter_mut().zip(keep).for_each(|(to, &k)| *to = whole[k]),
                }
                continue;
            }
            let all = block.axes.len() == axes && block.axes.iter().enumerate().all(|(i, &a)| i == a);
            let values = if all {
                window
            } else {
                self.selected.clear();
                for frame in window.chunks_exact(axes) {
                    self.selected.extend(block.axes.iter().map(|&a| frame[a]));
                }
                &self.selected
            };
            let kept = state_at..state_at + block.plan.state_len();
            state_at = kept.end;
            let refused = |source| ImpulseError::Dsp { id: block.id.clone(), source };
            let (state, scratch) = (&mut self.state[kept], &mut self.scratch);
            match &block.keep {
                None => block.plan.extract_next(values, state, scratch, out).map_err(refused)?,
                Some(keep) => {
                    self.whole.resize(block.plan.output().len(), 0.0);
                    block.plan.extract_next(values, state, scratch, &mut self.whole).map_err(refused)?;
                    for (to, &k) in out.iter_mut().zip(keep) {
                        *to = self.whole[k];
                    }
                }
            }
        }
        Ok(&self.features)
    }

    /// Runs the learning blocks on features as [`Runner::features`] returns them.
    ///
    /// # Errors
    /// [`ImpulseError::Graph`] when the number of features does not fit.
    pub fn infer(&mut self, features: &[f32]) -> Result<Outcome, ImpulseError> {
        let offsets = self.impulse.feature_offsets();
        let mut outcome = Outcome::default();
        for (i, learn) in self.impulse.learn.iter().enumerate() {
            self.inputs.clear();
            for &input in &learn.inputs {
                let from = offsets[input];
                self.inputs.extend_from_slice(&features[from..from + self.impulse.dsp[input].features()]);
            }
            self.interpreters[i]
                .run(&self.inputs, &mut self.outputs[i])
                .map_err(|e| ImpulseError::Graph { id: learn.id.clone(), reason: e.to_string() })?;
            match &learn.task {
                Task::Classification { min_confidence, .. } => {
                    outcome.scores.clone_from(&self.outputs[i]);
                    outcome.uncertain = min_confidence.is_some_and(|least| highest(&outcome.scores) < least);
                }
                Task::Regression => outcome.value = self.outputs[i].first().copied(),
                Task::Anomaly { .. } => outcome.anomaly = self.outputs[i].first().copied(),
                Task::Detection(d) => {
                    outcome.boxes = d
                        .boxes(&self.outputs[i])
                        .map_err(|reason| ImpulseError::Graph { id: learn.id.clone(), reason })?;
                    outcome.cells.clone_from(&self.outputs[i]);
                }
            }
        }
        Ok(outcome)
    }

    /// Features and learning blocks of one window.
    ///
    /// # Errors
    /// As [`Runner::features`] and [`Runner::infer`].
    pub fn run(&mut self, window: &[f32]) -> Result<Outcome, ImpulseError> {
        self.run_given(window, &[])
    }

    /// The same with what [`Runner::features_given`] is given.
    ///
    /// # Errors
    /// As [`Runner::features_given`] and [`Runner::infer`].
    pub fn run_given(&mut self, window: &[f32], given: &[&[f32]]) -> Result<Outcome, ImpulseError> {
        self.features_given(window, given)?;
        let features = core::mem::take(&mut self.features);
        let outcome = self.infer(&features);
        self.features = features;
        outcome
    }
}
