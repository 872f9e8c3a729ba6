//! What to know about a tag so that its sums mean what they seem to.

use super::shorten_list;
use crate::{costs::TagAnswer, warehouse::Slot};

/// The lines of a footer.
pub(super) fn tag_lines(tag: &TagAnswer) -> Vec<String> {
    let mut lines = Vec::new();
    if !tag.found && !tag.elsewhere.is_empty() {
        let elsewhere = list_slots(&tag.elsewhere);
        lines.push(format!("None of these rows has the tag {}, but {elsewhere} has it.", tag.asked));
    }
    if !tag.absent_from.is_empty() {
        lines.push(format!("None of these has the tag: {}.", list_slots(&tag.absent_from)));
    }
    for other in &tag.also {
        let prefixed = ["user", "aws"].iter().find_map(|prefix| {
            let rest = other.strip_prefix(prefix)?.strip_prefix('_')?;
            Some(format!(": select it with tag:{prefix}:{rest}"))
        });
        lines.push(format!("It may also mean {other}{}.", prefixed.unwrap_or_default()));
    }
    if !tag.collisions.is_empty() {
        lines.push(format!("Several tag keys fold to {}; their values are grouped together here:", tag.key));
        lines.extend(shorten_list(tag.collisions.iter().map(|of| {
            let met = match of.rows {
                0 => String::new(),
                rows => format!(" (together with another on {rows} rows)"),
            };
            format!("  {} {}: {}{met}", of.connection, of.period, of.original)
        })));
    }
    lines
}

fn list_slots(loads: &[Slot]) -> String {
    let texts = loads.iter().map(|load| format!("{} {}", load.connection, load.period));
    shorten_list(texts).iter().map(|text| text.trim()).collect::<Vec<_>>().join(", ")
}
