//! Applications that sample, classify and act, for each kind of platform.

use crate::Library;
use edgewright_impulse::Task;

/// What a platform gives the example.
pub(crate) struct Platform {
    /// Includes and whatever else stands first.
    pub head: &'static str,
    /// Statements that print `name` and `value` (a `double`).
    pub print: &'static str,
    /// Statements that wait for one period of the sampling rate, with `period_us`.
    pub wait: &'static str,
    /// From after the loop's body to the end of the file; the body is `step()`.
    pub main: &'static str,
}

/// An application: it reads the sensor in `read_sensor`, keeps a ring buffer, and acts in `act`.
pub(crate) fn application(library: &Library<'_>, platform: &Platform) -> String {
    let p = library.prefix;
    let u = p.to_uppercase();
    let mut act = String::new();
    for learn in &library.impulse.learn {
        act.push_str(&match &learn.task {
            Task::Classification { min_confidence, .. } => {
                let name = match min_confidence {
                    Some(_) => format!("result->uncertain ? \"uncertain\" : {p}_labels[result->label]"),
                    None => format!("{p}_labels[result->label]"),
                };
                format!("    print({name}, (double)result->scores[result->label]);\n")
            }
            Task::Detection(_) => format!(
                "    for (int i = 0; i < result->box_count; i++) {{\n        print({p}_labels[result->boxes[i].label], (double)result->boxes[i].score);\n    }}\n"
            ),
            Task::Regression => "    print(\"value\", (double)result->value);\n".to_owned(),
            Task::Anomaly { .. } => "    print(\"anomaly\", (double)result->anomaly);\n".to_owned(),
        });
    }
    let period = 1e6 / library.impulse.window.rate_hz.max(1e-3);
    format!(
        r"/* Samples, keeps a ring buffer, classifies, acts. Made by edgewright. */
{head}

static uint32_t arena[({u}_ARENA_SIZE + 3) / 4];
static float ring[{u}_WINDOW_LEN];
static {p}_t handle;
static {p}_stream stream;

static void print(const char *name, double value)
{{
{print}
}}

/* One value for each axis, in the order and the units of {p}.h: put your sensor's driver here. */
static void read_sensor(float *values)
{{
    int i;
    for (i = 0; i < {u}_AXES; i++) {{
        values[i] = 0.0f;
    }}
}}

/* What is done with a result. */
static void act(const {p}_result *result)
{{
    (void)result;
{act}}}

static int begin(void)
{{
    {p}_stream_init(&stream, ring);
    return {p}_init(&handle, arena, sizeof arena);
}}

/* One period of the sampling rate. Returns 0 while all is well. */
static int step(void)
{{
    const unsigned long period_us = {period:.0}ul;
    float values[{u}_AXES];
    int status = {u}_OK;
    read_sensor(values);
    {p}_stream_push(&stream, values, {u}_AXES);
    if ({p}_stream_ready(&stream)) {{
        const {p}_signal window = {p}_stream_window(&stream);
        {p}_result result;
        status = {p}_classify(&handle, &window, &result);
        if (status == {u}_OK) {{
            act(&result);
        }}
        {p}_stream_advance(&stream);
    }}
{wait}
    return status;
}}

{main}",
        head = platform.head.replace("@P@", p),
        print = platform.print,
        wait = platform.wait,
        main = platform.main,
    )
}
