//! Parts of operators that come with imported models.

pub use edgewright_kernels::{binary::BinaryKind, choose::CompareKind, reduce::ReduceKind, unary::Function};
use serde::{Deserialize, Serialize};

/// Whose integer rules a graph follows where the official runtimes differ.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Reference {
    /// TensorFlow Lite for Microcontrollers: every rescaling rounds twice.
    #[default]
    Tflm,
    /// Reference kernels of LiteRT: dense layers round once (in 16 bits they scale in double precision), logistic and tangent come from tables of the real function.
    Litert,
}

impl Reference {
    /// Name for people and for `--reference`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Tflm => "tflm",
            Self::Litert => "litert",
        }
    }
}

/// A value that a graph keeps from one run to the next.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct State {
    /// Name for people.
    pub name: String,
    /// Tensor that holds the value when a run starts; nothing computes it.
    pub read: crate::TensorId,
    /// Tensor whose value is kept when a run ends.
    pub write: crate::TensorId,
    /// Value before the first run, as in a constant; left out: 0 (the zero point of an integer tensor).
    pub initial: Option<crate::Data>,
}

/// How pixels are found when an image is resized.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sampling {
    /// The corners of both images lie on each other.
    pub align_corners: bool,
    /// Pixels are areas, not points.
    pub half_pixel: bool,
}

#[derive(Serialize, Deserialize)]
#[serde(remote = "BinaryKind", rename_all = "snake_case")]
pub(crate) enum BinaryKindForm {
    Add,
    Sub,
    Mul,
    Div,
    Maximum,
    Minimum,
    SquaredDifference,
}

#[derive(Serialize, Deserialize)]
#[serde(remote = "CompareKind", rename_all = "snake_case")]
pub(crate) enum CompareKindForm {
    Less,
    LessEqual,
    Greater,
    GreaterEqual,
    Equal,
    NotEqual,
}

#[derive(Serialize, Deserialize)]
#[serde(remote = "ReduceKind", rename_all = "snake_case")]
pub(crate) enum ReduceKindForm {
    Mean,
    Sum,
    Max,
    Min,
}

#[derive(Serialize, Deserialize)]
#[serde(remote = "Function", rename_all = "snake_case")]
pub(crate) enum FunctionForm {
    Logistic,
    Tanh,
    HardSwish,
    Gelu,
    HardSigmoid(f32, f32),
    LeakyRelu(f32),
    Elu(f32),
    Exp,
    Abs,
    Neg,
    Sqrt,
    Rsqrt,
    Square,
    Log,
    Erf,
    GeluErf,
    Softplus,
}
