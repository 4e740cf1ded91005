//! Packages of emitted code.

mod about;
mod android;
mod archive;
mod cpp;
mod custom;
mod embedded;
mod example;
mod facts;
mod linux;
pub mod native;
mod oci;
mod openmv;
mod packs;
mod seal;
mod selftest;
mod text;

pub use about::About;
pub use archive::{Archive, deflated_len, zip};
pub use seal::{KINDS, Kind};

use edgewright_compile::{FileTree, Target};
use edgewright_impulse::Impulse;

/// Why no package can be made.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DeployError {
    /// There is no such kind of package.
    #[error("there is no package `{kind}`; there is {}", KINDS.iter().map(|k| k.name).collect::<Vec<_>>().join(", "))]
    Kind {
        /// What was asked for.
        kind: String,
    },
    /// The impulse is none for this package.
    #[error("package `{kind}` cannot hold this impulse: {reason}")]
    Unfit {
        /// What was asked for.
        kind: String,
        /// Why not, and what to do.
        reason: String,
    },
    /// The archive could not be written.
    #[error("archive: {0}")]
    Archive(#[from] ::zip::result::ZipError),
    /// A file could not be put into the archive.
    #[error("archive: {0}")]
    Io(#[from] std::io::Error),
}

impl DeployError {
    /// What the system said, where it said something.
    pub fn into_io(self) -> std::io::Error {
        match self {
            Self::Io(e) | Self::Archive(::zip::result::ZipError::Io(e)) => e,
            other => std::io::Error::other(other.to_string()),
        }
    }
}

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
    /// Who makes it, on which terms.
    pub about: &'a About,
    /// Report of the proof of this code as JSON, once it was proven.
    pub proof: Option<&'a str>,
}

/// Version that packages carry: that of this program.
pub(crate) const VERSION: &str = env!("CARGO_PKG_VERSION");

/// The files of a package that needs no compiler. All but the hashes are hashed in `SHA256SUMS`.
///
/// # Errors
/// [`DeployError::Kind`]; [`DeployError::Unfit`] when the impulse is none for it.
pub fn files(library: &Library<'_>, kind: &str) -> Result<FileTree, DeployError> {
    let unknown = || DeployError::Kind { kind: kind.into() };
    let tree = match kind {
        "c" => library.files.clone(),
        "cmake" => embedded::cmake(library),
        "cpp" => cpp::cpp(library)?,
        "arduino" => embedded::arduino(library)?,
        "cmsis-pack" => packs::cmsis_pack(library),
        "cube-mx" => packs::cube_mx(library),
        "keil" => packs::keil(library),
        "iar" => packs::iar(library),
        "zephyr" => embedded::zephyr(library),
        "esp-idf" => embedded::esp_idf(library),
        "pico-sdk" => embedded::pico_sdk(library),
        "particle" => embedded::particle(library),
        "android" => android::android(library),
        "openmv" => openmv::openmv(library)?,
        "rust" => {
            let options = edgewright_compile::Options { prefix: Some(library.prefix.to_owned()) };
            edgewright_compile::rust_impulse(library.impulse, &options)
                .map_err(|e| DeployError::Unfit { kind: kind.into(), reason: e.to_string() })?
        }
        "custom" => custom::custom(library),
        _ => return Err(unknown()),
    };
    Ok(seal::sealed(library, seal::kind(kind).ok_or_else(unknown)?, tree))
}
