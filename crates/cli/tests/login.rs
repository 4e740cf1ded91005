//! Signing in with a password as the command line tools of Edge Impulse do, and the key that they ask for then.

mod common;
use common::http::{Server, create_key, workspace};
use serde_json::json;

#[test]
fn a_tool_signs_in_and_gets_a_key() {
    let (bench, full) = workspace();
    let own = create_key(&bench, &["kws"]);
    assert!(bench.run(&["new", "other", "--template", "empty"]).status.success());
    let server = Server::start(&bench.path(""));
    let asks =
        |name: &str| server.send("GET", &format!("/v1/api-user-need-to-set-password/{name}"), &[], b"");
    let login = |name: &str, password: &str| {
        let body = json!({"username": name, "password": password}).to_string();
        server.send("POST", "/v1/api-login", &[("content-type", "application/json")], body.as_bytes())
    };
    assert_eq!(asks("owner").ok(200)["needPassword"], true);
    assert_eq!(login("owner", "").status, 401, "there is none that is empty");
    let cookie = server.sign_in();
    let password = json!({"password": "correct horse battery"}).to_string();
    let headers = [
        ("cookie", cookie.as_str()),
        ("sec-fetch-site", "same-origin"),
        ("content-type", "application/json"),
    ];
    server.send("PUT", "/api/v1/session/password", &headers, password.as_bytes()).ok(204);
    assert_eq!(asks("Owner").ok(200)["needPassword"], false);
    // Who has no account, has one without a password or with one: the answers are alike.
    assert_eq!(asks("someone%40else").ok(200)["needPassword"], false);
    let invited = json!({"name": "ada", "role": "viewer"}).to_string();
    server.send("POST", "/api/v1/accounts", &headers, invited.as_bytes()).ok(201);
    assert_eq!(asks("ada").ok(200)["needPassword"], false);
    let wrong = login("owner", "wrong horse battery");
    assert_eq!(wrong.status, 401, "{}", wrong.text());
    for name in ["root", "ada"] {
        let other = login(name, "correct horse battery");
        assert_eq!((other.status, other.text()), (401, wrong.text()), "{name}");
    }
    // A page from elsewhere can send text, and nothing that is read here.
    let body = json!({"username": "owner", "password": "correct horse battery"}).to_string();
    assert_eq!(
        server.send("POST", "/v1/api-login", &[("content-type", "text/plain")], body.as_bytes()).status,
        415
    );
    let token =
        login("owner", "correct horse battery").ok(200)["token"].as_str().expect("a token").to_owned();
    let jwt = [("x-jwt-token", token.as_str())];
    let listed = server.send("GET", "/v1/api/projects", &jwt, b"").ok(200);
    assert_eq!(listed["projects"].as_array().map(Vec::len), Some(2));
    let user = server.send("GET", "/v1/api/user", &jwt, b"").ok(200);
    assert_eq!(user["organizations"][0]["isDeveloperProfile"], true);
    // As a cookie it is nothing.
    let cookie = format!("jwt={token}");
    assert_eq!(server.send("GET", "/v1/api/projects", &[("cookie", &cookie)], b"").status, 401);
    let project =
        listed["projects"].as_array().expect("a list").iter().find(|p| p["name"] == "kws").expect("there");
    let keys = format!("/v1/api/{}/apikeys", project["id"]);
    let wanted = |role: &str| {
        json!({"name": "Edge Impulse CLI (bench)", "role": role, "isDevelopmentKey": false}).to_string()
    };
    let made = server.send("POST", &keys, &jwt, wanted("ingestion_deployment").as_bytes()).ok(200);
    assert!(made["id"].as_u64().is_some_and(|n| n > 0), "{made}");
    let key = made["apiKey"].as_str().expect("a key").to_owned();
    // It is for one project, and adds samples alone.
    assert_eq!(server.get(&key, "/v1/api/projects").ok(200)["projects"].as_array().map(Vec::len), Some(1));
    assert_eq!(server.get(&key, &format!("/v1/api/{}/raw-data", project["id"])).status, 403);
    for (role, status) in [("readonly", 200), ("admin", 200), ("boss", 400)] {
        assert_eq!(server.send("POST", &keys, &jwt, wanted(role).as_bytes()).status, status, "{role}");
    }
    // Who may: somebody who may do everything, everywhere.
    let with =
        |key: &str| server.send("POST", &keys, &[("x-api-key", key)], wanted("admin").as_bytes()).status;
    assert_eq!((with(&full), with(&own), with(&key), with("ei_00")), (200, 403, 403, 401));
    // Guessing ends soon, that of names as well.
    let seen: Vec<u16> = (0..12).map(|n| login(&format!("guess{n}"), "guess guess guess").status).collect();
    assert_eq!(seen.last(), Some(&429), "{seen:?}");
}
