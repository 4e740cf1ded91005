//! The contract of custom deployments: what an external process is given.

use crate::{
    Library, VERSION,
    facts::{facts, parameters, project},
    text::json,
};
use edgewright_compile::FileTree;
use edgewright_impulse::Task;

/// What an external deployment process is given: the sources and `deployment-metadata.json`.
pub(crate) fn custom(library: &Library<'_>) -> FileTree {
    let f = facts(library);
    let mut tree: FileTree = library
        .files
        .iter()
        .map(|(path, bytes)| (format!("edgewright-library/{path}"), bytes.clone()))
        .collect();
    let impulse = library.impulse;
    let window = &impulse.window;
    let dsp: Vec<String> = impulse
        .dsp
        .iter()
        .map(|b| {
            let axes: Vec<String> = b.axes.iter().map(|&a| json(&window.axes[a].name)).collect();
            format!(
                "{{\"id\": {}, \"type\": {}, \"implementationVersion\": {}, \"axes\": [{}], \"features\": {}}}",
                json(&b.id),
                json(&b.block),
                b.version,
                axes.join(", "),
                b.features()
            )
        })
        .collect();
    let learn: Vec<String> = impulse
        .learn
        .iter()
        .map(|l| {
            let kind = match &l.task {
                Task::Classification { .. } => "classification",
                Task::Regression => "regression",
                Task::Detection(_) => "detection",
                Task::Anomaly { .. } => "anomaly",
            };
            let dsp: Vec<String> = l.inputs.iter().map(|&i| json(&impulse.dsp[i].id)).collect();
            format!(
                "{{\"id\": {}, \"type\": \"{kind}\", \"dsp\": [{}], \"macs\": {}}}",
                json(&l.id),
                dsp.join(", "),
                l.graph.macs()
            )
        })
        .collect();
    let input = match window.image {
        Some((w, h)) => format!("{{\"type\": \"image\", \"imageWidth\": {w}, \"imageHeight\": {h}}}"),
        None if window.rate_hz > 0.0 => {
            let ms = |frames: usize| frames as f64 * 1000.0 / window.rate_hz;
            format!(
                "{{\"type\": \"time-series\", \"windowSizeMs\": {}, \"windowIncreaseMs\": {}, \"frequencyHz\": {}}}",
                ms(window.frames),
                ms(window.stride),
                window.rate_hz
            )
        }
        None => "{\"type\": \"features\"}".into(),
    };
    let sensor = match f.sensor {
        1 => "\"microphone\"",
        2 => "\"accelerometer\"",
        3 => "\"camera\"",
        _ => "null",
    };
    let classes: Vec<String> = f.labels.iter().map(|l| json(l)).collect();
    let text = format!(
        r#"{{
  "version": 1,
  "generator": "edgewright {VERSION}",
  "folders": {{"input": ".", "library": "edgewright-library", "output": "output"}},
  "prefix": {},
  "target": {{"id": {}, "isa": {}}},
  "classes": [{}],
  "sensor": {sensor},
  "frequency": {},
  "axesCount": {},
  "samplesPerInference": {},
  "impulse": {{"inputBlocks": [{input}], "dspBlocks": [{}], "learnBlocks": [{}]}},
  "project": {},
  "model_parameters": {}
}}
"#,
        json(library.prefix),
        json(&library.target.id),
        json(&library.target.isa),
        classes.join(", "),
        window.rate_hz,
        window.axes.len(),
        window.frames,
        dsp.join(", "),
        learn.join(", "),
        project(library),
        parameters(&f),
    );
    tree.insert("deployment-metadata.json".into(), text.into_bytes());
    tree.insert(
        "README.md".into(),
        b"# Custom deployment\n\nAn external process is started with `--metadata deployment-metadata.json`, takes the sources from the folder that file names as\n`library`, and writes `deploy.zip` to the folder it names as `output`, both relative to the file. Exit status 0 is success.\n"
            .to_vec(),
    );
    tree
}
