//! A training window before and after augmentation, as an epoch has it.

use crate::{
    EngineError,
    run::{self, Results},
    session::Session,
    stages::train,
};

/// A window as training has it.
#[derive(Clone, Debug, PartialEq)]
pub struct AugmentedWindow {
    /// Id of the network.
    pub block: String,
    /// Windows that train it.
    pub windows: usize,
    /// Id of the sample that the window is of, and its name.
    pub sample: String,
    /// Name of the sample.
    pub name: String,
    /// Its label, if it has one.
    pub label: Option<String>,
    /// First frame of the window.
    pub start: usize,
    /// Shape of its features: `[n]`, `[time, columns]` or `[height, width, channels]`.
    pub shape: Vec<usize>,
    /// The features, flat.
    pub before: Vec<f32>,
    /// The same as the network is given them in that epoch, in the same units.
    pub after: Vec<f32>,
    /// Whether `[training.augment]` changes single windows at all.
    pub on: bool,
}

/// What `[training.augment]` makes of a training window (from 0) in an epoch (from 1) for the network with this id, or the first. The
/// numbers are those that a training with the project's seed draws. Needs the stage `features`.
///
/// # Errors
/// [`EngineError::Data`] without such a network or behind a backbone, [`EngineError::NotFound`] without such a window,
/// [`EngineError::NotBuilt`]; those of the store.
pub fn augmented(
    session: &Session<'_>,
    block: Option<&str>,
    window: usize,
    epoch: usize,
) -> Result<AugmentedWindow, EngineError> {
    let mut results = Results::default();
    run::fill(session, 3, &mut results)?;
    let (Some(silver), Some(split), Some(gold)) = (&results.silver, &results.split, &results.gold) else {
        return Err(EngineError::NotBuilt { stage: "features" });
    };
    let (block, windows, row, made) = train::augmented(session, (silver, split, gold), block, window, epoch)?;
    let at = gold.value.training.windows().get(row);
    let at = at.ok_or_else(|| EngineError::Internal(format!("row {row} is no training window")))?;
    let sample = &silver.value.samples[at.sample];
    let augment = &session.project.file.training.augment;
    let unmixed = edgewright_train::Augment { mixup: 0.0, ..augment.clone() };
    Ok(AugmentedWindow {
        block,
        windows,
        sample: sample.id.clone(),
        name: sample.name.clone(),
        label: gold.value.labels.get(at).map(str::to_owned),
        start: at.start,
        shape: made.shape,
        before: made.before,
        after: made.after,
        on: unmixed != edgewright_train::Augment::default(),
    })
}
