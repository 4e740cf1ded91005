//! How well objects are found in pictures.

/// A rectangle of a label: left, upper, right and lower edge.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Labelled {
    /// Index of the label.
    pub label: usize,
    /// Edges in pixels.
    pub edges: [f64; 4],
}

/// A rectangle that was found.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Found {
    /// Where, and what it is said to be.
    pub is: Labelled,
    /// How sure.
    pub score: f64,
}

/// What is in a picture and what was found.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Picture {
    /// What is.
    pub truth: Vec<Labelled>,
    /// What was found.
    pub found: Vec<Found>,
}

/// Counts of one label or of all.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Hits {
    /// Objects that were found.
    pub right: usize,
    /// What was found and is not there.
    pub wrong: usize,
    /// Objects that were missed.
    pub missed: usize,
}

impl Hits {
    /// Of what was found, the share that is there; 0 when nothing was found.
    pub fn precision(&self) -> f64 {
        ratio(self.right, self.right + self.wrong)
    }
    /// Of what is there, the share that was found; 0 when nothing is there.
    pub fn recall(&self) -> f64 {
        ratio(self.right, self.right + self.missed)
    }
    /// Harmonic mean of both.
    pub fn f1(&self) -> f64 {
        ratio(2 * self.right, 2 * self.right + self.wrong + self.missed)
    }
    /// Sum of two counts.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        Self {
            right: self.right + other.right,
            wrong: self.wrong + other.wrong,
            missed: self.missed + other.missed,
        }
    }
}

fn ratio(part: usize, whole: usize) -> f64 {
    if whole == 0 { 0.0 } else { part as f64 / whole as f64 }
}

fn centre(e: [f64; 4]) -> [f64; 2] {
    [(e[0] + e[2]) / 2.0, (e[1] + e[3]) / 2.0]
}

fn holds(e: [f64; 4], [x, y]: [f64; 2]) -> bool {
    (e[0]..=e[2]).contains(&x) && (e[1]..=e[3]).contains(&y)
}

/// Share of the union that two rectangles have in common, 0..1.
pub fn iou(a: [f64; 4], b: [f64; 4]) -> f64 {
    let area = |e: [f64; 4]| (e[2] - e[0]).max(0.0) * (e[3] - e[1]).max(0.0);
    let both = area([a[0].max(b[0]), a[1].max(b[1]), a[2].min(b[2]), a[3].min(b[3])]);
    let all = area(a) + area(b) - both;
    if all > 0.0 { both / all } else { 0.0 }
}

/// Indices of what was found of a label, the surest first.
fn surest(picture: &Picture, label: usize) -> Vec<usize> {
    let mut order: Vec<usize> =
        (0..picture.found.len()).filter(|&i| picture.found[i].is.label == label).collect();
    order.sort_by(|&a, &b| picture.found[b].score.total_cmp(&picture.found[a].score).then(a.cmp(&b)));
    order
}

/// Objects found by their place, for each of `labels` labels. A find is right when its centre lies in an object of its label that no
/// surer find took, or that object's centre lies in it; of several it takes the nearest. The size does not count: networks that score
/// cells learn where objects are, not how large.
pub fn hits(pictures: &[Picture], labels: usize) -> Vec<Hits> {
    let mut out = vec![Hits::default(); labels];
    for picture in pictures {
        for (label, hits) in out.iter_mut().enumerate() {
            let mut left: Vec<[f64; 4]> =
                picture.truth.iter().filter(|t| t.label == label).map(|t| t.edges).collect();
            for i in surest(picture, label) {
                let found = picture.found[i].is.edges;
                let at = centre(found);
                let distance = |t: [f64; 4]| {
                    let c = centre(t);
                    (c[0] - at[0]).powi(2) + (c[1] - at[1]).powi(2)
                };
                let fits = |t: [f64; 4]| holds(t, at) || holds(found, centre(t));
                let nearest = (0..left.len())
                    .filter(|&k| fits(left[k]))
                    .min_by(|&a, &b| distance(left[a]).total_cmp(&distance(left[b])));
                match nearest {
                    Some(k) => {
                        left.remove(k);
                        hits.right += 1;
                    }
                    None => hits.wrong += 1,
                }
            }
            hits.missed += left.len();
        }
    }
    out
}

/// Mean over the labels of the average precision at an overlap (IoU) of at least `overlap`, as COCO has it: finds in order of their
/// score, each taking the free object of its label that it overlaps most; precision made monotone and read at 101 recalls. `None` when
/// no picture holds an object. Finds below the threshold of whoever made them are not known here, so recalls beyond theirs count as 0.
///
/// # Source
/// Lin et al., Microsoft COCO: Common Objects in Context, 2014, and its evaluation code.
pub fn mean_average_precision(pictures: &[Picture], labels: usize, overlap: f64) -> Option<f64> {
    let of: Vec<f64> = (0..labels).filter_map(|label| average_precision(pictures, label, overlap)).collect();
    (!of.is_empty()).then(|| of.iter().sum::<f64>() / of.len() as f64)
}

fn average_precision(pictures: &[Picture], label: usize, overlap: f64) -> Option<f64> {
    let mut finds: Vec<(f64, bool)> = Vec::new();
    let mut all = 0;
    for picture in pictures {
        let mut left: Vec<[f64; 4]> =
            picture.truth.iter().filter(|t| t.label == label).map(|t| t.edges).collect();
        all += left.len();
        for i in surest(picture, label) {
            let found = picture.found[i];
            let best = (0..left.len())
                .map(|k| (k, iou(left[k], found.is.edges)))
                .filter(|(_, share)| *share >= overlap)
                .max_by(|a, b| a.1.total_cmp(&b.1));
            if let Some((k, _)) = best {
                left.remove(k);
            }
            finds.push((found.score, best.is_some()));
        }
    }
    if all == 0 {
        return None;
    }
    // Stable: equal scores stay in the order of the pictures.
    finds.sort_by(|a, b| b.0.total_cmp(&a.0));
    let mut right = 0;
    let mut curve: Vec<(f64, f64)> = Vec::with_capacity(finds.len());
    for (n, (_, hit)) in finds.iter().enumerate() {
        right += usize::from(*hit);
        curve.push((ratio(right, all), ratio(right, n + 1)));
    }
    let mut best = 0.0f64;
    for point in curve.iter_mut().rev() {
        best = best.max(point.1);
        point.1 = best;
    }
    let mut at = 0;
    let mut sum = 0.0;
    for step in 0..=100 {
        let recall = f64::from(step) / 100.0;
        while at < curve.len() && curve[at].0 < recall {
            at += 1;
        }
        sum += curve.get(at).map_or(0.0, |p| p.1);
    }
    Some(sum / 101.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(label: usize, edges: [f64; 4]) -> Labelled {
        Labelled { label, edges }
    }

    fn found(label: usize, edges: [f64; 4], score: f64) -> Found {
        Found { is: of(label, edges), score }
    }

    #[test]
    fn a_find_is_right_by_its_place_and_takes_an_object_once() {
        let picture = Picture {
            truth: vec![
                of(0, [0.0, 0.0, 10.0, 10.0]),
                of(0, [20.0, 0.0, 22.0, 2.0]),
                of(1, [0.0, 0.0, 9.0, 9.0]),
            ],
            found: vec![
                found(0, [4.0, 4.0, 8.0, 8.0], 0.9),
                // In the same object: once is enough.
                found(0, [1.0, 1.0, 3.0, 3.0], 0.8),
                // Larger than the object, around its centre.
                found(0, [16.0, 0.0, 24.0, 8.0], 0.7),
            ],
        };
        let hits = hits(&[picture], 2);
        assert_eq!(hits[0], Hits { right: 2, wrong: 1, missed: 0 });
        assert_eq!(hits[1], Hits { right: 0, wrong: 0, missed: 1 });
        let all = hits[0].and(hits[1]);
        assert!((all.f1() - 4.0 / 6.0).abs() < 1e-12);
        assert_eq!((all.precision(), all.recall()), (2.0 / 3.0, 2.0 / 3.0));
    }

    #[test]
    fn average_precision_is_that_of_a_curve_by_hand() {
        let truth = vec![of(0, [0.0, 0.0, 10.0, 10.0]), of(0, [20.0, 0.0, 30.0, 10.0])];
        let whole = Picture {
            found: vec![found(0, [0.0, 0.0, 10.0, 10.0], 0.9), found(0, [20.0, 0.0, 30.0, 9.0], 0.5)],
            truth: truth.clone(),
        };
        assert_eq!(mean_average_precision(&[whole], 2, 0.5), Some(1.0));
        // Right, wrong, right: precision 1 up to recall 0.5, 2/3 up to 1.
        let mixed = Picture {
            found: vec![
                found(0, [0.0, 0.0, 10.0, 10.0], 0.9),
                found(0, [50.0, 0.0, 60.0, 10.0], 0.8),
                found(0, [20.0, 0.0, 30.0, 10.0], 0.7),
            ],
            truth: truth.clone(),
        };
        let expected = (51.0 + 50.0 * 2.0 / 3.0) / 101.0;
        assert!((mean_average_precision(&[mixed], 1, 0.5).unwrap() - expected).abs() < 1e-12);
        // A third of the union is too little.
        let off = Picture { found: vec![found(0, [5.0, 0.0, 15.0, 10.0], 0.9)], truth };
        assert_eq!(mean_average_precision(&[off], 1, 0.5), Some(0.0));
        assert_eq!(mean_average_precision(&[Picture::default()], 1, 0.5), None);
    }
}
