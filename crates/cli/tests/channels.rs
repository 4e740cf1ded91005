//! Sound of one and of several channels in one project, and tables whose columns are not all axes.

mod common;
use common::{Bench, motion, text, tone};
use serde_json::Value;

/// The same sound on two channels.
fn stereo(mono: &[u8]) -> Vec<u8> {
    let mut out = mono[..44].to_vec();
    let data = (mono.len() - 44) as u32 * 2;
    out[4..8].copy_from_slice(&(36 + data).to_le_bytes());
    out[22..24].copy_from_slice(&2u16.to_le_bytes());
    out[28..32].copy_from_slice(&(8000u32 * 4).to_le_bytes());
    out[32..34].copy_from_slice(&4u16.to_le_bytes());
    out[40..44].copy_from_slice(&data.to_le_bytes());
    out.extend(mono[44..].chunks_exact(2).flat_map(|v| [v[0], v[1], v[0], v[1]]));
    out
}

fn lines(out: &std::process::Output) -> Vec<Value> {
    let text = String::from_utf8_lossy(&out.stdout);
    text.lines().map(|l| serde_json::from_str(l).expect("JSON")).collect()
}

#[test]
fn sound_of_any_number_of_channels_is_one_sound() {
    let bench = Bench::new("keywords");
    for i in 0..10 {
        for (label, hz) in [("low", 300.0 + 5.0 * f64::from(i)), ("high", 1500.0 + 20.0 * f64::from(i))] {
            let mono = tone(hz, i as u64 + if label == "low" { 0 } else { 100 });
            // More than half of them have two channels.
            let bytes = if i % 3 == 0 { mono } else { stereo(&mono) };
            bench.write(&format!("in/{label}.{i}.wav"), bytes);
        }
    }
    bench.replace("epochs = 150", "epochs = 5");
    bench.run(&["data", "import", "in", "--project", "project", "--label-from", "name"]);
    let report = bench.json(&["run", "project", "--until", "train", "--json"]);
    assert_eq!(report["data"]["quarantined"], 0, "{report}");
    assert!(
        report["stages"][1]["notes"].to_string().contains("12 recordings have several channels"),
        "{report}"
    );
    let id = bench.json(&["data", "show", "low.1.wav", "--project", "project", "--json"])["id"].clone();
    let traced = bench.run(&["data", "trace", id.as_str().expect("an id"), "--project", "project"]);
    assert!(text(&traced).contains("the mean of 2 channels"), "{}", text(&traced));
    // Two equal channels are the sound itself, whatever it was trained on.
    let mono = tone(305.0, 1);
    bench.write("one/x.wav", &mono);
    bench.write("two/x.wav", stereo(&mono));
    let said = lines(&bench.run(&["classify", "project", "one/x.wav", "two/x.wav", "--json"]));
    assert_eq!(said.len(), 2);
    assert_eq!(said[0]["scores"], said[1]["scores"]);

    // Who names channels has them apart.
    bench.replace("[impulse]\n", "[impulse]\naxes = [\"audio1\"]\n");
    let report = bench.json(&["run", "project", "--until", "clean", "--json"]);
    assert_eq!(
        (&report["data"]["quarantined"], &report["data"]["samples"]),
        (&0.into(), &20.into()),
        "{report}"
    );
    let traced = bench.run(&["data", "trace", id.as_str().expect("an id"), "--project", "project"]);
    assert!(text(&traced).contains("kept 1 of 2"), "{}", text(&traced));
}

#[test]
fn a_series_with_a_column_of_labels_is_classified() {
    let bench = Bench::new("motion");
    let labelled = |csv: &str, label: &str| -> String {
        csv.lines()
            .enumerate()
            .map(|(n, l)| format!("{l},{}\n", if n == 0 { "state" } else { label }))
            .collect()
    };
    for i in 0..10 {
        bench.write(&format!("in/a{i}.csv"), labelled(&motion(1.0, 1.0, i), "slow"));
        bench.write(&format!("in/b{i}.csv"), labelled(&motion(6.0, 6.0, i + 50), "fast"));
    }
    bench.replace("epochs = 80", "epochs = 5");
    let out = bench.run(&["data", "import", "in", "--project", "project", "--label-from", "column:state"]);
    assert!(out.status.success(), "{}", text(&out));
    let out = bench.run(&["classify", "project", "in/a1.csv", "--json"]);
    assert!(out.status.success(), "{}", text(&out));
    // The label is not looked at.
    bench.write("plain.csv", motion(1.0, 1.0, 1));
    let plain = lines(&bench.run(&["classify", "project", "plain.csv", "--json"]));
    let said = lines(&out);
    assert!(!said.is_empty());
    assert_eq!(said[0]["scores"], plain[0]["scores"]);
    // A table that lacks an axis is refused with what it has.
    bench.write("other.csv", "timestamp,accX,y\n0,1,2\n20,1,2\n40,1,2\n");
    let out = bench.run(&["classify", "project", "other.csv"]);
    assert!(!out.status.success() && text(&out).contains("accX, y"), "{}", text(&out));
}
