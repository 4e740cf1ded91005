//! Gaussian mixtures: from weights, means and covariances to the tables of the kernel.

use crate::{
    graph::{DType, Data, Graph, Node, Op, Tensor, TensorId},
    lower::f32_data,
    math::ln,
};
use edgewright_kernels::gmm;

/// A covariance matrix.
#[derive(Clone, Debug, PartialEq)]
pub enum Covariance {
    /// All of it, row-major.
    Full(Vec<f64>),
    /// Variances alone.
    Diagonal(Vec<f64>),
}

/// A mixture, factored.
#[derive(Clone, Debug, PartialEq)]
pub struct Mixture {
    axes: Vec<usize>,
    mean: Vec<f32>,
    offsets: Vec<f32>,
    factors: Vec<f32>,
    constants: Vec<f32>,
    diagonal: bool,
}

/// Lower triangular root of a symmetric positive definite matrix; `None` when it is none.
pub fn cholesky(a: &[f64], n: usize) -> Option<Vec<f64>> {
    let mut root = vec![0.0; n * n];
    for r in 0..n {
        for c in 0..=r {
            let mut sum = a[r * n + c];
            for k in 0..c {
                sum -= root[r * n + k] * root[c * n + k];
            }
            root[r * n + c] = if r == c {
                if !(sum.is_normal() && sum > 0.0) {
                    return None;
                }
                sum.sqrt()
            } else {
                sum / root[c * n + c]
            };
        }
    }
    Some(root)
}

/// Inverse of a lower triangular matrix.
pub fn inverse_lower(root: &[f64], n: usize) -> Vec<f64> {
    let mut inverse = vec![0.0; n * n];
    for c in 0..n {
        for r in c..n {
            let mut sum = f64::from(u8::from(r == c));
            for k in c..r {
                sum -= root[r * n + k] * inverse[k * n + c];
            }
            inverse[r * n + c] = sum / root[r * n + r];
        }
    }
    inverse
}

impl Mixture {
    /// From weights, means and covariances of the values `(x[axes] - mean) * scale`.
    ///
    /// # Errors
    /// A sentence when lengths differ, a weight is not above 0 or a covariance is not positive definite.
    pub fn new(
        axes: &[usize],
        (mean, scale): (&[f64], &[f64]),
        weights: &[f64],
        means: &[Vec<f64>],
        covariances: &[Covariance],
    ) -> Result<Self, String> {
        let n = axes.len();
        if n == 0 || weights.is_empty() || weights.len() != means.len() || weights.len() != covariances.len()
        {
            return Err("a mixture needs as many weights as means and covariances, and at least one".into());
        }
        if mean.len() != n || scale.len() != n {
            return Err(format!(
                "{n} axes, {} means, {} scales: all must be as long",
                mean.len(),
                scale.len()
            ));
        }
        let diagonal = covariances.iter().all(|c| matches!(c, Covariance::Diagonal(_)));
        let mut made = Self {
            axes: axes.to_vec(),
            mean: mean.iter().map(|m| *m as f32).collect(),
            offsets: Vec::new(),
            factors: Vec::new(),
            constants: Vec::new(),
            diagonal,
        };
        for (i, ((&weight, centre), covariance)) in weights.iter().zip(means).zip(covariances).enumerate() {
            let full = match covariance {
                Covariance::Full(c) => c.clone(),
                Covariance::Diagonal(v) => {
                    let mut c = vec![0.0; v.len() * v.len()];
                    v.iter().enumerate().for_each(|(k, v)| c[k * (n + 1)] = *v);
                    c
                }
            };
            if centre.len() != n || full.len() != n * n {
                return Err(format!("component {i} does not have {n} features"));
            }
            if !(weight.is_normal() && weight > 0.0) {
                return Err(format!("weight {i} is {weight}; it must be above 0"));
            }
            let root =
                cholesky(&full, n).ok_or_else(|| format!("covariance {i} is not positive definite"))?;
            let inverse = inverse_lower(&root, n);
            let mut constant = ln(weight) - 0.5 * n as f64 * ln(2.0 * std::f64::consts::PI);
            for r in 0..n {
                constant += ln(inverse[r * n + r]);
                let first = if diagonal { r } else { 0 };
                let row = &inverse[r * n..r * n + r + 1];
                let mut offset = 0.0;
                for c in 0..=r {
                    // The kernel takes the mean in single precision; what that loses is in the offset.
                    let lost = (f64::from(made.mean[c]) - mean[c]) * scale[c];
                    offset += row[c] * (lost - centre[c]);
                }
                made.offsets.push(offset as f32);
                made.factors.extend((first..=r).map(|c| (row[c] * scale[c]) as f32));
            }
            made.constants.push(constant as f32);
        }
        Ok(made)
    }

    /// Number of components.
    pub fn components(&self) -> usize {
        self.constants.len()
    }

    /// Number of axes.
    pub fn width(&self) -> usize {
        self.axes.len()
    }

    /// Log-likelihood of a row, as the emitted code computes it.
    ///
    /// # Errors
    /// A sentence when the row is too short or a value is no number.
    pub fn log_likelihood(&self, row: &[f32]) -> Result<f32, String> {
        if self.axes.iter().any(|&a| a >= row.len()) || row.iter().any(|v| !v.is_finite()) {
            return Err(format!(
                "a row of {} features, the mixture has {}; all must be finite",
                row.len(),
                self.axes.len()
            ));
        }
        Ok(gmm::log_likelihood_f32(
            row,
            &gmm::Mixture {
                axes: &self.axes,
                mean: &self.mean,
                offsets: &self.offsets,
                factors: &self.factors,
                constants: &self.constants,
                diagonal: self.diagonal,
            },
        ))
    }

    /// The score `(centre - log-likelihood) * scale` of a row of `width` features as a graph.
    pub fn to_graph(&self, width: usize, centre: f32, scale: f32, name: &str) -> Graph {
        let mut graph = Graph { name: name.into(), ..Graph::default() };
        let data = None;
        let features =
            Tensor { name: "features".into(), shape: vec![width], dtype: DType::F32, quant: None, data };
        let features = graph.push_tensor(features);
        let score = self.append(&mut graph, features, (centre, scale), "");
        graph.inputs = vec![features];
        graph.outputs = vec![score];
        graph
    }

    /// Appends the same to a graph that has the row as `features`; returns the score. `part` sets its names apart from those of others.
    pub fn append(
        &self,
        graph: &mut Graph,
        features: TensorId,
        (centre, scale): (f32, f32),
        part: &str,
    ) -> TensorId {
        let named = |name: &str| if part.is_empty() { name.to_owned() } else { format!("{part}_{name}") };
        let mut push = |name: &str, shape: Vec<usize>, data: Option<&[f32]>| -> TensorId {
            let data = data.map(|d| Data::F32(d.to_vec()));
            graph.push_tensor(Tensor { name: named(name), shape, dtype: DType::F32, quant: None, data })
        };
        let (n, k) = (self.axes.len(), self.components());
        let inputs = vec![
            features,
            push("mean", vec![n], Some(&self.mean)),
            push("offsets", vec![k, n], Some(&self.offsets)),
            push("factors", vec![k, self.factors.len() / k], Some(&self.factors)),
            push("constants", vec![k], Some(&self.constants)),
        ];
        let score = push("score", vec![1], None);
        let op = Op::GmmScore { axes: self.axes.clone(), diagonal: self.diagonal, centre, scale };
        graph.nodes.push(Node { name: named("gmm"), op, inputs, output: score });
        score
    }
}

impl Graph {
    /// Tables of a mixture for its kernel.
    ///
    /// # Errors
    /// A sentence when a constant is not float.
    pub fn mixture<'a>(
        &'a self,
        node: &Node,
        axes: &'a [usize],
        diagonal: bool,
    ) -> Result<gmm::Mixture<'a>, String> {
        let floats = |i: usize| f32_data(self.tensor(node.inputs[i]));
        Ok(gmm::Mixture {
            axes,
            mean: floats(1)?,
            offsets: floats(2)?,
            factors: floats(3)?,
            constants: floats(4)?,
            diagonal,
        })
    }

    pub(crate) fn check_gmm(
        &self,
        node: &Node,
        axes: &[usize],
        diagonal: bool,
        scales: [f32; 2],
    ) -> Result<(), String> {
        let m = self.mixture(node, axes, diagonal)?;
        let (n, k) = (axes.len(), m.constants.len());
        let each = if diagonal { n } else { n * (n + 1) / 2 };
        if n == 0 || axes.iter().any(|a| *a >= self.tensor(node.inputs[0]).len()) {
            return Err("axes do not lie in the input".into());
        }
        if m.mean.len() != n || m.offsets.len() != k * n || m.factors.len() != k * each {
            return Err(format!(
                "{} means, {} offsets and {} factors do not fit {k} components of {n} axes",
                m.mean.len(),
                m.offsets.len(),
                m.factors.len()
            ));
        }
        if self.tensor(node.output).len() != 1 || scales.iter().any(|s| !s.is_finite()) {
            return Err("gives one score, with a finite centre and scale".into());
        }
        Ok(())
    }
}
