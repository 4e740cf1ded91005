//! What an impulse will be like before it is trained: shapes, weights, memory and instructions, while its settings are being chosen.

use crate::{
    EngineError, architecture,
    project::{LearnKind, LearnSection, Method, Project},
    session::Session,
    stages::{
        backbone, build, clean, clean::Silver, features, gold::Labels, import, imported, objects, select,
        train,
    },
};
use edgewright_compile::{cost, target::Target};
use edgewright_dsp::OutputShape;
use edgewright_impulse::{DspBlock, Impulse, LearnBlock, Task, Window};
use edgewright_ir::{Graph, quantize};
use edgewright_ml::kmeans;
use edgewright_train::{Head, Layer, Network, TrainError, sketch};
use serde::Serialize;

/// A DSP block.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct DspEstimate {
    /// Id of the block.
    pub id: String,
    /// Shape of its features.
    pub shape: Vec<usize>,
    /// Memory that it works in, in bytes; exact.
    pub scratch_bytes: usize,
    /// Its features, in bytes; exact.
    pub feature_bytes: usize,
    /// What it keeps from window to window, in bytes; exact.
    pub state_bytes: usize,
    /// What it costs on each target; empty for a program of its own, of which there is no C.
    pub targets: Vec<DspOnTarget>,
}

/// A DSP block on a target.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct DspOnTarget {
    /// Id of the target.
    pub target: String,
    /// Executed instructions for one window; an estimate.
    pub instructions: u64,
    /// Tables and code, in bytes; an estimate.
    pub flash_bytes: u64,
    /// Time of a window at the target's clock if each instruction took one cycle: an estimate, not measured. `None` where the clock
    /// is not known.
    pub milliseconds: Option<f64>,
    /// Whether the figures come from the target's own instruction set.
    pub own_class: bool,
}

/// A layer of a network.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct LayerEstimate {
    /// As in a project file.
    pub layer: serde_json::Value,
    /// `[height, width, channels]` behind it; `null` from the layer on that does not fit.
    pub shape: Option<[usize; 3]>,
    /// Weights and biases.
    pub parameters: usize,
    /// Multiply-accumulates of one window.
    pub macs: u64,
}

/// A learning block.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct LearnEstimate {
    /// Id of the block.
    pub id: String,
    /// Values that it reads from one window.
    pub inputs: usize,
    /// Layers of a network without its head, as the project sets them or as they are chosen.
    pub layers: Vec<LayerEstimate>,
    /// Weights and biases, head included.
    pub parameters: usize,
    /// Multiply-accumulates of one window, head included.
    pub macs: u64,
    /// Why it cannot be trained like that.
    pub problem: Option<String>,
    /// Why nothing can be said before it is trained.
    pub unknown: Option<String>,
    /// The layer, from 0, that does not fit what comes before it.
    pub wrong_layer: Option<usize>,
}

/// The impulse on a target.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct TargetEstimate {
    /// Id of the target.
    pub target: String,
    /// Memory of the whole impulse without stack, in bytes; exact.
    pub arena_bytes: usize,
    /// Constants and code of the learning blocks and what every image has, in bytes; an estimate.
    pub flash_bytes: u64,
    /// Instructions of the learning blocks for one window; an estimate.
    pub instructions: u64,
    /// Tables and code of the DSP blocks, in bytes; an estimate.
    pub dsp_flash_bytes: u64,
    /// Instructions of the DSP blocks for one window; an estimate.
    pub dsp_instructions: u64,
    /// Time of a window, features and scores, at the target's clock if each instruction took one cycle: an estimate, not measured.
    /// `None` where the clock is not known.
    pub milliseconds: Option<f64>,
    /// Whether the figures come from the target's own instruction set.
    pub own_class: bool,
}

/// What an impulse will be like.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Estimate {
    /// Frames of a window.
    pub frames: usize,
    /// Names of the axes.
    pub axes: Vec<String>,
    /// One per DSP block.
    pub dsp: Vec<DspEstimate>,
    /// One per learning block.
    pub learn: Vec<LearnEstimate>,
    /// One per target; empty while a block has a problem or is not known.
    pub targets: Vec<TargetEstimate>,
}

/// Random rows that set the integer ranges; the cost does not depend on what is in them.
const ROWS: usize = 2;

/// The target that is told of when a project names none but the host.
const USUAL: &str = "cortex-m4f";

/// What the impulse of a project text (`None`: of the project as it is) would be like on the recordings as they are, on some targets (none:
/// those of the project). Nothing is trained and nothing is changed.
///
/// # Errors
/// [`EngineError::Usage`] for an unknown target; [`EngineError::NotBuilt`] when the session only looks and the cleaned recordings are not up to date; [`EngineError::ProjectFile`] for a
/// text that cannot be used; [`EngineError::Impulse`] when a DSP block refuses its parameters; [`EngineError::Data`] for a window that
/// fits no recording. A network whose layers do not fit is told in its block.
pub fn estimate(
    session: &Session<'_>,
    text: Option<&str>,
    targets: &[String],
) -> Result<Estimate, EngineError> {
    let project = match text {
        Some(text) => Project::parse(&session.project.dir, text)?,
        None => session.project.clone(),
    };
    let bronze = import::run(session)?;
    let silver = clean::run(session, &bronze)?.value;
    let mut impulse = features::design(session, &project, &silver, &mut Vec::new())?;
    if let Some(section) = &project.file.impulse.select {
        impulse = select::expected(section, &impulse).map_err(|m| train::project_error(&project, m))?;
    }
    let planned = Planned { project: &project, silver: &silver };
    let mut learn = Vec::new();
    let mut graphs = Vec::new();
    for (n, section) in project.file.impulse.learn.iter().enumerate() {
        let (told, graph) = planned.learn(n, section, &impulse)?;
        learn.push(told);
        graphs.extend(graph);
    }
    // There is no C of what a program of its own computes.
    let complete = graphs.len() == learn.len() && impulse.externals().next().is_none();
    impulse.learn = graphs;
    let asked = self::targets(&project, targets)?;
    let targets = match complete {
        true => asked.iter().map(|t| on(&impulse, t)).collect::<Result<_, _>>()?,
        false => Vec::new(),
    };
    Ok(Estimate {
        frames: impulse.window.frames,
        axes: impulse.window.axes.iter().map(|a| a.name.clone()).collect(),
        dsp: impulse.dsp.iter().map(|b| dsp_estimate(b, &impulse.window, &asked)).collect(),
        learn,
        targets,
    })
}

/// These targets, or when none is named those of the project; the usual one where it names none but the host.
///
/// # Errors
/// [`EngineError::Usage`] for an unknown one.
pub(crate) fn targets(project: &Project, named: &[String]) -> Result<Vec<&'static Target>, EngineError> {
    let mut ids: Vec<&str> = named.iter().map(String::as_str).collect();
    if ids.is_empty() {
        ids = project.file.deploy.targets.iter().map(String::as_str).filter(|id| *id != "host").collect();
    }
    if ids.is_empty() {
        ids.push(USUAL);
    }
    ids.into_iter().map(build::target).collect()
}

/// What is known of a DSP block, with its cost on some targets.
fn dsp_estimate(block: &DspBlock, window: &Window, targets: &[&Target]) -> DspEstimate {
    DspEstimate {
        id: block.id.clone(),
        shape: match block.output() {
            OutputShape::Flat(n) => vec![n],
            OutputShape::Spectrogram { rows, columns } => vec![rows, columns],
            OutputShape::Image { height, width, channels } => vec![height, width, channels],
        },
        scratch_bytes: 4 * block.plan.scratch_len(),
        feature_bytes: 4 * block.features(),
        state_bytes: 4 * block.plan.state_len(),
        targets: targets.iter().filter_map(|t| dsp_on(block, window, t)).collect(),
    }
}

/// A DSP block on windows of a signal, on a target. `None` for a program of its own.
pub fn dsp_on(block: &DspBlock, window: &Window, target: &Target) -> Option<DspOnTarget> {
    let cost = cost::dsp(block, window.axes.len(), target)?;
    Some(DspOnTarget {
        target: target.id.clone(),
        instructions: cost.instructions,
        flash_bytes: cost.flash_bytes,
        milliseconds: milliseconds(cost.instructions, target),
        own_class: cost.own_class,
    })
}

/// At one instruction a cycle; `None` where the clock is not known.
pub(crate) fn milliseconds(instructions: u64, target: &Target) -> Option<f64> {
    target.hardware.clock_mhz.filter(|mhz| *mhz > 0).map(|mhz| instructions as f64 / (1e3 * f64::from(mhz)))
}

/// What a whole impulse takes on a target.
///
/// # Errors
/// Those of the compiler.
pub(crate) fn on(impulse: &Impulse, target: &Target) -> Result<TargetEstimate, EngineError> {
    let layout = edgewright_compile::layout(impulse, target)?;
    let mut told = TargetEstimate {
        target: target.id.clone(),
        arena_bytes: layout.arena_bytes,
        flash_bytes: 0,
        instructions: 0,
        dsp_flash_bytes: 0,
        dsp_instructions: 0,
        milliseconds: None,
        own_class: true,
    };
    for block in &impulse.dsp {
        if let Some(cost) = cost::dsp(block, impulse.window.axes.len(), target) {
            told.dsp_flash_bytes += cost.flash_bytes;
            told.dsp_instructions += cost.instructions;
            told.own_class &= cost.own_class;
        }
    }
    for learn in &impulse.learn {
        let cost = cost::estimate(&learn.graph, target)?;
        told.flash_bytes += cost.flash_bytes;
        told.instructions += cost.instructions();
        told.own_class &= cost.own_class;
    }
    told.milliseconds = milliseconds(told.instructions + told.dsp_instructions, target);
    Ok(told)
}

struct Planned<'a> {
    project: &'a Project,
    silver: &'a Silver,
}

impl Planned<'_> {
    /// What is known of a learning block, and the block where it can be had without training.
    fn learn(
        &self,
        n: usize,
        section: &LearnSection,
        impulse: &Impulse,
    ) -> Result<(LearnEstimate, Option<LearnBlock>), EngineError> {
        let inputs = train::inputs(self.project, impulse, section)?;
        let width = inputs.iter().map(|&i| impulse.dsp[i].features()).sum();
        let mut told = LearnEstimate {
            id: train::id(section, n),
            inputs: width,
            layers: Vec::new(),
            parameters: 0,
            macs: 0,
            problem: None,
            unknown: None,
            wrong_layer: None,
        };
        if section.file.is_none() && !matches!(section.method, Method::Network | Method::Kmeans) {
            let method = section.method.name();
            told.unknown =
                Some(format!("what `{method}` takes depends on the data; it is known when it is trained"));
            return Ok((told, None));
        }
        if section.command.is_some() {
            told.unknown = Some("what the program makes is known when it has trained".into());
            return Ok((told, None));
        }
        let made = match (section.kind, &section.file) {
            (_, Some(file)) => {
                let outputs = if section.kind == LearnKind::Classifier { self.labels().len() } else { 1 };
                let path = self.project.dir.join(file);
                imported::graph(&path, width, outputs).and_then(|(graph, int8)| {
                    let graph = if int8 { graph } else { integer(&graph)? };
                    Ok((graph, Task::Regression))
                })
            }
            (LearnKind::Classifier, None) => {
                let labels = self.labels();
                let head = Head::Softmax { classes: labels.len().max(2) };
                self.network(section, impulse, &inputs, head, &mut told)
                    .map(|g| (g, Task::Classification { labels, min_confidence: None }))
            }
            (LearnKind::Regression, None) => self
                .network(section, impulse, &inputs, Head::Linear { outputs: 1 }, &mut told)
                .map(|g| (g, Task::Regression)),
            (LearnKind::Detection, None) => {
                let labels = self.labels();
                let layers = Some(objects::layers(section));
                let head = Head::Cells { classes: labels.len().max(1) + 1 };
                let section = LearnSection { layers, ..section.clone() };
                // What follows the network costs nothing beside it.
                self.network(&section, impulse, &inputs, head, &mut told).map(|g| (g, Task::Regression))
            }
            (LearnKind::Anomaly, None) => {
                clusters(section, width).map(|g| (g, Task::Anomaly { threshold: 0.0 }))
            }
        };
        let block = match made {
            Ok((graph, task)) => {
                told.macs = graph.macs();
                Some(LearnBlock { id: told.id.clone(), task, inputs, graph })
            }
            Err(e) => {
                told.problem = Some(e.to_string());
                None
            }
        };
        Ok((told, block))
    }

    fn labels(&self) -> Vec<String> {
        Labels::of(self.silver).into_vec()
    }

    /// About as many windows as will train: what the default network depends on.
    fn windows(&self, impulse: &Impulse) -> usize {
        let split = &self.project.file.split;
        let here = self.silver.samples.iter().filter(|s| s.category != "testing");
        let rule = &self.project.file.impulse.ranges;
        let all: usize = here.map(|s| rule.starts(&impulse.window, &s.ranges, s.frames).len()).sum();
        (all as f64 * (1.0 - split.test) * (1.0 - split.validation)) as usize
    }

    /// The int8 graph of a network before training; its layers are told whether they fit or not.
    fn network(
        &self,
        section: &LearnSection,
        impulse: &Impulse,
        inputs: &[usize],
        head: Head,
        told: &mut LearnEstimate,
    ) -> Result<Graph, EngineError> {
        let front = backbone::front(self.project, section, impulse)?.map(|(front, _)| front);
        let network = match (&section.layers, &front) {
            (layers, Some(front)) => {
                Network { input: backbone::shape(front), layers: layers.clone().unwrap_or_default(), head }
            }
            (Some(layers), None) => {
                Network { input: architecture::input_shape(impulse, inputs), layers: layers.clone(), head }
            }
            (None, None) => architecture::default_network(impulse, inputs, head, self.windows(impulse))?,
        };
        told.layers = network.layers.iter().map(blank).collect();
        let made = match sketch(&network) {
            Ok(made) => made,
            Err(e) => {
                if let TrainError::Layer { number, .. } = e {
                    told.wrong_layer = Some(number - 1);
                    let fits = Network { layers: network.layers[..number - 1].to_vec(), ..network };
                    if let Ok(before) = sketch(&fits) {
                        fill(&mut told.layers[..number - 1], &before.layers);
                    }
                }
                return Err(e.into());
            }
        };
        fill(&mut told.layers, &made.layers);
        told.parameters = made.layers.iter().map(|l| l.parameters).sum();
        let Some(front) = front else { return integer(&made.graph) };
        let constants = front.tensors.iter().filter(|t| t.data.is_some());
        told.parameters += constants.map(edgewright_ir::Tensor::len).sum::<usize>();
        let whole = edgewright_ir::splice::join(&front, &made.graph);
        integer(&whole.map_err(|e| EngineError::Internal(format!("estimate: {e}")))?)
    }
}

fn blank(layer: &Layer) -> LayerEstimate {
    let mut layer = serde_json::to_value(layer).unwrap_or_default();
    for value in layer.as_object_mut().into_iter().flat_map(|l| l.values_mut()) {
        // Written in 32 bits; its nearest neighbour in 64 is not what people typed.
        let typed = value.as_f64().filter(|_| value.is_f64()).map(|v| (v as f32).to_string());
        if let Some(short) = typed.and_then(|v| v.parse::<f64>().ok()) {
            *value = short.into();
        }
    }
    LayerEstimate { layer, shape: None, parameters: 0, macs: 0 }
}

fn fill(told: &mut [LayerEstimate], made: &[edgewright_train::SketchedLayer]) {
    for (told, made) in told.iter_mut().zip(made) {
        (told.shape, told.parameters, told.macs) = (Some(made.shape), made.parameters, made.macs);
    }
}

/// Values between -1 and 1 that do not repeat soon.
fn noise(count: usize) -> Vec<f32> {
    (0..count).map(|i| ((i * 7919 + 13) % 1999) as f32 / 999.5 - 1.0).collect()
}

fn integer(graph: &Graph) -> Result<Graph, EngineError> {
    let failed = |e: edgewright_ir::GraphError| EngineError::Internal(format!("estimate: {e}"));
    let width = graph.tensor(graph.inputs[0]).len();
    let mut observer = quantize::Observer::new(graph).map_err(failed)?;
    for row in noise(ROWS * width).chunks_exact(width) {
        observer.observe(row).map_err(failed)?;
    }
    quantize::quantize(graph, &observer.ranges()).map_err(failed)
}

/// K-means on rows that are all different.
fn clusters(section: &LearnSection, width: usize) -> Result<Graph, EngineError> {
    let clusters = section.clusters.unwrap_or(32);
    let count = section.features.as_ref().map_or(width, Vec::len).min(width);
    let rows = noise(clusters * width);
    let spec = kmeans::Spec { clusters, axes: Some((0..count).collect()), ..kmeans::Spec::default() };
    let model = kmeans::fit(&rows, width, &[], &spec)
        .map_err(|e| EngineError::Data(format!("anomaly block: {e}")))?;
    Ok(model.to_graph("anomaly"))
}

fn clocked(milliseconds: Option<f64>) -> String {
    milliseconds.map_or(String::new(), |ms| format!(", {ms:.2} ms at one a cycle (not measured)"))
}

fn foreign(own_class: bool) -> &'static str {
    if own_class { "" } else { " (as on a Cortex-M3)" }
}

impl Estimate {
    /// For people.
    pub fn to_text(&self) -> String {
        let mut out = format!("window    {} frames of {}\n", self.frames, self.axes.join(", "));
        let times = |shape: &[usize]| shape.iter().map(usize::to_string).collect::<Vec<_>>().join("x");
        for d in &self.dsp {
            out.push_str(&format!(
                "{:<9} {} features, RAM {} B: {} to work in, {} for the features{}\n",
                d.id,
                times(&d.shape),
                d.scratch_bytes + d.feature_bytes + d.state_bytes,
                d.scratch_bytes,
                d.feature_bytes,
                if d.state_bytes > 0 {
                    format!(", {} from window to window", d.state_bytes)
                } else {
                    String::new()
                }
            ));
            for t in &d.targets {
                out.push_str(&format!(
                    "  {:<20} flash about {} B, about {} instructions a window{}{}\n",
                    t.target,
                    t.flash_bytes,
                    t.instructions,
                    clocked(t.milliseconds),
                    foreign(t.own_class)
                ));
            }
        }
        for l in &self.learn {
            out.push_str(&format!(
                "{:<9} {} values in, {} parameters, {} MACs\n",
                l.id, l.inputs, l.parameters, l.macs
            ));
            for layer in &l.layers {
                let name = layer.layer["type"].as_str().unwrap_or("");
                let shape = layer.shape.map_or_else(|| "?".to_owned(), |s| times(&s));
                out.push_str(&format!(
                    "  {name:<20} {shape:<12} {:>9} parameters {:>10} MACs\n",
                    layer.parameters, layer.macs
                ));
            }
            if let Some(unknown) = &l.unknown {
                out.push_str(&format!("  {unknown}\n"));
            }
            if let Some(problem) = &l.problem {
                out.push_str(&format!("  {problem}\n"));
            }
        }
        for t in &self.targets {
            out.push_str(&format!(
                "{:<22} arena {} B, flash about {} B (DSP {}), about {} instructions a window: DSP {}, learning blocks {}{}{}\n",
                t.target,
                t.arena_bytes,
                t.flash_bytes + t.dsp_flash_bytes,
                t.dsp_flash_bytes,
                t.instructions + t.dsp_instructions,
                t.dsp_instructions,
                t.instructions,
                clocked(t.milliseconds),
                foreign(t.own_class)
            ));
        }
        out
    }
}
