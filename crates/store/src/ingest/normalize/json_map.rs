//! Map cells of CUR 2.0 csv: a flat JSON object, its numbers kept as text so that none becomes a float.

use std::{borrow::Cow, iter::Peekable, str::CharIndices};

/// A flat JSON object of texts and numbers, read from a cell.
#[derive(Debug)]
pub(in crate::ingest) struct Json<'a> {
    text: &'a str,
    rest: Peekable<CharIndices<'a>>,
}

/// A key and its value's text; null is the empty text.
type Pair<'a> = (Cow<'a, str>, Cow<'a, str>);

impl<'a> Json<'a> {
    /// Reads `{"key":"value","other":1.5}`; the empty text is an empty object. Duplicate keys are all given.
    ///
    /// # Errors
    /// What is wrong with the text, in words.
    pub fn object(text: &'a str) -> Result<Vec<Pair<'a>>, &'static str> {
        let mut json = Self { text, rest: text.char_indices().peekable() };
        let mut pairs = Vec::new();
        json.space();
        if json.rest.peek().is_none() {
            return Ok(pairs);
        }
        json.expect('{', "it does not start with {")?;
        json.space();
        if json.take('}') {
            return json.end(pairs);
        }
        loop {
            json.space();
            let key = json.string()?;
            json.space();
            json.expect(':', "a key has no colon behind it")?;
            json.space();
            pairs.push((key, json.value()?));
            json.space();
            if json.take('}') {
                return json.end(pairs);
            }
            json.expect(',', "an entry has neither , nor } behind it")?;
        }
    }

    fn end(mut self, pairs: Vec<Pair<'a>>) -> Result<Vec<Pair<'a>>, &'static str> {
        self.space();
        if self.rest.next().is_some() { Err("something follows the last }") } else { Ok(pairs) }
    }

    fn space(&mut self) {
        while self.rest.next_if(|(_, c)| matches!(c, ' ' | '\t' | '\r' | '\n')).is_some() {}
    }

    fn take(&mut self, wanted: char) -> bool {
        self.rest.next_if(|(_, c)| *c == wanted).is_some()
    }

    fn expect(&mut self, wanted: char, problem: &'static str) -> Result<(), &'static str> {
        if self.take(wanted) { Ok(()) } else { Err(problem) }
    }

    fn at(&mut self) -> usize {
        self.rest.peek().map_or(self.text.len(), |(at, _)| *at)
    }

    fn value(&mut self) -> Result<Cow<'a, str>, &'static str> {
        if self.rest.peek().is_some_and(|(_, c)| *c == '"') {
            return self.string();
        }
        let start = self.at();
        while self.rest.next_if(|(_, c)| c.is_ascii_alphanumeric() || matches!(c, '+' | '-' | '.')).is_some()
        {
        }
        let end = self.at();
        match &self.text[start..end] {
            "null" => Ok(Cow::Borrowed("")),
            word @ ("true" | "false") => Ok(Cow::Borrowed(word)),
            number if number.starts_with(|c: char| c == '-' || c.is_ascii_digit()) => {
                Ok(Cow::Borrowed(number))
            }
            _ => Err("a value is neither text nor a number"),
        }
    }

    fn string(&mut self) -> Result<Cow<'a, str>, &'static str> {
        self.expect('"', "a key is not quoted")?;
        let start = self.at();
        while self.rest.next_if(|(_, c)| !matches!(c, '"' | '\\')).is_some() {}
        let plain = &self.text[start..self.at()];
        if self.take('"') {
            return Ok(Cow::Borrowed(plain));
        }
        let mut owned = plain.to_owned();
        loop {
            match self.rest.next() {
                Some((_, '"')) => return Ok(Cow::Owned(owned)),
                Some((_, '\\')) => owned.push(self.escape()?),
                Some((_, c)) => owned.push(c),
                None => return Err("a quote is not closed"),
            }
        }
    }

    fn escape(&mut self) -> Result<char, &'static str> {
        match self.rest.next().map(|(_, c)| c) {
            Some(c @ ('"' | '\\' | '/')) => Ok(c),
            Some('b') => Ok('\u{8}'),
            Some('f') => Ok('\u{c}'),
            Some('n') => Ok('\n'),
            Some('r') => Ok('\r'),
            Some('t') => Ok('\t'),
            Some('u') => self.unicode(),
            _ => Err("an escape is not valid JSON"),
        }
    }

    fn unicode(&mut self) -> Result<char, &'static str> {
        const BROKEN: &str = "a \\u escape is broken";
        let high = self.four_digits().ok_or(BROKEN)?;
        if !(0xd800..0xdc00).contains(&high) {
            return char::from_u32(high).ok_or(BROKEN);
        }
        let low = (self.take('\\') && self.take('u')).then(|| self.four_digits()).flatten();
        let low = low.filter(|low| (0xdc00..0xe000).contains(low)).ok_or(BROKEN)?;
        char::from_u32(0x10000 + ((high - 0xd800) << 10) + (low - 0xdc00)).ok_or(BROKEN)
    }

    fn four_digits(&mut self) -> Option<u32> {
        (0..4).try_fold(0, |number, _| Some(number * 16 + self.rest.next()?.1.to_digit(16)?))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn read(text: &str) -> Result<Vec<(String, String)>, &'static str> {
        Json::object(text).map(|pairs| {
            pairs.into_iter().map(|(key, value)| (key.into_owned(), value.into_owned())).collect()
        })
    }

    #[test]
    fn objects_as_reports_write_them() {
        for (text, expected) in [
            ("", &[][..]),
            ("{}", &[]),
            (" { } ", &[]),
            (r#"{"user_team":"a"}"#, &[("user_team", "a")]),
            (r#"{"a":"x\"\\\/\u00e9\ud83d\ude00\n","b":null}"#, &[("a", "x\"\\/é😀\n"), ("b", "")]),
            (r#"{"d" : -1.5E-7, "e":0.1}"#, &[("d", "-1.5E-7"), ("e", "0.1")]),
            (r#"{"a":"1","a":"2"}"#, &[("a", "1"), ("a", "2")]),
            (r#"{"a":true}"#, &[("a", "true")]),
        ] {
            let expected: Vec<_> = expected.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect();
            assert_eq!(read(text), Ok(expected), "{text}");
        }
    }

    #[test]
    fn anything_else_is_refused() {
        for text in [
            "[]",
            "{",
            "{}}",
            r#"{"a"}"#,
            r#"{"a":}"#,
            r#"{"a":{}}"#,
            r#"{"a":[1]}"#,
            r#"{a:"1"}"#,
            r#"{"a":"1",}"#,
            r#"{"a":"1"#,
            r#"{"a":"\x"}"#,
            r#"{"a":"\ud800"}"#,
            r#"{"a":NaN}"#,
            "null",
        ] {
            assert!(read(text).is_err(), "{text}");
        }
    }

    proptest! {
        #[test]
        fn what_serde_writes_reads_back(map in proptest::collection::btree_map(".{0,6}", ".{0,12}", 0..6)) {
            let text = serde_json::to_string(&map).expect("a map of texts");
            prop_assert_eq!(read(&text), Ok(map.into_iter().collect()));
        }
    }
}
