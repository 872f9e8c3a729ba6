//! Organizations: one management account and its members.

use std::collections::BTreeMap;

use serde::Deserialize;

use crate::iam::Policy;

/// An organization in AWS Organizations.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Organization {
    /// `o-` and 10 to 32 characters.
    pub id: String,
    /// The management account's ID.
    pub management: String,
    /// Member accounts, without the management account.
    #[serde(default)]
    pub members: Vec<Member>,
    /// Members that may list the accounts like the management account.
    #[serde(default)]
    pub delegated_administrators: Vec<String>,
    /// `ALL` or `CONSOLIDATED_BILLING`.
    #[serde(default = "all_features")]
    pub feature_set: String,
    /// Service control policies attached to the root, by name. They bind every member and not the management account;
    /// with none, AWS's FullAWSAccess is attached.
    #[serde(default)]
    pub scps: BTreeMap<String, Policy>,
    /// Resource control policies attached to the root, by name. They guard the resources of every member.
    #[serde(default)]
    pub rcps: BTreeMap<String, Policy>,
    /// Accounts on a page of ListAccounts; AWS gives at most 20.
    #[serde(default = "twenty")]
    pub page_size: usize,
    /// Put an empty page with a token before the first account, as AWS at times does.
    #[serde(default)]
    pub empty_page_first: bool,
    /// Answer the retired `Status` beside `State`.
    #[serde(default)]
    pub answers_status: bool,
}

/// A member account. It need not be one of the world's accounts: most members are only names on a list.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Member {
    /// 12 digits.
    pub id: String,
    /// What ListAccounts shows.
    pub name: String,
    /// Made up from the ID when empty.
    #[serde(default)]
    pub email: String,
    /// Where it stands in its life.
    #[serde(default)]
    pub state: MemberState,
}

/// `State` of an account as ListAccounts spells it.
#[expect(missing_docs, reason = "the states are AWS's, which documents them in its API reference")]
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum MemberState {
    PendingActivation,
    #[default]
    Active,
    Suspended,
    PendingClosure,
    Closed,
}

impl MemberState {
    /// The API's text.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::PendingActivation => "PENDING_ACTIVATION",
            Self::Active => "ACTIVE",
            Self::Suspended => "SUSPENDED",
            Self::PendingClosure => "PENDING_CLOSURE",
            Self::Closed => "CLOSED",
        }
    }
}

fn all_features() -> String {
    "ALL".to_owned()
}

fn twenty() -> usize {
    20
}
