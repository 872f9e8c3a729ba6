use super::*;

const OPERATOR: &str = "arn:aws:iam::999988887777:user/operator";
const ROLE: &str = "arn:aws:iam::123456789012:role/awscost";

fn policy(json: &str) -> Policy {
    Policy::parse(json).unwrap()
}

fn user(account: &str, policies: Vec<Policy>) -> Identity {
    Identity {
        kind: Kind::User,
        account: account.to_owned(),
        arn: format!("arn:aws:iam::{account}:user/operator"),
        principal_arn: format!("arn:aws:iam::{account}:user/operator"),
        user_id: "AIDA".to_owned(),
        policies,
        permissions_boundary: None,
        session_policy: None,
        carries_session_tags: false,
        guardrails: Guardrails::default(),
    }
}

fn session(policies: Vec<Policy>, session_policy: Option<Policy>) -> Identity {
    Identity {
        kind: Kind::Session,
        account: "123456789012".to_owned(),
        arn: "arn:aws:sts::123456789012:assumed-role/awscost/look".to_owned(),
        principal_arn: ROLE.to_owned(),
        user_id: "AROA:look".to_owned(),
        policies,
        permissions_boundary: None,
        session_policy,
        carries_session_tags: false,
        guardrails: Guardrails::default(),
    }
}

fn statement(effect: &str, action: &str, resource: &str, condition: &str) -> Policy {
    policy(&format!(
        r#"{{"Version":"2012-10-17","Statement":{{"Effect":"{effect}","Action":"{action}","Resource":"{resource}","Condition":{condition}}}}}"#
    ))
}

fn trust(principal: &str, condition: &str) -> Policy {
    policy(&format!(
        r#"{{"Version":"2012-10-17","Statement":[{{"Effect":"Allow","Principal":{principal},"Action":"sts:AssumeRole","Condition":{condition}}}]}}"#
    ))
}

#[test]
fn wildcards() {
    for (pattern, text, expected) in [
        ("*", "", true),
        ("a*c", "abbbc", true),
        ("a*c", "abbbd", false),
        ("a?c", "abc", true),
        ("a?c", "ac", false),
        ("*a*b*c*", "xxaxxbxxc", true),
        ("arn:aws:s3:::b/p/*", "arn:aws:s3:::b/p/", true),
        ("arn:aws:s3:::b/p/*", "arn:aws:s3:::b/q/x", false),
        ("S3", "s3", false),
        ("a${*}c", "a*c", true),
        ("a${*}c", "abc", false),
        ("${?}${$}*", "?$x", true),
        ("${x}", "${x}", true),
    ] {
        assert_eq!(wildcard_matches(pattern, text), expected, "{pattern} against {text}");
    }
    assert!(pattern::matches_action("S3:get*", "s3:GetObject"));
    assert!(!pattern::matches_arn("arn:aws:*", "arn:aws:iam::1:role/x"), "a wildcard stays within its part");
    assert!(pattern::matches_arn(
        "arn:aws:cur:us-east-1:1:definition/*",
        "arn:aws:cur:us-east-1:1:definition/a/b"
    ));
}

/// What a condition does with no external ID, the right one and another one.
#[test]
fn external_id_conditions() {
    for (condition, none, right, other) in [
        (r#"{"StringEquals":{"sts:ExternalId":"right"}}"#, false, true, false),
        (r#"{"StringEquals":{"STS:externalid":"right"}}"#, false, true, false),
        (r#"{"StringEquals":{"sts:ExternalId":["left","right"]}}"#, false, true, false),
        (r#"{"StringEquals":{"sts:ExternalId":"r*"}}"#, false, false, false),
        (r#"{"StringEqualsIgnoreCase":{"sts:ExternalId":"RIGHT"}}"#, false, true, false),
        (r#"{"StringNotEquals":{"sts:ExternalId":"right"}}"#, true, false, true),
        (r#"{"StringLike":{"sts:ExternalId":"r*"}}"#, false, true, false),
        (r#"{"StringLike":{"sts:ExternalId":"*"}}"#, false, true, true),
        (r#"{"StringEqualsIfExists":{"sts:ExternalId":"right"}}"#, true, true, false),
        (r#"{"StringLikeIfExists":{"sts:ExternalId":"r*"}}"#, true, true, false),
        (r#"{"ForAllValues:StringEquals":{"sts:ExternalId":"right"}}"#, true, true, false),
        (r#"{"ForAnyValue:StringEquals":{"sts:ExternalId":"right"}}"#, false, true, false),
        (r#"{"Null":{"sts:ExternalId":"false"}}"#, false, true, true),
        (r#"{"Null":{"sts:ExternalId":true}}"#, true, false, false),
        (r#"{}"#, true, true, true),
    ] {
        let trust = trust(&format!(r#"{{"AWS":"{OPERATOR}"}}"#), condition);
        let caller = user("999988887777", vec![statement("Allow", "sts:AssumeRole", ROLE, "{}")]);
        for (given, expected) in [(None, none), (Some("right"), right), (Some("wrong"), other)] {
            let context = Context::default().with_opt("sts:ExternalId", given);
            let ask = Ask {
                action: "sts:AssumeRole",
                resource: ROLE,
                owner: "123456789012",
                resource_policy: Some(&trust),
                context: &context,
            };
            assert_eq!(trusted(&caller, &ask).is_ok(), expected, "{condition} with {given:?}");
        }
    }
}

/// Who a trust policy lets in, from the same account and from another one, with and without an identity policy.
#[test]
fn trust_principals() {
    let operator = format!(r#"{{"AWS":"{OPERATOR}"}}"#);
    let own = r#"{"AWS":"arn:aws:iam::123456789012:user/operator"}"#;
    for (principal, account, with_identity_policy, expected) in [
        (operator.as_str(), "999988887777", true, true),
        (&operator, "999988887777", false, false),
        (r#"{"AWS":"arn:aws:iam::999988887777:root"}"#, "999988887777", true, true),
        (r#"{"AWS":"999988887777"}"#, "999988887777", true, true),
        (r#"{"AWS":"arn:aws:iam::111122223333:root"}"#, "999988887777", true, false),
        (r#""*""#, "999988887777", true, true),
        (r#"{"AWS":"*"}"#, "999988887777", true, true),
        (r#"{"Service":"ec2.amazonaws.com"}"#, "999988887777", true, false),
        // Within the account the trust policy alone is enough if it names the caller, not if it names the account.
        (own, "123456789012", false, true),
        (r#"{"AWS":"arn:aws:iam::123456789012:root"}"#, "123456789012", false, false),
        (r#"{"AWS":"arn:aws:iam::123456789012:root"}"#, "123456789012", true, true),
        (r#"{"AWS":"arn:aws:iam::123456789012:user/other"}"#, "123456789012", true, false),
    ] {
        let trust = trust(principal, "{}");
        let policies = if with_identity_policy {
            vec![statement("Allow", "sts:AssumeRole", ROLE, "{}")]
        } else {
            Vec::new()
        };
        let context = Context::default();
        let ask = Ask {
            action: "sts:AssumeRole",
            resource: ROLE,
            owner: "123456789012",
            resource_policy: Some(&trust),
            context: &context,
        };
        let verdict = trusted(&user(account, policies), &ask);
        assert_eq!(
            verdict.is_ok(),
            expected,
            "{principal} for {account}, identity policy {with_identity_policy}"
        );
    }
}

#[test]
fn a_role_session_is_named_by_its_role() {
    let bucket = policy(&format!(
        r#"{{"Version":"2012-10-17","Statement":{{"Effect":"Allow","Principal":{{"AWS":"{ROLE}"}},"Action":"s3:GetObject","Resource":"arn:aws:s3:::b/*"}}}}"#
    ));
    let identity = session(vec![statement("Allow", "s3:GetObject", "*", "{}")], None);
    let context = Context::default();
    let mut ask = Ask {
        action: "s3:GetObject",
        resource: "arn:aws:s3:::b/k",
        owner: "555566667777",
        resource_policy: Some(&bucket),
        context: &context,
    };
    assert_eq!(allowed(&identity, &ask), Ok(()), "both sides grant");
    ask.resource_policy = None;
    assert_eq!(
        allowed(&identity, &ask),
        Err(Denial::Implicit(Refuser::Resource)),
        "another account needs the bucket's word too"
    );
    ask.owner = "123456789012";
    assert_eq!(allowed(&identity, &ask), Ok(()), "its own account's bucket needs only the identity policy");
}

#[test]
fn an_explicit_deny_wins() {
    let policies = vec![
        statement("Allow", "s3:*", "*", "{}"),
        statement("Deny", "s3:GetObject", "arn:aws:s3:::b/secret/*", "{}"),
    ];
    let identity = session(policies, None);
    let context = Context::default();
    let ask = |resource| Ask {
        action: "s3:GetObject",
        resource,
        owner: "123456789012",
        resource_policy: None,
        context: &context,
    };
    assert_eq!(allowed(&identity, &ask("arn:aws:s3:::b/open/x")), Ok(()));
    assert_eq!(allowed(&identity, &ask("arn:aws:s3:::b/secret/x")), Err(Denial::Explicit(Refuser::Identity)));
}

#[test]
fn a_session_policy_only_narrows() {
    let role = vec![statement("Allow", "s3:GetObject", "arn:aws:s3:::b/p/*", "{}")];
    let narrowed = statement("Allow", "s3:*", "arn:aws:s3:::b/p/q/*", "{}");
    let identity = session(role, Some(narrowed));
    let context = Context::default();
    let may = |action, resource| {
        allowed(
            &identity,
            &Ask { action, resource, owner: "123456789012", resource_policy: None, context: &context },
        )
    };
    assert_eq!(may("s3:GetObject", "arn:aws:s3:::b/p/q/x"), Ok(()));
    assert_eq!(may("s3:GetObject", "arn:aws:s3:::b/p/x"), Err(Denial::Implicit(Refuser::Session)));
    assert_eq!(may("s3:PutObject", "arn:aws:s3:::b/p/q/x"), Err(Denial::Implicit(Refuser::Identity)));
}

#[test]
fn prefix_and_via_service_conditions() {
    let list = statement(
        "Allow",
        "s3:ListBucket",
        "arn:aws:s3:::b",
        r#"{"StringLike":{"s3:prefix":["cur/*","cur"]}}"#,
    );
    let decrypt = statement(
        "Allow",
        "kms:Decrypt",
        "*",
        r#"{"StringEquals":{"kms:ViaService":"s3.eu-west-1.amazonaws.com"}}"#,
    );
    let identity = session(vec![list, decrypt], None);
    for (action, resource, key, value, expected) in [
        ("s3:ListBucket", "arn:aws:s3:::b", "s3:prefix", Some("cur/x"), true),
        ("s3:ListBucket", "arn:aws:s3:::b", "s3:prefix", Some("cur"), true),
        ("s3:ListBucket", "arn:aws:s3:::b", "s3:prefix", Some("other"), false),
        ("s3:ListBucket", "arn:aws:s3:::b", "s3:prefix", None, false),
        (
            "kms:Decrypt",
            "arn:aws:kms:eu-west-1:1:key/k",
            "kms:ViaService",
            Some("s3.eu-west-1.amazonaws.com"),
            true,
        ),
        (
            "kms:Decrypt",
            "arn:aws:kms:eu-west-1:1:key/k",
            "kms:ViaService",
            Some("s3.us-east-1.amazonaws.com"),
            false,
        ),
    ] {
        let context = Context::default().with_opt(key, value);
        let ask = Ask { action, resource, owner: "123456789012", resource_policy: None, context: &context };
        assert_eq!(allowed(&identity, &ask).is_ok(), expected, "{action} with {key}={value:?}");
    }
}

#[test]
fn the_billing_service_needs_the_source_account() {
    let bucket = policy(
        r#"{"Version":"2012-10-17","Statement":{"Effect":"Allow","Principal":{"Service":["billingreports.amazonaws.com"]},
            "Action":"s3:PutObject","Resource":"arn:aws:s3:::b/*","Condition":{
            "StringEquals":{"aws:SourceAccount":"123456789012"},
            "ArnLike":{"aws:SourceArn":"arn:aws:cur:us-east-1:123456789012:definition/*"}}}}"#,
    );
    for (service, account, expected) in [
        ("billingreports.amazonaws.com", "123456789012", true),
        ("billingreports.amazonaws.com", "210987654321", false),
        ("bcm-data-exports.amazonaws.com", "123456789012", false),
    ] {
        let context = Context::default()
            .with("aws:SourceAccount", account)
            .with("aws:SourceArn", format!("arn:aws:cur:us-east-1:{account}:definition/r"));
        let ask = Ask {
            action: "s3:PutObject",
            resource: "arn:aws:s3:::b/k",
            owner: account,
            resource_policy: Some(&bucket),
            context: &context,
        };
        assert_eq!(allowed_for_service(service, &ask), expected, "{service} for {account}");
    }
}

#[test]
fn malformed_policies_are_refused() {
    for json in [
        "",
        "[]",
        r#"{"Version":"2012-10-17"}"#,
        r#"{"Version":"2013-01-01","Statement":[]}"#,
        r#"{"Version":"2012-10-17","Statement":[{"Effect":"Maybe","Action":"*","Resource":"*"}]}"#,
        r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Resource":"*"}]}"#,
        r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resorce":"*"}]}"#,
        r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"*","Condition":{"StringIs":{"a":"b"}}}]}"#,
    ] {
        assert!(Policy::parse(json).is_err(), "{json}");
    }
}

/// What stands above the caller's own policies, and how AWS words its refusal.
#[test]
fn guardrails_refuse_in_their_own_name() {
    let everything = || vec![statement("Allow", "*", "*", "{}")];
    let deny = statement("Deny", "s3:GetObject", "*", "{}");
    let only_sts = statement("Allow", "sts:*", "*", "{}");
    let through_endpoint = |action: &str| {
        policy(&format!(
            r#"{{"Version":"2012-10-17","Statement":{{"Effect":"Allow","Principal":"*","Action":"{action}","Resource":"*"}}}}"#
        ))
    };
    let control = |levels: Vec<Vec<Policy>>| Guardrails { service_control: levels, ..Guardrails::default() };
    let endpoint = |policy| Guardrails {
        endpoints: [("s3".to_owned(), policy)].into_iter().collect(),
        ..Guardrails::default()
    };
    let resource_control = |account: &str| Guardrails {
        resource_control: [(account.to_owned(), vec![deny.clone()])].into_iter().collect(),
        ..Guardrails::default()
    };
    for (what, guardrails, expected) in [
        ("no policies at a level", control(vec![Vec::new(), Vec::new()]), None),
        ("a level that allows", control(vec![everything()]), None),
        (
            "a level that denies",
            control(vec![everything(), vec![everything().remove(0), deny.clone()]]),
            Some("with an explicit deny in a service control policy"),
        ),
        (
            "a level that allows something else",
            control(vec![everything(), vec![only_sts]]),
            Some("because no service control policy allows the s3:GetObject action"),
        ),
        (
            "the owner's organization",
            resource_control("123456789012"),
            Some("with an explicit deny in a resource control policy"),
        ),
        ("another owner's organization", resource_control("555566667777"), None),
        ("an endpoint that lets it through", endpoint(through_endpoint("s3:*")), None),
        (
            "an endpoint that does not",
            endpoint(through_endpoint("s3:ListBucket")),
            Some("because no VPC endpoint policy allows the s3:GetObject action"),
        ),
    ] {
        let identity = Identity { guardrails, ..session(everything(), None) };
        let context = Context::default();
        let ask = Ask {
            action: "s3:GetObject",
            resource: "arn:aws:s3:::b/k",
            owner: "123456789012",
            resource_policy: None,
            context: &context,
        };
        let because = allowed(&identity, &ask).err().map(|denial| denial.because("s3:GetObject"));
        assert_eq!(because.as_deref(), expected, "{what}");
    }
}
