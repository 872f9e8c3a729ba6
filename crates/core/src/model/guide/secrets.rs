//! RoleAssumable: the Secrets that an account names.

use super::{Guide, ReasonSource, Section, SnippetKind};
use crate::model::{
    ConditionStatus::False,
    ConditionType::{RoleAssumable, WarehouseReady},
    Reason,
    layers::Field,
};

/// Something is wrong here.
const FAULT: Guide =
    Guide { stands: &[(RoleAssumable, False)], source: ReasonSource::Cluster, ..super::FAULT };

pub(super) const SECTION: Section = Section {
    title: "The Secret: `RoleAssumable`",
    intro: "The Secret is checked before any AWS call. Its content never appears in status, events, logs or metrics.",
    guides: &[
        Guide {
            reason: Reason::SecretNotUsable,
            stands: &[(RoleAssumable, False), (WarehouseReady, False)],
            short: "Create or label the Secret",
            meaning: "The Secret does not exist, lacks the label, or can't be read. The message is the same for all three on purpose, so that nobody can probe for Secrets.",
            recognised: "Local. On a CostWarehouse: the Secret of `credentialsSecretRef` does not exist or lacks its label.",
            remedy: "The operator sees only Secrets with a label. Create the Secret in this namespace if it is missing (`kubectl -n NAMESPACE create secret generic NAME --from-file=externalId=FILE`, with a file without a newline at its end), and label it (`kubectl -n NAMESPACE label --overwrite secret NAME awscost.io/use=external-id`). A Secret with keys has the label `awscost.io/use=access-key`, one for a warehouse `awscost.io/use=warehouse`; both have the keys `accessKeyId` and `secretAccessKey`.",
            field: Field::Secret,
            block: SnippetKind::SecretCommands,
            ..FAULT
        },
        Guide {
            reason: Reason::SecretKeyMissing,
            short: "Use a key that the Secret has",
            meaning: "The Secret lacks the expected key.",
            recognised: "Local: the Secret does not have the `key` of the reference (`externalId` by default). For an access key: it lacks `accessKeyId` or `secretAccessKey`.",
            remedy: "`kubectl -n NAMESPACE describe secret NAME` lists the Secret's keys. Put the value under the expected key, or set `spec.access.externalIdSecretRef.key` to the key that has it.",
            field: Field::Secret,
            block: SnippetKind::SecretKeys,
            ..FAULT
        },
        Guide {
            reason: Reason::ExternalIdEmpty,
            short: "Put the external ID into the Secret",
            meaning: "The external ID in the Secret is empty.",
            recognised: "Local: the key exists but is empty.",
            remedy: "Put the external ID of the role's trust policy into the Secret. The usual cause is a variable that was not set when the Secret was created.",
            field: Field::At("spec.access.externalIdSecretRef.name"),
            ..FAULT
        },
        Guide {
            reason: Reason::ExternalIdWhitespace,
            short: "Remove the white space in the Secret",
            meaning: "The external ID in the Secret begins or ends with white space.",
            recognised: "Local: there is a space, tab or newline at the beginning or end.",
            remedy: "The usual cause is the newline that `echo` adds: use `printf` to write the file for `kubectl create secret --from-file`. The operator never trims the value, because the trust policy compares it exactly.",
            field: Field::At("spec.access.externalIdSecretRef.name"),
            ..FAULT
        },
        Guide {
            reason: Reason::ExternalIdInvalid,
            short: "Put a valid external ID into the Secret",
            meaning: "The key's value is not a valid external ID.",
            recognised: "Local: the value is not text of 2 to 1224 characters from `A-Z a-z 0-9 _ + = , . @ : / -`.",
            remedy: "Choose a random value of these characters, such as a UUID, and put the same value into the trust policy.",
            field: Field::At("spec.access.externalIdSecretRef.name"),
            ..FAULT
        },
        Guide {
            reason: Reason::ExternalIdReused,
            short: "Use an external ID of its own",
            meaning: "An older AwsCostAccount in another namespace uses the same external ID. An external ID that two tenants share protects neither.",
            recognised: "Local: keyed hashes, kept only in memory, are compared.",
            remedy: "Put a new external ID into the Secret and into the role's trust policy.",
            field: Field::At("spec.access.externalIdSecretRef.name"),
            ..FAULT
        },
        Guide {
            reason: Reason::AccessKeyInvalid,
            short: "Write the access key into the Secret",
            meaning: "The Secret of `accessKeySecretRef` does not contain a valid access key.",
            recognised: "Local: the access key ID or the secret key is empty, contains white space, or does not have AWS's format.",
            remedy: "Copy both values from AWS, each into a file for `--from-file` without a newline at its end. Better, connect with a role: [aws.md](aws.md).",
            field: Field::At("spec.access.accessKeySecretRef.name"),
            ..FAULT
        },
    ],
};
