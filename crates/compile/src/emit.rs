//! The library of an impulse: one header, one source file, a C++ wrapper, an example, a page.

use crate::{
    CompileError, Target, dsp,
    header::header,
    layout::{Arena, arena, contiguous},
    model::MARKS,
    names::{array, comment, prefix, string},
    nn,
    pages::{example, page, wrapper},
    runtime,
    slices::Slices,
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

/// Prefix of every name, and the same of every macro.
pub(crate) struct Names {
    pub p: String,
    pub upper: String,
}

/// Number of values of all learning blocks together, in order.
pub(crate) fn outputs(impulse: &Impulse) -> usize {
    impulse.learn.iter().map(|l| l.graph.tensor(l.graph.outputs[0]).len()).sum()
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

{decode}/* From features in the arena to the result. */
static void {p}_finish({p}_t *handle, float *features, {p}_result *result)
{{
{out}    int i = 0;
{place}    ew_mark_network();
    {p}_infer(handle->arena, features, out);
    ew_mark_end();
    (void)i;
    (void)out;
{result}}}

int {p}_classify({p}_t *handle, const {p}_signal *signal, {p}_result *result)
{{
    float *features;
    int status;
    if (handle == NULL || handle->arena == NULL || signal == NULL || signal->get == NULL || result == NULL ||
        signal->length != (size_t){u}_WINDOW_LEN) {{
        return EW_ERROR_ARGUMENT;
    }}
    features = (float *)(void *)(handle->arena + {features_at}u);
    ew_mark_dsp();
    status = {p}_features(handle, signal, features);
    if (status == EW_OK) {{
        {p}_finish(handle, features, result);
    }}
    return status;
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
{slices}"#,
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
        slices = Slices::of(impulse).map_or(String::new(), |s| s.source(impulse, arena, n)),
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
