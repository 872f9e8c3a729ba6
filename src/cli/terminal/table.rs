//! A table for a terminal: columns of equal width, text to the left, numbers to the right, in 80 columns.

use crate::cli::terminal::harmless::make_harmless;

/// The width that tables keep to where the numbers leave room.
const WIDTH: usize = 80;
/// A name is never cut below this.
const NARROWEST: usize = 16;
const GAP: &str = "  ";

/// To which side a column goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::cli) enum Align {
    Left,
    Right,
}

/// The table's text. Cells of the first column are cut in their middle where a line would be too wide.
pub(in crate::cli) fn render_table(columns: &[(&str, Align)], rows: &[Vec<String>]) -> String {
    let titles: Vec<String> = columns.iter().map(|(title, _)| (*title).to_owned()).collect();
    let lines = || std::iter::once(&titles).chain(rows);
    let mut widths: Vec<usize> = (0..columns.len())
        .map(|column| lines().map(|line| line[column].chars().count()).max().unwrap_or(0))
        .collect();
    let total = widths.iter().sum::<usize>() + GAP.len() * columns.len().saturating_sub(1);
    if let Some(first) = widths.first_mut() {
        *first = (*first).min(first.saturating_sub(total.saturating_sub(WIDTH)).max(NARROWEST));
    }
    let mut text = String::new();
    for line in lines() {
        let cells: Vec<String> = line
            .iter()
            .zip(&widths)
            .zip(columns)
            .map(|((cell, &width), (_, align))| {
                let cell = cut_text(cell, width);
                match align {
                    Align::Left => format!("{cell:<width$}"),
                    Align::Right => format!("{cell:>width$}"),
                }
            })
            .collect();
        text.push_str(&make_harmless(cells.join(GAP).trim_end()));
        text.push('\n');
    }
    text
}

/// The text with its middle left out where it is too long: both ends of an id tell something.
fn cut_text(text: &str, width: usize) -> String {
    let length = text.chars().count();
    if length <= width {
        return text.to_owned();
    }
    let tail = width.saturating_sub(1) / 2;
    let head = width.saturating_sub(1) - tail;
    let start: String = text.chars().take(head).collect();
    let end: String = text.chars().skip(length - tail).collect();
    format!("{start}…{end}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_go_right_and_long_names_lose_their_middle() {
        let name = "arn:aws:ec2:eu-west-1:123456789012:instance/i-0123456789abcdef0/and/then/some/more/of/it";
        let rows = [vec!["short".to_owned(), "1.5".to_owned()], vec![name.to_owned(), "-1234.25".to_owned()]];
        let text = render_table(&[("NAME", Align::Left), ("COST", Align::Right)], &rows);
        let lines: Vec<&str> = text.lines().collect();
        assert!(lines.iter().all(|line| line.chars().count() <= WIDTH), "{text}");
        assert!(lines[1].ends_with("     1.5") && lines[2].ends_with("-1234.25"), "{text}");
        assert!(lines[2].contains('…') && lines[2].contains("of/it"), "{text}");
    }

    #[test]
    fn a_narrow_table_stays_narrow() {
        let rows = [vec!["a".to_owned(), "1".to_owned()]];
        assert_eq!(render_table(&[("N", Align::Left), ("COST", Align::Right)], &rows), "N  COST\na     1\n");
    }
}
