//! Why no code can be made.

/// Why no code can be made.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CompileError {
    /// The graph is not one that can be emitted.
    #[error("learning block `{id}`: {reason}")]
    Graph {
        /// Id of the learning block.
        id: String,
        /// Node and reason.
        reason: String,
    },
    /// The impulse is not valid.
    #[error(transparent)]
    Impulse(#[from] edgewright_impulse::ImpulseError),
    /// A DSP block has no C.
    #[error(
        "DSP block `{id}` is a program of its own: there is no C of it. Write it as a block `custom` (docs/blocks.md), from which the C is made, or leave it out"
    )]
    NoCode {
        /// Id of the DSP block.
        id: String,
    },
    /// The arena does not fit the target.
    #[error(
        "the arena needs {needed} bytes but target `{target}` has {available} bytes of RAM; use a smaller network or window"
    )]
    ArenaTooLarge {
        /// Bytes of the arena.
        needed: usize,
        /// Bytes of RAM.
        available: usize,
        /// Id of the target.
        target: String,
    },
}
