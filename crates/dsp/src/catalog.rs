//! Declarations of the blocks. Forms, documents and checks are made from them.

use crate::{
    block::{BlockInfo, Default, ParamInfo, ParamKind},
    wavelet_taps::WAVELETS,
};

const ALL: &[u32] = &[1, 2, 3, 4];
const ONE: &[u32] = &[1];

const fn float(
    name: &'static str,
    default: f64,
    min: f64,
    max: f64,
    unit: &'static str,
    help: &'static str,
) -> ParamInfo {
    ParamInfo {
        name,
        kind: ParamKind::Float { min, max },
        default: Default::Number(default),
        unit,
        versions: ALL,
        help,
    }
}

const fn int(
    name: &'static str,
    default: i64,
    min: i64,
    max: i64,
    unit: &'static str,
    help: &'static str,
) -> ParamInfo {
    ParamInfo {
        name,
        kind: ParamKind::Int { min, max },
        default: Default::Number(default as f64),
        unit,
        versions: ALL,
        help,
    }
}

const fn switch(name: &'static str, default: bool, help: &'static str) -> ParamInfo {
    ParamInfo { name, kind: ParamKind::Bool, default: Default::Bool(default), unit: "", versions: ALL, help }
}

const fn select(
    name: &'static str,
    default: &'static str,
    choices: &'static [&'static str],
    help: &'static str,
) -> ParamInfo {
    ParamInfo {
        name,
        kind: ParamKind::Select(choices),
        default: Default::Text(default),
        unit: "",
        versions: ALL,
        help,
    }
}

const fn text(name: &'static str, default: &'static str, help: &'static str) -> ParamInfo {
    ParamInfo { name, kind: ParamKind::Text, default: Default::Text(default), unit: "", versions: ONE, help }
}

impl ParamInfo {
    const fn of(mut self, versions: &'static [u32]) -> Self {
        self.versions = versions;
        self
    }
}

const SCALE: ParamInfo =
    float("scale_axes", 1.0, -1e9, 1e9, "", "Multiplies every value before anything else.");

const FRAME_LENGTH: ParamInfo = float(
    "frame_length",
    0.02,
    0.0,
    3600.0,
    "s",
    "Length of a frame; longer frames tell pitches better apart.",
);

const fn frame_stride(default: f64) -> ParamInfo {
    float(
        "frame_stride",
        default,
        0.0,
        3600.0,
        "s",
        "From one frame to the next; shorter strides follow changes better and cost more.",
    )
}

const fn fft_length(default: i64) -> ParamInfo {
    int(
        "fft_length",
        default,
        4,
        65536,
        "",
        "Values of the Fourier transform, a power of two; frames are cut or filled with zeros to it.",
    )
}

const NOISE_FLOOR: ParamInfo =
    int("noise_floor_db", -52, -200, 11, "dB", "What is quieter becomes 0.").of(&[3, 4]);

const LOW: ParamInfo = float("low_frequency", 0.0, 0.0, 1e6, "Hz", "Lower edge of the first mel filter.");
const HIGH: ParamInfo = float(
    "high_frequency",
    0.0,
    0.0,
    1e6,
    "Hz",
    "Upper edge of the last mel filter; 0 is half the sampling rate.",
);

/// In which arithmetic a block computes.
pub(crate) const ARITH: ParamInfo = select(
    "arith",
    "float",
    &["float", "fixed"],
    "Arithmetic: fixed computes in integers, for cores without a floating-point unit. Against floats the amplitude of a bin is off by at most 1e-4 of itself and 2e-5 of its frame, a value of MFE by one step of 256, a cepstral coefficient without normalisation by 0.02 unless it is lost beside a loud one.",
);

/// The same for spectral analysis.
const SPECTRAL_ARITH: ParamInfo = ParamInfo {
    help: "Arithmetic: fixed computes in integers, for cores without a floating-point unit; not of wavelets. Against exact arithmetic RMS is off by at most 5e-5 of itself, the amplitude of a bin by 1e-4 of itself and 2e-5 of all together, skewness by 1e-3 (1 + itself), kurtosis by 1e-3 (4 + itself), of the spectrum five times as much; all by 1e-6 of the largest value.",
    ..ARITH.of(&[2, 3, 4])
};

static BLOCKS: &[BlockInfo] = &[
    BlockInfo {
        name: "raw",
        title: "Raw data",
        help: "The window as it is, for networks that find features themselves and for rows of a table.",
        versions: ONE,
        params: &[SCALE.of(ONE)],
    },
    BlockInfo {
        name: "flatten",
        title: "Flatten",
        help: "Statistics of each axis, for values that change slowly such as temperatures.",
        versions: ONE,
        params: &[
            SCALE.of(ONE),
            switch("average", true, "Mean.").of(ONE),
            switch("minimum", true, "Smallest value.").of(ONE),
            switch("maximum", true, "Largest value.").of(ONE),
            switch("rms", true, "Root of the mean square.").of(ONE),
            switch("stdev", true, "Standard deviation (of the whole population).").of(ONE),
            switch("skewness", true, "Lack of symmetry.").of(ONE),
            switch("kurtosis", true, "Weight of the tails.").of(ONE),
            int(
                "moving_avg_num_windows",
                0,
                0,
                10_000,
                "windows",
                "Adds the mean of the means of so many last windows, which the device keeps in its handle; 0 for none.",
            )
            .of(ONE),
        ],
    },
    BlockInfo {
        name: "signal_features",
        title: "Signal features",
        help: "Crossings, energy, distribution and spectrum of each axis, and what axes have in common; each can be switched off and costs nothing then. Takes whole windows.",
        versions: ONE,
        params: &[
            SCALE.of(ONE),
            switch("zero_crossings", true, "How often neighbours lie on two sides of zero.").of(ONE),
            switch("mean_crossings", true, "How often neighbours lie on two sides of the mean.").of(ONE),
            switch("energy", true, "Sum of the squares.").of(ONE),
            switch("peak_to_peak", true, "From the smallest to the largest value.").of(ONE),
            switch(
                "histogram",
                false,
                "Share of the values in each of equally wide bins from the smallest to the largest value.",
            )
            .of(ONE),
            switch("entropy", true, "Entropy of the histogram in nats: 0 for a constant, most for a flat distribution.")
                .of(ONE),
            int("histogram_bins", 10, 2, 256, "", "Bins of the histogram; more tell values better apart and need longer windows.")
                .of(ONE),
            switch(
                "spectral_entropy",
                true,
                "Evenness of the spectrum: near 0 for a tone, near 1 for noise. The mean is left out.",
            )
            .of(ONE),
            switch("dominant_frequency", true, "Frequency of the bin with the most power, in Hz.").of(ONE),
            ParamInfo {
                name: "band_edges",
                kind: ParamKind::Text,
                default: Default::Text(""),
                unit: "Hz",
                versions: ONE,
                help: "Edges of the bands whose power is a feature, rising, with commas between them, up to half the rate; empty for none.",
            },
            int(
                "harmonics",
                0,
                0,
                15,
                "",
                "Power at 2, 3, ... times the dominant frequency over the power there; so many of them.",
            )
            .of(ONE),
            int(
                "fft_length",
                64,
                4,
                32768,
                "",
                "Values of the Fourier transform, a power of two and at most the window; longer ones tell frequencies better apart.",
            )
            .of(ONE),
            switch(
                "interquartile_range",
                true,
                "From the value below which a quarter of all lie to that below which three quarters do.",
            )
            .of(ONE),
            switch("correlation", false, "Pearson's correlation of each pair of axes; 0 where one is constant.").of(ONE),
            switch("magnitude_area", false, "Mean of the sum of the absolute values of all axes.").of(ONE),
        ],
    },
    BlockInfo {
        name: "custom",
        title: "Custom features",
        help: "Features of your own, from a program of expressions that is computed here and emitted as C.",
        versions: ONE,
        params: &[
            text(
                "program",
                "feature mean = mean(axis0); feature rms = rms(axis0)",
                "Lines `axes`, `param`, `let` and `feature`; below is what they say.",
            ),
            text("values", "", "Numbers for the program's `param` lines, such as `cutoff = 5, order = 4`; the others stay as written."),
            text("features", "", "Names of the features that are computed, with commas between them; empty for all."),
        ],
    },
    BlockInfo {
        name: "spectral_analysis",
        title: "Spectral analysis",
        help: "Statistics and power per frequency of each axis, for motion and vibration.",
        versions: ALL,
        params: &[
            SCALE,
            select(
                "input_decimation_ratio",
                "1",
                &["1", "3", "10", "30", "100", "1000"],
                "Keeps one of so many frames after a low-pass; slow movement needs shorter transforms then.",
            )
            .of(&[4]),
            select(
                "filter_type",
                "none",
                &["none", "low", "high"],
                "Removes frequencies above (low) or below (high) the cut-off.",
            ),
            float(
                "filter_cutoff",
                3.0,
                0.0,
                1e6,
                "Hz",
                "Edge of the filter, below half the rate that decimation leaves.",
            ),
            int(
                "filter_order",
                6,
                0,
                99,
                "",
                "Steepness of the filter: 2, 4, 6 or 8; 0 only leaves bins out.",
            ),
            select(
                "analysis_type",
                "FFT",
                &["FFT", "Wavelet"],
                "Power of each frequency (FFT), or statistics of frequency bands that halve from one to the next (Wavelet).",
            )
            .of(&[3, 4]),
            fft_length(16),
            switch("do_log", true, "Decimal logarithm of the bins.").of(&[2, 3, 4]),
            switch("do_fft_overlap", true, "Transforms overlap by half.").of(&[2, 3, 4]),
            int(
                "wavelet_level",
                1,
                0,
                7,
                "",
                "How often the wavelet takes the lower band apart; the window needs 32 frames, doubled at each level.",
            )
            .of(&[3, 4]),
            select("wavelet", "db4", WAVELETS, "Wavelet; longer ones tell neighbouring bands better apart.")
                .of(&[3, 4]),
            switch(
                "extra_low_freq",
                false,
                "Adds the features of the window at a tenth of the rate; only with the FFT.",
            )
            .of(&[4]),
            int("spectral_peaks_count", 3, 0, 100, "", "Number of peaks, the highest first.").of(ONE),
            float(
                "spectral_peaks_threshold",
                0.1,
                0.0,
                1e9,
                "",
                "Height of the amplitude spectrum from which a peak counts.",
            )
            .of(ONE),
            ParamInfo {
                name: "spectral_power_edges",
                kind: ParamKind::Text,
                default: Default::Text("0.1, 0.5, 1.0, 2.0, 5.0"),
                unit: "Hz",
                versions: ONE,
                help: "Edges of the power bands, rising, with commas between them.",
            },
            SPECTRAL_ARITH,
        ],
    },
    BlockInfo {
        name: "spectrogram",
        title: "Spectrogram",
        help: "Power of each frequency over time, for sound and vibration other than speech.",
        versions: ALL,
        params: &[
            FRAME_LENGTH,
            frame_stride(0.01),
            fft_length(128),
            NOISE_FLOOR,
            switch("show_axes", true, "Only for pictures; changes no feature."),
            ARITH.of(&[3, 4]),
        ],
    },
    BlockInfo {
        name: "mfe",
        title: "Audio MFE",
        help: "Energy in mel bands over time, for sounds other than speech.",
        versions: ALL,
        params: &[
            FRAME_LENGTH,
            frame_stride(0.01),
            int("num_filters", 40, 0, 1024, "", "Number of mel filters, at least 2."),
            fft_length(256),
            LOW,
            HIGH,
            int("win_size", 101, 0, 100_001, "", "Rows of the sliding normalisation, odd.").of(&[1, 2]),
            NOISE_FLOOR,
            ARITH.of(&[3, 4]),
        ],
    },
    BlockInfo {
        name: "mfcc",
        title: "Audio MFCC",
        help: "Mel-frequency cepstral coefficients over time, for speech.",
        versions: ALL,
        params: &[
            int("num_cepstral", 13, 1, 1024, "", "Coefficients per frame."),
            FRAME_LENGTH,
            frame_stride(0.02),
            int("num_filters", 32, 0, 1024, "", "Number of mel filters, at least 2."),
            fft_length(256),
            int("win_size", 101, 0, 100_001, "", "Rows of the sliding normalisation, odd; 0 for none."),
            LOW,
            HIGH,
            float(
                "pre_cof",
                0.98,
                -10.0,
                10.0,
                "",
                "Pre-emphasis: how much of an earlier sample is taken off.",
            ),
            int(
                "pre_shift",
                1,
                -1_000_000,
                1_000_000,
                "",
                "Pre-emphasis: how many samples earlier, at least 1.",
            ),
            ARITH,
        ],
    },
    BlockInfo {
        name: "hr",
        title: "HR/HRV features",
        help: "Heart rate every 2 s and its variability, from a PPG or an ECG and the three axes of an accelerometer beside it, in this order. Own design: the reference's algorithm is closed. State goes from window to window, so windows should follow each other without overlap.",
        versions: ONE,
        params: &[
            select("ppg_ecg", "ppg", &["ppg", "ecg"], "Kind of the first axis: light through skin, or a voltage.").of(ONE),
            int(
                "filter_preset",
                0,
                0,
                2,
                "",
                "Band that is looked at. PPG: 0.5-2.5, 0.5-4, 0.7-2 Hz; ECG: 8-16, 5-25, 10-20 Hz. 1 is for high rates and clean signals, 2 for noise.",
            )
            .of(ONE),
            float("hr_win_size_s", 6.0, 2.0, 60.0, "s", "How far a heart rate looks back; longer is calmer and later.")
                .of(ONE),
            float(
                "sensitivity",
                0.5,
                0.05,
                1.0,
                "",
                "Share of the usual height from which a wave is a beat; lower finds more beats and more that are none.",
            )
            .of(ONE),
            float(
                "acc_resting_std",
                0.3,
                0.0,
                1000.0,
                "unit of the accelerometer",
                "Sum of the standard deviations of its three axes in 2 s above which what it explains is taken off the PPG.",
            )
            .of(ONE),
            select(
                "hrv_features",
                "none",
                &["none", "rmssd", "time-domain", "all"],
                "Measures of variability: none, the root mean square of successive differences, all of the time domain, those and the frequency domain.",
            )
            .of(ONE),
            switch("include_hr", true, "Heart rates beside measures of variability; without those they are always there.").of(ONE),
            int(
                "hrv_update_interval_s",
                10,
                2,
                300,
                "s",
                "From one set of variability measures to the next, in steps of 2 s; at most the window.",
            )
            .of(ONE),
            int(
                "hrv_win_size_s",
                90,
                10,
                300,
                "s",
                "How far variability looks back: at least 10 for rmssd, 30 for time-domain, 90 for all.",
            )
            .of(ONE),
        ],
    },
    BlockInfo {
        name: "audio_syntiant",
        title: "Audio Syntiant",
        help: "Energy in 40 mel bands as a Syntiant NDP takes it. A substitute: the chip's own extraction is not public, so this is version 4 of `mfe` with the chip's settings, and not its bits.",
        versions: ONE,
        params: &[
            float(
                "frame_length",
                0.032,
                0.001,
                1.0,
                "s",
                "Length of a frame; what is longer than the Fourier transform is cut off.",
            )
            .of(ONE),
            float(
                "frame_stride",
                0.024,
                0.001,
                1.0,
                "s",
                "From one frame to the next; shorter strides follow changes better and cost more.",
            )
            .of(ONE),
            int("num_filters", 40, 40, 40, "", "Number of mel filters, fixed by the chip.").of(ONE),
            int("fft_length", 512, 512, 512, "", "Values of the Fourier transform, fixed by the chip.").of(ONE),
            float("low_frequency", 0.0, 0.0, 0.0, "Hz", "Lower edge of the first mel filter, fixed by the chip.")
                .of(ONE),
            float("high_frequency", 0.0, 0.0, 0.0, "Hz", "Upper edge of the last mel filter: half the rate.")
                .of(ONE),
            float(
                "pre_cof",
                0.96875,
                0.0,
                1.0,
                "",
                "Pre-emphasis: how much of the sample before is taken off, which lifts high frequencies.",
            )
            .of(ONE),
            ParamInfo {
                name: "extractor",
                kind: ParamKind::Text,
                default: Default::Text("log-bin"),
                unit: "",
                versions: ONE,
                help: "Name of the chip's extractor; changes no feature here.",
            },
            int("noise_floor_db", -52, -200, 11, "dB", "What is quieter becomes 0.").of(ONE),
            ARITH.of(ONE),
        ],
    },
    BlockInfo {
        name: "imu_syntiant",
        title: "IMU Syntiant",
        help: "Motion as a Syntiant NDP takes it: values in m/s2, brought to -1..1 where 1 is twice the standard gravity.",
        versions: ONE,
        params: &[switch("scaling", true, "Divides by 19.6133; off, the values stay as they are.").of(ONE)],
    },
    BlockInfo {
        name: "image",
        title: "Image",
        help: "Pixels as values from 0 to 1.",
        versions: ONE,
        params: &[select("channels", "RGB", &["RGB", "Grayscale"], "Colour or brightness alone.").of(ONE)],
    },
];

/// All blocks.
pub fn blocks() -> &'static [BlockInfo] {
    BLOCKS
}
