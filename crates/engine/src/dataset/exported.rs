//! What an export says beyond the format of `info.labels`: how a file was read, and what is said of each of its samples.

use super::{LabelRange, Reading};
use edgewright_sample::Decoded;
use edgewright_store::Hash;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// What stands under `edgewright` in the entry of a file.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Exported {
    /// Name of its samples, without the folder of their category.
    pub name: String,
    /// Hash of the bytes that the samples were counted in.
    pub sha256: String,
    /// How it was read.
    pub reading: Reading,
    /// In order of their place in the file.
    pub samples: Vec<ExportedSample>,
}

/// One sample of a file.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct ExportedSample {
    /// Which of the file.
    pub index: usize,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub label: Option<String>,
    /// Labels of parts; then there is no label.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub ranges: Vec<LabelRange>,
    /// `training`, `testing` or `split`.
    pub category: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub group: Option<String>,
    /// Facts that not all samples of the file share.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub metadata: BTreeMap<String, String>,
    /// Left out of everything.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub disabled: bool,
}

impl Exported {
    /// Reads what stands there.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn read(value: serde_json::Value) -> Result<Self, String> {
        let read: Self = serde_json::from_value(value).map_err(|e| format!("`edgewright`: {e}"))?;
        if read.name.is_empty() {
            return Err("`edgewright`: `name` is empty".into());
        }
        for s in &read.samples {
            if !["training", "testing", "split"].contains(&s.category.as_str()) {
                return Err(format!(
                    "`edgewright`: sample {} has the category `{}`; there are training, testing and split",
                    s.index, s.category
                ));
            }
        }
        if read.samples.windows(2).any(|w| w[1].index <= w[0].index) {
            return Err("`edgewright`: `samples` must be in order of `index`, each once".into());
        }
        Ok(read)
    }

    /// Whether the samples can be those that were exported.
    ///
    /// # Errors
    /// Why not, and what to do.
    pub fn fits(&self, bytes: &[u8], decoded: &[Decoded]) -> Result<(), String> {
        let changed = "the file is not the one that was exported";
        let what = "remove `edgewright` from its entry in info.labels, or bring the exported file back";
        // Of one sample the label stays what it is when a value changes; of many nobody knows which is which.
        if self.samples.len() > 1 && Hash::of(bytes).to_string() != self.sha256 {
            return Err(format!(
                "{changed}, and its labels are those of its {} samples; {what}",
                self.samples.len()
            ));
        }
        match self.samples.last() {
            Some(last) if last.index >= decoded.len() => Err(format!(
                "{changed}: it has {} samples, and sample {} is named; {what}",
                decoded.len(),
                last.index
            )),
            _ => Ok(()),
        }
    }

    /// What is said of a sample; `None` of one that was not in the project.
    pub fn sample(&self, index: usize) -> Option<&ExportedSample> {
        self.samples.binary_search_by_key(&index, |s| s.index).ok().map(|at| &self.samples[at])
    }
}
