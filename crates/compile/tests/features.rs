//! Features alone: what the emitted C extracts from windows that follow each other are the bits of the reference run.

mod blocks;
use blocks::{KINDS, block, block_of};
use edgewright_compile::{Options, compile, target};
use edgewright_impulse::{Impulse, Runner};
use edgewright_test_support::{Rng, random::floats};
use edgewright_toolchain::{Compiler, host_build, host_compilers, run, sanitizer_works};
use std::{fs, time::Duration};

/// An impulse whose first block is of this kind, with two more at random.
fn impulse(seed: u64, kind: &str) -> Impulse {
    let mut rng = Rng(seed);
    loop {
        let window = blocks::window(&mut rng);
        let Some(first) = block_of(&mut rng, 0, kind, &window) else { continue };
        let mut dsp = vec![first];
        for i in 1..3 {
            dsp.extend(block(&mut rng, i, &window));
        }
        return Impulse { name: format!("f{seed}"), window, dsp, learn: Vec::new() };
    }
}

/// Windows of many kinds: silence, noise, loud, a constant, a wave of about a beat a second over an offset.
fn window(rng: &mut Rng, impulse: &Impulse, n: usize) -> Vec<f32> {
    let mut values = floats(rng, impulse.window.values());
    let axes = impulse.window.axes.len();
    match n % 6 {
        0 => values.fill(0.0),
        1 => values.iter_mut().for_each(|v| *v *= 16_000.0),
        2 => values.fill(3.25),
        _ => values.iter_mut().enumerate().for_each(|(i, v)| {
            let t = (i / axes) as f64 / impulse.window.rate_hz;
            let wave = (std::f64::consts::TAU * (0.8 + 0.2 * (i % axes) as f64) * t).sin();
            *v = (2000.0 + 300.0 * wave + 20.0 * f64::from(*v)) as f32;
        }),
    }
    values
}

const WINDOWS: usize = 18;

fn main_of(impulse: &Impulse) -> String {
    let (p, u) = (&impulse.name, impulse.name.to_uppercase());
    let reset = if impulse.state_len() > 0 {
        format!("if (i == 12) {{ {p}_reset(&handle); }}")
    } else {
        String::new()
    };
    format!(
        r#"#include "{p}.h"
#include <math.h>
#include <stdio.h>
#include <string.h>
static uint32_t arena[({u}_ARENA_SIZE + 3) / 4];
static float window[{u}_WINDOW_LEN], features[{u}_FEATURE_COUNT];
int main(void)
{{
    {p}_t handle;
    FILE *in = fopen("windows.bin", "rb"), *out = fopen("features.bin", "wb");
    int i, k;
    if (in == NULL || out == NULL || {p}_init(&handle, arena, sizeof arena) != 0) {{
        return 2;
    }}
    for (i = 0; i < {WINDOWS}; i++) {{
        const {p}_signal signal = {p}_signal_f32(window);
        {reset}
        memset(arena, 0xa5, sizeof arena);
        if (fread(window, sizeof window, 1, in) != 1 || {p}_extract(&handle, &signal, features, {u}_FEATURE_COUNT) != 0 ||
            fwrite(features, sizeof features, 1, out) != 1) {{
            return 3;
        }}
        /* A window that is refused changes nothing. */
        for (k = 0; k < {u}_AXES; k++) {{
            window[k] = (float)INFINITY;
        }}
        if ({p}_extract(&handle, &signal, features, {u}_FEATURE_COUNT) != {u}_ERROR_NOT_FINITE) {{
            return 4;
        }}
    }}
    fclose(in);
    return fclose(out);
}}
"#
    )
}

fn check(seed: u64, kind: &str, compiler: &Compiler, flags: &[&str]) {
    let impulse = impulse(seed, kind);
    let ids: Vec<&str> = impulse.dsp.iter().map(|b| b.block.as_str()).collect();
    let what = format!("{ids:?} of seed {seed}, {} {flags:?}", compiler.program);
    let dir = tempfile::tempdir().expect("a folder");
    let tree =
        compile(&impulse, &target::all()[0], &Options::default()).unwrap_or_else(|e| panic!("{what}: {e}"));
    for (name, bytes) in tree {
        fs::write(dir.path().join(name), bytes).expect("written");
    }
    fs::write(dir.path().join("main.c"), main_of(&impulse)).expect("main.c");
    let (mut windows, mut expected) = (Vec::new(), Vec::new());
    let mut rng = Rng(seed);
    let mut runner = Runner::new(&impulse).unwrap_or_else(|e| panic!("{what}: {e}"));
    for n in 0..WINDOWS {
        if n == 12 {
            runner.reset();
        }
        let window = window(&mut rng, &impulse, n);
        expected.extend_from_slice(runner.features(&window).unwrap_or_else(|e| panic!("{what}: {e}")));
        windows.extend(window.iter().flat_map(|v| v.to_le_bytes()));
    }
    fs::write(dir.path().join("windows.bin"), windows).expect("windows");
    host_build(compiler, dir.path(), flags, &["main.c", &format!("{}.c", impulse.name)], "program")
        .unwrap_or_else(|e| panic!("{what}: {e}"));
    run("./program", &[], dir.path(), Duration::from_secs(60)).unwrap_or_else(|e| panic!("{what}: {e}"));
    let got = fs::read(dir.path().join("features.bin")).expect("features");
    assert_eq!(got.len(), 4 * expected.len(), "{what}");
    for (i, (b, want)) in got.chunks_exact(4).zip(&expected).enumerate() {
        let got = f32::from_le_bytes([b[0], b[1], b[2], b[3]]);
        let alike = got.to_bits() == want.to_bits() || (got.is_nan() && want.is_nan());
        let (window, feature) = (i / impulse.features(), i % impulse.features());
        assert!(alike, "{what}: feature {feature} of window {window} is {got:e} instead of {want:e}");
    }
}

#[test]
fn features_of_random_blocks_are_those_of_the_reference_run() {
    let compilers = host_compilers();
    assert!(!compilers.is_empty(), "no C compiler");
    let probe = tempfile::tempdir().expect("a folder");
    let mut builds = Vec::new();
    for compiler in &compilers {
        builds.push((compiler, vec!["-O2", "-std=c99"]));
        builds.push((compiler, vec!["-O3", "-march=native", "-std=gnu11"]));
        if sanitizer_works(compiler, probe.path()) {
            builds.push((compiler, vec!["-O1", "-fsanitize=address,undefined", "-fno-sanitize-recover=all"]));
        }
    }
    // Each kind with each third build; blocks with state with every one.
    let mut seed = 0;
    for kind in 0..KINDS.len() {
        let stateful = matches!(KINDS[kind], "flatten" | "hr");
        for (i, (compiler, flags)) in builds.iter().enumerate() {
            if stateful || (i + kind) % 3 == 0 {
                check(seed, KINDS[kind], compiler, flags);
            }
            seed += 1;
        }
    }
}
