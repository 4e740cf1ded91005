//! As a program of Linux on another processor, which QEMU runs in user mode.

use super::{Case, Cases, LIMIT, RandomCases, STRICT, compare, tool_failed, write_tree};
use crate::{EngineError, error::AtPath};
use edgewright_compile::{Options, Target, compile, harness};
use edgewright_impulse::Impulse;
use edgewright_toolchain as toolchain;
use rayon::prelude::*;

/// What was proven.
#[derive(Clone, Debug, Default)]
pub struct LinuxProof {
    /// Compiler, flags and emulator.
    pub builds: Vec<String>,
    /// Windows that were compared, each in every build.
    pub cases: usize,
    /// First difference.
    pub mismatch: Option<String>,
    /// What to install.
    pub missing: Option<String>,
}

/// Every instruction of the processor, in a dialect in which GCC contracts, is what would change results.
const BUILDS: [&[&str]; 2] = [&["-O2"], &["-O3", "-std=gnu11"]];

/// Builds the library with the target's compiler and runs it, emulated where this machine is of another kind.
///
/// # Errors
/// Those of compiling the impulse and of files. A build that fails or differs is a mismatch, not an error.
pub fn verify_linux(
    impulse: &Impulse,
    target: &Target,
    cases: &mut dyn Iterator<Item = Case>,
    random: RandomCases,
) -> Result<LinuxProof, EngineError> {
    let Some(linux) = &target.linux else {
        return Err(EngineError::Usage(format!("target `{}` runs no Linux", target.id)));
    };
    let own = linux.arch == std::env::consts::ARCH;
    let name = if own { "gcc" } else { linux.compiler.as_str() };
    let emulator = (!own).then_some(linux.emulator.as_str());
    let missing: Vec<String> =
        [Some(name), emulator].into_iter().flatten().filter_map(toolchain::missing).collect();
    let Some(compiler) = toolchain::compiler(name).filter(|_| missing.is_empty()) else {
        return Ok(LinuxProof { missing: Some(missing.join("; ")), ..LinuxProof::default() });
    };
    let folder = crate::scratch::folder()?;
    let dir = folder.path();
    let p = write_tree(impulse, &compile(impulse, target, &Options::default())?, dir)?;
    let main = dir.join("main.c");
    std::fs::write(&main, harness::host_main(impulse, None)).at(&main)?;
    let mut files = Cases::create(dir)?;
    files.add_all(impulse, cases, dir)?;
    files.add_all(impulse, &mut random.cases(), dir)?;
    let count = files.finish(dir)?;
    let run = |(i, flags): (usize, &&[&str])| -> Result<(String, Option<String>), EngineError> {
        let told = format!("{} {}", compiler.program, flags.join(" "));
        let mut all: Vec<&str> =
            if flags.contains(&"-std=gnu11") { STRICT[1..].to_vec() } else { STRICT.to_vec() };
        all.extend(*flags);
        // Without a loader: the emulator needs no files of the other system.
        all.push("-static");
        let (program, results) = (format!("./proof{i}"), format!("results{i}.bin"));
        let outcome = toolchain::host_build(&compiler, dir, &all, &["main.c", &format!("{p}.c")], &program)
            .and_then(|()| {
                let args = ["windows.bin".into(), results.clone(), count.to_string(), "0".into(), "0".into()];
                match emulator {
                    Some(emulator) => toolchain::run(
                        emulator,
                        &[std::slice::from_ref(&program), args.as_slice()].concat(),
                        dir,
                        LIMIT,
                    ),
                    None => toolchain::run(&program, &args, dir, LIMIT),
                }
            });
        let mismatch = match outcome {
            Ok(_) => compare(dir, &results, 0..count, impulse.result_len())?,
            Err(e) => Some(tool_failed(&told, &e)),
        };
        let place = emulator.map(|e| format!(" in {e}")).unwrap_or_default();
        Ok((
            format!("{told}{place}, {count} windows ({})", compiler.version),
            mismatch.map(|m| format!("{told}: {m}")),
        ))
    };
    let ran = BUILDS.par_iter().enumerate().map(run).collect::<Result<Vec<_>, _>>()?;
    let mut proof = LinuxProof { cases: count, ..LinuxProof::default() };
    for (told, mismatch) in ran {
        proof.builds.push(told);
        proof.mismatch = proof.mismatch.or(mismatch);
    }
    Ok(proof)
}
