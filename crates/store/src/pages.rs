//! Samples by the page, counted, and edited by people.

use crate::{SampleRow, Store, StoreError, rows::sample};
use sqlx::{Connection, Row};

/// Which samples. What is `None` lets all through.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SampleFilter {
    /// Exactly this label; the empty text: without a label.
    pub label: Option<String>,
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
    /// The new label; the empty text takes the label away.
    pub label: Option<String>,
    /// The new category.
    pub category: Option<String>,
    /// Whether to leave them out of everything.
    pub disabled: Option<bool>,
}

/// `$1` to `$4` are the fields of the filter.
macro_rules! filtered {
    ($head:literal, $tail:literal) => {
        concat!(
            $head,
            " FROM samples WHERE ($1 IS NULL OR label = $1 OR ($1 = '' AND label IS NULL))
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
                .fetch_one(&mut *connection)
                .await?
                .try_get("n")?;
            let rows = sqlx::query(filtered!("SELECT *", "ORDER BY name, id LIMIT $5 OFFSET $6"))
                .bind(&filter.label)
                .bind(&filter.category)
                .bind(&filter.name)
                .bind(disabled)
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

    /// How many samples there are of each label and category.
    ///
    /// # Errors
    /// [`StoreError::Database`].
    pub fn count_labels(&self) -> Result<Vec<LabelCount>, StoreError> {
        let mut guard = self.inner();
        let inner = &mut *guard;
        let query = sqlx::query(
            "SELECT label, category, SUM(1 - disabled) AS n, SUM(disabled) AS off FROM samples
             GROUP BY label, category ORDER BY label, category",
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

    /// Changes samples as a person wants it, all or none. Returns how many were found.
    ///
    /// # Errors
    /// [`StoreError::Database`]; then none is changed.
    pub fn edit_samples(&self, ids: &[String], edit: &Edit) -> Result<u64, StoreError> {
        let mut guard = self.inner();
        let inner = &mut *guard;
        let connection = &mut inner.connection;
        inner.runtime.block_on(async {
            let mut transaction = connection.begin_with("BEGIN IMMEDIATE").await?;
            let mut found = 0;
            for id in ids {
                let done = sqlx::query(
                    "UPDATE samples SET edited = 1,
                        label = CASE WHEN $1 IS NULL THEN label WHEN $1 = '' THEN NULL ELSE $1 END,
                        category = COALESCE($2, category), disabled = COALESCE($3, disabled)
                     WHERE id = $4",
                )
                .bind(&edit.label)
                .bind(&edit.category)
                .bind(edit.disabled.map(i64::from))
                .bind(id)
                .execute(&mut *transaction)
                .await?;
                found += done.rows_affected();
            }
            transaction.commit().await?;
            Ok(found)
        })
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
