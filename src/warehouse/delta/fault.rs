//! What the kernel and the store report, in the warehouse's words: who has to act, and a short cause that
//! carries no credential.

use std::{error::Error, io};

use delta_kernel::KernelError;

use crate::warehouse::WarehouseFault;

/// S3's codes that no second try mends: credentials, permissions, region.
const REFUSALS: [&str; 8] = [
    "AccessDenied",
    "SignatureDoesNotMatch",
    "InvalidAccessKeyId",
    "InvalidToken",
    "ExpiredToken",
    "AuthorizationHeaderMalformed",
    "PermanentRedirect",
    "AllAccessDisabled",
];

/// A fault of the store while doing `action`.
pub(super) fn of_store(action: &str, error: &object_store::Error) -> WarehouseFault {
    let refused = matches!(
        error,
        object_store::Error::PermissionDenied { .. } | object_store::Error::Unauthenticated { .. }
    );
    of_cause(action, error, refused)
}

fn of_cause(action: &str, error: &(dyn Error + 'static), refused: bool) -> WarehouseFault {
    let unusable = io_kind(error).is_some_and(|kind| {
        matches!(
            kind,
            io::ErrorKind::PermissionDenied
                | io::ErrorKind::ReadOnlyFilesystem
                | io::ErrorKind::NotADirectory
        )
    });
    let cause = short_cause(error);
    let refused = refused || REFUSALS.iter().any(|code| cause.ends_with(code));
    if refused || unusable {
        return WarehouseFault::Configuration(format!(
            "the store refuses to {action} ({cause}): check the warehouse's location, region, permissions and credentials"
        ));
    }
    if cause.contains("NoSuchBucket") {
        return WarehouseFault::Configuration("the warehouse's bucket does not exist".to_owned());
    }
    WarehouseFault::Transient { action: action.to_owned(), cause }
}

/// A fault of the kernel while doing `action` on the table at `location`.
pub(super) fn of_kernel(action: &str, location: &str, error: KernelError) -> WarehouseFault {
    match error {
        KernelError::Backtraced { source, .. } => of_kernel(action, location, *source),
        KernelError::ObjectStore(error) => of_store(action, &error),
        KernelError::Unsupported(problem) | KernelError::InvalidProtocol(problem) => {
            WarehouseFault::SchemaIncompatible { location: location.to_owned(), problem }
        }
        error => WarehouseFault::Transient { action: action.to_owned(), cause: short_cause(&error) },
    }
}

/// A fault of reading or writing files while doing `action`.
pub(super) fn of_files(action: &str, error: &(dyn Error + 'static)) -> WarehouseFault {
    let mut at = Some(error);
    while let Some(error) = at {
        // An io::Error's source is its content's source: the content itself has to be asked for.
        let content = error.downcast_ref::<io::Error>().and_then(io::Error::get_ref);
        let store = error.downcast_ref::<object_store::Error>();
        if let Some(error) = store.or_else(|| content?.downcast_ref()) {
            return of_store(action, error);
        }
        at = error.source();
    }
    of_cause(action, error, false)
}

fn io_kind(error: &(dyn Error + 'static)) -> Option<io::ErrorKind> {
    let mut at = Some(error);
    while let Some(error) = at {
        let kind = error.downcast_ref::<io::Error>().map(io::Error::kind);
        if kind.is_some_and(|kind| kind != io::ErrorKind::Other) {
            return kind;
        }
        at = error.source();
    }
    None
}

/// The innermost cause on one line. Of S3's XML answers only the code: the rest echoes key ids.
fn short_cause(error: &(dyn Error + 'static)) -> String {
    let mut innermost = error;
    let mut code = s3_code(&error.to_string());
    while let Some(source) = innermost.source() {
        innermost = source;
        code = code.or_else(|| s3_code(&source.to_string()));
    }
    if let Some(code) = code {
        return format!("S3 answered {code}");
    }
    let text = innermost.to_string();
    let line = text.lines().next().unwrap_or_default();
    line.split('<').next().unwrap_or_default().trim().chars().take(200).collect()
}

fn s3_code(text: &str) -> Option<String> {
    let (_, rest) = text.split_once("<Code>")?;
    let (code, _) = rest.split_once("</Code>")?;
    code.bytes().all(|byte| byte.is_ascii_alphanumeric()).then(|| code.chars().take(60).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn generic(source: impl Into<Box<dyn Error + Send + Sync>>) -> object_store::Error {
        object_store::Error::Generic { store: "S3", source: source.into() }
    }

    #[test]
    fn s3_answers_are_cut_to_their_code() {
        let xml = "<Error><Code>InvalidAccessKeyId</Code><AWSAccessKeyId>AKIACANARY</AWSAccessKeyId></Error>";
        let fault = of_store("list", &generic(xml)).to_string();
        assert!(fault.contains("InvalidAccessKeyId") && !fault.contains("CANARY"), "{fault}");
    }

    #[test]
    fn a_folder_that_may_not_be_written_is_the_users_to_mend() {
        let fault = of_store("write", &generic(io::Error::from(io::ErrorKind::PermissionDenied)));
        assert!(matches!(fault, WarehouseFault::Configuration(_)), "{fault}");
        let fault = of_store("write", &generic(io::Error::from(io::ErrorKind::StorageFull)));
        assert!(matches!(fault, WarehouseFault::Transient { .. }), "{fault}");
    }
}
