//! Gathers the files of `targets/`, so that a new board is one new file.

use std::{fmt::Write, fs, path::Path};

fn list(folder: &Path, name: &str, out: &mut String) {
    println!("cargo:rerun-if-changed={}", folder.display());
    let mut files: Vec<String> = fs::read_dir(folder)
        .unwrap_or_else(|e| panic!("{}: {e}", folder.display()))
        .flatten()
        .map(|e| e.file_name().to_string_lossy().into_owned())
        .filter(|n| n.ends_with(".toml"))
        .collect();
    files.sort();
    let _ = writeln!(out, "const {name}: &[(&str, &str)] = &[");
    for file in files {
        let path = folder.join(&file);
        println!("cargo:rerun-if-changed={}", path.display());
        let _ = writeln!(out, "    ({:?}, include_str!({:?})),", file.trim_end_matches(".toml"), path);
    }
    out.push_str("];\n");
}

fn main() {
    let targets = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../targets");
    let mut text = String::new();
    list(&targets.join("cores"), "CORES", &mut text);
    list(&targets.join("boards"), "BOARDS", &mut text);
    let out = std::env::var("OUT_DIR").unwrap_or_default();
    fs::write(Path::new(&out).join("targets.rs"), text).unwrap_or_else(|e| panic!("{out}: {e}"));
}
