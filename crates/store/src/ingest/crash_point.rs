//! Places where a test may kill the process. Builds without debug assertions have none.

/// Every place, in the order in which a load passes them.
pub const NAMES: [&str; 10] = [
    "manifest-read",
    "ledger-read",
    "stage-begun",
    "batch-written",
    "part-finished",
    "parts-finished",
    "tag-keys-written",
    "totals-verified",
    "manifest-confirmed",
    "committed",
];

/// Aborts the process if `AWSCOST_CRASH_AT` names this place.
#[cfg(debug_assertions)]
pub fn reach(name: &str) {
    debug_assert!(NAMES.contains(&name), "{name} is not listed");
    if std::env::var_os("AWSCOST_CRASH_AT").is_some_and(|wanted| wanted == name) {
        std::process::abort();
    }
}

/// Nothing: only builds with debug assertions can be killed here.
#[cfg(not(debug_assertions))]
pub fn reach(_name: &str) {}
