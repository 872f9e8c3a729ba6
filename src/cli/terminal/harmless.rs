//! Text for a terminal without what would steer it: names and messages are written by others.

use crate::api::conditions::steers_terminal;

/// The text with U+FFFD for every character that steers: an escape sequence could hide lines or write where it likes, and
/// a mark of direction could show a name backwards.
pub(in crate::cli) fn make_harmless(text: &str) -> String {
    text.chars().map(|char| if steers_terminal(char) { char::REPLACEMENT_CHARACTER } else { char }).collect()
}

#[cfg(test)]
mod tests {
    use crate::cli::terminal::{
        table::{Align, render_table},
        wrap::wrap_text,
    };

    /// Escape, the one-character CSI of Unicode, bell, backspace; then an override, an isolate and two marks of direction.
    const HOSTILE: &str = "a\u{1b}[2J\u{9b}31m\u{7}\u{8}b\u{202e}c\u{2066}d\u{200e}\u{200f}e";

    #[test]
    fn nothing_that_steers_a_terminal_gets_through() {
        let table = render_table(&[("NAME", Align::Left)], &[vec![format!("{HOSTILE}\nc")]]);
        for shown in [wrap_text(HOSTILE, HOSTILE, ""), table] {
            assert!(shown.contains("a\u{fffd}[2J"), "{shown:?}");
            assert!(shown.chars().all(|char| char == '\n' || !char.is_control()), "{shown:?}");
            assert!(shown.contains("b\u{fffd}c\u{fffd}d\u{fffd}\u{fffd}e"), "{shown:?}");
            assert!(shown.lines().count() <= 2, "{shown:?}");
        }
    }
}
