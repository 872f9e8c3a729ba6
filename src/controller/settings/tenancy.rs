//! Who may use which role: the operator's AWS identity is shared, so the administrator says it.

use std::collections::{BTreeSet, HashMap};

use jiff::Timestamp;
use sha2::{Digest, Sha256};

use crate::{
    controller::settings::{RuleFile, TenancyFile},
    model::{AccountId, ExternalId, InvalidAccountId, RoleArn},
};

/// The administrator's rules. Empty means: one namespace is watched, and it may use any role but those of the
/// operator's own account.
#[derive(Debug, Clone, Default)]
pub struct Tenancy {
    rules: Vec<Rule>,
    /// Roles of the operator's own account that may be used at all. Apart from the rules, so that naming one does not
    /// end the freedom of the one namespace that has none.
    own_account: Vec<Glob>,
}

#[derive(Debug, Clone)]
struct Rule {
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
pub enum Refusal {
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
            .map(|(index, rule)| Rule::parse(rule).map_err(|problem| InvalidTenancy::Rule(index, problem)))
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
    pub fn check(&self, namespace: &str, role: &RoleArn, own: Option<&AccountId>) -> Result<(), Refusal> {
        let arn = role.to_string();
        let rules = || self.rules.iter().filter(|rule| matches_any(&rule.namespaces, namespace));
        let by_name = rules().any(|rule| matches_any(&rule.roles, &arn));
        let by_account = rules().any(|rule| rule.accounts.contains(role.account()));
        let allowed = self.is_empty() || by_name || by_account;
        let lent = own != Some(role.account()) || by_name || matches_any(&self.own_account, &arn);
        match (allowed, lent) {
            (true, true) => Ok(()),
            (true, false) => Err(Refusal::OwnAccount),
            (false, true) => Err(Refusal::NoRule),
            (false, false) => Err(Refusal::OwnAccountAndNoRule),
        }
    }

    /// Whether a namespace may use the keys of an IAM user of an account. No role is assumed, so the operator's own
    /// identity lends nothing; without rules any keys may be used.
    pub fn check_keys(&self, namespace: &str, account: &AccountId) -> Result<(), Refusal> {
        let mut rules = self.rules.iter().filter(|rule| matches_any(&rule.namespaces, namespace));
        let allowed = self.is_empty() || rules.any(|rule| rule.accounts.contains(account));
        if allowed { Ok(()) } else { Err(Refusal::NoRule) }
    }
}

impl Rule {
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

/// Which namespace uses which external ID, by a keyed hash that lives and dies with the process.
///
/// One external ID in two namespaces means that one tenant could lend itself the other's role.
#[derive(Debug)]
pub struct ExternalIds {
    key: [u8; 32],
    claims: HashMap<String, Claim>,
    /// By external ID and namespace who uses it, the oldest first: one question about an object must not take a look at
    /// every other.
    users: HashMap<Hash, HashMap<String, BTreeSet<Age>>>,
}

/// Of an external ID.
type Hash = [u8; 32];

/// Orders objects by age; of the same age, the one whose UID sorts first is the older.
type Age = (Timestamp, String);

#[derive(Debug, Clone)]
struct Claim {
    /// Of the external ID, and of the one that is to take its place.
    hashes: Vec<Hash>,
    namespace: String,
    age: Age,
}

impl Default for ExternalIds {
    fn default() -> Self {
        Self { key: rand::random(), claims: HashMap::new(), users: HashMap::new() }
    }
}

impl ExternalIds {
    /// Notes an object's external IDs, or that it has none.
    pub fn note(&mut self, uid: &str, namespace: &str, created: Timestamp, ids: &[&ExternalId]) {
        self.forget(uid);
        if ids.is_empty() {
            return;
        }
        let age = (created, uid.to_owned());
        let hashes: Vec<Hash> = ids.iter().map(|id| self.hash(id)).collect();
        for hash in &hashes {
            let of_namespace = self.users.entry(*hash).or_default().entry(namespace.to_owned()).or_default();
            of_namespace.insert(age.clone());
        }
        self.claims.insert(uid.to_owned(), Claim { hashes, namespace: namespace.to_owned(), age });
    }

    /// Forgets an object.
    pub fn forget(&mut self, uid: &str) {
        let Some(claim) = self.claims.remove(uid) else { return };
        for hash in claim.hashes {
            let Some(namespaces) = self.users.get_mut(&hash) else { continue };
            if let Some(users) = namespaces.get_mut(&claim.namespace) {
                users.remove(&claim.age);
            }
            namespaces.retain(|_, users| !users.is_empty());
            if namespaces.is_empty() {
                self.users.remove(&hash);
            }
        }
    }

    /// True if an older object in another namespace uses this external ID of an object's.
    pub fn is_reused(&self, uid: &str, id: &ExternalId) -> bool {
        let (Some(mine), Some(namespaces)) = (self.claims.get(uid), self.users.get(&self.hash(id))) else {
            return false;
        };
        let mut others = namespaces.iter().filter(|(namespace, _)| **namespace != mine.namespace);
        others.any(|(_, users)| users.first().is_some_and(|oldest| *oldest < mine.age))
    }

    /// HMAC in its simplest sound form for a fixed-length key: SHA-256 over key, text, key.
    fn hash(&self, id: &ExternalId) -> Hash {
        Sha256::new()
            .chain_update(self.key)
            .chain_update(id.expose())
            .chain_update(self.key)
            .finalize()
            .into()
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
        let verdict = |namespace: &str, arn: &str| rules.check(namespace, &role(arn), None);
        assert_eq!(verdict("team-a", "arn:aws:iam::111111111111:role/any"), Ok(()));
        assert_eq!(verdict("team-b", "arn:aws:iam::111111111111:role/any"), Err(Refusal::NoRule));
        assert_eq!(verdict("team-b", "arn:aws:iam::222222222222:role/awscost/x"), Ok(()));
        assert_eq!(verdict("other", "arn:aws:iam::222222222222:role/awscost/x"), Err(Refusal::NoRule));
    }

    #[test]
    fn without_rules_any_role_but_the_operators_own_account() {
        let own: AccountId = "999999999999".parse().expect("an id");
        let none = Tenancy::default();
        let foreign = role("arn:aws:iam::111111111111:role/a");
        let ours = role("arn:aws:iam::999999999999:role/a");
        assert_eq!(none.check("finops", &foreign, Some(&own)), Ok(()));
        assert_eq!(none.check("finops", &ours, Some(&own)), Err(Refusal::OwnAccount));
    }

    #[test]
    fn the_operators_own_account_needs_a_rule_that_names_the_role() {
        let own: AccountId = "999999999999".parse().expect("an id");
        let ours = role("arn:aws:iam::999999999999:role/a");
        let by_account = tenancy(&[(&["finops"], &["999999999999"], &[])]);
        let by_name = tenancy(&[(&["finops"], &[], &["arn:aws:iam::999999999999:role/a"])]);
        assert_eq!(by_account.check("finops", &ours, Some(&own)), Err(Refusal::OwnAccount));
        assert_eq!(by_name.check("finops", &ours, Some(&own)), Ok(()));
        assert_eq!(by_name.check("other", &ours, Some(&own)), Err(Refusal::OwnAccountAndNoRule));
    }

    #[test]
    fn naming_a_role_of_the_operators_own_account_takes_nothing_from_the_others() {
        let own: AccountId = "999999999999".parse().expect("an id");
        let (ours, foreign) =
            (role("arn:aws:iam::999999999999:role/a"), role("arn:aws:iam::111111111111:role/a"));
        let names = &["arn:aws:iam::999999999999:role/a"];
        let free = with_own_account(&[], names);
        assert_eq!(free.check("finops", &ours, Some(&own)), Ok(()));
        assert_eq!(free.check("finops", &foreign, Some(&own)), Ok(()), "no rule locks it out");
        let other = role("arn:aws:iam::999999999999:role/b");
        assert_eq!(free.check("finops", &other, Some(&own)), Err(Refusal::OwnAccount));
        let ruled = with_own_account(&[(&["finops"], &["999999999999"], &[])], names);
        assert_eq!(ruled.check("finops", &ours, Some(&own)), Ok(()));
        assert_eq!(ruled.check("other", &ours, Some(&own)), Err(Refusal::NoRule), "rules still say where");
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

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).expect("a time")
    }

    #[test]
    fn one_external_id_in_two_namespaces_blocks_the_newer_object() {
        let id = ExternalId::parse(b"shared-external-id").expect("an id");
        let mut ids = ExternalIds::default();
        ids.note("newer", "b", at(20), &[&id]);
        assert!(!ids.is_reused("newer", &id), "alone it is fine");
        ids.note("older", "a", at(10), &[&id]);
        assert!(ids.is_reused("newer", &id) && !ids.is_reused("older", &id));
        ids.note("sibling", "a", at(30), &[&id]);
        assert!(!ids.is_reused("older", &id), "one namespace is one trust domain");
        ids.forget("older");
        ids.forget("sibling");
        assert!(!ids.is_reused("newer", &id));
        assert_eq!(ids.users.len(), 1, "who is gone leaves nothing");
        ids.note("newer", "b", at(20), &[]);
        assert!(ids.users.is_empty() && ids.claims.is_empty());
    }
}
