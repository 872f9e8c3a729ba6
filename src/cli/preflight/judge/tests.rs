//! Every verdict, a row each: what is changed in an installation that is whole, and what is said then.

use std::time::Duration;

use super::*;
use crate::{
    aws::{AwsFault, Code, Operation, StsReach, traits::Caller},
    cli::preflight::{
        definition,
        facts::{
            AskedRight, Deployed, LeaseRecord, OutsideView, OwnView, Proxy, SeenPolicy, TriedWrite,
            WriteTries,
        },
    },
    controller::settings::Settings,
};
use jiff::SignedDuration;

const IMAGE: &str = "ghcr.io/awscost/awscost:0.1.0";

fn settings(watched: &str) -> Result<Settings, crate::controller::settings::InvalidSettings> {
    Settings::parse(&format!("image: {IMAGE}\nwatch: {{namespaces: [{watched}]}}\n"))
}

fn facts(view: OperatorView) -> PreflightFacts {
    let served =
        definition::own_definitions().into_iter().map(|(kind, schema)| (kind, Some(schema))).collect();
    PreflightFacts {
        place: ReleasePlace {
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
    let asked = AskedRight {
        verb: "list",
        group: "",
        resource: "pods",
        name: None,
        namespace: Some("finops".to_owned()),
    };
    let caller = Caller {
        account: "999988887777".parse().expect("an account"),
        arn: "arn:aws:iam::999988887777:role/awscost-operator".to_owned(),
    };
    OwnView {
        rights: vec![(asked, Ok(true))],
        tries: Ok(vec![WriteTries {
            namespace: "finops".to_owned(),
            foreign_secret: TriedWrite::RefusedByPolicy,
            foreign_job: TriedWrite::RefusedByPolicy,
            own_job: TriedWrite::Taken,
        }]),
        sts: Ok(StsReach { caller: Ok(caller), clock: Some(SignedDuration::from_secs(1)) }),
        proxy: None,
        api_clock: Ok(SignedDuration::ZERO),
    }
}

fn policy(name: &str, resource: &str, operations: &[&str]) -> SeenPolicy {
    let covers = operations.iter().map(|one| (resource.to_owned(), (*one).to_owned())).collect();
    SeenPolicy { name: name.to_owned(), covers, denies: true, image: None }
}

fn outside() -> OutsideView {
    let jobs = SeenPolicy { image: Some(IMAGE.to_owned()), ..policy("jobs", "jobs", &["CREATE", "UPDATE"]) };
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

fn as_operator(change: impl FnOnce(&mut OwnView)) -> PreflightFacts {
    let mut own = own();
    change(&mut own);
    facts(OperatorView::Operator(Box::new(own)))
}

fn from_outside(change: impl FnOnce(&mut OutsideView)) -> PreflightFacts {
    let mut view = outside();
    change(&mut view);
    facts(OperatorView::Outside(Box::new(view)))
}

fn changed(mut facts: PreflightFacts, change: impl FnOnce(&mut PreflightFacts)) -> PreflightFacts {
    change(&mut facts);
    facts
}

#[test]
fn from_outside_checks_that_need_the_operator_are_left_to_it() {
    let report = PreflightReport::of(&as_operator(|_| {}), &[]);
    assert_eq!((report.verdict(), report.checks.len()), (CheckResult::Pass, 9), "{:?}", report.checks);
    let report = PreflightReport::of(&from_outside(|_| {}), &[]);
    assert_eq!((report.verdict(), report.checks.len()), (CheckResult::Pass, 7), "{:?}", report.checks);
    let left = report.left_to_the_operator.expect("checks that only the operator can make");
    assert_eq!(left.checks, [Check::OwnRights, Check::AwsIdentity, Check::Clock]);
    assert_eq!(left.command, "helm test costs --namespace awscost-system --logs");
}

#[test]
fn what_is_left_out_counts_for_nothing() {
    let skipped = [Check::Lease, Check::OwnRights, Check::AwsIdentity, Check::Clock];
    let report = PreflightReport::of(&from_outside(|_| {}), &skipped);
    assert!(report.left_to_the_operator.is_none(), "{:?}", report.left_to_the_operator);
    assert!(report.checks.iter().all(|finding| finding.check != Check::Lease), "{:?}", report.checks);
}

#[test]
fn exit_codes_are_those_of_a_check() {
    let codes = [CheckResult::Pass, CheckResult::Fail, CheckResult::Unknown].map(CheckResult::exit);
    assert_eq!(codes, [0, 1, 2]);
    assert!(
        CheckResult::Fail > CheckResult::Unknown && CheckResult::Unknown > CheckResult::Pass,
        "a failure outweighs a gap"
    );
}

/// One thing is amiss: which check says so, how, and with which words in message, fix and command.
#[track_caller]
fn says(name: &str, facts: &PreflightFacts, check: Check, verdict: CheckResult, words: &[&str]) {
    let found = PreflightReport::of(facts, &[]).checks.into_iter().find(|finding| finding.check == check);
    let found = found.unwrap_or_else(|| unreachable!("{name}: no finding of {check:?}"));
    assert_eq!(found.verdict, verdict, "{name}: {found:?}");
    let text = [Some(found.message.clone()), found.fix.clone(), found.command.clone()];
    let text = text.into_iter().flatten().collect::<Vec<_>>().join("\n");
    assert!(words.iter().all(|word| text.contains(word)), "{name}: {words:?} in:\n{text}");
    if verdict == CheckResult::Fail {
        assert!(found.fix.is_some(), "{name}: a failure has a fix");
    }
}

#[test]
fn what_both_can_see() {
    let whole = || from_outside(|_| {});
    type Change = fn(&mut PreflightFacts);
    let rows: [(&str, Change, Check, CheckResult, &[&str]); 11] = [
        (
            "a kind is not served",
            |it| it.definitions = Ok(vec![("AwsCostAccount".to_owned(), None)]),
            Check::Definitions,
            CheckResult::Fail,
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
            CheckResult::Fail,
            &["have another version", "AwsCostAccount: spec.suspend"],
        ),
        (
            "OpenAPI is not to be had",
            |it| it.definitions = Err("it is down".to_owned()),
            Check::Definitions,
            CheckResult::Unknown,
            &["because it is down"],
        ),
        (
            "the settings have no rules",
            |it| it.settings = Ok(settings("a, b")),
            Check::Settings,
            CheckResult::Fail,
            &["tenancy.rules is empty", "helm upgrade"],
        ),
        (
            "the settings are hidden",
            |it| it.settings = Err("it may not be read".to_owned()),
            Check::Settings,
            CheckResult::Unknown,
            &["may not be read"],
        ),
        (
            "an unusable image is not compared",
            |it| it.settings = Ok(settings("a, b")),
            Check::Image,
            CheckResult::Unknown,
            &["the settings can't be used"],
        ),
        (
            "no lease",
            |it| it.lease = Ok(LeaseRecord::Missing),
            Check::Lease,
            CheckResult::Fail,
            &["no lease", "kubectl -n awscost-system logs"],
        ),
        (
            "a free lease",
            |it| it.lease = Ok(LeaseRecord::Free),
            Check::Lease,
            CheckResult::Fail,
            &["Nobody holds"],
        ),
        (
            "a stale lease",
            |it| it.lease = Ok(held(false)),
            Check::Lease,
            CheckResult::Fail,
            &["awscost-0", "for 15 s"],
        ),
        (
            "no election",
            |it| it.lease = Ok(LeaseRecord::Off),
            Check::Lease,
            CheckResult::Pass,
            &["no lease is needed"],
        ),
        (
            "a hidden lease",
            |it| it.lease = Err("x".to_owned()),
            Check::Lease,
            CheckResult::Unknown,
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

fn policies(view: &mut OutsideView) -> &mut Vec<SeenPolicy> {
    view.policies.as_mut().expect("they are seen")
}

#[test]
fn what_an_administrator_can_see() {
    type Change = fn(&mut OutsideView);
    let rows: [(&str, Change, Check, CheckResult, &[&str]); 10] = [
        (
            "no Deployment",
            |it| it.deployment = Ok(None),
            Check::Deployment,
            CheckResult::Fail,
            &["no Deployment of the operator in awscost-system"],
        ),
        (
            "no Deployment to compare",
            |it| it.deployment = Ok(None),
            Check::Image,
            CheckResult::Unknown,
            &["no Deployment"],
        ),
        (
            "no replica",
            |it| deployed(it).available = 0,
            Check::Deployment,
            CheckResult::Fail,
            &["no available replica of 1", "describe deployment/awscost"],
        ),
        (
            "another image",
            |it| deployed(it).image = "other:1".to_owned(),
            Check::Image,
            CheckResult::Fail,
            &["the Deployment runs other:1"],
        ),
        (
            "the policy has another image",
            |it| policies(it)[1].image = Some("old:1".to_owned()),
            Check::Image,
            CheckResult::Fail,
            &["admission policy jobs allows old:1"],
        ),
        (
            "no policy",
            |it| it.policies = Ok(Vec::new()),
            Check::AdmissionPolicy,
            CheckResult::Fail,
            &["No admission policy limits", "--set admissionPolicy.enabled=true"],
        ),
        (
            "an unbound policy",
            |it| policies(it)[0].denies = false,
            Check::AdmissionPolicy,
            CheckResult::Fail,
            &["No binding enforces the admission policy secrets"],
        ),
        (
            "a gap",
            |it| policies(it).truncate(2),
            Check::AdmissionPolicy,
            CheckResult::Fail,
            &["DELETE of jobs"],
        ),
        (
            "hidden policies",
            |it| it.policies = Err("x".to_owned()),
            Check::AdmissionPolicy,
            CheckResult::Unknown,
            &["because x"],
        ),
        (
            "a namespace is gone",
            |it| it.missing_namespaces = Ok(vec!["finops".to_owned()]),
            Check::Namespaces,
            CheckResult::Fail,
            &["watch finops", "kubectl create namespace finops\nhelm upgrade"],
        ),
    ];
    for (name, change, check, verdict, words) in rows {
        says(name, &from_outside(change), check, verdict, words);
    }
}

fn first(own: &mut OwnView) -> &mut WriteTries {
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
    let rows: [(&str, Change, Check, CheckResult, &[&str]); 17] = [
        (
            "a right is missing",
            |it| it.rights[0].1 = Ok(false),
            Check::OwnRights,
            CheckResult::Fail,
            &["may not list pods in finops", "helm upgrade"],
        ),
        (
            "no answer about a right",
            |it| it.rights[0].1 = Err("x".to_owned()),
            Check::OwnRights,
            CheckResult::Unknown,
            &["because x"],
        ),
        (
            "any Secret is taken",
            |it| first(it).foreign_secret = TriedWrite::Taken,
            Check::AdmissionPolicy,
            CheckResult::Fail,
            &["any Secret in finops"],
        ),
        (
            "any image is taken",
            |it| first(it).foreign_job = TriedWrite::Taken,
            Check::AdmissionPolicy,
            CheckResult::Fail,
            &["Jobs of any image in finops"],
        ),
        (
            "a quota is in the way",
            |it| first(it).foreign_job = TriedWrite::Otherwise("exceeded quota".to_owned()),
            Check::AdmissionPolicy,
            CheckResult::Unknown,
            &["exceeded quota"],
        ),
        (
            "the own image is refused",
            |it| first(it).own_job = TriedWrite::RefusedByPolicy,
            Check::Image,
            CheckResult::Fail,
            &[IMAGE, "refuses such a Job in finops"],
        ),
        (
            "a namespace is gone",
            |it| first(it).foreign_secret = TriedWrite::NoSuchNamespace,
            Check::Namespaces,
            CheckResult::Fail,
            &["kubectl create namespace finops"],
        ),
        (
            "no tries",
            |it| it.tries = Err("x".to_owned()),
            Check::Namespaces,
            CheckResult::Unknown,
            &["because x"],
        ),
        (
            "no credentials",
            |it| no_answer(it, Code::NoCredentials),
            Check::AwsIdentity,
            CheckResult::Fail,
            &["no AWS identity", "aws.credentialsSecret"],
        ),
        (
            "no way out",
            |it| no_answer(it, Code::ConnectionFailed),
            Check::AwsIdentity,
            CheckResult::Fail,
            &["STS can't be reached"],
        ),
        (
            "the proxy is down",
            |it| {
                no_answer(it, Code::ConnectionFailed);
                through_a_proxy(it, Some(false));
            },
            Check::AwsIdentity,
            CheckResult::Fail,
            &["The proxy proxy.corp:3128 accepts no connection"],
        ),
        (
            "the proxy leads nowhere",
            |it| {
                no_answer(it, Code::ConnectionFailed);
                through_a_proxy(it, Some(true));
            },
            Check::AwsIdentity,
            CheckResult::Fail,
            &["STS can't be reached through the proxy"],
        ),
        (
            "the proxy works",
            |it| through_a_proxy(it, None),
            Check::AwsIdentity,
            CheckResult::Pass,
            &["through the proxy proxy.corp:3128 identifies the operator as arn:"],
        ),
        (
            "AWS is slow",
            |it| no_answer(it, Code::Throttling),
            Check::AwsIdentity,
            CheckResult::Unknown,
            &["did not return the operator's identity"],
        ),
        (
            "the clock is behind",
            |it| sts_clock(it, Some(SignedDuration::from_secs(400))),
            Check::Clock,
            CheckResult::Fail,
            &["400 s behind STS"],
        ),
        (
            "the clock is ahead",
            |it| it.api_clock = Ok(SignedDuration::from_secs(-90)),
            Check::Clock,
            CheckResult::Fail,
            &["90 s ahead of the API server"],
        ),
        (
            "one clock is unknown",
            |it| sts_clock(it, None),
            Check::Clock,
            CheckResult::Unknown,
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
    let text = crate::cli::preflight::output::render_report(
        &PreflightReport::of(&facts, &[]),
        crate::cli::terminal::format::TextOrJson::Text,
    );
    insta::assert_snapshot!(text);
}
