//! Weights that pack better: those near 0 become 0, or all of a layer become a few values.

use crate::{
    Model, TrainError,
    unit::{Op, Unit},
};

/// Rounds of K-means.
const ROUNDS: usize = 100;

/// Whether a unit's weights are worth it: those of a depthwise layer are few and each counts, those of a normalisation are factors.
fn many(unit: &Unit) -> bool {
    matches!(unit.op, Op::Dense | Op::Conv(_) | Op::Recurrent(_))
}

impl Model {
    /// The model with a share of the weights of each dense, convolution and recurrent layer at 0, those that are nearest to it. What is
    /// left needs training with [`Hold::Zeros`](crate::Hold::Zeros).
    ///
    /// # Errors
    /// [`TrainError::Data`] when the share is not above 0 and below 1.
    pub fn sparsified(&self, share: f32) -> Result<Self, TrainError> {
        if !(share > 0.0 && share < 1.0) {
            return Err(TrainError::Data(format!(
                "`training.sparsify` is {share}; it must be at least 0 and below 1"
            )));
        }
        let mut model = self.clone();
        for unit in model.units.iter_mut().filter(|u| many(u)) {
            let weights = &mut unit.weights;
            let gone = (weights.len() as f64 * f64::from(share)).floor() as usize;
            let mut order: Vec<usize> = (0..weights.len()).collect();
            order.sort_by(|a, b| weights[*a].abs().total_cmp(&weights[*b].abs()).then(a.cmp(b)));
            order[..gone].iter().for_each(|i| weights[*i] = 0.0);
        }
        Ok(model)
    }

    /// The model whose dense, convolution and recurrent layers have at most so many different weights each, 0 among them where there are
    /// weights of 0: the values that K-means finds from evenly spaced ones. What is left needs training with
    /// [`Hold::Shared`](crate::Hold::Shared).
    ///
    /// # Errors
    /// [`TrainError::Data`] when `values` is not 2 to 256.
    pub fn clustered(&self, values: usize) -> Result<Self, TrainError> {
        if !(2..=256).contains(&values) {
            return Err(TrainError::Data(format!("`training.clusters` is {values}; it must be 2 to 256")));
        }
        let mut model = self.clone();
        for unit in model.units.iter_mut().filter(|u| many(u)) {
            let mut places: Vec<usize> =
                (0..unit.weights.len()).filter(|i| unit.weights[*i] != 0.0).collect();
            let own = if places.len() < unit.weights.len() { values - 1 } else { values };
            places.sort_by(|a, b| unit.weights[*a].total_cmp(&unit.weights[*b]).then(a.cmp(b)));
            let sorted: Vec<f64> = places.iter().map(|i| f64::from(unit.weights[*i])).collect();
            let mut from = 0;
            for (to, value) in cut(&sorted, own) {
                places[from..to].iter().for_each(|i| unit.weights[*i] = value);
                from = to;
            }
        }
        Ok(model)
    }
}

/// Cuts sorted values into at most `count` parts around centres. Returns where each ends and its mean.
fn cut(sorted: &[f64], count: usize) -> Vec<(usize, f32)> {
    let (Some(low), Some(high)) = (sorted.first(), sorted.last()) else { return Vec::new() };
    let place = |i: usize| low + (high - low) * (i as f64 + 0.5) / count as f64;
    let mut centres: Vec<f64> = (0..count).map(place).collect();
    let mut parts: Vec<(usize, f32)> = Vec::new();
    for _ in 0..ROUNDS {
        parts.clear();
        let mut from = 0;
        let mut next = Vec::with_capacity(centres.len());
        for (i, own) in centres.iter().enumerate() {
            // Up to the middle between two centres.
            let to =
                centres.get(i + 1).map_or(sorted.len(), |c| sorted.partition_point(|v| *v < (own + c) / 2.0));
            if to > from {
                let mean = sorted[from..to].iter().sum::<f64>() / (to - from) as f64;
                parts.push((to, mean as f32));
                next.push(mean);
                from = to;
            }
        }
        if next == centres {
            break;
        }
        centres = next;
    }
    parts
}

#[cfg(test)]
mod tests {
    use super::cut;
    use crate::{Head, Layer, Model, Network, data::Normaliser, network, unit::Op};

    fn model() -> Model {
        let layers: Vec<Layer> = serde_json::from_str(
            r#"[{"type":"conv2d","filters":6,"kernel":[3,3]},{"type":"batch_norm"},{"type":"depthwise_conv","kernel":[3,3]},
                {"type":"flatten"},{"type":"dense","units":5}]"#,
        )
        .expect("layers");
        let network = Network { input: vec![8, 6], layers, head: Head::Softmax { classes: 3 } };
        let built = network::build(&network, 4).expect("a network");
        let normaliser = Normaliser { mean: vec![0.5; 6], scale: vec![1.5; 6] };
        Model { network, input: built.input, units: built.units, normaliser, centre: 0.0, spread: 1.0 }
    }

    fn different(values: &[f32]) -> usize {
        let mut bits: Vec<u32> = values.iter().map(|v| v.to_bits()).collect();
        bits.sort_unstable();
        bits.dedup();
        bits.len()
    }

    #[test]
    fn the_smallest_weights_go_and_the_others_stay() {
        let before = model();
        let after = before.sparsified(0.6).expect("sparse");
        for (b, a) in before.units.iter().zip(&after.units) {
            if matches!(b.op, Op::Depthwise(_)) {
                assert_eq!(a, b);
                continue;
            }
            let zeros = a.weights.iter().filter(|w| **w == 0.0).count();
            assert_eq!(zeros, (b.weights.len() as f64 * 0.6f32 as f64).floor() as usize, "{}", b.name);
            let lost = b.weights.iter().zip(&a.weights).filter(|(_, a)| **a == 0.0);
            let largest = lost.map(|(b, _)| b.abs()).fold(0.0, f32::max);
            let left = a.weights.iter().filter(|w| **w != 0.0).map(|w| w.abs()).fold(f32::MAX, f32::min);
            assert!(b.weights.is_empty() || largest <= left, "{}: {largest} went, {left} stayed", b.name);
            assert_eq!((&a.bias, &a.norm), (&b.bias, &b.norm));
        }
        assert!(before.sparsified(1.0).unwrap_err().to_string().contains("training.sparsify"));
    }

    #[test]
    fn a_layer_is_left_with_a_few_values_near_its_weights() {
        let before = model();
        for (start, zero) in [(before.clone(), false), (before.sparsified(0.5).expect("sparse"), true)] {
            let after = start.clustered(8).expect("clustered");
            for (b, a) in start.units.iter().zip(&after.units).filter(|(b, _)| super::many(b)) {
                assert!(different(&a.weights) <= 8, "{}: {}", a.name, different(&a.weights));
                assert!(different(&a.weights) >= 4 || b.weights.len() < 16, "{}", a.name);
                assert!(b.weights.iter().zip(&a.weights).all(|(b, a)| !zero || (*b == 0.0) == (*a == 0.0)));
                let size = |v: &mut dyn Iterator<Item = f32>| v.map(|w| f64::from(w).powi(2)).sum::<f64>();
                let error = size(&mut b.weights.iter().zip(&a.weights).map(|(b, a)| b - a));
                assert!(error < 0.05 * size(&mut b.weights.iter().copied()), "{}: {error}", a.name);
            }
        }
        assert!(before.clustered(1).unwrap_err().to_string().contains("training.clusters"));
    }

    #[test]
    fn parts_are_around_their_means() {
        let values = [-1.1, -1.0, -0.9, 2.0, 2.1, 2.2, 5.0];
        let parts = cut(&values, 3);
        assert_eq!(parts, [(3, -1.0), (6, 2.1), (7, 5.0)]);
        // More parts than values.
        assert_eq!(cut(&[1.0, 2.0], 9), [(1, 1.0), (2, 2.0)]);
        assert!(cut(&[], 3).is_empty());
    }
}
