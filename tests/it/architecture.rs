//! The dependency direction that ARCHITECTURE.md draws, held against the sources.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

/// Which layers of its crate each layer may name; between crates Cargo holds the direction. `cli` and the roots of the crates
/// wire everything.
const MAY_NAME: &[(&str, &[&str])] = &[
    ("model", &[]),
    ("report", &["model"]),
    ("aws", &["model", "network", "report"]),
    ("onboarding", &["model"]),
    ("connection", &["model", "aws"]),
    ("network", &[]),
    ("schema", &["model"]),
    ("warehouse", &["model", "network", "schema"]),
    ("costs", &["model", "schema", "warehouse"]),
    ("ingest", &["model", "network", "schema", "report", "warehouse"]),
    ("api", &["model"]),
    ("telemetry", &["model"]),
    ("controller", &["model", "network", "api", "aws", "connection", "report", "telemetry"]),
];

/// Which layers may name a crate whose types must not spread.
const CONFINED: &[(&str, &[&str])] = &[
    ("aws_sdk_", &["aws"]),
    ("aws_config", &["aws"]),
    ("kube::Client", &["controller", "cli"]),
    ("arrow::", &["schema", "ingest", "warehouse", "costs"]),
    ("parquet::", &["ingest", "warehouse"]),
    ("delta_kernel", &["warehouse"]),
    ("object_store", &["warehouse"]),
    ("clap::", &["cli"]),
    ("prometheus::", &["telemetry"]),
];

/// Every source file of the program, by its path in the repository.
fn sources() -> BTreeMap<PathBuf, String> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut folders = vec![root.join("src"), root.join("crates")];
    let mut found = BTreeMap::new();
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).expect("sources are readable") {
            let path = entry.expect("sources are readable").path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let text = fs::read_to_string(&path).expect("sources are UTF-8");
                found.insert(path.strip_prefix(root).expect("below the root").to_path_buf(), text);
            }
        }
    }
    found
}

/// The layer a file belongs to: its crate where the whole crate is one, else its first folder below `src`, or its own name there.
fn layer(path: &Path) -> String {
    let parts: Vec<&str> = path.iter().filter_map(|part| part.to_str()).collect();
    let name = match parts.as_slice() {
        ["crates", name @ ("aws" | "network"), ..] => name,
        ["crates", _, _, name, ..] | ["src", name, ..] => name,
        _ => path.to_str().unwrap_or_default(),
    };
    name.trim_end_matches(".rs").to_owned()
}

/// The lines that are code: no comments, and nothing from the unit tests at the end of a file.
fn code(text: &str) -> impl Iterator<Item = (usize, &str)> {
    text.lines()
        .enumerate()
        .take_while(|(_, line)| line.trim() != "#[cfg(test)]")
        .filter(|(_, line)| !line.trim_start().starts_with("//"))
}

/// The layers that follow `crate::` in a line, with the members of a `crate::{a, b}` group on that line.
fn named_layers(line: &str) -> Vec<String> {
    line.match_indices("crate::")
        .flat_map(|(at, _)| {
            let rest = &line[at + "crate::".len()..];
            let word = |text: &str| {
                text.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect::<String>()
            };
            match rest.strip_prefix('{') {
                Some(group) => group.split(',').map(|member| word(member.trim())).collect::<Vec<_>>(),
                None => vec![word(rest)],
            }
        })
        .filter(|name| !name.is_empty())
        .collect()
}

#[test]
fn layers_name_only_what_lies_below_them() {
    let rules: BTreeMap<_, _> = MAY_NAME.iter().copied().collect();
    let mut breaches = Vec::new();
    for (path, text) in sources() {
        let own = layer(&path);
        let Some(allowed) = rules.get(own.as_str()) else { continue };
        for (line, content) in code(&text) {
            for named in named_layers(content) {
                let is_layer = rules.contains_key(named.as_str()) || named == "cli";
                if is_layer && named != own && !allowed.contains(&named.as_str()) {
                    breaches.push(format!("{}:{}: {own} names {named}", path.display(), line + 1));
                }
            }
        }
    }
    assert!(breaches.is_empty(), "imports that point the wrong way:\n{}", breaches.join("\n"));
}

#[test]
fn every_layer_has_a_rule() {
    let rules: BTreeMap<_, _> = MAY_NAME.iter().copied().collect();
    for path in sources().keys() {
        let own = layer(path);
        assert!(
            rules.contains_key(own.as_str()) || ["cli", "main", "lib"].contains(&own.as_str()),
            "{} belongs to a layer that MAY_NAME does not list",
            path.display()
        );
    }
}

#[test]
fn foreign_types_stay_where_they_belong() {
    let mut breaches = Vec::new();
    for (path, text) in sources() {
        let own = layer(&path);
        for (line, content) in code(&text) {
            for (name, homes) in CONFINED {
                if content.contains(name) && !homes.contains(&own.as_str()) {
                    breaches.push(format!("{}:{}: {own} names {name}", path.display(), line + 1));
                }
            }
        }
    }
    assert!(breaches.is_empty(), "types outside their layer:\n{}", breaches.join("\n"));
}

#[test]
fn no_file_is_two_things() {
    for (path, text) in sources() {
        let lines = code(&text).count();
        assert!(lines <= 500, "{} has {lines} lines before its tests: split it", path.display());
        assert!(text.starts_with("//!"), "{} does not say in its first lines what it owns", path.display());
    }
}
