//! The impulse and its checks.

use crate::{Window, post::cells::Detector};
use edgewright_dsp::{DspError, OutputShape, Params, Plan};
use edgewright_ir::Graph;

/// One DSP block, planned for the window.
#[derive(Clone, Debug)]
pub struct DspBlock {
    /// Name in the project, unique in the impulse.
    pub id: String,
    /// Name of the block, such as `mfcc`.
    pub block: String,
    /// Implementation version.
    pub version: u32,
    /// Parameters as configured; the others have their defaults.
    pub params: Params,
    /// Indices of the window's axes that the block sees, in this order.
    pub axes: Vec<usize>,
    /// Tables for this window.
    pub plan: Plan,
    /// Which values of the plan are features of the block, rising; `None` for all.
    pub keep: Option<Vec<usize>>,
}

impl DspBlock {
    /// Plans a block on some axes of a window.
    ///
    /// # Errors
    /// Whatever the block refuses about its parameters or the window.
    pub fn new(
        id: impl Into<String>,
        block: impl Into<String>,
        version: u32,
        params: Params,
        axes: Vec<usize>,
        window: &Window,
    ) -> Result<Self, ImpulseError> {
        let (id, block) = (id.into(), block.into());
        let plan = edgewright_dsp::plan(&block, version, &params, &window.spec(axes.len()))
            .map_err(|source| ImpulseError::Dsp { id: id.clone(), source })?;
        Ok(Self { id, block, version, params, axes, plan, keep: None })
    }

    /// Whether a program of the user computes it: [`edgewright_dsp::EXTERNAL`].
    pub fn is_external(&self) -> bool {
        matches!(self.plan, Plan::External(_))
    }

    /// What the block sees of a window of so many axes.
    pub fn seen(&self, window: &[f32], axes: usize) -> Vec<f32> {
        window.chunks_exact(axes).flat_map(|frame| self.axes.iter().map(|&a| frame[a])).collect()
    }

    /// Number of features the block returns.
    pub fn features(&self) -> usize {
        self.keep.as_ref().map_or_else(|| self.plan.output().len(), Vec::len)
    }

    /// Arrangement of the features the block returns: a list when they were selected.
    pub fn output(&self) -> OutputShape {
        self.keep.as_ref().map_or_else(|| self.plan.output(), |k| OutputShape::Flat(k.len()))
    }
}

/// What a learning block decides.
#[derive(Clone, Debug, PartialEq)]
pub enum Task {
    /// One score per label, summing to 1.
    Classification {
        /// Labels in the order of the scores.
        labels: Vec<String>,
        /// Windows whose highest score lies below it are uncertain; none is without it.
        min_confidence: Option<f32>,
    },
    /// One number.
    Regression,
    /// Boxes around the objects of a picture.
    Detection(Detector),
    /// A score, larger when the window is more unusual.
    Anomaly {
        /// Scores above it count as anomalies.
        threshold: f32,
    },
}

/// A trained graph on the features of some DSP blocks.
#[derive(Clone, Debug)]
pub struct LearnBlock {
    /// Name in the project, unique in the impulse.
    pub id: String,
    /// What it decides.
    pub task: Task,
    /// Indices of DSP blocks; their features are concatenated in this order.
    pub inputs: Vec<usize>,
    /// Features in, scores out, both `f32`.
    pub graph: Graph,
}

/// Window, DSP blocks and learning blocks as one value.
#[derive(Clone, Debug)]
pub struct Impulse {
    /// Name of the project; also the prefix of emitted code.
    pub name: String,
    /// How recordings are cut.
    pub window: Window,
    /// In the order of the project file.
    pub dsp: Vec<DspBlock>,
    /// In the order of the project file.
    pub learn: Vec<LearnBlock>,
}

/// Why an impulse cannot be built or run.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ImpulseError {
    /// A DSP block refuses its parameters or the window.
    #[error("DSP block `{id}`: {source}")]
    Dsp {
        /// Name of the block in the project.
        id: String,
        /// The block's own words.
        source: DspError,
    },
    /// The parts do not fit together.
    #[error("impulse `{impulse}`: {reason}")]
    Structure {
        /// Name of the impulse.
        impulse: String,
        /// What does not fit.
        reason: String,
    },
    /// A graph is not valid.
    #[error("learning block `{id}`: {reason}")]
    Graph {
        /// Name of the block in the project.
        id: String,
        /// The graph's own words.
        reason: String,
    },
    /// A stored bundle cannot be read.
    #[error("impulse bundle: {0}")]
    Bundle(String),
}

impl Impulse {
    /// Checks that every index and every length fits.
    ///
    /// # Errors
    /// [`ImpulseError::Structure`] or [`ImpulseError::Graph`], naming the block.
    pub fn validate(&self) -> Result<(), ImpulseError> {
        let fail = |reason: String| ImpulseError::Structure { impulse: self.name.clone(), reason };
        if self.window.frames == 0 || self.window.stride == 0 || self.window.axes.is_empty() {
            return Err(fail("a window needs at least one frame, one axis and a stride".into()));
        }
        for block in &self.dsp {
            if let Some(axis) = block.axes.iter().find(|&&a| a >= self.window.axes.len()) {
                return Err(fail(format!(
                    "DSP block `{}` uses axis {axis} of {}",
                    block.id,
                    self.window.axes.len()
                )));
            }
            if let Some(keep) = &block.keep {
                let all = block.plan.output().len();
                if keep.is_empty() || !keep.is_sorted_by(|a, b| a < b) || keep.iter().any(|&k| k >= all) {
                    return Err(fail(format!(
                        "DSP block `{}` keeps {keep:?}, which are not rising numbers of its {all} values",
                        block.id
                    )));
                }
            }
        }
        for learn in &self.learn {
            let mut width = 0;
            for &input in &learn.inputs {
                let block = self.dsp.get(input).ok_or_else(|| {
                    fail(format!("learning block `{}` names DSP block {input}, which is not there", learn.id))
                })?;
                width += block.features();
            }
            learn
                .graph
                .validate()
                .map_err(|e| ImpulseError::Graph { id: learn.id.clone(), reason: e.to_string() })?;
            let [input] = learn.graph.inputs[..] else {
                return Err(fail(format!("learning block `{}` needs one input tensor", learn.id)));
            };
            let expected = learn.graph.tensor(input).len();
            if expected != width {
                return Err(fail(format!(
                    "learning block `{}` takes {expected} features but its DSP blocks give {width}",
                    learn.id
                )));
            }
            if let Task::Classification { min_confidence: Some(least), .. } = &learn.task
                && !(*least >= 0.0 && *least <= 1.0)
            {
                return Err(fail(format!(
                    "learning block `{}`: the least confidence is {least}; it must lie in 0..1",
                    learn.id
                )));
            }
            if let Task::Detection(d) = &learn.task {
                let given = learn.graph.outputs.first().map_or(0, |o| learn.graph.tensor(*o).len());
                let wrong =
                    (given != d.scores()).then(|| format!("{given} scores instead of {}", d.scores()));
                if let Some(problem) = d.problem().or(wrong) {
                    return Err(fail(format!("learning block `{}`: {problem}", learn.id)));
                }
            }
        }
        Ok(())
    }

    /// Number of features of all DSP blocks together.
    pub fn features(&self) -> usize {
        self.dsp.iter().map(DspBlock::features).sum()
    }

    /// Floats that all DSP blocks together keep from window to window.
    pub fn state_len(&self) -> usize {
        self.dsp.iter().map(|b| b.plan.state_len()).sum()
    }

    /// The blocks that programs of the user compute, in block order.
    pub fn externals(&self) -> impl Iterator<Item = &DspBlock> {
        self.dsp.iter().filter(|b| b.is_external())
    }

    /// Position of the first feature of each DSP block in the list of all features.
    pub fn feature_offsets(&self) -> Vec<usize> {
        let mut at = 0;
        self.dsp
            .iter()
            .map(|block| {
                let here = at;
                at += block.features();
                here
            })
            .collect()
    }

    /// Names of all features: the block's id before each when there are several blocks.
    pub fn feature_names(&self) -> Vec<String> {
        let mut names = Vec::with_capacity(self.features());
        for block in &self.dsp {
            for name in block.names(&self.window) {
                names.push(if self.dsp.len() > 1 { format!("{} {name}", block.id) } else { name });
            }
        }
        names
    }

    /// The block that finds objects, if there is one.
    pub fn detector(&self) -> Option<&Detector> {
        self.learn.iter().find_map(|l| match &l.task {
            Task::Detection(d) => Some(d),
            _ => None,
        })
    }

    /// Least confidence of the classifier, if it has one.
    pub fn min_confidence(&self) -> Option<f32> {
        self.learn.iter().find_map(|l| match &l.task {
            Task::Classification { min_confidence, .. } => *min_confidence,
            _ => None,
        })
    }

    /// Labels of the classifier or detector, if there is one.
    pub fn labels(&self) -> &[String] {
        self.learn
            .iter()
            .find_map(|l| match &l.task {
                Task::Classification { labels, .. } | Task::Detection(Detector { labels, .. }) => {
                    Some(labels.as_slice())
                }
                Task::Regression | Task::Anomaly { .. } => None,
            })
            .unwrap_or(&[])
    }
}
