//! One object for a terminal of 80 columns.

use jiff::Timestamp;

use super::StatusView;
use crate::{
    api::status::PeriodStatus,
    cli::terminal::{
        age::age_text,
        snippet::indent_block,
        table::{self, Align},
        wrap::wrap_text,
    },
};

/// The screen.
pub(super) fn render_screen(view: &StatusView, now: Timestamp) -> String {
    let suspended = if view.suspended { ", suspended" } else { "" };
    let mut text = wrap_text(
        &format!("{} {}/{}{suspended}", view.name.kind, view.name.namespace, view.name.name),
        "",
        "",
    );
    for line in &view.about {
        text.push_str(&wrap_text(line, "  ", "    "));
    }
    if !view.conditions.is_empty() {
        text.push('\n');
        text.push_str(&condition_table(view, now));
    }
    if !view.periods.is_empty() {
        text.push('\n');
        text.push_str(&period_table(&view.periods, now));
    }
    if !view.active_jobs.is_empty() {
        text.push('\n');
        text.push_str(&wrap_text(&view.active_jobs.join(", "), "Jobs at work: ", "  "));
    }
    text.push_str("\nWhat to do next:\n");
    for step in &view.next {
        text.push_str(&wrap_text(step, "  - ", "    "));
    }
    for snippet in &view.snippets {
        text.push('\n');
        text.push_str(&indent_block(snippet, ""));
    }
    text
}

fn condition_table(view: &StatusView, now: Timestamp) -> String {
    let columns =
        [("CONDITION", Align::Left), ("STATUS", Align::Left), ("REASON", Align::Left), ("AGE", Align::Right)];
    let rows: Vec<Vec<String>> = view
        .conditions
        .iter()
        .map(|line| {
            vec![
                line.type_.to_string(),
                line.status.to_owned(),
                line.reason.to_string(),
                age_text(line.since, now),
            ]
        })
        .collect();
    table::render_table(&columns, &rows)
}

fn period_table(periods: &[PeriodStatus], now: Timestamp) -> String {
    let columns = [
        ("PERIOD", Align::Left),
        ("STATE", Align::Left),
        ("DELIVERED", Align::Right),
        ("LOADED", Align::Right),
        ("ROWS", Align::Right),
        ("TOTAL", Align::Right),
    ];
    let ago = |at: Option<Timestamp>| at.map(|at| age_text(at, now)).unwrap_or_default();
    let mut rows = Vec::new();
    for period in periods {
        let mut totals = period.totals.iter().map(|(currency, total)| format!("{total} {currency}"));
        rows.push(vec![
            period.period.to_string(),
            period.state.to_string(),
            ago(period.delivered),
            ago(period.loaded),
            period.rows.map(|rows| rows.to_string()).unwrap_or_default(),
            totals.next().unwrap_or_default(),
        ]);
        // Currencies are never added up: each has a line.
        rows.extend(totals.map(|total| {
            let mut row = vec![String::new(); columns.len() - 1];
            row.push(total);
            row
        }));
    }
    let failures = periods.iter().filter_map(|period| Some((period.period, period.failure.as_ref()?)));
    let failures = failures.map(|(period, failure)| {
        let first = format!("{period}, attempt {} ({}): ", failure.attempts, age_text(failure.at, now));
        wrap_text(&format!("{}: {}", failure.reason, failure.message), &first, "  ")
    });
    table::render_table(&columns, &rows) + &failures.collect::<String>()
}

#[cfg(test)]
mod tests {
    use kube::core::DeserializeGuard;
    use serde_json::{Value, json};

    use super::*;
    use crate::{
        api::AwsCostAccount,
        cli::{status::StatusView, terminal::wrap::fits},
    };

    fn now() -> Timestamp {
        "2026-11-25T12:00:00Z".parse().expect("a time")
    }

    fn condition(type_: &str, status: &str, reason: &str, message: &str) -> Value {
        json!({"type": type_, "status": status, "reason": reason, "message": message,
               "lastTransitionTime": "2026-11-25T09:30:00Z"})
    }

    fn account(conditions: &[Value], more: &Value) -> StatusView {
        StatusView::of_account(&parsed(&object(conditions, more)), now())
    }

    fn parsed(object: &Value) -> DeserializeGuard<AwsCostAccount> {
        serde_json::from_value(object.clone()).expect("metadata")
    }

    fn object(conditions: &[Value], more: &Value) -> Value {
        let mut status = json!({"conditions": conditions, "identity": {"accountId": "123456789012"}});
        for (key, value) in more.as_object().expect("an object") {
            status[key] = value.clone();
        }
        json!({
            "apiVersion": "awscost.io/v1alpha1", "kind": "AwsCostAccount",
            "metadata": {"name": "acme-payer", "namespace": "finops"},
            "spec": {
                "displayName": "Acme payer", "accountType": "Management",
                "access": {
                    "roleArn": "arn:aws:iam::123456789012:role/awscost",
                    "externalIdSecretRef": {"name": "acme-external-id"}
                },
                "report": {
                    "name": "acme-cur",
                    "bucket": {"name": "acme-billing", "region": "us-east-1", "prefix": "cur"}
                },
                "ingestion": {"warehouseRef": {"name": "lake"}}
            },
            "status": status
        })
    }

    #[test]
    fn a_broken_account_fits_80_columns_and_says_what_to_do() {
        let denied = "AWS refuses to list s3://acme-billing/cur/ to the role arn:aws:iam::123456789012:role/awscost. \
                      Allow s3:ListBucket on arn:aws:s3:::acme-billing to it.";
        let failure = json!({
            "version": "5d41402abc4b2a76b9719d911017c592", "attempts": 3, "strikes": 3, "class": "Data",
            "reason": "ParseFailed", "message": "acme-00001.csv.gz, row 17: a cost that is no number",
            "at": "2026-11-25T11:00:00Z", "inputs": "x"
        });
        let view = account(
            &[
                condition("Stalled", "True", "BucketListDenied", denied),
                condition("Ready", "False", "BucketListDenied", denied),
                condition("RoleAssumable", "True", "RoleAssumed", "The role can be assumed."),
                condition("BucketReadable", "False", "BucketListDenied", denied),
                condition(
                    "ReportDelivered",
                    "Unknown",
                    "BlockedByBucket",
                    "Can't be told before BucketReadable.",
                ),
            ],
            &json!({
                "report": {"kind": "Cur2"},
                "ingestion": {"activeJobs": ["awscost-0123456789abcdef"]},
                "periods": [
                    {"period": "2026-11", "state": "Open", "delivered": "2026-11-25T06:00:00Z",
                     "loaded": "2026-11-25T07:00:00Z", "rows": 1234567, "deliveredVersion": "a", "version": "a",
                     "totals": {"USD": "108716.416629522563693978", "EUR": "1.5"}},
                    {"period": "2026-10", "state": "Closing", "failure": failure}
                ]
            }),
        );
        let shown = render_screen(&view, now());
        assert!(fits(&shown), "{shown}");
        insta::assert_snapshot!(shown);
    }

    #[test]
    fn a_change_of_the_external_id_says_which_is_in_use_and_what_comes_next() {
        let fine = condition("Ready", "True", "Succeeded", "Everything that must work does.");
        let role =
            condition("RoleAssumable", "True", "RoleAssumed", "It takes the next one: remove the old.");
        let loading = condition("DataCurrent", "False", "Loading", "A load is at work.");
        for conditions in [&[fine.clone(), role.clone()][..], &[fine, role, loading]] {
            let mut object = object(conditions, &json!({"identity": {"externalIdInUse": "Next"}}));
            assert!(
                !StatusView::of_account(&parsed(&object), now()).next.join(" ").contains("remove the old")
            );
            object["spec"]["access"]["nextExternalIdSecretRef"] = json!({"name": "acme-next"});
            let shown = render_screen(&StatusView::of_account(&parsed(&object), now()), now());
            assert!(shown.contains("External ID in use: the next one, of Secret acme-next"), "{shown}");
            assert!(shown.contains("It takes the next one: remove the old."), "{shown}");
        }
    }

    #[test]
    fn each_state_has_its_next_step() {
        let next = |conditions: &[Value]| account(conditions, &json!({})).next.join(" | ");
        assert!(next(&[]).contains("has not checked it yet"));
        let fine = condition("Ready", "True", "Succeeded", "Everything that must work does.");
        assert_eq!(next(std::slice::from_ref(&fine)), "Nothing: everything works.");
        let first = condition("ReportDelivered", "Unknown", "AwaitingFirstDelivery", "Up to 24 hours.");
        assert_eq!(next(&[fine.clone(), first]), "Wait. Up to 24 hours.");
        let broad = condition("PermissionsMinimal", "False", "CanWriteBucket", "Take s3:PutObject away.");
        let denied = condition("PermissionsMinimal", "Unknown", "AuditDenied", "The role may not ask.");
        assert_eq!(next(&[fine.clone(), denied]), "Nothing: everything works.");
        assert_eq!(
            next(&[fine, broad]),
            "Nothing: everything works. | Optional: PermissionsMinimal: Take s3:PutObject away."
        );
        let throttled = condition("RoleAssumable", "Unknown", "Throttled", "AWS throttles.");
        let retried = condition("Ready", "Unknown", "ProgressingWithRetry", "RoleAssumable: AWS throttles.");
        assert!(next(&[retried, throttled]).starts_with("RoleAssumable: AWS throttles."));
    }
}
