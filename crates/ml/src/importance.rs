//! What features tell: mutual information with the classes, and orders of rows for permutation importance.

/// Bins of a feature, at most.
const BINS: usize = 16;

/// Parts of about equal numbers of values, at most `count`; equal values share a part.
pub fn parts(values: &[f32], count: usize) -> Vec<u32> {
    let mut sorted = values.to_vec();
    sorted.sort_unstable_by(f32::total_cmp);
    let mut edges: Vec<f32> =
        (1..count).filter_map(|i| sorted.get(values.len() * i / count).copied()).collect();
    edges.retain(|e| sorted.first() != Some(e));
    edges.dedup();
    values.iter().map(|v| edges.partition_point(|e| e <= v) as u32).collect()
}

/// Mutual information of a feature, in up to 16 parts of about equal size, with the class of each row, in nats; what rows
/// by chance would show (as many parts and classes, independent) is taken off, and less than nothing is 0.
///
/// # Source
/// G. A. Miller, Note on the bias of information estimates (1955), for what chance shows.
pub fn mutual_information(feature: &[f32], classes: &[u32]) -> f64 {
    let rows = feature.len().min(classes.len());
    if rows == 0 {
        return 0.0;
    }
    let parts = parts(&feature[..rows], BINS);
    let size = |of: &[u32]| of.iter().max().map_or(0, |m| *m as usize + 1);
    let (a, b) = (size(&parts), size(&classes[..rows]));
    let (mut both, mut first, mut second) = (vec![0usize; a * b], vec![0usize; a], vec![0usize; b]);
    for (&part, &class) in parts.iter().zip(classes) {
        both[part as usize * b + class as usize] += 1;
        first[part as usize] += 1;
        second[class as usize] += 1;
    }
    let n = rows as f64;
    let mut sum = 0.0;
    for (i, &count) in both.iter().enumerate() {
        if count > 0 {
            let (p, q) = (first[i / b] as f64, second[i % b] as f64);
            sum += count as f64 / n * (count as f64 * n / (p * q)).ln();
        }
    }
    let used = |of: &[usize]| of.iter().filter(|c| **c > 0).count() as f64;
    (sum - (used(&first) - 1.0) * (used(&second) - 1.0) / (2.0 * n)).max(0.0)
}

/// The columns with the highest scores, rising; of equal ones the first.
pub fn best(scores: &[f64], keep: usize) -> Vec<usize> {
    let mut order: Vec<usize> = (0..scores.len()).collect();
    order.sort_by(|&a, &b| scores[b].total_cmp(&scores[a]));
    order.truncate(keep);
    order.sort_unstable();
    order
}

/// The numbers below `n` in an order that the seed decides.
pub fn shuffled(n: usize, seed: u64) -> Vec<usize> {
    let mut state = seed;
    let mut order: Vec<usize> = (0..n).collect();
    for i in (1..n).rev() {
        // SplitMix64 (Steele, Lea, Flood, 2014).
        state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = state;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^= z >> 31;
        order.swap(i, (z % (i as u64 + 1)) as usize);
    }
    order
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_feature_that_names_the_class_tells_all_and_chance_tells_nothing() {
        let classes: Vec<u32> = (0..4000).map(|i| (i * 7 % 4) as u32).collect();
        let exact: Vec<f32> = classes.iter().map(|c| *c as f32 * 3.0 - 1.0).collect();
        let all = mutual_information(&exact, &classes);
        assert!((all - 4f64.ln()).abs() < 0.005, "{all}");
        // Two of four classes apart: ln 2.
        let half: Vec<f32> = classes.iter().map(|c| (c / 2) as f32).collect();
        assert!((mutual_information(&half, &classes) - 2f64.ln()).abs() < 0.005);
        let chance: Vec<f32> = shuffled(4000, 3).iter().map(|i| *i as f32).collect();
        let little = mutual_information(&chance, &classes);
        assert!(little < 0.004, "{little}");
        assert_eq!(mutual_information(&vec![2.5; 4000], &classes), 0.0);
        assert_eq!(mutual_information(&[], &[]), 0.0);
    }

    #[test]
    fn parts_are_about_equal_and_equal_values_stay_together() {
        let values: Vec<f32> = (0..160).map(|i| (i * 37 % 160) as f32).collect();
        let parts = parts(&values, 16);
        for part in 0..16 {
            assert_eq!(parts.iter().filter(|p| **p == part).count(), 10);
        }
        assert_eq!(super::parts(&[1.0, 1.0, 1.0, 2.0], 4), [0, 0, 0, 1]);
    }

    #[test]
    fn the_best_come_in_the_order_of_columns() {
        assert_eq!(best(&[0.1, 0.5, 0.5, 0.0, 0.9, 0.5], 3), [1, 2, 4]);
        assert_eq!(best(&[0.1], 5), [0]);
    }

    #[test]
    fn a_seed_gives_one_order() {
        let order = shuffled(100, 9);
        assert_eq!(order, shuffled(100, 9));
        assert_ne!(order, shuffled(100, 10));
        let mut sorted = order;
        sorted.sort_unstable();
        assert_eq!(sorted, (0..100).collect::<Vec<_>>());
    }
}
