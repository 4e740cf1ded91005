//! A program in every package that computes windows of its own making and compares the results with those of the reference,
//! bit for bit: what was proven on our machines can be proven again on the device.

use crate::Library;
use edgewright_compile::harness;
use edgewright_impulse::{Outcome, Runner, Task};

/// Kinds of windows, one case each: silence, full scale, noise, quiet noise, a square of random signs, single values.
const CASES: u32 = 6;

/// What the values of a window are like.
struct Form {
    /// Largest value before scaling, and what takes random bits to a value.
    full: i32,
    picture: bool,
    scale: f32,
}

fn form(library: &Library<'_>) -> Form {
    let window = &library.impulse.window;
    let picture = window.image.is_some();
    let sound = window.axes.iter().all(|a| a.units == "wav");
    Form {
        full: if picture { 255 } else { 32767 },
        picture,
        // A product of two that have few digits: exact.
        scale: if picture || sound { 1.0 } else { 100.0 / 32768.0 },
    }
}

/// The windows that the programs make, in Rust.
fn window(form: &Form, kind: u32, values: usize) -> Vec<f32> {
    let mut x = 0x9e37_79b9_u32.wrapping_add(kind.wrapping_mul(0x85eb_ca6b));
    (0..values)
        .map(|i| {
            x ^= x << 13;
            x ^= x >> 17;
            x ^= x << 5;
            let noise = if form.picture { (x >> 24) as i32 } else { (x >> 16) as i32 - 32768 };
            let low = if form.picture { 0 } else { -form.full };
            let v = match kind {
                0 => 0,
                1 => form.full,
                2 => noise,
                3 => noise / 64,
                4 if x >> 31 != 0 => form.full,
                4 => low,
                _ if i % 97 == 0 => noise,
                _ => 0,
            };
            v as f32 * form.scale
        })
        .collect()
}

/// Bits of the results, case by case: as the device's result has them, and the outputs of the learning blocks alone.
struct Expected {
    results: Vec<Vec<u32>>,
    outputs: Vec<Vec<u32>>,
}

fn bits(values: &[f32]) -> Vec<u32> {
    values.iter().map(|v| v.to_bits()).collect()
}

fn raw(library: &Library<'_>, outcome: &Outcome) -> Vec<f32> {
    let mut out = Vec::new();
    for learn in &library.impulse.learn {
        match &learn.task {
            Task::Classification { .. } => out.extend(&outcome.scores),
            Task::Regression => out.extend(outcome.value),
            Task::Detection(_) => out.extend(&outcome.cells),
            Task::Anomaly { .. } => out.extend(outcome.anomaly),
        }
    }
    out
}

/// What the reference says; `None` when it cannot run the impulse.
fn expected(library: &Library<'_>) -> Option<Expected> {
    let impulse = library.impulse;
    let mut runner = Runner::new(impulse).ok()?;
    let form = form(library);
    let mut all = Expected { results: Vec::new(), outputs: Vec::new() };
    for kind in 0..CASES {
        runner.reset();
        let outcome = runner.run(&window(&form, kind, impulse.window.values())).ok()?;
        all.results.push(bits(&outcome.numbers(impulse)));
        all.outputs.push(bits(&raw(library, &outcome)));
    }
    Some(all)
}

fn rows(values: &[Vec<u32>], open: &str, close: &str) -> String {
    let row = |r: &Vec<u32>| {
        let mut line = String::from(open);
        for (i, v) in r.iter().enumerate() {
            let before = match i {
                0 => "",
                _ if i % 10 == 0 => ",\n     ",
                _ => ", ",
            };
            line.push_str(&format!("{before}{v:#010x}"));
        }
        line + close
    };
    values.iter().map(row).collect::<Vec<_>>().join(",\n    ")
}

/// `selftest.c`: `int <p>_selftest(void)` and, unless `EW_SELFTEST_NO_MAIN` is defined, a `main`. `None` for an impulse that says nothing.
pub(crate) fn c(library: &Library<'_>) -> Option<String> {
    let expected = expected(library)?;
    let numbers = library.impulse.result_len();
    if numbers == 0 {
        return None;
    }
    let (p, u, form) = (library.prefix, library.prefix.to_uppercase(), form(library));
    let (noise, low) = match form.picture {
        true => ("(int32_t)(x >> 24)", 0),
        false => ("(int32_t)(x >> 16) - 32768", -form.full),
    };
    Some(format!(
        r#"/* Made by edgewright: computes {CASES} windows and compares the results with those of the reference, bit for bit.
 * Build: cc selftest.c {p}.c -lm, with the folders of both headers and sources. Exit status 0: all are the same.
 * Where there is no main to be had, define EW_SELFTEST_NO_MAIN and call {p}_selftest(). */
#include "{p}.h"
#include <string.h>

static const uint32_t selftest_expected[{CASES}][{numbers}] = {{
    {table}}};

static uint32_t selftest_arena[({u}_ARENA_SIZE + 3) / 4];
static float selftest_window[{u}_WINDOW_LEN], selftest_values[{numbers}];

static void selftest_make(int kind)
{{
    uint32_t x = 0x9e3779b9u + (uint32_t)kind * 0x85ebca6bu;
    long i;
    for (i = 0; i < (long){u}_WINDOW_LEN; i++) {{
        int32_t noise, v;
        x ^= x << 13;
        x ^= x >> 17;
        x ^= x << 5;
        noise = {noise};
        switch (kind) {{
        case 0:
            v = 0;
            break;
        case 1:
            v = {full};
            break;
        case 2:
            v = noise;
            break;
        case 3:
            v = noise / 64;
            break;
        case 4:
            v = x >> 31 != 0u ? {full} : {low};
            break;
        default:
            v = i % 97 == 0 ? noise : 0;
            break;
        }}
        selftest_window[i] = (float)v * {scale:?}f;
    }}
}}

static void selftest_flatten(const {p}_result result, float *values)
{{
    int i = 0;
    (void)i;
{flatten}}}

/* 0: all results are the same. N above 0: the N-th window differs. Below 0: what a call returned. */
int {p}_selftest(void);
int {p}_selftest(void)
{{
    int kind;
    for (kind = 0; kind < {CASES}; kind++) {{
        {p}_t handle;
        {p}_result result;
        {p}_signal window = {p}_signal_f32(selftest_window);
        int status = {p}_init(&handle, selftest_arena, sizeof selftest_arena);
        selftest_make(kind);
        if (status == {u}_OK) {{
            status = {p}_classify(&handle, &window, &result);
        }}
        if (status != {u}_OK) {{
            return status;
        }}
        selftest_flatten(result, selftest_values);
        if (memcmp(selftest_values, selftest_expected[kind], sizeof selftest_values) != 0) {{
            return kind + 1;
        }}
    }}
    return 0;
}}

#ifndef EW_SELFTEST_NO_MAIN
#include <stdio.h>

int main(void)
{{
    const int status = {p}_selftest();
    if (status == 0) {{
        printf("{p}: {CASES} windows agree with the reference bit for bit\n");
    }} else if (status > 0) {{
        printf("{p}: window %d DIFFERS from the reference\n", status);
    }} else {{
        printf("{p}: a call returned %d\n", status);
    }}
    return status == 0 ? 0 : 1;
}}
#endif
"#,
        table = rows(&expected.results, "{", "}"),
        full = form.full,
        scale = form.scale,
        flatten = harness::flatten(library.impulse),
    ))
}

/// The same for Node.js, of the outputs of the learning blocks.
pub(crate) fn javascript(library: &Library<'_>) -> Option<String> {
    let expected = expected(library)?;
    let (p, form) = (library.prefix, form(library));
    Some(format!(
        r"// Made by edgewright: `node selftest.js` computes {CASES} windows, without and with SIMD instructions, and compares the results
// with those of the reference, bit for bit.
'use strict';
const fs = require('fs');
const path = require('path');
const {{ load, properties }} = require('./{p}.js');
const expected = [
    {table},
];

function make(kind) {{
  let x = (0x9e3779b9 + Math.imul(kind, 0x85ebca6b)) >>> 0;
  return Float32Array.from({{ length: properties.window_len }}, (_, i) => {{
    x = (x ^ (x << 13)) >>> 0;
    x = (x ^ (x >>> 17)) >>> 0;
    x = (x ^ (x << 5)) >>> 0;
    const noise = {noise};
    const v = [0, {full}, noise, Math.trunc(noise / 64), x >>> 31 ? {full} : {low}, i % 97 === 0 ? noise : 0][kind];
    return Math.fround(Math.fround(v) * {scale:?});
  }});
}}

(async () => {{
  for (const name of ['{p}.wasm', '{p}-simd.wasm']) {{
    for (let kind = 0; kind < {CASES}; kind++) {{
      const classifier = await load(fs.readFileSync(path.join(__dirname, name)));
      const bits = new Uint32Array(classifier.classify(make(kind)).outputs.buffer);
      const other = expected[kind].findIndex((v, i) => v !== bits[i]);
      if (other >= 0) throw new Error(`${{name}}: window ${{kind + 1}}, output ${{other}} DIFFERS from the reference`);
    }}
    console.log(`${{name}}: {CASES} windows agree with the reference bit for bit`);
  }}
}})().catch((e) => {{ console.error(e.message); process.exit(1); }});
",
        table = rows(&expected.outputs, "[", "]"),
        noise = if form.picture { "x >>> 24" } else { "(x >>> 16) - 32768" },
        full = form.full,
        low = if form.picture { 0 } else { -form.full },
        scale = form.scale,
    ))
}

/// The same for Rust, of the outputs of the learning blocks: a test that `cargo test` runs.
pub(crate) fn rust(library: &Library<'_>) -> Option<String> {
    let expected = expected(library)?;
    let (p, form) = (library.prefix, form(library));
    let width = expected.outputs.first()?.len();
    Some(format!(
        r#"//! Made by edgewright: computes {CASES} windows and compares the outputs with those of the reference, bit for bit.

use {p}::{{Impulse, WINDOW_LEN}};

const EXPECTED: [[u32; {width}]; {CASES}] = [
    {table},
];

fn window(kind: u32) -> Vec<f32> {{
    let mut x = 0x9e37_79b9_u32.wrapping_add(kind.wrapping_mul(0x85eb_ca6b));
    (0..WINDOW_LEN)
        .map(|i| {{
            x ^= x << 13;
            x ^= x >> 17;
            x ^= x << 5;
            let noise = {noise};
            let v: i32 = match kind {{
                0 => 0,
                1 => {full},
                2 => noise,
                3 => noise / 64,
                4 if x >> 31 != 0 => {full},
                4 => {low},
                _ if i % 97 == 0 => noise,
                _ => 0,
            }};
            v as f32 * {scale:?}
        }})
        .collect()
}}

#[test]
fn the_outputs_are_those_of_the_reference() {{
    for (kind, expected) in EXPECTED.iter().enumerate() {{
        let mut impulse = Impulse::new().expect("an impulse");
        let got = impulse.classify(&window(kind as u32)).expect("outputs").map(f32::to_bits);
        assert_eq!(&got, expected, "window {{kind}} DIFFERS from the reference");
    }}
}}
"#,
        table = rows(&expected.outputs, "[", "]"),
        noise = if form.picture { "(x >> 24) as i32" } else { "(x >> 16) as i32 - 32768" },
        full = form.full,
        low = if form.picture { 0 } else { -form.full },
        scale = form.scale,
    ))
}
