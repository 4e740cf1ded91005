//! Whole numbers of 8, 16 and 32 bits, for kernels that are the same for several widths.

use crate::fixed::{Requantize, requantize};

/// A signed integer of at most 32 bits.
pub trait Whole: Copy {
    /// Smallest value.
    const MIN: i32;
    /// Largest value.
    const MAX: i32;
    /// The value in 32 bits.
    fn int(self) -> i32;
    /// The low bits of a value.
    fn wrapped(value: i32) -> Self;
}

impl Whole for i8 {
    const MIN: i32 = -128;
    const MAX: i32 = 127;
    #[inline]
    fn int(self) -> i32 {
        self.into()
    }
    #[inline]
    fn wrapped(value: i32) -> Self {
        value as i8
    }
}

impl Whole for i16 {
    const MIN: i32 = -32768;
    const MAX: i32 = 32767;
    #[inline]
    fn int(self) -> i32 {
        self.into()
    }
    #[inline]
    fn wrapped(value: i32) -> Self {
        value as i16
    }
}

impl Whole for i32 {
    const MIN: i32 = i32::MIN;
    const MAX: i32 = i32::MAX;
    #[inline]
    fn int(self) -> i32 {
        self
    }
    #[inline]
    fn wrapped(value: i32) -> Self {
        value
    }
}

/// From one scale and width to another. Zero points (of input and output) of 32-bit values are 0.
///
/// # Source
/// TensorFlow Lite, `reference_ops::Requantize`.
pub fn rescale_whole<I: Whole, O: Whole>(factor: Requantize, zeros: [i32; 2], x: &[I], out: &mut [O]) {
    for (x, out) in x.iter().zip(out) {
        let scaled = requantize(x.int() - zeros[0], factor);
        // The limits come before the sum, which then stays within them.
        *out = O::wrapped(scaled.max(O::MIN - zeros[1]).min(O::MAX - zeros[1]) + zeros[1]);
    }
}
