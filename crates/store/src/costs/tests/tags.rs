//! Questions for a tag.

use super::*;

#[test]
fn a_key_with_a_prefix_is_read_both_ways() {
    let tagged = |tags| row(&[("resource_tags", tags)]);
    let bill = || {
        let rows =
            vec![tagged("user_user_id=u1;user_aws_account=x;user_owner=bob"), tagged("aws_created_by=c")];
        let keys = [("user:user_id", 0), ("user:aws_account", 0), ("user:Owner", 0), ("aws:createdBy", 0)];
        Bill::of("a", rows).keys(&keys)
    };
    for (asked, key, value) in [
        ("user_id", "user_user_id", "u1"),
        ("user:user_id", "user_user_id", "u1"),
        ("aws_account", "user_aws_account", "x"),
        ("Owner", "user_owner", "bob"),
        ("user_owner", "user_owner", "bob"),
        ("aws:createdBy", "aws_created_by", "c"),
    ] {
        let answer = ask_of(Metric::Unblended, &format!("tag:{asked}"), &[bill()]);
        let tag = answer.tag.as_ref().expect("a tag was asked for");
        assert!(tag.found && tag.also.is_empty() && tag.collisions.is_empty(), "{tag:?}");
        assert_eq!((tag.key.as_str(), answer.group_by.to_string()), (key, format!("tag:{key}")));
        assert_eq!(told(&answer.groups), ["/USD/-=1".to_owned(), format!("/USD/{value}=1")], "{asked}");
    }
}

#[test]
fn the_other_reading_is_told_where_rows_have_both() {
    let rows = vec![row(&[("resource_tags", "user_id=1;user_user_id=2")])];
    let answer = ask(Metric::Unblended, "tag:user_id", &[("a", rows)]);
    assert_eq!(told(&answer.groups), ["/USD/1=1"]);
    assert_eq!(answer.tag.map(|tag| tag.also), Some(vec!["user_user_id".to_owned()]));
}

#[test]
fn a_key_that_no_row_has_is_not_found_and_the_nearest_are_named() {
    let rows = vec![row(&[("resource_tags", "user_owner=bob"), ("tags", "accountTag/Ownership=x")])];
    let bill = Bill::of("a", rows).keys(&[("user:Owner", 0), ("aws:createdBy", 0)]);
    let answer = ask_of(Metric::Unblended, "tag:Onwer", &[bill]);
    assert_eq!(told(&answer.groups), ["/USD/-=1"]);
    let tag = answer.tag.expect("a tag was asked for");
    assert!(!tag.found);
    assert_eq!(tag.nearest, ["user:Owner", "accountTag/Ownership", "aws:createdBy"]);
}

#[test]
fn a_key_outside_ascii_is_known_by_its_spelling() {
    let rows = || vec![row(&[("resource_tags", "user=n")])];
    for (asked, original, found) in [
        ("名前", "user:名前", true),
        ("user:名前", "user:名前", true),
        ("user:名前", "user:部署", false),
        ("Größe", "user:名前", false),
    ] {
        let bill = Bill::of("a", rows()).keys(&[(original, 0)]);
        let answer = ask_of(Metric::Unblended, &format!("tag:{asked}"), &[bill]);
        let expected = if found { "/USD/n=1" } else { "/USD/-=1" };
        assert_eq!(told(&answer.groups), [expected], "{asked} of {original}");
        assert_eq!(answer.tag.map(|tag| tag.found), Some(found), "{asked} of {original}");
    }
}

#[test]
fn colliding_keys_are_listed_and_the_requested_spelling_wins() {
    let cost = |cost, tags| row(&[("line_item_unblended_cost", cost), ("resource_tags", tags)]);
    let bill = || {
        let rows = vec![
            cost("1.5", "user:client=alpha;user_client=beta"),
            cost("2.25", "user_client=alpha"),
            cost("4", "user_client=beta"),
        ];
        Bill::of("a", rows).keys(&[("user:Client", 1), ("user:client", 1)])
    };
    for (asked, expected) in
        [("client", ["/USD/beta=4", "/USD/alpha=3.75"]), ("Client", ["/USD/beta=5.5", "/USD/alpha=2.25"])]
    {
        let answer = ask_of(Metric::Unblended, &format!("tag:{asked}"), &[bill()]);
        assert_eq!(told(&answer.groups), expected, "{asked}");
        let met: Vec<_> = answer
            .tag
            .iter()
            .flat_map(|tag| &tag.collisions)
            .map(|of| format!("{} {} {} {}", of.connection, of.period, of.original, of.rows))
            .collect();
        assert_eq!(met, ["a 2026-10 user:Client 1", "a 2026-10 user:client 1"], "{asked}");
    }
}

#[test]
fn keys_that_share_a_name_on_no_row_mix_all_the_same() {
    let tagged = |value| vec![row(&[("resource_tags", value)])];
    let bills = |second| {
        let first = Bill::of("a", tagged("user_owner=bob")).keys(&[("user:Owner", 0)]);
        [first, Bill::of("a", tagged("user_owner=eve")).keys(&[(second, 0)]).period("2026-11")]
    };
    let met = |second| {
        let answer = ask_of(Metric::Unblended, "tag:owner", &bills(second));
        answer.tag.map(|tag| tag.collisions.len())
    };
    assert_eq!(met("user:owner"), Some(2), "another key in another month");
    assert_eq!(met("user_owner"), Some(0), "the name as CUR 2.0 has it may be the same key");
}

#[test]
fn tags_are_read_where_a_report_has_them_alone() {
    let tags = "resourceTag/Owner=bob;resourceTag/aws:createdBy=c;accountTag/Stage=prod;userAttribute/x=y";
    let bills = || {
        let only_tags = Bill::of("a", vec![row(&[("tags", tags)])]);
        let both = row(&[("tags", "resourceTag/Owner=bob"), ("resource_tags", "user_owner=bob")]);
        [only_tags, Bill::of("a", vec![both]).period("2026-11")]
    };
    for (asked, expected) in [
        ("Owner", &["/USD/bob=2"][..]),
        ("user:Owner", &["/USD/bob=2"]),
        ("resourceTag/Owner", &["/USD/bob=2"]),
        ("aws:createdBy", &["/USD/-=1", "/USD/c=1"]),
        ("accountTag/Stage", &["/USD/-=1", "/USD/prod=1"]),
    ] {
        let answer = ask_of(Metric::Unblended, &format!("tag:{asked}"), &bills());
        assert_eq!(told(&answer.groups), expected, "{asked}");
        let tag = answer.tag.expect("a tag was asked for");
        assert_eq!(tag.absent_from.len(), expected.len() - 1, "{asked}");
        assert!(tag.found && tag.collisions.is_empty(), "{tag:?}");
    }
    let two = row(&[("tags", "resourceTag/Owner=bob;resourceTag/owner=eve")]);
    let answer =
        ask(Metric::Unblended, "tag:owner", &[("a", vec![two, row(&[("tags", "resourceTag/Owner=bob")])])]);
    assert_eq!(told(&answer.groups), ["/USD/bob=1", "/USD/eve=1"]);
    let met = answer.tag.map(|tag| tag.collisions.iter().map(|of| of.rows).collect::<Vec<_>>());
    assert_eq!(met, Some(vec![1, 1]));
}
