//! Which namespace uses which external ID: the same one in two lets one tenant lend itself the other's role.

use std::collections::{BTreeSet, HashMap};

use jiff::Timestamp;
use sha2::{Digest, Sha256};

use crate::model::ExternalId;

/// Which namespace uses which external ID, by a keyed hash that lives and dies with the process.
///
/// One external ID in two namespaces means that one tenant could lend itself the other's role.
#[derive(Debug)]
pub struct ExternalIds {
    key: [u8; 32],
    claims: HashMap<String, ExternalIdClaim>,
    /// By external ID and namespace who uses it, the oldest first: one question about an object must not take a look at
    /// every other.
    users: HashMap<IdHash, HashMap<String, BTreeSet<ObjectAge>>>,
}

/// Of an external ID.
type IdHash = [u8; 32];

/// Orders objects by age; of the same age, the one whose UID sorts first is the older.
type ObjectAge = (Timestamp, String);

#[derive(Debug, Clone)]
struct ExternalIdClaim {
    /// Of the external ID, and of the one that is to take its place.
    hashes: Vec<IdHash>,
    namespace: String,
    age: ObjectAge,
}

impl Default for ExternalIds {
    fn default() -> Self {
        Self { key: rand::random(), claims: HashMap::new(), users: HashMap::new() }
    }
}

impl ExternalIds {
    /// Notes an object's external IDs, or that it has none.
    pub fn note(&mut self, uid: &str, namespace: &str, created: Timestamp, ids: &[&ExternalId]) {
        // An account that rotates has two, and for a moment the old pair and the new one share an ID: so all are replaced.
        self.forget(uid);
        if ids.is_empty() {
            return;
        }
        let age = (created, uid.to_owned());
        let hashes: Vec<IdHash> = ids.iter().map(|id| self.hash(id)).collect();
        for hash in &hashes {
            let of_namespace = self.users.entry(*hash).or_default().entry(namespace.to_owned()).or_default();
            of_namespace.insert(age.clone());
        }
        self.claims.insert(uid.to_owned(), ExternalIdClaim { hashes, namespace: namespace.to_owned(), age });
    }

    /// Forgets an object that is gone, and its claim with it.
    pub fn forget(&mut self, uid: &str) {
        let Some(claim) = self.claims.remove(uid) else { return };
        for hash in claim.hashes {
            let Some(namespaces) = self.users.get_mut(&hash) else { continue };
            if let Some(users) = namespaces.get_mut(&claim.namespace) {
                users.remove(&claim.age);
            }
            namespaces.retain(|_, users| !users.is_empty());
            if namespaces.is_empty() {
                self.users.remove(&hash);
            }
        }
    }

    /// True if an older object in another namespace uses this external ID of an object's.
    pub fn is_reused(&self, uid: &str, id: &ExternalId) -> bool {
        let (Some(mine), Some(namespaces)) = (self.claims.get(uid), self.users.get(&self.hash(id))) else {
            return false;
        };
        let mut others = namespaces.iter().filter(|(namespace, _)| **namespace != mine.namespace);
        others.any(|(_, users)| users.first().is_some_and(|oldest| *oldest < mine.age))
    }

    /// HMAC in its simplest sound form for a fixed-length key: SHA-256 over key, text, key.
    fn hash(&self, id: &ExternalId) -> IdHash {
        Sha256::new()
            .chain_update(self.key)
            .chain_update(id.expose())
            .chain_update(self.key)
            .finalize()
            .into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).expect("a time")
    }

    #[test]
    fn one_external_id_in_two_namespaces_blocks_the_newer_object() {
        let id = ExternalId::parse(b"shared-external-id").expect("an id");
        let mut ids = ExternalIds::default();
        ids.note("newer", "b", at(20), &[&id]);
        assert!(!ids.is_reused("newer", &id), "alone it is fine");
        ids.note("older", "a", at(10), &[&id]);
        assert!(ids.is_reused("newer", &id) && !ids.is_reused("older", &id));
        ids.note("sibling", "a", at(30), &[&id]);
        assert!(!ids.is_reused("older", &id), "one namespace is one trust domain");
        ids.forget("older");
        ids.forget("sibling");
        assert!(!ids.is_reused("newer", &id));
        assert_eq!(ids.users.len(), 1, "who is gone leaves nothing");
        ids.note("newer", "b", at(20), &[]);
        assert!(ids.users.is_empty() && ids.claims.is_empty());
    }
}
