//! Packages of emitted code.

mod archive;
mod embedded;
mod example;
pub mod native;

pub use archive::zip;

use edgewright_compile::{FileTree, Target};
use edgewright_impulse::Impulse;
use sha2::{Digest, Sha256};
use std::fmt::Write;

/// Why no package can be made.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DeployError {
    /// There is no such kind of package.
    #[error("there is no package `{kind}`; there is {}", KINDS.join(", "))]
    Kind {
        /// What was asked for.
        kind: String,
    },
    /// The archive could not be written.
    #[error("archive: {0}")]
    Archive(#[from] ::zip::result::ZipError),
    /// A file could not be put into the archive.
    #[error("archive: {0}")]
    Io(#[from] std::io::Error),
}

/// Kinds of packages.
pub const KINDS: &[&str] = &[
    "c",
    "cmake",
    "arduino",
    "cmsis-pack",
    "zephyr",
    "esp-idf",
    "pico-sdk",
    "particle",
    "custom",
    "eim",
    "wasm",
];

/// Emitted code with what packages say about it.
#[derive(Clone, Copy, Debug)]
pub struct Library<'a> {
    /// Files as [`edgewright_compile::compile`] makes them.
    pub files: &'a FileTree,
    /// Prefix of every name.
    pub prefix: &'a str,
    /// What was compiled.
    pub impulse: &'a Impulse,
    /// What for.
    pub target: &'a Target,
}

/// Version that packages carry: that of this program.
pub(crate) const VERSION: &str = env!("CARGO_PKG_VERSION");

/// The files of a package that needs no compiler. All but the hashes are hashed in `SHA256SUMS`.
///
/// # Errors
/// [`DeployError::Kind`].
pub fn files(library: &Library<'_>, kind: &str) -> Result<FileTree, DeployError> {
    let tree = match kind {
        "c" => library.files.clone(),
        "cmake" => embedded::cmake(library),
        "arduino" => embedded::arduino(library),
        "cmsis-pack" => embedded::cmsis_pack(library),
        "zephyr" => embedded::zephyr(library),
        "esp-idf" => embedded::esp_idf(library),
        "pico-sdk" => embedded::pico_sdk(library),
        "particle" => embedded::particle(library),
        "custom" => native::custom(library),
        _ => return Err(DeployError::Kind { kind: kind.into() }),
    };
    Ok(sealed(tree))
}

/// With licence and hashes; below the only folder when all files lie in one.
pub(crate) fn sealed(mut tree: FileTree) -> FileTree {
    let folder = tree.keys().next().and_then(|k| k.split_once('/')).map(|(f, _)| format!("{f}/"));
    let root = folder.filter(|f| tree.keys().all(|k| k.starts_with(f.as_str()))).unwrap_or_default();
    tree.insert(format!("{root}LICENSE"), include_bytes!("../../../LICENSE-MIT").to_vec());
    let mut sums = String::new();
    for (path, bytes) in &tree {
        for byte in Sha256::digest(bytes) {
            let _ = write!(sums, "{byte:02x}");
        }
        let _ = writeln!(sums, "  {}", &path[root.len()..]);
    }
    tree.insert(format!("{root}SHA256SUMS"), sums.into_bytes());
    tree
}
