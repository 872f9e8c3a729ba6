//! A name of the API's vocabulary: one that this version knows, or one that only a newer operator has.

use std::fmt;

use serde::Serialize;

/// A name as it was said.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Said<T> {
    /// This version knows it.
    Known(T),
    /// Only a newer operator does: a plugin may be older than the operator it asks about.
    Newer(String),
}

impl<T: Copy> Said<T> {
    /// Reads a name.
    pub fn of(name: &str, from_name: fn(&str) -> Option<T>) -> Self {
        from_name(name).map_or_else(|| Self::Newer(name.to_owned()), Self::Known)
    }

    /// What it is, if this version knows it.
    pub fn known_value(&self) -> Option<T> {
        match self {
            Self::Known(known) => Some(*known),
            Self::Newer(_) => None,
        }
    }
}

impl<T> From<T> for Said<T> {
    fn from(known: T) -> Self {
        Self::Known(known)
    }
}

impl<T: PartialEq> PartialEq<T> for Said<T> {
    fn eq(&self, other: &T) -> bool {
        matches!(self, Self::Known(known) if known == other)
    }
}

impl<T: fmt::Display> fmt::Display for Said<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Known(known) => known.fmt(f),
            Self::Newer(name) => name.fmt(f),
        }
    }
}

impl<T: fmt::Display> Serialize for Said<T> {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}
