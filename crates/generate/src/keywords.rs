//! Spoken words by espeak-ng, in many voices, in simulated rooms, in noise, through simulated microphones.
//!
//! Needs the programs `espeak-ng` and `flac`. The same versions and seed give the same recordings.

use crate::noise::{Colour, Source, coloured};
use anyhow::{Context, Result, bail};
use edgewright_sample::encode::encode_wav_pcm16;
use std::{
    path::Path,
    process::{Command, Stdio},
};

const RATE: f64 = 16_000.0;

/// Words that are told apart.
pub const WORDS: [&str; 4] = ["go", "no", "stop", "yes"];
/// Words that are `unknown`; a few sound like the ones above on purpose.
pub const OTHERS: [&str; 24] = [
    "goat",
    "yesterday",
    "left",
    "right",
    "up",
    "down",
    "house",
    "marvin",
    "sheila",
    "bird",
    "cat",
    "dog",
    "five",
    "nine",
    "seven",
    "tree",
    "happy",
    "visual",
    "learn",
    "forward",
    "step",
    "eight",
    "wall",
    "river",
];
/// Voices: language and variant. The first part of a file name after the label; the split keeps a voice together.
const VOICES: [(&str, &str); 30] = [
    ("en-us", "m1"),
    ("en-us", "m3"),
    ("en-us", "f2"),
    ("en-us", "f4"),
    ("en-gb", "m2"),
    ("en-gb", "m5"),
    ("en-gb", "f1"),
    ("en-gb", "f3"),
    ("en-gb-scotland", "m3"),
    ("en-gb-scotland", "f2"),
    ("en-029", "m1"),
    ("en-029", "f5"),
    ("en-gb-x-rp", "m4"),
    ("en-gb-x-rp", "f1"),
    ("en-gb-x-gbclan", "m6"),
    ("en-gb-x-gbclan", "f3"),
    ("en-gb-x-gbcwmd", "m7"),
    ("en-gb-x-gbcwmd", "f4"),
    ("en-us", "Andy"),
    ("en-us", "Annie"),
    ("en-gb", "Alex"),
    ("en-gb", "linda"),
    ("en-us", "Lee"),
    ("en-gb", "belinda"),
    ("en-us", "steph"),
    ("en-gb", "john"),
    ("en-us", "Mike"),
    ("en-gb", "grandpa"),
    ("en-us", "aunty"),
    ("en-gb", "Denis"),
];
/// Clips of each word by each voice.
const TAKES: usize = 4;

/// What espeak-ng says, at 16 kHz, silence cut off, largest value 1.
fn speak(text: &str, voice: (&str, &str), pitch: usize, speed: usize) -> Result<Vec<f64>> {
    let voice = format!("{}+{}", voice.0, voice.1);
    let out = Command::new("espeak-ng")
        .args(["-v", &voice, "-p", &pitch.to_string(), "-s", &speed.to_string(), "--stdout", text])
        .stdin(Stdio::null())
        .output()
        .context("espeak-ng could not be started; install it with: apt-get install espeak-ng")?;
    if !out.status.success() || out.stdout.len() < 46 {
        bail!("espeak-ng said nothing for `{text}` as {voice}");
    }
    let rate = u32::from_le_bytes([out.stdout[24], out.stdout[25], out.stdout[26], out.stdout[27]]);
    let samples: Vec<f32> =
        out.stdout[44..].chunks_exact(2).map(|b| f32::from(i16::from_le_bytes([b[0], b[1]]))).collect();
    let samples = edgewright_dsp::resample(&samples, 1, f64::from(rate), RATE)
        .map_err(|e| anyhow::anyhow!(e.message))?;
    let top = samples.iter().fold(1.0f32, |m, v| m.max(v.abs()));
    let loud = |v: &f32| v.abs() > 0.02 * top;
    let from = samples.iter().position(loud).unwrap_or(0);
    let to = samples.iter().rposition(loud).unwrap_or(samples.len() - 1);
    Ok(samples[from..=to].iter().map(|v| f64::from(v / top)).collect())
}

/// Adds the echoes of a room: a few early ones and an exponentially fading tail.
fn room(dry: &[f64], s: &mut Source) -> Vec<f64> {
    let fade = s.range(0.02, 0.22);
    let length = (fade * 1.5 * RATE) as usize;
    let wet = s.range(0.05, 0.35);
    let mut answer = vec![0.0; length.max(1)];
    answer[0] = 1.0;
    for _ in 0..6 {
        let at = (s.range(0.002, 0.03) * RATE) as usize;
        if at < length {
            answer[at] += s.range(-0.5, 0.5) * wet;
        }
    }
    // A tail of few, random taps costs little and sounds dense enough.
    for _ in 0..250 {
        let at = s.below(length.max(1));
        answer[at] += wet * 0.12 * s.normal() * libm::exp(-6.9 * at as f64 / length as f64);
    }
    let taps: Vec<(usize, f64)> = answer.iter().copied().enumerate().filter(|(_, a)| *a != 0.0).collect();
    let mut out = vec![0.0; dry.len() + length];
    for (i, x) in dry.iter().enumerate() {
        for (at, a) in &taps {
            out[i + at] += x * a;
        }
    }
    out
}

/// A microphone: low and high frequencies fall off.
fn microphone(x: &mut [f64], s: &mut Source) {
    let (low, high) = (s.range(60.0, 320.0), s.range(3200.0, 7600.0));
    let pole = |f: f64| libm::exp(-std::f64::consts::TAU * f / RATE);
    let (a, b) = (pole(low), pole(high));
    let (mut slow, mut smooth) = (0.0, 0.0);
    for v in x {
        slow = a * slow + (1.0 - a) * *v;
        smooth = b * smooth + (1.0 - b) * (*v - slow);
        *v = smooth;
    }
}

fn background(length: usize, s: &mut Source, babble: &[Vec<f64>]) -> Vec<f64> {
    let kinds = [Colour::White, Colour::Pink, Colour::Pink, Colour::Brown, Colour::Hum];
    match s.below(kinds.len() + 2) {
        k if k < kinds.len() => coloured(kinds[k], length, RATE, s),
        _ => {
            // Several people at once, backwards, so that no word is understood.
            let mut out = vec![0.0; length];
            for _ in 0..5 {
                let voice = &babble[s.below(babble.len())];
                let start = s.below(length);
                for (i, v) in voice.iter().rev().enumerate() {
                    out[(start + i) % length] += v * 3.0;
                }
            }
            out
        }
    }
}

/// Speech (or none) in a clip of `length` samples, as 16-bit values.
fn clip(speech: Option<&[f64]>, length: usize, s: &mut Source, babble: &[Vec<f64>]) -> Vec<i16> {
    let mut x = vec![0.0; length];
    let mut level = 0.12;
    if let Some(speech) = speech {
        let heard = room(speech, s);
        let spare = length.saturating_sub(speech.len());
        let start = s.below(spare.max(1));
        for (i, v) in heard.iter().enumerate().take_while(|(i, _)| start + i < length) {
            x[start + i] += v;
        }
        level = libm::sqrt(speech.iter().map(|v| v * v).sum::<f64>() / speech.len() as f64);
    }
    let ratio_db = if speech.is_some() { s.range(8.0, 32.0) } else { s.range(-6.0, 20.0) };
    let noise = background(length, s, babble);
    let amount = level * libm::exp10(-ratio_db / 20.0);
    for (v, n) in x.iter_mut().zip(&noise) {
        *v += amount * n;
    }
    if speech.is_none() {
        // Clicks and knocks.
        for _ in 0..s.below(4) {
            let (at, size) = (s.below(length), s.range(0.02, 0.4));
            for (i, v) in x[at..].iter_mut().take(160).enumerate() {
                *v += size * s.normal() * libm::exp(-(i as f64) / 30.0);
            }
        }
    }
    microphone(&mut x, s);
    let gain = 32767.0 * s.range(0.08, 0.7);
    x.iter().map(|v| (v * gain).clamp(-32768.0, 32767.0) as i16).collect()
}

/// Writes the clips as FLAC.
///
/// # Errors
/// When espeak-ng or flac is missing or a file cannot be written.
pub fn write(out: &Path, seed: u64) -> Result<()> {
    std::fs::create_dir_all(out)?;
    let babble: Vec<Vec<f64>> =
        ["the weather was fine all week", "please bring me seven apples", "we drove along the river"]
            .iter()
            .enumerate()
            .map(|(i, t)| speak(t, VOICES[i * 5], 50, 160))
            .collect::<Result<_>>()?;
    for (v, voice) in VOICES.iter().enumerate() {
        let mut s = Source::new(seed, v as u64);
        let mut said: Vec<(String, String)> = Vec::new();
        for word in WORDS {
            said.extend((0..TAKES).map(|_| (word.to_owned(), word.to_owned())));
        }
        for k in 0..TAKES {
            said.push(("unknown".into(), OTHERS[(v * TAKES + k) % OTHERS.len()].to_owned()));
        }
        said.extend((0..3).map(|_| ("noise".to_owned(), String::new())));
        for (number, (label, text)) in said.iter().enumerate() {
            let speech = if text.is_empty() {
                None
            } else {
                let (pitch, speed) = (s.below(60) + 20, s.below(110) + 120);
                Some(speak(text, *voice, pitch, speed)?)
            };
            let length = (s.range(0.5, 0.7) * RATE) as usize;
            let length = length.max(speech.as_ref().map_or(0, Vec::len) + 400).min(16_000);
            let speech = speech.as_deref().map(|x| &x[..x.len().min(15_200)]);
            let samples = clip(speech, length, &mut s, &babble);
            let name = format!("{label}.{}-{}.{number:02}", voice.0, voice.1.to_lowercase());
            let wav = encode_wav_pcm16(RATE as u32, 1, &samples).map_err(|e| anyhow::anyhow!(e.message))?;
            let path = out.join(format!("{name}.wav"));
            std::fs::write(&path, wav)?;
            let status = Command::new("flac")
                .args([
                    "--best",
                    "--silent",
                    "--force",
                    "--delete-input-file",
                    "--no-padding",
                    "--no-seektable",
                ])
                .arg(&path)
                .status()
                .context("flac could not be started; install it with: apt-get install flac")?;
            if !status.success() {
                bail!("flac could not write {}", path.display());
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_room_answers_after_the_sound() {
        let mut s = Source::new(1, 1);
        let heard = room(&[1.0], &mut s);
        assert!(heard.len() > 100 && (heard[0] - 1.0).abs() < 0.5);
        assert!(heard[1..].iter().any(|v| *v != 0.0));
    }

    #[test]
    fn noise_has_its_loudness_and_the_seed_decides_it() {
        for colour in [Colour::White, Colour::Pink, Colour::Brown, Colour::Hum] {
            let make = || coloured(colour, 4000, RATE, &mut Source::new(3, 5));
            let power = make().iter().map(|v| v * v).sum::<f64>() / 4000.0;
            assert!((power - 1.0).abs() < 1e-9, "{colour:?}: {power}");
            assert_eq!(make(), make());
        }
    }
}
