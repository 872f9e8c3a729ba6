//! How a period ended, as the report that people, the operator and the exit code get.

use jiff::Timestamp;

use super::fault::LoadFault;
use crate::{
    model::{BillingPeriod, ConnectionKey, ExitCode, Outcome, PeriodReport, Reason},
    report::Delivery,
    warehouse::ledger::{Decision, LedgerRow},
};

/// One period's end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EndedPeriod {
    /// What is told.
    pub report: PeriodReport,
    /// What the process would exit with if it were the only period.
    pub exit: ExitCode,
}

impl EndedPeriod {
    /// The version was committed, or already was.
    pub fn done(outcome: Outcome, row: &LedgerRow, delivered_at: Option<Timestamp>) -> Self {
        let report = PeriodReport {
            connection: Some(row.connection.clone()),
            manifest: Some(row.version.clone()),
            files: row.files,
            rows: row.rows,
            bytes: row.bytes,
            delivered_at,
            loaded_at: Some(row.loaded_at),
            invoiced: row.invoiced,
            totals: row.totals.clone(),
            tag_collisions: row.tag_collisions,
            rounded_values: row.rounded.values().map(|rounded| rounded.values).sum(),
            missing_columns: row.missing_columns.clone(),
            ..empty(row.period, outcome)
        };
        Self { report, exit: ExitCode::Done }
    }

    /// Says so if what was committed is the version that was loaded before, or empties a month: AWS restates months, so that is no
    /// fault, but nobody expects it either. `rows` are the ledger rows from before.
    #[must_use]
    pub fn in_place_of(mut self, rows: &[LedgerRow]) -> Self {
        let Some(before) = rows.iter().find(|row| row.period == self.report.period) else { return self };
        if Some(&before.version) == self.report.manifest.as_ref() {
            let again = format!(
                "this version was already loaded on {} and is loaded again because of --force",
                before.loaded_at.strftime("%Y-%m-%d at %H:%M UTC")
            );
            let more = self.report.message.take().map(|message| format!("; {message}")).unwrap_or_default();
            self.report.message = Some(again + &more);
        }
        if before.rows > 0 && self.report.rows == 0 {
            let message = format!(
                "the month had {} rows (version {}) and has none now: this delivery of it is empty. If that can't be, look at \
                 the report in the Billing console; the next delivery replaces it",
                before.rows,
                before.version.short()
            );
            tracing::warn!(period = %self.report.period, message);
            self.report.message = Some(message);
        }
        self
    }

    /// Adds the delivery's own warning, if it has one.
    #[must_use]
    pub fn warned(mut self, delivery: &Delivery) -> Self {
        self.report.message = self.report.message.or_else(|| delivery.torn.clone());
        self
    }

    /// A fault ended it.
    pub fn fault(
        period: BillingPeriod,
        connection: Option<&ConnectionKey>,
        delivery: Option<&Delivery>,
        fault: &LoadFault,
    ) -> Self {
        let verdict = fault.verdict();
        let report = PeriodReport {
            connection: connection.cloned(),
            reason: Some(verdict.reason.to_string()),
            message: Some(fault.to_string()),
            ..of(period, delivery, verdict.outcome)
        };
        Self { report, exit: verdict.exit }
    }

    /// The ledger's rules settled it without a load. `rows` are the connection's ledger rows, `owner` is who wanted it.
    pub fn settled(
        connection: &ConnectionKey,
        owner: &str,
        delivery: &Delivery,
        decision: &Decision,
        rows: &[LedgerRow],
    ) -> Self {
        let loaded = rows.iter().find(|row| row.period == delivery.period);
        let (outcome, reason, message) = match (decision, loaded) {
            (Decision::AlreadyLoaded | Decision::Load, Some(row)) => {
                return Self::done(Outcome::AlreadyLoaded, row, delivered_at(delivery)).warned(delivery);
            }
            (Decision::AlreadyLoaded | Decision::Load, None) => (
                Outcome::Failed,
                Reason::JobFailed,
                "the ledger changed while it was read: try again".to_owned(),
            ),
            (Decision::OlderManifest { loaded }, _) => (
                Outcome::OlderManifest,
                Reason::Current,
                format!("the loaded version is newer (of {loaded}): --force replaces it anyway"),
            ),
            (Decision::OtherSourceOwnsPeriod { report }, _) => (
                Outcome::Failed,
                Reason::DuplicateConnection,
                format!(
                    "period {} of connection {connection} is loaded from report {report}, and versions of two reports \
                     can't be ordered: purge the connection to change its report, or --force this period",
                    delivery.period
                ),
            ),
            (Decision::DuplicateConnection { owner: other }, _) => {
                (Outcome::Failed, Reason::DuplicateConnection, owned_by_another(connection, owner, other))
            }
        };
        let report = PeriodReport {
            connection: Some(connection.clone()),
            reason: Some(reason.to_string()),
            message: Some(message),
            ..of(delivery.period, Some(delivery), outcome)
        };
        // Only a person can settle which of two reports a period is loaded from; the rest is a matter of looking again.
        let exit = match decision {
            Decision::OtherSourceOwnsPeriod { .. } => ExitCode::Configuration,
            _ => ExitCode::Conflict,
        };
        Self { report, exit }
    }
}

/// Who has the bill, and what whoever wanted it can do: an object of a cluster has other means than a person at a shell.
fn owned_by_another(connection: &ConnectionKey, owner: &str, other: &str) -> String {
    match (OutcomeObject::of(owner), OutcomeObject::of(other)) {
        (None, _) => {
            format!(
                "connection {connection} belongs to {other}: choose another --connection, or purge it first"
            )
        }
        (Some(own), Some(OutcomeObject { cluster, namespace, name })) => {
            let elsewhere =
                if own.cluster == cluster { String::new() } else { format!(" of cluster {cluster}") };
            format!(
                "AwsCostAccount {namespace}/{name}{elsewhere} already loads the bill of {connection} into this warehouse: \
                 delete one of the two (that one with deletionPolicy: Purge; if it is gone already, remove its rows with \
                 awscost warehouse purge), or name another warehouse in spec.ingestion.warehouseRef"
            )
        }
        (Some(_), None) => format!(
            "the bill of {connection} was loaded into this warehouse by hand (owner {other}): remove it with awscost \
             warehouse purge, or name another warehouse in spec.ingestion.warehouseRef"
        ),
    }
}

/// An object of a cluster, as the operator writes it as an owner into the ledger.
struct OutcomeObject<'a> {
    cluster: &'a str,
    namespace: &'a str,
    name: &'a str,
}

impl<'a> OutcomeObject<'a> {
    fn of(owner: &'a str) -> Option<Self> {
        let mut parts = owner.split('/');
        match (parts.next(), parts.next(), parts.next(), parts.next()) {
            (Some(cluster), Some(namespace), Some(name), None) => Some(Self { cluster, namespace, name }),
            _ => None,
        }
    }
}

/// The exit code of a process that ended several periods: the one that most needs a person.
pub fn exit_code(ended: &[EndedPeriod]) -> ExitCode {
    const WORST_FIRST: [ExitCode; 5] =
        [ExitCode::Configuration, ExitCode::Data, ExitCode::Gone, ExitCode::Conflict, ExitCode::Transient];
    WORST_FIRST
        .into_iter()
        .find(|exit| ended.iter().any(|ended| ended.exit == *exit))
        .unwrap_or(ExitCode::Done)
}

/// When a version was delivered, as far as its source tells.
pub fn delivered_at(delivery: &Delivery) -> Option<Timestamp> {
    delivery.last_modified.or(delivery.ordered_at)
}

fn of(period: BillingPeriod, delivery: Option<&Delivery>, outcome: Outcome) -> PeriodReport {
    let mut report = empty(period, outcome);
    if let Some(delivery) = delivery {
        report.manifest = Some(delivery.version.clone());
        report.files = delivery.files.len() as u64;
        report.bytes = delivery.bytes();
        report.delivered_at = delivered_at(delivery);
    }
    report
}

fn empty(period: BillingPeriod, outcome: Outcome) -> PeriodReport {
    PeriodReport {
        period,
        connection: None,
        manifest: None,
        outcome,
        reason: None,
        message: None,
        files: 0,
        rows: 0,
        bytes: 0,
        delivered_at: None,
        loaded_at: None,
        invoiced: false,
        totals: std::collections::BTreeMap::new(),
        tag_collisions: 0,
        rounded_values: 0,
        missing_columns: Vec::new(),
    }
}

/// The most a kubelet takes from a termination log.
const TERMINATION_LIMIT: usize = 4096;

/// The report as a termination message: what does not fit is left out, the message first.
pub fn termination_message(report: &PeriodReport) -> String {
    let mut report = report.clone();
    let written =
        |report: &PeriodReport| serde_json::to_string(report).expect("a report of text and numbers");
    let mut text = written(&report);
    while text.len() > TERMINATION_LIMIT {
        match &mut report.message {
            Some(message) if message.chars().count() > 200 => {
                *message = message.chars().take(199).chain(['…']).collect();
            }
            _ if !report.totals.is_empty() => report.totals.clear(),
            _ => report.message = None,
        }
        text = written(&report);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{model::CurrencyTotals, warehouse::conformance::Load};

    fn ended(exit: ExitCode) -> EndedPeriod {
        EndedPeriod { report: empty("2026-10".parse().expect("a period"), Outcome::Failed), exit }
    }

    #[test]
    fn whoever_wanted_a_bill_that_another_has_is_told_what_it_can_do() {
        let connection: ConnectionKey = "123456789012".parse().expect("a key");
        let told = |owner, other| owned_by_another(&connection, owner, other);
        let object = told("prod/finops/double", "prod/finops/acme");
        assert!(object.starts_with("AwsCostAccount finops/acme already loads"), "{object}");
        assert!(object.contains("delete one of the two") && !object.contains("--connection"), "{object}");
        assert!(told("prod/finops/acme", "test/finops/acme").contains("finops/acme of cluster test"));
        assert!(told("prod/finops/acme", "cli").contains("by hand (owner cli)"));
        assert!(told("cli", "prod/finops/acme").contains("choose another --connection"));
    }

    #[test]
    fn a_month_that_becomes_empty_is_told() {
        let before = Load::of("acme", "v1", &["1", "2"]).row();
        let told = |costs: &[&str], before: &[LedgerRow]| {
            let ended = EndedPeriod::done(Outcome::Loaded, &Load::of("acme", "v2", costs).row(), None);
            let ended = ended.in_place_of(before);
            assert_eq!(ended.exit, ExitCode::Done, "AWS may restate a month");
            ended.report.message
        };
        let said = told(&[], std::slice::from_ref(&before)).expect("a word");
        assert!(said.starts_with("the month had 2 rows (version v1) and has none now"), "{said}");
        assert_eq!(told(&[], &[]), None, "a first day's header");
        assert_eq!(told(&["1"], &[before]), None, "smaller is as usual");
    }

    #[test]
    fn the_worst_period_is_the_exit_code() {
        use ExitCode::{Configuration, Conflict, Data, Done, Transient};
        for (codes, expected) in [
            (&[][..], Done),
            (&[Done, Done], Done),
            (&[Done, Transient], Transient),
            (&[Transient, Conflict], Conflict),
            (&[Conflict, Data, Done], Data),
            (&[Data, Configuration], Configuration),
        ] {
            let ended: Vec<EndedPeriod> = codes.iter().map(|code| ended(*code)).collect();
            assert_eq!(exit_code(&ended), expected, "{codes:?}");
        }
    }

    #[test]
    fn a_termination_message_always_fits_and_parses() {
        let mut report = ended(ExitCode::Data).report;
        report.message = Some("ü".repeat(10_000));
        for currency in 0..100 {
            report.totals.insert(format!("C{currency}"), CurrencyTotals::default());
        }
        let text = termination_message(&report);
        assert!(text.len() <= 4096);
        let read: PeriodReport = serde_json::from_str(&text).expect("parses");
        assert!(read.message.is_some_and(|message| message.ends_with('…')));
        report.message = Some("short".to_owned());
        report.totals.clear();
        assert_eq!(serde_json::from_str::<PeriodReport>(&termination_message(&report)).ok(), Some(report));
    }
}
