//! How each command ends: what `--help` and docs/cli.md say of exit codes.

/// An exit code and what it means.
pub(in crate::cli) type CodeMeaning = (u8, &'static str);

const DONE: CodeMeaning = (0, "done");
const USAGE: CodeMeaning = (2, "the command line is wrong");
const CONFIGURATION: CodeMeaning =
    (11, "the configuration is wrong: an option, a file, a permission, or something that does not exist");
const TRANSIENT: CodeMeaning = (12, "there was no answer in time, or a transient fault: try again");

/// Commands that only print.
const PRINT: &[CodeMeaning] = &[DONE, USAGE, CONFIGURATION];

/// Commands that ask somebody.
const ASK: &[CodeMeaning] = &[DONE, USAGE, CONFIGURATION, TRANSIENT];

/// Commands that open a warehouse.
const OPEN_WAREHOUSE: &[CodeMeaning] = &[
    (0, "done; for ingest also: this version was already loaded"),
    USAGE,
    (10, "the data can't be read or loaded exactly; only a new version of the data or of awscost helps"),
    CONFIGURATION,
    TRANSIENT,
    (13, "another writer or owner was first; nothing was changed"),
    (14, "data files are missing in the warehouse; ingest --force loads their months again"),
];

/// Commands that show what the cluster holds.
const SHOW: &[CodeMeaning] = &[
    (0, "done, whatever the output shows"),
    USAGE,
    (11, "the configuration is wrong: no cluster, no such object, or no permission"),
    (12, "the cluster did not answer in time"),
];

/// Commands that change objects in the cluster.
const CHANGE: &[CodeMeaning] = &[
    DONE,
    (
        1,
        "an object could not be changed; with reconcile --wait also: one is not Ready afterwards, or is suspended",
    ),
    USAGE,
    (11, "the configuration is wrong: no cluster, no such object, or no permission"),
    (12, "the cluster or the operator did not answer in time"),
];

const CHECK: &[CodeMeaning] = &[
    (
        0,
        "no findings; what only needs time (a first delivery, an external ID that the operator will create) does not count, nor do warnings without --strict",
    ),
    (1, "there are findings: something must be fixed"),
    (
        2,
        "no findings, but not everything could be checked: no awscost object, an unreadable file, no AWS identity, no answer from AWS, or a wrong command line",
    ),
];

const PREFLIGHT: &[CodeMeaning] = &[
    (0, "every check passed; from outside, every check that can run there"),
    (1, "a check failed: something must be fixed"),
    (
        2,
        "no check failed, but some could not run, because of a missing permission or answer; or the command line is wrong",
    ),
];

const SUPPORT_BUNDLE: &[CodeMeaning] = &[
    (0, "the archive was written; index.txt lists what could not be read"),
    USAGE,
    (11, "the file exists or can't be written, or the cluster can't be reached"),
    (12, "the cluster did not answer in time"),
];

/// The exit codes of a command, by its name without `awscost`, such as `warehouse probe`.
pub(in crate::cli) fn of_command(command: &str) -> &'static [CodeMeaning] {
    match command.split(' ').next().unwrap_or_default() {
        "ingest" | "warehouse" | "costs" => OPEN_WAREHOUSE,
        "onboard" | "crds" | "reasons" | "man" => PRINT,
        "completion" => &[DONE, USAGE],
        "errors" | "identity" | "status" => SHOW,
        "suspend" | "resume" | "reconcile" | "delete" => CHANGE,
        "check" => CHECK,
        "preflight" => PREFLIGHT,
        "support-bundle" => SUPPORT_BUNDLE,
        _ => ASK,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::ExitCode;

    #[test]
    fn every_way_to_end_is_told_where_it_happens() {
        let codes = |command: &str| of_command(command).iter().map(|(code, _)| *code).collect::<Vec<_>>();
        let load = [
            ExitCode::Done,
            ExitCode::Data,
            ExitCode::Configuration,
            ExitCode::Transient,
            ExitCode::Conflict,
            ExitCode::Gone,
        ];
        for exit in load {
            assert!(codes("ingest").contains(&(exit as u8)), "awscost ingest may end with {exit:?}");
            assert!(codes("warehouse probe").contains(&(exit as u8)), "a probe may end with {exit:?}");
        }
        for command in ["check", "preflight"] {
            assert_eq!(codes(command), [0, 1, 2], "{command}: good, findings, unchecked");
        }
        assert!(codes("reconcile").contains(&1), "an object may not be Ready");
    }
}
