//! Reasons of events and reports that are no condition's.

use super::{Guide, Section};
use crate::model::Reason;

pub(super) const SECTION: Section = Section {
    title: "Not conditions",
    intro: "Events, and reports of Jobs.",
    guides: &[
        Guide {
            reason: Reason::Loaded,
            stands: &[],
            meaning: "A load ended well: the month and its rows.",
            recognised: "Event on the AwsCostAccount.",
            remedy: "Nothing.",
        },
        Guide {
            reason: Reason::ExternalIdGenerated,
            stands: &[],
            meaning: "The operator made an external ID and wrote its Secret, once. It never changes it.",
            recognised: "Event on the AwsCostAccount with `generateExternalId: true`.",
            remedy: "Read it from the Secret that the event names and put it into the role's trust policy.",
        },
        Guide {
            reason: Reason::Purged,
            stands: &[],
            meaning: "The rows of a connection were removed from the warehouse.",
            recognised: "Event on the AwsCostAccount with `deletionPolicy: Purge`, or the report of `awscost warehouse purge`.",
            remedy: "Nothing.",
        },
        Guide {
            reason: Reason::PurgeSkipped,
            stands: &[],
            meaning: "An AwsCostAccount with `deletionPolicy: Purge` was released though its rows are still there.",
            recognised: "Event: the namespace is being deleted; the spec can't be read; or the warehouse has been gone for 24 hours, or at all where nothing was ever loaded.",
            remedy: "If the table is still there: `awscost warehouse purge` with the account's id as the connection.",
        },
        Guide {
            reason: Reason::DataFilesGone,
            stands: &[],
            meaning: "Data files that the warehouse's table refers to are gone from its store: somebody or a lifecycle rule deleted them.",
            recognised: "`awscost costs`, `awscost warehouse ledger` and `awscost warehouse maintain`, which end with exit code 14 and name files and months.",
            remedy: "Load each month again: they print the `awscost ingest --force` that does it. See [costs-table.md](costs-table.md#files-that-are-gone).",
        },
    ],
};
