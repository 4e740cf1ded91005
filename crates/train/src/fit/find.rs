//! A sweep that finds a step size: each step of it is longer than the one before, until the loss leaves all bounds (Smith, 2017).

use super::{Moments, Tally, Trainer};
use crate::{Flow, TrainError};
use serde::{Deserialize, Serialize};

/// A step of a sweep.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Tried {
    /// Its size.
    pub rate: f64,
    /// Mean loss of its rows before it was taken.
    pub loss: f64,
    /// Running mean of the losses so far.
    pub smooth: f64,
}

/// What a sweep found.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Found {
    /// All steps, the smallest first.
    pub tried: Vec<Tried>,
    /// The middle of the longest fall of the smoothed loss: the size to train with. `None` when no step made the loss a tenth smaller.
    pub valley: Option<f64>,
    /// The size at which the smoothed loss falls fastest. `None` as above.
    pub steepest: Option<f64>,
}

/// Steps in which the size grows tenfold.
const PER_DECADE: usize = 20;
/// `10^(1/20)`: written down, so that every machine takes the same steps.
const GROWTH: f64 = 1.122_018_454_301_963_3;
const DECADES: usize = 7;
/// Weight of the past in the running mean of losses.
const PAST: f64 = 0.9;
/// A smoothed loss so many times the smallest ends the sweep.
const BEYOND: f64 = 4.0;
/// By this factor the smoothed loss must fall below the first for a size to be suggested.
const FALL: f64 = 0.9;
/// Steps on each side over which the slope is taken.
const REACH: usize = 3;

impl Found {
    /// Size of the first step.
    pub const FIRST: f64 = 1e-6;
    /// Steps of a sweep, at most: up to a size of 10.
    pub const STEPS: usize = DECADES * PER_DECADE + 1;

    /// Reads the curve.
    fn new(tried: Vec<Tried>) -> Self {
        let none = Self { tried: Vec::new(), valley: None, steepest: None };
        let smooth: Vec<f64> = tried.iter().map(|t| t.smooth).collect();
        let lowest = (0..smooth.len()).min_by(|a, b| smooth[*a].total_cmp(&smooth[*b]).then(a.cmp(b)));
        let Some(lowest) = lowest.filter(|l| smooth[*l] < FALL * smooth[0]) else {
            return Self { tried, ..none };
        };
        let (first, last) = longest_fall(&smooth);
        let valley = tried[(first + last) / 2].rate;
        // Slope over the logarithm of the size, of which all steps are equal parts.
        let slope = |i: usize| {
            let (a, b) = (i.saturating_sub(REACH), (i + REACH).min(smooth.len() - 1));
            (smooth[b] - smooth[a]) / (b - a).max(1) as f64
        };
        let steepest = (0..=lowest).min_by(|a, b| slope(*a).total_cmp(&slope(*b)).then(a.cmp(b)));
        let steepest = steepest.map(|i| tried[i].rate);
        Self { valley: Some(valley), steepest, tried }
    }
}

/// Where the longest sequence of values that only fall ends, not all of them neighbours, and as many places before that as it is long: it
/// may begin far away, on a level that is noise. The first of equals.
fn longest_fall(values: &[f64]) -> (usize, usize) {
    // Of each place: length of the longest fall that ends there.
    let mut lengths: Vec<usize> = Vec::with_capacity(values.len());
    for (i, v) in values.iter().enumerate() {
        let before = (0..i).filter(|j| values[*j] > *v).map(|j| lengths[j]).max();
        lengths.push(before.unwrap_or(0) + 1);
    }
    let last = (0..lengths.len()).max_by(|a, b| lengths[*a].cmp(&lengths[*b]).then(b.cmp(a))).unwrap_or(0);
    lengths.get(last).map_or((0, 0), |length| (last + 1 - length, last))
}

impl Trainer<'_> {
    /// Takes longer and longer steps, through as many epochs as they need.
    pub(super) fn sweep(
        &mut self,
        observer: &mut (dyn FnMut(usize) -> Flow + Send),
    ) -> Result<Found, TrainError> {
        let mut moments: Vec<Moments> = self.engine.units.iter().map(Moments::new).collect();
        let mut tried: Vec<Tried> = Vec::new();
        let (mut rate, mut mean, mut weight, mut least) = (Found::FIRST, 0.0, 0.0, f64::MAX);
        let mut epoch = 0;
        'sweep: loop {
            epoch += 1;
            let order = self.order(epoch);
            for rows in order.chunks(self.settings.batch_size) {
                if tried.len() == Found::STEPS {
                    break 'sweep;
                }
                let learned = self.learn(rows, epoch, rate as f32, &mut moments, &mut Tally::default());
                let loss = match learned {
                    Ok((loss, _)) => loss,
                    Err(TrainError::Diverged { .. }) => break 'sweep,
                    Err(e) => return Err(e),
                };
                // Divided by the weight of what it holds, the mean begins at the first loss and not at 0.
                mean = PAST * mean + (1.0 - PAST) * loss;
                weight = PAST * weight + (1.0 - PAST);
                let smooth = mean / weight;
                tried.push(Tried { rate, loss, smooth });
                least = least.min(smooth);
                if smooth > BEYOND * least {
                    break 'sweep;
                }
                if observer(tried.len()) == Flow::Stop {
                    return Err(TrainError::Stopped);
                }
                rate *= GROWTH;
            }
        }
        Ok(Found::new(tried))
    }
}

#[cfg(test)]
mod tests {
    use super::{Found, GROWTH, PER_DECADE, Tried, longest_fall};

    fn curve(losses: &[f64]) -> Vec<Tried> {
        let mut rate = Found::FIRST / GROWTH;
        let each = losses.iter().map(|l| {
            rate *= GROWTH;
            Tried { rate, loss: *l, smooth: *l }
        });
        each.collect()
    }

    #[test]
    fn twenty_steps_are_a_decade() {
        let ten = (0..PER_DECADE).fold(1.0, |r, _| r * GROWTH);
        assert!((ten - 10.0f64).abs() < 1e-12, "{ten}");
    }

    #[test]
    fn the_longest_fall_is_found_through_bumps() {
        // 5, 4, 3, 2, 1.9: five values.
        assert_eq!(longest_fall(&[5.0, 5.0, 4.0, 4.5, 3.0, 2.0, 9.0, 1.9]), (3, 7));
        assert_eq!(longest_fall(&[1.0, 2.0, 3.0]), (0, 0));
        assert_eq!(longest_fall(&[]), (0, 0));
    }

    #[test]
    fn the_middle_of_the_fall_and_its_steepest_place_are_told() {
        // Level for 20 steps, then a fall that is fastest at 32, a floor, a rise.
        let mut losses = vec![1.0; 20];
        for i in 0..20 {
            let t = f64::from(i) / 10.0 - 1.2;
            losses.push(0.6 - 0.4 * t / (1.0 + t.abs()) / 0.6);
        }
        losses.extend((0..10).map(|i| 0.9 + 0.4 * f64::from(i)));
        let found = Found::new(curve(&losses));
        let at = |rate: Option<f64>| {
            let rate = rate.expect("a suggestion");
            found.tried.iter().position(|t| t.rate == rate).expect("one of those tried")
        };
        assert!((28..=30).contains(&at(found.valley)), "{}", at(found.valley));
        assert!((31..=33).contains(&at(found.steepest)), "{}", at(found.steepest));
    }

    #[test]
    fn nothing_is_suggested_where_nothing_falls() {
        let found = Found::new(curve(&[1.0, 0.99, 1.01, 0.95, 1.2, 3.0]));
        assert_eq!((found.valley, found.steepest), (None, None));
        assert_eq!(Found::new(Vec::new()).tried.len(), 0);
    }
}
