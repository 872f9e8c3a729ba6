//! What the other doors say while a fault stands, for the search for secrets: `kubectl awscost errors` and `status`, a
//! support bundle, and a check in the formats that are not compared with the operator's word.

use std::process::Output;

use super::{check, ground::Ground, scene::Scene};
use crate::{admission, support_bundle};

/// A door: a row knocks at one, so that all rows together knock at each of them many times.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Door {
    /// A command of the plugin, for people or for programs.
    Plugin(&'static [&'static str]),
    /// `status` of the account.
    Status,
    /// A format of a check.
    Check(&'static str),
    /// A support bundle, unpacked.
    Bundle,
}

const DOORS: [Door; 7] = [
    Door::Plugin(&["errors", "-o", "json"]),
    Door::Check("text"),
    Door::Status,
    Door::Check("junit"),
    Door::Plugin(&["errors", "--fix-order"]),
    Door::Check("sarif"),
    Door::Bundle,
];

/// Everything that the row's door prints and logs while an account has a fault.
///
/// # Errors
/// If it does not answer.
pub async fn knock(ground: &Ground, broken: &Scene, number: usize) -> Result<String, String> {
    let door = DOORS[number % DOORS.len()];
    let name = broken.names.name.as_str();
    let output = match door {
        Door::Plugin(arguments) => plugin(ground, arguments).await,
        Door::Status => plugin(ground, &["status", name]).await,
        Door::Bundle => bundle(ground).await,
        Door::Check(format) => {
            let settings = ground.operator().settings();
            check::run(broken, &ground.cluster.namespace, &settings, format).await
        }
    };
    let said = String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned();
    let answered = match door {
        // A warning is among no errors, and SARIF has nothing of what holds.
        Door::Plugin(_) => output.status.success(),
        Door::Check("sarif") => said.contains("sarif-2.1.0"),
        Door::Status | Door::Check(_) | Door::Bundle => said.contains(name),
    };
    if answered { Ok(said) } else { Err(format!("{door:?} gives no answer about {name}: {said}")) }
}

/// What the command says, and then every file of the archive.
async fn bundle(ground: &Ground) -> Output {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("bundle.tar.gz");
    let file = path.to_str().expect("a path of plain characters");
    let mut output = plugin(ground, &["support-bundle", "--operator-namespace", "nowhere", "-o", file]).await;
    if output.status.success() {
        for (_, text) in support_bundle::unpacked(&path) {
            output.stdout.extend(text.into_bytes());
        }
    }
    output
}

async fn plugin(ground: &Ground, arguments: &[&str]) -> Output {
    tokio::process::Command::new(env!("CARGO_BIN_EXE_awscost"))
        .args(arguments)
        .args(["--kubeconfig", &admission::kubeconfig(), "--namespace", &ground.cluster.namespace])
        .env("AWSCOST_LOG", "trace")
        .kill_on_drop(true)
        .output()
        .await
        .expect("the plugin starts")
}
