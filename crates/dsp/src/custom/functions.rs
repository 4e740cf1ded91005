//! The functions of programs, as documents and errors name them.

/// A function of the language.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Function {
    /// Name.
    pub name: &'static str,
    /// How it is written.
    pub usage: &'static str,
    /// What it gives, in a few words.
    pub help: &'static str,
}

const fn f(name: &'static str, usage: &'static str, help: &'static str) -> Function {
    Function { name, usage, help }
}

/// All functions, by what they give. `x`, `y`: series; `v`: scalar, series or spectrum; `s`: spectrum; the rest: numbers known before the run.
pub const FUNCTIONS: &[Function] = &[
    f("abs", "abs(v)", "absolute value"),
    f("sqrt", "sqrt(v)", "square root; 0 below 0"),
    f("log", "log(v)", "natural logarithm; below 1e-10 that of 1e-10"),
    f("log10", "log10(v)", "decimal logarithm; below 1e-10 that of 1e-10"),
    f("min", "min(v) or min(v, v)", "smallest value, or the smaller of two, value by value"),
    f("max", "max(v) or max(v, v)", "largest value, or the larger of two, value by value"),
    f("mean", "mean(v)", "mean"),
    f("sum", "sum(v)", "sum"),
    f("rms", "rms(v)", "root of the mean square"),
    f("energy", "energy(v)", "sum of the squares"),
    f("variance", "variance(v)", "variance (of the whole population)"),
    f("stdev", "stdev(v)", "standard deviation (of the whole population)"),
    f("skewness", "skewness(v)", "skewness; 0 for a constant"),
    f("kurtosis", "kurtosis(v)", "excess kurtosis; -3 for a constant"),
    f("range", "range(v)", "largest less smallest value"),
    f("median", "median(v)", "median"),
    f(
        "quantile",
        "quantile(v, part)",
        "value below which a part (0 to 1) lies, between neighbours on a line",
    ),
    f("iqr", "iqr(v)", "range between the quartiles"),
    f("at", "at(v, index)", "one value, counted from 0"),
    f(
        "crossings",
        "crossings(x) or crossings(x, level)",
        "how often neighbours lie on two sides of a level, 0 without one",
    ),
    f("entropy", "entropy(v, bins)", "entropy of the histogram, in nats"),
    f("correlation", "correlation(x, y)", "Pearson's correlation; 0 where one is constant"),
    f("dot", "dot(x, y)", "sum of the products"),
    f("total", "total(s)", "power of all bins but that of 0 Hz"),
    f("band", "band(s, low, high)", "power of the bins from one frequency in Hz up to another, without it"),
    f("peak", "peak(s)", "frequency of the bin with the most power, in Hz, without that of 0 Hz"),
    f("centroid", "centroid(s)", "mean frequency in Hz, each weighed with its power"),
    f(
        "spectral_entropy",
        "spectral_entropy(s)",
        "evenness of the spectrum: near 0 for a tone, near 1 for noise",
    ),
    f("centre", "centre(v)", "less the mean"),
    f("diff", "diff(x)", "each value less the one before it; one fewer"),
    f("running_sum", "running_sum(x)", "sum of all values up to each"),
    f("smooth", "smooth(x, n)", "mean of so many neighbours; n - 1 fewer"),
    f("slice", "slice(x, first, count)", "so many values from one on, counted from 0"),
    f(
        "lowpass",
        "lowpass(x, hz) or lowpass(x, hz, order)",
        "Butterworth filter of order 2 (or 4, 6, 8), from rest",
    ),
    f("highpass", "highpass(x, hz) or highpass(x, hz, order)", "the same for what is above"),
    f("bandpass", "bandpass(x, low, high) or bandpass(x, low, high, order)", "highpass, then lowpass"),
    f("decimate", "decimate(x, ratio)", "one of 3, 10, 30, 100 or 1000 values after a low-pass"),
    f("sorted", "sorted(v)", "in rising order"),
    f("histogram", "histogram(v, bins)", "share of the values in each of equally wide bins"),
    f("bins", "bins(s)", "a spectrum as a series, for `slice` and `at`"),
    f(
        "power",
        "power(x, fft_length)",
        "mean power spectrum (Welch: Hann windows that overlap by half, without the mean)",
    ),
];

/// A program for three axes of an accelerometer, as documents show it: how sharp the movement is, how much of it is slow, and whether axes
/// move together.
pub const EXAMPLE: &str = r#"# Accelerometer of a wrist, three axes.
axes x, y, z
param edge = 5 from 1 to 20            # Hz: slower is movement, faster is shaking

let size = sqrt(x*x + y*y + z*z)
let moved = centre(size)
let slow = lowpass(moved, edge, 4)
let s = power(moved, 64)

feature "crest factor" = max(abs(moved)) / rms(moved)
feature "slow share" = energy(slow) / energy(moved)
feature "band ratio" = band(s, 1, edge) / total(s)
feature "peak Hz" = peak(s)
feature "x with y" = correlation(x, y)
feature "x with z" = correlation(x, z)
feature "time above" = mean(moved > 2 * stdev(moved))
feature "jerk" = rms(diff(size)) * rate
"#;
