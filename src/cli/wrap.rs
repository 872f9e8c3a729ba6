//! Text for people in 80 columns: wrapped at words, and within a word that is longer than a line.

use super::harmless::harmless;

/// The width that text keeps to.
pub(super) const WIDTH: usize = 80;

/// The text in lines of at most [`WIDTH`]: the first begins with `first`, the others with `rest`.
pub(super) fn wrap(text: &str, first: &str, rest: &str) -> String {
    let mut lines: Vec<String> = Vec::new();
    let mut line = first.to_owned();
    let mut empty = true;
    for word in text.split_whitespace() {
        let mut word: Vec<char> = word.chars().collect();
        if !empty && line.chars().count() + 1 + word.len() > WIDTH {
            lines.push(std::mem::replace(&mut line, rest.to_owned()));
            empty = true;
        }
        if !empty {
            line.push(' ');
        }
        loop {
            let room = WIDTH.saturating_sub(line.chars().count()).max(1);
            let tail = word.split_off(word.len().min(room));
            line.extend(word);
            empty = false;
            if tail.is_empty() {
                break;
            }
            lines.push(std::mem::replace(&mut line, rest.to_owned()));
            word = tail;
        }
    }
    lines.push(line);
    lines.iter().map(|line| format!("{}\n", harmless(line.trim_end()))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_and_even_long_ones_stay_in_the_width() {
        let arn = "a".repeat(200);
        let text = wrap(&format!("The role {arn} is gone, and nobody knows why."), "Fix: ", "     ");
        assert!(text.lines().all(|line| line.chars().count() <= WIDTH), "{text}");
        assert_eq!(text.matches('a').count(), 200 + 1, "nothing is lost:\n{text}");
        assert!(text.starts_with("Fix: The role\n"), "{text}");
    }

    #[test]
    fn short_text_is_one_line() {
        assert_eq!(wrap("one two", "- ", "  "), "- one two\n");
    }
}
