//! Tables and arrays of other programs, from import to `classify` on the command line and over HTTP.

mod common;
use common::{
    Bench, Noise,
    http::{Server, create_key},
    motion, text,
};
use serde_json::Value;

fn golden(name: &str) -> Vec<u8> {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../golden/parquet");
    std::fs::read(folder.join(name)).expect("a committed file")
}

fn lines(out: &std::process::Output) -> Vec<Value> {
    let text = String::from_utf8_lossy(&out.stdout);
    text.lines().map(|l| serde_json::from_str(l).expect("one object per line")).collect()
}

#[test]
fn rows_of_parquet_and_json_lines_are_rows_of_a_table() {
    let bench = Bench::new("tabular");
    bench.write("in/table.parquet", golden("table.parquet"));
    let mut noise = Noise(3);
    let more: String = (0..60)
        .map(|i| {
            let (size, place) = (noise.next(), ["roof", "cellar", "hall"][i % 3]);
            let kind = if place == "roof" || size > 0.3 { "high" } else { "low" };
            format!("{{\"kind\": \"{kind}\", \"place\": \"{place}\", \"size\": {size:.3}}}\n")
        })
        .collect();
    bench.write("in/more.jsonl", more);
    let damaged = golden("table.parquet");
    bench.write("in/cut.parquet", &damaged[..damaged.len() / 2]);
    bench.write("in/bad.ndjson", "{\"size\": 1}\n{\"size\": \n");
    bench.write("in/packed.parquet", golden("zstd.parquet"));
    let report = bench.json(&[
        "data",
        "import",
        "in",
        "--project",
        "project",
        "--label-from",
        "column:kind",
        "--json",
    ]);
    assert_eq!(report["imported"], 180, "{report}");
    assert_eq!(
        report["labels"].as_object().map(|l| l.keys().cloned().collect::<Vec<_>>()),
        Some(vec!["high".into(), "low".into()])
    );
    let refused: Vec<(&str, &str)> = report["quarantined"]
        .as_array()
        .expect("a list")
        .iter()
        .map(|q| (q["file"].as_str().unwrap_or(""), q["reason"].as_str().unwrap_or("")))
        .collect();
    assert_eq!(refused.len(), 3, "{refused:?}");
    assert_eq!(refused[0].0, "bad.ndjson");
    assert!(refused[0].1.contains("line 2"), "{refused:?}");
    assert!(refused[1].0 == "cut.parquet" && refused[1].1.contains("cut off"), "{refused:?}");
    assert!(refused[2].0 == "packed.parquet" && refused[2].1.contains("snappy"), "{refused:?}");

    bench.replace("targets = [\"host\", \"cortex-m4f\"]", "targets = [\"host\"]\ncases = 50");
    bench.replace("# missing = [\"-200\"]", "missing = [\"?\"]");
    bench.json(&["run", "project", "--until", "train", "--json"]);
    // The same rows as text are called the same.
    let rows = "{\"size\": 0.9, \"place\": \"hall\"}\n{\"place\": \"hall\"}\n{\"place\": \"cellar\", \"size\": -0.8}\n";
    bench.write("new.jsonl", rows);
    bench.write("new.csv", "size,place\n0.9,hall\n,hall\n-0.8,cellar\n");
    let said = |file: &str| {
        let out = bench.run(&["classify", "project", file, "--json"]);
        assert!(text(&out).contains("cannot be classified"), "{}", text(&out));
        let lines = lines(&out);
        lines.iter().map(|l| (l["row"].as_u64(), l["label"].as_str().map(str::to_owned))).collect::<Vec<_>>()
    };
    let of_lines = said("new.jsonl");
    assert_eq!(of_lines, [(Some(1), Some("high".into())), (Some(3), Some("low".into()))]);
    assert_eq!(
        said("new.csv"),
        of_lines.iter().map(|(row, l)| (row.map(|r| r + 1), l.clone())).collect::<Vec<_>>()
    );
    let out = bench.run(&["classify", "project", "in/table.parquet", "--json"]);
    let all = lines(&out);
    assert_eq!((all.len(), all[119]["row"].as_u64()), (120, Some(120)), "{}", text(&out));
    let high = all.iter().filter(|l| l["label"] == "high").count();
    assert!((40..100).contains(&high), "{high}");

    // Over HTTP the same is said, and the rows that were left out are named.
    let key = create_key(&bench, &[]);
    let server = Server::start(&bench.path(""));
    let path = "/api/v1/projects/project/classify?name=new.jsonl";
    let heard = server.send("POST", path, &[("x-api-key", &key)], rows.as_bytes()).ok(200);
    let windows: Vec<_> = heard["windows"]
        .as_array()
        .expect("a list")
        .iter()
        .map(|w| (w["row"].as_u64(), w["label"].as_str().map(str::to_owned)))
        .collect();
    assert_eq!(windows, of_lines, "{heard}");
    assert_eq!(heard["left_out"].as_array().map(Vec::len), Some(1), "{heard}");
    assert!(
        heard["left_out"][0].as_str().is_some_and(|r| r.starts_with("row 2 cannot be classified")),
        "{heard}"
    );
}

/// Frames of `motion` as rows of three values.
fn frames(hz: f64, seed: u64) -> Vec<Vec<f32>> {
    let table = motion(hz, 3.0, seed);
    table
        .lines()
        .skip(1)
        .map(|l| l.split(',').skip(1).map(|c| c.parse().expect("a number")).collect())
        .collect()
}

fn npy(shape: &str, column_major: bool, values: impl Iterator<Item = f32>) -> Vec<u8> {
    let order = if column_major { "True" } else { "False" };
    let header = format!("{{'descr': '<f4', 'fortran_order': {order}, 'shape': ({shape}), }}");
    let mut out = b"\x93NUMPY\x01\x00\x76\x00".to_vec();
    out.extend(format!("{header:<117}\n").as_bytes());
    out.extend(values.flat_map(f32::to_le_bytes));
    out
}

#[test]
fn arrays_are_recordings_in_either_order() {
    let bench = Bench::new("motion");
    for (label, hz) in [("slow", 1.0), ("fast", 4.0)] {
        let all: Vec<Vec<Vec<f32>>> = (0..10).map(|seed| frames(hz, seed)).collect();
        let (count, length, axes) = (all.len(), all[0].len(), all[0][0].len());
        let shape = format!("{count}, {length}, {axes}");
        let row_major = all.iter().flatten().flatten().copied();
        bench.write(&format!("in/{label}.many.npy"), npy(&shape, false, row_major));
        // One recording, its axes one behind another.
        let one = frames(hz, 77);
        let columns = (0..axes).flat_map(|a| one.iter().map(move |frame| frame[a])).collect::<Vec<_>>();
        bench.write(&format!("{label}.npy"), npy(&format!("{length}, {axes}"), true, columns.into_iter()));
    }
    let import = ["data", "import", "in", "--project", "project", "--json"];
    let report = bench.json(&[&import[..], &["--rate", "62.5"]].concat());
    assert_eq!((&report["imported"], &report["labels"]["slow"]), (&20.into(), &10.into()), "{report}");
    bench.json(&["run", "project", "--until", "train", "--json"]);
    for label in ["slow", "fast"] {
        let out = bench.run(&["classify", "project", &format!("{label}.npy"), "--json"]);
        assert!(out.status.success(), "{}", text(&out));
        let said = lines(&out);
        assert!(!said.is_empty() && said.iter().all(|l| l["label"] == label), "{said:?}");
    }
    let out = bench.run(&["classify", "project", "in/slow.many.npy", "--json"]);
    let said = lines(&out);
    let recordings: std::collections::BTreeSet<Option<u64>> =
        said.iter().map(|l| l["recording"].as_u64()).collect();
    assert_eq!(recordings, (0..10).map(Some).collect(), "{said:?}");
    // What was imported already and changes sides is told.
    let again = [&import[..], &["--rate", "62.5", "--category", "testing"]].concat();
    let report = bench.json(&again);
    assert_eq!(report["already_there"], 20, "{report}");
    let moved = &report["remarks"][0];
    assert_eq!((&moved["kind"], &moved["files"]), (&"moved".into(), &20.into()), "{report}");
    assert_eq!(moved["message"], "was in the project already and went from `split` to `testing`");
    assert_eq!(bench.json(&again)["remarks"], serde_json::json!([]), "nothing moves twice");
}
