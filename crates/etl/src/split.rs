//! Which samples train, validate and test: by label, by group, by content.
//!
//! A recording with labelled parts counts for each of its labels.
//!
//! Every unit (a group, or a sample without one) has a rank made from the seed and its key alone. Within a label the
//! units with the lowest ranks test until their share is reached. So the order of the samples does not matter, and a
//! sample that comes later moves at most the units at the boundary.

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
};

/// Side of a sample.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Category {
    /// Fits the weights.
    Training,
    /// Watches training.
    Validation,
    /// Only tests.
    Testing,
}

/// What the split looks at.
#[derive(Clone, Debug)]
pub struct SplitItem<'a> {
    /// Id of the sample.
    pub id: &'a str,
    /// Its labels, each once: none, one, or those of its parts.
    pub labels: Vec<&'a str>,
    /// Samples of one group stay on one side.
    pub group: Option<&'a str>,
    /// Hash of the content.
    pub content: &'a str,
    /// A side the user chose: `Training` may still validate, `Testing` stays.
    pub fixed: Option<Category>,
}

/// Shares and seed.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct SplitSpec {
    /// Share of the free samples that test, 0..1.
    pub test: f64,
    /// Share of the training samples that validate, 0..1.
    pub validation: f64,
    /// Seed of the ranks.
    pub seed: u64,
}

/// Why no split is possible.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SplitError {
    /// A share is not in 0..1.
    #[error("`split.{name}` is {value}; it must be at least 0 and below 1")]
    Share {
        /// Key in the project file.
        name: &'static str,
        /// Its value as text.
        value: String,
    },
}

impl SplitItem<'_> {
    /// The labels that it counts for: samples without one are shared out among themselves.
    fn counted(&self) -> &[&str] {
        if self.labels.is_empty() { &[""] } else { &self.labels }
    }
}

/// What stays together: the group, or the content of a sample without one.
fn unit(item: &SplitItem<'_>) -> String {
    match item.group {
        Some(group) => format!("g{group}"),
        None => format!("c{}", item.content),
    }
}

/// Position of a unit in the order of its label.
fn rank(seed: u64, purpose: &str, unit: &str) -> [u8; 32] {
    let mut hasher = Sha256::new();
    hasher.update(seed.to_le_bytes());
    hasher.update(purpose.as_bytes());
    hasher.update([0]);
    hasher.update(unit.as_bytes());
    hasher.finalize().into()
}

/// Assigns a side to every item, in the order of the items.
///
/// # Errors
/// [`SplitError::Share`].
pub fn assign(items: &[SplitItem<'_>], spec: &SplitSpec) -> Result<Vec<Category>, SplitError> {
    for (name, value) in [("test", spec.test), ("validation", spec.validation)] {
        if !(0.0..1.0).contains(&value) {
            return Err(SplitError::Share { name, value: value.to_string() });
        }
    }
    let mut sides: Vec<Option<Category>> = items.iter().map(|i| i.fixed).collect();
    // A group with one fixed test sample tests as a whole: otherwise it would leak.
    let tested: BTreeSet<&str> =
        items.iter().filter(|i| i.fixed == Some(Category::Testing)).filter_map(|i| i.group).collect();
    for (side, item) in sides.iter_mut().zip(items) {
        if side.is_none() && item.group.is_some_and(|g| tested.contains(g)) {
            *side = Some(Category::Testing);
        }
    }
    let free: Vec<usize> = (0..items.len()).filter(|&i| sides[i].is_none()).collect();
    let chosen = choose(items, &free, spec.test, spec.seed, "test");
    for &i in &free {
        sides[i] = Some(if chosen.contains(&i) { Category::Testing } else { Category::Training });
    }
    let training: Vec<usize> = (0..items.len()).filter(|&i| sides[i] == Some(Category::Training)).collect();
    for i in choose(items, &training, spec.validation, spec.seed, "validation") {
        sides[i] = Some(Category::Validation);
    }
    Ok(sides.into_iter().map(|s| s.unwrap_or(Category::Training)).collect())
}

/// Chooses about `share` of the items of each label; whole groups; never all units of a label.
fn choose(items: &[SplitItem<'_>], from: &[usize], share: f64, seed: u64, purpose: &str) -> BTreeSet<usize> {
    let mut chosen = BTreeSet::new();
    if share == 0.0 {
        return chosen;
    }
    let mut units: BTreeMap<String, Vec<usize>> = BTreeMap::new();
    for &i in from {
        units.entry(unit(&items[i])).or_default().push(i);
    }
    let mut totals: BTreeMap<&str, usize> = BTreeMap::new();
    let mut units_of: BTreeMap<&str, usize> = BTreeMap::new();
    for members in units.values() {
        let labels: BTreeSet<&str> = members.iter().flat_map(|&i| items[i].counted()).copied().collect();
        for label in labels {
            *units_of.entry(label).or_default() += 1;
        }
        for label in members.iter().flat_map(|&i| items[i].counted()) {
            *totals.entry(label).or_default() += 1;
        }
    }
    let mut order: Vec<([u8; 32], &Vec<usize>)> =
        units.iter().map(|(unit, members)| (rank(seed, purpose, unit), members)).collect();
    order.sort();
    let mut taken: BTreeMap<&str, usize> = BTreeMap::new();
    for (_, members) in order {
        let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
        for label in members.iter().flat_map(|&i| items[i].counted()) {
            *counts.entry(label).or_default() += 1;
        }
        // A unit is taken when that brings its labels nearer to their shares, and none of them loses its last unit.
        let mut gain = 0.0;
        let mut last = false;
        for (label, n) in &counts {
            let total = totals.get(label).copied().unwrap_or(0);
            let wanted = (total as f64 * share).max(if total > 1 { 1.0 } else { 0.0 });
            let have = taken.get(label).copied().unwrap_or(0) as f64;
            gain += (wanted - have).abs() - (wanted - have - *n as f64).abs();
            last |= units_of.get(label).copied().unwrap_or(0) <= 1;
        }
        if gain > 0.0 && !last {
            for (label, n) in counts {
                *taken.entry(label).or_default() += n;
                *units_of.entry(label).or_default() -= 1;
            }
            chosen.extend(members.iter().copied());
        }
    }
    chosen
}

/// Shares items out into `count` folds for cross-validation, labels in equal parts, whole groups; `None` for one that the user made test, and
/// for all of its group. The same unit of samples alone decides its rank, so the order of the items does not matter.
pub fn folds(items: &[SplitItem<'_>], count: usize, seed: u64) -> Vec<Option<usize>> {
    let tested: BTreeSet<&str> =
        items.iter().filter(|i| i.fixed == Some(Category::Testing)).filter_map(|i| i.group).collect();
    let mut units: BTreeMap<String, Vec<usize>> = BTreeMap::new();
    for (i, item) in items.iter().enumerate() {
        if item.fixed != Some(Category::Testing) && !item.group.is_some_and(|g| tested.contains(g)) {
            units.entry(unit(item)).or_default().push(i);
        }
    }
    let mut totals: BTreeMap<&str, f64> = BTreeMap::new();
    for label in units.values().flatten().flat_map(|&i| items[i].counted()) {
        *totals.entry(label).or_default() += 1.0;
    }
    // The largest first: what is left evens out what they weigh.
    let mut order: Vec<(usize, [u8; 32], &Vec<usize>)> =
        units.iter().map(|(unit, members)| (members.len(), rank(seed, "fold", unit), members)).collect();
    order.sort_by(|a, b| b.0.cmp(&a.0).then(a.1.cmp(&b.1)));
    let mut have: Vec<BTreeMap<&str, f64>> = vec![BTreeMap::new(); count];
    let mut sizes = vec![0usize; count];
    let mut out = vec![None; items.len()];
    for (_, _, members) in order {
        let mut counts: BTreeMap<&str, f64> = BTreeMap::new();
        for label in members.iter().flat_map(|&i| items[i].counted()) {
            *counts.entry(label).or_default() += 1.0;
        }
        // By how much a fold's shares of the labels grow away from even ones: the sum of squares is least when all are equal.
        let cost = |fold: usize| -> f64 {
            let grown = |(label, n): (&&str, &f64)| {
                let has = have[fold].get(label).copied().unwrap_or(0.0);
                let total = totals.get(label).copied().unwrap_or(1.0);
                ((has + n).powi(2) - has.powi(2)) / total.powi(2)
            };
            counts.iter().map(grown).sum()
        };
        let best = (0..count)
            .min_by(|&a, &b| cost(a).total_cmp(&cost(b)).then(sizes[a].cmp(&sizes[b])).then(a.cmp(&b)))
            .unwrap_or(0);
        for (label, n) in counts {
            *have[best].entry(label).or_default() += n;
        }
        sizes[best] += members.len();
        members.iter().for_each(|&i| out[i] = Some(best));
    }
    out
}

/// A sign that training and test know of each other.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Leak {
    /// The same content on both sides.
    Content {
        /// Samples.
        ids: Vec<String>,
    },
    /// A group on both sides.
    Group {
        /// The group.
        group: String,
    },
}

impl fmt::Display for Leak {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Content { ids } => {
                write!(f, "the same content trains and tests: samples {}", ids.join(", "))
            }
            Self::Group { group } => write!(f, "group `{group}` trains and tests"),
        }
    }
}

/// Looks for content and groups on both sides of the test border, in a fixed order. `tests`: whether the item of a number tests.
pub fn leakage(items: &[SplitItem<'_>], tests: impl Fn(usize) -> bool) -> Vec<Leak> {
    let mut contents: BTreeMap<&str, (bool, bool, Vec<String>)> = BTreeMap::new();
    let mut groups: BTreeMap<&str, (bool, bool)> = BTreeMap::new();
    for (i, item) in items.iter().enumerate() {
        let tests = tests(i);
        let entry = contents.entry(item.content).or_default();
        entry.0 |= !tests;
        entry.1 |= tests;
        entry.2.push(item.id.to_owned());
        if let Some(group) = item.group {
            let entry = groups.entry(group).or_default();
            entry.0 |= !tests;
            entry.1 |= tests;
        }
    }
    let content = contents
        .into_values()
        .filter(|(trains, tests, _)| *trains && *tests)
        .map(|(_, _, ids)| Leak::Content { ids });
    let group = groups
        .into_iter()
        .filter(|(_, (trains, tests))| *trains && *tests)
        .map(|(group, _)| Leak::Group { group: group.to_owned() });
    content.chain(group).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const SPEC: SplitSpec = SplitSpec { test: 0.2, validation: 0.2, seed: 1 };

    /// Names of samples with labels and, when `groups` is not 0, groups.
    fn data(count: usize, labels: usize, groups: usize) -> Vec<(String, String, Option<String>)> {
        (0..count)
            .map(|i| {
                let group = (groups > 0).then(|| format!("g{}", (i / labels) % groups));
                (format!("s{i}"), format!("l{}", i % labels), group)
            })
            .collect()
    }

    fn items(data: &[(String, String, Option<String>)]) -> Vec<SplitItem<'_>> {
        data.iter()
            .map(|(id, label, group)| SplitItem {
                id,
                labels: vec![label],
                group: group.as_deref(),
                content: id,
                fixed: None,
            })
            .collect()
    }

    #[test]
    fn each_label_gives_its_share() {
        let data = data(200, 4, 0);
        let sides = assign(&items(&data), &SPEC).expect("split");
        for label in 0..4 {
            let of: Vec<_> = (0..200).filter(|i| i % 4 == label).map(|i| sides[i]).collect();
            assert_eq!(of.iter().filter(|s| **s == Category::Testing).count(), 10);
            assert_eq!(of.iter().filter(|s| **s == Category::Validation).count(), 8);
        }
    }

    #[test]
    fn recordings_with_parts_give_each_label_its_share() {
        let ids: Vec<String> = (0..40).map(|i| format!("s{i}")).collect();
        // Every recording has the common label and one of four others.
        let others = ["a", "b", "c", "d"];
        let items: Vec<SplitItem<'_>> = ids
            .iter()
            .enumerate()
            .map(|(i, id)| SplitItem {
                id,
                labels: vec!["all", others[i % 4]],
                group: None,
                content: id,
                fixed: None,
            })
            .collect();
        let sides = assign(&items, &SPEC).expect("split");
        assert_eq!(sides.iter().filter(|s| **s == Category::Testing).count(), 8);
        for other in 0..4 {
            let tests = (0..40).filter(|i| i % 4 == other && sides[*i] == Category::Testing).count();
            assert_eq!(tests, 2, "{}", others[other]);
        }
    }

    #[test]
    fn a_label_with_one_sample_trains() {
        let data = [("a", "x"), ("b", "x"), ("c", "y")].map(|(i, l)| (i.to_owned(), l.to_owned(), None));
        let sides = assign(&items(&data), &SPEC).expect("split");
        assert_eq!(sides[2], Category::Training);
    }

    #[test]
    fn a_sample_that_comes_later_moves_at_most_the_boundary() {
        let more = data(101, 1, 0);
        let before = assign(&items(&more[..100]), &SPEC).expect("split");
        let after = assign(&items(&more), &SPEC).expect("split");
        let tests = |c: Category| c == Category::Testing;
        let moved = before.iter().zip(&after).filter(|(a, b)| tests(**a) != tests(**b)).count();
        assert!(moved <= 1, "{moved} samples changed between training and test");
    }

    #[test]
    fn folds_have_equal_parts_of_each_label() {
        let data = data(100, 4, 0);
        let folds = folds(&items(&data), 5, 1);
        for (label, fold) in (0..4).flat_map(|l| (0..5).map(move |f| (l, f))) {
            let of = (0..100).filter(|i| i % 4 == label && folds[*i] == Some(fold)).count();
            assert_eq!(of, 5, "label {label}, fold {fold}");
        }
        let mut fixed = items(&data);
        fixed[3].fixed = Some(Category::Testing);
        assert_eq!(super::folds(&fixed, 5, 1)[3], None);
    }

    #[test]
    fn leaks_are_found() {
        let data = data(4, 2, 2);
        let items = items(&data);
        let sides = [Category::Training, Category::Testing, Category::Training, Category::Training];
        assert_eq!(leakage(&items, |i| sides[i] == Category::Testing), [Leak::Group { group: "g0".into() }]);
    }

    proptest! {
        #[test]
        fn groups_stay_in_one_fold_and_order_does_not_matter(
            count in 5usize..120, labels in 1usize..5, groups in 0usize..9, seed in 0u64..50, k in 2usize..6,
        ) {
            let data = data(count, labels, groups);
            let items = items(&data);
            let folds = folds(&items, k, seed);
            let mut of: BTreeMap<&str, usize> = BTreeMap::new();
            for (item, fold) in items.iter().zip(&folds) {
                let fold = fold.expect("all are free");
                prop_assert!(fold < k);
                if let Some(group) = item.group {
                    prop_assert_eq!(*of.entry(group).or_insert(fold), fold);
                }
            }
            let reversed: Vec<_> = items.iter().rev().cloned().collect();
            let mut back = super::folds(&reversed, k, seed);
            back.reverse();
            prop_assert_eq!(&folds, &back);
            let used = (0..k).filter(|f| folds.contains(&Some(*f))).count();
            prop_assert_eq!(used, k.min(if groups > 0 { count.div_ceil(labels).min(groups) } else { count }));
        }

        #[test]
        fn no_group_is_on_two_sides_and_order_does_not_matter(
            count in 1usize..120, labels in 1usize..5, groups in 0usize..9, seed in 0u64..50,
        ) {
            let data = data(count, labels, groups);
            let spec = SplitSpec { seed, ..SPEC };
            let items = items(&data);
            let sides = assign(&items, &spec).expect("split");
            prop_assert!(leakage(&items, |i| sides[i] == Category::Testing).is_empty());
            let reversed: Vec<_> = items.iter().rev().cloned().collect();
            let mut back = assign(&reversed, &spec).expect("split");
            back.reverse();
            prop_assert_eq!(&sides, &back);
            for item in 0..count {
                let same = (0..count).filter(|&i| data[i].1 == data[item].1);
                prop_assert!(same.into_iter().any(|i| sides[i] != Category::Testing), "a label only tests");
            }
        }
    }
}
