"""Makes expected.json: signal features of three made-up axes, by numpy and scipy in double precision.

numpy 2.x, scipy 1.x; the input is rounded to 32-bit floats first.
"""
import json

import numpy as np
from scipy import signal, stats

RATE, FRAMES, FFT, BINS, HARMONICS = 100.0, 200, 64, 12, 3
EDGES = [0.5, 4.0, 12.5, 30.0, 50.0]

t = np.arange(FRAMES) / RATE
rng = np.random.default_rng(20)
axes = np.stack(
    [
        np.sin(2 * np.pi * 6.25 * t) + 0.4 * np.sin(2 * np.pi * 12.5 * t) + 0.2 * np.sin(2 * np.pi * 18.75 * t + 1),
        9.81 + 0.5 * rng.standard_normal(FRAMES),
        np.cumsum(0.3 * rng.standard_normal(FRAMES)) - 0.8 * np.sin(2 * np.pi * 6.25 * t),
    ],
    axis=1,
).astype(np.float32)
x = axes.astype(np.float64)


def crossings(v):
    return int(np.count_nonzero(np.diff(np.signbit(v))))


def of_axis(v):
    counts, edges = np.histogram(v, BINS)
    # No value may lie where the last bit of a float decides.
    inner = np.abs(v[:, None] - edges[None, 1:-1]).min() / np.ptp(v)
    assert inner > 1e-6, inner
    f, density = signal.welch(v - v.mean(), RATE, "hann", FFT, FFT // 2, detrend=False, scaling="density")
    power = density * RATE / FFT
    rest = power[1:]
    p = rest / rest.sum()
    peak = 1 + int(rest.argmax())
    bands = []
    for low, high in zip(EDGES, EDGES[1:]):
        inside = (f >= low) & ((f < high) | ((high == RATE / 2) & (f == high)))
        bands.append(power[inside].sum())
    return {
        "Zero Crossings": crossings(v),
        "Mean Crossings": crossings(v - v.mean()),
        "Energy": (v**2).sum(),
        "Peak to Peak": np.ptp(v),
        **{f"Histogram {i + 1}": c / FRAMES for i, c in enumerate(counts)},
        "Entropy": stats.entropy(counts),
        "Spectral Entropy": stats.entropy(p) / np.log(FFT // 2),
        "Dominant Frequency": f[peak],
        **{f"Band Power {a} - {b} Hz": v for a, b, v in zip(EDGES, EDGES[1:], bands)},
        **{f"Harmonic {m}": power[m * peak] / power[peak] if m * peak <= FFT // 2 else 0 for m in range(2, 2 + HARMONICS)},
        "Interquartile Range": stats.iqr(v),
    }


names = ["x", "y", "z"]
expected = {f"{n} {k}": float(v) for n, c in zip(names, x.T) for k, v in of_axis(c).items()}
for i in range(3):
    for j in range(i + 1, 3):
        expected[f"{names[i]} {names[j]} Correlation"] = float(np.corrcoef(x[:, i], x[:, j])[0, 1])
expected["Magnitude Area"] = float(np.abs(x).sum(axis=1).mean())

json.dump(
    {
        "rate_hz": RATE,
        "axes": names,
        "parameters": {
            "histogram": True,
            "correlation": True,
            "magnitude_area": True,
            "histogram_bins": BINS,
            "fft_length": FFT,
            "harmonics": HARMONICS,
            "band_edges": ", ".join(map(str, EDGES)),
        },
        "window": " ".join(str(v) for v in axes.reshape(-1)),
        "expected": expected,
    },
    open("expected.json", "w"),
    indent=1,
)
