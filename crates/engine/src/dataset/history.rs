//! Who changed what of a sample, and when.

use super::{Facts, boxes, edit::one, facts, ranges};
use crate::{EngineError, session::Session};
use edgewright_store::EditRow;

/// Changes that are told, the newest.
const TOLD: u32 = 200;

/// A change of one field of a sample.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Edited {
    /// Milliseconds since 1970.
    pub at: i64,
    /// Name of the account or key; `command line`, or what else changed it.
    pub who: String,
    /// `label`, `agreed` (somebody else gave the same label), `parts`, `boxes`, `category`, `use`, or `fact NAME`.
    pub field: String,
    /// What it was, for people; `None` where there was nothing.
    pub before: Option<String>,
    /// What it became.
    pub after: Option<String>,
}

/// Changes of a sample, the newest first, at most 200 writes. What came with the file is none.
///
/// # Errors
/// [`EngineError::NotFound`]; those of the store.
pub fn history(session: &Session<'_>, id: &str) -> Result<Vec<Edited>, EngineError> {
    let (line, _) = one(session, id)?;
    let mut out = Vec::new();
    for row in session.store.list_edits(&line.listed.id, TOLD)? {
        tell(id, row, &mut out)?;
    }
    Ok(out)
}

fn tell(id: &str, row: EditRow, out: &mut Vec<Edited>) -> Result<(), EngineError> {
    let EditRow { at, who, field, before, after } = row;
    let mut put = |field: String, before, after| {
        out.push(Edited { at, who: who.clone(), field, before, after });
    };
    match field.as_str() {
        "facts" => {
            let (old, new) = (facts(id, before.as_deref())?, facts(id, after.as_deref())?);
            // What the file itself says of a fact is not known here: a first value stands after nothing.
            let was = |facts: &Facts, key: &String| facts.get(key).cloned().flatten();
            let keys: std::collections::BTreeSet<&String> = old.keys().chain(new.keys()).collect();
            for key in keys.into_iter().filter(|k| old.get(*k) != new.get(*k)) {
                put(format!("fact {key}"), was(&old, key), was(&new, key));
            }
        }
        "ranges" => {
            let words = |json: Option<String>| -> Result<Option<String>, EngineError> {
                let Some(json) = json else { return Ok(None) };
                let all = ranges::parse(&json, id)?;
                let told: Vec<String> =
                    all.iter().map(|r| format!("{} {} to {}", r.label, r.start, r.end)).collect();
                Ok(Some(told.join(", ")))
            };
            put("parts".into(), words(before)?, words(after)?);
        }
        "boxes" => {
            let words = |json: Option<String>| -> Result<Option<String>, EngineError> {
                let Some(json) = json else { return Ok(None) };
                let all = boxes::parse(&json, id)?;
                let told: Vec<String> = all
                    .iter()
                    .map(|b| format!("{} at {}, {}: {} x {}", b.label, b.x, b.y, b.width, b.height))
                    .collect();
                Ok(Some(if told.is_empty() { "no object".into() } else { told.join("; ") }))
            };
            put("boxes".into(), words(before)?, words(after)?);
        }
        "disabled" => {
            let word = |text: Option<String>| {
                text.map(|t| if t == "1" { "left out".to_owned() } else { "used".to_owned() })
            };
            put("use".into(), word(before), word(after));
        }
        // Somebody else gave the same label.
        "label" if before == after => put("agreed".into(), before, after),
        _ => put(field, before, after),
    }
    Ok(())
}
