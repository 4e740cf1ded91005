//! What becomes of the cells of a picture: boxes around objects.

use super::detect::{Detection, merge};
use serde::{Deserialize, Serialize};

/// How the scores of cells become boxes.
///
/// A network that looks at a picture of `width` x `height` pixels gives scores for `rows` x `columns` cells: the background, then each
/// label. Cells of one label that score at least `threshold` and touch become one box, as [`super::detect::fomo_decode`] has it.
/// A network learns centres, not extents: where objects of a label have a usual size, a smaller box is drawn that large about its centre.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Detector {
    /// In the order of the scores behind the background's.
    pub labels: Vec<String>,
    /// Cells from top to bottom.
    pub rows: usize,
    /// Cells from left to right.
    pub columns: usize,
    /// Of the picture, in pixels.
    pub width: u32,
    /// Of the picture, in pixels.
    pub height: u32,
    /// Score from which a cell counts, 0..1.
    pub threshold: f32,
    /// Width and height of a usual object of each label in pixels; 0 for boxes as large as their cells.
    pub sizes: Vec<[u32; 2]>,
}

impl Detector {
    /// Scores of a picture: `rows * columns * (labels + 1)`.
    pub fn scores(&self) -> usize {
        self.rows * self.columns * (self.labels.len() + 1)
    }

    /// Boxes of a picture, at most. More than that do not lie apart from each other; those that come last are left out.
    pub fn most(&self) -> usize {
        self.labels.len() * self.rows.div_ceil(2) * self.columns.div_ceil(2)
    }

    /// Width and height of a cell in pixels.
    pub fn cell(&self) -> [u32; 2] {
        [self.width / self.columns.max(1) as u32, self.height / self.rows.max(1) as u32]
    }

    /// What is wrong with it.
    pub fn problem(&self) -> Option<String> {
        let side = |n: u32, cells: usize| cells > 0 && n as usize >= cells && n <= 4096;
        if self.labels.is_empty() || self.labels.len() > 1000 {
            return Some(format!("{} labels; there must be 1 to 1000", self.labels.len()));
        }
        if !side(self.width, self.columns) || !side(self.height, self.rows) {
            return Some(format!(
                "{} x {} cells do not fit a picture of {} x {} pixels",
                self.columns, self.rows, self.width, self.height
            ));
        }
        if self.sizes.len() != self.labels.len() || self.sizes.iter().flatten().any(|s| *s > 4096) {
            return Some("each label needs a usual size of at most 4096 pixels".into());
        }
        (!self.threshold.is_finite()).then(|| "the threshold is no number".to_owned())
    }

    /// Boxes out of the scores of all cells, row by row.
    ///
    /// # Errors
    /// A sentence when there are not [`Self::scores`] of them.
    pub fn boxes(&self, scores: &[f32]) -> Result<Vec<Detection>, String> {
        if scores.len() != self.scores() {
            return Err(format!("{} scores instead of {}", scores.len(), self.scores()));
        }
        let mut first: Vec<Detection> = Vec::new();
        for (cell, scores) in scores.chunks_exact(self.labels.len() + 1).enumerate() {
            for (label, &value) in scores[1..].iter().enumerate() {
                if value >= self.threshold {
                    let (x, y) = ((cell % self.columns) as u32, (cell / self.columns) as u32);
                    merge(&mut first, Detection { label, x, y, width: 1, height: 1, value }, self.most());
                }
            }
        }
        let mut boxes = Vec::new();
        for b in first {
            merge(&mut boxes, b, self.most());
        }
        let [w, h] = self.cell();
        for b in &mut boxes {
            let [usual_w, usual_h] = self.sizes[b.label];
            (b.x, b.width) = extent(b.x * w, b.width * w, usual_w, self.width);
            (b.y, b.height) = extent(b.y * h, b.height * h, usual_h, self.height);
        }
        Ok(boxes)
    }
}

/// Start and length of a box along one side of the picture: at least of the usual length, about the same centre, inside.
fn extent(start: u32, length: u32, usual: u32, side: u32) -> (u32, u32) {
    if usual <= length {
        return (start, length);
    }
    let long = usual.min(side);
    let twice = 2 * start + length;
    (twice.saturating_sub(long).div_euclid(2).min(side - long), long)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn detector(sizes: [u32; 2]) -> Detector {
        let labels = vec!["a".to_owned()];
        Detector { labels, rows: 3, columns: 4, width: 32, height: 24, threshold: 0.5, sizes: vec![sizes] }
    }

    fn boxes(detector: &Detector, cells: &[usize]) -> Vec<[u32; 4]> {
        let mut scores = vec![0.0; detector.scores()];
        for c in cells {
            scores[2 * c + 1] = 0.75;
        }
        detector.boxes(&scores).unwrap().iter().map(|b| [b.x, b.y, b.width, b.height]).collect()
    }

    #[test]
    fn cells_that_touch_are_one_box() {
        let plain = detector([0, 0]);
        assert_eq!(boxes(&plain, &[]), Vec::<[u32; 4]>::new());
        assert_eq!(boxes(&plain, &[0, 5, 3]), [[0, 0, 16, 16], [24, 0, 8, 8]]);
    }

    #[test]
    fn a_usual_size_is_drawn_about_the_centre_and_inside_the_picture() {
        let usual = detector([12, 4]);
        assert_eq!(boxes(&usual, &[5]), [[6, 8, 12, 8]]);
        assert_eq!(boxes(&usual, &[0]), [[0, 0, 12, 8]]);
        assert_eq!(boxes(&usual, &[11]), [[20, 16, 12, 8]]);
        assert_eq!(boxes(&detector([100, 100]), &[5]), [[0, 0, 32, 24]]);
    }

    #[test]
    fn what_does_not_fit_is_said() {
        assert_eq!(detector([0, 0]).problem(), None);
        assert!(Detector { columns: 40, ..detector([0, 0]) }.problem().unwrap().contains("40 x 3 cells"));
        assert!(Detector { sizes: vec![], ..detector([0, 0]) }.problem().is_some());
        assert!(detector([0, 0]).boxes(&[0.0]).is_err());
    }
}
