//! Where things lie.

use crate::process::{captured, command, run};
use anyhow::{Context, Result};
use serde_json::Value;
use std::{
    cell::OnceCell,
    path::{Path, PathBuf},
    process::Command,
};

/// The checkout that xtask was started in.
pub struct Workspace {
    /// Folder of the root `Cargo.toml`.
    pub root: PathBuf,
    metadata: OnceCell<Value>,
}

impl Workspace {
    /// Looks for the workspace from the current folder upwards.
    pub fn find() -> Result<Self> {
        let here = std::env::current_dir().context("the current folder cannot be read")?;
        here.ancestors()
            .find(|dir| dir.join("xtask").join("arrows.toml").is_file())
            .map(|dir| Self { root: dir.to_path_buf(), metadata: OnceCell::new() })
            .with_context(|| format!("no workspace at or above {}", here.display()))
    }

    /// `cargo` in the root folder.
    pub fn cargo<'a>(&self, args: impl IntoIterator<Item = &'a str>) -> Command {
        command(&self.root, std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()), args)
    }

    /// `cargo metadata` of the workspace's own packages.
    pub fn metadata(&self) -> Result<&Value> {
        if let Some(there) = self.metadata.get() {
            return Ok(there);
        }
        let text = captured(&mut self.cargo(["metadata", "--format-version", "1", "--no-deps", "--locked"]))?;
        let value = serde_json::from_str(&text).context("cargo metadata printed no JSON")?;
        Ok(self.metadata.get_or_init(|| value))
    }

    /// Where cargo builds.
    pub fn target(&self) -> Result<PathBuf> {
        let dir = self.metadata()?["target_directory"]
            .as_str()
            .context("cargo metadata names no target directory")?;
        Ok(PathBuf::from(dir))
    }

    /// An empty folder below the build folder for one purpose. It is left there, to be looked at.
    pub fn scratch(&self, name: &str) -> Result<PathBuf> {
        let dir = self.target()?.join("xtask").join(name);
        match std::fs::remove_dir_all(&dir) {
            Err(e) if e.kind() != std::io::ErrorKind::NotFound => {
                return Err(e).with_context(|| format!("cannot empty {}", dir.display()));
            }
            _ => std::fs::create_dir_all(&dir).with_context(|| format!("cannot make {}", dir.display()))?,
        }
        Ok(dir)
    }

    /// Builds the product as its users do and returns the path of the binary.
    pub fn release_binary(&self) -> Result<PathBuf> {
        run(&mut self.cargo(["build", "--release", "--locked", "--quiet"]))?;
        Ok(self.target()?.join("release").join("edgewright"))
    }

    /// The folder of data sets beside the checkout, when there is one.
    pub fn shared_data(&self) -> Option<PathBuf> {
        let dir = self.root.parent()?.join("shared").join("data");
        dir.is_dir().then_some(dir)
    }

    /// The path below the root, for people.
    pub fn below<'a>(&self, path: &'a Path) -> &'a Path {
        path.strip_prefix(&self.root).unwrap_or(path)
    }
}

/// The text of a file, with its name in the error.
pub fn read(path: &Path) -> Result<String> {
    std::fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))
}

/// Writes a file and the folders above it.
pub fn write(path: &Path, bytes: impl AsRef<[u8]>) -> Result<()> {
    if let Some(parent) = path.parent() {
        std::fs::create_dir_all(parent).with_context(|| format!("cannot make {}", parent.display()))?;
    }
    std::fs::write(path, bytes).with_context(|| format!("cannot write {}", path.display()))
}

/// Paths in a folder, in order of name.
pub fn list(dir: &Path) -> Result<Vec<PathBuf>> {
    let mut paths = std::fs::read_dir(dir)
        .with_context(|| format!("cannot read {}", dir.display()))?
        .map(|entry| entry.map(|e| e.path()))
        .collect::<std::io::Result<Vec<_>>>()
        .with_context(|| format!("cannot read {}", dir.display()))?;
    paths.sort();
    Ok(paths)
}

/// Name of a path without its folders.
pub fn name(path: &Path) -> String {
    path.file_name().map(|n| n.to_string_lossy().into_owned()).unwrap_or_default()
}
