//! Heart rate and its variability from a photoplethysmogram (PPG) or an electrocardiogram (ECG).
//!
//! Own design; the reference's algorithm is closed. A band-pass leaves one wave a beat (an ECG is squared and smoothed
//! first). What an accelerometer explains is taken off by an adaptive filter while it moves. The highest point of each
//! wave above zero is a beat when it reaches a share of the usual height; the intervals between beats give the rest.

use crate::{
    DspError, WindowSpec,
    flatten::moments,
    hrv::{FREQUENCY_NAMES, FrequencyPlan, TIME_NAMES, quantile, sort, time_domain},
    math::sqrt,
    spectral::butterworth,
};
use alloc::{format, string::String, vec::Vec};

/// Seconds of data for each heart rate.
const INCREMENT_S: f64 = 2.0;
/// Shortest interval between beats in seconds.
const SHORTEST_S: f64 = 0.27;
/// Longest interval that counts.
const LONGEST_S: f32 = 2.0;
/// Past values of each axis of the accelerometer that the adaptive filter weighs.
const TAPS: usize = 4;
/// Step of the adaptive filter: small, so that it leaves a heart rate near the movement's alone.
const STEP: f32 = 0.015;
/// Intervals that an interval is compared with, itself among them.
const NEIGHBOURS: usize = 7;

/// Measures of variability among the features.
#[derive(Clone, Debug, PartialEq)]
#[expect(missing_docs, reason = "the parameter's own words")]
pub enum Variability {
    None,
    Rmssd,
    Time,
    All(FrequencyPlan),
}

/// What [`HeartPlan::new`] takes beside the window.
#[derive(Clone, Debug, PartialEq)]
pub struct HeartOptions {
    /// Electrocardiogram, else photoplethysmogram.
    pub ecg: bool,
    /// Band: 0 standard, 1 wide, 2 narrow.
    pub preset: usize,
    /// Seconds that a heart rate looks back.
    pub rate_window_s: f64,
    /// Share of the usual height from which a wave is a beat.
    pub sensitivity: f64,
    /// Sum of the standard deviations of the accelerometer's axes up to which it rests.
    pub resting: f64,
    /// `none`, `rmssd`, `time-domain` or `all`.
    pub variability: String,
    /// Heart rates among the features also beside variability.
    pub include_rate: bool,
    /// Seconds from one set of variability measures to the next.
    pub update_s: usize,
    /// Seconds that they look back.
    pub variability_window_s: usize,
}

/// Constants of the block.
#[derive(Clone, Debug, PartialEq)]
pub struct HeartPlan {
    /// Frames per window.
    pub frames: usize,
    /// 1, or 4 with an accelerometer.
    pub axes: usize,
    /// Frames of an increment.
    pub increment: usize,
    /// Frames per second.
    pub rate: f32,
    /// Whether the signal is squared and smoothed.
    pub ecg: bool,
    /// High-pass and low-pass of the signal: b0, b1, b2, a1, a2 each.
    pub band: [[f32; 5]; 2],
    /// Low-pass and high-pass of the squared signal.
    pub envelope: [[f32; 5]; 2],
    /// Frames between the past values that the adaptive filter weighs.
    pub lag: usize,
    /// Sum of standard deviations up to which the accelerometer rests.
    pub resting: f32,
    /// Keeps the adaptive filter calm when there is little to adapt to.
    pub calm: f32,
    /// Share of the usual height.
    pub sensitivity: f32,
    /// What is left of the usual height after a frame.
    pub leak: f32,
    /// Shortest interval in frames.
    pub shortest: f32,
    /// Seconds that a heart rate looks back.
    pub rate_window: f32,
    /// Whether heart rates are features.
    pub include_rate: bool,
    /// What else is.
    pub variability: Variability,
    /// Increments from one set of variability measures to the next.
    pub update: usize,
    /// Seconds that they look back.
    pub variability_window: f32,
    /// Intervals that are kept.
    pub kept: usize,
}

/// Places in the state. The past of the accelerometer, its weights and the intervals follow.
mod at {
    /// Not 0 once the first values are known.
    pub const STARTED: usize = 0;
    /// Not 0 while the accelerometer moves.
    pub const MOVING: usize = 1;
    /// First value of each axis.
    pub const OFFSET: usize = 2;
    /// Two per section: the signal's, the envelope's, the accelerometer's.
    pub const FILTERS: usize = 6;
    /// The last value and the one before.
    pub const LAST: usize = FILTERS + 4 + 4 + 12;
    /// Height of the highest point of this wave, and frames since.
    pub const PEAK: usize = LAST + 2;
    /// Usual height.
    pub const USUAL: usize = PEAK + 2;
    /// Frames since the last beat; negative before the first.
    pub const SINCE: usize = USUAL + 1;
    /// Intervals kept, and where the next goes.
    pub const COUNT: usize = SINCE + 1;
    pub const NEXT: usize = COUNT + 1;
    pub const REST: usize = NEXT + 1;
}

fn section(filter: &[f32; 5], z: &mut [f32], x: f32) -> f32 {
    let y = filter[0] * x + z[0];
    z[0] = filter[1] * x - filter[3] * y + z[1];
    z[1] = filter[2] * x - filter[4] * y;
    y
}

impl HeartPlan {
    /// Constants for a window.
    ///
    /// # Errors
    /// `axes`, `rate`, `window_below_2_s`, `hrv_window_too_short`, `hrv_update_above_window`.
    pub fn new(window: &WindowSpec, options: &HeartOptions) -> Result<Self, DspError> {
        let rate = window.rate_hz;
        let refuse = |kind, message: String| Err(DspError::new(kind, message));
        if window.axes != 1 && window.axes != 4 {
            return refuse(
                "axes",
                format!(
                    "block `hr` takes the signal, or the signal and three axes of an accelerometer; there are {} axes",
                    window.axes
                ),
            );
        }
        if !(20.0..=1000.0).contains(&rate) {
            let near = if rate < 20.0 { 25 } else { 1000 };
            return refuse(
                "rate",
                format!("block `hr` takes 20 to 1000 Hz, the window has {rate} Hz; use {near} Hz"),
            );
        }
        let increment = libm::round(rate * INCREMENT_S) as usize;
        if window.frames < increment {
            return refuse(
                "window_below_2_s",
                format!(
                    "the window of {:.2} s is too short for block `hr`; it must be at least 2 s",
                    window.frames as f64 / rate
                ),
            );
        }
        let increments = window.frames / increment;
        let update = options.update_s.div_ceil(2).max(1);
        let least = match options.variability.as_str() {
            "none" => 0,
            "rmssd" => 10,
            "time-domain" => 30,
            _ => 90,
        };
        if least > 0 {
            if options.variability_window_s < least {
                return refuse(
                    "hrv_window_too_short",
                    format!(
                        "`hrv_win_size_s` is {}; for `hrv_features` = {} it must be at least {least}",
                        options.variability_window_s, options.variability
                    ),
                );
            }
            if update > increments {
                return refuse(
                    "hrv_update_above_window",
                    format!(
                        "`hrv_update_interval_s` is {}; the window of {} s takes at most {}",
                        options.update_s,
                        2 * increments,
                        2 * increments
                    ),
                );
            }
        }
        let variability = match options.variability.as_str() {
            "none" => Variability::None,
            "rmssd" => Variability::Rmssd,
            "time-domain" => Variability::Time,
            _ => match FrequencyPlan::new(options.variability_window_s as f64, (0.04, 0.15), (0.15, 0.4)) {
                Some(plan) => Variability::All(plan),
                None => return refuse("hrv_window_too_short", "the bands hold no bin".into()),
            },
        };
        let (low, high) = match (options.ecg, options.preset) {
            (false, 0) => (0.5, 2.5),
            (false, 1) => (0.5, 4.0),
            (false, _) => (0.7, 2.0),
            (true, 0) => (8.0, 16.0),
            (true, 1) => (5.0, 25.0),
            (true, _) => (10.0, 20.0),
        };
        let one = |hz: f64, high: bool| butterworth(2, hz, rate, high)[0];
        let look_back =
            options.rate_window_s.max(if least > 0 { options.variability_window_s as f64 } else { 0.0 });
        Ok(Self {
            frames: window.frames,
            axes: window.axes,
            increment,
            rate: rate as f32,
            ecg: options.ecg,
            band: [one(f64::min(low, 0.2 * rate), true), one(f64::min(high, 0.4 * rate), false)],
            envelope: [one(4.0, false), one(0.7, true)],
            lag: (libm::round(0.06 * rate) as usize).max(1),
            resting: options.resting as f32,
            calm: (0.01 * TAPS as f64 * options.resting * options.resting) as f32 + 1e-12,
            sensitivity: options.sensitivity as f32,
            leak: (1.0 - 0.3 / rate) as f32,
            shortest: (SHORTEST_S * rate) as f32,
            rate_window: options.rate_window_s as f32,
            include_rate: least == 0 || options.include_rate,
            variability,
            update,
            variability_window: options.variability_window_s as f32,
            kept: libm::ceil(look_back / SHORTEST_S) as usize + 2,
        })
    }

    fn past(&self) -> usize {
        if self.axes == 4 { 3 * self.lag * TAPS } else { 0 }
    }

    fn weights(&self) -> usize {
        if self.axes == 4 { 3 * TAPS } else { 0 }
    }

    /// Floats that go from window to window.
    pub fn state_len(&self) -> usize {
        at::REST + self.past() + self.weights() + self.kept
    }

    /// Floats of scratch.
    pub fn scratch_len(&self) -> usize {
        let frequency = if let Variability::All(plan) = &self.variability { plan.scratch_len() } else { 0 };
        (self.axes * self.increment).max(3 * self.kept + frequency)
    }

    fn measures(&self) -> usize {
        match self.variability {
            Variability::None => 0,
            Variability::Rmssd => 1,
            Variability::Time => TIME_NAMES.len(),
            Variability::All(_) => TIME_NAMES.len() + FREQUENCY_NAMES.len(),
        }
    }

    /// Number of features.
    pub fn len(&self) -> usize {
        let increments = self.frames / self.increment;
        let rates = if self.include_rate { increments } else { 0 };
        rates + increments / self.update * self.measures()
    }

    /// Whether there is no feature.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// One name per feature, with the seconds of the window at which it is known.
    pub fn names(&self) -> Vec<String> {
        let mut names = Vec::new();
        for i in 1..=self.frames / self.increment {
            let mut add = |name: &str| names.push(format!("{name} {} s", 2 * i));
            if self.include_rate {
                add("HR");
            }
            if i % self.update == 0 {
                match self.variability {
                    Variability::None => {}
                    Variability::Rmssd => add(TIME_NAMES[2]),
                    Variability::Time => TIME_NAMES.iter().for_each(|n| add(n)),
                    Variability::All(_) => TIME_NAMES.iter().chain(&FREQUENCY_NAMES).for_each(|n| add(n)),
                }
            }
        }
        names
    }

    /// Features of a window that follows the one which left this state.
    pub fn extract(&self, window: &[f32], state: &mut [f32], scratch: &mut [f32], features: &mut [f32]) {
        let mut at_feature = 0;
        let mut start = 0;
        let mut done = 0;
        while start < self.frames {
            let count = self.increment.min(self.frames - start);
            for axis in 0..self.axes {
                for i in 0..count {
                    scratch[axis * count + i] = window[(start + i) * self.axes + axis];
                }
            }
            self.feed(scratch, count, state);
            start += count;
            if count < self.increment {
                break;
            }
            done += 1;
            if self.include_rate {
                features[at_feature] = self.heart_rate(state, scratch);
                at_feature += 1;
            }
            if done % self.update == 0 && self.measures() > 0 {
                self.vary(state, scratch, &mut features[at_feature..at_feature + self.measures()]);
                at_feature += self.measures();
            }
        }
    }

    /// Takes frames, axis by axis in `x`, and notes the beats.
    fn feed(&self, x: &[f32], count: usize, state: &mut [f32]) {
        if state[at::STARTED] == 0.0 {
            state[at::STARTED] = 1.0;
            state[at::SINCE] = -1.0;
            for axis in 0..self.axes {
                state[at::OFFSET + axis] = x[axis * count];
            }
        }
        if self.axes == 4 && count == self.increment {
            let mut sum = 0.0f32;
            for axis in 1..4 {
                sum += sqrt(moments(&x[axis * count..(axis + 1) * count]).m2);
            }
            state[at::MOVING] = if sum > self.resting { 1.0 } else { 0.0 };
        }
        for i in 0..count {
            let mut y = x[i] - state[at::OFFSET];
            for (s, filter) in self.band.iter().enumerate() {
                y = section(filter, &mut state[at::FILTERS + 2 * s..], y);
            }
            if self.axes == 4 {
                y = self.still(x, count, i, y, state);
            }
            if self.ecg {
                y = y * y;
                for (s, filter) in self.envelope.iter().enumerate() {
                    y = section(filter, &mut state[at::FILTERS + 4 + 2 * s..], y);
                }
            }
            self.wave(y, state);
        }
        // Values beyond what a float holds would stay in the filters for ever.
        if !(state[at::LAST].is_finite() && state[at::USUAL].is_finite()) {
            state.fill(0.0);
        }
    }

    /// `y` without what the accelerometer explains while it moves.
    fn still(&self, x: &[f32], count: usize, i: usize, y: f32, state: &mut [f32]) -> f32 {
        let long = self.lag * TAPS;
        for axis in 0..3 {
            let mut a = x[(axis + 1) * count + i] - state[at::OFFSET + 1 + axis];
            for (s, filter) in self.band.iter().enumerate() {
                a = section(filter, &mut state[at::FILTERS + 8 + 4 * axis + 2 * s..], a);
            }
            let past = &mut state[at::REST + axis * long..at::REST + (axis + 1) * long];
            let mut k = long - 1;
            while k > 0 {
                past[k] = past[k - 1];
                k -= 1;
            }
            past[0] = a;
        }
        if state[at::MOVING] == 0.0 {
            return y;
        }
        let (past, weights) = state[at::REST..].split_at_mut(3 * long);
        let (mut explained, mut power) = (0.0f32, self.calm);
        for (k, w) in weights[..3 * TAPS].iter().enumerate() {
            let a = past[k * self.lag];
            explained += w * a;
            power += a * a;
        }
        let rest = y - explained;
        let step = STEP * rest / power;
        for (k, w) in weights[..3 * TAPS].iter_mut().enumerate() {
            *w += step * past[k * self.lag];
        }
        rest
    }

    /// Takes one value of the signal with one wave a beat.
    fn wave(&self, y: f32, state: &mut [f32]) {
        let (last, before) = (state[at::LAST], state[at::LAST + 1]);
        if state[at::SINCE] >= 0.0 && state[at::SINCE] < 1e6 {
            state[at::SINCE] += 1.0;
        }
        state[at::PEAK + 1] += 1.0;
        state[at::USUAL] *= self.leak;
        if last > before && last >= y && last > 0.0 && last > state[at::PEAK] {
            // The top of the parabola through three values.
            state[at::PEAK] = last;
            state[at::PEAK + 1] = 1.0 - 0.5 * (before - y) / (before - 2.0 * last + y);
        }
        if y <= 0.0 && state[at::PEAK] > 0.0 {
            self.beat(state);
            state[at::PEAK] = 0.0;
        }
        state[at::LAST + 1] = last;
        state[at::LAST] = y;
    }

    /// The wave is over: was it a beat?
    fn beat(&self, state: &mut [f32]) {
        let (height, ago) = (state[at::PEAK], state[at::PEAK + 1]);
        let usual = state[at::USUAL];
        if height <= self.sensitivity * usual {
            return;
        }
        if state[at::SINCE] < 0.0 {
            state[at::SINCE] = ago;
            state[at::USUAL] = height;
            return;
        }
        let interval = state[at::SINCE] - ago;
        if interval <= self.shortest {
            return;
        }
        let most = 4.0 * usual;
        state[at::USUAL] = usual + 0.25 * ((if height < most { height } else { most }) - usual);
        state[at::SINCE] = ago;
        let next = state[at::NEXT] as usize;
        let intervals = at::REST + self.past() + self.weights();
        state[intervals + next] = interval / self.rate;
        state[at::NEXT] = if next + 1 < self.kept { next + 1 } else { 0 } as f32;
        if (state[at::COUNT] as usize) < self.kept {
            state[at::COUNT] += 1.0;
        }
    }

    /// The interval that so many others follow, in seconds.
    fn interval(&self, state: &[f32], back: usize) -> f32 {
        let next = state[at::NEXT] as usize;
        let slot = if next > back { next - 1 - back } else { next + self.kept - 1 - back };
        state[at::REST + self.past() + self.weights() + slot]
    }

    /// Beats per minute: the mean of the intervals of the last seconds, those that end later weighing more, without
    /// those a quarter off their median. 0 while there are fewer than two.
    fn heart_rate(&self, state: &[f32], scratch: &mut [f32]) -> f32 {
        if state[at::STARTED] == 0.0 || state[at::SINCE] < 0.0 {
            return 0.0;
        }
        let count = state[at::COUNT] as usize;
        let since = state[at::SINCE] / self.rate;
        let (mut n, mut back, mut age) = (0, 0, since);
        while back < count && age <= self.rate_window {
            let interval = self.interval(state, back);
            if interval <= LONGEST_S {
                scratch[n] = interval;
                n += 1;
            }
            age += interval;
            back += 1;
        }
        if n < 2 {
            return 0.0;
        }
        sort(&mut scratch[..n]);
        let median = quantile(&scratch[..n], 2);
        let (mut sum, mut weights, mut age) = (0.0f32, 0.0f32, since);
        for k in 0..back {
            let interval = self.interval(state, k);
            let off = interval - median;
            if interval <= LONGEST_S && (if off < 0.0 { -off } else { off }) <= 0.25 * median {
                let left = self.rate_window - age;
                let weight = if left > 0.5 { left } else { 0.5 };
                sum += weight * interval;
                weights += weight;
            }
            age += interval;
        }
        if weights > 0.0 { 60.0 * weights / sum } else { 0.0 }
    }

    /// Variability of the last seconds. Intervals that are a quarter off the median of their neighbours are left out.
    fn vary(&self, state: &[f32], scratch: &mut [f32], out: &mut [f32]) {
        let (all, rest) = scratch.split_at_mut(self.kept);
        let (nn, rest) = rest.split_at_mut(self.kept);
        let (when, rest) = rest.split_at_mut(self.kept);
        let count = if state[at::STARTED] == 0.0 { 0 } else { state[at::COUNT] as usize };
        let (mut back, mut age) = (0, state[at::SINCE] / self.rate);
        while back < count && age <= self.variability_window {
            age += self.interval(state, back);
            back += 1;
        }
        // The first interval may begin before the window.
        for (i, v) in all[..back].iter_mut().enumerate() {
            *v = self.interval(state, back - 1 - i);
        }
        let (mut n, mut time) = (0, 0.0f32);
        for i in 0..back {
            let from = i.saturating_sub(NEIGHBOURS / 2);
            let to = if i + NEIGHBOURS / 2 + 1 < back { i + NEIGHBOURS / 2 + 1 } else { back };
            let mut near = [0.0f32; NEIGHBOURS];
            near[..to - from].copy_from_slice(&all[from..to]);
            sort(&mut near[..to - from]);
            let median = quantile(&near[..to - from], 2);
            let off = all[i] - median;
            time += all[i];
            if all[i] <= LONGEST_S && (if off < 0.0 { -off } else { off }) <= 0.25 * median {
                nn[n] = 1000.0 * all[i];
                when[n] = time;
                n += 1;
            }
        }
        let origin = if n > 0 { when[0] } else { 0.0 };
        for t in &mut when[..n] {
            *t -= origin;
        }
        let measures = time_domain(&nn[..n], all);
        match &self.variability {
            Variability::None => {}
            Variability::Rmssd => out[0] = measures[2],
            Variability::Time => out.copy_from_slice(&measures),
            Variability::All(plan) => {
                let (time, frequency) = out.split_at_mut(measures.len());
                time.copy_from_slice(&measures);
                frequency.copy_from_slice(&plan.measure(&when[..n], &nn[..n], rest));
            }
        }
    }
}
