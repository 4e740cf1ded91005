//! Where a score comes from, of recordings that differ in one place of one axis alone: the heat must be there.

mod common;
use common::{
    Bench, Noise,
    http::{Server, create_key},
    text,
};
use serde_json::Value;
use std::fmt::Write as _;

/// Frames of a recording and the place of the bump.
const FRAMES: usize = 96;
const BUMP: std::ops::Range<usize> = 40..56;

const PROJECT: &str = r#"[[data]]
path = "../in"
label_from = "name"

[impulse]
window_ms = 960
rate_hz = 100

[[impulse.dsp]]
block = "raw"

[[impulse.learn]]
kind = "classifier"
LAYERS

[training]
epochs = 25
learning_rate = 0.01

[deploy]
targets = ["host"]
"#;

const OVER_TIME: &str = r#"layers = [
  { type = "reshape", shape = [96, 3] },
  { type = "conv1d", filters = 8, kernel = 5, activation = "relu" },
  { type = "global_average_pool" },
]"#;

/// Three axes of noise; `bump` has something in the middle of `accY` and nothing else.
fn project(layers: &str) -> Bench {
    let bench = Bench::empty();
    let mut noise = Noise(7);
    for i in 0..40 {
        for label in ["bump", "flat"] {
            let mut csv = String::from("timestamp,accX,accY,accZ\n");
            for frame in 0..FRAMES {
                let [x, mut y, z] = [(); 3].map(|()| noise.next());
                if label == "bump" && BUMP.contains(&frame) {
                    y += 4.0;
                }
                writeln!(csv, "{},{x:.4},{y:.4},{z:.4}", frame * 10).expect("written");
            }
            bench.write(&format!("in/{label}.{i}.csv"), csv);
        }
    }
    bench.write("project/edgewright.toml", PROJECT.replace("LAYERS", layers));
    bench
}

fn numbers(map: &Value) -> Vec<f64> {
    map["values"].as_array().expect("values").iter().map(|v| v.as_f64().expect("a number")).collect()
}

/// Share of what speaks for the label that comes from some parts.
fn share(values: &[f64], of: impl Fn(usize) -> bool) -> f64 {
    let sum = |of: &dyn Fn(usize) -> bool| -> f64 {
        values.iter().enumerate().filter(|(i, _)| of(*i)).map(|(_, v)| v.max(0.0)).sum()
    };
    sum(&of) / sum(&|_| true)
}

#[test]
fn occlusion_finds_the_features_and_the_time_that_tell() {
    let bench = project("");
    let told = bench.json(&["explain", "project", "bump.3.csv", "--json", "--svg", "why.svg"]);
    assert_eq!((&told["label"], &told["method"]), (&"bump".into(), &"occlusion".into()));
    assert!(told["score"].as_f64() > Some(0.0), "{told}");
    let maps = told["maps"].as_array().expect("maps");
    // Frame by frame, the three axes of each.
    let features = numbers(&maps[0]);
    assert_eq!((maps[0]["kind"].as_str(), features.len()), (Some("features"), 3 * FRAMES));
    let within = |i: usize| i % 3 == 1 && BUMP.contains(&(i / 3));
    assert!(share(&features, within) > 0.7, "{}", share(&features, within));
    // Parts of three frames, axis by axis.
    let (window, columns) = (numbers(&maps[1]), FRAMES / 3);
    assert_eq!(maps[1]["names"], serde_json::json!(["accX", "accY", "accZ"]));
    assert_eq!(window.len(), 3 * columns);
    let within = |i: usize| i / columns == 1 && (39..57).contains(&(i % columns * 3));
    assert!(share(&window, within) > 0.7, "{}", share(&window, within));
    let most = (0..window.len()).max_by(|a, b| window[*a].total_cmp(&window[*b])).expect("parts");
    assert!(within(most), "{most}");
    let svg = std::fs::read_to_string(bench.path("why.svg")).expect("a picture");
    assert!(svg.starts_with("<svg") && svg.matches("<rect").count() > features.len() + window.len());
    // Why not the other label: what speaks against it is there as well. The same again, to the last digit.
    let other = bench.json(&["explain", "project", "bump.3.csv", "--label", "flat", "--json"]);
    let against = numbers(&other["maps"][0]).into_iter().map(|v| -v).collect::<Vec<_>>();
    assert_eq!(against, features);
    assert_eq!(told["score"].as_f64(), other["score"].as_f64().map(|s| -s));
    // The same over HTTP, with the same picture.
    let key = create_key(&bench, &[]);
    let server = Server::start(&bench.path(""));
    let sample = told["sample"].as_str().expect("an id");
    let ask = |more: &str| {
        server.get(&key, &format!("/api/v1/projects/project/samples/{sample}/explanation{more}"))
    };
    let answer = ask("").ok(200);
    assert_eq!((&answer["maps"][0]["values"], &answer["score"]), (&told["maps"][0]["values"], &told["score"]));
    assert_eq!(answer["picture"].as_str(), Some(svg.as_str()));
    assert_eq!(ask("?window=9").status, ERR);
    let words = text(&bench.run(&["explain", "project", "bump.3.csv"]));
    assert!(words.contains("bump, ahead of the next by") && words.contains("accY, time"), "{words}");
}

#[test]
fn grad_cam_finds_the_place_in_time() {
    let bench = project(OVER_TIME);
    let told = bench.json(&["explain", "project", "bump.3.csv", "--method", "grad-cam", "--json"]);
    let map = &told["maps"][0];
    assert_eq!(
        (map["kind"].as_str(), map["rows"].as_u64(), map["columns"].as_u64()),
        (Some("layer"), Some(1), Some(96))
    );
    let heat = numbers(map);
    let within = |i: usize| (38..58).contains(&i);
    assert!(share(&heat, within) > 0.7, "{}", share(&heat, within));
    // Behind the convolution all is linear: places and bias add up to the score, so that without the bump less is left.
    let flat = bench.json(&[
        "explain",
        "project",
        "flat.3.csv",
        "--method",
        "grad-cam",
        "--label",
        "bump",
        "--json",
    ]);
    let sum = |v: &[f64]| v.iter().sum::<f64>();
    assert!(sum(&numbers(&flat["maps"][0])) < 0.5 * sum(&heat), "{flat}");
}

#[test]
fn what_cannot_be_explained_is_said() {
    let bench = project("");
    let fails = |args: &[&str], words: &str| {
        let out = bench.run(args);
        assert!(!out.status.success() && text(&out).contains(words), "{}", text(&out));
    };
    fails(&["explain", "project", "bump.3.csv", "--method", "grad-cam"], "has no convolution");
    fails(&["explain", "project", "bump.3.csv", "--window", "1"], "windows 0 to 0, none is 1");
    fails(&["explain", "project", "bump.3.csv", "--label", "none"], "no label `none`; it has bump, flat");
    fails(&["explain", "project", "bump.3.csv", "--method", "guess"], "no method `guess`");
    fails(&["explain", "project", "nothing.csv"], "nothing.csv");
}
