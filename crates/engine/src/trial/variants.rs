//! What can be tried in place of an impulse: each is a change of the sections `[impulse]` and `[training]`.

use crate::{EngineError, architecture, project::Project, stages::train};
use edgewright_impulse::Impulse;
use edgewright_train::{Head, Layer};
use toml::{Table, Value};

/// Frames from which raw windows are a series for a convolution; shorter ones are a list.
const SERIES: usize = 32;

/// A change to try.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Variant {
    /// Windows as they are, without DSP blocks.
    Raw,
    /// Half the filters and units.
    Smaller,
    /// Twice the filters and units.
    Larger,
    /// Training windows are changed in each epoch.
    Augmented,
    /// Twice the epochs.
    Longer,
    /// A random forest on the same features.
    Forest,
}

impl Variant {
    /// All.
    pub const ALL: [Self; 6] =
        [Self::Raw, Self::Smaller, Self::Larger, Self::Augmented, Self::Longer, Self::Forest];

    /// As it is written.
    pub fn name(self) -> &'static str {
        match self {
            Self::Raw => "raw",
            Self::Smaller => "smaller",
            Self::Larger => "larger",
            Self::Augmented => "augmented",
            Self::Longer => "longer",
            Self::Forest => "forest",
        }
    }

    /// What it is.
    pub fn what(self) -> &'static str {
        match self {
            Self::Raw => "windows as they are, without DSP blocks",
            Self::Smaller => "half the filters and units in each layer",
            Self::Larger => "twice the filters and units in each layer",
            Self::Augmented => "training windows changed anew in each epoch",
            Self::Longer => "twice the epochs, and twice the patience",
            Self::Forest => "a random forest on the same features",
        }
    }

    /// Reads a name.
    ///
    /// # Errors
    /// [`EngineError::Usage`] for one that is none.
    pub fn parse(name: &str) -> Result<Self, EngineError> {
        Self::ALL.into_iter().find(|v| v.name() == name).ok_or_else(|| {
            let all: Vec<&str> = Self::ALL.iter().map(|v| v.name()).collect();
            EngineError::Usage(format!("there is no variant `{name}`; there are {}", all.join(", ")))
        })
    }

    /// Changes the text of a project, read as a table. `Err` says why it cannot be tried here.
    pub(super) fn change(
        self,
        table: &mut Table,
        project: &Project,
        impulse: &Impulse,
        windows: usize,
    ) -> Result<(), String> {
        let trained: Vec<usize> = (0..project.file.impulse.learn.len())
            .filter(|&n| project.file.impulse.learn[n].trains_network())
            .collect();
        if trained.is_empty() && !matches!(self, Self::Raw | Self::Forest) {
            return Err("the impulse has no network that is trained here".into());
        }
        match self {
            Self::Raw => raw(table, project, impulse, &trained),
            Self::Smaller => scaled(table, project, impulse, windows, &trained, |n| n.div_ceil(2)),
            Self::Larger => scaled(table, project, impulse, windows, &trained, |n| 2 * n),
            Self::Augmented => augmented(table, project, impulse),
            Self::Longer => {
                let training = section(table, "training");
                let now = &project.file.training;
                training.insert("epochs".into(), whole(2 * now.epochs));
                training.insert("patience".into(), whole(2 * now.patience));
                Ok(())
            }
            Self::Forest => forest(table, project),
        }
    }
}

fn whole(n: usize) -> Value {
    Value::Integer(n as i64)
}

fn section<'t>(table: &'t mut Table, name: &str) -> &'t mut Table {
    let place = table.entry(name).or_insert_with(|| Value::Table(Table::new()));
    if !place.is_table() {
        *place = Value::Table(Table::new());
    }
    place.as_table_mut().expect("it was made one")
}

fn learn(table: &mut Table, n: usize) -> Result<&mut Table, String> {
    let blocks = section(table, "impulse").get_mut("learn").and_then(Value::as_array_mut);
    blocks.and_then(|b| b.get_mut(n)?.as_table_mut()).ok_or_else(|| "its text has no such block".to_owned())
}

fn raw(table: &mut Table, project: &Project, impulse: &Impulse, trained: &[usize]) -> Result<(), String> {
    let sections = &project.file.impulse;
    if impulse.window.image.is_some() {
        return Err("pictures have no other features than their pixels".into());
    }
    if sections.dsp.iter().all(|d| d.block == "raw") {
        return Err("the impulse takes windows as they are already".into());
    }
    let only = Table::from_iter([("block".to_owned(), Value::String("raw".into()))]);
    let own = section(table, "impulse");
    own.insert("dsp".into(), Value::Array(vec![Value::Table(only)]));
    own.remove("select");
    for n in 0..sections.learn.len() {
        let block = learn(table, n)?;
        for gone in ["inputs", "features", "backbone"] {
            block.remove(gone);
        }
    }
    let (frames, axes) = (impulse.window.frames, impulse.window.axes.len());
    for &n in trained {
        let block = learn(table, n)?;
        block.remove("layers");
        if frames >= SERIES {
            block.insert("layers".into(), series(frames, axes)?);
        }
    }
    Ok(())
}

/// A network for a series: strided convolutions over time until a few dozen places are left, then their mean.
fn series(frames: usize, axes: usize) -> Result<Value, String> {
    let conv = |filters: usize, kernel: usize, stride: usize| serde_json::json!({"type": "conv1d", "filters": filters, "kernel": kernel, "stride": stride});
    let behind = [
        serde_json::json!({"type": "batch_norm"}),
        serde_json::json!({"type": "activation", "activation": "relu"}),
    ];
    let mut layers = vec![serde_json::json!({"type": "reshape", "shape": [frames, axes]})];
    let (mut places, mut filters) = (frames, 16);
    for _ in 0..6 {
        let stride = if places > 256 { 4 } else { 2 };
        layers.push(conv(filters, 2 * stride + 1, stride));
        layers.extend(behind.iter().cloned());
        places = places.div_ceil(stride);
        filters = (filters + 8).min(32);
        if places <= 24 {
            break;
        }
    }
    layers.push(serde_json::json!({"type": "global_average_pool"}));
    Value::try_from(layers).map_err(|e| e.to_string())
}

/// Layers with other numbers of filters and units.
fn scaled(
    table: &mut Table,
    project: &Project,
    impulse: &Impulse,
    windows: usize,
    trained: &[usize],
    scale: fn(usize) -> usize,
) -> Result<(), String> {
    for &n in trained {
        let section = &project.file.impulse.learn[n];
        if section.kind == crate::project::LearnKind::Detection {
            return Err("layers that look for objects are sized by `cut`".into());
        }
        let layers: Vec<Layer> = match &section.layers {
            Some(layers) => layers.clone(),
            None if section.backbone.is_some() => {
                return Err("behind a backbone no layer is trained but the last".into());
            }
            None => {
                let inputs = train::inputs(project, impulse, section).map_err(|e| e.to_string())?;
                // Layers do not depend on how many answers there are.
                let head = Head::Softmax { classes: 2 };
                architecture::default_network(impulse, &inputs, head, windows)
                    .map_err(|e| e.to_string())?
                    .layers
            }
        };
        let mut told = serde_json::to_value(&layers).map_err(|e| e.to_string())?;
        if !each(&mut told, scale) {
            return Err("its layers have no filters and units".into());
        }
        learn(table, n)?.insert("layers".into(), Value::try_from(told).map_err(|e| e.to_string())?);
    }
    Ok(())
}

/// Scales every `filters` and `units`, also of layers in layers. Whether there was one.
fn each(value: &mut serde_json::Value, scale: fn(usize) -> usize) -> bool {
    match value {
        serde_json::Value::Object(map) => {
            let mut any = false;
            for (key, value) in map.iter_mut() {
                if let ("filters" | "units", Some(n)) = (key.as_str(), value.as_u64()) {
                    *value = scale(n as usize).into();
                    any = true;
                } else {
                    any |= each(value, scale);
                }
            }
            any
        }
        serde_json::Value::Array(all) => all.iter_mut().fold(false, |any, v| each(v, scale) | any),
        _ => false,
    }
}

/// Changes that suit the features and turn no label into another.
fn augmented(table: &mut Table, project: &Project, impulse: &Impulse) -> Result<(), String> {
    if project.file.training.augment != edgewright_train::Augment::default() {
        return Err("training windows are augmented already".into());
    }
    let all: Vec<usize> = (0..impulse.dsp.len()).collect();
    let number = |v: f64| Value::Float(v);
    let made: Vec<(&str, Value)> = match architecture::input_shape(impulse, &all).as_slice() {
        [_, _, _] => vec![
            ("shift", number(0.1)),
            ("zoom", number(0.1)),
            ("rotate", number(10.0)),
            ("brightness", number(0.2)),
        ],
        [rows, columns] => vec![
            ("noise", number(0.2)),
            ("time_shift", whole((rows / 10).max(1))),
            ("time_mask", whole((rows / 10).max(1))),
            ("frequency_mask", whole((columns / 10).max(1))),
        ],
        _ => vec![("noise", number(0.1)), ("gain", number(0.1))],
    };
    let made = made.into_iter().map(|(k, v)| (k.to_owned(), v));
    section(table, "training").insert("augment".into(), Value::Table(Table::from_iter(made)));
    Ok(())
}

fn forest(table: &mut Table, project: &Project) -> Result<(), String> {
    use crate::project::{LearnKind, Method};
    let mut any = false;
    for (n, section) in project.file.impulse.learn.iter().enumerate() {
        let suits = matches!(section.kind, LearnKind::Classifier | LearnKind::Regression);
        if !suits
            || section.file.is_some()
            || section.command.is_some()
            || section.method == Method::RandomForest
        {
            continue;
        }
        any = true;
        let block = learn(table, n)?;
        let own: Vec<String> = block
            .keys()
            .filter(|k| !["kind", "id", "inputs", "min_confidence"].contains(&k.as_str()))
            .cloned()
            .collect();
        own.iter().for_each(|k| drop(block.remove(k)));
        block.insert("method".into(), Value::String("random_forest".into()));
    }
    if !any {
        return Err("the impulse has no block in whose place a forest could stand".into());
    }
    // What a forest does not do.
    let training = section(table, "training");
    for key in ["prune", "sparsify", "clusters", "quantisation_aware", "wide_layers", "teacher"] {
        training.remove(key);
    }
    Ok(())
}
