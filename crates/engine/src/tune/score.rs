//! How well features tell windows apart, and what is unusual from what is not, without training a model.

use super::TrainingWindows;
use edgewright_impulse::{DspBlock, Window};
use edgewright_ml::metrics::auroc;
use rayon::prelude::*;

/// Neighbours that are asked.
const NEIGHBOURS: usize = 5;
/// Of so many windows one is distorted.
const DISTORTED: usize = 3;

/// Features of training windows, freed of mean and scale.
pub(super) struct Scored<'a> {
    rows: Vec<Vec<f32>>,
    /// Row and features of windows that were distorted.
    distorted: Vec<(usize, Vec<f32>)>,
    from: &'a TrainingWindows,
}

impl<'a> Scored<'a> {
    /// `None` when the block refuses a window.
    pub(super) fn of(
        block: &DspBlock,
        window: &Window,
        from: &'a TrainingWindows,
        distort: bool,
    ) -> Option<Self> {
        let features = |values: &Vec<f32>| -> Option<Vec<f32>> {
            let mut scratch = vec![0.0; block.plan.wide_scratch_len()];
            let mut out = vec![0.0; block.plan.output().len()];
            block.plan.extract(&block.seen(values, window.axes.len()), &mut scratch, &mut out).ok()?;
            Some(match &block.keep {
                None => out,
                Some(keep) => keep.iter().map(|&k| out[k]).collect(),
            })
        };
        let mut rows = from.values.par_iter().map(features).collect::<Option<Vec<_>>>()?;
        let changed: Vec<(usize, Vec<f32>)> = (0..rows.len())
            .step_by(DISTORTED)
            .filter(|_| distort)
            .flat_map(|i| distortions(&from.values[i], window).into_iter().map(move |w| (i, w)))
            .collect();
        // One that the block refuses tells nothing.
        let mut distorted: Vec<(usize, Vec<f32>)> =
            changed.par_iter().filter_map(|(i, w)| Some((*i, features(w)?))).collect();
        scale(&mut rows, &mut distorted);
        Some(Self { rows, distorted, from })
    }

    /// Share of the nearest neighbours of each window, in other recordings, that have its label; the mean over labels of the mean over
    /// their windows, so that rare labels count as much.
    pub(super) fn separability(&self) -> f64 {
        let (rows, from) = (&self.rows, self.from);
        let shares: Vec<f64> = (0..rows.len())
            .into_par_iter()
            .map(|i| {
                let mut near: Vec<(f64, usize)> = (0..rows.len())
                    .filter(|&j| from.recordings[j] != from.recordings[i])
                    .map(|j| (distance(&rows[i], &rows[j]), j))
                    .collect();
                near.sort_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
                near.truncate(NEIGHBOURS);
                let same = near.iter().filter(|(_, j)| from.labels[*j] == from.labels[i]).count();
                same as f64 / near.len().max(1) as f64
            })
            .collect();
        let most = from.labels.iter().max().map_or(0, |l| *l as usize + 1);
        let mut of = vec![(0.0, 0.0); most];
        for (label, share) in from.labels.iter().zip(shares) {
            of[*label as usize].0 += share;
            of[*label as usize].1 += 1.0;
        }
        mean(of.iter().filter(|(_, n)| *n > 0.0).map(|(s, n)| s / n)).unwrap_or(0.0)
    }

    /// How well the distance to the nearest window of other recordings tells what was not seen: windows of a label against the rest when
    /// nothing of that label is known, each label in turn, and distorted windows against all. Mean area under the ROC curve.
    pub(super) fn novelty(&self) -> f64 {
        let (rows, from) = (&self.rows, self.from);
        let near = |row: &[f32], i: usize, known: &(dyn Fn(usize) -> bool + Sync)| {
            (0..rows.len())
                .filter(|&j| from.recordings[j] != from.recordings[i] && known(j))
                .map(|j| distance(row, &rows[j]) as f32)
                .reduce(f32::min)
        };
        let most = from.labels.iter().max().map_or(0, |l| l + 1);
        let labels = (0..most).filter_map(|label| {
            let known = |j: usize| from.labels[j] != label;
            let far: Vec<(bool, f32)> = (0..rows.len())
                .into_par_iter()
                .filter_map(|i| Some((known(i), near(&rows[i], i, &known)?)))
                .collect();
            let of = |usual: bool| far.iter().filter(|f| f.0 == usual).map(|f| f.1).collect::<Vec<_>>();
            let (usual, unusual) = (of(true), of(false));
            (!usual.is_empty() && !unusual.is_empty()).then(|| auroc(&usual, &unusual).value)
        });
        let all = |_: usize| true;
        let usual: Vec<f32> =
            (0..rows.len()).into_par_iter().filter_map(|i| near(&rows[i], i, &all)).collect();
        let unusual: Vec<f32> =
            self.distorted.par_iter().filter_map(|(i, row)| near(row, *i, &all)).collect();
        let labels = mean(labels);
        let distorted = (!unusual.is_empty()).then(|| auroc(&usual, &unusual).value);
        mean(labels.into_iter().chain(distorted)).unwrap_or(0.5)
    }
}

/// Mean of some numbers; `None` of none.
pub(super) fn mean(values: impl IntoIterator<Item = f64>) -> Option<f64> {
    let (mut sum, mut n) = (0.0, 0.0);
    for v in values {
        sum += v;
        n += 1.0;
    }
    (n > 0.0).then(|| sum / n)
}

/// The window as it was not recorded: stronger, weaker, faster, and with noise, each axis around its mean. Of pictures and rows nothing.
pub(super) fn distortions(values: &[f32], window: &Window) -> Vec<Vec<f32>> {
    let axes = window.axes.len();
    let frames = values.len() / axes.max(1);
    if window.image.is_some() || frames < 8 {
        return Vec::new();
    }
    let mean: Vec<f32> =
        (0..axes).map(|a| values.iter().skip(a).step_by(axes).sum::<f32>() / frames as f32).collect();
    let spread: Vec<f32> = (0..axes)
        .map(|a| {
            let squares = values.iter().skip(a).step_by(axes).map(|v| (v - mean[a]) * (v - mean[a]));
            (squares.sum::<f32>() / frames as f32).sqrt()
        })
        .collect();
    let made = |change: &dyn Fn(usize, usize) -> f32| -> Vec<f32> {
        (0..frames).flat_map(|f| (0..axes).map(move |a| (f, a))).map(|(f, a)| change(f, a)).collect()
    };
    let around = |f: usize, a: usize| values[f * axes + a] - mean[a];
    let noise = |f: usize, a: usize| {
        let mut n = (f * axes + a) as u64;
        n = (n ^ (n >> 30)).wrapping_add(0x9e37_79b9_7f4a_7c15).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        n = (n ^ (n >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((n ^ (n >> 31)) >> 40) as f32 / (1u32 << 23) as f32 - 1.0
    };
    vec![
        made(&|f, a| mean[a] + 2.0 * around(f, a)),
        made(&|f, a| mean[a] + 0.5 * around(f, a)),
        made(&|f, a| mean[a] + around(f * 8 / 5 % frames, a)),
        made(&|f, a| mean[a] + around(f, a) + spread[a] * noise(f, a)),
    ]
}

/// Each column less its mean over its deviation, of `rows`; columns that are constant or no numbers tell nothing and become 0.
fn scale(rows: &mut [Vec<f32>], more: &mut [(usize, Vec<f32>)]) {
    let n = rows.len() as f64;
    for c in 0..rows.first().map_or(0, Vec::len) {
        let mean = rows.iter().map(|r| f64::from(r[c])).sum::<f64>() / n;
        let deviation = (rows.iter().map(|r| (f64::from(r[c]) - mean).powi(2)).sum::<f64>() / n).sqrt();
        for row in rows.iter_mut().chain(more.iter_mut().map(|(_, r)| r)) {
            let v = (f64::from(row[c]) - mean) / deviation;
            row[c] = if v.is_finite() { v as f32 } else { 0.0 };
        }
    }
}

fn distance(x: &[f32], y: &[f32]) -> f64 {
    x.iter().zip(y).map(|(a, b)| f64::from((a - b) * (a - b))).sum()
}

#[cfg(test)]
mod tests {
    use super::*;
    use edgewright_sample::Axis;

    fn window() -> Window {
        Window {
            frames: 32,
            stride: 32,
            rate_hz: 32.0,
            axes: vec![Axis { name: "x".into(), units: String::new() }],
            zero_pad: false,
            image: None,
            fit: Default::default(),
        }
    }

    #[test]
    fn what_forgets_strength_does_not_tell_what_is_unusual() {
        let wave = |hz: f32, phase: f32| -> Vec<f32> {
            (0..32).map(|i| (i as f32 / 32.0 * hz * std::f32::consts::TAU + phase).sin()).collect()
        };
        let from = TrainingWindows {
            values: (0..24).map(|i| wave(if i % 2 == 0 { 2.0 } else { 5.0 }, i as f32)).collect(),
            labels: (0..24).map(|i| i % 2).collect(),
            recordings: (0..24).collect(),
        };
        let novelty = |params: edgewright_dsp::Params| {
            let block = DspBlock::new("b", "flatten", 1, params, vec![0], &window()).expect("planned");
            let scored = Scored::of(&block, &window(), &from, true).expect("scored");
            assert_eq!(scored.distorted.len(), 32);
            scored.novelty()
        };
        let only = |kept: &str| -> edgewright_dsp::Params {
            ["average", "minimum", "maximum", "rms", "stdev", "skewness", "kurtosis"]
                .iter()
                .map(|n| ((*n).to_owned(), edgewright_dsp::Value::Bool(*n == kept)))
                .collect()
        };
        let (strength, shape) = (novelty(only("stdev")), novelty(only("average")));
        assert!(strength > shape + 0.05, "{strength} {shape}");
    }

    #[test]
    fn distortions_are_other_windows_around_the_same_mean() {
        let values: Vec<f32> = (0..32).map(|i| 3.0 + (i as f32 * 0.7).sin()).collect();
        let made = distortions(&values, &window());
        assert_eq!(made.len(), 4);
        assert!(made.iter().all(|w| w.len() == 32 && *w != values && w.iter().all(|v| v.is_finite())));
        assert!(distortions(&values[..4], &window()).is_empty());
    }
}
