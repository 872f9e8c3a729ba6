//! Plays the kubelet: runs the container of each probe's pod as a process of this machine, and tells the API server how
//! it ended. Everything else of a Job is the real controllers' work.

use std::{path::Path, process::Stdio};

use futures::TryStreamExt;
use k8s_openapi::api::core::v1::{EnvVar, Pod, Secret};
use kube::{
    Api, Client, ResourceExt,
    api::{Patch, PatchParams},
    runtime::{WatchStreamExt, watcher},
};
use serde_json::json;

/// Paths in a container that are folders of this machine here.
const SECRETS: &str = "/var/run/awscost/warehouse";
const VOLUME: &str = "/warehouse";
const MESSAGE: &str = "/dev/termination-log";

/// Runs the pods of a namespace until it is dropped.
pub struct Node(tokio::task::JoinHandle<()>);

impl Node {
    pub fn start(client: Client, namespace: &str) -> Self {
        let pods: Api<Pod> = Api::namespaced(client.clone(), namespace);
        let secrets: Api<Secret> = Api::namespaced(client, namespace);
        let config = watcher::Config::default().labels("app.kubernetes.io/component=probe");
        Self(tokio::spawn(async move {
            let waiting = watcher(pods.clone(), config).default_backoff().applied_objects();
            let ran = waiting.try_for_each_concurrent(4, |pod| {
                let (pods, secrets) = (pods.clone(), secrets.clone());
                async move {
                    let phase = pod.status.as_ref().and_then(|status| status.phase.as_deref());
                    if matches!(phase, None | Some("Pending")) && pod.metadata.deletion_timestamp.is_none() {
                        run(&pods, &secrets, &pod).await;
                    }
                    Ok(())
                }
            });
            ran.await.expect("a watch with backoff goes on");
        }))
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// Runs one pod's container and writes its end.
async fn run(pods: &Api<Pod>, secrets: &Api<Secret>, pod: &Pod) {
    let folder = tempfile::tempdir().expect("a folder");
    let place = |name: &str| folder.path().join(name);
    for name in ["secrets", "volume"] {
        std::fs::create_dir(place(name)).expect("a folder");
    }
    mount(secrets, pod, &place("secrets")).await;
    let container = &pod.spec.as_ref().expect("a pod has a spec").containers[0];
    let here = |text: &String| {
        text.replace(MESSAGE, &place("message").to_string_lossy())
            .replace(SECRETS, &place("secrets").to_string_lossy())
            .replace(&format!("file://{VOLUME}"), &format!("file://{}", place("volume").display()))
    };
    let mut command = tokio::process::Command::new(env!("CARGO_BIN_EXE_awscost"));
    command.args(container.args.iter().flatten().map(here)).env_clear().kill_on_drop(true);
    for variable in container.env.iter().flatten() {
        command.env(&variable.name, value(secrets, variable).await);
    }
    command.stdout(Stdio::null()).stderr(Stdio::null());
    let exit = command.status().await.expect("the container's program starts");
    let message = std::fs::read_to_string(place("message")).unwrap_or_default();
    let code = exit.code().unwrap_or(137);
    let phase = if code == 0 { "Succeeded" } else { "Failed" };
    let status = json!({"status": {
        "phase": phase,
        "containerStatuses": [{
            "name": container.name, "image": container.image, "imageID": "", "ready": false, "restartCount": 0,
            "state": {"terminated": {"exitCode": code, "message": message, "reason": phase}},
        }],
    }});
    // The pod may have gone with its Job.
    pods.patch_status(&pod.name_any(), &PatchParams::default(), &Patch::Merge(&status)).await.ok();
}

/// What a variable says, or the Secret that it names.
async fn value(secrets: &Api<Secret>, variable: &EnvVar) -> String {
    let from = variable.value_from.as_ref().and_then(|from| from.secret_key_ref.as_ref());
    let Some(from) = from else { return variable.value.clone().unwrap_or_default() };
    let secret = secrets.get(&from.name).await.expect("the Secret that a variable names is there");
    let value = secret.data.unwrap_or_default().remove(&from.key).expect("and has the key");
    String::from_utf8(value.0).expect("a variable is text")
}

/// Writes the pod's Secret, if it mounts one.
async fn mount(secrets: &Api<Secret>, pod: &Pod, folder: &Path) {
    let volumes = pod.spec.iter().flat_map(|spec| spec.volumes.iter().flatten());
    for name in volumes.filter_map(|volume| volume.secret.as_ref()?.secret_name.clone()) {
        let Ok(secret) = secrets.get(&name).await else { continue };
        for (key, value) in secret.data.into_iter().flatten() {
            std::fs::write(folder.join(key), value.0).expect("a key is written");
        }
    }
}
