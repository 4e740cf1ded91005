//! What the split would become with other shares, before anything is changed.

use crate::{
    EngineError,
    run::{self, Results},
    session::Session,
    stages::split::{self, Side},
};
use std::collections::BTreeMap;

/// Samples on each side.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Sides {
    /// That train.
    pub training: u64,
    /// That watch training.
    pub validation: u64,
    /// That only test.
    pub testing: u64,
}

impl Sides {
    fn add(&mut self, side: Side) {
        *match side {
            Side::Training => &mut self.training,
            Side::Validation => &mut self.validation,
            Side::Testing => &mut self.testing,
        } += 1;
    }
}

/// A label now and then.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LabelSides {
    /// Label; empty for samples without, and for numbers to estimate.
    pub label: String,
    /// As the project file and the samples say now.
    pub now: Sides,
    /// As they would be.
    pub then: Sides,
}

/// What a split would become.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rebalance {
    /// In order of label.
    pub labels: Vec<LabelSides>,
    /// Samples that would change sides.
    pub moved: u64,
    /// Samples whose side was set by a person or a folder of the project file.
    pub fixed: u64,
}

/// The split with these shares, each `None` as in the project file. `free`: also of samples whose side was set by a person or a folder.
/// Needs the stage `clean`; nothing is changed.
///
/// # Errors
/// [`EngineError::Usage`] for a share that is none, [`EngineError::NotBuilt`]; those of the store.
pub fn preview(
    session: &Session<'_>,
    test: Option<f64>,
    validation: Option<f64>,
    free: bool,
) -> Result<Rebalance, EngineError> {
    let spec = &session.project.file.split;
    let shares = (test.unwrap_or(spec.test), validation.unwrap_or(spec.validation));
    if ![shares.0, shares.1].iter().all(|s| (0.0..1.0).contains(s)) {
        return Err(EngineError::Usage("`test` and `validation` are shares, at least 0 and below 1".into()));
    }
    let mut results = Results::default();
    run::fill(session, 1, &mut results)?;
    let Some(silver) = &results.silver else { return Err(EngineError::NotBuilt { stage: "clean" }) };
    let silver = &silver.value;
    let now = split::would_be(session, silver, (spec.test, spec.validation), false)?;
    let then = split::would_be(session, silver, shares, free)?;
    let mut labels: BTreeMap<&str, (Sides, Sides)> = BTreeMap::new();
    let mut moved = 0;
    for ((label, now), (_, then)) in now.into_iter().zip(then) {
        let both = labels.entry(label).or_default();
        both.0.add(now);
        both.1.add(then);
        moved += u64::from(now != then);
    }
    Ok(Rebalance {
        labels: labels
            .into_iter()
            .map(|(label, (now, then))| LabelSides { label: label.to_owned(), now, then })
            .collect(),
        moved,
        fixed: silver.samples.iter().filter(|s| s.category != "split").count() as u64,
    })
}
