//! What goes with a library: a wrapper for C++, an example, a page.

use crate::{emit::Names, layout::Arena, names::comment, slices::Slices};
use edgewright_impulse::{Impulse, Task};

/// The wrapper for C++.
pub(crate) fn wrapper(impulse: &Impulse, n: &Names) -> String {
    let (p, u) = (&n.p, &n.upper);
    let reset = match impulse.state_len() {
        0 => String::new(),
        _ => format!("    void reset() {{ {p}_reset(&handle_); }}\n"),
    };
    format!(
        r#"// {p}.hpp - C++ (11 and later) over {p}.h. Made by edgewright; do not edit.
#ifndef {u}_HPP
#define {u}_HPP

#include "{p}.h"

namespace {p}_cpp {{

// Owns its arena. Not copyable: the handle points into it.
class Impulse {{
public:
    Impulse() {{ status_ = {p}_init(&handle_, arena_, sizeof arena_); }}
    Impulse(const Impulse &) = delete;
    Impulse &operator=(const Impulse &) = delete;

    int status() const {{ return status_; }}
    int classify(const {p}_signal &signal, {p}_result &result) {{ return {p}_classify(&handle_, &signal, &result); }}
{reset}
private:
    alignas(4) unsigned char arena_[{u}_ARENA_SIZE];
    {p}_t handle_;
    int status_;
}};

}}

#endif
"#
    )
}

/// The lines of the example that the page shows; both are compiled.
fn snippet(impulse: &Impulse, n: &Names) -> String {
    let (p, u) = (&n.p, &n.upper);
    let mut print = String::new();
    for learn in &impulse.learn {
        match &learn.task {
            Task::Classification { min_confidence, .. } => {
                let (mark, word) = match min_confidence {
                    Some(_) => ("%s", ", result.uncertain ? \" ?\" : \"\""),
                    None => ("", ""),
                };
                print.push_str(&format!(
                    "    printf(\"%s %f{mark}\\n\", {p}_labels[result.label], (double)result.scores[result.label]{word});\n"
                ));
            }
            Task::Regression => print.push_str("    printf(\"%f\\n\", (double)result.value);\n"),
            Task::Detection(_) => print.push_str(&format!(
                "    for (int i = 0; i < result.box_count; i++) {{\n        const {p}_box *b = &result.boxes[i];\n        printf(\"%s %f at %d %d, %d x %d\\n\", {p}_labels[b->label], (double)b->score, b->x, b->y, b->width, b->height);\n    }}\n"
            )),
            Task::Anomaly { .. } => print.push_str(&format!(
                "    printf(\"anomaly %f%s\\n\", (double)result.anomaly, result.anomaly > {u}_ANOMALY_THRESHOLD ? \" !\" : \"\");\n"
            )),
        }
    }
    format!(
        r#"#include "{p}.h"
#include <stdio.h>

static uint32_t arena[({u}_ARENA_SIZE + 3) / 4];
static float window[{u}_WINDOW_LEN]; /* fill it with sensor values */

int main(void)
{{
    {p}_t handle;
    {p}_result result;
    const {p}_signal signal = {p}_signal_f32(window);
    if ({p}_init(&handle, arena, sizeof arena) != {u}_OK || {p}_classify(&handle, &signal, &result) != {u}_OK) {{
        return 1;
    }}
{print}    return 0;
}}
"#
    )
}

/// A program that classifies one window.
pub(crate) fn example(impulse: &Impulse, n: &Names) -> String {
    format!("/* Classifies one window. Build: cc example.c {}.c -lm */\n{}", n.p, snippet(impulse, n))
}

/// What the library needs and where its memory lies.
pub(crate) fn page(impulse: &Impulse, arena: &Arena, n: &Names) -> String {
    let p = &n.p;
    let mut map = String::new();
    for (b, offset) in arena.buffers.iter().zip(&arena.plan.offsets) {
        if b.bytes > 0 {
            map.push_str(&format!(
                "| {} | {offset} | {} | {} to {} |\n",
                comment(&b.name).replace('|', "/"),
                b.bytes,
                b.first,
                b.last
            ));
        }
    }
    format!(
        r#"# {p}

C99, no heap, no dependency but `sqrtf` of the C library. Add `{p}.c` and `{p}.h` to a build; `{p}.hpp` is for C++.
The arithmetic is the same under every compiler option but `-ffast-math` (which it refuses).

```c
{snippet}```

## Porting

- Values: all axes of a frame together, in the order and units of the header; sampled at the rate it names.
- RAM: the arena, the window if you keep one (a callback in `{p}_signal` reads it from anywhere, such as a 16-bit buffer
  that a DMA fills: `{p}_signal_i16`), and a stack of about one kilobyte.
{state}- Two libraries link together when their projects have different names.
- A stream: `{p}_stream_push` takes values as they come; `{p}_stream_ready`, `{p}_classify` on `{p}_stream_window`, then
  `{p}_stream_advance`. The results are those of classifying each window at once.
{slices}
## Arena

| buffer | offset | bytes | steps |
|---|---|---|---|
{map}
"#,
        snippet = snippet(impulse, n),
        slices = match Slices::of(impulse) {
            None => String::new(),
            Some(_) => format!(
                "- Slices of sound: `{p}_slices_push` computes each frame as soon as its samples are there, so that a window costs only\n  what is new in it and no window of samples is kept; then `{p}_slices_ready`, `{p}_slices_classify`,\n  `{p}_slices_advance`. The results are the same again.\n"
            ),
        },
        state = match impulse.state_len() {
            0 => String::new(),
            n => format!(
                "- The handle keeps {} bytes from window to window: classify consecutive windows with one handle, and call\n  `{p}_reset` where the next window follows none.\n",
                4 * n
            ),
        },
    )
}
