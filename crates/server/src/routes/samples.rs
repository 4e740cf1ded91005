//! Samples: list, look, upload, edit.

use crate::{
    convert,
    error::{ApiError, ApiResult},
    send,
    state::{App, Asked, Body, Named, ProjectDir, Who},
    upload,
};
use axum::{
    Json,
    extract::{Request, State},
    http::StatusCode,
    response::Response,
};
use edgewright_api::{
    AgreementPair, Cut, DisputedLabel, Finding, FindingList, ImportResult, LabelAgreement, LabelCount,
    LabelSides, LabelledBy, Part, PartList, PartQuery, Problem, Rebalance, RebalanceQuery, SampleChange,
    SampleDetail, SampleEdit, SampleHistory, SampleIds, SamplePage, SampleQuery, Sides, Summary,
    TablePreview, Trace, UploadQuery, Waveform, WaveformQuery,
};
use edgewright_engine::{
    dataset::{self, Edit, GroupRule, ImportRequest, LabelRule, Reading, SampleFilter, TableChoices},
    rebalance,
};

/// Samples in a page when the caller says nothing.
const PAGE: u64 = 100;
/// Columns of a drawing when the caller says nothing.
const COLUMNS: u64 = 1000;

/// Samples in order of name, filtered and by the page.
#[utoipa::path(get, path = "/api/v1/projects/{project}/samples", tag = "data",
    params(("project" = String, Path, description = "Id of the project"), SampleQuery),
    responses((status = 200, body = SamplePage), (status = "4XX", body = Problem, content_type = "application/problem+json")))]
pub async fn list_samples(
    State(app): State<App>,
    project: ProjectDir,
    Asked(query): Asked<SampleQuery>,
) -> ApiResult<Json<SamplePage>> {
    let offset = query.offset.unwrap_or(0);
    let filter = SampleFilter {
        label: query.label,
        category: query.category.map(|c| convert::category_word(c).to_owned()),
        name: query.name,
        disabled: query.disabled,
        in_ranges: None,
    };
    let limit = query.limit.unwrap_or(PAGE);
    let (lines, total) = app.run_in(&project, move |s| dataset::page(s, &filter, offset, limit)).await?;
    Ok(Json(SamplePage { samples: lines.into_iter().map(convert::sample).collect(), total, offset }))
}

/// The data set in numbers.
#[utoipa::path(get, path = "/api/v1/projects/{project}/summary", tag = "data",
    params(("project" = String, Path, description = "Id of the project")),
    responses((status = 200, body = Summary), (status = "4XX", body = Problem, content_type = "application/problem+json")))]
pub async fn summary(State(app): State<App>, project: ProjectDir) -> ApiResult<Json<Summary>> {
    let counts = app.run_in(&project, dataset::labels).await?;
    let mut summary = Summary { samples: 0, disabled: 0, labels: Vec::new() };
    for count in counts {
        summary.samples += count.samples;
        summary.disabled += count.disabled;
        if summary.labels.last().is_none_or(|l| l.label != count.label) {
            summary.labels.push(LabelCount { label: count.label.clone(), ..LabelCount::default() });
        }
        if let Some(label) = summary.labels.last_mut() {
            label.samples += count.samples;
            match count.category.as_str() {
                "training" => label.training += count.samples,
                "testing" => label.testing += count.samples,
                _ => label.split += count.samples,
            }
        }
    }
    Ok(Json(summary))
}

fn label_rule(query: &UploadQuery, name: &str) -> ApiResult<LabelRule> {
    Ok(match (&query.label, &query.label_from) {
        (Some(_), Some(_)) => return Err(ApiError::bad_request("send `label` or `label_from`, not both")),
        (Some(label), None) => LabelRule::Fixed(label.clone()),
        (None, Some(rule)) => LabelRule::parse(rule)?,
        (None, None) if name.contains('/') => LabelRule::Folder,
        (None, None) => LabelRule::Name(None),
    })
}

/// JSON has no NaN.
fn finite(value: f32) -> Option<f32> {
    value.is_finite().then_some(value)
}

fn table(query: &UploadQuery) -> TableChoices {
    TableChoices {
        time_column: query.time_column.clone(),
        time_unit: query.time_unit.clone(),
        columns: query.columns.as_ref().map(|c| c.split(',').map(|c| c.trim().to_owned()).collect()),
        rows_are_samples: query.rows_are_samples,
        header: query.header,
        delimiter: query.delimiter,
    }
}

/// What would become of a text table, or of its beginning up to the end of a line: the body, of at most 2 MiB. Nothing is kept.
#[utoipa::path(post, path = "/api/v1/projects/{project}/table", tag = "data",
    params(("project" = String, Path, description = "Id of the project"), UploadQuery),
    request_body(content = String, content_type = "application/octet-stream", description = "The table"),
    responses((status = 200, body = TablePreview), (status = "4XX", body = Problem, content_type = "application/problem+json")))]
pub async fn preview_table(
    State(app): State<App>,
    project: ProjectDir,
    Asked(query): Asked<UploadQuery>,
    request: Request,
) -> ApiResult<Json<TablePreview>> {
    let name = upload::safe_name(&query.name)?;
    let column = |rule: &Option<String>| rule.as_deref()?.strip_prefix("column:").map(str::to_owned);
    let table = table(&query);
    let reading = Reading {
        file: name,
        format: Some("csv".into()),
        rate_hz: query.rate_hz,
        label_column: column(&query.label_from),
        group_column: column(&query.group_from),
        rows_are_samples: table.rows_are_samples,
        table,
        ..Reading::default()
    };
    let bytes = axum::body::to_bytes(request.into_body(), crate::JSON_MAX)
        .await
        .map_err(|_| ApiError::too_large(format!("send the first {} bytes", crate::JSON_MAX)))?;
    let seen = app
        .run_in(&project, move |s| dataset::preview_table(&reading.in_project(&s.project.file), &bytes))
        .await?;
    let (axes, units) = seen.axes.into_iter().unzip();
    Ok(Json(TablePreview {
        samples: seen.samples as u64,
        rate_hz: seen.rate_hz,
        frames: seen.frames as u64,
        axes,
        units,
        labels: seen.labels.into_iter().map(|(label, n)| (label, n as u64)).collect(),
        groups: seen.groups as u64,
        findings: seen.findings,
        values: seen.values.into_iter().map(|axis| axis.into_iter().map(finite).collect()).collect(),
    }))
}

/// Add the samples of one file: the body is the file, of at most 512 MiB. It goes to disk as it comes. A file that cannot be read is
/// quarantined, and the answer says why.
#[utoipa::path(post, path = "/api/v1/projects/{project}/samples", tag = "data",
    params(("project" = String, Path, description = "Id of the project"), UploadQuery),
    request_body(content = String, content_type = "application/octet-stream", description = "The file"),
    responses((status = 200, body = ImportResult), (status = "4XX", body = Problem, content_type = "application/problem+json")))]
pub async fn upload_sample(
    State(app): State<App>,
    project: ProjectDir,
    Asked(query): Asked<UploadQuery>,
    request: Request,
) -> ApiResult<Json<ImportResult>> {
    let name = upload::safe_name(&query.name)?;
    label_rule(&query, &name)?;
    if let Some(rule) = &query.group_from {
        GroupRule::parse(rule)?;
    }
    let folder = upload::receive(&app, &name, request).await?;
    Ok(Json(take_in(&app, project, UploadQuery { name, ..query }, folder).await?))
}

/// Takes the samples of a file that lies under its name in a folder of its own.
pub async fn take_in(
    app: &App,
    project: ProjectDir,
    query: UploadQuery,
    folder: tempfile::TempDir,
) -> ApiResult<ImportResult> {
    let name = query.name.clone();
    let label = label_rule(&query, &name)?;
    let group = query.group_from.as_deref().map_or(Ok(GroupRule::None), GroupRule::parse)?;
    let dry_run = query.dry_run == Some(true);
    // A file that comes again without a word of what it is stays what it was.
    let keep_label = query.label.is_none() && query.label_from.is_none();
    let keep_category = query.category.is_none();
    let import = ImportRequest {
        paths: vec![folder.path().to_path_buf()],
        label,
        group,
        category: query.category.map(|c| convert::category_word(c).to_owned()),
        format: None,
        rate_hz: query.rate_hz,
        hmac_key: None,
        ranges: std::collections::BTreeMap::new(),
        boxes: std::collections::BTreeMap::new(),
        table: table(&query),
        metadata: std::collections::BTreeMap::new(),
        refuse_known: false,
        keep_label,
        keep_category,
        source: "import".into(),
        dry_run,
    };
    let report = app
        .run_in(&project, move |session| {
            let report = dataset::import(session, &import);
            drop(folder);
            report
        })
        .await?;
    if report.imported == 0 && report.quarantined.is_empty() {
        return Err(ApiError::new(
            StatusCode::UNPROCESSABLE_ENTITY,
            "data",
            format!("`{name}` is a document, not a recording; nothing was added"),
        ));
    }
    Ok(convert::import(report, dry_run))
}

/// Change label, boxes, category, `disabled` or facts of samples, all or none. A later import of the same files leaves these alone.
#[utoipa::path(patch, path = "/api/v1/projects/{project}/samples", tag = "data",
    params(("project" = String, Path, description = "Id of the project")), request_body = SampleEdit,
    responses((status = 204), (status = "4XX", body = Problem, content_type = "application/problem+json")))]
pub async fn edit_samples(
    State(app): State<App>,
    project: ProjectDir,
    who: Who,
    Body(asked): Body<SampleEdit>,
) -> ApiResult<StatusCode> {
    let edit = Edit {
        who: who.0.name,
        label: asked.label,
        category: asked.category.map(|c| convert::category_word(c).to_owned()),
        disabled: asked.disabled,
        ranges_json: None,
        boxes_json: asked.forget_boxes.then(String::new),
    };
    let ranges: Option<Vec<_>> = asked.ranges.map(|all| all.into_iter().map(convert::range_asked).collect());
    let boxes: Option<Vec<_>> = asked.boxes.map(|all| all.into_iter().map(convert::box_asked).collect());
    app.run_in(&project, move |s| dataset::edit(s, &asked.ids, &edit, ranges, boxes, &asked.metadata))
        .await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Remove samples, all or none. Those of a folder under `[[data]]` cannot be removed here, only disabled.
#[utoipa::path(post, path = "/api/v1/projects/{project}/samples/delete", tag = "data",
    params(("project" = String, Path, description = "Id of the project")), request_body = SampleIds,
    responses((status = 204), (status = "4XX", body = Problem, content_type = "application/problem+json")))]
pub async fn delete_samples(
    State(app): State<App>,
    project: ProjectDir,
    Body(asked): Body<SampleIds>,
) -> ApiResult<StatusCode> {
    app.run_in(&project, move |s| dataset::delete(s, &asked.ids)).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// One sample with everything known of it.
#[utoipa::path(get, path = "/api/v1/projects/{project}/samples/{sample}", tag = "data",
    params(("project" = String, Path, description = "Id of the project"), ("sample" = String, Path, description = "Id of the sample")),
    responses((status = 200, body = SampleDetail), (status = "4XX", body = Problem, content_type = "application/problem+json")))]
pub async fn get_sample(
    State(app): State<App>,
    project: ProjectDir,
    Named(sample): Named,
) -> ApiResult<Json<SampleDetail>> {
    let (line, shown) = app.run_in(&project, move |s| dataset::one(s, &sample)).await?;
    Ok(Json(convert::detail(line, shown)))
}

/// Who changed what of a sample, and when.
#[utoipa::path(get, path = "/api/v1/projects/{project}/samples/{sample}/history", tag = "data",
    params(("project" = String, Path, description = "Id of the project"), ("sample" = String, Path, description = "Id of the sample")),
    responses((status = 200, body = SampleHistory), (status = "4XX", body = Problem, content_type = "application/problem+json")))]
pub async fn sample_history(
    State(app): State<App>,
    project: ProjectDir,
    Named(sample): Named,
) -> ApiResult<Json<SampleHistory>> {
    let all = app.run_in(&project, move |s| dataset::history(s, &sample)).await?;
    let wire = |e: dataset::Edited| SampleChange {
        at: e.at,
        who: e.who,
        field: e.field,
        before: e.before,
        after: e.after,
    };
    Ok(Json(SampleHistory { changes: all.into_iter().map(wire).collect() }))
}

/// What the split would become with other shares: samples of each label on each side, now and then. Needs the stage `clean`; changes nothing.
#[utoipa::path(get, path = "/api/v1/projects/{project}/split", tag = "data",
    params(("project" = String, Path, description = "Id of the project"), RebalanceQuery),
    responses((status = 200, body = Rebalance), (status = "4XX", body = Problem, content_type = "application/problem+json")))]
pub async fn preview_split(
    State(app): State<App>,
    project: ProjectDir,
    Asked(query): Asked<RebalanceQuery>,
) -> ApiResult<Json<Rebalance>> {
    let free = query.free == Some(true);
    let (told, test, validation) = app
        .run_in(&project, move |s| {
            let split = &s.project.file.split;
            Ok((rebalance::preview(s, query.test, query.validation, free)?, split.test, split.validation))
        })
        .await?;
    let sides =
        |s: rebalance::Sides| Sides { training: s.training, validation: s.validation, testing: s.testing };
    let wire =
        |l: rebalance::LabelSides| LabelSides { label: l.label, now: sides(l.now), then: sides(l.then) };
    Ok(Json(Rebalance {
        labels: told.labels.into_iter().map(wire).collect(),
        moved: told.moved,
        fixed: told.fixed,
        test,
        validation,
    }))
}

/// A sample's way from its file to its windows, as the stages up to `features` have it; they must be up to date.
#[utoipa::path(get, path = "/api/v1/projects/{project}/samples/{sample}/trace", tag = "data",
    params(("project" = String, Path, description = "Id of the project"), ("sample" = String, Path, description = "Id of the sample")),
    responses((status = 200, body = Trace), (status = "4XX", body = Problem, content_type = "application/problem+json")))]
pub async fn trace_sample(
    State(app): State<App>,
    project: ProjectDir,
    Named(sample): Named,
) -> ApiResult<Json<Trace>> {
    let (line, traced) = app
        .run_in(&project, move |s| {
            let (line, _) = dataset::one(s, &sample)?;
            Ok((line, dataset::trace(s, &sample)?))
        })
        .await?;
    Ok(Json(convert::trace(line, traced)))
}

/// The file as it was received.
#[utoipa::path(get, path = "/api/v1/projects/{project}/samples/{sample}/file", tag = "data",
    params(("project" = String, Path, description = "Id of the project"), ("sample" = String, Path, description = "Id of the sample")),
    responses((status = 200, body = String, content_type = "application/octet-stream"),
        (status = "4XX", body = Problem, content_type = "application/problem+json")))]
pub async fn get_file(
    State(app): State<App>,
    project: ProjectDir,
    Named(sample): Named,
) -> ApiResult<Response> {
    let (name, path) = app.run_in(&project, move |s| dataset::file(s, &sample)).await?;
    send::file(&name, &path).await
}

/// Part of a recording, as the smallest and largest value of each column of a drawing.
#[utoipa::path(get, path = "/api/v1/projects/{project}/samples/{sample}/waveform", tag = "data",
    params(("project" = String, Path, description = "Id of the project"), ("sample" = String, Path, description = "Id of the sample"), WaveformQuery),
    responses((status = 200, body = Waveform), (status = "4XX", body = Problem, content_type = "application/problem+json")))]
pub async fn get_waveform(
    State(app): State<App>,
    project: ProjectDir,
    Named(sample): Named,
    Asked(query): Asked<WaveformQuery>,
) -> ApiResult<Json<Waveform>> {
    let size = |n: u64| usize::try_from(n).unwrap_or(usize::MAX);
    let (from, to) = (size(query.from.unwrap_or(0)), query.to.map(size));
    let columns = size(query.columns.unwrap_or(COLUMNS));
    let drawn = app.run_in(&project, move |s| dataset::waveform(s, &sample, from, to, columns)).await?;
    Ok(Json(convert::waveform(drawn)))
}

/// Where something happens in a recording: parts of a length, each around what is louder than the rest.
#[utoipa::path(get, path = "/api/v1/projects/{project}/samples/{sample}/parts", tag = "data",
    params(("project" = String, Path, description = "Id of the project"), ("sample" = String, Path, description = "Id of the sample"), PartQuery),
    responses((status = 200, body = PartList), (status = "4XX", body = Problem, content_type = "application/problem+json")))]
pub async fn propose_parts(
    State(app): State<App>,
    project: ProjectDir,
    Named(sample): Named,
    Asked(query): Asked<PartQuery>,
) -> ApiResult<Json<PartList>> {
    let length_ms = query.length_ms.unwrap_or(1000.0);
    let parts = app
        .run_in(&project, move |s| {
            dataset::one(s, &sample)?;
            dataset::proposals(s, &sample, length_ms)
        })
        .await?;
    let parts = parts.into_iter().map(|p| Part { start: p.start as u64, end: p.end as u64 }).collect();
    Ok(Json(PartList { parts }))
}

/// Make samples of parts of a recording. The whole is disabled unless it is to be kept; its bytes stay.
#[utoipa::path(post, path = "/api/v1/projects/{project}/samples/{sample}/parts", tag = "data",
    params(("project" = String, Path, description = "Id of the project"), ("sample" = String, Path, description = "Id of the sample")),
    request_body = Cut,
    responses((status = 200, body = SampleIds), (status = "4XX", body = Problem, content_type = "application/problem+json")))]
pub async fn cut_sample(
    State(app): State<App>,
    project: ProjectDir,
    who: Who,
    Named(sample): Named,
    Body(asked): Body<Cut>,
) -> ApiResult<Json<SampleIds>> {
    let frame = |n: u64| usize::try_from(n).unwrap_or(usize::MAX);
    let parts: Vec<dataset::Part> =
        asked.parts.iter().map(|p| dataset::Part { start: frame(p.start), end: frame(p.end) }).collect();
    let ids = app
        .run_in(&project, move |s| {
            dataset::one(s, &sample)?;
            dataset::cut(s, &sample, &parts, asked.keep, &who.0.name)
        })
        .await?;
    Ok(Json(SampleIds { ids }))
}

/// Problems of the data set: duplicates and near duplicates, suspicious recordings, labels that look misspelt, signs of leakage. Needs the stages up to `split`.
#[utoipa::path(get, path = "/api/v1/projects/{project}/findings", tag = "data",
    params(("project" = String, Path, description = "Id of the project")),
    responses((status = 200, body = FindingList), (status = "4XX", body = Problem, content_type = "application/problem+json")))]
pub async fn list_findings(State(app): State<App>, project: ProjectDir) -> ApiResult<Json<FindingList>> {
    let findings = app.run_in(&project, dataset::scan).await?;
    let findings = findings
        .into_iter()
        .map(|f| Finding { kind: f.kind, name: f.sample, sample: f.id, message: f.message, label: f.label })
        .collect();
    Ok(Json(FindingList { findings }))
}

/// How far the people who labelled the samples agree: of each the label that they gave last, and the samples that they dispute.
#[utoipa::path(get, path = "/api/v1/projects/{project}/agreement", tag = "data",
    params(("project" = String, Path, description = "Id of the project")),
    responses((status = 200, body = LabelAgreement), (status = "4XX", body = Problem, content_type = "application/problem+json")))]
pub async fn get_agreement(State(app): State<App>, project: ProjectDir) -> ApiResult<Json<LabelAgreement>> {
    let all = app.run_in(&project, dataset::agreement).await?;
    Ok(Json(LabelAgreement {
        people: all.people.into_iter().map(|(who, n)| LabelledBy { who, samples: n as u64 }).collect(),
        samples: all.samples as u64,
        agreement: all.agreement,
        fleiss_kappa: all.fleiss_kappa,
        pairs: all
            .pairs
            .into_iter()
            .map(|p| AgreementPair {
                first: p.first,
                second: p.second,
                samples: p.samples as u64,
                agreement: p.agreement,
                cohen_kappa: p.cohen_kappa,
            })
            .collect(),
        disputed: all
            .disputed
            .into_iter()
            .map(|d| DisputedLabel { sample: d.id, name: d.sample, labels: d.labels })
            .collect(),
    }))
}
