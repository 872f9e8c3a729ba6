//! A connection for tests: an organization's payer with a report in a bucket of its own.

use super::{BillReader, WantedAccount};
use crate::model::ReportLocation;

pub(super) fn wanted() -> WantedAccount {
    WantedAccount {
        reader: BillReader::Role("arn:aws:iam::123456789012:role/finops/awscost".parse().expect("a role")),
        report: Some(ReportLocation {
            name: "acme-cur".parse().expect("a name"),
            kind: None,
            bucket: "acme-billing".parse().expect("a bucket"),
            prefix: "cur".parse().expect("a prefix"),
            region: "us-east-1".parse().expect("a region"),
            owner: "123456789012".parse().expect("an account"),
        }),
        kms_key: None,
        rotating: false,
        metrics: false,
        audit: false,
    }
}
