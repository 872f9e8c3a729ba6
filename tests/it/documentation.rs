//! The pages in `docs/` keep up with the vocabulary of the API, and their links lead somewhere.

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
};

use awscost::{
    model::{ConditionType, Guide, Reason, guide::page::markdown},
    telemetry::metrics::Metrics,
};

/// The checkout.
pub fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn page(path: &str) -> String {
    fs::read_to_string(root().join(path)).expect(path)
}

/// The pages at the top, the READMEs of the charts, and every page under `docs/`, by path.
fn pages() -> Vec<PathBuf> {
    let folders = ["docs", "docs/runbooks", "docs/design"]
        .map(|folder| fs::read_dir(root().join(folder)).expect(folder));
    let mut pages: Vec<PathBuf> = folders
        .into_iter()
        .flatten()
        .map(|entry| entry.expect("an entry of docs/").path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "md"))
        .collect();
    let elsewhere = [
        "README.md",
        "ARCHITECTURE.md",
        "CONTRIBUTING.md",
        "SECURITY.md",
        "charts/awscost-crds/README.md",
        "charts/awscost-operator/README.md",
    ];
    pages.extend(elsewhere.map(|path| root().join(path)));
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

/// The anchors that a page's headings have, as GitHub makes them.
fn anchors(text: &str) -> Vec<String> {
    let kept = |c: char| c.is_alphanumeric() || c == '-' || c == '_' || c == ' ';
    let heading = |line: &str| line.starts_with('#').then(|| line.trim_start_matches('#').trim().to_owned());
    text.lines()
        .filter_map(heading)
        .map(|title| title.to_lowercase().chars().filter(|c| kept(*c)).collect::<String>().replace(' ', "-"))
        .collect()
}

#[test]
fn the_page_on_reasons_is_what_the_guide_says() {
    let text = page("docs/troubleshooting.md");
    assert!(text == markdown(), "docs/troubleshooting.md has drifted: make generate");
    let anchors = anchors(&text);
    for reason in Reason::ALL {
        let anchor = reason.as_str().to_lowercase();
        assert!(anchors.contains(&anchor), "alerts link to #{anchor}, which is not on the page");
        assert_eq!(Guide::to(*reason).reason, *reason);
    }
}

#[test]
fn the_page_on_metrics_has_them_all_and_no_others() {
    let text = page("docs/metrics.md");
    let rows: Vec<Vec<&str>> = text
        .lines()
        .filter(|line| line.starts_with("| `"))
        .map(|line| line.split('|').map(str::trim).collect())
        .collect();
    let on_the_page: Vec<(String, String, String)> =
        rows.iter().map(|row| (row[1].to_owned(), row[2].to_owned(), row[3].to_owned())).collect();
    let metrics = Metrics::new("1").expect("valid metrics");
    let code = |text: &&str| format!("`{text}`");
    let registered: Vec<(String, String, String)> = metrics
        .described()
        .iter()
        .map(|metric| {
            let labels = metric.labels.iter().map(code).collect::<Vec<_>>().join(", ");
            (code(&metric.name), metric.kind.to_owned(), labels)
        })
        .collect();
    assert_eq!(on_the_page, registered, "name, type and labels: the page, and the registry");
}

#[test]
fn every_anchor_of_a_link_is_on_its_page() {
    let mut broken = Vec::new();
    for path in pages() {
        let text = fs::read_to_string(&path).expect("a page of UTF-8");
        let folder = path.parent().expect("a file lies in a folder");
        for link in links(&text) {
            let Some((file, anchor)) = link.split_once('#').filter(|_| !link.contains("://")) else {
                continue;
            };
            let target = if file.is_empty() { path.clone() } else { folder.join(file) };
            let there =
                fs::read_to_string(&target).is_ok_and(|text| anchors(&text).iter().any(|it| it == anchor));
            if !there {
                broken.push(format!("{}: {link}", path.display()));
            }
        }
    }
    assert!(broken.is_empty(), "anchors that are nowhere:\n{}", broken.join("\n"));
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
fn every_page_is_reached_from_the_index() {
    let index = root().join("docs/README.md");
    let (mut reached, mut next) = (BTreeSet::new(), vec![index.canonicalize().expect("the index")]);
    while let Some(path) = next.pop() {
        if !reached.insert(path.clone()) {
            continue;
        }
        let text = fs::read_to_string(&path).expect("a page of UTF-8");
        let folder = path.parent().expect("a file lies in a folder");
        let pages = links(&text).into_iter().filter_map(file_of).filter(|target| target.ends_with(".md"));
        next.extend(pages.filter_map(|target| folder.join(target).canonicalize().ok()));
    }
    let lost: Vec<PathBuf> = pages()
        .into_iter()
        .filter(|page| !reached.contains(&page.canonicalize().expect("it is there")))
        .collect();
    assert!(lost.is_empty(), "no link leads to these pages from docs/README.md: {lost:?}");
}

#[test]
fn links_are_found_outside_of_code_only() {
    let text = "[a](one.md), [b](two.md#part)\n```\n[c](three.md)\n```\n[d](https://example.org)[e](#here)";
    let files: Vec<&str> = links(text).into_iter().filter_map(file_of).collect();
    assert_eq!(files, ["one.md", "two.md"]);
}

/// What a person types into a Secret by a documented command is in it as it was, without the newline of a terminal or of
/// `echo`: what reads standard input is fed by `printf %s`, and a file was written by something that ends no line.
#[test]
fn no_documented_command_puts_a_newline_into_a_secret() {
    let (mut seen, mut wrong) = (0, Vec::new());
    for path in pages() {
        let text = fs::read_to_string(&path).expect("a page");
        let made = |line: &&str| line.contains("kubectl ") && line.contains(" secret ");
        for line in text.lines().filter(made).filter(|line| line.contains("--from-file=")) {
            let file = line.split("--from-file=").nth(1).unwrap_or_default();
            let file = file.split(['=', ' ']).nth(1).unwrap_or_default();
            seen += 1;
            let good = match file {
                "/dev/stdin" => line.trim_start().starts_with("printf %s "),
                // JSON, which ends as it likes.
                "\"$HOME/.docker/config.json\"" => true,
                file if file.starts_with("FILE") => line.contains("without a newline"),
                file => text.contains(&format!("tr -d ' \\n' > {file}\n")),
            };
            if !good {
                wrong.push(format!("{}: {line}", path.display()));
            }
        }
        // `echo` ends its line, whatever becomes of it.
        wrong.extend(text.lines().filter(|line| line.trim_start().starts_with("echo ")).map(str::to_owned));
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(seen > 2, "only {seen} are found");
}
