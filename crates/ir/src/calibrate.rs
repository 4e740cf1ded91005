//! Ranges of activations from real inputs.

use crate::{
    graph::{Graph, GraphError, Quant, TensorId},
    interpret::Interpreter,
};
use std::collections::BTreeMap;

/// Smallest and largest value of each tensor that flows.
pub type Ranges = BTreeMap<TensorId, (f32, f32)>;

/// Watches a float graph at work.
pub struct Observer<'g> {
    graph: &'g Graph,
    interpreter: Interpreter<'g>,
    ranges: Ranges,
}

impl<'g> Observer<'g> {
    /// An observer that has seen nothing.
    ///
    /// # Errors
    /// [`GraphError`] when the graph is not valid.
    pub fn new(graph: &'g Graph) -> Result<Self, GraphError> {
        Ok(Self { graph, interpreter: Interpreter::new(graph)?, ranges: Ranges::new() })
    }

    /// Runs one input and widens the ranges.
    ///
    /// # Errors
    /// [`GraphError`] when the input does not fit.
    pub fn observe(&mut self, input: &[f32]) -> Result<(), GraphError> {
        self.interpreter.with_input(input)?;
        for (i, tensor) in self.graph.tensors.iter().enumerate() {
            if tensor.data.is_some() {
                continue;
            }
            let id = TensorId(i as u32);
            let values = self.interpreter.activation(id);
            let (low, high) = values
                .iter()
                .filter(|v| v.is_finite())
                .fold((f32::INFINITY, f32::NEG_INFINITY), |(l, h), &v| (l.min(v), h.max(v)));
            if low <= high {
                let range = self.ranges.entry(id).or_insert((low, high));
                *range = (range.0.min(low), range.1.max(high));
            }
        }
        Ok(())
    }

    /// What was seen.
    pub fn ranges(&self) -> Ranges {
        self.ranges.clone()
    }
}

/// Scale and zero point for a range, which is widened to contain 0.
pub fn activation_quant(low: f32, high: f32) -> Quant {
    let (low, high) = (f64::from(low.min(0.0)), f64::from(high.max(0.0)));
    let span = if high - low > 1e-9 { high - low } else { 1.0 };
    let scale = (span / 255.0) as f32;
    let zero = (-128.0 - low / f64::from(scale)).round().clamp(-128.0, 127.0) as i32;
    Quant { scale: vec![scale], zero_point: zero, axis: 0 }
}

/// How a range is chosen from what was seen.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub enum Method {
    /// From the smallest to the largest value.
    #[default]
    MinMax,
    /// So that this share of the values (in percent, 50..=100) lies between zero's side and each end.
    Percentile(f64),
    /// With the smallest mean squared error of the quantised values.
    Mse,
}

/// Bins of a histogram.
const BINS: usize = 2048;
/// Steps in which an end is tried for the smallest error, and the least share of the range that is tried.
const TRIES: usize = 40;
const LEAST: f64 = 0.2;

/// Ranges of every tensor that flows, from inputs in order (states carry over).
///
/// # Errors
/// [`GraphError`] when the graph is not valid or an input does not fit.
pub fn calibrate<'i>(
    graph: &Graph,
    inputs: impl Iterator<Item = &'i [f32]> + Clone,
    method: Method,
) -> Result<Ranges, GraphError> {
    Ok(calibrate_each(graph, inputs, &[method])?.remove(0))
}

/// [`calibrate`] by several methods at once, in two passes over the inputs at most.
///
/// # Errors
/// The same.
pub fn calibrate_each<'i>(
    graph: &Graph,
    inputs: impl Iterator<Item = &'i [f32]> + Clone,
    methods: &[Method],
) -> Result<Vec<Ranges>, GraphError> {
    let mut observer = Observer::new(graph)?;
    for input in inputs.clone() {
        observer.observe(input)?;
    }
    let whole = observer.ranges();
    let mut counts: BTreeMap<TensorId, Vec<u64>> = BTreeMap::new();
    if methods.iter().any(|m| *m != Method::MinMax) {
        counts = whole.keys().map(|&id| (id, vec![0; BINS])).collect();
        let mut interpreter = Interpreter::new(graph)?;
        for input in inputs {
            interpreter.with_input(input)?;
            for (&id, counts) in &mut counts {
                let (low, high) = whole[&id];
                let width = f64::from(high) - f64::from(low);
                let bins = if width > 0.0 { BINS as f64 / width } else { 0.0 };
                for v in interpreter.floats(id).iter().filter(|v| v.is_finite()) {
                    let at = (f64::from(*v) - f64::from(low)) * bins;
                    counts[(at as usize).min(BINS - 1)] += 1;
                }
            }
        }
    }
    let of = |method: &Method| -> Ranges {
        let range = |(&id, &range): (&TensorId, &(f32, f32))| {
            let chosen = match (method, counts.get(&id)) {
                (Method::Percentile(share), Some(counts)) => percentile(range, counts, *share),
                (Method::Mse, Some(counts)) => least_error(range, counts),
                _ => range,
            };
            (id, chosen)
        };
        whole.iter().map(range).collect()
    };
    Ok(methods.iter().map(of).collect())
}

/// Value at the middle of a bin.
fn middle(range: (f32, f32), bin: usize) -> f64 {
    let (low, high) = (f64::from(range.0), f64::from(range.1));
    low + (high - low) * (bin as f64 + 0.5) / BINS as f64
}

fn percentile(range: (f32, f32), counts: &[u64], share: f64) -> (f32, f32) {
    let all: u64 = counts.iter().sum();
    let cut = all as f64 * (1.0 - share.clamp(50.0, 100.0) / 100.0);
    let end = |bins: &mut dyn Iterator<Item = usize>| {
        let mut seen = 0.0;
        for bin in bins {
            seen += counts[bin] as f64;
            if seen > cut {
                return bin;
            }
        }
        0
    };
    let (low, high) = (end(&mut (0..BINS)), end(&mut (0..BINS).rev()));
    let width = (f64::from(range.1) - f64::from(range.0)) / BINS as f64;
    let edge = |bin: usize| (f64::from(range.0) + width * bin as f64) as f32;
    (edge(low).max(range.0), edge(high + 1).min(range.1))
}

fn least_error(range: (f32, f32), counts: &[u64]) -> (f32, f32) {
    let error = |low: f64, high: f64| -> f64 {
        let step = (high.max(0.0) - low.min(0.0)) / 255.0;
        let inside = step * step / 12.0;
        counts
            .iter()
            .enumerate()
            .filter(|(_, n)| **n > 0)
            .map(|(bin, &n)| {
                let v = middle(range, bin);
                let out = v - v.clamp(low.min(0.0), high.max(0.0));
                n as f64 * if out == 0.0 { inside } else { out * out }
            })
            .sum()
    };
    let mut best = (f64::from(range.0), f64::from(range.1));
    // One end after the other, twice.
    for _ in 0..2 {
        for lower in [true, false] {
            let end = f64::from(if lower { range.0 } else { range.1 });
            let tried = (0..=TRIES).map(|i| end * (1.0 - (1.0 - LEAST) * i as f64 / TRIES as f64));
            for value in tried {
                let candidate = if lower { (value, best.1) } else { (best.0, value) };
                if error(candidate.0, candidate.1) < error(best.0, best.1) {
                    best = candidate;
                }
            }
        }
    }
    (best.0 as f32, best.1 as f32)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Most values between -1 and 1, one far outside.
    fn outlier() -> ((f32, f32), Vec<u64>) {
        let range = (-1.0f32, 9.0f32);
        let mut counts = vec![0; BINS];
        for i in 0..20_000 {
            let v = (i % 2000) as f64 / 1000.0 - 1.0;
            counts[(((v + 1.0) / 10.0 * BINS as f64) as usize).min(BINS - 1)] += 1;
        }
        counts[BINS - 1] += 1;
        (range, counts)
    }

    #[test]
    fn a_far_value_does_not_stretch_the_range() {
        let (range, counts) = outlier();
        let (low, high) = percentile(range, &counts, 99.9);
        assert!((-1.01..=-0.98).contains(&low) && (0.98..=1.05).contains(&high), "{low} {high}");
        let (_, high) = least_error(range, &counts);
        assert!(high < 9.0 && high > 1.0, "{high}");
        // Nothing is cut when everything shall stay.
        assert_eq!(percentile(range, &counts, 100.0), range);
    }
}
