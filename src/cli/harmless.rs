//! Text for a terminal without what would steer it: names and messages are written by others.

/// The text with U+FFFD for every control character: an escape sequence could hide lines or write where it likes.
pub(super) fn harmless(text: &str) -> String {
    text.chars().map(|char| if char.is_control() { char::REPLACEMENT_CHARACTER } else { char }).collect()
}

#[cfg(test)]
mod tests {
    use crate::cli::{
        table::{Align, render},
        wrap::wrap,
    };

    /// Escape, the one-character CSI of Unicode, bell, backspace.
    const HOSTILE: &str = "a\u{1b}[2J\u{9b}31m\u{7}\u{8}b";

    #[test]
    fn nothing_that_steers_a_terminal_gets_through() {
        let table = render(&[("NAME", Align::Left)], &[vec![format!("{HOSTILE}\nc")]]);
        for shown in [wrap(HOSTILE, HOSTILE, ""), table] {
            assert!(shown.contains("a\u{fffd}[2J"), "{shown:?}");
            assert!(shown.chars().all(|char| char == '\n' || !char.is_control()), "{shown:?}");
            assert!(shown.lines().count() <= 2, "{shown:?}");
        }
    }
}
