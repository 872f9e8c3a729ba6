//! `docs/cli.md`: every command and its options, from the command line's own description.

use clap::{Arg, Command};

/// What a person should know before the tables.
const HEAD: &str = include_str!("page/head.md");

/// The page.
pub(super) fn markdown(command: &Command) -> String {
    let mut page = HEAD.to_owned();
    for sub in shown(command) {
        told(sub, "awscost", &mut page);
    }
    page
}

fn shown(command: &Command) -> impl Iterator<Item = &Command> {
    command.get_subcommands().filter(|sub| !sub.is_hide_set() && sub.get_name() != "help")
}

fn told(command: &Command, parent: &str, page: &mut String) {
    let name = format!("{parent} {}", command.get_name());
    let about = command.get_about().map(ToString::to_string).unwrap_or_default();
    let subs: Vec<&Command> = shown(command).collect();
    if subs.is_empty() {
        page.push_str(&format!("\n### `{name}`\n\n{about}.\n\n"));
        page.push_str("| Argument | Meaning | Default |\n|---|---|---|\n");
        let wanted = |arg: &&Arg| !arg.is_hide_set() && !["help", "version"].contains(&arg.get_id().as_str());
        command.get_arguments().filter(wanted).for_each(|arg| page.push_str(&row(arg)));
    }
    for sub in subs {
        told(sub, &name, page);
    }
}

fn row(arg: &Arg) -> String {
    let takes = arg.get_action().takes_values();
    let value = arg.get_value_names().filter(|_| takes).map(|names| names.join(" "));
    let choices: Vec<String> =
        arg.get_possible_values().iter().map(|value| format!("`{}`", value.get_name())).collect();
    let mut names: Vec<String> = Vec::new();
    names.extend(arg.get_short().map(|short| format!("`-{short}`")));
    names.extend(arg.get_long().map(|long| format!("`--{long}`")));
    let mut name = names.join(", ");
    if takes && choices.is_empty() {
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
