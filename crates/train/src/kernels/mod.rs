//! Inner loops of the trainer, on slices, channels last.
//!
//! Each is plain Rust in a fixed order of operations, compiled once for any processor and once for AVX2, and chosen when it runs.
//! Vectors run over outputs that do not depend on each other and products are never fused with sums, so every processor computes
//! the same bits.

pub(crate) mod attention;
pub(crate) mod depthwise;
pub(crate) mod element;
pub(crate) mod layer_norm;
pub(crate) mod matrix;
pub(crate) mod pool;
pub(crate) mod recurrent;

/// Compiles a function for AVX2 beside the baseline (SSE2 on x86-64, NEON on AArch64) and picks one when it is called.
macro_rules! for_each_processor {
    ($(#[$doc:meta])* pub(crate) fn $name:ident($($arg:ident: $kind:ty),* $(,)?) $body:block) => {
        $(#[$doc])*
        pub(crate) fn $name($($arg: $kind),*) {
            #[inline(always)]
            fn body($($arg: $kind),*) $body
            #[cfg(target_arch = "x86_64")]
            {
                #[target_feature(enable = "avx2")]
                fn avx2($($arg: $kind),*) {
                    body($($arg),*);
                }
                if std::arch::is_x86_feature_detected!("avx2") {
                    // SAFETY: the processor was asked and has it.
                    return unsafe { avx2($($arg),*) };
                }
            }
            body($($arg),*);
        }
    };
}
pub(crate) use for_each_processor;
