//! Puts the Studio into the program: builds `studio/` with npm and Vite below `OUT_DIR` and writes a table of its files.
//!
//! Three ways around: `STUDIO_DIST=FOLDER` takes a Studio that was built elsewhere, `STUDIO_DIST=off` leaves it out, and where Node.js or the
//! npm packages cannot be had (offline, first build) the program is built without it, with a warning here and a line in `serve`.
#![allow(clippy::print_stdout, reason = "cargo reads the stdout of build scripts")]

use std::{
    fmt::Write,
    fs,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

/// Oldest Node.js that Vite runs on.
const NODE: (u32, u32) = (20, 19);
/// What the Studio is built from.
const SOURCES: &[&str] =
    &["index.html", "package.json", "package-lock.json", "vite.config.ts", "tsconfig.json", "public", "src"];

fn main() {
    let out = PathBuf::from(std::env::var_os("OUT_DIR").expect("cargo sets OUT_DIR"));
    let manifest =
        PathBuf::from(std::env::var_os("CARGO_MANIFEST_DIR").expect("cargo sets CARGO_MANIFEST_DIR"));
    let studio = manifest.join("../../studio");
    println!("cargo:rerun-if-env-changed=STUDIO_DIST");
    for source in SOURCES.iter().map(|s| studio.join(s)).chain([manifest.join("build.rs")]) {
        println!("cargo:rerun-if-changed={}", source.display());
    }
    let dist = match std::env::var("STUDIO_DIST").ok().filter(|v| !v.is_empty()) {
        Some(off) if off == "off" => Err("STUDIO_DIST was `off`".to_owned()),
        Some(folder) => Ok(PathBuf::from(folder)),
        None => build(&studio, &out),
    };
    let (table, missing) = match &dist {
        Ok(dist) => (table(dist), String::new()),
        Err(why) => {
            println!("cargo:warning=the Studio is left out of this program: {why}");
            // Tried again at the next build: this file never exists.
            println!("cargo:rerun-if-changed={}", out.join("try-again").display());
            ("&[]".to_owned(), why.clone())
        }
    };
    fs::write(out.join("studio.rs"), table).expect("OUT_DIR can be written");
    println!("cargo:rustc-env=EDGEWRIGHT_STUDIO_MISSING={missing}");
}

/// Builds the Studio. The error says what is missing on this machine; a Studio that does not build is a bug and panics.
fn build(studio: &Path, out: &Path) -> Result<PathBuf, String> {
    let wanted = format!("Node.js {}.{} or newer with npm", NODE.0, NODE.1);
    let version = said(Command::new("node").arg("--version"))
        .ok_or_else(|| format!("`node` is not there; install {wanted} and build again"))?;
    let mut parts = version.trim().trim_start_matches('v').split('.').map(|p| p.parse::<u32>().unwrap_or(0));
    if (parts.next().unwrap_or(0), parts.next().unwrap_or(0)) < NODE {
        return Err(format!("Node.js is {}; install {wanted} and build again", version.trim()));
    }
    let place = out.join("studio");
    for source in SOURCES {
        copy(&studio.join(source), &place.join(source));
    }
    let lock =
        fs::read_to_string(studio.join("package-lock.json")).expect("studio/package-lock.json is there");
    let installed = place.join("node_modules").join(".lock");
    if !fs::read_to_string(&installed).is_ok_and(|there| there == lock) {
        let mut npm = Command::new("npm");
        npm.args(["ci", "--omit=dev", "--ignore-scripts", "--no-audit", "--no-fund", "--prefer-offline"])
            .current_dir(&place);
        run(&mut npm).map_err(|words| {
            format!("npm cannot install its packages ({words}); build again with network")
        })?;
        fs::write(&installed, lock).expect("OUT_DIR can be written");
    }
    let dist = out.join("dist");
    let mut vite = Command::new("node");
    vite.arg("node_modules/vite/bin/vite.js")
        .args(["build", "--emptyOutDir", "--outDir"])
        .arg(&dist)
        .current_dir(&place);
    if let Err(words) = run(&mut vite) {
        panic!("the Studio does not build: {words}");
    }
    Ok(dist)
}

fn said(command: &mut Command) -> Option<String> {
    let out = command.stdin(Stdio::null()).output().ok()?;
    out.status.success().then(|| String::from_utf8_lossy(&out.stdout).into_owned())
}

fn run(command: &mut Command) -> Result<(), String> {
    let out = command.stdin(Stdio::null()).output().map_err(|e| e.to_string())?;
    if out.status.success() {
        return Ok(());
    }
    let words = String::from_utf8_lossy(&out.stderr).into_owned() + &String::from_utf8_lossy(&out.stdout);
    let lines: Vec<&str> = words.lines().map(str::trim).filter(|l| !l.is_empty()).take(6).collect();
    Err(lines.join(" / "))
}

/// Copies a file or a folder; what is no longer in the folder goes away.
fn copy(from: &Path, to: &Path) {
    if from.is_dir() {
        if to.is_dir() {
            fs::remove_dir_all(to).expect("OUT_DIR can be written");
        }
        for entry in fs::read_dir(from).expect("studio can be read").flatten() {
            copy(&entry.path(), &to.join(entry.file_name()));
        }
        return;
    }
    fs::create_dir_all(to.parent().expect("a file has a folder")).expect("OUT_DIR can be written");
    fs::copy(from, to).unwrap_or_else(|e| panic!("{}: {e}", from.display()));
}

/// The files of a built Studio as Rust source.
fn table(dist: &Path) -> String {
    let mut files = Vec::new();
    let mut folders = vec![dist.to_path_buf()];
    while let Some(folder) = folders.pop() {
        let entries = fs::read_dir(&folder).unwrap_or_else(|e| panic!("{}: {e}", folder.display()));
        for path in entries.flatten().map(|e| e.path()) {
            if path.is_dir() { folders.push(path) } else { files.push(path) }
        }
    }
    files.sort();
    let mut out = String::from("&[\n");
    for path in &files {
        let name = path.strip_prefix(dist).expect("below it").to_string_lossy().replace('\\', "/");
        let kind = match path.extension().and_then(|e| e.to_str()).unwrap_or_default() {
            "html" => "text/html; charset=utf-8",
            "js" => "text/javascript; charset=utf-8",
            "css" => "text/css; charset=utf-8",
            "svg" => "image/svg+xml",
            "wasm" => "application/wasm",
            "woff2" => "font/woff2",
            _ => "application/octet-stream",
        };
        let whole = fs::canonicalize(path).expect("it was just listed");
        // Writing to a String cannot fail.
        let _ = writeln!(out, "    ({name:?}, {kind:?}, include_bytes!({:?})),", whole.display().to_string());
    }
    assert!(files.iter().any(|f| f.ends_with("index.html")), "{} holds no index.html", dist.display());
    out + "]"
}
