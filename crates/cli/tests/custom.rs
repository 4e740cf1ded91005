//! Custom blocks through the whole chain: from a program beside the project file to proven C.

mod common;
use common::{Bench, motion, text};

const PROGRAM: &str = r#"axes x, y, z
param edge = 5 from 1 to 20
let size = sqrt(x*x + y*y + z*z)
let moved = centre(x)
let s = power(moved, 32)
feature "crest factor" = max(abs(moved)) / rms(moved)
feature "band ratio" = band(s, 1, edge) / total(s)
feature "peak Hz" = peak(s)
feature "x with y" = correlation(x, y)
feature "slow" = rms(lowpass(moved, edge, 4))
feature "jerk" = rms(diff(size)) * rate
"#;

/// Two motions and a custom block whose program lies in a file.
fn project() -> Bench {
    let bench = Bench::new("motion");
    for (label, hz, amplitude) in [("slow", 2.0, 4.0), ("fast", 8.0, 4.0)] {
        for i in 0..24 {
            bench.write(&format!("recordings/{label}.{i:02}.csv"), motion(hz, amplitude, i));
        }
    }
    let out = bench.run(&["data", "import", "recordings", "--project", "project", "--label-from", "name"]);
    assert!(out.status.success(), "{}", text(&out));
    bench.replace("[[impulse.learn]]\nkind = \"anomaly\"", "# [[none]]\n# kind");
    bench.replace("targets = [\"host\", \"cortex-m4f\"]", "targets = [\"host\"]\ncases = 300");
    bench.replace("block = \"spectral_analysis\"", "block = \"custom\"\nfile = \"motion.ew\" #");
    let file = std::fs::read_to_string(bench.path("project/edgewright.toml")).expect("a project file");
    // Parameters of the block that was there before.
    let from = file.find("file = \"motion.ew\"").expect("the block");
    for line in file[from..].lines().skip(1).take_while(|l| !l.starts_with('[')) {
        if line.contains('=') && !line.starts_with('#') {
            bench.replace(line, &format!("# {line}"));
        }
    }
    bench.write("project/motion.ew", PROGRAM);
    bench
}

#[test]
fn a_program_is_trained_tested_proven_and_classifies() {
    let bench = project();
    let report = bench.json(&["run", "project", "--json"]);
    assert_eq!(report["verify"][0]["bit_exact"], true, "{report}");
    assert_eq!(report["test"]["c"], report["test"]["int8"], "{report}");
    assert!(report["test"]["int8"]["accuracy"].as_f64() >= Some(0.9), "{report}");
    let told = bench.json(&["dsp", "importance", "project", "--json"]);
    let mut names: Vec<&str> = told["features"]
        .as_array()
        .expect("features")
        .iter()
        .filter_map(|f| f["name"].as_str()?.strip_prefix("custom "))
        .collect();
    names.sort_unstable();
    assert_eq!(names, ["band ratio", "crest factor", "jerk", "peak Hz", "slow", "x with y"]);
    let out = bench.run(&["classify", "project", "recordings/fast.03.csv"]);
    assert!(out.status.success() && text(&out).contains("fast"), "{}", text(&out));

    // The file is what the features depend on.
    let again = bench.json(&["run", "project", "--json"]);
    assert!(again["stages"].as_array().expect("stages").iter().all(|s| s["status"] == "cached"), "{again}");
    bench.write("project/motion.ew", PROGRAM.replace("edge = 5", "edge = 6"));
    let changed = bench.json(&["run", "project", "--json"]);
    assert_eq!(changed["stages"][3]["status"], "built", "{changed}");
    assert_eq!(changed["verify"][0]["bit_exact"], true, "{changed}");

    // Selected features: the rest is not computed.
    bench.append(
        "\n[impulse.select]\nmethod = \"list\"\nfeatures = [\"custom crest factor\", \"custom jerk\"]\n",
    );
    let few = bench.json(&["run", "project", "--json"]);
    assert_eq!(few["verify"][0]["bit_exact"], true, "{few}");
    let package = few["artifacts"][0]["path"].as_str().expect("a path");
    let archive =
        String::from_utf8_lossy(&std::fs::read(bench.path(package)).expect("a package")).into_owned();
    assert!(!archive.is_empty());
    let out = bench.run(&["build", "project", "--target", "host", "--package", "c", "--out", "few.zip"]);
    assert!(out.status.success(), "{}", text(&out));
}

#[test]
fn what_is_wrong_in_a_program_is_told_with_its_place() {
    let bench = project();
    for (program, expected) in [
        (
            "axes x, y, z\nfeature f = rmz(x)\n",
            "program line 2, column 13: there is no function `rmz`; did you mean `rms`?",
        ),
        ("axes x, y\nfeature f = rms(x)\n", "the block has 3 axes"),
        ("feature f = rms(axis0 + diff(axis1))\n", "joins a series of"),
    ] {
        bench.write("project/motion.ew", program);
        let out = bench.run(&["run", "project", "--until", "features"]);
        assert!(!out.status.success() && text(&out).contains(expected), "{program}: {}", text(&out));
    }
    for (file, expected) in [
        ("missing.ew", "cannot be read"),
        ("../recordings/fast.03.csv", "must be a file of the project's folder"),
    ] {
        bench.replace("file = \"motion.ew\"", &format!("file = {file:?}"));
        let out = bench.run(&["run", "project", "--until", "features"]);
        assert_eq!(out.status.code(), Some(2), "{}", text(&out));
        assert!(text(&out).contains(expected), "{file}: {}", text(&out));
        bench.replace(&format!("file = {file:?}"), "file = \"motion.ew\"");
    }
    bench.replace("file = \"motion.ew\"", "program = \"feature f = rms(axis0)\"\nfile = \"motion.ew\"");
    let out = bench.run(&["run", "project", "--until", "features"]);
    assert!(text(&out).contains("leave one of them out"), "{}", text(&out));
}

#[test]
fn a_program_runs_alone() {
    let bench = Bench::empty();
    let mut npy = b"\x93NUMPY\x01\x00\x76\x00".to_vec();
    let mut header = String::from("{'descr': '<f4', 'fortran_order': False, 'shape': (64, 2), }");
    while header.len() < 0x75 {
        header.push(' ');
    }
    npy.extend(header.as_bytes());
    npy.push(b'\n');
    npy.extend(
        (0..128).flat_map(|i| (((i / 2) % 8) as f32 * if i % 2 == 0 { 1.0 } else { -3.0 }).to_le_bytes()),
    );
    bench.write("x.npy", npy);
    let params =
        r#"{"program": "axes a, b\nfeature r = range(b) / range(a)\nfeature c = correlation(a, b)"}"#;
    let args = ["dsp", "run", "custom", "--version", "1", "--params", params, "--rate", "50"];
    let out = bench.run(&[&args[..], &["--input", "x.npy", "--out", "y.npy"]].concat());
    assert!(out.status.success(), "{}", text(&out));
    let bytes = std::fs::read(bench.path("y.npy")).expect("features");
    let values: Vec<f32> = bytes[bytes.len() - 8..]
        .chunks_exact(4)
        .map(|b| f32::from_le_bytes([b[0], b[1], b[2], b[3]]))
        .collect();
    assert_eq!(values[0], 3.0);
    assert!((values[1] + 1.0).abs() < 1e-5, "{values:?}");

    let wrong = r#"{"program": "feature r = rms(axis0 + power(axis1, 8))"}"#;
    let args =
        ["dsp", "run", "custom", "--params", wrong, "--rate", "50", "--input", "x.npy", "--out", "y.npy"];
    let out = bench.run(&args);
    assert_eq!(out.status.code(), Some(1), "{}", text(&out));
    assert!(
        text(&out).contains("line 1, column 17") && text(&out).contains("spectrum of 5 bins of 6.25 Hz"),
        "{}",
        text(&out)
    );
}

#[test]
fn a_program_that_leaves_axes_out_is_proven_as_well() {
    let bench = project();
    bench.write("project/motion.ew", "axes x, y, z\nfeature f = rms(y)\nfeature p = peak(power(y, 32))\n");
    // The other block would read all axes.
    bench.replace(
        "block = \"flatten\"",
        "block = \"custom\"\nid = \"second\"\nprogram = \"feature f = stdev(axis1)\"",
    );
    let report = bench.json(&["run", "project", "--json"]);
    assert_eq!(report["verify"][0]["bit_exact"], true, "{report}");
}
