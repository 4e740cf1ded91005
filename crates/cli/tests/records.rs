//! Records of the WFDB library: header, signals and annotations of a folder, from import to windows around beats and proven C.

mod common;
use common::{Bench, Noise, text};

/// Beats of a record, and frames from one to the next.
const BEATS: usize = 40;
const APART: usize = 80;

/// A record of one signal at 100 Hz in format 16: narrow beats (N), and each third one wide (V). One mark of the rhythm lies before them.
fn record(bench: &Bench, side: &str, name: &str, seed: u64) {
    let mut noise = Noise(seed);
    let frames = APART * (BEATS + 1);
    let mut values = vec![0i16; frames];
    // Code and frames since the mark before; a text of two bytes belongs to the first.
    let mut marks: Vec<u16> = vec![28 << 10 | 5, 63 << 10 | 2, u16::from_le_bytes(*b"(N")];
    let mut last = 5;
    for value in &mut values {
        *value = (noise.next() * 20.0) as i16;
    }
    for beat in 0..BEATS {
        let (middle, wide) = (APART * (beat + 1), beat % 3 == 2);
        let half = if wide { 12i32 } else { 4 };
        for k in -half..=half {
            let at = (middle as i32 + k) as usize;
            values[at] += (400 * (half - k.abs()) / half) as i16;
        }
        marks.push((if wide { 5 } else { 1 }) << 10 | (middle - last) as u16);
        last = middle;
    }
    marks.push(0);
    let bytes = |words: Vec<u16>| words.into_iter().flat_map(u16::to_le_bytes).collect::<Vec<u8>>();
    bench.write(
        &format!("{side}/{name}.hea"),
        format!("{name} 1 100 {frames}\n{name}.dat 16 200(0)/mV 12 0 0 0 0 ECG\n"),
    );
    // The header's sum of this signal is 0, which it is not: that is told, and the record is kept.
    bench.write(&format!("{side}/{name}.dat"), bytes(values.into_iter().map(|v| v as u16).collect()));
    bench.write(&format!("{side}/{name}.atr"), bytes(marks));
}

#[test]
fn windows_lie_around_the_beats_of_a_record() {
    let bench = Bench::new("motion");
    for n in 1..=4 {
        record(&bench, "training", &format!("p{n}"), n);
    }
    record(&bench, "testing", "p5", 5);
    bench.write("training/lost.hea", "lost 1 100\nlost.dat 16\n");
    let report = bench.json(&[
        "data",
        "import",
        "training",
        "--project",
        "project",
        "--category",
        "training",
        "--json",
    ]);
    assert_eq!(report["imported"], 4, "{report}");
    assert_eq!(report["labels"], serde_json::json!({"+": 4, "N": 4, "V": 4}));
    assert_eq!(
        (&report["remarks"][0]["kind"], &report["remarks"][0]["files"]),
        (&"checksum".into(), &1.into())
    );
    let refused = report["quarantined"].as_array().expect("a list");
    assert_eq!(refused.len(), 1, "{report}");
    assert!(
        refused[0]["reason"]
            .as_str()
            .is_some_and(|r| r.contains("lost.hea names the signal file `lost.dat`"))
    );
    // One header alone brings the files beside it.
    let report = bench.json(&[
        "data",
        "import",
        "testing/p5.hea",
        "--project",
        "project",
        "--category",
        "testing",
        "--json",
    ]);
    assert_eq!((&report["imported"], &report["labels"]["V"]), (&1.into(), &1.into()), "{report}");

    bench.replace("[\"host\", \"cortex-m4f\"]", "[\"host\"]\ncases = 200");
    bench.replace("window_ms = 2000", "window_ms = 600\nranges = { windows = \"around\", position = 0.5 }");
    bench.replace("[split]", "[labels]\nN = \"narrow\"\nV = \"wide\"\n\"+\" = \"\"\n\n[split]");
    let report = bench.json(&["run", "project", "--json"]);
    let int8 = &report["test"]["int8"];
    assert_eq!(
        (&int8["windows"], &report["verify"][0]["bit_exact"]),
        (&BEATS.into(), &true.into()),
        "{report}"
    );
    assert!(int8["accuracy"].as_f64().is_some_and(|a| a > 0.95), "{report}");
    let rule = &report["test"]["rule"];
    let ahead = (rule["model"].as_f64().expect("model") - rule["reached"].as_f64().expect("rule")) * 100.0;
    assert!((rule["ahead_points"].as_f64().expect("points") - ahead).abs() < 1e-9, "{rule}");
    assert!(
        rule["rule"].as_str().is_some_and(|r| r.contains(rule["feature"].as_str().expect("a feature"))),
        "{rule}"
    );

    // A record is one file to `classify`, too; and it leaves with all that came.
    let out = bench.run(&["classify", "project", "testing/p5.hea", "--json"]);
    assert!(out.status.success(), "{}", text(&out));
    assert!(bench.run(&["data", "export", "out", "--project", "project"]).status.success());
    let packed = std::fs::read(bench.path("out/testing/p5.wfdb")).expect("exported");
    let part = std::fs::read(bench.path("testing/p5.dat")).expect("there");
    assert!(packed.windows(part.len()).any(|w| w == part), "bytes as received");
    let again = bench.json(&[
        "data",
        "import",
        "out/testing/p5.wfdb",
        "--project",
        "project",
        "--category",
        "testing",
        "--json",
    ]);
    assert_eq!((&again["imported"], &again["labels"]["N"]), (&1.into(), &1.into()), "{again}");
}
