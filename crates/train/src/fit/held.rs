//! Weights that training leaves as they were, or as equal as they were.

use crate::{Hold, unit::Unit};

/// Places of the weights of each unit that are held together.
pub(super) enum Held {
    Nothing,
    /// Those that are 0.
    Zeros(Vec<Vec<usize>>),
    /// Groups of those that are equal, and whether they are 0.
    Shared(Vec<Vec<(bool, Vec<usize>)>>),
}

impl Held {
    pub fn new(hold: Hold, units: &[Unit]) -> Self {
        match hold {
            Hold::Nothing => Self::Nothing,
            Hold::Zeros => Self::Zeros(
                units
                    .iter()
                    .map(|u| (0..u.weights.len()).filter(|i| u.weights[*i] == 0.0).collect())
                    .collect(),
            ),
            Hold::Shared => Self::Shared(units.iter().map(|u| groups(&u.weights)).collect()),
        }
    }

    /// Brings weights back after a step.
    pub fn apply(&self, units: &mut [Unit]) {
        match self {
            Self::Nothing => {}
            Self::Zeros(places) => {
                for (unit, places) in units.iter_mut().zip(places) {
                    places.iter().for_each(|i| unit.weights[*i] = 0.0);
                }
            }
            Self::Shared(groups) => {
                for (unit, groups) in units.iter_mut().zip(groups) {
                    for (zero, group) in groups {
                        if *zero {
                            group.iter().for_each(|i| unit.weights[*i] = 0.0);
                            continue;
                        }
                        let sum: f64 = group.iter().map(|i| f64::from(unit.weights[*i])).sum();
                        let mean = (sum / group.len() as f64) as f32;
                        group.iter().for_each(|i| unit.weights[*i] = mean);
                    }
                }
            }
        }
    }
}

/// Places of equal values, in the order of the values, and whether these are 0.
fn groups(values: &[f32]) -> Vec<(bool, Vec<usize>)> {
    let mut order: Vec<usize> = (0..values.len()).collect();
    order.sort_by(|a, b| values[*a].total_cmp(&values[*b]).then(a.cmp(b)));
    let alike = order.chunk_by(|a, b| values[*a] == values[*b]);
    alike.map(|g| (values[g[0]] == 0.0, g.to_vec())).filter(|(zero, g)| *zero || g.len() > 1).collect()
}
