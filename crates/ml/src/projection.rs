//! Rows in two and three dimensions, to look at.

/// Rounds of power iteration: enough for a picture.
const ROUNDS: usize = 60;

/// The three directions in which standardised rows vary most, the most telling first.
#[derive(Clone, Debug, PartialEq)]
pub struct Axes {
    mean: Vec<f64>,
    /// One over the deviation; 0 for a column that does not vary.
    scale: Vec<f64>,
    along: [Vec<f64>; 3],
}

impl Axes {
    /// Of row-major rows of `width` values, by power iteration. Deterministic. Fewer than two rows, and rows that do not vary, have no
    /// direction: everything lies at the origin.
    pub fn fit(values: &[f32], width: usize) -> Self {
        let rows = values.len().checked_div(width).unwrap_or(0);
        let mut axes =
            Self { mean: vec![0.0; width], scale: vec![0.0; width], along: [const { Vec::new() }; 3] };
        if rows < 2 {
            axes.along = std::array::from_fn(|_| vec![0.0; width]);
            return axes;
        }
        for c in 0..width {
            let column = || (0..rows).map(|r| f64::from(values[r * width + c]));
            let mean = column().sum::<f64>() / rows as f64;
            let deviation = (column().map(|v| (v - mean).powi(2)).sum::<f64>() / rows as f64).sqrt();
            axes.mean[c] = mean;
            axes.scale[c] = if deviation > 1e-9 { 1.0 / deviation } else { 0.0 };
        }
        let x: Vec<f64> = values.chunks_exact(width).flat_map(|row| axes.standard(row)).collect();
        let first = direction(&x, width, &[]);
        let second = direction(&x, width, &[&first]);
        let third = direction(&x, width, &[&first, &second]);
        axes.along = [first, second, third];
        axes
    }

    fn standard(&self, row: &[f32]) -> Vec<f64> {
        row.iter().zip(&self.mean).zip(&self.scale).map(|((v, m), s)| (f64::from(*v) - m) * s).collect()
    }

    /// Where a row lies.
    pub fn place(&self, row: &[f32]) -> [f64; 3] {
        let x = self.standard(row);
        self.along.each_ref().map(|along| dot(&x, along))
    }
}

fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

/// Leading direction of the rows, orthogonal to others.
fn direction(x: &[f64], width: usize, others: &[&[f64]]) -> Vec<f64> {
    // Any start that is not orthogonal to the answer; these values have no pattern.
    let mut v: Vec<f64> = (0..width).map(|i| ((i * 7919 + 104_729) % 1000) as f64 / 1000.0 + 0.1).collect();
    for _ in 0..ROUNDS {
        let mut next = vec![0.0; width];
        for row in x.chunks_exact(width) {
            let along = dot(row, &v);
            next.iter_mut().zip(row).for_each(|(n, r)| *n += along * r);
        }
        for other in others {
            let along = dot(&next, other);
            next.iter_mut().zip(*other).for_each(|(n, o)| *n -= along * o);
        }
        let norm = dot(&next, &next).sqrt();
        if norm < 1e-12 {
            return vec![0.0; width];
        }
        v = next.into_iter().map(|n| n / norm).collect();
    }
    v
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_clouds_lie_apart() {
        let rows: Vec<f32> = (0..40)
            .flat_map(|i| {
                let side = if i % 2 == 0 { 5.0 } else { -5.0 };
                [side + (i % 7) as f32 * 0.1, side - (i % 5) as f32 * 0.1, (i % 3) as f32 * 0.01]
            })
            .collect();
        let axes = Axes::fit(&rows, 3);
        let places: Vec<[f64; 3]> = rows.chunks_exact(3).map(|row| axes.place(row)).collect();
        for (i, [x, ..]) in places.iter().enumerate() {
            assert_eq!(*x > 0.0, (places[0][0] > 0.0) == (i % 2 == 0), "row {i}");
        }
        let spread = |n: usize| places.iter().map(|p| p[n] * p[n]).sum::<f64>();
        assert!(spread(0) >= spread(1) && spread(1) >= spread(2), "the most telling first");
        for (a, b) in [(0, 1), (0, 2), (1, 2)] {
            let along = dot(&axes.along[a], &axes.along[b]);
            assert!(along.abs() < 1e-6, "axes {a} and {b}: {along}");
        }
        assert_eq!(Axes::fit(&[1.0, 2.0], 2).place(&[5.0, 5.0]), [0.0; 3]);
    }
}
