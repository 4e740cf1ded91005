//! Who may do what: every operation of the OpenAPI document with every kind of caller, and what a project file may name.

mod common;
use common::http::{Server, create_key, workspace};
use serde_json::json;
use std::collections::BTreeMap;

/// What each operation needs. One that is not here fails the test: whoever adds it decides.
const NEEDS: &[(&str, &[&str])] = &[
    ("nothing", &["admit_phone", "health", "sign_in", "sign_in_with_token"]),
    (
        "read",
        &[
            "check_file",
            "classify",
            "compare_versions",
            "diff_impulse",
            "diff_version",
            "end_session",
            "explain_sample",
            "feature_map",
            "follow_job",
            "get_analysis",
            "get_analysis_file",
            "get_artifact",
            "get_file",
            "estimate",
            "get_job",
            "get_lifecycle",
            "get_agreement",
            "get_log",
            "get_model",
            "get_recording",
            "get_package",
            "get_project",
            "get_report",
            "get_results",
            "get_sample",
            "get_waveform",
            "list_all_jobs",
            "list_blocks",
            "list_devices",
            "list_findings",
            "list_impulses",
            "list_jobs",
            "list_keys",
            "list_models",
            "list_projects",
            "list_samples",
            "list_sessions",
            "list_outcomes",
            "list_own_blocks",
            "list_stages",
            "list_targets",
            "list_tools",
            "list_versions",
            "preview_augmentation",
            "preview_features",
            "preview_split",
            "propose_parts",
            "preview_table",
            "read_file",
            "run_block",
            "sample_history",
            "set_password",
            "sign_out",
            "summary",
            "trace_sample",
            "who",
        ],
    ),
    (
        "ingest",
        &["add_piece", "begin_upload", "finish_upload", "get_upload", "remove_upload", "upload_sample"],
    ),
    (
        "full",
        &[
            "ask_own_blocks",
            "cancel_job",
            "change_account",
            "create_hook",
            "create_key",
            "create_project",
            "cut_sample",
            "delete_hook",
            "delete_key",
            "delete_samples",
            "edit_samples",
            "import_model",
            "invite",
            "invite_again",
            "keep_model",
            "list_accounts",
            "list_hooks",
            "open_phone",
            "record_sample",
            "remove_account",
            "remove_device",
            "remove_impulse",
            "remove_model",
            "rename_device",
            "restore_version",
            "retry_job",
            "save_impulse",
            "start_job",
            "use_impulse",
            "write_file",
        ],
    ),
];
/// What a key of one project may do beside the operations of that project.
const OWN: [&str; 8] = [
    "who",
    "list_projects",
    "list_blocks",
    "run_block",
    "list_sessions",
    "end_session",
    "sign_out",
    "set_password",
];
/// Of what needs everything: what only an owner may do.
const OWNERS: [&str; 10] = [
    "change_account",
    "create_hook",
    "create_key",
    "delete_hook",
    "delete_key",
    "invite",
    "invite_again",
    "list_accounts",
    "list_hooks",
    "remove_account",
];

#[test]
fn who_may_do_what() {
    let (bench, full) = workspace();
    let read = create_key(&bench, &["--scope", "read"]);
    let ingest = create_key(&bench, &["--scope", "ingest"]);
    let ended = create_key(&bench, &["--days", "0"]);
    assert!(bench.run(&["new", "other", "--template", "empty"]).status.success());
    // A key made inside a project holds for that project.
    let other = create_key(&bench, &["other"]);
    let server = Server::start(&bench.path(""));
    let cookie = server.sign_in();
    let joined = |name: &str, role: &str| {
        let made = bench.json(&["account", "invite", name, "--role", role, "--json"]);
        let url = made["url"].as_str().expect("a link");
        let body = json!({"token": url.split_once("/join#").expect("a token").1}).to_string();
        let headers = [("content-type", "application/json")];
        let answer = server.send("POST", "/api/v1/session/token", &headers, body.as_bytes());
        let cookie = answer.header("set-cookie").expect("a session");
        cookie.split(';').next().expect("a pair").to_owned()
    };
    let (editor, viewer) = (joined("ed", "editor"), joined("vi", "viewer"));
    let mut needs: BTreeMap<&str, &str> =
        NEEDS.iter().flat_map(|(need, ids)| ids.iter().map(move |id| (*id, *need))).collect();
    for (method, path, id) in server.operations() {
        let need = needs.remove(id.as_str()).unwrap_or_else(|| panic!("say in NEEDS who may call `{id}`"));
        // Credentials come before anything else: the bodies are nonsense, the names are nobody's.
        let ask = |headers: &[(&str, &str)]| server.send(&method, &path, headers, b"{nonsense");
        if need == "nothing" {
            let status = ask(&[]).status;
            assert!(![401, 403].contains(&status) && status < 500, "{id}: {status}");
            continue;
        }
        for headers in [
            &[][..],
            &[("x-api-key", "ei_00")],
            &[("x-api-key", ended.as_str())],
            &[("authorization", "Bearer wrong")],
            &[("authorization", "Basic b3duZXI6cGFzc3dvcmQ=")],
            &[("cookie", "edgewright_4800=00")],
        ] {
            let answer = ask(headers);
            assert_eq!((answer.status, answer.code().as_str()), (401, "unauthenticated"), "{id} {headers:?}");
        }
        // A cookie travels with requests of any page; what it may change, only our own page asks for.
        let session = ("cookie", cookie.as_str());
        for foreign in [&[][..], &[("sec-fetch-site", "cross-site")], &[("origin", "http://127.0.0.1:1")]] {
            let answer = ask(&[&[session], foreign].concat());
            let stopped = answer.status == 403 && answer.code() == "csrf";
            assert_eq!(stopped, method != "GET", "{id} {foreign:?}: {}", answer.status);
        }
        let passes = |headers: &[(&str, &str)]| {
            let answer = ask(headers);
            assert!(answer.status < 500, "{id}: {}", answer.text());
            if answer.status >= 400 {
                answer.code();
            }
            assert_ne!(answer.status, 401, "{id}");
            answer.status != 403
        };
        if id != "sign_out" {
            let by = |cookie: &str| passes(&[("cookie", cookie), ("sec-fetch-site", "same-origin")]);
            assert!(by(&cookie), "{id} from our own page");
            assert_eq!(by(&editor), !OWNERS.contains(&id.as_str()), "{id} by an editor");
            assert_eq!(by(&viewer), need == "read", "{id} by a viewer");
        }
        assert!(passes(&[("authorization", &format!("Bearer {full}"))]), "{id} with a full key");
        assert_eq!(passes(&[("x-api-key", &read)]), need == "read", "{id} with a key that may read");
        assert_eq!(passes(&[("x-api-key", &ingest)]), need == "ingest", "{id} with a key that may add");
        let own = OWN.contains(&id.as_str());
        assert_eq!(passes(&[("x-api-key", &other)]), own, "{id} with the key of another project");
    }
    assert!(needs.is_empty(), "there are no such operations: {needs:?}");
    assert_eq!(server.get(&full, "/api/v1/nothing").code(), "not_found");
    assert_eq!(server.send("GET", "/api/v1/nothing", &[], b"").code(), "unauthenticated");
    assert_eq!(server.json(&full, "PUT", "/api/v1/projects", &json!({})).code(), "method_not_allowed");
    let seen = server.get(&other, "/api/v1/projects").ok(200);
    assert_eq!(seen["projects"].as_array().map(Vec::len), Some(1), "{seen}");
}

#[test]
fn a_phone_is_let_in_once_and_only_adds() {
    let (bench, full) = workspace();
    assert!(bench.run(&["new", "other", "--template", "empty"]).status.success());
    let server = Server::start(&bench.path(""));
    let link = server.json(&full, "POST", "/api/v1/projects/kws/phone", &json!({})).ok(201);
    let url = link["url"].as_str().expect("an address");
    let token = url.strip_prefix(&format!("http://{}/phone#", server.address)).expect("the token behind a #");
    assert!(link["hint"].as_str().is_some_and(|h| h.contains("this machine alone")), "{link}");
    assert!(link["qr"]["size"].as_u64().is_some_and(|s| s > 29), "{link}");
    let enter = |token: &str, site: &str| {
        let headers = [("content-type", "application/json"), ("sec-fetch-site", site)];
        server.send("POST", "/api/v1/phone", &headers, json!({"token": token}).to_string().as_bytes())
    };
    assert_eq!(enter("nothing", "same-origin").code(), "unauthenticated");
    assert_eq!(enter(token, "cross-site").code(), "csrf");
    let admitted = enter(token, "same-origin").ok(200);
    assert_eq!(enter(token, "same-origin").code(), "unauthenticated");
    assert_eq!(admitted["project"], "kws");
    let key = admitted["key"].as_str().expect("a key");
    let add = |project: &str| {
        let path = format!("/api/v1/projects/{project}/samples?name=shake.1.wav&label=shake");
        server.send("POST", &path, &[("x-api-key", key)], &common::tone(300.0, 1))
    };
    assert_eq!(add("kws").ok(200)["imported"], 1);
    assert_eq!(add("other").code(), "forbidden");
    for path in ["/api/v1/projects/kws", "/api/v1/projects/kws/samples", "/api/v1/keys", "/api/v1/session"] {
        assert_eq!(server.get(key, path).code(), "forbidden", "{path}");
    }
    assert_eq!(server.json(key, "POST", "/api/v1/projects/kws/phone", &json!({})).code(), "forbidden");
}

#[test]
fn a_full_key_reads_no_file_outside_the_project() {
    let (bench, key) = workspace();
    // Somebody at the machine may name what they like, and the Studio saves their file again.
    let path = bench.path("kws/edgewright.toml");
    let text = std::fs::read_to_string(&path).expect("there") + "\n[[data]]\npath = '../mine'\n";
    std::fs::write(&path, &text).expect("written");
    for file in ["mine/low.1.wav", "secret/high.1.wav", "shared/high.2.wav", "kws/recordings/high.3.wav"] {
        bench.write(file, common::tone(400.0, 1));
    }
    let server = Server::start_with(&bench.path(""), &["--data-root", "shared"]);
    let put = |more: &str| {
        let body = json!({"text": format!("{text}{more}")});
        server.json(&key, "PUT", "/api/v1/projects/kws/file", &body)
    };
    put("# the same\n").ok(200);
    put("[[data]]\npath = 'recordings'\n").ok(200);
    put("[[data]]\npath = '../shared'\n").ok(200);
    let secret = bench.path("secret").display().to_string();
    for named in [
        "[[data]]\npath = '../secret'".to_owned(),
        "[[data]]\npath = '../secret/high.1.wav'".to_owned(),
        "[[data]]\npath = 'recordings/../../secret'".to_owned(),
        format!("[[data]]\npath = {secret:?}"),
        "[[data]]\npath = '/etc/passwd'".to_owned(),
        "[[data]]\npath = '../.edgewright/server'".to_owned(),
        "[[data]]\npath = '.edgewright'".to_owned(),
        "[[impulse.learn]]\nkind = 'classifier'\nfile = '../secret/model.tflite'".to_owned(),
    ] {
        let answer = put(&named);
        assert!(answer.text().contains("is not a file of this project"), "{named}: {}", answer.text());
        assert_eq!((answer.status, answer.code().as_str()), (422, "project_file"), "{named}");
    }
    assert!(std::fs::read_to_string(&path).expect("there").ends_with("'../shared'\n"), "nothing was written");
}
