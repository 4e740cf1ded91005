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
BLOCK

[training]
epochs = 25
learning_rate = 0.01

[deploy]
targets = ["host"]
"#;

/// Weights start at 0: what tells nothing gets none.
const LINES: &str = r#"method = "logistic_regression""#;

const OVER_TIME: &str = r#"layers = [
  { type = "reshape", shape = [96, 3] },
  { type = "conv1d", filters = 8, kernel = 5, activation = "relu" },
  { type = "global_average_pool" },
]"#;

/// Three axes; `bump` has something in the middle of `accY`. Beside it there is nothing but noise everywhere, or, without noise, something
/// in `accX` that is there as often with either label.
fn project(noise_everywhere: bool, block: &str) -> Bench {
    let bench = Bench::empty();
    let mut noise = Noise(7);
    for i in 0..40 {
        for label in ["bump", "flat"] {
            let mut csv = String::from("timestamp,accX,accY,accZ\n");
            for frame in 0..FRAMES {
                let [mut x, mut y, z] = [(); 3].map(|()| if noise_everywhere { noise.next() } else { 0.0 });
                if !noise_everywhere && i % 2 == 1 && (10..26).contains(&frame) {
                    x = 3.0 + noise.next();
                }
                if label == "bump" && BUMP.contains(&frame) {
                    y += if noise_everywhere { 4.0 } else { 3.0 + noise.next() };
                }
                writeln!(csv, "{},{x:.4},{y:.4},{z:.4}", frame * 10).expect("written");
            }
            bench.write(&format!("in/{label}.{i}.csv"), csv);
        }
    }
    bench.write("project/edgewright.toml", PROJECT.replace("BLOCK", block));
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
    let bench = project(false, LINES);
    let told = bench.json(&["explain", "project", "bump.3.csv", "--json", "--svg", "why.svg"]);
    assert_eq!((&told["label"], &told["method"]), (&"bump".into(), &"occlusion".into()));
    assert!(told["score"].as_f64() > Some(0.0), "{told}");
    let maps = told["maps"].as_array().expect("maps");
    // Frame by frame, the three axes of each.
    let features = numbers(&maps[0]);
    assert_eq!((maps[0]["kind"].as_str(), features.len()), (Some("features"), 3 * FRAMES));
    let within = |i: usize| i % 3 == 1 && BUMP.contains(&(i / 3));
    assert!(share(&features, within) > 0.95, "{}", share(&features, within));
    // Parts of three frames, axis by axis.
    let (window, columns) = (numbers(&maps[1]), FRAMES / 3);
    assert_eq!(maps[1]["names"], serde_json::json!(["accX", "accY", "accZ"]));
    assert_eq!(window.len(), 3 * columns);
    let within = |i: usize| i / columns == 1 && (39..57).contains(&(i % columns * 3));
    assert!(share(&window, within) > 0.95, "{}", share(&window, within));
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
    assert_eq!(
        (&answer["maps"][0]["values"], &answer["score"]),
        (&told["maps"][0]["values"], &told["score"])
    );
    assert_eq!(answer["picture"].as_str(), Some(svg.as_str()));
    assert_eq!(ask("?window=9").status, 422);
    let words = text(&bench.run(&["explain", "project", "bump.3.csv"]));
    assert!(words.contains("bump, ahead of the next by") && words.contains("accY, time"), "{words}");
}

#[test]
fn grad_cam_finds_the_place_in_time() {
    let bench = project(true, OVER_TIME);
    let told = bench.json(&["explain", "project", "bump.3.csv", "--method", "grad-cam", "--json"]);
    let map = &told["maps"][0];
    assert_eq!(
        (map["kind"].as_str(), map["rows"].as_u64(), map["columns"].as_u64()),
        (Some("layer"), Some(1), Some(96))
    );
    // A place sees two frames more on each side. Noise tells something as well, to a small network: it is compared place by place.
    let means = |heat: &[f64]| {
        let within = |i: usize| (38..58).contains(&i);
        let sum = |inside: bool| -> f64 {
            heat.iter().enumerate().filter(|(i, _)| within(*i) == inside).map(|(_, v)| v).sum()
        };
        (sum(true) / 20.0, sum(false) / 76.0)
    };
    let (inside, outside) = means(&numbers(map));
    assert!(inside > 2.0 * outside, "{inside} {outside}");
    // In a recording without the bump it is not there.
    let args = ["explain", "project", "flat.3.csv", "--method", "grad-cam", "--label", "bump", "--json"];
    let (inside, outside) = means(&numbers(&bench.json(&args)["maps"][0]));
    assert!(inside < 0.5 * outside, "{inside} {outside}");
}

#[test]
fn what_cannot_be_explained_is_said() {
    let bench = project(false, LINES);
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
