//! The dialects of bills: what tells one from another, each said once. A new one is an entry here.

use crate::model::{DeliveryService, ReportKind};

/// A way in which AWS writes bills down. Which folders and which manifest it has, its [`DeliveryService`] decides.
#[derive(Debug, PartialEq, Eq)]
pub struct Dialect {
    /// What it is called in a spec.
    pub kind: ReportKind,
    /// The stable table that its rows are loaded into, by name.
    pub table: &'static str,
    /// What its definition must say; `None` where the service has definitions of one shape only.
    pub export: Option<ExportRules>,
}

/// What the definition of a data export must say.
#[derive(Debug, PartialEq, Eq)]
pub struct ExportRules {
    /// The table of AWS that it selects from.
    pub source: &'static str,
    /// The columns without which a bill can't be loaded exactly: those the stable table requires of a source.
    pub needed: &'static [&'static str],
    /// The column of resource IDs, where an export has them only if `INCLUDE_RESOURCES` asks for them.
    pub resource_ids: Option<&'static str>,
    /// A column that no other export has: in the bucket they lie alike, and only the manifest's list of columns tells.
    pub distinctive_column: &'static str,
}

/// All of them. Of those that lie alike in a bucket, the first is taken where nothing tells.
pub static DIALECTS: [Dialect; 2] = [
    Dialect { kind: ReportKind::LegacyCur, table: "costs", export: None },
    Dialect {
        kind: ReportKind::Cur2,
        table: "costs",
        export: Some(ExportRules {
            source: "COST_AND_USAGE_REPORT",
            needed: &[
                "bill_billing_period_start_date",
                "bill_payer_account_id",
                "line_item_currency_code",
                "line_item_line_item_type",
                "line_item_product_code",
                "line_item_unblended_cost",
                "line_item_usage_account_id",
                "line_item_usage_start_date",
            ],
            resource_ids: Some("line_item_resource_id"),
            distinctive_column: "line_item_unblended_cost",
        }),
    },
];

impl Dialect {
    /// The dialect of a kind.
    pub fn of(kind: ReportKind) -> &'static Self {
        DIALECTS.iter().find(|dialect| dialect.kind == kind).expect("every kind has its entry")
    }

    /// Those that a service delivers.
    pub fn delivered_by(service: DeliveryService) -> impl Iterator<Item = &'static Self> {
        DIALECTS.iter().filter(move |dialect| dialect.kind.service() == service)
    }

    /// The export that selects from a table of AWS, and its rules.
    pub fn of_export(source: &str) -> Option<(&'static Self, &'static ExportRules)> {
        DIALECTS
            .iter()
            .filter_map(|dialect| Some((dialect, dialect.export.as_ref()?)))
            .find(|(_, rules)| rules.source == source)
    }

    /// The dialect of a manifest that a service wrote: the one that is asked for, or what its columns tell.
    pub fn of_manifest(
        service: DeliveryService,
        asked: Option<ReportKind>,
        columns: &[String],
    ) -> &'static Self {
        let named = |distinctive_column: &str| columns.iter().any(|column| column == distinctive_column);
        let fits = |dialect: &&Self| match asked {
            Some(kind) => dialect.kind == kind,
            None => dialect.export.as_ref().is_some_and(|rules| named(rules.distinctive_column)),
        };
        let mut all = Self::delivered_by(service);
        let first = all.next().expect("every service delivers a dialect");
        std::iter::once(first).chain(all).find(fits).unwrap_or(first)
    }
}

/// The tables of AWS that an export may select from, in words.
pub fn export_sources() -> String {
    alternatives(DIALECTS.iter().filter_map(|dialect| dialect.export.as_ref()).map(|rules| rules.source))
}

/// The kinds that a service delivers, in words.
pub fn kinds_of(service: DeliveryService) -> String {
    let kinds: Vec<String> = Dialect::delivered_by(service).map(|dialect| dialect.kind.to_string()).collect();
    alternatives(kinds.iter().map(String::as_str))
}

fn alternatives<'a>(words: impl Iterator<Item = &'a str>) -> String {
    words.collect::<Vec<_>>().join(" or ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_is_its_own_dialect_and_no_two_exports_are_alike() {
        for kind in [ReportKind::LegacyCur, ReportKind::Cur2] {
            assert_eq!(Dialect::of(kind).kind, kind);
            assert_eq!(
                Dialect::of_manifest(kind.service(), Some(kind), &[]).kind,
                kind,
                "as it is asked for"
            );
        }
        let rules: Vec<_> = DIALECTS.iter().filter_map(|dialect| dialect.export.as_ref()).collect();
        for one in &rules {
            assert!(
                one.needed.contains(&one.distinctive_column),
                "a definition without it is refused, so a manifest has it"
            );
            let alike = rules.iter().filter(|other| {
                other.source == one.source || other.distinctive_column == one.distinctive_column
            });
            assert_eq!(alike.count(), 1, "{}", one.source);
        }
    }

    #[test]
    fn an_export_is_told_by_its_columns_and_taken_for_the_first_where_they_are_not_listed() {
        let of = |columns: &[&str]| {
            let columns: Vec<String> = columns.iter().map(|&column| column.to_owned()).collect();
            Dialect::of_manifest(DeliveryService::DataExports, None, &columns).kind
        };
        assert_eq!(of(&[]), ReportKind::Cur2);
        assert_eq!(of(&["line_item_unblended_cost"]), ReportKind::Cur2);
        assert_eq!(
            Dialect::of_export("COST_AND_USAGE_REPORT").map(|(dialect, _)| dialect.kind),
            Some(ReportKind::Cur2)
        );
        assert_eq!(Dialect::of_export("FOCUS_1_2_AWS"), None);
    }
}
