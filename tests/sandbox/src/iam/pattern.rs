//! The wildcards of policies: `*` stands for any run of characters, `?` for exactly one.

/// Whether `text` matches `pattern`, case-sensitively.
///
/// Works on Unicode scalar values and backtracks to the last `*` only, so the time is at most the product of both
/// lengths whatever the pattern.
#[must_use]
pub fn matches(pattern: &str, text: &str) -> bool {
    let pattern: Vec<char> = pattern.chars().collect();
    let text: Vec<char> = text.chars().collect();
    let (mut p, mut t) = (0, 0);
    let mut resume: Option<(usize, usize)> = None;
    while t < text.len() {
        match pattern.get(p) {
            Some('*') => {
                resume = Some((p + 1, t));
                p += 1;
            }
            Some(c) if *c == '?' || *c == text[t] => {
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
    pattern[p..].iter().all(|c| *c == '*')
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
