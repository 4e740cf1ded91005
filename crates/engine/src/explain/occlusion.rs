//! What the score loses when a part is covered (Zeiler and Fergus, 2014).

use super::{HeatMap, score::Judge};
use crate::EngineError;
use edgewright_dsp::OutputShape;
use edgewright_impulse::{Impulse, LearnBlock, Runner};

/// Parts of a side of a map, at most.
const SIDE: usize = 16;
/// Parts of a list, at most.
const LIST: usize = 512;
/// Parts of the time of a window, at most.
const SEGMENTS: usize = 32;
/// A window of fewer frames is not cut.
const FRAMES_LEAST: usize = 8;

/// Where the parts of a side begin and end, all but the last of one length.
fn parts(length: usize, most: usize) -> Vec<std::ops::Range<usize>> {
    let each = length.div_ceil(most).max(1);
    (0..length.div_ceil(each)).map(|i| i * each..((i + 1) * each).min(length)).collect()
}

/// Covers parts of the features of each DSP block that the learning block takes with the mean of training windows.
pub(super) fn features(
    impulse: &Impulse,
    learn: &LearnBlock,
    judge: &mut Judge<'_>,
    features: &[f32],
    mean: &[f32],
    names: &[String],
) -> Result<Vec<HeatMap>, EngineError> {
    let whole = judge.score(features)?;
    let offsets = impulse.feature_offsets();
    let mut maps = Vec::new();
    for &input in &learn.inputs {
        let block = &impulse.dsp[input];
        let at = offsets[input];
        let (row, column, of, channels) = match block.output() {
            OutputShape::Flat(n) => ("", "feature", [1, n], 1),
            OutputShape::Spectrogram { rows, columns } => ("time", "column", [rows, columns], 1),
            OutputShape::Image { height, width, channels } => ("row", "column", [height, width], channels),
        };
        let list = of[0] == 1;
        let (down, across) = (parts(of[0], SIDE), parts(of[1], if list { LIST } else { SIDE }));
        let mut values = Vec::with_capacity(down.len() * across.len());
        let mut covered = features.to_vec();
        for rows in &down {
            for columns in &across {
                let each = |put: &[f32], covered: &mut [f32]| {
                    for r in rows.clone() {
                        let from = at + (r * of[1] + columns.start) * channels;
                        let to = at + (r * of[1] + columns.end) * channels;
                        covered[from..to].copy_from_slice(&put[from..to]);
                    }
                };
                each(mean, &mut covered);
                values.push((whole - judge.score(&covered)?) as f32);
                each(features, &mut covered);
            }
        }
        let name = |c: &std::ops::Range<usize>| match (names.get(at + c.start), names.get(at + c.end - 1)) {
            (Some(first), _) if c.len() == 1 => first.clone(),
            (Some(first), Some(last)) => format!("{first} to {last}"),
            _ => format!("{} to {}", c.start, c.end - 1),
        };
        maps.push(HeatMap {
            kind: "features",
            name: block.id.clone(),
            row,
            column,
            rows: down.len(),
            columns: across.len(),
            of,
            names: if list { across.iter().map(name).collect() } else { Vec::new() },
            values,
        });
    }
    Ok(maps)
}

/// Covers parts of the time of each axis with the mean of the axis over the window, and computes the features anew. `starts` are the
/// windows up to the one that is explained. None for pictures, rows of tables, and where a program of the user computes features.
pub(super) fn window(
    impulse: &Impulse,
    judge: &mut Judge<'_>,
    values: &[f32],
    starts: &[usize],
) -> Result<Option<HeatMap>, EngineError> {
    let seen = &impulse.window;
    if seen.image.is_some() || seen.frames < FRAMES_LEAST || impulse.externals().next().is_some() {
        return Ok(None);
    }
    let Some((start, earlier)) = starts.split_last() else { return Ok(None) };
    let axes = seen.axes.len();
    let mut runner = Runner::new(impulse)?;
    let mut cut = Vec::new();
    // What blocks keep of earlier windows is the same for every part: only then are these run.
    let keeps = impulse.state_len() > 0;
    let mut asked = |window: &[f32], judge: &mut Judge<'_>| -> Result<f64, EngineError> {
        if keeps {
            runner.reset();
            for start in earlier {
                seen.cut(values, *start, &mut cut);
                runner.features(&cut)?;
            }
        }
        judge.score(runner.features(window)?)
    };
    let mut own = Vec::new();
    seen.cut(values, *start, &mut own);
    let whole = asked(&own, judge)?;
    let segments = parts(seen.frames, SEGMENTS);
    let mut heat = Vec::with_capacity(axes * segments.len());
    for axis in 0..axes {
        let of_axis = own.iter().skip(axis).step_by(axes).map(|v| f64::from(*v));
        let mean = (of_axis.sum::<f64>() / seen.frames as f64) as f32;
        for segment in &segments {
            let mut covered = own.clone();
            segment.clone().for_each(|frame| covered[frame * axes + axis] = mean);
            heat.push((whole - asked(&covered, judge)?) as f32);
        }
    }
    Ok(Some(HeatMap {
        kind: "window",
        name: "window".into(),
        row: "axis",
        column: "time",
        rows: axes,
        columns: segments.len(),
        of: [axes, seen.frames],
        names: if axes > 1 { seen.axes.iter().map(|a| a.name.clone()).collect() } else { Vec::new() },
        values: heat,
    }))
}

#[cfg(test)]
mod tests {
    use super::parts;

    #[test]
    fn parts_cover_a_side_once() {
        for (length, most) in [(49, 16), (16, 16), (17, 16), (1, 16), (5, 32), (1000, 32)] {
            let all = parts(length, most);
            assert!(all.len() <= most, "{length} {most}");
            let places: Vec<usize> = all.into_iter().flatten().collect();
            assert_eq!(places, (0..length).collect::<Vec<_>>());
        }
    }
}
