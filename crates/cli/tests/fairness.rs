//! Whom a model fails: slices of the test windows, a floor for the weakest, training that weighs the rare ones up; and how far figures
//! depend on which recordings train.

mod common;
use common::{Bench, motion, text};
use serde_json::{Value, json};

/// Two gestures at two sites. At the plant, where few recordings come from, they are called the other way round: only how strong a
/// movement is tells the site.
fn two_sites() -> Bench {
    let bench = Bench::new("motion");
    let mut files = Vec::new();
    let mut add = |site: &str, category: &str, count: u64, first: u64| {
        for (i, (slow, hz)) in (0..count).flat_map(|i| [(i, (true, 1.5)), (i, (false, 4.0))]) {
            let label = if slow == (site == "lab") { "wave" } else { "shake" };
            let name = format!("{site}-{category}-{hz}-{i}.csv");
            let strength = if site == "lab" { 1.5 } else { 6.0 };
            bench.write(&format!("in/{name}"), motion(hz, strength, first + i));
            files.push(json!({
                "path": name, "category": category, "label": {"type": "label", "label": label},
                "metadata": {"site": site, "serial": format!("{site}{i}")},
            }));
        }
    };
    add("lab", "training", 30, 0);
    add("plant", "training", 3, 200);
    add("lab", "testing", 10, 400);
    add("plant", "testing", 8, 600);
    bench.write("in/info.labels", json!({"version": 1, "files": files}).to_string());
    let out = bench.run(&["data", "import", "in", "--project", "project"]);
    assert!(out.status.success(), "{}", text(&out));
    bench.replace("epochs = 80", "epochs = 30");
    bench
}

fn slice<'a>(report: &'a Value, by: &str, value: &str) -> &'a Value {
    let slices = report["test"]["slices"].as_array().expect("slices");
    slices
        .iter()
        .find(|s| s["by"] == by && s["value"] == value)
        .unwrap_or_else(|| panic!("{value}: {report}"))
}

#[test]
fn the_weakest_slice_is_told_held_against_a_floor_and_weighed_up() {
    let bench = two_sites();
    bench.replace("# min_accuracy = 0.9", "min_slice_accuracy = 0.9 #");
    let test = || bench.json(&["run", "project", "--until", "test", "--json"]);
    let plain = test();
    let accuracy =
        |report: &Value, site: &str| slice(report, "site", site)["accuracy"].as_f64().expect("a share");
    let (lab, plant) = (accuracy(&plain, "lab"), accuracy(&plain, "plant"));
    assert!(lab >= 0.9 && plant < 0.8, "the lab is learned, the plant is not: {lab} {plant}");
    let of = |key: &str| slice(&plain, "site", "plant")[key].as_u64().expect("a number");
    let in_lab = slice(&plain, "site", "lab")["windows"].as_u64().expect("a number");
    assert_eq!(of("samples"), 16);
    assert_eq!(of("windows") + in_lab, plain["test"]["int8"]["windows"].as_u64().expect("a number"));
    // All together is the mean of the slices, by windows.
    let mean = (lab * in_lab as f64 + plant * of("windows") as f64) / (in_lab + of("windows")) as f64;
    let whole = plain["test"]["int8"]["accuracy"].as_f64().expect("a share");
    assert!((mean - whole).abs() < 1e-9, "{mean} {whole}");
    let missed = plain["missed"].to_string();
    assert!(missed.contains("evaluation.min_slice_accuracy") && missed.contains("site = plant"), "{missed}");
    assert!(plain["test"]["verdicts"].to_string().contains("weakest slice: site = plant"), "{plain}");
    assert_eq!(
        bench.run(&["run", "project", "--until", "test"]).status.code(),
        Some(1),
        "a floor that CI can use"
    );
    // A fact of its own for almost every recording makes no slices unless it is asked for.
    let facts = |report: &Value| -> Vec<String> {
        let all = report["test"]["slices"].as_array().expect("slices").iter();
        let mut all: Vec<String> = all.map(|s| s["by"].as_str().expect("a name").to_owned()).collect();
        all.dedup();
        all
    };
    assert_eq!(facts(&plain), ["serial", "site"], "18 serials are few enough");
    bench.replace("min_slice_accuracy = 0.9", "min_slice_accuracy = 0.9\nslices = [\"site\", \"room\"]");
    let asked = test();
    assert_eq!(facts(&asked), ["site"]);
    assert!(asked["missed"].to_string().contains("no test recording has the fact `room`"), "{asked}");
    assert_eq!(
        asked["stages"][4]["status"], "cached",
        "what is told of a model is no reason to train it again"
    );
    bench.replace(", \"room\"]", "]");

    bench.replace("[training]\n", "[training]\nbalance_by = \"site\"\n");
    let balanced = test();
    let after = accuracy(&balanced, "plant");
    assert!(after > plant + 0.1, "{plant} before, {after} after");
    assert!(accuracy(&balanced, "lab") > 0.85, "{balanced}");

    bench.replace("balance_by = \"site\"", "balance_by = \"floor\"");
    let refused = bench.run(&["run", "project", "--until", "test"]);
    assert_eq!(refused.status.code(), Some(2), "{}", text(&refused));
    assert!(text(&refused).contains("`training.balance_by` is \"floor\""), "{}", text(&refused));
}

#[test]
fn figures_of_folds_spread_and_test_windows_take_no_part() {
    let bench = Bench::new("motion");
    for i in 0..10 {
        bench.write(&format!("in/slow.{i}.csv"), motion(1.5, 3.0, i));
        bench.write(&format!("in/fast.{i}.csv"), motion(7.0, 5.0, 100 + i));
        // Their label says nothing of them: whoever judges what it trained on would still be right.
        bench.write(&format!("in/coin{}.{i}.csv", i % 2), motion(3.0, 4.0, 200 + i));
    }
    let out = bench.run(&["data", "import", "in", "--project", "project", "--label-from", "name"]);
    assert!(out.status.success(), "{}", text(&out));
    bench.replace("epochs = 80", "epochs = 60");
    let args = ["train", "cross-validate", "project", "--folds", "4", "--json"];
    let told = bench.json(&args);
    let folds = told["folds"].as_array().expect("folds");
    assert_eq!(folds.len(), 4);
    let sum = |key: &str| folds.iter().map(|f| f[key].as_u64().expect("a number")).sum::<u64>();
    let split = bench.json(&["run", "project", "--until", "features", "--json"]);
    assert_eq!(
        sum("samples"),
        split["data"]["training"].as_u64().expect("a number"),
        "each is asked once: {told}"
    );
    assert!(split["data"]["testing"].as_u64().is_some_and(|n| n > 0), "{split}");
    assert_eq!(told["together"]["windows"].as_u64(), Some(sum("windows")));
    for fold in folds {
        let rest = fold["training_windows"].as_u64().expect("a number")
            + fold["validation_windows"].as_u64().expect("a number");
        assert_eq!(rest + fold["windows"].as_u64().expect("a number"), sum("windows"), "{fold}");
    }
    let int8: Vec<f64> = folds.iter().map(|f| f["int8"].as_f64().expect("a figure")).collect();
    let mean = int8.iter().sum::<f64>() / 4.0;
    assert!((told["int8"]["mean"].as_f64().expect("a figure") - mean).abs() < 1e-12, "{told}");
    let deviation = (int8.iter().map(|v| (v - mean).powi(2)).sum::<f64>() / 3.0).sqrt();
    assert!((told["int8"]["deviation"].as_f64().expect("a figure") - deviation).abs() < 1e-12, "{told}");
    assert_eq!(told["metric"], "accuracy");
    let labels = told["together"]["labels"].as_array().expect("labels");
    let recall = |name: &str| {
        labels.iter().find(|l| l["label"] == name).expect(name)["recall"].as_f64().expect("a share")
    };
    assert!(recall("slow") > 0.8 && recall("fast") > 0.8, "{told}");
    let coins = (recall("coin0") + recall("coin1")) / 2.0;
    assert!(coins < 0.85, "a fold was asked about windows that trained its model: {coins}");

    // Again: nothing is trained, and the same is told; with one thread as well.
    let again = bench.run(&args);
    assert_eq!(serde_json::from_slice::<Value>(&again.stdout).expect("one object"), told);
    let fresh = Bench::empty();
    let file = "project/edgewright.toml";
    fresh.write(file, std::fs::read(bench.path(file)).expect("there"));
    let from = bench.path("in");
    let out = fresh.run(&[
        "data",
        "import",
        from.to_str().expect("a path"),
        "--project",
        "project",
        "--label-from",
        "name",
    ]);
    assert!(out.status.success(), "{}", text(&out));
    let one = fresh.json(&["train", "cross-validate", "project", "--folds", "4", "--jobs", "1", "--json"]);
    assert_eq!(one, told, "results do not depend on threads");

    let many = bench.run(&["train", "cross-validate", "project", "--folds", "40"]);
    assert!(text(&many).contains("fill 2") && text(&many).contains("not 40"), "{}", text(&many));
    let one = bench.run(&["train", "cross-validate", "project", "--folds", "1"]);
    assert_eq!(one.status.code(), Some(2), "{}", text(&one));
}

#[test]
fn what_is_tried_is_judged_on_validation_windows_and_can_be_kept() {
    let bench = Bench::new("motion");
    for i in 0..14 {
        bench.write(&format!("in/slow.{i}.csv"), motion(1.5, 3.0, i));
        bench.write(&format!("in/fast.{i}.csv"), motion(7.0, 5.0, 100 + i));
    }
    let out = bench.run(&["data", "import", "in", "--project", "project", "--label-from", "name"]);
    assert!(out.status.success(), "{}", text(&out));
    bench.replace("epochs = 80", "epochs = 20");
    let all = ["raw", "smaller", "larger", "augmented", "longer", "forest"];
    let mut args = vec!["train", "try", "project", "--json", "--keep"];
    all.iter().for_each(|name| args.extend(["--variant", name]));
    let told = bench.json(&args);
    let trials = told["trials"].as_array().expect("trials");
    let names: Vec<&str> = trials.iter().filter_map(|t| t["name"].as_str()).collect();
    assert_eq!(names[0], "current");
    assert_eq!(names[1..], all, "{told}");
    let of = |name: &str, key: &str| {
        let trial = trials.iter().find(|t| t["name"] == name).expect(name);
        trial["outcome"][key].as_f64().unwrap_or_else(|| panic!("{key}: {trial}"))
    };
    // A hundred values of three axes, or what the spectrum makes of them.
    assert_eq!(of("raw", "features"), of("raw", "samples"));
    assert!(of("current", "features") < 0.5 * of("current", "samples"), "{told}");
    assert!(of("raw", "dsp_instructions") < 0.25 * of("current", "dsp_instructions"), "{told}");
    assert!(of("smaller", "instructions") < of("current", "instructions"), "{told}");
    assert!(of("larger", "instructions") > of("current", "instructions"), "{told}");
    assert_eq!(of("longer", "instructions"), of("current", "instructions"), "training changes no network");
    assert!(of("current", "ram_bytes") > 0.0);
    let run = bench.json(&["run", "project", "--until", "train", "--json"]);
    assert_eq!(run["stages"][4]["status"], "cached", "{run}");
    assert_eq!(Some(of("current", "windows")), run["training"][0]["validation_windows"].as_f64(), "{run}");
    let best: Vec<&Value> = trials.iter().filter(|t| t["best"] == true).collect();
    assert_eq!(best.len(), 1, "{told}");
    let most = trials.iter().filter_map(|t| t["outcome"]["int8"].as_f64()).fold(0.0, f64::max);
    assert_eq!(best[0]["outcome"]["int8"].as_f64(), Some(most));

    // What was kept is another impulse of the project, and using it trains nothing anew.
    let before = std::fs::read_to_string(bench.path("project/edgewright.toml")).expect("there");
    let out = bench.run(&["impulse", "use", "try-smaller", "--project", "project", "--discard"]);
    assert!(out.status.success(), "{}", text(&out));
    let run = bench.json(&["run", "project", "--until", "train", "--json"]);
    assert_eq!(run["stages"][4]["status"], "cached", "{run}");
    assert_eq!(Some(of("smaller", "windows")), run["training"][0]["validation_windows"].as_f64(), "{run}");
    assert_ne!(std::fs::read_to_string(bench.path("project/edgewright.toml")).expect("there"), before);

    let wrong = bench.run(&["train", "try", "project", "--variant", "bigger"]);
    assert_eq!(wrong.status.code(), Some(2), "{}", text(&wrong));
    assert!(text(&wrong).contains("no variant `bigger`"), "{}", text(&wrong));
    // Where no window validates, nothing can be chosen.
    bench.replace("[split]\n", "[split]\n#\n");
    let file = std::fs::read_to_string(bench.path("project/edgewright.toml")).expect("there");
    let line = file.lines().find(|l| l.starts_with("validation")).expect("a share").to_owned();
    bench.replace(&line, "validation = 0.0");
    let none = bench.run(&["train", "try", "project", "--variant", "forest"]);
    assert_eq!(none.status.code(), Some(1), "{}", text(&none));
    assert!(text(&none).contains("no window validates"), "{}", text(&none));
}
