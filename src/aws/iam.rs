//! IAM through the SDK: what the session's own role may do, asked without doing it.

use std::collections::BTreeMap;

use async_trait::async_trait;
use aws_sdk_iam::{Client, config::Region as SdkRegion, types::PolicyEvaluationDecisionType};

use super::{
    AwsFault, Operation, Sdk, Session,
    calls::Calls,
    client_config::credentials,
    fault::malformed,
    traits::{PermissionAudit, PermissionQuestion},
};
use crate::model::RoleArn;

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
    async fn allowed(
        &self,
        session: &Session,
        role: &RoleArn,
        resource: &str,
        actions: &[&'static str],
    ) -> Result<Vec<String>, AwsFault> {
        let config = aws_sdk_iam::Config::builder()
            .region(SdkRegion::new(role.partition().home_region()))
            .credentials_provider(credentials(session));
        let sending = self
            .client
            .simulate_principal_policy()
            .policy_source_arn(role.to_string())
            .set_action_names(Some(actions.iter().map(|action| (*action).to_owned()).collect()))
            .resource_arns(resource)
            .customize()
            .config_override(config)
            .send();
        let output = self.calls.make(Operation::SimulatePrincipalPolicy, sending).await?;
        let results = output.evaluation_results();
        // One answer an action and no second page: far below the API's page of 100.
        if results.len() != actions.len() {
            return Err(malformed(Operation::SimulatePrincipalPolicy, "not one result an action"));
        }
        Ok(results
            .iter()
            .filter(|result| *result.eval_decision() == PolicyEvaluationDecisionType::Allowed)
            .map(|result| result.eval_action_name().to_owned())
            .collect())
    }
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
            allowed.insert(resource, self.allowed(session, role, resource, &actions).await?);
        }
        let yes = |question: &PermissionQuestion| {
            allowed[question.resource.as_str()]
                .iter()
                .any(|action| action.eq_ignore_ascii_case(question.action))
        };
        Ok(questions.iter().map(yes).collect())
    }
}
