//! What is wrong with what a warehouse holds, as a person at a shell meets it: files that are gone, and ledger rows that
//! this release can't read.

use std::{path::Path, process::Output};

use serde_json::{Value, json};

use super::{
    ingest_place::{FIRST, Place, files_below, legacy_overwrite, same_totals, spec},
    warehouse_commands::awscost,
};

fn stderr(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

fn stdout(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_month_whose_file_is_gone_is_told_with_the_command_that_brings_it_back() {
    let place = Place::new();
    let totals = place.deliver(&spec(), &legacy_overwrite(), FIRST);
    assert_eq!(place.ingest(&[]).ended(), ("Loaded".to_owned(), Some(0)));
    let lake = format!("delta:{}", place.lake().display());
    let data = files_below(&place.lake().join("costs/connection=123456789012"));
    std::fs::remove_file(&data[0]).expect("a data file");
    let name = data[0].file_name().and_then(|name| name.to_str()).expect("a name");

    let mut told = Vec::new();
    for task in [&["costs"][..], &["warehouse", "ledger"], &["warehouse", "maintain"]] {
        let output = awscost(&[task, &["--warehouse", &lake]].concat());
        let said = stderr(&output);
        assert_eq!(output.status.code(), Some(14), "{task:?}: {said}");
        assert!(said.contains(name) && said.contains("2026-10"), "{task:?}: {said}");
        let command = said.lines().find_map(|line| line.strip_prefix("  awscost ")).expect("a command");
        told.push(command.to_owned());
    }
    let report = awscost(&["warehouse", "maintain", "--warehouse", &lake, "-o", "json"]);
    let report: Value = serde_json::from_slice(&report.stdout).expect("JSON");
    assert_eq!((&report["outcome"], &report["reason"]), (&json!("Failed"), &json!("DataFilesGone")));

    // Without being asked for it, the same version is not loaded again.
    assert_eq!(place.ingest(&[]).ended(), ("AlreadyLoaded".to_owned(), Some(0)));
    assert!(told.iter().all(|command| *command == told[0]), "{told:?}");
    let healed = awscost(&told[0].split(' ').collect::<Vec<_>>());
    let said = stdout(&healed);
    assert!(healed.status.success() && said.contains("Loaded"), "{said}{}", stderr(&healed));
    assert!(said.contains("this version was already loaded on") && said.contains("loaded again"), "{said}");
    place.holds(&totals).await;
    for task in [&["costs"][..], &["warehouse", "ledger"], &["warehouse", "maintain"]] {
        let output = awscost(&[task, &["--warehouse", &lake]].concat());
        assert_eq!(output.status.code(), Some(0), "{task:?}: {}", stderr(&output));
    }
}

#[test]
fn the_same_version_is_loaded_again_where_a_person_forces_it() {
    let place = Place::new();
    let totals = place.deliver(&spec(), &legacy_overwrite(), FIRST);
    let first = place.ingest(&["--force"]);
    assert_eq!((first.ended(), first.report().message.as_deref()), (("Loaded".to_owned(), Some(0)), None));
    let again = place.ingest(&["--force"]);
    assert_eq!(again.ended(), ("Loaded".to_owned(), Some(0)));
    same_totals(again.report(), &totals);
    let said = again.report().message.as_deref().unwrap_or_default();
    assert!(said.contains("this version was already loaded on"), "{said}");
}

/// Writes another connection's ledger row by hand, as a later release might.
fn write_row(lake: &Path, name: &str, row: &Value) {
    let log = lake.join("costs/_delta_log");
    let next =
        files_below(&log).iter().filter(|path| path.extension().is_some_and(|kind| kind == "json")).count();
    let domain = json!({"domainMetadata": {"domain": format!("awscost.ledger/{name}"), "configuration": row.to_string(), "removed": false}});
    let info = json!({"commitInfo": {"timestamp": 1, "operation": "WRITE"}});
    std::fs::write(log.join(format!("{next:020}.json")), format!("{info}\n{domain}\n")).expect("written");
}

#[test]
fn a_ledger_row_of_a_later_release_stops_its_own_connection_only() {
    let place = Place::new();
    place.deliver(&spec(), &legacy_overwrite(), FIRST);
    assert_eq!(place.ingest(&["--connection", "a"]).ended(), ("Loaded".to_owned(), Some(0)));
    let later = json!({"connection": "b", "period": "2026-10", "source": {"rank": "additional"}, "tool": "awscost 9.0.0"});
    write_row(&place.lake(), "b/2026-10", &later);
    let lake = format!("delta:{}", place.lake().display());
    let ask = |task: &[&str], connection: &[&str]| {
        let output = awscost(&[task, &["--warehouse", &lake], connection].concat());
        (output.status.code(), stdout(&output), stderr(&output))
    };
    for task in [&["costs"][..], &["warehouse", "ledger"]] {
        let (exit, own, said) = ask(task, &["--connection", "a"]);
        assert_eq!((exit, said.as_str()), (Some(0), ""), "{task:?}");
        let (exit, all, said) = ask(task, &[]);
        assert_eq!((exit, all == own), (Some(10), true), "{task:?}: {all}");
        for part in ["b/2026-10", "awscost 9.0.0", "warehouse purge --connection b --period 2026-10"] {
            assert!(said.contains(part), "{task:?} does not say {part}: {said}");
        }
        let (exit, none, said) = ask(task, &["--connection", "b"]);
        assert_eq!((exit, none.as_str()), (Some(10), ""), "{task:?}: {said}");
        assert!(said.contains("b/2026-10"), "{said}");
    }
    assert_eq!(place.ingest(&["--connection", "a"]).ended(), ("AlreadyLoaded".to_owned(), Some(0)));
    let refused = place.ingest(&["--connection", "b", "--period", "2026-10"]);
    let reason = refused.report().reason.as_deref();
    assert_eq!((refused.exit, reason), (Some(10), Some("LedgerUnreadable")), "{refused:?}");
    assert_eq!(ask(&["warehouse", "maintain"], &[]).0, Some(0));
    let (exit, said, _) = ask(&["warehouse", "purge", "--period", "2026-10"], &["--connection", "b"]);
    assert_eq!(exit, Some(0), "{said}");
    assert_eq!(place.ingest(&["--connection", "b"]).ended(), ("Loaded".to_owned(), Some(0)));
}
