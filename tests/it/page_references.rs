//! What sources say is on a page is there: sections of docs/aws-facts.md by number, and pages by path.
//!
//! A reference is the page's path and numbers of sections behind it (`1.6`; `4.1, 4.2`; `3.5 and 3.6`), in a comment or in
//! a text, on one line or wrapped.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::PathBuf,
};

use super::{documentation::root, ingest_place::files_below};

/// The page of facts.
const FACTS: &str = "docs/aws-facts.md";

/// A page that was never here: what it said is on [`FACTS`].
const FORMER: &str = "fact sheet";

/// Every text file below `src`, `tests`, `charts` and `deploy`, by path, but for this one, whose examples are refused.
fn sources() -> Vec<(PathBuf, String)> {
    let below =
        ["src", "crates", "tests", "charts", "deploy"].map(|folder| files_below(&root().join(folder)));
    let others = below.into_iter().flatten().filter(|path| !path.ends_with(file!()));
    // What is not UTF-8 refers to nothing.
    others.filter_map(|path| fs::read_to_string(&path).ok().map(|text| (path, text))).collect()
}

/// A text on one line: without what begins the lines of a comment, and without wrapping.
fn unwrapped(text: &str) -> String {
    let lines = text.lines().map(|line| {
        let line = line.trim_start();
        ["//!", "///", "//", "#"].iter().find_map(|mark| line.strip_prefix(mark)).unwrap_or(line).trim()
    });
    lines.collect::<Vec<_>>().join(" ")
}

/// The number of a section at the beginning of a text, `1.6` or `8`, and what follows it.
fn number(text: &str) -> Option<(&str, &str)> {
    let digits = |text: &str| text.bytes().take_while(u8::is_ascii_digit).count();
    let whole = digits(text);
    let part = text[whole..].strip_prefix('.').map_or(0, digits);
    let length = if part > 0 { whole + 1 + part } else { whole };
    (whole > 0).then(|| text.split_at(length))
}

/// The sections that references in an unwrapped text name; one that names none is empty.
fn references(text: &str) -> Vec<Vec<&str>> {
    text.match_indices(FACTS)
        .map(|(at, page)| {
            let mut rest = &text[at + page.len()..];
            let mut named = Vec::new();
            for separators in [&[" "][..]].into_iter().chain(std::iter::repeat(&[", ", " and "][..])) {
                let behind = separators.iter().find_map(|separator| rest.strip_prefix(separator));
                let Some((section, next)) = behind.and_then(number) else { break };
                named.push(section);
                rest = next;
            }
            named
        })
        .collect()
}

/// The numbers of a page's sections: headings that begin with one.
fn sections(page: &str) -> BTreeSet<&str> {
    page.lines()
        .filter_map(|line| line.strip_prefix("## ").or_else(|| line.strip_prefix("### ")))
        .filter_map(|title| number(title).map(|(number, _)| number))
        .collect()
}

/// What is wrong with the references of a source.
fn faults(text: &str, sections: &BTreeSet<&str>) -> Vec<String> {
    let text = unwrapped(text);
    let mut faults: Vec<String> = references(&text)
        .into_iter()
        .flat_map(|named| if named.is_empty() { vec!["no section"] } else { named })
        .filter(|section| !sections.contains(section))
        .map(|section| format!("{FACTS} {section}"))
        .collect();
    if text.to_lowercase().contains(FORMER) {
        faults.push(FORMER.to_owned());
    }
    faults
}

/// The sections that nothing among `used` names, neither by their own number nor by that of the chapter they belong to.
fn unused<'a>(sections: &BTreeSet<&'a str>, used: &BTreeSet<String>) -> Vec<&'a str> {
    let chapter = |section: &str| section.split('.').next().unwrap_or_default().to_owned();
    let in_use = |section: &str| {
        used.contains(section)
            || used.contains(&chapter(section))
            // A chapter is only a title over the sections that are in use.
            || (!section.contains('.') && used.iter().any(|used| chapter(used) == section))
    };
    sections.iter().copied().filter(|section| !in_use(section)).collect()
}

/// The pages below `docs/` that an unwrapped text names by their path.
fn named_pages(text: &str) -> Vec<&str> {
    let part_of_path = |c: char| c.is_ascii_alphanumeric() || "/-_.".contains(c);
    text.match_indices("docs/")
        .filter(|(at, _)| !text[..*at].ends_with(part_of_path))
        .filter_map(|(at, _)| {
            let path = text[at..].split(|c: char| !part_of_path(c)).next()?;
            path.find(".md").map(|end| &path[..end + ".md".len()])
        })
        .collect()
}

#[test]
fn every_reference_to_a_fact_of_aws_leads_to_its_section() {
    let page = fs::read_to_string(root().join(FACTS)).expect(FACTS);
    let (sections, sources) = (sections(&page), sources());
    let broken: BTreeMap<String, Vec<String>> = sources
        .iter()
        .map(|(path, text)| (path.display().to_string(), faults(text, &sections)))
        .filter(|(_, faults)| !faults.is_empty())
        .collect();
    assert!(broken.is_empty(), "references that lead nowhere: {broken:#?}");

    let texts: Vec<String> = sources.iter().map(|(_, text)| unwrapped(text)).collect();
    let named = texts.iter().flat_map(|text| references(text)).flatten();
    let used: BTreeSet<String> = named.map(str::to_owned).collect();
    assert!(used.len() > 20, "only {used:?} are found");
    let unused = unused(&sections, &used);
    assert!(unused.is_empty(), "no source relies on these sections of {FACTS} any more: {unused:?}");
}

#[test]
fn every_page_that_a_source_names_is_there() {
    // A path with a name to be put in.
    let filled_in_later = |page: &str| page == "docs/runbooks/NAME.md";
    let mut lost = BTreeSet::new();
    for (path, text) in sources() {
        for page in named_pages(&unwrapped(&text)) {
            if !filled_in_later(page) && !root().join(page).exists() {
                lost.insert(format!("{}: {page}", path.display()));
            }
        }
    }
    assert!(lost.is_empty(), "pages that are not there: {lost:#?}");
}

#[test]
fn references_are_read_as_they_are_written() {
    let cases: &[(&str, &[&[&str]])] = &[
        ("// It is so (docs/aws-facts.md 1.6).", &[&["1.6"]]),
        ("//! From docs/aws-facts.md 1.4, 2.1, 8 and 9.", &[&["1.4", "2.1", "8", "9"]]),
        ("    /// It is so (docs/aws-facts.md\n    /// 4.1, 4.2): never `*`.", &[&["4.1", "4.2"]]),
        ("# as docs/aws-facts.md 3.3: 5 of them\n#", &[&["3.3"]]),
        ("docs/aws-facts.md 1.6; docs/aws-facts.md 11, which", &[&["1.6"], &["11"]]),
        ("docs/aws-facts.md says so", &[&[]]),
        ("docs/aws-facts.md, 3.6", &[&[]]),
        ("nothing", &[]),
    ];
    for (text, expected) in cases {
        assert_eq!(references(&unwrapped(text)), *expected, "{text}");
    }
}

#[test]
fn references_that_lead_nowhere_are_refused() {
    let page = "# Facts\n\n## 1. One\n\n### 1.6 Pods\n\n#### 1.7 Too deep\n\ntext 1.8\n\n## 12. Names\n";
    let sections = sections(page);
    assert_eq!(sections, BTreeSet::from(["1", "1.6", "12"]));
    let cases: &[(&str, &[&str])] = &[
        ("// docs/aws-facts.md 1.6, 12", &[]),
        ("// docs/aws-facts.md 1.7", &["docs/aws-facts.md 1.7"]),
        ("// docs/aws-facts.md 1.6 and 1.66", &["docs/aws-facts.md 1.66"]),
        ("// docs/aws-facts.md\n// 2", &["docs/aws-facts.md 2"]),
        ("// see docs/aws-facts.md", &["docs/aws-facts.md no section"]),
        ("// see the Fact sheet 1.6", &[FORMER]),
        ("// those of the fact\n// sheet", &[FORMER]),
    ];
    for (text, expected) in cases {
        assert_eq!(faults(text, &sections), *expected, "{text}");
    }
}

#[test]
fn sections_that_nothing_relies_on_are_found() {
    let sections = BTreeSet::from(["1", "1.2", "1.3", "2", "2.1", "3"]);
    let used = |numbers: &[&str]| numbers.iter().map(|number| (*number).to_owned()).collect::<BTreeSet<_>>();
    assert_eq!(unused(&sections, &used(&["1.2", "2", "3"])), ["1.3"]);
    assert_eq!(unused(&sections, &used(&["1", "2.1"])), ["3"]);
}

#[test]
fn pages_are_found_by_their_path() {
    let text =
        "see docs/cli.md, docs/design/0001-x.md#part and docs/\n../docs/a.md target/docs/b.md docs/c.svg";
    assert_eq!(named_pages(&unwrapped(text)), ["docs/cli.md", "docs/design/0001-x.md"]);
}
