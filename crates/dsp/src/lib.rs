//! Signal processing blocks, the same arithmetic on host and device.
//!
//! A block is declared once ([`BlockInfo`]): parameters with unit, range, default and effect. [`plan`] checks a
//! configuration against a window and builds every table; [`Plan::extract`] then only adds, subtracts,
//! multiplies, divides and takes square roots in a fixed order, which the C under `runtime/c/dsp` mirrors.
#![no_std]
extern crate alloc;
// Asks the processor what it has, and nothing else.
#[cfg(any(test, all(target_arch = "x86_64", not(target_os = "none"))))]
extern crate std;

mod audio;
mod audio_plan;
mod block;
mod catalog;
mod cmvn;
mod custom;
mod decimate;
mod device_image;
mod external;
mod features;
mod features_plan;
mod fft;
mod fixed;
mod flatten;
mod framing;
mod heart;
mod hrv;
mod image;
pub mod math;
mod mel;
mod peaks;
mod plan;
mod raw;
mod resample;
mod spectral;
mod spectral_plan;
mod stream;
mod wavelet;
mod wavelet_taps;
mod wide;
mod work;

pub use audio::{MelPlan, MelVariant, SpectrogramPlan, SpectrogramVariant};
pub use block::{BlockInfo, Default, DspError, OutputShape, ParamInfo, ParamKind, Params, Value, WindowSpec};
pub use catalog::blocks;
pub use custom::{
    Binary, CustomPlan, EXAMPLE, FUNCTIONS, Function, Op, Operand, Parameter, Step, Unary, program_parameters,
};
pub use decimate::Decimator;
pub use device_image::{PixelScaling, ResizeMode, quantised_pixels, resize as resize_device};
pub use external::{EXTERNAL, ExternalPlan, MOST_EXTERNAL};
pub use features::{Band, FeaturesPlan, GENERATORS, Welch};
pub use fft::RealFft;
pub use fixed::{
    Decibels, FixedBank, FixedFft, FixedGain, FixedKind, FixedPlan, FixedSections, FixedSpectralPlan,
    cepstral_scales,
};
pub use flatten::FlattenPlan;
pub use framing::Framing;
pub use heart::{HeartOptions, HeartPlan, Variability};
pub use hrv::{FREQUENCY_NAMES, FrequencyPlan, TIME_NAMES, time_domain};
pub use image::ImagePlan;
pub use mel::MelBank;
pub use peaks::Peaks;
pub use plan::{Plan, plan};
pub use raw::RawPlan;
pub use resample::resample;
pub use spectral::{Analysis, Bins, SpectralPlan, Spectrum};
pub use stream::{Continuous, Stream};
pub use wavelet::Wavelet;
pub use wavelet_taps::WAVELETS;
pub use work::Work;
