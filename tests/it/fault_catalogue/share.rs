//! How many of the cases a run shows: all, or one in so many of them, the same ones every time.

use std::fmt;

use sha2::{Digest, Sha256};

/// One in so many.
#[derive(Debug, Clone, Copy)]
pub struct Share(u64);

impl Share {
    /// What `AWSCOST_TEST_SHARE` says: 3 for a third; all where it says nothing.
    pub fn asked() -> Self {
        let said = std::env::var("AWSCOST_TEST_SHARE").unwrap_or_else(|_| "1".to_owned());
        let one_in = said.parse().ok().filter(|number| *number > 0);
        Self(
            one_in.unwrap_or_else(|| {
                panic!("AWSCOST_TEST_SHARE={said}: 3 for a third of the cases, 1 for all")
            }),
        )
    }

    /// A case's name decides, so that a new one changes nothing for the others.
    fn has(self, name: &str) -> bool {
        let digest = Sha256::digest(name.as_bytes());
        let first: [u8; 8] = std::array::from_fn(|index| digest[index]);
        u64::from_be_bytes(first).is_multiple_of(self.0)
    }

    /// The cases in it. At least one: a run of none would pass, and prove nothing.
    pub fn of<T>(self, cases: Vec<T>, name: impl Fn(&T) -> String) -> Vec<T> {
        let mut kept = cases;
        kept.retain(|case| self.has(&name(case)));
        assert!(!kept.is_empty(), "no case is in this share: {self}");
        kept
    }
}

impl fmt::Display for Share {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            1 => write!(f, "all of them"),
            number => write!(
                f,
                "one in {number}: those whose name's SHA-256, its first 64 bits, {number} divides; make catalogue shows all"
            ),
        }
    }
}

#[test]
fn a_share_is_about_its_size_and_whole_without_one() {
    let cases: Vec<String> = (0..300).map(|number| format!("case {number}")).collect();
    assert_eq!(Share(1).of(cases.clone(), String::clone), cases);
    let third = Share(3).of(cases.clone(), String::clone);
    assert!((80..=120).contains(&third.len()), "a third of 300 cases is {}", third.len());
    let fewer: Vec<String> = cases.into_iter().skip(1).collect();
    assert!(
        Share(3).of(fewer, String::clone).iter().all(|case| third.contains(case)),
        "a case is in or out whatever others there are"
    );
}

#[test]
#[should_panic(expected = "no case is in this share")]
fn a_share_without_a_case_fails() {
    Share(u64::MAX).of(vec![1], i32::to_string);
}
