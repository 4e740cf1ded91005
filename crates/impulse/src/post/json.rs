//! The functions of this module by name, on JSON: how the command and the golden cases reach them.

use super::{anomaly, calibration, detect, track};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use serde_json::{Value as Json, json};

/// Names that [`run`] knows, each with what it takes and gives.
pub const NAMES: &[(&str, &str)] = &[
    ("performance_calibration", "Scores of consecutive inferences to the labels that are reported."),
    ("fomo_decode", "A grid of scores per label to boxes."),
    ("nms", "Boxes with scores to the indices of those that stay, best first."),
    ("object_tracking", "Boxes of consecutive pictures to tracks, and how many crossed a line."),
    ("visual_anomaly_grid", "A grid of anomaly scores to mean, highest and the cells above a threshold."),
    ("anomaly_kmeans", "Rows of features to their distance from the clusters of normal rows."),
    ("anomaly_gmm", "Rows of features to log-likelihood and anomaly score under a Gaussian mixture."),
];

fn read<T: DeserializeOwned>(what: &str, json: &Json) -> Result<T, String> {
    T::deserialize(json).map_err(|e| format!("{what}: {e}"))
}

/// Runs the function `name` with its parameters on its input, both objects.
///
/// # Errors
/// A sentence that names the field.
pub fn run(name: &str, params: &Json, input: &Json) -> Result<Json, String> {
    match name {
        "performance_calibration" => calibrate(params, input),
        "fomo_decode" => fomo(params, input),
        "nms" => nms(params, input),
        "object_tracking" => follow(params, input),
        "visual_anomaly_grid" => grid(params, input),
        "anomaly_kmeans" => kmeans(params, input),
        "anomaly_gmm" => gmm(params, input),
        _ => Err(format!("there is no post-processing `{name}`")),
    }
}

fn calibrate(params: &Json, input: &Json) -> Result<Json, String> {
    #[derive(Deserialize)]
    struct Params {
        labels: usize,
        average_window_duration_ms: f32,
        detection_threshold: f32,
        suppression_ms: f32,
        suppression_flags: u32,
        slice_size: f32,
        interval_ms: f32,
    }
    #[derive(Deserialize)]
    struct Input {
        scores: Vec<Vec<f32>>,
    }
    let p: Params = read("parameters", params)?;
    let input: Input = read("input", input)?;
    let mut state = calibration::Calibration::new(calibration::Settings {
        labels: p.labels,
        average_window_duration_ms: p.average_window_duration_ms,
        detection_threshold: p.detection_threshold,
        suppression_ms: p.suppression_ms,
        suppression_flags: p.suppression_flags,
        slice_size: p.slice_size,
        interval_ms: p.interval_ms,
    })?;
    let (mut detected, mut averaged) = (Vec::new(), Vec::new());
    for scores in &input.scores {
        let (label, mean) = state.push(scores)?;
        detected.push(label.map_or(-1, |l| l as i64));
        averaged.push(mean);
    }
    Ok(json!({"detected": detected, "averaged": averaged}))
}

fn fomo(params: &Json, input: &Json) -> Result<Json, String> {
    #[derive(Deserialize)]
    struct Params {
        labels: Vec<String>,
        input_width: u32,
        input_height: u32,
        grid: usize,
        threshold: f32,
        #[serde(default)]
        zero_point: i32,
        #[serde(default = "one")]
        scale: f32,
    }
    #[derive(Deserialize)]
    struct Input {
        #[serde(default)]
        output: Vec<f32>,
        #[serde(default)]
        output_int8: Vec<i32>,
    }
    fn one() -> f32 {
        1.0
    }
    let p: Params = read("parameters", params)?;
    let mut input: Input = read("input", input)?;
    if p.input_width.max(p.input_height) > 1 << 16 {
        return Err("`input_width` and `input_height` can be at most 65536".into());
    }
    if input.output.is_empty() {
        let real = |q: &i32| (i64::from(*q) - i64::from(p.zero_point)) as f32 * p.scale;
        input.output = input.output_int8.iter().map(real).collect();
    }
    let boxes = detect::fomo_decode(&input.output, p.grid, p.labels.len(), p.input_width, p.threshold)?;
    let boxes: Vec<Json> = boxes
        .iter()
        .map(|b| {
            json!({"label": p.labels[b.label], "x": b.x, "y": b.y, "width": b.width, "height": b.height,
                "value": b.value})
        })
        .collect();
    Ok(json!({ "bounding_boxes": boxes }))
}

fn nms(params: &Json, input: &Json) -> Result<Json, String> {
    #[derive(Deserialize)]
    struct Params {
        iou_threshold: f32,
        confidence_threshold: f32,
    }
    #[derive(Deserialize)]
    struct Input {
        boxes_y1x1y2x2: Vec<[f32; 4]>,
        scores: Vec<f32>,
    }
    let p: Params = read("parameters", params)?;
    let input: Input = read("input", input)?;
    if input.boxes_y1x1y2x2.len() != input.scores.len() {
        return Err(format!("{} boxes with {} scores", input.boxes_y1x1y2x2.len(), input.scores.len()));
    }
    let selected = detect::nms(&input.boxes_y1x1y2x2, &input.scores, p.iou_threshold, p.confidence_threshold);
    Ok(json!({ "selected": selected }))
}

fn follow(params: &Json, input: &Json) -> Result<Json, String> {
    #[derive(Deserialize)]
    #[serde(default)]
    struct Params {
        keep_grace: u32,
        max_observations: usize,
        threshold: f32,
        use_iou: bool,
        count_segments: Vec<[i32; 4]>,
    }
    impl Default for Params {
        fn default() -> Self {
            Self { keep_grace: 5, max_observations: 5, threshold: 0.5, use_iou: true, count_segments: vec![] }
        }
    }
    #[derive(Deserialize)]
    struct Input {
        frames: Vec<Vec<Seen>>,
    }
    #[derive(Deserialize)]
    struct Seen {
        label: String,
        x: f32,
        y: f32,
        width: f32,
        height: f32,
        value: f32,
    }
    #[derive(Serialize)]
    struct Trace<'a> {
        id: u32,
        label: &'a str,
        x: i32,
        y: i32,
        width: i32,
        height: i32,
        value: f32,
        last_centroid_segment: [i32; 4],
    }
    let p: Params = read("parameters", params)?;
    let input: Input = read("input", input)?;
    let mut tracker = track::Tracker::new(track::Settings {
        keep_grace: p.keep_grace,
        max_observations: p.max_observations,
        threshold: p.threshold,
        use_iou: p.use_iou,
    });
    let mut counts = vec![0u64; p.count_segments.len()];
    let mut frames = Vec::new();
    for seen in input.frames {
        let objects = seen.into_iter().map(|s| track::Object {
            label: s.label,
            area: [s.x, s.y, s.width, s.height],
            value: s.value,
        });
        let tracks = tracker.push(objects.collect())?;
        for (count, segment) in counts.iter_mut().zip(&p.count_segments) {
            *count += tracks.iter().filter(|t| track::crosses(t.segment(), *segment)).count() as u64;
        }
        let traces: Vec<Trace<'_>> = tracks
            .iter()
            .map(|t| Trace {
                id: t.id,
                label: &t.label,
                x: t.area[0] as i32,
                y: t.area[1] as i32,
                width: t.area[2] as i32,
                height: t.area[3] as i32,
                value: t.value,
                last_centroid_segment: t.segment(),
            })
            .collect();
        let mut frame = json!({ "traces": traces });
        if !counts.is_empty() {
            frame["counts"] = json!(counts);
        }
        frames.push(frame);
    }
    Ok(json!({ "frames": frames }))
}

fn grid(params: &Json, input: &Json) -> Result<Json, String> {
    #[derive(Deserialize)]
    struct Params {
        input_width: u32,
        input_height: u32,
        grid_x: usize,
        grid_y: usize,
        threshold: f32,
    }
    #[derive(Deserialize)]
    struct Input {
        output: Vec<f32>,
    }
    let p: Params = read("parameters", params)?;
    let input: Input = read("input", input)?;
    let found = detect::visual_anomaly_grid(
        &input.output,
        (p.grid_x, p.grid_y),
        (p.input_width, p.input_height),
        p.threshold,
    )?;
    let cells: Vec<Json> = found
        .cells
        .iter()
        .map(|b| json!({"x": b.x, "y": b.y, "width": b.width, "height": b.height, "value": b.value}))
        .collect();
    Ok(json!({"mean": found.mean, "max": found.max, "cells": cells}))
}

fn kmeans(params: &Json, input: &Json) -> Result<Json, String> {
    #[derive(Deserialize)]
    struct Params {
        mean: Vec<f32>,
        scale: Vec<f32>,
        clusters: Vec<Cluster>,
        /// Which of the features; all when left out.
        axes: Option<Vec<usize>>,
    }
    #[derive(Deserialize)]
    struct Cluster {
        centroid: Vec<f32>,
        max_error: f32,
    }
    #[derive(Deserialize)]
    struct Input {
        features: Vec<Vec<f32>>,
    }
    let p: Params = read("parameters", params)?;
    let input: Input = read("input", input)?;
    let clusters: Vec<anomaly::Cluster> = p
        .clusters
        .into_iter()
        .map(|c| anomaly::Cluster { centroid: c.centroid, max_error: c.max_error })
        .collect();
    let mut scores = Vec::new();
    for row in &input.features {
        let chosen = match &p.axes {
            None => row.clone(),
            Some(axes) => axes
                .iter()
                .map(|&a| {
                    row.get(a).copied().ok_or_else(|| format!("`axes` names {a}, a row has {}", row.len()))
                })
                .collect::<Result<_, _>>()?,
        };
        scores.push(anomaly::kmeans(&chosen, &p.mean, &p.scale, &clusters)?);
    }
    Ok(json!({ "scores": scores }))
}

fn gmm(params: &Json, input: &Json) -> Result<Json, String> {
    #[derive(Deserialize)]
    struct Params {
        weights: Vec<f64>,
        means: Vec<Vec<f64>>,
        covariances: Vec<Vec<Vec<f64>>>,
        score_mean: f64,
        score_scale: f64,
    }
    #[derive(Deserialize)]
    struct Input {
        features: Vec<Vec<f64>>,
    }
    let p: Params = read("parameters", params)?;
    let input: Input = read("input", input)?;
    let covariances: Vec<Vec<f64>> = p.covariances.iter().map(|c| c.concat()).collect();
    let mixture = anomaly::Mixture::new(&p.weights, &p.means, &covariances)?;
    let (mut likelihoods, mut scores) = (Vec::new(), Vec::new());
    for row in &input.features {
        likelihoods.push(mixture.log_likelihood(row)?);
        scores.push(mixture.score(row, p.score_mean, p.score_scale)?);
    }
    Ok(json!({"log_likelihood": likelihoods, "scores": scores}))
}
