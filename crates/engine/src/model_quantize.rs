//! `model quantize`: from a float model to one of bytes, with what that costs.

use crate::{
    EngineError, Event, Observer,
    model_tool::{self, TensorInfo, describe},
};
use edgewright_ir::{
    DType, Graph, GraphError,
    extra::Reference,
    interpret::{Interpreter, Values},
    quantize::{self, Ends, Method, Scheme},
};
use serde::Serialize;
use std::path::{Path, PathBuf};

/// Inputs between two reports.
const TOLD_EVERY: usize = 16;

/// Share of the outputs' size that may be lost unless the user says otherwise.
pub const BUDGET: f64 = 0.1;

/// How to quantise.
#[derive(Clone, Debug)]
pub struct QuantizeOptions {
    /// How ranges of activations are chosen.
    pub method: Method,
    /// What activations and weights become.
    pub scheme: Scheme,
    /// Type of inputs and outputs.
    pub ends: Ends,
    /// Largest loss that is written.
    pub budget: f64,
    /// Writes the model whatever it loses.
    pub force: bool,
    /// Whose integer rules to follow.
    pub reference: Reference,
}

/// The way to choose ranges, from the command line: `min-max`, `mse`, `percentile` or `percentile:99.9`.
///
/// # Errors
/// [`EngineError::Usage`] for another word.
pub fn method(word: &str) -> Result<Method, EngineError> {
    let (name, share) = word.split_once(':').map_or((word, None), |(n, s)| (n, Some(s)));
    let share = share.map(str::parse::<f64>);
    match (name, share) {
        ("min-max", None) => Ok(Method::MinMax),
        ("mse", None) => Ok(Method::Mse),
        ("percentile", None) => Ok(Method::Percentile(99.99)),
        ("percentile", Some(Ok(share))) if (50.0..=100.0).contains(&share) => Ok(Method::Percentile(share)),
        _ => Err(EngineError::Usage(format!(
            "--method takes min-max, mse, percentile or percentile:P with P from 50 to 100, not `{word}`"
        ))),
    }
}

/// What activations and weights become, from the command line.
///
/// # Errors
/// [`EngineError::Usage`] for another word than `int8` and `int16x8`.
pub fn scheme(word: &str) -> Result<Scheme, EngineError> {
    match word {
        "int8" => Ok(Scheme::Int8),
        "int16x8" => Ok(Scheme::Int16x8),
        other => Err(EngineError::Usage(format!("--scheme takes int8 or int16x8, not `{other}`"))),
    }
}

/// The type of inputs and outputs, from the command line.
///
/// # Errors
/// [`EngineError::Usage`] for another word than `float` and the integers of the scheme's activations.
pub fn ends(word: &str, scheme: Scheme) -> Result<Ends, EngineError> {
    let integer = if scheme == Scheme::Int16x8 { "int16" } else { "int8" };
    match word {
        "float" => Ok(Ends::Float),
        word if word == integer => Ok(Ends::Integer),
        other => {
            Err(EngineError::Usage(format!("--io takes float or {integer} with this scheme, not `{other}`")))
        }
    }
}

/// A layer with what it lost.
#[derive(Clone, Debug, Serialize)]
pub struct LayerLoss {
    /// Name of the node.
    pub name: String,
    /// Power of the float output over the power of the difference, in dB.
    pub snr_db: f64,
}

/// What `model quantize` did.
#[derive(Clone, Debug, Serialize)]
pub struct QuantizeOutcome {
    /// The file.
    pub file: PathBuf,
    /// Calibration inputs.
    pub cases: usize,
    /// Root of the mean squared difference of the outputs over that of the float outputs, on the calibration inputs.
    pub loss: f64,
    /// Largest loss that is written.
    pub budget: f64,
    /// Share of the rows of the first output (one for each input, or one for each cell of a map) whose largest value stands at
    /// the same place as before; `null` for rows of one value.
    pub agreement: Option<f64>,
    /// Bytes of constants before and after.
    pub weight_bytes: [usize; 2],
    /// Input and outputs of the new model.
    pub input: TensorInfo,
    /// Outputs of the new model.
    pub outputs: Vec<TensorInfo>,
    /// Layers, worst first.
    pub layers: Vec<LayerLoss>,
    /// What the user should know.
    pub notes: Vec<String>,
}

/// Quantises a float model with calibration inputs (first axis: cases) and writes it in the format of the output's extension.
///
/// # Errors
/// [`EngineError::Data`] when the model is no float model, a node has no integer form or the calibration does not fit;
/// [`EngineError::Gate`] when it loses more than the budget, [`EngineError::Cancelled`].
pub fn quantize(
    model: &Path,
    calibration: &[String],
    out: &Path,
    options: &QuantizeOptions,
    observer: &dyn Observer,
) -> Result<QuantizeOutcome, EngineError> {
    let failed = |e: GraphError| EngineError::Data(format!("{}: {e}", model.display()));
    let imported = model_tool::load(model, options.reference)?;
    let mut notes = imported.notes;
    let float = &imported.graph;
    if float.inputs.iter().any(|id| float.tensor(*id).dtype != DType::F32)
        || float.tensors.iter().any(|t| matches!(t.dtype, DType::I8 | DType::I16))
    {
        return Err(EngineError::Data(format!(
            "{}: it has integer tensors already; `model quantize` takes float models",
            model.display()
        )));
    }
    let cases = model_tool::cases(float, calibration)?;
    let inputs = cases.floats();
    if let Some(case) = inputs.iter().position(|c| c.iter().any(|v| !v.is_finite())) {
        return Err(EngineError::Data(format!(
            "{}: case {case} holds a value that is no number",
            calibration.join(", ")
        )));
    }
    let folded = quantize::fuse_activations(&quantize::fold_scales(float));
    // Calibration and comparison go through the inputs once each.
    let total = 2 * inputs.len() as u64;
    let told = |n: usize, half: usize| {
        let done = (half * inputs.len() + n) as u64;
        if n.is_multiple_of(TOLD_EVERY) {
            observer.event(Event::Progress { stage: "quantize", done, total, note: "inputs".into() });
        }
        !observer.cancelled()
    };
    let stopped = || if observer.cancelled() { Err(EngineError::Cancelled) } else { Ok(()) };
    let heard = inputs.iter().enumerate().take_while(|(n, _)| told(*n, 0)).map(|(_, v)| v.as_slice());
    let ranges = quantize::calibrate(&folded, heard, options.method).map_err(failed);
    stopped()?;
    let ranges = ranges?;
    let integer = quantize::quantize_with(&folded, &ranges, options.scheme, options.ends).map_err(failed)?;
    for node in &integer.nodes {
        integer.lower(node).map_err(failed)?;
    }
    let heard = inputs.iter().enumerate().take_while(|(n, _)| told(*n, 1)).map(|(_, v)| v.as_slice());
    let compared = compare(float, &integer, heard).map_err(failed);
    stopped()?;
    let Loss { loss, agreement } = compared?;
    // Layers are compared on a float input, whatever the ends.
    let open = quantize::quantize_with(&folded, &ranges, options.scheme, Ends::Float).map_err(failed)?;
    let few = &inputs[..inputs.len().min(64)];
    let mut layers: Vec<LayerLoss> = quantize::layer_snr(&folded, &open, few)
        .map_err(failed)?
        .into_iter()
        .map(|l| LayerLoss { name: l.name, snr_db: (l.snr_db * 10.0).round() / 10.0 })
        .collect();
    layers.sort_by(|a, b| a.snr_db.total_cmp(&b.snr_db));
    if inputs.len() < 10 {
        notes
            .push(format!("{} calibration inputs are few; a hundred of every kind are better", inputs.len()));
    }
    if loss > options.budget && !options.force {
        let worst = layers.first().map_or(String::new(), |l| {
            format!(" The layer that suffers most is `{}` ({:.1} dB).", l.name, l.snr_db)
        });
        return Err(EngineError::Gate(format!(
            "{}: the integer outputs are off by {:.1} % of the float outputs, more than the budget of {:.1} %; nothing was written.{worst} \
             Try --method mse or percentile, more calibration inputs, or --force",
            model.display(),
            100.0 * loss,
            100.0 * options.budget
        )));
    }
    model_tool::save(&integer, out)?;
    Ok(QuantizeOutcome {
        file: out.to_path_buf(),
        cases: inputs.len(),
        loss,
        budget: options.budget,
        agreement,
        weight_bytes: [float.constant_bytes(), integer.constant_bytes()],
        input: describe(&integer, integer.inputs[0]),
        outputs: integer.outputs.iter().map(|id| describe(&integer, *id)).collect(),
        layers,
        notes,
    })
}

struct Loss {
    loss: f64,
    agreement: Option<f64>,
}

fn largest(values: &[f32]) -> usize {
    (0..values.len()).fold(0, |best, i| if values[i] > values[best] { i } else { best })
}

/// Outputs of both models on all inputs, in order.
fn compare<'v>(
    float: &Graph,
    integer: &Graph,
    inputs: impl Iterator<Item = &'v [f32]>,
) -> Result<Loss, GraphError> {
    let (mut a, mut b) = (Interpreter::new(float)?, Interpreter::new(integer)?);
    let (mut signal, mut noise, mut same, mut rows) = (0.0f64, 0.0f64, 0usize, 0usize);
    let row = float.tensor(float.outputs[0]).shape.last().copied().unwrap_or(1).max(1);
    for input in inputs {
        a.with_input(input)?;
        let mut at = 0;
        for (i, id) in integer.inputs.iter().enumerate() {
            let x = integer.tensor(*id);
            let values = &input[at..at + x.len()];
            at += x.len();
            match &x.quant {
                Some(q) if x.dtype == DType::I16 => {
                    let values: Vec<i16> = values.iter().map(|v| quantize::one_short(*v, q)).collect();
                    b.set(i, Values::I16(&values))?;
                }
                Some(q) => {
                    let bytes: Vec<i8> = values.iter().map(|v| quantize::one(*v, q)).collect();
                    b.set(i, Values::I8(&bytes))?;
                }
                None => b.set(i, Values::F32(values))?,
            }
        }
        b.invoke()?;
        for (i, j) in float.outputs.iter().zip(&integer.outputs) {
            for (p, q) in a.activation(*i).iter().zip(b.activation(*j)) {
                signal += f64::from(*p).powi(2);
                noise += f64::from(p - q).powi(2);
            }
        }
        let (p, q) = (a.activation(float.outputs[0]), b.activation(integer.outputs[0]));
        for (p, q) in p.chunks_exact(row).zip(q.chunks_exact(row)) {
            rows += 1;
            same += usize::from(largest(p) == largest(q));
        }
    }
    Ok(Loss {
        loss: if signal > 0.0 { (noise / signal).sqrt() } else { noise.sqrt() },
        agreement: (row > 1).then(|| same as f64 / rows.max(1) as f64),
    })
}
