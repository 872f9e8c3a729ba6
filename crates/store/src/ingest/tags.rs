//! Keys of the map columns: folded so that every dialect's join, never silently merged.
//!
//! A key is folded as AWS folds column names (docs/aws-facts.md 12), on the full name with its prefix:
//! `user:Owner` → `user_owner`. Where two keys of one row fold to one name, equal values become one entry; of
//! different ones, the byte-smallest key takes the folded name and the others stay as they were, counted. A key that a row has
//! twice keeps both values too, the second as `KEY#2`: AWS merges tags whose names fold alike, and a bill stays a bill.

use std::{
    cmp::Ordering,
    collections::{BTreeMap, HashMap},
};

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
    keys: Vec<BookedKey>,
    by_raw: HashMap<Box<str>, KeyId>,
    collisions: u64,
}

#[derive(Debug)]
struct BookedKey {
    raw: Box<str>,
    folded: Box<str>,
    used: bool,
    collisions: u64,
}

impl KeyBook {
    /// The number of a key as the source spells it, folded by the rule of tag keys.
    pub fn id(&mut self, raw: &str) -> KeyId {
        match self.by_raw.get(raw) {
            Some(id) => *id,
            None => self.insert(raw, &fold(raw)),
        }
    }

    /// The number of a key that keeps its spelling.
    pub fn verbatim(&mut self, raw: &str) -> KeyId {
        match self.by_raw.get(raw) {
            Some(id) => *id,
            None => self.insert(raw, raw),
        }
    }

    fn insert(&mut self, raw: &str, folded: &str) -> KeyId {
        // A key without an ASCII letter or digit keeps its spelling: nothing would be left of it.
        let folded = if folded.is_empty() { raw } else { folded };
        let id = KeyId::try_from(self.keys.len()).expect("the limit on map keys is far below 2³²");
        self.by_raw.insert(raw.into(), id);
        self.keys.push(BookedKey { raw: raw.into(), folded: folded.into(), used: false, collisions: 0 });
        id
    }

    /// How many keys there are.
    pub fn len(&self) -> usize {
        self.keys.len()
    }

    /// Orders keys as a settled row has them, those that share a name by their spelling.
    pub fn compare(&self, left: KeyId, right: KeyId) -> Ordering {
        let [left, right] = [left, right].map(|id| &self.keys[id as usize]);
        (&left.folded, &left.raw).cmp(&(&right.folded, &right.raw))
    }

    /// Settles one row: sorts its entries by name, joins equal ones, and gives each its name through `put`.
    pub fn settle<V: Ord>(&mut self, row: &mut [(KeyId, V)], mut put: impl FnMut(&str, &V)) {
        if !row.is_sorted_by(|(left, _), (right, _)| self.compare(*left, *right).is_le()) {
            row.sort_by(|(left, _), (right, _)| self.compare(*left, *right));
        }
        let shares = |pair: &[(KeyId, V)]| self.folded(pair[0].0) == self.folded(pair[1].0);
        if row.windows(2).any(shares) {
            return self.settle_shared(row, put);
        }
        for (id, value) in &*row {
            let key = &mut self.keys[*id as usize];
            key.used = true;
            put(&key.folded, value);
        }
    }

    fn folded(&self, id: KeyId) -> &str {
        &self.keys[id as usize].folded
    }

    /// Settles a sorted row in which some keys share a name.
    fn settle_shared<V: Ord>(&mut self, row: &[(KeyId, V)], mut put: impl FnMut(&str, &V)) {
        let mut settled: Vec<(Box<str>, &V)> = Vec::with_capacity(row.len());
        let same_name = |left: &(KeyId, V), right: &(KeyId, V)| self.folded(left.0) == self.folded(right.0);
        let groups: Vec<&[(KeyId, V)]> = row.chunk_by(same_name).collect();
        for group in groups {
            if let [(id, value)] = group {
                let key = &mut self.keys[*id as usize];
                key.used = true;
                settled.push((key.folded.clone(), value));
                continue;
            }
            let entries = self.distinct(group);
            // A key that is spelled as the folded name has it already; else the byte-smallest takes it.
            let is_folded = |(id, _): &&&(KeyId, V)| {
                let key = &self.keys[*id as usize];
                key.raw == key.folded
            };
            let (winner, taken) = *entries.iter().find(is_folded).unwrap_or(&entries[0]);
            settled.push((self.keys[*winner as usize].folded.clone(), taken));
            let mut differing = 0;
            for values in entries.chunk_by(|(left, _), (right, _)| left == right) {
                let names = self.own_names(values[0].0, values.len());
                for ((id, value), name) in values.iter().zip(names) {
                    let key = &mut self.keys[*id as usize];
                    key.used = true;
                    if value != taken {
                        key.collisions += 1;
                        differing += 1;
                        settled.push((name, value));
                    }
                }
            }
            self.keys[*winner as usize].collisions += u64::from(differing > 0);
            self.collisions += differing;
        }
        settled.sort_by(|(left, _), (right, _)| left.cmp(right));
        for (name, value) in settled {
            put(&name, value);
        }
    }

    /// The different entries of keys that share a name. Of one key the smallest value comes first, so that neither dialect nor
    /// delivery decides which of several keeps the key's own name.
    fn distinct<'a, V: Ord>(&self, group: &'a [(KeyId, V)]) -> Vec<&'a (KeyId, V)> {
        let mut entries: Vec<_> = group.iter().collect();
        entries.sort_by(|(left, a), (right, b)| self.compare(*left, *right).then_with(|| a.cmp(b)));
        entries.dedup();
        entries
    }

    /// The names that a key's values can have where others have its folded name: the key itself, then `KEY#2` and so on, a
    /// character that no tag key may have. Keys of the file that look so keep theirs.
    fn own_names(&self, id: KeyId, count: usize) -> Vec<Box<str>> {
        let raw = &self.keys[id as usize].raw;
        let numbered = (2u32..).map(|number| format!("{raw}#{number}").into_boxed_str());
        let numbered = numbered.filter(|name| !self.by_raw.contains_key(name));
        std::iter::once(raw.clone()).chain(numbered).take(count).collect()
    }

    /// What the file's rows used, for the report.
    pub fn into_tag_keys(self) -> TagKeys {
        let used = self.keys.into_iter().filter(|key| key.used);
        TagKeys {
            keys: used.map(|key| ((key.folded.into(), key.raw.into()), key.collisions)).collect(),
            collisions: self.collisions,
        }
    }
}

#[cfg(test)]
mod tests;
