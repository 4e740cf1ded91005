//! The queue: leases, fencing, attempts.

use edgewright_store::{Ledger, NewJob};

fn ledger() -> (tempfile::TempDir, Ledger) {
    let dir = tempfile::tempdir().expect("a folder");
    let ledger = Ledger::open(dir.path()).expect("opens");
    (dir, ledger)
}

fn job(id: &str, key: Option<&str>) -> NewJob {
    NewJob {
        id: id.into(),
        project: "p".into(),
        request_json: "{}".into(),
        max_attempts: 2,
        idempotency_key: key.map(str::to_owned),
    }
}

#[test]
fn a_worker_that_lost_its_lease_writes_nothing_more() {
    let (_dir, ledger) = ledger();
    ledger.add_job(&job("1", None), 0).expect("added");
    let first = ledger.claim_job("a", 10, 100).expect("asked").expect("a job");
    assert!(ledger.claim_job("b", 50, 100).expect("asked").is_none(), "the lease holds");
    let second = ledger.claim_job("b", 111, 100).expect("asked").expect("the lease has run out");
    assert_eq!(second.job.attempt, 2);
    assert_eq!(ledger.report_job(&first, 112, 100, Some("{}"), &["\"late\"".into()]).expect("asked"), None);
    assert!(!ledger.finish_job(&first, "done", 112, Some("{}"), None).expect("asked"));
    assert!(ledger.job_log("1", 0, 10).expect("asked").is_empty());
    assert_eq!(ledger.report_job(&second, 113, 100, None, &["\"on\"".into()]).expect("asked"), Some(false));
    assert!(ledger.finish_job(&second, "done", 114, None, None).expect("asked"));
    assert_eq!(ledger.job("1").expect("asked").expect("there").state, "done");
}

#[test]
fn a_job_whose_workers_die_each_time_fails_in_the_end() {
    let (_dir, ledger) = ledger();
    ledger.add_job(&job("1", None), 0).expect("added");
    for now in [0, 1000] {
        assert!(ledger.claim_job("a", now, 100).expect("asked").is_some());
    }
    assert!(ledger.claim_job("a", 2000, 100).expect("asked").is_none());
    let row = ledger.job("1").expect("asked").expect("there");
    assert_eq!(row.state, "failed");
    assert!(row.error_json.is_some_and(|e| e.contains("worker_lost")));
    assert!(ledger.retry_job("1", 3000).expect("asked"));
    assert_eq!(ledger.claim_job("a", 3000, 100).expect("asked").expect("again").job.attempt, 1);
}

#[test]
fn the_same_key_is_the_same_job_and_waiting_jobs_are_cancelled_at_once() {
    let (_dir, ledger) = ledger();
    let (first, new) = ledger.add_job(&job("1", Some("k")), 0).expect("added");
    assert!(new);
    let (again, new) = ledger.add_job(&job("2", Some("k")), 5).expect("added");
    assert!(!new);
    assert_eq!(first, again);
    ledger.add_job(&job("3", None), 6).expect("added");
    assert_eq!(ledger.cancel_job("3", 7).expect("asked").expect("there").state, "cancelled");
    let claim = ledger.claim_job("a", 8, 100).expect("asked").expect("a job");
    assert_eq!(claim.job.id, "1");
    assert_eq!(ledger.cancel_job("1", 9).expect("asked").expect("there").state, "running");
    assert_eq!(ledger.report_job(&claim, 10, 100, None, &[]).expect("asked"), Some(true), "it is told");
}

#[test]
fn a_server_that_starts_again_takes_back_what_its_workers_had() {
    let (_dir, ledger) = ledger();
    ledger.add_job(&job("1", None), 0).expect("added");
    ledger.add_job(&job("2", None), 0).expect("added");
    ledger.claim_job("serve:7", 0, 1000).expect("asked").expect("a job");
    ledger.claim_job("worker:8", 0, 1000).expect("asked").expect("a job");
    assert_eq!(ledger.release_leases("serve:").expect("asked"), 1);
    assert_eq!(ledger.claim_job("serve:9", 1, 1000).expect("asked").expect("a job").job.id, "1");
    assert!(ledger.claim_job("serve:9", 1, 1000).expect("asked").is_none(), "another process still works");
}

#[test]
fn a_clock_that_was_set_back_leaves_no_job_waiting() {
    let (_dir, ledger) = ledger();
    ledger.add_job(&job("1", None), 1_000_000).expect("added");
    let claim =
        ledger.claim_job("a", 10, 100).expect("asked").expect("not only when the clock is there again");
    ledger.postpone_job(&claim, 60).expect("put off");
    assert!(ledger.claim_job("a", 50, 100).expect("asked").is_none(), "what is put off waits");
    assert!(ledger.claim_job("a", 60, 100).expect("asked").is_some());
}

#[test]
fn jobs_of_one_millisecond_are_taken_in_the_order_in_which_they_were_added() {
    let (_dir, ledger) = ledger();
    for id in ["3", "1", "2"] {
        ledger.add_job(&job(id, None), 7).expect("added");
    }
    let listed: Vec<String> = ledger.list_jobs(None, 10).expect("listed").into_iter().map(|j| j.id).collect();
    assert_eq!(listed, ["2", "1", "3"], "the newest first");
    for expected in ["3", "1", "2"] {
        assert_eq!(ledger.claim_job("a", 8, 100).expect("asked").expect("a job").job.id, expected);
    }
}
