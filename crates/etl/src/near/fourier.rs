//! A complex Fourier transform in double precision: what laying two recordings over each other takes.

use std::sync::OnceLock;

/// Exponent of the longest transform.
const LONGEST: usize = 24;

/// Cosines and sines of one stage, whose halves have `1 << exponent` values: of forward turns.
fn turns(exponent: usize) -> &'static (Vec<f64>, Vec<f64>) {
    static STAGES: [OnceLock<(Vec<f64>, Vec<f64>)>; LONGEST] = [const { OnceLock::new() }; LONGEST];
    STAGES[exponent].get_or_init(|| {
        let half = 1usize << exponent;
        (0..half).map(|k| -std::f64::consts::PI * k as f64 / half as f64).map(|a| (a.cos(), a.sin())).unzip()
    })
}

/// In place, `n` a power of two of at most 2^24; not scaled. `back`: the inverse.
pub(super) fn transform(re: &mut [f64], im: &mut [f64], back: bool) {
    // The inverse is the transform with both parts exchanged.
    let (re, im) = if back { (im, re) } else { (re, im) };
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
    for stage in 0..bits as usize {
        let half = 1usize << stage;
        let (cosines, sines) = turns(stage);
        for (re, im) in re.chunks_exact_mut(2 * half).zip(im.chunks_exact_mut(2 * half)) {
            let (ra, rb) = re.split_at_mut(half);
            let (ia, ib) = im.split_at_mut(half);
            let pairs = ra.iter_mut().zip(rb).zip(ia.iter_mut().zip(ib));
            for (((ra, rb), (ia, ib)), (c, s)) in pairs.zip(cosines.iter().zip(sines)) {
                let (x, y) = (*rb * c - *ib * s, *rb * s + *ib * c);
                (*rb, *ib) = (*ra - x, *ia - y);
                (*ra, *ia) = (*ra + x, *ia + y);
            }
        }
    }
}
