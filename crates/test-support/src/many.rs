//! One program for many graphs: compiling once is most of the cost.

use std::fmt::Write;

/// A graph with float ends that was emitted by itself under a prefix.
#[derive(Clone, Debug)]
pub struct Case {
    /// Prefix of its names, in lower case.
    pub prefix: String,
    /// How many inputs follow each other in the file.
    pub inputs: usize,
}

/// `main.c` that reads the inputs of all graphs in order from `inputs.bin` and writes the outputs to `outputs.bin`: on
/// the host, or on an emulated board.
pub fn many_main(cases: &[Case], board: bool) -> String {
    let mut out = String::new();
    for case in cases {
        let _ = writeln!(out, "#include \"{}.h\"", case.prefix);
    }
    out.push_str(if board {
        "#include \"board.h\"\nstatic int from, to;\n#define GET(x) board_read(from, x, sizeof x)\n#define PUT(x) board_write(to, x, sizeof x)\n"
    } else {
        "#include <stdio.h>\n#include <string.h>\nstatic FILE *from, *to;\n#define GET(x) (fread(x, sizeof x, 1, from) == 1 ? 0 : 1)\n#define PUT(x) (fwrite(x, sizeof x, 1, to) == 1 ? 0 : 1)\n"
    });
    for case in cases {
        let (p, u) = (&case.prefix, case.prefix.to_uppercase());
        let _ = write!(
            out,
            r#"
static int run_{p}(void)
{{
    static uint32_t arena[({u}_ARENA_SIZE + 3) / 4];
    static float in[{u}_INPUT_LEN];
    static float out[{u}_OUTPUT_LEN];
    {p}_t handle;
    int i;
    size_t k;
    if ({p}_init(&handle, arena, sizeof arena) != {u}_OK) {{
        return 1;
    }}
    for (i = 0; i < {count}; i++) {{
        for (k = 0; k < sizeof arena / sizeof arena[0]; k++) {{
            arena[k] = 0xa5a5a5a5u;
        }}
        if (GET(in) != 0 || {p}_invoke(&handle, in, {u}_INPUT_LEN, out, {u}_OUTPUT_LEN) != {u}_OK || PUT(out) != 0) {{
            return 1;
        }}
    }}
    return 0;
}}
"#,
            count = case.inputs
        );
    }
    let runs: Vec<String> = cases.iter().map(|c| format!("run_{}() != 0", c.prefix)).collect();
    let runs = runs.join(" || ");
    out.push_str(&if board {
        format!(
            "\nint main(void)\n{{\n    from = board_open(\"inputs.bin\", 0);\n    to = board_open(\"outputs.bin\", 1);\n    return from < 0 || to < 0 || {runs} ? 4 : 0;\n}}\n"
        )
    } else {
        format!(
            "\nint main(void)\n{{\n    from = fopen(\"inputs.bin\", \"rb\");\n    to = fopen(\"outputs.bin\", \"wb\");\n    if (from == NULL || to == NULL || {runs}) {{\n        return 4;\n    }}\n    return fclose(to) == 0 ? 0 : 7;\n}}\n"
        )
    });
    out
}
