//! Every post-processing case of `golden/dsp/index.json`.

use edgewright_impulse::post;
use serde_json::Value as Json;
use std::path::{Path, PathBuf};

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../golden/dsp")
}

/// Whether `got` is `expected`: numbers within the tolerance, coordinates of boxes within `pixels`.
fn same(got: &Json, expected: &Json, at: &str, tolerance: (f64, f64), pixels: f64) -> Result<(), String> {
    match (got, expected) {
        (Json::Object(g), Json::Object(e)) => {
            if g.keys().ne(e.keys()) {
                return Err(format!("{at} has {:?}, expected {:?}", g.keys(), e.keys()));
            }
            for (key, e) in e {
                same(&g[key], e, &format!("{at}.{key}"), tolerance, pixels)?;
            }
            Ok(())
        }
        (Json::Array(g), Json::Array(e)) => {
            if g.len() != e.len() {
                return Err(format!("{at} has {} items, expected {}", g.len(), e.len()));
            }
            for (i, (g, e)) in g.iter().zip(e).enumerate() {
                same(g, e, &format!("{at}[{i}]"), tolerance, pixels)?;
            }
            Ok(())
        }
        (Json::Number(_), Json::Number(_)) => {
            let (g, e) = (got.as_f64().expect("a number"), expected.as_f64().expect("a number"));
            let whole = expected.is_i64();
            let allowed = match whole {
                true if ["x", "y", "width", "height"].iter().any(|k| at.ends_with(&format!(".{k}")))
                    || at.contains("last_centroid_segment") =>
                {
                    pixels
                }
                true => 0.0,
                false => tolerance.1 + tolerance.0 * e.abs(),
            };
            if (g - e).abs() <= allowed { Ok(()) } else { Err(format!("{at} is {g}, expected {e}")) }
        }
        _ if got == expected => Ok(()),
        _ => Err(format!("{at} is {got}, expected {expected}")),
    }
}

#[test]
fn golden_cases_hold() {
    let read = |path: PathBuf| -> Json {
        serde_json::from_str(&std::fs::read_to_string(path).expect("a file")).expect("JSON")
    };
    let index = read(folder().join("index.json"));
    let (mut held, mut failed) = (0, Vec::new());
    for case in index["cases"].as_array().expect("cases") {
        let block = case["block"].as_str().expect("a block");
        let (Some(file), true) = (case["case_file"].as_str(), post::NAMES.iter().any(|(n, _)| *n == block))
        else {
            continue;
        };
        let body = read(folder().join(file));
        let t = &case["tolerance"];
        let number = |name: &str| t[name].as_f64();
        let tolerance = (number("rtol").unwrap_or(0.0), number("atol").or(number("value")).unwrap_or(0.0));
        let result = post::run(block, &body["parameters"], &body["input"]).and_then(|got| {
            same(&got, &body["expected"], "result", tolerance, number("box_px").unwrap_or(0.0))
        });
        match result {
            Ok(()) => held += 1,
            Err(e) => failed.push(format!("{}: {e}", case["id"])),
        }
    }
    assert!(failed.is_empty(), "{}", failed.join("\n"));
    assert_eq!(held, 29, "number of cases that are held");
}
