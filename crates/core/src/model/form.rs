//! What a text of a spec looks like, said once: as patterns, and in words. Parsers ask it, and the API server's rules are made
//! from it (`api/shape.rs`), so that neither takes what the other refuses.

use std::{
    collections::BTreeMap,
    sync::{LazyLock, Mutex, PoisonError},
};

use regex::Regex;

/// The longest text, and what it must and must not match.
#[derive(Debug, Clone, Copy)]
pub struct Form {
    /// The longest accepted text, in characters.
    pub longest: u32,
    /// The rules, of which only the first that is broken is told.
    pub rules: &'static [Rule],
}

/// One thing that a text must or must not be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rule {
    /// A pattern, in what RE2 and Rust's `regex` have in common.
    pub pattern: &'static str,
    /// Whether a good text matches it, or does not.
    pub matches: bool,
    /// What it asks for, for people.
    pub words: &'static str,
}

/// A text must match the pattern.
pub const fn must(pattern: &'static str, words: &'static str) -> Rule {
    Rule { pattern, matches: true, words }
}

/// No part of a text may match the pattern.
pub const fn never(pattern: &'static str, words: &'static str) -> Rule {
    Rule { pattern, matches: false, words }
}

impl Form {
    /// Checks a text.
    ///
    /// # Errors
    /// What is wrong with it, in words.
    pub fn check(&self, text: &str) -> Result<(), String> {
        if text.chars().count() > self.longest as usize {
            return Err(format!("it takes at most {} characters", self.longest));
        }
        first_broken(self.rules, text).map_or(Ok(()), |rule| Err(rule.words.to_owned()))
    }
}

/// The first rule that a text breaks.
pub fn first_broken<'a>(rules: &'a [Rule], text: &str) -> Option<&'a Rule> {
    rules.iter().find(|rule| matches(rule.pattern, text) != rule.matches)
}

/// Whether a text matches a pattern of our own. Compiled once: a fleet of manifests asks the same dozen thousands of times.
pub fn matches(pattern: &str, text: &str) -> bool {
    static COMPILED: LazyLock<Mutex<BTreeMap<String, Regex>>> = LazyLock::new(Mutex::default);
    let mut compiled = COMPILED.lock().unwrap_or_else(PoisonError::into_inner);
    let regex = compiled
        .entry(pattern.to_owned())
        .or_insert_with(|| Regex::new(pattern).expect("the patterns of our own definitions compile"));
    regex.is_match(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_broken_rule_is_told() {
        const LETTERS: Form = Form {
            longest: 5,
            rules: &[must("^[a-z]+$", "it takes letters"), never("xx", "it has no two x in a row")],
        };
        assert_eq!(LETTERS.check("abc"), Ok(()));
        for (text, words) in [
            ("", "it takes letters"),
            ("a1xx", "it takes letters"),
            ("axxb", "it has no two x in a row"),
            ("abcdef", "it takes at most 5 characters"),
        ] {
            assert_eq!(LETTERS.check(text), Err(words.to_owned()), "{text:?}");
        }
    }
}
