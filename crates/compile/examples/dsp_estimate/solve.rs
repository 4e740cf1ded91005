//! Coefficients that are not negative.

/// Amounts, what they should add up to, and what an error is told relative to.
pub type Sample = (Vec<f64>, f64, f64);

/// Pulls every step a little towards 0, so that those which always come together share what they cost instead of one taking
/// all of it.
pub const PULL: f64 = 1e-5;
/// The same of code, which is there or not: what always comes together cannot be told apart.
pub const PULL_CODE: f64 = 0.02;

/// Coefficients that are not negative and give the smallest relative errors.
pub fn fit(samples: &[Sample], pull: f64) -> Vec<f64> {
    let n = samples.first().map_or(0, |s| s.0.len());
    let mut a = vec![0.0; n];
    // Largest share of a step among the samples, were each amount to cost 1.
    let weight: Vec<f64> = (0..n)
        .map(|k| samples.iter().map(|(x, _, all)| (x[k] / all).powi(2)).sum::<f64>().max(1e-300))
        .collect();
    for _ in 0..40_000 {
        for k in 0..n {
            let (mut up, mut down) = (0.0, weight[k] * pull);
            for (x, y, all) in samples {
                if x[k] == 0.0 {
                    continue;
                }
                let rest: f64 =
                    x.iter().zip(&a).enumerate().filter(|(j, _)| *j != k).map(|(_, (x, a))| x * a).sum();
                up += x[k] / all * (y - rest) / all;
                down += (x[k] / all).powi(2);
            }
            a[k] = (up / down).max(0.0);
        }
    }
    a
}

/// The largest relative error.
pub fn worst(samples: &[Sample], a: &[f64]) -> f64 {
    let of = |(x, y, all): &Sample| ((x.iter().zip(a).map(|(x, a)| x * a).sum::<f64>() - y) / all).abs();
    samples.iter().map(of).fold(0.0, f64::max)
}
