//! Parts of one axis of a recording that say nothing: stuck at a value, cut off at a limit, dropped out.

/// Full scale of audio in int16 units.
const FULL_SCALE: f32 = 32767.0;
/// Share of values at an extreme from which a recording counts as clipped,
const CLIPPED_SHARE: f64 = 0.002;
/// and the fewest of them where the extreme is not that of 16 bits.
const CLIPPED_FEWEST: usize = 15;
/// Values within this share of the range of a limit are beside it.
const BESIDE: f32 = 0.02;
/// What is torn jumps by more than one of the steps in which a sensor tells its values.
const STEPS: f32 = 1.5;
/// Values so few that staying at one of them is what the axis does: a switch, a state, a count.
const FEW_VALUES: usize = 12;
/// Fewest equal values in a row that count as stuck, and their share of the recording.
const STUCK_RUN: usize = 8;
const STUCK_SHARE: f64 = 0.02;
/// Chance of such a run in a recording of this make, as a power of ten, below which it is no chance.
const CHANCE: f64 = -9.0;
/// Sound that drops out stops at a value so far from 0, as a share of its mean square root.
const DROP: f64 = 0.1;

/// Equal values in a row.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Run {
    from: usize,
    length: usize,
    value: f32,
}

/// What is wrong with one axis: kind and sentence.
pub(crate) fn suspicious(
    values: &[f32],
    name: &str,
    audio: bool,
    rate_hz: f64,
) -> Option<(&'static str, String)> {
    let (low, high) =
        values.iter().fold((f32::INFINITY, f32::NEG_INFINITY), |(l, h), v| (l.min(*v), h.max(*v)));
    if low == high {
        let kind = if low == 0.0 { "silent" } else { "constant" };
        return Some((kind, format!("axis `{name}` is {low} throughout")));
    }
    if few(values) {
        return None;
    }
    let runs = runs(values);
    clipped(values, name, audio, (low, high)).or_else(|| stuck(values, &runs, name, audio, rate_hz))
}

/// Whether the axis takes a handful of values at all.
fn few(values: &[f32]) -> bool {
    let mut met: Vec<f32> = Vec::with_capacity(FEW_VALUES + 1);
    for v in values {
        if !met.contains(v) {
            met.push(*v);
            if met.len() > FEW_VALUES {
                return false;
            }
        }
    }
    true
}

/// The smallest step from one value to the next.
fn step(values: &[f32]) -> f32 {
    let moves = values.windows(2).map(|w| (w[1] - w[0]).abs());
    moves.filter(|d| *d > 0.0).fold(f32::INFINITY, f32::min)
}

/// Runs of two equal values and more.
fn runs(values: &[f32]) -> Vec<Run> {
    let mut out = Vec::new();
    let mut from = 0;
    for run in values.chunk_by(|a, b| a == b) {
        if run.len() > 1 {
            out.push(Run { from, length: run.len(), value: run[0] });
        }
        from += run.len();
    }
    out
}

fn clipped(
    values: &[f32],
    name: &str,
    audio: bool,
    (low, high): (f32, f32),
) -> Option<(&'static str, String)> {
    let band = ((high - low) * BESIDE).max(3.5 * step(values));
    let mut frames = 0;
    for limit in [low, high] {
        // What counts things or measures lengths is often at 0, which is no end of a range.
        if limit == 0.0 && !audio {
            continue;
        }
        let at = values.iter().filter(|v| **v == limit).count();
        let beside = values.iter().filter(|v| **v != limit && (**v - limit).abs() <= band).count();
        let full = audio && limit.abs() >= FULL_SCALE;
        // One long stay is a sensor that is stuck; a signal that is cut off comes to its limit again and again, and a signal that only
        // turns there has been near it as often.
        let visits = values.chunk_by(|a, b| a == b).filter(|run| run[0] == limit).count();
        let cut = visits >= 3 && at > 2 * beside && at >= CLIPPED_FEWEST;
        if at as f64 > CLIPPED_SHARE * values.len() as f64 && (full || cut) {
            frames += at;
        }
    }
    (frames > 0).then(|| {
        ("clipped", format!("axis `{name}` stays at its extreme for {frames} of {} frames", values.len()))
    })
}

/// The longest run that cannot be chance.
fn stuck(
    values: &[f32],
    runs: &[Run],
    name: &str,
    audio: bool,
    rate_hz: f64,
) -> Option<(&'static str, String)> {
    let n = values.len();
    let square = values.iter().map(|v| f64::from(*v) * f64::from(*v)).sum::<f64>() / n as f64;
    let drop = ((square.sqrt() * DROP) as f32).max(STEPS * step(values));
    let torn = |r: &Run| {
        let beside = [r.from.checked_sub(1), Some(r.from + r.length)];
        beside.iter().flatten().filter_map(|i| values.get(*i)).any(|v| (v - r.value).abs() > drop)
    };
    // Silence before and after, and silence that sound fades into, is what programs write; a hole in sound is torn.
    let inside = |r: &Run| r.from > 0 && r.from + r.length < n;
    let counts = |r: &&Run| !audio || torn(r) && (inside(r) || r.value.abs() > drop);
    let longest = runs.iter().filter(counts).max_by_key(|r| (r.length, std::cmp::Reverse(r.from)))?;
    if longest.length < STUCK_RUN || (longest.length as f64) < STUCK_SHARE * n as f64 {
        return None;
    }
    // How often neighbours are equal elsewhere; of a coarse sensor at rest they often are.
    let pairs: usize = runs.iter().map(|r| r.length - 1).sum::<usize>() - (longest.length - 1);
    let share = (pairs as f64 + 1.0) / ((n - longest.length) as f64 + 1.0);
    let chance = (n as f64).log10() + share.min(1.0).log10() * (longest.length - 1) as f64;
    (chance < CHANCE).then(|| {
        let time = match rate_hz > 0.0 {
            true => format!(" ({:.0} ms)", longest.length as f64 * 1000.0 / rate_hz),
            false => String::new(),
        };
        let (from, last) = (longest.from, longest.from + longest.length - 1);
        ("stuck", format!("axis `{name}` is {} from frame {from} to {last}{time}", longest.value))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kind(values: &[f32], audio: bool) -> Option<&'static str> {
        suspicious(values, "x", audio, 100.0).map(|(kind, _)| kind)
    }

    /// Values without a pattern between -1 and 1.
    fn noise(n: usize) -> Vec<f32> {
        let mut state = 1u32;
        (0..n)
            .map(|_| {
                state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                (state >> 8) as f32 / 8_388_608.0 - 1.0
            })
            .collect()
    }

    #[test]
    fn a_sensor_that_freezes_is_found_with_its_place() {
        let mut values = noise(400);
        let held = values[200];
        values[200..230].fill(held);
        let (kind, message) = suspicious(&values, "accX", false, 100.0).expect("found");
        assert_eq!(kind, "stuck");
        assert!(message.contains("from frame 200 to 229 (300 ms)"), "{message}");
        assert_eq!(suspicious(&noise(400), "accX", false, 100.0), None);
    }

    #[test]
    fn a_coarse_sensor_at_rest_is_not_stuck() {
        // Steps of 1/16: neighbours are often equal when it moves little, and 13 values and more are met.
        let values: Vec<f32> = noise(400)
            .iter()
            .enumerate()
            .map(|(i, v)| ((v * 0.4 + (i as f32 * 0.01).sin() * 8.0).round()) / 16.0)
            .collect();
        assert_eq!(kind(&values, false), None);
    }

    #[test]
    fn a_switch_is_neither_clipped_nor_stuck() {
        let values: Vec<f32> = (0..400).map(|i| ((i / 50) % 2) as f32).collect();
        assert_eq!(kind(&values, false), None);
    }

    #[test]
    fn a_sensor_at_the_end_of_its_range_is_clipped() {
        let values: Vec<f32> = (0..400).map(|i| ((i as f32 * 0.1).sin() * 3.0).clamp(-2.0, 2.0)).collect();
        assert_eq!(kind(&values, false), Some("clipped"));
        let slow: Vec<f32> = (0..4000).map(|i| ((i as f32 * 0.01).sin() * 1000.0).round()).collect();
        assert_eq!(kind(&slow, true), None, "the top of a slow wave in whole numbers");
    }

    #[test]
    fn a_hole_in_sound_is_found_and_silence_is_not() {
        let mut values: Vec<f32> = noise(8000).iter().map(|v| (v * 3000.0).round()).collect();
        let loud = values.clone();
        values[..800].fill(0.0);
        values[7000..].fill(0.0);
        assert_eq!(kind(&values, true), None, "silence before and after");
        let mut torn = loud;
        torn[3000..3400].fill(0.0);
        assert_eq!(kind(&torn, true), Some("stuck"));
    }
}
