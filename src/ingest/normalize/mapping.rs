//! Which column of the stable table takes which column of a file.
//!
//! By name only, so that one mapping serves every dialect: legacy headers (`lineItem/UnblendedCost`), their Athena
//! form in legacy Parquet (`line_item_unblended_cost`) and CUR 2.0's names, which are the stable ones.

use std::{
    collections::{BTreeMap, HashMap},
    sync::LazyLock,
};

use super::maps::Maps;
use crate::schema::{COLUMNS, ColumnType, fold};

/// A map column of the stable table.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(in crate::ingest) enum MapColumn {
    Product,
    Discount,
    CostCategory,
    ResourceTags,
    Tags,
    Extra,
}

impl MapColumn {
    pub const ALL: [Self; 6] =
        [Self::Product, Self::Discount, Self::CostCategory, Self::ResourceTags, Self::Tags, Self::Extra];

    /// Its name in the stable table.
    pub fn name(self) -> &'static str {
        match self {
            Self::Product => "product",
            Self::Discount => "discount",
            Self::CostCategory => "cost_category",
            Self::ResourceTags => "resource_tags",
            Self::Tags => "tags",
            Self::Extra => "extra",
        }
    }

    /// The one that a CUR 2.0 file brings whole under this name.
    fn brought_whole(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|map| *map != Self::Extra && map.name() == name)
    }
}

/// Where the cells of a source column go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::ingest) enum Target {
    /// To the column of the stable table with this index.
    Column(usize),
    /// To a map, under a key.
    Entry(MapColumn, crate::ingest::tags::KeyId),
    /// The column is a map itself.
    Map(MapColumn),
}

/// Where each column of one file goes.
#[derive(Debug)]
pub(in crate::ingest) struct Mapping {
    /// The headers, as the file spells them.
    pub headers: Vec<String>,
    /// The target of each.
    pub targets: Vec<Target>,
}

/// Why a header is refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::ingest) enum MappingFault {
    /// Required columns of the stable table that no header goes to.
    Missing(Vec<&'static str>),
    /// Two headers that are one column.
    Twice(String),
}

/// The columns that the loader fills itself: a file's column of that name is an unknown one.
const OURS: [&str; 3] = ["manifest_id", "loaded_at", "provisional"];

/// Folded names that AWS gave up, and the column that took their place (docs/aws-facts.md 3.9). They count only in
/// files that lack the newer column.
const ALIASES: [(&str, &str); 2] =
    [("product_region", "product_region_code"), ("product_comments", "product_comment")];

/// The plain columns by name.
static BY_NAME: LazyLock<HashMap<&'static str, usize>> = LazyLock::new(|| plain_columns().collect());

/// The plain columns by [`squashed`] name.
static BY_LETTERS: LazyLock<HashMap<String, usize>> =
    LazyLock::new(|| plain_columns().map(|(name, index)| (squashed(name), index)).collect());

fn plain_columns() -> impl Iterator<Item = (&'static str, usize)> {
    COLUMNS.iter().enumerate().filter_map(|(index, column)| {
        let is_map = matches!(column.kind, ColumnType::TextMap | ColumnType::DecimalMap);
        (!is_map && !OURS.contains(&column.name)).then_some((column.name, index))
    })
}

/// A folded name without its underscores: what is left when only capitals and separators differ
/// (`savingsPlan/SavingsPlanArn` for `savingsPlan/SavingsPlanARN`).
fn squashed(folded: &str) -> String {
    folded.chars().filter(|c| *c != '_').collect()
}

/// What a header says of itself.
enum Header<'a> {
    /// A tag or cost category, which no plain column can take.
    Key(MapColumn, &'a str),
    /// A whole map.
    Map(MapColumn),
    /// A column, and the map that takes it if there is no such column.
    Named(MapColumn, &'a str),
}

impl<'a> Header<'a> {
    fn read(header: &'a str) -> Self {
        let (category, name) = match header.split_once('/') {
            Some((category, name)) => (fold(category), name),
            None => match MapColumn::brought_whole(header) {
                Some(map) => return Self::Map(map),
                None => Self::athena(header),
            },
        };
        match category.as_str() {
            "resource_tags" if !name.is_empty() => Self::Key(MapColumn::ResourceTags, name),
            "cost_category" if !name.is_empty() => Self::Key(MapColumn::CostCategory, name),
            "product" if !name.is_empty() => Self::Named(MapColumn::Product, name),
            "discount" if !name.is_empty() => Self::Named(MapColumn::Discount, name),
            _ => Self::Named(MapColumn::Extra, header),
        }
    }

    /// Splits `resource_tags_user_owner` where its legacy header had the slash.
    fn athena(header: &'a str) -> (String, &'a str) {
        ["resource_tags", "cost_category", "product", "discount"]
            .into_iter()
            .find_map(|category| {
                Some((category.to_owned(), header.strip_prefix(category)?.strip_prefix('_')?))
            })
            .unwrap_or_default()
    }
}

impl Mapping {
    /// Maps the headers of a file, in their order; the keys they bring are entered into `maps`.
    ///
    /// # Errors
    /// [`MappingFault`]: required columns that are missing, or one column twice.
    pub fn new(headers: Vec<String>, maps: &mut Maps) -> Result<Self, MappingFault> {
        if let Some(twice) = first_twice(&headers) {
            return Err(MappingFault::Twice(twice.to_owned()));
        }
        let taken = take_columns(&headers)?;
        let missing: Vec<_> = COLUMNS
            .iter()
            .enumerate()
            .filter(|(index, column)| {
                column.required && !OURS.contains(&column.name) && !taken.values().any(|taken| taken == index)
            })
            .map(|(_, column)| column.name)
            .collect();
        if !missing.is_empty() {
            return Err(MappingFault::Missing(missing));
        }
        let target = |(at, header): (usize, &String)| match (Header::read(header), taken.get(&at)) {
            (_, Some(index)) => Target::Column(*index),
            (Header::Map(map), None) => Target::Map(map),
            (Header::Key(map, name) | Header::Named(map, name), None) => {
                Target::Entry(map, maps.key(map, name))
            }
        };
        let targets = headers.iter().enumerate().map(target).collect();
        Ok(Self { headers, targets })
    }
}

fn first_twice(headers: &[String]) -> Option<&str> {
    let mut sorted: Vec<&str> = headers.iter().map(String::as_str).collect();
    sorted.sort_unstable();
    sorted.windows(2).find(|pair| pair[0] == pair[1]).map(|pair| pair[0])
}

/// Gives each plain column to at most one header: first by exact name, then to an alias, then by letters alone.
/// The headers that go away empty-handed become entries of a map, so nothing is lost.
fn take_columns(headers: &[String]) -> Result<BTreeMap<usize, usize>, MappingFault> {
    let mut named: Vec<(usize, &str, String)> = headers
        .iter()
        .enumerate()
        .filter(|(_, header)| matches!(Header::read(header), Header::Named(..)))
        .map(|(at, header)| (at, header.as_str(), fold(header)))
        .collect();
    // Of several spellings the byte-smallest comes first, as with tag keys.
    named.sort_by_key(|(_, header, _)| *header);
    let mut taken = BTreeMap::new();
    let mut free: Vec<bool> = vec![true; COLUMNS.len()];
    let mut take = |at: usize, header: &str, index: usize| {
        if taken.contains_key(&at) {
            return Ok(());
        }
        if std::mem::replace(&mut free[index], false) {
            taken.insert(at, index);
            return Ok(());
        }
        // A second text can stand in a map; a second amount or time would be one too many.
        match COLUMNS[index].kind {
            ColumnType::Text => Ok(()),
            _ => Err(MappingFault::Twice(header.to_owned())),
        }
    };
    for (at, header, folded) in &named {
        if let Some(index) = BY_NAME.get(folded.as_str()) {
            take(*at, header, *index)?;
        }
    }
    for (at, header, folded) in &named {
        if let Some((_, column)) = ALIASES.iter().find(|(old, _)| old == folded) {
            take(*at, header, BY_NAME[column])?;
        }
    }
    for (at, header, folded) in &named {
        if let Some(index) = BY_LETTERS.get(&squashed(folded)) {
            take(*at, header, *index)?;
        }
    }
    Ok(taken)
}

#[cfg(test)]
mod tests;
