//! Bronze to silver to gold: cleaning steps with lineage, and the split.
//!
//! Pure functions over values; the engine reads and writes. SQL pipelines come with the `sql` feature.

mod clean;
mod resize;
mod split;

pub use clean::{CleanSpec, Cleaned, Flag, LineageLine, Rejected, Trim, clean};
pub use resize::resize;
pub use split::{Category, Leak, SplitError, SplitItem, SplitSpec, assign, leakage};
