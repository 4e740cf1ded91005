//! Resizing of images.

use super::{Attribute, Importer, RawNode};
use crate::{
    extra::Sampling,
    graph::Op,
    import::{ImportError, shape},
};

/// How a place in the output becomes one in the input.
#[derive(Clone, Copy, PartialEq)]
enum Coordinates {
    HalfPixel,
    /// The same, and 0 in an output of one pixel.
    PytorchHalfPixel,
    AlignCorners,
    Asymmetric,
}

/// Which pixel is the nearest.
#[derive(Clone, Copy)]
enum Rounding {
    PreferFloor,
    PreferCeil,
    Floor,
    Ceil,
}

/// One axis: its extents and output pixels per input pixel.
#[derive(Clone, Copy)]
struct Axis {
    from: usize,
    to: usize,
    scale: f32,
}

impl Axis {
    /// The pixel of the input that each of the output is; in single precision, as ONNX Runtime computes it.
    fn nearest(&self, coordinates: Coordinates, rounding: Rounding) -> Vec<usize> {
        let place = |i: usize| -> f32 {
            let half = (i as f32 + 0.5) / self.scale - 0.5;
            let at = match coordinates {
                Coordinates::AlignCorners if self.to == 1 => 0.0,
                Coordinates::AlignCorners => (i * (self.from - 1)) as f32 / (self.to - 1) as f32,
                Coordinates::Asymmetric => i as f32 / self.scale,
                Coordinates::PytorchHalfPixel if self.to == 1 => 0.0,
                Coordinates::HalfPixel | Coordinates::PytorchHalfPixel => half,
            };
            match rounding {
                Rounding::PreferFloor => (at - 0.5).ceil(),
                Rounding::PreferCeil => (at + 0.5).floor(),
                Rounding::Floor => at.floor(),
                Rounding::Ceil => at.ceil(),
            }
        };
        // What lies outside, and what is no number, becomes a pixel of the border.
        (0..self.to).map(|i| (place(i).max(0.0) as usize).min(self.from - 1)).collect()
    }

    /// Whether the scale is what the extents say, as far as single precision tells.
    fn by_extents(&self) -> bool {
        let ratio = self.to as f32 / self.from as f32;
        (ratio - self.scale).abs() <= 1e-6 * ratio
    }
}

impl Importer {
    pub(super) fn resize(&mut self, node: &RawNode) -> Result<(), ImportError> {
        let v = self.value(self.arg(node, 0)?)?;
        let (c, h, w) = match *v.shape.as_slice() {
            [1, c, h, w] => (c, h, w),
            [1, c, w] => (c, 1, w),
            _ => {
                return self
                    .b
                    .fail(format!("its input is {:?}, expected [1, channels, (height,) width]", v.shape));
            }
        };
        let rank = v.shape.len();
        let text = |name: &str, default: &'static str| match node.attributes.get(name) {
            Some(Attribute::Text(t)) => t.clone(),
            _ => default.into(),
        };
        let coordinates = match text("coordinate_transformation_mode", "half_pixel").as_str() {
            "half_pixel" => Coordinates::HalfPixel,
            "pytorch_half_pixel" => Coordinates::PytorchHalfPixel,
            "align_corners" => Coordinates::AlignCorners,
            "asymmetric" => Coordinates::Asymmetric,
            other => return self.b.fail(format!("{other} is not supported; use half_pixel")),
        };
        let rounding = match text("nearest_mode", "round_prefer_floor").as_str() {
            "round_prefer_floor" => Rounding::PreferFloor,
            "round_prefer_ceil" => Rounding::PreferCeil,
            "floor" => Rounding::Floor,
            "ceil" => Rounding::Ceil,
            other => return self.b.fail(format!("the nearest_mode {other} is not known")),
        };
        let nearest = match text("mode", "nearest").as_str() {
            "nearest" => true,
            "linear" => false,
            other => {
                return self.b.fail(format!("the mode {other} is not supported; nearest and linear are"));
            }
        };
        let all = self.ints(node, "axes").is_none_or(|axes| axes.iter().copied().eq(0..rank as i64));
        let stretched = text("keep_aspect_ratio_policy", "stretch") == "stretch";
        if !all || !stretched || self.int(node, "antialias", 0) != 0 {
            return self.b.fail("axes, keep_aspect_ratio_policy and antialias are not supported");
        }
        let (mut to, mut scales): (Vec<usize>, Vec<f32>) = if self.given(node, 3) {
            let sizes = self.int_constant(self.arg(node, 3)?)?;
            let sizes: Vec<usize> = sizes.iter().map(|&s| usize::try_from(s).unwrap_or(0)).collect();
            let scales = sizes.iter().zip(&v.shape).map(|(&to, &from)| to as f32 / from as f32).collect();
            (sizes, scales)
        } else {
            let (scales, _) = self.float_constant(self.arg(node, 2)?)?;
            (v.shape.iter().zip(&scales).map(|(&d, s)| (d as f32 * s) as usize).collect(), scales)
        };
        let file = to.clone();
        if rank == 3 && to.len() == 3 && scales.len() == 3 {
            to.insert(2, 1);
            scales.insert(2, 1.0);
        }
        let fits = matches!(to.as_slice(), &[1, k, y, x] if k == c && y > 0 && x > 0) && scales.len() == 4;
        if !fits || shape::count(&to).is_none() || h == 0 || w == 0 {
            return self.b.fail(format!("{:?} to {to:?} is not supported", v.shape));
        }
        let rows = Axis { from: h, to: to[2], scale: scales[2] };
        let columns = Axis { from: w, to: to[3], scale: scales[3] };
        let mut v = self.last(&v)?;
        if self.b.tensor(v.id).shape != [h, w, c] {
            v.id = self.b.make(Op::Reshape, vec![v.id], v.id, &[h, w, c]);
        }
        if nearest {
            let places = [rows, columns].map(|a| a.nearest(coordinates, rounding));
            let factors = [to[2] / h, to[3] / w];
            let repeats = |a: usize, from: usize| {
                places[a].len() == from * factors[a]
                    && places[a].iter().enumerate().all(|(i, p)| *p == i / factors[a])
            };
            let id = if repeats(0, h) && repeats(1, w) {
                let (row, pixel) = ((w * c) as isize, c as isize);
                self.b.view(v.id, vec![h, factors[0], w, factors[1], c], vec![row, 0, pixel, 0, 1], 0)?
            } else {
                let id = self.b.pick(v.id, &[h, w, c], 0, &places[0])?;
                self.b.pick(id, &[to[2], w, c], 1, &places[1])?
            };
            let id = self.b.make(Op::Reshape, vec![id], id, &[to[2], to[3], c]);
            return self.give(node, id, file, true);
        }
        // The kernel takes the step from pixel to pixel from the extents.
        if coordinates != Coordinates::AlignCorners && !(rows.by_extents() && columns.by_extents()) {
            return self.b.fail(format!(
                "{h} x {w} to {} x {} is not what its scales {scales:?} say; export it with sizes",
                to[2], to[3]
            ));
        }
        let one = |a: Axis| a.to == 1 && a.from > 1;
        if coordinates == Coordinates::PytorchHalfPixel && (one(rows) || one(columns)) {
            return self.b.fail("pytorch_half_pixel to one pixel is not supported; use half_pixel");
        }
        let sampling = match coordinates {
            Coordinates::AlignCorners => Sampling { align_corners: true, half_pixel: false },
            Coordinates::Asymmetric => Sampling::default(),
            Coordinates::HalfPixel | Coordinates::PytorchHalfPixel => {
                Sampling { align_corners: false, half_pixel: true }
            }
        };
        let id = self.b.make(Op::ResizeBilinear { sampling }, vec![v.id], v.id, &[to[2], to[3], c]);
        self.give(node, id, file, true)
    }
}
