//! Features as bytes: what trees are grown on. The edges become thresholds, so that growing, the float model and the integer model
//! decide alike.

use crate::{FitError, error::check_rows};

/// Edges of a feature, at most: bytes have 256 values.
const MOST_EDGES: usize = 255;

/// A matrix of bytes with the edges between them.
#[derive(Clone, Debug)]
pub struct Bins {
    rows: usize,
    /// One column after the other: number of edges below the value.
    columns: Vec<Vec<u8>>,
    edges: Vec<Vec<f32>>,
}

impl Bins {
    /// Chooses edges for row-major values: between all different values, or between as many of them as leave about as many rows on each
    /// side.
    ///
    /// # Errors
    /// [`FitError::Empty`] and [`FitError::NotFinite`].
    pub fn new(values: &[f32], width: usize) -> Result<Self, FitError> {
        check_rows(values, width)?;
        let edges = (0..width)
            .map(|c| {
                let mut column: Vec<f32> = values.iter().skip(c).step_by(width).copied().collect();
                column.sort_unstable_by(f32::total_cmp);
                choose_edges(&column)
            })
            .collect();
        Ok(Self::with_edges(values, width, edges))
    }

    /// Other rows in the bytes of these.
    ///
    /// # Errors
    /// [`FitError::NotFinite`]; no row at all is possible.
    pub fn same(&self, values: &[f32]) -> Result<Self, FitError> {
        let width = self.columns.len();
        if !values.is_empty() {
            check_rows(values, width)?;
        }
        Ok(Self::with_edges(values, width, self.edges.clone()))
    }

    fn with_edges(values: &[f32], width: usize, edges: Vec<Vec<f32>>) -> Self {
        let columns = edges
            .iter()
            .enumerate()
            .map(|(c, edges)| {
                values.iter().skip(c).step_by(width).map(|v| edges.partition_point(|e| e < v) as u8).collect()
            })
            .collect();
        Self { rows: values.len() / width, columns, edges }
    }

    /// Number of rows.
    pub fn rows(&self) -> usize {
        self.rows
    }

    /// Number of features.
    pub fn features(&self) -> usize {
        self.columns.len()
    }

    /// Bytes of a feature.
    pub(crate) fn column(&self, feature: usize) -> &[u8] {
        &self.columns[feature]
    }

    /// Ascending edges of a feature; a byte of b or less lies at or below edge b.
    pub(crate) fn edges(&self, feature: usize) -> &[f32] {
        &self.edges[feature]
    }
}

/// Edges between sorted values.
fn choose_edges(sorted: &[f32]) -> Vec<f32> {
    let mut distinct: Vec<(f32, usize)> = Vec::new();
    for &v in sorted {
        match distinct.last_mut() {
            Some((last, n)) if *last == v => *n += 1,
            _ => distinct.push((v, 1)),
        }
    }
    let between = |i: usize| {
        let (a, b) = (distinct[i].0, distinct[i + 1].0);
        let middle = a / 2.0 + b / 2.0;
        if middle >= a && middle < b { middle } else { a }
    };
    let gaps = distinct.len() - 1;
    if gaps <= MOST_EDGES {
        return (0..gaps).map(between).collect();
    }
    let (mut edges, mut left, mut inside) = (Vec::new(), sorted.len(), 0);
    for i in 0..gaps {
        inside += distinct[i].1;
        let bins = MOST_EDGES + 1 - edges.len();
        if inside * bins >= left && edges.len() < MOST_EDGES {
            edges.push(between(i));
            left -= inside;
            inside = 0;
        }
    }
    edges
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn few_values_have_an_edge_between_each() {
        let bins = Bins::new(&[3.0, 1.0, 1.0, 2.0], 1).expect("bins");
        assert_eq!(bins.edges(0), [1.5, 2.5]);
        assert_eq!(bins.column(0), [2, 0, 0, 1]);
        assert_eq!(bins.same(&[1.5, 1.6, 9.0]).expect("bins").column(0), [0, 1, 2]);
    }

    #[test]
    fn many_values_are_shared_out_evenly() {
        let values: Vec<f32> = (0..10_000).map(|i| (i as f32).sqrt()).collect();
        let bins = Bins::new(&values, 1).expect("bins");
        assert_eq!(bins.edges(0).len(), 255);
        let mut counts = [0; 256];
        bins.column(0).iter().for_each(|&b| counts[usize::from(b)] += 1);
        assert!(counts.iter().all(|&n| (30..50).contains(&n)), "{counts:?}");
        // A value that most rows have gets a byte of its own.
        let values: Vec<f32> = (0..9000).map(|i| if i % 3 == 0 { i as f32 } else { 0.0 }).collect();
        let bins = Bins::new(&values, 1).expect("bins");
        assert!(bins.edges(0).len() > 200, "{}", bins.edges(0).len());
    }

    #[test]
    fn values_next_to_each_other_stay_apart() {
        let a = 1.0f32;
        let b = f32::from_bits(a.to_bits() + 1);
        assert_eq!(Bins::new(&[a, b], 1).expect("bins").column(0), [0, 1]);
        assert_eq!(Bins::new(&[-3e38, 3e38], 1).expect("bins").edges(0), [0.0]);
        assert_eq!(Bins::new(&[f32::NAN], 1).err(), Some(FitError::NotFinite { row: 0, column: 0 }));
    }
}
