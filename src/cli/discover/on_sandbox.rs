//! An organization of the sandbox, listed through a role of its management account.

use awscost_sandbox::{Sandbox, World};
use clap::Parser;

use super::*;

#[derive(Parser)]
struct Line {
    #[command(flatten)]
    args: DiscoverArgs,
}

/// What asking as the role of an account of the demo finds.
async fn asked(sandbox: &Sandbox, role: &str, external_id: &str) -> Result<Organization, DiscoverFault> {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("id");
    std::fs::write(&file, format!("{external_id}\n")).expect("written");
    let file = file.to_str().expect("a plain path");
    let words = ["discover", "--role-arn", role, "--external-id-file", file];
    let args = Line::try_parse_from(words).unwrap_or_else(|error| unreachable!("{error}")).args;
    let sdk = Sdk::of_demo(&sandbox.endpoint());
    ask_organization(&sdk, &sdk.aws(), &args, Timestamp::now()).await
}

const PAYER: &str = "arn:aws:iam::123456789012:role/awscost";
const PAYER_ID: &str = "acme-0f6b7c1e-5b8e-4d0e-9c55-2f3f1a7f9d10";

#[tokio::test]
async fn all_accounts_are_found_in_the_order_of_their_ids_with_their_state() {
    let sandbox = Sandbox::start(World::demo());
    sandbox.world_mut(|world| {
        let organization = world.organizations.first_mut().expect("the demo has one");
        (organization.page_size, organization.empty_page_first) = (2, true);
        organization.members.reverse();
        organization.members[0].state = awscost_sandbox::world::MemberState::Suspended;
    });
    let found = asked(&sandbox, PAYER, PAYER_ID).await.expect("an organization");
    assert_eq!(found.management.as_str(), "123456789012");
    let ids: Vec<&str> = found.accounts.iter().map(|account| account.id.as_str()).collect();
    assert_eq!(ids, ["111100001111", "123456789012", "222200002222", "333300003333", "444400004444"]);
    assert_eq!(found.accounts[4].state, OrganizationAccountState::Ending);
}

#[tokio::test]
async fn an_account_without_an_organization_and_a_wrong_external_id_are_told_apart() {
    let sandbox = Sandbox::start(World::demo());
    let shop = "arn:aws:iam::210987654321:role/finops/awscost";
    let alone = asked(&sandbox, shop, "shop-7a1de5f4-9a1c-4f0b-8a3e-6f2c1b7d3e42").await;
    assert!(matches!(alone, Err(DiscoverFault::Standalone(_))));
    let refused = asked(&sandbox, PAYER, "another-external-id").await.map(|found| found.accounts);
    assert!(
        matches!(&refused, Err(fault @ DiscoverFault::Role(_)) if fault.exit_code() == ExitCode::Configuration)
    );
    let said = refused.map_or_else(|fault| fault.to_string(), |_| String::new());
    assert!(!said.contains("another-external-id"), "{said}");
}

#[tokio::test]
async fn an_iam_user_who_may_not_get_a_session_is_told_what_it_takes() {
    let sandbox = Sandbox::start(World::demo());
    let args = Line::try_parse_from(["discover"]).unwrap_or_else(|error| unreachable!("{error}")).args;
    let sdk = Sdk::of_demo(&sandbox.endpoint());
    let refused =
        ask_organization(&sdk, &sdk.aws(), &args, Timestamp::now()).await.map(|found| found.accounts);
    let said = refused.map_or_else(|fault| fault.to_string(), |_| String::new());
    for needed in
        ["user/awscost-operator", "sts:GetFederationToken", "organizations:ListAccounts", "--role-arn"]
    {
        assert!(said.contains(needed), "{needed}: {said}");
    }
}
