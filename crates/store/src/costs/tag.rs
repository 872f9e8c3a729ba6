//! The tag of a question: which keys of a bill it may mean, where rows have them, and which keys are near it.
//!
//! A bill has a tag under one of two names. `resource_tags` has `user_owner` for AWS's `user:Owner`, with ASCII letters
//! alone; `tags`, which some CUR 2.0 exports have instead, has `resourceTag/Owner`. A question may leave the prefix out,
//! and a tag may itself begin with one (`user_id`), so a question has several readings, tried in their order.

use std::collections::HashMap;

use super::sums::entry_or;
use crate::{
    schema::{fold, fold_keeping_letters},
    warehouse::TagKey,
};

/// What tags of resources begin with in the map `tags`.
const OF_RESOURCE: &str = "resourceTag/";
/// What names of tags begin with: those that people gave, and those that AWS did.
const PREFIXES: [&str; 2] = ["user_", "aws_"];
/// A question has no more readings: with and without a prefix, and as a key of `tags`.
pub(super) const MOST_READINGS: usize = 3;
/// Near keys that are named.
const MOST_NEAR: usize = 5;

/// A tag as it was asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AskedTag {
    text: String,
    readings: Vec<TagReading>,
    taken_for: usize,
}

/// One key that a question may mean.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct TagReading {
    /// Its full name with the letters of every script: `user_owner`, `user_名前`.
    pub(super) name: String,
    /// Its name in `resource_tags`, which may be another key's as well.
    pub(super) folded: String,
    /// As AWS spells it if the question does: `user:Owner`.
    spelled: String,
}

impl TagReading {
    fn of(spelled: String) -> Self {
        let folded = Some(fold(&spelled)).filter(|folded| !folded.is_empty());
        let folded = folded.unwrap_or_else(|| spelled.clone());
        Self { name: fold_keeping_letters(&spelled), folded, spelled }
    }

    /// True if letters outside ASCII got lost on the way to its name in the table, so that only the key as the
    /// source spells it proves that it is there.
    pub(super) fn is_lossy(&self) -> bool {
        self.name != self.folded
    }

    /// True if it is this key of a bill.
    pub(super) fn is(&self, key: &TagKey) -> bool {
        fold_keeping_letters(&key.original) == self.name || (!self.is_lossy() && key.folded == self.name)
    }
}

impl AskedTag {
    /// The tag that a text asks for; `None` if no letter or digit is in it.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let key = text.strip_prefix(OF_RESOURCE).unwrap_or(text);
        let whole = TagReading::of(key.to_owned());
        if whole.name.is_empty() {
            return None;
        }
        let has_prefix = PREFIXES.iter().any(|prefix| whole.name.starts_with(prefix));
        let of_user = TagReading::of(format!("user:{key}"));
        let mut readings = if has_prefix { vec![whole, of_user] } else { vec![of_user, whole] };
        if key == text && text.contains('/') {
            // Tags of accounts, users and cost categories have no other name than the one in `tags`.
            let text = text.to_owned();
            readings.push(TagReading { name: text.clone(), folded: text.clone(), spelled: text });
        }
        Some(Self { text: text.to_owned(), readings, taken_for: 0 })
    }

    /// As it was asked for.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The full name of the key it is taken for: of the first reading, until rows say otherwise.
    pub fn key(&self) -> &str {
        &self.readings[self.taken_for].name
    }

    pub(super) fn readings(&self) -> &[TagReading] {
        &self.readings
    }

    pub(super) fn taken_for(self, reading: usize) -> Self {
        Self { taken_for: reading, ..self }
    }

    /// True if a bill with these keys has the tag in one of its readings.
    pub fn is_among(&self, keys: &[TagKey]) -> bool {
        keys.iter().any(|key| self.readings.iter().any(|reading| reading.is(key)))
    }

    /// The keys that look most like it, the likest first.
    pub fn nearest<'a>(&self, keys: impl IntoIterator<Item = &'a str>) -> Vec<String> {
        let wanted = bare(&self.text);
        let mut keys: Vec<&str> = keys.into_iter().collect();
        keys.sort_unstable();
        keys.dedup();
        let mut near: Vec<(f64, &str)> =
            keys.into_iter().map(|key| (strsim::jaro_winkler(&wanted, &bare(key)), key)).collect();
        near.sort_by(|(left, _), (right, _)| right.total_cmp(left));
        near.into_iter().take(MOST_NEAR).map(|(_, key)| key.to_owned()).collect()
    }
}

/// A key without what stands before its own name.
fn bare(key: &str) -> String {
    let key = key.split_once('/').map_or(key, |(_, key)| key);
    let folded = fold_keeping_letters(key);
    let bare = PREFIXES.iter().find_map(|prefix| folded.strip_prefix(prefix));
    bare.map_or_else(|| folded.clone(), str::to_owned)
}

/// The keys of the map `tags` that were met, and what each is to the question.
#[derive(Debug, Default)]
pub(super) struct SeenTags(HashMap<String, SeenTag>);

#[derive(Debug)]
struct SeenTag {
    /// As reports without this map spell it: `user:Owner` for `resourceTag/Owner`.
    original: String,
    /// The readings it answers, and whether it is spelled just so.
    answers: Vec<(usize, bool)>,
    /// Rows on which it met another key of the same reading with another value.
    collisions: u64,
}

impl SeenTags {
    /// The keys as the map has them.
    pub(super) fn keys(&self) -> impl Iterator<Item = &str> {
        self.0.keys().map(String::as_str)
    }

    /// Those that answer a reading: as other reports spell them, and the rows on which they met another one.
    pub(super) fn of_reading(&self, reading: usize) -> impl Iterator<Item = (&str, u64)> {
        let answers = move |seen: &&SeenTag| seen.answers.iter().any(|(answered, _)| *answered == reading);
        self.0.values().filter(answers).map(|seen| (seen.original.as_str(), seen.collisions))
    }

    fn meet(&mut self, key: &str, readings: &[TagReading]) -> &mut SeenTag {
        entry_or(&mut self.0, key, || SeenTag::of(key, readings))
    }
}

impl SeenTag {
    fn of(key: &str, readings: &[TagReading]) -> Self {
        let original = match key.strip_prefix(OF_RESOURCE) {
            Some(name) if name.starts_with("aws:") || name.starts_with("user:") => name.to_owned(),
            Some(name) => format!("user:{name}"),
            None => key.to_owned(),
        };
        let name = if key == original { key.to_owned() } else { fold_keeping_letters(&original) };
        let answers = readings
            .iter()
            .enumerate()
            .filter_map(|(at, reading)| (reading.name == name).then_some((at, reading.spelled == original)));
        Self { answers: answers.collect(), original, collisions: 0 }
    }
}

/// The value of a tag on one row, found so far.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct FoundTag<'a> {
    pub(super) value: Option<&'a str>,
    /// True if the key is spelled as the question spells it: no other one on the row comes before it.
    exact: bool,
}

impl<'a> FoundTag<'a> {
    fn take(&mut self, value: &'a str, exact: bool) {
        if self.value.is_none() || (exact && !self.exact) {
            *self = Self { value: Some(value), exact };
        }
    }
}

/// Looks an entry of `resource_tags` up for every reading.
pub(super) fn look_at<'a>(readings: &[TagReading], found: &mut [FoundTag<'a>], key: &str, value: &'a str) {
    for (reading, found) in readings.iter().zip(found) {
        if key == reading.spelled {
            found.take(value, true);
        } else if key == reading.folded {
            found.take(value, false);
        }
    }
}

/// Looks a row's entries of `tags` up for every reading that `resource_tags` did not answer: the two hold the same
/// tags where a report has both.
pub(super) fn look_into_tags<'a>(
    readings: &[TagReading],
    found: &mut [FoundTag<'a>],
    seen: &mut SeenTags,
    entries: impl Iterator<Item = (&'a str, &'a str)> + Clone,
) {
    let open: [bool; MOST_READINGS] =
        std::array::from_fn(|at| found.get(at).is_some_and(|found| found.value.is_none()));
    let mut differing = Vec::new();
    for (key, value) in entries.clone() {
        for (at, exact) in seen.meet(key, readings).answers.iter().filter(|(at, _)| open[*at]) {
            if found[*at].value.is_some_and(|other| other != value) {
                differing.push(*at);
            }
            found[*at].take(value, *exact);
        }
    }
    if differing.is_empty() {
        return;
    }
    for (key, _) in entries {
        let seen = seen.meet(key, readings);
        seen.collisions += u64::from(seen.answers.iter().any(|(at, _)| differing.contains(at)));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(text: &str) -> Vec<String> {
        let asked = AskedTag::parse(text).expect(text);
        asked.readings().iter().map(|reading| format!("{}@{}", reading.name, reading.folded)).collect()
    }

    #[test]
    fn a_question_has_all_its_readings() {
        for (text, expected) in [
            ("Owner", &["user_owner@user_owner", "owner@owner"][..]),
            ("user:Owner", &["user_owner@user_owner", "user_user_owner@user_user_owner"]),
            ("user_id", &["user_id@user_id", "user_user_id@user_user_id"]),
            ("aws_account", &["aws_account@aws_account", "user_aws_account@user_aws_account"]),
            ("名前", &["user_名前@user", "名前@名前"]),
            ("user:名前", &["user_名前@user", "user_user_名前@user_user"]),
            ("resourceTag/Owner", &["user_owner@user_owner", "owner@owner"]),
            (
                "accountTag/Stage",
                &[
                    "user_account_tag_stage@user_account_tag_stage",
                    "account_tag_stage@account_tag_stage",
                    "accountTag/Stage@accountTag/Stage",
                ],
            ),
        ] {
            assert_eq!(names(text), expected, "{text}");
        }
        assert_eq!(AskedTag::parse("-"), None);
        assert_eq!(AskedTag::parse(""), None);
    }

    #[test]
    fn the_likest_keys_come_first() {
        let keys = [
            "user:Owner",
            "user:CostCenter",
            "aws:createdBy",
            "accountTag/Owners",
            "user:Team",
            "user:x",
            "user:y",
        ];
        let near = |text: &str| AskedTag::parse(text).expect(text).nearest(keys);
        assert_eq!(near("Onwer")[..2], ["user:Owner", "accountTag/Owners"]);
        assert_eq!(near("user:cost-centre")[0], "user:CostCenter");
        assert_eq!(near("aws_created")[0], "aws:createdBy");
        assert_eq!(near("Onwer").len(), MOST_NEAR);
    }

    #[test]
    fn a_key_is_known_by_its_spelling_where_its_name_lost_letters() {
        let key =
            |original: &str| TagKey { original: original.to_owned(), folded: fold(original), collisions: 0 };
        let asked = |text: &str| AskedTag::parse(text).expect(text);
        assert!(asked("名前").is_among(&[key("user:名前")]));
        assert!(asked("名前").is_among(&[key("user_名前")]), "as Athena spells it");
        assert!(!asked("名前").is_among(&[key("user:部署")]), "another key under the same name");
        assert!(asked("user_id").is_among(&[key("user:user_id")]));
        assert!(!asked("owner").is_among(&[key("user:Owners")]));
    }
}
