//! What a template holds, and when there is none. What CloudFormation makes of it: `tests/it/onboarding.rs`.

use super::{super::sample, *};
use crate::onboarding::delivery::ExportGranularity;

const EXPORT_CHOICES: ExportChoices = ExportChoices {
    granularity: ExportGranularity::Hourly,
    split_cost_allocation: false,
    iam_principal: false,
};

fn choices() -> TemplateChoices {
    TemplateChoices {
        principal: "arn:aws:iam::999988887777:role/awscost-operator".parse().expect("a principal"),
        base: BaseIdentity::Plain,
        bucket: true,
        export: Some(EXPORT_CHOICES),
        scope: StackScope::Account,
    }
}

fn template(wanted: &WantedAccount, choices: &TemplateChoices) -> Value {
    serde_json::to_value(stack(wanted, choices).expect("possible").template).expect("JSON")
}

#[test]
fn the_bucket_stays_and_the_export_waits_for_its_policy() {
    let template = template(&sample::wanted(), &choices());
    let resources = &template["Resources"];
    for name in [BUCKET, BUCKET_POLICY] {
        assert_eq!(resources[name]["DeletionPolicy"], "Retain", "{name}");
        assert_eq!(resources[name]["UpdateReplacePolicy"], "Retain", "{name}");
    }
    assert_eq!(resources[EXPORT]["DependsOn"], BUCKET_POLICY);
    assert_eq!(resources[ROLE]["Properties"]["MaxSessionDuration"], 3600);
    assert_eq!(resources[ROLE]["Properties"]["Path"], "/finops/");
    assert_eq!(template["Parameters"]["ExternalId"]["NoEcho"], true);
    assert!(template["Parameters"]["ExternalId"].get("Default").is_none(), "a template holds no external ID");
}

#[test]
fn what_a_stack_needs_is_said_in_it() {
    let wanted = sample::wanted();
    let description = |choices: &TemplateChoices| {
        template(&wanted, choices)["Description"].as_str().expect("a description").to_owned()
    };
    let all = description(&choices());
    assert!(all.contains("must be in us-east-1") && all.contains("CAPABILITY_NAMED_IAM"), "{all}");
    let role = description(&TemplateChoices { bucket: false, export: None, ..choices() });
    assert!(role.contains("any region"), "{role}");
}

#[test]
fn a_bucket_elsewhere_and_its_export_are_two_stacks() {
    let mut wanted = sample::wanted();
    wanted.report.as_mut().expect("a report").region = "eu-west-1".parse().expect("a region");
    let refused = stack(&wanted, &choices()).map(|stack| stack.region);
    assert!(matches!(refused, Err(OnboardingFault::TwoRegions { .. })), "{refused:?}");
    let region = |bucket, export| {
        stack(&wanted, &TemplateChoices { bucket, export, ..choices() }).expect("possible").region
    };
    assert_eq!(region(true, None).as_deref(), Some("eu-west-1"));
    assert_eq!(region(false, Some(EXPORT_CHOICES)).as_deref(), Some("us-east-1"));
}

#[test]
fn a_stack_set_names_no_account() {
    let choices = TemplateChoices { bucket: false, export: None, scope: StackScope::StackSet, ..choices() };
    assert_eq!(stack(&sample::wanted(), &choices).map(drop), Err(OnboardingFault::StackSet));
    let wanted = WantedAccount { report: None, audit: true, metrics: true, ..sample::wanted() };
    let text = template(&wanted, &choices).to_string();
    assert!(!text.contains(wanted.account().as_str()), "{text}");
    assert!(text.contains(r#"{"Fn::Sub":"arn:aws:iam::${AWS::AccountId}:role/finops/awscost"}"#), "{text}");
}

#[test]
fn literals_mean_themselves_beside_references_too() {
    let text = Text::from("a${*}").then(Text::reference(TemplateVariable::Account));
    assert_eq!(TemplateVariable::render(&text), json!({"Fn::Sub": "a${!*}${AWS::AccountId}"}));
    assert_eq!(TemplateVariable::render(&Text::from("a${*}")), json!("a${*}"));
}

#[test]
fn no_role_trusts_another_partition() {
    let principal = "arn:aws-cn:iam::999988887777:role/awscost-operator".parse().expect("a principal");
    let refused = stack(&sample::wanted(), &TemplateChoices { principal, ..choices() }).map(drop);
    assert!(matches!(refused, Err(OnboardingFault::ForeignPrincipal { .. })), "{refused:?}");
}
