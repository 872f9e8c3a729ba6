//! A stream: a run of rows that differ in time and amounts and agree in everything else.

use super::amount::Amount;
use super::columns::{Catalogue, Field};
use super::names::Measure;

/// The line item types that move money.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum LineType {
    Usage,
    DiscountedUsage,
    SavingsPlanCoveredUsage,
    SavingsPlanNegation,
    SavingsPlanRecurringFee,
    SavingsPlanUpfrontFee,
    RIFee,
    Fee,
    Tax,
    Credit,
    Refund,
    EdpDiscount,
    BundledDiscount,
    PrivateRateDiscount,
    RiVolumeDiscount,
    SppDiscount,
}

impl LineType {
    /// The type as bills spell it.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Usage => "Usage",
            Self::DiscountedUsage => "DiscountedUsage",
            Self::SavingsPlanCoveredUsage => "SavingsPlanCoveredUsage",
            Self::SavingsPlanNegation => "SavingsPlanNegation",
            Self::SavingsPlanRecurringFee => "SavingsPlanRecurringFee",
            Self::SavingsPlanUpfrontFee => "SavingsPlanUpfrontFee",
            Self::RIFee => "RIFee",
            Self::Fee => "Fee",
            Self::Tax => "Tax",
            Self::Credit => "Credit",
            Self::Refund => "Refund",
            Self::EdpDiscount => "EdpDiscount",
            Self::BundledDiscount => "BundledDiscount",
            Self::PrivateRateDiscount => "PrivateRateDiscount",
            Self::RiVolumeDiscount => "RiVolumeDiscount",
            Self::SppDiscount => "SppDiscount",
        }
    }
}

/// How the metered quantity of a row comes about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Shape {
    /// Instance hours: whole for most rows, a part of an hour for some.
    Hours,
    /// Something stored: the same amount on each row of the stream.
    Stored,
    /// Bytes moved: any size from row to row.
    Traffic,
    /// A count.
    Requests,
}

/// How a row's amounts come about.
#[derive(Clone, Debug)]
pub(super) enum Charge {
    /// Usage at a rate, with the normalisation factor of instances.
    Metered { shape: Shape, rate: Amount, factor: Option<Amount>, bundled: bool },
    /// An hour of a savings plan.
    Commitment { hourly: Amount, upfront: bool },
    /// Amounts that are what they are.
    Fixed(Vec<(Measure, Amount)>),
}

/// A run of rows.
#[derive(Clone, Debug)]
pub(super) struct Stream {
    /// What its rows' draws are keyed with; usage and its negation share one.
    pub(super) key: u64,
    pub(super) line: LineType,
    pub(super) charge: Charge,
    /// Index into the bill's accounts.
    pub(super) account: usize,
    /// Index into the bill's currencies.
    pub(super) currency: usize,
    /// First hour or day of the month with a row, and how many have one.
    pub(super) first_slot: u32,
    pub(super) slots: u32,
    /// Usage start and end where they are not the slot's own.
    pub(super) span: Option<(i64, i64)>,
    /// Whether a later version may change or remove rows.
    pub(super) restatable: bool,
    pub(super) texts: Texts,
}

/// The texts a stream's rows agree in.
#[derive(Clone, Debug)]
pub(super) struct Texts {
    joined: String,
    ends: Vec<u32>,
    /// For each field one more than its place in `ends`, 0 where the field is empty.
    places: Box<[u16]>,
}

impl Texts {
    pub(super) fn new(catalogue: &Catalogue) -> Self {
        Self {
            joined: String::new(),
            ends: Vec::new(),
            places: vec![0; catalogue.fields()].into_boxed_slice(),
        }
    }

    /// Gives the column of that legacy name a text. A column that the month's report lacks, or a
    /// text that is empty, leaves it empty.
    pub(super) fn set(&mut self, catalogue: &Catalogue, name: &str, text: &str) {
        let Some(field) = catalogue.field(name) else {
            return;
        };
        let place = &mut self.places[usize::from(field)];
        if text.is_empty() {
            *place = 0;
            return;
        }
        self.joined.push_str(text);
        self.ends.push(u32::try_from(self.joined.len()).expect("the texts of a row are short"));
        *place = u16::try_from(self.ends.len()).expect("the specification limits a row's columns");
    }

    /// The field's text, if it has one.
    pub(super) fn get(&self, field: Field) -> Option<&str> {
        let place = usize::from(self.places[usize::from(field)]);
        let end = *self.ends.get(place.checked_sub(1)?)? as usize;
        let start = if place >= 2 { self.ends[place - 2] as usize } else { 0 };
        Some(&self.joined[start..end])
    }

    /// The first text among several fields.
    pub(super) fn first_of(&self, fields: &[Field]) -> Option<&str> {
        fields.iter().find_map(|field| self.get(*field))
    }

    /// Gives back what growing took too much.
    pub(super) fn settle(&mut self) {
        self.joined.shrink_to_fit();
        self.ends.shrink_to_fit();
    }
}
