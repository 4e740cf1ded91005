//! What is minimised, and the sums that make loss and metric.

use crate::{Head, Loss, Network, Settings, Targets, TrainError, loss};

/// What is minimised.
pub(crate) struct Objective {
    /// Weight of each class.
    weights: Vec<f32>,
    loss: Loss,
    /// Mean of a regression's targets.
    pub centre: f32,
    /// Their deviation.
    pub spread: f32,
}

impl Objective {
    pub fn new(network: &Network, targets: &Targets<'_>, settings: &Settings) -> Result<Self, TrainError> {
        let fits = match settings.loss {
            Loss::Usual => true,
            Loss::Focal { gamma } => {
                matches!(network.head, Head::Softmax { .. }) && (0.0..=10.0).contains(&gamma)
            }
            Loss::Huber { delta } => {
                matches!(network.head, Head::Linear { .. }) && delta > 0.0 && delta.is_finite()
            }
            Loss::Quantile { quantile } => {
                matches!(network.head, Head::Linear { .. }) && quantile > 0.0 && quantile < 1.0
            }
        };
        if !fits {
            return Err(TrainError::Data(format!(
                "`training.loss` is {:?}, which does not fit: `focal` is for classes with gamma in 0..=10, `huber` for numbers with delta above 0, `quantile` for numbers with a share between 0 and 1",
                settings.loss
            )));
        }
        let mut objective = Self { weights: Vec::new(), loss: settings.loss, centre: 0.0, spread: 1.0 };
        match (network.head, targets) {
            (Head::Softmax { classes }, Targets::Classes { of, .. }) => {
                let mut counts = vec![0usize; classes];
                of.iter().for_each(|c| counts[*c as usize] += 1);
                let present = counts.iter().filter(|n| **n > 0).count().max(1) as f32;
                objective.weights = counts
                    .iter()
                    .map(|n| match *n {
                        n if n > 0 && settings.balance_classes => of.len() as f32 / (present * n as f32),
                        _ => 1.0,
                    })
                    .collect();
            }
            (_, Targets::Values(v)) => {
                let n = v.len() as f64;
                let mean = v.iter().map(|v| f64::from(*v)).sum::<f64>() / n;
                let var = v.iter().map(|v| (f64::from(*v) - mean).powi(2)).sum::<f64>() / n;
                objective.centre = mean as f32;
                objective.spread = if var > 1e-12 { var.sqrt() as f32 } else { 1.0 };
            }
            _ => {}
        }
        Ok(objective)
    }
}

/// Sums over rows that make loss and metric.
#[derive(Default)]
pub(crate) struct Tally {
    loss: f64,
    right: f64,
    rows: usize,
    error: f64,
    s1: f64,
    s2: f64,
}

impl Tally {
    /// Sum over the rows.
    pub fn loss_sum(&self) -> f64 {
        self.loss
    }
    pub fn loss(&self) -> f64 {
        self.loss / self.rows.max(1) as f64
    }
    pub fn metric(&self, targets: &Targets<'_>) -> f64 {
        let n = self.rows.max(1) as f64;
        match targets {
            Targets::Classes { .. } => self.right / n,
            Targets::Values(_) => {
                let spread = self.s2 - self.s1 * self.s1 / n;
                if spread > 0.0 { 1.0 - self.error / spread } else { 0.0 }
            }
        }
    }
}

/// Loss of one row into the tally; its gradient in place of the output.
pub(crate) fn judge(
    y: &mut [f32],
    row: usize,
    targets: &Targets<'_>,
    objective: &Objective,
    smoothing: f32,
    tally: &mut Tally,
) {
    tally.rows += 1;
    match targets {
        Targets::Classes { of, .. } => {
            let class = of[row] as usize;
            let best = (1..y.len()).fold(0, |b, i| if y[i] > y[b] { i } else { b });
            tally.right += f64::from(u8::from(best == class));
            let weight = objective.weights[class];
            tally.loss += match objective.loss {
                Loss::Focal { gamma } => loss::focal(y, class, weight, gamma),
                _ => loss::cross_entropy(y, class, weight, smoothing),
            };
        }
        Targets::Values(v) => {
            let target = (v[row] - objective.centre) / objective.spread;
            tally.s1 += f64::from(target);
            tally.s2 += f64::from(target).powi(2);
            tally.error += f64::from(y[0] - target).powi(2);
            tally.loss += loss::error(objective.loss, &mut y[0], target);
        }
    }
}
