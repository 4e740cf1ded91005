//! The library of an impulse: one header, one source file, a C++ wrapper, an example, a page.

use crate::{
    CompileError, Target, dsp,
    layout::{Arena, arena, contiguous},
    model::MARKS,
    names::{array, comment, prefix, string},
    nn, runtime,
};
use edgewright_impulse::{Impulse, Task};
use std::collections::BTreeMap;

/// Files by path, in order of path.
pub type FileTree = BTreeMap<String, Vec<u8>>;

/// What may be chosen.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Options {
    /// Prefix of every name; made from the impulse's name when left out.
    pub prefix: Option<String>,
}

/// Emits the library of an impulse.
///
/// # Errors
/// [`CompileError`].
pub fn compile(impulse: &Impulse, target: &Target, options: &Options) -> Result<FileTree, CompileError> {
    let arena = arena(impulse, target)?;
    let needed = arena.plan.bytes + 4 * impulse.state_len();
    if let Some(ram) = target.ram_bytes()
        && needed as u64 > ram
    {
        return Err(CompileError::ArenaTooLarge {
            needed,
            available: ram as usize,
            target: target.id.clone(),
        });
    }
    let p = options.prefix.as_deref().map_or_else(|| prefix(&impulse.name), prefix);
    let names = Names { upper: p.to_uppercase(), p };
    let mut tree = FileTree::new();
    let mut put = |path: String, text: String| tree.insert(path, text.into_bytes());
    put(format!("{}.h", names.p), header(impulse, target, &arena, &names));
    put(format!("{}.c", names.p), source(impulse, &arena, &names)?);
    put(format!("{}.hpp", names.p), wrapper(impulse, &names));
    put("example.c".into(), example(impulse, &names));
    put("README.md".into(), page(impulse, &arena, &names));
    Ok(tree)
}

struct Names {
    p: String,
    upper: String,
}

/// Number of values of all learning blocks together, in order.
fn outputs(impulse: &Impulse) -> usize {
    impulse.learn.iter().map(|l| l.graph.tensor(l.graph.outputs[0]).len()).sum()
}

fn header(impulse: &Impulse, target: &Target, arena: &Arena, n: &Names) -> String {
    let (p, u) = (&n.p, &n.upper);
    let w = &impulse.window;
    let axes: Vec<String> = w
        .axes
        .iter()
        .map(|a| {
            if a.units.is_empty() { comment(&a.name) } else { comment(&format!("{} ({})", a.name, a.units)) }
        })
        .collect();
    let blocks: Vec<String> =
        impulse.dsp.iter().map(|b| format!("{} version {}", b.block, b.version)).collect();
    let mut tasks = String::new();
    let mut fields = String::new();
    let labels = impulse.labels();
    for learn in &impulse.learn {
        match &learn.task {
            Task::Classification { min_confidence, .. } => {
                fields.push_str(&format!(
                    "    float scores[{u}_LABEL_COUNT]; /* one per label, summing to 1 */\n    int label;                 /* index of the highest score */\n"
                ));
                tasks.push_str(&format!("#define {u}_LABEL_COUNT {}\n", labels.len()));
                if let Some(least) = min_confidence {
                    fields.push_str(&format!(
                        "    int uncertain;             /* 1 when that score is below {u}_MIN_CONFIDENCE */\n"
                    ));
                    tasks.push_str(&format!("#define {u}_MIN_CONFIDENCE {}\n", crate::names::float(*least)));
                }
            }
            Task::Regression => fields.push_str("    float value; /* estimate */\n"),
            Task::Detection(d) => {
                fields.push_str(&format!(
                    "    const float *cells; /* scores of the cells, row by row: background, then each label; in the arena until the next call */\n    int box_count;\n    {p}_box boxes[{u}_BOX_MAX];\n"
                ));
                tasks.push_str(&format!(
                    "#define {u}_LABEL_COUNT {}\n#define {u}_CELL_ROWS {}\n#define {u}_CELL_COLUMNS {}\n#define {u}_BOX_MAX {}   /* boxes of a picture, at most */\n#define {u}_BOX_THRESHOLD {}\n",
                    labels.len(),
                    d.rows,
                    d.columns,
                    d.most(),
                    crate::names::float(d.threshold)
                ));
            }
            Task::Anomaly { threshold } => {
                fields.push_str("    float anomaly; /* larger is more unusual */\n");
                tasks.push_str(&format!(
                    "#define {u}_ANOMALY_THRESHOLD {}\n",
                    crate::names::float(*threshold)
                ));
            }
        }
    }
    if fields.is_empty() {
        fields.push_str("    int nothing; /* the impulse has no learning block */\n");
    }
    let (boxes, decode) = match impulse.detector() {
        None => (String::new(), String::new()),
        Some(_) => (
            format!(
                "/* An object in a picture, in pixels of the window. */\ntypedef struct {{\n    uint16_t label; /* index of its name */\n    uint16_t x, y, width, height;\n    float score;\n}} {p}_box;\n\n"
            ),
            format!(
                "/* From the scores of the cells to the boxes of those that score at least `threshold`: at most {u}_BOX_MAX of them; returns how\n * many. `{p}_classify` does it with {u}_BOX_THRESHOLD. */\nint {p}_decode(const float *cells, float threshold, {p}_box *boxes);\n\n"
            ),
        ),
    };
    let label_names = if labels.is_empty() {
        String::new()
    } else {
        format!(
            "/* Names of the labels, in the order of the scores. */\nextern const char *const {p}_labels[{u}_LABEL_COUNT];\n\n"
        )
    };
    format!(
        r#"/* {p}.h - made by edgewright {version} for {target}. Do not edit; make it anew with `edgewright build`.
 *
 * Window: {frames} frames of {axis_count} values at {rate} Hz: {axes}.
 * Features: {feature_count} from {blocks}.
 * Memory: {arena} bytes of arena, from the caller{kept}; no heap, nothing global that changes.
 */
#ifndef {u}_H
#define {u}_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {{
#endif

#define {u}_WINDOW_FRAMES {frames}
#define {u}_AXES {axis_count}
#define {u}_WINDOW_LEN {window_len}   /* values: frames x axes, all axes of a frame together */
#define {u}_STRIDE_LEN {stride_len}   /* values from one window to the next */
#define {u}_SAMPLE_RATE_HZ {rate_literal}
#define {u}_FEATURE_COUNT {feature_count}
#define {u}_OUTPUT_COUNT {output_count}
#define {u}_ARENA_SIZE {arena}
{tasks}
/* What a call returns. */
#define {u}_OK 0
#define {u}_ERROR_SIGNAL (-1)     /* the signal's callback returned an error */
#define {u}_ERROR_NOT_FINITE (-2) /* a value of the window is not a number */
#define {u}_ERROR_ARGUMENT (-3)   /* a null pointer or a wrong length */
#define {u}_ERROR_ARENA (-4)      /* the arena is smaller than {u}_ARENA_SIZE or not aligned to 4 bytes */

{label_names}/* Copies `length` values from `offset` of the window to `out`; 0 is success. */
typedef int (*{p}_get_data)(void *context, size_t offset, size_t length, float *out);

/* A window that is read where it lies. */
typedef struct {{
    {p}_get_data get;
    void *context;
    size_t length; /* values in the window: {u}_WINDOW_LEN */
}} {p}_signal;

typedef struct {{
    unsigned char *arena;
{state}}} {p}_t;

{boxes}typedef struct {{
{fields}}} {p}_result;

/* Takes an arena of at least {u}_ARENA_SIZE bytes, aligned to 4. Several handles may share one arena if they do not run at
 * the same time. */
int {p}_init({p}_t *handle, void *arena, size_t arena_size);

{reset}/* From a window to the result. */
int {p}_classify({p}_t *handle, const {p}_signal *signal, {p}_result *result);

/* From a window to its {u}_FEATURE_COUNT features. */
int {p}_extract({p}_t *handle, const {p}_signal *signal, float *features, size_t length);

/* From {u}_FEATURE_COUNT features to the {u}_OUTPUT_COUNT outputs of the learning blocks. */
int {p}_invoke({p}_t *handle, const float *in, size_t in_len, float *out, size_t out_len);

{decode}/* Signals over a window in memory. */
{p}_signal {p}_signal_f32(const float *window);
{p}_signal {p}_signal_i16(const int16_t *window);

/* Windows out of a stream: push values as they come, classify when a window is full, advance by a stride. */
typedef struct {{
    float *buffer; /* {u}_WINDOW_LEN values, from the caller */
    size_t start, filled, skip;
}} {p}_stream;

void {p}_stream_init({p}_stream *stream, float *buffer);
/* Takes up to `length` values and returns how many; fewer once the window is full. */
size_t {p}_stream_push({p}_stream *stream, const float *values, size_t length);
int {p}_stream_ready(const {p}_stream *stream);
{p}_signal {p}_stream_window({p}_stream *stream);
void {p}_stream_advance({p}_stream *stream);

#ifdef __cplusplus
}}
#endif

#endif
"#,
        version = env!("CARGO_PKG_VERSION"),
        target = comment(&target.id),
        frames = w.frames,
        axis_count = w.axes.len(),
        rate = w.rate_hz,
        rate_literal = format_args!("{:?}", w.rate_hz),
        kept = match impulse.state_len() {
            0 => String::new(),
            n => format!(", and {} bytes in the handle that go from window to window", 4 * n),
        },
        state = match impulse.state_len() {
            0 => String::new(),
            n => format!("    float state[{n}]; /* what goes from window to window */\n"),
        },
        reset = match impulse.state_len() {
            0 => String::new(),
            _ => format!(
                "/* Forgets earlier windows: the next one follows none. */\nvoid {p}_reset({p}_t *handle);\n\n"
            ),
        },
        axes = axes.join(", "),
        feature_count = impulse.features(),
        blocks = comment(&blocks.join(", ")),
        arena = arena.plan.bytes.max(4),
        window_len = w.values(),
        stride_len = w.stride * w.axes.len(),
        output_count = outputs(impulse).max(1),
    )
}

fn source(impulse: &Impulse, arena: &Arena, n: &Names) -> Result<String, CompileError> {
    let (p, u) = (&n.p, &n.upper);
    let mut wanted = vec!["ew_base.h"];
    let mut parts = String::new();
    let mut extract = String::new();
    let (mut at, mut state_at) = (0, 0);
    for (i, block) in impulse.dsp.iter().enumerate() {
        let code =
            dsp::emit(block, &format!("{p}_dsp{i}"), impulse.window.axes.len(), &format!("{p}_get_i16"));
        wanted.extend(code.runtime);
        parts.push_str(&format!(
            "/* DSP block {}: {} version {} */\n",
            comment(&block.id),
            comment(&block.block),
            block.version
        ));
        parts.push_str(&code.source);
        parts.push('\n');
        let state = match block.plan.state_len() {
            0 => String::new(),
            _ => format!("        float *state = handle->state + {state_at};\n"),
        };
        let (features, chosen) = match &block.keep {
            None => (format!("all + {at}"), String::new()),
            Some(keep) => {
                parts.push_str(&array("uint32_t", &format!("{p}_dsp{i}_keep"), keep, usize::to_string));
                parts.push('\n');
                let chosen = format!(
                    "        for (i = 0; status == EW_OK && i < {}u; i++) {{\n            all[{at} + i] = features[{p}_dsp{i}_keep[i]];\n        }}\n",
                    keep.len()
                );
                (format!("scratch + {}", block.plan.scratch_len()), chosen)
            }
        };
        let i_declared = if chosen.is_empty() { "" } else { "        size_t i;\n" };
        extract.push_str(&format!(
            "    if (status == EW_OK) {{\n        float *scratch = (float *)(void *)(arena + {}u);\n        float *features = {features};\n{state}{i_declared}        (void)scratch;\n        status = {};\n{chosen}    }}\n",
            arena.scratch[i], code.call
        ));
        at += block.features();
        state_at += block.plan.state_len();
    }
    let mut infer = String::new();
    let offsets = impulse.feature_offsets();
    let mut out_at = 0;
    for (i, learn) in impulse.learn.iter().enumerate() {
        let (needs, places) = &arena.learn[i];
        let symbol = format!("{p}_nn{i}");
        let code = nn::emit(&learn.graph, needs, places, &symbol)
            .map_err(|reason| CompileError::Graph { id: learn.id.clone(), reason })?;
        wanted.extend(&code.runtime);
        parts.push_str(&format!("/* Learning block {} */\n", comment(&learn.id)));
        parts.push_str(&code.source);
        parts.push('\n');
        let input = match arena.gathered[i] {
            None => format!("features + {}", offsets[learn.inputs.first().copied().unwrap_or(0)]),
            Some(place) => {
                let mut to = 0;
                for &block in &learn.inputs {
                    let bytes = 4 * impulse.dsp[block].features();
                    infer.push_str(&format!(
                        "    memcpy(arena + {}u, features + {}, {bytes}u);\n",
                        place + to,
                        offsets[block]
                    ));
                    to += bytes;
                }
                format!("(const float *)(void *)(arena + {place}u)")
            }
        };
        debug_assert!(arena.gathered[i].is_some() || contiguous(&learn.inputs));
        infer.push_str(&format!("    {symbol}({input}, out + {out_at}, arena);\n"));
        out_at += learn.graph.tensor(learn.graph.outputs[0]).len();
    }
    let mut result = String::new();
    let mut out_at = 0;
    for learn in &impulse.learn {
        match &learn.task {
            Task::Classification { labels, min_confidence } => {
                result.push_str(&format!(
                    "    result->label = 0;\n    for (i = 0; i < {count}; i++) {{\n        result->scores[i] = out[{out_at} + i];\n        if (out[{out_at} + i] > out[{out_at} + result->label]) {{\n            result->label = i;\n        }}\n    }}\n",
                    count = labels.len()
                ));
                if min_confidence.is_some() {
                    result.push_str(&format!(
                        "    result->uncertain = result->scores[result->label] < {u}_MIN_CONFIDENCE;\n"
                    ));
                }
                out_at += labels.len();
            }
            Task::Regression => {
                result.push_str(&format!("    result->value = out[{out_at}];\n"));
                out_at += 1;
            }
            Task::Detection(d) => {
                result.push_str(&format!(
                    "    result->cells = out + {out_at};\n    result->box_count = {p}_decode(out + {out_at}, {u}_BOX_THRESHOLD, result->boxes);\n"
                ));
                out_at += d.scores();
            }
            Task::Anomaly { .. } => {
                result.push_str(&format!("    result->anomaly = out[{out_at}];\n"));
                out_at += 1;
            }
        }
    }
    let mut decode = String::new();
    if let Some(d) = impulse.detector() {
        wanted.push("ew_cells.h");
        let sizes: Vec<String> = d.sizes.iter().flatten().map(u32::to_string).collect();
        decode = format!(
            "static const uint16_t {p}_sizes[{}] = {{{}}};\nstatic const ew_detector {p}_detector = {{{u}_LABEL_COUNT, {u}_CELL_ROWS, {u}_CELL_COLUMNS, {}, {}, {u}_BOX_MAX, {p}_sizes}};\n\nint {p}_decode(const float *cells, float threshold, {p}_box *boxes)\n{{\n    return ew_cells_to_boxes(&{p}_detector, cells, threshold, boxes);\n}}\n\n",
            sizes.len(),
            sizes.join(", "),
            d.width,
            d.height
        );
    }
    let out = match arena.outputs {
        Some(_) => "    float *out;\n".to_owned(),
        None => format!("    float out[{u}_OUTPUT_COUNT];\n"),
    };
    if impulse.learn.is_empty() {
        result.push_str("    result->nothing = 0;\n");
    }
    let labels = impulse.labels();
    let label_text = if labels.is_empty() {
        String::new()
    } else {
        let list: Vec<String> = labels.iter().map(|l| string(l)).collect();
        format!("const char *const {p}_labels[{u}_LABEL_COUNT] = {{{}}};\n\n", list.join(", "))
    };
    Ok(format!(
        r#"/* {p}.c - made by edgewright {version}. Do not edit; make it anew with `edgewright build`.
 *
 * {macs} multiply-accumulates a window, {weights} bytes of weights, {arena_bytes} bytes of arena
 * (no layout can be smaller than {lower} bytes).
 */
#include "{p}.h"

{runtime}
{MARKS}
/* ---- {p} ---- */
{parts}{label_text}/* An array of negative size where the arena's layout does not hold. */
typedef char {p}_arena_is_whole[({u}_ARENA_SIZE >= {arena_bytes}) && (sizeof(float) == 4) ? 1 : -1];

static int {p}_features({p}_t *handle, const ew_signal *signal, float *all)
{{
    unsigned char *arena = handle->arena;
    int status = EW_OK;
    (void)arena;
    (void)all;
    (void)signal;
{extract}    return status;
}}

static void {p}_infer(unsigned char *arena, const float *features, float *out)
{{
    (void)arena;
    (void)features;
    (void)out;
{infer}}}

int {p}_init({p}_t *handle, void *arena, size_t arena_size)
{{
    if (handle == NULL) {{
        return EW_ERROR_ARGUMENT;
    }}
    handle->arena = NULL;
    if (arena == NULL || arena_size < (size_t){u}_ARENA_SIZE || ((uintptr_t)arena & 3u) != 0u) {{
        return EW_ERROR_ARENA;
    }}
    handle->arena = (unsigned char *)arena;
{forget}    return EW_OK;
}}

{reset}int {p}_extract({p}_t *handle, const {p}_signal *signal, float *features, size_t length)
{{
    if (handle == NULL || handle->arena == NULL || signal == NULL || signal->get == NULL || features == NULL ||
        length != (size_t){u}_FEATURE_COUNT || signal->length != (size_t){u}_WINDOW_LEN) {{
        return EW_ERROR_ARGUMENT;
    }}
    return {p}_features(handle, signal, features);
}}

int {p}_invoke({p}_t *handle, const float *in, size_t in_len, float *out, size_t out_len)
{{
    if (handle == NULL || handle->arena == NULL || in == NULL || out == NULL || in_len != (size_t){u}_FEATURE_COUNT ||
        out_len != (size_t){u}_OUTPUT_COUNT) {{
        return EW_ERROR_ARGUMENT;
    }}
    {p}_infer(handle->arena, in, out);
    return EW_OK;
}}

{decode}int {p}_classify({p}_t *handle, const {p}_signal *signal, {p}_result *result)
{{
{out}    float *features;
    int status, i = 0;
    if (handle == NULL || handle->arena == NULL || signal == NULL || signal->get == NULL || result == NULL ||
        signal->length != (size_t){u}_WINDOW_LEN) {{
        return EW_ERROR_ARGUMENT;
    }}
    features = (float *)(void *)(handle->arena + {features_at}u);
{place}    ew_mark_dsp();
    status = {p}_features(handle, signal, features);
    if (status != EW_OK) {{
        return status;
    }}
    ew_mark_network();
    {p}_infer(handle->arena, features, out);
    ew_mark_end();
    (void)i;
    (void)out;
{result}    return EW_OK;
}}

static int {p}_get_f32(void *context, size_t offset, size_t length, float *out)
{{
    memcpy(out, (const float *)context + offset, length * sizeof(float));
    return EW_OK;
}}

static int {p}_get_i16(void *context, size_t offset, size_t length, float *out)
{{
    const int16_t *from = (const int16_t *)context + offset;
    size_t i;
    for (i = 0; i < length; i++) {{
        out[i] = (float)from[i];
    }}
    return EW_OK;
}}

{p}_signal {p}_signal_f32(const float *window)
{{
    {p}_signal signal;
    signal.get = {p}_get_f32;
    signal.context = (void *)(uintptr_t)window;
    signal.length = {u}_WINDOW_LEN;
    return signal;
}}

{p}_signal {p}_signal_i16(const int16_t *window)
{{
    {p}_signal signal;
    signal.get = {p}_get_i16;
    signal.context = (void *)(uintptr_t)window;
    signal.length = {u}_WINDOW_LEN;
    return signal;
}}

static int {p}_get_stream(void *context, size_t offset, size_t length, float *out)
{{
    const {p}_stream *stream = (const {p}_stream *)context;
    const size_t size = {u}_WINDOW_LEN;
    const size_t from = (stream->start + offset) % size;
    const size_t whole = size - from < length ? size - from : length;
    memcpy(out, stream->buffer + from, whole * sizeof(float));
    memcpy(out + whole, stream->buffer, (length - whole) * sizeof(float));
    return EW_OK;
}}

void {p}_stream_init({p}_stream *stream, float *buffer)
{{
    stream->buffer = buffer;
    stream->start = 0;
    stream->filled = 0;
    stream->skip = 0;
}}

size_t {p}_stream_push({p}_stream *stream, const float *values, size_t length)
{{
    const size_t size = {u}_WINDOW_LEN;
    size_t taken = 0;
    while (taken < length && stream->filled < size) {{
        if (stream->skip > 0u) {{
            stream->skip--;
        }} else {{
            stream->buffer[(stream->start + stream->filled) % size] = values[taken];
            stream->filled++;
        }}
        taken++;
    }}
    return taken;
}}

int {p}_stream_ready(const {p}_stream *stream)
{{
    return stream->filled == (size_t){u}_WINDOW_LEN;
}}

{p}_signal {p}_stream_window({p}_stream *stream)
{{
    {p}_signal signal;
    signal.get = {p}_get_stream;
    signal.context = stream;
    signal.length = {u}_WINDOW_LEN;
    return signal;
}}

void {p}_stream_advance({p}_stream *stream)
{{
    const size_t size = {u}_WINDOW_LEN, stride = {u}_STRIDE_LEN;
    const size_t dropped = stride < size ? stride : size;
    stream->start = (stream->start + dropped) % size;
    stream->filled -= stream->filled < dropped ? stream->filled : dropped;
    stream->skip = stride - dropped;
}}
"#,
        version = env!("CARGO_PKG_VERSION"),
        macs = impulse.learn.iter().map(|l| l.graph.macs()).sum::<u64>(),
        weights = impulse.learn.iter().map(|l| l.graph.constant_bytes()).sum::<usize>(),
        arena_bytes = arena.plan.bytes,
        lower = arena.plan.lower_bound,
        runtime = runtime::text(&wanted)
            .replace(
                "/* ---- ew_read.h ---- */",
                &format!("typedef {p}_signal ew_signal;\n\n/* ---- ew_read.h ---- */")
            )
            .replace(
                "/* ---- ew_cells.h ---- */",
                &format!("typedef {p}_box ew_box;\n\n/* ---- ew_cells.h ---- */")
            ),
        features_at = arena.features,
        place = arena
            .outputs
            .map_or(String::new(), |at| { format!("    out = (float *)(void *)(handle->arena + {at}u);\n") }),
        forget = if impulse.state_len() > 0 { format!("    {p}_reset(handle);\n") } else { String::new() },
        reset = match impulse.state_len() {
            0 => String::new(),
            n => format!(
                "void {p}_reset({p}_t *handle)\n{{\n    int i;\n    for (i = 0; i < {n}; i++) {{\n        handle->state[i] = 0.0f;\n    }}\n}}\n\n"
            ),
        },
    ))
}

fn wrapper(impulse: &Impulse, n: &Names) -> String {
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

fn example(impulse: &Impulse, n: &Names) -> String {
    format!("/* Classifies one window. Build: cc example.c {}.c -lm */\n{}", n.p, snippet(impulse, n))
}

fn page(impulse: &Impulse, arena: &Arena, n: &Names) -> String {
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

## Arena

| buffer | offset | bytes | steps |
|---|---|---|---|
{map}
"#,
        snippet = snippet(impulse, n),
        state = match impulse.state_len() {
            0 => String::new(),
            n => format!(
                "- The handle keeps {} bytes from window to window: classify consecutive windows with one handle, and call\n  `{p}_reset` where the next window follows none.\n",
                4 * n
            ),
        },
    )
}
