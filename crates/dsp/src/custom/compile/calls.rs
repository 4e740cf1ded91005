//! Calls of functions: what they take, and which nodes they become.

use super::{
    super::{
        Binary, FUNCTIONS, Op, Unary,
        lex::Place,
        nearest,
        types::{Arg, Expr, Source, Type},
    },
    Compiler, arg,
};
use crate::{
    DspError, Welch,
    decimate::decimators,
    spectral::{butterworth, stable},
};
use alloc::{format, string::String, vec, vec::Vec};

impl Compiler<'_> {
    pub(super) fn call(&mut self, name: &str, args: &[Expr], place: Place) -> Result<Expr, DspError> {
        let Some(function) = FUNCTIONS.iter().find(|f| f.name == name) else {
            let hint = nearest(name, FUNCTIONS.iter().map(|f| f.name))
                .map(|n| format!("; did you mean `{n}`?"))
                .unwrap_or_default();
            return place.refuse("program_name", format!("there is no function `{name}`{hint}"));
        };
        let takes: Vec<usize> =
            function.usage.split(" or ").map(|u| 1 + u.chars().filter(|c| *c == ',').count()).collect();
        if !takes.contains(&args.len()) {
            return place.refuse(
                "program_type",
                format!("`{name}` is written {}; here it has {} arguments", function.usage, args.len()),
            );
        }
        let (x, rest) = (args[0], &args[1..]);
        match (name, rest) {
            ("abs", _) => return self.each(Unary::Abs, x),
            ("sqrt", _) => return self.each(Unary::Sqrt, x),
            ("log", _) => return self.each(Unary::Ln, x),
            ("log10", _) => return self.each(Unary::Log10, x),
            ("min", [y]) => return self.both(Binary::Smaller, x, *y, "min"),
            ("max", [y]) => return self.both(Binary::Larger, x, *y, "max"),
            _ => {}
        }
        let Source::Node(node) = x.source else {
            return x.place.refuse(
                "program_type",
                format!("`{name}` takes what depends on the window; this is a number"),
            );
        };
        match x.kind {
            Type::Scalar => {
                return x
                    .place
                    .refuse("program_type", format!("`{name}` takes values in a row; this is {}", x.kind));
            }
            Type::Series { .. } if function.usage.starts_with(&format!("{name}(s")) => {
                let near = if matches!(name, "total" | "bins") { "; did you mean `sum`?" } else { "" };
                return x.place.refuse(
                    "program_type",
                    format!("`{name}` takes a spectrum, such as `power(x, 64)`; this is {}{near}", x.kind),
                );
            }
            Type::Spectrum { .. } if function.usage.starts_with(&format!("{name}(x")) => {
                return x.place.refuse(
                    "program_type",
                    format!("`{name}` takes a series; this is {}; `bins(...)` makes a series of it", x.kind),
                );
            }
            _ => {}
        }
        let call = Call { name, node, x, rest, place };
        match x.kind {
            Type::Series { len, rate } => self.of_series(&call, len, rate),
            Type::Spectrum { bins, width } => self.of_spectrum(&call, bins, width),
            Type::Scalar => self.statistic(&call),
        }
    }

    fn scalar(&mut self, c: &Call<'_>, op: Op) -> Result<Expr, DspError> {
        self.node(op, vec![Arg::Node(c.node)], 1, Type::Scalar, c.place)
    }

    fn series(&mut self, c: &Call<'_>, op: Op, len: usize, rate: f64) -> Result<Expr, DspError> {
        self.node(op, vec![Arg::Node(c.node)], len, Type::Series { len, rate }, c.place)
    }

    fn of_series(&mut self, c: &Call<'_>, len: usize, rate: f64) -> Result<Expr, DspError> {
        match c.name {
            "crossings" => {
                let level = match c.rest {
                    [level] if level.kind != Type::Scalar => {
                        return level.place.refuse(
                            "program_type",
                            format!("the level must be a scalar; this is {}", level.kind),
                        );
                    }
                    [level] => arg(*level),
                    _ => Arg::Const(0.0),
                };
                self.node(Op::Crossings, vec![Arg::Node(c.node), level], 1, Type::Scalar, c.place)
            }
            "correlation" | "dot" => {
                let y = c.rest[0];
                match (y.source, y.kind) {
                    (Source::Node(n), kind) if kind == c.x.kind => {
                        let op = if c.name == "dot" { Op::Dot } else { Op::Correlation };
                        self.node(op, vec![Arg::Node(c.node), Arg::Node(n)], 1, Type::Scalar, c.place)
                    }
                    (_, kind) => {
                        let hint = match kind {
                            Type::Series { len: n, rate: r } if r == rate => {
                                format!("; cut the longer one with `slice(..., 0, {})`", n.min(len))
                            }
                            _ => String::new(),
                        };
                        y.place.refuse(
                            "program_type",
                            format!(
                                "`{}` takes two series that fit; these are {} and {kind}{hint}",
                                c.name, c.x.kind
                            ),
                        )
                    }
                }
            }
            "diff" => {
                if len < 2 {
                    return c
                        .place
                        .refuse("program_type", format!("`diff` needs 2 values; this is {}", c.x.kind));
                }
                self.series(c, Op::Difference, len - 1, rate)
            }
            "running_sum" => self.series(c, Op::Running, len, rate),
            "smooth" => {
                let n = self.whole(c, 0, "the number of neighbours", 1, len)?;
                self.series(c, Op::Smooth(n), len + 1 - n, rate)
            }
            "slice" => {
                let first = self.whole(c, 0, "the first value", 0, len - 1)?;
                let count = self.whole(c, 1, "the count", 1, len - first)?;
                self.series(c, Op::Slice(first), count, rate)
            }
            "lowpass" | "highpass" => {
                let sections = self.sections(c, 0, 1, c.name == "highpass", rate)?;
                self.series(c, Op::Filter(sections), len, rate)
            }
            "bandpass" => {
                let mut sections = self.sections(c, 0, 2, true, rate)?;
                let (low, high) =
                    (self.number(c.rest[0], "the lower edge")?, self.number(c.rest[1], "the upper edge")?);
                if low >= high {
                    return c.rest[1].place.refuse(
                        "program_range",
                        format!("the upper edge is {high} Hz; it must lie above the lower one of {low} Hz"),
                    );
                }
                sections.extend(self.sections(c, 1, 2, false, rate)?);
                self.series(c, Op::Filter(sections), len, rate)
            }
            "decimate" => {
                let ratio = self.number(c.rest[0], "the ratio")?;
                let known = [3, 10, 30, 100, 1000];
                let chain =
                    decimators(ratio as usize).filter(|_| known.iter().any(|k| f64::from(*k) == ratio));
                let Some(chain) = chain else {
                    let far = |k: f64| libm::fabs(libm::log(k / ratio.max(1e-3)));
                    let near = known
                        .map(f64::from)
                        .into_iter()
                        .min_by(|a, b| far(*a).total_cmp(&far(*b)))
                        .unwrap_or(3.0);
                    return c.rest[0].place.refuse(
                        "program_range",
                        format!(
                            "the ratio is {ratio}; it must be 3, 10, 30, 100 or 1000, the nearest is {near}"
                        ),
                    );
                };
                let kept = chain.iter().fold(len, |n, d| d.kept(n));
                self.series(c, Op::Decimate(chain), kept, rate / ratio)
            }
            "power" => {
                let n = self.number(c.rest[0], "the length of the transform")?;
                if rate <= 0.0 {
                    return c.x.place.refuse(
                        "program_type",
                        format!("`power` takes a series in time; this is {}", c.x.kind),
                    );
                }
                let legal: Vec<usize> = (2..=15).map(|b| 1 << b).filter(|n| *n <= len).collect();
                if !legal.iter().any(|l| *l as f64 == n) {
                    let near = legal.iter().min_by_key(|l| (**l as f64 - n).max(n - **l as f64) as u64);
                    let hint =
                        near.map_or("the series is too short".into(), |n| format!("the nearest is {n}"));
                    return c.rest[0].place.refuse(
                        "program_range",
                        format!("the transform has {n} values; it must be a power of two from 4 to 32768 and fit {}; {hint}", c.x.kind),
                    );
                }
                let welch = Welch::new(n as usize, rate);
                let (bins, width) = (n as usize / 2 + 1, rate / n);
                let kind = Type::Spectrum { bins, width };
                self.node(Op::Power(welch), vec![Arg::Node(c.node)], bins, kind, c.place)
            }
            _ => self.statistic(c),
        }
    }

    fn of_spectrum(&mut self, c: &Call<'_>, bins: usize, width: f64) -> Result<Expr, DspError> {
        match c.name {
            "total" => self.scalar(c, Op::Total { first: 1, count: bins - 1 }),
            "band" => {
                let (low, high) =
                    (self.number(c.rest[0], "the lower edge")?, self.number(c.rest[1], "the upper edge")?);
                let below = |edge: f64| (0..bins).take_while(|k| (*k as f64) * width < edge).count();
                let (first, end) = (below(low), below(high));
                if end <= first {
                    return c.rest[0].place.refuse(
                        "program_range",
                        format!(
                            "no bin lies from {low} to {high} Hz; bins lie {width} Hz apart up to {} Hz",
                            width * (bins - 1) as f64
                        ),
                    );
                }
                self.scalar(c, Op::Total { first, count: end - first })
            }
            "peak" => self.scalar(c, Op::Peak(width as f32)),
            "centroid" => self.scalar(c, Op::Centroid(width as f32)),
            "spectral_entropy" => self.scalar(c, Op::Evenness((1.0 / libm::log((bins - 1) as f64)) as f32)),
            "bins" => Ok(Expr { kind: Type::Series { len: bins, rate: 0.0 }, place: c.place, ..c.x }),
            _ => self.statistic(c),
        }
    }

    /// What series and spectra both have.
    fn statistic(&mut self, c: &Call<'_>) -> Result<Expr, DspError> {
        let len = c.x.kind.len();
        match c.name {
            "mean" => self.scalar(c, Op::Mean),
            "sum" => self.scalar(c, Op::Total { first: 0, count: len }),
            "rms" => self.scalar(c, Op::Rms),
            "energy" => self.scalar(c, Op::Energy),
            "variance" => self.part(c, Op::Moments, 3, 0),
            "stdev" => {
                let variance = self.part(c, Op::Moments, 3, 0)?;
                self.each(Unary::Sqrt, variance)
            }
            "skewness" => self.part(c, Op::Moments, 3, 1),
            "kurtosis" => self.part(c, Op::Moments, 3, 2),
            "min" => self.part(c, Op::Extremes, 2, 0),
            "max" => self.part(c, Op::Extremes, 2, 1),
            "range" => {
                let low = self.part(c, Op::Extremes, 2, 0)?;
                let high = self.part(c, Op::Extremes, 2, 1)?;
                self.both(Binary::Subtract, high, low, "range")
            }
            "median" => self.quantile(c, 0.5),
            "quantile" => {
                let q = self.number(c.rest[0], "the part")?;
                if !(0.0..=1.0).contains(&q) {
                    return c.rest[0]
                        .place
                        .refuse("program_range", format!("the part is {q}; it must be from 0 to 1"));
                }
                self.quantile(c, q)
            }
            "iqr" => {
                let low = self.quantile(c, 0.25)?;
                let high = self.quantile(c, 0.75)?;
                self.both(Binary::Subtract, high, low, "iqr")
            }
            "at" => {
                let at = self.whole(c, 0, "the index", 0, len - 1)?;
                self.scalar(c, Op::Pick { at, part: 0.0 })
            }
            "entropy" | "histogram" => {
                let bins = self.whole(c, 0, "the number of bins", 2, 256)?;
                let shares = self.series(c, Op::Histogram, bins, 0.0)?;
                if c.name == "histogram" {
                    return Ok(shares);
                }
                self.node(Op::Entropy, vec![arg(shares)], 1, Type::Scalar, c.place)
            }
            "centre" => {
                let mean = self.scalar(c, Op::Mean)?;
                self.both(Binary::Subtract, c.x, mean, "centre")
            }
            "sorted" => {
                let rate = 0.0;
                self.series(c, Op::Sort, len, rate)
            }
            other => c.place.refuse("program_type", format!("`{other}` does not take {}", c.x.kind)),
        }
    }

    /// One of several values of a node.
    fn part(&mut self, c: &Call<'_>, op: Op, of: usize, at: usize) -> Result<Expr, DspError> {
        let all = self.series(c, op, of, 0.0)?;
        self.node(Op::Pick { at, part: 0.0 }, vec![arg(all)], 1, Type::Scalar, c.place)
    }

    fn quantile(&mut self, c: &Call<'_>, q: f64) -> Result<Expr, DspError> {
        let len = c.x.kind.len();
        let sorted = self.series(c, Op::Sort, len, 0.0)?;
        let place = q * (len - 1) as f64;
        let at = (place as usize).min(len - 1);
        let part = if at + 1 < len { (place - at as f64) as f32 } else { 0.0 };
        self.node(Op::Pick { at, part }, vec![arg(sorted)], 1, Type::Scalar, c.place)
    }

    fn whole(&self, c: &Call<'_>, k: usize, what: &str, min: usize, max: usize) -> Result<usize, DspError> {
        let n = self.number(c.rest[k], what)?;
        if libm::floor(n) != n || n < min as f64 || n > max as f64 {
            let near = libm::floor(n.clamp(min as f64, max as f64) + 0.5);
            return c.rest[k].place.refuse(
                "program_range",
                format!("{what} is {n}; for {} it must be a whole number from {min} to {max}, the nearest is {near}", c.x.kind),
            );
        }
        Ok(n as usize)
    }

    fn sections(
        &self,
        c: &Call<'_>,
        edge: usize,
        order: usize,
        high: bool,
        rate: f64,
    ) -> Result<Vec<[f32; 5]>, DspError> {
        let hz = self.number(c.rest[edge], "the edge of the filter")?;
        let order = match c.rest.get(order) {
            None => 2,
            Some(o) => {
                let n = self.number(*o, "the order")?;
                if ![2.0, 4.0, 6.0, 8.0].contains(&n) {
                    let near = (2.0 * libm::floor(n / 2.0 + 0.5)).clamp(2.0, 8.0);
                    return o.place.refuse(
                        "program_range",
                        format!("the order is {n}; it must be 2, 4, 6 or 8, the nearest is {near}"),
                    );
                }
                n as usize
            }
        };
        let refuse = |why: String| c.rest[edge].place.refuse("program_range", why);
        if rate <= 0.0 {
            return c.x.place.refuse(
                "program_type",
                format!("`{}` takes a series in time; this is {}", c.name, c.x.kind),
            );
        }
        if !(hz > 0.0 && hz < rate / 2.0) {
            return refuse(format!(
                "the edge of the filter is {hz} Hz; it must lie above 0 and below {} Hz",
                rate / 2.0
            ));
        }
        let sections = butterworth(order, hz, rate, high);
        if !stable(&sections) {
            return refuse(format!(
                "a filter of order {order} at {hz} Hz is not stable at {rate} Hz; raise the edge or lower the order"
            ));
        }
        Ok(sections)
    }
}

/// What is called, with what: values of the window first.
struct Call<'a> {
    name: &'a str,
    node: usize,
    x: Expr,
    rest: &'a [Expr],
    place: Place,
}
