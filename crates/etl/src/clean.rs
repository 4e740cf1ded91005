//! Cleaning of one recording: axes, finite values, rate, trimming, and what looks suspicious.

use crate::spans;
use edgewright_sample::{Axis, Signal};
use serde::{Deserialize, Serialize};

/// Which steps, with their parameters.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct CleanSpec {
    /// Axes to keep, in this order; all when left out.
    pub axes: Option<Vec<String>>,
    /// Rate in Hz to resample to.
    pub resample_hz: Option<f64>,
    /// Cut quiet ends.
    pub trim: Option<Trim>,
    /// Flag recordings shorter than this, in ms.
    pub min_ms: Option<f64>,
}

/// Cutting of quiet ends.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Trim {
    /// Frames this many dB below the loudest frame are quiet; above 0.
    pub threshold_db: f64,
    /// Kept on each side of what is not quiet, in ms.
    pub margin_ms: f64,
}

/// A step that was done.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LineageLine {
    /// Name of the step.
    pub step: String,
    /// What it did here.
    pub detail: String,
}

/// Something suspicious about a recording that is kept.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Flag {
    /// `clipped`, `stuck`, `constant`, `silent`, `too_short` or `resampled_far`.
    pub kind: String,
    /// Sentence.
    pub message: String,
}

/// A cleaned recording.
#[derive(Clone, Debug, PartialEq)]
pub struct Cleaned {
    /// The values.
    pub signal: Signal,
    /// Steps in order.
    pub lineage: Vec<LineageLine>,
    /// Suspicions.
    pub flags: Vec<Flag>,
    /// Frames that were cut off the beginning.
    pub cut: usize,
}

/// Why a recording is left out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rejected {
    /// Stable slug.
    pub kind: &'static str,
    /// Sentence that names the place.
    pub reason: String,
}

/// Cleans one recording.
///
/// # Errors
/// [`Rejected`] when an axis is missing, a value is not finite, no frame is left or the rate cannot be reached.
pub fn clean(signal: &Signal, spec: &CleanSpec) -> Result<Cleaned, Rejected> {
    let mut lineage = Vec::new();
    let mut flags = Vec::new();
    let mut signal = select(signal, spec.axes.as_deref(), &mut lineage)?;
    finite(&signal)?;
    suspicions(&signal, &mut flags);
    if let Some(rate) = spec.resample_hz {
        resample(&mut signal, rate, &mut lineage, &mut flags)?;
    }
    let cut = spec.trim.map_or(0, |trim| cut(&mut signal, trim, &mut lineage));
    let frames = signal.frames();
    if frames == 0 {
        return Err(Rejected { kind: "empty", reason: "no frame is left".into() });
    }
    if let Some(min_ms) = spec.min_ms
        && signal.rate_hz > 0.0
    {
        let ms = frames as f64 * 1000.0 / signal.rate_hz;
        if ms < min_ms {
            flags.push(Flag {
                kind: "too_short".into(),
                message: format!("{ms:.0} ms are less than the {min_ms:.0} ms of `clean.min_ms`"),
            });
        }
    }
    Ok(Cleaned { signal, lineage, flags, cut })
}

/// Keeps the wanted axes in the wanted order.
fn select(
    signal: &Signal,
    wanted: Option<&[String]>,
    lineage: &mut Vec<LineageLine>,
) -> Result<Signal, Rejected> {
    let Some(wanted) = wanted else { return Ok(signal.clone()) };
    let has: Vec<&str> = signal.axes.iter().map(|a| a.name.as_str()).collect();
    if has.iter().copied().eq(wanted.iter().map(String::as_str)) {
        return Ok(signal.clone());
    }
    if let Some(signal) = channels(signal, wanted, lineage) {
        return Ok(signal);
    }
    // A word that a file does not hold in a column of words is in none of its rows.
    let absent = |name: &str| {
        let (column, _) = name.split_once('=')?;
        let known = signal.axes.iter().any(|a| a.category().is_some_and(|(c, _)| c == column));
        known.then(|| Axis { name: name.to_owned(), units: Axis::CATEGORY.into() })
    };
    let mut at = Vec::with_capacity(wanted.len());
    let mut axes = Vec::with_capacity(wanted.len());
    for name in wanted {
        let place = has.iter().position(|h| h == name);
        let axis = place.map(|a| signal.axes[a].clone()).or_else(|| absent(name));
        axes.push(axis.ok_or_else(|| Rejected {
            kind: "axis_missing",
            reason: format!("there is no axis `{name}`; the file has {}", has.join(", ")),
        })?);
        at.push(place);
    }
    let mut values = Vec::with_capacity(signal.frames() * at.len());
    for frame in signal.values.chunks_exact(signal.axes.len()) {
        values.extend(at.iter().map(|a| a.map_or(0.0, |a| frame[a])));
    }
    lineage.push(LineageLine { step: "axes".into(), detail: format!("kept {} of {}", at.len(), has.len()) });
    Ok(Signal { rate_hz: signal.rate_hz, axes, values })
}

/// Sound with another number of channels than wanted: the mean of the channels as `audio`, and one channel as each of `audio0`, `audio1`, ...
fn channels(signal: &Signal, wanted: &[String], lineage: &mut Vec<LineageLine>) -> Option<Signal> {
    let count = signal.axes.len();
    if count == 0 || signal.axes.iter().any(|a| a.units != "wav") {
        return None;
    }
    let numbered = |name: &String| {
        name.strip_prefix("audio").is_some_and(|n| !n.is_empty() && n.bytes().all(|b| b.is_ascii_digit()))
    };
    let axis = |name: &String| Axis { name: name.clone(), units: "wav".into() };
    if let [one] = wanted
        && one == "audio"
        && signal.axes.iter().all(|a| numbered(&a.name))
    {
        let mean = |frame: &[f32]| {
            // Sums of whole numbers of 16 bits are exact in double precision, in whatever order.
            (frame.iter().map(|v| f64::from(*v)).sum::<f64>() / count as f64) as f32
        };
        let values = signal.values.chunks_exact(count).map(mean).collect();
        lineage
            .push(LineageLine { step: "channels".into(), detail: format!("the mean of {count} channels") });
        return Some(Signal { rate_hz: signal.rate_hz, axes: vec![axis(one)], values });
    }
    if count == 1 && signal.axes[0].name == "audio" && !wanted.is_empty() && wanted.iter().all(numbered) {
        let values = signal.values.iter().flat_map(|v| wanted.iter().map(move |_| *v)).collect();
        let detail = format!("the only channel as {}", wanted.join(", "));
        lineage.push(LineageLine { step: "channels".into(), detail });
        return Some(Signal { rate_hz: signal.rate_hz, axes: wanted.iter().map(axis).collect(), values });
    }
    None
}

/// Refuses values that are not numbers.
fn finite(signal: &Signal) -> Result<(), Rejected> {
    match signal.values.iter().position(|v| !v.is_finite()) {
        None => Ok(()),
        Some(at) => {
            let axes = signal.axes.len();
            Err(Rejected {
                kind: "not_finite",
                reason: format!(
                    "frame {} of axis `{}` is {}",
                    at / axes,
                    signal.axes[at % axes].name,
                    signal.values[at]
                ),
            })
        }
    }
}

/// Looks at each axis by itself.
fn suspicions(signal: &Signal, flags: &mut Vec<Flag>) {
    let axes = signal.axes.len();
    if signal.frames() < 2 {
        return;
    }
    for (a, axis) in signal.axes.iter().enumerate() {
        let values: Vec<f32> = signal.values.iter().skip(a).step_by(axes).copied().collect();
        let found = spans::suspicious(&values, &axis.name, axis.units == "wav", signal.rate_hz);
        flags.extend(found.map(|(kind, message)| Flag { kind: kind.into(), message }));
    }
}

/// Brings the recording to `rate`. Rates that differ by less than a thousandth are clocks that disagree, not rates.
fn resample(
    signal: &mut Signal,
    rate: f64,
    lineage: &mut Vec<LineageLine>,
    flags: &mut Vec<Flag>,
) -> Result<(), Rejected> {
    let from = signal.rate_hz;
    if from == 0.0 {
        return Err(Rejected {
            kind: "rate_unknown",
            reason: format!(
                "the file says no rate; import it with `--rate`, or set `rate_hz` beside its path (the others have {rate} Hz)"
            ),
        });
    }
    if (from / rate - 1.0).abs() > 0.001 {
        signal.values = edgewright_dsp::resample(&signal.values, signal.axes.len(), from, rate)
            .map_err(|e| Rejected { kind: "rate", reason: e.to_string() })?;
        lineage.push(LineageLine { step: "resample".into(), detail: format!("{from} Hz to {rate} Hz") });
        if from * 2.0 < rate {
            flags.push(Flag {
                kind: "resampled_far".into(),
                message: format!(
                    "recorded at {from} Hz, less than half of {rate} Hz: its upper band is empty"
                ),
            });
        }
    }
    signal.rate_hz = rate;
    Ok(())
}

/// Cuts quiet frames at both ends. A frame counts by its energy about the mean of each axis.
fn cut(signal: &mut Signal, trim: Trim, lineage: &mut Vec<LineageLine>) -> usize {
    let axes = signal.axes.len();
    let frames = signal.frames();
    if frames == 0 || signal.rate_hz == 0.0 {
        return 0;
    }
    let mut means = vec![0.0f64; axes];
    for frame in signal.values.chunks_exact(axes) {
        for (mean, v) in means.iter_mut().zip(frame) {
            *mean += f64::from(*v) / frames as f64;
        }
    }
    let energy: Vec<f64> = signal
        .values
        .chunks_exact(axes)
        .map(|frame| frame.iter().zip(&means).map(|(v, m)| (f64::from(*v) - m).powi(2)).sum())
        .collect();
    let loudest = energy.iter().copied().fold(0.0, f64::max);
    // Energy, so 10 dB a decade.
    let floor = loudest * 10f64.powf(-trim.threshold_db / 10.0);
    let (Some(first), Some(last)) =
        (energy.iter().position(|e| *e > floor), energy.iter().rposition(|e| *e > floor))
    else {
        return 0;
    };
    let margin = (trim.margin_ms * signal.rate_hz / 1000.0).round().max(0.0) as usize;
    let from = first.saturating_sub(margin);
    let to = (last + 1 + margin).min(frames);
    if to - from < frames {
        signal.values = signal.values[from * axes..to * axes].to_vec();
        lineage.push(LineageLine {
            step: "trim".into(),
            detail: format!("kept frames {from} to {} of {frames}", to - 1),
        });
    }
    from
}

#[cfg(test)]
mod tests {
    use super::*;

    fn signal(units: &str, values: Vec<f32>) -> Signal {
        Signal { rate_hz: 100.0, axes: vec![Axis { name: "x".into(), units: units.into() }], values }
    }

    fn kinds(values: Vec<f32>, units: &str) -> Vec<String> {
        let cleaned = clean(&signal(units, values), &CleanSpec::default()).expect("kept");
        cleaned.flags.into_iter().map(|f| f.kind).collect()
    }

    #[test]
    fn what_is_not_a_number_is_named() {
        let error = clean(&signal("", vec![1.0, f32::NAN]), &CleanSpec::default()).expect_err("refused");
        assert!(error.reason.contains("frame 1 of axis `x`"), "{}", error.reason);
    }

    #[test]
    fn clipped_constant_and_silent_axes_are_flagged() {
        let mut clipped: Vec<f32> = (0..100).map(|i| (i as f32).sin() * 20_000.0).collect();
        clipped[10..20].fill(32767.0);
        assert_eq!(kinds(clipped, "wav"), ["clipped"]);
        assert_eq!(kinds(vec![3.0; 20], ""), ["constant"]);
        assert_eq!(kinds(vec![0.0; 20], ""), ["silent"]);
        assert!(kinds((0..100).map(|i| (i as f32).sin()).collect(), "").is_empty());
    }

    #[test]
    fn quiet_ends_are_cut() {
        let mut values = vec![0.0; 100];
        values[40..60].iter_mut().enumerate().for_each(|(i, v)| *v = if i % 2 == 0 { 1.0 } else { -1.0 });
        let spec =
            CleanSpec { trim: Some(Trim { threshold_db: 20.0, margin_ms: 50.0 }), ..CleanSpec::default() };
        let cleaned = clean(&signal("", values), &spec).expect("kept");
        assert_eq!(cleaned.signal.frames(), 30);
        assert_eq!(cleaned.lineage[0].step, "trim");
    }

    #[test]
    fn sound_of_other_channels_is_brought_to_what_is_wanted() {
        let sound = |names: &[&str], values: &[f32]| Signal {
            rate_hz: 8000.0,
            axes: names.iter().map(|n| Axis { name: (*n).into(), units: "wav".into() }).collect(),
            values: values.to_vec(),
        };
        let wanted = |names: &[&str]| CleanSpec {
            axes: Some(names.iter().map(|n| (*n).to_owned()).collect()),
            ..CleanSpec::default()
        };
        let stereo = sound(&["audio0", "audio1"], &[1.0, 3.0, -5.0, 5.0]);
        let cleaned = clean(&stereo, &wanted(&["audio"])).expect("kept");
        assert_eq!(cleaned.signal, sound(&["audio"], &[2.0, 0.0]));
        assert_eq!(cleaned.lineage[0].detail, "the mean of 2 channels");
        // Who wants the channels has them.
        let cleaned = clean(&stereo, &wanted(&["audio1", "audio0"])).expect("kept");
        assert_eq!(cleaned.signal, sound(&["audio1", "audio0"], &[3.0, 1.0, 5.0, -5.0]));
        let mono = sound(&["audio"], &[7.0, 8.0]);
        assert_eq!(clean(&mono, &wanted(&["audio1"])).expect("kept").signal, sound(&["audio1"], &[7.0, 8.0]));
        assert!(clean(&mono, &wanted(&["voice"])).is_err());
        // What is no sound has no channels.
        let mut other = stereo;
        other.axes[1].units = "g".into();
        assert!(clean(&other, &wanted(&["audio"])).is_err());
    }

    #[test]
    fn axes_are_chosen_by_name() {
        let two = Signal {
            rate_hz: 10.0,
            axes: ["a", "b"].map(|n| Axis { name: n.into(), units: String::new() }).to_vec(),
            values: vec![1.0, 2.0, 3.0, 4.0],
        };
        let spec = CleanSpec { axes: Some(vec!["b".into()]), ..CleanSpec::default() };
        assert_eq!(clean(&two, &spec).expect("kept").signal.values, [2.0, 4.0]);
        let spec = CleanSpec { axes: Some(vec!["c".into()]), ..CleanSpec::default() };
        assert!(clean(&two, &spec).expect_err("refused").reason.contains("a, b"));
    }
}
