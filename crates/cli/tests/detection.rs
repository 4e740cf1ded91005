//! Objects in pictures, from the files of other programs to proven C.

mod common;

use common::{Bench, text};
use edgewright_generate::shapes;
use serde_json::Value;

const FIGURES: [&str; 3] = ["float", "int8", "c"];

#[test]
fn shapes_are_found_and_the_c_finds_the_same() {
    let bench = Bench::new("detection");
    shapes::write_some(&bench.path("training"), 1, 0..90).expect("pictures");
    shapes::write_some(&bench.path("testing"), 1, 90..120).expect("pictures");
    for side in ["training", "testing"] {
        let report = bench.json(&[
            "data",
            "import",
            side,
            "--project",
            "project",
            "--label-from",
            "sidecar",
            "--category",
            side,
            "--json",
        ]);
        assert_eq!(report["quarantined"].as_array().map(Vec::len), Some(0), "{report}");
    }
    bench.replace("image = [96, 96]", "image = [64, 48]");
    bench.replace("cut = 8 ", "cut = 4 ");
    bench.replace("epochs = 100", "epochs = 40");
    bench.append("cases = 200\nboard_cases = 2\n");
    let report = bench.json(&["run", "project", "--json"]);
    for arithmetic in FIGURES {
        let test = &report["test"][arithmetic];
        let figure = |name: &str| test[name].as_f64().unwrap_or_else(|| panic!("no {name}: {report}"));
        assert!(figure("f1") > 0.8, "{arithmetic}: {test}");
        assert!(figure("map50") > 0.4, "{arithmetic}: {test}");
        assert_eq!(test["f1_labels"].as_object().map(|l| l.len()), Some(3));
    }
    assert_eq!(report["test"]["c"], report["test"]["int8"]);
    let proofs = report["verify"].as_array().expect("proofs");
    assert!(proofs.iter().all(|p| p["bit_exact"] == true || p["bit_exact"].is_null()), "{proofs:?}");
    assert!(proofs[0]["bit_exact"] == true, "{proofs:?}");

    // What is said of pictures lies where their shapes are, in their own pixels.
    let files: Vec<String> = (90..120).map(|n| format!("testing/shapes.{n:03}.png")).collect();
    let args: Vec<&str> =
        ["classify", "project", "--json"].into_iter().chain(files.iter().map(String::as_str)).collect();
    let out = bench.run(&args);
    let said: Vec<Value> = String::from_utf8_lossy(&out.stdout)
        .lines()
        .map(|l| serde_json::from_str(l).unwrap_or_else(|e| panic!("{e}: {}", text(&out))))
        .collect();
    assert_eq!(said.len(), files.len());
    let (mut found, mut all) = (0, 0);
    for (n, said) in (90..120).zip(&said) {
        let boxes = said["boxes"].as_array().unwrap_or_else(|| panic!("no boxes: {said}"));
        for p in shapes::picture(1, n).1 {
            let near = |b: &Value| {
                let number = |key: &str| b[key].as_f64().expect("a number");
                let (x, y) = (number("x") + number("width") / 2.0, number("y") + number("height") / 2.0);
                let middle = p.side as f64 / 2.0;
                b["label"] == shapes::SHAPES[p.shape]
                    && (0.5..=1.0).contains(&number("score"))
                    && (p.x as f64 + middle - x).abs() < 8.0
                    && (p.y as f64 + middle - y).abs() < 8.0
            };
            all += 1;
            found += usize::from(boxes.iter().any(near));
        }
    }
    assert!(found * 10 >= all * 7, "{found} of {all} shapes are found near where they are");
}

const VOC: &str = "<annotation><filename>FILE</filename>
    <object><name>disc</name><bndbox><xmin>10</xmin><ymin>20</ymin><xmax>30</xmax><ymax>44</ymax></bndbox></object>
    <object><name>disc</name><bndbox><xmin>50</xmin><ymin>20</ymin><xmax>50</xmax><ymax>44</ymax></bndbox></object>
    <object><name>ring</name><bndbox><xmin>100</xmin><ymin>80</ymin><xmax>200</xmax><ymax>90</ymax></bndbox></object></annotation>";

fn import(bench: &Bench, folder: &str) -> Value {
    bench.json(&["data", "import", folder, "--project", "project", "--label-from", "sidecar", "--json"])
}

#[test]
fn boxes_of_other_programs_come_in_and_what_is_no_box_is_told() {
    let bench = Bench::new("detection");
    let picture = |name: &str, n| {
        let png = bench.path("one");
        shapes::write_some(&png, 7, n..n + 1).expect("a picture");
        let bytes = std::fs::read(png.join(format!("shapes.{n:03}.png"))).expect("read");
        bench.write(name, bytes);
    };
    picture("voc/JPEGImages/a.png", 1);
    picture("voc/JPEGImages/b.png", 2);
    picture("voc/JPEGImages/plain.png", 3);
    bench.write("voc/Annotations/a.xml", VOC.replace("FILE", "a.png"));
    bench.write("voc/Annotations/b.xml", "<annotation><object>");
    bench.write("voc/ImageSets/Main/test.txt", "a\n");
    let report = import(&bench, "voc");
    assert_eq!(
        (&report["imported"], &report["labels"]["disc"], &report["labels"]["ring"]),
        (&3.into(), &1.into(), &1.into()),
        "{report}"
    );
    let reasons: Vec<&str> = report["quarantined"]
        .as_array()
        .expect("a list")
        .iter()
        .filter_map(|q| q["reason"].as_str())
        .collect();
    assert_eq!(reasons.len(), 2, "{report}");
    assert!(reasons[0].contains("ends inside"), "{report}");
    assert!(reasons[1].contains("box 2 (`disc`)") && reasons[1].contains("is 0 x 24 pixels"), "{report}");

    picture("yolo/images/c.png", 4);
    bench.write("yolo/labels/c.txt", "0 0.5 0.5 0.25 0.5\n");
    bench.write("yolo/classes.txt", "disc\n");
    assert_eq!(import(&bench, "yolo")["imported"], 1);

    picture("coco/d.png", 5);
    bench.write(
        "coco/all.json",
        r#"{"images": [{"id": 1, "file_name": "d.png"}], "annotations": [], "categories": []}"#,
    );
    assert_eq!(import(&bench, "coco")["imported"], 1);

    let listed = bench.json(&["data", "list", "--project", "project", "--json"]);
    let of = |name: &str| -> Value {
        let all = listed["samples"].as_array().expect("a list");
        all.iter()
            .find(|s| s["name"].as_str().is_some_and(|n| n.ends_with(name)))
            .cloned()
            .unwrap_or_default()
    };
    let a = of("a.png");
    assert_eq!((&a["category"], a["boxes"].as_array().map(Vec::len)), (&"testing".into(), Some(2)), "{a}");
    assert_eq!(
        a["boxes"][0],
        serde_json::json!({"label": "disc", "x": 10.0, "y": 20.0, "width": 20.0, "height": 24.0})
    );
    assert_eq!(a["boxes"][1]["width"], 28.0, "cut at the edge of the picture: {a}");
    assert!(of("plain.png")["boxes"].is_null() && of("d.png")["boxes"] == serde_json::json!([]), "{listed}");
    let c = of("c.png");
    assert_eq!(
        c["boxes"],
        serde_json::json!([{"label": "disc", "x": 48.0, "y": 24.0, "width": 32.0, "height": 48.0}])
    );
    let shown =
        bench.json(&["data", "show", a["id"].as_str().expect("an id"), "--project", "project", "--json"]);
    assert!(shown["info"]["findings"].to_string().contains("box 2"), "{shown}");

    // All of it again from what was exported.
    let out = bench.run(&["data", "export", "out", "--project", "project"]);
    assert!(out.status.success(), "{}", text(&out));
    let again = Bench::new("detection");
    let path = bench.path("out").display().to_string();
    import(&again, &path);
    let boxes = |listed: &Value| -> Vec<Value> {
        let mut all: Vec<(String, Value)> = listed["samples"]
            .as_array()
            .expect("a list")
            .iter()
            .map(|s| {
                (
                    s["name"].as_str().unwrap_or_default().rsplit('/').next().unwrap_or_default().to_owned(),
                    s["boxes"].clone(),
                )
            })
            .collect();
        all.sort_by(|a, b| a.0.cmp(&b.0));
        all.into_iter().map(|(_, b)| b).collect()
    };
    let second = again.json(&["data", "list", "--project", "project", "--json"]);
    assert_eq!(boxes(&second), boxes(&listed));
}
