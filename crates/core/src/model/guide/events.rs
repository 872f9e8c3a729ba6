//! Reasons of events and reports that are no condition's.

use super::{GOOD, Guide, Section};
use crate::model::Reason;

pub(super) const SECTION: Section = Section {
    title: "Not conditions",
    intro: "These reasons appear on events and in the results of Jobs.",
    guides: &[
        Guide {
            reason: Reason::Loaded,
            meaning: "A load succeeded; the event has the month and the number of rows.",
            recognised: "An event on the AwsCostAccount.",
            ..GOOD
        },
        Guide {
            reason: Reason::ExternalIdGenerated,
            short: "Put it into the trust policy",
            meaning: "The operator created the Secret with an external ID. It never changes that Secret.",
            recognised: "An event on the AwsCostAccount with `generateExternalId: true`.",
            remedy: "Read the external ID from the Secret that the event names, and put it into the role's trust policy.",
            ..GOOD
        },
        Guide {
            reason: Reason::Purged,
            meaning: "The rows of a connection were removed from the warehouse.",
            recognised: "An event on the AwsCostAccount with `deletionPolicy: Purge`, or the result of `awscost warehouse purge`.",
            ..GOOD
        },
        Guide {
            reason: Reason::PurgeSkipped,
            short: "Purge the rows by hand",
            meaning: "An AwsCostAccount with `deletionPolicy: Purge` was deleted, but its rows are still in the warehouse.",
            recognised: "An event: the namespace is being deleted, the spec can't be read, or the warehouse has been missing for 24 hours (at once if nothing was ever loaded).",
            remedy: "If the table still exists, run `awscost warehouse purge` with the account's id as the connection.",
            ..GOOD
        },
        Guide {
            reason: Reason::DataFilesGone,
            short: "Load the month again with --force",
            meaning: "Somebody or a lifecycle rule deleted data files that the warehouse's table refers to.",
            recognised: "`awscost costs`, `awscost warehouse ledger` and `awscost warehouse maintain` end with exit code 14, and name files and months.",
            remedy: "Load each month again with the `awscost ingest --force` command that they print. See [costs-table.md](costs-table.md#files-that-are-gone).",
            ..GOOD
        },
    ],
};
