//! The pages in `docs/` keep up with the vocabulary of the API, and their links lead somewhere.

use std::{
    fs,
    path::{Path, PathBuf},
};

use awscost::model::{ConditionType, Reason};

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn page(path: &str) -> String {
    fs::read_to_string(root().join(path)).expect(path)
}

/// The README and every page right under `docs/`, by path.
fn pages() -> Vec<PathBuf> {
    let folder = fs::read_dir(root().join("docs")).expect("docs/ is there");
    let mut pages: Vec<PathBuf> = folder
        .map(|entry| entry.expect("an entry of docs/").path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "md"))
        .collect();
    pages.push(root().join("README.md"));
    pages.sort();
    pages
}

/// The targets of a page's inline links, outside of code blocks.
fn links(text: &str) -> Vec<&str> {
    let mut in_code = false;
    let mut found = Vec::new();
    for line in text.lines() {
        if line.trim_start().starts_with("```") {
            in_code = !in_code;
        } else if !in_code {
            let targets = line.split("](").skip(1);
            found.extend(targets.filter_map(|rest| rest.split_once(')')).map(|(target, _)| target));
        }
    }
    found
}

/// The file a link names; `None` for one to another site or within its own page.
fn file_of(link: &str) -> Option<&str> {
    let elsewhere = link.contains("://") || link.starts_with("mailto:");
    let path = link.split('#').next().unwrap_or_default();
    (!elsewhere && !path.is_empty()).then_some(path)
}

#[test]
fn every_reason_has_its_place_in_troubleshooting() {
    let text = page("docs/troubleshooting.md");
    let missing: Vec<&str> = Reason::ALL
        .iter()
        .copied()
        .map(Reason::as_str)
        .filter(|name| !text.contains(&format!("`{name}`")))
        .collect();
    assert!(missing.is_empty(), "docs/troubleshooting.md says nothing of {missing:?}");
}

#[test]
fn every_condition_is_on_the_page_of_a_kind() {
    let text = page("docs/awscostaccount.md") + &page("docs/costwarehouse.md");
    let missing: Vec<&str> = ConditionType::ALL
        .iter()
        .copied()
        .map(ConditionType::as_str)
        .filter(|name| !text.contains(&format!("`{name}`")))
        .collect();
    assert!(missing.is_empty(), "the pages of the kinds say nothing of {missing:?}");
}

#[test]
fn every_relative_link_leads_to_a_file() {
    let mut broken = Vec::new();
    for path in pages() {
        let text = fs::read_to_string(&path).expect("a page of UTF-8");
        let folder = path.parent().expect("a file lies in a folder");
        for target in links(&text).into_iter().filter_map(file_of) {
            if !folder.join(target).exists() {
                broken.push(format!("{}: {target}", path.display()));
            }
        }
    }
    assert!(broken.is_empty(), "links that lead nowhere:\n{}", broken.join("\n"));
}

#[test]
fn links_are_found_outside_of_code_only() {
    let text = "[a](one.md), [b](two.md#part)\n```\n[c](three.md)\n```\n[d](https://example.org)[e](#here)";
    let files: Vec<&str> = links(text).into_iter().filter_map(file_of).collect();
    assert_eq!(files, ["one.md", "two.md"]);
}
