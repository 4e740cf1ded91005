//! Selection of features: which columns of the gold level the impulse keeps, decided by training windows alone.

use super::{
    features::Gold,
    gold::{HoldoutMatrix, Matrix, TrainingMatrix},
    split::{Side, Split},
    train::number,
};
use crate::{
    EngineError,
    error::AtPath,
    project::{LearnKind, ProjectFile, SelectMethod, SelectSection, nearest},
    session::Session,
};
use edgewright_impulse::Impulse;
use edgewright_ml::importance::{best, mutual_information, parts};
use edgewright_train::Rows;
use rayon::prelude::*;
use std::{io::Write, ops::Range};

/// Columns that are read at once: bounds memory.
const COLUMNS: usize = 32;
/// Parts into which the numbers of a regression are put.
const NUMBERS: usize = 8;

/// Training rows that have a class, and the class: the label, or for a regression which eighth its number lies in.
fn classes(file: &ProjectFile, gold: &Gold, split: &Split) -> Option<(Vec<usize>, Vec<u32>)> {
    let windows = gold.training.windows();
    let training = (0..windows.len()).filter(|&r| split.sides[windows[r].sample] == Side::Training);
    let kind = |k: LearnKind| file.impulse.learn.iter().any(|l| l.kind == k);
    if kind(LearnKind::Classifier) {
        return Some(training.filter_map(|r| Some((r, windows[r].label?))).unzip());
    }
    if kind(LearnKind::Regression) {
        let (rows, values): (Vec<usize>, Vec<f32>) =
            training.filter_map(|r| Some((r, gold.labels.get(&windows[r]).and_then(number)?))).unzip();
        return Some((rows, parts(&values, NUMBERS)));
    }
    None
}

/// Mutual information of each feature with the labels, on training windows; `None` where nothing with labels learns.
///
/// # Errors
/// [`EngineError::Io`] when the features cannot be read.
pub(crate) fn information(
    session: &Session<'_>,
    gold: &Gold,
    split: &Split,
) -> Result<Option<Vec<f64>>, EngineError> {
    let Some((rows, classes)) = classes(&session.project.file, gold, split) else { return Ok(None) };
    each(session, gold, &rows, |column| mutual_information(column, &classes)).map(Some)
}

/// The same with each label against all others, in the order of `labels`, for each feature.
///
/// # Errors
/// Those of [`information`].
pub(crate) fn information_of_labels(
    session: &Session<'_>,
    gold: &Gold,
    split: &Split,
    labels: &[String],
) -> Result<Vec<Vec<f64>>, EngineError> {
    let windows = gold.training.windows();
    let rows: Vec<usize> = (0..windows.len())
        .filter(|&r| split.sides[windows[r].sample] == Side::Training && windows[r].label.is_some())
        .collect();
    let is = |label: &String| -> Vec<u32> {
        rows.iter().map(|&r| u32::from(gold.labels.get(&windows[r]) == Some(label.as_str()))).collect()
    };
    let of: Vec<Vec<u32>> = labels.iter().map(is).collect();
    each(session, gold, &rows, |column| {
        of.iter().map(|classes| mutual_information(column, classes)).collect()
    })
}

/// A figure of each column on these rows; some columns are read at once.
fn each<T: Send>(
    session: &Session<'_>,
    gold: &Gold,
    rows: &[usize],
    figure: impl Fn(&[f32]) -> T + Sync,
) -> Result<Vec<T>, EngineError> {
    let width = gold.names.len();
    let mut scores = Vec::with_capacity(width);
    for start in (0..width).step_by(COLUMNS) {
        session.progress("features", start as u64, width as u64, "information")?;
        #[expect(clippy::single_range_in_vec_init, reason = "one range of columns is what is meant")]
        let columns = [start..(start + COLUMNS).min(width)];
        let matrix = gold.training.rows(session, rows.to_vec(), &columns)?;
        let (count, wide) = (matrix.len(), matrix.width());
        let mut values = vec![0.0; count * wide];
        matrix.read(&(0..count).collect::<Vec<_>>(), &mut values).at(&session.project.state_dir())?;
        let of = |c: usize| {
            let column: Vec<f32> = values.iter().skip(c).step_by(wide).copied().collect();
            figure(&column)
        };
        scores.extend((0..wide).into_par_iter().map(of).collect::<Vec<T>>());
    }
    Ok(scores)
}

/// The columns that a section keeps, rising.
fn columns(
    session: &Session<'_>,
    section: &SelectSection,
    gold: &Gold,
    split: &Split,
) -> Result<Vec<usize>, EngineError> {
    let fail = |message: String| EngineError::ProjectFile {
        path: session.project.dir.join(crate::project::FILE_NAME),
        message,
    };
    let all = gold.names.len();
    if section.method == SelectMethod::List {
        return by_name(&section.features, &gold.names).map_err(fail);
    }
    let keep = section.keep.unwrap_or(all);
    if keep > all {
        return Err(fail(too_many(keep, all)));
    }
    let scores = information(session, gold, split)?.ok_or_else(|| {
        fail("`impulse.select.method` is `mutual_information`, which needs labels: a classifier or a regression in `[[impulse.learn]]`; without one use the method `list`".into())
    })?;
    Ok(best(&scores, keep))
}

/// Numbers of features by their names, rising.
pub(crate) fn by_name(wanted: &[String], names: &[String]) -> Result<Vec<usize>, String> {
    let mut out = wanted
        .iter()
        .map(|w| {
            names.iter().position(|n| n == w).ok_or_else(|| {
                let hint = nearest(w, names.iter().map(String::as_str))
                    .map(|n| format!("\nhint: did you mean `{n}`?"))
                    .unwrap_or_default();
                format!("`impulse.select.features` names `{w}`, which no block gives{hint}")
            })
        })
        .collect::<Result<Vec<usize>, String>>()?;
    out.sort_unstable();
    out.dedup();
    Ok(out)
}

/// The impulse that a section will leave, as far as it is known without the features: which ones tell most is not, and as many
/// evenly spread ones stand for them.
pub(crate) fn expected(section: &SelectSection, impulse: &Impulse) -> Result<Impulse, String> {
    let all = impulse.features();
    let columns = match (section.method, section.keep) {
        (SelectMethod::List, _) => by_name(&section.features, &impulse.feature_names())?,
        (_, keep) => {
            let keep = keep.unwrap_or(all);
            if keep > all {
                return Err(too_many(keep, all));
            }
            (0..keep).map(|i| i * all / keep).collect()
        }
    };
    impulse.narrowed(&columns).map_err(|e| e.to_string())
}

fn too_many(keep: usize, all: usize) -> String {
    format!("`impulse.select.keep` is {keep}; the blocks give {all} features, so it can be at most {all}")
}

/// The gold level with just the features that a section keeps.
///
/// # Errors
/// [`EngineError::ProjectFile`] for what the section cannot mean here; those of the store.
pub(crate) fn apply(
    session: &Session<'_>,
    section: &SelectSection,
    gold: &Gold,
    split: &Split,
) -> Result<(Gold, Vec<String>), EngineError> {
    let columns = columns(session, section, gold, split)?;
    let impulse = Impulse::from_bundle(&gold.impulse)?;
    let narrow = impulse.narrowed(&columns)?;
    let mut ranges: Vec<Range<usize>> = Vec::new();
    for &c in &columns {
        match ranges.last_mut() {
            Some(last) if last.end == c => last.end = c + 1,
            _ => ranges.push(c..c + 1),
        }
    }
    let windows = gold.training.windows();
    let rows = gold.training.rows(session, (0..windows.len()).collect(), &ranges)?;
    let training = written(session, windows.len(), columns.len(), |n, out| rows.row(n, out))?;
    let all = gold.holdout.rows(session)?;
    let mut whole = vec![0.0; gold.names.len()];
    let holdout = written(session, all.count(), columns.len(), |n, out| {
        all.row(n, &mut whole)?;
        out.iter_mut().zip(&columns).for_each(|(to, &c)| *to = whole[c]);
        Ok(())
    })?;
    let note = format!(
        "{} of {} features selected by {}, from {} of {} DSP blocks",
        columns.len(),
        gold.names.len(),
        if section.method == SelectMethod::List { "name" } else { "mutual information on training windows" },
        narrow.dsp.len(),
        impulse.dsp.len()
    );
    let selected = Gold {
        impulse: narrow.to_bundle(),
        names: columns.iter().map(|&c| gold.names[c].clone()).collect(),
        labels: gold.labels.clone(),
        training: TrainingMatrix::new(Matrix::new(training, columns.len(), windows.to_vec())),
        holdout: HoldoutMatrix::new(Matrix::new(holdout, columns.len(), gold.holdout.windows().to_vec())),
        selected: Some(columns),
    };
    Ok((selected, vec![note]))
}

fn written(
    session: &Session<'_>,
    count: usize,
    width: usize,
    mut row: impl FnMut(usize, &mut [f32]) -> std::io::Result<()>,
) -> Result<edgewright_store::Hash, EngineError> {
    let dir = session.project.state_dir();
    let mut out = session.store.blob_writer()?;
    let mut values = vec![0.0; width];
    for n in 0..count {
        row(n, &mut values).at(&dir)?;
        let bytes: Vec<u8> = values.iter().flat_map(|v| v.to_le_bytes()).collect();
        out.write_all(&bytes).at(&dir)?;
    }
    Ok(out.finish()?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use edgewright_impulse::{DspBlock, Window};
    use edgewright_sample::Axis;

    /// Two blocks on two axes.
    fn impulse() -> Impulse {
        let axes = ["x", "y"].iter().map(|n| Axis { name: (*n).into(), units: String::new() }).collect();
        let window = Window {
            frames: 50,
            stride: 50,
            rate_hz: 100.0,
            axes,
            zero_pad: true,
            image: None,
            fit: Default::default(),
        };
        let block = |id: &str, name: &str| {
            DspBlock::new(id, name, 1, Default::default(), vec![0, 1], &window).expect("planned")
        };
        let dsp = vec![block("f", "flatten"), block("r", "raw")];
        Impulse { name: "test".into(), window, dsp, learn: Vec::new() }
    }

    fn list(features: &[&str]) -> SelectSection {
        let features = features.iter().map(|f| (*f).to_owned()).collect();
        SelectSection { method: SelectMethod::List, keep: None, features }
    }

    #[test]
    fn names_give_rising_numbers_once_and_the_nearest_is_named() {
        let names = ["x RMS", "y RMS", "x Average"].map(str::to_owned);
        let wanted = |all: &[&str]| by_name(&all.iter().map(|w| (*w).to_owned()).collect::<Vec<_>>(), &names);
        assert_eq!(wanted(&["x Average", "x RMS", "x Average"]), Ok(vec![0, 2]));
        let error = wanted(&["x RMS", "y RSM"]).expect_err("refused");
        assert!(error.contains("`y RSM`") && error.contains("did you mean `y RMS`"), "{error}");
    }

    #[test]
    fn what_is_estimated_before_the_features_are_there_has_as_many() {
        let impulse = impulse();
        let all = impulse.features();
        for keep in [1, 7, all] {
            let section = SelectSection { keep: Some(keep), ..SelectSection::default() };
            assert_eq!(expected(&section, &impulse).expect("narrowed").features(), keep);
        }
        let section = SelectSection { keep: Some(all + 1), ..SelectSection::default() };
        let error = expected(&section, &impulse).expect_err("refused");
        assert!(error.contains(&format!("at most {all}")), "{error}");
        // By name: a block of which nothing is kept is gone.
        let names = impulse.feature_names();
        let own: Vec<&str> = names.iter().filter(|n| n.starts_with("f y")).map(String::as_str).collect();
        let narrow = expected(&list(&own), &impulse).expect("narrowed");
        assert_eq!((narrow.dsp.len(), narrow.features()), (1, own.len()));
        assert_eq!(narrow.dsp[0].axes, [1], "the other axis is not computed");
        assert!(expected(&list(&["f z Average"]), &impulse).is_err());
    }
}
