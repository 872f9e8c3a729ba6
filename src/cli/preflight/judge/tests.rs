//! Every verdict, a row each: what is changed in an installation that is whole, and what is said then.

use std::time::Duration;

use super::*;
use crate::{
    aws::{AwsFault, Code, Operation, StsReach, traits::Caller},
    cli::preflight::{
        definition,
        facts::{Asked, Deployed, LeaseRecord, OutsideView, OwnView, Policy, Proxy, Tried, Tries},
    },
    controller::settings::Settings,
};
use jiff::SignedDuration;

const IMAGE: &str = "ghcr.io/awscost/awscost:0.1.0";

fn settings(watched: &str) -> Result<Settings, crate::controller::settings::InvalidSettings> {
    Settings::parse(&format!("image: {IMAGE}\nwatch: {{namespaces: [{watched}]}}\n"))
}

fn facts(view: View) -> Facts {
    let served = definition::ours().into_iter().map(|(kind, schema)| (kind, Some(schema))).collect();
    Facts {
        place: Place {
            namespace: "awscost-system".to_owned(),
            release: Some("costs".to_owned()),
            user: "kubernetes-admin".to_owned(),
        },
        definitions: Ok(served),
        settings: Ok(settings("finops")),
        lease: Ok(held(true)),
        view,
    }
}

fn held(renewed: bool) -> LeaseRecord {
    LeaseRecord::Held { holder: "awscost-0".to_owned(), since: None, renewed, lasts: Duration::from_secs(15) }
}

fn own() -> OwnView {
    let asked =
        Asked { verb: "list", group: "", resource: "pods", name: None, namespace: Some("finops".to_owned()) };
    let caller = Caller {
        account: "999988887777".parse().expect("an account"),
        arn: "arn:aws:iam::999988887777:role/awscost-operator".to_owned(),
    };
    OwnView {
        rights: vec![(asked, Ok(true))],
        tries: Ok(vec![Tries {
            namespace: "finops".to_owned(),
            foreign_secret: Tried::RefusedByPolicy,
            foreign_job: Tried::RefusedByPolicy,
            own_job: Tried::Taken,
        }]),
        sts: Ok(StsReach { caller: Ok(caller), clock: Some(SignedDuration::from_secs(1)) }),
        proxy: None,
        api_clock: Ok(SignedDuration::ZERO),
    }
}

fn policy(name: &str, resource: &str, operations: &[&str]) -> Policy {
    let covers = operations.iter().map(|one| (resource.to_owned(), (*one).to_owned())).collect();
    Policy { name: name.to_owned(), covers, denies: true, image: None }
}

fn outside() -> OutsideView {
    let jobs = Policy { image: Some(IMAGE.to_owned()), ..policy("jobs", "jobs", &["CREATE", "UPDATE"]) };
    OutsideView {
        deployment: Ok(Some(Deployed {
            name: "awscost".to_owned(),
            image: IMAGE.to_owned(),
            wanted: 1,
            available: 1,
        })),
        missing_namespaces: Ok(Vec::new()),
        policies: Ok(vec![
            policy("secrets", "secrets", &["CREATE", "UPDATE", "DELETE"]),
            jobs,
            policy("stopped", "jobs", &["DELETE"]),
        ]),
    }
}

fn as_operator(change: impl FnOnce(&mut OwnView)) -> Facts {
    let mut own = own();
    change(&mut own);
    facts(View::Operator(Box::new(own)))
}

fn from_outside(change: impl FnOnce(&mut OutsideView)) -> Facts {
    let mut view = outside();
    change(&mut view);
    facts(View::Outside(Box::new(view)))
}

fn changed(mut facts: Facts, change: impl FnOnce(&mut Facts)) -> Facts {
    change(&mut facts);
    facts
}

#[test]
fn from_outside_checks_that_need_the_operator_are_left_to_it() {
    let report = Report::of(&as_operator(|_| {}), &[]);
    assert_eq!((report.verdict(), report.checks.len()), (Verdict::Pass, 9), "{:?}", report.checks);
    let report = Report::of(&from_outside(|_| {}), &[]);
    assert_eq!((report.verdict(), report.checks.len()), (Verdict::Pass, 7), "{:?}", report.checks);
    let left = report.left_to_the_operator.expect("checks that only the operator can make");
    assert_eq!(left.checks, [Check::OwnRights, Check::AwsIdentity, Check::Clock]);
    assert_eq!(left.command, "helm test costs --namespace awscost-system --logs");
}

#[test]
fn what_is_left_out_counts_for_nothing() {
    let skipped = [Check::Lease, Check::OwnRights, Check::AwsIdentity, Check::Clock];
    let report = Report::of(&from_outside(|_| {}), &skipped);
    assert!(report.left_to_the_operator.is_none(), "{:?}", report.left_to_the_operator);
    assert!(report.checks.iter().all(|finding| finding.check != Check::Lease), "{:?}", report.checks);
}

#[test]
fn exit_codes_are_those_of_a_check() {
    let codes = [Verdict::Pass, Verdict::Fail, Verdict::Unknown].map(Verdict::exit);
    assert_eq!(codes, [0, 1, 2]);
    assert!(
        Verdict::Fail > Verdict::Unknown && Verdict::Unknown > Verdict::Pass,
        "a failure outweighs a gap"
    );
}

/// One thing is amiss: which check says so, how, and with which words in message, fix and command.
#[track_caller]
fn says(name: &str, facts: &Facts, check: Check, verdict: Verdict, words: &[&str]) {
    let found = Report::of(facts, &[]).checks.into_iter().find(|finding| finding.check == check);
    let found = found.unwrap_or_else(|| unreachable!("{name}: no finding of {check:?}"));
    assert_eq!(found.verdict, verdict, "{name}: {found:?}");
    let text = [Some(found.message.clone()), found.fix.clone(), found.command.clone()];
    let text = text.into_iter().flatten().collect::<Vec<_>>().join("\n");
    assert!(words.iter().all(|word| text.contains(word)), "{name}: {words:?} in:\n{text}");
    if verdict == Verdict::Fail {
        assert!(found.fix.is_some(), "{name}: a failure has a fix");
    }
}

#[test]
fn what_both_can_see() {
    let whole = || from_outside(|_| {});
    type Change = fn(&mut Facts);
    let rows: [(&str, Change, Check, Verdict, &[&str]); 11] = [
        (
            "a kind is not served",
            |it| it.definitions = Ok(vec![("AwsCostAccount".to_owned(), None)]),
            Check::Definitions,
            Verdict::Fail,
            &["does not serve AwsCostAccount", "helm upgrade --install costs-crds"],
        ),
        (
            "a definition is older",
            |it| {
                let Ok(served) = &mut it.definitions else { return };
                let schema = served[0].1.as_mut().expect("it is served");
                schema["properties"]["spec"]["properties"].as_object_mut().expect("fields").remove("suspend");
            },
            Check::Definitions,
            Verdict::Fail,
            &["have another version", "AwsCostAccount: spec.suspend"],
        ),
        (
            "OpenAPI is not to be had",
            |it| it.definitions = Err("it is down".to_owned()),
            Check::Definitions,
            Verdict::Unknown,
            &["because it is down"],
        ),
        (
            "the settings have no rules",
            |it| it.settings = Ok(settings("a, b")),
            Check::Settings,
            Verdict::Fail,
            &["tenancy.rules is empty", "helm upgrade"],
        ),
        (
            "the settings are hidden",
            |it| it.settings = Err("it may not be read".to_owned()),
            Check::Settings,
            Verdict::Unknown,
            &["may not be read"],
        ),
        (
            "an unusable image is not compared",
            |it| it.settings = Ok(settings("a, b")),
            Check::Image,
            Verdict::Unknown,
            &["the settings can't be used"],
        ),
        (
            "no lease",
            |it| it.lease = Ok(LeaseRecord::Missing),
            Check::Lease,
            Verdict::Fail,
            &["no lease", "kubectl -n awscost-system logs"],
        ),
        (
            "a free lease",
            |it| it.lease = Ok(LeaseRecord::Free),
            Check::Lease,
            Verdict::Fail,
            &["Nobody holds"],
        ),
        (
            "a stale lease",
            |it| it.lease = Ok(held(false)),
            Check::Lease,
            Verdict::Fail,
            &["awscost-0", "for 15 s"],
        ),
        (
            "no election",
            |it| it.lease = Ok(LeaseRecord::Off),
            Check::Lease,
            Verdict::Pass,
            &["no lease is needed"],
        ),
        (
            "a hidden lease",
            |it| it.lease = Err("x".to_owned()),
            Check::Lease,
            Verdict::Unknown,
            &["because x"],
        ),
    ];
    for (name, change, check, verdict, words) in rows {
        says(name, &changed(whole(), change), check, verdict, words);
    }
}

fn deployed(view: &mut OutsideView) -> &mut Deployed {
    view.deployment.as_mut().expect("it is seen").as_mut().expect("it is there")
}

fn policies(view: &mut OutsideView) -> &mut Vec<Policy> {
    view.policies.as_mut().expect("they are seen")
}

#[test]
fn what_an_administrator_can_see() {
    type Change = fn(&mut OutsideView);
    let rows: [(&str, Change, Check, Verdict, &[&str]); 10] = [
        (
            "no Deployment",
            |it| it.deployment = Ok(None),
            Check::Deployment,
            Verdict::Fail,
            &["no Deployment of the operator in awscost-system"],
        ),
        (
            "no Deployment to compare",
            |it| it.deployment = Ok(None),
            Check::Image,
            Verdict::Unknown,
            &["no Deployment"],
        ),
        (
            "no replica",
            |it| deployed(it).available = 0,
            Check::Deployment,
            Verdict::Fail,
            &["no available replica of 1", "describe deployment/awscost"],
        ),
        (
            "another image",
            |it| deployed(it).image = "other:1".to_owned(),
            Check::Image,
            Verdict::Fail,
            &["the Deployment runs other:1"],
        ),
        (
            "the policy has another image",
            |it| policies(it)[1].image = Some("old:1".to_owned()),
            Check::Image,
            Verdict::Fail,
            &["admission policy jobs allows old:1"],
        ),
        (
            "no policy",
            |it| it.policies = Ok(Vec::new()),
            Check::AdmissionPolicy,
            Verdict::Fail,
            &["No admission policy limits", "--set admissionPolicy.enabled=true"],
        ),
        (
            "an unbound policy",
            |it| policies(it)[0].denies = false,
            Check::AdmissionPolicy,
            Verdict::Fail,
            &["No binding enforces the admission policy secrets"],
        ),
        ("a gap", |it| policies(it).truncate(2), Check::AdmissionPolicy, Verdict::Fail, &["DELETE of jobs"]),
        (
            "hidden policies",
            |it| it.policies = Err("x".to_owned()),
            Check::AdmissionPolicy,
            Verdict::Unknown,
            &["because x"],
        ),
        (
            "a namespace is gone",
            |it| it.missing_namespaces = Ok(vec!["finops".to_owned()]),
            Check::Namespaces,
            Verdict::Fail,
            &["watch finops", "kubectl create namespace finops\nhelm upgrade"],
        ),
    ];
    for (name, change, check, verdict, words) in rows {
        says(name, &from_outside(change), check, verdict, words);
    }
}

fn first(own: &mut OwnView) -> &mut Tries {
    own.tries.as_mut().expect("tries").first_mut().expect("one")
}

fn no_answer(own: &mut OwnView, code: Code) {
    own.sts = Ok(StsReach { caller: Err(AwsFault::new(Operation::GetCallerIdentity, code)), clock: None });
}

fn sts_clock(own: &mut OwnView, ahead: Option<SignedDuration>) {
    own.sts.as_mut().expect("STS is asked").clock = ahead;
}

fn through_a_proxy(own: &mut OwnView, answers: Option<bool>) {
    own.proxy = Some(Proxy { address: "proxy.corp:3128".to_owned(), answers });
}

#[test]
fn what_only_the_operator_can_see() {
    type Change = fn(&mut OwnView);
    let rows: [(&str, Change, Check, Verdict, &[&str]); 17] = [
        (
            "a right is missing",
            |it| it.rights[0].1 = Ok(false),
            Check::OwnRights,
            Verdict::Fail,
            &["may not list pods in finops", "helm upgrade"],
        ),
        (
            "no answer about a right",
            |it| it.rights[0].1 = Err("x".to_owned()),
            Check::OwnRights,
            Verdict::Unknown,
            &["because x"],
        ),
        (
            "any Secret is taken",
            |it| first(it).foreign_secret = Tried::Taken,
            Check::AdmissionPolicy,
            Verdict::Fail,
            &["any Secret in finops"],
        ),
        (
            "any image is taken",
            |it| first(it).foreign_job = Tried::Taken,
            Check::AdmissionPolicy,
            Verdict::Fail,
            &["Jobs of any image in finops"],
        ),
        (
            "a quota is in the way",
            |it| first(it).foreign_job = Tried::Otherwise("exceeded quota".to_owned()),
            Check::AdmissionPolicy,
            Verdict::Unknown,
            &["exceeded quota"],
        ),
        (
            "the own image is refused",
            |it| first(it).own_job = Tried::RefusedByPolicy,
            Check::Image,
            Verdict::Fail,
            &[IMAGE, "refuses such a Job in finops"],
        ),
        (
            "a namespace is gone",
            |it| first(it).foreign_secret = Tried::NoSuchNamespace,
            Check::Namespaces,
            Verdict::Fail,
            &["kubectl create namespace finops"],
        ),
        (
            "no tries",
            |it| it.tries = Err("x".to_owned()),
            Check::Namespaces,
            Verdict::Unknown,
            &["because x"],
        ),
        (
            "no credentials",
            |it| no_answer(it, Code::NoCredentials),
            Check::AwsIdentity,
            Verdict::Fail,
            &["no AWS identity", "aws.credentialsSecret"],
        ),
        (
            "no way out",
            |it| no_answer(it, Code::ConnectionFailed),
            Check::AwsIdentity,
            Verdict::Fail,
            &["STS can't be reached"],
        ),
        (
            "the proxy is down",
            |it| {
                no_answer(it, Code::ConnectionFailed);
                through_a_proxy(it, Some(false));
            },
            Check::AwsIdentity,
            Verdict::Fail,
            &["The proxy proxy.corp:3128 accepts no connection"],
        ),
        (
            "the proxy leads nowhere",
            |it| {
                no_answer(it, Code::ConnectionFailed);
                through_a_proxy(it, Some(true));
            },
            Check::AwsIdentity,
            Verdict::Fail,
            &["STS can't be reached through the proxy"],
        ),
        (
            "the proxy works",
            |it| through_a_proxy(it, None),
            Check::AwsIdentity,
            Verdict::Pass,
            &["through the proxy proxy.corp:3128 identifies the operator as arn:"],
        ),
        (
            "AWS is slow",
            |it| no_answer(it, Code::Throttling),
            Check::AwsIdentity,
            Verdict::Unknown,
            &["did not return the operator's identity"],
        ),
        (
            "the clock is behind",
            |it| sts_clock(it, Some(SignedDuration::from_secs(400))),
            Check::Clock,
            Verdict::Fail,
            &["400 s behind STS"],
        ),
        (
            "the clock is ahead",
            |it| it.api_clock = Ok(SignedDuration::from_secs(-90)),
            Check::Clock,
            Verdict::Fail,
            &["90 s ahead of the API server"],
        ),
        (
            "one clock is unknown",
            |it| sts_clock(it, None),
            Check::Clock,
            Verdict::Unknown,
            &["STS gave no answer"],
        ),
    ];
    for (name, change, check, verdict, words) in rows {
        says(name, &as_operator(change), check, verdict, words);
    }
}

#[test]
fn a_report_fits_80_columns_and_its_commands_are_whole() {
    let facts = from_outside(|it| it.policies = Ok(Vec::new()));
    let text = crate::cli::preflight::output::printed(
        &Report::of(&facts, &[]),
        crate::cli::terminal::format::TextOrJson::Text,
    );
    insta::assert_snapshot!(text);
}
