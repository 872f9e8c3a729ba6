//! The wildcards of policies: `*` stands for any run of characters, `?` for exactly one, and `${*}`, `${?}` and `${$}` for
//! those three characters themselves.

/// One element of a pattern.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Token {
    AnyRun,
    AnyOne,
    Literal(char),
}

fn tokens(pattern: &str) -> Vec<Token> {
    let mut tokens = Vec::new();
    let mut rest = pattern.chars();
    while let Some(first) = rest.next() {
        let escaped = rest.as_str().strip_prefix('{').and_then(|inner| {
            let c = inner.chars().next().filter(|c| "*?$".contains(*c))?;
            inner.get(1..)?.strip_prefix('}').map(|after| (c, after))
        });
        tokens.push(match (first, escaped) {
            ('$', Some((c, after))) => {
                rest = after.chars();
                Token::Literal(c)
            }
            ('*', _) => Token::AnyRun,
            ('?', _) => Token::AnyOne,
            (c, _) => Token::Literal(c),
        });
    }
    tokens
}

/// Whether `text` matches `pattern`, case-sensitively.
///
/// Works on Unicode scalar values and backtracks to the last `*` only, so the time is at most the product of both
/// lengths whatever the pattern.
#[must_use]
pub fn matches(pattern: &str, text: &str) -> bool {
    let pattern = tokens(pattern);
    let text: Vec<char> = text.chars().collect();
    let (mut p, mut t) = (0, 0);
    let mut resume: Option<(usize, usize)> = None;
    while t < text.len() {
        match pattern.get(p) {
            Some(Token::AnyRun) => {
                resume = Some((p + 1, t));
                p += 1;
            }
            Some(Token::AnyOne) => {
                p += 1;
                t += 1;
            }
            Some(Token::Literal(c)) if *c == text[t] => {
                p += 1;
                t += 1;
            }
            _ => match resume {
                Some((after_star, from)) => {
                    resume = Some((after_star, from + 1));
                    p = after_star;
                    t = from + 1;
                }
                None => return false,
            },
        }
    }
    pattern[p..].iter().all(|token| *token == Token::AnyRun)
}

/// Whether an action such as `s3:GetObject` matches; service and operation names ignore case.
#[must_use]
pub fn matches_action(pattern: &str, action: &str) -> bool {
    matches(&pattern.to_ascii_lowercase(), &action.to_ascii_lowercase())
}

/// Whether two ARNs match part by part, as `ArnLike` and `ArnEquals` compare them: a wildcard never reaches across
/// one of the first five colons.
#[must_use]
pub fn matches_arn(pattern: &str, arn: &str) -> bool {
    let mut patterns = pattern.splitn(6, ':');
    let mut parts = arn.splitn(6, ':');
    loop {
        match (patterns.next(), parts.next()) {
            (Some(pattern), Some(part)) if matches(pattern, part) => {}
            (None, None) => return true,
            _ => return false,
        }
    }
}
