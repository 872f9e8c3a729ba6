//! A namespace with healthy accounts, one next door, and an operator with the chart's own rights over one or all.

use awscost::api::AwsCostAccount;
use awscost_sandbox::Sandbox;
use k8s_openapi::api::{
    batch::v1::Job,
    core::v1::{Namespace, Pod},
};
use kube::{
    Api, ResourceExt,
    api::{ListParams, Patch, PatchParams, PostParams},
};
use serde_json::{Value, json};

use crate::{
    admission,
    eventually::{eventually, in_time},
    fault_catalogue::{
        catalogue::Catalogue,
        chart::{Chart, IMAGE},
        cluster::{Asked, Cluster, claim, shared_warehouses},
        ground::{conditions, is_ready, made},
        node::Node,
        operator::OperatorProcess,
        scene::{Names, Scene, by_path},
        world,
    },
};

/// The digit that no other accounts of the tests have.
const SET: u8 = 6;

pub struct Stage {
    /// Where the accounts are.
    pub here: Cluster,
    /// Somebody else's namespace.
    pub elsewhere: Cluster,
    pub accounts: Vec<String>,
    scenes: Vec<Scene>,
    sandbox: Sandbox,
    chart: Chart,
    watch: Value,
    operator: Option<OperatorProcess>,
    _node: Node,
}

impl Stage {
    /// Everything but the operator's process; `changes` are an account's differences from the catalogue's payer. Over all
    /// namespaces where `wide`.
    pub async fn set(name: &str, wide: bool, changes: &[&[(&str, Value)]]) -> Self {
        let client = admission::client().await;
        admission::install(&client).await;
        let home = format!("{name}-{:x}", std::process::id());
        let here = made(&client, &home).await;
        let elsewhere = made(&client, &format!("{home}-elsewhere")).await;
        let sandbox = Sandbox::start(world::empty());
        let catalogue = Catalogue::read();
        let scenes: Vec<Scene> = changes
            .iter()
            .enumerate()
            .map(|(number, changes)| {
                Scene::healthy(&catalogue, "payer", Names::of(SET, number, &sandbox.endpoint()))
                    .with(&by_path(changes))
            })
            .collect();
        for scene in &scenes {
            world::stage_delivered(&sandbox, scene);
        }
        here.apply(claim()).await.expect("the claim is taken");
        let [lake, ..] = shared_warehouses();
        here.apply(lake).await.expect("the warehouse is taken");
        let (watched, chart_wide, watch): (&[&str], &[&str], _) = match wide {
            true => (&[], &["watch.clusterWide=true"], json!({"allNamespaces": true})),
            false => (&[&home], &[], json!({"namespaces": [home]})),
        };
        let chart = Chart::install_with(&client, &home, watched, chart_wide).await;
        let node = Node::start(client, &home);
        let accounts = scenes.iter().map(|scene| scene.names.name.clone()).collect();
        Self { here, elsewhere, accounts, scenes, sandbox, chart, watch, operator: None, _node: node }
    }

    /// The same with an operator that has found every account healthy, and starts no load.
    pub async fn healthy(name: &str, wide: bool, changes: &[&[(&str, Value)]]) -> Self {
        let mut stage = Self::set(name, wide, changes).await;
        stage.operator(json!({"cluster": 0}), json!({}));
        stage.apply_accounts().await;
        for account in &stage.accounts {
            stage.until(account, "healthy before anything is done to it", is_ready).await;
        }
        stage
    }

    /// Applies the accounts with their Secrets.
    pub async fn apply_accounts(&self) {
        for scene in &self.scenes {
            self.here.stage_secrets(None, scene).await.expect("the Secrets are taken");
            self.here.stage_account(scene).await.expect("the account is taken");
        }
    }

    /// Starts an operator with these limits and this haste, in the place of the one before.
    pub fn operator(&mut self, jobs: Value, haste: Value) {
        self.operator = None;
        let mut settings = json!({
            "image": IMAGE, "watch": self.watch, "metrics": {"address": "127.0.0.1:0"},
            "leaderElection": {"enabled": false}, "jobs": jobs,
            "tenancy": {"rules": [{"namespaces": [self.here.namespace], "roleArns": ["arn:aws:iam::1*:role/awscost*"]}]},
            "testing": {"firstLookSpread": "1s", "stsCallsPerSecond": 1000},
        });
        settings["testing"]
            .as_object_mut()
            .expect("a map")
            .extend(haste.as_object().cloned().unwrap_or_default());
        let way_in = self.chart.kubeconfig();
        self.operator =
            Some(OperatorProcess::start(&self.sandbox, &self.here.namespace, &settings, &way_in, "info"));
    }

    /// Ends the operator.
    pub fn no_operator(&mut self) {
        self.operator = None;
    }

    /// The account once it is so.
    pub async fn until(
        &self,
        account: &str,
        what: &str,
        is_so: impl Fn(&AwsCostAccount) -> bool,
    ) -> AwsCostAccount {
        let seen = in_time(async || {
            let account = self.account(account).await;
            is_so(&account).then_some(account)
        })
        .await;
        match seen {
            Some(account) => account,
            None => panic!("{what}: {:#?}\n{}", self.said(account).await, self.log()),
        }
    }

    /// The account as it is now.
    pub async fn account(&self, name: &str) -> AwsCostAccount {
        self.here.accounts().get(name).await.expect("the account")
    }

    /// A word for each condition.
    pub async fn said(&self, account: &str) -> Vec<String> {
        conditions(&self.account(account).await)
            .iter()
            .map(|one| format!("{} {} {}: {}", one.type_, one.status, one.reason, one.message))
            .collect()
    }

    fn log(&self) -> String {
        self.operator.as_ref().map(|operator| operator.last_lines(20)).unwrap_or_default()
    }

    /// Asks for a look at once.
    pub async fn ask(&self, kind: Asked, name: &str) {
        let wish = uuid::Uuid::new_v4().to_string();
        self.here.ask(kind, name, &wish).await.expect("the wish is taken");
    }

    /// The load of an account, once it is there.
    pub async fn load_of(&self, account: &AwsCostAccount) -> Job {
        match in_time(async || self.loads_of(account).await.pop()).await {
            Some(job) => job,
            None => panic!("no load is started: {:#?}\n{}", self.said(&account.name_any()).await, self.log()),
        }
    }

    /// The loads of an account that are there now.
    pub async fn loads_of(&self, account: &AwsCostAccount) -> Vec<Job> {
        let uid = account.uid().expect("a UID");
        self.jobs(&format!("awscost.io/account-uid={uid}"), &uid).await
    }

    /// True once the session of an account's running load is renewed, after it has grown old.
    pub async fn renews(&self, account: &str, load: &str) -> bool {
        let expires = "awscost.io/expires";
        let long_ago = "2026-01-01T00:00:00Z";
        let old = Patch::Merge(json!({"metadata": {"annotations": {expires: long_ago}}}));
        let sessions = self.here.secrets();
        sessions.patch(load, &PatchParams::default(), &old).await.expect("the session is old");
        self.ask(Asked::Account, account).await;
        let renewed = in_time(async || {
            let session = sessions.get(load).await.expect("the session");
            (session.annotations()[expires].as_str() > long_ago).then_some(())
        });
        renewed.await.is_some()
    }

    /// The Jobs here under a label that this object controls.
    pub async fn jobs(&self, label: &str, controller: &str) -> Vec<Job> {
        let mut jobs = self.here.jobs().list(&ListParams::default().labels(label)).await.expect("Jobs").items;
        jobs.retain(|job| job.owner_references().iter().any(|owner| owner.uid == controller));
        jobs
    }

    pub async fn clear(mut self) {
        self.operator = None;
        let namespaces: Api<Namespace> = Api::all(self.here.client.clone());
        for namespace in [&self.here.namespace, &self.elsewhere.namespace] {
            namespaces.delete(namespace, &Default::default()).await.expect("the namespace goes");
        }
        self.chart.remove().await;
    }
}

/// Makes a Job of one container in a namespace, as anybody may. Its pod has none of its labels: the node here runs those of
/// probes.
pub async fn make_job(cluster: &Cluster, meta: &Value, suspend: bool) {
    let job = json!({
        "metadata": meta,
        "spec": {"suspend": suspend, "backoffLimit": 0, "template": {"spec": {
            "restartPolicy": "Never", "containers": [{"name": "awscost", "image": IMAGE}]
        }}}
    });
    let job: Job = serde_json::from_value(job).expect("a Job");
    cluster.jobs().create(&PostParams::default(), &job).await.expect("the Job is taken");
}

/// Plays the node on which the Job's pod ends well, with this message; returns once the Job is Complete.
pub async fn completes(cluster: &Cluster, job: &str, message: &str) {
    let status = json!({"status": {"phase": "Succeeded", "containerStatuses": [{
        "name": "awscost", "image": "a", "imageID": "a", "ready": false, "restartCount": 0,
        "state": {"terminated": {"exitCode": 0, "reason": "Completed", "message": message}}
    }]}});
    patch_pod(cluster, job, &status).await;
    let jobs = cluster.jobs();
    let complete = |job: &Job| {
        let status = job.status.as_ref();
        let mut conditions = status.iter().flat_map(|status| status.conditions.iter().flatten());
        conditions.any(|condition| condition.type_ == "Complete" && condition.status == "True")
    };
    eventually(&format!("the Job {job} is Complete"), async || {
        complete(&jobs.get(job).await.expect("the Job")).then_some(())
    })
    .await;
}

/// Patches the status of a Job's pod, once there is one.
pub async fn patch_pod(cluster: &Cluster, job: &str, status: &Value) {
    let pods: Api<Pod> = Api::namespaced(cluster.client.clone(), &cluster.namespace);
    let of = ListParams::default().labels(&format!("batch.kubernetes.io/job-name={job}"));
    let has_pod = format!("the Job {job} has a pod");
    let pod = eventually(&has_pod, async || pods.list(&of).await.expect("pods").items.pop()).await;
    pods.patch_status(&pod.name_any(), &PatchParams::default(), &Patch::Merge(status))
        .await
        .expect("its status is taken");
}
