//! Stages, results, report, targets, blocks.

use crate::{
    convert, convert_lifecycle,
    error::{ApiError, ApiResult},
    send,
    state::{App, Asked, Body, Named, ProjectDir, Who, reaches},
    upload,
};
use axum::{
    Json,
    extract::{Request, State},
    response::Response,
};
use edgewright_api::{
    Augmentation, AugmentationQuery, BlockFeatures, BlockList, BlockPreview, ClassifyQuery, ClassifyResult,
    Explanation, ExplanationQuery, FeatureMap, Lifecycle, MapQuery, MapSample, OutcomeList, OutcomeQuery,
    OutcomeWindow, Problem, Results, StageList, TargetList,
};
use edgewright_engine::{
    EngineError, access::Scope, augmentation, board, classify::Classifier, documents, dsp_tool, explain,
    lifecycle, map, outcomes, preview, program, session::Session,
};

/// Windows of a cell in one answer.
const OUTCOMES: usize = 1000;
/// Windows on the map: unless asked otherwise, and at most.
const MAP_POINTS: u32 = 20_000;
const MAP_MOST: u32 = 100_000;

/// The stages and where they stand.
#[utoipa::path(get, path = "/api/v1/projects/{project}/stages", tag = "results",
    params(("project" = String, Path, description = "Id of the project")),
    responses((status = 200, body = StageList), (status = "4XX", body = Problem, content_type = "application/problem+json")))]
pub async fn list_stages(State(app): State<App>, project: ProjectDir) -> ApiResult<Json<StageList>> {
    let board = app.run_in(&project, board::board).await?;
    Ok(Json(StageList { stages: board.stages.into_iter().map(convert::stage).collect() }))
}

/// The ten stages of the project's lifecycle, worked out from what is there, and what to do next.
#[utoipa::path(get, path = "/api/v1/projects/{project}/lifecycle", tag = "results",
    params(("project" = String, Path, description = "Id of the project")),
    responses((status = 200, body = Lifecycle), (status = "4XX", body = Problem, content_type = "application/problem+json")))]
pub async fn get_lifecycle(State(app): State<App>, project: ProjectDir) -> ApiResult<Json<Lifecycle>> {
    let id = project.id.clone();
    let devices = app.run(move |w| w.devices(&id)).await?;
    let found = app.run_in(&project, move |session| lifecycle::lifecycle(session, Some(&devices))).await?;
    Ok(Json(convert_lifecycle::lifecycle(found)))
}

/// What the current stages came to: figures, curves, proofs, packages.
#[utoipa::path(get, path = "/api/v1/projects/{project}/results", tag = "results",
    params(("project" = String, Path, description = "Id of the project")),
    responses((status = 200, body = Results), (status = "4XX", body = Problem, content_type = "application/problem+json")))]
pub async fn get_results(State(app): State<App>, project: ProjectDir) -> ApiResult<Json<Results>> {
    let board = app.run_in(&project, board::board).await?;
    convert::results(board).map(Json)
}

/// The report as a page of its own.
#[utoipa::path(get, path = "/api/v1/projects/{project}/report", tag = "results",
    params(("project" = String, Path, description = "Id of the project")),
    responses((status = 200, body = String, content_type = "text/html"),
        (status = "4XX", body = Problem, content_type = "application/problem+json")))]
pub async fn get_report(State(app): State<App>, project: ProjectDir) -> ApiResult<Response> {
    Ok(send::report(app.run_in(&project, board::report_html).await?))
}

/// A package of the current results, by its hash.
#[utoipa::path(get, path = "/api/v1/projects/{project}/artifacts/{sha256}", tag = "results",
    params(("project" = String, Path, description = "Id of the project"), ("sha256" = String, Path, description = "Hash of the package")),
    responses((status = 200, body = String, content_type = "application/octet-stream"),
        (status = "4XX", body = Problem, content_type = "application/problem+json")))]
pub async fn get_artifact(
    State(app): State<App>,
    project: ProjectDir,
    Named(sha256): Named,
) -> ApiResult<Response> {
    let (name, path) = app.run_in(&project, move |s| board::package(s, &sha256)).await?;
    send::file(&name, &path).await
}

/// What can be built for, and whether the project's impulse fits when it is trained.
#[utoipa::path(get, path = "/api/v1/projects/{project}/targets", tag = "results",
    params(("project" = String, Path, description = "Id of the project")),
    responses((status = 200, body = TargetList), (status = "4XX", body = Problem, content_type = "application/problem+json")))]
pub async fn list_targets(State(app): State<App>, project: ProjectDir) -> ApiResult<Json<TargetList>> {
    let targets = app
        .run_in(&project, |session| match documents::fits(session, None) {
            // Not trained yet, or it cannot be: the targets are there all the same.
            Err(_) => documents::targets(None),
            fits => fits,
        })
        .await?;
    Ok(Json(TargetList { targets: targets.into_iter().map(convert::target).collect() }))
}

/// The DSP blocks that an impulse may have, with their parameters.
#[utoipa::path(get, path = "/api/v1/blocks", tag = "results",
    responses((status = 200, body = BlockList), (status = "4XX", body = Problem, content_type = "application/problem+json")))]
pub async fn list_blocks() -> ApiResult<Json<BlockList>> {
    let value = serde_json::json!({ "blocks": dsp_tool::impulse_blocks_json() });
    serde_json::from_value(value).map(Json).map_err(ApiError::internal)
}

/// The external DSP blocks of a project by their ids, as they declared themselves when they were last asked; one that was not says so in its
/// help. Starts nothing.
#[utoipa::path(get, path = "/api/v1/projects/{project}/blocks", tag = "results",
    params(("project" = String, Path, description = "Id of the project")),
    responses((status = 200, body = BlockList), (status = "4XX", body = Problem, content_type = "application/problem+json")))]
pub async fn list_own_blocks(State(app): State<App>, project: ProjectDir) -> ApiResult<Json<BlockList>> {
    own_blocks(&app, &project, false).await
}

/// Ask the external DSP blocks of a project what they are; one that cannot be asked says why in its help. Starts those that a command starts.
#[utoipa::path(post, path = "/api/v1/projects/{project}/blocks", tag = "results",
    params(("project" = String, Path, description = "Id of the project")),
    responses((status = 200, body = BlockList), (status = "4XX", body = Problem, content_type = "application/problem+json")))]
pub async fn ask_own_blocks(State(app): State<App>, project: ProjectDir) -> ApiResult<Json<BlockList>> {
    own_blocks(&app, &project, true).await
}

async fn own_blocks(app: &App, project: &ProjectDir, ask: bool) -> ApiResult<Json<BlockList>> {
    let blocks = app.run_in(project, move |s| Ok(program::list(s, ask))).await?;
    let value = serde_json::json!({ "blocks": blocks });
    serde_json::from_value(value).map(Json).map_err(ApiError::internal)
}

/// Refuses who may only look when a program of the project would be started: `block`, or any.
async fn may_start(app: &App, project: &ProjectDir, who: &Who, block: Option<String>) -> ApiResult<()> {
    if reaches(who.0.scope, Scope::Full) {
        return Ok(());
    }
    let starts = move |s: &Session<'_>| {
        Ok(program::of(&s.project).iter().any(|p| block.as_ref().is_none_or(|b| *b == p.id)))
    };
    if app.run_in(project, starts).await? {
        return Err(ApiError::forbidden(
            "a program of the project would be started for that, which needs the scope `full` or the role `editor`",
        ));
    }
    Ok(())
}

/// Features of one window with parameters that are being tried; nothing is changed. Those of an external block need the scope `full`.
#[utoipa::path(post, path = "/api/v1/projects/{project}/features", tag = "results",
    params(("project" = String, Path, description = "Id of the project")), request_body = BlockPreview,
    responses((status = 200, body = BlockFeatures), (status = "4XX", body = Problem, content_type = "application/problem+json")))]
pub async fn preview_features(
    State(app): State<App>,
    project: ProjectDir,
    who: Who,
    Body(asked): Body<BlockPreview>,
) -> ApiResult<Json<BlockFeatures>> {
    let request = convert::preview(asked);
    may_start(&app, &project, &who, Some(request.block.clone())).await?;
    let out = app.run_in(&project, move |s| preview::preview(s, &request)).await?;
    Ok(Json(BlockFeatures {
        shape: out.shape.into_iter().map(|n| n as u64).collect(),
        features: out.features,
        micros: out.seconds * 1e6,
        ram_bytes: out.ram.map(|r| r.work as u64),
        kept_bytes: out.ram.map(|r| r.kept as u64),
        targets: out.targets.into_iter().map(convert::dsp_on).collect(),
    }))
}

/// Which part of a window of a sample the trained impulse went by. Needs the stage `train`, and no external block in the impulse: asking for
/// something starts no program.
#[utoipa::path(get, path = "/api/v1/projects/{project}/samples/{sample}/explanation", tag = "results",
    params(("project" = String, Path, description = "Id of the project"), ("sample" = String, Path, description = "Id of the sample"), ExplanationQuery),
    responses((status = 200, body = Explanation), (status = "4XX", body = Problem, content_type = "application/problem+json")))]
pub async fn explain_sample(
    State(app): State<App>,
    project: ProjectDir,
    Named(sample): Named,
    Asked(query): Asked<ExplanationQuery>,
) -> ApiResult<Json<Explanation>> {
    let request = explain::Request {
        sample,
        window: usize::try_from(query.window.unwrap_or(0)).unwrap_or(usize::MAX),
        method: explain::Method::parse(query.method.as_deref().unwrap_or("occlusion"))?,
        label: query.label,
    };
    let told = app
        .run_in(&project, move |s| match program::of(&s.project).first() {
            Some(block) => Err(EngineError::Usage(format!(
                "the block `{}` is a program; `edgewright explain` starts it, this does not",
                block.id
            ))),
            None => explain::explain(s, &request),
        })
        .await?;
    Ok(Json(convert::explanation(told)))
}

/// A training window before and after the project's augmentation: what a training with its seed gives the network in that epoch. Needs the
/// stage `features`.
#[utoipa::path(get, path = "/api/v1/projects/{project}/augmentation", tag = "results",
    params(("project" = String, Path, description = "Id of the project"), AugmentationQuery),
    responses((status = 200, body = Augmentation), (status = "4XX", body = Problem, content_type = "application/problem+json")))]
pub async fn preview_augmentation(
    State(app): State<App>,
    project: ProjectDir,
    Asked(query): Asked<AugmentationQuery>,
) -> ApiResult<Json<Augmentation>> {
    let size = |n: Option<u64>, usual: usize| n.map_or(usual, |n| usize::try_from(n).unwrap_or(usize::MAX));
    let (window, epoch) = (size(query.window, 0), size(query.epoch, 1));
    let told = app
        .run_in(&project, move |s| augmentation::augmented(s, query.block.as_deref(), window, epoch))
        .await?;
    Ok(Json(Augmentation {
        block: told.block,
        windows: told.windows as u64,
        sample: told.sample,
        name: told.name,
        label: told.label,
        start: told.start as u64,
        shape: told.shape.into_iter().map(|n| n as u64).collect(),
        before: told.before,
        after: told.after,
        on: told.on,
    }))
}

/// Evenly spaced windows along the three principal axes of their features. Needs the stage `features`, with `said` the stage `train`.
#[utoipa::path(get, path = "/api/v1/projects/{project}/map", tag = "results",
    params(("project" = String, Path, description = "Id of the project"), MapQuery),
    responses((status = 200, body = FeatureMap), (status = "4XX", body = Problem, content_type = "application/problem+json")))]
pub async fn feature_map(
    State(app): State<App>,
    project: ProjectDir,
    Asked(query): Asked<MapQuery>,
) -> ApiResult<Json<FeatureMap>> {
    let limit = query.limit.unwrap_or(MAP_POINTS);
    if !(1..=MAP_MOST).contains(&limit) {
        return Err(ApiError::bad_request(format!("`limit` is 1 to {MAP_MOST}")));
    }
    let said = query.said == Some(true);
    let map = app.run_in(&project, move |s| map::feature_map(s, limit as usize, said)).await?;
    let points = &map.points;
    let place = |n: Option<usize>| n.map(|n| n as u32);
    let along = |axis: usize| points.iter().map(|p| p.place[axis] as f32).collect();
    Ok(Json(FeatureMap {
        windows: map.windows as u64,
        sample: points.iter().map(|p| p.sample as u32).collect(),
        label: points.iter().map(|p| place(p.label)).collect(),
        said: points.iter().map(|p| place(p.said)).collect(),
        test: points.iter().map(|p| p.test).collect(),
        start_ms: points.iter().map(|p| p.start_ms).collect(),
        x: along(0),
        y: along(1),
        z: along(2),
        samples: map
            .samples
            .into_iter()
            .map(|s| MapSample { id: s.id, name: s.name, group: s.group, metadata: s.metadata })
            .collect(),
        labels: map.labels,
    }))
}

/// Classify a file with the trained int8 impulse; the body is the file and nothing is kept of it. Rows of a table that cannot be classified
/// are left out and told, as on the command line. Needs the stage `train`, and the scope `full` when the impulse has an external block.
#[utoipa::path(post, path = "/api/v1/projects/{project}/classify", tag = "results",
    params(("project" = String, Path, description = "Id of the project"), ClassifyQuery),
    request_body(content = String, content_type = "application/octet-stream", description = "The file"),
    responses((status = 200, body = ClassifyResult), (status = "4XX", body = Problem, content_type = "application/problem+json")))]
pub async fn classify(
    State(app): State<App>,
    project: ProjectDir,
    who: Who,
    Asked(query): Asked<ClassifyQuery>,
    request: Request,
) -> ApiResult<Json<ClassifyResult>> {
    may_start(&app, &project, &who, None).await?;
    let name = upload::safe_name(&query.name)?;
    let folder = upload::receive(&app, &name, request).await?;
    let (answers, (rate_hz, window_ms)) = app
        .run_in(&project, move |session| {
            let classifier = Classifier::load(session)?;
            let answers = classifier.file(&folder.path().join(name), query.rate_hz)?;
            Ok((answers, classifier.window()))
        })
        .await?;
    let windows = answers.windows.into_iter().map(convert::classified).collect();
    Ok(Json(ClassifyResult { windows, left_out: answers.left_out, window_ms, rate_hz }))
}

/// Windows in a cell of the confusion matrix, at most 1000. Needs the stage `train`.
#[utoipa::path(get, path = "/api/v1/projects/{project}/outcomes", tag = "results",
    params(("project" = String, Path, description = "Id of the project"), OutcomeQuery),
    responses((status = 200, body = OutcomeList), (status = "4XX", body = Problem, content_type = "application/problem+json")))]
pub async fn list_outcomes(
    State(app): State<App>,
    project: ProjectDir,
    Asked(query): Asked<OutcomeQuery>,
) -> ApiResult<Json<OutcomeList>> {
    let float = query.float == Some(true);
    let found = app.run_in(&project, move |s| outcomes::cell(s, &query.is, &query.said, float)).await?;
    let total = found.len() as u64;
    let windows = found
        .into_iter()
        .take(OUTCOMES)
        .map(|w| OutcomeWindow {
            sample: w.sample,
            name: w.name,
            start_ms: w.start_ms,
            score: w.score,
            score_is: w.score_is,
        })
        .collect();
    Ok(Json(OutcomeList { windows, total }))
}
