use super::*;

/// Candidates whose prints are near enough to look.
const NEAR: Candidate = Candidate { first: 0, second: 1, coarse: false, distance: 300, alone: true };

/// Numbers from a seed.
struct Draw(u64);

impl Draw {
    fn unit(&mut self) -> f64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 11) as f64 / (1u64 << 53) as f64
    }

    fn normal(&mut self) -> f64 {
        (0..12).map(|_| self.unit()).sum::<f64>() - 6.0
    }
}

/// A tone of some pitch with noise of its own, in int16 units.
fn tone(seed: u64, hz: f64, frames: usize) -> Vec<f32> {
    let mut draw = Draw(seed);
    let phase = draw.unit() * 6.0;
    (0..frames)
        .map(|t| {
            let wave = (t as f64 * hz / 8000.0 * std::f64::consts::TAU + phase).sin();
            ((wave + 0.1 * draw.normal()) * 5000.0).round() as f32
        })
        .collect()
}

fn with_noise(values: &[f32], db: f64, seed: u64) -> Vec<f32> {
    let mut draw = Draw(seed);
    let power = values.iter().map(|v| f64::from(*v) * f64::from(*v)).sum::<f64>() / values.len() as f64;
    let scale = (power / 10f64.powf(db / 10.0)).sqrt();
    values.iter().map(|v| (f64::from(*v) + draw.normal() * scale) as f32).collect()
}

fn found(samples: &[Vec<f32>]) -> Vec<(usize, usize)> {
    let prints: Vec<(usize, Print)> =
        samples.iter().enumerate().flat_map(|(i, s)| series(s, 1).into_iter().map(move |p| (i, p))).collect();
    candidates(&prints)
        .into_iter()
        .filter(|c| alike_series(&samples[c.first], &samples[c.second], 1, c).is_some())
        .map(|c| (c.first, c.second))
        .collect()
}

#[test]
fn copies_are_found_and_recordings_of_one_pitch_are_not() {
    // All of one pitch: they differ in phase and noise alone.
    let mut samples: Vec<Vec<f32>> = (0..60).map(|seed| tone(seed, 440.0, 4000)).collect();
    assert_eq!(found(&samples), []);
    let louder = samples[3].iter().map(|v| v * 0.4).collect();
    let noisy = with_noise(&samples[7], 30.0, 99);
    let moved: Vec<f32> = samples[11][120..].iter().copied().chain([0.0; 120]).collect();
    let halved = edgewright_dsp::resample(&samples[20], 1, 8000.0, 4000.0).expect("down");
    let halved = edgewright_dsp::resample(&halved, 1, 4000.0, 8000.0).expect("up");
    let turned = samples[30].iter().map(|v| -v).collect();
    samples.extend([louder, noisy, moved, halved, turned]);
    assert_eq!(found(&samples), [(3, 60), (7, 61), (11, 62), (20, 63), (30, 64)]);
    let moved = alike_series(&samples[11], &samples[62], 1, &NEAR).expect("alike");
    assert_eq!(moved.later, -120);
    let louder = alike_series(&samples[3], &samples[60], 1, &NEAR).expect("alike");
    assert!((louder.gain - 0.4).abs() < 1e-3 && louder.correlation > 0.9999, "{louder:?}");
}

#[test]
fn what_has_no_values_to_tell_apart_has_no_print() {
    assert_eq!(series(&[], 0), []);
    assert_eq!(series(&[1.0; 20], 1), []);
    assert_eq!(series(&[5.0; 4000], 2), []);
    assert_eq!(picture(&[128.0; 96 * 96], 96, 96, 1), None);
    assert_eq!(picture(&[], 0, 0, 1), None);
    assert!(alike_series(&[0.0; 100], &[0.0; 100], 1, &NEAR).is_none());
}

#[test]
fn a_picture_that_is_brighter_and_smaller_is_found() {
    let draw = |seed: u64| -> Vec<f32> {
        let mut draw = Draw(seed);
        let blobs: Vec<[f64; 4]> = (0..12)
            .map(|_| {
                [draw.unit() * 64.0, draw.unit() * 64.0, 3.0 + 8.0 * draw.unit(), 200.0 * draw.unit() - 100.0]
            })
            .collect();
        let at = |x: f64, y: f64| -> f64 {
            blobs.iter().map(|[a, b, r, v]| v * (-((x - a).powi(2) + (y - b).powi(2)) / (r * r)).exp()).sum()
        };
        (0..64 * 64)
            .map(|i| (128.0 + at((i % 64) as f64, (i / 64) as f64)).clamp(0.0, 255.0) as f32)
            .collect()
    };
    let mut pictures: Vec<Vec<f32>> = (0..40).map(draw).collect();
    let brighter = pictures[5].iter().map(|v| (v * 0.8 + 40.0).round()).collect();
    pictures.push(brighter);
    let prints: Vec<(usize, Print)> =
        pictures.iter().enumerate().filter_map(|(i, p)| Some((i, picture(p, 64, 64, 1)?))).collect();
    let pairs: Vec<(usize, usize)> = candidates(&prints)
        .into_iter()
        .filter(|c| alike_pictures(&pictures[c.first], &pictures[c.second], [64, 64, 1], c).is_some())
        .map(|c| (c.first, c.second))
        .collect();
    assert_eq!(pairs, [(5, 40)]);
}

#[test]
fn the_search_does_not_grow_with_the_square() {
    // Prints without anything in common: the work is in the tables alone.
    let print = |seed: u64| {
        let mut draw = Draw(seed);
        let noise: Vec<f32> = (0..512).map(|_| draw.normal() as f32).collect();
        series(&noise, 1).swap_remove(0)
    };
    let count = 20_000;
    let mut prints: Vec<(usize, Print)> = (0..count).map(|i| (i, print(i as u64))).collect();
    prints.push((count, print(777)));
    let pairs = candidates(&prints);
    let twin = pairs.iter().find(|c| c.second == count && c.first == 777).expect("found");
    assert!(twin.distance == 0 && twin.alone && !twin.coarse, "{twin:?}");
    assert!(pairs.len() < count, "{} pairs", pairs.len());
}
