//! Samples by the page, counted, and edited by people.

use crate::{Hash, SampleRow, Store, StoreError, rows::sample};
use sqlx::Row;

/// Which samples. What is `None` lets all through.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SampleFilter {
    /// Exactly this label; the empty text: without a label, also of parts or boxes.
    pub label: Option<String>,
    /// Let through as well: what has this text in its labels of parts or boxes.
    pub in_ranges: Option<String>,
    /// `training`, `testing` or `split`.
    pub category: Option<String>,
    /// Part of the name, whatever its case (of ASCII letters).
    pub name: Option<String>,
    /// Left out of everything, or not.
    pub disabled: Option<bool>,
}

/// Samples of one label and category.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LabelCount {
    /// Label, if any.
    pub label: Option<String>,
    /// Category.
    pub category: String,
    /// How many, the disabled ones left out.
    pub samples: u64,
    /// How many are disabled.
    pub disabled: u64,
}

/// What a person changes of samples. What is `None` stays.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Edit {
    /// Who, for the history.
    pub who: String,
    /// The new label; the empty text takes the label away. Labels of parts go.
    pub label: Option<String>,
    /// The new labels of parts; the empty text takes them away. The label of the whole goes.
    pub ranges_json: Option<String>,
    /// The new boxes; the empty text takes them away. Other labels stay.
    pub boxes_json: Option<String>,
    /// The new category.
    pub category: Option<String>,
    /// Whether to leave them out of everything.
    pub disabled: Option<bool>,
}

/// `$1` to `$5` are the fields of the filter.
macro_rules! filtered {
    ($head:literal, $tail:literal) => {
        concat!(
            $head,
            " FROM samples WHERE ($1 IS NULL OR label = $1 OR ($1 = '' AND label IS NULL AND ranges_json IS NULL AND boxes_json IS NULL)
                    OR instr(ranges_json, $5) > 0 OR instr(boxes_json, $5) > 0)
                AND ($2 IS NULL OR category = $2) AND ($3 IS NULL OR instr(lower(name), lower($3)) > 0)
                AND ($4 IS NULL OR disabled = $4) ",
            $tail
        )
    };
}

impl Store {
    /// Samples in order of name and id: `limit` of them from number `offset` on, and how many there are in all.
    ///
    /// # Errors
    /// [`StoreError::Database`].
    pub fn page_samples(
        &self,
        filter: &SampleFilter,
        offset: u64,
        limit: u64,
    ) -> Result<(Vec<SampleRow>, u64), StoreError> {
        let mut guard = self.inner();
        let inner = &mut *guard;
        let connection = &mut inner.connection;
        let disabled = filter.disabled.map(i64::from);
        inner.runtime.block_on(async {
            let total: i64 = sqlx::query(filtered!("SELECT COUNT(*) AS n", ""))
                .bind(&filter.label)
                .bind(&filter.category)
                .bind(&filter.name)
                .bind(disabled)
                .bind(&filter.in_ranges)
                .fetch_one(&mut *connection)
                .await?
                .try_get("n")?;
            let rows = sqlx::query(filtered!("SELECT *", "ORDER BY name, id LIMIT $6 OFFSET $7"))
                .bind(&filter.label)
                .bind(&filter.category)
                .bind(&filter.name)
                .bind(disabled)
                .bind(&filter.in_ranges)
                .bind(i64::try_from(limit).unwrap_or(i64::MAX))
                .bind(i64::try_from(offset).unwrap_or(i64::MAX))
                .fetch_all(&mut *connection)
                .await?;
            let rows = rows.iter().map(sample).collect::<Result<Vec<_>, _>>()?;
            Ok((rows, total as u64))
        })
    }

    /// One sample by its whole id.
    ///
    /// # Errors
    /// [`StoreError::Database`].
    pub fn get_sample(&self, id: &str) -> Result<Option<SampleRow>, StoreError> {
        let mut guard = self.inner();
        let inner = &mut *guard;
        let query =
            sqlx::query("SELECT * FROM samples WHERE id = $1").bind(id).fetch_optional(&mut inner.connection);
        inner.runtime.block_on(query)?.as_ref().map(sample).transpose()
    }

    /// Whether a sample is made of these bytes, whatever its name.
    ///
    /// # Errors
    /// [`StoreError::Database`].
    pub fn has_bytes(&self, blob: &Hash) -> Result<bool, StoreError> {
        let mut guard = self.inner();
        let inner = &mut *guard;
        let query = sqlx::query("SELECT 1 FROM samples WHERE blob = $1 LIMIT 1")
            .bind(blob.to_string())
            .fetch_optional(&mut inner.connection);
        Ok(inner.runtime.block_on(query)?.is_some())
    }

    /// How many samples without labels of parts or boxes there are of each label and category.
    ///
    /// # Errors
    /// [`StoreError::Database`].
    pub fn count_labels(&self) -> Result<Vec<LabelCount>, StoreError> {
        let mut guard = self.inner();
        let inner = &mut *guard;
        let query = sqlx::query(
            "SELECT label, category, SUM(1 - disabled) AS n, SUM(disabled) AS off FROM samples
             WHERE ranges_json IS NULL AND (boxes_json IS NULL OR label IS NOT NULL) GROUP BY label, category ORDER BY label, category",
        )
        .fetch_all(&mut inner.connection);
        inner
            .runtime
            .block_on(query)?
            .iter()
            .map(|row| {
                Ok(LabelCount {
                    label: row.try_get("label")?,
                    category: row.try_get("category")?,
                    samples: row.try_get::<i64, _>("n")?.max(0) as u64,
                    disabled: row.try_get::<i64, _>("off")?.max(0) as u64,
                })
            })
            .collect()
    }

    /// Boxes of all samples that have them, with category and whether the sample is disabled.
    ///
    /// # Errors
    /// [`StoreError::Database`].
    pub fn all_boxes(&self) -> Result<Vec<(String, String, bool)>, StoreError> {
        self.all_texts(
            "SELECT boxes_json AS text, category, disabled FROM samples WHERE boxes_json IS NOT NULL ORDER BY id",
        )
    }

    /// Labels of parts of all samples that have them, with category and whether the sample is disabled.
    ///
    /// # Errors
    /// [`StoreError::Database`].
    pub fn all_ranges(&self) -> Result<Vec<(String, String, bool)>, StoreError> {
        self.all_texts(
            "SELECT ranges_json AS text, category, disabled FROM samples WHERE ranges_json IS NOT NULL ORDER BY id",
        )
    }

    fn all_texts(&self, query: &'static str) -> Result<Vec<(String, String, bool)>, StoreError> {
        let mut guard = self.inner();
        let inner = &mut *guard;
        let query = sqlx::query(query).fetch_all(&mut inner.connection);
        inner
            .runtime
            .block_on(query)?
            .iter()
            .map(|row| {
                let disabled: i64 = row.try_get("disabled")?;
                Ok((row.try_get("text")?, row.try_get("category")?, disabled != 0))
            })
            .collect()
    }
}

impl Store {
    /// Whether a stage was ever built, under whatever key.
    ///
    /// # Errors
    /// [`StoreError::Database`].
    pub fn has_stage(&self, name: &str) -> Result<bool, StoreError> {
        let mut guard = self.inner();
        let inner = &mut *guard;
        let query = sqlx::query("SELECT 1 FROM stages WHERE name = $1 LIMIT 1")
            .bind(name)
            .fetch_optional(&mut inner.connection);
        Ok(inner.runtime.block_on(query)?.is_some())
    }
}
