//! Products of matrices whose left side is gathered where it lies: a convolution needs no copy of its patches.

use super::for_each_processor;

/// Columns of a panel.
const WIDE: usize = 16;
/// Columns of the last panel when no more remain.
const NARROW: usize = 8;
/// Rows of the left side between two visits of a tile of a weight gradient.
const STRETCH: usize = 128;

/// Left side: row `m` is `len` values from `x[bases[m] + segments[0]]`, then `len` from `segments[1]` and so on.
#[derive(Clone, Copy)]
pub(crate) struct Gathered<'a> {
    pub x: &'a [f32],
    pub bases: &'a [usize],
    pub segments: &'a [usize],
    pub len: usize,
}

impl Gathered<'_> {
    fn columns(&self) -> usize {
        self.segments.len() * self.len
    }
    /// One past the last value that is read.
    fn reach(&self) -> usize {
        let most = |v: &[usize]| v.iter().copied().max().unwrap_or(0);
        most(self.bases) + most(self.segments) + self.len
    }
}

/// Right side `[rows, columns]`, packed in panels of 16 or 8 columns, filled up with zeros.
#[derive(Clone, Debug, Default)]
pub(crate) struct Panels {
    data: Vec<f32>,
    pub rows: usize,
    pub columns: usize,
}

impl Panels {
    /// Packs `at(row, column)`.
    pub fn pack(&mut self, rows: usize, columns: usize, at: impl Fn(usize, usize) -> f32) {
        (self.rows, self.columns) = (rows, columns);
        self.data.clear();
        let mut first = 0;
        while first < columns {
            let width = if columns - first <= NARROW { NARROW } else { WIDE };
            let used = width.min(columns - first);
            for row in 0..rows {
                self.data.extend((first..first + used).map(|c| at(row, c)));
                self.data.resize(self.data.len() + width - used, 0.0);
            }
            first += width;
        }
    }
}

for_each_processor! {
    /// `out[m] = left[m] * right`, with `bias` (may be empty) or with what `out` holds (`add`) as the first term. Every sum runs over the
    /// columns of the left side in order.
    pub(crate) fn multiply(left: &Gathered<'_>, right: &Panels, bias: &[f32], add: bool, out: &mut [f32]) {
        let (n, rows) = (right.columns, left.bases.len());
        assert_eq!(left.columns(), right.rows, "inner extents differ");
        assert!(rows == 0 || (left.reach() <= left.x.len() && out.len() >= rows * n), "a matrix is too short");
        assert!(bias.is_empty() || bias.len() == n, "a bias is needed for each column");
        let mut first = 0;
        let mut panel = right.data.as_slice();
        while first < n {
            let width = if n - first <= NARROW { NARROW } else { WIDE };
            let (now, later) = panel.split_at(width * right.rows);
            // SAFETY: the assertions above hold for every row and column.
            unsafe {
                if width == WIDE {
                    column::<WIDE>(left, now, bias, add, out, n, first);
                } else {
                    column::<NARROW>(left, now, bias, add, out, n, first);
                }
            }
            (panel, first) = (later, first + width);
        }
    }
}

/// All rows of one panel.
#[inline(always)]
unsafe fn column<const N: usize>(
    left: &Gathered<'_>,
    panel: &[f32],
    bias: &[f32],
    add: bool,
    out: &mut [f32],
    n: usize,
    first: usize,
) {
    let used = N.min(n - first);
    let mut initial = [0.0; N];
    if !bias.is_empty() {
        initial[..used].copy_from_slice(&bias[first..first + used]);
    }
    let mut m = 0;
    while m < left.bases.len() {
        let to = out.as_mut_ptr().wrapping_add(m * n + first);
        // SAFETY: the caller's.
        m += unsafe {
            match left.bases.len() - m {
                6.. => tile::<6, N>(left, m, panel, &initial, add, to, n, used),
                4.. => tile::<4, N>(left, m, panel, &initial, add, to, n, used),
                2.. => tile::<2, N>(left, m, panel, &initial, add, to, n, used),
                _ => tile::<1, N>(left, m, panel, &initial, add, to, n, used),
            }
        };
    }
}

#[inline(always)]
unsafe fn tile<const M: usize, const N: usize>(
    left: &Gathered<'_>,
    m: usize,
    panel: &[f32],
    initial: &[f32; N],
    add: bool,
    out: *mut f32,
    n: usize,
    used: usize,
) -> usize {
    let mut sums = [*initial; M];
    // SAFETY: `multiply` checked that every row of the left side, the panel and the output hold what is touched here.
    unsafe {
        if add {
            for i in 0..M {
                // By way of another array: one that is indexed by a variable would not stay in registers.
                let mut there = [0.0; N];
                std::ptr::copy_nonoverlapping(out.add(i * n), there.as_mut_ptr(), used);
                for j in 0..N {
                    sums[i][j] += there[j];
                }
            }
        }
        let mut right = panel.as_ptr();
        for segment in left.segments {
            let mut rows = [std::ptr::null::<f32>(); M];
            for i in 0..M {
                rows[i] = left.x.as_ptr().add(left.bases.get_unchecked(m + i) + segment);
            }
            for k in 0..left.len {
                let b = *right.cast::<[f32; N]>();
                for i in 0..M {
                    let a = *rows[i].add(k);
                    for j in 0..N {
                        sums[i][j] += a * b[j];
                    }
                }
                right = right.add(N);
            }
        }
        if used == N {
            for i in 0..M {
                *out.add(i * n).cast::<[f32; N]>() = sums[i];
            }
        } else {
            for i in 0..M {
                let row = sums[i];
                std::ptr::copy_nonoverlapping(row.as_ptr(), out.add(i * n), used);
            }
        }
    }
    M
}

for_each_processor! {
    /// `out[i][k] (+)= sum over rows m of dy[m][i] * left[m][k]` for each `i` of `wanted`: the gradient of weights `[n, k]`. Every sum runs
    /// over the rows in order.
    pub(crate) fn gradient(
        left: &Gathered<'_>,
        dy: &[f32],
        n: usize,
        wanted: std::ops::Range<usize>,
        add: bool,
        out: &mut [f32],
    ) {
        let (rows, columns) = (left.bases.len(), left.columns());
        assert!(rows == 0 || left.reach() <= left.x.len(), "the left side is too short");
        assert!(dy.len() >= rows * n && wanted.end <= n && out.len() >= wanted.len() * columns, "a matrix is too short");
        if !add {
            out[..wanted.len() * columns].fill(0.0);
        }
        let mut m = 0;
        while m < rows {
            let end = rows.min(m + STRETCH);
            for (s, segment) in left.segments.iter().enumerate() {
                let mut k = 0;
                while k < left.len {
                    let room = left.len - k;
                    let at = segment + k;
                    let to = s * left.len + k;
                    // SAFETY: the assertions above hold for every row; a tile reads `N` values only when there are as many.
                    unsafe {
                        k += if room >= WIDE {
                            outer_column::<WIDE>(left, dy, n, wanted.clone(), m..end, at, out, columns, to)
                        } else if room >= 8 {
                            outer_column::<8>(left, dy, n, wanted.clone(), m..end, at, out, columns, to)
                        } else if room >= 4 {
                            outer_column::<4>(left, dy, n, wanted.clone(), m..end, at, out, columns, to)
                        } else {
                            outer_column::<1>(left, dy, n, wanted.clone(), m..end, at, out, columns, to)
                        };
                    }
                }
            }
            m = end;
        }
    }
}

#[inline(always)]
unsafe fn outer_column<const N: usize>(
    left: &Gathered<'_>,
    dy: &[f32],
    n: usize,
    wanted: std::ops::Range<usize>,
    rows: std::ops::Range<usize>,
    at: usize,
    out: &mut [f32],
    columns: usize,
    to: usize,
) -> usize {
    let mut i = wanted.start;
    while i < wanted.end {
        // SAFETY: the caller's.
        i += unsafe {
            let out = out.as_mut_ptr().add((i - wanted.start) * columns + to);
            match wanted.end - i {
                6.. => outer::<6, N>(left, dy, n, rows.clone(), at, out, columns, i),
                4.. => outer::<4, N>(left, dy, n, rows.clone(), at, out, columns, i),
                2.. => outer::<2, N>(left, dy, n, rows.clone(), at, out, columns, i),
                _ => outer::<1, N>(left, dy, n, rows.clone(), at, out, columns, i),
            }
        };
    }
    N
}

#[inline(always)]
unsafe fn outer<const M: usize, const N: usize>(
    left: &Gathered<'_>,
    dy: &[f32],
    n: usize,
    rows: std::ops::Range<usize>,
    at: usize,
    out: *mut f32,
    columns: usize,
    first: usize,
) -> usize {
    let mut sums = [[0.0f32; N]; M];
    // SAFETY: `gradient` checked that every row of both sides and the output hold what is touched here.
    unsafe {
        for i in 0..M {
            sums[i] = *out.add(i * columns).cast::<[f32; N]>();
        }
        let mut a = dy.as_ptr().add(rows.start * n + first);
        for m in rows {
            let b = *left.x.as_ptr().add(left.bases.get_unchecked(m) + at).cast::<[f32; N]>();
            for i in 0..M {
                let a = *a.add(i);
                for j in 0..N {
                    sums[i][j] += a * b[j];
                }
            }
            a = a.wrapping_add(n);
        }
        for i in 0..M {
            *out.add(i * columns).cast::<[f32; N]>() = sums[i];
        }
    }
    M
}
