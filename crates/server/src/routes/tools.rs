//! Blocks on their own, and what is installed.

use crate::{
    error::{ApiError, ApiResult},
    state::{Anywhere, App, Body, Named},
};
use axum::{Json, extract::State};
use edgewright_api::{BlockRan, BlockRun, Problem, Tool, ToolList};
use edgewright_engine::{
    doctor,
    dsp_tool::{self, Input, Task},
};

/// Most values of a window or picture that a parameter may ask for.
const MOST: usize = 1 << 22;

/// Run a block on values: every block of `edgewright dsp list`, also those that follow a network. Nothing is kept of it.
#[utoipa::path(post, path = "/api/v1/blocks/{block}/run", tag = "results",
    params(("block" = String, Path, description = "Name of the block")), request_body = BlockRun,
    responses((status = 200, body = BlockRan), (status = "4XX", body = Problem, content_type = "application/problem+json")))]
pub async fn run_block(
    State(app): State<App>,
    Named(block): Named,
    Body(asked): Body<BlockRun>,
) -> ApiResult<Json<BlockRan>> {
    let size = |n: u64| usize::try_from(n).unwrap_or(usize::MAX);
    let input = match (asked.values, asked.input) {
        (Some(values), None) => {
            Input::values(values, asked.shape.map(|s| s.into_iter().map(size).collect()))?
        }
        (None, Some(object)) => Input::Object(object),
        _ => return Err(ApiError::bad_request("send `values`, or `input`")),
    };
    let params = asked.params.into_iter().collect();
    let (stream, stateful, axes) = (asked.stream.map(size), asked.stateful.map(size), asked.axes.map(size));
    let computed = app
        .run(move |_| {
            let task = Task {
                block: &block,
                version: asked.version,
                params: &params,
                rate_hz: asked.rate_hz,
                axes,
                source: "input",
                most: MOST,
                repeat: None,
                stream,
                fixed: asked.fixed,
                stateful,
            };
            dsp_tool::compute(&task, &input)
        })
        .await?;
    Ok(Json(BlockRan { values: computed.values, object: computed.object }))
}

/// What is installed where the server runs, what is missing, and the command that installs it.
#[utoipa::path(get, path = "/api/v1/tools", tag = "results",
    responses((status = 200, body = ToolList), (status = "4XX", body = Problem, content_type = "application/problem+json")))]
pub async fn list_tools(State(app): State<App>, _: Anywhere) -> ApiResult<Json<ToolList>> {
    let tools = app.run(|_| Ok(doctor::known())).await?;
    let told =
        |t: doctor::Check| Tool { tool: t.tool, purpose: t.purpose, version: t.version, install: t.install };
    Ok(Json(ToolList { tools: tools.into_iter().map(told).collect() }))
}
