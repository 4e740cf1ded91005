//! Tables whose values, labels and groups lie in files of their own, row by row, as the UCI's set of smartphone activities has them
//! (`X_train.txt`, `y_train.txt`, `subject_train.txt`). Read one by one they are nonsense, so they are refused with what to do.

use super::import::File;
use std::collections::BTreeSet;

/// Takes files of such tables out of the list: name, slug and reason of each.
pub(super) fn take_out(files: &mut Vec<File>) -> Vec<(String, &'static str, String)> {
    // Folders that have the values and the labels of a part, and the part.
    let names: BTreeSet<String> = files.iter().map(|f| f.name.to_lowercase()).collect();
    let tables: BTreeSet<(String, String)> = names
        .iter()
        .filter_map(|name| {
            let (folder, part, first) = split(name)?;
            let values = format!("{folder}x_{part}.txt");
            (first == "y" && names.contains(&values)).then(|| (folder.to_owned(), part.to_owned()))
        })
        .collect();
    let mut refused = Vec::new();
    files.retain(|file| {
        let name = file.name.to_lowercase();
        let of = tables.iter().find(|(folder, part)| {
            // Also what lies in folders below: the signals of the same rows.
            name.starts_with(folder.as_str()) && split(&name).is_some_and(|(_, p, _)| p == part)
        });
        let Some((_, part)) = of else { return true };
        let reason = format!(
            "`X_{part}.txt` holds the values and `y_{part}.txt` the labels of the same rows, and a file is read by itself: \
             put them into one, with Python `numpy.savez('{part}.npz', x_{part}=numpy.loadtxt('X_{part}.txt'), \
             y_{part}=numpy.loadtxt('y_{part}.txt', dtype=int))`, and import that"
        );
        refused.push((file.name.clone(), "table_in_parts", reason));
        false
    });
    refused
}

/// Folder with its `/`, part and what comes before it: `train/`, `train` and `y` of `train/y_train.txt`.
fn split(name: &str) -> Option<(&str, &str, &str)> {
    let at = name.rfind('/').map_or(0, |i| i + 1);
    let (first, part) = name[at..].strip_suffix(".txt")?.rsplit_once('_')?;
    (!part.is_empty()).then_some((&name[..at], part, first))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn left(names: &[&str]) -> (Vec<String>, Vec<String>) {
        let file = |n: &&str| File { path: n.into(), name: (*n).to_owned(), beside: Vec::new() };
        let mut files: Vec<File> = names.iter().map(file).collect();
        let refused = take_out(&mut files);
        assert!(refused.iter().all(|(_, _, reason)| reason.contains("savez")), "{refused:?}");
        (files.into_iter().map(|f| f.name).collect(), refused.into_iter().map(|r| r.0).collect())
    }

    #[test]
    fn files_of_one_table_are_refused_and_others_are_not() {
        let (kept, refused) = left(&[
            "train/Inertial Signals/body_acc_x_train.txt",
            "train/X_train.txt",
            "train/y_train.txt",
            "train/subject_train.txt",
            "train/notes_one.txt",
            "test/walk_test.txt",
            "activity_labels.txt",
        ]);
        assert_eq!(kept, ["train/notes_one.txt", "test/walk_test.txt", "activity_labels.txt"]);
        assert_eq!(refused.len(), 4);
        // Values without labels are a table; an axis may be called x.
        assert_eq!(left(&["x_train.txt", "a/y_train.txt", "x_1.txt", "é.txt"]).1.len(), 0);
    }
}
