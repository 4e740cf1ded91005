//! Hashes of the code that each stage runs: a stage is built again when its code has changed.

use std::path::{Path, PathBuf};

/// FNV-1a, 64 bits: enough to tell versions of source text apart, and needs no dependency.
struct Fnv(u64);

impl Fnv {
    fn add(&mut self, bytes: &[u8]) {
        for b in bytes {
            self.0 = (self.0 ^ u64::from(*b)).wrapping_mul(0x0000_0100_0000_01b3);
        }
    }
}

fn files(path: &Path, out: &mut Vec<PathBuf>) {
    if path.is_file() {
        out.push(path.to_path_buf());
    } else if let Ok(entries) = std::fs::read_dir(path) {
        for entry in entries.flatten() {
            files(&entry.path(), out);
        }
    }
}

fn main() {
    let stages: &[(&str, &[&str])] = include!("stage_code.rs");
    let mut table = String::from("&[\n");
    for (stage, paths) in stages {
        let mut hash = Fnv(0xcbf2_9ce4_8422_2325);
        for path in *paths {
            println!("cargo:rerun-if-changed={path}");
            let mut all = Vec::new();
            files(Path::new(path), &mut all);
            all.sort();
            assert!(!all.is_empty(), "{path} holds no file");
            for file in all {
                hash.add(file.to_string_lossy().replace('\\', "/").as_bytes());
                hash.add(&std::fs::read(&file).unwrap_or_default());
            }
        }
        table.push_str(&format!("    ({stage:?}, {:?}),\n", format!("{:016x}", hash.0)));
    }
    table.push(']');
    let out = std::env::var("OUT_DIR").unwrap_or_default();
    if let Err(e) = std::fs::write(Path::new(&out).join("code.rs"), table) {
        panic!("{out}/code.rs: {e}");
    }
    println!("cargo:rerun-if-changed=build.rs");
    println!("cargo:rerun-if-changed=stage_code.rs");
}
