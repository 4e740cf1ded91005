//! One transaction that writes, however it ends.

use crate::StoreError;
use sqlx::SqliteConnection;

/// Runs `work` in a transaction that no other writer can come between: all of it is kept, or nothing when it fails.
///
/// SQLite ends a transaction by itself when the disk is full or cannot be written. The transactions of sqlx then count one that is no
/// longer there and refuse every later one on the connection, so the statements are sent here and a rollback of nothing is no error.
///
/// # Errors
/// Those of `work`; [`StoreError::Database`] when the transaction cannot begin or be kept.
pub(crate) async fn alone<T>(
    connection: &mut SqliteConnection,
    work: impl AsyncFnOnce(&mut SqliteConnection) -> Result<T, StoreError>,
) -> Result<T, StoreError> {
    let outcome = match sqlx::query("BEGIN IMMEDIATE").execute(&mut *connection).await {
        Ok(_) => work(&mut *connection).await,
        Err(e) => Err(e.into()),
    };
    let outcome = match outcome {
        Ok(value) => match sqlx::query("COMMIT").execute(&mut *connection).await {
            Ok(_) => return Ok(value),
            Err(e) => Err(e.into()),
        },
        Err(e) => Err(e),
    };
    // It fails where SQLite was first. After it there is no transaction: also not one that a panic had left.
    let _ = sqlx::query("ROLLBACK").execute(&mut *connection).await;
    outcome
}

#[cfg(test)]
mod tests {
    use crate::{Ledger, NewJob, Store};

    fn pages(ledger: &Ledger, most: &'static str) {
        let mut guard = ledger.inner();
        let inner = &mut *guard;
        let query = sqlx::query(most).fetch_all(&mut inner.connection);
        inner.runtime.block_on(query).expect("set");
    }

    fn job(id: &str) -> NewJob {
        NewJob {
            id: id.into(),
            project: "p".into(),
            request_json: "{}".into(),
            max_attempts: 2,
            idempotency_key: None,
        }
    }

    #[test]
    fn jobs_are_taken_again_once_a_full_disk_has_room() {
        let dir = tempfile::tempdir().expect("a folder");
        let ledger = Ledger::open(dir.path()).expect("opens");
        ledger.add_job(&job("1"), 0).expect("added");
        let claim = ledger.claim_job("a", 1, 100).expect("asked").expect("a job");
        // SQLite behaves as on a full disk when it may use no more pages than it has.
        pages(&ledger, "PRAGMA max_page_count = 1");
        let line = "x".repeat(100_000);
        let refused = ledger.report_job(&claim, 2, 100, None, &[line]).expect_err("there is no room");
        assert!(refused.to_string().contains("full"), "{refused}");
        pages(&ledger, "PRAGMA max_page_count = 1000000");
        ledger.add_job(&job("2"), 3).expect("added");
        let next = ledger.claim_job("b", 4, 100).expect("asked").expect("the queue goes on");
        assert_eq!(next.job.id, "2");
        assert_eq!(ledger.report_job(&claim, 5, 100, None, &["{}".into()]).expect("asked"), Some(false));
        assert_eq!(
            ledger.job_log("1", 0, 10).expect("asked").len(),
            1,
            "of the refused report nothing is there"
        );
    }

    #[test]
    fn a_transaction_that_a_panic_left_is_gone_after_the_next_one() {
        let dir = tempfile::tempdir().expect("a folder");
        let store = Store::open(dir.path()).expect("opens");
        {
            let mut guard = store.inner();
            let inner = &mut *guard;
            let query = sqlx::query("BEGIN IMMEDIATE").execute(&mut inner.connection);
            inner.runtime.block_on(query).expect("begun");
        }
        assert!(store.delete_samples(&["x".into()]).is_err());
        store.delete_samples(&["x".into()]).expect("there is none any more");
    }
}
