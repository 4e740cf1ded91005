//! Why training was not possible.

/// Why training was not possible.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TrainError {
    /// A layer does not fit what comes before it; the user changes the project file.
    #[error("layer {number} ({name}): {reason}")]
    Layer {
        /// From 1.
        number: usize,
        /// Type of the layer.
        name: String,
        /// What does not fit.
        reason: String,
    },
    /// The rows or targets cannot be trained on.
    #[error("{0}")]
    Data(String),
    /// A row could not be read.
    #[error("reading training rows: {0}")]
    Io(#[from] std::io::Error),
    /// A checkpoint is not one of this training.
    #[error("checkpoint: {0}")]
    Checkpoint(String),
    /// The loss is no number any more, or beyond all measure.
    #[error("the loss became {loss} at step {step} (epoch {epoch}), and {place}\nhint: {hint}")]
    Diverged {
        /// Epoch, from 1.
        epoch: usize,
        /// Step, from 1 over all epochs.
        step: u64,
        /// The loss.
        loss: f64,
        /// The first layer whose output is wrong, in words.
        place: String,
        /// What to try.
        hint: String,
    },
    /// The observer stopped the training.
    #[error("stopped")]
    Stopped,
}
