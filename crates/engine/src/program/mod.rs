//! DSP blocks that a program of the user computes, asked over HTTP.

pub mod contract;

use crate::{
    EngineError,
    project::{DspSection, Project},
    session::{Key, Session},
};
use contract::{Answer, Declared};
use edgewright_dsp::{EXTERNAL, OutputShape, Params, Value as DspValue};
use edgewright_impulse::{DspBlock, Window};
use edgewright_store::Hash;
use edgewright_toolchain::{Endpoint, HttpError, Reply, Service, free_port};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    sync::{Mutex, OnceLock},
    time::{Duration, Instant},
};

/// Seconds that a program may take to start, and for an answer, when the project does not say.
const TIME_LIMIT_S: u64 = 60;
/// The longest that a project may say: a day.
const MOST_TIME_S: u64 = 24 * 60 * 60;
/// Bytes of an answer, at most.
const MOST_BYTES: usize = 256 << 20;
/// Values that are sent at once, about.
const BATCH_VALUES: usize = 1 << 20;

/// What is known of a block once it was asked.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Known {
    /// `12`, `10x5` or `8x8x3`.
    shape: String,
    /// One name per feature, in lines; empty when it gives none.
    names: String,
}

/// The block of a project with a program behind it.
pub struct Program {
    /// Name of the block in the project.
    pub id: String,
    dir: PathBuf,
    section: DspSection,
    /// Started, or found, when it is first asked. One question at a time.
    running: Mutex<Option<Running>>,
    /// Its [`Program::identity`], once it is known.
    identity: OnceLock<String>,
}

struct Running {
    service: Option<Service>,
    at: Endpoint,
    version: u32,
    params: Map<String, Value>,
    declared: Declared,
    /// Whether it knows `/batch`.
    batch: bool,
}

/// Names of the DSP blocks of a project in its impulse, in order.
pub(crate) fn ids(sections: &[DspSection]) -> Vec<String> {
    let mut out: Vec<String> = Vec::new();
    for section in sections {
        let id = section.id.clone().unwrap_or_else(|| section.block.clone());
        out.push(if out.contains(&id) { format!("{id}{}", out.len() + 1) } else { id });
    }
    out
}

/// The blocks of a project that programs compute.
pub fn of(project: &Project) -> Vec<Program> {
    let sections = &project.file.impulse.dsp;
    let named = ids(sections).into_iter().zip(sections).filter(|(_, s)| s.block == EXTERNAL);
    named
        .map(|(id, section)| Program {
            id,
            dir: project.dir.clone(),
            section: section.clone(),
            running: Mutex::new(None),
            identity: OnceLock::new(),
        })
        .collect()
}

/// The blocks of a project that programs compute, as catalogue entries. With `ask` they are asked, and started for that; otherwise what they
/// answered when they were last asked counts. One of which nothing is known says why in its help.
pub fn list(session: &Session<'_>, ask: bool) -> Vec<Value> {
    let told = |p: &Program| if ask { p.declared(session) } else { p.last_declared(session) };
    let entry = |p: &Program| match told(p) {
        Err(e) => {
            json!({"name": p.id, "title": p.id, "help": e.to_string(), "versions": [1], "parameters": []})
        }
        Ok(d) => {
            let version = p.section.version.unwrap_or(d.version);
            let parameters: Vec<Value> =
                d.parameters.iter().map(|i| i.entry(&p.section.parameters)).collect();
            json!({"name": p.id, "title": if d.title.is_empty() { p.id.clone() } else { d.title }, "help": d.help,
                "versions": [version], "parameters": parameters})
        }
    };
    of(&session.project).iter().map(entry).collect()
}

/// What stands for the programs of a project in the key of a stage.
///
/// # Errors
/// Those of asking a program that is only named by its address.
pub(crate) fn identities(session: &Session<'_>) -> Result<Vec<String>, EngineError> {
    of(&session.project).iter().map(|p| p.identity(session)).collect()
}

impl Program {
    fn fail(&self, reason: impl std::fmt::Display) -> EngineError {
        EngineError::Data(format!("DSP block `{}`: {reason}", self.id))
    }

    /// What tells this program from others: the bytes of the files that its command names. Where it names none (`python3 -m block`) or there is
    /// only an address, what it answers to `/parameters` besides, with its version. Who only looks does not ask; the answer to the last question
    /// counts.
    fn identity(&self, session: &Session<'_>) -> Result<String, EngineError> {
        if let Some(known) = self.identity.get() {
            return Ok(known.clone());
        }
        let found = self.identify(session)?;
        Ok(self.identity.get_or_init(|| found).clone())
    }

    fn identify(&self, session: &Session<'_>) -> Result<String, EngineError> {
        let (code, files) = self.code();
        if files > 0 {
            return Ok(code);
        }
        if !session.looking {
            self.with(session, |_| Ok(()))?;
        }
        let known = session.store.get_derived(&self.declared_key())?;
        let document = known.ok_or(EngineError::NotBuilt { stage: "features" })?;
        Ok(format!("{code} {document}"))
    }

    /// Its address and command with the hashes of the files that are named in it, and how many those are.
    fn code(&self) -> (String, usize) {
        let hash =
            |argument: &String| std::fs::read(self.dir.join(argument)).ok().map(|b| Hash::of(&b).to_string());
        let command = self.section.command.as_deref().unwrap_or_default();
        let files: Vec<_> = command.iter().map(hash).collect();
        let code = match &self.section.command {
            Some(command) => format!("{command:?} {files:?}"),
            None => format!("{:?}", self.section.url),
        };
        (code, files.iter().flatten().count())
    }

    /// Where its last answer to `/parameters` is kept.
    fn declared_key(&self) -> Hash {
        Key::new("program").text("declared", &self.code().0).finish()
    }

    /// Keeps what it answers to `/parameters`.
    fn keep(&self, session: &Session<'_>, declared: &Declared) -> Result<(), EngineError> {
        let document = serde_json::to_vec(declared).map_err(|e| EngineError::Internal(e.to_string()))?;
        let (key, hash) = (self.declared_key(), session.store.put_blob(&document)?);
        if session.store.get_derived(&key)? != Some(hash) {
            session.store.put_derived(&key, &hash)?;
        }
        Ok(())
    }

    /// What the block said of its parameters when it was last asked, with the code that it has now; starts nothing.
    fn last_declared(&self, session: &Session<'_>) -> Result<Declared, EngineError> {
        match session.store.get_derived(&self.declared_key())? {
            Some(hash) if session.store.has_blob(&hash) => session.read(&hash),
            _ => Err(self.fail("it was not asked yet for its parameters; a run asks it")),
        }
    }

    /// What everything that it gives depends on, beside the values of windows.
    fn key(&self, session: &Session<'_>, window: &Window) -> Result<Key, EngineError> {
        let mut key = Key::new("program");
        key.text("identity", &self.identity(session)?)
            .value("version", &self.section.version)
            .value("parameters", &self.section.parameters)
            .value("axes", &(&self.section.axes, &window.axes))
            .value("window", &(window.frames, window.rate_hz, window.image));
        Ok(key)
    }

    /// Asks for the features of a window, so that their number and names are known.
    ///
    /// # Errors
    /// [`EngineError::Data`] with what is wrong with the program or with what it gives.
    pub(crate) fn discover(
        &self,
        session: &Session<'_>,
        window: &Window,
        axes: &[usize],
        values: &[f32],
    ) -> Result<(), EngineError> {
        let key = self.key(session, window)?.text("what", "shape").finish();
        if session.store.get_derived(&key)?.is_some_and(|h| session.store.has_blob(&h)) {
            return Ok(());
        }
        let seen: Vec<f32> =
            values.chunks_exact(window.axes.len()).flat_map(|f| axes.iter().map(|&a| f[a])).collect();
        let answer = self.with(session, |r| self.one(session, r, window, axes, &seen))?;
        let known = Known {
            shape: match answer.shape {
                OutputShape::Flat(n) => n.to_string(),
                OutputShape::Spectrogram { rows, columns } => format!("{rows}x{columns}"),
                OutputShape::Image { height, width, channels } => format!("{height}x{width}x{channels}"),
            },
            names: answer.names.unwrap_or_default().join("\n"),
        };
        let text = serde_json::to_vec(&known).map_err(|e| EngineError::Internal(e.to_string()))?;
        session.store.put_derived(&key, &session.store.put_blob(&text)?)?;
        Ok(())
    }

    /// Parameters from which the block is planned.
    ///
    /// # Errors
    /// [`EngineError::NotBuilt`] when it was not asked yet with these settings.
    pub(crate) fn params(&self, session: &Session<'_>, window: &Window) -> Result<Params, EngineError> {
        let key = self.key(session, window)?.text("what", "shape").finish();
        let Some(hash) = session.store.get_derived(&key)? else {
            return Err(EngineError::NotBuilt { stage: "features" });
        };
        let Known { shape, names } = session.read(&hash)?;
        Ok([("shape".to_owned(), DspValue::Text(shape)), ("names".to_owned(), DspValue::Text(names))].into())
    }

    /// Features of windows, one row each; those that it gave before for the same values are not asked for again.
    ///
    /// # Errors
    /// [`EngineError::Data`] with what is wrong with the program or with what it gives, [`EngineError::Cancelled`].
    pub(crate) fn rows(
        &self,
        session: &Session<'_>,
        block: &DspBlock,
        window: &Window,
        windows: &[Vec<f32>],
    ) -> Result<Vec<Vec<f32>>, EngineError> {
        let width = block.plan.output().len();
        let mut key = self.key(session, window)?;
        for values in windows {
            let bytes: Vec<u8> = values.iter().flat_map(|v| v.to_le_bytes()).collect();
            key.text("window", &Hash::of(&bytes).to_string());
        }
        let key = key.finish();
        if let Some(hash) = session.store.get_derived(&key)?
            && session.store.has_blob(&hash)
        {
            let bytes = session.store.get_blob(&hash)?;
            let values: Vec<f32> =
                bytes.chunks_exact(4).map(|b| f32::from_le_bytes([b[0], b[1], b[2], b[3]])).collect();
            return Ok(values.chunks(width).map(<[f32]>::to_vec).collect());
        }
        let rows = self.with(session, |r| self.ask_rows(session, r, block, window, windows))?;
        let bytes: Vec<u8> = rows.iter().flatten().flat_map(|v| v.to_le_bytes()).collect();
        session.store.put_derived(&key, &session.store.put_blob(&bytes)?)?;
        Ok(rows)
    }

    /// The same without a look at what was given before.
    pub(crate) fn fresh(
        &self,
        session: &Session<'_>,
        block: &DspBlock,
        window: &Window,
        windows: &[Vec<f32>],
    ) -> Result<Vec<Vec<f32>>, EngineError> {
        self.with(session, |r| self.ask_rows(session, r, block, window, windows))
    }

    fn ask_rows(
        &self,
        session: &Session<'_>,
        running: &mut Running,
        block: &DspBlock,
        window: &Window,
        windows: &[Vec<f32>],
    ) -> Result<Vec<Vec<f32>>, EngineError> {
        let seen: Vec<Vec<f32>> = windows.iter().map(|w| block.seen(w, window.axes.len())).collect();
        let mut out = Vec::with_capacity(windows.len());
        let at_once = (BATCH_VALUES / window.values().max(1)).max(1);
        for part in seen.chunks(at_once) {
            let answers =
                if running.batch { self.batch(session, running, window, &block.axes, part)? } else { None };
            match answers {
                Some(answer) => out.push(answer),
                None => {
                    running.batch = false;
                    for values in part {
                        out.push(self.one(session, running, window, &block.axes, values)?);
                    }
                }
            }
        }
        let width = block.plan.output().len();
        for answer in &out {
            if answer.rows.iter().any(|r| r.len() != width) || answer.shape != block.plan.output() {
                let now = answer.rows.first().map_or(0, Vec::len);
                return Err(self.fail(format!(
                    "it gave {width} features ({:?}) when it was first asked and now {now} ({:?}); every window must give the same",
                    block.plan.output(),
                    answer.shape
                )));
            }
        }
        Ok(out.into_iter().flat_map(|a| a.rows).collect())
    }

    fn batch(
        &self,
        session: &Session<'_>,
        running: &mut Running,
        window: &Window,
        axes: &[usize],
        windows: &[Vec<f32>],
    ) -> Result<Option<Answer>, EngineError> {
        let features: Vec<Value> = windows.iter().map(|w| sent(w, window)).collect();
        let body = request(running, window, axes, features.into());
        let reply = self.ask(session, running, "/batch", Some(&body))?;
        if reply.status == 404 {
            return Ok(None);
        }
        self.checked(&reply, "/batch", contract::answer(&reply.body, Some(windows.len()))).map(Some)
    }

    fn one(
        &self,
        session: &Session<'_>,
        running: &mut Running,
        window: &Window,
        axes: &[usize],
        values: &[f32],
    ) -> Result<Answer, EngineError> {
        let mut body = request(running, window, axes, sent(values, window));
        for (name, value) in
            [("draw_graphs", json!(false)), ("calculate_performance", json!(false)), ("project_id", json!(0))]
        {
            body[name] = value;
        }
        let reply = self.ask(session, running, "/run", Some(&body))?;
        self.checked(&reply, "/run", contract::answer(&reply.body, None))
    }

    fn checked<T>(&self, reply: &Reply, path: &str, read: Result<T, String>) -> Result<T, EngineError> {
        match read {
            _ if reply.status != 200 => {
                let said: String = String::from_utf8_lossy(&reply.body)
                    .chars()
                    .filter(|c| !c.is_control())
                    .take(200)
                    .collect();
                Err(self.fail(format!("{path} answers with status {}: {said}", reply.status)))
            }
            read => read.map_err(|reason| self.fail(format!("{path}: {reason}"))),
        }
    }

    fn limit(&self) -> Duration {
        Duration::from_secs(self.section.time_limit_s.unwrap_or(TIME_LIMIT_S).min(MOST_TIME_S))
    }

    fn ask(
        &self,
        session: &Session<'_>,
        running: &mut Running,
        path: &str,
        body: Option<&Value>,
    ) -> Result<Reply, EngineError> {
        let bytes = body.map(|b| b.to_string().into_bytes());
        let go_on = || !session.observer.cancelled();
        let asked = running.at.ask(path, bytes.as_deref(), self.limit(), MOST_BYTES, &go_on);
        asked.map_err(|e| match (e, running.service.as_mut().and_then(Service::ends)) {
            (HttpError::Stopped, _) => EngineError::Cancelled,
            (_, Some(dead)) => self.fail(dead),
            (e, None) => self.fail(format!("{path}: {e}")),
        })
    }

    /// Does something with the running program, started when it does not run yet. After an error it is started anew.
    fn with<T>(
        &self,
        session: &Session<'_>,
        work: impl FnOnce(&mut Running) -> Result<T, EngineError>,
    ) -> Result<T, EngineError> {
        let mut held = self.running.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        let mut running = match held.take() {
            Some(running) => running,
            None => self.start(session)?,
        };
        let done = work(&mut running)?;
        *held = Some(running);
        Ok(done)
    }

    fn start(&self, session: &Session<'_>) -> Result<Running, EngineError> {
        let (mut service, at) = match &self.section.command {
            None => (None, self.endpoint(self.section.url.as_deref().unwrap_or_default())?),
            Some(command) => {
                let port = match &self.section.url {
                    None => Some(free_port().map_err(|e| self.fail(format!("there is no free port: {e}")))?),
                    Some(_) => None,
                };
                let url = self
                    .section
                    .url
                    .clone()
                    .unwrap_or_else(|| format!("http://127.0.0.1:{}", port.unwrap_or(0)));
                let at = self.endpoint(&url)?;
                let told = port.map(|p| p.to_string()).unwrap_or_default();
                let arguments: Vec<String> =
                    command[1..].iter().map(|a| a.replace("{port}", &told)).collect();
                let variables: Vec<(&str, String)> =
                    port.map(|p| ("PORT", p.to_string())).into_iter().collect();
                let started =
                    Service::start(&program(&self.dir, &command[0]), &arguments, &variables, &self.dir);
                (Some(started.map_err(|e| self.fail(e))?), at)
            }
        };
        let reply = self.first_words(session, service.as_mut(), &at)?;
        let declared = self.checked(&reply, "/parameters", contract::declared(&reply.body))?;
        self.keep(session, &declared)?;
        let version = self.section.version.unwrap_or(declared.version);
        let params =
            declared.params(&self.section.parameters, version).map_err(|reason| self.fail(reason))?;
        Ok(Running { service, at, version, params, declared, batch: true })
    }

    fn endpoint(&self, url: &str) -> Result<Endpoint, EngineError> {
        Endpoint::parse(url, self.section.remote).map_err(|e| self.fail(format!("`url`: {e}")))
    }

    /// `/parameters`; a program that was just started is waited for.
    fn first_words(
        &self,
        session: &Session<'_>,
        mut service: Option<&mut Service>,
        at: &Endpoint,
    ) -> Result<Reply, EngineError> {
        let until = Instant::now() + self.limit();
        let go_on = || !session.observer.cancelled();
        loop {
            let left = until.saturating_duration_since(Instant::now());
            let asked = at.ask("/parameters", None, left, MOST_BYTES, &go_on);
            if let Some(dead) = service.as_mut().and_then(|s| s.ended()) {
                return Err(self.fail(dead));
            }
            match asked {
                Ok(reply) => return Ok(reply),
                Err(HttpError::Stopped) => return Err(EngineError::Cancelled),
                Err(HttpError::Connect { .. }) if service.is_some() && Instant::now() < until => {
                    if !go_on() {
                        return Err(EngineError::Cancelled);
                    }
                    std::thread::sleep(Duration::from_millis(30));
                }
                Err(e) => {
                    let words = service.map(|s| s.words()).filter(|w| !w.is_empty());
                    let words = words.map(|w| format!("; it said: {w}")).unwrap_or_default();
                    let hint = match &self.section.command {
                        Some(_) => {
                            "the program must listen on the port that the variable PORT (or `{port}` in `command`) names"
                        }
                        None => "start the block, or give a `command` that does",
                    };
                    return Err(self.fail(format!("/parameters: {e}{words}\nhint: {hint}")));
                }
            }
        }
    }

    /// What the block says of its parameters; starts it.
    ///
    /// # Errors
    /// [`EngineError::Data`] with what is wrong with the program.
    pub fn declared(&self, session: &Session<'_>) -> Result<Declared, EngineError> {
        self.with(session, |r| Ok(r.declared.clone()))
    }

    /// The block with other parameters, to try them.
    pub(crate) fn trying(&self, parameters: BTreeMap<String, crate::project::Parameter>) -> Self {
        let mut section = self.section.clone();
        section.parameters.extend(parameters);
        Self {
            id: self.id.clone(),
            dir: self.dir.clone(),
            section,
            running: Mutex::new(None),
            identity: OnceLock::new(),
        }
    }

    /// The axes that it sees, by number.
    ///
    /// # Errors
    /// [`EngineError::Data`] for an axis that is not there.
    pub(crate) fn axes(&self, window: &Window) -> Result<Vec<usize>, EngineError> {
        let place = |name: &String| {
            let found = window.axes.iter().position(|a| &a.name == name);
            found.ok_or_else(|| self.fail(format!("there is no axis `{name}`")))
        };
        match &self.section.axes {
            None => Ok((0..window.axes.len()).collect()),
            Some(names) => names.iter().map(place).collect(),
        }
    }

    /// Features of one window, for people who try the block.
    ///
    /// # Errors
    /// As [`Program::rows`].
    pub(crate) fn try_window(
        &self,
        session: &Session<'_>,
        window: &Window,
        values: &[f32],
    ) -> Result<Answer, EngineError> {
        let axes = self.axes(window)?;
        let seen: Vec<f32> =
            values.chunks_exact(window.axes.len()).flat_map(|f| axes.iter().map(|&a| f[a])).collect();
        self.with(session, |r| self.one(session, r, window, &axes, &seen))
    }
}

/// A relative path is meant from the project's folder, wherever the product was started.
pub(crate) fn program(dir: &Path, name: &str) -> String {
    let beside = dir.join(name);
    if name.contains('/') && beside.is_file() { beside.display().to_string() } else { name.to_owned() }
}

/// A window as it is sent: values row by row; a picture as width, height and one number for each pixel.
fn sent(values: &[f32], window: &Window) -> Value {
    let Some((width, height)) = window.image else { return json!(values) };
    let channels = (values.len() / (width * height).max(1)).max(1);
    let mut out = vec![json!(width), json!(height)];
    out.extend(values.chunks_exact(channels).map(|p| {
        let of = |c: usize| p[c.min(channels - 1)].clamp(0.0, 255.0) as u32;
        json!(of(0) << 16 | of(1) << 8 | of(2))
    }));
    out.into()
}

fn request(running: &Running, window: &Window, axes: &[usize], features: Value) -> Value {
    let axes: Vec<&str> = axes.iter().map(|&a| window.axes[a].name.as_str()).collect();
    json!({
        "features": features,
        "axes": axes,
        "sampling_freq": window.rate_hz,
        "implementation_version": running.version,
        "params": running.params,
    })
}

impl DspSection {
    /// What does not go together in it.
    pub(crate) fn problem(&self) -> Option<String> {
        let external = self.block == EXTERNAL;
        let only = [
            ("url", self.url.is_some()),
            ("command", self.command.is_some()),
            ("remote", self.remote),
            ("time_limit_s", self.time_limit_s.is_some()),
            ("parameters", !self.parameters.is_empty()),
        ];
        if !external {
            let (key, _) = only.iter().find(|(_, set)| *set)?;
            return Some(format!(
                "`impulse.dsp.{key}` is for `block = \"{EXTERNAL}\"`, which `{}` is not",
                self.block
            ));
        }
        if let Some(key) = self.params.keys().next() {
            return Some(format!(
                "`impulse.dsp.{key}` is no key of an external block; parameters of its own go into `parameters = {{ {key} = ... }}`"
            ));
        }
        if self.url.is_none() && self.command.is_none() {
            return Some(
                "an external DSP block needs `url = \"http://127.0.0.1:4446\"`, or a `command` that starts it".into(),
            );
        }
        if self.command.as_ref().is_some_and(|c| c.first().is_none_or(|p| p.trim().is_empty())) {
            return Some(
                "`impulse.dsp.command` names no program; write it as `command = [\"python3\", \"block.py\"]`"
                    .into(),
            );
        }
        if let Some(limit) = self.time_limit_s.filter(|s| !(1..=MOST_TIME_S).contains(s)) {
            return Some(format!(
                "`impulse.dsp.time_limit_s` is {limit}; it must be from 1 to {MOST_TIME_S}, a day"
            ));
        }
        let url = self.url.as_deref()?;
        Endpoint::problem(url, self.remote).map(|e| format!("`impulse.dsp.url`: {e}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use edgewright_sample::Axis;

    #[test]
    fn a_picture_is_sent_as_pixels() {
        let axes = ["red", "green", "blue"].map(|n| Axis { name: n.into(), units: String::new() }).to_vec();
        let mut window = Window {
            frames: 2,
            stride: 2,
            rate_hz: 0.0,
            axes,
            zero_pad: false,
            image: Some((2, 1)),
            fit: Default::default(),
        };
        assert_eq!(
            sent(&[1.0, 2.0, 3.0, 255.0, 0.0, 16.0], &window),
            json!([2, 1, 0x0001_0203, 0x00ff_0010])
        );
        assert_eq!(sent(&[1.0, 255.0], &window), json!([2, 1, 0x0001_0101, 0x00ff_ffff]));
        window.image = None;
        assert_eq!(sent(&[0.1, 2.0], &window), json!([0.1f32, 2.0f32]));
    }
}
