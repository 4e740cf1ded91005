//! Writes one small file of every format, as a start for the fuzz targets.
//!
//! Usage, from the repository's root: `cargo run -p edgewright-sample --example fuzz_seeds -- fuzz/seeds`

#[path = "../tests/formats/build.rs"]
mod build;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let root = std::path::PathBuf::from(std::env::args().nth(1).ok_or("usage: fuzz_seeds FOLDER")?);
    for (folder, name, bytes) in build::samples() {
        std::fs::create_dir_all(root.join(folder))?;
        std::fs::write(root.join(folder).join(name), bytes)?;
    }
    Ok(())
}
