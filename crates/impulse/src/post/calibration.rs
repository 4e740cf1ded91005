//! Decisions from a stream of scores: average, threshold, suppression.

use std::collections::VecDeque;

/// How scores become decisions.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Settings {
    /// Number of labels.
    pub labels: usize,
    /// Time over which scores are averaged, ms.
    pub average_window_duration_ms: f32,
    /// Averaged score from which a label is reported; above 1 / labels.
    pub detection_threshold: f32,
    /// Silence after a report, ms.
    pub suppression_ms: f32,
    /// Bit per label: which can be reported and start the silence; 0 reports all and suppresses none.
    pub suppression_flags: u32,
    /// Samples from inference to inference.
    pub slice_size: f32,
    /// Time from sample to sample, ms.
    pub interval_ms: f32,
}

/// State from inference to inference.
#[derive(Clone, Debug)]
pub struct Calibration {
    settings: Settings,
    recent: VecDeque<Vec<f32>>,
    average: usize,
    suppressed: usize,
    counter: usize,
}

/// Longest history of scores that is kept.
const MOST: usize = 1 << 16;

impl Calibration {
    /// # Errors
    /// A sentence naming the setting that cannot work.
    pub fn new(settings: Settings) -> Result<Self, String> {
        let s = settings;
        if s.labels == 0 || s.labels > 32 {
            return Err(format!("`labels` is {}; it must be 1 to 32", s.labels));
        }
        let slice = s.slice_size * s.interval_ms;
        if !(slice > 0.0 && slice.is_finite()) {
            return Err(format!("a slice of `slice_size` * `interval_ms` = {slice} ms must be above 0"));
        }
        if s.detection_threshold.is_nan() || s.detection_threshold <= 1.0 / s.labels as f32 {
            return Err(format!(
                "`detection_threshold` is {}; it must be above 1 / labels = {}",
                s.detection_threshold,
                1.0 / s.labels as f32
            ));
        }
        let count = |ms: f32, least: usize| if ms < slice { least } else { (ms / slice) as usize };
        let (average, suppressed) = (count(s.average_window_duration_ms, 1), count(s.suppression_ms, 0));
        if average > MOST {
            return Err(format!(
                "`average_window_duration_ms` is {average} slices; at most {MOST} are averaged"
            ));
        }
        Ok(Self { settings, recent: VecDeque::new(), average, suppressed, counter: suppressed })
    }

    /// Takes the scores of one inference; the label to report, and the averaged scores.
    ///
    /// # Errors
    /// Another number of scores than labels.
    pub fn push(&mut self, scores: &[f32]) -> Result<(Option<usize>, Vec<f32>), String> {
        let s = &self.settings;
        if scores.len() != s.labels {
            return Err(format!("{} scores for {} labels", scores.len(), s.labels));
        }
        if self.recent.len() == self.average {
            self.recent.pop_front();
        }
        self.recent.push_back(scores.to_vec());
        let mut mean = vec![0.0f32; s.labels];
        for row in &self.recent {
            for (m, v) in mean.iter_mut().zip(row) {
                *m += v;
            }
        }
        for m in &mut mean {
            *m /= self.recent.len() as f32;
        }
        let flagged = |label: usize| s.suppression_flags >> label & 1 == 1;
        let (mut best, mut highest) = (None, 0.0f32);
        for (label, &m) in mean.iter().enumerate() {
            if (s.suppression_flags == 0 || flagged(label)) && m > highest {
                (best, highest) = (Some(label), m);
            }
        }
        let mut reported = None;
        if self.counter < self.suppressed {
            self.counter += 1;
        } else if let Some(label) = best.filter(|_| highest >= s.detection_threshold) {
            reported = Some(label);
            if flagged(label) {
                self.counter = 0;
            }
        }
        Ok((reported, mean))
    }
}
