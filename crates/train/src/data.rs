//! Rows and targets, and the normalisation learned from them.

use crate::TrainError;

/// Feature rows that training may read. They stay where they are; a batch at a time is read.
pub trait Rows: Sync {
    /// Number of rows.
    fn len(&self) -> usize;
    /// Values per row.
    fn width(&self) -> usize;
    /// Copies some rows, one after the other, to `out` (`rows.len() * width` values).
    ///
    /// # Errors
    /// The system's.
    fn read(&self, rows: &[usize], out: &mut [f32]) -> std::io::Result<()>;
    /// Whether there is no row.
    fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// The centre of an object in a picture.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Mark {
    /// Its label, from 0.
    pub label: u32,
    /// From the left, as a share of the width, 0..1.
    pub x: f32,
    /// From the top, as a share of the height, 0..1.
    pub y: f32,
}

/// What is true of each row.
#[derive(Clone, Copy, Debug)]
pub enum Targets<'a> {
    /// Class of each row, below `count`.
    Classes {
        /// One per row.
        of: &'a [u32],
        /// Number of classes.
        count: usize,
    },
    /// Number of each row.
    Values(&'a [f32]),
    /// Objects of each row, which is a picture.
    Objects {
        /// One list per row.
        of: &'a [Vec<Mark>],
        /// Number of labels.
        labels: usize,
        /// How many times as much as a cell of background a cell with an object counts; above 0.
        weight: f32,
    },
}

impl Targets<'_> {
    /// Number of targets.
    pub fn len(&self) -> usize {
        match self {
            Self::Classes { of, .. } => of.len(),
            Self::Values(v) => v.len(),
            Self::Objects { of, .. } => of.len(),
        }
    }
    /// Whether there is no target.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// `(x - mean) * scale` of each value of a row.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Normaliser {
    /// Of each column.
    pub mean: Vec<f32>,
    /// Of each column.
    pub scale: Vec<f32>,
}

impl Normaliser {
    /// Learns mean and deviation in one pass over the rows. Values that share a `column` (index modulo `columns`) share
    /// both. A column that never varies gets scale 0: it can tell nothing.
    pub fn learn(rows: &dyn Rows, columns: usize) -> Result<Self, TrainError> {
        let width = rows.width();
        // Sums of differences to the first row lose less than sums of squares of large values.
        let mut first = vec![0.0f32; width];
        rows.read(&[0], &mut first)?;
        let mut shift = vec![0.0f64; columns];
        for (i, v) in first.iter().enumerate() {
            shift[i % columns] += f64::from(*v) * columns as f64 / width as f64;
        }
        let (mut s1, mut s2) = (vec![0.0f64; columns], vec![0.0f64; columns]);
        let mut block = vec![0.0f32; 64 * width];
        let all: Vec<usize> = (0..rows.len()).collect();
        for chunk in all.chunks(64) {
            let block = &mut block[..chunk.len() * width];
            rows.read(chunk, block)?;
            if let Some(at) = block.iter().position(|v| !v.is_finite()) {
                return Err(TrainError::Data(format!(
                    "value {} of row {} is {}",
                    at % width,
                    chunk[at / width],
                    block[at]
                )));
            }
            for row in block.chunks_exact(width) {
                for (i, v) in row.iter().enumerate() {
                    let c = i % columns;
                    let d = f64::from(*v) - shift[c];
                    s1[c] += d;
                    s2[c] += d * d;
                }
            }
        }
        let n = (rows.len() * width / columns) as f64;
        let (mut mean, mut scale) = (vec![0.0f32; columns], vec![0.0f32; columns]);
        for c in 0..columns {
            let d = s1[c] / n;
            let deviation = (s2[c] / n - d * d).max(0.0).sqrt();
            let centre = shift[c] + d;
            mean[c] = centre as f32;
            scale[c] = if deviation > 1e-6 * (1.0 + centre.abs()) { (1.0 / deviation) as f32 } else { 0.0 };
        }
        Ok(Self { mean, scale })
    }

    /// Brings rows back to the units that they had. What never varies tells nothing: there it is as in `raw`, which is as long.
    pub fn undo(&self, values: &mut [f32], raw: &[f32]) {
        let columns = self.mean.len();
        for (row, raw) in values.chunks_exact_mut(columns).zip(raw.chunks_exact(columns)) {
            for (c, x) in row.iter_mut().enumerate() {
                *x = if self.scale[c] > 0.0 { *x / self.scale[c] + self.mean[c] } else { raw[c] };
            }
        }
    }

    /// Normalises rows in place.
    pub fn apply(&self, values: &mut [f32]) {
        for row in values.chunks_exact_mut(self.mean.len()) {
            for ((x, mean), scale) in row.iter_mut().zip(&self.mean).zip(&self.scale) {
                *x = (*x - mean) * scale;
            }
        }
    }
}
