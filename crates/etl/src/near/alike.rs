//! Whether two recordings or pictures are the same but for gain, place, band and noise.

use super::{
    fourier::transform,
    print::{SPREAD, freedom, grid},
    search::Candidate,
};

/// Correlation from which two recordings whose power is spread over many bins are the same: noise 12 dB below leaves this much.
const SAME: f64 = 0.97;
/// The same in the lower half of the band, which more recordings have in common,
const SAME_LOW: f64 = 0.985;
/// and the share of the power that must lie there.
const LOW_SHARE: f64 = 0.2;
/// Power that is spread over so many bins does not lie over another's by chance.
const BROAD: f64 = 100.0;
/// Two swings of one pitch lie over each other nearly by themselves. Where power is in fewer bins than this
const NARROW: f64 = 30.0;
/// more is asked in the bins that have it: there noise that was added is little.
const SAME_NARROW: f64 = 0.998;
const SAME_BETWEEN: f64 = 0.98;
/// Bins that have power: this share of the mean and more.
const HAS_POWER: f64 = 0.3;
/// Prints that differ in so few bits are those of one recording, whatever their power is in.
const CLOSE: u32 = 64;
/// Correlation of the brightness of two pictures,
const SAME_PICTURE: f64 = 0.99;
/// and where nothing else is nearly as near: of pictures of one thing many are alike.
const SAME_PICTURE_ALONE: f64 = 0.97;
/// The most that one is moved against the other, as a share of the shorter.
const MOVED: f64 = 0.25;
/// Frames that are laid over each other; longer recordings are averaged down to that many.
const FRAMES: usize = 1 << 17;

/// How one recording or picture is the same as another.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Likeness {
    /// Correlation where they lie over each other, 0..=1.
    pub correlation: f64,
    /// Frames by which the second one begins later; 0 for pictures.
    pub later: i64,
    /// The second is so many times as strong; below 0 when it is turned over.
    pub gain: f64,
    /// Only the lower half of the band is the same.
    pub low_band: bool,
}

/// One recording, mean taken out, axis after axis.
struct Laid {
    axes: Vec<Vec<f64>>,
    /// Sums of squares of the first 0, 1, 2, ... frames.
    energy: Vec<f64>,
}

impl Laid {
    fn new(values: &[f32], axes: usize, every: usize) -> Self {
        let frames = values.len() / axes / every;
        let mut out: Vec<Vec<f64>> = vec![Vec::with_capacity(frames); axes];
        for chunk in values.chunks_exact(axes * every) {
            for (axis, out) in out.iter_mut().enumerate() {
                out.push(
                    chunk.iter().skip(axis).step_by(axes).map(|v| f64::from(*v)).sum::<f64>() / every as f64,
                );
            }
        }
        for axis in &mut out {
            let mean = axis.iter().sum::<f64>() / axis.len().max(1) as f64;
            axis.iter_mut().for_each(|v| *v -= mean);
        }
        let mut energy = vec![0.0];
        for frame in 0..frames {
            let of: f64 = out.iter().map(|axis| axis[frame] * axis[frame]).sum();
            energy.push(energy[frame] + of);
        }
        Self { axes: out, energy }
    }

    fn frames(&self) -> usize {
        self.energy.len() - 1
    }

    fn all(&self) -> f64 {
        self.energy[self.frames()]
    }
}

/// How `b` is the same recording as `a`, if it is; both row-major with `axes` values a frame.
pub fn alike_series(a: &[f32], b: &[f32], axes: usize, met: &Candidate) -> Option<Likeness> {
    let longest = a.len().max(b.len()).checked_div(axes)?;
    let every = longest.div_ceil(FRAMES).max(1);
    let (a, b) = (Laid::new(a, axes, every), Laid::new(b, axes, every));
    let shorter = a.frames().min(b.frames());
    if shorter == 0 || a.all() <= 0.0 || b.all() <= 0.0 || shorter * 2 < a.frames().max(b.frames()) {
        return None;
    }
    let reach = (shorter as f64 * MOVED) as usize;
    let n = (a.frames().max(b.frames()) + reach + 1).next_power_of_two();
    let spectra = Spectra::of(&a.axes, &b.axes, n);
    let found = best(&a, &b, spectra.cross.clone(), reach, (1.0, 1.0))?;
    let moved = |found: Likeness| Likeness { later: found.later * every as i64, ..found };
    if found.correlation >= SAME {
        return no_chance(&a, &b, found.later, met).then(|| moved(found));
    }
    // Bins of the lower half, both sides of 0.
    let lower = |k: usize| k.min(n - k) <= n / 4;
    let share = |power: &[f64]| {
        let all: f64 = power.iter().sum();
        power.iter().enumerate().filter(|(k, _)| lower(*k)).map(|(_, p)| p).sum::<f64>() / all
    };
    let shares = (share(&spectra.a), share(&spectra.b));
    if met.coarse || shares.0 < LOW_SHARE || shares.1 < LOW_SHARE {
        return None;
    }
    let mut cross = spectra.cross;
    for k in (0..n).filter(|k| !lower(*k)) {
        (cross.0[k], cross.1[k]) = (0.0, 0.0);
    }
    let kept = |power: &[f64]| power.iter().take(n / 4 + 1).copied().collect::<Vec<f64>>();
    let filled = shorter as f64 / n as f64;
    if freedom(&kept(&spectra.a), filled).min(freedom(&kept(&spectra.b), filled)) < BROAD {
        return None;
    }
    let found = best(&a, &b, cross, reach, shares)?;
    (found.correlation >= SAME_LOW).then(|| moved(Likeness { low_band: true, ..found }))
}

/// Whether two recordings that lie over each other at this place are one recording, and not two of one pitch.
fn no_chance(a: &Laid, b: &Laid, later: i64, met: &Candidate) -> bool {
    // What lies over each other, and nothing else.
    let from = (-later).max(0) as usize;
    let to = (b.frames() as i64 - later).clamp(0, a.frames() as i64) as usize;
    let in_b = |t: usize| (t as i64 + later) as usize;
    let cut = |axes: &[Vec<f64>], from: usize, to: usize| -> Vec<Vec<f64>> {
        let one = |axis: &Vec<f64>| {
            let mut part = axis[from..to].to_vec();
            let mean = part.iter().sum::<f64>() / part.len().max(1) as f64;
            part.iter_mut().for_each(|v| *v -= mean);
            part
        };
        axes.iter().map(one).collect()
    };
    if from >= to {
        return false;
    }
    let n = (to - from).next_power_of_two();
    let spectra = Spectra::of(&cut(&a.axes, from, to), &cut(&b.axes, in_b(from), in_b(to)), n);
    let filled = (to - from) as f64 / n as f64;
    let half = |power: &[f64]| freedom(&power[..=n / 2], filled);
    let spread = half(&spectra.a).min(half(&spectra.b));
    if spread >= BROAD || !met.coarse && met.distance <= CLOSE {
        return true;
    }
    if met.coarse && spread < SPREAD {
        return false;
    }
    let mean = |power: &[f64]| power.iter().sum::<f64>() / n as f64 * HAS_POWER;
    let (least_a, least_b) = (mean(&spectra.a), mean(&spectra.b));
    let (mut product, mut ea, mut eb) = (0.0, 0.0, 0.0);
    for k in (0..n).filter(|&k| spectra.a[k] >= least_a || spectra.b[k] >= least_b) {
        product += spectra.cross.0[k];
        ea += spectra.a[k];
        eb += spectra.b[k];
    }
    let asked = if spread < NARROW { SAME_NARROW } else { SAME_BETWEEN };
    product.abs() >= asked * (ea * eb).sqrt()
}

/// The spectra of two recordings, added up over their axes.
struct Spectra {
    /// The first one conjugated times the second: at place p of its transform frame t of `a` meets frame t + p of `b`.
    cross: (Vec<f64>, Vec<f64>),
    /// Power of each.
    a: Vec<f64>,
    b: Vec<f64>,
}

impl Spectra {
    fn of(a: &[Vec<f64>], b: &[Vec<f64>], n: usize) -> Self {
        let mut out = Self { cross: (vec![0.0; n], vec![0.0; n]), a: vec![0.0; n], b: vec![0.0; n] };
        for (x, y) in a.iter().zip(b) {
            // Both in one transform.
            let (mut re, mut im) = (vec![0.0; n], vec![0.0; n]);
            re[..x.len()].copy_from_slice(x);
            im[..y.len()].copy_from_slice(y);
            transform(&mut re, &mut im, false);
            for k in 0..n {
                let j = (n - k) % n;
                let xa = ((re[k] + re[j]) / 2.0, (im[k] - im[j]) / 2.0);
                let xb = ((im[k] + im[j]) / 2.0, (re[j] - re[k]) / 2.0);
                out.cross.0[k] += xa.0 * xb.0 + xa.1 * xb.1;
                out.cross.1[k] += xa.0 * xb.1 - xa.1 * xb.0;
                out.a[k] += xa.0 * xa.0 + xa.1 * xa.1;
                out.b[k] += xb.0 * xb.0 + xb.1 * xb.1;
            }
        }
        out
    }
}

/// The place where they are most alike. `shares`: of the power of each that is in the band.
fn best(
    a: &Laid,
    b: &Laid,
    spectrum: (Vec<f64>, Vec<f64>),
    reach: usize,
    shares: (f64, f64),
) -> Option<Likeness> {
    let (mut re, mut im) = spectrum;
    let n = re.len();
    transform(&mut re, &mut im, true);
    let mut found: Option<Likeness> = None;
    for place in -(reach as i64)..=reach as i64 {
        // Frames of `a` that lie over frames of `b`.
        let from = (-place).max(0) as usize;
        let to = (b.frames() as i64 - place).clamp(0, a.frames() as i64) as usize;
        if from >= to {
            continue;
        }
        let in_b = |t: usize| (t as i64 + place) as usize;
        let ea = (a.energy[to] - a.energy[from]) * shares.0;
        let eb = (b.energy[in_b(to)] - b.energy[in_b(from)]) * shares.1;
        // Most of both must lie over each other.
        if ea < 0.6 * a.all() * shares.0 || eb < 0.6 * b.all() * shares.1 {
            continue;
        }
        let product = re[place.rem_euclid(n as i64) as usize] / n as f64;
        let correlation = (product.abs() / (ea * eb).sqrt()).min(1.0);
        if found.is_none_or(|f| correlation > f.correlation) {
            found = Some(Likeness { correlation, later: place, gain: product / ea, low_band: false });
        }
    }
    found
}

/// How `b` is the same picture as `a`, if it is; both `height * width * channels` values.
pub fn alike_pictures(
    a: &[f32],
    b: &[f32],
    [width, height, channels]: [usize; 3],
    met: &Candidate,
) -> Option<Likeness> {
    let (mut a, _) = grid(a, width, height, channels);
    let (mut b, _) = grid(b, width, height, channels);
    for cells in [&mut a, &mut b] {
        let mean = cells.iter().sum::<f64>() / cells.len().max(1) as f64;
        cells.iter_mut().for_each(|v| *v -= mean);
    }
    let product: f64 = a.iter().zip(&b).map(|(x, y)| x * y).sum();
    let (ea, eb) = (a.iter().map(|x| x * x).sum::<f64>(), b.iter().map(|y| y * y).sum::<f64>());
    let correlation = product / (ea * eb).sqrt();
    let asked = if met.alone { SAME_PICTURE_ALONE } else { SAME_PICTURE };
    (correlation >= asked).then(|| Likeness {
        correlation: correlation.min(1.0),
        later: 0,
        gain: product / ea,
        low_band: false,
    })
}
