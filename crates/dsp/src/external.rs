//! Blocks that a program of the user computes: only what they give is known here.

use crate::{DspError, OutputShape, Params, Plan, Value, WindowSpec, plan::refuse};
use alloc::{format, string::String, vec::Vec};

/// Name of such a block.
pub const EXTERNAL: &str = "external";
/// Features of such a block, at most.
pub const MOST_EXTERNAL: usize = 1 << 20;

/// What a program gives for a window.
#[derive(Clone, Debug, PartialEq)]
pub struct ExternalPlan {
    /// Frames per window.
    pub frames: usize,
    /// Values per frame.
    pub axes: usize,
    /// Arrangement of the features.
    pub shape: OutputShape,
    /// One name per feature.
    pub names: Vec<String>,
}

/// Plans such a block: `shape` is `12`, `10x5` (rows, columns) or `8x8x3` (height, width, channels), `names` has a line for each feature.
pub(crate) fn external(params: &Params, window: &WindowSpec) -> Result<Plan, DspError> {
    let text = |name: &str| match params.get(name) {
        Some(Value::Text(text)) => text.as_str(),
        _ => "",
    };
    let sides: Option<Vec<usize>> = text("shape").split('x').map(|side| side.parse().ok()).collect();
    let shape = match sides.as_deref() {
        Some(&[n]) => OutputShape::Flat(n),
        Some(&[rows, columns]) => OutputShape::Spectrogram { rows, columns },
        Some(&[height, width, channels]) => OutputShape::Image { height, width, channels },
        _ => return refuse("shape", "`shape` must be like 12, 10x5 or 8x8x3".into()),
    };
    let count = sides.iter().flatten().try_fold(1usize, |n, side| n.checked_mul(*side));
    let Some(count) = count.filter(|n| (1..=MOST_EXTERNAL).contains(n)) else {
        return refuse("shape", format!("a block gives 1 to {MOST_EXTERNAL} features; `shape` says others"));
    };
    let names: Vec<String> = match text("names") {
        "" => (0..count).map(|i| format!("feature {i}")).collect(),
        names => names.lines().map(Into::into).collect(),
    };
    if names.len() != count {
        return refuse("names", format!("{} names are given for {count} features", names.len()));
    }
    if window.axes == 0 || window.frames == 0 {
        return refuse("empty_input", "the window is empty; it needs at least one axis and one frame".into());
    }
    Ok(Plan::External(ExternalPlan { frames: window.frames, axes: window.axes, shape, names }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan;

    fn planned(shape: &str, names: &str) -> Result<Plan, DspError> {
        let window = WindowSpec { rate_hz: 10.0, axes: 2, frames: 5, image: None };
        let text = |t: &str| Value::Text(t.into());
        plan(EXTERNAL, 1, &[("shape".into(), text(shape)), ("names".into(), text(names))].into(), &window)
    }

    #[test]
    fn a_shape_and_names_are_all_that_is_known() {
        let two = planned("2", "a\nb").expect("planned");
        assert_eq!(
            (two.output(), two.names(&["x", "y"])),
            (OutputShape::Flat(2), ["a", "b"].map(Into::into).to_vec())
        );
        assert_eq!(
            planned("3x4", "").expect("planned").output(),
            OutputShape::Spectrogram { rows: 3, columns: 4 }
        );
        for (shape, names) in
            [("", ""), ("0", ""), ("2", "a"), ("1x2x3x4", ""), ("4294967296x4294967296", ""), ("-1", "")]
        {
            assert!(planned(shape, names).is_err(), "{shape}");
        }
        let refused = two.extract(&[0.0; 10], &mut [], &mut [0.0; 2]).expect_err("nothing computes it here");
        assert_eq!(refused.kind, "external");
    }
}
