//! ReportConfigured: AWS has a definition of that name, and what it delivers is a whole bill that can be loaded.

use jiff::Timestamp;

use super::{
    super::{Facts, Finding, Standing, Target},
    clue, policy_elsewhere,
    query::Query,
};
use crate::{
    aws::{
        AwsFault, FaultClass, Operation,
        traits::{ExportDefinition, LegacyDefinition, ReportDestination, ReportGranularity},
    },
    model::{
        ConditionType::ReportConfigured, DeliveryService, Partition, Reason, ReportKind, ReportLocation,
        layers::Field,
    },
    report::{Dialect, export_sources, kinds_of},
};

/// Compressions that go with no format here; anything else that does not fit is the format's fault.
const PACKINGS: [&str; 1] = ["ZIP"];

/// Format and compression, as each API spells them, that can be loaded.
const LEGACY_FORMATS: &[(&str, &str)] = &[("textORcsv", "GZIP"), ("Parquet", "Parquet")];
/// The same of data exports.
const EXPORT_FORMATS: &[(&str, &str)] = &[("PARQUET", "PARQUET"), ("TEXT_OR_CSV", "GZIP")];

/// How many names a message lists at most.
const NAMES: usize = 5;

/// The definition that is meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Chosen<'a> {
    /// A legacy one.
    Legacy(&'a LegacyDefinition),
    /// A data export.
    Export(&'a ExportDefinition),
}

/// Both APIs have one of that name, and both or neither deliver where declared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ambiguous;

impl Chosen<'_> {
    /// Its kind: an export's follows from the table it selects from.
    pub fn kind(&self) -> ReportKind {
        match self {
            Self::Legacy(_) => ReportKind::LegacyCur,
            Self::Export(export) => {
                let source = Query::parse(&export.query).ok().map(|query| query.table);
                let dialect = source.and_then(|source| Dialect::of_export(&source));
                dialect.map_or(ReportKind::Cur2, |(dialect, _)| dialect.kind)
            }
        }
    }

    fn destination(&self) -> &ReportDestination {
        match self {
            Self::Legacy(definition) => &definition.destination,
            Self::Export(export) => &export.destination,
        }
    }
}

/// The definition of the declared name, from what was last known; of two, the one that delivers where declared.
///
/// # Errors
/// [`Ambiguous`] if that does not tell them apart.
pub fn chosen<'a>(facts: &'a Facts, report: &ReportLocation) -> Result<Option<Chosen<'a>>, Ambiguous> {
    let legacy = facts
        .legacy
        .known()
        .filter(|_| report.may_be_of(DeliveryService::Legacy))
        .and_then(|list| list.iter().find(|definition| definition.name == report.name.as_str()))
        .map(Chosen::Legacy);
    let export = facts.export.known().and_then(Option::as_ref);
    let export = export.filter(|_| report.may_be_of(DeliveryService::DataExports));
    match (legacy, export.map(Chosen::Export)) {
        (None, None) => Ok(None),
        (Some(one), None) | (None, Some(one)) => Ok(Some(one)),
        (Some(legacy), Some(export)) => {
            let fits = |chosen: &Chosen<'_>| differences(chosen.destination(), report).is_empty();
            match (fits(&legacy), fits(&export)) {
                (true, false) => Ok(Some(legacy)),
                (false, true) => Ok(Some(export)),
                _ => Err(Ambiguous),
            }
        }
    }
}

/// What to do where the API of the report's kind is missing.
fn no_api(partition: Partition) -> String {
    let name = partition.as_str();
    if partition.has_exports() {
        return format!(
            "Partition {name} has no legacy Cost and Usage Reports. Set spec.report.kind to Cur2."
        );
    }
    format!(
        "Partition {name} has no billing report API for spec.report.kind. GovCloud usage is billed through the linked \
         commercial account: connect that one."
    )
}

pub(in crate::connection) fn check(
    facts: &Facts,
    target: &Target,
    report: &ReportLocation,
    now: Timestamp,
) -> Finding {
    if !report.has_api(target.partition()) {
        return fail(Reason::BillingApiNotInPartition, no_api(target.partition()));
    }
    match chosen(facts, report) {
        Err(Ambiguous) => fail(
            Reason::ReportAmbiguous,
            format!(
                "Account {} has a legacy report and a data export named {}. Set spec.report.kind to LegacyCur or Cur2.",
                target.account, report.name
            ),
        ),
        Ok(Some(found)) => outdated(&found, facts, now)
            .or_else(|| judge(&found, report))
            .unwrap_or_else(|| suits(&found, facts, target, report, now)),
        Ok(None) => not_found(facts, target, report, now),
    }
}

/// A definition that was last seen too long ago proves nothing.
fn outdated(found: &Chosen<'_>, facts: &Facts, now: Timestamp) -> Option<Finding> {
    let outdated = match found {
        Chosen::Legacy(_) => facts.legacy.standing(now) == Standing::Outdated,
        Chosen::Export(_) => facts.export.standing(now) == Standing::Outdated,
    };
    outdated.then(|| Finding::inconclusive::<()>(ReportConfigured, &Standing::Outdated))
}

/// Nothing of that name was seen: say which API could not be asked, or that there is none.
fn not_found(facts: &Facts, target: &Target, report: &ReportLocation, now: Timestamp) -> Finding {
    let legacy = report.asks_legacy(target.partition()).then(|| facts.legacy.standing(now));
    let exports = report.asks_exports(target.partition()).then(|| facts.exports.standing(now));
    let export = report.asks_exports(target.partition()).then(|| facts.export.standing(now));
    for (refused, reason) in [
        (export.and_then(refusal), Reason::ExportGetDenied),
        (exports.and_then(refusal), Reason::ExportListDenied),
        (legacy.and_then(refusal), Reason::LegacyApiDenied),
    ] {
        if let Some(fault) = refused {
            return api_refused(fault, reason, target, report);
        }
    }
    legacy
        .and_then(undecided)
        .or_else(|| exports.and_then(undecided))
        .or_else(|| export.and_then(undecided))
        .unwrap_or_else(|| nowhere(facts, target, report))
}

fn api_refused(fault: &AwsFault, reason: Reason, target: &Target, report: &ReportLocation) -> Finding {
    if fault.class != FaultClass::Denied {
        return Finding::doubtful(ReportConfigured, &fault.clone().inconclusive());
    }
    let reports = format!("the reports of account {}", target.account);
    if let Some(finding) = policy_elsewhere(ReportConfigured, fault, target, &reports) {
        return finding;
    }
    let or = report.kind.map_or_else(String::new, |kind| {
        format!(" If the report is not a {kind}, correct spec.report.kind: the other kind needs other permissions.")
    });
    fail(
        reason,
        format!(
            "{} may not call {}, so report {} can't be looked up.{} Allow it in its policy; if it is allowed, activate IAM \
             access to billing information in account {}.{or}",
            target.actor(),
            fault.operation,
            report.name,
            clue(fault),
            target.account
        ),
    )
}

fn refusal<T>(standing: Standing<'_, T>) -> Option<&AwsFault> {
    match standing {
        Standing::Refused(fault) => Some(fault),
        _ => None,
    }
}

fn undecided<T>(standing: Standing<'_, T>) -> Option<Finding> {
    match standing {
        Standing::Known(_) | Standing::Refused(_) => None,
        standing => Some(Finding::inconclusive(ReportConfigured, &standing)),
    }
}

/// Every API that was to be asked has answered, and none knows the name.
fn nowhere(facts: &Facts, target: &Target, report: &ReportLocation) -> Finding {
    let legacy = facts.legacy.known().into_iter().flatten().map(|definition| definition.name.as_str());
    let exports = facts.exports.known().into_iter().flatten().map(|export| export.name.as_str());
    let mut names: Vec<&str> = legacy.chain(exports).collect();
    names.sort_unstable();
    names.dedup();
    let there = match names.as_slice() {
        [] => "It has none at all: create one.".to_owned(),
        few => {
            let shown = few[..few.len().min(NAMES)].join(", ");
            let more = match few.len().saturating_sub(NAMES) {
                0 => String::new(),
                more => format!(" and {more} more"),
            };
            format!("It has {shown}{more}: names are case-sensitive, so correct spec.report.name.")
        }
    };
    let (what, or) = match report.kind {
        None => ("report", String::new()),
        Some(kind) => {
            let service = kind.service();
            let other = kinds_of(service.other());
            let or = format!(
                " Only these were looked for, because spec.report.kind is {kind}: set it to {other} or Auto if the report is \
                 of that kind."
            );
            (service.delivers(), or)
        }
    };
    fail(
        Reason::ReportNotFound,
        format!("Account {} has no {what} named {}. {there}{or}", target.account, report.name),
    )
}

/// True if AWS's own definition delivers just where declared, as far as it is known.
pub(super) fn delivers_as_declared(facts: &Facts, report: &ReportLocation) -> bool {
    matches!(chosen(facts, report), Ok(Some(found)) if differences(found.destination(), report).is_empty())
}

/// All that is wrong with a definition, the first thing's reason in front.
fn judge(found: &Chosen<'_>, report: &ReportLocation) -> Option<Finding> {
    let mut problems: Vec<(Reason, String)> = Vec::new();
    let differences = differences(found.destination(), report);
    if !differences.is_empty() {
        problems.push((
            Reason::DestinationDiffers,
            format!(
                "Report {} is not delivered where spec.report.bucket says: {}. Correct spec.report.bucket or the report.",
                report.name,
                differences.iter().map(|(_, words)| words.as_str()).collect::<Vec<_>>().join("; ")
            ),
        ));
    }
    match found {
        Chosen::Legacy(definition) => judge_legacy(definition, &mut problems),
        Chosen::Export(export) => judge_export(export, &mut problems),
    }
    let (reason, _) = problems.first()?;
    let sentences: Vec<&str> = problems.iter().map(|(_, sentence)| sentence.as_str()).collect();
    let finding = fail(*reason, sentences.join(" "));
    Some(match differences.first() {
        Some((field, _)) => finding.at(Field::At(field)),
        None => finding,
    })
}

/// Nothing is wrong; what will not be seen of it is worth a word.
fn suits(
    found: &Chosen<'_>,
    facts: &Facts,
    target: &Target,
    report: &ReportLocation,
    now: Timestamp,
) -> Finding {
    let suits = format!("Report {} ({}) is defined and suits.", report.name, found.kind());
    match found {
        Chosen::Legacy(definition) if definition.refreshes_closed == Some(false) => Finding::pass(
            ReportConfigured,
            Reason::ClosedPeriodRefreshOff,
            format!(
                "{suits} But refunds, credits and support fees of closed months are not delivered: set RefreshClosedReports \
                 to have them."
            ),
        ),
        Chosen::Export(_) if refusal(facts.execution.standing(now)).is_some() => Finding::pass(
            ReportConfigured,
            Reason::ExecutionListDenied,
            format!(
                "{suits} But {} may not call {} on it, so a refresh that failed shows only once the delivery is overdue: allow it.",
                target.actor(),
                Operation::ListExecutions
            ),
        ),
        _ => Finding::pass(ReportConfigured, Reason::Configured, suits),
    }
}

/// Each way in which a destination is not the declared one, with the field that says otherwise. Prefixes are compared byte
/// for byte, as AWS uses them.
fn differences(destination: &ReportDestination, report: &ReportLocation) -> Vec<(&'static str, String)> {
    let pairs = [
        ("spec.report.bucket.name", "bucket", destination.bucket.as_str(), report.bucket.as_str()),
        ("spec.report.bucket.prefix", "prefix", destination.prefix.as_str(), report.prefix.as_str()),
        ("spec.report.bucket.region", "region", destination.region.as_str(), report.region.as_str()),
    ];
    let quoted = |text: &str| if text.is_empty() { "empty".to_owned() } else { text.to_owned() };
    let mut found: Vec<(&str, String)> = pairs
        .into_iter()
        .filter(|(.., actual, declared)| actual != declared)
        .map(|(field, what, actual, declared)| {
            (field, format!("its {what} is {}, not {}", quoted(actual), quoted(declared)))
        })
        .collect();
    match &destination.owner {
        Some(owner) if owner != report.owner.as_str() => {
            let words = format!("its bucket's owner is {owner}, not {}", report.owner);
            found.push(("spec.report.bucket.ownerAccountId", words));
        }
        _ => {}
    }
    found
}

fn judge_legacy(definition: &LegacyDefinition, problems: &mut Vec<(Reason, String)>) {
    let name = &definition.name;
    judge_format(name, &definition.format, &definition.compression, LEGACY_FORMATS, problems);
    judge_granularity(name, definition.granularity, problems);
    if !definition.resource_ids {
        problems.push((
            Reason::ResourceIdsMissing,
            format!(
                "Report {name} leaves out resource IDs: include them (AdditionalSchemaElements: RESOURCES)."
            ),
        ));
    }
}

fn judge_export(export: &ExportDefinition, problems: &mut Vec<(Reason, String)>) {
    let name = &export.name;
    judge_format(name, &export.format, &export.compression, EXPORT_FORMATS, problems);
    let Ok(query) = Query::parse(&export.query) else {
        problems.push((
            Reason::QueryUnreadable,
            format!(
                "The query of export {name} is not one list of columns from one table. Select the columns of {} \
                 without functions or joins.",
                export_sources()
            ),
        ));
        return;
    };
    let Some((_, rules)) = Dialect::of_export(&query.table) else {
        problems.push((
            Reason::TableUnsupported,
            format!(
                "Export {name} selects from {}, which can't be loaded; create one from {}.",
                query.table,
                export_sources()
            ),
        ));
        return;
    };
    let property =
        |key: &str| export.properties.get(rules.source).and_then(|table| table.get(key)).map(String::as_str);
    let granularity =
        property("TIME_GRANULARITY").map_or(ReportGranularity::Other, ReportGranularity::from_name);
    judge_granularity(name, granularity, problems);
    judge_rows(name, &query, rules.needed, problems);
    if let Some(column) = rules.resource_ids
        && (property("INCLUDE_RESOURCES") != Some("TRUE") || !query.selects(column))
    {
        problems.push((
            Reason::ResourceIdsMissing,
            format!(
                "Export {name} leaves out resource IDs: set INCLUDE_RESOURCES to TRUE and select {column}."
            ),
        ));
    }
}

fn judge_rows(name: &str, query: &Query, needed: &[&str], problems: &mut Vec<(Reason, String)>) {
    let clauses: Vec<&str> = [(query.filtered, "WHERE"), (query.limited, "LIMIT")]
        .into_iter()
        .filter_map(|(present, clause)| present.then_some(clause))
        .collect();
    if !clauses.is_empty() {
        problems.push((
            Reason::ExportNotComplete,
            format!(
                "The query of export {name} has a {}, which leaves rows of the bill out: remove it.",
                clauses.join(" and a ")
            ),
        ));
    }
    let missing = query.missing(needed);
    if !missing.is_empty() {
        problems.push((
            Reason::ColumnsMissing,
            format!(
                "The query of export {name} leaves out columns that the bill can't be loaded without: select {} too.",
                missing.join(", ")
            ),
        ));
    }
    let renamed = query.renamed(needed);
    if !renamed.is_empty() {
        let names: Vec<String> =
            renamed.iter().map(|(column, output)| format!("{column} to {output}")).collect();
        problems.push((
            Reason::ColumnsRenamed,
            format!(
                "The query of export {name} renames {}: select them under their own names.",
                names.join(", ")
            ),
        ));
    }
}

fn judge_format(
    name: &str,
    format: &str,
    compression: &str,
    supported: &[(&str, &str)],
    problems: &mut Vec<(Reason, String)>,
) {
    if !supported.contains(&(format, compression)) {
        let wanted: Vec<String> =
            supported.iter().map(|(format, compression)| format!("{format} with {compression}")).collect();
        let packed = PACKINGS.contains(&compression);
        problems.push((
            if packed { Reason::CompressionUnsupported } else { Reason::FormatUnsupported },
            format!(
                "Report {name} is delivered as {format} with {compression}, which can't be loaded; have it delivered as {}.",
                wanted.join(" or ")
            ),
        ));
    }
}

fn judge_granularity(name: &str, granularity: ReportGranularity, problems: &mut Vec<(Reason, String)>) {
    if granularity == ReportGranularity::Monthly {
        problems.push((
            Reason::GranularityTooCoarse,
            format!("Report {name} has monthly rows, too coarse for daily costs: set HOURLY or DAILY."),
        ));
    }
}

fn fail(reason: Reason, message: String) -> Finding {
    Finding::fail(ReportConfigured, reason, message)
}
