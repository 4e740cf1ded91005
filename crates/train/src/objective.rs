//! What is minimised, and the sums that make loss and metric.

use crate::{Head, Loss, Mark, Network, Settings, Targets, TrainError, loss};

/// What is minimised.
pub(crate) struct Objective {
    /// Weight of each class.
    weights: Vec<f32>,
    /// Rows and columns of the cells of a picture.
    grid: [usize; 2],
    loss: Loss,
    /// Mean of a regression's targets.
    pub centre: f32,
    /// Their deviation.
    pub spread: f32,
}

impl Objective {
    /// `grid`: rows and columns of the network's output.
    pub fn new(
        network: &Network,
        grid: [usize; 2],
        targets: &Targets<'_>,
        settings: &Settings,
    ) -> Result<Self, TrainError> {
        let fits = match settings.loss {
            Loss::Usual => true,
            Loss::Focal { gamma } => {
                matches!(network.head, Head::Softmax { .. } | Head::Cells { .. })
                    && (0.0..=10.0).contains(&gamma)
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
        let mut objective = Self { weights: Vec::new(), grid, loss: settings.loss, centre: 0.0, spread: 1.0 };
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
            (Head::Cells { .. }, Targets::Objects { of, labels, weight }) => {
                // All weights of a usual picture sum to 1, so that the loss of one is what it is for a row of one class.
                let objects = of.iter().map(Vec::len).sum::<usize>() as f32 / of.len().max(1) as f32;
                let share = 1.0 / ((grid[0] * grid[1]) as f32 + objects * weight);
                objective.weights = vec![share];
                objective.weights.resize(labels + 1, share * weight);
            }
            _ => {}
        }
        Ok(objective)
    }
}

/// Classes of which each epoch counts who was taken for whom, at most: more would make the record of a long training large.
const CONFUSED_CLASSES: usize = 32;

/// Sums over rows that make loss and metric.
#[derive(Default)]
pub(crate) struct Tally {
    loss: f64,
    /// Of the row judged last.
    last: f64,
    right: f64,
    rows: usize,
    error: f64,
    /// Of a regression's targets: sum and sum of squares. Of cells: how many hold an object, how many are said to.
    s1: f64,
    s2: f64,
    /// Of classes, when they are counted: rows that are one, by what was said.
    confusion: Vec<Vec<u32>>,
}

impl Tally {
    /// A tally that also counts which class was taken for which, when there are not too many.
    pub fn watching(targets: &Targets<'_>) -> Self {
        let confusion = match targets {
            Targets::Classes { count, .. } if *count <= CONFUSED_CLASSES => vec![vec![0; *count]; *count],
            _ => Vec::new(),
        };
        Self { confusion, ..Self::default() }
    }
    /// Rows: what is; columns: what was said. Empty when it was not counted.
    pub fn confusion(&self) -> &[Vec<u32>] {
        &self.confusion
    }
    /// Sum over the rows.
    pub fn loss_sum(&self) -> f64 {
        self.loss
    }
    /// Gives a share of the last row's loss to another loss of that row.
    fn soften(&mut self, share: f64, loss: f64) {
        let more = share * (loss - self.last);
        (self.loss, self.last) = (self.loss + more, self.last + more);
    }
    /// Makes the loss of the last row count by a weight.
    pub fn weigh(&mut self, weight: f32) {
        let more = (f64::from(weight) - 1.0) * self.last;
        (self.loss, self.last) = (self.loss + more, self.last + more);
    }
    pub fn loss(&self) -> f64 {
        self.loss / self.rows.max(1) as f64
    }
    pub fn metric(&self, targets: &Targets<'_>) -> f64 {
        let n = self.rows.max(1) as f64;
        match targets {
            Targets::Classes { .. } => self.right / n,
            // F1 of the cells with an object.
            Targets::Objects { .. } => 2.0 * self.right / (self.s1 + self.s2).max(1.0),
            Targets::Values(_) => {
                let spread = self.s2 - self.s1 * self.s1 / n;
                if spread > 0.0 { 1.0 - self.error / spread } else { 0.0 }
            }
        }
    }
}

/// Class of each cell: that of the last object whose centre lies in it, else 0. `moved` says where a centre is in the picture.
fn cells(marks: &[Mark], [rows, columns]: [usize; 2], moved: &dyn Fn([f32; 2]) -> [f32; 2]) -> Vec<usize> {
    let mut out = vec![0; rows * columns];
    for mark in marks {
        let [y, x] = moved([mark.y, mark.x]);
        if (0.0..1.0).contains(&y) && (0.0..1.0).contains(&x) {
            let (row, column) = ((y * rows as f32) as usize, (x * columns as f32) as usize);
            out[row.min(rows - 1) * columns + column.min(columns - 1)] = mark.label as usize + 1;
        }
    }
    out
}

/// Loss of one row into the tally; its gradient in place of the output. `moved` says where a point of the picture, in shares of
/// height and width, was moved to.
pub(crate) fn judge(
    y: &mut [f32],
    row: usize,
    targets: &Targets<'_>,
    objective: &Objective,
    smoothing: f32,
    moved: &dyn Fn([f32; 2]) -> [f32; 2],
    tally: &mut Tally,
) {
    tally.rows += 1;
    let before = tally.loss;
    match targets {
        Targets::Classes { of, .. } => {
            let class = of[row] as usize;
            let best = (1..y.len()).fold(0, |b, i| if y[i] > y[b] { i } else { b });
            tally.right += f64::from(u8::from(best == class));
            if let Some(said) = tally.confusion.get_mut(class) {
                said[best] += 1;
            }
            let weight = objective.weights[class];
            tally.loss += match objective.loss {
                Loss::Focal { gamma } => loss::focal(y, class, weight, gamma),
                _ => loss::cross_entropy(y, class, weight, smoothing),
            };
        }
        Targets::Objects { of, labels, .. } => {
            let truth = cells(&of[row], objective.grid, moved);
            for (y, class) in y.chunks_exact_mut(labels + 1).zip(truth) {
                let best = (1..y.len()).fold(0, |b, i| if y[i] > y[b] { i } else { b });
                tally.right += f64::from(u8::from(class > 0 && best == class));
                tally.s1 += f64::from(u8::from(class > 0));
                tally.s2 += f64::from(u8::from(best > 0));
                let weight = objective.weights[class];
                tally.loss += match objective.loss {
                    Loss::Focal { gamma } => loss::focal(y, class, weight, gamma),
                    _ => loss::cross_entropy(y, class, weight, smoothing),
                };
            }
        }
        Targets::Values(v) => {
            let target = (v[row] - objective.centre) / objective.spread;
            tally.s1 += f64::from(target);
            tally.s2 += f64::from(target).powi(2);
            tally.error += f64::from(y[0] - target).powi(2);
            tally.loss += loss::error(objective.loss, &mut y[0], target);
        }
    }
    tally.last = tally.loss - before;
}

/// Mixes the loss of a row against the targets of another into loss and gradient of that row, which was judged: `y` holds the gradient,
/// `other` what judging the same outputs against the other targets left, with its loss.
pub(crate) fn mix(y: &mut [f32], other: &[f32], loss: f64, share: f32, tally: &mut Tally) {
    for (y, other) in y.iter_mut().zip(other) {
        *y = (1.0 - share) * *y + share * other;
    }
    tally.soften(f64::from(share), loss);
}

/// How a teacher is listened to.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Lesson {
    /// At least 1.
    pub temperature: f32,
    /// 0..1.
    pub share: f32,
}

/// Mixes a teacher's outputs into loss and gradient of one row that was judged: `y` holds the gradient, `own` the outputs.
pub(crate) fn soften(
    y: &mut [f32],
    own: &[f32],
    teacher: &[f32],
    targets: &Targets<'_>,
    objective: &Objective,
    Lesson { temperature, share }: Lesson,
    tally: &mut Tally,
) {
    y.iter_mut().for_each(|d| *d *= 1.0 - share);
    let soft = match targets {
        Targets::Values(_) => {
            let d = own[0] - teacher[0];
            y[0] += share * 2.0 * d;
            f64::from(d).powi(2)
        }
        Targets::Classes { .. } => loss::distil(y, own, teacher, temperature, share),
        Targets::Objects { labels, .. } => {
            let weight = objective.weights[0];
            let cells = own.chunks_exact(labels + 1).zip(teacher.chunks_exact(labels + 1));
            let each = y.chunks_exact_mut(labels + 1).zip(cells);
            each.map(|(y, (own, t))| f64::from(weight) * loss::distil(y, own, t, temperature, share * weight))
                .sum()
        }
    };
    tally.soften(f64::from(share), soft);
}

/// Scores of one row, as a graph gives them, into the tally; its loss stays as it is.
pub(crate) fn judge_scores(
    y: &[f32],
    row: usize,
    targets: &Targets<'_>,
    grid: [usize; 2],
    tally: &mut Tally,
) {
    tally.rows += 1;
    let best = |y: &[f32]| (1..y.len()).fold(0, |b, i| if y[i] > y[b] { i } else { b });
    match targets {
        Targets::Classes { of, .. } => tally.right += f64::from(u8::from(best(y) == of[row] as usize)),
        Targets::Objects { of, labels, .. } => {
            for (y, class) in y.chunks_exact(labels + 1).zip(cells(&of[row], grid, &|p| p)) {
                let best = best(y);
                tally.right += f64::from(u8::from(class > 0 && best == class));
                tally.s1 += f64::from(u8::from(class > 0));
                tally.s2 += f64::from(u8::from(best > 0));
            }
        }
        Targets::Values(v) => {
            tally.s1 += f64::from(v[row]);
            tally.s2 += f64::from(v[row]).powi(2);
            tally.error += f64::from(y[0] - v[row]).powi(2);
        }
    }
}
