"""Features of one window with a Python library, as its users call it: the same work as a block of ours at its default settings.

python dsp.py CASE WINDOW.npy prints the seconds of the fastest run, one thread, and how many values came out. Every library is given
the form in which it is fastest: all axes or frames at once, in single precision where it keeps that. What the blocks do beyond the
library is left out: MFCC has no sliding normalisation, MFE and spectrogram are not rounded to 256 steps.
"""
import os

for name in ("OMP", "OPENBLAS", "MKL", "NUMBA"):
    os.environ[f"{name}_NUM_THREADS"] = "1"

import importlib.metadata  # noqa: E402
import json  # noqa: E402
import logging  # noqa: E402
import sys  # noqa: E402
import time  # noqa: E402

import numpy as np  # noqa: E402

CASE, WINDOW = sys.argv[1], sys.argv[2]
LEAST_S, LEAST_RUNS = 1.0, 50
# A line for each window that a frame is longer than the transform, which is meant so.
logging.disable(logging.WARNING)
x = np.load(WINDOW)


def mfcc_librosa():
    import librosa

    y = x / np.float32(32768)
    return lambda: librosa.feature.mfcc(
        y=y, sr=16000, n_mfcc=13, n_mels=32, n_fft=256, hop_length=320, center=False, window="boxcar"
    )


def mfcc_python_speech_features():
    import python_speech_features as psf

    return lambda: psf.mfcc(x, 16000, winlen=0.02, winstep=0.02, numcep=13, nfilt=32, nfft=256, preemph=0.98, ceplifter=0)


def mfe_librosa():
    import librosa

    y = x / np.float32(32768)
    return lambda: librosa.power_to_db(
        librosa.feature.melspectrogram(y=y, sr=16000, n_mels=40, n_fft=256, hop_length=160, center=False, window="boxcar")
    )


def mfe_python_speech_features():
    import python_speech_features as psf

    return lambda: psf.logfbank(x, 16000, winlen=0.02, winstep=0.01, nfilt=40, nfft=256, preemph=0.98)


def spectrogram_scipy():
    from scipy import fft

    y = x / np.float32(32768)

    def run():
        frames = np.lib.stride_tricks.sliding_window_view(y, 128)[:-192:160]
        power = np.abs(fft.rfft(frames, axis=1)) ** 2 / 128
        return np.maximum((10 * np.log10(np.maximum(power, 1e-30)) + 52) / 64, 0)

    return run


def spectral(n, sections=None):
    from scipy import fft, signal, stats

    def run():
        y = x if sections is None else signal.sosfilt(sections, x, axis=0)
        y = y - y.mean(axis=0)
        tail = np.zeros((n, x.shape[1]), np.float32)
        frames = np.lib.stride_tricks.sliding_window_view(np.concatenate([y, tail]), n, axis=0)[: len(y) + 1 : n // 2]
        power = (np.abs(fft.rfft(frames, axis=2)) ** 2 / n).max(axis=0)
        shape = [np.sqrt((y * y).mean(axis=0)), stats.skew(y), stats.kurtosis(y)]
        shape += [stats.skew(power, axis=1), stats.kurtosis(power, axis=1)]
        last = n // 2 + 1 if sections is None else int(8 * n / 62.5 + 0.5) + 1
        return np.concatenate(shape + [np.log10(power[:, 1:last] + 1e-10).ravel()])

    return run


def spectral_scipy():
    return spectral(16)


def low_pass_scipy():
    from scipy import signal

    return spectral(64, signal.butter(6, 8, fs=62.5, output="sos"))


def wavelet_pywavelets():
    import pywt
    from scipy import stats

    def run():
        out = []
        for band in pywt.wavedec(x - x.mean(axis=0), "db4", level=1, axis=0):
            mean = band.mean(axis=0)
            shares = [np.histogram(band[:, axis], 100)[0] / len(band) for axis in range(band.shape[1])]
            out.append(np.array([-(p[p > 0] * np.log(p[p > 0])).sum() for p in shares]))
            out += [np.diff(band > level, axis=0).mean(axis=0) for level in (0, mean)]
            out += list(np.percentile(band, [5, 25, 75, 95, 50], axis=0))
            out += [mean, band.std(axis=0), band.var(axis=0, ddof=1), np.sqrt((band * band).mean(axis=0))]
            out += [stats.skew(band), stats.kurtosis(band)]
        return np.concatenate(out)

    return run


def flatten_scipy():
    from scipy import stats

    def run():
        out = [x.mean(axis=0), x.min(axis=0), x.max(axis=0), np.sqrt((x * x).mean(axis=0)), x.std(axis=0)]
        return np.concatenate(out + [stats.skew(x), stats.kurtosis(x)])

    return run


run = globals()[CASE]()
values = int(np.size(run()))
for _ in range(4):
    run()
best, count, began = float("inf"), 0, time.perf_counter()
while count < LEAST_RUNS or time.perf_counter() - began < LEAST_S:
    started = time.perf_counter()
    run()
    best = min(best, time.perf_counter() - started)
    count += 1
package = {"librosa": "librosa", "features": "python_speech_features", "pywavelets": "PyWavelets", "scipy": "scipy"}[CASE.split("_")[-1]]
name = f"{package} {importlib.metadata.version(package)}"
print(json.dumps({"seconds": best, "values": values, "name": name}))
