//! RoleAssumable: the Secrets that an account names.

use super::{Guide, Section};
use crate::model::{
    ConditionStatus::False,
    ConditionType::{RoleAssumable, WarehouseReady},
    Reason,
};

pub(super) const SECTION: Section = Section {
    title: "The Secret: `RoleAssumable`",
    intro: "Judged before any call to AWS. What a Secret holds is shown nowhere: not in status, events, logs or metrics.",
    guides: &[
        Guide {
            reason: Reason::SecretNotUsable,
            stands: &[(RoleAssumable, False), (WarehouseReady, False)],
            meaning: "The Secret is absent, lacks the label, or may not be read: the three read the same on purpose.",
            recognised: "Local. On a CostWarehouse: the Secret of `credentialsSecretRef` is absent or lacks its label.",
            remedy: "The operator sees labelled Secrets only. Create it in this namespace if it is missing (`kubectl -n NAMESPACE create secret generic NAME --from-file=externalId=FILE`, a file without a newline at its end), and label it (`kubectl -n NAMESPACE label --overwrite secret NAME awscost.io/use=external-id`); for keys the label is `awscost.io/use=access-key`, for a warehouse `awscost.io/use=warehouse`, and the Secret holds `accessKeyId` and `secretAccessKey`.",
        },
        Guide {
            reason: Reason::SecretKeyMissing,
            stands: &[(RoleAssumable, False)],
            meaning: "The Secret has no such key.",
            recognised: "Local: the `key` of the reference (`externalId` by default) is not among the Secret's; of an access key, `accessKeyId` or `secretAccessKey` is not.",
            remedy: "`kubectl -n NAMESPACE describe secret NAME` lists the keys it has. Put the value under the key that is asked for, or name the key it is under in `spec.access.externalIdSecretRef.key`.",
        },
        Guide {
            reason: Reason::ExternalIdEmpty,
            stands: &[(RoleAssumable, False)],
            meaning: "The external ID in the Secret is empty.",
            recognised: "Local: the key is there and holds nothing.",
            remedy: "Put the external ID of the role's trust policy into it; most often a variable was unset when the Secret was made.",
        },
        Guide {
            reason: Reason::ExternalIdWhitespace,
            stands: &[(RoleAssumable, False)],
            meaning: "The external ID in the Secret begins or ends with white space.",
            recognised: "Local: a space, tab or newline at an end.",
            remedy: "Most often the newline of `echo`: use `printf` into the file that `kubectl create secret --from-file` reads. The operator never trims it, because the trust policy compares it byte for byte.",
        },
        Guide {
            reason: Reason::ExternalIdInvalid,
            stands: &[(RoleAssumable, False)],
            meaning: "What the key holds is not an external ID.",
            recognised: "Local: not 2 to 1224 of `A-Z a-z 0-9 _ + = , . @ : / -`, or not text.",
            remedy: "Take a random one of these characters, such as a UUID, and put the same into the trust policy.",
        },
        Guide {
            reason: Reason::ExternalIdReused,
            stands: &[(RoleAssumable, False)],
            meaning: "An older AwsCostAccount in another namespace uses the same external ID. One for two tenants protects neither.",
            recognised: "Local: a keyed hash, held in memory only.",
            remedy: "Put a new external ID into the Secret and into the role's trust policy.",
        },
        Guide {
            reason: Reason::AccessKeyInvalid,
            stands: &[(RoleAssumable, False)],
            meaning: "What the Secret of `accessKeySecretRef` holds is not an access key.",
            recognised: "Local: the access key ID or the secret key is empty, has white space, or is not of the form AWS gives out.",
            remedy: "Copy both as AWS showed them, each into a file for `--from-file`, without a newline at its end; better, connect with a role: [aws.md](aws.md).",
        },
    ],
};
