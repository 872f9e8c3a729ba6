//! Listing: at most 1,000 entries a page, in the byte order of keys, with keys rolled up behind a delimiter.

use super::store::{Object, ObjectStore};

/// The most entries a page can have.
pub const PAGE: usize = 1000;

/// What is asked for.
pub struct Query<'a> {
    pub bucket: &'a str,
    pub prefix: &'a str,
    pub delimiter: Option<&'a str>,
    /// Only entries behind this one.
    pub after: Option<Entry>,
    pub limit: usize,
}

/// A line of a listing, and the place where the next page goes on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Entry {
    Key(String),
    CommonPrefix(String),
}

/// A page.
pub struct Page<'a> {
    pub objects: Vec<(&'a str, &'a Object)>,
    pub common_prefixes: Vec<String>,
    /// The last entry, when more follow.
    pub resume: Option<Entry>,
}

impl Entry {
    /// An opaque text that [`Entry::from_token`] reads.
    pub fn to_token(&self) -> String {
        match self {
            Self::Key(key) => format!("k{}", hex::encode(key)),
            Self::CommonPrefix(prefix) => format!("p{}", hex::encode(prefix)),
        }
    }

    pub fn from_token(token: &str) -> Option<Self> {
        let (kind, text) = token.split_at_checked(1)?;
        let text = String::from_utf8(hex::decode(text).ok()?).ok()?;
        match kind {
            "k" => Some(Self::Key(text)),
            "p" => Some(Self::CommonPrefix(text)),
            _ => None,
        }
    }

    fn is_before(&self, key: &str) -> bool {
        match self {
            Self::Key(last) => last.as_str() < key,
            Self::CommonPrefix(last) => last.as_str() < key && !key.starts_with(last.as_str()),
        }
    }
}

/// Lists one page.
pub fn list<'a>(store: &'a ObjectStore, query: &'a Query<'a>) -> Page<'a> {
    let mut page = Page { objects: Vec::new(), common_prefixes: Vec::new(), resume: None };
    let mut last = None;
    for (key, object) in store.with_prefix(query.bucket, query.prefix) {
        if query.after.as_ref().is_some_and(|after| !after.is_before(key)) {
            continue;
        }
        let rest = &key[query.prefix.len()..];
        let rolled = query.delimiter.filter(|d| !d.is_empty()).and_then(|delimiter| {
            let end = rest.find(delimiter)? + delimiter.len();
            Some(format!("{}{}", query.prefix, &rest[..end]))
        });
        if rolled.is_some() && page.common_prefixes.last() == rolled.as_ref() {
            continue;
        }
        if page.objects.len() + page.common_prefixes.len() == query.limit {
            page.resume = last;
            return page;
        }
        last = Some(match rolled {
            Some(prefix) => {
                page.common_prefixes.push(prefix.clone());
                Entry::CommonPrefix(prefix)
            }
            None => {
                page.objects.push((key, object));
                Entry::Key(key.clone())
            }
        });
    }
    page
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use jiff::Timestamp;

    use super::*;

    fn store(keys: &[&str]) -> ObjectStore {
        let mut store = ObjectStore::default();
        for key in keys {
            store.put("b", key, Object::new(Bytes::new(), "1", Timestamp::UNIX_EPOCH));
        }
        store
    }

    /// All entries, page by page.
    fn pages(store: &ObjectStore, prefix: &str, delimiter: Option<&str>, limit: usize) -> Vec<Vec<String>> {
        let mut pages = Vec::new();
        let mut after = None;
        loop {
            let query = Query { bucket: "b", prefix, delimiter, after, limit };
            let page = list(store, &query);
            let mut entries: Vec<String> = page.objects.iter().map(|(key, _)| (*key).to_owned()).collect();
            entries.extend(page.common_prefixes);
            pages.push(entries);
            match page.resume {
                Some(entry) => after = Entry::from_token(&entry.to_token()),
                None => return pages,
            }
        }
    }

    #[test]
    fn keys_roll_up_behind_a_delimiter() {
        let store = store(&["a", "p/x/1", "p/x/2", "p/y/1", "p/z", "q"]);
        assert_eq!(pages(&store, "p/", Some("/"), 10), [["p/z", "p/x/", "p/y/"]]);
        assert_eq!(pages(&store, "p/x", None, 10), [["p/x/1", "p/x/2"]]);
        assert_eq!(pages(&store, "", Some("/"), 10), [["a", "q", "p/"]]);
    }

    #[test]
    fn pages_go_on_where_the_last_one_stopped() {
        let store = store(&["a/1", "a/2", "b", "c/1", "c/2", "d"]);
        assert_eq!(pages(&store, "", None, 4), [vec!["a/1", "a/2", "b", "c/1"], vec!["c/2", "d"]]);
        assert_eq!(pages(&store, "", Some("/"), 1), [["a/"], ["b"], ["c/"], ["d"]]);
        assert_eq!(pages(&store, "", Some("/"), 2), [["b", "a/"], ["d", "c/"]]);
        assert_eq!(pages(&store, "x", None, 2), [Vec::<String>::new()]);
    }

    #[test]
    fn order_is_that_of_bytes() {
        let store = store(&["é", "z", "Z", "a//b", "a/b"]);
        assert_eq!(pages(&store, "", None, 10), [["Z", "a//b", "a/b", "z", "é"]]);
    }
}
