//! Whose bill the rows are, and of which month: checked on what was read back, before the commit. Several payers may
//! deliver to one place (docs/aws-facts.md 13.3).

use std::collections::BTreeSet;

use super::tally::{SeenRows, Tally};
use crate::model::{AccountId, AccountType, BillingPeriod};

/// Whose bill is expected.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ExpectedBill {
    /// Every row is paid by this account (Management and Standalone).
    PaidBy(String),
    /// Every row is usage of this account (Member).
    UsedBy(String),
    /// Nobody said; a connection key was given by hand.
    Anyone,
}

/// The rows are another bill's.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum WrongBill {
    /// Rows of another payer or account.
    #[error(
        "{column} is {found} on some rows, where every row must say {expected}: this report is another account's"
    )]
    Account {
        /// The column that was checked.
        column: &'static str,
        /// What other rows say.
        found: String,
        /// What they must say.
        expected: String,
    },
    /// Rows of another month.
    #[error("{column} is {found} on some rows of the bill of {period}")]
    Period {
        /// The column that was checked.
        column: &'static str,
        /// What some rows say.
        found: String,
        /// The folder's month.
        period: BillingPeriod,
    },
}

impl ExpectedBill {
    /// What a connection of this type expects.
    pub fn of(account: &AccountId, kind: AccountType) -> Self {
        match kind {
            AccountType::Management | AccountType::Standalone => Self::PaidBy(account.as_str().to_owned()),
            AccountType::Member => Self::UsedBy(account.as_str().to_owned()),
        }
    }

    /// Checks what a tally saw.
    ///
    /// # Errors
    /// [`WrongBill`] with the first other account, or the first other month.
    pub fn check(&self, tally: &Tally, period: BillingPeriod) -> Result<(), WrongBill> {
        let bill = &tally.table().bill;
        match self {
            Self::PaidBy(account) => only(bill.payer, &tally.payers, account)?,
            Self::UsedBy(account) => only(bill.usage_account, &tally.usage_accounts, account)?,
            Self::Anyone => {}
        }
        let start = BTreeSet::from([Some(period.start())]);
        match tally.period_starts.difference(&start).next() {
            None => Ok(()),
            Some(found) => Err(WrongBill::Period {
                column: bill.period_start,
                found: found.map_or_else(|| "missing".to_owned(), |at| at.to_string()),
                period,
            }),
        }
    }
}

fn only(column: &'static str, seen: &SeenRows, expected: &str) -> Result<(), WrongBill> {
    match seen.values.iter().find(|value| *value != expected) {
        None => Ok(()),
        Some(other) => Err(WrongBill::Account {
            column,
            found: if other.is_empty() { "missing".to_owned() } else { other.clone() },
            expected: expected.to_owned(),
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::schema::COSTS;

    fn tally(payers: &[&str], usage: &[&str], starts: &[Option<&str>]) -> Tally {
        let seen = |values: &[&str]| SeenRows {
            values: values.iter().map(|value| (*value).to_owned()).collect(),
            more: false,
        };
        let mut tally = Tally::new(&COSTS, 0);
        tally.payers = seen(payers);
        tally.usage_accounts = seen(usage);
        tally.period_starts = starts.iter().map(|at| at.map(|at| at.parse().expect("a time"))).collect();
        tally
    }

    const MONTH: Option<&str> = Some("2026-10-01T00:00:00Z");

    #[test]
    fn each_account_type_looks_at_its_own_column() {
        let account = "111111111111".parse().expect("an account");
        let period = "2026-10".parse().expect("a period");
        let bill = tally(&["111111111111"], &["222222222222", "333333333333"], &[MONTH]);
        for (kind, right) in
            [(AccountType::Management, true), (AccountType::Standalone, true), (AccountType::Member, false)]
        {
            assert_eq!(ExpectedBill::of(&account, kind).check(&bill, period).is_ok(), right, "{kind}");
        }
        let member = tally(&["999999999999"], &["111111111111"], &[MONTH]);
        assert_eq!(ExpectedBill::of(&account, AccountType::Member).check(&member, period), Ok(()));
    }

    #[test]
    fn rows_without_a_payer_or_of_another_month_are_refused() {
        let period = "2026-10".parse().expect("a period");
        let expected = ExpectedBill::PaidBy("1".to_owned());
        let unpaid = expected.check(&tally(&["", "1"], &[], &[MONTH]), period).expect_err("refused");
        assert!(unpaid.to_string().contains("is missing on some rows"), "{unpaid}");
        for other in [None, Some("2026-09-01T00:00:00Z")] {
            let bill = tally(&["1"], &[], &[MONTH, other]);
            assert!(matches!(expected.check(&bill, period), Err(WrongBill::Period { .. })), "{other:?}");
        }
        assert_eq!(
            expected.check(&Tally::new(&COSTS, 0), period),
            Ok(()),
            "a bill without rows is nobody else's"
        );
    }
}
