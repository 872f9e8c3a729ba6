//! The API server: through proxies as kubectl goes, and a CostWarehouse of it as the place to read from.

use std::{fs, net::SocketAddr, path::Path, sync::Arc};

use awscost::warehouse::{
    Warehouse,
    conformance::Load,
    delta::{Addressing, DeltaOptions, DeltaWarehouse, WarehouseIdentity},
};
use awscost_sandbox::{Sandbox, World};
use axum::{Json, Router, http::Uri};
use serde_json::{Value, json};

use super::{
    authority::Authority,
    awscost,
    proxy::{Proxy, Speaks},
    said, succeeds,
};

/// An API server that knows these warehouses and nothing else.
async fn api_server(warehouses: Vec<Value>) -> SocketAddr {
    let answer = move |uri: Uri| {
        let warehouses = warehouses.clone();
        async move {
            let named = |warehouse: &&Value| {
                warehouse["metadata"]["name"]
                    .as_str()
                    .is_some_and(|name| uri.path().ends_with(&format!("/{name}")))
            };
            if let Some(warehouse) = warehouses.iter().find(named) {
                return Json(warehouse.clone());
            }
            let kind = if uri.path().ends_with("awscostaccounts") {
                "AwsCostAccountList"
            } else {
                "CostWarehouseList"
            };
            Json(json!({
                "apiVersion": "awscost.io/v1alpha1", "kind": kind, "metadata": {"resourceVersion": "1"}, "items": []
            }))
        }
    };
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("loopback has a free port");
    let address = listener.local_addr().expect("an address");
    tokio::spawn(async move { axum::serve(listener, Router::new().fallback(answer)).await });
    address
}

/// A kubeconfig whose cluster has these fields.
fn kubeconfig(folder: &Path, cluster: &Value) -> String {
    let file = folder.join("kubeconfig");
    let config = json!({
        "apiVersion": "v1", "kind": "Config", "current-context": "here",
        "clusters": [{"name": "acme", "cluster": cluster}],
        "users": [{"name": "alice", "user": {"token": "alices"}}],
        "contexts": [{"name": "here", "context": {"cluster": "acme", "user": "alice", "namespace": "finops"}}],
    });
    fs::write(&file, config.to_string()).expect("written");
    file.to_str().expect("a plain path").to_owned()
}

const SERVER: &str = "https://api.acme.example:6443";

/// What `awscost errors` says with this environment, over a kubeconfig whose cluster has a private authority.
fn errors(
    folder: &Path,
    authority: &Arc<Authority>,
    cluster: &[(&str, &str)],
    environment: &[(&str, &str)],
) -> String {
    let mut fields = json!({"certificate-authority": authority.path()});
    for (name, value) in cluster {
        fields[name] = Value::from(*value);
    }
    let kubeconfig = kubeconfig(folder, &fields);
    succeeds(awscost(&["errors", "--kubeconfig", &kubeconfig], environment))
}

#[tokio::test(flavor = "multi_thread")]
async fn the_api_server_is_reached_as_kubectl_reaches_it() {
    let authority = Authority::new();
    let backend = api_server(Vec::new()).await;
    let port = authority.door("localhost", backend).await;
    let folder = tempfile::tempdir().expect("a folder");
    let here = format!("https://localhost:{port}");
    for speaks in [Speaks::Http, Speaks::Socks5] {
        let proxy = Proxy::start(&authority, backend, speaks).await;
        let (url, asked) = (proxy.url(), ["api.acme.example:6443"]);
        let of_environment = ("HTTPS_PROXY", url.as_str());
        errors(folder.path(), &authority, &[("server", SERVER)], &[of_environment]);
        assert_eq!(proxy.asked(), asked, "HTTPS_PROXY");

        let proxy = Proxy::start(&authority, backend, speaks).await;
        let url = proxy.url();
        let named = [("server", SERVER), ("proxy-url", url.as_str())];
        // A list that names the proxy's own address keeps nothing of the API server's from it.
        errors(folder.path(), &authority, &named, &[("NO_PROXY", "127.0.0.1,.acme.example")]);
        assert_eq!(proxy.asked(), asked, "proxy-url");

        let proxy = Proxy::start(&authority, backend, speaks).await;
        let (url, nowhere) = (proxy.url(), [""; 0]);
        errors(
            folder.path(),
            &authority,
            &[("server", here.as_str())],
            &[("HTTPS_PROXY", url.as_str()), ("NO_PROXY", "x.example,")],
        );
        assert_eq!(proxy.asked(), nowhere, "a server on this machine");
    }
}

/// A lake with one month in it, its warehouse object, and a profile that opens it.
struct Lake {
    sandbox: Sandbox,
    folder: tempfile::TempDir,
    kubeconfig: String,
}

const WORLD: &str = r#"
accounts:
  "123456789012":
    name: Acme
    users:
      - name: lake-writer
        accessKeys: [{id: AKIAACMELAKEWRITER01, secret: lake-secret}]
        policies:
          use-the-lake: {Version: "2012-10-17", Statement: [{Effect: Allow, Action: "s3:*", Resource: "*"}]}
buckets:
  acme-lake: {owner: "123456789012", region: eu-west-1}
"#;

impl Lake {
    async fn new() -> Self {
        let sandbox = Sandbox::start(World::from_yaml(WORLD).expect("a world"));
        let options = DeltaOptions {
            region: "eu-west-1".parse().ok(),
            endpoint: sandbox.endpoint().parse().ok(),
            addressing: Addressing::Path,
            identity: Some(WarehouseIdentity::Keys {
                access_key_id: "AKIAACMELAKEWRITER01".to_owned(),
                secret_access_key: "lake-secret".into(),
                session_token: None,
            }),
            ..DeltaOptions::at("s3://acme-lake/awscost").expect("a location")
        };
        let warehouse = DeltaWarehouse::open(options).expect("it opens");
        warehouse.prepare().await.expect("prepared");
        Load::of("123456789012", "v1", &["1.5", "2"]).run_on(&warehouse).await;
        let object = |name: &str, delta: Value| {
            json!({"apiVersion": "awscost.io/v1alpha1", "kind": "CostWarehouse",
                   "metadata": {"name": name, "namespace": "finops"}, "spec": {"delta": delta}})
        };
        let backend = api_server(vec![
            object(
                "lake",
                json!({"location": "s3://acme-lake/awscost", "region": "eu-west-1", "endpoint": sandbox.endpoint(),
                       "pathStyle": true, "serviceAccountName": "lake"}),
            ),
            object("disk", json!({"location": "file:///warehouse", "persistentVolumeClaim": "lake-data"})),
        ])
        .await;
        let folder = tempfile::tempdir().expect("a folder");
        let kubeconfig = kubeconfig(folder.path(), &json!({"server": format!("http://{backend}")}));
        let profiles = "[lake]\naws_access_key_id = AKIAACMELAKEWRITER01\naws_secret_access_key = lake-secret\n\
                        [bills]\naws_access_key_id = AKIANOBODYKNOWSTHIS1\naws_secret_access_key = x\n";
        fs::write(folder.path().join("credentials"), profiles).expect("written");
        Self { sandbox, folder, kubeconfig }
    }

    fn run(&self, arguments: &[&str]) -> std::process::Output {
        let credentials = self.folder.path().join("credentials");
        let environment = [
            ("AWS_SHARED_CREDENTIALS_FILE", credentials.to_str().expect("a plain path")),
            ("AWS_PROFILE", "bills"),
        ];
        awscost(&[arguments, &["--kubeconfig", &self.kubeconfig]].concat(), &environment)
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_warehouse_of_a_cluster_is_read_from_a_laptop() {
    let lake = Lake::new().await;
    let profile = ["--warehouse-profile", "lake"];
    let read = |command: &[&str]| {
        succeeds(lake.run(&[command, &["costwarehouse/lake", "-n", "finops"], &profile].concat()))
    };
    let costs = read(&["costs", "-o", "json"]);
    let costs: Value = serde_json::from_str(&costs).expect("JSON");
    assert!(costs.to_string().contains("3.5"), "{costs}");
    assert!(read(&["warehouse", "ledger"]).contains("123456789012"));
    assert!(read(&["warehouse", "maintain"]).starts_with("s3://acme-lake/awscost: "));
    // The namespace of the context will do, and so will the kind's short name.
    succeeds(lake.run(&["costs", "cwh/lake", "--warehouse-profile", "lake"]));
}

#[tokio::test(flavor = "multi_thread")]
async fn only_an_identity_that_is_named_opens_a_warehouse() {
    let lake = Lake::new().await;
    let refused = |arguments: &[&str]| {
        let output = lake.run(&[&["costs", "costwarehouse/lake"], arguments].concat());
        assert_eq!(output.status.code(), Some(11), "{}", said(&output));
        said(&output)
    };
    // AWS_PROFILE is set all along, and is who reads bills.
    assert!(refused(&[]).contains("--warehouse-profile"), "{}", refused(&[]));
    let before = lake.sandbox.calls().all().len();
    let missing = refused(&["--warehouse-profile", "nobody"]);
    assert!(missing.contains("the AWS profile nobody provides no credentials"), "{missing}");
    assert_eq!(lake.sandbox.calls().all().len(), before, "the store is not asked without keys");
    let stranger = refused(&["--warehouse-profile", "bills"]);
    assert!(!stranger.contains("AKIA"), "{stranger}");
    let disk = lake.run(&["costs", "costwarehouse/disk", "--warehouse-profile", "lake"]);
    assert!(said(&disk).contains("claim lake-data, which only a pod can mount"), "{}", said(&disk));
}
