//! Pictures of coloured shapes on a noisy ground, with the box of each: something to find whose place is known.

use crate::noise::Source;
use anyhow::{Context, Result};
use edgewright_sample::{Image, encode::encode_png};
use std::{ops::Range, path::Path};

/// Shapes, each in about one colour.
pub const SHAPES: [&str; 3] = ["circle", "cross", "square"];
/// Columns and rows of a picture.
pub const SIZE: [usize; 2] = [128, 96];
/// Pictures that train and pictures that test.
const COUNT: [u64; 2] = [240, 60];

/// A shape in a picture.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Placed {
    /// Place in [`SHAPES`].
    pub shape: usize,
    /// Left edge.
    pub x: usize,
    /// Upper edge.
    pub y: usize,
    /// Both sides.
    pub side: usize,
}

/// Picture number `n`: its pixels (red, green, blue) and what is in it, none to five shapes that do not touch.
pub fn picture(seed: u64, n: u64) -> (Image, Vec<Placed>) {
    let mut s = Source::new(seed, 5000 + n);
    let [width, height] = SIZE;
    let ground: [f64; 3] = [(); 3].map(|()| s.range(60.0, 190.0));
    let slope = [s.range(-0.3, 0.3), s.range(-0.3, 0.3)];
    let mut placed: Vec<Placed> = Vec::new();
    let wanted = s.below(6);
    for _ in 0..20 {
        if placed.len() == wanted {
            break;
        }
        let side = 13 + s.below(10);
        let (x, y) = (s.below(width - side), s.below(height - side));
        let far = |p: &Placed| {
            x > p.x + p.side + 4 || p.x > x + side + 4 || y > p.y + p.side + 4 || p.y > y + side + 4
        };
        if placed.iter().all(far) {
            placed.push(Placed { shape: s.below(3), x, y, side });
        }
    }
    let colours: Vec<[f64; 3]> = placed
        .iter()
        .map(|p| {
            let base = [[200.0, 60.0, 60.0], [60.0, 190.0, 80.0], [70.0, 90.0, 210.0]][p.shape];
            base.map(|c| c + s.range(-35.0, 35.0))
        })
        .collect();
    let mut pixels = Vec::with_capacity(width * height * 3);
    for y in 0..height {
        for x in 0..width {
            let inside = placed.iter().position(|p| covers(p, x, y));
            let light = slope[0] * x as f64 + slope[1] * y as f64;
            for (c, base) in ground.iter().enumerate() {
                let value = inside.map_or(base + light, |i| colours[i][c]);
                pixels.push((value + 12.0 * s.normal()).round().clamp(0.0, 255.0) as u8);
            }
        }
    }
    (Image { width, height, channels: 3, pixels }, placed)
}

/// Whether a shape covers a pixel.
fn covers(p: &Placed, x: usize, y: usize) -> bool {
    let half = p.side as f64 / 2.0;
    let (dx, dy) = (x as f64 + 0.5 - p.x as f64 - half, y as f64 + 0.5 - p.y as f64 - half);
    let (ax, ay) = (dx.abs(), dy.abs());
    if ax > half || ay > half {
        return false;
    }
    match SHAPES[p.shape] {
        "circle" => dx * dx + dy * dy <= half * half,
        "cross" => ax.min(ay) <= half / 3.0,
        _ => true,
    }
}

/// Writes `training/` and `testing/`, each with pictures and a `bounding_boxes.labels`.
///
/// # Errors
/// Those of the file system.
pub fn write(out: &Path, seed: u64) -> Result<()> {
    write_some(&out.join("training"), seed, 0..COUNT[0])?;
    write_some(&out.join("testing"), seed, COUNT[0]..COUNT[0] + COUNT[1])
}

/// Writes some pictures of a seed and their `bounding_boxes.labels` to a folder.
///
/// # Errors
/// Those of the file system.
pub fn write_some(folder: &Path, seed: u64, numbers: Range<u64>) -> Result<()> {
    std::fs::create_dir_all(folder).with_context(|| folder.display().to_string())?;
    let put = |name: &str, bytes: &[u8]| {
        let path = folder.join(name);
        std::fs::write(&path, bytes).with_context(|| path.display().to_string())
    };
    let mut files = Vec::new();
    for n in numbers {
        let (image, placed) = picture(seed, n);
        let name = format!("shapes.{n:03}.png");
        put(&name, &encode_png(&image)?)?;
        let boxes: Vec<String> = placed
            .iter()
            .map(|p| {
                let (label, side) = (SHAPES[p.shape], p.side);
                format!(
                    "{{\"label\":\"{label}\",\"x\":{},\"y\":{},\"width\":{side},\"height\":{side}}}",
                    p.x, p.y
                )
            })
            .collect();
        files.push(format!("\"{name}\":[{}]", boxes.join(",")));
    }
    let head = "{\"version\":1,\"type\":\"bounding-box-labels\",\"boundingBoxes\":{\n";
    put("bounding_boxes.labels", format!("{head}{}\n}}}}\n", files.join(",\n")).as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn boxes_hold_their_shapes_and_the_seed_decides_all() {
        let mut seen = [0; 3];
        for n in 0..40 {
            let (image, placed) = picture(3, n);
            assert_eq!((image.clone(), placed.clone()), picture(3, n));
            for p in &placed {
                seen[p.shape] += 1;
                assert!(p.x + p.side <= SIZE[0] && p.y + p.side <= SIZE[1]);
                // Every row and column of the box holds some of the shape.
                for k in 0..p.side {
                    assert!((p.x..p.x + p.side).any(|x| covers(p, x, p.y + k)));
                    assert!((p.y..p.y + p.side).any(|y| covers(p, p.x + k, y)));
                }
            }
        }
        assert!(seen.iter().all(|n| *n > 10), "{seen:?}");
        assert_ne!(picture(3, 1).0, picture(4, 1).0);
    }
}
