//! The rate of a time series from its time column, and what is odd about the clock.

use crate::Finding;

/// A step this much longer than usual is a gap.
const GAP: f64 = 1.5;
/// Deviation of a step from the usual one that counts as uneven, as a fraction.
const TOLERANCE: f64 = 0.05;

/// Rounds to nine significant digits: sums of decimal fractions give 99.99999999999997 where 100 is meant.
pub(crate) fn round_rate(rate_hz: f64) -> f64 {
    format!("{rate_hz:.8e}").parse().unwrap_or(rate_hz)
}

/// How a clock runs.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Clock {
    /// Frames per second; 0 when the times do not tell.
    pub rate_hz: f64,
    /// Median step that is not 0, in seconds.
    median: f64,
    /// Smallest difference the clock can show, in seconds.
    tick: f64,
    /// Whether times repeat so often that one step tells nothing.
    coarse: bool,
}

fn steps<'a>(times: &'a [f64], runs: &'a [std::ops::Range<usize>]) -> impl Iterator<Item = f64> + 'a {
    // Without a time column there are rows and no times.
    runs.iter().filter_map(|run| times.get(run.clone())).flat_map(|run| run.windows(2).map(|w| w[1] - w[0]))
}

/// The rate over all runs (parts of `times`, in seconds, that belong together). The median step tells which steps are usual;
/// their mean is the period, because a clock of whole milliseconds shows 104 Hz as steps of 9 and 10. `tick` is the
/// resolution of the clock, 0 when unknown.
pub(super) fn clock(times: &[f64], runs: &[std::ops::Range<usize>], tick: f64) -> Clock {
    let mut sorted: Vec<f64> = steps(times, runs).filter(|s| *s > 0.0).collect();
    sorted.sort_by(f64::total_cmp);
    let median = sorted.get(sorted.len() / 2).copied().unwrap_or(0.0);
    let (all, zeros) =
        steps(times, runs).fold((0usize, 0usize), |(n, z), s| (n + 1, z + usize::from(s == 0.0)));
    let coarse = zeros * 20 > all;
    // Times that repeat come from a clock which ticks slower than the frames.
    let tick = if coarse { tick.max(median) } else { tick };
    let mut clock = Clock { rate_hz: 0.0, median, tick, coarse };
    let (mut sum, mut count) = (0.0, 0usize);
    if coarse {
        (sum, count) = whole_ticks(times, runs, median);
        if sum > 0.0 {
            clock.rate_hz = round_rate(count as f64 / sum);
        }
        return clock;
    }
    for step in steps(times, runs) {
        let usual = step < GAP * median + tick && step > 0.5 * median - tick;
        if step >= 0.0 && usual {
            sum += step;
            count += 1;
        }
    }
    if sum > 0.0 {
        let rate_hz = round_rate(count as f64 / sum);
        if rate_hz.is_finite() {
            clock.rate_hz = rate_hz;
        }
    }
    clock
}

/// Time from tick to tick of a clock that ticks slower than the frames, and the frames in it. What stands before the first tick and behind
/// the last is a part of one that nobody knows, and so is what stands around a gap.
fn whole_ticks(times: &[f64], runs: &[std::ops::Range<usize>], median: f64) -> (f64, usize) {
    let (mut sum, mut count) = (0.0, 0);
    for run in runs.iter().filter_map(|run| times.get(run.clone())) {
        let mut from: Option<usize> = None;
        for at in 1..run.len() {
            let step = run[at] - run[at - 1];
            if step < 0.0 || step >= GAP * median {
                from = None;
            } else if step > 0.0 {
                if let Some(from) = from {
                    (sum, count) = (sum + (run[at] - run[from]), count + (at - from));
                }
                from = Some(at);
            }
        }
    }
    (sum, count)
}

/// Remarks on one run. `lines` holds the row of each time.
pub(super) fn findings(clock: &Clock, times: &[f64], lines: &[u32], out: &mut Vec<Finding>) {
    let mut add = |kind: &str, message: String| out.push(Finding { kind: kind.into(), message });
    if times.len() < 2 {
        return;
    }
    if clock.rate_hz == 0.0 {
        let message = match clock.coarse && clock.median > 0.0 {
            true => "the clock ticks too rarely to tell the rate, which must be given",
            false => "all times are equal; the rate is unknown",
        };
        return add("rate_unknown", message.into());
    }
    let ms = |seconds: f64| format!("{} ms", round_rate(seconds * 1000.0));
    let period = 1.0 / clock.rate_hz;
    let (mut backwards, mut gaps, mut uneven) = (Vec::new(), Vec::new(), 0usize);
    let allowed = (TOLERANCE * period).max(clock.tick * 1.001);
    for (index, pair) in times.windows(2).enumerate() {
        let step = pair[1] - pair[0];
        if step < 0.0 {
            backwards.push((index + 1, step));
        } else if step > GAP * clock.median + clock.tick {
            gaps.push((index + 1, step));
        } else if (step - period).abs() > allowed {
            uneven += 1;
        }
    }
    if let Some((at, step)) = backwards.first() {
        let message = format!(
            "the clock goes back {} times, first by {} at row {}",
            backwards.len(),
            ms(-step),
            lines[*at]
        );
        add("clock_backwards", message);
    }
    if let Some((at, step)) = gaps.first() {
        let longest = gaps.iter().map(|(_, step)| *step).fold(0.0, f64::max);
        let message = format!(
            "{} gaps in time, the first of {} before row {}, the longest of {} (the usual step is {})",
            gaps.len(),
            ms(*step),
            lines[*at],
            ms(longest),
            ms(period)
        );
        add("clock_gap", message);
    }
    let steps = times.len() - 1;
    if clock.coarse {
        let message = format!(
            "times repeat; the clock ticks every {}, the rate {} Hz was counted from tick to tick",
            ms(clock.tick),
            clock.rate_hz
        );
        add("clock_uneven", message);
    } else if uneven * 50 > steps {
        let percent = uneven as f64 / steps as f64 * 100.0;
        let message = format!(
            "{percent:.1} % of the steps differ by more than {} from the usual {}",
            ms(allowed),
            ms(period)
        );
        add("clock_uneven", message);
    }
}
