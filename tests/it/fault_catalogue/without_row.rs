//! Reasons that no row shows, and why none can: everything else a layer can say has one.

use awscost::model::{ConditionStatus, ConditionType, Guide, Reason};

use super::catalogue::Catalogue;

/// The layers whose every bad word is to be shown.
const LAYERS: [ConditionType; 11] = [
    ConditionType::RoleAssumable,
    ConditionType::ExternalIdEnforced,
    ConditionType::AccountTypeVerified,
    ConditionType::BucketReadable,
    ConditionType::ReportConfigured,
    ConditionType::ReportDelivered,
    ConditionType::HistoryComplete,
    ConditionType::WarehouseReady,
    ConditionType::PermissionsMinimal,
    ConditionType::MetricsReadable,
    ConditionType::Deprecated,
];

const OWN_IDENTITY: &str =
    "the operator's own identity, which every account of a run shares (connection::checks)";
const BEHIND: &str = "said behind a broken layer, in the rows of that layer";
const STORE: &str = "takes a store that behaves otherwise than S3 does (warehouse::conformance)";
const JOB: &str = "befalls a probe's Job, which no kubelet runs here (controller::warehouse)";
const REFUSED_BEFORE: &str = "the API server refuses such a manifest";

const WITHOUT: [(Reason, &str); 26] = [
    (Reason::NoBaseCredentials, OWN_IDENTITY),
    (Reason::BaseCredentialsInvalid, OWN_IDENTITY),
    (Reason::BaseCredentialsExpired, OWN_IDENTITY),
    (Reason::WebIdentityRejected, OWN_IDENTITY),
    (Reason::TagSessionDenied, OWN_IDENTITY),
    (Reason::ClockSkew, OWN_IDENTITY),
    (Reason::ExternalIdReused, "takes two namespaces (check.rs)"),
    (Reason::RoleArnRejected, REFUSED_BEFORE),
    (Reason::AccountIdMismatch, REFUSED_BEFORE),
    (Reason::InvalidSpec, REFUSED_BEFORE),
    (Reason::WrongAccount, "AWS lets nobody assume a role of one account in another; a guard"),
    (Reason::BillingApiNotInPartition, "takes an operator in GovCloud (connection::checks)"),
    (Reason::FirstDeliveryOverdue, "takes an object that is two days old (controller::delivered)"),
    (Reason::UnexpectedAnswer, "an answer that AWS does not document (aws::fault)"),
    (Reason::NotCheckedRecently, "takes six hours without an answer (connection::facts)"),
    (Reason::NotChecked, "said before the first look only"),
    (Reason::Probing, "said before a warehouse's first probe only"),
    (Reason::BlockedByRole, BEHIND),
    (Reason::InternalError, "a bug of the operator's (controller::tests)"),
    (Reason::JobFailed, JOB),
    (Reason::OutOfMemory, JOB),
    (Reason::QuotaExceeded, JOB),
    (Reason::WarehouseUnreachable, STORE),
    (Reason::ProbeFailed, STORE),
    (Reason::UnsafeStore, STORE),
    (Reason::SchemaIncompatible, STORE),
];

#[test]
fn every_bad_word_of_a_layer_has_a_row_or_a_cause_why_not() {
    let catalogue = Catalogue::read();
    let has_row = |reason: Reason| {
        catalogue
            .rows
            .iter()
            .flat_map(|row| row.expect.iter().chain(&row.check))
            .any(|said| said.reason == reason)
    };
    let excused = |reason: Reason| WITHOUT.iter().any(|(without, _)| *without == reason);
    let is_bad = |reason: Reason| {
        let stands = Guide::to(reason).stands.iter();
        stands.into_iter().any(|(layer, status)| LAYERS.contains(layer) && *status != ConditionStatus::True)
    };
    let (mut missing, mut idle) = (Vec::new(), Vec::new());
    for reason in Reason::ALL.iter().copied() {
        match (is_bad(reason), has_row(reason), excused(reason)) {
            (true, false, false) => missing.push(reason),
            (_, true, true) | (false, _, true) => idle.push(reason),
            _ => {}
        }
    }
    assert!(missing.is_empty(), "no row shows {missing:?}, and nobody says why");
    assert!(idle.is_empty(), "needlessly excused: {idle:?}");
}
