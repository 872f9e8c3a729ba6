//! `awscost completion` and `awscost man`: for a shell and for `man`, from the command line's own description.

use std::{fs, path::PathBuf};

use clap::{Command, ValueEnum};
use clap_complete::Shell as Known;

use super::PLUGIN;
use crate::{
    cli::{
        inputs::unreadable::io_problem,
        terminal::print::{complain, print_out},
    },
    model::ExitCode,
};

/// The binary's own name.
const BINARY: &str = "awscost";

/// What a person types to get each script where it is looked for.
pub const EXAMPLES: &str = "\
Examples:
  source <(awscost completion bash)
  awscost completion zsh > \"${fpath[1]}/_awscost\"
  awscost completion fish > ~/.config/fish/completions/awscost.fish

For `kubectl awscost …`, put the program that kubectl asks on the PATH:

  awscost completion kubectl > /usr/local/bin/kubectl_complete-awscost
  chmod +x /usr/local/bin/kubectl_complete-awscost

Called as kubectl-awscost, it prints the script for that name.";

/// What a person types to read a page.
pub const MAN_EXAMPLES: &str = "\
Example:
  awscost man --dir ~/.local/share/man/man1
  man awscost-check";

/// Which script.
#[derive(Debug, clap::Args)]
pub struct CompletionArgs {
    /// The shell, or kubectl for the program with which kubectl completes its plugins (it needs bash).
    #[arg(value_enum, value_name = "SHELL")]
    shell: Shell,
}

/// Who completes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Shell {
    Bash,
    Elvish,
    Fish,
    Powershell,
    Zsh,
    Kubectl,
}

/// Where the pages go.
#[derive(Debug, clap::Args)]
pub struct ManArgs {
    /// The folder for the pages: one per command, under the names of the binary and of the plugin.
    #[arg(long, value_name = "DIR")]
    dir: PathBuf,
}

/// Prints a script. `plugin` is true where the binary was called by the plugin's name.
pub fn run(args: &CompletionArgs, command: &Command, plugin: bool) -> ExitCode {
    print_out(&completion_script(args.shell, command, if plugin { PLUGIN } else { BINARY }));
    ExitCode::Done
}

fn completion_script(shell: Shell, command: &Command, name: &str) -> String {
    let generated = |shell: Known, name: &str| {
        let mut text = Vec::new();
        clap_complete::generate(shell, &mut without_hidden(command), name, &mut text);
        String::from_utf8(text).expect("a script is text")
    };
    match shell {
        Shell::Bash => {
            // clap_complete spells a dash of the program's name in two ways, so that no command's options are found:
            // it gets a name without, and the line that registers the function the real one.
            let plain = name.replace('-', "_");
            generated(Known::Bash, &plain).replace(&format!(" {plain}\n"), &format!(" {name}\n"))
        }
        Shell::Elvish => generated(Known::Elvish, name),
        Shell::Fish => generated(Known::Fish, name),
        Shell::Powershell => generated(Known::PowerShell, name),
        Shell::Zsh => generated(Known::Zsh, name),
        Shell::Kubectl => for_kubectl(&generated(Known::Bash, BINARY)),
    }
}

/// The command line without its hidden commands, which the generators would offer.
fn without_hidden(command: &Command) -> Command {
    let commands = command.get_subcommands().filter(|command| !command.is_hide_set()).cloned();
    Command::new(BINARY).version(env!("CARGO_PKG_VERSION")).subcommands(commands)
}

/// The program that kubectl asks: it gets the words behind `kubectl awscost`, the one to complete last, and answers with a
/// candidate a line and what the shell shall do: 4 to add no file names, 0 to do as it likes.
fn for_kubectl(bash: &str) -> String {
    format!(
        r#"#!/usr/bin/env bash
# Completes `kubectl awscost …`: kubectl looks for this program under the name kubectl_complete-awscost.
{bash}
COMP_WORDS=({BINARY} "$@")
COMP_CWORD=$#
_{BINARY} {BINARY} "${{COMP_WORDS[COMP_CWORD]}}" "${{COMP_WORDS[COMP_CWORD - 1]}}" 2>/dev/null
if [[ ${{#COMPREPLY[@]}} -gt 0 ]]; then
    printf '%s\n' "${{COMPREPLY[@]}}" :4
else
    printf ':0\n'
fi
"#
    )
}

/// Writes the pages.
pub fn write_pages(args: &ManArgs, command: &Command) -> ExitCode {
    let plugin = command.clone().name(PLUGIN).bin_name("kubectl awscost");
    let written = fs::create_dir_all(&args.dir).and_then(|()| {
        clap_mangen::generate_to(command.clone(), &args.dir)?;
        clap_mangen::generate_to(plugin, &args.dir)
    });
    match written {
        Ok(()) => ExitCode::Done,
        Err(error) => {
            complain(&format!(
                "failed to write the pages into {}: {}",
                args.dir.display(),
                io_problem(&error)
            ));
            ExitCode::Configuration
        }
    }
}

#[cfg(test)]
mod tests {
    use std::{
        io::Write,
        process::{Command as Process, Stdio},
    };

    use clap::CommandFactory;

    use super::*;
    use crate::cli::Cli;

    /// What bash makes of a script on its standard input.
    fn bash(arguments: &[&str], script: &str) -> String {
        let mut bash = Process::new("bash")
            .args(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("bash starts");
        bash.stdin.take().expect("a pipe").write_all(script.as_bytes()).expect("bash reads");
        let output = bash.wait_with_output().expect("bash ends");
        assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).expect("UTF-8")
    }

    #[test]
    fn bash_completes_commands_options_and_choices_under_both_names() {
        for (name, function) in [(BINARY, "_awscost"), (PLUGIN, "_kubectl_awscost")] {
            let script = completion_script(Shell::Bash, &Cli::command(), name);
            bash(&["-n"], &script);
            let answer = |words: &str, last: &str, before: &str| {
                let ask = format!(
                    "{script}\nCOMP_WORDS=({name} {words} {last})\nCOMP_CWORD=$((${{#COMP_WORDS[@]}} - 1))\n\
                     {function} {name} '{last}' '{before}'\nprintf '%s\\n' \"${{COMPREPLY[@]}}\"\n"
                );
                bash(&["--norc"], &ask).lines().map(str::to_owned).collect::<Vec<_>>()
            };
            assert_eq!(answer("", "err", name), ["errors"], "{name}: a command");
            assert_eq!(answer("errors", "--fix", "errors"), ["--fix-order"], "{name}: an option");
            assert_eq!(answer("check -o", "sa", "-o"), ["sarif"], "{name}: a choice");
            assert!(!answer("", "pa", name).contains(&"page".to_owned()), "{name}: a hidden command");
        }
    }

    #[test]
    fn kubectl_gets_a_candidate_a_line_and_a_directive() {
        let script = completion_script(Shell::Kubectl, &Cli::command(), BINARY);
        bash(&["-n"], &script);
        let answer = |words: &[&str]| bash(&[&["-s", "--"][..], words].concat(), &script);
        assert_eq!(answer(&["err"]), "errors\n:4\n");
        assert_eq!(answer(&["errors", "--fix"]), "--fix-order\n:4\n");
        assert_eq!(answer(&["nonsense", "x"]), ":0\n");
    }

    #[test]
    fn every_shell_has_a_script() {
        for shell in Shell::value_variants() {
            let script = completion_script(*shell, &Cli::command(), BINARY);
            assert!(script.contains("errors") && script.contains("fix-order"), "{shell:?}:\n{script}");
        }
    }

    #[test]
    fn every_command_has_a_page_under_both_names() {
        let folder = tempfile::tempdir().expect("a folder");
        let args = ManArgs { dir: folder.path().join("man1") };
        assert_eq!(write_pages(&args, &Cli::command()), ExitCode::Done);
        let there = |name: &str| fs::read_to_string(args.dir.join(name)).unwrap_or_default();
        let commands = Cli::command();
        for command in commands.get_subcommands().filter(|command| !command.is_hide_set()) {
            for (name, called) in [(BINARY, "awscost"), (PLUGIN, "kubectl awscost")] {
                let page = there(&format!("{name}-{}.1", command.get_name()));
                let parts = [".SH NAME", ".SH SYNOPSIS", ".SH DESCRIPTION"];
                assert!(
                    parts.iter().all(|part| page.contains(part)),
                    "{name} {}:\n{page}",
                    command.get_name()
                );
                let usage = format!("\\fB{called} {}\\fR", command.get_name()).replace('-', "\\-");
                assert!(page.contains(&usage), "{usage} is not in:\n{page}");
            }
        }
        assert!(there("awscost-page.1").is_empty(), "a hidden command has no page");
        assert!(there("awscost-warehouse-probe.1").contains("test row"), "a command of a command has one");
    }

    #[test]
    fn pages_that_nobody_can_write_end_with_11() {
        let file = tempfile::NamedTempFile::new().expect("a file");
        let args = ManArgs { dir: file.path().join("man1") };
        assert_eq!(write_pages(&args, &Cli::command()), ExitCode::Configuration);
    }
}
