//! From manifests to a report: what they declare, what they refer to, and the operator's verdict on it.

use std::collections::BTreeMap;

use futures::{StreamExt, stream};
use jiff::{SignedDuration, Timestamp};
use k8s_openapi::api::core::v1::Secret;
use kube::{Api, Client, ResourceExt};

use super::{
    CheckArgs, CheckFault, caller,
    place::ReachedWith,
    report::{CheckReport, CheckedSubject, ReportedFinding, UnreadableFile},
    secrets::Secrets,
};
use crate::{
    api::{
        AwsCostAccount, CostWarehouse,
        aws_cost_account::RequireExternalId,
        conditions::{Condition, Saying},
    },
    aws::{AwsSettings, Sdk},
    cli::{
        cluster::fleet::understand_conditions,
        inputs::manifests::{self, Lines, ManifestDocument, ManifestFault, Manifests, Origin},
        operator::own_region,
    },
    controller::{
        preflight::{self, Preflight, PreflightCase, PreflightResult, Tenancy},
        settings::Settings,
    },
    model::{ConditionStatus, ConditionType, Guide, Reason, Severity},
    network::trust::TrustedAuthorities,
};

/// How many accounts are checked at a time, as by the operator.
const AT_ONCE: usize = 10;

/// Reads and checks everything.
pub(super) async fn inquire_all(args: &CheckArgs) -> Result<CheckReport, CheckFault> {
    let now = Timestamp::now();
    let (manifests, faults) = manifests::read_all(&args.files);
    let client = if args.from_cluster { Some(args.cluster.connect_with_namespace().await?.0) } else { None };
    let mut secrets = Secrets::new(&manifests.secrets, &args.namespace, client.clone());
    for file in &args.secrets {
        secrets.add_file(file)?;
    }
    for variable in &args.secret_variables {
        let value = std::env::var_os(variable.variable()).map(std::ffi::OsString::into_encoded_bytes);
        secrets.add_variable(variable, value)?;
    }
    let unread = faults.iter().any(|fault| !matches!(fault, ManifestFault::Refused { .. }));
    let inquiry = Inquiry { args, manifests: &manifests, unread, secrets, client, now };
    let mut report = CheckReport { ignored: manifests.ignored, ..CheckReport::default() };
    take_in(&mut report, &faults, &manifests.lines);
    report.subjects.extend(manifests.warehouses.iter().map(|document| inquiry.judge_warehouse(document)));
    report.subjects.extend(inquiry.judge_accounts().await?);
    Ok(report)
}

struct Inquiry<'a> {
    args: &'a CheckArgs,
    manifests: &'a Manifests,
    /// True if a file could not be read, so that nobody knows what is in it.
    unread: bool,
    secrets: Secrets,
    client: Option<Client>,
    now: Timestamp,
}

/// An account and what it refers to.
struct Declared<'a> {
    document: &'a ManifestDocument<AwsCostAccount>,
    namespace: String,
    uid: String,
    /// Its Secrets that are given anywhere, by name.
    secrets: BTreeMap<String, Secret>,
    /// The names of those that are not.
    absent: Vec<String>,
    /// True if one of these is among the documents, and can't be used as it is.
    invalid: bool,
    warehouse: Saying,
    /// True if a cluster was asked for what is not given.
    asked_cluster: bool,
}

impl Inquiry<'_> {
    /// What can be told of a warehouse here: whether it could be one.
    fn judge_warehouse(&self, document: &ManifestDocument<CostWarehouse>) -> CheckedSubject {
        let name = self.title_of("CostWarehouse", &document.object);
        let conditions = preflight::of_warehouse_spec(&document.object.spec, self.now);
        let severity = |type_, status, reason| match type_ {
            ConditionType::Ready => Severity::of_warehouse(status, reason),
            _ => Severity::Fine,
        };
        let lines = self.lines_of(&document.origin);
        let mut findings = findings_of(&conditions, severity, |_, _| "", lines, &document.origin);
        if findings.is_empty() {
            let message = "The spec is valid. Only a probe in the cluster can test whether the warehouse can be written to.";
            findings.push(unasked_finding(message, Reason::Probing, &document.origin));
        }
        CheckedSubject { name, file: document.origin.file.clone(), findings }
    }

    async fn judge_accounts(&self) -> Result<Vec<CheckedSubject>, CheckFault> {
        let mut declared = Vec::new();
        for (index, document) in self.manifests.accounts.iter().enumerate() {
            declared.push(self.read_declared(document, index).await?);
        }
        if self.args.skip_aws {
            return Ok(declared.iter().map(|declared| self.without_aws(declared)).collect());
        }
        let trust = TrustedAuthorities::of_environment()?;
        let aws = Sdk::load(AwsSettings { trust, ..AwsSettings::default() }).await.aws();
        let mut preflight = Preflight::new(aws, own_region(), self.read_tenancy()?).await;
        let cases: Vec<PreflightCase<'_>> = declared.iter().map(Declared::preflight_case).collect();
        for (case, second) in cases.iter().zip(0..) {
            // In reading order: of two namespaces with one external ID, the later is at fault.
            preflight.note(case, self.now + SignedDuration::from_secs(second));
        }
        let preflight = &preflight;
        let judged = stream::iter(&cases).map(|case| preflight.judge(case, self.now)).buffered(AT_ONCE);
        let results: Vec<PreflightResult> = judged.collect().await;
        Ok(declared
            .iter()
            .zip(results)
            .map(|(declared, result)| self.describe_subject(declared, &result))
            .collect())
    }

    async fn read_declared<'a>(
        &self,
        document: &'a ManifestDocument<AwsCostAccount>,
        index: usize,
    ) -> Result<Declared<'a>, CheckFault> {
        let account = &document.object;
        let namespace = account.namespace().unwrap_or_else(|| self.args.namespace.clone());
        let (mut secrets, mut absent) = (BTreeMap::new(), Vec::new());
        for (name, label) in preflight::secrets_of(&account.spec) {
            match self.secrets.find_secret(&namespace, &name, label).await? {
                Some(secret) => drop(secrets.insert(name, secret)),
                None => absent.push(name),
            }
        }
        let warehouse = match &account.spec.ingestion {
            Some(ingestion) => self.warehouse_of(&namespace, &ingestion.warehouse_ref.name).await?,
            None => not_probed(),
        };
        let asked_cluster = self.client.is_some();
        let invalid = absent.iter().any(|name| self.is_refused("Secret", &namespace, name));
        Ok(Declared {
            document,
            namespace,
            uid: index.to_string(),
            secrets,
            absent,
            invalid,
            warehouse,
            asked_cluster,
        })
    }

    /// What the named warehouse comes to: declared beside the account, or in the cluster.
    async fn warehouse_of(&self, namespace: &str, name: &str) -> Result<Saying, CheckFault> {
        let declared = self
            .manifests
            .warehouses
            .iter()
            .any(|document| self.place_of(document) == namespace && document.object.name_any() == name);
        if declared {
            return Ok(not_probed());
        }
        if self.is_refused("CostWarehouse", namespace, name) {
            return Ok(not_valid(name));
        }
        let Some(client) = &self.client else {
            let others =
                self.manifests.warehouses.iter().any(|document| self.place_of(document) == namespace);
            return Ok(if others && !self.unread {
                preflight::no_warehouse(name)
            } else {
                not_given(name, self.unread)
            });
        };
        let api: Api<CostWarehouse> = Api::namespaced(client.clone(), namespace);
        match api.get_opt(name).await {
            Ok(Some(warehouse)) => Ok(preflight::warehouse_says(&warehouse)),
            Ok(None) => Ok(preflight::no_warehouse(name)),
            Err(error) => {
                Err(super::ClusterFault::while_doing(format!("read CostWarehouse {name}"))(error).into())
            }
        }
    }

    /// True if the document is there, and not as it must be: that is another fault than none, and has a finding of its own.
    fn is_refused(&self, kind: &str, namespace: &str, name: &str) -> bool {
        let is_there =
            |place: &str| place == namespace || place.is_empty() && self.args.namespace == namespace;
        let mut refused = self.manifests.refused.iter();
        refused.any(|(of, place, called)| of == kind && called == name && is_there(place))
    }

    fn place_of(&self, document: &ManifestDocument<CostWarehouse>) -> String {
        document.object.namespace().unwrap_or_else(|| self.args.namespace.clone())
    }

    fn read_tenancy(&self) -> Result<Tenancy, CheckFault> {
        let Some(path) = &self.args.operator_config else { return Ok(Tenancy::default()) };
        let text = std::fs::read_to_string(path)
            .map_err(|source| CheckFault::Unreadable { path: path.clone(), source })?;
        Ok(Settings::parse(&text)?.tenancy)
    }

    fn without_aws(&self, declared: &Declared<'_>) -> CheckedSubject {
        let result = preflight::without_aws(&declared.preflight_case(), self.now);
        let mut subject = self.describe_subject(declared, &result);
        if subject.findings.iter().all(|finding| finding.weight() < Severity::Advice) {
            let message = "The spec is valid. AWS was not called.";
            subject.findings.push(unasked_finding(message, Reason::NotChecked, &declared.document.origin));
        }
        subject
    }

    /// The findings in a check's own words where the operator's are about its pod or its cluster.
    fn describe_subject(&self, declared: &Declared<'_>, result: &PreflightResult) -> CheckedSubject {
        let account = &declared.document.object;
        let policy = account.spec.access.require_external_id.unwrap_or_default();
        let enforced = policy == RequireExternalId::Enforce;
        let origin = &declared.document.origin;
        let made_later = preflight::makes_external_id(&declared.preflight_case());
        let severity = |type_, status, reason| match reason {
            // Before the account is applied there is nothing to look with, and nobody can do anything about it.
            Some(Reason::NotChecked) if made_later => Severity::Waiting,
            // Here nothing looks again later.
            Some(Reason::NotChecked) => Severity::Untold,
            reason => Severity::of(type_, status, reason, enforced),
        };
        let with = ReachedWith::of(&account.spec);
        let pointed = |condition| {
            result.findings.iter().find(|found| found.condition == condition).map(|found| found.field)
        };
        let field = |condition, reason| {
            with.field_path(pointed(condition).unwrap_or_else(|| Guide::to(reason).field_on(condition)))
        };
        let mut findings = findings_of(&result.conditions, severity, field, self.lines_of(origin), origin);
        for finding in &mut findings {
            let found = result.findings.iter().find(|found| found.condition == finding.condition);
            finding.snippet = found.and_then(|found| found.snippet.clone());
            match finding.reason {
                Reason::SecretNotUsable => finding.message.push_str(&declared.secret_given()),
                Reason::WarehouseNotFound => finding.message.push_str(declared.warehouse_given()),
                reason => {
                    if let Some(words) = caller::caller_fix(reason) {
                        words.clone_into(&mut finding.message);
                    }
                }
            }
        }
        CheckedSubject { name: self.title_of("AwsCostAccount", account), file: origin.file.clone(), findings }
    }

    fn title_of(&self, kind: &str, object: &impl ResourceExt) -> String {
        let namespace = object.namespace().unwrap_or_else(|| self.args.namespace.clone());
        format!("{kind} {namespace}/{}", object.name_any())
    }

    fn lines_of(&self, origin: &Origin) -> Option<&Lines> {
        self.manifests.lines.get(&(origin.file.clone(), origin.document))
    }
}

impl Declared<'_> {
    fn preflight_case(&self) -> PreflightCase<'_> {
        PreflightCase {
            account: &self.document.object,
            namespace: &self.namespace,
            uid: &self.uid,
            secrets: &self.secrets,
            warehouse: &self.warehouse,
        }
    }

    /// How a Secret that was not given can be.
    fn secret_given(&self) -> String {
        if self.invalid {
            return " It is among the documents, but invalid: fix its own finding.".to_owned();
        }
        let Some(name) = self.absent.first().filter(|_| !self.asked_cluster) else { return String::new() };
        format!(" Pass it with --secret {}/{name}=PATH or --from-cluster.", self.namespace)
    }

    /// How a CostWarehouse that was not given can be.
    fn warehouse_given(&self) -> &'static str {
        if self.asked_cluster {
            return "";
        }
        " It is not among the documents: pass its manifest with -f, or use --from-cluster."
    }
}

fn not_probed() -> Saying {
    Saying::new(
        ConditionType::WarehouseReady,
        ConditionStatus::Unknown,
        Reason::Probing,
        "The CostWarehouse is declared. Only a probe in the cluster can test whether it can be written to.",
    )
}

fn not_valid(name: &str) -> Saying {
    let message = format!(
        "CostWarehouse {name} is among the documents, and not valid: correct it as its own finding says. Nothing else is \
         known of it."
    );
    Saying::new(ConditionType::WarehouseReady, ConditionStatus::Unknown, Reason::Probing, message)
}

/// Where the documents have no warehouse of the namespace at all, they leave it to others: a folder of accounts alone.
/// A file that can't be read may hold it too.
fn not_given(name: &str, unread: bool) -> Saying {
    let which = if unread { "documents that could be read" } else { "documents" };
    let message = format!(
        "CostWarehouse {name} is not among the {which}, so nothing is known of it: give its manifest with -f, or \
         --from-cluster."
    );
    Saying::new(ConditionType::WarehouseReady, ConditionStatus::Unknown, Reason::Probing, message)
}

/// What stands for an object of which nothing is wrong as far as a check can see.
fn unasked_finding(message: &str, reason: Reason, origin: &Origin) -> ReportedFinding {
    ReportedFinding {
        condition: ConditionType::Ready,
        status: ConditionStatus::Unknown,
        reason,
        severity: Severity::Waiting,
        message: message.to_owned(),
        snippet: None,
        field: String::new(),
        line: origin.line,
    }
}

/// The conditions that a check speaks of: no loads run here, and the summary only repeats the layers.
fn findings_of(
    conditions: &[Condition],
    severity: impl Fn(ConditionType, ConditionStatus, Option<Reason>) -> Severity,
    field: impl Fn(ConditionType, Reason) -> &'static str,
    lines: Option<&Lines>,
    origin: &Origin,
) -> Vec<ReportedFinding> {
    let spoken = |type_, reason| match type_ {
        ConditionType::Ready => reason == Reason::InvalidSpec,
        ConditionType::Reconciling
        | ConditionType::Stalled
        | ConditionType::DataCurrent
        | ConditionType::TotalsVerified => false,
        _ => true,
    };
    understand_conditions(conditions, severity)
        .into_iter()
        // All are known: they were made here.
        .filter_map(|word| Some((word.type_.known_value()?, word.reason.known_value()?, word)))
        .filter(|(condition, reason, _)| spoken(*condition, *reason))
        .map(|(condition, reason, word)| {
            let field = field(condition, reason);
            ReportedFinding {
                condition,
                status: word.status,
                reason,
                severity: word.severity,
                message: word.message,
                snippet: None,
                line: line_of(field, lines, origin),
                field: field.to_owned(),
            }
        })
        .collect()
}

/// The line of a field, or of the nearest one around it that is there.
fn line_of(field: &str, lines: Option<&Lines>, origin: &Origin) -> u64 {
    let Some(lines) = lines else { return origin.line };
    let mut path = field;
    loop {
        if let Some(line) = lines.get(path) {
            return *line;
        }
        match path.rfind(['.', '[']) {
            Some(end) => path = &path[..end],
            None => return origin.line,
        }
    }
}

/// What was wrong with the manifests themselves.
fn take_in(report: &mut CheckReport, faults: &[ManifestFault], lines: &BTreeMap<(String, usize), Lines>) {
    for fault in faults {
        match fault {
            ManifestFault::Unreadable { file, problem } => {
                report.unreadable.push(UnreadableFile {
                    file: file.clone(),
                    line: 0,
                    problem: problem.clone(),
                });
            }
            ManifestFault::Syntax { file, line, problem } => {
                report.unreadable.push(UnreadableFile {
                    file: file.clone(),
                    line: *line,
                    problem: problem.clone(),
                });
            }
            ManifestFault::Refused { origin, object, complaint } => {
                let lines = lines.get(&(origin.file.clone(), origin.document));
                let finding = ReportedFinding {
                    condition: ConditionType::Ready,
                    status: ConditionStatus::False,
                    reason: Reason::InvalidSpec,
                    severity: Severity::Error,
                    message: complaint.to_string(),
                    snippet: None,
                    field: complaint.field.clone(),
                    line: line_of(&complaint.field, lines, origin),
                };
                let same =
                    |subject: &&mut CheckedSubject| subject.name == *object && subject.file == origin.file;
                match report.subjects.iter_mut().find(same) {
                    Some(subject) => subject.findings.push(finding),
                    None => report.subjects.push(CheckedSubject {
                        name: object.clone(),
                        file: origin.file.clone(),
                        findings: vec![finding],
                    }),
                }
            }
        }
    }
}
