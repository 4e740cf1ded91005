//! What the data decide about the impulse: rate, axes and window where the project file leaves them open.

use super::import::Received;
use crate::{EngineError, project::ImpulseSection};
use edgewright_impulse::Window;
use edgewright_sample::{Axis, Fit};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// Rate assumed for series that say none anywhere.
const FALLBACK_RATE_HZ: f64 = 100.0;

/// What the recordings are brought to by cleaning.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Format {
    /// Rate in Hz; 0 for rows of a table and for images.
    pub rate_hz: f64,
    /// Axes in order.
    pub axes: Vec<Axis>,
    /// Width, height and channels of images.
    pub image: Option<[usize; 3]>,
    /// How images of another shape are brought to that.
    #[serde(default)]
    pub fit: Fit,
    /// Rate given to recordings that say none.
    pub assumed_rate_hz: Option<f64>,
}

/// The entry that most samples have; the smaller one when two are equally frequent.
fn most<T: Ord + Clone>(values: impl IntoIterator<Item = T>) -> Option<T> {
    let mut counts: BTreeMap<T, usize> = BTreeMap::new();
    for value in values {
        *counts.entry(value).or_default() += 1;
    }
    counts.into_iter().rev().max_by_key(|(_, n)| *n).map(|(v, _)| v)
}

/// Whether a sample is a row of a table rather than a series.
fn is_row(sample: &Received) -> bool {
    sample.info.image.is_none() && sample.info.rate_hz == 0.0 && sample.info.frames == 1
}

/// The axes of series and rows: those named, else those that most samples have and, for columns of words, every word that occurs.
fn axes(
    samples: &[Received],
    impulse: &ImpulseSection,
    notes: &mut Vec<String>,
) -> Result<Vec<Axis>, EngineError> {
    let axis = |(name, units): &(String, String)| Axis { name: name.clone(), units: units.clone() };
    let is_word = |(_, units): &&(String, String)| units == Axis::CATEGORY;
    let words: BTreeSet<&(String, String)> =
        samples.iter().flat_map(|s| &s.info.axes).filter(is_word).collect();
    let words: Vec<Axis> = words.into_iter().map(axis).collect();
    // One sound however many channels it was recorded with; who wants them apart names them.
    let sound = |s: &Received| !s.info.axes.is_empty() && s.info.axes.iter().all(|(_, units)| units == "wav");
    let mono = Axis { name: "audio".into(), units: "wav".into() };
    let all_sound = !samples.is_empty() && samples.iter().all(sound);
    let Some(names) = &impulse.axes else {
        let channels = samples.iter().filter(|s| s.info.axes.len() > 1).count();
        let named = |(name, _): &(String, String)| name.starts_with("audio");
        if all_sound && samples.iter().flat_map(|s| &s.info.axes).all(named) {
            if channels > 0 {
                notes.push(format!(
                    "{channels} recordings have several channels; their mean is taken: `impulse.axes` names channels to have them apart"
                ));
            }
            return Ok(vec![mono]);
        }
        let numbers = |s: &Received| s.info.axes.iter().filter(|a| !is_word(a)).cloned().collect::<Vec<_>>();
        let mut axes: Vec<Axis> =
            most(samples.iter().map(numbers)).unwrap_or_default().iter().map(axis).collect();
        axes.extend(words);
        return Ok(axes);
    };
    let mut out = Vec::with_capacity(names.len());
    for name in names {
        let one = samples.iter().flat_map(|s| &s.info.axes).find(|(n, _)| n == name).map(axis);
        let known = out.len();
        match one {
            Some(axis) => out.push(axis),
            None if all_sound && *name == mono.name => out.push(mono.clone()),
            // A column of words by its name.
            None => {
                out.extend(words.iter().filter(|a| a.category().is_some_and(|(c, _)| c == name)).cloned())
            }
        }
        if out.len() == known {
            return Err(EngineError::Data(format!("no sample has the axis `{name}` of `impulse.axes`")));
        }
    }
    Ok(out)
}

/// Decides rate and axes. Notes say what was decided for the user.
///
/// # Errors
/// [`EngineError::Data`] when pictures and series are mixed or an axis named in the project is nowhere.
pub fn format(
    samples: &[Received],
    impulse: &ImpulseSection,
    notes: &mut Vec<String>,
) -> Result<Format, EngineError> {
    let images = samples.iter().filter(|s| s.info.image.is_some()).count();
    if images > 0 && images < samples.len() {
        return Err(EngineError::Data(format!(
            "the project holds {images} images and {} other samples; one impulse takes one kind\nhint: make a project for each",
            samples.len() - images
        )));
    }
    if images > 0 {
        let colour = most(samples.iter().filter_map(|s| s.info.image.map(|i| i[2]))).unwrap_or(3);
        let [w, h] = impulse.image.unwrap_or([96, 96]);
        if impulse.image.is_none() {
            notes.push("images are resized to 96x96; set `impulse.image` to change that".into());
        }
        let names: &[&str] = if colour == 1 { &["grey"] } else { &["red", "green", "blue"] };
        let axes = names.iter().map(|n| Axis { name: (*n).to_owned(), units: "rgba".into() }).collect();
        return Ok(Format {
            rate_hz: 0.0,
            axes,
            image: Some([w, h, colour]),
            fit: impulse.fit,
            assumed_rate_hz: None,
        });
    }
    let axes = axes(samples, impulse, notes)?;
    let rows = samples.iter().filter(|s| is_row(s)).count();
    if rows * 2 > samples.len() {
        return Ok(Format { rate_hz: 0.0, axes, image: None, fit: impulse.fit, assumed_rate_hz: None });
    }
    // Rates from clocks differ in the last digits; thousandths of a Hz are the same rate.
    let known = most(
        samples.iter().filter(|s| s.info.rate_hz > 0.0).map(|s| (s.info.rate_hz * 1000.0).round() as u64),
    )
    .map(|milli| milli as f64 / 1000.0);
    let rate_hz = impulse.rate_hz.or(known).unwrap_or(FALLBACK_RATE_HZ);
    let unknown = samples.iter().filter(|s| s.info.rate_hz == 0.0).count();
    if unknown > 0 {
        let why = match (impulse.rate_hz, known) {
            (Some(_), _) => "that of `impulse.rate_hz`",
            (None, Some(_)) => "that of the other recordings",
            (None, None) => "an assumption: set `impulse.rate_hz`",
        };
        notes.push(format!("{unknown} recordings say no rate; {rate_hz} Hz is taken ({why})"));
    }
    Ok(Format {
        rate_hz,
        axes,
        image: None,
        fit: impulse.fit,
        assumed_rate_hz: (unknown > 0).then_some(rate_hz),
    })
}

/// The window on cleaned recordings of these lengths (in frames).
///
/// # Errors
/// [`EngineError::Data`] when no recording is as long as the window and none may be padded.
pub fn window(
    format: &Format,
    lengths: &[usize],
    impulse: &ImpulseSection,
    notes: &mut Vec<String>,
) -> Result<Window, EngineError> {
    let window = |frames, stride, zero_pad| Window {
        frames,
        stride,
        rate_hz: format.rate_hz,
        axes: format.axes.clone(),
        zero_pad,
        image: format.image.map(|[w, h, _]| (w, h)),
        fit: format.fit,
    };
    if let Some([w, h, _]) = format.image {
        return Ok(window(w * h, w * h, false));
    }
    if format.rate_hz == 0.0 {
        return Ok(window(1, 1, false));
    }
    let to_frames = |ms: f64| ((ms * format.rate_hz / 1000.0).round() as usize).max(1);
    let audio = format.axes.iter().all(|a| a.units == "wav");
    let frames = match impulse.window_ms {
        Some(ms) => to_frames(ms),
        None => {
            let wanted = to_frames(if audio { 1000.0 } else { 2000.0 });
            let mut sorted = lengths.to_vec();
            sorted.sort_unstable();
            // Padding motion with zeros changes what it looks like; nearly all recordings shall fill a window.
            let short = sorted.get(sorted.len() / 20).copied().unwrap_or(wanted).max(1);
            let chosen = if audio { wanted } else { wanted.min(short) };
            notes.push(format!(
                "window of {:.0} ms chosen from the recordings; set `impulse.window_ms` to change that",
                chosen as f64 * 1000.0 / format.rate_hz
            ));
            chosen
        }
    };
    let stride = impulse.stride_ms.map_or_else(|| (frames / 2).max(1), to_frames);
    let window = window(frames, stride, impulse.zero_pad);
    if !lengths.iter().any(|&n| window.starts(n).next().is_some()) {
        return Err(EngineError::Data(format!(
            "the window of {frames} frames ({:.0} ms) is longer than every recording (the longest has {} frames)\nhint: lower `impulse.window_ms`, or set `impulse.zero_pad = true`",
            frames as f64 * 1000.0 / format.rate_hz,
            lengths.iter().max().copied().unwrap_or(0)
        )));
    }
    let padded = lengths.iter().filter(|&&n| n < frames).count();
    if padded > 0 {
        let what = if impulse.zero_pad { "are filled with zeros" } else { "give no window" };
        notes.push(format!("{padded} recordings are shorter than the window and {what}"));
    }
    Ok(window)
}

#[cfg(test)]
mod tests {
    use super::most;

    #[test]
    fn the_majority_wins_and_ties_go_to_the_smaller() {
        assert_eq!(most([3, 1, 3, 2]), Some(3));
        assert_eq!(most([2, 1]), Some(1));
        assert_eq!(most(Vec::<u8>::new()), None);
    }
}
