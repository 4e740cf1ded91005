//! Boxes around the objects of a picture.

use crate::EngineError;
use edgewright_etl::Placement;
use edgewright_sample::{boxes::Annotated, labels, labels::BoundingBox};
use edgewright_store::SampleRow;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// A labelled rectangle, in pixels of the picture as received.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LabelBox {
    // First, so that a label can be found in the stored text.
    /// Its label.
    pub label: String,
    /// Left edge.
    pub x: f64,
    /// Upper edge.
    pub y: f64,
    /// Above 0.
    pub width: f64,
    /// Above 0.
    pub height: f64,
}

impl From<BoundingBox> for LabelBox {
    fn from(b: BoundingBox) -> Self {
        Self { label: b.label, x: b.x, y: b.y, width: b.width, height: b.height }
    }
}

/// Boxes of one picture, in pixels.
///
/// # Errors
/// [`EngineError::Data`] when the text is no list of boxes.
pub fn list(text: &[u8]) -> Result<Annotated, EngineError> {
    let boxes = labels::parse_box_list(text).map_err(|e| EngineError::Data(e.message))?;
    Ok(Annotated { boxes, ..Annotated::default() })
}

/// Reads `bounding_boxes.labels`: boxes by the name of their file.
///
/// # Errors
/// [`EngineError::Data`] naming the file and what is wrong.
pub fn sidecar(text: &[u8]) -> Result<BTreeMap<String, Annotated>, EngineError> {
    let files = labels::parse_bounding_boxes(text).map_err(|e| EngineError::Data(e.message))?;
    Ok(files.into_iter().map(|(file, boxes)| (file, Annotated { boxes, ..Annotated::default() })).collect())
}

/// Boxes as the store keeps them.
pub(crate) fn to_json(boxes: &[LabelBox]) -> Result<String, EngineError> {
    serde_json::to_string(boxes).map_err(|e| EngineError::Internal(e.to_string()))
}

/// The boxes of a row; `None` where nobody looked for any.
///
/// # Errors
/// [`EngineError::Internal`] when the row was written by something else.
pub fn of_row(row: &SampleRow) -> Result<Option<Vec<LabelBox>>, EngineError> {
    row.boxes_json.as_deref().map(|text| parse(text, &row.id)).transpose()
}

pub(crate) fn parse(text: &str, id: &str) -> Result<Vec<LabelBox>, EngineError> {
    serde_json::from_str(text).map_err(|e| EngineError::Internal(format!("boxes of sample {id}: {e}")))
}

/// Labels of some boxes, each once, in order.
pub fn names(boxes: Option<&[LabelBox]>) -> BTreeSet<&str> {
    boxes.unwrap_or_default().iter().map(|b| b.label.as_str()).collect()
}

/// The label of most boxes; the first in order when two have as many.
pub fn main_label(boxes: Option<&[LabelBox]>) -> Option<&str> {
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    for b in boxes? {
        *counts.entry(&b.label).or_default() += 1;
    }
    counts.into_iter().max_by_key(|(label, n)| (*n, std::cmp::Reverse(*label))).map(|(label, _)| label)
}

/// Boxes that people sent for a picture of this size.
///
/// # Errors
/// The first that cannot be one, in words.
pub fn checked(boxes: Vec<LabelBox>, [width, height]: [usize; 2]) -> Result<Vec<LabelBox>, String> {
    let boxes = boxes
        .into_iter()
        .map(|b| BoundingBox { label: b.label, x: b.x, y: b.y, width: b.width, height: b.height })
        .collect();
    let fitted = Annotated { boxes, ..Annotated::default() }.fit(width, height);
    match fitted.refused.into_iter().next() {
        Some(reason) => Err(reason),
        None => Ok(fitted.boxes.into_iter().map(Into::into).collect()),
    }
}

/// Boxes on a picture that was brought to another size. One whose centre is no longer in it goes; the others are cut at its edges.
pub(crate) fn placed(
    boxes: &[LabelBox],
    placement: &Placement,
    [width, height]: [usize; 2],
) -> Vec<LabelBox> {
    let (width, height) = (width as f64, height as f64);
    boxes
        .iter()
        .filter_map(|b| {
            let [x, y, w, h] = placement.place([b.x, b.y, b.width, b.height]);
            let inside = (0.0..width).contains(&(x + w / 2.0)) && (0.0..height).contains(&(y + h / 2.0));
            // Start and length of what lies inside.
            let cut = |start: f64, length: f64, side: f64| match start >= 0.0 && start + length <= side {
                true => (start, length),
                false => (start.max(0.0), (start + length).min(side) - start.max(0.0)),
            };
            let ((x, width), (y, height)) = (cut(x, w, width), cut(y, h, height));
            inside.then(|| LabelBox { label: b.label.clone(), x, y, width, height })
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use edgewright_sample::Fit;

    fn of(label: &str, x: f64) -> LabelBox {
        LabelBox { label: label.into(), x, y: 10.0, width: 4.0, height: 8.0 }
    }

    #[test]
    fn boxes_follow_the_picture() {
        let on = |from, to, fit, x| placed(&[of("a", x)], &Placement::new(from, to, fit), to);
        let expected = |x, y, width, height| [LabelBox { label: "a".into(), x, y, width, height }];
        assert_eq!(on([200, 40], [100, 10], Fit::Squash, 20.0), expected(10.0, 2.5, 2.0, 2.0));
        // The middle 40 of 200 columns are kept, or 16 of 20 rows are black.
        assert_eq!(on([200, 40], [20, 20], Fit::FitShortest, 20.0), []);
        assert_eq!(on([200, 40], [20, 20], Fit::FitShortest, 79.0), expected(0.0, 5.0, 1.5, 4.0));
        assert_eq!(on([200, 40], [20, 20], Fit::FitLongest, 20.0), expected(2.0, 9.0, 0.4, 0.8));
    }

    #[test]
    fn what_people_send_is_checked() {
        assert_eq!(checked(vec![of("a", 3.0)], [20, 20]).unwrap(), [of("a", 3.0)]);
        assert!(checked(vec![of("a", 30.0)], [20, 20]).unwrap_err().contains("outside"));
        assert!(checked(vec![of("", 3.0)], [20, 20]).unwrap_err().contains("label"));
    }

    #[test]
    fn the_most_frequent_label_is_the_main_one() {
        let boxes = [of("b", 0.0), of("a", 1.0), of("b", 2.0)];
        assert_eq!(main_label(Some(&boxes)), Some("b"));
        assert_eq!((main_label(Some(&[])), main_label(None)), (None, None));
        assert!(to_json(&boxes).unwrap().contains(&super::super::ranges::needle("a").unwrap()));
    }
}
