//! The columns of one month's legacy report: which there are, in which order, and what fills each.

use std::collections::{HashMap, HashSet};

use super::dice::{Dice, keyed};
use super::failure::BillFailure;
use super::fold::fold;
use super::names::{
    BILL, COST_CATEGORIES, IDENTITY, LINE_ITEM, MEASURES, Measure, PRICING, PRODUCT, RARE_PRODUCT,
    RESERVATION, SAVINGS_PLAN, TAGS,
};
use super::spec::BillSpec;

/// Number of a text column; the texts of a [`Stream`](super::stream::Stream) are kept under it.
pub(super) type Field = u16;

/// What a column holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Source {
    LineItemId,
    TimeInterval,
    UsageStart,
    UsageEnd,
    PeriodStart,
    PeriodEnd,
    Number(Measure),
    Text(Field),
}

/// A column under its legacy name.
#[derive(Clone, Debug)]
pub(super) struct Column {
    pub(super) name: String,
    pub(super) folded: String,
    pub(super) source: Source,
}

impl Column {
    /// The part before the slash, or nothing.
    pub(super) fn category(&self) -> &str {
        self.name.split_once('/').map_or("", |(category, _)| category)
    }
}

/// Every column of a report for one month, in the order of the csv header.
#[derive(Clone, Debug)]
pub(super) struct Catalogue {
    pub(super) columns: Vec<Column>,
    fields: HashMap<String, Field>,
    measures: [bool; Measure::COUNT],
    dropped: HashSet<String>,
}

impl Catalogue {
    /// The catalogue of the specification's month: a few rare product columns come and go from
    /// month to month, and the order inside a category changes with them.
    pub(super) fn new(spec: &BillSpec) -> Result<Self, BillFailure> {
        let mut dice = Dice::new(keyed(&[spec.seed, period_number(&spec.period), 1]));
        let mut rare = RARE_PRODUCT.to_vec();
        dice.shuffle(&mut rare);
        let mut names = Vec::new();
        for (category, fixed) in [
            ("identity", IDENTITY),
            ("bill", BILL),
            ("lineItem", LINE_ITEM),
            ("product", PRODUCT),
            ("pricing", PRICING),
            ("reservation", RESERVATION),
            ("savingsPlan", SAVINGS_PLAN),
        ] {
            let measured = MEASURES.iter().filter_map(|name| name.strip_prefix(category)?.strip_prefix('/'));
            let mut group: Vec<&str> = fixed.iter().copied().chain(measured).collect();
            if !spec.options.resource_ids {
                group.retain(|name| *name != "ResourceId");
            }
            if category == "product" {
                group.extend(&rare[2..]);
            }
            if category != "identity" && category != "bill" {
                dice.shuffle(&mut group);
            }
            names.extend(group.into_iter().map(|name| format!("{category}/{name}")));
        }
        names.extend(
            MEASURES.iter().filter(|name| name.starts_with("discount/")).map(|name| (*name).to_owned()),
        );
        let mut tags = tag_keys(spec);
        dice.shuffle(&mut tags);
        names.extend(tags.iter().map(|key| format!("resourceTags/{key}")));
        names.extend(COST_CATEGORIES.iter().map(|name| format!("costCategory/{name}")));
        add_extra(spec, &mut names)?;
        Self::without_dropped(spec, names)
    }

    fn without_dropped(spec: &BillSpec, names: Vec<String>) -> Result<Self, BillFailure> {
        let mut dropped = HashSet::new();
        for wanted in &spec.options.drop_columns {
            let known = names.iter().any(|name| name == wanted || fold(name) == *wanted)
                || RARE_PRODUCT.iter().any(|name| fold(&format!("product/{name}")) == fold(wanted))
                || super::cur2::FIXED.contains(&wanted.as_str());
            if !known {
                let problem =
                    format!("has {wanted:?}, which no dialect knows; write a legacy or CUR 2.0 column name");
                return Err(BillFailure::spec("options.dropColumns", problem));
            }
            dropped.insert(fold(wanted));
        }
        let mut catalogue = Self {
            columns: Vec::with_capacity(names.len()),
            fields: HashMap::new(),
            measures: [false; Measure::COUNT],
            dropped,
        };
        for name in names {
            let folded = super::cur2::respelt(&fold(&name)).to_owned();
            if !catalogue.dropped.contains(&fold(&name)) && !catalogue.dropped.contains(&folded) {
                catalogue.add(name);
            }
        }
        Ok(catalogue)
    }

    fn add(&mut self, name: String) {
        let measure = MEASURES.iter().position(|known| *known == name).map(Measure::at);
        let source = match (name.as_str(), measure) {
            (_, Some(measure)) => {
                self.measures[measure as usize] = true;
                Source::Number(measure)
            }
            ("identity/LineItemId", _) => Source::LineItemId,
            ("identity/TimeInterval", _) => Source::TimeInterval,
            ("lineItem/UsageStartDate", _) => Source::UsageStart,
            ("lineItem/UsageEndDate", _) => Source::UsageEnd,
            ("bill/BillingPeriodStartDate", _) => Source::PeriodStart,
            ("bill/BillingPeriodEndDate", _) => Source::PeriodEnd,
            _ => {
                let field = Field::try_from(self.fields.len()).unwrap_or(Field::MAX);
                self.fields.insert(name.clone(), field);
                Source::Text(field)
            }
        };
        let folded = fold(&name);
        self.columns.push(Column { name, folded, source });
    }

    /// The text column of that legacy name, unless this month's report lacks it.
    pub(super) fn field(&self, name: &str) -> Option<Field> {
        self.fields.get(name).copied()
    }

    /// How many text columns there are.
    pub(super) fn fields(&self) -> usize {
        self.fields.len()
    }

    /// Whether the report has the column.
    pub(super) fn has(&self, measure: Measure) -> bool {
        self.measures[measure as usize]
    }

    /// Whether a CUR 2.0 column of this name was asked to be left out.
    pub(super) fn drops(&self, name: &str) -> bool {
        self.dropped.contains(name)
    }
}

/// The raw tag keys of the bill, each once.
pub(super) fn tag_keys(spec: &BillSpec) -> Vec<&str> {
    let mut keys = TAGS.to_vec();
    if spec.options.colliding_tags {
        keys.extend(["user:Owner", "user:cost_center"]);
    }
    for key in &spec.options.extra_tag_keys {
        if !keys.contains(&key.as_str()) {
            keys.push(key);
        }
    }
    keys
}

fn add_extra(spec: &BillSpec, names: &mut Vec<String>) -> Result<(), BillFailure> {
    for extra in &spec.options.extra_columns {
        let folded = fold(extra);
        if folded.is_empty()
            || names.iter().any(|name| fold(name) == folded)
            || super::cur2::FIXED.contains(&folded.as_str())
        {
            let problem = format!(
                "has {extra:?}, which is a known column or no name; choose one that is not on the bill"
            );
            return Err(BillFailure::spec("options.extraColumns", problem));
        }
        names.push(extra.clone());
    }
    Ok(())
}

/// The period as a number, for seeding.
pub(super) fn period_number(period: &str) -> u64 {
    period.bytes().filter(u8::is_ascii_digit).fold(0, |number, digit| number * 10 + u64::from(digit - b'0'))
}
