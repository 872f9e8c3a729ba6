//! What is broken, for a terminal of 80 columns.

use jiff::Timestamp;

use super::group::{FindingGroup, Hit, Overview};
use crate::cli::terminal::{
    age::age_text,
    harmless::make_harmless,
    snippet::indent_block,
    wrap::{WIDTH, wrap_text},
};

/// Groups up to this size show what is wrong with each object; larger ones name the objects.
const TOLD: usize = 3;
/// Names that a group shows at most.
const NAMED: usize = 20;
/// Characters of what people call an object.
const DISPLAYED: usize = 40;

/// The view.
pub(super) fn render_text(
    overview: &Overview,
    advice: bool,
    namespace: Option<&str>,
    now: Timestamp,
) -> String {
    let mut text = wrap_text(&summary_line(overview, namespace), "", "");
    for group in &overview.errors {
        text.push('\n');
        text.push_str(&describe_group(group, now));
    }
    if advice && !overview.advice.is_empty() {
        text.push_str("\nNot broken, but could be better:\n");
        for group in &overview.advice {
            text.push('\n');
            text.push_str(&describe_group(group, now));
        }
    } else if !overview.advice.is_empty() {
        let reasons: Vec<String> =
            overview.advice.iter().map(|group| format!("{} {}", group.reason, group.count)).collect();
        let list = format!("{} (--advice tells more)", reasons.join(", "));
        text.push('\n');
        text.push_str(&wrap_text(&list, "Not broken, but could be better: ", "  "));
    }
    if !overview.suspended.is_empty() {
        let names: Vec<String> = overview.suspended.iter().map(ToString::to_string).collect();
        text.push('\n');
        text.push_str(&wrap_text(&names.join(", "), "Suspended, so not checked: ", "  "));
    }
    text
}

/// The counts; where there is nothing, also where that was looked for.
fn summary_line(overview: &Overview, namespace: Option<&str>) -> String {
    let count = |broken: usize, all: usize, kind: &str| {
        let plural = if all == 1 { "" } else { "s" };
        match (broken, all) {
            (_, 0) => format!("no {kind}s"),
            (0, all) => format!("none of {all} {kind}{plural} is broken"),
            (broken, all) => format!("{broken} of {all} {kind}{plural} broken"),
        }
    };
    let accounts = count(overview.broken_accounts, overview.accounts, "account");
    let warehouses = count(overview.broken_warehouses, overview.warehouses, "warehouse");
    let place = match namespace {
        _ if overview.accounts + overview.warehouses > 0 => String::new(),
        Some(namespace) => format!(" in namespace {namespace}: use -n NAMESPACE or -A to look elsewhere"),
        None => " in any namespace".to_owned(),
    };
    let mut line = format!("{accounts}, {warehouses}{place}.");
    if let Some(first) = line.get(..1) {
        line = format!("{}{}", first.to_uppercase(), &line[1..]);
    }
    if overview.suspended.is_empty() {
        line
    } else {
        format!("{line} {} suspended.", overview.suspended.len())
    }
}

fn describe_group(group: &FindingGroup, now: Timestamp) -> String {
    let mut text = heading_line(group, now);
    if let Some(why) = &group.why {
        text.push_str(&wrap_text(why, "  Why here: ", "    "));
    }
    if group.count <= TOLD {
        for hit in &group.objects {
            let first = format!("  {} ({}, {}): ", hit_name(hit), hit.condition, age_text(hit.since, now));
            text.push_str(&wrap_text(&hit.message, &first, "    "));
            text.extend(hit.snippet.iter().map(|snippet| indent_block(snippet, "    ")));
        }
        return text;
    }
    let differ = group.objects.windows(2).any(|two| two[0].message != two[1].message);
    text.push_str(&if differ { message_lines(group) } else { list_names(group) });
    text.push_str(&wrap_text(&group.fix, "  Fix: ", "    "));
    text
}

/// An object's name, and what people call it.
fn hit_name(hit: &Hit) -> String {
    let display = hit.display_name.as_ref().map(|name| format!(" \"{}\"", shorten_line(name, DISPLAYED)));
    format!("{}{}", hit.name, display.unwrap_or_default())
}

/// The objects' names, where there is no more to say of each.
fn list_names(group: &FindingGroup) -> String {
    let mut names: Vec<String> = group.objects.iter().map(hit_name).collect();
    names.dedup();
    let more = names.len().saturating_sub(NAMED);
    names.truncate(NAMED);
    let mut list = names.join(", ");
    if more > 0 {
        list.push_str(&format!(" and {more} more (-o json names all)"));
    }
    wrap_text(&list, "  ", "  ")
}

/// A line an object with the beginning of its message, which names the Secret or the bucket; the end is in the fix.
fn message_lines(group: &FindingGroup) -> String {
    let mut lines: Vec<String> =
        group.objects.iter().map(|hit| format!("  {}: {}", hit_name(hit), hit.message)).collect();
    // One object that a reason has hit in two conditions.
    lines.dedup();
    let more = lines.len().saturating_sub(NAMED);
    lines.truncate(NAMED);
    let mut text: String =
        lines.iter().map(|line| format!("{}\n", make_harmless(&shorten_line(line, WIDTH)))).collect();
    if more > 0 {
        text.push_str(&format!("  and {more} more (-o json has all)\n"));
    }
    text
}

fn shorten_line(line: &str, width: usize) -> String {
    if line.chars().count() <= width {
        return line.to_owned();
    }
    let kept: String = line.chars().take(width - 1).collect();
    format!("{}…", kept.trim_end())
}

/// Reason, count and age, each where the eye finds it.
fn heading_line(group: &FindingGroup, now: Timestamp) -> String {
    let objects = if group.count == 1 { "object" } else { "objects" };
    let right = format!("{} {objects}, for {}", group.count, age_text(group.since, now));
    let reason = group.reason.to_string();
    let gap = WIDTH.saturating_sub(reason.len() + right.len()).max(2);
    format!("{reason}{}{right}\n", " ".repeat(gap))
}
