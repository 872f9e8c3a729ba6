//! Which column of the stable table takes which column of a file.
//!
//! By name only, so that one mapping serves every dialect: legacy headers (`lineItem/UnblendedCost`), their Athena
//! form in legacy Parquet (`line_item_unblended_cost`) and CUR 2.0's names, which are the stable ones.

use std::collections::{BTreeMap, HashMap};

use super::maps::{MapNumber, Maps};
use crate::schema::{ColumnType, LOADER_COLUMNS, MapHeaders, TableContract, fold};

/// Where the cells of a source column go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::ingest) enum TargetColumn {
    /// To the column of the stable table with this index.
    Column(usize),
    /// To a map, under a key.
    Entry(MapNumber, crate::ingest::tags::KeyId),
    /// The column is a map itself.
    Map(MapNumber),
}

/// Where each column of one file goes.
#[derive(Debug)]
pub(in crate::ingest) struct Mapping {
    /// The headers, as the file spells them.
    pub headers: Vec<String>,
    /// The target of each.
    pub targets: Vec<TargetColumn>,
}

/// Why a header is refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::ingest) enum MappingFault {
    /// Required columns of the stable table that no header goes to.
    Missing(Vec<&'static str>),
    /// Two headers that are one column.
    Twice(String),
}

/// The plain columns of a table as headers ask for them. Made once a file.
struct PlainColumns<'a> {
    by_name: HashMap<&'static str, usize>,
    /// By [`squashed`] name.
    by_letters: HashMap<String, usize>,
    table: &'a TableContract,
}

impl<'a> PlainColumns<'a> {
    fn of(table: &'a TableContract) -> Self {
        let by_letters = table.plain_columns().map(|(name, index)| (squashed(&fold(name)), index)).collect();
        Self { by_name: table.plain_columns().collect(), by_letters, table }
    }

    /// The columns that a header may go to, the best first: of its name, of the name it gave up, of its letters.
    fn candidates(&self, folded: &str) -> [Option<usize>; 3] {
        let renamed = self.table.aliases.iter().find(|(old, _)| *old == folded);
        [
            self.by_name.get(folded).copied(),
            renamed.and_then(|(_, new)| self.by_name.get(new).copied()),
            self.by_letters.get(&squashed(folded)).copied(),
        ]
    }
}

/// A folded name without its underscores: what is left when only capitals and separators differ
/// (`savingsPlan/SavingsPlanArn` for `savingsPlan/SavingsPlanARN`).
fn squashed(folded: &str) -> String {
    folded.chars().filter(|c| *c != '_').collect()
}

/// What a header says of itself.
enum Header<'a> {
    /// A tag or cost category, which no plain column can take.
    Key(MapNumber, &'a str),
    /// A whole map.
    Map(MapNumber),
    /// A column, and the map that takes it if there is no such column.
    Named(MapNumber, &'a str),
}

impl<'a> Header<'a> {
    fn read(table: &TableContract, header: &'a str) -> Self {
        let whole = |map: &&crate::schema::MapColumn| map.name == header && map.takes != MapHeaders::Unknown;
        if let Some(map) = table.maps.iter().position(|map| whole(&map)) {
            return Self::Map(map);
        }
        let of_category = table.maps.iter().enumerate().find_map(|(number, map)| {
            let name = name_in_category(map.name, header)?;
            match map.takes {
                MapHeaders::Category => Some(Self::Key(number, name)),
                MapHeaders::Leftover => Some(Self::Named(number, name)),
                MapHeaders::None | MapHeaders::Unknown => None,
            }
        });
        of_category.unwrap_or_else(|| Self::Named(table.unknown_map(), header))
    }
}

/// What stands behind a category in a header: `owner` in `resourceTags/owner`, or in `resource_tags_owner`, as Athena's
/// form has it where the legacy header had the slash.
fn name_in_category<'a>(category: &str, header: &'a str) -> Option<&'a str> {
    let name = match header.split_once('/') {
        Some((spelled, name)) => (fold(spelled) == category).then_some(name),
        None => header.strip_prefix(category)?.strip_prefix('_'),
    };
    name.filter(|name| !name.is_empty())
}

impl Mapping {
    /// Maps the headers of a file, in their order; the keys they bring are entered into `maps`.
    ///
    /// # Errors
    /// [`MappingFault`]: required columns that are missing, or one column twice.
    pub fn new(table: &TableContract, headers: Vec<String>, maps: &mut Maps) -> Result<Self, MappingFault> {
        if let Some(twice) = first_twice(&headers) {
            return Err(MappingFault::Twice(twice.to_owned()));
        }
        let taken = take_columns(table, &headers)?;
        let missing: Vec<_> = table
            .columns
            .iter()
            .enumerate()
            .filter(|(index, column)| {
                column.required
                    && !LOADER_COLUMNS.contains(&column.name)
                    && !taken.values().any(|taken| taken == index)
            })
            .map(|(_, column)| column.name)
            .collect();
        if !missing.is_empty() {
            return Err(MappingFault::Missing(missing));
        }
        let target = |(at, header): (usize, &String)| match (Header::read(table, header), taken.get(&at)) {
            (_, Some(index)) => TargetColumn::Column(*index),
            (Header::Map(map), None) => TargetColumn::Map(map),
            (Header::Key(map, name) | Header::Named(map, name), None) => {
                TargetColumn::Entry(map, maps.key(map, name))
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
fn take_columns(table: &TableContract, headers: &[String]) -> Result<BTreeMap<usize, usize>, MappingFault> {
    let columns = PlainColumns::of(table);
    let mut named: Vec<(usize, &str, [Option<usize>; 3])> = headers
        .iter()
        .enumerate()
        .filter(|(_, header)| matches!(Header::read(table, header), Header::Named(..)))
        .map(|(at, header)| (at, header.as_str(), columns.candidates(&fold(header))))
        .collect();
    // Of several spellings the byte-smallest comes first, as with tag keys.
    named.sort_by_key(|(_, header, _)| *header);
    let mut taken = BTreeMap::new();
    let mut free: Vec<bool> = vec![true; table.columns.len()];
    let mut take = |at: usize, header: &str, index: usize| {
        if taken.contains_key(&at) {
            return Ok(());
        }
        if std::mem::replace(&mut free[index], false) {
            taken.insert(at, index);
            return Ok(());
        }
        // A second text can stand in a map; a second amount or time would be one too many.
        match table.columns[index].kind {
            ColumnType::Text => Ok(()),
            _ => Err(MappingFault::Twice(header.to_owned())),
        }
    };
    // Every header gets its best column before any gets its second best.
    for choice in 0..3 {
        for (at, header, candidates) in &named {
            if let Some(index) = candidates[choice] {
                take(*at, header, index)?;
            }
        }
    }
    Ok(taken)
}

#[cfg(test)]
mod tests;
