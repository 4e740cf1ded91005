//! Work cut into batches that bound memory: recordings of a second come many at once, those of an hour one by one.

/// Consecutive runs of `items` of at most `most` items whose sizes sum to at most `budget`; an item beyond it comes alone.
pub fn batches<'a, T>(
    items: &'a [T],
    most: usize,
    budget: usize,
    size: impl Fn(&T) -> usize + 'a,
) -> impl Iterator<Item = &'a [T]> + 'a {
    let mut rest = items;
    std::iter::from_fn(move || {
        let mut sum = 0usize;
        let more = rest
            .iter()
            .take(most)
            .take_while(|item| {
                sum = sum.saturating_add(size(item));
                sum <= budget
            })
            .count();
        if rest.is_empty() {
            return None;
        }
        let (batch, after) = rest.split_at(more.max(1));
        rest = after;
        Some(batch)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_batch_ends_at_its_budget_and_at_its_number() {
        let sizes = [3usize, 3, 3, 50, 1, 1, 1, 1, 9];
        let cut: Vec<&[usize]> = batches(&sizes, 3, 10, |s| *s).collect();
        assert_eq!(cut, [&[3, 3, 3][..], &[50], &[1, 1, 1], &[1, 9]]);
        assert_eq!(batches(&[] as &[usize], 3, 10, |s| *s).count(), 0);
    }
}
