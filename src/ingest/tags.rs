//! Keys of the map columns: folded so that every dialect's join, never silently merged.
//!
//! A key is folded as AWS folds column names (fact sheet section 12), on the full name with its prefix:
//! `user:Owner` → `user_owner`. Where two keys of one row fold to one name, equal values become one entry; of
//! different ones, the byte-smallest key takes the folded name and the others stay as they were, counted.

use std::collections::{BTreeMap, HashMap};

use crate::{schema::fold, warehouse::TagKey};

/// The tag keys of a file or of a version, as the source spelled them.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct TagKeys {
    /// By folded name and original: rows on which the key shared its name with another value.
    keys: BTreeMap<(String, String), u64>,
    collisions: u64,
}

impl TagKeys {
    /// Adds those of another file.
    pub fn absorb(&mut self, other: &Self) {
        for (key, rows) in &other.keys {
            *self.keys.entry(key.clone()).or_default() += rows;
        }
        self.collisions += other.collisions;
    }

    /// Entries that had to keep their own key because another one with a different value took the folded name.
    pub fn collisions(&self) -> u64 {
        self.collisions
    }

    /// The keys, by folded name and original.
    pub fn list(&self) -> Vec<TagKey> {
        let key = |((folded, original), collisions): (&(String, String), &u64)| TagKey {
            original: original.clone(),
            folded: folded.clone(),
            collisions: *collisions,
        };
        self.keys.iter().map(key).collect()
    }
}

/// The number of a key in its [`KeyBook`].
pub(in crate::ingest) type KeyId = u32;

/// The keys of one map column that were met in one file.
#[derive(Debug, Default)]
pub(in crate::ingest) struct KeyBook {
    keys: Vec<Key>,
    by_raw: HashMap<Box<str>, KeyId>,
    /// How many raw keys fold to a name.
    sharing: HashMap<Box<str>, u32>,
    /// True once any two keys share a name: until then no row can have a collision.
    any_shared: bool,
    collisions: u64,
}

#[derive(Debug)]
struct Key {
    raw: Box<str>,
    folded: Box<str>,
    used: bool,
    collisions: u64,
}

/// A row's map holds one key twice, with different values.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::ingest) struct KeyTwice(pub String);

impl KeyBook {
    /// The number of a key as the source spells it, folded by the rule of tag keys.
    pub fn id(&mut self, raw: &str) -> KeyId {
        match self.by_raw.get(raw) {
            Some(id) => *id,
            None => self.insert(raw, fold(raw)),
        }
    }

    /// The number of a key that keeps its spelling.
    pub fn verbatim(&mut self, raw: &str) -> KeyId {
        match self.by_raw.get(raw) {
            Some(id) => *id,
            None => self.insert(raw, raw.to_owned()),
        }
    }

    fn insert(&mut self, raw: &str, folded: String) -> KeyId {
        // A key of which nothing is left (no ASCII letter or digit) keeps its spelling: an empty name says nothing.
        let folded: Box<str> = if folded.is_empty() { raw.into() } else { folded.into() };
        let id = KeyId::try_from(self.keys.len()).expect("the limit on map keys is far below 2³²");
        let sharing = self.sharing.entry(folded.clone()).or_default();
        *sharing += 1;
        self.any_shared |= *sharing > 1;
        self.by_raw.insert(raw.into(), id);
        self.keys.push(Key { raw: raw.into(), folded, used: false, collisions: 0 });
        id
    }

    /// How many keys there are.
    pub fn len(&self) -> usize {
        self.keys.len()
    }

    /// The folded name of a key.
    pub fn folded(&self, id: KeyId) -> &str {
        &self.keys[id as usize].folded
    }

    /// Settles one row: sorts its entries by name, joins equal ones, and gives each its name through `put`.
    ///
    /// # Errors
    /// [`KeyTwice`] if one and the same raw key comes twice with different values.
    pub fn settle<V: Copy + PartialEq>(
        &mut self,
        row: &mut Vec<(KeyId, V)>,
        mut put: impl FnMut(&str, V),
    ) -> Result<(), KeyTwice> {
        let keys = &mut self.keys;
        let name = |keys: &[Key], id: KeyId| keys[id as usize].folded.clone();
        let in_order = row.windows(2).all(|pair| {
            let [left, right] = [pair[0].0, pair[1].0].map(|id| &keys[id as usize].folded);
            left < right
        });
        if !in_order {
            row.sort_by(|(left, _), (right, _)| {
                let [left, right] = [left, right].map(|id| &keys[*id as usize]);
                (&left.folded, &left.raw).cmp(&(&right.folded, &right.raw))
            });
            if self.any_shared || row.windows(2).any(|pair| pair[0].0 == pair[1].0) {
                return self.settle_shared(row, put);
            }
        }
        for (id, value) in row.iter() {
            let key = &mut keys[*id as usize];
            key.used = true;
            put(&key.folded, *value);
        }
        let _ = name;
        Ok(())
    }
}
