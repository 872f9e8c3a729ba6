use super::*;

const SMALL: &str = r#"
accounts:
  "123456789012":
    roles:
      - name: awscost
        path: /finops/
        trust: {Version: "2012-10-17", Statement: [{Effect: Allow, Principal: {AWS: "*"}, Action: "sts:AssumeRole"}]}
buckets:
  acme: {owner: "123456789012", region: us-east-1}
"#;

#[test]
fn a_role_is_found_by_its_arn_with_path() {
    let world = World::from_yaml(SMALL).unwrap();
    let (account, role) = world.role("arn:aws:iam::123456789012:role/finops/awscost").unwrap();
    assert_eq!(role.session_arn(account, "s"), "arn:aws:sts::123456789012:assumed-role/awscost/s");
    assert!(world.role("arn:aws:iam::123456789012:role/awscost").is_none());
}

#[test]
fn what_no_world_has_is_refused() {
    for (what, text) in [
        ("an unknown field", "acounts: {}"),
        ("a short account ID", "accounts: {\"123\": {}}"),
        ("a bucket of nobody", "buckets: {b: {owner: \"123456789012\", region: us-east-1}}"),
        (
            "a shared key",
            "accounts: {\"123456789012\": {users: [{name: a, accessKeys: [{id: K, secret: s}]}, {name: b, accessKeys: [{id: K, secret: s}]}]}}",
        ),
    ] {
        assert!(World::from_yaml(text).is_err(), "{what}");
    }
}

#[test]
fn a_fragment_adds_and_replaces_by_name() {
    let mut world = World::from_yaml(SMALL).unwrap();
    let fragment =
        World::from_yaml(&SMALL.replace("/finops/", "/").replace("us-east-1", "eu-west-1")).unwrap();
    world.merge(fragment).unwrap();
    assert_eq!(world.accounts["123456789012"].roles.len(), 1);
    assert!(world.role("arn:aws:iam::123456789012:role/awscost").is_some());
    assert_eq!(world.buckets["acme"].region, "eu-west-1");
}

#[test]
fn the_demo_world_is_playable() {
    let world = World::demo();
    assert_eq!(world.organization_of("123456789012").unwrap().management, "123456789012");
    assert!(world.organization_of("210987654321").is_none());
}
