//! The fault catalogue: every way we know to get a connection wrong, broken on purpose, and the operator held to its
//! word: this condition, this reason, within five seconds of being asked, and health by itself once the fault is gone.
//!
//! `catalogue.yaml` is the catalogue, a row a fault. The operator is the built program in a process of its own, against a
//! real API server (`AWSCOST_TEST_KUBECONFIG`) and the AWS sandbox; fails without a cluster, and `cargo test` alone leaves
//! those tests out (`#[ignore]`).

// What is built here is a test's ground: when it can't be laid, the test has failed, and says so.
#![allow(clippy::panic)]

pub mod catalogue;
pub mod chart;
mod check;
pub mod cluster;
mod conditions;
mod dice;
mod doors;
mod fleet;
pub mod ground;
pub mod leaks;
mod mutations;
pub mod node;
pub mod operator;
mod pairs;
mod rest;
mod row;
pub mod scene;
mod score;
mod share;
mod unasked;
pub mod world;

use std::{collections::BTreeMap, time::Instant};

use futures::{StreamExt, stream};

use awscost::model::Reason;
use catalogue::{Catalogue, Row};
use ground::{Ground, Stage};
use share::Share;

/// Rows at work at once: enough to overlap their waits, few enough that two cores answer each within its time.
const AT_ONCE: usize = 6;

/// The rows of an operator's log that a failed run shows.
const LOG_LINES: usize = 40;

#[test]
fn the_catalogue_is_whole() {
    let catalogue = Catalogue::read();
    let problems = catalogue.problems();
    assert!(problems.is_empty(), "{}", problems.join("\n"));
}

#[test]
fn a_reason_that_no_row_shows_is_a_problem() {
    let mut catalogue = Catalogue::read();
    catalogue.rows.retain(|row| row.expect.iter().all(|expected| expected.reason != Reason::UnsafeStore));
    let problems = catalogue.problems();
    assert_eq!(problems, ["no row shows WarehouseReady UnsafeStore, and no exception says why"]);
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs an API server: AWSCOST_TEST_KUBECONFIG"]
async fn every_fault_is_named_exactly() {
    let catalogue = Catalogue::read();
    let rows = chosen(&catalogue, |row| !row.befalls_the_operator());
    let (score, wrong) = prove(&catalogue, "catalogue", 0, &rows, AT_ONCE).await;
    println!("{score}");
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs an API server: AWSCOST_TEST_KUBECONFIG"]
async fn every_fault_of_the_operator_itself_is_named_exactly() {
    let catalogue = Catalogue::read();
    let rows = chosen(&catalogue, Row::befalls_the_operator);
    let (score, wrong) = prove(&catalogue, "operator", 2, &rows, 1).await;
    println!("{score}");
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs an API server: AWSCOST_TEST_KUBECONFIG"]
async fn unasked_every_fault_at_aws_is_found_within_one_fact_age() {
    let catalogue = Catalogue::read();
    let share = Share::asked();
    let rows = share.of(chosen(&catalogue, row::is_silent), |row| row.fault.clone());
    let (score, missed) = unasked::prove(&catalogue, &rows).await;
    println!("{score}({share})");
    assert!(missed.is_empty(), "{}", missed.join("\n"));
}

/// The rows of one test, or those of them whose name has one of the parts that `AWSCOST_TEST_FAULT` gives: `this|that`.
fn chosen(catalogue: &Catalogue, of_test: impl Fn(&Row) -> bool) -> Vec<&Row> {
    named(catalogue, std::env::var("AWSCOST_TEST_FAULT").ok().as_deref(), of_test)
}

/// At least one: a run of none would pass, and prove nothing.
fn named<'a>(catalogue: &'a Catalogue, only: Option<&str>, of_test: impl Fn(&Row) -> bool) -> Vec<&'a Row> {
    let wanted = |row: &&Row| only.is_none_or(|only| only.split('|').any(|part| row.fault.contains(part)));
    let rows: Vec<&Row> = catalogue.rows.iter().filter(wanted).filter(|row| of_test(row)).collect();
    assert!(!rows.is_empty(), "this test has no row whose name has a part of AWSCOST_TEST_FAULT={only:?}");
    rows
}

#[test]
#[should_panic(expected = "this test has no row")]
fn a_run_without_a_row_fails() {
    named(&Catalogue::read(), Some("a fault that no row has"), |_| true);
}

/// Shows every row twice, some of them at once, and that nothing said on the way was a secret: the score, and what was wrong.
async fn prove(
    catalogue: &Catalogue,
    name: &str,
    set: u8,
    rows: &[&Row],
    at_once: usize,
) -> (String, Vec<String>) {
    let ground = Ground::raise(catalogue, name, set, rows.iter().map(|row| row.of.as_str())).await;
    let mut missed = unlike_a_check(&ground, rows).await;
    let started = Instant::now();
    let together = stream::iter(rows.iter().enumerate())
        .map(|(number, row)| {
            let ground = &ground;
            async move { (number, row::show(ground, row, number).await) }
        })
        .buffer_unordered(at_once)
        .collect::<Vec<_>>()
        .await;
    // The promise is the operator's: a row that was right and late beside others is measured once more, alone.
    let mut again = Vec::new();
    let mut timings = Vec::new();
    for (number, outcome) in together {
        let row = rows[number];
        let outcome = match outcome.map(row::Timing::kept) {
            Ok(Err(late)) => {
                again.push(format!("{}: {late}", row.fault));
                row::show(&ground, row, number).await.and_then(row::Timing::kept)
            }
            Ok(kept) => kept,
            Err(wrong) => Err(wrong),
        };
        match outcome {
            Ok(timing) => timings.push(timing),
            Err(problem) => missed.push(format!("{}: {problem}", row.fault)),
        }
    }
    let score = format!(
        "{} of {} faults named exactly, each twice, in {:.0} s; {} needed a second run; {}\n{}",
        timings.len(),
        rows.len(),
        started.elapsed().as_secs_f64(),
        again.len(),
        row::summary(&timings),
        again.join("\n")
    );
    if !missed.is_empty() {
        missed.push(ground.operator_log(LOG_LINES));
    }
    missed.extend(leaks::found(&leaks::secrets(&ground, rows), &leaks::said(&ground).await));
    ground.clear().await;
    (score, missed)
}

/// What a check says otherwise than the operator of each kind of account while nothing is wrong.
async fn unlike_a_check(ground: &Ground, rows: &[&Row]) -> Vec<String> {
    let kinds: BTreeMap<&str, &Stage> =
        rows.iter().zip(&ground.stages).map(|(row, stage)| (row.of.as_str(), stage)).collect();
    let mut differences = Vec::new();
    for (kind, stage) in kinds {
        if let Err(problem) = row::show_healthy(ground, stage).await {
            differences.push(format!("a healthy {kind}: {problem}"));
        }
    }
    differences
}
