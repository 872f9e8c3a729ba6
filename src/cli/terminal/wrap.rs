//! Text for people in 80 columns, wrapped between words. A word is never broken, so that an ARN or a policy survives copy
//! and paste: one that is longer than a line stands on a line of its own.

use crate::cli::terminal::harmless::make_harmless;

/// The width that text keeps to.
pub(in crate::cli) const WIDTH: usize = 80;

/// The text in lines of at most [`WIDTH`], but for longer words: the first begins with `first`, the others with `rest`.
pub(in crate::cli) fn wrap_text(text: &str, first: &str, rest: &str) -> String {
    let mut lines: Vec<String> = Vec::new();
    let mut line = first.to_owned();
    // A word that does not fit behind the beginning of the first line goes to the next, where it may.
    let mut may_break = !first.trim().is_empty();
    let mut empty = true;
    for word in text.split_whitespace() {
        let width = line.chars().count() + usize::from(!empty) + word.chars().count();
        if may_break && width > WIDTH {
            lines.push(std::mem::replace(&mut line, rest.to_owned()));
            empty = true;
        }
        if !empty {
            line.push(' ');
        }
        line.push_str(word);
        (empty, may_break) = (false, true);
    }
    lines.push(line);
    lines.iter().map(|line| format!("{}\n", make_harmless(line.trim_end()))).collect()
}

/// True if no line that could be broken between two words is longer than [`WIDTH`].
#[cfg(test)]
pub(in crate::cli) fn fits(text: &str) -> bool {
    text.lines().all(|line| line.chars().count() <= WIDTH || line.split_whitespace().nth(1).is_none())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_is_never_broken() {
        let policy = format!("{{\"AWS\":\"arn:aws:iam::123456789012:role/{}\"}}", "a".repeat(200));
        let arn = format!("arn:aws:iam::123456789012:role/{}", "b".repeat(40));
        let text = wrap_text(
            &format!("The role {arn} is gone: {policy} works, nobody knows why."),
            "Fix: ",
            "     ",
        );
        assert!(fits(&text), "{text}");
        let lines: Vec<&str> = text.lines().map(str::trim).collect();
        assert!(lines.contains(&policy.as_str()), "a longer one has a line of its own:\n{text}");
        assert!(text.contains(&arn), "one that fits a line is whole:\n{text}");
    }

    #[test]
    fn a_word_that_does_not_fit_behind_the_beginning_goes_to_the_next_line() {
        let long = "x".repeat(70);
        assert_eq!(wrap_text(&long, "a long beginning: ", "  "), format!("a long beginning:\n  {long}\n"));
        assert_eq!(
            wrap_text(&long, "            ", "  "),
            format!("            {long}\n"),
            "no line is empty"
        );
    }

    #[test]
    fn short_text_is_one_line() {
        assert_eq!(wrap_text("one two", "- ", "  "), "- one two\n");
    }
}
