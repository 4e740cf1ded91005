//! Files as strangers bring them, from import to `classify`: what is odd is told, what is refused is named, and nothing is passed over.

mod common;
use common::{Bench, Noise, motion, text};
use edgewright_generate::shapes;

/// A table whose label hangs on `x`; `index` says what stands in the first column.
fn table(rows: usize, index: impl Fn(usize) -> usize) -> String {
    let mut noise = Noise(7);
    (0..rows).fold(String::from("Id,x,price,kind\n"), |out, i| {
        let x = noise.next();
        let kind = if x > 0.0 { "big" } else { "small" };
        out + &format!("{},{x:.3},\"{},{:03}\",{kind}\n", index(i), 1 + i % 9, i % 1000)
    })
}

#[test]
fn a_table_of_a_stranger_trains_without_its_row_numbers() {
    let bench = Bench::new("tabular");
    bench.replace("# missing = [\"-200\"]", "missing = [\"-200\"]");
    bench.write("in/one.csv", table(120, |i| i * 37 % 120));
    let import = ["data", "import", "in", "--project", "project", "--label-from", "column:kind"];
    let told = text(&bench.run(&import));
    assert!(told.contains("column 1 (`Id`) numbers the rows and was left out"), "{told}");
    assert!(told.contains("`1,000` was read as 1000, and so were 119 more cells"), "{told}");
    bench.replace("targets = [\"host\", \"cortex-m4f\"]", "targets = [\"host\"]\ncases = 50");
    let report = bench.json(&["run", "project", "--until", "train", "--json"]);
    assert!(report["project"].is_string(), "{report}");
    // A cell that is missing and one that says so: the others are classified.
    bench.write("new.csv", "Id,x,price\n1,0.9,\"2,500\"\n2,,3\n3,-200,3\n4,-0.9,2500\n");
    let out = bench.run(&["classify", "project", "new.csv", "--json"]);
    assert_eq!(out.status.code(), Some(1), "{}", text(&out));
    let lines: Vec<serde_json::Value> = String::from_utf8_lossy(&out.stdout)
        .lines()
        .map(|l| serde_json::from_str(l).expect("one object per line"))
        .collect();
    let said: Vec<_> = lines.iter().map(|l| (l["row"].as_u64(), l["label"].as_str())).collect();
    assert_eq!(said, [(Some(2), Some("big")), (Some(5), Some("small"))]);
    for row in ["row 3 cannot be classified", "row 4 cannot be classified"] {
        assert!(text(&out).contains(row), "{}", text(&out));
    }
    // What the project names stays.
    bench.replace("[tables]\n", "[tables]\nkeep = [\"Id\"]\ndecimal = \",\"\n");
    let told = text(&bench.run(&import));
    assert!(!told.contains("numbers the rows") && !told.contains("was read as"), "{told}");
    let shown = text(&bench.run(&["run", "project", "--until", "clean", "--json"]));
    assert!(!shown.contains("error"), "{shown}");
}

#[test]
fn axes_that_a_project_names_are_values() {
    let bench = Bench::new("tabular");
    bench.replace("[impulse]\n", "[impulse]\naxes = [\"Id\", \"x\"]\n");
    bench.write("in/one.csv", table(12, |i| i));
    let told =
        text(&bench.run(&["data", "import", "in", "--project", "project", "--label-from", "column:kind"]));
    assert!(!told.contains("numbers the rows"), "{told}");
}

#[test]
fn entries_of_info_labels_are_met_or_named() {
    let bench = Bench::new("motion");
    let outside = bench.write("elsewhere/s9.csv", motion(2.0, 1.0, 9));
    for n in 0..4 {
        bench.write(&format!("in/s{n}.csv"), motion(2.0, 1.0, n));
    }
    let entry = |path: &str, label: &str| {
        format!("{{\"path\": \"{path}\", \"label\": {{\"type\": \"label\", \"label\": \"{label}\"}}}}")
    };
    let here = bench.path("in/s1.csv").display().to_string();
    let files = [
        entry("./s0.csv", "a"),
        entry(&here, "b"),
        entry("sub/../s2.csv", "c"),
        entry("nothere.csv", "d"),
        entry(&outside.display().to_string(), "e"),
        entry("../elsewhere/s9.csv", "f"),
    ];
    bench.write("in/info.labels", format!("{{\"version\": 1, \"files\": [{}]}}", files.join(",")));
    let import = ["data", "import", "in", "--project", "project", "--json"];
    let report = bench.json(&import);
    assert_eq!(report["labels"], serde_json::json!({"": 1, "a": 1, "b": 1, "c": 1}), "{report}");
    let refused: Vec<(String, String)> = report["quarantined"]
        .as_array()
        .into_iter()
        .flatten()
        .map(|q| (q["file"].as_str().unwrap_or("").into(), q["reason"].as_str().unwrap_or("").into()))
        .collect();
    assert_eq!(refused.len(), 3, "{report}");
    assert_eq!(refused[0], ("info.labels#nothere.csv".into(), "there is no file `nothere.csv`".into()));
    assert!(refused[1].1.contains("lies outside the imported folder"), "{report}");
    assert!(refused[2].0.ends_with("../elsewhere/s9.csv"), "{report}");
    // One file alone does not bring the others' entries up; and what comes later is met.
    let one = bench.json(&["data", "import", "in/s0.csv", "--project", "project", "--dry-run", "--json"]);
    assert_eq!((&one["quarantined"], &one["labels"]["a"]), (&serde_json::json!([]), &1.into()), "{one}");
    bench.write("in/nothere.csv", motion(2.0, 1.0, 8));
    assert_eq!(bench.json(&import)["labels"]["d"], 1);
    let scan = text(&bench.run(&["data", "scan", "--project", "project", "--json"]));
    assert!(!scan.contains("info.labels#nothere.csv") && scan.contains("s9.csv"), "{scan}");
}

#[test]
fn boxes_are_read_from_every_document_and_no_label_is_invented() {
    let pictures = |bench: &Bench| shapes::write_some(&bench.path("in"), 1, 0..4).expect("pictures");
    let names = |bench: &Bench| -> Vec<String> {
        let mut names: Vec<String> = std::fs::read_dir(bench.path("in"))
            .expect("a folder")
            .flat_map(|e| e.expect("an entry").file_name().into_string())
            .filter(|n| n.ends_with(".png"))
            .collect();
        names.sort();
        names
    };
    let clear = |bench: &Bench| {
        for entry in std::fs::read_dir(bench.path("in")).expect("a folder").flatten() {
            let name = entry.file_name().into_string().expect("a name");
            if !name.ends_with(".png") {
                let _ = std::fs::remove_file(entry.path()).or_else(|_| std::fs::remove_dir_all(entry.path()));
            }
        }
    };
    type Document = (&'static str, fn(&[String]) -> String, bool);
    let documents: [Document; 4] = [
        (
            "_annotations.csv",
            |names| {
                names
                    .iter()
                    .fold("filename,width,height,class,xmin,ymin,xmax,ymax\n".into(), |t: String, n| {
                        t + &format!("{n},96,96,thing,2,3,20,21\n")
                    })
            },
            true,
        ),
        (
            "a.createml.json",
            |names| {
                let of = |n: &String| {
                    format!(
                        "{{\"image\": \"{n}\", \"annotations\": [{{\"label\": \"thing\", \"coordinates\": {{\"x\": 9, \"y\": 9, \"width\": 6, \"height\": 6}}}}]}}"
                    )
                };
                format!("[{}]", names.iter().map(of).collect::<Vec<_>>().join(","))
            },
            true,
        ),
        (
            "coco.json",
            |names| {
                let pictures = names
                    .iter()
                    .enumerate()
                    .map(|(i, n)| format!("{{\"id\": \"p{i}\", \"file_name\": \"{n}\"}}"));
                let objects = (0..names.len()).map(|i| {
                    format!("{{\"image_id\": \"p{i}\", \"category_id\": \"1\", \"bbox\": [1, 2, 9, 9]}}")
                });
                format!(
                    "{{\"images\": [{}], \"annotations\": [{}], \"categories\": [{{\"id\": 1, \"name\": \"thing\"}}]}}",
                    pictures.collect::<Vec<_>>().join(","),
                    objects.collect::<Vec<_>>().join(",")
                )
            },
            true,
        ),
        (
            "coco.json",
            |_| "{\"images\": [{\"id\": []}], \"annotations\": [], \"categories\": []}".into(),
            false,
        ),
    ];
    for (name, write, good) in documents {
        let bench = Bench::new("detection");
        pictures(&bench);
        clear(&bench);
        let names = names(&bench);
        assert_eq!(names.len(), 4);
        bench.write(&format!("in/{name}"), write(&names));
        let report = bench.json(&["data", "import", "in", "--project", "project", "--json"]);
        let label = if good { "thing" } else { "" };
        assert_eq!(report["labels"], serde_json::json!({label: 4}), "{name}: {report}");
        let refused = report["quarantined"].as_array().map_or(0, Vec::len);
        assert_eq!(refused, usize::from(!good), "{report}");
        if !good {
            assert_eq!(report["quarantined"][0]["file"], name);
            assert!(report["quarantined"][0]["reason"].as_str().is_some_and(|r| r.contains("the id `[]`")));
        }
    }
}

#[test]
fn what_was_refused_and_then_read_leaves_the_list() {
    let bench = Bench::new("motion");
    bench.write("in/a.1.csv", "x,y\n1,2\nhello,3\n");
    bench.write("in/b.1.csv", motion(2.0, 1.0, 1));
    let import = ["data", "import", "in", "--project", "project"];
    assert!(text(&bench.run(&import)).contains("1 quarantined"));
    let scan = || text(&bench.run(&["data", "scan", "--project", "project"]));
    assert!(scan().contains("a.1.csv"), "{}", scan());
    // The bytes are the same; what they are said to be is not.
    bench.append("\n[tables]\nmissing = [\"hello\"]\n");
    assert!(text(&bench.run(&import)).contains("1 quarantined"));
    bench.write("in/a.1.csv", motion(2.0, 1.0, 2));
    let told = text(&bench.run(&[&import[..], &["--dry-run"]].concat()));
    assert!(told.contains("0 quarantined") && scan().contains("a.1.csv"), "{told}");
    assert!(text(&bench.run(&import)).contains("0 quarantined"));
    assert!(!scan().contains("hello"), "{}", scan());
    // The same bytes under another name.
    bench.write("in/c.1.csv", "1,2\n");
    bench.write("bad/c.1.wav", "1,2\n");
    assert!(text(&bench.run(&["data", "import", "bad", "--project", "project"])).contains("c.1.wav"));
    assert!(scan().contains("c.1.wav"), "{}", scan());
    assert!(text(&bench.run(&import)).contains("0 quarantined"));
    assert!(!scan().contains("c.1.wav"), "{}", scan());
}

#[test]
fn a_mistyped_path_or_rate_is_told_before_anything_is_touched() {
    let bench = Bench::new("motion");
    for (n, name) in ["a.1.csv", "b.1.csv"].into_iter().enumerate() {
        bench.write(&format!("in/{name}"), motion(2.0, 1.0, n as u64));
    }
    let out = bench.run(&["data", "import", "in/a.1.csv", "in/b.1.csv", "nothere", "--project", "project"]);
    assert_eq!(out.status.code(), Some(1));
    assert!(text(&out).contains("nothere") && !text(&out).contains("imported"), "{}", text(&out));
    for rate in ["0", "-5", "inf", "NaN"] {
        let rate = format!("--rate={rate}");
        let out = bench.run(&["data", "import", "in", "--project", "project", &rate]);
        assert_eq!(out.status.code(), Some(2), "{}", text(&out));
        assert!(text(&out).contains("is impossible"), "{}", text(&out));
        let out = bench.run(&["classify", "project", "in/a.1.csv", &rate]);
        assert_eq!(out.status.code(), Some(2), "{}", text(&out));
    }
    let listed = text(&bench.run(&["data", "list", "--project", "project", "--json"]));
    assert!(listed.contains("\"samples\":[]") || listed.contains("\"samples\": []"), "{listed}");
}

#[test]
fn classify_says_where_there_is_nothing_and_what_was_filled() {
    let bench = Bench::new("motion");
    for n in 0..8 {
        bench.write(&format!("in/slow.{n}.csv"), motion(1.0, 1.0, n));
        bench.write(&format!("in/fast.{n}.csv"), motion(6.0, 1.0, 100 + n));
    }
    std::fs::create_dir_all(bench.path("empty")).expect("a folder");
    let out = bench.run(&["classify", "project", "empty"]);
    assert_eq!(out.status.code(), Some(1));
    assert!(text(&out).contains("there is no file to classify"), "{}", text(&out));
    assert!(text(&bench.run(&["data", "import", "in", "--project", "project"])).contains("imported 16"));
    let whole = motion(1.0, 1.0, 3);
    let short: String = whole.lines().take(20).map(|l| format!("{l}\n")).collect();
    bench.write("short.csv", short);
    bench.write("whole.csv", whole);
    let told = text(&bench.run(&["classify", "project", "short.csv"]));
    assert!(told.contains("shorter than a window:") && told.contains("ms of zeros"), "{told}");
    let told = text(&bench.run(&["classify", "project", "whole.csv"]));
    assert!(told.contains("ms  ") && !told.contains("shorter"), "{told}");
}
