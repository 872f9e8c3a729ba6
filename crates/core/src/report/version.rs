//! The identity of a version: what its manifest says and what exactly the files are that it lists.

use sha2::{Digest, Sha256};

use crate::model::VersionIdentity;

use super::DeliveredFile;

/// SHA-256 of a manifest's bytes and of the sorted (key, ETag, size) of every file it lists.
///
/// Every part is preceded by its length, so that no two versions write the same bytes.
pub fn identity(manifest: &[u8], files: &[DeliveredFile]) -> VersionIdentity {
    let mut sorted: Vec<&DeliveredFile> = files.iter().collect();
    sorted.sort_by(|a, b| (&a.key, &a.etag, a.size).cmp(&(&b.key, &b.etag, b.size)));
    let mut hash = Sha256::new();
    let mut part = |bytes: &[u8]| {
        hash.update((bytes.len() as u64).to_be_bytes());
        hash.update(bytes);
    };
    part(manifest);
    for file in sorted {
        part(file.key.as_bytes());
        part(file.etag.as_bytes());
        part(&file.size.to_be_bytes());
    }
    VersionIdentity(hex::encode(hash.finalize()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(key: &str, etag: &str, size: u64) -> DeliveredFile {
        DeliveredFile { key: key.to_owned(), etag: etag.to_owned(), size }
    }

    #[test]
    fn order_of_listing_does_not_count_and_everything_else_does() {
        let files = [file("a", "1", 10), file("b", "2", 20)];
        let same = [file("b", "2", 20), file("a", "1", 10)];
        let version = identity(b"m", &files);
        assert_eq!(version, identity(b"m", &same));
        assert_eq!(version.0.len(), 64);
        for (manifest, files) in [
            (&b"n"[..], vec![file("a", "1", 10), file("b", "2", 20)]),
            (b"m", vec![file("a", "1", 11), file("b", "2", 20)]),
            (b"m", vec![file("a", "3", 10), file("b", "2", 20)]),
            (b"m", vec![file("c", "1", 10), file("b", "2", 20)]),
            (b"m", vec![file("a", "1", 10)]),
            (b"m", vec![file("a1", "", 10), file("b", "2", 20)]),
        ] {
            assert_ne!(version, identity(manifest, &files), "{files:?}");
        }
    }
}
