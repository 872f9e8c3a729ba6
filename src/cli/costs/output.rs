//! How an answer is printed: a table with a footer, JSON, or CSV.

use super::super::{
    table::{self, Align},
    warehouse::minute,
};
use crate::costs::{Answer, Group, GroupBy};

/// The width that footers keep to.
const WIDTH: usize = 80;
/// Lines of loads and overlaps printed before the rest is only counted.
const MOST_LINES: usize = 12;

pub(super) fn json(answer: &Answer) -> String {
    format!("{}\n", serde_json::to_string_pretty(answer).expect("an answer of text and numbers"))
}

pub(super) fn csv(answer: &Answer) -> String {
    let mut text = format!("connection,currency,{},cost,rows\r\n", csv_cell(&answer.group_by.to_string()));
    for group in &answer.groups {
        let connection = group.connection.as_ref().map(ToString::to_string).unwrap_or_default();
        let name = csv_cell(group.name.as_deref().unwrap_or_default());
        text.push_str(&format!(
            "{connection},{},{name},{},{}\r\n",
            csv_cell(&group.currency),
            group.cost,
            group.rows
        ));
    }
    text
}

fn csv_cell(text: &str) -> String {
    if text.contains([',', '"', '\n', '\r']) {
        format!("\"{}\"", text.replace('"', "\"\""))
    } else {
        text.to_owned()
    }
}

pub(super) fn table(answer: &Answer) -> String {
    let apart = !answer.overlaps.is_empty();
    let title = title(&answer.group_by);
    let mut columns = vec![(title.as_str(), Align::Left)];
    if apart {
        columns.push(("CONNECTION", Align::Left));
    }
    columns.extend([("COST", Align::Right), ("", Align::Left), ("ROWS", Align::Right)]);
    let line = |group: &Group, name: &str| {
        let mut cells = vec![name.to_owned()];
        if apart {
            cells.push(group.connection.as_ref().map(ToString::to_string).unwrap_or_default());
        }
        let digits = fraction_digits(answer, &group.currency);
        cells.extend([
            padded(&group.cost.to_string(), digits),
            group.currency.clone(),
            group.rows.to_string(),
        ]);
        cells
    };
    let nameless = match &answer.group_by {
        GroupBy::Tag(_) => "(untagged)",
        _ => "(none)",
    };
    let mut rows: Vec<_> =
        answer.groups.iter().map(|group| line(group, group.name.as_deref().unwrap_or(nameless))).collect();
    rows.extend(answer.totals.iter().map(|total| line(total, "TOTAL")));
    let mut text = table::render(&columns, &rows);
    text.push('\n');
    for line in footer(answer) {
        text.push_str(&wrapped(&line));
    }
    text
}

fn title(group_by: &GroupBy) -> String {
    match group_by {
        GroupBy::Tag(key) => format!("TAG {key}"),
        other => other.to_string().to_uppercase().replace('-', " "),
    }
}

/// The most fractional digits of a currency's amounts, so that their points stand in one line.
fn fraction_digits(answer: &Answer, currency: &str) -> usize {
    let amounts = answer.groups.iter().chain(&answer.totals).filter(|group| group.currency == currency);
    amounts.map(|group| digits_after_point(&group.cost.to_string())).max().unwrap_or(0)
}

fn digits_after_point(amount: &str) -> usize {
    amount.split_once('.').map_or(0, |(_, fraction)| fraction.len())
}

fn padded(amount: &str, digits: usize) -> String {
    let missing = digits - digits_after_point(amount).min(digits);
    let point = if digits > 0 && !amount.contains('.') { "." } else { "" };
    format!("{amount}{point}{}", "0".repeat(missing))
}

/// What a reader has to know so that the sums mean what they seem to.
pub(super) fn warnings(answer: &Answer) -> Vec<String> {
    let mut lines = Vec::new();
    if !answer.overlaps.is_empty() {
        lines.push(
            "Connections overlap: they hold the same account's months, so nothing is added up across them. Ask for one with --connection."
                .to_owned(),
        );
        lines.extend(shortened(answer.overlaps.iter().map(|overlap| {
            let connections: Vec<_> = overlap.connections.iter().map(ToString::to_string).collect();
            format!("  account {} in {}: {}", overlap.account, overlap.period, connections.join(", "))
        })));
    }
    if answer.rows_without_cost > 0 {
        lines.push(format!(
            "{} rows have no {} cost and count as nothing here.",
            answer.rows_without_cost, answer.metric
        ));
    }
    lines
}

fn footer(answer: &Answer) -> Vec<String> {
    let included: Vec<_> = answer
        .included
        .iter()
        .map(|of| {
            let kind = match of.line_item_type.as_str() {
                "" => "rows of no type, negative",
                other => other,
            };
            format!("{kind} {} {} ({} rows)", of.cost, of.currency, of.rows)
        })
        .collect();
    let mut lines = vec![format!("Costs are {}, exact, and include every row.", answer.metric)];
    if !included.is_empty() {
        lines.push(format!(
            "Among them tax, credits, refunds and other negative amounts: {}.",
            included.join(", ")
        ));
    }
    lines.extend(warnings(answer));
    let version =
        answer.table_version.map(|version| format!(" at table version {version}")).unwrap_or_default();
    lines.push(format!("Read{version}:"));
    lines.extend(shortened(answer.loads.iter().map(|load| {
        format!(
            "  {} {} version {}, loaded {} UTC",
            load.connection,
            load.period,
            load.version.short(),
            minute(load.loaded_at)
        )
    })));
    lines
}

/// The first lines, and how many more there would be.
fn shortened(lines: impl ExactSizeIterator<Item = String>) -> Vec<String> {
    let more = lines.len().saturating_sub(MOST_LINES);
    let mut kept: Vec<_> = lines.take(MOST_LINES).collect();
    if more > 0 {
        kept.push(format!("  and {more} more (-o json has them all)"));
    }
    kept
}

/// The line, broken at spaces where it is too long.
fn wrapped(line: &str) -> String {
    let indent = if line.starts_with("  ") { "    " } else { "  " };
    let mut text = String::new();
    let mut width = 0;
    for (number, word) in line.split(' ').enumerate() {
        let length = word.chars().count();
        if number > 0 && width + 1 + length > WIDTH {
            text.push('\n');
            text.push_str(indent);
            width = indent.len();
        } else if number > 0 {
            text.push(' ');
            width += 1;
        }
        text.push_str(word);
        width += length;
    }
    text.push('\n');
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        costs::{Included, Loaded, Metric, Overlap},
        model::VersionIdentity,
    };

    fn group(connection: Option<&str>, name: Option<&str>, cost: &str, rows: u64) -> Group {
        Group {
            connection: connection.map(|key| key.parse().expect("a key")),
            currency: "USD".to_owned(),
            name: name.map(str::to_owned),
            cost: cost.parse().expect("an amount"),
            rows,
        }
    }

    fn answer() -> Answer {
        Answer {
            metric: Metric::Unblended,
            group_by: GroupBy::Service,
            groups: vec![
                group(None, Some("AmazonEC2"), "1234.5", 100),
                group(None, Some("Amazon \"S3\", etc"), "0.000000001", 20),
                group(None, None, "-3", 1),
            ],
            totals: vec![group(None, None, "1231.500000001", 121)],
            included: vec![Included {
                currency: "USD".to_owned(),
                line_item_type: "Credit".to_owned(),
                cost: "-3".parse().expect("an amount"),
                rows: 1,
            }],
            rows_without_cost: 0,
            overlaps: Vec::new(),
            table_version: Some(4),
            loads: vec![Loaded {
                connection: "123456789012".parse().expect("a key"),
                period: "2026-10".parse().expect("a period"),
                version: VersionIdentity("0123456789abcdef".to_owned()),
                loaded_at: "2026-11-22T15:00:00Z".parse().expect("a time"),
                rows: 121,
            }],
        }
    }

    #[test]
    fn points_stand_in_one_line_and_the_footer_says_what_is_in() {
        insta::assert_snapshot!(table(&answer()), @r#"
        SERVICE                     COST       ROWS
        AmazonEC2         1234.500000000  USD   100
        Amazon "S3", etc     0.000000001  USD    20
        (none)              -3.000000000  USD     1
        TOTAL             1231.500000001  USD   121

        Costs are unblended, exact, and include every row.
        Among them tax, credits, refunds and other negative amounts: Credit -3 USD (1
          rows).
        Read at table version 4:
          123456789012 2026-10 version 0123456789ab, loaded 2026-11-22 15:00 UTC
        "#);
    }

    #[test]
    fn overlapping_connections_are_printed() {
        let overlapping = Answer {
            groups: vec![group(Some("a"), Some("x"), "1", 1), group(Some("b"), Some("x"), "1", 1)],
            totals: vec![group(Some("a"), None, "1", 1), group(Some("b"), None, "1", 1)],
            overlaps: vec![Overlap {
                period: "2026-10".parse().expect("a period"),
                account: "111111111111".to_owned(),
                connections: vec!["a".parse().expect("a key"), "b".parse().expect("a key")],
            }],
            ..answer()
        };
        let text = table(&overlapping);
        assert!(text.contains("account 111111111111 in 2026-10: a, b"), "{text}");
        assert!(text.lines().all(|line| line.chars().count() <= WIDTH), "{text}");
    }

    #[test]
    fn csv_quotes_what_needs_it() {
        let text = csv(&answer());
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(lines[0], "connection,currency,service,cost,rows");
        assert_eq!(lines[2], ",USD,\"Amazon \"\"S3\"\", etc\",0.000000001,20");
        assert_eq!(lines[3], ",USD,,-3,1");
    }
}
