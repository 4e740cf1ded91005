//! The bundle: an impulse with its weights as versioned text.

use crate::post::cells::Detector;
use crate::{DspBlock, Impulse, ImpulseError, LearnBlock, Task, Window};
use edgewright_dsp::{Params, Value};
use edgewright_ir::Graph;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Version of the text form.
const VERSION: u32 = 1;

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Bundle {
    version: u32,
    name: String,
    window: Window,
    dsp: Vec<DspEntry>,
    learn: Vec<LearnEntry>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct DspEntry {
    id: String,
    block: String,
    version: u32,
    params: BTreeMap<String, Entry>,
    axes: Vec<usize>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    keep: Option<Vec<usize>>,
}

#[derive(Serialize, Deserialize)]
#[serde(untagged)]
enum Entry {
    Bool(bool),
    Number(f64),
    Text(String),
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct LearnEntry {
    id: String,
    task: TaskEntry,
    inputs: Vec<usize>,
    graph: Graph,
}

#[derive(Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
enum TaskEntry {
    Classification {
        labels: Vec<String>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        min_confidence: Option<f32>,
    },
    Regression,
    Detection(Detector),
    Anomaly {
        threshold: f32,
    },
}

impl Impulse {
    /// Text form (JSON). The same impulse gives the same bytes.
    pub fn to_bundle(&self) -> String {
        let bundle = Bundle {
            version: VERSION,
            name: self.name.clone(),
            window: self.window.clone(),
            dsp: self
                .dsp
                .iter()
                .map(|b| DspEntry {
                    id: b.id.clone(),
                    block: b.block.clone(),
                    version: b.version,
                    params: b.params.iter().map(|(k, v)| (k.clone(), entry(v))).collect(),
                    axes: b.axes.clone(),
                    keep: b.keep.clone(),
                })
                .collect(),
            learn: self
                .learn
                .iter()
                .map(|l| LearnEntry {
                    id: l.id.clone(),
                    task: match &l.task {
                        Task::Classification { labels, min_confidence } => TaskEntry::Classification {
                            labels: labels.clone(),
                            min_confidence: *min_confidence,
                        },
                        Task::Regression => TaskEntry::Regression,
                        Task::Detection(d) => TaskEntry::Detection(d.clone()),
                        Task::Anomaly { threshold } => TaskEntry::Anomaly { threshold: *threshold },
                    },
                    inputs: l.inputs.clone(),
                    graph: l.graph.clone(),
                })
                .collect(),
        };
        serde_json::to_string(&bundle).expect("a bundle holds only strings as keys")
    }

    /// Reads the text form and plans every DSP block again.
    ///
    /// # Errors
    /// [`ImpulseError::Bundle`] for text that is no bundle of a known version, else as [`Impulse::validate`].
    pub fn from_bundle(text: &str) -> Result<Self, ImpulseError> {
        let bundle: Bundle = serde_json::from_str(text).map_err(|e| ImpulseError::Bundle(e.to_string()))?;
        if bundle.version != VERSION {
            return Err(ImpulseError::Bundle(format!(
                "version {} is not known here (this program reads version {VERSION})",
                bundle.version
            )));
        }
        let mut dsp = Vec::new();
        for block in bundle.dsp {
            let params: Params = block.params.into_iter().map(|(k, v)| (k, value(v))).collect();
            let planned =
                DspBlock::new(block.id, block.block, block.version, params, block.axes, &bundle.window)?;
            dsp.push(DspBlock { keep: block.keep, ..planned });
        }
        let impulse = Self {
            name: bundle.name,
            window: bundle.window,
            dsp,
            learn: bundle
                .learn
                .into_iter()
                .map(|l| LearnBlock {
                    id: l.id,
                    task: match l.task {
                        TaskEntry::Classification { labels, min_confidence } => {
                            Task::Classification { labels, min_confidence }
                        }
                        TaskEntry::Regression => Task::Regression,
                        TaskEntry::Detection(d) => Task::Detection(d),
                        TaskEntry::Anomaly { threshold } => Task::Anomaly { threshold },
                    },
                    inputs: l.inputs,
                    graph: l.graph,
                })
                .collect(),
        };
        impulse.validate()?;
        Ok(impulse)
    }
}

fn entry(value: &Value) -> Entry {
    match value {
        Value::Number(n) => Entry::Number(*n),
        Value::Bool(b) => Entry::Bool(*b),
        Value::Text(t) => Entry::Text(t.clone()),
    }
}

fn value(entry: Entry) -> Value {
    match entry {
        Entry::Number(n) => Value::Number(n),
        Entry::Bool(b) => Value::Bool(b),
        Entry::Text(t) => Value::Text(t),
    }
}
