//! What `tags` must do, case by case.

use super::*;

/// Settles one row of raw keys; the entries, and the collisions counted.
fn settle(row: &[(&str, &str)]) -> (String, u64) {
    let mut book = KeyBook::default();
    let mut entries: Vec<_> = row.iter().map(|(key, value)| (book.id(key), *value)).collect();
    let mut settled = Vec::new();
    book.settle(&mut entries, |name, value| settled.push(format!("{name}={value}")));
    (settled.join(" "), book.collisions)
}

#[test]
fn keys_of_one_name() {
    for (name, row, expected, collisions) in [
        ("none", &[][..], "", 0),
        ("sorted by name", &[("user:b", "1"), ("aws:a", "2")], "aws_a=2 user_b=1", 0),
        ("equal values join", &[("user:Owner", "a"), ("user:owner", "a")], "user_owner=a", 0),
        (
            "the byte-smallest wins",
            &[("user:owner", "b"), ("user:Owner", "a")],
            "user:owner=b user_owner=a",
            1,
        ),
        (
            "three ways",
            &[("user:cost_center", "1"), ("user:CostCenter", "2"), ("user:cost-center", "3")],
            "user:cost-center=3 user:cost_center=1 user_cost_center=2",
            2,
        ),
        (
            "equal to the winner joins it",
            &[("user:cost_center", "2"), ("user:CostCenter", "2"), ("user:cost-center", "3")],
            "user:cost-center=3 user_cost_center=2",
            1,
        ),
        (
            "a key that is its own name keeps it",
            &[("user:Owner", "a"), ("user_owner", "b")],
            "user:Owner=a user_owner=b",
            1,
        ),
        ("no ASCII letter left", &[("名前", "a"), ("部署", "b")], "名前=a 部署=b", 0),
        ("non-Latin keys share a name", &[("user:名前", "a"), ("user:部署", "b")], "user=a user:部署=b", 1),
        ("one key twice, equal", &[("user:a", "1"), ("user:a", "1")], "user_a=1", 0),
        ("one key twice, as AWS merges tags", &[("user_a", "2"), ("user_a", "1")], "user_a=1 user_a#2=2", 1),
        (
            "one key thrice",
            &[("user:a", "3"), ("user:a", "1"), ("user:a", "2")],
            "user:a#2=2 user:a#3=3 user_a=1",
            2,
        ),
        (
            "one key twice beside its like",
            &[("user:A", "1"), ("user:a", "3"), ("user:a", "2")],
            "user:a=2 user:a#2=3 user_a=1",
            2,
        ),
        ("a key that looks so", &[("é", "1"), ("é", "2"), ("é#2", "3")], "2=3 é=1 é#3=2", 1),
    ] {
        assert_eq!(settle(row), (expected.to_owned(), collisions), "{name}");
    }
}

#[test]
fn only_used_keys_are_reported_and_files_add_up() {
    let mut book = KeyBook::default();
    let [upper, lower, _unused] = ["user:Owner", "user:owner", "user:never"].map(|key| book.id(key));
    for _ in 0..2 {
        book.settle(&mut [(upper, "a"), (lower, "b")], |_, _| {});
    }
    book.settle(&mut [(upper, "a")], |_, _| {});
    let keys = book.into_tag_keys();
    let mut both = keys.clone();
    both.absorb(&keys);
    let key = |original: &str, collisions| TagKey {
        original: original.to_owned(),
        folded: "user_owner".to_owned(),
        collisions,
    };
    assert_eq!(keys.list(), [key("user:Owner", 2), key("user:owner", 2)]);
    assert_eq!((keys.collisions(), both.collisions()), (2, 4));
    assert_eq!(both.list(), [key("user:Owner", 4), key("user:owner", 4)]);
}

#[test]
fn verbatim_keys_are_not_folded() {
    let mut book = KeyBook::default();
    let [left, right] = ["accountTag/Environment", "accountTag/environment"].map(|key| book.verbatim(key));
    let mut settled = Vec::new();
    book.settle(&mut [(right, "b"), (left, "a")], |name, value| settled.push(format!("{name}={value}")));
    assert_eq!(settled, ["accountTag/Environment=a", "accountTag/environment=b"]);
}
