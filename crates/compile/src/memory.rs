//! Where buffers lie in the arena: those that live at the same time do not overlap.

/// A buffer with the steps during which it must keep its contents.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Buffer {
    /// For people.
    pub name: String,
    /// Size, rounded up to the alignment by the plan.
    pub bytes: usize,
    /// First step that writes it.
    pub first: usize,
    /// Last step that reads it.
    pub last: usize,
}

/// Offsets of buffers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Plan {
    /// One per buffer, a multiple of [`ALIGNMENT`].
    pub offsets: Vec<usize>,
    /// Size of the arena.
    pub bytes: usize,
    /// No plan can be smaller: the most that lives at one step.
    pub lower_bound: usize,
}

/// Of every buffer, in bytes.
pub const ALIGNMENT: usize = 4;

fn aligned(bytes: usize) -> usize {
    bytes.div_ceil(ALIGNMENT) * ALIGNMENT
}

fn overlap(a: &Buffer, b: &Buffer) -> bool {
    a.first <= b.last && b.first <= a.last
}

/// Packs buffers: several orders are tried, each buffer goes to the lowest gap that fits, the smallest result is kept
/// (the first of equals).
pub fn plan(buffers: &[Buffer]) -> Plan {
    let steps = buffers.iter().map(|b| b.last + 1).max().unwrap_or(0);
    let live = |step: usize| -> usize {
        buffers.iter().filter(|b| b.first <= step && step <= b.last).map(|b| aligned(b.bytes)).sum()
    };
    let lower_bound = (0..steps).map(live).max().unwrap_or(0);
    let mut orders: Vec<Vec<usize>> = Vec::new();
    let all = || (0..buffers.len()).collect::<Vec<_>>();
    let span = |i: usize| buffers[i].last - buffers[i].first + 1;
    let mut by_size = all();
    by_size.sort_by_key(|&i| (std::cmp::Reverse(buffers[i].bytes), i));
    orders.push(by_size);
    let mut by_area = all();
    by_area.sort_by_key(|&i| (std::cmp::Reverse(buffers[i].bytes * span(i)), i));
    orders.push(by_area);
    let mut by_span = all();
    by_span.sort_by_key(|&i| (std::cmp::Reverse(span(i)), std::cmp::Reverse(buffers[i].bytes), i));
    orders.push(by_span);
    orders.push(all());
    let mut best: Option<Plan> = None;
    for order in orders {
        let (offsets, bytes) = place(buffers, &order);
        if best.as_ref().is_none_or(|b| bytes < b.bytes) {
            best = Some(Plan { offsets, bytes, lower_bound });
        }
    }
    best.unwrap_or(Plan { offsets: Vec::new(), bytes: 0, lower_bound })
}

fn place(buffers: &[Buffer], order: &[usize]) -> (Vec<usize>, usize) {
    let mut offsets = vec![0; buffers.len()];
    let mut placed: Vec<usize> = Vec::new();
    let mut total = 0;
    for &i in order {
        let mut taken: Vec<(usize, usize)> = placed
            .iter()
            .filter(|&&p| overlap(&buffers[p], &buffers[i]))
            .map(|&p| (offsets[p], offsets[p] + aligned(buffers[p].bytes)))
            .collect();
        taken.sort_unstable();
        let need = aligned(buffers[i].bytes);
        let mut at = 0;
        for (from, to) in taken {
            if from >= at + need {
                break;
            }
            at = at.max(to);
        }
        offsets[i] = at;
        total = total.max(at + need);
        placed.push(i);
    }
    (offsets, total)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn buffer(bytes: usize, first: usize, last: usize) -> Buffer {
        Buffer { name: String::new(), bytes, first, last }
    }

    #[test]
    fn buffers_that_do_not_meet_share_their_place() {
        let plan = plan(&[buffer(100, 0, 1), buffer(50, 1, 2), buffer(100, 2, 3)]);
        assert_eq!((plan.bytes, plan.lower_bound), (152, 152));
        assert_eq!(plan.offsets[0], plan.offsets[2]);
    }

    proptest! {
        #[test]
        fn no_two_live_buffers_overlap(raw in prop::collection::vec((1usize..500, 0usize..12, 0usize..5), 1..20)) {
            let buffers: Vec<Buffer> = raw.iter().map(|&(b, f, l)| buffer(b, f, f + l)).collect();
            let plan = plan(&buffers);
            prop_assert!(plan.bytes >= plan.lower_bound);
            for (i, a) in buffers.iter().enumerate() {
                prop_assert!(plan.offsets[i] + a.bytes <= plan.bytes && plan.offsets[i].is_multiple_of(ALIGNMENT));
                for (j, b) in buffers.iter().enumerate().skip(i + 1) {
                    let apart = plan.offsets[i] + a.bytes <= plan.offsets[j] || plan.offsets[j] + b.bytes <= plan.offsets[i];
                    prop_assert!(apart || !overlap(a, b), "{a:?} at {} and {b:?} at {}", plan.offsets[i], plan.offsets[j]);
                }
            }
        }
    }
}
