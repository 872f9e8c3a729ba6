//! The resource types (docs/aws-facts.md 6.2), made in the caller's name.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::Deserialize;
use serde_json::{Value, json};

use super::{authorize, invalid};
use crate::exports;
use crate::iam::{Identity, Policy};
use crate::state::State;
use crate::wire::Failure;
use crate::world::{Bucket, Role};

/// A role.
pub const ROLE: &str = "AWS::IAM::Role";
/// An export of Data Exports.
pub const EXPORT: &str = "AWS::BCMDataExports::Export";
const BUCKET: &str = "AWS::S3::Bucket";
const BUCKET_POLICY: &str = "AWS::S3::BucketPolicy";
/// All types there are.
pub const KINDS: [&str; 4] = [ROLE, EXPORT, BUCKET, BUCKET_POLICY];

/// A resource that was made.
#[derive(Debug, Clone)]
pub struct Made {
    kind: &'static str,
    /// What `Ref` gives.
    id: String,
    arn: String,
    /// It stays when the stack goes.
    pub retained: bool,
}

/// Who makes it, where and when.
pub struct Place<'a> {
    pub identity: &'a Identity,
    pub region: &'a str,
    pub now: Timestamp,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct RoleProperties {
    role_name: String,
    #[serde(default = "root")]
    path: String,
    #[serde(default, rename = "Description")]
    _description: Option<String>,
    #[serde(default = "one_hour")]
    max_session_duration: u32,
    assume_role_policy_document: Policy,
    #[serde(default)]
    policies: Vec<InlinePolicy>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct InlinePolicy {
    policy_name: String,
    policy_document: Policy,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct BucketProperties {
    bucket_name: String,
    #[serde(default)]
    ownership_controls: Value,
    #[serde(default, rename = "PublicAccessBlockConfiguration")]
    _public_access_block: Value,
    #[serde(default)]
    bucket_encryption: Value,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct BucketPolicyProperties {
    bucket: String,
    policy_document: Policy,
}

fn root() -> String {
    "/".to_owned()
}

fn one_hour() -> u32 {
    3600
}

fn parsed<T: serde::de::DeserializeOwned>(kind: &str, properties: &Value) -> Result<T, Failure> {
    serde_json::from_value(properties.clone()).map_err(|error| invalid(format!("{kind}: {error}")))
}

fn taken(what: &str, name: &str) -> Failure {
    invalid(format!("{what} {name} already exists (AlreadyExists)"))
}

impl Made {
    /// What `Ref` (no attribute) or `Fn::GetAtt` gives.
    pub fn attribute(&self, name: Option<&str>) -> Option<&str> {
        match name {
            None => Some(&self.id),
            Some("Arn" | "ExportArn") => Some(&self.arn),
            Some(_) => None,
        }
    }

    /// Takes it away again; a bucket with something in it stays.
    pub fn unmake(&self, state: &mut State, account: &str) {
        let objects = state.objects.with_prefix(&self.id, "").next().is_some();
        match self.kind {
            BUCKET if !objects => drop(state.world.buckets.remove(&self.id)),
            BUCKET_POLICY => {
                if let Some(bucket) = state.world.buckets.get_mut(&self.id) {
                    bucket.policy = None;
                }
            }
            ROLE => own(state, account).roles.retain(|role| role.arn(account) != self.arn),
            EXPORT => own(state, account).exports.retain(|record| record.arn(account) != self.arn),
            _ => {}
        }
    }
}

fn own<'a>(state: &'a mut State, account: &str) -> &'a mut crate::world::Account {
    state.world.accounts.entry(account.to_owned()).or_default()
}

impl Place<'_> {
    /// Makes a resource of a known type, or changes the one that the stack has.
    pub fn make(
        &self,
        state: &mut State,
        kind: &str,
        properties: &Value,
        known: Option<&Made>,
    ) -> Result<Made, Failure> {
        match kind {
            ROLE => self.role(state, parsed(kind, properties)?, known),
            BUCKET => self.bucket(state, parsed(kind, properties)?, known),
            BUCKET_POLICY => self.bucket_policy(state, parsed(kind, properties)?),
            _ => self.export(state, properties, known),
        }
    }

    fn role(&self, state: &mut State, role: RoleProperties, known: Option<&Made>) -> Result<Made, Failure> {
        let account = &self.identity.account;
        let policies: BTreeMap<String, Policy> =
            role.policies.into_iter().map(|policy| (policy.policy_name, policy.policy_document)).collect();
        let role = Role {
            name: role.role_name,
            path: role.path,
            max_session_duration: role.max_session_duration,
            trust: role.assume_role_policy_document,
            policies,
        };
        let arn = role.arn(account);
        for action in ["iam:CreateRole", "iam:PutRolePolicy"] {
            authorize(self.identity, action, &arn)?;
        }
        let roles = &mut own(state, account).roles;
        if known.is_none() && roles.iter().any(|other| other.name == role.name) {
            return Err(taken("Role", &role.name));
        }
        roles.retain(|other| other.name != role.name);
        let id = role.name.clone();
        roles.push(role);
        Ok(Made { kind: ROLE, id, arn, retained: false })
    }

    fn bucket(
        &self,
        state: &mut State,
        properties: BucketProperties,
        known: Option<&Made>,
    ) -> Result<Made, Failure> {
        let name = properties.bucket_name;
        let arn = format!("arn:aws:s3:::{name}");
        authorize(self.identity, "s3:CreateBucket", &arn)?;
        let there = state.world.buckets.get(&name);
        if there.is_some() && known.is_none() {
            return Err(taken("Bucket", &name));
        }
        let key = "/ServerSideEncryptionConfiguration/0/ServerSideEncryptionByDefault/KMSMasterKeyID";
        let key = properties.bucket_encryption.pointer(key).map(|arn| json!({"arn": arn}));
        let bucket = json!({
            "owner": self.identity.account, "region": self.region,
            "objectOwnership": properties.ownership_controls.pointer("/Rules/0/ObjectOwnership")
                .cloned().unwrap_or_else(|| json!("BucketOwnerEnforced")),
            "kmsKey": key,
        });
        let bucket: Bucket = parsed(BUCKET, &bucket)?;
        let policy = there.and_then(|there| there.policy.clone());
        state.world.buckets.insert(name.clone(), Bucket { policy, ..bucket });
        Ok(Made { kind: BUCKET, id: name, arn, retained: false })
    }

    fn bucket_policy(&self, state: &mut State, properties: BucketPolicyProperties) -> Result<Made, Failure> {
        let name = properties.bucket;
        let arn = format!("arn:aws:s3:::{name}");
        authorize(self.identity, "s3:PutBucketPolicy", &arn)?;
        let bucket = state.world.buckets.get_mut(&name);
        let bucket = bucket
            .filter(|bucket| bucket.owner == self.identity.account)
            .ok_or_else(|| invalid(format!("The specified bucket {name} does not exist")))?;
        bucket.policy = Some(properties.policy_document);
        Ok(Made { kind: BUCKET_POLICY, id: name, arn, retained: false })
    }

    fn export(&self, state: &mut State, properties: &Value, known: Option<&Made>) -> Result<Made, Failure> {
        let export = properties.get("Export").cloned().unwrap_or_default();
        let (operation, input) = match known {
            Some(made) => ("UpdateExport", json!({"Export": export, "ExportArn": made.arn})),
            None => ("CreateExport", json!({"Export": export})),
        };
        let answer = exports::perform(state, self.identity, operation, &input, self.now)?;
        let arn = answer["ExportArn"].as_str().unwrap_or_default().to_owned();
        Ok(Made { kind: EXPORT, id: arn.clone(), arn, retained: false })
    }
}
