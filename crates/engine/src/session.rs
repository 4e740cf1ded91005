//! An open project: the file, the store, and the stages that were built.

use crate::{EngineError, Event, Observer, project::Project};
use edgewright_store::{Hash, Store};
use serde::{Serialize, de::DeserializeOwned};
use sha2::{Digest, Sha256};
use std::time::Instant;

/// An open project with its store.
pub struct Session<'a> {
    /// The project.
    pub project: Project,
    /// Its database and objects.
    pub store: Store,
    /// Receives progress.
    pub observer: &'a dyn Observer,
    /// Threads to use, at least 1. Results do not depend on it.
    pub jobs: usize,
    /// Seed of every random choice.
    pub seed: u64,
    /// Whether stages are only looked up, never built.
    pub looking: bool,
}

/// How a stage came to its result.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum StageStatus {
    /// It did its work.
    Built,
    /// Its result was there.
    Cached,
    /// It failed.
    Failed,
}

/// What a stage of a run did.
#[derive(Clone, Debug, Serialize)]
pub struct StageRecord {
    /// Name.
    pub name: String,
    /// How it came to its result.
    pub status: StageStatus,
    /// Wall-clock seconds spent now.
    pub seconds: f64,
    /// Hash of inputs, parameters and code version.
    pub key: String,
    /// Remarks for the user.
    pub notes: Vec<String>,
}

/// Result of a stage: its manifest, where it lies, and the record.
pub struct Staged<T> {
    /// The manifest, read back.
    pub value: T,
    /// Hash of the manifest.
    pub hash: Hash,
    /// For the report.
    pub record: StageRecord,
}

/// Hash of the code of each stage, made by `build.rs`.
const CODE: &[(&str, &str)] = include!(concat!(env!("OUT_DIR"), "/code.rs"));

/// Collects what a stage's result depends on.
pub struct Key(Sha256);

impl Key {
    /// A key for `stage`, with the hash of the code that it runs.
    pub fn new(stage: &str) -> Self {
        let code = CODE.iter().find(|(name, _)| *name == stage).map_or("", |(_, hash)| hash);
        let mut key = Self(Sha256::new());
        key.text("stage", stage).text("code", code);
        key
    }

    /// Adds a text. Lengths go in as well, so that no two lists of parts look alike.
    pub fn text(&mut self, name: &str, value: &str) -> &mut Self {
        for part in [name, value] {
            self.0.update((part.len() as u64).to_le_bytes());
            self.0.update(part.as_bytes());
        }
        self
    }

    /// Adds a value in its JSON form.
    pub fn value(&mut self, name: &str, value: &impl Serialize) -> &mut Self {
        let text = serde_json::to_string(value).unwrap_or_default();
        self.text(name, &text)
    }

    /// The key.
    pub fn finish(&self) -> Hash {
        Hash::from_bytes(self.0.clone().finalize().into())
    }
}

impl<'a> Session<'a> {
    /// Opens the project in `dir`.
    ///
    /// # Errors
    /// What opening the project file or the store refuses.
    pub fn open(
        dir: &std::path::Path,
        observer: &'a dyn Observer,
        jobs: usize,
        seed: Option<u64>,
    ) -> Result<Self, EngineError> {
        let project = Project::open(dir)?;
        let store = Store::open(&project.state_dir())?;
        let seed = seed.unwrap_or(project.file.project.seed);
        Ok(Self { project, store, observer, jobs: jobs.max(1), seed, looking: false })
    }

    /// Opens the project in `dir` beside whoever works in it: samples can be read, added and edited, results of stages can be
    /// looked up, but no stage is built.
    ///
    /// # Errors
    /// What opening the project file or the store refuses.
    pub fn shared(dir: &std::path::Path, observer: &'a dyn Observer) -> Result<Self, EngineError> {
        let project = Project::open(dir)?;
        let store = Store::open_shared(&project.state_dir())?;
        let seed = project.file.project.seed;
        Ok(Self { project, store, observer, jobs: 1, seed, looking: true })
    }

    /// Brings one stage up to date: takes the result under `key` if there is one, else builds it. `build` returns
    /// the manifest and notes. The manifest is stored before the stage is recorded, so a kill in between costs
    /// only the repetition of this stage.
    ///
    /// # Errors
    /// Whatever `build` or the store returns.
    pub fn stage<T: Serialize + DeserializeOwned>(
        &self,
        name: &'static str,
        key: &Hash,
        build: impl FnOnce() -> Result<(T, Vec<String>), EngineError>,
    ) -> Result<Staged<T>, EngineError> {
        if self.observer.cancelled() {
            return Err(EngineError::Cancelled);
        }
        self.observer.event(Event::StageStarted { stage: name });
        let start = Instant::now();
        let (hash, notes, cached) = match self.cached(name, key)? {
            Some((hash, notes)) => (hash, notes, true),
            None if self.looking => return Err(EngineError::NotBuilt { stage: name }),
            None => {
                let (value, notes) = build()?;
                let text = serde_json::to_vec(&value).map_err(|e| EngineError::Internal(e.to_string()))?;
                let hash = self.store.put_blob(&text)?;
                self.store.put_derived(key, &hash)?;
                let told = serde_json::to_string(&notes).map_err(|e| EngineError::Internal(e.to_string()))?;
                self.store.put_stage(name, key, &hash, start.elapsed().as_secs_f64(), &told)?;
                (hash, notes, false)
            }
        };
        let value = self.read(&hash)?;
        let seconds = start.elapsed().as_secs_f64();
        self.observer.event(Event::StageFinished { stage: name, cached, seconds, notes: notes.clone() });
        let status = if cached { StageStatus::Cached } else { StageStatus::Built };
        let record = StageRecord { name: name.into(), status, seconds, key: key.to_string(), notes };
        Ok(Staged { value, hash, record })
    }

    fn cached(&self, name: &str, key: &Hash) -> Result<Option<(Hash, Vec<String>)>, EngineError> {
        let Some(hash) = self.store.get_derived(key)? else { return Ok(None) };
        if !self.store.has_blob(&hash) {
            return Ok(None);
        }
        let notes = self.store.stage_notes(name, key)?;
        let notes = notes.and_then(|n| serde_json::from_str(&n).ok()).unwrap_or_default();
        Ok(Some((hash, notes)))
    }

    /// Reads a manifest.
    ///
    /// # Errors
    /// The store's, or [`EngineError::Internal`] when the object is no such manifest.
    pub fn read<T: DeserializeOwned>(&self, hash: &Hash) -> Result<T, EngineError> {
        let bytes = self.store.get_blob(hash)?;
        serde_json::from_slice(&bytes)
            .map_err(|e| EngineError::Internal(format!("object {hash} cannot be read: {e}")))
    }

    /// Tells progress, and stops when the user wants that.
    ///
    /// # Errors
    /// [`EngineError::Cancelled`].
    pub fn progress(
        &self,
        stage: &'static str,
        done: u64,
        total: u64,
        note: impl Into<String>,
    ) -> Result<(), EngineError> {
        if self.observer.cancelled() {
            return Err(EngineError::Cancelled);
        }
        self.observer.event(Event::Progress { stage, done, total, note: note.into() });
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_stage_has_the_hash_of_its_code() {
        for stage in crate::stages::STAGES {
            assert!(CODE.iter().any(|(name, hash)| name == stage && hash.len() == 16), "{stage}");
        }
        assert_ne!(Key::new("clean").finish(), Key::new("split").finish());
    }

    #[test]
    fn parts_cannot_run_into_each_other() {
        let a = Key::new("clean").text("x", "ab").text("y", "c").finish();
        let b = Key::new("clean").text("x", "a").text("y", "bc").finish();
        assert_ne!(a, b);
    }
}
