//! What people change of samples, and the history of it.

use crate::{Edit, SampleRow, Store, StoreError, rows::sample, transaction::alone};
use sqlx::{Row, SqliteConnection};

/// A change of one field of a sample.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EditRow {
    /// Milliseconds since 1970.
    pub at: i64,
    /// Who.
    pub who: String,
    /// `label`, `ranges`, `boxes`, `category`, `disabled` or `facts`.
    pub field: String,
    /// What it was, as it stands in the row; `disabled` is 0 or 1.
    pub before: Option<String>,
    /// What it became. The same as before of a label that somebody else gave as well.
    pub after: Option<String>,
}

/// A label that somebody gave.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GivenLabel {
    /// Id of the sample.
    pub sample: String,
    /// Its name.
    pub name: String,
    /// Who.
    pub who: String,
    /// The label; `None` where it was taken away.
    pub label: Option<String>,
}

/// The fields of a row that people change, in the order in which a history tells them.
fn fields(row: &SampleRow) -> [(&'static str, Option<String>); 6] {
    [
        ("label", row.label.clone()),
        ("ranges", row.ranges_json.clone()),
        ("boxes", row.boxes_json.clone()),
        ("category", Some(row.category.clone())),
        ("disabled", Some(i64::from(row.disabled).to_string())),
        ("facts", row.facts_json.clone()),
    ]
}

async fn read(connection: &mut SqliteConnection, id: &str) -> Result<Option<SampleRow>, StoreError> {
    let row = sqlx::query("SELECT * FROM samples WHERE id = $1").bind(id).fetch_optional(connection).await?;
    row.as_ref().map(sample).transpose()
}

/// The label that somebody gave a sample last.
async fn last_label(
    connection: &mut SqliteConnection,
    id: &str,
    who: &str,
) -> Result<Option<String>, StoreError> {
    let last: Option<Option<String>> = sqlx::query_scalar(
        "SELECT after FROM edits WHERE sample = $1 AND field = 'label' AND who = $2 ORDER BY seq DESC LIMIT 1",
    )
    .bind(id)
    .bind(who)
    .fetch_optional(connection)
    .await?;
    Ok(last.flatten())
}

impl Store {
    /// Labels that people gave to samples that are there, in order of name and id, of one sample in the order in which they were given.
    ///
    /// # Errors
    /// [`StoreError::Database`].
    pub fn given_labels(&self) -> Result<Vec<GivenLabel>, StoreError> {
        let mut guard = self.inner();
        let inner = &mut *guard;
        let query = sqlx::query(
            "SELECT edits.sample AS sample, samples.name AS name, edits.who AS who, edits.after AS label
             FROM edits JOIN samples ON samples.id = edits.sample
             WHERE edits.field = 'label' ORDER BY samples.name, edits.sample, edits.seq",
        )
        .fetch_all(&mut inner.connection);
        inner
            .runtime
            .block_on(query)?
            .iter()
            .map(|row| {
                Ok(GivenLabel {
                    sample: row.try_get("sample")?,
                    name: row.try_get("name")?,
                    who: row.try_get("who")?,
                    label: row.try_get("label")?,
                })
            })
            .collect()
    }

    /// Changes samples as a person wants it, all or none, and writes down who changed what at the time `at`, and who gave the label that is
    /// there already. `facts` are the new
    /// `facts_json` of each, in the order of `ids`; what is `None` or missing stays, the empty text takes them away. Returns how many were found.
    ///
    /// # Errors
    /// [`StoreError::Database`]; then none is changed.
    pub fn edit_samples(
        &self,
        ids: &[String],
        edit: &Edit,
        facts: &[Option<String>],
        at: i64,
    ) -> Result<u64, StoreError> {
        let mut guard = self.inner();
        let inner = &mut *guard;
        let connection = &mut inner.connection;
        inner.runtime.block_on(alone(connection, async |connection| {
            let mut found = 0;
            for (n, id) in ids.iter().enumerate() {
                let Some(before) = read(connection, id).await? else { continue };
                found += 1;
                sqlx::query(
                    "UPDATE samples SET edited = 1,
                        label = CASE WHEN $5 IS NOT NULL AND $5 <> '' THEN NULL WHEN $1 IS NULL THEN label
                            WHEN $1 = '' THEN NULL ELSE $1 END,
                        ranges_json = CASE WHEN $5 = '' THEN NULL WHEN $5 IS NOT NULL THEN $5
                            WHEN $1 IS NULL THEN ranges_json ELSE NULL END,
                        boxes_json = CASE WHEN $6 IS NULL THEN boxes_json WHEN $6 = '' THEN NULL ELSE $6 END,
                        category = COALESCE($2, category), disabled = COALESCE($3, disabled),
                        facts_json = CASE WHEN $7 IS NULL THEN facts_json WHEN $7 = '' THEN NULL ELSE $7 END
                     WHERE id = $4",
                )
                .bind(&edit.label)
                .bind(&edit.category)
                .bind(edit.disabled.map(i64::from))
                .bind(id)
                .bind(&edit.ranges_json)
                .bind(&edit.boxes_json)
                .bind(facts.get(n).cloned().flatten())
                .execute(&mut *connection)
                .await?;
                let Some(after) = read(connection, id).await? else { continue };
                for ((field, before), (_, after)) in fields(&before).into_iter().zip(fields(&after)) {
                    // Who gives the label that is there says that it is right, once.
                    let agrees = field == "label" && edit.label.is_some() && after.is_some();
                    if before == after && !(agrees && last_label(connection, id, &edit.who).await? != after) {
                        continue;
                    }
                    sqlx::query(
                        "INSERT INTO edits (sample, at, who, field, before, after) VALUES ($1, $2, $3, $4, $5, $6)",
                    )
                    .bind(id)
                    .bind(at)
                    .bind(&edit.who)
                    .bind(field)
                    .bind(before)
                    .bind(after)
                    .execute(&mut *connection)
                    .await?;
                }
            }
            Ok(found)
        }))
    }

    /// What was changed of a sample, the newest first, at most so much.
    ///
    /// # Errors
    /// [`StoreError::Database`].
    pub fn list_edits(&self, id: &str, limit: u32) -> Result<Vec<EditRow>, StoreError> {
        let mut guard = self.inner();
        let inner = &mut *guard;
        let query = sqlx::query("SELECT * FROM edits WHERE sample = $1 ORDER BY seq DESC LIMIT $2")
            .bind(id)
            .bind(i64::from(limit))
            .fetch_all(&mut inner.connection);
        inner
            .runtime
            .block_on(query)?
            .iter()
            .map(|row| {
                Ok(EditRow {
                    at: row.try_get("at")?,
                    who: row.try_get("who")?,
                    field: row.try_get("field")?,
                    before: row.try_get("before")?,
                    after: row.try_get("after")?,
                })
            })
            .collect()
    }
}
