//! Functions of one value, element by element.

use crate::{
    conv::limit,
    math::{exp, ln, sqrt},
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
    /// Natural logarithm; that of the smallest normal number for anything below it.
    Log,
    /// Error function.
    Erf,
    /// `x` times the share of the normal distribution below x.
    GeluErf,
    /// `ln(1 + e^x)`.
    Softplus,
}

/// Twice the square root of 2 / pi.
pub const GELU: f32 = 1.595_769;
/// Share of the cube in the argument of a GELU.
pub const GELU_CUBE: f32 = 0.044_715;

/// `ln(1 + x)` for x of 0 to 1, exact also near 0: `2 atanh(x / (x + 2))`.
fn log_one_plus(x: f32) -> f32 {
    let t = x / (x + 2.0);
    let square = t * t;
    let mut p = 0.153_846_16_f32;
    p = p * square + 0.181_818_18_f32;
    p = p * square + 0.222_222_22_f32;
    p = p * square + 0.285_714_3_f32;
    p = p * square + 0.4_f32;
    p = p * square + 0.666_666_7_f32;
    p = p * square + 2.0_f32;
    p * t
}

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

/// `1 - erf(x)` for x of at least 0.45, to 3e-7 of itself near 0 and 6e-6 far out, where its exponent is large.
///
/// # Source
/// The form of Press et al., Numerical Recipes, 6.2: `t * e^(-x^2 + p(t))` with `t = 1 / (1 + x / 2)`; the polynomial is fitted anew, to 1.2e-7.
fn far_erf(x: f32) -> f32 {
    let t = 1.0 / (1.0 + 0.5 * x);
    let mut p = -0.229_075_54_f32;
    p = p * t + 0.904_324_8_f32;
    p = p * t + -1.233_383_f32;
    p = p * t + 0.537_183_f32;
    p = p * t + -0.125_623_45_f32;
    p = p * t + 0.416_273_74_f32;
    p = p * t + 0.995_563_9_f32;
    p = p * t + -1.265_312_7_f32;
    let square = x * x;
    t * exp(p - square)
}

/// Error function for x within 0.45 of 0: its Taylor series.
fn near_erf(x: f32) -> f32 {
    let square = x * x;
    let mut p = -8.548_327e-4_f32;
    p = p * square + 5.223_978e-3_f32;
    p = p * square + -2.686_617e-2_f32;
    p = p * square + 0.112_837_92_f32;
    p = p * square + -0.376_126_4_f32;
    p = p * square + core::f32::consts::FRAC_2_SQRT_PI;
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
        Function::Log => ln(if x >= f32::MIN_POSITIVE { x } else { f32::MIN_POSITIVE }),
        Function::Erf => {
            let size = if x < 0.0 { -x } else { x };
            if size < 0.45 {
                near_erf(x)
            } else if x < 0.0 {
                far_erf(size) - 1.0
            } else {
                1.0 - far_erf(size)
            }
        }
        Function::GeluErf => {
            let u = x * core::f32::consts::FRAC_1_SQRT_2;
            let size = if u < 0.0 { -u } else { u };
            if size < 0.45 {
                0.5 * x * (1.0 + near_erf(u))
            } else if u < 0.0 {
                0.5 * x * far_erf(size)
            } else {
                0.5 * x * (2.0 - far_erf(size))
            }
        }
        Function::Softplus => {
            let size = if x < 0.0 { -x } else { x };
            let above = if x < 0.0 { 0.0 } else { x };
            above + log_one_plus(exp(-size))
        }
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

    /// The error function by its series, or by the continued fraction of what is left of 1.
    fn erfc(x: f64) -> f64 {
        if x < 2.0 {
            let (mut term, mut sum) = (x, x);
            for n in 1..60 {
                term *= -x * x / f64::from(n);
                sum += term / f64::from(2 * n + 1);
            }
            return 1.0 - 2.0 / std::f64::consts::PI.sqrt() * sum;
        }
        let mut fraction = x;
        for k in (1..80).rev() {
            fraction = x + f64::from(k) / 2.0 / fraction;
        }
        (-x * x).exp() / std::f64::consts::PI.sqrt() / fraction
    }

    #[test]
    fn logarithms_and_error_functions_are_near_the_exact_values() {
        for i in -1200..1200 {
            let x = i as f32 / 100.0;
            let d = f64::from(x);
            let u = d / 2f64.sqrt();
            let below = if u < 0.0 { erfc(-u) } else { 2.0 - erfc(u) };
            let erf = if d < 0.0 { erfc(-d) - 1.0 } else { 1.0 - erfc(d) };
            for (function, exact, relative) in [
                (Function::Erf, erf, 5e-7),
                (Function::GeluErf, 0.5 * d * below, 1e-5),
                (Function::Softplus, d.max(0.0) + (-d.abs()).exp().ln_1p(), 5e-7),
                (Function::Log, d.max(f64::from(f32::MIN_POSITIVE)).ln(), 2e-7),
            ] {
                let got = f64::from(apply(function, x));
                let most =
                    relative * if function == Function::Log { exact.abs().max(1.0) } else { exact.abs() };
                assert!((got - exact).abs() <= most + 1e-30, "{function:?}({x}) = {got}, {exact}");
            }
        }
        assert_eq!(apply(Function::Log, -1.0), apply(Function::Log, 0.0));
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
