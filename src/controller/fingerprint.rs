//! Fingerprints of what an attempt depends on: a different one is worth another attempt.

use sha2::{Digest, Sha256};

/// The fingerprint of these parts, in this order. It is stored in status and in annotations of Jobs, so it is made of names and
/// versions alone, never of how Rust prints a value: that changes with the code.
pub fn fingerprint_of(parts: &[Option<&str>]) -> String {
    let mut hash = Sha256::new();
    for part in parts {
        // With its length before it, no part can end in what the next begins with; an absent one is not an empty one.
        hash.update(part.map_or(u64::MAX, |part| part.len() as u64).to_le_bytes());
        hash.update(part.unwrap_or_default());
    }
    hex::encode(&hash.finalize()[..8])
}

#[cfg(test)]
mod tests {
    use super::fingerprint_of;

    #[test]
    fn parts_are_kept_apart() {
        assert_eq!(fingerprint_of(&[Some("a"), Some("b")]), fingerprint_of(&[Some("a"), Some("b")]));
        assert_ne!(fingerprint_of(&[Some("a"), Some("b")]), fingerprint_of(&[Some("ab"), Some("")]));
        assert_ne!(fingerprint_of(&[Some("a"), None]), fingerprint_of(&[Some("a"), Some("")]));
    }
}
