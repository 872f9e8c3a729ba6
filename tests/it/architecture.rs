//! The dependency direction that ARCHITECTURE.md draws, held against the sources. Its tables are the rules: what a layer may
//! name, and where other crates' types may stand.

mod names;

use std::{
    collections::{BTreeMap, BTreeSet},
    ffi::OsStr,
    fs,
    path::{Path, PathBuf},
    sync::LazyLock,
};

use names::{SourceNames, one_layer};

const PAGE: &str = include_str!("../../ARCHITECTURE.md");

/// The rows of the page's table under a heading: the first cell's name, and the names in the second.
fn table(first: &str) -> BTreeMap<&'static str, Vec<&'static str>> {
    let rows = PAGE.lines().skip_while(|line| !line.starts_with(first)).skip(2);
    let rows = rows.take_while(|line| line.starts_with('|'));
    let names = |cell: &'static str| cell.split('`').skip(1).step_by(2).collect::<Vec<_>>();
    let rows = rows.map(|row| {
        let mut cells = row.trim_matches('|').split('|').map(names);
        let (own, others) = (cells.next().unwrap_or_default(), cells.next().unwrap_or_default());
        (own[0], others)
    });
    rows.collect()
}

/// Which layers each layer may name.
fn may_name() -> BTreeMap<&'static str, Vec<&'static str>> {
    table("| layer | may name |")
}

/// Which layers may name a crate whose types must not spread.
fn confined() -> BTreeMap<&'static str, Vec<&'static str>> {
    table("| of other crates | only in |")
}

/// One file of a crate, and what it names.
struct Source {
    path: PathBuf,
    layer: String,
    text: String,
    names: SourceNames,
}

/// Every file that the product is compiled from, read once for all tests here.
static SOURCES: LazyLock<Vec<Source>> = LazyLock::new(sources);

/// The files of the package itself and of each crate under `crates/`.
fn sources() -> Vec<Source> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let crates = fs::read_dir(root.join("crates")).expect("there are crates");
    let crates = crates.map(|entry| entry.expect("crates/ is readable").path());
    let mut found = Vec::new();
    for folder in crates.chain([root.to_path_buf()]) {
        let name = folder.file_name().and_then(OsStr::to_str).unwrap_or_default();
        let layer: Vec<String> = one_layer(name).map(str::to_owned).into_iter().collect();
        follow(&folder.join("src"), &folder.join("src/lib.rs"), &layer, layer.len(), &mut found);
    }
    assert!(found.len() > 200, "only {} files were read", found.len());
    found
}

/// Reads a module's file, and those of the modules below it. `above` of its names are its crate's.
fn follow(folder: &Path, file: &Path, module: &[String], above: usize, found: &mut Vec<Source>) {
    let text = fs::read_to_string(file).unwrap_or_else(|error| unreachable!("{}: {error}", file.display()));
    let names = SourceNames::read(module, &text);
    for below in &names.modules {
        let file = folder.join(below[above..].join("/")).with_extension("rs");
        follow(folder, &file, below, above, found);
    }
    let path = file.strip_prefix(env!("CARGO_MANIFEST_DIR")).expect("below the package").to_path_buf();
    let layer = module.first().map_or("a crate's root", String::as_str).to_owned();
    found.push(Source { path, layer, text, names });
}

/// The layers that a file names and must not, with their lines.
fn wrong_layers(layer: &str, names: &SourceNames) -> Vec<String> {
    let rules = may_name();
    let Some(allowed) = rules.get(layer) else { return vec![format!("{layer} has no row")] };
    let ours =
        names.paths.iter().filter_map(|(line, path)| Some((line, path.strip_prefix("crate::")?, path)));
    ours.filter_map(|(line, below, path)| {
        let named = below.split("::").next().unwrap_or_default();
        let is_layer = rules.contains_key(named) || named == "*";
        let wrong = is_layer && named != layer && !allowed.contains(&named);
        wrong.then(|| format!("{line}: {layer} names {path}"))
    })
    .collect()
}

/// The types of other crates that a file names and must not, with their lines.
fn spread_types(layer: &str, names: &SourceNames) -> Vec<String> {
    let confined = confined();
    let begins = |path: &str, name: &str| {
        path.strip_prefix(name).is_some_and(|rest| rest.is_empty() || rest.starts_with("::"))
    };
    names
        .paths
        .iter()
        .filter(|(_, path)| {
            confined.iter().any(|(name, homes)| begins(path, name) && !homes.contains(&layer))
        })
        .map(|(line, path)| format!("{line}: {layer} names {path}"))
        .collect()
}

/// What a rule says against every file, with each file's path.
fn breaches(rule: impl Fn(&str, &SourceNames) -> Vec<String>) -> String {
    let broken = SOURCES.iter().filter(|source| source.layer != "a crate's root").flat_map(|source| {
        let place = source.path.display().to_string();
        rule(&source.layer, &source.names).into_iter().map(move |breach| format!("{place}:{breach}"))
    });
    broken.collect::<Vec<_>>().join("\n")
}

#[test]
fn layers_name_only_what_lies_below_them() {
    assert_eq!(breaches(wrong_layers), "", "these point the wrong way");
}

#[test]
fn foreign_types_stay_where_they_belong() {
    assert_eq!(breaches(spread_types), "", "these types are outside their layer");
}

/// A row that nothing needs any more would let an arrow the other way pass.
#[test]
fn the_page_draws_no_arrow_that_is_not_there() {
    let mut used: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for source in SOURCES.iter() {
        let ours = source.names.paths.iter().filter_map(|(_, path)| path.strip_prefix("crate::"));
        let named = ours.filter_map(|path| path.split("::").next()).map(str::to_owned);
        used.entry(source.layer.clone()).or_default().extend(named);
    }
    for (layer, allowed) in may_name() {
        let used = used.remove(layer).unwrap_or_default();
        let unused: Vec<_> = allowed.into_iter().filter(|name| !used.contains(*name)).collect();
        assert_eq!(unused, Vec::<&str>::new(), "{layer} names none of these");
    }
}

#[test]
fn the_arrows_make_no_circle() {
    let mut left = may_name();
    while !left.is_empty() {
        let names: Vec<&str> = left.keys().copied().collect();
        let lowest = names.iter().find(|name| !left[*name].iter().any(|below| names.contains(below)));
        let lowest = lowest.unwrap_or_else(|| unreachable!("a circle among {names:?}"));
        left.remove(lowest);
    }
}

#[test]
fn no_file_is_two_things() {
    for Source { path, text, names, .. } in SOURCES.iter() {
        let lines = names.lines_of_code(text);
        let path = path.display();
        assert!(lines <= 500, "{path} has {lines} lines without its tests: split it");
        assert!(text.starts_with("//!"), "{path} does not say in its first lines what it owns");
    }
}

/// What a file `src/model/account.rs` of this text would be told.
fn told(text: &str) -> Vec<String> {
    let names = SourceNames::read(&["model".to_owned(), "account".to_owned()], text);
    [wrong_layers("model", &names), spread_types("model", &names)].concat()
}

#[test]
fn a_name_from_above_is_refused_wherever_it_stands() {
    for (place, text) in [
        ("an import", "use crate::aws::AwsFault;"),
        (
            "a grouped import",
            "use crate::{\n    model::Reason,\n    aws::traits::{\n        Caller,\n    },\n};",
        ),
        ("a renamed import", "use crate::aws as below;"),
        ("an import of everything", "use crate::*;"),
        ("an import over super", "use super::super::aws::AwsFault;"),
        ("an import over super in a module", "mod inner {\n    use super::super::super::aws;\n}"),
        ("an import in a function", "fn f() {\n    use crate::aws::AwsFault;\n}"),
        ("a re-export", "pub use crate::aws::AwsFault;"),
        ("a type", "fn f(fault: &crate::aws::AwsFault) {}"),
        ("a type's argument", "type T = Vec<crate::aws::AwsFault>;"),
        ("an expression", "fn f() {\n    crate::aws::read();\n}"),
        (
            "a pattern",
            "fn f(x: X) {\n    match x {\n        crate::aws::X::A => {}\n        _ => {}\n    }\n}",
        ),
        ("a trait's implementation", "impl crate::aws::Reader for X {}"),
        ("a visibility", "pub(in crate::aws) fn f() {}"),
        ("a macro's argument", "fn f() {\n    println!(\"{}\", crate::aws::NAME);\n}"),
        ("a macro's text", "macro_rules! m {\n    () => { use crate::{aws, model}; };\n}"),
        ("an attribute's text", "#[serde(with = \"crate::aws::duration\")]\nstruct S;"),
        ("an attribute's path", "#[arg(value_parser = crate::aws::parse)]\nstruct S;"),
        ("what follows the tests", "#[cfg(test)]\nmod tests {}\nuse crate::aws::AwsFault;"),
        ("another crate of the workspace", "use awscost_core::aws::AwsFault;"),
        ("another crate that is a layer", "use awscost_aws::S3Source;"),
        ("a confined crate", "use delta_kernel::Engine;"),
        ("a confined type in a group", "use kube::{\n    Api,\n    Client,\n};"),
    ] {
        let told = told(text);
        assert_eq!(told.len(), 1, "{place}: {told:?}");
    }
}

#[test]
fn what_only_tests_or_comments_name_is_no_import() {
    for (place, text) in [
        ("its own layer", "use crate::model::Reason;\nuse super::region::Region;\nuse self::inner::X;"),
        ("a comment", "// crate::aws\n/// See [`crate::aws::AwsFault`].\nstruct S;"),
        ("a text", "const TEXT: &str = \"crate::aws\";"),
        ("a test module", "#[cfg(test)]\nmod tests {\n    use crate::aws::AwsFault;\n}"),
        ("a test module in its own file", "#[cfg(test)]\nmod tests;"),
        (
            "a helper of tests",
            "impl S {\n    #[cfg(test)]\n    fn f() {\n        crate::aws::read();\n    }\n}",
        ),
        ("what a confined name is only the beginning of", "use kube::{ClientError, Resource};"),
    ] {
        assert_eq!(told(text), Vec::<String>::new(), "{place}");
    }
}

#[test]
fn lines_of_tests_and_comments_are_no_code() {
    let text =
        "//! What it owns.\n\nuse a::b;\n#[cfg(test)]\nmod tests {\n    fn f() {}\n}\n// Why.\nfn g() {}\n";
    assert_eq!(SourceNames::read(&[], text).lines_of_code(text), 3);
}
