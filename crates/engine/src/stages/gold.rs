//! The gold level: windows and their features, training and test apart.
//!
//! Training code takes [`TrainingRows`]; only they are [`edgewright_train::Rows`]. The test matrix can be opened
//! as [`HoldoutRows`] alone, which no training function accepts:
//!
//! ```compile_fail
//! fn train_on(rows: &dyn edgewright_train::Rows) {}
//! fn leak(holdout: &edgewright_engine::stages::gold::HoldoutRows) {
//!     train_on(holdout);
//! }
//! ```

use super::clean::Silver;
use crate::{EngineError, session::Session};
use edgewright_store::Hash;
use edgewright_train::Rows;
use serde::{Deserialize, Serialize};
use std::{fs::File, ops::Range, path::PathBuf};

/// Matrices up to this size are kept in memory, larger ones are read row by row: memory does not grow with the data set.
const CACHE_BYTES: usize = 4 << 20;

/// A window: which silver sample, and its first frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct WindowAt {
    /// Index into the silver samples.
    pub sample: usize,
    /// First frame.
    pub start: usize,
    /// What it is called: a place in [`Labels`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub label: Option<u32>,
}

/// Labels of windows, each once, in order.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Labels(Vec<String>);

impl Labels {
    /// All labels of some samples and their parts.
    pub fn of(silver: &Silver) -> Self {
        let mut all: Vec<String> = silver
            .samples
            .iter()
            .flat_map(|s| {
                let boxes = s.boxes.iter().flatten().map(|b| &b.label);
                s.label.iter().chain(s.ranges.iter().map(|r| &r.label)).chain(boxes).cloned()
            })
            .collect();
        all.sort();
        all.dedup();
        Self(all)
    }
    /// The labels.
    pub fn into_vec(self) -> Vec<String> {
        self.0
    }
    /// Place of a label.
    pub fn place(&self, label: &str) -> Option<u32> {
        self.0.binary_search_by(|l| l.as_str().cmp(label)).ok().map(|i| i as u32)
    }
    /// What a window is called.
    pub fn get(&self, window: &WindowAt) -> Option<&str> {
        self.0.get(window.label? as usize).map(String::as_str)
    }
}

/// A matrix of features with the windows its rows came from.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Matrix {
    /// Single precision, little endian, row-major.
    object: Hash,
    /// Values per row.
    pub width: usize,
    /// One per row.
    pub windows: Vec<WindowAt>,
}

/// Windows that train or validate.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TrainingMatrix(Matrix);

/// Windows that only test.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct HoldoutMatrix(Matrix);

impl Matrix {
    /// Describes a matrix that was written as `object`.
    pub fn new(object: Hash, width: usize, windows: Vec<WindowAt>) -> Self {
        Self { object, width, windows }
    }
}

impl TrainingMatrix {
    /// Marks a matrix as one that may train.
    pub fn new(matrix: Matrix) -> Self {
        Self(matrix)
    }
    /// The object that holds its values.
    pub fn object(&self) -> &Hash {
        &self.0.object
    }
    /// Windows of the rows.
    pub fn windows(&self) -> &[WindowAt] {
        &self.0.windows
    }
    /// Opens some rows and columns.
    ///
    /// # Errors
    /// [`EngineError::Io`] when the object cannot be read.
    pub fn rows(
        &self,
        session: &Session<'_>,
        rows: Vec<usize>,
        columns: &[Range<usize>],
    ) -> Result<TrainingRows, EngineError> {
        Ok(TrainingRows(Reader::open(session, &self.0, rows, columns)?))
    }
}

impl HoldoutMatrix {
    /// Marks a matrix as one that only tests.
    pub fn new(matrix: Matrix) -> Self {
        Self(matrix)
    }
    /// Windows of the rows.
    pub fn windows(&self) -> &[WindowAt] {
        &self.0.windows
    }
    /// Opens all rows.
    ///
    /// # Errors
    /// [`EngineError::Io`] when the object cannot be read.
    pub fn rows(&self, session: &Session<'_>) -> Result<HoldoutRows, EngineError> {
        let all = (0..self.0.windows.len()).collect();
        #[expect(clippy::single_range_in_vec_init, reason = "one range of columns is what is meant")]
        let columns = [0..self.0.width];
        Ok(HoldoutRows(Reader::open(session, &self.0, all, &columns)?))
    }
}

/// Rows that may train.
pub struct TrainingRows(Reader);

/// Rows that only test.
pub struct HoldoutRows(Reader);

impl TrainingRows {
    /// One row.
    ///
    /// # Errors
    /// The system's when the object cannot be read.
    pub fn row(&self, row: usize, out: &mut [f32]) -> std::io::Result<()> {
        self.0.row(row, out)
    }
}

impl Rows for TrainingRows {
    fn len(&self) -> usize {
        self.0.rows.len()
    }
    fn width(&self) -> usize {
        self.0.row_len
    }
    fn read(&self, rows: &[usize], out: &mut [f32]) -> std::io::Result<()> {
        for (&row, out) in rows.iter().zip(out.chunks_exact_mut(self.0.row_len)) {
            self.0.row(row, out)?;
        }
        Ok(())
    }
}

impl HoldoutRows {
    /// Number of rows.
    pub fn count(&self) -> usize {
        self.0.rows.len()
    }
    /// One row.
    ///
    /// # Errors
    /// The system's when the object cannot be read.
    pub fn row(&self, row: usize, out: &mut [f32]) -> std::io::Result<()> {
        self.0.row(row, out)
    }
}

struct Reader {
    file: File,
    cache: Option<Vec<f32>>,
    stored_width: usize,
    rows: Vec<usize>,
    columns: Vec<Range<usize>>,
    row_len: usize,
}

impl Reader {
    fn open(
        session: &Session<'_>,
        matrix: &Matrix,
        rows: Vec<usize>,
        columns: &[Range<usize>],
    ) -> Result<Self, EngineError> {
        let path: PathBuf = session.store.blob_path(&matrix.object);
        let at = |source| EngineError::Io { path: path.clone(), source };
        let file = File::open(&path).map_err(at)?;
        let selected = columns.iter().map(ExactSizeIterator::len).sum();
        let mut reader = Self {
            file,
            cache: None,
            stored_width: matrix.width,
            rows,
            columns: columns.to_vec(),
            row_len: selected,
        };
        if reader.rows.len() * selected * 4 <= CACHE_BYTES {
            let mut cache = vec![0.0; reader.rows.len() * selected];
            for row in 0..reader.rows.len() {
                reader.row(row, &mut cache[row * selected..(row + 1) * selected]).map_err(at)?;
            }
            reader.cache = Some(cache);
        }
        Ok(reader)
    }

    fn row(&self, row: usize, out: &mut [f32]) -> std::io::Result<()> {
        if let Some(cache) = &self.cache {
            out.copy_from_slice(&cache[row * self.row_len..(row + 1) * self.row_len]);
            return Ok(());
        }
        let mut at = 0;
        let mut bytes = Vec::new();
        for columns in &self.columns {
            bytes.resize(columns.len() * 4, 0);
            let offset = (self.rows[row] * self.stored_width + columns.start) * 4;
            read_at(&self.file, &mut bytes, offset as u64)?;
            for (o, b) in out[at..].iter_mut().zip(bytes.chunks_exact(4)) {
                *o = f32::from_le_bytes([b[0], b[1], b[2], b[3]]);
            }
            at += columns.len();
        }
        Ok(())
    }
}

#[cfg(unix)]
fn read_at(file: &File, bytes: &mut [u8], offset: u64) -> std::io::Result<()> {
    std::os::unix::fs::FileExt::read_exact_at(file, bytes, offset)
}

#[cfg(windows)]
fn read_at(file: &File, mut bytes: &mut [u8], mut offset: u64) -> std::io::Result<()> {
    while !bytes.is_empty() {
        let n = std::os::windows::fs::FileExt::seek_read(file, bytes, offset)?;
        if n == 0 {
            return Err(std::io::ErrorKind::UnexpectedEof.into());
        }
        bytes = &mut bytes[n..];
        offset += n as u64;
    }
    Ok(())
}
