//! The command lines that the documentation prints are ones that this binary takes.

use std::path::{Path, PathBuf};

use clap::{CommandFactory, Parser};

use crate::cli::{
    Cli,
    manual::page::{example_lines, leaf_commands},
};

/// The pages, those in folders among them.
fn pages(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).expect("a folder");
    let paths = entries.map(|entry| entry.expect("an entry").path());
    paths
        .flat_map(|path| if path.is_dir() { pages(&path) } else { vec![path] })
        .filter(|path| path.extension().is_some_and(|extension| extension == "md"))
        .collect()
}

/// The lines of a page's code blocks, each with those that continue it.
fn code(page: &str) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    let (mut inside, mut continued) = (false, false);
    for line in page.lines().map(str::trim) {
        if line.starts_with("```") {
            inside = !inside;
        } else if inside {
            let text = line.trim_end_matches('\\');
            match lines.last_mut().filter(|_| continued) {
                Some(last) => last.push_str(text),
                None => lines.push(text.to_owned()),
            }
            continued = line.ends_with('\\');
        }
    }
    lines
}

/// The words of each command in a line, as a shell splits them.
fn commands(line: &str) -> Vec<Vec<String>> {
    let mut commands = vec![Vec::new()];
    let (mut word, mut quote) = (String::new(), None);
    for char in line.chars().chain([' ']) {
        match (char, quote) {
            ('"' | '\'', None) => quote = Some(char),
            (char, Some(open)) if char == open => quote = None,
            (' ', None) if ["|", "&&", ";"].contains(&word.as_str()) => {
                commands.push(Vec::new());
                word.clear();
            }
            (' ', None) if word.is_empty() => {}
            (' ', None) => commands.last_mut().expect("one").push(std::mem::take(&mut word)),
            _ => word.push(char),
        }
    }
    commands
}

/// What is given to the binary: neither where its output goes nor a comment.
fn arguments(words: &[String]) -> Option<Vec<&str>> {
    let words: Vec<&str> =
        words.iter().map(String::as_str).take_while(|word| !word.starts_with(['>', '#'])).collect();
    match words.as_slice() {
        ["kubectl", "awscost", ..] => Some(words[1..].to_vec()),
        ["awscost", ..] => Some(words),
        _ => None,
    }
}

/// A word with its variables filled in, of which an array is several words.
fn filled(word: &str) -> Vec<&str> {
    match word {
        "${LAKE[@]}" => vec!["--warehouse", "delta:./lake"],
        "$ISSUER" => vec!["https://oidc.eks.eu-west-1.amazonaws.com/id/ABC"],
        word if word == "ARN" || word.starts_with('$') => {
            vec!["arn:aws:iam::999988887777:role/awscost-operator"]
        }
        word => vec![word],
    }
}

/// What is wrong with the example of a command, if anything.
fn wrong_example(name: &str, command: &clap::Command) -> Option<String> {
    let block = format!("```\n{}\n```", example_lines(command).join("\n"));
    let lines: Vec<Vec<String>> = code(&block).iter().flat_map(|line| commands(line)).collect();
    let ours: Vec<Vec<&str>> = lines.iter().filter_map(|words| arguments(words)).collect();
    let own: Vec<&str> = name.split(' ').collect();
    if !ours.iter().any(|words| words[1..].starts_with(&own)) {
        return Some(format!(
            "awscost {name} has no example: #[command(after_help = \"Example:\\n  awscost {name} …\")]"
        ));
    }
    let refused = ours.into_iter().find_map(|words| Cli::try_parse_from(words).err())?;
    Some(format!("awscost {name}: {refused}"))
}

#[test]
fn every_command_has_an_example_that_it_takes() {
    let command = Cli::command();
    let wrong: Vec<String> = leaf_commands(&command)
        .into_iter()
        .filter_map(|(name, command)| wrong_example(&name, command))
        .collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn every_command_line_of_the_documentation_is_one() {
    let (mut seen, mut refused) = (0, Vec::new());
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    for path in pages(&root.join("docs")).into_iter().chain([root.join("README.md")]) {
        let page = std::fs::read_to_string(&path).expect("a page");
        // What stands before that in the README is what the demo prints.
        let page = page.split("\n## Install\n").last().unwrap_or_default();
        for words in code(page).iter().flat_map(|line| commands(line)) {
            let Some(arguments) = arguments(&words) else { continue };
            seen += 1;
            let filled = arguments.iter().flat_map(|word| filled(word));
            if let Err(error) = Cli::try_parse_from(filled) {
                refused.push(format!("{}: {}\n{error}", path.display(), arguments.join(" ")));
            }
        }
    }
    assert!(refused.is_empty(), "{}", refused.join("\n"));
    assert!(seen > 15, "only {seen} are found");
}
