//! What `times` must do, case by case.

use super::*;

fn at(text: &str) -> Timestamp {
    text.parse().expect(text)
}

const NOW: &str = "2026-11-30T12:00:00Z";

#[test]
fn a_time_is_read_from_either_kind_of_name() {
    for (name, time) in [
        ("20261021T043010Z", Some("2026-10-21T04:30:10Z")),
        ("2026-10-21T04:30:10.826Z-0b5c", Some("2026-10-21T04:30:10.826Z")),
        ("ea74f90b-e82f-4d5e-9c53-0f1f4a1f5a55", None),
        ("", None),
    ] {
        assert_eq!(in_name(name), time.map(at), "{name}");
    }
}

#[test]
fn a_name_never_outranks_the_time_at_which_the_manifest_came() {
    for (named, put, ordered) in [
        (Some("2026-11-05T00:00:00Z"), Some("2026-11-05T00:20:00Z"), Some("2026-11-05T00:00:00Z")),
        // A copy has a later Last-Modified and is the same old version.
        (Some("2026-10-05T00:00:00Z"), Some("2026-11-20T00:00:00Z"), Some("2026-10-05T00:00:00Z")),
        (Some("2099-12-31T00:00:00Z"), Some("2026-11-05T00:20:00Z"), Some("2026-11-05T00:20:00Z")),
        (Some("2026-11-29T00:00:00Z"), Some("2026-11-05T00:20:00Z"), Some("2026-11-05T00:20:00Z")),
        (None, Some("2026-11-05T00:20:00Z"), Some("2026-11-05T00:20:00Z")),
        (Some("2026-11-05T00:00:00Z"), None, Some("2026-11-05T00:00:00Z")),
        (Some("2026-12-01T11:59:00Z"), None, Some("2026-12-01T11:59:00Z")),
        (Some("2026-12-01T12:01:00Z"), None, None),
        (Some("2099-12-31T00:00:00Z"), None, None),
        (None, None, None),
    ] {
        assert_eq!(order(named.map(at), put.map(at), at(NOW)), ordered.map(at), "{named:?} {put:?}");
    }
}

#[test]
fn a_torn_folder_shows_where_its_times_were_kept() {
    let manifest = "2026-11-05T00:40:00Z";
    let named = Some("2026-11-05T00:00:00Z");
    for (named, times, torn) in [
        (named, ["2026-11-05T00:20:00Z", "2026-11-05T00:30:00Z"], None),
        (named, ["2026-11-05T00:20:00Z", "2026-10-20T04:30:00Z"], Some("b has the time 2026-10-20")),
        (named, ["2026-11-04T22:00:00Z", "2026-11-05T00:30:00Z"], Some("a has the time 2026-11-04")),
        (None, ["2026-11-04T22:00:00Z", "2026-11-05T00:30:00Z"], None),
        (None, ["2026-11-04T12:00:00Z", "2026-11-05T00:30:00Z"], Some("a has the time 2026-11-04")),
        (
            named,
            ["2026-11-05T00:20:00Z", "2026-11-05T00:40:01Z"],
            Some("b has the time 2026-11-05T00:40:01Z"),
        ),
        // A plain copy's own times: nothing but their order is odd.
        (named, ["2026-11-30T11:00:00.25Z", "2026-11-30T11:00:01.5Z"], Some("b has the time")),
    ] {
        let files = [DatedFile { key: "a", at: at(times[0]) }, DatedFile { key: "b", at: at(times[1]) }];
        let said = super::torn(&files, at(manifest), named.map(at));
        assert_eq!(said.is_some(), torn.is_some(), "{times:?}: {said:?}");
        assert!(torn.is_none_or(|torn| said.is_some_and(|said| said.contains(torn))), "{times:?}");
    }
}

#[test]
fn a_plain_copy_is_not_called_torn() {
    let files = [
        DatedFile { key: "a", at: at("2026-11-30T11:00:00.25Z") },
        DatedFile { key: "b", at: at("2026-11-30T11:04:00.5Z") },
    ];
    assert_eq!(torn(&files, at("2026-11-30T11:00:01.75Z"), Some(at("2026-11-05T00:00:00Z"))), None);
    let backwards = [files[1], files[0]];
    assert_eq!(torn(&backwards, at("2026-11-30T11:00:00Z"), None), None, "one time is no whole second");
}
