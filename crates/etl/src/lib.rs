//! Bronze to silver to gold: cleaning steps with lineage, and the split.
//!
//! Pure functions over values; the engine reads and writes. SQL pipelines come with the `sql` feature.

mod clean;
mod events;
pub mod near;
mod resize;
mod spans;
mod split;

pub use clean::{CleanSpec, Cleaned, Flag, LineageLine, Rejected, Trim, clean};
pub use events::events;
pub use resize::{Placement, resize, resize_to};
pub use split::{Category, Leak, SplitError, SplitItem, SplitSpec, assign, folds, leakage};
