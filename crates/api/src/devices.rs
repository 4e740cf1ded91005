//! Devices and what they record.

use crate::Category;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// What a device does now.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Connection {
    /// It is not connected.
    Away,
    /// It waits to record.
    Recording,
    /// It runs a model.
    Inference,
}

/// What a device can measure.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct Sensor {
    /// Its name for the device.
    pub name: String,
    /// Longest recording in seconds; `null`: not told.
    pub max_length_s: Option<f64>,
    /// Rates in Hz; none for a camera.
    pub rates_hz: Vec<f64>,
}

/// A device of a project.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct Device {
    /// What it calls itself, usually a MAC address.
    pub id: String,
    /// What people call it.
    pub name: String,
    /// What it is, such as `DATA_FORWARDER`.
    pub kind: String,
    /// What it can measure.
    pub sensors: Vec<Sensor>,
    /// When it was first seen.
    pub created: i64,
    /// When it last said something; to the minute while it is connected.
    pub last_seen: i64,
    /// What it does now.
    pub connection: Connection,
    /// What it recorded last, since the server started.
    pub recording: Option<Recording>,
}

/// Devices of a project.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct DeviceList {
    /// In order of name.
    pub devices: Vec<Device>,
    /// Port on which devices connect; `null` when it cannot be had.
    pub port: Option<u16>,
}

/// What to change of a device.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct DeviceEdit {
    /// 1 to 100 characters.
    pub name: String,
}

/// What a device is to record.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewRecording {
    /// Label of the sample.
    pub label: String,
    /// Length in ms, above 0 and at most the sensor's.
    pub length_ms: f64,
    /// Which side of the split.
    pub category: Category,
    /// Name of one of its sensors; may be left out when it has one.
    #[serde(default)]
    pub sensor: Option<String>,
    /// From one frame to the next in ms; the sensor's first rate when left out.
    #[serde(default)]
    pub interval_ms: Option<f64>,
}

/// How far a recording is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum RecordingState {
    /// The device was told.
    Asked,
    /// It will record.
    Accepted,
    /// It records.
    Started,
    /// It works on what it recorded.
    Processing,
    /// What it recorded is read out of its memory.
    Reading,
    /// It sends the sample.
    Uploading,
    /// It is done.
    Done,
    /// It failed.
    Failed,
}

/// A recording that a device was asked for.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct Recording {
    /// Id.
    pub id: String,
    /// Id of the device.
    pub device: String,
    /// Label of the sample.
    pub label: String,
    /// Length in ms.
    pub length_ms: f64,
    /// Which side of the split.
    pub category: Category,
    /// Name of the sensor.
    pub sensor: Option<String>,
    /// From one frame to the next in ms.
    pub interval_ms: f64,
    /// How far it is.
    pub state: RecordingState,
    /// How much of the device's memory was read, in percent, when it says so.
    pub percent: Option<f64>,
    /// Why it failed.
    pub error: Option<String>,
    /// Id of the sample that came of it.
    pub sample: Option<String>,
    /// When it was asked for.
    pub asked: i64,
}
