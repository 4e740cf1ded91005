//! What is written is there: after reopening, after another import, after a kill.

use edgewright_store::{Hash, NewSample, QuarantineRow, Store, StoreError};
use std::io::Write;

fn sample(name: &str, blob: Hash) -> NewSample {
    NewSample {
        name: name.into(),
        label: Some("yes".into()),
        ranges_json: None,
        boxes_json: None,
        category: "split".into(),
        group: None,
        blob,
        index_in_file: 0,
        format: "wav".into(),
        source: "import".into(),
        metadata_json: "{}".into(),
        disabled: false,
        keep_label: false,
        keep_category: false,
    }
}

#[test]
fn rows_and_objects_survive_reopening() {
    let dir = tempfile::tempdir().expect("temp dir");
    let id;
    let blob;
    {
        let store = Store::open(dir.path()).expect("opens");
        blob = store.put_blob(b"hello").expect("stored");
        id = store.add_samples(&[sample("a.wav", blob)]).expect("added")[0].id.clone();
        store.put_derived(&Hash::of(b"key"), &blob).expect("derived");
    }
    let store = Store::open(dir.path()).expect("opens again");
    let rows = store.list_samples().expect("listed");
    assert_eq!((rows.len(), rows[0].id.as_str(), rows[0].blob), (1, id.as_str(), blob));
    assert_eq!(store.get_blob(&blob).expect("read"), b"hello");
    assert_eq!(store.get_derived(&Hash::of(b"key")).expect("read"), Some(blob));
}

#[test]
fn adding_twice_changes_only_what_is_new() {
    let dir = tempfile::tempdir().expect("temp dir");
    let store = Store::open(dir.path()).expect("opens");
    let blob = store.put_blob(b"x").expect("stored");
    let first = store.add_samples(&[sample("a.wav", blob)]).expect("added");
    let mut other = sample("a.wav", blob);
    other.label = Some("no".into());
    let second = store.add_samples(&[other]).expect("added");
    assert!(first[0].new && !second[0].new);
    assert_eq!(first[0].id, second[0].id);
    let rows = store.list_samples().expect("listed");
    assert_eq!((rows.len(), rows[0].label.as_deref()), (1, Some("no")));
}

#[test]
fn whoever_knows_the_count_of_changes_knows_that_nothing_changed() {
    let dir = tempfile::tempdir().expect("temp dir");
    let store = Store::open(dir.path()).expect("opens");
    let blob = store.put_blob(b"x").expect("stored");
    let mut before = store.sample_changes().expect("counted");
    let mut grown = |what: &str| {
        let now = store.sample_changes().expect("counted");
        assert!(now > before, "{what}");
        before = now;
    };
    type Change = fn(&mut NewSample);
    let changes: [(&str, Change); 7] = [
        ("it came", |_| {}),
        ("label", |s| s.label = None),
        ("category", |s| s.category = "testing".into()),
        ("group", |s| s.group = Some("anna".into())),
        ("metadata", |s| s.metadata_json = "{\"rate_hz\":5}".into()),
        ("ranges", |s| s.ranges_json = Some("[]".into())),
        ("boxes", |s| s.boxes_json = Some("[]".into())),
    ];
    let mut one = sample("a.wav", blob);
    let mut id = String::new();
    for (what, change) in changes {
        change(&mut one);
        id.clone_from(&store.add_samples(std::slice::from_ref(&one)).expect("added")[0].id);
        grown(what);
    }
    let same = store.sample_changes().expect("counted");
    store.add_samples(&[one]).expect("added");
    store.list_samples().expect("listed");
    assert_eq!(store.sample_changes().expect("counted"), same, "the same again");
    store.delete_samples(&[id]).expect("deleted");
    grown("it went");
}

#[test]
fn a_damaged_object_is_not_returned() {
    let dir = tempfile::tempdir().expect("temp dir");
    let store = Store::open(dir.path()).expect("opens");
    let blob = store.put_blob(b"precious").expect("stored");
    std::fs::write(store.blob_path(&blob), b"garbage!").expect("overwritten");
    assert!(matches!(store.get_blob(&blob), Err(StoreError::Damaged { .. })));
    assert!(matches!(store.get_blob(&Hash::of(b"never")), Err(StoreError::Missing { .. })));
}

#[test]
fn an_unfinished_object_leaves_nothing() {
    let dir = tempfile::tempdir().expect("temp dir");
    let store = Store::open(dir.path()).expect("opens");
    let mut writer = store.blob_writer().expect("begun");
    writer.write_all(&[7; 100_000]).expect("written");
    drop(writer);
    drop(store);
    std::fs::write(dir.path().join("objects/.part-old"), b"killed").expect("left over");
    let store = Store::open(dir.path()).expect("opens");
    assert_eq!(store.dir().join("objects").read_dir().expect("listed").count(), 0);
}

#[test]
fn a_store_of_a_newer_program_is_refused() {
    let dir = tempfile::tempdir().expect("temp dir");
    drop(Store::open(dir.path()).expect("opens"));
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().expect("runtime");
    runtime.block_on(async {
        use sqlx::Connection;
        let options = sqlx::sqlite::SqliteConnectOptions::new().filename(dir.path().join("meta.sqlite"));
        let mut connection = sqlx::SqliteConnection::connect_with(&options).await.expect("connected");
        sqlx::query("INSERT INTO schema_version (version) VALUES (999)")
            .execute(&mut connection)
            .await
            .expect("set");
        connection.close().await.expect("closed");
    });
    assert!(matches!(Store::open(dir.path()), Err(StoreError::Newer { found: 999, .. })));
}

#[test]
fn quarantine_keeps_one_note_a_file() {
    let dir = tempfile::tempdir().expect("temp dir");
    let store = Store::open(dir.path()).expect("opens");
    let mut row = QuarantineRow {
        name: "bad.wav".into(),
        source: "import".into(),
        blob: None,
        kind: "truncated".into(),
        reason: "first".into(),
    };
    store.add_quarantine(&row).expect("noted");
    row.reason = "second".into();
    store.add_quarantine(&row).expect("noted");
    assert_eq!(store.list_quarantine().expect("listed"), [row.clone()]);
    store.forget_quarantine(&[("data:0".into(), row.name.clone())]).expect("nothing to forget");
    assert_eq!(store.list_quarantine().expect("listed").len(), 1);
    store.forget_quarantine(&[("import".into(), row.name.clone())]).expect("forgotten");
    assert!(store.list_quarantine().expect("listed").is_empty());
    store.add_quarantine(&row).expect("noted");
    store.retain_quarantine("import", &[]).expect("cleared");
    assert!(store.list_quarantine().expect("listed").is_empty());
}

#[test]
fn several_objects_are_stored_side_by_side_and_told_in_order() {
    let dir = tempfile::tempdir().expect("temp dir");
    let store = Store::open(dir.path()).expect("opens");
    // Some are alike, so that two writers may bring the same object.
    let all: Vec<Vec<u8>> = (0..100u8).map(|i| vec![i % 40; usize::from(i % 40) * 100]).collect();
    let given: Vec<&[u8]> = all.iter().map(Vec::as_slice).collect();
    let hashes = store.put_blobs(&given).expect("stored");
    assert_eq!(hashes, given.iter().map(|b| Hash::of(b)).collect::<Vec<_>>());
    for (hash, bytes) in hashes.iter().zip(&all) {
        assert_eq!(&store.get_blob(hash).expect("read"), bytes);
    }
    assert!(store.put_blobs(&[]).expect("nothing to store").is_empty());
}
