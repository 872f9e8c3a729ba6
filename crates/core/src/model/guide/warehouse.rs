//! WarehouseReady: the warehouse takes, gives back and removes what is written to it.

use super::{FaultOwner, GOOD, Guide, Outlook, ReasonSource, Section};
use crate::model::{
    ConditionStatus::{False, True, Unknown},
    ConditionType::WarehouseReady,
    Reason, Severity,
};

/// Something is wrong here.
const FAULT: Guide = Guide {
    stands: &[(WarehouseReady, False)],
    owner: FaultOwner::Warehouse,
    source: ReasonSource::Job,
    ..super::FAULT
};

pub(super) const SECTION: Section = Section {
    title: "Warehouse: `Ready` of the CostWarehouse, `WarehouseReady` of the account",
    intro: "A probe Job with the warehouse's own credentials writes, commits, reads and removes a test row. It runs when the warehouse is created, when the warehouse or its Secret changes, and daily. Accounts show the same verdict. A transient fault is retried after 1, 10 and 60 minutes, then every 6 hours, and turns `Ready` False after the third failure. A fault that only a person can fix turns it False at once. If a load fails for one of these reasons, `DataCurrent` has it.",
    guides: &[
        Guide {
            reason: Reason::ProbeSucceeded,
            stands: &[(WarehouseReady, True)],
            meaning: "A probe wrote, committed, read and removed a test row.",
            recognised: "The probe Job succeeded.",
            source: ReasonSource::Job,
            ..GOOD
        },
        Guide {
            reason: Reason::WarehouseNotFound,
            short: "Create it, or correct warehouseRef",
            meaning: "The namespace has no CostWarehouse with this name, or the object does not parse.",
            recognised: "Local.",
            remedy: "Create the CostWarehouse, or correct `spec.ingestion.warehouseRef`.",
            owner: FaultOwner::Account,
            source: ReasonSource::Cluster,
            ..FAULT
        },
        Guide {
            reason: Reason::Probing,
            stands: &[(WarehouseReady, Unknown)],
            short: "Wait for the warehouse's probe",
            meaning: "The first probe has not finished yet.",
            recognised: "The probe Job's state. The message says whether a node, the image or a quota prevents it from starting.",
            remedy: "Wait, or do what the message says.",
            severity: Severity::Waiting,
            outlook: Outlook::Passing,
            source: ReasonSource::Cluster,
            ..FAULT
        },
        Guide {
            reason: Reason::WarehouseUnreachable,
            short: "Check endpoint and network",
            meaning: "The warehouse's store does not answer.",
            recognised: "The probe Job gets no connection, a timeout, or errors on the store's side.",
            remedy: "Check `spec.delta.endpoint` and `region`, and that Jobs in this namespace can reach the store: network policies, proxy, DNS.",
            ..FAULT
        },
        Guide {
            reason: Reason::WarehouseAuthFailed,
            short: "Renew the warehouse's keys",
            meaning: "The store does not accept the warehouse's credentials.",
            recognised: "The probe Job: `InvalidAccessKeyId`, `SignatureDoesNotMatch`, `ExpiredToken`, or no credentials were found.",
            remedy: "Write the keys into the Secret of `credentialsSecretRef` again, or give the service account of `serviceAccountName` an AWS identity.",
            ..FAULT
        },
        Guide {
            reason: Reason::WarehouseDenied,
            short: "Grant list, read, write and delete",
            meaning: "The warehouse's identity may not list, read, write or delete there.",
            recognised: "The probe Job: `AccessDenied`, or a folder that is read-only for the Job's user.",
            remedy: "Allow the action in the message. The warehouse needs all four under its location, and `kms:Decrypt` and `kms:GenerateDataKey` if you encrypt the bucket with your own key. A volume must be writable for the Job's group (`fsGroup`).",
            ..FAULT
        },
        Guide {
            reason: Reason::WarehousePlaceNotFound,
            short: "Create the bucket or folder",
            meaning: "The warehouse's bucket or folder does not exist.",
            recognised: "The probe Job: `NoSuchBucket`, or no such folder.",
            remedy: "Create the bucket, or correct `spec.delta.location`. The operator never creates buckets.",
            ..FAULT
        },
        Guide {
            reason: Reason::WarehouseRegionMismatch,
            short: "Correct spec.delta.region",
            meaning: "The warehouse's bucket is in another region than `spec.delta.region`.",
            recognised: "The probe Job: `PermanentRedirect`, `AuthorizationHeaderMalformed` or `IllegalLocationConstraintException`.",
            remedy: "Correct `spec.delta.region`.",
            ..FAULT
        },
        Guide {
            reason: Reason::ProbeFailed,
            short: "Read the whole message and the log",
            meaning: "The probe failed for a cause that has no reason of its own.",
            recognised: "The probe Job's result, or its end without a result.",
            remedy: "The message says what failed. The Job's log has more details (`kubectl logs job/NAME`, kept for an hour).",
            ..FAULT
        },
        Guide {
            reason: Reason::UnsafeStore,
            short: "Use a store that honours If-None-Match",
            meaning: "The store allows two writers to create the same key, so commits would not be safe.",
            recognised: "A test writes a key twice with `If-None-Match: *`, in the probe and in every load into a store other than AWS's own. The store accepts the second write, or does not support the condition. Or: the store confirmed a commit, but the log has another writer's entry in its place.",
            remedy: "Use a store that honours `If-None-Match`, such as AWS S3. For a folder, use a file system with hard links.",
            ..FAULT
        },
        Guide {
            reason: Reason::SchemaIncompatible,
            short: "Use an empty location",
            meaning: "The location has a table with another schema, or one that awscost did not create.",
            recognised: "The table's log has another schema.",
            remedy: "Point the warehouse at an empty location.",
            ..FAULT
        },
        Guide {
            reason: Reason::ClaimNotUsable,
            short: "Create the claim in this namespace",
            meaning: "The PersistentVolumeClaim does not exist, or lost its volume.",
            recognised: "The PersistentVolumeClaim is missing, or has the phase `Lost`. `Pending` is fine: it may wait for its first pod.",
            remedy: "Create the claim in this namespace.",
            source: ReasonSource::Cluster,
            ..FAULT
        },
    ],
};
