//! Session Secrets that no reconcile looks after: an account went and left them (`kubectl delete --cascade=orphan`).

use std::{collections::HashSet, sync::Arc, time::Duration};

use jiff::Timestamp;
use k8s_openapi::api::batch::v1::Job;
use kube::ResourceExt;
use tokio_util::sync::CancellationToken;

use crate::controller::{
    context::{Context, Stores},
    jobs::{
        concurrency,
        session::{self, ObservedSession},
    },
};

/// How often they are looked for: a session ends after an hour.
const EVERY: Duration = Duration::from_secs(60 * 60);

/// Deletes them now, and again every hour, until `stop`. To be run once every watch has shown what is there: before, an
/// account that is there may not be known.
pub async fn sweep_hourly(context: Arc<Context>, stop: CancellationToken) {
    loop {
        for stores in &context.stores {
            sweep_stores(&context, stores, Timestamp::now()).await;
        }
        tokio::select! {
            () = tokio::time::sleep(EVERY) => {}
            () = stop.cancelled() => return,
        }
    }
}

async fn sweep_stores(context: &Context, stores: &Stores, now: Timestamp) {
    for (namespace, ObservedSession { name, uid, .. }) in find_orphans(stores, now) {
        // One that can't be deleted now is found again in an hour.
        match session::delete_session(context, &namespace, &name, &uid).await {
            Ok(()) => tracing::info!(namespace, name, "deleted a session without an account"),
            Err(error) => tracing::warn!(namespace, name, %error, "a session without an account stays"),
        }
    }
}

/// With their namespaces: sessions whose account or warehouse is gone, and that no Job uses.
fn find_orphans(stores: &Stores, now: Timestamp) -> Vec<(String, ObservedSession)> {
    let accounts = stores.accounts.state().into_iter().filter_map(|it| Some((it.namespace()?, it.uid()?)));
    let warehouses =
        stores.warehouses.state().into_iter().filter_map(|it| Some((it.namespace()?, it.uid()?)));
    // By namespace and UID: a Secret's label may name any UID, also that of an account elsewhere.
    let there: HashSet<(String, String)> = accounts.chain(warehouses).collect();
    let is_there = |namespace: &str, uid: &str| there.contains(&(namespace.to_owned(), uid.to_owned()));
    let jobs = stores.jobs.left_behind(is_there);
    let (ended, active): (Vec<_>, Vec<_>) = jobs.into_iter().partition(|job| concurrency::has_ended(job));
    let is_called = |job: &Job, namespace: &str, name: &str| {
        job.metadata.namespace.as_deref() == Some(namespace) && job.name_any() == name
    };
    let has_ended = |namespace: &str, name: &str| ended.iter().any(|job| is_called(job, namespace, name));
    session::left_behind(stores, &is_there, &has_ended)
        .into_iter()
        .filter(|(namespace, secret)| {
            let in_use = active.iter().any(|job| is_called(job, namespace, &secret.name));
            let active = if in_use { std::slice::from_ref(&secret.name) } else { &[] };
            !session::plan_upkeep(std::slice::from_ref(secret), active, &[], now).delete.is_empty()
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::controller::{context::children::tests::shown, loads::periods::tests::at};

    fn secret(name: &str, account: &str, created: i64) -> Value {
        json!({"metadata": {
            "namespace": "finops", "name": name, "uid": format!("{name}-uid"),
            "creationTimestamp": at(created).to_string(),
            "labels": {"awscost.io/use": "session", "awscost.io/account-uid": account},
            "annotations": {"awscost.io/expires": at(created + 60).to_string()},
        }})
    }

    fn job(namespace: &str, name: &str, conditions: &Value) -> Value {
        json!({
            "metadata": {"namespace": namespace, "name": name, "labels": {"awscost.io/account-uid": "gone"}},
            "status": {"conditions": conditions}
        })
    }

    #[test]
    fn what_an_account_left_behind_goes_once_no_job_uses_it() {
        let accounts = shown(&[json!({
            "apiVersion": "awscost.io/v1alpha1", "kind": "AwsCostAccount", "spec": {},
            "metadata": {"namespace": "finops", "name": "acme", "uid": "there"},
        })]);
        let ended = json!([{"type": "Complete", "status": "True"}]);
        let jobs = shown(&[
            job("finops", "at-work", &json!([])),
            job("finops", "ended", &ended),
            // What somebody calls so in another namespace keeps nothing alive, and ends nothing.
            job("elsewhere", "left", &json!([])),
            job("elsewhere", "just-made", &ended),
        ]);
        let mut external_id = secret("external-id", "gone", -600);
        external_id["metadata"]["labels"]["awscost.io/use"] = "external-id".into();
        let mut probe = secret("of-a-warehouse", "gone", -600);
        probe["metadata"]["labels"] =
            json!({"awscost.io/use": "session", "awscost.io/warehouse-uid": "gone"});
        let mut elsewhere = secret("of-another-namespace", "there", -600);
        elsewhere["metadata"]["namespace"] = "elsewhere".into();
        let secrets = shown(&[
            secret("of-an-account", "there", -600),
            secret("at-work", "gone", -600),
            secret("ended", "gone", -1),
            secret("left", "gone", -600),
            secret("just-made", "gone", -1),
            external_id,
            probe,
            elsewhere,
        ]);
        let stores = Stores::new(None, accounts, shown(&[]), jobs, secrets);
        let mut found: Vec<String> =
            find_orphans(&stores, at(0)).into_iter().map(|(_, secret)| secret.name).collect();
        found.sort();
        assert_eq!(found, ["ended", "left", "of-a-warehouse", "of-another-namespace"]);
    }
}
