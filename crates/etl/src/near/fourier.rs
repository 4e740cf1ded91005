//! A complex Fourier transform in double precision: what laying two recordings over each other takes.

/// In place, `n` a power of two; not scaled. `back`: the inverse.
pub(super) fn transform(re: &mut [f64], im: &mut [f64], back: bool) {
    let n = re.len();
    let bits = n.trailing_zeros();
    if bits == 0 {
        return;
    }
    for i in 0..n {
        let j = i.reverse_bits() >> (usize::BITS - bits);
        if i < j {
            re.swap(i, j);
            im.swap(i, j);
        }
    }
    let sign = if back { 1.0 } else { -1.0 };
    let angle = |k: usize| sign * 2.0 * std::f64::consts::PI * k as f64 / n as f64;
    let table: Vec<(f64, f64)> = (0..n / 2).map(|k| (angle(k).cos(), angle(k).sin())).collect();
    let mut half = 1;
    while half < n {
        let step = n / (2 * half);
        for start in (0..n).step_by(2 * half) {
            for k in 0..half {
                let (c, s) = table[k * step];
                let (a, b) = (start + k, start + k + half);
                let (x, y) = (re[b] * c - im[b] * s, re[b] * s + im[b] * c);
                (re[b], im[b]) = (re[a] - x, im[a] - y);
                (re[a], im[a]) = (re[a] + x, im[a] + y);
            }
        }
        half *= 2;
    }
}
