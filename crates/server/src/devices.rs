//! Devices that are connected now, and what they are recording. What is known of a device beyond that is kept by `engine`.

use edgewright_engine::devices::Order;
use serde_json::{Value, json};
use std::{
    collections::{BTreeMap, VecDeque},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc};

/// Sockets of devices at once.
const SOCKETS: usize = 256;
/// Messages that wait for a device.
const WAITING: usize = 16;
/// Recordings that are remembered, of all projects.
const REMEMBERED: usize = 1000;
/// A recording without news for so long beyond its length has failed.
const PATIENCE: Duration = Duration::from_secs(60);

/// What a device does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// Records.
    Ingestion,
    /// Runs a model.
    Inference,
}

/// How far a recording is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    Asked,
    Accepted,
    Started,
    Processing,
    Reading,
    Uploading,
    Done,
    Failed,
}

impl Step {
    fn is_final(self) -> bool {
        matches!(self, Self::Done | Self::Failed)
    }
}

/// A recording that a device was asked for.
#[derive(Clone, Debug)]
pub struct Recording {
    /// Rises with time, beyond the end of the server too.
    pub number: u64,
    /// Id of the project.
    pub project: String,
    /// Id of the device.
    pub device: String,
    /// What was asked for.
    pub order: Order,
    /// How far it is.
    pub step: Step,
    /// How much of the device's memory has been read, when it says so.
    pub percent: Option<f64>,
    /// Why it failed.
    pub error: Option<String>,
    /// Id of the sample that came of it.
    pub sample: Option<String>,
    /// When it was asked for, in milliseconds since 1970.
    pub asked: i64,
    until: Instant,
}

/// Why a device cannot be asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refused {
    /// It is not connected.
    Away,
    /// It runs a model.
    Inference,
    /// It is recording.
    Busy,
}

impl Refused {
    /// A sentence.
    pub fn words(self) -> &'static str {
        match self {
            Self::Away => "the device is not connected",
            Self::Inference => "the device runs a model and records nothing; start it without --monitor",
            Self::Busy => "the device is recording; wait until it is done",
        }
    }
}

struct Connection {
    /// Tells an older connection of the same device from a newer one.
    number: u64,
    to: mpsc::Sender<Value>,
    mode: Mode,
    recording: Option<u64>,
}

#[derive(Default)]
struct Inner {
    connections: BTreeMap<(String, String), Connection>,
    recordings: VecDeque<Recording>,
    joined: u64,
}

/// All of them.
#[derive(Clone)]
pub struct Devices {
    inner: Arc<Mutex<Inner>>,
    sockets: Arc<Semaphore>,
}

impl Default for Devices {
    fn default() -> Self {
        Self { inner: Arc::default(), sockets: Arc::new(Semaphore::new(SOCKETS)) }
    }
}

/// A device's place among those that are connected; leaving it frees the place.
pub struct Seat {
    devices: Devices,
    project: String,
    device: String,
    number: u64,
}

impl Devices {
    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Room for a socket, if there is any.
    pub fn socket(&self) -> Option<OwnedSemaphorePermit> {
        self.sockets.clone().try_acquire_owned().ok()
    }

    /// A device is connected; an older connection of it ends. What comes out of the receiver goes to the device; when that ends, so does
    /// the connection.
    pub fn join(&self, project: &str, device: &str, mode: Mode) -> (Seat, mpsc::Receiver<Value>) {
        let (to, from) = mpsc::channel(WAITING);
        let mut inner = self.inner();
        inner.joined += 1;
        let number = inner.joined;
        let connection = Connection { number, to, mode, recording: None };
        let older = inner.connections.insert((project.into(), device.into()), connection);
        inner.fail(older.and_then(|c| c.recording), "the device connected anew");
        let seat = Seat { devices: self.clone(), project: project.into(), device: device.into(), number };
        (seat, from)
    }

    /// What a device does, when it is connected.
    pub fn mode(&self, project: &str, device: &str) -> Option<Mode> {
        self.inner().connections.get(&(project.into(), device.into())).map(|c| c.mode)
    }

    /// Ends the connection of a device.
    pub fn dismiss(&self, project: &str, device: &str) {
        let mut inner = self.inner();
        let gone = inner.connections.remove(&(project.into(), device.into()));
        inner.fail(gone.and_then(|c| c.recording), "the device was removed");
    }

    /// Asks a device to record. `signing` is the key that it should sign with.
    ///
    /// # Errors
    /// [`Refused`].
    pub fn record(
        &self,
        project: &str,
        device: &str,
        order: Order,
        signing: &str,
    ) -> Result<Recording, Refused> {
        let mut inner = self.inner();
        inner.give_up();
        let last = inner.recordings.back().map_or(0, |r| r.number);
        let Some(connection) = inner.connections.get_mut(&(project.into(), device.into())) else {
            return Err(Refused::Away);
        };
        if connection.mode == Mode::Inference {
            return Err(Refused::Inference);
        }
        if connection.recording.is_some() {
            return Err(Refused::Busy);
        }
        let mut sample = json!({
            "label": order.label, "length": order.length_ms, "path": format!("/api/{}/data", order.category),
            "hmacKey": signing, "interval": order.interval_ms,
        });
        if let Some(sensor) = &order.sensor {
            sample["sensor"] = json!(sensor);
        }
        // A device that takes nothing is as good as away.
        connection.to.try_send(json!({ "sample": sample })).map_err(|_| Refused::Away)?;
        let asked = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |d| d.as_millis() as i64);
        let number = (last + 1).max(asked as u64);
        connection.recording = Some(number);
        let mut recording = Recording {
            number,
            project: project.into(),
            device: device.into(),
            order,
            step: Step::Asked,
            percent: None,
            error: None,
            sample: None,
            asked,
            until: Instant::now(),
        };
        recording.renew();
        inner.recordings.push_back(recording.clone());
        if inner.recordings.len() > REMEMBERED {
            inner.recordings.pop_front();
        }
        Ok(recording)
    }

    /// A recording of a project.
    pub fn recording(&self, project: &str, number: u64) -> Option<Recording> {
        let mut inner = self.inner();
        inner.give_up();
        inner.recordings.iter().find(|r| r.number == number && r.project == project).cloned()
    }

    /// The last recording of a device.
    pub fn last(&self, project: &str, device: &str) -> Option<Recording> {
        let mut inner = self.inner();
        inner.give_up();
        inner.recordings.iter().rev().find(|r| r.device == device && r.project == project).cloned()
    }

    /// Whether any device of a project is recording.
    pub fn expects(&self, project: &str) -> bool {
        self.inner().recordings.iter().any(|r| r.project == project && !r.step.is_final())
    }

    /// A sample has come in. It is what a recording gave when the document names the device, or when no other device is recording.
    pub fn arrived(&self, project: &str, sample: &str, device: Option<&str>) {
        let mut inner = self.inner();
        let open = |r: &&mut Recording| r.project == project && !r.step.is_final() && r.sample.is_none();
        let mut waiting: Vec<&mut Recording> = inner.recordings.iter_mut().filter(open).collect();
        let named = waiting.iter().position(|r| Some(r.device.as_str()) == device);
        let at = named.or((waiting.len() == 1).then_some(0));
        if let Some(recording) = at.and_then(|at| waiting.get_mut(at)) {
            recording.sample = Some(sample.to_owned());
            recording.renew();
        }
    }
}

impl Recording {
    fn renew(&mut self) {
        self.until = Instant::now() + Duration::from_millis(self.order.length_ms as u64) + PATIENCE;
    }
}

impl Inner {
    fn fail(&mut self, recording: Option<u64>, why: &str) {
        let found = recording.and_then(|n| self.recordings.iter_mut().find(|r| r.number == n));
        if let Some(recording) = found.filter(|r| !r.step.is_final()) {
            recording.step = Step::Failed;
            recording.error = Some(why.to_owned());
        }
    }

    /// Recordings of which nothing is heard any more.
    fn give_up(&mut self) {
        let now = Instant::now();
        for recording in self.recordings.iter_mut().filter(|r| !r.step.is_final() && r.until < now) {
            recording.step = Step::Failed;
            recording.error = Some("nothing was heard from the device in time".into());
        }
        for connection in self.connections.values_mut() {
            let open = |n: u64| self.recordings.iter().any(|r| r.number == n && !r.step.is_final());
            if connection.recording.is_some_and(|n| !open(n)) {
                connection.recording = None;
            }
        }
    }
}

impl Seat {
    /// The project.
    pub fn project(&self) -> &str {
        &self.project
    }

    /// The device.
    pub fn device(&self) -> &str {
        &self.device
    }

    /// What the device says of its recording. Messages that say nothing of one are left alone.
    pub fn hear(&self, message: &Value) {
        let said = |name: &str| message[name] == true;
        let step = if message["sample"] == false {
            Step::Failed
        } else if said("sample") {
            Step::Accepted
        } else if said("sampleStarted") {
            Step::Started
        } else if said("sampleProcessing") {
            Step::Processing
        } else if said("sampleReading") {
            Step::Reading
        } else if said("sampleUploading") {
            Step::Uploading
        } else if said("sampleFinished") {
            Step::Done
        } else {
            return;
        };
        let mut inner = self.devices.inner();
        let key = (self.project.clone(), self.device.clone());
        let Some(connection) = inner.connections.get_mut(&key).filter(|c| c.number == self.number) else {
            return;
        };
        let Some(number) = connection.recording else { return };
        if step.is_final() {
            connection.recording = None;
        }
        let Some(recording) = inner.recordings.iter_mut().find(|r| r.number == number) else { return };
        if recording.step.is_final() {
            return;
        }
        recording.renew();
        // The daemon answers a quick sensor's request after its first news.
        if step != Step::Accepted || recording.step == Step::Asked {
            recording.step = step;
        }
        recording.percent = message["progressPercentage"].as_f64().filter(|p| (0.0..=100.0).contains(p));
        if step == Step::Failed {
            let why =
                message["error"].as_str().or(message["err"].as_str()).unwrap_or("the device says no more");
            recording.error = Some(why.chars().filter(|c| !c.is_control()).take(500).collect());
        }
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        let mut inner = self.devices.inner();
        let key = (self.project.clone(), self.device.clone());
        if inner.connections.get(&key).is_some_and(|c| c.number == self.number) {
            let gone = inner.connections.remove(&key);
            inner.fail(gone.and_then(|c| c.recording), "the connection to the device was lost");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn order(length_ms: f64) -> Order {
        Order {
            label: "yes".into(),
            length_ms,
            category: "training".into(),
            sensor: Some("Microphone".into()),
            interval_ms: 0.0625,
        }
    }

    #[test]
    fn a_recording_goes_its_way() {
        let devices = Devices::default();
        assert_eq!(devices.record("p", "d", order(1.0), "0").expect_err("away"), Refused::Away);
        let (seat, mut out) = devices.join("p", "d", Mode::Ingestion);
        let asked = devices.record("p", "d", order(1000.0), "0").expect("asked");
        let sent = out.try_recv().expect("sent");
        assert_eq!(sent["sample"]["path"], "/api/training/data");
        assert_eq!((&sent["sample"]["hmacKey"], &sent["sample"]["interval"]), (&json!("0"), &json!(0.0625)));
        assert_eq!(devices.record("p", "d", order(1.0), "0").expect_err("busy"), Refused::Busy);
        assert!(devices.expects("p") && !devices.expects("q"));
        let step = || devices.recording("p", asked.number).expect("there").step;
        for (message, wanted) in [
            (json!({"sampleStarted": true}), Step::Started),
            (json!({"sample": true}), Step::Started),
            (json!({"sampleReading": true, "progressPercentage": 40}), Step::Reading),
            (json!({"other": true}), Step::Reading),
            (json!({"sampleUploading": true}), Step::Uploading),
        ] {
            seat.hear(&message);
            assert_eq!(step(), wanted, "{message}");
        }
        devices.arrived("p", "abc", None);
        seat.hear(&json!({"sampleFinished": true}));
        // What comes after the end changes nothing.
        seat.hear(&json!({"sample": false, "error": "late"}));
        let done = devices.last("p", "d").expect("there");
        assert_eq!((done.step, done.sample.as_deref(), done.error), (Step::Done, Some("abc"), None));
        assert!(devices.recording("q", asked.number).is_none());
        assert!(devices.record("p", "d", order(1.0), "0").expect("free again").number > asked.number);
    }

    #[test]
    fn a_newer_connection_replaces_the_older() {
        let devices = Devices::default();
        let (first, mut out) = devices.join("p", "d", Mode::Ingestion);
        let asked = devices.record("p", "d", order(1.0), "0").expect("asked");
        let (second, _out) = devices.join("p", "d", Mode::Inference);
        assert!(out.try_recv().is_ok(), "the request");
        assert_eq!(out.try_recv(), Err(mpsc::error::TryRecvError::Disconnected));
        assert_eq!(devices.recording("p", asked.number).expect("there").step, Step::Failed);
        drop(first);
        assert_eq!(devices.mode("p", "d"), Some(Mode::Inference));
        assert_eq!(devices.record("p", "d", order(1.0), "0").expect_err("runs"), Refused::Inference);
        drop(second);
        assert_eq!(devices.mode("p", "d"), None);
    }

    #[test]
    fn a_sample_belongs_to_the_device_that_it_names() {
        let devices = Devices::default();
        let (_a, _from_a) = devices.join("p", "a", Mode::Ingestion);
        let (_b, _from_b) = devices.join("p", "b", Mode::Ingestion);
        let of = |d: &str| devices.record("p", d, order(1.0), "0").expect("asked").number;
        let (a, b) = (of("a"), of("b"));
        devices.arrived("p", "1", None);
        devices.arrived("p", "2", Some("b"));
        devices.arrived("p", "3", Some("elsewhere"));
        let sample = |n: u64| devices.recording("p", n).expect("there").sample;
        // Once b has its sample, a is the only one that waits.
        assert_eq!((sample(a).as_deref(), sample(b).as_deref()), (Some("3"), Some("2")));
    }

    #[test]
    fn a_failure_is_told_by_either_name() {
        for field in ["err", "error"] {
            let devices = Devices::default();
            let (seat, _out) = devices.join("p", "d", Mode::Ingestion);
            let asked = devices.record("p", "d", order(1.0), "0").expect("asked").number;
            seat.hear(&json!({"sample": false, field: "no memory\u{7}"}));
            let failed = devices.recording("p", asked).expect("there");
            assert_eq!((failed.step, failed.error.as_deref()), (Step::Failed, Some("no memory")));
        }
    }

    #[test]
    fn silence_ends_a_recording() {
        let devices = Devices::default();
        let (_seat, _out) = devices.join("p", "d", Mode::Ingestion);
        let asked = devices.record("p", "d", order(1.0), "0").expect("asked").number;
        devices.inner().recordings[0].until = Instant::now() - Duration::from_secs(1);
        assert_eq!(devices.recording("p", asked).expect("there").step, Step::Failed);
        assert!(devices.record("p", "d", order(1.0), "0").is_ok());
    }
}
