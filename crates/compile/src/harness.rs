//! Programs that run a library on windows from a file, for the proof.

use crate::{model::element, names::prefix, nn, slices::Slices};
use edgewright_impulse::{Impulse, Task};
use edgewright_ir::Graph;

/// Start-up code, semihosting and stack measuring of the emulated boards.
pub const BOARD: &str = include_str!("../../../runtime/c/harness/board.c");
/// Linker script of the boards; `@NAME@` places are filled in.
pub const LINKER_SCRIPT: &str = include_str!("../../../runtime/c/harness/board.ld.in");
/// Instruction counter for QEMU, built with the host's compiler.
pub const COUNTER: &str = include_str!("../../../runtime/c/harness/counter.c");

/// Statements of C that write `result` as floats to `values`, with a free `int i`: [`Impulse::result_len`] numbers in the
/// order of [`edgewright_impulse::Outcome::numbers`].
pub fn flatten(impulse: &Impulse) -> String {
    let mut out = String::new();
    let mut at = 0;
    for learn in &impulse.learn {
        match &learn.task {
            Task::Classification { labels, min_confidence } => {
                out.push_str(&format!(
                    "    for (i = 0; i < {}; i++) {{ values[{at} + i] = result.scores[i]; }}\n",
                    labels.len()
                ));
                at += labels.len();
                if min_confidence.is_some() {
                    out.push_str(&format!("    values[{at}] = (float)result.uncertain;\n"));
                    at += 1;
                }
            }
            Task::Regression => {
                out.push_str(&format!("    values[{at}] = result.value;\n"));
                at += 1;
            }
            Task::Detection(d) => {
                let (scores, most) = (d.scores(), d.most());
                out.push_str(&format!(
                    "    for (i = 0; i < {scores}; i++) {{ values[{at} + i] = result.cells[i]; }}\n    values[{}] = (float)result.box_count;\n",
                    at + scores
                ));
                at += scores + 1;
                out.push_str(&format!(
                    "    for (i = 0; i < {most}; i++) {{\n        const int there = i < result.box_count;\n"
                ));
                for (k, field) in ["label", "x", "y", "width", "height", "score"].iter().enumerate() {
                    out.push_str(&format!(
                        "        values[{} + 6 * i] = there ? (float)result.boxes[i].{field} : 0.0f;\n",
                        at + k
                    ));
                }
                out.push_str("    }\n");
                at += 6 * most;
            }
            Task::Anomaly { .. } => {
                out.push_str(&format!("    values[{at}] = result.anomaly;\n"));
                at += 1;
            }
        }
    }
    out
}

/// What a call returns for a window with a value that is no number: in place of each result of such a window.
pub const NOT_FINITE: f32 = -2.0;

/// Floats before each window of a file of windows: for an impulse that keeps something from window to window, one that is
/// not 0 where the window follows none.
pub fn window_prefix(impulse: &Impulse) -> usize {
    usize::from(impulse.state_len() > 0)
}

/// A host program: reads windows, each after [`window_prefix`] floats, from its first argument, writes results to its
/// second; both single precision in the byte order of the machine. Three numbers follow: how many windows it takes from the front, how many it then leaves
/// out, and how many it takes after those. Windows are classified at once, and one in sixteen again out of a stream;
/// both must agree, and so must slices where the library takes them. A window that is refused has the negative number that the call returned in place of each result.
pub fn host_main(impulse: &Impulse, name: Option<&str>) -> String {
    let p = name.map_or_else(|| prefix(&impulse.name), prefix);
    let u = p.to_uppercase();
    let (before, reset) = (window_prefix(impulse), reset(impulse, &p));
    let (kept, slices) = match Slices::of(impulse) {
        None => (String::new(), String::new()),
        Some(_) => (
            format!("static {p}_slices slices;\n"),
            format!(
                r#"        if (count % 16u == 0u) {{
            size_t from = 0, taken = 0;
            int status = {u}_OK;
            {p}_slices_init(&slices);
            while (status == {u}_OK && from < {u}_WINDOW_LEN) {{
                const size_t piece = {u}_WINDOW_LEN - from < 77u ? {u}_WINDOW_LEN - from : 77u;
                status = {p}_slices_push(&handle, &slices, window + from, piece, &taken);
                from += taken;
            }}
            outcome(status == {u}_OK ? {p}_slices_classify(&handle, &slices, &result) : status, &result, streamed);
            if (memcmp(once, streamed, sizeof once) != 0) {{
                return 9;
            }}
        }}
"#
            ),
        ),
    };
    format!(
        r#"/* Made by edgewright to prove the library. */
#include "{p}.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static uint32_t arena[({u}_ARENA_SIZE + 3) / 4];
static float record[{before} + {u}_WINDOW_LEN], ring[{u}_WINDOW_LEN];
{kept}
static void flatten({p}_result result, float *values)
{{
    int i = 0;
    (void)i;
    (void)values;
    (void)result;
{flatten}}}

/* The result, or where there is none what the call returned. */
static void outcome(int status, const {p}_result *result, float *values)
{{
    int i;
    if (status == {u}_OK) {{
        flatten(*result, values);
    }} else {{
        for (i = 0; i < {results}; i++) {{
            values[i] = (float)status;
        }}
    }}
}}

int main(int argc, char **argv)
{{
    static float once[{results}], streamed[{results}];
    const float *const window = record + {before};
    {p}_t handle, again;
    FILE *in, *out;
    unsigned long count = 0, tested, skipped, most;
    if (argc != 6) {{
        return 2;
    }}
    tested = strtoul(argv[3], NULL, 10);
    skipped = strtoul(argv[4], NULL, 10);
    most = tested + strtoul(argv[5], NULL, 10);
    in = fopen(argv[1], "rb");
    out = fopen(argv[2], "wb");
    if (in == NULL || out == NULL || {p}_init(&handle, arena, sizeof arena) != {u}_OK) {{
        return 3;
    }}
    for (; count < most; count++) {{
        for (; count == tested && skipped > 0u; skipped--) {{
            if (fseek(in, (long)sizeof record, SEEK_CUR) != 0) {{
                return 8;
            }}
        }}
        if (fread(record, sizeof record, 1, in) != 1) {{
            return 8;
        }}
{reset}        again = handle;
        {p}_signal signal = {p}_signal_f32(window);
        {p}_stream stream;
        {p}_result result;
        size_t at = 0;
        memset(arena, 0xa5, sizeof arena);
        memset(&result, 0, sizeof result);
        outcome({p}_classify(&handle, &signal, &result), &result, once);
        {p}_stream_init(&stream, ring);
        while (count % 16u == 0u && at < {u}_WINDOW_LEN) {{
            const size_t piece = {u}_WINDOW_LEN - at < 77u ? {u}_WINDOW_LEN - at : 77u;
            at += {p}_stream_push(&stream, window + at, piece);
        }}
        signal = {p}_stream_window(&stream);
        if (count % 16u != 0u) {{
            memcpy(streamed, once, sizeof once);
        }} else if (!{p}_stream_ready(&stream)) {{
            return 5;
        }} else {{
            outcome({p}_classify(&again, &signal, &result), &result, streamed);
        }}
        if (memcmp(once, streamed, sizeof once) != 0) {{
            return 6;
        }}
{slices}        if (fwrite(once, sizeof once, 1, out) != 1) {{
            return 7;
        }}
    }}
    fclose(in);
    return fclose(out) == 0 ? 0 : 7;
}}
"#,
        flatten = flatten(impulse),
        results = impulse.result_len().max(1)
    )
}

/// A board program: reads windows from `windows.bin` and writes results to `results.bin` beside the emulator, then the
/// deepest stack of a classification as one more 32-bit number to `stack.bin`.
pub fn board_main(impulse: &Impulse, name: Option<&str>) -> String {
    let p = name.map_or_else(|| prefix(&impulse.name), prefix);
    let u = p.to_uppercase();
    let (before, reset) = (window_prefix(impulse), reset(impulse, &p));
    format!(
        r#"/* Made by edgewright to prove the library. */
#include "{p}.h"
#include "board.h"

static uint32_t arena[({u}_ARENA_SIZE + 3) / 4];
static float record[{before} + {u}_WINDOW_LEN];
static {p}_result result;
static {p}_t handle;
static {p}_signal signal;
static int status;

static void run(void)
{{
    status = {p}_classify(&handle, &signal, &result);
}}

static void flatten(float *values)
{{
    int i = 0;
    (void)i;
    (void)values;
{flatten}}}

int main(void)
{{
    static float values[{results}];
    uint32_t deepest = 0;
    const int in = board_open("windows.bin", 0), out = board_open("results.bin", 1);
    int note;
    signal = {p}_signal_f32(record + {before});
    if (in < 0 || out < 0 || {p}_init(&handle, arena, sizeof arena) != {u}_OK) {{
        return 3;
    }}
    while (board_read(in, record, sizeof record) == 0) {{
        uint32_t depth;
{reset}        depth = board_stack_of(run);
        if (status != {u}_OK) {{
            return 4;
        }}
        deepest = depth > deepest ? depth : deepest;
        flatten(values);
        if (board_write(out, values, sizeof values) != 0) {{
            return 7;
        }}
    }}
    note = board_open("stack.bin", 1);
    return note >= 0 && board_write(note, &deepest, sizeof deepest) == 0 ? 0 : 7;
}}
"#,
        flatten = flatten(impulse),
        results = impulse.result_len().max(1)
    )
}

/// Statements that forget earlier windows where the record says so.
fn reset(impulse: &Impulse, p: &str) -> String {
    match window_prefix(impulse) {
        0 => String::new(),
        _ => format!("        if (record[0] != 0.0f) {{\n            {p}_reset(&handle);\n        }}\n"),
    }
}

/// A program, of the host or of a board, that runs the library of a graph with this prefix on the inputs of `inputs.bin`,
/// one after the other, and writes the outputs to `outputs.bin`; a board also writes its deepest stack to `stack.bin`.
pub fn graph_main(graph: &Graph, name: &str, board: bool) -> String {
    let p = prefix(name);
    let u = p.to_uppercase();
    let outputs = nn::output_arrays(graph);
    let out_length = |i: usize| if outputs.len() > 1 { format!("OUTPUT{i}") } else { "OUTPUT".into() };
    let results: String = (outputs.iter().enumerate())
        .map(|(i, (name, kind, _))| format!("static {kind} {name}[{u}_{}_LEN];\n", out_length(i)))
        .collect();
    let result_arguments: Vec<String> = (outputs.iter().enumerate())
        .map(|(i, (name, ..))| format!("{name}, {u}_{}_LEN", out_length(i)))
        .collect();
    let writes: String = (outputs.iter())
        .map(|(name, ..)| {
            if board {
                format!(" || board_write(to, {name}, sizeof {name}) != 0")
            } else {
                format!(" || fwrite({name}, sizeof {name}, 1, to) != 1")
            }
        })
        .collect();
    // Each input is an array of its own, read one behind the other.
    let names: Vec<String> = (0..graph.inputs.len()).map(|i| nn::input_name(graph, "in", i)).collect();
    let reads = |read: &dyn Fn(&str) -> String| -> String {
        names.iter().map(|n| read(n)).collect::<Vec<_>>().join(" && ")
    };
    let length = |i: usize| nn::input_name(graph, "INPUT", i);
    let arrays: String = (graph.inputs.iter().zip(&names).enumerate())
        .map(|(i, (id, n))| format!("static {} {n}[{u}_{}_LEN];\n", element(graph, *id), length(i)))
        .collect();
    let arguments: String =
        names.iter().enumerate().map(|(i, n)| format!("{n}, {u}_{}_LEN, ", length(i))).collect();
    let (head, body) = if board {
        (
            "#include \"board.h\"",
            r#"    uint32_t deepest = 0;
    const int from = board_open("inputs.bin", 0), to = board_open("outputs.bin", 1);
    int note;
    if (from < 0 || to < 0) {
        return 3;
    }
    while (@READ@) {
        const uint32_t depth = board_stack_of(run);
        deepest = depth > deepest ? depth : deepest;
        if (status != 0@WRITE@) {
            return 4;
        }
    }
    note = board_open("stack.bin", 1);
    return note >= 0 && board_write(note, &deepest, sizeof deepest) == 0 ? 0 : 7;"#,
        )
    } else {
        (
            "#include <stdio.h>\n#include <string.h>",
            r#"    FILE *from = fopen("inputs.bin", "rb"), *to = fopen("outputs.bin", "wb");
    if (from == NULL || to == NULL) {
        return 3;
    }
    while (@READ@) {
        memset(arena, 0xa5, sizeof arena);
        run();
        if (status != 0@WRITE@) {
            return 4;
        }
    }
    fclose(from);
    return fclose(to) == 0 ? 0 : 7;"#,
        )
    };
    let read = reads(&|n| {
        if board {
            format!("board_read(from, {n}, sizeof {n}) == 0")
        } else {
            format!("fread({n}, sizeof {n}, 1, from) == 1")
        }
    });
    let body = body.replace("@READ@", &read).replace("@WRITE@", &writes);
    format!(
        r#"/* Made by edgewright to prove the library. */
#include "{p}.h"
{head}

static uint32_t arena[({u}_ARENA_SIZE + 3) / 4];
{arrays}{results}static {p}_t handle;
static int status;

static void run(void)
{{
    status = {p}_invoke(&handle, {arguments}{results_passed});
}}

int main(void)
{{
    if ({p}_init(&handle, arena, sizeof arena) != {u}_OK) {{
        return 2;
    }}
    {{
{body}
    }}
}}
"#,
        results_passed = result_arguments.join(", ")
    )
}

/// Declarations of [`BOARD`].
pub const BOARD_HEADER: &str = include_str!("../../../runtime/c/harness/board.h");

/// Functions that mark the borders of what is counted; the last ends each node of a graph.
pub const MARKS: [&str; 4] = ["ew_mark_dsp", "ew_mark_network", "ew_mark_end", "ew_mark_step"];
