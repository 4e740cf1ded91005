//! What a DSP block says over HTTP: its parameters and its features.
//!
//! # Source
//! The HTTP contract of Edge Impulse's custom processing blocks: paths, keys and types.

use crate::project::{Parameter, nearest};
use edgewright_dsp::{MOST_EXTERNAL, OutputShape};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;

/// `parameters.json` of a block.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Declared {
    /// For people.
    pub title: String,
    /// What it does.
    pub help: String,
    /// Newest implementation version.
    pub version: u32,
    /// In the order of the document.
    pub parameters: Vec<Item>,
}

/// A parameter of a block.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Item {
    /// Name.
    pub name: String,
    /// `int`, `float`, `boolean`, `select` or `string`.
    pub kind: String,
    /// What it is when nothing is set; `null` for nothing.
    pub default: Value,
    /// Words to choose from.
    pub choices: Vec<String>,
    /// What it does.
    pub help: String,
    /// Implementation versions that have it; empty for all.
    pub versions: Vec<u32>,
}

/// What a block gives for windows.
#[derive(Clone, Debug, PartialEq)]
pub struct Answer {
    /// One row per window.
    pub rows: Vec<Vec<f32>>,
    /// Arrangement of the features of a window.
    pub shape: OutputShape,
    /// One name per feature, when it says any.
    pub names: Option<Vec<String>>,
}

/// Longest list of parameters, and longest text of one.
const MOST_PARAMETERS: usize = 256;
const LONGEST: usize = 4000;

/// Reads an answer as JSON.
///
/// # Errors
/// A sentence that says what is wrong with it.
fn parse(bytes: &[u8]) -> Result<Value, String> {
    serde_json::from_slice(bytes).map_err(|e| {
        let text = String::from_utf8_lossy(bytes);
        if ["NaN", "Infinity"].iter().any(|word| text.contains(word)) {
            return "its answer holds NaN or Infinity, which are no numbers in JSON; it must give finite features".into();
        }
        let begin: String = text.chars().filter(|c| !c.is_control()).take(80).collect();
        format!("its answer is no JSON ({e}): {begin}")
    })
}

fn text(value: &Value) -> String {
    let text = match value {
        Value::String(text) => text.clone(),
        Value::Null => String::new(),
        other => other.to_string(),
    };
    text.chars().filter(|c| !c.is_control()).take(LONGEST).collect()
}

/// Reads `parameters.json`, with `info` around its parameters or the bare list.
///
/// # Errors
/// A sentence that names the parameter.
pub fn declared(bytes: &[u8]) -> Result<Declared, String> {
    let value = parse(bytes)?;
    let list = match &value {
        Value::Array(list) => list,
        Value::Object(all) => match all.get("parameters") {
            Some(Value::Array(list)) => list,
            _ => return Err("its /parameters has no list `parameters`".into()),
        },
        _ => return Err("its /parameters is neither an object nor a list".into()),
    };
    let info = value.get("info").unwrap_or(&Value::Null);
    let mut out = Declared {
        title: text(&info["title"]),
        help: text(&info["description"]),
        version: info["latestImplementationVersion"].as_u64().and_then(|v| v.try_into().ok()).unwrap_or(1),
        parameters: Vec::new(),
    };
    let grouped = list.iter().flat_map(|entry| match entry.get("items") {
        Some(Value::Array(items)) => items.iter().collect::<Vec<_>>(),
        _ => vec![entry],
    });
    for item in grouped {
        let name = item["param"].as_str().unwrap_or_default();
        if name.is_empty() || name.len() > 100 || name.contains(char::is_whitespace) {
            return Err(format!(
                "its /parameters names a parameter `{}`; `param` must be a word",
                text(&item["param"])
            ));
        }
        let kind = match item["type"].as_str() {
            Some("flag") => "boolean",
            Some(kind @ ("int" | "float" | "boolean" | "select" | "string")) => kind,
            other => {
                return Err(format!(
                    "its parameter `{name}` is of type `{}`, which no DSP block has",
                    other.unwrap_or("?")
                ));
            }
        };
        let choice = |v: &Value| text(v.get("value").unwrap_or(v));
        let mut item = Item {
            name: name.to_owned(),
            kind: kind.to_owned(),
            default: item["value"].clone(),
            choices: item["valid"]
                .as_array()
                .into_iter()
                .flatten()
                .take(MOST_PARAMETERS)
                .map(choice)
                .collect(),
            help: text(&item["help"]),
            versions: item["showForImplementationVersion"]
                .as_array()
                .into_iter()
                .flatten()
                .filter_map(|v| v.as_u64()?.try_into().ok())
                .collect(),
        };
        // Defaults may be written as texts.
        let given = std::mem::take(&mut item.default);
        if !given.is_null() && !text(&given).is_empty() {
            item.default = item.value(&given)?;
        }
        if out.parameters.iter().any(|p| p.name == item.name) {
            return Err(format!("its /parameters has `{name}` twice"));
        }
        out.parameters.push(item);
    }
    if out.parameters.len() > MOST_PARAMETERS {
        return Err(format!("its /parameters has more than {MOST_PARAMETERS} parameters"));
    }
    Ok(out)
}

impl Item {
    /// As a parameter of the catalogue, with what the project sets as its default.
    pub(super) fn entry(&self, set: &BTreeMap<String, Parameter>) -> Value {
        let kind = match self.kind.as_str() {
            "boolean" => "bool",
            "string" => "text",
            other => other,
        };
        let now = set.get(&self.name).map_or_else(|| self.default.clone(), |v| json!(v));
        let mut out = json!({"name": self.name, "type": kind, "default": now, "unit": "", "help": self.help, "versions": self.versions});
        if !self.choices.is_empty() {
            out["choices"] = json!(self.choices);
        }
        out
    }

    /// A value of its type.
    fn value(&self, given: &Value) -> Result<Value, String> {
        let refuse = |must: &str| Err(format!("its parameter `{}` is {given}; it must be {must}", self.name));
        let number = match given {
            Value::Number(n) => n.as_f64(),
            Value::String(text) => text.trim().parse().ok(),
            _ => None,
        }
        .filter(|n: &f64| n.is_finite());
        match (self.kind.as_str(), given) {
            ("int", _) => match number.filter(|n| n.fract() == 0.0 && n.abs() < 9e15) {
                Some(n) => Ok(json!(n as i64)),
                None => refuse("a whole number"),
            },
            ("float", _) => number.map_or_else(|| refuse("a number"), |n| Ok(json!(n))),
            ("boolean", Value::Bool(_)) => Ok(given.clone()),
            ("boolean", Value::String(word)) if word == "true" || word == "false" => {
                Ok(json!(word == "true"))
            }
            ("boolean", _) => refuse("true or false"),
            ("select", _) => {
                let word = text(given);
                if self.choices.contains(&word) || self.choices.is_empty() {
                    Ok(json!(word))
                } else {
                    refuse(&format!("one of {}", self.choices.join(", ")))
                }
            }
            _ if given.is_array() || given.is_object() => refuse("a text"),
            _ => Ok(json!(text(given))),
        }
    }
}

impl Declared {
    /// What is sent as `params`: what is set, over the defaults.
    ///
    /// # Errors
    /// A sentence that names the parameter, with the nearest one that there is.
    pub fn params(
        &self,
        set: &BTreeMap<String, Parameter>,
        version: u32,
    ) -> Result<Map<String, Value>, String> {
        let shown = |p: &&Item| p.versions.is_empty() || p.versions.contains(&version);
        let known = |name: &str| self.parameters.iter().find(|p| p.name == name || key(&p.name) == name);
        let mut out: Map<String, Value> = self
            .parameters
            .iter()
            .filter(shown)
            .filter(|p| !p.default.is_null())
            .map(|p| (key(&p.name), p.default.clone()))
            .collect();
        for (name, value) in set {
            let item = known(name).ok_or_else(|| {
                let hint = nearest(name, self.parameters.iter().map(|p| p.name.as_str()));
                let hint = hint.map(|n| format!("\nhint: did you mean `{n}`?")).unwrap_or_default();
                format!("it has no parameter `{name}`{hint}")
            })?;
            let given = match value {
                Parameter::Flag(v) => json!(v),
                Parameter::Whole(v) => json!(v),
                Parameter::Number(v) => json!(v),
                Parameter::Text(v) => json!(v),
            };
            out.insert(key(&item.name), item.value(&given)?);
        }
        Ok(out)
    }
}

/// A name as it stands in `params`.
fn key(name: &str) -> String {
    name.replace('-', "_")
}

/// Reads an answer of `/batch`, or of `/run` for one window.
///
/// # Errors
/// A sentence that says what is wrong with it; the block's own words when it says that it failed.
pub fn answer(bytes: &[u8], windows: Option<usize>) -> Result<Answer, String> {
    let value = parse(bytes)?;
    if !value.is_object() {
        return Err("its answer is no object".into());
    }
    if value.get("success").and_then(Value::as_bool) == Some(false) {
        let said = text(&value["error"]);
        return Err(format!("it failed: {}", if said.is_empty() { "it does not say why" } else { &said }));
    }
    let Some(Value::Array(features)) = value.get("features") else {
        return Err("its answer has no list `features`".into());
    };
    let rows = match windows {
        None => vec![row(features, 0)?],
        Some(n) if n != features.len() => {
            return Err(format!("it was given {n} windows and gave features of {}", features.len()));
        }
        Some(_) => features
            .iter()
            .enumerate()
            .map(|(i, r)| match r {
                Value::Array(r) => row(r, i),
                _ => Err(format!("its features of window {i} are no list")),
            })
            .collect::<Result<_, _>>()?,
    };
    let width = rows.first().map_or(0, Vec::len);
    if let Some(at) = rows.iter().position(|r| r.len() != width) {
        return Err(format!(
            "it gave {width} features of the first window and {} of window {at}",
            rows[at].len()
        ));
    }
    if width == 0 || width > MOST_EXTERNAL {
        return Err(format!("it gave {width} features; a block gives 1 to {MOST_EXTERNAL}"));
    }
    let shape = shape(&value["output_config"], width)?;
    let names = match &value["labels"] {
        Value::Array(names) if !names.is_empty() => {
            // A list for each window, or one for all.
            let first = names[0].as_array().unwrap_or(names);
            if first.len() != width {
                return Err(format!("it gave {} labels for {width} features", first.len()));
            }
            // A feature without a name is called by its place: names are kept one a line.
            let named = |(i, name): (usize, &Value)| match text(name) {
                name if name.trim().is_empty() => format!("feature {}", i + 1),
                name => name,
            };
            Some(first.iter().enumerate().map(named).collect())
        }
        _ => None,
    };
    Ok(Answer { rows, shape, names })
}

fn row(values: &[Value], window: usize) -> Result<Vec<f32>, String> {
    values
        .iter()
        .enumerate()
        .map(|(i, v)| {
            let number = v.as_f64().map(|n| n as f32).filter(|n| n.is_finite());
            number.ok_or_else(|| {
                format!("its feature {i} of window {window} is {}, which is no finite number", text(v))
            })
        })
        .collect()
}

fn shape(config: &Value, width: usize) -> Result<OutputShape, String> {
    let side =
        |name: &str| config["shape"][name].as_u64().and_then(|n| usize::try_from(n).ok()).filter(|n| *n > 0);
    let told = match config["type"].as_str() {
        None | Some("flat") => {
            return match side("width") {
                Some(n) if n != width => Err(format!("it says {n} features and gave {width}")),
                _ => Ok(OutputShape::Flat(width)),
            };
        }
        // Rows lie one behind the other, each as wide as the spectrogram is high.
        Some("spectrogram") => side("width")
            .zip(side("height"))
            .map(|(rows, columns)| OutputShape::Spectrogram { rows, columns }),
        Some("image") => {
            side("width").zip(side("height")).zip(side("channels")).and_then(|((width, height), channels)| {
                let height = height.checked_mul(side("frames").unwrap_or(1))?;
                Some(OutputShape::Image { height, width, channels })
            })
        }
        Some(other) => {
            return Err(format!("its output is of type `{other}`; flat, spectrogram and image are known"));
        }
    };
    let count = |s: &OutputShape| match *s {
        OutputShape::Flat(n) => Some(n),
        OutputShape::Spectrogram { rows, columns } => rows.checked_mul(columns),
        OutputShape::Image { height, width, channels } => height.checked_mul(width)?.checked_mul(channels),
    };
    match told {
        Some(shape) if count(&shape) == Some(width) => Ok(shape),
        Some(_) => Err(format!("the sides of its `output_config` do not make {width} features")),
        None => Err("its `output_config` has no whole `shape`".into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BLOCK: &str = r#"{"version": 1, "type": "dsp", "info": {"title": "Band", "description": "d", "latestImplementationVersion": 3},
        "parameters": [{"group": "g", "items": [
            {"name": "Cut", "param": "cut-off", "type": "float", "value": "2.5"},
            {"param": "bins", "type": "int", "value": 4, "help": "how many"},
            {"param": "old", "type": "int", "value": 4, "showForImplementationVersion": [1, 2]},
            {"param": "mode", "type": "select", "value": "a", "valid": ["a", {"label": "B", "value": "b"}]},
            {"param": "on", "type": "boolean", "value": true}]}]}"#;

    #[test]
    fn parameters_are_checked_where_they_are_set() {
        let block = declared(BLOCK.as_bytes()).expect("read");
        assert_eq!((block.version, block.title.as_str()), (3, "Band"));
        let set = |name: &str, value| block.params(&[(name.to_owned(), value)].into(), 3);
        let sent = Value::Object(set("bins", Parameter::Whole(7)).expect("set"));
        assert_eq!(sent, json!({"cut_off": 2.5, "bins": 7, "mode": "a", "on": true}));
        assert!(
            set("cut-off", Parameter::Number(1.0)).is_ok()
                && set("mode", Parameter::Text("b".into())).is_ok()
        );
        for (name, value, words) in [
            ("bin", Parameter::Whole(1), "did you mean `bins`"),
            ("bins", Parameter::Number(1.5), "a whole number"),
            ("mode", Parameter::Text("c".into()), "one of a, b"),
            ("on", Parameter::Whole(1), "true or false"),
        ] {
            let told = set(name, value).expect_err("refused");
            assert!(told.contains(words), "{told}");
        }
        assert!(declared(br#"[{"param": "x", "type": "int", "value": 1}]"#).is_ok());
        for text in [
            "{}",
            "3",
            "[{}]",
            r#"[{"param": "x", "type": "bucket"}]"#,
            r#"[{"param": "x", "type": "int", "value": "y"}]"#,
            "[{\"param\"",
        ] {
            assert!(declared(text.as_bytes()).is_err(), "{text}");
        }
    }

    #[test]
    fn features_are_whole_and_finite_or_refused() {
        let run = |text: &str| answer(text.as_bytes(), None);
        let good = run(
            r#"{"success": true, "features": [1, 2.5, 3, 4, 5, 6], "labels": [], "output_config": {"type": "spectrogram", "shape": {"width": 2, "height": 3}}}"#,
        );
        let good = good.expect("whole");
        assert_eq!(good.shape, OutputShape::Spectrogram { rows: 2, columns: 3 });
        assert_eq!(good.rows, [[1.0, 2.5, 3.0, 4.0, 5.0, 6.0]]);
        for (text, words) in [
            (r#"{"success": false, "error": "no band"}"#, "no band"),
            (r#"{"features": [1, NaN]}"#, "NaN"),
            (r#"{"features": [1, 1e300]}"#, "no finite number"),
            (r#"{"features": [1, null]}"#, "no finite number"),
            (r#"{"features": []}"#, "0 features"),
            (r#"{"features": [1, 2], "labels": ["a"]}"#, "1 labels for 2"),
            (r#"{"features": [1, 2], "output_config": {"type": "flat", "shape": {"width": 3}}}"#, "says 3"),
            (
                r#"{"features": [1, 2], "output_config": {"type": "image", "shape": {"width": 3}}}"#,
                "whole `shape`",
            ),
            (
                r#"{"features": [1, 2], "output_config": {"type": "image",
                    "shape": {"width": 1, "height": 9223372036854775808, "channels": 1, "frames": 2}}}"#,
                "whole `shape`",
            ),
            (r#"{"features": [1, 2"#, "no JSON"),
            ("[]", "no object"),
            ("{}", "no list `features`"),
        ] {
            let told = run(text).expect_err("refused");
            assert!(told.contains(words), "{text}: {told}");
        }
        let named = run(r#"{"features": [1, 2, 3], "labels": ["a", "", "\n"]}"#).expect("whole").names;
        assert_eq!(named, Some(vec!["a".into(), "feature 2".into(), "feature 3".into()]));
        let batch = |text: &str| answer(text.as_bytes(), Some(2));
        assert_eq!(
            batch(r#"{"features": [[1], [2]], "labels": ["a"]}"#).expect("whole").names,
            Some(vec!["a".into()])
        );
        for (text, words) in [
            (r#"{"features": [[1]]}"#, "given 2 windows"),
            (r#"{"features": [[1], [2, 3]]}"#, "2 of window 1"),
            (r#"{"features": [[1], 2]}"#, "window 1 are no list"),
        ] {
            let told = batch(text).expect_err("refused");
            assert!(told.contains(words), "{text}: {told}");
        }
    }
}
