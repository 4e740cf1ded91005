//! Operator kernels, integer and float, without allocation.
//!
//! Each kernel is mirrored name for name by a file under `runtime/c/nn` and computes the same bits. Integer kernels
//! follow the reference kernels of TensorFlow Lite for Microcontrollers: a 32-bit accumulator, requantised by a
//! rounding doubling high multiply and a rounding shift. Float kernels add in the order of the loops here.
//!
//! Tensors are row-major `[height, width, channels]`. Slices shorter than their geometry says are a bug of the caller
//! and panic on the host; the emitted C is only made for geometries that were checked.
#![no_std]

pub mod binary;
pub mod choose;
pub mod conv;
pub mod elementwise;
pub mod fixed;
pub mod gemmlowp;
pub mod gmm;
pub mod kmeans;
pub mod lstm;
pub mod mat_mul;
pub mod math;
pub mod movement;
pub mod pool;
pub mod prelu;
pub mod reduce;
pub mod resize;
pub mod snap;
pub mod softmax;
pub mod svdf;
pub mod trees;
pub mod unary;
pub mod whole;
pub mod wide;

pub use conv::{
    Geometry, conv2d_f32, conv2d_s8, depthwise_conv2d_f32, depthwise_conv2d_s8, fully_connected_f32,
    fully_connected_s8,
};
pub use elementwise::{AddParams, activate_f32, add_f32, add_s8, dequantize_s8, normalize_f32, quantize_s8};
pub use fixed::{Requantize, requantize};
pub use kmeans::kmeans_score_f32;
pub use pool::{average_pool_f32, average_pool_s8, max_pool_f32, max_pool_s8};
pub use softmax::{softmax_f32, softmax_s8};
