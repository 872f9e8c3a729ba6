//! Why a file can't be read, in a person's words and without its content.

use std::io;

/// The problem.
pub(in crate::cli) fn io_problem(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::NotFound => "there is no such file or folder".to_owned(),
        kind => kind.to_string(),
    }
}
