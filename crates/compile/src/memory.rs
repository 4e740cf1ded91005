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
    /// Another buffer, of a smaller index, and how many bytes (a multiple of [`ALIGNMENT`]) before it this one may begin
    /// although both are needed in this one's first step: the kernel reads what it overwrites before.
    pub tie: Option<(usize, usize)>,
}

impl Buffer {
    /// A buffer that overlaps no other.
    pub fn new(name: impl Into<String>, bytes: usize, first: usize, last: usize) -> Self {
        Self { name: name.into(), bytes, first, last, tie: None }
    }
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

/// Packs buffers: several orders are tried, each group of tied buffers goes to the lowest place that fits, the smallest
/// result is kept (the first of equals). Ties that do not help are let go.
pub fn plan(buffers: &[Buffer]) -> Plan {
    let steps = buffers.iter().map(|b| b.last + 1).max().unwrap_or(0);
    // A buffer and the one it is tied to may share bytes: the step needs at least the larger.
    let live = |step: usize| -> usize {
        let here = |b: &&Buffer| b.first <= step && step <= b.last;
        let all: usize = buffers.iter().filter(here).map(|b| aligned(b.bytes)).sum();
        let shared: usize = buffers
            .iter()
            .filter(|b| b.first == step)
            .filter_map(|b| b.tie.map(|(other, _)| aligned(b.bytes).min(aligned(buffers[other].bytes))))
            .sum();
        all - shared
    };
    let lower_bound = (0..steps).map(live).max().unwrap_or(0);
    let mut tied: Vec<bool> = buffers.iter().map(|b| b.tie.is_some()).collect();
    let mut best = pack(buffers, &tied);
    for i in 0..buffers.len() {
        if tied[i] && best.1 > lower_bound {
            tied[i] = false;
            let other = pack(buffers, &tied);
            if other.1 < best.1 {
                best = other;
            } else {
                tied[i] = true;
            }
        }
    }
    Plan { offsets: best.0, bytes: best.1, lower_bound }
}

/// Buffers that keep their distance: each with its distance from the lowest.
struct Group {
    members: Vec<(usize, usize)>,
    /// Largest extent, number of steps, for the orders.
    bytes: usize,
    span: usize,
}

fn groups(buffers: &[Buffer], tied: &[bool]) -> Vec<Group> {
    let mut at: Vec<(usize, isize)> = Vec::with_capacity(buffers.len());
    let mut members: Vec<Vec<usize>> = Vec::new();
    for (i, b) in buffers.iter().enumerate() {
        match b.tie.filter(|_| tied[i]) {
            Some((other, distance)) => {
                let (group, offset) = at[other];
                at.push((group, offset - distance as isize));
                members[group].push(i);
            }
            None => {
                at.push((members.len(), 0));
                members.push(vec![i]);
            }
        }
    }
    members
        .into_iter()
        .map(|m| {
            let low = m.iter().map(|&i| at[i].1).min().unwrap_or(0);
            let members: Vec<(usize, usize)> = m.iter().map(|&i| (i, (at[i].1 - low) as usize)).collect();
            let bytes = members.iter().map(|&(i, o)| o + aligned(buffers[i].bytes)).max().unwrap_or(0);
            let first = m.iter().map(|&i| buffers[i].first).min().unwrap_or(0);
            let last = m.iter().map(|&i| buffers[i].last).max().unwrap_or(0);
            Group { members, bytes, span: last - first + 1 }
        })
        .collect()
}

fn pack(buffers: &[Buffer], tied: &[bool]) -> (Vec<usize>, usize) {
    let groups = groups(buffers, tied);
    let all = || (0..groups.len()).collect::<Vec<_>>();
    let mut orders: Vec<Vec<usize>> = Vec::new();
    let mut by_size = all();
    by_size.sort_by_key(|&i| (std::cmp::Reverse(groups[i].bytes), i));
    orders.push(by_size);
    let mut by_area = all();
    by_area.sort_by_key(|&i| (std::cmp::Reverse(groups[i].bytes * groups[i].span), i));
    orders.push(by_area);
    let mut by_span = all();
    by_span.sort_by_key(|&i| (std::cmp::Reverse(groups[i].span), std::cmp::Reverse(groups[i].bytes), i));
    orders.push(by_span);
    orders.push(all());
    let mut best: Option<(Vec<usize>, usize)> = None;
    for order in orders {
        let (offsets, bytes) = place(buffers, &groups, &order);
        if best.as_ref().is_none_or(|b| bytes < b.1) {
            best = Some((offsets, bytes));
        }
    }
    best.unwrap_or_default()
}

fn place(buffers: &[Buffer], groups: &[Group], order: &[usize]) -> (Vec<usize>, usize) {
    let mut offsets = vec![0; buffers.len()];
    let mut placed: Vec<usize> = Vec::new();
    let mut total = 0;
    for &g in order {
        // Places at which a member would meet a buffer: from, up to (excluded).
        let mut taken: Vec<(usize, usize)> = Vec::new();
        for &(i, offset) in &groups[g].members {
            for &p in placed.iter().filter(|&&p| overlap(&buffers[p], &buffers[i])) {
                let end = offsets[p] + aligned(buffers[p].bytes);
                if end > offset {
                    taken.push((
                        (offsets[p] + 1).saturating_sub(offset + aligned(buffers[i].bytes)),
                        end - offset,
                    ));
                }
            }
        }
        taken.sort_unstable();
        let mut at = 0;
        for (from, to) in taken {
            if from > at {
                break;
            }
            at = at.max(to);
        }
        for &(i, offset) in &groups[g].members {
            offsets[i] = at + offset;
            total = total.max(at + offset + aligned(buffers[i].bytes));
            placed.push(i);
        }
    }
    (offsets, total)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn buffer(bytes: usize, first: usize, last: usize) -> Buffer {
        Buffer::new("", bytes, first, last)
    }

    #[test]
    fn buffers_that_do_not_meet_share_their_place() {
        let plan = plan(&[buffer(100, 0, 1), buffer(50, 1, 2), buffer(100, 2, 3)]);
        assert_eq!((plan.bytes, plan.lower_bound), (152, 152));
        assert_eq!(plan.offsets[0], plan.offsets[2]);
    }

    #[test]
    fn a_tied_buffer_takes_the_place_of_what_it_replaces() {
        let mut buffers = [buffer(100, 0, 1), buffer(120, 1, 2), buffer(100, 2, 3)];
        buffers[1].tie = Some((0, 24));
        buffers[2].tie = Some((1, 0));
        let plan = plan(&buffers);
        assert_eq!(plan.bytes, 124);
        assert_eq!(plan.offsets, [24, 0, 0]);
    }

    proptest! {
        #[test]
        fn no_two_live_buffers_overlap(raw in prop::collection::vec((1usize..500, 0usize..12, 0usize..5, 0usize..40), 1..20)) {
            let mut buffers: Vec<Buffer> = raw.iter().map(|&(b, f, l, _)| buffer(b, f, f + l)).collect();
            for i in 1..buffers.len() {
                // Every buffer that begins where an earlier one ends takes its place.
                buffers[i].tie = (0..i)
                    .find(|&j| buffers[j].last == buffers[i].first && buffers[j].first < buffers[i].first)
                    .filter(|&j| (0..i).all(|k| buffers[k].tie.is_none_or(|t| t.0 != j)))
                    .map(|j| (j, 4 * raw[i].3));
            }
            let plan = plan(&buffers);
            prop_assert!(plan.bytes >= plan.lower_bound);
            for (i, a) in buffers.iter().enumerate() {
                prop_assert!(plan.offsets[i] + a.bytes <= plan.bytes && plan.offsets[i].is_multiple_of(ALIGNMENT));
                for (j, b) in buffers.iter().enumerate().skip(i + 1) {
                    let tied = b.tie.is_some_and(|(t, d)| t == i && plan.offsets[j] + d == plan.offsets[i]);
                    let apart = tied || plan.offsets[i] + a.bytes <= plan.offsets[j] || plan.offsets[j] + b.bytes <= plan.offsets[i];
                    prop_assert!(apart || !overlap(a, b), "{a:?} at {} and {b:?} at {}", plan.offsets[i], plan.offsets[j]);
                }
            }
        }
    }
}
