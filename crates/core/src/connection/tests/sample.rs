//! A connection in which all is well, for tests to break one thing of.

use jiff::{SignedDuration, Timestamp};

use super::super::{
    Asker, Deliveries, Enforcement, Excess, ExternalIdInUse, ExternalIdPolicy, Fact, Facts, LastAssumed,
    ManifestRead, NextExternalId, RoleAccess, Target, TargetAccess,
    fake::{Script, Trust},
};
use crate::{
    aws::traits::{
        Caller, ExportDefinition, ExportHealth, ExportReference, LegacyDefinition, Listing, ObjectOwnership,
        ObjectRead, OrganizationFeatures, OrganizationMembership, ReportDestination, ReportGranularity,
    },
    model::{
        AccessKeys, AccountType, BillingPeriod, ExternalId, ReportKind, ReportLocation, VersionIdentity,
    },
    report::{Delivery, FileFormat, FoundPeriod, ReportFault},
};

pub const ACCOUNT: &str = "111122223333";
pub const COLUMNS: &str = "bill_billing_period_start_date, bill_payer_account_id, line_item_currency_code, \
     line_item_line_item_type, line_item_product_code, line_item_resource_id, line_item_unblended_cost, \
     line_item_usage_account_id, line_item_usage_start_date";

pub fn now() -> Timestamp {
    "2026-11-22T12:00:00Z".parse().expect("a time")
}

pub fn at(minute: i64) -> Timestamp {
    now() + SignedDuration::from_mins(minute)
}

pub fn period(text: &str) -> BillingPeriod {
    text.parse().expect(text)
}

pub fn version(text: &str) -> VersionIdentity {
    VersionIdentity(text.to_owned())
}

pub fn found(month: &str, identity: &str) -> FoundPeriod {
    FoundPeriod {
        period: period(month),
        delivery: Ok(Delivery {
            kind: ReportKind::Cur2,
            period: period(month),
            manifest_key: "m".to_owned(),
            manifest_etag: "e".to_owned(),
            version: version(identity),
            assembly: None,
            ordered_at: None,
            named_time: None,
            last_modified: Some(at(-60)),
            format: FileFormat::Parquet,
            files: Vec::new(),
            torn: None,
        }),
    }
}

pub fn nothing(month: &str) -> FoundPeriod {
    FoundPeriod {
        period: period(month),
        delivery: Err(ReportFault::NoManifest { period: period(month), seen: None }),
    }
}

pub fn target() -> Target {
    Target {
        access: TargetAccess::Role(RoleAccess {
            role: format!("arn:aws:iam::{ACCOUNT}:role/finops/awscost").parse().expect("a role"),
            external_id: ExternalId::parse(b"the-external-id").expect("an external ID"),
            external_id_place: "Secret acme-external-id".to_owned(),
            next_external_id: NextExternalId::None,
            secret_version: Some("1".to_owned()),
            policy: ExternalIdPolicy::Enforce,
        }),
        account: ACCOUNT.parse().expect("an account"),
        account_type: AccountType::Management,
        sts_region: "us-east-1".parse().expect("a region"),
        report: Some(report()),
        metrics: None,
        asker: Asker::Operator,
    }
}

/// The role of a target that has one.
pub fn role(target: &mut Target) -> &mut RoleAccess {
    match &mut target.access {
        TargetAccess::Role(access) => access,
        TargetAccess::Keys(_) => unreachable!("the sample has a role"),
    }
}

/// The sample over the keys of an IAM user.
pub fn with_keys() -> Target {
    let keys = AccessKeys::parse(b"AKIAEXAMPLEEXAMPLE01", b"secret").expect("keys");
    Target { access: TargetAccess::Keys(keys), ..target() }
}

pub fn report() -> ReportLocation {
    ReportLocation {
        name: "acme".parse().expect("a name"),
        kind: None,
        bucket: "acme-billing".parse().expect("a bucket"),
        prefix: "cur".parse().expect("a prefix"),
        region: "eu-west-1".parse().expect("a region"),
        owner: ACCOUNT.parse().expect("an account"),
    }
}

pub fn of_kind(kind: ReportKind) -> Target {
    Target { report: Some(ReportLocation { kind: Some(kind), ..report() }), ..target() }
}

pub fn operator() -> Caller {
    Caller {
        account: "999900009999".parse().expect("an account"),
        arn: "arn:aws:sts::999900009999:assumed-role/awscost-operator/1763812800".to_owned(),
    }
}

pub fn assumed() -> Caller {
    Caller {
        account: ACCOUNT.parse().expect("an account"),
        arn: format!("arn:aws:sts::{ACCOUNT}:assumed-role/awscost/awscost-check"),
    }
}

pub fn destination() -> ReportDestination {
    ReportDestination {
        bucket: "acme-billing".to_owned(),
        prefix: "cur".to_owned(),
        region: "eu-west-1".to_owned(),
        owner: None,
    }
}

pub fn legacy(name: &str) -> LegacyDefinition {
    LegacyDefinition {
        name: name.to_owned(),
        granularity: ReportGranularity::Hourly,
        format: "textORcsv".to_owned(),
        compression: "GZIP".to_owned(),
        resource_ids: true,
        refreshes_closed: Some(true),
        destination: destination(),
        delivery: None,
    }
}

pub fn export() -> ExportDefinition {
    let properties = [("TIME_GRANULARITY", "HOURLY"), ("INCLUDE_RESOURCES", "TRUE")]
        .map(|(name, value)| (name.to_owned(), value.to_owned()));
    ExportDefinition {
        arn: format!("arn:aws:bcm-data-exports:us-east-1:{ACCOUNT}:export/acme-1"),
        name: "acme".to_owned(),
        query: format!("SELECT {COLUMNS} FROM COST_AND_USAGE_REPORT"),
        properties: [("COST_AND_USAGE_REPORT".to_owned(), properties.into())].into(),
        format: "PARQUET".to_owned(),
        compression: "PARQUET".to_owned(),
        destination: destination(),
        health: ExportHealth::Healthy,
        refreshed_at: None,
    }
}

pub fn reference() -> ExportReference {
    ExportReference { arn: export().arn, name: export().name }
}

/// What a look at a connection in order leaves behind.
pub fn facts() -> Facts {
    let key = "cur/acme/metadata/BILLING_PERIOD=2026-11/acme-Manifest.json".to_owned();
    Facts {
        base: Fact::seen(now(), Ok(operator())),
        role: Fact::seen(now(), Ok(assumed())),
        enforcement: Fact::seen(now(), Ok(Enforcement::Enforced)),
        membership: Fact::seen(now(), Ok(membership())),
        legacy: Fact::seen(now(), Ok(Vec::new())),
        exports: Fact::seen(now(), Ok(vec![reference()])),
        export: Fact::seen(now(), Ok(Some(export()))),
        ingest_session: Fact::seen(now(), Ok(())),
        listing: Fact::seen(now(), Ok(folders(&["cur/acme/data/", "cur/acme/metadata/"]))),
        listing_any_owner: Fact::default(),
        federation: Fact::default(),
        in_use: Some(ExternalIdInUse::Current),
        last_assumed: Some(last_assumed()),
        execution: Fact::seen(now(), Ok(None)),
        elsewhere: Fact::default(),
        ownership: Fact::default(),
        excess: Fact::seen(now(), Ok(Excess::default())),
        metrics: Fact::default(),
        manifest: Fact::seen(now(), Ok(ManifestRead::Readable { key })),
        deliveries: Deliveries::default(),
    }
}

pub fn last_assumed() -> LastAssumed {
    let role = format!("arn:aws:iam::{ACCOUNT}:role/finops/awscost").parse().expect("a role");
    LastAssumed {
        role,
        secret_version: Some("1".to_owned()),
        principal: Some("arn:aws:iam::999900009999:role/awscost-operator".to_owned()),
    }
}

pub fn membership() -> OrganizationMembership {
    OrganizationMembership::InOrganization {
        management: ACCOUNT.parse().expect("an account"),
        features: OrganizationFeatures::All,
    }
}

pub fn folders(names: &[&str]) -> Listing {
    Listing { folders: names.iter().map(|name| (*name).to_owned()).collect(), ..Listing::default() }
}

/// An AWS in which a look leaves [`facts`] behind.
pub fn script() -> Script {
    Script {
        base: Ok(operator()),
        trust: Trust::Exact,
        assume: None,
        session: Ok(assumed()),
        membership: Ok(membership()),
        legacy: Ok(Vec::new()),
        exports: Ok(vec![reference()]),
        export: Ok(export()),
        list: Ok(vec![
            ("cur/acme/".to_owned(), folders(&["cur/acme/data/", "cur/acme/metadata/"])),
            (
                "cur/acme/metadata/".to_owned(),
                folders(&[
                    "cur/acme/metadata/BILLING_PERIOD=2026-10/",
                    "cur/acme/metadata/BILLING_PERIOD=2026-11/",
                ]),
            ),
        ]),
        list_any_owner: Ok(()),
        list_around: None,
        execution: Ok(None),
        ownership: Ok(ObjectOwnership::BucketOwner),
        allowed: Ok(Vec::new()),
        metrics: Ok(()),
        keys: Ok(assumed()),
        federate: None,
        read: Ok(ObjectRead { bytes: "{".into(), etag: "\"e\"".to_owned(), last_modified: now() }),
        no_such_keys: Vec::new(),
    }
}
