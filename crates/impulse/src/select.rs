//! Fewer features: blocks compute just what is selected where they can, and leave the rest out of their features.

use crate::{DspBlock, Impulse, ImpulseError, Window};
use edgewright_dsp::{Params, Value, blocks};

/// Blocks of which each axis is computed alone.
const BY_AXIS: [&str; 5] = ["raw", "imu_syntiant", "flatten", "signal_features", "spectral_analysis"];

impl DspBlock {
    /// Names of its features, without the block's id.
    pub fn names(&self, window: &Window) -> Vec<String> {
        let axes: Vec<&str> = self.axes.iter().map(|&a| window.axes[a].name.as_str()).collect();
        let names = self.plan.names(&axes);
        match &self.keep {
            None => names,
            Some(keep) => keep.iter().map(|&k| names[k].clone()).collect(),
        }
    }

    /// The block with some of its features (by number, rising). Axes and generators of which none is left are not computed
    /// any more; what cannot be left out is computed and not returned.
    ///
    /// # Errors
    /// [`ImpulseError::Structure`] when no feature or one that is not there is named.
    fn narrowed(&self, features: &[usize], window: &Window) -> Result<Self, ImpulseError> {
        let all = self.names(window);
        let wrong = |reason: String| ImpulseError::Structure { impulse: self.id.clone(), reason };
        if features.is_empty()
            || !features.is_sorted_by(|a, b| a < b)
            || features.iter().any(|&f| f >= all.len())
        {
            return Err(wrong(format!("{features:?} are not rising numbers of its {} features", all.len())));
        }
        let wanted: Vec<String> = features.iter().map(|&f| all[f].clone()).collect();
        let whole = Self { keep: None, ..self.clone() };
        let mut unique = whole.names(window);
        unique.sort_unstable();
        if unique.windows(2).any(|w| w[0] == w[1]) {
            // Names that stand for two features cannot tell what may go.
            let place = |f: usize| self.keep.as_ref().map_or(f, |k| k[f]);
            return Ok(Self { keep: Some(features.iter().map(|&f| place(f)).collect()), ..whole });
        }
        let mut best = whole.clone();
        // What is taken away stays away when every wanted feature is still there.
        let attempt = |best: &mut Self, params: Params, axes: Vec<usize>| {
            let next = Self::new(&*self.id, &*self.block, self.version, params, axes, window);
            if let Ok(next) = next
                && places(&next.names(window), &wanted).is_some()
            {
                *best = next;
                return true;
            }
            false
        };
        for (name, value) in self.switches() {
            let mut params = best.params.clone();
            params.insert(name, value);
            let axes = best.axes.clone();
            attempt(&mut best, params, axes);
        }
        if BY_AXIS.contains(&self.block.as_str()) {
            for &axis in &self.axes {
                let left: Vec<usize> = best.axes.iter().copied().filter(|a| *a != axis).collect();
                if !left.is_empty() {
                    let params = best.params.clone();
                    attempt(&mut best, params, left);
                }
            }
        }
        if let edgewright_dsp::Plan::Custom(plan) = &whole.plan {
            // What the program calls them, of which some features of the block are left.
            let named: Vec<String> = plan.sources(
                &features.iter().map(|&f| self.keep.as_ref().map_or(f, |k| k[f])).collect::<Vec<_>>(),
            );
            let mut params = best.params.clone();
            params.insert("features".into(), Value::Text(named.join(", ")));
            let axes = best.axes.clone();
            attempt(&mut best, params, axes);
        }
        if self.block == "signal_features" {
            while let Some(Value::Number(n)) = best.params.get("harmonics").cloned()
                && n >= 1.0
            {
                let mut params = best.params.clone();
                params.insert("harmonics".into(), Value::Number(n - 1.0));
                let axes = best.axes.clone();
                if !attempt(&mut best, params, axes) {
                    break;
                }
            }
            for first in [true, false] {
                while let Some(Value::Text(edges)) = best.params.get("band_edges").cloned() {
                    let cut = if first {
                        edges.split_once(',').map(|s| s.1)
                    } else {
                        edges.rsplit_once(',').map(|s| s.0)
                    };
                    let Some(cut) = cut else { break };
                    // One edge alone makes no band.
                    let cut = if cut.contains(',') { cut } else { "" };
                    let mut params = best.params.clone();
                    params.insert("band_edges".into(), Value::Text(cut.trim().into()));
                    let axes = best.axes.clone();
                    if !attempt(&mut best, params, axes) {
                        break;
                    }
                }
            }
        }
        let names = best.names(window);
        let keep = places(&names, &wanted)
            .ok_or_else(|| wrong("a feature is not there by its name; no selection is possible".into()))?;
        best.keep = (keep.len() < names.len()).then_some(keep);
        Ok(best)
    }

    /// What can be switched off without a change of any other feature.
    fn switches(&self) -> Vec<(String, Value)> {
        let off = |name: &str| (name.to_owned(), Value::Bool(false));
        match self.block.as_str() {
            "flatten" | "signal_features" => {
                let info = blocks().iter().find(|b| b.name == self.block);
                let params = info.map_or(&[][..], |b| b.params);
                let mut all: Vec<(String, Value)> = params
                    .iter()
                    .filter(|p| matches!(p.kind, edgewright_dsp::ParamKind::Bool))
                    .map(|p| off(p.name))
                    .collect();
                if self.block == "flatten" {
                    all.push(("moving_avg_num_windows".into(), Value::Number(0.0)));
                }
                all
            }
            "spectral_analysis" if self.version == 4 => vec![off("extra_low_freq")],
            _ => vec![],
        }
    }
}

/// Where each wanted name stands among some names, when they stand in the same order.
fn places(names: &[String], wanted: &[String]) -> Option<Vec<usize>> {
    let mut from = 0;
    wanted
        .iter()
        .map(|w| {
            let at = from + names[from..].iter().position(|n| n == w)?;
            from = at + 1;
            Some(at)
        })
        .collect()
}

impl Impulse {
    /// Window and DSP blocks with just these features (by number among all, rising). Blocks of which none is left are gone;
    /// learning blocks are left out, since they took other features.
    ///
    /// # Errors
    /// [`ImpulseError::Structure`] when no feature or one that is not there is named.
    pub fn narrowed(&self, features: &[usize]) -> Result<Self, ImpulseError> {
        let offsets = self.feature_offsets();
        let count = self.features();
        if features.is_empty() || features.iter().any(|&f| f >= count) {
            return Err(ImpulseError::Structure {
                impulse: self.name.clone(),
                reason: format!("{features:?} are not numbers of its {count} features"),
            });
        }
        let mut dsp = Vec::new();
        for (block, from) in self.dsp.iter().zip(offsets) {
            let own: Vec<usize> = features
                .iter()
                .filter(|&&f| f >= from && f < from + block.features())
                .map(|f| f - from)
                .collect();
            if !own.is_empty() {
                dsp.push(block.narrowed(&own, &self.window)?);
            }
        }
        Ok(Self { name: self.name.clone(), window: self.window.clone(), dsp, learn: Vec::new() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Runner;
    use edgewright_sample::Axis;

    fn window(frames: usize) -> Window {
        Window {
            frames,
            stride: frames,
            rate_hz: 100.0,
            axes: ["x", "y", "z"].iter().map(|n| Axis { name: (*n).into(), units: String::new() }).collect(),
            zero_pad: true,
            image: None,
            fit: Default::default(),
        }
    }

    fn impulse(frames: usize) -> Impulse {
        let window = window(frames);
        let on = |names: &[&str]| -> Params {
            names.iter().map(|n| ((*n).to_owned(), Value::Bool(true))).collect()
        };
        let mut rich = on(&["histogram", "correlation", "magnitude_area"]);
        rich.insert("harmonics".into(), Value::Number(3.0));
        rich.insert("band_edges".into(), Value::Text("1, 5, 10, 20, 50".into()));
        let moving = Params::from([("moving_avg_num_windows".into(), Value::Number(3.0))]);
        let block = |id: &str, name: &str, version, params| {
            DspBlock::new(id, name, version, params, vec![0, 1, 2], &window).expect("planned")
        };
        let dsp = vec![
            block("f", "flatten", 1, moving),
            block("s", "signal_features", 1, rich),
            block("p", "spectral_analysis", 4, on(&["extra_low_freq"])),
            block("r", "raw", 1, Params::new()),
        ];
        Impulse { name: "test".into(), window, dsp, learn: vec![] }
    }

    fn run(impulse: &Impulse, windows: &[Vec<f32>]) -> Vec<Vec<u32>> {
        let mut runner = Runner::new(impulse).expect("a runner");
        let bits = |f: &[f32]| f.iter().map(|v| v.to_bits()).collect();
        windows.iter().map(|w| bits(runner.features(w).expect("features"))).collect()
    }

    #[test]
    fn any_selection_gives_the_bits_of_the_whole_at_its_places() {
        let impulse = impulse(200);
        let (all, names) = (impulse.features(), impulse.feature_names());
        let mut seed = 7u64;
        let mut next = |below: usize| {
            seed = seed.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
            (seed >> 33) as usize % below
        };
        let windows: Vec<Vec<f32>> =
            (0..4).map(|_| (0..600).map(|_| next(2000) as f32 / 100.0 - 10.0).collect()).collect();
        let whole = run(&impulse, &windows);
        for case in 0..60 {
            let mut wanted: Vec<usize> =
                (0..1 + next(12)).map(|_| next(if case % 2 == 0 { 120 } else { all })).collect();
            wanted.sort_unstable();
            wanted.dedup();
            let narrow = impulse.narrowed(&wanted).expect("narrowed");
            assert_eq!(narrow.features(), wanted.len());
            for (whole, part) in whole.iter().zip(run(&narrow, &windows)) {
                let expected: Vec<u32> = wanted.iter().map(|&f| whole[f]).collect();
                assert_eq!(part, expected, "{wanted:?}");
            }
            // The bundle keeps it.
            let again = Impulse::from_bundle(&narrow.to_bundle()).expect("a bundle");
            assert_eq!(run(&again, &windows), run(&narrow, &windows));
            if narrow.dsp.len() == impulse.dsp.len() {
                let expected: Vec<&String> = wanted.iter().map(|&f| &names[f]).collect();
                assert_eq!(narrow.feature_names().iter().collect::<Vec<_>>(), expected);
            }
        }
    }

    #[test]
    fn what_nobody_selected_is_not_computed() {
        let impulse = impulse(200);
        let names = impulse.feature_names();
        let at = |name: &str| {
            names.iter().position(|n| n == name).unwrap_or_else(|| panic!("{name} in {names:?}"))
        };
        let mut wanted =
            vec![at("f y RMS"), at("s z Energy"), at("s z Band Power 5.0 - 10.0 Hz"), at("s z Harmonic 2")];
        wanted.sort_unstable();
        let narrow = impulse.narrowed(&wanted).expect("narrowed");
        let ids: Vec<&str> = narrow.dsp.iter().map(|b| b.id.as_str()).collect();
        assert_eq!(ids, ["f", "s"]);
        assert!(narrow.dsp.iter().all(|b| b.keep.is_none() && b.axes.len() == 1), "{:?}", narrow.dsp);
        assert_eq!(narrow.features(), narrow.dsp.iter().map(|b| b.plan.output().len()).sum::<usize>());
        assert_eq!(narrow.state_len(), 0);
        // No spectrum where only energies are wanted.
        let energies = impulse.narrowed(&[at("s x Energy"), at("s y Energy")]).expect("narrowed");
        let edgewright_dsp::Plan::Features(plan) = &energies.dsp[0].plan else { panic!("another block") };
        assert_eq!((plan.spectrum.is_some(), plan.per_axis(), energies.dsp[0].axes.len()), (false, 1, 2));
        assert!(energies.dsp[0].plan.scratch_len() < impulse.dsp[1].plan.scratch_len());
    }

    #[test]
    fn selections_of_nothing_or_of_what_is_not_there_are_refused() {
        let impulse = impulse(200);
        assert!(impulse.narrowed(&[]).is_err());
        assert!(impulse.narrowed(&[impulse.features()]).is_err());
    }
}
