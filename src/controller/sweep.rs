//! Session Secrets that no pass looks after: those of an account that went and left them (`kubectl delete --cascade=orphan`).

use std::{collections::HashSet, sync::Arc, time::Duration};

use jiff::Timestamp;
use kube::ResourceExt;
use tokio_util::sync::CancellationToken;

use super::{
    context::{Context, Stores},
    session::{self, SessionSight},
    slots,
};

/// How often they are looked for: a session ends after an hour.
const EVERY: Duration = Duration::from_secs(60 * 60);

/// Deletes them now, and again every hour, until `stop`. To be run once every watch has shown what is there: before, an
/// account that is there may not be known.
pub async fn run(context: Arc<Context>, stop: CancellationToken) {
    loop {
        for stores in context.all_stores() {
            sweep(&context, stores, Timestamp::now()).await;
        }
        tokio::select! {
            () = tokio::time::sleep(EVERY) => {}
            () = stop.cancelled() => return,
        }
    }
}

async fn sweep(context: &Context, stores: &Stores, now: Timestamp) {
    for (namespace, SessionSight { name, uid, .. }) in orphans(stores, now) {
        // One that can't be deleted now is found again in an hour.
        match session::delete(context, &namespace, &name, &uid).await {
            Ok(()) => tracing::info!(namespace, name, "deleted a session without an account"),
            Err(error) => tracing::warn!(namespace, name, %error, "a session without an account stays"),
        }
    }
}

/// With their namespaces: sessions whose account is gone, and that no Job uses.
fn orphans(stores: &Stores, now: Timestamp) -> Vec<(String, SessionSight)> {
    let accounts: HashSet<String> =
        stores.accounts.state().iter().filter_map(|account| account.uid()).collect();
    let (ended, active): (Vec<_>, Vec<_>) =
        stores.jobs.state().into_iter().partition(|job| slots::ended(job));
    let active: Vec<String> = active.iter().map(|job| job.name_any()).collect();
    let has_ended = |name: &str| ended.iter().any(|job| job.name_any() == name);
    session::of_no_account(stores, &accounts, &has_ended)
        .into_iter()
        .filter(|(_, secret)| {
            !session::upkeep(std::slice::from_ref(secret), &active, &[], now).delete.is_empty()
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use kube::{
        Resource,
        runtime::{
            reflector::{Store, store},
            watcher::Event,
        },
    };
    use serde_json::{Value, json};

    use super::*;
    use crate::controller::{periods::tests::at, watch};

    fn shown<K>(objects: &[Value]) -> Store<K>
    where
        K: Resource<DynamicType = ()> + Clone + std::fmt::Debug + serde::de::DeserializeOwned + 'static,
    {
        let (store, mut writer) = store();
        for object in objects {
            let object = serde_json::from_value(object.clone()).expect("an object");
            writer.apply_watcher_event(&Event::Apply(object));
        }
        store
    }

    fn secret(name: &str, account: &str, created: i64) -> Value {
        json!({"metadata": {
            "namespace": "finops", "name": name, "uid": format!("{name}-uid"),
            "creationTimestamp": at(created).to_string(),
            "labels": {"awscost.io/use": "session", "awscost.io/account-uid": account},
            "annotations": {"awscost.io/expires": at(created + 60).to_string()},
        }})
    }

    fn job(name: &str, conditions: &Value) -> Value {
        json!({"metadata": {"namespace": "finops", "name": name}, "status": {"conditions": conditions}})
    }

    #[test]
    fn what_an_account_left_behind_goes_once_no_job_uses_it() {
        let (mut stores, _writers) = watch::stores(None);
        stores.accounts = shown(&[json!({
            "apiVersion": "awscost.io/v1alpha1", "kind": "AwsCostAccount", "spec": {},
            "metadata": {"namespace": "finops", "name": "acme", "uid": "there"},
        })]);
        stores.jobs = shown(&[
            job("at-work", &json!([])),
            job("ended", &json!([{"type": "Complete", "status": "True"}])),
        ]);
        let mut external_id = secret("external-id", "gone", -600);
        external_id["metadata"]["labels"]["awscost.io/use"] = "external-id".into();
        stores.secrets = shown(&[
            secret("of-an-account", "there", -600),
            secret("at-work", "gone", -600),
            secret("ended", "gone", -1),
            secret("left", "gone", -600),
            secret("just-made", "gone", -1),
            external_id,
        ]);
        let mut found: Vec<String> =
            orphans(&stores, at(0)).into_iter().map(|(_, secret)| secret.name).collect();
        found.sort();
        assert_eq!(found, ["ended", "left"]);
    }
}
