//! Near duplicates among the cleaned samples: pairs whose prints lie near each other, held against their values.

use super::{
    clean::{Silver, SilverReader},
    plan::Format,
};
use crate::{EngineError, session::Session};
use edgewright_etl::near::{self, Candidate, Likeness, Print};
use rayon::prelude::*;
use serde::{Deserialize, Serialize};

/// Pairs that one thread looks at with one open file.
const CHUNK: usize = 256;

/// Two samples that are nearly the same.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Near {
    /// Number of the first one in the silver level,
    pub first: usize,
    /// and of the later one.
    pub second: usize,
    /// How they are the same, for people.
    pub how: String,
}

/// Prints of a cleaned sample; none of a row of a table: rows that are nearly equal are different things.
pub(super) fn prints(values: &[f32], format: &Format) -> Vec<Print> {
    match format.image {
        Some([width, height, channels]) => {
            near::picture(values, width, height, channels).into_iter().collect()
        }
        None => near::series(values, format.axes.len()),
    }
}

/// The pairs in order: of each sample those with its nearest others.
pub(super) fn find(
    session: &Session<'_>,
    silver: &Silver,
    prints: &[(usize, Print)],
) -> Result<Vec<Near>, EngineError> {
    let candidates = near::candidates(prints);
    let total = candidates.len() as u64;
    let mut out = Vec::new();
    for (n, batch) in candidates.chunks(CHUNK * session.jobs.max(1)).enumerate() {
        session.progress("clean", (n * batch.len()) as u64, total, "near duplicates")?;
        let found: Vec<Result<Vec<Near>, EngineError>> =
            batch.par_chunks(CHUNK).map(|pairs| hold(session, silver, pairs)).collect();
        for pairs in found {
            out.extend(pairs?);
        }
    }
    Ok(out)
}

fn hold(session: &Session<'_>, silver: &Silver, pairs: &[Candidate]) -> Result<Vec<Near>, EngineError> {
    let mut reader = SilverReader::open(session, silver)?;
    let mut out = Vec::new();
    let mut before: Option<(usize, Vec<f32>)> = None;
    for pair in pairs {
        // Pairs come in order of the first one.
        let first = match before.take() {
            Some((n, values)) if n == pair.first => values,
            _ => reader.values(&silver.samples[pair.first])?,
        };
        let second = reader.values(&silver.samples[pair.second])?;
        let alike = match silver.format.image {
            Some(size) => near::alike_pictures(&first, &second, size, pair),
            None => near::alike_series(&first, &second, silver.format.axes.len(), pair),
        };
        if let Some(alike) = alike {
            let how = told(&alike, &silver.format);
            out.push(Near { first: pair.first, second: pair.second, how });
        }
        before = Some((pair.first, first));
    }
    Ok(out)
}

/// A likeness in words.
fn told(alike: &Likeness, format: &Format) -> String {
    let mut words = vec![format!("correlation {:.3}", alike.correlation)];
    if alike.later != 0 && format.rate_hz > 0.0 {
        let ms = alike.later as f64 * 1000.0 / format.rate_hz;
        words.push(format!("{:.0} ms {}", ms.abs(), if ms > 0.0 { "later" } else { "earlier" }));
    }
    if format.image.is_none() && (alike.gain.abs() - 1.0).abs() > 0.02 {
        words.push(format!("{:.2} times as strong", alike.gain.abs()));
    }
    if alike.gain < 0.0 {
        words.push("turned over".into());
    }
    if alike.low_band {
        words.push("the same in the lower half of its band".into());
    }
    words.join(", ")
}
