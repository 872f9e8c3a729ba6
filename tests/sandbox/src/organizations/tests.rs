use super::*;
use crate::iam::Kind;

fn state(options: &str) -> State {
    let members: String = (0..24)
        .map(|n| format!("      - {{id: \"{:012}\", name: member {n}}}\n", 500_000_000_000_u64 + n))
        .collect();
    let world = format!(
        "accounts:\n  \"123456789012\": {{name: payer}}\n  \"210987654321\": {{}}\norganizations:\n  - id: o-abcdefghij\n    management: \"123456789012\"\n{options}    members:\n{members}"
    );
    State { world: World::from_yaml(&world).unwrap(), ..State::default() }
}

fn caller(account: &str) -> Identity {
    let everything = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"organizations:*","Resource":"*"}]}"#;
    Identity {
        kind: Kind::Session,
        account: account.to_owned(),
        policies: vec![crate::iam::Policy::parse(everything).unwrap()],
        ..Identity::anonymous()
    }
}

fn pages(state: &mut State, account: &str) -> Vec<usize> {
    let mut sizes = Vec::new();
    let mut input = json!({});
    loop {
        let page = perform(state, &caller(account), "ListAccounts", &input).unwrap();
        sizes.push(page["Accounts"].as_array().unwrap().len());
        match page.get("NextToken") {
            Some(token) => input = json!({"NextToken": token}),
            None => return sizes,
        }
    }
}

#[test]
fn accounts_come_in_pages_of_twenty_at_most() {
    assert_eq!(pages(&mut state(""), "123456789012"), [20, 5]);
    assert_eq!(pages(&mut state("    pageSize: 10\n"), "123456789012"), [10, 10, 5]);
    assert_eq!(pages(&mut state("    pageSize: 25\n    emptyPageFirst: true\n"), "123456789012"), [0, 20, 5]);
}

#[test]
fn state_is_answered_and_status_only_on_request() {
    let page = perform(&mut state(""), &caller("123456789012"), "ListAccounts", &json!({})).unwrap();
    assert_eq!(page["Accounts"][0]["State"], "ACTIVE");
    assert!(page["Accounts"][0].get("Status").is_none());
}

#[test]
fn who_may_ask_what() {
    let delegated = "    delegatedAdministrators: [\"500000000001\"]\n";
    for (account, operation, code) in [
        ("123456789012", "DescribeOrganization", None),
        ("500000000003", "DescribeOrganization", None),
        ("210987654321", "DescribeOrganization", Some("AWSOrganizationsNotInUseException")),
        ("500000000001", "ListAccounts", None),
        ("500000000003", "ListAccounts", Some("AccessDeniedException")),
        ("123456789012", "CreateAccount", Some("UnknownOperationException")),
    ] {
        let answer = perform(&mut state(delegated), &caller(account), operation, &json!({}));
        assert_eq!(answer.err().map(|failure| failure.code).as_deref(), code, "{account} {operation}");
    }
    let nobody = Identity { policies: Vec::new(), ..caller("123456789012") };
    let refused = perform(&mut state(""), &nobody, "DescribeOrganization", &json!({})).unwrap_err();
    assert_eq!(refused.code, "AccessDeniedException");
}
