//! A data set with known defects: what `edgewright data scan` is measured with.
//!
//! Clean samples of several makes, and among them samples of which each has one defect. Numbers in names are drawn, so that a copy comes
//! before its original as often as after it.

use crate::{motion, noise::Source, shapes};
use anyhow::{Context, Result};
use core::f64::consts::TAU;
use edgewright_sample::{
    Image,
    encode::{encode_png, encode_wav_pcm16},
};
use std::{collections::BTreeSet, path::Path};

/// What is wrong with a sample.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Defect {
    /// A column, a label or values are not there.
    Missing,
    /// A value is no number.
    NotANumber,
    /// Cut off at the end of its range.
    Clipped,
    /// It says the same value for a while, or all the time.
    Stuck,
    /// It says another rate than it has.
    Rate,
    /// The file ends too early.
    Truncated,
    /// The same values as another one.
    Copy,
    /// Nearly the same as another one.
    NearCopy,
    /// Its label is misspelt.
    Label,
}

/// A file of the set.
#[derive(Clone, Debug)]
pub struct Entry {
    /// `LABEL/NAME`.
    pub name: String,
    /// Its bytes.
    pub bytes: Vec<u8>,
    /// What is wrong with it,
    pub defect: Option<Defect>,
    /// how,
    pub how: &'static str,
    /// and the sample that it repeats.
    pub of: Option<String>,
}

/// Files with names that were not drawn before.
struct Set {
    entries: Vec<Entry>,
    names: BTreeSet<usize>,
    ending: &'static str,
}

impl Set {
    fn new(ending: &'static str) -> Self {
        Self { entries: Vec::new(), names: BTreeSet::new(), ending }
    }

    fn add(
        &mut self,
        s: &mut Source,
        label: &str,
        bytes: Vec<u8>,
        defect: Option<(Defect, &'static str)>,
        of: Option<&str>,
    ) -> String {
        let mut number = s.below(100_000);
        while !self.names.insert(number) {
            number = s.below(100_000);
        }
        let folder = if label.is_empty() { String::new() } else { format!("{label}/") };
        let name = format!("{folder}{number:05}.{}", self.ending);
        self.entries.push(Entry {
            name: name.clone(),
            bytes,
            defect: defect.map(|d| d.0),
            how: defect.map_or("", |d| d.1),
            of: of.map(str::to_owned),
        });
        name
    }
}

/// Rate of the sounds in Hz; they last a second.
const SOUND_HZ: usize = 8000;
/// Labels of the sounds, each with 60 clean ones.
const SOUNDS: [&str; 4] = ["chirp", "machine", "speech", "whistle"];
const OF_EACH: usize = 60;
/// Defects of each make.
const DEFECTS: usize = 6;

/// A clean second of sound, in int16 units.
fn sound(kind: usize, s: &mut Source) -> Vec<f64> {
    let rate = SOUND_HZ as f64;
    let time = |i: usize| i as f64 / rate;
    let mut x: Vec<f64> = match kind {
        0 => {
            let (from, to, phase) = (s.range(200.0, 1200.0), s.range(1200.0, 3000.0), s.range(0.0, TAU));
            (0..SOUND_HZ)
                .map(|i| libm::sin(TAU * time(i) * (from + (to - from) * time(i) / 2.0) + phase))
                .collect()
        }
        1 => {
            // Machines of one make: one pitch, which differs by little.
            let hz = 120.0 * s.range(0.99, 1.01);
            let parts: Vec<[f64; 2]> =
                (1..9).map(|k| [s.range(0.2, 1.0) / f64::from(k), s.range(0.0, TAU)]).collect();
            let wave = |t: f64| {
                parts
                    .iter()
                    .zip(1..)
                    .map(|(p, k)| p[0] * libm::sin(TAU * hz * f64::from(k) * t + p[1]))
                    .sum::<f64>()
            };
            (0..SOUND_HZ).map(|i| wave(time(i)) + 0.1 * s.normal()).collect()
        }
        2 => {
            // Syllables: noise and pulses through two resonances.
            let mut out = vec![0.0; SOUND_HZ];
            let pitch = s.range(90.0, 220.0);
            for syllable in 0..3 {
                let (start, length) = (800 + syllable * 2300 + s.below(500), 1200 + s.below(700));
                let poles: Vec<[f64; 2]> = [s.range(300.0, 900.0), s.range(1000.0, 2500.0)]
                    .iter()
                    .map(|hz| [2.0 * 0.97 * libm::cos(TAU * hz / rate), -0.97 * 0.97])
                    .collect();
                let mut state = [[0.0f64; 2]; 2];
                for i in 0..length {
                    let pulse = if (i as f64 * pitch / rate) % 1.0 < pitch / rate { 1.0 } else { 0.0 };
                    let mut v = pulse + 0.05 * s.normal();
                    for (pole, last) in poles.iter().zip(&mut state) {
                        v += pole[0] * last[0] + pole[1] * last[1];
                        *last = [v, last[0]];
                    }
                    let fade = libm::sin(core::f64::consts::PI * i as f64 / length as f64);
                    if let Some(slot) = out.get_mut(start + i) {
                        *slot += v * fade;
                    }
                }
            }
            out
        }
        _ => {
            let (hz, swing, beat) = (s.range(600.0, 2200.0), s.range(0.0, 60.0), s.range(2.0, 7.0));
            let mut phase = s.range(0.0, TAU);
            (0..SOUND_HZ)
                .map(|i| {
                    phase += TAU * (hz + swing * libm::sin(TAU * beat * time(i))) / rate;
                    libm::sin(phase) * (0.6 + 0.4 * libm::sin(TAU * beat * 0.7 * time(i)))
                })
                .collect()
        }
    };
    let power = x.iter().map(|v| v * v).sum::<f64>() / SOUND_HZ as f64;
    let loud = s.range(1000.0, 4000.0) / libm::sqrt(power.max(1e-12));
    // What a microphone adds by itself: 20 to 35 dB below.
    let hiss = loud * libm::sqrt(power) * libm::pow(10.0, -s.range(20.0, 35.0) / 20.0);
    x.iter_mut().for_each(|v| *v = *v * loud + hiss * s.normal());
    // Speech has peaks; a clean one has them below full scale.
    let most = x.iter().fold(0.0f64, |m, v| m.max(v.abs()));
    if most > 30_000.0 {
        x.iter_mut().for_each(|v| *v *= 30_000.0 / most);
    }
    x
}

/// One of the clean ones, which is not drawn again: a copy of a copy has no one original.
fn drawn<T>(clean: &mut Vec<T>, s: &mut Source) -> T {
    clean.swap_remove(s.below(clean.len()))
}

fn whole(x: &[f64]) -> Vec<i16> {
    x.iter().map(|v| v.round().clamp(-32768.0, 32767.0) as i16).collect()
}

fn wav(x: &[f64]) -> Result<Vec<u8>> {
    Ok(encode_wav_pcm16(SOUND_HZ as u32, 1, &whole(x))?)
}

/// Adds noise so many dB below a signal of several columns.
fn noisy(x: &[f64], db: f64, s: &mut Source) -> Vec<f64> {
    let power = x.iter().map(|v| v * v).sum::<f64>() / x.len().max(1) as f64;
    let scale = libm::sqrt(power) * libm::pow(10.0, -db / 20.0);
    x.iter().map(|v| v + scale * s.normal()).collect()
}

/// To another rate and back.
fn resampled(x: &[f64], axes: usize, from: f64, over: f64) -> Result<Vec<f64>> {
    let x: Vec<f32> = x.iter().map(|v| *v as f32).collect();
    let there = edgewright_dsp::resample(&x, axes, from, over)?;
    let back = edgewright_dsp::resample(&there, axes, over, from)?;
    Ok(back.iter().map(|v| f64::from(*v)).collect())
}

/// About 300 seconds of sound as WAVE files.
///
/// # Errors
/// Those of the encoder.
pub fn sounds(seed: u64) -> Result<Vec<Entry>> {
    let s = &mut Source::new(seed, 9001);
    let mut set = Set::new("wav");
    let mut clean = Vec::new();
    for kind in 0..SOUNDS.len() {
        for _ in 0..OF_EACH {
            let x = sound(kind, s);
            let name = set.add(s, SOUNDS[kind], wav(&x)?, None, None);
            clean.push((kind, name, x));
        }
    }
    for n in 0..DEFECTS {
        let kind = n % SOUNDS.len();
        let label = SOUNDS[kind];
        let x = sound(kind, s);
        let most = x.iter().fold(0.0f64, |m, v| m.max(v.abs()));
        let loud: Vec<f64> = x.iter().map(|v| v * 32767.0 / most * s.range(1.6, 3.0)).collect();
        set.add(s, label, wav(&loud)?, Some((Defect::Clipped, "at full scale")), None);
        let (x, limit) = (sound(kind, s), s.range(0.4, 0.6));
        let most = x.iter().fold(0.0f64, |m, v| m.max(v.abs())) * limit;
        let flat: Vec<f64> = x.iter().map(|v| v.clamp(-most, most)).collect();
        set.add(s, label, wav(&flat)?, Some((Defect::Clipped, "by an amplifier")), None);
        // In the middle of what sounds.
        let mut x = sound([0, 1, 3][n % 3], s);
        let (from, length) = (1500 + s.below(4000), 400 + s.below(800));
        x[from..from + length].fill(0.0);
        set.add(s, SOUNDS[[0, 1, 3][n % 3]], wav(&x)?, Some((Defect::Stuck, "a hole")), None);
        let level = s.range(-3000.0, 3000.0);
        set.add(s, label, wav(&vec![level; SOUND_HZ])?, Some((Defect::Stuck, "one value")), None);
        // Recorded at the rate of all, but its header says another.
        let rate = [4000, 16000, 11025][n % 3];
        let bytes = encode_wav_pcm16(rate, 1, &whole(&sound(kind, s)))?;
        set.add(s, label, bytes, Some((Defect::Rate, "another rate in the header")), None);
        let mut bytes = wav(&sound(kind, s))?;
        bytes.truncate(2000 + s.below(13_000));
        set.add(s, label, bytes, Some((Defect::Truncated, "cut off")), None);
        let (kind, name, x) = drawn(&mut clean, s);
        set.add(s, SOUNDS[kind], wav(&x)?, Some((Defect::Copy, "the same bytes")), Some(&name));
        let (kind, name, x) = drawn(&mut clean, s);
        let mut bytes = wav(&x)?;
        bytes.extend(b"LIST\x04\0\0\0INFO");
        let size = (bytes.len() - 8) as u32;
        bytes[4..8].copy_from_slice(&size.to_le_bytes());
        set.add(s, SOUNDS[kind], bytes, Some((Defect::Copy, "the same values, other bytes")), Some(&name));
        for way in 0..6 {
            let (kind, name, x) = drawn(&mut clean, s);
            let (how, x): (_, Vec<f64>) = match way {
                0 => ("louder or softer", {
                    // Not so loud that it is cut off.
                    let most = x.iter().fold(0.0f64, |m, v| m.max(v.abs()));
                    let gain = s.range(0.2, 1.5).min(32_000.0 / most);
                    x.iter().map(|v| v * gain).collect()
                }),
                1 => ("moved", {
                    let by = 80 + s.below(400);
                    let fill = (0..by).map(|_| 20.0 * s.normal());
                    if n % 2 == 0 {
                        fill.chain(x.iter().copied()).take(SOUND_HZ).collect()
                    } else {
                        x[by..].iter().copied().chain(fill).collect()
                    }
                }),
                2 => ("noise at 30 dB", noisy(&x, 30.0, s)),
                3 => ("noise at 20 dB", noisy(&x, 20.0, s)),
                4 => ("resampled", resampled(&x, 1, SOUND_HZ as f64, 5500.0)?),
                _ => ("8 bits", x.iter().map(|v| (v / 128.0).round() * 128.0).collect()),
            };
            set.add(s, SOUNDS[kind], wav(&x)?, Some((Defect::NearCopy, how)), Some(&name));
        }
        let wrong = ["chrip", "Machine", "speach", "whistle ", "wistle", "machnie"][n];
        let kind = [0, 1, 2, 3, 3, 1][n];
        let bytes = wav(&sound(kind, s))?;
        set.add(s, wrong, bytes, Some((Defect::Label, "misspelt")), None);
    }
    Ok(set.entries)
}

/// Rate of the motion in Hz.
const MOTION_HZ: f64 = 62.5;

/// Four seconds of motion as rows of x, y, z.
fn gesture(kind: usize, seed: u64, number: &mut u64) -> Vec<[f64; 3]> {
    *number += 1;
    let mut rows = motion::recording(motion::GESTURES[kind], seed, *number % 8, *number / 8);
    rows.truncate(250);
    rows
}

fn csv(rows: &[[f64; 3]], step_ms: f64) -> String {
    let mut out = String::from("timestamp,accX,accY,accZ\n");
    for (i, [x, y, z]) in rows.iter().enumerate() {
        out.push_str(&format!("{},{x:.4},{y:.4},{z:.4}\n", i as f64 * step_ms));
    }
    out
}

/// About 280 recordings of motion as tables.
///
/// # Errors
/// Those of resampling.
pub fn motions(seed: u64) -> Result<Vec<Entry>> {
    let s = &mut Source::new(seed, 9002);
    let mut set = Set::new("csv");
    let mut clean = Vec::new();
    let number = &mut 0;
    let step = 1000.0 / MOTION_HZ;
    for kind in 0..motion::GESTURES.len() {
        for _ in 0..OF_EACH {
            let rows = gesture(kind, seed, number);
            let name = set.add(s, motion::GESTURES[kind], csv(&rows, step).into(), None, None);
            clean.push((kind, name, rows));
        }
    }
    for n in 0..DEFECTS {
        let kind = n % motion::GESTURES.len();
        let label = motion::GESTURES[kind];
        let new = |number: &mut u64| gesture(kind, seed, number);
        let two: String = csv(&new(number), step)
            .lines()
            .map(|l| l.rsplit_once(',').map_or(String::new(), |(l, _)| format!("{l}\n")))
            .collect();
        set.add(s, label, two.into(), Some((Defect::Missing, "a column")), None);
        let lines = csv(&new(number), step);
        let at = 20 + s.below(200);
        let gap: String = lines
            .lines()
            .enumerate()
            .map(|(i, l)| {
                if i == at {
                    format!("{},,\n", l.rsplitn(3, ',').last().unwrap_or(""))
                } else {
                    format!("{l}\n")
                }
            })
            .collect();
        set.add(s, label, gap.into(), Some((Defect::Missing, "two cells")), None);
        set.add(s, "", csv(&new(number), step).into(), Some((Defect::Missing, "a label")), None);
        let mut rows = new(number);
        rows[s.below(250)][s.below(3)] = if n % 2 == 0 { f64::NAN } else { f64::INFINITY };
        set.add(s, label, csv(&rows, step).into(), Some((Defect::NotANumber, "a value")), None);
        // What moves, at a range that is set too low.
        let moving = [0, 2, 3][n % 3];
        let mut rows = gesture(moving, seed, number);
        for axis in 0..3 {
            let mean = rows.iter().map(|r| r[axis]).sum::<f64>() / rows.len() as f64;
            let most = rows.iter().fold(0.0f64, |m, r| m.max((r[axis] - mean).abs())) * 0.5;
            rows.iter_mut().for_each(|r| r[axis] = r[axis].clamp(mean - most, mean + most));
        }
        set.add(
            s,
            motion::GESTURES[moving],
            csv(&rows, step).into(),
            Some((Defect::Clipped, "its range")),
            None,
        );
        let mut rows = new(number);
        let (axis, from, length) = (s.below(3), s.below(200), 15 + s.below(35));
        let held = rows[from][axis];
        rows[from..from + length].iter_mut().for_each(|r| r[axis] = held);
        set.add(s, label, csv(&rows, step).into(), Some((Defect::Stuck, "an axis for a while")), None);
        let mut rows = new(number);
        let (axis, held) = (s.below(3), s.range(-9.0, 9.0));
        rows.iter_mut().for_each(|r| r[axis] = held);
        set.add(s, label, csv(&rows, step).into(), Some((Defect::Stuck, "an axis")), None);
        let wrong = step * [0.5, 2.0, 1.25][n % 3];
        set.add(s, label, csv(&new(number), wrong).into(), Some((Defect::Rate, "another clock")), None);
        let mut bytes = csv(&new(number), step).into_bytes();
        bytes.truncate(bytes.len() * (30 + s.below(50)) / 100);
        set.add(s, label, bytes, Some((Defect::Truncated, "cut off")), None);
        let (kind, name, rows) = drawn(&mut clean, s);
        set.add(
            s,
            motion::GESTURES[kind],
            csv(&rows, step).into(),
            Some((Defect::Copy, "the same bytes")),
            Some(&name),
        );
        let (kind, name, rows) = drawn(&mut clean, s);
        let other = csv(&rows, step).replace('\n', "\r\n");
        set.add(
            s,
            motion::GESTURES[kind],
            other.into(),
            Some((Defect::Copy, "other line ends")),
            Some(&name),
        );
        for way in 0..4 {
            let (kind, name, rows) = drawn(&mut clean, s);
            let flat: Vec<f64> = rows.iter().flatten().copied().collect();
            // Noise counts beside the motion, not beside gravity.
            let means: [f64; 3] =
                core::array::from_fn(|a| rows.iter().map(|r| r[a]).sum::<f64>() / rows.len() as f64);
            let swing: Vec<f64> = flat.iter().enumerate().map(|(i, v)| v - means[i % 3]).collect();
            let (how, flat) = match way {
                0 => ("another gain", {
                    let gain = s.range(0.7, 1.4);
                    flat.iter().map(|v| v * gain).collect()
                }),
                1 => ("moved", {
                    let by = 2 + s.below(10);
                    let end = flat[flat.len() - 3..].to_vec();
                    let more = (0..3 * by).map(|i| end[i % 3] + 0.05 * s.normal());
                    flat[3 * by..].iter().copied().chain(more).collect::<Vec<_>>()
                }),
                2 => ("noise at 30 dB", {
                    let noise = noisy(&swing, 30.0, s);
                    noise.iter().enumerate().map(|(i, v)| v + means[i % 3]).collect()
                }),
                _ => ("resampled", resampled(&flat, 3, MOTION_HZ, 50.0)?),
            };
            let rows: Vec<[f64; 3]> = flat.as_chunks::<3>().0.to_vec();
            set.add(
                s,
                motion::GESTURES[kind],
                csv(&rows, step).into(),
                Some((Defect::NearCopy, how)),
                Some(&name),
            );
        }
        let (wrong, kind) =
            [("cirle", 0), ("Idle", 1), ("up_down", 2), ("wavee", 3), ("circel", 0), ("updwon", 2)][n];
        let rows = gesture(kind, seed, number);
        set.add(s, wrong, csv(&rows, step).into(), Some((Defect::Label, "misspelt")), None);
    }
    Ok(set.entries)
}

/// Labels of the pictures.
const PICTURES: [&str; 3] = ["grain", "blobs", "shapes"];

/// A clean picture, in colour.
fn picture(kind: usize, seed: u64, s: &mut Source) -> Image {
    if kind == 2 {
        loop {
            let (image, placed) = shapes::picture(seed, s.below(1 << 30) as u64);
            // There is nothing to know an empty one by.
            if placed.len() > 1 {
                return image;
            }
        }
    }
    let [width, height] = shapes::SIZE;
    let waves: Vec<[f64; 4]> = (0..[8, 14][kind])
        .map(|_| match kind {
            // Slanted stripes of one pitch; blobs anywhere.
            0 => [s.range(0.5, 0.6), s.range(-0.15, 0.15), s.range(0.0, TAU), s.range(8.0, 16.0)],
            _ => [
                s.range(0.0, width as f64),
                s.range(0.0, height as f64),
                s.range(4.0, 16.0),
                s.range(-80.0, 80.0),
            ],
        })
        .collect();
    let (ground, tint) = (s.range(90.0, 160.0), [(); 3].map(|()| s.range(0.8, 1.2)));
    let mut pixels = Vec::with_capacity(width * height * 3);
    for i in 0..width * height {
        let (x, y) = ((i % width) as f64, (i / width) as f64);
        let wave = |w: &[f64; 4]| match kind {
            0 => w[3] * libm::sin(w[0] * x + w[1] * y + w[2]),
            _ => w[3] * libm::exp(-((x - w[0]) * (x - w[0]) + (y - w[1]) * (y - w[1])) / (w[2] * w[2])),
        };
        let level = ground + waves.iter().map(wave).sum::<f64>();
        pixels.extend(tint.map(|t| (level * t + 4.0 * s.normal()).round().clamp(0.0, 255.0) as u8));
    }
    Image { width, height, channels: 3, pixels }
}

/// As a strong compression leaves it: of each block of 8 x 8 only coarse waves are kept, in steps.
fn compressed(picture: &Image) -> Image {
    let mut out = picture.clone();
    let wave = |k: usize, x: usize| libm::cos((2 * x + 1) as f64 * k as f64 * core::f64::consts::PI / 16.0);
    let norm = |k: usize| if k == 0 { libm::sqrt(0.125) } else { 0.5 };
    for by in (0..picture.height / 8 * 8).step_by(8) {
        for bx in (0..picture.width / 8 * 8).step_by(8) {
            for c in 0..3 {
                let at = |x: usize, y: usize| ((by + y) * picture.width + bx + x) * 3 + c;
                let mut sum = [[0.0f64; 8]; 8];
                for (u, v) in (0..64).map(|i| (i % 8, i / 8)) {
                    let mut value = 0.0;
                    for (x, y) in (0..64).map(|i| (i % 8, i / 8)) {
                        value += f64::from(picture.pixels[at(x, y)]) * wave(u, x) * wave(v, y);
                    }
                    let step = 12.0 + 6.0 * (u + v) as f64;
                    let kept = (value * norm(u) * norm(v) / step).round() * step;
                    for (x, y) in (0..64).map(|i| (i % 8, i / 8)) {
                        sum[y][x] += kept * norm(u) * norm(v) * wave(u, x) * wave(v, y);
                    }
                }
                for (x, y) in (0..64).map(|i| (i % 8, i / 8)) {
                    out.pixels[at(x, y)] = sum[y][x].round().clamp(0.0, 255.0) as u8;
                }
            }
        }
    }
    out
}

/// In another size, between four pixels each.
fn scaled(picture: &Image, width: usize, height: usize) -> Image {
    let mut pixels = Vec::with_capacity(width * height * 3);
    for i in 0..width * height {
        let place = |n: usize, to: usize, from: usize| {
            ((n as f64 + 0.5) * from as f64 / to as f64 - 0.5).clamp(0.0, (from - 1) as f64)
        };
        let (x, y) = (place(i % width, width, picture.width), place(i / width, height, picture.height));
        let (x0, y0) = (x as usize, y as usize);
        let (x1, y1) = ((x0 + 1).min(picture.width - 1), (y0 + 1).min(picture.height - 1));
        for c in 0..3 {
            let at = |x: usize, y: usize| f64::from(picture.pixels[(y * picture.width + x) * 3 + c]);
            let (fx, fy) = (x - x0 as f64, y - y0 as f64);
            let top = at(x0, y0) * (1.0 - fx) + at(x1, y0) * fx;
            let bottom = at(x0, y1) * (1.0 - fx) + at(x1, y1) * fx;
            pixels.push((top * (1.0 - fy) + bottom * fy).round() as u8);
        }
    }
    Image { width, height, channels: 3, pixels }
}

/// About 220 pictures as PNG files.
///
/// # Errors
/// Those of the encoder.
pub fn pictures(seed: u64) -> Result<Vec<Entry>> {
    let s = &mut Source::new(seed, 9003);
    let mut set = Set::new("png");
    let mut clean = Vec::new();
    for kind in 0..PICTURES.len() {
        for _ in 0..OF_EACH {
            let image = picture(kind, seed, s);
            let name = set.add(s, PICTURES[kind], encode_png(&image)?, None, None);
            clean.push((kind, name, image));
        }
    }
    for n in 0..DEFECTS {
        let kind = n % PICTURES.len();
        let mut bytes = encode_png(&picture(kind, seed, s))?;
        bytes.truncate(bytes.len() * (20 + s.below(70)) / 100);
        set.add(s, PICTURES[kind], bytes, Some((Defect::Truncated, "cut off")), None);
        let (kind, name, image) = drawn(&mut clean, s);
        let bytes = encode_png(&image)?;
        set.add(s, PICTURES[kind], bytes, Some((Defect::Copy, "the same bytes")), Some(&name));
        for way in 0..4 {
            let (kind, name, image) = drawn(&mut clean, s);
            let (how, image) = match way {
                0 => ("brighter", {
                    let (gain, more) = (s.range(0.8, 1.15), s.range(-20.0, 20.0));
                    let pixels =
                        image.pixels.iter().map(|p| (f64::from(*p) * gain + more).clamp(0.0, 255.0) as u8);
                    Image { pixels: pixels.collect(), ..image }
                }),
                1 => ("another size", scaled(&image, [80, 160, 200][n % 3], [60, 120, 150][n % 3])),
                2 => ("compressed", compressed(&image)),
                _ => ("noise", {
                    let mut noise = |p: &u8| (f64::from(*p) + 4.0 * s.normal()).clamp(0.0, 255.0) as u8;
                    Image { pixels: image.pixels.iter().map(&mut noise).collect(), ..image }
                }),
            };
            set.add(s, PICTURES[kind], encode_png(&image)?, Some((Defect::NearCopy, how)), Some(&name));
        }
        let (wrong, kind) =
            [("grian", 0), ("Blobs", 1), ("shpaes", 2), ("grains", 0), ("blob", 1), ("shapes_", 2)][n];
        let bytes = encode_png(&picture(kind, seed, s))?;
        set.add(s, wrong, bytes, Some((Defect::Label, "misspelt")), None);
    }
    Ok(set.entries)
}

/// Writes `sounds/`, `motions/` and `pictures/`, and `defects.csv` with what is wrong with which file.
///
/// # Errors
/// The system's.
pub fn write(out: &Path, seed: u64) -> Result<()> {
    let mut list = String::from("file,defect,how,of\n");
    for (folder, entries) in
        [("sounds", sounds(seed)?), ("motions", motions(seed)?), ("pictures", pictures(seed)?)]
    {
        for e in entries {
            let path = out.join(folder).join(&e.name);
            std::fs::create_dir_all(path.parent().unwrap_or(out))?;
            std::fs::write(&path, &e.bytes).with_context(|| path.display().to_string())?;
            if let Some(defect) = e.defect {
                list.push_str(&format!(
                    "{folder}/{},{defect:?},{},{}\n",
                    e.name,
                    e.how,
                    e.of.unwrap_or_default()
                ));
            }
        }
    }
    std::fs::write(out.join("defects.csv"), list)?;
    Ok(())
}
