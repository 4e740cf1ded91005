//! `[training]`: how networks are trained, taught, pruned and made ready for integers.

use crate::stages::elsewhere::Named;
use serde::{Deserialize, Serialize};

/// `[training]`
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct TrainingSection {
    /// Largest number of passes over the training windows.
    pub epochs: usize,
    /// Windows per step.
    pub batch_size: usize,
    /// Step size of the optimiser at its peak.
    pub learning_rate: f64,
    /// Epochs without a better validation loss before training stops; 0 trains to the end.
    pub patience: usize,
    /// Weigh classes by the inverse of their frequency; the objects of a detection block all count the same.
    pub balance_classes: bool,
    /// A fact of recordings, `group` or a key of the metadata: those with one value of it weigh as much together as those with any other,
    /// though a window at most ten times as much as another would; those without it count as one more value. Of networks.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub balance_by: Option<String>,
    /// Pull of the weights towards zero.
    pub weight_decay: f64,
    /// Share of each target spread over the other labels.
    pub label_smoothing: f64,
    /// What is minimised: `{ type = "usual" }` (cross-entropy or squared error), `{ type = "focal", gamma = 2.0 }`,
    /// `{ type = "huber", delta = 1.0 }` or `{ type = "quantile", quantile = 0.9 }`.
    pub loss: edgewright_train::Loss,
    /// `adamw`, `adam`, `rmsprop`, `lion` or `sgd` (momentum 0.9).
    pub optimizer: edgewright_train::Optimizer,
    /// How the step size changes: `{ type = "cosine" }`, `{ type = "constant" }`, `{ type = "step", every = 10, factor = 0.5 }` or
    /// `{ type = "plateau", patience = 5, factor = 0.5 }`.
    pub schedule: edgewright_train::Schedule,
    /// Epochs over which the step size rises at the start, at most a quarter of all.
    pub warmup_epochs: f64,
    /// Largest norm of a gradient; 0 for any.
    pub clip_norm: f64,
    /// Weight of the past in a running mean of the weights, which is then validated and kept, 0..1; 0 for none.
    pub ema: f64,
    /// Changes of the training features, made anew each epoch, never on validation or test.
    pub augment: edgewright_train::Augment,
    /// Divide what the softmax of a classifier reads by a temperature, fitted on validation windows, so that its scores are nearer to
    /// probabilities. The weights of the last layer change; nothing more is computed. Off when left out: where validation is not like
    /// use, it makes them worse.
    pub calibrate: bool,
    /// A larger network that is trained first and from whose scores this one learns beside the labels.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub teacher: Option<TeacherSection>,
    /// Share of the filters and units of each layer that are removed once it is trained, those that tell least, 0..1; 0 for none.
    #[serde(skip_serializing_if = "nothing")]
    pub prune: f64,
    /// Share of the weights of each dense, convolution and recurrent layer that become 0 once it is trained and stay 0 while it is trained on,
    /// those nearest to 0, 0..1; 0 for none. What is computed, and in what time, stays the same: only packed, as in an update over the
    /// air, is the model smaller.
    #[serde(skip_serializing_if = "nothing")]
    pub sparsify: f64,
    /// How many different weights each of these layers is trained to have, 2 to 256; 0 for any. In int8 each channel has its own scale, so
    /// that a layer has more of them there. Only packed is the model smaller.
    #[serde(skip_serializing_if = "none")]
    pub clusters: usize,
    /// Train on in int8 arithmetic, so that weights get used to being integers; what is trained is what the device computes.
    #[serde(skip_serializing_if = "not")]
    pub quantisation_aware: bool,
    /// Layers with weights that compute with activations of 16 bits in the int8 model: those that lose most by bytes, at most all of them;
    /// 0 for none. More accurate, larger and slower.
    #[serde(skip_serializing_if = "none")]
    pub wide_layers: usize,
    /// Epochs after `prune`, after `sparsify`, after `clusters`, and of `quantisation_aware`.
    #[serde(skip_serializing_if = "usual_tuning")]
    pub fine_tune_epochs: usize,
}

/// What is left out of the keys of stages at its default: a project that does not use it is not trained anew.
fn nothing(value: &f64) -> bool {
    *value == 0.0
}

fn none(value: &usize) -> bool {
    *value == 0
}

fn not(value: &bool) -> bool {
    !value
}

fn usual_tuning(value: &usize) -> bool {
    *value == TrainingSection::default().fine_tune_epochs
}

/// `[training.teacher]`
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct TeacherSection {
    /// A model that was trained elsewhere, in float or integers, or the folder of another project, whose network is taken as it was
    /// trained; from the project's folder on. It takes the features of the block. Left out: the teacher is trained here.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub model: Option<String>,
    /// Learning block of that project; left out: its first network.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub block: Option<String>,
    /// Labels of that model's outputs in their order; left out: those of that project, or of this one in alphabetical order.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub labels: Option<Vec<String>>,
    /// Its layers; left out: those of the network with `times` as many filters and units.
    pub layers: Option<Vec<edgewright_train::Layer>>,
    /// At least 2.
    pub times: usize,
    /// Scores of both are softened by it before they are compared, 1 to 100.
    pub temperature: f64,
    /// Share of the teacher in what is minimised, above 0 and at most 1; the rest are the labels.
    pub share: f64,
}

impl Default for TeacherSection {
    fn default() -> Self {
        Self { model: None, block: None, labels: None, layers: None, times: 3, temperature: 4.0, share: 0.5 }
    }
}

impl TeacherSection {
    /// The network from elsewhere that teaches.
    pub(crate) fn named(&self) -> Option<Named<'_>> {
        let model = self.model.as_deref()?;
        Some(Named { key: "training.teacher", model, block: self.block.as_deref() })
    }
}

impl TrainingSection {
    /// Whether networks are taught, or changed once they are trained.
    pub(crate) fn steps(&self) -> bool {
        self.teacher.is_some() || self.wide_layers > 0 || self.tunings() > 0
    }

    /// How often networks are trained on after a change.
    pub(crate) fn tunings(&self) -> usize {
        let all = [self.prune > 0.0, self.sparsify > 0.0, self.clusters > 0, self.quantisation_aware];
        all.into_iter().filter(|step| *step).count()
    }

    /// What cannot be in it beside a `backbone`.
    pub(super) fn beside(&self, backbone: bool) -> Option<String> {
        if !backbone {
            return None;
        }
        if self.teacher.as_ref().is_some_and(|t| t.model.is_some()) {
            return Some(
                "`training.teacher.model` takes features, but behind an `impulse.learn.backbone` a network learns from what that makes of them; \
                 leave `model` out: then the teacher is trained here"
                    .into(),
            );
        }
        let unmixed = edgewright_train::Augment { mixup: 0.0, ..self.augment.clone() };
        if unmixed != edgewright_train::Augment::default() {
            return Some(
                "`training.augment` changes features before a network sees them, but an `impulse.learn.backbone` runs once over them; \
                 only `mixup` goes with it"
                    .into(),
            );
        }
        self.quantisation_aware.then(|| {
            "`training.quantisation_aware` trains all layers on, but those of an `impulse.learn.backbone` stay as they are; remove one of them"
                .into()
        })
    }

    /// The first value that has no meaning.
    fn out_of_range(&self) -> Option<String> {
        use edgewright_train::{Loss, Schedule};
        let a = &self.augment;
        let wide = |v: f32| f64::from(v);
        // Key, value, least, most; and whether the most itself is possible.
        let numbers = [
            ("learning_rate", self.learning_rate, 0.0, f64::INFINITY, false),
            ("weight_decay", self.weight_decay, 0.0, f64::INFINITY, false),
            ("label_smoothing", self.label_smoothing, 0.0, 1.0, false),
            ("warmup_epochs", self.warmup_epochs, 0.0, f64::INFINITY, false),
            ("clip_norm", self.clip_norm, 0.0, f64::INFINITY, false),
            ("ema", self.ema, 0.0, 1.0, false),
            ("augment.noise", wide(a.noise), 0.0, f64::INFINITY, false),
            ("augment.gain", wide(a.gain), 0.0, f64::INFINITY, false),
            ("augment.time_warp", wide(a.time_warp), 0.0, 1.0, false),
            ("augment.axis_rotation", wide(a.axis_rotation), 0.0, 360.0, true),
            ("augment.shift", wide(a.shift), 0.0, 1.0, false),
            ("augment.rotate", wide(a.rotate), 0.0, 360.0, true),
            ("augment.zoom", wide(a.zoom), 0.0, 1.0, false),
            ("augment.brightness", wide(a.brightness), 0.0, f64::INFINITY, false),
            ("augment.mixup", wide(a.mixup), 0.0, 0.5, true),
        ];
        for (key, value, least, most, itself) in numbers {
            if value >= least && (value < most || itself && value == most) {
                continue;
            }
            let end = match (most.is_finite(), itself) {
                (false, _) => String::new(),
                (true, false) => format!(" and below {most}"),
                (true, true) => format!(" and at most {most}"),
            };
            return Some(format!("`training.{key}` is {value}; it must be at least {least}{end}"));
        }
        let between = |v: f32| v > 0.0 && v < 1.0;
        match self.schedule {
            Schedule::Step { every: 0, .. } => {
                return Some("`training.schedule.every` must be at least 1 epoch".into());
            }
            Schedule::Plateau { patience: 0, .. } => {
                return Some("`training.schedule.patience` must be at least 1 epoch".into());
            }
            Schedule::Step { factor, .. } | Schedule::Plateau { factor, .. } if !between(factor) => {
                return Some(format!(
                    "`training.schedule.factor` is {factor}; it must be above 0 and below 1"
                ));
            }
            _ => {}
        }
        match self.loss {
            Loss::Focal { gamma } if !(gamma >= 0.0 && gamma.is_finite()) => {
                Some(format!("`training.loss.gamma` is {gamma}; it must be at least 0"))
            }
            Loss::Focal { .. } if self.label_smoothing > 0.0 => Some(
                "`training.label_smoothing` does not go with the focal loss, which has no smoothed labels; remove one of them".into(),
            ),
            Loss::Huber { delta } if !(delta > 0.0 && delta.is_finite()) => {
                Some(format!("`training.loss.delta` is {delta}; it must be above 0"))
            }
            Loss::Quantile { quantile } if !between(quantile) => {
                Some(format!("`training.loss.quantile` is {quantile}; it must be above 0 and below 1"))
            }
            _ => None,
        }
    }

    /// What cannot be in it.
    pub(super) fn problem(&self) -> Option<String> {
        if self.epochs == 0 || self.batch_size == 0 {
            return Some("`training.epochs` and `training.batch_size` must be at least 1".into());
        }
        if let Some(problem) = self.out_of_range() {
            return Some(problem);
        }
        if !(0.0..1.0).contains(&self.prune) {
            return Some(format!("`training.prune` is {}; it must be at least 0 and below 1", self.prune));
        }
        if !(0.0..1.0).contains(&self.sparsify) {
            return Some(format!(
                "`training.sparsify` is {}; it must be at least 0 and below 1",
                self.sparsify
            ));
        }
        if self.clusters == 1 || self.clusters > 256 {
            return Some(format!(
                "`training.clusters` is {}; it must be 2 to 256, or 0 for any number of different weights",
                self.clusters
            ));
        }
        if self.fine_tune_epochs == 0 && self.tunings() > 0 {
            return Some(
                "`training.fine_tune_epochs` is 0; `prune`, `sparsify`, `clusters` and `quantisation_aware` need at least 1"
                    .into(),
            );
        }
        if self.wide_layers > 0 && self.quantisation_aware {
            return Some(
                "`training.quantisation_aware` trains in bytes alone; it does not go with `training.wide_layers`".into(),
            );
        }
        let teacher = self.teacher.as_ref()?;
        if teacher.model.is_some() && teacher.layers.is_some() {
            return Some(
                "`training.teacher` has a `model` and `layers`; `layers` are for a teacher that is trained here".into(),
            );
        }
        if teacher.model.is_none() && (teacher.block.is_some() || teacher.labels.is_some()) {
            return Some(
                "`training.teacher.block` and `labels` are for a `model` that was trained elsewhere".into(),
            );
        }
        if teacher.times < 2 && teacher.layers.is_none() {
            return Some(format!("`training.teacher.times` is {}; it must be at least 2", teacher.times));
        }
        if !(1.0..=100.0).contains(&teacher.temperature) {
            return Some(format!(
                "`training.teacher.temperature` is {}; it must be 1 to 100",
                teacher.temperature
            ));
        }
        (!(teacher.share > 0.0 && teacher.share <= 1.0)).then(|| {
            format!("`training.teacher.share` is {}; it must be above 0 and at most 1", teacher.share)
        })
    }
}

impl Default for TrainingSection {
    fn default() -> Self {
        Self {
            epochs: 60,
            batch_size: 32,
            learning_rate: 0.003,
            patience: 15,
            balance_classes: true,
            balance_by: None,
            weight_decay: 0.0001,
            label_smoothing: 0.0,
            loss: edgewright_train::Loss::default(),
            optimizer: edgewright_train::Optimizer::default(),
            schedule: edgewright_train::Schedule::default(),
            warmup_epochs: 1.0,
            clip_norm: 5.0,
            ema: 0.0,
            augment: edgewright_train::Augment::default(),
            calibrate: false,
            teacher: None,
            prune: 0.0,
            sparsify: 0.0,
            clusters: 0,
            quantisation_aware: false,
            wide_layers: 0,
            fine_tune_epochs: 15,
        }
    }
}
