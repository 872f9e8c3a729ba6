//! What somebody else makes, with every label that ours carry, next door and in the account's own namespace: it loads no
//! month, blocks none, makes no warehouse ready, holds no slot and stops no renewal. The operator watches all namespaces,
//! those of other tests, too: nothing runs beside it (TIMED in the Makefile).

use awscost::api::AwsCostAccount;
use k8s_openapi::api::core::v1::Secret;
use kube::{Api, ResourceExt, api::PostParams};
use serde_json::{Value, json};

use super::stage::{Stage, completes, make_job};
use crate::{
    eventually::eventually,
    fault_catalogue::{cluster::Cluster, ground::conditions},
};

/// A session that ends long after the test.
const FAR: &str = "2099-01-01T00:00:00Z";

/// What the forger knows: none of it is secret.
struct Known {
    account: String,
    lake: String,
    period: String,
    version: String,
}

impl Known {
    fn of(account: &AwsCostAccount, lake: &str) -> Self {
        let period = account.status.as_ref().and_then(|status| status.periods.first()).expect("a month");
        Self {
            account: account.uid().expect("a UID"),
            lake: lake.to_owned(),
            period: period.period.to_string(),
            version: period.delivered_version.as_ref().expect("it is delivered").0.clone(),
        }
    }

    /// The metadata of a Job of ours, but for its owner.
    fn meta(&self, name: &str, component: &str, attempt: u32) -> Value {
        let mut labels = json!({
            "app.kubernetes.io/name": "awscost", "app.kubernetes.io/managed-by": "awscost-operator",
            "app.kubernetes.io/component": component, "awscost.io/attempt": attempt.to_string(),
            "awscost.io/warehouse-uid": self.lake,
        });
        if component == "ingest" {
            labels["awscost.io/account-uid"] = self.account.as_str().into();
            labels["awscost.io/period"] = self.period.as_str().into();
        }
        let annotations = json!({"awscost.io/version": self.version, "awscost.io/inputs": ""});
        json!({"name": name, "labels": labels, "annotations": annotations})
    }

    /// A Secret that says it is a session of the account.
    async fn forge_session(&self, place: &Cluster, name: &str) -> Secret {
        let secret = json!({
            "metadata": {
                "name": name, "annotations": {"awscost.io/expires": FAR},
                "labels": {
                    "awscost.io/use": "session", "app.kubernetes.io/managed-by": "awscost-operator",
                    "awscost.io/account-uid": self.account
                }
            },
            "stringData": {"session.json": "forged"}
        });
        let api: Api<Secret> = Api::namespaced(place.client.clone(), &place.namespace);
        let secret: Secret = serde_json::from_value(secret).expect("a Secret");
        api.create(&PostParams::default(), &secret).await.expect("the Secret is taken")
    }
}

/// A warehouse in a bucket that is not there: only a forged probe could make it ready.
async fn make_pond(stage: &Stage) -> String {
    let pond = json!({
        "apiVersion": "awscost.io/v1alpha1", "kind": "CostWarehouse", "metadata": {"name": "pond"},
        "spec": {"delta": {"location": "s3://nowhere/costs", "region": "us-east-1", "serviceAccountName": "default"}}
    });
    stage.here.apply(pond).await.expect("the warehouse is taken");
    stage.here.warehouses().get("pond").await.expect("the warehouse").uid().expect("a UID")
}

/// A load that is at work for ever, one that ended well, the same for a probe, and as many more as there are slots.
async fn forge(place: &Cluster, known: &Known, pond: &str) {
    let report = json!({
        "period": known.period, "outcome": "Loaded", "files": 1, "rows": 7, "bytes": 9,
        "totals": {"USD": {"unblended": "1", "amortized": "1", "netUnblended": "1", "netAmortized": "1"}}
    });
    make_job(place, &known.meta("active", "ingest", 2), true).await;
    make_job(place, &known.meta("complete", "ingest", 1), false).await;
    let probe = Known {
        lake: pond.to_owned(),
        version: String::new(),
        period: String::new(),
        account: String::new(),
    };
    make_job(place, &probe.meta("probe", "probe", 9), false).await;
    for number in 0..10 {
        make_job(place, &known.meta(&format!("slot-{number}"), "ingest", 3), true).await;
    }
    completes(place, "complete", &report.to_string()).await;
    completes(place, "probe", "{}").await;
    known.forge_session(place, "awscost-another").await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs an API server: AWSCOST_TEST_KUBECONFIG"]
async fn nothing_that_somebody_else_made_counts_in_any_namespace() {
    let mut stage = Stage::healthy("forged", true, &[&[]]).await;
    let name = stage.accounts[0].clone();
    let account = stage.account(&name).await;
    let lake = stage.here.warehouses().get("lake").await.expect("the warehouse").uid().expect("a UID");
    stage.no_operator();

    let (known, pond) = (Known::of(&account, &lake), make_pond(&stage).await);
    for place in [&stage.elsewhere, &stage.here] {
        forge(place, &known, &pond).await;
    }
    stage.operator(json!({"cluster": 10}), json!({}));

    let load = stage.load_of(&account).await;
    assert_eq!(
        load.labels().get("awscost.io/period"),
        Some(&known.period),
        "the month is loaded by a Job of ours"
    );
    eventually("the pond is probed by a Job of ours", async || {
        stage.jobs("app.kubernetes.io/component=probe", &pond).await.pop()
    })
    .await;
    let account = stage.until(&name, "it says that it loads", |account| {
        conditions(account).iter().any(|one| one.type_ == "DataCurrent" && one.reason == "Loading")
    });
    let status = account.await.status.expect("a status");
    assert_eq!(status.periods[0].version, None, "nothing is loaded");
    assert_eq!(
        status.ingestion.expect("loads").active_jobs,
        [load.name_any()],
        "nobody else's Job is at work"
    );
    let pond = stage.here.warehouses().get("pond").await.expect("the warehouse").status.unwrap_or_default();
    assert!(
        pond.conditions.iter().all(|one| one.type_ != "Ready" || !one.is_true()),
        "{:?}",
        pond.conditions
    );

    renewed_beside_a_forgery(&stage, &name, &known, &load.name_any()).await;
    stage.clear().await;
}

/// The session of a running load is renewed, though a Secret next door says that it has hours to go.
async fn renewed_beside_a_forgery(stage: &Stage, account: &str, known: &Known, load: &str) {
    let forged = known.forge_session(&stage.elsewhere, load).await;
    assert!(stage.renews(account, load).await, "the session is renewed");
    for (place, name, wanted) in
        [(&stage.elsewhere, load, forged.resource_version()), (&stage.here, "awscost-another", None)]
    {
        let there = place.secrets().get(name).await.expect("what somebody else made stays");
        assert!(wanted.is_none() || there.resource_version() == wanted, "and as it was");
    }
}
