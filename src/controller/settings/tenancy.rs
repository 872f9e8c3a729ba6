//! Who may use which role: the operator's AWS identity is shared, so the administrator says it.

use crate::{
    controller::settings::{RuleFile, TenancyFile},
    model::{AccountId, InvalidAccountId, RoleArn},
};

/// The administrator's rules. Empty means: one namespace is watched, and it may use any role but those of the
/// operator's own account.
#[derive(Debug, Clone, Default)]
pub struct Tenancy {
    rules: Vec<TenancyRule>,
    /// Roles of the operator's own account that may be used at all. Apart from the rules, so that naming one does not
    /// end the freedom of the one namespace that has none.
    own_account: Vec<Glob>,
}

#[derive(Debug, Clone)]
struct TenancyRule {
    namespaces: Vec<Glob>,
    accounts: Vec<AccountId>,
    roles: Vec<Glob>,
}

/// The settings hold something that is not a tenancy rule.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidTenancy {
    /// One of the rules.
    #[error("tenancy.rules[{0}]: {1}")]
    Rule(usize, InvalidRule),
    /// Not a pattern for role ARNs.
    #[error("tenancy.ownAccountRoleArns: {0:?} does not start with arn:")]
    OwnAccountRole(String),
}

/// The text is not a tenancy rule.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidRule {
    /// It is for nobody.
    #[error("namespaces is empty")]
    NoNamespaces,
    /// It allows nothing.
    #[error("it allows nothing: give accountIds or roleArns")]
    AllowsNothing,
    /// Not an account id.
    #[error("accountIds: {0}")]
    Account(#[from] InvalidAccountId),
    /// Not a pattern for role ARNs.
    #[error("roleArns: {0:?} does not start with arn:")]
    Role(String),
}

/// Why a role is not for a namespace.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TenancyRefusal {
    /// No rule allows it.
    NoRule,
    /// It lies in the operator's own account and nothing names it; apart from that, the rules allow it.
    OwnAccount,
    /// It lies in the operator's own account and nothing names it; nor does a rule allow the account in the namespace.
    OwnAccountAndNoRule,
}

impl Tenancy {
    /// Parses what the settings say.
    pub(super) fn parse(file: &TenancyFile) -> Result<Self, InvalidTenancy> {
        let numbered = file.rules.iter().enumerate();
        let rules = numbered
            .map(|(index, rule)| {
                TenancyRule::parse(rule).map_err(|problem| InvalidTenancy::Rule(index, problem))
            })
            .collect::<Result<_, _>>()?;
        let own_account =
            role_patterns(&file.own_account_role_arns).map_err(InvalidTenancy::OwnAccountRole)?;
        Ok(Self { rules, own_account })
    }

    /// True if there are no rules.
    pub fn is_empty(&self) -> bool {
        self.rules.is_empty()
    }

    /// Whether a namespace may use a role. `own` is the operator's own account: a role in it is the operator's to
    /// lend only where `ownAccountRoleArns` or a rule of the namespace names that role by ARN.
    pub fn check_role(
        &self,
        namespace: &str,
        role: &RoleArn,
        own: Option<&AccountId>,
    ) -> Result<(), TenancyRefusal> {
        let arn = role.to_string();
        let rules = || self.rules.iter().filter(|rule| matches_any(&rule.namespaces, namespace));
        let by_name = rules().any(|rule| matches_any(&rule.roles, &arn));
        let by_account = rules().any(|rule| rule.accounts.contains(role.account()));
        let allowed = self.is_empty() || by_name || by_account;
        let lent = own != Some(role.account()) || by_name || matches_any(&self.own_account, &arn);
        match (allowed, lent) {
            (true, true) => Ok(()),
            (true, false) => Err(TenancyRefusal::OwnAccount),
            (false, true) => Err(TenancyRefusal::NoRule),
            (false, false) => Err(TenancyRefusal::OwnAccountAndNoRule),
        }
    }

    /// Whether a namespace may use the keys of an IAM user of an account. No role is assumed, so the operator's own
    /// identity lends nothing; without rules any keys may be used.
    pub fn check_keys(&self, namespace: &str, account: &AccountId) -> Result<(), TenancyRefusal> {
        let mut rules = self.rules.iter().filter(|rule| matches_any(&rule.namespaces, namespace));
        let allowed = self.is_empty() || rules.any(|rule| rule.accounts.contains(account));
        if allowed { Ok(()) } else { Err(TenancyRefusal::NoRule) }
    }
}

impl TenancyRule {
    fn parse(file: &RuleFile) -> Result<Self, InvalidRule> {
        if file.namespaces.is_empty() {
            return Err(InvalidRule::NoNamespaces);
        }
        if file.account_ids.is_empty() && file.role_arns.is_empty() {
            return Err(InvalidRule::AllowsNothing);
        }
        Ok(Self {
            namespaces: file.namespaces.iter().map(|pattern| Glob(pattern.clone())).collect(),
            roles: role_patterns(&file.role_arns).map_err(InvalidRule::Role)?,
            accounts: file.account_ids.iter().map(|id| id.parse()).collect::<Result<_, _>>()?,
        })
    }
}

/// Patterns for role ARNs; the error is the first that is none.
fn role_patterns(patterns: &[String]) -> Result<Vec<Glob>, String> {
    match patterns.iter().find(|pattern| !pattern.starts_with("arn:")) {
        Some(bad) => Err(bad.clone()),
        None => Ok(patterns.iter().map(|pattern| Glob(pattern.clone())).collect()),
    }
}

/// A pattern in which `*` stands for any run of characters.
#[derive(Debug, Clone)]
struct Glob(String);

fn matches_any(globs: &[Glob], text: &str) -> bool {
    globs.iter().any(|glob| glob.matches(text))
}

impl Glob {
    fn matches(&self, text: &str) -> bool {
        let mut parts = self.0.split('*');
        let first = parts.next().unwrap_or_default();
        let Some(mut rest) = text.strip_prefix(first) else { return false };
        let mut parts: Vec<&str> = parts.collect();
        let Some(last) = parts.pop() else { return rest.is_empty() };
        for part in parts {
            match rest.find(part) {
                Some(at) => rest = &rest[at + part.len()..],
                None => return false,
            }
        }
        rest.ends_with(last)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tenancy(rules: &[(&[&str], &[&str], &[&str])]) -> Tenancy {
        with_own_account(rules, &[])
    }

    fn with_own_account(rules: &[(&[&str], &[&str], &[&str])], own_account: &[&str]) -> Tenancy {
        let texts = |texts: &[&str]| texts.iter().map(|text| (*text).to_owned()).collect();
        let rules = rules
            .iter()
            .map(|(namespaces, accounts, roles)| RuleFile {
                namespaces: texts(namespaces),
                account_ids: texts(accounts),
                role_arns: texts(roles),
            })
            .collect();
        let file = TenancyFile { rules, own_account_role_arns: texts(own_account) };
        Tenancy::parse(&file).expect("valid settings")
    }

    fn role(text: &str) -> RoleArn {
        text.parse().expect(text)
    }

    #[test]
    fn what_no_rule_allows_is_refused() {
        let rules = tenancy(&[
            (&["team-a"], &["111111111111"], &[]),
            (&["team-*"], &[], &["arn:aws:iam::*:role/awscost/*"]),
        ]);
        let verdict = |namespace: &str, arn: &str| rules.check_role(namespace, &role(arn), None);
        assert_eq!(verdict("team-a", "arn:aws:iam::111111111111:role/any"), Ok(()));
        assert_eq!(verdict("team-b", "arn:aws:iam::111111111111:role/any"), Err(TenancyRefusal::NoRule));
        assert_eq!(verdict("team-b", "arn:aws:iam::222222222222:role/awscost/x"), Ok(()));
        assert_eq!(verdict("other", "arn:aws:iam::222222222222:role/awscost/x"), Err(TenancyRefusal::NoRule));
    }

    #[test]
    fn without_rules_any_role_but_the_operators_own_account() {
        let own: AccountId = "999999999999".parse().expect("an id");
        let none = Tenancy::default();
        let foreign = role("arn:aws:iam::111111111111:role/a");
        let ours = role("arn:aws:iam::999999999999:role/a");
        assert_eq!(none.check_role("finops", &foreign, Some(&own)), Ok(()));
        assert_eq!(none.check_role("finops", &ours, Some(&own)), Err(TenancyRefusal::OwnAccount));
    }

    #[test]
    fn the_operators_own_account_needs_a_rule_that_names_the_role() {
        let own: AccountId = "999999999999".parse().expect("an id");
        let ours = role("arn:aws:iam::999999999999:role/a");
        let by_account = tenancy(&[(&["finops"], &["999999999999"], &[])]);
        let by_name = tenancy(&[(&["finops"], &[], &["arn:aws:iam::999999999999:role/a"])]);
        assert_eq!(by_account.check_role("finops", &ours, Some(&own)), Err(TenancyRefusal::OwnAccount));
        assert_eq!(by_name.check_role("finops", &ours, Some(&own)), Ok(()));
        assert_eq!(by_name.check_role("other", &ours, Some(&own)), Err(TenancyRefusal::OwnAccountAndNoRule));
    }

    #[test]
    fn naming_a_role_of_the_operators_own_account_takes_nothing_from_the_others() {
        let own: AccountId = "999999999999".parse().expect("an id");
        let (ours, foreign) =
            (role("arn:aws:iam::999999999999:role/a"), role("arn:aws:iam::111111111111:role/a"));
        let names = &["arn:aws:iam::999999999999:role/a"];
        let free = with_own_account(&[], names);
        assert_eq!(free.check_role("finops", &ours, Some(&own)), Ok(()));
        assert_eq!(free.check_role("finops", &foreign, Some(&own)), Ok(()), "no rule locks it out");
        let other = role("arn:aws:iam::999999999999:role/b");
        assert_eq!(free.check_role("finops", &other, Some(&own)), Err(TenancyRefusal::OwnAccount));
        let ruled = with_own_account(&[(&["finops"], &["999999999999"], &[])], names);
        assert_eq!(ruled.check_role("finops", &ours, Some(&own)), Ok(()));
        assert_eq!(
            ruled.check_role("other", &ours, Some(&own)),
            Err(TenancyRefusal::NoRule),
            "rules still say where"
        );
    }

    #[test]
    fn globs_are_anchored_at_both_ends() {
        for (pattern, text, expected) in [
            ("a", "a", true),
            ("a", "ab", false),
            ("a*", "ab", true),
            ("*b", "ab", true),
            ("a*c", "abc", true),
            ("a*b*c", "a1b2c", true),
            ("a*b*c", "a1c2b", false),
            ("ab*ba", "aba", false),
            ("*", "", true),
        ] {
            assert_eq!(Glob(pattern.to_owned()).matches(text), expected, "{pattern} on {text}");
        }
    }
}
