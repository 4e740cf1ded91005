//! Where something happens in a recording: parts around what is louder than the rest.

use edgewright_sample::Signal;

/// Smoothing of the energy, in seconds.
const SMOOTH_S: f64 = 0.02;
/// Without a rate: in frames.
const SMOOTH_FRAMES: usize = 5;
/// Energy of the loud over that of the quiet below which nothing stands out: 9 dB.
const STANDS_OUT: f64 = 8.0;

/// Parts of `length` frames, each around an event: where the energy of all axes (each without its mean, smoothed over 20 ms) is above the
/// geometric mean of quiet and loud, its 20 % and 99 % quantiles. They are in order, lie within the recording and do not overlap; events
/// closer than half a part are one. None when nothing stands out, or the recording is no longer than a part.
pub fn events(signal: &Signal, length: usize) -> Vec<std::ops::Range<usize>> {
    let frames = signal.frames();
    if length == 0 || frames <= length {
        return Vec::new();
    }
    let energy = smoothed(&energy(signal), signal.rate_hz);
    let mut sorted = energy.clone();
    sorted.sort_unstable_by(f64::total_cmp);
    let quiet = sorted[frames / 5].max(sorted[frames - 1] * 1e-9);
    let loud = sorted[frames - 1 - frames / 100];
    if loud < STANDS_OUT * quiet {
        return Vec::new();
    }
    let threshold = (quiet * loud).sqrt();
    let mut events: Vec<std::ops::Range<usize>> = Vec::new();
    for (frame, _) in energy.iter().enumerate().filter(|(_, e)| **e > threshold) {
        match events.last_mut() {
            Some(last) if frame <= last.end + length / 2 => last.end = frame + 1,
            _ => events.push(frame..frame + 1),
        }
    }
    let mut parts: Vec<std::ops::Range<usize>> = Vec::new();
    for event in events {
        // A click is no event.
        if event.len() * 50 < length {
            continue;
        }
        // A long one gives several parts, side by side.
        let count = (event.len() / length).max(1);
        let middle = event.start + event.len() / 2;
        let first = middle.saturating_sub(count * length / 2);
        for n in 0..count {
            let earliest = parts.last().map_or(0, |p| p.end);
            let start = (first + n * length).max(earliest);
            if start + length > frames {
                let last = frames - length;
                if last >= earliest {
                    parts.push(last..frames);
                }
                break;
            }
            parts.push(start..start + length);
        }
    }
    parts
}

fn energy(signal: &Signal) -> Vec<f64> {
    let axes = signal.axes.len();
    let frames = signal.frames();
    let mut means = vec![0.0f64; axes];
    for frame in signal.values.chunks_exact(axes) {
        for (mean, v) in means.iter_mut().zip(frame) {
            *mean += f64::from(*v) / frames as f64;
        }
    }
    let of = |frame: &[f32]| -> f64 {
        let squares = frame.iter().zip(&means).map(|(v, m)| (f64::from(*v) - m).powi(2));
        // What is no number is quiet.
        squares.filter(|e| e.is_finite()).sum()
    };
    signal.values.chunks_exact(axes).map(of).collect()
}

/// Mean over a window around each value.
fn smoothed(values: &[f64], rate_hz: f64) -> Vec<f64> {
    let half =
        if rate_hz > 0.0 { (SMOOTH_S * rate_hz / 2.0).round() as usize } else { 0 }.max(SMOOTH_FRAMES / 2);
    let mut sums = Vec::with_capacity(values.len() + 1);
    sums.push(0.0);
    for v in values {
        sums.push(sums.last().copied().unwrap_or(0.0) + v);
    }
    (0..values.len())
        .map(|i| {
            let (from, to) = (i.saturating_sub(half), (i + half + 1).min(values.len()));
            (sums[to] - sums[from]) / (to - from) as f64
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use edgewright_sample::Axis;

    /// Noise of +-10 at 1 kHz, with bursts of +-1000.
    fn recording(frames: usize, bursts: &[(usize, usize)]) -> Signal {
        let values = (0..frames)
            .map(|i| {
                let noise = ((i * 7919 + 31) % 201) as f32 / 10.0 - 10.0;
                if bursts.iter().any(|b| (b.0..b.1).contains(&i)) { noise * 100.0 } else { noise + 500.0 }
            })
            .collect();
        Signal { rate_hz: 1000.0, axes: vec![Axis { name: "audio".into(), units: "wav".into() }], values }
    }

    #[test]
    fn each_burst_gets_a_part_around_it() {
        let found = events(&recording(10_000, &[(1000, 1600), (4000, 4400), (9500, 9900)]), 1000);
        assert_eq!(found.len(), 3, "{found:?}");
        for (part, middle) in found.iter().zip([1300, 4200, 9700]) {
            assert_eq!(part.len(), 1000);
            let off = (part.start + 500).abs_diff(middle);
            assert!(off <= 20 || part.end == 10_000, "{part:?} around {middle}");
        }
        assert!(found.windows(2).all(|w| w[0].end <= w[1].start));
    }

    #[test]
    fn nothing_stands_out_of_noise_silence_or_a_click() {
        for signal in [recording(5000, &[]), recording(5000, &[(100, 103)])] {
            assert_eq!(events(&signal, 1000), Vec::<std::ops::Range<usize>>::new());
        }
        let mut silent = recording(5000, &[]);
        silent.values.fill(0.0);
        assert!(events(&silent, 1000).is_empty());
        assert!(events(&recording(900, &[(100, 500)]), 1000).is_empty(), "shorter than a part");
        assert!(events(&recording(900, &[(100, 500)]), 0).is_empty());
    }

    #[test]
    fn a_long_event_gives_parts_side_by_side() {
        let found = events(&recording(10_000, &[(2000, 6000)]), 1000);
        assert_eq!(found.len(), 4, "{found:?}");
        assert!(found.windows(2).all(|w| w[0].end == w[1].start));
    }
}
