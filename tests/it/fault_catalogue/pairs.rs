//! Two faults at once: both are reported, or the upper one is blocked by the layer of the lower.

use std::collections::{BTreeMap, BTreeSet};

use futures::{StreamExt, stream};

use super::{
    catalogue::{Catalogue, Row},
    dice::Dice,
    ground::Ground,
    row,
    share::Share,
};
use awscost::model::{ConditionType, Reason};

/// How many pairs.
const COUNT: usize = 200;
/// Pairs that one account goes through, one after the other.
const TURNS: usize = 10;

/// Two rows, and the healthy account that both can befall.
struct Pair<'a> {
    of: &'a str,
    rows: [&'a Row; 2],
}

/// `COUNT` pairs of faults of different layers that do not touch the same things.
fn pairs(catalogue: &Catalogue) -> Vec<Pair<'_>> {
    let mut dice = Dice::new(200);
    let mut taken = BTreeSet::new();
    let mut pairs = Vec::new();
    // What befalls the operator befalls every account, and pairs are shown beside each other.
    let rows: Vec<&Row> = catalogue.rows.iter().filter(|row| !row.befalls_the_operator()).collect();
    while pairs.len() < COUNT {
        let rows = [*dice.pick(&rows), *dice.pick(&rows)];
        let Some(of) = common(catalogue, rows) else { continue };
        let apart =
            !rows.iter().any(|row| row.expect.is_empty()) && in_different_layers(rows) && independent(rows);
        if apart && taken.insert(unordered(rows)) {
            pairs.push(Pair { of, rows });
        }
    }
    pairs
}

/// The same for A with B and for B with A.
fn unordered(rows: [&Row; 2]) -> [&str; 2] {
    let mut names = rows.map(|row| row.fault.as_str());
    names.sort_unstable();
    names
}

/// The account both can befall: one that is like a payer has everything a payer has.
fn common<'a>(catalogue: &'a Catalogue, rows: [&'a Row; 2]) -> Option<&'a str> {
    let special = |row: &Row| ["encrypted", "lakeside"].contains(&row.of.as_str());
    match rows {
        [one, other] if one.of == other.of => Some(&one.of),
        [one, other] if special(one) && other.of == "payer" => Some(&one.of),
        [one, other] if special(other) && one.of == "payer" => Some(&other.of),
        _ => None,
    }
    .filter(|of| catalogue.healthy.contains_key(*of))
    .map(String::as_str)
}

fn layers(row: &Row) -> BTreeSet<ConditionType> {
    row.expect.iter().map(|expected| expected.condition).collect()
}

fn in_different_layers(rows: [&Row; 2]) -> bool {
    layers(rows[0]).is_disjoint(&layers(rows[1]))
}

/// True unless one fault undoes or changes the other: they edit the same thing, or both decide who gets into the role.
fn independent(rows: [&Row; 2]) -> bool {
    let paths = |row: &Row| -> Vec<String> { row.changes.keys().map(|path| reach(path)).collect() };
    let within = |one: &str, other: &str| {
        one == other || one.strip_prefix(other).is_some_and(|rest| rest.starts_with('/'))
    };
    let overlap = paths(rows[0])
        .iter()
        .any(|one| paths(rows[1]).iter().any(|other| within(one, other) || within(other, one)));
    let entrance = |row: &Row| {
        let decides = |path: &String| path.starts_with("role/trust") || path.starts_with("secrets/$name-id");
        row.changes.keys().any(decides)
    };
    let both_enter = entrance(rows[0]) && entrance(rows[1]);
    // An account that is suspended takes the warehouse in it along.
    let suspends = rows.iter().any(|row| row.changes.contains_key("account/disabled"));
    let both_suspended = suspends && rows.iter().any(|row| row.of == "lakeside");
    // An execution that failed does not show where none may be listed.
    let hides =
        rows.iter().any(|row| row.expect.iter().any(|said| said.reason == Reason::ExecutionListDenied));
    let both_of_executions = hides && rows.iter().any(|row| row.changes.contains_key("export/Executions"));
    !(overlap || both_enter || both_suspended || both_of_executions)
}

/// What a change of this path decides: a permission for everything decides over all others.
fn reach(path: &str) -> String {
    let all = path == "role/may/everything";
    if all { "role/may".to_owned() } else { path.to_owned() }
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs an API server: AWSCOST_TEST_KUBECONFIG"]
async fn two_faults_at_once_are_both_seen() {
    let catalogue = Catalogue::read();
    let share = Share::asked();
    let pairs = share.of(pairs(&catalogue), |pair| unordered(pair.rows).join(" + "));
    let count = pairs.len();
    let mut by_account: BTreeMap<&str, Vec<[&Row; 2]>> = BTreeMap::new();
    for pair in pairs {
        by_account.entry(pair.of).or_default().push(pair.rows);
    }
    let turns: Vec<(&str, &[[&Row; 2]])> =
        by_account.iter().flat_map(|(of, pairs)| pairs.chunks(TURNS).map(|turns| (*of, turns))).collect();
    let ground = Ground::raise(&catalogue, "pairs", 1, turns.iter().map(|(of, _)| *of)).await;
    let missed: Vec<String> = stream::iter(turns.iter().zip(&ground.stages))
        .map(|((_, pairs), stage)| {
            let ground = &ground;
            async move {
                let mut missed = Vec::new();
                for rows in *pairs {
                    if let Err(problem) = row::show_pair(ground, *rows, stage).await {
                        missed.push(format!("{} + {}: {problem}", rows[0].fault, rows[1].fault));
                    }
                }
                missed
            }
        })
        .buffer_unordered(super::AT_ONCE)
        .collect::<Vec<_>>()
        .await
        .concat();
    println!("{} of {count} pairs both reported or correctly blocked ({share})", count - missed.len());
    ground.clear().await;
    assert!(missed.is_empty(), "{} of {count} pairs:\n{}", missed.len(), missed.join("\n"));
}
