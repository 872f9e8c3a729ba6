//! Answers to stdout, and what went wrong to stderr.

use std::io::Write;

use super::harmless::make_harmless;

/// Prints to stdout. A reader that went away is no reason to fail what is done.
pub(in crate::cli) fn print_out(text: &str) {
    let mut stdout = std::io::stdout().lock();
    drop(stdout.write_all(text.as_bytes()).and_then(|()| stdout.flush()));
}

/// Tells of a fault or of nothing to print.
pub(in crate::cli) fn complain(text: &str) {
    let lines: Vec<String> = text.lines().map(make_harmless).collect();
    drop(writeln!(std::io::stderr(), "awscost: {}", lines.join("\n")));
}
