//! The process killed at ten points of its work, and run again; and what readers see meanwhile.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use awscost::ingest::crash_point::NAMES;
use awscost_sandbox::bill::BillSpec;

use super::ingest_place::{FIRST, Place, legacy_overwrite, same_totals, spec};

/// Small: this test loads eleven versions.
fn small(version: u32) -> BillSpec {
    let mut spec = BillSpec { rows: 400, ..spec() };
    spec.options.version = version;
    spec
}

#[tokio::test(flavor = "multi_thread")]
async fn a_killed_load_leaves_the_old_version_and_the_next_run_mends_it() {
    let place = Place::new();
    let mut old = place.deliver(&small(1), &legacy_overwrite(), FIRST);
    let first = place.ingest(&[]);
    assert_eq!(first.ended(), ("Loaded".to_owned(), Some(0)), "{first:?}");
    for (round, point) in NAMES.into_iter().enumerate() {
        let next = small(u32::try_from(round).expect("ten points") + 2);
        let new = place.deliver(&next, &legacy_overwrite(), &format!("2026-10-21T04:30:{round:02}Z"));

        let killed = place.ingest_with(&[], &[("AWSCOST_CRASH_AT", point)]);
        assert_eq!(killed.exit, None, "{point}: {killed:?}");
        // Killed after the commit, the new version is there; before, the old one, whole.
        place.holds(if point == "committed" { &new } else { &old }).await;

        let again = place.ingest(&[]);
        let outcome = if point == "committed" { "AlreadyLoaded" } else { "Loaded" };
        assert_eq!(again.ended(), (outcome.to_owned(), Some(0)), "{point}: {again:?}");
        same_totals(again.report(), &new);
        place.holds(&new).await;
        old = new;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn readers_meet_one_whole_version_at_every_moment_of_its_replacement() {
    let place = Arc::new(Place::new());
    place.deliver(&small(1), &legacy_overwrite(), FIRST);
    assert_eq!(place.ingest(&[]).ended(), ("Loaded".to_owned(), Some(0)));
    let replaced = Arc::new(AtomicBool::new(false));
    let reader = tokio::spawn({
        let (place, replaced) = (place.clone(), replaced.clone());
        async move {
            let mut versions = Vec::new();
            while !replaced.load(Ordering::Acquire) {
                let (ledger, sums) = place.contents().await;
                assert_eq!(ledger.len(), 1, "one ledger row");
                let row = &ledger[0];
                let told: Vec<_> = row
                    .totals
                    .iter()
                    .map(|(currency, totals)| (currency.clone(), totals.rows, totals.unblended))
                    .collect();
                assert_eq!(sums, told, "rows of {} as its ledger row tells", row.version.short());
                if versions.last() != Some(&row.version) {
                    versions.push(row.version.clone());
                }
            }
            versions
        }
    });
    for version in 2..=6 {
        place.deliver(&small(version), &legacy_overwrite(), &format!("2026-10-21T04:30:{version:02}Z"));
        let load = tokio::task::spawn_blocking({
            let place = place.clone();
            move || place.ingest(&[])
        });
        assert_eq!(load.await.expect("it runs").ended(), ("Loaded".to_owned(), Some(0)));
    }
    replaced.store(true, Ordering::Release);
    let versions = reader.await.expect("every reading was one whole version");
    assert!(versions.len() >= 2, "the reader met replacements: {versions:?}");
}
