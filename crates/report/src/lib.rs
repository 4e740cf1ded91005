//! Markdown and HTML reports with plots: values in, text out.
//!
//! Both forms hold the same figures. The HTML is one file without script and without a request to anywhere. Nothing in it
//! depends on the time of day: the same values give the same bytes.

mod cost;
mod data;
mod heat;
mod html;
mod markdown;
mod panels;
mod plots;
mod slices;
mod trust;

pub use cost::{CostLine, cost_svg};
pub use data::{
    Arithmetic, Artifact, Block, Curve, Curves, LabelCount, LabelRow, Layer, MemoryLine, Point, ReportData,
    SetRow, SliceRow, Stage, Step, Target, Trust,
};
pub use heat::{Heat, heat_svg};
pub use html::to_html;
pub use markdown::to_markdown;
pub use panels::{Panel, panels_svg};
