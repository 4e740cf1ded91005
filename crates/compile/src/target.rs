//! What code is emitted for. A target is data: `targets/*.toml`.

use crate::kernels::Family;
use serde::{Deserialize, Serialize};
use std::{fmt, sync::OnceLock};

/// How far the emitted code is proven on a target.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Proof {
    /// Built, run and compared bit for bit.
    Executed,
    /// Built.
    Compiled,
    /// Emitted.
    Source,
}

impl fmt::Display for Proof {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Executed => "executed",
            Self::Compiled => "compiled",
            Self::Source => "source",
        })
    }
}

/// An emulated board on which a target is proven.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Board {
    /// QEMU's name of the machine.
    pub machine: String,
    /// Flags that choose the core.
    pub flags: Vec<String>,
    /// Start of the code.
    pub code_base: u64,
    /// Bytes for code.
    pub code_bytes: u64,
    /// Start of the RAM.
    pub ram_base: u64,
    /// Bytes of RAM.
    pub ram_bytes: u64,
}

/// A target.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Target {
    /// As in `--target`.
    pub id: String,
    /// For people.
    pub title: String,
    /// How far we prove what we emit.
    pub proof: Proof,
    /// Kinds of packages.
    pub packages: Vec<String>,
    /// Family of integer kernels.
    #[serde(default)]
    pub kernels: Family,
    /// Where it is executed; the host needs none.
    #[serde(default)]
    pub board: Option<Board>,
}

const FILES: &[(&str, &str)] = &[
    ("host", include_str!("../../../targets/host.toml")),
    ("cortex-m0plus", include_str!("../../../targets/cortex-m0plus.toml")),
    ("cortex-m3", include_str!("../../../targets/cortex-m3.toml")),
    ("cortex-m4f", include_str!("../../../targets/cortex-m4f.toml")),
    ("cortex-m7", include_str!("../../../targets/cortex-m7.toml")),
    ("cortex-m33", include_str!("../../../targets/cortex-m33.toml")),
];

/// All targets, the host first.
pub fn all() -> &'static [Target] {
    static ALL: OnceLock<Vec<Target>> = OnceLock::new();
    ALL.get_or_init(|| {
        // The files are part of the program; a test reads each of them.
        FILES.iter().filter_map(|(_, text)| toml::from_str(text).ok()).collect()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_target_file_is_read_and_named_after_its_id() {
        for (name, text) in FILES {
            let target: Target = toml::from_str(text).unwrap_or_else(|e| panic!("{name}: {e}"));
            assert_eq!(&target.id, name);
            assert_eq!(target.proof == Proof::Executed && target.id != "host", target.board.is_some());
        }
        let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../targets");
        assert_eq!(std::fs::read_dir(folder).expect("the folder").count(), FILES.len());
    }
}
