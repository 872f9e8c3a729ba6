//! ARCHITECTURE.md shows the reconcile of an account as it is written.

const PAGE: &str = include_str!("../../ARCHITECTURE.md");
const SOURCE: &str = include_str!("../../src/controller/account.rs");

/// The function that lists the stages, from its first line to its last.
fn stages() -> &'static str {
    let from = SOURCE.find("async fn run_stages(").expect("the function is there");
    let text = &SOURCE[from..];
    let end = text.find("\n}\n").expect("a function ends");
    &text[..end + 2]
}

#[test]
fn the_page_holds_the_text_of_the_function_that_lists_the_stages() {
    let block = format!("```rust\n{}\n```", stages());
    assert!(PAGE.contains(&block), "put this into ARCHITECTURE.md's walk-through of an account:\n{block}");
}

#[test]
fn one_reconcile_fits_one_screen_with_a_note_for_each_stage() {
    let stages = stages();
    assert!(stages.lines().count() <= 60, "{} lines", stages.lines().count());
    for stage in ["Observe", "Validate", "Admit", "Probe", "Check", "Decide", "Apply", "Status", "Patch"] {
        assert!(
            stages.lines().any(|line| line.trim().starts_with(&format!("// {stage}"))),
            "no note on {stage}"
        );
    }
}
