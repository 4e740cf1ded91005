//! All runs against each other: what each reached, what it costs, and which no other beats; the same on the command line and over HTTP.

mod common;
use common::{
    http::{Server, workspace},
    text, tone,
};
use serde_json::{Value, json};

fn number(of: &Value) -> f64 {
    of.as_f64().unwrap_or_else(|| panic!("{of} is no number"))
}

#[test]
fn runs_are_compared_by_what_they_reach_and_what_they_cost() {
    let (bench, key) = workspace();
    for i in 0..10 {
        bench.write(&format!("in/low.{i}.wav"), tone(300.0 + 5.0 * f64::from(i), i as u64));
        bench.write(&format!("in/high.{i}.wav"), tone(1500.0 + 20.0 * f64::from(i), i as u64 + 100));
    }
    assert!(
        bench.run(&["data", "import", "in", "--project", "kws", "--label-from", "name"]).status.success()
    );
    let none = bench.json(&["version", "pareto", "kws", "--json"]);
    assert_eq!((&none["runs"], &none["target"]), (&json!([]), &Value::Null));
    let file = bench.path("kws/edgewright.toml");
    let first = std::fs::read_to_string(&file).expect("there");
    let layers = |units: u32| {
        first.replace(
            "[[impulse.learn]]\n",
            &format!(
                "[[impulse.learn]]\nlayers = [{{ type = \"flatten\" }}, {{ type = \"dense\", units = {units} }}]\n"
            ),
        )
    };
    // Trained alone, small, large, and large with another seed.
    for (text_of, until) in [(first.clone(), "train"), (layers(2), "test"), (layers(40), "test")] {
        std::fs::write(&file, text_of).expect("written");
        let out = bench.run(&["run", "kws", "--until", until]);
        assert!(out.status.success(), "{}", text(&out));
    }
    let told = bench.json(&["version", "pareto", "kws", "--json"]);
    let target = (&told["target"], &told["basis"], &told["metric"], &told["on"]);
    assert_eq!(
        target,
        (&json!("cortex-m4f"), &json!("estimated"), &json!("accuracy"), &json!("test")),
        "{told}"
    );
    let runs = told["runs"].as_array().expect("runs");
    assert_eq!(runs.len(), 3, "{told}");
    let (large, small, trained) = (&runs[0], &runs[1], &runs[2]);
    assert_eq!((&large["current"], &small["current"]), (&json!(true), &json!(false)));
    // The one that was not tested is listed and not compared; it costs something all the same.
    assert_eq!((&trained["figure"], &trained["on_front"]), (&Value::Null, &Value::Null), "{trained}");
    assert!(number(&trained["estimated"]["flash_bytes"]) > 0.0, "{trained}");
    assert_eq!(large["measured"], Value::Null);
    let of = |run: &Value, cost: &str| number(&run["estimated"][cost]);
    assert!(of(small, "flash_bytes") < of(large, "flash_bytes"), "{told}");
    assert!(of(small, "instructions") < of(large, "instructions"), "{told}");
    // The arena is that of the features.
    assert!(of(small, "ram_bytes") <= of(large, "ram_bytes"), "{told}");
    // The large one reaches the front only by reaching more.
    let better = number(&large["figure"]) > number(&small["figure"]);
    assert_eq!((&small["on_front"], &large["on_front"]), (&json!(true), &json!(better)), "{told}");
    assert_eq!(small["front_of"], json!(["flash", "ram", "instructions"]));
    // What the command estimates of the project as it is, before and after training, is the same arithmetic.
    let estimate = bench.json(&["estimate", "kws", "--json"])["targets"][0].clone();
    assert_eq!(large["estimated"]["ram_bytes"], estimate["arena_bytes"]);
    let instructions = number(&estimate["instructions"]) + number(&estimate["dsp_instructions"]);
    assert_eq!(number(&large["estimated"]["instructions"]), instructions);

    let said = bench.run(&["version", "pareto", "kws"]);
    let said = String::from_utf8_lossy(&said.stdout).into_owned();
    assert!(said.contains("costs on cortex-m4f, estimated") && said.contains("not compared"), "{said}");

    let server = Server::start(&bench.path(""));
    let ask = |query: &str| server.get(&key, &format!("/api/v1/projects/kws/pareto{query}"));
    assert_eq!(ask("").ok(200), told);
    let validated = ask("?validation=true").ok(200);
    assert_eq!((&validated["on"], &validated["metric"]), (&json!("validation"), &json!("accuracy")));
    let figure = &validated["runs"][2]["figure"];
    assert!(figure.is_f64(), "what was only trained has a figure of validation: {validated}");
    // Of a loss less is better: the order turns.
    let lost = ask("?metric=log_loss").ok(200);
    assert_eq!((&lost["more_is_better"], &lost["runs"][1]["on_front"]), (&json!(false), &json!(true)));
    let better = number(&lost["runs"][0]["figure"]) < number(&lost["runs"][1]["figure"]);
    assert_eq!(lost["runs"][0]["on_front"], json!(better), "{lost}");
    // What nobody measured is on no front.
    let measured = ask("?basis=measured").ok(200);
    assert!(measured["runs"].as_array().expect("runs").iter().all(|r| r["on_front"].is_null()), "{measured}");
    for wrong in ["?metric=accuracies", "?target=nothing", "?basis=guessed", "?axis=flash"] {
        assert_eq!(ask(wrong).code(), "bad_request", "{wrong}");
    }
    // A target that is not there does not keep anybody from training.
    std::fs::write(&file, first.replace("[\"host\"]", "[\"nothing\"]")).expect("written");
    let out = bench.run(&["run", "kws", "--until", "test"]);
    assert!(out.status.success(), "{}", text(&out));
    let told = bench.json(&["version", "pareto", "kws", "--json"]);
    let newest = &told["runs"][0];
    assert_eq!((&newest["current"], &newest["estimated"]), (&json!(true), &Value::Null), "{newest}");
    assert!(newest["figure"].is_f64() && newest["on_front"].is_null(), "{newest}");
    let out = bench.run(&["version", "pareto", "kws", "--basis", "guessed"]);
    assert!(out.status.code() == Some(2) && text(&out).contains("measured"), "{}", text(&out));
}
