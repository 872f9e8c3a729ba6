//! WarehouseReady: the warehouse takes, gives back and removes what is written to it.

use super::{Guide, Section};
use crate::model::{
    ConditionStatus::{False, True, Unknown},
    ConditionType::WarehouseReady,
    Reason,
};

pub(super) const SECTION: Section = Section {
    title: "Warehouse: `Ready` of the CostWarehouse, `WarehouseReady` of the account",
    intro: "A Job with the warehouse's own credentials writes, commits, reads and removes a canary: when the warehouse is made, when it or its Secret changes, and daily. Accounts copy what it says. What may pass is tried again after 1, 10 and 60 minutes, then every 6 hours, and turns `Ready` only when it has failed three times; what a person must mend turns it at once. A load that meets one of these says it in `DataCurrent`.",
    guides: &[
        Guide {
            reason: Reason::ProbeSucceeded,
            stands: &[(WarehouseReady, True)],
            meaning: "A probe wrote, committed, read and removed a canary.",
            recognised: "The probe Job.",
            remedy: "Nothing.",
        },
        Guide {
            reason: Reason::WarehouseNotFound,
            stands: &[(WarehouseReady, False)],
            meaning: "There is no CostWarehouse of that name in the namespace, or it does not parse.",
            recognised: "Local.",
            remedy: "Create it, or correct `spec.ingestion.warehouseRef`.",
        },
        Guide {
            reason: Reason::Probing,
            stands: &[(WarehouseReady, Unknown)],
            meaning: "The first probe has not ended yet.",
            recognised: "The probe Job's state; the message says if a node, the image or a quota keeps it from starting.",
            remedy: "Wait, or do what the message says.",
        },
        Guide {
            reason: Reason::WarehouseUnreachable,
            stands: &[(WarehouseReady, False)],
            meaning: "The store of the warehouse does not answer.",
            recognised: "The probe Job: no connection, a time-out, or failures on the store's side.",
            remedy: "Check `spec.delta.endpoint` and `region`, and that Jobs in this namespace may reach the store: network policy, proxy, DNS.",
        },
        Guide {
            reason: Reason::WarehouseAuthFailed,
            stands: &[(WarehouseReady, False)],
            meaning: "The store does not accept the warehouse's credentials.",
            recognised: "The probe Job: `InvalidAccessKeyId`, `SignatureDoesNotMatch`, `ExpiredToken`, or none were found.",
            remedy: "Write the keys into the Secret of `credentialsSecretRef` again, or give the service account of `serviceAccountName` its identity.",
        },
        Guide {
            reason: Reason::WarehouseDenied,
            stands: &[(WarehouseReady, False)],
            meaning: "The warehouse's identity may not list, read, write or delete there.",
            recognised: "The probe Job: `AccessDenied`, or a folder that is read-only for the Job's user.",
            remedy: "Allow what the message names: all four are needed under the location, and `kms:Decrypt` and `kms:GenerateDataKey` if the bucket has a key of yours. A volume must be writable for the Job's group (`fsGroup`).",
        },
        Guide {
            reason: Reason::WarehousePlaceNotFound,
            stands: &[(WarehouseReady, False)],
            meaning: "The warehouse's bucket or folder does not exist.",
            recognised: "The probe Job: `NoSuchBucket`, or no such folder.",
            remedy: "Create the bucket, or correct `spec.delta.location`. The operator never creates buckets.",
        },
        Guide {
            reason: Reason::WarehouseRegionMismatch,
            stands: &[(WarehouseReady, False)],
            meaning: "The warehouse's bucket lies in another region than the warehouse names.",
            recognised: "The probe Job: `PermanentRedirect`, `AuthorizationHeaderMalformed` or `IllegalLocationConstraintException`.",
            remedy: "Correct `spec.delta.region`.",
        },
        Guide {
            reason: Reason::ProbeFailed,
            stands: &[(WarehouseReady, False)],
            meaning: "The store could not be written, read or committed to, in a way that no other reason names.",
            recognised: "The probe Job's report, or its end without one.",
            remedy: "The message says what failed; the Job's log says more (`kubectl logs job/NAME`, for an hour).",
        },
        Guide {
            reason: Reason::UnsafeStore,
            stands: &[(WarehouseReady, False)],
            meaning: "The store lets two writers create one key, so commits would not be safe.",
            recognised: "The probe, and every load into a store that is not AWS's own, writes one key twice with `If-None-Match: *`, and the second was taken, or the store does not know the condition; or a commit that it took stands there as another writer's.",
            remedy: "Use a store that honours it. AWS S3 does. A folder's file system needs hard links.",
        },
        Guide {
            reason: Reason::SchemaIncompatible,
            stands: &[(WarehouseReady, False)],
            meaning: "A table is there with another schema, or is none of ours.",
            recognised: "The table's log.",
            remedy: "Point the warehouse at an empty location.",
        },
        Guide {
            reason: Reason::ClaimNotUsable,
            stands: &[(WarehouseReady, False)],
            meaning: "The claim does not exist, or lost its volume.",
            recognised: "The PersistentVolumeClaim: absent, or phase `Lost`. `Pending` is fine: it may wait for its first pod.",
            remedy: "Create it in this namespace.",
        },
    ],
};
