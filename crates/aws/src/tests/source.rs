//! A Job's source against the sandbox: the mounted session narrowed to one report, and files that change under the read.

use std::io::Read;

use awscost_sandbox::Sandbox;
use secrecy::ExposeSecret;
use tempfile::TempDir;

use super::sandbox::{demo, narrowed, operator, sdk};
use crate::{
    BucketAccess, S3Source, SessionDirectory,
    model::Reason,
    report::{BillSource, DeliveredFile, ReportStore, SourceFault, StoreFault},
};

const ROOT: &str = "cur/acme-cur/";

/// The source as a Job has it, and the folder its session is mounted at.
async fn source(sandbox: &Sandbox, owner: &str) -> (S3Source, TempDir) {
    let session = narrowed(&operator(sandbox)).await;
    let mount = tempfile::tempdir().expect("a folder");
    std::fs::write(mount.path().join("session.json"), session.to_file().expose_secret()).expect("written");
    let access = BucketAccess {
        bucket: "acme-billing".parse().expect("a bucket"),
        region: "us-east-1".parse().ok(),
        owner: owner.parse().ok(),
        session: Some(SessionDirectory::new(mount.path())),
    };
    (S3Source::new(&sdk(sandbox), access), mount)
}

async fn reason(source: &S3Source, key: &str) -> Option<Reason> {
    match source.get(key, 100).await {
        Err(StoreFault::Refused { reason, .. }) => Some(reason),
        _ => None,
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_missing_object_is_none_and_a_forbidden_one_is_refused() {
    let sandbox = demo();
    sandbox.put_object("acme-billing", &format!("{ROOT}manifest.json"), "{}");
    sandbox.put_object("acme-billing", "cur/another/manifest.json", "{}");
    let (source, _mount) = source(&sandbox, "123456789012").await;
    let found = source.get(&format!("{ROOT}manifest.json"), 100).await.expect("readable").expect("there");
    assert_eq!(found.bytes.as_ref(), b"{}");
    // A key that only begins like the one that is there.
    for key in ["none.json", "manifest", "manifest.json.bak"] {
        assert_eq!(source.get(&format!("{ROOT}{key}"), 100).await, Ok(None), "{key}");
    }
    assert_eq!(reason(&source, "cur/another/manifest.json").await, Some(Reason::ObjectReadDenied));
    assert_eq!(source.list(ROOT).await.expect("listable").objects.len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bucket_of_another_owner_is_never_read() {
    let sandbox = demo();
    sandbox.put_object("acme-billing", &format!("{ROOT}manifest.json"), "{}");
    let (source, _mount) = source(&sandbox, "210987654321").await;
    assert_eq!(reason(&source, &format!("{ROOT}manifest.json")).await, Some(Reason::ObjectReadDenied));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_was_replaced_or_removed_is_changed_not_denied() {
    let sandbox = demo();
    let key = format!("{ROOT}data/part-1");
    sandbox.put_object("acme-billing", &key, "first");
    let (source, _mount) = source(&sandbox, "123456789012").await;
    let listed = source.list(&format!("{ROOT}data/")).await.expect("listable").objects.remove(0);
    let listed = DeliveredFile { key: listed.key, etag: listed.etag, size: listed.size };
    let read = |file: DeliveredFile| {
        let file = source.file(&file);
        async move {
            let reading = move || {
                let mut text = String::new();
                let whole = file.open().map(|mut reader| reader.read_to_string(&mut text)).map(|_| text);
                (whole, file.read_range(0..2))
            };
            tokio::task::spawn_blocking(reading).await.expect("no panic")
        }
    };
    let (whole, range) = read(listed.clone()).await;
    assert_eq!(
        (whole.expect("readable"), range.expect("readable").as_ref()),
        ("first".to_owned(), b"fi".as_ref())
    );

    sandbox.put_object("acme-billing", &key, "other");
    let (_, range) = read(listed.clone()).await;
    assert!(matches!(range, Err(SourceFault::Changed { .. })), "{range:?}");
    sandbox.delete_object("acme-billing", &key);
    let (_, range) = read(listed).await;
    assert!(matches!(range, Err(SourceFault::Changed { .. })), "{range:?}");
}
