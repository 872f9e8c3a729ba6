//! What is asked: which cost of a row, and what rows are put together by.

use std::{fmt, str::FromStr};

use super::tag::AskedTag;
use crate::schema::amortized::AMORTIZED_COLUMNS;

/// Which cost of a row is summed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Metric {
    /// `line_item_unblended_cost`: what the invoice says.
    Unblended,
    /// `line_item_net_unblended_cost`: after discounts; only in reports of accounts that have some.
    Net,
    /// Upfront and recurring fees spread over the usage they cover (docs/aws-facts.md 13.1).
    Amortized,
}

impl fmt::Display for Metric {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Unblended => "unblended",
            Self::Net => "net",
            Self::Amortized => "amortized",
        })
    }
}

/// What rows are put together by.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum GroupBy {
    /// `line_item_product_code`.
    Service,
    /// `line_item_usage_account_id`.
    Account,
    /// The UTC day of `line_item_usage_start_date`.
    Day,
    /// The value of one tag.
    Tag(AskedTag),
    /// `line_item_line_item_type`.
    LineItemType,
}

/// The text is none of the ways to put rows together.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not one of service, account, day, line-item-type and tag:KEY")]
pub struct InvalidGroupBy(String);

impl FromStr for GroupBy {
    type Err = InvalidGroupBy;

    /// A tag's key is folded as loaded keys are, so that `tag:Owner`, `tag:user:Owner` and `tag:user_owner` are
    /// one; a key without a prefix is a user's first.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let refuse = || InvalidGroupBy(text.chars().take(200).collect());
        Ok(match text {
            "service" => Self::Service,
            "account" => Self::Account,
            "day" => Self::Day,
            "line-item-type" => Self::LineItemType,
            _ => {
                let key = text.strip_prefix("tag:").ok_or_else(refuse)?;
                Self::Tag(AskedTag::parse(key).ok_or_else(refuse)?)
            }
        })
    }
}

impl fmt::Display for GroupBy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Service => f.write_str("service"),
            Self::Account => f.write_str("account"),
            Self::Day => f.write_str("day"),
            Self::Tag(asked) => write!(f, "tag:{}", asked.key()),
            Self::LineItemType => f.write_str("line-item-type"),
        }
    }
}

pub(super) const CURRENCY: &str = "line_item_currency_code";
pub(super) const LINE_TYPE: &str = "line_item_line_item_type";
pub(super) const ACCOUNT: &str = "line_item_usage_account_id";

impl Metric {
    /// The columns that such a cost is made of.
    pub(super) fn columns(self) -> &'static [&'static str] {
        match self {
            Self::Unblended => &["line_item_unblended_cost"],
            Self::Net => &["line_item_net_unblended_cost"],
            Self::Amortized => &AMORTIZED_COLUMNS,
        }
    }
}

/// The columns that answer it takes, each once.
pub(super) fn columns(metric: Metric, group_by: &GroupBy) -> Vec<&'static str> {
    let mut columns = vec![CURRENCY, LINE_TYPE, ACCOUNT];
    columns.extend(metric.columns());
    match group_by {
        GroupBy::Service => columns.push("line_item_product_code"),
        GroupBy::Account | GroupBy::LineItemType => {}
        GroupBy::Day => columns.push("line_item_usage_start_date"),
        GroupBy::Tag(_) => columns.extend(["resource_tags", "tags"]),
    }
    columns.sort_unstable();
    columns.dedup();
    columns
}
