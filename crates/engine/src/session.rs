//! An open project: the file, the store, and the stages that were built.

use crate::{EngineError, Event, Observer, project::Project};
use edgewright_store::{Hash, Store};
use serde::{Serialize, de::DeserializeOwned};
use sha2::{Digest, Sha256};
use std::time::{Instant, SystemTime, UNIX_EPOCH};

/// Milliseconds since 1970.
pub(crate) fn now() -> i64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |d| d.as_millis() as i64)
}

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
    /// Hash of inputs, parameters and code version; empty of a stage that failed.
    pub key: String,
    /// Remarks for the user; the error of a stage that failed.
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

    /// Modules that no stage's result depends on but through what stands in its key, or that only carry: errors, the session, settings, lists.
    const CARRY: &[&str] = &[
        "batches",
        "doctor",
        "documents",
        "error",
        "estimate",
        "project",
        "run",
        "scratch",
        "session",
        "versions",
    ];

    /// Text of a source without comments and tests.
    fn source(path: &std::path::Path) -> String {
        let text = std::fs::read_to_string(path).expect("a source");
        let text = text.split("#[cfg(test)]").next().unwrap_or_default();
        text.lines().map(|l| l.split("//").next().unwrap_or_default()).collect::<Vec<_>>().join("\n")
    }

    /// Whether a source says `module::something` of a module of this crate, or names one of these types.
    fn names(text: &str, module: &str) -> bool {
        let types = match module {
            "boxes" => "LabelBox",
            "ranges" => "LabelRange",
            _ => "",
        };
        let word = format!("{module}::");
        let behind_other = |before: &str| {
            before.ends_with(|c: char| c.is_alphanumeric() || c == '_')
                || before.strip_suffix("::").is_some_and(|b| {
                    b.rsplit(|c: char| !(c.is_alphanumeric() || c == '_'))
                        .next()
                        .is_some_and(|w| w.starts_with("edgewright_"))
                })
        };
        text.match_indices(&word).any(|(at, _)| !behind_other(&text[..at]))
            || !types.is_empty() && text.contains(types)
    }

    #[test]
    fn the_code_of_a_stage_is_all_that_it_names() {
        let code: &[(&str, &[&str])] = include!("../stage_code.rs");
        let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR"));
        let sources = |path: &str| -> Vec<std::path::PathBuf> {
            match root.join(path) {
                p if p.is_dir() => walk(&p),
                p => vec![p],
            }
        };
        fn walk(folder: &std::path::Path) -> Vec<std::path::PathBuf> {
            let entries = std::fs::read_dir(folder).expect("a folder").flatten().map(|e| e.path());
            entries.flat_map(|p| if p.is_dir() { walk(&p) } else { vec![p] }).collect()
        }
        // Modules by their names; those of one name count together.
        let all: Vec<(String, std::path::PathBuf)> = ["src", "src/stages", "src/dataset"]
            .iter()
            .flat_map(|folder| std::fs::read_dir(root.join(folder)).expect("a folder").flatten())
            .filter_map(|e| Some((e.path().file_stem()?.to_str()?.to_owned(), e.path())))
            .filter(|(name, path)| {
                path.extension().is_some_and(|x| x == "rs") && !CARRY.contains(&name.as_str())
            })
            .collect();
        let mut missing = Vec::new();
        for (stage, paths) in code {
            let own: Vec<_> =
                paths.iter().filter(|p| p.starts_with("src/")).flat_map(|p| sources(p)).collect();
            for file in &own {
                let text = source(file);
                for (module, path) in &all {
                    // What a stage takes of another one is its result, whose hash is in the key.
                    let result = crate::stages::STAGES.contains(&module.as_str()) || module == "prove";
                    let reader = module == "clean" && text.contains("SilverReader");
                    let listed = own.iter().any(|p| p.file_stem() == path.file_stem());
                    if !listed && (!result || reader) && names(&text, module) {
                        missing.push(format!("{stage}: {} names {module}", file.display()));
                    }
                }
            }
        }
        assert!(missing.is_empty(), "put them into stage_code.rs:\n{}", missing.join("\n"));
    }

    #[test]
    fn parts_cannot_run_into_each_other() {
        let a = Key::new("clean").text("x", "ab").text("y", "c").finish();
        let b = Key::new("clean").text("x", "a").text("y", "bc").finish();
        assert_ne!(a, b);
    }
}
