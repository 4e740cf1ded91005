//! Arithmetic of shapes.

/// Elements from one to the next along each axis of a row-major tensor.
pub fn strides(shape: &[usize]) -> Vec<isize> {
    let mut out = vec![1isize; shape.len()];
    for i in (0..shape.len().saturating_sub(1)).rev() {
        out[i] = out[i + 1] * shape[i + 1] as isize;
    }
    out
}

/// Strides that spread a tensor of `from` over `to`, as NumPy does; `None` when it does not fit.
pub fn broadcast(from: &[usize], to: &[usize]) -> Option<Vec<isize>> {
    let missing = to.len().checked_sub(from.len())?;
    let own = strides(from);
    let mut out = vec![0; missing];
    for (i, &extent) in from.iter().enumerate() {
        if extent == to[missing + i] {
            out.push(if extent == 1 { 0 } else { own[i] });
        } else if extent == 1 {
            out.push(0);
        } else {
            return None;
        }
    }
    Some(out)
}

/// Common shape of two tensors, as NumPy has it.
pub fn common(a: &[usize], b: &[usize]) -> Option<Vec<usize>> {
    let rank = a.len().max(b.len());
    let at = |s: &[usize], i: usize| (i + s.len()).checked_sub(rank).map_or(1, |i| s[i]);
    (0..rank)
        .map(|i| match (at(a, i), at(b, i)) {
            (x, y) if x == y => Some(x),
            (1, y) => Some(y),
            (x, 1) => Some(x),
            _ => None,
        })
        .collect()
}

/// An axis counted from the end when negative.
pub fn axis(axis: i64, rank: usize) -> Option<usize> {
    let at = if axis < 0 { axis + rank as i64 } else { axis };
    usize::try_from(at).ok().filter(|&a| a < rank)
}

/// Shape without its batch of one: what the graph works with.
pub fn without_batch(shape: &[usize]) -> Vec<usize> {
    match shape {
        [] => vec![1],
        [1, rest @ ..] if !rest.is_empty() => rest.to_vec(),
        all => all.to_vec(),
    }
}

/// Number of elements, when it is at most [`super::MOST_ELEMENTS`]. An axis without extent does not hide the others: their
/// product is what strides are made of.
pub fn count(shape: &[usize]) -> Option<usize> {
    let most = shape.iter().try_fold(1usize, |n, &d| n.checked_mul(d.max(1)))?;
    (most <= super::MOST_ELEMENTS).then(|| if shape.contains(&0) { 0 } else { most })
}

#[cfg(test)]
mod tests {
    use super::count;

    #[test]
    fn an_axis_without_extent_hides_no_huge_one() {
        assert_eq!((count(&[2, 3]), count(&[2, 0]), count(&[])), (Some(6), Some(0), Some(1)));
        assert_eq!((count(&[0, usize::MAX]), count(&[0, usize::MAX, 2])), (None, None));
    }
}
