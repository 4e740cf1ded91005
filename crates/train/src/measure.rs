//! How right a graph is.

use crate::{
    Rows, Targets, TrainError,
    objective::{Tally, judge_scores},
};
use edgewright_ir::{Graph, interpret::Interpreter};
use rayon::prelude::*;

/// Rows of one task.
const ROWS: usize = 32;

/// What a graph, float or integer, gets right on raw rows: accuracy of classes, R2 of numbers, F1 of the cells of objects. 0 without rows.
///
/// # Errors
/// [`TrainError::Data`] when rows, targets and graph do not fit, [`TrainError::Io`].
pub fn measure(graph: &Graph, rows: &dyn Rows, targets: &Targets<'_>) -> Result<f64, TrainError> {
    let failed = |e: edgewright_ir::GraphError| TrainError::Data(e.to_string());
    if rows.len() != targets.len() {
        return Err(TrainError::Data(format!("{} rows do not fit {} targets", rows.len(), targets.len())));
    }
    let output = graph.tensor(graph.outputs[0]);
    let (len, grid) = (output.len(), [output.shape[0], *output.shape.get(1).unwrap_or(&1)]);
    let starts: Vec<usize> = (0..rows.len()).step_by(ROWS).collect();
    let parts = starts.into_par_iter().map(|start| {
        let own: Vec<usize> = (start..rows.len().min(start + ROWS)).collect();
        let mut x = vec![0.0; own.len() * rows.width()];
        rows.read(&own, &mut x)?;
        let mut y = vec![0.0; own.len() * len];
        let mut interpreter = Interpreter::new(graph).map_err(failed)?;
        for (x, y) in x.chunks_exact(rows.width()).zip(y.chunks_exact_mut(len)) {
            interpreter.run(x, y).map_err(failed)?;
        }
        Ok(y)
    });
    let parts = parts.collect::<Result<Vec<_>, TrainError>>()?;
    let mut tally = Tally::default();
    for (row, y) in parts.iter().flat_map(|p| p.chunks_exact(len)).enumerate() {
        judge_scores(y, row, targets, grid, &mut tally);
    }
    Ok(if rows.is_empty() { 0.0 } else { tally.metric(targets) })
}
