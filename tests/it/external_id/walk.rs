//! One account on its way: changes made one by one, each answered by the operator, and every version of the object that
//! the API server had meanwhile.

use std::{collections::BTreeSet, time::Duration};

use awscost::{api::AwsCostAccount, model::ConditionType};
use futures::{StreamExt, stream::BoxStream};
use k8s_openapi::api::{core::v1::Secret, events::v1::Event};
use kube::{
    Api, ResourceExt,
    runtime::{WatchStreamExt, watcher},
};
use serde_json::Value;

use crate::fault_catalogue::{
    catalogue::Catalogue,
    cluster::Asked,
    ground::{Ground, conditions},
    operator,
    scene::{Names, Scene, by_path},
    world::{self, Objects},
};

/// The digit that no other accounts of the tests have.
pub const SET: u8 = 7;
/// How long an answer is waited for, so that a late one is told from none.
const PATIENCE: Duration = Duration::from_secs(60);

/// An account on its way.
pub struct Walk<'ground> {
    ground: &'ground Ground,
    scene: Scene,
    delivered: Objects,
    versions: BoxStream<'static, Result<AwsCostAccount, watcher::Error>>,
    seen: Vec<AwsCostAccount>,
}

impl<'ground> Walk<'ground> {
    /// Applies the catalogue's payer with these changes.
    pub async fn begin(ground: &'ground Ground, number: usize, changes: &[(&str, Value)]) -> Self {
        let names = Names::of(SET, number, &ground.sandbox.endpoint());
        let scene = Scene::healthy(&Catalogue::read(), "payer", names).with(&by_path(changes));
        let delivered = world::stage_delivered(&ground.sandbox, &scene);
        let this = watcher::Config::default().fields(&format!("metadata.name={}", scene.names.name));
        let versions = watcher(ground.cluster.accounts(), this).default_backoff().applied_objects().boxed();
        ground.cluster.stage_secrets(None, &scene).await.expect("the Secrets are taken");
        ground.cluster.stage_account(&scene).await.expect("the account is taken");
        Self { ground, scene, delivered, versions, seen: Vec::new() }
    }

    /// The object once the operator has a verdict.
    pub async fn verdict(&mut self) -> AwsCostAccount {
        self.until("a verdict", is_settled).await
    }

    /// What the account's names are.
    pub fn names(&self) -> &Names {
        &self.scene.names
    }

    /// Makes the changes, by path, at AWS and in the cluster; the object once the operator answered them.
    pub async fn turn(&mut self, changes: &[(&str, Value)]) -> AwsCostAccount {
        let to = self.scene.with(&by_path(changes));
        world::stage(&self.ground.sandbox, &to, &self.delivered);
        self.ground.cluster.stage_secrets(Some(&self.scene), &to).await.expect("the Secrets are taken");
        let before = std::mem::replace(&mut self.scene, to);
        if before.differs(&self.scene, "/spec") { self.apply().await } else { self.ask().await }
    }

    /// Applies the account; the object once the operator answered its spec.
    async fn apply(&mut self) -> AwsCostAccount {
        self.ground.cluster.stage_account(&self.scene).await.expect("the account is taken");
        let applied = self.ground.cluster.accounts().get(&self.names().name).await.expect("the account");
        self.until("its spec is answered", |account| {
            let observed = account.status.as_ref().and_then(|status| status.observed_generation);
            account.uid() == applied.uid() && observed == applied.metadata.generation && is_settled(account)
        })
        .await
    }

    /// Asks for a look; the object once the operator answered.
    pub async fn ask(&mut self) -> AwsCostAccount {
        let wish = uuid::Uuid::new_v4().to_string();
        let asked = self.ground.cluster.ask(Asked::Account, &self.names().name, &wish).await;
        asked.expect("the wish is taken");
        self.until("the wish is answered", |account| {
            let handled =
                account.status.as_ref().and_then(|status| status.last_handled_reconcile_at.as_ref());
            handled == Some(&wish) && is_settled(account)
        })
        .await
    }

    /// Deletes the account and applies it again; the object once the operator answered.
    pub async fn leave_and_come_back(&mut self) -> AwsCostAccount {
        let deleted = self.ground.cluster.accounts().delete(&self.names().name, &Default::default()).await;
        deleted.expect("the account goes");
        self.apply().await
    }

    /// Ends the operator and starts it again; the object once the new one answered a wish.
    pub async fn ask_another_operator(&mut self) -> AwsCostAccount {
        let identity = operator::identity(&self.scene);
        self.ground.operator().restart(&identity);
        self.ask().await
    }

    /// Follows the object until it is so.
    pub async fn until(&mut self, what: &str, is_so: impl Fn(&AwsCostAccount) -> bool) -> AwsCostAccount {
        if let Some(last) = self.seen.last().filter(|last| is_so(last)) {
            return last.clone();
        }
        let (versions, seen) = (&mut self.versions, &mut self.seen);
        let so = async {
            loop {
                // A watch that breaks is taken up again by itself.
                let Some(Ok(version)) = versions.next().await else { continue };
                seen.push(version.clone());
                if is_so(&version) {
                    return version;
                }
            }
        };
        match tokio::time::timeout(PATIENCE, so).await {
            Ok(version) => version,
            Err(_) => panic!(
                "{}: not after {PATIENCE:?}: {what}; its status is {:#?}\n{}",
                self.names().name,
                self.seen.last().and_then(|last| last.status.as_ref()),
                self.ground.operator_log(20)
            ),
        }
    }

    /// Every status that a condition ever had.
    pub fn ever(&self, type_: ConditionType) -> BTreeSet<&str> {
        let of_type = |account| conditions(account).iter().find(|one| one.type_ == type_.as_str());
        self.seen.iter().filter_map(of_type).map(|one| one.status.as_str()).collect()
    }

    /// The Secret that `externalIdSecretRef` names.
    pub async fn secret(&self) -> Secret {
        let name = self.scene.at("/spec/access/externalIdSecretRef/name").as_str().expect("a name");
        self.ground.cluster.secrets().get(name).await.expect("the external ID's Secret")
    }

    /// What events with this reason say of the account.
    pub async fn told(&self, reason: &str) -> Vec<String> {
        let cluster = &self.ground.cluster;
        let events: Api<Event> = Api::namespaced(cluster.client.clone(), &cluster.namespace);
        let all = events.list(&Default::default()).await.expect("events").items;
        let ours = all.into_iter().filter(|event| {
            let of = event.regarding.as_ref().and_then(|object| object.name.as_deref());
            event.reason.as_deref() == Some(reason) && of == Some(&self.names().name)
        });
        ours.filter_map(|event| event.note).collect()
    }
}

/// True once a verdict is given that nothing more is awaited for.
fn is_settled(account: &AwsCostAccount) -> bool {
    let found = conditions(account);
    !found.is_empty() && found.iter().all(|condition| condition.type_ != "Reconciling")
}

/// A condition's status, reason and message.
pub fn says(account: &AwsCostAccount, type_: ConditionType) -> (&str, &str, &str) {
    let found = conditions(account).iter().find(|condition| condition.type_ == type_.as_str());
    let found = found.unwrap_or_else(|| panic!("nothing is said of {type_}: {:#?}", account.status));
    (&found.status, &found.reason, &found.message)
}
