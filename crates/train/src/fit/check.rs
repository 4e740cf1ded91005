//! What can be trained on.

use crate::{Head, Mark, Network, Rows, Settings, Targets, TrainError};

pub(super) fn check(
    network: &Network,
    train: &dyn Rows,
    targets: &Targets<'_>,
    settings: &Settings,
) -> Result<(), TrainError> {
    let fail = |m: String| Err(TrainError::Data(m));
    if train.is_empty() || train.len() != targets.len() {
        return fail(format!("{} rows and {} targets cannot be trained on", train.len(), targets.len()));
    }
    if settings.epochs == 0 || settings.batch_size == 0 {
        return fail("epochs and batch size must be at least 1".into());
    }
    if !(0.0..1.0).contains(&settings.ema) {
        return fail(format!("`training.ema` is {}; it must be at least 0 and below 1", settings.ema));
    }
    if !(0.0..=0.5).contains(&settings.augment.mixup) {
        return fail(format!(
            "`training.augment.mixup` is {}; it must be at least 0 and at most 0.5",
            settings.augment.mixup
        ));
    }
    match (network.head, targets) {
        (Head::Softmax { classes }, Targets::Classes { of, count }) => {
            if classes < 2 || classes != *count || of.iter().any(|c| *c as usize >= classes) {
                return fail(format!("{classes} classes do not fit the targets"));
            }
            Ok(())
        }
        (Head::Cells { classes }, Targets::Objects { of, labels, weight }) => {
            let wrong = |m: &Mark| m.label as usize >= *labels || !m.x.is_finite() || !m.y.is_finite();
            if *labels == 0 || classes != labels + 1 || of.iter().flatten().any(wrong) {
                return fail(format!("{classes} classes do not fit the objects"));
            }
            if !(weight.is_finite() && *weight > 0.0) || of.iter().all(Vec::is_empty) {
                return fail("objects need a weight above 0, and a picture that holds one".into());
            }
            Ok(())
        }
        (Head::Linear { outputs: 1 }, Targets::Values(v)) => match v.iter().position(|v| !v.is_finite()) {
            Some(i) => fail(format!("target {i} is {}", v[i])),
            None => Ok(()),
        },
        _ => fail("the head does not fit the targets".into()),
    }
}
