//! The same features put together from CMSIS-DSP's functions, counted on a Cortex-M4F beside ours. Its sources are not part of this
//! project: the caller names a checkout.

use super::{cases::Case, measure};
use edgewright_compile::{harness, target};
use edgewright_dsp::{Analysis, MelBank, MelVariant, Plan, SpectrogramVariant};
use edgewright_toolchain::{BoardBuild, BoardSpec, build_counter, host_compilers, run_board};
use std::{error::Error, fmt::Write, fs, path::Path};

const PEER: &str = include_str!("../../../../benches/peers/cmsis_dsp.c");
/// The core of the comparison.
pub const CORE: &str = "cortex-m4f";

/// What was counted.
pub struct Compared {
    /// Instructions of a window, ours.
    pub ours: u64,
    /// The same of CMSIS-DSP.
    pub peer: u64,
    /// Largest difference between a feature of ours and its.
    pub apart: f32,
}

/// Counts a block both ways; `None` for a block that has no counterpart.
///
/// # Errors
/// What a tool says, and features that are further than a hundredth from ours.
pub fn compare(case: &Case, dsp: &Path, core: &Path) -> Result<Option<Compared>, Box<dyn Error>> {
    let Some(tables) = tables(case) else { return Ok(None) };
    let dir = tempfile::tempdir()?;
    measure::write_window(&case.job(), dir.path())?;
    fs::write(dir.path().join("tables.h"), tables)?;
    for (name, text) in [("peer.c", PEER), ("board.c", harness::BOARD), ("board.h", harness::BOARD_HEADER)] {
        fs::write(dir.path().join(name), text)?;
    }
    let target = target::all().iter().find(|t| t.id == CORE).ok_or("no such core")?;
    let board = target.board.as_ref().ok_or("no board")?;
    let spec = BoardSpec {
        machine: board.machine.clone(),
        flags: board.flags.clone(),
        code: (board.code_base, board.code_bytes),
        ram: (board.ram_base, board.ram_bytes),
    };
    let compilers = host_compilers();
    let host = compilers.first().ok_or("no C compiler for the host")?;
    let counter = build_counter(host, dir.path(), harness::COUNTER)?;
    let include = |folder: &Path, inner: &str| format!("-I{}", folder.join(inner).display());
    let folders = [
        include(dsp, "Include"),
        include(dsp, "PrivateInclude"),
        include(dsp, "Source"),
        include(core, "CMSIS/Core/Include"),
    ];
    // As its own build has it: loops unrolled by hand, fused multiplication as the compiler likes. In one file its casts of floats
    // to integers must not be taken for other memory.
    let mut flags = vec![
        measure::LEVEL,
        "-std=gnu11",
        "-DARM_MATH_LOOPUNROLL",
        "-ffast-math",
        "-fno-strict-aliasing",
        "-w",
    ];
    flags.extend(folders.iter().map(String::as_str));
    let build = BoardBuild {
        board: &spec,
        linker_script: harness::LINKER_SCRIPT,
        sources: &["peer.c", "board.c"],
        flags: &flags,
    };
    let [mark, end, last, _] = harness::MARKS;
    let run = run_board(dir.path(), &build, Some(&counter), [mark, end, last, last])?;
    let peer = run.counts.filter(|c| c.first > 0).ok_or("nothing was counted")?.first;
    let theirs = fs::read(dir.path().join("features.bin"))?;
    let ours = measure::features(&case.job())?;
    let apart = theirs
        .as_chunks::<4>()
        .0
        .iter()
        .zip(&ours)
        .map(|(bytes, ours)| (f32::from_le_bytes(*bytes) - ours).abs())
        .fold(0.0f32, f32::max);
    if theirs.len() != 4 * ours.len() || apart.is_nan() || apart > 0.01 {
        return Err(format!("{} features of CMSIS-DSP lie up to {apart} from ours", theirs.len() / 4).into());
    }
    Ok(Some(Compared {
        ours: measure::Counter::new()?.measure(&case.job(), CORE)?.instructions,
        peer,
        apart,
    }))
}

/// Definitions for the peer's program.
fn tables(case: &Case) -> Option<String> {
    let impulse = case.impulse();
    let block = &impulse.dsp[0];
    let mut out = String::new();
    let mut set = |name: &str, value: &dyn std::fmt::Display| writeln!(out, "#define {name} {value}").ok();
    set("WINDOW_LEN", &impulse.window.values());
    set("FEATURES", &block.features());
    let (name, framing, fft) = match &block.plan {
        Plan::Spectrogram(p) if p.variant == SpectrogramVariant::Decibel => {
            set("EDGE", &float(p.floor));
            ("SPECTROGRAM", &p.framing, p.fft.n)
        }
        Plan::Mel(p) => {
            set("FILTERS", &p.bank.first.len());
            set("EMPHASIS", &float(p.framing.emphasis));
            let name = match &p.variant {
                MelVariant::Quantised { floor } => {
                    set("EDGE", &float(*floor));
                    "MFE"
                }
                MelVariant::Cepstral { coefficients, window, .. } => {
                    set("EDGE", &float(0.0));
                    set("COLUMNS", coefficients);
                    set("NORMALISED", window);
                    "MFCC"
                }
                MelVariant::Normalised { .. } => return None,
            };
            (name, &p.framing, p.fft.n)
        }
        Plan::Spectral(p) => {
            let Analysis::Spectrum(s) = &p.analysis else { return None };
            if !p.sections.is_empty() || !p.decimation.is_empty() || s.low.is_some() || !s.log || !s.moments {
                return None;
            }
            set("SAMPLE", &"float");
            set("BLOCK_SPECTRAL", &1);
            set("FRAMES", &p.frames);
            set("AXES", &p.axes);
            set("FFT", &s.fft.n);
            set("HOP", &s.hop);
            set("FIRST_BIN", &s.bins.first);
            set("BINS", &s.bins.count);
            return Some(out);
        }
        _ => return None,
    };
    set("SAMPLE", &"q15_t");
    set(&format!("BLOCK_{name}"), &1);
    set("ROWS", &framing.rows);
    set("USED", &framing.used);
    set("STRIDE", &framing.stride);
    set("SCALE", &float(framing.scale));
    set("FFT", &fft);
    set("INIT", &format!("arm_rfft_fast_init_{fft}_f32"));
    if let Plan::Mel(p) = &block.plan {
        out.push_str(&bank(&p.bank));
        if let MelVariant::Cepstral { dct, window, .. } = &p.variant {
            out.push_str(&array("float32_t", "dct", dct.iter().map(|v| float(*v))));
            let (rows, reach) = (framing.rows as i64, *window as i64 / 2);
            let mirrored = (-reach..rows + reach + 1).map(|k| mirror(k, rows).to_string());
            out.push_str(&array("int16_t", "mirror", mirrored));
        }
    }
    Some(out)
}

/// Row `k` of `rows` that repeat mirrored, the edge twice.
fn mirror(k: i64, rows: i64) -> i64 {
    let at = k.rem_euclid(2 * rows);
    if at < rows { at } else { 2 * rows - 1 - at }
}

fn bank(bank: &MelBank) -> String {
    array("uint16_t", "mel_first", bank.first.iter().map(ToString::to_string))
        + &array("uint16_t", "mel_count", bank.count.iter().map(ToString::to_string))
        + &array("float32_t", "mel_weights", bank.weights.iter().map(|v| float(*v)))
}

fn array(kind: &str, name: &str, values: impl Iterator<Item = String>) -> String {
    format!("static const {kind} {name}[] = {{{}}};\n", values.collect::<Vec<_>>().join(", "))
}

fn float(v: f32) -> String {
    format!("{v:e}f")
}
