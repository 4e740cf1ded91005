//! Functions of one value, element by element.

use crate::{
    conv::limit,
    math::{exp, sqrt},
};

/// A function of one real number.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Function {
    /// `1 / (1 + e^-x)`.
    Logistic,
    /// Hyperbolic tangent.
    Tanh,
    /// `x * clamp(x + 3, 0, 6) / 6`.
    HardSwish,
    /// `x / (1 + e^-u)` with `u = GELU * (x + GELU_CUBE * x^3)`: the form with a tangent (Hendrycks and Gimpel, 2016).
    Gelu,
    /// `clamp(alpha * x + beta, 0, 1)`.
    HardSigmoid(f32, f32),
    /// x above 0, `alpha * x` below.
    LeakyRelu(f32),
    /// x above 0, `alpha * (e^x - 1)` below.
    Elu(f32),
    /// `e^x`.
    Exp,
    /// Absolute value.
    Abs,
    /// `-x`.
    Neg,
    /// Square root; 0 below 0.
    Sqrt,
    /// `1 / sqrt(x)`.
    Rsqrt,
    /// `x * x`.
    Square,
}

/// Twice the square root of 2 / pi.
pub const GELU: f32 = 1.595_769;
/// Share of the cube in the argument of a GELU.
pub const GELU_CUBE: f32 = 0.044_715;

/// `e^x - 1`, exact also near 0.
fn exp_minus_one(x: f32) -> f32 {
    if !(-0.5..=0.5).contains(&x) {
        return exp(x) - 1.0;
    }
    let mut p = 2.480_158_8e-5_f32;
    p = p * x + 1.984_127e-4_f32;
    p = p * x + 1.388_889e-3_f32;
    p = p * x + 8.333_334e-3_f32;
    p = p * x + 4.166_666_8e-2_f32;
    p = p * x + 1.666_666_7e-1_f32;
    p = p * x + 0.5_f32;
    p = p * x + 1.0_f32;
    p * x
}

/// The function at `x`. Relative error below 1e-6, of a GELU plus 1e-8: far below 0 its exponent is large and so is what rounding does to it.
pub fn apply(function: Function, x: f32) -> f32 {
    match function {
        Function::Logistic => {
            if x >= 0.0 {
                1.0 / (1.0 + exp(-x))
            } else {
                let e = exp(x);
                e / (1.0 + e)
            }
        }
        Function::Tanh => {
            let size = if x < 0.0 { -x } else { x };
            let e = exp_minus_one(-2.0 * size);
            let t = -e / (e + 2.0);
            if x < 0.0 { -t } else { t }
        }
        Function::HardSwish => x * limit(x + 3.0, 0.0, 6.0) / 6.0,
        Function::Gelu => {
            let cube = GELU_CUBE * (x * x * x);
            x * apply(Function::Logistic, GELU * (x + cube))
        }
        Function::HardSigmoid(alpha, beta) => {
            let line = alpha * x;
            limit(line + beta, 0.0, 1.0)
        }
        Function::LeakyRelu(alpha) => {
            if x >= 0.0 {
                x
            } else {
                alpha * x
            }
        }
        Function::Elu(alpha) => {
            if x >= 0.0 {
                x
            } else {
                alpha * exp_minus_one(x)
            }
        }
        Function::Exp => exp(x),
        Function::Abs => {
            if x < 0.0 {
                -x
            } else {
                x
            }
        }
        Function::Neg => -x,
        Function::Sqrt => sqrt(x),
        Function::Rsqrt => 1.0 / sqrt(x),
        Function::Square => x * x,
    }
}

/// The function of every element.
pub fn unary_f32(x: &[f32], function: Function, out: &mut [f32]) {
    for (out, x) in out.iter_mut().zip(x) {
        *out = apply(function, *x);
    }
}

/// `table[byte]` of every element; bytes are taken as unsigned.
pub fn lookup_8(x: &[i8], table: &[i8], out: &mut [i8]) {
    for (out, x) in out.iter_mut().zip(x) {
        *out = table[usize::from(*x as u8)];
    }
}

#[cfg(test)]
mod tests {
    extern crate std;
    use super::*;

    #[test]
    fn functions_are_near_the_exact_values() {
        for i in -2000..2000 {
            let x = i as f32 / 100.0;
            let d = f64::from(x);
            for (function, exact) in [
                (Function::Logistic, 1.0 / (1.0 + (-d).exp())),
                (Function::Tanh, d.tanh()),
                (Function::Elu(1.0), if d >= 0.0 { d } else { d.exp_m1() }),
                (Function::HardSwish, d * (d + 3.0).clamp(0.0, 6.0) / 6.0),
            ] {
                let got = f64::from(apply(function, x));
                assert!(
                    (got - exact).abs() <= 1e-6 * exact.abs() + 1e-30,
                    "{function:?}({x}) = {got}, {exact}"
                );
            }
        }
    }

    #[test]
    fn a_gelu_is_near_the_exact_value_beside_its_argument() {
        for i in -2000..2000 {
            let x = i as f32 / 100.0;
            let d = f64::from(x);
            let exact = d / (1.0 + (-1.595_769_121_605_731 * (d + 0.044_715 * d * d * d)).exp());
            let got = f64::from(apply(Function::Gelu, x));
            assert!((got - exact).abs() <= 1e-6 * exact.abs() + 1e-8, "{x}: {got}, {exact}");
        }
    }
}
