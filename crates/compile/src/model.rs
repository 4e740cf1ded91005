//! The library of a model alone: a graph without windows and features.

use crate::{
    CompileError, FileTree, Options, Target, memory,
    names::{comment, prefix},
    nn, nn_extra, runtime,
};
use edgewright_ir::{Graph, TensorId};

/// C type of the elements of a tensor.
pub(crate) fn element(graph: &Graph, id: TensorId) -> &'static str {
    nn_extra::element(graph.tensor(id).dtype)
}

/// Emits a graph as `<p>.h` and `<p>.c`, with `<p>_init`, `<p>_invoke` and
/// `<P>_ARENA_SIZE`. Several outputs of one type lie one behind the other in `out`; of different types, each has an array of its own
/// (`out0`, `out1`). States lie in the arena and are set by `<p>_init`.
///
/// # Errors
/// [`CompileError`].
pub fn compile_graph(graph: &Graph, target: &Target, options: &Options) -> Result<FileTree, CompileError> {
    let failed = |reason: String| CompileError::Graph { id: graph.name.clone(), reason };
    graph.validate().map_err(|e| failed(e.to_string()))?;
    let p = options.prefix.as_deref().map_or_else(|| prefix(&graph.name), prefix);
    let u = p.to_uppercase();
    let needs = nn::needs(graph, target.kernels).map_err(failed)?;
    let plan = memory::plan(&needs.buffers);
    if let Some(ram) = target.ram_bytes()
        && plan.bytes as u64 > ram
    {
        return Err(CompileError::ArenaTooLarge {
            needed: plan.bytes,
            available: ram as usize,
            target: target.id.clone(),
        });
    }
    let code = nn::emit(graph, &needs, &plan.offsets, &format!("{p}_nn")).map_err(failed)?;
    let shape = |id: TensorId| {
        let sizes: Vec<String> = graph.tensor(id).shape.iter().map(usize::to_string).collect();
        sizes.join(" x ")
    };
    let quant = |id: TensorId| match &graph.tensor(id).quant {
        Some(q) => format!(", real value = {:?} * (integer - {})", q.scale[0], q.zero_point),
        None => String::new(),
    };
    let arena = plan.bytes.max(4);
    let (mut parameters, mut lengths, mut checks, mut arguments) =
        (String::new(), String::new(), String::new(), String::new());
    for (i, id) in graph.inputs.iter().enumerate() {
        let (name, macro_name) = (nn::input_name(graph, "in", i), nn::input_name(graph, "INPUT", i));
        parameters.push_str(&format!("const {} *{name}, size_t {name}_len, ", element(graph, *id)));
        let about = if graph.inputs.len() > 1 {
            format!("{}: ", comment(&graph.tensor(*id).name))
        } else {
            String::new()
        };
        lengths.push_str(&format!(
            "#define {u}_{macro_name}_LEN {}   /* {about}{}{} */\n",
            graph.tensor(*id).len(),
            shape(*id),
            quant(*id)
        ));
        checks
            .push_str(&format!("{name} == NULL || {name}_len != (size_t){u}_{macro_name}_LEN ||\n        "));
        arguments.push_str(&format!("{name}, "));
    }
    let outputs = nn::output_arrays(graph);
    let apart = outputs.len() > 1;
    let (mut results, mut result_checks) = (Vec::new(), String::new());
    for (i, (name, kind, len)) in outputs.iter().enumerate() {
        let macro_name = if apart { format!("OUTPUT{i}") } else { "OUTPUT".into() };
        results.push(format!("{kind} *{name}, size_t {name}_len"));
        let id = graph.outputs[i];
        let about = if apart { format!("{}: ", comment(&graph.tensor(id).name)) } else { String::new() };
        lengths.push_str(&format!(
            "#define {u}_{macro_name}_LEN {len} /* {about}{}{} */\n",
            shape(id),
            quant(id)
        ));
        result_checks.push_str(&format!(" || {name} == NULL || {name}_len != (size_t){u}_{macro_name}_LEN"));
        arguments.push_str(&format!("{name}, "));
    }
    let outputs_about = if apart {
        "its outputs, each with its length".to_owned()
    } else {
        format!("{u}_OUTPUT_LEN outputs")
    };
    let several = graph.inputs.len() > 1;
    let inputs_about = if several {
        "its inputs, each with its length,".to_owned()
    } else {
        format!("{u}_INPUT_LEN inputs")
    };
    let signature = format!("int {p}_invoke({p}_t *handle, {parameters}{})", results.join(", "));
    let header = format!(
        r#"/* {p}.h - made by edgewright {version} for {target}. Do not edit. */
#ifndef {u}_H
#define {u}_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {{
#endif

{lengths}#define {u}_ARENA_SIZE {arena}

/* What a call returns. */
#define {u}_OK 0
#define {u}_ERROR_ARGUMENT (-3) /* a null pointer or a wrong length */
#define {u}_ERROR_ARENA (-4)    /* the arena is smaller than {u}_ARENA_SIZE or not aligned to 4 bytes */

typedef struct {{
    unsigned char *arena;
}} {p}_t;

/* Takes an arena of at least {u}_ARENA_SIZE bytes, aligned to 4. */
int {p}_init({p}_t *handle, void *arena, size_t arena_size);

/* From {inputs_about} to {outputs_about}. */
{signature};

#ifdef __cplusplus
}}
#endif

#endif
"#,
        version = env!("CARGO_PKG_VERSION"),
        target = comment(&target.id),
    );
    let mut wanted = vec!["ew_base.h"];
    wanted.extend(&code.runtime);
    let source = format!(
        r#"/* {p}.c - made by edgewright {version} for {target}. Do not edit.
 *
 * {macs} multiply-accumulates, {weights} bytes of weights, {arena} bytes of arena (no layout can be smaller than {lower} bytes).
 */
#include "{p}.h"

{runtime}
{MARKS}
/* ---- {p} ---- */
{source}
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
{initial}    return EW_OK;
}}

{signature}
{{
    if (handle == NULL || handle->arena == NULL || {checks}{result_checks}) {{
        return EW_ERROR_ARGUMENT;
    }}
    ew_mark_dsp();
    ew_mark_network();
    {p}_nn({arguments}handle->arena);
    ew_mark_end();
    return EW_OK;
}}
"#,
        version = env!("CARGO_PKG_VERSION"),
        target = comment(&target.id),
        macs = graph.macs(),
        weights = graph.constant_bytes(),
        lower = plan.lower_bound,
        result_checks = result_checks.trim_start_matches(" || "),
        runtime = runtime::text(&wanted),
        source = code.source,
        initial = code.initial.replace("(arena", "(handle->arena"),
    );
    Ok(FileTree::from([(format!("{p}.h"), header.into_bytes()), (format!("{p}.c"), source.into_bytes())]))
}

/// Marks for measuring; nothing where nobody measures.
pub(crate) const MARKS: &str = r"#ifdef EW_MEASURE
/* Called at the borders of what is measured. */
void ew_mark_dsp(void);
void ew_mark_network(void);
void ew_mark_step(void);
void ew_mark_end(void);
#else
#define ew_mark_dsp() ((void)0)
#define ew_mark_network() ((void)0)
#define ew_mark_step() ((void)0)
#define ew_mark_end() ((void)0)
#endif
";
