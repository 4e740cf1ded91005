//! The tables, as steps that only ever go forward. The text is plain enough for Postgres as well.

use crate::StoreError;
use sqlx::{Connection, Row, SqliteConnection};

/// Tables of a project. One entry a version; never edited once released, only added to.
pub(crate) const STEPS: &[&[&str]] = &[
    &[
        "CREATE TABLE samples (
        id TEXT PRIMARY KEY, name TEXT NOT NULL, label TEXT, category TEXT NOT NULL, group_key TEXT,
        blob TEXT NOT NULL, index_in_file BIGINT NOT NULL, format TEXT NOT NULL, source TEXT NOT NULL,
        metadata_json TEXT NOT NULL, disabled BIGINT NOT NULL, UNIQUE (source, name, blob, index_in_file))",
        "CREATE TABLE quarantine (
        source TEXT NOT NULL, name TEXT NOT NULL, blob TEXT, kind TEXT NOT NULL, reason TEXT NOT NULL,
        PRIMARY KEY (source, name))",
        "CREATE TABLE derived (key TEXT PRIMARY KEY, output TEXT NOT NULL)",
        "CREATE TABLE stages (
        name TEXT NOT NULL, key TEXT NOT NULL, output TEXT NOT NULL, seconds DOUBLE PRECISION NOT NULL,
        notes_json TEXT NOT NULL, PRIMARY KEY (name, key))",
    ],
    &[
        // 1 when a person set label, category or disabled: importing the file again leaves them alone then.
        "ALTER TABLE samples ADD COLUMN edited BIGINT NOT NULL DEFAULT 0",
        "CREATE INDEX samples_by_name ON samples (name, id)",
        "CREATE INDEX samples_by_label ON samples (label, name, id)",
    ],
    // Whether these bytes are here already, for senders that ask.
    &["CREATE INDEX samples_by_blob ON samples (blob)"],
    // Labels of parts of a recording; such a sample has no label of its own.
    &["ALTER TABLE samples ADD COLUMN ranges_json TEXT"],
    // Boxes around the objects of a picture; an empty list where somebody looked and there are none.
    &["ALTER TABLE samples ADD COLUMN boxes_json TEXT"],
    // States of the project file that were trained.
    &["CREATE TABLE versions (
        id TEXT PRIMARY KEY, created BIGINT NOT NULL, last_run BIGINT NOT NULL, stages BIGINT NOT NULL, file TEXT NOT NULL,
        outcome_json TEXT NOT NULL)"],
    // How often a sample came, went or changed: whoever knows what a count came to need not look at all samples again.
    &[
        "CREATE TABLE changes (counted TEXT PRIMARY KEY, times BIGINT NOT NULL)",
        "INSERT INTO changes (counted, times) VALUES ('samples', 0)",
        "CREATE TRIGGER samples_come AFTER INSERT ON samples
            BEGIN UPDATE changes SET times = times + 1 WHERE counted = 'samples'; END",
        "CREATE TRIGGER samples_go AFTER DELETE ON samples
            BEGIN UPDATE changes SET times = times + 1 WHERE counted = 'samples'; END",
        "CREATE TRIGGER samples_change AFTER UPDATE ON samples
            WHEN OLD.id IS NOT NEW.id OR OLD.name IS NOT NEW.name OR OLD.label IS NOT NEW.label
                OR OLD.category IS NOT NEW.category OR OLD.group_key IS NOT NEW.group_key OR OLD.blob IS NOT NEW.blob
                OR OLD.index_in_file IS NOT NEW.index_in_file OR OLD.format IS NOT NEW.format OR OLD.source IS NOT NEW.source
                OR OLD.metadata_json IS NOT NEW.metadata_json OR OLD.disabled IS NOT NEW.disabled
                OR OLD.ranges_json IS NOT NEW.ranges_json OR OLD.boxes_json IS NOT NEW.boxes_json
            BEGIN UPDATE changes SET times = times + 1 WHERE counted = 'samples'; END",
    ],
    // What a person set among the facts of a sample, laid over those that come with its file; and who changed what when. Facts are for people:
    // no stage reads them, so they are none of the changes that are counted.
    &[
        "ALTER TABLE samples ADD COLUMN facts_json TEXT",
        "CREATE TABLE edits (
            seq INTEGER PRIMARY KEY AUTOINCREMENT, sample TEXT NOT NULL, at BIGINT NOT NULL, who TEXT NOT NULL, field TEXT NOT NULL,
            before TEXT, after TEXT)",
        "CREATE INDEX edits_by_sample ON edits (sample, seq)",
        "CREATE TRIGGER samples_forget AFTER DELETE ON samples BEGIN DELETE FROM edits WHERE sample = OLD.id; END",
    ],
];

/// Tables of a server. The same rule.
pub(crate) const LEDGER: &[&[&str]] = &[
    &[
    "CREATE TABLE settings (name TEXT PRIMARY KEY, value TEXT NOT NULL)",
    "CREATE TABLE users (id TEXT PRIMARY KEY, name TEXT NOT NULL UNIQUE, password TEXT, created BIGINT NOT NULL)",
    "CREATE TABLE tokens (
        digest TEXT PRIMARY KEY, user_id TEXT NOT NULL REFERENCES users (id), expires BIGINT NOT NULL)",
    "CREATE TABLE sessions (
        digest TEXT PRIMARY KEY, user_id TEXT NOT NULL REFERENCES users (id), created BIGINT NOT NULL,
        last_used BIGINT NOT NULL)",
    "CREATE TABLE keys (
        id TEXT PRIMARY KEY, digest TEXT NOT NULL UNIQUE, name TEXT NOT NULL, scope TEXT NOT NULL,
        created BIGINT NOT NULL, expires BIGINT, last_used BIGINT)",
    "CREATE TABLE jobs (
        id TEXT PRIMARY KEY, project TEXT NOT NULL, request_json TEXT NOT NULL, state TEXT NOT NULL,
        attempt BIGINT NOT NULL, max_attempts BIGINT NOT NULL, created BIGINT NOT NULL, started BIGINT, finished BIGINT,
        run_at BIGINT NOT NULL, lease_owner TEXT, lease_until BIGINT NOT NULL, cancel_requested BIGINT NOT NULL,
        progress_json TEXT, result_json TEXT, error_json TEXT, idempotency_key TEXT,
        UNIQUE (project, idempotency_key))",
    "CREATE INDEX jobs_waiting ON jobs (state, run_at, id)",
    "CREATE TABLE job_log (
        job TEXT NOT NULL REFERENCES jobs (id), seq BIGINT NOT NULL, at BIGINT NOT NULL, line_json TEXT NOT NULL,
        PRIMARY KEY (job, seq))",
    ],
    // Devices that were once connected.
    &["CREATE TABLE devices (
        project TEXT NOT NULL, id TEXT NOT NULL, name TEXT NOT NULL, kind TEXT NOT NULL, sensors_json TEXT NOT NULL,
        created BIGINT NOT NULL, last_seen BIGINT NOT NULL, PRIMARY KEY (project, id))"],
    // Several accounts; who was there before is the owner.
    &[
        "ALTER TABLE users ADD COLUMN role TEXT NOT NULL DEFAULT 'owner'",
        "ALTER TABLE sessions ADD COLUMN agent TEXT NOT NULL DEFAULT ''",
    ],
    // Who is told when a job ends, and what is to be sent: written by the change of the job itself.
    &[
        "CREATE TABLE hooks (
            id TEXT PRIMARY KEY, project TEXT NOT NULL, url TEXT NOT NULL, secret TEXT NOT NULL, events TEXT NOT NULL,
            created BIGINT NOT NULL)",
        "CREATE TABLE deliveries (
            id INTEGER PRIMARY KEY AUTOINCREMENT, hook TEXT NOT NULL, job TEXT NOT NULL, event TEXT NOT NULL, body TEXT NOT NULL,
            created BIGINT NOT NULL, attempt BIGINT NOT NULL, due BIGINT NOT NULL, state TEXT NOT NULL, answer TEXT)",
        "CREATE INDEX deliveries_waiting ON deliveries (state, due, id)",
        "CREATE INDEX deliveries_of ON deliveries (hook, id)",
        "CREATE TRIGGER job_ended AFTER UPDATE OF state ON jobs
         WHEN NEW.state IN ('done', 'failed', 'cancelled') AND OLD.state NOT IN ('done', 'failed', 'cancelled')
         BEGIN
            INSERT INTO deliveries (hook, job, event, body, created, attempt, due, state)
            SELECT id, NEW.id, NEW.state,
                json_object('event', 'job.' || NEW.state, 'project', NEW.project, 'job', NEW.id,
                    'kind', CASE WHEN json_valid(NEW.request_json) THEN json_extract(NEW.request_json, '$.kind') END,
                    'created', NEW.created, 'started', NEW.started, 'finished', NEW.finished,
                    'error', CASE WHEN json_valid(NEW.error_json) THEN json(NEW.error_json) END),
                COALESCE(NEW.finished, NEW.created), 0, COALESCE(NEW.finished, NEW.created), 'waiting'
            FROM hooks WHERE project = NEW.project AND instr(events, ',' || NEW.state || ',') > 0;
         END",
    ],
];

/// Brings the tables to the newest version, in one transaction that no other process can come between.
pub(crate) async fn migrate(
    connection: &mut SqliteConnection,
    steps: &[&[&'static str]],
) -> Result<(), StoreError> {
    // Most openings find the newest tables, and need not wait for whoever is writing.
    let there =
        sqlx::query("SELECT MAX(version) AS version FROM schema_version").fetch_one(&mut *connection).await;
    if there
        .is_ok_and(|row| row.try_get::<Option<i64>, _>("version").ok().flatten() == Some(steps.len() as i64))
    {
        return Ok(());
    }
    let mut transaction = connection.begin_with("BEGIN IMMEDIATE").await?;
    sqlx::query("CREATE TABLE IF NOT EXISTS schema_version (version BIGINT NOT NULL)")
        .execute(&mut *transaction)
        .await?;
    let row = sqlx::query("SELECT COALESCE(MAX(version), 0) AS version FROM schema_version")
        .fetch_one(&mut *transaction)
        .await?;
    let found: i64 = row.try_get("version")?;
    let known = steps.len() as i64;
    if found > known {
        return Err(StoreError::Newer { found, known });
    }
    for (i, step) in steps.iter().enumerate().skip(found as usize) {
        for statement in *step {
            sqlx::query(*statement).execute(&mut *transaction).await?;
        }
        sqlx::query("INSERT INTO schema_version (version) VALUES ($1)")
            .bind(i as i64 + 1)
            .execute(&mut *transaction)
            .await?;
    }
    transaction.commit().await?;
    Ok(())
}
