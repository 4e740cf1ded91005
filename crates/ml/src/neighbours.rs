//! Classes by the nearest of some kept rows.
//!
//! # Source
//! Rows that their neighbours contradict are left out first: Wilson, "Asymptotic properties of nearest neighbor rules using edited data"
//! (1972). Of the rest, rows are kept until the nearest kept row of each has its class: Hart, "The condensed nearest neighbor rule"
//! (1968); in the order of Angiulli, "Fast condensed nearest neighbor rule" (2005): where most rows are still wrong, the middle of these.
//! Then as many more as may be kept, always the row that is nearest to another class for how far its own is: with just the rows that
//! Hart's rule needs, others of the same kind are right less often.

use crate::{
    FitError,
    error::check_rows,
    forest::Targets,
    kmeans::{moments, squared, varies},
};
use edgewright_ir::{DType, Data, Graph, Node, Op, Tensor, TensorId};

/// Work of the comparison of all rows with each other, at most, in values: of more rows an even choice is learned from.
const WORK: usize = 1 << 31;
/// A label that no kept row has lies as far away as a score goes.
const FAR: f32 = 1000.0;

/// How to fit.
#[derive(Clone, Debug, PartialEq)]
pub struct Spec {
    /// Neighbours that must not contradict a row, odd; 0 leaves no row out.
    pub neighbours: usize,
    /// Rows that are kept; one of each class at least. Fewer when there are fewer different rows.
    pub prototypes: usize,
}

impl Default for Spec {
    fn default() -> Self {
        Self { neighbours: 3, prototypes: 64 }
    }
}

/// Kept rows.
#[derive(Clone, Debug, PartialEq)]
pub struct Neighbours {
    /// Columns that vary.
    pub axes: Vec<usize>,
    width: usize,
    mean: Vec<f32>,
    scale: Vec<f32>,
    /// Rows of each class, standardised, one behind the other.
    kept: Vec<Vec<f32>>,
    /// Rows that were learned from, and how many of them were left out because their neighbours have another class.
    pub rows: (usize, usize),
    /// Of the rest, how many have a nearest kept row of their class.
    pub right: usize,
}

/// Fits `count` classes to row-major rows.
///
/// # Errors
/// [`FitError`].
pub fn fit(
    values: &[f32],
    width: usize,
    classes: &[u32],
    count: usize,
    spec: &Spec,
) -> Result<Neighbours, FitError> {
    let all = check_rows(values, width)?;
    Targets::Classes(classes, count).check(all)?;
    if spec.prototypes < count {
        let possible = "at least one for each label is possible";
        return Err(FitError::Setting { name: "prototypes", value: spec.prototypes.to_string(), possible });
    }
    if spec.neighbours > 0 && spec.neighbours.is_multiple_of(2) {
        let possible = "an odd number is possible, or 0 to leave nothing out";
        return Err(FitError::Setting { name: "neighbours", value: spec.neighbours.to_string(), possible });
    }
    let axes: Vec<usize> = (0..width).filter(|&a| varies(values, width, a)).collect();
    if axes.is_empty() {
        return Err(FitError::Constant);
    }
    let (mean, scale): (Vec<f32>, Vec<f32>) = axes
        .iter()
        .map(|&a| {
            let (m, deviation) = moments(values, width, a);
            (m as f32, (1.0 / deviation) as f32)
        })
        .unzip();
    let n = axes.len();
    let most = ((WORK / n) as f64).sqrt() as usize;
    let step = all.div_ceil(most).max(1);
    let picked: Vec<usize> = (0..all).step_by(step).collect();
    let point = |r: usize| -> Vec<f32> {
        let row = &values[r * width..(r + 1) * width];
        axes.iter().enumerate().map(|(i, &a)| (row[a] - mean[i]) * scale[i]).collect()
    };
    let mut points: Vec<Vec<f32>> = picked.iter().map(|&r| point(r)).collect();
    let mut of: Vec<usize> = picked.iter().map(|&r| classes[r] as usize).collect();
    let left_out = contradicted(&points, &of, count, spec.neighbours);
    let rows = (points.len(), left_out.iter().filter(|l| **l).count());
    let keep = |i: &usize| !left_out[*i];
    (points, of) = (0..points.len()).filter(keep).map(|i| (std::mem::take(&mut points[i]), of[i])).unzip();
    let (chosen, right) = condense(&points, &of, count, spec.prototypes);
    let mut kept = vec![Vec::new(); count];
    for i in chosen {
        kept[of[i]].extend_from_slice(&points[i]);
    }
    Ok(Neighbours { axes, width, mean, scale, kept, rows, right })
}

/// Which rows most of their nearest `k` others contradict; of a class all of whose rows would go, none.
fn contradicted(points: &[Vec<f32>], of: &[usize], count: usize, k: usize) -> Vec<bool> {
    let mut out = vec![false; points.len()];
    if k == 0 || points.len() <= k {
        return out;
    }
    for (i, p) in points.iter().enumerate() {
        // The nearest so far, farthest last; the earlier of equals.
        let mut near: Vec<(f32, usize)> = Vec::with_capacity(k + 1);
        for (j, q) in points.iter().enumerate() {
            let d = squared(p, q);
            if j == i || (near.len() == k && d >= near[k - 1].0) {
                continue;
            }
            let at = near.partition_point(|(other, _)| *other <= d);
            near.insert(at, (d, of[j]));
            near.truncate(k);
        }
        let mut votes = vec![0usize; count];
        near.iter().for_each(|(_, c)| votes[*c] += 1);
        // Own neighbours win a draw.
        out[i] = (0..count).any(|c| votes[c] > votes[of[i]]);
    }
    for c in 0..count {
        if of.iter().zip(&out).filter(|(class, _)| **class == c).all(|(_, left)| *left) {
            of.iter().zip(&mut out).filter(|(class, _)| **class == c).for_each(|(_, left)| *left = false);
        }
    }
    out
}

/// The row nearest to the mean of some.
fn middle(points: &[Vec<f32>], some: &[usize]) -> usize {
    let mut mean = vec![0.0f32; points[some[0]].len()];
    for &i in some {
        mean.iter_mut().zip(&points[i]).for_each(|(m, v)| *m += v / some.len() as f32);
    }
    let mut best = (some[0], f32::INFINITY);
    for &i in some {
        let d = squared(&points[i], &mean);
        if d < best.1 {
            best = (i, d);
        }
    }
    best.0
}

/// Rows to keep, at most `most`, and how many rows have a nearest kept row of their class.
fn condense(points: &[Vec<f32>], of: &[usize], count: usize, most: usize) -> (Vec<usize>, usize) {
    let of_class = |c: usize| (0..of.len()).filter(|i| of[*i] == c).collect::<Vec<_>>();
    let mut kept: Vec<usize> =
        (0..count).map(of_class).filter(|own| !own.is_empty()).map(|own| middle(points, &own)).collect();
    // Of each row the nearest kept row, by place in `kept`, and the squared distances to the nearest of its class and of the others.
    let mut nearest = vec![(0usize, f32::INFINITY); points.len()];
    let mut own = vec![f32::INFINITY; points.len()];
    let mut other = own.clone();
    let mut seen = 0;
    loop {
        for (place, &k) in kept.iter().enumerate().skip(seen) {
            for (i, p) in points.iter().enumerate() {
                let d = squared(p, &points[k]);
                if d < nearest[i].1 {
                    nearest[i] = (place, d);
                }
                let side = if of[k] == of[i] { &mut own[i] } else { &mut other[i] };
                *side = side.min(d);
            }
        }
        seen = kept.len();
        // Wrong rows by the kept row that claims them, and their class.
        let mut wrong = vec![0usize; seen * count];
        let is_wrong = |i: usize| of[kept[nearest[i].0]] != of[i];
        for i in (0..points.len()).filter(|&i| is_wrong(i)) {
            wrong[nearest[i].0 * count + of[i]] += 1;
        }
        let all: usize = wrong.iter().sum();
        if seen >= most {
            return (kept, points.len() - all);
        }
        let place = (0..wrong.len()).fold(0, |best, at| if wrong[at] > wrong[best] { at } else { best });
        let claimed: Vec<usize> = (0..points.len())
            .filter(|&i| {
                nearest[i].0 == place / count && of[i] == place % count && is_wrong(i) && own[i] > 0.0
            })
            .collect();
        let next = if claimed.is_empty() {
            // None is wrong, or those that are have equals of another class: the row whose own class is farthest for how near another is.
            let mut least = (None, 0.0f32);
            for i in (0..points.len()).filter(|&i| own[i] > 0.0) {
                let ratio = own[i] / other[i].max(1e-12);
                if least.0.is_none() || ratio > least.1 {
                    least = (Some(i), ratio);
                }
            }
            least.0
        } else {
            Some(middle(points, &claimed))
        };
        match next {
            Some(i) => kept.push(i),
            None => return (kept, points.len() - all),
        }
    }
}

impl Neighbours {
    /// Number of kept rows.
    pub fn prototypes(&self) -> usize {
        self.kept.iter().map(|k| k.len() / self.axes.len()).sum()
    }

    /// The model as a graph: features in, shares of the classes out, which fall with the distance to the nearest kept row of each. All of
    /// it computes in single precision.
    pub fn to_graph(&self, name: &str) -> Graph {
        let mut graph = Graph { name: name.into(), ..Graph::default() };
        let push = |graph: &mut Graph, name: &str, shape: Vec<usize>, data: Option<Vec<f32>>| -> TensorId {
            let data = data.map(Data::F32);
            graph.push_tensor(Tensor { name: name.into(), shape, dtype: DType::F32, quant: None, data })
        };
        let (n, count) = (self.axes.len(), self.kept.len());
        let features = push(&mut graph, "features", vec![self.width], None);
        let mean = push(&mut graph, "mean", vec![n], Some(self.mean.clone()));
        let scale = push(&mut graph, "scale", vec![n], Some(self.scale.clone()));
        let mut distances = Vec::with_capacity(count);
        for (k, kept) in self.kept.iter().enumerate() {
            // A class without rows is as far as it can be.
            let (rows, radius) = if kept.is_empty() { (&vec![0.0; n], -FAR) } else { (kept, 0.0) };
            let number = rows.len() / n;
            let rows = push(&mut graph, &format!("kept_{k}"), vec![number, n], Some(rows.clone()));
            let radii = push(&mut graph, &format!("radii_{k}"), vec![number], Some(vec![radius; number]));
            let output = push(&mut graph, &format!("distance_{k}"), vec![1], None);
            let op = Op::KMeansScore { axes: self.axes.clone() };
            let inputs = vec![features, mean, scale, rows, radii];
            graph.nodes.push(Node { name: format!("nearest_{k}"), op, inputs, output });
            distances.push(output);
        }
        let all = push(&mut graph, "distances", vec![count], None);
        let zero = push(&mut graph, "zero", vec![count], Some(vec![0.0; count]));
        let sign = push(&mut graph, "sign", vec![count], Some(vec![-1.0; count]));
        let sums = push(&mut graph, "sums", vec![count], None);
        let shares = push(&mut graph, "shares", vec![count], None);
        let mut node = |name: &str, op: Op, inputs: Vec<TensorId>, output: TensorId| {
            graph.nodes.push(Node { name: name.into(), op, inputs, output });
        };
        node("join", Op::Concat { outer: 1 }, distances, all);
        node("turn", Op::Normalize, vec![all, zero, sign], sums);
        node("softmax", Op::Softmax, vec![sums], shares);
        graph.inputs = vec![features];
        graph.outputs = vec![shares];
        graph
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use edgewright_ir::interpret::Interpreter;
    use rand::{RngExt, SeedableRng};
    use rand_chacha::ChaCha8Rng;

    /// Two rings, one in the other, with some rows of the wrong class, and a column that does not vary.
    fn rings(rows: usize, noise: f32, seed: u64) -> (Vec<f32>, Vec<u32>) {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        (0..rows)
            .map(|i| {
                let class = (i % 2) as u32;
                let r = 1.0 + 2.0 * class as f32 + 0.5 * rng.random::<f32>();
                let t = std::f32::consts::TAU * rng.random::<f32>();
                let said = if rng.random::<f32>() < noise { 1 - class } else { class };
                ([100.0 * r * t.cos(), r * t.sin(), 5.0], said)
            })
            .fold((Vec::new(), Vec::new()), |(mut v, mut c), (row, class)| {
                v.extend(row);
                c.push(class);
                (v, c)
            })
    }

    fn right(model: &Neighbours, values: &[f32], classes: &[u32]) -> f64 {
        let graph = model.to_graph("neighbours");
        let mut interpreter = Interpreter::new(&graph).expect("valid");
        let hits = values
            .chunks_exact(3)
            .zip(classes)
            .filter(|(row, c)| {
                let mut out = [0.0; 2];
                interpreter.run(row, &mut out).expect("runs");
                assert!((out[0] + out[1] - 1.0).abs() < 1e-5);
                (out[1] > out[0]) == (**c == 1)
            })
            .count();
        hits as f64 / classes.len() as f64
    }

    #[test]
    fn few_rows_stand_for_rings_with_noise() {
        let (values, classes) = rings(600, 0.1, 1);
        let model = fit(&values, 3, &classes, 2, &Spec::default()).expect("fitted");
        assert_eq!(model.axes, [0, 1], "a constant column says nothing");
        assert!(model.rows.1 > 40 && model.rows.1 < 120, "{:?}", model.rows);
        assert_eq!(model.prototypes(), 64);
        let (values, classes) = rings(600, 0.0, 2);
        let with = right(&model, &values, &classes);
        assert!(with > 0.97, "{with}");
        // Without a look at neighbours the wrong rows are kept as well.
        let (noisy_values, noisy_classes) = rings(600, 0.1, 1);
        let all = Spec { neighbours: 0, prototypes: 600 };
        let noisy = fit(&noisy_values, 3, &noisy_classes, 2, &all).expect("fitted");
        assert_eq!((noisy.prototypes(), noisy.right), (600, 600));
        let without = right(&noisy, &values, &classes);
        assert!(without < with - 0.03, "{without} {with}");
        // A bound is a bound.
        let few = Spec { prototypes: 6, ..Spec::default() };
        assert_eq!(fit(&values, 3, &classes, 2, &few).expect("fitted").prototypes(), 6);
    }

    #[test]
    fn a_class_without_rows_equal_rows_and_settings() {
        let model = fit(&[1.0, 2.0, 8.0, 9.0], 1, &[0, 0, 2, 2], 3, &Spec::default()).expect("fitted");
        let graph = model.to_graph("neighbours");
        let mut out = [0.0; 3];
        Interpreter::new(&graph).expect("valid").run(&[8.4], &mut out).expect("runs");
        assert!(out[2] > 0.7 && out[1] < 1e-6, "{out:?}");
        // The same row with two labels ends.
        let spec = Spec { neighbours: 0, prototypes: 9 };
        let model = fit(&[1.0, 1.0, 3.0, 3.0], 1, &[0, 1, 0, 1], 2, &spec).expect("fitted");
        assert!(model.right < 4 && model.prototypes() <= 4);
        let odd = Spec { neighbours: 2, ..Spec::default() };
        assert!(fit(&[1.0, 2.0], 1, &[0, 1], 2, &odd).is_err());
        let few = Spec { prototypes: 1, ..Spec::default() };
        assert!(fit(&[1.0, 2.0], 1, &[0, 1], 2, &few).is_err());
        assert_eq!(fit(&[1.0, 1.0], 1, &[0, 1], 2, &Spec::default()), Err(FitError::Constant));
    }
}
