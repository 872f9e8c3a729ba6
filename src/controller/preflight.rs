//! A reconcile without a cluster, once and from nothing: what `awscost check` says. It probes AWS itself, and judges as the
//! operator does.

use std::collections::BTreeMap;

use jiff::Timestamp;
use k8s_openapi::api::core::v1::Secret;

use super::{
    access::{
        external_ids::ExternalIds,
        gate,
        secrets::{self, AccessSecrets},
    },
    account::judge::{self, AccountAdmission, AccountEvidence, AdmissionOutcome, AwsKnowledge, LoadProgress},
    settings::tenancy::TenancyRefusal,
    status::{self, unusable},
    validate::{self, RoleInput, ValidAccess, ValidAccount},
};
use crate::{
    api::{
        AwsCostAccount, AwsCostAccountSpec, AwsCostAccountStatus, CostWarehouseSpec, USE_ACCESS_KEY,
        USE_EXTERNAL_ID,
        conditions::{self, Condition, Saying},
    },
    aws::{Aws, AwsFault, traits::Caller},
    connection::{Asker, Finding, Look, ProbeRun, Target, TargetAccess, checks, gather},
    model::{AccountId, ConditionType, ExternalId, Reason, Region},
};

pub use super::{
    settings::tenancy::Tenancy,
    warehouse::as_seen::{no_warehouse, warehouse_says},
};

/// Judges accounts without a cluster.
pub struct Preflight {
    aws: Aws,
    own: Result<Caller, AwsFault>,
    own_region: Option<Region>,
    tenancy: Tenancy,
    external_ids: ExternalIds,
}

/// One account, and what it refers to.
pub struct PreflightCase<'a> {
    /// The account.
    pub account: &'a AwsCostAccount,
    /// Its namespace.
    pub namespace: &'a str,
    /// A name of its own among all that are judged together.
    pub uid: &'a str,
    /// The Secrets of its namespace that are given, by name.
    pub secrets: &'a BTreeMap<String, Secret>,
    /// What the warehouse it names comes to.
    pub warehouse: &'a Saying,
}

/// What a check without a cluster comes to.
#[derive(Debug, Clone)]
pub struct PreflightResult {
    /// The conditions that an operator would write.
    pub conditions: Vec<Condition>,
    /// What they are made from, on AWS's side.
    pub findings: Vec<Finding>,
}

/// The Secrets that an account's access needs, each with the label it must carry.
pub fn secrets_of(spec: &AwsCostAccountSpec) -> Vec<(String, &'static str)> {
    let Ok(valid) = validate::parse_account(spec) else { return Vec::new() };
    let label = if valid.role().is_some() { USE_EXTERNAL_ID } else { USE_ACCESS_KEY };
    valid.access.secrets().map(|name| (name.to_owned(), label)).collect()
}

impl Preflight {
    /// Judges as an operator would whose identity is that of `aws`, under `tenancy`.
    pub async fn new(aws: Aws, own_region: Option<Region>, tenancy: Tenancy) -> Self {
        let own = aws.identity.base_caller().await;
        Self { aws, own, own_region, tenancy, external_ids: ExternalIds::default() }
    }

    /// Notes an account's external IDs: of two namespaces that use the same, the one noted later is at fault.
    pub fn note(&mut self, case: &PreflightCase<'_>, created: Timestamp) {
        if let Ok(valid) = validate::parse_account(&case.account.spec) {
            let sight = secrets::see_secrets(&valid.access, case.secrets);
            self.external_ids.note(case.uid, case.namespace, created, &sight.external_ids());
        }
    }

    /// The conditions that the operator's first reconcile over the account would end with, if no Job could start.
    pub async fn judge(&self, case: &PreflightCase<'_>, now: Timestamp) -> PreflightResult {
        let valid = match validate::parse_account(&case.account.spec) {
            Ok(valid) => valid,
            Err(problem) => return invalid_spec(&problem.to_string(), now),
        };
        let mut known = AwsKnowledge::default();
        // An object read from a cluster brings with it what its operator knows.
        let status = case.account.status.as_ref();
        known.facts.last_assumed =
            status.and_then(|status| status.identity.as_ref()).and_then(judge::last_assumed);
        let outcome = match self.admit_target(case, &valid) {
            Err(finding) => AdmissionOutcome::Refused { finding: *finding, retry_at: now },
            Ok(target) => {
                // Whose role it would be can't be told, so none is assumed. An IAM user's keys need nobody else's.
                let unknown_self = self.own.as_ref().err().filter(|_| valid.role().is_some()).cloned();
                AdmissionOutcome::Admitted { target: Box::new(target), secrets: None, unknown_self }
            }
        };
        let admission = AccountAdmission { valid: &valid, outcome };
        self.probe_target(&admission, &mut known, now).await;
        // Judged as new, whatever a cluster says of it: a check tells how AWS is now, not what stood there once.
        let nothing = AwsCostAccountStatus::default();
        let created = case.account.metadata.creation_timestamp.as_ref();
        let judged = judge::judge_account(
            &admission,
            &AccountEvidence {
                aws: &known,
                stored: &nothing,
                months: status.map_or(&[], |status| status.periods.as_slice()),
                jobs: &[],
                warehouse: Some(case.warehouse.clone().into()),
                since: created.map_or(now, |created| created.0),
                earlier: None,
                now,
            },
        );
        let status = status::build_status(&judged.account_state(&nothing, &LoadProgress::default(), now));
        PreflightResult { conditions: status.conditions, findings: judged.findings }
    }

    fn admit_target(&self, case: &PreflightCase<'_>, valid: &ValidAccount) -> Result<Target, Box<Finding>> {
        // The caller is whoever runs the check: which account is the operator's own, only its status tells.
        let own = operators_account(case.account);
        let tenancy = match &valid.access {
            ValidAccess::Role(role) => self.tenancy.check_role(case.namespace, &role.role, own.as_ref()),
            ValidAccess::Keys { .. } => self.tenancy.check_keys(case.namespace, &valid.account),
        };
        let reused = |id: &ExternalId| self.external_ids.is_reused(case.uid, id);
        let access = admit_through(valid, case, tenancy, &reused)?;
        Ok(Target { asker: Asker::Check, ..valid.target(access, self.own_region.as_ref()) })
    }

    /// Asks AWS everything once.
    async fn probe_target(&self, admission: &AccountAdmission<'_>, known: &mut AwsKnowledge, now: Timestamp) {
        let AdmissionOutcome::Admitted { target, unknown_self, .. } = &admission.outcome else { return };
        match unknown_self {
            Some(fault) => known.facts.base.record(now, Err(fault.clone())),
            None => {
                gather(
                    ProbeRun { aws: &self.aws, target, now },
                    Look::ALL,
                    &mut known.facts,
                    &mut known.sessions,
                )
                .await;
            }
        }
        let below = judge::judge_connection(&known.facts, target, None, now);
        if let Some(bill) = admission.valid.bill.as_ref().filter(|_| judge::may_list(&below)) {
            let kind = checks::report_kind(&known.facts, target);
            known.list_deliveries(&self.aws, bill, kind, now).await;
        }
    }
}

/// The account of the identity that an operator noted, or, if it is of an older version, noted when it assumed the role.
fn operators_account(account: &AwsCostAccount) -> Option<AccountId> {
    let identity = account.status.as_ref()?.identity.as_ref()?;
    if let Some(operator) = &identity.operator {
        return operator.account_id.parse().ok();
    }
    identity.last_assumed.as_ref()?.principal.as_ref()?.split(':').nth(4)?.parse().ok()
}

/// The gate, with the Secrets that are given.
fn admit_through(
    valid: &ValidAccount,
    case: &PreflightCase<'_>,
    tenancy: Result<(), TenancyRefusal>,
    reused: &dyn Fn(&ExternalId) -> bool,
) -> Result<TargetAccess, Box<Finding>> {
    let sight = secrets::see_secrets(&valid.access, case.secrets);
    let version_of = |name: &str| case.secrets.get(name)?.metadata.resource_version.clone();
    let version = secrets::join_versions(&valid.access, version_of);
    match valid.role() {
        // The operator makes it when the account is applied: what it will be, nobody can know before.
        Some(role) if tenancy.is_ok() && is_to_be_made(role, case) => Err(Box::new(Finding::unknown(
            ConditionType::RoleAssumable,
            Reason::NotChecked,
            format!(
                "The operator makes Secret {} when the account is applied (generateExternalId), so until then the role \
                 can't be looked at. Put its external ID into the role's trust policy then.",
                role.secret.name
            ),
        ))),
        _ => gate::pass_gate(valid, case.namespace, tenancy, &AccessSecrets { version, sight }, reused),
    }
}

/// True if the account asks the operator for its external ID, and the operator has not made it yet.
pub fn makes_external_id(case: &PreflightCase<'_>) -> bool {
    let valid = validate::parse_account(&case.account.spec);
    valid.is_ok_and(|valid| valid.role().is_some_and(|role| is_to_be_made(role, case)))
}

fn is_to_be_made(role: &RoleInput, case: &PreflightCase<'_>) -> bool {
    role.generate && !case.secrets.contains_key(&role.secret.name)
}

/// What can be said of an account without a look at AWS: whether its spec, its Secrets where they are given, and the
/// warehouse it names can be used.
pub fn without_aws(case: &PreflightCase<'_>, now: Timestamp) -> PreflightResult {
    let valid = match validate::parse_account(&case.account.spec) {
        Ok(valid) => valid,
        Err(problem) => return invalid_spec(&problem.to_string(), now),
    };
    let given = valid.access.secrets().all(|name| case.secrets.contains_key(name));
    let refused = given.then(|| admit_through(&valid, case, Ok(()), &|_| false).err()).flatten();
    let findings: Vec<Finding> = refused.into_iter().map(|finding| *finding).collect();
    let mut sayings: Vec<Saying> = findings.iter().map(status::condition_draft).collect();
    sayings.extend(valid.bill.is_some().then(|| case.warehouse.clone()));
    PreflightResult { conditions: conditions::write(&[], &sayings, None, now), findings }
}

/// What can be said of a warehouse without its probe: nothing, if its spec can be used.
pub fn of_warehouse_spec(spec: &CostWarehouseSpec, now: Timestamp) -> Vec<Condition> {
    match spec.parse() {
        Ok(_) => Vec::new(),
        Err(problem) => conditions::write(&[], &unusable::invalid_summary(&problem.to_string()), None, now),
    }
}

fn invalid_spec(problem: &str, now: Timestamp) -> PreflightResult {
    let status = unusable::invalid_spec(&AwsCostAccountStatus::default(), None, None, problem, now);
    PreflightResult { conditions: status.conditions, findings: Vec::new() }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::{
        api::{
            USE_LABEL,
            status::{Identity, LastAssumedStatus as Noted, OperatorIdentity},
        },
        connection::{fake::FakeAws, sample},
        model::ConditionStatus,
    };

    fn account(spec: serde_json::Value) -> AwsCostAccount {
        AwsCostAccount::new("acme", serde_json::from_value(spec).expect("a spec"))
    }

    fn no_warehouse() -> Saying {
        Saying::new(ConditionType::WarehouseReady, ConditionStatus::Unknown, Reason::Probing, "words")
    }

    #[tokio::test]
    async fn only_the_operators_account_is_its_own_and_not_that_of_whoever_runs_the_check() {
        let mut script = sample::script();
        let role = "arn:aws:iam::111122223333:role/finops/awscost";
        script.base =
            Ok(Caller { account: "111122223333".parse().expect("an account"), ..sample::operator() });
        let preflight = Preflight::new(FakeAws::new(script).aws(), None, Tenancy::default()).await;
        let mut account = account(json!({
            "accountType": "Member",
            "access": {"roleArn": role, "externalIdSecretRef": {"name": "id"}}
        }));
        let label = BTreeMap::from([(USE_LABEL.to_owned(), USE_EXTERNAL_ID.to_owned())]);
        let mut secret = Secret { string_data: None, ..Secret::default() };
        secret.metadata.labels = Some(label);
        let data = k8s_openapi::ByteString(b"the-external-id".to_vec());
        secret.data = Some(BTreeMap::from([("externalId".to_owned(), data)]));
        let secrets = BTreeMap::from([("id".to_owned(), secret)]);
        let mut said = Vec::new();
        let own = "arn:aws:iam::111122223333:role/operator".to_owned();
        let operator = OperatorIdentity { account_id: "111122223333".to_owned(), principal: own.clone() };
        for (principal, operator) in [(None, None), (Some(own), None), (None, Some(operator))] {
            let last = Noted { role_arn: role.to_owned(), secret_version: None, principal };
            let identity = Identity { last_assumed: Some(last), operator, ..Identity::default() };
            account.status =
                Some(AwsCostAccountStatus { identity: Some(identity), ..AwsCostAccountStatus::default() });
            let warehouse = no_warehouse();
            let case = PreflightCase {
                account: &account,
                namespace: "finops",
                uid: "uid",
                secrets: &secrets,
                warehouse: &warehouse,
            };
            let conditions = preflight.judge(&case, Timestamp::now()).await.conditions;
            let role = conditions.iter().find(|condition| condition.type_ == "RoleAssumable");
            said.push(role.expect("it is judged").reason.clone());
        }
        assert_eq!(said, ["RoleAssumed", "RoleNotAllowedInNamespace", "RoleNotAllowedInNamespace"]);
    }

    #[test]
    fn tenancy_is_judged_before_a_secret_that_the_operator_is_to_make() {
        let account = account(json!({
            "accountType": "Member",
            "access": {
                "roleArn": "arn:aws:iam::123456789012:role/awscost",
                "externalIdSecretRef": {"name": "id"},
                "generateExternalId": true
            }
        }));
        let valid = validate::parse_account(&account.spec).expect("valid");
        let case = PreflightCase {
            account: &account,
            namespace: "finops",
            uid: "uid",
            secrets: &BTreeMap::new(),
            warehouse: &no_warehouse(),
        };
        for (tenancy, expected) in
            [(Ok(()), Reason::NotChecked), (Err(TenancyRefusal::NoRule), Reason::RoleNotAllowedInNamespace)]
        {
            let finding = admit_through(&valid, &case, tenancy, &|_| false).expect_err("there is no Secret");
            assert_eq!(finding.reason, expected);
        }
    }
}
