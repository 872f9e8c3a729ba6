//! A replica that does not lead, on a real API server: it is ready, and says who holds the lease.
//!
//! Needs `AWSCOST_TEST_KUBECONFIG`: any cluster (`tests/cluster/up --api-only` gives one). Fails without it; `cargo test`
//! alone leaves it out (`#[ignore]`).

use std::{net::SocketAddr, time::Duration};

use awscost::{
    aws::{AwsSettings, Sdk},
    controller::{self, OperatorParts, ReplicaIdentity, settings::Settings},
    telemetry::metrics::Metrics,
};
use k8s_openapi::api::coordination::v1::Lease;
use kube::{
    Api, Client,
    api::{Patch, PatchParams, PostParams},
};
use serde_json::json;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
};
use tokio_util::sync::CancellationToken;

use super::admission;

/// Far longer than a standby takes to look at the lease, which it does once a second here.
const PATIENCE: Duration = Duration::from_secs(30);

#[tokio::test]
#[ignore = "needs AWSCOST_TEST_KUBECONFIG"]
async fn a_standby_is_ready_and_names_the_holder_of_the_lease() {
    let client = admission::client().await;
    let name = format!("lease-of-{}", std::process::id());
    let leases: Api<Lease> = Api::namespaced(client.clone(), "default");
    let held = json!({"metadata": {"name": name}, "spec": {"holderIdentity": "other-release-7d9f"}});
    let held = serde_json::from_value(held).expect("a lease");
    leases.create(&PostParams::default(), &held).await.expect("the lease is made");

    let address = free_address().await;
    let stop = CancellationToken::new();
    let running = tokio::spawn(controller::run_operator(standby(client, &name, address).await, stop.clone()));
    said(address, &format!("ok, standing by: other-release-7d9f holds the lease default/{name}")).await;

    let passed_on = json!({"spec": {"holderIdentity": "other-release-x2b4"}});
    leases.patch(&name, &PatchParams::default(), &Patch::Merge(passed_on)).await.expect("it changes hands");
    said(address, &format!("ok, standing by: other-release-x2b4 holds the lease default/{name}")).await;

    stop.cancel();
    running.await.expect("no panic").expect("a standby ends well");
    let lease = leases.get(&name).await.expect("the lease");
    let holder = lease.spec.and_then(|spec| spec.holder_identity);
    assert_eq!(holder.as_deref(), Some("other-release-x2b4"), "a standby that stops leaves the lease alone");
}

/// An operator that could lead if the lease were free.
async fn standby(client: Client, lease: &str, address: SocketAddr) -> OperatorParts {
    let settings = format!(
        "image: a\nwatch: {{namespaces: [default]}}\nmetrics: {{address: '{address}'}}\n\
         leaderElection: {{leaseName: {lease}, leaseDuration: 120s, renewDeadline: 60s, retryPeriod: 1s}}\n"
    );
    OperatorParts {
        client,
        settings: Settings::parse(&settings).expect("settings"),
        aws: Sdk::load(AwsSettings::default()).await.aws(),
        own_region: None,
        job_env: Default::default(),
        authorities: Default::default(),
        metrics: Metrics::new("test").expect("metrics"),
        identity: ReplicaIdentity { pod: "standby".to_owned(), namespace: "default".to_owned() },
    }
}

async fn free_address() -> SocketAddr {
    TcpListener::bind("127.0.0.1:0").await.expect("a port").local_addr().expect("an address")
}

/// Waits until `/readyz` answers well, with this text.
async fn said(address: SocketAddr, text: &str) {
    let mut last = String::new();
    let asked = async {
        loop {
            last = readyz(address).await.unwrap_or_else(|error| error.to_string());
            if last.starts_with("HTTP/1.0 200") && last.ends_with(text) {
                return;
            }
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
    };
    let in_time = tokio::time::timeout(PATIENCE, asked).await.is_ok();
    assert!(in_time, "/readyz does not say {text:?}, but {last:?}");
}

async fn readyz(address: SocketAddr) -> std::io::Result<String> {
    let mut stream = TcpStream::connect(address).await?;
    stream.write_all(b"GET /readyz HTTP/1.0\r\n\r\n").await?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await?;
    Ok(answer)
}
