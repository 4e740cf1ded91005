//! Objects followed from picture to picture, and lines they cross.

use super::detect::iou;

/// How objects are followed.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Settings {
    /// Pictures that a track outlives its last match.
    pub keep_grace: u32,
    /// Observations kept per track.
    pub max_observations: usize,
    /// A match needs a higher IoU, or a smaller distance in pixels.
    pub threshold: f32,
    /// Compare boxes by IoU, else by distance of their centres.
    pub use_iou: bool,
}

/// A detected object.
#[derive(Clone, Debug, PartialEq)]
pub struct Object {
    /// Label.
    pub label: String,
    /// Left, upper, width, height in pixels.
    pub area: [f32; 4],
    /// Score.
    pub value: f32,
}

/// A followed object.
#[derive(Clone, Debug, PartialEq)]
pub struct Track {
    /// Counts up from 0.
    pub id: u32,
    /// Label of the first detection.
    pub label: String,
    /// Last predicted box: left, upper, width, height.
    pub area: [f32; 4],
    /// Score that the prediction was made from: that of the match before this picture.
    pub value: f32,
    latest: f32,
    observations: Vec<[f32; 4]>,
    centre: Filter,
    size: Filter,
    matched_at: u32,
}

impl Track {
    /// Centres of the previous and the latest observation, x y x y, truncated; zeros when there is one only.
    pub fn segment(&self) -> [i32; 4] {
        let [.., a, b] = self.observations.as_slice() else { return [0; 4] };
        let ([ax, ay], [bx, by]) = (centre(*a), centre(*b));
        [ax as i32, ay as i32, bx as i32, by as i32]
    }
}

fn centre([x, y, w, h]: [f32; 4]) -> [f32; 2] {
    [x + w / 2.0, y + h / 2.0]
}

/// Time step, input and noise of the filters.
const DT: f32 = 0.1;
const INPUT: f32 = 0.1;
const NOISE: f32 = 0.01;

/// Kalman filter of a point that moves evenly; both coordinates share the covariance.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Filter {
    position: [f32; 2],
    velocity: [f32; 2],
    /// Variance of the position, covariance, variance of the velocity.
    p: [f32; 3],
}

impl Filter {
    fn new(position: [f32; 2]) -> Self {
        Self { position, velocity: [0.0; 2], p: [1.0, 0.0, 1.0] }
    }
    fn predict(&mut self) -> [f32; 2] {
        for (x, v) in self.position.iter_mut().zip(&mut self.velocity) {
            *x += DT * *v + DT * DT / 2.0 * INPUT;
            *v += DT * INPUT;
        }
        let [a, b, c] = self.p;
        self.p = [
            a + 2.0 * DT * b + DT * DT * c + NOISE * DT * DT * DT * DT / 4.0,
            b + DT * c + NOISE * DT * DT * DT / 2.0,
            c + NOISE * DT * DT,
        ];
        self.position
    }
    fn update(&mut self, seen: [f32; 2]) {
        let [a, b, c] = self.p;
        let (k0, k1) = (a / (a + NOISE), b / (a + NOISE));
        for i in 0..2 {
            let off = seen[i] - self.position[i];
            self.position[i] += k0 * off;
            self.velocity[i] += k1 * off;
        }
        self.p = [a - k0 * a, b - k0 * b, c - k1 * b];
    }
}

/// State from picture to picture.
#[derive(Clone, Debug)]
pub struct Tracker {
    settings: Settings,
    tracks: Vec<Track>,
    next: u32,
    frame: u32,
}

/// Objects of a picture, at most: the assignment takes cubic time.
pub const MOST_OBJECTS: usize = 1000;

impl Tracker {
    /// Nothing is followed yet.
    pub fn new(settings: Settings) -> Self {
        Self { settings, tracks: Vec::new(), next: 0, frame: 0 }
    }

    /// Takes the objects of the next picture; the open tracks.
    ///
    /// # Errors
    /// A sentence when there are more than [`MOST_OBJECTS`].
    pub fn push(&mut self, mut objects: Vec<Object>) -> Result<&[Track], String> {
        if objects.len() > MOST_OBJECTS {
            return Err(format!(
                "{} objects in one picture; at most {MOST_OBJECTS} are followed",
                objects.len()
            ));
        }
        objects.sort_by(|a, b| {
            let by_area = a.area.iter().zip(&b.area).map(|(a, b)| a.total_cmp(b)).find(|o| o.is_ne());
            by_area.unwrap_or(std::cmp::Ordering::Equal).then_with(|| a.label.cmp(&b.label))
        });
        let now = self.frame;
        self.frame += 1;
        let last: Vec<[f32; 4]> =
            self.tracks.iter().map(|t| *t.observations.last().unwrap_or(&t.area)).collect();
        for t in &mut self.tracks {
            let ([cx, cy], [w, h]) = (t.centre.predict(), t.size.predict());
            let corner = |v: f32| v.max(0.0).round();
            let (x, y) = (corner(cx - w / 2.0), corner(cy - h / 2.0));
            t.area = [x, y, corner(w), corner(h)];
            t.value = t.latest;
        }
        let predicted: Vec<[f32; 4]> = self.tracks.iter().map(|t| t.area).collect();
        let (by_last, sum_last) = self.assign(&last, &objects);
        let (by_prediction, sum_prediction) = self.assign(&predicted, &objects);
        let pairs = if sum_last < sum_prediction { by_last } else { by_prediction };
        let most = self.settings.max_observations.max(1);
        let mut free = vec![true; objects.len()];
        for (t, pair) in self.tracks.iter_mut().zip(&pairs) {
            if let Some(o) = *pair {
                free[o] = false;
                t.latest = objects[o].value;
                t.matched_at = now;
                t.observe(objects[o].area, most);
            }
        }
        let grace = self.settings.keep_grace;
        self.tracks.retain(|t| now - t.matched_at <= grace);
        for t in self.tracks.iter_mut().filter(|t| t.matched_at != now) {
            t.observe(t.area, most);
        }
        for (o, _) in objects.into_iter().zip(free).filter(|(_, free)| *free) {
            self.tracks.push(Track {
                id: self.next,
                label: o.label,
                area: o.area,
                value: o.value,
                latest: o.value,
                observations: vec![o.area],
                centre: Filter::new(centre(o.area)),
                size: Filter::new([o.area[2], o.area[3]]),
                matched_at: now,
            });
            self.next += 1;
        }
        Ok(&self.tracks)
    }

    /// The object of each track, and the summed IoU or distance of the pairs.
    fn assign(&self, areas: &[[f32; 4]], objects: &[Object]) -> (Vec<Option<usize>>, f32) {
        let iou_used = self.settings.use_iou;
        let measure = |a: [f32; 4], b: [f32; 4]| {
            if iou_used {
                let corners = |[x, y, w, h]: [f32; 4]| [y, x, y + h, x + w];
                iou(corners(a), corners(b))
            } else {
                let ([ax, ay], [bx, by]) = (centre(a), centre(b));
                ((ax - bx) * (ax - bx) + (ay - by) * (ay - by)).sqrt()
            }
        };
        let cost: Vec<Vec<f64>> = areas
            .iter()
            .map(|a| {
                let each = objects.iter().map(|o| f64::from(measure(*a, o.area)));
                each.map(|m| if iou_used { 1.0 - m } else { m }).collect()
            })
            .collect();
        let mut sum = 0.0;
        let pairs = linear_sum(&cost, objects.len())
            .into_iter()
            .enumerate()
            .map(|(t, o)| {
                let o = o?;
                let m = measure(areas[t], objects[o].area);
                let good = if iou_used { m > self.settings.threshold } else { m < self.settings.threshold };
                good.then(|| {
                    sum += m;
                    o
                })
            })
            .collect();
        (pairs, sum)
    }
}

impl Track {
    fn observe(&mut self, area: [f32; 4], most: usize) {
        self.centre.update(centre(area));
        self.size.update([area[2], area[3]]);
        self.observations.push(area);
        if self.observations.len() > most {
            self.observations.remove(0);
        }
    }
}

/// One-to-one assignment of least summed cost (shortest augmenting paths); the column of each row.
fn linear_sum(cost: &[Vec<f64>], columns: usize) -> Vec<Option<usize>> {
    let rows = cost.len();
    let at = |r: usize, c: usize| if rows <= columns { cost[r][c] } else { cost[c][r] };
    let (n, m) = (rows.min(columns), rows.max(columns));
    // Row of each column, 1-based, 0 for none: column 0 holds the row that is being placed.
    let mut owner = vec![0usize; m + 1];
    let (mut u, mut v) = (vec![0.0f64; n + 1], vec![0.0f64; m + 1]);
    for row in 1..=n {
        owner[0] = row;
        let mut column = 0;
        let mut least = vec![f64::INFINITY; m + 1];
        let mut from = vec![0usize; m + 1];
        let mut used = vec![false; m + 1];
        while owner[column] != 0 {
            used[column] = true;
            let r = owner[column];
            let (mut delta, mut next) = (f64::INFINITY, 0);
            for c in 1..=m {
                if used[c] {
                    continue;
                }
                let reduced = at(r - 1, c - 1) - u[r] - v[c];
                if reduced < least[c] {
                    least[c] = reduced;
                    from[c] = column;
                }
                if least[c] < delta {
                    delta = least[c];
                    next = c;
                }
            }
            for c in 0..=m {
                if used[c] {
                    u[owner[c]] += delta;
                    v[c] -= delta;
                } else {
                    least[c] -= delta;
                }
            }
            column = next;
        }
        while column != 0 {
            let before = from[column];
            owner[column] = owner[before];
            column = before;
        }
    }
    let mut pairs = vec![None; rows];
    for (c, &r) in owner.iter().enumerate().skip(1).filter(|(_, r)| **r != 0) {
        if rows <= columns {
            pairs[r - 1] = Some(c - 1);
        } else {
            pairs[c - 1] = Some(r - 1);
        }
    }
    pairs
}

/// Whether the segments cross (x y x y each); touching is no crossing.
pub fn crosses(a: [i32; 4], b: [i32; 4]) -> bool {
    // Which side of the line p..q the point r lies on.
    let side = |p: [i32; 2], q: [i32; 2], r: [i32; 2]| {
        let d = |a: i32, b: i32| i64::from(a) - i64::from(b);
        i128::from(d(r[1], p[1])) * i128::from(d(q[0], p[0]))
            > i128::from(d(q[1], p[1])) * i128::from(d(r[0], p[0]))
    };
    let ends = |s: [i32; 4]| ([s[0], s[1]], [s[2], s[3]]);
    let ((p, q), (r, s)) = (ends(a), ends(b));
    side(p, r, s) != side(q, r, s) && side(p, q, r) != side(p, q, s)
}
