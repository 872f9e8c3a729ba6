//! The query language of Data Exports, as far as it decides what an export is: one SELECT of listed columns from one
//! table, with aliases, and perhaps a WHERE or a LIMIT.

/// What a query selects.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Selection {
    /// Case-sensitive.
    pub table: String,
    /// Source columns, without the keys taken out of maps and without aliases.
    pub columns: Vec<String>,
}

/// Why a query is not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum InvalidQuery {
    #[error("Invalid QueryStatement: it must read SELECT columns FROM table")]
    Shape,
    #[error("Invalid QueryStatement: columns must be listed by name")]
    Star,
    #[error("Invalid QueryStatement: only plain columns can be selected")]
    Expression,
}

impl Selection {
    /// Parses a statement. Keywords ignore case, names do not.
    pub fn parse(statement: &str) -> Result<Self, InvalidQuery> {
        let words: Vec<&str> = statement.split_whitespace().collect();
        let keyword = |word: &&str, keyword: &str| word.eq_ignore_ascii_case(keyword);
        let from = words.iter().position(|w| keyword(w, "FROM")).ok_or(InvalidQuery::Shape)?;
        if !words.first().is_some_and(|w| keyword(w, "SELECT"))
            || words[1..].iter().any(|w| keyword(w, "SELECT"))
        {
            return Err(InvalidQuery::Shape);
        }
        let table = words.get(from + 1).ok_or(InvalidQuery::Shape)?.trim_end_matches(';').to_owned();
        if words.get(from + 2).is_some_and(|w| !keyword(w, "WHERE") && !keyword(w, "LIMIT")) {
            return Err(InvalidQuery::Shape);
        }
        let columns =
            words[1..from].join(" ").split(',').map(str::trim).map(column).collect::<Result<_, _>>()?;
        Ok(Self { table, columns })
    }
}

fn column(item: &str) -> Result<String, InvalidQuery> {
    let words: Vec<&str> = item.split(' ').collect();
    let source = match words.as_slice() {
        ["*"] => return Err(InvalidQuery::Star),
        [source] => source,
        [source, as_word, _alias] if as_word.eq_ignore_ascii_case("AS") => source,
        _ => return Err(InvalidQuery::Expression),
    };
    let name = source.split('.').next().unwrap_or_default();
    if name.is_empty() || !name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_') {
        return Err(InvalidQuery::Expression);
    }
    Ok(name.to_owned())
}
