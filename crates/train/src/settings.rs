//! How to train, and what comes of it.

use crate::{Augment, Loss, Model, Optimizer, Schedule};
use edgewright_ir::Graph;
use serde::{Deserialize, Serialize};

/// How to train.
#[derive(Clone, Debug, PartialEq)]
pub struct Settings {
    /// Largest number of passes over the rows, at least 1.
    pub epochs: usize,
    /// Rows per step, at least 1.
    pub batch_size: usize,
    /// Largest step size.
    pub learning_rate: f32,
    /// What is minimised.
    pub loss: Loss,
    /// How weights follow gradients.
    pub optimizer: Optimizer,
    /// How the step size changes.
    pub schedule: Schedule,
    /// Epochs over which the step size rises, at most a quarter of all.
    pub warmup_epochs: f32,
    /// Largest norm of a gradient; 0 for any.
    pub clip_norm: f32,
    /// Weight of the past in a running mean of the weights, which then is what is validated and kept; 0 for none, 0.99 is usual.
    pub ema: f32,
    /// Pull of weights towards 0.
    pub weight_decay: f32,
    /// Share of the target spread over all classes, 0..1.
    pub label_smoothing: f32,
    /// Weigh classes by the inverse of their frequency.
    pub balance_classes: bool,
    /// Epochs without a better validation loss before training ends; 0 never ends early.
    pub patience: usize,
    /// Seed of weights, order, dropout and augmentation.
    pub seed: u64,
    /// Threads; 0 uses the pool of the caller. Results do not depend on it.
    pub threads: usize,
    /// Changes of training rows.
    pub augment: Augment,
    /// What of the weights that training starts with stays as it is.
    pub hold: Hold,
}

/// What of the weights that a training starts with stays as it is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Hold {
    /// Nothing.
    #[default]
    Nothing,
    /// Weights of 0 stay 0.
    Zeros,
    /// Weights of 0 stay 0, and those of a layer that are equal stay equal: each step moves them by what it would move them in the mean.
    Shared,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            epochs: 30,
            batch_size: 32,
            learning_rate: 0.003,
            loss: Loss::default(),
            optimizer: Optimizer::default(),
            schedule: Schedule::default(),
            warmup_epochs: 1.0,
            clip_norm: 5.0,
            ema: 0.0,
            weight_decay: 1e-4,
            label_smoothing: 0.0,
            balance_classes: false,
            patience: 0,
            seed: 1,
            threads: 0,
            augment: Augment::default(),
            hold: Hold::Nothing,
        }
    }
}

impl Settings {
    /// For weights that are nearly right: as many epochs at a share of the step size, without rise, running mean or early end.
    pub fn fine_tuning(&self, epochs: usize, share: f32) -> Self {
        Self {
            epochs,
            learning_rate: self.learning_rate * share,
            warmup_epochs: 0.0,
            ema: 0.0,
            patience: 0,
            ..self.clone()
        }
    }
}

/// One line of the learning curve.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct EpochRecord {
    /// From 1.
    pub epoch: usize,
    /// Mean loss on the training rows, as they were augmented.
    pub loss: f64,
    /// Accuracy, or R2, on them.
    pub metric: f64,
    /// Mean loss on the validation rows.
    pub validation_loss: Option<f64>,
    /// Accuracy, or R2, on them.
    pub validation_metric: Option<f64>,
    /// Step size at the end.
    pub learning_rate: f32,
    /// Mean norm of the gradient, before it was clipped.
    pub gradient_norm: f64,
    /// Validation rows of classes, when these are at most 32: rows are what is, columns what was said. Else empty.
    #[serde(default)]
    pub confusion: Vec<Vec<u32>>,
}

/// Told after each epoch.
pub struct Event<'a> {
    /// From 1.
    pub epoch: usize,
    /// Mean loss on the training rows.
    pub loss: f64,
    /// Accuracy, or R2, on them.
    pub metric: f64,
    /// Mean loss on the validation rows.
    pub validation_loss: Option<f64>,
    /// Accuracy, or R2, on them.
    pub validation_metric: Option<f64>,
    /// Step size at the end of the epoch.
    pub learning_rate: f32,
    /// Mean norm of the gradient, before it was clipped.
    pub gradient_norm: f64,
    /// Makes a checkpoint from which [`fit`](crate::fit) goes on to the same final weights.
    pub checkpoint: &'a dyn Fn() -> Vec<u8>,
}

/// What the observer wants.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Flow {
    /// On.
    Continue,
    /// End now; [`fit`](crate::fit) returns [`TrainError::Stopped`](crate::TrainError::Stopped).
    Stop,
}

/// A layer for people.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct LayerSummary {
    /// Name of the node in the graph.
    pub name: String,
    /// Output shape.
    pub shape: Vec<usize>,
    /// Weights and biases.
    pub parameters: usize,
    /// Multiply-accumulates.
    pub macs: u64,
}

/// A trained network.
#[derive(Clone, Debug, PartialEq)]
pub struct Fitted {
    /// Normalisation, layers (batch normalisation folded, dropout gone), softmax.
    pub graph: Graph,
    /// The same as training goes on with it.
    pub model: Model,
    /// Learning curve.
    pub history: Vec<EpochRecord>,
    /// Epoch whose weights these are.
    pub best_epoch: usize,
    /// Weights and biases.
    pub parameters: usize,
    /// Nodes of the graph that hold weights.
    pub layers: Vec<LayerSummary>,
}
