//! What every package brings beside its code: terms, a manifest, a bill of materials, the report of the proof, hashes.

use crate::{
    Library, VERSION,
    text::{json, sha256},
};
use edgewright_compile::{FileTree, target::Proof};
use std::fmt::Write;

/// How far a kind of package was proven where this program is tested, beyond the proof of its code on the target.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Kind {
    /// Name, as in `--package`.
    pub name: &'static str,
    /// Of the package as a whole.
    pub proof: Proof,
    /// With what.
    pub words: &'static str,
}

/// Why one word is not enough: said in each manifest.
const HOST: &str = "built and run in our tests with the host's C compiler";
const ADAPTER: &str =
    "built and run in our tests with the host's C and C++ compilers, and built for a Cortex-M4F";
const STAND_IN: &str = "its example was compiled against stand-ins of the kit's headers, not with the kit";
const PROJECT: &str =
    "the C was compiled in strict ISO mode; the project files were checked as files, not opened by the tool";

/// Kinds of packages.
pub const KINDS: &[Kind] = &[
    Kind { name: "c", proof: Proof::Executed, words: HOST },
    Kind { name: "cmake", proof: Proof::Executed, words: HOST },
    Kind { name: "cpp", proof: Proof::Executed, words: ADAPTER },
    Kind { name: "arduino", proof: Proof::Compiled, words: STAND_IN },
    Kind { name: "cmsis-pack", proof: Proof::Compiled, words: PROJECT },
    Kind { name: "cube-mx", proof: Proof::Compiled, words: PROJECT },
    Kind { name: "keil", proof: Proof::Compiled, words: PROJECT },
    Kind { name: "iar", proof: Proof::Compiled, words: PROJECT },
    Kind { name: "zephyr", proof: Proof::Compiled, words: STAND_IN },
    Kind { name: "esp-idf", proof: Proof::Compiled, words: STAND_IN },
    Kind { name: "pico-sdk", proof: Proof::Compiled, words: STAND_IN },
    Kind { name: "particle", proof: Proof::Compiled, words: STAND_IN },
    Kind {
        name: "android",
        proof: Proof::Compiled,
        words: "the JNI functions were compiled and called on the host with a stand-in of jni.h; the Kotlin was not compiled",
    },
    Kind {
        name: "openmv",
        proof: Proof::Source,
        words: "the network was read back and computes the same; the script ran on no camera",
    },
    Kind {
        name: "rust",
        proof: Proof::Executed,
        words: "built and run in our tests on the host, not on a device",
    },
    Kind { name: "custom", proof: Proof::Executed, words: HOST },
    EIM,
    SERVER,
    OCI,
    WASM,
];

pub(crate) const EIM: Kind = Kind { name: "eim", proof: Proof::Executed, words: HOST };
pub(crate) const SERVER: Kind =
    Kind { name: "server", proof: Proof::Executed, words: "built, run and asked over HTTP in our tests" };
pub(crate) const OCI: Kind = Kind {
    name: "oci",
    proof: Proof::Executed,
    words: "its layout was read by skopeo, unpacked by umoci and its program run from there in our tests, not in a container",
};
pub(crate) const WASM: Kind =
    Kind { name: "wasm", proof: Proof::Executed, words: "run in Node.js in our tests" };

/// A kind by its name.
pub(crate) fn kind(name: &str) -> Option<&'static Kind> {
    KINDS.iter().find(|k| k.name == name)
}

/// As manifests say it.
fn class(proof: Proof) -> &'static str {
    match proof {
        Proof::Executed => "executed",
        Proof::Compiled => "compiled",
        Proof::Source => "source only",
    }
}

/// `edgewright-manifest.json`.
pub(crate) fn manifest(library: &Library<'_>, kind: &Kind, selftest: Option<&str>) -> String {
    let (about, impulse) = (library.about, library.impulse);
    let sources: Vec<String> = library
        .files
        .iter()
        .filter(|(path, _)| path.ends_with(".c") || path.ends_with(".h"))
        .map(|(path, bytes)| format!("{}: \"{}\"", json(path), sha256(bytes)))
        .collect();
    let quoted = |text: Option<&str>| text.map_or("null".to_owned(), json);
    format!(
        r#"{{
  "version": 1,
  "name": {},
  "package": {},
  "package_version": {},
  "generator": {},
  "vendor": {},
  "url": {},
  "licence": {},
  "target": {{"id": {}, "isa": {}}},
  "impulse": {{"name": {}, "window_len": {}, "features": {}, "rate_hz": {}}},
  "sources": {{{}}},
  "selftest": {},
  "proof": {{
    "code": "{}",
    "package": "{}",
    "words": {},
    "report": {}
  }}
}}
"#,
        json(library.prefix),
        json(kind.name),
        json(VERSION),
        json(&format!("edgewright {VERSION}")),
        json(&about.vendor),
        json(&about.page(library.prefix)),
        json(&about.licence),
        json(&library.target.id),
        json(&library.target.isa),
        json(&impulse.name),
        impulse.window.values(),
        impulse.features(),
        impulse.window.rate_hz,
        sources.join(", "),
        quoted(selftest),
        class(library.target.proof),
        class(kind.proof),
        json(kind.words),
        quoted(library.proof.map(|_| "proof.json")),
    )
}

/// A bill of materials in the JSON of CycloneDX 1.5: the model, the runtime code in it, every file with its hash.
fn materials(library: &Library<'_>, tree: &FileTree, root: &str) -> String {
    let about = library.about;
    let terms = |licence: &str| {
        if licence.contains(' ') {
            format!("[{{\"expression\": {}}}]", json(licence))
        } else if licence.starts_with("LicenseRef-") || library.about.text.is_some() {
            format!("[{{\"license\": {{\"name\": {}}}}}]", json(licence))
        } else {
            format!("[{{\"license\": {{\"id\": {}}}}}]", json(licence))
        }
    };
    let mut files = String::new();
    let mut whole = String::new();
    for (path, bytes) in tree {
        let hash = sha256(bytes);
        let path = &path[root.len()..];
        let _ = write!(
            files,
            ",\n    {{\"type\": \"file\", \"bom-ref\": {0}, \"name\": {0}, \"hashes\": [{{\"alg\": \"SHA-256\", \"content\": \"{hash}\"}}]}}",
            json(path)
        );
        let _ = writeln!(whole, "{hash}  {path}");
    }
    // A number of what is in it, in the form of a UUID whose bits are chosen by the maker (version 8).
    let h = sha256(whole.as_bytes());
    let serial = format!("{}-{}-8{}-8{}-{}", &h[..8], &h[8..12], &h[12..15], &h[15..18], &h[18..30]);
    format!(
        r#"{{
  "bomFormat": "CycloneDX",
  "specVersion": "1.5",
  "serialNumber": "urn:uuid:{serial}",
  "version": 1,
  "metadata": {{
    "tools": {{"components": [{{"type": "application", "name": "edgewright", "version": {version}}}]}},
    "component": {{"type": "library", "bom-ref": "package", "name": {name}, "version": {version}, "supplier": {{"name": {vendor}}}, "licenses": {licence}}}
  }},
  "components": [
    {{"type": "machine-learning-model", "bom-ref": "model", "name": {impulse}, "version": {version}, "licenses": {licence}}},
    {{"type": "library", "bom-ref": "runtime", "name": "edgewright-runtime", "version": {version}, "licenses": [{{"expression": "MIT OR Apache-2.0"}}]}}{files}
  ],
  "dependencies": [{{"ref": "package", "dependsOn": ["model", "runtime"]}}]
}}
"#,
        version = json(VERSION),
        name = json(library.prefix),
        vendor = json(&about.vendor),
        licence = terms(&about.licence),
        impulse = json(&library.impulse.name),
    )
}

/// With terms, manifest, bill of materials, proof, self-test and hashes; below the only folder when all files lie in one.
pub(crate) fn sealed(library: &Library<'_>, kind: &Kind, mut tree: FileTree) -> FileTree {
    let folder = tree.keys().next().and_then(|k| k.split_once('/')).map(|(f, _)| format!("{f}/"));
    let root = folder.filter(|f| tree.keys().all(|k| k.starts_with(f.as_str()))).unwrap_or_default();
    let mut put = |path: &str, text: String| tree.insert(format!("{root}{path}"), text.into_bytes());
    // Where a kit compiles whatever it finds, what it shall not find lies in a folder that it leaves out.
    let (place, test) = match kind.name {
        "wasm" => ("selftest.js", crate::selftest::javascript(library)),
        // The script computes with the camera's interpreter; the programs have the test in them.
        "openmv" | "server" | "oci" => ("", None),
        "rust" => ("tests/selftest.rs", crate::selftest::rust(library)),
        "arduino" | "particle" => ("extras/selftest/selftest.c", crate::selftest::c(library)),
        _ => ("selftest/selftest.c", crate::selftest::c(library)),
    };
    let place = test.map(|text| {
        put(place, text);
        place
    });
    let within = ["server", "oci"].contains(&kind.name).then_some("--self-test");
    let within = within.filter(|_| crate::selftest::c(library).is_some());
    put("edgewright-manifest.json", manifest(library, kind, place.or(within)));
    if let Some(proof) = library.proof {
        put("proof.json", proof.to_owned());
    }
    for (path, text) in library.about.files() {
        put(path, text);
    }
    let bill = materials(library, &tree, &root);
    tree.insert(format!("{root}sbom.cdx.json"), bill.into_bytes());
    let sums: String =
        tree.iter().map(|(path, bytes)| format!("{}  {}\n", sha256(bytes), &path[root.len()..])).collect();
    tree.insert(format!("{root}SHA256SUMS"), sums.into_bytes());
    tree
}
