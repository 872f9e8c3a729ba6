//! How a pass gets at an account: its Secrets, what stands before any call to AWS, and what AWS is asked with.

use kube::{Resource, ResourceExt};

use crate::{
    aws::traits::Caller,
    connection::{Access, Finding, Target},
    controller::{
        access::{
            gate, generate,
            secrets::{self, AccessSight, SecretSight},
        },
        account::Pass,
        context::Memory,
        error::ReconcileFault,
        events,
        jobs::apply::Refused,
        settings::tenancy::Refusal,
        validate::{ValidAccess, ValidAccount},
    },
    model::ExternalId,
};

impl Pass<'_> {
    /// Tells the registry which external IDs this object uses.
    pub(super) fn note_external_ids(&self, sight: &AccessSight) {
        let created = self.account.creation_timestamp().map_or(self.now, |time| time.0);
        let ids = sight.external_ids();
        self.context.external_ids().note(&self.owner.uid, &self.owner.namespace, created, &ids);
        self.context.visit(&self.owner.uid);
    }

    /// What the account's Secrets hold, read again only when one of them changed.
    pub(super) async fn sight(
        &self,
        memory: &mut Memory,
        valid: &ValidAccount,
    ) -> Result<AccessSight, ReconcileFault> {
        let version = self.secret_version(valid);
        let key = version.map(|version| format!("{version} {:?}", valid.access));
        if let (Some(key), Some((known, sight))) = (&key, &memory.access)
            && known == key
        {
            return Ok(sight.clone());
        }
        let sight = match (&key, valid.role()) {
            // What the watch does not show is not there, or not labelled; what was just made it shows in a moment.
            (None, Some(role)) if !role.generate => {
                AccessSight::Role { current: SecretSight::NotUsable, next: None }
            }
            (None, None) => AccessSight::Keys(SecretSight::NotUsable),
            _ => secrets::look(self.context, &self.owner.namespace, &valid.access).await?,
        };
        memory.access = key.map(|key| (key, sight.clone()));
        Ok(sight)
    }

    /// Makes the external ID where the account asks for it and may have it, unless its Secret is there.
    pub(super) async fn generate(&self, valid: &ValidAccount, own: Option<&Caller>) -> Result<(), Refused> {
        let Some(role) = valid.role().filter(|role| role.generate) else { return Ok(()) };
        let there = self.stores.secret(&self.owner.namespace, &role.secret.name).is_some();
        if there || self.tenancy(valid, own).is_err() {
            return Ok(());
        }
        if let Some(notice) = generate::external_id(self.context, &self.owner, role).await? {
            tracing::info!(account = self.owner.name, secret = role.secret.name, "made an external ID");
            events::publish(&self.context.recorder, &self.account.object_ref(&()), &[notice]).await;
        }
        Ok(())
    }

    pub(super) fn target(&self, valid: &ValidAccount, access: Access) -> Target {
        valid.target(access, self.context.own_region.as_ref())
    }

    pub(super) fn secret_version(&self, valid: &ValidAccount) -> Option<String> {
        secrets::secret_version(self.stores, &self.owner.namespace, &valid.access)
    }

    /// What stands before any call to AWS on the account, and before any session for it.
    pub(super) fn gate(
        &self,
        valid: &ValidAccount,
        sight: &AccessSight,
        own: Option<&Caller>,
    ) -> Result<Access, Box<Finding>> {
        let tenancy = self.tenancy(valid, own);
        let ids = self.context.external_ids();
        let reused = |id: &ExternalId| ids.is_reused(&self.owner.uid, id);
        gate::pass(valid, &self.owner.namespace, tenancy, sight, self.secret_version(valid), &reused)
    }

    fn tenancy(&self, valid: &ValidAccount, own: Option<&Caller>) -> Result<(), Refusal> {
        let (tenancy, namespace) = (&self.context.settings.tenancy, &self.owner.namespace);
        match &valid.access {
            ValidAccess::Role(role) => tenancy.check(namespace, &role.role, own.map(|own| &own.account)),
            ValidAccess::Keys { .. } => tenancy.check_keys(namespace, &valid.account),
        }
    }

    /// Which external ID the role takes, while there are two to tell apart.
    pub(super) fn in_use(&self, memory: &Memory) -> Option<String> {
        let rotating = self.account.spec.access.next_external_id_secret_ref.is_some();
        memory.facts.in_use.filter(|_| rotating).map(|in_use| format!("{in_use:?}"))
    }
}
