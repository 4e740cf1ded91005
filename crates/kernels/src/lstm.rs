//! Integer LSTM: bytes in and out, a cell of 16 bits.
//!
//! # Source
//! TensorFlow Lite for Microcontrollers, `lstm_eval.h` and the 16-bit `Logistic` and `Tanh` of its reference kernels: gates are
//! sums in Q3.12, each of two dense layers requantised on its own; functions interpolate [`SIGMOID`].

use crate::fixed::{Requantize, output, requantize};

/// `65536 / (1 + e^(-i / 24))`, with the last bits of the source.
pub static SIGMOID: [u16; 256] = [
    32_768, 33_451, 34_133, 34_813, 35_493, 36_169, 36_843, 37_513, 38_180, 38_841, 39_498, 40_149, 40_794,
    41_432, 42_064, 42_688, 43_304, 43_912, 44_511, 45_102, 45_683, 46_255, 46_817, 47_369, 47_911, 48_443,
    48_964, 49_475, 49_975, 50_464, 50_942, 51_409, 51_865, 52_311, 52_745, 53_169, 53_581, 53_983, 54_374,
    54_755, 55_125, 55_485, 55_834, 56_174, 56_503, 56_823, 57_133, 57_433, 57_724, 58_007, 58_280, 58_544,
    58_800, 59_048, 59_288, 59_519, 59_743, 59_959, 60_168, 60_370, 60_565, 60_753, 60_935, 61_110, 61_279,
    61_441, 61_599, 61_750, 61_896, 62_036, 62_172, 62_302, 62_428, 62_549, 62_666, 62_778, 62_886, 62_990,
    63_090, 63_186, 63_279, 63_368, 63_454, 63_536, 63_615, 63_691, 63_765, 63_835, 63_903, 63_968, 64_030,
    64_090, 64_148, 64_204, 64_257, 64_308, 64_357, 64_405, 64_450, 64_494, 64_536, 64_576, 64_614, 64_652,
    64_687, 64_721, 64_754, 64_786, 64_816, 64_845, 64_873, 64_900, 64_926, 64_950, 64_974, 64_997, 65_019,
    65_039, 65_060, 65_079, 65_097, 65_115, 65_132, 65_149, 65_164, 65_179, 65_194, 65_208, 65_221, 65_234,
    65_246, 65_258, 65_269, 65_280, 65_291, 65_301, 65_310, 65_319, 65_328, 65_337, 65_345, 65_352, 65_360,
    65_367, 65_374, 65_381, 65_387, 65_393, 65_399, 65_404, 65_410, 65_415, 65_420, 65_425, 65_429, 65_433,
    65_438, 65_442, 65_445, 65_449, 65_453, 65_456, 65_459, 65_462, 65_465, 65_468, 65_471, 65_474, 65_476,
    65_479, 65_481, 65_483, 65_485, 65_488, 65_489, 65_491, 65_493, 65_495, 65_497, 65_498, 65_500, 65_501,
    65_503, 65_504, 65_505, 65_507, 65_508, 65_509, 65_510, 65_511, 65_512, 65_513, 65_514, 65_515, 65_516,
    65_517, 65_517, 65_518, 65_519, 65_520, 65_520, 65_521, 65_522, 65_522, 65_523, 65_523, 65_524, 65_524,
    65_525, 65_525, 65_526, 65_526, 65_526, 65_527, 65_527, 65_528, 65_528, 65_528, 65_529, 65_529, 65_529,
    65_529, 65_530, 65_530, 65_530, 65_530, 65_531, 65_531, 65_531, 65_531, 65_531, 65_532, 65_532, 65_532,
    65_532, 65_532, 65_532, 65_533, 65_533, 65_533, 65_533, 65_533, 65_533, 65_533, 65_533, 65_534, 65_534,
    65_534, 65_534, 65_534, 65_534, 65_534, 65_534, 65_534, 65_534, 65_535,
];

/// Constants of a layer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LstmParams {
    /// Values per step.
    pub inputs: usize,
    /// Width of the state.
    pub units: usize,
    /// Zero point of the input.
    pub in_zero: i32,
    /// Zero point of the hidden value and the output.
    pub out_zero: i32,
    /// Of each gate (input, forget, cell, output): factor of the sum over the input, and of that over the hidden value.
    pub gates: [[Requantize; 2]; 4],
    /// Of the kept cell, the new cell, the hidden value.
    pub products: [Requantize; 3],
    /// The scale of the cell is 2 to this power.
    pub cell_power: i32,
    /// Largest size of the cell; 0 when there is no limit.
    pub clip: i32,
}

fn saturate(x: i32) -> i32 {
    x.clamp(-32768, 32767)
}

/// Logistic function of a Q3.12 number in Q0.15.
pub fn logistic_16(x: i32) -> i32 {
    let x = x * 3;
    let size = x.unsigned_abs();
    let at = (size >> 9) as usize;
    let value = if at >= 255 {
        0x7fff << 10
    } else {
        let (a, b) = (u32::from(SIGMOID[at]), u32::from(SIGMOID[at + 1]));
        (a << 9) + (size & 0x1ff) * (b - a)
    };
    let value = if x >= 0 { value + (1 << 9) } else { (1 << 25) - value + (1 << 9) - 1 };
    (value >> 10) as i32
}

/// Hyperbolic tangent of a number whose unit is 2 to `power`, in Q0.15.
pub fn tanh_16(x: i32, power: i32) -> i32 {
    let shift = power + 12;
    let x = if shift >= 0 { x * (3 << shift) } else { (x * 3 + (1 << (-shift - 1))) >> -shift };
    let size = x.unsigned_abs();
    let at = (size >> 8) as usize;
    let value = if at >= 255 {
        0xffff << 8
    } else {
        let (a, b) = (i32::from(SIGMOID[at]), i32::from(SIGMOID[at + 1]));
        (a << 8) + (size & 0xff) as i32 * (b - a)
    };
    let half = 1 << 23;
    let value = if x >= 0 { value - half + (1 << 7) } else { -value + half + (1 << 7) - 1 };
    value >> 8
}

/// Runs the layer over all steps of `x`. `state`: hidden bytes, then the cell as pairs of bytes, the lower first.
/// `weights` `[4, units, inputs + units]`, `bias` `[4, units]`. `out` holds the hidden values of each step, then the new state.
pub fn lstm_s8(p: &LstmParams, x: &[i8], state: &[i8], weights: &[i8], bias: &[i32], out: &mut [i8]) {
    let (n, units) = (p.inputs, p.units);
    let every = x.len() / n * units;
    out[every..].copy_from_slice(state);
    for (step, x) in x.chunks_exact(n).enumerate() {
        let (done, rest) = out.split_at_mut(step * units);
        let before = if step == 0 { &state[..units] } else { &done[(step - 1) * units..] };
        for u in 0..units {
            let mut gates = [0i32; 4];
            for (g, gate) in gates.iter_mut().enumerate() {
                let row = &weights[(g * units + u) * (n + units)..][..n + units];
                let mut sum = bias[g * units + u];
                for (w, v) in row.iter().zip(x) {
                    sum += i32::from(*w) * (i32::from(*v) - p.in_zero);
                }
                let mut recurrent = 0;
                for (w, v) in row[n..].iter().zip(before) {
                    recurrent += i32::from(*w) * (i32::from(*v) - p.out_zero);
                }
                let [first, second] = p.gates[g];
                let sum =
                    saturate(saturate(requantize(sum, first)) + saturate(requantize(recurrent, second)));
                *gate = if g == 2 { tanh_16(sum, -12) } else { logistic_16(sum) };
            }
            let [input, forget, new, shown] = gates;
            let at = every + units + 2 * u - step * units;
            let cell = i32::from(i16::from_le_bytes([rest[at] as u8, rest[at + 1] as u8]));
            let kept = saturate(requantize(forget * cell, p.products[0]));
            let mut cell = saturate(kept + saturate(requantize(input * new, p.products[1])));
            if p.clip > 0 {
                cell = cell.clamp(-p.clip, p.clip);
            }
            let [low, high] = (cell as i16).to_le_bytes();
            rest[at] = low as i8;
            rest[at + 1] = high as i8;
            let hidden = requantize(tanh_16(cell, p.cell_power) * shown, p.products[2]);
            rest[u] = output(hidden, p.out_zero, -128, 127);
        }
    }
    let last = every - units;
    out.copy_within(last..every, every);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn functions_are_near_the_real_ones() {
        for x in -32768..=32767 {
            let real = f64::from(x) / 4096.0;
            let e = edge(real);
            let logistic = e / (1.0 + e);
            assert!((f64::from(logistic_16(x)) / 32768.0 - logistic).abs() < 1e-4, "{x}");
            for power in [-15, -12, -11, -8] {
                let e = edge(2.0 * f64::from(x) * 2f64.powi(power));
                let tanh = (e - 1.0) / (e + 1.0);
                assert!((f64::from(tanh_16(x, power)) / 32768.0 - tanh).abs() < 3e-4, "{x} {power}");
            }
        }
    }

    /// e to the power x, within what a double can hold.
    fn edge(x: f64) -> f64 {
        x.clamp(-100.0, 100.0).exp()
    }

    #[test]
    fn a_gate_that_forgets_keeps_nothing_and_one_that_keeps_forgets_nothing() {
        let one = Requantize { multiplier: 1 << 30, shift: 1 };
        let half = Requantize { multiplier: 1 << 30, shift: -14 };
        let mut p = LstmParams {
            inputs: 1,
            units: 1,
            in_zero: 0,
            out_zero: 0,
            gates: [[one; 2]; 4],
            products: [half, half, Requantize { multiplier: 1 << 30, shift: -22 }],
            cell_power: -12,
            clip: 0,
        };
        // Input and new value shut, output open; the forget gate open or shut by its bias.
        for (forget, kept) in [(32767, 4096), (-32768, 0)] {
            let bias = [-32768, forget, 0, 32767];
            let mut out = [0i8; 4];
            lstm_s8(&p, &[0], &[0, 0, 16], &[0; 8], &bias, &mut out);
            let cell = i32::from(i16::from_le_bytes([out[2] as u8, out[3] as u8]));
            assert!((cell - kept).abs() <= 2, "{cell} for {kept}");
            // tanh(1) in 1/128.
            assert!(kept == 0 || (i32::from(out[0]) - 97).abs() <= 1, "{}", out[0]);
            assert_eq!(out[0], out[1]);
        }
        p.clip = 100;
        let mut out = [0i8; 4];
        lstm_s8(&p, &[0], &[0, 0, 16], &[0; 8], &[-32768, 32767, 0, 32767], &mut out);
        assert_eq!(i16::from_le_bytes([out[2] as u8, out[3] as u8]), 100);
    }
}
