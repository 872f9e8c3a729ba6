//! `generateExternalId`: the operator makes the Secret where there is none, says where to read it, and never touches it
//! again, nor one that was there before.

use std::process::Command;

use awscost::{
    api::{GENERATED_FOR, USE_EXTERNAL_ID, USE_LABEL},
    model::{ConditionType::RoleAssumable, Reason},
};
use k8s_openapi::api::core::v1::Secret;
use kube::ResourceExt;
use serde_json::{Value, json};

use super::{
    TRUST_ASKS, any_of, ground,
    walk::{Walk, says},
};
use crate::{admission, fault_catalogue::ground::is_ready};

const GENERATE: (&str, Value) = ("spec/access/generateExternalId", Value::Bool(true));

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs an API server: AWSCOST_TEST_KUBECONFIG"]
async fn an_external_id_is_made_once_read_as_the_event_says_and_never_changed() {
    let ground = ground("generated").await;
    let nothing_yet = [GENERATE, ("secrets", Value::Null), (TRUST_ASKS, any_of(&["nobody-knows-it-yet"]))];
    let mut walk = Walk::begin(&ground, 0, &nothing_yet).await;
    let first = walk.verdict().await;
    assert_eq!(says(&first, RoleAssumable).1, Reason::AssumeRoleDenied.as_str(), "the role wants another ID");
    let identity = first.status.as_ref().and_then(|status| status.identity.as_ref());
    let operator = identity.and_then(|identity| identity.operator.as_ref()).expect("it says who it is");
    let expected = ("999988887777", "arn:aws:iam::999988887777:user/operator");
    let said = (operator.account_id.as_str(), operator.principal.as_str());
    assert_eq!(said, expected, "whom the role has to trust is told before it lets anybody in");

    let made = walk.secret().await;
    is_as_documented(&made, &walk.names().name);
    let told = walk.told(Reason::ExternalIdGenerated.as_str()).await;
    assert_eq!(told.len(), 1, "one event says where it is: {told:?}");
    let id = read_as_told(&told[0]);
    assert_eq!(id.as_bytes(), value(&made), "the event's command prints the external ID");
    assert!(!told[0].contains(&id), "the event does not say it itself");

    let connected = walk.turn(&[(TRUST_ASKS, any_of(&[&id]))]).await;
    assert!(is_ready(&connected), "with that ID in the trust policy: {:?}", says(&connected, RoleAssumable));
    walk.ask().await;
    assert_eq!(walk.secret().await, made, "a wish changed it");
    walk.turn(&[("spec/displayName", json!("Another name"))]).await;
    assert_eq!(walk.secret().await, made, "another spec changed it");
    walk.ask_another_operator().await;
    assert_eq!(walk.secret().await, made, "an operator that was started again changed it");
    let back = walk.leave_and_come_back().await;
    assert_eq!(walk.secret().await, made, "an account that was deleted and applied again changed it");
    assert!(is_ready(&back), "it still suits the trust policy: {:?}", says(&back, RoleAssumable));
    let told = walk.told(Reason::ExternalIdGenerated.as_str()).await;
    assert_eq!(told.len(), 1, "it was made once, and told once: {told:?}");
    ground.clear().await;
}

/// What docs/awscostaccount.md promises of it.
fn is_as_documented(secret: &Secret, account: &str) {
    assert_eq!(secret.labels().get(USE_LABEL).map(String::as_str), Some(USE_EXTERNAL_ID));
    assert_eq!(secret.annotations().get(GENERATED_FOR).map(String::as_str), Some(account));
    assert_eq!(secret.immutable, Some(true), "immutable");
    assert!(secret.owner_references().is_empty(), "without an owner");
    assert_eq!(secret.data.iter().flatten().count(), 1, "one value");
    let text = std::str::from_utf8(value(secret)).expect("text");
    let random = text.strip_prefix("awscost-").expect("it says whose it is");
    let is_hexadecimal = random.chars().all(|digit| matches!(digit, '0'..='9' | 'a'..='f'));
    assert!(is_hexadecimal && random.len() * 4 == 128, "128 bits: {random}");
}

fn value(secret: &Secret) -> &[u8] {
    &secret.data.as_ref().expect("data")["externalId"].0
}

/// What the command prints that the event gives.
fn read_as_told(note: &str) -> String {
    let (_, command) = note.split_once("Read it with: ").expect("it says how to read it");
    let (command, _) = command.split_once(" and require it").expect("and what to do with it");
    let kubeconfig = std::path::PathBuf::from(admission::kubeconfig());
    // tests/cluster/up puts kubectl there.
    let programs = kubeconfig.with_file_name("bin");
    let path = std::env::var("PATH").unwrap_or_default();
    let home = tempfile::tempdir().expect("a folder");
    let done = Command::new("bash")
        .args(["-c", command])
        .env("PATH", format!("{}:{path}", programs.display()))
        .env("HOME", home.path())
        .env("KUBECONFIG", kubeconfig)
        .output()
        .expect("bash runs");
    assert!(done.status.success(), "{command}: {}", String::from_utf8_lossy(&done.stderr));
    String::from_utf8(done.stdout).expect("an external ID is text")
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs an API server: AWSCOST_TEST_KUBECONFIG"]
async fn a_secret_that_was_there_before_is_left_alone() {
    let ground = ground("left-alone").await;
    let mut labelled = Walk::begin(&ground, 0, &[GENERATE]).await;
    let mut unlabelled = Walk::begin(&ground, 1, &[GENERATE, ("secrets/$name-id/labels", json!({}))]).await;
    let used = labelled.until("it is Ready with the ID that was there", is_ready).await;
    let unused = unlabelled.verdict().await;
    assert_eq!(says(&used, RoleAssumable).0, "True");
    assert_eq!(says(&unused, RoleAssumable).1, Reason::SecretNotUsable.as_str(), "nobody labelled it");
    for walk in [&mut labelled, &mut unlabelled] {
        walk.ask().await;
        let secret = walk.secret().await;
        assert_eq!(value(&secret), walk.names().external_id.as_bytes(), "its value");
        let managers = secret.managed_fields().iter().filter_map(|field| field.manager.as_deref());
        assert_eq!(managers.collect::<Vec<_>>(), ["awscost-test"], "only who made it ever wrote it");
        let told = walk.told(Reason::ExternalIdGenerated.as_str()).await;
        assert_eq!(told.len(), 0, "nothing was made: {told:?}");
    }
    ground.clear().await;
}
