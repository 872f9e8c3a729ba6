//! IAM through the SDK: what the session's own role may do, asked without doing it.

use std::collections::BTreeMap;

use async_trait::async_trait;
use aws_sdk_iam::{
    Client,
    config::{Builder, Region as SdkRegion},
    types::PolicyEvaluationDecisionType,
};

use super::{
    AwsFault, Operation, Sdk, Session,
    calls::Calls,
    client_config::sdk_credentials,
    sdk_fault::malformed_answer,
    traits::{PermissionAudit, PermissionQuestion},
};
use crate::model::RoleArn;

/// Far more pages than the questions about one resource fill.
const MAX_PAGES: usize = 20;

/// [`PermissionAudit`] over the SDK.
pub(super) struct SdkAudit {
    client: Client,
    calls: Calls,
}

impl SdkAudit {
    pub(super) fn new(sdk: &Sdk) -> Self {
        Self { client: Client::new(&sdk.without_credentials), calls: sdk.calls.clone() }
    }

    /// Which of `actions` on one resource are allowed.
    async fn simulate_batch(
        &self,
        session: &Session,
        role: &RoleArn,
        resource: &str,
        actions: &[&'static str],
    ) -> Result<Vec<String>, AwsFault> {
        let mut allowed = Vec::new();
        let mut judged = 0;
        let mut marker = None;
        for _ in 0..MAX_PAGES {
            let sending = self
                .client
                .simulate_principal_policy()
                // The spec's ARN, not the session's: the latter lacks the role's path (docs/aws-facts.md
                // 1.2), and IAM would not find the role.
                .policy_source_arn(role.to_string())
                .set_action_names(Some(actions.iter().map(|action| (*action).to_owned()).collect()))
                // One resource a call: IAM evaluates every action of a call against every resource of it.
                .resource_arns(resource)
                .set_marker(marker)
                .customize()
                .config_override(client_config(session, role))
                .send();
            let page = self.calls.make(Operation::SimulatePrincipalPolicy, sending).await?;
            let results = page.evaluation_results();
            judged += results.len();
            let yes = results.iter().filter(|r| *r.eval_decision() == PolicyEvaluationDecisionType::Allowed);
            allowed.extend(yes.map(|result| result.eval_action_name().to_owned()));
            // A page may hold fewer results than there is room for.
            marker = page.marker().filter(|_| page.is_truncated()).map(str::to_owned);
            if marker.is_none() {
                break;
            }
        }
        // A result that is missing must not count as denied: a broad role would then look minimal.
        if judged == actions.len() {
            Ok(allowed)
        } else {
            Err(malformed_answer(Operation::SimulatePrincipalPolicy, "not one result an action"))
        }
    }
}

/// The API has one home in a partition, which signs for the whole of it.
fn client_config(session: &Session, role: &RoleArn) -> Builder {
    aws_sdk_iam::Config::builder()
        .region(SdkRegion::new(role.partition().home_region()))
        .credentials_provider(sdk_credentials(session))
}

#[async_trait]
impl PermissionAudit for SdkAudit {
    async fn simulate(
        &self,
        session: &Session,
        role: &RoleArn,
        questions: &[PermissionQuestion],
    ) -> Result<Vec<bool>, AwsFault> {
        let mut by_resource: BTreeMap<&str, Vec<&'static str>> = BTreeMap::new();
        for question in questions {
            by_resource.entry(&question.resource).or_default().push(question.action);
        }
        let mut allowed: BTreeMap<&str, Vec<String>> = BTreeMap::new();
        for (resource, actions) in by_resource {
            allowed.insert(resource, self.simulate_batch(session, role, resource, &actions).await?);
        }
        let yes = |question: &PermissionQuestion| {
            allowed[question.resource.as_str()]
                .iter()
                // Action names are not case-sensitive in IAM, and answers need not spell them as asked.
                .any(|action| action.eq_ignore_ascii_case(question.action))
        };
        Ok(questions.iter().map(yes).collect())
    }
}
