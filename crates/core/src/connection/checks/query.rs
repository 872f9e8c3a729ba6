//! Reads the query of a data export: one SELECT of columns from one table (docs/aws-facts.md 3.3).

/// What a query selects.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Query {
    /// The columns, or `None` for `*`.
    pub columns: Option<Vec<SelectedColumn>>,
    /// The table.
    pub table: String,
    /// It has a WHERE: rows are missing.
    pub filtered: bool,
    /// It has a LIMIT: rows are missing.
    pub limited: bool,
}

/// One item of the column list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct SelectedColumn {
    /// The table's column.
    pub column: String,
    /// True if only one key of a map column is taken (`product.region`).
    pub part: bool,
    /// The name it gets in the export.
    pub output: String,
}

/// The query is not one this version reads.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct UnreadableQuery;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Token<'a> {
    Word(&'a str),
    Quoted(&'a str),
    Mark(char),
}

impl Query {
    pub(super) fn parse(text: &str) -> Result<Self, UnreadableQuery> {
        let tokens = tokens(text)?;
        let mut tokens = tokens.as_slice();
        if !take_keyword(&mut tokens, "select") {
            return Err(UnreadableQuery);
        }
        let from = tokens.iter().position(|token| is_keyword(token, "from")).ok_or(UnreadableQuery)?;
        let columns = match &tokens[..from] {
            [Token::Mark('*')] => None,
            list => Some(list.split(|token| *token == Token::Mark(',')).map(item).collect::<Result<_, _>>()?),
        };
        let mut rest = &tokens[from + 1..];
        let table = take_name(&mut rest).ok_or(UnreadableQuery)?;
        let filtered = rest.iter().any(|token| is_keyword(token, "where"));
        let limited = rest.iter().any(|token| is_keyword(token, "limit"));
        let end = rest.iter().all(|token| *token == Token::Mark(';'));
        if filtered || limited || end {
            Ok(Self { columns, table, filtered, limited })
        } else {
            Err(UnreadableQuery)
        }
    }

    /// Those of `needed` that the export has not, under their own names.
    pub(super) fn missing<'a>(&self, needed: &[&'a str]) -> Vec<&'a str> {
        let Some(columns) = &self.columns else { return Vec::new() };
        let whole = |name: &str| columns.iter().any(|selected| !selected.part && selected.column == name);
        needed.iter().copied().filter(|name| !whole(name)).collect()
    }

    /// Those of `needed` that the export has under another name only.
    pub(super) fn renamed<'a>(&self, needed: &[&'a str]) -> Vec<(&'a str, &str)> {
        let columns = self.columns.as_deref().unwrap_or_default();
        needed
            .iter()
            .filter_map(|name| {
                let mut of_it = columns.iter().filter(|selected| !selected.part && selected.column == *name);
                let first = of_it.clone().next()?;
                let kept = of_it.any(|selected| selected.output == *name);
                (!kept).then_some((*name, first.output.as_str()))
            })
            .collect()
    }

    /// True if the export has this column, whatever it is called there.
    pub(super) fn selects(&self, name: &str) -> bool {
        self.missing(&[name]).is_empty()
    }
}

/// `column`, `column.key` or `column['key']`, then perhaps `[AS] name`.
fn item(tokens: &[Token<'_>]) -> Result<SelectedColumn, UnreadableQuery> {
    let mut rest = tokens;
    let column = take_name(&mut rest).ok_or(UnreadableQuery)?;
    let mut key = None;
    while let [Token::Mark(mark @ ('.' | '[')), after @ ..] = rest {
        rest = after;
        key = Some(take_name(&mut rest).ok_or(UnreadableQuery)?);
        if *mark == '[' {
            rest = rest.strip_prefix(&[Token::Mark(']')]).ok_or(UnreadableQuery)?;
        }
    }
    let _ = take_keyword(&mut rest, "as");
    let alias = take_name(&mut rest);
    if !rest.is_empty() {
        return Err(UnreadableQuery);
    }
    let part = key.is_some();
    let output = alias.or(key).unwrap_or_else(|| column.clone());
    Ok(SelectedColumn { column, part, output })
}

fn is_keyword(token: &Token<'_>, keyword: &str) -> bool {
    matches!(token, Token::Word(word) if word.eq_ignore_ascii_case(keyword))
}

fn take_keyword(tokens: &mut &[Token<'_>], keyword: &str) -> bool {
    match tokens.split_first() {
        Some((first, rest)) if is_keyword(first, keyword) => {
            *tokens = rest;
            true
        }
        _ => false,
    }
}

fn take_name(tokens: &mut &[Token<'_>]) -> Option<String> {
    match tokens.split_first() {
        Some((Token::Word(name) | Token::Quoted(name), rest)) => {
            *tokens = rest;
            Some((*name).to_owned())
        }
        _ => None,
    }
}

fn tokens(text: &str) -> Result<Vec<Token<'_>>, UnreadableQuery> {
    let word =
        |character: char| character.is_ascii_alphanumeric() || matches!(character, '_' | ':' | '/' | '-');
    let mut found = Vec::new();
    let mut rest = text.trim_start();
    while let Some(first) = rest.chars().next() {
        let after = &rest[first.len_utf8()..];
        rest = if matches!(first, '\'' | '"' | '`') {
            let (quoted, after) = after.split_once(first).ok_or(UnreadableQuery)?;
            found.push(Token::Quoted(quoted));
            after
        } else if word(first) {
            let end = rest.find(|character| !word(character)).unwrap_or(rest.len());
            found.push(Token::Word(&rest[..end]));
            &rest[end..]
        } else {
            found.push(Token::Mark(first));
            after
        };
        rest = rest.trim_start();
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Query {
        Query::parse(text).unwrap_or_else(|_| panic!("{text} must be readable"))
    }

    #[test]
    fn columns_keep_their_names_unless_given_another() {
        let query = parse("select a, b AS c,\n d.key, e['user:x'] as f, \"g\" FROM COST_AND_USAGE_REPORT;");
        let outputs: Vec<_> =
            query.columns.iter().flatten().map(|selected| selected.output.as_str()).collect();
        assert_eq!(outputs, ["a", "c", "key", "f", "g"]);
        assert_eq!(query.table, "COST_AND_USAGE_REPORT");
        assert_eq!(
            query.missing(&["a", "b", "d", "G", "g"]),
            ["d", "G"],
            "a part is not the whole; case counts"
        );
        assert_eq!(query.renamed(&["a", "b"]), [("b", "c")]);
        assert!(!query.filtered && !query.limited);
    }

    #[test]
    fn a_column_selected_twice_is_not_renamed() {
        assert_eq!(parse("SELECT a, a AS b FROM T").renamed(&["a"]), []);
    }

    #[test]
    fn filters_and_limits_show() {
        let query = parse("SELECT a FROM T WHERE a = 'limit' AND b <> 'x'");
        assert!(query.filtered && !query.limited, "a quoted word is no keyword");
        assert!(parse("SELECT a FROM T limit 10").limited);
    }

    #[test]
    fn a_star_has_every_column() {
        let query = parse("SELECT * FROM T");
        assert!(query.missing(&["a"]).is_empty() && query.selects("b"));
    }

    #[test]
    fn what_is_no_single_select_is_unreadable() {
        for text in [
            "",
            "DELETE FROM T",
            "SELECT a",
            "SELECT FROM T",
            "SELECT a,, b FROM T",
            "SELECT sum(a) FROM T",
            "SELECT a FROM T JOIN U",
            "SELECT 'a FROM T",
        ] {
            assert_eq!(Query::parse(text), Err(UnreadableQuery), "{text:?}");
        }
    }
}
