//! `docs/cli.md`: every command and its options, from the command line's own description.

use std::collections::BTreeMap;

use clap::{Arg, Command};

use crate::cli::manual::{environment::VARIABLES, exit_codes};

/// What a person should know before the tables.
const HEAD: &str = include_str!("page/head.md");
const TABLE: &str = "| Argument | Meaning | Default |\n|---|---|---|\n";

/// The page.
pub(in crate::cli) fn render_markdown(command: &Command) -> String {
    let commands = leaf_commands(command);
    let mut page = HEAD.to_owned();
    for (name, command) in &commands {
        page.push_str(&command_section(name, command));
    }
    page.push_str(&shared_options(&commands));
    page.push_str(&exit_code_table(&commands));
    page.push_str(&variable_table(&commands));
    page
}

/// Every command that does something, by its name without `awscost`.
pub(in crate::cli) fn leaf_commands(command: &Command) -> Vec<(String, &Command)> {
    let shown = command.get_subcommands().filter(|sub| !sub.is_hide_set() && sub.get_name() != "help");
    let mut found = Vec::new();
    for sub in shown {
        let below = leaf_commands(sub);
        if below.is_empty() {
            found.push((sub.get_name().to_owned(), sub));
        }
        found.extend(below.into_iter().map(|(name, leaf)| (format!("{} {name}", sub.get_name()), leaf)));
    }
    found
}

/// The arguments of a command that people see.
fn shown_arguments(command: &Command) -> impl Iterator<Item = &Arg> {
    let wanted = |arg: &&Arg| !arg.is_hide_set() && !["help", "version"].contains(&arg.get_id().as_str());
    command.get_arguments().filter(wanted)
}

/// The headings under which a command has options that others have too.
fn help_headings(command: &Command) -> Vec<&str> {
    let mut found = Vec::new();
    for heading in shown_arguments(command).filter_map(Arg::get_help_heading) {
        if !found.contains(&heading) {
            found.push(heading);
        }
    }
    found
}

/// The rows of the arguments under a heading, or of those that stand under none.
fn option_rows(command: &Command, heading: Option<&str>) -> String {
    shown_arguments(command).filter(|arg| arg.get_help_heading() == heading).map(option_row).collect()
}

fn command_section(name: &str, command: &Command) -> String {
    let about = command.get_about().map(ToString::to_string).unwrap_or_default();
    let mut text = format!("\n### `awscost {name}`\n\n{}.\n", about.trim_end_matches('.'));
    let example = example_lines(command).join("\n");
    if !example.is_empty() {
        text.push_str(&format!("\n```\n{example}\n```\n"));
    }
    let own = option_rows(command, None);
    if !own.is_empty() {
        text.push_str(&format!("\n{TABLE}{own}"));
    }
    let link = |heading: &str| format!("[{heading}](#{})", heading.to_lowercase().replace(' ', "-"));
    let also: Vec<String> = help_headings(command).into_iter().map(link).collect();
    if !also.is_empty() {
        text.push_str(&format!("\nAlso: {}.\n", also.join(", ")));
    }
    let codes: Vec<String> = exit_codes::of_command(name).iter().map(|(code, _)| code.to_string()).collect();
    text.push_str(&format!("\n[Exit codes](#exit-codes): {}.\n", codes.join(", ")));
    text
}

/// The command lines of a command's example.
pub(in crate::cli) fn example_lines(command: &Command) -> Vec<String> {
    let text = command.get_after_help().map(ToString::to_string).unwrap_or_default();
    text.lines().filter_map(|line| line.strip_prefix("  ")).map(str::to_owned).collect()
}

/// The options that several commands have, each once.
fn shared_options(commands: &[(String, &Command)]) -> String {
    let mut groups: BTreeMap<&str, (String, Vec<&str>)> = BTreeMap::new();
    for (name, command) in commands {
        for heading in help_headings(command) {
            let group =
                groups.entry(heading).or_insert_with(|| (option_rows(command, Some(heading)), Vec::new()));
            group.1.push(name);
        }
    }
    let told = |(heading, (rows, names)): (&str, (String, Vec<&str>))| {
        format!("\n### {heading}\n\nFor {}.\n\n{TABLE}{rows}", code_list(&names))
    };
    format!("\n## Shared options\n{}", groups.into_iter().map(told).collect::<String>())
}

/// The exit codes, each set once.
fn exit_code_table(commands: &[(String, &Command)]) -> String {
    let mut sets: Vec<(&[exit_codes::CodeMeaning], Vec<&str>)> = Vec::new();
    for (name, _) in commands {
        let set = exit_codes::of_command(name);
        match sets.iter_mut().find(|(there, _)| *there == set) {
            Some((_, names)) => names.push(name),
            None => sets.push((set, vec![name])),
        }
    }
    let told = |(set, names): (&[exit_codes::CodeMeaning], Vec<&str>)| {
        let rows: String =
            set.iter().map(|(code, meaning)| format!("| {code} | {} |\n", as_sentence(meaning))).collect();
        format!("\nOf {}:\n\n| Code | Meaning |\n|---|---|\n{rows}", code_list(&names))
    };
    format!("\n## Exit codes\n{}", sets.into_iter().map(told).collect::<String>())
}

fn variable_table(commands: &[(String, &Command)]) -> String {
    let mut text =
        "\n## Environment variables\n\n| Variable | Meaning | Read by |\n|---|---|---|\n".to_owned();
    for variables in VARIABLES {
        let read = |(name, command): &&(String, &Command)| variables.are_read_by(name, command);
        let readers: Vec<&str> = commands.iter().filter(read).map(|(name, _)| name.as_str()).collect();
        let readers =
            if readers.len() == commands.len() { "every command".to_owned() } else { code_list(&readers) };
        text.push_str(&format!("| {} | {} | {readers} |\n", code_list(variables.names), variables.meaning));
    }
    text
}

fn code_list(names: &[&str]) -> String {
    names.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ")
}

fn as_sentence(text: &str) -> String {
    let mut chars = text.chars();
    let first = chars.next().map(|first| first.to_uppercase().to_string()).unwrap_or_default();
    format!("{first}{}.", chars.as_str())
}

fn option_row(arg: &Arg) -> String {
    let takes = arg.get_action().takes_values();
    let value = arg.get_value_names().filter(|_| takes).map(|names| names.join(" "));
    let choices: Vec<String> =
        arg.get_possible_values().iter().map(|value| format!("`{}`", value.get_name())).collect();
    let mut names: Vec<String> = Vec::new();
    names.extend(arg.get_short().map(|short| format!("`-{short}`")));
    names.extend(arg.get_long().map(|long| format!("`--{long}`")));
    let mut name = names.join(", ");
    // An argument without a name of its own is called by its value's.
    if takes && (choices.is_empty() || name.is_empty()) {
        let value = value.unwrap_or_else(|| arg.get_id().to_string().to_uppercase());
        name = if name.is_empty() { format!("`{value}`") } else { format!("{name} `{value}`") };
    }
    let mut help = arg.get_help().map(ToString::to_string).unwrap_or_default();
    if !help.is_empty() && !help.ends_with('.') {
        help.push('.');
    }
    if takes && !choices.is_empty() {
        help.push_str(&format!(" One of {}.", choices.join(", ")));
    }
    if let Some(variable) = arg.get_env() {
        help.push_str(&format!(" Or the environment variable `{}`.", variable.to_string_lossy()));
    }
    let defaults: Vec<String> =
        arg.get_default_values().iter().map(|value| format!("`{}`", value.to_string_lossy())).collect();
    let default = match (arg.is_required_set(), takes) {
        (true, _) => "required".to_owned(),
        (false, true) => defaults.join(", "),
        (false, false) => String::new(),
    };
    format!("| {name} | {} | {default} |\n", help.replace('|', "\\|").replace('\n', " "))
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;
    use crate::cli::Cli;

    #[test]
    fn a_group_of_shared_options_is_the_same_in_every_command() {
        let command = Cli::command();
        let commands = leaf_commands(&command);
        let mut seen: BTreeMap<&str, String> = BTreeMap::new();
        for (name, command) in &commands {
            for heading in help_headings(command) {
                let here = option_rows(command, Some(heading));
                let first = seen.entry(heading).or_insert_with(|| here.clone());
                assert_eq!(*first, here, "{heading} of awscost {name}");
            }
        }
    }

    #[test]
    fn an_option_of_many_commands_stands_under_a_heading() {
        let command = Cli::command();
        let mut counts: BTreeMap<String, usize> = BTreeMap::new();
        for (_, command) in leaf_commands(&command) {
            for line in option_rows(command, None).lines().filter(|line| !line.starts_with("| `-o`")) {
                *counts.entry(line.to_owned()).or_default() += 1;
            }
        }
        let repeated: Vec<&String> = counts
            .iter()
            .filter(|(line, count)| **count > 4 && !line.starts_with("| `NAME`"))
            .map(|(line, _)| line)
            .collect();
        assert_eq!(
            repeated,
            Vec::<&String>::new(),
            "give these options a help_heading, so that the page has them once"
        );
    }
}
