//! Condition blocks: every operator must hold, every key under an operator must hold, one of a key's values suffices.

use std::collections::BTreeMap;

use super::pattern;
use super::policy::Values;

/// The values a request offers to conditions. Keys ignore case; a key may have several values.
#[derive(Debug, Clone, Default)]
pub struct Context(BTreeMap<String, Vec<String>>);

impl Context {
    /// Adds one value under a key such as `s3:prefix`.
    #[must_use]
    pub fn with(mut self, key: &str, value: impl Into<String>) -> Self {
        self.0.entry(key.to_ascii_lowercase()).or_default().push(value.into());
        self
    }

    /// Adds the value if there is one: an absent key and an empty value are different things to a condition.
    #[must_use]
    pub fn with_opt(self, key: &str, value: Option<impl Into<String>>) -> Self {
        match value {
            Some(value) => self.with(key, value),
            None => self,
        }
    }

    /// Whether the request offers anything under the key.
    #[must_use]
    pub fn has(&self, key: &str) -> bool {
        !self.get(key).is_empty()
    }

    fn get(&self, key: &str) -> &[String] {
        self.0.get(&key.to_ascii_lowercase()).map_or(&[], Vec::as_slice)
    }
}

/// How one value is compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Test {
    Equals,
    EqualsIgnoreCase,
    Like,
    Arn,
    Bool,
    Null,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
    NumberEquals,
}

/// Whether the operator asks for a match or for none.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Sense {
    Match,
    NoMatch,
}

/// What several request values under one key must do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Quantifier {
    /// No prefix: meant for keys with one value.
    Plain,
    /// `ForAllValues:` holds when the key is absent.
    All,
    /// `ForAnyValue:` fails when the key is absent.
    Any,
}

/// A parsed operator such as `ForAnyValue:StringLikeIfExists`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Operator {
    test: Test,
    sense: Sense,
    quantifier: Quantifier,
    if_exists: bool,
}

impl Operator {
    /// The operator of that name, if the sandbox evaluates it. (Dates, IP addresses and binary values it does not.)
    pub fn parse(name: &str) -> Option<Self> {
        let (quantifier, rest) = match name.split_once(':') {
            Some(("ForAllValues", rest)) => (Quantifier::All, rest),
            Some(("ForAnyValue", rest)) => (Quantifier::Any, rest),
            Some(_) => return None,
            None => (Quantifier::Plain, name),
        };
        let (base, if_exists) = match rest.strip_suffix("IfExists") {
            Some(base) => (base, true),
            None => (rest, false),
        };
        let (test, sense) = match base {
            "StringEquals" => (Test::Equals, Sense::Match),
            "StringNotEquals" => (Test::Equals, Sense::NoMatch),
            "StringEqualsIgnoreCase" => (Test::EqualsIgnoreCase, Sense::Match),
            "StringNotEqualsIgnoreCase" => (Test::EqualsIgnoreCase, Sense::NoMatch),
            "StringLike" => (Test::Like, Sense::Match),
            "StringNotLike" => (Test::Like, Sense::NoMatch),
            "ArnEquals" | "ArnLike" => (Test::Arn, Sense::Match),
            "ArnNotEquals" | "ArnNotLike" => (Test::Arn, Sense::NoMatch),
            "Bool" => (Test::Bool, Sense::Match),
            "Null" if !if_exists => (Test::Null, Sense::Match),
            "NumericEquals" => (Test::NumberEquals, Sense::Match),
            "NumericNotEquals" => (Test::NumberEquals, Sense::NoMatch),
            "NumericLessThan" => (Test::Less, Sense::Match),
            "NumericLessThanEquals" => (Test::LessOrEqual, Sense::Match),
            "NumericGreaterThan" => (Test::Greater, Sense::Match),
            "NumericGreaterThanEquals" => (Test::GreaterOrEqual, Sense::Match),
            _ => return None,
        };
        Some(Self { test, sense, quantifier, if_exists })
    }

    fn holds(self, wanted: &Values, given: &[String]) -> bool {
        if self.test == Test::Null {
            // `Null: true` wants the key absent, `Null: false` present.
            return wanted.iter().any(|w| (w == "true") == given.is_empty());
        }
        if given.is_empty() {
            return match self.quantifier {
                _ if self.if_exists => true,
                Quantifier::All => true,
                Quantifier::Any => false,
                Quantifier::Plain => self.sense == Sense::NoMatch,
            };
        }
        let one = |value: &String| {
            let matched = wanted.iter().any(|w| self.test.compare(w, value));
            matched == (self.sense == Sense::Match)
        };
        match (self.quantifier, self.sense) {
            (Quantifier::All, _) | (Quantifier::Plain, Sense::NoMatch) => given.iter().all(one),
            (Quantifier::Any, _) | (Quantifier::Plain, Sense::Match) => given.iter().any(one),
        }
    }
}

impl Test {
    fn compare(self, wanted: &str, value: &str) -> bool {
        let numbers = |holds: fn(f64, f64) -> bool| match (value.parse(), wanted.parse()) {
            (Ok(value), Ok(wanted)) => holds(value, wanted),
            _ => false,
        };
        match self {
            Self::Equals => wanted == value,
            Self::EqualsIgnoreCase | Self::Bool => wanted.eq_ignore_ascii_case(value),
            Self::Like => pattern::matches(wanted, value),
            Self::Arn => pattern::matches_arn(wanted, value),
            Self::Null => false,
            Self::Less => numbers(|v, w| v < w),
            Self::LessOrEqual => numbers(|v, w| v <= w),
            Self::Greater => numbers(|v, w| v > w),
            Self::GreaterOrEqual => numbers(|v, w| v >= w),
            Self::NumberEquals => numbers(|v, w| v.total_cmp(&w).is_eq()),
        }
    }
}

/// Whether a statement's whole condition block holds.
pub fn holds(block: &BTreeMap<String, BTreeMap<String, Values>>, context: &Context) -> bool {
    block.iter().all(|(operator, keys)| {
        Operator::parse(operator)
            .is_some_and(|operator| keys.iter().all(|(key, wanted)| operator.holds(wanted, context.get(key))))
    })
}
