//! Versions of a project: kept by every run that trains, the same on the command line and over HTTP.

mod common;
use common::{
    http::{Server, workspace},
    text, tone,
};
use serde_json::json;

#[test]
fn what_was_trained_can_be_compared_and_restored() {
    let (bench, key) = workspace();
    for i in 0..10 {
        bench.write(&format!("in/low.{i}.wav"), tone(300.0 + 5.0 * f64::from(i), i as u64));
        bench.write(&format!("in/high.{i}.wav"), tone(1500.0 + 20.0 * f64::from(i), i as u64 + 100));
    }
    assert!(
        bench.run(&["data", "import", "in", "--project", "kws", "--label-from", "name"]).status.success()
    );
    let list = || bench.json(&["version", "list", "kws", "--json"])["versions"].clone();
    assert_eq!(list(), json!([]));
    let run = |until: &str| assert!(bench.run(&["run", "kws", "--until", until]).status.success());
    // A run that trains nothing is no version; one that went less far takes nothing away.
    run("features");
    assert_eq!(list(), json!([]));
    run("test");
    run("train");
    let first = list();
    assert_eq!(first.as_array().map(Vec::len), Some(1));
    assert!(first[0]["outcome"]["test"]["int8"]["accuracy"].is_number(), "{first}");
    let file = bench.path("kws/edgewright.toml");
    let before = std::fs::read_to_string(&file).expect("there");
    let after = before.replace("epochs = 5", "epochs = 6");
    std::fs::write(&file, &after).expect("written");
    assert_eq!(list()[0]["current"], false);
    run("train");
    let both = list();
    let id = |n: usize| both[n]["id"].as_str().expect("an id").to_owned();
    let (newer, older) = (id(0), id(1));
    assert_eq!(
        (older.as_str(), &both[0]["current"]),
        (first[0]["id"].as_str().expect("an id"), &json!(true))
    );
    let told = bench.run(&["version", "diff", &older[..6], &newer, "--project", "kws"]);
    assert_eq!(String::from_utf8_lossy(&told.stdout), "-epochs = 5\n+epochs = 6\n", "{}", text(&told));

    let server = Server::start(&bench.path(""));
    let path = |more: &str| format!("/api/v1/projects/kws/versions{more}");
    let seen = server.get(&key, &path("")).ok(200);
    assert_eq!(seen["versions"][1]["id"], json!(older));
    assert_eq!(seen["versions"][1]["settings"]["epochs"], 5);
    let diff = server.get(&key, &path(&format!("/{older}/diff"))).ok(200);
    let added: Vec<_> =
        diff["lines"].as_array().expect("lines").iter().filter(|l| l["kind"] == "added").collect();
    assert_eq!(added, [&json!({"kind": "added", "text": "epochs = 6"})]);
    let read = || server.get(&key, "/api/v1/projects/kws/file").ok(200)["version"].clone();
    let restore_over = |id: &str, body: serde_json::Value| {
        server.json(&key, "POST", &path(&format!("/{id}/restore")), &body)
    };
    let restore = |id: &str| restore_over(id, json!({"version": read()}));
    assert_eq!(restore("nothing").code(), "not_found");
    // What was never trained is not lost unless somebody says so, and what was not read never is.
    let trained = std::fs::read_to_string(&file).expect("there");
    let seen = read();
    std::fs::write(&file, format!("{trained}# mine\n")).expect("written");
    assert_eq!(restore(&older).code(), "changed");
    assert_eq!(restore_over(&older, json!({"version": seen, "discard": true})).code(), "changed");
    let out = bench.run(&["version", "restore", &older, "--project", "kws"]);
    assert!(!out.status.success() && text(&out).contains("would be lost"), "{}", text(&out));
    assert!(std::fs::read_to_string(&file).expect("there").ends_with("# mine\n"));
    assert!(bench.run(&["version", "restore", &newer, "--project", "kws", "--discard"]).status.success());
    assert_eq!(std::fs::read_to_string(&file).expect("there"), trained);
    let back = restore(&older).ok(200);
    assert_eq!(back["text"], json!(before));
    assert_eq!(std::fs::read_to_string(&file).expect("there"), before);
    // Somebody at the machine may have named a file elsewhere; over the network nobody brings that back.
    bench.write("mine/low.1.wav", tone(300.0, 7));
    std::fs::write(&file, format!("{before}\n[[data]]\npath = '../mine'\nlabel_from = 'name'\n"))
        .expect("written");
    run("train");
    let named = list()[0]["id"].as_str().expect("an id").to_owned();
    std::fs::write(&file, &before).expect("written");
    let refused = restore(&named);
    assert_eq!((refused.status, refused.code().as_str()), (422, "project_file"));
    assert_eq!(std::fs::read_to_string(&file).expect("there"), before, "nothing was written");
    assert!(bench.run(&["version", "restore", &named, "--project", "kws"]).status.success());
    assert!(std::fs::read_to_string(&file).expect("there").contains("'../mine'"));
}

#[test]
fn a_version_keeps_the_program_of_a_custom_block() {
    let (bench, key) = workspace();
    for i in 0..10 {
        bench.write(&format!("in/low.{i}.wav"), tone(300.0 + 5.0 * f64::from(i), i as u64));
        bench.write(&format!("in/high.{i}.wav"), tone(1500.0 + 20.0 * f64::from(i), i as u64 + 100));
    }
    let one = "axes a\nfeature loud = rms(a)\nfeature low = min(a)\n";
    let two = format!("{one}feature top = max(a)\n");
    bench.write("kws/sound.ew", one);
    bench.write(
        "kws/edgewright.toml",
        "[[data]]\npath = '../in'\nlabel_from = 'name'\n[[impulse.dsp]]\nblock = 'custom'\nfile = 'sound.ew'\n[[impulse.learn]]\nkind = 'classifier'\n[training]\nepochs = 3\n",
    );
    let run = || {
        let out = bench.run(&["run", "kws", "--until", "train"]);
        assert!(out.status.success(), "{}", text(&out));
    };
    let list = || bench.json(&["version", "list", "kws", "--json"])["versions"].clone();
    run();
    bench.write("kws/sound.ew", &two);
    assert_eq!(list()[0]["current"], false, "the project file is the same, the program is not");
    run();
    let all = list();
    assert_eq!(all.as_array().map(Vec::len), Some(2), "{all}");
    let older = all[1]["id"].as_str().expect("an id").to_owned();
    assert!(all[1]["outcome"].get("programs").is_none(), "{all}");
    let told = bench.run(&["version", "diff", &older, "--project", "kws"]);
    assert_eq!(String::from_utf8_lossy(&told.stdout), "+feature top = max(a)\n", "{}", text(&told));
    let program = || std::fs::read_to_string(bench.path("kws/sound.ew")).expect("there");
    let out = bench.run(&["version", "restore", &older, "--project", "kws"]);
    assert!(out.status.success() && program() == one, "{}", text(&out));
    assert_eq!(list()[1]["current"], true);
    // Over the network as well.
    let newer = all[0]["id"].as_str().expect("an id");
    let server = Server::start(&bench.path(""));
    let restore = |discard: bool| {
        let version = server.get(&key, "/api/v1/projects/kws/file").ok(200)["version"].clone();
        let body = json!({"version": version, "discard": discard});
        server.json(&key, "POST", &format!("/api/v1/projects/kws/versions/{newer}/restore"), &body)
    };
    bench.write("kws/sound.ew", format!("{one}# mine\n"));
    assert_eq!(restore(false).code(), "changed", "a program that was never trained");
    restore(true).ok(200);
    assert_eq!(program(), two);
    assert_eq!(list()[0]["current"], true);
}
