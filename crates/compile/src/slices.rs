//! Windows out of slices, for impulses whose blocks all work on frames of sound: a frame is computed once, however many
//! windows it lies in, and no window of samples is kept.
//!
//! Features are those of the whole window, bit for bit, as in the crate `dsp`, `Stream`. Pre-emphasis reaches from the
//! beginning of a window to its end: the frames there wait for the end, and the samples of their head are kept.

use crate::{dsp, emit::Names, layout::Arena};
use edgewright_dsp::{Framing, Plan};
use edgewright_impulse::{DspBlock, Impulse};

/// One block.
struct Frames<'a> {
    framing: &'a Framing,
    columns: usize,
    /// First frames, which reach around the end of the window.
    waiting: usize,
    /// Where its rows begin in those of all blocks.
    at: usize,
}

impl Frames<'_> {
    fn values(&self) -> usize {
        self.framing.rows * self.columns
    }
}

/// Sizes of what is kept between slices, for an impulse that takes them.
pub(crate) struct Slices<'a> {
    blocks: Vec<Frames<'a>>,
    window: usize,
    stride: usize,
    /// Samples that frames to come need, and room for the next.
    recent: usize,
    /// Samples at the beginning of a window, for the frames that wait.
    head: usize,
    /// Windows that have begun before the first of them is whole.
    begun: usize,
}

fn frames<'a>(block: &'a DspBlock, at: usize) -> Option<Frames<'a>> {
    let (framing, columns) = match &block.plan {
        Plan::Spectrogram(p) => (&p.framing, p.columns()),
        Plan::Mel(p) => (&p.framing, p.columns()),
        Plan::Fixed(p) => (&p.framing, p.columns()),
        _ => return None,
    };
    let waiting =
        if framing.emphasis == 0.0 { 0 } else { framing.shift.div_ceil(framing.stride).min(framing.rows) };
    Some(Frames { framing, columns, waiting, at })
}

impl<'a> Slices<'a> {
    /// `None` where a block does not work on frames, the window has several axes, or the frames of a window are not those
    /// of the one before.
    pub fn of(impulse: &'a Impulse) -> Option<Self> {
        let (window, stride) = (impulse.window.frames, impulse.window.stride);
        if impulse.window.axes.len() != 1 || impulse.dsp.is_empty() || stride == 0 {
            return None;
        }
        let mut blocks: Vec<Frames<'a>> = Vec::new();
        for block in &impulse.dsp {
            let at = blocks.last().map_or(0, |b| b.at + b.values());
            let b = frames(block, at)?;
            if stride < window && stride % b.framing.stride != 0 {
                return None;
            }
            blocks.push(b);
        }
        let most = |of: &dyn Fn(&Frames<'_>) -> usize| blocks.iter().map(of).max().unwrap_or(0);
        // What lies behind the last frame is kept as well, for the window after.
        let kept = most(&|b| {
            let f = b.framing;
            f.shift + f.used.max(window.saturating_sub(f.rows * f.stride))
        });
        let head =
            most(&|b| b.waiting.saturating_sub(1) * b.framing.stride + b.framing.used * b.waiting.min(1));
        let room = most(&|b| b.framing.stride);
        let begun = if head == 0 { 0 } else { window.div_ceil(stride) };
        Some(Self { window, stride, recent: kept + room, head, begun, blocks })
    }

    fn rows(&self) -> usize {
        self.blocks.iter().map(Frames::values).sum()
    }

    /// The part of the header.
    pub fn header(&self, n: &Names) -> String {
        let (p, u) = (&n.p, &n.upper);
        let heads = match self.begun {
            0 => String::new(),
            begun => {
                format!(
                    "    float heads[{begun}][{}]; /* the beginnings of windows that are not whole */\n",
                    self.head
                )
            }
        };
        format!(
            r#"/* Windows out of slices of sound, as short or long as they come. Each frame is computed once, as soon as its samples are
 * there, and no window of samples is kept: sizeof({p}_slices) bytes do, from the caller. The features are those of
 * {p}_extract for the same window, bit for bit. */
typedef struct {{
    float recent[{recent}]; /* samples that frames to come need */
{heads}    float rows[{rows}];   /* frames of the window, before what needs all of them */
    size_t next[{blocks}];   /* frames there are, for each block */
    size_t base, count;   /* place of recent[0] in the window, and how many there are */
    size_t loud;          /* place after the last sample beyond -1..1 */
    size_t skip;          /* values before the next window */
}} {p}_slices;

/* Begins anew. */
void {p}_slices_init({p}_slices *slices);
/* Takes values until a window is whole: `taken` says how many. The arena is used, and free afterwards. A slice with a value
 * that is not a number is refused whole ({u}_ERROR_NOT_FINITE): what follows a gap begins with {p}_slices_init. */
int {p}_slices_push({p}_t *handle, {p}_slices *slices, const float *values, size_t length, size_t *taken);
/* Whether a window is whole. */
int {p}_slices_ready(const {p}_slices *slices);
/* As {p}_classify and {p}_extract, of the window that is whole. */
int {p}_slices_classify({p}_t *handle, {p}_slices *slices, {p}_result *result);
int {p}_slices_extract({p}_t *handle, {p}_slices *slices, float *features, size_t length);
/* Goes on to the next window, a stride later. */
void {p}_slices_advance({p}_slices *slices);

"#,
            recent = self.recent,
            rows = self.rows(),
            blocks = self.blocks.len(),
        )
    }

    /// The part of the source. `p_finish(handle, features, result)` classifies features in the arena.
    pub fn source(&self, impulse: &Impulse, arena: &Arena, n: &Names) -> String {
        let (p, u) = (&n.p, &n.upper);
        let (mut rows, mut features, mut keep, mut advance) =
            (String::new(), String::new(), String::new(), String::new());
        let mut init = String::new();
        let mut at = 0;
        for (i, (block, b)) in impulse.dsp.iter().zip(&self.blocks).enumerate() {
            let code = dsp::frame_calls(&block.plan, &format!("{p}_dsp{i}"));
            let f = b.framing;
            let place = format!("slices->rows + {}u + row * {}u", b.at, b.columns);
            let scratch = format!("(float *)(void *)(handle->arena + {}u)", arena.scratch[i]);
            rows.push_str(&format!(
                "    while (status == EW_OK && slices->next[{i}] < {}u && slices->next[{i}] * {}u + {}u <= seen) {{\n        const size_t row = slices->next[{i}]++;\n        float *out = {place}, *scratch = {scratch};\n        status = {};\n    }}\n",
                f.rows, f.stride, f.used, code.row
            ));
            let waiting = match b.waiting {
                0 => String::new(),
                w => format!(
                    "        size_t row;\n        for (row = 0; row < {w}u && status == EW_OK; row++) {{\n            float *out = {place};\n            status = {};\n        }}\n",
                    code.row
                ),
            };
            let (to, chosen) = match &block.keep {
                None => (format!("all + {at}"), String::new()),
                Some(keep) => (
                    format!("scratch + {}", block.plan.scratch_len()),
                    format!(
                        "            for (i = 0; i < {}u; i++) {{\n                all[{at} + i] = features[{p}_dsp{i}_keep[i]];\n            }}\n",
                        keep.len()
                    ),
                ),
            };
            let i_declared = if chosen.is_empty() { "" } else { "            size_t i;\n" };
            features.push_str(&format!(
                "    if (status == EW_OK) {{\n        float *scratch = {scratch};\n        (void)scratch;\n{waiting}        if (status == EW_OK) {{\n            float *features = {to};\n{i_declared}            memcpy(features, slices->rows + {}u, {}u * sizeof(float));\n            {};\n{chosen}        }}\n    }}\n",
                b.at,
                b.values(),
                code.finish
            ));
            let next = |end: &str| {
                format!(
                    "slices->next[{i}] * {}u < {end} ? slices->next[{i}] * {}u : {end}",
                    f.stride, f.stride
                )
            };
            keep.push_str(&format!(
                "    from = {};\n    from = from > {}u ? from - {}u : 0u;\n    keep = from < keep ? from : keep;\n",
                next("seen"),
                f.shift,
                f.shift
            ));
            if b.waiting > 0 {
                init.push_str(&format!("    slices->next[{i}] = {}u;\n", b.waiting));
            }
            if self.stride < self.window {
                let gone = (self.stride / f.stride).min(f.rows);
                advance.push_str(&format!(
                    "    memmove(slices->rows + {at}u, slices->rows + {}u, {}u * sizeof(float));\n    slices->next[{i}] = {}u;\n",
                    b.at + gone * b.columns,
                    (f.rows - gone) * b.columns,
                    (f.rows - gone).max(b.waiting),
                    at = b.at,
                ));
            }
            at += block.features();
        }
        let heads = if self.begun == 0 {
            String::new()
        } else {
            format!(
                r"        for (i = 0; i < {begun}u; i++) {{
            const size_t from = seen > i * {stride}u ? seen : i * {stride}u;
            const size_t head = i * {stride}u + {head}u, to = seen + piece < head ? seen + piece : head;
            if (from < to) {{
                memcpy(slices->heads[i] + (from - i * {stride}u), values + at + (from - seen), (to - from) * sizeof(float));
            }}
        }}
",
                begun = self.begun,
                stride = self.stride,
                head = self.head
            )
        };
        let head_at = if self.begun == 0 { "slices->recent[0]" } else { "slices->heads[0][offset + i]" };
        let advance = if self.stride < self.window {
            let heads = if self.begun > 1 {
                format!(
                    "    memmove(slices->heads, slices->heads + 1, {}u * sizeof slices->heads[0]);\n",
                    self.begun - 1
                )
            } else {
                String::new()
            };
            format!(
                r"{advance}{heads}    /* Samples from here on lie in the next window. */
    {p}_slices_drop(slices, {stride}u);
    slices->base -= {stride}u;
    slices->loud = slices->loud > {stride}u ? slices->loud - {stride}u : 0u;
    {p}_slices_trim(slices);
",
                stride = self.stride
            )
        } else {
            format!("    {p}_slices_init(slices);\n    slices->skip = {}u;\n", self.stride - self.window)
        };
        format!(
            r#"
static int {p}_get_slices(void *context, size_t offset, size_t length, float *out)
{{
    const {p}_slices *slices = (const {p}_slices *)context;
    size_t i;
    for (i = 0; i < length; i++) {{
        out[i] = offset + i >= slices->base ? slices->recent[offset + i - slices->base] : {head_at};
    }}
    return EW_OK;
}}

static {p}_signal {p}_slices_signal({p}_slices *slices)
{{
    {p}_signal signal;
    signal.get = {p}_get_slices;
    signal.context = slices;
    signal.length = {u}_WINDOW_LEN;
    return signal;
}}

/* Forgets samples before `keep`. */
static void {p}_slices_drop({p}_slices *slices, size_t keep)
{{
    if (keep > slices->base) {{
        const size_t gone = keep - slices->base < slices->count ? keep - slices->base : slices->count;
        slices->count -= gone;
        slices->base = keep;
        memmove(slices->recent, slices->recent + gone, slices->count * sizeof(float));
    }}
}}

/* Forgets samples that no frame to come needs. */
static void {p}_slices_trim({p}_slices *slices)
{{
    const size_t seen = slices->base + slices->count;
    size_t keep = seen, from;
{keep}    {p}_slices_drop(slices, keep);
}}

void {p}_slices_init({p}_slices *slices)
{{
    memset(slices, 0, sizeof *slices);
{init}}}

int {p}_slices_ready(const {p}_slices *slices)
{{
    return slices->base + slices->count == (size_t){u}_WINDOW_LEN;
}}

int {p}_slices_push({p}_t *handle, {p}_slices *slices, const float *values, size_t length, size_t *taken)
{{
    size_t at = 0, i;
    int status = EW_OK;
    if (handle == NULL || handle->arena == NULL || slices == NULL || (values == NULL && length > 0u) || taken == NULL) {{
        return EW_ERROR_ARGUMENT;
    }}
    *taken = 0;
    for (i = 0; i < length; i++) {{
        if (!ew_is_finite(values[i])) {{
            return EW_ERROR_NOT_FINITE;
        }}
    }}
    while (status == EW_OK && at < length && !{p}_slices_ready(slices)) {{
        size_t seen = slices->base + slices->count, piece = length - at;
        const {p}_signal signal = {p}_slices_signal(slices);
        if (slices->skip > 0u) {{
            piece = piece < slices->skip ? piece : slices->skip;
            slices->skip -= piece;
            at += piece;
            continue;
        }}
        piece = piece < {recent}u - slices->count ? piece : {recent}u - slices->count;
        piece = piece < (size_t){u}_WINDOW_LEN - seen ? piece : (size_t){u}_WINDOW_LEN - seen;
        for (i = 0; i < piece; i++) {{
            const float value = values[at + i];
            slices->recent[slices->count + i] = value;
            if (value < -1.0f || value > 1.0f) {{
                slices->loud = seen + i + 1u;
            }}
        }}
{heads}        slices->count += piece;
        at += piece;
        seen += piece;
{rows}        {p}_slices_trim(slices);
    }}
    *taken = at;
    return status;
}}

/* Features of the window that is whole. */
static int {p}_slices_features({p}_t *handle, {p}_slices *slices, float *all)
{{
    const {p}_signal signal = {p}_slices_signal(slices);
    const int loud = slices->loud > 0u;
    int status = EW_OK;
    (void)loud;
    (void)signal;
{features}    return status;
}}

int {p}_slices_extract({p}_t *handle, {p}_slices *slices, float *features, size_t length)
{{
    if (handle == NULL || handle->arena == NULL || slices == NULL || features == NULL || length != (size_t){u}_FEATURE_COUNT ||
        !{p}_slices_ready(slices)) {{
        return EW_ERROR_ARGUMENT;
    }}
    return {p}_slices_features(handle, slices, features);
}}

int {p}_slices_classify({p}_t *handle, {p}_slices *slices, {p}_result *result)
{{
    float *features;
    int status;
    if (handle == NULL || handle->arena == NULL || slices == NULL || result == NULL || !{p}_slices_ready(slices)) {{
        return EW_ERROR_ARGUMENT;
    }}
    features = (float *)(void *)(handle->arena + {features_at}u);
    status = {p}_slices_features(handle, slices, features);
    if (status == EW_OK) {{
        {p}_finish(handle, features, result);
    }}
    return status;
}}

void {p}_slices_advance({p}_slices *slices)
{{
{advance}}}
"#,
            recent = self.recent,
            features_at = arena.features,
        )
    }
}
