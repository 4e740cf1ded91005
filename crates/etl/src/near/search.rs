//! Which prints lie near each other, without comparing all with all.

use super::print::{BITS, Print};

/// Bits after a part by which prints that agree in it are put in order, so that the nearest lie together.
const ORDER: usize = 32;

/// Prints that differ in more bits than this have too little in common. Unrelated ones differ in about 512 of the 1024.
const FAR: u32 = 370;
/// The same of coarse prints, of which many are alike.
const FAR_COARSE: u32 = 250;
/// Others that are further than this times as far are not nearly as near.
const APART: f64 = 1.5;
/// Nearest others that are kept of each sample.
const KEPT: usize = 4;
/// Prints that are compared with the next ones in a place of a table, at most: where very many are alike, a chain of them is found.
const NEXT: usize = 32;

/// Two samples whose prints are near each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Candidate {
    /// The one that comes first,
    pub first: usize,
    /// and the other.
    pub second: usize,
    /// Whether only coarse prints are near.
    pub coarse: bool,
    /// Bits in which their nearest prints of that make differ.
    pub distance: u32,
    /// Nothing else is nearly as near to either.
    pub alone: bool,
}

/// Samples that may be near duplicates, from prints with the numbers of their samples; in order, each pair once.
///
/// Prints are sorted by parts of their bits: near ones agree in all bits of at least one part. Parts are as wide as makes a few prints
/// agree by chance, whatever their number, so the work is about proportional to that.
pub fn candidates(prints: &[(usize, Print)]) -> Vec<Candidate> {
    let mut order: Vec<usize> = (0..prints.len()).collect();
    order.sort_by_key(|&i| (prints[i].1.class, prints[i].0));
    let mut pairs: Vec<Candidate> = order
        .chunk_by(|&a, &b| prints[a].1.class == prints[b].1.class)
        .flat_map(|of| within(prints, of))
        .collect();
    pairs.sort_unstable();
    pairs.dedup_by_key(|c| (c.first, c.second));
    pairs
}

/// Those of one class.
fn within(prints: &[(usize, Print)], class: &[usize]) -> Vec<Candidate> {
    let Some(&one) = class.first() else { return Vec::new() };
    let coarse = prints[one].1.coarse;
    let far = if coarse { FAR_COARSE } else { FAR };
    let width = (class.len().next_power_of_two().trailing_zeros().saturating_sub(1)).clamp(6, 20) as usize;
    // Of each print its nearest others: distance and place in `class`.
    let mut nearest: Vec<Vec<(u32, u32)>> = vec![Vec::new(); class.len()];
    let mut table: Vec<(u32, u32, u32)> = Vec::with_capacity(class.len());
    for part in 0..BITS / width {
        let from = part * width;
        let after = if from + width + ORDER <= BITS { from + width } else { 0 };
        table.clear();
        table.extend(class.iter().enumerate().map(|(n, &i)| {
            let print = &prints[i].1;
            (print.part(from, width), print.part(after, ORDER), n as u32)
        }));
        table.sort_unstable();
        for place in table.chunk_by(|a, b| a.0 == b.0) {
            for (k, &(_, _, a)) in place.iter().enumerate() {
                for &(_, _, b) in place[k + 1..].iter().take(NEXT) {
                    let [(s, p), (t, q)] = [a, b].map(|n| &prints[class[n as usize]]);
                    let Some(distance) = p.distance_within(q, far) else { continue };
                    if s != t {
                        keep(&mut nearest[a as usize], distance, b);
                        keep(&mut nearest[b as usize], distance, a);
                    }
                }
            }
        }
    }
    // The second one of each list is the nearest of those that are not its nearest.
    let next = |n: u32| nearest[n as usize].get(1).map_or(far + 1, |e| e.0);
    let mut out = Vec::new();
    for (a, near) in nearest.iter().enumerate() {
        for &(distance, b) in near {
            let [s, t] = [a, b as usize].map(|n| prints[class[n]].0);
            let alone = f64::from(distance) * APART <= f64::from(next(a as u32).min(next(b)));
            out.push(Candidate { first: s.min(t), second: s.max(t), coarse, distance, alone });
        }
    }
    out
}

/// Puts another one into a short list in order of distance.
fn keep(list: &mut Vec<(u32, u32)>, distance: u32, other: u32) {
    let entry = (distance, other);
    let at = list.partition_point(|e| *e < entry);
    if at >= KEPT || list.get(at) == Some(&entry) {
        return;
    }
    list.insert(at, entry);
    list.truncate(KEPT);
}
