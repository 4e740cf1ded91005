//! Linux programs: one that speaks the protocol of runners over a socket (`eim`), one that answers over HTTP (`server`).

use crate::{
    Library, VERSION,
    facts::{DETECTION_ID, facts, parameters, project},
    native::Sources,
    seal, selftest,
    text::{json, literal},
};
use edgewright_compile::FileTree;

macro_rules! runtime {
    ($($name:literal),*) => {
        &[$(($name, include_bytes!(concat!("../../../runtime/c/linux/", $name)))),*]
    };
}

const EIM: &[(&str, &[u8])] = runtime!("ew_eim.c", "ew_json.h", "ew_model.h", "ew_reply.h");
const SERVER: &[(&str, &[u8])] =
    runtime!("ew_server.c", "ew_http.h", "ew_json.h", "ew_model.h", "ew_reply.h");

/// Sources of a Linux executable that serves an impulse over a socket.
pub fn eim(library: &Library<'_>) -> Sources {
    program(library, &seal::EIM, EIM)
}

/// Sources of a Linux executable that serves an impulse over HTTP.
pub fn server(library: &Library<'_>) -> Sources {
    program(library, &seal::SERVER, SERVER)
}

/// The package around a server that was built.
pub fn server_package(library: &Library<'_>, program: Vec<u8>) -> FileTree {
    let name = format!("{}-server", library.prefix);
    let tree = FileTree::from([
        ("README.md".into(), page(library, &format!("./{name} --listen 127.0.0.1:1337")).into_bytes()),
        (name, program),
    ]);
    seal::sealed(library, &seal::SERVER, tree)
}

/// How to start a server and ask it.
pub(crate) fn page(library: &Library<'_>, start: &str) -> String {
    let inputs = facts(library).inputs;
    format!(
        r#"# {p}: classification over HTTP

```sh
{start}
curl -s http://127.0.0.1:1337/api/info
curl -s http://127.0.0.1:1337/api/features -H 'Content-Type: application/json' -d '{{"features": [...]}}'
curl -s http://127.0.0.1:1337/api/features -H 'Content-Type: application/octet-stream' --data-binary @window.f32
```

| request | body | reply |
|---|---|---|
| `GET /health` | | `{{"status":"ok"}}` |
| `GET /api/info` | | project, labels, input size, versions, limits |
| `POST /api/features` | {inputs} raw values: JSON, or 32-bit floats, little-endian | scores and times in milliseconds |

Scores have nine significant digits: read as single precision they are the bits that were computed. Each window stands
for itself. What is wrong is answered with a status of 4xx and `{{"success":false,"error":"..."}}`. The program is one
file without dependencies; it opens no file, takes 64 connections at a time, requests of limited size, and 30 s for
each. There is no encryption and no sign-in: put a proxy that has both in front of it where strangers reach it.
`--self-test` compares its results with those of the reference, bit for bit; `--print-manifest`, `--print-proof` and
`--print-licence` say what it is.
"#,
        p = library.prefix
    )
}

/// A program of the runtime around the library, with the self-test and all that is told of it.
fn program(library: &Library<'_>, kind: &seal::Kind, runtime: &[(&str, &[u8])]) -> Sources {
    let p = library.prefix;
    let u = p.to_uppercase();
    let f = facts(library);
    let mut labels: Vec<String> = f.labels.iter().map(|l| literal(&json(l))).collect();
    if labels.is_empty() {
        labels.push("\"\"".into());
    }
    let anomaly = f.anomaly_at.map_or("-1".to_owned(), |a| a.to_string());
    let boxes = f.detector.as_ref().map_or(String::new(), |(at, d)| {
        format!(
            "#define EW_MODEL_BOX_MAX {u}_BOX_MAX\n#define EW_MODEL_BOX {p}_box\n#define EW_MODEL_DECODE {p}_decode\n#define EW_MODEL_CELLS_AT {at}\n#define EW_MODEL_BOX_THRESHOLD {:?}f\n#define EW_MODEL_BOX_THRESHOLD_ID {DETECTION_ID}\n",
            d.threshold
        )
    });
    let test = selftest::c(library);
    let told = seal::manifest(library, kind, test.is_some().then_some("--self-test"));
    let [(_, terms), (_, mit), (_, apache)] = library.about.files();
    let texts = format!(
        "#define EW_MODEL_MANIFEST {}\n#define EW_MODEL_PROOF {}\n#define EW_MODEL_LICENCE {}\n{}",
        literal(&told),
        literal(library.proof.unwrap_or("null\n")),
        literal(&format!("{terms}\n----\n\n{mit}\n----\n\n{apache}")),
        if test.is_some() {
            format!("#define EW_MODEL_SELFTEST {p}_selftest\nint {p}_selftest(void);\n")
        } else {
            String::new()
        },
    );
    let config = format!(
        "#include \"{p}.h\"\n{texts}#define EW_MODEL_GENERATOR \"edgewright {VERSION}\"\n#define EW_MODEL_ARENA_SIZE {u}_ARENA_SIZE\n#define EW_MODEL_WINDOW_LEN {u}_WINDOW_LEN\n#define EW_MODEL_FEATURE_COUNT {u}_FEATURE_COUNT\n#define EW_MODEL_OUTPUT_COUNT {u}_OUTPUT_COUNT\n#define EW_MODEL_HANDLE {p}_t\n#define EW_MODEL_SIGNAL {p}_signal\n#define EW_MODEL_SIGNAL_F32 {p}_signal_f32\n#define EW_MODEL_INIT {p}_init\n#define EW_MODEL_EXTRACT {p}_extract\n#define EW_MODEL_INVOKE {p}_invoke\n#define EW_MODEL_INPUT_COUNT {}\n#define EW_MODEL_SLICE_SIZE {}\n#define EW_MODEL_CHANNELS {}\n#define EW_MODEL_LABEL_COUNT {}\n#define EW_MODEL_LABELS_AT {}\n#define EW_MODEL_ANOMALY_AT ({anomaly})\n{boxes}#define EW_MODEL_LABELS {{{}}}\n#define EW_MODEL_PROJECT {}\n#define EW_MODEL_PARAMETERS {}\n",
        f.inputs,
        f.slice,
        f.image.map_or(0, |i| i[2]),
        f.labels.len(),
        f.labels_at,
        labels.join(", "),
        // Text of a format: a per cent sign would begin a conversion.
        literal(&project(library).replace('%', "%%")),
        literal(&parameters(&f).replace('%', "%%")),
    );
    let mut files = library.files.clone();
    files.insert("ew_model_config.h".into(), config.into_bytes());
    for (name, bytes) in runtime {
        files.insert((*name).into(), bytes.to_vec());
    }
    let mut compile = vec![runtime[0].0.to_owned(), format!("{p}.c")];
    if let Some(test) = test {
        files.insert("ew_selftest.c".into(), format!("#define EW_SELFTEST_NO_MAIN\n{test}").into_bytes());
        compile.push("ew_selftest.c".into());
    }
    Sources { files, compile }
}
