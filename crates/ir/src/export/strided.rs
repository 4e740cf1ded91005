//! A view as slices, a turn of axes and repetition.

/// What to do with a tensor, in this order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Steps {
    /// Shape in which it is cut.
    pub dims: Vec<usize>,
    /// Of each axis: first element, number of elements, step.
    pub cut: Vec<(usize, usize, isize)>,
    /// Order of the axes.
    pub order: Vec<usize>,
    /// Shape with ones where the view repeats.
    pub single: Vec<usize>,
}

fn gcd(a: usize, b: usize) -> usize {
    if b == 0 { a } else { gcd(b, a % b) }
}

/// The steps that give the view of a tensor of `len` elements; `None` when there are none, as for windows that overlap.
pub fn steps(len: usize, shape: &[usize], strides: &[isize], offset: usize) -> Option<Steps> {
    let mut axes: Vec<usize> = (0..shape.len()).filter(|&a| strides[a] != 0 && shape[a] > 1).collect();
    axes.sort_by_key(|&a| (std::cmp::Reverse(strides[a].unsigned_abs()), a));
    let (mut dims, mut cut) = (Vec::new(), Vec::new());
    let (mut above, mut rest) = (len, offset);
    for &a in &axes {
        let unit = gcd(above, strides[a].unsigned_abs());
        let (extent, step) = (above / unit, strides[a] / unit as isize);
        let first = rest / unit;
        let last = first as isize + step * (shape[a] as isize - 1);
        if first >= extent || !(0..extent as isize).contains(&last) {
            return None;
        }
        rest %= unit;
        dims.push(extent);
        cut.push((first, shape[a], step));
        above = unit;
    }
    if above > 1 || dims.is_empty() {
        dims.push(above);
        cut.push((rest, 1, 1));
        if rest >= above {
            return None;
        }
    }
    // In the order of the view.
    let mut order: Vec<usize> = (0..axes.len()).collect();
    order.sort_by_key(|&k| axes[k]);
    order.extend(axes.len()..dims.len());
    let single = (0..shape.len()).map(|a| if axes.contains(&a) { shape[a] } else { 1 }).collect();
    Some(Steps { dims, cut, order, single })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The view by the steps, from the elements 0, 1, 2, ...
    fn follow(s: &Steps, shape: &[usize]) -> Vec<usize> {
        let own = crate::import::strides(&s.dims);
        let counts: Vec<usize> = s.order.iter().map(|&k| s.cut[k].1).collect();
        let total: usize = counts.iter().product();
        let single: Vec<usize> = (0..total)
            .map(|n| {
                let (mut rest, mut at) = (n, 0isize);
                for (&k, &count) in s.order.iter().zip(&counts).rev() {
                    let (first, _, step) = s.cut[k];
                    at += (first as isize + step * (rest % count) as isize) * own[k];
                    rest /= count;
                }
                at as usize
            })
            .collect();
        let wide = crate::import::strides(&s.single);
        (0..shape.iter().product())
            .map(|n| {
                let (mut rest, mut at) = (n, 0isize);
                for a in (0..shape.len()).rev() {
                    at += if s.single[a] > 1 { (rest % shape[a]) as isize * wide[a] } else { 0 };
                    rest /= shape[a];
                }
                single[at as usize]
            })
            .collect()
    }

    #[test]
    fn views_are_taken_apart() {
        for (len, shape, strides, offset) in [
            (72, vec![6, 3, 4], vec![3, 1, 18], 0),
            (72, vec![6, 2, 4], vec![-12, 4, 1], 60),
            (35, vec![3, 7], vec![14, 1], 0),
            (35, vec![7, 2], vec![1, 7], 14),
            (12, vec![2, 3, 2, 4], vec![0, 4, 0, 1], 0),
            (10, vec![5], vec![2], 1),
            (10, vec![1], vec![1], 7),
            (1, vec![5, 2], vec![0, 0], 0),
        ] {
            let s = steps(len, &shape, &strides, offset).unwrap_or_else(|| panic!("{shape:?} {strides:?}"));
            let expected: Vec<usize> = (0..shape.iter().product())
                .map(|n: usize| {
                    let (mut rest, mut at) = (n, offset as isize);
                    for a in (0..shape.len()).rev() {
                        at += (rest % shape[a]) as isize * strides[a];
                        rest /= shape[a];
                    }
                    at as usize
                })
                .collect();
            assert_eq!(follow(&s, &shape), expected, "{shape:?} {strides:?} {offset}");
        }
        // Windows that overlap.
        assert_eq!(steps(10, &[8, 3], &[1, 1], 0), None);
    }
}
