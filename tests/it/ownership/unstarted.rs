//! Loads whose pod never starts: no scheduler is here, so none does.

use k8s_openapi::api::batch::v1::Job;
use kube::{
    Api, ResourceExt,
    api::{Patch, PatchParams},
};
use serde_json::json;

use super::stage::{Stage, eventually, patch_pod};
use crate::fault_catalogue::ground::is_ready;

/// Has the operator look at a Job's pods now, and not in half a minute.
async fn touch(jobs: &Api<Job>, job: &str) -> bool {
    let touch =
        Patch::Merge(json!({"metadata": {"annotations": {"touched": uuid::Uuid::new_v4().to_string()}}}));
    jobs.patch_metadata(job, &PatchParams::default(), &touch).await.is_ok()
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs an API server: AWSCOST_TEST_KUBECONFIG"]
async fn a_load_that_never_starts_gives_its_slot_to_the_next_and_says_why() {
    let mut stage = Stage::set("unstarted", false, &[&[], &[]]).await;
    // Without haste at first: the warehouse's probe has to start, too.
    stage.operator(json!({"cluster": 0}), json!({}));
    stage.apply_accounts().await;
    for name in &stage.accounts {
        stage.until(name, "healthy before its load", is_ready).await;
    }
    stage.operator(json!({"cluster": 1}), json!({"patience": "3s"}));
    let jobs: Api<Job> = Api::namespaced(stage.here.client.clone(), &stage.here.namespace);
    let unschedulable = json!({"status": {"conditions": [
        {"type": "PodScheduled", "status": "False", "reason": "Unschedulable", "message": "0/1 nodes are available"}
    ]}});
    let mut waiting = stage.accounts.clone();
    for (reason, words) in [("Unschedulable", "no node took"), ("JobFailed", "did not start")] {
        // Which of the two has the one slot is theirs to settle.
        let turn = eventually(async || {
            for name in &waiting {
                let account = stage.here.accounts().get(name).await.expect("the account");
                let uid = account.uid().expect("a UID");
                if let Some(job) = stage.jobs(&format!("awscost.io/account-uid={uid}"), &uid).await.pop() {
                    return Some((name.clone(), job.name_any()));
                }
            }
            None
        });
        let (name, job) = turn.await.expect("a load is started");
        waiting.retain(|other| *other != name);
        if reason == "Unschedulable" {
            patch_pod(&stage.here, &job, &unschedulable).await;
        }
        let gone = eventually(async || (!touch(&jobs, &job).await).then_some(())).await;
        gone.expect("the Job is given up");
        let account = stage.until(&name, "it says why", |account| {
            account.status.iter().flat_map(|status| &status.periods).any(|period| period.failure.is_some())
        });
        let status = account.await.status.expect("a status");
        let failure = status.periods[0].failure.as_ref().expect("checked");
        assert_eq!((failure.reason.as_str(), failure.attempts), (reason, 1), "{}", failure.message);
        assert!(failure.message.contains(words) && !failure.message.contains("CPU"), "{}", failure.message);
    }
    for name in &stage.accounts {
        let account = stage.here.accounts().get(name).await.expect("the account");
        let attempts =
            account.status.expect("a status").periods[0].failure.as_ref().map(|failure| failure.attempts);
        assert_eq!(attempts, Some(1), "the next attempt comes after a minute, not at once");
    }
    stage.clear().await;
}
