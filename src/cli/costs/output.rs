//! How an answer is printed: a table with a footer, JSON, or CSV.

mod tag;

use crate::{
    cli::terminal::{
        age::to_minute,
        table::{self, Align},
    },
    costs::{Answer, CostGroup, GroupBy, Metric},
};

/// The width that footers keep to.
const WIDTH: usize = 80;
/// Lines of loads and overlaps printed before the rest is only counted.
const MOST_LINES: usize = 12;

pub(super) fn render_json(answer: &Answer) -> String {
    format!("{}\n", serde_json::to_string_pretty(answer).expect("an answer of text and numbers"))
}

pub(super) fn render_csv(answer: &Answer) -> String {
    let mut text = format!("connection,currency,{},cost,rows\r\n", csv_cell(&answer.group_by.to_string()));
    for group in &answer.groups {
        let connection = group.connection.as_ref().map(ToString::to_string).unwrap_or_default();
        let name = csv_cell(group.name.as_deref().unwrap_or_default());
        let cost = group.cost.map(|cost| cost.to_string()).unwrap_or_default();
        let currency = csv_cell(&group.currency);
        text.push_str(&format!("{connection},{currency},{name},{cost},{}\r\n", group.rows));
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

pub(super) fn render_table(answer: &Answer) -> String {
    let apart = !answer.overlaps.is_empty();
    let title = group_title(&answer.group_by);
    let mut columns = vec![(title.as_str(), Align::Left)];
    if apart {
        columns.push(("CONNECTION", Align::Left));
    }
    columns.extend([("COST", Align::Right), ("", Align::Left), ("ROWS", Align::Right)]);
    let some_lack = !answer.rows_without_cost.is_empty();
    if some_lack {
        columns.push(("WITHOUT COST", Align::Right));
    }
    let line = |group: &CostGroup, name: &str| {
        let mut cells = vec![name.to_owned()];
        if apart {
            cells.push(group.connection.as_ref().map(ToString::to_string).unwrap_or_default());
        }
        let digits = fraction_digits(answer, &group.currency);
        cells.extend([
            group.cost.map_or_else(|| "-".to_owned(), |cost| pad_amount(&cost.to_string(), digits)),
            group.currency.clone(),
            group.rows.to_string(),
        ]);
        if some_lack {
            cells.push(group.rows_without_cost.to_string());
        }
        cells
    };
    let nameless = match &answer.group_by {
        GroupBy::Tag(_) => "(untagged)",
        _ => "(none)",
    };
    let mut rows: Vec<_> =
        answer.groups.iter().map(|group| line(group, group.name.as_deref().unwrap_or(nameless))).collect();
    rows.extend(answer.totals.iter().map(|total| line(total, "TOTAL")));
    let mut text = table::render_table(&columns, &rows);
    text.push('\n');
    for line in footer_lines(answer) {
        text.push_str(&wrap_line(&line));
    }
    text
}

fn group_title(group_by: &GroupBy) -> String {
    match group_by {
        GroupBy::Tag(asked) => format!("TAG {}", asked.key()),
        other => other.to_string().to_uppercase().replace('-', " "),
    }
}

/// The most fractional digits of a currency's amounts, so that their points stand in one line.
fn fraction_digits(answer: &Answer, currency: &str) -> usize {
    let amounts = answer.groups.iter().chain(&answer.totals).filter(|group| group.currency == currency);
    let costs = amounts.filter_map(|group| group.cost);
    costs.map(|cost| digits_after_point(&cost.to_string())).max().unwrap_or(0)
}

fn digits_after_point(amount: &str) -> usize {
    amount.split_once('.').map_or(0, |(_, fraction)| fraction.len())
}

fn pad_amount(amount: &str, digits: usize) -> String {
    let missing = digits - digits_after_point(amount).min(digits);
    let point = if digits > 0 && !amount.contains('.') { "." } else { "" };
    format!("{amount}{point}{}", "0".repeat(missing))
}

/// What a reader has to know so that the sums mean what they seem to.
pub(super) fn list_warnings(answer: &Answer) -> Vec<String> {
    let mut lines = Vec::new();
    if !answer.overlaps.is_empty() {
        lines.push(
            "Connections overlap: they have the same account's months, so nothing is added up across them. Select one with --connection."
                .to_owned(),
        );
        lines.extend(shorten_list(answer.overlaps.iter().map(|overlap| {
            let connections: Vec<_> = overlap.connections.iter().map(ToString::to_string).collect();
            format!("  account {} in {}: {}", overlap.account, overlap.period, connections.join(", "))
        })));
    }
    if !answer.not_loaded.is_empty() {
        let periods: Vec<_> = answer.not_loaded.iter().map(ToString::to_string).collect();
        lines.push(format!("Not loaded, so not in these sums: {}.", periods.join(", ")));
    }
    lines.extend(without_cost(answer));
    lines.extend(rounding_notes(answer));
    lines.extend(answer.tag.iter().flat_map(tag::tag_lines));
    lines
}

/// Rows that have no such cost, and what to do about it.
fn without_cost(answer: &Answer) -> Vec<String> {
    if answer.rows_without_cost.is_empty() {
        return Vec::new();
    }
    let remedy = match answer.metric {
        Metric::Net => {
            "AWS adds this column if an account has discounts; an export with chosen columns has to include it."
        }
        Metric::Unblended | Metric::Amortized => {
            "To get a missing column, add it to the report's definition."
        }
    };
    let metric = answer.metric;
    let mut lines = vec![format!("Some rows have no {metric} cost and count as zero here. {remedy}")];
    lines.extend(shorten_list(answer.rows_without_cost.iter().map(|of| {
        let columns = of.columns.join(", ");
        format!("  {} {}: {} rows lack {columns}", of.connection, of.period, of.rows)
    })));
    lines
}

/// What was rounded when it was loaded.
fn rounding_notes(answer: &Answer) -> Vec<String> {
    if answer.rounded.is_empty() {
        return Vec::new();
    }
    let mut lines = vec!["Values with more than 18 decimals were rounded when they were loaded:".to_owned()];
    lines.extend(shorten_list(answer.rounded.iter().map(|of| {
        let (connection, period, column) = (&of.connection, of.period, &of.column);
        let (values, effect) = (of.values, &of.effect);
        format!("  {connection} {period}: {values} of {column}, which changes its sum by {effect}")
    })));
    lines
}

fn footer_lines(answer: &Answer) -> Vec<String> {
    let included: Vec<_> = answer
        .included
        .iter()
        .map(|of| {
            let kind = match of.line_item_type.as_str() {
                "" => "negative rows without a type",
                other => other,
            };
            let whose = of.connection.as_ref().map(|key| format!(" of {key}")).unwrap_or_default();
            format!("{kind}{whose} {} {} ({} rows)", of.cost, of.currency, of.rows)
        })
        .collect();
    let mut lines = vec![proof_sentence(answer)];
    if !included.is_empty() {
        lines.push(format!(
            "They include tax, credits, refunds and other negative amounts: {}.",
            included.join(", ")
        ));
    }
    lines.extend(list_warnings(answer));
    let version =
        answer.table_version.map(|version| format!(" at table version {version}")).unwrap_or_default();
    lines.push(format!("Read{version}:"));
    lines.extend(shorten_list(answer.loads.iter().map(|load| {
        format!(
            "  {} {} version {}, loaded {} UTC",
            load.connection,
            load.period,
            load.version.short(),
            to_minute(load.loaded_at)
        )
    })));
    lines
}

/// What the sums are: exact and of every row, or what keeps them from it.
fn proof_sentence(answer: &Answer) -> String {
    let metric = answer.metric;
    match (answer.rounded.is_empty(), answer.rows_without_cost.is_empty()) {
        (true, true) => format!("Costs are {metric}, exact, and include every row."),
        (false, true) => {
            format!("Costs are {metric} and include every row; some values were rounded, see below.")
        }
        (true, false) => format!("Costs are {metric} but incomplete: some rows have none, see below."),
        (false, false) => {
            format!(
                "Costs are {metric} but incomplete: some rows have none, and some values were rounded, see below."
            )
        }
    }
}

/// The first lines, and how many more there would be.
fn shorten_list(lines: impl ExactSizeIterator<Item = String>) -> Vec<String> {
    let more = lines.len().saturating_sub(MOST_LINES);
    let mut kept: Vec<_> = lines.take(MOST_LINES).collect();
    if more > 0 {
        kept.push(format!("  and {more} more (-o json has them all)"));
    }
    kept
}

/// The line, broken at spaces where it is too long.
fn wrap_line(line: &str) -> String {
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
        costs::{Included, LoadedMonth, Metric, Overlap, RoundedValues, Spelling, TagAnswer, WithoutCost},
        model::{BillingPeriod, ConnectionKey, VersionIdentity},
        warehouse::Slot,
    };

    fn group(connection: Option<&str>, name: Option<&str>, cost: &str, rows: u64) -> CostGroup {
        CostGroup {
            connection: connection.map(|key| key.parse().expect("a key")),
            currency: "USD".to_owned(),
            name: name.map(str::to_owned),
            cost: cost.parse().ok(),
            rows,
            rows_without_cost: 0,
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
                connection: None,
                currency: "USD".to_owned(),
                line_item_type: "Credit".to_owned(),
                cost: "-3".parse().expect("an amount"),
                rows: 1,
            }],
            rows_without_cost: Vec::new(),
            rounded: Vec::new(),
            tag: None,
            overlaps: Vec::new(),
            not_loaded: Vec::new(),
            table_version: Some(4),
            loads: vec![LoadedMonth {
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
        insta::assert_snapshot!(render_table(&answer()), @r#"
        SERVICE                     COST       ROWS
        AmazonEC2         1234.500000000  USD   100
        Amazon "S3", etc     0.000000001  USD    20
        (none)              -3.000000000  USD     1
        TOTAL             1231.500000001  USD   121

        Costs are unblended, exact, and include every row.
        They include tax, credits, refunds and other negative amounts: Credit -3 USD (1
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
        let text = render_table(&overlapping);
        assert!(text.contains("account 111111111111 in 2026-10: a, b"), "{text}");
        assert!(text.lines().all(|line| line.chars().count() <= WIDTH), "{text}");
    }

    #[test]
    fn csv_quotes_what_needs_it() {
        let text = render_csv(&answer());
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(lines[0], "connection,currency,service,cost,rows");
        assert_eq!(lines[2], ",USD,\"Amazon \"\"S3\"\", etc\",0.000000001,20");
        assert_eq!(lines[3], ",USD,,-3,1");
    }

    fn acme() -> (ConnectionKey, BillingPeriod) {
        ("123456789012".parse().expect("a key"), "2026-10".parse().expect("a period"))
    }

    #[test]
    fn sums_of_rounded_values_are_not_called_exact() {
        let (connection, period) = acme();
        let column = "line_item_unblended_cost".to_owned();
        let effect = "-0.0000000000000000012".to_owned();
        let rounded = vec![RoundedValues { connection, period, column, values: 3, effect }];
        let text = render_table(&Answer { rounded, ..answer() });
        assert!(!text.contains("exact"), "{text}");
        let flat = text.split_whitespace().collect::<Vec<_>>().join(" ");
        let said = "123456789012 2026-10: 3 of line_item_unblended_cost, which changes its sum by -0.0000000000000000012";
        assert!(flat.contains(said), "{text}");
    }

    #[test]
    fn rows_without_the_cost_are_told_and_a_group_of_them_has_no_sum() {
        let (connection, period) = acme();
        let columns = vec!["reservation_effective_cost"];
        let nothing = CostGroup { rows_without_cost: 2, ..group(None, Some("AmazonRDS"), "", 2) };
        let lacking = Answer {
            metric: Metric::Amortized,
            groups: vec![group(None, Some("AmazonEC2"), "1", 1), nothing],
            totals: vec![CostGroup { rows_without_cost: 2, ..group(None, None, "1", 3) }],
            included: Vec::new(),
            rows_without_cost: vec![WithoutCost { connection, period, rows: 2, columns }],
            ..answer()
        };
        insta::assert_snapshot!(render_table(&lacking), @r"
        SERVICE    COST       ROWS  WITHOUT COST
        AmazonEC2     1  USD     1             0
        AmazonRDS     -  USD     2             2
        TOTAL         1  USD     3             2

        Costs are amortized but incomplete: some rows have none, see below.
        Some rows have no amortized cost and count as zero here. To get a missing
          column, add it to the report's definition.
          123456789012 2026-10: 2 rows lack reservation_effective_cost
        Read at table version 4:
          123456789012 2026-10 version 0123456789ab, loaded 2026-11-22 15:00 UTC
        ");
        assert!(render_csv(&lacking).contains(",USD,AmazonRDS,,2\r\n"), "{}", render_csv(&lacking));
    }

    #[test]
    fn connections_are_listed_separately_and_missing_months_are_named() {
        let of = |connection: &str| Included {
            connection: connection.parse().ok(),
            currency: "USD".to_owned(),
            line_item_type: "Credit".to_owned(),
            cost: "-4".parse().expect("an amount"),
            rows: 1,
        };
        let (_, period) = acme();
        let apart = Answer { included: vec![of("a"), of("b")], not_loaded: vec![period], ..answer() };
        let text = render_table(&apart);
        let flat = text.split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(flat.contains("Credit of a -4 USD (1 rows), Credit of b -4 USD (1 rows)"), "{text}");
        assert!(text.contains("Not loaded, so not in these sums: 2026-10."), "{text}");
    }

    #[test]
    fn what_became_of_a_tag_is_told() {
        let (connection, period) = acme();
        let load =
            |month: &str| Slot { connection: connection.clone(), period: month.parse().expect("a month") };
        let spelling = |original: &str| Spelling {
            connection: connection.clone(),
            period,
            original: original.to_owned(),
            rows: 1,
        };
        let tag = TagAnswer {
            asked: "client".to_owned(),
            key: "user_client".to_owned(),
            found: true,
            also: vec!["user_user_client".to_owned()],
            absent_from: vec![load("2026-09")],
            elsewhere: Vec::new(),
            collisions: vec![spelling("user:Client"), spelling("user:client")],
            nearest: Vec::new(),
        };
        let text = render_table(&Answer { tag: Some(tag.clone()), ..answer() });
        let flat = text.split_whitespace().collect::<Vec<_>>().join(" ");
        for said in [
            "Several tag keys fold to user_client; their values are grouped together here:",
            "123456789012 2026-10: user:Client (together with another on 1 rows)",
            "None of these has the tag: 123456789012 2026-09.",
            "It may also mean user_user_client: select it with tag:user:user_client.",
        ] {
            assert!(flat.contains(said), "{said}: {text}");
        }
        let elsewhere = TagAnswer { found: false, elsewhere: vec![load("2026-08")], ..tag };
        let text = render_table(&Answer { tag: Some(elsewhere), ..answer() });
        assert!(
            text.contains("None of these rows has the tag client, but 123456789012 2026-08 has it."),
            "{text}"
        );
    }
}
