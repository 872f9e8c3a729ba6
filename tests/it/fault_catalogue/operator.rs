//! The operator as a process of its own: the built program, with its log in a file.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::Duration,
};

use awscost_sandbox::Sandbox;
use serde_json::Value;

use super::{scene::Scene, world::OPERATOR_KEY};

/// A proxy's password. Nothing here is reached through the proxy: `NO_PROXY` keeps this machine from it.
pub const PROXY_PASSWORD: &str = "canary-of-the-proxy-7Q";

/// A running operator, ended with this value.
pub struct OperatorProcess {
    process: Child,
    command: Command,
    identity: BTreeMap<String, String>,
    folder: tempfile::TempDir,
}

/// What the operator's environment says of its identity: keys, unless the scene has it otherwise.
pub fn identity(scene: &Scene) -> BTreeMap<String, String> {
    match scene.at("/operatorEnvironment").as_object() {
        None => keys(),
        Some(other) => other
            .iter()
            .map(|(name, value)| (name.clone(), value.as_str().unwrap_or_default().to_owned()))
            .collect(),
    }
}

fn keys() -> BTreeMap<String, String> {
    let [id, secret] = [("AWS_ACCESS_KEY_ID", OPERATOR_KEY.0), ("AWS_SECRET_ACCESS_KEY", OPERATOR_KEY.1)];
    [id, secret].map(|(name, value)| (name.to_owned(), value.to_owned())).into()
}

impl OperatorProcess {
    /// Starts one against a sandbox, whose home is this namespace, and which gets at the API server with this kubeconfig. Its
    /// log takes this filter.
    pub fn start(
        sandbox: &Sandbox,
        namespace: &str,
        settings: &Value,
        kubeconfig: &Path,
        log_filter: &str,
    ) -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_awscost"));
        for (name, _) in std::env::vars().filter(|(name, _)| name.starts_with("AWS_")) {
            command.env_remove(name);
        }
        command
            .env("AWSCOST_LOG", log_filter)
            .env("HOME", "/nonexistent")
            .env("AWS_REGION", "us-east-1")
            .env("AWS_EC2_METADATA_DISABLED", "true")
            .env("AWS_ENDPOINT_URL", sandbox.endpoint())
            .env("HTTPS_PROXY", format!("http://me:{PROXY_PASSWORD}@127.0.0.1:9"))
            .envs(keys());
        let folder = tempfile::tempdir().expect("a folder");
        let mut operator = Self::start_in(folder, command, namespace, settings, kubeconfig);
        operator.identity = keys();
        operator
    }

    /// Starts one in this command's environment, with its settings and log in this folder.
    pub fn start_in(
        folder: tempfile::TempDir,
        mut command: Command,
        namespace: &str,
        settings: &Value,
        kubeconfig: &Path,
    ) -> Self {
        let config = folder.path().join("operator.yaml");
        std::fs::write(&config, settings.to_string()).expect("the settings are written");
        let log = std::fs::File::create(folder.path().join("log")).expect("a log");
        command
            .args(["operator", "--config"])
            .arg(&config)
            .env("KUBECONFIG", kubeconfig)
            .env("POD_NAME", "test")
            .env("POD_NAMESPACE", namespace)
            .stdin(Stdio::null())
            .stdout(log.try_clone().expect("one file, two streams"))
            .stderr(log);
        let process = command.spawn().expect("the operator starts");
        Self { process, command, identity: BTreeMap::new(), folder }
    }

    /// Waits until it ends by itself, and tells whether it ended well.
    pub async fn ended(&mut self) -> bool {
        loop {
            if let Some(status) = self.process.try_wait().expect("a child of this process") {
                return status.success();
            }
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
    }

    /// Starts it again with another identity; its log goes on.
    pub fn restart(&mut self, identity: &BTreeMap<String, String>) {
        self.end();
        for name in self.identity.keys() {
            self.command.env_remove(name);
        }
        self.identity.clone_from(identity);
        self.process = self.command.envs(identity).spawn().expect("the operator starts again");
    }

    fn end(&mut self) {
        // It may have ended by itself.
        self.process.kill().ok();
        self.process.wait().ok();
    }

    /// Where its log is.
    pub fn log(&self) -> PathBuf {
        self.folder.path().join("log")
    }

    /// Where its settings are.
    pub fn settings(&self) -> PathBuf {
        self.folder.path().join("operator.yaml")
    }

    /// The last lines of its log.
    pub fn last_lines(&self, count: usize) -> String {
        last_lines(&self.log(), count)
    }
}

fn last_lines(path: &Path, count: usize) -> String {
    let text = std::fs::read_to_string(path).unwrap_or_default();
    let interesting = |line: &&str| line.contains(r#""level":"WARN""#) || line.contains(r#""level":"ERROR""#);
    let lines: Vec<&str> = text.lines().filter(interesting).collect();
    lines[lines.len().saturating_sub(count)..].join("\n")
}

impl Drop for OperatorProcess {
    fn drop(&mut self) {
        self.end();
    }
}
