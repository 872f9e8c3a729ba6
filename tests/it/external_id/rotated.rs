//! `nextExternalIdSecretRef`: the steps of "Change the external ID" in docs/awscostaccount.md, and that the role could be
//! assumed at every moment of them.

use std::collections::BTreeSet;

use awscost::{
    api::AwsCostAccount,
    model::ConditionType::{Ready, RoleAssumable},
};
use serde_json::{Value, json};

use super::{
    TRUST_ASKS, any_of, ground,
    walk::{Walk, says},
};
use crate::fault_catalogue::ground::is_ready;

const CURRENT: &str = "spec/access/externalIdSecretRef/name";
const NEXT: &str = "spec/access/nextExternalIdSecretRef";

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs an API server: AWSCOST_TEST_KUBECONFIG"]
async fn an_external_id_is_changed_while_the_role_can_be_assumed_at_every_moment() {
    let ground = ground("rotated").await;
    let beside = change(Walk::begin(&ground, 0, &[]).await, &[&["old", "new"], &["new"]]);
    let instead = change(Walk::begin(&ground, 1, &[]).await, &[&["new"]]);
    tokio::join!(beside, instead);
    ground.clear().await;
}

/// Changes an account's external ID, old for new; `trusts` is what the trust policy takes, from the first time that it
/// takes the new one.
async fn change(mut walk: Walk<'_>, trusts: &[&[&str]]) {
    let old = walk.names().external_id.clone();
    let new = format!("{old}-new");
    walk.until("it is Ready with the old one", is_ready).await;

    let secret = json!({"labels": {"awscost.io/use": "external-id"}, "data": {"externalId": new}});
    let named = walk.turn(&[("secrets/$name-new", secret), (NEXT, json!({"name": "$name-new"}))]).await;
    assert_eq!(in_use(&named), Some("Current"), "the trust policy has the old one alone");
    let (status, _, message) = says(&named, RoleAssumable);
    assert_eq!(status, "True", "{message}");
    assert!(message.contains("the old Secret is still needed"), "{message}");

    for takes in trusts {
        let ids: Vec<&str> = takes.iter().map(|one| if *one == "old" { &*old } else { &*new }).collect();
        let taken = walk.turn(&[(TRUST_ASKS, any_of(&ids))]).await;
        assert_eq!(in_use(&taken), Some("Next"), "the trust policy takes {takes:?}");
        let (status, _, message) = says(&taken, RoleAssumable);
        assert_eq!(status, "True", "the trust policy takes {takes:?}: {message}");
        assert!(message.contains("the old Secret may go"), "{message}");
    }

    let done = walk.turn(&[(CURRENT, json!("$name-new")), (NEXT, Value::Null)]).await;
    assert_eq!(in_use(&done), None, "there is one to use");
    let (_, _, message) = says(&done, RoleAssumable);
    assert!(is_ready(&done) && !message.contains("Secret"), "nothing is left to do: {message}");
    let without = walk.turn(&[("secrets/$name-id", Value::Null)]).await;
    assert!(is_ready(&without), "the old Secret is gone: {:?}", says(&without, RoleAssumable));

    assert_eq!(walk.ever(RoleAssumable), BTreeSet::from(["True"]), "RoleAssumable on the way");
    // A new spec that is being looked at makes it Unknown for a moment.
    assert!(!walk.ever(Ready).contains("False"), "Ready on the way");
}

fn in_use(account: &AwsCostAccount) -> Option<&str> {
    account.status.as_ref()?.identity.as_ref()?.external_id_in_use.as_deref()
}
