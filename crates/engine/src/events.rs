//! What long work tells while it runs.

use std::sync::atomic::{AtomicBool, Ordering};

/// Something worth showing while a stage runs.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Event {
    /// A stage begins.
    StageStarted {
        /// Name of the stage.
        stage: &'static str,
    },
    /// Work inside a stage: `done` of `total` units.
    Progress {
        /// Name of the stage.
        stage: &'static str,
        /// Units finished.
        done: u64,
        /// Units in all.
        total: u64,
        /// Short remark beside the bar.
        note: String,
    },
    /// A pass over the training windows ended.
    Epoch {
        /// Id of the learning block.
        block: String,
        /// From 1.
        epoch: usize,
        /// Largest number of passes.
        epochs: usize,
        /// Mean loss on the training windows.
        loss: f64,
        /// Accuracy, or R2, on them.
        metric: f64,
        /// The same on the validation windows, when there are any.
        validation_loss: Option<f64>,
        /// The same on the validation windows, when there are any.
        validation_metric: Option<f64>,
        /// Size of the last step of a network.
        learning_rate: Option<f64>,
        /// Mean norm of a network's gradient, before it was clipped.
        gradient_norm: Option<f64>,
    },
    /// A stage ended.
    StageFinished {
        /// Name of the stage.
        stage: &'static str,
        /// Whether its result was there already.
        cached: bool,
        /// Wall-clock seconds.
        seconds: f64,
        /// What it has to say.
        notes: Vec<String>,
    },
}

/// Receiver of events; also carries the wish to stop.
pub trait Observer: Sync {
    /// Takes an event.
    fn event(&self, event: Event);
    /// Whether the user wants the work to stop at the next opportunity.
    fn cancelled(&self) -> bool {
        false
    }
}

/// An observer that shows nothing.
#[derive(Debug, Default)]
pub struct Silent {
    /// Set to stop the work.
    pub stop: AtomicBool,
}

impl Observer for Silent {
    fn event(&self, _: Event) {}
    fn cancelled(&self) -> bool {
        self.stop.load(Ordering::Relaxed)
    }
}
