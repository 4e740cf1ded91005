//! Boxes around objects in pictures, as other programs write them down beside the pictures.
//!
//! A reader takes what a document says; [`Annotated::fit`] then holds it against the picture. A box that cannot be one is left out
//! with a reason, and the others stay.

mod coco;
mod lists;
mod voc;
mod xml;
mod yolo;

pub use coco::parse_coco;
pub use lists::{parse_box_table, parse_create_ml};
pub use voc::parse_voc;
pub use yolo::{parse_yolo, parse_yolo_names};

use crate::{
    SampleError,
    labels::{BoundingBox, validate_label},
};

/// Boxes in one document, at most.
const MOST: usize = 10_000;

/// What a document says of one picture.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Annotated {
    /// Name of the picture as it is written there; empty when the document is named like it.
    pub file: String,
    /// As they are written, in their order; some may be no boxes at all.
    pub boxes: Vec<BoundingBox>,
    /// Whether they are in shares of the picture's sides instead of pixels.
    pub relative: bool,
    /// What could not be read as a box.
    pub unread: Vec<String>,
}

/// The boxes of a picture.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Fitted {
    /// In pixels and inside the picture, each with a width and a height above 0.
    pub boxes: Vec<BoundingBox>,
    /// Which were left out (counted from 1) and why.
    pub refused: Vec<String>,
}

impl Annotated {
    /// The boxes of a picture of this size. What reaches over its edges is cut off.
    pub fn fit(&self, width: usize, height: usize) -> Fitted {
        let (width, height) = (width as f64, height as f64);
        let mut out = Fitted { refused: self.unread.clone(), ..Fitted::default() };
        for (n, b) in self.boxes.iter().enumerate() {
            let mut b = b.clone();
            if self.relative {
                (b.x, b.width) = (b.x * width, b.width * width);
                (b.y, b.height) = (b.y * height, b.height * height);
            }
            match inside(b, width, height) {
                Ok(b) => out.boxes.push(b),
                Err(reason) => out.refused.push(format!("box {} {reason}", n + 1)),
            }
        }
        out
    }
}

/// A box cut at the edges of its picture.
fn inside(b: BoundingBox, width: f64, height: f64) -> Result<BoundingBox, String> {
    validate_label(&b.label).map_err(|e| format!("has no usable label: {}", e.message))?;
    if ![b.x, b.y, b.width, b.height].iter().all(|v| v.is_finite()) {
        return Err(format!("(`{}`) has a side that is no number", b.label));
    }
    if b.width <= 0.0 || b.height <= 0.0 {
        return Err(format!("(`{}`) is {} x {} pixels", b.label, b.width, b.height));
    }
    let (left, top) = (b.x.max(0.0), b.y.max(0.0));
    let (right, bottom) = ((b.x + b.width).min(width), (b.y + b.height).min(height));
    if right <= left || bottom <= top {
        return Err(format!("(`{}`) lies outside the picture of {width} x {height} pixels", b.label));
    }
    Ok(BoundingBox { x: left, y: top, width: right - left, height: bottom - top, label: b.label })
}

fn error(message: String) -> SampleError {
    SampleError::new("box_file", message)
}

/// Refuses a document with absurdly many boxes.
fn bounded(what: &str, count: usize) -> Result<(), SampleError> {
    if count > MOST {
        return Err(error(format!("{what}: {count} boxes of one picture; at most {MOST} are read")));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(label: &str, [x, y, width, height]: [f64; 4]) -> BoundingBox {
        BoundingBox { label: label.into(), x, y, width, height }
    }

    #[test]
    fn what_is_no_box_is_left_out_with_its_reason() {
        let said = Annotated {
            boxes: vec![
                of("cell", [1.0, 2.0, 3.0, 4.0]),
                of("cell", [5.0, 5.0, 0.0, 4.0]),
                of("cell", [-5.0, 90.0, 10.0, 20.0]),
                of("cell", [100.0, 0.0, 5.0, 5.0]),
                of("a/b", [1.0, 1.0, 2.0, 2.0]),
                of("cell", [f64::NAN, 1.0, 2.0, 2.0]),
            ],
            ..Annotated::default()
        };
        let fitted = said.fit(100, 100);
        assert_eq!(fitted.boxes, [of("cell", [1.0, 2.0, 3.0, 4.0]), of("cell", [0.0, 90.0, 5.0, 10.0])]);
        let expected = [
            "box 2 (`cell`) is 0 x 4 pixels",
            "box 4 (`cell`) lies outside",
            "box 5 has no usable label",
            "box 6",
        ];
        assert_eq!(fitted.refused.len(), expected.len());
        for (told, start) in fitted.refused.iter().zip(expected) {
            assert!(told.starts_with(start), "{told}");
        }
    }

    #[test]
    fn shares_become_pixels() {
        let said = Annotated {
            boxes: vec![of("a", [0.25, 0.5, 0.5, 0.25])],
            relative: true,
            ..Annotated::default()
        };
        assert_eq!(said.fit(200, 40).boxes, [of("a", [50.0, 20.0, 100.0, 10.0])]);
    }
}
