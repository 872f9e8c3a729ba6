//! The cases themselves, each one behaviour.

use std::{
    collections::BTreeMap,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering as Atomic},
    },
    time::Duration,
};

use arrow::{
    array::{Array, AsArray, RecordBatch},
    datatypes::Decimal128Type,
};
use jiff::Timestamp;

use super::{Load, SuiteCase, SuiteSubject, seen, slot, tags_of};
use crate::{
    model::Amount,
    schema::{ColumnType, TableColumn},
    warehouse::{
        Committed, Selection, Slot, TagKey,
        ledger::{Decision, Ordering},
    },
};

const ACME: &str = "123456789012";

macro_rules! cases {
    ($($name:ident),* $(,)?) => {
        pub(super) const ALL: &[SuiteCase] = &[$((stringify!($name), |subject| Box::pin($name(subject)))),*];
    };
}

cases![
    an_empty_warehouse_reads_as_nothing,
    a_load_replaces_the_whole_slot,
    a_load_of_no_rows_empties_the_slot,
    other_slots_stay,
    the_same_version_again_changes_nothing,
    the_same_version_is_loaded_again_if_forced,
    an_older_version_is_refused_unless_forced,
    another_source_is_refused,
    another_owner_is_refused,
    readers_see_old_or_new,
    an_aborted_stage_leaves_nothing,
    a_killed_run_is_invisible_and_in_nobodys_way,
    staged_rows_read_back_by_source_file,
    maps_and_amounts_come_back_equal,
    twenty_connections_at_once_all_land,
    two_runs_of_one_slot_never_mix,
    purge_takes_one_connection,
    purge_takes_one_month,
    the_ledger_outlives_many_commits,
    tag_keys_are_taken_again_and_again,
    maintenance_takes_nothing_that_is_read,
    the_probe_leaves_no_trace,
];

fn refused(committed: &Committed) -> &Decision {
    let decision = match committed {
        Committed::Refused(decision) => Some(decision),
        Committed::Replaced { .. } => None,
    };
    decision.expect("a refusal")
}

async fn an_empty_warehouse_reads_as_nothing(subject: SuiteSubject) {
    seen(&*subject, ACME).await.is_exactly(&[]);
    subject.prepare().await.expect("tables are created");
    subject.prepare().await.expect("and are there the second time");
    seen(&*subject, ACME).await.is_exactly(&[]);
}

async fn a_load_replaces_the_whole_slot(subject: SuiteSubject) {
    subject.prepare().await.expect("prepared");
    let old = Load::of(ACME, "v1", &["1.5", "-0.25", "0.000000000000000001"]);
    let new = Load::of(ACME, "v2", &["2"]).day(2);
    assert!(matches!(old.run_on(&*subject).await, Committed::Replaced { .. }));
    seen(&*subject, ACME).await.is_exactly(&[&old]);
    assert!(matches!(new.run_on(&*subject).await, Committed::Replaced { .. }));
    seen(&*subject, ACME).await.is_exactly(&[&new]);
}

async fn a_load_of_no_rows_empties_the_slot(subject: SuiteSubject) {
    subject.prepare().await.expect("prepared");
    Load::of(ACME, "v1", &["1"]).run_on(&*subject).await;
    let empty = Load::of(ACME, "v2", &[]).day(2);
    empty.run_on(&*subject).await;
    seen(&*subject, ACME).await.is_exactly(&[&empty]);
}

async fn other_slots_stay(subject: SuiteSubject) {
    subject.prepare().await.expect("prepared");
    let september = Load::of(ACME, "v1", &["1"]).period("2026-09");
    let other = Load::of("other.account-1", "v2", &["3"]).owner("cluster/finops/other");
    let october = Load::of(ACME, "v3", &["2"]);
    for load in [&september, &other, &october] {
        load.run_on(&*subject).await;
    }
    let again = Load::of(ACME, "v4", &["4"]).day(2);
    again.run_on(&*subject).await;
    seen(&*subject, ACME).await.is_exactly(&[&september, &again]);
    seen(&*subject, "other.account-1").await.is_exactly(&[&other]);
    let selection = Selection { connection: None, periods: vec!["2026-09".parse().expect("a period")] };
    let mut visit = |of: &Slot, _: &RecordBatch| {
        assert_eq!(*of, slot(ACME, "2026-09"));
        Ok(())
    };
    let reading = subject.read(&selection, &["manifest_id"], &mut visit).await;
    assert_eq!(reading.expect("a reading").ledger, [september.row()]);
    assert_eq!(subject.ledger(None).await.expect("the ledger").len(), 3);
}

async fn the_same_version_again_changes_nothing(subject: SuiteSubject) {
    subject.prepare().await.expect("prepared");
    let load = Load::of(ACME, "v1", &["1"]);
    load.run_on(&*subject).await;
    let again = load.clone().run("another-run").run_on(&*subject).await;
    assert_eq!(*refused(&again), Decision::AlreadyLoaded);
    seen(&*subject, ACME).await.is_exactly(&[&load]);
}

async fn the_same_version_is_loaded_again_if_forced(subject: SuiteSubject) {
    subject.prepare().await.expect("prepared");
    Load::of(ACME, "v1", &["1", "2"]).run_on(&*subject).await;
    let again = Load::of(ACME, "v1", &["1", "2"]).run("forced");
    let answer = again.try_on(&*subject, Ordering::Forced).await.expect("a commit");
    assert!(matches!(answer, Committed::Replaced { .. }));
    seen(&*subject, ACME).await.is_exactly(&[&again]);
}

async fn an_older_version_is_refused_unless_forced(subject: SuiteSubject) {
    subject.prepare().await.expect("prepared");
    let new = Load::of(ACME, "v2", &["2"]).day(2);
    let old = Load::of(ACME, "v1", &["1"]).day(1);
    new.run_on(&*subject).await;
    let answer = old.run_on(&*subject).await;
    assert_eq!(*refused(&answer), Decision::OlderManifest { loaded: new.row().ordered_at });
    seen(&*subject, ACME).await.is_exactly(&[&new]);
    let forced = old.clone().run("forced");
    let answer = forced.try_on(&*subject, Ordering::Forced).await.expect("a commit");
    assert!(matches!(answer, Committed::Replaced { .. }));
    seen(&*subject, ACME).await.is_exactly(&[&forced]);
}

async fn another_source_is_refused(subject: SuiteSubject) {
    subject.prepare().await.expect("prepared");
    let additional = Load::of(ACME, "v1", &["1"]).report("history", 1);
    let named = Load::of(ACME, "v2", &["2"]);
    additional.run_on(&*subject).await;
    named.run_on(&*subject).await;
    let answer = additional.clone().run("again").day(9).run_on(&*subject).await;
    assert_eq!(*refused(&answer), Decision::OtherSourceOwnsPeriod { report: "acme".to_owned() });
    seen(&*subject, ACME).await.is_exactly(&[&named]);
}

async fn another_owner_is_refused(subject: SuiteSubject) {
    subject.prepare().await.expect("prepared");
    let mine = Load::of(ACME, "v1", &["1"]).period("2026-09");
    mine.run_on(&*subject).await;
    let theirs = Load::of(ACME, "v2", &["2"]).owner("cluster/evil/acme");
    let answer = theirs.run_on(&*subject).await;
    assert_eq!(*refused(&answer), Decision::DuplicateConnection { owner: "cluster/finops/acme".to_owned() });
    seen(&*subject, ACME).await.is_exactly(&[&mine]);
}

async fn readers_see_old_or_new(subject: SuiteSubject) {
    subject.prepare().await.expect("prepared");
    let versions: Vec<Load> = (1..=6)
        .map(|day| {
            let version = format!("v{day}");
            Load::of(ACME, &version, &["1", "2", "3", "4"]).day(day)
        })
        .collect();
    versions[0].run_on(&*subject).await;
    let done = Arc::new(AtomicBool::new(false));
    let readers: Vec<_> = (0..2)
        .map(|_| {
            let (subject, done, versions) = (Arc::clone(&subject), Arc::clone(&done), versions.clone());
            tokio::spawn(async move {
                let mut looks = 0;
                while !done.load(Atomic::Relaxed) || looks == 0 {
                    let seen = seen(&*subject, ACME).await;
                    let version = &seen.ledger.first().expect("never nothing").version.0;
                    let load = versions.iter().find(|load| load.version == *version);
                    seen.is_exactly(&[load.expect("a version that was loaded")]);
                    looks += 1;
                    tokio::task::yield_now().await;
                }
            })
        })
        .collect();
    for load in &versions[1..] {
        load.run_on(&*subject).await;
    }
    done.store(true, Atomic::Relaxed);
    for reader in readers {
        reader.await.expect("readers saw whole versions only");
    }
}

async fn an_aborted_stage_leaves_nothing(subject: SuiteSubject) {
    subject.prepare().await.expect("prepared");
    let loaded = Load::of(ACME, "v1", &["1"]);
    loaded.run_on(&*subject).await;
    let stage = Load::of(ACME, "v2", &["2"]).day(2).stage(&*subject).await;
    stage.abort().await.expect("the stage is thrown away");
    seen(&*subject, ACME).await.is_exactly(&[&loaded]);
}

async fn a_killed_run_is_invisible_and_in_nobodys_way(subject: SuiteSubject) {
    subject.prepare().await.expect("prepared");
    let load = Load::of(ACME, "v1", &["1", "2"]);
    drop(load.stage(&*subject).await);
    seen(&*subject, ACME).await.is_exactly(&[]);
    let again = load.clone().run("second-try");
    again.run_on(&*subject).await;
    seen(&*subject, ACME).await.is_exactly(&[&again]);
}

async fn staged_rows_read_back_by_source_file(subject: SuiteSubject) {
    subject.prepare().await.expect("prepared");
    let stage = Load::of(ACME, "v1", &["1", "20", "3", "40"]).stage(&*subject).await;
    let mut sums: BTreeMap<usize, (usize, i128)> = BTreeMap::new();
    let mut visit = |source_file: usize, batch: &RecordBatch| {
        assert_eq!(batch.num_columns(), 1);
        let costs = batch.column(0).as_primitive::<Decimal128Type>();
        let sum = sums.entry(source_file).or_default();
        sum.0 += costs.len();
        sum.1 += costs.iter().flatten().sum::<i128>();
        Ok(())
    };
    let read = stage.read_back(&[subject.table().bill.unblended], &mut visit).await;
    read.expect("what was staged reads back");
    let units = |text: &str| text.parse::<Amount>().expect("an amount").units();
    assert_eq!(sums, [(0, (2, units("4"))), (1, (2, units("60")))].into());
    stage.abort().await.expect("aborted");
}

async fn maps_and_amounts_come_back_equal(subject: SuiteSubject) {
    subject.prepare().await.expect("prepared");
    let most = "-99999999999999999999.999999999999999999";
    Load::of(ACME, "v1", &[most]).run_on(&*subject).await;
    let mut found = Vec::new();
    let table = subject.table();
    // The last text column of a table that a load of these cases leaves NULL.
    let filled = ["manifest_id", table.bill.currency.name];
    let is_left = |column: &&TableColumn| column.kind == ColumnType::Text && !filled.contains(&column.name);
    let left = table.columns.iter().rfind(is_left).expect("a text column").name;
    let columns = [table.bill.unblended, tags_of(table), left];
    let mut visit = |_: &Slot, batch: &RecordBatch| {
        if batch.num_rows() == 0 {
            return Ok(());
        }
        let column = |name| batch.column_by_name(name).expect("asked for");
        let cost = column(columns[0]).as_primitive::<Decimal128Type>().value(0);
        let tags = column(columns[1]).as_map().value(0);
        let texts = |at: usize| -> Vec<String> {
            tags.column(at).as_string::<i32>().iter().flatten().map(str::to_owned).collect()
        };
        found.push((Amount::from_units(cost).to_string(), texts(0), texts(1), column(columns[2]).is_null(0)));
        Ok(())
    };
    subject.read(&Selection::default(), &columns, &mut visit).await.expect("a reading");
    let texts = |texts: [&str; 2]| texts.map(str::to_owned).to_vec();
    let expected = (most.to_owned(), texts(["user_owner", "user_team"]), texts(["alice", "ü"]), true);
    assert_eq!(found, [expected]);
}

async fn twenty_connections_at_once_all_land(subject: SuiteSubject) {
    subject.prepare().await.expect("prepared");
    let loads: Vec<(String, Load)> = (0..20)
        .map(|number| {
            let connection = format!("1111111111{number:02}");
            let load = Load::of(&connection, &format!("v{number}"), &["1", "0.5"]);
            (connection, load)
        })
        .collect();
    let running: Vec<_> = loads
        .iter()
        .map(|(_, load)| {
            let (subject, load) = (Arc::clone(&subject), load.clone());
            tokio::spawn(async move { load.run_on(&*subject).await })
        })
        .collect();
    for run in running {
        assert!(matches!(run.await.expect("it ends"), Committed::Replaced { .. }));
    }
    for (connection, load) in &loads {
        seen(&*subject, connection).await.is_exactly(&[load]);
    }
    assert_eq!(subject.ledger(None).await.expect("the ledger").len(), 20);
}

async fn two_runs_of_one_slot_never_mix(subject: SuiteSubject) {
    subject.prepare().await.expect("prepared");
    let load = Load::of(ACME, "v1", &["1", "2", "3"]);
    let runs = ["first", "second"].map(|run| {
        let (subject, load) = (Arc::clone(&subject), load.clone().run(run));
        tokio::spawn(async move { (load.run_on(&*subject).await, load) })
    });
    let mut landed = Vec::new();
    for run in runs {
        match run.await.expect("it ends") {
            (Committed::Replaced { .. }, load) => landed.push(load),
            (Committed::Refused(decision), _) => assert_eq!(decision, Decision::AlreadyLoaded),
        }
    }
    assert_eq!(landed.len(), 1, "one run wins");
    seen(&*subject, ACME).await.is_exactly(&[&landed[0]]);
}

async fn purge_takes_one_connection(subject: SuiteSubject) {
    subject.prepare().await.expect("prepared");
    let other = Load::of("other", "v1", &["7"]);
    other.run_on(&*subject).await;
    Load::of(ACME, "v2", &["1"]).run_on(&*subject).await;
    Load::of(ACME, "v3", &["2"]).period("2026-11").run_on(&*subject).await;
    let acme = ACME.parse().expect("a key");
    let now = Timestamp::now();
    // Another owner's purge leaves it alone.
    assert_eq!(
        subject.purge(&acme, &[], Some("cluster/other/acme"), now).await.expect("nothing is theirs"),
        0
    );
    assert_eq!(subject.ledger(Some(&acme)).await.expect("a ledger").len(), 2);
    let owner = subject.ledger(Some(&acme)).await.expect("a ledger")[0].owner.clone();
    assert_eq!(subject.purge(&acme, &[], Some(&owner), now).await.expect("purged"), 2);
    seen(&*subject, ACME).await.is_exactly(&[]);
    seen(&*subject, "other").await.is_exactly(&[&other]);
    assert_eq!(subject.purge(&acme, &[], None, now).await.expect("nothing is left"), 0);
    // The key is free again: another owner takes it.
    let taken = Load::of(ACME, "v4", &["3"]).owner("cluster/other/acme");
    taken.run_on(&*subject).await;
    seen(&*subject, ACME).await.is_exactly(&[&taken]);
}

async fn purge_takes_one_month(subject: SuiteSubject) {
    subject.prepare().await.expect("prepared");
    let [july, august, september] =
        ["2026-07", "2026-08", "2026-09"].map(|period| Load::of(ACME, period, &["1", "2"]).period(period));
    let other = Load::of("other", "v1", &["7"]).period("2026-08");
    for load in [&july, &august, &september, &other] {
        load.run_on(&*subject).await;
    }
    let acme = ACME.parse().expect("a key");
    let months =
        |texts: &[&str]| -> Vec<_> { texts.iter().map(|text| text.parse().expect("a month")).collect() };
    let now = Timestamp::now();
    let august_only = months(&["2026-08"]);
    // Another owner's purge leaves it alone.
    assert_eq!(subject.purge(&acme, &august_only, Some("cli"), now).await.expect("not theirs"), 0);
    assert_eq!(subject.purge(&acme, &august_only, None, now).await.expect("purged"), 1);
    seen(&*subject, ACME).await.is_exactly(&[&july, &september]);
    seen(&*subject, "other").await.is_exactly(&[&other]);
    assert_eq!(subject.purge(&acme, &august_only, None, now).await.expect("it is gone already"), 0);
    // The month can be loaded again.
    august.run_on(&*subject).await;
    seen(&*subject, ACME).await.is_exactly(&[&july, &august, &september]);
    assert_eq!(subject.purge(&acme, &months(&["2026-07", "2026-09"]), None, now).await.expect("purged"), 2);
    seen(&*subject, ACME).await.is_exactly(&[&august]);
}

async fn the_ledger_outlives_many_commits(subject: SuiteSubject) {
    subject.prepare().await.expect("prepared");
    let other = Load::of("other", "v0", &["7"]).owner("cli");
    other.run_on(&*subject).await;
    let mut last = None;
    for day in 1..=23 {
        let load = Load::of(ACME, &format!("v{day}"), &["1"]).day(day);
        load.run_on(&*subject).await;
        last = Some(load);
    }
    seen(&*subject, ACME).await.is_exactly(&[&last.expect("loads")]);
    seen(&*subject, "other").await.is_exactly(&[&other]);
}

async fn tag_keys_are_taken_again_and_again(subject: SuiteSubject) {
    subject.prepare().await.expect("prepared");
    let key = |original: &str| TagKey {
        original: original.to_owned(),
        folded: "user_owner".to_owned(),
        collisions: 3,
    };
    assert_eq!(subject.keys_of(&[]).await.expect("no load, no keys"), []);
    for (version, day) in [("v1", 1), ("v2", 2)] {
        let load = Load::of(ACME, version, &["1"]).day(day);
        let stage = load.stage(&*subject).await;
        stage.tag_keys(&[key("user:Owner"), key("user:owner")]).await.expect("keys are taken");
        let answer = stage.commit(load.row(), Ordering::Enforced).await.expect("a commit");
        assert!(matches!(answer, Committed::Replaced { .. }));
        seen(&*subject, ACME).await.is_exactly(&[&load]);
        let keys = vec![key("user:Owner"), key("user:owner")];
        let found = subject.keys_of(&[load.row()]).await.expect("the keys");
        assert_eq!(found, [(slot(ACME, "2026-10"), keys)]);
    }
    let never = Load::of(ACME, "v3", &["1"]).row();
    assert_eq!(subject.keys_of(&[never]).await.expect("a version that is not there has none"), []);
}

async fn maintenance_takes_nothing_that_is_read(subject: SuiteSubject) {
    subject.prepare().await.expect("prepared");
    Load::of(ACME, "v1", &["1"]).run_on(&*subject).await;
    let loaded = Load::of(ACME, "v2", &["2"]).day(2);
    loaded.run_on(&*subject).await;
    drop(Load::of(ACME, "v3", &["3"]).day(3).stage(&*subject).await);
    let in_a_year = Timestamp::now().checked_add(jiff::SignedDuration::from_hours(24 * 365)).expect("a time");
    for now in [Timestamp::now(), in_a_year] {
        subject.maintain(now, Duration::from_secs(7 * 24 * 3600)).await.expect("maintained");
        seen(&*subject, ACME).await.is_exactly(&[&loaded]);
    }
    Load::of(ACME, "v4", &["4"]).day(4).run_on(&*subject).await;
}

async fn the_probe_leaves_no_trace(subject: SuiteSubject) {
    subject.probe().await.expect("the probe works before there are tables");
    subject.prepare().await.expect("prepared");
    let load = Load::of(ACME, "v1", &["1"]);
    load.run_on(&*subject).await;
    subject.probe().await.expect("and beside them");
    seen(&*subject, ACME).await.is_exactly(&[&load]);
    assert_eq!(subject.ledger(None).await.expect("the ledger"), [load.row()]);
}
