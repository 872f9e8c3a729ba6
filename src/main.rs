//! The `awscost` binary: parses the command line and runs one command.

fn main() -> std::process::ExitCode {
    awscost::cli::run()
}
