//! Devices: list, name, remove, record a sample.

use crate::{
    clients, convert,
    devices::Mode,
    error::{ApiError, ApiResult},
    state::{App, Body, Named, ProjectDir},
};
use axum::{Json, extract::State, http::StatusCode};
use edgewright_api::{Connection, Device, DeviceEdit, DeviceList, NewRecording, Problem, Recording};
use edgewright_engine::devices::{self, Wanted};

fn wire(app: &App, project: &str, device: devices::Device) -> Device {
    let connection = match app.devices.mode(project, &device.id) {
        None => Connection::Away,
        Some(Mode::Ingestion) => Connection::Recording,
        Some(Mode::Inference) => Connection::Inference,
    };
    let recording = app.devices.last(project, &device.id).map(convert::recording);
    convert::device(device, connection, recording)
}

/// Devices of a project in order of name: those that are connected, and those that once were.
#[utoipa::path(get, path = "/api/v1/projects/{project}/devices", tag = "devices",
    params(("project" = String, Path, description = "Id of the project")),
    responses((status = 200, body = DeviceList), (status = "4XX", body = Problem, content_type = "application/problem+json")))]
pub async fn list_devices(State(app): State<App>, project: ProjectDir) -> ApiResult<Json<DeviceList>> {
    let id = project.id.clone();
    let all = app.run(move |w| w.devices(&id)).await?;
    let devices = all.into_iter().map(|d| wire(&app, &project.id, d)).collect();
    Ok(Json(DeviceList { devices, port: app.devices_port }))
}

/// Name a device.
#[utoipa::path(patch, path = "/api/v1/projects/{project}/devices/{device}", tag = "devices",
    params(("project" = String, Path, description = "Id of the project"), ("device" = String, Path, description = "Id of the device")),
    request_body = DeviceEdit,
    responses((status = 200, body = Device), (status = "4XX", body = Problem, content_type = "application/problem+json")))]
pub async fn rename_device(
    State(app): State<App>,
    project: ProjectDir,
    Named(device): Named,
    Body(asked): Body<DeviceEdit>,
) -> ApiResult<Json<Device>> {
    let id = project.id.clone();
    let named = app.run(move |w| w.rename_device(&id, &device, &asked.name)).await?;
    Ok(Json(wire(&app, &project.id, named)))
}

/// Forget a device and end its connection. Its samples stay. One that connects again is back.
#[utoipa::path(delete, path = "/api/v1/projects/{project}/devices/{device}", tag = "devices",
    params(("project" = String, Path, description = "Id of the project"), ("device" = String, Path, description = "Id of the device")),
    responses((status = 204), (status = "4XX", body = Problem, content_type = "application/problem+json")))]
pub async fn remove_device(
    State(app): State<App>,
    project: ProjectDir,
    Named(device): Named,
) -> ApiResult<StatusCode> {
    let (id, gone) = (project.id.clone(), device.clone());
    app.run(move |w| w.remove_device(&id, &gone)).await?;
    app.devices.dismiss(&project.id, &device);
    Ok(StatusCode::NO_CONTENT)
}

/// Ask a device that is connected to record a sample. It answers at once; the recording tells how far it is.
#[utoipa::path(post, path = "/api/v1/projects/{project}/devices/{device}/recordings", tag = "devices",
    params(("project" = String, Path, description = "Id of the project"), ("device" = String, Path, description = "Id of the device")),
    request_body = NewRecording,
    responses((status = 202, body = Recording), (status = "4XX", body = Problem, content_type = "application/problem+json")))]
pub async fn record_sample(
    State(app): State<App>,
    project: ProjectDir,
    Named(device): Named,
    Body(asked): Body<NewRecording>,
) -> ApiResult<(StatusCode, Json<Recording>)> {
    let wanted = Wanted {
        label: asked.label,
        length_ms: asked.length_ms,
        category: convert::category_word(asked.category).to_owned(),
        sensor: asked.sensor,
        interval_ms: asked.interval_ms,
    };
    let recording = clients::ask(&app, &project.id, &device, wanted).await?;
    Ok((StatusCode::ACCEPTED, Json(convert::recording(recording))))
}

/// How far a recording is. The last 1000 since the server started are remembered.
#[utoipa::path(get, path = "/api/v1/projects/{project}/recordings/{recording}", tag = "devices",
    params(("project" = String, Path, description = "Id of the project"), ("recording" = String, Path, description = "Id of the recording")),
    responses((status = 200, body = Recording), (status = "4XX", body = Problem, content_type = "application/problem+json")))]
pub async fn get_recording(
    State(app): State<App>,
    project: ProjectDir,
    Named(recording): Named,
) -> ApiResult<Json<Recording>> {
    let found = recording.parse().ok().and_then(|n| app.devices.recording(&project.id, n));
    let missing = || ApiError::new(StatusCode::NOT_FOUND, "not_found", "there is no such recording");
    Ok(Json(convert::recording(found.ok_or_else(missing)?)))
}
