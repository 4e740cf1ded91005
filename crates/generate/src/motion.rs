//! A simulated 3-axis accelerometer in a hand: a rigid body follows a path and turns; the sensor feels its acceleration
//! less gravity, in its own frame, with bias and noise.
//!
//! Convention: at rest, level, the sensor reads +9.81 m/s2 on its z axis.

use crate::noise::Source;
use anyhow::{Context, Result};
use std::{f64::consts::TAU, path::Path};

/// Frames per second.
const RATE_HZ: f64 = 62.5;
/// Frames of a recording: 10 s.
const FRAMES: usize = 625;
/// Standard gravity.
const GRAVITY: f64 = 9.806_65;

/// Gestures that train.
pub const GESTURES: [&str; 4] = ["circle", "idle", "updown", "wave"];
/// Motions that never train.
pub const ANOMALIES: [&str; 3] = ["drop", "knock", "shake"];

type Vector = [f64; 3];

/// A person: how fast, how far, how the device is held.
struct User {
    tempo: f64,
    size: f64,
    tilt: Vector,
    bias: Vector,
    noise: f64,
}

impl User {
    fn new(seed: u64, number: u64) -> Self {
        let mut s = Source::new(seed, 1000 + number);
        Self {
            tempo: s.range(0.8, 1.25),
            size: s.range(0.75, 1.3),
            tilt: [s.range(-0.25, 0.25), s.range(-0.25, 0.25), s.range(-0.4, 0.4)],
            bias: [s.range(-0.12, 0.12), s.range(-0.12, 0.12), s.range(-0.12, 0.12)],
            noise: s.range(0.03, 0.07),
        }
    }
}

/// Position and orientation (three angles, turned about x, then y, then z) at a time.
struct Pose {
    position: Vector,
    angles: Vector,
}

/// One motion with the choices of this recording.
struct Motion {
    kind: &'static str,
    tempo: f64,
    size: f64,
    phase: f64,
    wander: [f64; 6],
    events: Vec<f64>,
}

impl Motion {
    fn pose(&self, t: f64, tilt: &Vector) -> Pose {
        // The hand is never quite still, and no two rounds are alike.
        let drift = |i: usize, amount: f64| {
            amount
                * (libm::sin(TAU * 0.13 * t + self.wander[i])
                    + 0.6 * libm::sin(TAU * 0.31 * t + 2.0 * self.wander[(i + 1) % 6]))
        };
        let beat = TAU * self.tempo * t + self.phase + drift(0, 0.35);
        let size = self.size * (1.0 + drift(1, 0.08));
        let mut position = [drift(2, 0.004), drift(3, 0.004), drift(4, 0.004)];
        let mut angles = [tilt[0] + drift(5, 0.03), tilt[1] + drift(2, 0.03), tilt[2] + drift(3, 0.03)];
        match self.kind {
            "wave" => {
                position[0] += 0.12 * size * libm::sin(beat * 1.6);
                angles[1] += 0.35 * size * libm::sin(beat * 1.6 + 0.3);
            }
            "updown" => {
                position[2] += 0.14 * size * libm::sin(beat);
                angles[0] += 0.08 * libm::sin(beat + 1.0);
            }
            "circle" => {
                position[0] += 0.13 * size * libm::cos(beat);
                position[1] += 0.13 * size * libm::sin(beat);
                angles[2] += 0.15 * libm::sin(beat);
            }
            "shake" => {
                for (i, p) in position.iter_mut().enumerate() {
                    *p += 0.025 * size * libm::sin(beat * 5.5 + i as f64 * 1.9);
                }
            }
            "drop" => {
                // A free fall of a quarter of a second, then a soft catch.
                for start in &self.events {
                    let s = t - start;
                    if (0.0..0.25).contains(&s) {
                        position[2] -= 0.5 * GRAVITY * s * s;
                    } else if (0.25..0.75).contains(&s) {
                        let rest = (s - 0.25) / 0.5;
                        position[2] -=
                            0.5 * GRAVITY * 0.0625 * (1.0 - rest) * (1.0 - rest) * (1.0 + 10.0 * rest);
                    }
                }
            }
            "knock" => {
                for start in &self.events {
                    let s = t - start;
                    if s >= 0.0 {
                        position[0] += 0.0022 * size * libm::exp(-s * 22.0) * libm::sin(TAU * 17.0 * s);
                    }
                }
            }
            _ => {}
        }
        Pose { position, angles }
    }
}

/// Turns a vector of the world into the frame of the body.
fn into_body(v: Vector, angles: &Vector) -> Vector {
    let turn = |a: f64| (libm::sin(a), libm::cos(a));
    let ((sx, cx), (sy, cy), (sz, cz)) = (turn(angles[0]), turn(angles[1]), turn(angles[2]));
    // The inverse of Rz Ry Rx.
    let v = [cz * v[0] + sz * v[1], -sz * v[0] + cz * v[1], v[2]];
    let v = [cy * v[0] - sy * v[2], v[1], sy * v[0] + cy * v[2]];
    [v[0], cx * v[1] + sx * v[2], -sx * v[1] + cx * v[2]]
}

/// One recording: rows of x, y, z in m/s2.
pub fn recording(kind: &'static str, seed: u64, user: u64, number: u64) -> Vec<Vector> {
    let person = User::new(seed, user);
    let name = kind.bytes().fold(17u64, |h, b| h.wrapping_mul(31).wrapping_add(u64::from(b)));
    let mut s = Source::new(seed, name.wrapping_mul(1_000_003).wrapping_add(user * 977 + number));
    let motion = Motion {
        kind,
        tempo: person.tempo * s.range(0.9, 1.1),
        size: person.size * s.range(0.85, 1.15),
        phase: s.range(0.0, TAU),
        wander: std::array::from_fn(|_| s.range(0.0, TAU)),
        events: (0..6).map(|i| 0.7 + 1.55 * f64::from(i) + s.range(0.0, 0.5)).collect(),
    };
    let h = 1.0 / RATE_HZ / 4.0;
    (0..FRAMES)
        .map(|i| {
            let t = i as f64 / RATE_HZ;
            let at = |t: f64| motion.pose(t, &person.tilt);
            let (before, now, after) = (at(t - h), at(t), at(t + h));
            let feel: Vector = std::array::from_fn(|k| {
                let a = (before.position[k] - 2.0 * now.position[k] + after.position[k]) / (h * h);
                a + if k == 2 { GRAVITY } else { 0.0 }
            });
            let body = into_body(feel, &now.angles);
            // A range of 4 g, as such sensors are set.
            std::array::from_fn(|k| {
                (body[k] + person.bias[k] + person.noise * s.normal()).clamp(-4.0 * GRAVITY, 4.0 * GRAVITY)
            })
        })
        .collect()
}

/// The recording as CSV with a time in ms.
pub fn csv(rows: &[Vector]) -> String {
    let mut out = String::from("timestamp,accX (m/s2),accY (m/s2),accZ (m/s2)\n");
    for (i, [x, y, z]) in rows.iter().enumerate() {
        out.push_str(&format!("{},{x:.3},{y:.3},{z:.3}\n", i * 16));
    }
    out
}

/// Writes `recordings/` (four gestures of eight users, four times each, less one in four of the idle ones) and
/// `anomalies/` (three kinds of three users).
///
/// # Errors
/// The system's.
pub fn write(out: &Path, seed: u64) -> Result<()> {
    let save = |folder: &str, kind: &'static str, user: u64, number: u64| -> Result<()> {
        let folder = out.join(folder);
        std::fs::create_dir_all(&folder)?;
        let path = folder.join(format!("{kind}.user{user}.{number:02}.csv"));
        std::fs::write(&path, csv(&recording(kind, seed, user, number)))
            .with_context(|| path.display().to_string())
    };
    for kind in GESTURES {
        for user in 0..8 {
            for number in 0..2 {
                save("recordings", kind, user, number)?;
            }
        }
    }
    for kind in ANOMALIES {
        for user in [2, 5, 7] {
            save("anomalies", kind, user, 0)?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_seed_decides_every_byte() {
        assert_eq!(csv(&recording("wave", 1, 0, 0)), csv(&recording("wave", 1, 0, 0)));
        assert_ne!(recording("wave", 1, 0, 0), recording("wave", 1, 1, 0));
        assert_ne!(recording("wave", 1, 0, 0), recording("wave", 2, 0, 0));
    }

    #[test]
    fn at_rest_only_gravity_is_felt() {
        let rows = recording("idle", 1, 3, 0);
        let mean =
            rows.iter().map(|r| libm::sqrt(r.iter().map(|v| v * v).sum())).sum::<f64>() / rows.len() as f64;
        assert!((mean - GRAVITY).abs() < 0.4, "{mean}");
    }

    #[test]
    fn a_fall_is_nearly_weightless() {
        let rows = recording("drop", 1, 2, 0);
        let least = rows.iter().map(|r| libm::sqrt(r.iter().map(|v| v * v).sum())).fold(f64::MAX, f64::min);
        assert!(least < 2.0, "{least}");
    }

    #[test]
    fn turning_keeps_lengths() {
        let v = into_body([1.0, 2.0, 3.0], &[0.3, -0.7, 1.9]);
        assert!((v.iter().map(|x| x * x).sum::<f64>() - 14.0).abs() < 1e-12);
    }
}
