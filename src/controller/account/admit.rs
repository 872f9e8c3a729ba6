//! Whether AWS may be asked about an account, and with what: its Secrets, the external ID that is made for it, tenancy, and
//! the barrier after a start.

use kube::Resource;

use super::{
    EarlyEnd,
    judge::{AccountAdmission, AdmissionOutcome},
    memory::AccountMemory,
    observe::ReconcileScope,
};
use crate::{
    aws::traits::Caller,
    connection::{Finding, TargetAccess},
    controller::{
        access::{
            gate, generate,
            secrets::{self, AccessSecrets, ObservedAccess, ObservedSecret},
        },
        error::{AFTER_REFUSAL, REFUSED_AT_GATE, ReconcileFault, ReconcileTrouble, Refused},
        events,
        settings::tenancy::TenancyRefusal,
        validate::{ValidAccess, ValidAccount},
    },
    model::{ExternalId, Reason},
};

/// Judges whether AWS may be asked. Ends here while other accounts' external IDs are not known yet.
pub(super) async fn admit_account<'a>(
    scope: &ReconcileScope<'_>,
    memory: &mut AccountMemory,
    valid: &'a ValidAccount,
    trouble: &mut ReconcileTrouble,
) -> Result<AccountAdmission<'a>, EarlyEnd> {
    let own = scope.context().own_identity(scope.now).await;
    if let Ok(own) = &own {
        memory.operator = Some(own.clone());
    }
    // First the Secret, then the look at it: the look comes up empty where it can't be made, which is told as such.
    let made = generate_external_id(scope, valid, own.as_ref().ok()).await;
    let secrets = read_secrets(scope, memory, valid).await?;
    note_external_ids(scope, &secrets.sight);
    let outcome = match pass_gate(scope, valid, &secrets, own.as_ref().ok()) {
        Ok(access) => {
            if let Some(wait) = scope.accounts.barrier.wait(scope.now) {
                return Err(EarlyEnd::Wait(wait));
            }
            AdmissionOutcome::Admitted {
                target: Box::new(valid.target(access, scope.context().own_region.as_ref())),
                secrets: secrets.version,
                // Only a role is assumed with the operator's own identity.
                unknown_self: own.err().filter(|_| valid.role().is_some()),
            }
        }
        Err(finding) => {
            memory.forget_probes();
            refuse_account(scope, *finding, made, trouble)
        }
    };
    Ok(AccountAdmission { valid, outcome })
}

/// The gate's word. That a Secret is missing which can't be made needs other words than how to make it.
fn refuse_account(
    scope: &ReconcileScope<'_>,
    mut finding: Finding,
    made: Result<(), Refused>,
    trouble: &mut ReconcileTrouble,
) -> AdmissionOutcome {
    match made {
        Err(Refused::Blocked(blockage)) if finding.reason == Reason::SecretNotUsable => {
            finding.message = blockage.message;
            return AdmissionOutcome::Refused { finding, retry_at: scope.now + AFTER_REFUSAL };
        }
        Err(Refused::Fault(fault)) => trouble.note(Refused::Fault(fault)),
        Ok(()) | Err(Refused::Blocked(_)) => {}
    }
    AdmissionOutcome::Refused { finding, retry_at: scope.now + REFUSED_AT_GATE }
}

/// Tells the registry which external IDs this object uses.
pub(super) fn note_external_ids(scope: &ReconcileScope<'_>, secrets: &ObservedAccess) {
    let ids = secrets.external_ids();
    let (uid, namespace) = (&scope.owner.uid, &scope.owner.namespace);
    scope.accounts.external_ids().note(uid, namespace, scope.created(), &ids);
    scope.accounts.note_visit(uid);
}

/// What the account's Secrets hold, read again only when one of them or what the spec says of them changed.
pub(super) async fn read_secrets(
    scope: &ReconcileScope<'_>,
    memory: &mut AccountMemory,
    valid: &ValidAccount,
) -> Result<AccessSecrets, ReconcileFault> {
    // Before the read: if a Secret changes in between, the next reconcile sees another version and reads once more.
    let version = secret_version(scope, valid);
    if let Some((known, seen)) = &memory.secrets
        && version.is_some()
        && (known, &seen.version) == (&valid.access, &version)
    {
        return Ok(seen.clone());
    }
    let sight = match (&version, valid.role()) {
        // What the watch does not show is not there, or not labelled; what was just made it shows in a moment.
        (None, Some(role)) if !role.generate => {
            ObservedAccess::Role { current: ObservedSecret::NotUsable, next: None }
        }
        (None, None) => ObservedAccess::Keys(ObservedSecret::NotUsable),
        _ => secrets::fetch_secrets(scope.context(), &scope.owner.namespace, &valid.access).await?,
    };
    let seen = AccessSecrets { version, sight };
    memory.secrets = Some((valid.access.clone(), seen.clone()));
    Ok(seen)
}

/// Makes the external ID where the account asks for it and may have it, unless its Secret is there.
async fn generate_external_id(
    scope: &ReconcileScope<'_>,
    valid: &ValidAccount,
    own: Option<&Caller>,
) -> Result<(), Refused> {
    let Some(role) = valid.role().filter(|role| role.generate) else { return Ok(()) };
    let there = scope.stores.secret(&scope.owner.namespace, &role.secret.name).is_some();
    if there || check_tenancy(scope, valid, own).is_err() {
        return Ok(());
    }
    if let Some(notice) = generate::make_external_id(scope.context(), &scope.owner, role).await? {
        tracing::info!(account = scope.owner.name, secret = role.secret.name, "made an external ID");
        events::publish_notices(&scope.context().recorder, &scope.account.object_ref(&()), &[notice]).await;
    }
    Ok(())
}

/// The versions of the Secrets that access needs: another one calls for another probe and another attempt.
pub(super) fn secret_version(scope: &ReconcileScope<'_>, valid: &ValidAccount) -> Option<String> {
    secrets::secret_version(scope.stores, &scope.owner.namespace, &valid.access)
}

/// What stands before any call to AWS on the account, and before any session for it.
pub(super) fn pass_gate(
    scope: &ReconcileScope<'_>,
    valid: &ValidAccount,
    secrets: &AccessSecrets,
    own: Option<&Caller>,
) -> Result<TargetAccess, Box<Finding>> {
    let tenancy = check_tenancy(scope, valid, own);
    let ids = scope.accounts.external_ids();
    let is_reused = |id: &ExternalId| ids.is_reused(&scope.owner.uid, id);
    gate::pass_gate(valid, &scope.owner.namespace, tenancy, secrets, &is_reused)
}

fn check_tenancy(
    scope: &ReconcileScope<'_>,
    valid: &ValidAccount,
    own: Option<&Caller>,
) -> Result<(), TenancyRefusal> {
    let (tenancy, namespace) = (&scope.context().settings.tenancy, &scope.owner.namespace);
    match &valid.access {
        ValidAccess::Role(role) => tenancy.check_role(namespace, &role.role, own.map(|own| &own.account)),
        ValidAccess::Keys { .. } => tenancy.check_keys(namespace, &valid.account),
    }
}
