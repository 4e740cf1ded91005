//! Rows: samples, quarantine, derived objects, stages.

use crate::{Hash, Store, StoreError, transaction::alone};
use sqlx::{Connection, Row, sqlite::SqliteRow};

/// A sample as received.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SampleRow {
    /// Made from content, place in the file, name and source.
    pub id: String,
    /// Name of the file below the imported folder.
    pub name: String,
    /// Label, if any.
    pub label: Option<String>,
    /// Labels of parts, the caller's text; then there is no label.
    pub ranges_json: Option<String>,
    /// Boxes around objects, the caller's text.
    pub boxes_json: Option<String>,
    /// `training`, `testing` or `split`.
    pub category: String,
    /// Samples of one group stay together.
    pub group: Option<String>,
    /// The received bytes.
    pub blob: Hash,
    /// Which sample of the file.
    pub index_in_file: i64,
    /// Format name.
    pub format: String,
    /// Who imported it.
    pub source: String,
    /// The caller's.
    pub metadata_json: String,
    /// What a person set beside it, the caller's text.
    pub facts_json: Option<String>,
    /// Left out of everything.
    pub disabled: bool,
    /// Whether a person set label, category or `disabled`.
    pub edited: bool,
}

/// A sample to add; its id is made from it.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "the fields of SampleRow")]
pub struct NewSample {
    pub name: String,
    pub label: Option<String>,
    pub ranges_json: Option<String>,
    pub boxes_json: Option<String>,
    pub category: String,
    pub group: Option<String>,
    pub blob: Hash,
    pub index_in_file: i64,
    pub format: String,
    pub source: String,
    pub metadata_json: String,
    pub disabled: bool,
    /// Of a sample that is there: its label, parts, boxes and group stay.
    pub keep_label: bool,
    /// Of a sample that is there: its category stays.
    pub keep_category: bool,
}

impl NewSample {
    /// Equal samples have equal ids on every machine.
    fn id(&self) -> String {
        let text = format!("{}\0{}\0{}\0{}", self.blob, self.index_in_file, self.source, self.name);
        Hash::of(text.as_bytes()).to_string()[..24].to_owned()
    }
}

/// What became of a sample that was added.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Added {
    /// Its id.
    pub id: String,
    /// Whether it was not there before.
    pub new: bool,
    /// The category that it had before, when it has another one now.
    pub moved_from: Option<String>,
}

/// A file that was refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct QuarantineRow {
    /// Name of the file below the imported folder.
    pub name: String,
    /// Who imported it.
    pub source: String,
    /// The received bytes, when they could be read.
    pub blob: Option<Hash>,
    /// Stable slug.
    pub kind: String,
    /// Sentence.
    pub reason: String,
}

pub(crate) fn hash(text: &str) -> Result<Hash, StoreError> {
    text.parse().map_err(|e: String| StoreError::Database(sqlx::Error::Decode(e.into())))
}

pub(crate) fn sample(row: &SqliteRow) -> Result<SampleRow, StoreError> {
    let blob: String = row.try_get("blob")?;
    let disabled: i64 = row.try_get("disabled")?;
    let edited: i64 = row.try_get("edited")?;
    Ok(SampleRow {
        id: row.try_get("id")?,
        name: row.try_get("name")?,
        label: row.try_get("label")?,
        ranges_json: row.try_get("ranges_json")?,
        boxes_json: row.try_get("boxes_json")?,
        category: row.try_get("category")?,
        group: row.try_get("group_key")?,
        blob: hash(&blob)?,
        index_in_file: row.try_get("index_in_file")?,
        format: row.try_get("format")?,
        source: row.try_get("source")?,
        metadata_json: row.try_get("metadata_json")?,
        facts_json: row.try_get("facts_json")?,
        disabled: disabled != 0,
        edited: edited != 0,
    })
}

impl Store {
    /// Adds samples in one transaction. One that is there (same source, name, bytes and place) takes the new
    /// group and metadata, and the new label and category unless a person set them or they are to stay.
    ///
    /// # Errors
    /// [`StoreError::Database`]; then none is added.
    pub fn add_samples(&self, samples: &[NewSample]) -> Result<Vec<Added>, StoreError> {
        let mut guard = self.inner();
        let inner = &mut *guard;
        let connection = &mut inner.connection;
        inner.runtime.block_on(alone(connection, async |connection| {
            let mut added = Vec::with_capacity(samples.len());
            for s in samples {
                let id = s.id();
                let there = sqlx::query("SELECT category, edited FROM samples WHERE id = $1")
                    .bind(&id)
                    .fetch_optional(&mut *connection)
                    .await?
                    .map(|row| Ok::<_, sqlx::Error>((row.try_get("category")?, row.try_get("edited")?)))
                    .transpose()?;
                let moved_from = there.clone().filter(|(before, edited): &(String, i64)| {
                    *edited == 0 && !s.keep_category && *before != s.category
                });
                sqlx::query(
                    "INSERT INTO samples (id, name, label, category, group_key, blob, index_in_file, format, source,
                        metadata_json, disabled, ranges_json, boxes_json)
                     VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)
                     ON CONFLICT (id) DO UPDATE SET
                        label = CASE WHEN samples.edited = 1 OR $14 THEN samples.label ELSE excluded.label END,
                        ranges_json = CASE WHEN samples.edited = 1 OR $14 THEN samples.ranges_json ELSE excluded.ranges_json END,
                        boxes_json = CASE WHEN samples.edited = 1 OR $14 THEN samples.boxes_json ELSE excluded.boxes_json END,
                        category = CASE WHEN samples.edited = 1 OR $15 THEN samples.category ELSE excluded.category END,
                        group_key = CASE WHEN $14 THEN samples.group_key ELSE excluded.group_key END, format = excluded.format,
                        metadata_json = excluded.metadata_json",
                )
                .bind(&id)
                .bind(&s.name)
                .bind(&s.label)
                .bind(&s.category)
                .bind(&s.group)
                .bind(s.blob.to_string())
                .bind(s.index_in_file)
                .bind(&s.format)
                .bind(&s.source)
                .bind(&s.metadata_json)
                .bind(i64::from(s.disabled))
                .bind(&s.ranges_json)
                .bind(&s.boxes_json)
                .bind(s.keep_label)
                .bind(s.keep_category)
                .execute(&mut *connection)
                .await?;
                added.push(Added { id, new: there.is_none(), moved_from: moved_from.map(|m| m.0) });
            }
            Ok(added)
        }))
    }

    /// All samples in order of id. Read page by page: a row of the database takes several times the memory of a value.
    ///
    /// # Errors
    /// [`StoreError::Database`].
    pub fn list_samples(&self) -> Result<Vec<SampleRow>, StoreError> {
        const PAGE: usize = 256;
        let mut guard = self.inner();
        let inner = &mut *guard;
        let connection = &mut inner.connection;
        inner.runtime.block_on(async {
            let mut transaction = connection.begin().await?;
            let mut samples: Vec<SampleRow> = Vec::new();
            loop {
                let after = samples.last().map_or("", |s| s.id.as_str());
                let page = sqlx::query("SELECT * FROM samples WHERE id > $1 ORDER BY id LIMIT $2")
                    .bind(after.to_owned())
                    .bind(PAGE as i64)
                    .fetch_all(&mut *transaction)
                    .await?;
                samples.reserve(page.len());
                for row in &page {
                    samples.push(sample(row)?);
                }
                if page.len() < PAGE {
                    return Ok(samples);
                }
            }
        })
    }

    /// Id, `metadata_json` and `facts_json` of all samples, in order of id: what is asked of very many at once.
    ///
    /// # Errors
    /// [`StoreError::Database`].
    pub fn list_metadata(&self) -> Result<Vec<(String, String, Option<String>)>, StoreError> {
        let mut guard = self.inner();
        let inner = &mut *guard;
        let query = sqlx::query_as("SELECT id, metadata_json, facts_json FROM samples ORDER BY id")
            .fetch_all(&mut inner.connection);
        Ok(inner.runtime.block_on(query)?)
    }

    /// How often samples came, went or changed so far. It never comes back to a number it had.
    ///
    /// # Errors
    /// [`StoreError::Database`].
    pub fn sample_changes(&self) -> Result<u64, StoreError> {
        let mut guard = self.inner();
        let inner = &mut *guard;
        let query = sqlx::query_scalar::<_, i64>("SELECT times FROM changes WHERE counted = 'samples'")
            .fetch_one(&mut inner.connection);
        Ok(inner.runtime.block_on(query)?.max(0) as u64)
    }

    /// Ids that begin with some hexadecimal digits, in order.
    ///
    /// # Errors
    /// [`StoreError::Database`].
    pub fn ids_from(&self, begin: &str, limit: u32) -> Result<Vec<String>, StoreError> {
        let mut guard = self.inner();
        let inner = &mut *guard;
        // `g` comes after every digit.
        let query =
            sqlx::query_scalar("SELECT id FROM samples WHERE id >= $1 AND id < $2 ORDER BY id LIMIT $3")
                .bind(begin.to_owned())
                .bind(format!("{begin}g"))
                .bind(i64::from(limit))
                .fetch_all(&mut inner.connection);
        Ok(inner.runtime.block_on(query)?)
    }

    /// Ids of the samples that one source brought in, in order.
    ///
    /// # Errors
    /// [`StoreError::Database`].
    pub fn ids_of_source(&self, source: &str) -> Result<Vec<String>, StoreError> {
        let mut guard = self.inner();
        let inner = &mut *guard;
        let query = sqlx::query_scalar("SELECT id FROM samples WHERE source = $1 ORDER BY id")
            .bind(source)
            .fetch_all(&mut inner.connection);
        Ok(inner.runtime.block_on(query)?)
    }

    /// Removes rows; the bytes stay.
    ///
    /// # Errors
    /// [`StoreError::Database`]; then none is removed.
    pub fn delete_samples(&self, ids: &[String]) -> Result<(), StoreError> {
        if ids.is_empty() {
            return Ok(());
        }
        let mut guard = self.inner();
        let inner = &mut *guard;
        let connection = &mut inner.connection;
        inner.runtime.block_on(alone(connection, async |connection| {
            for id in ids {
                sqlx::query("DELETE FROM samples WHERE id = $1").bind(id).execute(&mut *connection).await?;
            }
            Ok(())
        }))
    }

    /// Notes a refused file, in place of an earlier note on the same one.
    ///
    /// # Errors
    /// [`StoreError::Database`].
    pub fn add_quarantine(&self, row: &QuarantineRow) -> Result<(), StoreError> {
        let mut guard = self.inner();
        let inner = &mut *guard;
        let query = sqlx::query(
            "INSERT INTO quarantine (source, name, blob, kind, reason) VALUES ($1, $2, $3, $4, $5)
             ON CONFLICT (source, name) DO UPDATE SET blob = excluded.blob, kind = excluded.kind,
                reason = excluded.reason",
        )
        .bind(&row.source)
        .bind(&row.name)
        .bind(row.blob.map(|h| h.to_string()))
        .bind(&row.kind)
        .bind(&row.reason)
        .execute(&mut inner.connection);
        inner.runtime.block_on(query)?;
        Ok(())
    }

    /// All refused files in order of source and name.
    ///
    /// # Errors
    /// [`StoreError::Database`].
    pub fn list_quarantine(&self) -> Result<Vec<QuarantineRow>, StoreError> {
        let mut guard = self.inner();
        let inner = &mut *guard;
        let query =
            sqlx::query("SELECT * FROM quarantine ORDER BY source, name").fetch_all(&mut inner.connection);
        inner
            .runtime
            .block_on(query)?
            .iter()
            .map(|row| {
                let blob: Option<String> = row.try_get("blob")?;
                Ok(QuarantineRow {
                    name: row.try_get("name")?,
                    source: row.try_get("source")?,
                    blob: blob.as_deref().map(hash).transpose()?,
                    kind: row.try_get("kind")?,
                    reason: row.try_get("reason")?,
                })
            })
            .collect()
    }

    /// Forgets the refused files of a source whose names are not in `keep`.
    ///
    /// # Errors
    /// [`StoreError::Database`].
    pub fn retain_quarantine(&self, source: &str, keep: &[String]) -> Result<(), StoreError> {
        let rows = self.list_quarantine()?.into_iter();
        let gone = rows.filter(|row| row.source == source && !keep.contains(&row.name));
        self.forget_quarantine(&gone.map(|row| (row.source, row.name)).collect::<Vec<_>>())
    }

    /// Forgets refused files by source and name; one that is not there is no error.
    ///
    /// # Errors
    /// [`StoreError::Database`].
    pub fn forget_quarantine(&self, files: &[(String, String)]) -> Result<(), StoreError> {
        for (source, name) in files {
            let mut guard = self.inner();
            let inner = &mut *guard;
            let query = sqlx::query("DELETE FROM quarantine WHERE source = $1 AND name = $2")
                .bind(source)
                .bind(name)
                .execute(&mut inner.connection);
            inner.runtime.block_on(query)?;
        }
        Ok(())
    }

    /// Remembers the object that was made under a key.
    ///
    /// # Errors
    /// [`StoreError::Database`].
    pub fn put_derived(&self, key: &Hash, output: &Hash) -> Result<(), StoreError> {
        let mut guard = self.inner();
        let inner = &mut *guard;
        let query = sqlx::query(
            "INSERT INTO derived (key, output) VALUES ($1, $2) ON CONFLICT (key) DO UPDATE SET output = excluded.output",
        )
        .bind(key.to_string())
        .bind(output.to_string())
        .execute(&mut inner.connection);
        inner.runtime.block_on(query)?;
        Ok(())
    }

    /// The object that was made under a key.
    ///
    /// # Errors
    /// [`StoreError::Database`].
    pub fn get_derived(&self, key: &Hash) -> Result<Option<Hash>, StoreError> {
        let mut guard = self.inner();
        let inner = &mut *guard;
        let query = sqlx::query("SELECT output FROM derived WHERE key = $1")
            .bind(key.to_string())
            .fetch_optional(&mut inner.connection);
        match inner.runtime.block_on(query)? {
            None => Ok(None),
            Some(row) => {
                let output: String = row.try_get("output")?;
                Ok(Some(hash(&output)?))
            }
        }
    }

    /// Records a stage that was built.
    ///
    /// # Errors
    /// [`StoreError::Database`].
    pub fn put_stage(
        &self,
        name: &str,
        key: &Hash,
        output: &Hash,
        seconds: f64,
        notes_json: &str,
    ) -> Result<(), StoreError> {
        let mut guard = self.inner();
        let inner = &mut *guard;
        let query = sqlx::query(
            "INSERT INTO stages (name, key, output, seconds, notes_json) VALUES ($1, $2, $3, $4, $5)
             ON CONFLICT (name, key) DO UPDATE SET output = excluded.output, seconds = excluded.seconds,
                notes_json = excluded.notes_json",
        )
        .bind(name)
        .bind(key.to_string())
        .bind(output.to_string())
        .bind(seconds)
        .bind(notes_json)
        .execute(&mut inner.connection);
        inner.runtime.block_on(query)?;
        Ok(())
    }

    /// What a stage had to say when it was built under a key.
    ///
    /// # Errors
    /// [`StoreError::Database`].
    pub fn stage_notes(&self, name: &str, key: &Hash) -> Result<Option<String>, StoreError> {
        let mut guard = self.inner();
        let inner = &mut *guard;
        let query = sqlx::query("SELECT notes_json FROM stages WHERE name = $1 AND key = $2")
            .bind(name)
            .bind(key.to_string())
            .fetch_optional(&mut inner.connection);
        match inner.runtime.block_on(query)? {
            None => Ok(None),
            Some(row) => Ok(Some(row.try_get("notes_json")?)),
        }
    }
}
