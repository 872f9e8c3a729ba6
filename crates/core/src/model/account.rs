//! AWS account ids, and what kind of account a connection says it is.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

use super::{
    checked_text::checked_text,
    form::{Form, must},
};

/// The form of an account's id.
pub const ACCOUNT_ID: Form =
    Form { longest: 12, rules: &[must("^[0-9]{12}$", "it takes an AWS account id: 12 digits, in quotes")] };

/// A 12-digit AWS account id. Text, because leading zeros count.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct AccountId(String);

/// The text is not an account id.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "{0:?} is not an AWS account id: it takes exactly 12 digits, quoted in YAML so that leading zeros stay"
)]
pub struct InvalidAccountId(String);

checked_text!(AccountId, InvalidAccountId);

impl FromStr for AccountId {
    type Err = InvalidAccountId;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if text.len() == 12 && text.bytes().all(|byte| byte.is_ascii_digit()) {
            Ok(Self(text.to_owned()))
        } else {
            Err(InvalidAccountId(text.chars().take(40).collect()))
        }
    }
}

/// What a connection declares its account to be; verified against AWS Organizations.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum AccountType {
    /// The payer of an organization: its report covers every member.
    Management,
    /// An account of an organization whose own report holds only its own usage.
    Member,
    /// An account in no organization: its own payer.
    Standalone,
}

impl fmt::Display for AccountType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Management => "Management",
            Self::Member => "Member",
            Self::Standalone => "Standalone",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn twelve_digits_and_nothing_else() {
        assert_eq!("000000000012".parse::<AccountId>().map(String::from), Ok("000000000012".to_owned()));
        for bad in
            ["", "12345678901", "1234567890123", "12345678901a", " 23456789012", "１２３４５６７８９０１２"]
        {
            assert!(bad.parse::<AccountId>().is_err(), "{bad:?} must be refused");
        }
    }
}
