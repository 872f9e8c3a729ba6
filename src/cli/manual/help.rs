//! The command line as people see it: clap's description, and below each command its example, its exit codes and the
//! environment it reads.

use clap::Command;

use crate::cli::{
    manual::{
        environment::{VARIABLES, Variables},
        exit_codes,
    },
    terminal::wrap::wrap_text,
};

/// Adds what clap can't know to each command. What a command has as `after_help` is its example, and stays first.
pub(in crate::cli) fn with_help(command: Command) -> Command {
    let all: Vec<&Variables> = VARIABLES.iter().collect();
    let text = format!(
        "{}\n\nEach command's --help has an example, its exit codes and what it reads.",
        list_variables(&all)
    );
    command.after_help(text).mut_subcommands(|sub| with_help_below(sub, ""))
}

fn with_help_below(command: Command, parent: &str) -> Command {
    let name = format!("{parent} {}", command.get_name()).trim_start().to_owned();
    if command.has_subcommands() {
        return command.mut_subcommands(|sub| with_help_below(sub, &name));
    }
    let read: Vec<&Variables> =
        VARIABLES.iter().filter(|variables| variables.are_read_by(&name, &command)).collect();
    let example = command.get_after_help().map(ToString::to_string).unwrap_or_default();
    let text = [example.trim_end(), &list_exit_codes(&name), &list_variables(&read)].join("\n\n");
    command.after_help(text.trim().to_owned())
}

fn list_exit_codes(name: &str) -> String {
    let line =
        |(code, meaning): &exit_codes::CodeMeaning| wrap_text(meaning, &format!("  {code:<3}"), "     ");
    format!("Exit codes:\n{}", exit_codes::of_command(name).iter().map(line).collect::<String>().trim_end())
}

fn list_variables(variables: &[&Variables]) -> String {
    let each = |variables: &&Variables| {
        format!(
            "{}{}",
            wrap_text(&variables.names.join(", "), "  ", "  "),
            wrap_text(variables.meaning, "      ", "      ")
        )
    };
    format!("Environment variables:\n{}", variables.iter().map(each).collect::<String>().trim_end())
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;
    use crate::cli::Cli;

    fn help(path: &[&str]) -> String {
        let mut command = with_help(Cli::command());
        for name in path {
            command = command.find_subcommand(name).expect("a command").clone();
        }
        command.render_help().to_string()
    }

    #[test]
    fn help_has_the_example_the_exit_codes_and_the_environment() {
        let costs = help(&["costs"]);
        for part in
            ["Example:\n  awscost costs ", "Exit codes:\n  0  done", "\n  11 the conf", "AWS_ROLE_ARN"]
        {
            assert!(costs.contains(part), "{part:?} is missing:\n{costs}");
        }
        let (_, variables) = costs.split_once("Environment variables:").expect("a list of variables");
        assert!(!variables.contains("AWS_PROFILE"), "no warehouse is opened as that profile:\n{costs}");
        assert!(help(&[]).contains("AWSCOST_EXTERNAL_ID"), "{}", help(&[]));
        assert!(help(&["onboard", "trust"]).contains("AWSCOST_EXTERNAL_ID"));
    }

    #[test]
    fn no_line_below_the_options_is_wider_than_a_terminal() {
        let mut wide = Vec::new();
        let mut waiting = vec![with_help(Cli::command())];
        while let Some(command) = waiting.pop() {
            let text = command.get_after_help().map(ToString::to_string).unwrap_or_default();
            wide.extend(text.lines().filter(|line| line.chars().count() > 80).map(str::to_owned));
            waiting.extend(command.get_subcommands().cloned());
        }
        assert_eq!(wide, Vec::<String>::new(), "break examples with a backslash");
    }
}
