//! Loads whose pod never starts: no scheduler is here, so none does.

use k8s_openapi::api::batch::v1::Job;
use kube::{
    Api, ResourceExt,
    api::{Patch, PatchParams},
};
use serde_json::json;

use super::stage::{Stage, patch_pod};
use crate::eventually::eventually;

/// Has the operator look at a Job's pods now, and not in half a minute.
async fn touch(jobs: &Api<Job>, job: &str) -> bool {
    let touch =
        Patch::Merge(json!({"metadata": {"annotations": {"touched": uuid::Uuid::new_v4().to_string()}}}));
    jobs.patch_metadata(job, &PatchParams::default(), &touch).await.is_ok()
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs an API server: AWSCOST_TEST_KUBECONFIG"]
async fn a_load_that_never_starts_gives_its_slot_to_the_next_and_says_why() {
    // Without haste at first: the warehouse's probe has to start, too.
    let mut stage = Stage::healthy("unstarted", false, &[&[], &[]]).await;
    stage.operator(json!({"cluster": 1}), json!({"patience": "3s"}));
    let jobs = stage.here.jobs();
    let unschedulable = json!({"status": {"conditions": [
        {"type": "PodScheduled", "status": "False", "reason": "Unschedulable", "message": "0/1 nodes are available"}
    ]}});
    let mut waiting = stage.accounts.clone();
    for (reason, words) in [("Unschedulable", "no node took"), ("JobFailed", "did not start")] {
        // Which of the two has the one slot is theirs to settle.
        let turn = eventually("a load is started", async || {
            for name in &waiting {
                if let Some(job) = stage.loads_of(&stage.account(name).await).await.pop() {
                    return Some((name.clone(), job.name_any()));
                }
            }
            None
        });
        let (name, job) = turn.await;
        waiting.retain(|other| *other != name);
        if reason == "Unschedulable" {
            patch_pod(&stage.here, &job, &unschedulable).await;
        }
        eventually("the Job is given up", async || (!touch(&jobs, &job).await).then_some(())).await;
        let account = stage.until(&name, "it says why", |account| {
            account.status.iter().flat_map(|status| &status.periods).any(|period| period.failure.is_some())
        });
        let status = account.await.status.expect("a status");
        let failure = status.periods[0].failure.as_ref().expect("checked");
        assert_eq!((failure.reason.as_str(), failure.attempts), (reason, 1), "{}", failure.message);
        assert!(failure.message.contains(words) && !failure.message.contains("CPU"), "{}", failure.message);
    }
    for name in &stage.accounts {
        let attempts = stage.account(name).await.status.expect("a status").periods[0]
            .failure
            .as_ref()
            .map(|failure| failure.attempts);
        assert_eq!(attempts, Some(1), "the next attempt comes after a minute, not at once");
    }
    stage.clear().await;
}
