//! A power law through a learning curve, how sure it is, and how far it may be followed.

/// Exponents that are tried: from hardly a fall to one that is over at once.
const EXPONENTS: usize = 60;
const SLOWEST: f64 = 0.05;
const FASTEST: f64 = 3.0;
/// Curves that could have been, drawn to see how sure the law is.
const DRAWS: usize = 400;
/// A law is followed up to so many times what there is.
pub const FAR: f64 = 10.0;
/// Beyond it an end of an interval is said to be open.
const OPEN: f64 = 100.0;

/// `error = floor + scale * n^-exponent`
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Law {
    /// Error that more data do not take away.
    pub floor: f64,
    /// Error of one sample above it.
    pub scale: f64,
    /// How fast it falls.
    pub exponent: f64,
}

impl Law {
    /// The law with the least squares through points of samples and error; floor and scale are not negative. `None` for fewer than three
    /// different numbers of samples.
    pub fn fit(points: &[(f64, f64)]) -> Option<Self> {
        let mut counts: Vec<f64> = points.iter().map(|p| p.0).collect();
        counts.sort_by(f64::total_cmp);
        counts.dedup();
        if counts.len() < 3 || counts[0] <= 0.0 {
            return None;
        }
        let mut best: Option<(f64, Self)> = None;
        for i in 0..EXPONENTS {
            let exponent = SLOWEST * (FASTEST / SLOWEST).powf(i as f64 / (EXPONENTS - 1) as f64);
            let x: Vec<f64> = points.iter().map(|p| p.0.powf(-exponent)).collect();
            let (floor, scale) = line(&x, points);
            let law = Self { floor, scale, exponent };
            let squares: f64 = points.iter().map(|p| (p.1 - law.at(p.0)).powi(2)).sum();
            if best.as_ref().is_none_or(|b| squares < b.0) {
                best = Some((squares, law));
            }
        }
        best.map(|b| b.1)
    }

    /// Error with so many samples.
    pub fn at(&self, samples: f64) -> f64 {
        self.floor + self.scale * samples.powf(-self.exponent)
    }

    /// Samples with which the error is as small as that; `None` when it never is.
    pub fn samples(&self, error: f64) -> Option<f64> {
        (error > self.floor && self.scale > 0.0)
            .then(|| (self.scale / (error - self.floor)).powf(1.0 / self.exponent))
            .filter(|n| n.is_finite())
    }
}

/// Intercept and slope of the least squares, neither negative.
fn line(x: &[f64], points: &[(f64, f64)]) -> (f64, f64) {
    let n = x.len() as f64;
    let mean_x = x.iter().sum::<f64>() / n;
    let mean_y = points.iter().map(|p| p.1).sum::<f64>() / n;
    let covariance: f64 = x.iter().zip(points).map(|(x, p)| (x - mean_x) * (p.1 - mean_y)).sum();
    let variance: f64 = x.iter().map(|x| (x - mean_x).powi(2)).sum();
    let slope = if variance > 0.0 { covariance / variance } else { 0.0 };
    if slope <= 0.0 {
        return (mean_y.max(0.0), 0.0);
    }
    let floor = mean_y - slope * mean_x;
    if floor >= 0.0 {
        return (floor, slope);
    }
    let (xy, xx) = x.iter().zip(points).fold((0.0, 0.0), |(a, b), (x, p)| (a + x * p.1, b + x * x));
    (0.0, if xx > 0.0 { (xy / xx).max(0.0) } else { 0.0 })
}

/// A number with the interval in which it lies nineteen times of twenty.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Within {
    /// The number.
    pub value: f64,
    /// Lower end.
    pub low: f64,
    /// Upper end; `None` when none can be given.
    pub high: Option<f64>,
}

/// What a curve says of a goal.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Outlook {
    /// So many samples in all.
    Needs(Within),
    /// More samples have not helped by more than chance so far.
    Flat,
    /// The curve levels out above the goal, or may as well.
    LevelsOut,
    /// It would take more than [`FAR`] times what is there, farther than a curve may be followed.
    TooFar,
}

/// A law with the laws that could have been.
pub struct Curve {
    law: Law,
    draws: Vec<Law>,
    now: f64,
    flat: bool,
}

impl Curve {
    /// Through points of samples and error, several for a number of samples. `None`: too few points.
    pub fn fit(points: &[(f64, f64)], seed: u64) -> Option<Self> {
        let law = Law::fit(points)?;
        let squares: f64 = points.iter().map(|p| (p.1 - law.at(p.0)).powi(2)).sum();
        // Three parameters were taken from the points.
        let free = points.len().saturating_sub(3).max(1) as f64;
        let spread = (squares / free).sqrt();
        let least = points.iter().map(|p| p.0).fold(f64::INFINITY, f64::min);
        let now = points.iter().map(|p| p.0).fold(0.0, f64::max);
        let mean = |n: f64| {
            let all: Vec<f64> = points.iter().filter(|p| p.0 == n).map(|p| p.1).collect();
            (all.iter().sum::<f64>() / all.len() as f64, all.len() as f64)
        };
        let ((first, i), (last, k)) = (mean(least), mean(now));
        let flat = first - last <= 2.0 * spread * (1.0 / i + 1.0 / k).sqrt() + 1e-12;
        let mut noise = Noise(seed);
        let draws = (0..DRAWS)
            .filter_map(|_| {
                let drawn: Vec<(f64, f64)> =
                    points.iter().map(|p| (p.0, law.at(p.0) + spread * noise.normal())).collect();
                Law::fit(&drawn)
            })
            .collect();
        Some(Self { law, draws, now, flat })
    }

    /// The law.
    pub fn law(&self) -> Law {
        self.law
    }

    /// Error with so many samples.
    pub fn at(&self, samples: f64) -> Within {
        let mut all: Vec<f64> = self.draws.iter().map(|l| l.at(samples)).collect();
        all.sort_by(f64::total_cmp);
        let (low, high) = (quantile(&all, 0.025), quantile(&all, 0.975));
        Within { value: self.law.at(samples), low, high: Some(high) }
    }

    /// How many samples in all bring the error down to a goal below what it is now.
    pub fn outlook(&self, goal: f64) -> Outlook {
        if self.flat {
            return Outlook::Flat;
        }
        let mut all: Vec<f64> = self.draws.iter().map(|l| l.samples(goal).unwrap_or(f64::INFINITY)).collect();
        all.sort_by(f64::total_cmp);
        let never = all.iter().filter(|n| n.is_infinite()).count();
        match self.law.samples(goal) {
            // One in five of the curves that could have been does not come there.
            None => Outlook::LevelsOut,
            Some(_) if never * 5 > all.len() => Outlook::LevelsOut,
            Some(n) if n > FAR * self.now => Outlook::TooFar,
            Some(n) => {
                let high = quantile(&all, 0.975);
                let value = n.max(self.now);
                Outlook::Needs(Within {
                    value,
                    low: quantile(&all, 0.025).clamp(self.now, value),
                    high: (high <= OPEN * self.now).then_some(high.max(value)),
                })
            }
        }
    }
}

fn quantile(sorted: &[f64], share: f64) -> f64 {
    let at = (sorted.len() as f64 * share) as usize;
    sorted.get(at.min(sorted.len().saturating_sub(1))).copied().unwrap_or(f64::NAN)
}

/// Normal numbers, the same for the same seed.
struct Noise(u64);

impl Noise {
    fn uniform(&mut self) -> f64 {
        // Splitmix64 (Steele, Lea and Flood, 2014).
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((z ^ (z >> 31)) >> 11) as f64 / (1u64 << 53) as f64
    }

    fn normal(&mut self) -> f64 {
        let radius = (-2.0 * (1.0 - self.uniform()).ln()).sqrt();
        radius * (std::f64::consts::TAU * self.uniform()).cos()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn points(law: &Law, spread: f64) -> Vec<(f64, f64)> {
        let mut noise = Noise(7);
        [25.0, 50.0, 75.0, 100.0]
            .into_iter()
            .flat_map(|n| [n, n, n])
            .map(|n| (n, law.at(n) + spread * noise.normal()))
            .collect()
    }

    #[test]
    fn a_law_is_found_again_and_followed() {
        let law = Law { floor: 0.02, scale: 2.0, exponent: 0.7 };
        let found = Law::fit(&points(&law, 0.0)).expect("a law");
        for n in [30.0, 100.0, 300.0] {
            assert!((found.at(n) - law.at(n)).abs() < 0.003, "{found:?}");
        }
        let goal = law.at(200.0);
        let curve = Curve::fit(&points(&law, 0.002), 1).expect("a curve");
        let Outlook::Needs(within) = curve.outlook(goal) else { panic!("{:?}", curve.outlook(goal)) };
        assert!(within.low <= 200.0 && within.high.is_none_or(|h| h >= 200.0), "{within:?}");
        assert!((120.0..330.0).contains(&within.value), "{within:?}");
        let doubled = curve.at(200.0);
        assert!(doubled.low <= goal && goal <= doubled.high.expect("an end"), "{doubled:?} {goal}");
    }

    #[test]
    fn what_cannot_be_said_is_not_said() {
        let law = Law { floor: 0.0, scale: 2.0, exponent: 0.7 };
        // Noise as large as the fall.
        let flat = Curve::fit(&points(&law, 0.3), 1).expect("a curve");
        assert_eq!(flat.outlook(0.01), Outlook::Flat);
        let same: Vec<(f64, f64)> = [25.0, 50.0, 100.0].into_iter().map(|n| (n, 0.1)).collect();
        assert_eq!(Curve::fit(&same, 1).expect("a curve").outlook(0.05), Outlook::Flat);
        // One that ends above the goal.
        let high = Law { floor: 0.1, scale: 5.0, exponent: 1.0 };
        let curve = Curve::fit(&points(&high, 0.001), 1).expect("a curve");
        assert_eq!(curve.outlook(0.05), Outlook::LevelsOut);
        let curve = Curve::fit(&points(&law, 0.0005), 1).expect("a curve");
        assert!(matches!(curve.outlook(0.001), Outlook::TooFar | Outlook::LevelsOut));
        assert!(Law::fit(&[(1.0, 1.0), (2.0, 0.5)]).is_none());
    }
}
