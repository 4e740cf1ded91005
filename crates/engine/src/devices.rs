//! Devices of a project: what is kept of those that were once connected, and what one may be asked to record.

use crate::{
    EngineError,
    workspace::{Workspace, now},
};
use edgewright_store::DeviceRow;
use serde::{Deserialize, Serialize};

/// Longest id of a device, in bytes.
pub const ID_MAX: usize = 100;
/// Longest name of a device, a sensor or a kind of device, in characters.
pub const NAME_MAX: usize = 100;
/// Sensors of one device.
pub const SENSORS_MAX: usize = 100;
/// Rates of one sensor.
pub const RATES_MAX: usize = 100;
/// Devices of one project.
pub const DEVICES_MAX: u32 = 1000;
/// Longest recording that a device may be asked for, in ms: a day.
pub const LENGTH_MAX_MS: f64 = 86_400_000.0;

/// What a device can measure.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Sensor {
    /// Its name for the device.
    pub name: String,
    /// Longest recording in seconds, above 0; `None`: not told.
    pub max_length_s: Option<f64>,
    /// Rates in Hz, each above 0; none for a camera.
    pub rates_hz: Vec<f64>,
}

/// A device of a project.
#[derive(Clone, Debug, PartialEq)]
pub struct Device {
    /// What it calls itself, usually a MAC address.
    pub id: String,
    /// What people call it; the id until somebody names it.
    pub name: String,
    /// What it is, such as `DATA_FORWARDER`.
    pub kind: String,
    /// What it can measure.
    pub sensors: Vec<Sensor>,
    /// When it was first seen, in milliseconds since 1970.
    pub created: i64,
    /// When it last said something.
    pub last_seen: i64,
}

/// What a device is asked to record.
#[derive(Clone, Debug, PartialEq)]
pub struct Wanted {
    /// Label of the sample.
    pub label: String,
    /// Length in ms.
    pub length_ms: f64,
    /// `training`, `testing` or `split`.
    pub category: String,
    /// Name of a sensor; may be left out for a device with no more than one.
    pub sensor: Option<String>,
    /// From one frame to the next in ms; the sensor's first rate when left out.
    pub interval_ms: Option<f64>,
}

/// What is asked of it in the end.
#[derive(Clone, Debug, PartialEq)]
pub struct Order {
    /// Label of the sample.
    pub label: String,
    /// Length in ms.
    pub length_ms: f64,
    /// `training`, `testing` or `split`.
    pub category: String,
    /// Name of a sensor, when the device has any.
    pub sensor: Option<String>,
    /// From one frame to the next in ms.
    pub interval_ms: f64,
}

fn plain(text: &str, most: usize, what: &str) -> Result<(), EngineError> {
    if text.is_empty() || text.chars().count() > most || text.chars().any(char::is_control) {
        return Err(EngineError::Usage(format!(
            "{what} has 1 to {most} characters and no control characters"
        )));
    }
    Ok(())
}

fn device(row: DeviceRow) -> Result<Device, EngineError> {
    let sensors = serde_json::from_str(&row.sensors_json)
        .map_err(|e| EngineError::Internal(format!("a device's sensors cannot be read: {e}")))?;
    Ok(Device {
        id: row.id,
        name: row.name,
        kind: row.kind,
        sensors,
        created: row.created,
        last_seen: row.last_seen,
    })
}

fn missing(id: &str) -> EngineError {
    let shown: String = id.chars().filter(|c| !c.is_control()).take(ID_MAX).collect();
    EngineError::NotFound(format!("there is no device `{shown}` in this project"))
}

impl Workspace {
    /// Keeps a device that shows itself: a new one is named after its id, one that is known keeps its name. `sensors`: `None` leaves
    /// those that are known.
    ///
    /// # Errors
    /// [`EngineError::Usage`] for an id, kind or sensor that cannot be one, and for one device too many; those of the store.
    pub fn meet_device(
        &self,
        project: &str,
        id: &str,
        kind: &str,
        sensors: Option<&[Sensor]>,
    ) -> Result<Device, EngineError> {
        if id.len() > ID_MAX {
            return Err(EngineError::Usage(format!("a device's id has at most {ID_MAX} bytes")));
        }
        plain(id, ID_MAX, "a device's id")?;
        plain(kind, NAME_MAX, "a device's kind")?;
        let known = self.ledger.device(project, id)?.map(device).transpose()?;
        let told = sensors.unwrap_or(known.as_ref().map_or(&[][..], |d| &d.sensors));
        if told.len() > SENSORS_MAX {
            return Err(EngineError::Usage(format!("a device has at most {SENSORS_MAX} sensors")));
        }
        for sensor in told {
            plain(&sensor.name, NAME_MAX, "a sensor's name")?;
            let positive = |v: &f64| v.is_finite() && *v > 0.0;
            if !sensor.rates_hz.iter().chain(&sensor.max_length_s).all(positive) {
                return Err(EngineError::Usage(format!(
                    "sensor `{}`: rates and the longest length are numbers above 0",
                    sensor.name
                )));
            }
            if sensor.rates_hz.len() > RATES_MAX {
                return Err(EngineError::Usage(format!(
                    "sensor `{}`: at most {RATES_MAX} rates",
                    sensor.name
                )));
            }
        }
        let now = now();
        let row = DeviceRow {
            id: id.into(),
            name: known.as_ref().map_or(id, |d| &d.name).into(),
            kind: kind.into(),
            sensors_json: serde_json::to_string(told).map_err(|e| EngineError::Internal(e.to_string()))?,
            created: known.map_or(now, |d| d.created),
            last_seen: now,
        };
        if !self.ledger.put_device(project, &row, DEVICES_MAX)? {
            return Err(EngineError::Usage(format!(
                "a project has at most {DEVICES_MAX} devices; remove some that are gone"
            )));
        }
        device(row)
    }

    /// Devices of a project in order of name.
    ///
    /// # Errors
    /// Those of the store.
    pub fn devices(&self, project: &str) -> Result<Vec<Device>, EngineError> {
        self.ledger.list_devices(project)?.into_iter().map(device).collect()
    }

    /// One device.
    ///
    /// # Errors
    /// [`EngineError::NotFound`]; those of the store.
    pub fn device(&self, project: &str, id: &str) -> Result<Device, EngineError> {
        self.ledger.device(project, id)?.map(device).unwrap_or_else(|| Err(missing(id)))
    }

    /// Names a device.
    ///
    /// # Errors
    /// [`EngineError::Usage`] for a name that cannot be one, [`EngineError::NotFound`]; those of the store.
    pub fn rename_device(&self, project: &str, id: &str, name: &str) -> Result<Device, EngineError> {
        plain(name, NAME_MAX, "a device's name")?;
        if !self.ledger.rename_device(project, id, name)? {
            return Err(missing(id));
        }
        self.device(project, id)
    }

    /// Notes that a device said something.
    ///
    /// # Errors
    /// Those of the store.
    pub fn see_device(&self, project: &str, id: &str) -> Result<(), EngineError> {
        Ok(self.ledger.touch_device(project, id, now())?)
    }

    /// Forgets a device. Its samples stay.
    ///
    /// # Errors
    /// [`EngineError::NotFound`]; those of the store.
    pub fn remove_device(&self, project: &str, id: &str) -> Result<(), EngineError> {
        if self.ledger.delete_device(project, id)? { Ok(()) } else { Err(missing(id)) }
    }

    /// The key by which a project checks signatures, if it has one and no more.
    ///
    /// # Errors
    /// Those of reading the project file.
    pub fn signing_key(&self, project: &str) -> Result<Option<String>, EngineError> {
        let file = crate::project::Project::open(&self.project_dir(project)?)?.file;
        let mut keys: Vec<String> = file.data.into_iter().filter_map(|d| d.hmac_key).collect();
        keys.sort();
        keys.dedup();
        Ok(if keys.len() == 1 { keys.pop() } else { None })
    }
}

impl Device {
    /// Whether the device can record that, and what it must be told.
    ///
    /// # Errors
    /// [`EngineError::Usage`] with the field that is wrong.
    pub fn order(&self, wanted: &Wanted) -> Result<Order, EngineError> {
        let bad = |text: String| Err(EngineError::Usage(text));
        if !["training", "testing", "split"].contains(&wanted.category.as_str()) {
            return bad("`category` is training, testing or split".into());
        }
        edgewright_sample::labels::validate_label(&wanted.label)
            .map_err(|e| EngineError::Usage(format!("`label`: {}", e.message)))?;
        let names: Vec<&str> = self.sensors.iter().map(|s| s.name.as_str()).collect();
        let sensor = match (&wanted.sensor, names.as_slice()) {
            (Some(name), all) if all.contains(&name.as_str()) => Some(name.as_str()),
            // A device of the first version tells none.
            (None, []) => None,
            (None, [only]) => Some(*only),
            (_, []) => return bad("this device told no sensors; leave `sensor` out".into()),
            (_, all) => return bad(format!("`sensor` is one of this device: {}", all.join(", "))),
        };
        let found = self.sensors.iter().find(|s| Some(s.name.as_str()) == sensor);
        let most =
            found.and_then(|s| s.max_length_s).map_or(LENGTH_MAX_MS, |s| s * 1000.0).min(LENGTH_MAX_MS);
        if !(wanted.length_ms.is_finite() && wanted.length_ms > 0.0 && wanted.length_ms <= most) {
            return bad(format!("`length_ms` is above 0 and at most {most} for this sensor"));
        }
        // A camera has no rate; what is sent then means nothing.
        let usual = found.and_then(|s| s.rates_hz.first()).map_or(1.0, |rate| 1000.0 / rate);
        let interval_ms = wanted.interval_ms.unwrap_or(usual);
        if !(interval_ms.is_finite() && interval_ms > 0.0 && interval_ms <= LENGTH_MAX_MS) {
            return bad(format!("`interval_ms` is above 0 and at most {LENGTH_MAX_MS}"));
        }
        Ok(Order {
            label: wanted.label.clone(),
            length_ms: wanted.length_ms,
            category: wanted.category.clone(),
            sensor: sensor.map(str::to_owned),
            interval_ms,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sensor(name: &str, length: f64, rates: &[f64]) -> Sensor {
        Sensor { name: name.into(), max_length_s: Some(length), rates_hz: rates.to_vec() }
    }

    fn workspace() -> (tempfile::TempDir, Workspace) {
        let dir = tempfile::tempdir().expect("a folder");
        let workspace = Workspace::open(dir.path()).expect("opens");
        (dir, workspace)
    }

    #[test]
    fn a_device_keeps_its_name_and_changes_its_sensors() {
        let (_dir, w) = workspace();
        let first = w.meet_device("kws", "aa:bb", "BOARD", None).expect("kept");
        assert_eq!((first.name.as_str(), first.sensors.len()), ("aa:bb", 0));
        w.rename_device("kws", "aa:bb", "desk").expect("named");
        let sensors = [sensor("Microphone", 60.0, &[16000.0])];
        let again = w.meet_device("kws", "aa:bb", "BOARD_2", Some(&sensors)).expect("kept");
        assert_eq!((again.name.as_str(), again.kind.as_str()), ("desk", "BOARD_2"));
        assert_eq!(w.devices("kws").expect("listed"), [again]);
        let seen = w.meet_device("kws", "aa:bb", "BOARD_2", None).expect("kept");
        assert_eq!(seen.sensors, sensors);
        assert!(w.devices("other").expect("listed").is_empty());
        w.remove_device("kws", "aa:bb").expect("removed");
        assert!(w.remove_device("kws", "aa:bb").is_err() && w.device("kws", "aa:bb").is_err());
    }

    #[test]
    fn what_cannot_be_a_device_is_refused() {
        let (_dir, w) = workspace();
        let long = "x".repeat(ID_MAX + 1);
        let many = vec![sensor("a", 1.0, &[1.0]); SENSORS_MAX + 1];
        let nan = [sensor("a", f64::NAN, &[])];
        let rate = [sensor("a", 1.0, &[0.0])];
        let rates = [sensor("a", 1.0, &[1.0; RATES_MAX + 1])];
        for (id, kind, sensors) in [
            ("", "K", None),
            (long.as_str(), "K", None),
            ("a\nb", "K", None),
            ("a", "", None),
            ("a", "K", Some(&many[..])),
            ("a", "K", Some(&nan[..])),
            ("a", "K", Some(&rate[..])),
            ("a", "K", Some(&rates[..])),
        ] {
            assert!(w.meet_device("kws", id, kind, sensors).is_err(), "{id:?} {kind:?}");
        }
        assert!(w.devices("kws").expect("listed").is_empty());
    }

    #[test]
    fn an_order_fits_the_device() {
        let device = |sensors: &[Sensor]| Device {
            id: "a".into(),
            name: "a".into(),
            kind: "K".into(),
            sensors: sensors.to_vec(),
            created: 0,
            last_seen: 0,
        };
        let wanted = |sensor: Option<&str>, length: f64, interval: Option<f64>| Wanted {
            label: "yes".into(),
            length_ms: length,
            category: "training".into(),
            sensor: sensor.map(Into::into),
            interval_ms: interval,
        };
        let one = device(&[sensor("Microphone", 2.0, &[16000.0, 8000.0])]);
        let order = one.order(&wanted(None, 2000.0, None)).expect("fits");
        assert_eq!((order.sensor.as_deref(), order.interval_ms), (Some("Microphone"), 0.0625));
        assert!(one.order(&wanted(None, 2000.1, None)).is_err());
        assert!(one.order(&wanted(Some("Camera"), 10.0, None)).is_err());
        assert!(one.order(&wanted(None, f64::NAN, None)).is_err());
        assert!(one.order(&wanted(None, 10.0, Some(0.0))).is_err());
        let two = device(&[sensor("A", 2.0, &[50.0]), sensor("B", 2.0, &[])]);
        assert!(two.order(&wanted(None, 10.0, None)).is_err());
        assert_eq!(two.order(&wanted(Some("B"), 10.0, None)).expect("fits").interval_ms, 1.0);
        assert_eq!(device(&[]).order(&wanted(None, 10.0, None)).expect("fits").sensor, None);
        let mut bad = wanted(None, 10.0, None);
        bad.category = "else".into();
        assert!(one.order(&bad).is_err());
        bad = wanted(None, 10.0, None);
        bad.label = "a/b".into();
        assert!(one.order(&bad).is_err());
    }
}
