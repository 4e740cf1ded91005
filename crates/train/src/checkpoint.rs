//! The state of a training between two epochs, as bytes.

use crate::{EpochRecord, TrainError};
use serde::{Deserialize, Serialize};

const MAGIC: &[u8; 8] = b"EWTRAIN1";

/// Everything but the weights.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Header {
    /// What is trained, as text: a checkpoint of anything else is refused.
    pub subject: String,
    pub epoch: usize,
    pub step: u64,
    pub best_epoch: usize,
    pub best_loss: f64,
    pub stale: usize,
    pub history: Vec<EpochRecord>,
    /// Lengths of the vectors that follow.
    pub lengths: Vec<usize>,
}

/// Header and vectors as bytes.
pub(crate) fn write(header: &Header, vectors: &[&[f32]]) -> Vec<u8> {
    let mut header = header.clone();
    header.lengths = vectors.iter().map(|v| v.len()).collect();
    let text = serde_json::to_vec(&header).unwrap_or_default();
    let mut out = MAGIC.to_vec();
    out.extend((text.len() as u64).to_le_bytes());
    out.extend(text);
    out.extend(vectors.iter().flat_map(|v| v.iter()).flat_map(|v| v.to_le_bytes()));
    out
}

/// Reads what [`write`] wrote.
pub(crate) fn read(bytes: &[u8], subject: &str) -> Result<(Header, Vec<Vec<f32>>), TrainError> {
    let bad = |e: &str| TrainError::Checkpoint(e.to_owned());
    let rest =
        bytes.strip_prefix(MAGIC.as_slice()).ok_or_else(|| bad("these are no bytes of a checkpoint"))?;
    let (length, rest) = rest.split_at_checked(8).ok_or_else(|| bad("it is cut off"))?;
    let length = u64::from_le_bytes(length.try_into().map_err(|_| bad("it is cut off"))?);
    let length = usize::try_from(length).map_err(|_| bad("its length is absurd"))?;
    let (text, mut rest) = rest.split_at_checked(length).ok_or_else(|| bad("it is cut off"))?;
    let header: Header = serde_json::from_slice(text).map_err(|e| bad(&e.to_string()))?;
    if header.subject != subject {
        return Err(bad("it belongs to another training"));
    }
    let mut vectors = Vec::with_capacity(header.lengths.len());
    for length in &header.lengths {
        let size = length.checked_mul(4).ok_or_else(|| bad("its length is absurd"))?;
        let (part, later) = rest.split_at_checked(size).ok_or_else(|| bad("it is cut off"))?;
        vectors.push(part.chunks_exact(4).map(|b| f32::from_le_bytes([b[0], b[1], b[2], b[3]])).collect());
        rest = later;
    }
    Ok((header, vectors))
}
