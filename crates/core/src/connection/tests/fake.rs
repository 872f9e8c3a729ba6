//! A scripted AWS: every answer is a field that a test sets, every call is written down.

use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use jiff::Timestamp;
use secrecy::SecretString;

use crate::{
    aws::{
        Aws, AwsFault, Code, Operation, Session,
        traits::{
            AssumeRole, BucketOwner, BucketProbe, Caller, ExportDefinition, ExportExecution, ExportReference,
            FederateUser, LegacyDefinition, ListObjects, Listing, MetricsApi, ObjectOwnership, ObjectRead,
            OrganizationAccount, OrganizationMembership, OrganizationsApi, PermissionAudit,
            PermissionQuestion, ReadObject, ReportCatalog, StsApi,
        },
    },
    model::{AccessKeys, AccountId, BucketName, ExternalId, Partition, Region, RoleArn},
};

/// Whom the role lets in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Trust {
    /// Callers with the external ID `the-external-id`.
    Exact,
    /// Callers with it or with none.
    IfExists,
    /// Callers with any.
    AnyValue,
}

/// What AWS answers.
#[derive(Debug, Clone)]
pub struct Script {
    pub base: Result<Caller, AwsFault>,
    pub trust: Trust,
    /// What AssumeRole ends in before anybody looks at the trust policy.
    pub assume: Option<AwsFault>,
    pub session: Result<Caller, AwsFault>,
    pub membership: Result<OrganizationMembership, AwsFault>,
    pub legacy: Result<Vec<LegacyDefinition>, AwsFault>,
    pub exports: Result<Vec<ExportReference>, AwsFault>,
    pub export: Result<ExportDefinition, AwsFault>,
    /// By prefix: what lies directly below it.
    pub list: Result<Vec<(String, Listing)>, AwsFault>,
    pub list_any_owner: Result<(), AwsFault>,
    /// What a listing around the report's own folder ends in.
    pub list_around: Option<AwsFault>,
    pub execution: Result<Option<ExportExecution>, AwsFault>,
    pub ownership: Result<ObjectOwnership, AwsFault>,
    /// The actions that the role's policies allow, on whatever resource.
    pub allowed: Result<Vec<&'static str>, AwsFault>,
    pub metrics: Result<(), AwsFault>,
    /// Whose the keys of an IAM user are.
    pub keys: Result<Caller, AwsFault>,
    /// What GetFederationToken ends in.
    pub federate: Option<AwsFault>,
    pub read: Result<ObjectRead, AwsFault>,
    /// Keys at which there is nothing.
    pub no_such_keys: Vec<&'static str>,
}

/// The traits over one script.
#[derive(Debug)]
pub struct FakeAws {
    script: Mutex<Script>,
    calls: Mutex<Vec<&'static str>>,
}

impl FakeAws {
    pub fn new(script: Script) -> Arc<Self> {
        Arc::new(Self { script: Mutex::new(script), calls: Mutex::default() })
    }

    pub fn aws(self: &Arc<Self>) -> Aws {
        Aws {
            identity: self.clone(),
            organizations: self.clone(),
            catalog: self.clone(),
            buckets: self.clone(),
            audit: self.clone(),
            metrics: self.clone(),
        }
    }

    pub fn change(&self, change: impl FnOnce(&mut Script)) {
        change(&mut self.script.lock().expect("no test panics while it holds this"));
    }

    /// The calls since the last time of asking, sorted.
    pub fn calls(&self) -> Vec<&'static str> {
        let mut calls = std::mem::take(&mut *self.calls.lock().expect("no test panics while it holds this"));
        calls.sort_unstable();
        calls
    }

    fn called(&self, name: &'static str) -> Script {
        self.calls.lock().expect("no test panics while it holds this").push(name);
        self.script.lock().expect("no test panics while it holds this").clone()
    }
}

#[async_trait]
impl StsApi for FakeAws {
    async fn base_caller(&self) -> Result<Caller, AwsFault> {
        self.called("base_caller").base
    }

    async fn assume_role(&self, request: AssumeRole<'_>) -> Result<Session, AwsFault> {
        let script = self.called(request.session_name);
        if let Some(fault) = script.assume {
            return Err(fault);
        }
        let sent = request.external_id.map(ExternalId::expose);
        let let_in = match script.trust {
            Trust::Exact => sent == Some("the-external-id"),
            Trust::IfExists => sent.is_none_or(|id| id == "the-external-id"),
            Trust::AnyValue => sent.is_some(),
        };
        if !let_in {
            return Err(AwsFault::new(Operation::AssumeRole, Code::AccessDenied));
        }
        Ok(session())
    }

    async fn session_caller(&self, _: &Session, _: &Region) -> Result<Caller, AwsFault> {
        self.called("session_caller").session
    }

    async fn keys_caller(&self, _: &AccessKeys, _: &Region) -> Result<Caller, AwsFault> {
        self.called("keys_caller").keys
    }

    async fn federate(&self, request: FederateUser<'_>) -> Result<Session, AwsFault> {
        self.called(request.name).federate.map_or_else(|| Ok(session()), Err)
    }
}

fn session() -> Session {
    Session {
        access_key_id: "ASIAFAKE".to_owned(),
        secret_access_key: SecretString::from("secret"),
        session_token: SecretString::from("token"),
        expiration: Timestamp::MAX,
    }
}

#[async_trait]
impl OrganizationsApi for FakeAws {
    async fn membership(&self, _: &Session, _: Partition) -> Result<OrganizationMembership, AwsFault> {
        self.called("membership").membership
    }

    async fn accounts(&self, _: &Session, _: Partition) -> Result<Vec<OrganizationAccount>, AwsFault> {
        self.called("accounts");
        Ok(Vec::new())
    }
}

#[async_trait]
impl ReportCatalog for FakeAws {
    async fn legacy_definitions(&self, _: &Session, _: Partition) -> Result<Vec<LegacyDefinition>, AwsFault> {
        self.called("legacy_definitions").legacy
    }

    async fn exports(&self, _: &Session, _: Partition) -> Result<Vec<ExportReference>, AwsFault> {
        self.called("exports").exports
    }

    async fn export(&self, _: &Session, _: Partition, _: &str) -> Result<ExportDefinition, AwsFault> {
        self.called("export").export
    }

    async fn last_execution(
        &self,
        _: &Session,
        _: Partition,
        _: &str,
    ) -> Result<Option<ExportExecution>, AwsFault> {
        self.called("last_execution").execution
    }
}

#[async_trait]
impl BucketProbe for FakeAws {
    async fn list(&self, _: &Session, request: ListObjects<'_>) -> Result<Listing, AwsFault> {
        if request.owner == BucketOwner::Any {
            return self.called("list_any_owner").list_any_owner.map(|()| Listing::default());
        }
        let script = self.called("list");
        if let Some(fault) = script.list_around.filter(|_| !request.prefix.starts_with("cur/acme/")) {
            return Err(fault);
        }
        let folders = script.list?;
        Ok(folders.into_iter().find(|(prefix, _)| prefix == request.prefix).unwrap_or_default().1)
    }

    async fn read(&self, _: &Session, request: ReadObject<'_>) -> Result<ObjectRead, AwsFault> {
        let script = self.called("read");
        if script.no_such_keys.contains(&request.key) {
            return Err(AwsFault::new(Operation::GetObject, Code::NoSuchKey));
        }
        script.read
    }

    async fn ownership(
        &self,
        _: &Session,
        _: &BucketName,
        _: &Region,
        _: &AccountId,
    ) -> Result<ObjectOwnership, AwsFault> {
        self.called("ownership").ownership
    }
}

#[async_trait]
impl PermissionAudit for FakeAws {
    async fn simulate(
        &self,
        _: &Session,
        _: &RoleArn,
        questions: &[PermissionQuestion],
    ) -> Result<Vec<bool>, AwsFault> {
        let allowed = self.called("simulate").allowed?;
        Ok(questions.iter().map(|question| allowed.contains(&question.action)).collect())
    }
}

#[async_trait]
impl MetricsApi for FakeAws {
    async fn can_list(&self, _: &Session, _: &Region) -> Result<(), AwsFault> {
        self.called("can_list").metrics
    }
}
