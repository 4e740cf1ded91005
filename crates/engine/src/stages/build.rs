//! Stage `build`: packages of the int8 impulse for every target of the project.

use super::{prove::VerifyRecord, train::Trained};
use crate::native;
use crate::{
    EngineError,
    error::AtPath,
    session::{Key, Session, Staged},
};
use edgewright_compile::{Options, Target};
use edgewright_deploy::{About, DeployError, Library};
use edgewright_impulse::Impulse;
use edgewright_store::Hash;
use serde::{Deserialize, Serialize};
use std::path::Path;

/// An exported package.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Artifact {
    /// Kind of package.
    pub package: String,
    /// What it was built for.
    pub target: String,
    /// Where it lies.
    pub path: String,
    /// Hash of the file.
    pub sha256: String,
    /// Size of the file.
    pub bytes: u64,
}

/// Result of the stage.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Built {
    /// One per target.
    pub artifacts: Vec<Artifact>,
    /// The same files in the store, in the same order.
    objects: Vec<Hash>,
    /// RAM for tensors, features and scratch in bytes.
    pub arena_bytes: usize,
    /// Constants in bytes.
    pub weight_bytes: usize,
    /// What lies where in the arena: name, offset, bytes, first and last step.
    pub memory: Vec<MemoryLine>,
}

/// One line of the memory map.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct MemoryLine {
    /// Name of the tensor or buffer.
    pub name: String,
    /// Bytes from the start of the arena.
    pub offset: usize,
    /// Size in bytes.
    pub bytes: usize,
    /// First step that needs it.
    pub first: usize,
    /// Last step that needs it.
    pub last: usize,
}

/// Looks a target up.
///
/// # Errors
/// [`EngineError::Usage`] with the nearest id.
pub fn target(id: &str) -> Result<&'static Target, EngineError> {
    crate::documents::targets(Some(id))?;
    edgewright_compile::target::all()
        .iter()
        .find(|t| t.id == id)
        .ok_or_else(|| EngineError::Usage(format!("there is no target `{id}`")))
}

/// Looks a target up that has a package of this kind.
///
/// # Errors
/// [`EngineError::Usage`] with the nearest name.
pub(crate) fn check(target_id: &str, package: &str) -> Result<&'static Target, EngineError> {
    let target = target(target_id)?;
    if !target.packages.iter().any(|p| p == package) {
        let hint = crate::project::nearest(package, target.packages.iter().map(String::as_str))
            .map(|n| format!("\nhint: did you mean `{n}`?"))
            .unwrap_or_default();
        return Err(EngineError::Usage(format!(
            "target `{}` has no package `{package}`; it has {}{hint}",
            target.id,
            target.packages.join(", ")
        )));
    }
    Ok(target)
}

/// Compiles and packs an impulse; `proof` is the report of its proof, when there is one.
pub(crate) fn pack(
    impulse: &Impulse,
    target: &Target,
    package: &str,
    about: &About,
    proof: Option<&str>,
) -> Result<Vec<u8>, EngineError> {
    let tree = edgewright_compile::compile(impulse, target, &Options::default())?;
    let prefix = edgewright_compile::prefix(&impulse.name);
    let library = Library { files: &tree, prefix: &prefix, impulse, target, about, proof };
    let packing = |e: DeployError| match e {
        DeployError::Unfit { .. } => EngineError::Data(e.to_string()),
        e => EngineError::Internal(format!("packing: {e}")),
    };
    let files = match package {
        "eim" => return native::executable(&library),
        "wasm" => native::module(&library)?,
        "server" => native::http_server(&library)?,
        "oci" => native::container(&library)?,
        kind => edgewright_deploy::files(&library, kind).map_err(packing)?,
    };
    edgewright_deploy::zip(&files).map_err(packing)
}

/// The number by which runners tell this impulse from others; see [`edgewright_deploy::native::version`].
///
/// # Errors
/// [`EngineError::Compile`], [`EngineError::Usage`] for a target that does not exist.
pub fn version(
    session: &Session<'_>,
    trained: &Trained,
    target_id: &str,
    float: bool,
) -> Result<u32, EngineError> {
    let impulse = if float { trained.impulse_float(session)? } else { trained.impulse_int8(session)? };
    version_of(&impulse, target(target_id)?)
}

/// The same of an impulse.
pub(crate) fn version_of(impulse: &Impulse, target: &Target) -> Result<u32, EngineError> {
    let tree = edgewright_compile::compile(impulse, target, &Options::default())?;
    Ok(edgewright_deploy::native::version(&tree))
}

/// Exports the packages of the project below `build/`.
///
/// # Errors
/// [`EngineError::Compile`], [`EngineError::Usage`] for an unknown target, [`EngineError::Io`].
pub fn run(session: &Session<'_>, trained: &Staged<Trained>) -> Result<Staged<Built>, EngineError> {
    let deploy = &session.project.file.deploy;
    let about = session.project.about()?;
    let mut key = Key::new("build");
    key.text("trained", &trained.hash.to_string())
        .value("targets", &deploy.targets)
        .value("package", &deploy.package)
        .value("about", &told(&about))
        .value("min_confidence", &session.project.file.min_confidences());
    let staged = session.stage("build", &key.finish(), || {
        let impulse = trained.value.impulse_int8(session)?;
        let mut built = Built {
            artifacts: Vec::new(),
            objects: Vec::new(),
            arena_bytes: 0,
            weight_bytes: 0,
            memory: Vec::new(),
        };
        if let Some(block) = impulse.externals().next() {
            let note = format!(
                "nothing is exported: a program of its own computes DSP block `{}`, and there is no C of it; write it as a block `custom` (docs/blocks.md) when it shall run on a device",
                block.id
            );
            return Ok((built, vec![note]));
        }
        for id in &deploy.targets {
            let bytes = pack(&impulse, check(id, &deploy.package)?, &deploy.package, &about, None)?;
            let object = session.store.put_blob(&bytes)?;
            built.artifacts.push(Artifact {
                package: deploy.package.clone(),
                target: id.clone(),
                path: format!(
                    "build/{}-{id}-{}.{}",
                    impulse.name,
                    deploy.package,
                    if deploy.package == "eim" { "eim" } else { "zip" }
                ),
                sha256: object.to_string(),
                bytes: bytes.len() as u64,
            });
            built.objects.push(object);
        }
        let first = target(deploy.targets.first().map_or("host", String::as_str))?;
        let layout = edgewright_compile::layout(&impulse, first)?;
        built.arena_bytes = layout.arena_bytes;
        built.weight_bytes = layout.weight_bytes;
        built.memory = layout
            .memory
            .into_iter()
            .map(|m| MemoryLine {
                name: m.name,
                offset: m.offset,
                bytes: m.bytes,
                first: m.first,
                last: m.last,
            })
            .collect();
        let notes = vec![format!(
            "{} packages; arena {} B, constants {} B",
            built.artifacts.len(),
            built.arena_bytes,
            built.weight_bytes
        )];
        Ok((built, notes))
    })?;
    let mut staged = staged;
    for artifact in &mut staged.value.artifacts {
        artifact.path = session.project.dir.join(&artifact.path).display().to_string();
    }
    Ok(staged)
}

/// What a key holds of the maker.
pub(super) fn told(about: &About) -> [&str; 4] {
    [&about.vendor, &about.url, &about.licence, about.text.as_deref().unwrap_or("")]
}

/// Packages of the project that hold the report of their proof.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Packages(Vec<(Hash, u64)>);

/// Packs the impulse for every target of the project anew, with what was proven of it.
pub(super) fn with_proof(
    session: &Session<'_>,
    impulse: &Impulse,
    records: &[VerifyRecord],
) -> Result<Packages, EngineError> {
    let deploy = &session.project.file.deploy;
    let about = session.project.about()?;
    let mut out = Vec::new();
    for id in &deploy.targets {
        let target = check(id, &deploy.package)?;
        let report = report(target, records)?;
        let bytes = pack(impulse, target, &deploy.package, &about, report.as_deref())?;
        out.push((session.store.put_blob(&bytes)?, bytes.len() as u64));
    }
    Ok(Packages(out))
}

/// `proof.json`: what was proven of the code of a target, with the tools that did. `None` when nothing was.
pub(crate) fn report(target: &Target, records: &[VerifyRecord]) -> Result<Option<String>, EngineError> {
    let core = target.hardware.core.as_deref();
    let of: Vec<&VerifyRecord> = records
        .iter()
        .filter(|r| r.target == "host" || r.target == target.id || Some(r.target.as_str()) == core)
        .filter(|r| r.bit_exact.is_some())
        .collect();
    if of.is_empty() {
        return Ok(None);
    }
    let tools: Vec<_> = crate::doctor::known()
        .into_iter()
        .filter_map(|t| t.version.map(|v| serde_json::json!({"tool": t.tool, "version": v})))
        .collect();
    let value = serde_json::json!({
        "version": 1,
        "generator": format!("edgewright {}", env!("CARGO_PKG_VERSION")),
        "target": target.id,
        "compared_with": "the reference interpreter, bit for bit",
        "records": of,
        "tools": tools,
    });
    serde_json::to_string_pretty(&value)
        .map(|text| Some(text + "\n"))
        .map_err(|e| EngineError::Internal(e.to_string()))
}

impl Built {
    /// Takes the packages that hold a proof in place of those that do not.
    pub(crate) fn adopt(&mut self, packages: &Packages) {
        for ((artifact, object), (hash, bytes)) in
            self.artifacts.iter_mut().zip(&mut self.objects).zip(&packages.0)
        {
            artifact.sha256 = hash.to_string();
            artifact.bytes = *bytes;
            *object = *hash;
        }
    }
}

/// Puts the packages where the user finds them, unless they are there.
pub(crate) fn write_out(session: &Session<'_>, built: &Built) -> Result<(), EngineError> {
    for (artifact, object) in built.artifacts.iter().zip(&built.objects) {
        let path = Path::new(&artifact.path);
        let bytes = session.store.get_blob(object)?;
        if std::fs::read(path).is_ok_and(|there| there == bytes) {
            continue;
        }
        write_whole(path, &bytes)?;
    }
    Ok(())
}

/// Writes a file so that it is there whole or not at all.
pub fn write_whole(path: &Path, bytes: &[u8]) -> Result<(), EngineError> {
    let folder = path.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."));
    std::fs::create_dir_all(folder).at(folder)?;
    let name = path.file_name().map(|n| n.to_string_lossy().into_owned()).unwrap_or_default();
    let temporary = folder.join(format!(".{name}.part"));
    std::fs::write(&temporary, bytes).at(&temporary)?;
    #[cfg(unix)]
    if bytes.starts_with(b"\x7fELF") {
        use std::os::unix::fs::PermissionsExt;
        std::fs::set_permissions(&temporary, std::fs::Permissions::from_mode(0o755)).at(&temporary)?;
    }
    std::fs::rename(&temporary, path).at(path)
}

/// Exports one package to a file; `records` are what was proven of the int8 impulse.
///
/// # Errors
/// [`EngineError::Usage`] for a target or package that does not exist, [`EngineError::Compile`], [`EngineError::Data`] when the
/// impulse is none for the package, [`EngineError::Io`].
pub fn one(
    session: &Session<'_>,
    trained: &Trained,
    target_id: &str,
    package: &str,
    float: bool,
    records: &[VerifyRecord],
    out: &Path,
) -> Result<Artifact, EngineError> {
    let target = check(target_id, package)?;
    let impulse = if float { trained.impulse_float(session)? } else { trained.impulse_int8(session)? };
    let report = if float { None } else { report(target, records)? };
    let bytes = pack(&impulse, target, package, &session.project.about()?, report.as_deref())?;
    write_whole(out, &bytes)?;
    Ok(Artifact {
        package: package.into(),
        target: target_id.into(),
        path: out.display().to_string(),
        sha256: Hash::of(&bytes).to_string(),
        bytes: bytes.len() as u64,
    })
}
