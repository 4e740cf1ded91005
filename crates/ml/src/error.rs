//! Why nothing could be fitted.

/// Why nothing could be fitted.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum FitError {
    /// There is nothing to fit.
    #[error("there is no row to fit")]
    Empty,
    /// A value is no number.
    #[error("value {column} of row {row} is not finite")]
    NotFinite {
        /// Row.
        row: usize,
        /// Column.
        column: usize,
    },
    /// No column varies.
    #[error("no feature varies over the training rows")]
    Constant,
    /// Rows and targets do not belong together.
    #[error("{rows} rows and {targets} targets")]
    Lengths {
        /// Rows.
        rows: usize,
        /// Targets.
        targets: usize,
    },
    /// A setting is not possible.
    #[error("`{name}` is {value}; {possible}")]
    Setting {
        /// Name of the setting.
        name: &'static str,
        /// Its value.
        value: String,
        /// What is possible.
        possible: &'static str,
    },
    /// Too many features for a method.
    #[error("{features} features are too many for {method}; up to {most} are possible")]
    Wide {
        /// How many there are.
        features: usize,
        /// The method.
        method: &'static str,
        /// How many may be.
        most: usize,
    },
}

/// Checks row-major values: at least one row, whole rows, finite.
///
/// # Errors
/// [`FitError::Empty`] and [`FitError::NotFinite`].
pub(crate) fn check_rows(values: &[f32], width: usize) -> Result<usize, FitError> {
    if width == 0 || values.len() < width {
        return Err(FitError::Empty);
    }
    match values.iter().position(|v| !v.is_finite()) {
        Some(at) => Err(FitError::NotFinite { row: at / width, column: at % width }),
        None => Ok(values.len() / width),
    }
}
