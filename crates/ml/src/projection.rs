//! Rows in two dimensions, to look at.

/// Rounds of power iteration: enough for a picture.
const ROUNDS: usize = 60;

/// The two directions in which standardised row-major rows vary most, by power iteration; coordinates of each row.
/// Deterministic. Fewer than two rows, or rows that do not vary, lie at the origin.
pub fn principal_plane(values: &[f32], width: usize) -> Vec<(f64, f64)> {
    if width == 0 {
        return Vec::new();
    }
    let rows = values.len() / width;
    if rows < 2 {
        return vec![(0.0, 0.0); rows];
    }
    let mut x = vec![0.0f64; rows * width];
    for c in 0..width {
        let column = || (0..rows).map(|r| f64::from(values[r * width + c]));
        let mean = column().sum::<f64>() / rows as f64;
        let deviation = (column().map(|v| (v - mean).powi(2)).sum::<f64>() / rows as f64).sqrt();
        let scale = if deviation > 1e-9 { 1.0 / deviation } else { 0.0 };
        for r in 0..rows {
            x[r * width + c] = (f64::from(values[r * width + c]) - mean) * scale;
        }
    }
    let first = direction(&x, width, None);
    let second = direction(&x, width, Some(&first));
    x.chunks_exact(width).map(|row| (dot(row, &first), dot(row, &second))).collect()
}

fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

/// Leading direction of the rows, orthogonal to another.
fn direction(x: &[f64], width: usize, other: Option<&[f64]>) -> Vec<f64> {
    // Any start that is not orthogonal to the answer; these values have no pattern.
    let mut v: Vec<f64> = (0..width).map(|i| ((i * 7919 + 104_729) % 1000) as f64 / 1000.0 + 0.1).collect();
    for _ in 0..ROUNDS {
        let mut next = vec![0.0; width];
        for row in x.chunks_exact(width) {
            let along = dot(row, &v);
            next.iter_mut().zip(row).for_each(|(n, r)| *n += along * r);
        }
        if let Some(other) = other {
            let along = dot(&next, other);
            next.iter_mut().zip(other).for_each(|(n, o)| *n -= along * o);
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
        let plane = principal_plane(&rows, 3);
        for (i, (x, _)) in plane.iter().enumerate() {
            assert_eq!(*x > 0.0, (plane[0].0 > 0.0) == (i % 2 == 0), "row {i}");
        }
        assert_eq!(principal_plane(&[1.0, 2.0], 2), [(0.0, 0.0)]);
    }
}
