//! The header of a library: sizes, types, functions.

use crate::{
    Target,
    emit::{Names, outputs},
    layout::Arena,
    names::comment,
    slices::Slices,
};
use edgewright_impulse::{Impulse, Task};

/// Its text.
pub(crate) fn header(impulse: &Impulse, target: &Target, arena: &Arena, n: &Names) -> String {
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

{slices}#ifdef __cplusplus
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
        slices = Slices::of(impulse).map_or(String::new(), |s| s.header(n)),
    )
}
