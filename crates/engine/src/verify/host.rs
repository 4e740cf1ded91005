//! On this machine, with every compiler found.

use super::{Case, Cases, LIMIT, RandomCases, STRICT, compare, tool_failed, write_tree};
use crate::{EngineError, error::AtPath};
use edgewright_compile::{FileTree, Options, compile, harness};
use edgewright_impulse::{Impulse, Outcome};
use edgewright_toolchain::{self as toolchain, Compiler};
use rayon::prelude::*;
use std::{
    io::{BufReader, Read},
    ops::Range,
    path::Path,
};

/// What was proven on the host.
#[derive(Clone, Debug, Default)]
pub struct HostProof {
    /// Compilers with their flags.
    pub builds: Vec<String>,
    /// Windows that were compared: the test windows in each build, the random ones in at least one.
    pub cases: usize,
    /// First difference.
    pub mismatch: Option<String>,
    /// What the C says of the test windows.
    pub outcomes: Vec<Outcome>,
    /// What to install when there is no compiler.
    pub missing: Option<String>,
}

/// Builds the library with every compiler at several levels and runs it on the test windows and on random windows.
///
/// # Errors
/// Those of compiling the impulse and of files. A build that fails or differs is a mismatch, not an error.
pub fn verify_host(
    impulse: &Impulse,
    cases: &mut dyn Iterator<Item = Case>,
    random: RandomCases,
) -> Result<HostProof, EngineError> {
    let target = crate::stages::build::target("host")?;
    verify_files(impulse, &compile(impulse, target, &Options::default())?, cases, random)
}

/// The same of files that were emitted before.
pub(super) fn verify_files(
    impulse: &Impulse,
    tree: &FileTree,
    cases: &mut dyn Iterator<Item = Case>,
    random: RandomCases,
) -> Result<HostProof, EngineError> {
    let compilers = toolchain::host_compilers();
    if compilers.is_empty() {
        return Ok(HostProof { missing: toolchain::missing("gcc"), ..HostProof::default() });
    }
    let folder = crate::scratch::folder()?;
    let dir = folder.path();
    let p = write_tree(impulse, tree, dir)?;
    let main = dir.join("main.c");
    std::fs::write(&main, harness::host_main(impulse, None)).at(&main)?;

    let mut files = Cases::create(dir)?;
    let tested = files.add_all(impulse, cases, dir)?;
    files.add_all(impulse, &mut random.cases(), dir)?;
    let count = files.finish(dir)?;
    let outputs = impulse.result_len();
    let builds = builds(&compilers, dir);
    // Windows that follow each other cannot be dealt out.
    let shares = match impulse.state_len() {
        0 => shares(&builds, random.count),
        _ => builds.iter().map(|_| 0..random.count).collect(),
    };
    let run = |(i, (compiler, flags)): (usize, &(&Compiler, Vec<&'static str>))| -> Result<(String, Option<String>), EngineError> {
        let name = format!("{} {}", compiler.program, flags.join(" "));
        let mut all: Vec<&str> = STRICT.to_vec();
        if flags.contains(&"-std=gnu11") {
            all.remove(0);
        }
        all.extend(flags);
        let share = &shares[i];
        let limit = tested + share.len();
        let (program, results) = (format!("proof{i}"), format!("results{i}.bin"));
        let outcome = toolchain::host_build(compiler, dir, &all, &["main.c", &format!("{p}.c")], &program).and_then(|()| {
            let numbers = [tested, share.start, share.len()].map(|n| n.to_string());
            let args = [["windows.bin".into(), results.clone()].as_slice(), &numbers].concat();
            toolchain::run(&format!("./{program}"), &args, dir, LIMIT).map(|_| ())
        });
        let mismatch = match outcome {
            Ok(()) => compare(dir, &results, (0..tested).chain(tested + share.start..tested + share.end), outputs)?,
            Err(e) => Some(tool_failed(&name, &e)),
        };
        let told = format!("{name}, {limit} windows ({})", compiler.version);
        Ok((told, mismatch.map(|m| format!("{name}: {m}"))))
    };
    let ran = builds.par_iter().enumerate().map(run).collect::<Result<Vec<_>, _>>()?;
    let mut proof = HostProof { cases: count, ..HostProof::default() };
    for (told, mismatch) in ran {
        proof.builds.push(told);
        proof.mismatch = proof.mismatch.or(mismatch);
    }
    if proof.mismatch.is_some() {
        return Ok(proof);
    }
    let path = dir.join("results0.bin");
    let mut file = BufReader::new(std::fs::File::open(&path).at(&path)?);
    let mut row = vec![0u8; outputs * 4];
    for _ in 0..tested {
        file.read_exact(&mut row).at(&path)?;
        let values: Vec<f32> =
            row.chunks_exact(4).map(|b| f32::from_le_bytes([b[0], b[1], b[2], b[3]])).collect();
        proof.outcomes.push(Outcome::from_numbers(impulse, &values));
    }
    Ok(proof)
}

/// Which of the random windows each build runs beside all test windows. The optimised builds deal them out among themselves; those
/// without optimisation and with sanitizers are an order of magnitude slower and take a fiftieth each.
fn shares(builds: &[(&Compiler, Vec<&'static str>)], random: usize) -> Vec<Range<usize>> {
    let slow = |flags: &[&str]| flags[0] == "-O0" || flags[0] == "-O1";
    let fast = builds.iter().filter(|(_, flags)| !slow(flags)).count();
    let mut dealt = 0;
    builds
        .iter()
        .map(|(_, flags)| {
            if slow(flags) {
                return 0..random / 50;
            }
            dealt += 1;
            random * (dealt - 1) / fast..random * dealt / fast
        })
        .collect()
}

/// Compilers with the flags of each build. The last provokes what would change results: every instruction of this
/// machine, in a dialect in which GCC contracts.
fn builds<'c>(compilers: &'c [Compiler], dir: &Path) -> Vec<(&'c Compiler, Vec<&'static str>)> {
    let mut out = Vec::new();
    for compiler in compilers {
        for level in ["-O0", "-O2", "-Os"] {
            out.push((compiler, vec![level]));
        }
        if toolchain::sanitizer_works(compiler, dir) {
            out.push((compiler, vec!["-O1", "-fsanitize=address,undefined", "-fno-sanitize-recover=all"]));
        }
        out.push((compiler, vec!["-O3", "-march=native", "-std=gnu11"]));
    }
    out
}
