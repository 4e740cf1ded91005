//! What code is emitted for. A target is data: `targets/cores/*.toml`, and `targets/boards/*.toml`, which name their core.

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

/// How programs are built for a Linux system, and executed where it is not this one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Linux {
    /// Processor as Rust names it: on such a machine programs run without an emulator.
    pub arch: String,
    /// C compiler that builds for it from elsewhere.
    pub compiler: String,
    /// Emulator that runs its programs.
    pub emulator: String,
    /// Processor in the words of container images.
    pub architecture: String,
    /// Which of its kind, in the same words.
    #[serde(default)]
    pub variant: String,
}

/// A target: a core, or a board with that core.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Target {
    /// As in `--target`.
    pub id: String,
    /// For people.
    pub title: String,
    /// Instruction set.
    pub isa: String,
    /// How far we prove what we emit: on the core, not on the board.
    pub proof: Proof,
    /// Kinds of packages.
    pub packages: Vec<String>,
    /// Family of integer kernels.
    #[serde(default)]
    pub kernels: Family,
    /// Where it is executed; the host needs none.
    #[serde(default)]
    pub board: Option<Board>,
    /// How its programs are built, where it runs Linux.
    #[serde(default)]
    pub linux: Option<Linux>,
    /// What is known of the hardware.
    #[serde(skip)]
    pub hardware: Hardware,
}

/// What is known of a board; `None` where it is not.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Hardware {
    /// Id of the core; `None` for the target that is one.
    pub core: Option<String>,
    /// Chip.
    pub soc: Option<String>,
    /// Clock of the core that runs the model, in MHz.
    pub clock_mhz: Option<u32>,
    /// RAM on the chip (or of the computer) in bytes.
    pub ram_bytes: Option<u64>,
    /// Flash in bytes.
    pub flash_bytes: Option<u64>,
    /// Memory outside the chip, in words.
    pub external: Option<String>,
    /// Accelerator, in words; emitted code does not use it.
    pub accelerator: Option<String>,
}

/// A file of `targets/boards`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct BoardFile {
    id: String,
    title: String,
    core: String,
    soc: String,
    clock_mhz: Option<u32>,
    ram_kb: Option<u64>,
    flash_kb: Option<u64>,
    external: Option<String>,
    accelerator: Option<String>,
    packages: Vec<String>,
}

include!(concat!(env!("OUT_DIR"), "/targets.rs"));

fn core(text: &str) -> Result<Target, String> {
    toml::from_str(text).map_err(|e| e.to_string())
}

fn board(text: &str, cores: &[Target]) -> Result<Target, String> {
    let file: BoardFile = toml::from_str(text).map_err(|e| e.to_string())?;
    let core = cores
        .iter()
        .find(|c| c.id == file.core)
        .ok_or_else(|| format!("there is no core `{}`", file.core))?;
    Ok(Target {
        id: file.id,
        title: file.title,
        packages: file.packages,
        hardware: Hardware {
            core: Some(file.core),
            soc: Some(file.soc),
            clock_mhz: file.clock_mhz,
            ram_bytes: file.ram_kb.map(|k| k * 1024),
            flash_bytes: file.flash_kb.map(|k| k * 1024),
            external: file.external,
            accelerator: file.accelerator,
        },
        ..core.clone()
    })
}

/// All targets: the host, the cores, the boards.
pub fn all() -> &'static [Target] {
    static ALL: OnceLock<Vec<Target>> = OnceLock::new();
    ALL.get_or_init(|| {
        // The files are part of the program; a test reads each of them.
        let mut all: Vec<Target> = CORES.iter().filter_map(|(_, text)| core(text).ok()).collect();
        all.sort_by_key(|t| (t.id != "host", t.id.clone()));
        let boards: Vec<Target> = BOARDS.iter().filter_map(|(_, text)| board(text, &all).ok()).collect();
        all.extend(boards);
        all
    })
}

impl Target {
    /// Bytes of RAM that a model may be planned for.
    pub fn ram_bytes(&self) -> Option<u64> {
        self.hardware.ram_bytes.or_else(|| self.board.as_ref().map(|b| b.ram_bytes))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_target_file_is_read_and_named_after_its_id() {
        let mut cores = Vec::new();
        for (name, text) in CORES {
            let target = core(text).unwrap_or_else(|e| panic!("{name}: {e}"));
            assert_eq!(&target.id, name);
            let emulated = target.proof == Proof::Executed && *name != "host";
            assert_eq!(emulated, target.board.is_some() || target.linux.is_some(), "{name}");
            cores.push(target);
        }
        for (name, text) in BOARDS {
            let target = board(text, &cores).unwrap_or_else(|e| panic!("{name}: {e}"));
            assert_eq!(&target.id, name);
            assert!(cores.iter().all(|c| c.id != target.id), "{name}: a core has that id");
        }
        assert_eq!(all().len(), CORES.len() + BOARDS.len());
        assert_eq!(all()[0].id, "host");
    }
}
